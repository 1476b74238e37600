// SPDX-License-Identifier: Apache-2.0
//! The steps of an indirect invocation, one function each.
//!
//! ```text
//! compose_trusted_call ─> shielding_key ─> encode_and_encrypt ─> wrap_into_extrinsic ─> send ─> processed ─> receipt
//!      signed call          verified          only enclaves         the chain sees      final    executed   what came
//!                            worker           can read it           shard and bytes                           of it
//! ```
//!
//! [`invoke`] does all of them for a trusted call, [`shield_funds`] those that a shielding needs. They are generic
//! over the shard's business logic: `C` is its trusted call, `G` its getter.

mod receipt;
mod result;

pub use result::{CheckedResult, history_of, result_of};

pub use receipt::{
    CONTRADICTION_PATIENCE, RECEIPT_PATIENCE, Settled, Sought, check_receipt, processed, receipt, receipt_of,
};

use crate::{
    account::Account,
    parentchain::{
        Parentchain, ParentchainError,
        confirmation::FinalBlocks,
        transaction::{Call, Included, bytes},
    },
    pin::Pin,
    progress::{Milestone, Observer, Stage},
    shard_runtime::{RuntimeError, ShardRuntime},
    verification::{Expected, VerifiedWorker},
    worker::{Stranger, Worker, WorkerAddress, WorkerError, address::AddressError},
};
use codec::Encode;
use offstage_envelope::{SealError, seal};
use offstage_primitives::{
    AccountId32, H256, ShardIdentifier,
    chain::{argument, enclave_bridge},
    receipt::{OperationLeaf, Outcome, shielding_operation_hash},
    shielding::ShieldingPublicKey,
    trusted::{BoundCallSigned, Getter, TrustedCall, TrustedOperation, bound_call_payload},
};
use sp_crypto_hashing::blake2_256;
use subxt::{dynamic::Value, transactions::Payload};
use thiserror::Error;

/// Step 1: signs a call for one chain, shard, measurement and nonce, and makes the operation of it that travels through
/// the parentchain. It is good for [`CALL_LIFETIME`] blocks after the worker was verified.
///
/// # Errors
/// [`WorkflowError::Sender`] when `signer` is not the account that the call is about: no enclave would execute it.
pub fn compose_trusted_call<C: TrustedCall, G>(
    call: C,
    nonce: u32,
    signer: &Account,
    worker: &VerifiedWorker,
) -> Result<TrustedOperation<C, G>, WorkflowError> {
    if call.sender() != Some(&signer.id()) {
        return Err(WorkflowError::Sender);
    }
    let expires = worker.verified_at().saturating_add(CALL_LIFETIME);
    let payload = bound_call_payload(&call, nonce, expires, &worker.domain());
    let signature = Account::sign(signer, &payload);
    Ok(TrustedOperation::BoundCall(BoundCallSigned { call, nonce, expires, signature }))
}

/// Step 2: the key to encrypt to. It belongs to an enclave that was verified; this library gives no other.
pub fn shielding_key(worker: &VerifiedWorker) -> &ShieldingPublicKey {
    worker.shielding_key()
}

/// Step 3: encodes a value (an operation, or the account that a shielding is for) and encrypts it to the worker's
/// shielding key, so that only enclaves of its shard can read it.
///
/// # Errors
/// [`SealError`].
pub fn encode_and_encrypt<T: Encode>(value: &T, worker: &VerifiedWorker) -> Result<Vec<u8>, SealError> {
    seal(shielding_key(worker), &value.encode())
}

/// Step 4: the parentchain's call that carries the envelope, `EnclaveBridge.invoke`.
pub fn wrap_into_extrinsic(shard: ShardIdentifier, cyphertext: &[u8]) -> Call {
    let request = Value::named_composite([
        (argument::SHARD, bytes(shard.as_bytes())),
        (argument::CYPHERTEXT, bytes(cyphertext)),
    ]);
    Call::new(enclave_bridge::PALLET, enclave_bridge::INVOKE, [(argument::REQUEST, request)])
}

