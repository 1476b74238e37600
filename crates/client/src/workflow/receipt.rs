// SPDX-License-Identifier: Apache-2.0
//! The last two steps: what the shard's enclaves published about a block, and the receipt that must follow from it.
//!
//! Each enclave of the shard confirms each block with operations, with the root that it computed. Honest ones publish
//! the same. Where they differ, a receipt that contradicts one confirmation is not yet refused: it is held against
//! those that come in the next blocks, and whoever waits is warned.

use super::WorkflowError;
use crate::{
    parentchain::{
        Parentchain, ParentchainError,
        confirmation::{Confirmations, ProcessedParentchainBlock},
    },
    pin::Pin,
    progress::{Milestone, Observer, Stage},
    worker::{Worker, WorkerAddress, WorkerError},
};
use offstage_primitives::{
    H256, ShardIdentifier,
    receipt::{Outcome, Receipt, undecipherable_operation_hash},
};
use std::time::Duration;
use tokio::time::timeout;

/// Step 6: waits for the first `ProcessedParentchainBlock` with the hash of the block that includes the extrinsic.
/// `confirmations` comes from a subscription that was made before step 5, so that nothing is missed.
///
/// # Errors
/// [`ParentchainError`].
pub async fn processed(
    confirmations: &mut Confirmations,
    observer: &dyn Observer,
) -> Result<Vec<ProcessedParentchainBlock>, ParentchainError> {
    observer.waiting_for(Stage::Processing);
    loop {
        let found = confirmations.next_block().await?;
        if let Some(event) = found.first() {
            observer.reached(&reached(event));
            return Ok(found);
        }
    }
}

/// A receipt, and the root on chain that it follows from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The receipt.
    pub receipt: Receipt,
    /// The root.
    pub root: H256,
}

/// An operation by the names that its receipt may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sought {
    operation: H256,
    /// The envelope's name, and the number of the block that holds it.
    unopened: Option<(H256, u64)>,
}

impl Sought {
    /// An operation whose name no enclave has to read in an envelope.
    pub fn operation(operation: H256) -> Self {
        Self { operation, unopened: None }
    }

    /// An operation in an envelope that is in block `included`. If the enclave did not open it, for want of room in the
    /// block or because it could not, it knows the envelope alone, and the receipt has the envelope's name.
    pub fn invocation(operation: H256, cyphertext: &[u8], included: u64) -> Self {
        Self { operation, unopened: Some((undecipherable_operation_hash(cyphertext), included)) }
    }

    /// The receipt and the name that it was asked for by, if `receipt` has one.
    async fn find<E>(
        &self,
        mut receipt: impl AsyncFnMut(H256) -> Result<Option<Receipt>, E>,
    ) -> Result<Option<(H256, Receipt)>, E> {
        if let Some(found) = receipt(self.operation).await? {
            return Ok(Some((self.operation, found)));
        }
        let Some((envelope, included)) = self.unopened else { return Ok(None) };
        // What became of a copy that somebody had included earlier says nothing about this one.
        let unopened = receipt(envelope).await?.filter(|found| u64::from(found.block_number) >= included);
        let Some(unopened) = unopened else { return Ok(None) };
        // The block may have been executed between the two questions, and the operation with it.
        Ok(match receipt(self.operation).await? {
            Some(found) => Some((self.operation, found)),
            None => Some((envelope, unopened)),
        })
    }
}

/// Step 7: asks the worker for the receipt of an operation and checks it against the roots that the chain holds: those
/// of step 6 first, and when it contradicts them, those of the next [`CONTRADICTION_PATIENCE`] blocks.
///
/// The worker asked may be behind the one that confirmed, so it is asked again until it has the receipt; limit the time
/// around this.
///
/// # Errors
/// - [`WorkflowError::Receipt`] when the receipt follows from none of them;
/// - [`WorkflowError::Worker`] when the worker refuses to answer.
pub async fn receipt(
    chain: &Parentchain,
    address: &WorkerAddress,
    sought: Sought,
    confirmed: Vec<ProcessedParentchainBlock>,
    confirmations: &mut Confirmations,
    observer: &dyn Observer,
) -> Result<Settled, WorkflowError> {
    let shard = confirmations.shard();
    let (operation, receipt) = fetch_receipt(chain, address, shard, sought, observer).await?;
    if receipt.block_hash == confirmations.block_hash() {
        return settle(receipt, operation, confirmed, confirmations, observer).await;
    }
    // Somebody copied the ciphertext and was included earlier: the operation was executed there.
    let mut earlier = chain.confirmations_of(shard, receipt.block_hash, receipt.block_number).await?;
    let confirmed = processed(&mut earlier, observer).await?;
    settle(receipt, operation, confirmed, &mut earlier, observer).await
}

