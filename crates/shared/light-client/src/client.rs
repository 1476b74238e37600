// SPDX-License-Identifier: Apache-2.0
//! The client: a frontier of imported headers, a finalized block, and the last executed one.
//!
//! # Details
//! ```text
//!   executed ≤ finalized ≤ frontier
//!      │           │          └ newest imported header: linked, its authority-set change noted
//!      │           └ newest block with a justification: everything below is final
//!      └ position: verify_block takes exactly the next block, advance moves here
//! ```
//! Two authority sets are tracked: the frontier's, which the next justification is verified against, and the
//! position's, which goes into snapshots. Each learns of changes from the digests of the headers it passes.
//!
//! A block with which a set ends is a border: no header beyond it is imported before it is final by the old set. Nodes
//! always keep a justification for such a block, so this costs nothing, and only one change is ever pending.
//!
//! # Restarts
//! A snapshot names the newest final block, too. A client that continues from it has none of the headers in between,
//! and takes them anew; but it executes nothing before they have led it to that very block, and no other at its height
//! is ever linked (threat model H20). [`LightClient::headers_needed`] names what is missing.
//!
//! # Memory
//! Hashes of imported headers are thinned when there are many; [`LightClient::headers_needed`] names the range that
//! must be imported again before the next block can be verified. Below 32768 headers between position and frontier
//! this never happens.
//!
//! # Attacks
//! A host can withhold, which stops the client, and nothing else: every refusal leaves the client as it was.

use crate::{
    authorities::Authorities,
    block::{BlockError, BlockMaterial, VerifiedBlock, check_body, check_state},
    finality::{FinalityError, FinalizedTo, Justification},
    header::{BlockId, Header, HeaderError, MAX_HEADERS_PER_CALL, Thinned, decode_header, parent_hash},
    proof::{ProofError, StateProof},
    runtime::{ChainProperties, RuntimeError, VerifiedRuntime},
    snapshot::{Position, RestoreError, Snapshot},
    trail::{Place, Trail},
};
use codec::Decode;
use offstage_primitives::{
    BlockHash,
    bounded::{DecodeError, decode_bounded},
    chain::storage::{self as storage_keys, CODE_PATH_KEY, LEGACY_GRANDPA_AUTHORITIES},
};
use sp_consensus_grandpa::AuthorityList;
use sp_core::H256;
use std::{ops::RangeInclusive, sync::Arc};

/// What a client is born from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenesisMaterial {
    /// SCALE header of block 0. Its hash is the chain's identity: whoever relies on this client compares it.
    pub header: Vec<u8>,
    /// Nodes of `state_getReadProof` at block 0 for [`genesis_proof_keys`].
    pub state_proof: Vec<Vec<u8>>,
    /// The value of `:code` at block 0.
    pub code: Vec<u8>,
    /// What the node says of its token.
    pub properties: ChainProperties,
}

/// The keys that the host asks a proof for at block 0.
pub fn genesis_proof_keys() -> Vec<Vec<u8>> {
    vec![CODE_PATH_KEY.to_vec(), storage_keys::grandpa_authorities(), LEGACY_GRANDPA_AUTHORITIES.to_vec()]
}

/// The keys that are part of every block's proof, beside the watched ones.
pub fn block_proof_keys() -> Vec<Vec<u8>> {
    vec![CODE_PATH_KEY.to_vec(), storage_keys::events()]
}

/// Follows one chain from its genesis. See the [module](self).
#[derive(Clone, Debug)]
pub struct LightClient {
    genesis_hash: BlockHash,
    properties: ChainProperties,
    /// The runtime of the position's state, or the one before while the new code is awaited.
    runtime: Arc<VerifiedRuntime>,
    position: Position,
    /// Authorities as of the frontier's finalized block, and the change that the frontier announces.
    frontier_authorities: Authorities,
    trail: Trail,
    /// The newest block that was final before a restart, until imported headers have reached it.
    remembered: Option<BlockId>,
}

