// SPDX-License-Identifier: Apache-2.0
//! What the enclave submits: rows H7, H8 and P4. What it costs, and who submits, is in `payouts`.

use crate::{
    kit::{
        Host, SIGNED_HEAD, UNIT, World, development_root, funded, funded_on, nonce_of, start, unshield,
        without_batches,
    },
    runtimes::{digest_of, version_15},
};
use codec::{Compact, Decode, Encode};
use offstage_light_client::testing::{LIVE_METADATA, METADATA, test_code};
use offstage_primitives::{AccountId32, H256, attestation::RegistrationProof, teerex::SgxAttestationMethod};
use offstage_protocol::{HostRequest, OutboxExtrinsic, OutboxKind, Phase, RefusalCode, Start, Untrusted};
use sp_core::{Pair, ed25519};
use sp_runtime::generic::Era;
use std::{collections::BTreeSet, sync::Arc};

/// Like [`funded`], on a chain without batches: each call is an extrinsic of its own.
fn funded_without_batches() -> (World, Host, offstage_sdk::testing::TestAccount) {
    funded_on(World::with(&test_code(&without_batches(), &[]), &[development_root()]))
}

/// Whether the extrinsic is this call, signed for this chain, runtime, anchor and digest, and nothing else.
fn is_signed_for(
    world: &World,
    host: &mut Host,
    extrinsic: &OutboxExtrinsic,
    call: &[u8],
    nonce: u32,
    digest: Option<[u8; 32]>,
) -> bool {
    let body = Vec::<u8>::decode(&mut &extrinsic.extrinsic[..]).unwrap();
    let anchor = host.status().position;
    let era = Era::mortal(offstage_enclave::extrinsic::ERA_PERIOD, anchor.number.into());
    let extra = (era, Compact(nonce), Compact(0u128), u8::from(digest.is_some())).encode();
    let runtime = world.chain.runtime();
    let implicit =
        (runtime.spec_version(), runtime.transaction_version(), world.hash(0), anchor.hash, digest).encode();
    let payload = [call, &extra, &implicit].concat();
    let payload =
        if payload.len() > 256 { sp_crypto_hashing::blake2_256(&payload).to_vec() } else { payload };
    let signature = ed25519::Signature::try_from(&body[SIGNED_HEAD - 64..SIGNED_HEAD]).unwrap();
    let public = ed25519::Public::from_raw(host.signer().into());
    body[SIGNED_HEAD..] == [&extra[..], call].concat() && ed25519::Pair::verify(&signature, payload, &public)
}

/// The call that registers, with the proof that the extrinsic holds.
fn register_call(world: &World, host: &Host, extrinsic: &OutboxExtrinsic) -> (RegistrationProof, Vec<u8>) {
    let body = Vec::<u8>::decode(&mut &extrinsic.extrinsic[..]).unwrap();
    // Behind era, nonce, tip and mode, each of one byte but the era, and the call's index.
    let mut arguments = &body[SIGNED_HEAD + 2 + 1 + 1 + 1 + 2..];
    let proof = Vec::<u8>::decode(&mut arguments).unwrap();
    let url = Some(host.view().identity().trusted_url.clone().into_bytes());
    let method = SgxAttestationMethod::Dcap { proxied: false };
    let call = world.block().call("Teerex", "register_sgx_enclave", (&proof, url, method));
    (RegistrationProof::from_bytes(&proof).unwrap(), call)
}

