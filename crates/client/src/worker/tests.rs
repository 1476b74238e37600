// SPDX-License-Identifier: Apache-2.0
//! The client against workers that are played here: real TLS, real WebSockets, real evidence of the development root;
//! an honest worker, and every kind that must be refused (threat model C8, H2, H10, H15).

use super::*;
use crate::{trust::TrustedRoot, workflow};
use codec::Encode;
use futures::{SinkExt, StreamExt};
use offstage_attestation::{
    ChainPolicy, EvidenceError,
    development::{self, Platform, Report},
    x509,
};
use offstage_balances_interface::{BalancesOperation, Getter, TrustedCall, TrustedGetter};
use offstage_envelope::OpeningKey;
use offstage_light_client::BlockId;
use offstage_primitives::{
    BlockHash, KeyDigest,
    attestation::{
        CertificateEvidence, DEVELOPMENT_ROOT, EVIDENCE_OID, INTEL_ROOT, KeyBinding, TcbPolicy, TcbStatus,
    },
    receipt::{OperationLeaf, Outcome},
    rpc::RpcReturnValue,
    shielding::ShieldingPublicKey,
    teerex::{SgxAttestationMethod, SgxBuildMode, SgxEnclave, SgxReportData, SgxStatus},
    trusted::{Domain, TrustedOperation},
};
use rcgen::{CertificateParams, CustomExtension, KeyPair, PublicKeyData};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use std::sync::{Arc, LazyLock, Mutex};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::{accept_async, tungstenite::Message};

/// When everything here takes place, in seconds since the Unix epoch.
const NOW: u64 = 1_795_000_000;
const MEASUREMENT: Measurement = Measurement([7; 32]);
const SHARD: [u8; 32] = [8; 32];
const GENESIS: BlockHash = BlockHash::new([9; 32]);
/// Number of the chain's newest final block.
const VERIFIED_AT: u32 = 70;

/// The chain's newest final block.
const NEWEST: BlockId = BlockId { number: VERIFIED_AT, hash: BlockHash::new([70; 32]) };

/// Where signatures for the worker must be good.
const DOMAIN: Domain =
    Domain { genesis_hash: GENESIS, measurement: MEASUREMENT, shard: ShardIdentifier(H256(SHARD)) };

/// The shard's shielding key.
static SHIELDING_KEY: LazyLock<OpeningKey> = LazyLock::new(|| {
    let pkcs8 = include_bytes!("../../../shared/envelope/tests/vectors/shielding_key.pkcs8");
    OpeningKey::from_pkcs8(pkcs8).unwrap()
});

/// An enclave and what it shows.
struct Enclave {
    tls_key: KeyPair,
    evidence: CertificateEvidence,
    shielding_key: ShieldingPublicKey,
}

/// What of an enclave differs from the honest one.
struct Variant {
    platform: Platform,
    debug: bool,
    genesis: BlockHash,
    has_shielding_key: bool,
}

impl Default for Variant {
    fn default() -> Self {
        Self { platform: Platform::default(), debug: false, genesis: GENESIS, has_shielding_key: true }
    }
}

impl Enclave {
    fn honest() -> Self {
        Self::new(&Variant::default())
    }

    fn new(variant: &Variant) -> Self {
        let tls_key = KeyPair::generate().unwrap();
        let shielding_key = SHIELDING_KEY.public().clone();
        let signer = AccountId32::new([5; 32]);
        let binding = KeyBinding {
            genesis_hash: variant.genesis,
            shard: SHARD.into(),
            shielding_key: if variant.has_shielding_key { shielding_key.digest() } else { KeyDigest::zero() },
            tls_public_key: x509::tls_public_key(&tls_key.subject_public_key_info()),
            boot_nonce: [6; 32],
        };
        let report = Report {
            measurement: MEASUREMENT,
            report_data: binding.report_data(&signer),
            debug: variant.debug,
        };
        let evidence = variant.platform.quote(&report, NOW).unwrap();
        Self { tls_key, evidence: CertificateEvidence { evidence, signer, binding }, shielding_key }
    }

    fn certificate(&self) -> Vec<u8> {
        x509::self_signed(&self.tls_key, &self.evidence).unwrap()
    }

