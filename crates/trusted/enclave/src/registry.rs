// SPDX-License-Identifier: Apache-2.0
//! Which enclaves of the shard the chain knows, and by which of them the shard is born.
//!
//! All of it follows from verified blocks alone, so all workers agree on it.
//!
//! # Who counts
//! A registration of the shard counts when the chain says that the enclave itself made it with a DCAP quote, and when
//! its binding names this chain, this shard and a shielding key. It counts for 48 hours of chain time: the chain has
//! judged the platform then, and what it would refuse today loses its power (threat model H21, P12). There is one entry
//! per signer, the last; whatever replaces it without counting ends it.
//!
//! # Birth
//! Until somebody confirmed a block of the shard, each of these is a *candidate*. The shard is born in the block with
//! the first confirmation by a candidate whose measurement the shard allows, and with the key of that candidate. So a
//! registration whose enclave went away with its key is not the end of the shard (threat model P8); and before this
//! block nothing is for the shard, because the chain takes money and calls for shards that live.
//!
//! # Who gets the key
//! The same entries decide who may ask for the shielding key and who may give it: see [`provision`](crate::provision).
//!
//! # Who has to go
//! The memory is bounded, and anybody can register genuine enclaves for a fee each. So the oldest entry does not simply
//! go: first go those of enclaves that the shard does not let in, then those that do not act for it. Who acts keeps its
//! entry whatever others register (threat model C22).

mod notice;

pub use notice::MeasurementNotice;

use crate::ingest::{ChainFacts, Ingested, RegistryEvent};
use codec::{Decode, Encode};
use offstage_primitives::{
    AccountId32, BlockHash, KeyDigest, Measurement, ShardIdentifier, attestation::KeyBinding,
    teerex::RENEWAL_PERIOD_MS,
};
use offstage_protocol::BlockReference;
use offstage_sdk::Ancestors;

/// What following the chain has told, beside the last block's facts. Part of the store's head.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode)]
pub struct Followed {
    /// The shard's registrations that count.
    pub registrations: Registrations,
    /// Since when the measurement that the shard allows is known.
    pub notice: MeasurementNotice,
    /// Where execution begins, while the enclave follows a shard whose key it does not have.
    pub origin: Option<Origin>,
    /// The block up to which the enclave had followed when it got the key. Executing from the shard's birth on, it must
    /// come through this very block: else a host could lead it to a fork that an authority set of former days signed
    /// (threat model H18).
    pub replay_to: Option<BlockReference>,
}

/// The light client right before the shard's birth.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Origin {
    /// The parent of the block in which the shard was born.
    pub position: BlockReference,
    /// The light client's snapshot at it.
    pub light_client: Vec<u8>,
    /// What the chain said in it: what blocks remember of those before them must be of then, not of when the key came.
    pub facts: Option<ChainFacts>,
    /// Its hash and those of the newest blocks before it.
    pub ancestors: Ancestors,
}

/// The shard's registrations that count, the oldest first.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode)]
pub struct Registrations {
    entries: Vec<Registration>,
}

/// What the chain has verified of an enclave.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Registration {
    signer: AccountId32,
    measurement: Measurement,
    /// Second half of the report data; the first is the signer.
    binding: [u8; 32],
    /// Digest of the shielding key that it bound.
    shielding_key: KeyDigest,
    /// Chain time of the block with its registration, in milliseconds.
    registered_at_ms: u64,
}

/// The enclave by whose confirmation the shard is born.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Founder {
    /// Its account.
    pub signer: AccountId32,
    /// Digest of the key that it had registered with.
    pub shielding_key: KeyDigest,
}

impl Registrations {
    /// What is true after a block, and, if the shard is not born yet, who founds it in this block.
    #[must_use]
    pub fn after(
        &self,
        block: &Ingested,
        shard: ShardIdentifier,
        genesis_hash: BlockHash,
    ) -> (Self, Option<Founder>) {
        let now_ms = block.facts.timestamp_ms;
        let allowed = block.facts.allowed_measurement(shard, block.block.number);
        let mut after = self.clone();
        after.entries.retain(|entry| is_in_time(entry.registered_at_ms, now_ms));
        let mut founder = None;
        for event in &block.registry {
            match event {
                RegistryEvent::Registered { signer, measurement, binding, is_dcap } => {
                    after.remove(signer);
                    let counts = |binding: &&KeyBinding| {
                        *is_dcap
                            && binding.shard == shard
                            && binding.genesis_hash == genesis_hash
                            && !binding.shielding_key.is_zero()
                    };
                    if let Some(binding) = binding.as_ref().filter(counts) {
                        after.entries.push(Registration {
                            signer: signer.clone(),
                            measurement: *measurement,
                            binding: binding.digest(),
                            shielding_key: binding.shielding_key,
                            registered_at_ms: now_ms,
                        });
                        after.make_room(&block.facts, allowed);
                    }
                }
                RegistryEvent::Unregistered { signer } => after.remove(signer),
                RegistryEvent::Confirmed { signer } => {
                    founder = founder.or_else(|| after.founder(signer, allowed));
                }
            }
        }
        (after, founder)
    }

