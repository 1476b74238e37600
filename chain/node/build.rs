// SPDX-License-Identifier: GPL-3.0-only
//! Makes the commit's hash part of the node's version.

fn main() {
    substrate_build_script_utils::generate_cargo_keys();
    substrate_build_script_utils::rerun_if_git_head_changed();
}
