// SPDX-License-Identifier: Apache-2.0
//! Asking a worker where its enclave gives the shielding key.
//!
//! What it says is only an address: whether the peer is worth believing, the asking enclave decides by its evidence.

use crate::{node::from_hex, registry::is_address, text::escaped};
use anyhow::{Context, Result, bail, ensure};
use codec::Decode;
use futures::{SinkExt, StreamExt};
use offstage_primitives::rpc::{DirectRequestStatus, Method, RpcReturnValue};
use serde_json::{Value, json};
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
use tokio_tungstenite::tungstenite::{Message, protocol::WebSocketConfig};

/// Asks the worker at `url` (`wss://host:port`) where its mutual-attestation port is, and looks whether anybody is
/// there.
///
/// # Errors
/// When one of the two cannot be reached, is silent for [`PATIENCE`], or does not answer as a worker does.
pub async fn mutual_attestation_url(url: String) -> Result<String> {
    let asked = async {
        let peer = ask(&url).await?;
        ensure!(is_address(&peer), "it names {}, which is no address", escaped(&peer));
        let (_, authority) = parts(&peer)?;
        TcpStream::connect(authority).await.context("nobody listens on its mutual-attestation port")?;
        Ok(peer)
    };
    tokio::time::timeout(PATIENCE, asked).await.unwrap_or_else(|_| bail!("it is silent"))
}

/// Host and authority of a URL.
fn parts(url: &str) -> Result<(&str, &str)> {
    let authority = url.strip_prefix("wss://").unwrap_or(url).trim_end_matches('/');
    let (host, _) = authority.rsplit_once(':').context("its URL names no port")?;
    Ok((host, authority))
}

async fn ask(url: &str) -> Result<String> {
    let (host, authority) = parts(url)?;
    let stream = TcpStream::connect(authority).await.context("it cannot be reached")?;
    let name =
        ServerName::try_from(host.trim_matches(['[', ']']).to_owned()).context("its URL names no host")?;
    let stream = TlsConnector::from(Arc::new(insecure_tls()?)).connect(name, stream).await?;
    let limits = WebSocketConfig::default()
        .max_message_size(Some(MAX_ANSWER_LEN))
        .max_frame_size(Some(MAX_ANSWER_LEN));
    let (mut socket, _) =
        tokio_tungstenite::client_async_with_config(format!("ws://{authority}/"), stream, Some(limits))
            .await?;
    let question =
        json!({ "jsonrpc": "2.0", "id": 1, "method": Method::MutualAttestationUrl.name(), "params": [] });
    socket.send(Message::text(question.to_string())).await?;
    while let Some(message) = socket.next().await {
        let Message::Text(text) = message? else { continue };
        let answer: Value = serde_json::from_str(&text)?;
        let hex =
            answer["result"].as_str().context("it does not say where its mutual-attestation port is")?;
        let returned = RpcReturnValue::decode(&mut &from_hex(hex)?[..])?;
        ensure!(
            returned.status == DirectRequestStatus::Ok,
            "it refuses to say where its mutual-attestation port is"
        );
        return Ok(String::decode(&mut &returned.value[..])?);
    }
    bail!("it closed the connection")
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

/// For both answers together, an ocean away.
pub const PATIENCE: Duration = Duration::from_secs(5);
/// An address in JSON, with room to spare.
const MAX_ANSWER_LEN: usize = 16 * 1024;
