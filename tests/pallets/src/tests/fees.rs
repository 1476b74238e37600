// SPDX-License-Identifier: Apache-2.0
//! Extrinsics that pay.

use super::{MILLION, TestShard, three};
use crate::fees::{Extensions, FeeAccount, Runtime, RuntimeCall, RuntimeEvent};
use codec::Decode;
use offstage_sdk::{
    Operation, OperationOutcome, Outcome,
    frame::NoClassicCalls,
    testing::{TestAccount, frame::tx_extension},
};
use pallet_transaction_payment::ChargeTransactionPayment;
use sp_runtime::generic::Era;

type Shard = TestShard<Runtime>;

fn xt(shard: &Shard, account: &TestAccount, call: RuntimeCall, tip: u128) -> Operation<NoClassicCalls> {
    let nonce = shard.worker.nonce(account);
    let extensions: Extensions =
        (tx_extension::<Runtime>(nonce, Era::Immortal), ChargeTransactionPayment::from(tip));
    shard.worker.extrinsic_with(account, call, extensions)
}

fn submit(shard: &mut Shard, account: &TestAccount, call: RuntimeCall, tip: u128) -> OperationOutcome {
    let extrinsic = xt(shard, account, call, tip);
    shard.run(vec![extrinsic]).remove(0)
}

fn transfer(to: &TestAccount, value: u128) -> RuntimeCall {
    pallet_balances::Call::transfer_allow_death { dest: to.id().into(), value }.into()
}

/// Fee and tip, as the event tells the sender.
fn paid(done: &OperationOutcome) -> (u128, u128) {
    let events =
        done.report.events.iter().map(|event| RuntimeEvent::decode(&mut &event[..]).expect("an event"));
    let mut paid = events.filter_map(|event| match event {
        RuntimeEvent::TransactionPayment(pallet_transaction_payment::Event::TransactionFeePaid {
            actual_fee,
            tip,
            ..
        }) => Some((actual_fee, tip)),
        _ => None,
    });
    paid.next().expect("who was charged is told")
}

/// Fees are of weight, of which a unit is a picosecond; so whoever pays needs more than a million.
fn rich(shard: &mut Shard, account: &TestAccount) {
    let hash = offstage_primitives::H256::repeat_byte(1);
    let shield = Operation::Shield { hash, beneficiary: account.id(), amount: MILLION * MILLION };
    assert_eq!(shard.run(vec![shield])[0].outcome, Outcome::Executed);
    shard.held += MILLION * MILLION;
}

#[test]
fn transaction_payment() {
    let [alice, bob, charlie] = three();
    let mut shard = Shard::with(&[&alice, &bob]);
    rich(&mut shard, &alice);
    let fees = |shard: &Shard| shard.account(&FeeAccount::get()).free;
    let before = shard.free(&alice);
    let extrinsic = xt(&shard, &alice, transfer(&charlie, 1_000), 0);
    let Operation::Extrinsic { extrinsic: ref bytes, .. } = extrinsic else { panic!("an extrinsic") };
    let length = bytes.len() as u128;
    let done = shard.run(vec![extrinsic]).remove(0);
    assert_eq!(done.outcome, Outcome::Executed);
    // A picosecond's weight is a unit, and so is a byte.
    let (fee, tip) = paid(&done);
    assert_eq!((fee, tip), (u128::from(done.report.weight.ref_time()) + length, 0));
    assert_eq!((shard.free(&alice), fees(&shard)), (before - 1_000 - fee, fee));
    // A tip comes on top.
    let done = submit(&mut shard, &alice, transfer(&charlie, 1_000), 77);
    let (with_tip, tip) = paid(&done);
    assert_eq!((tip, fees(&shard)), (77, fee + with_tip));
    // The tip's bytes are of the extrinsic's length, and of what is paid for it.
    assert!((fee + 77..fee + 77 + 4).contains(&with_tip), "{with_tip} after {fee}");
    // What is refused pays all the same.
    let before = (shard.free(&alice), fees(&shard));
    let done = submit(&mut shard, &alice, transfer(&charlie, 2 * MILLION * MILLION), 0);
    assert_eq!((done.outcome, done.refusal()), (Outcome::Refused, Some("Arithmetic.Underflow")));
    let (fee, _) = paid(&done);
    assert_eq!((shard.free(&alice), fees(&shard)), (before.0 - fee, before.1 + fee));
    // Who cannot pay is not served: nothing is taken, not even the nonce.
    let before = fees(&shard);
    let done = submit(&mut shard, &bob, transfer(&charlie, 1), 0);
    assert_eq!((done.outcome, shard.worker.nonce(&bob)), (Outcome::Invalid, 0));
    assert_eq!((shard.free(&bob), fees(&shard)), (MILLION, before));
    shard.finish();
}

/// A batch that stops early is charged for what was done.
#[test]
fn what_a_call_did_not_use_is_paid_back() {
    let [alice, bob, charlie] = three();
    let mut shard = Shard::with(&[&alice]);
    rich(&mut shard, &alice);
    let batch = |first| {
        let rest = std::iter::repeat_n(transfer(&bob, 1), 9);
        let calls = std::iter::once(transfer(&charlie, first)).chain(rest).collect();
        RuntimeCall::from(pallet_utility::Call::batch { calls })
    };
    let (whole, _) = paid(&submit(&mut shard, &alice, batch(MILLION), 0));
    let (stopped, _) = paid(&submit(&mut shard, &alice, batch(2 * MILLION * MILLION), 0));
    assert_eq!(shard.free(&bob), 9);
    assert!(stopped < whole / 2, "{stopped} of {whole}");
    assert_eq!(shard.account(&FeeAccount::get()).free, whole + stopped);
    shard.finish();
}