/// The parentchain's call that shields `amount` to the account in the envelope, `EnclaveBridge.shield_funds`.
pub fn wrap_shielding(shard: ShardIdentifier, encrypted_beneficiary: &[u8], amount: u128) -> Call {
    Call::new(
        enclave_bridge::PALLET,
        enclave_bridge::SHIELD_FUNDS,
        [
            (argument::SHARD, bytes(shard.as_bytes())),
            (argument::INCOGNITO_ACCOUNT_ENCRYPTED, bytes(encrypted_beneficiary)),
            (argument::AMOUNT, Value::u128(amount)),
        ],
    )
}

/// Step 5: signs the extrinsic as `signer`, who pays its fee, submits it and waits until it is final.
///
/// # Errors
/// [`ParentchainError`].
pub async fn send(
    chain: &Parentchain,
    call: &Call,
    signer: &Account,
    observer: &dyn Observer,
) -> Result<Included, ParentchainError> {
    chain.send(call, signer, observer).await
}

/// The end of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Completed {
    /// Hash of the operation, or of its envelope if that was not opened, by which its receipt can be asked for again.
    pub operation: H256,
    /// Where the chain holds the extrinsic.
    pub included: Included,
    /// The root that its receipt was checked against.
    pub root: H256,
    /// What became of it.
    pub outcome: Outcome,
}

/// All steps for a trusted call: it is signed by `author` with the author's next nonce, encrypted to the verified
/// `worker`, sent by `payer`, and followed to its receipt, which is asked for at `address`.
///
/// # Errors
/// [`WorkflowError`]. A call that was executed without success is no error here: see [`Completed::outcome`].
pub async fn invoke<C: TrustedCall, G: Getter>(
    chain: &Parentchain,
    address: &WorkerAddress,
    mut worker: Worker,
    call: C,
    author: &Account,
    payer: &Account,
    observer: &dyn Observer,
) -> Result<Completed, WorkflowError> {
    observer.waiting_for(Stage::Answer);
    let nonce = worker.nonce::<G>(author).await?;
    let worker = worker.identity().clone();
    let operation = compose_trusted_call::<C, G>(call, nonce, author, &worker)?;
    let cyphertext = encode_and_encrypt(&operation, &worker)?;
    let call = wrap_into_extrinsic(worker.shard(), &cyphertext);
    let blocks = chain.final_blocks().await?;
    let included = send(chain, &call, payer, observer).await?;
    let sought = Sought::invocation(operation.hash(), &cyphertext, included.block_number);
    follow(chain, address, Posted { shard: worker.shard(), sought, included, blocks }, observer).await
}

/// All steps for an extrinsic of the shard's runtime: it is signed by `author` with the author's next nonce, encrypted
/// to the verified `worker`, sent by `payer`, and followed to its receipt, which is asked for at `address`.
///
/// # Errors
/// As [`invoke`]; [`WorkflowError::Runtime`] when it cannot be signed.
#[expect(clippy::too_many_arguments, reason = "each is another party or place")]
pub async fn submit<P: Payload>(
    chain: &Parentchain,
    address: &WorkerAddress,
    worker: Worker,
    runtime: &ShardRuntime,
    call: &P,
    author: &Account,
    payer: &Account,
    observer: &dyn Observer,
) -> Result<Completed, WorkflowError> {
    let posted = post(chain, worker, runtime, call, author, payer, observer).await?;
    follow(chain, address, posted, observer).await
}

/// An operation that is in a final block and has to be followed to its receipt.
pub struct Posted {
    shard: ShardIdentifier,
    sought: Sought,
    included: Included,
    blocks: FinalBlocks,
}

