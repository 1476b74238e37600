// SPDX-License-Identifier: Apache-2.0
//! A parentchain in memory, and honest hosts that bring it to enclaves.
//!
//! The chain is the light client's testing kit: headers, votes, tries and proofs are real. What an enclave submits is put into a
//! block with the events that the pallets would deposit.

use aws_lc_rs::rsa::{
    OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey, PublicKeyComponents,
};
use codec::{Decode, Encode};
use offstage_balances::Balances;
use offstage_enclave::{enclave::Enclave, platform::SoftwarePlatform, view::View};
use offstage_light_client::{
    storage_keys,
    testing::{BlockContent, TestChain},
};
use offstage_primitives::{
    AccountId32, H256, ShardIdentifier,
    attestation::{DEVELOPMENT_ROOT, TcbPolicy},
    balances::{Getter, TrustedCall, TrustedGetter, TrustedGetterSigned},
    receipt::Receipt,
    shielding::{CHUNK_LEN, RSA_LEN, ShieldingPublicKey},
    teerex::SgxAttestationMethod,
    trusted::TrustedOperation,
};
use offstage_protocol::{
    BlockBundle, EnclaveResponse, HostRequest, MAX_HEADERS, OutboxExtrinsic, OutboxKind, Phase, Refusal,
    Start, Started, Status, Untrusted,
};
use offstage_sdk::testing::TestAccount;
use std::{collections::BTreeMap, path::Path, sync::Arc};
use tempfile::TempDir;

pub(crate) const MRENCLAVE: [u8; 32] = [0x4d; 32];

/// The parentchain.
#[derive(Clone)]
pub(crate) struct World {
    pub chain: TestChain,
    pub shard: ShardIdentifier,
    nonces: BTreeMap<AccountId32, u32>,
    /// Payments that the chain honoured, by call hash.
    pub paid: BTreeMap<H256, (AccountId32, u128)>,
    /// Confirmations: block number and root by signer.
    pub confirmed: Vec<(AccountId32, u32, H256)>,
}

impl World {
    pub(crate) fn new() -> Self {
        let storage = [
            (storage_keys::value("Teerex", "RootCertificate"), DEVELOPMENT_ROOT.encode()),
            (storage_keys::value("Teerex", "TcbPolicy"), TcbPolicy::default().encode()),
        ];
        let code = offstage_light_client::testing::test_code(offstage_light_client::testing::METADATA, &[]);
        let validators = offstage_light_client::testing::validators(1, 3);
        let chain = TestChain::with(validators, &code, &storage);
        Self {
            chain,
            shard: MRENCLAVE.into(),
            nonces: BTreeMap::new(),
            paid: BTreeMap::new(),
            confirmed: Vec::new(),
        }
    }

    pub(crate) fn block(&self) -> BlockContent {
        self.chain.block()
    }

    pub(crate) fn add(&mut self, content: BlockContent) -> u32 {
        self.chain.add(content)
    }

    pub(crate) fn add_empty(&mut self) -> u32 {
        let content = self.block();
        self.add(content)
    }

