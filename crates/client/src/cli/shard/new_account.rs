// SPDX-License-Identifier: Apache-2.0
use crate::{
    account::ss58,
    cli::{context::Context, output::Printed},
    keystore::Keystore,
};
use anyhow::Result;
use clap::Args;

/// Make an incognito account; its key goes to ./my_trusted_keystore, in the folder of the shard
#[derive(Args, Debug)]
pub(in crate::cli) struct NewAccount {}

impl NewAccount {
    pub(in crate::cli) fn run(&self, context: &Context<'_>) -> Result<()> {
        let account = Keystore::of_shard(&context.pin()?.identifier()).new_account()?;
        context.observer.print(&Printed::text(ss58(&account)));
        Ok(())
    }
}
