// SPDX-License-Identifier: Apache-2.0
//! The names of the files that an enclave makes in its data folder.
//!
//! The host removes these, and no others, when an operator asks for a clean start.

/// The sealed store.
pub const STORE: &str = "enclave.redb";
/// The software platform's secret.
pub const SOFTWARE_SECRET: &str = "software-platform.secret";
/// The same while it is written.
pub const UNFINISHED_SOFTWARE_SECRET: &str = "software-platform.secret.unfinished";

/// All of them. An enclave that makes another file adds its name.
pub const ALL: [&str; 3] = [STORE, SOFTWARE_SECRET, UNFINISHED_SOFTWARE_SECRET];
