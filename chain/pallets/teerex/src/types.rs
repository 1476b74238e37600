// SPDX-License-Identifier: Apache-2.0
//! What the registry stores beside the wire's own types, and the bounds of what it takes.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{BoundedVec, traits::ConstU32};
use offstage_primitives::{
    Measurement,
    attestation::TcbStatus,
    collateral::{SgxTcbInfoOnChain, TcbVersionStatus},
    teerex::SgxStatus,
};
use scale_info::TypeInfo;
use sp_core::ed25519;
use sp_runtime::MultiSigner;

/// Key of a proxied enclave: one that somebody else registered, because it cannot sign extrinsics.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct EnclaveInstanceAddress<AccountId> {
    /// The enclave's measurement.
    pub fingerprint: Measurement,
    /// Who registered it.
    pub registrar: AccountId,
    /// What the enclave signs with, as far as its report data tells.
    pub signer: AnySigner,
}

/// What a proxied enclave signs with.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum AnySigner {
    /// A form that the chain does not know: the whole report data.
    #[codec(index = 0)]
    Opaque(BoundedVec<u8, ConstU32<{ limits::OPAQUE_SIGNER_LEN }>>),
    /// A public key.
    #[codec(index = 1)]
    Known(MultiSigner),
}

impl AnySigner {
    /// Reads the signer out of report data.
    ///
    /// The first half is an ed25519 key when the second half is empty, or is known (`bound`) to be the digest of a key
    /// binding; otherwise all 64 bytes are somebody's own format.
    pub fn from_report_data(report_data: &[u8; 64], bound: bool) -> Self {
        let (first, second) = report_data.split_at(32);
        match <[u8; 32]>::try_from(first) {
            Ok(key) if bound || second.iter().all(|byte| *byte == 0) => {
                Self::Known(MultiSigner::Ed25519(ed25519::Public::from_raw(key)))
            }
            _ => Self::Opaque(BoundedVec::truncate_from(report_data.to_vec())),
        }
    }
}

/// A signed JSON text that was verified when it was stored. Kept whole, because a quote's verification wants
/// exactly the bytes that were signed.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo, MaxEncodedLen)]
pub struct SignedStatement {
    /// When the vendor issued it, in milliseconds since the Unix epoch.
    pub issue_date: u64,
    /// Until when it holds, in milliseconds since the Unix epoch.
    pub next_update: u64,
    /// The vendor's running number of its TCB evaluations.
    pub tcb_evaluation_data_number: u32,
    /// The JSON text.
    pub text: BoundedVec<u8, ConstU32<{ limits::STATEMENT_LEN }>>,
    /// ECDSA P-256 over the text, `r ++ s`.
    pub signature: [u8; 64],
    /// PEM chain of its signer, leaf first.
    pub certificate_chain: BoundedVec<u8, ConstU32<{ limits::CERTIFICATE_CHAIN_LEN }>>,
}

impl SignedStatement {
    /// Whether it holds at `now` (milliseconds since the Unix epoch).
    pub fn is_in_force(&self, now: u64) -> bool {
        now < self.next_update
    }

    /// Whether the vendor made this one before `other`: such a one must not replace it, or a platform that the
    /// newer one calls vulnerable could bring back the older.
    pub fn is_older_than(&self, other: &Self) -> bool {
        self.issue_date < other.issue_date
            || self.tcb_evaluation_data_number < other.tcb_evaluation_data_number
    }
}

/// Revocation lists that were verified when they were stored.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo, MaxEncodedLen)]
pub struct RegisteredRevocationLists {
    /// When the older of the two was issued, in milliseconds since the Unix epoch.
    pub issue_date: u64,
    /// Until when both hold, in milliseconds since the Unix epoch.
    pub next_update: u64,
    /// The root CA's list, DER.
    pub root_ca_crl: BoundedVec<u8, ConstU32<{ limits::REVOCATION_LIST_LEN }>>,
    /// The PCK CA's list, DER.
    pub pck_crl: BoundedVec<u8, ConstU32<{ limits::REVOCATION_LIST_LEN }>>,
    /// PEM chain of the PCK CA, leaf first.
    pub pck_crl_issuer_chain: BoundedVec<u8, ConstU32<{ limits::CERTIFICATE_CHAIN_LEN }>>,
}

