// SPDX-License-Identifier: Apache-2.0
//! What the bridge's calls cost, as estimates with their reasons.
//!
//! Storage is priced by the runtime's `DbWeight`; on top come a base for dispatch and encoding, and a price per
//! byte that is copied into an event. Reads are counted for the worst case.

use crate::limits;
use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Weights of the bridge's calls.
pub trait WeightInfo {
    /// Of `invoke` with a cyphertext of `len` bytes.
    fn invoke(len: u32) -> Weight;
    /// Of `confirm_processed_parentchain_block`.
    fn confirm_processed_parentchain_block() -> Weight;
    /// Of `shield_funds` with an encrypted account of `len` bytes.
    fn shield_funds(len: u32) -> Weight;
    /// Of `unshield_funds`.
    fn unshield_funds() -> Weight;
    /// Of `publish_hash` with `topics` extra topics and `len` bytes of data.
    fn publish_hash(topics: u32, len: u32) -> Weight;
    /// Of `update_shard_config`.
    fn update_shard_config() -> Weight;
    /// Of `purge_enclave_from_shard_status`.
    fn purge_enclave_from_shard_status() -> Weight;
}

/// The estimates, priced with the database weights of the runtime `T`.
pub struct EstimatedWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for EstimatedWeight<T> {
    // Reads: the shard's configuration.
    fn invoke(len: u32) -> Weight {
        base(len, 1).saturating_add(T::DbWeight::get().reads(1))
    }

    // Reads: `touch`, the confirmed block's hash.
    fn confirm_processed_parentchain_block() -> Weight {
        base(0, TOUCH_READS + 1).saturating_add(T::DbWeight::get().reads_writes(TOUCH_READS + 1, 1))
    }

    // Reads: the shard's configuration, two accounts. Writes: two accounts.
    fn shield_funds(len: u32) -> Weight {
        base(len, 3)
            .saturating_add(Weight::from_parts(TRANSFER_REF_TIME, 0))
            .saturating_add(T::DbWeight::get().reads_writes(3, 2))
    }

    // Reads: `touch`, the payment, two accounts. Writes: status, payment, two accounts.
    fn unshield_funds() -> Weight {
        base(0, TOUCH_READS + 3)
            .saturating_add(Weight::from_parts(TRANSFER_REF_TIME, 0))
            .saturating_add(T::DbWeight::get().reads_writes(TOUCH_READS + 3, 4))
    }

    // Reads and writes: the enclave's entry, and the list of events of each topic.
    fn publish_hash(topics: u32, len: u32) -> Weight {
        let topics = u64::from(topics).saturating_add(1);
        base(len, topics.saturating_add(1))
            .saturating_add(T::DbWeight::get().reads_writes(topics.saturating_add(1), topics))
    }

    // Reads: the configuration, the sender's entry. Writes: the configuration.
    fn update_shard_config() -> Weight {
        base(2 * CONFIG_LEN, 2).saturating_add(T::DbWeight::get().reads_writes(2, 1))
    }

    fn purge_enclave_from_shard_status() -> Weight {
        base(0, 1).saturating_add(T::DbWeight::get().reads_writes(1, 1))
    }
}

/// Dispatch, one event, the handling of `len` bytes, and the proof of `entries` storage entries.
fn base(len: u32, entries: u64) -> Weight {
    Weight::from_parts(
        BASE_REF_TIME.saturating_add(REF_TIME_PER_BYTE.saturating_mul(len.into())),
        ENTRY_PROOF_SIZE.saturating_mul(entries),
    )
}

/// What admitting an enclave reads: its entry, the configuration, the status, and the entries of all enclaves in it when it is
/// full.
const TOUCH_READS: u64 = 3 + limits::INSTANCES as u64;

/// Dispatch, decoding of small arguments, one event: 20 µs.
const BASE_REF_TIME: u64 = 20_000_000;

/// A transfer beyond its storage accesses: 50 µs, about what `pallet-balances` was benchmarked at.
const TRANSFER_REF_TIME: u64 = 50_000_000;

/// Decoding, and copying into an event, of an input byte: 2 ns.
const REF_TIME_PER_BYTE: u64 = 2_000;

/// Bytes of a configuration with all authorities.
const CONFIG_LEN: u32 = 48 + 32 * limits::AUTHORITIES as u32;

/// Trie nodes and value of a storage entry.
const ENTRY_PROOF_SIZE: u64 = 4 * 1024;
