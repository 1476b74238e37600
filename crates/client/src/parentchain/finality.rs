// SPDX-License-Identifier: Apache-2.0
//! Following the chain's finality, with a node that may lie.
//!
//! From the newest block that is known, by one hop for each authority set that ended since, to the newest justified
//! block: see [`offstage_light_client::hops`], which decides what is proven. Here the material is found:
//!
//! 1. a justification of the node's newest final block, kept with the block or from `grandpa_proveFinality`, or, where
//!    the node has neither, one that it keeps with a block shortly below; when the set has not changed, that is all;
//! 2. else the last block of the set. Where it is, the node's word `Grandpa.CurrentSetId` tells by bisection, or, when
//!    the states are gone, `grandpa_proveFinality` of the next block. A lie leads to a hop that is refused.
//!
//! # Attacks
//! A node can hold back what is newer. What the client knows never goes back behind what it knew: it is kept on disk
//! ([`Cache`]).

use super::{
    ParentchainError,
    cache::{Cache, Cached},
    node::Node,
};
use crate::{
    progress::{Milestone, Observer, Stage},
    trust::{Trust, TrustedRoot},
};
use offstage_light_client::{
    BlockId, FinalBlock, Follower, ProvenState,
    header::decode_header,
    hops::{
        AncestorError, HopError, MAX_HOP_HEADERS, announced_delay, checkpoint_keys, genesis_keys, proof_keys,
    },
};
use offstage_primitives::{BlockHash, chain::storage};

/// The chain's finality as far as it was verified.
pub(crate) struct Finality {
    follower: Follower,
    anchor: BlockHash,
    cache: Cache,
    /// How many blocks the last set that ended was in office: the next may be as long.
    last_term: u32,
}

impl Finality {
    /// Starts where the user's trust does, or where the cache is, and follows to the newest final block.
    ///
    /// # Errors
    /// [`ParentchainError`]: the node's chain is not the pinned one, or what is needed cannot be proven.
    pub(crate) async fn start(
        node: &Node,
        trust: &Trust,
        cache: Cache,
        observer: &dyn Observer,
    ) -> Result<Self, ParentchainError> {
        observer.waiting_for(Stage::Node);
        let found = node.block_hash(0).await?.ok_or(ParentchainError::UnknownGenesis)?;
        if let Some(pinned) = trust.genesis.filter(|pinned| *pinned != found) {
            return Err(ParentchainError::OtherChain { found, pinned });
        }
        if trust.genesis.is_none() && trust.checkpoint.is_none() {
            observer.reached(&Milestone::GenesisNotPinned { genesis: found });
        }
        let anchor = trust.checkpoint.unwrap_or(found);
        let cached = match cache.load(anchor) {
            Cached::Known(follower) if follower.genesis_hash() == found => Some(*follower),
            Cached::Nothing => None,
            Cached::Known(_) | Cached::Damaged(_) => {
                observer.reached(&Milestone::CacheDamaged);
                None
            }
        };
        let is_anew = match &cached {
            Some(follower) => is_started_anew(node, trust, follower).await?,
            None => false,
        };
        if is_anew {
            observer.reached(&Milestone::ChainStartedAnew);
        }
        // What was verified is never given up for the anchor: sets that retired since could sign for another chain.
        let follower = match cached.filter(|_| !is_anew) {
            Some(follower) => follower,
            None => from_anchor(node, trust, anchor).await?,
        };
        let mut finality = Self { follower, anchor, cache, last_term: 0 };
        finality.advance(node, observer).await?;
        Ok(finality)
    }

