// SPDX-License-Identifier: Apache-2.0
//! What a confirmed block's `trusted_calls_merkle_root` commits to.
//!
//! After a worker executed a block it publishes one hash: the root of a binary Merkle tree (Keccak-256) over
//!
//! - one leaf per operation of the shard in the block, in the chain's order: the operation's hash, its [`Outcome`],
//!   and a commitment to its [result](crate::result), which is its sender's alone;
//! - a last leaf that commits to the state root, *keyed* by a secret that only the shard's enclaves can derive. So two
//!   honest workers always publish the same root, and the chain cannot find out a small state by guessing.
//!
//! Whoever knows an operation's hash asks a worker for the [`Receipt`] and checks it against the chain with
//! [`Receipt::verify`].
//!
//! The tree: an operation's leaf is hashed with the prefix byte `0x02`, the state's with `0x00`, inner nodes with
//! `0x01`, so that none can pass for another; a level with an odd count moves its last node up unchanged.

use crate::BlockHash;
use alloc::vec::Vec;
use codec::{Decode, Encode};
use core::fmt;
use sp_core::H256;
use sp_crypto_hashing::{blake2_256, keccak_256};

/// What became of one operation. The codes are public: they are few and coarse, that a failure tells its author
/// enough and others nothing about the state (threat model H13, C11).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Encode, Decode)]
#[repr(u8)]
pub enum Outcome {
    /// Executed.
    #[codec(index = 0)]
    Executed = 0,
    /// Not decryptable, or not an operation inside. Both have one code, so that nobody learns which it was.
    #[codec(index = 1)]
    Undecipherable = 1,
    /// Signature, measurement, shard or sender is wrong, or no user may make this call.
    #[codec(index = 2)]
    Unauthorised = 2,
    /// The nonce is not the sender's next one.
    #[codec(index = 3)]
    WrongNonce = 3,
    /// The business logic refused the call.
    #[codec(index = 4)]
    Refused = 4,
    /// The call is heavier than any call may be.
    #[codec(index = 5)]
    TooHeavy = 5,
    /// The business logic panicked; its writes were rolled back.
    #[codec(index = 6)]
    Panicked = 6,
    /// The operation is of a kind that cannot be invoked indirectly.
    #[codec(index = 7)]
    NotIndirect = 7,
    /// The shard is under maintenance.
    #[codec(index = 8)]
    Maintenance = 8,
    /// The call was included after the block up to which its author made it good. It used up no nonce.
    #[codec(index = 9)]
    Expired = 9,
    /// There was no room left for it in the block, or in its sender's share of the block. It was not executed and used
    /// up no nonce, so the same operation can be sent again.
    #[codec(index = 10)]
    NotNow = 10,
    /// The shard's runtime did not take the extrinsic, for a reason that is not its signature, nonce or age: for
    /// example, its sender cannot pay its fee. It was not executed and used up no nonce.
    #[codec(index = 11)]
    Invalid = 11,
}

impl Outcome {
    /// The code in the leaf.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// Whether the operation did what its author wanted.
    pub fn is_success(self) -> bool {
        matches!(self, Self::Executed)
    }

    /// Whether it used up the nonce of the call. Then it is the last word on its operation: whoever sends the same
    /// again gets [`WrongNonce`](Self::WrongNonce), which says nothing new. All other outcomes may be followed by
    /// another of the same operation.
    pub fn used_nonce(self) -> bool {
        match self {
            Self::Executed | Self::Refused | Self::TooHeavy | Self::Panicked => true,
            Self::Undecipherable
            | Self::Unauthorised
            | Self::WrongNonce
            | Self::NotIndirect
            | Self::Maintenance
            | Self::Expired
            | Self::NotNow
            | Self::Invalid => false,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Executed => "executed",
            Self::Undecipherable => "the worker could not decrypt or decode the operation",
            Self::Unauthorised => {
                "the signature does not fit the sender, shard and measurement, or nobody may make this call"
            }
            Self::WrongNonce => "the nonce is not the account's next one",
            Self::Refused => "the business logic refused the call, for example for lack of funds",
            Self::TooHeavy => "the call is heavier than any call may be",
            Self::Panicked => "the business logic failed inside; the call was rolled back",
            Self::NotIndirect => "this kind of operation cannot be sent through the parentchain",
            Self::Maintenance => "the shard is under maintenance",
            Self::Expired => {
                "the call reached the chain after the block up to which it was good; sign it anew"
            }
            Self::NotNow => {
                "there was no room left for the call in its block; its nonce is unused, so send the same call again"
            }
            Self::Invalid => {
                "the shard's runtime did not take the extrinsic, for example because its sender cannot pay its fee"
            }
        })
    }
}

