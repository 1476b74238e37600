// SPDX-License-Identifier: Apache-2.0
//! One sitting on a state: changes in memory over the nodes of a store.
//!
//! Built on polkadot-sdk's state machine: [`OverlayedChanges`] collects writes and nests transactions, [`TrieBackend`]
//! reads what is not in the overlay and computes the root (Blake2b-256, state version 1: values above 32 bytes are nodes of their own).

use crate::{
    contained::contain,
    executor::ExecutionError,
    node_store::{NodeChanges, NodeStore, Nodes},
};
use offstage_primitives::H256;
use sp_externalities::set_and_run_with_externalities;
use sp_runtime::{StateVersion, traits::BlakeTwo256};
use sp_state_machine::{Ext, OverlayedChanges, TrieBackend, TrieBackendBuilder};
use sp_trie::cache::LocalTrieCache;
use std::collections::BTreeMap;

/// Changes over one state.
pub(crate) struct Session<'a, S: NodeStore + ?Sized> {
    overlay: OverlayedChanges<BlakeTwo256>,
    backend: TrieBackend<Nodes<'a, S>, BlakeTwo256>,
}

/// How a piece of work ended without success. Nothing of it is left in the session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Failure<E> {
    /// It returned an error.
    Refused(E),
    /// It panicked.
    Panicked,
}

impl<'a, S: NodeStore + ?Sized> Session<'a, S> {
    /// Opens the state with this root.
    pub(crate) fn open(store: &'a S, root: H256, cache: LocalTrieCache<BlakeTwo256>) -> Self {
        let backend = TrieBackendBuilder::new_with_cache(Nodes::new(store), root, cache).build();
        Self { overlay: OverlayedChanges::default(), backend }
    }

    /// Runs `work` in a transaction, which is kept if it succeeds and rolled back otherwise.
    ///
    /// # Errors
    /// When the store failed meanwhile. The session is then of no use any more.
    pub(crate) fn run<R, E>(
        &mut self,
        work: impl FnOnce() -> Result<R, E>,
    ) -> Result<Result<R, Failure<E>>, ExecutionError> {
        self.overlay.start_transaction();
        // From here on the work cannot close the transaction that was just opened, only those it opens itself.
        self.overlay.enter_runtime().map_err(|_| ExecutionError::Bug("work inside work"))?;
        let result = {
            let mut externalities = Ext::new(&mut self.overlay, &self.backend, None);
            contain(|| set_and_run_with_externalities(&mut externalities, work))
        };
        // Rolls back what a panic left open.
        self.overlay.exit_runtime().map_err(|_| ExecutionError::Bug("work left the runtime"))?;
        let closed = match &result {
            Ok(Ok(_)) => self.overlay.commit_transaction(),
            Ok(Err(_)) | Err(_) => self.overlay.rollback_transaction(),
        };
        closed.map_err(|_| ExecutionError::Bug("work closed the executor's transaction"))?;
        self.check_store()?;
        Ok(match result {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(Failure::Refused(error)),
            Err(_) => Err(Failure::Panicked),
        })
    }

    /// Computes the root of the changed state and the nodes that make the difference.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) fn finish(mut self) -> Result<(H256, NodeChanges), ExecutionError> {
        let drained = contain(|| self.overlay.drain_storage_changes(&self.backend, StateVersion::V1));
        // The state machine only logs when it cannot read a node here, and answers with the old root.
        self.check_store()?;
        let mut changes = drained
            .map_err(|_| ExecutionError::Bug("the state root cannot be computed"))?
            .map_err(|_| ExecutionError::Bug("the state changes cannot be collected"))?;
        let nodes: BTreeMap<Vec<u8>, (Vec<u8>, i32)> = changes.transaction.drain().into_iter().collect();
        let mut result = NodeChanges::default();
        for (key, (node, references)) in nodes {
            // A node that was removed and made again in one block counts zero: it stays as it is.
            match references {
                1.. => result.upserts.push((key, node)),
                0 => {}
                ..0 => result.removals.push(key),
            }
        }
        Ok((changes.transaction_storage_root, result))
    }

    fn check_store(&self) -> Result<(), ExecutionError> {
        match self.backend.backend_storage().failure() {
            None => Ok(()),
            Some(error) => Err(ExecutionError::Store(error)),
        }
    }
}
