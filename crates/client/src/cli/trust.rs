// SPDX-License-Identifier: Apache-2.0
//! The options that say where trust starts.

use crate::trust::{Trust, TrustedRoot};
use clap::Args;
use offstage_primitives::H256;

/// Where trust starts.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "What to trust")]
pub struct TrustOptions {
    /// Hash of the chain's genesis header; without it the node says which chain it is, and you are told
    #[arg(long, global = true, value_name = "HASH", value_parser = parse_hash)]
    pub genesis: Option<H256>,
    /// Hash of a final block from which the chain's finality is followed, instead of from the genesis
    #[arg(long, global = true, value_name = "HASH", value_parser = parse_hash)]
    pub checkpoint: Option<H256>,
    /// Who vouches for the platforms of enclaves: intel, or, on test chains, development (protects nothing)
    #[arg(long, global = true, value_name = "ROOT")]
    pub root: Option<TrustedRoot>,
    /// Connect to a node on another machine without encryption, where whoever is on the way reads and changes what he
    /// likes
    #[arg(long, global = true)]
    pub insecure_plain_ws: bool,
}

impl TrustOptions {
    /// What they say, with Intel's root where none is named.
    pub fn trust(&self) -> Trust {
        Trust { genesis: self.genesis, checkpoint: self.checkpoint, root: self.root.unwrap_or_default() }
    }
}

fn parse_hash(text: &str) -> Result<H256, &'static str> {
    let mut hash = H256::zero();
    let digits = text.strip_prefix("0x").unwrap_or(text);
    hex::decode_to_slice(digits, &mut hash.0)
        .map_err(|_| "a block's hash is 0x and 64 hexadecimal digits")?;
    Ok(hash)
}
