// SPDX-License-Identifier: Apache-2.0
//! A shard that speaks to its parentchain, through the whole enclave. Effects are row C26, what it reads is H25.

mod herald;
mod runtime;
mod storage;

use crate::kit::{BridgeCall, Host, World, start};
use codec::{Compact, Decode, Encode};
use offstage_enclave::outbox::rota::TURN_BLOCKS;
use offstage_light_client::testing::{METADATA, test_code, with_execute_for_shard};
use offstage_primitives::{H256, read::Question, receipt::Outcome, trusted::shard_genesis_hash};
use offstage_protocol::{OutboxKind, Parked, ParkedReason, RefusalCode};
use offstage_sdk::{
    frame::{Shard, effects::LIFETIME},
    parentchain::End,
    testing::{TestAccount, frame::tx_extension},
};
use runtime::{Runtime, RuntimeCall, UncheckedExtrinsic};
use sp_crypto_hashing::blake2_256;
use sp_runtime::{MultiAddress, generic::Era};
use std::sync::Arc;

type Worker = Host<Shard<Runtime>>;

/// A chain whose bridge does calls for shards.
fn world() -> World {
    World::with(&test_code(&with_execute_for_shard(METADATA), &[]), &[crate::kit::development_root()])
}

fn worker(world: &World) -> Worker {
    Worker::start(Arc::new(tempfile::tempdir().unwrap()), start(world)).unwrap()
}

fn serving(world: &mut World) -> Worker {
    let mut host = worker(world);
    host.serve(world);
    host.settle(world);
    host
}

/// The same worker after kill -9.
fn restarted(host: Worker, world: &mut World) -> Worker {
    let mut host = host.restart_with(start(world));
    host.serve(world);
    host
}

/// Alice asks for the call at `place` of the list: the operation's bytes.
fn asking(world: &World, nonce: u32, place: u32, arguments: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let arguments =
        arguments.iter().map(|(name, value)| (name.as_bytes().to_vec(), value.clone())).collect::<Vec<_>>();
    signed(world, nonce, herald::Call::ask { place, arguments })
}

/// Alice's call of the herald: the operation's bytes.
fn signed(world: &World, nonce: u32, call: herald::Call<Runtime>) -> Vec<u8> {
    let call = RuntimeCall::Herald(call);
    let extensions = tx_extension::<Runtime>(nonce, Era::Immortal);
    let genesis = shard_genesis_hash(&world.hash(0), &world.shard);
    let payload = (&call, &extensions, (1u32, 1u32), genesis, genesis, None::<[u8; 32]>).encode();
    let alice = TestAccount::alice();
    let signature = alice.sign(&payload);
    let extrinsic = UncheckedExtrinsic::new_signed(call, alice.id().into(), signature, extensions);
    [&[4], &extrinsic.encode()[..]].concat()
}

fn remark(world: &World, nonce: u32) -> Vec<u8> {
    asking(world, nonce, REMARK, &[("remark", b"hear".to_vec().encode())])
}

/// The hash of an operation is its first effect's name.
fn name(operation: &[u8]) -> H256 {
    H256(blake2_256(operation))
}

fn invoke(host: &mut Worker, world: &mut World, operations: &[Vec<u8>]) {
    let (key, shard) = (host.key(), world.shard);
    host.run(world, |content| {
        operations.iter().fold(content, |content, operation| content.invoke(shard, key.encrypt(operation)))
    });
}

/// What the logic heard.
fn heard(host: &Worker) -> Vec<(H256, u8)> {
    let question = Question::Item { pallet: "Herald".into(), name: "Heard".into(), arguments: vec![] };
    let answer = host.view().read(&question, None).unwrap().value;
    answer.map(|bytes| Decode::decode(&mut &bytes[..]).unwrap()).unwrap_or_default()
}

/// What is handed out of effects.
fn handed_out(host: &mut Worker, world: &World) -> Vec<BridgeCall> {
    let extrinsics = host.collect();
    let effects = extrinsics.iter().filter(|extrinsic| extrinsic.kind == OutboxKind::Effect);
    effects.flat_map(|extrinsic| world.bridge_calls(&extrinsic.extrinsic)).collect()
}

