// SPDX-License-Identifier: Apache-2.0
//! Who pays out, what is paid out, and what it costs: rows C17, P7 and P9.

use crate::kit::{BridgeCall, Host, MEASUREMENT, SLOTS, UNIT, World, account_info, funded, unshield};
use codec::{Decode, Encode};
use offstage_enclave::outbox::rota::TURN_BLOCKS;
use offstage_light_client::storage_keys;
use offstage_primitives::{
    AccountId32, H256,
    enclave_bridge::{SLOT_SILENCE_BLOCKS, ShardSignerStatus},
    receipt::Outcome,
};
use offstage_protocol::{OutboxExtrinsic, OutboxKind, Parked, ParkedReason};
use offstage_sdk::testing::TestAccount;
use std::collections::BTreeMap;

/// A shard with this many workers, which all have confirmed, and Alice with 100 units.
pub(crate) fn shard_with(count: usize) -> (World, Vec<Host>, TestAccount) {
    let (mut world, host, alice) = funded();
    let mut hosts = vec![host];
    while hosts.len() < count {
        let mut other = Host::joining(&mut world, &mut hosts[0]);
        other.submit(&mut world);
        hosts.push(other);
    }
    // A heartbeat of each.
    for _ in 0..11 {
        submit_all(&mut world, &mut hosts);
    }
    assert_eq!(world.slots.len(), count);
    (world, hosts, alice)
}

/// A block with what all workers submit; they follow. Answers what was included, by worker.
pub(crate) fn submit_all(world: &mut World, hosts: &mut [Host]) -> Vec<Vec<OutboxExtrinsic>> {
    let mut content = world.block();
    let mut all = Vec::new();
    for host in &mut *hosts {
        let extrinsics = host.collect();
        content = world.include(content, &host.signer(), &extrinsics);
        all.push(extrinsics);
    }
    world.add(content);
    for host in hosts {
        host.follow(world);
    }
    all
}

fn payments(world: &World, extrinsics: &[OutboxExtrinsic]) -> Vec<H256> {
    let calls = extrinsics
        .iter()
        .filter(|extrinsic| extrinsic.kind != OutboxKind::Registration)
        .flat_map(|extrinsic| world.bridge_calls(&extrinsic.extrinsic));
    calls
        .filter_map(|call| match call {
            BridgeCall::Unshield { call_hash, .. } => Some(call_hash),
            BridgeCall::Confirm { .. } | BridgeCall::Execute { .. } => None,
        })
        .collect()
}

fn payee(n: u8) -> AccountId32 {
    [n; 32].into()
}

/// What was seen: 400 payments of one planck to new accounts. None of them leaves the shard, and nothing waits for
/// ever.
#[test]
fn c17_payments_that_the_chain_would_refuse_are_refused_inside() {
    let (mut world, mut host, alice) = funded();
    let (key, shard) = (host.key(), world.shard);
    let deposit = world.chain.runtime().constant("Balances", "ExistentialDeposit").unwrap();
    let deposit = u128::decode(&mut &deposit[..]).unwrap();
    let before = host.balance(&alice);
    let dust: Vec<_> = (0..100u8)
        .map(|n| unshield(&alice, &payee(n), if n % 2 == 0 { 1 } else { deposit - 1 }, n.into()))
        .collect();
    let enough = unshield(&alice, &payee(200), deposit, 100);
    host.run(&mut world, |mut content| {
        for operation in dust.iter().chain([&enough]) {
            content = content.invoke(shard, key.operation(operation));
        }
        content
    });
    assert!(dust.iter().all(|operation| host.outcome(operation.hash()) == Outcome::Refused));
    assert_eq!(host.outcome(enough.hash()), Outcome::Executed);
    let waiting = host.collect();
    assert_eq!(payments(&world, &waiting), [enough.hash()]);
    host.settle(&mut world);
    assert_eq!((host.balance(&alice), world.paid.len()), (before - deposit, 1));
}

