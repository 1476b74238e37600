// SPDX-License-Identifier: Apache-2.0
//! The registry with the verifier that the node really has, on quotes of the software platform.
#![expect(missing_docs, reason = "the runtime macro documents nothing it makes")]

mod common;

use frame_support::{assert_noop, assert_ok, derive_impl, traits::ConstU64};
use offstage_attestation::development::{Platform, Report};
use offstage_primitives::{
    AccountId32, H256, KeyDigest, Measurement,
    attestation::{
        Collateral, DEVELOPMENT_ROOT, Evidence, INTEL_ROOT, KeyBinding, RegistrationProof, TcbStatus, TeeType,
    },
    teerex::SgxAttestationMethod,
};
use pallet_teerex::{Error, QuoteVerifier, SgxQuotingEnclaveRegistry, TcbInfos, weights::MeasuredWeight};
use sp_runtime::{BuildStorage, DispatchResult, traits::IdentityLookup};

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
    type MaxAttestationRenewalPeriod = ConstU64<172_800_000>;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = common::DevelopmentEvidence;
}

const NOW_SECS: u64 = 1_800_000_000;
const GENESIS_HASH: H256 = H256::repeat_byte(0x6e);
const MEASUREMENT: Measurement = Measurement([0x11; 32]);

fn chain(root: &[u8], test: impl FnOnce()) {
    let mut storage = frame_system::GenesisConfig::<Test>::default().build_storage().unwrap();
    let genesis =
        pallet_teerex::GenesisConfig::<Test> { root_certificate: root.to_vec(), ..Default::default() };
    genesis.assimilate_storage(&mut storage).unwrap();
    sp_io::TestExternalities::new(storage).execute_with(|| {
        frame_system::BlockHash::<Test>::insert(0, GENESIS_HASH);
        System::set_block_number(1);
        pallet_timestamp::Now::<Test>::put(NOW_SECS * 1000);
        test();
    });
}

fn signer() -> AccountId32 {
    AccountId32::new([0xa; 32])
}

fn binding() -> KeyBinding {
    KeyBinding {
        genesis_hash: GENESIS_HASH.into(),
        shard: MEASUREMENT.into(),
        shielding_key: KeyDigest::repeat_byte(3),
        tls_public_key: KeyDigest::repeat_byte(4),
        boot_nonce: [5; 32],
    }
}

fn report(debug: bool) -> Report {
    Report { measurement: MEASUREMENT, report_data: binding().report_data(&signer()), debug }
}

fn evidence_of(platform: Platform) -> Evidence {
    platform.quote(&report(false), NOW_SECS).unwrap()
}

fn register(evidence: Evidence) -> DispatchResult {
    let proof = RegistrationProof { evidence, binding: Some(binding()) }.to_bytes();
    register_proof(proof)
}

fn register_proof(proof: Vec<u8>) -> DispatchResult {
    let method = SgxAttestationMethod::Dcap { proxied: false };
    Teerex::register_sgx_enclave(RuntimeOrigin::signed(signer()), proof, None, method)
}

fn register_collateral(collateral: Collateral) -> DispatchResult {
    let anybody = || RuntimeOrigin::signed(AccountId32::new([1; 32]));
    Teerex::register_quoting_enclave(
        anybody(),
        collateral.qe_identity.into(),
        collateral.qe_identity_signature,
        collateral.qe_identity_issuer_chain.into(),
    )?;
    Teerex::register_tcb_info(
        anybody(),
        collateral.tcb_info.into(),
        collateral.tcb_info_signature,
        collateral.tcb_info_issuer_chain.into(),
    )?;
    Teerex::register_revocation_lists(
        anybody(),
        collateral.root_ca_crl,
        collateral.pck_crl,
        collateral.pck_crl_issuer_chain.into(),
    )
}

#[test]
fn a_software_enclave_registers_where_the_development_root_is_trusted() {
    chain(DEVELOPMENT_ROOT, || {
        assert_ok!(register(evidence_of(Platform::default())));
        assert_eq!(Teerex::measurement_of(&signer()).ok(), Some(MEASUREMENT));
    });
}

