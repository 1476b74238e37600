// SPDX-License-Identifier: Apache-2.0
//! Feeding the enclave: which headers, justification and blocks come next.
//!
//! The enclave says where it is; [`Feeder::step`] brings it one bounded step further:
//!
//! 1. it wants runtime code, or headers again: hand them over;
//! 2. it knows of final blocks that it has not executed: hand over the next of them, with proofs;
//! 3. else find the next block with a justification, hand over the headers up to it and then the justification; if it
//!    refuses that, try another (`justifications`);
//! 4. else it is at the head: say so.
//!
//! Nothing is remembered of where the enclave was. It goes back, for example to a shard's birth when it has got the
//! shard's key, and the next step is the one from there.

mod justifications;

use crate::{
    enclave::{Enclave, Refused},
    head::Head,
    node::{Block, Node},
};
use anyhow::{Context, Result};
use codec::Encode;
use justifications::Streamed;
pub(crate) use justifications::another_may_do;
use offstage_primitives::{H256, chain::storage};
use offstage_protocol::{
    BlockBundle, BlockReference, MAX_HEADERS, Phase, Refusal, RefusalCode, Status, Untrusted,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
};

/// What a step did.
#[derive(Debug)]
pub enum Step {
    /// The enclave is further; call again.
    Advanced(Status),
    /// The enclave is at the finalized head, or no justification is there yet; wait for news of the chain.
    AtHead(Status),
    /// The enclave refuses every justification that the node has. Wait for another; the next step tries all again.
    Unjustified(Refusal),
}

/// Hands the enclave what it needs next.
pub struct Feeder {
    node: Node,
    head: Head,
    /// Blocks fetched for their justification that will be wanted again for their body.
    ahead: BTreeMap<u32, Block>,
    streamed: Streamed,
    /// Hashes of the justifications that the enclave refused at this position.
    refused: BTreeSet<H256>,
    last_refusal: Option<Refusal>,
    /// Whether the headers that the enclave has, but does not hold for final, are sent again: the node may have been
    /// wrong about them.
    from_finalized: bool,
}

impl Feeder {
    /// Feeds from this node. After a refusal, headers are sent from the enclave's last final block on.
    pub fn new(node: Node, head: Head, after_refusal: bool) -> Self {
        Self {
            streamed: Streamed::from(node.clone()),
            node,
            head,
            ahead: BTreeMap::new(),
            refused: BTreeSet::new(),
            last_refusal: None,
            from_finalized: after_refusal,
        }
    }

    /// Brings the enclave one step further from where `status` says it is.
    ///
    /// # Errors
    /// When the node or the enclave fails, or the enclave refuses what the node gave.
    pub async fn step(&mut self, enclave: &Enclave, status: &Status) -> Result<Step> {
        let position = status.position.number;
        self.ahead.retain(|number, _| (position + 1..=position.saturating_add(MAX_AHEAD)).contains(number));
        if status.wanted_code.is_some() {
            return self.runtime_code(enclave, status).await;
        }
        if let Some((first, last)) = status.wanted_headers {
            tracing::debug!(first, last, "handing headers to the enclave again, after a long gap");
            return self.headers(enclave, first..=last).await.map(Step::Advanced);
        }
        if position < status.finalized.number {
            return self.next_block(enclave, status).await;
        }
        let head = *self.head.borrow_and_update();
        if head.number <= position {
            return self.at_head(enclave, head).await;
        }
        self.finality(enclave, status, head).await
    }

    async fn runtime_code(&self, enclave: &Enclave, status: &Status) -> Result<Step> {
        let position = status.position;
        let code = self.node.storage(storage::CODE, Some(position.hash)).await?.context(
            "the node has no runtime code at the worker's position; it needs the states from there on \
                 (--state-pruning archive)",
        )?;
        tracing::info!(
            block = position.number,
            "the parentchain's runtime changed; handing its code to the enclave"
        );
        enclave.import_runtime_code(code).await.map(Step::Advanced)
    }

    async fn next_block(&mut self, enclave: &Enclave, status: &Status) -> Result<Step> {
        let number = status.position.number + 1;
        let hash = if number == status.finalized.number {
            Some(status.finalized.hash)
        } else {
            self.node.block_hash(number).await?
        };
        let hash = hash
            .with_context(|| format!("the node does not know block {number} of its own finalized chain"))?;
        let block = match self.ahead.remove(&number) {
            Some(block) => block,
            None => self.node.block(hash).await?,
        };
        let state_proof = self.node.read_proof(&status.watched_keys, hash).await?;
        let bundle = BlockBundle {
            header: Untrusted::new(block.header.encode()),
            body: Untrusted::new(block.body),
            state_proof: Untrusted::new(state_proof),
        };
        match enclave.import_block(bundle).await {
            Ok(now) => Ok(Step::Advanced(now)),
            // It may want the shielding key before the next block; whoever called asks a peer for it.
            Err(error)
                if status.phase == Phase::NeedsShieldingKey
                    && Refused::with(&error, |code| code == RefusalCode::Conversation).is_some() =>
            {
                enclave.status().await.map(Step::AtHead)
            }
            Err(error) => Err(error),
        }
    }

    /// Hands headers of the node's chain to the enclave, in bounded batches.
    async fn headers(&self, enclave: &Enclave, numbers: RangeInclusive<u32>) -> Result<Status> {
        let mut headers = Vec::new();
        for number in numbers {
            let header = match self.ahead.get(&number) {
                Some(block) => block.header.encode(),
                None => {
                    let hash = self.node.block_hash(number).await?;
                    let hash = hash.with_context(|| format!("the node does not know block {number}"))?;
                    self.node.header(hash).await?.encode()
                }
            };
            headers.push(header);
            if headers.len() == MAX_HEADERS {
                enclave.import_headers(std::mem::take(&mut headers)).await?;
            }
        }
        if headers.is_empty() { enclave.status().await } else { enclave.import_headers(headers).await }
    }

    async fn at_head(&self, enclave: &Enclave, head: BlockReference) -> Result<Step> {
        enclave.at_finalized_head(head.hash).await.map(Step::AtHead)
    }
}

/// Blocks kept between the search for a justification and their import. Foreign nodes keep a justification every 512
/// blocks.
const MAX_AHEAD: u32 = 512;

#[cfg(test)]
mod tests;
