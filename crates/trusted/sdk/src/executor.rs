// SPDX-License-Identifier: Apache-2.0
//! Runs the operations of a block on a state, and returns what came of it.
//!
//! # Details
//! For each call, in the block's order: the nonce is checked (a wrong one changes nothing); the weight is metered, and
//! a call for which the block or its sender's share has no room is put off; the nonce is used up; the business logic
//! executes in a storage transaction of its own. An extrinsic of a FRAME runtime is checked by the runtime first, and
//! goes the same way. Whatever goes wrong with a call, refusal, weight or panic, is its
//! [`Outcome`], its writes are rolled back, and the block goes on (ARCHITECTURE.md, invariant 9). Only a failing store
//! is an error of the block: then nothing is executed, and the same block is tried again later.
//!
//! The executor keeps nothing but a bounded cache of trie nodes, and the digest of the logic's metadata. All that it
//! returns follows from its arguments.

use crate::{
    contained::{Panicked, install_silent_hook},
    frame::extensions::metadata_hash::Digest,
    method::MethodContext,
    node_store::{NodeChanges, NodeStore, NodeStoreError},
    nonce,
    operation::{Authenticated, Operation},
    parentchain::Delivery,
    session::{Failure, Session},
    state_transition::{
        Applied, BlockContext, BlockSecret, CallError, CheckedExtrinsic, Effect, Effects, Limits,
        ReadContext, Reads, Report, ShardContext, StateTransition,
    },
};
use frame_support::weights::Weight;
use offstage_primitives::{
    AccountId32, H256,
    read::{Permit, Question},
    receipt::Outcome,
};
use sp_runtime::traits::BlakeTwo256;
use sp_trie::{
    LayoutV1,
    cache::{CacheSize, SharedTrieCache},
};
use std::{borrow::Borrow, collections::BTreeMap, marker::PhantomData};

/// Runs the business logic `S`.
///
/// Cheap to clone; clones share the cache. Reads may run on other threads while a block is executed.
pub struct Executor<S> {
    cache: SharedTrieCache<BlakeTwo256>,
    digest: Digest,
    logic: PhantomData<fn() -> S>,
}

impl<S> Clone for Executor<S> {
    fn clone(&self) -> Self {
        Self { cache: self.cache.clone(), digest: self.digest.clone(), logic: PhantomData }
    }
}

impl<S: StateTransition> Default for Executor<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: StateTransition> Executor<S> {
    /// An executor with a node cache of [`DEFAULT_CACHE_BYTES`].
    ///
    /// Also makes the process keep quiet about panics of the business logic: see the crate's documentation.
    pub fn new() -> Self {
        Self::with_cache(DEFAULT_CACHE_BYTES)
    }

    /// An executor whose cache of trie nodes takes about this many bytes.
    pub fn with_cache(bytes: usize) -> Self {
        install_silent_hook();
        Self {
            cache: SharedTrieCache::new(CacheSize::new(bytes), None),
            digest: Digest::new(S::metadata_digest),
            logic: PhantomData,
        }
    }

    /// Makes the state that a shard begins with. The store is empty before.
    ///
    /// # Errors
    /// When the business logic fails to make its genesis.
    pub fn genesis(&self, shard: &ShardContext) -> Result<Genesis, ExecutionError> {
        let mut session = Session::open(&NoNodes, empty_root(), self.cache.local_cache_trusted());
        session.run_through(|| S::genesis(shard))?.map_err(|Panicked| ExecutionError::Genesis)?;
        let (root, changes) = session.finish(S::transient())?;
        Ok(Genesis { root, changes })
    }

