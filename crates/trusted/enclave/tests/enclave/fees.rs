// SPDX-License-Identifier: Apache-2.0
//! What a shard costs its workers: the fees of a hundred payments, five workers.
//!
//! The figures are printed by `cargo nextest run --release -p offstage-enclave -E 'test(c17_a_hundred_payments)'
//! --no-capture`.

use crate::{
    kit::{BridgeCall, Clock, Host, UNIT, World, start, unshield},
    payouts::{shard_with, submit_all},
};
use offstage_primitives::AccountId32;
use offstage_protocol::{OutboxExtrinsic, OutboxKind, Start};
use std::sync::Arc;

/// Extrinsics, their calls, bytes and fees.
#[derive(Default, Debug)]
struct Costs {
    extrinsics: u64,
    confirmations: u64,
    payments: u64,
    bytes: u64,
    fees: u64,
}

impl Costs {
    fn add(&mut self, confirmations: u64, payments: u64, bytes: u64) {
        let calls = confirmations + payments;
        let batch = if calls > 1 { BATCH + calls * BATCHED } else { 0 };
        self.extrinsics += 1;
        self.confirmations += confirmations;
        self.payments += payments;
        self.bytes += bytes;
        self.fees += BASE + batch + confirmations * CONFIRMATION + payments * PAYMENT + bytes * BYTE;
    }

    fn add_extrinsic(&mut self, world: &World, extrinsic: &OutboxExtrinsic) {
        assert_ne!(extrinsic.kind, OutboxKind::Registration);
        let calls = world.bridge_calls(&extrinsic.extrinsic);
        let payments = calls.iter().filter(|call| matches!(call, BridgeCall::Unshield { .. })).count();
        self.add((calls.len() - payments) as u64, payments as u64, extrinsic.extrinsic.len() as u64);
    }

    fn print(&self, what: &str) {
        println!(
            "{what}: {} extrinsics, {} confirmations, {} payments, {} bytes, {:.4} UNIT of fees",
            self.extrinsics,
            self.confirmations,
            self.payments,
            self.bytes,
            self.fees as f64 / UNIT as f64
        );
    }
}

/// Ten blocks with ten payments each. Once as the enclaves hand it out, and once as it would be if each enclave
/// submitted each payment and each confirmation as an extrinsic of its own, in the block after the one that caused
/// it.
#[test]
fn c17_a_hundred_payments_of_five_workers_cost_a_fifth() {
    const WORKERS: usize = 5;
    let (mut world, mut hosts, alice) = shard_with(WORKERS);
    let (key, shard) = (hosts[0].key(), world.shard);
    let (mut rota, mut all) = (Costs::default(), Costs::default());
    for round in 0..10u8 {
        let mut content = world.block();
        for n in 0..10u8 {
            let payee = AccountId32::new([round * 10 + n + 1; 32]);
            let call = unshield(&alice, &payee, UNIT / 2, u32::from(round * 10 + n));
            content = content.invoke(shard, key.operation(&call));
        }
        world.add(content);
        for host in &mut hosts {
            host.follow(&world);
        }
        for extrinsics in submit_all(&mut world, &mut hosts) {
            for extrinsic in extrinsics {
                rota.add_extrinsic(&world, &extrinsic);
            }
        }
    }
    assert_eq!(world.paid.len(), 100);
    // Confirmations are each worker's own duty, either way.
    for _ in 0..rota.confirmations {
        all.add(1, 0, CONFIRMATION_LEN);
    }
    for _ in 0..WORKERS * 100 {
        all.add(0, 1, PAYMENT_LEN);
    }
    all.print("each worker submits everything, one by one");
    rota.print("one worker pays at a time, in batches");
    assert_eq!(rota.payments, 100, "no payment costs a second fee");
    assert!(rota.confirmations >= 10 * WORKERS as u64);
    assert!(rota.fees * 3 < all.fees, "{rota:?} {all:?}");
}

