// SPDX-License-Identifier: Apache-2.0
//! What senders may learn of their operations, for a while.
//!
//! One record for each block with operations. The oldest go when there are too many bytes of them, and those that are
//! older than [`RESULT_LIFETIME`], so a worker's disk does not grow with what pallets emit. What goes is not lost to
//! its sender who has asked in time: the commitment stays in the receipt.
//!
//! The records are sealed, and are not in the head's tally: the host can take one away, or put it back after its time,
//! and its sender gets nothing, or what it got before. What is told fits the receipt or is not told.

use super::{
    RESULTS, Snapshot, StoreError,
    cipher::{Cipher, Table},
    guarded,
    records::BlockResults,
    snapshot::existing,
};
use codec::{Decode, Encode};
use offstage_primitives::{
    AccountId32, H256,
    result::{HistoryAnswer, HistoryEntry, ProvenResult, RESULT_LIFETIME},
};
use redb::{ReadableTable, WriteTransaction};

/// Keeps the results of the block with this number, if it has any, and lets go of what is too old or too much. `len` is
/// how many bytes there are; returns how many there are then.
pub(super) fn put_results(
    transaction: &WriteTransaction,
    cipher: &Cipher,
    number: u32,
    results: &BlockResults,
    len: u64,
) -> Result<u64, StoreError> {
    put_results_within(MAX_RESULTS_LEN, transaction, cipher, number, results, len)
}

fn put_results_within(
    most: u64,
    transaction: &WriteTransaction,
    cipher: &Cipher,
    number: u32,
    results: &BlockResults,
    mut len: u64,
) -> Result<u64, StoreError> {
    if results.0.is_empty() {
        return Ok(len);
    }
    let name = number.to_be_bytes();
    let sealed = cipher.seal(Table::Results, &name, &results.encode())?;
    let mut table = transaction.open_table(RESULTS)?;
    // A worker that executes from the birth on once more has it already.
    let replaced = table.insert(&name[..], &sealed[..])?.map_or(0, |before| len_of(before.value()));
    len = len.saturating_sub(replaced).saturating_add(len_of(&sealed));
    let oldest = number.saturating_sub(RESULT_LIFETIME).to_be_bytes();
    loop {
        // Blocks are named by their number, so the first is the oldest.
        let Some((first, old)) =
            table.first()?.map(|(name, old)| (name.value().to_vec(), len_of(old.value())))
        else {
            return Ok(0);
        };
        if first[..] >= oldest[..] && len <= most {
            return Ok(len);
        }
        table.remove(&first[..])?;
        len = len.saturating_sub(old);
    }
}

fn len_of(sealed: &[u8]) -> u64 {
    u64::try_from(sealed.len()).unwrap_or(u64::MAX)
}

impl Snapshot {
    /// What `account` may learn of an operation. `None` when it is unknown, another's, or no longer kept at the block
    /// with this number.
    ///
    /// # Errors
    /// When a record is damaged or the file fails.
    pub fn result(
        &self,
        operation: &H256,
        account: &AccountId32,
        position: u32,
    ) -> Result<Option<ProvenResult>, StoreError> {
        let Some(receipt) = self.receipt(operation)? else { return Ok(None) };
        if receipt.block_number < position.saturating_sub(RESULT_LIFETIME) {
            return Ok(None);
        }
        let Some(BlockResults(mut results)) = self.block_results(receipt.block_number)? else {
            return Ok(None);
        };
        let index = usize::try_from(receipt.index).unwrap_or(usize::MAX);
        if index >= results.len() {
            return Err(StoreError::Inconsistent(Table::Results.label()));
        }
        let kept = results.swap_remove(index);
        if kept.owner.as_ref() != Some(account) {
            return Ok(None);
        }
        let proven = ProvenResult { receipt, salt: kept.salt, result: kept.result };
        if proven.fits_receipt() {
            Ok(Some(proven))
        } else {
            Err(StoreError::Inconsistent(Table::Results.label()))
        }
    }

