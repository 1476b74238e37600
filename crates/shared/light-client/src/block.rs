// SPDX-License-Identifier: Apache-2.0
//! A block's content against its header.

use crate::{
    events::{EventRecord, EventsError, decode_events},
    header::{BlockId, Header, Thinned},
    proof::{ProofError, StateProof},
    runtime::VerifiedRuntime,
    snapshot::Position,
};
use offstage_primitives::{BlockHash, bounded::DecodeError, chain::storage as storage_keys};
use sp_core::{Blake2Hasher, H256};
use sp_trie::{LayoutV0, LayoutV1, TrieConfiguration};
use std::{collections::BTreeMap, sync::Arc};

/// What the host sends of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockMaterial {
    /// SCALE header.
    pub header: Vec<u8>,
    /// The extrinsics as `chain_getBlock` shows them, each with its length in front.
    pub body: Vec<Vec<u8>>,
    /// Nodes of `state_getReadProof` at this block for [`block_proof_keys`](crate::block_proof_keys) and the watched
    /// keys.
    pub state_proof: Vec<Vec<u8>>,
}

/// A block of the chain: final, the next after the executed one, its content proven. Only
/// [`LightClient::verify_block`](crate::LightClient::verify_block) makes it.
#[derive(Debug)]
pub struct VerifiedBlock {
    pub(crate) number: u32,
    pub(crate) hash: BlockHash,
    pub(crate) header: Header,
    pub(crate) extrinsics: Vec<Vec<u8>>,
    pub(crate) events: Vec<EventRecord>,
    pub(crate) storage: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    pub(crate) runtime: Arc<VerifiedRuntime>,
    pub(crate) next_code_hash: Option<H256>,
    /// Where the client is after this block.
    pub(crate) after: Position,
}

/// Nothing of a verified block can be changed: what is read of it is what was proven.
impl VerifiedBlock {
    /// Number and hash.
    pub fn id(&self) -> BlockId {
        BlockId { number: self.number, hash: self.hash }
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The extrinsics in order, each with its length in front.
    pub fn extrinsics(&self) -> &[Vec<u8>] {
        &self.extrinsics
    }

    /// The events that [matter](crate::events::MATTERS), in order.
    pub fn events(&self) -> &[EventRecord] {
        &self.events
    }

    /// The value of a watched key after this block; `None` is proven absence, or a key that is not watched.
    pub fn value(&self, key: &[u8]) -> Option<&[u8]> {
        self.storage.get(key).and_then(Option::as_deref)
    }

    /// The runtime that executed this block.
    pub fn runtime(&self) -> &Arc<VerifiedRuntime> {
        &self.runtime
    }

    /// Hash of the code that executes the next block, if it is another.
    pub fn next_code_hash(&self) -> Option<H256> {
        self.next_code_hash
    }
}

/// Why a block was refused. The client stays where it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// Not a header.
    #[error("header cannot be decoded: {0}; send it as chain_getHeader encodes it")]
    Header(DecodeError),
    /// Not the next block.
    #[error("block {actual} came, but {expected} is next; send blocks in order, each once")]
    NotNext {
        /// Number of the refused block.
        actual: u32,
        /// The number that is next.
        expected: u32,
    },
    /// Its parent is not the executed block, or it is not on the chain that was finalized.
    #[error("block {0} is not of the finalized chain; send the block with the hash that the chain finalized")]
    Fork(u32),
    /// No justification covers it yet.
    #[error("block {number} is not final; the newest final block is {finalized}; send a justification first")]
    NotFinal {
        /// Number of the refused block.
        number: u32,
        /// The newest final block.
        finalized: u32,
    },
    /// Its hash left memory.
    #[error(transparent)]
    Thinned(#[from] Thinned),
    /// The runtime changed.
    #[error("the runtime changed; send the code with hash {0:?} first")]
    RuntimeNeeded(H256),
    /// More than [`MAX_BODY_LEN`] bytes or [`MAX_EXTRINSICS`] extrinsics.
    #[error("body of block {0} is larger than any block of the chain")]
    BodyTooLarge(u32),
    /// Other extrinsics, or in another order.
    #[error(
        "body of block {0} does not match its header's extrinsics root; send all its extrinsics in order"
    )]
    Body(u32),
    /// More than [`MAX_WATCHED_KEYS`] keys.
    #[error("{0} keys are watched; at most {MAX_WATCHED_KEYS} can be")]
    TooManyKeys(usize),
    /// The state proof does not hold.
    #[error("block {number}: {error}")]
    Proof {
        /// Number of the refused block.
        number: u32,
        /// What is wrong.
        error: ProofError,
    },
    /// A state without code.
    #[error("state of block {0} has no runtime code")]
    NoCode(u32),
    /// Events that do not fit the metadata.
    #[error("block {number}: {error}")]
    Events {
        /// Number of the refused block.
        number: u32,
        /// What is wrong.
        error: EventsError,
    },
}

/// What is proven of the state.
pub(crate) struct ProvenState {
    pub(crate) code_hash: H256,
    pub(crate) events: Vec<EventRecord>,
    pub(crate) storage: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

/// Checks the body against the header's extrinsics root.
pub(crate) fn check_body(
    header: &Header,
    body: &[Vec<u8>],
    runtime: &VerifiedRuntime,
) -> Result<(), BlockError> {
    let size = body.iter().fold(0usize, |sum, extrinsic| sum.saturating_add(extrinsic.len()));
    if size > MAX_BODY_LEN || body.len() > MAX_EXTRINSICS {
        return Err(BlockError::BodyTooLarge(header.number));
    }
    // sp-version, `extrinsics_root_state_version`: the root's form follows the runtime's system version.
    let root = match runtime.system_version() {
        0 | 1 => LayoutV0::<Blake2Hasher>::ordered_trie_root(body),
        _ => LayoutV1::<Blake2Hasher>::ordered_trie_root(body),
    };
    if root == header.extrinsics_root { Ok(()) } else { Err(BlockError::Body(header.number)) }
}

/// Checks the state proof and reads events, code hash and the watched keys.
pub(crate) fn check_state(
    header: &Header,
    nodes: &[Vec<u8>],
    watched_keys: &[Vec<u8>],
    runtime: &VerifiedRuntime,
) -> Result<ProvenState, BlockError> {
    let number = header.number;
    if watched_keys.len() > MAX_WATCHED_KEYS {
        return Err(BlockError::TooManyKeys(watched_keys.len()));
    }
    let wrong = |error| BlockError::Proof { number, error };
    let mut proof = StateProof::new(header.state_root, nodes).map_err(wrong)?;
    let code_hash = proof.value_hash(storage_keys::CODE).map_err(wrong)?.ok_or(BlockError::NoCode(number))?;
    let events = proof.value(&storage_keys::events()).map_err(wrong)?;
    let mut storage = BTreeMap::new();
    for key in watched_keys {
        storage.insert(key.clone(), proof.value(key).map_err(wrong)?);
    }
    proof.finish().map_err(wrong)?;
    let events = match events {
        Some(bytes) => {
            decode_events(runtime, &bytes).map_err(|error| BlockError::Events { number, error })?
        }
        None => Vec::new(),
    };
    Ok(ProvenState { code_hash, events, storage })
}

/// Bytes of all extrinsics. Substrate's default is 5 MB, the largest in use 10 MB.
pub const MAX_BODY_LEN: usize = 16 * 1024 * 1024;

/// Extrinsics of a block.
pub const MAX_EXTRINSICS: usize = 64 * 1024;

/// Keys that a caller may watch.
pub const MAX_WATCHED_KEYS: usize = 1024;
