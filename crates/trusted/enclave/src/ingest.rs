// SPDX-License-Identifier: Apache-2.0
//! From a verified block to what it means for this shard.
//!
//! # What
//! The light client has proven the block; here it is read. [`ChainFacts`] are the values of the watched storage keys.
//! [`Ingested`] is everything that happened: operations to execute, registrations of enclaves, confirmations by
//! others, payments that were done. Nothing in here depends on the host.
//!
//! Which registrations count, and when a shard is born, follows from it in [`registry`](crate::registry).

use crate::{effects::ProvenCalls, named::NamedItems};
use codec::{Decode, Encode};
use offstage_attestation::{ChainPolicy, ChainPolicyError};
use offstage_light_client::{
    OperationsError, Phase, ShardEvent, ShardEventKind, VerifiedBlock, block_proof_keys, operations,
};
use offstage_primitives::{
    AccountId32, BlockHash, H256, KeyDigest, Measurement, ShardIdentifier,
    attestation::{KeyBinding, RegistrationProof},
    chain::{storage as storage_keys, transaction_payment},
    enclave_bridge::{ShardSignerStatus, UpgradableShardConfig, allowed_measurement},
    receipt::shielding_operation_hash,
    teerex::SgxAttestationMethod,
};
use offstage_protocol::{BlockReference, OutboxKind};
use offstage_sdk::{
    Ancestors, BlockContext, PayoutTerms, ShardContext,
    parentchain::{Calls, Parentchain, storage::StorageRead},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// What the enclave knows of its chain after a block, proven against the block's state root.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct ChainFacts {
    /// Chain time in milliseconds since the Unix epoch.
    pub timestamp_ms: u64,
    /// Nonce of the enclave's account.
    pub nonce: u32,
    /// Free balance of the enclave's account.
    pub balance: u128,
    /// The shard's configuration, if it has one.
    pub shard_config: Option<UpgradableShardConfig>,
    /// Whose evidence counts.
    pub policy: ChainPolicy,
    /// Whether the registry has an entry of the enclave's signer.
    pub registered: bool,
    /// The enclaves that act for the shard; `None` before the first one did.
    pub shard_status: Option<Vec<ShardSignerStatus>>,
    /// Free balance of the shard's account, out of which payments are made.
    pub shard_balance: u128,
    /// What it takes to pay out. Its fee is of the newest block that shows one.
    pub payout: PayoutTerms,
    /// What the chain's state holds of the items that the business logic names.
    pub named: Vec<StorageRead>,
}

impl ChainFacts {
    /// The measurement that the shard allows in block `number`.
    pub fn allowed_measurement(&self, shard: ShardIdentifier, number: u32) -> Measurement {
        allowed_measurement(shard, self.shard_config.as_ref(), number)
    }

    /// Whether the shard executes nothing new in block `number`.
    pub fn maintenance(&self, number: u32) -> bool {
        self.shard_config.as_ref().is_some_and(|config| config.at(number).maintenance_mode)
    }

    /// What the business logic is told of the block that these facts are of.
    pub fn context(&self, block: BlockReference, shard: ShardContext, ancestors: Ancestors) -> BlockContext {
        BlockContext {
            shard,
            number: block.number,
            hash: block.hash,
            timestamp_ms: self.timestamp_ms,
            payout: self.payout,
            ancestors,
            parentchain: Parentchain { storage: self.named.clone(), ..Parentchain::default() },
        }
    }

    /// Chain time in seconds.
    pub fn now_secs(&self) -> u64 {
        self.timestamp_ms / 1000
    }
}

/// How the shard began.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Birth {
    /// The block with the first confirmation by a candidate. Execution begins with it, on the genesis state.
    pub block: BlockReference,
    /// Digest of the shard's shielding key.
    pub shielding_key: KeyDigest,
    /// Whether the chain trusts the development root of attestation.
    pub development: bool,
}

impl Birth {
    /// What the business logic is told of the shard.
    pub fn context(&self, shard: ShardIdentifier, genesis_hash: BlockHash) -> ShardContext {
        ShardContext { shard, genesis_hash, development: self.development }
    }
}

/// What a block means for a shard.
pub struct Ingested {
    /// The block.
    pub block: BlockReference,
    /// What the watched keys say after it.
    pub facts: ChainFacts,
    /// What is to be executed, in the chain's order.
    pub incoming: Vec<Incoming>,
    /// What happened to enclaves and what they confirmed, in the chain's order.
    pub registry: Vec<RegistryEvent>,
    /// Blocks of this shard that enclaves confirmed.
    pub confirmed: Vec<Confirmed>,
    /// Call hashes of payments and calls that were executed for the shard, in the chain's order, and whether they were
    /// done.
    pub executed: Vec<(H256, bool)>,
    /// The calls that the runtime takes which made the block.
    pub calls: Arc<dyn Calls>,
    /// What the shard's enclaves paid for a call, the least of this block.
    pub fee: Option<u128>,
    /// What enclaves paid for extrinsics: all of this one, and registrations of others.
    pub paid: Vec<PaidFee>,
}

