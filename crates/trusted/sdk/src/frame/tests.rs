// SPDX-License-Identifier: Apache-2.0
//! A FRAME runtime in a shard, run as an enclave runs it.

mod herald;
mod parentchain;
mod pitfalls;
mod probe;
mod runtime;
mod storage;

use crate::{
    BlockSecret, Effect, Operation, OperationOutcome, Outcome, PayoutTerms, StateTransition,
    frame::{NoClassicCalls, Shard, extensions::VerifySignature},
    testing::{
        TestAccount, TestWorker,
        frame::{operation, tx_extension},
    },
};
use codec::{Decode, Encode};
use offstage_primitives::read::{MAX_PERMIT_LIFETIME, Question};
use pallet_transaction_payment::ChargeTransactionPayment;
use runtime::{Balances, Extensions, Runtime, RuntimeCall, RuntimeEvent};
use sp_crypto_hashing::blake2_256;
use sp_runtime::{
    DispatchError,
    generic::{Era, Preamble},
    traits::{ExtensionVariant, PipelineAtVers, TransactionExtension},
};
use std::cell::Cell;

thread_local! {
    /// A test changes it as a new program would.
    static SPEC_VERSION: Cell<u32> = const { Cell::new(3) };
}

type Worker = TestWorker<Shard<Runtime>>;

fn extensions(nonce: u32, era: Era, tip: u128) -> Extensions {
    (tx_extension::<Runtime>(nonce, era), ChargeTransactionPayment::from(tip))
}

fn xt(
    worker: &Worker,
    account: &TestAccount,
    call: impl Into<RuntimeCall>,
    nonce: u32,
) -> Operation<NoClassicCalls> {
    worker.extrinsic_with(account, call, extensions(nonce, Era::Immortal, 0))
}

fn submit(worker: &mut Worker, account: &TestAccount, call: impl Into<RuntimeCall>) -> OperationOutcome {
    let extrinsic = xt(worker, account, call, worker.nonce(account));
    worker.run_alone(extrinsic)
}

fn transfer(to: &TestAccount, value: u128) -> RuntimeCall {
    pallet_balances::Call::transfer_allow_death { dest: to.id().into(), value }.into()
}

fn balance(worker: &Worker, account: &TestAccount) -> u128 {
    worker.inspect(|| Balances::free_balance(account.id()))
}

/// Alice and Bob, and a shard in which Alice has so much.
fn with(amount: u128) -> (Worker, TestAccount, TestAccount) {
    let (mut worker, alice, bob) = (Worker::production(), TestAccount::alice(), TestAccount::bob());
    assert_eq!(worker.shield(&alice, amount).outcome, Outcome::Executed);
    (worker, alice, bob)
}

const UNIT: u128 = 1_000_000_000_000;

#[test]
fn an_extrinsic_moves_money_pays_its_fee_and_tells_its_sender_what_it_did() {
    let (mut worker, alice, bob) = with(UNIT);
    let done = submit(&mut worker, &alice, transfer(&bob, 1_000));
    assert_eq!(done.outcome, Outcome::Executed);
    assert_eq!(balance(&worker, &bob), 1_000);
    let fee = UNIT - 1_000 - balance(&worker, &alice);
    assert!(fee > 0);
    let events: Vec<RuntimeEvent> =
        done.report.events.iter().map(|event| RuntimeEvent::decode(&mut &event[..]).unwrap()).collect();
    let moved = pallet_balances::Event::Transfer { from: alice.id(), to: bob.id(), amount: 1_000 };
    assert!(events.contains(&moved.into()), "{events:?}");
    assert!(
        events.iter().any(|event| matches!(event, RuntimeEvent::TransactionPayment(
            pallet_transaction_payment::Event::TransactionFeePaid { actual_fee, .. }) if *actual_fee == fee)),
        "{events:?}"
    );
    assert!(matches!(
        events.last(),
        Some(RuntimeEvent::System(frame_system::Event::ExtrinsicSuccess { .. }))
    ));
}

