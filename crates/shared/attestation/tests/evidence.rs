// SPDX-License-Identifier: Apache-2.0
//! What a fake peer may try (threat model H14, H15, C8), against the function that decides.

mod common;

use codec::Encode;
use common::{MONTH, NOW};
use offstage_attestation::{
    EvidenceError, EvidencePolicy, Expectations, VerifiedIdentity,
    development::{Platform, Report},
    verify_evidence,
    x509::{self, X509Error},
};
use offstage_primitives::{
    AccountId32, BlockHash, H256, KeyDigest, Measurement,
    attestation::{
        CertificateEvidence, DEVELOPMENT_ROOT, EVIDENCE_OID, Evidence, INTEL_ROOT, KeyBinding, TcbPolicy,
        TcbStatus,
    },
    collateral::QuoteError,
};
use rcgen::{CertificateParams, CustomExtension, KeyPair};

#[test]
fn an_honest_peer_is_believed() {
    let identity = check(|_, _| ()).unwrap();
    assert_eq!(identity.measurement(), &MEASUREMENT);
    assert_eq!(identity.signer(), &signer());
    assert_eq!(identity.binding(), &binding());
    assert_eq!(identity.quote().report_data, binding().report_data(&signer()));
}

#[test]
fn h14_no_quote() {
    let error = check(|evidence, _| evidence.evidence.quote.clear());
    assert_eq!(error, Err(EvidenceError::Quote(QuoteError::MalformedQuote)));
    assert_eq!(check(|evidence, _| evidence.evidence.collateral = None), Err(EvidenceError::NoCollateral));
}

#[test]
fn h14_another_measurement() {
    let found = Measurement([0x66; 32]);
    let error = check(|evidence, _| {
        evidence.evidence = quote(&Platform::default(), found, false, &signer(), &binding());
    });
    assert_eq!(error, Err(EvidenceError::Measurement { found }));
    assert_eq!(
        check(|_, expected| expected.measurements = &[]),
        Err(EvidenceError::Measurement { found: MEASUREMENT })
    );
    assert!(check(|_, expected| expected.measurements = &[Measurement([1; 32]), MEASUREMENT]).is_ok());
}

#[test]
fn h14_a_debug_enclave() {
    let debug = |evidence: &mut CertificateEvidence| {
        evidence.evidence = quote(&Platform::default(), MEASUREMENT, true, &signer(), &binding());
    };
    assert_eq!(check(|evidence, _| debug(evidence)), Err(EvidenceError::Debug));
    let allowed = check(|evidence, expected| {
        debug(evidence);
        expected.policy.allow_debug = true;
    });
    assert!(allowed.unwrap().quote().debug);
}

#[test]
fn h14_a_platform_without_patches() {
    let out_of_date = |evidence: &mut CertificateEvidence| {
        let platform = Platform { tcb_status: TcbStatus::OutOfDate, ..Platform::default() };
        evidence.evidence = quote(&platform, MEASUREMENT, false, &signer(), &binding());
    };
    let error = check(|evidence, _| out_of_date(evidence));
    assert_eq!(error, Err(EvidenceError::Tcb { status: TcbStatus::OutOfDate }));
    let lenient = TcbPolicy { accepted: vec![TcbStatus::OutOfDate] };
    let evidence = {
        let mut evidence = honest();
        out_of_date(&mut evidence);
        evidence
    };
    let policy = TcbPolicy::default();
    let mut expected = expectations(&policy);
    expected.policy.tcb = &lenient;
    assert!(verify_evidence(&evidence, &expected).is_ok());
    assert_eq!(
        verify_evidence(&honest(), &expected),
        Err(EvidenceError::Tcb { status: TcbStatus::UpToDate })
    );
}

