// SPDX-License-Identifier: Apache-2.0
use crate::{
    account::AccountText,
    cli::{context::Context, output::Printed},
    keystore::Keystore,
    workflow,
};
use anyhow::Result;
use clap::Args;
use serde_json::json;

/// List an account's own operations, newest first
///
/// What a worker remembers of about a day: the block, the operation's hash, and what became of it. It is told to the
/// account alone. What an operation did is printed by `result`, checked against the chain.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  offstage trusted history //Alice
  offstage trusted history --limit 1 --output json //Bob")]
pub(in crate::cli) struct History {
    /// List so many at most
    #[arg(long, default_value_t = 25, value_name = "NUMBER")]
    limit: usize,
    /// Whose operations; its secret must be here
    account: AccountText,
}

impl History {
    pub(in crate::cli) async fn run(&self, context: &Context<'_>) -> Result<()> {
        let pin = context.pin()?;
        let owner = context.key(&self.account, &Keystore::of_shard(&pin.identifier()))?;
        let (_, mut worker) = context.worker(&pin).await?;
        let entries = workflow::history_of(&mut worker, &owner, self.limit).await?;
        let all = entries.iter().map(|entry| {
            let (block, operation, outcome) = (entry.block_number, entry.operation, entry.outcome);
            let json = json!({
                "block": block,
                "operation": format!("{operation:?}"),
                "outcome": outcome.code(),
                "text": outcome.to_string(),
            });
            (format!("{block:>8}  {operation:?}  {outcome}"), json)
        });
        context.observer.print(&Printed::list(all));
        Ok(())
    }
}
