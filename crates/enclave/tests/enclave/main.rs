// SPDX-License-Identifier: Apache-2.0
//! The whole enclave in one process, on a chain in memory: real headers, votes and proofs, real TLS between enclaves,
//! the real store on disk. Rows of the threat model are named by their number.

mod flow;
mod hostile;
mod identity;
mod kit;
mod storage;
