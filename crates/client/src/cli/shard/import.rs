// SPDX-License-Identifier: Apache-2.0
use crate::{
    cli::{chain::import::import, context::Context},
    keystore::Keystore,
};
use anyhow::Result;
use clap::Args;

/// Bring the key of an incognito account that you have into ./my_trusted_keystore, in the folder of the shard
///
/// Reads a seed or mnemonic phrase from standard input, without showing it, and prints the account's address, by
/// which the other commands then know it.
#[derive(Args, Debug)]
pub(in crate::cli) struct Import {}

impl Import {
    pub(in crate::cli) fn run(&self, context: &Context<'_>) -> Result<()> {
        import(&Keystore::of_shard(&context.pin()?.identifier()))
    }
}
