// SPDX-License-Identifier: Apache-2.0
//! Operations from the chain to their receipts.

use crate::kit::{Host, World, signed, transfer, unshield};
use codec::Encode;
use offstage_light_client::{storage_keys, testing::BlockContent};
use offstage_primitives::{
    AccountId32, H256,
    balances::{Getter, PublicGetter, TrustedCall},
    enclave_bridge::{ShardConfig, UpgradableShardConfig},
    receipt::{Outcome, undecipherable_operation_hash},
    shielding::RSA_LEN,
    trusted::{TrustedCallSigned, TrustedOperation},
};
use offstage_protocol::{HostRequest, OutboxKind, Phase, Untrusted};
use offstage_sdk::testing::TestAccount;

const UNIT: u128 = 1_000_000_000_000;

fn outcome(host: &Host, operation: H256) -> Outcome {
    host.receipt(&operation).unwrap().leaf.outcome
}

/// A serving worker, and Alice with 100 units.
fn funded() -> (World, Host, TestAccount) {
    let mut world = World::new();
    let mut host = Host::serving(&mut world);
    let alice = TestAccount::alice();
    let content = world.block().shield(world.shard, host.key().account(&alice), 100 * UNIT);
    world.add(content);
    host.settle(&mut world);
    assert_eq!(host.balance(&alice), 100 * UNIT);
    (world, host, alice)
}

fn run(world: &mut World, host: &mut Host, fill: impl FnOnce(BlockContent) -> BlockContent) -> u32 {
    let content = fill(world.block());
    let number = world.add(content);
    host.follow(world);
    number
}

#[test]
fn shield_transfer_unshield_with_receipts_that_verify() {
    let (mut world, mut host, alice) = funded();
    let (bob, payee, key, shard) = (TestAccount::bob(), AccountId32::new([8; 32]), host.key(), world.shard);
    let (first, second) = (transfer(&alice, &bob, 30 * UNIT, 0), unshield(&alice, &payee, 20 * UNIT, 1));
    let number = run(&mut world, &mut host, |content| {
        content.invoke(shard, key.operation(&first)).invoke(shard, key.operation(&second))
    });
    assert_eq!((host.balance(&alice), host.balance(&bob), host.nonce(&alice)), (50 * UNIT, 30 * UNIT, 2));
    let kinds: Vec<_> = host.collect().iter().map(|extrinsic| extrinsic.kind).collect();
    assert_eq!(kinds, [OutboxKind::Unshield, OutboxKind::Confirmation]);
    host.settle(&mut world);
    assert_eq!(world.paid.get(&second.hash()), Some(&(payee, 20 * UNIT)));

    let (_, _, root) = world.confirmed.iter().find(|(_, block, _)| *block == number).unwrap();
    for (operation, index) in [(first.hash(), 0), (second.hash(), 1)] {
        let receipt = host.receipt(&operation).unwrap();
        assert!(receipt.verify(root));
        assert_eq!((receipt.leaf.outcome, receipt.index), (Outcome::Executed, index));
        assert_eq!((receipt.block_number, receipt.block_hash), (number, world.hash(number)));
    }
    assert_eq!(host.receipt(&H256::repeat_byte(1)), None);
}

/// C1: whatever an envelope holds, only its author is hurt.
#[test]
fn garbage_becomes_failure_receipts_and_the_block_goes_on() {
    let (mut world, mut host, alice) = funded();
    let (bob, key, shard) = (TestAccount::bob(), host.key(), world.shard);
    let good = transfer(&alice, &bob, UNIT, 0);
    let mut flipped = key.operation(&transfer(&alice, &bob, 2 * UNIT, 0));
    flipped[100] ^= 1;
    let mut trailing = transfer(&alice, &bob, 2 * UNIT, 0).encode();
    trailing.push(0);
    let garbage = [
        Vec::new(),
        vec![1, 2, 3],
        vec![7; RSA_LEN],
        vec![7; RSA_LEN + 1],
        vec![0; 400 * RSA_LEN],
        flipped,
        key.encrypt(b"not an operation"),
        key.encrypt(&[0, 3]),
        key.encrypt(&trailing),
    ];
    run(&mut world, &mut host, |mut content| {
        for envelope in &garbage {
            content = content.invoke(shard, envelope.clone()).shield(shard, envelope.clone(), UNIT);
        }
        content.invoke(shard, key.operation(&good))
    });
    for envelope in &garbage {
        assert_eq!(outcome(&host, undecipherable_operation_hash(envelope)), Outcome::Undecipherable);
    }
    assert_eq!(outcome(&host, good.hash()), Outcome::Executed);
    assert_eq!((host.balance(&alice), host.balance(&bob)), (99 * UNIT, UNIT));
}

