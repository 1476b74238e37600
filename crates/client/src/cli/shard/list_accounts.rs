// SPDX-License-Identifier: Apache-2.0
use crate::{
    account::ss58,
    cli::{context::Context, output::Printed},
    keystore::Keystore,
};
use anyhow::Result;
use clap::Args;

/// List the accounts in the folder of the shard in ./my_trusted_keystore
#[derive(Args, Debug)]
pub(in crate::cli) struct ListAccounts {}

impl ListAccounts {
    pub(in crate::cli) fn run(&self, context: &Context<'_>) -> Result<()> {
        let accounts = Keystore::of_shard(&context.pin()?.identifier()).accounts()?;
        context.observer.print(&Printed::lines(accounts.iter().map(ss58)));
        Ok(())
    }
}
