// SPDX-License-Identifier: Apache-2.0
//! What a host may try with the conversation. Each refusal leaves the enclave where it was, and the next honest request
//! is granted.

use crate::kit::{Host, World, bundle, headers, open, start};
use offstage_enclave::host::converse;
use offstage_primitives::H256;
use offstage_protocol::{
    BlockBundle, EnclaveResponse, HostRequest, RefusalCode, Untrusted,
    framing::{read_frame, write_frame},
};
use std::io::Cursor;

fn import(bundle: BlockBundle) -> HostRequest {
    HostRequest::ImportBlock(Box::new(bundle))
}

/// A serving worker and one more final block that is not imported yet.
fn with_next_block() -> (World, Host) {
    let mut world = World::new();
    let mut host = Host::serving(&mut world);
    let shard = world.shard;
    let content = world.block().invoke(shard, vec![1; 10]).invoke(shard, vec![2; 10]);
    world.add(content);
    world.add_empty();
    host.finalize(&world);
    (world, host)
}

/// H1 and P1: without finality nothing happens.
#[test]
fn h1_a_block_without_a_valid_justification_is_refused() {
    let mut world = World::new();
    let mut host = Host::serving(&mut world);
    let number = world.add_empty();
    let before = host.status();
    let keys = before.watched_keys.clone();
    assert_eq!(host.refused(import(bundle(&world, number, &keys))).code, RefusalCode::Finality);
    host.done(headers(&world, [number]));
    assert_eq!(host.refused(import(bundle(&world, number, &keys))).code, RefusalCode::Finality);
    let mut fork = world.clone();
    fork.chain = fork.chain.fork_at(number - 1);
    fork.add_empty();
    let (set_id, validators) = world.chain.set_for(number);
    for bad in [
        world.chain.justify_by(number, &validators[..2], set_id),
        world.chain.justify_by(number, validators, set_id + 1),
        fork.chain.justify(number),
        vec![1, 2, 3],
    ] {
        assert_eq!(
            host.refused(HostRequest::ImportJustification(Untrusted::new(bad))).code,
            RefusalCode::Finality
        );
    }
    assert_eq!(host.status().position, before.position);
    host.follow(&world);
    assert_eq!(host.status().position.number, number);
}

/// H3, H4, H5.
#[test]
fn h3_h4_h5_other_bodies_proofs_and_orders_are_refused() {
    let (world, mut host) = with_next_block();
    let honest = host.next_bundle(&world);
    let position = host.status().position;
    let number = position.number + 1;
    let keys = host.status().watched_keys;
    let changed_body = |change: fn(&mut Vec<Vec<u8>>)| {
        let mut body = honest.body.as_unverified().clone();
        change(&mut body);
        BlockBundle { body: Untrusted::new(body), ..honest.clone() }
    };
    for bad in [
        changed_body(|body| drop(body.pop())),
        changed_body(|body| body.push(vec![4, 4])),
        changed_body(|body| body.swap(1, 2)),
        changed_body(|body| body[1] = body[2].clone()),
        // The proof of another block, of fewer keys, none.
        BlockBundle { state_proof: Untrusted::new(world.chain.proof(number + 1, &keys)), ..honest.clone() },
        BlockBundle { state_proof: Untrusted::new(world.chain.proof(number, &keys[..3])), ..honest.clone() },
        BlockBundle { state_proof: Untrusted::new(Vec::new()), ..honest.clone() },
        // Out of order, and not a header.
        bundle(&world, number + 1, &keys),
        bundle(&world, number - 1, &keys),
        BlockBundle { header: Untrusted::new(vec![0; 7]), ..honest.clone() },
    ] {
        assert_eq!(host.refused(import(bad)).code, RefusalCode::Block);
        assert_eq!(host.status().position, position);
    }
    host.done(import(honest.clone()));
    assert_eq!(host.status().operations, 2);
    // Again: never executed twice.
    assert_eq!(host.refused(import(honest)).code, RefusalCode::Block);
    assert_eq!(host.status().operations, 2);
    host.import_next(&world);
}

