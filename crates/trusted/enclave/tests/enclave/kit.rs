// SPDX-License-Identifier: Apache-2.0
//! A parentchain in memory, and honest hosts that bring it to enclaves.
//!
//! The chain is the light client's testing kit: headers, votes, tries and proofs are real. What an enclave submits is
//! put into a block with the events that the pallets would deposit.

#[path = "kit/bridge.rs"]
mod bridge;
#[path = "kit/clients.rs"]
mod clients;

pub(crate) use bridge::*;
pub(crate) use clients::*;

use codec::{Decode, Encode};
use offstage_balances::Balances;
use offstage_balances_interface::{Getter, TrustedGetter, TrustedGetterSigned};
use offstage_enclave::{
    enclave::{Enclave, verify_store},
    host::converse,
    methods::OwnMethods,
    platform::SoftwarePlatform,
    store::StoreReport,
    view::View,
};
use offstage_light_client::{
    storage_keys,
    testing::{BlockContent, METADATA, TestChain, test_code, validators},
};
use offstage_primitives::{
    AccountId32, BlockHash, H256, Measurement, ShardIdentifier,
    attestation::{DEVELOPMENT_ROOT, TcbPolicy},
    enclave_bridge::ShardSignerStatus,
    receipt::{Outcome, Receipt},
    teerex::SgxAttestationMethod,
    trusted::Domain,
};
use offstage_protocol::{
    BlockBundle, EnclaveResponse, HostRequest, MAX_HEADERS, OutboxExtrinsic, OutboxKind, Phase, Refusal,
    RefusalCode, Start, Started, Status, Untrusted,
    framing::{read_frame, write_frame},
};
use offstage_sdk::{StateTransition, testing::TestAccount};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{Arc, Mutex},
};
use tempfile::TempDir;

pub(crate) const MEASUREMENT: Measurement = Measurement([0x4d; 32]);

/// Accounts of all enclaves that started. The next block of a chain funds them.
static STARTED: Mutex<BTreeSet<AccountId32>> = Mutex::new(BTreeSet::new());

/// The parentchain.
#[derive(Clone)]
pub(crate) struct World {
    pub chain: TestChain,
    pub shard: ShardIdentifier,
    nonces: BTreeMap<AccountId32, u32>,
    /// Enclaves whose accounts somebody has funded.
    funded: BTreeSet<AccountId32>,
    /// Payments that the chain honoured, by call hash.
    pub paid: BTreeMap<H256, (AccountId32, u128)>,
    /// Confirmations: block number and root by signer.
    pub confirmed: Vec<(AccountId32, u32, H256)>,
    /// The shard's slots, as the chain's `ShardStatus` has them.
    pub slots: Vec<ShardSignerStatus>,
    /// What the chain takes for an extrinsic of an enclave; without it, it tells of none.
    pub fee: Option<u128>,
    /// Calls that the chain executed in the shard's name, by call hash.
    pub executed: BTreeMap<H256, Vec<u8>>,
    /// Whether such calls fail.
    pub calls_fail: bool,
    /// Whether the chain includes payments without honouring them.
    pub refuses_payments: bool,
    /// Another time than the chain's own.
    pub clock: Option<Clock>,
}

