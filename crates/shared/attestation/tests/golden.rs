// SPDX-License-Identifier: Apache-2.0
//! Quotes of real hardware: valid at their time, refused when anything is not as it was.

mod common;

use common::{MONTH, Vector, assert_every_flip_is_refused, sgx, tdx, tdx_extended, tdx_outdated};
use offstage_attestation::{
    quote_platform, unverified_claims, verify_quoting_enclave_identity, verify_revocation_lists,
    verify_tcb_info,
};
use offstage_primitives::{
    attestation::{DEVELOPMENT_ROOT, INTEL_ROOT, TcbStatus, TeeType},
    collateral::{PckAuthority, QeTcb, QuoteError},
};

#[test]
fn an_sgx_quote_says_what_it_said() {
    let quote = sgx().verify(INTEL_ROOT).unwrap();
    assert_eq!(quote.tee, TeeType::Sgx);
    assert_eq!(
        hex::encode(quote.mr_enclave.as_bytes()),
        "33d8736db756ed4997e04ba358d27833188f1932ff7b1d156904d3f560452fbb"
    );
    assert_eq!(
        hex::encode(quote.mr_signer),
        "815f42f11cf64430c30bab7816ba596a1da0130c3b028b673133a66cf9a3e0e6"
    );
    assert!(quote.report_data.starts_with(b"Hello, world!\0"));
    assert!(!quote.debug);
    assert_eq!(quote.tcb_status, TcbStatus::ConfigurationAndSWHardeningNeeded);
    assert_eq!(quote.advisory_ids, ["INTEL-SA-00289", "INTEL-SA-00615"]);
}

#[test]
fn tdx_quotes_of_all_versions_say_what_they_said() {
    for vector in [tdx(), tdx_extended()] {
        let quote = vector.verify(INTEL_ROOT).unwrap();
        assert_eq!((quote.tee, quote.debug, quote.tcb_status), (TeeType::Tdx, false, TcbStatus::UpToDate));
        assert_eq!(quote.mr_signer, [0; 32]);
    }
    // A platform below every level that the vendor publishes.
    assert_eq!(tdx_outdated().verify(INTEL_ROOT), Err(QuoteError::PlatformMismatch));
    // The measurement is a digest over MRTD and the four RTMRs, which stand at these places in a quote of version 4.
    let vector = tdx();
    let registers = [&vector.quote[48 + 136..48 + 184], &vector.quote[48 + 328..48 + 520]].concat();
    assert_eq!(
        vector.verify(INTEL_ROOT).unwrap().mr_enclave,
        sp_crypto_hashing::blake2_256(&registers).into()
    );
}

#[test]
fn a_quote_tells_which_collateral_it_needs() {
    let platform = quote_platform(&sgx().quote).unwrap();
    assert_eq!((platform.tee, platform.pck_authority), (TeeType::Sgx, PckAuthority::Processor));
    assert_eq!(hex::encode_upper(platform.fmspc), "00A067110000");
    let platform = quote_platform(&tdx().quote).unwrap();
    assert_eq!((platform.tee, platform.pck_authority), (TeeType::Tdx, PckAuthority::Platform));
    assert_eq!(hex::encode_upper(platform.fmspc), "B0C06F000000");
}

#[test]
fn claims_are_what_verification_would_answer() {
    for vector in [sgx(), tdx(), tdx_extended()] {
        let verified = vector.verify(INTEL_ROOT).unwrap();
        let claims = unverified_claims(&vector.quote).unwrap();
        assert_eq!((claims.measurement, claims.report_data), (verified.mr_enclave, verified.report_data));
    }
    assert_eq!(unverified_claims(&[3, 0]).err(), Some(QuoteError::MalformedQuote));
}

#[test]
fn no_byte_of_an_sgx_quote_or_its_collateral_can_be_flipped() {
    assert_every_flip_is_refused(&sgx(), INTEL_ROOT, 1, 7);
}

#[test]
fn no_byte_of_a_tdx_quote_or_its_collateral_can_be_flipped() {
    assert_every_flip_is_refused(&tdx(), INTEL_ROOT, 1, 23);
}

