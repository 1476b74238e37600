// SPDX-License-Identifier: Apache-2.0
//! The enclave registry of the parentchain (pallet `Teerex`, index 50): the forms that Integritee's chains use
//! (wire.md, "Parentchain pallets"; field and variant names as in the metadata of the live chains).

use crate::Measurement;
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// How an enclave claims to be attested. Offstage's chain accepts only [`Dcap`](Self::Dcap).
#[derive(
    Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen,
)]
pub enum SgxAttestationMethod {
    /// No attestation at all. Always refused; it exists so that the wire form stays whole.
    #[codec(index = 0)]
    Skip {
        /// Whether somebody other than the enclave registers it.
        proxied: bool,
    },
    /// Intel's attestation service by EPID, which ended in 2025. Always refused.
    #[codec(index = 1)]
    Ias,
    /// A DCAP quote, verified on chain.
    #[codec(index = 2)]
    Dcap {
        /// Whether somebody other than the enclave registers it.
        proxied: bool,
    },
}

/// A registered enclave.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum MultiEnclave {
    /// An enclave attested with a quote in Intel's format.
    #[codec(index = 0)]
    Sgx(SgxEnclave),
}

/// What the chain keeps of a verified quote.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct SgxEnclave {
    /// `[0..32]` the enclave's signer, `[32..64]` the digest of its
    /// [`KeyBinding`](crate::attestation::KeyBinding).
    pub report_data: SgxReportData,
    /// Measurement of the enclave's code.
    pub mr_enclave: Measurement,
    /// Identity of who signed the enclave's code.
    pub mr_signer: [u8; 32],
    /// Chain time of the registration, in milliseconds since the Unix epoch.
    pub timestamp: u64,
    /// Where the worker can be reached, as text.
    pub url: Option<Vec<u8>>,
    /// Whether the enclave's memory can be read by a debugger.
    pub build_mode: SgxBuildMode,
    /// How it was attested.
    pub attestation_method: SgxAttestationMethod,
    /// What the vendor says of the platform's patch level.
    pub status: SgxStatus,
}

/// The 64 bytes that an enclave lets the hardware sign.
#[derive(
    Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen,
)]
pub struct SgxReportData {
    /// The bytes.
    pub d: [u8; 64],
}

/// Whether the enclave's memory can be read by a debugger.
#[derive(
    Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen,
)]
pub enum SgxBuildMode {
    /// It can: such an enclave keeps no secret.
    #[codec(index = 0)]
    Debug,
    /// It cannot.
    #[codec(index = 1)]
    Production,
}

/// The platform's patch level in the chain's coarse words.
#[derive(
    Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen,
)]
pub enum SgxStatus {
    /// Not known or not accepted.
    #[codec(index = 0)]
    Invalid,
    /// Up to date.
    #[codec(index = 1)]
    Ok,
    /// Patches are missing.
    #[codec(index = 2)]
    GroupOutOfDate,
    /// The platform's keys were revoked.
    #[codec(index = 3)]
    GroupRevoked,
    /// Patched, but its configuration or software needs hardening.
    #[codec(index = 4)]
    ConfigurationNeeded,
}

/// What a chain tolerates (storage `Teerex.SecurityFlags`). Verifiers beside the chain follow it too.
#[derive(
    Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen,
)]
pub struct SecurityFlags {
    /// Always `false` on Offstage's chain; the field keeps the wire form whole.
    pub allow_skipping_attestation: bool,
    /// Whether enclaves whose memory a debugger can read are registered.
    pub sgx_allow_debug_mode: bool,
}

/// How long a registration counts, in milliseconds of chain time after its [`timestamp`](SgxEnclave::timestamp): 48
/// hours, as on the live chains (`MaxAttestationRenewalPeriod`). An older entry acts no more: it confirms, pays and
/// publishes nothing, no shard is born by it, and no key goes to or comes from it. So a platform that would be refused
/// today loses its power.
pub const RENEWAL_PERIOD_MS: u64 = 48 * 60 * 60 * 1_000;
