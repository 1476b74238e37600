// SPDX-License-Identifier: Apache-2.0
//! # Envelopes: what a client encrypts to a shard
//!
//! A client seals, an enclave opens. Both halves are here side by side, so that there is one description of each
//! format, and one place in which a new format is added.
//!
//! | format | told by | holds | costs an enclave |
//! |---|---|---|---|
//! | classic ([`Format::Classic`]) | a length that is a multiple of 384 bytes | up to 318 bytes of plaintext in each 384 | one RSA-3072 operation for each 384 bytes |
//!
//! ## Usage
//! [`seal`] takes a shielding public key. It encrypts to whatever key it is given; whose key it is, the caller has to
//! have verified. [`OpeningKey`] is the private half, which only enclaves have.
//!
//! ## Threats
//! - *An oracle* (threat model C11): every envelope that cannot be opened has the same error, [`Unopened`], and how
//!   long it takes depends on the envelope's length only. Every chunk is opened, even after one failed; the library
//!   checks the padding in constant time.
//! - *Exhaustion* (threat model C1, C18): what is too long, or of a length that no format has, is not opened at
//!   all. What an envelope costs, [`rsa_operations`], decides here too: what costs nothing is not opened.
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::unreachable,
        clippy::todo,
        clippy::unimplemented,
        clippy::disallowed_methods
    )
)]

mod open;
mod seal;

pub use open::{KeyError, OpeningKey, Unopened};
pub use seal::{SealError, seal};

use offstage_primitives::shielding::rsa_operations;

/// How an envelope is made. A closed set: what is of none of these is not opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// RSA-3072 OAEP with SHA-256 and MGF1-SHA-256, chunk by chunk (wire.md, "Envelope").
    Classic,
}

impl Format {
    /// The format of an envelope, which its bytes tell; `None` for what no enclave opens.
    pub fn of(cyphertext: &[u8]) -> Option<Self> {
        (rsa_operations(cyphertext.len()) > 0).then_some(Self::Classic)
    }
}

#[cfg(test)]
mod tests;
