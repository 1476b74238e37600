// SPDX-License-Identifier: Apache-2.0
//! The life of a block, as `frame-executive` has it.
//!
//! | `frame-executive` | here |
//! |---|---|
//! | `initialize_block`: number, parent's hash | `enter`: those, the hashes of older blocks, and the time |
//! | migrations after a new version, `on_initialize` | `begin` |
//! | the timestamp's inherent | `begin`: the parentchain's time is proven, so nobody has to say it |
//! | `on_poll`, or a step of a migration over several blocks | `begin` |
//! | `apply_extrinsic` | [`extrinsic`](super::extrinsic) |
//! | `on_idle`, `on_finalize` | `end` |
//! | the storage root in the header | none: the executor computes the state's root after the block |
//!
//! # Details
//! The numbers are the parentchain's, from the shard's birth on. A hook may so see numbers that do not begin at one.
//!
//! What a block knows of itself, and the events that it emits, are written under keys that are no part of the state
//! (`transient`). So they are the same for a read as for a call, and cost nothing when nothing happens.

use super::{ShardRuntime, take_events};
use crate::state_transition::{BlockContext, PayoutTerms};
use codec::{Decode, Encode};
use frame_support::{
    dispatch::DispatchClass,
    migrations::MultiStepMigrator,
    storage::{storage_prefix, unhashed},
    traits::{
        BeforeAllRuntimeMigrations, Get, OnFinalize, OnIdle, OnInitialize, OnPoll, OnRuntimeUpgrade,
        OnTimestampSet, PalletInfoAccess, PostInherents, PostTransactions, PreInherents,
    },
    weights::{Weight, WeightMeter},
};
use frame_system::{LastRuntimeUpgrade, LastRuntimeUpgradeInfo, pallet_prelude::BlockNumberFor};
use offstage_primitives::{BlockHash, H256, ShardIdentifier, trusted::shard_genesis_hash};
use sp_core::storage::well_known_keys;
use sp_runtime::traits::SaturatedConversion;

/// What a pallet may ask about the block that is executed, or read on.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct CurrentBlock {
    /// The shard.
    pub shard: ShardIdentifier,
    /// Hash of the parentchain's genesis block.
    pub genesis_hash: BlockHash,
    /// Whether the parentchain trusts the development root of attestation, whose private key everybody has.
    pub development: bool,
    /// Number of the parentchain's block.
    pub number: u32,
    /// Its hash. Its producer can influence it: no source of randomness.
    pub hash: BlockHash,
    /// What the parentchain takes for a payment out of the shard.
    pub payout: PayoutTerms,
}

/// The block that is executed, or on whose state is read. `None` while the shard's first state is made.
pub fn current_block() -> Option<CurrentBlock> {
    unhashed::get(&own_key("Block"))
}

/// Writes what the block knows of itself.
pub(super) fn enter<R: ShardRuntime>(block: &BlockContext) {
    let parent = block.ancestors.before(block.number).next_back();
    let parent_hash = parent.map_or_else(H256::zero, |(_, hash)| H256::from(hash));
    // `initialize` insists on the number that follows.
    frame_system::Pallet::<R>::set_block_number(block.number.saturating_sub(1).saturated_into());
    if block.number > 0 {
        let number = block.number.saturated_into();
        frame_system::Pallet::<R>::initialize(&number, &parent_hash, &Default::default());
    }
    for (number, hash) in block.ancestors.before(block.number) {
        let number: BlockNumberFor<R> = number.saturated_into();
        frame_system::BlockHash::<R>::insert(number, H256::from(hash));
    }
    // What extrinsics are signed for, so that those of one shard are none of another.
    let genesis = shard_genesis_hash(&block.shard.genesis_hash, &block.shard.shard);
    frame_system::BlockHash::<R>::insert(BlockNumberFor::<R>::default(), genesis);
    pallet_timestamp::Now::<R>::put(block.timestamp_ms);
    // The pallet insists on being told once a block. It has been.
    unhashed::put(&pallet_key::<pallet_timestamp::Pallet<R>>("DidUpdate"), &true);
    let current = CurrentBlock {
        shard: block.shard.shard,
        genesis_hash: block.shard.genesis_hash,
        development: block.shard.development,
        number: block.number,
        hash: block.hash,
        payout: block.payout,
    };
    unhashed::put(&own_key("Block"), &current);
    super::storage::enter(&block.parentchain.storage);
}

