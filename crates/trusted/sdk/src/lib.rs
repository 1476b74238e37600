// SPDX-License-Identifier: Apache-2.0
//! # Writing confidential business logic
//!
//! Offstage runs your logic in enclaves, several workers of a *shard* side by side. Users encrypt operations and put
//! them on a parentchain; every worker executes them in the chain's order and so reaches the same state, of which the
//! chain sees a commitment only. This crate is what you write against, and what runs what you wrote.
//!
//! ## What you write
//! A type that implements [`StateTransition`]: which calls there are, what they change, who may read what. Here is all
//! of `examples/counter.rs`:
//!
//! ```rust,ignore
#![doc = include_str!("../examples/counter.rs")]
//! ```
//!
//! Most authors bring FRAME pallets instead of touching storage by hand: [`frame`] has the few lines between a FRAME
//! runtime and the trait, and `templates/balances` is a whole example. Your enclave's `main` is one line:
//! `offstage_enclave::Program::new::<YourLogic>().run()`.
//!
//! ## What runs it
//! An [`Executor`] takes a block's [`Operation`]s and a state, which is a root hash and a [`NodeStore`] of trie nodes,
//! and returns a [`BlockOutcome`]: the new root, the nodes that change, and what became of each operation.
//!
//! ```text
//! decrypted operation --Operation::authenticate--> Operation::Call(Authenticated) ---\
//! proven shield_funds ----------------------------> Operation::Shield ----------------> Executor::execute_block
//! undecryptable and the like ---------------------> Operation::Failed ---------------/  nonce -> weight -> your code
//! ```
//!
//! ## What you can rely on
//! - A call reaches [`execute`](StateTransition::execute) only if its sender signed it for this shard and measurement,
//!   with the next nonce, and it is not too heavy. Only the check makes an [`Authenticated`].
//! - Nobody fills a block: each sender has a share of its weight. What finds no room is put off, with its nonce unused.
//! - A payment that the parentchain would refuse is refused inside, before it takes anything.
//! - A call that fails or panics leaves nothing behind but its used nonce. The block goes on.
//! - A shard's state depends on nothing but the chain's verified blocks. Use nothing else (see [`state_transition`]).
//! - Reads see one block's state, and write nothing.
//!
//! ## What must not leak
//! - A panic's message is not printed: the first [`Executor`] installs a panic hook that keeps quiet while your code
//!   runs. It passes other panics on to the hook that was there before.
//! - polkadot-sdk's state machine logs keys and values at level `trace`, pallets log at `debug`, through `tracing` and
//!   `log`. An enclave's subscriber must let pass only Offstage's own targets; never write a log line from business
//!   logic.
//! - A trie node's key holds parts of account ids: see [`node_store`].
//!
//! ## Testing
//! With the feature `testing`, `testing` has accounts and a worker in memory.
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::unreachable,
        clippy::todo,
        clippy::unimplemented,
        clippy::disallowed_methods,
        clippy::disallowed_types
    )
)]

mod ancestors;
mod contained;
pub mod executor;
pub mod frame;
pub mod method;
pub mod node_store;
pub mod nonce;
pub mod operation;
pub mod parentchain;
mod session;
pub mod state_transition;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use ancestors::{Ancestors, MAX_ANCESTORS};
pub use executor::{
    BlockOutcome, DeliveryOutcome, ExecutionError, Executor, Genesis, OperationOutcome, ReadError, empty_root,
};
pub use frame_support::weights::Weight;
pub use method::{MethodContext, MethodError};
pub use node_store::{NodeChanges, NodeStore, NodeStoreError, count_entries};
pub use offstage_primitives::{
    AccountId32, H256, MultiSignature, ShardIdentifier,
    receipt::Outcome,
    trusted::{Domain, TrustedCall},
};
pub use operation::{Authenticated, Operation};
pub use state_transition::{
    Applied, BlockContext, BlockSecret, CallError, CheckedExtrinsic, Effect, Effects, Limits, PayoutTerms,
    ReadContext, Reads, Report, ShardContext, StateTransition,
};

#[cfg(test)]
mod tests;