    /// Executes a block's operations, in order, on the state with this root. They are asked for one by one, so the
    /// iterator may still be preparing later ones while earlier ones are executed.
    ///
    /// `secret` is what randomness in the block is made of.
    ///
    /// The store is only read. It is for the caller to persist [`BlockOutcome::changes`] and the new root at once.
    ///
    /// # Errors
    /// When the store fails. Then there is no outcome, and the block can be executed again.
    pub fn execute_block<N: NodeStore + ?Sized>(
        &self,
        store: &N,
        root: H256,
        block: &BlockContext,
        secret: &BlockSecret,
        operations: impl IntoIterator<Item: Borrow<Operation<S::Call>>>,
    ) -> Result<BlockOutcome, ExecutionError> {
        let mut session = Session::open(store, root, self.cache.local_cache_trusted())
            .with_calls(block.parentchain.calls.clone())
            .with_digest(self.digest.clone());
        let mut meter = Meter::new(S::limits());
        let entered = session.run_through(|| {
            S::enter_block(block, Some(secret));
            S::enter_operation(&BLOCK_BEGINS);
        })?;
        let begun = session.run_through(|| S::begin_block(block))?;
        meter.note(begun.as_ref().copied().unwrap_or_default());
        // ---- Ends of effects. Each is settled for itself: an author's mistake with one is not another's.
        let settled = session.run_through(|| S::settle(block))?;
        let mut told = settled.is_ok();
        let mut deliveries = Vec::new();
        for delivery in settled.unwrap_or_default() {
            let delivered = session.run_through(|| S::deliver(block, &delivery))?;
            told &= delivered.is_ok();
            let (weight, events) = delivered.unwrap_or_default();
            meter.note(weight);
            deliveries.push(DeliveryOutcome { delivery, events });
        }
        let outcomes = operations
            .into_iter()
            .map(|operation| execute_operation::<S, N>(&mut session, &mut meter, block, operation.borrow()))
            .collect::<Result<Vec<_>, _>>()?;
        let room = meter.room();
        let ended = session.run_through(|| {
            // Hooks at the end draw other numbers than those at the beginning.
            S::enter_operation(&BLOCK_ENDS);
            S::end_block(block, room)
        })?;
        meter.note(ended.as_ref().copied().unwrap_or_default());
        let (root, changes) = session.finish(S::transient())?;
        let prepared = entered.is_ok() && begun.is_ok() && told && ended.is_ok();
        Ok(BlockOutcome { root, changes, deliveries, outcomes, prepared, weight: meter.used })
    }

    /// Answers a getter from the state with this root. Nothing is written.
    ///
    /// # Errors
    /// [`ReadError::Unauthorised`] when the getter lacks the right signature; otherwise when the store or the logic
    /// fails.
    pub fn read<N: NodeStore + ?Sized>(
        &self,
        store: &N,
        root: H256,
        reading: &ReadContext,
        getter: &S::Getter,
    ) -> Result<Option<Vec<u8>>, ReadError> {
        let answer = self.inspect(store, root, || {
            S::enter_block(&reading.block, None);
            if S::may_read(reading, getter) { Some(S::read(getter)) } else { None }
        })?;
        answer.ok_or(ReadError::Unauthorised)
    }

    /// Answers a question by name from the state with this root, with what [`StateTransition::reads`] made. Nothing is
    /// written. `None` when there is no value, the permit is not good here and now, or the question may not be
    /// answered: one answer for all, so that nothing can be probed.
    ///
    /// # Errors
    /// When the store or the logic fails.
    pub fn ask<N: NodeStore + ?Sized>(
        &self,
        store: &N,
        root: H256,
        block: &BlockContext,
        reads: &dyn Reads,
        question: &Question,
        permit: Option<&Permit>,
    ) -> Result<Option<Vec<u8>>, ReadError> {
        if !is_good(permit, block) {
            return Ok(None);
        }
        self.inspect(store, root, || {
            S::enter_block(block, None);
            reads.read(question, permit.map(|permit| &permit.account))
        })
    }

