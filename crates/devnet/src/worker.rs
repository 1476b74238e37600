// SPDX-License-Identifier: Apache-2.0
//! How a worker is started.

use crate::{DevnetError, error::io, ports::WorkerPorts};
use offstage_primitives::Measurement;
use sp_crypto_hashing::sha2_256;
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// A worker for development.
#[derive(Clone, Debug)]
pub struct WorkerOptions {
    /// The port of the node that it follows.
    pub node_port: u16,
    /// Its own ports.
    pub ports: WorkerPorts,
    /// Where it keeps what it knows.
    pub data: PathBuf,
    /// Its enclave; without one, that beside the worker's program.
    pub enclave: Option<PathBuf>,
    /// Whether its account gets funds by itself.
    pub is_funded: bool,
}

impl WorkerOptions {
    /// Adds what the worker is to be told to a command that runs it.
    pub fn tell(&self, command: &mut Command) {
        let WorkerPorts { trusted, mutual_attestation, health, metrics } = &self.ports;
        command
            .args(["--node-port", &self.node_port.to_string()])
            .args(["--trusted-worker-port", &trusted.to_string()])
            .args(["--mu-ra-port", &mutual_attestation.to_string()])
            .args(["--untrusted-http-port", &health.to_string()])
            .args(["--metrics-port", &metrics.to_string(), "--enable-metrics"])
            .arg("--data-dir")
            .arg(&self.data)
            .arg("run");
        if self.is_funded {
            command.arg("--dev");
        }
        if let Some(enclave) = &self.enclave {
            command.arg("--enclave").arg(enclave);
        }
    }
}

/// The measurement of an enclave on the software platform: the SHA-256 of its file. A shard is named after the
/// measurement that it started with.
///
/// # Errors
/// When the file cannot be read.
pub fn measurement(enclave: &Path) -> Result<Measurement, DevnetError> {
    if !enclave.is_file() {
        return Err(DevnetError::NoEnclave { path: enclave.to_owned() });
    }
    Ok(Measurement(sha2_256(&std::fs::read(enclave).map_err(io("read", enclave))?)))
}