/// What payments cost is read from what the shard's enclaves paid, by every worker alike: none may cost more than it
/// pays.
#[test]
fn c17_a_payment_below_what_the_enclaves_pay_in_fees_is_refused_inside() {
    let (mut world, mut host, alice) = funded();
    let (key, shard) = (host.key(), world.shard);
    // Nobody has paid a fee yet: the deposit alone counts.
    let first = unshield(&alice, &payee(1), UNIT, 0);
    host.run(&mut world, |content| content.invoke(shard, key.operation(&first)));
    // The batch of a confirmation and a payment costs 4 units, two for each.
    world.fee = Some(4 * UNIT);
    assert_eq!(
        host.collect().iter().map(|extrinsic| extrinsic.kind).collect::<Vec<_>>(),
        [OutboxKind::Batch]
    );
    host.submit(&mut world);
    let (less, enough) =
        (unshield(&alice, &payee(2), 2 * UNIT - 1, 1), unshield(&alice, &payee(3), 2 * UNIT, 2));
    // What strangers pay moves nothing.
    let stranger = AccountId32::new([9; 32]);
    host.run(&mut world, |content| {
        let fee = content.event("TransactionPayment", "TransactionFeePaid", (&stranger, 1u128, 0u128));
        let remark = content.signed(&content.call("System", "remark", vec![1u8]), &stranger);
        content
            .extrinsic(remark, &[fee])
            .invoke(shard, key.operation(&less))
            .invoke(shard, key.operation(&enough))
    });
    assert_eq!(host.outcome(less.hash()), Outcome::Refused);
    assert_eq!(host.outcome(enough.hash()), Outcome::Executed);
    // It falls again when fees do.
    world.fee = Some(UNIT);
    host.submit(&mut world);
    let again = unshield(&alice, &payee(2), 2 * UNIT - 1, 3);
    host.run(&mut world, |content| content.invoke(shard, key.operation(&again)));
    assert_eq!(host.outcome(again.hash()), Outcome::Executed);
    // Who comes later, and who starts again, computes the same.
    let other = Host::joining(&mut world, &mut host);
    let mut host = host.restart(&world);
    host.follow(&world);
    assert_eq!(other.state_root(), host.state_root());
}

/// A joiner follows the chain before it executes it. What was paid after a block is nothing that the block knew.
#[test]
fn c17_a_joiner_judges_a_payment_by_what_was_paid_before_it() {
    let (mut world, mut host, alice) = funded();
    let (key, shard) = (host.key(), world.shard);
    let payment = unshield(&alice, &payee(1), UNIT, 0);
    host.run(&mut world, |content| content.invoke(shard, key.operation(&payment)));
    world.fee = Some(4 * UNIT);
    host.submit(&mut world);
    let other = Host::joining(&mut world, &mut host);
    for worker in [&host, &other] {
        assert_eq!(worker.outcome(payment.hash()), Outcome::Executed);
    }
    assert_eq!(other.state_root(), host.state_root());
}

/// Five workers pay one fee for a payment; each pays for its share of them.
#[test]
fn c17_one_worker_pays_at_a_time_and_the_next_after_some_blocks() {
    let (mut world, mut hosts, alice) = shard_with(3);
    let (key, shard) = (hosts[0].key(), world.shard);
    let calls: Vec<_> = (0..40).map(|nonce| unshield(&alice, &payee(7), UNIT / 10, nonce)).collect();
    let mut content = world.block();
    for call in &calls {
        content = content.invoke(shard, key.operation(call));
    }
    world.add(content);
    for host in &mut hosts {
        host.follow(&world);
    }
    let handed_out: Vec<_> = hosts.iter_mut().map(|host| payments(&world, &host.collect())).collect();
    assert!(handed_out.iter().all(|own| own.len() > 3), "{handed_out:?}");
    let mut all = handed_out.concat();
    all.sort_unstable();
    let mut expected: Vec<_> =
        calls.iter().map(offstage_primitives::trusted::TrustedOperation::hash).collect();
    expected.sort_unstable();
    assert_eq!(all, expected, "each is paid by one");
    // The first worker's host withholds what its enclave signs: the others pay that too, when it is their turn.
    let withheld = hosts.remove(0);
    let missing = payments(&world, &{ withheld }.collect());
    let mut blocks = 0;
    while world.paid.len() < calls.len() {
        let before = world.paid.len();
        submit_all(&mut world, &mut hosts);
        blocks += 1;
        assert!(blocks <= 2 * TURN_BLOCKS + 2, "each gets its turn");
        if blocks == 1 {
            assert_eq!(world.paid.len() - before, calls.len() - missing.len());
        } else if blocks < TURN_BLOCKS {
            assert_eq!(world.paid.len(), before, "not yet");
        }
    }
}

