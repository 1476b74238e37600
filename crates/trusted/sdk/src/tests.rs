// SPDX-License-Identifier: Apache-2.0
//! The executor against a logic that does everything a logic should not.

use crate::{
    AccountId32, Authenticated, BlockContext, CallError, Domain, Effects, ExecutionError, Executor, H256,
    Limits, NodeStore, NodeStoreError, Operation, Outcome, PayoutTerms, ReadContext, ReadError, ShardContext,
    StateTransition, TrustedCall, Weight, nonce,
    testing::{MemoryStore, TestAccount, TestWorker},
};
use codec::{Decode, Encode};
use frame_support::storage::{TransactionOutcome, with_transaction};
use offstage_primitives::{BlockHash, Measurement, trusted::TrustedOperation};
use proptest::{collection::vec, prelude::*};
use sp_runtime::{DispatchError, traits::BlakeTwo256};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::{AtomicUsize, Ordering},
};

/// What the logic of these tests can be asked for: first the sender, then what to do.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
struct Call(AccountId32, Deed);

#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
enum Deed {
    Put(Vec<u8>, Vec<u8>),
    Remove(Vec<u8>),
    PutThenFail(Vec<u8>),
    PutThenPanic(Vec<u8>),
    PanicInTransactions,
    CloseForeignTransaction,
    PanicWeighing,
    Weigh(u64),
    Pay(u128),
    Internal,
}

impl TrustedCall for Call {
    fn sender(&self) -> Option<&AccountId32> {
        (self.1 != Deed::Internal).then_some(&self.0)
    }
}

#[derive(Encode, Decode)]
enum Getter {
    Value(Vec<u8>),
    Forbidden,
    Panics,
    Writes,
}

struct Logic;

impl StateTransition for Logic {
    type Call = Call;
    type Getter = Getter;

    fn genesis(shard: &ShardContext) {
        put(b"development", &shard.development.encode());
    }

    fn begin_block(block: &BlockContext) -> Weight {
        put(b"number", &block.number.encode());
        assert!(sp_io::storage::get(b"no blocks").is_none(), "asked to panic");
        Weight::zero()
    }

    fn weight_of(call: &Call) -> Weight {
        match &call.1 {
            Deed::PanicWeighing => panic!("asked to panic"),
            Deed::Weigh(weight) => Weight::from_parts(*weight, 0),
            _ => Weight::from_parts(1, 0),
        }
    }

    fn execute(_block: &BlockContext, call: &Authenticated<Call>) -> Result<Effects, CallError> {
        match &call.call().1 {
            Deed::Put(key, value) => put(key, value),
            Deed::Remove(key) => sp_io::storage::clear(key),
            Deed::PutThenFail(key) => {
                put(key, b"left over");
                return Err(CallError("asked to fail"));
            }
            Deed::PutThenPanic(key) => {
                put(key, b"left over");
                panic!("asked to panic");
            }
            Deed::PanicInTransactions => {
                let _ = with_transaction(|| {
                    put(b"outer", b"left over");
                    let inner: Result<(), DispatchError> = with_transaction(|| {
                        put(b"inner", b"left over");
                        panic!("asked to panic")
                    });
                    TransactionOutcome::Commit(inner)
                });
            }
            Deed::CloseForeignTransaction => {
                put(b"kept", b"left over");
                sp_io::storage::commit_transaction();
            }
            Deed::Pay(amount) => {
                put(b"paid", &amount.encode());
                return Ok(Effects::unshield(call.sender().clone(), *amount)
                    .and_unshield(call.sender().clone(), *amount));
            }
            Deed::PanicWeighing | Deed::Weigh(_) | Deed::Internal => {}
        }
        Ok(Effects::none())
    }

    fn shield(_block: &BlockContext, beneficiary: &AccountId32, amount: u128) -> Result<(), CallError> {
        put(beneficiary.as_ref(), &amount.encode());
        if amount == 0 { Err(CallError("nothing")) } else { Ok(()) }
    }

