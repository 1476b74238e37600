// SPDX-License-Identifier: Apache-2.0
//! From a verified block to what it changes.
//!
//! Decryption and execution of one block, without effects on anything: what comes out is committed by
//! [`enclave`](crate::enclave) in one transaction, or thrown away as a whole.

use crate::{
    decrypt::{decrypt, refuse_call},
    ingest::{Birth, Ingested},
    keys::ShieldingKey,
    receipts::{is_confirmed, receipts, results},
    store::{BlockReceipts, BlockResults, Snapshot, WaitingEffect},
};
use offstage_primitives::{BlockHash, H256, ShardIdentifier, trusted::Domain};
use offstage_sdk::{Ancestors, Effect, ExecutionError, Executor, NodeChanges, StateTransition};

/// What a block changes.
#[derive(Debug, Default)]
pub struct Executed {
    /// Root of the state after it.
    pub state_root: H256,
    /// Changes of the state's nodes.
    pub nodes: NodeChanges,
    /// Its receipts, if it is to be confirmed.
    pub receipts: Option<BlockReceipts>,
    /// What the senders of its operations may learn.
    pub results: BlockResults,
    /// What has to be done on the parentchain.
    pub effects: Vec<WaitingEffect>,
    /// Number of operations.
    pub operations: usize,
    /// Whether the business logic prepared the block as it should.
    pub prepared: bool,
}

/// What execution needs to know of the shard.
pub struct Shard<'a> {
    /// Its name.
    pub shard: ShardIdentifier,
    /// Hash of the parentchain's genesis header.
    pub genesis_hash: BlockHash,
    /// How it began.
    pub birth: &'a Birth,
    /// Its key.
    pub key: &'a ShieldingKey,
    /// Empty blocks are confirmed when their number is a multiple of this.
    pub heartbeat: u32,
}

/// Makes the state that the shard begins with.
///
/// # Errors
/// When the business logic fails.
pub fn genesis<S: StateTransition>(
    executor: &Executor<S>,
    shard: ShardIdentifier,
    genesis_hash: BlockHash,
    birth: &Birth,
) -> Result<Executed, ExecutionError> {
    let genesis = executor.genesis(&birth.context(shard, genesis_hash))?;
    Ok(Executed { state_root: genesis.root, nodes: genesis.changes, prepared: true, ..Executed::default() })
}

/// Executes a block after the shard's birth. `ancestors` are the newest blocks before it.
///
/// # Errors
/// When the store fails, or by a defect. An operation that fails is an outcome, not an error.
pub fn execute<S: StateTransition>(
    executor: &Executor<S>,
    state: &Snapshot,
    state_root: H256,
    shard: &Shard<'_>,
    block: &Ingested,
    ancestors: Ancestors,
) -> Result<Executed, ExecutionError> {
    let domain = Domain {
        genesis_hash: shard.genesis_hash,
        // Not this enclave's own, so that workers before and after an upgrade agree on every block.
        measurement: block.facts.allowed_measurement(shard.shard, block.block.number),
        shard: shard.shard,
    };
    let number = block.block.number;
    let maintenance = block.facts.maintenance(number);
    let context = block.context(shard.birth.context(shard.shard, shard.genesis_hash), ancestors);
    let secret = shard
        .key
        .block_secret(&shard.genesis_hash, &shard.shard, &block.block.hash)
        .map_err(|_| ExecutionError::Bug("the block's secret cannot be derived"))?;
    let outcome = decrypt::<S::Call, _>(&block.incoming, shard.key, &domain, number, |operations| {
        let operations =
            operations.map(|operation| if maintenance { refuse_call(operation) } else { operation });
        executor.execute_block(state, state_root, &context, &secret, operations)
    })?;
    let operations = outcome.outcomes.len();
    if operations != block.incoming.len() {
        return Err(ExecutionError::Bug("an operation was lost while it was decrypted"));
    }
    let secret = shard
        .key
        .result_secret(&shard.genesis_hash, &shard.shard, &block.block.hash)
        .map_err(|_| ExecutionError::Bug("the secret of the block's results cannot be derived"))?;
    let results = results(&outcome.outcomes, &secret);
    let receipts = is_confirmed(number, operations, shard.heartbeat)
        .then(|| receipts(block.block, &outcome.outcomes, &results, &outcome.root, shard.key));
    let effects = outcome
        .outcomes
        .iter()
        .flat_map(|outcome| outcome.effects.iter().cloned())
        .map(|effect| match effect {
            Effect::Unshield { beneficiary, amount, call_hash } => {
                WaitingEffect::Unshield { beneficiary, amount, call_hash }
            }
            Effect::Call { pallet, call, arguments, until, call_hash } => {
                WaitingEffect::Call { pallet, call, arguments, until, call_hash }
            }
        })
        .chain(
            receipts
                .as_ref()
                .map(|receipts| WaitingEffect::Confirmation { block: block.block, root: receipts.root() }),
        )
        .collect();
    Ok(Executed {
        state_root: outcome.root,
        nodes: outcome.changes,
        receipts,
        results,
        effects,
        operations,
        prepared: outcome.prepared,
    })
}
