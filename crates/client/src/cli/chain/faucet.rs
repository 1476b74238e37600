// SPDX-License-Identifier: Apache-2.0
use crate::{
    account::{Account, AccountText},
    cli::{context::Context, output::Printed},
    parentchain::transaction::Call,
};
use anyhow::Result;
use clap::Args;

/// Give funds of //Alice to accounts, on development chains
#[derive(Args, Debug)]
pub(in crate::cli) struct Faucet {
    /// The accounts
    #[arg(required = true)]
    accounts: Vec<AccountText>,
}

impl Faucet {
    pub(in crate::cli) async fn run(&self, context: &Context<'_>) -> Result<()> {
        let accounts =
            self.accounts.iter().map(|text| context.recipient(text)).collect::<Result<Vec<_>>>()?;
        let alice = Account::from_secret("//Alice")?;
        let chain = context.chain().await?;
        let amount = chain.existential_deposit().await?.saturating_mul(FAUCET_DEPOSITS).max(FAUCET_MINIMUM);
        let call = Call::all(accounts.iter().map(|account| Call::transfer(account, amount)).collect());
        chain.send(&call, &alice, context.observer).await?;
        for account in &accounts {
            context.observer.line(&format!("gave {amount} to {}", chain.address(account).await));
        }
        context.observer.print(&Printed::number(amount));
        Ok(())
    }
}

/// What the faucet gives, in existential deposits: enough for thousands of fees.
const FAUCET_DEPOSITS: u128 = 1000;

/// What the faucet gives at least, in the smallest unit: one unit of 12 decimals.
const FAUCET_MINIMUM: u128 = 1_000_000_000_000;
