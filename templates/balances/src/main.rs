// SPDX-License-Identifier: Apache-2.0
//! The trusted program of a worker for confidential balances.
#![forbid(unsafe_code)]
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

fn main() -> std::process::ExitCode {
    offstage_enclave::Program::new::<offstage_balances::Balances>().run()
}
