// SPDX-License-Identifier: Apache-2.0
//! What the bridge's calls cost, as estimates with their reasons.
//!
//! Storage is priced by the runtime's `DbWeight`; on top come a base for dispatch and encoding, and a price per
//! byte that is copied into an event. Reads are counted for the worst case.
//!
//! `make weights` measures the calls on the real runtime and prints the figures beside these. On a busy machine of two
//! cores, with 411 RSA-3072 operations a second each when idle, natively: `invoke` 9 µs,
//! `confirm_processed_parentchain_block` 25, `shield_funds` 23, `unshield_funds` 39, `publish_hash` 12,
//! `update_shard_config` 6, `purge_enclave_from_shard_status` 4. As wasm they take up to twice as long.

use crate::limits;
use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Weights of the bridge's calls.
pub trait WeightInfo {
    /// Of this many RSA operations, which an envelope causes in each worker of its shard. On top of what the chain
    /// itself has to do.
    fn opening(rsa_operations: u32) -> Weight;
    /// Of `invoke` with a cyphertext of `len` bytes, without its opening.
    fn invoke(len: u32) -> Weight;
    /// Of `confirm_processed_parentchain_block`.
    fn confirm_processed_parentchain_block() -> Weight;
    /// Of `shield_funds` with an encrypted account of `len` bytes, without its opening.
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
    fn opening(rsa_operations: u32) -> Weight {
        Weight::from_parts(RSA_REF_TIME.saturating_mul(rsa_operations.into()), 0)
    }

    // Reads: the shard's status, configuration and counter, the bound. Writes: the counter.
    fn invoke(len: u32) -> Weight {
        base(len, 4).saturating_add(T::DbWeight::get().reads_writes(4, 1))
    }

    // Reads: the admission, the confirmed block's hash. Writes: the status.
    fn confirm_processed_parentchain_block() -> Weight {
        admission(1).saturating_add(T::DbWeight::get().reads_writes(ADMISSION_READS + 1, 1))
    }

    // Reads: as `invoke`, and two accounts. Writes: the counter, two accounts.
    fn shield_funds(len: u32) -> Weight {
        base(len, 6)
            .saturating_add(Weight::from_parts(TRANSFER_REF_TIME, 0))
            .saturating_add(T::DbWeight::get().reads_writes(6, 3))
    }

    // Reads: the admission, the payment, two accounts. Writes: status, payment, two accounts.
    fn unshield_funds() -> Weight {
        admission(3)
            .saturating_add(Weight::from_parts(TRANSFER_REF_TIME, 0))
            .saturating_add(T::DbWeight::get().reads_writes(ADMISSION_READS + 3, 4))
    }

    // Reads: the enclave's entry, chain time. Reads and writes: the list of events of each topic.
    fn publish_hash(topics: u32, len: u32) -> Weight {
        let topics = u64::from(topics).saturating_add(1);
        base(len, topics.saturating_add(2))
            .saturating_add(T::DbWeight::get().reads_writes(topics.saturating_add(2), topics))
    }

    // Reads: the configuration, the sender's entry, chain time, the shard's status. Writes: the configuration.
    fn update_shard_config() -> Weight {
        base(2 * CONFIG_LEN, 4).saturating_add(T::DbWeight::get().reads_writes(4, 1))
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

/// Admission of an enclave, dispatch, one event, and the proof of `entries` further storage entries.
fn admission(entries: u64) -> Weight {
    base(0, ADMISSION_READS.saturating_add(entries)).saturating_add(Weight::from_parts(ADMISSION_REF_TIME, 0))
}

/// What admitting an enclave reads: its entry, chain time, the configuration, the status, and the entries of all
/// enclaves in it when it is full.
const ADMISSION_READS: u64 = 4 + limits::INSTANCES as u64;

/// The price of an RSA operation in each worker of a shard, as time of the chain: 0.25 ms.
///
/// A worker takes 2.4 ms of a core for it (411 a second), while the chain does nothing; so this is a share of the
/// block, not a time. It is as high as it can be while a block still has room for all the one-chunk invocations that a
/// shard may have in it ([`Config::RsaOperationsPerBlock`](crate::Config::RsaOperationsPerBlock)), so whoever fills a
/// shard with them pays for the whole block.
const RSA_REF_TIME: u64 = 250_000_000;

/// Decoding and judging the ten enclaves of a full status: 40 µs. A confirmation that needs all of it was measured at
/// 25 µs in all, natively.
const ADMISSION_REF_TIME: u64 = 40_000_000;

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
