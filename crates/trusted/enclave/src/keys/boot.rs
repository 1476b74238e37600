// SPDX-License-Identifier: Apache-2.0
//! What makes this start of the enclave unlike every other.

use super::KeyError;
use crate::platform::Platform;
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use offstage_attestation::x509;
use offstage_primitives::{KeyDigest, attestation::CertificateEvidence};
use rustls::{
    crypto::aws_lc_rs::sign::any_ecdsa_type,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
    sign::{CertifiedKey, SigningKey},
};
use std::sync::Arc;

/// The TLS key and the nonce of one start. Made fresh, bound in the quote, never stored.
///
/// # Threats
/// A host that runs two copies of one disk image, or puts back an old one, gets two enclaves with two nonces. The
/// registration on chain names one of them, so the other knows that it is not the one (threat model H9, H10).
pub struct BootIdentity {
    certificate_signer: EcdsaKeyPair,
    tls_key: Arc<dyn SigningKey>,
    tls_public_key_digest: KeyDigest,
    boot_nonce: [u8; 32],
}

impl BootIdentity {
    /// A fresh key and a fresh nonce.
    ///
    /// # Errors
    /// When the platform has no randomness or the library fails.
    #[expect(clippy::disallowed_methods, reason = "a key is random; no worker has to have the same")]
    pub fn generate(platform: &dyn Platform) -> Result<Self, KeyError> {
        let mut boot_nonce = [0; 32];
        platform.fill_random(&mut boot_nonce).map_err(|_| KeyError::Randomness)?;
        // The document overwrites itself when it goes; the two keys made of it live in the library's memory.
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new())
            .map_err(|_| KeyError::Cryptography)?;
        let certificate_signer = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, document.as_ref())
            .map_err(|_| KeyError::Cryptography)?;
        let tls_key = any_ecdsa_type(&PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(document.as_ref())))
            .map_err(|_| KeyError::Cryptography)?;
        let subject_public_key_info = tls_key.public_key().ok_or(KeyError::Cryptography)?;
        let tls_public_key_digest = x509::tls_public_key(&subject_public_key_info);
        Ok(Self { certificate_signer, tls_key, tls_public_key_digest, boot_nonce })
    }

    /// The nonce of this start.
    pub fn boot_nonce(&self) -> [u8; 32] {
        self.boot_nonce
    }

    /// blake2-256 of the DER `SubjectPublicKeyInfo` of the TLS key, as a
    /// [`KeyBinding`](offstage_primitives::attestation::KeyBinding) has it.
    pub fn tls_public_key_digest(&self) -> KeyDigest {
        self.tls_public_key_digest
    }

    /// A self-signed certificate that carries the evidence, ready for handshakes.
    ///
    /// # Errors
    /// [`KeyError::Certificate`] when the evidence is bound to another TLS key, or the certificate cannot be made.
    pub fn certificate(&self, evidence: &CertificateEvidence) -> Result<Arc<CertifiedKey>, KeyError> {
        let der = x509::self_signed(self, evidence).map_err(|_| KeyError::Certificate)?;
        let certified = CertifiedKey::new(vec![CertificateDer::from(der)], self.tls_key.clone());
        certified.keys_match().map_err(|_| KeyError::Certificate)?;
        Ok(Arc::new(certified))
    }
}

impl rcgen::PublicKeyData for BootIdentity {
    fn der_bytes(&self) -> &[u8] {
        self.certificate_signer.public_key().as_ref()
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

impl rcgen::SigningKey for BootIdentity {
    #[expect(clippy::disallowed_methods, reason = "an ECDSA signature takes a random number")]
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        self.certificate_signer
            .sign(&SystemRandom::new(), message)
            .map(|signature| signature.as_ref().to_vec())
            .map_err(|_| rcgen::Error::RingUnspecified)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{attest, platform::SoftwarePlatform};
    use offstage_primitives::attestation::KeyBinding;
    use offstage_primitives::{BlockHash, Measurement};

    #[test]
    fn every_start_has_its_own_key_and_nonce() {
        let dir = tempfile::tempdir().unwrap();
        let platform = SoftwarePlatform::open(dir.path(), Measurement([1; 32])).unwrap();
        let starts = [(); 2].map(|()| BootIdentity::generate(&platform).unwrap());
        assert_ne!(starts[0].boot_nonce(), starts[1].boot_nonce());
        assert_ne!(starts[0].tls_public_key_digest(), starts[1].tls_public_key_digest());
    }

    #[test]
    fn the_certificate_carries_the_evidence_and_only_that_of_its_own_key() {
        let dir = tempfile::tempdir().unwrap();
        let platform = SoftwarePlatform::open(dir.path(), Measurement([1; 32])).unwrap();
        let boot = BootIdentity::generate(&platform).unwrap();
        let binding = KeyBinding {
            genesis_hash: BlockHash::repeat_byte(1),
            shard: [2; 32].into(),
            shielding_key: KeyDigest::zero(),
            tls_public_key: boot.tls_public_key_digest(),
            boot_nonce: boot.boot_nonce(),
        };
        let evidence = attest::evidence(&platform, &[3; 32].into(), &binding, NOW).unwrap();
        let certified = boot.certificate(&evidence).unwrap();
        let read = x509::evidence(certified.end_entity_cert().unwrap()).unwrap();
        assert_eq!(read.evidence, evidence);
        assert_eq!(read.tls_public_key, boot.tls_public_key_digest());
        let other = BootIdentity::generate(&platform).unwrap();
        assert_eq!(other.certificate(&evidence).err(), Some(KeyError::Certificate));
    }

    const NOW: u64 = 1_800_000_000;
}