    fn may_read(_reading: &ReadContext, getter: &Getter) -> bool {
        !matches!(getter, Getter::Forbidden)
    }

    fn read(getter: &Getter) -> Option<Vec<u8>> {
        match getter {
            Getter::Value(key) => sp_io::storage::get(key).map(|value| value.to_vec()),
            Getter::Forbidden => Some(b"secret".to_vec()),
            Getter::Panics => panic!("asked to panic"),
            Getter::Writes => {
                put(b"written by a getter", b"1");
                None
            }
        }
    }

    fn metadata() -> Vec<u8> {
        Vec::new()
    }

    fn limits() -> Limits {
        let weight = |time| Weight::from_parts(time, u64::MAX);
        Limits { call: weight(100), block: weight(250), sender: weight(150) }
    }
}

fn put(key: &[u8], value: &[u8]) {
    sp_io::storage::set(key, value);
}

fn worker() -> TestWorker<Logic> {
    TestWorker::development()
}

fn value(worker: &TestWorker<Logic>, key: &[u8]) -> Option<Vec<u8>> {
    worker.read(&Getter::Value(key.to_vec())).unwrap()
}

/// Executes one call of Alice's and says what became of it.
fn alice_does(worker: &mut TestWorker<Logic>, deed: Deed) -> Outcome {
    let alice = TestAccount::alice();
    worker.call(&alice, Call(alice.id(), deed)).outcome
}

#[test]
fn a_call_changes_the_state_and_uses_its_nonce() {
    let mut worker = worker();
    assert_eq!(alice_does(&mut worker, Deed::Put(b"k".to_vec(), b"v".to_vec())), Outcome::Executed);
    assert_eq!(value(&worker, b"k"), Some(b"v".to_vec()));
    assert_eq!(value(&worker, b"development"), Some(true.encode()));
    assert_eq!(value(&worker, b"number"), Some(1u32.encode()));
    assert_eq!(worker.nonce(&TestAccount::alice()), 1);
}

/// C7: whatever goes wrong inside a call, the state is as if it had only used its nonce.
#[test]
fn c07_a_failed_call_leaves_only_its_nonce_changed() {
    let failures = [
        (Deed::PutThenFail(b"k".to_vec()), Outcome::Refused),
        (Deed::PutThenPanic(b"k".to_vec()), Outcome::Panicked),
        (Deed::PanicInTransactions, Outcome::Panicked),
        (Deed::CloseForeignTransaction, Outcome::Panicked),
        (Deed::PanicWeighing, Outcome::Panicked),
        (Deed::Weigh(101), Outcome::TooHeavy),
    ];
    let mut harmless = worker();
    assert_eq!(alice_does(&mut harmless, Deed::Weigh(1)), Outcome::Executed);
    for (deed, expected) in failures {
        let mut worker = worker();
        assert_eq!(alice_does(&mut worker, deed.clone()), expected, "{deed:?}");
        assert_eq!(worker.root, harmless.root, "{deed:?} left something behind");
        assert_eq!(worker.nonce(&TestAccount::alice()), 1);
    }
}

#[test]
fn c07_a_panicking_call_does_not_touch_its_neighbours() {
    let mut worker = worker();
    let alice = TestAccount::alice();
    let operations: Vec<_> = [
        Deed::Put(b"before".to_vec(), b"1".to_vec()),
        Deed::PutThenPanic(b"k".to_vec()),
        Deed::Put(b"after".to_vec(), b"2".to_vec()),
    ]
    .into_iter()
    .zip(0..)
    .map(|(deed, nonce)| worker.signed(&alice, Call(alice.id(), deed), nonce))
    .collect();
    let outcomes = worker.run_block(&operations);
    assert_eq!(
        outcomes.iter().map(|outcome| outcome.outcome).collect::<Vec<_>>(),
        [Outcome::Executed, Outcome::Panicked, Outcome::Executed]
    );
    assert_eq!(outcomes[1].operation, operations[1].hash());
    assert_eq!(
        (value(&worker, b"before"), value(&worker, b"after")),
        (Some(b"1".to_vec()), Some(b"2".to_vec()))
    );
    assert_eq!(value(&worker, b"k"), None);
}

