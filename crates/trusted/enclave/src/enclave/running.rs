// SPDX-License-Identifier: Apache-2.0
//! A started enclave: who it is, what it follows, and what it says of itself.
//!
//! Blocks are in [`blocks`](super::blocks), keys, registration and submission in [`duties`](super::duties).

use super::{
    Refused,
    phase::{Concerns, Shortage, Situation},
    registration::Registration,
    services::{self, ServiceLimits, Services},
};
use crate::{
    answers::Logic,
    ingest::{ChainFacts, proof_keys},
    keys::BootIdentity,
    methods::OwnMethods,
    named::NamedItems,
    outbox::{KnownFees, Submissions, rota::Slots},
    platform::Platform,
    provision::rule::{ProvenChain, RecentBlocks},
    registry::Followed,
    store::{Change, Head, Keys, Opinion, Store},
    view::{AttestationPolicy, Identity, Picture, View},
};
use offstage_light_client::{
    ChainProperties, GenesisMaterial, LightClient, RestoreError, RuntimeError, header::decode_header,
};
use offstage_primitives::{
    BlockHash, H256, KeyDigest, ShardIdentifier,
    enclave_bridge::SLOT_SILENCE_BLOCKS,
    ss58::{GENERIC_PREFIX, ss58},
};
use offstage_protocol::{BlockReference, Funds, Leave, Phase, RefusalCode, Start, Started, Status};
use offstage_sdk::{Ancestors, BlockContext, Executor, StateTransition, empty_root};
use rustls::sign::CertifiedKey;
use std::{net::SocketAddr, sync::Arc};

/// A started enclave.
pub(super) struct Running<S: StateTransition> {
    pub(super) own: Own,
    pub(super) store: Box<Store>,
    /// What the store's head says. The store is the truth; this is its copy.
    pub(super) head: Head,
    pub(super) progress: Progress,
    pub(super) executor: Executor<S>,
    /// What the logic reads of the chain's state.
    pub(super) named: NamedItems,
    pub(super) heartbeat: u32,
    /// This start is for leaving, and how. Fixed from its beginning on.
    pub(super) leave: Option<Leave>,
    pub(super) submissions: Submissions,
    pub(super) view: Arc<View>,
    /// None where nobody is served.
    _services: Option<Services>,
}

/// Who it is in this start, and how others learn of it.
pub(super) struct Own {
    pub(super) platform: Arc<dyn Platform>,
    pub(super) identity: Identity,
    pub(super) boot: BootIdentity,
    pub(super) registration: Registration,
    /// With the evidence that it is registered with.
    pub(super) certificate: Option<Arc<CertifiedKey>>,
}

/// How it follows the chain, and what it has to tell of that. Nothing of it outlives the start.
pub(super) struct Progress {
    pub(super) client: Client,
    /// The newest final block that the store knows of (threat model H20).
    pub(super) sealed_final: BlockReference,
    /// The newest blocks that it followed in this start.
    pub(super) recent: RecentBlocks,
    /// It got the key in the middle of the chain, and has not yet come to its head again.
    pub(super) is_replaying: bool,
    /// It was at the head of the chain in this start.
    pub(super) was_at_head: bool,
    /// A store that was put aside takes this one's place at the next start.
    pub(super) former_store_returns: bool,
    /// Operations executed since this start.
    pub(super) operations: u64,
    /// What extrinsics cost.
    pub(super) fees: KnownFees,
    /// The newest block with another enclave's confirmation that this one's heartbeat does not explain.
    pub(super) other_heartbeat_at: Option<u32>,
    /// The last thing that went wrong with signing or with the business logic.
    pub(super) trouble: Option<String>,
}

/// The light client, once the code of its runtime is there.
pub(super) enum Client {
    Ready(Box<LightClient>),
    /// After a restart without the right code: the hash of the one that is needed.
    AwaitingCode(H256),
}

impl Client {
    /// The newest final block, if there is a light client to know it.
    pub(super) fn finalized(&self) -> Option<BlockReference> {
        match self {
            Self::Ready(client) => Some(reference(client.finalized())),
            Self::AwaitingCode(_) => None,
        }
    }
}

