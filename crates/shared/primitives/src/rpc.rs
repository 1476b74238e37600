// SPDX-License-Identifier: Apache-2.0
//! What a worker is asked over JSON-RPC, and what it answers (`docs/src/wire.md`, "RPC methods").
//!
//! [`Method`] is the one list of methods: the enclave's dispatch, its `rpc_methods`, the clients' names and the table
//! of the documentation all come from it.

mod answers;
mod method;

pub use answers::{BlockReference, ErrorCode, GetterAnswer, Phase, WorkerStatus};
pub use method::{Answered, Method, Parameters};

use alloc::{string::String, vec::Vec};
use codec::{Decode, Encode};
use sp_core::H256;

/// The result of every worker method, as `0x` and the hexadecimal form of its SCALE encoding.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct RpcReturnValue {
    /// SCALE of the method's value; of a `String` when `status` is [`DirectRequestStatus::Error`].
    pub value: Vec<u8>,
    /// Whether status updates follow. Never, for an off-chain worker.
    pub do_watch: bool,
    /// What kind of answer it is.
    pub status: DirectRequestStatus,
}

impl RpcReturnValue {
    /// A good answer with a method's value.
    pub fn ok(value: impl Encode) -> Self {
        Self { value: value.encode(), do_watch: false, status: DirectRequestStatus::Ok }
    }

    /// An answer that says what went wrong.
    pub fn error(message: impl Into<String>) -> Self {
        Self { value: message.into().encode(), do_watch: false, status: DirectRequestStatus::Error }
    }
}

/// The kind of a worker's answer.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum DirectRequestStatus {
    /// The value is what was asked for.
    #[codec(index = 0)]
    Ok,
    /// The state of a directly submitted operation. Off-chain workers have none.
    #[codec(index = 1)]
    TrustedOperationStatus(TrustedOperationStatus),
    /// The value is a message.
    #[codec(index = 2)]
    Error,
}

/// The states of a directly submitted operation.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum TrustedOperationStatus {
    /// Taken.
    #[codec(index = 0)]
    Submitted,
    /// Waits for an earlier nonce.
    #[codec(index = 1)]
    Future,
    /// Ready to be executed.
    #[codec(index = 2)]
    Ready,
    /// Sent to peers.
    #[codec(index = 3)]
    Broadcast,
    /// Part of this sidechain block.
    #[codec(index = 4)]
    InSidechainBlock(H256),
    /// Its block was retracted.
    #[codec(index = 5)]
    Retracted,
    /// Finality did not come.
    #[codec(index = 6)]
    FinalityTimeout,
    /// Final.
    #[codec(index = 7)]
    Finalized,
    /// Replaced by another of the same nonce.
    #[codec(index = 8)]
    Usurped,
    /// Dropped.
    #[codec(index = 9)]
    Dropped,
    /// Not valid.
    #[codec(index = 10)]
    Invalid,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_are_those_of_the_wire() {
        assert_eq!(RpcReturnValue::ok(42u32).encode(), [&[16, 42, 0, 0, 0][..], &[0], &[0]].concat());
        assert_eq!(RpcReturnValue::error("no").encode(), [&[12, 8, b'n', b'o'][..], &[0], &[2]].concat());
        assert_eq!(
            DirectRequestStatus::TrustedOperationStatus(TrustedOperationStatus::Invalid).encode(),
            [1, 10]
        );
    }
}
