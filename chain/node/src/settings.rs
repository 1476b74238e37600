// SPDX-License-Identifier: GPL-3.0-only
//! Where this node's defaults differ from those of Substrate, and why.
//!
//! - **State is kept.** A worker that joins late executes every block of the chain with storage proofs of that block,
//!   so the state of final blocks must not be pruned unless the operator says so.
//! - **A busy port is an error.** Substrate would take another port and carry on; whoever connects to the port he
//!   chose would then talk to somebody else's node.
//! - **An answer may be long**, at least 96 MiB: workers need the proof of all events of a block in one piece.
//! - **Justifications are kept often**, see [`justification_period`].

use sc_network::multiaddr::Protocol;
use sc_service::{ChainType, Configuration, PruningMode};
use std::{
    io::ErrorKind,
    net::{IpAddr, SocketAddr, TcpListener},
    time::Duration,
};

/// The configuration with this node's defaults instead of Substrate's, wherever the operator said nothing.
pub fn with_our_defaults(mut configuration: Configuration) -> Configuration {
    configuration.state_pruning = configuration.state_pruning.or(Some(PruningMode::ArchiveCanonical));
    for endpoint in configuration.rpc.addr.iter_mut().flatten() {
        endpoint.retry_random_port = false;
        endpoint.max_payload_out_mb = endpoint.max_payload_out_mb.max(MAX_ANSWER_MIB);
    }
    configuration
}

/// Checks that the ports which the node will listen on are free.
///
/// # Errors
/// Names the first one that is taken, and the flag that chooses another.
pub fn check_ports(configuration: &Configuration) -> Result<(), sc_cli::Error> {
    for endpoint in configuration.rpc.addr.iter().flatten().filter(|endpoint| !endpoint.is_optional) {
        check_port(endpoint.listen_addr, "--rpc-port")?;
    }
    if let Some(metrics) = &configuration.prometheus_config {
        check_port(metrics.port, "--prometheus-port or --no-prometheus")?;
    }
    for address in &configuration.network.listen_addresses {
        let (mut host, mut port) = (None, None);
        for part in address {
            match part {
                Protocol::Ip4(ip) => host = Some(IpAddr::V4(ip)),
                Protocol::Ip6(ip) => host = Some(IpAddr::V6(ip)),
                Protocol::Tcp(number) => port = Some(number),
                _ => {}
            }
        }
        if let (Some(host), Some(port)) = (host, port) {
            check_port(SocketAddr::new(host, port), "--port")?;
        }
    }
    Ok(())
}

/// Number of blocks after which a GRANDPA justification is kept at the latest, when the operator did not choose.
///
/// Eight blocks of six seconds are less than a minute: what a worker waits at most, while it catches up, for a block
/// that proves the ones before it. At the head of the chain it does not wait, as the node hands out the justification
/// of every round.
pub fn justification_period(chain_type: &ChainType) -> u32 {
    match chain_type {
        ChainType::Development => 1,
        _ => 8,
    }
}

/// How long a GRANDPA vote is expected to travel: a twelfth of the block time, within reason.
///
/// A round lasts two to four such times. With blocks of one second, Substrate's usual third of a second would let
/// finality fall behind.
pub fn gossip_duration(slot_duration: Duration) -> Duration {
    (slot_duration / 12).clamp(MIN_GOSSIP_DURATION, MAX_GOSSIP_DURATION)
}

fn check_port(address: SocketAddr, flag: &str) -> Result<(), sc_cli::Error> {
    if address.port() == 0 {
        return Ok(());
    }
    match TcpListener::bind(address) {
        Err(error) if error.kind() == ErrorKind::AddrInUse => Err(sc_cli::Error::Input(format!(
            "port {} is in use by another process: stop it, or choose another port with {flag}",
            address.port()
        ))),
        // Other failures, such as a host without IPv6, are for the one who binds it.
        _ => Ok(()),
    }
}

/// Longest answer over RPC: workers need the proof of a block's events in one piece.
const MAX_ANSWER_MIB: u32 = offstage_primitives::chain::MAX_NODE_ANSWER_LEN / (1024 * 1024);

/// Below it, votes are sent twice without need.
const MIN_GOSSIP_DURATION: Duration = Duration::from_millis(50);

/// Substrate's usual value, fit for validators all over the world.
const MAX_GOSSIP_DURATION: Duration = Duration::from_millis(333);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gossip_follows_the_block_time() {
        assert_eq!(gossip_duration(Duration::from_secs(1)), Duration::from_millis(1000) / 12);
        assert_eq!(gossip_duration(Duration::from_secs(6)), MAX_GOSSIP_DURATION);
        assert_eq!(gossip_duration(Duration::from_millis(250)), MIN_GOSSIP_DURATION);
    }

    #[test]
    fn a_port_in_use_is_named_with_the_flag_that_helps() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port exists");
        let address = listener.local_addr().expect("the listener is bound");
        let message = check_port(address, "--rpc-port").expect_err("the port is taken").to_string();
        assert!(message.contains(&address.port().to_string()) && message.contains("--rpc-port"));
        drop(listener);
        check_port(address, "--rpc-port").expect("the port is free again");
    }
}