    /// The chain on which it is registered.
    fn chain(&self) -> ChainFacts {
        ChainFacts {
            genesis_hash: GENESIS,
            block: NEWEST,
            trusted_root: TrustedRoot::Development,
            policy: policy(DEVELOPMENT_ROOT, TcbPolicy::default(), false),
            now_secs: NOW,
            shard: SHARD.into(),
            allowed_measurement: MEASUREMENT,
            registered: Some(SgxEnclave {
                report_data: SgxReportData { d: self.evidence.binding.report_data(&self.evidence.signer) },
                mr_enclave: MEASUREMENT,
                mr_signer: [0; 32],
                timestamp: NOW * 1000,
                url: None,
                build_mode: SgxBuildMode::Production,
                attestation_method: SgxAttestationMethod::Dcap { proxied: false },
                status: SgxStatus::Ok,
            }),
        }
    }
}

fn policy(root: &[u8], tcb: TcbPolicy, allow_debug: bool) -> ChainPolicy {
    ChainPolicy::new(root.to_vec(), tcb, allow_debug)
}

impl ChainView for ChainFacts {
    async fn facts(&self, _: &AccountId32, _: ShardIdentifier) -> Result<ChainFacts, ParentchainError> {
        Ok(self.clone())
    }
}

/// Presents one certificate with one key, whether they fit or not.
#[derive(Debug)]
struct Present(Arc<CertifiedKey>);

impl ResolvesServerCert for Present {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

/// A listening worker.
struct Served {
    address: WorkerAddress,
    /// The methods that were called.
    calls: Arc<Mutex<Vec<String>>>,
    /// The block from whose state it answers.
    answers_from: Arc<Mutex<BlockId>>,
}

/// What a business logic answers to an encoded getter, from the state of this block.
type Logic = fn(&[u8], BlockId) -> RpcReturnValue;

/// Serves `certificate` with `key`; answers to `author_getShieldingKey` with `shielding_key`.
async fn serve(
    certificate: Vec<u8>,
    key: &KeyPair,
    shielding_key: ShieldingPublicKey,
    logic: Logic,
) -> Served {
    let provider = aws_lc_rs::default_provider();
    let key =
        provider.key_provider.load_private_key(PrivateKeyDer::Pkcs8(key.serialize_der().into())).unwrap();
    let certified = CertifiedKey::new(vec![CertificateDer::from(certificate)], key);
    let config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Present(Arc::new(certified))));
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let calls = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&calls);
    let answers_from = Arc::new(Mutex::new(NEWEST));
    let state = Arc::clone(&answers_from);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(stream) = acceptor.accept(stream).await else { continue };
            let Ok(mut socket) = accept_async(stream).await else { continue };
            while let Some(Ok(Message::Text(text))) = socket.next().await {
                let request: Value = serde_json::from_str(&text).unwrap();
                let method = request["method"].as_str().unwrap();
                log.lock().unwrap().push(method.to_owned());
                let answers_from = *state.lock().unwrap();
                let answer = answer(method, &request["params"], &shielding_key, logic, answers_from);
                let result = format!("0x{}", hex::encode(answer.encode()));
                let answer = json!({ "jsonrpc": "2.0", "id": request["id"], "result": result });
                if socket.send(Message::text(answer.to_string())).await.is_err() {
                    break;
                }
            }
        }
    });
    Served { address: WorkerAddress::parse("wss://127.0.0.1", port).unwrap(), calls, answers_from }
}

fn answer(
    method: &str,
    parameters: &Value,
    shielding_key: &ShieldingPublicKey,
    logic: Logic,
    answers_from: BlockId,
) -> RpcReturnValue {
    let bytes = || hex::decode(parameters[0].as_str().unwrap().trim_start_matches("0x")).unwrap();
    match method {
        "author_getShieldingKey" => RpcReturnValue::ok(shielding_key.to_json()),
        "author_getFingerprint" => RpcReturnValue::ok(MEASUREMENT),
        "author_getShard" => RpcReturnValue::ok(SHARD),
        "system_version" => RpcReturnValue::ok("0.1.0"),
        "offstage_executeGetter" => {
            let request = Request::decode(&mut &bytes()[..]).unwrap();
            assert_eq!(request.shard, SHARD.into());
            logic(&request.cyphertext, answers_from)
        }
        "offstage_getReceipt" => RpcReturnValue::ok((bytes()[0] == 1).then(|| Receipt {
            leaf: OperationLeaf {
                operation: H256::from_slice(&bytes()),
                outcome: Outcome::Executed,
                result: H256::zero(),
            },
            block_number: 1,
            block_hash: BlockHash::zero(),
            index: 0,
            leaf_count: 2,
            path: vec![H256::zero()],
        })),
        _ => RpcReturnValue::error("unknown method"),
    }
}

