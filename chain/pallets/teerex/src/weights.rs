// SPDX-License-Identifier: Apache-2.0
//! What the registry's calls cost, as estimates with their reasons.
//!
//! Storage is priced by the runtime's `DbWeight`. On top come a base for dispatch and encoding, a price per byte of
//! input, and for the calls that verify signatures the constants below, which are upper bounds: a block
//! that is full of registrations must be done within its time on a slow machine.

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Weights of the registry's calls. `len` is the length in bytes of all variable arguments together.
pub trait WeightInfo {
    /// Of `register_sgx_enclave`.
    fn register_sgx_enclave(len: u32) -> Weight;
    /// Of `unregister_sovereign_enclave`.
    fn unregister_sovereign_enclave() -> Weight;
    /// Of `unregister_proxied_enclave`.
    fn unregister_proxied_enclave() -> Weight;
    /// Of `register_quoting_enclave`.
    fn register_quoting_enclave(len: u32) -> Weight;
    /// Of `register_tcb_info`.
    fn register_tcb_info(len: u32) -> Weight;
    /// Of `set_security_flags`.
    fn set_security_flags() -> Weight;
    /// Of `register_revocation_lists`.
    fn register_revocation_lists(len: u32) -> Weight;
}

/// The estimates, priced with the database weights of the runtime `T`.
pub struct EstimatedWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for EstimatedWeight<T> {
    // Reads: time, root, policy, flags, genesis hash, three kinds of registered collateral, the former entry.
    fn register_sgx_enclave(len: u32) -> Weight {
        base(len, 3 * COLLATERAL_PROOF_SIZE)
            .saturating_add(Weight::from_parts(QUOTE_VERIFICATION_REF_TIME, 0))
            .saturating_add(T::DbWeight::get().reads_writes(9, 1))
    }

    fn unregister_sovereign_enclave() -> Weight {
        base(0, ENTRY_PROOF_SIZE).saturating_add(T::DbWeight::get().reads_writes(2, 1))
    }

    fn unregister_proxied_enclave() -> Weight {
        base(0, ENTRY_PROOF_SIZE).saturating_add(T::DbWeight::get().reads_writes(2, 1))
    }

    // Reads: time, root, the former statement. Writes: the statement and its form for show.
    fn register_quoting_enclave(len: u32) -> Weight {
        base(len, COLLATERAL_PROOF_SIZE)
            .saturating_add(Weight::from_parts(STATEMENT_VERIFICATION_REF_TIME, 0))
            .saturating_add(T::DbWeight::get().reads_writes(3, 2))
    }

    fn register_tcb_info(len: u32) -> Weight {
        Self::register_quoting_enclave(len)
    }

    fn set_security_flags() -> Weight {
        base(0, 0).saturating_add(T::DbWeight::get().writes(3))
    }

    // Reads: time, root, the former lists. Writes: the lists.
    fn register_revocation_lists(len: u32) -> Weight {
        base(len, COLLATERAL_PROOF_SIZE)
            .saturating_add(Weight::from_parts(STATEMENT_VERIFICATION_REF_TIME, 0))
            .saturating_add(T::DbWeight::get().reads_writes(3, 1))
    }
}

/// Dispatch, event and the handling of `len` bytes.
fn base(len: u32, proof_size: u64) -> Weight {
    Weight::from_parts(
        BASE_REF_TIME.saturating_add(REF_TIME_PER_BYTE.saturating_mul(len.into())),
        proof_size.saturating_add(STATE_PATH_PROOF_SIZE),
    )
}

/// Dispatch, decoding of small arguments, one event: 20 µs, twice what `pallet-balances`' transfer takes.
const BASE_REF_TIME: u64 = 20_000_000;

/// Decoding, copying over the host boundary, parsing and writing of an input byte: 20 ns. Texts and lists are parsed
/// before their signature is checked, so this must hold for nonsense too.
const REF_TIME_PER_BYTE: u64 = 20_000;

/// Verification of a quote with its collateral: 5 ms.
///
/// An upper bound: it makes about ten ECDSA P-256 verifications, walks four short certificate chains and parses
/// two JSON texts. `examples/verification_time.rs` measured 1.4 to 2.1 ms on a busy machine of two cores.
pub const QUOTE_VERIFICATION_REF_TIME: u64 = 5_000_000_000;

/// Verification of one signed statement or of a pair of revocation lists: 2 ms. An upper bound: two to four ECDSA P-256
/// verifications and one text; measured 0.2 to 0.6 ms in the same runs.
pub const STATEMENT_VERIFICATION_REF_TIME: u64 = 2_000_000_000;

/// Trie nodes on the way to the few small values that every call reads.
const STATE_PATH_PROOF_SIZE: u64 = 8 * 1024;

/// Trie nodes and value of a registered enclave.
const ENTRY_PROOF_SIZE: u64 = 4 * 1024;

/// Trie nodes and value of registered collateral at its limits.
const COLLATERAL_PROOF_SIZE: u64 = 160 * 1024;
