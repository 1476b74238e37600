// SPDX-License-Identifier: Apache-2.0
//! One client's connection: TLS, WebSocket, then message by message until it ends.

use super::{
    RpcLimits,
    admission::{Pace, Place},
    json::{self, Call, ErrorObject, Fault, Message as RpcMessage},
    methods::{Methods, Query},
};
use futures::{SinkExt, StreamExt};
use serde_json::Value;
use std::time::Duration;
use tokio::{
    net::TcpStream,
    time::{error::Elapsed, sleep, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_tungstenite::{
    WebSocketStream, accept_async_with_config,
    tungstenite::{
        self, Message,
        protocol::{CloseFrame, WebSocketConfig, frame::coding::CloseCode},
    },
};

/// Serves a connection to its end, or until its place is given to another.
pub(super) async fn run(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    methods: &Methods,
    limits: &RpcLimits,
    place: &Place,
) -> Result<(), ConnectionError> {
    let mut socket = tokio::select! {
        biased;
        () = place.taken() => return Err(ConnectionError::GivenAway),
        socket = timeout(limits.handshake, handshake(stream, acceptor, limits)) => socket??,
    };
    let farewell = tokio::select! {
        biased;
        () = place.taken() => {
            Some(farewell(CloseCode::Again, "all places are taken, and this connection was idle the longest"))
        }
        farewell = converse(&mut socket, methods, limits, place) => farewell?,
    };
    if let Some(farewell) = farewell {
        timeout(FAREWELL, socket.close(Some(farewell))).await??;
    }
    Ok(())
}

type Socket = WebSocketStream<TlsStream<TcpStream>>;

async fn handshake(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    limits: &RpcLimits,
) -> Result<Socket, ConnectionError> {
    stream.set_nodelay(true).map_err(ConnectionError::Handshake)?;
    let stream = acceptor.accept(stream).await.map_err(ConnectionError::Handshake)?;
    let config = WebSocketConfig::default()
        .read_buffer_size(BUFFER_LEN)
        .write_buffer_size(BUFFER_LEN)
        .max_message_size(Some(limits.message_len))
        .max_frame_size(Some(limits.message_len));
    Ok(accept_async_with_config(stream, Some(config)).await?)
}

/// Answers until the client ends the connection, or there is a reason to end it, which is told.
async fn converse(
    socket: &mut Socket,
    methods: &Methods,
    limits: &RpcLimits,
    place: &Place,
) -> Result<Option<CloseFrame>, ConnectionError> {
    let mut pace = Pace::new(limits.calls_per_second);
    loop {
        let message = tokio::select! {
            biased;
            message = socket.next() => message,
            () = place.silent(limits.silence) => {
                return Ok(Some(farewell(CloseCode::Away, "there was no message for too long")));
            }
        };
        let message = match message {
            None => return Ok(None),
            Some(Ok(message)) => message,
            Some(Err(tungstenite::Error::Capacity(_))) => {
                let reason = format!("a message may have {} bytes", limits.message_len);
                return Ok(Some(farewell(CloseCode::Size, reason)));
            }
            Some(Err(error)) => return Err(error.into()),
        };
        let text = match &message {
            Message::Text(text) => text.as_bytes(),
            Message::Binary(bytes) => bytes,
            // The library answers pings and the other side's close. They are no activity, or whoever sends nothing
            // else would keep his place (threat model C15); they count as calls, or they could flood.
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {
                if place.spend(1).is_err() {
                    return Ok(Some(farewell(CloseCode::Again, OVER_BUDGET)));
                }
                sleep(pace.next(1)).await;
                continue;
            }
            Message::Close(_) => return Ok(None),
        };
        place.touch();
        let request = match affordable(text, methods, limits, place) {
            Ok(request) => request,
            Err(wait) => {
                let error = json::answer(&Value::Null, Err(ErrorObject::over_budget(wait)));
                timeout(limits.write, socket.send(Message::text(error))).await??;
                return Ok(Some(farewell(CloseCode::Again, OVER_BUDGET)));
            }
        };
        sleep(pace.next(request.calls.len())).await;
        if let Some(answer) = answer(request, methods, limits).await {
            timeout(limits.write, socket.send(Message::text(answer))).await??;
        }
    }
}

/// A message whose calls' parameters have been read.
struct Request {
    is_batch: bool,
    calls: Vec<Asked>,
}

/// A call: under which id it is answered, if at all, and what is asked.
struct Asked {
    id: Option<Value>,
    query: Result<Query, ErrorObject>,
}

/// Takes a message apart, if its address can pay for the reading and then for the answers.
fn affordable(
    text: &[u8],
    methods: &Methods,
    limits: &RpcLimits,
    place: &Place,
) -> Result<Request, Duration> {
    let asked = |call| asked(call, methods);
    let reading = u32::try_from(text.len() / BYTES_READ_PER_WORK).unwrap_or(u32::MAX);
    place.spend(reading.saturating_add(1))?;
    let request = match json::parse(text, limits.batch_len) {
        RpcMessage::Single(call) => Request { is_batch: false, calls: vec![asked(call)] },
        RpcMessage::Batch(calls) => Request { is_batch: true, calls: calls.into_iter().map(asked).collect() },
    };
    let work = request.calls.iter().map(|call| call.query.as_ref().map_or(1, Query::work));
    place.spend(work.fold(0, u32::saturating_add))?;
    Ok(request)
}

fn asked(call: Result<Call, Fault>, methods: &Methods) -> Asked {
    match call {
        Err(Fault { id, error }) => Asked { id: Some(id), query: Err(error) },
        Ok(Call { id, method, params }) => Asked { id, query: Query::read(&method, params, methods.own()) },
    }
}

async fn answer(request: Request, methods: &Methods, limits: &RpcLimits) -> Option<String> {
    let mut answers = Vec::with_capacity(request.calls.len());
    let mut len = 0usize;
    for Asked { id, query } in request.calls {
        // No method of ours does anything but answer, so a notification has nothing to do.
        let Some(id) = id else { continue };
        let outcome = match query {
            Ok(_) if len > limits.batch_answer_len => Err(ErrorObject::too_long()),
            Ok(query) => methods.answer(query).await,
            Err(error) => Err(error),
        };
        len = len.saturating_add(outcome.as_ref().map_or(0, |text| text.len()));
        answers.push(json::answer(&id, outcome.as_deref().map_err(Clone::clone)));
    }
    match request.is_batch {
        // A batch of notifications gets no answer, not an empty one.
        true => (!answers.is_empty()).then(|| json::batch(&answers)),
        false => answers.pop(),
    }
}

fn farewell(code: CloseCode, reason: impl Into<String>) -> CloseFrame {
    CloseFrame { code, reason: reason.into().into() }
}

/// Why a connection ended early. Only for the log at its finest level; it holds nothing that a client said.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectionError {
    #[error("the handshake failed: {0}")]
    Handshake(std::io::Error),
    #[error("the connection failed: {0}")]
    WebSocket(#[from] tungstenite::Error),
    #[error("the client was too slow")]
    TooSlow(#[from] Elapsed),
    #[error("its place was given to another before the handshake ended")]
    GivenAway,
}

/// Small, because every connection has two.
const BUFFER_LEN: usize = 4 * 1024;

/// To read so many bytes of JSON costs a unit of work.
const BYTES_READ_PER_WORK: usize = 4 * 1024;

/// How long a client may take to read that its connection ends.
const FAREWELL: Duration = Duration::from_secs(1);

const OVER_BUDGET: &str = "this address asks for more than its share; come back later";
