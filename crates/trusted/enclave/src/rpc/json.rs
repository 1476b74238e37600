// SPDX-License-Identifier: Apache-2.0
//! JSON-RPC 2.0 messages: taking them apart and putting answers together (<https://www.jsonrpc.org/specification>).

use offstage_primitives::rpc::ErrorCode;
use serde_json::{Value, json};
use std::time::Duration;

/// A message of a client.
#[derive(Debug, PartialEq)]
pub(super) enum Message {
    /// A single call, or why it is none.
    Single(Result<Call, Fault>),
    /// Several of them.
    Batch(Vec<Result<Call, Fault>>),
}

/// A call.
#[derive(Debug, PartialEq)]
pub(super) struct Call {
    /// Absent for a notification, which gets no answer.
    pub(super) id: Option<Value>,
    pub(super) method: String,
    /// An array or an object; an empty array when there are none.
    pub(super) params: Value,
}

/// A call that is none, and the id to answer it under.
#[derive(Debug, PartialEq)]
pub(super) struct Fault {
    pub(super) id: Value,
    pub(super) error: ErrorObject,
}

/// JSON-RPC's own errors.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ErrorObject {
    pub(super) code: ErrorCode,
    pub(super) message: String,
}

impl ErrorObject {
    pub(super) fn parse_error() -> Self {
        Self { code: ErrorCode::Parse, message: "parse error: the message is not JSON".into() }
    }

    pub(super) fn invalid_request(message: impl Into<String>) -> Self {
        Self { code: ErrorCode::InvalidRequest, message: format!("invalid request: {}", message.into()) }
    }

    pub(super) fn unknown_method() -> Self {
        // The name is not repeated: it is the client's own, of any length and content.
        Self {
            code: ErrorCode::UnknownMethod,
            message: "unknown method; rpc_methods lists those that there are".into(),
        }
    }

    pub(super) fn invalid_params(message: impl Into<String>) -> Self {
        Self { code: ErrorCode::InvalidParams, message: format!("invalid params: {}", message.into()) }
    }

    pub(super) fn not_now(message: impl Into<String>) -> Self {
        Self { code: ErrorCode::NotNow, message: message.into() }
    }

    pub(super) fn method_failed(message: impl Into<String>) -> Self {
        Self { code: ErrorCode::MethodFailed, message: message.into() }
    }

    pub(super) fn too_long() -> Self {
        Self {
            code: ErrorCode::BatchTooLong,
            message: "the answers to this batch are too long; send this call alone".into(),
        }
    }

    pub(super) fn over_budget(wait: Duration) -> Self {
        let seconds = wait.as_secs().saturating_add(1);
        Self {
            code: ErrorCode::OverBudget,
            message: format!("this address asks for more than its share; connect again in {seconds} s"),
        }
    }
}

/// Takes a message apart. Never fails: what cannot be read becomes a fault, which is answered.
pub(super) fn parse(text: &[u8], max_batch_len: usize) -> Message {
    match serde_json::from_slice(text) {
        Err(_) => Message::Single(Err(Fault { id: Value::Null, error: ErrorObject::parse_error() })),
        Ok(Value::Array(calls)) if calls.is_empty() => single_fault("the batch is empty"),
        Ok(Value::Array(calls)) if calls.len() > max_batch_len => {
            single_fault(format!("a batch may have {max_batch_len} calls; send several"))
        }
        Ok(Value::Array(calls)) => Message::Batch(calls.into_iter().map(call).collect()),
        Ok(single) => Message::Single(call(single)),
    }
}

/// The answer to a call. The result is JSON already.
pub(super) fn answer(id: &Value, outcome: Result<&str, ErrorObject>) -> String {
    match outcome {
        Ok(result) => format!(r#"{{"jsonrpc":"2.0","result":{result},"id":{id}}}"#),
        Err(ErrorObject { code, message }) => {
            json!({ "jsonrpc": "2.0", "error": { "code": code.number(), "message": message }, "id": id })
                .to_string()
        }
    }
}

/// The answers to a batch.
pub(super) fn batch(answers: &[String]) -> String {
    format!("[{}]", answers.join(","))
}

fn call(value: Value) -> Result<Call, Fault> {
    let Value::Object(mut object) = value else {
        return Err(fault(Value::Null, "a call is an object"));
    };
    let id = match object.remove("id") {
        None => None,
        Some(id @ (Value::Null | Value::Number(_) | Value::String(_))) => Some(id),
        Some(_) => return Err(fault(Value::Null, "the id must be a string or a number")),
    };
    let fault = |message: &str| fault(id.clone().unwrap_or(Value::Null), message);
    if object.get("jsonrpc") != Some(&Value::String("2.0".into())) {
        return Err(fault("\"jsonrpc\" must be \"2.0\""));
    }
    let Some(Value::String(method)) = object.remove("method") else {
        return Err(fault("\"method\" must be a string"));
    };
    let params = match object.remove("params") {
        None | Some(Value::Null) => Value::Array(Vec::new()),
        Some(params @ (Value::Array(_) | Value::Object(_))) => params,
        Some(_) => return Err(fault("\"params\" must be an array or an object")),
    };
    Ok(Call { id, method, params })
}

fn fault(id: Value, message: impl Into<String>) -> Fault {
    Fault { id, error: ErrorObject::invalid_request(message) }
}

fn single_fault(message: impl Into<String>) -> Message {
    Message::Single(Err(fault(Value::Null, message)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn code(text: &str) -> i32 {
        match parse(text.as_bytes(), 3) {
            Message::Single(Err(fault)) => fault.error.code.number(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_no_call_gets_the_code_of_the_specification() {
        for text in ["", "{", "nonsense", "{\"jsonrpc\":\"2.0\"", &"[".repeat(1000)] {
            assert_eq!(code(text), -32700, "{text}");
        }
        for text in [
            "[]",
            "[1,2,3,4]",
            "1",
            "null",
            "\"text\"",
            "{}",
            "{\"jsonrpc\":\"1.0\",\"method\":\"a\",\"id\":1}",
            "{\"jsonrpc\":\"2.0\",\"method\":1,\"id\":1}",
            "{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"id\":{}}",
            "{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"params\":\"bar\",\"id\":1}",
        ] {
            assert_eq!(code(text), -32600, "{text}");
        }
    }

    #[test]
    fn a_fault_is_answered_under_the_calls_own_id() {
        let Message::Single(Err(fault)) = parse(b"{\"jsonrpc\":\"1.0\",\"id\":\"x\"}", 3) else {
            panic!("not a fault")
        };
        assert_eq!(fault.id, json!("x"));
    }

    #[test]
    fn a_batch_keeps_good_and_bad_calls_in_order() {
        let text =
            b"[{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"id\":1},2,{\"jsonrpc\":\"2.0\",\"method\":\"b\"}]";
        let Message::Batch(calls) = parse(text, 3) else { panic!("not a batch") };
        assert_eq!(calls.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
        assert_eq!(calls[2].as_ref().unwrap().id, None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered_or_understood(bytes: Vec<u8>) {
            let _ = parse(&bytes, 3);
        }
    }
}
