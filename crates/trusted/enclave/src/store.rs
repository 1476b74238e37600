// SPDX-License-Identifier: Apache-2.0
//! The enclave's memory on the host's disk.
//!
//! # What
//! One redb file. Everything in it but a short header is sealed: encrypted, authenticated, bound to this store, its
//! chain, its shard and the record's place (`cipher`), under a key of the store's own that is wrapped twice (`wrap`). A
//! block is one transaction: the state's changes, the position with the light client's snapshot, receipts, waiting
//! effects and keys are committed together or not at all (ARCHITECTURE.md, invariant 4). kill -9 at any byte leaves the
//! block before. The only other transaction moves nodes within the file, and changes nothing that is read (`overdue`).
//!
//! # Attacks
//! - *A record is flipped, cut, or swapped with another*: it does not open.
//! - *A record of another store is put here*, one that this very enclave made on a chain of its own: it is sealed under
//!   another key, and for another store, chain and shard (threat model H17).
//! - *A record is deleted, or put back as it was at another moment*: the head is one record, and has the tally
//!   (`tally`) of what must be in outbox and journal, by sealing and not by name; the keys' tag is in the head; trie
//!   nodes are named by their hash, and a missing one is an error when it is needed. Only the file as a whole can be
//!   set back, and then the enclave is what it was at that block: it catches up before it serves or signs (threat model
//!   H9).
//! - *The file's own structure is damaged*: redb may answer with a panic; it is caught here and becomes an error.
//!
//! # Restart
//! Reads the head, the keys, the waiting effects and the journal: all small. A file that was not closed is walked
//! through by redb once, unless its bookkeeping is committed along, which costs a second sync per block. So that is
//! done from `QUICK_REPAIR_FROM` bytes on: below, the walk takes a fraction of a second.

mod cipher;
mod error;
#[expect(clippy::disallowed_methods, reason = "the one place that has the store's files in its hands")]
mod files;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod journal;
mod load;
mod open;
mod overdue;
mod records;
mod results;
mod snapshot;
mod tally;
mod verify;
mod wrap;

pub use error::StoreError;
pub use overdue::Overdue;
pub use records::{BlockReceipts, BlockResults, Head, KeptResult, Keys, Opinion, Waiting, WaitingEffect};
pub use snapshot::Snapshot;
pub use verify::StoreReport;

use cipher::{Cipher, Mark, Table};
use codec::{Decode, Encode};
use journal::Layers;
use load::BINDING;
use offstage_sdk::NodeChanges;
use overdue::merge;
use records::{Ledger, ReceiptPointer};
use redb::{Database, Durability, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};
use results::put_results;
use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::Arc,
};
use wrap::StoreKey;

/// The store. Owned by the loop that executes blocks; listeners read [`Snapshot`]s.
pub struct Store {
    database: Arc<Database>,
    key: StoreKey,
    /// Of the chain and shard in the head; in a new store, of the time before.
    cipher: Arc<Cipher>,
    keys: Keys,
    head: Option<Head>,
    waiting: BTreeMap<u64, (Waiting, Mark)>,
    ledger: Ledger,
    layers: Layers,
    /// The file; none in memory.
    path: Option<PathBuf>,
    broken: bool,
}

/// What a block, or an event between blocks, changes.
#[derive(Default)]
pub struct Change {
    /// The new head. The first one binds the store to its chain and shard; nothing but keys is committed before.
    pub head: Option<Head>,
    /// Changed keys.
    pub keys: Option<Keys>,
    /// Changes of the state's nodes.
    pub nodes: NodeChanges,
    /// Receipts of the block.
    pub receipts: Option<BlockReceipts>,
    /// What the senders of the operations with these receipts may learn.
    pub results: BlockResults,
    /// Effects that begin to wait.
    pub effects: Vec<NewEffect>,
    /// Ids of effects that were seen final.
    pub ended: Vec<u64>,
}

/// An effect that begins to wait.
pub struct NewEffect {
    /// What it is.
    pub effect: WaitingEffect,
    /// Number of the block that caused it.
    pub produced_at: u32,
    /// Whether the enclave was serving.
    pub while_serving: bool,
}

impl Store {
    /// A store in memory.
    #[cfg(test)]
    pub(crate) fn in_memory(sealing: &crate::seal::SealingKey, first_keys: Keys) -> Self {
        let database =
            Database::builder().create_with_backend(redb::backends::InMemoryBackend::new()).unwrap();
        Self::begin(Arc::new(database), None, sealing, first_keys).unwrap()
    }

    /// Commits a change: all of it or, with an error, nothing.
    ///
    /// # Errors
    /// When the disk or the file fails. The store then refuses everything until it is opened again, because redb does.
    pub fn commit(&mut self, change: Change) -> Result<(), StoreError> {
        let outcome = guarded(|| self.try_commit(change));
        self.broken |= outcome.is_err();
        outcome
    }

