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

/// A store that was put aside and takes the place of [`STORE`] at the next start.
pub const RETURNING_STORE: &str = "enclave.redb.returning";

/// In a data folder with a store, one of these is there.
pub const STORES: [&str; 2] = [STORE, RETURNING_STORE];

/// All of them. An enclave that makes another file adds its name.
pub const ALL: [&str; 3] = [STORE, SOFTWARE_SECRET, UNFINISHED_SOFTWARE_SECRET];
