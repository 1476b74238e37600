// SPDX-License-Identifier: Apache-2.0
use crate::cli::{context::Context, output::Printed};
use anyhow::Result;
use clap::Args;

/// Print the worker's version
#[derive(Args, Debug)]
pub(in crate::cli) struct Version {}

impl Version {
    pub(in crate::cli) async fn run(&self, context: &Context<'_>) -> Result<()> {
        let version = context.stranger().await?.version().await?;
        context.observer.print(&Printed::text(version));
        Ok(())
    }
}
