// SPDX-License-Identifier: Apache-2.0
use crate::{
    cli::{
        context::{node, worker},
        error::CliError,
        options::Options,
        output::Printed,
        terminal::Terminal,
    },
    profile::{Profile, ProfileName, Profiles},
};
use anyhow::Result;
use clap::Args;

/// Make a profile
///
/// Give it --shard and --genesis, as somebody told you whom you trust, such as the shard's operator, and --root
/// development for a test chain. --mrenclave, --checkpoint, --node and --worker are optional. Prints the file's name.
#[derive(Args, Debug)]
#[command(override_usage = "offstage profile add <NAME> --shard <BASE58> --genesis <HASH> [OPTIONS]")]
pub(super) struct Add {
    /// The name of the profile
    name: ProfileName,
    /// Replace a profile of that name
    #[arg(long)]
    replace: bool,
}

impl Add {
    pub(super) fn run(&self, options: &Options, terminal: &Terminal) -> Result<()> {
        let missing = |option: &str| {
            CliError::CommandLine(format!("a profile needs {option}: it is what you know before you connect"))
        };
        let names_node = options.node_url.is_some() || options.node_port.is_some();
        let names_worker = options.worker_url.is_some() || options.trusted_worker_port.is_some();
        let profile = Profile {
            shard: options.pin.shard.ok_or_else(|| missing("--shard"))?,
            measurement: options.pin.measurement,
            genesis: options.trust.genesis.ok_or_else(|| missing("--genesis"))?,
            checkpoint: options.trust.checkpoint,
            root: options.trust.root.unwrap_or_default(),
            node: names_node.then(|| node(options, None)).transpose()?,
            worker: names_worker.then(|| worker(options, None)).transpose()?,
        };
        let profiles = Profiles::of_user()?;
        profiles.store(&self.name, &profile, self.replace)?;
        terminal.print(&Printed::text(profiles.path(&self.name).display().to_string()));
        Ok(())
    }
}
