// SPDX-License-Identifier: Apache-2.0
use crate::{
    account::AccountText,
    amount::parse_amount,
    cli::{context::Context, shard::invoke},
};
use anyhow::Result;
use clap::Args;
use offstage_balances_interface::{Getter, TrustedCall};

/// Move funds from an incognito account to a public one; prints the operation's hash
#[derive(Args, Debug)]
pub(in crate::cli) struct UnshieldFunds {
    /// Who pays, in the shard
    from: AccountText,
    /// Who receives, on the parentchain
    to: AccountText,
    /// How much
    #[arg(value_parser = parse_amount)]
    amount: u128,
    /// Through the pallet EnclaveBridge. It is the only way here, and the flag changes nothing: Integritee's later
    /// clients ask for it
    #[arg(short = 'e', long)]
    enclave_bridge: bool,
}

impl UnshieldFunds {
    pub(in crate::cli) async fn run(&self, context: &Context<'_>, payer: &AccountText) -> Result<()> {
        let from = context.account(&self.from)?;
        let to = context.recipient(&self.to)?;
        invoke::<_, Getter>(context, from, payer, |from, shard| {
            TrustedCall::BalanceUnshield(from, to, self.amount, shard)
        })
        .await
    }
}
