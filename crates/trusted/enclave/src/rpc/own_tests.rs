// SPDX-License-Identifier: Apache-2.0
//! Methods of an author's own over loopback sockets.

use super::{methods::Query, tests::*, *};
use crate::{
    answers::{Answers, MethodCall},
    methods::{OwnMethodError, OwnMethods},
    store::{Snapshot, StoreError},
    tls::testing::*,
};
use codec::{Decode, Encode};
use offstage_primitives::{
    AccountId32, H256,
    read::{Permit, Question},
    rpc::{Method, Phase},
};
use offstage_sdk::{
    BlockContext, MethodError, ReadContext,
    testing::{TestAccount, method_context},
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::{Mutex, mpsc};

/// A logic that has nothing but methods. Permits are not looked at.
struct Own(OwnMethods);

impl Answers for Own {
    fn answer(
        &self,
        _: &Snapshot,
        _: H256,
        _: &ReadContext,
        _: &[u8],
    ) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(None)
    }

    fn read(
        &self,
        _: &Snapshot,
        _: H256,
        _: &BlockContext,
        _: &Question,
        _: Option<&Permit>,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(None)
    }

    fn methods(&self) -> &OwnMethods {
        &self.0
    }

    fn call_method(
        &self,
        _: &Snapshot,
        _: H256,
        _: &BlockContext,
        call: &MethodCall,
    ) -> Result<Result<String, OwnMethodError>, StoreError> {
        let asker = call.permit.as_ref().map(|permit| &permit.account);
        Ok(method_context(asker, |context| self.0.run(call.name, context, &call.parameters)))
    }

    fn metadata(&self) -> Vec<u8> {
        METADATA.to_vec()
    }
}

#[derive(Deserialize)]
struct Lot {
    lot: u32,
}

fn methods() -> OwnMethods {
    let mut methods = OwnMethods::none();
    methods.add("auction_highest", |_, Lot { lot }: Lot| Ok((lot, "\"7\""))).unwrap();
    methods.add("refuses", |_, ()| Err::<(), _>(MethodError("there is no such lot"))).unwrap();
    methods.add("whoami", |context, ()| Ok(context.asker().map(hex::encode))).unwrap();
    methods.add("long", |_, ()| Ok("x".repeat(1 << 20))).unwrap();
    methods
}

fn view_in(phase: Phase, methods: OwnMethods) -> Arc<View> {
    let certificate = certificate(&boot(), KEY.public().digest());
    Arc::new(View::new(identity(), Arc::new(Own(methods)), picture(phase, Some(certificate))))
}

async fn client(phase: Phase) -> Client {
    Client::connect(&start(view_in(phase, methods()), RpcLimits::default())).await.unwrap()
}

