// SPDX-License-Identifier: Apache-2.0
use crate::{
    account::AccountText,
    amount::parse_amount,
    cli::{context::Context, shard::conclude},
    keystore::Keystore,
    workflow,
};
use anyhow::Result;
use clap::Args;
use offstage_primitives::ShardIdentifier;
use serde_json::json;

/// Move funds from a public account to an incognito account of a shard
///
/// The chain sees who pays, how much and to which shard, but not for whom. The command ends when a worker has
/// credited the funds, and prints the operation's hash.
#[derive(Args, Debug)]
pub(in crate::cli) struct ShieldFunds {
    /// Who pays, on the parentchain
    from: AccountText,
    /// Who receives, in the shard
    to: AccountText,
    /// How much
    #[arg(value_parser = parse_amount)]
    amount: u128,
    /// The shard, in base58, as you have it from its operator [default: --shard or the profile's]
    #[arg(value_name = "SHARD")]
    of_shard: Option<ShardIdentifier>,
}

impl ShieldFunds {
    pub(in crate::cli) async fn run(&self, context: &Context<'_>) -> Result<()> {
        let pin = context.pin_of(self.of_shard)?;
        let payer = context.key(&self.from, &Keystore::parentchain())?;
        let beneficiary = context.recipient(&self.to)?;
        let (chain, worker) = context.worker(&pin).await?;
        let address = &context.worker;
        let observer = context.observer;
        let completed =
            workflow::shield_funds(&chain, address, worker, &beneficiary, self.amount, &payer, observer)
                .await?;
        conclude(context, &completed, json!({}))
    }
}
