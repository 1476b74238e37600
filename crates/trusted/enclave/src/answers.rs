// SPDX-License-Identifier: Apache-2.0
//! The part of the business logic that answers questions.
//!
//! The listeners hold it without the business logic's type; it reads a [`Snapshot`] and changes nothing.

use crate::store::{Snapshot, StoreError};
use offstage_primitives::{H256, bounded::decode_bounded, trusted::MAX_OPERATION_LEN};
use offstage_sdk::{ExecutionError, Executor, NodeStoreError, ReadContext, ReadError, StateTransition};

/// The part of the business logic that answers questions, without its type.
pub trait Answers: Send + Sync {
    /// Answers a SCALE-encoded getter on a state. `Ok(None)` when the getter is malformed, not authorised, or has no
    /// value: one answer for all, that nothing can be probed. `reading` says where and for which block its signature
    /// must be good.
    ///
    /// # Errors
    /// When the store fails.
    fn answer(
        &self,
        snapshot: &Snapshot,
        root: H256,
        reading: &ReadContext,
        getter: &[u8],
    ) -> Result<Option<Vec<u8>>, StoreError>;

    /// The metadata of the business logic's runtime, SCALE-encoded.
    fn metadata(&self) -> Vec<u8>;
}

/// Answers getters with a business logic.
pub struct Logic<S>(
    /// Shares its cache of nodes with the one that executes blocks.
    pub Executor<S>,
);

impl<S: StateTransition> Answers for Logic<S> {
    fn answer(
        &self,
        snapshot: &Snapshot,
        root: H256,
        reading: &ReadContext,
        getter: &[u8],
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let Ok(getter) = decode_bounded::<S::Getter>(getter, MAX_OPERATION_LEN) else { return Ok(None) };
        match self.0.read(snapshot, root, reading, &getter) {
            Ok(answer) => Ok(answer),
            Err(ReadError::Unauthorised | ReadError::Panicked) => Ok(None),
            Err(ReadError::Execution(ExecutionError::Store(error))) => Err(match error {
                NodeStoreError::Missing => StoreError::Missing("nodes"),
                NodeStoreError::Corrupt => StoreError::Damaged("nodes"),
                NodeStoreError::Unreadable(text) => StoreError::Disk(text),
            }),
            Err(ReadError::Execution(ExecutionError::Genesis | ExecutionError::Bug(_))) => Ok(None),
        }
    }

    fn metadata(&self) -> Vec<u8> {
        S::metadata()
    }
}
