// SPDX-License-Identifier: Apache-2.0
use crate::cli::{context::Context, output::Printed};
use anyhow::Result;
use clap::Args;

/// Print the metadata of the worker's business logic (hex of SCALE)
#[derive(Args, Debug)]
pub(in crate::cli) struct PrintSgxMetadata {}

impl PrintSgxMetadata {
    pub(in crate::cli) async fn run(&self, context: &Context<'_>) -> Result<()> {
        let metadata = context.stranger().await?.metadata().await?;
        context.observer.print(&Printed::text(format!("0x{}", hex::encode(metadata))));
        Ok(())
    }
}