/// The fee of an extrinsic without its tip: this enclave gives none, and what others give says nothing of prices.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PaidFee {
    /// What it brought about; `None` when nothing, or something else.
    pub kind: Option<OutboxKind>,
    /// Whether this enclave paid it.
    pub is_own: bool,
    /// In the smallest unit.
    pub fee: u128,
}

impl Ingested {
    /// Completes the facts by what only earlier blocks show.
    pub fn remember(&mut self, before: Option<&ChainFacts>) {
        self.facts.payout.fee = self.fee.or(before.map(|facts| facts.payout.fee)).unwrap_or_default();
    }

    /// What the business logic is told of the block. `ancestors` are the newest blocks before it.
    pub fn context(&self, shard: ShardContext, ancestors: Ancestors) -> BlockContext {
        let mut context = self.facts.context(self.block, shard, ancestors);
        context.parentchain.calls = Some(self.calls.clone());
        context.parentchain.executed = self.executed.clone();
        context
    }
}

/// An operation as the chain has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Incoming {
    /// Somebody invoked with this envelope.
    Invocation {
        /// The envelope.
        cyphertext: Vec<u8>,
    },
    /// Somebody paid in.
    Shielding {
        /// Name of the operation in its receipt.
        hash: H256,
        /// Envelope of the account that is credited.
        encrypted_beneficiary: Vec<u8>,
        /// How much.
        amount: u128,
    },
}

/// What happened to an enclave, as far as its registration and a shard's birth are concerned.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RegistryEvent {
    /// The chain verified its quote.
    Registered {
        /// The enclave's account.
        signer: AccountId32,
        /// Its measurement.
        measurement: Measurement,
        /// What its quote binds, if the registration told; checked against the quote.
        binding: Option<KeyBinding>,
        /// Whether the chain says that the enclave itself registered with a DCAP quote. Another method counts for
        /// nothing: the chain may have verified nothing then (threat model P12).
        is_dcap: bool,
    },
    /// Its entry was removed.
    Unregistered {
        /// The enclave's account.
        signer: AccountId32,
    },
    /// It confirmed a block of this shard.
    Confirmed {
        /// The enclave's account.
        signer: AccountId32,
    },
}

/// A confirmation that the chain accepted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Confirmed {
    /// Who confirmed, if the extrinsic tells.
    pub signer: Option<AccountId32>,
    /// Number of the confirmed block.
    pub number: u32,
    /// Its hash.
    pub block_hash: BlockHash,
    /// Root of its receipts.
    pub root: H256,
}

/// Storage keys that every block's proof must cover.
pub fn watched_keys(signer: &AccountId32, shard: ShardIdentifier, named: &NamedItems) -> Vec<Vec<u8>> {
    let keys = WatchedKeys::new(signer, shard);
    let own = [
        keys.timestamp,
        keys.account,
        keys.shard_config,
        keys.registration,
        keys.shard_status,
        keys.shard_account,
    ];
    let mut keys: Vec<_> = own.into_iter().chain(ChainPolicy::storage_keys()).collect();
    for key in named.keys() {
        if !keys.contains(key) {
            keys.push(key.clone());
        }
    }
    keys
}

/// What the host is asked to prove: the watched keys, and those that the light client itself needs.
pub fn proof_keys(signer: &AccountId32, shard: ShardIdentifier, named: &NamedItems) -> Vec<Vec<u8>> {
    block_proof_keys().into_iter().chain(watched_keys(signer, shard, named)).collect()
}

