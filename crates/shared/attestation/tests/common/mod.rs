// SPDX-License-Identifier: Apache-2.0
//! Vectors, and ways to damage evidence.

#![expect(dead_code, reason = "each test program uses its part of these")]
#![expect(clippy::disallowed_methods, reason = "the vectors are files")]

use offstage_attestation::verify_quote;
use offstage_primitives::{attestation::Collateral, collateral::QuoteError};
use serde_json::Value;
use std::{fs, path::Path};

/// A quote with collateral and a time at which all of it holds.
pub(crate) struct Vector {
    pub(crate) quote: Vec<u8>,
    pub(crate) collateral: Collateral,
    pub(crate) now_secs: u64,
}

impl Vector {
    pub(crate) fn verify(
        &self,
        root: &[u8],
    ) -> Result<offstage_primitives::attestation::VerifiedQuote, QuoteError> {
        verify_quote(&self.quote, &self.collateral, root, self.now_secs)
    }
}

/// Reads a vector of `tests/vectors`.
pub(crate) fn vector(name: &str, now_secs: u64) -> Vector {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let quote = fs::read(folder.join(format!("{name}.bin"))).unwrap();
    let json = fs::read(folder.join(format!("{name}_collateral.json"))).unwrap();
    let json: Value = serde_json::from_slice(&json).unwrap();
    let text = |field: &str| json[field].as_str().unwrap().to_owned();
    let bytes = |field: &str| hex::decode(text(field)).unwrap();
    let collateral = Collateral {
        pck_crl_issuer_chain: text("pck_crl_issuer_chain"),
        root_ca_crl: bytes("root_ca_crl"),
        pck_crl: bytes("pck_crl"),
        tcb_info_issuer_chain: text("tcb_info_issuer_chain"),
        tcb_info: text("tcb_info"),
        tcb_info_signature: bytes("tcb_info_signature"),
        qe_identity_issuer_chain: text("qe_identity_issuer_chain"),
        qe_identity: text("qe_identity"),
        qe_identity_signature: bytes("qe_identity_signature"),
        pck_certificate_chain: json["pck_certificate_chain"].as_str().map(str::to_owned),
    };
    Vector { quote, collateral, now_secs }
}

/// SGX, quote version 3; Intel's collateral of June 2025.
pub(crate) fn sgx() -> Vector {
    vector("sgx_quote", JUNE_2025)
}

/// TDX 1.0, quote version 4; Intel's collateral of June 2025.
pub(crate) fn tdx() -> Vector {
    vector("tdx_quote", JUNE_2025)
}

/// TDX, quote version 5, of a platform below every published level; Intel's collateral of February 2026.
pub(crate) fn tdx_outdated() -> Vector {
    vector("tdx_quote_outdated", FEBRUARY_2026)
}

/// TDX 1.5 with the extended report, quote version 5; Intel's collateral of October 2026.
pub(crate) fn tdx_extended() -> Vector {
    vector("tdx_quote_td15ex", OCTOBER_2026)
}

/// Flips the lowest bit of every `stride`th byte of the quote and of every part of the collateral, one at a time, and
/// asserts that each is refused. Parts of up to 400 bytes are tried byte for byte.
pub(crate) fn assert_every_flip_is_refused(
    vector: &Vector,
    root: &[u8],
    quote_stride: usize,
    collateral_stride: usize,
) {
    assert!(vector.verify(root).is_ok());
    for index in (0..vector.quote.len()).step_by(quote_stride) {
        let mut quote = vector.quote.clone();
        quote[index] ^= 1;
        let answer = verify_quote(&quote, &vector.collateral, root, vector.now_secs);
        assert!(answer.is_err(), "byte {index} of the quote does not matter");
    }
    for (part, (name, _)) in parts(&mut vector.collateral.clone()).into_iter().enumerate() {
        let mut collateral = vector.collateral.clone();
        let len = parts(&mut collateral)[part].1.len();
        let stride = if len <= 400 { 1 } else { collateral_stride };
        for index in (0..len).step_by(stride) {
            let mut collateral = vector.collateral.clone();
            parts(&mut collateral)[part].1.flip(index);
            let answer = verify_quote(&vector.quote, &collateral, root, vector.now_secs);
            assert!(answer.is_err(), "byte {index} of {name} does not matter");
        }
    }
}

/// A part of the collateral that can be damaged.
pub(crate) enum Part<'a> {
    Text(&'a mut String),
    Bytes(&'a mut Vec<u8>),
}

impl Part<'_> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
        }
    }

    /// Flips the lowest bit of a byte.
    pub(crate) fn flip(&mut self, index: usize) {
        match self {
            Self::Text(text) => {
                let mut bytes = std::mem::take(*text).into_bytes();
                bytes[index] ^= 1;
                **text = String::from_utf8(bytes).unwrap();
            }
            Self::Bytes(bytes) => bytes[index] ^= 1,
        }
    }
}

/// All parts of the collateral, by name.
pub(crate) fn parts(collateral: &mut Collateral) -> Vec<(&'static str, Part<'_>)> {
    let mut parts = vec![
        ("pck_crl_issuer_chain", Part::Text(&mut collateral.pck_crl_issuer_chain)),
        ("root_ca_crl", Part::Bytes(&mut collateral.root_ca_crl)),
        ("pck_crl", Part::Bytes(&mut collateral.pck_crl)),
        ("tcb_info_issuer_chain", Part::Text(&mut collateral.tcb_info_issuer_chain)),
        ("tcb_info", Part::Text(&mut collateral.tcb_info)),
        ("tcb_info_signature", Part::Bytes(&mut collateral.tcb_info_signature)),
        ("qe_identity_issuer_chain", Part::Text(&mut collateral.qe_identity_issuer_chain)),
        ("qe_identity", Part::Text(&mut collateral.qe_identity)),
        ("qe_identity_signature", Part::Bytes(&mut collateral.qe_identity_signature)),
    ];
    if let Some(chain) = &mut collateral.pck_certificate_chain {
        parts.push(("pck_certificate_chain", Part::Text(chain)));
    }
    parts
}

/// 20 June 2025, in seconds since the Unix epoch.
pub(crate) const JUNE_2025: u64 = 1_750_377_600;
/// 20 February 2026.
pub(crate) const FEBRUARY_2026: u64 = 1_771_545_600;
/// 10 October 2026.
pub(crate) const OCTOBER_2026: u64 = 1_791_590_400;
/// 15 January 2027, 08:00: the present of the development authority in these tests.
pub(crate) const NOW: u64 = 1_800_000_000;
/// Seconds of 30 days.
pub(crate) const MONTH: u64 = 30 * 86_400;
