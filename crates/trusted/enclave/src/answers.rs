// SPDX-License-Identifier: Apache-2.0
//! The part of the business logic that answers questions.
//!
//! The listeners hold it without the business logic's type; it reads a [`Snapshot`] and changes nothing.

use crate::{
    methods::{OwnMethodError, OwnMethods},
    store::{Snapshot, StoreError},
};
use offstage_primitives::{
    H256,
    bounded::decode_bounded,
    read::{Permit, Question},
    trusted::MAX_OPERATION_LEN,
};
use offstage_sdk::{
    BlockContext, ExecutionError, Executor, NodeStoreError, ReadContext, ReadError, Reads, StateTransition,
};
use std::sync::Arc;

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

    /// The methods of the author's own.
    fn methods(&self) -> &OwnMethods {
        static NONE: OwnMethods = OwnMethods::none();
        &NONE
    }

    /// Runs a method of the author's own on the state of this block. The value is JSON.
    ///
    /// # Errors
    /// When the store fails. What the method says against the call is no error of this function.
    fn call_method(
        &self,
        _snapshot: &Snapshot,
        _root: H256,
        _block: &BlockContext,
        _call: &MethodCall,
    ) -> Result<Result<String, OwnMethodError>, StoreError> {
        Ok(Err(OwnMethodError::Failed))
    }

    /// The metadata of the business logic's runtime, SCALE-encoded.
    fn metadata(&self) -> Vec<u8>;

    /// The same in the newest version of the format.
    fn newest_metadata(&self) -> Vec<u8> {
        self.metadata()
    }
}

/// A call of a method of the author's own.
pub struct MethodCall {
    /// The method.
    pub name: &'static str,
    /// Its parameters: a JSON array or object.
    pub parameters: String,
    /// Who asks, if they say.
    pub permit: Option<Permit>,
}

/// Answers with a business logic.
pub struct Logic<S> {
    /// Shares its cache of nodes with the one that executes blocks.
    executor: Executor<S>,
    reads: Box<dyn Reads>,
    methods: Arc<OwnMethods>,
}

impl<S: StateTransition> Logic<S> {
    /// With an executor that shares its cache with the one that executes blocks.
    pub fn new(executor: Executor<S>, methods: Arc<OwnMethods>) -> Self {
        Self { executor, reads: S::reads(), methods }
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

    fn methods(&self) -> &OwnMethods {
        &self.methods
    }

    fn call_method(
        &self,
        snapshot: &Snapshot,
        root: H256,
        block: &BlockContext,
        call: &MethodCall,
    ) -> Result<Result<String, OwnMethodError>, StoreError> {
        let MethodCall { name, parameters, permit } = call;
        let answered = self.executor.call_method(snapshot, root, block, permit.as_ref(), |context| {
            self.methods.run(name, context, parameters)
        });
        match answered {
            Ok(answer) => Ok(answer),
            Err(ReadError::Unauthorised) => Ok(Err(OwnMethodError::Permit)),
            Err(ReadError::Panicked) => Ok(Err(OwnMethodError::Failed)),
            Err(ReadError::Execution(error)) => {
                store_failure(error).map_or(Ok(Err(OwnMethodError::Failed)), Err)
            }
        }
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
        Err(ReadError::Execution(error)) => store_failure(error).map_or(Ok(None), Err),
    }
}

/// What of an execution's errors is the store's.
fn store_failure(error: ExecutionError) -> Option<StoreError> {
    match error {
        ExecutionError::Store(NodeStoreError::Missing) => Some(StoreError::Missing("nodes")),
        ExecutionError::Store(NodeStoreError::Corrupt) => Some(StoreError::Damaged("nodes")),
        ExecutionError::Store(NodeStoreError::Unreadable(text)) => Some(StoreError::Disk(text)),
        ExecutionError::Genesis | ExecutionError::Bug(_) => None,
    }
}