/// A time that tests set.
#[derive(Clone, Copy)]
pub(crate) struct Clock {
    /// Of the next block, in milliseconds since the Unix epoch. Each block takes six seconds.
    pub next_ms: u64,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(&test_code(METADATA, &[]), &[development_root()])
    }

    /// A chain with this runtime and these entries in its genesis.
    pub(crate) fn with(code: &[u8], storage: &[(Vec<u8>, Vec<u8>)]) -> Self {
        let policy = (storage_keys::value("Teerex", "TcbPolicy"), TcbPolicy::default().encode());
        let funds = (storage_keys::account(&(*MEASUREMENT.as_bytes()).into()), account_info(0, SHARD_FUNDS));
        let storage = [storage, &[policy, funds]].concat();
        Self {
            chain: TestChain::with(validators(1, 3), code, &storage),
            shard: MEASUREMENT.into(),
            nonces: BTreeMap::new(),
            funded: BTreeSet::new(),
            paid: BTreeMap::new(),
            executed: BTreeMap::new(),
            calls_fail: false,
            confirmed: Vec::new(),
            slots: Vec::new(),
            fee: None,
            refuses_payments: false,
            clock: None,
        }
    }

    pub(crate) fn block(&self) -> BlockContent {
        self.chain.block()
    }

    pub(crate) fn add(&mut self, mut content: BlockContent) -> u32 {
        if let Some(clock) = &mut self.clock {
            content = content.storage(storage_keys::timestamp(), Some(clock.next_ms.encode()));
            clock.next_ms += 6_000;
        }
        for signer in STARTED.lock().unwrap().iter() {
            if self.funded.insert(signer.clone()) && !self.nonces.contains_key(signer) {
                content = self.account(content, signer);
            }
        }
        self.chain.add(content)
    }

    /// Whether the enclave's account is funded; if it is not, the next block does it.
    pub(crate) fn has_funded(&self, signer: &AccountId32) -> bool {
        self.funded.contains(signer)
    }

    /// From now on nobody funds this account.
    pub(crate) fn leave_unfunded(&mut self, signer: &AccountId32) {
        self.funded.insert(signer.clone());
    }

    pub(crate) fn add_empty(&mut self) -> u32 {
        let content = self.block();
        self.add(content)
    }

    /// Where signatures of the bound forms are good.
    pub(crate) fn domain(&self) -> Domain {
        Domain { genesis_hash: self.hash(0), measurement: MEASUREMENT, shard: self.shard }
    }

    pub(crate) fn hash(&self, number: u32) -> BlockHash {
        self.chain.hash(number)
    }

    /// Puts extrinsics of an enclave into `content`, with what they do.
    pub(crate) fn include(
        &mut self,
        mut content: BlockContent,
        signer: &AccountId32,
        extrinsics: &[OutboxExtrinsic],
    ) -> BlockContent {
        for extrinsic in extrinsics {
            let bytes = extrinsic.extrinsic.clone();
            *self.nonces.entry(signer.clone()).or_default() += 1;
            let fee = self
                .fee
                .map(|fee| content.event("TransactionPayment", "TransactionFeePaid", (signer, fee, 0u128)));
            let done = match extrinsic.kind {
                OutboxKind::Registration => {
                    let method = SgxAttestationMethod::Dcap { proxied: false };
                    content = content.storage(registration_key(signer), Some(vec![1]));
                    let fields = (signer, None::<Vec<u8>>, None::<u8>, method);
                    Some(vec![content.event("Teerex", "AddedSgxEnclave", fields)])
                }
                OutboxKind::Removal => {
                    content = content.storage(registration_key(signer), None);
                    Some(vec![content.event("Teerex", "RemovedSovereignEnclave", signer)])
                }
                kind => match &self.bridge_calls(&bytes)[..] {
                    [call] if kind != OutboxKind::Batch => {
                        self.honour(&content, signer, call).map(|event| vec![event])
                    }
                    _ => Some(self.honour_batch(&content, signer, &bytes)),
                },
            };
            content = match done {
                Some(events) => content.extrinsic(bytes, &fee.into_iter().chain(events).collect::<Vec<_>>()),
                None => content.failed_extrinsic(bytes, &fee.into_iter().collect::<Vec<_>>()),
            };
        }
        content = content.storage(self.slots_key(), (!self.slots.is_empty()).then(|| self.slots.encode()));
        self.account(content, signer)
    }

    /// Like [`include`](Self::include), but as a node does it: only extrinsics with the account's next nonce, one after
    /// the other.
    pub(crate) fn deliver(
        &mut self,
        mut content: BlockContent,
        signer: &AccountId32,
        extrinsics: &[OutboxExtrinsic],
    ) -> BlockContent {
        let mut sorted: Vec<_> = extrinsics.iter().collect();
        sorted.sort_by_key(|extrinsic| nonce_of(&extrinsic.extrinsic));
        for extrinsic in sorted {
            if nonce_of(&extrinsic.extrinsic) == self.nonces.get(signer).copied().unwrap_or_default() {
                content = self.include(content, signer, std::slice::from_ref(extrinsic));
            }
        }
        content
    }

    /// An extrinsic of an enclave that the chain includes without honouring it: it costs the fee and the nonce.
    pub(crate) fn fail(
        &mut self,
        content: BlockContent,
        signer: &AccountId32,
        extrinsic: &OutboxExtrinsic,
    ) -> BlockContent {
        *self.nonces.entry(signer.clone()).or_default() += 1;
        self.account(content.failed_extrinsic(extrinsic.extrinsic.clone(), &[]), signer)
    }

    /// Sets the account that pays the fees.
    pub(crate) fn account(&self, content: BlockContent, signer: &AccountId32) -> BlockContent {
        self.account_with(content, signer, ENCLAVE_FUNDS)
    }

    /// Sets the account that pays the fees, with this balance.
    pub(crate) fn account_with(
        &self,
        content: BlockContent,
        signer: &AccountId32,
        balance: u128,
    ) -> BlockContent {
        let nonce = self.nonces.get(signer).copied().unwrap_or_default();
        content.storage(storage_keys::account(signer), Some(account_info(nonce, balance)))
    }
}

