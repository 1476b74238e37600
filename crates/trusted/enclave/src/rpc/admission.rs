// SPDX-License-Identifier: Apache-2.0
//! Who may connect, and how much one address may ask for.
//!
//! There are so many places, so many for one address, and so many arrivals per minute of one address. Whoever comes
//! when there is no place gets the one of the connection that has said nothing for the longest time, of the address
//! that has the most. So a few addresses that hold all places lose one to each newcomer, and never get one from
//! somebody who has fewer (threat model C15).
//!
//! Over all its connections an address has one budget of work, which time refills (C14).
//!
//! The clock is the runtime's monotonic one, and it is read here alone. A host that bends it only opens or closes
//! its own worker's doors.

mod bucket;
mod places;

use bucket::Bucket;
use places::Places;
use std::{
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

/// Gives places to connections.
pub(crate) struct Admission {
    limits: AdmissionLimits,
    places: Arc<Mutex<Places>>,
}

/// The limits of an [`Admission`].
#[derive(Clone, Debug)]
pub(crate) struct AdmissionLimits {
    /// Connections at once.
    pub(crate) connections: usize,
    /// Connections at once of one address.
    pub(crate) connections_per_peer: usize,
    /// New connections of one address per minute, after a first burst of as many.
    pub(crate) arrivals_per_peer_per_minute: u32,
    /// Units of work of one address per second, after a first burst of [`WORK_BURST_SECS`] times as many.
    pub(crate) work_per_peer_per_second: u32,
}

/// A place among the connections, free again when dropped.
pub(crate) struct Place {
    number: u64,
    places: Arc<Mutex<Places>>,
    taken: Arc<Notify>,
}

impl Admission {
    pub(crate) fn new(limits: AdmissionLimits) -> Self {
        Self { limits, places: Arc::default() }
    }

    /// A place for a new connection of `address`, unless that address comes too often or has used up its budget.
    pub(crate) fn admit(&self, address: IpAddr) -> Option<Place> {
        let (number, taken) = lock(&self.places).admit(now(), address, &self.limits)?;
        Some(Place { number, places: self.places.clone(), taken })
    }
}

impl Place {
    /// The connection said something: it is not idle.
    pub(crate) fn touch(&self) {
        lock(&self.places).touch(self.number, now());
    }

    /// Takes work from the budget of the connection's address.
    ///
    /// # Errors
    /// When the budget is used up: how long it takes until there is enough.
    pub(crate) fn spend(&self, work: u32) -> Result<(), Duration> {
        lock(&self.places).spend(self.number, now(), work)
    }

    /// Returns when the place was given to another connection: this one is to end.
    pub(crate) async fn taken(&self) {
        self.taken.notified().await;
    }

    /// Returns when the connection has said nothing for so long.
    pub(crate) async fn silent(&self, limit: Duration) {
        let since = lock(&self.places).active(self.number);
        // Without a place the connection is about to end anyway.
        let Some(end) = since.and_then(|since| since.checked_add(limit)) else { return };
        sleep_until(end).await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        lock(&self.places).leave(self.number);
    }
}

/// How fast one connection's calls are taken.
pub(crate) struct Pace(Bucket);

impl Pace {
    pub(crate) fn new(calls_per_second: u32) -> Self {
        Self(Bucket::new(now(), calls_per_second, calls_per_second))
    }

    /// How long to wait before the next `count` calls.
    pub(crate) fn next(&mut self, count: usize) -> Duration {
        self.0.take_on_credit(now(), u32::try_from(count).unwrap_or(u32::MAX))
    }
}

#[expect(clippy::disallowed_methods, reason = "how often a client is served; no state depends on it")]
fn now() -> Instant {
    Instant::now()
}

/// The counts stay right when a thread panics between two of these locks, so poisoning tells nothing.
fn lock(places: &Mutex<Places>) -> MutexGuard<'_, Places> {
    places.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// For so many seconds' worth of work an address that was quiet may ask at once.
pub(crate) const WORK_BURST_SECS: u32 = 10;

/// What a handshake costs of the budget: a signature and a key agreement.
const HANDSHAKE_WORK: u32 = 20;

/// Addresses that are remembered, about 150 bytes each.
const MAX_REMEMBERED: usize = 10_000;

#[cfg(test)]
mod tests;