    /// Follows to the newest final block of the node, if it knows a newer one, and keeps it.
    ///
    /// # Errors
    /// [`ParentchainError::Unproven`] when the node shows a newer block whose finality does not follow from what is
    /// known.
    pub(crate) async fn advance(
        &mut self,
        node: &Node,
        observer: &dyn Observer,
    ) -> Result<(), ParentchainError> {
        let before = self.follower.tip().id();
        let head = Header::of(node, node.finalized_head().await?).await?;
        let mut hops = 0u32;
        while head.number > self.follower.tip().id().number {
            // Where the node says that more sets have ended, the newest block is not tried in between.
            let set_id = self.follower.authority_set_id();
            let others_follow =
                hops > 0 && set_id_at(node, head.hash).await.is_some_and(|ahead| ahead > set_id);
            if !others_follow && self.reach_newest(node, &head).await? {
                break;
            }
            let from = self.follower.tip().id().number;
            self.over_border(node, &head).await?;
            let block = self.follower.tip().id().number;
            self.last_term = block.saturating_sub(from);
            observer.waiting_for(Stage::Following { block, head: head.number });
            hops = hops.saturating_add(1);
            if hops.is_multiple_of(KEEP_EVERY) {
                self.keep();
            }
        }
        if self.follower.tip().id() != before {
            self.keep();
        }
        Ok(())
    }

    /// What cannot be kept is followed again the next time.
    fn keep(&self) {
        let _ = self.cache.store(self.anchor, &self.follower);
    }

    /// The newest block that is known to be final.
    pub(crate) fn tip(&self) -> &FinalBlock {
        self.follower.tip()
    }

    /// Which chain this is.
    pub(crate) fn genesis_hash(&self) -> BlockHash {
        self.follower.genesis_hash()
    }

    /// Whether the present authority set justified `head`, or another block that is newer than the tip.
    async fn reach_newest(&mut self, node: &Node, head: &Header) -> Result<bool, ParentchainError> {
        if let Some(justification) = node.justification(head.hash).await?
            && self.follower.hop(std::slice::from_ref(&head.bytes), &justification).is_ok()
        {
            return Ok(true);
        }
        let Some((hash, justification)) = node.finality_proof(head.number).await else {
            return self.reach_near(node, head).await;
        };
        let target = Header::of(node, hash).await?;
        // The newest that can be proven may be known already.
        Ok(target.hash == self.follower.tip().id().hash
            || self.follower.hop(&[target.bytes], &justification).is_ok())
    }

    /// Whether the present authority set justified a block shortly below `head`, or the tip is that near itself.
    ///
    /// Nodes keep a justification every so many blocks, and prove no finality on a chain whose authorities never
    /// changed.
    async fn reach_near(&mut self, node: &Node, head: &Header) -> Result<bool, ParentchainError> {
        let tip = self.follower.tip().id();
        let mut at = head.bytes.clone();
        for _ in 0..LONGEST_GAP {
            let Ok(header) = decode_header(&at) else { return Ok(false) };
            let hash = BlockHash::from(header.parent_hash);
            if hash == tip.hash || header.number <= tip.number.saturating_add(1) {
                return Ok(hash == tip.hash);
            }
            at = node.header(hash).await?;
            if let Some(justification) = node.justification(hash).await? {
                return Ok(self.follower.hop(&[at], &justification).is_ok());
            }
        }
        Ok(false)
    }

    /// Hops to the last block of the present authority set.
    async fn over_border(&mut self, node: &Node, head: &Header) -> Result<(), ParentchainError> {
        let set_id = self.follower.authority_set_id();
        let (headers, justifications) = match self.announced(node, head).await {
            Some(announced) => self.border_after(node, &announced).await?,
            None => self.border_by_proof(node).await?,
        };
        let mut refused = None;
        for justification in justifications {
            match self.follower.hop(&headers, &justification) {
                Ok(_) => break,
                Err(error) => refused = Some(error),
            }
        }
        if self.follower.authority_set_id() == set_id {
            return Err(self.unproven(head, refused));
        }
        Ok(())
    }

    /// The first block above the tip whose state has another set id, by the node's word.
    async fn announced(&self, node: &Node, head: &Header) -> Option<Header> {
        let set_id = self.follower.authority_set_id();
        if set_id_at(node, head.hash).await? <= set_id {
            return None;
        }
        let (mut below, mut above) = (self.follower.tip().id().number, head.number);
        let near = below.saturating_add(self.last_term.saturating_mul(2));
        if self.last_term > 0
            && near < above
            && let Some(hash) = node.block_hash(near).await.ok()?
            && set_id_at(node, hash).await? > set_id
        {
            above = near;
        }
        while above > below.saturating_add(1) {
            let middle = below.saturating_add(above.saturating_sub(below) / 2);
            let hash = node.block_hash(middle).await.ok()??;
            if set_id_at(node, hash).await? > set_id {
                above = middle;
            } else {
                below = middle;
            }
        }
        Header::of(node, node.block_hash(above).await.ok()??).await.ok()
    }