#[test]
fn a_wrong_nonce_changes_nothing() {
    let mut worker = worker();
    let alice = TestAccount::alice();
    alice_does(&mut worker, Deed::Weigh(1));
    let empty = worker.execute_next(&[]);
    for nonce in [0, 2, u32::MAX] {
        let operation = worker.signed(&alice, Call(alice.id(), Deed::Put(b"k".to_vec(), vec![])), nonce);
        let outcome = worker.execute_next(&[operation]);
        assert_eq!(outcome.outcomes[0].outcome, Outcome::WrongNonce);
        assert_eq!(outcome.root, empty.root);
    }
}

/// C2: the same operation twice, in one block and in the next.
#[test]
fn c02_a_replayed_call_is_executed_once() {
    let mut worker = worker();
    let alice = TestAccount::alice();
    let operation = worker.signed(&alice, Call(alice.id(), Deed::Pay(5)), 0);
    let outcomes = worker.run_block(&[operation.clone(), operation.clone()]);
    assert_eq!((outcomes[0].outcome, outcomes[1].outcome), (Outcome::Executed, Outcome::WrongNonce));
    assert!(outcomes[1].effects.is_empty());
    assert_eq!(worker.run_block(&[operation])[0].outcome, Outcome::WrongNonce);
}

#[test]
fn the_last_nonce_ends_an_account() {
    let worker = worker();
    let alice = TestAccount::alice().id();
    let look = || {
        assert!(nonce::consume(&alice, 0) && nonce::consume(&alice, 1));
        nonce::next(&alice)
    };
    assert_eq!(worker.inspect(look), Some(2));
    let at_the_end = worker.inspect(|| {
        put(&nonce::storage_key(&alice), &u32::MAX.encode());
        (nonce::next(&alice), nonce::consume(&alice, 0))
    });
    assert_eq!(at_the_end, (None, false));
}

/// C4 and C6: only an indirect call signed by its sender, for this measurement and shard, becomes a call.
#[test]
fn only_authentic_indirect_calls_become_calls() {
    let (alice, bob) = (TestAccount::alice(), TestAccount::bob());
    let (measurement, shard) = (Measurement([1; 32]), [2; 32].into());
    let domain = Domain { genesis_hash: BlockHash::new([3; 32]), measurement, shard };
    let other_chain = Domain { genesis_hash: BlockHash::new([9; 32]), ..domain };
    let call = || Call(alice.id(), Deed::Pay(1));
    let authentic = alice.sign_call(call(), 0, &measurement, &shard);
    let outcome =
        |operation: TrustedOperation<Call, ()>| match Operation::authenticate(operation, &domain, 100) {
            Operation::Call(_) => Outcome::Executed,
            Operation::Failed { outcome, .. } => outcome,
            Operation::Extrinsic { .. } | Operation::Shield { .. } => unreachable!("nobody sent one"),
        };
    use TrustedOperation::{BoundCall, DirectCall, Get, IndirectCall};
    for (operation, expected) in [
        (IndirectCall(authentic.clone()), Outcome::Executed),
        (DirectCall(authentic), Outcome::NotIndirect),
        (Get(()), Outcome::NotIndirect),
        (IndirectCall(bob.sign_call(call(), 0, &measurement, &shard)), Outcome::Unauthorised),
        (IndirectCall(alice.sign_call(call(), 0, &Measurement([9; 32]), &shard)), Outcome::Unauthorised),
        (IndirectCall(alice.sign_call(call(), 0, &measurement, &[9; 32].into())), Outcome::Unauthorised),
        (
            IndirectCall(alice.sign_call(Call(alice.id(), Deed::Internal), 0, &measurement, &shard)),
            Outcome::Unauthorised,
        ),
        (BoundCall(alice.sign_bound_call(call(), 0, 100, &domain)), Outcome::Executed),
        (BoundCall(alice.sign_bound_call(call(), 0, 99, &domain)), Outcome::Expired),
        (BoundCall(bob.sign_bound_call(call(), 0, 100, &domain)), Outcome::Unauthorised),
        // What nobody signed is unauthorised, expired or not: a forger learns nothing.
        (BoundCall(bob.sign_bound_call(call(), 0, 99, &domain)), Outcome::Unauthorised),
        (BoundCall(alice.sign_bound_call(call(), 0, 100, &other_chain)), Outcome::Unauthorised),
    ] {
        assert_eq!(outcome(operation), expected);
    }
}

