// SPDX-License-Identifier: Apache-2.0
//! Entry points for the fuzz targets in `fuzz/`: each takes any bytes and asserts what must hold of them.
//!
//! Not part of a production build. The evidence that is accepted was signed by the development authority for one report
//! ([`REPORT`]); nobody else has its key at hand, so whatever else is accepted is a finding.

use crate::{
    EvidencePolicy, Expectations,
    development::{self, Report},
    quote_platform, unverified_claims, verify_evidence, verify_quote, verify_quoting_enclave_identity,
    verify_revocation_lists, verify_tcb_info, x509,
};
use codec::Encode;
use offstage_primitives::{
    BlockHash, H256, KeyDigest, Measurement, ShardIdentifier,
    attestation::{
        CertificateEvidence, Collateral, DEVELOPMENT_ROOT, Evidence, INTEL_ROOT, KeyBinding,
        MAX_CERTIFICATE_EVIDENCE_LEN, MAX_COLLATERAL_LEN, MAX_QUOTE_LEN, REGISTRATION_MAGIC,
        RegistrationProof, TcbPolicy,
    },
    bounded::decode_bounded,
};
use sp_crypto_hashing::blake2_256;
use std::sync::LazyLock;

/// A quote: no other than the report that the authority signed is believed, and not where another root is trusted.
pub fn quote(quote: &[u8]) {
    let claims = unverified_claims(quote);
    if quote_platform(quote).is_ok() {
        assert!(claims.is_ok() && quote.len() <= MAX_QUOTE_LEN);
    }
    if let Ok(verified) = verify_quote(quote, &COLLATERAL, DEVELOPMENT_ROOT, NOW) {
        let claims = claims.expect("it was verified, so it can be read");
        assert_eq!((verified.mr_enclave, verified.report_data), (REPORT.measurement, REPORT.report_data));
        assert_eq!((claims.measurement, claims.report_data), (verified.mr_enclave, verified.report_data));
    }
    assert!(verify_quote(quote, &COLLATERAL, INTEL_ROOT, NOW).is_err());
}

/// Collateral, with a good quote and by itself as anybody may register it.
pub fn collateral(bytes: &[u8]) {
    let Ok(collateral) = decode_bounded::<Collateral>(bytes, MAX_COLLATERAL_LEN) else { return };
    assert_eq!(collateral.encode(), bytes);
    if let Ok(verified) = verify_quote(&EVIDENCE.quote, &collateral, DEVELOPMENT_ROOT, NOW) {
        assert_eq!(verified.mr_enclave, REPORT.measurement);
    }
    assert!(verify_quote(&EVIDENCE.quote, &collateral, INTEL_ROOT, NOW).is_err());
    for root in [DEVELOPMENT_ROOT, INTEL_ROOT] {
        let identity = verify_quoting_enclave_identity(
            collateral.qe_identity.as_bytes(),
            &collateral.qe_identity_signature,
            collateral.qe_identity_issuer_chain.as_bytes(),
            root,
            NOW,
        );
        if let Ok(identity) = identity {
            let dates = &identity.quoting_enclave;
            assert!(dates.issue_date <= NOW * 1000 && NOW * 1000 <= dates.next_update);
        }
        let info = verify_tcb_info(
            collateral.tcb_info.as_bytes(),
            &collateral.tcb_info_signature,
            collateral.tcb_info_issuer_chain.as_bytes(),
            root,
            NOW,
        );
        if let Ok(info) = info {
            let dates = &info.on_chain_info;
            assert!(dates.issue_date <= NOW * 1000 && NOW * 1000 <= dates.next_update);
        }
        let lists = verify_revocation_lists(
            &collateral.root_ca_crl,
            &collateral.pck_crl,
            collateral.pck_crl_issuer_chain.as_bytes(),
            root,
            NOW,
        );
        if let Ok(lists) = lists {
            assert!(lists.issue_date <= NOW * 1000 && NOW * 1000 <= lists.next_update);
        }
    }
}

/// A certificate with evidence: what is read out of it is in it.
pub fn certificate(der: &[u8]) {
    let Ok(presented) = x509::evidence(der) else { return };
    let encoded = presented.evidence.encode();
    assert!(contains(der, &encoded) && contains(der, &presented.subject_public_key_info));
    assert_eq!(presented.tls_public_key, blake2_256(&presented.subject_public_key_info).into());
    check_evidence(&presented.evidence, presented.tls_public_key);
}

/// Evidence as a certificate or an answer carries it: nobody is believed but the one enclave with its own keys.
pub fn evidence(bytes: &[u8]) {
    let Ok(evidence) = decode_bounded::<CertificateEvidence>(bytes, MAX_CERTIFICATE_EVIDENCE_LEN) else {
        return;
    };
    assert_eq!(evidence.encode(), bytes);
    check_evidence(&evidence, BINDING.tls_public_key);
}

/// What a registration carries: read to the end and written as the same bytes, or a bare quote.
pub fn registration_proof(bytes: &[u8]) {
    let Ok(proof) = RegistrationProof::from_bytes(bytes) else { return };
    if bytes.starts_with(&REGISTRATION_MAGIC) {
        assert_eq!(proof.to_bytes(), bytes);
    } else {
        assert!(proof.evidence.quote == bytes && proof.binding.is_none());
    }
    let _ = unverified_claims(&proof.evidence.quote);
}

