// SPDX-License-Identifier: Apache-2.0
use crate::{account::ss58, cli::terminal::print_line, keystore::Keystore};
use anyhow::Result;
use clap::Args;

/// List the accounts in ./my_keystore
#[derive(Args, Debug)]
pub(in crate::cli) struct ListAccounts {}

impl ListAccounts {
    pub(in crate::cli) fn run(&self) -> Result<()> {
        for account in Keystore::parentchain().accounts()? {
            print_line(&ss58(&account));
        }
        Ok(())
    }
}