/// Signs calls of such weights by this account, from its next nonce on.
fn weighing(worker: &TestWorker<Logic>, account: &TestAccount, weights: &[u64]) -> Vec<Operation<Call>> {
    let sign = |(weight, nonce): (&u64, u32)| {
        worker.signed(account, Call(account.id(), Deed::Weigh(*weight)), nonce)
    };
    weights.iter().zip(worker.nonce(account)..).map(sign).collect()
}

fn outcomes(worker: &mut TestWorker<Logic>, operations: &[Operation<Call>]) -> Vec<Outcome> {
    worker.run_block(operations).iter().map(|outcome| outcome.outcome).collect()
}

#[test]
fn c07_calls_beyond_the_block_limit_are_put_off_and_lighter_ones_still_fit() {
    let mut worker = worker();
    let [alice, bob, charlie] = ["Alice", "Bob", "Charlie"].map(TestAccount::named);
    let block = [
        weighing(&worker, &alice, &[100]),
        weighing(&worker, &bob, &[100]),
        weighing(&worker, &charlie, &[51, 50]),
    ]
    .concat();
    use Outcome::{Executed, NotNow, TooHeavy, WrongNonce};
    // The one that was put off used up no nonce, so the next one comes too early.
    assert_eq!(outcomes(&mut worker, &block), [Executed, Executed, NotNow, WrongNonce]);
    // In the next block there is room, for the very same operations.
    assert_eq!(outcomes(&mut worker, &block[2..]), [Executed, Executed]);
    // What is heavier than any call may be fails for good.
    let never = weighing(&worker, &charlie, &[101]);
    assert_eq!(outcomes(&mut worker, &never), [TooHeavy]);
    assert_eq!(outcomes(&mut worker, &never), [WrongNonce]);
}

/// C19: whoever fills a block with calls fills their own share.
#[test]
fn c19_a_sender_has_a_share_of_the_block_and_what_is_put_off_keeps_its_nonce() {
    let mut worker = worker();
    let [greedy, alice, bob] = ["Greedy", "Alice", "Bob"].map(TestAccount::named);
    let flood = weighing(&worker, &greedy, &[90, 60, 90]);
    let honest = [weighing(&worker, &alice, &[50]), weighing(&worker, &bob, &[50])].concat();
    use Outcome::{Executed, NotNow};
    let expected = [Executed, Executed, NotNow, Executed, Executed];
    assert_eq!(outcomes(&mut worker, &[&flood[..], &honest].concat()), expected);
    assert_eq!([&greedy, &alice, &bob].map(|account| worker.nonce(account)), [2, 1, 1]);
    // Sent again, unchanged, it is executed.
    assert_eq!(outcomes(&mut worker, &flood[2..]), [Executed]);
}

