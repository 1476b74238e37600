// SPDX-License-Identifier: Apache-2.0
//! The runtime: the auction's pallet, and money.
#![expect(missing_docs, reason = "FRAME's macros generate undocumented items")]

use frame_support::{derive_impl, parameter_types, traits::ConstU128, weights::constants::RocksDbWeight};
use offstage_sdk::frame::{self, RuntimeVersion};

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
    pub type Auction = crate::pallet;
}

parameter_types! {
    pub const Version: RuntimeVersion = frame::version("auction", 1);
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
}

offstage_sdk::reads! {
    /// An account is its owner's, and so is a bid. Who has won is everybody's, after the end.
    pub struct Reads;
    System::Account: owner(0);
    Auction::Bids: owner(1);
    Auction::Auctions: public;
    Auction::Count: public;
    Auction::highest: public;
}

offstage_sdk::shard_runtime! {
    impl ShardRuntime for Runtime {
        type Shielding = Parentchain;
        type Reads = Reads;
    }
}
