// SPDX-License-Identifier: Apache-2.0
//! Offstage.
fn main() {}
