// SPDX-License-Identifier: Apache-2.0
//! Whatever bytes come, there is an answer: no panic, and no acceptance.

mod common;

use common::NOW;
use offstage_attestation::{
    development::{self, Report},
    quote_platform, verify_quote, verify_quoting_enclave_identity, verify_revocation_lists, verify_tcb_info,
    x509,
};
use offstage_primitives::{
    Measurement,
    attestation::{Collateral, DEVELOPMENT_ROOT},
};
use proptest::prelude::*;
use std::sync::LazyLock;

static EVIDENCE: LazyLock<(Vec<u8>, Collateral)> = LazyLock::new(|| {
    let report = Report { measurement: Measurement([7; 32]), report_data: [9; 64], debug: false };
    let evidence = development::quote(&report, NOW).unwrap();
    (evidence.quote, evidence.collateral.unwrap())
});

/// White space in a certificate chain means nothing, so it has one form: otherwise a quote had places for bytes of
/// one's own.
#[test]
fn no_line_end_can_be_exchanged() {
    let (quote, collateral) = &*EVIDENCE;
    let begin = quote.windows(5).position(|window| window == b"-----").unwrap();
    let line_ends: Vec<usize> = (begin..quote.len()).filter(|at| quote[*at] == b'\n').collect();
    assert!(line_ends.len() > 30);
    for at in line_ends {
        for other in *b"\t\x0b\x0c\r \0" {
            let mut quote = quote.clone();
            quote[at] = other;
            assert!(verify_quote(&quote, collateral, DEVELOPMENT_ROOT, NOW).is_err(), "{other} at {at}");
        }
        let mut longer = quote.clone();
        longer.insert(at, b'\n');
        assert!(verify_quote(&longer, collateral, DEVELOPMENT_ROOT, NOW).is_err(), "another at {at}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_bytes_as_a_quote(bytes in proptest::collection::vec(any::<u8>(), 0..3000), version in 0u8..7) {
        let mut quote = bytes;
        if quote.len() > 8 {
            quote[..8].copy_from_slice(&[version, 0, 2, 0, if version > 3 { 0x81 } else { 0 }, 0, 0, 0]);
        }
        let _ = quote_platform(&quote);
        prop_assert!(verify_quote(&quote, &EVIDENCE.1, DEVELOPMENT_ROOT, NOW).is_err());
    }

    #[test]
    fn a_quote_with_bytes_overwritten_or_cut(
        at in any::<prop::sample::Index>(),
        patch in proptest::collection::vec(any::<u8>(), 1..40),
        cut in any::<bool>(),
    ) {
        let mut quote = EVIDENCE.0.clone();
        let at = at.index(quote.len());
        if cut {
            quote.truncate(at);
        } else {
            let end = (at + patch.len()).min(quote.len());
            quote[at..end].copy_from_slice(&patch[..end - at]);
        }
        prop_assume!(quote != EVIDENCE.0);
        let _ = quote_platform(&quote);
        prop_assert!(verify_quote(&quote, &EVIDENCE.1, DEVELOPMENT_ROOT, NOW).is_err());
    }

    #[test]
    fn any_bytes_as_collateral(
        bytes in proptest::collection::vec(any::<u8>(), 0..600),
        text in ".{0,200}",
        part in 0usize..9,
    ) {
        let (quote, mut collateral) = EVIDENCE.clone();
        match &mut common::parts(&mut collateral)[part].1 {
            common::Part::Text(part) => **part = text,
            common::Part::Bytes(part) => **part = bytes,
        }
        prop_assert!(verify_quote(&quote, &collateral, DEVELOPMENT_ROOT, NOW).is_err());
    }

    #[test]
    fn any_bytes_to_be_registered(
        first in proptest::collection::vec(any::<u8>(), 0..300),
        second in proptest::collection::vec(any::<u8>(), 0..300),
        chain in proptest::collection::vec(any::<u8>(), 0..300),
        root in proptest::collection::vec(any::<u8>(), 0..300),
        now_secs: u64,
    ) {
        let honest = &EVIDENCE.1;
        for chain in [&chain[..], honest.pck_crl_issuer_chain.as_bytes(), honest.tcb_info_issuer_chain.as_bytes()] {
            for root in [&root[..], DEVELOPMENT_ROOT] {
                let is_refused = verify_quoting_enclave_identity(&first, &second, chain, root, now_secs).is_err()
                    && verify_tcb_info(&first, &second, chain, root, now_secs).is_err()
                    && verify_revocation_lists(&first, &second, chain, root, now_secs).is_err();
                prop_assert!(is_refused);
            }
        }
    }

    #[test]
    fn any_bytes_as_a_certificate(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(x509::evidence(&bytes).is_err());
    }

    #[test]
    fn any_root_and_time(root in proptest::collection::vec(any::<u8>(), 0..600), now_secs: u64) {
        let (quote, collateral) = &*EVIDENCE;
        prop_assert!(verify_quote(quote, collateral, &root, now_secs).is_err());
        let _ = verify_quote(quote, collateral, DEVELOPMENT_ROOT, now_secs);
    }
}
