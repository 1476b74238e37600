// SPDX-License-Identifier: Apache-2.0
//! `ProcessedParentchainBlock`: how a worker says, on chain, that it executed a block.
//!
//! The chain takes the call only from a registered enclave whose measurement is the shard's, so the event itself
//! proves that such an enclave published the root. That the event is there is proven against the state of a final
//! block, and the runtime that says what its bytes mean is proven, too.

use super::{Parentchain, ParentchainError, finality, runtime::Runtime};
use codec::Decode;
use offstage_light_client::{BlockId, EventRecord, FinalBlock};
use offstage_primitives::{
    AccountId32, BlockHash, H256, ShardIdentifier,
    chain::{argument, enclave_bridge, storage},
    ss58::ss58,
};
use subxt::{
    OnlineClientAtBlock, PolkadotConfig,
    ext::scale_value::{
        Composite, Value, ValueDef,
        stringify::{custom_formatters::format_hex, to_writer_custom},
    },
    rpcs::client::RpcSubscription,
};

/// What a worker published about a block that it executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Decode)]
pub struct ProcessedParentchainBlock {
    /// The shard.
    pub shard: ShardIdentifier,
    /// Hash of the executed block.
    pub block_hash: BlockHash,
    /// The Merkle root over the block's operations and their outcomes, see [`offstage_primitives::receipt`].
    pub trusted_calls_merkle_root: H256,
    /// Number of the executed block.
    pub block_number: u32,
}

/// The chain's final blocks one after the other, without gaps, each verified to be final.
pub struct FinalBlocks {
    chain: Parentchain,
    /// Number of the next one.
    next: u32,
    /// A final block at or above the next one, from whose state its hash is proven.
    above: FinalBlock,
    /// The runtime after the last one, which executed the next one.
    runtime: Option<(u32, Runtime)>,
    /// Wakes up whoever waits for the next one.
    heads: RpcSubscription<<PolkadotConfig as subxt::Config>::Header>,
}

impl FinalBlocks {
    /// The confirmations of the block `block_hash` from now on.
    pub fn confirmations_of(self, shard: ShardIdentifier, block_hash: BlockHash) -> Confirmations {
        Confirmations { shard, block_hash, blocks: self }
    }

    /// Waits for the next final block and gives its events as text, one line each, by the node's word.
    ///
    /// # Errors
    /// [`ParentchainError`] when the node ends the subscription or its events cannot be read.
    pub async fn next_events(&mut self) -> Result<BlockEvents, ParentchainError> {
        let BlockId { number, hash } = self.next().await?.id();
        let at = self.chain.0.api.at_block(u64::from(number)).await;
        let at = at.map_err(|error| ParentchainError::read("a final block", &error))?;
        Ok(BlockEvents {
            number: number.into(),
            hash,
            events: event_lines(&at, self.chain.ss58_prefix().await).await?,
        })
    }

    /// Waits for the next final block and gives its events, proven.
    async fn next_proven_events(&mut self) -> Result<Vec<EventRecord>, ParentchainError> {
        let block = self.next().await?;
        let known = self.runtime.take().filter(|(after, _)| after.checked_add(1) == Some(block.id().number));
        let runtime = match known {
            Some((_, runtime)) => runtime,
            None => self.chain.runtime_of(&block).await?,
        };
        let (events, runtime_after) = self.chain.events(&block, &runtime).await?;
        self.runtime = Some((block.id().number, runtime_after));
        Ok(events)
    }

    /// Waits for the next final block.
    async fn next(&mut self) -> Result<FinalBlock, ParentchainError> {
        let node = &self.chain.0.node.clone();
        while self.above.id().number < self.next {
            let tip = self.chain.tip().await?;
            if tip.id().number < self.next {
                self.more().await?;
                continue;
            }
            // Near enough for its state to know the hashes of many blocks.
            let above = self.next.saturating_add(NEAR).min(tip.id().number);
            self.above = finality::descend(node, &tip, above).await?;
        }
        let block = finality::descend(node, &self.above, self.next).await?;
        self.next = self.next.saturating_add(1);
        Ok(block)
    }

