// SPDX-License-Identifier: Apache-2.0
use crate::{
    account::AccountText,
    cli::{context::Context, output::Printed},
    keystore::Keystore,
};
use anyhow::Result;
use clap::Args;
use offstage_balances_interface::Getter;

/// Print the nonce of an account's next call; only its owner can ask for it
#[derive(Args, Debug)]
pub(in crate::cli) struct Nonce {
    /// The account
    account: AccountText,
}

impl Nonce {
    pub(in crate::cli) async fn run(&self, context: &Context<'_>) -> Result<()> {
        let pin = context.pin()?;
        let account = context.key(&self.account, &Keystore::of_shard(&pin.identifier()))?;
        let (_, mut worker) = context.worker(&pin).await?;
        let nonce = worker.nonce::<Getter>(&account).await?;
        context.show_block(&worker);
        context.observer.print(&Printed::number(nonce));
        Ok(())
    }
}
