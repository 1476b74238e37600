// SPDX-License-Identifier: Apache-2.0
use crate::{
    account::AccountText,
    amount::parse_amount,
    cli::{context::Context, error::CliError, shard::invoke},
};
use anyhow::Result;
use clap::Args;
use offstage_balances_interface::{Getter, TrustedCall};

/// Transfer funds within the shard; prints the operation's hash
#[derive(Args, Debug)]
pub(in crate::cli) struct Transfer {
    /// Who pays
    from: AccountText,
    /// Who receives
    to: AccountText,
    /// How much
    #[arg(value_parser = parse_amount)]
    amount: u128,
    /// A note for the recipient, which Integritee's later clients send
    #[arg(hide = true)]
    note: Option<String>,
}

impl Transfer {
    pub(in crate::cli) async fn run(&self, context: &Context<'_>, payer: &AccountText) -> Result<()> {
        if self.note.is_some() {
            return Err(CliError::Note.into());
        }
        let from = context.account(&self.from)?;
        let to = context.recipient(&self.to)?;
        invoke::<_, Getter>(context, from, payer, |from, _| {
            TrustedCall::BalanceTransfer(from, to, self.amount)
        })
        .await
    }
}
