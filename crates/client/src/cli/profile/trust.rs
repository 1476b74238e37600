// SPDX-License-Identifier: Apache-2.0
use crate::{
    cli::{context::Context, error::CliError},
    profile::{Profile, ProfileName, Profiles},
    trust::TrustedRoot,
};
use anyhow::Result;
use clap::Args;

/// Take the shard of the worker that you reach for the one that you mean, and make a profile of it
///
/// That a worker is genuine proves that it is an enclave, not whose: anybody may run one with a shard of his own.
/// Whoever is between you and the worker that you mean decides which one you reach. So this asks, and you should
/// compare what it shows with what the shard's operator says. If you know the shard already, use `offstage profile
/// add` instead.
#[derive(Args, Debug)]
pub(in crate::cli) struct Trust {
    /// The name of the profile
    name: ProfileName,
    /// Do not ask: for scripts, where you know that the right worker answers
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
        terminal.result(&profile.shard.to_string());
        Ok(())
    }
}