#[test]
fn h14_a_revoked_platform_and_expired_evidence() {
    let error = check(|evidence, _| {
        let platform = Platform { is_revoked: true, ..Platform::default() };
        evidence.evidence = quote(&platform, MEASUREMENT, false, &signer(), &binding());
    });
    assert_eq!(error, Err(EvidenceError::Quote(QuoteError::Revoked)));
    for now_secs in [NOW - MONTH, NOW + MONTH] {
        let error = check(|_, expected| expected.policy.now_secs = now_secs);
        assert_eq!(error, Err(EvidenceError::Quote(QuoteError::Expired)));
    }
}

#[test]
fn h14_replayed_evidence_of_a_real_enclave() {
    // The attacker shows an enclave's evidence in its own connection.
    assert_eq!(
        check(|_, expected| expected.tls_public_key = KeyDigest::repeat_byte(0xee)),
        Err(EvidenceError::TlsKey)
    );
    // It puts its own TLS key into the binding: the quote was made for another one.
    let error = check(|evidence, expected| {
        evidence.binding.tls_public_key = KeyDigest::repeat_byte(0xee);
        expected.tls_public_key = KeyDigest::repeat_byte(0xee);
    });
    assert_eq!(error, Err(EvidenceError::Binding));
    // It names itself as signer.
    assert_eq!(check(|evidence, _| evidence.signer = [0xee; 32].into()), Err(EvidenceError::Signer));
}

#[test]
fn h14_every_bound_value_is_bound() {
    let changes: [fn(&mut KeyBinding); 5] = [
        |binding| binding.genesis_hash = BlockHash::zero(),
        |binding| binding.shard = [0; 32].into(),
        |binding| binding.shielding_key = KeyDigest::zero(),
        |binding| binding.tls_public_key = KeyDigest::zero(),
        |binding| binding.boot_nonce = [0; 32],
    ];
    for change in changes {
        assert_eq!(check(|evidence, _| change(&mut evidence.binding)), Err(EvidenceError::Binding));
    }
}

#[test]
fn h14_wrong_chain_shard_or_shielding_key() {
    let other = H256::repeat_byte(0xee);
    assert_eq!(
        check(|_, expected| expected.genesis_hash = other.into()),
        Err(EvidenceError::Genesis { found: binding().genesis_hash, expected: other.into() })
    );
    assert_eq!(
        check(|_, expected| expected.shard = other.into()),
        Err(EvidenceError::Shard { found: binding().shard, expected: other.into() })
    );
    assert_eq!(
        check(|_, expected| expected.shielding_key = Some(other.into())),
        Err(EvidenceError::ShieldingKey)
    );
    assert!(check(|_, expected| expected.shielding_key = Some(binding().shielding_key)).is_ok());
}

#[test]
fn h15_a_software_quote_where_hardware_is_expected_is_called_by_its_name() {
    let error = check(|_, expected| expected.policy.root = INTEL_ROOT).unwrap_err();
    assert_eq!(error, EvidenceError::SoftwarePlatform);
    assert!(error.to_string().contains("software platform"));
    // The other way round it is just another root.
    let error = check(|evidence, expected| {
        let vector = common::sgx();
        evidence.evidence = Evidence { quote: vector.quote, collateral: Some(vector.collateral) };
        expected.policy.now_secs = vector.now_secs;
    });
    assert_eq!(error, Err(EvidenceError::Quote(QuoteError::UntrustedRoot)));
}

#[test]
fn a_certificate_carries_the_evidence_of_its_own_key() {
    let key = KeyPair::generate().unwrap();
    let tls_public_key = x509::tls_public_key(&rcgen::PublicKeyData::subject_public_key_info(&key));
    let bound = KeyBinding { tls_public_key, ..binding() };
    let evidence = CertificateEvidence {
        evidence: quote(&Platform::default(), MEASUREMENT, false, &signer(), &bound),
        signer: signer(),
        binding: bound,
    };
    let certificate = x509::self_signed(&key, &evidence).unwrap();
    let presented = x509::evidence(&certificate).unwrap();
    assert!(presented.tls_public_key == tls_public_key && presented.evidence == evidence);
    assert_eq!(presented.subject_public_key_info, rcgen::PublicKeyData::subject_public_key_info(&key));
    let policy = TcbPolicy::default();
    let expected = Expectations { tls_public_key, ..expectations(&policy) };
    assert!(verify_evidence(&presented.evidence, &expected).is_ok());
    // TLS refuses handshake messages of more than 64 KB.
    assert!(certificate.len() < 32 * 1024, "{} bytes", certificate.len());
    let other_key = KeyPair::generate().unwrap();
    assert_eq!(x509::self_signed(&other_key, &evidence), Err(X509Error::OtherKey));
}

