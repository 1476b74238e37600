// SPDX-License-Identifier: Apache-2.0
//! Feeding the enclave: which headers, justification and blocks come next.
//!
//! The enclave says where it is; [`Feeder::step`] brings it one bounded step further:
//!
//! 1. it wants runtime code: hand it over;
//! 2. it knows of final blocks that it has not executed: hand over the next of them, with proofs;
//! 3. else find the next block with a justification, hand over the headers up to it and then the justification;
//! 4. else it is at the head: say so.

use crate::{
    enclave::Enclave,
    node::{Node, RpcBlock, from_hex},
};
use anyhow::{Context, Result};
use codec::Decode;
use offstage_primitives::H256;
use offstage_protocol::{BlockBundle, BlockReference, HostRequest, MAX_HEADERS, Phase, Status, Untrusted};
use std::{
    collections::BTreeMap,
    ops::RangeInclusive,
    sync::{Arc, Mutex},
};

/// What a step did.
#[derive(Debug)]
pub enum Step {
    /// The enclave is further; call again.
    Advanced(Status),
    /// The enclave is at the finalized head, or no justification is there yet; wait for news of the chain.
    AtHead(Status),
}

/// Hands the enclave what it needs next.
pub struct Feeder {
    node: Node,
    /// Blocks fetched for their justification that will be wanted again for their body.
    ahead: BTreeMap<u32, RpcBlock>,
    /// The newest justification that the node streamed.
    streamed: Arc<Mutex<Option<Justification>>>,
    /// Whether the headers that the enclave has, but does not hold for final, are sent again: the node may have been wrong about them.
    from_finalized: bool,
}

/// A justification and the block that it is for.
#[derive(Clone, Debug)]
pub struct Justification {
    target: BlockReference,
    bytes: Vec<u8>,
}

impl Feeder {
    /// Feeds from this node. After a refusal, headers are sent from the enclave's last final block on.
    pub fn new(node: Node, after_refusal: bool) -> Self {
        let streamed = Arc::new(Mutex::new(None));
        tokio::spawn(stream_justifications(node.clone(), streamed.clone()));
        Self { node, ahead: BTreeMap::new(), streamed, from_finalized: after_refusal }
    }

    /// Brings the enclave one step further from where `status` says it is.
    ///
    /// # Errors
    /// When the node or the enclave fails, or the enclave refuses what the node gave.
    pub async fn step(&mut self, enclave: &Enclave, status: &Status) -> Result<Step> {
        if status.wanted_code.is_some() {
            return self.runtime_code(enclave, status).await;
        }
        if status.phase == Phase::NeedsShieldingKey {
            // It takes no block before it has the key; whoever called asks a peer for it.
            return enclave.ask_status(HostRequest::Status).await.map(Step::AtHead);
        }
        if let Some((first, last)) = status.wanted_headers {
            tracing::debug!(first, last, "handing headers to the enclave again, after a long gap");
            return self.headers(enclave, first..=last).await.map(Step::Advanced);
        }
        if status.position.number < status.finalized.number {
            return self.next_block(enclave, status).await;
        }
        let head = self.node.finalized_head().await?;
        if head.number <= status.position.number {
            return self.at_head(enclave, head).await;
        }
        match self.next_justification(status, head).await? {
            Some(justification) => self.finality(enclave, status, justification).await,
            None => self.at_head(enclave, status.position).await,
        }
    }

