// SPDX-License-Identifier: Apache-2.0
//! Quotes, their collateral, and what a quote binds.
//!
//! A DCAP quote says: "code with this measurement, on a platform whose certificate chain ends in this root, asked
//! for these 64 bytes to be signed". Everything else rests on those 64 bytes, the *report data*:
//!
//! - `[0..32]` the enclave's signer, an ed25519 public key that is an account of the parentchain;
//! - `[32..64]` the digest of a [`KeyBinding`]: which chain, which shard, which shielding key, which TLS
//!   key, and a nonce of this start.
//!
//! So whoever verified a quote and holds the preimage knows that *that* key lives in *that* code. A key that
//! comes without such a preimage is anybody's.

use crate::{BlockHash, KeyDigest};
use crate::{Measurement, ShardIdentifier};
use alloc::{string::String, vec::Vec};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_core::crypto::AccountId32;
use sp_crypto_hashing::blake2_256;

/// What the second half of a quote's report data commits to.
///
/// # Threats
/// - a man in the middle offers his own shielding or TLS key (threat model C8): its digest is not in the quote;
/// - a host replays the evidence of another start, chain or shard (H2, H10, H14): nonce, genesis and shard differ.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen)]
pub struct KeyBinding {
    /// Hash of the parentchain's genesis header.
    pub genesis_hash: BlockHash,
    /// The shard that the enclave serves.
    pub shard: ShardIdentifier,
    /// [`ShieldingPublicKey::digest`](crate::shielding::ShieldingPublicKey::digest) of the key that the shard was born
    /// with; an enclave that joins binds it before it has the key. Zero binds none, and counts for nothing.
    pub shielding_key: KeyDigest,
    /// blake2-256 of the DER `SubjectPublicKeyInfo` of the enclave's TLS certificate.
    pub tls_public_key: KeyDigest,
    /// Fresh randomness of this start of the enclave.
    pub boot_nonce: [u8; 32],
}

impl KeyBinding {
    /// `report_data[32..64]`: blake2-256 over a domain tag and the SCALE encoding of the binding.
    pub fn digest(&self) -> [u8; 32] {
        (KEY_BINDING_DOMAIN, self).using_encoded(blake2_256)
    }

    /// All 64 bytes of report data for an enclave with this `signer`.
    pub fn report_data(&self, signer: &AccountId32) -> [u8; 64] {
        let mut data = [0; 64];
        let (first, second) = data.split_at_mut(32);
        first.copy_from_slice(signer.as_ref());
        second.copy_from_slice(&self.digest());
        data
    }
}

/// What is needed beside a quote to verify it offline: Intel's "collateral", as certificate authorities and the
/// provisioning certification service publish it.
///
/// Chains are PEM, leaf first; lists are DER; JSON texts are byte for byte as they were signed; signatures are the
/// 64 raw bytes `r ++ s` of ECDSA P-256.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Collateral {
    /// PEM chain of the issuer of `pck_crl`.
    pub pck_crl_issuer_chain: String,
    /// Revocation list of the root CA, DER.
    pub root_ca_crl: Vec<u8>,
    /// Revocation list of the PCK CA, DER.
    pub pck_crl: Vec<u8>,
    /// PEM chain of the issuer of `tcb_info`.
    pub tcb_info_issuer_chain: String,
    /// JSON of the platform's TCB levels.
    pub tcb_info: String,
    /// Signature over `tcb_info`.
    pub tcb_info_signature: Vec<u8>,
    /// PEM chain of the issuer of `qe_identity`.
    pub qe_identity_issuer_chain: String,
    /// JSON of the quoting enclave's identity.
    pub qe_identity: String,
    /// Signature over `qe_identity`.
    pub qe_identity_signature: Vec<u8>,
    /// PEM chain of the platform's PCK certificate, when the quote does not carry it.
    pub pck_certificate_chain: Option<String>,
}

/// A quote and, unless the verifier has it already, its collateral.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Evidence {
    /// A DCAP quote, version 3, 4 or 5, byte for byte.
    pub quote: Vec<u8>,
    /// Its collateral.
    pub collateral: Option<Collateral>,
}

/// What an enclave puts into its TLS certificate (extension [`EVIDENCE_OID`], SCALE).
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct CertificateEvidence {
    /// Quote with collateral.
    pub evidence: Evidence,
    /// The enclave's signer: must be `report_data[0..32]`.
    pub signer: AccountId32,
    /// Must digest to `report_data[32..64]`, and its `tls_public_key` must be the certificate's.
    pub binding: KeyBinding,
}

