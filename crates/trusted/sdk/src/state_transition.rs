// SPDX-License-Identifier: Apache-2.0
//! What an author of confidential business logic implements.
//!
//! [`StateTransition`] has no `self`: a logic owns nothing in memory. Everything it knows is in its storage, which it
//! reads and writes through `sp_io::storage` or FRAME's storage items, and in the arguments. That is what makes every
//! worker of a shard compute the same (ARCHITECTURE.md, invariant 3): the executor gives a call nothing else to depend
//! on.
//!
//! # What a logic must not do
//! Read a clock, draw random numbers, iterate over a `HashMap`, calculate with floats, keep state in statics or thread
//! locals, or spawn threads. [`BlockContext`] has the only time there is, the parentchain's.

use crate::{
    ancestors::Ancestors,
    operation::Authenticated,
    parentchain::{Argument, Delivery, Parentchain, storage::StorageItem},
};
use codec::{Decode, Encode};
use frame_support::weights::{Weight, constants::WEIGHT_REF_TIME_PER_MILLIS};
use offstage_primitives::{
    AccountId32, BlockHash, H256, ShardIdentifier,
    read::Question,
    receipt::Outcome,
    result::{MAX_EVENTS_LEN, OperationResult},
    trusted::{Domain, TrustedCall},
};
use sp_runtime::DispatchError;
use zeroize::Zeroizing;

/// Confidential business logic: how operations change a shard's state.
///
/// Every function that reads or writes storage runs inside externalities. [`genesis`](Self::genesis),
/// [`begin_block`](Self::begin_block), [`end_block`](Self::end_block), [`execute`](Self::execute) and
/// [`shield`](Self::shield) each run in a storage transaction of their own, which is rolled back when the function
/// fails or panics.
///
/// A FRAME runtime needs no implementation of its own: [`frame::Shard`](crate::frame::Shard) is one.
pub trait StateTransition: Send + Sync + 'static {
    /// What users ask for. The sender that [`TrustedCall::sender`] names must have signed; calls without a sender are
    /// never accepted from users.
    type Call: TrustedCall + Send + Sync + 'static;
    /// What users may read.
    type Getter: Decode + Send + Sync + 'static;

    /// Writes the state that a shard begins with.
    fn genesis(shard: &ShardContext);

    /// What the logic reads of the parentchain's state: at most [`MAX_ITEMS`](crate::parentchain::storage::MAX_ITEMS).
    /// The same for all the shard's life, and known to everybody.
    fn parentchain_storage(_shard: &ShardIdentifier) -> Vec<StorageItem> {
        Vec::new()
    }

    /// Puts into storage what a logic wants to read of the block, under keys that [`transient`](Self::transient) names.
    /// Runs before everything else of a block, and before each read.
    ///
    /// `secret` is there while a block is executed, and not in reads.
    fn enter_block(_block: &BlockContext, _secret: Option<&BlockSecret>) {}

    /// Says which operation is executed next; its hash is its name in its receipt.
    fn enter_operation(_operation: &H256) {}

    /// Beginnings of keys that belong to the block that is executed and not to the shard's state: the number of the
    /// block, for example. What is under them is forgotten after the block.
    fn transient() -> Vec<Vec<u8>> {
        Vec::new()
    }

    /// Prepares the state for the operations of one parentchain block. Runs for blocks without operations too, so it
    /// should write little. Returns what it cost; the block's calls have so much less room.
    fn begin_block(block: &BlockContext) -> Weight;

    /// Which effects the block shows to be at their end. Runs after [`begin_block`](Self::begin_block), in a
    /// transaction of its own.
    fn settle(_block: &BlockContext) -> Vec<Delivery> {
        Vec::new()
    }

    /// Tells the logic of the end of an effect, each in a transaction of its own. Returns what it cost, and SCALE of
    /// the events that it emitted.
    fn deliver(_block: &BlockContext, _delivery: &Delivery) -> (Weight, Vec<Vec<u8>>) {
        (Weight::zero(), Vec::new())
    }

    /// Ends the block. `room` is what the block has left; returns what it cost.
    fn end_block(_block: &BlockContext, _room: Weight) -> Weight {
        Weight::zero()
    }

    /// Decodes an extrinsic of the logic's runtime, with its length before it, and checks everything that does not
    /// execute it: signature, age, and whether its sender can pay its fee.
    ///
    /// # Errors
    /// What the receipt says. A logic without a FRAME runtime takes none.
    fn check_extrinsic(_block: &BlockContext, _extrinsic: &[u8]) -> Result<CheckedExtrinsic, Outcome> {
        Err(Outcome::NotIndirect)
    }

    /// An upper bound of what `call` costs, failure included. A call that is heavier than [`Limits::call`] is not
    /// executed. This must not depend on the state of one worker: only on the call and the shard's storage.
    ///
    /// Nothing interrupts a call that takes longer than this says, because a time limit would not be the same on
    /// every worker.
    fn weight_of(call: &Self::Call) -> Weight;

    /// Executes a call whose author, nonce and weight are already checked.
    ///
    /// # Errors
    /// When the call cannot be done. Its writes are rolled back and its nonce stays used.
    fn execute(block: &BlockContext, call: &Authenticated<Self::Call>) -> Result<Effects, CallError>;

    /// Credits `beneficiary` with `amount`, which the parentchain provably took in for this shard.
    ///
    /// # Errors
    /// When the account cannot be credited. The amount then stays on the shard's account on the parentchain, so a
    /// logic should refuse only what cannot be helped, an amount of zero for example.
    fn shield(block: &BlockContext, beneficiary: &AccountId32, amount: u128) -> Result<(), CallError>;

    /// Whether the getter may be answered here and now: it is public, or carries the right signature.
    fn may_read(reading: &ReadContext, getter: &Self::Getter) -> bool;

    /// The SCALE-encoded answer to a getter that [`may_read`](Self::may_read) let pass. What it writes is thrown away.
    fn read(getter: &Self::Getter) -> Option<Vec<u8>>;

    /// What answers questions by name ([`offstage_primitives::read`]). Made once, when the enclave starts. A logic
    /// without a FRAME runtime answers none.
    fn reads() -> Box<dyn Reads> {
        Box::new(())
    }

    /// SCALE-encoded metadata that describes calls and storage to tools. Not secret.
    fn metadata() -> Vec<u8>;

    /// The same in the newest version of the format that the logic has, which tells more.
    fn newest_metadata() -> Vec<u8> {
        Self::metadata()
    }

    /// Digest of the metadata, as wallets sign it (RFC-78). A logic without a FRAME runtime has none.
    fn metadata_digest() -> Option<[u8; 32]> {
        None
    }

    /// What a call and a block may cost.
    fn limits() -> Limits {
        Limits::default()
    }
}

