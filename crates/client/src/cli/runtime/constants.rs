// SPDX-License-Identifier: Apache-2.0
use super::runtime;
use crate::{
    cli::{context::Context, output::Printed},
    shard_runtime::{Shown, render},
};
use anyhow::Result;
use clap::Args;
use serde_json::Value;

/// Print the constants of the shard's runtime
#[derive(Args, Debug)]
pub(in crate::cli) struct Constants {
    /// Of this pallet alone
    pallet: Option<String>,
}

impl Constants {
    pub(in crate::cli) async fn run(&self, context: &Context<'_>) -> Result<()> {
        let (_, _, runtime) = runtime(context).await?;
        let constants = runtime.constants(self.pallet.as_deref())?;
        let lines = constants.iter().map(|(name, value)| format!("{name}: {}", render(value)));
        let text = lines.collect::<Vec<_>>().join("\n");
        let all = constants.into_iter().map(|(name, Shown(value))| (name, value)).collect();
        context.observer.print(&Printed::new(text, Value::Object(all)));
        Ok(())
    }
}
