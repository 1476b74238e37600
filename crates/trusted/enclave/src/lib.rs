// SPDX-License-Identifier: Apache-2.0
//! # The trusted program
//!
//! Everything that happens inside the TEE is in this library; the program itself is one line, a [`Program`] that names
//! a business logic. The host that starts it is untrusted: it brings bytes and takes bytes away.
//!
//! ## The path of a block
//! The listing of this folder is the architecture: a file is a stage.
//!
//! ```text
//! host      frames from the host ──────────────┐
//! ingest    light client: verified block ──────┤ what the chain really did, in its order
//! decrypt   envelopes, over all cores ─────────┤
//! execute   signatures, nonces, business logic ┤ state changes and effects
//! receipts  Merkle leaves and root ────────────┤
//! store     ONE transaction: state, position, receipts, outbox, phase
//! outbox    effects that wait to be seen final ┤
//! extrinsic signed by proven metadata ─────────┘──> host submits
//! ```
//!
//! Beside it: [`keys`] and [`seal`] (secrets), [`platform`] and [`attest`] (evidence), [`registry`] (which enclaves
//! count, and how the shard is born), [`provision`] (the shielding key goes to a peer), [`rpc`] and [`tls`] (clients),
//! [`answers`] and [`methods`] (what the business logic tells them). The listeners see a read-only
//! [`view::View`] and nothing else.
//!
//! ## One owned value
//! [`enclave::Enclave`] owns the light client, the store and the keys; [`host`] feeds it one request after the other.
//! There is no lock around it and no task that touches it, so the order of what it does is the order of the frames.
//!
//! ## Threats
//! The host may lie, stop, replay, kill and restart at any byte (threat model H1 to H15). Three things hold against it:
//! whatever it says is verified before it is used; whatever is stored is encrypted, authenticated and
//! committed at once for a block; and a started enclave is silent until the chain has shown it, in a final block, a
//! registration that only this start could have caused.
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
#![cfg_attr(
    test,
    allow(clippy::disallowed_methods, reason = "a test is the host: it owns clock, disk and network")
)]

pub mod answers;
pub mod attest;
pub mod decrypt;
pub mod effects;
pub mod enclave;
pub mod execute;
pub mod extrinsic;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
pub mod host;
pub mod ingest;
pub mod keys;
pub mod methods;
pub mod named;
pub mod outbox;
pub mod platform;
mod process;
pub mod provision;
pub mod receipts;
pub mod registry;
pub mod rpc;
mod run;
pub mod seal;
pub mod state;
pub mod store;
pub mod tls;
pub mod view;

pub use run::Program;