#[test]
fn a_refusal_has_the_pallets_error_by_name_keeps_the_fee_and_uses_the_nonce() {
    let (mut worker, alice, bob) = with(UNIT);
    let refused = submit(&mut worker, &alice, transfer(&bob, 2 * UNIT));
    assert_eq!((refused.outcome, refused.refusal()), (Outcome::Refused, Some("Arithmetic.Underflow")));
    let refused = submit(&mut worker, &alice, probe::Call::fails {});
    assert_eq!(refused.refusal(), Some("Probe.OnPurpose"));
    let error = DispatchError::decode(&mut &refused.report.error.clone().unwrap()[..]).unwrap();
    assert!(matches!(error, DispatchError::Module(module) if module.index == 6));
    assert!(!worker.inspect(probe::Watching::<Runtime>::get));
    assert_eq!(worker.nonce(&alice), 2);
    assert!(balance(&worker, &alice) < UNIT);
}

/// What is signed is good in one shard, of one chain, for one version, once, by its sender, as it is.
#[test]
fn c25_an_extrinsic_is_bound_to_everything_that_it_should_be_bound_to() {
    let (mut worker, alice, bob) = with(UNIT);
    let good = worker.signed_extrinsic(&alice, transfer(&bob, 5), extensions(0, Era::Immortal, 0));
    let refused = |worker: &Worker, bytes: Vec<u8>| {
        let outcome = worker.execute_next(&[operation(bytes)]);
        (outcome.outcomes[0].outcome, outcome.root == worker.root)
    };
    // ---- Another shard, another chain.
    let mut elsewhere = worker.restarted();
    elsewhere.block.shard.shard = [9; 32].into();
    assert_eq!(refused(&elsewhere, good.clone()), (Outcome::Unauthorised, true));
    let mut elsewhere = worker.restarted();
    elsewhere.block.shard.genesis_hash = offstage_primitives::BlockHash::repeat_byte(9);
    assert_eq!(refused(&elsewhere, good.clone()), (Outcome::Unauthorised, true));
    // ---- Another version of the runtime.
    SPEC_VERSION.set(4);
    let outcome = worker.execute_next(&[operation(good.clone())]);
    assert_eq!(outcome.outcomes[0].outcome, Outcome::Unauthorised);
    SPEC_VERSION.set(3);
    // ---- Every byte counts.
    for index in 0..good.len() {
        let mut changed = good.clone();
        changed[index] ^= 1;
        let (outcome, unchanged) = refused(&worker, changed);
        assert!(!outcome.is_success() && unchanged, "byte {index}: {outcome:?}");
    }
    for length in 0..good.len() {
        assert_eq!(refused(&worker, good[..length].to_vec()), (Outcome::Undecipherable, true));
    }
    assert_eq!(refused(&worker, [&good[..], &[0]].concat()), (Outcome::Undecipherable, true));
    // ---- Once.
    assert_eq!(worker.run_alone(operation(good.clone())).outcome, Outcome::Executed);
    assert_eq!(refused(&worker, good), (Outcome::WrongNonce, true));
    for nonce in [0, 2, u32::MAX] {
        let early = xt(&worker, &alice, transfer(&bob, 5), nonce);
        assert_eq!(worker.execute_next(&[early]).outcomes[0].outcome, Outcome::WrongNonce);
    }
}

/// C2: an emptied account is forgotten by the pallets, its nonce is not.
#[test]
fn c02_a_nonce_survives_that_its_account_is_emptied() {
    let (mut worker, alice, bob) = with(UNIT);
    let replayed = xt(&worker, &alice, transfer(&bob, 5), 0);
    assert!(worker.run_alone(replayed.clone()).outcome.is_success());
    let all: RuntimeCall =
        pallet_balances::Call::transfer_all { dest: bob.id().into(), keep_alive: false }.into();
    assert!(submit(&mut worker, &alice, all).outcome.is_success());
    assert_eq!(balance(&worker, &alice), 0);
    assert!(worker.inspect(|| !frame_system::Account::<Runtime>::contains_key(alice.id())));
    assert_eq!(worker.nonce(&alice), 2);
    worker.shield(&alice, UNIT);
    assert_eq!(worker.run_alone(replayed).outcome, Outcome::WrongNonce);
}

