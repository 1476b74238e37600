// SPDX-License-Identifier: Apache-2.0
//! A shard's runtime with contracts: those that compilers for Ethereum make, and those of PolkaVM.
//!
//! `pallet-revive` is built natively with its feature `std`, and then asks the environment whether contracts are
//! compiled instead of interpreted (`REVIVE_USE_COMPILER`), and whether they are checked (`REVIVE_SKIP_VALIDATION`). An
//! enclave leaves its environment behind before anything reads it (threat model H24).
#![allow(missing_docs, reason = "FRAME's macros generate undocumented items")]

use frame_support::{
    derive_impl, parameter_types,
    traits::{ConstU32, ConstU64, ConstU128},
};
use frame_system::EnsureSigned;
use offstage_primitives::AccountId32;
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
    #[runtime::pallet_index(1)]
    pub type Timestamp = pallet_timestamp;
    #[runtime::pallet_index(2)]
    pub type Balances = pallet_balances;
    #[runtime::pallet_index(3)]
    pub type Parentchain = frame::parentchain;
    #[runtime::pallet_index(4)]
    pub type Revive = pallet_revive;
}

/// What users sign.
pub type UncheckedExtrinsic = frame::UncheckedExtrinsic<Runtime>;

parameter_types! {
    pub const Version: RuntimeVersion = frame::version("offstage-contracts", 1);
}

#[derive_impl(frame_system::config_preludes::SolochainDefaultConfig)]
impl frame_system::Config for Runtime {
    type Block = frame::Block<Runtime>;
    type Version = Version;
    type AccountData = pallet_balances::AccountData<u128>;
}

#[derive_impl(pallet_timestamp::config_preludes::TestDefaultConfig)]
impl pallet_timestamp::Config for Runtime {}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Runtime {
    type MaxFreezes = frame_support::traits::VariantCountOf<RuntimeFreezeReason>;
    type Balance = u128;
    type ExistentialDeposit = ConstU128<1>;
    type AccountStore = System;
    type WeightInfo = pallet_balances::weights::SubstrateWeight<Runtime>;
}

#[derive_impl(pallet_revive::config_preludes::TestDefaultConfig)]
impl pallet_revive::Config for Runtime {
    type Time = Timestamp;
    type Balance = u128;
    type Currency = Balances;
    type AddressMapper = pallet_revive::AccountId32Mapper<Runtime>;
    type WeightInfo = pallet_revive::weights::SubstrateWeight<Runtime>;
    type UploadOrigin = EnsureSigned<AccountId32>;
    type InstantiateOrigin = EnsureSigned<AccountId32>;
    type DepositPerByte = ConstU128<1>;
    type DepositPerItem = ConstU128<10>;
    type DepositPerChildTrieItem = ConstU128<10>;
    /// What contracts may write in a block of two seconds is 678 MB, says the pallet, and wants room for twice as much
    /// beside `RuntimeMemory`. Who has less lowers `Limits` and `BlockWeights`.
    type PVFMemory = ConstU32<{ 2_000 * 1024 * 1024 }>;
    type ChainId = ConstU64<42>;
}

impl frame::parentchain::Config for Runtime {
    type Currency = Balances;
    type WeightInfo = ();
}

offstage_sdk::shard_runtime! {
    impl ShardRuntime for Runtime {
        type Shielding = Parentchain;
        type Reads = ();
    }
}