/// What Offstage's enclaves hand to `Teerex.register_sgx_enclave` as `proof`: [`REGISTRATION_MAGIC`] followed by the
/// SCALE encoding of this. A bare quote is accepted too; it starts with its version (3, 4 or 5, two bytes), so the
/// two cannot be confused.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct RegistrationProof {
    /// The quote, and collateral unless it is registered on chain.
    pub evidence: Evidence,
    /// Preimage of `report_data[32..64]`, by which everybody learns the enclave's shard and shielding key.
    pub binding: Option<KeyBinding>,
}

impl RegistrationProof {
    /// The bytes for the extrinsic.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = REGISTRATION_MAGIC.to_vec();
        self.encode_to(&mut bytes);
        bytes
    }

    /// Reads either form: a bare quote becomes a proof without collateral and binding.
    ///
    /// # Errors
    /// When the bytes are longer than [`MAX_REGISTRATION_PROOF_LEN`] or malformed.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, crate::bounded::DecodeError> {
        match bytes.strip_prefix(&REGISTRATION_MAGIC) {
            Some(encoded) => crate::bounded::decode_bounded(encoded, MAX_REGISTRATION_PROOF_LEN),
            None if bytes.len() > MAX_QUOTE_LEN => {
                Err(crate::bounded::DecodeError::TooLong { len: bytes.len(), max_len: MAX_QUOTE_LEN })
            }
            None => {
                Ok(Self { evidence: Evidence { quote: bytes.to_vec(), collateral: None }, binding: None })
            }
        }
    }
}

/// What a verified quote says.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct VerifiedQuote {
    /// Kind of TEE.
    pub tee: TeeType,
    /// Measurement of the code. For SGX the MRENCLAVE; for TDX blake2-256 over MRTD and RTMR 0 to 3.
    pub mr_enclave: Measurement,
    /// Identity of the code's signer. For SGX the MRSIGNER; zero for TDX.
    pub mr_signer: [u8; 32],
    /// The 64 bytes that the code let the hardware sign.
    pub report_data: [u8; 64],
    /// Whether a debugger can read the enclave.
    pub debug: bool,
    /// Patch level of the platform.
    pub tcb_status: TcbStatus,
    /// Security advisories that apply, such as `INTEL-SA-00615`.
    pub advisory_ids: Vec<String>,
}

/// Kind of TEE that a quote comes from.
#[derive(
    Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen,
)]
pub enum TeeType {
    /// An SGX enclave (or the software platform, which issues quotes of that form).
    #[codec(index = 0)]
    Sgx,
    /// A TDX confidential VM.
    #[codec(index = 1)]
    Tdx,
}

/// Patch level of a platform, with the indices of the live chains' metadata.
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
    serde::Serialize,
    serde::Deserialize,
)]
pub enum TcbStatus {
    /// A word that is not known here: never accepted.
    #[codec(index = 0)]
    Unknown,
    /// Fully patched.
    #[codec(index = 1)]
    UpToDate,
    /// Patched; software must be built with mitigations.
    #[codec(index = 2)]
    SWHardeningNeeded,
    /// Patched; configuration and software need hardening.
    #[codec(index = 3)]
    ConfigurationAndSWHardeningNeeded,
    /// Patches are missing.
    #[codec(index = 4)]
    OutOfDate,
    /// Patches are missing and the configuration needs hardening.
    #[codec(index = 5)]
    OutOfDateConfigurationNeeded,
    /// Revoked: never accepted.
    #[codec(index = 6)]
    Revoked,
    /// Patched; configuration needs hardening.
    #[codec(index = 7)]
    ConfigurationNeeded,
}

/// Which patch levels a chain accepts.
#[derive(
    Clone,
    PartialEq,
    Eq,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    TypeInfo,
    serde::Serialize,
    serde::Deserialize,
)]
pub struct TcbPolicy {
    /// The accepted levels. [`TcbStatus::Unknown`] and [`TcbStatus::Revoked`] are refused even when listed.
    pub accepted: Vec<TcbStatus>,
}

impl TcbPolicy {
    /// Whether a platform of this level may run an enclave.
    pub fn accepts(&self, status: TcbStatus) -> bool {
        !matches!(status, TcbStatus::Unknown | TcbStatus::Revoked) && self.accepted.contains(&status)
    }
}

