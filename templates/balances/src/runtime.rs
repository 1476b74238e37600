// SPDX-License-Identifier: Apache-2.0
//! The FRAME runtime inside a shard: ordinary pallets, as they run on chains.
//!
//! Indices are those of the chains in use, so that tools show the same names. What a chain needs and a shard does not
//! (fees, inherents, sessions) is not there.

// The macros generate public items that they do not document.
#![expect(missing_docs, reason = "FRAME's macros generate undocumented items")]

use frame_support::{derive_impl, parameter_types, weights::constants::RocksDbWeight};
use offstage_sdk::{
    Weight,
    frame::{self, OnDelivery, RuntimeVersion},
    parentchain::Delivery,
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
}

/// What users sign.
pub type UncheckedExtrinsic = frame::UncheckedExtrinsic<Runtime>;

/// The runtime's version. The number goes up with every change of calls or state; migrations run when it has.
pub const VERSION: RuntimeVersion = frame::version("offstage-balances", 1);

parameter_types! {
    /// For `System`.
    pub const Version: RuntimeVersion = VERSION;
    /// One: what was paid in on the parentchain is credited however little it is, and no transfer leaves dust that
    /// would be lost. So the balances in a shard always add up to what the shard holds on the parentchain. Whoever
    /// makes accounts pays the parentchain for each operation.
    pub const ExistentialDeposit: u128 = 1;
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
    type ExistentialDeposit = ExistentialDeposit;
    type AccountStore = System;
    type WeightInfo = pallet_balances::weights::SubstrateWeight<Runtime>;
}

impl frame::parentchain::Config for Runtime {
    type Currency = Balances;
    type WeightInfo = ();
}

offstage_sdk::reads! {
    /// An account's balances and system data to its owner; time and the sum of all balances, which the parentchain
    /// shows anyway, to everybody.
    pub struct Reads;
    System::Account: owner(0);
    Balances::Locks: owner(0);
    Balances::Reserves: owner(0);
    Balances::Holds: owner(0);
    Balances::Freezes: owner(0);
    Balances::TotalIssuance: public;
    Timestamp::Now: public;
}

offstage_sdk::shard_runtime! {
    impl ShardRuntime for Runtime {
        type Shielding = Parentchain;
        type Reads = Reads;

        fn on_delivery(delivery: &Delivery) -> Weight {
            Parentchain::on_delivery(delivery)
        }
    }
}
