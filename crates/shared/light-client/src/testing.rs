// SPDX-License-Identifier: Apache-2.0
//! Parentchains in memory, for tests and benchmarks of whoever uses the light client.
//!
//! Headers, GRANDPA signatures, tries and proofs are what a node would send, and the runtime's code is run as any;
//! but all it can do is to answer with metadata, that of a live chain (see `testing/metadata/README.md`). So a test
//! can say exactly what a block holds:
//!
//! ```
//! use offstage_light_client::{ShardEventKind, operations, testing::TestChain};
//!
//! let shard = [7; 32].into();
//! let mut chain = TestChain::new(4);
//! let content = chain.block().invoke(shard, vec![1, 2, 3]);
//! let number = chain.add(content);
//! let mut client = chain.client();
//! let block = chain.verify_next(&mut client, &[]);
//! assert_eq!(block.id().number, number);
//! assert_eq!(operations(&block, shard).unwrap()[0].kind, ShardEventKind::Invoke { cyphertext: vec![1, 2, 3] });
//! ```
//!
//! Its functions panic when they are used wrongly, as test code may.

mod bridge;
mod code;
mod content;

pub use bridge::with_execute_for_shard;
pub use code::test_code;
pub use content::{BlockContent, USER};

use crate::{
    BlockId, BlockMaterial, GenesisMaterial, Header, LightClient, VerifiedBlock, block_proof_keys,
    genesis_proof_keys,
    runtime::{ChainProperties, VerifiedRuntime},
    storage_keys,
};
use codec::Encode;
use finality_grandpa::{Commit, Message, Precommit, SignedPrecommit};
use offstage_primitives::BlockHash;
use sp_consensus_grandpa::{
    AuthorityId, AuthorityList, ConsensusLog, GRANDPA_ENGINE_ID, GrandpaJustification, ScheduledChange,
    localized_payload,
};
use sp_core::{Blake2Hasher, H256, Pair as _, ed25519::Pair};
use sp_runtime::{Digest, DigestItem, StateVersion, traits::Header as _};
use sp_state_machine::{Backend, InMemoryBackend, prove_read};
use sp_trie::{LayoutV0, LayoutV1, TrieConfiguration};
use std::{collections::BTreeMap, sync::Arc};

/// A chain with all its blocks, states and the keys of its validators.
#[derive(Clone)]
pub struct TestChain {
    blocks: Vec<Block>,
    /// By the first block that the set finalizes.
    sets: BTreeMap<u32, (u64, Vec<Pair>)>,
    runtime: Arc<VerifiedRuntime>,
    /// Makes the blocks of forks differ.
    salt: u8,
}

#[derive(Clone)]
struct Block {
    header: Header,
    body: Vec<Vec<u8>>,
    state: BTreeMap<Vec<u8>, Arc<[u8]>>,
}

/// Keys for `count` validators; other seeds, other keys.
pub fn validators(seed: u8, count: usize) -> Vec<Pair> {
    (0..count)
        .map(|index| {
            let mut secret = [seed; 32];
            secret[..8].copy_from_slice(&(index as u64).to_le_bytes());
            Pair::from_seed(&secret)
        })
        .collect()
}

/// The list of authorities that these keys make, each with weight 1.
pub fn authorities(validators: &[Pair]) -> AuthorityList {
    validators.iter().map(|pair| (AuthorityId::from(pair.public()), 1)).collect()
}

/// The digest of a header that schedules a set change.
pub fn scheduled_change(validators: &[Pair], delay: u32) -> DigestItem {
    let change = ScheduledChange { next_authorities: authorities(validators), delay };
    DigestItem::Consensus(GRANDPA_ENGINE_ID, ConsensusLog::ScheduledChange(change).encode())
}

/// A block's vote by one validator: block number, hash, round and set id.
pub fn precommit(
    validator: &Pair,
    number: u32,
    hash: BlockHash,
    round: u64,
    set_id: u64,
) -> SignedPrecommit<H256, u32, sp_consensus_grandpa::AuthoritySignature, AuthorityId> {
    let precommit = Precommit { target_hash: hash.into(), target_number: number };
    let payload = localized_payload(round, set_id, &Message::Precommit(precommit.clone()));
    SignedPrecommit { precommit, signature: validator.sign(&payload).into(), id: validator.public().into() }
}