/// The host tells the enclave of the token, and hands it the runtime's code. A lie never makes it sign another call.
#[test]
fn h07_lies_about_the_metadata_never_make_another_call_signed() {
    let metadata = version_15();
    let world = World::with(&test_code(&metadata, &[]), &[development_root()]);
    let digest = digest_of(&metadata, world.chain.runtime());
    let mut world = World::with(&test_code(&metadata, &digest), &[development_root()]);
    world.add_empty();
    let starting = |world: &World, change: &dyn Fn(&mut Start)| -> Result<Host, String> {
        let mut request = start(world);
        change(&mut request);
        Host::start(Arc::new(tempfile::tempdir().unwrap()), request)
    };
    type Lie = fn(&mut Start);
    let lies: [(Lie, Option<[u8; 32]>); 4] = [
        (|_| {}, Some(digest)),
        (|start| start.token_decimals = 10, None),
        (|start| start.token_symbol = Untrusted::new("DOT".into()), None),
        (|start| start.token_symbol = Untrusted::new(String::new()), None),
    ];
    for (lie, signed_digest) in lies {
        let mut host = starting(&world, &lie).unwrap();
        world.add_empty();
        assert_eq!(host.follow(&world).phase, Phase::AwaitingRegistration);
        let [registration] = &host.collect()[..] else { panic!() };
        let (proof, call) = register_call(&world, &host, registration);
        assert!(is_signed_for(&world, &mut host, registration, &call, 0, signed_digest));
        for other in [None, Some(digest), Some([7; 32])] {
            let is_signed = is_signed_for(&world, &mut host, registration, &call, 0, other);
            assert_eq!(is_signed, other == signed_digest);
        }
        assert_eq!(proof.binding.unwrap().genesis_hash, world.hash(0));
    }
    // Other code, even with only another digest in it, is refused.
    for code in [test_code(&metadata, &[7; 32]), test_code(METADATA, &digest), vec![1], Vec::new()] {
        let result = starting(&world, &|start| start.runtime_code = Untrusted::new(code.clone()));
        assert!(result.err().unwrap().contains("code"));
    }
}

/// After a restart the code of the runtime may come late, and only the right one is taken.
#[test]
fn h07_after_a_restart_only_the_proven_code_is_taken() {
    let mut world = World::new();
    let host = Host::serving(&mut world);
    let dir = host.dir.clone();
    drop(host);
    let request = Start { runtime_code: Untrusted::new(Vec::new()), ..start(&world) };
    let mut host: Host = Host::start(dir, request).unwrap();
    assert!(host.started.status.wanted_code.is_some());
    assert!(host.collect().is_empty());
    let tip = crate::kit::headers(&world, [1]);
    assert_eq!(host.refused(tip).code, RefusalCode::RuntimeCode);
    for code in [vec![1, 2], test_code(METADATA, b"other")] {
        let code = HostRequest::ImportRuntimeCode(Untrusted::new(code));
        assert_eq!(host.refused(code).code, RefusalCode::RuntimeCode);
    }
    host.provide_code(&world);
    assert_eq!(host.status().wanted_code, None);
    host.serve(&mut world);
}

/// The nonce is the proven account's, whatever the host does with what was signed before.
#[test]
fn h07_the_nonce_is_the_proven_one() {
    let (mut world, mut host, alice) = funded_without_batches();
    let (payee, key, shard) = (AccountId32::new([8; 32]), host.key(), world.shard);
    host.run(&mut world, |content| content.invoke(shard, key.operation(&unshield(&alice, &payee, UNIT, 0))));
    let first = host.collect();
    let next = nonce_of(&first[0].extrinsic);
    assert_eq!(nonce_of(&first[1].extrinsic), next + 1);
    // A host that says the account's nonce were another has no proof of it.
    let mut lie = world.clone();
    let signer = host.signer();
    let content = lie.block();
    let content = lie.include(content, &signer, &first);
    lie.add(content);
    world.add_empty();
    host.finalize(&world);
    let mut bundle = host.next_bundle(&world);
    bundle.state_proof = host.next_bundle(&lie).state_proof;
    host.refuses_block(bundle, RefusalCode::Block);
    host.follow(&world);
    assert_eq!(host.collect(), first);
}

