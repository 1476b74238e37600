// SPDX-License-Identifier: Apache-2.0
//! What falls out of the journal's window goes to the table of nodes.
//!
//! That is the part of a commit that grows with the state: each node has its own page of the disk. So before a block
//! with many operations it is done in a transaction of its own, while the processor decrypts the block's envelopes
//! ([`Overdue`]). It changes where nodes are kept and nothing else: the state, the position and the outbox are those of
//! the block before, and whoever reads meanwhile finds each node in the journal's layers or in the table. kill -9
//! leaves it done or not done.

use super::{
    JOURNAL, NODES, StoreError, begin,
    cipher::{Cipher, Table},
    guarded,
    journal::{Layer, Layers, Merge, merge as steps_of},
    put_head,
    records::{Head, Ledger},
};
use redb::{Database, WriteTransaction};
use std::sync::Arc;

/// A merge that makes room for the next block. See [`Store::overdue`](super::Store::overdue).
pub struct Overdue {
    pub(super) database: Arc<Database>,
    pub(super) cipher: Arc<Cipher>,
    pub(super) is_large: bool,
    pub(super) merged: Vec<Arc<Layer>>,
    /// The layers that stay.
    pub(super) rest: Layers,
    /// The head as it is.
    pub(super) head: Option<Head>,
    /// What the head says of the other tables then: as it is, but for the journal.
    pub(super) ledger: Ledger,
}

impl Overdue {
    /// Does it, in one transaction.
    ///
    /// # Errors
    /// When the disk or the file fails. [`Store::note_merge`](super::Store::note_merge) has to hear of it.
    pub fn merge(&self) -> Result<(), StoreError> {
        guarded(|| {
            let transaction = begin(&self.database, self.is_large)?;
            merge(&transaction, &self.cipher, &self.merged, &self.rest)?;
            put_head(&transaction, &self.cipher, self.head.as_ref(), &self.ledger)?;
            transaction.commit()?;
            Ok(())
        })
    }
}

/// Writes to the table what `merged` says and `above` does not say again, and takes `merged` out of the journal.
pub(super) fn merge(
    transaction: &WriteTransaction,
    cipher: &Cipher,
    merged: &[Arc<Layer>],
    above: &Layers,
) -> Result<(), StoreError> {
    if merged.is_empty() {
        return Ok(());
    }
    let mut steps: Vec<([u8; 32], Option<&[u8]>)> = steps_of(merged, above)
        .into_iter()
        .map(|step| match step {
            Merge::Write(key, node) => (cipher.blind(Table::Nodes, key), Some(node)),
            Merge::Remove(key) => (cipher.blind(Table::Nodes, key), None),
        })
        .collect();
    // In the table's order, so that neighbours are changed on one page.
    steps.sort_unstable_by_key(|(name, _)| *name);
    if !steps.is_empty() {
        let mut nodes = transaction.open_table(NODES)?;
        for (name, node) in steps {
            match node {
                Some(node) => {
                    drop(nodes.insert(&name[..], &cipher.seal(Table::Nodes, &name, node)?[..])?);
                }
                None => drop(nodes.remove(&name[..])?),
            }
        }
    }
    let mut journal = transaction.open_table(JOURNAL)?;
    for layer in merged {
        journal.remove(&layer.sequence.to_be_bytes()[..])?;
    }
    Ok(())
}
