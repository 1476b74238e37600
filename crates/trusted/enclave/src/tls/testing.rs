// SPDX-License-Identifier: Apache-2.0
//! Workers for the tests of the listeners: honest ones, and whatever a host might put in their place.

use super::{VERSIONS, provider};
use crate::{
    answers::Answers,
    ingest::Birth,
    keys::{BootIdentity, ShieldingKey},
    platform::{Platform, SoftwarePlatform},
    provision::rule::{ProvenChain, RecentBlocks},
    registry::Registrations,
    store::{Snapshot, StoreError},
    view::{AttestationPolicy, Identity, Picture, View},
};
use offstage_attestation::{
    ChainPolicy,
    development::{self, Report},
    x509,
};
use offstage_primitives::{
    AccountId32, BlockHash, H256, KeyDigest, Measurement, ShardIdentifier,
    attestation::{CertificateEvidence, DEVELOPMENT_ROOT, KeyBinding, TcbPolicy, TcbStatus},
};
use offstage_protocol::{BlockReference, Phase};
use offstage_sdk::{BlockContext, ReadContext, ShardContext};
use rustls::{ClientConfig, client::Resumption, sign::CertifiedKey};
use std::sync::{Arc, LazyLock};

/// 15 January 2027.
pub(crate) const NOW: u64 = 1_800_000_000;
pub(crate) const MEASUREMENT: Measurement = Measurement([1; 32]);
pub(crate) const METADATA: &[u8] = b"metadata";
const DAY_SECS: u64 = 86_400;

pub(crate) static KEY: LazyLock<Arc<ShieldingKey>> = LazyLock::new(|| {
    let pkcs8 = include_bytes!("../../tests/vectors/shielding_key.pkcs8");
    Arc::new(ShieldingKey::from_sealable(pkcs8).unwrap())
});

pub(crate) fn shard() -> ShardIdentifier {
    MEASUREMENT.into()
}

pub(crate) fn genesis_hash() -> BlockHash {
    BlockHash::repeat_byte(7)
}

pub(crate) fn signer() -> AccountId32 {
    [9; 32].into()
}

pub(crate) fn identity() -> Identity {
    Identity {
        signer: signer(),
        measurement: MEASUREMENT,
        shard: shard(),
        genesis_hash: genesis_hash(),
        trusted_url: "wss://127.0.0.1:2000".into(),
        mutual_attestation_url: "wss://127.0.0.1:3443".into(),
        untrusted_url: "ws://127.0.0.1:2001".into(),
    }
}

pub(crate) fn policy() -> AttestationPolicy {
    AttestationPolicy {
        platforms: ChainPolicy::new(DEVELOPMENT_ROOT.to_vec(), TcbPolicy::default(), false),
        measurement: MEASUREMENT,
        now_secs: NOW,
    }
}

/// The random part of a start; its platform's files are gone at once.
pub(crate) fn boot() -> BootIdentity {
    let dir = tempfile::tempdir().unwrap();
    let platform = SoftwarePlatform::open(dir.path(), MEASUREMENT).unwrap();
    assert_eq!(platform.measurement(), MEASUREMENT);
    BootIdentity::generate(&platform).unwrap()
}

pub(crate) fn binding(boot: &BootIdentity, shielding_key: KeyDigest) -> KeyBinding {
    KeyBinding {
        genesis_hash: genesis_hash(),
        shard: shard(),
        shielding_key,
        tls_public_key: boot.tls_public_key_digest(),
        boot_nonce: boot.boot_nonce(),
    }
}

/// What a (fake) enclave's evidence says; the default is honest.
#[derive(Clone)]
pub(crate) struct Claim {
    pub(crate) binding: KeyBinding,
    pub(crate) presented_signer: AccountId32,
    pub(crate) platform: development::Platform,
    pub(crate) measurement: Measurement,
    pub(crate) debug: bool,
    pub(crate) issued_at: u64,
}

impl Claim {
    pub(crate) fn honest(binding: KeyBinding) -> Self {
        Self {
            binding,
            presented_signer: signer(),
            platform: development::Platform::default(),
            measurement: MEASUREMENT,
            debug: false,
            issued_at: NOW,
        }
    }

    pub(crate) fn evidence(&self) -> CertificateEvidence {
        let report = Report {
            measurement: self.measurement,
            report_data: self.binding.report_data(&signer()),
            debug: self.debug,
        };
        CertificateEvidence {
            evidence: self.platform.quote(&report, self.issued_at).unwrap(),
            signer: self.presented_signer.clone(),
            binding: self.binding.clone(),
        }
    }
}

