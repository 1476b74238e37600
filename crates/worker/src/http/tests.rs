// SPDX-License-Identifier: Apache-2.0
//! The ports for the operator, and who else connects to them.

use super::*;
use crate::{
    testing::{PlayedEnclave, PlayedNode, block, soon, status, until},
    trouble::Patience,
};
use axum::serve::Listener;
use offstage_protocol::Phase;
use std::net::Ipv4Addr;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

async fn ask(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_port_in_use_is_a_clear_error() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let error = serve_health(&address, Board::default()).await.unwrap_err().to_string();
    assert!(error.contains("--untrusted-http-port") && error.contains(&address), "{error}");
}

#[tokio::test]
async fn an_answer_ends_its_connection() {
    let address = serve_health("127.0.0.1:0", Board::default()).await.unwrap();
    let answer = soon("the answer", ask(address, "/health")).await;
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("\"initialized\": false"), "{answer}");
    assert!(soon("the answer", ask(address, "/is_initialized")).await.starts_with("HTTP/1.1 404"));
}

/// What was seen: health was green while nothing moved. Who balances load, who restarts and who watches ask different
/// questions, and get different answers.
#[tokio::test]
async fn live_ready_and_degraded_are_told_apart() {
    let nothing = Duration::ZERO;
    let board = Board::default().with_patience(Patience { finality: nothing, ..Patience::default() });
    board.note_status(&status(10));
    board.note_head(block(10));
    let address = serve_health("127.0.0.1:0", board.clone()).await.unwrap();
    let codes = async |expected: [(&str, &str); 4]| {
        for (path, code) in expected {
            let answer = soon("the answer", ask(address, path)).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {code}")), "{path}: {answer}");
        }
    };
    // It serves what it has, and no block becomes final.
    codes([("/live", "200"), ("/ready", "200"), ("/is_initialized", "404"), ("/health", "503")]).await;
    let answer = ask(address, "/health").await;
    assert!(answer.contains(r#""troubleCode": "finality-stalled""#), "{answer}");
    assert!(
        answer.contains(r#""degraded": true"#) && answer.contains(r#""secondsSinceFinalBlock": 0"#),
        "{answer}"
    );
    // The enclave hangs with a question. Then it takes so long that only another process helps.
    let node = PlayedNode::new(2);
    let played = PlayedEnclave::at_genesis(&node, Phase::Serving);
    let (_go_on, busy) = std::sync::mpsc::channel();
    played.model().busy = Some(busy);
    let enclave = played.connection();
    let hangs = async {
        let bundle = offstage_protocol::BlockBundle {
            header: offstage_protocol::Untrusted::new(vec![]),
            body: offstage_protocol::Untrusted::new(vec![]),
            state_proof: offstage_protocol::Untrusted::new(vec![]),
        };
        enclave.import_block(bundle).await
    };
    let look = async {
        until("it is busy", || enclave.vitals().busy_for().filter(|busy| !busy.is_zero())).await;
        let board = board.clone().with_patience(Patience { enclave: nothing, ..Patience::default() });
        board.note_enclave(enclave.vitals());
        codes([("/live", "200"), ("/ready", "503"), ("/is_initialized", "404"), ("/health", "503")]).await;
        assert!(ask(address, "/health").await.contains("enclave-silent"));
        board.with_patience(Patience { enclave: nothing, life: nothing, ..Patience::default() });
        codes([("/live", "503"), ("/ready", "503"), ("/is_initialized", "404"), ("/health", "503")]).await;
    };
    tokio::select! {
        answer = hangs => panic!("{answer:?}"),
        () = look => {},
    }
}

/// With these limits alone nothing ends by time.
fn patient() -> Limits {
    Limits { longest: Duration::from_secs(3_600), ..Limits::default() }
}

async fn health_within(limits: Limits) -> SocketAddr {
    serve("127.0.0.1:0", health_of(Board::default()), "--untrusted-http-port", limits).await.unwrap()
}

/// A thousand connections that say nothing, and stay: an operator is answered, and no more than a few are kept.
#[tokio::test]
async fn h23_a_thousand_connections_do_not_keep_an_operator_out() {
    let address = health_within(patient()).await;
    let mut silent = Vec::new();
    for _ in 0..1_000 {
        silent.push(soon("a connection", TcpStream::connect(address)).await.unwrap());
    }
    for _ in 0..3 {
        assert!(soon("an operator's answer", ask(address, "/health")).await.contains("initialized"));
    }
    // All but the newest have been ended from the other side.
    let (old, _) = silent.split_at_mut(1_000 - patient().connections);
    for stream in old {
        soon("an old one is ended", stream.read_u8()).await.unwrap_err();
    }
}

#[tokio::test]
async fn h23_who_says_nothing_loses_the_connection() {
    let address = health_within(Limits { longest: Duration::from_millis(20), ..patient() }).await;
    let mut silent = TcpStream::connect(address).await.unwrap();
    soon("the silent one is ended", silent.read_u8()).await.unwrap_err();
    assert_eq!(Limits::default().longest, Duration::from_secs(5));
}

#[tokio::test]
async fn h23_a_request_without_end_is_cut() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut connections = ShortConnections::new(listener, patient());
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(&[b'x'; 40 * 1024]).await.unwrap();
    client.shutdown().await.unwrap();
    let (mut connection, _) = connections.accept().await;
    let mut taken = Vec::new();
    soon("it is cut", connection.read_to_end(&mut taken)).await.unwrap_err();
    assert_eq!(taken.len(), patient().request_len);
}

/// The flags' defaults: clients and peers may be let in from everywhere, and the operator's ports stay where they are.
#[tokio::test]
async fn h23_health_and_metrics_have_an_address_of_their_own() {
    use clap::Parser;
    let cli = crate::cli::Cli::try_parse_from(["offstage-worker", "--listen", "0.0.0.0", "run"]).unwrap();
    let address: Ipv4Addr = cli.options.untrusted_http_address.parse().unwrap();
    assert!(address.is_loopback());
    let arguments = ["offstage-worker", "--untrusted-http-address", "10.0.0.1", "run"];
    let cli = crate::cli::Cli::try_parse_from(arguments).unwrap();
    assert_eq!(cli.options.untrusted_http_address, "10.0.0.1");
}

#[tokio::test]
async fn metrics_are_of_the_moment() {
    let recorder = crate::measures::builder().unwrap().build_recorder();
    let handle = recorder.handle();
    let address = serve_metrics("127.0.0.1:0", Board::default(), handle).await.unwrap();
    let answer = soon("the answer", ask(address, "/metrics")).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}
