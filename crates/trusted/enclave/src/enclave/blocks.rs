// SPDX-License-Identifier: Apache-2.0
//! Headers, justifications and blocks: the only way anything happens.
//!
//! [`Running::import_block`] is the pipeline: verify, ingest, execute, and then *one* commit. What the worker keeps in
//! memory moves only behind the commit, so a failed one leaves it where the store is.

use super::{
    Refused,
    registration::{Registration, ThisStart},
    running::{Client, Running, restore},
};
use crate::{
    execute::{Executed, Shard, execute, genesis},
    ingest::{Birth, Ingested, ingest, watched_keys},
    outbox::{ended, rota::Slots},
    receipts::receipts,
    registry::Origin,
    store::{BlockResults, Change, Head, Keys, NewEffect, Snapshot, StoreError, WaitingEffect},
};
use offstage_light_client::{BlockError, BlockMaterial, RuntimeError, VerifiedBlock};
use offstage_primitives::KeyDigest;
use offstage_protocol::{BlockBundle, MAX_HEADERS, Phase, RefusalCode, Untrusted};
use offstage_sdk::{ExecutionError, StateTransition, empty_root};
use std::thread;

impl<S: StateTransition> Running<S> {
    /// Links headers to the known chain.
    pub(super) fn import_headers(&mut self, headers: Vec<Untrusted<Vec<u8>>>) -> Result<(), Refused> {
        if headers.len() > MAX_HEADERS {
            return Err(Refused::new(
                RefusalCode::Finality,
                format_args!("{} headers at once; send at most {MAX_HEADERS}", headers.len()),
            ));
        }
        for header in headers {
            let bytes = header.unverified();
            self.client()?
                .import_headers(std::slice::from_ref(&bytes))
                .map_err(|error| Refused::new(RefusalCode::Finality, error))?;
        }
        Ok(())
    }

    /// Takes in finality.
    pub(super) fn import_justification(&mut self, justification: &[u8]) -> Result<(), Refused> {
        self.client()?.import_justification(justification).map_err(|error| {
            let code = match error.another_may_do() {
                true => RefusalCode::Justification,
                false => RefusalCode::Finality,
            };
            Refused::new(code, error)
        })?;
        Ok(())
    }

    /// Takes in the code of the runtime that executes the next block, or, after a restart, that the position needs.
    pub(super) fn import_runtime_code(&mut self, code: &[u8]) -> Result<(), Refused> {
        match &mut self.progress.client {
            Client::Ready(client) => match client.provide_runtime(code) {
                // Sent for nothing: no harm.
                Ok(()) | Err(RuntimeError::NotNeeded) => Ok(()),
                Err(error) => Err(Refused::new(RefusalCode::RuntimeCode, error)),
            },
            Client::AwaitingCode(_) => match restore(&self.head.light_client, code)? {
                ready @ Client::Ready(_) => {
                    self.progress.client = ready;
                    // What it remembers comes from the store.
                    self.progress.sealed_final =
                        self.progress.client.finalized().unwrap_or(self.progress.sealed_final);
                    self.publish()
                }
                Client::AwaitingCode(code_hash) => Err(Refused::new(
                    RefusalCode::RuntimeCode,
                    format_args!(
                        "the code does not have the hash {code_hash:?}; send the value of :code at the position"
                    ),
                )),
            },
        }
    }

    /// Verifies, executes and commits the next block. Without the shard's key it is followed: nothing is executed, but
    /// what it tells of the shard and its enclaves is taken in.
    pub(super) fn import_block(&mut self, bundle: BlockBundle) -> Result<(), Refused> {
        let keys = watched_keys(&self.own.identity.signer, self.own.identity.shard, &self.named);
        let material = BlockMaterial {
            header: bundle.header.unverified(),
            body: bundle.body.unverified(),
            state_proof: bundle.state_proof.unverified(),
        };
        let verified = self.client()?.verify_block(material, &keys).map_err(refuse_block)?;
        let mut ingested = ingest(&verified, &self.own.identity.signer, self.own.identity.shard, &self.named)
            .map_err(|error| Refused::new(RefusalCode::Block, error))?;
        ingested.remember(self.head.facts.as_ref());
        let snapshot = self.client()?.snapshot_after(&verified).map_err(refuse_block)?;
        let head = self.follow(&ingested, snapshot)?;
        if self.head.birth.is_none()
            && let Some(birth) = head.birth.clone().filter(|birth| self.holds_key_of(birth))
        {
            self.begin_state(&birth)?;
        }
        let step = self.step_beside_merge(&ingested, head)?;
        self.commit(step, verified, ingested)
    }