/// What was seen: too little money, and nothing said what is missing. It is told days before, and in the chain's unit.
#[test]
fn an_operator_is_told_before_the_money_runs_out_what_is_there_and_what_is_needed() {
    let mut world = World::new();
    world.clock = Some(Clock { next_ms: START_MS });
    world.fee = Some(UNIT / 1_000);
    let mut host = Host::serving(&mut world);
    for _ in 0..300 {
        host.submit(&mut world);
    }
    let funds = host.status().funds.unwrap();
    // A confirmation a minute, and a registration.
    let per_day = funds.fees_per_day.unwrap();
    assert!((UNIT..2 * UNIT).contains(&per_day), "{funds:?}");
    assert!(funds.days_left.unwrap() > 100 && host.status().notice.is_none(), "{funds:?}");
    let holding = |world: &mut World, host: &mut Host, balance| {
        let signer = host.signer();
        let content = world.block();
        let content = world.account_with(content, &signer, balance);
        world.add(content);
        host.follow(world);
    };
    holding(&mut world, &mut host, 3 * UNIT);
    let notice = host.status().notice.unwrap();
    assert!(notice.contains("has 3 UNIT, which lasts for 2 more days"), "{notice}");
    holding(&mut world, &mut host, UNIT / 2_000);
    for _ in 0..10 {
        world.add_empty();
        host.follow(&world);
        host.collect();
    }
    let status = host.status();
    let (funds, notice) = (status.funds.unwrap(), status.notice.unwrap());
    assert_eq!(funds.needed, Some(UNIT / 1_000 + funds.deposit));
    assert!(notice.contains("has 0.0005 UNIT, and 0.001") && notice.contains("is needed"), "{notice}");
    assert!(status.outbox_len > 0);
    holding(&mut world, &mut host, 1_000 * UNIT);
    host.submit(&mut world);
    assert_eq!(host.status().notice, None);
}

/// Another `--heartbeat` than the others' costs fees that nobody needs, or places.
#[test]
fn another_heartbeat_than_the_others_is_noticed() {
    let (mut world, mut hosts, _) = shard_with(2);
    assert_eq!(hosts[0].status().notice, None);
    let odd = Start { heartbeat: 7, ..start(&world) };
    let mut odd: Host = Host::start(Arc::new(tempfile::tempdir().unwrap()), odd).unwrap();
    odd.join(&mut world, &mut hosts[0]);
    hosts.push(odd);
    for _ in 0..25 {
        submit_all(&mut world, &mut hosts);
    }
    for (host, heartbeat) in hosts.iter_mut().zip([10, 10, 7]) {
        let notice = host.status().notice.unwrap();
        assert!(notice.contains(&format!("--heartbeat {heartbeat};")), "{notice}");
    }
}

/// What was seen: a worker that joined followed the chain without the shard's key, had no receipts, and took that for
/// another heartbeat of those who confirmed.
#[test]
fn who_joins_an_old_shard_suspects_no_other_heartbeat() {
    let (mut world, mut hosts, _) = shard_with(2);
    for _ in 0..25 {
        submit_all(&mut world, &mut hosts);
    }
    let mut late = Host::new(&world);
    late.join(&mut world, &mut hosts[0]);
    late.follow(&world);
    let notice = late.status().notice.unwrap_or_default();
    assert!(!notice.contains("--heartbeat"), "{notice}");
}

// Fees in planck, as the development runtime takes them at its lowest price: a picosecond of weight costs one, a byte
// `BYTE`. There is the base weight of an extrinsic, and the bridge's estimates, of which a read of the database is 25
// and a write 100 microseconds.
/// When the chain of these tests begins, in milliseconds since the Unix epoch.
const START_MS: u64 = 1_800_000_000_000;
const MICROSECOND: u64 = 1_000_000;
const BASE: u64 = 108 * MICROSECOND;
const CONFIRMATION: u64 = (20 + 15 * 25 + 100) * MICROSECOND;
const PAYMENT: u64 = (20 + 50 + 17 * 25 + 4 * 100) * MICROSECOND;
const BYTE: u64 = 100_000;
/// `force_batch`, and what it takes for each call in it (pallet-utility's weights).
const BATCH: u64 = 7 * MICROSECOND;
const BATCHED: u64 = 4 * MICROSECOND;

/// Bytes of signed extrinsics with one call.
const CONFIRMATION_LEN: u64 = 210;
const PAYMENT_LEN: u64 = 222;