    async fn runtime_code(&self, enclave: &Enclave, status: &Status) -> Result<Step> {
        tracing::info!(
            block = status.position.number,
            "the parentchain's runtime changed; handing its code to the enclave"
        );
        let code = self
            .node
            .storage(b":code", Some(status.position.hash))
            .await?
            .context("the node has no runtime code at the worker's position; it needs the states from there on (--state-pruning archive)")?;
        enclave.ask_status(HostRequest::ImportRuntimeCode(Untrusted::new(code))).await.map(Step::Advanced)
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
            header: Untrusted::new(block.header().encoded()?),
            body: Untrusted::new(block.body()?),
            state_proof: Untrusted::new(state_proof),
        };
        enclave.ask_status(HostRequest::ImportBlock(Box::new(bundle))).await.map(Step::Advanced)
    }

    /// The first stored justification after the enclave's position, or else the streamed one. Never a later one when
    /// there is an earlier: an authority set's last justification must not be skipped.
    async fn next_justification(
        &mut self,
        status: &Status,
        head: BlockReference,
    ) -> Result<Option<Justification>> {
        self.ahead = self.ahead.split_off(&(status.position.number + 1));
        for number in status.position.number + 1..=head.number {
            if !self.ahead.contains_key(&number) {
                let Some(hash) = self.node.block_hash(number).await? else { break };
                let block = self.node.block(hash).await?;
                if self.ahead.len() < MAX_AHEAD {
                    self.ahead.insert(number, block.clone());
                }
                if let Some(bytes) = block.grandpa_justification() {
                    return Ok(Some(Justification { target: BlockReference { number, hash }, bytes }));
                }
            } else if let Some(bytes) = self.ahead.get(&number).and_then(RpcBlock::grandpa_justification) {
                let Some(hash) = self.node.block_hash(number).await? else { break };
                return Ok(Some(Justification { target: BlockReference { number, hash }, bytes }));
            }
        }
        let streamed = self
            .streamed
            .lock()
            .map_err(|_| anyhow::anyhow!("the justification stream's task panicked"))?
            .clone();
        Ok(streamed.filter(|justification| {
            justification.target.number > status.position.number && justification.target.number <= head.number
        }))
    }

    async fn finality(
        &mut self,
        enclave: &Enclave,
        status: &Status,
        justification: Justification,
    ) -> Result<Step> {
        let known = if self.from_finalized { status.finalized } else { status.tip };
        let first = known.number.max(status.position.number) + 1;
        self.headers(enclave, first..=justification.target.number).await?;
        let justification = HostRequest::ImportJustification(Untrusted::new(justification.bytes));
        let now = enclave.ask_status(justification).await?;
        self.from_finalized = false;
        Ok(Step::Advanced(now))
    }

    /// Hands headers of the node's chain to the enclave, in bounded batches.
    async fn headers(&self, enclave: &Enclave, numbers: RangeInclusive<u32>) -> Result<Status> {
        let mut headers = Vec::new();
        for number in numbers {
            let header = match self.ahead.get(&number) {
                Some(block) => block.header().clone(),
                None => {
                    let hash = self.node.block_hash(number).await?;
                    self.node
                        .header(hash.with_context(|| format!("the node does not know block {number}"))?)
                        .await?
                }
            };
            headers.push(Untrusted::new(header.encoded()?));
            if headers.len() == MAX_HEADERS {
                enclave.ask_status(HostRequest::ImportHeaders(std::mem::take(&mut headers))).await?;
            }
        }
        let rest = if headers.is_empty() { HostRequest::Status } else { HostRequest::ImportHeaders(headers) };
        enclave.ask_status(rest).await
    }

    async fn at_head(&self, enclave: &Enclave, head: BlockReference) -> Result<Step> {
        enclave.ask_status(HostRequest::AtFinalizedHead(Untrusted::new(head.hash))).await.map(Step::AtHead)
    }
}

/// Keeps the newest streamed justification. Nodes without the RPC have stored ones only; that is not an error.
async fn stream_justifications(node: Node, newest: Arc<Mutex<Option<Justification>>>) {
    let mut stream = match node.justifications().await {
        Ok(stream) => stream,
        Err(error) => {
            tracing::debug!("only stored justifications will be used: {error:#}");
            return;
        }
    };
    while let Some(Ok(text)) = stream.next().await {
        let Some(justification) = from_hex(&text).ok().and_then(read_target) else { continue };
        if let Ok(mut slot) = newest.lock() {
            *slot = Some(justification);
        }
    }
}

/// A justification starts with its round (u64) and the commit's target: hash, then number.
fn read_target(bytes: Vec<u8>) -> Option<Justification> {
    let (_round, hash, number) = <(u64, H256, u32)>::decode(&mut &bytes[..]).ok()?;
    Some(Justification { target: BlockReference { number, hash }, bytes })
}

/// Blocks kept between the search for a justification and their import. Foreign nodes keep a justification every 512 blocks.
const MAX_AHEAD: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;
    use codec::Encode;

    #[test]
    fn the_target_of_a_justification_is_read() {
        let bytes = (7u64, H256::repeat_byte(3), 99u32, vec![1u8; 10]).encode();
        let justification = read_target(bytes.clone()).unwrap();
        assert_eq!(justification.target, BlockReference { number: 99, hash: H256::repeat_byte(3) });
        assert_eq!(justification.bytes, bytes);
        assert!(read_target(vec![1, 2, 3]).is_none());
    }
}
