// SPDX-License-Identifier: Apache-2.0
//! What a shard wants done on its parentchain, and what it learns of it.
//!
//! # Effects
//! A pallet asks for a payment or for a call of the parentchain ([`frame::effects`](crate::frame::effects)). Which
//! calls these may be is an [allow-list](ParentchainCall) in the runtime, and so part of the measurement. The enclave
//! encodes a call by the parentchain's proven metadata. A call that does not fit it is refused inside, on all workers
//! alike, in the operation that asks.
//!
//! The parentchain does each once: it notes the effect's name, whoever brings it, and however often.
//!
//! # Delivery
//! A verified block shows what became of an effect. Each comes to one of three ends, once, at the beginning of a block
//! ([`Delivery`]). A call that was not executed up to its last block never will be: the parentchain refuses it from
//! then on. So a logic may give back what it took for it. A payment has no such end: it waits until the shard's
//! account on the parentchain can make it.
//!
//! # State
//! What the parentchain's state holds can be read, item by item ([`storage`]).

pub mod storage;

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use offstage_primitives::H256;
use scale_info::TypeInfo;
use std::{fmt, sync::Arc};
use storage::StorageRead;

/// A call of the parentchain, by its names in the chain's metadata.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ParentchainCall {
    /// The pallet.
    pub pallet: &'static str,
    /// The call.
    pub call: &'static str,
}

/// A list of [`ParentchainCall`]s, for [`ShardRuntime::EFFECTS`](crate::frame::ShardRuntime::EFFECTS):
///
/// ```
/// use offstage_sdk::{effects, parentchain::ParentchainCall};
///
/// const EFFECTS: &[ParentchainCall] = effects![System.remark_with_event, Balances.transfer_keep_alive];
/// assert_eq!(EFFECTS[1].call, "transfer_keep_alive");
/// ```
#[macro_export]
macro_rules! effects {
    ($($pallet:ident . $call:ident),* $(,)?) => {
        &[$($crate::parentchain::ParentchainCall {
            pallet: stringify!($pallet),
            call: stringify!($call),
        }),*]
    };
}

/// An argument of a call, as it stands in the call.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Argument {
    /// Its name in the chain's metadata.
    pub name: String,
    /// SCALE of its value.
    pub value: Vec<u8>,
}

/// The calls that a parentchain takes, by the metadata of the runtime that made the block. The same on every worker.
pub trait Calls: Send + Sync {
    /// Whether the call can be made so, in the name of a shard.
    ///
    /// # Errors
    /// What does not fit.
    fn check(&self, pallet: &str, call: &str, arguments: &[Argument]) -> Result<(), Unfit>;
}

/// Why the parentchain cannot be asked for a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unfit {
    /// The chain's bridge has no call that does another once in a shard's name.
    #[error("the parentchain does no calls for shards: its EnclaveBridge has no execute_for_shard")]
    NoGuard,
    /// There is no such pallet or call.
    #[error("the parentchain has no such call")]
    NoSuchCall,
    /// The call has other arguments, or in another order.
    #[error("the parentchain's call has other arguments")]
    OtherArguments,
    /// A value is not of the argument's type.
    #[error("an argument is not of the type that the parentchain's call has")]
    OtherType,
}

impl Unfit {
    /// The reason as a fixed text.
    pub fn reason(self) -> &'static str {
        match self {
            Self::NoGuard => "the parentchain does no calls for shards",
            Self::NoSuchCall => "the parentchain has no such call",
            Self::OtherArguments => "the parentchain's call has other arguments",
            Self::OtherType => "an argument is not of the type that the parentchain's call has",
        }
    }
}

/// What became of an effect.
#[derive(
    Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Delivery {
    /// The effect's name: what asking for it returned.
    pub effect: H256,
    /// Its end.
    pub end: End,
}

/// The end of an effect. Each has one.
#[derive(
    Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum End {
    /// It was done.
    Done,
    /// The parentchain tried it, and it failed. It is not tried again.
    Failed,
    /// Its last block is past, and it was not executed. It never will be.
    Expired,
}

/// What a block shows of its parentchain, beside operations. A read has the storage alone.
#[derive(Clone, Default)]
pub struct Parentchain {
    /// Which calls can be asked for. `None`: none.
    pub calls: Option<Arc<dyn Calls>>,
    /// Names of effects that were executed in the block, and whether they were done.
    pub executed: Vec<(H256, bool)>,
    /// What the state after the block holds of the items that the runtime names.
    pub storage: Vec<StorageRead>,
}

impl PartialEq for Parentchain {
    fn eq(&self, other: &Self) -> bool {
        let same_calls = match (&self.calls, &other.calls) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (one, other) => one.is_none() && other.is_none(),
        };
        same_calls && self.executed == other.executed && self.storage == other.storage
    }
}

impl Eq for Parentchain {}

impl fmt::Debug for Parentchain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parentchain")
            .field("executed", &self.executed)
            .field("storage", &self.storage)
            .finish_non_exhaustive()
    }
}

sp_externalities::decl_extension! {
    /// Where pallets find [`Calls`] while a block is executed.
    pub(crate) struct CallsExtension(Arc<dyn Calls>);
}

/// Asks the parentchain of the block that is executed.
pub(crate) fn check(pallet: &str, call: &str, arguments: &[Argument]) -> Result<(), Unfit> {
    use sp_externalities::ExternalitiesExt;
    let calls = sp_externalities::with_externalities(|mut externalities| {
        externalities.extension::<CallsExtension>().map(|calls| calls.0.clone())
    });
    calls.flatten().ok_or(Unfit::NoGuard)?.check(pallet, call, arguments)
}