fn permit(account: &TestAccount) -> Value {
    let signature = account.sign(b"whatever");
    let permit = Permit { account: account.id(), expires: 9, signature };
    json!(format!("0x{}", hex::encode(permit.encode())))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_method_of_the_authors_own_answers_in_json_and_names_its_block() {
    let mut client = client(Phase::Serving).await;
    let block = json!({ "number": 5, "hash": format!("0x{}", "05".repeat(32)) });
    let expected = json!({ "value": [3, "\"7\""], "block": block });
    for params in [json!([3]), json!({ "lot": 3 })] {
        assert_eq!(client.ask("auction_highest", params).await["result"], expected);
    }
    // As an account, by position and by name.
    let alice = TestAccount::alice();
    for params in [json!([permit(&alice), "whoami"]), json!([permit(&alice), "whoami", {}])] {
        let answer = client.ask("offstage_callWithPermit", params).await;
        assert_eq!(answer["result"]["value"], hex::encode::<AccountId32>(alice.id()));
    }
    assert_eq!(client.ask("whoami", json!([])).await["result"]["value"], Value::Null);
    // It is listed, and the list is in order.
    let listed = client.value("rpc_methods", json!([])).await;
    let listed = Vec::<String>::decode(&mut &listed[..]).unwrap();
    assert!(listed.is_sorted() && listed.contains(&"auction_highest".to_owned()));
    assert_eq!(listed.len(), Method::ALL.len() + 4);
    // Beside others in a batch.
    let call = |id: u8, method: &str, params: Value| {
        let (version, id) = ("2.0", json!(id));
        json!({ "jsonrpc": version, "method": method, "params": params, "id": id })
    };
    let batch = json!([call(1, "auction_highest", json!([3])), call(2, "author_getShard", json!([]))]);
    let answers: Vec<Value> = serde_json::from_str(&client.ask_text(&batch.to_string()).await).unwrap();
    assert_eq!(answers[0]["result"], expected);
    assert!(answers[1]["result"].as_str().unwrap().starts_with("0x"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c27_what_a_method_does_not_answer_is_one_error_with_a_fixed_text() {
    let mut client = client(Phase::Serving).await;
    let alice = permit(&TestAccount::alice());
    let with_permit = |params: Value| ("offstage_callWithPermit", params);
    for ((method, params), code) in [
        (("auction_highest", json!([])), -32602),
        (("auction_highest", json!(["secret"])), -32602),
        (("auction_highest", json!({ "lot": 3, "secret": { "a": [1] } })), 0),
        (("auction_higher", json!([])), -32601),
        (("Auction_highest", json!([])), -32601),
        (("refuses", json!([])), -32003),
        (("long", json!([])), -32003),
        (with_permit(json!([])), -32602),
        (with_permit(json!([alice])), -32602),
        (with_permit(json!(["0x00", "whoami"])), -32602),
        (with_permit(json!([format!("0x{}", "00".repeat(200)), "whoami"])), -32602),
        (with_permit(json!({ "permit": alice, "method": "whoami" })), -32602),
        (with_permit(json!([alice, "whoami", 5])), -32602),
        (with_permit(json!([alice, "nobody"])), -32601),
        // What the protocol has is asked without.
        (with_permit(json!([alice, "author_getShard"])), -32601),
        (with_permit(json!([alice, "offstage_callWithPermit", [alice, "whoami"]])), -32601),
    ] {
        let answer = client.ask(method, params.clone()).await;
        let error = &answer["error"];
        assert_eq!(error["code"].as_i64().unwrap_or_default(), code, "{method} {params}: {answer}");
        assert!(!error["message"].to_string().contains("secret"), "{error}");
    }
    let refused = client.ask("refuses", json!([])).await;
    assert_eq!(refused["error"]["message"], "there is no such lot");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn h09_a_method_of_the_authors_own_is_not_answered_before_it_serves() {
    for (phase, text) in [
        (Phase::CatchingUp, "catching up with the parentchain: at block 5 of 8"),
        (Phase::NeedsShieldingKey, "waiting for the shielding key"),
        (Phase::AwaitingRegistration, "waiting for its registration"),
        (Phase::Superseded, "replaced by a later start"),
        (Phase::Leaving, "taken out of the shard"),
    ] {
        let mut client = client(phase).await;
        let permitted = json!([permit(&TestAccount::alice()), "whoami"]);
        for (method, params) in [("auction_highest", json!([3])), ("offstage_callWithPermit", permitted)] {
            let error = client.ask(method, params).await["error"].clone();
            assert_eq!(error["code"], -32002, "{phase:?}");
            assert!(error["message"].as_str().unwrap().contains(text), "{phase:?}: {error}");
        }
    }
}

/// C27: they have the price and the turn of a getter.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c27_a_slow_method_waits_its_turn_and_pays_as_getters_do() {
    let (begun, has_begun) = mpsc::channel();
    let (end, may_end) = mpsc::channel::<()>();
    let (begun, may_end) = (Mutex::new(begun), Mutex::new(may_end));
    let mut methods = methods();
    methods
        .add("slow", move |_, ()| {
            begun.lock().unwrap().send(()).unwrap();
            may_end.lock().unwrap().recv().unwrap();
            Ok("slow")
        })
        .unwrap();
    for (name, params) in [("slow", json!([])), ("auction_highest", json!([3]))] {
        let Ok(query) = Query::read(name, params, &methods) else { panic!("{name} is known") };
        assert_eq!(query.work(), Query::Receipt(H256::zero()).work());
    }
    let limits = RpcLimits { getters_at_once: 1, turn: SHORT, ..Default::default() };
    let address = start(view_in(Phase::Serving, methods), limits);
    let mut slow = Client::connect(&address).await.unwrap();
    let slow = tokio::spawn(async move { slow.ask("slow", json!([])).await });
    tokio::task::spawn_blocking(move || has_begun.recv_timeout(PATIENCE)).await.unwrap().unwrap();
    let mut other = Client::connect(&address).await.unwrap();
    other.value("offstage_getStatus", json!([])).await;
    let busy = other.ask("whoami", json!([])).await;
    assert_eq!(busy["error"]["code"], -32002, "{busy}");
    end.send(()).unwrap();
    assert_eq!(slow.await.unwrap()["result"]["value"], "slow");
    assert_eq!(other.ask("whoami", json!([])).await["result"]["value"], Value::Null);
}