/// Reads a verified block.
///
/// # Errors
/// When the chain itself is of a form that is not known here.
pub fn ingest(
    block: &VerifiedBlock,
    signer: &AccountId32,
    shard: ShardIdentifier,
    named: &NamedItems,
) -> Result<Ingested, IngestError> {
    let reference = BlockReference { number: block.id().number, hash: block.id().hash };
    let mut ingested = Ingested {
        block: reference,
        facts: facts(block, signer, shard, named)?,
        incoming: Vec::new(),
        registry: Vec::new(),
        confirmed: Vec::new(),
        executed: Vec::new(),
        calls: Arc::new(ProvenCalls(block.runtime().clone())),
        fee: None,
        paid: Vec::new(),
    };
    let mut shieldings = ShieldingPlace::default();
    // Calls of the shard's enclaves, by extrinsic.
    let mut own_calls = BTreeMap::<u32, u32>::new();
    let mut registrations = BTreeSet::<u32>::new();
    for ShardEvent { extrinsic_index, kind, .. } in operations(block, shard)? {
        if let (Some(index), ShardEventKind::Confirmed { .. } | ShardEventKind::Unshielded { .. }) =
            (extrinsic_index, &kind)
        {
            let count = own_calls.entry(index).or_default();
            *count = count.saturating_add(1);
        }
        match kind {
            ShardEventKind::Invoke { cyphertext } => {
                ingested.incoming.push(Incoming::Invocation { cyphertext })
            }
            // The call is hidden behind one that nobody knows: there is no envelope to open.
            ShardEventKind::Unattributable => {}
            ShardEventKind::Shield { encrypted_beneficiary, amount } => {
                // What the chain did outside extrinsics counts as one extrinsic after all others.
                let extrinsic_index = extrinsic_index.unwrap_or(u32::MAX);
                let position = shieldings.next(extrinsic_index);
                let hash = shielding_operation_hash(
                    &reference.hash,
                    extrinsic_index,
                    position,
                    &encrypted_beneficiary,
                );
                ingested.incoming.push(Incoming::Shielding { hash, encrypted_beneficiary, amount });
            }
            ShardEventKind::Registration { signer, method, proof } => {
                registrations.extend(extrinsic_index);
                ingested.registry.push(registered(signer, method, &proof));
            }
            ShardEventKind::Unregistered { signer } => {
                ingested.registry.push(RegistryEvent::Unregistered { signer });
            }
            ShardEventKind::Confirmed { signer, block_hash, root, number } => {
                let by = signer.clone().map(|signer| RegistryEvent::Confirmed { signer });
                ingested.registry.extend(by);
                ingested.confirmed.push(Confirmed { signer, number, block_hash, root });
            }
            ShardEventKind::Unshielded { call_hash, .. } => {
                ingested.executed.extend(call_hash.map(|call_hash| (call_hash, true)));
            }
            ShardEventKind::Executed { call_hash, done } => ingested.executed.push((call_hash, done)),
            ShardEventKind::ShardConfigUpdated => {}
        }
    }
    ingested.fee = least_fee(block, &own_calls);
    ingested.paid = paid_fees(block, signer, &own_calls, &registrations);
    Ok(ingested)
}

/// What a call of the shard's enclaves cost in this block: the fee of its extrinsic without the tip, shared among the
/// calls in it. Only registered enclaves of the shard make such calls, so nobody else moves this.
fn least_fee(block: &VerifiedBlock, own_calls: &BTreeMap<u32, u32>) -> Option<u128> {
    if own_calls.is_empty() {
        return None;
    }
    fees(block).filter_map(|(index, _, fee)| fee.checked_div(u128::from(*own_calls.get(&index)?))).min()
}

/// Of each extrinsic that paid a fee: its index, who paid, and the fee without the tip.
fn fees(block: &VerifiedBlock) -> impl Iterator<Item = (u32, AccountId32, u128)> {
    let paid = block
        .events()
        .iter()
        .filter(|event| event.is(transaction_payment::PALLET, transaction_payment::FEE_PAID));
    paid.filter_map(|event| {
        let Phase::ApplyExtrinsic(index) = event.phase else { return None };
        let (fee, tip) = (event.field::<u128>("actual_fee", 1)?, event.field::<u128>("tip", 2)?);
        Some((index, event.field("who", 0)?, fee.saturating_sub(tip)))
    })
}

/// The fees that tell what this enclave's extrinsics cost.
fn paid_fees(
    block: &VerifiedBlock,
    signer: &AccountId32,
    own_calls: &BTreeMap<u32, u32>,
    registrations: &BTreeSet<u32>,
) -> Vec<PaidFee> {
    let counted = fees(block).filter_map(|(index, who, fee)| {
        let is_own = who == *signer;
        let kind = match own_calls.get(&index) {
            _ if registrations.contains(&index) => Some(OutboxKind::Registration),
            Some(1) => Some(OutboxKind::Confirmation),
            Some(_) => Some(OutboxKind::Batch),
            None => None,
        };
        let counts = is_own || kind == Some(OutboxKind::Registration);
        counts.then_some(PaidFee { kind, is_own, fee })
    });
    counted.collect()
}

/// Why a verified block cannot be read. It is the chain's own, so the enclave cannot go on before it understands it.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// Calls or events have a form that is not known here.
    #[error(transparent)]
    Operations(#[from] OperationsError),
    /// The policy has a form that is not known here.
    #[error(transparent)]
    Policy(#[from] ChainPolicyError),
    /// A storage value has a form that is not known here.
    #[error(
        "the chain stores {0} in a form that this enclave does not know; use an enclave made for this chain"
    )]
    Storage(&'static str),
}

