// SPDX-License-Identifier: Apache-2.0
//! What the registry's calls cost.
//!
//! They are `measured` on the runtime's WebAssembly, in each call's worst case (`make weights`), the verification by
//! the node's host functions included; storage is priced by the runtime's `DbWeight`. What is measured is good
//! evidence, which is as long as its issuer made it. On top comes a price for each byte of the arguments, which is what
//! the bytes of a forgery cost before it is refused.

mod measured;

use core::marker::PhantomData;
use frame_support::weights::Weight;

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

/// The measured weights, with the database weights of the runtime `T`.
pub struct MeasuredWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for MeasuredWeight<T> {
    fn register_sgx_enclave(len: u32) -> Weight {
        measured::register_sgx_enclave::<T>()
            .saturating_add(bytes::<T>(len.saturating_add(REGISTERED_COLLATERAL_LEN)))
    }

    fn unregister_sovereign_enclave() -> Weight {
        measured::unregister_sovereign_enclave::<T>()
    }

    fn unregister_proxied_enclave() -> Weight {
        measured::unregister_proxied_enclave::<T>()
    }

    fn register_quoting_enclave(len: u32) -> Weight {
        measured::register_quoting_enclave::<T>().saturating_add(bytes::<T>(len))
    }

    fn register_tcb_info(len: u32) -> Weight {
        measured::register_tcb_info::<T>().saturating_add(bytes::<T>(len))
    }

    fn set_security_flags() -> Weight {
        measured::set_security_flags::<T>()
    }

    fn register_revocation_lists(len: u32) -> Weight {
        measured::register_revocation_lists::<T>().saturating_add(bytes::<T>(len))
    }
}

/// Decoding, copying to the verifier and reading of `len` bytes, as measured, and never less than
/// [`REF_TIME_PER_BYTE`].
fn bytes<T: frame_system::Config>(len: u32) -> Weight {
    // What does not depend on the length falls out.
    let measured =
        measured::refused_registration::<T>(len).saturating_sub(measured::refused_registration::<T>(0));
    measured.max(Weight::from_parts(REF_TIME_PER_BYTE.saturating_mul(len.into()), 0))
}

/// What a byte of nonsense may take: 20 ns, an upper bound.
///
/// The forgery that is measured is a TCB info. Revocation lists are read before their signature is checked, and nothing
/// has measured the worst of them.
const REF_TIME_PER_BYTE: u64 = 20_000;

/// Bytes by which registered collateral, which no argument shows, may be longer than the development authority's, with
/// which was measured. Intel's has 24 KB.
const REGISTERED_COLLATERAL_LEN: u32 = 32 * 1024;
