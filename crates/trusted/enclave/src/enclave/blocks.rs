// SPDX-License-Identifier: Apache-2.0
//! Headers, justifications and blocks: the only way anything happens.
//!
//! [`Worker::import_block`] is the pipeline: verify, ingest, execute, and then *one* commit. What the worker keeps in
//! memory moves only behind the commit, so a failed one leaves it where the store is.

use super::{
    Refused,
    registration::ThisStart,
    worker::{Client, Worker, restore},
};
use crate::{
    execute::{Executed, Shard, execute, genesis},
    ingest::{Birth, Ingested, ingest, watched_keys},
    outbox::ended,
    store::{Change, Head, Keys, NewEffect, Snapshot, StoreError, WaitingEffect},
};
use offstage_light_client::{BlockError, BlockMaterial, RuntimeError, VerifiedBlock, header::decode_header};
use offstage_protocol::{BlockBundle, MAX_HEADERS, Phase, RefusalCode, Untrusted};
use offstage_sdk::{ExecutionError, StateTransition};
use std::thread;

impl<S: StateTransition> Worker<S> {
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
            if let Ok(header) = decode_header(&bytes) {
                self.time.imported(&header);
            }
        }
        // After a restart, headers alone may lead to the block that was known to be final.
        self.note_final_time();
        Ok(())
    }

    /// Takes in finality.
    pub(super) fn import_justification(&mut self, justification: &[u8]) -> Result<(), Refused> {
        self.client()?
            .import_justification(justification)
            .map_err(|error| Refused::new(RefusalCode::Finality, error))?;
        self.note_final_time();
        Ok(())
    }

    fn note_final_time(&mut self) {
        if let Some(finalized) = self.client.finalized() {
            self.time.finalized(finalized.hash);
        }
    }

    /// Takes in the code of the runtime that executes the next block, or, after a restart, that the position needs.
    pub(super) fn import_runtime_code(&mut self, code: &[u8]) -> Result<(), Refused> {
        match &mut self.client {
            Client::Ready(client) => match client.provide_runtime(code) {
                // Sent for nothing: no harm.
                Ok(()) | Err(RuntimeError::NotNeeded) => Ok(()),
                Err(error) => Err(Refused::new(RefusalCode::RuntimeCode, error)),
            },
            Client::AwaitingCode(_) => match restore(&self.head.light_client, code)? {
                ready @ Client::Ready(_) => {
                    self.client = ready;
                    // What it remembers comes from the store.
                    self.sealed_final = self.client.finalized().unwrap_or(self.sealed_final);
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

    /// Verifies, executes and commits the next block.
    pub(super) fn import_block(&mut self, bundle: BlockBundle) -> Result<(), Refused> {
        if self.phase() == Phase::NeedsShieldingKey {
            return Err(Refused::conversation(
                "the shielding key is needed before the next block; send RequestShieldingKey with a peer's address",
            ));
        }
        let keys = watched_keys(&self.identity.signer, self.identity.shard);
        let material = BlockMaterial {
            header: bundle.header.unverified(),
            body: bundle.body.unverified(),
            state_proof: bundle.state_proof.unverified(),
        };
        let verified = self.client()?.verify_block(material, &keys).map_err(refuse_block)?;
        let ingested = ingest(&verified, &self.identity.signer, self.identity.shard)
            .map_err(|error| Refused::new(RefusalCode::Block, error))?;
        let snapshot = self.client()?.snapshot_after(&verified).map_err(refuse_block)?;
        let step = self.step_beside_merge(&ingested, snapshot)?;
        self.commit(step, verified, ingested)
    }

    /// [`step`](Self::step), while another thread makes room in the store for what the block changes, if that is worth it.
    #[expect(
        clippy::disallowed_methods,
        reason = "the thread changes where nodes are kept, not what they are"
    )]
    fn step_beside_merge(&mut self, block: &Ingested, light_client: Vec<u8>) -> Result<Step, Refused> {
        let worth_it = block.incoming.len() >= MERGE_BESIDE_FROM;
        let Some(overdue) = worth_it.then(|| self.store.overdue()).flatten() else {
            return self.step(block, light_client);
        };
        let (step, merge) = thread::scope(|scope| {
            let merging = thread::Builder::new().spawn_scoped(scope, || overdue.merge());
            let step = self.step(block, light_client);
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
    fn step(&self, block: &Ingested, light_client: Vec<u8>) -> Result<Step, Refused> {
        let mut head = Head {
            position: block.block,
            light_client,
            facts: Some(block.facts.clone()),
            ..self.head.clone()
        };
        let mut keys = None;
        let executed = match &self.head.birth {
            Some(birth) => self.execute_block(birth, block)?,
            None => match block.birth(self.identity.shard) {
                None => Executed { state_root: head.state_root, prepared: true, ..Executed::default() },
                Some(birth) => {
                    keys = self.keys_after(&birth);
                    let executed = genesis(&self.executor, head.shard, head.genesis_hash, &birth)
                        .map_err(refuse_execution)?;
                    head.birth = Some(birth);
                    executed
                }
            },
        };
        head.state_root = executed.state_root;
        self.note_opinions(&mut head, block)?;
        Ok(Step { head, keys, executed })
    }

    fn execute_block(&self, birth: &Birth, block: &Ingested) -> Result<Executed, Refused> {
        let key =
            self.keys().shielding.as_ref().ok_or_else(|| Refused::bug("a born shard without its key"))?;
        let shard = Shard {
            shard: self.identity.shard,
            genesis_hash: self.identity.genesis_hash,
            birth,
            key,
            heartbeat: self.heartbeat,
        };
        let state = self.state()?;
        execute(&self.executor, &state, self.head.state_root, &shard, block).map_err(refuse_execution)
    }

    fn state(&self) -> Result<Snapshot, Refused> {
        Ok(self.store.snapshot()?)
    }

    /// A key that lost the shard's birth to another is dropped, in the same transaction.
    fn keys_after(&self, birth: &Birth) -> Option<Keys> {
        let keys = self.keys();
        let lost = keys.shielding.as_ref().is_some_and(|key| key.public().digest() != birth.shielding_key);
        lost.then(|| Keys { signer: keys.signer.clone(), shielding: None })
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
            if signer != self.identity.signer && own.block.hash == confirmed.block_hash {
                head.note_opinion(confirmed.number, signer, own.root() == confirmed.root);
            }
        }
        Ok(())
    }

    fn commit(&mut self, step: Step, verified: VerifiedBlock, block: Ingested) -> Result<(), Refused> {
        let Step { head, keys, executed } = step;
        let while_serving = self.phase() == Phase::Serving;
        let effects = executed
            .effects
            .into_iter()
            // A heartbeat says "I am here now": it is of no use later.
            .filter(|effect| {
                while_serving
                    || executed.operations > 0
                    || !matches!(effect, WaitingEffect::Confirmation { .. })
            })
            .map(|effect| NewEffect { effect, produced_at: block.block.number, while_serving })
            .collect();
        let ended = ended(self.store.waiting(), &block, &self.identity.signer);
        let drops_key = keys.is_some();
        self.store.commit(Change {
            head: Some(head.clone()),
            keys,
            nodes: executed.nodes,
            receipts: executed.receipts,
            effects,
            ended,
        })?;

        // ---- Committed: memory follows.
        self.head = head;
        if let Some(finalized) = self.client.finalized() {
            self.sealed_final = finalized;
        }
        if drops_key {
            self.registration.pending = None;
            self.certificate = None;
        }
        let this = ThisStart {
            signer: &self.identity.signer,
            boot_nonce: self.boot.boot_nonce(),
            tls_public_key: self.boot.tls_public_key_digest(),
            shielding_key: self.store.keys().shielding.as_ref().map(|key| key.public().digest()),
        };
        self.registration =
            self.registration.after(&block.registry, block.facts.registered, &this, block.facts.timestamp_ms);
        self.time.executed(&verified.header, block.facts.timestamp_ms);
        self.operations =
            self.operations.saturating_add(u64::try_from(executed.operations).unwrap_or(u64::MAX));
        if !executed.prepared {
            self.trouble = Some("the business logic failed to prepare a block; tell its author".into());
        }
        self.client()?.advance(verified).map_err(refuse_block)?;
        self.publish()
    }
}

/// What a block changes, before it is committed.
struct Step {
    head: Head,
    keys: Option<Keys>,
    executed: Executed,
}

/// Operations from which on a block is worth a transaction beside it: decrypting so many takes longer than a sync of the disk.
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