#[test]
fn h12_the_conversation_survives_requests_that_do_not_fit() {
    let mut world = World::new();
    world.add_empty();
    let dir = tempfile::tempdir().unwrap();
    let mut enclave = open(dir.path()).unwrap();
    let refused = |response| match response {
        EnclaveResponse::Refused(refusal) => refusal.code,
        other => panic!("{other:?}"),
    };
    for early in [HostRequest::Collect, HostRequest::Status, headers(&world, [1]), HostRequest::Shutdown] {
        assert_eq!(refused(enclave.handle(early)), RefusalCode::Conversation);
    }
    let EnclaveResponse::Identified(identity) = enclave.handle(HostRequest::Identify) else { panic!() };
    assert_eq!((identity.mrenclave, identity.shielding_key), (crate::kit::MRENCLAVE, None));
    // A start that fails may be corrected.
    let mut bad = start(&world);
    bad.genesis_header = Untrusted::new(vec![1; 5]);
    assert_eq!(refused(enclave.handle(HostRequest::Start(Box::new(bad)))), RefusalCode::Block);
    let mut bad = start(&world);
    bad.trusted_listen = "256.0.0.1:1".into();
    assert_eq!(refused(enclave.handle(HostRequest::Start(Box::new(bad)))), RefusalCode::Platform);
    assert!(matches!(
        enclave.handle(HostRequest::Start(Box::new(start(&world)))),
        EnclaveResponse::Started(_)
    ));
    let second = HostRequest::Start(Box::new(start(&world)));
    assert_eq!(refused(enclave.handle(second)), RefusalCode::Conversation);
    let url = HostRequest::RequestShieldingKey(Untrusted::new("wss://127.0.0.1:1".into()));
    assert_eq!(refused(enclave.handle(url)), RefusalCode::Conversation);
    let many = HostRequest::ImportHeaders(vec![Untrusted::new(Vec::new()); 600]);
    assert_eq!(refused(enclave.handle(many)), RefusalCode::Finality);
    // Of no use, no harm.
    enclave.handle(HostRequest::ImportRuntimeCode(Untrusted::new(vec![1])));
    enclave.handle(HostRequest::AtFinalizedHead(Untrusted::new(H256::repeat_byte(1))));
    assert!(matches!(enclave.handle(HostRequest::Status), EnclaveResponse::Done(_)));
}

#[test]
fn h12_malformed_frames_are_answered_and_broken_ones_end_the_conversation() {
    let dir = tempfile::tempdir().unwrap();
    let mut enclave = open(dir.path()).unwrap();
    let mut input = Vec::new();
    input.extend([3, 0, 0, 0, 0xff, 0xff, 0xff]);
    write_frame(&mut input, &HostRequest::Identify).unwrap();
    write_frame(&mut input, &HostRequest::Shutdown).unwrap();
    let mut output = Vec::new();
    converse(&mut enclave, Cursor::new(input), &mut output).unwrap();
    let mut answers = Cursor::new(output);
    let mut next = || read_frame::<EnclaveResponse>(&mut answers).unwrap();
    assert!(matches!(next(), Some(EnclaveResponse::Refused(_))));
    assert!(matches!(next(), Some(EnclaveResponse::Identified(_))));
    assert!(matches!(next(), Some(EnclaveResponse::Refused(_))));
    assert!(next().is_none());
    for broken in [vec![1, 0], vec![255; 4], vec![9, 0, 0, 0, 1]] {
        assert!(converse(&mut enclave, Cursor::new(broken), &mut Vec::new()).is_err());
    }
    converse(&mut enclave, Cursor::new(Vec::new()), &mut Vec::new()).unwrap();
}

/// H2: an enclave pins the chain it was started for.
#[test]
fn h2_another_genesis_is_refused_on_a_store_of_the_first() {
    let mut world = World::new();
    let host = Host::serving(&mut world);
    let dir = host.dir.clone();
    drop(host);
    let mut other = World::new();
    other.chain = offstage_light_client::testing::TestChain::new(5);
    let error = Host::on(&other, dir.clone()).err().unwrap();
    assert!(error.contains("belongs to the chain"), "{error}");
    let mut enclave = open(dir.path()).unwrap();
    let mut request = start(&world);
    request.shard = Some([9; 32].into());
    let EnclaveResponse::Refused(refusal) = enclave.handle(HostRequest::Start(Box::new(request))) else {
        panic!()
    };
    assert!(refusal.message.contains("belongs to shard"), "{}", refusal.message);
    drop(enclave);
    Host::on(&world, dir).unwrap();
}

/// After a restart the code of the runtime may come late, and only the right one is taken.
#[test]
fn the_runtime_code_may_come_after_a_restart() {
    let mut world = World::new();
    let host = Host::serving(&mut world);
    let dir = host.dir.clone();
    drop(host);
    let mut enclave = open(dir.path()).unwrap();
    let mut request = start(&world);
    request.runtime_code = Untrusted::new(Vec::new());
    let EnclaveResponse::Started(started) = enclave.handle(HostRequest::Start(Box::new(request))) else {
        panic!()
    };
    assert!(started.status.wanted_code.is_some());
    let EnclaveResponse::Refused(refusal) = enclave.handle(headers(&world, [1])) else { panic!() };
    assert_eq!(refusal.code, RefusalCode::RuntimeCode);
    let EnclaveResponse::Refused(refusal) =
        enclave.handle(HostRequest::ImportRuntimeCode(Untrusted::new(vec![1, 2])))
    else {
        panic!()
    };
    assert_eq!(refusal.code, RefusalCode::RuntimeCode);
    let code = world.chain.code(world.chain.number());
    let EnclaveResponse::Done(status) = enclave.handle(HostRequest::ImportRuntimeCode(Untrusted::new(code)))
    else {
        panic!()
    };
    assert_eq!(status.wanted_code, None);
}
