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
            eprintln!("error: {}", one_line(&error));
            ExitCode::FAILURE
        }
    }
}

/// An error and its causes as one line.
fn one_line(error: &dyn Error) -> String {
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
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_line_with_its_causes() {
        let inner = std::io::Error::other("disk is\n\tfull");
        let error = sc_cli::Error::Application(Box::new(sc_service::Error::Io(inner)));
        assert_eq!(one_line(&error), "disk is full");
        assert_eq!(one_line(&sc_cli::Error::Input("no such\n chain".into())), "Invalid input: no such chain");
    }
}
