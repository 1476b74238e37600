// SPDX-License-Identifier: Apache-2.0
//! The client's position as bytes, for the caller's own store.
//!
//! The position is everything that verification of the next block starts from: the executed block, the authorities as
//! of it, and the hash of the code in its state. Imported headers and justifications are not part of it; after a
//! restart the host sends them again. The newest final block is named, so that it is the same chain that is sent again.
//! Who holds the store must keep it authentic: the client believes its own snapshot.

use crate::{
    authorities::Authorities,
    header::BlockId,
    runtime::{ChainProperties, RuntimeError},
};
use codec::{Decode, Encode};
use offstage_primitives::{
    BlockHash,
    bounded::{DecodeError, decode_bounded},
};
use sp_core::H256;

/// What is kept of an executed block.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Position {
    pub(crate) block: BlockId,
    pub(crate) authorities: Authorities,
    /// blake2-256 of `:code` in the block's state, which executes the next block.
    pub(crate) code_hash: H256,
}

/// Snapshot, version 2.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Snapshot {
    pub(crate) genesis_hash: BlockHash,
    pub(crate) properties: ChainProperties,
    pub(crate) position: Position,
    /// The newest final block, if it is beyond the position.
    pub(crate) finalized: Option<BlockId>,
}

impl Snapshot {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = SNAPSHOT_DOMAIN.to_vec();
        self.encode_to(&mut bytes);
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, RestoreError> {
        let encoded = bytes.strip_prefix(SNAPSHOT_DOMAIN).ok_or(RestoreError::Version)?;
        let snapshot: Self = decode_bounded(encoded, MAX_SNAPSHOT_LEN).map_err(RestoreError::Malformed)?;
        let position = &snapshot.position;
        let is_sound = position.authorities.is_sound()
            && snapshot.finalized.is_none_or(|known| known.number > position.block.number);
        if snapshot.to_bytes() != bytes || !is_sound {
            return Err(RestoreError::Malformed(DecodeError::Malformed));
        }
        Ok(snapshot)
    }
}

/// Why a snapshot was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// Not a snapshot of this version.
    #[error(
        "not a light client snapshot of version 2; restore the store from a backup or start from genesis"
    )]
    Version,
    /// Damaged.
    #[error(
        "light client snapshot cannot be decoded: {0}; restore the store from a backup or start from genesis"
    )]
    Malformed(DecodeError),
    /// The code that came with it is not the one that it names, or does not run.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
}

/// First bytes of a snapshot: what it is and its version.
const SNAPSHOT_DOMAIN: &[u8] = b"offstage/light-client/v2\0";

/// Two sets of ten thousand authorities.
const MAX_SNAPSHOT_LEN: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestChain;
    use proptest::prelude::*;

    #[test]
    fn a_final_block_that_is_not_beyond_the_position_is_refused() {
        let mut snapshot = Snapshot::from_bytes(&TestChain::new(3).client().snapshot()).unwrap();
        let block = snapshot.position.block;
        snapshot.finalized = Some(block);
        assert!(Snapshot::from_bytes(&snapshot.to_bytes()).is_err());
        snapshot.finalized = Some(BlockId { number: block.number + 1, ..block });
        assert_eq!(Snapshot::from_bytes(&snapshot.to_bytes()).as_ref(), Ok(&snapshot));
    }

    #[test]
    fn a_snapshot_round_trips_and_every_flipped_bit_is_noticed_or_decodes_to_itself() {
        let mut chain = TestChain::new(3);
        chain.add_empty(2);
        let mut client = chain.client();
        chain.finalize(&mut client, 2);
        let bytes = client.snapshot();
        let snapshot = Snapshot::from_bytes(&bytes).unwrap();
        assert_eq!(snapshot.to_bytes(), bytes);
        assert_eq!(snapshot.finalized.map(|known| known.number), Some(2));
        for index in 0..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[index] ^= 1 << bit;
                if let Ok(other) = Snapshot::from_bytes(&changed) {
                    assert_eq!(other.to_bytes(), changed);
                }
            }
        }
        assert!(Snapshot::from_bytes(&bytes[..bytes.len() - 1]).is_err());
        assert!(Snapshot::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_snapshot_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Snapshot::from_bytes(&[SNAPSHOT_DOMAIN, &bytes].concat());
        }
    }
}
