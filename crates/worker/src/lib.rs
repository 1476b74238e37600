// SPDX-License-Identifier: Apache-2.0
//! # The host service of an off-chain worker
//!
//! A worker is two processes. This one owns the network, the clock and the disk, and needs no trust. It does
//! four things, in one explicit loop ([`service`]):
//!
//! 1. starts the enclave process and speaks the framed protocol with it ([`enclave`]);
//! 2. feeds it with what the parentchain has: headers, justifications, blocks with proofs ([`feed`], [`node`]), and
//!    follows the chain's head beside it ([`head`]);
//! 3. submits what the enclave signed, until the enclave itself has seen the effect final ([`submit`]);
//! 4. tells operators how it is: `/is_initialized`, `/health`, `/metrics` ([`board`], [`http`]).
//!
//! It can stop its own worker, and nothing more: whatever it hands over is verified inside. So its mistakes cost
//! liveness only, and it may be simple: on any doubt it asks the enclave for its [`Status`](offstage_protocol::Status)
//! and goes on from there. After a crash of either process, or of the node, it does the same.
//!
//! ## When things go wrong
//! - the node goes away: it reconnects, and the enclave waits;
//! - the enclave goes away: it is started again, and continues from its sealed store;
//! - the enclave refuses something: logged with the enclave's words, and tried again from its position;
//! - the configuration is wrong (a port in use, another chain, a damaged store): one line, and a non-zero exit.
#![forbid(unsafe_code)]

pub mod backup;
pub mod board;
pub mod cli;
pub mod data_dir;
pub mod enclave;
pub mod feed;
pub mod funding;
pub mod head;
pub mod http;
pub mod joining;
pub mod limits;
pub mod measures;
pub mod node;
pub mod options;
mod patience;
pub mod peer;
pub mod preflight;
pub mod registry;
mod repeats;
pub mod service;
pub mod start;
pub mod status;
pub mod submit;
#[cfg(test)]
mod testing;
pub mod text;
pub mod trouble;