/// Runs migrations after a new version, and what pallets do at the beginning of a block. Returns what it cost.
pub(super) fn begin<R: ShardRuntime>(block: &BlockContext) -> Weight {
    let number = frame_system::Pallet::<R>::block_number();
    let weights = R::BlockWeights::get();
    let mut weight = weights.base_block;
    let version = R::Version::get();
    if LastRuntimeUpgrade::<R>::get().is_none_or(|last| last.was_upgraded(&version)) {
        R::AllPallets::before_all_runtime_migrations();
        weight = weight.saturating_add(
            <(R::SingleBlockMigrations, R::AllPallets) as OnRuntimeUpgrade>::on_runtime_upgrade(),
        );
        LastRuntimeUpgrade::<R>::put(LastRuntimeUpgradeInfo::from(version));
    }
    weight = weight.saturating_add(R::AllPallets::on_initialize(number));
    frame_system::Pallet::<R>::note_finished_initialize();
    R::PreInherents::pre_inherents();
    R::OnTimestampSet::on_timestamp_set(block.timestamp_ms);
    frame_system::Pallet::<R>::note_inherents_applied();
    R::PostInherents::post_inherents();
    register::<R>(weight);
    let more = if R::MultiBlockMigrator::ongoing() {
        R::MultiBlockMigrator::step()
    } else {
        let room = R::limits().block.saturating_sub(weight);
        let mut meter = WeightMeter::with_limit(room);
        R::AllPallets::on_poll(number, &mut meter);
        meter.consumed()
    };
    register::<R>(more);
    take_events::<R>();
    weight.saturating_add(more)
}

/// Runs what pallets do at the end of a block. Returns what it cost: what `on_finalize` costs, pallets count in
/// `on_initialize`.
pub(super) fn end<R: ShardRuntime>(room: Weight) -> Weight {
    let number = frame_system::Pallet::<R>::block_number();
    frame_system::Pallet::<R>::note_finished_extrinsics();
    R::PostTransactions::post_transactions();
    let idle = if room.all_gt(Weight::zero()) && !R::MultiBlockMigrator::ongoing() {
        R::AllPallets::on_idle(number, room)
    } else {
        Weight::zero()
    };
    register::<R>(idle);
    R::AllPallets::on_finalize(number);
    idle
}

fn register<R: ShardRuntime>(weight: Weight) {
    frame_system::Pallet::<R>::register_extra_weight_unchecked(weight, DispatchClass::Mandatory);
}

/// Beginnings of the keys that are no part of the state.
pub(super) fn transient<R: ShardRuntime>() -> Vec<Vec<u8>> {
    let system = SYSTEM_ITEMS.iter().map(|item| pallet_key::<frame_system::Pallet<R>>(item));
    let time = ["Now", "DidUpdate"].iter().map(|item| pallet_key::<pallet_timestamp::Pallet<R>>(item));
    let own = OWN_ITEMS.iter().chain(&super::randomness::ITEMS).map(|item| own_key(item).to_vec());
    let known = [well_known_keys::EXTRINSIC_INDEX, well_known_keys::INTRABLOCK_ENTROPY].map(<[u8]>::to_vec);
    system.chain(time).map(|key| key.to_vec()).chain(own).chain(known).collect()
}

fn pallet_key<P: PalletInfoAccess>(item: &str) -> [u8; 32] {
    storage_prefix(P::name().as_bytes(), item.as_bytes())
}

/// A key of the SDK's own. No pallet of a runtime may be called `OffstageBlock`.
pub(super) fn own_key(item: &str) -> [u8; 32] {
    storage_prefix(b"OffstageBlock", item.as_bytes())
}

/// What `frame_system` keeps of a block; `frame-executive` clears some of it at the end and the rest with the next.
const SYSTEM_ITEMS: [&str; 14] = [
    "BlockHash",
    "BlockSize",
    "BlockWeight",
    "Digest",
    "EventCount",
    "EventTopics",
    "Events",
    "ExecutionPhase",
    "ExtrinsicCount",
    "ExtrinsicData",
    "ExtrinsicWeightReclaimed",
    "InherentsApplied",
    "Number",
    "ParentHash",
];

/// What the SDK keeps of a block.
const OWN_ITEMS: [&str; 3] = ["Block", super::effects::ITEM, super::storage::ITEM];
