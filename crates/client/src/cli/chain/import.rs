// SPDX-License-Identifier: Apache-2.0
use crate::{
    account::ss58,
    cli::{context::Context, output::Printed},
    keystore::Keystore,
    secret,
};
use anyhow::{Context as _, Result};
use clap::Args;

/// Put the key of an account that you have into ./my_keystore
///
/// Reads a seed or mnemonic phrase from standard input and does not show it. Prints the account's address; use this
/// address in the other commands. Do not write a secret on a command line: every user of the machine can read it.
#[derive(Args, Debug)]
pub(in crate::cli) struct Import {}

impl Import {
    pub(in crate::cli) fn run(&self, context: &Context<'_>) -> Result<()> {
        import(context, &Keystore::parentchain())
    }
}

/// Reads a secret into `keystore` and prints its address.
pub(in crate::cli) fn import(context: &Context<'_>, keystore: &Keystore) -> Result<()> {
    let secret = secret::from_stdin("seed or phrase (not shown): ").context("cannot read the secret")?;
    context.observer.print(&Printed::text(ss58(&keystore.import(&secret)?)));
    Ok(())
}
