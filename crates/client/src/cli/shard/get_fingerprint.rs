// SPDX-License-Identifier: Apache-2.0
use crate::cli::context::Context;
use anyhow::Result;
use clap::Args;
use offstage_primitives::shard::base58;

/// Print the worker's MRENCLAVE in base58
#[derive(Args, Debug)]
pub(in crate::cli) struct GetFingerprint {}

impl GetFingerprint {
    pub(in crate::cli) async fn run(&self, context: &Context<'_>) -> Result<()> {
        let fingerprint = context.stranger().await?.ask_fingerprint().await?;
        context.observer.result(&base58(&fingerprint));
        Ok(())
    }
}
