// SPDX-License-Identifier: Apache-2.0
//! What a start reads, and how it is checked against the head.

use super::{
    BLOCKS, HEAD, JOURNAL, KEYS, META, NODES, OUTBOX, RECEIPTS, RESULTS, SINGLE, Store, StoreError,
    cipher::{Cipher, Mark, Table},
    journal::Layers,
    records::{Binding, Head, Keys, SealedHead, Waiting},
    tally::Tally,
    wrap::StoreKey,
};
use codec::Decode;
use offstage_sdk::NodeChanges;
use redb::{Database, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition, TableHandle};
use std::{collections::BTreeMap, path::PathBuf, sync::Arc};
use zeroize::Zeroizing;

impl Store {
    /// The store in this file, whose key is this.
    pub(super) fn load(
        database: Arc<Database>,
        key: StoreKey,
        path: Option<PathBuf>,
    ) -> Result<Self, StoreError> {
        let transaction = database.begin_read()?;
        let binding = load_binding(&transaction, &key.cipher(None)?)?;
        let cipher = Arc::new(key.cipher(binding.as_ref())?);

        let plaintext = open_record(&transaction, &cipher, Table::Keys, SINGLE, KEYS)?;
        let keys = Keys::from_plaintext(&plaintext).ok_or(StoreError::Damaged(Table::Keys.label()))?;
        let sealed = open_record(&transaction, &cipher, Table::Head, SINGLE, HEAD)?;
        let SealedHead { head, ledger } = decode(&sealed).ok_or(StoreError::Damaged(Table::Head.label()))?;
        if head.as_ref().map(Head::binding) != binding {
            return Err(StoreError::Inconsistent(Table::Binding.label()));
        }
        if cipher.blind(Table::Keys, &plaintext) != ledger.keys_tag {
            return Err(StoreError::Inconsistent(Table::Keys.label()));
        }
        let waiting = load_waiting(&transaction, &cipher)?;
        if Tally::of(waiting.values().map(|(_, mark)| mark)) != ledger.outbox {
            return Err(StoreError::Inconsistent(Table::Outbox.label()));
        }
        let (mut layers, mut marks) = (Layers::default(), Vec::new());
        for sequence in ledger.journal_from..ledger.journal_to {
            let (changes, mark) = load_journal(&transaction, &cipher, sequence)?;
            layers = layers.with(sequence, mark, changes);
            marks.push(mark);
        }
        if Tally::of(&marks) != ledger.journal {
            return Err(StoreError::Inconsistent(Table::Journal.label()));
        }
        drop(transaction);
        Ok(Self { database, key, cipher, keys, head, waiting, ledger, layers, path, broken: false })
    }
}

/// The chain and shard that the store was bound to. A store that has none is new: it holds its signer and nothing else.
fn load_binding(transaction: &ReadTransaction, unbound: &Cipher) -> Result<Option<Binding>, StoreError> {
    let label = Table::Binding.label();
    if let Some(sealed) = transaction.open_table(META)?.get(BINDING)? {
        let plaintext = unbound.open(Table::Binding, BINDING, sealed.value())?;
        return Ok(Some(decode(&plaintext).ok_or(StoreError::Damaged(label))?));
    }
    let later = [NODES, JOURNAL, RECEIPTS, BLOCKS, RESULTS, OUTBOX];
    for table in transaction.list_tables()? {
        if later.iter().any(|later| later.name() == table.name()) {
            return Err(StoreError::Missing(label));
        }
    }
    Ok(None)
}

pub(super) fn open_record(
    transaction: &ReadTransaction,
    cipher: &Cipher,
    kind: Table,
    name: &[u8],
    table: TableDefinition<'_, &[u8], &[u8]>,
) -> Result<Zeroizing<Vec<u8>>, StoreError> {
    let table = transaction.open_table(table)?;
    let sealed = table.get(name)?.ok_or(StoreError::Missing(kind.label()))?;
    cipher.open(kind, name, sealed.value())
}

fn load_journal(
    transaction: &ReadTransaction,
    cipher: &Cipher,
    sequence: u64,
) -> Result<(NodeChanges, Mark), StoreError> {
    let (kind, name) = (Table::Journal, sequence.to_be_bytes());
    let table = transaction.open_table(JOURNAL)?;
    let sealed = table.get(&name[..])?.ok_or(StoreError::Missing(kind.label()))?;
    let plaintext = cipher.open(kind, &name, sealed.value())?;
    let (upserts, removals) = decode(&plaintext).ok_or(StoreError::Damaged(kind.label()))?;
    Ok((NodeChanges { upserts, removals }, cipher.mark(kind, &name, sealed.value())?))
}

fn load_waiting(
    transaction: &ReadTransaction,
    cipher: &Cipher,
) -> Result<BTreeMap<u64, (Waiting, Mark)>, StoreError> {
    let kind = Table::Outbox;
    let damaged = || StoreError::Damaged(kind.label());
    let mut waiting = BTreeMap::new();
    let table = match transaction.open_table(OUTBOX) {
        Ok(table) => table,
        Err(redb::TableError::TableDoesNotExist(_)) => return Ok(waiting),
        Err(error) => return Err(error.into()),
    };
    for record in table.iter()? {
        let (name, sealed) = record?;
        let plaintext = cipher.open(kind, name.value(), sealed.value())?;
        let entry: Waiting = decode(&plaintext).ok_or_else(damaged)?;
        if entry.id.to_be_bytes()[..] != *name.value() {
            return Err(damaged());
        }
        let mark = cipher.mark(kind, name.value(), sealed.value())?;
        waiting.insert(entry.id, (entry, mark));
    }
    Ok(waiting)
}

fn decode<T: Decode>(plaintext: &[u8]) -> Option<T> {
    T::decode(&mut &plaintext[..]).ok()
}

/// Name of the binding in the table `meta`.
pub(super) const BINDING: &[u8] = b"binding";
