// SPDX-License-Identifier: Apache-2.0
//! The command line, run as a user runs it.

use anyhow::{Context, Result, bail};
use offstage_primitives::ShardIdentifier;
use std::{
    path::PathBuf,
    process::{Command, Output},
};

/// A user with a keystore folder of their own, a node and a worker, who knows the shard that they mean.
#[derive(Clone, Debug)]
pub struct User {
    binary: PathBuf,
    folder: PathBuf,
    node_port: u16,
    worker_port: u16,
    shard: ShardIdentifier,
    own_profiles: bool,
}

impl User {
    /// A user who works in `folder`, and has a folder of profiles there.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn new(
        binary: PathBuf,
        folder: PathBuf,
        node_port: u16,
        worker_port: u16,
        shard: ShardIdentifier,
    ) -> Result<Self> {
        std::fs::create_dir_all(&folder)?;
        Ok(Self { binary, folder, node_port, worker_port, shard, own_profiles: true })
    }

    /// The same with the profiles of whoever runs this program.
    #[must_use]
    pub fn with_your_profiles(self) -> Self {
        Self { own_profiles: false, ..self }
    }

    /// The shard that the user means.
    pub fn shard(&self) -> ShardIdentifier {
        self.shard
    }

    /// Runs `offstage` with these arguments, whatever comes of it. Below `trusted`, the user's shard is one of them.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn try_run(&self, arguments: &[&str]) -> Result<Output> {
        let shard = self.shard.to_string();
        let pinned = match arguments {
            ["trusted", rest @ ..] => Some([&["trusted", "--shard", shard.as_str()], rest].concat()),
            _ => None,
        };
        let mut command = Command::new(&self.binary);
        if self.own_profiles {
            command.env("XDG_CONFIG_HOME", self.folder.join("config"));
        }
        command
            .current_dir(&self.folder)
            .env("OFFSTAGE_ROOT", "development")
            .args(["-p", &self.node_port.to_string(), "-P", &self.worker_port.to_string()])
            // What is kept of a chain must not outlive it: the next one has the same genesis.
            .env("XDG_DATA_HOME", &self.folder)
            .args(pinned.as_deref().unwrap_or(arguments))
            .output()
            .with_context(|| format!("cannot run {}", self.binary.display()))
    }

    /// Runs `offstage`, which must succeed; what it prints last is the result.
    ///
    /// # Errors
    /// With everything it printed, when it fails.
    pub fn run(&self, arguments: &[&str]) -> Result<String> {
        let output = self.try_run(arguments)?;
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            bail!(
                "`offstage {}` failed ({}):\n{stdout}{}",
                arguments.join(" "),
                output.status,
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok(stdout.lines().last().unwrap_or_default().to_owned())
    }

    /// Runs `offstage trusted`.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn trusted(&self, arguments: &[&str]) -> Result<String> {
        self.run(&[&["trusted"], arguments].concat())
    }

    /// An incognito balance, as the worker tells the account's owner.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn incognito_balance(&self, account: &str) -> Result<u128> {
        self.trusted(&["balance", account])?.parse().context("the balance is not a number")
    }

    /// A public balance.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn public_balance(&self, account: &str) -> Result<u128> {
        self.run(&["balance", account])?.parse().context("the balance is not a number")
    }
}