#[test]
fn an_era_begins_and_ends_with_blocks_of_the_parentchain() {
    let (mut worker, alice, bob) = with(UNIT);
    worker.run_to_block(100);
    let mortal = |worker: &Worker, period, at: u64| {
        let era = Era::mortal(period, at);
        worker.extrinsic_with(&alice, transfer(&bob, 5), extensions(0, era, 0))
    };
    // Signed when block 100 was the newest, for eight blocks.
    let signed = mortal(&worker, 8, 100);
    let mut later = worker.restarted();
    later.run_to_block(106);
    assert_eq!(later.run_alone(signed.clone()).outcome, Outcome::Executed);
    worker.run_to_block(107);
    // Its era is over. Nobody knows the hash of the block that begins the next one before it is executed.
    assert_eq!(worker.run_alone(signed.clone()).outcome, Outcome::Expired);
    assert_eq!(worker.run_alone(signed).outcome, Outcome::Unauthorised);
    // A fork has another hash where the era begins.
    let signed = mortal(&worker, 64, 105);
    assert_eq!(worker.execute_next(std::slice::from_ref(&signed)).outcomes[0].outcome, Outcome::Executed);
    let other = |before: crate::Ancestors, number| {
        before.after(number, offstage_primitives::BlockHash::repeat_byte(7))
    };
    let mut fork = worker.restarted();
    fork.block.ancestors = (1..109).fold(crate::Ancestors::genesis(worker.block.shard.genesis_hash), other);
    assert_eq!(fork.execute_next(&[signed]).outcomes[0].outcome, Outcome::Unauthorised);
    // The era is not over, but it began longer ago than anybody remembers.
    let signed = mortal(&worker, 1_024, 109);
    worker.run_to_block(362);
    assert_eq!(worker.execute_next(std::slice::from_ref(&signed)).outcomes[0].outcome, Outcome::Executed);
    worker.run_to_block(366);
    assert_eq!(worker.execute_next(&[signed]).outcomes[0].outcome, Outcome::Expired);
}

#[test]
fn c25_who_cannot_pay_the_fee_loses_nothing() {
    let (mut worker, alice, bob) = with(UNIT);
    worker.shield(&bob, 10);
    let poor = xt(&worker, &bob, transfer(&alice, 1), 0);
    let outcome = worker.execute_next(&[poor]);
    assert_eq!(outcome.outcomes[0].outcome, Outcome::Invalid);
    assert_eq!(outcome.root, worker.root);
    let generous = worker.extrinsic_with(&alice, transfer(&bob, 1), extensions(0, Era::Immortal, 50));
    let plain = xt(&worker, &alice, transfer(&bob, 1), 0);
    let after = |operation| {
        let mut worker = worker.restarted();
        worker.run_alone(operation);
        balance(&worker, &alice)
    };
    assert_eq!(after(plain) - after(generous), 50, "the tip");
}

#[test]
fn c25_who_did_not_sign_is_refused() {
    let (worker, alice, bob) = with(UNIT);
    let bare = runtime::UncheckedExtrinsic::new_bare(transfer(&bob, 1)).encode();
    let general_without_signature =
        runtime::UncheckedExtrinsic::new_transaction(transfer(&bob, 1), extensions(0, Era::Immortal, 0))
            .encode();
    let inherent = worker.signed_extrinsic(
        &alice,
        pallet_timestamp::Call::set { now: 5 },
        extensions(0, Era::Immortal, 0),
    );
    for bytes in [bare, general_without_signature, inherent] {
        let outcome = worker.execute_next(&[operation(bytes)]);
        assert_eq!(outcome.outcomes[0].outcome, Outcome::Unauthorised);
        assert_eq!(outcome.root, worker.root);
    }
}

