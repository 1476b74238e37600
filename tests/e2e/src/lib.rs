// SPDX-License-Identifier: Apache-2.0
//! # The whole system, with real processes
//!
//! The demo and the end-to-end tests start what an operator starts (`bin/offstage-node`, `bin/offstage-worker`,
//! which starts `bin/offstage-enclave`) and do what a user does (`bin/offstage`), on ports of their own. Then they
//! look at the chain themselves and check what was promised.
//!
//! - [`network`]: a node and workers, with a folder for their logs, that leave nothing behind. How they are started is
//!   `offstage_devnet`'s, as for `offstage dev`.
//! - [`ports`]: which ports they take.
//! - [`stage`]: where a test plays.
//! - [`user`]: the command line, run as a user runs it.
//! - [`audit`]: reads finalized blocks: confirmations, fees, what is in the invocations.
//! - [`load`]: users who go on whatever happens, and know what they are owed.
//! - [`refusal`]: what a program says when it refuses.
//! - [`sender`]: somebody who signs whatever the chain takes.
//! - [`lying_node`]: an honest node with a liar in front of it.
//! - [`workspace`]: what Cargo says about the sources.
//! - [`demo`]: the sequence that users of Integritee's SDK know, with every check.
#![forbid(unsafe_code)]

pub mod audit;
pub mod demo;
pub mod load;
pub mod lying_node;
pub mod network;
pub mod ports;
pub mod refusal;
pub mod sender;
pub mod stage;
pub mod user;
pub mod workspace;
