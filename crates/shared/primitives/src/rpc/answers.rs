// SPDX-License-Identifier: Apache-2.0
//! The values of the methods that are our own, and the codes of errors.

use crate::BlockHash;
use alloc::vec::Vec;
use codec::{Decode, Encode};

/// What `offstage_getStatus` returns.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct WorkerStatus {
    /// What the worker is doing.
    pub phase: Phase,
    /// The last block that it executed.
    pub position: BlockReference,
    /// The newest block that it knows to be final.
    pub finalized: BlockReference,
}

/// What `offstage_executeGetter` returns.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct GetterAnswer {
    /// As in `state_executeGetter`: the SCALE encoding of the value, if there is one.
    pub value: Option<Vec<u8>>,
    /// The block it holds for.
    pub block: BlockReference,
}

/// A block's number and hash.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct BlockReference {
    /// Its number.
    pub number: u32,
    /// Its hash.
    pub hash: BlockHash,
}

/// What an enclave is doing. Only in [`Phase::Serving`] does it answer clients and sign confirmations.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub enum Phase {
    /// Follows the chain to its head; as a joiner that got the key, executes from the shard's birth on.
    #[codec(index = 0)]
    CatchingUp,
    /// Registered for a shard that was born to another enclave: it needs the shielding key from a peer. It follows
    /// blocks meanwhile.
    #[codec(index = 1)]
    NeedsShieldingKey,
    /// Caught up; its registration of this start is in the outbox and not yet seen final, or the first confirmation, by
    /// which the shard is born, is not.
    #[codec(index = 2)]
    AwaitingRegistration,
    /// Registered, caught up, serving.
    #[codec(index = 3)]
    Serving,
    /// A later start with the same signer has registered. It stops serving; only a restart helps.
    #[codec(index = 4)]
    Superseded,
    /// Its operator takes it out: it registers no more, and its registration is removed. Only another start ends this.
    #[codec(index = 5)]
    Leaving,
}

/// The codes of JSON-RPC errors: a call that is none, or that is not answered at all. What a method of the protocol has
/// to say against a good call comes as a result, with status `Error`; a method of the author's own has no such form.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorCode {
    /// The message is not JSON.
    Parse,
    /// It is JSON, but no call.
    InvalidRequest,
    /// There is no such method.
    UnknownMethod,
    /// The parameters are not those of the method.
    InvalidParams,
    /// The answers to a batch would be too long; this call is to come alone.
    BatchTooLong,
    /// The caller's address used up what one address may ask; the connection is closed.
    OverBudget,
    /// A method of the author's own is not answered now: the worker does not serve, or is busy.
    NotNow,
    /// A method of the author's own refuses, or failed.
    MethodFailed,
}

impl ErrorCode {
    /// The number on the wire. Those down to -32600 are of the specification
    /// (<https://www.jsonrpc.org/specification>), the others are from the range that it leaves to servers.
    pub const fn number(self) -> i32 {
        match self {
            Self::Parse => -32700,
            Self::InvalidRequest => -32600,
            Self::UnknownMethod => -32601,
            Self::InvalidParams => -32602,
            Self::BatchTooLong => -32000,
            Self::OverBudget => -32001,
            Self::NotNow => -32002,
            Self::MethodFailed => -32003,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_of_phases_are_pinned() {
        // Without an entry here a new phase does not compile.
        let pinned = |phase: Phase| match phase {
            Phase::CatchingUp => 0,
            Phase::NeedsShieldingKey => 1,
            Phase::AwaitingRegistration => 2,
            Phase::Serving => 3,
            Phase::Superseded => 4,
            Phase::Leaving => 5,
        };
        for code in 0..=u8::MAX {
            match Phase::decode(&mut &[code][..]) {
                Ok(phase) => assert_eq!(pinned(phase), code),
                Err(_) => assert!(code > 4, "no phase has the code {code}"),
            }
        }
    }

    #[test]
    fn the_codes_of_errors_are_pinned() {
        // Without an entry here a new code does not compile.
        let pinned = |code: ErrorCode| match code {
            ErrorCode::Parse => -32700,
            ErrorCode::InvalidRequest => -32600,
            ErrorCode::UnknownMethod => -32601,
            ErrorCode::InvalidParams => -32602,
            ErrorCode::BatchTooLong => -32000,
            ErrorCode::OverBudget => -32001,
            ErrorCode::NotNow => -32002,
            ErrorCode::MethodFailed => -32003,
        };
        for code in [
            ErrorCode::Parse,
            ErrorCode::InvalidRequest,
            ErrorCode::UnknownMethod,
            ErrorCode::InvalidParams,
            ErrorCode::BatchTooLong,
            ErrorCode::OverBudget,
            ErrorCode::NotNow,
            ErrorCode::MethodFailed,
        ] {
            assert_eq!(code.number(), pinned(code));
        }
    }
}
