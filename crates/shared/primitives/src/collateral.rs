// SPDX-License-Identifier: Apache-2.0
//! Collateral that a parentchain keeps, so that a proof need not carry it, and the answers of whoever verifies it.
//!
//! The first four types are what the pallet `Teerex` stores and emits, with the field names of the live chains'
//! metadata. The others are the answers of the verifier functions (`offstage_attestation`, natively; a
//! runtime reaches them through a host function), hence SCALE.

use crate::attestation::{TcbStatus, TeeType};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::fmt;
use scale_info::TypeInfo;

/// The identity of the enclave that signs quotes on a platform, as the chain shows it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct SgxQuotingEnclave {
    /// When the vendor issued it, in milliseconds since the Unix epoch.
    pub issue_date: u64,
    /// Until when it holds, in milliseconds since the Unix epoch.
    pub next_update: u64,
    /// Wanted `MISCSELECT` bits.
    pub miscselect: [u8; 4],
    /// Which `MISCSELECT` bits are compared.
    pub miscselect_mask: [u8; 4],
    /// Wanted attributes.
    pub attributes: [u8; 16],
    /// Which attributes are compared.
    pub attributes_mask: [u8; 16],
    /// Identity of its signer.
    pub mrsigner: [u8; 32],
    /// Product number of its signer.
    pub isvprodid: u16,
    /// Its security versions that are up to date.
    pub tcb: Vec<QeTcb>,
}

/// A security version of a quoting enclave.
#[derive(
    Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen,
)]
pub struct QeTcb {
    /// The version.
    pub isvsvn: u16,
}

/// Patch levels of one kind of platform, as the chain shows them.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct SgxTcbInfoOnChain {
    /// When the vendor issued them, in milliseconds since the Unix epoch.
    pub issue_date: u64,
    /// Until when they hold, in milliseconds since the Unix epoch.
    pub next_update: u64,
    /// The levels, highest first.
    pub tcb_levels: Vec<TcbVersionStatus>,
}

/// One patch level and what it means.
#[derive(
    Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen,
)]
pub struct TcbVersionStatus {
    /// Security versions of the CPU's sixteen components.
    pub cpusvn: [u8; 16],
    /// Security version of the provisioning certification enclave.
    pub pcesvn: u16,
    /// What the vendor says of a platform at this level.
    pub tcb_status: TcbStatus,
}

/// What collateral a quote needs. Read from the quote alone, so it is a claim until the quote is verified.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct QuotePlatform {
    /// Kind of TEE, which decides the quoting enclave's identity and the kind of TCB info.
    pub tee: TeeType,
    /// Kind of platform ("family, model, stepping, platform type, custom SKU"), from the PCK certificate.
    pub fmspc: [u8; 6],
    /// Who issued the PCK certificate, which decides the revocation list.
    pub pck_authority: PckAuthority,
}

/// The two authorities that issue PCK certificates (Intel, "SGX PCK Certificate and CRL Profile Specification").
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    TypeInfo,
    MaxEncodedLen,
)]
pub enum PckAuthority {
    /// For single-package platforms.
    #[codec(index = 0)]
    Processor,
    /// For multi-package platforms.
    #[codec(index = 1)]
    Platform,
}

/// What a verified quoting enclave identity says.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct VerifiedQuotingEnclaveIdentity {
    /// Which TEE's quotes the enclave signs: SGX for id `QE`, TDX for id `TD_QE`.
    pub tee: TeeType,
    /// The vendor's running number of its TCB evaluations: it never decreases.
    pub tcb_evaluation_data_number: u32,
    /// The identity.
    pub quoting_enclave: SgxQuotingEnclave,
}

/// What a verified TCB info says.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct VerifiedTcbInfo {
    /// Which TEE it is about.
    pub tee: TeeType,
    /// Which kind of platform it is about.
    pub fmspc: [u8; 6],
    /// The vendor's running number of its TCB evaluations: it never decreases.
    pub tcb_evaluation_data_number: u32,
    /// The levels.
    pub on_chain_info: SgxTcbInfoOnChain,
}

/// What verified revocation lists say.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct VerifiedRevocationLists {
    /// Whose certificates the PCK list is about.
    pub pck_authority: PckAuthority,
    /// When the older of the two lists was issued, in milliseconds since the Unix epoch.
    pub issue_date: u64,
    /// Until when both hold, in milliseconds since the Unix epoch.
    pub next_update: u64,
}

/// Why evidence or collateral was refused.
#[derive(
    Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen,
)]
pub enum QuoteError {
    /// The quote is not a DCAP quote of version 3, 4 or 5 that carries its PCK certificate chain.
    #[codec(index = 0)]
    MalformedQuote,
    /// A part of the collateral cannot be read.
    #[codec(index = 1)]
    MalformedCollateral,
    /// A certificate chain does not end in the trusted root: for example a development quote on a chain that trusts
    /// the hardware vendor.
    #[codec(index = 2)]
    UntrustedRoot,
    /// A certificate, a list or a statement does not hold at the given time, yet or any more.
    #[codec(index = 3)]
    Expired,
    /// A certificate of the chain was revoked.
    #[codec(index = 4)]
    Revoked,
    /// A signature does not match what it is said to sign.
    #[codec(index = 5)]
    InvalidSignature,
    /// The collateral is about another kind of platform, or knows no level for this one.
    #[codec(index = 6)]
    PlatformMismatch,
    /// The quote, or its quoting enclave, breaks another rule of the format.
    #[codec(index = 7)]
    Refused,
}

impl fmt::Display for QuoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MalformedQuote => "not a DCAP quote (version 3, 4 or 5) with its PCK certificate chain",
            Self::MalformedCollateral => "the collateral cannot be read; fetch it again",
            Self::UntrustedRoot => {
                "the certificate chain does not end in the trusted root; a software enclave's quote is accepted only \
                 where the development root is trusted"
            },
            Self::Expired => "the evidence or its collateral does not hold at this time; fetch fresh collateral",
            Self::Revoked => "a certificate of the platform was revoked",
            Self::InvalidSignature => "a signature in the evidence does not match what it signs",
            Self::PlatformMismatch => "the collateral is about another kind of platform",
            Self::Refused => "the quote breaks a rule of its format",
        })
    }
}

impl core::error::Error for QuoteError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_forms_encode_like_those_of_the_live_chains() {
        // 8 + 8 + 4 + 4 + 16 + 16 + 32 + 2 bytes and an empty vector: the default in the live chains' metadata.
        assert_eq!(SgxQuotingEnclave::default().encode(), [0u8; 91]);
        let level = TcbVersionStatus { cpusvn: [1; 16], pcesvn: 2, tcb_status: TcbStatus::SWHardeningNeeded };
        assert_eq!(level.encode(), [&[1u8; 16][..], &[2, 0], &[2]].concat());
    }
}
