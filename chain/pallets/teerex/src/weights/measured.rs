// SPDX-License-Identifier: Apache-2.0
//! What the calls take, measured on the runtime's WebAssembly. Made by `UPDATE=1 make weights`, not by hand.
//!
//! 2026-11-24, on one core of: AMD EPYC, which does 560.7 RSA-3072 private operations a second (openssl speed).

use frame_support::{traits::Get, weights::Weight};

/// Of `register_sgx_enclave`.
pub(super) fn register_sgx_enclave<T: frame_system::Config>() -> Weight {
    Weight::from_parts(795_843_000, 7_007).saturating_add(T::DbWeight::get().reads_writes(8, 1))
}

/// Of `unregister_sovereign_enclave`.
pub(super) fn unregister_sovereign_enclave<T: frame_system::Config>() -> Weight {
    Weight::from_parts(16_835_000, 662).saturating_add(T::DbWeight::get().reads_writes(2, 1))
}

/// Of `unregister_proxied_enclave`.
pub(super) fn unregister_proxied_enclave<T: frame_system::Config>() -> Weight {
    Weight::from_parts(18_728_000, 764).saturating_add(T::DbWeight::get().reads_writes(2, 1))
}

/// Of `register_quoting_enclave`.
pub(super) fn register_quoting_enclave<T: frame_system::Config>() -> Weight {
    Weight::from_parts(213_878_000, 82_923).saturating_add(T::DbWeight::get().reads_writes(3, 2))
}

/// Of `register_tcb_info`.
pub(super) fn register_tcb_info<T: frame_system::Config>() -> Weight {
    Weight::from_parts(212_816_000, 82_929).saturating_add(T::DbWeight::get().reads_writes(3, 2))
}

/// Of `set_security_flags`.
pub(super) fn set_security_flags<T: frame_system::Config>() -> Weight {
    Weight::from_parts(6_469_000, 0).saturating_add(T::DbWeight::get().reads_writes(0, 3))
}

/// Of `register_revocation_lists`.
pub(super) fn register_revocation_lists<T: frame_system::Config>() -> Weight {
    Weight::from_parts(288_749_000, 148_395).saturating_add(T::DbWeight::get().reads_writes(3, 1))
}

/// Of `refused_registration`.
pub(super) fn refused_registration<T: frame_system::Config>(l: u32) -> Weight {
    Weight::from_parts(368_224_764, 736)
        .saturating_add(T::DbWeight::get().reads_writes(5, 0))
        .saturating_add(Weight::from_parts(6_471, 0).saturating_mul(l.into()))
}
