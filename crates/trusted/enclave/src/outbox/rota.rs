// SPDX-License-Identifier: Apache-2.0
//! Which enclaves of a shard act, and whose turn it is to pay.
//!
//! The chain's `ShardStatus` has a slot for each enclave that acts for the shard, ten at most. It is proven with
//! every block, so all workers see the same. Nothing here is a matter of consensus: a worker that is wrong about a
//! turn burns a fee, and the chain still pays once.
//!
//! # Details
//! - *Standby*: an enclave without a slot, while each is held by one that acts, spends nothing. A slot falls free by
//!   silence ([`SLOT_SILENCE_BLOCKS`]), or when its enclave is of a measurement that the shard does not allow any
//!   more; then the next confirmation of a standby takes it.
//! - *Turns*: each payment orders the acting enclaves in a way of its own, by the distance of their accounts to its
//!   call hash, so that they share the fees. The first pays; after [`TURN_BLOCKS`] it is the next one's turn, and so
//!   on, round and round. A host that withholds its enclave's payments delays them by that much and no more.

use crate::ingest::ChainFacts;
use offstage_primitives::{
    AccountId32, H256, Measurement, ShardIdentifier,
    enclave_bridge::{SLOT_SILENCE_BLOCKS, ShardSignerStatus},
};

/// The slots of a shard after a block.
pub struct Slots<'a> {
    /// `None` on a chain that has no status of the shard: nobody acted for it yet.
    entries: Option<&'a [ShardSignerStatus]>,
    /// The measurement that the shard allows.
    allowed: Measurement,
    limit: usize,
    now: u32,
}

impl<'a> Slots<'a> {
    /// The slots as the facts of block `now` show them.
    pub fn of(facts: &'a ChainFacts, shard: ShardIdentifier, now: u32) -> Self {
        let instances = facts.shard_config.as_ref().and_then(|config| config.at(now).max_instances);
        let limit = instances.unwrap_or(MAX_SLOTS).min(MAX_SLOTS);
        Self {
            entries: facts.shard_status.as_deref(),
            allowed: facts.allowed_measurement(shard, now),
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
            now,
        }
    }

    /// How many enclaves may act.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Whether `signer` has no slot and cannot get one now.
    pub fn is_standby(&self, signer: &AccountId32) -> bool {
        let entries = self.entries.unwrap_or_default();
        let holds_one = entries.iter().any(|entry| entry.signer == *signer);
        !holds_one && entries.iter().filter(|entry| self.keeps(entry)).count() >= self.limit
    }

    /// Whether it is the turn of `signer` to make the payment that block `produced_at` caused.
    ///
    /// Where nobody has a slot, everybody pays: the chain honours the first.
    pub fn pays(&self, signer: &AccountId32, call_hash: &H256, produced_at: u32) -> bool {
        let Some(entries) = self.entries.filter(|entries| !entries.is_empty()) else { return true };
        let mut acting = self.acting(entries, ACTING_BLOCKS);
        if acting.is_empty() {
            acting = self.acting(entries, u32::MAX);
        }
        acting.sort_unstable_by_key(|account| distance(account, call_hash));
        let turn = self.now.saturating_sub(produced_at) / TURN_BLOCKS;
        let place = usize::try_from(turn).ok().and_then(|turn| turn.checked_rem(acting.len()));
        place.and_then(|place| acting.get(place)).is_some_and(|account| *account == signer)
    }

    /// Who may act and did of late.
    pub fn acting_now(&self) -> Vec<&'a AccountId32> {
        self.acting(self.entries.unwrap_or_default(), ACTING_BLOCKS)
    }

    /// Who may act and did within so many blocks.
    fn acting<'e>(&self, entries: &'e [ShardSignerStatus], blocks: u32) -> Vec<&'e AccountId32> {
        entries
            .iter()
            .filter(|entry| entry.fingerprint == self.allowed)
            .filter(|entry| self.now.saturating_sub(entry.last_activity) <= blocks)
            .map(|entry| &entry.signer)
            .collect()
    }

    fn keeps(&self, entry: &ShardSignerStatus) -> bool {
        entry.fingerprint == self.allowed
            && self.now.saturating_sub(entry.last_activity) <= SLOT_SILENCE_BLOCKS
    }
}

