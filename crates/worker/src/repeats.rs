// SPDX-License-Identifier: Apache-2.0
//! What goes wrong again and again is told once and then counted.

use std::time::{Duration, Instant};

/// Remembers what was told last.
#[derive(Default)]
pub(crate) struct Repeats(Option<Told>);

struct Told {
    text: String,
    since: Instant,
    count: u32,
    next: Duration,
}

impl Repeats {
    /// It went wrong so. Returns what is to be told of it now: a text that is new, or, after a minute, two, four and so
    /// on, how often it came.
    pub(crate) fn note(&mut self, text: &str) -> Option<String> {
        self.note_at(text, Instant::now())
    }

    /// It is over: what comes next is new, even if it is the same. Returns whether there was anything.
    pub(crate) fn end(&mut self) -> bool {
        self.0.take().is_some()
    }

    /// How often the last thing was noted.
    pub(crate) fn count(&self) -> u32 {
        self.0.as_ref().map_or(0, |told| told.count)
    }

    fn note_at(&mut self, text: &str, now: Instant) -> Option<String> {
        match self.0.as_mut().filter(|told| told.text == text) {
            None => {
                self.0 = Some(Told { text: text.to_owned(), since: now, count: 1, next: FIRST_REMINDER });
                Some(text.to_owned())
            }
            Some(told) => {
                told.count = told.count.saturating_add(1);
                let time = now.saturating_duration_since(told.since);
                if time < told.next {
                    return None;
                }
                told.next = time.saturating_mul(2);
                Some(format!("{text} ({} times in {} s)", told.count, time.as_secs()))
            }
        }
    }
}

const FIRST_REMINDER: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    /// What was seen: 146 warnings of the same in 75 seconds.
    #[test]
    fn the_same_is_told_once_and_then_counted() {
        let (mut repeats, begun) = (Repeats::default(), Instant::now());
        let told: Vec<(u64, String)> = (0..1_000u64)
            .filter_map(|second| {
                let text = repeats.note_at("no state", begun + Duration::from_secs(second))?;
                Some((second, text))
            })
            .collect();
        let expected = [
            (0, "no state".to_owned()),
            (60, "no state (61 times in 60 s)".into()),
            (120, "no state (121 times in 120 s)".into()),
            (240, "no state (241 times in 240 s)".into()),
            (480, "no state (481 times in 480 s)".into()),
            (960, "no state (961 times in 960 s)".into()),
        ];
        assert_eq!(told, expected);
        assert_eq!(repeats.note("another thing").as_deref(), Some("another thing"));
        assert_eq!(repeats.note("another thing"), None);
        repeats.end();
        assert_eq!(repeats.note("another thing").as_deref(), Some("another thing"));
    }
}
