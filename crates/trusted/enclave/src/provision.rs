// SPDX-License-Identifier: Apache-2.0
//! The shielding key goes from one enclave of a shard to another, and to nobody else.
//!
//! ```text
//! requester (registered, no key yet)              provider (serving)
//!  | ---- TLS 1.3 ------------------------------------> |
//!  | <--- certificate with evidence, signature -------- |
//!  |  verifies: quote, measurement, chain, shard,       |
//!  |  born key, and that the quote binds this TLS key   |
//!  |  and is registered in the requester's chain        |
//!  | ---- certificate with evidence, signature -------> |  verifies the same
//!  | ---- ask { shard, born key, birth, newest } -----> |  the requester is registered, and both blocks are
//!  |                                                    |  on the provider's chain: only now reads the key
//!  | <--- the key, PKCS#8 ----------------------------- |
//!  |  checks that it is the born key                    |
//! ```
//!
//! Both sides judge by what the parentchain says, in a block that they verified themselves: the root certificate, the
//! accepted patch levels, the measurement that the shard allows, and the time.
//!
//! # Attacks
//! A host wants the key (threat model H14). It can offer a peer without a quote, with a quote of other code, of a debug
//! enclave, of a revoked platform, of another chain or shard, or the evidence of a real enclave with its own TLS key.
//! Each fails in the handshake, before the provider has looked at its key; see [`peer`]. A provider that has not caught
//! up after a restart does not serve. One that is frozen, or an enclave on a fork, does not find the other's
//! registration: see [`rule`].
//!
//! [`request`] checks the digest of what comes: a provider that gives another key than the shard was born with is
//! refused.

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod message;
pub mod peer;
pub mod rule;

use crate::{
    ingest::Birth,
    keys::ShieldingKey,
    rpc::{
        ACCEPT_PAUSE,
        admission::{Admission, AdmissionLimits},
    },
    tls::{self, PresentCertificate},
    view::{AttestationPolicy, Identity, View},
};
use message::{Answer, Ask, MessageError, Refusal};
use offstage_attestation::VerifiedIdentity;
use offstage_protocol::BlockReference;
use peer::{PeerError, PeerVerifier};
use rule::ProvenChain;
use rustls::{
    ClientConfig, ServerConfig,
    client::Resumption,
    pki_types::ServerName,
    server::NoServerSessionStorage,
    sign::{CertifiedKey, SingleCertAndKey},
};
use std::{io, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{error::Elapsed, sleep, timeout},
};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// Serves peers until the future is dropped, which also ends the open connections.
///
/// Must run in a tokio runtime with time and IO.
///
/// # Errors
/// When the listener cannot be used.
pub async fn serve(
    view: Arc<View>,
    listener: std::net::TcpListener,
    limits: ProvisionLimits,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let admission = Admission::new(AdmissionLimits {
        connections: limits.connections,
        connections_per_peer: limits.connections_per_peer,
        arrivals_per_peer_per_minute: limits.arrivals_per_peer_per_minute,
        work_per_peer_per_second: WORK_PER_PEER_PER_SECOND,
    });
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let (stream, address) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a peer");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Some(place) = admission.admit(address.ip()) else {
            continue;
        };
        let (view, session) = (view.clone(), limits.session);
        connections.spawn(async move {
            let provided = tokio::select! {
                biased;
                () = place.taken() => {
                    tracing::warn!(%address, "a peer was too slow while others wait, and got nothing");
                    return;
                }
                provided = timeout(session, provide(stream, &view)) => provided,
            };
            match provided {
                Ok(Ok(())) => tracing::info!(%address, "gave the shielding key to a verified peer"),
                Ok(Err(error)) => tracing::warn!(%address, %error, "gave nothing to a peer"),
                Err(_) => tracing::warn!(%address, "a peer was too slow and got nothing"),
            }
        });
    }
}

/// Asks the enclave at `url` (`wss://host:port`, its mutual-attestation address) for the shielding key.
///
/// Blocks for at most [`REQUEST_TIME`], on a runtime of its own: must not be called from a task of another one.
///
/// # Errors
/// When the peer cannot be reached, is refused, refuses, or gives another key than the one the shard was born with.
pub fn request(url: &str, context: &ProvisionContext<'_>) -> Result<ShieldingKey, ProvisionError> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(ProvisionError::Stream)?;
    runtime.block_on(async {
        timeout(REQUEST_TIME, ask_peer(url, context)).await.map_err(ProvisionError::TooSlow)?
    })
}

/// What [`request`] needs to know.
pub struct ProvisionContext<'a> {
    /// Who asks.
    pub identity: &'a Identity,
    /// Whose evidence counts.
    pub policy: &'a AttestationPolicy,
    /// The asker's own certificate, with the evidence that it is registered with.
    pub certificate: Arc<CertifiedKey>,
    /// What its own verified chain says of peers.
    pub chain: &'a ProvenChain,
    /// How the shard was born.
    pub birth: &'a Birth,
    /// The newest final block that it has followed.
    pub newest: BlockReference,
}

