// SPDX-License-Identifier: Apache-2.0
//! TLS ends in the enclave: version 1.3 only, with a certificate that carries the enclave's evidence.
//!
//! The certificate is self-signed. What makes it believable is not an authority's signature but the quote inside, which
//! binds the certificate's key (threat model C8): the party at the other end checks that, and the handshake proves that
//! this end holds the key.
//!
//! The provider of the cryptography is named with each configuration. Nothing here depends on, or sets, a default of
//! the process.

use crate::view::View;
use rustls::{
    ServerConfig, SupportedProtocolVersion,
    crypto::{CryptoProvider, aws_lc_rs},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use std::{fmt, sync::Arc};

/// The configuration with which clients are served.
///
/// # Errors
/// When the library refuses its own defaults.
pub fn server_config(view: Arc<View>) -> Result<Arc<ServerConfig>, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(VERSIONS)?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(PresentCertificate(view)));
    // A resumed session would skip the certificate, and with it the evidence of this start.
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    Ok(Arc::new(config))
}

/// Constant-time, partly formally verified primitives (AWS-LC).
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// The only protocol version.
pub(crate) const VERSIONS: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13];

/// Presents the view's certificate at each handshake, so that it can be replaced while connections are open. Before
/// there is one, handshakes are refused.
pub(crate) struct PresentCertificate(pub(crate) Arc<View>);

impl ResolvesServerCert for PresentCertificate {
    fn resolve(&self, _client_hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.certificate()
    }
}

impl fmt::Debug for PresentCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PresentCertificate")
    }
}

#[cfg(test)]
pub(crate) mod testing;
