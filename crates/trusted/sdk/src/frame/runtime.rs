// SPDX-License-Identifier: Apache-2.0
//! What a FRAME runtime tells the SDK.

use super::{
    TxExtension, UncheckedExtrinsic, extensions::Token, extrinsic::ShardExtrinsic, reads::ReadPolicy,
};
use crate::parentchain::{Delivery, ParentchainCall, storage::NameItem};
use crate::state_transition::{BlockContext, CallError, Effects, Limits, ReadContext, ShardContext};
use crate::{Authenticated, Weight};
use codec::{Decode, Encode};
use frame_support::{
    dispatch::{DispatchInfo, GetDispatchInfo, PostDispatchInfo},
    traits::{
        BeforeAllRuntimeMigrations, OnFinalize, OnIdle, OnInitialize, OnPoll, OnRuntimeUpgrade,
        PalletsInfoAccess,
    },
    view_functions::{ViewFunctionDispatchError, ViewFunctionId},
};
use frame_system::pallet_prelude::BlockNumberFor;
use offstage_primitives::{AccountId32, H256, trusted::TrustedCall};
use sp_core::OpaqueMetadata;
use sp_runtime::{
    generic,
    traits::{AsSystemOriginSigner, AsTransactionAuthorizedOrigin, BlakeTwo256, Dispatchable, StaticLookup},
};
use sp_version::RuntimeVersion;
use std::borrow::Cow;

/// A FRAME runtime that runs in a shard.
///
/// The supertraits say what an account, a hash and a time are in every shard; `frame_system`'s prelude
/// `SolochainDefaultConfig` has the same.
pub trait ShardRuntime:
    frame_system::Config<
        AccountId = AccountId32,
        Hash = H256,
        Lookup: StaticLookup<Target = AccountId32>,
        RuntimeCall: Dispatchable<
            Info = DispatchInfo,
            PostInfo = PostDispatchInfo,
            RuntimeOrigin = <Self as frame_system::Config>::RuntimeOrigin,
        > + GetDispatchInfo
                         + Decode
                         + Send
                         + Sync,
        RuntimeOrigin: AsSystemOriginSigner<AccountId32>
                           + AsTransactionAuthorizedOrigin
                           + From<Option<AccountId32>>
                           + Clone,
        RuntimeEvent: Encode,
    > + pallet_timestamp::Config<Moment = u64>
    + Send
    + Sync
    + 'static
{
    /// The runtime's extrinsic: [`UncheckedExtrinsic<Runtime>`](super::UncheckedExtrinsic).
    type Extrinsic: ShardExtrinsic<Self>;

    /// `AllPalletsWithSystem`, as the macro makes it: whose hooks and migrations run.
    type AllPallets: OnRuntimeUpgrade
        + BeforeAllRuntimeMigrations
        + OnInitialize<BlockNumberFor<Self>>
        + OnPoll<BlockNumberFor<Self>>
        + OnIdle<BlockNumberFor<Self>>
        + OnFinalize<BlockNumberFor<Self>>
        + PalletsInfoAccess;

    /// Who credits what is paid in on the parentchain: the pallet [`parentchain`](super::parentchain), or `()` for a
    /// shard that takes no money.
    type Shielding: Shielding;

    /// Who may read what: [`reads!`](crate::reads) makes one; `()` opens nothing.
    type Reads: ReadPolicy;

    /// The calls of the parentchain that pallets may [ask for](super::effects::call): [`effects!`](crate::effects)
    /// makes such a list. Part of the measurement.
    const EFFECTS: &'static [ParentchainCall] = &[];

    /// What pallets read of the parentchain's state: [`parentchain_storage!`](crate::parentchain_storage) makes such a
    /// list. Part of the measurement.
    const PARENTCHAIN: &'static [NameItem] = &[];

    /// The token of the runtime's amounts, as wallets show it, and sign it with the metadata's digest.
    const TOKEN: Token = Token { symbol: "UNIT", decimals: 12 };

    /// Hears of the end of an effect, at the beginning of the block that shows it, and returns what that weighed. Name
    /// the pallets that want to know: `<(Parentchain, Auction)>::on_delivery(delivery)`. What it does is rolled back if
    /// it panics, and the effect's end is known nevertheless.
    fn on_delivery(_delivery: &Delivery) -> Weight {
        Weight::zero()
    }

    /// Writes the state that a shard begins with: `RuntimeGenesisConfig { .. }.build()`.
    fn genesis(shard: &ShardContext);

    /// The runtime's metadata in this version: `Runtime::metadata_at_version(version)`.
    fn metadata_at_version(version: u32) -> Option<OpaqueMetadata>;

    /// Calls a view function: `Runtime::execute_view_function(id, input)`, for a runtime that derives
    /// `RuntimeViewFunction`.
    ///
    /// # Errors
    /// When there is none of this id, or the input does not decode.
    fn execute_view_function(
        _id: ViewFunctionId,
        _input: Vec<u8>,
    ) -> Result<Vec<u8>, ViewFunctionDispatchError> {
        Err(ViewFunctionDispatchError::NotImplemented)
    }

    /// What a call and a block may cost.
    fn limits() -> Limits {
        Limits::default()
    }
}

