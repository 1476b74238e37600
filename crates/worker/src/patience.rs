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
pub(crate) fn pause(failures: u32) -> Duration {
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

/// What goes on failing is told once, and then less and less often with the number of attempts: after a minute, two,
/// four, and so on, and at least once a day.
pub(crate) struct Waiting {
    since: Instant,
    attempts: u32,
    next: Duration,
}

impl Waiting {
    pub(crate) fn begin() -> Self {
        Self { since: Instant::now(), attempts: 0, next: Duration::ZERO }
    }

    /// An attempt failed. Says what of it is to be told, if now is the time.
    pub(crate) fn failed(&mut self) -> Option<String> {
        self.failed_after(self.since.elapsed())
    }

    /// For how long it has been so.
    pub(crate) fn time(&self) -> Duration {
        self.since.elapsed()
    }

    /// How many attempts failed.
    pub(crate) fn attempts(&self) -> u32 {
        self.attempts
    }

    fn failed_after(&mut self, time: Duration) -> Option<String> {
        self.attempts = self.attempts.saturating_add(1);
        if time < self.next {
            return None;
        }
        self.next = (time * 2).min(time + LAST_REMINDER).max(FIRST_REMINDER);
        let attempts = self.attempts;
        Some(match attempts {
            1 => "waiting for it".to_owned(),
            _ => format!("{attempts} attempts in {} s; waiting for it", time.as_secs()),
        })
    }
}

const FIRST_REMINDER: Duration = Duration::from_secs(60);
const LAST_REMINDER: Duration = Duration::from_secs(24 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lasts_is_told_once_and_then_counted() {
        let mut waiting = Waiting::begin();
        let seconds = Duration::from_secs;
        let told: Vec<(u64, String)> = (0..1_000)
            .map(|attempt| attempt * 10)
            .filter_map(|time| Some((time, waiting.failed_after(seconds(time))?)))
            .collect();
        let times: Vec<u64> = told.iter().map(|(time, _)| *time).collect();
        assert_eq!(times, [0, 60, 120, 240, 480, 960, 1_920, 3_840, 7_680]);
        assert_eq!(told[0].1, "waiting for it");
        assert_eq!(told[1].1, "7 attempts in 60 s; waiting for it");
        let week = seconds(7 * 24 * 60 * 60);
        assert!(waiting.failed_after(week).is_some());
        assert!(waiting.failed_after(week + LAST_REMINDER - seconds(1)).is_none());
        assert!(waiting.failed_after(week + LAST_REMINDER).is_some());
    }

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
