// SPDX-License-Identifier: Apache-2.0
//! # What a host and its enclave say to each other
//!
//! A worker is two processes: an untrusted host (`offstage-worker`) and a trusted enclave (`offstage-enclave`). One
//! stream of bytes joins them: a Unix socket today, vsock in a confidential VM. This crate is the whole of that
//! boundary, and its documentation is the specification.
//!
//! ## The conversation
//! The host asks, the enclave answers: each [`HostRequest`] gets exactly one [`EnclaveResponse`], in order. The enclave
//! never asks. What it wants (storage proofs, runtime code, a peer's address, extrinsics to be submitted) is in its
//! answers, most of all in [`Status`], and a host that withholds it only stops its own worker.
//!
//! ```text
//! host                                   enclave
//!  | -- Start { genesis, shard, … } ------> |  opens or makes its sealed store, pins the chain
//!  | <----------------- Started { … } ----- |
//!  | -- ImportHeaders ---------------------> |  links them
//!  | -- ImportJustification ---------------> |  finality
//!  | -- ImportBlock { header, body, proof } >|  verify, execute, commit
//!  | <------------------- Done(Status) ----- |
//!  | -- Collect ---------------------------> |  what is to be submitted
//!  | <------- Collected { extrinsics } ----- |
//! ```
//!
//! ## The framing
//! A frame is a length (4 bytes, little endian, at most `MAX_FRAME_LEN`) and so many bytes of SCALE. See
//! [`framing`].
//!
//! ## Threats
//! Neither side believes the other. For the enclave, all that comes is [`Untrusted`] until a verifier took it apart;
//! a frame's length is checked before memory is reserved (threat model H12). For the host, the enclave is only
//! a process that may have crashed. Nothing secret is in any message: a host may print all of them (H13).
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

pub mod files;
pub mod framing;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod messages;
mod untrusted;

pub use messages::*;
pub use offstage_primitives::rpc::{BlockReference, Phase};
pub use untrusted::Untrusted;
