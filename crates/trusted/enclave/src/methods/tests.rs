// SPDX-License-Identifier: Apache-2.0
//! Names, parameters and values.

use super::*;
use offstage_sdk::testing::{TestAccount, method_context};
use serde::Deserialize;

#[derive(Deserialize)]
struct Lot {
    lot: u32,
    #[serde(default)]
    more: Option<String>,
}

fn methods() -> OwnMethods {
    let mut methods = OwnMethods::none();
    methods.add("lot", |_, Lot { lot, more }: Lot| Ok((lot, more))).unwrap();
    methods.add("sum", |_, (a, b): (u64, u64)| Ok(a + b)).unwrap();
    methods.add("nothing", |_, ()| Ok("nothing")).unwrap();
    methods.add("asker", |context, ()| Ok(context.asker().map(ToString::to_string))).unwrap();
    methods.add("refuses", |_, ()| Err::<(), _>(MethodError("there is no such lot"))).unwrap();
    methods.add("long", |_, (len,): (usize,)| Ok("x".repeat(len))).unwrap();
    methods.add("no_json", |_, ()| Ok(BTreeMap::from([((1, 2), 3)]))).unwrap();
    methods
}

fn run(name: &str, parameters: &str) -> Result<String, OwnMethodError> {
    method_context(None, |context| methods().run(name, context, parameters))
}

#[test]
fn parameters_come_by_position_or_by_name_and_nothing_is_an_empty_array() {
    assert_eq!(run("lot", r#"{"lot":3}"#).unwrap(), "[3,null]");
    assert_eq!(run("lot", r#"[3,"more"]"#).unwrap(), r#"[3,"more"]"#);
    assert_eq!(run("sum", "[2,40]").unwrap(), "42");
    for none in ["[]", "{}"] {
        assert_eq!(run("nothing", none).unwrap(), r#""nothing""#);
    }
    let alice = TestAccount::alice().id();
    let asked = method_context(Some(&alice), |context| methods().run("asker", context, "[]"));
    assert_eq!(asked.unwrap(), format!("\"{alice}\""));
    assert_eq!(run("asker", "[]").unwrap(), "null");
}

#[test]
fn what_a_method_does_not_take_is_refused_without_a_word_of_it() {
    for (name, parameters) in [
        ("lot", "[]"),
        ("lot", "{}"),
        ("lot", r#"{"lot":-1}"#),
        ("lot", r#"{"lot":"secret"}"#),
        ("lot", r#"[3,null,5]"#),
        ("sum", "[1]"),
        ("sum", "[1,2,3]"),
        ("sum", r#"{"a":1,"b":2}"#),
        ("nothing", "[1]"),
        ("sum", "[1,2"),
    ] {
        assert_eq!(run(name, parameters), Err(OwnMethodError::Parameters), "{name} {parameters}");
    }
    assert_eq!(run("refuses", "[]"), Err(OwnMethodError::Refused("there is no such lot")));
    assert_eq!(run("no_json", "[]"), Err(OwnMethodError::Failed));
    assert_eq!(run("nobody", "[]"), Err(OwnMethodError::Failed));
}

#[test]
fn c27_an_answer_ends_at_its_bound() {
    // Two are the quotes.
    let longest = run("long", &format!("[{}]", MAX_ANSWER_LEN - 2)).unwrap();
    assert_eq!(longest.len(), MAX_ANSWER_LEN);
    assert_eq!(run("long", &format!("[{}]", MAX_ANSWER_LEN - 1)), Err(OwnMethodError::TooLong));
}

#[test]
fn c27_a_name_stands_for_one_method_and_for_none_of_the_protocol() {
    let mut methods = methods();
    let mut add = |name| methods.add(name, |_, ()| Ok(()));
    for name in ["", "a b", "a.b", "a-b", "ä", "a\n", &*"a".repeat(65).leak()] {
        assert_eq!(add(name), Err(MethodNameError::Form(name)));
    }
    for method in Method::ALL {
        assert_eq!(add(method.name()), Err(MethodNameError::Protocol(method.name())));
    }
    for name in ["offstage_mine", "author_", "rpc_method", "state_x", "system_x", "chain_getBlock"] {
        assert_eq!(add(name), Err(MethodNameError::Protocol(name)));
    }
    assert_eq!(add("sum"), Err(MethodNameError::Twice("sum")));
    for name in ["Sum", "offstage", "auction_highest", "_1", "9"] {
        assert_eq!(add(name), Ok(()));
    }
    assert_eq!(methods.named("Sum"), Some("Sum"));
    assert_eq!(methods.named("SUM"), None);
}

/// A name that begins as the protocol's do is refused, so no later method of the protocol takes one from an author.
#[test]
fn every_method_of_the_protocol_has_a_reserved_beginning() {
    for method in Method::ALL {
        assert!(RESERVED.iter().any(|reserved| method.name().starts_with(reserved)), "{method:?}");
    }
}