impl<S: StateTransition> Running<S> {
    /// Starts on a store. With an error, the store comes back as it was.
    pub(super) fn start(
        platform: Arc<dyn Platform>,
        mut store: Box<Store>,
        start: Start,
        limits: &ServiceLimits,
        methods: &Arc<OwnMethods>,
    ) -> Result<(Box<Self>, Started), (Box<Store>, Refused)> {
        match Prepared::<S>::new(&*platform, &mut store, start, limits, methods) {
            Err(refused) => Err((store, refused)),
            Ok(prepared) => {
                let is_replaying = prepared.head.followed.replay_to.is_some();
                let own = Own {
                    platform,
                    identity: prepared.identity,
                    boot: prepared.boot,
                    registration: Registration::default(),
                    certificate: None,
                };
                let progress = Progress {
                    sealed_final: prepared.client.finalized().unwrap_or(prepared.head.position),
                    client: prepared.client,
                    recent: RecentBlocks::default(),
                    is_replaying,
                    was_at_head: false,
                    former_store_returns: false,
                    operations: 0,
                    fees: KnownFees::default(),
                    other_heartbeat_at: None,
                    trouble: None,
                };
                let worker = Box::new(Self {
                    own,
                    store,
                    head: prepared.head,
                    progress,
                    executor: prepared.executor,
                    named: prepared.named,
                    heartbeat: prepared.heartbeat,
                    leave: prepared.leave,
                    submissions: Submissions::default(),
                    view: prepared.view,
                    _services: prepared.services,
                });
                let started = Started {
                    signer: worker.own.identity.signer.clone(),
                    measurement: worker.own.identity.measurement,
                    shard: worker.own.identity.shard,
                    genesis_hash: worker.own.identity.genesis_hash,
                    trusted_address: prepared.trusted_address,
                    mutual_attestation_address: prepared.mutual_attestation_address,
                    status: worker.status(),
                };
                Ok((worker, started))
            }
        }
    }

    /// The keys.
    pub(super) fn keys(&self) -> &Keys {
        self.store.keys()
    }

    /// What the listeners see.
    pub(super) fn view(&self) -> Arc<View> {
        self.view.clone()
    }

    /// Whether the store failed.
    pub(super) fn is_broken(&self) -> bool {
        self.store.is_broken()
    }

    /// How far it is.
    pub(super) fn status(&self) -> Status {
        let (finalized, tip, wanted_code, wanted_headers) = match &self.progress.client {
            Client::Ready(client) => (
                reference(client.finalized()),
                reference(client.frontier()),
                client.runtime_needed(),
                client.headers_needed(),
            ),
            Client::AwaitingCode(code_hash) => {
                (self.head.position, self.head.position, Some(*code_hash), None)
            }
        };
        let pending = usize::from(self.own.registration.pending.is_some());
        Status {
            phase: self.phase(),
            position: self.head.position,
            finalized,
            tip,
            watched_keys: proof_keys(&self.own.identity.signer, self.own.identity.shard, &self.named),
            wanted_code,
            wanted_headers: wanted_headers.map(|range| (*range.start(), *range.end())),
            outbox_len: u32::try_from(self.store.waiting().len().saturating_add(pending)).unwrap_or(u32::MAX),
            operations: self.progress.operations,
            notice: self.notice(),
            parked: self.submissions.parked().to_vec(),
            funds: self.funds(),
            outbox_since: self.submissions.oldest(),
            registration_left_secs: self.own.registration.left_secs(self.now_ms()),
            peers: self.peers(),
            departure: self.departure(),
        }
    }

    /// What it is doing. Follows from what is known; there is no other switch.
    pub(super) fn phase(&self) -> Phase {
        self.situation().phase()
    }

    /// What the phase follows from.
    pub(super) fn situation(&self) -> Situation {
        self.situation_at(&self.head, &self.own.registration)
    }

    /// The same, with a head and a registration that are about to be true.
    pub(super) fn situation_at(&self, head: &Head, registration: &Registration) -> Situation {
        let own = self.keys().shielding.as_ref().map(|key| key.public().digest());
        let now_ms = head.facts.as_ref().map_or(0, |facts| facts.timestamp_ms);
        Situation {
            is_leaving: self.leave.is_some(),
            is_superseded: registration.superseded,
            is_allowed: self.allows(head),
            is_alone: head.opinions.iter().any(Opinion::is_alone),
            registration: registration.at(now_ms),
            is_born: head.birth.is_some(),
            has_key: own.is_some()
                && head.birth.as_ref().is_none_or(|birth| own == Some(birth.shielding_key)),
            is_replaying: self.progress.is_replaying,
        }
    }

    /// Whether the shard allows this enclave's measurement.
    pub(super) fn is_allowed(&self) -> bool {
        self.allows(&self.head)
    }

    fn allows(&self, head: &Head) -> bool {
        head.facts.as_ref().is_none_or(|facts| {
            facts.allowed_measurement(self.own.identity.shard, head.position.number)
                == self.own.identity.measurement
        })
    }