/// Format 5, as libraries make it: the signature is an extension, over all that stands behind it.
fn general(worker: &Worker, account: &TestAccount, call: RuntimeCall, nonce: u32) -> Vec<u8> {
    let extensions = extensions(nonce, Era::Immortal, 0);
    let implicit = worker.inspect(|| extensions.implicit().unwrap());
    let message = (1u8, &call, &extensions, implicit).using_encoded(blake2_256);
    let signature = account.sign(&message);
    let signed = (VerifySignature::Signed { signature, account: account.id() }, extensions);
    let preamble = Preamble::General(ExtensionVariant::Other(PipelineAtVers::new(signed)));
    runtime::UncheckedExtrinsic::from_parts(call, preamble).encode()
}

#[test]
fn c25_a_general_extrinsic_is_executed_for_who_signed_it() {
    let (mut worker, alice, bob) = with(UNIT);
    let good = general(&worker, &alice, transfer(&bob, 7), 0);
    for index in 0..good.len() {
        let mut changed = good.clone();
        changed[index] ^= 1;
        assert!(!worker.execute_next(&[operation(changed)]).outcomes[0].outcome.is_success(), "byte {index}");
    }
    assert_eq!(worker.run_alone(operation(good.clone())).outcome, Outcome::Executed);
    assert_eq!((balance(&worker, &bob), worker.nonce(&alice)), (7, 1));
    assert_eq!(worker.run_alone(operation(good)).outcome, Outcome::WrongNonce);
    let unsigned = {
        let signed = (VerifySignature::Disabled, extensions(1, Era::Immortal, 0));
        let preamble = Preamble::General(ExtensionVariant::Other(PipelineAtVers::new(signed)));
        runtime::UncheckedExtrinsic::from_parts(transfer(&bob, 7), preamble).encode()
    };
    assert_eq!(worker.run_alone(operation(unsigned)).outcome, Outcome::Unauthorised);
}

#[test]
fn hooks_run_in_order_at_the_parentchains_numbers_and_see_the_block() {
    let (mut worker, alice, _) = with(UNIT);
    submit(&mut worker, &alice, probe::Call::watch { on: true });
    let number = worker.block.number + 1;
    worker.run_block(&[]);
    let seen = worker.inspect(probe::Seen::<Runtime>::get);
    let parent = worker.block.ancestors.before(number).last().unwrap().1.into();
    // The first two are of the end of the block with the call.
    let of_block: Vec<_> = (1..5u8).map(|hook| (hook, number, u64::from(number) * 1_000, parent)).collect();
    assert_eq!(seen[2..], of_block);
    worker.inspect(|| {
        assert_eq!(frame_system::Pallet::<Runtime>::block_number(), number);
        assert_eq!(pallet_timestamp::Now::<Runtime>::get(), u64::from(number) * 1_000);
        assert_eq!(frame_system::Pallet::<Runtime>::block_hash(number - 1), parent);
    });
}

#[test]
fn an_empty_block_of_a_runtime_whose_hooks_do_nothing_changes_nothing() {
    let (worker, ..) = with(UNIT);
    let outcome = worker.execute_next(&[]);
    assert_eq!(
        (outcome.root, outcome.changes.upserts.len(), outcome.changes.removals.len()),
        (worker.root, 0, 0)
    );
    assert!(outcome.prepared);
    // What hooks cost counts all the same: base, `on_initialize`, `on_poll`, `on_idle`.
    assert!(outcome.weight.ref_time() > 1_230, "{}", outcome.weight);
}

