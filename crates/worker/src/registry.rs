// SPDX-License-Identifier: Apache-2.0
//! Finding a peer that may give the shielding key.
//!
//! The on-chain registry names the URL of every enclave; the worker behind it says where its mutual-attestation port
//! is. Both are only addresses: whether the peer is worth believing, the enclave decides by its evidence.

use crate::node::Node;
use anyhow::{Context, Result, bail};
use codec::Decode;
use futures::{SinkExt, StreamExt};
use offstage_primitives::{
    AccountId32,
    rpc::{DirectRequestStatus, Method, RpcReturnValue},
    teerex::MultiEnclave,
};
use serde_json::{Value, json};
use sp_crypto_hashing::twox_128;
use std::{sync::Arc, time::Duration};
use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    rustls::{
        self, ClientConfig, DigitallySignedStruct, SignatureScheme,
        client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        pki_types::{CertificateDer, ServerName, UnixTime},
    },
};
use tokio_tungstenite::tungstenite::Message;

/// URLs of the registered enclaves with this measurement, other than our own.
///
/// # Errors
/// When the node fails.
pub async fn provider_urls(node: &Node, mrenclave: &[u8; 32], own: &AccountId32) -> Result<Vec<String>> {
    let prefix = [twox_128(b"Teerex"), twox_128(b"SovereignEnclaves")].concat();
    let mut urls = Vec::new();
    for key in node.keys(&prefix, MAX_ENCLAVES).await? {
        if key.ends_with(own.as_ref()) {
            continue;
        }
        let Some(value) = node.storage(&key, None).await? else { continue };
        let Ok(MultiEnclave::Sgx(enclave)) = MultiEnclave::decode(&mut &value[..]) else { continue };
        if &enclave.mr_enclave == mrenclave {
            urls.extend(enclave.url.and_then(|url| String::from_utf8(url).ok()));
        }
    }
    Ok(urls)
}

/// Asks the worker at `url` (`wss://host:port`) where its mutual-attestation port is.
///
/// # Errors
/// When it cannot be reached or does not answer as a worker does.
pub async fn mutual_attestation_url(url: &str) -> Result<String> {
    tokio::time::timeout(ASK_TIMEOUT, ask(url))
        .await
        .with_context(|| format!("the worker at {url} is silent"))?
}

async fn ask(url: &str) -> Result<String> {
    let authority = url.strip_prefix("wss://").unwrap_or(url).trim_end_matches('/');
    let (host, _) =
        authority.rsplit_once(':').with_context(|| format!("the registered URL {url} names no port"))?;
    let stream =
        TcpStream::connect(authority).await.with_context(|| format!("cannot reach the worker at {url}"))?;
    let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())
        .context("the registered URL names no host")?;
    let stream = TlsConnector::from(Arc::new(insecure_tls()?)).connect(name, stream).await?;
    let (mut socket, _) = tokio_tungstenite::client_async(format!("ws://{authority}/"), stream).await?;
    let question =
        json!({ "jsonrpc": "2.0", "id": 1, "method": Method::MutualAttestationUrl.name(), "params": [] });
    socket.send(Message::text(question.to_string())).await?;
    while let Some(message) = socket.next().await {
        let Message::Text(text) = message? else { continue };
        let answer: Value = serde_json::from_str(&text)?;
        let hex = answer["result"]
            .as_str()
            .context("the worker does not say where its mutual-attestation port is")?;
        let returned = RpcReturnValue::decode(&mut &crate::node::from_hex(hex)?[..])?;
        if returned.status != DirectRequestStatus::Ok {
            bail!("the worker at {url} refuses to say where its mutual-attestation port is");
        }
        return Ok(String::decode(&mut &returned.value[..])?);
    }
    bail!("the worker at {url} closed the connection")
}

/// TLS that believes every certificate: only an address is asked for, which proves nothing and is no secret.
fn insecure_tls() -> Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(InsecureAnyCertificate))
        .with_no_client_auth())
}

#[derive(Debug)]
struct InsecureAnyCertificate;

impl ServerCertVerifier for InsecureAnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("only TLS 1.3 is spoken here".into()))
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256, SignatureScheme::ED25519]
    }
}

const MAX_ENCLAVES: u32 = 1000;
const ASK_TIMEOUT: Duration = Duration::from_secs(10);
