// SPDX-License-Identifier: Apache-2.0
//! What the block shows of the parentchain's state, where pallets find it.
//!
//! It is written under keys that are no part of the state, before each block and each read. A runtime that names
//! nothing has nothing there.

use super::block::{current_block, own_key};
use crate::parentchain::storage::{MAX_VALUE_LEN, NameItem, Shown, StorageRead, Unread};
use codec::Decode;
use frame_support::storage::unhashed;
use offstage_primitives::bounded::decode_bounded;

/// What the block shows of an item.
///
/// # Errors
/// When no block shows it, or the chain has it in another form.
pub fn read<T: Decode>(item: NameItem) -> Result<Option<T>, Unread> {
    let block = current_block().ok_or(Unread::NotListed)?;
    match unhashed::get(&shown_key(&item(&block.shard).key)) {
        None => Err(Unread::NotListed),
        Some(Shown::Absent) => Ok(None),
        Some(Shown::TooLong) => Err(Unread::TooLong),
        Some(Shown::Unfit) => Err(Unread::Unfit),
        Some(Shown::Value(bytes)) => {
            decode_bounded(&bytes, MAX_VALUE_LEN).map(Some).map_err(|_| Unread::Unfit)
        }
    }
}

/// Writes what the block shows.
pub(super) fn enter(reads: &[StorageRead]) {
    for StorageRead { key, shown } in reads {
        unhashed::put(&shown_key(key), shown);
    }
}

fn shown_key(key: &[u8]) -> Vec<u8> {
    [&own_key(ITEM)[..], key].concat()
}

pub(super) const ITEM: &str = "Parentchain";