    /// A stretch of the operations of `account` in blocks before the one with the number `before`, newest first. It
    /// ends where a bounded amount of work is done.
    ///
    /// # Errors
    /// When a record is damaged or the file fails.
    pub fn history(
        &self,
        account: &AccountId32,
        before: Option<u32>,
        position: u32,
    ) -> Result<HistoryAnswer, StoreError> {
        let oldest = position.saturating_sub(RESULT_LIFETIME);
        let (mut answer, mut looked_at) = (HistoryAnswer::default(), 0usize);
        let mut upper = before.unwrap_or(u32::MAX);
        loop {
            let Some((number, sealed)) = self.newest_results(oldest, upper)? else {
                return Ok(HistoryAnswer { next: None, ..answer });
            };
            if looked_at >= MAX_HISTORY_WORK {
                return Ok(HistoryAnswer { next: Some(upper), ..answer });
            }
            // Opening a short record costs as well.
            looked_at = looked_at.saturating_add(sealed.len()).saturating_add(RECORD_WORK);
            let results = open(&self.cipher, &number.to_be_bytes(), &sealed)?;
            self.add_own(account, number, &results, &mut answer.entries)?;
            upper = number;
        }
    }

    /// What of a block's operations is the account's, the last one first.
    fn add_own(
        &self,
        account: &AccountId32,
        number: u32,
        BlockResults(results): &BlockResults,
        entries: &mut Vec<HistoryEntry>,
    ) -> Result<(), StoreError> {
        if !results.iter().any(|kept| kept.owner.as_ref() == Some(account)) {
            return Ok(());
        }
        let receipts = self.block_receipts(number)?.ok_or(StoreError::Missing(Table::Blocks.label()))?;
        if receipts.operations.len() != results.len() {
            return Err(StoreError::Inconsistent(Table::Results.label()));
        }
        for (leaf, kept) in receipts.operations.iter().zip(results).rev() {
            if kept.owner.as_ref() == Some(account) {
                entries.push(HistoryEntry {
                    block_number: number,
                    operation: leaf.operation,
                    outcome: leaf.outcome,
                });
            }
        }
        Ok(())
    }

    fn block_results(&self, number: u32) -> Result<Option<BlockResults>, StoreError> {
        match self.read(Table::Results, &number.to_be_bytes(), RESULTS)? {
            None => Ok(None),
            Some(plaintext) => decode(&plaintext).map(Some),
        }
    }

    /// The newest record of the blocks from `oldest` on and before `upper`.
    fn newest_results(&self, oldest: u32, upper: u32) -> Result<Option<(u32, Vec<u8>)>, StoreError> {
        guarded(|| {
            let Some(table) = existing(self.transaction.open_table(RESULTS))? else { return Ok(None) };
            let (from, to) = (oldest.to_be_bytes(), upper.to_be_bytes());
            if from >= to {
                return Ok(None);
            }
            let Some(record) = table.range::<&[u8]>(&from[..]..&to[..])?.next_back() else { return Ok(None) };
            let (name, sealed) = record?;
            let number =
                <[u8; 4]>::try_from(name.value()).map_err(|_| StoreError::Damaged(Table::Results.label()))?;
            Ok(Some((u32::from_be_bytes(number), sealed.value().to_vec())))
        })
    }
}

/// Opens a block's results.
pub(super) fn open(cipher: &Cipher, name: &[u8], sealed: &[u8]) -> Result<BlockResults, StoreError> {
    decode(&cipher.open(Table::Results, name, sealed)?)
}

fn decode(plaintext: &[u8]) -> Result<BlockResults, StoreError> {
    BlockResults::decode(&mut &*plaintext).map_err(|_| StoreError::Damaged(Table::Results.label()))
}

/// Bytes of results that are kept. The oldest give way.
const MAX_RESULTS_LEN: u64 = 64 * 1024 * 1024;

/// Bytes of results that are opened for one answer, but for the last block's.
const MAX_HISTORY_WORK: usize = 512 * 1024;

/// What opening a record costs beside its bytes, in bytes.
const RECORD_WORK: usize = 2 * 1024;

#[cfg(test)]
#[path = "results_tests.rs"]
mod tests;
