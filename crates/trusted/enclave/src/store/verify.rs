// SPDX-License-Identifier: Apache-2.0
//! A look at every record of a store that nobody uses, without starting.
//!
//! Opening a store checks head, keys, outbox and journal. Here the rest is gone through as well: each record of the
//! other tables must open under its own name and lead where it says, and the state must be whole from its root on.
//! Nothing is changed.

use super::{
    BLOCKS, BlockReceipts, JOURNAL, NODES, RECEIPTS, RESULTS, Store, StoreError, cipher::Table, guarded,
    open_pointer, results,
};
use codec::Decode;
use offstage_primitives::{AccountId32, BlockHash, ShardIdentifier};
use offstage_protocol::BlockReference;
use offstage_sdk::{NodeStoreError, count_entries};
use redb::{ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition};

/// What was found. There is one only for a store that is intact.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoreReport {
    /// The enclave's account.
    pub signer: AccountId32,
    /// Whether the shard's key is in it.
    pub has_shielding_key: bool,
    /// Chain, shard and block; `None` in a store that never saw a chain.
    pub bound: Option<(BlockHash, ShardIdentifier, BlockReference)>,
    /// Effects that wait.
    pub outbox: u64,
    /// Entries of the journal.
    pub journal: u64,
    /// Trie nodes in their table.
    pub nodes: u64,
    /// Blocks with receipts.
    pub blocks: u64,
    /// Operations with a receipt.
    pub receipts: u64,
    /// Blocks whose results are kept.
    pub results: u64,
    /// Entries of the shard's state.
    pub state_entries: u64,
}

impl Store {
    /// Looks at every record. The store was opened before, which is part of it.
    ///
    /// # Errors
    /// What is wrong with the first record that is not intact.
    pub fn verify(&self) -> Result<StoreReport, StoreError> {
        guarded(|| {
            let transaction = self.database.begin_read()?;
            let nodes = each(&transaction, NODES, |name, sealed| {
                self.cipher.open(Table::Nodes, name, sealed).map(drop)
            })?;
            let blocks = each(&transaction, BLOCKS, |name, sealed| {
                let receipts = self.block(name, sealed)?;
                let is_named = receipts.block.number.to_be_bytes()[..] == *name;
                if is_named { Ok(()) } else { Err(StoreError::Inconsistent(Table::Blocks.label())) }
            })?;
            let receipts =
                each(&transaction, RECEIPTS, |name, sealed| self.receipt(&transaction, name, sealed))?;
            let results =
                each(&transaction, RESULTS, |name, sealed| self.results(&transaction, name, sealed))?;
            let journal = each(&transaction, JOURNAL, |_, _| Ok(()))?;
            // Each of those that count was opened at the start; none may be beside them.
            if journal != self.ledger.journal_to.saturating_sub(self.ledger.journal_from) {
                return Err(StoreError::Inconsistent(Table::Journal.label()));
            }
            drop(transaction);
            let state_entries = match &self.head {
                None => 0,
                Some(head) => count_entries(&self.snapshot()?, head.state_root).map_err(of_state)?,
            };
            Ok(StoreReport {
                signer: self.keys.signer.account(),
                has_shielding_key: self.keys.shielding.is_some(),
                bound: self.head.as_ref().map(|head| (head.genesis_hash, head.shard, head.position)),
                outbox: u64::try_from(self.waiting.len()).unwrap_or(u64::MAX),
                journal,
                nodes,
                blocks,
                receipts,
                results,
                state_entries,
            })
        })
    }

    fn block(&self, name: &[u8], sealed: &[u8]) -> Result<BlockReceipts, StoreError> {
        let plaintext = self.cipher.open(Table::Blocks, name, sealed)?;
        BlockReceipts::decode(&mut &plaintext[..]).map_err(|_| StoreError::Damaged(Table::Blocks.label()))
    }

    /// A receipt's pointer leads to the operation that it is named after.
    fn receipt(&self, transaction: &ReadTransaction, name: &[u8], sealed: &[u8]) -> Result<(), StoreError> {
        let pointer = open_pointer(&self.cipher, name, sealed)?;
        let number = pointer.block.to_be_bytes();
        let blocks = transaction.open_table(BLOCKS)?;
        let block = blocks.get(&number[..])?.ok_or(StoreError::Missing(Table::Blocks.label()))?;
        let receipts = self.block(&number, block.value())?;
        let index = usize::try_from(pointer.index).unwrap_or(usize::MAX);
        let leads_there = receipts
            .operations
            .get(index)
            .is_some_and(|leaf| self.cipher.blind(Table::Receipts, leaf.operation.as_bytes())[..] == *name);
        if leads_there { Ok(()) } else { Err(StoreError::Inconsistent(Table::Receipts.label())) }
    }

    /// The results of a block are those that its receipts commit to.
    fn results(&self, transaction: &ReadTransaction, name: &[u8], sealed: &[u8]) -> Result<(), StoreError> {
        let kept = results::open(&self.cipher, name, sealed)?.0;
        let blocks = transaction.open_table(BLOCKS)?;
        let block = blocks.get(name)?.ok_or(StoreError::Missing(Table::Blocks.label()))?;
        let leaves = self.block(name, block.value())?.operations;
        let fits = kept.len() == leaves.len()
            && kept.iter().zip(&leaves).all(|(kept, leaf)| kept.result.commitment(&kept.salt) == leaf.result);
        if fits { Ok(()) } else { Err(StoreError::Inconsistent(Table::Results.label())) }
    }
}

/// Shows each record of a table, and counts them. A table comes into being with its first record.
fn each(
    transaction: &ReadTransaction,
    table: TableDefinition<'_, &[u8], &[u8]>,
    mut look: impl FnMut(&[u8], &[u8]) -> Result<(), StoreError>,
) -> Result<u64, StoreError> {
    let table = match transaction.open_table(table) {
        Ok(table) => table,
        Err(redb::TableError::TableDoesNotExist(_)) => return Ok(0),
        Err(error) => return Err(error.into()),
    };
    let mut count = 0u64;
    for record in table.iter()? {
        let (name, sealed) = record?;
        look(name.value(), sealed.value())?;
        count = count.saturating_add(1);
    }
    Ok(count)
}

fn of_state(error: NodeStoreError) -> StoreError {
    match error {
        NodeStoreError::Missing => StoreError::Missing(Table::Nodes.label()),
        NodeStoreError::Corrupt => StoreError::Damaged(Table::Nodes.label()),
        NodeStoreError::Unreadable(reason) => StoreError::Disk(reason),
    }
}