/// Answers questions by name.
pub trait Reads: Send + Sync {
    /// The SCALE encoding of what was asked, inside externalities of a block's state. `asker` is the account that has
    /// shown itself by a permit. `None` when there is no value, or it may not be told. What it writes is thrown away.
    fn read(&self, question: &Question, asker: Option<&AccountId32>) -> Option<Vec<u8>>;
}

impl Reads for () {
    fn read(&self, _question: &Question, _asker: Option<&AccountId32>) -> Option<Vec<u8>> {
        None
    }
}

/// What is fixed for a shard as long as it lives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ShardContext {
    /// Name of the shard.
    pub shard: ShardIdentifier,
    /// Hash of the parentchain's genesis block.
    pub genesis_hash: BlockHash,
    /// Whether the parentchain's genesis trusts the development root of attestation, whose private key everybody has.
    /// A logic may then offer what makes trying things easier. It must come from the verified chain, so that all
    /// workers agree on it.
    pub development: bool,
}

/// The verified parentchain block whose operations are executed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BlockContext {
    /// The shard that executes.
    pub shard: ShardContext,
    /// Number of the block.
    pub number: u32,
    /// Hash of the block. Its producer can influence it: no source of randomness.
    pub hash: BlockHash,
    /// The block's time, in milliseconds since the Unix epoch, as its producer set it.
    pub timestamp_ms: u64,
    /// What the parentchain takes for a payment out of the shard.
    pub payout: PayoutTerms,
    /// The newest blocks before it. It may be among them itself.
    pub ancestors: Ancestors,
    /// What it shows of the parentchain, beside operations.
    pub parentchain: Parentchain,
}

/// What randomness in a block is made of: a secret of the shard's enclaves, another in each block. It is no part of the
/// state, and wiped when dropped.
#[derive(Clone)]
pub struct BlockSecret(Zeroizing<[u8; 32]>);