/// The block of the shard's runtime `R`, for `frame_system`. `E` are its transaction extensions.
pub type Block<R, E = TxExtension<R>> =
    generic::Block<generic::Header<u32, BlakeTwo256>, UncheckedExtrinsic<R, E>>;

/// The version of a shard's runtime. `spec_version` goes up with every change of calls or state: migrations run when it
/// has, and wallets sign it.
pub const fn version(name: &'static str, spec_version: u32) -> RuntimeVersion {
    RuntimeVersion {
        spec_name: Cow::Borrowed(name),
        impl_name: Cow::Borrowed(name),
        authoring_version: 1,
        spec_version,
        impl_version: 1,
        apis: Cow::Borrowed(&[]),
        transaction_version: 1,
        system_version: 1,
    }
}

/// Implements [`ShardRuntime`] for a runtime that `#[frame_support::runtime]` declares, with `RuntimeViewFunction`
/// among what it derives. `Shielding` and `Reads` are the author's to name.
///
/// ```rust,ignore
/// offstage_sdk::shard_runtime! {
///     impl ShardRuntime for Runtime {
///         type Shielding = Parentchain;
///         type Reads = Reads;
///     }
/// }
/// ```
///
/// The state begins with `RuntimeGenesisConfig::default()`. Another beginning is a function of the shard, behind the
/// types: `genesis = |_shard| RuntimeGenesisConfig { council, ..Default::default() };`. What else [`ShardRuntime`] has,
/// such as `limits`, stands behind that.
#[macro_export]
macro_rules! shard_runtime {
    (
        impl ShardRuntime for $runtime:ident {
            type Shielding = $shielding:ty;
            type Reads = $reads:ty;
            genesis = $genesis:expr;
            $($more:item)*
        }
    ) => {
        $crate::shard_runtime! { @impl $runtime, $shielding, $reads, $genesis, $($more)* }
    };
    (
        impl ShardRuntime for $runtime:ident {
            type Shielding = $shielding:ty;
            type Reads = $reads:ty;
            $($more:item)*
        }
    ) => {
        $crate::shard_runtime! {
            @impl $runtime, $shielding, $reads, |_shard| RuntimeGenesisConfig::default(), $($more)*
        }
    };
    (@impl $runtime:ident, $shielding:ty, $reads:ty, $genesis:expr, $($more:item)*) => {
        impl $crate::frame::ShardRuntime for $runtime {
            type Extrinsic =
                <<$runtime as $crate::frame::__private::frame_system::Config>::Block as
                    $crate::frame::__private::sp_runtime::traits::Block>::Extrinsic;
            type AllPallets = AllPalletsWithSystem;
            type Shielding = $shielding;
            type Reads = $reads;

            fn genesis(shard: &$crate::ShardContext) {
                let begin: fn(&$crate::ShardContext) -> RuntimeGenesisConfig = $genesis;
                $crate::frame::__private::frame_support::traits::BuildGenesisConfig::build(&begin(shard));
            }

            fn metadata_at_version(version: u32) -> Option<$crate::frame::__private::OpaqueMetadata> {
                $runtime::metadata_at_version(version)
            }

            fn execute_view_function(
                id: $crate::frame::__private::frame_support::view_functions::ViewFunctionId,
                input: Vec<u8>,
            ) -> Result<
                Vec<u8>,
                $crate::frame::__private::frame_support::view_functions::ViewFunctionDispatchError,
            > {
                use $crate::frame::__private::frame_support::view_functions::DispatchViewFunction;
                let mut output = Vec::new();
                RuntimeViewFunction::dispatch_view_function(&id, &mut &input[..], &mut output)?;
                Ok(output)
            }

            $($more)*
        }
    };
}

