// SPDX-License-Identifier: Apache-2.0
//! Effects: what may be asked for, and how its end comes back.

use super::{
    herald::{self, Asked, Heard},
    *,
};
use crate::{
    frame::effects::{LIFETIME, MAX_CALL_LEN, MAX_CALLS, MAX_CALLS_IN_BLOCK},
    parentchain::{Argument, Calls, Delivery, End, Parentchain, Unfit},
};
use offstage_primitives::H256;
use std::sync::Arc;

fn announce(text: &[u8], times: u32) -> RuntimeCall {
    herald::Call::announce { text: text.to_vec(), times }.into()
}

fn heard(worker: &Worker) -> Vec<Delivery> {
    worker.inspect(Heard::<Runtime>::get)
}

fn asked(worker: &Worker) -> Vec<H256> {
    worker.inspect(Asked::<Runtime>::get)
}

/// A shard in which Alice has announced something, and the effect's name.
fn announced() -> (Worker, TestAccount, H256) {
    let (mut worker, alice, _) = with(UNIT);
    let done = submit(&mut worker, &alice, announce(b"hear", 1));
    assert_eq!(done.outcome, Outcome::Executed);
    (worker, alice, done.effects[0].call_hash())
}

#[test]
fn a_call_is_asked_for_by_its_names_and_has_a_last_block() {
    let (mut worker, alice, _) = with(UNIT);
    let done = submit(&mut worker, &alice, announce(b"hear", 2));
    let argument = Argument { name: "remark".into(), value: b"hear".to_vec().encode() };
    let until = worker.block.number + LIFETIME;
    for (effect, name) in done.effects.iter().zip(asked(&worker)) {
        let expected = Effect::Call {
            pallet: "System".into(),
            call: "remark_with_event".into(),
            arguments: vec![argument.clone()],
            until,
            call_hash: name,
        };
        assert_eq!(*effect, expected);
    }
    assert_eq!((done.effects.len(), done.effects[0].call_hash()), (2, done.operation));
}

/// C26: only what the runtime's list has, which the measurement covers.
#[test]
fn c26_a_call_that_is_not_on_the_list_is_refused() {
    let (mut worker, alice, _) = with(UNIT);
    let refused = submit(&mut worker, &alice, herald::Call::overreach {});
    assert_eq!(refused.refusal(), Some("Other.the call is not on the runtime's list of effects"));
    assert_eq!(refused.effects, []);
}

/// A parentchain that knows no such call.
struct Knows(Unfit);

impl Calls for Knows {
    fn check(&self, _pallet: &str, _call: &str, _arguments: &[Argument]) -> Result<(), Unfit> {
        Err(self.0)
    }
}

/// C26: what the parentchain could not be asked for makes the operation refused, and nothing waits for ever.
#[test]
fn c26_a_call_that_does_not_fit_the_parentchain_is_refused_with_the_reason() {
    let (mut worker, alice, _) = with(UNIT);
    for unfit in [Unfit::NoGuard, Unfit::NoSuchCall, Unfit::OtherArguments, Unfit::OtherType] {
        let calls: Arc<dyn Calls> = Arc::new(Knows(unfit));
        worker.parentchain = Parentchain { calls: Some(calls), ..Parentchain::default() };
        let refused = submit(&mut worker, &alice, announce(b"hear", 1));
        assert_eq!(refused.refusal().unwrap(), format!("Other.{}", unfit.reason()));
        assert_eq!((refused.effects.len(), asked(&worker).len()), (0, 0));
    }
    worker.parentchain = Parentchain::default();
    let refused = submit(&mut worker, &alice, announce(b"hear", 1));
    assert_eq!(refused.refusal().unwrap(), format!("Other.{}", Unfit::NoGuard.reason()));
}

/// C26, C17: nobody makes the workers pay without limit.
#[test]
fn c26_an_operation_and_a_block_ask_for_a_bounded_number_of_calls() {
    let (mut worker, alice, _) = with(UNIT);
    let most = u32::try_from(MAX_CALLS).unwrap();
    let refused = submit(&mut worker, &alice, announce(b"hear", most + 1));
    let too_many = Some("Other.the operation asks for too many calls of the parentchain");
    assert_eq!((refused.refusal(), refused.effects.len()), (too_many, 0));
    // A batch of calls is one operation.
    let batch = |calls| pallet_utility::Call::batch_all { calls };
    let refused = submit(&mut worker, &alice, batch(vec![announce(b"hear", most), announce(b"hear", 1)]));
    assert_eq!(refused.refusal(), too_many);
    let long = submit(&mut worker, &alice, announce(&[7; MAX_CALL_LEN], 1));
    assert_eq!(long.refusal(), Some("Other.the call's arguments are too long"));
    let nonce = worker.nonce(&alice);
    let block: Vec<_> = (0..8).map(|n| xt(&worker, &alice, announce(b"hear", most), nonce + n)).collect();
    let outcomes = worker.run_block(&block);
    let asked: usize = outcomes.iter().map(|outcome| outcome.effects.len()).sum();
    assert_eq!(asked, MAX_CALLS_IN_BLOCK);
    assert_eq!(
        outcomes.last().unwrap().refusal(),
        Some("Other.the block asks for too many calls of the parentchain")
    );
    // The next block has room again.
    assert_eq!(submit(&mut worker, &alice, announce(b"hear", 1)).effects.len(), 1);
}