#[test]
fn malformed_certificates_are_named() {
    let key = KeyPair::generate().unwrap();
    let with = |extensions: Vec<CustomExtension>| {
        let mut params = CertificateParams::default();
        params.custom_extensions = extensions;
        params.self_signed(&key).unwrap().der().to_vec()
    };
    let extension = |content: &[u8]| CustomExtension::from_oid_content(EVIDENCE_OID, content.to_vec());
    let evidence = honest();
    let encoded = evidence.encode();
    let wrapped =
        [&[0x04, 0x82][..], &u16::try_from(encoded.len()).unwrap().to_be_bytes(), &encoded].concat();
    let whole = with(vec![extension(&wrapped)]);
    assert!(x509::evidence(&whole).unwrap().evidence == evidence);
    assert_eq!(x509::evidence(&with(vec![])), Err(X509Error::NoEvidence));
    assert_eq!(
        x509::evidence(&with(vec![extension(&wrapped), extension(&wrapped)])),
        Err(X509Error::Malformed)
    );
    assert_eq!(x509::evidence(&with(vec![extension(&[0x05, 0x00])])), Err(X509Error::Malformed));
    assert!(matches!(x509::evidence(&with(vec![extension(&[0x04, 1, 7])])), Err(X509Error::Evidence(_))));
    assert_eq!(x509::evidence(&[&whole[..], &[0]].concat()), Err(X509Error::Malformed));
    assert_eq!(x509::evidence(&whole[..whole.len() - 1]), Err(X509Error::Malformed));
    assert!(matches!(x509::evidence(&vec![0; 1 << 20]), Err(X509Error::TooLong { len: 1_048_576 })));
}

/// Verifies honest evidence after `change`.
fn check(
    change: impl FnOnce(&mut CertificateEvidence, &mut Expectations<'_>),
) -> Result<VerifiedIdentity, EvidenceError> {
    let policy = TcbPolicy::default();
    let (mut evidence, mut expected) = (honest(), expectations(&policy));
    change(&mut evidence, &mut expected);
    verify_evidence(&evidence, &expected)
}

fn honest() -> CertificateEvidence {
    let evidence = quote(&Platform::default(), MEASUREMENT, false, &signer(), &binding());
    CertificateEvidence { evidence, signer: signer(), binding: binding() }
}

fn expectations(tcb: &TcbPolicy) -> Expectations<'_> {
    Expectations {
        policy: EvidencePolicy { root: DEVELOPMENT_ROOT, tcb, allow_debug: false, now_secs: NOW },
        measurements: &[MEASUREMENT],
        genesis_hash: binding().genesis_hash,
        shard: binding().shard,
        tls_public_key: binding().tls_public_key,
        shielding_key: None,
    }
}

fn quote(
    platform: &Platform,
    measurement: Measurement,
    debug: bool,
    signer: &AccountId32,
    binding: &KeyBinding,
) -> Evidence {
    platform.quote(&Report { measurement, report_data: binding.report_data(signer), debug }, NOW).unwrap()
}

fn signer() -> AccountId32 {
    [3; 32].into()
}

fn binding() -> KeyBinding {
    KeyBinding {
        genesis_hash: BlockHash::repeat_byte(1),
        shard: [2; 32].into(),
        shielding_key: KeyDigest::repeat_byte(4),
        tls_public_key: KeyDigest::repeat_byte(5),
        boot_nonce: [6; 32],
    }
}

const MEASUREMENT: Measurement = Measurement([7; 32]);