/// What the host drops is handed out again, over restarts, and what it delays is honoured once.
#[test]
fn h08_dropped_delayed_and_reordered_extrinsics_are_honoured_once() {
    let (mut world, mut host, alice) = funded_without_batches();
    let (payee, key, shard) = (AccountId32::new([8; 32]), host.key(), world.shard);
    let calls: Vec<_> = (0..3).map(|nonce| unshield(&alice, &payee, UNIT, nonce)).collect();
    let number = host.run(&mut world, |mut content| {
        for call in &calls {
            content = content.invoke(shard, key.operation(call));
        }
        content
    });
    // Dropped: the same bytes again, for every time that nothing changed.
    let old = host.collect();
    assert_eq!(old.len(), 4);
    assert_eq!(host.collect(), old);
    host.run(&mut world, |content| content);
    assert_eq!(host.collect(), old);
    // One of them comes through, the last one first: nothing of it can be included, its nonce is too high.
    let signer = host.signer();
    let content = world.block();
    let content = world.deliver(content, &signer, &old[2..]);
    world.add(content);
    host.follow(&world);
    assert_eq!((world.paid.len(), host.collect()), (0, old.clone()));
    // The first two come through, a payment among them, and the enclave dies before it sees them.
    let content = world.block();
    let content = world.deliver(content, &signer, &old[..2]);
    world.add(content);
    let mut host = host.restart(&world);
    host.serve(&mut world);
    assert_eq!(world.paid.len(), 1);
    let new = host.collect();
    assert_eq!(new.iter().filter(|extrinsic| extrinsic.kind == OutboxKind::Unshield).count(), 2);
    // The host brings new and old ones, in reverse. The old have used-up nonces.
    let mut all: Vec<_> = new.iter().chain(&old).cloned().collect();
    all.reverse();
    let content = world.block();
    let content = world.deliver(content, &signer, &all);
    world.add(content);
    host.follow(&world);
    host.settle(&mut world);
    for call in &calls {
        assert_eq!(world.paid.get(&call.hash()), Some(&(payee.clone(), UNIT)));
    }
    assert!(world.confirmed.iter().any(|(_, block, _)| *block == number));
    assert_eq!((host.status().outbox_len, host.balance(&alice)), (0, 97 * UNIT));
}

/// Two workers that both pay: the chain honours each payment once, and both learn that it is done.
#[test]
fn h08_a_payment_that_another_worker_made_is_not_repeated() {
    let (mut world, mut host, alice) = funded();
    let mut other = Host::joining(&mut world, &mut host);
    other.submit(&mut world);
    host.follow(&world);
    let (payee, key, shard) = (AccountId32::new([8; 32]), host.key(), world.shard);
    let call = unshield(&alice, &payee, UNIT, 0);
    host.run(&mut world, |content| content.invoke(shard, key.operation(&call)));
    other.follow(&world);
    other.settle(&mut world);
    host.follow(&world);
    assert!(host.collect().iter().all(|extrinsic| extrinsic.kind != OutboxKind::Unshield));
    host.settle(&mut world);
    assert_eq!(world.paid, [(call.hash(), (payee, UNIT))].into());
}

#[test]
fn h08_a_restarted_worker_confirms_what_it_executed_before_it_was_killed() {
    let (mut world, mut host, alice) = funded();
    let (payee, key, shard) = (AccountId32::new([8; 32]), host.key(), world.shard);
    let call = unshield(&alice, &payee, UNIT, 0);
    let number = host.run(&mut world, |content| content.invoke(shard, key.operation(&call)));
    assert_eq!(host.status().outbox_len, 2);
    let mut host = host.restart(&world);
    assert_eq!(host.status().outbox_len, 2);
    host.serve(&mut world);
    host.settle(&mut world);
    assert_eq!(world.paid.len(), 1);
    assert!(world.confirmed.iter().any(|(_, block, _)| *block == number));
}

/// The same payment twice is two payments.
#[test]
fn p04_two_equal_unshields_are_both_paid_once() {
    let (mut world, mut host, alice) = funded();
    let (payee, key, shard) = (AccountId32::new([8; 32]), host.key(), world.shard);
    let calls = [0, 1].map(|nonce| unshield(&alice, &payee, UNIT, nonce));
    host.run(&mut world, |mut content| {
        for call in &calls {
            content = content.invoke(shard, key.operation(call));
        }
        content
    });
    host.settle(&mut world);
    let paid: Vec<_> = calls.iter().map(|call| world.paid.get(&call.hash()).cloned()).collect();
    assert_eq!(paid, vec![Some((payee, UNIT)); 2]);
    assert_eq!((host.balance(&alice), host.status().outbox_len), (98 * UNIT, 0));
}

