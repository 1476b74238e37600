// SPDX-License-Identifier: Apache-2.0
//! Certificate chains of Intel's profile ("SGX PCK Certificate and CRL Profile Specification"): one root, ECDSA
//! P-256 with SHA-256 only, at most one authority between the root and a leaf.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use offstage_primitives::collateral::{PckAuthority, QuoteError};
use pem::{EncodeConfig, LineEnding};
use x509_parser::{
    certificate::X509Certificate, der_parser::oid, prelude::FromDer,
    revocation_list::CertificateRevocationList,
};

/// Reads a PEM chain, leaf first, that has exactly `LEN` certificates and whose last one is `root`, byte for byte.
///
/// # Attacks
/// The text has the one form in which Intel writes it, up to the kind of its line ends and what [`is_canonical`] says
/// of its end, so that a chain has no place for bytes that no signature covers.
///
/// # Errors
/// [`QuoteError::MalformedCollateral`], or [`QuoteError::UntrustedRoot`] when the chain ends elsewhere.
pub(crate) fn read_chain<const LEN: usize>(pem: &[u8], root: &[u8]) -> Result<[Vec<u8>; LEN], QuoteError> {
    let certificates = read_pem(pem)?;
    if certificates.last().is_some_and(|last| last != root) {
        return Err(QuoteError::UntrustedRoot);
    }
    certificates.try_into().map_err(|_| QuoteError::MalformedCollateral)
}

/// Reads a PEM chain of one to [`MAX_CHAIN_CERTIFICATES`] certificates.
pub(crate) fn read_pem(pem: &[u8]) -> Result<Vec<Vec<u8>>, QuoteError> {
    if pem.len() > MAX_CHAIN_LEN {
        return Err(QuoteError::MalformedCollateral);
    }
    let blocks = pem::parse_many(pem).map_err(|_| QuoteError::MalformedCollateral)?;
    let is_certificates = blocks.iter().all(|block| block.tag() == "CERTIFICATE");
    if !is_certificates || blocks.is_empty() || blocks.len() > MAX_CHAIN_CERTIFICATES {
        return Err(QuoteError::MalformedCollateral);
    }
    if !is_canonical(pem, &blocks) {
        return Err(QuoteError::MalformedCollateral);
    }
    Ok(blocks.into_iter().map(pem::Pem::into_contents).collect())
}

/// Reads exactly one DER certificate.
pub(crate) fn read_certificate(der: &[u8]) -> Result<X509Certificate<'_>, QuoteError> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        _ => Err(QuoteError::MalformedCollateral),
    }
}

/// Reads exactly one DER revocation list.
pub(crate) fn read_revocation_list(der: &[u8]) -> Result<CertificateRevocationList<'_>, QuoteError> {
    match CertificateRevocationList::from_der(der) {
        Ok(([], list)) => Ok(list),
        _ => Err(QuoteError::MalformedCollateral),
    }
}

/// Checks that `certificate` holds at `now_secs` and was issued by `root`, and whether it is an authority itself.
pub(crate) fn verify_issued_by_root(
    certificate: &X509Certificate<'_>,
    root: &X509Certificate<'_>,
    is_authority: bool,
    now_secs: u64,
) -> Result<(), QuoteError> {
    if certificate.issuer().as_raw() != root.subject().as_raw() {
        return Err(QuoteError::UntrustedRoot);
    }
    let validity = certificate.validity();
    verify_in_force(validity.not_before.timestamp(), validity.not_after.timestamp(), now_secs)?;
    let claims_authority = certificate
        .basic_constraints()
        .map_err(|_| QuoteError::MalformedCollateral)?
        .is_some_and(|constraints| constraints.value.ca);
    if claims_authority != is_authority {
        return Err(QuoteError::Refused);
    }
    verify_x509_signature(
        root,
        certificate.as_raw(),
        certificate.tbs_certificate.as_ref(),
        &certificate.signature_value.data,
    )
}

/// Checks that `list` holds at `now_secs` and was issued by `authority`. Returns its times, in seconds since the Unix
/// epoch.
pub(crate) fn verify_revocation_list(
    list: &CertificateRevocationList<'_>,
    authority: &X509Certificate<'_>,
    now_secs: u64,
) -> Result<(u64, u64), QuoteError> {
    if list.issuer().as_raw() != authority.subject().as_raw() {
        return Err(QuoteError::Refused);
    }
    verify_x509_signature(authority, list.as_raw(), list.tbs_cert_list.as_ref(), &list.signature_value.data)?;
    let next_update = list.next_update().ok_or(QuoteError::MalformedCollateral)?;
    verify_in_force(list.last_update().timestamp(), next_update.timestamp(), now_secs)
}

