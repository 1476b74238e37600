// SPDX-License-Identifier: Apache-2.0
//! A chain with registry and bridge. Enclaves are written into the registry directly: how they get there is the
//! registry's own concern.

use crate::{self as pallet_enclave_bridge, weights::MeasuredWeight};
use frame_support::{
    derive_impl,
    traits::{ConstU32, ConstU64, Contains},
};
use offstage_primitives::{
    AccountId32, H256, Measurement,
    attestation::{Collateral, VerifiedQuote},
    collateral::{
        QuoteError, QuotePlatform, VerifiedQuotingEnclaveIdentity, VerifiedRevocationLists, VerifiedTcbInfo,
    },
    teerex::{
        MultiEnclave, RENEWAL_PERIOD_MS, SgxAttestationMethod, SgxBuildMode, SgxEnclave, SgxReportData,
        SgxStatus,
    },
};
use sp_runtime::{BuildStorage, traits::IdentityLookup};

frame_support::construct_runtime!(
    pub enum Test {
        System: frame_system = 0,
        Timestamp: pallet_timestamp = 3,
        Balances: pallet_balances = 10,
        Teerex: pallet_teerex = 50,
        EnclaveBridge: pallet_enclave_bridge = 54,
    }
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = frame_system::mocking::MockBlockU32<Test>;
    type AccountId = AccountId32;
    type Lookup = IdentityLookup<AccountId32>;
    type AccountData = pallet_balances::AccountData<u128>;
}

#[derive_impl(pallet_timestamp::config_preludes::TestDefaultConfig)]
impl pallet_timestamp::Config for Test {}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
    type Balance = u128;
    type AccountStore = System;
    type ExistentialDeposit = frame_support::traits::ConstU128<EXISTENTIAL_DEPOSIT>;
}

impl pallet_teerex::Config for Test {
    type QuoteVerifier = Nobody;
    type WeightInfo = pallet_teerex::weights::MeasuredWeight<Test>;
    type MomentsPerDay = ConstU64<86_400_000>;
    type MaxAttestationRenewalPeriod = ConstU64<RENEWAL_PERIOD_MS>;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = Nobody;
}

impl pallet_enclave_bridge::Config for Test {
    type Currency = Balances;
    type WeightInfo = MeasuredWeight<Test>;
    type RsaOperationsPerBlock = ConstU32<RSA_OPERATIONS>;
    type CallsOfShards = RemarksAndTransfers;
}

/// Also lets this pallet's own calls through, about which it must not be asked.
pub struct RemarksAndTransfers;

impl Contains<RuntimeCall> for RemarksAndTransfers {
    fn contains(call: &RuntimeCall) -> bool {
        matches!(
            call,
            RuntimeCall::System(frame_system::Call::remark_with_event { .. })
                | RuntimeCall::Balances(pallet_balances::Call::transfer_keep_alive { .. })
                | RuntimeCall::EnclaveBridge(_)
        )
    }
}

/// A fresh chain at block 10 whose blocks have the hashes [`hash_of`], with `FUNDS` for Alice.
pub(crate) fn chain() -> sp_io::TestExternalities {
    let mut storage = frame_system::GenesisConfig::<Test>::default().build_storage().unwrap();
    let balances = vec![(alice(), FUNDS)];
    let genesis = pallet_balances::GenesisConfig::<Test> { balances, ..Default::default() };
    genesis.assimilate_storage(&mut storage).unwrap();
    let mut externalities = sp_io::TestExternalities::new(storage);
    externalities.execute_with(|| {
        System::set_block_number(10);
        for number in 0..10 {
            frame_system::BlockHash::<Test>::insert(number, hash_of(number));
        }
    });
    externalities
}

/// Registers `signer` as an enclave of this measurement.
pub(crate) fn register(signer: &AccountId32, measurement: Measurement) {
    let enclave = SgxEnclave {
        report_data: SgxReportData { d: [0; 64] },
        mr_enclave: measurement,
        mr_signer: [0; 32],
        timestamp: 0,
        url: None,
        build_mode: SgxBuildMode::Production,
        attestation_method: SgxAttestationMethod::Dcap { proxied: false },
        status: SgxStatus::Ok,
    };
    pallet_teerex::SovereignEnclaves::<Test>::insert(signer, MultiEnclave::Sgx(enclave));
}

/// Hash of a block of the chain.
pub(crate) fn hash_of(number: u32) -> H256 {
    H256::from_low_u64_be(0xb10c + u64::from(number))
}

pub(crate) fn alice() -> AccountId32 {
    AccountId32::new([0xa; 32])
}

pub(crate) fn bob() -> AccountId32 {
    AccountId32::new([0xb; 32])
}

pub(crate) const FUNDS: u128 = 1_000_000;
pub(crate) const EXISTENTIAL_DEPOSIT: u128 = 10;
/// Room of a block for one shard: the longest envelope, and three chunks.
pub(crate) const RSA_OPERATIONS: u32 = 55;

/// A verifier that accepts nothing: these tests never verify a quote.
pub struct Nobody;

#[cfg(feature = "runtime-benchmarks")]
impl pallet_teerex::benchmarking::BenchmarkHelper for Nobody {
    fn registration() -> pallet_teerex::benchmarking::Registration {
        unreachable!("the bridge registers nobody")
    }
}

impl pallet_teerex::QuoteVerifier for Nobody {
    fn verify(_: &[u8], _: &Collateral, _: &[u8], _: u64) -> Result<VerifiedQuote, QuoteError> {
        Err(QuoteError::Refused)
    }

    fn quote_platform(_: &[u8]) -> Result<QuotePlatform, QuoteError> {
        Err(QuoteError::Refused)
    }

    fn verify_quoting_enclave_identity(
        _: &[u8],
        _: &[u8],
        _: &[u8],
        _: &[u8],
        _: u64,
    ) -> Result<VerifiedQuotingEnclaveIdentity, QuoteError> {
        Err(QuoteError::Refused)
    }

    fn verify_tcb_info(
        _: &[u8],
        _: &[u8],
        _: &[u8],
        _: &[u8],
        _: u64,
    ) -> Result<VerifiedTcbInfo, QuoteError> {
        Err(QuoteError::Refused)
    }

    fn verify_revocation_lists(
        _: &[u8],
        _: &[u8],
        _: &[u8],
        _: &[u8],
        _: u64,
    ) -> Result<VerifiedRevocationLists, QuoteError> {
        Err(QuoteError::Refused)
    }
}
