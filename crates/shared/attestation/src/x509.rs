// SPDX-License-Identifier: Apache-2.0
//! Evidence inside an X.509 certificate: how both ends of a TLS connection show what they are.
//!
//! The certificate is self-signed and its names and dates mean nothing. The handshake proves that the peer holds the
//! certificate's key; the evidence, in the extension [`EVIDENCE_OID`], proves that this key was made
//! inside an enclave. Neither proves anything without the other.

use codec::Encode;
use offstage_primitives::{
    KeyDigest,
    attestation::{CertificateEvidence, EVIDENCE_OID, MAX_CERTIFICATE_EVIDENCE_LEN},
    bounded::{DecodeError, decode_bounded},
};
use rcgen::{
    CertificateParams, CustomExtension, DistinguishedName, DnType, KeyUsagePurpose, SigningKey, date_time_ymd,
};
use sp_crypto_hashing::blake2_256;
use x509_parser::{
    certificate::X509Certificate,
    der_parser::asn1_rs::{FromDer as _, OctetString, ToDer as _},
    oid_registry::Oid,
};

/// A self-signed DER certificate for `key` that carries `evidence`.
///
/// # Errors
/// [`X509Error::OtherKey`] when the evidence is bound to another key than `key`, [`X509Error::TooLong`], or
/// [`X509Error::Signing`].
pub fn self_signed(key: &impl SigningKey, evidence: &CertificateEvidence) -> Result<Vec<u8>, X509Error> {
    if evidence.binding.tls_public_key != tls_public_key(&key.subject_public_key_info()) {
        return Err(X509Error::OtherKey);
    }
    let encoded = evidence.encode();
    if encoded.len() > MAX_CERTIFICATE_EVIDENCE_LEN {
        return Err(X509Error::TooLong { len: encoded.len() });
    }
    let content = OctetString::new(&encoded).to_der_vec().map_err(|_| X509Error::Signing)?;
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "Offstage enclave");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    // The evidence has its own dates, judged by chain time; these satisfy TLS libraries that look at them.
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2120, 1, 1);
    params.custom_extensions = vec![CustomExtension::from_oid_content(EVIDENCE_OID, content)];
    let certificate = params.self_signed(key).map_err(|_| X509Error::Signing)?;
    Ok(certificate.der().to_vec())
}

/// Reads the evidence out of a peer's DER certificate. Nothing is verified by this, except that the bytes are well
/// formed.
///
/// # Errors
/// [`X509Error`] that names what is wrong with the certificate.
pub fn evidence(certificate: &[u8]) -> Result<PresentedEvidence, X509Error> {
    if certificate.len() > MAX_CERTIFICATE_LEN {
        return Err(X509Error::TooLong { len: certificate.len() });
    }
    let ([], parsed) = X509Certificate::from_der(certificate).map_err(|_| X509Error::Malformed)? else {
        return Err(X509Error::Malformed);
    };
    let oid = Oid::from(EVIDENCE_OID).map_err(|_| X509Error::NoEvidence)?;
    let mut extensions = parsed.extensions().iter().filter(|extension| extension.oid == oid);
    let extension = extensions.next().ok_or(X509Error::NoEvidence)?;
    if extensions.next().is_some() {
        return Err(X509Error::Malformed);
    }
    let ([], content) = OctetString::from_der(extension.value).map_err(|_| X509Error::Malformed)? else {
        return Err(X509Error::Malformed);
    };
    let evidence = decode_bounded(content.as_ref(), MAX_CERTIFICATE_EVIDENCE_LEN)?;
    let subject_public_key_info = parsed.public_key().raw.to_vec();
    let tls_public_key = tls_public_key(&subject_public_key_info);
    Ok(PresentedEvidence { evidence, subject_public_key_info, tls_public_key })
}

/// How a [`KeyBinding`](offstage_primitives::attestation::KeyBinding) names a TLS key: blake2-256 of its DER
/// `SubjectPublicKeyInfo`.
pub fn tls_public_key(subject_public_key_info: &[u8]) -> KeyDigest {
    blake2_256(subject_public_key_info).into()
}

/// What a peer's certificate shows. It is a claim until [`verify_evidence`](crate::verify_evidence).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresentedEvidence {
    /// The evidence.
    pub evidence: CertificateEvidence,
    /// The certificate's key, as DER `SubjectPublicKeyInfo`.
    pub subject_public_key_info: Vec<u8>,
    /// Its digest, as [`Expectations`](crate::Expectations) want it.
    pub tls_public_key: KeyDigest,
}

/// Why a certificate cannot be made or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum X509Error {
    /// More bytes than a certificate with evidence can have.
    #[error(
        "a certificate or its evidence has {len} bytes, more than {MAX_CERTIFICATE_LEN}; present smaller collateral"
    )]
    TooLong {
        /// How many it has.
        len: usize,
    },
    /// Not one DER certificate with one well-formed extension.
    #[error("the certificate is malformed; the peer is not an Offstage worker of this version")]
    Malformed,
    /// No extension with evidence.
    #[error("the certificate carries no evidence of an enclave; the peer is not an Offstage worker")]
    NoEvidence,
    /// The evidence cannot be decoded.
    #[error("the evidence in the certificate cannot be read: {0}")]
    Evidence(#[from] DecodeError),
    /// The evidence is for another key.
    #[error("the evidence is bound to another TLS key; make a quote for this one")]
    OtherKey,
    /// The key did not sign.
    #[error("the certificate could not be signed")]
    Signing,
}

/// The rest of a certificate takes less than 1 KB.
pub const MAX_CERTIFICATE_LEN: usize = MAX_CERTIFICATE_EVIDENCE_LEN + 4 * 1024;
