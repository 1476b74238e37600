// SPDX-License-Identifier: Apache-2.0
//! Calls of the parentchain in the shard's name, by its proven metadata.
//!
//! A logic asks for a call by its names. Whether the parentchain has it, with these arguments, is checked in the
//! operation that asks, by the runtime that made the block: the same on every worker. It is encoded when it is
//! signed, by the runtime of then. So a call that was asked for before an upgrade is never another one behind it:
//! names and types fit, or it is held until its last block is past.
//!
//! What fits the metadata may still be refused by the chain when it decodes it, for a bound that no metadata tells.
//! Then the call has failed on chain, and nothing else has: the chain takes it as bytes.

use crate::extrinsic::{ExtrinsicError, call_index};
use codec::Encode;
use offstage_light_client::{
    VerifiedRuntime,
    runtime::{self, CallError},
};
use offstage_primitives::{
    H256, ShardIdentifier,
    chain::{argument, enclave_bridge},
};
use offstage_sdk::parentchain::{Argument, Calls, Unfit};
use std::sync::Arc;

/// The calls that a proven runtime takes.
pub struct ProvenCalls(pub Arc<VerifiedRuntime>);

impl Calls for ProvenCalls {
    fn check(&self, pallet: &str, call: &str, arguments: &[Argument]) -> Result<(), Unfit> {
        guard(&self.0).map_err(|_| Unfit::NoGuard)?;
        encode_inner(&self.0, pallet, call, arguments).map(drop)
    }
}

/// A call in a shard's name, as the enclave asks the chain for it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShardCall {
    /// The shard.
    pub shard: ShardIdentifier,
    /// Unique for this effect.
    pub call_hash: H256,
    /// Number of the last block in which the chain takes it.
    pub until: u32,
    /// The pallet.
    pub pallet: String,
    /// The call.
    pub call: String,
    /// Its arguments, in order.
    pub arguments: Vec<Argument>,
}

impl ShardCall {
    /// Encodes `EnclaveBridge.execute_for_shard`.
    ///
    /// # Errors
    /// When the runtime has no such call, or the call inside does not fit it.
    pub fn encode(&self, runtime: &VerifiedRuntime) -> Result<Vec<u8>, ExtrinsicError> {
        let index = guard(runtime)?;
        let inner = encode_inner(runtime, &self.pallet, &self.call, &self.arguments)?;
        Ok((index, self.shard, self.call_hash, self.until, inner).encode())
    }

    /// Whether the runtime takes it.
    pub fn fits(&self, runtime: &VerifiedRuntime) -> bool {
        self.encode(runtime).is_ok()
    }
}

fn guard(runtime: &VerifiedRuntime) -> Result<(u8, u8), ExtrinsicError> {
    let arguments = [
        (argument::SHARD, runtime::Argument::Hash),
        (argument::CALL_HASH, runtime::Argument::Hash),
        (argument::UNTIL, runtime::Argument::U32),
        (argument::CALL, runtime::Argument::Bytes),
    ];
    call_index(runtime, enclave_bridge::PALLET, enclave_bridge::EXECUTE_FOR_SHARD, &arguments)
}

fn encode_inner(
    runtime: &VerifiedRuntime,
    pallet: &str,
    call: &str,
    arguments: &[Argument],
) -> Result<Vec<u8>, Unfit> {
    let arguments = arguments.iter().map(|argument| (&*argument.name, &*argument.value));
    runtime.encode_call(pallet, call, arguments).map_err(|error| match error {
        CallError::NoSuchCall => Unfit::NoSuchCall,
        CallError::OtherArguments => Unfit::OtherArguments,
        CallError::OtherType => Unfit::OtherType,
    })
}

#[cfg(test)]
mod tests;
