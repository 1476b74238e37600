// SPDX-License-Identifier: Apache-2.0
//! Finality for those who need the newest final block and none of those before: by hops, one for each authority set.
//!
//! # Why a hop proves what it proves
//! An authority set votes for blocks up to its last one, its *border*, and for none beyond: that is GRANDPA's rule,
//! and more than two thirds of the set are honest. So a block that the current set justified is of the one chain and
//! not beyond the border, whatever lies between; no header in between is needed. Who the next authorities are, the
//! border's own header says, or with a delay the header that announced the change, which must come along with all
//! headers down to the border and thereby is an ancestor of what the set justified. The next set is thus signed for
//! by the one before, from a genesis or checkpoint that the user pins.
//!
//! A set that retired long ago and whose keys leaked can sign a fork of its own, here as for a client that follows
//! every header: both start from the newest block that they know. So the newest is kept ([`Follower::to_bytes`]).
//!
//! # The flow
//! ```text
//! Follower::from_genesis | from_checkpoint | from_bytes
//!   hop(headers, justification)   once for each set that ended, then once for the newest justified block
//!   tip() ─► FinalBlock           read(keys, proof) ─► ProvenState: values, hash of the runtime's code
//!                                 parent | ancestor ─► another FinalBlock below
//! ```
//!
//! # Attacks
//! Whoever brings the material can withhold, and nothing else: then the tip stays where it is. Where a set ends and
//! which headers are needed may be guessed or asked from anybody; a wrong guess is refused.

use crate::{
    authorities::Authorities,
    block::{BlockError, check_body},
    events::{EventRecord, EventsError, decode_events},
    finality::{FinalityError, Justification},
    header::{BlockId, Header, HeaderError, decode_header, parent_hash},
    proof::{ProofError, StateProof},
    runtime::{ChainProperties, RuntimeError, VerifiedRuntime},
};
use codec::{Decode, Encode};
use offstage_primitives::{
    BlockHash,
    bounded::{DecodeError, decode_bounded},
    chain::storage::{self, CODE_PATH_KEY, LEGACY_GRANDPA_AUTHORITIES},
};
use sp_core::H256;
use std::collections::BTreeMap;

/// Follows one chain's finality. See the [module](self).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Follower {
    genesis_hash: BlockHash,
    tip: FinalBlock,
    authorities: Authorities,
}