/// One operation and what became of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct OperationLeaf {
    /// Hash of the operation, see the worker's documentation of `offstage_getReceipt`.
    pub operation: H256,
    /// What became of it.
    pub outcome: Outcome,
    /// Commits to what its sender may learn of it, and tells nothing:
    /// [`OperationResult::commitment`](crate::result::OperationResult::commitment).
    pub result: H256,
}

impl OperationLeaf {
    /// The leaf's hash: Keccak-256 of `0x02 ++ operation ++ outcome code ++ result`.
    pub fn hash(&self) -> H256 {
        let mut bytes = Vec::with_capacity(66);
        bytes.push(OPERATION_PREFIX);
        bytes.extend_from_slice(self.operation.as_bytes());
        bytes.push(self.outcome.code());
        bytes.extend_from_slice(self.result.as_bytes());
        H256(keccak_256(&bytes))
    }
}

/// The operation hash of a shielding, which no client signed: blake2-256 over a domain tag and where the chain holds
/// it. `extrinsic_index` is the extrinsic's place in the block, `position` counts the shard's shieldings within that
/// extrinsic from 0 (a batch may hold several).
pub fn shielding_operation_hash(
    block_hash: &BlockHash,
    extrinsic_index: u32,
    position: u32,
    encrypted_beneficiary: &[u8],
) -> H256 {
    H256(
        (SHIELDING_DOMAIN, block_hash, extrinsic_index, position, encrypted_beneficiary)
            .using_encoded(blake2_256),
    )
}

/// The operation hash of an invocation that nobody can decipher: blake2-256 over a domain tag and the ciphertext.
///
/// The tag keeps it apart from the hash of an operation that deciphers.
pub fn undecipherable_operation_hash(cyphertext: &[u8]) -> H256 {
    H256((UNDECIPHERABLE_DOMAIN, cyphertext).using_encoded(blake2_256))
}

/// The hash of the last leaf: Keccak-256 of `0x00 ++ commitment key ++ block hash ++ state root`.
///
/// `commitment_key` is derived from the shielding key, so only the shard's enclaves can make or recognise the leaf. The
/// hash of the parentchain's block makes it another in each block, so nobody sees whether the state has changed.
pub fn state_leaf(commitment_key: &[u8; 32], block_hash: &BlockHash, state_root: &H256) -> H256 {
    let mut bytes = Vec::with_capacity(97);
    bytes.push(STATE_PREFIX);
    bytes.extend_from_slice(commitment_key);
    bytes.extend_from_slice(block_hash.as_bytes());
    bytes.extend_from_slice(state_root.as_bytes());
    H256(keccak_256(&bytes))
}

/// The root over leaf hashes. Zero for none, which no block has: the state leaf is always there.
pub fn merkle_root(leaves: &[H256]) -> H256 {
    let mut level = leaves.to_vec();
    while level.len() > 1 {
        level = parents(&level);
    }
    level.first().copied().unwrap_or_default()
}

/// The siblings on the way from leaf `index` to the root, bottom up. `None` when there is no such leaf.
pub fn merkle_proof(leaves: &[H256], index: usize) -> Option<Vec<H256>> {
    leaves.get(index)?;
    let (mut level, mut position, mut path) = (leaves.to_vec(), index, Vec::new());
    while level.len() > 1 {
        path.extend(level.get(position ^ 1).copied());
        level = parents(&level);
        position /= 2;
    }
    Some(path)
}

/// Proof that an operation had an outcome in a block.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Receipt {
    /// The operation and what became of it.
    pub leaf: OperationLeaf,
    /// Number of the parentchain block that included it.
    pub block_number: u32,
    /// Hash of that block, as in `ProcessedParentchainBlock`.
    pub block_hash: BlockHash,
    /// Position of the leaf in the block.
    pub index: u32,
    /// Number of leaves in the block, the state leaf included.
    pub leaf_count: u32,
    /// Siblings from the leaf to the root, bottom up.
    pub path: Vec<H256>,
}

impl Receipt {
    /// Whether this receipt follows from the `trusted_calls_merkle_root` that the chain holds for the block.
    pub fn verify(&self, root: &H256) -> bool {
        let (mut position, mut count) = (self.index, self.leaf_count);
        // The last leaf is the state's; an operation's leaf is before it.
        if position >= count.saturating_sub(1) {
            return false;
        }
        let mut siblings = self.path.iter();
        let mut hash = self.leaf.hash();
        while count > 1 {
            let is_last_of_odd = position.checked_add(1) == Some(count) && count % 2 == 1;
            if !is_last_of_odd {
                let Some(sibling) = siblings.next() else { return false };
                hash = if position % 2 == 0 { inner(&hash, sibling) } else { inner(sibling, &hash) };
            }
            position /= 2;
            count = count.div_ceil(2);
        }
        siblings.next().is_none() && hash == *root
    }
}

