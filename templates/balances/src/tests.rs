// SPDX-License-Identifier: Apache-2.0
//! Confidential balances, run as an enclave runs them.

use super::*;
use offstage_balances_interface::TrustedGetterSigned;
use offstage_primitives::ShardIdentifier;
use offstage_sdk::{
    Effect, Operation, OperationOutcome, Outcome, PayoutTerms, ReadError, StateTransition,
    testing::{TestAccount, TestWorker},
};
use proptest::{collection::vec, prelude::*};

type Worker = TestWorker<Balances>;

fn alice() -> TestAccount {
    TestAccount::alice()
}

fn bob() -> TestAccount {
    TestAccount::bob()
}

fn transfer_to(from: &TestAccount, to: &TestAccount, amount: u128) -> TrustedCall {
    TrustedCall::BalanceTransfer(from.id(), to.id(), amount)
}

fn unshield_to(worker: &Worker, from: &TestAccount, to: &TestAccount, amount: u128) -> TrustedCall {
    TrustedCall::BalanceUnshield(from.id(), to.id(), amount, worker.block.shard.shard)
}

fn ask(worker: &Worker, account: &TestAccount, getter: TrustedGetter) -> Option<Vec<u8>> {
    let signature = account.sign(&getter.encode());
    worker.read(&Getter::Trusted(TrustedGetterSigned { getter, signature })).unwrap()
}

fn balance(worker: &Worker, account: &TestAccount) -> u128 {
    decode(ask(worker, account, TrustedGetter::FreeBalance(account.id())))
}

fn reserved(worker: &Worker, account: &TestAccount) -> u128 {
    decode(ask(worker, account, TrustedGetter::ReservedBalance(account.id())))
}

fn decode<T: codec::Decode>(answer: Option<Vec<u8>>) -> T {
    T::decode(&mut &answer.unwrap()[..]).unwrap()
}

fn issuance(worker: &Worker) -> u128 {
    worker.inspect(runtime::Balances::total_issuance)
}

/// wire.md's demo, inside.
#[test]
fn the_demo_ends_with_the_balances_that_users_know() {
    let mut worker = Worker::development();
    for round in 1..=2u128 {
        assert_eq!(worker.shield(&alice(), 50_000_000_000).outcome, Outcome::Executed);
        assert_eq!(
            worker.call(&alice(), transfer_to(&alice(), &bob(), 25_000_000_000)).outcome,
            Outcome::Executed
        );
        let call = unshield_to(&worker, &alice(), &alice(), 15_000_000_000);
        let unshielded = worker.call(&alice(), call);
        assert_eq!(
            unshielded.effects,
            [Effect::Unshield {
                beneficiary: alice().id(),
                amount: 15_000_000_000,
                call_hash: unshielded.operation
            }]
        );
        assert_eq!(balance(&worker, &alice()), round * 10_000_000_000);
        assert_eq!(balance(&worker, &bob()), round * 25_000_000_000);
    }
    assert_eq!(issuance(&worker), 70_000_000_000);
}

#[test]
fn the_smallest_shielding_is_credited_and_nothing_is_refused() {
    let mut worker = Worker::production();
    assert_eq!(worker.shield(&bob(), 1).outcome, Outcome::Executed);
    assert_eq!(balance(&worker, &bob()), 1);
    assert_eq!(worker.shield(&bob(), 0).outcome, Outcome::Refused);
    assert_eq!(worker.shield(&bob(), u128::MAX).outcome, Outcome::Refused);
    assert_eq!(balance(&worker, &bob()), 1);
}

#[test]
fn nobody_spends_more_than_they_have() {
    let mut worker = Worker::production();
    worker.shield(&alice(), 100);
    for call in [transfer_to(&alice(), &bob(), 101), unshield_to(&worker, &alice(), &bob(), 101)] {
        let outcome = worker.call(&alice(), call);
        assert_eq!((outcome.outcome, outcome.effects), (Outcome::Refused, vec![]));
    }
    assert_eq!((balance(&worker, &alice()), balance(&worker, &bob())), (100, 0));
}

#[test]
fn an_unshielding_needs_an_amount_and_this_shard() {
    let mut worker = Worker::production();
    worker.shield(&alice(), 100);
    let nothing = unshield_to(&worker, &alice(), &alice(), 0);
    let elsewhere =
        TrustedCall::BalanceUnshield(alice().id(), alice().id(), 5, ShardIdentifier::from([9; 32]));
    for call in [nothing, elsewhere] {
        assert_eq!(worker.call(&alice(), call).outcome, Outcome::Refused);
    }
    assert_eq!(issuance(&worker), 100);
}

