// SPDX-License-Identifier: Apache-2.0
//! The `offstage` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    offstage_client::cli::main()
}