    /// Whether this enclave, with these keys of this start, is registered at this chain time with this measurement.
    pub fn lists(
        &self,
        signer: &AccountId32,
        binding: &KeyBinding,
        measurement: &Measurement,
        now_ms: u64,
    ) -> bool {
        self.entries.iter().any(|entry| {
            entry.signer == *signer
                && entry.binding == binding.digest()
                && entry.measurement == *measurement
                && is_in_time(entry.registered_at_ms, now_ms)
        })
    }

    /// Whether this enclave is registered at this chain time with this measurement and this shielding key, by whatever
    /// start.
    pub fn holds(
        &self,
        signer: &AccountId32,
        shielding_key: KeyDigest,
        measurement: &Measurement,
        now_ms: u64,
    ) -> bool {
        self.entries.iter().any(|entry| {
            entry.signer == *signer
                && entry.shielding_key == shielding_key
                && entry.measurement == *measurement
                && is_in_time(entry.registered_at_ms, now_ms)
        })
    }

    /// Entries of enclaves with this measurement, registered at this chain time.
    #[cfg(test)]
    pub(crate) fn of(enclaves: &[(AccountId32, KeyBinding)], measurement: Measurement, at_ms: u64) -> Self {
        let entry = |(signer, binding): &(AccountId32, KeyBinding)| Registration {
            signer: signer.clone(),
            measurement,
            binding: binding.digest(),
            shielding_key: binding.shielding_key,
            registered_at_ms: at_ms,
        };
        Self { entries: enclaves.iter().map(entry).collect() }
    }

    fn founder(&self, signer: &AccountId32, allowed: Measurement) -> Option<Founder> {
        let entry = self.entries.iter().find(|entry| entry.signer == *signer)?;
        let is_allowed = entry.measurement == allowed;
        is_allowed.then(|| Founder { signer: signer.clone(), shielding_key: entry.shielding_key })
    }

    /// Lets the oldest of those go that matter least, when there are too many.
    fn make_room(&mut self, facts: &ChainFacts, allowed: Measurement) {
        if self.entries.len() <= MAX_REGISTRATIONS {
            return;
        }
        let least =
            self.entries.iter().enumerate().min_by_key(|(_, entry)| Standing::of(entry, facts, allowed));
        if let Some(index) = least.map(|(index, _)| index) {
            self.entries.remove(index);
        }
    }

    fn remove(&mut self, signer: &AccountId32) {
        self.entries.retain(|entry| entry.signer != *signer);
    }
}

/// How much a registration matters to its shard, the least first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    /// Of an enclave that the shard neither lets in nor will, as far as it is announced.
    Stranger,
    /// Of one that may act.
    MayAct,
    /// Of one that acts: the chain keeps a place for it, of which there are few.
    Acts,
}

impl Standing {
    fn of(entry: &Registration, facts: &ChainFacts, allowed: Measurement) -> Self {
        let announced = facts.shard_config.as_ref().and_then(|config| config.pending_upgrade.as_ref());
        let may_act = entry.measurement == allowed
            || announced.is_some_and(|config| config.enclave_fingerprint == entry.measurement);
        let acts = facts.shard_status.iter().flatten().any(|place| place.signer == entry.signer);
        match (acts, may_act) {
            (true, _) => Self::Acts,
            (false, true) => Self::MayAct,
            (false, false) => Self::Stranger,
        }
    }
}

/// Whether a registration of this chain time still counts at another.
pub fn is_in_time(registered_at_ms: u64, now_ms: u64) -> bool {
    now_ms.saturating_sub(registered_at_ms) <= RENEWAL_PERIOD_MS
}

/// Registrations that are remembered. All workers of a shard must have the same limit. Some hundred fit into a block,
/// so who has just registered has blocks of time to ask for the key, however many come after it.
const MAX_REGISTRATIONS: usize = 1024;

#[cfg(test)]
mod tests;