#[test]
fn everything_can_be_unshielded() {
    let mut worker = Worker::production();
    worker.shield(&alice(), 100);
    let all = unshield_to(&worker, &alice(), &bob(), 100);
    assert_eq!(worker.call(&alice(), all).outcome, Outcome::Executed);
    assert_eq!((balance(&worker, &alice()), issuance(&worker)), (0, 0));
}

/// C17: what the parentchain would refuse to pay, or what costs more than it pays, takes nothing from its sender.
#[test]
fn c17_an_unshielding_below_what_the_parentchain_takes_is_refused_and_keeps_its_money() {
    let mut worker = Worker::production();
    worker.shield(&alice(), 10_000);
    worker.block.payout = PayoutTerms { existential_deposit: 500, fee: 700 };
    for amount in [1, 499, 500, 699] {
        let call = unshield_to(&worker, &alice(), &bob(), amount);
        let outcome = worker.call(&alice(), call);
        assert_eq!((outcome.outcome, outcome.effects), (Outcome::Refused, vec![]), "{amount}");
    }
    assert_eq!((balance(&worker, &alice()), issuance(&worker)), (10_000, 10_000));
    let enough = unshield_to(&worker, &alice(), &bob(), 700);
    assert_eq!(worker.call(&alice(), enough).outcome, Outcome::Executed);
    assert_eq!((balance(&worker, &alice()), issuance(&worker)), (9_300, 9_300));
}

/// C2: an account that was emptied and funded again refuses its old calls.
#[test]
fn c02_nonces_survive_reaping() {
    let mut worker = Worker::production();
    worker.shield(&alice(), 100);
    let empty = worker.signed(&alice(), transfer_to(&alice(), &bob(), 100), 0);
    assert_eq!(worker.run_block(std::slice::from_ref(&empty))[0].outcome, Outcome::Executed);
    let gone = worker.inspect(|| !frame_system::Account::<Runtime>::contains_key(alice().id()));
    assert!(gone, "the account is reaped");
    worker.shield(&alice(), 100);
    assert_eq!(worker.run_block(&[empty])[0].outcome, Outcome::WrongNonce);
    assert_eq!(balance(&worker, &alice()), 100);
    assert_eq!(decode::<u32>(ask(&worker, &alice(), TrustedGetter::Nonce(alice().id()))), 1);
}

#[test]
fn c04_internal_calls_are_not_accepted_from_users() {
    let mut worker = Worker::development();
    for call in [
        TrustedCall::BalanceShield(alice().id(), alice().id(), 1_000),
        TrustedCall::TimestampSet(alice().id(), 1),
    ] {
        let operation = worker.signed(&alice(), call, 0);
        assert_eq!(worker.run_block(&[operation])[0].outcome, Outcome::Unauthorised);
    }
    assert_eq!((issuance(&worker), worker.nonce(&alice())), (0, 0));
}

#[test]
fn balances_are_set_by_alice_on_development_chains_only() {
    let set = |root: &TestAccount| TrustedCall::BalanceSetBalance(root.id(), bob().id(), 1_000, 300);
    let mut development = Worker::development();
    assert_eq!(development.call(&bob(), set(&bob())).outcome, Outcome::Refused);
    for _ in 0..2 {
        assert_eq!(development.call(&alice(), set(&alice())).outcome, Outcome::Executed);
        assert_eq!((balance(&development, &bob()), reserved(&development, &bob())), (1_000, 300));
        assert_eq!(issuance(&development), 1_300);
    }
    let mut production = Worker::production();
    assert_eq!(production.call(&alice(), set(&alice())).outcome, Outcome::Refused);
    assert_eq!(issuance(&production), 0);
}

#[test]
fn c09_getters_answer_to_the_accounts_owner() {
    let mut worker = Worker::production();
    worker.shield(&alice(), 100);
    let getter = TrustedGetter::FreeBalance(alice().id());
    let signature = bob().sign(&getter.encode());
    let stolen = Getter::Trusted(TrustedGetterSigned { getter, signature });
    assert_eq!(worker.read(&stolen), Err(ReadError::Unauthorised));
    assert_eq!(decode::<u32>(worker.read(&Getter::Public(PublicGetter::SomeValue)).unwrap()), 42);
    assert_eq!(balance(&worker, &TestAccount::named("Nobody")), 0);
}

#[test]
fn a_block_sets_the_parentchains_number_and_time() {
    let mut worker = Worker::production();
    worker.run_block(&[]);
    worker.run_block(&[]);
    let seen = worker.inspect(|| {
        (frame_system::Pallet::<Runtime>::block_number(), pallet_timestamp::Now::<Runtime>::get())
    });
    assert_eq!(seen, (worker.block.number, worker.block.timestamp_ms));
}

