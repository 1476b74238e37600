// SPDX-License-Identifier: Apache-2.0
//! TLS 1.3 to an enclave whose certificate is self-signed.
//!
//! No authority vouches for an enclave's certificate and no name in it means anything: what counts is the evidence
//! inside, which [`verify_worker`](crate::verification::verify_worker) judges right after the handshake with facts from
//! the chain. The handshake itself proves one thing, without which the evidence would be worth nothing: that the peer
//! holds the private key of the certificate.

use super::{WorkerAddress, WorkerError};
use offstage_attestation::x509::{self, PresentedEvidence, X509Error};
use rustls::{
    ClientConfig, DigitallySignedStruct, Error as TlsError, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, aws_lc_rs, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
    version::TLS13,
};
use std::{sync::Arc, time::Duration};
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// Opens the connection and reads the evidence of whoever answers, which is still to be judged.
pub(super) async fn connect(
    address: &WorkerAddress,
) -> Result<(TlsStream<TcpStream>, PresentedEvidence), WorkerError> {
    let unreachable = |reason: String| WorkerError::Unreachable { address: address.to_string(), reason };
    let no_worker = |reason: String| WorkerError::Tls { address: address.to_string(), reason };
    let stream = timeout(CONNECT_TIMEOUT, TcpStream::connect((address.host(), address.port())))
        .await
        .map_err(|_| unreachable("no answer within ten seconds".to_owned()))?
        .map_err(|error| unreachable(error.to_string()))?;
    let name = ServerName::try_from(address.host().to_owned())
        .map_err(|_| unreachable("the host name is malformed".to_owned()))?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&TLS13])
        .map_err(|error| no_worker(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(KeyHolderVerifier(provider)))
        .with_no_client_auth();
    let stream = timeout(CONNECT_TIMEOUT, TlsConnector::from(Arc::new(config)).connect(name, stream))
        .await
        .map_err(|_| no_worker("it does not speak TLS".to_owned()))?
        .map_err(|error| no_worker(error.to_string()))?;
    let presented = stream
        .get_ref()
        .1
        .peer_certificates()
        .and_then(|certificates| certificates.first())
        .ok_or(X509Error::NoEvidence)
        .and_then(|certificate| x509::evidence(certificate))
        .map_err(|error| no_worker(error.to_string()))?;
    Ok((stream, presented))
}

/// Accepts whoever holds the private key of the certificate that it shows; who that is, is decided after the handshake.
#[derive(Debug)]
struct KeyHolderVerifier(Arc<CryptoProvider>);

impl ServerCertVerifier for KeyHolderVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        // Whoever shows no evidence is no worker, and the handshake ends here.
        match x509::evidence(end_entity) {
            Ok(_) => Ok(ServerCertVerified::assertion()),
            Err(error) => Err(TlsError::General(error.to_string())),
        }
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        Err(TlsError::General("a worker speaks TLS 1.3 only".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// How long a worker may take to accept a connection, and again to finish the handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
