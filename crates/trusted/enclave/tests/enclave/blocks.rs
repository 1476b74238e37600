// SPDX-License-Identifier: Apache-2.0
//! Bodies, events, proofs and the order of blocks: rows H3, H4 and H5.

use crate::kit::{Host, UNIT, World, bundle, funded, headers, import, transfer};
use offstage_primitives::{H256, receipt::undecipherable_operation_hash};
use offstage_protocol::{BlockBundle, HostRequest, RefusalCode, Untrusted};
use offstage_sdk::testing::TestAccount;

/// A serving worker and two more final blocks that are not imported yet; the first has two operations.
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

#[test]
fn h03_another_body_is_refused() {
    let (world, mut host) = with_next_block();
    let honest = host.next_bundle(&world);
    let changes: [fn(&mut Vec<Vec<u8>>); 8] = [
        |body| drop(body.pop()),
        |body| body.clear(),
        |body| body.push(vec![4, 4]),
        |body| body.push(body[1].clone()),
        |body| body.swap(1, 2),
        |body| body.reverse(),
        |body| body[1] = body[2].clone(),
        |body| body[2][20] ^= 1,
    ];
    for change in changes {
        let mut body = honest.body.as_unverified().clone();
        change(&mut body);
        let message = host
            .refuses_block(BlockBundle { body: Untrusted::new(body), ..honest.clone() }, RefusalCode::Block);
        assert!(message.contains("extrinsics"), "{message}");
    }
    // The body of the next block under this header, and the other way round.
    let next = bundle(&world, host.status().position.number + 2, &host.status().watched_keys);
    host.refuses_block(BlockBundle { body: next.body.clone(), ..honest.clone() }, RefusalCode::Block);
    host.refuses_block(BlockBundle { header: next.header, ..honest.clone() }, RefusalCode::Block);
    host.done(import(honest));
    assert_eq!(host.status().operations, 2);
}

#[test]
fn h04_wrong_proofs_are_refused() {
    let (world, mut host) = with_next_block();
    let honest = host.next_bundle(&world);
    let number = host.status().position.number + 1;
    let keys = host.status().watched_keys;
    let genuine = honest.state_proof.as_unverified().clone();
    let mut bad = vec![
        // Of another block, of fewer keys, none.
        world.chain.proof(number + 1, &keys),
        world.chain.proof(number - 1, &keys),
        world.chain.proof(number, &keys[..3]),
        Vec::new(),
        // More than was asked for.
        [&genuine[..], &[vec![1, 2, 3]]].concat(),
    ];
    for index in 0..genuine.len() {
        let mut flipped = genuine.clone();
        let middle = flipped[index].len() / 2;
        flipped[index][middle] ^= 1;
        bad.push(flipped);
        let mut missing = genuine.clone();
        missing.remove(index);
        bad.push(missing);
    }
    for state_proof in bad {
        let state_proof = Untrusted::new(state_proof);
        host.refuses_block(BlockBundle { state_proof, ..honest.clone() }, RefusalCode::Block);
    }
    host.done(import(honest));
}

/// A failed extrinsic has no effect, and a host that brings events of its own has no proof of them.
#[test]
fn h04_failed_calls_are_not_executed_whatever_the_host_claims() {
    let (mut world, mut host, alice) = funded();
    let (bob, key, shard) = (TestAccount::bob(), host.key(), world.shard);
    let operation = transfer(&alice, &bob, UNIT, 0);
    let fill = |world: &World, fails: bool| {
        let content = world.block();
        let call = content.invoke_call(shard, key.operation(&operation));
        let invoke = content.signed(&call, &offstage_light_client::testing::USER);
        let pay = (shard, key.account(&bob), UNIT);
        let shield = content.call("EnclaveBridge", "shield_funds", pay.clone());
        let shield = content.signed(&shield, &offstage_light_client::testing::USER);
        if fails {
            content.failed_extrinsic(invoke, &[]).failed_extrinsic(shield, &[])
        } else {
            let (invoked, shielded) =
                (content.invoked(shard), content.event("EnclaveBridge", "ShieldFunds", pay));
            content.extrinsic(invoke, &[invoked]).extrinsic(shield, &[shielded])
        }
    };
    // The envelopes are random, so both blocks have to be made of the same extrinsics.
    let failed = fill(&world, true);
    let mut lie = world.clone();
    let number = world.add(failed);
    let succeeded = fill(&lie, false);
    lie.add(succeeded);
    host.finalize(&world);
    let keys = host.status().watched_keys;
    let honest = bundle(&world, number, &keys);
    let lying = bundle(&lie, number, &keys);
    host.refuses_block(BlockBundle { state_proof: lying.state_proof, ..honest.clone() }, RefusalCode::Block);
    host.done(import(honest));
    host.follow(&world);
    assert_eq!((host.balance(&bob), host.nonce(&alice), host.receipt(&operation.hash())), (0, 0, None));
    // It is not used up: sent again, it is executed.
    let content = fill(&world, false);
    world.add(content);
    host.follow(&world);
    assert_eq!((host.balance(&bob), host.nonce(&alice)), (2 * UNIT, 1));
}

