// SPDX-License-Identifier: Apache-2.0
//! The `offstage-worker` binary; all of it is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    offstage_worker::cli::main()
}
