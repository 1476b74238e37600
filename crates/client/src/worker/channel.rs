// SPDX-License-Identifier: Apache-2.0
//! JSON-RPC 2.0 requests over a WebSocket, one after the other.

use super::{WorkerAddress, WorkerError};
use crate::printable::printable;
use futures::{SinkExt, StreamExt};
use offstage_primitives::{
    bounded::decode_bounded,
    rpc::{DirectRequestStatus, Method, RpcReturnValue},
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Message, protocol::WebSocketConfig},
};

/// An open WebSocket to a worker.
pub(super) struct Channel {
    socket: WebSocketStream<TlsStream<TcpStream>>,
    last_id: u64,
}

impl Channel {
    /// Upgrades a TLS connection to a WebSocket.
    pub(super) async fn open(
        address: &WorkerAddress,
        stream: TlsStream<TcpStream>,
    ) -> Result<Self, WorkerError> {
        let no_worker = |reason: String| WorkerError::Tls { address: address.to_string(), reason };
        let config = WebSocketConfig::default()
            .max_message_size(Some(MAX_ANSWER_LEN))
            .max_frame_size(Some(MAX_ANSWER_LEN));
        let upgrade = client_async_with_config(address.to_string(), stream, Some(config));
        let (socket, _) = timeout(ANSWER_TIMEOUT, upgrade)
            .await
            .map_err(|_| no_worker("it does not answer".to_owned()))?
            .map_err(|error| no_worker(error.to_string()))?;
        Ok(Self { socket, last_id: 0 })
    }

    /// Asks and gives the SCALE value of the answer.
    pub(super) async fn call(&mut self, method: Method, parameters: Value) -> Result<Vec<u8>, WorkerError> {
        let method = method.name();
        let result = self.request(method, parameters).await?;
        let text = result.as_str().ok_or(WorkerError::Malformed { method })?;
        value_of(method, text)
    }

    /// Asks for a text, which workers give either as SCALE, like every value, or bare.
    pub(super) async fn call_text(&mut self, method: Method) -> Result<String, WorkerError> {
        let method = method.name();
        let result = self.request(method, json!([])).await?;
        let text = result.as_str().ok_or(WorkerError::Malformed { method })?;
        if !text.starts_with("0x") {
            return Ok(printable(text));
        }
        let value = value_of(method, text)?;
        decode_bounded::<String>(&value, MAX_MESSAGE_LEN)
            .map(|text| printable(&text))
            .map_err(|_| WorkerError::Malformed { method })
    }

    async fn request(&mut self, method: &'static str, parameters: Value) -> Result<Value, WorkerError> {
        self.last_id += 1;
        let id = self.last_id;
        let request = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": parameters });
        let exchange = async {
            self.socket.send(Message::text(request.to_string())).await.map_err(broken)?;
            loop {
                let message =
                    self.socket.next().await.ok_or_else(|| broken("it was closed"))?.map_err(broken)?;
                match message {
                    Message::Text(text) => {
                        let answer: Answer =
                            serde_json::from_str(&text).map_err(|_| WorkerError::Malformed { method })?;
                        // Answers to earlier questions, which timed out, are passed over.
                        if answer.id == json!(id) || answer.id.is_null() {
                            return Ok(answer);
                        }
                    }
                    Message::Close(_) => return Err(broken("it was closed")),
                    Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
                }
            }
        };
        let answer = timeout(ANSWER_TIMEOUT, exchange)
            .await
            .map_err(|_| broken(format!("no answer to {method} within {} s", ANSWER_TIMEOUT.as_secs())))??;
        match answer {
            Answer { error: Some(error), .. } => {
                Err(WorkerError::Answered { method, message: printable(&error.message) })
            }
            Answer { result: Some(result), .. } => Ok(result),
            Answer { .. } => Err(WorkerError::Malformed { method }),
        }
    }
}

/// What is inside the hexadecimal form of an [`RpcReturnValue`].
fn value_of(method: &'static str, text: &str) -> Result<Vec<u8>, WorkerError> {
    let malformed = || WorkerError::Malformed { method };
    let bytes = text.strip_prefix("0x").and_then(|digits| hex::decode(digits).ok()).ok_or_else(malformed)?;
    let answer: RpcReturnValue = decode_bounded(&bytes, MAX_ANSWER_LEN).map_err(|_| malformed())?;
    match answer.status {
        DirectRequestStatus::Ok => Ok(answer.value),
        DirectRequestStatus::Error => {
            let message =
                decode_bounded::<String>(&answer.value, MAX_MESSAGE_LEN).map_err(|_| malformed())?;
            Err(WorkerError::Answered { method, message: printable(&message) })
        }
        DirectRequestStatus::TrustedOperationStatus(_) => Err(malformed()),
    }
}

fn broken(reason: impl ToString) -> WorkerError {
    WorkerError::Broken { reason: reason.to_string() }
}

#[derive(Deserialize)]
struct Answer {
    id: Value,
    result: Option<Value>,
    error: Option<AnswerError>,
}

#[derive(Deserialize)]
struct AnswerError {
    message: String,
}

/// How long a worker may take for an answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// The largest answer is the metadata of the business logic's runtime: some 100 KB, twice as much in hexadecimal.
const MAX_ANSWER_LEN: usize = 16 * 1024 * 1024;

/// The longest message in an answer, in bytes.
const MAX_MESSAGE_LEN: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use codec::Encode;

    fn answer(value: &RpcReturnValue) -> String {
        format!("0x{}", hex::encode(value.encode()))
    }

    #[test]
    fn values_and_errors_are_told_apart() {
        assert_eq!(value_of("m", &answer(&RpcReturnValue::ok(42u32))).unwrap(), 42u32.encode());
        let Err(WorkerError::Answered { message, .. }) =
            value_of("m", &answer(&RpcReturnValue::error("no\nkey")))
        else {
            panic!("took an error for a value")
        };
        assert_eq!(message, "no key");
    }

    #[test]
    fn other_texts_are_malformed() {
        let longer = format!("{}00", answer(&RpcReturnValue::ok(1u8)));
        for text in ["", "0x", "0xzz", "42", &longer] {
            assert!(matches!(value_of("m", text), Err(WorkerError::Malformed { .. })), "{text}");
        }
    }
}