impl Default for TcbPolicy {
    /// Up to date, or up to date with software mitigations, which our enclave is built with.
    fn default() -> Self {
        Self { accepted: alloc::vec![TcbStatus::UpToDate, TcbStatus::SWHardeningNeeded] }
    }
}

/// Domain tag of [`KeyBinding::digest`].
const KEY_BINDING_DOMAIN: &[u8; 24] = b"offstage/key-binding/v1\0";

/// First bytes of a [`RegistrationProof`].
pub const REGISTRATION_MAGIC: [u8; 4] = *b"OSP1";

/// Object identifier of the X.509 extension that carries a [`CertificateEvidence`]: a UUID-based arc (ITU-T X.667),
/// which needs no registration.
pub const EVIDENCE_OID: &[u64] = &[2, 25, 0x7e3c_94a1, 0x5f0d_42b8, 1];

/// A quote with its certification data is about 5 KB; Intel's limit for the data alone is 16 KB.
pub const MAX_QUOTE_LEN: usize = 32 * 1024;

/// Collateral is about 20 KB: two JSON texts, two lists and three chains.
pub const MAX_COLLATERAL_LEN: usize = 128 * 1024;

/// Bound of a [`RegistrationProof`].
pub const MAX_REGISTRATION_PROOF_LEN: usize = MAX_QUOTE_LEN + MAX_COLLATERAL_LEN + 1024;

/// Bound of a [`CertificateEvidence`].
pub const MAX_CERTIFICATE_EVIDENCE_LEN: usize = MAX_REGISTRATION_PROOF_LEN;

/// DER certificate of the development root CA, whose private key everybody knows, as everybody knows //Alice's. Only
/// chains whose genesis names it accept what it signed.
pub const DEVELOPMENT_ROOT: &[u8] = include_bytes!("development_root.der");

/// DER certificate of Intel's SGX root CA.
pub const INTEL_ROOT: &[u8] = include_bytes!("intel_root.der");

#[cfg(test)]
mod tests {
    use super::*;

    fn binding() -> KeyBinding {
        KeyBinding {
            genesis_hash: BlockHash::repeat_byte(1),
            shard: [2; 32].into(),
            shielding_key: KeyDigest::repeat_byte(3),
            tls_public_key: KeyDigest::repeat_byte(4),
            boot_nonce: [5; 32],
        }
    }

    #[test]
    fn every_field_of_the_binding_changes_its_digest() {
        let whole = binding();
        for changed in [
            KeyBinding { genesis_hash: BlockHash::zero(), ..binding() },
            KeyBinding { shard: [0; 32].into(), ..binding() },
            KeyBinding { shielding_key: KeyDigest::zero(), ..binding() },
            KeyBinding { tls_public_key: KeyDigest::zero(), ..binding() },
            KeyBinding { boot_nonce: [0; 32], ..binding() },
        ] {
            assert_ne!(changed.digest(), whole.digest());
        }
    }

    #[test]
    fn the_binding_digest_is_pinned() {
        // A change here would make every enclave's quote unreadable to older clients.
        let expected = blake2_256(
            &[&b"offstage/key-binding/v1\0"[..], &[1; 32], &[2; 32], &[3; 32], &[4; 32], &[5; 32]].concat(),
        );
        assert_eq!(binding().digest(), expected);
    }

    #[test]
    fn a_bare_quote_and_a_proof_are_told_apart() {
        let bare = RegistrationProof::from_bytes(&[3, 0, 1, 2]).unwrap();
        assert_eq!((bare.evidence.quote, bare.binding), (alloc::vec![3, 0, 1, 2], None));
        let proof = RegistrationProof {
            evidence: Evidence { quote: alloc::vec![4, 0], collateral: None },
            binding: Some(binding()),
        };
        assert_eq!(RegistrationProof::from_bytes(&proof.to_bytes()), Ok(proof.clone()));
        let mut longer = proof.to_bytes();
        longer.push(0);
        assert!(RegistrationProof::from_bytes(&longer).is_err());
    }

    #[test]
    fn revoked_and_unknown_are_never_accepted() {
        let all =
            TcbPolicy { accepted: alloc::vec![TcbStatus::Unknown, TcbStatus::Revoked, TcbStatus::OutOfDate] };
        assert!(!all.accepts(TcbStatus::Unknown) && !all.accepts(TcbStatus::Revoked));
        assert!(all.accepts(TcbStatus::OutOfDate) && !all.accepts(TcbStatus::UpToDate));
    }
}
