// SPDX-License-Identifier: Apache-2.0
//! # A light client that believes nobody
//!
//! An enclave sees its parentchain through the eyes of a host that may lie. This crate is what stands between: bytes
//! go in, and what comes out is a [`VerifiedBlock`] whose every field is proven to be the chain's, or a named error.
//! It does no input or output, has no clock and no randomness; the same bytes give the same answer everywhere.
//!
//! ## What is trusted
//! One thing: the genesis header, whose hash is the chain's identity. Everything else follows from it:
//!
//! - **Who decides finality.** The first GRANDPA authorities are read by storage proof from genesis' state; every later
//!   set is announced in the digest of a header that the set before has finalized ([`client`]).
//! - **What is final.** A header counts when a justification with more than two thirds of the current set's weight
//!   names it or a descendant ([`finality`]).
//! - **What a block holds.** Its body hashes to `extrinsics_root`; its events and the storage that the caller watches
//!   are proven against `state_root` ([`block`]).
//! - **What the bytes mean.** Metadata is never taken from the host. The chain's runtime code is proven (its hash is in
//!   the state), and the metadata is what that code says when it is run in an interpreter ([`runtime`]).
//! - **What happened.** [`operations`](fn@operations) lists what the chain really executed for a shard, also inside
//!   batches, proxies, multisigs and sudo, as the events prove it.
//!
//! ## The flow
//! ```text
//! GenesisMaterial ─► LightClient::from_genesis            (or restore, from a snapshot of the enclave's own)
//! headers         ─► import_headers                       the frontier: linked, not yet final
//! justification   ─► import_justification                 everything up to its target is final
//! header, body, state proof ─► verify_block ─► VerifiedBlock     strictly the next one, and only if final
//!                              operations(&block, shard)         what it means for the shard
//!                              snapshot_after(&block)            committed by the caller, atomically, with its state
//!                              advance(block)                    only then does the client move
//! ```
//!
//! ## Threats
//! Rows H1, H3, H4, H5 and H6 of the threat model: blocks without finality, by old or forged authority sets, with
//! foreign bodies, events or proofs, skipped or repeated, and hidden authority-set changes. The tests that show each
//! refused carry the row in their name. Every input is bounded before it is decoded (constants `MAX_*`), and memory
//! does not grow with the distance between the frontier and the last executed block ([`client`]).
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

mod authorities;
pub mod block;
mod call_tree;
pub mod client;
mod dispatchers;
pub mod events;
pub mod finality;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
pub mod header;
pub mod hops;
pub mod operations;
mod proof;
pub mod runtime;
pub mod snapshot;
mod trail;

#[cfg(any(test, feature = "testing"))]
#[expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test stops where its preparation fails"
)]
pub mod testing;

pub use block::{BlockError, BlockMaterial, VerifiedBlock};
pub use client::{GenesisError, GenesisMaterial, LightClient, block_proof_keys, genesis_proof_keys};
pub use events::{EventField, EventRecord, Phase};
pub use finality::{FinalityError, FinalizedTo};
pub use header::{BlockId, Header, HeaderError};
pub use hops::{FinalBlock, Follower, ProvenState};
pub use offstage_primitives::chain::storage::{self as storage_keys, CODE_PATH_KEY};
pub use operations::{OperationsError, ShardEvent, ShardEventKind, operations};
pub use proof::{MAX_EVENTS_LEN, MAX_STATE_PROOF_LEN, MAX_STATE_PROOF_NODES, ProofError};
pub use runtime::{ChainProperties, RuntimeError, VerifiedRuntime};
pub use snapshot::RestoreError;