/// C19: refused and panicking calls weigh too; replays, which anybody can send, do not.
#[test]
fn c19_refused_calls_use_up_their_senders_share_and_replays_do_not() {
    let mut worker = worker();
    let alice = TestAccount::alice();
    let old = weighing(&worker, &alice, &[100]);
    assert_eq!(outcomes(&mut worker, &old), [Outcome::Executed]);
    let replays = vec![old[0].clone(); 20];
    let new = weighing(&worker, &alice, &[100, 50, 1]);
    let all = outcomes(&mut worker, &[&replays[..], &new].concat());
    use Outcome::{Executed, NotNow, WrongNonce};
    assert!(all[..20].iter().all(|outcome| *outcome == WrongNonce));
    assert_eq!(all[20..], [Executed, Executed, NotNow]);
    // Of a block's 250, these refused ones of one sender weigh 150 and no more.
    let failing: Vec<_> = (0..200)
        .zip(worker.nonce(&alice)..)
        .map(|(_, nonce)| worker.signed(&alice, Call(alice.id(), Deed::PutThenFail(b"k".to_vec())), nonce))
        .collect();
    let failed = outcomes(&mut worker, &failing);
    assert_eq!(failed.iter().filter(|outcome| **outcome == Outcome::Refused).count(), 150);
    assert_eq!(failed[150..].iter().filter(|outcome| **outcome == WrongNonce).count(), 49);
    assert_eq!(failed[150], NotNow);
}

/// C17: a payment that the parentchain would refuse, or that costs more than it pays, makes its call refused, with all
/// it changed.
#[test]
fn c17_a_payment_below_what_the_parentchain_takes_is_refused_inside() {
    let alice = TestAccount::alice();
    for (existential_deposit, fee, least) in [(0, 0, 1), (500, 0, 500), (0, 700, 700), (500, 700, 700)] {
        let mut worker = worker();
        worker.block.payout = PayoutTerms { existential_deposit, fee };
        let pays = |amount| Call(alice.id(), Deed::Pay(amount));
        let refused = worker.call(&alice, pays(least - 1));
        assert_eq!((refused.outcome, refused.effects), (Outcome::Refused, vec![]));
        assert_eq!(value(&worker, b"paid"), None, "what it changed is rolled back");
        let paid = worker.call(&alice, pays(least));
        assert_eq!((paid.outcome, paid.effects.len()), (Outcome::Executed, 2));
    }
}

#[test]
fn effects_are_those_of_executed_calls_and_have_unique_hashes() {
    let mut worker = worker();
    let alice = TestAccount::alice();
    let first = worker.call(&alice, Call(alice.id(), Deed::Pay(5)));
    let second = worker.call(&alice, Call(alice.id(), Deed::Pay(5)));
    let hashes: BTreeSet<H256> = first
        .effects
        .iter()
        .chain(&second.effects)
        .map(|effect| {
            assert_eq!(effect.payment(), 5);
            effect.call_hash()
        })
        .collect();
    assert_eq!(hashes.len(), 4);
}

#[test]
fn a_refused_shielding_is_rolled_back_and_a_failed_operation_keeps_its_place() {
    let mut worker = worker();
    let bob = TestAccount::bob();
    assert_eq!(worker.shield(&bob, 0).outcome, Outcome::Refused);
    assert_eq!(value(&worker, bob.id().as_ref()), None);
    assert_eq!(worker.shield(&bob, 7).outcome, Outcome::Executed);
    assert_eq!(value(&worker, bob.id().as_ref()), Some(7u128.encode()));
    let failed = Operation::Failed { hash: H256::repeat_byte(1), outcome: Outcome::Undecipherable };
    let outcomes = worker.run_block(&[failed]);
    assert_eq!((outcomes[0].operation, outcomes[0].outcome), (H256::repeat_byte(1), Outcome::Undecipherable));
}

#[test]
fn a_panicking_begin_block_is_reported_and_the_block_goes_on() {
    let mut worker = worker();
    alice_does(&mut worker, Deed::Put(b"no blocks".to_vec(), b"1".to_vec()));
    let alice = TestAccount::alice();
    let operation = worker.signed(&alice, Call(alice.id(), Deed::Put(b"k".to_vec(), b"v".to_vec())), 1);
    let outcome = worker.execute_next(&[operation]);
    assert!(!outcome.prepared);
    assert_eq!(outcome.outcomes[0].outcome, Outcome::Executed);
}

