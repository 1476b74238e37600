// SPDX-License-Identifier: Apache-2.0
//! The service's loop between a played node and a played enclave.

use super::*;
use crate::{
    cli::{Cli, Command},
    testing::{PlayedEnclave, PlayedNode, soon, started, until},
};
use clap::Parser;
use serde_json::Value;
use std::sync::mpsc;

async fn ask(address: std::net::SocketAddr) -> Value {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

/// Health while the enclave works on one block and the chain goes on: the sequence that was once told wrongly.
#[tokio::test]
async fn p14_health_is_true_while_the_enclave_works() {
    let node = PlayedNode::new(111);
    for number in 1..=111 {
        node.justify(number);
    }
    let played = PlayedEnclave::at_genesis(&node, Phase::Serving);
    let enclave = played.connection();
    let board = Board::default();
    board.note_enclave(enclave.vitals());
    let address = http::serve_health("127.0.0.1:0", board.clone()).await.unwrap();
    let cli = Cli::try_parse_from(["offstage-worker", "run"]).unwrap();
    let Command::Run(run) = &cli.command else { panic!("another command") };
    node.finalize(44);
    let mut service = Service { options: &cli.options, run, board: board.clone(), node: node.connection() };
    let started = started(played.status());
    let (go_on, busy) = mpsc::channel();
    let watch = async {
        until("block 44 is executed", || board.report().status.filter(|status| status.position.number == 44))
            .await;
        let health = ask(address).await;
        assert_eq!(
            (&health["initialized"], &health["blocksBehind"]),
            (&true.into(), &0.into()),
            "{health:#}"
        );

        // From here on each block takes until the test says so; the enclave answers nothing meanwhile.
        played.model().busy = Some(busy);
        node.finalize(60);
        until("the enclave works", || enclave.vitals().busy_for().filter(|_| played.model().busy.is_none()))
            .await;
        for head in [82, 111] {
            node.finalize(head);
            until("the head is known", || board.report().head.filter(|known| known.number == head)).await;
            let health = ask(address).await;
            assert_eq!(health["finalizedHead"], head, "{health:#}");
            assert_eq!(health["position"], 44, "{health:#}");
            assert_eq!(health["blocksBehind"], head - 44, "{health:#}");
            assert_eq!(health["initialized"], false, "{health:#}");
            assert_eq!(health["enclaveRunning"], true, "{health:#}");
            assert!(health["enclaveBusySeconds"].is_u64(), "{health:#}");
        }

        drop(go_on);
        until("it has caught up", || board.report().is_initialized().then_some(())).await;
        until("block 111 is executed", || {
            board.report().status.filter(|status| status.position.number == 111)
        })
        .await;
        let health = ask(address).await;
        assert_eq!(health["blocksBehind"], 0, "{health:#}");
    };
    tokio::select! {
        error = service.follow(&enclave, &started) => panic!("{error:#}"),
        () = soon("the sequence is over", watch) => {},
    }
    assert_eq!(played.model().taken, (1..=111).collect::<Vec<_>>());
}

#[test]
fn p06_refused_justifications_never_end_a_worker_and_other_refusals_do() {
    let mut refusals = Refusals::default();
    for _ in 0..10_000 {
        for code in [RefusalCode::Justification, RefusalCode::Finality] {
            refusals.note(code);
            assert!(!refusals.no_retry_mends(code) && !refusals.are_over());
        }
    }
    for _ in 0..MAX_REFUSALS {
        refusals.note(RefusalCode::Block);
        assert!(!refusals.no_retry_mends(RefusalCode::Block));
    }
    refusals.note(RefusalCode::Block);
    assert!(refusals.no_retry_mends(RefusalCode::Block));
    assert!(Refusals::default().no_retry_mends(RefusalCode::Store));
}