impl LightClient {
    /// Starts at a genesis.
    ///
    /// # Errors
    /// When the header is not of block 0, the proof does not hold for it, the code is not the proven one, or the
    /// authorities cannot vote.
    pub fn from_genesis(material: GenesisMaterial) -> Result<Self, GenesisError> {
        let header = decode_header(&material.header).map_err(GenesisError::Header)?;
        if header.number != 0 {
            return Err(GenesisError::NotGenesis(header.number));
        }
        let mut proof = StateProof::new(header.state_root, &material.state_proof)?;
        let code_hash = proof.value_hash(storage_keys::CODE)?.ok_or(GenesisError::NoCode)?;
        let current = proof.value(&storage_keys::grandpa_authorities())?;
        let legacy = proof.value(LEGACY_GRANDPA_AUTHORITIES)?;
        proof.finish()?;
        let authorities = decode_authorities(current, legacy)
            .and_then(Authorities::genesis)
            .ok_or(GenesisError::NoAuthorities)?;
        let runtime = VerifiedRuntime::from_proven_code(code_hash, &material.code, &material.properties)?;
        let block = BlockId::of(&header);
        let position = Position { block, authorities, code_hash };
        Ok(Self::at(block.hash, material.properties, position, None, runtime))
    }

    /// Continues from a snapshot. `code` is the one with the hash that [`snapshot_code_hash`](Self::snapshot_code_hash)
    /// names.
    ///
    /// # Errors
    /// When the snapshot is damaged or the code is another.
    pub fn restore(snapshot: &[u8], code: &[u8]) -> Result<Self, RestoreError> {
        let Snapshot { genesis_hash, properties, position, finalized } = Snapshot::from_bytes(snapshot)?;
        let runtime = VerifiedRuntime::from_proven_code(position.code_hash, code, &properties)?;
        Ok(Self::at(genesis_hash, properties, position, finalized, runtime))
    }

    /// blake2-256 of the code that [`restore`](Self::restore) needs for this snapshot.
    ///
    /// # Errors
    /// When the snapshot is damaged.
    pub fn snapshot_code_hash(snapshot: &[u8]) -> Result<H256, RestoreError> {
        Ok(Snapshot::from_bytes(snapshot)?.position.code_hash)
    }

    fn at(
        genesis_hash: BlockHash,
        properties: ChainProperties,
        position: Position,
        remembered: Option<BlockId>,
        runtime: VerifiedRuntime,
    ) -> Self {
        Self {
            genesis_hash,
            properties,
            runtime: Arc::new(runtime),
            frontier_authorities: position.authorities.clone(),
            trail: Trail::new(position.block),
            position,
            remembered,
        }
    }

    /// Imports headers in order: those that continue the frontier, known ones again, others in the place of known ones
    /// that are not final, or a stretch that [`headers_needed`](Self::headers_needed) names.
    ///
    /// # Errors
    /// [`HeaderError`] for the first header that is refused; those before it stay imported.
    pub fn import_headers(&mut self, headers: &[Vec<u8>]) -> Result<(), HeaderError> {
        if headers.len() > MAX_HEADERS_PER_CALL {
            return Err(HeaderError::TooMany(headers.len()));
        }
        headers.iter().try_for_each(|bytes| {
            let header = decode_header(bytes).map_err(HeaderError::Malformed)?;
            self.import_header(&header)
        })
    }

    fn import_header(&mut self, header: &Header) -> Result<(), HeaderError> {
        let id = BlockId::of(header);
        let place = self.trail.place(header, id)?;
        if self.remembered.is_some_and(|known| known.number == id.number && known.hash != id.hash) {
            return Err(HeaderError::Fork(id.number));
        }
        let below = match place {
            Place::Inside => return self.trail.recall(header, id),
            Place::Next => self.trail.tip().number,
            Place::Instead(below) => below,
        };
        // On a copy: a refused header changes nothing.
        let mut authorities = self.frontier_authorities.clone();
        authorities.rewind(below);
        if let Some(border) = authorities.boundary().filter(|border| below >= *border) {
            return Err(HeaderError::JustificationNeeded(border));
        }
        authorities.observe(header)?;
        self.frontier_authorities = authorities;
        if let Place::Instead(below) = place {
            self.trail.rewind(below);
        }
        self.trail.push(id);
        // The headers have led to the block that was final before the restart: so are all of them.
        if self.remembered.take_if(|known| *known == id).is_some() {
            self.trail.finalize(id);
            self.frontier_authorities.finalized(id.number);
        }
        Ok(())
    }

