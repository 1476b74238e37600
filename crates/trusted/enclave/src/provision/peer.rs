// SPDX-License-Identifier: Apache-2.0
//! Who is at the other end: evidence in place of certificate authorities.
//!
//! TLS asks two things of a peer's certificate. *Is it one that I accept?* is answered here by the evidence inside: a
//! quote under the chain's root and policy, of the measurement that the shard allows, not of a debug enclave, whose
//! report data binds this chain, this shard and **the public key of this very certificate**. *Does the peer hold its
//! key?* is left to rustls and answered by the signature over the handshake's transcript. Both together say that the
//! peer is that enclave: evidence that was copied from a real enclave fails at the second.
//!
//! The public key is taken from the certificate by the parser that also verifies the handshake's signature, so no two
//! parsers can disagree on it.
//!
//! Times in the certificate are not looked at, nor is the system's clock (threat model H11): the quote's collateral is
//! judged by chain time.

use crate::view::{AttestationPolicy, Identity};
use offstage_attestation::{
    EvidenceError, Expectations, VerifiedIdentity, verify_evidence,
    x509::{self, X509Error},
};
use offstage_primitives::KeyDigest;
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, OtherError, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::{
        ParsedCertificate,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
};
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard},
};

/// Accepts the shard's enclaves as TLS peers, in both roles.
pub struct PeerVerifier {
    identity: Identity,
    policy: AttestationPolicy,
    /// The shielding key that the peer must have; any, or none, when absent.
    shielding_key: Option<KeyDigest>,
    provider: Arc<CryptoProvider>,
    /// What became of the last certificate; TLS itself carries only a coarse alert.
    outcome: Mutex<Option<Result<VerifiedIdentity, PeerError>>>,
}

impl PeerVerifier {
    /// Accepts enclaves of the same chain and shard as `identity`, by `policy`.
    pub(crate) fn new(
        identity: &Identity,
        policy: AttestationPolicy,
        shielding_key: Option<KeyDigest>,
    ) -> Self {
        Self {
            identity: identity.clone(),
            policy,
            shielding_key,
            provider: crate::tls::provider(),
            outcome: Mutex::new(None),
        }
    }

    /// Why the peer's certificate was refused, if it was.
    pub(super) fn refusal(&self) -> Option<PeerError> {
        self.outcome().as_ref()?.as_ref().err().copied()
    }

    /// Who the peer is, once the handshake is done.
    pub(super) fn peer(&self) -> Option<VerifiedIdentity> {
        self.outcome().as_ref()?.as_ref().ok().cloned()
    }

    fn outcome(&self) -> MutexGuard<'_, Option<Result<VerifiedIdentity, PeerError>>> {
        self.outcome.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn accept(
        &self,
        certificate: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
    ) -> Result<(), rustls::Error> {
        let outcome = self.verify(certificate, chain);
        let for_tls = outcome.as_ref().map(drop).map_err(|error| {
            rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(*error))))
        });
        *self.outcome() = Some(outcome);
        for_tls
    }

    pub(super) fn verify(
        &self,
        certificate: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
    ) -> Result<VerifiedIdentity, PeerError> {
        if !chain.is_empty() {
            return Err(PeerError::Chain);
        }
        let evidence = x509::evidence(certificate)?.evidence;
        let parsed = ParsedCertificate::try_from(certificate).map_err(|_| X509Error::Malformed)?;
        let expectations = Expectations {
            policy: self.policy.platforms.at(self.policy.now_secs),
            measurements: &[self.policy.measurement],
            genesis_hash: self.identity.genesis_hash,
            shard: self.identity.shard,
            tls_public_key: x509::tls_public_key(&parsed.subject_public_key_info()),
            shielding_key: self.shielding_key,
        };
        Ok(verify_evidence(&evidence, &expectations)?)
    }

    fn verify_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }
}

impl ServerCertVerifier for PeerVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.accept(end_entity, intermediates).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(only_tls13())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verify_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        SCHEMES.to_vec()
    }
}

impl ClientCertVerifier for PeerVerifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        self.accept(end_entity, intermediates).map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(only_tls13())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verify_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        SCHEMES.to_vec()
    }
}

impl fmt::Debug for PeerVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PeerVerifier")
    }
}

/// Why a peer was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeerError {
    /// There are certificates of authorities, which none of ours has.
    #[error("its certificate comes with others; the peer is not an enclave of this system")]
    Chain,
    /// The certificate is malformed or carries no evidence.
    #[error(transparent)]
    Certificate(#[from] X509Error),
    /// The evidence is not good.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
}

fn only_tls13() -> rustls::Error {
    rustls::Error::General("only TLS 1.3 is spoken here".into())
}

/// What our enclaves' keys sign with: ECDSA on P-256.
const SCHEMES: &[SignatureScheme] = &[SignatureScheme::ECDSA_NISTP256_SHA256];
