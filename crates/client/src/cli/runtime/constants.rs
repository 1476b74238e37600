// SPDX-License-Identifier: Apache-2.0
use super::{Output, runtime};
use crate::{
    cli::context::Context,
    shard_runtime::{Shown, render},
};
use anyhow::Result;
use clap::Args;
use serde_json::Value;

/// Print the constants of the shard's runtime
#[derive(Args, Debug)]
pub(in crate::cli) struct Constants {
    /// The form of the answer
    #[arg(long, value_enum, default_value_t)]
    output: Output,
    /// Of this pallet alone
    pallet: Option<String>,
}

impl Constants {
    pub(in crate::cli) async fn run(&self, context: &Context<'_>) -> Result<()> {
        let (_, _, runtime) = runtime(context).await?;
        let constants = runtime.constants(self.pallet.as_deref())?;
        match self.output {
            Output::Text => {
                let lines = constants.iter().map(|(name, value)| format!("{name}: {}", render(value)));
                context.observer.result(&lines.collect::<Vec<_>>().join("\n"));
            }
            Output::Json => {
                let all = constants.into_iter().map(|(name, Shown(value))| (name, value)).collect();
                context.observer.result(&Value::Object(all).to_string());
            }
        }
        Ok(())
    }
}