impl BlockSecret {
    /// From bytes that nobody outside of the shard's enclaves can know.
    pub fn new(bytes: Zeroizing<[u8; 32]>) -> Self {
        Self(bytes)
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The bytes, for tests that pin how they are derived.
    #[cfg(any(test, feature = "testing"))]
    pub fn expose_for_tests(&self) -> &[u8; 32] {
        &self.0
    }
}

/// What it takes to pay out on the parentchain, as its verified blocks show it. The same on every worker.
///
/// The executor refuses a call with an [`Effects::unshield`] of less than [`least`](Self::least), whatever the logic
/// says: the parentchain would refuse the payment, or it would cost the workers more than it pays (threat model C17). A
/// logic looks here to refuse earlier, to tell users, or to ask for more.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode)]
pub struct PayoutTerms {
    /// What an account on the parentchain must hold at least (`Balances.ExistentialDeposit` in the proven metadata).
    /// Whether the beneficiary's account exists is not proven, so each payment must be able to create it.
    pub existential_deposit: u128,
    /// What an enclave of the shard last paid the parentchain for a call of its own
    /// (`TransactionPayment.TransactionFeePaid`, shared among the calls of a batch; the least of the newest block that
    /// has one). Zero before the first, and on chains without this event.
    pub fee: u128,
}

impl PayoutTerms {
    /// The least amount that is paid out.
    pub fn least(&self) -> u128 {
        self.existential_deposit.max(self.fee).max(1)
    }
}

/// Where and on which state a getter is answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReadContext {
    /// Where the getter's signature must be good.
    pub domain: Domain,
    /// The block on whose state it is answered.
    pub block: BlockContext,
}

/// An extrinsic that may be executed, as [`StateTransition::check_extrinsic`] found. The executor checks the nonce and
/// makes room for the weight before it applies it.
pub struct CheckedExtrinsic {
    /// Who signed.
    pub sender: AccountId32,
    /// The nonce that the sender signed.
    pub nonce: u32,
    /// An upper bound of what it costs.
    pub weight: Weight,
    /// Executes it, inside externalities. Called once, right after the check; its writes are rolled back when it fails
    /// or panics.
    pub apply: Box<dyn FnOnce() -> Result<Applied, Outcome>>,
}

/// What an extrinsic did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Applied {
    /// What it cost. What is left of the bound is given back to the block and to the sender's share.
    pub weight: Weight,
    /// What it wants done on the parentchain. Empty when it was refused.
    pub effects: Effects,
    /// What its sender may learn.
    pub report: Report,
}

/// What the sender of a call may learn of its execution, and nobody else.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Report {
    /// Why it was refused: the error's name, behind its pallet's. A fixed text, never built from state or arguments.
    pub refusal: Option<String>,
    /// SCALE of its `DispatchError`, when it was refused by a FRAME runtime.
    pub error: Option<Vec<u8>>,
    /// SCALE of the events it emitted, in order.
    pub events: Vec<Vec<u8>>,
    /// What it cost, by the runtime's measure.
    pub weight: Weight,
}

impl Report {
    /// The form in which it is kept and told. Events beyond [`MAX_EVENTS_LEN`] bytes are left out, from the first one
    /// that does not fit on: the same on every worker, since all commit to it.
    pub fn to_result(&self) -> OperationResult {
        let fitting = self
            .events
            .iter()
            .scan(0usize, |total, event| {
                *total = total.saturating_add(event.len());
                (*total <= MAX_EVENTS_LEN).then_some(event)
            })
            .cloned()
            .collect::<Vec<_>>();
        let omitted = self.events.len().saturating_sub(fitting.len());
        OperationResult {
            refusal: self.refusal.clone(),
            error: self.error.clone(),
            events: fitting,
            omitted_events: u32::try_from(omitted).unwrap_or(u32::MAX),
            ref_time: self.weight.ref_time(),
            proof_size: self.weight.proof_size(),
        }
    }
}

/// What a successful call wants done on the parentchain.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Effects(Vec<EffectRequest>);

impl Effects {
    /// The call changes the shard's state and nothing else.
    pub fn none() -> Self {
        Self::default()
    }

    /// Pays `amount` from the shard's account to `beneficiary`, in the clear. The call must have taken as much
    /// out of the shard's state. Less than [`PayoutTerms::least`] makes the whole call refused.
    pub fn unshield(beneficiary: AccountId32, amount: u128) -> Self {
        Self::none().and_unshield(beneficiary, amount)
    }

    /// One more payment.
    #[must_use]
    pub fn and_unshield(mut self, beneficiary: AccountId32, amount: u128) -> Self {
        self.0.push(EffectRequest::Unshield { beneficiary, amount });
        self
    }

    pub(crate) fn into_requests(self) -> Vec<EffectRequest> {
        self.0
    }

    /// What a runtime's pallets asked for.
    pub(crate) fn of(requests: Vec<EffectRequest>) -> Self {
        Self(requests)
    }

    /// Whether the parentchain can be asked for all of it.
    pub(crate) fn check(&self, terms: &PayoutTerms) -> Result<(), CallError> {
        let too_little = |request: &EffectRequest| match request {
            EffectRequest::Unshield { amount, .. } => *amount < terms.least(),
            EffectRequest::Call { .. } => false,
        };
        if self.0.iter().any(too_little) {
            return Err(CallError(
                "the parentchain would refuse so small a payment, or it would cost more than it pays",
            ));
        }
        Ok(())
    }

