// SPDX-License-Identifier: Apache-2.0
//! The service's loop between a played node and a played enclave.

use super::*;
use crate::{
    cli::{Cli, Command},
    testing::{PlayedEnclave, PlayedNode, soon, started, until},
};
use clap::Parser;
use offstage_protocol::{OutboxExtrinsic, OutboxKind};
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
    let mut service = Service {
        options: &cli.options,
        run,
        board: board.clone(),
        node: node.connection(),
        failures: RefCell::default(),
        leaving: None,
    };
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

/// What was seen: the node bans an extrinsic, and the enclave knows nothing of it for 128 blocks.
#[tokio::test]
async fn the_enclave_hears_that_the_node_has_banned_its_extrinsic_and_hands_out_another() {
    let node = PlayedNode::new(9);
    let played = PlayedEnclave::at_genesis(&node, Phase::AwaitingRegistration);
    let extrinsic = |byte| OutboxExtrinsic { id: 1, kind: OutboxKind::Registration, extrinsic: vec![byte] };
    played.model().extrinsics = [extrinsic(1), extrinsic(2)].into();
    node.chain().bans.push(vec![1]);
    let cli = Cli::try_parse_from(["offstage-worker", "run"]).unwrap();
    let Command::Run(run) = &cli.command else { panic!("another command") };
    let mut service = Service {
        options: &cli.options,
        run,
        board: Board::default(),
        node: node.connection(),
        failures: RefCell::default(),
        leaving: None,
    };
    let (enclave, started) = (played.connection(), started(played.status()));
    let submitted = until("the other one is submitted", || {
        Some(node.chain().submitted.clone()).filter(|submitted| !submitted.is_empty())
    });
    tokio::select! {
        error = service.follow(&enclave, &started) => panic!("{error:#}"),
        submitted = submitted => assert_eq!(submitted, [vec![2]]),
    }
}

/// What was seen: a node with `--state-pruning 32`, fine until the worker's restart, and never again.
#[tokio::test]
async fn a_restart_asks_for_no_state_of_the_genesis_and_a_first_start_says_what_the_node_lacks() {
    let node = PlayedNode::new(9);
    node.chain().has_lost_states = true;
    let played = PlayedEnclave::at_genesis(&node, Phase::Serving);
    let cli = Cli::try_parse_from(["offstage-worker", "run"]).unwrap();
    let Command::Run(run) = &cli.command else { panic!("another command") };
    let board = Board::default();
    let mut service = Service {
        options: &cli.options,
        run,
        board: board.clone(),
        node: node.connection(),
        failures: RefCell::default(),
        leaving: None,
    };
    let enclave = played.connection();
    played.model().bound = Some(played.status().position);
    soon("it has started", service.start(&enclave)).await.unwrap();
    let start = played.model().starts.pop().unwrap();
    assert_eq!((start.genesis_proof.unverified().len(), start.runtime_code.unverified().len()), (0, 0));
    // A new worker needs the genesis, and the trouble names the flag.
    played.model().bound = None;
    let told = until("it is told", || {
        board.report().trouble().filter(|trouble| trouble.text.contains("--state-pruning archive"))
    });
    tokio::select! {
        _ = service.start(&enclave) => panic!("it cannot start"),
        trouble = told => assert_eq!(trouble.code, TroubleCode::Node),
    }
}

/// What was seen: a start was superseded, and the log said nothing of it.
#[test]
fn each_phase_and_each_notice_is_logged_once() {
    let node = PlayedNode::new(1);
    let genesis = PlayedEnclave::at_genesis(&node, Phase::CatchingUp).status();
    let status =
        |phase, notice: Option<&str>| Status { phase, notice: notice.map(Into::into), ..genesis.clone() };
    let sequence = [
        status(Phase::CatchingUp, None),
        status(Phase::AwaitingRegistration, Some("no funds")),
        status(Phase::AwaitingRegistration, Some("no funds")),
        status(Phase::Serving, None),
        status(Phase::Serving, None),
        status(Phase::Superseded, Some("a later start")),
        status(Phase::Superseded, Some("a later start")),
    ];
    let mut told = Vec::new();
    for pair in sequence.windows(2) {
        let (phase, notice) = news(&pair[0], &pair[1]);
        told.extend(phase.into_iter().chain(notice).map(str::to_owned));
    }
    assert_eq!(told.len(), 5, "{told:#?}");
    assert!(told[3].contains("another start with the same keys"), "{told:#?}");
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
