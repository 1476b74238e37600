// SPDX-License-Identifier: Apache-2.0
//! What the logic reads of the parentchain's state.
//!
//! The logic's items are among the keys that each block's proof must cover, so what is read here is proven, and a block
//! whose proof leaves one out is refused as a whole (threat model H25). What the metadata says of them is asked of the
//! runtime that made the block. All of it follows from the block: the same on every worker.

use offstage_light_client::{VerifiedBlock, runtime::ExpectedItem};
use offstage_primitives::ShardIdentifier;
use offstage_sdk::{
    StateTransition,
    parentchain::storage::{MAX_ITEMS, MAX_VALUE_LEN, Shown, StorageItem, StorageRead},
};

/// The items that a logic names for its shard.
#[derive(Debug, Default)]
pub struct NamedItems(Vec<(Vec<u8>, ExpectedItem)>);

impl NamedItems {
    /// Those of the logic `S`.
    ///
    /// # Errors
    /// When there are too many.
    pub fn of<S: StateTransition>(shard: &ShardIdentifier) -> Result<Self, TooManyItems> {
        Self::new(S::parentchain_storage(shard))
    }

    fn new(items: Vec<StorageItem>) -> Result<Self, TooManyItems> {
        if items.len() > MAX_ITEMS {
            return Err(TooManyItems(items.len()));
        }
        let expected = items.into_iter().map(|item| {
            let expected = ExpectedItem::new(item.pallet, item.item, &item.hashers, &item.keys, &item.value);
            (item.key, expected)
        });
        Ok(Self(expected.collect()))
    }

    /// Their keys in the chain's state.
    pub fn keys(&self) -> impl Iterator<Item = &Vec<u8>> {
        self.0.iter().map(|(key, _)| key)
    }

    /// What the block shows of them.
    pub(crate) fn read(&self, block: &VerifiedBlock) -> Vec<StorageRead> {
        let read = |(key, expected): &(Vec<u8>, ExpectedItem)| {
            let shown = match block.value(key) {
                _ if !block.runtime().has_storage(expected) => Shown::Unfit,
                None => Shown::Absent,
                Some(value) if value.len() > MAX_VALUE_LEN => Shown::TooLong,
                Some(value) => Shown::Value(value.to_vec()),
            };
            StorageRead { key: key.clone(), shown }
        };
        self.0.iter().map(read).collect()
    }
}

/// The author's mistake: it shows at the first start.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the business logic reads {0} storage items of its parentchain; at most {MAX_ITEMS} can be")]
pub struct TooManyItems(pub usize);

#[cfg(test)]
mod tests;
