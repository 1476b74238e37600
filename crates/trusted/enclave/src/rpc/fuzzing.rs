// SPDX-License-Identifier: Apache-2.0
//! The clients' part of [`crate::fuzzing`].

use super::{
    RpcLimits,
    json::{self, Call, ErrorObject, Fault, Message},
    methods::{MAX_REQUEST_LEN, Query, single_hex_param},
};
use crate::{
    answers::MethodCall,
    methods::{MAX_ANSWER_LEN, OwnMethodError, OwnMethods},
};
use codec::Encode;
use offstage_primitives::{
    bounded::decode_bounded,
    enclave_bridge::Request,
    read::ReadRequest,
    result::{HistoryRequest, ResultRequest},
    rpc::{ErrorCode, Method},
};
use offstage_sdk::testing::method_context;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{collections::BTreeMap, sync::LazyLock};

/// A message of a client: each of its calls is answered once, in JSON, the request in a getter's parameter is read, and
/// methods of an author's own run on whatever they are given. What is inside a getter is the business logic's to
/// decode.
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
            Err(Fault { id, error }) => check_answer(&json::answer(&id, Err(error)), text),
            Ok(Call { id, method, params }) => {
                assert!(method.len() <= text.len());
                if let Value::Array(params) = &params {
                    check_params(params);
                }
                if let Err(error) = check_query(&method, params) {
                    check_answer(&json::answer(&id.unwrap_or(Value::Null), Err(error)), text);
                }
            }
        }
    }
}

/// An answer is JSON again and hardly longer than what was asked: an id is its longest part.
fn check_answer(answer: &str, text: &[u8]) {
    assert!(answer.len() <= 6 * text.len() + 400, "{answer}");
    let Value::Object(answer) = serde_json::from_str(answer).expect("answers are JSON") else {
        panic!("answers are objects");
    };
    assert!(answer.contains_key("id") && answer["error"]["code"].is_i64());
}

/// What is understood is a method's name with the parameters that it takes.
fn check_query(method: &str, params: Value) -> Result<(), ErrorObject> {
    let named = Method::named(method);
    match Query::read(method, params, &OWN) {
        Ok(query) => {
            assert!(query.work() > 0);
            match query {
                Query::Own(call) => check_own(&call),
                _ => assert!(named.is_some()),
            }
            Ok(())
        }
        Err(error) => {
            // A method of the author's own that is asked with a permit may be unknown, too.
            let is_unknown = named.is_none() && OWN.named(method).is_none();
            let unknown = error.code == ErrorCode::UnknownMethod;
            assert!(unknown == is_unknown || unknown && named == Some(Method::WithPermit));
            Err(error)
        }
    }
}

/// A method of the author's own gets what it takes, or nothing; its answer is JSON and bounded.
fn check_own(call: &MethodCall) {
    let asker = call.permit.as_ref().map(|permit| &permit.account);
    let answer = method_context(asker, |context| OWN.run(call.name, context, &call.parameters));
    match answer {
        Ok(value) => {
            assert!(value.len() <= MAX_ANSWER_LEN && serde_json::from_str::<Value>(&value).is_ok());
        }
        Err(error) => assert!(matches!(error, OwnMethodError::Parameters | OwnMethodError::TooLong)),
    }
}

/// Of every kind that serde knows.
#[derive(Serialize, Deserialize)]
struct Kinds {
    number: u64,
    small: Option<i8>,
    #[serde(default)]
    text: String,
    #[serde(default)]
    list: Vec<Kinds>,
    #[serde(default)]
    map: BTreeMap<String, (bool, f64)>,
}

static OWN: LazyLock<OwnMethods> = LazyLock::new(|| {
    let mut own = OwnMethods::none();
    own.add("kinds", |_, kinds: Kinds| Ok(kinds)).expect("the name is free");
    own.add("doubled", |_, (texts,): (Vec<String>,)| Ok([texts.concat(), texts.concat()]))
        .expect("the name is free");
    own.add("nothing", |_, ()| Ok(())).expect("the name is free");
    own
});

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
