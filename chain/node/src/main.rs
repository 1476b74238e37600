// SPDX-License-Identifier: GPL-3.0-only
//! # The parentchain's node
//!
//! A Substrate node for chains that make blocks with Aura and make them final with GRANDPA. It runs Offstage's own
//! runtime, and any other chain of that kind from its chain specification.
//!
//! - [`cli`]: what one can say on the command line; [`command`] does it.
//! - [`chain_spec`]: the chains that the node knows by name.
//! - [`settings`]: where this node's defaults differ from those of Substrate, and why.
//! - [`service`]: puts the parts together: database, network, transaction pool, Aura, GRANDPA.
//! - [`rpc`]: what is served beside Substrate's own JSON-RPC methods.
//!
//! ## What a confidential worker needs from it
//! Justifications, soon and for every stretch of the chain (`--justification-period`); storage proofs of every block
//! (state is kept, not pruned); and, for quotes on chain, host functions that verify them
//! ([`offstage_runtime::quote_verification`]). A worker believes nothing else that the node says.
#![forbid(unsafe_code)]

mod chain_spec;
mod cli;
mod command;
mod rpc;
mod service;
mod settings;

use std::{error::Error, process::ExitCode};

fn main() -> ExitCode {
    match command::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", message(&error));
            ExitCode::FAILURE
        }
    }
}

/// What to tell the user: one line, with what to do.
fn message(error: &sc_cli::Error) -> String {
    match error {
        sc_cli::Error::Input(text) => one_line(text),
        sc_cli::Error::NetworkKeyNotFound(path) => format!(
            "a validator needs a lasting network key, and there is none at {0}: make it with `offstage-node key \
             generate-node-key --file {0}`, or let the node make it with --unsafe-force-node-key-generation",
            path.display()
        ),
        other => one_line(&with_causes(other)),
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// An error and its causes.
fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        // Wrappers often repeat what they wrap.
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_line_with_its_causes() {
        let inner = std::io::Error::other("disk is\n\tfull");
        let error = sc_cli::Error::Service(sc_service::Error::Io(inner));
        assert_eq!(message(&error), "disk is full");
        assert_eq!(message(&sc_cli::Error::Input("no such\n chain".into())), "no such chain");
    }

    #[test]
    fn a_validator_without_network_key_is_told_how_to_make_one() {
        let text = message(&sc_cli::Error::NetworkKeyNotFound("/keys/node".into()));
        assert!(text.contains("--file /keys/node") && !text.contains('\n'));
    }
}