impl TestChain {
    /// A chain with this many validators and the kit's own metadata.
    pub fn new(validator_count: usize) -> Self {
        Self::with(validators(1, validator_count), &test_code(METADATA, &[]), &[])
    }

    /// A chain with these validators, this code and further entries of genesis' state.
    pub fn with(validators: Vec<Pair>, code: &[u8], storage: &[(Vec<u8>, Vec<u8>)]) -> Self {
        let mut state: BTreeMap<Vec<u8>, Arc<[u8]>> =
            storage.iter().map(|(key, value)| (key.clone(), value[..].into())).collect();
        state.insert(storage_keys::CODE.to_vec(), code.into());
        state.insert(storage_keys::grandpa_authorities(), authorities(&validators).encode()[..].into());
        let hash = H256(sp_crypto_hashing::blake2_256(code));
        let runtime =
            VerifiedRuntime::from_proven_code(hash, code, &Self::properties()).expect("code of a runtime");
        let header = Header::new(
            0,
            extrinsics_root(&[], &runtime),
            state_root(&state),
            H256::zero(),
            Digest::default(),
        );
        Self {
            blocks: vec![Block { header, body: Vec::new(), state }],
            sets: BTreeMap::from([(0, (0, validators))]),
            runtime: Arc::new(runtime),
            salt: 0,
        }
    }

    /// What the kit's chains say of their token.
    pub fn properties() -> ChainProperties {
        ChainProperties { token_symbol: "UNIT".into(), token_decimals: 12 }
    }

    /// What a client starts from.
    pub fn genesis_material(&self) -> GenesisMaterial {
        let genesis = &self.blocks[0];
        GenesisMaterial {
            header: genesis.header.encode(),
            state_proof: prove(&genesis.state, &genesis_proof_keys()),
            code: self.code(0),
            properties: Self::properties(),
        }
    }

    /// A client at genesis.
    pub fn client(&self) -> LightClient {
        LightClient::from_genesis(self.genesis_material()).expect("genesis of the kit is valid")
    }

    /// Content for a block, to be filled and then [added](Self::add).
    pub fn block(&self) -> BlockContent {
        BlockContent::new(self.runtime.clone())
    }

    /// Adds a block and returns its number.
    pub fn add(&mut self, content: BlockContent) -> u32 {
        let parent = self.blocks.last().expect("a chain has a genesis");
        let number = parent.header.number + 1;
        let (body, events, changes, mut logs) = content.finish();
        let mut state = parent.state.clone();
        state.insert(storage_keys::events(), events[..].into());
        state.insert(
            storage_keys::timestamp(),
            (GENESIS_TIME + u64::from(number) * 6_000).encode()[..].into(),
        );
        for (key, value) in changes {
            match value {
                Some(value) => state.insert(key, value[..].into()),
                None => state.remove(&key),
            };
        }
        // As frame-system and pallet-grandpa keep them.
        state.insert(storage_keys::block_hash(number - 1), parent.header.hash().as_bytes().into());
        if let Some(forgotten) = (number - 1).checked_sub(BLOCK_HASH_COUNT).filter(|forgotten| *forgotten > 0)
        {
            state.remove(&storage_keys::block_hash(forgotten));
        }
        if let Some((_, validators)) = self.sets.get(&(number + 1)) {
            state.insert(storage_keys::grandpa_authorities(), authorities(validators).encode()[..].into());
            state.remove(&storage_keys::grandpa_pending_change());
        }
        if self.salt != 0 {
            logs.push(DigestItem::Other(vec![self.salt]));
        }
        let header = Header::new(
            number,
            extrinsics_root(&body, &self.runtime),
            state_root(&state),
            parent.header.hash(),
            Digest { logs },
        );
        let code = state[storage_keys::CODE].clone();
        self.blocks.push(Block { header, body, state });
        let hash = H256(sp_crypto_hashing::blake2_256(&code));
        if hash != self.runtime.code_hash() {
            let runtime = VerifiedRuntime::from_proven_code(hash, &code, &Self::properties());
            self.runtime = Arc::new(runtime.expect("code of a runtime"));
        }
        number
    }

