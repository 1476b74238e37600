// SPDX-License-Identifier: Apache-2.0
//! Provisioning over loopback sockets: between honest enclaves, and with every fake of threat model H14 at either end.

use super::*;
use crate::tls::testing::*;
use offstage_attestation::{ChainPolicy, EvidenceError};
use offstage_primitives::attestation::{INTEL_ROOT, TcbPolicy};
use offstage_protocol::Phase;
use std::thread;

/// Runs a provider for one connection and a requester with this certificate; what each of them says of it.
fn meet(
    view: &Arc<View>,
    requester: Arc<CertifiedKey>,
    policy: &AttestationPolicy,
    born_key: H256,
) -> (Result<(), ProvisionError>, Result<ShieldingKey, ProvisionError>) {
    let (listener, address) = listener();
    listener.set_nonblocking(true).unwrap();
    let view = view.clone();
    let provider = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (stream, _) = TcpListener::from_std(listener).unwrap().accept().await.unwrap();
            timeout(PATIENCE, provide(stream, &view)).await.unwrap()
        })
    });
    let context = ProvisionContext { identity: &identity(), policy, certificate: requester, born_key };
    let received = request(&format!("wss://{address}"), &context);
    (provider.join().unwrap(), received)
}

fn born_key() -> H256 {
    KEY.public().digest()
}

#[test]
fn a_verified_peer_gets_the_key() {
    let (given, received) = meet(&serving(), certificate(&boot(), H256::zero()), &policy(), born_key());
    given.unwrap();
    assert_eq!(*received.ok().unwrap().to_sealable(), *KEY.to_sealable());
}

#[test]
fn h14_a_fake_requester_is_refused_in_the_handshake() {
    let view = serving();
    for (fake, certificate, text) in fake_certificates(H256::zero()) {
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
    let requester = certificate(&boot(), H256::zero());
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
    let evidence = Claim::honest(binding(&real, H256::zero())).evidence();

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
            meet(&view, crate::tls::testing::certificate(&boot(), H256::zero()), &policy(), born_key());
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
            let _ = message::write_ask(&mut stream, &Ask { shard: shard(), born_key: born_key() }).await;
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
    let (given, received) = meet(&serving(), certificate(&boot(), H256::zero()), &intel, born_key());
    assert!(given.is_err());
    let error = received.err().unwrap();
    assert!(
        matches!(error, ProvisionError::Peer(PeerError::Evidence(EvidenceError::SoftwarePlatform))),
        "{error}"
    );
}

#[test]
fn h14_a_provider_with_another_key_is_refused() {
    let born = H256::repeat_byte(0xaa);
    let (_, received) = meet(&serving(), certificate(&boot(), H256::zero()), &policy(), born);
    let error = received.err().unwrap();
    assert!(
        matches!(error, ProvisionError::Peer(PeerError::Evidence(EvidenceError::ShieldingKey))),
        "{error}"
    );
    // A provider answers so too, should a requester not have looked.
    let ask = Ask { shard: shard(), born_key: born };
    assert_eq!(answer(&serving(), &ask).err(), Some(Refusal::AnotherKey));
    let ask = Ask { shard: [3; 32].into(), born_key: born_key() };
    assert_eq!(answer(&serving(), &ask).err(), Some(Refusal::AnotherShard));
}

#[test]
fn h14_a_provider_that_does_not_serve_gives_nothing() {
    for phase in [Phase::CatchingUp, Phase::NeedsShieldingKey, Phase::AwaitingRegistration, Phase::Superseded]
    {
        let own = certificate(&boot(), born_key());
        let view = Arc::new(View::new(identity(), Arc::new(Echo), picture(phase, Some(own))));
        let (given, received) = meet(&view, certificate(&boot(), H256::zero()), &policy(), born_key());
        assert!(matches!(given, Err(ProvisionError::NoKey(Refusal::NotServing))));
        assert!(matches!(received, Err(ProvisionError::NoKey(Refusal::NotServing))));
    }
    let mut blank = picture(Phase::CatchingUp, None);
    blank.policy = None;
    let view = Arc::new(View::new(identity(), Arc::new(Echo), blank));
    let (given, received) = meet(&view, certificate(&boot(), H256::zero()), &policy(), born_key());
    assert!(matches!(given, Err(ProvisionError::NotReady)));
    assert!(matches!(received, Err(ProvisionError::Stream(_))));
}

/// Serves peers at the address, as long as the runtime lives.
fn start(limits: ProvisionLimits) -> (tokio::runtime::Runtime, String) {
    let (listener, address) = listener();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.spawn(serve(serving(), listener, limits));
    (runtime, address)
}

fn ask(address: &str) -> Result<ShieldingKey, ProvisionError> {
    let context = ProvisionContext {
        identity: &identity(),
        policy: &policy(),
        certificate: certificate(&boot(), H256::zero()),
        born_key: born_key(),
    };
    request(address, &context)
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
    let (_runtime, address) = start(limits);
    let [first, _second] = [(); 2].map(|()| std::net::TcpStream::connect(&address).unwrap());
    ask(&address).unwrap();
    ended(first);
}

#[test]
fn c15_a_peer_has_two_seconds_to_show_its_evidence() {
    let limits = ProvisionLimits { session: Duration::from_secs(3600), ..ProvisionLimits::default() };
    let (_runtime, address) = start(limits);
    ended(std::net::TcpStream::connect(&address).unwrap());
}

#[test]
fn h14_peers_that_say_nothing_lose_their_place() {
    let limits = ProvisionLimits { session: Duration::from_millis(300), ..ProvisionLimits::default() };
    let (_runtime, address) = start(limits);
    ended(std::net::TcpStream::connect(&address).unwrap());
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
