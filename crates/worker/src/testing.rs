// SPDX-License-Identifier: Apache-2.0
//! A node and an enclave that tests play: the node behind the real JSON-RPC types, the enclave behind the real framing.

use crate::{
    enclave::Enclave,
    node::{Node, reference},
};
use codec::{Decode, Encode};
use futures::{StreamExt, channel::mpsc};
use offstage_primitives::{AccountId32, BlockHash, H256, Measurement, ShardIdentifier};
use offstage_protocol::{
    BlockReference, Bound, EnclaveResponse, HostRequest, Identity, OutboxExtrinsic, Phase, Refusal,
    RefusalCode, Start, Started, Status,
    framing::{read_frame, write_frame},
};
use serde_json::{Value, json, value::to_raw_value};
use sp_crypto_hashing::blake2_256;
use std::{
    collections::{BTreeMap, VecDeque},
    future::Future,
    io::BufReader,
    os::unix::net::UnixStream,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};
use subxt::{
    config::substrate::{Digest, SubstrateHeader},
    rpcs::{
        Error, UserError,
        client::{RawRpcFuture, RawRpcSubscription, RawValue, RpcClient, RpcClientT},
    },
};

/// A block of this number, of no chain.
pub(crate) fn block(number: u32) -> BlockReference {
    BlockReference { number, hash: BlockHash::zero() }
}

/// The status of a serving enclave at this block.
pub(crate) fn status(position: u32) -> Status {
    Status {
        phase: Phase::Serving,
        position: block(position),
        finalized: block(position),
        tip: block(position),
        watched_keys: vec![],
        wanted_code: None,
        wanted_headers: None,
        outbox_len: 0,
        operations: 0,
        notice: None,
        parked: Vec::new(),
        funds: None,
        outbox_since: None,
        registration_left_secs: None,
        peers: 0,
        departure: None,
    }
}

/// An enclave that has started at the genesis of the played chain.
pub(crate) fn started(status: Status) -> Started {
    Started {
        signer: AccountId32::new([1; 32]),
        measurement: Measurement([2; 32]),
        shard: ShardIdentifier::from([3; 32]),
        genesis_hash: BlockHash::zero(),
        trusted_address: String::new(),
        mutual_attestation_address: String::new(),
        status,
    }
}

/// Waits for what other tasks bring about; its length decides only how long a broken test takes.
pub(crate) async fn until<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Gives up on what takes too long.
pub(crate) async fn soon<T>(what: &str, work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(|_| panic!("waited in vain until {what}"))
}

/// A chain of empty blocks and the node that has it.
#[derive(Clone, Default)]
pub(crate) struct PlayedNode(Arc<Mutex<Chain>>);

#[derive(Default)]
pub(crate) struct Chain {
    headers: Vec<SubstrateHeader<H256>>,
    finalized: u32,
    /// Those that it stored.
    pub(crate) justifications: BTreeMap<u32, Vec<u8>>,
    pub(crate) storage: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Whether it has pruned the states that it is asked for.
    pub(crate) has_lost_states: bool,
    /// Extrinsics that its pool has banned.
    pub(crate) bans: Vec<Vec<u8>>,
    /// Extrinsics that its pool took.
    pub(crate) submitted: Vec<Vec<u8>>,
    heads: Vec<mpsc::UnboundedSender<Value>>,
    streams: Vec<mpsc::UnboundedSender<Value>>,
}

impl PlayedNode {
    /// A chain with this many blocks after its genesis, and the genesis final.
    pub(crate) fn new(blocks: u32) -> Self {
        let node = Self::default();
        {
            let mut chain = node.chain();
            let mut parent_hash = H256::zero();
            for number in 0..=blocks {
                let header = SubstrateHeader {
                    parent_hash,
                    number: number.into(),
                    state_root: H256::repeat_byte(1),
                    extrinsics_root: H256::repeat_byte(2),
                    digest: Digest::default(),
                };
                parent_hash = reference(&header).unwrap().hash.into();
                chain.headers.push(header);
            }
        }
        node
    }

