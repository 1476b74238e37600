// SPDX-License-Identifier: Apache-2.0
//! A token bucket: what is taken comes back evenly with time.

use std::time::Duration;
use tokio::time::Instant;

/// At most `capacity` tokens, of which so many come back in a second.
pub(super) struct Bucket {
    capacity: f64,
    per_second: f64,
    tokens: f64,
    updated: Instant,
}

impl Bucket {
    /// A full one.
    pub(super) fn new(now: Instant, capacity: u32, per_second: u32) -> Self {
        Self::per(now, capacity, per_second, Duration::from_secs(1))
    }

    /// A full one, of which `count` tokens come back within `period`.
    pub(super) fn per(now: Instant, capacity: u32, count: u32, period: Duration) -> Self {
        let capacity = f64::from(capacity.max(1));
        let per_second = f64::from(count.max(1)) / period.as_secs_f64();
        Self { capacity, per_second, tokens: capacity, updated: now }
    }

    /// Takes `count` tokens if there are as many; else says how long to wait for them.
    pub(super) fn take(&mut self, now: Instant, count: u32) -> Result<(), Duration> {
        self.refill(now);
        let missing = f64::from(count) - self.tokens;
        if missing > 0.0 {
            return Err(self.time_for(missing));
        }
        self.tokens -= f64::from(count);
        Ok(())
    }

    /// Takes `count` tokens, on credit when they are not there, and says how long to wait for them.
    pub(super) fn take_on_credit(&mut self, now: Instant, count: u32) -> Duration {
        self.refill(now);
        self.tokens -= f64::from(count);
        self.time_for(-self.tokens)
    }

    fn time_for(&self, tokens: f64) -> Duration {
        Duration::from_secs_f64((tokens / self.per_second).clamp(0.0, LONGEST_WAIT_SECS))
    }

    fn refill(&mut self, now: Instant) {
        let gained = now.saturating_duration_since(self.updated).as_secs_f64() * self.per_second;
        self.tokens = (self.tokens + gained).min(self.capacity);
        self.updated = now;
    }
}

const LONGEST_WAIT_SECS: f64 = 3600.0;