#[test]
fn h05_blocks_are_executed_in_order_and_each_once() {
    let (mut world, mut host) = with_next_block();
    let status = host.status();
    let (number, keys) = (status.position.number + 1, status.watched_keys);
    let blocks: Vec<_> = (0..=number + 1).map(|number| bundle(&world, number, &keys)).collect();
    let at = |number: u32| blocks[number as usize].clone();
    // Skipped, long done, the genesis.
    for other in [number + 1, number - 1, 1, 0] {
        host.refuses_block(at(other), RefusalCode::Block);
    }
    host.refuses_block(BlockBundle { header: Untrusted::new(vec![0; 7]), ..at(number) }, RefusalCode::Block);
    host.done(import(at(number)));
    assert_eq!(host.status().operations, 2);
    // Repeated: not executed again.
    host.refuses_block(at(number), RefusalCode::Block);
    assert_eq!(host.status().operations, 2);
    host.done(import(at(number + 1)));
    for other in [number, number + 1] {
        host.refuses_block(at(other), RefusalCode::Block);
    }
    // Headers again, in any order, change nothing.
    let tip = host.status().tip;
    for numbers in [vec![number, number + 1], vec![number + 1, number], vec![number + 1]] {
        host.ask(headers(&world, numbers));
        assert_eq!(host.status().tip, tip);
    }
    host.settle(&mut world);
}

/// The host stops in the middle of a batch, for good: the next start goes on behind the last block.
#[test]
fn h05_a_batch_that_stops_halfway_is_continued() {
    let (mut world, mut host, _) = funded();
    let shard = world.shard;
    let first = world.chain.number() + 1;
    for byte in 0..6u8 {
        let content = world.block().invoke(shard, vec![byte; 10]);
        world.add(content);
    }
    host.finalize(&world);
    host.import_next(&world);
    host.import_next(&world);
    let old = host.next_bundle(&world);
    let mut host = host.restart(&world);
    assert_eq!(host.status().position.number, first + 1);
    let before = bundle(&world, first + 1, &host.status().watched_keys);
    // Before the new start knows what is final, nothing is taken, neither old nor next.
    host.refuses_block(old, RefusalCode::Finality);
    host.refuses_block(before.clone(), RefusalCode::Block);
    host.finalize(&world);
    host.refuses_block(before, RefusalCode::Block);
    host.serve(&mut world);
    for byte in 0..6u8 {
        let hash: H256 = undecipherable_operation_hash(&[byte; 10]);
        assert_eq!(host.receipt(&hash).unwrap().block_number, first + u32::from(byte));
    }
    assert_eq!(host.status().operations, 4, "two were executed before the restart");
}

/// A skipped header cannot be made up for by a justification beyond it.
#[test]
fn h05_headers_are_linked_without_gaps() {
    let mut world = World::new();
    let mut host = Host::serving(&mut world);
    world.chain.add_empty(4);
    let (tip, last) = (host.status().tip.number, world.chain.number());
    for numbers in [vec![tip + 2], vec![tip + 1, tip + 3], vec![last, tip + 1]] {
        assert_eq!(host.refused(headers(&world, numbers)).code, RefusalCode::Finality);
    }
    host.refuses_justification(world.chain.justify(last));
    assert_eq!(host.status().finalized.number, tip);
    let many = HostRequest::ImportHeaders(vec![Untrusted::new(Vec::new()); 600]);
    assert_eq!(host.refused(many).code, RefusalCode::Finality);
    host.follow(&world);
}
