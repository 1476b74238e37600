// SPDX-License-Identifier: Apache-2.0
//! What was seen done to a running network, done again to the real system: node, workers, enclaves and client. Each
//! test is named after its row of the threat model, prints the figures of now beside those of the time when the
//! attack worked, and holds them by counts and amounts.
//!
//! `make attacks` runs all of them, with their figures; `make test` runs those that take seconds.

mod invocations;
mod kit;
mod payments;
mod slots;
mod stores;
