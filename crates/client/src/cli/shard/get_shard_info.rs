// SPDX-License-Identifier: Apache-2.0
use crate::cli::{chain::show_shards, context::Context};
use anyhow::Result;
use clap::Args;

/// Print what the chain knows of the shard that you mean: the code it allows, its enclaves, its funds
///
/// It is what `list-shards` prints, of one shard.
#[derive(Args, Debug)]
pub(in crate::cli) struct GetShardInfo {}

impl GetShardInfo {
    pub(in crate::cli) async fn run(&self, context: &Context<'_>) -> Result<()> {
        let shard = context.pin()?.identifier();
        let chain = context.chain().await?;
        let (mut shards, prefix) = (chain.shards().await?, chain.ss58_prefix().await);
        shards.shards.retain(|found| found.shard == shard);
        context.observer.print(&show_shards(&shards, prefix));
        Ok(())
    }
}
