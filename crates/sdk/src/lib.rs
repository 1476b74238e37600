// SPDX-License-Identifier: Apache-2.0
//! Offstage.
#![forbid(unsafe_code)]

mod contained;
pub mod executor;
pub mod node_store;
pub mod nonce;
pub mod operation;
mod session;
pub mod state_transition;

pub use executor::{BlockOutcome, ExecutionError, Executor, Genesis, OperationOutcome, ReadError, empty_root};
pub use frame_support::weights::Weight;
pub use node_store::{NodeChanges, NodeStore, NodeStoreError};
pub use offstage_primitives::{AccountId32, H256, MultiSignature, ShardIdentifier, receipt::Outcome, trusted::TrustedCall};
pub use operation::{Authenticated, Operation};
pub use state_transition::{
    BlockContext, CallError, Effect, Effects, Limits, ShardContext, StateTransition,
};
