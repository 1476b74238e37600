// SPDX-License-Identifier: Apache-2.0
//! How long it has been known which measurement the shard allows.
//!
//! # Attack
//! The authorities of a living shard name a measurement of their own and let it take effect at once, on a chain whose
//! pallet lets them: the new code would get the shard's key before anybody could leave (threat model P13). So a change
//! counts for the key only [`MIN_NOTICE_BLOCKS`] after the block in which it was announced, whatever the chain says.

use crate::ingest::ChainFacts;
use codec::{Decode, Encode};
use offstage_primitives::{Measurement, ShardIdentifier, enclave_bridge::MIN_NOTICE_BLOCKS};

/// Which measurement may have the shard's key, and which others were announced when.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode)]
pub struct MeasurementNotice {
    /// The one that may have the key.
    in_force: Option<Measurement>,
    /// Others that the chain names now, and the first block that did so without interruption. At most two.
    announced: Vec<(Measurement, u32)>,
}

impl MeasurementNotice {
    /// What is true after block `number` with these facts. `lives`: whether the shard was born before it.
    #[must_use]
    pub fn after(&self, facts: &ChainFacts, shard: ShardIdentifier, number: u32, lives: bool) -> Self {
        let allowed = facts.allowed_measurement(shard, number);
        let in_force = self.in_force.filter(|_| lives).unwrap_or(allowed);
        let pending = facts.shard_config.as_ref().and_then(|config| config.pending_upgrade.as_ref());
        let pending = pending.map(|config| config.enclave_fingerprint);
        let mut announced: Vec<(Measurement, u32)> = Vec::new();
        for named in [Some(allowed), pending].into_iter().flatten() {
            let is_known = announced.iter().any(|(known, _)| *known == named);
            if named != in_force && !is_known {
                announced.push((named, self.since(named).unwrap_or(number)));
            }
        }
        let is_due = announced
            .iter()
            .any(|(named, since)| *named == allowed && number.saturating_sub(*since) >= MIN_NOTICE_BLOCKS);
        if is_due {
            announced.retain(|(named, _)| *named != allowed);
            return Self { in_force: Some(allowed), announced };
        }
        Self { in_force: Some(in_force), announced }
    }

    /// Whether enclaves of this measurement may have the key.
    pub fn is_over_for(&self, measurement: Measurement) -> bool {
        self.in_force == Some(measurement)
    }

    fn since(&self, measurement: Measurement) -> Option<u32> {
        self.announced.iter().find(|(named, _)| *named == measurement).map(|(_, since)| *since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use offstage_primitives::enclave_bridge::{ShardConfig, UpgradableShardConfig};

    const OLD: Measurement = Measurement([1; 32]);
    const NEW: Measurement = Measurement([2; 32]);

    fn facts(active: Measurement, pending: Option<(Measurement, u32)>) -> ChainFacts {
        let config = |enclave_fingerprint| ShardConfig {
            enclave_fingerprint,
            max_instances: None,
            authorities: None,
            maintenance_mode: false,
        };
        let shard_config = Some(UpgradableShardConfig {
            active_config: config(active),
            pending_upgrade: pending.map(|(measurement, _)| config(measurement)),
            upgrade_at: pending.map(|(_, at)| at),
        });
        ChainFacts { shard_config, ..crate::ingest::tests_support::facts() }
    }

    /// Which of the two may have the key after each of these blocks.
    fn check(blocks: &[(u32, bool, ChainFacts)], expected: &[(bool, bool)]) {
        let mut notice = MeasurementNotice::default();
        for ((number, lives, facts), expected) in blocks.iter().zip(expected) {
            notice = notice.after(facts, [9; 32].into(), *number, *lives);
            assert_eq!((notice.is_over_for(OLD), notice.is_over_for(NEW)), *expected, "block {number}");
        }
    }

    #[test]
    fn p13_a_change_of_a_living_shard_counts_after_the_notice_and_not_before() {
        let (old, new) = (facts(OLD, None), facts(NEW, None));
        // At once, as a foreign chain may let it happen.
        let end = 10 + MIN_NOTICE_BLOCKS;
        check(
            &[
                (9, true, old.clone()),
                (10, true, new.clone()),
                (end - 1, true, new.clone()),
                (end, true, new.clone()),
            ],
            &[(true, false), (true, false), (true, false), (false, true)],
        );
        // Announced in time: it counts when it takes effect.
        let announced = facts(OLD, Some((NEW, end)));
        check(
            &[
                (9, true, old.clone()),
                (10, true, announced.clone()),
                (end - 1, true, announced),
                (end, true, new.clone()),
            ],
            &[(true, false), (true, false), (true, false), (false, true)],
        );
        // Withdrawn and announced again: the time begins anew.
        check(
            &[
                (10, true, new.clone()),
                (11, true, old.clone()),
                (12, true, new.clone()),
                (end, true, new.clone()),
            ],
            &[(false, true), (false, true), (false, true), (false, true)],
        );
        check(
            &[
                (9, true, old.clone()),
                (10, true, new.clone()),
                (11, true, old.clone()),
                (12, true, new.clone()),
                (end, true, new.clone()),
                (end + 2, true, new.clone()),
            ],
            &[(true, false), (true, false), (true, false), (true, false), (true, false), (false, true)],
        );
        // A shard that is not born has no key to be taken.
        check(&[(9, false, old), (10, false, new)], &[(true, false), (false, true)]);
    }
}
