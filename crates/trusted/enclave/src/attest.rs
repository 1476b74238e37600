// SPDX-License-Identifier: Apache-2.0
//! Evidence: how the enclave proves to others what it is and which keys it holds.
//!
//! A quote is signed over the [`KeyBinding`]'s report data. The same evidence goes three ways: into the registration on
//! chain, into the TLS certificate that clients see, and into the mutual handshake with a peer. It binds the shielding
//! key that the shard was born with, also while a joiner does not have it yet; before a birth, the candidate's own. It
//! is made anew with each registration.

use crate::platform::{Platform, PlatformError};
use offstage_primitives::{
    AccountId32,
    attestation::{CertificateEvidence, KeyBinding, RegistrationProof},
};

/// A quote over the signer and the binding, with collateral that holds at `now_secs` (chain time, seconds since the
/// Unix epoch).
///
/// # Errors
/// When the platform gives no quote.
pub fn evidence(
    platform: &dyn Platform,
    signer: &AccountId32,
    binding: &KeyBinding,
    now_secs: u64,
) -> Result<CertificateEvidence, AttestError> {
    let evidence = platform.quote(&binding.report_data(signer), now_secs)?;
    Ok(CertificateEvidence { evidence, signer: signer.clone(), binding: binding.clone() })
}

/// The `proof` argument of `Teerex.register_sgx_enclave` for this evidence.
pub fn registration_proof(evidence: &CertificateEvidence) -> Vec<u8> {
    RegistrationProof { evidence: evidence.evidence.clone(), binding: Some(evidence.binding.clone()) }
        .to_bytes()
}

/// Why there is no evidence.
#[derive(Debug, thiserror::Error)]
pub enum AttestError {
    /// The platform failed.
    #[error(transparent)]
    Platform(#[from] PlatformError),
}
