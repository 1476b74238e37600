// SPDX-License-Identifier: Apache-2.0
//! Pallets about what has value beside the shard's money.

use super::{
    Assets, Balances, PoolAssets, Runtime, RuntimeEvent, System, governance::MoreThanHalfOfTheCouncil,
};
use frame_support::{
    PalletId, derive_impl,
    instances::{Instance1, Instance2},
    ord_parameter_types, parameter_types,
    traits::{
        AsEnsureOriginWithArg, ConstU32, ConstU128,
        tokens::{
            fungible::{NativeFromLeft, NativeOrWithId, UnionOf},
            imbalance::ResolveAssetTo,
        },
    },
};
use frame_system::{EnsureSigned, EnsureSignedBy};
use offstage_primitives::{AccountId32, MultiSignature};
use pallet_asset_conversion::{AccountIdConverter, Ascending, Chain, WithFirstAsset};
use pallet_nfts::PalletFeatures;
use sp_runtime::{
    Permill,
    traits::{AccountIdConversion, Verify},
};

#[derive_impl(pallet_assets::config_preludes::TestDefaultConfig)]
impl pallet_assets::Config<Instance1> for Runtime {
    type Balance = u128;
    type Currency = Balances;
    type CreateOrigin = AsEnsureOriginWithArg<EnsureSigned<AccountId32>>;
    type ForceOrigin = MoreThanHalfOfTheCouncil;
    type RemoveItemsLimit = ConstU32<1_000>;
    type AssetDeposit = ConstU128<100>;
    type AssetAccountDeposit = ConstU128<10>;
    type MetadataDepositBase = ConstU128<10>;
    type MetadataDepositPerByte = ConstU128<1>;
    type ApprovalDeposit = ConstU128<10>;
    type WeightInfo = pallet_assets::weights::SubstrateWeight<Runtime>;
}

/// What the providers of a pool's liquidity hold. The pools alone make them.
#[derive_impl(pallet_assets::config_preludes::TestDefaultConfig)]
impl pallet_assets::Config<Instance2> for Runtime {
    type Balance = u128;
    type Currency = Balances;
    type CreateOrigin = AsEnsureOriginWithArg<EnsureSignedBy<AssetConversionOrigin, AccountId32>>;
    type ForceOrigin = MoreThanHalfOfTheCouncil;
    type RemoveItemsLimit = ConstU32<1_000>;
    type AssetDeposit = ConstU128<0>;
    type AssetAccountDeposit = ConstU128<0>;
    type MetadataDepositBase = ConstU128<0>;
    type MetadataDepositPerByte = ConstU128<0>;
    type ApprovalDeposit = ConstU128<0>;
    type WeightInfo = pallet_assets::weights::SubstrateWeight<Runtime>;
}

parameter_types! {
    pub const AssetConversionPalletId: PalletId = PalletId(*b"py/ascon");
    pub const Native: NativeOrWithId<u32> = NativeOrWithId::Native;
    pub const LiquidityFee: Permill = Permill::from_parts(3_000);
    pub const MaxSwapFee: Permill = Permill::from_percent(10);
    pub const NoFee: Permill = Permill::zero();
    pub Features: PalletFeatures = PalletFeatures::all_enabled();
}

ord_parameter_types! {
    pub const AssetConversionOrigin: AccountId32 =
        AccountIdConversion::<AccountId32>::into_account_truncating(&AssetConversionPalletId::get());
}

/// The shard's money and its users' assets.
pub type MoneyAndAssets = UnionOf<Balances, Assets, NativeFromLeft, NativeOrWithId<u32>, AccountId32>;
type PoolId = (NativeOrWithId<u32>, NativeOrWithId<u32>);
type PoolAccount = AccountIdConverter<AssetConversionPalletId, PoolId>;

impl pallet_asset_conversion::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type Balance = u128;
    type HigherPrecisionBalance = sp_core::U256;
    type AssetKind = NativeOrWithId<u32>;
    type Assets = MoneyAndAssets;
    type PoolId = PoolId;
    type PoolLocator = Chain<
        WithFirstAsset<Native, AccountId32, NativeOrWithId<u32>, PoolAccount>,
        Ascending<AccountId32, NativeOrWithId<u32>, PoolAccount>,
    >;
    type PoolAssetId = u32;
    type PoolAssets = PoolAssets;
    type LPFee = LiquidityFee;
    type AdminOrigin = MoreThanHalfOfTheCouncil;
    type MaxSwapFee = MaxSwapFee;
    type PoolSetupFee = ConstU128<100>;
    type PoolSetupFeeAsset = Native;
    type PoolSetupFeeTarget = ResolveAssetTo<AssetConversionOrigin, MoneyAndAssets>;
    type LiquidityWithdrawalFee = NoFee;
    type MintMinLiquidity = ConstU128<100>;
    type MaxSwapPathLength = ConstU32<4>;
    type PalletId = AssetConversionPalletId;
    type WeightInfo = pallet_asset_conversion::weights::SubstrateWeight<Runtime>;
}

impl pallet_nfts::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type CollectionId = u32;
    type ItemId = u32;
    type Currency = Balances;
    type ForceOrigin = MoreThanHalfOfTheCouncil;
    type CreateOrigin = AsEnsureOriginWithArg<EnsureSigned<AccountId32>>;
    type Locker = ();
    type CollectionDeposit = ConstU128<100>;
    type ItemDeposit = ConstU128<10>;
    type MetadataDepositBase = ConstU128<10>;
    type AttributeDepositBase = ConstU128<10>;
    type DepositPerByte = ConstU128<1>;
    type StringLimit = ConstU32<256>;
    type KeyLimit = ConstU32<64>;
    type ValueLimit = ConstU32<256>;
    type ApprovalsLimit = ConstU32<20>;
    type ItemAttributesApprovalsLimit = ConstU32<30>;
    type MaxTips = ConstU32<10>;
    type MaxDeadlineDuration = ConstU32<10_000>;
    type MaxAttributesPerCall = ConstU32<10>;
    type Features = Features;
    type OffchainSignature = MultiSignature;
    type OffchainPublic = <MultiSignature as Verify>::Signer;
    type WeightInfo = pallet_nfts::weights::SubstrateWeight<Runtime>;
    type BlockNumberProvider = System;
}
