// SPDX-License-Identifier: Apache-2.0
//! A node in memory that answers as a real one does, or lies.

use codec::Encode;
use futures::stream;
use offstage_light_client::testing::TestChain;
use offstage_primitives::{H256, chain::storage};
use serde_json::{Value, json, value::RawValue};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};
use subxt::rpcs::{
    Error, RpcClient, UserError,
    client::{RawRpcFuture, RawRpcSubscription, RpcClientT},
};

/// What a lie makes of a question: another answer or an error, or nothing, and the truth is told.
type Lie = Box<dyn Fn(&str, &Value) -> Option<Result<Value, String>> + Send + Sync>;

#[derive(Clone)]
pub(super) struct FakeNode(Arc<Inner>);

struct Inner {
    chain: Mutex<TestChain>,
    lie: Mutex<Lie>,
    /// Of which blocks it keeps the justification.
    keeps: Box<dyn Fn(u32) -> bool + Send + Sync>,
    /// What it shows instead of the newest justification.
    newest: Option<Vec<u8>>,
    questions: AtomicUsize,
}

impl FakeNode {
    pub(super) fn new(chain: TestChain) -> Self {
        Self(Arc::new(Inner {
            chain: Mutex::new(chain),
            lie: Mutex::new(Box::new(|_, _| None)),
            keeps: Box::new(|_| true),
            newest: None,
            questions: AtomicUsize::new(0),
        }))
    }

    pub(super) fn lying(
        self,
        lie: impl Fn(&str, &Value) -> Option<Result<Value, String>> + Send + Sync + 'static,
    ) -> Self {
        self.lie(lie);
        self
    }

    /// Keeps the justifications of these blocks only.
    pub(super) fn keeping(self, keeps: impl Fn(u32) -> bool + Send + Sync + 'static) -> Self {
        let inner = Arc::into_inner(self.0).unwrap();
        Self(Arc::new(Inner { keeps: Box::new(keeps), ..inner }))
    }

    /// Shows this as the newest justification.
    pub(super) fn justifying(self, newest: Vec<u8>) -> Self {
        let inner = Arc::into_inner(self.0).unwrap();
        Self(Arc::new(Inner { newest: Some(newest), ..inner }))
    }

    pub(super) fn lie(
        &self,
        lie: impl Fn(&str, &Value) -> Option<Result<Value, String>> + Send + Sync + 'static,
    ) {
        *self.0.lie.lock().unwrap() = Box::new(lie);
    }

    pub(super) fn client(&self) -> RpcClient {
        RpcClient::new(self.clone())
    }

    pub(super) fn grow(&self, blocks: u32) {
        self.0.chain.lock().unwrap().add_empty(blocks);
    }

    /// How many questions it was asked.
    pub(super) fn questions(&self) -> usize {
        self.0.questions.load(Ordering::Relaxed)
    }