#[test]
fn c26_a_call_is_done_once_on_the_parentchain_and_its_end_comes_back() {
    let mut world = world();
    let mut host = serving(&mut world);
    let operations = [remark(&world, 0), remark(&world, 1)];
    invoke(&mut host, &mut world, &operations);
    let asked_at = world.chain.number();
    assert!(operations.iter().all(|operation| host.outcome(name(operation)) == Outcome::Executed));
    // In one batch, apart from the confirmation.
    let (pallet, call) = world.chain.runtime().call_index("System", "remark_with_event").unwrap();
    let expected = operations.each_ref().map(|operation| BridgeCall::Execute {
        call_hash: name(operation),
        until: asked_at + LIFETIME,
        call: (pallet, call, b"hear".to_vec()).encode(),
    });
    assert_eq!(handed_out(&mut host, &world), expected);
    let kinds: Vec<_> = host.collect().iter().map(|extrinsic| extrinsic.kind).collect();
    assert_eq!(kinds, [OutboxKind::Confirmation, OutboxKind::Effect]);
    assert_eq!(heard(&host), []);
    host.submit(&mut world);
    let done = operations.each_ref().map(|operation| (name(operation), End::Done as u8));
    assert_eq!(heard(&host), done);
    host.settle(&mut world);
    assert_eq!((world.executed.len(), heard(&host)), (2, done.to_vec()));
    // After a restart, and on who replays it all.
    let mut host = restarted(host, &mut world);
    assert_eq!(heard(&host), done);
    let mut other = worker(&world);
    other.join(&mut world, &mut host);
    host.follow(&world);
    assert_eq!((other.state_root(), heard(&other)), (host.state_root(), done.to_vec()));
    other.settle(&mut world);
    assert_eq!(world.executed.len(), 2);
}

#[test]
fn c26_a_call_that_fails_on_the_parentchain_is_told_and_not_tried_again() {
    let mut world = world();
    world.calls_fail = true;
    let mut host = serving(&mut world);
    let operation = remark(&world, 0);
    invoke(&mut host, &mut world, std::slice::from_ref(&operation));
    host.settle(&mut world);
    assert_eq!(heard(&host), [(name(&operation), End::Failed as u8)]);
    world.add_empty();
    host.follow(&world);
    assert_eq!(handed_out(&mut host, &world), []);
}

/// Two workers hold the same call; each sends it; the chain does it once, and both hear of it in the same block.
#[test]
fn c26_two_workers_send_a_call_and_it_is_done_once() {
    let mut world = world();
    let mut host = serving(&mut world);
    let mut other = worker(&world);
    other.join(&mut world, &mut host);
    // Both act, so that each has its turns.
    for _ in 0..11 {
        other.submit(&mut world);
        host.submit(&mut world);
    }
    other.follow(&world);
    let operation = remark(&world, 0);
    invoke(&mut host, &mut world, std::slice::from_ref(&operation));
    other.follow(&world);
    // One of them sends at a time; the one whose turn it is not keeps still.
    let first = handed_out(&mut host, &world).len();
    assert_eq!(first + handed_out(&mut other, &world).len(), 1);
    let sent = if first == 1 { host.collect() } else { other.collect() };
    let signer = if first == 1 { host.signer() } else { other.signer() };
    for _ in 0..TURN_BLOCKS {
        world.add_empty();
    }
    host.follow(&world);
    other.follow(&world);
    // Now it is the other's turn, and the first one's arrives, late, in the same block.
    let (late, late_signer) =
        if first == 1 { (other.collect(), other.signer()) } else { (host.collect(), host.signer()) };
    let content = world.block();
    let content = world.include(content, &signer, &sent);
    let content = world.include(content, &late_signer, &late);
    world.add(content);
    for worker in [&mut host, &mut other] {
        worker.follow(&world);
        assert_eq!(heard(worker), [(name(&operation), End::Done as u8)]);
    }
    assert_eq!((world.executed.len(), host.state_root()), (1, other.state_root()));
}

/// An argument that does not fit the proven metadata, a call that the chain does not have: the operation is refused,
/// and nothing waits.
#[test]
fn c26_a_call_that_does_not_fit_the_proven_metadata_is_refused_inside() {
    let mut world = world();
    let mut host = serving(&mut world);
    let bob: MultiAddress<_, ()> = MultiAddress::Id(TestAccount::bob().id());
    let (dest, value) = (("dest", bob.encode()), ("value", Compact(5u128).encode()));
    let wrong: [(u32, Arguments); 8] = [
        (UNKNOWN, vec![("remark", vec![0])]),
        (REMARK, vec![]),
        (REMARK, vec![("remarks", vec![0])]),
        (REMARK, vec![("remark", vec![4])]),
        (REMARK, vec![("remark", vec![0, 0])]),
        (TRANSFER, vec![value.clone(), dest.clone()]),
        (TRANSFER, vec![dest.clone(), ("value", 5u128.encode())]),
        (TRANSFER, vec![("dest", vec![9]), value.clone()]),
    ];
    let mut operations: Vec<_> = (0..)
        .zip(&wrong)
        .map(|(nonce, (place, arguments))| asking(&world, nonce, *place, arguments))
        .collect();
    operations.push(asking(&world, 8, TRANSFER, &[dest, value]));
    invoke(&mut host, &mut world, &operations);
    let outcomes: Vec<_> = operations.iter().map(|operation| host.outcome(name(operation))).collect();
    let (good, refused) = outcomes.split_last().unwrap();
    assert!(refused.iter().all(|outcome| *outcome == Outcome::Refused), "{outcomes:?}");
    assert_eq!(*good, Outcome::Executed);
    let waiting = handed_out(&mut host, &world);
    assert!(matches!(&waiting[..], [BridgeCall::Execute { .. }]), "{waiting:?}");
    host.settle(&mut world);
}

