// SPDX-License-Identifier: Apache-2.0
//! Options of every command.

use super::{output::Output, trust::TrustOptions};
use crate::profile::ProfileName;
use clap::Args;
use offstage_primitives::{H256, Measurement, ShardIdentifier};

/// Options of every command.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Where to connect")]
pub(super) struct Options {
    /// WebSocket URL of the parentchain's node; a port in it is used instead of --node-port
    /// [default: the profile's, else ws://127.0.0.1]
    #[arg(
        short = 'u',
        long,
        visible_alias = "node",
        global = true,
        value_name = "URL",
        env = "OFFSTAGE_NODE_URL"
    )]
    pub(super) node_url: Option<String>,
    /// WebSocket port of the node [default: the profile's, else 9944]
    #[arg(short = 'p', long, global = true, value_name = "PORT")]
    pub(super) node_port: Option<u16>,
    /// WebSocket URL of the worker; a port in it is used instead of --trusted-worker-port [default: the profile's, else
    /// wss://127.0.0.1]
    #[arg(
        short = 'U',
        long,
        visible_alias = "worker",
        global = true,
        value_name = "URL",
        env = "OFFSTAGE_WORKER_URL"
    )]
    pub(super) worker_url: Option<String>,
    /// Port on which the worker's enclave serves clients [default: the profile's, else 2000]
    #[arg(short = 'P', long, global = true, value_name = "PORT")]
    pub(super) trusted_worker_port: Option<u16>,
    /// Give up after this many seconds (not for listen and dev; with `dev --once`, until
    /// the network is ready)
    #[arg(long, global = true, default_value_t = 180, value_name = "SECONDS",
        value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) timeout: u64,
    /// Accept a worker's answer if its state is at most so many blocks behind the newest final block
    #[arg(long, global = true, default_value_t = crate::worker::MAX_AGE, value_name = "BLOCKS")]
    pub(super) max_age: u32,
    /// Form of what is printed to stdout
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORM")]
    pub(super) output: Output,
    /// Print the block that a worker's answer is about
    #[arg(long, global = true)]
    pub(super) show_block: bool,
    /// Which shard is meant.
    #[command(flatten)]
    pub(super) pin: PinOptions,
    /// Where trust starts.
    #[command(flatten)]
    pub(super) trust: TrustOptions,
}

/// Which shard is meant.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "What to trust")]
pub(super) struct PinOptions {
    /// Profile that says what to trust and where to connect; options on the command line override it
    #[arg(long, global = true, value_name = "NAME", env = "OFFSTAGE_PROFILE")]
    pub(super) profile: Option<ProfileName>,
    /// Shard that you mean, in base58; any other worker is refused [default: the profile's, else the MRENCLAVE]
    #[arg(short = 's', long, global = true, value_name = "BASE58", env = "OFFSTAGE_SHARD")]
    pub(super) shard: Option<ShardIdentifier>,
    /// MRENCLAVE that the worker must have, in base58 [default: the profile's, else what the chain allows]
    #[arg(short = 'm', long = "mrenclave", global = true, value_name = "BASE58", env = "OFFSTAGE_MRENCLAVE")]
    pub(super) measurement: Option<Measurement>,
}

/// Reads a hash that a command printed.
pub(super) fn parse_hash(text: &str) -> Result<H256, &'static str> {
    let mut hash = H256::zero();
    let digits = text.strip_prefix("0x").unwrap_or(text);
    hex::decode_to_slice(digits, &mut hash.0)
        .map_err(|_| "an operation's hash is 0x and 64 hexadecimal digits")?;
    Ok(hash)
}
