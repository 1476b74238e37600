// SPDX-License-Identifier: Apache-2.0
//! The runtime: the pallet of pledges, money, and what both have to do with the parentchain.
#![expect(missing_docs, reason = "FRAME's macros generate undocumented items")]

use frame_support::{
    derive_impl, parameter_types,
    traits::{ConstU64, ConstU128},
    weights::{Weight, constants::RocksDbWeight},
};
use offstage_sdk::{
    AccountId32,
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
    #[runtime::pallet_index(3)]
    pub type Timestamp = pallet_timestamp;
    #[runtime::pallet_index(10)]
    pub type Balances = pallet_balances;
    #[runtime::pallet_index(60)]
    pub type Parentchain = frame::parentchain;
    #[runtime::pallet_index(100)]
    pub type Pledge = crate::pallet;
}

/// The cause: the account on the parentchain that collects in public. Here it is the development account `//Eve`.
pub const CAUSE: AccountId32 = AccountId32::new([
    0xe6, 0x59, 0xa7, 0xa1, 0x62, 0x8c, 0xdd, 0x93, 0xfe, 0xbc, 0x04, 0xa4, 0xe0, 0x64, 0x6e, 0xa2, 0x0e,
    0x9f, 0x5f, 0x0c, 0xe0, 0x97, 0xd9, 0xa0, 0x52, 0x90, 0xd4, 0xa9, 0xe0, 0x54, 0xdf, 0x4e,
]);

/// What the cause must have collected, in the parentchain's smallest unit: a unit more than `//Eve` begins with.
pub const GOAL: u128 = 1_000_001_000_000_000_000;

/// When pledges end, in milliseconds since the Unix epoch: the year 2030.
pub const DEADLINE_MS: u64 = 1_893_456_000_000;

parameter_types! {
    pub const Version: RuntimeVersion = frame::version("pledge", 1);
    pub const Cause: AccountId32 = CAUSE;
}

#[derive_impl(frame_system::config_preludes::SolochainDefaultConfig)]
impl frame_system::Config for Runtime {
    type Block = frame::Block<Runtime>;
    type Version = Version;
    type AccountData = pallet_balances::AccountData<u128>;
    type DbWeight = RocksDbWeight;
}

#[derive_impl(pallet_timestamp::config_preludes::TestDefaultConfig)]
impl pallet_timestamp::Config for Runtime {}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Runtime {
    type Balance = u128;
    type ExistentialDeposit = ConstU128<1>;
    type AccountStore = System;
    type WeightInfo = pallet_balances::weights::SubstrateWeight<Runtime>;
}

impl frame::parentchain::Config for Runtime {
    type Currency = Balances;
    type WeightInfo = ();
}

impl crate::pallet::Config for Runtime {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type Cause = Cause;
    type Goal = ConstU128<GOAL>;
    type Deadline = ConstU64<DEADLINE_MS>;
}

offstage_sdk::parentchain_storage! {
    /// What the pledges depend on.
    pub struct Watched;
    /// The parentchain's time, in milliseconds since the Unix epoch.
    Now: Timestamp.Now => u64;
    /// The account of the cause.
    Collected: System.Account(Blake2_128Concat = |_shard| CAUSE) => AccountInfo;
}

/// Of an account on the parentchain.
pub type AccountInfo = frame_system::AccountInfo<u32, pallet_balances::AccountData<u128>>;

offstage_sdk::reads! {
    /// A pledge is its owner's. That a payment is under way shows on the parentchain anyway.
    pub struct Reads;
    System::Account: owner(0);
    Pledge::Pledges: owner(0);
    Pledge::Payment: public;
}

offstage_sdk::shard_runtime! {
    impl ShardRuntime for Runtime {
        type Shielding = Parentchain;
        type Reads = Reads;

        const EFFECTS: &'static [ParentchainCall] = offstage_sdk::effects![Balances.transfer_keep_alive];
        const PARENTCHAIN: &'static [NameItem] = Watched::ITEMS;

        fn on_delivery(delivery: &Delivery) -> Weight {
            <(Parentchain, Pledge)>::on_delivery(delivery)
        }
    }
}
