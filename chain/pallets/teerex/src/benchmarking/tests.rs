// SPDX-License-Identifier: Apache-2.0
//! A chain that verifies as the node does, on which the tests run each benchmark once.

use super::*;
use crate::{self as pallet_teerex, weights::MeasuredWeight};
use frame_support::{derive_impl, traits::ConstU64};
use offstage_primitives::teerex::RENEWAL_PERIOD_MS;
use sp_runtime::{BuildStorage, traits::IdentityLookup};

#[path = "../../tests/common/mod.rs"]
mod common;

frame_support::construct_runtime!(
    pub enum Test {
        System: frame_system = 0,
        Timestamp: pallet_timestamp = 3,
        Teerex: pallet_teerex = 50,
    }
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = frame_system::mocking::MockBlock<Test>;
    type AccountId = AccountId32;
    type Lookup = IdentityLookup<AccountId32>;
}

#[derive_impl(pallet_timestamp::config_preludes::TestDefaultConfig)]
impl pallet_timestamp::Config for Test {}

impl pallet_teerex::Config for Test {
    type QuoteVerifier = common::Native;
    type WeightInfo = MeasuredWeight<Test>;
    type MomentsPerDay = ConstU64<86_400_000>;
    type MaxAttestationRenewalPeriod = ConstU64<RENEWAL_PERIOD_MS>;
    type BenchmarkHelper = common::DevelopmentEvidence;
}

pub(super) fn chain() -> sp_io::TestExternalities {
    RuntimeGenesisConfig::default().build_storage().expect("the default genesis builds").into()
}
