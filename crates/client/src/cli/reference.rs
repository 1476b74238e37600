// SPDX-License-Identifier: Apache-2.0
//! Integritee's client, whose scripts run here: under which name it is called, and what of it has no place here
//! (wire.md, "Command lines").
//!
//! A command or option of that client which this one has not is refused in one line that says why. What it has with
//! another meaning is refused too: nothing is taken for something else.

use clap::error::{ContextKind, ContextValue};
use std::{ffi::OsStr, path::Path};

/// Whether the program was called by the name of Integritee's client, as its scripts do through a link.
///
/// Those scripts go on after a trusted call that was executed without success: their client does not learn of it and
/// ends with 0. Under that name this one says what went wrong and ends with 0 too.
pub(super) fn is_called_so(program: Option<&OsStr>) -> bool {
    program.and_then(|program| Path::new(program).file_name()).is_some_and(|name| name == NAME)
}

/// What of a command line that was not understood is Integritee's, and why it has no place here.
pub(super) fn absent(error: &clap::Error) -> Option<(&'static str, &'static str)> {
    let unknown = [ContextKind::InvalidSubcommand, ContextKind::InvalidArg].iter().find_map(|kind| {
        match error.get(*kind) {
            Some(ContextValue::String(text)) => Some(text.as_str()),
            _ => None,
        }
    })?;
    ABSENT.iter().copied().find(|(name, _)| *name == unknown)
}

/// The name of Integritee's client.
const NAME: &str = "integritee-cli";

const BALANCES: &str = "the business logic here is balances; another logic brings its own commands";
const SIDECHAIN: &str =
    "an off-chain worker makes no blocks; its state follows the parentchain's final blocks";
const NO_NOTES: &str = "the business logic here keeps no notes";
const NO_PROXIES: &str = "the business logic here has no session proxies: the account itself signs";
const NO_LOAD: &str = "no command puts load on a shard of others; `make bench` measures the enclave";

/// Commands and options of Integritee's client that have no place here, and why.
const ABSENT: [(&str, &str); 23] = [
    ("--session-proxy", NO_PROXIES),
    ("add-session-proxy", NO_PROXIES),
    ("assets", "the accounts here hold the parentchain's own token alone; it is `balance` and `transfer`"),
    ("attesteer", "nobody forwards a quote here: each worker registers its own, and the chain verifies it"),
    ("benchmark", NO_LOAD),
    ("evm-call", BALANCES),
    ("evm-create", BALANCES),
    ("evm-read", BALANCES),
    ("get-note-buckets-info", NO_NOTES),
    ("get-notes", NO_NOTES),
    ("get-session-proxies", NO_PROXIES),
    (
        "get-shard-vault",
        "there is no vault: `shield-funds` brings funds into a shard, and they are on the shard's own account",
    ),
    ("get-sidechain-header", SIDECHAIN),
    (
        "get-total-issuance",
        "a shard holds what its account on the parentchain holds: `trusted get-shard-info` prints it as funds",
    ),
    ("get-undistributed-fees", "a shard here takes no fees: who invokes pays the parentchain's"),
    ("guess-the-number", BALANCES),
    ("note-bloat", NO_NOTES),
    ("oracle", BALANCES),
    (
        "register-tcb-info",
        "each worker brings Intel's collateral with its registration; the chain takes it from there",
    ),
    ("send-note", NO_NOTES),
    ("spam-extrinsics", NO_LOAD),
    ("waste-time", NO_LOAD),
    ("watchdog", "a worker is watched by its /health and /metrics, and by `offstage-worker status`"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use clap::{CommandFactory, Parser};

    #[test]
    fn what_integritees_client_has_alone_is_refused_with_the_reason() {
        for (name, reason) in ABSENT {
            let line = match name {
                "--session-proxy" => "offstage trusted nonce //Alice --session-proxy //Bob".to_owned(),
                "assets" | "attesteer" | "oracle" | "register-tcb-info" => {
                    format!("offstage {name} //Alice --all")
                }
                _ => format!("offstage trusted {name} //Alice"),
            };
            let error = Cli::try_parse_from(line.split_whitespace()).unwrap_err();
            assert_eq!(absent(&error), Some((name, reason)), "{line}: {error}");
        }
    }

    #[test]
    fn what_is_in_neither_is_refused_as_ever() {
        for line in ["offstage lits-workers", "offstage trusted --no-such balance //Alice", "offstage"] {
            let error = Cli::try_parse_from(line.split_whitespace()).unwrap_err();
            assert_eq!(absent(&error), None, "{line}");
        }
    }

    #[test]
    fn nothing_is_called_absent_that_is_here() {
        let command = Cli::command();
        let trusted = command.find_subcommand("trusted").unwrap();
        for (name, _) in ABSENT {
            assert!(
                command.find_subcommand(name).is_none() && trusted.find_subcommand(name).is_none(),
                "{name}"
            );
        }
    }

    #[test]
    fn the_name_is_that_of_the_file() {
        assert!(is_called_so(Some(OsStr::new("./../bin/integritee-cli"))));
        assert!(is_called_so(Some(OsStr::new("integritee-cli"))));
        for other in ["offstage", "/integritee-cli/offstage", "integritee-cli2", ""] {
            assert!(!is_called_so(Some(OsStr::new(other))), "{other}");
        }
        assert!(!is_called_so(None));
    }
}
