// SPDX-License-Identifier: Apache-2.0
//! The trusted program of a worker for auctions.

fn main() -> std::process::ExitCode {
    offstage_enclave::Program::new::<offstage_auction::Logic>().run()
}
