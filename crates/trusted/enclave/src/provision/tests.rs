// SPDX-License-Identifier: Apache-2.0
//! Provisioning over loopback sockets: between honest enclaves, and with every fake of threat model H14 at either end.

use super::*;
use crate::{registry::Registrations, tls::testing::*, view::Picture};
use offstage_attestation::{ChainPolicy, EvidenceError};
use offstage_primitives::{
    BlockHash, KeyDigest, Measurement,
    attestation::{INTEL_ROOT, TcbPolicy},
};
use offstage_protocol::Phase;
use std::thread;

/// Runs a provider for one connection and a requester with this certificate; what each of them says of it. Both are
/// registered.
fn meet(
    view: &Arc<View>,
    requester: Arc<CertifiedKey>,
    policy: &AttestationPolicy,
    born_key: KeyDigest,
) -> (Result<(), ProvisionError>, Result<ShieldingKey, ProvisionError>) {
    let provider = view.certificate();
    let (known, seen) = (chain(&[&requester]), chain(provider.as_deref().as_slice()));
    meet_by(view, requester, policy, &birth(born_key), known, seen, block(5))
}

/// The same, where the provider's chain says `known`, the requester's `seen`, and the requester is at `newest`.
fn meet_by(
    view: &Arc<View>,
    requester: Arc<CertifiedKey>,
    policy: &AttestationPolicy,
    birth: &Birth,
    known: ProvenChain,
    seen: ProvenChain,
    newest: BlockReference,
) -> (Result<(), ProvisionError>, Result<ShieldingKey, ProvisionError>) {
    let (listener, address) = listener();
    listener.set_nonblocking(true).unwrap();
    on_chain(view, known);
    let view = view.clone();
    let provider = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (stream, _) = TcpListener::from_std(listener).unwrap().accept().await.unwrap();
            timeout(PATIENCE, provide(stream, &view)).await.unwrap()
        })
    });
    let context = ProvisionContext {
        identity: &identity(),
        policy,
        certificate: requester,
        chain: &seen,
        birth,
        newest,
    };
    let received = request(&format!("wss://{address}"), &context);
    (provider.join().unwrap(), received)
}

/// Lets a provider see this chain.
fn on_chain(view: &View, chain: ProvenChain) {
    let before = view.picture();
    view.publish(Picture {
        certificate: before.certificate.clone(),
        policy: before.policy.clone(),
        chain,
        ..picture(before.phase, None)
    });
}

fn born_key() -> KeyDigest {
    KEY.public().digest()
}

#[test]
fn a_verified_peer_gets_the_key() {
    let (given, received) = meet(&serving(), certificate(&boot(), born_key()), &policy(), born_key());
    given.unwrap();
    assert_eq!(*received.ok().unwrap().to_sealable(), *KEY.to_sealable());
}

#[test]
fn h14_a_fake_requester_is_refused_in_the_handshake() {
    let view = serving();
    for (fake, certificate, text) in fake_certificates(born_key()) {
        let (given, received) = meet(&view, certificate, &policy(), born_key());
        let error = given.expect_err(fake);
        assert!(matches!(error, ProvisionError::Peer(_)), "{fake}: {error}");
        assert!(error.to_string().contains(text), "{fake}: {error}");
        let error = received.err().expect(fake);
        assert!(matches!(error, ProvisionError::RefusedByPeer), "{fake}: {error}");
    }
}

#[test]
fn h14_a_fake_provider_is_refused_in_the_handshake() {
    let requester = certificate(&boot(), born_key());
    for (fake, certificate, text) in fake_certificates(born_key()) {
        let view =
            Arc::new(View::new(identity(), Arc::new(Echo), picture(Phase::Serving, Some(certificate))));
        let (given, received) = meet(&view, requester.clone(), &policy(), born_key());
        assert!(given.is_err(), "{fake}");
        let error = received.err().expect(fake);
        assert!(matches!(error, ProvisionError::Peer(_)), "{fake}: {error}");
        assert!(error.to_string().contains(text), "{fake}: {error}");
    }
}

