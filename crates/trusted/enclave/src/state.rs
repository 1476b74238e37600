// SPDX-License-Identifier: Apache-2.0
//! The shard's state: a trie whose nodes are in the store.
//!
//! The executor reads single nodes of a [`Snapshot`]; it checks each against the hash by which it asks, so an
//! old or foreign node is refused even if it was sealed by this enclave. What a block changes goes back
//! as [`NodeChanges`](offstage_sdk::NodeChanges), in the block's transaction.

use crate::store::Snapshot;
use offstage_sdk::{NodeStore, NodeStoreError};

impl NodeStore for Snapshot {
    fn node(&self, key: &[u8]) -> Result<Option<Vec<u8>>, NodeStoreError> {
        Ok(Snapshot::node(self, key)?)
    }
}