    /// Runs a method of the author's own on the state with this root, as the account of `permit`, if there is one.
    /// Nothing is written.
    ///
    /// # Errors
    /// [`ReadError::Unauthorised`] when the permit is not good here and now; otherwise when the store fails or the
    /// method panics.
    pub fn call_method<N: NodeStore + ?Sized, R>(
        &self,
        store: &N,
        root: H256,
        block: &BlockContext,
        permit: Option<&Permit>,
        method: impl FnOnce(&MethodContext<'_>) -> R,
    ) -> Result<R, ReadError> {
        if !is_good(permit, block) {
            return Err(ReadError::Unauthorised);
        }
        self.inspect(store, root, || {
            S::enter_block(block, None);
            method(&MethodContext::new(block, permit.map(|permit| &permit.account)))
        })
    }

    /// The nonce that the next call of `account` must have; `None` when all are used up.
    ///
    /// # Errors
    /// When the store fails.
    pub fn nonce<N: NodeStore + ?Sized>(
        &self,
        store: &N,
        root: H256,
        account: &AccountId32,
    ) -> Result<Option<u32>, ReadError> {
        self.inspect(store, root, || nonce::next(account))
    }

    /// Runs `look` on the state with this root, inside externalities. What it writes is thrown away.
    ///
    /// # Errors
    /// When the store fails or `look` panics.
    pub fn inspect<N: NodeStore + ?Sized, R>(
        &self,
        store: &N,
        root: H256,
        look: impl FnOnce() -> R,
    ) -> Result<R, ReadError> {
        let mut session = Session::open(store, root, self.cache.local_cache_untrusted());
        session.run_through(look)?.map_err(|Panicked| ReadError::Panicked)
    }
}

/// Whether a permit, if there is one, is good on the state of this block.
fn is_good(permit: Option<&Permit>, block: &BlockContext) -> bool {
    let ShardContext { genesis_hash, shard, .. } = &block.shard;
    permit.is_none_or(|permit| permit.verify(genesis_hash, shard, block.number))
}

/// The state that a shard begins with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Genesis {
    /// Root of the state.
    pub root: H256,
    /// All of its nodes.
    pub changes: NodeChanges,
}

/// What became of a block.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BlockOutcome {
    /// Root of the state after the block.
    pub root: H256,
    /// What to change in the node store to have that state.
    pub changes: NodeChanges,
    /// The effects that came to their end, and what the logic did about it.
    pub deliveries: Vec<DeliveryOutcome>,
    /// One for each operation, in order.
    pub outcomes: Vec<OperationOutcome>,
    /// `false` when what the logic does at the beginning or the end of a block panicked and was rolled back: an
    /// author's mistake that somebody should hear of. Every worker gets the same, so the operations were executed
    /// nevertheless.
    pub prepared: bool,
    /// What the block weighed: its calls, and what the logic does at its beginning and end.
    pub weight: Weight,
}

/// What the logic did when it heard of the end of an effect.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeliveryOutcome {
    /// The effect and its end.
    pub delivery: Delivery,
    /// SCALE of the events that were emitted, in order.
    pub events: Vec<Vec<u8>>,
}

/// What became of an operation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OperationOutcome {
    /// Name of the operation in its receipt.
    pub operation: H256,
    /// What became of it.
    pub outcome: Outcome,
    /// What it wants done on the parentchain. Empty unless it was executed.
    pub effects: Vec<Effect>,
    /// Who may learn the report: who signed, or whom a shielding credits. `None` when nobody is known to have signed.
    pub sender: Option<AccountId32>,
    /// What its sender may learn, if it was executed or refused by the logic.
    pub report: Report,
}

impl OperationOutcome {
    /// Why the logic refused the call, if it did: for an extrinsic the pallet's name and the error's,
    /// `Balances.InsufficientBalance` for example.
    pub fn refusal(&self) -> Option<&str> {
        self.report.refusal.as_deref()
    }
}

/// Why a block could not be executed. No fault of the block's operations: they have outcomes.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ExecutionError {
    /// A node of the state could not be had.
    #[error(transparent)]
    Store(#[from] NodeStoreError),
    /// The business logic could not make its first state.
    #[error("the business logic panicked while it made the shard's first state; correct its genesis")]
    Genesis,
    /// A promise between the parts of this crate was broken.
    #[error("bug in the executor: {0}; please report it")]
    Bug(&'static str),
}

/// Why a getter was not answered.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ReadError {
    /// Whoever asks has not shown that they may.
    #[error(
        "the getter is not signed, for here and now, by the account it asks about; sign it anew with that account's key"
    )]
    Unauthorised,
    /// The business logic panicked.
    #[error("the business logic failed to answer the getter; ask for something else")]
    Panicked,
    /// The state could not be read.
    #[error(transparent)]
    Execution(#[from] ExecutionError),
}

/// Root of a state with nothing in it.
pub fn empty_root() -> H256 {
    sp_trie::empty_trie_root::<LayoutV1<BlakeTwo256>>()
}

