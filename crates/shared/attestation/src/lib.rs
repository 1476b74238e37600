// SPDX-License-Identifier: Apache-2.0
//! # From a quote to an identity, offline
//!
//! A TEE proves what code it runs with a *quote*: the measurement of the code and 64 bytes of its choice, signed by a
//! *quoting enclave*, whose key is certified by the vendor. To believe a quote one needs the vendor's *collateral*:
//! certificate chains, revocation lists, which patch levels are healthy, which quoting enclaves are genuine. This
//! crate takes all of that as bytes, with a root certificate and a time as arguments, and returns what the quote says
//! or which rule it breaks. It reads no clock, no file and no network, and never panics.
//!
//! ```text
//! root CA ──> PCK CA ──> PCK certificate ──> QE report ──> attestation key ──> report: measurement, report data
//!    │           └─────> list of revoked PCK certificates                                 │
//!    ├──────> list of revoked CAs                                     signer ── digest of the KeyBinding
//!    └──────> signer of TCB info and of the quoting enclave's identity                    │
//!                                            genesis, shard, shielding key, TLS key, nonce of this start
//! ```
//!
//! # The steps, and who calls them
//! | step | function | called by |
//! |---|---|---|
//! | the quote and its chain | [`verify_quote`] | the parentchain, by a host function of its node |
//! | collateral to be registered | [`verify_quoting_enclave_identity`], [`verify_tcb_info`], [`verify_revocation_lists`] | the parentchain |
//! | patch level and debug bit | [`verify_platform`] | clients and enclaves |
//! | measurement, signer, chain, shard, keys | [`verify_evidence`] | clients and enclaves, before they send a secret |
//! | what a chain says about all this | [`ChainPolicy`] | clients and enclaves |
//! | evidence in a certificate | [`x509`] | both ends of a TLS connection |
//!
//! Only [`verify_evidence`] makes a [`VerifiedIdentity`], so a function that takes one cannot be called with a peer
//! that was not verified.
//!
//! # One code path, two roots
//! The [`development`] module is a quoting authority in software. It issues real quotes with real collateral in Intel's
//! formats under a root whose private key everybody knows. Nothing in the verification knows about it, except for one
//! error message: who trusts Intel's root refuses its quotes with [`EvidenceError::SoftwarePlatform`].
//!
//! # Attacks
//! Every argument but the root, the policy and the time comes from an adversary. Lengths are checked before anything is
//! parsed. A byte of the evidence that no signature covers is either required to have one value or does not matter:
//! chains must have the profile's length and end in the very root, quotes must re-encode to themselves.

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
        clippy::disallowed_methods,
        clippy::disallowed_types
    )
)]

mod chain;
pub mod development;
mod evidence;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod policy;
mod quote;
mod statements;
pub mod x509;

pub use evidence::{
    EvidenceError, EvidencePolicy, Expectations, VerifiedIdentity, verify_evidence, verify_platform,
};
pub use policy::{ChainPolicy, ChainPolicyError};
pub use quote::{UnverifiedClaims, quote_platform, unverified_claims, verify_quote};
pub use statements::{verify_quoting_enclave_identity, verify_revocation_lists, verify_tcb_info};