#[test]
fn no_byte_of_an_extended_tdx_quote_or_its_collateral_can_be_flipped() {
    assert_every_flip_is_refused(&tdx_extended(), INTEL_ROOT, 3, 23);
}

#[test]
fn evidence_of_another_time_is_expired() {
    for vector in [sgx(), tdx(), tdx_outdated(), tdx_extended()] {
        for now_secs in [vector.now_secs - MONTH, vector.now_secs + MONTH, 0, u64::MAX] {
            let vector =
                Vector { quote: vector.quote.clone(), collateral: vector.collateral.clone(), now_secs };
            assert_eq!(vector.verify(INTEL_ROOT), Err(QuoteError::Expired));
        }
    }
}

#[test]
fn another_root_is_refused() {
    let almost = [INTEL_ROOT, &[0]].concat();
    for root in [DEVELOPMENT_ROOT, &almost, &INTEL_ROOT[1..], &[]] {
        assert_eq!(sgx().verify(root), Err(QuoteError::UntrustedRoot));
    }
    assert_eq!(sgx().verify(&[0; 5000]), Err(QuoteError::MalformedCollateral));
}

#[test]
fn collateral_of_another_platform_is_refused() {
    let (sgx, tdx) = (sgx(), tdx());
    let mixed = Vector { quote: sgx.quote, collateral: tdx.collateral, now_secs: sgx.now_secs };
    assert_eq!(mixed.verify(INTEL_ROOT), Err(QuoteError::PlatformMismatch));
}

#[test]
fn bytes_behind_a_quote_must_be_zero() {
    let mut vector = sgx();
    vector.quote.extend([0; 100]);
    assert!(vector.verify(INTEL_ROOT).is_ok());
    vector.quote.push(1);
    assert_eq!(vector.verify(INTEL_ROOT), Err(QuoteError::MalformedQuote));
}

#[test]
fn registered_statements_are_read_as_the_vendor_wrote_them() {
    let Vector { collateral, now_secs, .. } = sgx();
    let identity = verify_quoting_enclave_identity(
        collateral.qe_identity.as_bytes(),
        &collateral.qe_identity_signature,
        collateral.qe_identity_issuer_chain.as_bytes(),
        INTEL_ROOT,
        now_secs,
    )
    .unwrap();
    assert_eq!((identity.tee, identity.tcb_evaluation_data_number), (TeeType::Sgx, 17));
    let enclave = identity.quoting_enclave;
    // 2025-06-19T10:01:18Z and 2025-07-19T10:01:18Z.
    assert_eq!((enclave.issue_date, enclave.next_update), (1_750_327_278_000, 1_752_919_278_000));
    assert_eq!((enclave.isvprodid, enclave.tcb), (1, vec![QeTcb { isvsvn: 8 }]));
    assert_eq!(
        (enclave.miscselect_mask, enclave.attributes[0], enclave.attributes_mask[0]),
        ([255; 4], 0x11, 0xfb)
    );
    assert!(hex::encode_upper(enclave.mrsigner).starts_with("8C4F5775D796503E"));

    let info = verify_tcb_info(
        collateral.tcb_info.as_bytes(),
        &collateral.tcb_info_signature,
        collateral.tcb_info_issuer_chain.as_bytes(),
        INTEL_ROOT,
        now_secs,
    )
    .unwrap();
    assert_eq!((info.tee, hex::encode_upper(info.fmspc)), (TeeType::Sgx, "00A067110000".to_owned()));
    assert_eq!(info.on_chain_info.issue_date, 1_750_330_571_000);
    let highest = info.on_chain_info.tcb_levels[0];
    assert_eq!((highest.cpusvn[0], highest.cpusvn[4], highest.pcesvn), (11, 255, 13));
    assert_eq!(highest.tcb_status, TcbStatus::SWHardeningNeeded);

    let lists = verify_revocation_lists(
        &collateral.root_ca_crl,
        &collateral.pck_crl,
        collateral.pck_crl_issuer_chain.as_bytes(),
        INTEL_ROOT,
        now_secs,
    )
    .unwrap();
    assert_eq!(lists.pck_authority, PckAuthority::Processor);
    assert!(lists.issue_date <= now_secs * 1000 && now_secs * 1000 <= lists.next_update);
}