/// Two equal states, one after many blocks with calls: nothing but balances, nonces, number and time has grown.
#[test]
fn events_do_not_stay_in_the_state() {
    let mut worker = Worker::production();
    worker.shield(&alice(), 1_000);
    worker.call(&alice(), transfer_to(&alice(), &bob(), 10));
    let size = worker.store.len();
    for _ in 0..20 {
        worker.call(&alice(), transfer_to(&alice(), &bob(), 10));
        let call = unshield_to(&worker, &alice(), &bob(), 1);
        let [Effect::Unshield { call_hash, .. }] = worker.call(&alice(), call).effects[..] else {
            panic!("a payment")
        };
        // A payment is remembered until the parentchain shows it.
        worker.deliver(call_hash, true);
        worker.shield(&alice(), 1);
    }
    assert_eq!(worker.store.len(), size);
    worker.inspect(|| {
        assert_eq!(frame_system::Pallet::<Runtime>::read_events_no_consensus().count(), 0);
        assert_eq!(frame_system::Pallet::<Runtime>::event_count(), 0);
    });
}

#[test]
fn an_empty_block_writes_nothing() {
    let mut worker = Worker::production();
    worker.shield(&alice(), 1_000);
    let outcome = worker.execute_next(&[]);
    assert_eq!((outcome.root, outcome.changes), (worker.root, Default::default()));
}

/// Extrinsics and classic calls are of one state, and share their sender's nonce.
#[test]
fn extrinsics_and_classic_calls_go_together() {
    let mut worker = Worker::production();
    worker.shield(&alice(), 1_000);
    let send: RuntimeCall = transfer(&bob().id(), 100);
    assert!(worker.submit(&alice(), send.clone()).outcome.is_success());
    assert!(worker.call(&alice(), transfer_to(&alice(), &bob(), 10)).outcome.is_success());
    assert_eq!((balance(&worker, &alice()), balance(&worker, &bob())), (890, 110));
    let nonce = worker.nonce(&alice());
    assert_eq!(nonce, 2);
    let both = [
        worker.signed(&alice(), transfer_to(&alice(), &bob(), 1), nonce),
        worker.extrinsic(&alice(), send.clone(), nonce),
        worker.extrinsic(&alice(), send, nonce + 1),
    ];
    let outcomes: Vec<_> = worker.run_block(&both).iter().map(|outcome| outcome.outcome).collect();
    assert_eq!(outcomes, [Outcome::Executed, Outcome::WrongNonce, Outcome::Executed]);
    let pay = frame::parentchain::Call::unshield { beneficiary: bob().id(), amount: 89 };
    let paid = worker.submit(&alice(), pay);
    let expected = Effect::Unshield { beneficiary: bob().id(), amount: 89, call_hash: paid.operation };
    assert_eq!(paid.effects, [expected]);
    assert_eq!(balance(&worker, &alice()), 700);
}

#[test]
fn the_metadata_names_the_pallets() {
    let metadata = Balances::metadata();
    assert_eq!(&metadata[..4], b"meta");
    for name in ["System", "Timestamp", "Balances", "Parentchain", "CheckNonce"] {
        assert!(metadata.windows(name.len()).any(|window| window == name.as_bytes()));
    }
}

/// A thousand transfers fit into a block: the limits are for calls that stop a worker, not for users.
#[test]
fn a_full_parentchain_block_of_transfers_is_not_too_heavy() {
    let mut worker = Worker::production();
    worker.shield(&alice(), 10_000);
    let operations: Vec<_> =
        (0..1_000).map(|nonce| worker.signed(&alice(), transfer_to(&alice(), &bob(), 1), nonce)).collect();
    assert!(worker.run_block(&operations).iter().all(|outcome| outcome.outcome.is_success()));
    assert_eq!(balance(&worker, &bob()), 1_000);
}

/// What users of the property test do. Accounts are positions in [`people`].
#[derive(Clone, Debug)]
enum Deed {
    Shield(usize, u128),
    Transfer(usize, usize, u128),
    Unshield(usize, u128),
    Noop(usize),
    SetBalance(usize, u128),
    WrongNonce(usize),
}

fn people() -> [TestAccount; 3] {
    [alice(), bob(), TestAccount::named("Charlie")]
}

fn any_deed() -> impl Strategy<Value = Deed> {
    let who = 0..3usize;
    let amount = prop_oneof![4 => 0..500u128, 1 => Just(u128::MAX), 1 => Just(1)];
    prop_oneof![
        3 => (who.clone(), amount.clone()).prop_map(|(who, amount)| Deed::Shield(who, amount)),
        5 => (who.clone(), who.clone(), amount.clone()).prop_map(|(from, to, amount)| Deed::Transfer(from, to, amount)),
        3 => (who.clone(), amount.clone()).prop_map(|(who, amount)| Deed::Unshield(who, amount)),
        1 => who.clone().prop_map(Deed::Noop),
        1 => (who.clone(), amount).prop_map(|(who, amount)| Deed::SetBalance(who, amount)),
        1 => who.prop_map(Deed::WrongNonce),
    ]
}

