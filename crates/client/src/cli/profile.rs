// SPDX-License-Identifier: Apache-2.0
//! `offstage profile`, and `offstage trust`, which makes a profile of what a worker says. A file each: its options,
//! and `run`.

mod add;
mod list;
mod remove;
mod show;
mod trust;

pub(super) use trust::Trust;

use super::{options::Options, terminal::Terminal};
use anyhow::Result;
use clap::{Args, Subcommand};

/// Profiles: what you know of a shard and its chain, under a name
///
/// They are files in offstage/profiles in your configuration folder (XDG_CONFIG_HOME, else ~/.config). Name one with
/// --profile, or in the environment with OFFSTAGE_PROFILE.
#[derive(Args, Debug)]
pub(super) struct Profile {
    #[command(subcommand)]
    command: ProfileCommand,
}

#[derive(Subcommand, Debug)]
enum ProfileCommand {
    Add(add::Add),
    List(list::List),
    Show(show::Show),
    Remove(remove::Remove),
}

impl Profile {
    pub(super) fn run(&self, options: &Options, terminal: &Terminal) -> Result<()> {
        match &self.command {
            ProfileCommand::Add(command) => command.run(options, terminal),
            ProfileCommand::List(command) => command.run(terminal),
            ProfileCommand::Show(command) => command.run(terminal),
            ProfileCommand::Remove(command) => command.run(),
        }
    }
}