fn balances(getter: &[u8], block: BlockId) -> RpcReturnValue {
    let Getter::Bound(signed) = Getter::decode(&mut &getter[..]).unwrap() else {
        return RpcReturnValue::error("unexpected getter");
    };
    if !signed.verify(&DOMAIN, VERIFIED_AT) {
        return RpcReturnValue::error("not authorised");
    }
    let value = Some(match signed.getter {
        TrustedGetter::FreeBalance(_) => 25_000_000_000u128.encode(),
        TrustedGetter::ReservedBalance(_) => 0u128.encode(),
        TrustedGetter::Nonce(_) => 3u32.encode(),
    });
    RpcReturnValue::ok((value, block.number, block.hash))
}

/// Connects to an enclave that is served as it is, with the chain's facts changed by `change`.
async fn connect(
    enclave: &Enclave,
    expected: &Expected,
    change: impl FnOnce(&mut ChainFacts),
) -> Result<Worker, WorkerError> {
    let served =
        serve(enclave.certificate(), &enclave.tls_key, enclave.shielding_key.clone(), balances).await;
    let mut chain = enclave.chain();
    change(&mut chain);
    let result = Worker::verified(&chain, &served.address, expected).await;
    if result.is_err() {
        let calls = served.calls.lock().unwrap();
        assert!(calls.iter().all(|call| call == "author_getShieldingKey"), "{calls:?}");
    }
    result
}

/// Why a worker is refused.
async fn refusal(enclave: &Enclave, expected: &Expected, change: impl FnOnce(&mut ChainFacts)) -> Refusal {
    match connect(enclave, expected, change).await {
        Err(WorkerError::Refused { refusal, .. }) => refusal,
        Err(error) => panic!("expected a refusal, not: {error}"),
        Ok(_) => panic!("the worker was accepted"),
    }
}

#[tokio::test]
async fn an_honest_worker_is_verified_and_answers() {
    let enclave = Enclave::honest();
    let expected = Expected { shard: Some(SHARD.into()), measurement: Some(MEASUREMENT) };
    let mut worker = connect(&enclave, &expected, |_| {}).await.unwrap();
    assert_eq!(worker.identity().measurement(), &MEASUREMENT);
    assert_eq!(worker.identity().shard(), SHARD.into());
    assert_eq!(worker.identity().signer(), &enclave.evidence.signer);
    let alice = Account::from_secret("//Alice").ok().unwrap();
    let question = TrustedGetter::FreeBalance(alice.id());
    assert_eq!(worker.read::<Getter, u128>(question, &alice).await.unwrap(), 25_000_000_000);
    assert_eq!(worker.nonce::<Getter>(&alice).await.unwrap(), 3);
    assert_eq!(worker.measurement().await.unwrap(), MEASUREMENT);
    assert_eq!(worker.shard().await.unwrap(), SHARD.into());
    assert_eq!(worker.version().await.unwrap(), "0.1.0");
    let known = worker.receipt(H256::repeat_byte(1)).await.unwrap().unwrap();
    assert_eq!(known.leaf.operation, H256::repeat_byte(1));
    assert_eq!(worker.receipt(H256::repeat_byte(2)).await.unwrap(), None);
    assert!(matches!(worker.metadata().await, Err(WorkerError::Answered { .. })));
}

#[tokio::test]
async fn what_is_encrypted_to_a_verified_worker_its_enclave_can_authenticate() {
    let worker = connect(&Enclave::honest(), &Expected::default(), |_| {}).await.unwrap();
    let alice = Account::from_secret("//Alice").ok().unwrap();
    let bob = Account::from_secret("//Bob").ok().unwrap();
    let call = TrustedCall::BalanceTransfer(alice.id(), bob.id(), 1);
    let operation: BalancesOperation =
        workflow::compose_trusted_call(call.clone(), 3, &alice, worker.identity()).unwrap();
    let envelope = workflow::encode_and_encrypt(&operation, worker.identity()).unwrap();
    let opened = BalancesOperation::decode(&mut &SHIELDING_KEY.open(&envelope).unwrap()[..]).unwrap();
    assert_eq!(opened, operation);
    let TrustedOperation::BoundCall(signed) = opened else { panic!("not a bound call") };
    assert!(signed.nonce == 3 && signed.verify(&DOMAIN));
    assert!(!signed.is_expired(VERIFIED_AT + workflow::CALL_LIFETIME));
    assert!(signed.is_expired(VERIFIED_AT + workflow::CALL_LIFETIME + 1));
    assert!(workflow::compose_trusted_call::<_, Getter>(call, 3, &bob, worker.identity()).is_err());
}

