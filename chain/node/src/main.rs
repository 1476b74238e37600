// SPDX-License-Identifier: GPL-3.0-only
//! # The parentchain's node
//!
//! A Substrate node for chains that make blocks with Aura and make them final with GRANDPA. It runs Offstage's own
//! runtime, and any other chain of that kind from its chain specification.
//!
//! - [`cli`]: what one can say on the command line; [`command`] does it.
//! - [`chain_spec`]: the chains that the node knows by name.
//! - [`service`]: puts the parts together: database, network, transaction pool, Aura, GRANDPA.
//! - [`rpc`]: what is served beside Substrate's own JSON-RPC methods.
//!
//! The library beside it, `offstage_node`, holds what can be tested without running a node: settings and messages.
//!
//! ## What a confidential worker needs from it
//! Justifications, soon and for every stretch of the chain (`--justification-period`); storage proofs of every block
//! (state is kept, not pruned); and, for quotes on chain, host functions that verify them
//! ([`offstage_runtime::quote_verification`]). A worker believes nothing else that the node says.
#![forbid(unsafe_code)]
#![allow(clippy::result_large_err, reason = "it is sc_cli that made its error that large")]

mod chain_spec;
mod cli;
mod command;
mod rpc;
mod service;
mod validating;

use offstage_node::message::message;
use std::{
    io::{Write, stderr},
    process::ExitCode,
};

fn main() -> ExitCode {
    match command::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // A full disk under stderr must not make a panic of an error.
            let _ = writeln!(stderr(), "error: {}", message(&error));
            ExitCode::FAILURE
        }
    }
}