/// Where the registry has the entry of an enclave.
fn registration_key(signer: &AccountId32) -> Vec<u8> {
    storage_keys::blake2_128_concat("Teerex", "SovereignEnclaves", signer.as_ref())
}

/// The storage entry by which a chain trusts the development root of attestation.
pub(crate) fn development_root() -> (Vec<u8>, Vec<u8>) {
    (storage_keys::value("Teerex", "RootCertificate"), DEVELOPMENT_ROOT.encode())
}

/// The nonce that a signed extrinsic of an enclave carries: behind version, address, signature and era.
pub(crate) fn nonce_of(extrinsic: &[u8]) -> u32 {
    let body = Vec::<u8>::decode(&mut &extrinsic[..]).unwrap();
    codec::Compact::<u32>::decode(&mut &body[SIGNED_HEAD + 2..]).unwrap().0
}

/// Version, `MultiAddress::Id`, account, kind of signature, signature.
pub(crate) const SIGNED_HEAD: usize = 1 + 1 + 32 + 1 + 64;

/// Blocks in which a worker's outbox must get empty.
const SETTLING: u32 = 40;

/// What one unit of the chain's token is.
pub(crate) const UNIT: u128 = 1_000_000_000_000;

/// What an enclave's account holds.
const ENCLAVE_FUNDS: u128 = 1_000 * UNIT;

/// An honest host with its enclave, which runs the business logic `S`.
pub(crate) struct Host<S: StateTransition = Balances> {
    pub enclave: Enclave<S>,
    pub started: Started,
    pub dir: Arc<TempDir>,
    /// Every byte that the enclave sent.
    pub sent: Vec<u8>,
}

impl Host {
    /// A new worker.
    pub(crate) fn new(world: &World) -> Self {
        Self::on(world, Arc::new(tempfile::tempdir().unwrap())).unwrap()
    }

    /// A worker on what is in this folder.
    pub(crate) fn on(world: &World, dir: Arc<TempDir>) -> Result<Self, String> {
        Self::start(dir, start(world))
    }

    /// A worker whose registration is final.
    pub(crate) fn serving(world: &mut World) -> Self {
        let mut host = Self::new(world);
        host.serve(world);
        host
    }

    /// A worker that registers, gets the key from another, and has executed everything.
    pub(crate) fn joining(world: &mut World, provider: &mut Host) -> Self {
        let mut host = Self::new(world);
        host.join(world, provider);
        host
    }
}

impl<S: StateTransition> Host<S> {
    /// A worker of any business logic on what is in this folder, started so.
    pub(crate) fn start(dir: Arc<TempDir>, start: Start) -> Result<Self, String> {
        Self::start_with(dir, start, OwnMethods::none())
    }

    /// The same, with RPC methods of the author's own.
    pub(crate) fn start_with(dir: Arc<TempDir>, start: Start, methods: OwnMethods) -> Result<Self, String> {
        let platform = SoftwarePlatform::open(dir.path(), MEASUREMENT).map_err(|error| error.to_string())?;
        let enclave = Enclave::open(Box::new(platform), dir.path()).map_err(|error| error.to_string())?;
        let mut enclave = enclave.with_methods(Arc::new(methods));
        let mut sent = Vec::new();
        match converse_once(&mut enclave, &HostRequest::Start(Box::new(start)), &mut sent) {
            EnclaveResponse::Started(started) => {
                STARTED.lock().unwrap().insert(started.signer.clone());
                Ok(Self { enclave, started: *started, dir, sent })
            }
            EnclaveResponse::Refused(refusal) => Err(refusal.message),
            other => panic!("{other:?}"),
        }
    }