#[test]
fn a_hook_that_panics_is_noticed_and_stops_nothing() {
    for hook in 1..5 {
        let (mut worker, alice, bob) = with(UNIT);
        submit(&mut worker, &alice, probe::Call::watch { on: true });
        submit(&mut worker, &alice, probe::Call::hook_panics { hook });
        let sent = xt(&worker, &alice, transfer(&bob, 5), 2);
        let outcome = worker.execute_next(&[sent]);
        assert!(!outcome.prepared);
        assert_eq!(outcome.outcomes[0].outcome, Outcome::Executed, "hook {hook}");
    }
}

#[test]
fn migrations_run_once_after_a_new_version() {
    let (mut worker, ..) = with(UNIT);
    worker.run_to_block(5);
    let migrations = |worker: &Worker| worker.inspect(probe::Migrations::<Runtime>::get);
    assert_eq!(migrations(&worker), 0);
    SPEC_VERSION.set(4);
    worker.run_to_block(9);
    assert_eq!(migrations(&worker), 1);
    SPEC_VERSION.set(3);
}

/// What is reachable from a pallet on a chain and is not the same on every worker ends the call, not the worker.
#[test]
fn what_panics_or_asks_for_more_than_the_state_is_a_receipt() {
    let (mut worker, alice, _) = with(UNIT);
    let calls: [RuntimeCall; 3] = [
        probe::Call::panics {}.into(),
        probe::Call::asks_offchain {}.into(),
        probe::Call::asks_keystore {}.into(),
    ];
    for (nonce, call) in (0..).zip(calls) {
        assert_eq!(submit(&mut worker, &alice, call.clone()).outcome, Outcome::Panicked, "{call:?}");
        assert_eq!(worker.nonce(&alice), nonce + 1);
    }
    assert!(!worker.inspect(probe::Watching::<Runtime>::get));
    assert_eq!(balance(&worker, &alice), UNIT);
}

/// C19, for extrinsics: what was declared makes room, what was not used is given back.
#[test]
fn c19_a_senders_share_is_of_what_its_calls_use() {
    let (worker, alice, bob) = with(UNIT * UNIT);
    let mut worker = worker;
    worker.shield(&bob, UNIT * UNIT);
    let share = <Shard<Runtime> as StateTransition>::limits().sender.ref_time();
    let heavy = |declared, used| probe::Call::weigh { declared, used };
    let nearly = share - share / 8;
    let block: Vec<_> = vec![
        xt(&worker, &alice, heavy(nearly, 1_000), 0),
        xt(&worker, &alice, heavy(nearly, nearly), 1),
        xt(&worker, &alice, heavy(nearly, nearly), 2),
        xt(&worker, &bob, heavy(nearly, nearly), 0),
        xt(&worker, &bob, heavy(share + 1, 0), 1),
    ];
    let outcomes: Vec<_> = worker.run_block(&block).iter().map(|outcome| outcome.outcome).collect();
    use Outcome::{Executed, NotNow, TooHeavy};
    assert_eq!(outcomes, [Executed, Executed, NotNow, Executed, TooHeavy]);
    assert_eq!((worker.nonce(&alice), worker.nonce(&bob)), (2, 2));
}

