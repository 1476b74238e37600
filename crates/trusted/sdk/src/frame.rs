// SPDX-License-Identifier: Apache-2.0
//! A FRAME runtime as business logic.
//!
//! There is no executive, no extrinsic and no inherent in a shard. A [`StateTransition`](crate::StateTransition) over a
//! FRAME runtime calls these functions instead:
//!
//! | in | use |
//! |---|---|
//! | `genesis` | [`build_genesis`] |
//! | `begin_block` | [`begin_block`], then `on_initialize` of those pallets that need it |
//! | `weight_of` | [`weight_of`] |
//! | `execute`, `shield` | [`dispatch`], or [`quietly`] around what calls pallets directly |
//! | `metadata` | `Runtime::metadata().encode()` |
//!
//! # Details
//! Account nonces of `frame_system` are not used, see [`nonce`](crate::nonce). Events are handed to the caller of
//! [`dispatch`] and then removed: a shard has nobody to read them from the state, where they would grow without end.

use crate::state_transition::{BlockContext, CallError};
use codec::Encode;
use frame_support::{
    dispatch::{GetDispatchInfo, RawOrigin},
    storage::{storage_prefix, unhashed},
    traits::{BuildGenesisConfig, OnTimestampSet, PalletInfoAccess},
    weights::Weight,
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::traits::Dispatchable;

/// Writes a runtime's genesis, as `RuntimeGenesisConfig { .. }` describes it.
pub fn build_genesis(config: &impl BuildGenesisConfig) {
    config.build();
}

/// Sets the number and the time of the runtime to those of the parentchain's block.
///
/// The parent's hash and older block hashes are not kept: each would be a write per block that no call reads.
pub fn begin_block<T>(block: &BlockContext)
where
    T: frame_system::Config + pallet_timestamp::Config,
    BlockNumberFor<T>: From<u32>,
    T::Moment: From<u64>,
{
    frame_system::Pallet::<T>::set_block_number(block.number.into());
    let now = block.timestamp_ms.into();
    pallet_timestamp::Now::<T>::put(now);
    T::OnTimestampSet::on_timestamp_set(now);
}

/// What a call of the runtime weighs, as its pallet declares it.
pub fn weight_of<T: frame_system::Config>(call: &T::RuntimeCall) -> Weight {
    call.get_dispatch_info().total_weight()
}

/// Dispatches a call of the runtime and returns the events it emitted.
///
/// # Errors
/// What the pallet answered. The executor rolls back the pallet's writes.
pub fn dispatch<T: frame_system::Config>(
    origin: RawOrigin<T::AccountId>,
    call: impl Into<T::RuntimeCall>,
) -> Result<Vec<T::RuntimeEvent>, CallError> {
    let call: T::RuntimeCall = call.into();
    let done = call.dispatch(origin.into());
    let events = take_events::<T>();
    done.map(|_| events).map_err(|failed| failed.error.into())
}

/// Runs `work`, which uses pallets directly, and removes the events it emitted.
pub fn quietly<T: frame_system::Config, R>(work: impl FnOnce() -> R) -> R {
    let result = work();
    take_events::<T>();
    result
}

/// The bytes that `state_getMetadata` returns.
pub fn metadata(metadata: impl Encode) -> Vec<u8> {
    metadata.encode()
}

/// `frame_system` has `reset_events` for this, but that looks through all that the block has changed so far for topics
/// of events, each time; a block's cost would grow with the square of its calls.
fn take_events<T: frame_system::Config>() -> Vec<T::RuntimeEvent> {
    let mut topics = false;
    let events = frame_system::Pallet::<T>::read_events_no_consensus()
        .map(|record| {
            topics |= !record.topics.is_empty();
            record.event
        })
        .collect::<Vec<_>>();
    if topics {
        frame_system::Pallet::<T>::reset_events();
    } else if !events.is_empty() {
        let system = frame_system::Pallet::<T>::name();
        for item in ["Events", "EventCount"] {
            unhashed::kill(&storage_prefix(system.as_bytes(), item.as_bytes()));
        }
    }
    events
}
