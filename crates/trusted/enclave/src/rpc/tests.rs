// SPDX-License-Identifier: Apache-2.0
//! The client listener over loopback sockets: the handshake, every method's bytes, and clients that mean no good.

use super::*;
use crate::{answers::Answers, provision::peer::PeerVerifier, tls::testing::*, view::Picture};
use codec::{Decode, Encode};
use futures::{SinkExt, StreamExt};
use offstage_primitives::{
    BlockHash, H256, KeyDigest, ShardIdentifier,
    attestation::CertificateEvidence,
    enclave_bridge::Request,
    receipt::Receipt,
    rpc::{BlockReference, DirectRequestStatus, GetterAnswer, Phase, RpcReturnValue, WorkerStatus},
};
use rustls::pki_types::ServerName;
use serde_json::{Value, json};
use std::{sync::Mutex, time::Instant};
use tokio::{io::AsyncReadExt, net::TcpStream, time::timeout};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{self, Message, protocol::frame::coding::CloseCode},
};

pub(super) struct Client(pub(super) WebSocketStream<TlsStream<TcpStream>>);

impl Client {
    pub(super) async fn connect(address: &str) -> io::Result<Self> {
        let stream = tls(address, PeerVerifier::new(&identity(), policy(), None)).await?;
        let (socket, _) = client_async(format!("wss://{address}"), stream).await.map_err(io::Error::other)?;
        Ok(Self(socket))
    }

    pub(super) async fn ask_text(&mut self, text: &str) -> String {
        self.0.send(Message::text(text)).await.unwrap();
        match timeout(PATIENCE, self.0.next()).await.unwrap().unwrap().unwrap() {
            Message::Text(text) => text.to_string(),
            other => panic!("{other:?}"),
        }
    }

    pub(super) async fn ask(&mut self, method: &str, params: Value) -> Value {
        let text = json!({ "jsonrpc": "2.0", "method": method, "params": params, "id": 1 }).to_string();
        serde_json::from_str(&self.ask_text(&text).await).unwrap()
    }

    /// The decoded return value of a method that answers.
    pub(super) async fn call(&mut self, method: &str, params: Value) -> RpcReturnValue {
        let answer = self.ask(method, params).await;
        let text = answer["result"].as_str().unwrap_or_else(|| panic!("{method}: {answer}"));
        let bytes = hex::decode(text.strip_prefix("0x").unwrap()).unwrap();
        RpcReturnValue::decode(&mut &bytes[..]).unwrap()
    }

    pub(super) async fn value(&mut self, method: &str, params: Value) -> Vec<u8> {
        let answer = self.call(method, params).await;
        assert_eq!((answer.status, answer.do_watch), (DirectRequestStatus::Ok, false), "{method}");
        answer.value
    }

    pub(super) async fn error(&mut self, method: &str, params: Value) -> String {
        let answer = self.call(method, params).await;
        assert_eq!(answer.status, DirectRequestStatus::Error, "{method}");
        String::decode(&mut &answer.value[..]).unwrap()
    }

    pub(super) async fn is_closed(&mut self) -> bool {
        let next = timeout(PATIENCE, self.0.next()).await;
        matches!(next, Ok(None | Some(Err(_)) | Some(Ok(Message::Close(_)))))
    }
}

async fn tls(address: &str, verifier: PeerVerifier) -> io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(client_config(verifier)).connect(name, stream).await
}

pub(super) fn start(view: Arc<View>, limits: RpcLimits) -> String {
    let (listener, address) = listener();
    tokio::spawn(serve(view, listener, limits));
    address
}

fn view_of(picture: Picture) -> Arc<View> {
    Arc::new(View::new(identity(), Arc::new(Echo), picture))
}

