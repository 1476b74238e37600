// SPDX-License-Identifier: Apache-2.0
//! What an RPC method of the author's own sees.
//!
//! A method is a function over the state of one block, inside externalities: it reads through the runtime's pallets, or
//! `sp_io::storage`, as a view function does. What it writes is thrown away, and there is no randomness in it. The
//! enclave's program takes such functions by name (`offstage_enclave::Program::method`).
//!
//! # Attacks
//! A method is a read policy of its own: it tells whatever its code reads, to whomever its code tells it. Everybody can
//! call it, with any parameters. [`MethodContext::asker`] is the account that has shown itself; what belongs to an
//! account goes to that account alone.

use crate::state_transition::{BlockContext, ShardContext};
use offstage_primitives::{AccountId32, BlockHash};

/// The block that a method answers from, and who asks.
pub struct MethodContext<'a> {
    block: &'a BlockContext,
    asker: Option<&'a AccountId32>,
}

impl<'a> MethodContext<'a> {
    /// Only with an asker whose permit is good for this block.
    pub(crate) fn new(block: &'a BlockContext, asker: Option<&'a AccountId32>) -> Self {
        Self { block, asker }
    }

    /// The account that has shown itself by a signed permit; `None` when the call had none.
    pub fn asker(&self) -> Option<&AccountId32> {
        self.asker
    }

    /// The shard.
    pub fn shard(&self) -> &ShardContext {
        &self.block.shard
    }

    /// Number of the block on whose state the method runs.
    pub fn block_number(&self) -> u32 {
        self.block.number
    }

    /// The block's hash.
    pub fn block_hash(&self) -> BlockHash {
        self.block.hash
    }

    /// The block's time, in milliseconds since the Unix epoch, as its producer set it. There is no other clock.
    pub fn timestamp_ms(&self) -> u64 {
        self.block.timestamp_ms
    }
}

/// Why a method does not answer. A fixed text for whoever asks, never built from state: it says no more than it means
/// to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct MethodError(pub &'static str);
