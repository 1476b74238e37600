// SPDX-License-Identifier: Apache-2.0
//! What the enclave does at the head of the chain: it makes or fetches the shielding key, registers, and submits.

use super::{
    Refused,
    running::{Client, Running, restore},
};
use crate::{
    attest,
    extrinsic::{Call, Signing},
    ingest::Birth,
    keys::ShieldingKey,
    outbox::{Account, Item, items},
    provision::{self, ProvisionContext, rule::RecentBlocks},
    registry::Followed,
    store::{Change, Head, Keys},
};
use offstage_primitives::{
    BlockHash, KeyDigest,
    attestation::{CertificateEvidence, KeyBinding},
    chain::transaction_payment,
};
use offstage_protocol::{OutboxExtrinsic, OutboxKind, Phase, RefusalCode};
use offstage_sdk::StateTransition;
use std::sync::Arc;

impl<S: StateTransition> Running<S> {
    /// The host says that this is the newest final block. If the enclave is there, it counts as caught up.
    pub(super) fn at_finalized_head(&mut self, head: BlockHash) -> Result<(), Refused> {
        let Client::Ready(client) = &self.progress.client else { return Ok(()) };
        let position = client.position();
        if position != client.finalized() || position.hash != head {
            return Ok(());
        }
        // It executes what it had followed, and is not yet where it was.
        if self.head.followed.replay_to.is_some() {
            return Ok(());
        }
        self.progress.is_replaying = false;
        self.progress.was_at_head = true;
        // Whoever leaves makes no key and registers no more.
        if self.leave.is_some() {
            return self.publish();
        }
        // Before the first block there is no time, and so no evidence.
        if self.head.facts.is_none() || !self.is_allowed() {
            return Ok(());
        }
        if self.head.birth.is_none() && self.keys().shielding.is_none() {
            let keys = Keys {
                signer: self.keys().signer.clone(),
                shielding: Some(Arc::new(ShieldingKey::generate()?)),
            };
            self.store.commit(Change { keys: Some(keys), ..Change::default() })?;
        }
        self.register_when_due()?;
        self.publish()
    }

    /// Asks a peer for the shard's key, keeps it if it is the one the shard was born with, and goes back to the birth
    /// with it.
    pub(super) fn request_shielding_key(&mut self, url: &str) -> Result<(), Refused> {
        let (Phase::NeedsShieldingKey, Some(birth), Some(policy), Some(certificate)) =
            (self.phase(), self.head.birth.clone(), self.policy(), self.own.certificate.clone())
        else {
            return Err(Refused::conversation(
                "no shielding key is needed now; it is asked for when the registration of this start is final",
            ));
        };
        // The peer is shown how far this enclave is.
        self.seal_finality()?;
        let context = ProvisionContext {
            identity: &self.own.identity,
            policy: &policy,
            certificate,
            chain: &self.proven_chain(),
            birth: &birth,
            newest: self.head.position,
        };
        let key = provision::request(url, &context)
            .map_err(|error| Refused::new(RefusalCode::Provisioning, error))?;
        if key.public().digest() != birth.shielding_key {
            return Err(Refused::new(
                RefusalCode::Provisioning,
                "the peer sent another key than the shard was born with; ask another peer",
            ));
        }
        self.go_back_to(&birth, key)
    }

    /// Execution begins where the shard was born. Where the chain is by now stays known: this is the chain it has to
    /// come back to.
    fn go_back_to(&mut self, birth: &Birth, key: ShieldingKey) -> Result<(), Refused> {
        let followed = self.head.followed.clone();
        let origin = followed.origin.ok_or_else(|| Refused::bug("the shard's birth has no origin"))?;
        // The code of that time is asked for, as after a restart.
        let client = restore(&origin.light_client, &[])?;
        let genesis = self.genesis(birth)?;
        let head = Head {
            position: origin.position,
            light_client: origin.light_client,
            facts: origin.facts,
            ancestors: origin.ancestors,
            state_root: genesis.state_root,
            followed: Followed { origin: None, replay_to: Some(self.head.position), ..followed },
            ..self.head.clone()
        };
        let keys = Keys { signer: self.keys().signer.clone(), shielding: Some(Arc::new(key)) };
        self.store.commit(Change {
            head: Some(head.clone()),
            keys: Some(keys),
            nodes: genesis.nodes,
            ..Change::default()
        })?;

        // ---- Committed: memory follows.
        self.head = head;
        self.progress.client = client;
        self.progress.recent = RecentBlocks::default();
        self.progress.is_replaying = true;
        self.bring_back_former_store()?;
        self.publish()
    }