fn request(shard: ShardIdentifier, getter: &[u8]) -> Value {
    json!([format!("0x{}", hex::encode(Request { shard, cyphertext: getter.to_vec() }.encode()))])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_method_answers_in_the_form_of_the_wire() {
    let view = serving();
    let address = start(view.clone(), RpcLimits::default());
    let mut client = Client::connect(&address).await.unwrap();

    // One answer byte for byte: SCALE of { value: SCALE of the shard, do_watch: false, status: Ok }.
    let answer = client
        .ask_text("{\"jsonrpc\":\"2.0\",\"method\":\"author_getShard\",\"params\":[],\"id\":\"a\"}")
        .await;
    let expected = format!("0x80{}0000", "01".repeat(32));
    assert_eq!(
        serde_json::from_str::<Value>(&answer).unwrap(),
        json!({ "jsonrpc": "2.0", "result": expected, "id": "a" })
    );

    let key = KEY.public().to_json();
    for (method, expected) in [
        ("author_getShieldingKey", key.encode()),
        ("author_getFingerprint", MEASUREMENT.encode()),
        ("author_getShard", MEASUREMENT.encode()),
        ("author_getMuRaUrl", "wss://127.0.0.1:3443".encode()),
        ("author_getUntrustedUrl", "ws://127.0.0.1:2001".encode()),
        ("state_getMetadata", METADATA.to_vec()),
        ("system_name", "offstage-enclave".encode()),
        ("system_version", env!("CARGO_PKG_VERSION").encode()),
        ("system_health", "serving, at block 5".encode()),
        ("offstage_getStatus", [&[3u8][..], &5u32.encode(), &[5; 32], &8u32.encode(), &[8; 32]].concat()),
    ] {
        assert_eq!(client.value(method, json!([])).await, expected, "{method}");
    }
    let status = client.value("offstage_getStatus", json!([])).await;
    assert_eq!(WorkerStatus::decode(&mut &status[..]).unwrap().phase, Phase::Serving);

    let evidence = client.value("offstage_getEvidence", json!([])).await;
    let evidence = CertificateEvidence::decode(&mut &evidence[..]).unwrap();
    assert_eq!(evidence.binding.shielding_key, KEY.public().digest());

    let value = client.value("state_executeGetter", request(shard(), b"getter")).await;
    assert_eq!(value, Some(b"getter".to_vec()).encode());
    let value = client.value("state_executeGetter", request(shard(), b"none")).await;
    assert_eq!(value, None::<Vec<u8>>.encode());
    let value = client.value("offstage_executeGetter", request(shard(), b"getter")).await;
    let block = BlockReference { number: 5, hash: BlockHash::repeat_byte(5) };
    assert_eq!(value, GetterAnswer { value: Some(b"getter".to_vec()), block }.encode());

    let unknown = json!([format!("0x{}", "ab".repeat(32))]);
    assert_eq!(client.value("offstage_getReceipt", unknown).await, None::<Receipt>.encode());

    let methods = client.value("rpc_methods", json!([])).await;
    let methods = Vec::<String>::decode(&mut &methods[..]).unwrap();
    assert!(methods.is_sorted());
    for method in methods {
        assert_ne!(client.ask(&method, json!([])).await["error"]["code"], -32601, "{method}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c06_direct_invocation_is_refused_whatever_is_inside() {
    let address = start(serving(), RpcLimits::default());
    let mut client = Client::connect(&address).await.unwrap();
    for method in ["author_submitExtrinsic", "author_submitAndWatchExtrinsic", "author_pendingExtrinsics"] {
        for params in [json!([]), json!(["0x00"]), request(shard(), &[0; 40]), json!([["a", 1], null])] {
            let error = client.error(method, params).await;
            assert!(error.contains("through the parentchain"), "{error}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn h09_before_it_serves_only_status_is_answered() {
    for (phase, text) in [
        (Phase::CatchingUp, "catching up with the parentchain: at block 5 of 8"),
        (Phase::NeedsShieldingKey, "waiting for the shielding key"),
        (Phase::AwaitingRegistration, "waiting for its registration"),
        (Phase::Superseded, "replaced by a later start"),
    ] {
        let certificate = certificate(&boot(), KeyDigest::zero());
        let address = start(view_of(picture(phase, Some(certificate))), RpcLimits::default());
        let mut client = Client::connect(&address).await.unwrap();
        for (method, params) in [
            ("author_getShieldingKey", json!([])),
            ("state_executeGetter", request(shard(), b"getter")),
            ("offstage_executeGetter", request(shard(), b"getter")),
            ("offstage_getReceipt", json!(["00".repeat(32)])),
        ] {
            let error = client.error(method, params).await;
            assert!(error.contains(text), "{phase:?} {method}: {error}");
        }
        let status = client.value("offstage_getStatus", json!([])).await;
        assert_eq!(WorkerStatus::decode(&mut &status[..]).unwrap().phase, phase);
        assert!(
            String::decode(&mut &client.value("system_health", json!([])).await[..]).unwrap().contains(text)
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_call_is_answered_with_json_rpcs_errors() {
    let address = start(serving(), RpcLimits::default());
    let mut client = Client::connect(&address).await.unwrap();
    for (text, code) in [
        ("{\"jsonrpc\"", -32700),
        ("[]", -32600),
        ("{\"jsonrpc\":\"2.0\",\"method\":7,\"id\":1}", -32600),
        ("{\"jsonrpc\":\"2.0\",\"method\":\"no_such\",\"id\":1}", -32601),
        ("{\"jsonrpc\":\"2.0\",\"method\":\"author_getShard\",\"params\":[1],\"id\":1}", -32602),
        ("{\"jsonrpc\":\"2.0\",\"method\":\"author_getShard\",\"params\":{},\"id\":1}", -32602),
        ("{\"jsonrpc\":\"2.0\",\"method\":\"state_executeGetter\",\"params\":[],\"id\":1}", -32602),
        ("{\"jsonrpc\":\"2.0\",\"method\":\"state_executeGetter\",\"params\":[\"0xzz\"],\"id\":1}", -32602),
        ("{\"jsonrpc\":\"2.0\",\"method\":\"state_executeGetter\",\"params\":[\"0x0102\"],\"id\":1}", -32602),
        ("{\"jsonrpc\":\"2.0\",\"method\":\"offstage_getReceipt\",\"params\":[\"0x01\"],\"id\":1}", -32602),
    ] {
        let answer: Value = serde_json::from_str(&client.ask_text(text).await).unwrap();
        assert_eq!(answer["error"]["code"], code, "{text}: {answer}");
        assert!(answer.get("result").is_none());
    }
    // The connection goes on.
    assert_eq!(client.value("author_getFingerprint", json!([])).await, MEASUREMENT.encode());
    let error = client.error("state_executeGetter", request([3; 32].into(), b"getter")).await;
    assert!(error.starts_with("this worker serves shard "), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_are_answered_in_order_and_notifications_not_at_all() {
    let address = start(serving(), RpcLimits { batch_len: 4, ..Default::default() });
    let mut client = Client::connect(&address).await.unwrap();
    let call = |id: u32| json!({ "jsonrpc": "2.0", "method": "author_getShard", "params": [], "id": id });
    let notification = json!({ "jsonrpc": "2.0", "method": "author_getShard" });
    client.0.send(Message::text(notification.to_string())).await.unwrap();
    client.0.send(Message::text(json!([notification, notification]).to_string())).await.unwrap();
    let text = client.ask_text(&json!([call(1), notification, 5, call(2)]).to_string()).await;
    let answers: Vec<Value> = serde_json::from_str(&text).unwrap();
    let ids: Vec<_> = answers.iter().map(|answer| answer["id"].clone()).collect();
    assert_eq!(ids, [json!(1), Value::Null, json!(2)]);
    assert_eq!(answers[1]["error"]["code"], -32600);
    let text = client.ask_text(&json!([call(1), call(2), call(3), call(4), call(5)]).to_string()).await;
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["error"]["code"], -32600);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c10_a_batch_cannot_be_made_to_answer_without_bound() {
    let address = start(serving(), RpcLimits { batch_answer_len: 100, ..Default::default() });
    let mut client = Client::connect(&address).await.unwrap();
    let call = |id: u32| json!({ "jsonrpc": "2.0", "method": "author_getShard", "params": [], "id": id });
    let text = client.ask_text(&json!([call(1), call(2), call(3), call(4)]).to_string()).await;
    let answers: Vec<Value> = serde_json::from_str(&text).unwrap();
    let codes: Vec<_> = answers.iter().map(|answer| answer["error"]["code"].clone()).collect();
    assert_eq!(codes, [Value::Null, Value::Null, json!(-32000), json!(-32000)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c08_a_client_recognises_the_enclave_and_nobody_else() {
    let address = start(serving(), RpcLimits::default());
    let born = KEY.public().digest();
    assert!(tls(&address, PeerVerifier::new(&identity(), policy(), Some(born))).await.is_ok());
    // A man in the middle with a certificate of his own, or with the enclave's.
    let real = boot();
    let stolen = Claim::honest(binding(&real, born)).evidence();
    let mut fakes: Vec<_> = fake_certificates(born).into_iter().map(|fake| fake.1).collect();
    fakes.push(certificate_with_stolen_evidence(&boot(), &stolen));
    fakes.push(stolen_certificate(&boot(), &real.certificate(&stolen).unwrap()));
    for fake in fakes {
        let address = start(view_of(picture(Phase::Serving, Some(fake))), RpcLimits::default());
        assert!(tls(&address, PeerVerifier::new(&identity(), policy(), Some(born))).await.is_err());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_certificate_can_be_replaced_while_connections_are_open() {
    let view = view_of(picture(Phase::CatchingUp, None));
    let address = start(view.clone(), RpcLimits::default());
    assert!(Client::connect(&address).await.is_err(), "no certificate, no handshake");
    let boot = boot();
    view.publish(picture(Phase::CatchingUp, Some(certificate(&boot, KeyDigest::zero()))));
    let mut first = Client::connect(&address).await.unwrap();
    let born = KEY.public().digest();
    assert!(tls(&address, PeerVerifier::new(&identity(), policy(), Some(born))).await.is_err());
    view.publish(picture(Phase::Serving, Some(certificate(&boot, born))));
    assert!(tls(&address, PeerVerifier::new(&identity(), policy(), Some(born))).await.is_ok());
    assert_eq!(first.value("system_health", json!([])).await, "serving, at block 5".encode());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c10_oversized_messages_end_the_connection() {
    let address = start(serving(), RpcLimits { message_len: 1000, ..Default::default() });
    let mut client = Client::connect(&address).await.unwrap();
    client.0.send(Message::text(" ".repeat(1001))).await.unwrap();
    match timeout(PATIENCE, client.0.next()).await.unwrap() {
        Some(Ok(Message::Close(Some(frame)))) => assert_eq!(frame.code, CloseCode::Size),
        Some(Err(tungstenite::Error::Io(_) | tungstenite::Error::Protocol(_))) | None => {}
        other => panic!("{other:?}"),
    }
    assert!(Client::connect(&address).await.is_ok());
}

/// The limits of a worker with so many places, which no clock frees.
pub(super) fn places(connections: usize) -> RpcLimits {
    RpcLimits {
        connections,
        connections_per_peer: connections,
        arrivals_per_peer_per_minute: 100_000,
        work_per_peer_per_second: 1_000_000,
        handshake: LONG,
        silence: LONG,
        write: LONG,
        ..Default::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c10_connections_are_limited_and_come_back() {
    let address = start(serving(), places(20));
    // A thousand that never start the handshake take places from each other alone.
    let mut silent = Vec::new();
    for _ in 0..1000 {
        silent.push(TcpStream::connect(&address).await.unwrap());
    }
    let mut clients = Vec::new();
    for _ in 0..20 {
        clients.push(Client::connect(&address).await.unwrap());
    }
    for stream in &mut silent {
        ended(stream).await;
    }
    // One more takes the place of the one that has been silent for the longest time.
    assert_eq!(clients[0].value("author_getFingerprint", json!([])).await, MEASUREMENT.encode());
    clients.push(Client::connect(&address).await.unwrap());
    assert!(clients.remove(1).is_closed().await);
    for client in &mut clients {
        assert_eq!(client.value("author_getFingerprint", json!([])).await, MEASUREMENT.encode());
    }
}

/// Waits until the other side has ended the connection.
async fn ended(stream: &mut TcpStream) {
    let read = timeout(PATIENCE, stream.read(&mut [0; 16])).await.expect("it was never ended");
    assert!(matches!(read, Ok(0) | Err(_)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c10_who_never_starts_the_handshake_is_dropped() {
    let address = start(serving(), RpcLimits { handshake: SHORT, ..places(1) });
    ended(&mut TcpStream::connect(&address).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c10_silent_clients_are_dropped() {
    let address = start(serving(), RpcLimits { silence: SHORT, ..places(1) });
    let mut silent = Client::connect(&address).await.unwrap();
    assert!(silent.is_closed().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c10_clients_that_never_read_are_dropped() {
    struct Large;
    impl Answers for Large {
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
            vec![0; 16 * 1024 * 1024]
        }
    }
    let certificate = certificate(&boot(), KEY.public().digest());
    let view = Arc::new(View::new(identity(), Arc::new(Large), picture(Phase::Serving, Some(certificate))));
    let address = start(view, RpcLimits { write: SHORT, ..places(1) });
    let mut never_reads = Client::connect(&address).await.unwrap();
    let text = json!({ "jsonrpc": "2.0", "method": "state_getMetadata", "params": [], "id": 1 }).to_string();
    never_reads.0.send(Message::text(text)).await.unwrap();
    // Whoever is dropped learns it from the first word that nobody takes any more.
    let dropped = async {
        while never_reads.0.send(Message::text("{}")).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, dropped).await.expect("it was never dropped");
}

/// A business logic whose getters begin, say so, and end when they are told to.
struct Held {
    begun: std::sync::mpsc::Sender<()>,
    end: Mutex<std::sync::mpsc::Receiver<()>>,
}

impl Answers for Held {
    fn answer(
        &self,
        _: &crate::store::Snapshot,
        _: H256,
        _: &offstage_sdk::ReadContext,
        getter: &[u8],
    ) -> Result<Option<Vec<u8>>, crate::store::StoreError> {
        self.begun.send(()).unwrap();
        self.end.lock().unwrap().recv().unwrap();
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c10_a_slow_getter_delays_neither_status_nor_others_for_long() {
    let (begun, has_begun) = std::sync::mpsc::channel();
    let (end, may_end) = std::sync::mpsc::channel();
    let certificate = certificate(&boot(), KEY.public().digest());
    let held = Arc::new(Held { begun, end: Mutex::new(may_end) });
    let view = Arc::new(View::new(identity(), held, picture(Phase::Serving, Some(certificate))));
    let address = start(view, RpcLimits { getters_at_once: 1, turn: SHORT, ..Default::default() });
    let mut slow = Client::connect(&address).await.unwrap();
    let slow =
        tokio::spawn(async move { slow.value("state_executeGetter", request(shard(), b"slow")).await });
    let _has_begun =
        tokio::task::spawn_blocking(move || has_begun.recv_timeout(PATIENCE).map(|()| has_begun))
            .await
            .unwrap()
            .unwrap();
    // All of this is answered while the slow one has not ended.
    let mut other = Client::connect(&address).await.unwrap();
    other.value("offstage_getStatus", json!([])).await;
    let error = other.error("state_executeGetter", request(shard(), b"getter")).await;
    assert!(error.contains("busy"), "{error}");
    assert!(!slow.is_finished());
    end.send(()).unwrap();
    end.send(()).unwrap();
    assert_eq!(slow.await.unwrap(), Some(b"slow".to_vec()).encode());
    other.value("state_executeGetter", request(shard(), b"getter")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_getter_that_panics_is_an_error_for_its_author_only() {
    let address = start(serving(), RpcLimits::default());
    let mut client = Client::connect(&address).await.unwrap();
    let error = client.error("state_executeGetter", request(shard(), b"panic")).await;
    assert_eq!(error, "the worker could not answer this");
    client.value("state_executeGetter", request(shard(), b"getter")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c10_calls_are_limited_per_second() {
    let address = start(serving(), RpcLimits { calls_per_second: 10, ..Default::default() });
    let mut client = Client::connect(&address).await.unwrap();
    let started = Instant::now();
    for _ in 0..15 {
        client.value("author_getShard", json!([])).await;
    }
    assert!(started.elapsed() >= Duration::from_millis(400), "{:?}", started.elapsed());
}

/// A limit that a test waits for.
pub(super) const SHORT: Duration = Duration::from_millis(300);
/// A limit that no test reaches.
pub(super) const LONG: Duration = Duration::from_secs(3600);
/// How long a test waits for what must happen.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
