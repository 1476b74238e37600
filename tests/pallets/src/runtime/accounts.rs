// SPDX-License-Identifier: Apache-2.0
//! Pallets about accounts: who may call for whom, who is who, and when money is free.

use super::{
    Balances, OriginCaller, Runtime, RuntimeCall, RuntimeEvent, System, governance::MoreThanHalfOfTheCouncil,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{
    parameter_types,
    traits::{ConstU32, ConstU128, InstanceFilter, WithdrawReasons},
};
use offstage_primitives::MultiSignature;
use scale_info::TypeInfo;
use sp_runtime::traits::{BlakeTwo256, ConvertInto, Verify};

impl pallet_utility::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeCall = RuntimeCall;
    type PalletsOrigin = OriginCaller;
    type WeightInfo = pallet_utility::weights::SubstrateWeight<Runtime>;
}

/// What a proxy may do for its owner.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Debug,
    Default,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub enum ProxyType {
    /// Everything.
    #[default]
    Any,
    /// Play with items, and touch no money: what a session key is for.
    Items,
}

impl InstanceFilter<RuntimeCall> for ProxyType {
    fn filter(&self, call: &RuntimeCall) -> bool {
        match self {
            Self::Any => true,
            Self::Items => matches!(
                call,
                RuntimeCall::Nfts(pallet_nfts::Call::transfer { .. } | pallet_nfts::Call::mint { .. })
            ),
        }
    }

    fn is_superset(&self, other: &Self) -> bool {
        *self == Self::Any || self == other
    }
}

impl pallet_proxy::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeCall = RuntimeCall;
    type Currency = Balances;
    type ProxyType = ProxyType;
    type ProxyDepositBase = ConstU128<100>;
    type ProxyDepositFactor = ConstU128<10>;
    type MaxProxies = ConstU32<32>;
    type WeightInfo = pallet_proxy::weights::SubstrateWeight<Runtime>;
    type MaxPending = ConstU32<32>;
    type CallHasher = BlakeTwo256;
    type AnnouncementDepositBase = ConstU128<100>;
    type AnnouncementDepositFactor = ConstU128<10>;
    type BlockNumberProvider = System;
}

impl pallet_multisig::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeCall = RuntimeCall;
    type Currency = Balances;
    type DepositBase = ConstU128<100>;
    type DepositFactor = ConstU128<10>;
    type MaxSignatories = ConstU32<100>;
    type WeightInfo = pallet_multisig::weights::SubstrateWeight<Runtime>;
    type BlockNumberProvider = System;
}

impl pallet_identity::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type Currency = Balances;
    type BasicDeposit = ConstU128<1_000>;
    type ByteDeposit = ConstU128<1>;
    type UsernameDeposit = ConstU128<100>;
    type SubAccountDeposit = ConstU128<100>;
    type MaxSubAccounts = ConstU32<100>;
    type IdentityInformation = pallet_identity::legacy::IdentityInfo<ConstU32<10>>;
    type MaxRegistrars = ConstU32<20>;
    type Slashed = ();
    type ForceOrigin = MoreThanHalfOfTheCouncil;
    type RegistrarOrigin = MoreThanHalfOfTheCouncil;
    type OffchainSignature = MultiSignature;
    type SigningPublicKey = <MultiSignature as Verify>::Signer;
    type UsernameAuthorityOrigin = MoreThanHalfOfTheCouncil;
    type PendingUsernameExpiration = ConstU32<1_000>;
    type UsernameGracePeriod = ConstU32<1_000>;
    type MaxSuffixLength = ConstU32<7>;
    type MaxUsernameLength = ConstU32<32>;
    type WeightInfo = pallet_identity::weights::SubstrateWeight<Runtime>;
}

parameter_types! {
    pub UnvestedFundsAllowedWithdrawReasons: WithdrawReasons =
        WithdrawReasons::except(WithdrawReasons::TRANSFER | WithdrawReasons::RESERVE);
}

impl pallet_vesting::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type Currency = Balances;
    type BlockNumberToBalance = ConvertInto;
    type MinVestedTransfer = ConstU128<100>;
    type WeightInfo = pallet_vesting::weights::SubstrateWeight<Runtime>;
    type UnvestedFundsAllowedWithdrawReasons = UnvestedFundsAllowedWithdrawReasons;
    type BlockNumberProvider = System;
    const MAX_VESTING_SCHEDULES: u32 = 28;
}