pub(crate) fn certificate(boot: &BootIdentity, shielding_key: KeyDigest) -> Arc<CertifiedKey> {
    boot.certificate(&Claim::honest(binding(boot, shielding_key)).evidence()).unwrap()
}

/// Every way in which a fake enclave's evidence can be wrong (threat model H14), with what the refusal says.
pub(crate) fn fake_certificates(
    shielding_key: KeyDigest,
) -> Vec<(&'static str, Arc<CertifiedKey>, &'static str)> {
    let boot = boot();
    let honest = Claim::honest(binding(&boot, shielding_key));
    let with = |claim: Claim| boot.certificate(&claim.evidence()).unwrap();
    let bound_to = |binding: KeyBinding| Claim { binding, ..honest.clone() };
    let sick = |tcb_status, is_revoked| Claim {
        platform: development::Platform { tcb_status, is_revoked, ..Default::default() },
        ..honest.clone()
    };
    vec![
        (
            "another measurement",
            with(Claim { measurement: Measurement([2; 32]), ..honest.clone() }),
            "is not allowed for the shard",
        ),
        ("a debug enclave", with(Claim { debug: true, ..honest.clone() }), "debug mode"),
        ("a revoked platform", with(sick(TcbStatus::UpToDate, true)), "revoked"),
        ("a revoked patch level", with(sick(TcbStatus::Revoked, false)), "revoked"),
        ("an outdated patch level", with(sick(TcbStatus::OutOfDate, false)), "patch level"),
        (
            "expired collateral",
            with(Claim { issued_at: NOW - 60 * DAY_SECS, ..honest.clone() }),
            "does not hold at this time",
        ),
        (
            "collateral of the future",
            with(Claim { issued_at: NOW + 60 * DAY_SECS, ..honest.clone() }),
            "does not hold at this time",
        ),
        (
            "another chain",
            with(bound_to(KeyBinding { genesis_hash: BlockHash::zero(), ..honest.binding.clone() })),
            "follows the chain",
        ),
        (
            "another shard",
            with(bound_to(KeyBinding { shard: [3; 32].into(), ..honest.binding.clone() })),
            "serves shard",
        ),
        (
            "another signer",
            with(Claim { presented_signer: [4; 32].into(), ..honest.clone() }),
            "another signer",
        ),
        ("no evidence", without_evidence(&boot), "no evidence"),
        ("no collateral", with_bare_quote(&boot, &honest), "no collateral"),
        ("a malformed quote", with_malformed_quote(&boot, &honest), "not a DCAP quote"),
        ("a quote for other keys", with_exchanged_binding(&boot, &honest), "other keys"),
    ]
}

/// A certificate of `thief`'s own key around the evidence of a real enclave.
pub(crate) fn certificate_with_stolen_evidence(
    thief: &BootIdentity,
    stolen: &CertificateEvidence,
) -> Arc<CertifiedKey> {
    use codec::Encode;
    // The form that `offstage_attestation::x509` writes; that function refuses to write this one.
    let evidence = stolen.encode();
    let len = u16::try_from(evidence.len()).unwrap().to_be_bytes();
    let octet_string = [&[0x04, 0x82], &len[..], &evidence].concat();
    self_signed(thief, Some(octet_string))
}

/// The real certificate of an enclave, in the hands of somebody with another private key.
pub(crate) fn stolen_certificate(thief: &BootIdentity, real: &CertifiedKey) -> Arc<CertifiedKey> {
    let own = without_evidence(thief);
    Arc::new(CertifiedKey::new(real.cert.clone(), own.key.clone()))
}

fn without_evidence(boot: &BootIdentity) -> Arc<CertifiedKey> {
    self_signed(boot, None)
}

fn with_bare_quote(boot: &BootIdentity, honest: &Claim) -> Arc<CertifiedKey> {
    let mut evidence = honest.evidence();
    evidence.evidence.collateral = None;
    boot.certificate(&evidence).unwrap()
}

fn with_malformed_quote(boot: &BootIdentity, honest: &Claim) -> Arc<CertifiedKey> {
    let mut evidence = honest.evidence();
    evidence.evidence.quote = vec![3, 0, 1, 2, 3];
    boot.certificate(&evidence).unwrap()
}

fn with_exchanged_binding(boot: &BootIdentity, honest: &Claim) -> Arc<CertifiedKey> {
    let mut evidence = honest.evidence();
    evidence.binding.boot_nonce = [0; 32];
    boot.certificate(&evidence).unwrap()
}

