// SPDX-License-Identifier: Apache-2.0
//! Who may connect: so many at once, so many of one address, and so many new ones per minute of one address.
//!
//! The clock is the runtime's monotonic one. A host that bends it only opens or closes its own worker's doors.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};
use tokio::time::Instant;

/// Counts connections by address.
pub(crate) struct Admission {
    limits: AdmissionLimits,
    peers: Arc<Mutex<Peers>>,
}

/// The limits of an [`Admission`].
#[derive(Clone, Debug)]
pub(crate) struct AdmissionLimits {
    pub(crate) connections: usize,
    pub(crate) connections_per_peer: usize,
    pub(crate) arrivals_per_peer_per_minute: u32,
}

/// A place among the connections, free again when dropped.
pub(crate) struct Admitted {
    peer: IpAddr,
    peers: Arc<Mutex<Peers>>,
}

#[derive(Default)]
struct Peers {
    open: usize,
    by_address: HashMap<IpAddr, Peer>,
}

struct Peer {
    open: usize,
    arrivals: Bucket,
}

impl Admission {
    pub(crate) fn new(limits: AdmissionLimits) -> Self {
        Self { limits, peers: Arc::default() }
    }

    /// A place for a new connection of `address`, if it may have one.
    pub(crate) fn admit(&self, address: IpAddr) -> Option<Admitted> {
        let peer = unit(address);
        let rate = self.limits.arrivals_per_peer_per_minute;
        let mut peers = lock(&self.peers);
        if peers.open >= self.limits.connections {
            return None;
        }
        if peers.by_address.len() >= MAX_REMEMBERED {
            peers.by_address.retain(|_, peer| peer.open > 0 || !peer.arrivals.is_full());
            if peers.by_address.len() >= MAX_REMEMBERED {
                return None;
            }
        }
        let entry = peers
            .by_address
            .entry(peer)
            .or_insert_with(|| Peer { open: 0, arrivals: Bucket::new(rate, Duration::from_secs(60)) });
        if entry.open >= self.limits.connections_per_peer || !entry.arrivals.take() {
            return None;
        }
        entry.open = entry.open.saturating_add(1);
        peers.open = peers.open.saturating_add(1);
        drop(peers);
        Some(Admitted { peer, peers: self.peers.clone() })
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut peers = lock(&self.peers);
        peers.open = peers.open.saturating_sub(1);
        if let Some(peer) = peers.by_address.get_mut(&self.peer) {
            peer.open = peer.open.saturating_sub(1);
        }
    }
}

/// A token bucket: `capacity` tokens, which come back evenly within `period`.
pub(crate) struct Bucket {
    capacity: f64,
    per_second: f64,
    tokens: f64,
    updated: Instant,
}

impl Bucket {
    #[expect(clippy::disallowed_methods, reason = "how often a client is served; no state depends on it")]
    pub(crate) fn new(capacity: u32, period: Duration) -> Self {
        let capacity = f64::from(capacity.max(1));
        Self {
            capacity,
            per_second: capacity / period.as_secs_f64(),
            tokens: capacity,
            updated: Instant::now(),
        }
    }

    /// Takes a token, if there is one.
    pub(crate) fn take(&mut self) -> bool {
        self.refill();
        let there_is_one = self.tokens >= 1.0;
        if there_is_one {
            self.tokens -= 1.0;
        }
        there_is_one
    }

    /// Takes `count` tokens, on credit when they are not there, and says how long to wait for them.
    pub(crate) fn take_on_credit(&mut self, count: usize) -> Duration {
        self.refill();
        self.tokens -= f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        Duration::from_secs_f64((-self.tokens / self.per_second).clamp(0.0, LONGEST_WAIT_SECS))
    }

    fn is_full(&mut self) -> bool {
        self.refill();
        self.tokens >= self.capacity
    }

    #[expect(clippy::disallowed_methods, reason = "how often a client is served; no state depends on it")]
    fn refill(&mut self) {
        let now = Instant::now();
        let gained = now.saturating_duration_since(self.updated).as_secs_f64() * self.per_second;
        self.tokens = (self.tokens + gained).min(self.capacity);
        self.updated = now;
    }
}

/// Whoever has one IPv6 address has a whole /64 of them.
fn unit(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// The counts stay right when a thread panics between two of these locks, so poisoning tells nothing.
fn lock(peers: &Mutex<Peers>) -> MutexGuard<'_, Peers> {
    peers.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Addresses that are remembered, about 100 bytes each.
const MAX_REMEMBERED: usize = 10_000;

const LONGEST_WAIT_SECS: f64 = 3600.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(connections: usize, connections_per_peer: usize, arrivals: u32) -> Admission {
        Admission::new(AdmissionLimits {
            connections,
            connections_per_peer,
            arrivals_per_peer_per_minute: arrivals,
        })
    }

    fn v4(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    #[tokio::test]
    async fn c10_places_are_limited_in_all_and_per_peer_and_come_back() {
        let admission = admission(3, 2, 100);
        let first = admission.admit(v4(1)).unwrap();
        let _second = admission.admit(v4(1)).unwrap();
        assert!(admission.admit(v4(1)).is_none());
        let _third = admission.admit(v4(2)).unwrap();
        assert!(admission.admit(v4(3)).is_none());
        drop(first);
        assert!(admission.admit(v4(1)).is_some());
    }

    #[tokio::test]
    async fn c10_arrivals_are_limited_per_peer() {
        let admission = admission(100, 100, 3);
        for _ in 0..3 {
            drop(admission.admit(v4(1)).unwrap());
        }
        assert!(admission.admit(v4(1)).is_none());
        assert!(admission.admit(v4(2)).is_some());
    }

    #[tokio::test]
    async fn c10_a_network_of_ipv6_addresses_is_one_peer() {
        let admission = admission(100, 1, 100);
        let _first = admission.admit("2001:db8::1".parse().unwrap()).unwrap();
        assert!(admission.admit("2001:db8::ffff:2".parse().unwrap()).is_none());
        assert!(admission.admit("2001:db8:0:1::1".parse().unwrap()).is_some());
    }

    #[tokio::test]
    async fn credit_has_to_be_waited_for() {
        let begun = std::time::Instant::now();
        let mut bucket = Bucket::new(10, Duration::from_secs(1));
        assert_eq!(bucket.take_on_credit(10), Duration::ZERO);
        let wait = bucket.take_on_credit(5);
        // Half a second, less what has come back since.
        assert!(wait <= Duration::from_millis(500), "{wait:?}");
        assert!(wait + begun.elapsed() >= Duration::from_millis(499), "{wait:?}");
    }
}
