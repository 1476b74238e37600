// SPDX-License-Identifier: Apache-2.0
//! Many clients at once, and a few that would keep all others out.

use super::{
    tests::{Client, LONG, PATIENCE, SHORT, places, start},
    *,
};
use crate::{answers::Answers, tls::testing::*, view::View};
use codec::Encode;
use futures::{SinkExt, StreamExt};
use offstage_primitives::{H256, rpc::Phase};
use rustls::{
    ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use serde_json::{Value, json};
use std::{
    net::{IpAddr, Ipv4Addr},
    sync::atomic::{AtomicUsize, Ordering},
};
use tokio::{net::TcpSocket, time::timeout};
use tokio_rustls::TlsConnector;
use tokio_tungstenite::{client_async, tungstenite::Message};

/// Takes every certificate: what enclaves prove is not the matter here, and verifying it a thousand times takes long.
#[derive(Debug)]
struct Credulous;

impl ServerCertVerifier for Credulous {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        tls::provider().signature_verification_algorithms.supported_schemes()
    }
}

fn credulous() -> Arc<ClientConfig> {
    let config = ClientConfig::builder_with_provider(tls::provider())
        .with_protocol_versions(tls::VERSIONS)
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Credulous))
        .with_no_client_auth();
    Arc::new(config)
}