fn self_signed(boot: &BootIdentity, extension: Option<Vec<u8>>) -> Arc<CertifiedKey> {
    use offstage_primitives::attestation::EVIDENCE_OID;
    let mut params = rcgen::CertificateParams::default();
    params.custom_extensions = extension
        .into_iter()
        .map(|content| rcgen::CustomExtension::from_oid_content(EVIDENCE_OID, content))
        .collect();
    let der = params.self_signed(boot).unwrap().der().clone();
    let key = certificate(boot, KeyDigest::zero()).key.clone();
    Arc::new(CertifiedKey::new(vec![der], key))
}

/// A business logic that answers every getter with its own bytes.
pub(crate) struct Echo;

impl Answers for Echo {
    fn answer(
        &self,
        _: &Snapshot,
        _: H256,
        _: &ReadContext,
        getter: &[u8],
    ) -> Result<Option<Vec<u8>>, StoreError> {
        match getter {
            b"panic" => panic!("a defect of the business logic"),
            b"none" => return Ok(None),
            _ => {}
        }
        Ok(Some(getter.to_vec()))
    }

    fn read(
        &self,
        _: &crate::store::Snapshot,
        _: H256,
        _: &offstage_sdk::BlockContext,
        _: &offstage_primitives::read::Question,
        _: Option<&offstage_primitives::read::Permit>,
    ) -> Result<Option<Vec<u8>>, crate::store::StoreError> {
        Ok(None)
    }

    fn metadata(&self) -> Vec<u8> {
        METADATA.to_vec()
    }
}

/// What a chain says on which the enclaves with these certificates are registered, as far as they carry evidence.
pub(crate) fn chain(certificates: &[&CertifiedKey]) -> ProvenChain {
    chain_since(certificates, NOW * 1000)
}

/// The same, registered at this chain time.
pub(crate) fn chain_since(certificates: &[&CertifiedKey], registered_at_ms: u64) -> ProvenChain {
    let read = |certificate: &&CertifiedKey| {
        let evidence = x509::evidence(certificate.end_entity_cert().unwrap()).ok()?.evidence;
        Some((evidence.signer, evidence.binding))
    };
    let enclaves: Vec<_> = certificates.iter().filter_map(read).collect();
    let mut recent = RecentBlocks::default();
    (1..=8).for_each(|number| recent.push(block(number)));
    ProvenChain {
        registrations: Arc::new(Registrations::of(&enclaves, MEASUREMENT, registered_at_ms)),
        recent,
        birth: Some(birth(KEY.public().digest())),
        is_notice_over: true,
    }
}

/// The shard's birth, with this key.
pub(crate) fn birth(shielding_key: KeyDigest) -> Birth {
    Birth { block: block(2), shielding_key, development: true }
}

/// A block of the chain.
pub(crate) fn block(number: u8) -> BlockReference {
    BlockReference { number: number.into(), hash: BlockHash::repeat_byte(number) }
}

/// What getters are told.
fn block_context() -> BlockContext {
    let shard =
        ShardContext { shard: identity().shard, genesis_hash: identity().genesis_hash, development: true };
    let BlockReference { number, hash } = block(5);
    BlockContext {
        shard,
        number,
        hash,
        timestamp_ms: 0,
        payout: Default::default(),
        ancestors: Default::default(),
        parentchain: Default::default(),
    }
}

pub(crate) fn picture(phase: Phase, certificate: Option<Arc<CertifiedKey>>) -> Picture {
    Picture {
        phase,
        position: block(5),
        finalized: block(8),
        state_root: H256::zero(),
        shielding_key: Some(KEY.clone()),
        certificate,
        policy: Some(policy()),
        block: Some(block_context()),
        chain: chain(&[]),
        snapshot: Some(Snapshot::empty_for_tests()),
    }
}

/// A worker that holds the key and serves.
pub(crate) fn serving() -> Arc<View> {
    let certificate = certificate(&boot(), KEY.public().digest());
    Arc::new(View::new(identity(), Arc::new(Echo), picture(Phase::Serving, Some(certificate))))
}

/// TLS as a client that looks at the server's evidence.
pub(crate) fn client_config(verifier: crate::provision::peer::PeerVerifier) -> Arc<ClientConfig> {
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(VERSIONS)
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    Arc::new(config)
}

pub(crate) fn listener() -> (std::net::TcpListener, String) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}