/// The steps of [`submit`] up to the final block that has the operation.
///
/// # Errors
/// As [`submit`].
pub async fn post<P: Payload>(
    chain: &Parentchain,
    mut worker: Worker,
    runtime: &ShardRuntime,
    call: &P,
    author: &Account,
    payer: &Account,
    observer: &dyn Observer,
) -> Result<Posted, WorkflowError> {
    observer.waiting_for(Stage::Answer);
    let nonce = worker.next_nonce(author).await?;
    let worker = worker.identity().clone();
    let extrinsic = runtime.sign(call, nonce, author, worker.verified_block())?;
    let operation = extrinsic_operation(&extrinsic);
    let cyphertext = seal(shielding_key(&worker), &operation)?;
    let call = wrap_into_extrinsic(worker.shard(), &cyphertext);
    let blocks = chain.final_blocks().await?;
    let included = send(chain, &call, payer, observer).await?;
    let sought = Sought::invocation(H256(blake2_256(&operation)), &cyphertext, included.block_number);
    Ok(Posted { shard: worker.shard(), sought, included, blocks })
}

/// The operation that carries an extrinsic of the shard's runtime: wire.md, "Extrinsics".
pub fn extrinsic_operation(extrinsic: &[u8]) -> Vec<u8> {
    [&[EXTRINSIC_TAG], extrinsic].concat()
}

/// Shields `amount` from `payer`'s account on the parentchain to the incognito account `beneficiary`, whose name only
/// the shard's enclaves can read.
///
/// # Errors
/// As [`invoke`].
pub async fn shield_funds(
    chain: &Parentchain,
    address: &WorkerAddress,
    worker: Worker,
    beneficiary: &AccountId32,
    amount: u128,
    payer: &Account,
    observer: &dyn Observer,
) -> Result<Completed, WorkflowError> {
    let worker = worker.identity().clone();
    let encrypted = encode_and_encrypt(beneficiary, &worker)?;
    let call = wrap_shielding(worker.shard(), &encrypted, amount);
    let blocks = chain.final_blocks().await?;
    let included = send(chain, &call, payer, observer).await?;
    // The only shielding in its extrinsic.
    let operation = shielding_operation_hash(&included.block_hash, included.extrinsic_index, 0, &encrypted);
    let posted = Posted { shard: worker.shard(), sought: Sought::operation(operation), included, blocks };
    follow(chain, address, posted, observer).await
}

/// Steps 6 and 7: waits until an enclave of the shard has confirmed the block, and checks the receipt, which is asked
/// for at `address`.
///
/// # Errors
/// As [`invoke`].
pub async fn follow(
    chain: &Parentchain,
    address: &WorkerAddress,
    posted: Posted,
    observer: &dyn Observer,
) -> Result<Completed, WorkflowError> {
    let Posted { shard, sought, included, blocks } = posted;
    let mut confirmations = blocks.confirmations_of(shard, included.block_hash);
    let first = processed(&mut confirmations, observer).await?;
    let settled = receipt(chain, address, sought, first, &mut confirmations, observer).await?;
    let OperationLeaf { operation, outcome, .. } = settled.receipt.leaf;
    Ok(Completed { operation, included, root: settled.root, outcome })
}

/// Connects to the worker of the shard that the user means, and verifies it.
///
/// # Errors
/// [`WorkerError`].
pub async fn connect(
    chain: &Parentchain,
    address: &WorkerAddress,
    pin: &Pin,
    observer: &dyn Observer,
) -> Result<Worker, WorkerError> {
    observer.waiting_for(Stage::Worker);
    chain.require_bridge().await?;
    let worker = Worker::connect(chain, address, pin).await?;
    observer.reached(&verified(worker.identity()));
    Ok(worker)
}

/// Connects to a worker of whatever shard, and verifies it, to ask what everybody may ask.
///
/// # Errors
/// [`WorkerError`].
pub async fn look(
    chain: &Parentchain,
    address: &WorkerAddress,
    expected: &Expected,
    observer: &dyn Observer,
) -> Result<Stranger, WorkerError> {
    observer.waiting_for(Stage::Worker);
    chain.require_bridge().await?;
    let stranger = Stranger::connect(chain, address, expected).await?;
    observer.reached(&verified(stranger.identity()));
    Ok(stranger)
}