/// Connects from an address of this machine.
async fn connect_from(from: Ipv4Addr, address: &str, config: Arc<ClientConfig>) -> io::Result<Client> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((IpAddr::from(from), 0).into())?;
    let stream = socket.connect(address.parse().unwrap()).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TlsConnector::from(config).connect(name, stream).await?;
    let (socket, _) = client_async(format!("wss://{address}"), stream).await.map_err(io::Error::other)?;
    Ok(Client(socket))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c15_a_thousand_connections_at_once_from_many_addresses_are_served() {
    let files = crate::process::allow_files(4_096);
    assert!(files >= 2_100, "the system lets a test open {files} files; raise the limit (ulimit -n)");
    let limits = RpcLimits { handshake: LONG, silence: LONG, write: LONG, ..RpcLimits::default() };
    let address = start(serving(), limits);
    let mut arriving = JoinSet::new();
    for index in 0..1_000u32 {
        let (address, config) = (address.clone(), credulous());
        let from = Ipv4Addr::from(0x7f00_0100 + (index / 200) * 0x100 + 1 + index % 200);
        arriving.spawn(async move { connect_from(from, &address, config).await });
    }
    let mut clients = Vec::new();
    while let Some(arrived) = arriving.join_next().await {
        clients.push(arrived.unwrap().unwrap());
    }
    assert_eq!(clients.len(), 1_000);
    for client in &mut clients {
        assert_eq!(client.value("author_getFingerprint", json!([])).await, MEASUREMENT.encode());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c15_a_few_addresses_that_hold_all_places_keep_no_newcomer_out() {
    let limits = RpcLimits { connections_per_peer: 4, ..places(8) };
    let address = start(serving(), limits);
    let of = |last: u8| Ipv4Addr::new(127, 0, 9, last);
    let mut held = Vec::new();
    for index in 0..8u8 {
        held.push(connect_from(of(1 + index % 2), &address, credulous()).await.unwrap());
    }
    let mut newcomer = connect_from(of(3), &address, credulous()).await.unwrap();
    // Who lost a place comes again, and is never idle.
    for index in 0..20u8 {
        for client in &mut held {
            let _ = client.0.send(Message::text("{}")).await;
        }
        held.push(connect_from(of(1 + index % 2), &address, credulous()).await.unwrap());
    }
    assert_eq!(newcomer.value("author_getFingerprint", json!([])).await, MEASUREMENT.encode());
    let mut another = connect_from(of(4), &address, credulous()).await.unwrap();
    assert_eq!(another.value("author_getFingerprint", json!([])).await, MEASUREMENT.encode());
    assert_eq!(newcomer.value("author_getFingerprint", json!([])).await, MEASUREMENT.encode());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c15_who_sends_nothing_but_pings_is_silent() {
    let address = start(serving(), RpcLimits { silence: SHORT, calls_per_second: 1_000_000, ..places(1) });
    let mut client = Client::connect(&address).await.unwrap();
    let pinging = async {
        while client.0.send(Message::Ping(Vec::new().into())).await.is_ok() {
            match timeout(SHORT / 10, client.0.next()).await {
                Err(_) | Ok(Some(Ok(Message::Pong(_)))) => {}
                Ok(_) => return,
            }
        }
    };
    timeout(PATIENCE, pinging).await.expect("pings kept the connection open");
}

#[test]
fn c15_a_handshake_has_two_seconds() {
    assert_eq!(RpcLimits::default().handshake, Duration::from_secs(2));
}

/// A business logic that counts how often its metadata is made.
#[derive(Default)]
struct Counted(AtomicUsize);

impl Answers for Counted {
    fn answer(
        &self,
        _: &crate::store::Snapshot,
        _: H256,
        _: &offstage_sdk::ReadContext,
        _: &[u8],
    ) -> Result<Option<Vec<u8>>, crate::store::StoreError> {
        Ok(None)
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
        self.0.fetch_add(1, Ordering::SeqCst);
        METADATA.to_vec()
    }
}

fn counted() -> (Arc<Counted>, Arc<View>) {
    let logic = Arc::new(Counted::default());
    let certificate = certificate(&boot(), KEY.public().digest());
    let view = View::new(identity(), logic.clone(), picture(Phase::Serving, Some(certificate)));
    (logic, Arc::new(view))
}

fn batch(calls: usize, params: &Value) -> String {
    let call = |id| json!({ "jsonrpc": "2.0", "method": "state_getMetadata", "params": params, "id": id });
    Value::Array((0..calls).map(call).collect()).to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c14_wrong_parameters_make_nothing_and_right_ones_make_it_once() {
    let (logic, view) = counted();
    let limits = RpcLimits { calls_per_second: 1_000_000, ..RpcLimits::default() };
    let address = start(view, limits);
    let mut client = Client::connect(&address).await.unwrap();
    for _ in 0..64 {
        let answers: Vec<Value> =
            serde_json::from_str(&client.ask_text(&batch(32, &json!(["wrong"]))).await).unwrap();
        assert_eq!(answers.len(), 32);
        assert!(answers.iter().all(|answer| answer["error"]["code"] == -32602), "{answers:?}");
    }
    assert_eq!(logic.0.load(Ordering::SeqCst), 0);
    for _ in 0..2 {
        let answers: Vec<Value> =
            serde_json::from_str(&client.ask_text(&batch(32, &json!([]))).await).unwrap();
        assert!(answers.iter().all(|answer| answer["result"].is_string()), "{answers:?}");
    }
    assert_eq!(client.value("state_getMetadata", json!([])).await, METADATA);
    assert_eq!(logic.0.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c14_who_asks_for_more_than_the_share_of_his_address_is_told_and_disconnected() {
    let (logic, view) = counted();
    let address = start(view, RpcLimits { work_per_peer_per_second: 100, ..RpcLimits::default() });
    let mut client = Client::connect(&address).await.unwrap();
    // 32 times 50 units: more than the 1,000 that may be saved up.
    let answer: Value = serde_json::from_str(&client.ask_text(&batch(32, &json!([]))).await).unwrap();
    assert_eq!((&answer["error"]["code"], &answer["id"]), (&json!(-32001), &Value::Null), "{answer}");
    assert!(client.is_closed().await);
    assert_eq!(logic.0.load(Ordering::SeqCst), 0);
    let mut other = connect_from(Ipv4Addr::new(127, 0, 9, 9), &address, credulous()).await.unwrap();
    assert_eq!(other.value("author_getFingerprint", json!([])).await, MEASUREMENT.encode());
}
