// SPDX-License-Identifier: Apache-2.0
//! Testing business logic without a TEE, a chain or a network.
//!
//! A [`TestWorker`] holds a shard in memory and runs it through the same [`Executor`] as an enclave does, signatures
//! and nonces included. [`TestAccount::alice`] and [`TestAccount::bob`] are the development accounts everybody knows.
//! At the end of a test, [`TestWorker::check_workers_agree`] says whether other workers of the shard would have the
//! same state.
//!
//! Functions of this module panic when something is wrong: they are for tests.
#![expect(clippy::expect_used, clippy::panic, reason = "a test stops where its preparation fails")]

pub mod frame;

use crate::{
    ancestors::Ancestors,
    executor::{BlockOutcome, DeliveryOutcome, Executor, OperationOutcome, ReadError},
    method::MethodContext,
    node_store::{NodeChanges, NodeStore, NodeStoreError},
    operation::Operation,
    parentchain::{
        Argument, Calls, Parentchain, Unfit,
        storage::{NameItem, Shown, StorageItem, StorageRead},
    },
    state_transition::{BlockContext, BlockSecret, PayoutTerms, ReadContext, ShardContext, StateTransition},
};
use codec::Encode;
use offstage_primitives::{
    AccountId32, BlockHash, H256, Measurement, ShardIdentifier,
    read::{Permit, Question, permit_payload},
    trusted::{
        BoundCallSigned, Domain, TrustedCall, TrustedCallSigned, TrustedOperation, bound_call_payload,
        call_payload,
    },
};
use scale_info::{MetaType, TypeInfo};
use sp_core::{
    Pair,
    crypto::{DEV_PHRASE, DeriveJunction},
    sr25519,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

/// An account whose key everybody knows.
#[derive(Clone)]
pub struct TestAccount {
    pair: sr25519::Pair,
}

impl TestAccount {
    /// `//Alice`.
    pub fn alice() -> Self {
        Self::named("Alice")
    }

    /// `//Bob`.
    pub fn bob() -> Self {
        Self::named("Bob")
    }

    /// `//<name>`, derived from the development phrase.
    pub fn named(name: &str) -> Self {
        let path = std::iter::once(DeriveJunction::hard(name));
        let (pair, _) = DEVELOPMENT_ROOT.derive(path, None).expect("hard derivation always works");
        Self { pair }
    }

    /// The account's id.
    pub fn id(&self) -> AccountId32 {
        AccountId32::new(self.pair.public().0)
    }

    /// Signs arbitrary bytes.
    pub fn sign(&self, message: &[u8]) -> offstage_primitives::MultiSignature {
        self.pair.sign(message).into()
    }

    /// Signs a call as wire.md says.
    pub fn sign_call<C: TrustedCall>(
        &self,
        call: C,
        nonce: u32,
        measurement: &Measurement,
        shard: &ShardIdentifier,
    ) -> TrustedCallSigned<C> {
        let signature = self.sign(&call_payload(&call, nonce, measurement, shard));
        TrustedCallSigned { call, nonce, signature }
    }

    /// Signs a call in the bound form, good up to the block with number `expires`.
    pub fn sign_bound_call<C: TrustedCall>(
        &self,
        call: C,
        nonce: u32,
        expires: u32,
        domain: &Domain,
    ) -> BoundCallSigned<C> {
        let signature = self.sign(&bound_call_payload(&call, nonce, expires, domain));
        BoundCallSigned { call, nonce, expires, signature }
    }
}

/// Runs `look` with the context of a method that is asked on the state of a block, outside of any state.
pub fn method_context<R>(asker: Option<&AccountId32>, look: impl FnOnce(&MethodContext<'_>) -> R) -> R {
    let shard = ShardContext {
        shard: ShardIdentifier::from([0x5a; 32]),
        genesis_hash: BlockHash::repeat_byte(0x6e),
        development: true,
    };
    look(&MethodContext::new(&first_block(shard), asker))
}

fn first_block(shard: ShardContext) -> BlockContext {
    BlockContext {
        shard,
        number: 0,
        hash: shard.genesis_hash,
        timestamp_ms: 0,
        payout: PayoutTerms::default(),
        ancestors: Ancestors::default(),
        parentchain: Parentchain::default(),
    }
}

/// A node store in memory.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    nodes: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl MemoryStore {
    /// Writes what a block changed.
    pub fn apply(&mut self, changes: &NodeChanges) {
        self.nodes.extend(changes.upserts.iter().cloned());
        for key in &changes.removals {
            assert!(self.nodes.remove(key).is_some(), "a block removes only nodes that are there");
        }
    }

    /// Number of nodes.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is no node.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The nodes, to break some.
    pub fn nodes_mut(&mut self) -> &mut BTreeMap<Vec<u8>, Vec<u8>> {
        &mut self.nodes
    }
}

impl NodeStore for MemoryStore {
    fn node(&self, key: &[u8]) -> Result<Option<Vec<u8>>, NodeStoreError> {
        Ok(self.nodes.get(key).cloned())
    }
}

/// A worker of one shard, in memory.
pub struct TestWorker<S: StateTransition> {
    executor: Executor<S>,
    /// The nodes of the state.
    pub store: MemoryStore,
    /// Root of the state.
    pub root: H256,
    /// The block executed last. What it says of payouts holds for the next one too.
    pub block: BlockContext,
    /// What the next block shows of the parentchain. At first, a parentchain that takes every call.
    pub parentchain: Parentchain,
    history: Vec<Executed<S::Call>>,
}

/// A parentchain that takes every call: its metadata is not here.
#[derive(Clone, Copy, Debug)]
pub struct TestCalls;

impl TestCalls {
    /// The parentchain.
    pub fn parentchain() -> Parentchain {
        Parentchain { calls: Some(Arc::new(Self)), ..Parentchain::default() }
    }
}

impl Calls for TestCalls {
    fn check(&self, _pallet: &str, _call: &str, _arguments: &[Argument]) -> Result<(), Unfit> {
        Ok(())
    }
}

/// A block that a worker executed, and what came of it.
#[derive(Clone)]
struct Executed<C> {
    payout: PayoutTerms,
    parentchain: Parentchain,
    operations: Vec<Operation<C>>,
    outcomes: Vec<OperationOutcome>,
    root: H256,
}

impl<S: StateTransition<Call: Clone>> TestWorker<S> {
    /// A shard on a development chain, with its genesis state.
    pub fn development() -> Self {
        Self::new(true)
    }

    /// A shard on a chain that is not for development.
    pub fn production() -> Self {
        Self::new(false)
    }

    fn new(development: bool) -> Self {
        let shard = ShardContext {
            shard: ShardIdentifier::from([0x5a; 32]),
            genesis_hash: BlockHash::repeat_byte(0x6e),
            development,
        };
        let executor = Executor::new();
        let genesis = executor.genesis(&shard).expect("the logic makes its genesis");
        let mut store = MemoryStore::default();
        store.apply(&genesis.changes);
        let absent = |item: StorageItem| StorageRead { key: item.key, shown: Shown::Absent };
        let storage = S::parentchain_storage(&shard.shard).into_iter().map(absent).collect();
        let parentchain = Parentchain { storage, ..TestCalls::parentchain() };
        let block = BlockContext { parentchain: parentchain.clone(), ..first_block(shard) };
        Self { executor, store, root: genesis.root, block, parentchain, history: Vec::new() }
    }

    /// A copy with a cold cache, as after a restart.
    pub fn restarted(&self) -> Self {
        Self {
            executor: Executor::new(),
            store: self.store.clone(),
            root: self.root,
            block: self.block.clone(),
            parentchain: self.parentchain.clone(),
            history: self.history.clone(),
        }
    }

    /// The same shard with other code: the logic `T` goes on from this state. Its migrations run in the next block.
    pub fn upgraded<T: StateTransition<Call: Clone>>(self) -> TestWorker<T> {
        let Self { store, root, block, parentchain, .. } = self;
        TestWorker { executor: Executor::new(), store, root, block, parentchain, history: Vec::new() }
    }

    /// Executes all blocks since the genesis once more, as a worker does that joins now, with nothing in its cache at
    /// each. The test stops where that gives another state or another outcome, or where a hook panics.
    ///
    /// A logic passes that depends on nothing but the chain and its state; one that looks at a clock, a `static` or the
    /// order of a `HashMap` does not, sooner or later. Not for a worker that was [`upgraded`](Self::upgraded).
    pub fn check_workers_agree(&self) {
        let mut joining = Self::new(self.block.shard.development);
        for executed in &self.history {
            let number = joining.next_block().number;
            joining.executor = Executor::new();
            joining.block.payout = executed.payout;
            joining.parentchain = executed.parentchain.clone();
            let outcome = joining.keep(&executed.operations);
            assert!(outcome.prepared, "block {number}: a hook panicked");
            assert_eq!(outcome.outcomes, executed.outcomes, "block {number}: another outcome");
            assert_eq!(outcome.root, executed.root, "block {number}: another state");
        }
        assert_eq!(joining.root, self.root, "the state is not what the blocks make");
    }

    /// The measurement that calls are signed for.
    pub const MEASUREMENT: Measurement = Measurement([0x4d; 32]);

    /// Executes the next block, one second after the last, and keeps its state.
    pub fn run_block(&mut self, operations: &[Operation<S::Call>]) -> Vec<OperationOutcome> {
        self.keep(operations).outcomes
    }

    /// Executes the next block and keeps its state.
    fn keep(&mut self, operations: &[Operation<S::Call>]) -> BlockOutcome {
        let outcome = self.execute_next(operations);
        self.store.apply(&outcome.changes);
        self.root = outcome.root;
        self.block = self.next_block();
        self.history.push(Executed {
            payout: self.block.payout,
            parentchain: self.parentchain.clone(),
            operations: operations.to_vec(),
            outcomes: outcome.outcomes.clone(),
            root: self.root,
        });
        self.parentchain.executed.clear();
        outcome
    }

    /// Executes an empty block that shows that the parentchain executed this effect, and returns what the logic did
    /// about it.
    pub fn deliver(&mut self, effect: H256, done: bool) -> Vec<DeliveryOutcome> {
        self.parentchain.executed.push((effect, done));
        let deliveries = self.execute_next(&[]).deliveries;
        self.run_block(&[]);
        deliveries
    }

    /// From the next block on the parentchain's state holds this of an item that the runtime lists. At first it holds
    /// nothing of any.
    pub fn set_parentchain<T: Encode + TypeInfo + 'static>(&mut self, item: NameItem, value: Option<T>) {
        let item = item(&self.block.shard.shard);
        assert_eq!(item.value, MetaType::new::<T>(), "{}.{} is of another type", item.pallet, item.item);
        let mut listed = self.parentchain.storage.iter_mut().filter(|read| read.key == item.key);
        let read = listed.next().expect("the runtime lists the item");
        read.shown = value.map_or(Shown::Absent, |value| Shown::Value(value.encode()));
    }

    /// Executes the next block and keeps nothing of it.
    pub fn execute_next(&self, operations: &[Operation<S::Call>]) -> BlockOutcome {
        self.executor
            .execute_block(&self.store, self.root, &self.next_block(), &self.secret(), operations)
            .expect("a store in memory does not fail")
    }

    /// Signs a call with the account's next nonce and executes it in a block of its own.
    pub fn call(&mut self, account: &TestAccount, call: S::Call) -> OperationOutcome {
        let operation = self.signed(account, call, self.nonce(account));
        self.run_alone(operation)
    }

    /// Pays in for an account, in a block of its own.
    pub fn shield(&mut self, account: &TestAccount, amount: u128) -> OperationOutcome {
        let hash = H256::from_low_u64_be(u64::from(self.block.number));
        self.run_alone(Operation::Shield { hash, beneficiary: account.id(), amount })
    }

    /// An operation with a call signed by `account`.
    pub fn signed(&self, account: &TestAccount, call: S::Call, nonce: u32) -> Operation<S::Call> {
        let shard = &self.block.shard.shard;
        let signed = account.sign_call(call, nonce, &Self::MEASUREMENT, shard);
        let operation = TrustedOperation::<_, ()>::IndirectCall(signed);
        Operation::authenticate(operation, &self.domain(), self.next_block().number)
    }

    /// Where signatures are good.
    pub fn domain(&self) -> Domain {
        let ShardContext { shard, genesis_hash, .. } = self.block.shard;
        Domain { genesis_hash, measurement: Self::MEASUREMENT, shard }
    }

    /// Asks a getter.
    ///
    /// # Errors
    /// As [`Executor::read`].
    pub fn read(&self, getter: &S::Getter) -> Result<Option<Vec<u8>>, ReadError> {
        let reading = ReadContext { domain: self.domain(), block: self.block.clone() };
        self.executor.read(&self.store, self.root, &reading, getter)
    }

    /// Asks a question by name, with a permit of `asker` that is good now.
    pub fn ask(&self, question: Question, asker: Option<&TestAccount>) -> Option<Vec<u8>> {
        let permit = asker.map(|asker| self.permit(asker, self.block.number));
        self.ask_with(question, permit)
    }

    /// Asks a question by name, with this permit.
    pub fn ask_with(&self, question: Question, permit: Option<Permit>) -> Option<Vec<u8>> {
        let reads = S::reads();
        self.executor
            .ask(&self.store, self.root, &self.block, &*reads, &question, permit.as_ref())
            .unwrap_or_else(|error| panic!("asking: {error}"))
    }

    /// Runs a method of the author's own, with a permit of `asker` that is good now.
    ///
    /// # Errors
    /// [`ReadError::Panicked`] when it panics.
    pub fn call_method<R>(
        &self,
        asker: Option<&TestAccount>,
        method: impl FnOnce(&MethodContext<'_>) -> R,
    ) -> Result<R, ReadError> {
        let permit = asker.map(|asker| self.permit(asker, self.block.number));
        self.executor.call_method(&self.store, self.root, &self.block, permit.as_ref(), method)
    }

    /// A permit of `account` up to the block with this number.
    pub fn permit(&self, account: &TestAccount, expires: u32) -> Permit {
        let ShardContext { shard, genesis_hash, .. } = &self.block.shard;
        let signature = account.sign(&permit_payload(&account.id(), expires, genesis_hash, shard));
        Permit { account: account.id(), expires, signature }
    }

    /// The account's next nonce.
    pub fn nonce(&self, account: &TestAccount) -> u32 {
        self.executor
            .nonce(&self.store, self.root, &account.id())
            .expect("a store in memory does not fail")
            .expect("no test uses up all nonces")
    }

    /// Looks into the state, for example through FRAME's storage items.
    pub fn inspect<R>(&self, look: impl FnOnce() -> R) -> R {
        self.executor
            .inspect(&self.store, self.root, || {
                S::enter_block(&self.block, None);
                look()
            })
            .unwrap_or_else(|error| panic!("inspecting: {error}"))
    }

    /// The executor.
    pub fn executor(&self) -> &Executor<S> {
        &self.executor
    }

    /// What randomness in the next block is made of. Everybody knows it.
    pub fn secret(&self) -> BlockSecret {
        let number = self.next_block().number;
        BlockSecret::new((b"test", number).using_encoded(sp_crypto_hashing::blake2_256).into())
    }

    /// The block that [`run_block`](Self::run_block) executes next.
    pub fn next_block(&self) -> BlockContext {
        let number = self.block.number.saturating_add(1);
        BlockContext {
            number,
            hash: H256::from_low_u64_be(number.into()).into(),
            timestamp_ms: u64::from(number).saturating_mul(1_000),
            ancestors: self.block.ancestors.after(self.block.number, self.block.hash),
            parentchain: self.parentchain.clone(),
            ..self.block.clone()
        }
    }

    /// Executes an operation in a block of its own.
    pub fn run_alone(&mut self, operation: Operation<S::Call>) -> OperationOutcome {
        self.run_block(&[operation]).pop().expect("an operation has an outcome")
    }
}

/// The key of the development phrase. Made once: a phrase is stretched on purpose, which takes milliseconds.
static DEVELOPMENT_ROOT: LazyLock<sr25519::Pair> =
    LazyLock::new(|| sr25519::Pair::from_string(DEV_PHRASE, None).expect("the development phrase is valid"));
