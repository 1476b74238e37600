// SPDX-License-Identifier: Apache-2.0
//! The leaves of a block and the root that is confirmed.
//!
//! See [`offstage_primitives::receipt`] for the form. Every honest worker computes the same root: operations and
//! outcomes follow from the chain, and the last leaf is keyed with a secret that all of them derive from the one
//! shielding key.

use crate::{keys::ShieldingKey, store::BlockReceipts};
use offstage_primitives::{
    H256,
    receipt::{OperationLeaf, state_leaf},
};
use offstage_protocol::BlockReference;
use offstage_sdk::OperationOutcome;

/// The receipts of an executed block.
pub fn receipts(
    block: BlockReference,
    outcomes: &[OperationOutcome],
    state_root: &H256,
    key: &ShieldingKey,
) -> BlockReceipts {
    BlockReceipts {
        block,
        operations: outcomes
            .iter()
            .map(|outcome| OperationLeaf { operation: outcome.operation, outcome: outcome.outcome })
            .collect(),
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

    #[test]
    fn every_operation_has_a_receipt_that_verifies_and_the_root_hides_the_state() {
        let key = ShieldingKey::generate().unwrap();
        let block = BlockReference { number: 7, hash: BlockHash::repeat_byte(7) };
        let outcomes: Vec<OperationOutcome> = (1..=5)
            .map(|n| OperationOutcome {
                operation: H256::repeat_byte(n),
                outcome: Outcome::Executed,
                effects: Vec::new(),
                report: Default::default(),
            })
            .collect();
        let made = receipts(block, &outcomes, &H256::repeat_byte(9), &key);
        for index in 0..5 {
            assert!(made.receipt(index).unwrap().verify(&made.root()));
        }
        assert!(made.receipt(5).is_none());
        let other_state = receipts(block, &outcomes, &H256::repeat_byte(8), &key);
        assert_ne!(other_state.root(), made.root());
        // Of an unchanged state the next block's leaf is another.
        let next = BlockReference { number: 8, hash: BlockHash::repeat_byte(8) };
        assert_ne!(
            receipts(next, &[], &H256::repeat_byte(9), &key).root(),
            receipts(block, &[], &H256::repeat_byte(9), &key).root()
        );
        let other_key = receipts(block, &outcomes, &H256::repeat_byte(9), &ShieldingKey::generate().unwrap());
        assert_ne!(other_key.root(), made.root());
    }

    #[test]
    fn empty_blocks_are_confirmed_at_the_heartbeat() {
        assert!(is_confirmed(7, 1, 10) && is_confirmed(20, 0, 10));
        assert!(!is_confirmed(7, 0, 10));
        assert!(is_confirmed(7, 0, 0));
    }
}
