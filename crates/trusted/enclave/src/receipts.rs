// SPDX-License-Identifier: Apache-2.0
//! The leaves of a block and the root that is confirmed.
//!
//! See [`offstage_primitives::receipt`] for the form. Every honest worker computes the same root: operations and
//! outcomes follow from the chain; what hides results, and what keys the last leaf, are secrets that all of them derive
//! from the one shielding key.

use crate::{
    keys::ShieldingKey,
    store::{BlockReceipts, BlockResults, KeptResult},
};
use codec::Encode;
use offstage_primitives::{
    H256,
    receipt::{OperationLeaf, state_leaf},
};
use offstage_protocol::BlockReference;
use offstage_sdk::OperationOutcome;
use sp_crypto_hashing::blake2_256;

/// What the senders of a block's operations may learn. `secret` is
/// [`ShieldingKey::result_secret`] of the block; the salt of an operation is blake2-256 of
/// `secret ++ index u32 ++ operation hash`.
pub fn results(outcomes: &[OperationOutcome], secret: &[u8; 32]) -> BlockResults {
    let kept = (0u32..).zip(outcomes).map(|(index, outcome)| KeptResult {
        owner: outcome.sender.clone(),
        salt: (secret, index, outcome.operation).using_encoded(blake2_256),
        result: outcome.report.to_result(),
    });
    BlockResults(kept.collect())
}

/// The receipts of an executed block, with commitments to its results.
pub fn receipts(
    block: BlockReference,
    outcomes: &[OperationOutcome],
    BlockResults(results): &BlockResults,
    state_root: &H256,
    key: &ShieldingKey,
) -> BlockReceipts {
    let leaf = |(outcome, kept): (&OperationOutcome, &KeptResult)| OperationLeaf {
        operation: outcome.operation,
        outcome: outcome.outcome,
        result: kept.result.commitment(&kept.salt),
    };
    BlockReceipts {
        block,
        operations: outcomes.iter().zip(results).map(leaf).collect(),
        state_leaf: state_leaf(&key.commitment_key(), &block.hash, state_root),
    }
}

/// Whether a block is confirmed: it has operations, or its number is a multiple of the heartbeat.
pub fn is_confirmed(number: u32, operations: usize, heartbeat: u32) -> bool {
    operations > 0 || number.is_multiple_of(heartbeat.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use offstage_primitives::BlockHash;
    use offstage_primitives::receipt::Outcome;
    use std::collections::BTreeSet;

    fn outcomes() -> Vec<OperationOutcome> {
        (1..=5)
            .map(|n| OperationOutcome {
                operation: H256::repeat_byte(n),
                outcome: Outcome::Executed,
                effects: Vec::new(),
                sender: Some([n; 32].into()),
                report: Default::default(),
            })
            .collect()
    }

    #[test]
    fn every_operation_has_a_receipt_that_verifies_and_the_root_hides_the_state() {
        let key = ShieldingKey::generate().unwrap();
        let block = BlockReference { number: 7, hash: BlockHash::repeat_byte(7) };
        let (outcomes, nothing) = (outcomes(), BlockResults::default());
        let told = results(&outcomes, &[3; 32]);
        let of = |key, root: u8| receipts(block, &outcomes, &told, &H256::repeat_byte(root), key);
        let made = of(&key, 9);
        for index in 0..5 {
            assert!(made.receipt(index).unwrap().verify(&made.root()));
        }
        assert!(made.receipt(5).is_none());
        assert_ne!(of(&key, 8).root(), made.root(), "another state");
        // Of an unchanged state the next block's leaf is another.
        let next = BlockReference { number: 8, hash: BlockHash::repeat_byte(8) };
        let empty = |block| receipts(block, &[], &nothing, &H256::repeat_byte(9), &key).root();
        assert_ne!(empty(next), empty(block));
        assert_ne!(of(&ShieldingKey::generate().unwrap(), 9).root(), made.root(), "another key");
    }

    /// C28: two operations with the same result cannot be told so by their leaves, and no result can be guessed.
    #[test]
    fn c28_equal_results_have_leaves_that_do_not_show_it() {
        let commitments = |secret: u8| {
            let BlockResults(results) = results(&outcomes(), &[secret; 32]);
            results.into_iter().map(|kept| kept.result.commitment(&kept.salt)).collect::<BTreeSet<_>>()
        };
        assert_eq!(commitments(3).len(), 5);
        assert!(commitments(3).is_disjoint(&commitments(4)));
        let BlockResults(kept) = results(&outcomes(), &[3; 32]);
        assert!(kept.iter().zip(outcomes()).all(|(kept, outcome)| kept.owner == outcome.sender));
    }

    #[test]
    fn empty_blocks_are_confirmed_at_the_heartbeat() {
        assert!(is_confirmed(7, 1, 10) && is_confirmed(20, 0, 10));
        assert!(!is_confirmed(7, 0, 10));
        assert!(is_confirmed(7, 0, 0));
    }
}