#[test]
fn the_end_of_an_effect_is_told_at_the_beginning_of_the_block_that_shows_it_and_once() {
    for (done, end) in [(true, End::Done), (false, End::Failed)] {
        let (mut worker, alice, effect) = announced();
        assert_eq!(heard(&worker), []);
        let told = worker.deliver(effect, done);
        let delivery = Delivery { effect, end };
        assert_eq!((told.len(), told[0].delivery), (1, delivery));
        let event = crate::frame::parentchain::Event::<Runtime>::Delivered { effect, ok: done };
        assert_eq!(told[0].events, [RuntimeEvent::from(event).encode()]);
        assert_eq!(heard(&worker), [delivery]);
        // Shown once more, or past its last block: nothing is told again.
        assert_eq!(worker.deliver(effect, done), []);
        worker.run_to_block(worker.block.number + LIFETIME + 2);
        assert_eq!(heard(&worker), [delivery]);
        assert_eq!(submit(&mut worker, &alice, announce(b"again", 1)).outcome, Outcome::Executed);
    }
}

/// C26: an enclave that is wrong on purpose executes what nobody asked for. The logic hears nothing of it.
#[test]
fn c26_what_nobody_asked_for_is_not_told() {
    let (mut worker, _, _) = announced();
    assert_eq!(worker.deliver(H256::repeat_byte(9), true), []);
    assert_eq!(heard(&worker), []);
}

/// C26: a logic gives back what it took when the call never happens; so that must not be told too early.
#[test]
fn c26_a_call_expires_behind_its_last_block_and_not_before() {
    let (mut worker, _, effect) = announced();
    let until = worker.block.number + LIFETIME;
    worker.run_to_block(until);
    assert_eq!(heard(&worker), []);
    let told = worker.execute_next(&[]).deliveries;
    let expired = Delivery { effect, end: End::Expired };
    assert_eq!(told.iter().map(|told| told.delivery).collect::<Vec<_>>(), [expired]);
    let event = crate::frame::parentchain::Event::<Runtime>::Refused { effect };
    assert_eq!(told[0].events, [RuntimeEvent::from(event).encode()]);
    // In its last block it may still be executed, which the block itself shows.
    let mut other = worker.restarted();
    worker.run_block(&[]);
    assert_eq!(heard(&worker), [expired]);
    other.block.number -= 1;
    other.deliver(effect, true);
    other.run_to_block(until + 2);
    assert_eq!(heard(&other), [Delivery { effect, end: End::Done }]);
}

#[test]
fn a_payment_is_told_too_and_does_not_expire() {
    let (mut worker, alice, bob) = with(UNIT);
    let pay = crate::frame::parentchain::Call::unshield { beneficiary: bob.id(), amount: 500 };
    let effect = submit(&mut worker, &alice, pay).operation;
    worker.run_to_block(worker.block.number + LIFETIME + 2);
    assert_eq!(heard(&worker), []);
    worker.deliver(effect, true);
    assert_eq!(heard(&worker), [Delivery { effect, end: End::Done }]);
}

/// An author's mistake costs what it did, not what it was told, and no other effect.
#[test]
fn a_panic_when_it_is_told_is_that_effects_alone() {
    let (mut worker, alice, _) = with(UNIT);
    submit(&mut worker, &alice, announce(b"hear", 2));
    submit(&mut worker, &alice, herald::Call::panic_when_told { panics: true });
    let [first, second] = asked(&worker)[..] else { panic!("two effects") };
    worker.parentchain.executed = vec![(first, true)];
    let outcome = worker.execute_next(&[]);
    assert!(!outcome.prepared);
    worker.run_block(&[]);
    submit(&mut worker, &alice, herald::Call::panic_when_told { panics: false });
    assert_eq!(worker.deliver(first, true), [], "its end is known");
    worker.deliver(second, true);
    assert_eq!(heard(&worker), [Delivery { effect: second, end: End::Done }]);
}

#[test]
fn what_failed_or_was_rolled_back_is_not_under_way() {
    let (mut worker, alice, _) = with(UNIT);
    let root = worker.root;
    let batch =
        pallet_utility::Call::batch_all { calls: vec![announce(b"hear", 1), probe::Call::fails {}.into()] };
    let failed = submit(&mut worker, &alice, batch);
    assert_eq!((failed.outcome, failed.effects.len()), (Outcome::Refused, 0));
    assert_ne!(worker.root, root, "the nonce and the fee");
    assert_eq!(worker.deliver(failed.operation, true), []);
    worker.run_to_block(worker.block.number + LIFETIME + 2);
    assert_eq!(heard(&worker), []);
}

/// Invariant 3: whoever replays the blocks hears the same in the same block.
#[test]
fn two_workers_hear_the_same() {
    let (mut worker, alice, effect) = announced();
    let mut other = worker.restarted();
    for worker in [&mut worker, &mut other] {
        worker.run_block(&[]);
        worker.deliver(effect, false);
    }
    assert_eq!(worker.root, other.root);
    let mut deaf = worker.restarted();
    let block = [xt(&worker, &alice, announce(b"once more", 1), worker.nonce(&alice))];
    assert_eq!(worker.run_block(&block), deaf.run_block(&block));
}