    /// With the shard's key in hand, a store that this platform could not open any more may open again.
    fn bring_back_former_store(&mut self) -> Result<(), Refused> {
        let sealing =
            self.own.platform.sealing_key().map_err(|error| Refused::new(RefusalCode::Platform, error))?;
        self.progress.former_store_returns |= self.store.bring_back_former(&sealing)?;
        Ok(())
    }

    /// Everything that is to be submitted now, signed.
    pub(super) fn collect(&mut self) -> Result<Vec<OutboxExtrinsic>, Refused> {
        if self.phase() == Phase::Serving {
            self.register_when_due()?;
        }
        let items = self.due_items();
        let Some(facts) = &self.head.facts else { return Ok(Vec::new()) };
        let client = match &self.progress.client {
            Client::Ready(client) => client,
            Client::AwaitingCode(_) => return Ok(Vec::new()),
        };
        // The runtime that will execute them is not known yet.
        if client.runtime_needed().is_some() {
            return Ok(Vec::new());
        }
        let account = Account::of(facts, client.runtime().has_pallet(transaction_payment::PALLET));
        let signer = self.store.keys().signer.clone();
        let signing = Signing {
            runtime: client.runtime(),
            genesis_hash: self.own.identity.genesis_hash,
            anchor: self.head.position,
            signer: &signer,
        };
        match self.submissions.collect(&items, account, &self.progress.fees, &signing) {
            Ok(extrinsics) => Ok(extrinsics),
            Err(error) => {
                self.progress.trouble = Some(format!("nothing can be submitted: {error}"));
                Ok(Vec::new())
            }
        }
    }

    /// What the phase allows to be submitted: before its registration is seen, the enclave signs nothing else.
    fn due_items(&self) -> Vec<Item> {
        let phase = self.phase();
        let registration = self.own.registration.pending.as_ref().map(|pending| Item {
            id: pending.id,
            kind: OutboxKind::Registration,
            call: Call::Register { proof: pending.proof.clone(), url: self.own.identity.trusted_url.clone() },
            hold: None,
        });
        let waiting = self.head.facts.iter().flat_map(|facts| {
            let (shard, signer) = (self.own.identity.shard, &self.own.identity.signer);
            items(self.store.waiting(), shard, signer, facts, self.head.position.number)
        });
        match phase {
            // The first confirmation, by which the shard is born.
            Phase::AwaitingRegistration if self.situation().is_candidate() => {
                registration.into_iter().chain(waiting).collect()
            }
            Phase::AwaitingRegistration | Phase::NeedsShieldingKey => registration.into_iter().collect(),
            Phase::Serving => registration.into_iter().chain(waiting).collect(),
            Phase::Leaving => self.removal().into_iter().collect(),
            Phase::CatchingUp | Phase::Superseded => Vec::new(),
        }
    }

    fn register_when_due(&mut self) -> Result<(), Refused> {
        if self.leave.is_some() {
            return Ok(());
        }
        let now_ms = self.now_ms();
        let Some(shielding_key) = self.bound_key(&self.head) else { return Ok(()) };
        if !self.own.registration.is_due(now_ms) {
            return Ok(());
        }
        let evidence = self.evidence(shielding_key)?;
        self.own.certificate = Some(self.own.boot.certificate(&evidence)?);
        self.own.registration.begin(attest::registration_proof(&evidence), now_ms);
        self.publish()
    }

    fn evidence(&mut self, shielding_key: KeyDigest) -> Result<CertificateEvidence, Refused> {
        // Its time rests on the newest final block.
        self.seal_finality()?;
        let binding = KeyBinding {
            genesis_hash: self.own.identity.genesis_hash,
            shard: self.own.identity.shard,
            shielding_key,
            tls_public_key: self.own.boot.tls_public_key_digest(),
            boot_nonce: self.own.boot.boot_nonce(),
        };
        Ok(attest::evidence(&*self.own.platform, &self.own.identity.signer, &binding, self.now_ms() / 1000)?)
    }
}
