// SPDX-License-Identifier: Apache-2.0
//! How long to wait before something is tried again.

use std::time::{Duration, Instant};

/// When peers are asked for the shielding key: at once, then less and less often. What is wrong is logged when it
/// changes.
pub(crate) struct KeyRequests {
    next: Instant,
    failures: u32,
    told: Option<String>,
}

impl KeyRequests {
    pub(crate) fn new() -> Self {
        Self { next: Instant::now(), failures: 0, told: None }
    }

    pub(crate) fn are_due(&self) -> bool {
        Instant::now() >= self.next
    }

    pub(crate) fn answered(&mut self, trouble: Option<&str>) {
        self.failures = if trouble.is_none() { 0 } else { self.failures.saturating_add(1) };
        self.next = Instant::now() + pause(self.failures);
        if self.told.as_deref() != trouble {
            if let Some(trouble) = trouble {
                tracing::warn!("{trouble}");
            }
            self.told = trouble.map(str::to_owned);
        }
    }
}

/// Longer and longer pauses, up to ten seconds.
fn pause(failures: u32) -> Duration {
    Duration::from_millis(250).saturating_mul(1 << failures.min(6)).min(Duration::from_secs(10))
}

/// Pauses between attempts, see [`pause`].
#[derive(Default)]
pub(crate) struct Backoff {
    count: u32,
}

impl Backoff {
    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    pub(crate) async fn pause(&mut self, reset: bool) {
        self.count = if reset { 0 } else { self.count + 1 };
        tokio::time::sleep(pause(self.count)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_ten_seconds() {
        let pauses: Vec<u128> = (0..8).map(|failures| pause(failures).as_millis()).collect();
        assert_eq!(pauses, [250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
        assert_eq!(pause(u32::MAX), Duration::from_secs(10));
    }

    #[test]
    fn after_a_refusal_peers_are_left_alone_for_a_while() {
        let mut requests = KeyRequests::new();
        assert!(requests.are_due());
        requests.answered(Some("nobody gives it"));
        assert!(!requests.are_due());
    }
}