    fn try_commit(&mut self, change: Change) -> Result<(), StoreError> {
        let mut ledger = self.ledger.clone();
        let head = change.head.or_else(|| self.head.clone());
        let transaction = begin(&self.database, self.is_large())?;
        // ---- The first head binds the store.
        let bound = match (&self.head, &head) {
            (None, Some(head)) => Some(self.bind(&transaction, head)?),
            _ => None,
        };
        let cipher = bound.clone().unwrap_or_else(|| self.cipher.clone());
        // ---- Keys.
        if bound.is_some() || change.keys.is_some() {
            let keys = change.keys.as_ref().unwrap_or(&self.keys);
            ledger.keys_tag = put_keys(&transaction, &cipher, keys)?;
            if let Some(head) = &head {
                self.key.wrap_for_shard(&transaction, keys.shielding.as_deref(), &head.binding())?;
            }
        }
        // ---- State: a journal entry, and what falls out of the journal's window is merged.
        let mut layers = self.layers.clone();
        if !change.nodes.upserts.is_empty() || !change.nodes.removals.is_empty() {
            let sequence = ledger.journal_to;
            let plaintext = (&change.nodes.upserts, &change.nodes.removals).encode();
            let mark = put_sealed(&transaction, &cipher, Table::Journal, JOURNAL, sequence, &plaintext)?;
            ledger.journal.add(&mark);
            ledger.journal_to = sequence.saturating_add(1);
            layers = layers.with(sequence, mark, change.nodes);
        }
        let (merged, layers) = layers.split();
        merge(&transaction, &cipher, &merged, &layers)?;
        ledger.note_merge(&merged);
        // ---- Receipts.
        if let Some(receipts) = &change.receipts {
            put_receipts(&transaction, &cipher, receipts)?;
            let number = receipts.block.number;
            ledger.results_len =
                put_results(&transaction, &cipher, number, &change.results, ledger.results_len)?;
        }
        // ---- Effects.
        let mut ended = Vec::new();
        for id in change.ended {
            if let Some((_, mark)) = self.waiting.get(&id).filter(|_| !ended.contains(&id)) {
                ledger.outbox.remove(mark);
                transaction.open_table(OUTBOX)?.remove(&id.to_be_bytes()[..])?;
                ended.push(id);
            }
        }
        let mut begun = Vec::new();
        for NewEffect { effect, produced_at, while_serving } in change.effects {
            let entry = Waiting { id: ledger.next_effect, effect, produced_at, while_serving };
            let mark = put_sealed(&transaction, &cipher, Table::Outbox, OUTBOX, entry.id, &entry.encode())?;
            ledger.outbox.add(&mark);
            ledger.next_effect = entry.id.saturating_add(1);
            begun.push((entry.id, (entry, mark)));
        }
        // ---- The head, which holds the rest together.
        put_head(&transaction, &cipher, head.as_ref(), &ledger)?;
        transaction.commit()?;

        self.cipher = cipher;
        self.head = head;
        if let Some(keys) = change.keys {
            self.keys = keys;
        }
        self.waiting.retain(|id, _| !ended.contains(id));
        self.waiting.extend(begun);
        self.ledger = ledger;
        self.layers = layers;
        Ok(())
    }

    /// Binds a new store to the chain and shard of its first head. From then on everything is sealed for them.
    fn bind(&self, transaction: &WriteTransaction, head: &Head) -> Result<Arc<Cipher>, StoreError> {
        let binding = head.binding();
        let sealed = self.cipher.seal(Table::Binding, BINDING, &binding.encode())?;
        put(transaction, META, BINDING, &sealed)?;
        Ok(Arc::new(self.key.cipher(Some(&binding))?))
    }

    /// What has to leave the journal's window so that the next block's changes fit in: work that can be done while that
    /// block is being executed. `None` when there is room.
    pub fn overdue(&self) -> Option<Overdue> {
        let (merged, rest) = self.layers.split_for_next();
        if merged.is_empty() {
            return None;
        }
        let mut ledger = self.ledger.clone();
        ledger.note_merge(&merged);
        Some(Overdue {
            database: self.database.clone(),
            cipher: self.cipher.clone(),
            is_large: self.is_large(),
            merged,
            rest,
            head: self.head.clone(),
            ledger,
        })
    }

    /// Takes note of what [`Overdue::merge`] did. Nothing may have been committed since [`overdue`](Self::overdue).
    ///
    /// # Errors
    /// The one of the merge; the store is broken then, as after a failed [`commit`](Self::commit).
    pub fn note_merge(
        &mut self,
        overdue: Overdue,
        outcome: Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.broken |= outcome.is_err();
        outcome?;
        self.ledger = overdue.ledger;
        self.layers = overdue.rest;
        Ok(())
    }

    /// Whether a commit failed, so that only opening the store again helps.
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    /// The keys.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// What was true after the last committed block; `None` in a new store.
    pub fn head(&self) -> Option<&Head> {
        self.head.as_ref()
    }

