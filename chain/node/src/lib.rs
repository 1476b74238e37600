// SPDX-License-Identifier: GPL-3.0-only
//! # What of the parentchain's node can be tested without running it
//!
//! The node itself is the binary `offstage-node`. It is the largest program of the project to link, so what deserves
//! tests of its own lives here:
//!
//! - [`settings`]: where this node's defaults differ from those of Substrate, and why.
//! - [`message`]: what the user reads when the node cannot go on.
#![forbid(unsafe_code)]
#![allow(clippy::result_large_err, reason = "it is sc_cli that made its error that large")]

pub mod message;
pub mod settings;
