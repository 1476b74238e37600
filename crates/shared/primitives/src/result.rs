// SPDX-License-Identifier: Apache-2.0
//! What the sender of an operation learns of its execution, and nobody else (wire.md, "Results").
//!
//! A receipt says what became of an operation, to whoever knows the operation's hash. Why it was refused, what it
//! emitted and what it cost is its sender's alone. The receipt's leaf has a commitment to it that hides it: a hash over
//! a salt that the shard's enclaves derive from their key, and that only the sender is told. So the sender can hold the
//! result against the root on the parentchain, and show it to others, who can do the same.

use crate::{
    ShardIdentifier,
    read::Permit,
    receipt::{Outcome, Receipt},
    rpc::BlockReference,
};
use alloc::{string::String, vec::Vec};
use codec::{Decode, Encode};
use sp_core::H256;
use sp_crypto_hashing::blake2_256;

/// What an operation's sender may learn of its execution.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode)]
pub struct OperationResult {
    /// Why the logic refused it, if it did: for an extrinsic the pallet's name and the error's.
    pub refusal: Option<String>,
    /// SCALE of the `DispatchError` with which a FRAME runtime refused it.
    pub error: Option<Vec<u8>>,
    /// SCALE of the runtime events that it emitted, in order.
    pub events: Vec<Vec<u8>>,
    /// How many more events there were. The first ones are kept, up to [`MAX_EVENTS_LEN`] bytes.
    pub omitted_events: u32,
    /// What it cost, in picoseconds on the reference machine.
    #[codec(compact)]
    pub ref_time: u64,
    /// What it cost in bytes of storage proof, by the runtime's measure.
    #[codec(compact)]
    pub proof_size: u64,
}

impl OperationResult {
    /// The commitment in the receipt's leaf: blake2-256 of `offstage/result/v1\0 ++ salt ++ SCALE(result)`.
    pub fn commitment(&self, salt: &[u8; 32]) -> H256 {
        H256((RESULT_DOMAIN, salt, self).using_encoded(blake2_256))
    }
}

/// A result with what it takes to check it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct ProvenResult {
    /// Where the operation is, and what became of it.
    pub receipt: Receipt,
    /// What hides the result in the commitment from those who guess it. Whoever is told it can be shown the result.
    pub salt: [u8; 32],
    /// The result.
    pub result: OperationResult,
}

impl ProvenResult {
    /// Whether the result is the one that the receipt's leaf commits to. Whether the receipt follows from the root on
    /// chain is another question: [`Receipt::verify`].
    pub fn fits_receipt(&self) -> bool {
        self.receipt.leaf.result == self.result.commitment(&self.salt)
    }
}

/// The parameter of `offstage_getResult`.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct ResultRequest {
    /// The shard that is asked about.
    pub shard: ShardIdentifier,
    /// The operation's name in its receipt.
    pub operation: H256,
    /// Who asks: the operation's sender, or the one whom a shielding credits.
    pub permit: Permit,
}

/// What `offstage_getResult` returns.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct ResultAnswer {
    /// `None` for an operation that is unknown, another's, or too long ago: one answer for all.
    pub result: Option<ProvenResult>,
    /// The block on whose state it was looked for.
    pub block: BlockReference,
}

/// The parameter of `offstage_getHistory`.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct HistoryRequest {
    /// The shard that is asked about.
    pub shard: ShardIdentifier,
    /// Who asks, about its own operations.
    pub permit: Permit,
    /// Only operations of earlier blocks than this; `None` begins with the newest.
    pub before: Option<u32>,
}

/// What `offstage_getHistory` returns: a stretch of the history.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode)]
pub struct HistoryAnswer {
    /// The account's own operations, newest first.
    pub entries: Vec<HistoryEntry>,
    /// What to ask for next as `before`. `None` when nothing older is kept.
    pub next: Option<u32>,
}

/// An operation of an account.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct HistoryEntry {
    /// Number of the parentchain block that included it.
    pub block_number: u32,
    /// Its name in its receipt.
    pub operation: H256,
    /// What became of it there.
    pub outcome: Outcome,
}

/// How many bytes of events are kept of an operation.
pub const MAX_EVENTS_LEN: usize = 16 * 1024;

/// How many blocks long a worker keeps results: a day, with a block each six seconds.
pub const RESULT_LIFETIME: u32 = 14_400;

const RESULT_DOMAIN: &[u8; 19] = b"offstage/result/v1\0";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BlockHash, receipt::OperationLeaf};
    use alloc::vec;

    fn proven() -> ProvenResult {
        let result = OperationResult {
            refusal: Some("Token.FundsUnavailable".into()),
            error: Some(vec![7, 0]),
            events: vec![vec![1, 2, 3]],
            omitted_events: 4,
            ref_time: 5,
            proof_size: 6,
        };
        let (operation, salt) = (H256::repeat_byte(1), [9; 32]);
        let leaf = OperationLeaf { operation, outcome: Outcome::Refused, result: result.commitment(&salt) };
        let receipt = Receipt {
            leaf,
            block_number: 7,
            block_hash: BlockHash::zero(),
            index: 0,
            leaf_count: 2,
            path: vec![H256::repeat_byte(8)],
        };
        ProvenResult { receipt, salt, result }
    }

    #[test]
    fn c28_a_result_is_the_one_that_the_leaf_commits_to() {
        let honest = proven();
        assert!(honest.fits_receipt());
        let change = |change: &dyn Fn(&mut OperationResult)| {
            let mut other = proven();
            change(&mut other.result);
            other
        };
        let mut salt = proven();
        salt.salt[0] ^= 1;
        for other in [
            salt,
            change(&|result| result.refusal = None),
            change(&|result| result.error = None),
            change(&|result| result.events.clear()),
            change(&|result| result.omitted_events = 0),
            change(&|result| result.ref_time = 0),
            change(&|result| result.proof_size = 0),
        ] {
            assert!(!other.fits_receipt(), "{other:?}");
        }
    }

    /// Workers of two versions must publish the same root. Made with another implementation.
    #[test]
    fn the_commitment_is_pinned() {
        let commitment = proven().receipt.leaf.result;
        assert_eq!(
            hex::encode(commitment.as_bytes()),
            "d7f6255023c36cd1dfc59da29a4ce38ecb925ec44e06a08d59f677ee5b8c704f"
        );
    }
}