/// C2: nonces survive that an account is emptied and funded again; and a replay does not hide the receipt.
#[test]
fn a_replayed_envelope_is_executed_once() {
    let (mut world, mut host, alice) = funded();
    let (bob, key, shard) = (TestAccount::bob(), host.key(), world.shard);
    let all = transfer(&alice, &bob, 100 * UNIT, 0);
    let envelope = key.operation(&all);
    let number = run(&mut world, &mut host, |content| {
        content.invoke(shard, envelope.clone()).invoke(shard, envelope.clone())
    });
    assert_eq!((host.balance(&alice), host.balance(&bob)), (0, 100 * UNIT));
    run(&mut world, &mut host, |content| {
        content.shield(shard, key.account(&alice), 100 * UNIT).invoke(shard, envelope.clone())
    });
    assert_eq!((host.balance(&alice), host.balance(&bob)), (100 * UNIT, 100 * UNIT));
    let receipt = host.receipt(&all.hash()).unwrap();
    assert_eq!((receipt.leaf.outcome, receipt.block_number), (Outcome::Executed, number));
}

/// C3 and C4: a bad signature takes nobody's nonce.
#[test]
fn badly_signed_calls_are_refused_and_block_nobody() {
    let (mut world, mut host, alice) = funded();
    let (bob, key, shard) = (TestAccount::bob(), host.key(), world.shard);
    let call = TrustedCall::BalanceTransfer(alice.id(), bob.id(), UNIT);
    let wrong = |call: TrustedCall, mrenclave: [u8; 32], shard: [u8; 32], signer: &TestAccount| {
        TrustedOperation::<_, Getter>::IndirectCall(signer.sign_call(call, 0, &mrenclave, &shard.into()))
    };
    let own = crate::kit::MRENCLAVE;
    let bad = [
        wrong(call.clone(), own, own, &bob),
        wrong(call.clone(), [1; 32], own, &alice),
        wrong(call.clone(), own, [1; 32], &alice),
        wrong(TrustedCall::BalanceShield(alice.id(), alice.id(), UNIT), own, own, &alice),
        wrong(TrustedCall::TimestampSet(alice.id(), 1), own, own, &alice),
    ];
    let good = transfer(&alice, &bob, UNIT, 0);
    let TrustedOperation::IndirectCall(TrustedCallSigned { call, nonce, signature }) = good.clone() else {
        panic!()
    };
    let direct = TrustedOperation::<_, Getter>::DirectCall(TrustedCallSigned { call, nonce, signature });
    let getter = TrustedOperation::<TrustedCall, _>::Get(Getter::Public(PublicGetter::SomeValue));
    run(&mut world, &mut host, |mut content| {
        for operation in bad.iter().chain([&direct, &getter, &good]) {
            content = content.invoke(shard, key.operation(operation));
        }
        content
    });
    for operation in &bad {
        assert_eq!(outcome(&host, operation.hash()), Outcome::Unauthorised);
    }
    assert_eq!(outcome(&host, direct.hash()), Outcome::NotIndirect);
    assert_eq!(outcome(&host, getter.hash()), Outcome::NotIndirect);
    assert_eq!(outcome(&host, good.hash()), Outcome::Executed);
    assert_eq!((host.balance(&bob), host.nonce(&alice)), (UNIT, 1));
}

/// P4, first half: the same payment twice is two payments.
#[test]
fn two_equal_unshields_are_both_paid_once() {
    let (mut world, mut host, alice) = funded();
    let (payee, key, shard) = (AccountId32::new([8; 32]), host.key(), world.shard);
    run(&mut world, &mut host, |content| {
        content
            .invoke(shard, key.operation(&unshield(&alice, &payee, UNIT, 0)))
            .invoke(shard, key.operation(&unshield(&alice, &payee, UNIT, 1)))
    });
    host.settle(&mut world);
    assert_eq!(world.paid.len(), 2);
    assert_eq!(host.balance(&alice), 98 * UNIT);
    assert_eq!(host.status().outbox_len, 0);
}