    /// Digest of the key that its registration binds: the one the shard was born with, or, before, its own.
    pub(super) fn bound_key(&self, head: &Head) -> Option<KeyDigest> {
        match &head.birth {
            Some(birth) => Some(birth.shielding_key),
            None => self.keys().shielding.as_ref().map(|key| key.public().digest()),
        }
    }

    /// Something an operator should know; the most urgent first.
    fn notice(&self) -> Option<String> {
        let opinions = &self.head.opinions;
        let find = |is: fn(&Opinion) -> bool| {
            opinions.iter().find(|opinion| is(opinion)).map(|opinion| opinion.block)
        };
        let since = self.submissions.oldest();
        let funds = self.funds();
        let concerns = Concerns {
            is_broken: self.store.is_broken(),
            alone_at: find(Opinion::is_alone),
            is_registered_otherwise: self.own.registration.otherwise,
            trouble: self.progress.trouble.clone(),
            contradicted_at: find(|opinion| !opinion.against.is_empty()),
            funds: funds.and_then(|funds| Shortage::of(&funds, self.address())),
            heartbeat: self.has_other_heartbeat().then_some(self.heartbeat),
            standby_behind: self.standby_behind(),
            has_failures: self.submissions.has_failures(),
            is_stuck: since
                .is_some_and(|since| self.head.position.number.saturating_sub(since) > STUCK_BLOCKS),
        };
        concerns.notice(self.situation())
    }

    /// Its account as people write it on this chain.
    fn address(&self) -> String {
        let prefix = match &self.progress.client {
            Client::Ready(client) => client.runtime().ss58_prefix(),
            Client::AwaitingCode(_) => None,
        };
        ss58(&self.own.identity.signer, prefix.unwrap_or(GENERIC_PREFIX))
    }

    /// What its account has and pays.
    fn funds(&self) -> Option<Funds> {
        let (Client::Ready(client), Some(facts)) = (&self.progress.client, &self.head.facts) else {
            return None;
        };
        let deposit = facts.payout.existential_deposit;
        let spendable = facts.balance.saturating_sub(deposit);
        let fees_per_day = self.progress.fees.per_day(facts.timestamp_ms);
        let days = fees_per_day.and_then(|per_day| spendable.checked_div(per_day));
        let token = client.properties();
        Some(Funds {
            balance: facts.balance,
            deposit,
            fees_paid: self.progress.fees.paid(),
            fees_per_day,
            days_left: days.map(|days| u32::try_from(days).unwrap_or(u32::MAX)),
            needed: self.submissions.short_of().map(|fee| fee.saturating_add(deposit)),
            token_decimals: token.token_decimals,
            token_symbol: token.token_symbol.clone(),
        })
    }

    /// Other enclaves that hold a slot of the shard.
    fn peers(&self) -> u32 {
        let slots = self.head.facts.iter().flat_map(|facts| facts.shard_status.iter().flatten());
        let others = slots.filter(|slot| slot.signer != self.own.identity.signer).count();
        u32::try_from(others).unwrap_or(u32::MAX)
    }

    /// Whether others lately confirmed empty blocks that this one does not.
    fn has_other_heartbeat(&self) -> bool {
        self.progress
            .other_heartbeat_at
            .is_some_and(|at| self.head.position.number.saturating_sub(at) <= SLOT_SILENCE_BLOCKS)
    }

    /// How many slots the shard has, if enclaves that act hold all of them and this one none (threat model P7).
    fn standby_behind(&self) -> Option<usize> {
        let slots = Slots::of(self.head.facts.as_ref()?, self.own.identity.shard, self.head.position.number);
        slots.is_standby(&self.own.identity.signer).then(|| slots.limit())
    }

    /// Seals how far the chain is final, if the store does not know it yet. Before anything that rests on it leaves the
    /// enclave: what listeners are shown, evidence and its time, a request to a peer. So a restarted enclave never
    /// contradicts what it said (threat model H20). A block's commit seals it along, so catching up writes nothing more
    /// for it.
    pub(super) fn seal_finality(&mut self) -> Result<(), Refused> {
        let Client::Ready(client) = &self.progress.client else { return Ok(()) };
        let finalized = reference(client.finalized());
        if finalized != self.progress.sealed_final {
            let head = Head { light_client: client.snapshot(), ..self.head.clone() };
            self.store.commit(Change { head: Some(head.clone()), ..Change::default() })?;
            self.head = head;
            self.progress.sealed_final = finalized;
        }
        Ok(())
    }