/// What became of an operation of the past, checked against the chain. A worker that may be a few blocks behind is
/// given [`RECEIPT_PATIENCE`].
///
/// # Errors
/// As [`receipt`], and [`WorkflowError::UnknownOperation`] when the worker has not executed it.
pub async fn receipt_of(
    chain: &Parentchain,
    worker: &mut Worker,
    operation: H256,
    observer: &dyn Observer,
) -> Result<Settled, WorkflowError> {
    observer.waiting_for(Stage::Receipt);
    let asked = timeout(RECEIPT_PATIENCE, first_receipt(worker, Sought::operation(operation))).await;
    let (_, receipt) = asked.map_err(|_| WorkflowError::UnknownOperation { operation })??;
    settle_past(chain, worker.identity().shard(), receipt, operation, observer).await
}

/// Holds a receipt of the past against what the chain holds of its block.
pub(super) async fn settle_past(
    chain: &Parentchain,
    shard: ShardIdentifier,
    receipt: Receipt,
    operation: H256,
    observer: &dyn Observer,
) -> Result<Settled, WorkflowError> {
    let mut confirmations = chain.confirmations_of(shard, receipt.block_hash, receipt.block_number).await?;
    settle(receipt, operation, Vec::new(), &mut confirmations, observer).await
}

/// Whether `receipt` is about `operation` and follows from the root that the chain holds for its block.
///
/// # Errors
/// [`WorkflowError::Receipt`] when it does not.
pub fn check_receipt(
    receipt: &Receipt,
    operation: H256,
    confirmed: &ProcessedParentchainBlock,
) -> Result<Outcome, WorkflowError> {
    let holds = receipt.leaf.operation == operation
        && receipt.block_hash == confirmed.block_hash
        && receipt.block_number == confirmed.block_number
        && receipt.verify(&confirmed.trusted_calls_merkle_root);
    if holds { Ok(receipt.leaf.outcome) } else { Err(WorkflowError::Receipt { operation }) }
}

/// Holds a receipt against the confirmations seen already and those to come.
async fn settle(
    receipt: Receipt,
    operation: H256,
    mut confirmed: Vec<ProcessedParentchainBlock>,
    confirmations: &mut Confirmations,
    observer: &dyn Observer,
) -> Result<Settled, WorkflowError> {
    observer.waiting_for(Stage::Processing);
    let mut check = Check { receipt: &receipt, operation, contradictions: Vec::new(), blocks_left: None };
    loop {
        if let Some(root) = check.block(&confirmed, observer)? {
            return Ok(Settled { receipt, root });
        }
        confirmed = confirmations.next_block().await?;
    }
}

/// A receipt that is held against one block's confirmations after another's.
struct Check<'a> {
    receipt: &'a Receipt,
    operation: H256,
    /// Roots that it does not follow from.
    contradictions: Vec<H256>,
    /// How many more blocks it is held against, once there is a contradiction.
    blocks_left: Option<u32>,
}

impl Check<'_> {
    /// The root among a block's confirmations that the receipt follows from, if there is one.
    ///
    /// # Errors
    /// [`WorkflowError::Receipt`] when it contradicted a confirmation and no other one came in time.
    fn block(
        &mut self,
        confirmed: &[ProcessedParentchainBlock],
        observer: &dyn Observer,
    ) -> Result<Option<H256>, WorkflowError> {
        let fitting =
            confirmed.iter().find(|event| check_receipt(self.receipt, self.operation, event).is_ok());
        for event in confirmed {
            let root = event.trusted_calls_merkle_root;
            let contradicts = check_receipt(self.receipt, self.operation, event).is_err();
            if contradicts && !self.contradictions.contains(&root) {
                self.contradictions.push(root);
                observer.reached(&Milestone::Contradiction { root });
            }
        }
        if let Some(event) = fitting {
            if !self.contradictions.is_empty() {
                observer.reached(&reached(event));
            }
            return Ok(Some(event.trusted_calls_merkle_root));
        }
        self.blocks_left = match self.blocks_left {
            None if self.contradictions.is_empty() => None,
            None => Some(CONTRADICTION_PATIENCE),
            Some(left) if left > 1 => Some(left.saturating_sub(1)),
            Some(_) => return Err(WorkflowError::Receipt { operation: self.operation }),
        };
        Ok(None)
    }
}

fn reached(event: &ProcessedParentchainBlock) -> Milestone {
    Milestone::Processed { block_hash: event.block_hash, root: event.trusted_calls_merkle_root }
}

