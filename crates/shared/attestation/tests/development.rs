// SPDX-License-Identifier: Apache-2.0
//! The software platform's quotes pass the same verification, and break it in the same ways.

mod common;

use common::{MONTH, NOW, Vector, assert_every_flip_is_refused};
use offstage_attestation::{
    development::{self, Platform, Report},
    quote_platform, verify_quote, verify_quoting_enclave_identity, verify_revocation_lists, verify_tcb_info,
};
use offstage_primitives::{
    Measurement,
    attestation::{
        Collateral, DEVELOPMENT_ROOT, INTEL_ROOT, MAX_COLLATERAL_LEN, MAX_QUOTE_LEN, TcbStatus, TeeType,
    },
    collateral::{PckAuthority, QuoteError},
};

#[test]
fn a_quote_says_what_was_reported() {
    let quote = vector(&Platform::default(), false).verify(DEVELOPMENT_ROOT).unwrap();
    assert_eq!((quote.tee, quote.tcb_status, quote.debug), (TeeType::Sgx, TcbStatus::UpToDate, false));
    assert_eq!((quote.mr_enclave, quote.report_data), (Measurement([7; 32]), [9; 64]));
    assert!(quote.advisory_ids.is_empty());
    assert!(vector(&Platform::default(), true).verify(DEVELOPMENT_ROOT).unwrap().debug);
}

#[test]
fn no_byte_can_be_flipped() {
    assert_every_flip_is_refused(&vector(&Platform::default(), false), DEVELOPMENT_ROOT, 1, 3);
}

#[test]
fn the_patch_level_is_reported_and_a_revoked_one_refused() {
    for tcb_status in [
        TcbStatus::UpToDate,
        TcbStatus::SWHardeningNeeded,
        TcbStatus::ConfigurationNeeded,
        TcbStatus::ConfigurationAndSWHardeningNeeded,
        TcbStatus::OutOfDate,
        TcbStatus::OutOfDateConfigurationNeeded,
    ] {
        let quote = vector(&Platform { tcb_status, ..Platform::default() }, false).verify(DEVELOPMENT_ROOT);
        assert_eq!(quote.unwrap().tcb_status, tcb_status);
    }
    let revoked_level = Platform { tcb_status: TcbStatus::Revoked, ..Platform::default() };
    assert_eq!(vector(&revoked_level, false).verify(DEVELOPMENT_ROOT), Err(QuoteError::Revoked));
    let revoked = Platform { is_revoked: true, ..Platform::default() };
    assert_eq!(vector(&revoked, false).verify(DEVELOPMENT_ROOT), Err(QuoteError::Revoked));
    let unknown = Platform { tcb_status: TcbStatus::Unknown, ..Platform::default() };
    assert_eq!(vector(&unknown, false).verify(DEVELOPMENT_ROOT), Err(QuoteError::MalformedCollateral));
}

#[test]
fn it_holds_for_clocks_that_are_a_little_off_and_for_a_month() {
    let vector = vector(&Platform::default(), false);
    let verify = |now_secs| verify_quote(&vector.quote, &vector.collateral, DEVELOPMENT_ROOT, now_secs);
    for now_secs in [NOW - 86_400, NOW, NOW + MONTH - 2 * 86_400] {
        assert!(verify(now_secs).is_ok());
    }
    for now_secs in [NOW - 3 * 86_400, NOW + MONTH, 0, u64::MAX] {
        assert_eq!(verify(now_secs), Err(QuoteError::Expired));
    }
}

#[test]
fn every_part_of_the_collateral_expires() {
    let fresh = vector(&Platform::default(), false);
    let old = Platform::default().collateral(NOW - 2 * MONTH).unwrap();
    for stale in [
        Collateral { root_ca_crl: old.root_ca_crl.clone(), ..fresh.collateral.clone() },
        Collateral { pck_crl: old.pck_crl.clone(), ..fresh.collateral.clone() },
        Collateral {
            tcb_info: old.tcb_info.clone(),
            tcb_info_signature: old.tcb_info_signature.clone(),
            ..fresh.collateral.clone()
        },
        Collateral {
            qe_identity: old.qe_identity.clone(),
            qe_identity_signature: old.qe_identity_signature.clone(),
            ..fresh.collateral.clone()
        },
    ] {
        assert_eq!(verify_quote(&fresh.quote, &stale, DEVELOPMENT_ROOT, NOW), Err(QuoteError::Expired));
    }
}

