// SPDX-License-Identifier: Apache-2.0
//! How a node is started.

use crate::ports::NodePorts;
use std::{path::PathBuf, process::Command};

/// A node with one validator, for development.
#[derive(Clone, Debug)]
pub struct NodeOptions {
    /// Name or file of the chain.
    pub chain: String,
    /// Which states it keeps: `archive`, or how many blocks' states.
    pub state_pruning: String,
    /// Its ports.
    pub ports: NodePorts,
    /// Where it keeps the chain, so that it can be stopped and started again.
    pub data: PathBuf,
}

impl NodeOptions {
    /// Adds what the node is to be told to a command that runs it.
    pub fn tell(&self, command: &mut Command) {
        command
            .args([
                "--chain",
                &self.chain,
                "--alice",
                "--force-authoring",
                "--unsafe-force-node-key-generation",
            ])
            .args(["--validator", "--no-prometheus", "--no-telemetry", "--no-mdns"])
            .args(["--rpc-port", &self.ports.rpc.to_string(), "--port", &self.ports.peer.to_string()])
            .args(["--blocks-pruning", "archive", "--state-pruning", &self.state_pruning])
            .args(["--justification-period", "1"])
            .arg("--base-path")
            .arg(&self.data);
    }
}