#[tokio::test]
async fn c08_another_shielding_key_is_refused() {
    let mut enclave = Enclave::honest();
    enclave.shielding_key.modulus[200] ^= 1;
    assert_eq!(refusal(&enclave, &Expected::default(), |_| {}).await, Refusal::ShieldingKey);
}

#[tokio::test]
async fn c08_a_proxy_with_a_tls_key_of_its_own_is_refused() {
    let enclave = Enclave::honest();
    // The proxy copies the enclave's evidence into a certificate for its own key.
    let proxy = KeyPair::generate().unwrap();
    let mut parameters = CertificateParams::default();
    let content = octet_string(&enclave.evidence.encode());
    parameters.custom_extensions = vec![CustomExtension::from_oid_content(EVIDENCE_OID, content)];
    let certificate = parameters.self_signed(&proxy).unwrap().der().to_vec();
    let served = serve(certificate, &proxy, enclave.shielding_key.clone(), balances).await;
    let result = Worker::verified(&enclave.chain(), &served.address, &Expected::default()).await;
    let Err(WorkerError::Refused { refusal, .. }) = result else { panic!("the proxy was accepted") };
    assert_eq!(refusal, Refusal::Evidence(EvidenceError::TlsKey));
}

#[tokio::test]
async fn c08_a_proxy_that_shows_the_enclaves_certificate_fails_the_handshake() {
    let enclave = Enclave::honest();
    let proxy = KeyPair::generate().unwrap();
    let served = serve(enclave.certificate(), &proxy, enclave.shielding_key.clone(), balances).await;
    let result = Worker::verified(&enclave.chain(), &served.address, &Expected::default()).await;
    assert!(matches!(result, Err(WorkerError::Tls { .. })));
    assert!(served.calls.lock().unwrap().is_empty());
}

#[tokio::test]
async fn c08_other_code_is_refused() {
    let enclave = Enclave::honest();
    let found = MEASUREMENT;
    assert_eq!(
        refusal(&enclave, &Expected::default(), |chain| chain.allowed_measurement = Measurement([0; 32]))
            .await,
        Refusal::Evidence(EvidenceError::Measurement { found })
    );
    let expected = Expected { measurement: Some(Measurement([1; 32])), shard: None };
    assert!(matches!(refusal(&enclave, &expected, |_| {}).await, Refusal::Measurement { .. }));
}

#[tokio::test]
async fn c08_a_worker_that_the_chain_does_not_hold_is_refused() {
    let enclave = Enclave::honest();
    let expected = Expected::default();
    assert_eq!(refusal(&enclave, &expected, |chain| chain.registered = None).await, Refusal::NotRegistered);
    // The registry holds another start, or other code under the same signer.
    let earlier = |chain: &mut ChainFacts| chain.registered.as_mut().unwrap().report_data.d[63] ^= 1;
    assert_eq!(refusal(&enclave, &expected, earlier).await, Refusal::OtherRegistration);
    let other_code =
        |chain: &mut ChainFacts| chain.registered.as_mut().unwrap().mr_enclave = Measurement([1; 32]);
    assert_eq!(refusal(&enclave, &expected, other_code).await, Refusal::OtherRegistration);
}

#[tokio::test]
async fn h02_another_chain_or_shard_is_refused() {
    let enclave = Enclave::new(&Variant { genesis: BlockHash::zero(), ..Variant::default() });
    assert!(matches!(
        refusal(&enclave, &Expected::default(), |_| {}).await,
        Refusal::Evidence(EvidenceError::Genesis { .. })
    ));
    let wanted = ShardIdentifier::from([1; 32]);
    let expected = Expected { shard: Some(wanted), measurement: None };
    assert_eq!(
        refusal(&Enclave::honest(), &expected, |_| {}).await,
        Refusal::Shard { found: SHARD.into(), wanted }
    );
}

