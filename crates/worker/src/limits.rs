// SPDX-License-Identifier: Apache-2.0
//! What clients and peers may use of the enclave: settings of the operator, which the enclave keeps.

use clap::Args;

/// Limits that the enclave keeps, see `offstage-enclave --help` for their bounds.
#[derive(Args, Clone, Debug, Default)]
pub struct Limits {
    /// Clients that may be connected at once [default: 1024]
    #[arg(long, value_name = "COUNT")]
    pub max_clients: Option<u32>,
    /// Clients of one IP address that may be connected at once [default: 64]
    #[arg(long, value_name = "COUNT")]
    pub max_clients_per_address: Option<u32>,
    /// Units of work per second that the clients of one IP address may cause, each some 20 microseconds of a core
    /// [default: 1000]
    #[arg(long, value_name = "UNITS")]
    pub client_work: Option<u32>,
    /// Seconds after which a client that asks nothing is disconnected [default: 120]
    #[arg(long, value_name = "SECONDS")]
    pub client_silence: Option<u32>,
    /// Peers that may ask for the shielding key at once [default: 32]
    #[arg(long, value_name = "COUNT")]
    pub max_peers: Option<u32>,
    /// Peers of one IP address that may ask for the shielding key at once [default: 4]
    #[arg(long, value_name = "COUNT")]
    pub max_peers_per_address: Option<u32>,
}

impl Limits {
    /// The enclave's arguments that set them: those that were given.
    pub fn arguments(&self) -> Vec<String> {
        [
            ("max-clients", self.max_clients),
            ("max-clients-per-address", self.max_clients_per_address),
            ("client-work", self.client_work),
            ("client-silence", self.client_silence),
            ("max-peers", self.max_peers),
            ("max-peers-per-address", self.max_peers_per_address),
        ]
        .iter()
        .filter_map(|(name, value)| value.map(|value| format!("--{name}={value}")))
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_given_is_handed_on() {
        assert!(Limits::default().arguments().is_empty());
        let limits = Limits { max_clients: Some(7), client_silence: Some(9), ..Limits::default() };
        assert_eq!(limits.arguments(), ["--max-clients=7", "--client-silence=9"]);
    }
}
