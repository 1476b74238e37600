// SPDX-License-Identifier: Apache-2.0
//! What the bridge's calls cost.
//!
//! The chain's own work is `measured` on the runtime's WebAssembly, in each call's worst case (`make weights`);
//! storage is priced by the runtime's `DbWeight`. On top comes the work of a shard's enclaves, at a price that is
//! decided, not measured: [`WeightInfo::opening`].

mod measured;

use core::marker::PhantomData;
use frame_support::weights::Weight;

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
    /// Of `execute_for_shard`, without the call inside.
    fn execute_for_shard() -> Weight;
}

/// The measured weights, and the price of RSA operations, with the database weights of the runtime `T`.
pub struct MeasuredWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for MeasuredWeight<T> {
    fn opening(rsa_operations: u32) -> Weight {
        Weight::from_parts(RSA_REF_TIME.saturating_mul(rsa_operations.into()), 0)
    }

    fn invoke(len: u32) -> Weight {
        measured::invoke::<T>(len)
    }

    fn confirm_processed_parentchain_block() -> Weight {
        measured::confirm_processed_parentchain_block::<T>()
    }

    fn shield_funds(len: u32) -> Weight {
        measured::shield_funds::<T>(len)
    }

    fn unshield_funds() -> Weight {
        measured::unshield_funds::<T>()
    }

    fn publish_hash(topics: u32, len: u32) -> Weight {
        measured::publish_hash::<T>(topics, len)
    }

    fn update_shard_config() -> Weight {
        measured::update_shard_config::<T>()
    }

    fn purge_enclave_from_shard_status() -> Weight {
        measured::purge_enclave_from_shard_status::<T>()
    }

    fn execute_for_shard() -> Weight {
        // Not measured on its own: it admits the enclave, looks for the call hash and notes it as a payment does, and
        // in the place of the transfer is the call inside, which is weighed apart. So a payment is its upper bound.
        measured::unshield_funds::<T>()
    }
}

/// The price of an RSA operation in each worker of a shard, as time of the chain: 0.25 ms.
///
/// A worker takes 2.4 ms of a core for it (411 a second), while the chain does nothing; so this is a share of the
/// block, not a time. It is as high as it can be while a block still has room for all the one-chunk invocations that a
/// shard may have in it ([`Config::RsaOperationsPerBlock`](crate::Config::RsaOperationsPerBlock)), so whoever fills a
/// shard with them pays for the whole block.
const RSA_REF_TIME: u64 = 250_000_000;
