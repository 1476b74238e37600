// SPDX-License-Identifier: Apache-2.0
//! The options that say where trust starts.

use crate::trust::TrustedRoot;
use clap::Args;
use offstage_primitives::BlockHash;

/// Where trust starts.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "What to trust")]
pub(super) struct TrustOptions {
    /// Hash of the chain's genesis header [default: the profile's]; without it, the node's word decides
    #[arg(long, global = true, value_name = "HASH", env = "OFFSTAGE_GENESIS", value_parser = parse_hash)]
    pub(super) genesis: Option<BlockHash>,
    /// Hash of a final block; the chain's finality is verified from there on, and not from the genesis
    #[arg(long, global = true, value_name = "HASH", env = "OFFSTAGE_CHECKPOINT", value_parser = parse_hash)]
    pub(super) checkpoint: Option<BlockHash>,
    /// Who vouches for the platforms of enclaves: intel, or, on test chains, development (protects nothing)
    /// [default: the profile's, else intel]
    #[arg(long, global = true, value_name = "ROOT", env = "OFFSTAGE_ROOT")]
    pub(super) root: Option<TrustedRoot>,
    /// Connect to a node on another machine without encryption; others on the way can then read and change what is
    /// sent
    #[arg(long, global = true)]
    pub(super) insecure_plain_ws: bool,
}

/// Reads a block's hash.
pub(super) fn parse_hash(text: &str) -> Result<BlockHash, &'static str> {
    super::options::parse_hash(text)
        .map(BlockHash::from)
        .map_err(|_| "a block's hash is 0x and 64 hexadecimal digits")
}
