// SPDX-License-Identifier: Apache-2.0
//! Integritee's worker, whose start scripts run here (wire.md, "Command lines").
//!
//! What can be honoured is, with the same meaning. What would switch attestation off is taken and does nothing, and a
//! line says so: the script goes on, and the worker is attested. What asks for something that is not here is refused
//! in one line that says why.

use super::Cli;
use clap::{
    CommandFactory,
    error::{ContextKind, ContextValue},
};
use std::ffi::OsString;

/// The arguments with Integritee's short flags of `run` written out: there `-d`, `-r` and `-i` mean something else
/// behind `run` than before it. Whoever means ours there writes them out (`--data-dir`).
pub(super) fn written_out(arguments: Vec<OsString>) -> Vec<OsString> {
    let is_run = |at: &usize| arguments.get(*at).is_some_and(|word| word == "run");
    let Some(run) = command_at(&arguments).filter(is_run) else { return arguments };
    let long = |(at, word): (usize, OsString)| match word.to_str() {
        Some("-d") if at > run => "--dev".into(),
        Some("-r") if at > run => "--request-state".into(),
        Some("-i") if at > run => "--teeracle-interval".into(),
        _ => word,
    };
    arguments.into_iter().enumerate().map(long).collect()
}

/// What of a command line that was not understood is Integritee's, and why it has no place here.
pub(super) fn absent(error: &clap::Error) -> Option<String> {
    let unknown = [ContextKind::InvalidSubcommand, ContextKind::InvalidArg].iter().find_map(|kind| {
        match error.get(*kind) {
            Some(ContextValue::String(text)) => Some(text.as_str()),
            _ => None,
        }
    })?;
    let (name, reason) = ABSENT.iter().find(|(name, _)| *name == unknown)?;
    Some(format!("error: {name} of Integritee's worker does not exist here: {reason}"))
}

/// Where the command is among the arguments: the first that is neither an option nor an option's value.
fn command_at(arguments: &[OsString]) -> Option<usize> {
    let program = Cli::command();
    let takes_value = |option: &str| {
        let is_named_so = |argument: &&clap::Arg| match option.strip_prefix("--") {
            Some(long) => {
                argument.get_long() == Some(long)
                    || argument.get_all_aliases().is_some_and(|names| names.contains(&long))
            }
            None => {
                argument.get_short().is_some_and(|short| option.strip_prefix('-') == Some(&short.to_string()))
            }
        };
        program.get_arguments().find(is_named_so).is_some_and(|argument| argument.get_action().takes_values())
    };
    let mut at = 1;
    loop {
        // What is not Unicode begins no option, and names no command.
        let word = arguments.get(at)?.to_str().filter(|word| word.starts_with('-'));
        let Some(option) = word else { return Some(at) };
        at = at.saturating_add(if takes_value(option) { 2 } else { 1 });
    }
}

/// What is said of `--skip-ra`.
pub(super) const SKIP_RA: &str = "\
--skip-ra has no effect: each start is attested, on every chain, and the chain verifies the quote";

/// What is said of `run --request-state`.
pub(super) const REQUEST_STATE_FLAG: &str = "\
--request-state has no effect: a worker of a shard that lives asks its peers for the shielding key by itself";

/// What is said of the command `request-state`.
pub(super) const REQUEST_STATE: &str = "\
nothing to do: `run` asks the shard's workers for the shielding key, and computes the state from the chain";

/// What is said of the command `init-shard`, beside the account.
pub(super) const INIT_SHARD: &str = "\
data folder and keys are made; the shard itself is born on chain, with the first confirmation of a worker that runs";

const ONE_CHAIN: &str = "a shard follows one parentchain, that of --node-url";
const NO_ORACLE: &str = "an off-chain worker runs no oracle";

/// Commands and options of Integritee's worker that have no place here, and why.
const ABSENT: [(&str, &str); 10] = [
    ("--marblerun-url", "there is no Marblerun here; workers attest each other and the chain verifies them"),
    ("--reregister", NO_ORACLE),
    ("--shielding-target", ONE_CHAIN),
    ("--target-a-parentchain-rpc-port", ONE_CHAIN),
    ("--target-a-parentchain-rpc-url", ONE_CHAIN),
    ("--target-b-parentchain-rpc-port", ONE_CHAIN),
    ("--target-b-parentchain-rpc-url", ONE_CHAIN),
    ("--teeracle-interval", NO_ORACLE),
    (
        "dump-ra",
        "the evidence is on the wire: `offstage_getEvidence` returns quote and collateral of a running worker",
    ),
    ("test", "the tests are run from the sources, with `make test`"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn short_flags_behind_run_are_the_references() {
        for (line, is) in [
            (
                "w -d data -r 1 -i 2 run -d -r -i 5s",
                "w -d data -r 1 -i 2 run --dev --request-state --teeracle-interval 5s",
            ),
            ("w -d run run -d", "w -d run run --dev"),
            ("w --data-dir=run -d x run", "w --data-dir=run -d x run"),
            (
                "w --node ws://a --integritee-rpc-port 1 -c run -d",
                "w --node ws://a --integritee-rpc-port 1 -c run --dev",
            ),
            ("w -d data status -d other", "w -d data status -d other"),
            ("w -d", "w -d"),
        ] {
            assert_eq!(written_out(words(line)), words(is), "{line}");
        }
    }

    #[test]
    fn a_folder_whose_name_is_not_unicode_stays_as_it_is() {
        use std::os::unix::ffi::OsStringExt;
        let folder = OsString::from_vec(vec![b'x', 0xff]);
        let mut arguments = words("w -d data run");
        arguments[2] = folder.clone();
        assert_eq!(Cli::read(arguments).unwrap().options.data_dir.into_os_string(), folder);
    }

    #[test]
    fn what_integritees_worker_has_alone_is_refused_with_the_reason() {
        for (name, reason) in ABSENT {
            let line =
                format!("offstage-worker {}{name} x", if name.starts_with("--") { "run " } else { "" });
            let error = Cli::read(words(&line)).unwrap_err();
            let text = absent(&error).unwrap_or_else(|| panic!("{line}: {error}"));
            assert!(text.contains(name) && text.ends_with(reason) && !text.contains('\n'), "{text}");
        }
        let error = Cli::read(words("offstage-worker run --no-such")).unwrap_err();
        assert_eq!(absent(&error), None);
    }
}