    pub(crate) fn chain(&self) -> MutexGuard<'_, Chain> {
        self.0.lock().unwrap()
    }

    /// The host's side of the connection.
    pub(crate) fn connection(&self) -> Node {
        Node::over(RpcClient::new(self.clone()), "ws://played")
    }

    pub(crate) fn block(&self, number: u32) -> BlockReference {
        reference(&self.chain().headers[number as usize]).unwrap()
    }

    /// A justification for this block, of this round.
    pub(crate) fn justification(&self, number: u32, round: u64) -> Vec<u8> {
        (round, self.block(number).hash, number, b"votes").encode()
    }

    /// Stores a justification with its block.
    pub(crate) fn justify(&self, number: u32) {
        let justification = self.justification(number, 1);
        self.chain().justifications.insert(number, justification);
    }

    /// Streams a justification.
    pub(crate) fn stream(&self, justification: &[u8]) {
        let text = json!(format!("0x{}", hex::encode(justification)));
        self.chain().streams.retain(|stream| stream.unbounded_send(text.clone()).is_ok());
    }

    /// How many listen to its justifications.
    pub(crate) fn listeners(&self) -> usize {
        self.chain().streams.len()
    }

    /// Finalizes up to here, and says so.
    pub(crate) fn finalize(&self, number: u32) {
        let mut chain = self.chain();
        chain.finalized = number;
        let header = serde_json::to_value(&chain.headers[number as usize]).unwrap();
        chain.heads.retain(|head| head.unbounded_send(header.clone()).is_ok());
    }

    fn take(&self, params: &Value) -> Result<(), Error> {
        let extrinsic = hex::decode(params[0].as_str().unwrap().trim_start_matches("0x")).unwrap();
        let mut chain = self.chain();
        if chain.bans.contains(&extrinsic) {
            let message = "Transaction is temporarily banned".into();
            return Err(Error::User(UserError { code: 1012, message, data: None }));
        }
        chain.submitted.push(extrinsic);
        Ok(())
    }

    fn answer(&self, method: &str, params: &Value) -> Option<Value> {
        let chain = self.chain();
        let by_hash = |hash: &Value| {
            let hash: BlockHash = serde_json::from_value(hash.clone()).ok()?;
            chain.headers.iter().find(|header| reference(header).unwrap().hash == hash)
        };
        let bytes = |text: &Value| hex::decode(text.as_str()?.trim_start_matches("0x")).ok();
        let text = |bytes: &[u8]| json!(format!("0x{}", hex::encode(bytes)));
        Some(match method {
            "chain_getBlockHash" => {
                let header = chain.headers.get(params[0].as_u64()? as usize);
                json!(header.map(|header| reference(header).unwrap().hash))
            }
            "chain_getFinalizedHead" => {
                json!(reference(&chain.headers[chain.finalized as usize]).unwrap().hash)
            }
            "chain_getHeader" => json!(by_hash(&params[0])),
            "chain_getBlock" => {
                let header = by_hash(&params[0])?;
                let justification = chain.justifications.get(&(header.number as u32));
                json!({
                    "block": { "header": header, "extrinsics": [] },
                    "justifications": justification.map(|bytes| json!([[b"FRNK", bytes]])),
                })
            }
            "system_properties" => json!({ "tokenDecimals": 12, "tokenSymbol": "UNIT" }),
            "state_getReadProof" => json!({ "at": params[1], "proof": [] }),
            "state_getStorage" => json!(chain.storage.get(&bytes(&params[0])?).map(|value| text(value))),
            "state_queryStorageAt" => {
                let changes: Vec<Value> = params[0]
                    .as_array()?
                    .iter()
                    .map(|key| json!([key, chain.storage.get(&bytes(key).unwrap()).map(|value| text(value))]))
                    .collect();
                json!([{ "block": H256::zero(), "changes": changes }])
            }
            "state_getKeysPaged" => {
                let (prefix, start) = (bytes(&params[0])?, bytes(&params[2]).unwrap_or_default());
                let keys = chain.storage.keys().filter(|key| key.starts_with(&prefix) && **key > start);
                json!(keys.take(params[1].as_u64()? as usize).map(|key| text(key)).collect::<Vec<_>>())
            }
            _ => return None,
        })
    }
}

