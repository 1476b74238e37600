// SPDX-License-Identifier: Apache-2.0
//! Errors of the command line itself.

use super::new::NewError;
use crate::{
    account::AccountError, profile::ProfileError, progress::Stage, shard_runtime::RuntimeError,
    worker::address::AddressError,
};
use offstage_devnet::DevnetError;
use offstage_primitives::{node_url::NodeUrlError, receipt::Outcome};
use thiserror::Error;

/// Errors of the command line itself.
#[derive(Debug, Error)]
pub(super) enum CliError {
    #[error("{0}")]
    CommandLine(String),
    #[error("timed out after {seconds} s while waiting for {stage}")]
    Timeout { seconds: u64, stage: Stage },
    #[error(
        "no shard is named: this needs the shard that you mean, and a worker's own word for it is not enough"
    )]
    NoShard,
    #[error(
        "direct invocation (--direct) does not exist on an off-chain worker: leave it out, and the call goes through \
         the parentchain"
    )]
    Direct,
    #[error("{what} of Integritee's client does not exist here: {reason}")]
    Absent { what: &'static str, reason: &'static str },
    #[error("a transfer carries no note here: leave it out")]
    Note,
    #[error("nobody is there to ask: `offstage trust` asks a question on a terminal")]
    NobodyToAsk,
    #[error("nothing was written: you did not say yes")]
    NotTrusted,
    #[error("the build failed: what is wrong stands above")]
    Build,
    #[error("the network was not ready within {seconds} s{trouble}")]
    NotReady { seconds: u64, trouble: String },
    #[error("cannot start {program}: {source}")]
    Command { program: String, source: std::io::Error },
    #[error(
        "the profile {name} is not of a network on this machine, and stays as it is: name another with --write-profile"
    )]
    ForeignProfile { name: String },
    #[error("the operation failed: {0}")]
    Outcome(Outcome),
}

impl CliError {
    /// Whether a trusted call was executed without success.
    pub(super) fn is_outcome(&self) -> bool {
        matches!(self, Self::Outcome(_))
    }

    pub(super) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::CommandLine(_) => Some("see offstage --help"),
            Self::Timeout { stage, .. } => Some(match stage {
                Stage::Node => "look whether the node runs, and whether --node-url and --node-port are right",
                Stage::Following { .. } => {
                    "what was verified is kept: start again to go on, or name a newer block with --checkpoint"
                }
                Stage::Worker | Stage::Answer | Stage::Receipt => {
                    "look whether the worker runs, and whether --worker-url and --trusted-worker-port are right"
                }
                Stage::Submission | Stage::Inclusion | Stage::Finality => {
                    "look whether the chain makes and finalizes blocks; --timeout waits longer"
                }
                Stage::Processing => {
                    "look whether a worker of the shard runs and has funds for fees; --timeout waits longer"
                }
            }),
            Self::NoShard => Some(
                "name it with --shard or --mrenclave, or a profile with --profile (`offstage profile add`); to take a \
                 worker's word for it, once and knowingly, run `offstage trust`",
            ),
            Self::Direct
            | Self::Absent { .. }
            | Self::Note
            | Self::Build
            | Self::Command { .. }
            | Self::ForeignProfile { .. } => None,
            Self::NotReady { .. } => Some(
                "wait longer with --timeout; `offstage dev` without --once keeps the logs, and shows where they are",
            ),
            Self::NobodyToAsk => {
                Some("run it on a terminal, or say --yes if you know that this is the right worker")
            }
            Self::NotTrusted => Some("ask the shard's operator for its name, then `offstage profile add`"),
            Self::Outcome(outcome) => match outcome {
                Outcome::Executed
                | Outcome::Refused
                | Outcome::TooHeavy
                | Outcome::Panicked
                | Outcome::NotIndirect => None,
                Outcome::Undecipherable | Outcome::Unauthorised => Some(
                    "look whether the shard that you mean (--shard, --profile) is the worker's, and sign anew",
                ),
                Outcome::WrongNonce => Some("another call of the account came first: give the command again"),
                Outcome::Maintenance => {
                    Some("wait until the shard's authorities end it, then give the command again")
                }
                Outcome::Expired | Outcome::NotNow => Some("nothing was used up: give the command again"),
                Outcome::Invalid => Some(
                    "nothing was used up: look whether the account can pay the shard's fee, then try again",
                ),
            },
        }
    }

    fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::CommandLine(_)
                | Self::NoShard
                | Self::Direct
                | Self::Absent { .. }
                | Self::Note
                | Self::NobodyToAsk
                | Self::ForeignProfile { .. }
        )
    }
}

/// Whether an error of the libraries is about what the user typed.
pub(super) fn is_typed_wrongly(error: &(dyn std::error::Error + 'static)) -> bool {
    error.is::<AccountError>()
        || error.is::<AddressError>()
        || error.is::<NodeUrlError>()
        || error.downcast_ref::<ProfileError>().is_some_and(ProfileError::is_usage)
        || error.downcast_ref::<RuntimeError>().is_some_and(RuntimeError::is_usage)
        || error.downcast_ref::<DevnetError>().is_some_and(DevnetError::is_usage)
        || error.downcast_ref::<NewError>().is_some_and(NewError::is_usage)
        || error.downcast_ref::<CliError>().is_some_and(CliError::is_usage)
}
