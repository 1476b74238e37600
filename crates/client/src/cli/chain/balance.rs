// SPDX-License-Identifier: Apache-2.0
use crate::{
    account::AccountText,
    cli::{context::Context, output::Printed},
};
use anyhow::Result;
use clap::Args;

/// Print the public balance of an account
#[derive(Args, Debug)]
pub(in crate::cli) struct Balance {
    /// The account
    account: AccountText,
}

impl Balance {
    pub(in crate::cli) async fn run(&self, context: &Context<'_>) -> Result<()> {
        let account = context.recipient(&self.account)?;
        let balance = context.chain().await?.free_balance(&account).await?;
        context.observer.print(&Printed::number(balance));
        Ok(())
    }
}