fn execute_operation<S: StateTransition, N: NodeStore + ?Sized>(
    session: &mut Session<'_, N>,
    meter: &mut Meter,
    block: &BlockContext,
    operation: &Operation<S::Call>,
) -> Result<OperationOutcome, ExecutionError> {
    let hash = operation.hash();
    session
        .run_through(|| S::enter_operation(&hash))?
        .map_err(|Panicked| ExecutionError::Bug("naming panicked"))?;
    let done = match operation {
        Operation::Call(call) => execute_call::<S, N>(session, meter, block, call)?,
        Operation::Extrinsic { extrinsic, .. } => {
            execute_extrinsic::<S, N>(session, meter, block, extrinsic)?
        }
        Operation::Shield { beneficiary, amount, .. } => {
            done_or_not(session.run(|| S::shield(block, beneficiary, *amount).map(|()| Effects::none()))?)
                .of(beneficiary)
        }
        Operation::Failed { outcome, .. } => Done::not(*outcome),
    };
    let Done { outcome, effects, sender, report } = done;
    Ok(OperationOutcome { operation: hash, outcome, effects: effects.identify(hash), sender, report })
}

/// What came of an operation.
struct Done {
    outcome: Outcome,
    /// None unless it was executed.
    effects: Effects,
    sender: Option<AccountId32>,
    report: Report,
}

impl Done {
    /// Nothing was done.
    fn not(outcome: Outcome) -> Self {
        Self { outcome, effects: Effects::none(), sender: None, report: Report::default() }
    }

    /// It was this account's.
    fn of(self, sender: &AccountId32) -> Self {
        Self { sender: Some(sender.clone()), ..self }
    }
}

fn execute_call<S: StateTransition, N: NodeStore + ?Sized>(
    session: &mut Session<'_, N>,
    meter: &mut Meter,
    block: &BlockContext,
    call: &Authenticated<S::Call>,
) -> Result<Done, ExecutionError> {
    let admitted = admit(session, meter, call.sender(), call.nonce(), |session| {
        Ok(session.run_through(|| S::weight_of(call.call()))?.ok())
    })?;
    if let Err(outcome) = admitted {
        return Ok(Done::not(outcome).of(call.sender()));
    }
    // ---- Execution. A payment that the parentchain would refuse is the call's failure, and takes nothing.
    let done = done_or_not(session.run(|| {
        let effects = S::execute(block, call)?;
        effects.check(&block.payout)?;
        Ok(effects)
    })?);
    Ok(done.of(call.sender()))
}

fn execute_extrinsic<S: StateTransition, N: NodeStore + ?Sized>(
    session: &mut Session<'_, N>,
    meter: &mut Meter,
    block: &BlockContext,
    extrinsic: &[u8],
) -> Result<Done, ExecutionError> {
    let checked = match session.run(|| S::check_extrinsic(block, extrinsic))? {
        Ok(checked) => checked,
        Err(Failure::Refused(outcome)) => return Ok(Done::not(outcome)),
        // Nobody's nonce is used up: nobody's signature was found to be good.
        Err(Failure::Panicked) => return Ok(Done::not(Outcome::Invalid)),
    };
    let CheckedExtrinsic { sender, nonce, weight, apply } = checked;
    if let Err(outcome) = admit(session, meter, &sender, nonce, |_| Ok(Some(weight)))? {
        return Ok(Done::not(outcome).of(&sender));
    }
    let done = match session.run(apply)? {
        Ok(Applied { weight: used, effects, report }) => {
            meter.give_back(&sender, weight.saturating_sub(used));
            let outcome = if report.refusal.is_none() { Outcome::Executed } else { Outcome::Refused };
            Done { outcome, effects, sender: None, report }
        }
        Err(Failure::Refused(outcome)) => Done::not(outcome),
        Err(Failure::Panicked) => Done::not(Outcome::Panicked),
    };
    Ok(done.of(&sender))
}

