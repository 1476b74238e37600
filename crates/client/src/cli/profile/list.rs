// SPDX-License-Identifier: Apache-2.0
use crate::{
    cli::{output::Printed, terminal::Terminal},
    profile::Profiles,
};
use anyhow::Result;
use clap::Args;

/// List the names of the profiles
#[derive(Args, Debug)]
pub(super) struct List {}

impl List {
    pub(super) fn run(&self, terminal: &Terminal) -> Result<()> {
        let names = Profiles::of_user()?.names()?;
        terminal.print(&Printed::lines(names.iter().map(ToString::to_string)));
        Ok(())
    }
}
