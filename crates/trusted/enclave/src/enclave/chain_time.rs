// SPDX-License-Identifier: Apache-2.0
//! The chain's time at a header that is final but not yet executed.
//!
//! # Why
//! A worker that joins late finds the shard's birth far back, and has to ask a peer for the key before it can execute on. The
//! certificates of this conversation are of today; the last executed block is not. The host's clock is no witness
//! (threat model H11). But a final header carries the slot in which it was made, which is its time divided by the
//! chain's slot duration, and the last executed block shows both slot and time.
//!
//! Chains whose headers have no slot of Aura's form just have the last executed block's time.

use codec::Decode;
use offstage_light_client::Header;
use offstage_primitives::H256;
use sp_runtime::DigestItem;
use std::collections::VecDeque;

/// Slots of the newest headers.
#[derive(Default)]
pub(super) struct ChainTime {
    imported: VecDeque<(H256, u64)>,
    finalized_slot: Option<u64>,
    /// Slot and time in milliseconds of the last executed block of this start.
    executed: Option<(u64, u64)>,
}

impl ChainTime {
    /// A header was linked. It counts for nothing yet.
    pub(super) fn imported(&mut self, header: &Header) {
        if let Some(slot) = slot(header) {
            self.imported.push_back((header.hash(), slot));
            if self.imported.len() > MAX_SLOTS {
                self.imported.pop_front();
            }
        }
    }

    /// A header was finalized.
    pub(super) fn finalized(&mut self, hash: H256) {
        if let Some(index) = self.imported.iter().position(|(imported, _)| *imported == hash) {
            self.finalized_slot = self.imported.get(index).map(|(_, slot)| *slot);
            self.imported.drain(..=index);
        }
    }

    /// A block was executed.
    pub(super) fn executed(&mut self, header: &Header, timestamp_ms: u64) {
        self.executed = slot(header).map(|slot| (slot, timestamp_ms));
    }

    /// Milliseconds since the Unix epoch at the newest final header; at least `known_ms`, the last executed block's.
    pub(super) fn now_ms(&self, known_ms: u64) -> u64 {
        let estimate = match (self.finalized_slot, self.executed) {
            (Some(finalized), Some((slot, timestamp_ms))) if slot > 0 => {
                // In 128 bits, because a slot number times a time in milliseconds exceeds 64.
                let estimate =
                    u128::from(finalized).saturating_mul(timestamp_ms.into()).checked_div(slot.into());
                u64::try_from(estimate.unwrap_or_default()).unwrap_or_default()
            }
            _ => 0,
        };
        estimate.max(known_ms)
    }
}

fn slot(header: &Header) -> Option<u64> {
    header.digest.logs.iter().find_map(|item| match item {
        DigestItem::PreRuntime(AURA_ENGINE_ID, data) => u64::decode(&mut &data[..]).ok(),
        _ => None,
    })
}

/// sp-consensus-aura.
const AURA_ENGINE_ID: sp_runtime::ConsensusEngineId = *b"aura";

/// Headers whose slots are remembered until one of them is final.
const MAX_SLOTS: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use codec::Encode;
    use sp_runtime::{Digest, traits::Header as _};

    fn header(number: u32, slot: u64) -> Header {
        let digest = Digest { logs: vec![DigestItem::PreRuntime(AURA_ENGINE_ID, slot.encode())] };
        Header::new(number, H256::zero(), H256::zero(), H256::zero(), digest)
    }

    #[test]
    fn h11_the_slot_of_a_final_header_tells_its_time_and_that_of_another_does_not() {
        let mut time = ChainTime::default();
        let executed_ms = 1_800_000_000_000;
        assert_eq!(time.now_ms(executed_ms), executed_ms);
        time.executed(&header(5, 300_000_000), executed_ms);
        time.imported(&header(6, 300_000_001));
        time.imported(&header(7, 300_001_000));
        assert_eq!(time.now_ms(executed_ms), executed_ms, "an imported header is nothing");
        time.finalized(H256::repeat_byte(9));
        assert_eq!(time.now_ms(executed_ms), executed_ms);
        time.finalized(header(7, 300_001_000).hash());
        assert_eq!(time.now_ms(executed_ms), executed_ms + 1000 * 6000);
    }

    #[test]
    fn huge_slots_do_not_overflow() {
        let mut time = ChainTime::default();
        time.executed(&header(1, 1), u64::MAX);
        time.imported(&header(2, u64::MAX));
        time.finalized(header(2, u64::MAX).hash());
        assert_eq!(time.now_ms(7), 7);
    }
}