/// Both are as good as random, so this orders accounts differently for each hash, and one that comes or goes moves no
/// other.
fn distance(account: &AccountId32, call_hash: &H256) -> H256 {
    let account: &[u8; 32] = account.as_ref();
    H256(*account) ^ *call_hash
}

/// Blocks after which the next enclave pays what is still not paid. A payment that is submitted at once is seen final
/// after four to eight blocks; who pays earlier than the next one's turn is seldom overtaken.
pub const TURN_BLOCKS: u32 = 12;

/// An enclave that confirmed within so many blocks counts as acting: six of the usual heartbeats.
const ACTING_BLOCKS: u32 = 60;

/// Enclaves in a shard's status (the live chains' number).
const MAX_SLOTS: u32 = 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::tests_support::facts;

    const SHARD: [u8; 32] = [5; 32];

    fn account(n: u8) -> AccountId32 {
        AccountId32::new(sp_crypto_hashing::blake2_256(&[n]))
    }

    fn slot(n: u8, last_activity: u32) -> ShardSignerStatus {
        ShardSignerStatus { signer: account(n), fingerprint: SHARD.into(), last_activity }
    }

    fn with(slots: Vec<ShardSignerStatus>) -> ChainFacts {
        ChainFacts { shard_status: Some(slots), ..facts() }
    }

    fn hash(n: u64) -> H256 {
        H256(sp_crypto_hashing::blake2_256(&n.to_le_bytes()))
    }

    #[test]
    fn p07_an_enclave_is_a_standby_as_long_as_all_slots_are_held_by_others_that_act() {
        let standby = |facts: &ChainFacts, now| Slots::of(facts, SHARD.into(), now).is_standby(&account(99));
        assert!(!standby(&facts(), 500), "nobody acted yet");
        assert!(!standby(&with((0..9).map(|n| slot(n, 500)).collect()), 500), "one is free");
        let full = with((0..10).map(|n| slot(n, 500)).collect());
        assert!(standby(&full, 500) && standby(&full, 500 + SLOT_SILENCE_BLOCKS));
        assert!(!standby(&full, 501 + SLOT_SILENCE_BLOCKS), "silent ones make room");
        assert!(!Slots::of(&full, SHARD.into(), 500).is_standby(&account(3)), "it has one itself");
        let mut other = (0..10).map(|n| slot(n, 500)).collect::<Vec<_>>();
        other[4].fingerprint = Measurement([0; 32]);
        assert!(!standby(&with(other), 500), "one is of a measurement that may not act");
    }

    #[test]
    fn c17_one_enclave_pays_at_a_time_and_each_gets_its_turn() {
        let facts = with((0..5).map(|n| slot(n, 100)).collect());
        let payers = |now: u32, n: u64| -> Vec<u8> {
            let slots = Slots::of(&facts, SHARD.into(), now);
            (0..6).filter(|who| slots.pays(&account(*who), &hash(n), 100)).collect()
        };
        let mut shares = [0u32; 5];
        for n in 0..500 {
            let mut turns = Vec::new();
            for turn in 0..5 {
                let [first] = payers(100 + turn * TURN_BLOCKS, n)[..] else { panic!("not one payer") };
                assert_eq!(payers(100 + turn * TURN_BLOCKS + TURN_BLOCKS - 1, n), [first]);
                turns.push(first);
            }
            shares[usize::from(turns[0])] += 1;
            turns.sort_unstable();
            assert_eq!(turns, [0, 1, 2, 3, 4]);
        }
        assert!(shares.iter().all(|share| (40..250).contains(share)), "{shares:?}");
    }

    #[test]
    fn c17_the_silent_are_passed_over_and_without_slots_everybody_pays() {
        let mut slots: Vec<_> = (0..5).map(|n| slot(n, 10)).collect();
        slots[2].last_activity = 300;
        let facts = with(slots);
        for n in 0..50 {
            let slots = Slots::of(&facts, SHARD.into(), 310);
            assert!((0..5).all(|who| slots.pays(&account(who), &hash(n), 310) == (who == 2)));
            let all_silent = Slots::of(&facts, SHARD.into(), 1_000);
            assert_eq!((0..5).filter(|who| all_silent.pays(&account(*who), &hash(n), 999)).count(), 1);
        }
        let nobody = crate::ingest::tests_support::facts();
        assert!(Slots::of(&nobody, SHARD.into(), 5).pays(&account(1), &hash(1), 5));
    }
}
