// SPDX-License-Identifier: Apache-2.0
use crate::cli::{context::Context, report::show_workers};
use anyhow::Result;
use clap::Args;

/// List the enclaves that are registered on the parentchain
#[derive(Args, Debug)]
pub(in crate::cli) struct ListWorkers {}

impl ListWorkers {
    pub(in crate::cli) async fn run(&self, context: &Context<'_>) -> Result<()> {
        let chain = context.chain().await?;
        let (enclaves, prefix) = (chain.enclaves().await?, chain.ss58_prefix().await);
        context.observer.print(&show_workers(&enclaves, prefix));
        Ok(())
    }
}