    /// Waits until the node announces a final block.
    async fn more(&mut self) -> Result<(), ParentchainError> {
        let what = "the chain's final blocks";
        match self.heads.next().await {
            Some(Ok(_)) => Ok(()),
            Some(Err(error)) => Err(ParentchainError::read(what, &error)),
            None => Err(ParentchainError::Read { what, reason: "the node closed the connection".to_owned() }),
        }
    }
}

/// The events of a final block, readable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockEvents {
    /// The block's number.
    pub number: u64,
    /// The block's hash.
    pub hash: BlockHash,
    /// `Pallet.Event { field: value, … }`, byte strings in hexadecimal.
    pub events: Vec<String>,
}

impl Parentchain {
    /// The final blocks after those that are known now. Ask before you send, so that nothing can be missed.
    ///
    /// # Errors
    /// [`ParentchainError`].
    pub async fn final_blocks(&self) -> Result<FinalBlocks, ParentchainError> {
        // In this order, so that no block lies between the tip and the subscription.
        let heads = self.0.node.finalized_heads().await?;
        let above = self.tip().await?;
        let next = above.id().number.saturating_add(1);
        Ok(FinalBlocks { chain: self.clone(), next, above, runtime: None, heads })
    }

    /// The confirmations of a block of the past: in all final blocks from the one after it up to the head, and then in
    /// those that come.
    ///
    /// # Errors
    /// [`ParentchainError`].
    pub async fn confirmations_of(
        &self,
        shard: ShardIdentifier,
        block_hash: BlockHash,
        block_number: u32,
    ) -> Result<Confirmations, ParentchainError> {
        let mut blocks = self.final_blocks().await?;
        let first = block_number.saturating_add(1);
        if first < blocks.next {
            let above = first.saturating_add(NEAR).min(blocks.above.id().number);
            blocks.above = finality::descend(&self.0.node, &blocks.above, above).await?;
            blocks.next = first;
        }
        Ok(blocks.confirmations_of(shard, block_hash))
    }

    /// The runtime that executed a final block: the one in the state before it.
    pub(crate) async fn runtime_of(&self, block: &FinalBlock) -> Result<Runtime, ParentchainError> {
        let number = block.id().number.saturating_sub(1);
        let parent = finality::descend(&self.0.node, block, number).await?;
        self.runtime_at(&parent).await
    }

    /// The events of a final block that `runtime` executed, proven, and the runtime after it.
    pub(crate) async fn events(
        &self,
        block: &FinalBlock,
        runtime: &Runtime,
    ) -> Result<(Vec<EventRecord>, Runtime), ParentchainError> {
        let state = finality::read(&self.0.node, block, &[storage::events()]).await?;
        let events = state.events(runtime.verified()).map_err(|error| ParentchainError::Read {
            what: "the events of a block",
            reason: error.to_string(),
        })?;
        let after = if state.code_hash() == runtime.verified().code_hash() {
            runtime.clone()
        } else {
            self.runtime_at(block).await?
        };
        Ok((events, after))
    }
}

/// What the shard's enclaves publish about one block. Each of them confirms it, so there is more than one confirmation,
/// and they differ when an enclave computes something else.
pub struct Confirmations {
    shard: ShardIdentifier,
    block_hash: BlockHash,
    blocks: FinalBlocks,
}

impl Confirmations {
    /// The shard.
    pub fn shard(&self) -> ShardIdentifier {
        self.shard
    }

    /// Hash of the block that they are about.
    pub fn block_hash(&self) -> BlockHash {
        self.block_hash
    }