/// Checks a raw signature `r ++ s` of ECDSA P-256 with SHA-256.
pub(crate) fn verify_raw_signature(
    signer: &X509Certificate<'_>,
    message: &[u8],
    signature: &[u8],
) -> Result<(), QuoteError> {
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public_key(signer)?)
        .verify(message, signature)
        .map_err(|_| QuoteError::InvalidSignature)
}

/// Checks `from <= now <= until`, all in seconds since the Unix epoch, and returns the first and the last.
pub(crate) fn verify_in_force(from: i64, until: i64, now_secs: u64) -> Result<(u64, u64), QuoteError> {
    let from = u64::try_from(from).map_err(|_| QuoteError::MalformedCollateral)?;
    let until = u64::try_from(until).map_err(|_| QuoteError::MalformedCollateral)?;
    if from <= now_secs && now_secs <= until { Ok((from, until)) } else { Err(QuoteError::Expired) }
}

/// Which of the two PCK authorities issued a certificate or, if not `of_issuer`, is its subject: the word in the common
/// name tells.
pub(crate) fn pck_authority(certificate: &X509Certificate<'_>, of_issuer: bool) -> Option<PckAuthority> {
    let name = if of_issuer { certificate.issuer() } else { certificate.subject() };
    let name = name.iter_common_name().next()?.as_str().ok()?;
    match (name.contains("Processor"), name.contains("Platform")) {
        (true, false) => Some(PckAuthority::Processor),
        (false, true) => Some(PckAuthority::Platform),
        _ => None,
    }
}

/// Checks the signature of a certificate or revocation list: `whole` is the signed part, the algorithm, and the
/// signature as a bit string. The algorithm has one encoding only, for the signature does not cover it.
fn verify_x509_signature(
    signer: &X509Certificate<'_>,
    whole: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Result<(), QuoteError> {
    let bit_string_len = u8::try_from(signature.len().saturating_add(1)).map_err(|_| QuoteError::Refused)?;
    let tail = [message, &ECDSA_WITH_SHA256, &[0x03, bit_string_len, 0], signature].concat();
    if !whole.ends_with(&tail) {
        return Err(QuoteError::Refused);
    }
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, public_key(signer)?)
        .verify(message, signature)
        .map_err(|_| QuoteError::InvalidSignature)
}

fn public_key<'certificate>(
    certificate: &'certificate X509Certificate<'_>,
) -> Result<&'certificate [u8], QuoteError> {
    let key = certificate.public_key();
    // id-ecPublicKey, RFC 5480 section 2.1.1. The curve shows in the length of the point.
    if key.algorithm.algorithm != oid!(1.2.840.10045.2.1) {
        return Err(QuoteError::Refused);
    }
    Ok(&key.subject_public_key.data)
}

/// Whether a PEM text is exactly these blocks, with lines of 64 characters. The end of the last line may be missing,
/// and a zero byte may follow it, as in real quotes.
fn is_canonical(text: &[u8], blocks: &[pem::Pem]) -> bool {
    [(LineEnding::LF, "\n"), (LineEnding::CRLF, "\r\n")].into_iter().any(|(ending, end)| {
        let config = EncodeConfig::new().set_line_ending(ending);
        let whole: String = blocks.iter().map(|block| pem::encode_config(block, config)).collect();
        let without_end = whole.trim_ascii_end();
        let rest = text.strip_prefix(without_end.as_bytes());
        rest.is_some_and(|rest| rest.is_empty() || rest.strip_suffix(b"\0").unwrap_or(rest) == end.as_bytes())
    })
}

/// The algorithm identifier `ecdsa-with-SHA256` (RFC 5758, section 3.2), DER.
const ECDSA_WITH_SHA256: [u8; 12] = [0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];

/// A chain of three of Intel's certificates is about 3.5 KB.
const MAX_CHAIN_LEN: usize = 16 * 1024;

/// Leaf, authority, root; the rest is refused by [`read_chain`].
const MAX_CHAIN_CERTIFICATES: usize = 4;