/// What the chain included without honouring it is tried again, at a distance.
#[test]
fn p04_a_payment_that_the_chain_could_not_honour_is_tried_again() {
    let (mut world, mut host, alice) = funded_without_batches();
    let (payee, key, shard) = (AccountId32::new([8; 32]), host.key(), world.shard);
    let call = unshield(&alice, &payee, UNIT, 0);
    host.run(&mut world, |content| content.invoke(shard, key.operation(&call)));
    let first = host.collect();
    // The confirmation succeeds; the payment fails and uses up its nonce.
    let [confirmation, payment] = &first[..] else { panic!("{first:?}") };
    assert_eq!((confirmation.kind, payment.kind), (OutboxKind::Confirmation, OutboxKind::Unshield));
    let signer = host.signer();
    let content = world.block();
    let content = world.include(content, &signer, &first[..1]);
    let content = world.fail(content, &signer, payment);
    world.add(content);
    host.follow(&world);
    assert!(host.collect().is_empty(), "not at once");
    assert!(host.status().notice.unwrap().contains("without honouring"));
    for _ in 0..3 {
        host.run(&mut world, |content| content);
    }
    let again = host.collect();
    assert!(again.iter().all(|extrinsic| extrinsic.id != confirmation.id), "what was honoured is done");
    let tried = again.iter().find(|extrinsic| extrinsic.id == payment.id).unwrap();
    assert!(nonce_of(&tried.extrinsic) > nonce_of(&payment.extrinsic));
    host.settle(&mut world);
    assert_eq!(world.paid.get(&call.hash()), Some(&(payee, UNIT)));
    host.collect();
    assert_eq!(host.status().notice, None);
}

/// An account that cannot pay the fee: nothing is lost, the operator is told, and it goes on when there is money.
#[test]
fn p04_an_empty_account_waits_and_says_so() {
    let (mut world, mut host, alice) = funded();
    let (payee, key, shard) = (AccountId32::new([8; 32]), host.key(), world.shard);
    let signer = host.signer();
    let call = unshield(&alice, &payee, UNIT, 0);
    let content = world.block().invoke(shard, key.operation(&call));
    let content = world.account_with(content, &signer, 0);
    world.add(content);
    host.follow(&world);
    for _ in 0..30 {
        assert!(host.collect().is_empty(), "nothing that the node would ban");
        host.run(&mut world, |content| content);
    }
    let status = host.status();
    // Health shows the notice, metrics the length of the outbox.
    assert!(status.notice.unwrap().contains("no funds"));
    assert!(status.outbox_len >= 2);
    let mut host = host.restart(&world);
    let content = world.block();
    let content = world.account(content, &signer);
    world.add(content);
    host.serve(&mut world);
    host.settle(&mut world);
    assert_eq!(world.paid.get(&call.hash()), Some(&(payee, UNIT)));
    assert_eq!(host.status().notice, None);
}

/// What was seen: a worker was started without funds, the node banned its registration, and it was signed anew after
/// 128 blocks. The same with confirmations, after the money had run out.
#[test]
fn a_worker_that_is_funded_after_its_start_registers_at_once() {
    let mut world = World::new();
    let mut host = Host::new(&world);
    let signer = host.signer();
    world.leave_unfunded(&signer);
    let mut banned = BTreeSet::new();
    let fund = |world: &mut World, host: &mut Host, balance| {
        let content = world.block();
        let content = world.account_with(content, &signer, balance);
        world.add(content);
        host.follow(world);
    };
    for _ in 0..5 {
        world.add_empty();
        host.follow(&world);
        assert!(host.collect().is_empty());
    }
    assert_eq!(host.status().phase, Phase::AwaitingRegistration);
    // Less than any fee, and more than the deposit: nobody has shown yet what a registration costs.
    fund(&mut world, &mut host, UNIT / 1_000);
    for _ in 0..3 {
        let [registration] = &host.collect()[..] else { panic!() };
        banned.insert(registration.extrinsic.clone());
        world.add_empty();
        host.follow(&world);
    }
    assert_eq!(banned.len(), 1, "the same bytes as long as nothing changes");
    // The money comes: within the same block there is something that no node has banned.
    fund(&mut world, &mut host, UNIT);
    let [registration] = &host.collect()[..] else { panic!() };
    assert!(!banned.contains(&registration.extrinsic));
    world.fee = Some(UNIT / 100);
    host.submit(&mut world);
    host.serve(&mut world);
    // The money runs out, and comes again.
    fund(&mut world, &mut host, UNIT / 200);
    while host.status().outbox_len == 0 {
        world.add_empty();
        host.follow(&world);
    }
    assert!(host.collect().is_empty(), "a fee is known, and the account has half of it");
    fund(&mut world, &mut host, UNIT);
    let confirmation = host.collect();
    assert!(!confirmation.is_empty());
    let before = world.confirmed.len();
    host.submit(&mut world);
    assert!(world.confirmed.len() > before);
}

