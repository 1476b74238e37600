// SPDX-License-Identifier: Apache-2.0
//! Changes of the state that are not yet in the table of nodes.
//!
//! A block changes a few trie nodes per operation, all over the trie. To write each to its place costs a page of the
//! disk per node, and the upper nodes change again in the next block. So a block's changes are first written as *one*
//! record, the journal entry, and kept in memory as a [`Layer`]; reads look into the layers first. When there are more
//! than [`MAX_LAYERS`], or they hold more than [`MAX_BYTES`], the oldest is merged into the table, without what newer
//! layers have changed again: with the block that pushes it out, or beside the execution of that block (`overdue`). A
//! restart reads the journal, which is small, and not the state.

use super::cipher::Mark;
use hashbrown::HashTable;
use offstage_sdk::NodeChanges;
use std::{
    hash::{BuildHasher, RandomState},
    sync::Arc,
};

/// The node changes of one block.
pub(super) struct Layer {
    /// Position in the journal.
    pub(super) sequence: u64,
    /// Of its sealed entry.
    pub(super) mark: Mark,
    /// By the hash of all layers, see [`Layers::hash`].
    changes: HashTable<Entry>,
    bytes: usize,
}

/// What a layer says, of which node.
struct Entry {
    hash: u64,
    key: Vec<u8>,
    change: Change,
}

impl Layer {
    fn get(&self, hash: u64, key: &[u8]) -> Option<&Change> {
        self.changes.find(hash, |entry| entry.key == key).map(|entry| &entry.change)
    }

    fn put(&mut self, hash: u64, key: Vec<u8>, change: Change) {
        let entry = Entry { hash, key, change };
        self.changes.entry(hash, |known| known.key == entry.key, |known| known.hash).insert(entry);
    }
}

/// What a layer says of a node. `in_table`: whether the table has it as well.
#[derive(Clone, PartialEq, Eq)]
enum Change {
    Put { node: Vec<u8>, in_table: bool },
    Removed { in_table: bool },
}

/// What a merge does to the table.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Merge<'a> {
    Write(&'a [u8], &'a [u8]),
    Remove(&'a [u8]),
}

/// Layers, oldest first. Cheap to clone; a clone is a snapshot.
#[derive(Clone, Default)]
pub(super) struct Layers {
    layers: Vec<Arc<Layer>>,
    /// One for all, so that a key is hashed once however many layers it is looked for in.
    hasher: RandomState,
}

impl Layers {
    /// The layers with one more on top.
    pub(super) fn with(&self, sequence: u64, mark: Mark, changes: NodeChanges) -> Self {
        let count = changes.upserts.len().saturating_add(changes.removals.len());
        let mut layer = Layer { sequence, mark, changes: HashTable::with_capacity(count), bytes: 0 };
        for (key, node) in changes.upserts {
            layer.bytes = layer.bytes.saturating_add(key.len()).saturating_add(node.len());
            let hash = self.hash(&key);
            // A node that no layer knows is new: its key holds its hash.
            let in_table = match self.find(hash, &key) {
                Some(Change::Put { in_table, .. } | Change::Removed { in_table }) => *in_table,
                None => false,
            };
            layer.put(hash, key, Change::Put { node, in_table });
        }
        for key in changes.removals {
            layer.bytes = layer.bytes.saturating_add(key.len());
            let hash = self.hash(&key);
            let in_table = match self.find(hash, &key) {
                Some(Change::Put { in_table, .. } | Change::Removed { in_table }) => *in_table,
                None => true,
            };
            layer.put(hash, key, Change::Removed { in_table });
        }
        let layers = self.layers.iter().cloned().chain([Arc::new(layer)]).collect();
        Self { layers, hasher: self.hasher.clone() }
    }

    /// Takes off the oldest layers until the rest is within the limits.
    pub(super) fn split(&self) -> (Vec<Arc<Layer>>, Self) {
        self.split_to(MAX_LAYERS, MAX_BYTES)
    }

    /// Takes off the oldest layers until there is room for another one like the newest.
    pub(super) fn split_for_next(&self) -> (Vec<Arc<Layer>>, Self) {
        let next = self.layers.last().map_or(0, |newest| newest.bytes);
        self.split_to(MAX_LAYERS.saturating_sub(1), MAX_BYTES.saturating_sub(next))
    }

    fn split_to(&self, max_layers: usize, max_bytes: usize) -> (Vec<Arc<Layer>>, Self) {
        let mut rest: std::collections::VecDeque<Arc<Layer>> = self.layers.iter().cloned().collect();
        let mut bytes = rest.iter().fold(0usize, |sum, layer| sum.saturating_add(layer.bytes));
        let mut merged = Vec::new();
        while rest.len() > max_layers || bytes > max_bytes {
            let Some(oldest) = rest.pop_front() else { break };
            bytes = bytes.saturating_sub(oldest.bytes);
            merged.push(oldest);
        }
        (merged, Self { layers: rest.into(), hasher: self.hasher.clone() })
    }

    /// What the layers know of a node: `None` when nothing, `Some(None)` when it was removed.
    #[expect(clippy::option_option, reason = "three answers: unknown, removed, present")]
    pub(super) fn node(&self, key: &[u8]) -> Option<Option<Vec<u8>>> {
        self.find(self.hash(key), key).map(|change| match change {
            Change::Put { node, .. } => Some(node.clone()),
            Change::Removed { .. } => None,
        })
    }

