// SPDX-License-Identifier: Apache-2.0
//! The newest blocks of the parentchain before the one that is executed.
//!
//! Extrinsics are signed for a while that begins at one of them, and pallets ask for their hashes. They are verified
//! blocks, so every worker has the same.

use codec::{Decode, Encode};
use offstage_primitives::BlockHash;
use std::sync::Arc;

/// Hashes of at most [`MAX_ANCESTORS`] blocks that follow each other. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode)]
pub struct Ancestors {
    /// Number of the oldest.
    first: u32,
    /// Oldest first.
    hashes: Arc<Vec<BlockHash>>,
}

impl Ancestors {
    /// A chain that is only its genesis block.
    pub fn genesis(hash: BlockHash) -> Self {
        Self { first: 0, hashes: Arc::new(vec![hash]) }
    }

    /// These blocks and the one that follows them, with this number. Without it the oldest block begins anew: what does
    /// not follow is of no use.
    #[must_use]
    pub fn after(&self, number: u32, hash: BlockHash) -> Self {
        let follows = self.next_number() == Some(number);
        let known = if follows { self.hashes.as_slice() } else { &[] };
        let kept = known.get(known.len().saturating_sub(MAX_ANCESTORS.saturating_sub(1))..).unwrap_or(&[]);
        let hashes: Vec<BlockHash> = kept.iter().copied().chain([hash]).collect();
        let older = u32::try_from(hashes.len().saturating_sub(1)).unwrap_or(u32::MAX);
        Self { first: number.saturating_sub(older), hashes: Arc::new(hashes) }
    }

    /// The blocks before the one with this number, oldest first.
    pub fn before(&self, number: u32) -> impl DoubleEndedIterator<Item = (u32, BlockHash)> + '_ {
        let count = usize::try_from(number.saturating_sub(self.first)).unwrap_or(usize::MAX);
        let known = self.hashes.get(..count.min(self.hashes.len())).unwrap_or(&[]);
        let first = u64::from(self.first);
        known.iter().enumerate().map(move |(index, hash)| {
            let number = first.saturating_add(u64::try_from(index).unwrap_or(u64::MAX));
            (u32::try_from(number).unwrap_or(u32::MAX), *hash)
        })
    }

    fn next_number(&self) -> Option<u32> {
        self.first.checked_add(u32::try_from(self.hashes.len()).ok()?)
    }
}

/// As many as FRAME runtimes commonly keep; wallets sign for 64 blocks at most unless they are told otherwise.
pub const MAX_ANCESTORS: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(number: u32) -> BlockHash {
        BlockHash::repeat_byte(number as u8)
    }

    #[test]
    fn the_newest_are_kept_in_order() {
        let mut ancestors = Ancestors::genesis(hash(0));
        for number in 1..600 {
            ancestors = ancestors.after(number, hash(number));
        }
        let all: Vec<_> = ancestors.before(600).collect();
        let expected: Vec<_> =
            (600 - MAX_ANCESTORS as u32..600).map(|number| (number, hash(number))).collect();
        assert_eq!(all, expected);
        assert_eq!(ancestors.before(599).last(), Some((598, hash(598))));
        assert_eq!(ancestors.before(300).count(), 0);
    }

    #[test]
    fn what_does_not_follow_begins_anew() {
        let ancestors = Ancestors::genesis(hash(0)).after(1, hash(1)).after(9, hash(9));
        assert_eq!(ancestors.before(10).collect::<Vec<_>>(), [(9, hash(9))]);
        assert_eq!(Ancestors::default().before(9).count(), 0);
        assert_eq!(Ancestors::default().after(3, hash(3)).before(4).last(), Some((3, hash(3))));
    }
}