/// P4, second half, and H8: what the chain included without honouring it is tried again, at a distance; what the host drops is
/// handed out again.
#[test]
fn a_payment_that_fails_or_is_dropped_is_tried_again() {
    let (mut world, mut host, alice) = funded();
    let (payee, key, shard) = (AccountId32::new([8; 32]), host.key(), world.shard);
    run(&mut world, &mut host, |content| {
        content.invoke(shard, key.operation(&unshield(&alice, &payee, UNIT, 0)))
    });
    let dropped = host.collect();
    assert_eq!(host.collect(), dropped, "the same bytes until something changes");

    // The confirmation succeeds, the payment fails: its nonce is used, its event is missing.
    let signer = host.signer();
    let content = world.block().failed_extrinsic(dropped[0].extrinsic.clone(), &[]);
    let mut content = world.include(content, &signer, &dropped[1..]);
    let info = (4u32, 0u32, 1u32, 0u32, (UNIT, 0u128, 0u128, 0u128));
    content = content.storage(storage_keys::account(&signer), Some(info.encode()));
    world.add(content);
    host.follow(&world);
    assert!(host.collect().is_empty(), "not at once");
    assert!(host.status().notice.unwrap().contains("without honouring"));
    for _ in 0..3 {
        world.add_empty();
        host.follow(&world);
    }
    let again = host.collect();
    assert_eq!(again.iter().filter(|extrinsic| extrinsic.id == dropped[0].id).count(), 1);
    assert!(again.iter().all(|extrinsic| extrinsic.id != dropped[1].id));
    assert_ne!(again[0].extrinsic, dropped[0].extrinsic, "with the account's next nonce");
}

#[test]
fn under_maintenance_calls_fail_and_keep_their_nonce_but_money_is_credited() {
    let (mut world, mut host, alice) = funded();
    let (bob, key, shard) = (TestAccount::bob(), host.key(), world.shard);
    let config = |maintenance_mode| {
        let active_config = ShardConfig {
            enclave_fingerprint: shard.0,
            max_instances: None,
            authorities: None,
            maintenance_mode,
        };
        UpgradableShardConfig { active_config, pending_upgrade: None, upgrade_at: None }.encode()
    };
    let config_key =
        storage_keys::blake2_128_concat("EnclaveBridge", "ShardConfigRegistry", shard.as_bytes());
    let call = transfer(&alice, &bob, UNIT, 0);
    run(&mut world, &mut host, |content| {
        content.storage(config_key.clone(), Some(config(true))).invoke(shard, key.operation(&call)).shield(
            shard,
            key.account(&alice),
            UNIT,
        )
    });
    assert_eq!(outcome(&host, call.hash()), Outcome::Maintenance);
    assert_eq!((host.balance(&alice), host.nonce(&alice)), (101 * UNIT, 0));
    run(&mut world, &mut host, |content| {
        content.storage(config_key, Some(config(false))).invoke(shard, key.operation(&call))
    });
    assert_eq!((outcome(&host, call.hash()), host.balance(&bob)), (Outcome::Executed, UNIT));
}

#[test]
fn an_enclave_whose_measurement_is_not_allowed_any_more_neither_serves_nor_signs() {
    let (mut world, mut host, _) = funded();
    let config = ShardConfig {
        enclave_fingerprint: H256::repeat_byte(9),
        max_instances: None,
        authorities: None,
        maintenance_mode: false,
    };
    let config = UpgradableShardConfig { active_config: config, pending_upgrade: None, upgrade_at: None };
    let key = storage_keys::blake2_128_concat("EnclaveBridge", "ShardConfigRegistry", world.shard.as_bytes());
    let envelope = host.key().encrypt(b"garbage");
    let shard = world.shard;
    run(&mut world, &mut host, |content| content.storage(key, Some(config.encode())).invoke(shard, envelope));
    assert_ne!(host.status().phase, Phase::Serving);
    assert!(host.status().notice.unwrap().contains("another measurement"));
    assert!(host.collect().is_empty());
    assert!(host.view().shielding_public_key().is_err());
}

