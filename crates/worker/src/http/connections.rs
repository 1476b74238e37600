// SPDX-License-Identifier: Apache-2.0
//! Connections that cannot hold anything: a few at once, each for seconds, each with a small request.
//!
//! # Attacks
//! Another user of the machine, or whoever reaches the port, opens a thousand connections and says nothing, sends a
//! header without end, or never reads (threat model H23). The oldest connection gives way to a newcomer, so that an
//! operator is always let in, and the worker's descriptors and memory are bounded.

use axum::serve::Listener;
use std::{
    collections::VecDeque,
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    time::Sleep,
};

/// What connections may take.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// So many at once.
    pub(super) connections: usize,
    /// Bytes of a request, header and all.
    pub(super) request_len: usize,
    /// From the first byte of the question to the last of the answer.
    pub(super) longest: Duration,
}

impl Default for Limits {
    /// Far more than an operator with his monitors asks.
    fn default() -> Self {
        Self { connections: 64, request_len: 8 * 1024, longest: Duration::from_secs(5) }
    }
}

/// Accepts connections that end soon.
pub(super) struct ShortConnections {
    listener: TcpListener,
    limits: Limits,
    /// One for each open connection, the oldest first. Dropping it ends the connection.
    places: VecDeque<oneshot::Sender<()>>,
}

impl ShortConnections {
    pub(super) fn new(listener: TcpListener, limits: Limits) -> Self {
        Self { listener, limits, places: VecDeque::new() }
    }

    fn admit(&mut self, stream: TcpStream) -> ShortConnection {
        self.places.retain(|place| !place.is_closed());
        if self.places.len() >= self.limits.connections {
            self.places.pop_front();
        }
        let (place, given_away) = oneshot::channel();
        self.places.push_back(place);
        ShortConnection {
            stream,
            given_away,
            end: Box::pin(tokio::time::sleep(self.limits.longest)),
            readable: self.limits.request_len,
            over: false,
        }
    }
}

impl Listener for ShortConnections {
    type Io = ShortConnection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            match self.listener.accept().await {
                Ok((stream, address)) => return (self.admit(stream), address),
                Err(error) => {
                    tracing::debug!("a connection for health or metrics failed: {error}");
                    // No descriptors are left, perhaps; a connection that ends frees one.
                    tokio::time::sleep(PAUSE_AFTER_ERROR).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

/// A connection with an end and a bounded request.
pub(super) struct ShortConnection {
    stream: TcpStream,
    /// Ready when the place was given to somebody else.
    given_away: oneshot::Receiver<()>,
    end: Pin<Box<Sleep>>,
    /// Bytes that may still be read.
    readable: usize,
    over: bool,
}

impl ShortConnection {
    fn check(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        self.over = self.over
            || self.end.as_mut().poll(context).is_ready()
            || Pin::new(&mut self.given_away).poll(context).is_ready();
        if self.over { Err(io::ErrorKind::TimedOut.into()) } else { Ok(()) }
    }
}

impl AsyncRead for ShortConnection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check(context)?;
        if self.readable == 0 {
            return Poll::Ready(Err(io::Error::other("the request is too long")));
        }
        let mut bytes = [0; READ_LEN];
        let len = self.readable.min(buffer.remaining()).min(READ_LEN);
        let mut part = ReadBuf::new(&mut bytes[..len]);
        let outcome = Pin::new(&mut self.stream).poll_read(context, &mut part);
        buffer.put_slice(part.filled());
        self.readable -= part.filled().len();
        outcome
    }
}

impl AsyncWrite for ShortConnection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check(context)?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check(context)?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check(context)?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

const READ_LEN: usize = 1024;
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(100);