impl Follower {
    /// Starts at a genesis: SCALE `header` of block 0, which must have the hash that the user pinned, and the nodes
    /// of a proof of [`genesis_keys`] in its state.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn from_genesis(
        pinned: BlockHash,
        header: &[u8],
        state_proof: &[Vec<u8>],
    ) -> Result<Self, StartError> {
        let tip = FinalBlock::pinned(pinned, header)?;
        if tip.id.number != 0 {
            return Err(StartError::NotGenesis(tip.id.number));
        }
        let state = tip.read(&genesis_keys(), state_proof)?;
        let authorities = state.authorities().and_then(Authorities::genesis);
        let authorities = authorities.ok_or(StartError::NoAuthorities)?;
        Ok(Self { genesis_hash: pinned, tip, authorities })
    }

    /// Starts at a block that the user has from somebody trustworthy: its SCALE `header`, which must have the pinned
    /// hash, and the nodes of a proof of [`checkpoint_keys`] in its state. Its state names the chain's genesis, which
    /// must be the one that the user pinned, if any.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn from_checkpoint(
        pinned: BlockHash,
        genesis: Option<BlockHash>,
        header: &[u8],
        state_proof: &[Vec<u8>],
    ) -> Result<Self, StartError> {
        let tip = FinalBlock::pinned(pinned, header)?;
        if tip.id.number == 0 {
            return Err(StartError::IsGenesis);
        }
        let state = tip.read(&checkpoint_keys(), state_proof)?;
        let found = state.decoded::<BlockHash>(&storage::block_hash(0)).ok_or(StartError::NoGenesis)?;
        if let Some(expected) = genesis.filter(|expected| *expected != found) {
            return Err(StartError::OtherChain { found, expected });
        }
        if state.value(&storage::grandpa_pending_change()).is_some() {
            return Err(StartError::ChangePending(tip.id.number));
        }
        // FRAME's default of a value that is not there.
        let set_id = state.decoded::<u64>(&storage::grandpa_current_set_id()).unwrap_or_default();
        let authorities = state.authorities().and_then(|set| Authorities::current(set, set_id));
        let authorities = authorities.ok_or(StartError::NoAuthorities)?;
        Ok(Self { genesis_hash: found, tip, authorities })
    }

    /// Continues from [`to_bytes`](Self::to_bytes). Who keeps the bytes must keep them authentic.
    ///
    /// # Errors
    /// When they are damaged or of another version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let encoded = bytes.strip_prefix(FOLLOWER_DOMAIN).ok_or(DecodeError::Malformed)?;
        let kept: Kept = decode_bounded(encoded, MAX_FOLLOWER_LEN)?;
        let tip = FinalBlock { id: BlockId::of(&kept.header), header: kept.header };
        let follower = Self { genesis_hash: kept.genesis_hash, tip, authorities: kept.authorities };
        if !follower.authorities.is_sound() || follower.to_bytes() != bytes {
            return Err(DecodeError::Malformed);
        }
        Ok(follower)
    }

    /// What is known, as bytes for the user's own disk.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = FOLLOWER_DOMAIN.to_vec();
        (self.genesis_hash, &self.tip.header, &self.authorities).encode_to(&mut bytes);
        bytes
    }

    /// Moves to the block that `justification` is for. `headers` are SCALE headers in the chain's order, each the
    /// parent of the next, and the last is that block's; where a delayed change takes effect with it, the first is
    /// the one that announced the change.
    ///
    /// # Errors
    /// [`HopError`]; then nothing has changed.
    pub fn hop(&mut self, headers: &[Vec<u8>], justification: &[u8]) -> Result<BlockId, HopError> {
        if headers.len() > MAX_HOP_HEADERS {
            return Err(HopError::TooManyHeaders(headers.len()));
        }
        let justification = Justification::decode(justification)?;
        let target = justification.target();
        if target.number <= self.tip.id.number {
            let finalized = self.tip.id.number;
            return Err(FinalityError::NotNewer { target: target.number, finalized }.into());
        }
        let headers = linked(headers)?;
        let Some(header) = headers.last().filter(|header| BlockId::of(header) == target) else {
            return Err(HopError::OtherHeader(target.number));
        };
        if let Some(border) = self.authorities.boundary().filter(|border| target.number > *border) {
            return Err(FinalityError::PastSetChange(border).into());
        }
        let voters = self.authorities.voters().ok_or(FinalityError::Bug("an authority set cannot vote"))?;
        justification.verify(&voters)?;
        // On a copy: a refused hop changes nothing.
        let mut authorities = self.authorities.clone();
        for header in &headers {
            if header.number > self.tip.id.number {
                authorities.observe(header)?;
            } else {
                authorities.observe_late(header, self.tip.id.number)?;
            }
            if let Some(border) = authorities.boundary().filter(|border| target.number > *border) {
                return Err(FinalityError::PastSetChange(border).into());
            }
        }
        authorities.finalized(target.number);
        self.authorities = authorities;
        self.tip = FinalBlock { id: target, header: header.clone() };
        Ok(target)
    }

    /// Hash of the genesis header: which chain this is.
    pub fn genesis_hash(&self) -> BlockHash {
        self.genesis_hash
    }

    /// The newest block that is known to be final.
    pub fn tip(&self) -> &FinalBlock {
        &self.tip
    }

    /// Id of the authority set that finalizes the next block.
    pub fn authority_set_id(&self) -> u64 {
        self.authorities.set_id()
    }
}

/// The keys whose proof a [`Follower`] starts from at genesis.
pub fn genesis_keys() -> Vec<Vec<u8>> {
    vec![storage::grandpa_authorities(), LEGACY_GRANDPA_AUTHORITIES.to_vec()]
}

/// The keys whose proof a [`Follower`] starts from at a checkpoint.
pub fn checkpoint_keys() -> Vec<Vec<u8>> {
    vec![
        storage::grandpa_authorities(),
        LEGACY_GRANDPA_AUTHORITIES.to_vec(),
        storage::grandpa_current_set_id(),
        storage::grandpa_pending_change(),
        storage::block_hash(0),
    ]
}

/// The keys that a node is asked to prove so that [`FinalBlock::read`] can read `keys`.
pub fn proof_keys(keys: &[Vec<u8>]) -> Vec<Vec<u8>> {
    [&[CODE_PATH_KEY.to_vec()][..], keys].concat()
}

/// How many blocks after this SCALE header the change of the authorities takes effect that it announces, if it does.
/// Tells where a set ends; that it does is shown by the hop.
pub fn announced_delay(header: &[u8]) -> Option<u32> {
    let header = decode_header(header).ok()?;
    crate::authorities::announced_change(&header).ok()?.map(|change| change.delay)
}

/// A block that is final. Only a [`Follower`], or another final block above it, makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinalBlock {
    id: BlockId,
    header: Header,
}