/// The attacker's enclave is genuine, of the code that the chain allows, and registered; only its shard is not the
/// user's.
#[tokio::test]
async fn c12_a_genuine_enclave_of_another_shard_is_refused_before_anything_is_encrypted_signed_or_paid() {
    let attacker = Enclave::honest();
    let key = attacker.shielding_key.clone();
    let served = serve(attacker.certificate(), &attacker.tls_key, key, balances).await;
    let (chain, wanted) = (attacker.chain(), Pin::shard([1; 32].into()));
    let refused = Worker::connect(&chain, &served.address, &wanted).await;
    let Err(WorkerError::Refused { refusal, .. }) = refused else {
        panic!("the user would pay into his shard")
    };
    assert_eq!(refusal, Refusal::Shard { found: SHARD.into(), wanted: wanted.identifier() });
    assert!(refusal.hint().contains("somebody else"), "{}", refusal.hint());
    assert!(!refusal.may_pass(), "waiting does not make it the user's");
    // It was asked for its public key, as everybody may, and for nothing that an account signs.
    assert_eq!(*served.calls.lock().unwrap(), ["author_getShieldingKey"]);

    // Who does not know yet whose it is can look at it. A `Stranger` has nothing by which to encrypt, sign or pay.
    let mut stranger = Stranger::connect(&chain, &served.address, &Expected::default()).await.unwrap();
    assert_eq!(stranger.ask_shard().await.unwrap(), SHARD.into());
    assert_eq!(stranger.ask_measurement().await.unwrap(), MEASUREMENT);
    let calls = served.calls.lock().unwrap();
    assert!(!calls.iter().any(|call| call == "offstage_executeGetter"), "{calls:?}");
}

#[tokio::test]
async fn h15_a_software_enclave_is_refused_where_hardware_is_trusted() {
    let hardware = |chain: &mut ChainFacts| {
        chain.policy = policy(INTEL_ROOT, TcbPolicy::default(), false);
        chain.trusted_root = TrustedRoot::Intel;
    };
    assert_eq!(
        refusal(&Enclave::honest(), &Expected::default(), hardware).await,
        Refusal::Evidence(EvidenceError::SoftwarePlatform)
    );
}

#[tokio::test]
async fn c08_debug_and_ill_platforms_are_refused_as_the_chain_says() {
    let debug = Enclave::new(&Variant { debug: true, ..Variant::default() });
    assert_eq!(refusal(&debug, &Expected::default(), |_| {}).await, Refusal::Evidence(EvidenceError::Debug));
    assert!(
        connect(&debug, &Expected::default(), |chain| {
            chain.policy = policy(DEVELOPMENT_ROOT, TcbPolicy::default(), true)
        })
        .await
        .is_ok()
    );
    let platform = Platform { tcb_status: TcbStatus::OutOfDate, ..Platform::default() };
    let ill = Enclave::new(&Variant { platform, ..Variant::default() });
    assert_eq!(
        refusal(&ill, &Expected::default(), |_| {}).await,
        Refusal::Evidence(EvidenceError::Tcb { status: TcbStatus::OutOfDate })
    );
}

#[tokio::test]
async fn c13_a_chain_that_trusts_another_root_than_the_user_is_refused() {
    let intel = |chain: &mut ChainFacts| chain.trusted_root = TrustedRoot::Intel;
    let refused = refusal(&Enclave::honest(), &Expected::default(), intel).await;
    assert_eq!(refused, Refusal::Root { development: true, trusted: TrustedRoot::Intel });
    assert!(refused.hint().contains("--root development") && !refused.may_pass());
    let other = |chain: &mut ChainFacts| chain.policy = policy(&[7; 40], TcbPolicy::default(), false);
    let refused = refusal(&Enclave::honest(), &Expected::default(), other).await;
    assert_eq!(refused, Refusal::Root { development: false, trusted: TrustedRoot::Development });
}