    /// Adds so many blocks without operations and returns the number of the last.
    pub fn add_empty(&mut self, count: u32) -> u32 {
        for _ in 0..count {
            let content = self.block();
            self.add(content);
        }
        self.number()
    }

    /// Adds a block that schedules a set change and returns its number.
    pub fn add_set_change(&mut self, validators: Vec<Pair>, delay: u32) -> u32 {
        let number = self.number() + 1;
        let set_id = self.sets.values().map(|(set_id, _)| set_id + 1).max().unwrap_or_default();
        let content = self
            .block()
            .digest(scheduled_change(&validators, delay))
            .storage(storage_keys::grandpa_current_set_id(), Some(set_id.encode()))
            .storage(storage_keys::grandpa_pending_change(), Some(authorities(&validators).encode()));
        self.sets.insert(number + delay + 1, (set_id, validators));
        self.add(content)
    }

    /// The set that finalizes blocks from the next one on: its id and keys.
    pub fn next_set(&self) -> (u64, &[Pair]) {
        self.set_for(self.number() + 1)
    }

    /// The value of a key in a block's state.
    pub fn storage(&self, number: u32, key: &[u8]) -> Option<&[u8]> {
        self.blocks[number as usize].state.get(key).map(|value| &value[..])
    }

    /// The extrinsics of a block.
    pub fn body(&self, number: u32) -> &[Vec<u8>] {
        &self.blocks[number as usize].body
    }

    /// A chain with the same blocks up to `number`, whose further blocks are others.
    pub fn fork_at(&self, number: u32) -> Self {
        let mut fork = self.clone();
        fork.blocks.truncate(number as usize + 1);
        fork.salt += 1;
        fork
    }

    /// Number of the newest block.
    pub fn number(&self) -> u32 {
        self.blocks.len() as u32 - 1
    }

    /// Hash of the block with this number.
    pub fn hash(&self, number: u32) -> BlockHash {
        BlockId::of(self.header(number)).hash
    }

    /// A block's header.
    pub fn header(&self, number: u32) -> &Header {
        &self.blocks[number as usize].header
    }

    /// Encoded headers of a range of blocks.
    pub fn headers(&self, numbers: impl IntoIterator<Item = u32>) -> Vec<Vec<u8>> {
        numbers.into_iter().map(|number| self.header(number).encode()).collect()
    }

    /// The code in a block's state.
    pub fn code(&self, number: u32) -> Vec<u8> {
        self.blocks[number as usize].state[storage_keys::CODE].to_vec()
    }

    /// The runtime that executes the next block.
    pub fn runtime(&self) -> &Arc<VerifiedRuntime> {
        &self.runtime
    }

    /// A block with the proof of these keys beside those of every block.
    pub fn material(&self, number: u32, watched_keys: &[Vec<u8>]) -> BlockMaterial {
        let block = &self.blocks[number as usize];
        BlockMaterial {
            header: block.header.encode(),
            body: block.body.clone(),
            state_proof: self.proof(number, &[&block_proof_keys()[..], watched_keys].concat()),
        }
    }

    /// Nodes that prove exactly these keys in a block's state.
    pub fn proof(&self, number: u32, keys: &[Vec<u8>]) -> Vec<Vec<u8>> {
        prove(&self.blocks[number as usize].state, keys)
    }

    /// The set that finalizes a block: its id and keys.
    pub fn set_for(&self, number: u32) -> (u64, &[Pair]) {
        let (_, (set_id, validators)) =
            self.sets.range(..=number).next_back().expect("a chain has a first set");
        (*set_id, validators)
    }

    /// A justification for a block by all validators of its set.
    pub fn justify(&self, number: u32) -> Vec<u8> {
        let (set_id, validators) = self.set_for(number);
        self.justify_by(number, validators, set_id)
    }

    /// A justification for a block with the votes of these validators.
    pub fn justify_by(&self, number: u32, validators: &[Pair], set_id: u64) -> Vec<u8> {
        self.justification(number, validators, set_id).encode()
    }