    fn find(&self, hash: u64, key: &[u8]) -> Option<&Change> {
        self.layers.iter().rev().find_map(|layer| layer.get(hash, key))
    }

    /// The standard library's keyed hash, over the whole key. The 32 bytes at a key's end are a hash already, but equal
    /// values, and users can make many, are nodes that differ in their path alone.
    fn hash(&self, key: &[u8]) -> u64 {
        self.hasher.hash_one(key)
    }
}

/// What merging `layers` (oldest first) into the table takes, given the layers that stay above them. The order of the
/// answer does not matter: no key comes twice. Both come from one [`Layers::split`].
pub(super) fn merge<'a>(layers: &'a [Arc<Layer>], above: &Layers) -> Vec<Merge<'a>> {
    let mut steps = Vec::new();
    for (position, layer) in layers.iter().enumerate() {
        let newer = layers.get(position.saturating_add(1)..).unwrap_or_default();
        for Entry { hash, key, change } in &layer.changes {
            let changed_again =
                newer.iter().any(|layer| layer.get(*hash, key).is_some()) || above.find(*hash, key).is_some();
            match change {
                _ if changed_again => {}
                Change::Put { in_table: true, .. } | Change::Removed { in_table: false } => {}
                Change::Put { node, in_table: false } => steps.push(Merge::Write(key, node)),
                Change::Removed { in_table: true } => steps.push(Merge::Remove(key)),
            }
        }
    }
    steps
}

/// Layers in memory at most. Each costs a look-up per node that is read.
const MAX_LAYERS: usize = 32;

/// Bytes of nodes in memory at most.
const MAX_BYTES: usize = 8 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn step_table(table: &mut BTreeMap<Vec<u8>, Vec<u8>>, merged: &[Arc<Layer>], above: &Layers) {
        for step in merge(merged, above) {
            match step {
                Merge::Write(key, node) => assert!(table.insert(key.to_vec(), node.to_vec()).is_none()),
                Merge::Remove(key) => assert!(table.remove(key).is_some()),
            }
        }
    }

    proptest! {
        /// Whatever blocks put and remove, table and layers together always are the state, and no dead node stays
        /// behind.
        #[test]
        fn table_and_layers_are_the_state(
            blocks in proptest::collection::vec(proptest::collection::btree_map(0u8..20, any::<bool>(), 0..8), 1..90),
            beside in proptest::collection::vec(any::<bool>(), 1..9),
        ) {
            let (mut state, mut table) = (BTreeMap::new(), BTreeMap::new());
            let mut layers = Layers::default();
            for (sequence, block) in blocks.into_iter().enumerate() {
                let mut changes = NodeChanges::default();
                for (name, put) in block {
                    // As in a trie: a key names its content, and only what is there is removed.
                    let (key, node) = (vec![name], vec![name, 1]);
                    if put && state.insert(key.clone(), node.clone()).is_none() {
                        changes.upserts.push((key, node));
                    } else if !put && state.remove(&key).is_some() {
                        changes.removals.push(key);
                    }
                }
                if beside[sequence % beside.len()] {
                    let (merged, rest) = layers.split_for_next();
                    step_table(&mut table, &merged, &rest);
                    layers = rest;
                }
                let (merged, rest) = layers.with(sequence as u64, [0; 32], changes).split();
                step_table(&mut table, &merged, &rest);
                layers = rest;
                for name in 0..20 {
                    let key = vec![name];
                    let read = layers.node(&key).unwrap_or_else(|| table.get(&key).cloned());
                    prop_assert_eq!(read, state.get(&key).cloned());
                }
            }
            let everything = std::mem::take(&mut layers.layers);
            step_table(&mut table, &everything, &Layers::default());
            prop_assert_eq!(table, state);
        }
    }

    /// Equal balances are equal nodes under different paths. A hash of a key's end alone would make them all collide.
    #[test]
    fn equal_values_under_different_paths_do_not_collide() {
        use std::collections::BTreeSet;
        let keys = (0..1_000u32).map(|path| [&path.to_be_bytes()[..], &[7; 32]].concat());
        let upserts: Vec<_> = keys.map(|key| (key, vec![1])).collect();
        let layers = Layers::default().with(0, [0; 32], NodeChanges { upserts, removals: vec![] });
        let changes = &layers.layers[0].changes;
        let hashes: BTreeSet<u64> = changes.iter().map(|entry| entry.hash).collect();
        assert_eq!(hashes.len(), 1_000);
    }

    #[test]
    fn the_layers_stay_within_their_bounds() {
        let mut layers = Layers::default();
        for sequence in 0..100u64 {
            let node = vec![0; MAX_BYTES / 8];
            let changes =
                NodeChanges { upserts: vec![(sequence.to_be_bytes().to_vec(), node)], removals: vec![] };
            layers = layers.with(sequence, [0; 32], changes).split().1;
            assert!(layers.layers.len() <= 8, "{}", layers.layers.len());
            // With this room made, the next one like it pushes nothing out.
            let before = layers.split_for_next().1.layers.len();
            let node = vec![0; MAX_BYTES / 8];
            let next = NodeChanges { upserts: vec![(vec![0; 8], node)], removals: vec![] };
            let (pushed_out, after) = layers.split_for_next().1.with(sequence + 1, [0; 32], next).split();
            assert!(pushed_out.is_empty() && after.layers.len() == before + 1);
        }
    }
}
