// SPDX-License-Identifier: Apache-2.0
use crate::{
    account::AccountText,
    amount::parse_amount,
    cli::{context::Context, output::Printed},
    keystore::Keystore,
    parentchain::transaction::Call,
};
use anyhow::Result;
use clap::Args;

/// Transfer funds on the parentchain, for everybody to see
#[derive(Args, Debug)]
pub(in crate::cli) struct Transfer {
    /// Who pays
    from: AccountText,
    /// Who receives
    to: AccountText,
    /// How much
    #[arg(value_parser = parse_amount)]
    amount: u128,
}

impl Transfer {
    pub(in crate::cli) async fn run(&self, context: &Context<'_>) -> Result<()> {
        let from = context.key(&self.from, &Keystore::parentchain())?;
        let call = Call::transfer(&context.recipient(&self.to)?, self.amount);
        let included = context.chain().await?.send(&call, &from, context.observer).await?;
        context.observer.print(&Printed::text(format!("{:?}", included.extrinsic_hash)));
        Ok(())
    }
}