impl RpcClientT for PlayedNode {
    fn request_raw<'a>(
        &'a self,
        method: &'a str,
        params: Option<Box<RawValue>>,
    ) -> RawRpcFuture<'a, Box<RawValue>> {
        Box::pin(async move {
            let params = params.map_or(Value::Null, |params| serde_json::from_str(params.get()).unwrap());
            if ["state_getReadProof", "state_getStorage"].contains(&method) && self.chain().has_lost_states {
                let message = "State already discarded".into();
                return Err(Error::User(UserError { code: 4003, message, data: None }));
            }
            if method == "author_submitExtrinsic" {
                self.take(&params)?;
                return Ok(to_raw_value(&json!(H256::zero())).unwrap());
            }
            let answer = self.answer(method, &params);
            let answer = answer.ok_or_else(|| Error::User(UserError::method_not_found()))?;
            Ok(to_raw_value(&answer).unwrap())
        })
    }

    fn subscribe_raw<'a>(
        &'a self,
        method: &'a str,
        _: Option<Box<RawValue>>,
        _: &'a str,
    ) -> RawRpcFuture<'a, RawRpcSubscription> {
        Box::pin(async move {
            let (sender, receiver) = mpsc::unbounded();
            let mut chain = self.chain();
            match method {
                "chain_subscribeFinalizedHeads" => chain.heads.push(sender),
                "grandpa_subscribeJustifications" => chain.streams.push(sender),
                _ => return Err(Error::User(UserError::method_not_found())),
            }
            let stream = receiver.map(|value| Ok(to_raw_value(&value).unwrap()));
            Ok(RawRpcSubscription { stream: Box::pin(stream), id: None })
        })
    }
}

/// An enclave that follows as a real one does, but verifies nothing.
#[derive(Clone)]
pub(crate) struct PlayedEnclave(Arc<Mutex<Model>>);

pub(crate) struct Model {
    pub(crate) status: Status,
    /// Numbers of the blocks that it took, in order.
    pub(crate) taken: Vec<u32>,
    /// Justifications that it refuses.
    pub(crate) refuses: Vec<Vec<u8>>,
    /// Where the peer is that gives the key, and where the enclave goes on when it has it.
    pub(crate) key: Option<(String, BlockReference)>,
    /// Addresses that it asked.
    pub(crate) asked: Vec<String>,
    /// Where its sealed store is, if it has seen a chain.
    pub(crate) bound: Option<BlockReference>,
    /// What it was started with.
    pub(crate) starts: Vec<Start>,
    /// What it hands out, in this order: the next when it hears that the node has banned the one before.
    pub(crate) extrinsics: VecDeque<OutboxExtrinsic>,
    /// What keeps it busy with each block.
    pub(crate) busy: Option<std::sync::mpsc::Receiver<()>>,
}

impl PlayedEnclave {
    /// At the genesis of this node's chain.
    pub(crate) fn at_genesis(node: &PlayedNode, phase: Phase) -> Self {
        let genesis = node.block(0);
        let status = Status { phase, position: genesis, finalized: genesis, tip: genesis, ..status(0) };
        Self(Arc::new(Mutex::new(Model {
            status,
            taken: vec![],
            refuses: vec![],
            key: None,
            asked: vec![],
            bound: None,
            starts: vec![],
            extrinsics: VecDeque::new(),
            busy: None,
        })))
    }

    pub(crate) fn model(&self) -> MutexGuard<'_, Model> {
        self.0.lock().unwrap()
    }

    pub(crate) fn status(&self) -> Status {
        self.model().status.clone()
    }

    /// The host's side of the stream.
    pub(crate) fn connection(&self) -> Enclave {
        let (host, enclave) = UnixStream::pair().unwrap();
        let played = self.clone();
        std::thread::spawn(move || {
            let mut reader = BufReader::new(enclave.try_clone().unwrap());
            let mut writer = enclave;
            while let Ok(Some(request)) = read_frame::<HostRequest>(&mut reader) {
                // Without the lock: a test looks at the model while the enclave works.
                let busy = match request {
                    HostRequest::ImportBlock(_) => played.model().busy.take(),
                    _ => None,
                };
                if let Some(busy) = busy {
                    let _ = busy.recv();
                    played.model().busy = Some(busy);
                }
                let answer = played.model().answer(request);
                if write_frame(&mut writer, &answer).is_err() {
                    return;
                }
            }
        });
        Enclave::played(host)
    }
}

