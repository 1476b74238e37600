// SPDX-License-Identifier: Apache-2.0
//! Every rule of the registry, and what must be refused.

use crate::{
    AllowSkippingAttestation, Error, Event, ProxiedEnclaves, SecurityFlags, SgxAllowDebugMode,
    SgxQuotingEnclaveRegistry, SgxTcbInfo, SovereignEnclaves, TcbInfos,
    mock::*,
    types::{AnySigner, EnclaveInstanceAddress, limits},
};
use codec::Encode;
use frame_support::{assert_noop, assert_ok, dispatch::GetDispatchInfo};
use frame_system::RawOrigin;
use offstage_primitives::{
    AccountId32, BlockHash, KeyDigest, Measurement,
    attestation::{
        Evidence, KeyBinding, MAX_QUOTE_LEN, MAX_REGISTRATION_PROOF_LEN, RegistrationProof, TcbStatus,
        TeeType,
    },
    teerex::{MultiEnclave, SgxAttestationMethod, SgxBuildMode, SgxEnclave, SgxStatus},
};
use sp_core::ed25519;
use sp_runtime::{DispatchError, DispatchResult, MultiSigner};

const SOVEREIGN: SgxAttestationMethod = SgxAttestationMethod::Dcap { proxied: false };
const PROXIED: SgxAttestationMethod = SgxAttestationMethod::Dcap { proxied: true };

fn alice() -> AccountId32 {
    AccountId32::new([0xa; 32])
}

fn bob() -> AccountId32 {
    AccountId32::new([0xb; 32])
}

fn signed(who: AccountId32) -> RuntimeOrigin {
    RuntimeOrigin::signed(who)
}

/// A proof with a quote, carried collateral that holds for a month, and perhaps a binding.
fn proof(quote: &ClaimedQuote, binding: Option<KeyBinding>) -> Vec<u8> {
    let evidence = Evidence { quote: quote.bytes(), collateral: Some(collateral(NOW + MONTH)) };
    RegistrationProof { evidence, binding }.to_bytes()
}

fn register(who: AccountId32, quote: &ClaimedQuote) -> DispatchResult {
    Teerex::register_sgx_enclave(signed(who), proof(quote, None), None, SOVEREIGN)
}