/// Makes room for a call and uses up its nonce. `Ok(Err(_))` says that it must not be executed, and why.
fn admit<'a, N: NodeStore + ?Sized>(
    session: &mut Session<'a, N>,
    meter: &mut Meter,
    sender: &AccountId32,
    nonce: u32,
    weigh: impl FnOnce(&mut Session<'a, N>) -> Result<Option<Weight>, ExecutionError>,
) -> Result<Result<(), Outcome>, ExecutionError> {
    let bug = |Panicked| ExecutionError::Bug("the nonce check panicked");
    // ---- Nonce. Before the meter: anybody can send a call again, and a replay must not use up its sender's share.
    if !session.run_through(|| nonce::is_next(sender, nonce))?.map_err(bug)? {
        return Ok(Err(Outcome::WrongNonce));
    }
    // ---- Weight. Before the nonce is used up: what others did to the block must not cost its sender the call.
    let room = weigh(session)?.map(|weight| meter.charge(sender, weight));
    if room == Some(Room::NotNow) {
        return Ok(Err(Outcome::NotNow));
    }
    // ---- The nonce is used up outside the call's transaction, so that a call that fails cannot be replayed.
    if !session.run_through(|| nonce::consume(sender, nonce))?.map_err(bug)? {
        return Err(ExecutionError::Bug("the nonce changed while the call was weighed"));
    }
    Ok(match room {
        None => Err(Outcome::Panicked),
        Some(Room::Never) => Err(Outcome::TooHeavy),
        Some(Room::Now | Room::NotNow) => Ok(()),
    })
}

fn done_or_not(result: Result<Effects, Failure<CallError>>) -> Done {
    match result {
        Ok(effects) => Done { effects, ..Done::not(Outcome::Executed) },
        // The reason is for its sender and for tests: receipts are public.
        Err(Failure::Refused(CallError(reason))) => Done {
            report: Report { refusal: Some(reason.into()), ..Report::default() },
            ..Done::not(Outcome::Refused)
        },
        Err(Failure::Panicked) => Done::not(Outcome::Panicked),
    }
}

/// Adds up what a block's calls weigh, and each sender's.
///
/// All of it follows from the block's operations in their order, so every worker puts off the same calls.
struct Meter {
    limits: Limits,
    used: Weight,
    by_sender: BTreeMap<AccountId32, Weight>,
}

/// Whether there is room for a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Room {
    /// There is, and it is taken.
    Now,
    /// Not in this block.
    NotNow,
    /// In no block.
    Never,
}

impl Meter {
    fn new(limits: Limits) -> Self {
        Self { limits, used: Weight::zero(), by_sender: BTreeMap::new() }
    }

    /// Counts what the logic does for the block and for nobody in particular.
    fn note(&mut self, weight: Weight) {
        self.used = self.used.saturating_add(weight);
    }

    /// What the block has left.
    fn room(&self) -> Weight {
        self.limits.block.saturating_sub(self.used)
    }

    /// Takes back what a call was charged and did not use.
    fn give_back(&mut self, sender: &AccountId32, unused: Weight) {
        self.used = self.used.saturating_sub(unused);
        if let Some(own) = self.by_sender.get_mut(sender) {
            *own = own.saturating_sub(unused);
        }
    }

    /// Counts a call if it fits; a call that does not fit is not counted.
    fn charge(&mut self, sender: &AccountId32, weight: Weight) -> Room {
        if !weight.all_lte(self.limits.call) {
            return Room::Never;
        }
        let total = self.used.saturating_add(weight);
        let own = self.by_sender.get(sender).copied().unwrap_or_default().saturating_add(weight);
        if !total.all_lte(self.limits.block) || !own.all_lte(self.limits.sender) {
            return Room::NotNow;
        }
        self.used = total;
        self.by_sender.insert(sender.clone(), own);
        Room::Now
    }
}

/// The store of a state that does not exist yet.
struct NoNodes;

impl NodeStore for NoNodes {
    fn node(&self, _key: &[u8]) -> Result<Option<Vec<u8>>, NodeStoreError> {
        Ok(None)
    }
}

/// The name under which a block's beginning is executed. No operation has it: names are hashes.
pub(crate) const BLOCK_BEGINS: H256 = H256::zero();

/// The name under which a block's end is executed.
pub(crate) const BLOCK_ENDS: H256 = H256::repeat_byte(0xff);

/// Memory that an executor's node cache may take, in bytes: 32 MiB holds the upper levels of a trie with millions of
/// accounts.
pub const DEFAULT_CACHE_BYTES: usize = 32 * 1024 * 1024;