fn check_evidence(evidence: &CertificateEvidence, tls_public_key: KeyDigest) {
    let expectations = Expectations {
        policy: EvidencePolicy {
            root: DEVELOPMENT_ROOT,
            tcb: &TcbPolicy::default(),
            allow_debug: false,
            now_secs: NOW,
        },
        measurements: &[MEASUREMENT],
        genesis_hash: BINDING.genesis_hash,
        shard: BINDING.shard,
        tls_public_key,
        shielding_key: Some(BINDING.shielding_key),
    };
    if let Ok(identity) = verify_evidence(evidence, &expectations) {
        assert_eq!(identity.signer().as_ref() as &[u8], SIGNER);
        assert_eq!(identity.binding(), &BINDING);
    }
    let elsewhere = EvidencePolicy { root: INTEL_ROOT, ..expectations.policy };
    assert!(verify_evidence(evidence, &Expectations { policy: elsewhere, ..expectations }).is_err());
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

/// What the authority signed in all seeds.
static REPORT: LazyLock<Report> = LazyLock::new(|| Report {
    measurement: MEASUREMENT,
    report_data: BINDING.report_data(&SIGNER.into()),
    debug: false,
});

static EVIDENCE: LazyLock<Evidence> =
    LazyLock::new(|| development::quote(&REPORT, NOW).expect("the development authority signs"));

static COLLATERAL: LazyLock<Collateral> =
    LazyLock::new(|| EVIDENCE.collateral.clone().expect("development evidence has collateral"));

const BINDING: KeyBinding = KeyBinding {
    genesis_hash: BlockHash::new([1; 32]),
    shard: ShardIdentifier(H256([2; 32])),
    shielding_key: KeyDigest::new([3; 32]),
    tls_public_key: KeyDigest::new([4; 32]),
    boot_nonce: [5; 32],
};
const MEASUREMENT: Measurement = Measurement([6; 32]);
const SIGNER: [u8; 32] = [7; 32];

/// Intel's collateral in the seeds holds then, and the authority's is issued for it.
const NOW: u64 = 1_750_377_600;

#[cfg(test)]
#[path = "../../../../fuzz/src/corpus.rs"]
mod corpus;

#[cfg(test)]
mod tests {
    use super::{corpus::Target, *};
    use rcgen::{KeyPair, PublicKeyData as _};

    const TARGETS: &[Target] = &[
        ("quote", quote),
        ("collateral", collateral),
        ("certificate", certificate),
        ("evidence", evidence),
        ("registration_proof", registration_proof),
    ];

    #[test]
    fn seeds_hold_what_the_targets_assert() {
        corpus::replay(TARGETS);
    }

    #[test]
    #[ignore = "rewrites fuzz/corpus"]
    fn write_seeds() {
        let intel = |name: &str| corpus::vector(&format!("tests/vectors/{name}"));
        corpus::write(
            "quote",
            [
                ("development", EVIDENCE.quote.clone()),
                ("intel-sgx", intel("sgx_quote.bin")),
                ("intel-tdx", intel("tdx_quote.bin")),
                ("intel-tdx-15", intel("tdx_quote_td15ex.bin")),
            ],
        );
        corpus::write(
            "collateral",
            [
                ("development", COLLATERAL.encode()),
                ("intel-sgx", of_intel(&intel("sgx_quote_collateral.json")).encode()),
            ],
        );
        let presented = CertificateEvidence {
            evidence: EVIDENCE.clone(),
            signer: SIGNER.into(),
            binding: BINDING.clone(),
        };
        let key = KeyPair::generate().unwrap();
        let tls_public_key = x509::tls_public_key(&key.subject_public_key_info());
        let of_key = KeyBinding { tls_public_key, ..BINDING };
        let with_key = CertificateEvidence { binding: of_key, ..presented.clone() };
        let bare = Evidence { collateral: None, ..EVIDENCE.clone() };
        let without = CertificateEvidence { evidence: bare.clone(), ..with_key.clone() };
        corpus::write(
            "certificate",
            [
                ("evidence", x509::self_signed(&key, &with_key).unwrap()),
                ("no-collateral", x509::self_signed(&key, &without).unwrap()),
                ("no-evidence", DEVELOPMENT_ROOT.to_vec()),
            ],
        );
        corpus::write("evidence", [("accepted", presented.encode()), ("no-collateral", without.encode())]);
        let proof = |evidence, binding| RegistrationProof { evidence, binding }.to_bytes();
        corpus::write(
            "registration_proof",
            [
                ("whole", proof(EVIDENCE.clone(), Some(BINDING))),
                ("small", proof(bare.clone(), Some(BINDING))),
                ("unbound", proof(bare, None)),
                ("bare", EVIDENCE.quote.clone()),
            ],
        );
    }

    /// Seeds that are refused at the first byte would be worth nothing.
    #[test]
    fn genuine_evidence_is_accepted() {
        verify_quote(&EVIDENCE.quote, &COLLATERAL, DEVELOPMENT_ROOT, NOW).unwrap();
    }

    fn of_intel(json: &[u8]) -> Collateral {
        let json: serde_json::Value = serde_json::from_slice(json).unwrap();
        let text = |field: &str| json[field].as_str().unwrap().to_owned();
        let bytes = |field: &str| hex::decode(text(field)).unwrap();
        Collateral {
            pck_crl_issuer_chain: text("pck_crl_issuer_chain"),
            root_ca_crl: bytes("root_ca_crl"),
            pck_crl: bytes("pck_crl"),
            tcb_info_issuer_chain: text("tcb_info_issuer_chain"),
            tcb_info: text("tcb_info"),
            tcb_info_signature: bytes("tcb_info_signature"),
            qe_identity_issuer_chain: text("qe_identity_issuer_chain"),
            qe_identity: text("qe_identity"),
            qe_identity_signature: bytes("qe_identity_signature"),
            pck_certificate_chain: json["pck_certificate_chain"].as_str().map(str::to_owned),
        }
    }
}