#[test]
fn c17_money_is_paid_out_by_a_call_and_what_is_too_little_is_refused() {
    let (mut worker, alice, bob) = with(UNIT);
    worker.block.payout = PayoutTerms { existential_deposit: 500, fee: 100 };
    let pay = |amount| -> RuntimeCall {
        super::parentchain::Call::unshield { beneficiary: bob.id(), amount }.into()
    };
    let refused = submit(&mut worker, &alice, pay(499));
    assert_eq!((refused.refusal(), refused.effects.len()), (Some("Parentchain.BelowLeastPayment"), 0));
    let issued = |worker: &Worker| worker.inspect(pallet_balances::TotalIssuance::<Runtime>::get);
    let before = issued(&worker);
    let done = submit(&mut worker, &alice, pay(500));
    let expected = Effect::Unshield { beneficiary: bob.id(), amount: 500, call_hash: done.operation };
    assert_eq!(done.effects, [expected]);
    assert!(issued(&worker) <= before - 500);
    // A batch that fails at its end has asked for nothing; one that goes through, for each payment.
    let batch = |calls| pallet_utility::Call::batch_all { calls };
    let failed = submit(&mut worker, &alice, batch(vec![pay(600), pay(1)]));
    assert_eq!((failed.outcome, failed.effects.len()), (Outcome::Refused, 0));
    let done = submit(&mut worker, &alice, batch(vec![pay(600), pay(600)]));
    let hashes: std::collections::BTreeSet<_> = done.effects.iter().map(Effect::call_hash).collect();
    assert_eq!(hashes.len(), 2);
    // Nothing of it is left behind for the next call of the block.
    let nonce = worker.nonce(&alice);
    let block = [
        xt(&worker, &alice, pay(600), nonce),
        xt(&worker, &alice, probe::Call::watch { on: false }, nonce + 1),
        xt(&worker, &alice, pay(1), nonce + 2),
        xt(&worker, &alice, pay(600), nonce + 3),
    ];
    let effects: Vec<_> = worker.run_block(&block).iter().map(|outcome| outcome.effects.len()).collect();
    assert_eq!(effects, [1, 0, 0, 1]);
}

/// A payment that a hook asks for would be another's, or nobody's: it is refused, and what it cost can be given back.
#[test]
fn c17_a_hook_cannot_ask_for_a_payment() {
    let (mut worker, alice, _) = with(UNIT);
    submit(&mut worker, &alice, probe::Call::let_hooks_pay {});
    let before = worker.inspect(probe::Unpaid::<Runtime>::get);
    let done = submit(&mut worker, &alice, probe::Call::watch { on: false });
    assert_eq!((done.outcome, done.effects.len()), (Outcome::Executed, 0));
    assert_eq!(worker.inspect(probe::Unpaid::<Runtime>::get), before + 4, "each hook of the block");
}

#[test]
fn a_state_begins_as_the_runtime_says() {
    let worker = Worker::development();
    let founded = worker.inspect(|| Balances::free_balance(worker.block.shard.shard.account()));
    assert_eq!(founded, runtime::FOUNDED);
}

#[test]
fn what_is_paid_in_is_credited_and_nothing_is_not() {
    let (mut worker, alice, bob) = with(7);
    assert_eq!(balance(&worker, &alice), 7);
    assert_eq!(worker.shield(&bob, 0).outcome, Outcome::Refused);
    assert_eq!(worker.inspect(pallet_balances::TotalIssuance::<Runtime>::get), 7 + runtime::FOUNDED);
}

fn note(worker: &mut Worker, account: &TestAccount, about: &[u8], value: u64) {
    let about = about.to_vec().try_into().unwrap();
    let done = submit(worker, account, probe::Call::note { about, value });
    assert_eq!(done.outcome, Outcome::Executed);
}

#[test]
fn c24_an_entry_is_told_to_the_account_that_it_is_about_and_to_nobody_else() {
    Worker::check_read_policy();
    let (mut worker, alice, bob) = with(UNIT);
    note(&mut worker, &alice, b"secret", 42);
    let question = |about: &[u8], account: &TestAccount| [about.encode(), account.id().encode()];
    let ask = |arguments: &[Vec<u8>], asker| worker.ask_for("Probe", "Notes", arguments, asker);
    assert_eq!(ask(&question(b"secret", &alice), Some(&alice)), Some(42u64.encode()));
    // One answer for all that is not the asker's, and for what is not there.
    assert_eq!(ask(&question(b"secret", &alice), Some(&bob)), None);
    assert_eq!(ask(&question(b"secret", &alice), None), None);
    assert_eq!(ask(&question(b"secret", &bob), Some(&bob)), None);
    assert_eq!(ask(&question(b"other", &alice), Some(&alice)), None);
    assert_eq!(ask(&question(b"secret", &alice)[..1], Some(&alice)), None);
    assert_eq!(ask(&[], Some(&alice)), None);
    // What is closed, and what does not exist.
    for (pallet, name) in
        [("Probe", "Seen"), ("Probe", "HookPanics"), ("Probe", "Nothing"), ("Nobody", "Notes")]
    {
        assert_eq!(worker.ask_for(pallet, name, &[], Some(&alice)), None, "{pallet}.{name}");
    }
    // An account that is not there has a value, but tells it to its owner alone.
    let account = [bob.id().encode()];
    assert_eq!(worker.ask_for("System", "Account", &account, Some(&alice)), None);
    assert!(worker.ask_for("System", "Account", &account, Some(&bob)).is_some());
}

