// SPDX-License-Identifier: Apache-2.0
//! A FRAME runtime as business logic.
//!
//! An author writes pallets and a runtime, as for a chain; [`Shard`] makes a
//! [`StateTransition`](crate::StateTransition) of it. Users sign ordinary extrinsics of that runtime with the wallets
//! and libraries that they have, encrypt them, and put them on the parentchain.
//!
//! ## What an author writes
//! 1. The runtime, with `System`, `Timestamp` and what it needs beside them. Its block is [`Block`], its version
//!    [`version`].
//! 2. An implementation of [`ShardRuntime`], which says what a shard wants to know beyond FRAME's own configuration:
//!    [`shard_runtime!`](crate::shard_runtime) writes it.
//! 3. The program: `offstage_enclave::Program::new::<Shard<Runtime>>().run()`.
//!
//! ## A block
//! A block of the shard is a block of the parentchain: its number, its time, its parent's hash. As `frame-executive`
//! does, it runs migrations when the runtime's version has changed, `on_initialize`, `on_poll`, the extrinsics,
//! `on_idle` and `on_finalize` of all pallets ([`block`]). What a block knows of itself is written into storage before
//! it and is no part of the state, so an empty block of a runtime without hooks changes nothing.
//!
//! ## An extrinsic
//! It goes through the transaction extensions of the runtime, as on a chain ([`extrinsic`]). Its nonce is the SDK's own
//! ([`nonce`](crate::nonce)), under the name that wallets know, and survives an account that is emptied. What it weighs
//! is counted by the executor, with each sender's share; what it did not use is given back.
//!
//! ## Randomness
//! [`randomness`] gives pallets numbers that are the same on every worker, and says what they are not good for.
//!
//! ## Money
//! [`parentchain`] is a pallet with the call that pays out; what is paid in on the parentchain is credited by
//! [`ShardRuntime::Shielding`], which the pallet is too.
//!
//! ## The parentchain
//! Pallets ask for payments and for calls of the parentchain by [`effects`], and hear of their ends
//! ([`ShardRuntime::on_delivery`]). What they read of its state, the runtime names ([`ShardRuntime::PARENTCHAIN`]).

pub mod block;
pub mod effects;
pub mod extensions;
pub mod extrinsic;
mod one_value;
pub mod parentchain;
pub mod randomness;
pub mod reads;
mod runtime;
mod shard;
#[doc(hidden)]
pub mod storage;

#[doc(hidden)]
pub mod __private {
    //! What the macros of this crate name in the author's.
    pub use frame_support;
    pub use frame_system;
    pub use sp_core::OpaqueMetadata;
    pub use sp_runtime;
}

pub use block::{CurrentBlock, current_block};
pub use extensions::{Token, TxExtension};
pub use extrinsic::UncheckedExtrinsic;
pub use randomness::Randomness;
pub use runtime::{Block, Classic, NoClassicCalls, NoGetters, OnDelivery, ShardRuntime, Shielding, version};
pub use shard::Shard;
pub use sp_version::RuntimeVersion;

#[cfg(test)]
mod tests;

use crate::state_transition::CallError;
use frame_support::{
    dispatch::{GetDispatchInfo, RawOrigin},
    storage::{storage_prefix, unhashed},
    traits::PalletInfoAccess,
    weights::Weight,
};
use sp_runtime::traits::Dispatchable;

/// What a call of the runtime weighs, as its pallet declares it.
pub fn weight_of<T: frame_system::Config>(call: &T::RuntimeCall) -> Weight {
    call.get_dispatch_info().total_weight()
}

/// Dispatches a call of the runtime for a classic trusted call, and returns the events that it emitted.
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

/// Runs `work`, which uses pallets directly, and removes the events that it emitted.
pub fn quietly<T: frame_system::Config, R>(work: impl FnOnce() -> R) -> R {
    let result = work();
    take_events::<T>();
    result
}

/// The events of one operation. They are the sender's, and not the state's.
///
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