#[test]
fn h14_evidence_of_a_real_enclave_is_worth_nothing_in_other_hands() {
    let view = serving();
    let real = boot();
    let evidence = Claim::honest(binding(&real, born_key())).evidence();

    // The evidence in a certificate of the thief's own key.
    let (given, received) =
        meet(&view, certificate_with_stolen_evidence(&boot(), &evidence), &policy(), born_key());
    let error = given.unwrap_err();
    assert!(matches!(error, ProvisionError::Peer(PeerError::Evidence(EvidenceError::TlsKey))), "{error}");
    assert!(matches!(received, Err(ProvisionError::RefusedByPeer)));

    // The whole certificate, for whose key the thief cannot sign.
    let whole = stolen_certificate(&boot(), &real.certificate(&evidence).unwrap());
    let (given, received) = meet(&view, whole, &policy(), born_key());
    assert!(given.unwrap_err().to_string().contains("BadSignature"));
    assert!(matches!(received, Err(ProvisionError::RefusedByPeer)));

    // The same in the provider's place.
    let stolen = Claim::honest(binding(&real, born_key())).evidence();
    for certificate in [
        certificate_with_stolen_evidence(&boot(), &stolen),
        stolen_certificate(&boot(), &real.certificate(&stolen).unwrap()),
    ] {
        let view =
            Arc::new(View::new(identity(), Arc::new(Echo), picture(Phase::Serving, Some(certificate))));
        let (given, received) =
            meet(&view, crate::tls::testing::certificate(&boot(), born_key()), &policy(), born_key());
        assert!(given.is_err() && received.is_err());
    }
}

#[test]
fn h14_a_requester_without_a_certificate_is_refused() {
    let (listener, address) = listener();
    listener.set_nonblocking(true).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::from_std(listener).unwrap();
        let view = serving();
        let provider = async {
            let (stream, _) = listener.accept().await.unwrap();
            provide(stream, &view).await
        };
        let requester = async {
            let verifier = PeerVerifier::new(&identity(), policy(), None);
            let stream = TcpStream::connect(&address).await.unwrap();
            let name = ServerName::try_from(PEER_NAME).unwrap();
            let mut stream = TlsConnector::from(crate::tls::testing::client_config(verifier))
                .connect(name, stream)
                .await?;
            let ask = Ask { shard: shard(), born_key: born_key(), birth: block(2), newest: block(5) };
            let _ = message::write_ask(&mut stream, &ask).await;
            message::read_answer(&mut stream).await.map(drop).map_err(io::Error::other)
        };
        let (given, received) = tokio::join!(provider, requester);
        assert!(given.is_err() && received.is_err());
    });
}

#[test]
fn h15_software_is_refused_where_hardware_is_trusted() {
    let intel = AttestationPolicy {
        platforms: ChainPolicy::new(INTEL_ROOT.to_vec(), TcbPolicy::default(), false),
        ..policy()
    };
    let (given, received) = meet(&serving(), certificate(&boot(), born_key()), &intel, born_key());
    assert!(given.is_err());
    let error = received.err().unwrap();
    assert!(
        matches!(error, ProvisionError::Peer(PeerError::Evidence(EvidenceError::SoftwarePlatform))),
        "{error}"
    );
}

#[test]
fn h14_a_provider_with_another_key_is_refused() {
    let born = KeyDigest::repeat_byte(0xaa);
    let (_, received) = meet(&serving(), certificate(&boot(), born_key()), &policy(), born);
    let error = received.err().unwrap();
    assert!(
        matches!(error, ProvisionError::Peer(PeerError::Evidence(EvidenceError::ShieldingKey))),
        "{error}"
    );
}