    /// The headers from the one that announces a change to the one with which it takes effect, and its justifications.
    async fn border_after(
        &self,
        node: &Node,
        announced: &Header,
    ) -> Result<(Vec<Vec<u8>>, Vec<Vec<u8>>), ParentchainError> {
        let delay = announced_delay(&announced.bytes).unwrap_or_default();
        let border = announced.number.saturating_add(delay);
        let mut headers = vec![announced.bytes.clone()];
        let mut hash = announced.hash;
        for number in announced.number.saturating_add(1)..=border {
            if headers.len() >= MAX_HOP_HEADERS {
                break;
            }
            hash = node.block_hash(number).await?.ok_or(ParentchainError::UnknownBlock { hash })?;
            headers.push(node.header(hash).await?);
        }
        let kept = node.justification(hash).await?;
        let proof = node.finality_proof(border).await.filter(|(of, _)| *of == hash).map(|(_, bytes)| bytes);
        Ok((headers, kept.into_iter().chain(proof).collect()))
    }

    /// The same, where the node's states say nothing.
    async fn border_by_proof(&self, node: &Node) -> Result<(Vec<Vec<u8>>, Vec<Vec<u8>>), ParentchainError> {
        let tip = self.follower.tip().id().number;
        let Some((hash, justification)) = node.finality_proof(tip.saturating_add(1)).await else {
            return Ok((Vec::new(), Vec::new()));
        };
        let border = Header::of(node, hash).await?;
        let (mut at, mut headers) = (border.bytes.clone(), vec![border.bytes]);
        // Down to the header that announced the change.
        for distance in 0..LONGEST_DELAY {
            if announced_delay(&at) == Some(distance) || distance >= border.number {
                break;
            }
            let Ok(header) = decode_header(&at) else { break };
            at = node.header(header.parent_hash.into()).await?;
            headers.insert(0, at.clone());
        }
        Ok((headers, vec![justification]))
    }

    fn unproven(&self, head: &Header, refused: Option<HopError>) -> ParentchainError {
        let tip = self.follower.tip().id().number;
        let reason = match refused {
            Some(error) => error.to_string(),
            None => "it has no justification that leads there from block ".to_owned() + &tip.to_string(),
        };
        ParentchainError::Unproven { what: format!("finality of block {}", head.number), reason }
    }
}

/// The final block with this number at or below `above`.
///
/// # Errors
/// [`ParentchainError`] when the node has lost a state on the way, or shows another chain.
pub(crate) async fn descend(
    node: &Node,
    above: &FinalBlock,
    number: u32,
) -> Result<FinalBlock, ParentchainError> {
    let mut at = above.clone();
    let mut step = LONGEST_STEP;
    while at.id().number > number {
        let next = number.max(at.id().number.saturating_sub(step));
        if next.saturating_add(1) == at.id().number {
            let header = node.header(at.parent_hash()).await?;
            at = at.parent(&header).map_err(|error| not_below(next, &error))?;
            continue;
        }
        let keys = proof_keys(&[storage::block_hash(next)]);
        let proof = node.read_proof(&keys, at.id().hash).await?;
        let hash = node.block_hash(next).await?.unwrap_or(BlockHash::zero());
        let header = node.header(hash).await?;
        match at.ancestor(next, &header, &proof) {
            Ok(block) => at = block,
            // This chain remembers fewer hashes.
            Err(AncestorError::Forgotten { .. }) if step > 1 => step /= 2,
            Err(error) => return Err(not_below(next, &error)),
        }
    }
    Ok(at)
}

