// SPDX-License-Identifier: Apache-2.0
//! The command line, run as a user runs it.

use anyhow::{Context, Result, bail};
use std::{
    path::PathBuf,
    process::{Command, Output},
};

/// A user with a keystore folder of their own, a node and a worker.
#[derive(Clone, Debug)]
pub struct User {
    binary: PathBuf,
    folder: PathBuf,
    node_port: u16,
    worker_port: u16,
}

impl User {
    /// A user who works in `folder`.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn new(binary: PathBuf, folder: PathBuf, node_port: u16, worker_port: u16) -> Result<Self> {
        std::fs::create_dir_all(&folder)?;
        Ok(Self { binary, folder, node_port, worker_port })
    }

    /// Runs `offstage` with these arguments, whatever comes of it.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn try_run(&self, arguments: &[&str]) -> Result<Output> {
        Command::new(&self.binary)
            .current_dir(&self.folder)
            .args(["-p", &self.node_port.to_string(), "-P", &self.worker_port.to_string()])
            .args(["--root", "development"])
            // What is kept of a chain must not outlive it: the next one has the same genesis.
            .env("XDG_DATA_HOME", &self.folder)
            .args(arguments)
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
