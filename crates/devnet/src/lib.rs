// SPDX-License-Identifier: Apache-2.0
//! # A network on this machine
//!
//! A parentchain and its workers as processes: for authors of business logic, who want to see it live (`offstage dev`),
//! and for the end-to-end tests. Both start the same programs in the same way, so this is the one place that knows
//! their command lines.
//!
//! ## The parts
//! - [`process`](mod@process): a process with a log, that ends with its owner.
//! - [`ports`]: which ports a network takes.
//! - [`programs`]: where node and worker are.
//! - [`node`], [`worker`]: how each of them is started.
//! - [`chain`]: the specification of a chain that is no other's.
//! - [`http`]: what they say of themselves.
//! - [`network`]: all of it: a folder that is kept, workers one after the other, started again when they end.
//! - [`author`], [`build`]: the author's crate, and its enclave, built anew when a source changes.
//!
//! ## How a shard begins anew
//! A shard is named after the measurement of the enclave that begins it. Another enclave is another measurement, and so
//! another shard: [`network::Network::serve`] stops the workers, and starts them with the new enclave and a folder of
//! its own. The folder of the old one stays, so that whoever takes a change back is in the old shard again.
//!
//! ## Threats
//! None that it could stop: keys, chain and platform are for development, and protect nothing.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod author;
pub mod build;
pub mod chain;
mod error;
pub mod http;
pub mod network;
pub mod node;
pub mod ports;
pub mod process;
pub mod programs;
pub mod worker;

pub use error::DevnetError;