    pub(crate) fn hash(&self, number: u32) -> H256 {
        self.chain.header(number).hash()
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
            let event = match extrinsic.kind {
                OutboxKind::Registration => {
                    let method = SgxAttestationMethod::Dcap { proxied: false };
                    let key = storage_keys::blake2_128_concat("Teerex", "SovereignEnclaves", signer.as_ref());
                    content = content.storage(key, Some(vec![1]));
                    content.event("Teerex", "AddedSgxEnclave", (signer, None::<Vec<u8>>, None::<u8>, method))
                }
                OutboxKind::Confirmation => {
                    let mut arguments = arguments_after_shard(&bytes, &self.shard);
                    let hash = H256::decode(&mut arguments).unwrap();
                    let number = u32::decode(&mut arguments).unwrap();
                    let root = H256::decode(&mut arguments).unwrap();
                    assert!(arguments.is_empty());
                    self.confirmed.push((signer.clone(), number, root));
                    content.event(
                        "EnclaveBridge",
                        "ProcessedParentchainBlock",
                        (self.shard, hash, root, number),
                    )
                }
                OutboxKind::Unshield => {
                    let mut arguments = arguments_after_shard(&bytes, &self.shard);
                    let (beneficiary, amount, call_hash) =
                        <(AccountId32, u128, H256)>::decode(&mut arguments).unwrap();
                    assert!(arguments.is_empty());
                    if self.paid.insert(call_hash, (beneficiary.clone(), amount)).is_some() {
                        content = content.failed_extrinsic(bytes, &[]);
                        *self.nonces.entry(signer.clone()).or_default() += 1;
                        continue;
                    }
                    content.event("EnclaveBridge", "UnshieldedFunds", (self.shard, beneficiary, amount))
                }
            };
            content = content.extrinsic(bytes, &[event]);
            *self.nonces.entry(signer.clone()).or_default() += 1;
        }
        self.account(content, signer)
    }

    /// Sets the account that pays the fees.
    pub(crate) fn account(&self, content: BlockContent, signer: &AccountId32) -> BlockContent {
        let nonce = self.nonces.get(signer).copied().unwrap_or_default();
        let info = (nonce, 0u32, 1u32, 0u32, (1_000_000_000_000u128, 0u128, 0u128, 0u128));
        content.storage(storage_keys::account(signer), Some(info.encode()))
    }
}

fn arguments_after_shard<'a>(extrinsic: &'a [u8], shard: &ShardIdentifier) -> &'a [u8] {
    let place = extrinsic.windows(32).position(|window| window == shard.as_bytes()).unwrap();
    &extrinsic[place + 32..]
}

/// An honest host with its enclave.
pub(crate) struct Host {
    pub enclave: Enclave<Balances>,
    pub started: Started,
    pub dir: Arc<TempDir>,
}

impl Host {
    /// A new worker.
    pub(crate) fn new(world: &World) -> Self {
        Self::on(world, Arc::new(tempfile::tempdir().unwrap())).unwrap()
    }

    /// A worker on what is in this folder.
    pub(crate) fn on(world: &World, dir: Arc<TempDir>) -> Result<Self, String> {
        let mut enclave = open(dir.path())?;
        match enclave.handle(HostRequest::Start(Box::new(start(world)))) {
            EnclaveResponse::Started(started) => Ok(Self { enclave, started: *started, dir }),
            EnclaveResponse::Refused(refusal) => Err(refusal.message),
            other => panic!("{other:?}"),
        }
    }

    /// As after kill -9 and a new start.
    pub(crate) fn restart(self, world: &World) -> Self {
        let dir = self.dir.clone();
        drop(self);
        Self::on(world, dir).unwrap()
    }

    pub(crate) fn signer(&self) -> AccountId32 {
        self.started.signer.clone()
    }

    pub(crate) fn ask(&mut self, request: HostRequest) -> EnclaveResponse {
        self.enclave.handle(request)
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
        let (status, to) = (self.status(), world.chain.number());
        for from in (status.tip.number + 1..=to).step_by(MAX_HEADERS) {
            self.done(headers(world, from..=to.min(from + MAX_HEADERS as u32 - 1)));
        }
        if status.finalized.number < to {
            self.done(HostRequest::ImportJustification(Untrusted::new(world.chain.justify(to))));
        }
    }

    /// The next block.
    pub(crate) fn next_bundle(&mut self, world: &World) -> BlockBundle {
        let status = self.status();
        bundle(world, status.position.number + 1, &status.watched_keys)
    }

    /// Imports the next block, which must be final.
    pub(crate) fn import_next(&mut self, world: &World) -> Status {
        let bundle = self.next_bundle(world);
        self.done(HostRequest::ImportBlock(Box::new(bundle)))
    }