fn verified(identity: &VerifiedWorker) -> Milestone {
    Milestone::WorkerVerified {
        shard: identity.shard(),
        measurement: *identity.measurement(),
        root: identity.root(),
        block: identity.verified_block(),
    }
}

/// What can go wrong on the way of an operation.
#[derive(Debug, Error)]
pub enum WorkflowError {
    /// The call is about another account than the one that signs.
    #[error("a trusted call is signed by the account that it is about")]
    Sender,
    /// Nothing could be encrypted.
    #[error(transparent)]
    Envelope(#[from] SealError),
    /// The address of a worker.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The chain.
    #[error(transparent)]
    Parentchain(#[from] ParentchainError),
    /// The worker.
    #[error(transparent)]
    Worker(#[from] WorkerError),
    /// The call does not fit the shard's runtime.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// The worker's receipt follows from none of the roots that enclaves of its shard published.
    #[error("the worker's receipt for {operation:?} does not follow from the root on chain")]
    Receipt {
        /// The operation.
        operation: H256,
    },
    /// The worker's result is not the one that its receipt commits to.
    #[error("the worker's result of {operation:?} is not the one that its receipt commits to")]
    OtherResult {
        /// The operation.
        operation: H256,
    },
    /// The worker tells this account nothing of the operation.
    #[error("the worker has no result of {operation:?} for this account")]
    NoResult {
        /// The operation.
        operation: H256,
    },
    /// The worker knows no such operation.
    #[error("the worker has executed no operation {operation:?}")]
    UnknownOperation {
        /// The operation.
        operation: H256,
    },
}

impl WorkflowError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Sender => Some("sign with the key of the account that pays"),
            Self::Envelope(_) | Self::Address(_) => None,
            Self::Parentchain(error) => error.hint(),
            Self::Worker(error) => error.hint(),
            Self::Runtime(error) => error.hint(),
            Self::Receipt { .. } | Self::OtherResult { .. } => {
                Some("do not rely on this worker: it contradicts what an enclave of its shard published")
            }
            Self::NoResult { .. } => Some(
                "results are for the account that signed, and for about a day; `trusted get-receipt` is for everybody",
            ),
            Self::UnknownOperation { .. } => {
                Some("the hash is the last line that the operation's command printed")
            }
        }
    }
}

/// Begins an operation that carries an extrinsic.
const EXTRINSIC_TAG: u8 = 4;

/// How many blocks after its worker was verified a trusted call may be executed at the latest. Longer than its
/// extrinsic is good for, so that a call which the chain took in time is not too late for the worker.
pub const CALL_LIFETIME: u32 = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use codec::Decode;
    use offstage_primitives::enclave_bridge::Request;

    /// By the metadata of Integritee's solochain, whose clients write these bytes.
    #[test]
    fn the_calls_are_those_of_the_chains_in_use() {
        let metadata =
            include_bytes!("../../shared/light-client/src/testing/metadata/integritee-solochain.scale");
        let metadata = subxt::Metadata::decode(&mut &metadata[..]).unwrap();
        let shard = ShardIdentifier::from([7; 32]);
        let request = Request { shard, cyphertext: vec![1, 2, 3] };
        assert_eq!(
            wrap_into_extrinsic(shard, &[1, 2, 3]).encode(&metadata).unwrap(),
            [&[54, 0][..], &request.encode()].concat()
        );
        assert_eq!(
            wrap_shielding(shard, &[1, 2, 3], 500).encode(&metadata).unwrap(),
            [&[54, 2][..], &(shard, vec![1u8, 2, 3], 500u128).encode()].concat()
        );
        let to = AccountId32::new([9; 32]);
        assert_eq!(
            Call::transfer(&to, 500).encode(&metadata).unwrap(),
            [&[10, 0, 0][..], to.as_ref(), &codec::Compact(500u128).encode()].concat()
        );
    }
}