/// The map's keys are put together without anything between them. Pieces of one key that reach into the other's place
/// are no keys.
#[test]
fn c24_a_key_made_of_pieces_reads_nobody_elses_entry() {
    let (mut worker, alice, bob) = with(UNIT);
    note(&mut worker, &alice, b"", 42);
    worker.shield(&bob, UNIT);
    // An entry whose storage key begins with all of Alice's.
    let reaching = [&b"".to_vec().encode()[..], &alice.id().encode()].concat();
    let ask = |arguments: &[Vec<u8>], asker| worker.ask_for("Probe", "Notes", arguments, Some(asker));
    assert_eq!(ask(&[reaching.clone(), bob.id().encode()], &bob), None);
    assert_eq!(ask(&[reaching, Vec::new()], &alice), None);
    assert_eq!(ask(&[Vec::new(), [&[0][..], &alice.id().encode()].concat()], &alice), None);
    assert_eq!(ask(&[vec![0], alice.id().encode()], &alice), Some(42u64.encode()));
    // Alice writes to Bob, so his account is in her entry's key. Bytes behind the first key would make it his own
    // place.
    let to = [&<[u8; 32]>::from(bob.id())[..], &[0]].concat();
    let write = probe::Call::write { to: to.clone().try_into().unwrap(), value: 7 };
    assert_eq!(submit(&mut worker, &alice, write).outcome, Outcome::Executed);
    let letter = |keys: [Vec<u8>; 3], asker| worker.ask_for("Probe", "Letters", &keys, Some(asker));
    assert_eq!(letter([vec![0], alice.id().encode(), to.encode()], &alice), Some(7u64.encode()));
    let reaching = [&[0][..], &alice.id().encode(), &to.encode()[..1]].concat();
    assert_eq!(letter([reaching, bob.id().encode(), vec![0]], &bob), None);
}

#[test]
fn what_is_public_is_told_to_everybody() {
    let (worker, alice, _) = with(UNIT);
    let now = u64::from(worker.block.number) * 1_000;
    assert_eq!(worker.ask_for("Timestamp", "Now", &[], None), Some(now.encode()));
    assert_eq!(worker.ask_for("Probe", "Watching", &[], None), Some(false.encode()), "its default");
    let sum = |arguments: &[Vec<u8>]| worker.ask_for("Probe", "sum", arguments, None);
    assert_eq!(sum(&[2u32.encode(), 40u32.encode()]), Some(42u64.encode()));
    assert_eq!(sum(&[2u32.encode()]), None);
    assert_eq!(sum(&[(2u32, 40u32).encode(), Vec::new()]), None);
    let own = |asker| worker.ask_for("Probe", "own_note", &[alice.id().encode()], asker);
    assert_eq!(own(Some(&alice)), Some(None::<u64>.encode()));
    assert_eq!(own(None), None);
}