    /// What is true after a block, but for what its execution gives.
    fn follow(&self, block: &Ingested, light_client: Vec<u8>) -> Result<Head, Refused> {
        let mut head = Head {
            position: block.block,
            light_client,
            facts: Some(block.facts.clone()),
            ancestors: self.head.ancestors.after(block.block.number, block.block.hash),
            ..self.head.clone()
        };
        if let Some(to) = self.head.followed.replay_to {
            // What these blocks tell was taken in when they were followed.
            if block.block.number >= to.number {
                if block.block != to {
                    return Err(Refused::new(
                        RefusalCode::Block,
                        format_args!(
                            "block {} is of another fork than the one on which this enclave got the shard's key; \
                             give it the chain with {:?} in its place, or start again with an empty data folder",
                            block.block.number, to.hash
                        ),
                    ));
                }
                head.followed.replay_to = None;
            }
            return Ok(head);
        }
        let Head { shard, genesis_hash, .. } = head;
        let lives = head.birth.is_some();
        head.followed.notice = head.followed.notice.after(&block.facts, shard, block.block.number, lives);
        let (registrations, founder) = head.followed.registrations.after(block, shard, genesis_hash);
        head.followed.registrations = registrations;
        if let Some(founder) = founder.filter(|_| !lives) {
            let birth = self.birth(block, founder.shielding_key);
            if !self.holds_key_of(&birth) {
                head.state_root = empty_root();
                head.followed.origin = Some(Origin {
                    position: self.head.position,
                    light_client: self.head.light_client.clone(),
                    facts: self.head.facts.clone(),
                    ancestors: self.head.ancestors.clone(),
                });
            }
            head.birth = Some(birth);
        }
        Ok(head)
    }

    fn birth(&self, block: &Ingested, shielding_key: KeyDigest) -> Birth {
        Birth { block: block.block, shielding_key, development: block.facts.policy.trusts_development_root() }
    }

    pub(super) fn holds_key_of(&self, birth: &Birth) -> bool {
        self.keys().shielding.as_ref().is_some_and(|key| key.public().digest() == birth.shielding_key)
    }

    /// Puts the state with which the shard begins into the store. A candidate has it there already.
    fn begin_state(&mut self, birth: &Birth) -> Result<(), Refused> {
        let genesis = self.genesis(birth)?;
        if self.head.state_root != genesis.state_root {
            let head = Head { state_root: genesis.state_root, ..self.head.clone() };
            self.store.commit(Change {
                head: Some(head.clone()),
                nodes: genesis.nodes,
                ..Change::default()
            })?;
            self.head = head;
        }
        Ok(())
    }

    /// The state with which a shard begins.
    pub(super) fn genesis(&self, birth: &Birth) -> Result<Executed, Refused> {
        genesis(&self.executor, self.own.identity.shard, self.own.identity.genesis_hash, birth)
            .map_err(refuse_execution)
    }

