// SPDX-License-Identifier: Apache-2.0
use crate::{
    cli::{context::Context, error::CliError, output::Printed},
    profile::{Profile, ProfileName, Profiles},
    trust::TrustedRoot,
};
use anyhow::Result;
use clap::Args;

/// Trust the shard of the worker that you are connected to, and make a profile of it
///
/// A genuine worker is an enclave, but it need not be the one that you mean: anybody can run one with another shard.
/// Somebody between you and your worker can connect you to his. So this command asks you first. Compare what it shows
/// with what the shard's operator says. If you know the shard already, use `offstage profile add` instead.
#[derive(Args, Debug)]
pub(in crate::cli) struct Trust {
    /// The name of the profile
    name: ProfileName,
    /// Do not ask; for scripts, if you know that you reach the right worker
    #[arg(long)]
    yes: bool,
    /// Replace a profile of that name
    #[arg(long)]
    replace: bool,
}

impl Trust {
    pub(in crate::cli) async fn run(&self, context: &Context<'_>) -> Result<()> {
        let terminal = context.observer;
        if !self.yes && !terminal.can_ask() {
            return Err(CliError::NobodyToAsk.into());
        }
        let (chain, stranger) = context.look().await?;
        let profile = Profile {
            shard: stranger.shard(),
            measurement: context.measurement,
            genesis: chain.genesis_hash(),
            checkpoint: context.trust.checkpoint,
            root: context.trust.root,
            node: Some(context.node.clone()),
            worker: Some(context.worker.clone()),
        };
        let root = match profile.root {
            TrustedRoot::Intel => "intel",
            TrustedRoot::Development => "development: it protects nothing from its host",
        };
        terminal.line(&format!(
            "The worker at {} is genuine, by the chain at {}:\n   \
             shard:     {}\n   \
             MRENCLAVE: {}\n   \
             genesis:   {:?}\n   \
             root:      {root}\n\
             Anybody may run such a worker. Is this the shard that its operator names?",
            context.worker,
            context.node,
            profile.shard,
            stranger.measurement(),
            profile.genesis,
        ));
        if !self.yes && !terminal.ask(&format!("Write it into the profile {}? [y/N] ", self.name))? {
            return Err(CliError::NotTrusted.into());
        }
        Profiles::of_user()?.store(&self.name, &profile, self.replace)?;
        terminal.print(&Printed::text(profile.shard.to_string()));
        Ok(())
    }
}
