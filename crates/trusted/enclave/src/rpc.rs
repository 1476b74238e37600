// SPDX-License-Identifier: Apache-2.0
//! What clients ask: JSON-RPC 2.0 over WebSocket over TLS that ends in the enclave.
//!
//! The methods are those that clients of the wire know, and a few of our own, see
//! [`Method`](offstage_primitives::rpc::Method). A connection is one task that answers one message after the other;
//! it holds a read-only [`View`] of the last committed block and no lock that block processing waits for.
//!
//! # Attacks
//! Anybody can connect (threat model C10, C14, C15). So there are limits on everything a connection can use: how
//! many there are, how many of one address, how long a handshake, a silence or a write may take, how long a message
//! is, how many calls a batch has, how often one may ask, how much work one address may cause, how many getters run
//! at once. Who goes over a limit waits or is dropped; who comes when there is no place takes that of the longest
//! idle (`admission`). Blocks do not notice. [`RpcLimits`] has the numbers.
//!
//! An answer about the state is given in phase `Serving` only; the gate is in the view, not here.

pub(crate) mod admission;
mod connection;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod json;
mod methods;

use crate::{tls, view::View};
use admission::{Admission, AdmissionLimits};
use methods::Methods;
use std::{io, sync::Arc, time::Duration};
use tokio::{net::TcpListener, task::JoinSet, time::sleep};
use tokio_rustls::TlsAcceptor;

/// Serves clients until the future is dropped, which also ends the open connections.
///
/// Must run in a tokio runtime with time and IO.
///
/// # Errors
/// When the listener cannot be used, or the TLS library refuses its own defaults.
pub async fn serve(view: Arc<View>, listener: std::net::TcpListener, limits: RpcLimits) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let acceptor = TlsAcceptor::from(tls::server_config(view.clone()).map_err(io::Error::other)?);
    let admission = Admission::new(AdmissionLimits {
        connections: limits.connections,
        connections_per_peer: limits.connections_per_peer,
        arrivals_per_peer_per_minute: limits.arrivals_per_peer_per_minute,
        work_per_peer_per_second: limits.work_per_peer_per_second,
    });
    let methods = Arc::new(Methods::new(view, limits.clone()));
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Such as too many open files: it passes when connections end.
                tracing::warn!(%error, "cannot accept a client");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Some(place) = admission.admit(peer.ip()) else {
            continue;
        };
        let (acceptor, methods, limits) = (acceptor.clone(), methods.clone(), limits.clone());
        connections.spawn(async move {
            if let Err(reason) = connection::run(stream, acceptor, &methods, &limits, &place).await {
                tracing::debug!(%reason, "a client's connection ended");
            }
        });
    }
}

/// What clients may use, all together and each.
#[derive(Clone, Debug)]
pub struct RpcLimits {
    /// Connections at once.
    pub connections: usize,
    /// Connections at once from one IP address.
    pub connections_per_peer: usize,
    /// New connections from one IP address per minute, after a first burst of as many.
    pub arrivals_per_peer_per_minute: u32,
    /// Units of work that one IP address may cause per second over all methods and connections, after a first burst
    /// of ten times as many. A unit is some 20 microseconds of a core. Who asks for more is told so, and
    /// disconnected.
    pub work_per_peer_per_second: u32,
    /// Time for the TLS and WebSocket handshakes together.
    pub handshake: Duration,
    /// A connection without a whole message for so long is closed. Pings are no messages.
    pub silence: Duration,
    /// An answer that the client does not read within this time ends the connection.
    pub write: Duration,
    /// Bytes of a message.
    pub message_len: usize,
    /// Calls in a batch.
    pub batch_len: usize,
    /// Bytes of a batch's answers; calls beyond are told to come alone.
    pub batch_answer_len: usize,
    /// Calls per second on one connection, after a first burst of as many; more have to wait.
    pub calls_per_second: u32,
    /// Getters and receipt look-ups that run at once; more have to wait.
    pub getters_at_once: usize,
    /// How long a call waits for its turn before it is told to try again.
    pub turn: Duration,
}

impl Default for RpcLimits {
    fn default() -> Self {
        Self {
            connections: 1024,
            connections_per_peer: 64,
            arrivals_per_peer_per_minute: 1200,
            work_per_peer_per_second: 1000,
            handshake: Duration::from_secs(2),
            silence: Duration::from_secs(120),
            write: Duration::from_secs(10),
            message_len: 64 * 1024,
            batch_len: 32,
            batch_answer_len: 256 * 1024,
            calls_per_second: 100,
            getters_at_once: 2,
            turn: Duration::from_secs(10),
        }
    }
}

pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod flood_tests;
#[cfg(test)]
mod own_tests;
#[cfg(test)]
mod tests;
