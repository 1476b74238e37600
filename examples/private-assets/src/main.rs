// SPDX-License-Identifier: Apache-2.0
//! The trusted program of a worker for private assets.

fn main() -> std::process::ExitCode {
    offstage_enclave::Program::new::<offstage_private_assets::Logic>().run()
}