#[tokio::test]
async fn c13_what_was_verified_is_named_with_shard_measurement_root_and_block() {
    let worker = connect(&Enclave::honest(), &Expected::default(), |_| {}).await.unwrap();
    let identity = worker.identity();
    assert_eq!((identity.root(), identity.verified_block()), (TrustedRoot::Development, NEWEST));
    let line = crate::progress::Milestone::WorkerVerified {
        shard: identity.shard(),
        measurement: *identity.measurement(),
        root: identity.root(),
        block: identity.verified_block(),
    }
    .to_string();
    let measurement = MEASUREMENT.to_string();
    for part in [&ShardIdentifier::from(SHARD).to_string(), &measurement, "root development", "#70"] {
        assert!(line.contains(part), "{line}");
    }
}

#[tokio::test]
async fn c21_an_answer_from_an_old_state_is_refused() {
    let enclave = Enclave::honest();
    let served =
        serve(enclave.certificate(), &enclave.tls_key, enclave.shielding_key.clone(), balances).await;
    let mut worker =
        Worker::connect(&enclave.chain(), &served.address, &Pin::shard(SHARD.into())).await.ok().unwrap();
    let alice = Account::from_secret("//Alice").ok().unwrap();
    let at = |number| BlockId { number, hash: BlockHash::repeat_byte(1) };
    for (block, is_taken) in [
        (NEWEST, true),
        (at(VERIFIED_AT + 3), true),
        (at(VERIFIED_AT - MAX_AGE), true),
        (at(VERIFIED_AT - MAX_AGE - 1), false),
        (at(0), false),
    ] {
        *served.answers_from.lock().unwrap() = block;
        let answer = free_balance(&mut worker, &alice).await;
        assert_eq!(answer.is_ok(), is_taken, "{block}");
        if is_taken {
            assert_eq!(worker.answered_at(), Some(block));
        } else {
            let error = answer.unwrap_err();
            assert!(matches!(error, WorkerError::Stale { block: of, .. } if of == block));
            assert!(error.hint().unwrap().contains("--max-age") && error.may_pass());
        }
    }
    // The newest block has another hash.
    *served.answers_from.lock().unwrap() = at(VERIFIED_AT);
    assert!(matches!(worker.nonce::<Getter>(&alice).await, Err(WorkerError::OtherBlock { .. })));
    // Who says so takes older answers.
    worker.accept_age(VERIFIED_AT);
    *served.answers_from.lock().unwrap() = at(0);
    assert_eq!(free_balance(&mut worker, &alice).await.unwrap(), 25_000_000_000);
}

#[tokio::test]
async fn h11_expired_evidence_is_refused_by_the_chains_clock() {
    let seconds = (development::COLLATERAL_DAYS + 2) * 86_400;
    let later = |chain: &mut ChainFacts| chain.now_secs += seconds;
    assert!(matches!(
        refusal(&Enclave::honest(), &Expected::default(), later).await,
        Refusal::Evidence(EvidenceError::Quote(_))
    ));
}

#[tokio::test]
async fn a_worker_without_a_shielding_key_is_refused() {
    let enclave = Enclave::new(&Variant { has_shielding_key: false, ..Variant::default() });
    assert_eq!(refusal(&enclave, &Expected::default(), |_| {}).await, Refusal::NoShieldingKey);
}

#[tokio::test]
async fn whoever_is_no_worker_is_called_so() {
    let enclave = Enclave::honest();
    let connect = async |address| {
        Worker::verified(&enclave.chain(), &address, &Expected::default()).await.err().unwrap()
    };
    // An ordinary TLS server.
    let key = KeyPair::generate().unwrap();
    let ordinary = CertificateParams::default().self_signed(&key).unwrap().der().to_vec();
    let served = serve(ordinary, &key, enclave.shielding_key.clone(), balances).await;
    assert!(matches!(connect(served.address).await, WorkerError::Tls { .. }));
    // A server that does not speak TLS.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        use tokio::io::AsyncWriteExt;
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
    });
    let plain = WorkerAddress::parse("wss://127.0.0.1", port).unwrap();
    assert!(matches!(connect(plain).await, WorkerError::Tls { .. }));
    // A closed port.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let closed = WorkerAddress::parse("wss://127.0.0.1", closed).unwrap();
    assert!(matches!(connect(closed).await, WorkerError::Unreachable { .. }));
}

mod counter;

/// DER of an octet string of 256 to 65 535 bytes.
fn octet_string(content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    [&[4, 0x82][..], &length, content].concat()
}

async fn free_balance(worker: &mut Worker, account: &Account) -> Result<u128, WorkerError> {
    worker.read::<Getter, _>(TrustedGetter::FreeBalance(account.id()), account).await
}
