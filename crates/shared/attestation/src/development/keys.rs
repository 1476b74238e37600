// SPDX-License-Identifier: Apache-2.0
//! The authority's keys, which are no secrets.

use super::{DevelopmentError, der};
use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
        KeyPair,
    },
};

/// Who a key belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// The root CA.
    RootAuthority,
    /// The authority that certifies platforms.
    ProcessorAuthority,
    /// The signer of TCB info and of the quoting enclave's identity.
    TcbSigner,
    /// The imaginary platform.
    Platform,
    /// The imaginary quoting enclave: the attestation key.
    QuotingEnclave,
}

impl Owner {
    /// The words from which the private key is derived.
    const fn words(self) -> &'static str {
        match self {
            Self::RootAuthority => "offstage development root authority, a public key pair",
            Self::ProcessorAuthority => "offstage development processor authority, a public key pair",
            Self::TcbSigner => "offstage development tcb signer, a public key pair",
            Self::Platform => "offstage development platform, a public key pair",
            Self::QuotingEnclave => "offstage development quoting enclave, a public key pair",
        }
    }
}

/// A key pair of ECDSA P-256 whose private key is SHA-256 of its owner's words.
pub(super) struct DevelopmentKey {
    for_certificates: EcdsaKeyPair,
    for_structures: EcdsaKeyPair,
}

impl DevelopmentKey {
    /// The key of `owner`.
    pub(super) fn of(owner: Owner) -> Result<Self, DevelopmentError> {
        let scalar = digest(&SHA256, owner.words().as_bytes());
        // RFC 5915: version 1, private key, named curve prime256v1.
        let private_key = der::sequence(&[
            der::integer(1),
            der::octet_string(scalar.as_ref()),
            der::tagged(0xa0, &der::tagged(0x06, &PRIME256V1)),
        ]);
        let load = |algorithm: &'static EcdsaSigningAlgorithm| {
            EcdsaKeyPair::from_private_key_der(algorithm, &private_key).map_err(|_| DevelopmentError::Signing)
        };
        Ok(Self {
            for_certificates: load(&ECDSA_P256_SHA256_ASN1_SIGNING)?,
            for_structures: load(&ECDSA_P256_SHA256_FIXED_SIGNING)?,
        })
    }

    /// The point, 65 bytes uncompressed.
    pub(super) fn public_point(&self) -> &[u8] {
        self.for_structures.public_key().as_ref()
    }

    /// A raw signature `r ++ s`.
    pub(super) fn sign_raw(&self, message: &[u8]) -> Result<[u8; 64], DevelopmentError> {
        let signature =
            self.for_structures.sign(&SystemRandom::new(), message).map_err(|_| DevelopmentError::Signing)?;
        signature.as_ref().try_into().map_err(|_| DevelopmentError::Signing)
    }
}

impl rcgen::PublicKeyData for DevelopmentKey {
    fn der_bytes(&self) -> &[u8] {
        self.public_point()
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

impl rcgen::SigningKey for DevelopmentKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        self.for_certificates
            .sign(&SystemRandom::new(), message)
            .map(|signature| signature.as_ref().to_vec())
            .map_err(|_| rcgen::Error::RingUnspecified)
    }
}

/// Body of the object identifier 1.2.840.10045.3.1.7 (RFC 5480 section 2.1.1.1).
const PRIME256V1: [u8; 8] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
