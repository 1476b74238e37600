// SPDX-License-Identifier: Apache-2.0
//! A shard's runtime in which extrinsics pay: a fee for their weight and length, and a tip.
//!
//! What is paid goes to an account of the shard, so that its money goes on adding up to what it holds on the
//! parentchain. A runtime that burned it would leave as much on the shard's account there for ever.
#![allow(missing_docs, reason = "FRAME's macros generate undocumented items")]

use frame_support::{
    PalletId, derive_impl, parameter_types,
    traits::{ConstU8, ConstU128, tokens::imbalance::ResolveTo},
    weights::IdentityFee,
};
use offstage_primitives::AccountId32;
use offstage_sdk::frame::{self, RuntimeVersion, TxExtension};
use pallet_transaction_payment::{ChargeTransactionPayment, ConstFeeMultiplier, FungibleAdapter, Multiplier};
use sp_runtime::traits::AccountIdConversion;

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
    pub type TransactionPayment = pallet_transaction_payment;
    #[runtime::pallet_index(5)]
    pub type Utility = pallet_utility;
}

/// The SDK's extensions, and fees.
pub type Extensions = (TxExtension<Runtime>, ChargeTransactionPayment<Runtime>);
/// What users sign.
pub type UncheckedExtrinsic = frame::UncheckedExtrinsic<Runtime, Extensions>;

parameter_types! {
    pub const Version: RuntimeVersion = frame::version("offstage-fees", 1);
    /// `()` in its place would make the weight's part of a fee nothing after the first block.
    pub FeeMultiplier: Multiplier = Multiplier::from_u32(1);
    /// Who gets fees and tips.
    pub FeeAccount: AccountId32 = PalletId(*b"off/fees").into_account_truncating();
}

#[derive_impl(frame_system::config_preludes::SolochainDefaultConfig)]
impl frame_system::Config for Runtime {
    type Block = frame::Block<Runtime, Extensions>;
    type Version = Version;
    type AccountData = pallet_balances::AccountData<u128>;
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

impl pallet_transaction_payment::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type OnChargeTransaction = FungibleAdapter<Balances, ToFeeAccount>;
    type OperationalFeeMultiplier = ConstU8<5>;
    type WeightToFee = IdentityFee<u128>;
    type LengthToFee = IdentityFee<u128>;
    type FeeMultiplierUpdate = ConstFeeMultiplier<FeeMultiplier>;
    type WeightInfo = pallet_transaction_payment::weights::SubstrateWeight<Runtime>;
}

/// Fees and tips are credited to [`FeeAccount`].
pub type ToFeeAccount = ResolveTo<FeeAccount, Balances>;

impl pallet_utility::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeCall = RuntimeCall;
    type PalletsOrigin = OriginCaller;
    type WeightInfo = pallet_utility::weights::SubstrateWeight<Runtime>;
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