/// The provider's chain decides: rows H18, H19 and H21 at the wire.
#[test]
fn h18_h19_only_a_start_that_the_providers_own_chain_registered_gets_the_key() {
    use offstage_primitives::teerex::RENEWAL_PERIOD_MS;
    let requester = certificate(&boot(), born_key());
    let earlier_start = certificate(&boot(), born_key());
    let now_ms = NOW * 1000;
    let known = || chain(&[&requester]);
    let fork = |number| BlockReference { hash: BlockHash::zero(), ..block(number) };
    let elsewhere = Birth { block: fork(2), ..birth(born_key()) };
    let honest = birth(born_key());
    let of_another_measurement = ProvenChain {
        registrations: Arc::new(Registrations::of(
            &[(signer(), binding_of(&requester))],
            Measurement([3; 32]),
            now_ms,
        )),
        ..known()
    };
    for (what, chain_of_provider, birth, newest, expected) in [
        ("registered", known(), &honest, block(5), None),
        (
            "registered in time",
            chain_since(&[&requester], now_ms - RENEWAL_PERIOD_MS),
            &honest,
            block(8),
            None,
        ),
        ("nobody is registered", chain(&[]), &honest, block(5), Some(Refusal::NotRegistered)),
        ("an earlier start is", chain(&[&earlier_start]), &honest, block(5), Some(Refusal::NotRegistered)),
        ("another measurement is", of_another_measurement, &honest, block(5), Some(Refusal::NotRegistered)),
        (
            "too long ago",
            chain_since(&[&requester], now_ms - RENEWAL_PERIOD_MS - 1),
            &honest,
            block(5),
            Some(Refusal::NotRegistered),
        ),
        ("born elsewhere", known(), &elsewhere, block(5), Some(Refusal::AnotherChain)),
        ("on a fork", known(), &honest, fork(5), Some(Refusal::AnotherChain)),
        ("beyond the provider", known(), &honest, block(9), Some(Refusal::NotYet)),
        (
            "without notice",
            ProvenChain { is_notice_over: false, ..known() },
            &honest,
            block(5),
            Some(Refusal::Notice),
        ),
    ] {
        let view = serving();
        let seen = chain(view.certificate().as_deref().as_slice());
        let (given, received) =
            meet_by(&view, requester.clone(), &policy(), birth, chain_of_provider, seen, newest);
        match expected {
            None => {
                given.unwrap_or_else(|error| panic!("{what}: {error}"));
                assert!(received.is_ok(), "{what}");
            }
            Some(expected) => {
                assert!(
                    matches!(given, Err(ProvisionError::NoKey(refusal)) if refusal == expected),
                    "{what}"
                );
                assert!(
                    matches!(received, Err(ProvisionError::NoKey(refusal)) if refusal == expected),
                    "{what}"
                );
            }
        }
    }
}

/// The requester looks for the provider in the same way, before it asks for anything.
#[test]
fn h22_a_genuine_provider_that_is_not_registered_is_refused() {
    let requester = certificate(&boot(), born_key());
    let other = certificate(&boot(), born_key());
    for (seen, expected) in [
        (chain(&[]), Refusal::NotRegistered),
        (chain(&[&other]), Refusal::NotRegistered),
        (chain_since(&[&other], 0), Refusal::NotRegistered),
    ] {
        let (given, received) = meet_by(
            &serving(),
            requester.clone(),
            &policy(),
            &birth(born_key()),
            chain(&[&requester]),
            seen,
            block(5),
        );
        assert!(given.is_err());
        let error = received.err().unwrap();
        assert!(matches!(error, ProvisionError::Rule(refusal) if refusal == expected), "{error}");
    }
    // Nor one of a measurement that was announced too short a time ago.
    let view = serving();
    let seen = ProvenChain { is_notice_over: false, ..chain(view.certificate().as_deref().as_slice()) };
    let (_, received) = meet_by(
        &view,
        requester.clone(),
        &policy(),
        &birth(born_key()),
        chain(&[&requester]),
        seen,
        block(5),
    );
    assert!(matches!(received, Err(ProvisionError::Rule(Refusal::Notice))));
}

/// A provider answers so, should a requester not have looked.
#[test]
fn h14_a_provider_names_what_does_not_fit() {
    let requester = certificate(&boot(), born_key());
    let view = serving();
    on_chain(&view, chain(&[&requester]));
    let verifier = PeerVerifier::new(&identity(), policy(), None);
    let peer = verifier.verify(requester.end_entity_cert().unwrap(), &[]).unwrap();
    let honest = Ask { shard: shard(), born_key: born_key(), birth: block(2), newest: block(5) };
    assert!(answer(&view, &peer, &honest).is_ok());
    let ask = Ask { born_key: KeyDigest::repeat_byte(0xaa), ..honest };
    assert_eq!(answer(&view, &peer, &ask).err(), Some(Refusal::AnotherKey));
    let ask = Ask { shard: [3; 32].into(), born_key: born_key(), birth: block(2), newest: block(5) };
    assert_eq!(answer(&view, &peer, &ask).err(), Some(Refusal::AnotherShard));
}

