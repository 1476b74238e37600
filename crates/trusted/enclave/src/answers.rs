// SPDX-License-Identifier: Apache-2.0
//! The part of the business logic that answers questions.
//!
//! The listeners hold it without the business logic's type; it reads a [`Snapshot`] and changes nothing.

use crate::store::{Snapshot, StoreError};
use offstage_primitives::{
    H256,
    bounded::decode_bounded,
    read::{Permit, Question},
    trusted::MAX_OPERATION_LEN,
};
use offstage_sdk::{
    BlockContext, ExecutionError, Executor, NodeStoreError, ReadContext, ReadError, Reads, StateTransition,
};

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

    /// Answers a question by name on the state of this block. `Ok(None)` for all that is not told: as for getters.
    ///
    /// # Errors
    /// When the store fails.
    fn read(
        &self,
        snapshot: &Snapshot,
        root: H256,
        block: &BlockContext,
        question: &Question,
        permit: Option<&Permit>,
    ) -> Result<Option<Vec<u8>>, StoreError>;

    /// The metadata of the business logic's runtime, SCALE-encoded.
    fn metadata(&self) -> Vec<u8>;

    /// The same in the newest version of the format.
    fn newest_metadata(&self) -> Vec<u8> {
        self.metadata()
    }
}

/// Answers with a business logic.
pub struct Logic<S> {
    /// Shares its cache of nodes with the one that executes blocks.
    executor: Executor<S>,
    reads: Box<dyn Reads>,
}

impl<S: StateTransition> Logic<S> {
    /// With an executor that shares its cache with the one that executes blocks.
    pub fn new(executor: Executor<S>) -> Self {
        Self { executor, reads: S::reads() }
    }
}

impl<S: StateTransition> Answers for Logic<S> {
    fn answer(
        &self,
        snapshot: &Snapshot,
        root: H256,
        reading: &ReadContext,
        getter: &[u8],
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let Ok(getter) = decode_bounded::<S::Getter>(getter, MAX_OPERATION_LEN) else { return Ok(None) };
        told(self.executor.read(snapshot, root, reading, &getter))
    }

    fn read(
        &self,
        snapshot: &Snapshot,
        root: H256,
        block: &BlockContext,
        question: &Question,
        permit: Option<&Permit>,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        told(self.executor.ask(snapshot, root, block, &*self.reads, question, permit))
    }

    fn metadata(&self) -> Vec<u8> {
        S::metadata()
    }

    fn newest_metadata(&self) -> Vec<u8> {
        S::newest_metadata()
    }
}

/// What a client is told of a read that failed: nothing, unless the store did.
fn told(read: Result<Option<Vec<u8>>, ReadError>) -> Result<Option<Vec<u8>>, StoreError> {
    match read {
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
