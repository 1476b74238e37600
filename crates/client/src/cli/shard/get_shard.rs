// SPDX-License-Identifier: Apache-2.0
use crate::cli::{context::Context, output::Printed};
use anyhow::Result;
use clap::Args;

/// Print the worker's shard in base58, as the worker says; it need not be the shard that you mean
#[derive(Args, Debug)]
pub(in crate::cli) struct GetShard {}

impl GetShard {
    pub(in crate::cli) async fn run(&self, context: &Context<'_>) -> Result<()> {
        let shard = context.stranger().await?.ask_shard().await?;
        context.observer.print(&Printed::text(shard.to_string()));
        Ok(())
    }
}
