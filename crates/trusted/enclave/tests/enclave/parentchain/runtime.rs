// SPDX-License-Identifier: Apache-2.0
//! A shard that speaks to its parentchain: it announces what it is told to, and notes what became of it.
#![allow(missing_docs, unreachable_pub, reason = "FRAME's macros ask for public items")]

use frame_support::{
    derive_impl, parameter_types,
    traits::{BuildGenesisConfig, ConstU128},
    weights::Weight,
};
use offstage_primitives::AccountId32;
use offstage_sdk::{
    ShardContext, effects,
    frame::{self, OnDelivery, ShardRuntime},
    parentchain::{Delivery, ParentchainCall},
};
use sp_core::OpaqueMetadata;
use sp_runtime::{
    generic,
    traits::{AccountIdLookup, BlakeTwo256},
};
use sp_version::RuntimeVersion;
use std::borrow::Cow;

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
        RuntimeTask
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
type Block = generic::Block<generic::Header<u32, BlakeTwo256>, UncheckedExtrinsic>;

parameter_types! {
    pub Version: RuntimeVersion = RuntimeVersion {
        spec_name: Cow::Borrowed("herald"),
        impl_name: Cow::Borrowed("herald"),
        ..RuntimeVersion::default()
    };
}

#[derive_impl(frame_system::config_preludes::SolochainDefaultConfig)]
impl frame_system::Config for Runtime {
    type Block = Block;
    type Lookup = AccountIdLookup<AccountId32, ()>;
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
}

impl ShardRuntime for Runtime {
    type Extrinsic = UncheckedExtrinsic;
    type AllPallets = AllPalletsWithSystem;
    type Shielding = Parentchain;
    type Reads = Reads;

    const EFFECTS: &'static [ParentchainCall] =
        effects![System.remark_with_event, System.remark_is_unknown, Balances.transfer_keep_alive];

    fn on_delivery(delivery: &Delivery) -> Weight {
        <(Parentchain, Herald)>::on_delivery(delivery)
    }

    fn genesis(_shard: &ShardContext) {
        RuntimeGenesisConfig::default().build();
    }

    fn metadata_at_version(version: u32) -> Option<OpaqueMetadata> {
        Runtime::metadata_at_version(version)
    }
}
