// SPDX-License-Identifier: Apache-2.0
use super::succeed;
use crate::{
    cli::{context::Context, options::parse_hash, output::Printed},
    workflow,
};
use anyhow::Result;
use clap::Args;
use offstage_primitives::H256;
use serde_json::json;

/// Print what became of an operation, checked against the root on chain
#[derive(Args, Debug)]
pub(in crate::cli) struct GetReceipt {
    /// The operation's hash, as the operation's command printed it
    #[arg(value_parser = parse_hash)]
    operation: H256,
}

impl GetReceipt {
    pub(in crate::cli) async fn run(&self, context: &Context<'_>) -> Result<()> {
        // An operation may be executed in more than one shard, so its outcome in a stranger's says nothing.
        let (chain, mut worker) = context.worker(&context.pin()?).await?;
        let settled = workflow::receipt_of(&chain, &mut worker, self.operation, context.observer).await?;
        let receipt = &settled.receipt;
        let text = format!(
            "operation: {:?}\nblock: {} {:?}\nroot: {:?}\nposition: {} of {}\n{}",
            self.operation,
            receipt.block_number,
            receipt.block_hash,
            settled.root,
            receipt.index + 1,
            receipt.leaf_count - 1,
            receipt.leaf.outcome,
        );
        let json = json!({
            "operation": format!("{:?}", self.operation),
            "block": { "number": receipt.block_number, "hash": format!("{:?}", receipt.block_hash) },
            "root": format!("{:?}", settled.root),
            "position": receipt.index + 1,
            "of": receipt.leaf_count - 1,
            "outcome": receipt.leaf.outcome.code(),
            "text": receipt.leaf.outcome.to_string(),
        });
        context.observer.print(&Printed::new(text, json));
        succeed(receipt.leaf.outcome)
    }
}
