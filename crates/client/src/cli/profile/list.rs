// SPDX-License-Identifier: Apache-2.0
use crate::{cli::terminal::print_line, profile::Profiles};
use anyhow::Result;
use clap::Args;

/// List the names of the profiles
#[derive(Args, Debug)]
pub(super) struct List {}

impl List {
    pub(super) fn run(&self) -> Result<()> {
        for name in Profiles::of_user()?.names()? {
            print_line(&name.to_string());
        }
        Ok(())
    }
}
