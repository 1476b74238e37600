// SPDX-License-Identifier: Apache-2.0
//! The FRAME runtime inside a shard: ordinary pallets, as they run on chains.
//!
//! Indices are those of the chains in use, so that tools show the same names. What a chain needs and a shard does not
//! (fees, extensions, inherents, sessions) is not there.

// The macros generate public items that they do not document.
#![expect(missing_docs, reason = "FRAME's macros generate undocumented items")]

use frame_support::{
    derive_impl, parameter_types, traits::VariantCountOf, weights::constants::RocksDbWeight,
};
use offstage_primitives::{AccountId32, MultiSignature};
use sp_runtime::{
    generic,
    traits::{BlakeTwo256, IdentityLookup},
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
        RuntimeTask
    )]
    pub struct Runtime;

    #[runtime::pallet_index(0)]
    pub type System = frame_system;

    #[runtime::pallet_index(3)]
    pub type Timestamp = pallet_timestamp;

    #[runtime::pallet_index(10)]
    pub type Balances = pallet_balances;
}

type UncheckedExtrinsic = generic::UncheckedExtrinsic<AccountId32, RuntimeCall, MultiSignature, ()>;
type Block = generic::Block<generic::Header<u32, BlakeTwo256>, UncheckedExtrinsic>;

#[derive_impl(frame_system::config_preludes::SolochainDefaultConfig)]
impl frame_system::Config for Runtime {
    type Block = Block;
    type Lookup = IdentityLookup<AccountId32>;
    type AccountData = pallet_balances::AccountData<u128>;
    type DbWeight = RocksDbWeight;
}

#[derive_impl(pallet_timestamp::config_preludes::TestDefaultConfig)]
impl pallet_timestamp::Config for Runtime {}

parameter_types! {
    /// One: what was paid in on the parentchain is credited however little it is, and no transfer leaves dust that
    /// would be lost. So the balances in a shard always add up to what the shard holds on the parentchain. Whoever
    /// makes accounts pays the parentchain for each operation.
    pub const ExistentialDeposit: u128 = 1;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Runtime {
    type Balance = u128;
    type ExistentialDeposit = ExistentialDeposit;
    type AccountStore = System;
    type WeightInfo = pallet_balances::weights::SubstrateWeight<Runtime>;
    type RuntimeFreezeReason = RuntimeFreezeReason;
    type FreezeIdentifier = RuntimeFreezeReason;
    type MaxFreezes = VariantCountOf<RuntimeFreezeReason>;
}