impl Model {
    fn answer(&mut self, request: HostRequest) -> EnclaveResponse {
        let refusal = match request {
            HostRequest::ImportHeaders(headers) => {
                headers.into_iter().find_map(|header| self.header(&header.unverified()))
            }
            HostRequest::ImportJustification(justification) => {
                self.justification(&justification.unverified())
            }
            HostRequest::ImportBlock(bundle) => self.block(&bundle.header.unverified()),
            HostRequest::RequestShieldingKey(url) => self.key(url.unverified()),
            HostRequest::Identify => {
                let started = started(self.status.clone());
                let bound = self.bound.map(|position| Bound {
                    genesis_hash: started.genesis_hash,
                    shard: started.shard,
                    position,
                });
                return EnclaveResponse::Identified(Box::new(Identity {
                    signer: started.signer,
                    measurement: started.measurement,
                    shielding_key: None,
                    bound,
                }));
            }
            HostRequest::Start(start) => {
                self.starts.push(*start);
                return EnclaveResponse::Started(Box::new(started(self.status.clone())));
            }
            HostRequest::Collect => {
                return EnclaveResponse::Collected {
                    extrinsics: self.extrinsics.front().cloned().into_iter().collect(),
                    status: Box::new(self.status.clone()),
                };
            }
            HostRequest::NoteBanned(hash) => {
                let hash = hash.unverified();
                let is_it = |extrinsic: &OutboxExtrinsic| H256(blake2_256(&extrinsic.extrinsic)) == hash;
                if self.extrinsics.front().is_some_and(is_it) {
                    self.extrinsics.pop_front();
                }
                None
            }
            _ => None,
        };
        match refusal {
            Some(code) => EnclaveResponse::Refused(Refusal { code, message: format!("{code:?}") }),
            None => EnclaveResponse::Done(Box::new(self.status.clone())),
        }
    }

    fn header(&mut self, bytes: &[u8]) -> Option<RefusalCode> {
        let header = read_header(bytes);
        let follows =
            (self.status.finalized.number + 1..=self.status.tip.number + 1).contains(&header.number);
        self.status.tip = header;
        (!follows).then_some(RefusalCode::Finality)
    }

    fn justification(&mut self, bytes: &[u8]) -> Option<RefusalCode> {
        let (_, hash, number) = <(u64, BlockHash, u32)>::decode(&mut &bytes[..]).unwrap();
        if number > self.status.tip.number {
            return Some(RefusalCode::Finality);
        }
        if self.refuses.iter().any(|refused| refused == bytes) {
            return Some(RefusalCode::Justification);
        }
        self.status.finalized = BlockReference { number, hash };
        None
    }

    fn block(&mut self, header: &[u8]) -> Option<RefusalCode> {
        let block = read_header(header);
        let is_next = block.number == self.status.position.number + 1;
        if !is_next || block.number > self.status.finalized.number {
            return Some(RefusalCode::Block);
        }
        self.status.position = block;
        self.taken.push(block.number);
        None
    }

    fn key(&mut self, url: String) -> Option<RefusalCode> {
        self.asked.push(url.clone());
        let Some((_, back)) = self.key.take_if(|(giver, _)| *giver == url) else {
            return Some(RefusalCode::Provisioning);
        };
        self.status.position = back;
        self.status.phase = Phase::Serving;
        None
    }
}

fn read_header(bytes: &[u8]) -> BlockReference {
    reference(&SubstrateHeader::<H256>::decode(&mut &bytes[..]).unwrap()).unwrap()
}

const PATIENCE: Duration = Duration::from_secs(60);