/// Signs the deeds as one block, with each account's nonces in order.
fn operations(worker: &Worker, deeds: &[Deed]) -> Vec<Operation<TrustedCall>> {
    let people = people();
    let mut nonces: Vec<u32> = people.iter().map(|account| worker.nonce(account)).collect();
    let mut sign = |who: usize, call| {
        let nonce = nonces[who];
        nonces[who] += 1;
        worker.signed(&people[who], call, nonce)
    };
    deeds
        .iter()
        .zip(0u64..)
        .map(|(deed, position)| match *deed {
            Deed::Shield(who, amount) => Operation::Shield {
                hash: offstage_sdk::H256::from_low_u64_be(position),
                beneficiary: people[who].id(),
                amount,
            },
            Deed::Transfer(from, to, amount) => sign(from, transfer_to(&people[from], &people[to], amount)),
            Deed::Unshield(who, amount) => sign(who, unshield_to(worker, &people[who], &people[who], amount)),
            Deed::Noop(who) => sign(who, TrustedCall::Noop(people[who].id())),
            Deed::SetBalance(who, amount) => {
                sign(who, TrustedCall::BalanceSetBalance(people[who].id(), people[who].id(), amount, 0))
            }
            Deed::WrongNonce(who) => {
                worker.signed(&people[who], transfer_to(&people[who], &people[0], 1), u32::MAX)
            }
        })
        .collect()
}

fn paid_in(operations: &[Operation<TrustedCall>], outcomes: &[OperationOutcome]) -> u128 {
    operations
        .iter()
        .zip(outcomes)
        .filter(|(_, outcome)| outcome.outcome.is_success())
        .filter_map(|(operation, _)| match operation {
            Operation::Shield { amount, .. } => Some(amount),
            Operation::Call(_) | Operation::Extrinsic { .. } | Operation::Failed { .. } => None,
        })
        .fold(0, |sum, amount| sum.wrapping_add(*amount))
}

fn paid_out(outcomes: &[OperationOutcome]) -> u128 {
    outcomes
        .iter()
        .flat_map(|outcome| &outcome.effects)
        .fold(0, |sum: u128, effect| sum.wrapping_add(effect.payment()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn money_is_neither_made_nor_lost(blocks in vec(vec(any_deed(), 0..8), 1..6)) {
        let (mut worker, mut expected) = (Worker::production(), 0u128);
        for deeds in blocks {
            let operations = operations(&worker, &deeds);
            let outcomes = worker.run_block(&operations);
            // More than a u128 may go in and out within a block.
            expected = expected.wrapping_add(paid_in(&operations, &outcomes)).wrapping_sub(paid_out(&outcomes));
            let of = |account| balance(&worker, account) + reserved(&worker, account);
            let held: u128 = people().iter().map(of).sum();
            prop_assert_eq!((issuance(&worker), held), (expected, expected));
        }
    }

    #[test]
    fn a_replay_reaches_the_same_roots(blocks in vec(vec(any_deed(), 0..8), 1..6)) {
        let (mut live, mut replaying) = (Worker::production(), Worker::production());
        for deeds in blocks {
            let operations = operations(&live, &deeds);
            replaying = replaying.restarted();
            prop_assert_eq!(live.execute_next(&operations), replaying.execute_next(&operations));
            live.run_block(&operations);
            replaying.run_block(&operations);
        }
    }

    /// A refused call leaves the state that a call leaves which does nothing.
    #[test]
    fn c07_a_refused_call_leaves_only_its_nonce_changed(amount in 101u128.., unshield: bool) {
        let (mut refused, mut harmless) = (Worker::production(), Worker::production());
        for worker in [&mut refused, &mut harmless] {
            worker.shield(&alice(), 100);
        }
        let call = if unshield {
            unshield_to(&refused, &alice(), &bob(), amount)
        } else {
            transfer_to(&alice(), &bob(), amount)
        };
        prop_assert_eq!(refused.call(&alice(), call).outcome, Outcome::Refused);
        prop_assert_eq!(harmless.call(&alice(), TrustedCall::Noop(alice().id())).outcome, Outcome::Executed);
        prop_assert_eq!(refused.root, harmless.root);
    }
}

#[test]
fn the_development_root_is_alice() {
    assert_eq!(DEVELOPMENT_ROOT, AccountId32::new(alice().id().into()));
}