/// The receipt, over a new connection to a worker that is verified anew: the old one is older than a block, and the
/// worker may have been restarted since.
async fn fetch_receipt(
    chain: &Parentchain,
    address: &WorkerAddress,
    shard: ShardIdentifier,
    sought: Sought,
    observer: &dyn Observer,
) -> Result<(H256, Receipt), WorkflowError> {
    observer.waiting_for(Stage::Receipt);
    let pin = Pin::shard(shard);
    loop {
        let asked = async {
            let mut worker = Worker::connect(chain, address, &pin).await?;
            first_receipt(&mut worker, sought).await
        };
        match asked.await {
            // The operation is on chain and will be executed, so a worker that is being restarted is waited for.
            Err(error) if error.may_pass() => tokio::time::sleep(RECONNECT_INTERVAL).await,
            answer => return Ok(answer?),
        }
    }
}

/// Asks until there is a receipt.
async fn first_receipt(worker: &mut Worker, sought: Sought) -> Result<(H256, Receipt), WorkerError> {
    loop {
        if let Some(found) = sought.find(async |name| worker.receipt(name).await).await? {
            return Ok(found);
        }
        tokio::time::sleep(RECEIPT_INTERVAL).await;
    }
}

/// How many blocks after a confirmation that contradicts a receipt another one is waited for. A worker that has the
/// receipt has confirmed the block already, or does as soon as its extrinsic gets into a block.
pub const CONTRADICTION_PATIENCE: u32 = 16;

/// How long a worker may be behind with an operation of the past, a few blocks, before it is held not to know it.
pub const RECEIPT_PATIENCE: Duration = Duration::from_secs(10);

/// How long to wait before a worker that is being restarted is tried again.
const RECONNECT_INTERVAL: Duration = Duration::from_secs(1);

/// How often a worker that is behind is asked again.
const RECEIPT_INTERVAL: Duration = Duration::from_millis(300);

#[cfg(test)]
mod tests {
    use super::*;
    use offstage_primitives::BlockHash;
    use offstage_primitives::receipt::{OperationLeaf, merkle_proof, merkle_root, state_leaf};
    use std::sync::Mutex;

    fn confirmed_block() -> (H256, Receipt, ProcessedParentchainBlock) {
        let operation = H256::repeat_byte(1);
        let leaf = OperationLeaf { operation, outcome: Outcome::WrongNonce, result: H256::zero() };
        let leaves = [
            OperationLeaf {
                operation: H256::repeat_byte(2),
                outcome: Outcome::Executed,
                result: H256::zero(),
            }
            .hash(),
            leaf.hash(),
            state_leaf(&[3; 32], &BlockHash::repeat_byte(5), &H256::repeat_byte(4)),
        ];
        let block_hash = BlockHash::repeat_byte(5);
        let receipt = Receipt {
            leaf,
            block_number: 7,
            block_hash,
            index: 1,
            leaf_count: 3,
            path: merkle_proof(&leaves, 1).unwrap(),
        };
        let confirmed = ProcessedParentchainBlock {
            shard: ShardIdentifier::from([6; 32]),
            block_hash,
            trusted_calls_merkle_root: merkle_root(&leaves),
            block_number: 7,
        };
        (operation, receipt, confirmed)
    }

    fn with_root(byte: u8, confirmed: &ProcessedParentchainBlock) -> ProcessedParentchainBlock {
        ProcessedParentchainBlock { trusted_calls_merkle_root: H256::repeat_byte(byte), ..*confirmed }
    }