    /// The effects that wait, in the order in which they were caused.
    pub fn waiting(&self) -> impl ExactSizeIterator<Item = &Waiting> {
        self.waiting.values().map(|(waiting, _)| waiting)
    }

    /// The store as it is now.
    ///
    /// # Errors
    /// When the file fails.
    pub fn snapshot(&self) -> Result<Snapshot, StoreError> {
        guarded(|| Ok(Snapshot::new(self.database.begin_read()?, self.cipher.clone(), self.layers.clone())))
    }

    /// Decides only how the file is repaired after a crash.
    fn is_large(&self) -> bool {
        let len = self.path.as_deref().and_then(files::len);
        len.is_some_and(|len| len >= QUICK_REPAIR_FROM)
    }
}

/// Runs what uses redb. On a file that somebody altered it may panic; nothing of what it was doing is used then.
fn guarded<T>(work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(StoreError::BrokenFile))
}

/// A transaction that is on the disk when it is committed.
fn begin(database: &Database, is_large: bool) -> Result<WriteTransaction, StoreError> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(Durability::Immediate).map_err(|error| StoreError::Disk(error.to_string()))?;
    transaction.set_quick_repair(is_large);
    Ok(transaction)
}

fn put(
    transaction: &WriteTransaction,
    table: TableDefinition<'_, &[u8], &[u8]>,
    name: &[u8],
    value: &[u8],
) -> Result<(), StoreError> {
    transaction.open_table(table)?.insert(name, value)?;
    Ok(())
}

/// Seals and writes the record with this number for a name.
fn put_sealed(
    transaction: &WriteTransaction,
    cipher: &Cipher,
    kind: Table,
    table: TableDefinition<'_, &[u8], &[u8]>,
    number: u64,
    plaintext: &[u8],
) -> Result<Mark, StoreError> {
    let name = number.to_be_bytes();
    let sealed = cipher.seal(kind, &name, plaintext)?;
    put(transaction, table, &name, &sealed)?;
    cipher.mark(kind, &name, &sealed)
}

fn put_head(
    transaction: &WriteTransaction,
    cipher: &Cipher,
    head: Option<&Head>,
    ledger: &Ledger,
) -> Result<(), StoreError> {
    // As `SealedHead` is decoded.
    let sealed = cipher.seal(Table::Head, SINGLE, &(head, ledger).encode())?;
    put(transaction, HEAD, SINGLE, &sealed)
}

/// Writes the keys, and returns their tag.
fn put_keys(transaction: &WriteTransaction, cipher: &Cipher, keys: &Keys) -> Result<[u8; 32], StoreError> {
    let plaintext = keys.to_plaintext();
    put(transaction, KEYS, SINGLE, &cipher.seal(Table::Keys, SINGLE, &plaintext)?)?;
    Ok(cipher.blind(Table::Keys, &plaintext))
}

fn put_receipts(
    transaction: &WriteTransaction,
    cipher: &Cipher,
    receipts: &BlockReceipts,
) -> Result<(), StoreError> {
    let name = receipts.block.number.to_be_bytes();
    put(transaction, BLOCKS, &name, &cipher.seal(Table::Blocks, &name, &receipts.encode())?)?;
    let mut pointers = transaction.open_table(RECEIPTS)?;
    for (index, leaf) in (0u32..).zip(&receipts.operations) {
        let name = cipher.blind(Table::Receipts, leaf.operation.as_bytes());
        let known = match pointers.get(&name[..])? {
            None => None,
            Some(sealed) => Some(open_pointer(cipher, &name, sealed.value())?),
        };
        // Whoever replays an operation must not hide what became of it (threat model C20).
        if known.is_some_and(|known| known.used_nonce) {
            continue;
        }
        let used_nonce = leaf.outcome.used_nonce();
        let pointer = ReceiptPointer { block: receipts.block.number, index, used_nonce };
        let sealed = cipher.seal(Table::Receipts, &name, &pointer.encode())?;
        pointers.insert(&name[..], &sealed[..])?;
    }
    Ok(())
}

fn open_pointer(cipher: &Cipher, name: &[u8], sealed: &[u8]) -> Result<ReceiptPointer, StoreError> {
    let plaintext = cipher.open(Table::Receipts, name, sealed)?;
    ReceiptPointer::decode(&mut &plaintext[..]).map_err(|_| StoreError::Damaged(Table::Receipts.label()))
}

const META: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("meta");
const HEAD: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("head");
const KEYS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("keys");
const NODES: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("nodes");
const JOURNAL: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("journal");
const RECEIPTS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("receipts");
const BLOCKS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("blocks");
const RESULTS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("results");
const OUTBOX: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("outbox");

/// Name of the only record of a table.
const SINGLE: &[u8] = b"0";

/// Bytes of a file that is walked through after a crash in less than about a quarter of a second.
const QUICK_REPAIR_FROM: u64 = 128 * 1024 * 1024;

/// Memory that redb may keep pages in.
const CACHE_BYTES: usize = 24 * 1024 * 1024;

#[cfg(test)]
mod tests;