    /// Those in the next final block, in its order.
    ///
    /// # Errors
    /// [`ParentchainError`] when the node ends the subscription, or the events of a block cannot be read or are not
    /// proven.
    pub async fn next_block(&mut self) -> Result<Vec<ProcessedParentchainBlock>, ParentchainError> {
        let events = self.blocks.next_proven_events().await?;
        let mut found = confirmations(&events)?;
        found.retain(|event| event.shard == self.shard && event.block_hash == self.block_hash);
        Ok(found)
    }
}

/// The confirmations among the events of a block.
fn confirmations(events: &[EventRecord]) -> Result<Vec<ProcessedParentchainBlock>, ParentchainError> {
    let malformed = || ParentchainError::Read {
        what: "a confirmation of a block",
        reason: "the event has a form that this version of the client does not know".to_owned(),
    };
    let is_confirmation =
        |event: &&EventRecord| event.is(enclave_bridge::PALLET, enclave_bridge::BLOCK_PROCESSED);
    events
        .iter()
        .filter(is_confirmation)
        .map(|event| {
            Some(ProcessedParentchainBlock {
                shard: event.field(argument::SHARD, 0)?,
                block_hash: event.field(argument::BLOCK_HASH, 1)?,
                trusted_calls_merkle_root: event.field(argument::TRUSTED_CALLS_MERKLE_ROOT, 2)?,
                block_number: event.field(argument::BLOCK_NUMBER, 3)?,
            })
        })
        .map(|confirmation| confirmation.ok_or_else(malformed))
        .collect()
}

/// The events in a block, as text.
async fn event_lines(
    at: &OnlineClientAtBlock<PolkadotConfig>,
    prefix: u16,
) -> Result<Vec<String>, ParentchainError> {
    let metadata = at.metadata();
    let what = "the events of a block";
    let events = at.events().fetch().await.map_err(|error| ParentchainError::read(what, &error))?;
    let mut lines = Vec::new();
    for event in events.iter() {
        let event = event.map_err(|error| ParentchainError::read(what, &error))?;
        let variant = metadata.pallet_by_event_index(event.pallet_index());
        let variant = variant.and_then(|pallet| pallet.event_variant_by_index(event.event_index()));
        let types = variant.iter().flat_map(|variant| &variant.fields).map(|field| field.ty.id);
        let mut fields: Composite<()> =
            event.decode_fields_unchecked_as().map_err(|error| ParentchainError::read(what, &error))?;
        let values: Vec<&mut Value<()>> = match &mut fields {
            Composite::Named(values) => values.iter_mut().map(|(_, value)| value).collect(),
            Composite::Unnamed(values) => values.iter_mut().collect(),
        };
        for (value, id) in values.into_iter().zip(types) {
            let is_account = metadata
                .types()
                .resolve(id)
                .is_some_and(|ty| ty.path.segments.last().is_some_and(|name| name == "AccountId32"));
            if let Some(account) = is_account.then(|| account_of(value)).flatten() {
                *value = Value::string(ss58(&account, prefix));
            }
        }
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = to_writer_custom()
            .add_custom_formatter(|value, writer| format_hex(value, writer))
            .write(&Value { value: ValueDef::Composite(fields), context: () }, &mut text);
        lines.push(format!("{}.{} {text}", event.pallet_name(), event.event_name()));
    }
    Ok(lines)
}

/// The 32 bytes of an account, however its type wraps them.
fn account_of(value: &Value<()>) -> Option<AccountId32> {
    let ValueDef::Composite(fields) = &value.value else { return None };
    if fields.len() == 1 {
        return fields.values().next().and_then(account_of);
    }
    let bytes = fields.values().map(|value| value.as_u128().and_then(|byte| u8::try_from(byte).ok()));
    let bytes = bytes.collect::<Option<Vec<u8>>>()?;
    <[u8; 32]>::try_from(bytes).ok().map(AccountId32::new)
}

/// How far above the next block the one is from whose state the hashes of blocks are proven.
const NEAR: u32 = 200;