    fn answer(&self, method: &str, parameters: &Value) -> Result<Value, String> {
        self.0.questions.fetch_add(1, Ordering::Relaxed);
        if let Some(lie) = (self.0.lie.lock().unwrap())(method, parameters) {
            return lie;
        }
        let chain = self.0.chain.lock().unwrap();
        let head = chain.number();
        let numbers: BTreeMap<_, _> =
            (0..=head).map(|number| (hex_of(chain.hash(number).as_bytes()), number)).collect();
        let number_of = |hash: &Value| hash.as_str().and_then(|hash| numbers.get(hash).copied());
        let at = |position: usize| number_of(&parameters[position]).ok_or("UnknownBlock".to_owned());
        let justification = |number: u32| match &self.0.newest {
            Some(newest) if number == head => newest.clone(),
            _ => chain.justify(number),
        };
        Ok(match method {
            "chain_getBlockHash" => {
                let number = parameters[0].as_u64().unwrap() as u32;
                if number <= head { hash_of(&chain, number) } else { Value::Null }
            }
            "chain_getFinalizedHead" => hash_of(&chain, head),
            "chain_getHeader" => {
                number_of(&parameters[0]).map_or(Value::Null, |number| header_of(&chain, number))
            }
            "chain_getBlock" => {
                let number = at(0)?;
                let kept = (self.0.keeps)(number).then(|| json!([[b"FRNK", justification(number)]]));
                let body: Vec<_> = chain.body(number).iter().map(|bytes| hex_of(bytes)).collect();
                let block = json!({ "header": header_of(&chain, number), "extrinsics": body });
                json!({ "block": block, "justifications": kept })
            }
            "grandpa_proveFinality" => {
                let number = parameters[0].as_u64().unwrap() as u32;
                let (set_id, _) = chain.set_for(number.max(1));
                let last = (number..=head).take_while(|number| chain.set_for(*number).0 == set_id).last();
                let Some(last) = last else { return Ok(Value::Null) };
                let proof = (chain.hash(last), justification(last), Vec::<u8>::new()).encode();
                json!(hex_of(&proof))
            }
            "state_getReadProof" => {
                let keys: Vec<_> = parameters[0]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|key| bytes_of(key.as_str().unwrap()))
                    .collect();
                let proof: Vec<_> = chain.proof(at(1)?, &keys).iter().map(|node| hex_of(node)).collect();
                json!({ "at": parameters[1], "proof": proof })
            }
            "state_getStorage" => {
                let key = bytes_of(parameters[0].as_str().unwrap());
                chain.storage(at(1)?, &key).map_or(Value::Null, |value| json!(hex_of(value)))
            }
            "state_getKeysPaged" => {
                assert_eq!(bytes_of(parameters[0].as_str().unwrap()), storage::sovereign_enclaves());
                json!([hex_of(&storage::sovereign_enclave(&super::SIGNER))])
            }
            "system_properties" => json!({ "tokenDecimals": 12, "tokenSymbol": "UNIT" }),
            other => return Err(format!("Method not found: {other}")),
        })
    }
}

impl RpcClientT for FakeNode {
    fn request_raw<'a>(
        &'a self,
        method: &'a str,
        params: Option<Box<RawValue>>,
    ) -> RawRpcFuture<'a, Box<RawValue>> {
        let parameters = params.map_or(Value::Null, |params| serde_json::from_str(params.get()).unwrap());
        let answer = self.answer(method, &parameters);
        Box::pin(async move {
            match answer {
                Ok(value) => Ok(RawValue::from_string(value.to_string()).unwrap()),
                Err(message) => Err(Error::User(UserError { code: -32000, message, data: None })),
            }
        })
    }

    /// Whoever waits for a head has a block made.
    fn subscribe_raw<'a>(
        &'a self,
        _: &'a str,
        _: Option<Box<RawValue>>,
        _: &'a str,
    ) -> RawRpcFuture<'a, RawRpcSubscription> {
        let node = self.clone();
        let heads = stream::repeat_with(move || {
            let mut chain = node.0.chain.lock().unwrap();
            let number = chain.add_empty(1);
            Ok(RawValue::from_string(header_of(&chain, number).to_string()).unwrap())
        });
        Box::pin(async move { Ok(RawRpcSubscription { stream: Box::pin(heads), id: None }) })
    }
}

pub(super) fn hash_of(chain: &TestChain, number: u32) -> Value {
    json!(hex_of(chain.hash(number).as_bytes()))
}

pub(super) fn header_of(chain: &TestChain, number: u32) -> Value {
    let header = chain.header(number);
    let hex = |hash: &H256| hex_of(hash.as_bytes());
    let logs: Vec<_> = header.digest.logs.iter().map(|log| hex_of(&log.encode())).collect();
    json!({
        "parentHash": hex(&header.parent_hash), "number": format!("{number:#x}"), "stateRoot": hex(&header.state_root),
        "extrinsicsRoot": hex(&header.extrinsics_root), "digest": { "logs": logs },
    })
}

pub(super) fn hex_of(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

fn bytes_of(text: &str) -> Vec<u8> {
    hex::decode(text.trim_start_matches("0x")).unwrap()
}