    /// [`step`](Self::step), while another thread makes room in the store for what the block changes, if that is worth
    /// it.
    #[expect(
        clippy::disallowed_methods,
        reason = "the thread changes where nodes are kept, not what they are"
    )]
    fn step_beside_merge(&mut self, block: &Ingested, head: Head) -> Result<Step, Refused> {
        let worth_it = block.incoming.len() >= MERGE_BESIDE_FROM;
        let Some(overdue) = worth_it.then(|| self.store.overdue()).flatten() else {
            return self.step(block, head);
        };
        let (step, merge) = thread::scope(|scope| {
            let merging = thread::Builder::new().spawn_scoped(scope, || overdue.merge());
            let step = self.step(block, head);
            let merge = match merging {
                // Whether or not a thread that panicked has committed: the store has to be opened again.
                Ok(merging) => merging.join().unwrap_or(Err(StoreError::BrokenFile)),
                Err(_) => overdue.merge(),
            };
            (step, merge)
        });
        self.store.note_merge(overdue, merge)?;
        step
    }

    /// What the block changes. Nothing is changed yet.
    fn step(&self, block: &Ingested, mut head: Head) -> Result<Step, Refused> {
        let executed = match &head.birth {
            Some(birth) if self.holds_key_of(birth) => self.execute_block(birth, block)?,
            // Nothing is for a shard that is not born; and nothing can be executed without its key.
            Some(_) | None => Executed { state_root: head.state_root, prepared: true, ..Executed::default() },
        };
        head.state_root = executed.state_root;
        self.note_opinions(&mut head, block)?;
        Ok(Step { head, executed })
    }

    fn execute_block(&self, birth: &Birth, block: &Ingested) -> Result<Executed, Refused> {
        let key =
            self.keys().shielding.as_ref().ok_or_else(|| Refused::bug("a born shard without its key"))?;
        let shard = Shard {
            shard: self.own.identity.shard,
            genesis_hash: self.own.identity.genesis_hash,
            birth,
            key,
            heartbeat: self.heartbeat,
        };
        let state = self.state()?;
        let ancestors = self.head.ancestors.clone();
        execute(&self.executor, &state, self.head.state_root, &shard, block, ancestors)
            .map_err(refuse_execution)
    }

    fn state(&self) -> Result<Snapshot, Refused> {
        Ok(self.store.snapshot()?)
    }

    /// Compares what other enclaves confirmed with what this one executed (threat model P5).
    fn note_opinions(&self, head: &mut Head, block: &Ingested) -> Result<(), Refused> {
        if block.confirmed.is_empty() {
            return Ok(());
        }
        let state = self.state()?;
        for confirmed in &block.confirmed {
            let Some(signer) = confirmed.signer.clone() else { continue };
            let Some(own) = state.block_receipts(confirmed.number)? else { continue };
            if signer != self.own.identity.signer && own.block.hash == confirmed.block_hash {
                head.note_opinion(confirmed.number, signer, own.root() == confirmed.root);
            }
        }
        Ok(())
    }

    /// Another enclave confirmed a block that this one has no receipts of: it had no operations, and its number is no
    /// multiple of this one's heartbeat. That harms nobody, but costs fees, or places.
    fn note_heartbeats(&mut self, block: &Ingested) {
        let Some(birth) = self.head.birth.as_ref() else { return };
        // Without the shard's key, and on the way back to where it got it, there are no receipts yet.
        let executes = self.holds_key_of(birth) && self.head.followed.replay_to.is_none();
        if !executes || block.confirmed.is_empty() {
            return;
        }
        let birth = birth.block.number;
        let Ok(state) = self.store.snapshot() else { return };
        let differs = block.confirmed.iter().any(|confirmed| {
            let is_others = confirmed.signer.as_ref().is_some_and(|by| *by != self.own.identity.signer);
            // Before its birth a shard has candidates, who confirm any block.
            let counts = is_others && confirmed.number > birth && confirmed.number < block.block.number;
            counts && matches!(state.block_receipts(confirmed.number), Ok(None))
        });
        if differs {
            self.progress.other_heartbeat_at = Some(block.block.number);
        }
    }

    fn commit(&mut self, step: Step, verified: VerifiedBlock, block: Ingested) -> Result<(), Refused> {
        let Step { mut head, mut executed } = step;
        let keys = self.keys_after(&head);
        let drops_key = keys.is_some();
        let registration = self.registration_after(&head, &block, drops_key);
        let slots = Slots::of(&block.facts, self.own.identity.shard, block.block.number);
        let is_standby = slots.is_standby(&self.own.identity.signer);
        let mut ended = ended(self.store.waiting(), &block, &self.own.identity.signer, is_standby);
        // A heartbeat says "I am here now": it is of no use later. And a standby does not speak for the shard.
        let confirms = !is_standby && (self.phase() == Phase::Serving || executed.operations > 0);
        let mut effects = self.effects(std::mem::take(&mut executed.effects), confirms, &block);
        if drops_key {
            // What a candidate would have confirmed.
            ended = self.store.waiting().map(|waiting| waiting.id).collect();
        } else if self.situation_at(&head, &registration).is_candidate() {
            self.found(&block, &mut head, &mut executed, &mut effects, &mut ended)?;
        }
        self.store.commit(Change {
            head: Some(head.clone()),
            keys,
            nodes: executed.nodes,
            receipts: executed.receipts,
            results: executed.results,
            effects,
            ended,
        })?;

        // ---- Committed: memory follows.
        self.head = head;
        self.own.registration = registration;
        if let Some(finalized) = self.progress.client.finalized() {
            self.progress.sealed_final = finalized;
        }
        if drops_key {
            self.own.certificate = None;
        }
        self.progress.recent.push(block.block);
        self.progress.fees.note(&block.paid, block.block.number, block.facts.timestamp_ms);
        self.submissions.note_block(verified.extrinsics());
        self.note_heartbeats(&block);
        self.progress.operations =
            self.progress.operations.saturating_add(u64::try_from(executed.operations).unwrap_or(u64::MAX));
        if !executed.prepared {
            self.progress.trouble =
                Some("the business logic failed to prepare a block; tell its author".into());
        }
        self.client()?.advance(verified).map_err(refuse_block)?;
        self.publish()
    }

    /// A key that lost the shard's birth to another is dropped, in the same transaction.
    fn keys_after(&self, head: &Head) -> Option<Keys> {
        let birth = head.birth.as_ref()?;
        let lost = self.keys().shielding.is_some() && !self.holds_key_of(birth);
        lost.then(|| Keys { signer: self.keys().signer.clone(), shielding: None })
    }

    fn registration_after(&self, head: &Head, block: &Ingested, drops_key: bool) -> Registration {
        // Blocks that were followed before: what they say of earlier starts is long past.
        if self.head.followed.replay_to.is_some() {
            return self.own.registration.clone();
        }
        let mut before = self.own.registration.clone();
        if drops_key {
            before.drop_key();
        }
        let this = ThisStart {
            signer: &self.own.identity.signer,
            boot_nonce: self.own.boot.boot_nonce(),
            tls_public_key: self.own.boot.tls_public_key_digest(),
            shielding_key: self.bound_key(head),
        };
        before.after(&block.registry, block.facts.registered, &this, block.facts.timestamp_ms)
    }

    fn effects(&self, effects: Vec<WaitingEffect>, confirms: bool, block: &Ingested) -> Vec<NewEffect> {
        let while_serving = self.phase() == Phase::Serving;
        effects
            .into_iter()
            .filter(|effect| confirms || !matches!(effect, WaitingEffect::Confirmation { .. }))
            .map(|effect| NewEffect { effect, produced_at: block.block.number, while_serving })
            .collect()
    }

    /// A candidate confirms the block that it is at, with the state that the shard would begin with: when the chain has
    /// that before another candidate's confirmation, the shard is born. The chain takes confirmations of recent blocks
    /// only, so an old one gives way.
    fn found(
        &self,
        block: &Ingested,
        head: &mut Head,
        executed: &mut Executed,
        effects: &mut Vec<NewEffect>,
        ended: &mut Vec<u64>,
    ) -> Result<(), Refused> {
        let Some(key) = &self.keys().shielding else { return Ok(()) };
        let number = block.block.number;
        for waiting in self.store.waiting() {
            if number.saturating_sub(waiting.produced_at) < FIRST_CONFIRMATION_LIFE {
                return Ok(());
            }
            ended.push(waiting.id);
        }
        let genesis = self.genesis(&self.birth(block, key.public().digest()))?;
        let root = receipts(block.block, &[], &BlockResults::default(), &genesis.state_root, key).root();
        effects.push(NewEffect {
            effect: WaitingEffect::Confirmation { block: block.block, root },
            produced_at: number,
            while_serving: true,
        });
        if head.state_root != genesis.state_root {
            head.state_root = genesis.state_root;
            executed.nodes = genesis.nodes;
        }
        Ok(())
    }
}

/// What a block changes, before it is committed.
struct Step {
    head: Head,
    executed: Executed,
}

/// Blocks after which a first confirmation that is still under way is made anew. A chain knows the hashes of its last
/// 256 blocks at least.
const FIRST_CONFIRMATION_LIFE: u32 = 64;

/// Operations from which on a block is worth a transaction beside it: decrypting so many takes longer than a sync of
/// the disk.
const MERGE_BESIDE_FROM: usize = 16;

fn refuse_block(error: BlockError) -> Refused {
    let code = match error {
        BlockError::NotFinal { .. } | BlockError::Thinned(_) => RefusalCode::Finality,
        BlockError::RuntimeNeeded(_) => RefusalCode::RuntimeCode,
        _ => RefusalCode::Block,
    };
    Refused::new(code, error)
}

fn refuse_execution(error: ExecutionError) -> Refused {
    match error {
        ExecutionError::Store(error) => Refused::new(RefusalCode::Store, error),
        other @ (ExecutionError::Genesis | ExecutionError::Bug(_)) => Refused::new(RefusalCode::Bug, other),
    }
}
