// SPDX-License-Identifier: Apache-2.0
use crate::{
    account::AccountText,
    cli::{context::Context, output::Printed},
    keystore::Keystore,
};
use anyhow::Result;
use clap::Args;
use offstage_balances_interface::{Getter, TrustedGetter};

/// Print the balance of an account; only its owner can ask for it
#[derive(Args, Debug)]
pub(in crate::cli) struct Balance {
    /// The account
    account: AccountText,
}

impl Balance {
    pub(in crate::cli) async fn run(&self, context: &Context<'_>) -> Result<()> {
        let pin = context.pin()?;
        let account = context.key(&self.account, &Keystore::of_shard(&pin.identifier()))?;
        let (_, mut worker) = context.worker(&pin).await?;
        let question = TrustedGetter::FreeBalance(account.id());
        let balance: u128 = worker.read::<Getter, _>(question, &account).await?;
        context.show_block(&worker);
        context.observer.print(&Printed::number(balance));
        Ok(())
    }
}