impl FinalBlock {
    fn pinned(pinned: BlockHash, header: &[u8]) -> Result<Self, StartError> {
        let header = decode_header(header).map_err(StartError::Header)?;
        let id = BlockId::of(&header);
        if id.hash == pinned { Ok(Self { id, header }) } else { Err(StartError::OtherBlock(id.hash)) }
    }

    /// Number and hash.
    pub fn id(&self) -> BlockId {
        self.id
    }

    /// Hash of the block before.
    pub fn parent_hash(&self) -> BlockHash {
        parent_hash(&self.header)
    }

    /// The block before, which has this SCALE header.
    ///
    /// # Errors
    /// [`AncestorError`] when the header is another one.
    pub fn parent(&self, header: &[u8]) -> Result<Self, AncestorError> {
        self.below(self.parent_hash(), header)
    }

    /// The block with this number, of the last some hundreds before this one, whose hashes the chain keeps in its
    /// state. `header` is its SCALE header, `state_proof` proves [`block_hash`](storage::block_hash) in this block's
    /// state.
    ///
    /// # Errors
    /// [`AncestorError`] when the chain keeps no such hash, or the header is another one.
    pub fn ancestor(
        &self,
        number: u32,
        header: &[u8],
        state_proof: &[Vec<u8>],
    ) -> Result<Self, AncestorError> {
        let key = storage::block_hash(number);
        let state = self.read(std::slice::from_ref(&key), state_proof)?;
        let hash = state.decoded::<BlockHash>(&key).filter(|_| number < self.id.number);
        let hash = hash.ok_or(AncestorError::Forgotten { number, tip: self.id.number })?;
        self.below(hash, header)
    }

    fn below(&self, hash: BlockHash, header: &[u8]) -> Result<Self, AncestorError> {
        let header = decode_header(header).map_err(AncestorError::Header)?;
        let id = BlockId::of(&header);
        if id.hash == hash && id.number < self.id.number {
            Ok(Self { id, header })
        } else {
            Err(AncestorError::OtherBlock(id))
        }
    }

    /// Reads values of the state after this block. `state_proof` are the nodes of `state_getReadProof` for
    /// [`proof_keys`].
    ///
    /// # Errors
    /// [`ProofError`] when they do not prove all keys or something else.
    pub fn read(&self, keys: &[Vec<u8>], state_proof: &[Vec<u8>]) -> Result<ProvenState, ProofError> {
        let mut proof = StateProof::new(self.header.state_root, state_proof)?;
        let code_hash = proof.value_hash(storage::CODE)?.ok_or(ProofError::Incomplete)?;
        let mut values = BTreeMap::new();
        for key in keys {
            values.insert(key.clone(), proof.value(key)?);
        }
        proof.finish()?;
        Ok(ProvenState { code_hash, values })
    }

    /// Whether these extrinsics, each with its length in front, are this block's.
    ///
    /// # Errors
    /// [`BlockError`] when they are not.
    pub fn check_body(&self, runtime: &VerifiedRuntime, body: &[Vec<u8>]) -> Result<(), BlockError> {
        check_body(&self.header, body, runtime)
    }
}

/// Values that are proven to be in the state of a final block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvenState {
    code_hash: H256,
    values: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

impl ProvenState {
    /// The value of a key; `None` when the state has none, or the key was not asked for.
    pub fn value(&self, key: &[u8]) -> Option<&[u8]> {
        self.values.get(key).and_then(Option::as_deref)
    }

    /// blake2-256 of the runtime's code, which executes the next block.
    pub fn code_hash(&self) -> H256 {
        self.code_hash
    }

    /// The runtime of the state, out of its code as it is stored, and its metadata as the code gives it.
    ///
    /// # Errors
    /// [`RuntimeError`] when it is other code or does not run.
    pub fn runtime(
        &self,
        code: &[u8],
        properties: &ChainProperties,
    ) -> Result<(VerifiedRuntime, Vec<u8>), RuntimeError> {
        VerifiedRuntime::with_metadata(self.code_hash, code, properties)
    }

    /// The events of the block that made the state, which `runtime` executed. [`events`](storage::events) must be among
    /// the keys.
    ///
    /// # Errors
    /// [`EventsError`] when they are of an unknown form.
    pub fn events(&self, runtime: &VerifiedRuntime) -> Result<Vec<EventRecord>, EventsError> {
        self.value(&storage::events()).map_or(Ok(Vec::new()), |bytes| decode_events(runtime, bytes))
    }