#[test]
fn c09_getters_need_permission_and_write_nothing() {
    let worker = worker();
    assert_eq!(worker.read(&Getter::Forbidden), Err(ReadError::Unauthorised));
    assert_eq!(worker.read(&Getter::Panics), Err(ReadError::Panicked));
    assert_eq!(worker.read(&Getter::Writes), Ok(None));
    assert_eq!(value(&worker, b"written by a getter"), None);
}

/// A store that fails at a chosen read, and counts reads.
struct FailingStore<'a> {
    inner: &'a MemoryStore,
    reads: AtomicUsize,
    fails_at: usize,
    answer: fn() -> Result<Option<Vec<u8>>, NodeStoreError>,
}

impl NodeStore for FailingStore<'_> {
    fn node(&self, key: &[u8]) -> Result<Option<Vec<u8>>, NodeStoreError> {
        if self.reads.fetch_add(1, Ordering::SeqCst) == self.fails_at {
            (self.answer)()
        } else {
            self.inner.node(key)
        }
    }
}

/// H9: whichever read fails, and however, there is an error and no outcome; the same block then executes as it should.
#[test]
fn a_store_failure_at_any_read_is_no_outcome_of_a_call() {
    let mut worker = worker();
    let alice = TestAccount::alice();
    for n in 0..40u8 {
        alice_does(&mut worker, Deed::Put(vec![n], vec![n; 40]));
    }
    let operations: Vec<_> = [Deed::Put(vec![7], vec![1]), Deed::Remove(vec![9]), Deed::PanicInTransactions]
        .into_iter()
        .zip(40..)
        .map(|(deed, nonce)| worker.signed(&alice, Call(alice.id(), deed), nonce))
        .collect();
    let expected = worker.execute_next(&operations);
    let answers: [(fn() -> _, _); 3] = [
        (|| Ok(None), NodeStoreError::Missing),
        (|| Ok(Some(vec![0; 40])), NodeStoreError::Corrupt),
        (|| Err(NodeStoreError::Unreadable("no disk".into())), NodeStoreError::Unreadable("no disk".into())),
    ];
    for (answer, error) in answers {
        let mut failures = 0;
        for fails_at in 0.. {
            let store = FailingStore { inner: &worker.store, reads: AtomicUsize::new(0), fails_at, answer };
            // A cold cache, so that every read reaches the store.
            let executor = Executor::<Logic>::new();
            let result = executor.execute_block(
                &store,
                worker.root,
                &worker.next_block(),
                &worker.secret(),
                &operations,
            );
            if store.reads.load(Ordering::SeqCst) <= fails_at {
                assert_eq!(result, Ok(expected.clone()));
                break;
            }
            assert_eq!(result, Err(ExecutionError::Store(error.clone())), "read {fails_at}");
            failures += 1;
        }
        assert!(failures > 3, "the block reads several nodes");
    }
}

#[test]
fn a_block_reads_and_writes_what_it_touches_and_no_more() {
    let mut worker = worker();
    let alice = TestAccount::alice();
    let operations: Vec<_> = (0..250u32)
        .map(|n| worker.signed(&alice, Call(alice.id(), Deed::Put(n.to_be_bytes().to_vec(), vec![1; 40])), n))
        .collect();
    worker.run_block(&operations);
    assert!(worker.store.len() > 250);
    let store = FailingStore {
        inner: &worker.store,
        reads: AtomicUsize::new(0),
        fails_at: usize::MAX,
        answer: || unreachable!("never fails"),
    };
    let operation =
        worker.signed(&alice, Call(alice.id(), Deed::Put(7u32.to_be_bytes().to_vec(), vec![2; 40])), 250);
    let outcome = Executor::<Logic>::new()
        .execute_block(&store, worker.root, &worker.next_block(), &worker.secret(), &[operation])
        .unwrap();
    let (reads, writes) = (store.reads.load(Ordering::SeqCst), outcome.changes.upserts.len());
    assert!(reads < 30 && writes < 20, "{reads} reads, {writes} writes");
}

