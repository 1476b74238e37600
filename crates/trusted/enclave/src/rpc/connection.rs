// SPDX-License-Identifier: Apache-2.0
//! One client's connection: TLS, WebSocket, then message by message until it ends.

use super::{
    RpcLimits,
    admission::Bucket,
    json::{self, Call, ErrorObject, Fault, Message as RpcMessage},
    methods::Methods,
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

/// Serves a connection to its end.
pub(super) async fn run(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    methods: &Methods,
    limits: &RpcLimits,
) -> Result<(), ConnectionError> {
    let mut socket = timeout(limits.handshake, handshake(stream, acceptor, limits)).await??;
    let mut calls = Bucket::new(limits.calls_per_second, Duration::from_secs(1));
    loop {
        let message = match timeout(limits.silence, socket.next()).await? {
            None => return Ok(()),
            Some(Ok(message)) => message,
            Some(Err(tungstenite::Error::Capacity(_))) => {
                let reason = format!("a message may have {} bytes", limits.message_len);
                return close(&mut socket, CloseCode::Size, reason, limits).await;
            }
            Some(Err(error)) => return Err(error.into()),
        };
        let text = match &message {
            Message::Text(text) => text.as_bytes(),
            Message::Binary(bytes) => bytes,
            // The library answers pings and the other side's close; they count as calls, or they could flood.
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {
                sleep(calls.take_on_credit(1)).await;
                continue;
            }
            Message::Close(_) => return Ok(()),
        };
        let request = json::parse(text, limits.batch_len);
        sleep(calls.take_on_credit(cost(&request))).await;
        if let Some(answer) = answer(request, methods, limits).await {
            timeout(limits.write, socket.send(Message::text(answer.to_string()))).await??;
        }
    }
}

async fn handshake(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    limits: &RpcLimits,
) -> Result<WebSocketStream<TlsStream<TcpStream>>, ConnectionError> {
    stream.set_nodelay(true).map_err(ConnectionError::Handshake)?;
    let stream = acceptor.accept(stream).await.map_err(ConnectionError::Handshake)?;
    let config = WebSocketConfig::default()
        .read_buffer_size(BUFFER_LEN)
        .write_buffer_size(BUFFER_LEN)
        .max_message_size(Some(limits.message_len))
        .max_frame_size(Some(limits.message_len));
    Ok(accept_async_with_config(stream, Some(config)).await?)
}

async fn answer(request: RpcMessage, methods: &Methods, limits: &RpcLimits) -> Option<Value> {
    match request {
        RpcMessage::Single(call) => answer_one(call, methods).await,
        RpcMessage::Batch(calls) => {
            let mut answers = Vec::with_capacity(calls.len());
            let mut len = 0usize;
            for call in calls {
                let answer = match call {
                    Ok(Call { id, .. }) if len > limits.batch_answer_len => {
                        id.map(|id| json::answer(id, Err(ErrorObject::too_long())))
                    }
                    call => answer_one(call, methods).await,
                };
                len = len.saturating_add(answer.as_ref().map_or(0, result_len));
                answers.extend(answer);
            }
            // A batch of notifications gets no answer, not an empty one.
            (!answers.is_empty()).then_some(Value::Array(answers))
        }
    }
}

async fn answer_one(call: Result<Call, Fault>, methods: &Methods) -> Option<Value> {
    match call {
        Err(Fault { id, error }) => Some(json::answer(id, Err(error))),
        Ok(Call { id, method, params }) => {
            // No method of ours does anything but answer, so a notification has nothing to do.
            let id = id?;
            let outcome = match params {
                Ok(params) => methods.call(&method, &params).await,
                Err(error) => Err(error),
            };
            Some(json::answer(id, outcome.map(Value::String)))
        }
    }
}

fn result_len(answer: &Value) -> usize {
    answer.get("result").and_then(Value::as_str).map_or(0, str::len)
}

async fn close(
    socket: &mut WebSocketStream<TlsStream<TcpStream>>,
    code: CloseCode,
    reason: String,
    limits: &RpcLimits,
) -> Result<(), ConnectionError> {
    let frame = CloseFrame { code, reason: reason.into() };
    Ok(timeout(limits.write, socket.close(Some(frame))).await??)
}

fn cost(request: &RpcMessage) -> usize {
    match request {
        RpcMessage::Single(_) => 1,
        RpcMessage::Batch(calls) => calls.len(),
    }
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
}

/// Small, because every connection has two.
const BUFFER_LEN: usize = 4 * 1024;
