// SPDX-License-Identifier: Apache-2.0
use crate::cli::{context::Context, output::Printed};
use anyhow::Result;
use clap::Args;

/// Print the metadata of the parentchain (hex of SCALE)
#[derive(Args, Debug)]
pub(in crate::cli) struct PrintMetadata {}

impl PrintMetadata {
    pub(in crate::cli) async fn run(&self, context: &Context<'_>) -> Result<()> {
        let metadata = context.chain().await?.metadata().await?;
        context.observer.print(&Printed::text(format!("0x{}", hex::encode(metadata))));
        Ok(())
    }
}
