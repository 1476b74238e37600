// SPDX-License-Identifier: Apache-2.0
//! The runtime: assets, and money.
#![expect(missing_docs, reason = "FRAME's macros generate undocumented items")]

use frame_support::{
    derive_impl, parameter_types,
    traits::{AsEnsureOriginWithArg, ConstU128},
    weights::constants::RocksDbWeight,
};
use frame_system::{EnsureNever, EnsureSigned};
use offstage_sdk::{
    AccountId32,
    frame::{self, RuntimeVersion},
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
    #[runtime::pallet_index(50)]
    pub type Assets = pallet_assets;
}

parameter_types! {
    pub const Version: RuntimeVersion = frame::version("private-assets", 1);
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

/// Anybody creates assets, for a deposit. Nobody is above their issuers.
#[derive_impl(pallet_assets::config_preludes::TestDefaultConfig)]
impl pallet_assets::Config for Runtime {
    type Balance = u128;
    type Currency = Balances;
    type CreateOrigin = AsEnsureOriginWithArg<EnsureSigned<AccountId32>>;
    type ForceOrigin = EnsureNever<AccountId32>;
    type AssetDeposit = ConstU128<1_000_000_000>;
    type WeightInfo = pallet_assets::weights::SubstrateWeight<Runtime>;
}

offstage_sdk::reads! {
    /// What an account has, and for whom it may be spent, is its own. Names are everybody's.
    pub struct Reads;
    System::Account: owner(0);
    Assets::Account: owner(1);
    Assets::Approvals: owner(1);
    Assets::Metadata: public;
    Assets::balance_of: owner(0);
}

offstage_sdk::shard_runtime! {
    impl ShardRuntime for Runtime {
        type Shielding = Parentchain;
        type Reads = Reads;
    }
}