/// The trie alone would remove another key here, or panic.
#[test]
fn removing_an_absent_prefix_of_a_key_removes_nothing_else() {
    let mut worker = worker();
    let keys = [&[0xff, 0xff][..], &[0xfe, 0xff, 0xe9], &[0xff, 0xff, 0xff]];
    for key in keys {
        alice_does(&mut worker, Deed::Put(key.to_vec(), key.to_vec()));
    }
    assert_eq!(alice_does(&mut worker, Deed::Remove(vec![0xff])), Outcome::Executed);
    for key in keys {
        assert_eq!(value(&worker, key).as_deref(), Some(key));
    }
}

fn any_deed() -> impl Strategy<Value = Deed> {
    let key = vec(0u8..4, 1..4);
    let bytes = vec(any::<u8>(), 0..80);
    prop_oneof![
        4 => (key.clone(), bytes).prop_map(|(key, value)| Deed::Put(key, value)),
        2 => key.clone().prop_map(Deed::Remove),
        1 => key.clone().prop_map(Deed::PutThenFail),
        1 => key.prop_map(Deed::PutThenPanic),
        1 => Just(Deed::PanicInTransactions),
        1 => (0u64..150).prop_map(Deed::Weigh),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Invariant 3: the same blocks give the same roots and outcomes, with a warm cache and with a cold one, and the
    /// store holds exactly the nodes of the newest state.
    #[test]
    fn replaying_blocks_gives_the_same_roots(blocks in vec(vec(any_deed(), 0..6), 1..8)) {
        let alice = TestAccount::alice();
        let mut warm = worker();
        let mut cold = worker();
        for deeds in blocks {
            let first = warm.nonce(&alice);
            let operations: Vec<_> = deeds
                .into_iter()
                .zip(first..)
                .map(|(deed, nonce)| warm.signed(&alice, Call(alice.id(), deed), nonce))
                .collect();
            cold = cold.restarted();
            prop_assert_eq!(warm.execute_next(&operations), cold.execute_next(&operations));
            warm.run_block(&operations);
            cold.run_block(&operations);
        }
        let mut reachable = BTreeMap::new();
        warm.inspect(|| {
            let mut key = Vec::new();
            while let Some(next) = sp_io::storage::next_key(&key) {
                let Some(value) = sp_io::storage::get(&next) else { break };
                reachable.insert(next.clone(), value.to_vec());
                key = next;
            }
        });
        let (rebuilt, nodes) = trie_of(&reachable);
        prop_assert_eq!(rebuilt, warm.root);
        prop_assert!(warm.store.nodes_mut().keys().eq(nodes.keys()), "the store keeps the newest state's nodes only");
    }
}

/// Builds a trie at once: its root and its nodes.
fn trie_of(values: &BTreeMap<Vec<u8>, Vec<u8>>) -> (H256, BTreeMap<Vec<u8>, Vec<u8>>) {
    let mut nodes = sp_trie::PrefixedMemoryDB::<BlakeTwo256>::default();
    let mut root = H256::zero();
    let mut trie = sp_trie::trie_types::TrieDBMutBuilderV1::<BlakeTwo256>::new(&mut nodes, &mut root).build();
    for (key, value) in values {
        sp_trie::TrieMut::insert(&mut trie, key, value).unwrap();
    }
    drop(trie);
    (
        root,
        nodes
            .drain()
            .into_iter()
            .filter(|(_, (_, count))| *count > 0)
            .map(|(key, (node, _))| (key, node))
            .collect(),
    )
}
