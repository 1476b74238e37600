// SPDX-License-Identifier: Apache-2.0
use crate::cli::{context::Context, output::Printed};
use anyhow::Result;
use clap::Args;

/// Print the worker's MRENCLAVE in base58
#[derive(Args, Debug)]
pub(in crate::cli) struct GetFingerprint {}

impl GetFingerprint {
    pub(in crate::cli) async fn run(&self, context: &Context<'_>) -> Result<()> {
        let measurement = context.stranger().await?.ask_measurement().await?;
        context.observer.print(&Printed::text(measurement.to_string()));
        Ok(())
    }
}
