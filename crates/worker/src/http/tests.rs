// SPDX-License-Identifier: Apache-2.0
//! The ports for the operator, and who else connects to them.

use super::{
    connections::{MAX_CONNECTIONS, MAX_REQUEST_LEN},
    *,
};
use crate::testing::{soon, until};
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

/// A thousand connections that say nothing, and stay: an operator is answered, and no more than a few are kept.
#[tokio::test]
async fn h23_a_thousand_connections_do_not_keep_an_operator_out() {
    let address = serve_health("127.0.0.1:0", Board::default()).await.unwrap();
    let mut silent = Vec::new();
    for _ in 0..1_000 {
        silent.push(soon("a connection", TcpStream::connect(address)).await.unwrap());
    }
    for _ in 0..3 {
        assert!(soon("an operator's answer", ask(address, "/health")).await.contains("initialized"));
    }
    // All but the newest have been ended from the other side.
    let (old, _) = silent.split_at_mut(1_000 - MAX_CONNECTIONS);
    for stream in old {
        soon("an old one is ended", stream.read_u8()).await.unwrap_err();
    }
}

#[tokio::test]
async fn h23_who_says_nothing_loses_the_connection() {
    let address = serve_health("127.0.0.1:0", Board::default()).await.unwrap();
    let mut silent = TcpStream::connect(address).await.unwrap();
    soon("the silent one is ended", silent.read_u8()).await.unwrap_err();
}

#[tokio::test]
async fn h23_a_request_without_end_is_cut() {
    let address = serve_health("127.0.0.1:0", Board::default()).await.unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /health HTTP/1.1\r\n").await.unwrap();
    let line = format!("X: {}\r\n", "x".repeat(1_000));
    let mut sent = 0;
    let cut = async {
        while stream.write_all(line.as_bytes()).await.is_ok() {
            sent += line.len();
            assert!(sent < 64 * 1024 * 1024, "it reads for ever");
        }
    };
    soon("the request is cut", cut).await;
    assert!(sent >= MAX_REQUEST_LEN / 2, "only {sent} bytes were taken");
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
    until("the server goes on", || Some(())).await;
}
