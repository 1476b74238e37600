// SPDX-License-Identifier: Apache-2.0
//! The enclave's keys.
//!
//! | key | life | for |
//! |---|---|---|
//! | [`ShieldingKey`], RSA-3072 | made once per shard, sealed, given to verified peers | opening operations |
//! | [`Signer`], ed25519 | made once per worker, sealed, never leaves | the account on the parentchain |
//! | [`BootIdentity`], P-256 and a nonce | made at each start, never stored | TLS; telling this start from every other |
//!
//! A quote binds all three (see [`attest`](crate::attest)), so who verified the quote knows that one enclave holds
//! them. None of them has `Debug` or `Clone`; what holds secret bytes overwrites them when it goes.

mod boot;
mod shielding;
mod signer;

pub use boot::BootIdentity;
pub(crate) use shielding::MAX_SEALABLE_LEN;
pub use shielding::ShieldingKey;
pub use signer::Signer;

/// Why a key could not be made or used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The stored or received bytes are not such a key.
    #[error(
        "the bytes are not a key of the wanted kind; restore the data directory or ask another worker for the key"
    )]
    Malformed,
    /// One error for every envelope that cannot be opened, so that nobody learns why (threat model C11).
    #[error("the envelope cannot be opened")]
    Undecipherable,
    /// The cryptographic library failed.
    #[error("the cryptographic library failed; restart the worker")]
    Cryptography,
    /// The certificate cannot be made.
    #[error("the certificate cannot be made; restart the worker")]
    Certificate,
    /// The platform gave no randomness.
    #[error("the platform gave no randomness; restart the worker")]
    Randomness,
}
