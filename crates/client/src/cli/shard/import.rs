// SPDX-License-Identifier: Apache-2.0
use crate::{
    cli::{chain::import::import, context::Context},
    keystore::Keystore,
};
use anyhow::Result;
use clap::Args;

/// Put the key of an incognito account that you have into ./my_trusted_keystore, in the folder of the shard
///
/// Reads a seed or mnemonic phrase from standard input and does not show it. Prints the account's address; use this
/// address in the other commands.
#[derive(Args, Debug)]
pub(in crate::cli) struct Import {}

impl Import {
    pub(in crate::cli) fn run(&self, context: &Context<'_>) -> Result<()> {
        import(context, &Keystore::of_shard(&context.pin()?.identifier()))
    }
}