#[test]
fn any_time_can_be_issued_for() {
    for now_secs in [0, 1, 86_400, 4_102_444_800, 5_600_000_000] {
        let evidence = development::quote(&REPORT, now_secs).unwrap();
        verify_quote(&evidence.quote, &evidence.collateral.unwrap(), DEVELOPMENT_ROOT, now_secs).unwrap();
    }
    assert!(development::quote(&REPORT, u64::MAX).is_err());
}

#[test]
fn h15_who_trusts_intel_refuses_it() {
    assert_eq!(vector(&Platform::default(), false).verify(INTEL_ROOT), Err(QuoteError::UntrustedRoot));
}

#[test]
fn another_platforms_signature_or_collateral_is_named() {
    let vector = vector(&Platform::default(), false);
    let mut quote = vector.quote.clone();
    // The first byte of the enclave's measurement.
    quote[48 + 64] ^= 1;
    let verify =
        |quote: &[u8], collateral: &Collateral| verify_quote(quote, collateral, DEVELOPMENT_ROOT, NOW);
    assert_eq!(verify(&quote, &vector.collateral), Err(QuoteError::InvalidSignature));
    let mut collateral = vector.collateral.clone();
    collateral.tcb_info = collateral.tcb_info.replace("UpToDate", "OutOfDate");
    assert_eq!(verify(&vector.quote, &collateral), Err(QuoteError::InvalidSignature));
    let mut collateral = vector.collateral.clone();
    collateral.root_ca_crl = collateral.pck_crl.clone();
    assert_eq!(verify(&vector.quote, &collateral), Err(QuoteError::InvalidSignature));
}

#[test]
fn lengths_are_bounded() {
    let vector = vector(&Platform::default(), false);
    let mut quote = vector.quote.clone();
    quote.resize(MAX_QUOTE_LEN + 1, 0);
    let answer = verify_quote(&quote, &vector.collateral, DEVELOPMENT_ROOT, NOW);
    assert_eq!(answer, Err(QuoteError::MalformedQuote));
    let mut collateral = vector.collateral.clone();
    collateral.tcb_info.push_str(&" ".repeat(MAX_COLLATERAL_LEN));
    let answer = verify_quote(&vector.quote, &collateral, DEVELOPMENT_ROOT, NOW);
    assert_eq!(answer, Err(QuoteError::MalformedCollateral));
    let mut collateral = vector.collateral.clone();
    collateral.tcb_info_issuer_chain = collateral.tcb_info_issuer_chain.repeat(10);
    let answer = verify_quote(&vector.quote, &collateral, DEVELOPMENT_ROOT, NOW);
    assert_eq!(answer, Err(QuoteError::MalformedCollateral));
}

#[test]
fn its_collateral_can_be_registered_on_chain() {
    let platform = Platform { tcb_evaluation_data_number: 5, ..Platform::default() };
    let Vector { quote, collateral, .. } = vector(&platform, false);
    let needed = quote_platform(&quote).unwrap();
    assert_eq!((needed.tee, needed.pck_authority), (TeeType::Sgx, PckAuthority::Processor));
    let identity = verify_identity(&collateral, DEVELOPMENT_ROOT, NOW).unwrap();
    assert_eq!((identity.tee, identity.tcb_evaluation_data_number), (TeeType::Sgx, 5));
    let info = verify_info(&collateral, DEVELOPMENT_ROOT, NOW).unwrap();
    assert_eq!((info.tee, info.fmspc, info.tcb_evaluation_data_number), (TeeType::Sgx, needed.fmspc, 5));
    assert_eq!(info.on_chain_info.tcb_levels[0].tcb_status, TcbStatus::UpToDate);
    let lists = verify_lists(&collateral, DEVELOPMENT_ROOT, NOW).unwrap();
    assert_eq!(lists.pck_authority, needed.pck_authority);
    assert_eq!(lists.issue_date, info.on_chain_info.issue_date);
    assert_eq!(lists.next_update - lists.issue_date, MONTH * 1000);
}