fn binding_of(certificate: &CertifiedKey) -> offstage_primitives::attestation::KeyBinding {
    offstage_attestation::x509::evidence(certificate.end_entity_cert().unwrap()).unwrap().evidence.binding
}

#[test]
fn h14_a_provider_that_does_not_serve_gives_nothing() {
    for phase in [Phase::CatchingUp, Phase::NeedsShieldingKey, Phase::AwaitingRegistration, Phase::Superseded]
    {
        let own = certificate(&boot(), born_key());
        let view = Arc::new(View::new(identity(), Arc::new(Echo), picture(phase, Some(own))));
        let (given, received) = meet(&view, certificate(&boot(), born_key()), &policy(), born_key());
        assert!(matches!(given, Err(ProvisionError::NoKey(Refusal::NotServing))));
        assert!(matches!(received, Err(ProvisionError::NoKey(Refusal::NotServing))));
    }
    let mut blank = picture(Phase::CatchingUp, None);
    blank.policy = None;
    let view = Arc::new(View::new(identity(), Arc::new(Echo), blank));
    let (given, received) = meet(&view, certificate(&boot(), born_key()), &policy(), born_key());
    assert!(matches!(given, Err(ProvisionError::NotReady)));
    assert!(matches!(received, Err(ProvisionError::Stream(_))));
}

/// A provider at an address, as long as it lives, and somebody who may ask it.
struct Provider {
    _runtime: tokio::runtime::Runtime,
    address: String,
    view: Arc<View>,
    requester: Arc<CertifiedKey>,
}

impl Provider {
    fn start(limits: ProvisionLimits) -> Self {
        let (listener, address) = listener();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (view, requester) = (serving(), certificate(&boot(), born_key()));
        on_chain(&view, chain(&[&requester]));
        runtime.spawn(serve(view.clone(), listener, limits));
        Self { _runtime: runtime, address, view, requester }
    }

    fn ask(&self) -> Result<ShieldingKey, ProvisionError> {
        let context = ProvisionContext {
            identity: &identity(),
            policy: &policy(),
            certificate: self.requester.clone(),
            chain: &chain(self.view.certificate().as_deref().as_slice()),
            birth: &birth(born_key()),
            newest: block(5),
        };
        request(&self.address, &context)
    }
}

/// Waits until the other side has ended the connection.
fn ended(mut stream: std::net::TcpStream) {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    match std::io::Read::read(&mut stream, &mut [0; 16]) {
        Ok(0) => {}
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {}
        other => panic!("it was never ended: {other:?}"),
    }
}

#[test]
fn h14_peers_over_the_limits_are_dropped_and_the_next_ones_are_served() {
    let limits = ProvisionLimits {
        connections: 2,
        connections_per_peer: 2,
        arrivals_per_peer_per_minute: 100_000,
        session: Duration::from_secs(3600),
    };
    let provider = Provider::start(limits);
    let [first, _second] = [(); 2].map(|()| std::net::TcpStream::connect(&provider.address).unwrap());
    provider.ask().unwrap();
    ended(first);
}

#[test]
fn c15_a_peer_has_two_seconds_to_show_its_evidence() {
    let limits = ProvisionLimits { session: Duration::from_secs(3600), ..ProvisionLimits::default() };
    let provider = Provider::start(limits);
    ended(std::net::TcpStream::connect(&provider.address).unwrap());
}

#[test]
fn h14_peers_that_say_nothing_lose_their_place() {
    let limits = ProvisionLimits { session: Duration::from_millis(300), ..ProvisionLimits::default() };
    let provider = Provider::start(limits);
    ended(std::net::TcpStream::connect(&provider.address).unwrap());
}

#[test]
fn addresses_are_read_or_refused() {
    for (url, expected) in [
        ("wss://127.0.0.1:3443", "127.0.0.1:3443"),
        ("wss://worker.example:3443/", "worker.example:3443"),
        ("[::1]:3443", "[::1]:3443"),
    ] {
        assert_eq!(address(url).unwrap(), expected);
    }
    for url in ["", "wss://", "host", "host:", "host:99999", ":3443", "wss://a/b:1", &"a".repeat(1000)] {
        assert!(matches!(address(url), Err(ProvisionError::Address(_))), "{url}");
    }
}

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(60);