struct WatchedKeys {
    timestamp: Vec<u8>,
    account: Vec<u8>,
    shard_config: Vec<u8>,
    registration: Vec<u8>,
    shard_status: Vec<u8>,
    shard_account: Vec<u8>,
}

impl WatchedKeys {
    fn new(signer: &AccountId32, shard: ShardIdentifier) -> Self {
        Self {
            timestamp: storage_keys::timestamp(),
            account: storage_keys::account(signer),
            shard_config: storage_keys::shard_config(shard),
            registration: storage_keys::sovereign_enclave(signer),
            shard_status: storage_keys::shard_status(shard),
            shard_account: storage_keys::account(&shard.account()),
        }
    }
}

fn facts(
    block: &VerifiedBlock,
    signer: &AccountId32,
    shard: ShardIdentifier,
    named: &NamedItems,
) -> Result<ChainFacts, IngestError> {
    let keys = WatchedKeys::new(signer, shard);
    let value = |key: &Vec<u8>| block.value(key);
    let account = |key| match value(key) {
        None => Ok((0, 0)),
        Some(mut bytes) => AccountInfo::decode(&mut bytes)
            .map(|account| (account.nonce, account.free))
            .map_err(|_| IngestError::Storage("accounts")),
    };
    let (nonce, balance) = account(&keys.account)?;
    let (_, shard_balance) = account(&keys.shard_account)?;
    // A chain without this constant takes any amount.
    let deposit = block.runtime().constant("Balances", "ExistentialDeposit");
    Ok(ChainFacts {
        timestamp_ms: decoded(value(&keys.timestamp), "the time")?.unwrap_or_default(),
        nonce,
        balance,
        shard_config: decoded(value(&keys.shard_config), "shard configurations")?,
        policy: ChainPolicy::from_storage(|key| block.value(key))?,
        registered: value(&keys.registration).is_some(),
        shard_status: decoded(value(&keys.shard_status), "the shard's status")?,
        shard_balance,
        payout: PayoutTerms {
            existential_deposit: decoded(deposit, "the existential deposit")?.unwrap_or_default(),
            fee: 0,
        },
        named: named.read(block),
    })
}

fn decoded<T: Decode>(bytes: Option<&[u8]>, what: &'static str) -> Result<Option<T>, IngestError> {
    bytes.map(|bytes| T::decode(&mut &bytes[..])).transpose().map_err(|_| IngestError::Storage(what))
}

/// Whatever it registered with, its former entry is replaced. What cannot be read binds nothing.
fn registered(signer: AccountId32, method: Option<SgxAttestationMethod>, proof: &[u8]) -> RegistryEvent {
    let is_dcap = method == Some(SgxAttestationMethod::Dcap { proxied: false });
    // The chain accepted the proof, so it parses. A form that only a newer pallet knows cannot be ours or a birth.
    let read = RegistrationProof::from_bytes(proof).ok().and_then(|proof| {
        let claims = offstage_attestation::unverified_claims(&proof.evidence.quote).ok()?;
        Some((proof.binding, claims))
    });
    let Some((binding, claims)) = read else {
        return RegistryEvent::Registered {
            signer,
            measurement: Measurement([0; 32]),
            binding: None,
            is_dcap,
        };
    };
    // The pallet of another chain may not compare these.
    let binding = binding.filter(|binding| binding.report_data(&signer) == claims.report_data);
    RegistryEvent::Registered { signer, measurement: claims.measurement, binding, is_dcap }
}

/// Counts the shieldings within an extrinsic.
#[derive(Default)]
struct ShieldingPlace {
    extrinsic: Option<u32>,
    count: u32,
}

impl ShieldingPlace {
    fn next(&mut self, extrinsic: u32) -> u32 {
        if self.extrinsic != Some(extrinsic) {
            *self = Self { extrinsic: Some(extrinsic), count: 0 };
        }
        let position = self.count;
        self.count = self.count.saturating_add(1);
        position
    }
}

/// The beginning of frame-system's `AccountInfo` with pallet-balances' `AccountData`.
#[derive(Decode)]
struct AccountInfo {
    nonce: u32,
    _consumers: u32,
    _providers: u32,
    _sufficients: u32,
    free: u128,
}

/// Facts for tests.
#[cfg(test)]
pub(crate) mod tests_support {
    use super::*;

    /// A registered enclave with funds, on a chain without anything else.
    pub(crate) fn facts() -> ChainFacts {
        ChainFacts {
            timestamp_ms: 0,
            nonce: 0,
            balance: 0,
            shard_config: None,
            policy: ChainPolicy::new(Vec::new(), Default::default(), false),
            registered: true,
            shard_status: None,
            shard_balance: u128::MAX,
            payout: PayoutTerms::default(),
            named: Vec::new(),
        }
    }
}