impl RegisteredRevocationLists {
    /// Whether both hold at `now` (milliseconds since the Unix epoch).
    pub fn is_in_force(&self, now: u64) -> bool {
        now < self.next_update
    }
}

/// The coarse word of the wire for a patch level.
pub fn sgx_status(status: TcbStatus) -> SgxStatus {
    match status {
        TcbStatus::UpToDate => SgxStatus::Ok,
        TcbStatus::SWHardeningNeeded
        | TcbStatus::ConfigurationNeeded
        | TcbStatus::ConfigurationAndSWHardeningNeeded => SgxStatus::ConfigurationNeeded,
        TcbStatus::OutOfDate | TcbStatus::OutOfDateConfigurationNeeded => SgxStatus::GroupOutOfDate,
        TcbStatus::Revoked => SgxStatus::GroupRevoked,
        TcbStatus::Unknown => SgxStatus::Invalid,
    }
}

/// The TCB info with only those status words that the live chains' clients can decode: their list lacks
/// `ConfigurationNeeded`, which becomes the next stricter word. For show only; quotes are judged by the whole text.
pub fn in_wire_words(info: SgxTcbInfoOnChain) -> SgxTcbInfoOnChain {
    let tcb_levels = info.tcb_levels.into_iter().map(|level| TcbVersionStatus {
        tcb_status: match level.tcb_status {
            TcbStatus::ConfigurationNeeded => TcbStatus::ConfigurationAndSWHardeningNeeded,
            other => other,
        },
        ..level
    });
    SgxTcbInfoOnChain { tcb_levels: tcb_levels.collect(), ..info }
}

/// Bounds, in bytes, of what the registry takes and stores.
pub mod limits {
    /// A worker's URL. The longest host name has 253 characters.
    pub const URL_LEN: u32 = 256;

    /// A TCB info or quoting enclave identity. Intel's are 1 to 20 KB.
    pub const STATEMENT_LEN: u32 = 64 * 1024;

    /// A PEM chain. Intel's are about 2 KB.
    pub const CERTIFICATE_CHAIN_LEN: u32 = 16 * 1024;

    /// A revocation list. Intel's are 1 to 6 KB and grow with each revoked platform.
    pub const REVOCATION_LIST_LEN: u32 = 64 * 1024;

    /// A root certificate. Intel's has 659 bytes.
    pub const ROOT_CERTIFICATE_LEN: u32 = 4 * 1024;

    /// An opaque signer: the 64 bytes of report data fit; the bound is that of the live chains' type.
    pub const OPAQUE_SIGNER_LEN: u32 = 66;
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn a_signer_is_read_only_from_a_known_form() {
        let mut report_data = [0; 64];
        report_data[..32].fill(7);
        let known = AnySigner::Known(MultiSigner::Ed25519(ed25519::Public::from_raw([7; 32])));
        assert_eq!(AnySigner::from_report_data(&report_data, false), known);
        report_data[63] = 1;
        assert_eq!(AnySigner::from_report_data(&report_data, true), known);
        assert!(matches!(
            AnySigner::from_report_data(&report_data, false),
            AnySigner::Opaque(bytes) if bytes[..] == report_data
        ));
    }

    #[test]
    fn wire_words_only() {
        let level =
            TcbVersionStatus { cpusvn: [1; 16], pcesvn: 1, tcb_status: TcbStatus::ConfigurationNeeded };
        let info = SgxTcbInfoOnChain { issue_date: 1, next_update: 2, tcb_levels: vec![level] };
        assert_eq!(
            in_wire_words(info).tcb_levels[0].tcb_status,
            TcbStatus::ConfigurationAndSWHardeningNeeded
        );
    }
}
