// SPDX-License-Identifier: Apache-2.0
//! Random numbers for a runtime's pallets, the same on every worker.
//!
//! A pallet whose configuration wants a `Randomness` gets [`Randomness<Runtime>`]. What it draws follows from a secret
//! that the shard's enclaves derive from the shielding key and the block's hash, from the operation that draws, and
//! from how often it has drawn. So nobody outside knows it before the block is executed: not who produces the block,
//! nor a worker's operator, because an enclave executes final blocks alone.
//!
//! # What it cannot do
//! - **Hold a player to a result.** Who draws and sees the result within one operation can make that operation fail,
//!   and try again with the next one: a batch that ends with a call that fails unless the draw was good. Draw in a
//!   later block than the stake: in a hook, or in a call of somebody else.
//! - **Stay secret from whoever holds the shielding key.** If an enclave is broken, its operator can compute the past
//!   and, with a block producer, choose among future blocks.
//! - **Answer a read.** There is none in view functions: a read that asks for it has no answer.

use super::{ShardRuntime, block::own_key};
use crate::{
    executor::{BLOCK_BEGINS, BLOCK_ENDS},
    state_transition::BlockSecret,
};
use codec::Encode;
use frame_support::storage::unhashed;
use frame_system::pallet_prelude::BlockNumberFor;
use offstage_primitives::H256;
use sp_crypto_hashing::blake2_256;
use std::marker::PhantomData;

/// Random numbers of the runtime `R`. See the module.
pub struct Randomness<R>(PhantomData<fn() -> R>);

impl<R: ShardRuntime> frame_support::traits::Randomness<H256, BlockNumberFor<R>> for Randomness<R> {
    #[expect(
        clippy::panic,
        reason = "contained by the executor; a number that is not random must not be returned"
    )]
    fn random(subject: &[u8]) -> (H256, BlockNumberFor<R>) {
        let Some(secret) = unhashed::get::<[u8; 32]>(&own_key(SECRET)) else {
            panic!("there is no randomness in a read");
        };
        let operation = operation();
        let drawn: u32 = unhashed::get_or_default(&own_key(DRAWN));
        unhashed::put(&own_key(DRAWN), &drawn.saturating_add(1));
        let value = (DRAW_DOMAIN, secret, operation, drawn, subject).using_encoded(blake2_256);
        (H256(value), frame_system::Pallet::<R>::block_number())
    }
}

/// Puts the block's secret where draws find it.
pub(super) fn enter_block(secret: Option<&BlockSecret>) {
    match secret {
        Some(secret) => unhashed::put(&own_key(SECRET), secret.bytes()),
        None => unhashed::kill(&own_key(SECRET)),
    }
}

/// What draws from here on.
pub(super) fn enter_operation(operation: &H256) {
    unhashed::put(&own_key(OPERATION), operation);
    unhashed::kill(&own_key(DRAWN));
}

/// Whether an operation is executed, and not a hook of the block's beginning or end.
pub(super) fn in_operation() -> bool {
    ![BLOCK_BEGINS, BLOCK_ENDS].contains(&operation())
}

/// Name of the operation that is executed.
pub(super) fn operation() -> H256 {
    unhashed::get_or_default(&own_key(OPERATION))
}

/// What the SDK keeps for it, none of it in the state.
pub(super) const ITEMS: [&str; 3] = [SECRET, OPERATION, DRAWN];
const SECRET: &str = "Secret";
const OPERATION: &str = "Operation";
const DRAWN: &str = "Drawn";

/// Pinned by a test: another would give workers of two versions different numbers.
const DRAW_DOMAIN: &[u8; 18] = b"offstage/random/v1";
