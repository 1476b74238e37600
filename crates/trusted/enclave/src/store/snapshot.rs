// SPDX-License-Identifier: Apache-2.0
//! The store at one moment, for reading beside the loop that writes.

use super::{
    BLOCKS, BlockReceipts, NODES, RECEIPTS, StoreError,
    cipher::{Cipher, Table},
    guarded,
    journal::Layers,
    open_pointer,
};
use codec::Decode;
use offstage_primitives::{H256, receipt::Receipt};
use redb::ReadTransaction;
use std::sync::Arc;

/// The store as of one commit. Later commits do not change it.
pub struct Snapshot {
    pub(super) transaction: ReadTransaction,
    pub(super) cipher: Arc<Cipher>,
    layers: Layers,
}

impl Snapshot {
    pub(super) fn new(transaction: ReadTransaction, cipher: Arc<Cipher>, layers: Layers) -> Self {
        Self { transaction, cipher, layers }
    }

    /// A trie node by its key.
    ///
    /// # Errors
    /// When the record is damaged or the file fails.
    pub fn node(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        if let Some(known) = self.layers.node(key) {
            return Ok(known);
        }
        let name = self.cipher.blind(Table::Nodes, key);
        self.read(Table::Nodes, &name, NODES)
    }

    /// The receipts of a block, if it had operations or was confirmed.
    ///
    /// # Errors
    /// When the record is damaged or the file fails.
    pub fn block_receipts(&self, number: u32) -> Result<Option<BlockReceipts>, StoreError> {
        match self.read(Table::Blocks, &number.to_be_bytes(), BLOCKS)? {
            None => Ok(None),
            Some(plaintext) => match BlockReceipts::decode(&mut &plaintext[..]) {
                Ok(receipts) => Ok(Some(receipts)),
                Err(_) => Err(StoreError::Damaged(Table::Blocks.label())),
            },
        }
    }

    /// The receipt of an operation.
    ///
    /// # Errors
    /// When a record is damaged or the file fails.
    pub fn receipt(&self, operation: &H256) -> Result<Option<Receipt>, StoreError> {
        let name = self.cipher.blind(Table::Receipts, operation.as_bytes());
        let pointer = guarded(|| {
            let Some(table) = existing(self.transaction.open_table(RECEIPTS))? else { return Ok(None) };
            match table.get(&name[..])? {
                None => Ok(None),
                Some(sealed) => open_pointer(&self.cipher, &name, sealed.value()).map(Some),
            }
        })?;
        let Some(pointer) = pointer else { return Ok(None) };
        let receipts =
            self.block_receipts(pointer.block)?.ok_or(StoreError::Missing(Table::Blocks.label()))?;
        let receipt =
            receipts.receipt(pointer.index).ok_or(StoreError::Inconsistent(Table::Receipts.label()))?;
        if receipt.leaf.operation != *operation {
            return Err(StoreError::Inconsistent(Table::Receipts.label()));
        }
        Ok(Some(receipt))
    }

    pub(super) fn read(
        &self,
        kind: Table,
        name: &[u8],
        table: redb::TableDefinition<'_, &[u8], &[u8]>,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        guarded(|| {
            let Some(table) = existing(self.transaction.open_table(table))? else { return Ok(None) };
            match table.get(name)? {
                None => Ok(None),
                Some(sealed) => Ok(Some(self.cipher.open(kind, name, sealed.value())?.to_vec())),
            }
        })
    }
}

/// A table comes into being with its first record.
pub(super) fn existing<T>(table: Result<T, redb::TableError>) -> Result<Option<T>, StoreError> {
    match table {
        Ok(table) => Ok(Some(table)),
        Err(redb::TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
impl Snapshot {
    /// A snapshot of nothing.
    pub(crate) fn empty_for_tests() -> Self {
        use redb::ReadableDatabase;
        let database =
            redb::Database::builder().create_with_backend(redb::backends::InMemoryBackend::new()).unwrap();
        let cipher = Cipher::new(&zeroize::Zeroizing::new([7; 32]), &[1; 32], None).unwrap();
        Self::new(database.begin_read().unwrap(), Arc::new(cipher), Layers::default())
    }
}
