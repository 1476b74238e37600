// SPDX-License-Identifier: Apache-2.0
//! The enclave's memory on the host's disk.
//!
//! # What
//! One redb file. Everything in it is sealed: encrypted, authenticated, bound to its place (`cipher`). A block is one
//! transaction: the state's changes, the position with the light client's snapshot, receipts, waiting effects
//! and keys are committed together or not at all (ARCHITECTURE.md, invariant 4). kill -9 at any byte leaves the block before. The only
//! other transaction moves nodes within the file, and changes nothing that is read (`overdue`).
//!
//! # Attacks
//! - *A record is flipped, cut, or swapped with another*: it does not open.
//! - *A record is deleted*: the head says how many journal entries and effects there must be, and a tag over their
//!   names; a missing trie node is an error when it is needed.
//! - *An old record is put back*: the head is one record; effects never change once written and are counted by
//!   the head's tag; the keys' tag is in the head; trie nodes are named by their hash. Only the file as a whole can be set back, and then
//!   the enclave is what it was at that block: it catches up before it serves or signs (threat model H9).
//! - *The file's own structure is damaged*: redb may answer with a panic; it is caught here and becomes an error.
//!
//! # Restart
//! Reads the head, the keys, the waiting effects and the journal: all small. A file that was not closed is walked through by
//! redb once, unless its bookkeeping is committed along, which costs a second sync per block. So that is done from
//! `QUICK_REPAIR_FROM` bytes on: below, the walk takes a fraction of a second.

mod cipher;
mod error;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod journal;
mod overdue;
mod records;
mod snapshot;

pub use error::StoreError;
pub use overdue::Overdue;
pub use records::{BlockReceipts, Head, Keys, Opinion, Waiting, WaitingEffect};
pub use snapshot::Snapshot;

use crate::seal::SealingKey;
use cipher::{Cipher, Table};
use codec::{Decode, Encode};
use error::FORMAT;
use journal::Layers;
use offstage_sdk::NodeChanges;
use overdue::merge;
use records::{ReceiptPointer, SealedHead};
use redb::{Database, Durability, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};
use sp_crypto_hashing::blake2_256;
use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::Arc,
};

/// The store. Owned by the loop that executes blocks; listeners read [`Snapshot`]s.
pub struct Store {
    database: Arc<Database>,
    cipher: Arc<Cipher>,
    keys: Keys,
    keys_tag: [u8; 32],
    head: Option<Head>,
    waiting: BTreeMap<u64, Waiting>,
    next_effect: u64,
    layers: Layers,
    /// Sequence numbers of the journal: from the oldest to one past the newest.
    journal: (u64, u64),
    /// The file; none in memory.
    path: Option<PathBuf>,
    broken: bool,
}

/// What a block, or an event between blocks, changes.
#[derive(Default)]
pub struct Change {
    /// The new head.
    pub head: Option<Head>,
    /// Changed keys.
    pub keys: Option<Keys>,
    /// Changes of the state's nodes.
    pub nodes: NodeChanges,
    /// Receipts of the block.
    pub receipts: Option<BlockReceipts>,
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
    /// Opens the store, or makes it with the keys that `first_keys` gives.
    ///
    /// # Errors
    /// See [`StoreError`]; nothing is changed then.
    pub fn open(
        path: &Path,
        sealing: &SealingKey,
        first_keys: impl FnOnce() -> Result<Keys, StoreError>,
    ) -> Result<Self, StoreError> {
        let cipher = Arc::new(Cipher::new(sealing)?);
        guarded(|| {
            let database = Database::builder().set_cache_size(CACHE_BYTES).create(path)?;
            Self::load(Arc::new(database), cipher, Some(path.into()), first_keys)
        })
    }

    /// A store in memory.
    #[cfg(test)]
    pub(crate) fn in_memory(sealing: &SealingKey, first_keys: Keys) -> Self {
        let database =
            Database::builder().create_with_backend(redb::backends::InMemoryBackend::new()).unwrap();
        Self::load(Arc::new(database), Arc::new(Cipher::new(sealing).unwrap()), None, || Ok(first_keys))
            .unwrap()
    }

