// SPDX-License-Identifier: Apache-2.0
//! The seam to where trie nodes are kept.
//!
//! The executor asks a [`NodeStore`] for single nodes of the state trie and gives back [`NodeChanges`]: it never reads
//! the whole state, so a block costs what it touches.
//!
//! # Attacks
//! - *The store returns another node, or an old one*: each node is checked against the hash it is asked by, so a
//!   wrong answer is [`NodeStoreError::Corrupt`] and no part of a block is executed on it.
//! - *The store fails in the middle of a call*: that is not the call's fault and must not become its outcome, or this
//!   worker would compute another state than the others. The whole block is given up with an error.
//! - *Somebody reads the store's keys*: a node's key begins with its path in the trie, which holds parts of account
//!   ids. Whoever implements a store on an untrusted disk must hide keys as well as values, for example behind a keyed
//!   hash.

use sp_core::H256;
use sp_runtime::traits::{BlakeTwo256, Hash};
use sp_state_machine::{Backend, DefaultError, IterArgs, TrieBackendBuilder, TrieBackendStorage};
use sp_trie::{DBValue, prefixed_key};
use std::sync::{Mutex, PoisonError};

/// Where trie nodes are kept.
pub trait NodeStore: Send + Sync {
    /// The node with this key, or `None` when there is none.
    ///
    /// A key is the node's path in the trie followed by its 32-byte hash (Blake2b-256).
    ///
    /// # Errors
    /// When the store cannot be read or does not pass its integrity check.
    fn node(&self, key: &[u8]) -> Result<Option<Vec<u8>>, NodeStoreError>;
}

impl<S: NodeStore + ?Sized> NodeStore for &S {
    fn node(&self, key: &[u8]) -> Result<Option<Vec<u8>>, NodeStoreError> {
        (**self).node(key)
    }
}

/// What a block changes in the store. Sorted by key; no key is in both lists.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NodeChanges {
    /// Nodes to write: key and node.
    pub upserts: Vec<(Vec<u8>, Vec<u8>)>,
    /// Keys of nodes that the new state does not need any more.
    pub removals: Vec<Vec<u8>>,
}

/// Why a node could not be had.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NodeStoreError {
    /// The store could not be read.
    #[error("the state store cannot be read: {0}; check the disk and restart the worker")]
    Unreadable(String),
    /// A node that the state needs is not there.
    #[error("a node of the state is missing; restore the data folder or start again with an empty one")]
    Missing,
    /// A node is not the one that was asked for, or fails its authentication.
    #[error("a node of the state was altered; restore the data folder or start again with an empty one")]
    Corrupt,
}

/// Walks through the whole state with this root, and counts its entries. So every node of it was there, and was the one
/// that its hash names.
///
/// # Errors
/// What is wrong with the first node that is not.
pub fn count_entries<S: NodeStore + ?Sized>(store: &S, root: H256) -> Result<u64, NodeStoreError> {
    let backend = TrieBackendBuilder::<_, BlakeTwo256>::new(Nodes::new(store), root).build();
    let broken = || backend.backend_storage().failure().unwrap_or(NodeStoreError::Corrupt);
    let mut count = 0u64;
    for entry in backend.pairs(IterArgs::default()).map_err(|_| broken())? {
        entry.map_err(|_| broken())?;
        count = count.saturating_add(1);
    }
    match backend.backend_storage().failure() {
        None => Ok(count),
        Some(failure) => Err(failure),
    }
}

/// Gives the state machine the nodes of a store, and remembers the first failure.
///
/// The state machine turns a read failure into a panic of the running call or into a logged warning. Both would be
/// taken for something else, so whoever runs it asks [`Nodes::failure`] afterwards.
pub(crate) struct Nodes<'a, S: ?Sized> {
    store: &'a S,
    failure: Mutex<Option<NodeStoreError>>,
}

impl<'a, S: NodeStore + ?Sized> Nodes<'a, S> {
    pub(crate) fn new(store: &'a S) -> Self {
        Self { store, failure: Mutex::new(None) }
    }

    /// The first failure since the start.
    pub(crate) fn failure(&self) -> Option<NodeStoreError> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn checked(&self, hash: &H256, key: &[u8]) -> Result<Vec<u8>, NodeStoreError> {
        let node = self.store.node(key)?.ok_or(NodeStoreError::Missing)?;
        if BlakeTwo256::hash(&node) == *hash { Ok(node) } else { Err(NodeStoreError::Corrupt) }
    }
}

impl<S: NodeStore + ?Sized> TrieBackendStorage<BlakeTwo256> for Nodes<'_, S> {
    fn get(&self, hash: &H256, prefix: hash_db::Prefix<'_>) -> Result<Option<DBValue>, DefaultError> {
        let key = prefixed_key::<BlakeTwo256>(hash, prefix);
        self.checked(hash, &key).map(Some).map_err(|error| {
            let text = error.to_string();
            self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            text
        })
    }
}