    /// Like [`justify_by`](Self::justify_by), before it is encoded.
    pub fn justification(
        &self,
        number: u32,
        validators: &[Pair],
        set_id: u64,
    ) -> GrandpaJustification<Header> {
        let hash = self.hash(number);
        let precommits =
            validators.iter().map(|validator| precommit(validator, number, hash, ROUND, set_id)).collect();
        GrandpaJustification {
            round: ROUND,
            commit: Commit { target_hash: hash.into(), target_number: number, precommits },
            votes_ancestries: Vec::new(),
        }
    }

    /// Imports headers and justifications so that everything up to `number` is final for the client.
    pub fn finalize(&self, client: &mut LightClient, number: u32) {
        // After a restart the newest final block is known before its headers are.
        while client.finalized().number < number || client.frontier().number < number {
            let border = client.justification_needed();
            let to = border.unwrap_or(number);
            let from = client.frontier().number + 1;
            let headers = self.headers(from..=to.max(number));
            if border.is_none() {
                // Stops at the border of a set by itself.
                let _ = client.import_headers(&headers);
            }
            let target = client.justification_needed().unwrap_or(number);
            if client.finalized().number == target && client.frontier().number >= target {
                continue;
            }
            client.import_justification(&self.justify(target)).expect("justification of the kit is valid");
        }
    }

    /// Verifies the next block, after making it final if it is not, and moves the client behind it.
    pub fn verify_next(&self, client: &mut LightClient, watched_keys: &[Vec<u8>]) -> VerifiedBlock {
        let number = client.position().number + 1;
        self.finalize(client, number.max(client.finalized().number));
        if client.runtime_needed().is_some() {
            client.provide_runtime(&self.code(number - 1)).expect("code of the kit is valid");
        }
        let verify = |client: &LightClient| {
            client
                .verify_block(self.material(number, watched_keys), watched_keys)
                .expect("block of the kit is valid")
        };
        let block = verify(client);
        client.advance(verify(client)).expect("block was just verified");
        block
    }
}

fn extrinsics_root(body: &[Vec<u8>], runtime: &VerifiedRuntime) -> H256 {
    match runtime.system_version() {
        0 | 1 => LayoutV0::<Blake2Hasher>::ordered_trie_root(body),
        _ => LayoutV1::<Blake2Hasher>::ordered_trie_root(body),
    }
}

fn backend(state: &BTreeMap<Vec<u8>, Arc<[u8]>>) -> InMemoryBackend<Blake2Hasher> {
    let entries = state.iter().map(|(key, value)| (key.clone(), Some(value.to_vec()))).collect::<Vec<_>>();
    (vec![(None, entries)], StateVersion::V1).into()
}

fn state_root(state: &BTreeMap<Vec<u8>, Arc<[u8]>>) -> H256 {
    backend(state).storage_root(std::iter::empty(), StateVersion::V1).0
}

fn prove(state: &BTreeMap<Vec<u8>, Arc<[u8]>>, keys: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let proof = prove_read(backend(state), keys).expect("the kit's states are complete");
    proof.into_nodes().into_iter().collect()
}

/// Metadata of live chains with the pallets of wire.md, by their names; see `testing/metadata/README.md`.
pub const LIVE_METADATA: [(&str, &[u8]); 3] = [
    ("integritee-solochain", METADATA),
    ("integritee-kusama", include_bytes!("testing/metadata/integritee-kusama.scale")),
    ("integritee-polkadot", include_bytes!("testing/metadata/integritee-polkadot.scale")),
];

/// What the kit's chains run on: the first of [`LIVE_METADATA`].
pub const METADATA: &[u8] = include_bytes!("testing/metadata/integritee-solochain.scale");

/// Chain time of a block is this and six seconds per block, in milliseconds since the Unix epoch.
pub const GENESIS_TIME: u64 = 1_800_000_000_000;

/// How many blocks back, beside genesis, the kit's chains know hashes by their state.
const BLOCK_HASH_COUNT: u32 = 16;

/// The round in which the kit's validators vote.
const ROUND: u64 = 3;