/// Money that is there but too little for the node to take the extrinsic: it is said after a while.
#[test]
fn p04_extrinsics_that_the_node_does_not_take_are_noticed() {
    let (mut world, mut host, alice) = funded();
    let (payee, key, shard) = (AccountId32::new([8; 32]), host.key(), world.shard);
    host.run(&mut world, |content| content.invoke(shard, key.operation(&unshield(&alice, &payee, UNIT, 0))));
    let first = host.collect();
    for _ in 0..25 {
        host.run(&mut world, |content| content);
    }
    assert!(host.status().notice.unwrap().contains("have not been included for long"));
    assert_eq!(host.collect()[..1], first[..]);
    // Long after its era would have ended it is signed anew.
    for _ in 0..140 {
        world.add_empty();
    }
    host.follow(&world);
    let anew = host.collect();
    assert_eq!((anew[0].id, nonce_of(&anew[0].extrinsic)), (first[0].id, nonce_of(&first[0].extrinsic)));
    assert_ne!(anew[0].extrinsic, first[0].extrinsic);
    host.settle(&mut world);
    assert_eq!(world.paid.len(), 1);
}

/// On every chain in use, by its own metadata: an operation is read from it, and what follows is signed under its
/// digest.
#[test]
fn h07_the_chains_in_use_are_served_under_their_own_digests() {
    let [(solochain, _), parachains @ ..] = LIVE_METADATA;
    // A digest needs version 15, in which a runtime answers when it is asked.
    let chains = [(solochain, version_15())].into_iter().chain(parachains.map(|(n, m)| (n, m.to_vec())));
    for (name, metadata) in chains {
        let digest = digest_of(&metadata, World::with(&test_code(&metadata, &[]), &[]).chain.runtime());
        let world = World::with(&test_code(&metadata, &digest), &[development_root()]);
        let (mut world, mut host, alice) = funded_on(world);
        let (payee, key, shard) = (AccountId32::new([8; 32]), host.key(), world.shard);
        let operation = unshield(&alice, &payee, UNIT, 0);
        host.run(&mut world, |content| content.invoke(shard, key.operation(&operation)));
        let waiting = host.collect();
        let nonce = nonce_of(&waiting[0].extrinsic);
        let block = host.status().position;
        let arguments = (shard, &payee, UNIT, operation.hash());
        let payment = world.block().call("EnclaveBridge", "unshield_funds", arguments);
        // The confirmation is before it in the batch; its last argument is the root.
        let batched = &waiting[0].extrinsic;
        let root = H256::from_slice(&batched[batched.len() - payment.len() - 32..][..32]);
        let arguments = (shard, block.hash, block.number, root);
        let confirmation =
            world.block().call("EnclaveBridge", "confirm_processed_parentchain_block", arguments);
        let calls = [&Compact(2u32).encode()[..], &confirmation, &payment].concat();
        let batch = [world.block().call("Utility", "force_batch", ()), calls].concat();
        assert!(is_signed_for(&world, &mut host, &waiting[0], &batch, nonce, Some(digest)), "{name}");
        assert!(!is_signed_for(&world, &mut host, &waiting[0], &batch, nonce, None), "{name}");
        host.settle(&mut world);
        assert_eq!(world.paid.len(), 1, "{name}");
        assert!(world.confirmed.iter().any(|confirmed| confirmed.1 == block.number), "{name}");
    }
}

/// What is signed is the payment that the operation caused, byte for byte.
#[test]
fn h07_a_payment_is_signed_as_it_was_caused() {
    let (mut world, mut host, alice) = funded_without_batches();
    let (payee, key, shard) = (AccountId32::new([8; 32]), host.key(), world.shard);
    let call = unshield(&alice, &payee, UNIT, 0);
    host.run(&mut world, |content| content.invoke(shard, key.operation(&call)));
    let waiting = host.collect();
    let nonce = nonce_of(&waiting[1].extrinsic);
    let arguments = (shard, &payee, UNIT, call.hash());
    let expected = world.block().call("EnclaveBridge", "unshield_funds", arguments);
    assert!(is_signed_for(&world, &mut host, &waiting[1], &expected, nonce, None));
    let other = world.block().call("EnclaveBridge", "unshield_funds", (shard, &payee, UNIT + 1, call.hash()));
    assert!(!is_signed_for(&world, &mut host, &waiting[1], &other, nonce, None));
    assert_eq!(waiting[0].kind, OutboxKind::Confirmation);
}
