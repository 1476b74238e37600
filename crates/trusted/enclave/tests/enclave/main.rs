// SPDX-License-Identifier: Apache-2.0
//! The whole enclave in one process, on a chain in memory: real headers, votes and proofs, real TLS between enclaves,
//! the real store on disk. Tests begin with the row of the threat model
//! (`docs/src/threat-model.md`) that they are about.
#![allow(clippy::disallowed_methods, reason = "a test is the host: it owns clock, disk and network")]

mod blocks;
mod calls;
mod conversation;
mod extrinsics;
mod fees;
mod finality;
mod flow;
mod getters;
mod identity;
mod kit;
mod leaks;
mod leaving;
mod logic;
mod nested;
mod network;
mod outbox;
mod own_methods;
mod parentchain;
mod payouts;
mod provisioning;
mod replay;
mod runtimes;
mod storage;
