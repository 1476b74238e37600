// SPDX-License-Identifier: Apache-2.0
use crate::{
    account::ss58,
    cli::{context::Context, output::Printed},
    keystore::Keystore,
};
use anyhow::Result;
use clap::Args;

/// Make an account for the parentchain; its key goes to ./my_keystore
#[derive(Args, Debug)]
pub(in crate::cli) struct NewAccount {}

impl NewAccount {
    pub(in crate::cli) fn run(&self, context: &Context<'_>) -> Result<()> {
        context.observer.print(&Printed::text(ss58(&Keystore::parentchain().new_account()?)));
        Ok(())
    }
}