#[test]
fn registered_collateral_is_verified_for_root_and_time() {
    let collateral = Platform::default().collateral(NOW).unwrap();
    for (root, now_secs, expected) in [
        (INTEL_ROOT, NOW, QuoteError::UntrustedRoot),
        (DEVELOPMENT_ROOT, NOW + 2 * MONTH, QuoteError::Expired),
        (DEVELOPMENT_ROOT, NOW - 2 * MONTH, QuoteError::Expired),
        (DEVELOPMENT_ROOT, u64::MAX, QuoteError::Expired),
        (&[0; 5000], NOW, QuoteError::MalformedCollateral),
    ] {
        assert_eq!(verify_identity(&collateral, root, now_secs).err(), Some(expected));
        assert_eq!(verify_info(&collateral, root, now_secs).err(), Some(expected));
        assert_eq!(verify_lists(&collateral, root, now_secs).err(), Some(expected));
    }
}

#[test]
fn registered_collateral_must_not_be_touched() {
    let whole = Platform::default().collateral(NOW).unwrap();
    for (part, _) in common::parts(&mut whole.clone()).iter().enumerate() {
        let len = common::parts(&mut whole.clone())[part].1.len();
        for index in 0..len {
            let mut collateral = whole.clone();
            common::parts(&mut collateral)[part].1.flip(index);
            let accepted = verify_identity(&collateral, DEVELOPMENT_ROOT, NOW).is_ok()
                && verify_info(&collateral, DEVELOPMENT_ROOT, NOW).is_ok()
                && verify_lists(&collateral, DEVELOPMENT_ROOT, NOW).is_ok();
            assert!(!accepted, "byte {index} of part {part} does not matter");
        }
    }
}

#[test]
fn statements_cannot_stand_for_each_other() {
    let collateral = Platform::default().collateral(NOW).unwrap();
    let swapped = Collateral {
        tcb_info: collateral.qe_identity.clone(),
        tcb_info_signature: collateral.qe_identity_signature.clone(),
        qe_identity: collateral.tcb_info.clone(),
        qe_identity_signature: collateral.tcb_info_signature.clone(),
        // An authority of platforms is not a signer of statements.
        ..collateral.clone()
    };
    assert_eq!(verify_identity(&swapped, DEVELOPMENT_ROOT, NOW).err(), Some(QuoteError::MalformedCollateral));
    assert_eq!(verify_info(&swapped, DEVELOPMENT_ROOT, NOW).err(), Some(QuoteError::MalformedCollateral));
    let signed_by_authority =
        Collateral { tcb_info_issuer_chain: collateral.pck_crl_issuer_chain.clone(), ..collateral.clone() };
    assert_eq!(verify_info(&signed_by_authority, DEVELOPMENT_ROOT, NOW).err(), Some(QuoteError::Refused));
    let issued_by_signer =
        Collateral { pck_crl_issuer_chain: collateral.tcb_info_issuer_chain.clone(), ..collateral };
    assert_eq!(verify_lists(&issued_by_signer, DEVELOPMENT_ROOT, NOW).err(), Some(QuoteError::Refused));
}

fn verify_identity(
    collateral: &Collateral,
    root: &[u8],
    now_secs: u64,
) -> Result<offstage_primitives::collateral::VerifiedQuotingEnclaveIdentity, QuoteError> {
    verify_quoting_enclave_identity(
        collateral.qe_identity.as_bytes(),
        &collateral.qe_identity_signature,
        collateral.qe_identity_issuer_chain.as_bytes(),
        root,
        now_secs,
    )
}

fn verify_info(
    collateral: &Collateral,
    root: &[u8],
    now_secs: u64,
) -> Result<offstage_primitives::collateral::VerifiedTcbInfo, QuoteError> {
    verify_tcb_info(
        collateral.tcb_info.as_bytes(),
        &collateral.tcb_info_signature,
        collateral.tcb_info_issuer_chain.as_bytes(),
        root,
        now_secs,
    )
}

fn verify_lists(
    collateral: &Collateral,
    root: &[u8],
    now_secs: u64,
) -> Result<offstage_primitives::collateral::VerifiedRevocationLists, QuoteError> {
    verify_revocation_lists(
        &collateral.root_ca_crl,
        &collateral.pck_crl,
        collateral.pck_crl_issuer_chain.as_bytes(),
        root,
        now_secs,
    )
}

fn vector(platform: &Platform, debug: bool) -> Vector {
    let evidence = platform.quote(&Report { debug, ..REPORT }, NOW).unwrap();
    Vector { quote: evidence.quote, collateral: evidence.collateral.unwrap(), now_secs: NOW }
}

const REPORT: Report = Report { measurement: Measurement([7; 32]), report_data: [9; 64], debug: false };
