// SPDX-License-Identifier: Apache-2.0
//! A runtime for the tests: money, fees, batches, and a pallet that does what a pallet should not.
#![allow(missing_docs, unreachable_pub, reason = "FRAME's macros ask for public items")]

use crate::{
    frame::{self, OnDelivery, RuntimeVersion, TxExtension},
    parentchain::{Delivery, ParentchainCall, storage::NameItem},
};
use frame_support::{
    derive_impl, parameter_types,
    traits::ConstU128,
    weights::{IdentityFee, Weight},
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
    pub type TransactionPayment = pallet_transaction_payment;
    #[runtime::pallet_index(4)]
    pub type Utility = pallet_utility;
    #[runtime::pallet_index(5)]
    pub type Parentchain = frame::parentchain;
    #[runtime::pallet_index(6)]
    pub type Probe = super::probe;
    #[runtime::pallet_index(7)]
    pub type Herald = super::herald;
}

/// The SDK's extensions, and fees.
pub(crate) type Extensions =
    (TxExtension<Runtime>, pallet_transaction_payment::ChargeTransactionPayment<Runtime>);
pub(crate) type UncheckedExtrinsic = frame::UncheckedExtrinsic<Runtime, Extensions>;

parameter_types! {
    pub Version: RuntimeVersion = RuntimeVersion {
        transaction_version: 7,
        ..frame::version("test", super::SPEC_VERSION.get())
    };
}

#[derive_impl(frame_system::config_preludes::SolochainDefaultConfig)]
impl frame_system::Config for Runtime {
    type Block = frame::Block<Runtime, Extensions>;
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

#[derive_impl(pallet_transaction_payment::config_preludes::TestDefaultConfig)]
impl pallet_transaction_payment::Config for Runtime {
    type OnChargeTransaction = pallet_transaction_payment::FungibleAdapter<Balances, ()>;
    type WeightToFee = IdentityFee<u128>;
    type LengthToFee = IdentityFee<u128>;
}

impl pallet_utility::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeCall = RuntimeCall;
    type PalletsOrigin = OriginCaller;
    type WeightInfo = ();
}

impl frame::parentchain::Config for Runtime {
    type Currency = Balances;
    type WeightInfo = ();
}

impl super::probe::Config for Runtime {
    type Randomness = frame::Randomness<Runtime>;
}

impl super::herald::Config for Runtime {}

crate::reads! {
    pub struct Reads;
    System::Account: owner(0);
    Timestamp::Now: public;
    Probe::Notes: owner(1);
    Probe::Letters: owner(1);
    Probe::Watching: public;
    Probe::sum: public;
    Probe::weight_of: public;
    Probe::draw: public;
    Probe::own_note: owner(0);
}

crate::parentchain_storage! {
    /// What the herald looks at.
    pub struct Watched;
    Time: Timestamp.Now => u64;
    Funds: System.Account(Blake2_128Concat = |shard| shard.account()) => AccountInfo;
}

/// What the shard's own account has when the state begins.
pub(crate) const FOUNDED: u128 = 5;

/// Of an account on the parentchain.
pub(crate) type AccountInfo = frame_system::AccountInfo<u32, pallet_balances::AccountData<u128>>;

crate::shard_runtime! {
    impl ShardRuntime for Runtime {
        type Shielding = Parentchain;
        type Reads = Reads;
        genesis = |shard| RuntimeGenesisConfig {
            balances: pallet_balances::GenesisConfig {
                balances: vec![(shard.shard.account(), FOUNDED)],
                ..Default::default()
            },
            ..Default::default()
        };

        const EFFECTS: &'static [ParentchainCall] = crate::effects![System.remark_with_event];
        const PARENTCHAIN: &'static [NameItem] = Watched::ITEMS;

        fn on_delivery(delivery: &Delivery) -> Weight {
            <(Parentchain, Herald)>::on_delivery(delivery)
        }
    }
}
