// SPDX-License-Identifier: Apache-2.0
use crate::{
    cli::terminal::print_line,
    profile::{ProfileName, Profiles},
};
use anyhow::Result;
use clap::Args;

/// Print a profile
#[derive(Args, Debug)]
pub(super) struct Show {
    /// The name of the profile
    name: ProfileName,
}

impl Show {
    pub(super) fn run(&self) -> Result<()> {
        print_line(&Profiles::of_user()?.load(&self.name)?.to_json());
        Ok(())
    }
}