    /// As after kill -9 and a new start.
    pub(crate) fn restart(self, world: &World) -> Self {
        self.restart_with(start(world))
    }

    /// As after kill -9 and a start of another kind.
    pub(crate) fn restart_with(self, start: Start) -> Self {
        let Self { enclave, dir, sent, .. } = self;
        drop(enclave);
        let mut started = Self::start(dir, start).unwrap();
        started.sent.splice(..0, sent);
        started
    }

    pub(crate) fn signer(&self) -> AccountId32 {
        self.started.signer.clone()
    }

    /// A request through the real conversation: one frame there, one back.
    pub(crate) fn ask(&mut self, request: HostRequest) -> EnclaveResponse {
        converse_once(&mut self.enclave, &request, &mut self.sent)
    }

    /// A request that must be granted.
    pub(crate) fn done(&mut self, request: HostRequest) -> Status {
        match self.ask(request) {
            EnclaveResponse::Done(status) => *status,
            other => panic!("{other:?}"),
        }
    }

    /// A request that must be refused.
    pub(crate) fn refused(&mut self, request: HostRequest) -> Refusal {
        match self.ask(request) {
            EnclaveResponse::Refused(refusal) => refusal,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn status(&mut self) -> Status {
        self.done(HostRequest::Status)
    }

    pub(crate) fn view(&self) -> Arc<View> {
        self.enclave.view().unwrap()
    }

    /// Makes the whole chain final for the enclave.
    pub(crate) fn finalize(&mut self, world: &World) {
        self.provide_code(world);
        self.provide_headers(world);
        let to = world.chain.number();
        loop {
            let status = self.status();
            // After a restart the newest final block is known before its headers are.
            if status.finalized.number >= to && status.tip.number >= to {
                return;
            }
            let from = status.tip.number + 1;
            if from <= to {
                let last = to.min(from + MAX_HEADERS as u32 - 1);
                match self.ask(headers(world, from..=last)) {
                    EnclaveResponse::Done(_) if last < to => continue,
                    EnclaveResponse::Done(_) => {}
                    // The old set must finalize its last block first.
                    EnclaveResponse::Refused(refusal) => {
                        assert!(refusal.message.contains("authority set changes"), "{refusal:?}");
                    }
                    other => panic!("{other:?}"),
                }
            }
            let Status { tip, finalized, .. } = self.status();
            if tip == finalized {
                continue;
            }
            let tip = tip.number;
            self.done(HostRequest::ImportJustification(Untrusted::new(world.chain.justify(tip))));
        }
    }

    /// Hands in the runtime's code, if it is wanted.
    pub(crate) fn provide_code(&mut self, world: &World) {
        let status = self.status();
        if status.wanted_code.is_some() {
            let code = world.chain.code(status.position.number);
            self.done(HostRequest::ImportRuntimeCode(Untrusted::new(code)));
        }
    }

    /// Hands in the headers that are wanted again, after a restart for example.
    pub(crate) fn provide_headers(&mut self, world: &World) {
        for _ in 0..1_000 {
            let status = self.status();
            if let Some((first, last)) = status.wanted_headers {
                let last = last.min(first + MAX_HEADERS as u32 - 1);
                // Stops at the border of an authority set by itself.
                self.ask(headers(world, first..=last));
            }
            let tip = self.status().tip.number;
            if tip >= status.finalized.number {
                return;
            }
            // The old set must finalize its last block before there are headers beyond it.
            if tip > status.position.number && self.status().wanted_headers.is_none() {
                self.done(HostRequest::ImportJustification(Untrusted::new(world.chain.justify(tip))));
            }
        }
    }

    /// The next block.
    pub(crate) fn next_bundle(&mut self, world: &World) -> BlockBundle {
        let status = self.status();
        bundle(world, status.position.number + 1, &status.watched_keys)
    }

    /// Imports the next block, which must be final.
    pub(crate) fn import_next(&mut self, world: &World) -> Status {
        self.provide_code(world);
        self.provide_headers(world);
        let bundle = self.next_bundle(world);
        self.done(import(bundle))
    }

    /// Imports a block that must be refused with this code. Nothing has changed then.
    pub(crate) fn refuses_block(&mut self, bundle: BlockBundle, code: RefusalCode) -> String {
        let before = (self.status(), self.state_root());
        let refusal = self.refused(import(bundle));
        assert_eq!(refusal.code, code, "{}", refusal.message);
        assert_eq!((self.status(), self.state_root()), before);
        refusal.message
    }

    /// Imports a justification that must be refused. Nothing has become final then.
    pub(crate) fn refuses_justification(&mut self, justification: Vec<u8>) -> String {
        let before = self.status();
        let refusal = self.refused(HostRequest::ImportJustification(Untrusted::new(justification)));
        let codes = [RefusalCode::Finality, RefusalCode::Justification];
        assert!(codes.contains(&refusal.code), "{:?}: {}", refusal.code, refusal.message);
        assert_eq!(self.status(), before);
        refusal.message
    }

    /// Brings the enclave to the head of the chain.
    pub(crate) fn follow(&mut self, world: &World) -> Status {
        self.finalize(world);
        let head = world.chain.number();
        while self.status().position.number < head {
            self.import_next(world);
        }
        self.done(HostRequest::AtFinalizedHead(Untrusted::new(world.hash(head))))
    }

    pub(crate) fn collect(&mut self) -> Vec<OutboxExtrinsic> {
        match self.ask(HostRequest::Collect) {
            EnclaveResponse::Collected { extrinsics, .. } => extrinsics,
            other => panic!("{other:?}"),
        }
    }

    /// Submits what there is, in a new block, and follows.
    pub(crate) fn submit(&mut self, world: &mut World) -> Status {
        let extrinsics = self.collect();
        let signer = self.signer();
        let content = world.block();
        let content = world.include(content, &signer, &extrinsics);
        world.add(content);
        self.follow(world)
    }

    /// Adds a block with what `fill` puts in, follows, and answers the block's number.
    pub(crate) fn run(&mut self, world: &mut World, fill: impl FnOnce(BlockContent) -> BlockContent) -> u32 {
        let content = fill(world.block());
        let number = world.add(content);
        self.follow(world);
        number
    }

    /// Adds a block and follows; then submits until nothing waits.
    pub(crate) fn settle(&mut self, world: &mut World) -> Status {
        // Until each enclave of the shard has had its turn to pay.
        for _ in 0..SETTLING {
            if self.submit(world).outbox_len == 0 {
                return self.status();
            }
        }
        panic!("{:?}", self.status());
    }

    /// Registers, and, if the shard is not born yet, sends the first confirmation.
    pub(crate) fn serve(&mut self, world: &mut World) {
        if !world.has_funded(&self.signer()) {
            world.add_empty();
        }
        if self.follow(world).phase != Phase::Serving && self.register(world).phase != Phase::Serving {
            assert_eq!(self.submit(world).phase, Phase::Serving);
        }
    }

    /// Follows and registers.
    pub(crate) fn register(&mut self, world: &mut World) -> Status {
        if !world.has_funded(&self.signer()) {
            world.add_empty();
        }
        assert_eq!(self.follow(world).phase, Phase::AwaitingRegistration);
        self.submit(world)
    }

    /// Registers with the key that the shard was born with, gets it, and executes everything.
    pub(crate) fn join(&mut self, world: &mut World, provider: &mut Self) {
        assert_eq!(self.register(world).phase, Phase::NeedsShieldingKey);
        provider.follow(world);
        self.request_key(provider);
        assert_eq!(self.follow(world).phase, Phase::Serving);
    }

    pub(crate) fn request_key(&mut self, provider: &Self) -> Status {
        self.done(HostRequest::RequestShieldingKey(Untrusted::new(provider.peer_url())))
    }

    /// Where peers reach it.
    pub(crate) fn peer_url(&self) -> String {
        format!("wss://{}", self.started.mutual_attestation_address)
    }

    /// The key that clients encrypt to.
    pub(crate) fn key(&self) -> Encryptor {
        Encryptor::new(&self.view().shielding_public_key().unwrap().value)
    }

    pub(crate) fn balance(&self, account: &TestAccount) -> u128 {
        self.read(account, TrustedGetter::FreeBalance(account.id())).unwrap_or_default()
    }

    pub(crate) fn nonce(&self, account: &TestAccount) -> u32 {
        self.read(account, TrustedGetter::Nonce(account.id())).unwrap()
    }

    fn read<T: Decode>(&self, account: &TestAccount, getter: TrustedGetter) -> Option<T> {
        let signature = account.sign(&getter.encode());
        let getter = Getter::Trusted(TrustedGetterSigned { getter, signature });
        let answer = self.view().execute_getter(&getter.encode()).unwrap();
        answer.value.map(|bytes| T::decode(&mut &bytes[..]).unwrap())
    }

    pub(crate) fn receipt(&self, operation: &H256) -> Option<Receipt> {
        self.view().receipt(operation).unwrap().value
    }

    pub(crate) fn outcome(&self, operation: H256) -> Outcome {
        self.receipt(&operation).unwrap().leaf.outcome
    }

    pub(crate) fn state_root(&self) -> H256 {
        self.view().picture().state_root
    }
}

fn converse_once<S: StateTransition>(
    enclave: &mut Enclave<S>,
    request: &HostRequest,
    sent: &mut Vec<u8>,
) -> EnclaveResponse {
    let (mut input, mut output) = (Vec::new(), Vec::new());
    write_frame(&mut input, request).unwrap();
    // An error ends the process after its answer; the answer is what the host sees.
    let _ = converse(enclave, &input[..], &mut output);
    sent.extend_from_slice(&output);
    read_frame(&mut &output[..]).unwrap().unwrap()
}

pub(crate) fn import(bundle: BlockBundle) -> HostRequest {
    HostRequest::ImportBlock(Box::new(bundle))
}

/// A serving worker, and Alice with 100 units.
pub(crate) fn funded() -> (World, Host, TestAccount) {
    funded_on(World::new())
}

/// Like [`funded`], on this chain.
pub(crate) fn funded_on(mut world: World) -> (World, Host, TestAccount) {
    let mut host = Host::serving(&mut world);
    let alice = TestAccount::alice();
    let content = world.block().shield(world.shard, host.key().account(&alice), 100 * UNIT);
    world.add(content);
    host.settle(&mut world);
    assert_eq!(host.balance(&alice), 100 * UNIT);
    (world, host, alice)
}

/// A copy of a folder, as a snapshot of the disk.
pub(crate) fn copy_of(dir: &Path) -> Arc<TempDir> {
    let copy = Arc::new(tempfile::tempdir().unwrap());
    copy_into(dir, copy.path());
    copy
}

pub(crate) fn copy_into(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

pub(crate) fn open(dir: &Path) -> Result<Enclave<Balances>, String> {
    let platform = SoftwarePlatform::open(dir, MEASUREMENT).map_err(|error| error.to_string())?;
    Enclave::open(Box::new(platform), dir).map_err(|error| error.to_string())
}

/// What a look at every record of the folder's store finds.
pub(crate) fn look(dir: &Path) -> Result<StoreReport, String> {
    let platform = SoftwarePlatform::open(dir, MEASUREMENT).map_err(|error| error.to_string())?;
    verify_store(&platform, dir).map_err(|error| error.to_string())
}

pub(crate) fn start(world: &World) -> Start {
    let genesis = world.chain.genesis_material();
    Start {
        genesis_header: Untrusted::new(genesis.header),
        genesis_proof: Untrusted::new(genesis.state_proof),
        runtime_code: Untrusted::new(genesis.code),
        token_decimals: genesis.properties.token_decimals,
        token_symbol: Untrusted::new(genesis.properties.token_symbol),
        shard: None,
        trusted_listen: "127.0.0.1:0".into(),
        mutual_attestation_listen: "127.0.0.1:0".into(),
        trusted_external: "wss://127.0.0.1:2000".into(),
        mutual_attestation_external: "127.0.0.1:3443".into(),
        untrusted_external: "ws://127.0.0.1:2001".into(),
        heartbeat: 10,
        leave: None,
    }
}

pub(crate) fn headers(world: &World, numbers: impl IntoIterator<Item = u32>) -> HostRequest {
    HostRequest::ImportHeaders(world.chain.headers(numbers).into_iter().map(Untrusted::new).collect())
}

pub(crate) fn bundle(world: &World, number: u32, keys: &[Vec<u8>]) -> BlockBundle {
    let material = world.chain.material(number, &[]);
    BlockBundle {
        header: Untrusted::new(material.header),
        body: Untrusted::new(material.body),
        state_proof: Untrusted::new(world.chain.proof(number, keys)),
    }
}
