// SPDX-License-Identifier: Apache-2.0
//! One sitting on a state: changes in memory over the nodes of a store.
//!
//! Built on polkadot-sdk's state machine: [`OverlayedChanges`] collects writes and nests transactions, [`TrieBackend`]
//! reads what is not in the overlay and computes the root (Blake2b-256, state version 1: values above 32 bytes are
//! nodes of their own).

use crate::{
    contained::{Panicked, contain},
    executor::ExecutionError,
    frame::extensions::metadata_hash::{Digest, DigestExtension},
    node_store::{NodeChanges, NodeStore, Nodes},
    parentchain::{Calls, CallsExtension},
};
use offstage_primitives::H256;
use sp_core::storage::ChildInfo;
use sp_externalities::{Extensions, set_and_run_with_externalities};
use sp_runtime::{StateVersion, traits::BlakeTwo256};
use sp_state_machine::{Backend, DefaultError, Ext, OverlayedChanges, TrieBackend, TrieBackendBuilder};
use sp_trie::cache::LocalTrieCache;
use std::{collections::BTreeMap, convert::Infallible, sync::Arc};

/// Changes over one state.
pub(crate) struct Session<'a, S: NodeStore + ?Sized> {
    overlay: OverlayedChanges<BlakeTwo256>,
    backend: TrieBackend<Nodes<'a, S>, BlakeTwo256>,
    /// What work may ask for beside storage.
    extensions: Extensions,
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
        Self { overlay: OverlayedChanges::default(), backend, extensions: Extensions::new() }
    }

    /// Lets work ask which calls the parentchain takes.
    pub(crate) fn with_calls(mut self, calls: Option<Arc<dyn Calls>>) -> Self {
        if let Some(calls) = calls {
            self.extensions.register(CallsExtension(calls));
        }
        self
    }

    /// Lets work ask for the digest of the logic's metadata.
    pub(crate) fn with_digest(mut self, digest: Digest) -> Self {
        self.extensions.register(DigestExtension(digest));
        self
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
            let mut externalities = Ext::new(&mut self.overlay, &self.backend, Some(&mut self.extensions));
            contain(|| set_and_run_with_externalities(&mut externalities, work))
        };
        // First of all: a read that failed in the middle of a write leaves an entry in the overlay that cannot be
        // rolled back.
        self.check_store()?;
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

    /// As [`run`](Self::run), for work that can only panic.
    ///
    /// # Errors
    /// When the store failed meanwhile.
    pub(crate) fn run_through<R>(
        &mut self,
        work: impl FnOnce() -> R,
    ) -> Result<Result<R, Panicked>, ExecutionError> {
        let done = self.run(|| Ok::<R, Infallible>(work()))?;
        Ok(done.map_err(|failure| match failure {
            Failure::Refused(never) => match never {},
            Failure::Panicked => Panicked,
        }))
    }

    /// Computes the root of the changed state and the nodes that make the difference. What is under one of the
    /// beginnings in `transient` is left out.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) fn finish(
        mut self,
        mut transient: Vec<Vec<u8>>,
    ) -> Result<(H256, NodeChanges), ExecutionError> {
        transient.sort_unstable();
        let computed = contain(|| {
            let changed = self.effective_changes(&transient)?;
            let children = changed.children.iter().map(|(child, values)| (child, borrowed(values)));
            Ok(self.backend.full_storage_root(borrowed(&changed.top), children, StateVersion::V1))
        });
        // The state machine only logs when it cannot read a node here, and answers with the old root.
        self.check_store()?;
        let (root, mut transaction) = computed
            .map_err(|_| ExecutionError::Bug("the state root cannot be computed"))?
            .map_err(|_: DefaultError| ExecutionError::Bug("the state changes cannot be read"))?;
        let nodes: BTreeMap<Vec<u8>, (Vec<u8>, i32)> = transaction.drain().into_iter().collect();
        let mut result = NodeChanges::default();
        for (key, (node, references)) in nodes {
            // A node that was removed and made again in one block counts zero: it stays as it is.
            match references {
                1.. => result.upserts.push((key, node)),
                0 => {}
                ..0 => result.removals.push(key),
            }
        }
        Ok((root, result))
    }

    /// What the overlay changes, without removals of keys that the state does not have.
    ///
    /// The trie must never be asked for such a removal: when the key is a strict prefix of a key that is there, trie-db
    /// removes the longer key instead, or panics (paritytech/trie#217). A value that is written and
    /// removed within a block is enough to make one.
    fn effective_changes(&mut self, transient: &[Vec<u8>]) -> Result<EffectiveChanges, DefaultError> {
        let mut changed = EffectiveChanges { top: Vec::new(), children: Vec::new() };
        for (key, value) in self.overlay.changes_mut() {
            if is_under(transient, key) {
                continue;
            }
            let value = value.value().cloned();
            if value.is_some() || self.backend.exists_storage(key)? {
                changed.top.push((key.clone(), value));
            }
        }
        for (values, child) in self.overlay.children_mut() {
            let mut effective = Vec::new();
            for (key, value) in values {
                let value = value.value().cloned();
                if value.is_some() || self.backend.exists_child_storage(child, key)? {
                    effective.push((key.clone(), value));
                }
            }
            // A child that changes from empty to empty would remove its own absent root.
            if !effective.is_empty() {
                changed.children.push((child.clone(), effective));
            }
        }
        Ok(changed)
    }

    fn check_store(&self) -> Result<(), ExecutionError> {
        match self.backend.backend_storage().failure() {
            None => Ok(()),
            Some(error) => Err(ExecutionError::Store(error)),
        }
    }
}

/// Whether `key` begins with one of `prefixes`, which are sorted and of which none begins with another.
fn is_under(prefixes: &[Vec<u8>], key: &[u8]) -> bool {
    let next = prefixes.partition_point(|prefix| prefix.as_slice() <= key);
    next.checked_sub(1).and_then(|last| prefixes.get(last)).is_some_and(|prefix| key.starts_with(prefix))
}

/// Keys with their new values; `None` removes.
type Values = Vec<(Vec<u8>, Option<Vec<u8>>)>;

struct EffectiveChanges {
    top: Values,
    children: Vec<(ChildInfo, Values)>,
}

fn borrowed(values: &Values) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
    values.iter().map(|(key, value)| (&key[..], value.as_deref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_under_the_beginning_that_it_has() {
        let prefixes = [b"ab".to_vec(), b"ad".to_vec(), b"x".to_vec()];
        for (key, expected) in [
            ("ab", true),
            ("abc", true),
            ("ac", false),
            ("a", false),
            ("", false),
            ("adz", true),
            ("y", false),
            ("xy", true),
        ] {
            assert_eq!(is_under(&prefixes, key.as_bytes()), expected, "{key}");
        }
        assert!(!is_under(&[], b"ab"));
    }
}