/// What peers may use, all together and each.
#[derive(Clone, Debug)]
pub struct ProvisionLimits {
    /// Connections at once.
    pub connections: usize,
    /// Connections at once from one IP address.
    pub connections_per_peer: usize,
    /// New connections from one IP address per minute, after a first burst of as many.
    pub arrivals_per_peer_per_minute: u32,
    /// Time for a connection from its first byte to its last.
    pub session: Duration,
}

impl Default for ProvisionLimits {
    fn default() -> Self {
        Self {
            connections: 32,
            connections_per_peer: 4,
            arrivals_per_peer_per_minute: 30,
            session: Duration::from_secs(10),
        }
    }
}

/// Why a key was not given or not received.
#[derive(Debug, thiserror::Error)]
pub enum ProvisionError {
    /// Not an address.
    #[error("{0:?} is not the address of a worker; it looks like wss://host:3443")]
    Address(String),
    /// The network failed.
    #[error("the connection to the peer failed: {0}; check that the worker runs and its port is open")]
    Stream(#[source] io::Error),
    /// The peer's evidence is not good.
    #[error("the peer was refused: {0}")]
    Peer(#[from] PeerError),
    /// The peer did not like our evidence.
    #[error(
        "the peer refused this worker's evidence; both must be of the same chain, shard and allowed measurement"
    )]
    RefusedByPeer,
    /// The peer's evidence is good, but this worker's verified chain does not let it give the key.
    #[error("the peer was refused: {0}")]
    Rule(#[source] Refusal),
    /// The peer knew us but did not give the key.
    #[error("the peer gave no key: {0}")]
    NoKey(#[from] Refusal),
    /// The TLS library refused its configuration.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[source] rustls::Error),
    /// The peer does not speak this protocol.
    #[error("the peer does not speak this protocol: {0}")]
    Message(#[from] MessageError),
    /// The key is not the shard's.
    #[error("the peer gave another key than the one the shard was born with; ask another worker")]
    AnotherKey,
    /// The peer took too long.
    #[error("the peer did not answer in time")]
    TooSlow(#[source] Elapsed),
    /// There is no certificate or no policy yet.
    #[error("this worker does not serve peers yet")]
    NotReady,
}

/// [`request`] gives up after this time.
pub const REQUEST_TIME: Duration = Duration::from_secs(20);

async fn provide(stream: TcpStream, view: &Arc<View>) -> Result<(), ProvisionError> {
    let policy = view.policy().ok_or(ProvisionError::NotReady)?;
    view.certificate().ok_or(ProvisionError::NotReady)?;
    // A peer that joins binds the key that the shard was born with, before it has it.
    let born_key = view.picture().chain.birth.as_ref().map(|birth| birth.shielding_key);
    let verifier = Arc::new(PeerVerifier::new(view.identity(), policy, born_key));
    let acceptor = TlsAcceptor::from(Arc::new(server_config(view.clone(), verifier.clone())?));
    // After this line the peer is an enclave that the chain allows, which holds the key its quote binds.
    let handshake = acceptor.accept(stream).into_fallible();
    let mut stream = match timeout(HANDSHAKE_TIME, handshake).await.map_err(ProvisionError::TooSlow)? {
        Ok(stream) => stream,
        Err((error, stream)) => {
            let_alert_arrive(stream).await;
            return Err(verifier.refusal().map_or(ProvisionError::Stream(error), ProvisionError::Peer));
        }
    };
    let ask = message::read_ask(&mut stream).await?;
    let peer = verifier.peer().ok_or(ProvisionError::NotReady)?;
    let answer = match answer(view, &peer, &ask) {
        Ok(key) => Answer::Key(key),
        Err(refusal) => Answer::Refused(refusal),
    };
    message::write_answer(&mut stream, &answer).await?;
    match answer {
        Answer::Key(_) => Ok(()),
        Answer::Refused(refusal) => Err(refusal.into()),
    }
}

/// Everything is judged by one picture: the key goes out by what the chain says at one block.
fn answer(view: &View, peer: &VerifiedIdentity, ask: &Ask) -> Result<zeroize::Zeroizing<Vec<u8>>, Refusal> {
    if ask.shard != view.identity().shard {
        return Err(Refusal::AnotherShard);
    }
    let picture = view.picture_for_verified_peer().map_err(|_| Refusal::NotServing)?;
    let (Some(key), Some(policy)) = (&picture.shielding_key, &picture.policy) else {
        return Err(Refusal::NotServing);
    };
    picture.chain.check_blocks(ask)?;
    picture.chain.check_peer(peer, policy)?;
    if key.public().digest() != ask.born_key {
        return Err(Refusal::AnotherKey);
    }
    Ok(key.to_sealable())
}

async fn ask_peer(url: &str, context: &ProvisionContext<'_>) -> Result<ShieldingKey, ProvisionError> {
    let address = address(url)?;
    let born_key = context.birth.shielding_key;
    let verifier = Arc::new(PeerVerifier::new(context.identity, context.policy.clone(), Some(born_key)));
    let connector =
        TlsConnector::from(Arc::new(client_config(context.certificate.clone(), verifier.clone())?));
    // The name is not looked at: a peer is known by its evidence, wherever it is.
    let name = ServerName::try_from(PEER_NAME).map_err(|_| ProvisionError::Address(url.to_owned()))?;
    let stream = TcpStream::connect(address).await.map_err(ProvisionError::Stream)?;
    let mut stream = connector
        .connect(name, stream)
        .await
        .map_err(|error| verifier.refusal().map_or_else(|| stream_error(error), ProvisionError::Peer))?;
    let peer = verifier.peer().ok_or(ProvisionError::NotReady)?;
    context.chain.check_peer(&peer, context.policy).map_err(ProvisionError::Rule)?;
    let ask =
        Ask { shard: context.identity.shard, born_key, birth: context.birth.block, newest: context.newest };
    message::write_ask(&mut stream, &ask).await.map_err(message_error)?;
    match message::read_answer(&mut stream).await.map_err(message_error)? {
        Answer::Refused(refusal) => Err(refusal.into()),
        Answer::Key(bytes) => {
            let key = ShieldingKey::from_sealable(&bytes).map_err(|_| ProvisionError::AnotherKey)?;
            if key.public().digest() == born_key { Ok(key) } else { Err(ProvisionError::AnotherKey) }
        }
    }
}

fn server_config(view: Arc<View>, verifier: Arc<PeerVerifier>) -> Result<ServerConfig, ProvisionError> {
    let mut config = ServerConfig::builder_with_provider(tls::provider())
        .with_protocol_versions(tls::VERSIONS)
        .map_err(ProvisionError::Tls)?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::new(PresentCertificate(view)));
    // A resumed session would skip the verification of the peer.
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(config)
}

fn client_config(
    certificate: Arc<CertifiedKey>,
    verifier: Arc<PeerVerifier>,
) -> Result<ClientConfig, ProvisionError> {
    let mut config = ClientConfig::builder_with_provider(tls::provider())
        .with_protocol_versions(tls::VERSIONS)
        .map_err(ProvisionError::Tls)?
        // "Dangerous" because it replaces the check of names and authorities: by that of evidence, see `peer`.
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(certificate)));
    config.resumption = Resumption::disabled();
    config.enable_sni = false;
    Ok(config)
}

/// `host:port` of a URL whose scheme is `wss` or absent.
fn address(url: &str) -> Result<&str, ProvisionError> {
    let address = url.strip_prefix("wss://").unwrap_or(url);
    let address = address.strip_suffix('/').unwrap_or(address);
    let is_address = address
        .rsplit_once(':')
        .is_some_and(|(host, port)| !host.is_empty() && !host.contains('/') && port.parse::<u16>().is_ok());
    if is_address && address.len() <= MAX_ADDRESS_LEN {
        Ok(address)
    } else {
        Err(ProvisionError::Address(url.chars().take(MAX_ADDRESS_LEN).collect()))
    }
}

/// Reads what the peer already sent. Closing a socket with unread bytes would reset the connection and with it the
/// alert that tells the peer why.
async fn let_alert_arrive(mut stream: TcpStream) {
    let _ = stream.shutdown().await;
    let mut discarded = [0; 1024];
    for _ in 0..MAX_DISCARDED_READS {
        match timeout(DISCARD_TIME, stream.read(&mut discarded)).await {
            Ok(Ok(1..)) => {}
            _ => return,
        }
    }
}

/// In TLS 1.3 the client learns with its first read whether its own certificate was accepted.
fn message_error(error: MessageError) -> ProvisionError {
    match error {
        MessageError::Stream(error) => stream_error(error),
        other => other.into(),
    }
}

fn stream_error(error: io::Error) -> ProvisionError {
    let was_alert = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>())
        .is_some_and(|error| matches!(error, rustls::Error::AlertReceived(_)));
    if was_alert { ProvisionError::RefusedByPeer } else { ProvisionError::Stream(error) }
}

/// Handshakes are the only work; arrivals are limited before.
const WORK_PER_PEER_PER_SECOND: u32 = 1000;
/// A peer that has not shown its evidence by then makes room.
const HANDSHAKE_TIME: Duration = Duration::from_secs(2);
const MAX_DISCARDED_READS: usize = 64;
const DISCARD_TIME: Duration = Duration::from_millis(500);
const PEER_NAME: &str = "offstage-enclave";
const MAX_ADDRESS_LEN: usize = 256;

#[cfg(test)]
mod tests;