fn entry(who: &AccountId32) -> SgxEnclave {
    let Some(MultiEnclave::Sgx(enclave)) = SovereignEnclaves::<Test>::get(who) else {
        panic!("not registered")
    };
    enclave
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

fn quote_bound_to(binding: &KeyBinding) -> ClaimedQuote {
    let mut quote = ClaimedQuote::of(&alice());
    quote.verified.report_data = binding.report_data(&alice());
    quote
}

/// Registers all three kinds of collateral.
fn register_collateral(
    issue_date: u64,
    next_update: u64,
    evaluation: u32,
    status: TcbStatus,
) -> DispatchResult {
    let text = statement(issue_date, next_update, evaluation, status);
    Teerex::register_quoting_enclave(signed(bob()), text.clone(), SIGNATURE.to_vec(), b"chain".to_vec())?;
    Teerex::register_tcb_info(signed(bob()), text.clone(), SIGNATURE.to_vec(), b"chain".to_vec())?;
    Teerex::register_revocation_lists(signed(bob()), vec![1], text, b"chain".to_vec())
}

#[test]
fn an_enclave_registers_itself() {
    chain().execute_with(|| {
        let url = Some(b"wss://worker.example:2000".to_vec());
        let quote = ClaimedQuote::of(&alice());
        assert_ok!(Teerex::register_sgx_enclave(
            signed(alice()),
            proof(&quote, None),
            url.clone(),
            SOVEREIGN
        ));
        let enclave = entry(&alice());
        assert_eq!(enclave.mr_enclave, MEASUREMENT);
        assert_eq!(enclave.report_data.d, quote.verified.report_data);
        assert_eq!((enclave.timestamp, enclave.url.clone()), (NOW, url.clone()));
        assert_eq!((enclave.build_mode, enclave.status), (SgxBuildMode::Production, SgxStatus::Ok));
        assert_eq!(Teerex::measurement_of(&alice()).ok(), Some(MEASUREMENT));
        System::assert_last_event(
            Event::AddedSgxEnclave {
                registered_by: alice(),
                worker_url: url,
                tcb_status: Some(SgxStatus::Ok),
                attestation_method: SOVEREIGN,
            }
            .into(),
        );
    });
}

#[test]
fn h10_a_renewal_replaces_the_entry() {
    chain().execute_with(|| {
        assert_ok!(register(alice(), &ClaimedQuote::of(&alice())));
        set_time(NOW + 5000);
        let mut newer = ClaimedQuote::of(&alice());
        newer.verified.mr_enclave = Measurement([0x22; 32]);
        assert_ok!(register(alice(), &newer));
        assert_eq!(
            (entry(&alice()).timestamp, entry(&alice()).mr_enclave),
            (NOW + 5000, Measurement([0x22; 32]))
        );
        assert_eq!(SovereignEnclaves::<Test>::iter().count(), 1);
    });
}

#[test]
fn skip_and_ias_are_always_refused() {
    let quote = ClaimedQuote::of(&alice());
    for (method, error) in [
        (SgxAttestationMethod::Skip { proxied: false }, Error::<Test>::SkippingAttestationIsNotAllowed),
        (SgxAttestationMethod::Skip { proxied: true }, Error::<Test>::SkippingAttestationIsNotAllowed),
        (SgxAttestationMethod::Ias, Error::<Test>::AttestationMethodIsNotSupported),
    ] {
        chain_with(&ROOT, true).execute_with(|| {
            assert_noop!(
                Teerex::register_sgx_enclave(signed(alice()), proof(&quote, None), None, method),
                error
            );
        });
    }
}

#[test]
fn another_sender_is_refused() {
    chain().execute_with(|| {
        assert_noop!(register(bob(), &ClaimedQuote::of(&alice())), Error::<Test>::SenderIsNotAttestedEnclave);
        assert_noop!(
            Teerex::register_sgx_enclave(
                RawOrigin::Root.into(),
                proof(&ClaimedQuote::of(&alice()), None),
                None,
                SOVEREIGN
            ),
            sp_runtime::traits::BadOrigin
        );
    });
}

#[test]
fn a_debug_enclave_is_refused_unless_allowed() {
    let mut quote = ClaimedQuote::of(&alice());
    quote.verified.debug = true;
    chain().execute_with(|| {
        assert_noop!(register(alice(), &quote), Error::<Test>::SgxModeIsNotAllowed);
        assert_ok!(Teerex::set_security_flags(RawOrigin::Root.into(), false, true));
        assert_ok!(register(alice(), &quote));
        assert_eq!(entry(&alice()).build_mode, SgxBuildMode::Debug);
    });
    chain_with(&ROOT, true).execute_with(|| {
        assert_ok!(register(alice(), &quote));
    });
}

// Row H15 of the attack table.
#[test]
fn h15_a_quote_under_another_root_is_refused() {
    let mut software = ClaimedQuote::of(&alice());
    software.root = b"development".to_vec();
    chain().execute_with(|| {
        assert_noop!(register(alice(), &software), Error::<Test>::RootIsNotTrusted);
    });
    chain_with(b"", false).execute_with(|| {
        assert_noop!(register(alice(), &ClaimedQuote::of(&alice())), Error::<Test>::RootIsNotTrusted);
    });
}

#[test]
fn the_patch_level_is_judged_by_the_policy() {
    for (status, accepted) in [
        (TcbStatus::UpToDate, true),
        (TcbStatus::SWHardeningNeeded, true),
        (TcbStatus::ConfigurationNeeded, false),
        (TcbStatus::ConfigurationAndSWHardeningNeeded, false),
        (TcbStatus::OutOfDate, false),
        (TcbStatus::OutOfDateConfigurationNeeded, false),
        (TcbStatus::Revoked, false),
        (TcbStatus::Unknown, false),
    ] {
        chain().execute_with(|| {
            let mut quote = ClaimedQuote::of(&alice());
            quote.verified.tcb_status = status;
            let result = register(alice(), &quote);
            if accepted {
                assert_ok!(result);
            } else {
                assert_eq!(result, Err(Error::<Test>::TcbStatusIsNotAccepted.into()));
            }
        });
    }
}

#[test]
fn expired_collateral_is_refused() {
    chain().execute_with(|| {
        set_time(NOW + MONTH);
        assert_noop!(register(alice(), &ClaimedQuote::of(&alice())), Error::<Test>::EvidenceIsNotInForce);
    });
}

#[test]
fn a_binding_must_be_what_the_quote_commits_to() {
    chain().execute_with(|| {
        let quote = quote_bound_to(&binding());
        let other = KeyBinding { shielding_key: KeyDigest::zero(), ..binding() };
        assert_noop!(
            Teerex::register_sgx_enclave(signed(alice()), proof(&quote, Some(other)), None, SOVEREIGN),
            Error::<Test>::BindingDoesNotMatchReport
        );
        assert_ok!(Teerex::register_sgx_enclave(
            signed(alice()),
            proof(&quote, Some(binding())),
            None,
            SOVEREIGN
        ));
    });
}

#[test]
fn h02_a_binding_to_another_chain_is_refused() {
    chain().execute_with(|| {
        let foreign = KeyBinding { genesis_hash: BlockHash::repeat_byte(0xff), ..binding() };
        let quote = quote_bound_to(&foreign);
        assert_noop!(
            Teerex::register_sgx_enclave(signed(alice()), proof(&quote, Some(foreign)), None, SOVEREIGN),
            Error::<Test>::BindingIsForAnotherChain
        );
    });
}

#[test]
fn inputs_are_bounded() {
    chain().execute_with(|| {
        let quote = ClaimedQuote::of(&alice());
        let long_url = Some(vec![b'a'; limits::URL_LEN as usize + 1]);
        assert_noop!(
            Teerex::register_sgx_enclave(signed(alice()), proof(&quote, None), long_url, SOVEREIGN),
            Error::<Test>::EnclaveUrlIsTooLong
        );
        assert_noop!(
            Teerex::register_sgx_enclave(
                signed(alice()),
                vec![0; MAX_REGISTRATION_PROOF_LEN + 1],
                None,
                SOVEREIGN
            ),
            Error::<Test>::RaProofIsTooLong
        );
        for long in [vec![3; MAX_QUOTE_LEN + 1], {
            let evidence = Evidence { quote: vec![3; MAX_QUOTE_LEN + 1], collateral: None };
            RegistrationProof { evidence, binding: None }.to_bytes()
        }] {
            assert_noop!(
                Teerex::register_sgx_enclave(signed(alice()), long, None, SOVEREIGN),
                Error::<Test>::RaProofIsTooLong
            );
        }
        let mut trailing = proof(&quote, None);
        trailing.push(0);
        assert_noop!(
            Teerex::register_sgx_enclave(signed(alice()), trailing, None, SOVEREIGN),
            Error::<Test>::ProofIsMalformed
        );
        assert_noop!(
            Teerex::register_sgx_enclave(signed(alice()), b"garbage".to_vec(), None, SOVEREIGN),
            Error::<Test>::QuoteIsMalformed
        );
        let long_text = vec![b'0'; limits::STATEMENT_LEN as usize + 1];
        assert_noop!(
            Teerex::register_tcb_info(signed(bob()), long_text, SIGNATURE.to_vec(), vec![]),
            Error::<Test>::CollateralIsTooLong
        );
        let long_list = vec![b'0'; limits::REVOCATION_LIST_LEN as usize + 1];
        assert_noop!(
            Teerex::register_revocation_lists(signed(bob()), vec![], long_list, vec![]),
            Error::<Test>::CollateralIsTooLong
        );
    });
}

#[test]
fn a_bare_quote_needs_registered_collateral() {
    chain().execute_with(|| {
        let bare = ClaimedQuote::of(&alice()).bytes();
        let register = || Teerex::register_sgx_enclave(signed(alice()), bare.clone(), None, SOVEREIGN);
        let text = statement(NOW, NOW + MONTH, 1, TcbStatus::UpToDate);
        assert_noop!(register(), Error::<Test>::MissingQuotingEnclaveIdentity);
        assert_ok!(Teerex::register_quoting_enclave(signed(bob()), text.clone(), SIGNATURE.to_vec(), vec![]));
        assert_noop!(register(), Error::<Test>::MissingTcbInfoForFmspc);
        assert_ok!(Teerex::register_tcb_info(signed(bob()), text.clone(), SIGNATURE.to_vec(), vec![]));
        assert_noop!(register(), Error::<Test>::MissingRevocationLists);
        assert_ok!(Teerex::register_revocation_lists(signed(bob()), vec![1], text, vec![]));
        assert_ok!(register());
        // What is out of force does not count.
        set_time(NOW + MONTH);
        assert_noop!(register(), Error::<Test>::MissingQuotingEnclaveIdentity);
    });
}

#[test]
fn registered_collateral_comes_before_carried() {
    chain().execute_with(|| {
        // The carried collateral calls the platform healthy, the registered one knows better.
        assert_ok!(register(alice(), &ClaimedQuote::of(&alice())));
        assert_ok!(register_collateral(NOW, NOW + MONTH, 2, TcbStatus::OutOfDate));
        assert_noop!(register(alice(), &ClaimedQuote::of(&alice())), Error::<Test>::TcbStatusIsNotAccepted);
    });
}

#[test]
fn collateral_is_shown_in_the_forms_of_the_wire() {
    chain().execute_with(|| {
        assert_ok!(register_collateral(NOW, NOW + MONTH, 1, TcbStatus::ConfigurationNeeded));
        let shown = SgxTcbInfo::<Test>::get(FMSPC).unwrap();
        assert_eq!((shown.issue_date, shown.next_update), (NOW, NOW + MONTH));
        assert_eq!(shown.tcb_levels[0].tcb_status, TcbStatus::ConfigurationAndSWHardeningNeeded);
        assert_eq!(SgxQuotingEnclaveRegistry::<Test>::get().next_update, NOW + MONTH);
        assert_eq!(TcbInfos::<Test>::get((TeeType::Sgx, FMSPC)).unwrap().tcb_evaluation_data_number, 1);
    });
}

#[test]
fn older_collateral_does_not_replace_newer() {
    chain().execute_with(|| {
        let status = TcbStatus::UpToDate;
        assert_ok!(register_collateral(NOW, NOW + MONTH, 2, status));
        for (issue_date, evaluation) in [(NOW - 1, 2), (NOW + 1, 1)] {
            let text = statement(issue_date, NOW + MONTH, evaluation, status);
            assert_noop!(
                Teerex::register_tcb_info(signed(bob()), text.clone(), SIGNATURE.to_vec(), vec![]),
                Error::<Test>::CollateralIsOlderThanRegistered
            );
            assert_noop!(
                Teerex::register_quoting_enclave(signed(bob()), text, SIGNATURE.to_vec(), vec![]),
                Error::<Test>::CollateralIsOlderThanRegistered
            );
        }
        assert_noop!(
            Teerex::register_revocation_lists(
                signed(bob()),
                vec![1],
                statement(NOW - 1, NOW + MONTH, 1, status),
                vec![]
            ),
            Error::<Test>::CollateralIsOlderThanRegistered
        );
        assert_ok!(register_collateral(NOW + 1, NOW + 2 * MONTH, 3, status));
    });
}

#[test]
fn collateral_that_does_not_verify_is_not_stored() {
    chain().execute_with(|| {
        let good = statement(NOW, NOW + MONTH, 1, TcbStatus::UpToDate);
        let late = statement(NOW - MONTH, NOW, 1, TcbStatus::UpToDate);
        for (text, signature, error) in [
            (good.clone(), vec![8; 64], Error::<Test>::CollateralIsInvalid),
            (good.clone(), vec![7; 63], Error::<Test>::CollateralIsInvalid),
            (b"zz".to_vec(), SIGNATURE.to_vec(), Error::<Test>::CollateralIsInvalid),
            (late, SIGNATURE.to_vec(), Error::<Test>::EvidenceIsNotInForce),
        ] {
            assert_noop!(
                Teerex::register_tcb_info(signed(bob()), text.clone(), signature.clone(), vec![]),
                error
            );
        }
    });
    chain_with(b"other", false).execute_with(|| {
        assert_noop!(
            register_collateral(NOW, NOW + MONTH, 1, TcbStatus::UpToDate),
            Error::<Test>::RootIsNotTrusted
        );
    });
}

#[test]
fn an_entry_is_removed_by_its_enclave_at_any_time_and_by_others_when_not_renewed() {
    chain().execute_with(|| {
        let period = MaxAttestationRenewalPeriod::get();
        let remove = |who| Teerex::unregister_sovereign_enclave(signed(who), alice());
        assert_noop!(remove(alice()), Error::<Test>::EnclaveIsNotRegistered);
        assert_ok!(register(alice(), &ClaimedQuote::of(&alice())));
        set_time(NOW + period);
        assert_noop!(remove(bob()), Error::<Test>::UnregisterActiveEnclaveIsNotAllowed);
        set_time(NOW + period + 1);
        assert_ok!(remove(bob()));
        System::assert_last_event(Event::RemovedSovereignEnclave(alice()).into());
        assert!(Teerex::measurement_of(&alice()).is_err());

        assert_ok!(register(alice(), &ClaimedQuote::of(&alice())));
        assert_ok!(remove(alice()));
        assert_ok!(register(alice(), &ClaimedQuote::of(&alice())));
        assert_ok!(Teerex::unregister_sovereign_enclave(RawOrigin::Root.into(), alice()));
    });
}

/// The platform may be refused by now, and its key be in other hands: only a renewal shows that it is not.
#[test]
fn h21_an_entry_that_was_not_renewed_in_time_gives_no_right() {
    chain().execute_with(|| {
        let period = MaxAttestationRenewalPeriod::get();
        let measurement = || Teerex::measurement_of(&alice()).map_err(DispatchError::from);
        assert_ok!(register(alice(), &ClaimedQuote::of(&alice())));
        set_time(NOW + period);
        assert_ok!(measurement(), MEASUREMENT);
        set_time(NOW + period + 1);
        assert_eq!(measurement(), Err(Error::<Test>::RegistrationIsTooOld.into()));
        assert_ok!(register(alice(), &ClaimedQuote::of(&alice())));
        assert_ok!(measurement(), MEASUREMENT);
        set_time(NOW + 2 * period + 1);
        assert_ok!(measurement(), MEASUREMENT);
    });
}

#[test]
fn a_proxied_enclave_is_kept_apart() {
    chain().execute_with(|| {
        let quote = ClaimedQuote::of(&alice());
        assert_ok!(Teerex::register_sgx_enclave(signed(bob()), proof(&quote, None), None, PROXIED));
        let address = EnclaveInstanceAddress {
            fingerprint: MEASUREMENT,
            registrar: bob(),
            signer: AnySigner::Known(MultiSigner::Ed25519(ed25519::Public::from_raw([0xa; 32]))),
        };
        assert!(ProxiedEnclaves::<Test>::contains_key(&address));
        // It gives no account any right.
        assert!(Teerex::measurement_of(&alice()).is_err());
        assert!(Teerex::measurement_of(&bob()).is_err());

        let remove = |who| Teerex::unregister_proxied_enclave(signed(who), address.clone());
        assert_noop!(remove(alice()), Error::<Test>::UnregisterActiveEnclaveIsNotAllowed);
        assert_ok!(remove(bob()));
        System::assert_last_event(Event::RemovedProxiedEnclave(address.clone()).into());
        assert_noop!(remove(bob()), Error::<Test>::EnclaveIsNotRegistered);
    });
}

#[test]
fn only_root_sets_flags_and_never_skipping() {
    chain().execute_with(|| {
        assert_noop!(Teerex::set_security_flags(signed(alice()), false, true), sp_runtime::traits::BadOrigin);
        assert_noop!(
            Teerex::set_security_flags(RawOrigin::Root.into(), true, true),
            Error::<Test>::SkippingAttestationIsNotAllowed
        );
        assert_ok!(Teerex::set_security_flags(RawOrigin::Root.into(), false, true));
        assert!(SecurityFlags::<Test>::get().sgx_allow_debug_mode && SgxAllowDebugMode::<Test>::get());
        assert!(!AllowSkippingAttestation::<Test>::get());
        System::assert_last_event(
            Event::UpdatedSecurityFlags { allow_skipping_attestation: false, sgx_allow_debug_mode: true }
                .into(),
        );
    });
}

#[test]
fn the_calls_have_the_indices_and_arguments_of_the_wire() {
    type Call = crate::Call<Test>;
    let method = SgxAttestationMethod::Dcap { proxied: true };
    let proof =
        Call::register_sgx_enclave { proof: vec![1], worker_url: Some(vec![2]), attestation_method: method };
    assert_eq!(proof.encode(), [0, 4, 1, 1, 4, 2, 2, 1]);
    let remove = Call::unregister_sovereign_enclave { enclave_signer: alice() };
    assert_eq!(remove.encode(), [&[1][..], &[0xa; 32]].concat());
    let address = EnclaveInstanceAddress {
        fingerprint: Measurement([1; 32]),
        registrar: bob(),
        signer: opaque_signer(),
    };
    assert_eq!(
        Call::unregister_proxied_enclave { address }.encode(),
        [&[2][..], &[1; 32], &[0xb; 32], &[0, 4, 9]].concat()
    );
    let (a, b, c) = (vec![1], vec![2], vec![3]);
    let quoting = Call::register_quoting_enclave {
        enclave_identity: a.clone(),
        signature: b.clone(),
        certificate_chain: c.clone(),
    };
    assert_eq!(quoting.encode(), [3, 4, 1, 4, 2, 4, 3]);
    let tcb =
        Call::register_tcb_info { tcb_info: a.clone(), signature: b.clone(), certificate_chain: c.clone() };
    assert_eq!(tcb.encode(), [4, 4, 1, 4, 2, 4, 3]);
    let flags = Call::set_security_flags { allow_skipping_attestation: false, sgx_allow_debug_mode: true };
    assert_eq!(flags.encode(), [5, 0, 1]);
    let lists = Call::register_revocation_lists { root_ca_crl: a, pck_crl: b, pck_crl_issuer_chain: c };
    assert_eq!(lists.encode(), [6, 4, 1, 4, 2, 4, 3]);
}

#[test]
fn the_price_grows_with_the_proof() {
    let weight = |len| {
        let call = crate::Call::<Test>::register_sgx_enclave {
            proof: vec![0; len],
            worker_url: None,
            attestation_method: SOVEREIGN,
        };
        call.get_dispatch_info().call_weight.ref_time()
    };
    // Half a millisecond: several ECDSA verifications. And what it takes to read a byte.
    assert!(weight(0) > 500_000_000);
    assert!(weight(100_000) >= weight(0) + 100_000 * 20_000);
}

fn opaque_signer() -> AnySigner {
    AnySigner::Opaque(vec![9].try_into().unwrap())
}