// Row H15 of the attack table.
#[test]
fn h15_a_software_enclave_is_refused_where_intel_is_trusted() {
    chain(INTEL_ROOT, || {
        let evidence = evidence_of(Platform::default());
        assert_noop!(register(evidence.clone()), Error::<Test>::RootIsNotTrusted);
        assert_noop!(register_collateral(evidence.collateral.unwrap()), Error::<Test>::RootIsNotTrusted);
    });
}

#[test]
fn h14_a_flipped_byte_of_the_report_is_refused() {
    chain(DEVELOPMENT_ROOT, || {
        let mut evidence = evidence_of(Platform::default());
        // A byte of the measurement: header (48) and its offset in the report body (64).
        evidence.quote[48 + 64] ^= 1;
        assert_noop!(register(evidence), Error::<Test>::RemoteAttestationVerificationFailed);
    });
}

#[test]
fn h14_a_debug_enclave_is_refused() {
    chain(DEVELOPMENT_ROOT, || {
        let evidence = Platform::default().quote(&report(true), NOW_SECS).unwrap();
        assert_noop!(register(evidence.clone()), Error::<Test>::SgxModeIsNotAllowed);
        assert_ok!(Teerex::set_security_flags(RuntimeOrigin::root(), false, true));
        assert_ok!(register(evidence));
    });
}

#[test]
fn h14_an_ill_platform_is_refused() {
    for (platform, error) in [
        (
            Platform { tcb_status: TcbStatus::OutOfDate, ..Default::default() },
            Error::<Test>::TcbStatusIsNotAccepted,
        ),
        (Platform { is_revoked: true, ..Default::default() }, Error::<Test>::CertificateIsRevoked),
    ] {
        chain(DEVELOPMENT_ROOT, || {
            assert_noop!(register(evidence_of(platform)), error);
        });
    }
}

#[test]
fn h14_collateral_out_of_force_is_refused() {
    chain(DEVELOPMENT_ROOT, || {
        let evidence = evidence_of(Platform::default());
        pallet_timestamp::Now::<Test>::put((NOW_SECS + 40 * 86_400) * 1000);
        assert_noop!(register(evidence.clone()), Error::<Test>::EvidenceIsNotInForce);
        assert_noop!(register_collateral(evidence.collateral.unwrap()), Error::<Test>::EvidenceIsNotInForce);
    });
}

#[test]
fn a_bare_quote_is_judged_by_registered_collateral() {
    chain(DEVELOPMENT_ROOT, || {
        let evidence = evidence_of(Platform::default());
        assert_noop!(register_proof(evidence.quote.clone()), Error::<Test>::MissingQuotingEnclaveIdentity);
        assert_ok!(register_collateral(evidence.collateral.unwrap()));
        let shown = SgxQuotingEnclaveRegistry::<Test>::get();
        assert!(shown.issue_date <= NOW_SECS * 1000 && NOW_SECS * 1000 < shown.next_update);
        assert_ok!(register_proof(evidence.quote));
    });
}

#[test]
fn carried_collateral_does_not_hide_what_the_chain_knows() {
    chain(DEVELOPMENT_ROOT, || {
        let vulnerable = Platform {
            tcb_status: TcbStatus::OutOfDate,
            tcb_evaluation_data_number: 2,
            ..Default::default()
        };
        assert_ok!(register_collateral(vulnerable.collateral(NOW_SECS).unwrap()));
        let healthy = evidence_of(Platform::default());
        assert_noop!(register(healthy.clone()), Error::<Test>::TcbStatusIsNotAccepted);
        // Nor can the healthy word be registered again.
        assert_noop!(
            register_collateral(healthy.collateral.unwrap()),
            Error::<Test>::CollateralIsOlderThanRegistered
        );
        let platform = common::Native::quote_platform(&healthy.quote).unwrap();
        assert!(TcbInfos::<Test>::contains_key((TeeType::Sgx, platform.fmspc)));
    });
}