    fn check<'a>(receipt: &'a Receipt, operation: H256) -> Check<'a> {
        Check { receipt, operation, contradictions: Vec::new(), blocks_left: None }
    }

    /// Remembers what it was told.
    #[derive(Default)]
    struct Told(Mutex<Vec<Milestone>>);

    impl Observer for Told {
        fn waiting_for(&self, _: Stage) {}
        fn reached(&self, milestone: &Milestone) {
            self.0.lock().unwrap().push(*milestone);
        }
    }

    #[test]
    fn a_receipt_that_follows_from_the_root_tells_the_outcome() {
        let (operation, receipt, confirmed) = confirmed_block();
        assert_eq!(check_receipt(&receipt, operation, &confirmed).unwrap(), Outcome::WrongNonce);
        let told = Told::default();
        let root = check(&receipt, operation).block(&[confirmed], &told).unwrap();
        assert_eq!(root, Some(confirmed.trusted_calls_merkle_root));
        assert!(told.0.into_inner().unwrap().is_empty());
    }

    #[tokio::test]
    async fn c18_what_was_not_opened_is_found_by_its_envelope() {
        let (operation, receipt, _) = confirmed_block();
        let cyphertext = [8; 384];
        let envelope = undecipherable_operation_hash(&cyphertext);
        let in_block = |block_number| Some(Receipt { block_number, ..receipt.clone() });
        // What each name gives, one question after the other.
        let find = async |sought: Sought, answers: [(H256, Option<Receipt>); 3]| {
            let mut answers = answers.into_iter();
            let find = sought.find(async |name| {
                let (expected, answer) = answers.next().unwrap();
                assert_eq!(name, expected);
                Ok::<_, ()>(answer)
            });
            find.await.unwrap().map(|(name, receipt)| (name, receipt.block_number))
        };
        let (of_operation, of_envelope) = (|found| (operation, found), |found| (envelope, found));
        for (what, answers, expected) in [
            (
                "opened",
                [of_operation(in_block(7)), of_envelope(None), of_operation(None)],
                Some((operation, 7)),
            ),
            ("not executed yet", [of_operation(None), of_envelope(None), of_operation(None)], None),
            (
                "not opened",
                [of_operation(None), of_envelope(in_block(7)), of_operation(None)],
                Some((envelope, 7)),
            ),
            (
                "an earlier copy was not opened",
                [of_operation(None), of_envelope(in_block(6)), of_operation(None)],
                None,
            ),
            (
                "executed between two questions",
                [of_operation(None), of_envelope(in_block(8)), of_operation(in_block(7))],
                Some((operation, 7)),
            ),
        ] {
            let sought = Sought::invocation(operation, &cyphertext, 7);
            assert_eq!(find(sought, answers).await, expected, "{what}");
        }
        let shielding = [of_operation(None), of_envelope(in_block(7)), of_operation(None)];
        assert_eq!(find(Sought::operation(operation), shielding).await, None);
    }

    #[test]
    fn any_other_receipt_is_refused() {
        let (operation, receipt, confirmed) = confirmed_block();
        let executed = OperationLeaf { outcome: Outcome::Executed, ..receipt.leaf };
        for forged in [
            Receipt { leaf: executed, ..receipt.clone() },
            Receipt { index: 0, ..receipt.clone() },
            Receipt { block_hash: BlockHash::zero(), ..receipt.clone() },
            Receipt { block_number: 8, ..receipt.clone() },
            Receipt { path: Vec::new(), ..receipt.clone() },
        ] {
            assert!(check_receipt(&forged, operation, &confirmed).is_err(), "{forged:?}");
        }
        assert!(check_receipt(&receipt, H256::zero(), &confirmed).is_err());
        let other_root = with_root(0, &confirmed);
        assert!(check_receipt(&receipt, operation, &other_root).is_err());
    }

    #[test]
    fn p05_a_receipt_outlives_a_confirmation_that_contradicts_it_and_the_user_is_warned() {
        let (operation, receipt, confirmed) = confirmed_block();
        let (root, other) = (confirmed.trusted_calls_merkle_root, with_root(9, &confirmed));
        let warning = Milestone::Contradiction { root: other.trusted_calls_merkle_root };
        let processed = Milestone::Processed { block_hash: confirmed.block_hash, root };

        // In the same block, in either order.
        for both in [[other, confirmed], [confirmed, other]] {
            let told = Told::default();
            assert_eq!(check(&receipt, operation).block(&both, &told).unwrap(), Some(root));
            assert_eq!(told.0.into_inner().unwrap(), [warning, processed]);
        }
        // In the last block that is waited for, after the same contradiction a second time.
        let told = Told::default();
        let mut check = check(&receipt, operation);
        assert_eq!(check.block(&[other], &told).unwrap(), None);
        for _ in 1..CONTRADICTION_PATIENCE {
            assert_eq!(check.block(&[other], &told).unwrap(), None);
        }
        assert_eq!(check.block(&[confirmed], &told).unwrap(), Some(root));
        assert_eq!(told.0.into_inner().unwrap(), [warning, processed]);
    }

    #[test]
    fn p05_a_receipt_that_no_enclave_confirms_is_refused_in_time() {
        let (operation, receipt, confirmed) = confirmed_block();
        let told = Told::default();
        let mut check = check(&receipt, operation);
        // Without a contradiction, time alone is no reason.
        for _ in 0..3 * CONTRADICTION_PATIENCE {
            assert_eq!(check.block(&[], &told).unwrap(), None);
        }
        assert_eq!(check.block(&[with_root(9, &confirmed)], &told).unwrap(), None);
        for _ in 1..CONTRADICTION_PATIENCE {
            assert_eq!(check.block(&[], &told).unwrap(), None);
        }
        let refused = check.block(&[], &told);
        assert!(matches!(refused, Err(WorkflowError::Receipt { operation: about }) if about == operation));
    }
}
