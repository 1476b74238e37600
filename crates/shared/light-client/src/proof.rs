// SPDX-License-Identifier: Apache-2.0
//! Proofs of the chain's storage: trie nodes that lead from a state root to values, or to the proof that there is none.
//!
//! A proof is complete and minimal or it is refused: a missing node leaves a question open, a node that no key needs or
//! that is there twice is a way to make an enclave hold memory for nothing.

use sp_core::{Blake2Hasher, H256};
use sp_trie::{
    EMPTY_PREFIX, HashDBT, LayoutV1, MemoryDB, StorageProof, Trie, TrieDBBuilder,
    accessed_nodes_tracker::AccessedNodesTracker,
};

/// A proof that is being read.
pub(crate) struct StateProof {
    root: H256,
    nodes: MemoryDB<Blake2Hasher>,
    accessed: AccessedNodesTracker<H256>,
}

impl StateProof {
    pub(crate) fn new(root: H256, nodes: &[Vec<u8>]) -> Result<Self, ProofError> {
        let size = nodes.iter().fold(0usize, |sum, node| sum.saturating_add(node.len()));
        if size > MAX_STATE_PROOF_LEN || nodes.len() > MAX_STATE_PROOF_NODES {
            return Err(ProofError::TooLarge { size, nodes: nodes.len() });
        }
        let proof = StorageProof::new_with_duplicate_nodes_check(nodes.iter().cloned())
            .map_err(|_| ProofError::DuplicateNodes)?;
        let accessed = AccessedNodesTracker::new(proof.len());
        let nodes: MemoryDB<Blake2Hasher> = proof.into_memory_db();
        if !nodes.contains(&root, EMPTY_PREFIX) {
            return Err(ProofError::OtherState);
        }
        Ok(Self { root, nodes, accessed })
    }

    /// The value of `key`, or the proven absence of one.
    pub(crate) fn value(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>, ProofError> {
        // To a reader, the layouts of state version 0 and 1 are the same.
        TrieDBBuilder::<LayoutV1<Blake2Hasher>>::new(&self.nodes, &self.root)
            .with_recorder(&mut self.accessed)
            .build()
            .get(key)
            .map_err(|_| ProofError::Incomplete)
    }

    /// The blake2-256 hash of the value of `key`. In a state of version 1, a long value itself need not be in the
    /// proof: its leaf holds the hash.
    pub(crate) fn value_hash(&mut self, key: &[u8]) -> Result<Option<H256>, ProofError> {
        TrieDBBuilder::<LayoutV1<Blake2Hasher>>::new(&self.nodes, &self.root)
            .with_recorder(&mut self.accessed)
            .build()
            .get_hash(key)
            .map_err(|_| ProofError::Incomplete)
    }

    /// To be called when all keys have been read.
    pub(crate) fn finish(self) -> Result<(), ProofError> {
        self.accessed.ensure_no_unused_nodes().map_err(|_| ProofError::UnusedNodes)
    }
}

/// Why a storage proof was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// More than [`MAX_STATE_PROOF_LEN`] bytes or [`MAX_STATE_PROOF_NODES`] nodes.
    #[error("storage proof of {size} bytes in {nodes} nodes is too large; watch fewer keys")]
    TooLarge {
        /// Bytes of all nodes.
        size: usize,
        /// Number of nodes.
        nodes: usize,
    },
    /// A node is there twice.
    #[error("storage proof has a node twice; send the nodes of state_getReadProof as they are")]
    DuplicateNodes,
    /// The state root is not among the nodes.
    #[error("storage proof is of another state; ask state_getReadProof for it at this block")]
    OtherState,
    /// A node that a key needs is missing, or a node is malformed.
    #[error(
        "storage proof does not answer for all keys; ask state_getReadProof for exactly the watched keys"
    )]
    Incomplete,
    /// A node that no key needs.
    #[error("storage proof has nodes that no key needs; ask state_getReadProof for exactly the watched keys")]
    UnusedNodes,
}

/// Room for the events of the fullest block and, in a state of version 0, for the runtime code.
///
/// What a block's events come to is limited by weight. Of the calls in use a remark with an event in a batch makes
/// most: 83 bytes for about 11 µs, 7.5 MB for each second of weight. A block of six seconds has two seconds of
/// weight: 15 MB. This is room for more than 32 MiB of events, twice as much, beside what else is proven. A runtime
/// with more weight has to limit its events.
pub const MAX_STATE_PROOF_LEN: usize = 40 * 1024 * 1024;

/// Bytes of `System.Events` that can be proven whatever else is. Runtimes keep their blocks below.
pub const MAX_EVENTS_LEN: usize = 32 * 1024 * 1024;

/// Nodes of one proof. A key of a large state needs about ten.
pub const MAX_STATE_PROOF_NODES: usize = 64 * 1024;
