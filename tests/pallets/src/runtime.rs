// SPDX-License-Identifier: Apache-2.0
//! A shard's runtime with many pallets.
//!
//! What pallets want from a chain is given by `System` here as there: the block's number is the parentchain's. Whoever
//! would be root on a chain is a council, which the genesis names.
#![allow(missing_docs, reason = "FRAME's macros generate undocumented items")]

mod accounts;
mod assets;
mod governance;

pub use accounts::ProxyType;

use frame_support::{derive_impl, parameter_types, traits::ConstU128, weights::constants::RocksDbWeight};
use offstage_sdk::{
    frame::{self, RuntimeVersion},
    testing::TestAccount,
};

#[frame_support::runtime]
mod declaration {
    use frame_support::instances::{Instance1, Instance2};

    #[runtime::runtime]
    #[runtime::derive(
        RuntimeCall,
        RuntimeEvent,
        RuntimeError,
        RuntimeOrigin,
        RuntimeFreezeReason,
        RuntimeHoldReason,
        RuntimeSlashReason,
        RuntimeLockId,
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

    #[runtime::pallet_index(10)]
    pub type Utility = pallet_utility;
    #[runtime::pallet_index(11)]
    pub type Proxy = pallet_proxy;
    #[runtime::pallet_index(12)]
    pub type Multisig = pallet_multisig;
    #[runtime::pallet_index(13)]
    pub type Identity = pallet_identity;
    #[runtime::pallet_index(14)]
    pub type Vesting = pallet_vesting;

    #[runtime::pallet_index(20)]
    pub type Assets = pallet_assets<Instance1>;
    #[runtime::pallet_index(21)]
    pub type PoolAssets = pallet_assets<Instance2>;
    #[runtime::pallet_index(22)]
    pub type AssetConversion = pallet_asset_conversion;
    #[runtime::pallet_index(23)]
    pub type Nfts = pallet_nfts;

    #[runtime::pallet_index(30)]
    pub type Preimage = pallet_preimage;
    #[runtime::pallet_index(31)]
    pub type Scheduler = pallet_scheduler;
    #[runtime::pallet_index(32)]
    pub type Council = pallet_collective<Instance1>;
    #[runtime::pallet_index(33)]
    pub type ConvictionVoting = pallet_conviction_voting;
    #[runtime::pallet_index(34)]
    pub type Referenda = pallet_referenda;
}

/// What users sign.
pub type UncheckedExtrinsic = frame::UncheckedExtrinsic<Runtime>;

parameter_types! {
    pub const Version: RuntimeVersion = frame::version("offstage-pallets", 1);
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

offstage_sdk::reads! {
    /// To each account what it holds of an asset.
    pub struct Reads;
    Assets::Account: owner(1);
    Assets::Metadata: public;
}

offstage_sdk::shard_runtime! {
    impl ShardRuntime for Runtime {
        type Shielding = Parentchain;
        type Reads = Reads;
        genesis = |_shard| {
            let members = COUNCIL.map(|name| TestAccount::named(name).id()).to_vec();
            RuntimeGenesisConfig {
                council: pallet_collective::GenesisConfig { members, ..Default::default() },
                ..Default::default()
            }
        };
    }
}

/// The development accounts that sit in the council.
pub const COUNCIL: [&str; 3] = ["Alice", "Bob", "Charlie"];
