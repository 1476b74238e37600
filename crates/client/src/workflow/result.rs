// SPDX-License-Identifier: Apache-2.0
//! What the sender of an operation learns of its execution, checked like its receipt.

use super::{
    WorkflowError,
    receipt::{RECEIPT_PATIENCE, Settled, settle_past},
};
use crate::{
    account::Account,
    parentchain::Parentchain,
    progress::{Observer, Stage},
    worker::{Worker, WorkerError},
};
use offstage_primitives::{
    H256,
    result::{HistoryEntry, OperationResult, ProvenResult},
};
use std::time::Duration;
use tokio::time::timeout;

/// A result that follows from a root on chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedResult {
    /// Where the operation is, and the root that its receipt was checked against.
    pub settled: Settled,
    /// What became of it, as only its sender knows.
    pub result: OperationResult,
}

/// What became of an operation of `owner`, with what its sender alone is told, checked against the chain. A worker that
/// may be a few blocks behind is given [`RECEIPT_PATIENCE`].
///
/// # Errors
/// - [`WorkflowError::NoResult`] when the worker tells nothing of it;
/// - [`WorkflowError::OtherResult`] when the result is not the one that the receipt commits to;
/// - as [`receipt_of`](super::receipt_of).
pub async fn result_of(
    chain: &Parentchain,
    worker: &mut Worker,
    operation: H256,
    owner: &Account,
    observer: &dyn Observer,
) -> Result<CheckedResult, WorkflowError> {
    observer.waiting_for(Stage::Receipt);
    let asked = timeout(RECEIPT_PATIENCE, first_result(worker, operation, owner)).await;
    let proven = asked.map_err(|_| WorkflowError::NoResult { operation })??;
    let result = fitting(&proven, operation)?.clone();
    let settled = settle_past(chain, worker.identity().shard(), proven.receipt, operation, observer).await?;
    Ok(CheckedResult { settled, result })
}

/// The newest operations of `owner` that the worker remembers, at most `most`, newest first. What became of each is the
/// worker's word; [`result_of`] checks one.
///
/// # Errors
/// [`WorkerError`].
pub async fn history_of(
    worker: &mut Worker,
    owner: &Account,
    most: usize,
) -> Result<Vec<HistoryEntry>, WorkerError> {
    let (mut entries, mut before) = (Vec::new(), None);
    loop {
        let stretch = worker.history(owner, before).await?;
        entries.extend(stretch.entries);
        // A worker that goes round in circles is left.
        let next = stretch.next.filter(|next| before.is_none_or(|before| *next < before));
        if next.is_none() || entries.len() >= most {
            entries.truncate(most);
            return Ok(entries);
        }
        before = next;
    }
}

/// The result, if it is of this operation and the one that its receipt's leaf commits to.
fn fitting(proven: &ProvenResult, operation: H256) -> Result<&OperationResult, WorkflowError> {
    let fits = proven.receipt.leaf.operation == operation && proven.fits_receipt();
    if fits { Ok(&proven.result) } else { Err(WorkflowError::OtherResult { operation }) }
}

/// Asks until there is a result.
async fn first_result(
    worker: &mut Worker,
    operation: H256,
    owner: &Account,
) -> Result<ProvenResult, WorkerError> {
    loop {
        if let Some(found) = worker.result(operation, owner).await? {
            return Ok(found);
        }
        tokio::time::sleep(RESULT_INTERVAL).await;
    }
}

/// How often a worker that is behind is asked again.
const RESULT_INTERVAL: Duration = Duration::from_millis(300);

#[cfg(test)]
mod tests {
    use super::*;
    use offstage_primitives::{
        BlockHash,
        receipt::{OperationLeaf, Outcome, Receipt},
    };

    #[test]
    fn c28_a_result_that_the_receipt_does_not_commit_to_is_refused() {
        let operation = H256::repeat_byte(1);
        let result = OperationResult { refusal: Some("Token.Frozen".into()), ..OperationResult::default() };
        let leaf =
            OperationLeaf { operation, outcome: Outcome::Refused, result: result.commitment(&[3; 32]) };
        let receipt = Receipt {
            leaf,
            block_number: 7,
            block_hash: BlockHash::zero(),
            index: 0,
            leaf_count: 1,
            path: Vec::new(),
        };
        let honest = ProvenResult { receipt, salt: [3; 32], result };
        assert!(fitting(&honest, operation).is_ok());
        assert!(fitting(&honest, H256::zero()).is_err(), "of another operation");
        let friendlier = ProvenResult { result: OperationResult::default(), ..honest };
        assert!(matches!(fitting(&friendlier, operation), Err(WorkflowError::OtherResult { .. })));
    }
}