/// A chain of Integritee's has nothing that does a call once: it is refused inside, and payments go on.
#[test]
fn c26_on_a_chain_without_the_guard_a_call_is_refused_inside() {
    let mut world = World::new();
    let mut host = serving(&mut world);
    let operation = remark(&world, 0);
    invoke(&mut host, &mut world, std::slice::from_ref(&operation));
    assert_eq!(host.outcome(name(&operation)), Outcome::Refused);
    assert_eq!(host.settle(&mut world).outbox_len, 0);
}

/// The chain does not honour it, or the host withholds it: up to its last block it is handed out, then never again. The
/// logic is told in the block behind it.
#[test]
fn c26_a_call_ends_with_its_last_block() {
    let mut world = world();
    let mut host = serving(&mut world);
    let operation = remark(&world, 0);
    invoke(&mut host, &mut world, std::slice::from_ref(&operation));
    let until = world.chain.number() + LIFETIME;
    while world.chain.number() + 1 < until {
        world.add_empty();
    }
    host.follow(&world);
    assert_eq!(handed_out(&mut host, &world).len(), 1);
    world.add_empty();
    host.follow(&world);
    assert_eq!((handed_out(&mut host, &world), heard(&host)), (vec![], vec![]));
    world.add_empty();
    host.follow(&world);
    assert_eq!(heard(&host), [(name(&operation), End::Expired as u8)]);
    assert_eq!(host.settle(&mut world).outbox_len, 0);
    assert!(world.executed.is_empty());
}

/// After an upgrade the bytes of a call may be those of another one. It is encoded anew, or held.
#[test]
fn c26_a_call_is_encoded_by_the_runtime_that_takes_it() {
    let mut world = world();
    let mut host = serving(&mut world);
    let operation = remark(&world, 0);
    invoke(&mut host, &mut world, std::slice::from_ref(&operation));
    assert_eq!(handed_out(&mut host, &world).len(), 1);
    // ---- The same names in another order.
    let moved = test_code(&renamed(b"remark_with_event", b"remark_with_evens"), &[]);
    let content = world.block().storage(offstage_light_client::storage_keys::CODE.to_vec(), Some(moved));
    world.add(content);
    host.follow(&world);
    host.provide_code(&world);
    assert_eq!(handed_out(&mut host, &world), []);
    let status = host.status();
    let expected = Parked { kind: OutboxKind::Effect, reason: ParkedReason::Unfit, count: 1 };
    assert!(status.parked.contains(&expected), "{:?}", status.parked);
    // What else there is goes on.
    host.submit(&mut world);
    assert!(world.confirmed.iter().any(|(_, number, _)| *number + 3 > world.chain.number()));
}

/// H4: that a call was executed is proven, or it is not so.
#[test]
fn c26_a_host_cannot_say_that_a_call_was_executed() {
    let mut world = world();
    let mut host = serving(&mut world);
    let operation = remark(&world, 0);
    invoke(&mut host, &mut world, std::slice::from_ref(&operation));
    let mut fork = world.clone();
    world.add_empty();
    let content = fork.block();
    let content =
        content.execute_for_shard(&host.signer(), fork.shard, name(&operation), (u32::MAX, vec![0, 0]), true);
    fork.add(content);
    host.finalize(&world);
    let honest = host.next_bundle(&world);
    let forged = host.next_bundle(&fork);
    let mixed = offstage_protocol::BlockBundle { header: honest.header.clone(), ..forged.clone() };
    let events = offstage_protocol::BlockBundle { state_proof: forged.state_proof.clone(), ..honest };
    for bundle in [forged, mixed, events] {
        host.refuses_block(bundle, RefusalCode::Block);
    }
    host.import_next(&world);
    assert_eq!(heard(&host), []);
}

/// The metadata in which a name is another of the same length.
fn renamed(name: &[u8], to: &[u8]) -> Vec<u8> {
    let mut metadata = with_execute_for_shard(METADATA);
    let mut from = 0;
    while let Some(place) = metadata[from..].windows(name.len()).position(|window| window == name) {
        metadata[from + place..from + place + name.len()].copy_from_slice(to);
        from += place;
    }
    metadata
}

const REMARK: u32 = 0;
const UNKNOWN: u32 = 1;
const TRANSFER: u32 = 2;

/// Names and values.
type Arguments = Vec<(&'static str, Vec<u8>)>;
