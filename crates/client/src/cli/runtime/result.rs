// SPDX-License-Identifier: Apache-2.0
use super::runtime;
use crate::{
    account::AccountText,
    cli::{context::Context, options::parse_hash, output::Printed},
    keystore::Keystore,
    shard_runtime::{ShownResult, render},
    workflow::{self, CheckedResult, Settled},
};
use anyhow::Result;
use clap::Args;
use offstage_primitives::H256;
use serde_json::{Value as Json, json};

/// Print what only its sender may know of an operation, checked against the root on chain
///
/// Why it was refused, by the pallet's own name for the error, what it emitted, and what it cost. A worker tells it for
/// about a day, to the account that signed; of a shielding, to the account that was credited.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  offstage trusted result <hash that the operation printed>
  offstage trusted result --as //Bob --output json <hash>")]
pub(in crate::cli) struct OperationResult {
    /// Who signed the operation
    #[arg(long = "as", default_value = "//Alice", value_name = "ACCOUNT")]
    owner: AccountText,
    /// The operation's hash, as the operation's command printed it
    #[arg(value_parser = parse_hash)]
    operation: H256,
}

impl OperationResult {
    pub(in crate::cli) async fn run(&self, context: &Context<'_>) -> Result<()> {
        let shard = context.pin()?.identifier();
        let owner = context.key(&self.owner, &Keystore::of_shard(&shard))?;
        let (chain, mut worker, runtime) = runtime(context).await?;
        let observer = context.observer;
        let checked = workflow::result_of(&chain, &mut worker, self.operation, &owner, observer).await?;
        let shown = runtime.show_result(&checked.result)?;
        context.observer.print(&Printed::new(text(&checked, &shown), json(&checked, &shown)));
        Ok(())
    }
}

fn text(
    CheckedResult { settled: Settled { receipt, root }, .. }: &CheckedResult,
    shown: &ShownResult,
) -> String {
    let (ref_time, proof_size) = shown.weight;
    let mut lines = vec![
        format!("operation: {:?}", receipt.leaf.operation),
        format!("block: {} {:?}", receipt.block_number, receipt.block_hash),
        format!("root: {root:?}"),
        format!("weight: {ref_time} ps, {proof_size} bytes of proof"),
    ];
    lines.extend(events(shown));
    lines.extend(shown.refusal.as_ref().map(|refusal| format!("refusal: {refusal}")));
    lines.push(receipt.leaf.outcome.to_string());
    lines.join("\n")
}

/// A line for each event.
pub(super) fn events(shown: &ShownResult) -> Vec<String> {
    let mut lines: Vec<String> = shown
        .events
        .iter()
        .map(|(name, fields)| match &fields.0 {
            Json::Null => format!("event: {name}"),
            Json::Object(_) | Json::Array(_) => format!("event: {name} {}", fields.0),
            _ => format!("event: {name} {}", render(fields)),
        })
        .collect();
    if shown.omitted_events > 0 {
        lines.push(format!("and {} more events, which no worker keeps", shown.omitted_events));
    }
    lines
}

fn json(
    CheckedResult { settled: Settled { receipt, root }, .. }: &CheckedResult,
    shown: &ShownResult,
) -> Json {
    let mut object = shown.json();
    object["operation"] = json!(format!("{:?}", receipt.leaf.operation));
    object["block"] = json!({ "number": receipt.block_number, "hash": format!("{:?}", receipt.block_hash) });
    object["root"] = json!(format!("{root:?}"));
    object["outcome"] = json!(receipt.leaf.outcome.code());
    object["text"] = json!(receipt.leaf.outcome.to_string());
    object
}