    fn load(
        database: Arc<Database>,
        cipher: Arc<Cipher>,
        path: Option<PathBuf>,
        first_keys: impl FnOnce() -> Result<Keys, StoreError>,
    ) -> Result<Self, StoreError> {
        if !is_initialized(&database)? {
            let mut store = Self {
                database,
                cipher,
                keys: first_keys()?,
                keys_tag: [0; 32],
                head: None,
                waiting: BTreeMap::new(),
                next_effect: 0,
                layers: Layers::default(),
                journal: (0, 0),
                path,
                broken: false,
            };
            let keys = store.keys.clone();
            store.commit(Change { keys: Some(keys), ..Change::default() })?;
            return Ok(store);
        }
        let transaction = database.begin_read()?;
        let keys_plaintext = match open_record(&transaction, &cipher, Table::Keys, SINGLE, KEYS) {
            // The first record that is opened. If it does not open, most likely nothing does.
            Err(StoreError::Damaged(_)) => return Err(StoreError::NotOurs),
            other => other?,
        };
        let keys = Keys::from_plaintext(&keys_plaintext).ok_or(StoreError::Damaged(Table::Keys.label()))?;
        let sealed_head = open_record(&transaction, &cipher, Table::Head, SINGLE, HEAD)?;
        let sealed_head = SealedHead::decode(&mut &sealed_head[..])
            .map_err(|_| StoreError::Damaged(Table::Head.label()))?;
        let keys_tag = cipher.blind(Table::Keys, &keys_plaintext);
        if keys_tag != sealed_head.keys_tag {
            return Err(StoreError::Inconsistent(Table::Keys.label()));
        }
        let waiting = load_waiting(&transaction, &cipher)?;
        if u32::try_from(waiting.len()).ok() != Some(sealed_head.effects)
            || effects_tag(&cipher, waiting.keys()) != sealed_head.effects_tag
        {
            return Err(StoreError::Inconsistent(Table::Outbox.label()));
        }
        let mut layers = Layers::default();
        for sequence in sealed_head.journal_from..sealed_head.journal_to {
            layers = layers.with(sequence, load_journal(&transaction, &cipher, sequence)?);
        }
        drop(transaction);
        Ok(Self {
            database,
            cipher,
            keys,
            keys_tag,
            head: sealed_head.head,
            waiting,
            next_effect: sealed_head.next_effect,
            layers,
            journal: (sealed_head.journal_from, sealed_head.journal_to),
            path,
            broken: false,
        })
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
        let keys_plaintext = change.keys.as_ref().map(Keys::to_plaintext);
        let keys_tag =
            keys_plaintext.as_ref().map_or(self.keys_tag, |keys| self.cipher.blind(Table::Keys, keys));
        let head = change.head.or_else(|| self.head.clone());
        let mut waiting = self.waiting.clone();
        let mut next_effect = self.next_effect;
        let mut journal = self.journal;

        let transaction = begin(&self.database, self.is_large())?;
        // ---- Keys. A new store begins with them.
        if let Some(plaintext) = &keys_plaintext {
            put(&transaction, META, FORMAT_KEY, &[FORMAT])?;
            put(&transaction, KEYS, SINGLE, &self.cipher.seal(Table::Keys, SINGLE, plaintext)?)?;
        }
        // ---- State: a journal entry, and what falls out of the journal's window is merged.
        let mut layers = self.layers.clone();
        if !change.nodes.upserts.is_empty() || !change.nodes.removals.is_empty() {
            let name = journal.1.to_be_bytes();
            let plaintext = (&change.nodes.upserts, &change.nodes.removals).encode();
            put(&transaction, JOURNAL, &name, &self.cipher.seal(Table::Journal, &name, &plaintext)?)?;
            layers = layers.with(journal.1, change.nodes);
            journal.1 = journal.1.saturating_add(1);
        }
        let (merged, layers) = layers.split();
        merge(&transaction, &self.cipher, &merged, &layers)?;
        journal.0 = merged.last().map_or(journal.0, |layer| layer.sequence.saturating_add(1));
        // ---- Receipts.
        if let Some(receipts) = &change.receipts {
            self.put_receipts(&transaction, receipts)?;
        }
        // ---- Effects.
        if !change.ended.is_empty() || !change.effects.is_empty() {
            let mut outbox = transaction.open_table(OUTBOX)?;
            for id in change.ended {
                if waiting.remove(&id).is_some() {
                    outbox.remove(&id.to_be_bytes()[..])?;
                }
            }
            for NewEffect { effect, produced_at, while_serving } in change.effects {
                let entry = Waiting { id: next_effect, effect, produced_at, while_serving };
                let name = entry.id.to_be_bytes();
                let sealed = self.cipher.seal(Table::Outbox, &name, &entry.encode())?;
                outbox.insert(&name[..], &sealed[..])?;
                waiting.insert(entry.id, entry);
                next_effect = next_effect.saturating_add(1);
            }
        }
        // ---- The head, which holds the rest together.
        let sealed_head = SealedHead {
            head,
            next_effect,
            effects: u32::try_from(waiting.len())
                .map_err(|_| StoreError::Inconsistent(Table::Outbox.label()))?,
            effects_tag: effects_tag(&self.cipher, waiting.keys()),
            journal_from: journal.0,
            journal_to: journal.1,
            keys_tag,
        };
        put(&transaction, HEAD, SINGLE, &self.cipher.seal(Table::Head, SINGLE, &sealed_head.encode())?)?;
        transaction.commit()?;

        self.head = sealed_head.head;
        if let Some(keys) = change.keys {
            self.keys = keys;
        }
        self.keys_tag = keys_tag;
        self.waiting = waiting;
        self.next_effect = next_effect;
        self.layers = layers;
        self.journal = journal;
        Ok(())
    }