    /// Takes in a justification for an imported header: it and everything below is final.
    ///
    /// # Errors
    /// [`FinalityError`]; then nothing became final.
    pub fn import_justification(&mut self, justification: &[u8]) -> Result<FinalizedTo, FinalityError> {
        let justification = Justification::decode(justification)?;
        let target = justification.target();
        let finalized = self.trail.finalized().number;
        let frontier = self.trail.tip().number;
        if target.number <= finalized {
            return Err(FinalityError::NotNewer { target: target.number, finalized });
        }
        if target.number > frontier {
            return Err(FinalityError::UnknownTarget { target: target.number, frontier });
        }
        if self.trail.hash_at(target.number)? != target.hash {
            return Err(FinalityError::Fork(target.number));
        }
        if let Some(border) = self.frontier_authorities.boundary().filter(|border| target.number > *border) {
            return Err(FinalityError::PastSetChange(border));
        }
        let voters =
            self.frontier_authorities.voters().ok_or(FinalityError::Bug("an authority set cannot vote"))?;
        justification.verify(&voters)?;
        self.trail.finalize(target);
        self.frontier_authorities.finalized(target.number);
        Ok(FinalizedTo { number: target.number, hash: target.hash })
    }

    /// Takes in the code that [`runtime_needed`](Self::runtime_needed) names.
    ///
    /// # Errors
    /// When no code is needed, it is another, or it gives no metadata.
    pub fn provide_runtime(&mut self, code: &[u8]) -> Result<(), RuntimeError> {
        let code_hash = self.runtime_needed().ok_or(RuntimeError::NotNeeded)?;
        self.runtime = Arc::new(VerifiedRuntime::from_proven_code(code_hash, code, &self.properties)?);
        Ok(())
    }

    /// Verifies the block after the position. The client does not move: commit what follows from the block together
    /// with [`snapshot_after`](Self::snapshot_after), then [`advance`](Self::advance).
    ///
    /// # Errors
    /// [`BlockError`] when it is not the next block, not final, or its content is not proven.
    pub fn verify_block(
        &self,
        material: BlockMaterial,
        watched_keys: &[Vec<u8>],
    ) -> Result<VerifiedBlock, BlockError> {
        let header = decode_header(&material.header).map_err(BlockError::Header)?;
        let block = BlockId::of(&header);
        let parent = self.position.block;
        let expected = parent.number.saturating_add(1);
        if block.number != expected {
            return Err(BlockError::NotNext { actual: block.number, expected });
        }
        if parent_hash(&header) != parent.hash {
            return Err(BlockError::Fork(block.number));
        }
        if let Some(known) = self.remembered {
            // Whatever a justification says meanwhile: it might be of another fork.
            let missing = self.trail.tip().number.saturating_add(1)..=known.number;
            return Err(BlockError::Thinned(Thinned(missing)));
        }
        let finalized = self.trail.finalized().number;
        if block.number > finalized {
            return Err(BlockError::NotFinal { number: block.number, finalized });
        }
        if self.trail.hash_at(block.number)? != block.hash {
            return Err(BlockError::Fork(block.number));
        }
        if let Some(code_hash) = self.runtime_needed() {
            return Err(BlockError::RuntimeNeeded(code_hash));
        }
        check_body(&header, &material.body, &self.runtime)?;
        let state = check_state(&header, &material.state_proof, watched_keys, &self.runtime)?;
        let mut authorities = self.position.authorities.clone();
        // The same digests were observed when the header was imported, so this cannot fail on a finalized header.
        authorities.observe(&header).map_err(|_| BlockError::Fork(block.number))?;
        authorities.finalized(block.number);
        Ok(VerifiedBlock {
            number: block.number,
            hash: block.hash,
            header,
            extrinsics: material.body,
            events: state.events,
            storage: state.storage,
            runtime: self.runtime.clone(),
            next_code_hash: (state.code_hash != self.position.code_hash).then_some(state.code_hash),
            after: Position { block, authorities, code_hash: state.code_hash },
        })
    }

    /// Moves to a verified block, after everything that follows from it was committed.
    ///
    /// # Errors
    /// When it is not the next block: it was verified before another one was executed.
    pub fn advance(&mut self, block: VerifiedBlock) -> Result<(), BlockError> {
        self.check_follows(&block)?;
        self.trail.execute(block.after.block);
        self.position = block.after;
        Ok(())
    }

    /// The position as bytes, with the newest final block.
    pub fn snapshot(&self) -> Vec<u8> {
        self.snapshot_of(self.position.clone())
    }

    /// The position after a verified block as bytes.
    ///
    /// # Errors
    /// When it is not the next block.
    pub fn snapshot_after(&self, block: &VerifiedBlock) -> Result<Vec<u8>, BlockError> {
        self.check_follows(block)?;
        Ok(self.snapshot_of(block.after.clone()))
    }

    /// Hash of the genesis header: which chain this is.
    pub fn genesis_hash(&self) -> BlockHash {
        self.genesis_hash
    }