fn parents(level: &[H256]) -> Vec<H256> {
    level
        .chunks(2)
        .map(|pair| match pair {
            [left, right] => inner(left, right),
            [single] => *single,
            _ => H256::zero(),
        })
        .collect()
}

fn inner(left: &H256, right: &H256) -> H256 {
    let mut bytes = Vec::with_capacity(65);
    bytes.push(INNER_PREFIX);
    bytes.extend_from_slice(left.as_bytes());
    bytes.extend_from_slice(right.as_bytes());
    H256(keccak_256(&bytes))
}

const SHIELDING_DOMAIN: &[u8; 19] = b"offstage/shield/v1\0";
const UNDECIPHERABLE_DOMAIN: &[u8; 27] = b"offstage/undecipherable/v1\0";
const STATE_PREFIX: u8 = 0;
const INNER_PREFIX: u8 = 1;
const OPERATION_PREFIX: u8 = 2;

/// The most siblings a path may have when it is decoded from an untrusted worker: 2^32 leaves.
pub const MAX_PATH_LEN: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn leaf(n: u8) -> OperationLeaf {
        OperationLeaf {
            operation: H256::repeat_byte(n),
            outcome: Outcome::Executed,
            result: H256::repeat_byte(0x80 | n),
        }
    }

    fn block(count: u8) -> Vec<H256> {
        (0..count)
            .map(|n| leaf(n).hash())
            .chain([state_leaf(&[1; 32], &BlockHash::repeat_byte(8), &H256::repeat_byte(9))])
            .collect()
    }

    fn receipt(leaves: &[H256], index: u8) -> Receipt {
        Receipt {
            leaf: leaf(index),
            block_number: 1,
            block_hash: BlockHash::zero(),
            index: index.into(),
            leaf_count: leaves.len() as u32,
            path: merkle_proof(leaves, index.into()).unwrap(),
        }
    }

    proptest! {
        #[test]
        fn every_leaf_is_provable_and_nothing_else(count in 1u8..40, pick: u8, other: u8, flip: u8) {
            let (leaves, index) = (block(count), pick % count);
            let root = merkle_root(&leaves);
            let honest = receipt(&leaves, index);
            prop_assert!(honest.verify(&root));
            let refused = OperationLeaf { outcome: Outcome::Refused, ..honest.leaf };
            let wrong_outcome = Receipt { leaf: refused, ..honest.clone() };
            prop_assert!(!wrong_outcome.verify(&root));
            let wrong_result = OperationLeaf { result: H256::zero(), ..honest.leaf };
            prop_assert!(!Receipt { leaf: wrong_result, ..honest.clone() }.verify(&root), "another result");
            let elsewhere = Receipt { index: other.into(), ..honest.clone() };
            prop_assert_eq!(elsewhere.verify(&root), other == index);
            let mut tampered = honest.clone();
            let position = usize::from(flip) % tampered.path.len();
            tampered.path[position].0[0] ^= 1;
            prop_assert!(!tampered.verify(&root));
            let mut longer = honest;
            longer.path.push(H256::zero());
            prop_assert!(!longer.verify(&root));
        }
    }

    #[test]
    fn the_state_leaf_cannot_pass_for_an_operation() {
        let leaves = block(3);
        let forged = Receipt { index: 3, ..receipt(&leaves, 2) };
        assert!(!forged.verify(&merkle_root(&leaves)));
    }

    #[test]
    fn the_codes_are_pinned() {
        // Without an entry here a new outcome does not compile.
        let pinned = |outcome: Outcome| match outcome {
            Outcome::Executed => 0,
            Outcome::Undecipherable => 1,
            Outcome::Unauthorised => 2,
            Outcome::WrongNonce => 3,
            Outcome::Refused => 4,
            Outcome::TooHeavy => 5,
            Outcome::Panicked => 6,
            Outcome::NotIndirect => 7,
            Outcome::Maintenance => 8,
            Outcome::Expired => 9,
            Outcome::NotNow => 10,
            Outcome::Invalid => 11,
        };
        for code in 0..=u8::MAX {
            match Outcome::decode(&mut &[code][..]) {
                Ok(outcome) => assert_eq!((pinned(outcome), outcome.code()), (code, code)),
                Err(_) => assert!(code > 11, "no outcome has the code {code}"),
            }
        }
    }
}