    /// Brings the enclave to the head of the chain, or to where it needs a key.
    pub(crate) fn follow(&mut self, world: &World) -> Status {
        self.finalize(world);
        let head = world.chain.number();
        while self.status().position.number < head && self.status().phase != Phase::NeedsShieldingKey {
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

    /// Adds a block and follows; then submits until nothing waits.
    pub(crate) fn settle(&mut self, world: &mut World) -> Status {
        for _ in 0..10 {
            if self.submit(world).outbox_len == 0 {
                return self.status();
            }
        }
        panic!("{:?}", self.status());
    }

    /// A worker whose registration is final.
    pub(crate) fn serving(world: &mut World) -> Self {
        let mut host = Self::new(world);
        host.serve(world);
        host
    }

    /// Registers.
    pub(crate) fn serve(&mut self, world: &mut World) {
        if world.chain.number() == 0 {
            world.add_empty();
        }
        assert_eq!(self.follow(world).phase, Phase::AwaitingRegistration);
        assert_eq!(self.submit(world).phase, Phase::Serving);
    }

    /// A worker that gets the key from another.
    pub(crate) fn joining(world: &mut World, provider: &Host) -> Self {
        let mut host = Self::new(world);
        assert_eq!(host.follow(world).phase, Phase::NeedsShieldingKey);
        host.request_key(provider);
        host.follow(world);
        host
    }

    pub(crate) fn request_key(&mut self, provider: &Host) -> Status {
        let url = format!("wss://{}", provider.started.mutual_attestation_address);
        self.done(HostRequest::RequestShieldingKey(Untrusted::new(url)))
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

    pub(crate) fn state_root(&self) -> H256 {
        self.view().picture().state_root
    }
}

pub(crate) fn open(dir: &Path) -> Result<Enclave<Balances>, String> {
    let platform = SoftwarePlatform::open(dir, MRENCLAVE).map_err(|error| error.to_string())?;
    Enclave::open(Box::new(platform), dir).map_err(|error| error.to_string())
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

/// Encrypts to a shard as a client does.
pub(crate) struct Encryptor(OaepPublicEncryptingKey);

impl Encryptor {
    pub(crate) fn new(key: &ShieldingPublicKey) -> Self {
        let exponent = key.exponent.to_be_bytes();
        let exponent = exponent.iter().copied().skip_while(|byte| *byte == 0).collect::<Vec<_>>();
        let components = PublicKeyComponents { n: key.modulus.to_vec(), e: exponent };
        let key: PublicEncryptingKey = components.try_into().unwrap();
        Self(OaepPublicEncryptingKey::new(key).unwrap())
    }

    pub(crate) fn encrypt(&self, plaintext: &[u8]) -> Vec<u8> {
        let mut envelope = Vec::new();
        for chunk in plaintext.chunks(CHUNK_LEN) {
            let mut buffer = [0; RSA_LEN];
            envelope.extend_from_slice(
                self.0.encrypt(&OAEP_SHA256_MGF1SHA256, chunk, &mut buffer, None).unwrap(),
            );
        }
        envelope
    }

    pub(crate) fn account(&self, account: &TestAccount) -> Vec<u8> {
        self.encrypt(&account.id().encode())
    }

    pub(crate) fn operation(&self, operation: &TrustedOperation<TrustedCall, Getter>) -> Vec<u8> {
        self.encrypt(&operation.encode())
    }
}

/// A signed call as it goes into an envelope.
pub(crate) fn signed(
    account: &TestAccount,
    call: TrustedCall,
    nonce: u32,
) -> TrustedOperation<TrustedCall, Getter> {
    TrustedOperation::IndirectCall(account.sign_call(call, nonce, &MRENCLAVE, &MRENCLAVE.into()))
}

pub(crate) fn transfer(
    from: &TestAccount,
    to: &TestAccount,
    amount: u128,
    nonce: u32,
) -> TrustedOperation<TrustedCall, Getter> {
    signed(from, TrustedCall::BalanceTransfer(from.id(), to.id(), amount), nonce)
}

pub(crate) fn unshield(
    from: &TestAccount,
    to: &AccountId32,
    amount: u128,
    nonce: u32,
) -> TrustedOperation<TrustedCall, Getter> {
    signed(from, TrustedCall::BalanceUnshield(from.id(), to.clone(), amount, MRENCLAVE.into()), nonce)
}
