// SPDX-License-Identifier: Apache-2.0
//! The clients' part of [`crate::fuzzing`].

use super::{
    RpcLimits,
    json::{self, Call, Fault, Message},
    methods::{MAX_REQUEST_LEN, Query, single_hex_param},
};
use codec::Encode;
use offstage_primitives::{
    bounded::decode_bounded,
    enclave_bridge::Request,
    read::ReadRequest,
    result::{HistoryRequest, ResultRequest},
    rpc::{ErrorCode, Method},
};
use serde_json::Value;

/// A message of a client: each of its calls is answered once, in JSON, and the request in a getter's
/// parameter is read. What is inside it is the business logic's to decode.
pub fn json(text: &[u8]) {
    let limits = RpcLimits::default();
    let calls = match json::parse(text, limits.batch_len) {
        Message::Single(call) => vec![call],
        Message::Batch(calls) => {
            assert!(!calls.is_empty() && calls.len() <= limits.batch_len);
            calls
        }
    };
    for call in calls {
        match call {
            Err(Fault { id, error }) => check_answer(&json::answer(id, Err(error)), text),
            Ok(Call { id, method, params }) => {
                assert!(method.len() <= text.len());
                match params {
                    Ok(params) => {
                        check_params(&params);
                        check_query(&method, &params);
                    }
                    Err(error) => check_answer(&json::answer(id.unwrap_or(Value::Null), Err(error)), text),
                }
            }
        }
    }
}

/// An answer is JSON again and hardly longer than what was asked: an id is its longest part.
fn check_answer(answer: &Value, text: &[u8]) {
    let answer = answer.to_string();
    assert!(answer.len() <= 6 * text.len() + 400, "{answer}");
    let Value::Object(answer) = serde_json::from_str(&answer).expect("answers are JSON") else {
        panic!("answers are objects");
    };
    assert!(answer.contains_key("id") && answer["error"]["code"].is_i64());
}

/// What is understood is a method's name with the parameters that it takes.
fn check_query(method: &str, params: &[Value]) {
    match Query::read(method, params) {
        Ok(query) => assert!(query.work() > 0 && Method::named(method).is_some()),
        Err(error) => assert_eq!(error.code == ErrorCode::UnknownMethod, Method::named(method).is_none()),
    }
}

fn check_params(params: &[Value]) {
    let Ok(bytes) = single_hex_param(params, MAX_REQUEST_LEN) else { return };
    assert!(bytes.len() <= MAX_REQUEST_LEN);
    if let Ok(request) = decode_bounded::<ReadRequest>(&bytes, MAX_REQUEST_LEN) {
        assert_eq!(request.encode(), bytes);
    }
    let _ = decode_bounded::<ResultRequest>(&bytes, MAX_REQUEST_LEN);
    let _ = decode_bounded::<HistoryRequest>(&bytes, MAX_REQUEST_LEN);
    let Ok(request) = decode_bounded::<Request>(&bytes, MAX_REQUEST_LEN) else { return };
    assert_eq!(request.encode(), bytes);
}
