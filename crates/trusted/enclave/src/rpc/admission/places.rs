// SPDX-License-Identifier: Apache-2.0
//! The places and the addresses that have them. Time is an argument.

use super::{AdmissionLimits, HANDSHAKE_WORK, MAX_REMEMBERED, WORK_BURST_SECS, bucket::Bucket};
use std::{
    cmp::Reverse,
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
    time::Duration,
};
use tokio::{sync::Notify, time::Instant};

/// Who has which place.
#[derive(Default)]
pub(super) struct Places {
    pub(super) held: HashMap<u64, Held>,
    pub(super) peers: HashMap<IpAddr, Peer>,
    last_number: u64,
}

/// A connection's place.
pub(super) struct Held {
    peer: IpAddr,
    /// When it last said something.
    active: Instant,
    /// Rung when the place is given to another.
    taken: Arc<Notify>,
}

/// What is remembered of an address.
pub(super) struct Peer {
    open: usize,
    arrivals: Bucket,
    work: Bucket,
    seen: Instant,
}

impl Places {
    /// A place for a connection of `address`: its number, and the bell that rings when it is taken away again. When
    /// there is none, another connection loses its own. `None` when the address comes too often or has used up its
    /// budget.
    pub(super) fn admit(
        &mut self,
        now: Instant,
        address: IpAddr,
        limits: &AdmissionLimits,
    ) -> Option<(u64, Arc<Notify>)> {
        let peer = unit(address);
        let entry = self.peer(now, peer, limits);
        entry.seen = now;
        if entry.arrivals.take(now, 1).is_err() || entry.work.take(now, HANDSHAKE_WORK).is_err() {
            return None;
        }
        if entry.open >= limits.connections_per_peer {
            self.take_longest_idle_of(peer);
        } else if self.held.len() >= limits.connections {
            self.take_longest_idle(peer);
        }
        self.last_number = self.last_number.wrapping_add(1);
        let taken = Arc::new(Notify::new());
        self.held.insert(self.last_number, Held { peer, active: now, taken: taken.clone() });
        let entry = self.peer(now, peer, limits);
        entry.open = entry.open.saturating_add(1);
        Some((self.last_number, taken))
    }

    /// The place is free.
    pub(super) fn leave(&mut self, number: u64) {
        let Some(held) = self.held.remove(&number) else { return };
        if let Some(peer) = self.peers.get_mut(&held.peer) {
            peer.open = peer.open.saturating_sub(1);
        }
    }

    /// The connection said something.
    pub(super) fn touch(&mut self, number: u64, now: Instant) {
        if let Some(held) = self.held.get_mut(&number) {
            held.active = now;
        }
    }

    /// When the connection last said something.
    pub(super) fn active(&self, number: u64) -> Option<Instant> {
        self.held.get(&number).map(|held| held.active)
    }

    /// Takes work from the budget of the connection's address, or says how long to wait for it.
    pub(super) fn spend(&mut self, number: u64, now: Instant, work: u32) -> Result<(), Duration> {
        let Some(held) = self.held.get(&number) else { return Ok(()) };
        self.peers.get_mut(&held.peer).map_or(Ok(()), |peer| peer.work.take(now, work))
    }

    fn peer(&mut self, now: Instant, peer: IpAddr, limits: &AdmissionLimits) -> &mut Peer {
        if !self.peers.contains_key(&peer) && self.peers.len() >= MAX_REMEMBERED {
            self.forget_one();
        }
        self.peers.entry(peer).or_insert_with(|| {
            let arrivals = limits.arrivals_per_peer_per_minute;
            let work = limits.work_per_peer_per_second;
            Peer {
                open: 0,
                arrivals: Bucket::per(now, arrivals, arrivals, Duration::from_secs(60)),
                work: Bucket::new(now, work.saturating_mul(WORK_BURST_SECS), work),
                seen: now,
            }
        })
    }

    /// Forgets the address without a connection that was seen the longest time ago. Whoever has so many addresses
    /// that this makes room for him gains nothing by it: each of them has a budget anyway. But nobody can keep
    /// others out by having been here.
    fn forget_one(&mut self) {
        let idle = self.peers.iter().filter(|(_, peer)| peer.open == 0).min_by_key(|(_, peer)| peer.seen);
        let oldest = idle.map(|(address, _)| *address);
        oldest.map(|address| self.peers.remove(&address));
    }

    fn take_longest_idle_of(&mut self, peer: IpAddr) {
        let of_peer = self.held.iter().filter(|(_, held)| held.peer == peer);
        let number = of_peer.min_by_key(|(number, held)| (held.active, **number)).map(|(number, _)| *number);
        self.take(number);
    }

    /// The longest idle one of the address that would have the most with the newcomer, who counts to `newcomer`.
    fn take_longest_idle(&mut self, newcomer: IpAddr) {
        let count = |held: &Held| {
            let open = self.peers.get(&held.peer).map_or(0, |peer| peer.open);
            open.saturating_add(usize::from(held.peer == newcomer))
        };
        let order = |(number, held): &(&u64, &Held)| (Reverse(count(held)), held.active, **number);
        let number = self.held.iter().min_by_key(order).map(|(number, _)| *number);
        self.take(number);
    }

    fn take(&mut self, number: Option<u64>) {
        let Some(number) = number else { return };
        if let Some(held) = self.held.get(&number) {
            held.taken.notify_one();
        }
        self.leave(number);
    }
}

/// Whoever has one IPv6 address has a whole /64 of them.
fn unit(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        v4 @ IpAddr::V4(_) => v4,
    }
}