/// Invariant 3: what a worker computes depends on the chain alone, not on when and in which portions it comes, nor on restarts.
#[test]
fn a_late_worker_that_restarts_at_every_block_reaches_the_same_roots() {
    let (mut world, mut host, alice) = funded();
    let (bob, key, shard) = (TestAccount::bob(), host.key(), world.shard);
    let (mut roots, mut operations) = (Vec::new(), Vec::new());
    for round in 0..40u32 {
        let content = world.block();
        let content = match round % 4 {
            0 => {
                let operation = transfer(&alice, &bob, UNIT, round / 4);
                operations.push(operation.hash());
                content.invoke(shard, key.operation(&operation))
            }
            1 => content.invoke(shard, vec![round as u8; RSA_LEN]),
            2 => content.shield(shard, key.account(&bob), UNIT),
            _ => content,
        };
        world.add(content);
        host.follow(&world);
        roots.push((world.chain.number(), host.state_root()));
        if round % 8 == 0 {
            host.settle(&mut world);
            roots.push((world.chain.number(), host.state_root()));
        }
    }
    // One batch.
    let late = Host::joining(&mut world, &host);
    assert_eq!(late.state_root(), host.state_root());
    // A new process for each block.
    let mut restarting = Host::new(&world);
    restarting.follow(&world);
    restarting.request_key(&host);
    restarting.finalize(&world);
    while restarting.status().position.number < world.chain.number() {
        let number = restarting.import_next(&world).position.number;
        if let Some((_, root)) = roots.iter().find(|(block, _)| *block == number) {
            assert_eq!(restarting.state_root(), *root, "block {number}");
        }
        restarting = restarting.restart(&world);
        restarting.finalize(&world);
    }
    restarting.done(HostRequest::AtFinalizedHead(Untrusted::new(world.hash(world.chain.number()))));
    // Receipts are the same, too, and what others confirmed long ago is not confirmed again.
    restarting.submit(&mut world);
    host.follow(&world);
    assert_eq!(restarting.status().phase, Phase::Serving);
    for operation in &operations {
        assert_eq!(restarting.receipt(operation), host.receipt(operation));
        assert!(restarting.receipt(operation).is_some());
    }
    assert_eq!(restarting.balance(&bob), host.balance(&bob));
    let waiting = restarting.status().outbox_len;
    assert!(waiting <= 10, "only what nobody confirmed yet: {waiting}");
}

#[test]
fn a_restarted_worker_confirms_what_it_executed_before_it_was_killed() {
    let (mut world, mut host, alice) = funded();
    let (payee, key, shard) = (AccountId32::new([8; 32]), host.key(), world.shard);
    let call = unshield(&alice, &payee, UNIT, 0);
    let number = run(&mut world, &mut host, |content| content.invoke(shard, key.operation(&call)));
    assert_eq!(host.status().outbox_len, 2);
    let mut host = host.restart(&world);
    assert_eq!(host.status().outbox_len, 2);
    host.serve(&mut world);
    host.settle(&mut world);
    assert_eq!(world.paid.len(), 1);
    assert!(world.confirmed.iter().any(|(_, block, _)| *block == number));
}

#[test]
fn a_call_with_a_wrong_nonce_fails_alone() {
    let (mut world, mut host, alice) = funded();
    let (key, shard) = (host.key(), world.shard);
    let late = signed(&alice, TrustedCall::Noop(alice.id()), 1);
    let first = signed(&alice, TrustedCall::Noop(alice.id()), 0);
    run(&mut world, &mut host, |content| {
        content.invoke(shard, key.operation(&late)).invoke(shard, key.operation(&first))
    });
    assert_eq!(outcome(&host, late.hash()), Outcome::WrongNonce);
    assert_eq!(outcome(&host, first.hash()), Outcome::Executed);
    // Sent again it succeeds, and the receipt says so.
    run(&mut world, &mut host, |content| content.invoke(shard, key.operation(&late)));
    assert_eq!(outcome(&host, late.hash()), Outcome::Executed);
}
