// SPDX-License-Identifier: Apache-2.0
//! # The words every party of Offstage agrees on
//!
//! A client, a parentchain, an untrusted host and an enclave never share code that acts; they share *types*. This
//! crate holds them: what is written into an extrinsic, what an enclave returns over JSON-RPC, what a
//! quote binds, what a Merkle root commits to. It decides nothing and talks to nobody.
//!
//! - [`shard`]: the name of one confidential state, [`ShardIdentifier`].
//! - [`measurement`]: what identifies the code of an enclave, [`Measurement`].
//! - [`hashes`]: kinds of hashes that must not be taken for each other.
//! - [`chain`]: the words and storage keys of the parentchain's interface.
//! - [`teerex`] and [`enclave_bridge`]: what the parentchain's two pallets store, take and emit.
//! - [`attestation`]: quotes, collateral, and [`KeyBinding`](attestation::KeyBinding), which ties keys to a quote.
//! - [`collateral`]: what a chain keeps so that a proof need not carry it, and what its verifier returns.
//! - [`trusted`]: the operation a client signs and encrypts, generic over the business logic's call.
//! - [`shielding`]: the shielding public key's forms and the classic envelope's numbers.
//! - [`rpc`]: what a worker answers.
//! - `command_line`, `node_url` and `ss58`, with `std`: how the programs refuse a command line, name a node and show
//!   an account.
//! - [`receipt`]: what a block's `trusted_calls_merkle_root` commits to, and how to check one's own leaf.
//! - [`result`]: what an operation's sender learns of its execution, and how to check it.
//!
//! All of it is SCALE, except where a format says otherwise. Discriminants are explicit wherever they are on the
//! wire; a test pins them. The crate is `no_std`, because the parentchain's runtime uses it too.
//!
//! ## Threats
//! Everything here may come from an adversary. Types that are decoded from untrusted bytes are decoded through
//! [`bounded::decode_bounded`], which limits length and nesting before anything is believed.
#![cfg_attr(not(feature = "std"), no_std)]
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
        clippy::unimplemented
    )
)]

extern crate alloc;

pub mod attestation;
pub mod bounded;
pub mod chain;
pub mod collateral;
#[cfg(feature = "std")]
pub mod command_line;
pub mod enclave_bridge;
pub mod hashes;
pub mod measurement;
#[cfg(feature = "std")]
pub mod node_url;
pub mod read;
pub mod receipt;
pub mod result;
pub mod rpc;
pub mod shard;
pub mod shielding;
#[cfg(feature = "std")]
pub mod ss58;
pub mod teerex;
pub mod trusted;

pub use hashes::{BlockHash, KeyDigest};
pub use measurement::Measurement;
pub use shard::ShardIdentifier;
pub use sp_core::{H256, crypto::AccountId32};
pub use sp_runtime::MultiSignature;