/// Reads values in the state after a final block.
///
/// # Errors
/// [`ParentchainError`] when the node has lost the state, or proves something else.
pub(crate) async fn read(
    node: &Node,
    block: &FinalBlock,
    keys: &[Vec<u8>],
) -> Result<ProvenState, ParentchainError> {
    let proof = node.read_proof(&proof_keys(keys), block.id().hash).await?;
    block.read(keys, &proof).map_err(|error| ParentchainError::Unproven {
        what: format!("state of block {}", block.id().number),
        reason: error.to_string(),
    })
}

/// Whether a chain of development was started from its genesis again since the client followed it. Any other chain
/// keeps its final blocks.
async fn is_started_anew(node: &Node, trust: &Trust, follower: &Follower) -> Result<bool, ParentchainError> {
    let known = follower.tip().id();
    match node.block_hash(known.number).await? {
        Some(hash) if hash == known.hash => Ok(false),
        _ if trust.root == TrustedRoot::Development => Ok(true),
        // The node is behind, or hides what it has.
        None => Ok(false),
        Some(_) => Err(ParentchainError::Reverted { block: known }),
    }
}

async fn from_anchor(node: &Node, trust: &Trust, anchor: BlockHash) -> Result<Follower, ParentchainError> {
    let start = |error: offstage_light_client::hops::StartError| ParentchainError::Start {
        reason: error.to_string(),
    };
    let Some(checkpoint) = trust.checkpoint else {
        let header = node.header(anchor).await?;
        let proof = node.read_proof(&proof_keys(&genesis_keys()), anchor).await?;
        return Follower::from_genesis(anchor, &header, &proof).map_err(start);
    };
    let lost = |error| match error {
        ParentchainError::UnknownBlock { hash } => ParentchainError::NotOnChain { checkpoint: hash },
        error => error,
    };
    let header = Header::of(node, checkpoint).await.map_err(lost)?;
    // A block that the node has but that lost against others.
    if node.block_hash(header.number).await? != Some(checkpoint) {
        return Err(ParentchainError::NotOnChain { checkpoint });
    }
    let proof = node.read_proof(&proof_keys(&checkpoint_keys()), checkpoint).await?;
    Follower::from_checkpoint(checkpoint, trust.genesis, &header.bytes, &proof).map_err(start)
}

/// A header as a node gave it.
struct Header {
    hash: BlockHash,
    number: u32,
    bytes: Vec<u8>,
}

impl Header {
    async fn of(node: &Node, hash: BlockHash) -> Result<Self, ParentchainError> {
        let bytes = node.header(hash).await?;
        let header = decode_header(&bytes).map_err(|error| ParentchainError::Read {
            what: "a block's header",
            reason: error.to_string(),
        })?;
        if BlockId::of(&header).hash != hash {
            return Err(ParentchainError::Unproven {
                what: format!("header of block {hash:?}"),
                reason: "it is another block's".to_owned(),
            });
        }
        Ok(Self { hash, number: header.number, bytes })
    }
}

/// What a node says is the id of the authority set after a block; `None` when it says nothing.
async fn set_id_at(node: &Node, hash: BlockHash) -> Option<u64> {
    let value = node.storage(&storage::grandpa_current_set_id(), hash).await.ok()?;
    value.map_or(Some(0), |value| Some(u64::from_le_bytes(value.try_into().ok()?)))
}

fn not_below(number: u32, error: &AncestorError) -> ParentchainError {
    ParentchainError::Unproven {
        what: format!("place of block {number} on the finalized chain"),
        reason: error.to_string(),
    }
}

/// After so many hops what was verified is kept, so that a long way can be gone in several runs.
const KEEP_EVERY: u32 = 16;

/// How far below a node's newest final block a justification is looked for. `offstage-node` keeps one in eight blocks
/// at least, and a round may skip some.
const LONGEST_GAP: u32 = 64;

/// How far above the announcement of a change its border is looked for, where only a proof of finality tells the
/// border. FRAME's own changes take effect at once.
const LONGEST_DELAY: u32 = 256;

/// How many blocks below another one the chain is asked for at once. FRAME's chains remember the hashes of 256 blocks
/// at least.
const LONGEST_STEP: u32 = 250;
