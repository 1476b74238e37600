// SPDX-License-Identifier: Apache-2.0
//! What the calls take, measured on the runtime's WebAssembly. Made by `UPDATE=1 make weights`, not by hand.
//!
//! 2026-11-24, on one core of: AMD EPYC, which does 560.7 RSA-3072 private operations a second (openssl speed).

use frame_support::{traits::Get, weights::Weight};

/// Of `invoke`.
pub(super) fn invoke<T: frame_system::Config>(l: u32) -> Weight {
    Weight::from_parts(27_272_049, 2_390)
        .saturating_add(T::DbWeight::get().reads_writes(4, 1))
        .saturating_add(Weight::from_parts(333, 0).saturating_mul(l.into()))
}

/// Of `confirm_processed_parentchain_block`.
pub(super) fn confirm_processed_parentchain_block<T: frame_system::Config>() -> Weight {
    Weight::from_parts(80_910_000, 4_553).saturating_add(T::DbWeight::get().reads_writes(15, 1))
}

/// Of `shield_funds`.
pub(super) fn shield_funds<T: frame_system::Config>(l: u32) -> Weight {
    Weight::from_parts(84_247_475, 2_442)
        .saturating_add(T::DbWeight::get().reads_writes(6, 3))
        .saturating_add(Weight::from_parts(1_401, 0).saturating_mul(l.into()))
}

/// Of `unshield_funds`.
pub(super) fn unshield_funds<T: frame_system::Config>() -> Weight {
    Weight::from_parts(138_366_000, 4_513).saturating_add(T::DbWeight::get().reads_writes(17, 4))
}

/// Of `publish_hash`.
pub(super) fn publish_hash<T: frame_system::Config>(t: u32, l: u32) -> Weight {
    Weight::from_parts(22_925_148, 833)
        .saturating_add(T::DbWeight::get().reads_writes(3, 1))
        .saturating_add(
            Weight::from_parts(2_154_091, 0)
                .saturating_add(T::DbWeight::get().reads_writes(1, 1))
                .saturating_mul(t.into()),
        )
        .saturating_add(Weight::zero().saturating_mul(l.into()))
}

/// Of `update_shard_config`.
pub(super) fn update_shard_config<T: frame_system::Config>() -> Weight {
    Weight::from_parts(28_012_000, 2_023).saturating_add(T::DbWeight::get().reads_writes(4, 1))
}

/// Of `purge_enclave_from_shard_status`.
pub(super) fn purge_enclave_from_shard_status<T: frame_system::Config>() -> Weight {
    Weight::from_parts(14_501_000, 835).saturating_add(T::DbWeight::get().reads_writes(1, 1))
}
