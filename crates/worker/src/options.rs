// SPDX-License-Identifier: Apache-2.0
//! What the operator may choose, with the reference worker's flags where they exist (wire.md, "Command lines").

use crate::{limits::Limits, registry::is_address};
use anyhow::{Context, Result};
use clap::{ArgAction, Args};
use offstage_primitives::{
    ShardIdentifier,
    node_url::{NodeUrl, NodeUrlError},
};
use std::path::PathBuf;

/// Options of every command.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// WebSocket URL of the parentchain's node; a port in it is used instead of --node-port
    #[arg(short = 'u', long, visible_alias = "node", alias = "integritee-rpc-url", global = true,
        default_value = "ws://127.0.0.1", value_name = "URL", value_parser = node_url)]
    pub node_url: String,
    /// WebSocket port of the node
    #[arg(
        short = 'p',
        long,
        alias = "integritee-rpc-port",
        global = true,
        default_value_t = 9944,
        value_name = "PORT"
    )]
    pub node_port: u16,
    /// Address on which the worker listens for clients and peers
    #[arg(long, global = true, default_value = "127.0.0.1", value_name = "ADDRESS")]
    pub listen: String,
    /// Listen on all addresses: the same as --listen 0.0.0.0
    #[arg(long, global = true, conflicts_with = "listen")]
    pub ws_external: bool,
    /// Port on which the enclave serves clients (JSON-RPC over WSS)
    #[arg(short = 'P', long, global = true, default_value_t = 2000, value_name = "PORT")]
    pub trusted_worker_port: u16,
    /// Port that author_getUntrustedUrl names; an off-chain worker does not listen on it
    #[arg(short = 'w', long, global = true, default_value_t = 2001, value_name = "PORT")]
    pub untrusted_worker_port: u16,
    /// Port on which the enclave gives the shielding key to attested peers
    #[arg(short = 'r', long, global = true, default_value_t = 3443, value_name = "PORT")]
    pub mu_ra_port: u16,
    /// Address of /is_initialized, /health and /metrics, which are only for the operator
    #[arg(long, global = true, default_value = "127.0.0.1", value_name = "ADDRESS")]
    pub untrusted_http_address: String,
    /// Port of /is_initialized and /health. -h is this and not the help, as in Integritee's worker
    #[arg(short = 'h', long, global = true, default_value_t = 4545, value_name = "PORT")]
    pub untrusted_http_port: u16,
    /// Port of /metrics, with --enable-metrics
    #[arg(short = 'i', long, global = true, default_value_t = 8787, value_name = "PORT")]
    pub metrics_port: u16,
    /// Serve Prometheus metrics
    #[arg(long, global = true)]
    pub enable_metrics: bool,
    /// URL under which clients reach the enclave, as registered on chain; without a port it gets that of
    /// --trusted-worker-port [default: wss://LISTEN:TRUSTED-PORT]
    #[arg(short = 'T', long, global = true, value_name = "URL")]
    pub trusted_external_address: Option<String>,
    /// URL or host under which peers reach the mutual-attestation port; without a port it gets that of --mu-ra-port
    /// [default: wss://LISTEN:MU-RA-PORT]
    #[arg(short = 'M', long, global = true, value_name = "URL")]
    pub mu_ra_external_address: Option<String>,
    /// URL that author_getUntrustedUrl returns; without a port it gets that of --untrusted-worker-port
    /// [default: ws://LISTEN:UNTRUSTED-PORT]
    #[arg(short = 'U', long, global = true, value_name = "URL")]
    pub untrusted_external_address: Option<String>,
    /// Folder of the sealed store
    #[arg(short = 'd', long, global = true, default_value = "offstage-data", value_name = "FOLDER")]
    pub data_dir: PathBuf,
    /// The enclave's binary [default: offstage-enclave beside this program]
    #[arg(long, global = true, value_name = "FILE")]
    pub enclave: Option<PathBuf>,
    /// With `run`: remove the sealed store, the keys in it included, before starting; other files in the data folder
    /// stay
    #[arg(short = 'c', long, global = true)]
    pub clean_reset: bool,
    /// Print help
    #[arg(long, global = true, action = ArgAction::Help)]
    pub help: Option<bool>,
}