    /// Shows the listeners what is true now.
    pub(super) fn publish(&mut self) -> Result<(), Refused> {
        self.seal_finality()?;
        let finalized = self.progress.client.finalized().unwrap_or(self.head.position);
        self.view.publish(Picture {
            phase: self.phase(),
            position: self.head.position,
            finalized,
            state_root: self.head.state_root,
            shielding_key: self.keys().shielding.clone(),
            certificate: self.own.certificate.clone(),
            policy: self.policy(),
            block: self.block_context(),
            chain: self.proven_chain(),
            snapshot: Some(self.store.snapshot()?),
        });
        Ok(())
    }

    /// Whose evidence counts now.
    pub(super) fn policy(&self) -> Option<AttestationPolicy> {
        let facts = self.head.facts.as_ref()?;
        Some(policy(facts, self.own.identity.shard, self.head.position.number, self.now_ms() / 1000))
    }

    /// What the business logic is told of the block at the position, once the shard lives.
    fn block_context(&self) -> Option<BlockContext> {
        let Head { shard, genesis_hash, position, .. } = self.head;
        let shard = self.head.birth.as_ref()?.context(shard, genesis_hash);
        Some(self.head.facts.as_ref()?.context(position, shard, self.head.ancestors.clone()))
    }

    /// What this enclave's own verified chain says of peers.
    pub(super) fn proven_chain(&self) -> ProvenChain {
        let followed = &self.head.followed;
        let allowed = self
            .head
            .facts
            .as_ref()
            .map(|facts| facts.allowed_measurement(self.own.identity.shard, self.head.position.number));
        ProvenChain {
            registrations: Arc::new(followed.registrations.clone()),
            recent: self.progress.recent.clone(),
            birth: self.head.birth.clone(),
            is_notice_over: allowed.is_some_and(|allowed| followed.notice.is_over_for(allowed)),
        }
    }

    /// Chain time in milliseconds at the last verified block.
    pub(super) fn now_ms(&self) -> u64 {
        self.head.facts.as_ref().map_or(0, |facts| facts.timestamp_ms)
    }

    /// The light client.
    pub(super) fn client(&mut self) -> Result<&mut LightClient, Refused> {
        match &mut self.progress.client {
            Client::Ready(client) => Ok(client),
            Client::AwaitingCode(code_hash) => Err(Refused::new(
                RefusalCode::RuntimeCode,
                format_args!(
                    "the runtime code with hash {code_hash:?} is needed first; send ImportRuntimeCode"
                ),
            )),
        }
    }
}

/// What a start makes before there is a worker.
struct Prepared<S: StateTransition> {
    head: Head,
    client: Client,
    executor: Executor<S>,
    named: NamedItems,
    boot: BootIdentity,
    identity: Identity,
    heartbeat: u32,
    leave: Option<Leave>,
    view: Arc<View>,
    services: Option<Services>,
    trusted_address: String,
    mutual_attestation_address: String,
}

impl<S: StateTransition> Prepared<S> {
    fn new(
        platform: &dyn Platform,
        store: &mut Store,
        start: Start,
        limits: &ServiceLimits,
        methods: &Arc<OwnMethods>,
    ) -> Result<Self, Refused> {
        let urls = [&start.trusted_external, &start.mutual_attestation_external, &start.untrusted_external];
        if urls.iter().any(|url| url.len() > MAX_URL_LEN) {
            return Err(Refused::conversation(
                "an external URL is longer than 256 bytes; choose a shorter one",
            ));
        }
        let measurement = platform.measurement();
        let shard = start.shard.unwrap_or(ShardIdentifier::from(measurement));
        let named = NamedItems::of::<S>(&shard).map_err(|error| Refused::new(RefusalCode::Bug, error))?;
        let genesis_header = start.genesis_header.as_unverified();
        let genesis_hash = decode_header(genesis_header)
            .map_err(|error| Refused::new(RefusalCode::Block, format_args!("genesis header: {error}")))?
            .hash()
            .into();
        let boot = BootIdentity::generate(platform)?;
        let (head, client) = match store.head() {
            Some(head) => {
                (head.clone(), resume(head, genesis_hash, shard, start.runtime_code.as_unverified())?)
            }
            None => begin(store, shard, &start)?,
        };
        // Bound last of what can fail for a reason that the host may correct, so that a refused start leaves no port
        // taken. Whoever leaves serves nobody.
        let bound = match start.leave {
            Some(_) => None,
            None => Some(services::bind(&start.trusted_listen, &start.mutual_attestation_listen)?),
        };
        let identity = Identity {
            signer: store.keys().signer.account(),
            measurement,
            shard,
            genesis_hash,
            trusted_url: start.trusted_external,
            mutual_attestation_url: start.mutual_attestation_external,
            untrusted_url: start.untrusted_external,
        };
        let executor = Executor::<S>::new();
        let first = Picture {
            phase: Phase::CatchingUp,
            position: head.position,
            finalized: head.position,
            state_root: head.state_root,
            shielding_key: None,
            certificate: None,
            policy: None,
            block: None,
            chain: ProvenChain::default(),
            snapshot: None,
        };
        let logic = Logic::new(executor.clone(), methods.clone());
        let view = Arc::new(View::new(identity.clone(), Arc::new(logic), first));
        let address = |of: fn(&services::Bound) -> SocketAddr| {
            bound.as_ref().map(|bound| of(bound).to_string()).unwrap_or_default()
        };
        let trusted_address = address(|bound| bound.trusted_address);
        let mutual_attestation_address = address(|bound| bound.mutual_attestation_address);
        let services = bound.map(|bound| bound.serve(view.clone(), limits.clone())).transpose()?;
        Ok(Self {
            head,
            client,
            executor,
            named,
            boot,
            identity,
            heartbeat: start.heartbeat.max(1),
            leave: start.leave,
            view,
            services,
            trusted_address,
            mutual_attestation_address,
        })
    }
}

