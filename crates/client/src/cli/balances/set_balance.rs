// SPDX-License-Identifier: Apache-2.0
use crate::{
    account::{AccountText, NamedAccount},
    amount::parse_amount,
    cli::{context::Context, shard::invoke},
};
use anyhow::Result;
use clap::Args;
use offstage_balances_interface::{Getter, TrustedCall};

/// Set the balance of an account, as //Alice on development chains
#[derive(Args, Debug)]
pub(in crate::cli) struct SetBalance {
    /// The account
    account: AccountText,
    /// Its new free balance
    #[arg(value_parser = parse_amount)]
    amount: u128,
}

impl SetBalance {
    pub(in crate::cli) async fn run(&self, context: &Context<'_>, payer: &AccountText) -> Result<()> {
        let who = context.recipient(&self.account)?;
        let root = NamedAccount::parse(DEVELOPMENT_ROOT)?;
        invoke::<_, Getter>(context, root, payer, |root, _| {
            TrustedCall::BalanceSetBalance(root, who, self.amount, 0)
        })
        .await
    }
}

/// Whom the business logic lets set balances, on development chains.
const DEVELOPMENT_ROOT: &str = "//Alice";