/// Options of `run`.
#[derive(Args, Clone, Debug)]
pub struct RunOptions {
    /// Send funds from //Alice to the enclave's account when it has little; for development chains
    #[arg(long)]
    pub dev: bool,
    /// Shard to serve, in base58 [default: the enclave's measurement]
    #[arg(short = 's', long, value_name = "BASE58")]
    pub shard: Option<ShardIdentifier>,
    /// The same, where Integritee's worker takes it
    #[arg(value_name = "SHARD", conflicts_with = "shard", hide = true)]
    pub shard_there: Option<ShardIdentifier>,
    /// URL of a worker to ask first for the shard's shielding key, the one that its clients use; can be given several
    /// times
    #[arg(long, value_name = "URL", value_parser = peer_url)]
    pub peer: Vec<String>,
    /// Confirm an empty block if its number is a multiple of this; give every worker of the shard the same
    #[arg(long, default_value_t = HEARTBEAT, value_parser = clap::value_parser!(u32).range(1..), value_name = "BLOCKS")]
    pub heartbeat: u32,
    /// Stop with an error if no node answers for ten seconds, at the start or later, and do not wait for it
    #[arg(long)]
    pub require_node: bool,
    /// Taken, as start scripts of Integritee's worker give it, and without effect: attestation always runs
    #[arg(long, hide = true)]
    pub skip_ra: bool,
    /// Taken likewise and without effect: a worker that lacks the shielding key asks for it by itself
    #[arg(long, hide = true)]
    pub request_state: bool,
    /// What clients and peers may use of the enclave.
    #[command(flatten)]
    pub limits: Limits,
}

impl RunOptions {
    /// The default options, for this shard.
    pub(crate) fn of(shard: ShardIdentifier, require_node: bool) -> Self {
        Self {
            dev: false,
            shard: Some(shard),
            shard_there: None,
            peer: Vec::new(),
            heartbeat: HEARTBEAT,
            require_node,
            skip_ra: false,
            request_state: false,
            limits: Limits::default(),
        }
    }
}

impl Options {
    /// The node's full URL.
    pub fn node(&self) -> String {
        // The text was read before.
        NodeUrl::parse(&self.node_url, self.node_port)
            .map_or_else(|_| self.node_url.clone(), |url| url.to_string())
    }

    /// A URL under which this worker is reached from outside, as the operator gave it, with scheme and port where it
    /// lacks them.
    pub fn external(&self, given: Option<&str>, scheme: &str, port: u16) -> String {
        let given = given.unwrap_or(&self.listen);
        let url = if given.contains("://") { given.to_owned() } else { format!("{scheme}://{given}") };
        let authority = url.split_once("://").map_or("", |(_, authority)| authority);
        let (host, end) = authority.rsplit_once(':').unwrap_or((authority, ""));
        // The colons within the brackets of an IPv6 address begin no port.
        let names_a_port = !host.is_empty() && !end.is_empty() && !end.contains(']');
        if names_a_port || authority.contains('/') { url } else { format!("{url}:{port}") }
    }

    /// The enclave's binary.
    ///
    /// # Errors
    /// When it is not there.
    pub fn enclave_binary(&self) -> Result<PathBuf> {
        let path = match &self.enclave {
            Some(path) => path.clone(),
            None => std::env::current_exe()
                .context("cannot find this program's own folder")?
                .with_file_name("offstage-enclave"),
        };
        anyhow::ensure!(
            path.is_file(),
            "there is no enclave binary at {}: build it with `make`, or name it with --enclave",
            path.display()
        );
        Ok(path)
    }
}

const HEARTBEAT: u32 = 10;

/// A node's URL, in the forms that the client takes.
fn node_url(text: &str) -> Result<String, NodeUrlError> {
    NodeUrl::parse(text, 1).map(|_| text.to_owned())
}

/// A URL as the registry holds them.
fn peer_url(text: &str) -> Result<String, String> {
    let names_a_port = text.strip_prefix("wss://").is_some_and(|authority| {
        authority.trim_end_matches('/').rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok())
    });
    if names_a_port && is_address(text) {
        Ok(text.to_owned())
    } else {
        Err("a worker's URL is wss://HOST:PORT, for example wss://worker.example:2000".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_external_url_gets_what_it_lacks() {
        let line = ["offstage-worker", "run"].map(Into::into);
        let options = crate::cli::Cli::read(line.to_vec()).unwrap().options;
        for (given, is) in [
            (None, "wss://127.0.0.1:7"),
            (Some("worker-1"), "wss://worker-1:7"),
            (Some("worker-1:8"), "wss://worker-1:8"),
            (Some("wss://worker-1"), "wss://worker-1:7"),
            (Some("wss://worker-1:8"), "wss://worker-1:8"),
            (Some("wss://[::1]"), "wss://[::1]:7"),
            (Some("[::1]:8"), "wss://[::1]:8"),
            (Some("wss://worker.example/path"), "wss://worker.example/path"),
        ] {
            assert_eq!(options.external(given, "wss", 7), is, "{given:?}");
        }
    }

    #[test]
    fn a_peers_url_has_a_scheme_and_a_port() {
        assert!(peer_url("wss://worker.example:2000").is_ok());
        assert!(peer_url("wss://[::1]:2000/").is_ok());
        for wrong in ["worker.example:2000", "ws://x:1", "wss://x", "wss://x:many", "wss://x\u{1b}:1", ""] {
            assert!(peer_url(wrong).is_err(), "{wrong}");
        }
    }
}
