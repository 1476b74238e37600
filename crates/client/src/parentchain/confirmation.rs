// SPDX-License-Identifier: Apache-2.0
//! `ProcessedParentchainBlock`: how a worker says, on chain, that it executed a block.
//!
//! The chain takes the call only from a registered enclave whose fingerprint is the shard's, so the event itself
//! proves that such an enclave published the root.

use super::{Parentchain, ParentchainError};
use codec::Decode;
use offstage_primitives::{H256, ShardIdentifier, bounded::decode_bounded, chain::enclave_bridge};
use std::ops::RangeInclusive;
use subxt::{
    OnlineClient, OnlineClientAtBlock, PolkadotConfig,
    client::Blocks,
    ext::scale_value::{
        Composite, Value, ValueDef,
        stringify::{custom_formatters::format_hex, to_writer_custom},
    },
};

/// What a worker published about a block that it executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Decode)]
pub struct ProcessedParentchainBlock {
    /// The shard.
    pub shard: ShardIdentifier,
    /// Hash of the executed block.
    pub block_hash: H256,
    /// The Merkle root over the block's operations and their outcomes, see [`offstage_primitives::receipt`].
    pub trusted_calls_merkle_root: H256,
    /// Number of the executed block.
    pub block_number: u32,
}

/// The chain's final blocks, from the moment of the subscription on, without gaps.
pub struct FinalBlocks(Blocks<PolkadotConfig>);

impl FinalBlocks {
    /// The confirmations of the block `block_hash` from now on.
    pub fn confirmations_of(self, shard: ShardIdentifier, block_hash: H256) -> Confirmations {
        Confirmations { shard, block_hash, past: None, blocks: self }
    }

    /// Waits for the next final block and gives its events as text, one line each.
    ///
    /// # Errors
    /// [`ParentchainError::Read`] when the node ends the subscription or its events cannot be read.
    pub async fn next_events(&mut self) -> Result<BlockEvents, ParentchainError> {
        let at = self.next().await?;
        Ok(BlockEvents {
            number: at.block_number(),
            hash: H256(at.block_hash().0),
            events: event_lines(&at).await?,
        })
    }

    /// Waits for the next final block.
    ///
    /// # Errors
    /// [`ParentchainError::Read`] when the node ends the subscription.
    pub async fn next(&mut self) -> Result<OnlineClientAtBlock<PolkadotConfig>, ParentchainError> {
        let what = "the chain's final blocks";
        let ended = || ParentchainError::Read { what, reason: "the node closed the connection".to_owned() };
        let block =
            self.0.next().await.ok_or_else(ended)?.map_err(|error| ParentchainError::read(what, &error))?;
        block.at().await.map_err(|error| ParentchainError::read(what, &error))
    }
}

/// The events of a final block, readable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockEvents {
    /// The block's number.
    pub number: u64,
    /// The block's hash.
    pub hash: H256,
    /// `Pallet.Event { field: value, … }`, byte strings in hexadecimal.
    pub events: Vec<String>,
}

impl Parentchain {
    /// Subscribes to final blocks. Subscribe before you send, so that nothing can be missed.
    ///
    /// # Errors
    /// [`ParentchainError::Read`].
    pub async fn final_blocks(&self) -> Result<FinalBlocks, ParentchainError> {
        self.api
            .stream_blocks()
            .await
            .map(FinalBlocks)
            .map_err(|error| ParentchainError::read("the chain's final blocks", &error))
    }

    /// The confirmations of a block of the past: in all final blocks from the one after it up to the head, and then in
    /// those that come.
    ///
    /// # Errors
    /// [`ParentchainError::Read`].
    pub async fn confirmations_of(
        &self,
        shard: ShardIdentifier,
        block_hash: H256,
        block_number: u32,
    ) -> Result<Confirmations, ParentchainError> {
        // In this order, so that no block lies between the past and the subscription.
        let blocks = self.final_blocks().await?;
        let head = self.at_final_block().await?.block_number();
        let past = Past { api: self.api.clone(), numbers: u64::from(block_number) + 1..=head };
        Ok(Confirmations { shard, block_hash, past: Some(past), blocks })
    }
}

/// What the shard's enclaves publish about one block. Each of them confirms it, so there is more than one confirmation, and
/// they differ when an enclave computes something else.
pub struct Confirmations {
    shard: ShardIdentifier,
    block_hash: H256,
    past: Option<Past>,
    blocks: FinalBlocks,
}

/// Final blocks that were there before the subscription.
struct Past {
    api: OnlineClient<PolkadotConfig>,
    numbers: RangeInclusive<u64>,
}

impl Confirmations {
    /// The shard.
    pub fn shard(&self) -> ShardIdentifier {
        self.shard
    }

    /// Hash of the block that they are about.
    pub fn block_hash(&self) -> H256 {
        self.block_hash
    }

    /// Those in the next final block, in its order. A block may be seen twice where the past meets the subscription.
    ///
    /// # Errors
    /// [`ParentchainError::Read`] when the node ends the subscription or the events of a block cannot be read.
    pub async fn next_block(&mut self) -> Result<Vec<ProcessedParentchainBlock>, ParentchainError> {
        let at = match self.past.as_mut().and_then(|past| Some((past.numbers.next()?, &past.api))) {
            Some((number, api)) => {
                api.at_block(number).await.map_err(|error| ParentchainError::read("a final block", &error))?
            }
            None => self.blocks.next().await?,
        };
        let mut found = confirmations(&at).await?;
        found.retain(|event| event.shard == self.shard && event.block_hash == self.block_hash);
        Ok(found)
    }
}

/// The confirmations in a block.
async fn confirmations(
    at: &OnlineClientAtBlock<PolkadotConfig>,
) -> Result<Vec<ProcessedParentchainBlock>, ParentchainError> {
    let what = "the events of a block";
    let events = at.events().fetch().await.map_err(|error| ParentchainError::read(what, &error))?;
    let mut found = Vec::new();
    for event in events.iter() {
        let event = event.map_err(|error| ParentchainError::read(what, &error))?;
        if event.pallet_name() == enclave_bridge::PALLET
            && event.event_name() == enclave_bridge::BLOCK_PROCESSED
        {
            let fields = decode_bounded(event.field_bytes(), CONFIRMATION_LEN).map_err(|error| {
                ParentchainError::Read { what: "a confirmation of a block", reason: error.to_string() }
            })?;
            found.push(fields);
        }
    }
    Ok(found)
}

/// The events in a block, as text.
async fn event_lines(at: &OnlineClientAtBlock<PolkadotConfig>) -> Result<Vec<String>, ParentchainError> {
    let what = "the events of a block";
    let events = at.events().fetch().await.map_err(|error| ParentchainError::read(what, &error))?;
    let mut lines = Vec::new();
    for event in events.iter() {
        let event = event.map_err(|error| ParentchainError::read(what, &error))?;
        let fields: Composite<()> =
            event.decode_fields_unchecked_as().map_err(|error| ParentchainError::read(what, &error))?;
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = to_writer_custom()
            .add_custom_formatter(|value, writer| format_hex(value, writer))
            .write(&Value { value: ValueDef::Composite(fields), context: () }, &mut text);
        lines.push(format!("{}.{} {text}", event.pallet_name(), event.event_name()));
    }
    Ok(lines)
}

/// Three hashes and a block number.
const CONFIRMATION_LEN: usize = 3 * 32 + 4;