/// Credits what is paid in on the parentchain.
pub trait Shielding {
    /// Credits `beneficiary` with `amount`, in the parentchain's smallest unit.
    ///
    /// # Errors
    /// When the account cannot be credited. The amount then stays on the shard's account on the parentchain.
    fn shield(beneficiary: &AccountId32, amount: u128) -> Result<(), CallError>;
}

impl Shielding for () {
    fn shield(_beneficiary: &AccountId32, _amount: u128) -> Result<(), CallError> {
        Err(CallError("the shard takes no money"))
    }
}

/// Hears of the ends of effects.
pub trait OnDelivery {
    /// An effect is at its end. Returns what it weighed to hear of it.
    fn on_delivery(delivery: &Delivery) -> Weight;
}

macro_rules! in_order {
    ($($name:ident),+) => {
        impl<$($name: OnDelivery),+> OnDelivery for ($($name,)+) {
            fn on_delivery(delivery: &Delivery) -> Weight {
                let weights = [$($name::on_delivery(delivery)),+];
                weights.into_iter().fold(Weight::zero(), Weight::saturating_add)
            }
        }
    };
}

in_order!(A);
in_order!(A, B);
in_order!(A, B, C);
in_order!(A, B, C, D);

/// Calls and getters beside the runtime's extrinsics, for clients that know them from before there were any.
pub trait Classic: Send + Sync + 'static {
    /// See [`StateTransition::Call`](crate::StateTransition::Call).
    type Call: TrustedCall + Send + Sync + 'static;
    /// See [`StateTransition::Getter`](crate::StateTransition::Getter).
    type Getter: Decode + Send + Sync + 'static;

    /// See [`StateTransition::weight_of`](crate::StateTransition::weight_of).
    fn weight_of(call: &Self::Call) -> Weight;

    /// See [`StateTransition::execute`](crate::StateTransition::execute).
    ///
    /// # Errors
    /// When the call cannot be done.
    fn execute(block: &BlockContext, call: &Authenticated<Self::Call>) -> Result<Effects, CallError>;

    /// See [`StateTransition::may_read`](crate::StateTransition::may_read).
    fn may_read(reading: &ReadContext, getter: &Self::Getter) -> bool;

    /// See [`StateTransition::read`](crate::StateTransition::read).
    fn read(getter: &Self::Getter) -> Option<Vec<u8>>;
}

impl Classic for () {
    type Call = NoClassicCalls;
    type Getter = NoGetters;

    fn weight_of(call: &NoClassicCalls) -> Weight {
        match *call {}
    }

    fn execute(_block: &BlockContext, call: &Authenticated<NoClassicCalls>) -> Result<Effects, CallError> {
        match *call.call() {}
    }

    fn may_read(_reading: &ReadContext, getter: &NoGetters) -> bool {
        match *getter {}
    }

    fn read(getter: &NoGetters) -> Option<Vec<u8>> {
        match *getter {}
    }
}

/// The calls of a logic that takes extrinsics only: none. No bytes decode to one.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum NoClassicCalls {}

impl TrustedCall for NoClassicCalls {
    fn sender(&self) -> Option<&AccountId32> {
        match *self {}
    }
}

/// The getters of a logic that has none.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum NoGetters {}
