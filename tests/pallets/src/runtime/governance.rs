// SPDX-License-Identifier: Apache-2.0
//! Pallets that decide, and that do later what was decided. All periods are in blocks of the parentchain.

use super::{
    Balances, OriginCaller, Preimage, Referenda, Runtime, RuntimeCall, RuntimeEvent, RuntimeHoldReason,
    RuntimeOrigin, Scheduler, System,
};
use frame_support::{
    instances::Instance1,
    parameter_types,
    traits::{
        AsEnsureOriginWithArg, ConstU32, ConstU128, EqualPrivilegeOnly, LinearStoragePrice, OriginTrait,
        TotalIssuanceOf, fungible::HoldConsideration,
    },
    weights::Weight,
};
use frame_system::{EnsureRoot, EnsureSigned, RawOrigin};
use offstage_primitives::AccountId32;
use offstage_sdk::Limits;
use pallet_referenda::{Curve, Track, TrackInfo, TracksInfo};
use sp_runtime::{Perbill, str_array};
use std::borrow::Cow;

/// Two of the council's three.
pub type MoreThanHalfOfTheCouncil = pallet_collective::EnsureProportionMoreThan<AccountId32, Instance1, 1, 2>;

parameter_types! {
    pub const PreimageHoldReason: RuntimeHoldReason =
        RuntimeHoldReason::Preimage(pallet_preimage::HoldReason::Preimage);
    pub const PreimageBase: u128 = 100;
    pub const PreimageByte: u128 = 1;
    /// So much of a block may be used up by what was put off to it. Users' extrinsics get the rest.
    pub MaximumWeight: Weight = Perbill::from_percent(50) * Limits::default().block;
    pub MaxProposalWeight: Weight = Perbill::from_percent(50) * Limits::default().call;
}

impl pallet_preimage::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = pallet_preimage::weights::SubstrateWeight<Runtime>;
    type Currency = Balances;
    type ManagerOrigin = EnsureRoot<AccountId32>;
    type Consideration = HoldConsideration<
        AccountId32,
        Balances,
        PreimageHoldReason,
        LinearStoragePrice<PreimageBase, PreimageByte, u128>,
    >;
}

impl pallet_scheduler::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeOrigin = RuntimeOrigin;
    type PalletsOrigin = OriginCaller;
    type RuntimeCall = RuntimeCall;
    type MaximumWeight = MaximumWeight;
    type ScheduleOrigin = EnsureSigned<AccountId32>;
    type OriginPrivilegeCmp = EqualPrivilegeOnly;
    type MaxScheduledPerBlock = ConstU32<50>;
    type WeightInfo = pallet_scheduler::weights::SubstrateWeight<Runtime>;
    type Preimages = Preimage;
    type BlockNumberProvider = System;
}

impl pallet_collective::Config<Instance1> for Runtime {
    type RuntimeOrigin = RuntimeOrigin;
    type Proposal = RuntimeCall;
    type RuntimeEvent = RuntimeEvent;
    type MotionDuration = ConstU32<20>;
    type MaxProposals = ConstU32<100>;
    type MaxMembers = ConstU32<100>;
    type DefaultVote = pallet_collective::PrimeDefaultVote;
    type WeightInfo = pallet_collective::weights::SubstrateWeight<Runtime>;
    type SetMembersOrigin = EnsureRoot<AccountId32>;
    type MaxProposalWeight = MaxProposalWeight;
    type DisapproveOrigin = EnsureRoot<AccountId32>;
    type KillOrigin = EnsureRoot<AccountId32>;
    type Consideration = ();
}

impl pallet_conviction_voting::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = pallet_conviction_voting::weights::SubstrateWeight<Runtime>;
    type Currency = Balances;
    type Polls = Referenda;
    type MaxTurnout = TotalIssuanceOf<Balances, AccountId32>;
    type MaxVotes = ConstU32<512>;
    type VoteLockingPeriod = ConstU32<10>;
    type BlockNumberProvider = System;
    type VotingHooks = ();
}

impl pallet_referenda::Config for Runtime {
    type RuntimeCall = RuntimeCall;
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = pallet_referenda::weights::SubstrateWeight<Runtime>;
    type Scheduler = Scheduler;
    type Currency = Balances;
    type SubmitOrigin = AsEnsureOriginWithArg<EnsureSigned<AccountId32>>;
    type CancelOrigin = MoreThanHalfOfTheCouncil;
    type KillOrigin = MoreThanHalfOfTheCouncil;
    type Slash = ();
    type Votes = u128;
    type Tally = pallet_conviction_voting::TallyOf<Runtime>;
    type SubmissionDeposit = ConstU128<100>;
    type MaxQueued = ConstU32<100>;
    type UndecidingTimeout = ConstU32<100>;
    type AlarmInterval = ConstU32<1>;
    type Tracks = Tracks;
    type Preimages = Preimage;
    type BlockNumberProvider = System;
}

/// One track: what would need root.
pub struct Tracks;

impl TracksInfo<u128, u32> for Tracks {
    type Id = u16;
    type RuntimeOrigin = <RuntimeOrigin as OriginTrait>::PalletsOrigin;

    fn tracks() -> impl Iterator<Item = Cow<'static, Track<u16, u128, u32>>> {
        std::iter::once(Cow::Borrowed(&ROOT))
    }

    fn track_for(origin: &OriginCaller) -> Result<u16, ()> {
        match origin {
            OriginCaller::system(RawOrigin::Root) => Ok(ROOT.id),
            _ => Err(()),
        }
    }
}

static ROOT: Track<u16, u128, u32> = Track {
    id: 0,
    info: TrackInfo {
        name: str_array("root"),
        max_deciding: 1,
        decision_deposit: 1_000,
        prepare_period: 4,
        decision_period: 20,
        confirm_period: 3,
        min_enactment_period: 5,
        min_approval: Curve::LinearDecreasing {
            length: Perbill::from_percent(100),
            floor: Perbill::from_percent(50),
            ceil: Perbill::from_percent(100),
        },
        min_support: Curve::LinearDecreasing {
            length: Perbill::from_percent(100),
            floor: Perbill::from_percent(10),
            ceil: Perbill::from_percent(50),
        },
    },
};
