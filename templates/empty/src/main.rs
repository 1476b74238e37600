// SPDX-License-Identifier: Apache-2.0
//! The trusted program of a worker for the counter.

fn main() -> std::process::ExitCode {
    offstage_enclave::Program::new::<offstage_empty::Logic>().run()
}
