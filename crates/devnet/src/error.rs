// SPDX-License-Identifier: Apache-2.0
//! What can be in a network's way.

use std::{io, path::PathBuf, process::ExitStatus};
use thiserror::Error;

/// What can be in a network's way.
#[derive(Debug, Error)]
pub enum DevnetError {
    /// A program of Offstage is nowhere.
    #[error(
        "there is no {name} {place}: run `make build` in a checkout of Offstage, and name its folder bin with --bin-dir"
    )]
    NoProgram {
        /// The program.
        name: &'static str,
        /// Where it was looked for.
        place: String,
    },
    /// A program did not start.
    #[error("cannot start {name}: {source}")]
    Start {
        /// The program.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// A program ended when it was to go on.
    #[error("{name} ended ({status}); the end of its log:\n{tail}")]
    Ended {
        /// The program.
        name: String,
        /// How.
        status: ExitStatus,
        /// The end of what it said.
        tail: String,
    },
    /// Somebody else has a port.
    #[error(
        "port {port}, for {whose}, is in use by another program: stop it, or choose others with --first-port"
    )]
    PortInUse {
        /// The port.
        port: u16,
        /// Which part of the network wants it.
        whose: String,
    },
    /// There is no room for the ports.
    #[error("a network of {workers} workers has no place from port {first} on: choose a lower --first-port")]
    NoPorts {
        /// How many workers there are to be.
        workers: usize,
        /// Where its ports were to begin.
        first: u16,
    },
    /// Another devnet works in the folder.
    #[error(
        "a devnet runs in {folder} already: end it, or name another folder with --folder",
        folder = .folder.display()
    )]
    FolderInUse {
        /// The folder.
        folder: PathBuf,
    },
    /// The node does not make a chain specification that we know.
    #[error("offstage-node makes no chain specification: {0}; is it of the same version as `offstage`?")]
    Specification(String),
    /// A program answers nothing that can be used.
    #[error("no answer on port {port}: {reason}")]
    Answer {
        /// The port.
        port: u16,
        /// What is wrong.
        reason: String,
    },
    /// There is no enclave.
    #[error("there is no enclave at {path}: build it first, or name another with --enclave", path = .path.display())]
    NoEnclave {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// There is no crate.
    #[error(
        "there is no Cargo.toml in {folder} or above: start in the crate of your logic (`offstage new` makes one), or \
         name a ready enclave with --enclave", folder = .folder.display()
    )]
    NoCrate {
        /// Where the search began.
        folder: PathBuf,
    },
    /// The crate has not one program.
    #[error("{manifest} has {found}: name the enclave's with --bin", manifest = .manifest.display())]
    Binaries {
        /// The crate.
        manifest: PathBuf,
        /// What it has.
        found: String,
    },
    /// Cargo does not say what the crate is.
    #[error("cargo does not understand {manifest}: {reason}", manifest = .manifest.display())]
    Cargo {
        /// The crate.
        manifest: PathBuf,
        /// What it says.
        reason: String,
    },
    /// The operating system refused.
    #[error("cannot {action} {path}: {source}", path = .path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}

impl DevnetError {
    /// Whether it is about what the user typed.
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::NoPorts { .. } | Self::NoCrate { .. } | Self::Binaries { .. } | Self::NoEnclave { .. }
        )
    }
}

/// The error of an operation on a file.
pub(crate) fn io<'path>(
    action: &'static str,
    path: &'path std::path::Path,
) -> impl FnOnce(io::Error) -> DevnetError + use<'path> {
    move |source| DevnetError::Io { action, path: path.to_owned(), source }
}