/// Pins the chain and writes the first head.
fn begin(store: &mut Store, shard: ShardIdentifier, start: &Start) -> Result<(Head, Client), Refused> {
    let client = LightClient::from_genesis(GenesisMaterial {
        header: start.genesis_header.as_unverified().clone(),
        state_proof: start.genesis_proof.as_unverified().clone(),
        code: start.runtime_code.as_unverified().clone(),
        properties: ChainProperties {
            token_symbol: start.token_symbol.as_unverified().clone(),
            token_decimals: start.token_decimals,
        },
    })
    .map_err(|error| Refused::new(RefusalCode::Block, error))?;
    let head = Head {
        genesis_hash: client.genesis_hash(),
        shard,
        position: reference(client.position()),
        state_root: empty_root(),
        light_client: client.snapshot(),
        birth: None,
        facts: None,
        ancestors: Ancestors::genesis(client.genesis_hash()),
        opinions: Vec::new(),
        followed: Followed::default(),
    };
    store.commit(Change { head: Some(head.clone()), ..Change::default() })?;
    Ok((head, Client::Ready(Box::new(client))))
}

/// Continues where the store's head is.
fn resume(
    head: &Head,
    genesis_hash: BlockHash,
    shard: ShardIdentifier,
    code: &[u8],
) -> Result<Client, Refused> {
    use crate::store::StoreError::{OtherChain, OtherShard};
    if head.genesis_hash != genesis_hash {
        return Err(OtherChain { stored: head.genesis_hash, given: genesis_hash }.into());
    }
    if head.shard != shard {
        return Err(OtherShard { stored: head.shard, given: shard }.into());
    }
    restore(&head.light_client, code)
}

/// The light client at a snapshot, or the hash of the code that it needs.
pub(super) fn restore(snapshot: &[u8], code: &[u8]) -> Result<Client, Refused> {
    match LightClient::restore(snapshot, code) {
        Ok(client) => Ok(Client::Ready(Box::new(client))),
        Err(RestoreError::Runtime(RuntimeError::OtherCode { expected, .. })) => {
            Ok(Client::AwaitingCode(expected))
        }
        Err(RestoreError::Runtime(error)) => Err(Refused::new(RefusalCode::RuntimeCode, error)),
        Err(error @ (RestoreError::Version | RestoreError::Malformed(_))) => {
            Err(Refused::new(RefusalCode::Store, error))
        }
    }
}

/// The light client's name of a block in the protocol's form.
pub(super) fn reference(block: offstage_light_client::BlockId) -> BlockReference {
    BlockReference { number: block.number, hash: block.hash }
}

fn policy(facts: &ChainFacts, shard: ShardIdentifier, number: u32, now_secs: u64) -> AttestationPolicy {
    AttestationPolicy {
        platforms: facts.policy.clone(),
        measurement: facts.allowed_measurement(shard, number),
        now_secs,
    }
}

/// The registry of the chain stores a URL of up to 256 bytes.
const MAX_URL_LEN: usize = 256;

/// After so many blocks without inclusion an operator is told.
const STUCK_BLOCKS: u32 = 20;