    /// The last executed block.
    pub fn position(&self) -> BlockId {
        self.position.block
    }

    /// The newest final block. After a restart it may be beyond the [`frontier`](Self::frontier).
    pub fn finalized(&self) -> BlockId {
        self.remembered.unwrap_or(self.trail.finalized())
    }

    /// The newest imported header.
    pub fn frontier(&self) -> BlockId {
        self.trail.tip()
    }

    /// What the chain's first node told of its token. Only shown: what is signed covers it where the runtime proves it.
    pub fn properties(&self) -> &ChainProperties {
        &self.properties
    }

    /// The runtime that executes the next block; while [`runtime_needed`](Self::runtime_needed), the one before.
    pub fn runtime(&self) -> &Arc<VerifiedRuntime> {
        &self.runtime
    }

    /// Id of the authority set that finalizes the next block after [`finalized`](Self::finalized).
    pub fn authority_set_id(&self) -> u64 {
        self.frontier_authorities.set_id()
    }

    /// Hash of the code that must be provided before the next block can be verified.
    pub fn runtime_needed(&self) -> Option<H256> {
        (self.position.code_hash != self.runtime.code_hash()).then_some(self.position.code_hash)
    }

    /// Headers that must be imported again before the next block can be verified.
    pub fn headers_needed(&self) -> Option<RangeInclusive<u32>> {
        if let Some(known) = self.remembered {
            let first = self.trail.tip().number.saturating_add(1);
            let border = self.frontier_authorities.boundary().unwrap_or(known.number);
            return Some(first..=known.number.min(border)).filter(|range| !range.is_empty());
        }
        let next = self.position.block.number.saturating_add(1);
        if next > self.trail.finalized().number {
            return None;
        }
        self.trail.hash_at(next).err().map(|Thinned(range)| range)
    }

    /// The block for which a justification is needed before any header beyond it is imported.
    pub fn justification_needed(&self) -> Option<u32> {
        self.frontier_authorities.boundary().filter(|border| self.trail.tip().number >= *border)
    }

    fn check_follows(&self, block: &VerifiedBlock) -> Result<(), BlockError> {
        let expected = self.position.block.number.saturating_add(1);
        if block.number != expected {
            return Err(BlockError::NotNext { actual: block.number, expected });
        }
        if parent_hash(&block.header) != self.position.block.hash {
            return Err(BlockError::Fork(block.number));
        }
        Ok(())
    }

    fn snapshot_of(&self, position: Position) -> Vec<u8> {
        let finalized = Some(self.finalized()).filter(|known| known.number > position.block.number);
        let (genesis_hash, properties) = (self.genesis_hash, self.properties.clone());
        Snapshot { genesis_hash, properties, position, finalized }.to_bytes()
    }
}

/// The authorities of genesis, where pallet-grandpa of any age keeps them.
pub(crate) fn decode_authorities(current: Option<Vec<u8>>, legacy: Option<Vec<u8>>) -> Option<AuthorityList> {
    match (current, legacy) {
        (Some(list), _) => decode_bounded(&list, MAX_AUTHORITIES_LEN).ok(),
        // `VersionedAuthorityList`: a version byte, always 1, before the list.
        (None, Some(versioned)) => {
            let mut input = &versioned[..];
            (u8::decode(&mut input) == Ok(1)).then(|| decode_bounded(input, MAX_AUTHORITIES_LEN).ok())?
        }
        (None, None) => None,
    }
}

/// Why a client cannot start from the given genesis.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GenesisError {
    /// Not a header.
    #[error("genesis header cannot be decoded: {0}; send it as chain_getHeader encodes it")]
    Header(DecodeError),
    /// The header of another block.
    #[error("the genesis header has number {0}; send the header of block 0")]
    NotGenesis(u32),
    /// The proof does not hold.
    #[error("genesis state: {0}")]
    Proof(#[from] ProofError),
    /// A state without code.
    #[error("genesis state has no runtime code; this is not a substrate chain")]
    NoCode,
    /// A chain without GRANDPA.
    #[error(
        "genesis state has no GRANDPA authorities that can vote; only chains with GRANDPA finality can be followed"
    )]
    NoAuthorities,
    /// The code cannot be used.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
}

/// An authority has 40 bytes: room for twelve thousand.
const MAX_AUTHORITIES_LEN: usize = 512 * 1024;

#[cfg(test)]
mod limit_tests;
#[cfg(test)]
mod tests;