    fn decoded<T: Decode>(&self, key: &[u8]) -> Option<T> {
        self.value(key).and_then(|bytes| decode_bounded(bytes, MAX_VALUE_LEN).ok())
    }

    fn authorities(&self) -> Option<sp_consensus_grandpa::AuthorityList> {
        let value = |key: &[u8]| self.value(key).map(<[u8]>::to_vec);
        crate::client::decode_authorities(
            value(&storage::grandpa_authorities()),
            value(LEGACY_GRANDPA_AUTHORITIES),
        )
    }
}

/// Headers that are each the parent of the next.
fn linked(headers: &[Vec<u8>]) -> Result<Vec<Header>, HopError> {
    let mut linked: Vec<Header> = Vec::with_capacity(headers.len());
    for bytes in headers {
        let header = decode_header(bytes).map_err(HeaderError::Malformed)?;
        if linked.last().is_some_and(|below| {
            below.hash() != header.parent_hash || below.number.checked_add(1) != Some(header.number)
        }) {
            return Err(HeaderError::Fork(header.number).into());
        }
        linked.push(header);
    }
    Ok(linked)
}

/// What [`Follower::to_bytes`] writes behind its domain.
#[derive(Decode)]
struct Kept {
    genesis_hash: BlockHash,
    header: Header,
    authorities: Authorities,
}

/// Why a follower cannot start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// Not a header.
    #[error("the pinned block's header cannot be decoded: {0}")]
    Header(DecodeError),
    /// The header of another block than the pinned one.
    #[error("the node's header has the hash {0:?}, which is not the pinned one; name the chain's own node")]
    OtherBlock(BlockHash),
    /// A block that is not a genesis.
    #[error(
        "the pinned genesis is the hash of block {0}; pin the hash of block 0, or name this one as checkpoint"
    )]
    NotGenesis(u32),
    /// The genesis, where a later block is expected.
    #[error("the checkpoint is the chain's genesis; pin it as genesis, without a checkpoint")]
    IsGenesis,
    /// The state proof does not hold.
    #[error("state of the pinned block: {0}")]
    Proof(#[from] ProofError),
    /// A chain without GRANDPA.
    #[error(
        "the pinned block has no GRANDPA authorities that can vote; only chains with GRANDPA finality can be followed"
    )]
    NoAuthorities,
    /// A state that does not name its genesis.
    #[error("the checkpoint's state does not name the chain's genesis; start from the genesis")]
    NoGenesis,
    /// A checkpoint of another chain.
    #[error(
        "the checkpoint is of the chain with genesis {found:?}, not {expected:?}; take one of this chain"
    )]
    OtherChain {
        /// The checkpoint's chain.
        found: BlockHash,
        /// The pinned chain.
        expected: BlockHash,
    },
    /// At the checkpoint the authorities are about to change.
    #[error("at checkpoint {0} a change of the authorities is pending; take a later block as checkpoint")]
    ChangePending(u32),
}

/// Why a hop was refused. The follower stays where it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HopError {
    /// More headers than [`MAX_HOP_HEADERS`].
    #[error("{0} headers in one hop; at most {MAX_HOP_HEADERS} are taken")]
    TooManyHeaders(usize),
    /// The justification is for another block than the last header's.
    #[error("the header of block {0} that came with the justification is of another block")]
    OtherHeader(u32),
    /// A header does not fit the one before, or announces what cannot be.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// The justification does not hold.
    #[error(transparent)]
    Finality(#[from] FinalityError),
}

/// Why a block is not shown to be below another.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AncestorError {
    /// Not a header.
    #[error("header cannot be decoded: {0}")]
    Header(DecodeError),
    /// Another block's header.
    #[error("block {0} is not on the finalized chain")]
    OtherBlock(BlockId),
    /// The chain has forgotten its hash.
    #[error("the state of block {tip} does not hold the hash of block {number}; go there in shorter steps")]
    Forgotten {
        /// The block that is looked for.
        number: u32,
        /// The block whose state was asked.
        tip: u32,
    },
    /// The proof does not hold.
    #[error(transparent)]
    Proof(#[from] ProofError),
}

/// Headers of one hop: room for a delay of the change.
pub const MAX_HOP_HEADERS: usize = 4096;

/// First bytes of a kept follower: what it is and its version.
const FOLLOWER_DOMAIN: &[u8] = b"offstage/follower/v1\0";

/// A header, and two sets of ten thousand authorities.
const MAX_FOLLOWER_LEN: usize = 2 * 1024 * 1024;

/// Hashes and numbers.
const MAX_VALUE_LEN: usize = 64;

#[cfg(test)]
mod tests;