    /// Names each effect after the operation that caused it.
    pub(crate) fn identify(self, operation: H256) -> Vec<Effect> {
        self.0
            .into_iter()
            .enumerate()
            .map(|(position, request)| {
                let call_hash = effect_name(operation, position);
                match request {
                    EffectRequest::Unshield { beneficiary, amount } => {
                        Effect::Unshield { beneficiary, amount, call_hash }
                    }
                    EffectRequest::Call { pallet, call, arguments, until } => {
                        Effect::Call { pallet, call, arguments, until, call_hash }
                    }
                }
            })
            .collect()
    }
}

/// The name of the effect at this position of an operation.
///
/// The parentchain executes an effect once per `call_hash`, so two of one call must not share it: the first has the
/// operation's hash, each further one a hash over the operation's hash and its position.
pub(crate) fn effect_name(operation: H256, position: usize) -> H256 {
    match position {
        0 => operation,
        _ => H256(codec::Encode::using_encoded(
            &(FURTHER_EFFECT_DOMAIN, operation, position as u64),
            sp_crypto_hashing::blake2_256,
        )),
    }
}

#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub(crate) enum EffectRequest {
    Unshield { beneficiary: AccountId32, amount: u128 },
    Call { pallet: String, call: String, arguments: Vec<Argument>, until: u32 },
}

/// What the enclave has to do on the parentchain because an operation was executed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Effect {
    /// `EnclaveBridge.unshield_funds(shard, beneficiary, amount, call_hash)`.
    Unshield {
        /// The account on the parentchain that receives.
        beneficiary: AccountId32,
        /// In the parentchain's smallest unit.
        amount: u128,
        /// Unique for this payment, the same on every worker.
        call_hash: H256,
    },
    /// `EnclaveBridge.execute_for_shard(shard, call_hash, until, call)`.
    Call {
        /// The pallet of the call that is to be executed.
        pallet: String,
        /// The call.
        call: String,
        /// Its arguments, in order.
        arguments: Vec<Argument>,
        /// Number of the last block in which the parentchain takes it.
        until: u32,
        /// Unique for this effect, the same on every worker.
        call_hash: H256,
    },
}

impl Effect {
    /// Its name, unique in its shard.
    pub fn call_hash(&self) -> H256 {
        match self {
            Self::Unshield { call_hash, .. } | Self::Call { call_hash, .. } => *call_hash,
        }
    }

    /// What it takes from the shard's account on the parentchain as a payment.
    pub fn payment(&self) -> u128 {
        match self {
            Self::Unshield { amount, .. } => *amount,
            Self::Call { .. } => 0,
        }
    }
}

/// Why a call was not done.
///
/// The reason is for tests and debugging of the logic. It is a fixed text, never built from state or arguments, and the
/// executor drops it: a receipt says only that the call was refused (threat model H13).
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the call was refused: {0}")]
pub struct CallError(pub &'static str);

impl From<DispatchError> for CallError {
    fn from(error: DispatchError) -> Self {
        Self(error.into())
    }
}

/// What a call and a block may cost.
///
/// `ref_time` is in picoseconds on Substrate's reference machine. `proof_size` counts only for parachains, so the
/// defaults do not limit it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// The heaviest call that is executed.
    pub call: Weight,
    /// The most that the calls of one parentchain block may weigh together. Those that come when it is used up are
    /// put off with their nonce unused. Shieldings are not counted: money that the chain took in is always credited.
    pub block: Weight,
    /// The most that the calls of one sender may weigh together in a block, refused ones included. At least `call`, or
    /// no call of that weight is ever executed.
    pub sender: Weight,
}

impl Default for Limits {
    /// Half a second a call, two seconds a block, of which a sender has a quarter.
    fn default() -> Self {
        Self {
            sender: Weight::from_parts(500 * WEIGHT_REF_TIME_PER_MILLIS, u64::MAX),
            call: Weight::from_parts(500 * WEIGHT_REF_TIME_PER_MILLIS, u64::MAX),
            block: Weight::from_parts(2_000 * WEIGHT_REF_TIME_PER_MILLIS, u64::MAX),
        }
    }
}

const FURTHER_EFFECT_DOMAIN: &[u8] = b"offstage/effect/v1";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_effects_of_a_call_share_a_hash() {
        let account = AccountId32::new([1; 32]);
        let operation = H256::repeat_byte(7);
        let effects = Effects::unshield(account.clone(), 5)
            .and_unshield(account.clone(), 5)
            .and_unshield(account, 5)
            .identify(operation);
        let hashes: std::collections::BTreeSet<H256> = effects.iter().map(Effect::call_hash).collect();
        assert_eq!(hashes.len(), 3);
        assert!(matches!(effects[0], Effect::Unshield { call_hash, .. } if call_hash == operation));
    }
}