#[test]
fn c24_a_permit_is_for_one_shard_and_a_while_and_a_bad_one_gets_nothing() {
    let (mut worker, alice, _) = with(UNIT);
    worker.run_to_block(50);
    let nonce = |worker: &Worker, permit| worker.ask_with(Question::Nonce, permit);
    let good = worker.permit(&alice, 50);
    assert_eq!(nonce(&worker, Some(good.clone())), Some(0u32.encode()));
    assert_eq!(nonce(&worker, None), None);
    let far = worker.permit(&alice, 51 + MAX_PERMIT_LIFETIME);
    assert_eq!(nonce(&worker, Some(far)), None);
    let mut elsewhere = worker.restarted();
    elsewhere.block.shard.shard = [9; 32].into();
    assert_eq!(nonce(&elsewhere, Some(good.clone())), None);
    // Also what is public is not told to a bad permit.
    let now = Question::Item { pallet: "Timestamp".into(), name: "Now".into(), arguments: vec![] };
    worker.run_to_block(51);
    assert_eq!(worker.ask_with(now, Some(good.clone())), None);
    assert_eq!(nonce(&worker, Some(good)), None, "expired");
}

#[test]
fn a_rule_that_names_nothing_opens_nothing_and_is_told_to_the_author() {
    use super::reads::{Access, Rule, RuleError};
    let rule = |pallet, name, access| Rule { pallet, name, access };
    let wrong = [
        rule("Nobody", "Notes", Access::Public),
        rule("Probe", "Nothing", Access::Public),
        rule("Probe", "Notes", Access::Owner(0)),
        rule("Probe", "Notes", Access::Owner(2)),
    ];
    let errors: Vec<_> = wrong.iter().filter_map(super::reads::wrong_rule::<Runtime>).collect();
    let no_account = |key| RuleError::NoAccount("Probe", "Notes", key);
    let unknown = |pallet, name| RuleError::Unknown(pallet, name);
    assert_eq!(
        errors,
        [unknown("Nobody", "Notes"), unknown("Probe", "Nothing"), no_account(0), no_account(2)]
    );
}

#[test]
fn what_is_drawn_is_the_same_on_all_workers_and_never_the_same_twice() {
    let (mut worker, alice, bob) = with(UNIT);
    worker.shield(&bob, UNIT);
    let draw = || probe::Call::draw_twice {};
    let mut other = worker.restarted();
    for nonce in 0..2 {
        let block = [xt(&worker, &alice, draw(), nonce), xt(&worker, &bob, draw(), nonce)];
        worker.run_block(&block);
        other.run_block(&block);
        other = other.restarted();
    }
    let drawn = |worker: &Worker| worker.inspect(probe::Drawn::<Runtime>::get);
    assert_eq!((drawn(&worker).len(), worker.root), (8, other.root));
    let different: std::collections::BTreeSet<_> = drawn(&worker).into_iter().collect();
    assert_eq!(different.len(), 8);
    // The secret decides: in the very same block another gives other numbers.
    let block = [xt(&worker, &alice, draw(), 2)];
    let run = |secret: &BlockSecret| {
        let (store, next) = (&worker.store, worker.next_block());
        worker.executor().execute_block(store, worker.root, &next, secret, &block).unwrap().root
    };
    assert_eq!(run(&worker.secret()), worker.execute_next(&block).root);
    assert_ne!(run(&BlockSecret::new([7; 32].into())), worker.execute_next(&block).root);
}

/// A read that could draw would tell what a call of the same block drew.
#[test]
fn a_read_draws_nothing() {
    let (worker, ..) = with(UNIT);
    let question = Question::Item { pallet: "Probe".into(), name: "draw".into(), arguments: vec![] };
    let reads = <Shard<Runtime> as StateTransition>::reads();
    let asked = worker.executor().ask(&worker.store, worker.root, &worker.block, &*reads, &question, None);
    assert_eq!(asked, Err(crate::ReadError::Panicked));
}

#[test]
fn workers_agree_whatever_their_caches_have() {
    let (mut worker, alice, bob) = with(UNIT);
    for round in 0..5u128 {
        let block: Vec<_> = (0..3)
            .map(|n| xt(&worker, &alice, transfer(&bob, round + 1), worker.nonce(&alice) + n))
            .collect();
        let cold = worker.restarted().execute_next(&block);
        let warm = worker.execute_next(&block);
        assert_eq!(cold, warm);
        worker.run_block(&block);
    }
    assert_eq!(worker.nonce(&alice), 15);
}