/// A payment that fails takes neither confirmations nor its neighbours with it, is tried a few times, and is parked
/// with its reason.
#[test]
fn c17_a_payment_that_fails_is_parked_and_told_and_stops_no_confirmation() {
    let (mut world, mut host, alice) = funded();
    let (key, shard, signer) = (host.key(), world.shard, host.signer());
    let calls = [0, 1].map(|nonce| unshield(&alice, &payee(7), UNIT, nonce));
    let number = host.run(&mut world, |content| {
        content.invoke(shard, key.operation(&calls[0])).invoke(shard, key.operation(&calls[1]))
    });
    world.refuses_payments = true;
    let mut tries = BTreeMap::<H256, u32>::new();
    for _ in 0..60 {
        let extrinsics = host.collect();
        for hash in payments(&world, &extrinsics) {
            *tries.entry(hash).or_default() += 1;
        }
        let content = world.block();
        let content = world.include(content, &signer, &extrinsics);
        world.add(content);
        host.follow(&world);
    }
    assert_eq!(tries.into_values().collect::<Vec<_>>(), [3, 3]);
    assert!(world.confirmed.iter().any(|(_, confirmed, _)| *confirmed == number), "in the same batch");
    let status = host.status();
    let expected = Parked { kind: OutboxKind::Unshield, reason: ParkedReason::Failed, count: 2 };
    assert_eq!((status.parked, status.outbox_len), (vec![expected], 2));
    assert!(ParkedReason::Failed.to_string().contains("restart the worker"));
    // What parked them is gone, and the operator restarts the worker.
    world.refuses_payments = false;
    let mut host = host.restart(&world);
    host.serve(&mut world);
    host.settle(&mut world);
    assert_eq!((world.paid.len(), host.status().parked), (2, vec![]));
}

/// P9: a payment that the shard's account cannot make without losing its deposit costs no fee, is told, and goes on
/// by itself.
#[test]
fn p09_a_payment_beyond_the_shards_funds_waits_without_burning_fees() {
    let (mut world, mut host, alice) = funded();
    let (key, shard) = (host.key(), world.shard);
    let account = storage_keys::account(&AccountId32::new(*shard.as_bytes()));
    let deposit = world.chain.runtime().constant("Balances", "ExistentialDeposit").unwrap();
    let deposit = u128::decode(&mut &deposit[..]).unwrap();
    let call = unshield(&alice, &payee(7), 10 * UNIT, 0);
    host.run(&mut world, |content| {
        let holds = account_info(0, 10 * UNIT + deposit - 1);
        content.storage(account.clone(), Some(holds)).invoke(shard, key.operation(&call))
    });
    for _ in 0..30 {
        assert!(payments(&world, &host.collect()).is_empty());
        host.submit(&mut world);
    }
    let expected = Parked { kind: OutboxKind::Unshield, reason: ParkedReason::ShardFunds, count: 1 };
    assert_eq!(host.status().parked, [expected]);
    host.run(&mut world, |content| {
        content.storage(account.clone(), Some(account_info(0, 10 * UNIT + deposit)))
    });
    host.settle(&mut world);
    assert_eq!((world.paid.get(&call.hash()), host.status().parked), (Some(&(payee(7), 10 * UNIT)), vec![]));
}

/// What was seen: after ten workers that died, the next one's confirmations all failed, and its fees burnt.
#[test]
fn p07_a_worker_without_a_slot_spends_nothing_serves_reads_and_takes_a_silent_ones_place() {
    let (mut world, mut host, alice) = funded();
    let (key, shard, signer) = (host.key(), world.shard, host.signer());
    // Ten others hold the slots, one of them silent for longer than the others.
    let now = world.chain.number();
    world.slots = (0..SLOTS as u8)
        .map(|n| ShardSignerStatus {
            signer: payee(100 + n),
            fingerprint: MEASUREMENT,
            last_activity: now - u32::from(n == 3),
        })
        .collect();
    let slots = (world.slots_key(), Some(world.slots.encode()));
    let call = unshield(&alice, &payee(7), UNIT, 0);
    host.run(&mut world, |content| {
        content.storage(slots.0.clone(), slots.1.clone()).invoke(shard, key.operation(&call))
    });
    let balance = host.balance(&alice);
    for _ in 0..30 {
        assert!(host.collect().is_empty());
        host.run(&mut world, |content| content);
    }
    let status = host.status();
    let notice = status.notice.unwrap();
    assert!(notice.contains("standby") && notice.contains("serves reads"), "{notice}");
    assert_eq!((status.outbox_len, balance), (1, 99 * UNIT), "the payment, which others make");
    // It falls free by silence.
    while world.chain.number() <= now + SLOT_SILENCE_BLOCKS {
        world.add_empty();
    }
    host.follow(&world);
    assert_eq!(host.status().notice, None);
    host.settle(&mut world);
    assert!(world.slots.iter().any(|slot| slot.signer == signer));
    assert!(world.slots.iter().all(|slot| slot.signer != payee(103)), "the longest silent went");
    assert_eq!(world.paid.len(), 1);
}