    /// What has to leave the journal's window so that the next block's changes fit in: work that can be done while that
    /// block is being executed. `None` when there is room.
    pub fn overdue(&self) -> Option<Overdue> {
        let (merged, rest) = self.layers.split_for_next();
        let journal_from = merged.last()?.sequence.saturating_add(1);
        let head = SealedHead {
            head: self.head.clone(),
            next_effect: self.next_effect,
            effects: u32::try_from(self.waiting.len()).ok()?,
            effects_tag: effects_tag(&self.cipher, self.waiting.keys()),
            journal_from,
            journal_to: self.journal.1,
            keys_tag: self.keys_tag,
        };
        Some(Overdue {
            database: self.database.clone(),
            cipher: self.cipher.clone(),
            is_large: self.is_large(),
            merged,
            rest,
            head,
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
        self.journal.0 = overdue.head.journal_from;
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
        self.waiting.values()
    }

    /// The store as it is now.
    ///
    /// # Errors
    /// When the file fails.
    pub fn snapshot(&self) -> Result<Snapshot, StoreError> {
        guarded(|| Ok(Snapshot::new(self.database.begin_read()?, self.cipher.clone(), self.layers.clone())))
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the size decides only how the file is repaired after a crash"
    )]
    fn is_large(&self) -> bool {
        let len = self.path.as_ref().and_then(|path| Some(std::fs::metadata(path).ok()?.len()));
        len.is_some_and(|len| len >= QUICK_REPAIR_FROM)
    }

    fn put_receipts(
        &self,
        transaction: &WriteTransaction,
        receipts: &BlockReceipts,
    ) -> Result<(), StoreError> {
        let name = receipts.block.number.to_be_bytes();
        put(transaction, BLOCKS, &name, &self.cipher.seal(Table::Blocks, &name, &receipts.encode())?)?;
        let mut pointers = transaction.open_table(RECEIPTS)?;
        for (index, leaf) in (0u32..).zip(&receipts.operations) {
            let name = self.cipher.blind(Table::Receipts, leaf.operation.as_bytes());
            let known = match pointers.get(&name[..])? {
                None => None,
                Some(sealed) => Some(open_pointer(&self.cipher, &name, sealed.value())?),
            };
            // Whoever replays an operation must not hide what became of it (threat model C20).
            if known.is_some_and(|known| known.used_nonce) {
                continue;
            }
            let used_nonce = leaf.outcome.used_nonce();
            let pointer = ReceiptPointer { block: receipts.block.number, index, used_nonce };
            let sealed = self.cipher.seal(Table::Receipts, &name, &pointer.encode())?;
            pointers.insert(&name[..], &sealed[..])?;
        }
        Ok(())
    }
}

/// Runs what uses redb. On a file that somebody altered it may panic; nothing of what it was doing is used then.
fn guarded<T>(work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(StoreError::BrokenFile))
}

