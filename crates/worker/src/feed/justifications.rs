// SPDX-License-Identifier: Apache-2.0
//! Which justification the enclave is offered next.
//!
//! A node has several: one it stored with a block, often a later block's, and those that it streams. An enclave may
//! refuse one of them for a reason that others do not have (threat model P6), so a refusal of one is no failure: the
//! next one is tried. They are tried from the earliest on, because an authority set's last justification must not be
//! skipped.

use super::{Feeder, MAX_AHEAD, Step};
use crate::{
    enclave::{Enclave, Refused},
    node::{Node, from_hex},
};
use anyhow::Result;
use codec::Decode;
use offstage_primitives::{BlockHash, H256};
use offstage_protocol::{BlockReference, RefusalCode, Status};
use sp_crypto_hashing::blake2_256;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};
use tokio::task::JoinHandle;

/// A justification and the block that it is for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Justification {
    target: BlockReference,
    bytes: Vec<u8>,
}

impl Justification {
    /// It starts with its round (u64) and the commit's target: hash, then number.
    fn read(bytes: Vec<u8>) -> Option<Self> {
        let (_round, hash, number) = <(u64, BlockHash, u32)>::decode(&mut &bytes[..]).ok()?;
        Some(Self { target: BlockReference { number, hash }, bytes })
    }

    fn hash(&self) -> H256 {
        H256(blake2_256(&self.bytes))
    }
}

impl Feeder {
    /// Offers the enclave the first justification after its position that it has not refused yet.
    pub(super) async fn finality(
        &mut self,
        enclave: &Enclave,
        status: &Status,
        head: BlockReference,
    ) -> Result<Step> {
        let Some(justification) = self.next_justification(status, head).await? else {
            let Some(refusal) = self.last_refusal.take() else {
                return self.at_head(enclave, status.position).await;
            };
            // What the node said before may have been wrong; all is asked and tried again.
            self.refused.clear();
            self.ahead.clear();
            self.from_finalized = true;
            return Ok(Step::Unjustified(refusal));
        };
        match self.offer(enclave, status, &justification).await {
            Ok(now) => {
                self.from_finalized = false;
                self.refused.clear();
                self.last_refusal = None;
                Ok(Step::Advanced(now))
            }
            Err(error) => {
                let Some(refusal) = Refused::with(&error, another_may_do) else { return Err(error) };
                tracing::debug!(
                    block = justification.target.number,
                    "the enclave refuses a justification; another is tried: {}",
                    refusal.message
                );
                self.refused.insert(justification.hash());
                self.last_refusal = Some(refusal.clone());
                enclave.status().await.map(Step::Advanced)
            }
        }
    }

    async fn offer(
        &self,
        enclave: &Enclave,
        status: &Status,
        justification: &Justification,
    ) -> Result<Status> {
        let known = if self.from_finalized { status.finalized } else { status.tip };
        let first = known.number.max(status.position.number) + 1;
        self.headers(enclave, first..=justification.target.number).await?;
        enclave.import_justification(justification.bytes.clone()).await
    }

    /// The earliest after the enclave's position, stored or streamed, that was not refused.
    async fn next_justification(
        &mut self,
        status: &Status,
        head: BlockReference,
    ) -> Result<Option<Justification>> {
        if self.refused.len() >= MAX_TRIES {
            return Ok(None);
        }
        let streamed = self.streamed.earliest(status.position.number, head.number, |justification| {
            !self.refused.contains(&justification.hash())
        });
        // Those stored beyond the streamed one need not be looked for.
        let last = streamed.as_ref().map_or(head.number, |justification| justification.target.number);
        let stored = self.next_stored(status.position.number, last).await?;
        Ok(stored.or(streamed))
    }

    async fn next_stored(&mut self, position: u32, last: u32) -> Result<Option<Justification>> {
        for number in position + 1..=last {
            let Some(hash) = self.block_hash_to_scan(number).await? else { break };
            let justification = match self.ahead.get(&number) {
                Some(block) => block.justification.clone(),
                None => {
                    let block = self.node.block(hash).await?;
                    let justification = block.justification.clone();
                    if number - position <= MAX_AHEAD {
                        self.ahead.insert(number, block);
                    }
                    justification
                }
            };
            let found =
                justification.map(|bytes| Justification { target: BlockReference { number, hash }, bytes });
            if let Some(found) = found.filter(|found| !self.refused.contains(&found.hash())) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The hash of a block; that of a block that is here already and has no justification is of no interest.
    async fn block_hash_to_scan(&self, number: u32) -> Result<Option<BlockHash>> {
        match self.ahead.get(&number) {
            Some(block) if block.justification.is_none() => Ok(Some(BlockHash::zero())),
            _ => self.node.block_hash(number).await,
        }
    }
}

/// Whether a refusal is of this justification, or of the headers that led to it, and not of the node.
pub(crate) fn another_may_do(code: RefusalCode) -> bool {
    matches!(code, RefusalCode::Justification | RefusalCode::Finality)
}

/// The justifications that the node streamed, some of the newest.
pub(super) struct Streamed {
    newest: Arc<Mutex<BTreeMap<u32, Justification>>>,
    task: JoinHandle<()>,
}

impl Streamed {
    /// Begins to listen to this node.
    pub(super) fn from(node: Node) -> Self {
        let newest = Arc::new(Mutex::new(BTreeMap::new()));
        Self { task: tokio::spawn(listen(node, newest.clone())), newest }
    }

    pub(super) fn earliest(
        &self,
        after: u32,
        upto: u32,
        wanted: impl Fn(&Justification) -> bool,
    ) -> Option<Justification> {
        let newest = self.newest.lock().ok()?;
        let mut range = newest.range(after.checked_add(1)?..=upto.max(after.checked_add(1)?));
        range
            .find(|(number, justification)| **number <= upto && wanted(justification))
            .map(|(_, found)| found.clone())
    }
}

impl Drop for Streamed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Nodes without the RPC have stored justifications only; that is not an error.
async fn listen(node: Node, newest: Arc<Mutex<BTreeMap<u32, Justification>>>) {
    let mut stream = match node.justifications().await {
        Ok(stream) => stream,
        Err(error) => {
            tracing::debug!("only stored justifications will be used: {error:#}");
            return;
        }
    };
    while let Some(Ok(text)) = stream.next().await {
        let Some(justification) = from_hex(&text).ok().and_then(Justification::read) else { continue };
        if let Ok(mut newest) = newest.lock() {
            newest.insert(justification.target.number, justification);
            while newest.len() > MAX_STREAMED {
                newest.pop_first();
            }
        }
    }
}

/// Justifications that are tried at one position before all are tried again.
const MAX_TRIES: usize = 16;
/// Streamed justifications that are kept. Each is at most some hundred signatures long.
const MAX_STREAMED: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use codec::Encode;

    #[test]
    fn the_target_of_a_justification_is_read() {
        let bytes = (7u64, BlockHash::repeat_byte(3), 99u32, vec![1u8; 10]).encode();
        let justification = Justification::read(bytes.clone()).unwrap();
        assert_eq!(justification.target, BlockReference { number: 99, hash: BlockHash::repeat_byte(3) });
        assert_eq!(justification.bytes, bytes);
        assert!(Justification::read(vec![1, 2, 3]).is_none());
    }
}
