// SPDX-License-Identifier: Apache-2.0
//! What can be wrong with what people type.

use crate::worker::WorkerError;
use thiserror::Error;

/// Why something cannot be called, asked or shown.
#[derive(Debug, Error)]
pub enum RuntimeError {
    /// The worker could not be asked.
    #[error(transparent)]
    Worker(#[from] WorkerError),
    /// The logic is written without FRAME.
    #[error(
        "the shard's logic has no FRAME runtime, so nothing is known of its calls; use the client that its author made"
    )]
    NoRuntime,
    /// Not a name of two parts.
    #[error("{text:?} names no item; write Pallet.name, for example Balances.transfer_allow_death")]
    Form {
        /// What was typed.
        text: String,
    },
    /// No such pallet.
    #[error("the shard's runtime has no pallet {name}; it has {}", known.join(", "))]
    Pallet {
        /// What was typed.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// No such call, storage item or view function.
    #[error("the pallet {pallet} has no {what} {name}; it has {}", list(known))]
    Name {
        /// What was looked for.
        what: &'static str,
        /// Where.
        pallet: String,
        /// What was typed.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// Arguments that do not fit.
    #[error("{reason}; expected: {expected}")]
    Arguments {
        /// What is wrong.
        reason: String,
        /// The signature.
        expected: String,
    },
    /// The runtime wants something signed that this client does not know.
    #[error("cannot sign for the shard's runtime: {reason}")]
    Signing {
        /// What is missing.
        reason: String,
    },
    /// No answer.
    #[error("no answer: there is no value, or the runtime does not tell it to you")]
    Nothing,
    /// The answer is of another type.
    #[error("the worker's answer is not of the type that its metadata says; it may be of another version")]
    Answer,
}

impl RuntimeError {
    /// Whether it is about what the user typed.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Form { .. } | Self::Pallet { .. } | Self::Name { .. } | Self::Arguments { .. })
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Worker(error) => error.hint(),
            Self::Form { .. } | Self::Pallet { .. } | Self::Name { .. } | Self::Arguments { .. } => {
                Some("`offstage trusted metadata` lists calls, storage items and view functions")
            }
            Self::Nothing => Some("what is open to an entry's owner needs that account's key: --as ACCOUNT"),
            Self::NoRuntime | Self::Signing { .. } | Self::Answer => None,
        }
    }
}

fn list(known: &[String]) -> String {
    if known.is_empty() { "none".into() } else { known.join(", ") }
}
