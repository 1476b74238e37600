// SPDX-License-Identifier: Apache-2.0
//! A shard that speaks to its parentchain: it announces what it is told to, and notes what became of it.
#![allow(missing_docs, unreachable_pub, reason = "FRAME's macros ask for public items")]

use frame_support::{derive_impl, parameter_types, traits::ConstU128, weights::Weight};
use offstage_sdk::{
    effects,
    frame::{self, OnDelivery, RuntimeVersion},
    parentchain::{Delivery, ParentchainCall, storage::NameItem},
};

#[frame_support::runtime]
mod declaration {
    #[runtime::runtime]
    #[runtime::derive(
        RuntimeCall,
        RuntimeEvent,
        RuntimeError,
        RuntimeOrigin,
        RuntimeFreezeReason,
        RuntimeHoldReason,
        RuntimeTask,
        RuntimeViewFunction
    )]
    pub struct Runtime;

    #[runtime::pallet_index(0)]
    pub type System = frame_system;
    #[runtime::pallet_index(1)]
    pub type Timestamp = pallet_timestamp;
    #[runtime::pallet_index(2)]
    pub type Balances = pallet_balances;
    #[runtime::pallet_index(3)]
    pub type Parentchain = frame::parentchain;
    #[runtime::pallet_index(4)]
    pub type Herald = super::herald;
}

pub(crate) type UncheckedExtrinsic = frame::UncheckedExtrinsic<Runtime>;

parameter_types! {
    pub const Version: RuntimeVersion = frame::version("herald", 1);
}

#[derive_impl(frame_system::config_preludes::SolochainDefaultConfig)]
impl frame_system::Config for Runtime {
    type Block = frame::Block<Runtime>;
    type AccountData = pallet_balances::AccountData<u128>;
    type Version = Version;
}

#[derive_impl(pallet_timestamp::config_preludes::TestDefaultConfig)]
impl pallet_timestamp::Config for Runtime {}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Runtime {
    type Balance = u128;
    type ExistentialDeposit = ConstU128<1>;
    type AccountStore = System;
}

impl frame::parentchain::Config for Runtime {
    type Currency = Balances;
    type WeightInfo = ();
}

impl super::herald::Config for Runtime {}

offstage_sdk::reads! {
    pub struct Reads;
    Herald::Heard: public;
    Herald::Looked: public;
    Herald::funds: public;
}

offstage_sdk::parentchain_storage! {
    /// What the herald reads.
    pub struct Watched;
    Now: Timestamp.Now => u64;
    Funds: System.Account(Blake2_128Concat = |shard| shard.account()) => AccountInfo;
    Price: TransactionPayment.NextFeeMultiplier => u128;
}

/// Of an account on the parentchain.
pub(crate) type AccountInfo = frame_system::AccountInfo<u32, pallet_balances::AccountData<u128>>;

offstage_sdk::shard_runtime! {
    impl ShardRuntime for Runtime {
        type Shielding = Parentchain;
        type Reads = Reads;

        const EFFECTS: &'static [ParentchainCall] =
            effects![System.remark_with_event, System.remark_is_unknown, Balances.transfer_keep_alive];
        const PARENTCHAIN: &'static [NameItem] = Watched::ITEMS;

        fn on_delivery(delivery: &Delivery) -> Weight {
            <(Parentchain, Herald)>::on_delivery(delivery)
        }
    }
}