fn is_initialized(database: &Database) -> Result<bool, StoreError> {
    let transaction = database.begin_read()?;
    let meta = match transaction.open_table(META) {
        Ok(meta) => meta,
        Err(redb::TableError::TableDoesNotExist(_)) => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    match meta.get(FORMAT_KEY)?.as_ref().map(|format| format.value().to_vec()).as_deref() {
        Some([FORMAT]) => Ok(true),
        Some([other]) => Err(StoreError::UnknownFormat(*other)),
        Some(_) => Err(StoreError::BrokenFile),
        None => Err(StoreError::Missing("format")),
    }
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

fn open_record(
    transaction: &redb::ReadTransaction,
    cipher: &Cipher,
    kind: Table,
    name: &[u8],
    table: TableDefinition<'_, &[u8], &[u8]>,
) -> Result<zeroize::Zeroizing<Vec<u8>>, StoreError> {
    let table = transaction.open_table(table)?;
    let sealed = table.get(name)?.ok_or(StoreError::Missing(kind.label()))?;
    cipher.open(kind, name, sealed.value())
}

fn open_pointer(cipher: &Cipher, name: &[u8], sealed: &[u8]) -> Result<ReceiptPointer, StoreError> {
    let plaintext = cipher.open(Table::Receipts, name, sealed)?;
    ReceiptPointer::decode(&mut &plaintext[..]).map_err(|_| StoreError::Damaged(Table::Receipts.label()))
}

fn load_journal(
    transaction: &redb::ReadTransaction,
    cipher: &Cipher,
    sequence: u64,
) -> Result<NodeChanges, StoreError> {
    let plaintext = open_record(transaction, cipher, Table::Journal, &sequence.to_be_bytes(), JOURNAL)?;
    let (upserts, removals) =
        Decode::decode(&mut &plaintext[..]).map_err(|_| StoreError::Damaged(Table::Journal.label()))?;
    Ok(NodeChanges { upserts, removals })
}

fn load_waiting(
    transaction: &redb::ReadTransaction,
    cipher: &Cipher,
) -> Result<BTreeMap<u64, Waiting>, StoreError> {
    let damaged = || StoreError::Damaged(Table::Outbox.label());
    let mut waiting = BTreeMap::new();
    let table = match transaction.open_table(OUTBOX) {
        Ok(table) => table,
        Err(redb::TableError::TableDoesNotExist(_)) => return Ok(waiting),
        Err(error) => return Err(error.into()),
    };
    for record in table.iter()? {
        let (name, sealed) = record?;
        let plaintext = cipher.open(Table::Outbox, name.value(), sealed.value())?;
        let entry = Waiting::decode(&mut &plaintext[..]).map_err(|_| damaged())?;
        if entry.id.to_be_bytes()[..] != *name.value() {
            return Err(damaged());
        }
        waiting.insert(entry.id, entry);
    }
    Ok(waiting)
}

/// A tag over a set of ids. The host cannot make or choose ids, so it can only take some away or put ended ones back, and the
/// sum of their keyed hashes then differs.
fn effects_tag<'a>(cipher: &Cipher, ids: impl Iterator<Item = &'a u64>) -> [u8; 32] {
    let mut names = Vec::new();
    for id in ids {
        names.extend_from_slice(&id.to_be_bytes());
    }
    cipher.blind(Table::Outbox, &blake2_256(&names))
}

const META: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("meta");
const HEAD: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("head");
const KEYS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("keys");
const NODES: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("nodes");
const JOURNAL: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("journal");
const RECEIPTS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("receipts");
const BLOCKS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("blocks");
const OUTBOX: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("outbox");

const FORMAT_KEY: &[u8] = b"format";

/// Name of the only record of a table.
const SINGLE: &[u8] = b"0";

/// Bytes of a file that is walked through after a crash in less than about a quarter of a second.
const QUICK_REPAIR_FROM: u64 = 128 * 1024 * 1024;

/// Memory that redb may keep pages in.
const CACHE_BYTES: usize = 24 * 1024 * 1024;

#[cfg(test)]
mod tests;
