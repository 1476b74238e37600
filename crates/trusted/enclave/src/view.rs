// SPDX-License-Identifier: Apache-2.0
//! What the enclave's listeners may see: a read-only picture of the last committed block.
//!
//! The loop that executes blocks owns everything; the listeners for clients and peers own nothing. They hold a
//! [`View`], which the loop replaces as a whole after each commit, so that an answer never mixes two blocks and a slow
//! client never delays one.
//!
//! ## The gate
//! Whatever is confidential or speaks for the shard (getters, receipts, the shielding key, provisioning) is answered in
//! [`Phase::Serving`] only: after the enclave saw its own registration of this start in a final block. A stale,
//! rolled-back or cloned enclave never gets there (invariant 6, threat model H9 and H10). The gate is here, in one
//! place, and not in the listeners.

use crate::{
    answers::{Answers, MethodCall},
    keys::ShieldingKey,
    methods::{OwnMethodError, OwnMethods},
    provision::rule::ProvenChain,
    store::{Snapshot, StoreError},
};
use offstage_attestation::ChainPolicy;
use offstage_primitives::{
    AccountId32, BlockHash, H256, Measurement, ShardIdentifier,
    read::{Permit, Question},
    receipt::Receipt,
    result::{HistoryAnswer, ProvenResult},
    shielding::ShieldingPublicKey,
    trusted::Domain,
};
use offstage_protocol::{BlockReference, Phase};
use offstage_sdk::{BlockContext, ReadContext};
use rustls::sign::CertifiedKey;
use std::sync::{Arc, RwLock};

/// Who the enclave is. Fixed from its start on.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Its account on the parentchain.
    pub signer: AccountId32,
    /// Its measurement.
    pub measurement: Measurement,
    /// The shard it serves.
    pub shard: ShardIdentifier,
    /// Hash of the parentchain's genesis header.
    pub genesis_hash: BlockHash,
    /// Where clients reach it, such as `wss://127.0.0.1:2000`.
    pub trusted_url: String,
    /// Where peers reach it.
    pub mutual_attestation_url: String,
    /// Where its host is reached.
    pub untrusted_url: String,
}

/// What the parentchain, in the last verified block, says about whose evidence counts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AttestationPolicy {
    /// Which platforms are trusted.
    pub platforms: ChainPolicy,
    /// The measurement that the shard allows.
    pub measurement: Measurement,
    /// Chain time in seconds since the Unix epoch, by which certificates are judged (threat model H11).
    pub now_secs: u64,
}

/// The read-only picture. One per enclave; shared with the listeners.
pub struct View {
    identity: Identity,
    logic: Arc<dyn Answers>,
    picture: RwLock<Arc<Picture>>,
}

/// One committed block as the listeners see it. Replaced, never changed.
pub struct Picture {
    /// What the enclave is doing.
    pub phase: Phase,
    /// The last block that it verified and committed.
    pub position: BlockReference,
    /// The newest block that it knows to be final.
    pub finalized: BlockReference,
    /// Root of the state after `position`.
    pub state_root: H256,
    /// The shard's shielding key, as soon as the enclave holds it.
    pub shielding_key: Option<Arc<ShieldingKey>>,
    /// The TLS certificate with evidence, as soon as there is one. Made anew when the key or the evidence changes.
    pub certificate: Option<Arc<CertifiedKey>>,
    /// Whose evidence counts; absent before the first verified block.
    pub policy: Option<AttestationPolicy>,
    /// What getters are told of the block at `position`; absent before the shard lives.
    pub block: Option<BlockContext>,
    /// What the enclave's own verified chain says of peers.
    pub(crate) chain: ProvenChain,
    /// The store as of `position`.
    pub(crate) snapshot: Option<Snapshot>,
}

/// A value and the block that it holds for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer<T> {
    /// The value.
    pub value: T,
    /// The block.
    pub block: BlockReference,
}

impl View {
    /// A view that shows nothing yet.
    pub fn new(identity: Identity, logic: Arc<dyn Answers>, first: Picture) -> Self {
        Self { identity, logic, picture: RwLock::new(Arc::new(first)) }
    }

    /// Replaces the picture. Only the loop that commits blocks calls this.
    pub(crate) fn publish(&self, picture: Picture) {
        let mut current = self.picture.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        *current = Arc::new(picture);
    }

    /// Who the enclave is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The present picture, consistent in itself.
    pub fn picture(&self) -> Arc<Picture> {
        self.picture.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    /// What the enclave is doing.
    pub fn phase(&self) -> Phase {
        self.picture().phase
    }

    /// The last block that it verified and committed.
    pub fn position(&self) -> BlockReference {
        self.picture().position
    }

    /// The TLS certificate that handshakes present; absent until there is evidence to put into it.
    pub fn certificate(&self) -> Option<Arc<CertifiedKey>> {
        self.picture().certificate.clone()
    }

    /// Whose evidence counts; absent before the first verified block.
    pub fn policy(&self) -> Option<AttestationPolicy> {
        self.picture().policy.clone()
    }

    /// The metadata of the business logic's runtime. Public.
    pub fn metadata(&self) -> Vec<u8> {
        self.logic.metadata()
    }

    /// The same in the newest version of the format.
    pub fn newest_metadata(&self) -> Vec<u8> {
        self.logic.newest_metadata()
    }

    /// The public half of the shielding key.
    ///
    /// # Errors
    /// [`ViewError::NotServing`] before the gate is open.
    pub fn shielding_public_key(&self) -> Result<Answer<ShieldingPublicKey>, ViewError> {
        let picture = self.serving()?;
        let key = picture.shielding_key.as_ref().ok_or(ViewError::NotServing(picture.phase))?;
        Ok(Answer { value: key.public(), block: picture.position })
    }

    /// The picture with the shielding key itself, for [`provision`](crate::provision), which judges by this very
    /// picture whether a verified peer may have it. Nobody else calls this.
    ///
    /// # Errors
    /// [`ViewError::NotServing`] before the gate is open.
    pub fn picture_for_verified_peer(&self) -> Result<Arc<Picture>, ViewError> {
        self.serving()
    }

    /// Runs a SCALE-encoded getter on the state of the last committed block.
    ///
    /// # Errors
    /// [`ViewError::NotServing`] before the gate is open, [`ViewError::Store`] when the store is damaged.
    pub fn execute_getter(&self, getter: &[u8]) -> Result<Answer<Option<Vec<u8>>>, ViewError> {
        let picture = self.serving()?;
        let snapshot = picture.snapshot.as_ref().ok_or(ViewError::NotServing(picture.phase))?;
        let policy = picture.policy.as_ref().ok_or(ViewError::NotServing(picture.phase))?;
        let Identity { genesis_hash, shard, .. } = self.identity;
        // The measurement that the shard allows, as for calls, so that all workers of a shard take the same getters.
        let domain = Domain { genesis_hash, measurement: policy.measurement, shard };
        let block = picture.block.clone().ok_or(ViewError::NotServing(picture.phase))?;
        let reading = ReadContext { domain, block };
        let value = self.logic.answer(snapshot, picture.state_root, &reading, getter)?;
        Ok(Answer { value, block: picture.position })
    }

    /// Answers a question by name on the state of the last committed block.
    ///
    /// # Errors
    /// [`ViewError::NotServing`] before the gate is open, [`ViewError::Store`] when the store is damaged.
    pub fn read(
        &self,
        question: &Question,
        permit: Option<&Permit>,
    ) -> Result<Answer<Option<Vec<u8>>>, ViewError> {
        let picture = self.serving()?;
        let snapshot = picture.snapshot.as_ref().ok_or(ViewError::NotServing(picture.phase))?;
        let block = picture.block.as_ref().ok_or(ViewError::NotServing(picture.phase))?;
        let value = self.logic.read(snapshot, picture.state_root, block, question, permit)?;
        Ok(Answer { value, block: picture.position })
    }

    /// The methods of the author's own.
    pub fn methods(&self) -> &OwnMethods {
        self.logic.methods()
    }

    /// Runs a method of the author's own on the state of the last committed block. The value is JSON.
    ///
    /// # Errors
    /// [`ViewError::NotServing`] before the gate is open, [`ViewError::Store`] when the store is damaged.
    pub fn call_method(
        &self,
        call: &MethodCall,
    ) -> Result<Answer<Result<String, OwnMethodError>>, ViewError> {
        let picture = self.serving()?;
        let snapshot = picture.snapshot.as_ref().ok_or(ViewError::NotServing(picture.phase))?;
        let block = picture.block.as_ref().ok_or(ViewError::NotServing(picture.phase))?;
        let value = self.logic.call_method(snapshot, picture.state_root, block, call)?;
        Ok(Answer { value, block: picture.position })
    }

    /// The receipt of the operation with this hash. A receipt of success is never displaced by that of a later replay.
    ///
    /// # Errors
    /// [`ViewError::NotServing`] before the gate is open, [`ViewError::Store`] when the store is damaged.
    pub fn receipt(&self, operation: &H256) -> Result<Answer<Option<Receipt>>, ViewError> {
        let picture = self.serving()?;
        let snapshot = picture.snapshot.as_ref().ok_or(ViewError::NotServing(picture.phase))?;
        Ok(Answer { value: snapshot.receipt(operation)?, block: picture.position })
    }

    /// What the bearer of the permit may learn of its own operation. `None` for all that is not told.
    ///
    /// # Errors
    /// [`ViewError::NotServing`] before the gate is open, [`ViewError::Store`] when the store is damaged.
    pub fn result(
        &self,
        operation: &H256,
        permit: &Permit,
    ) -> Result<Answer<Option<ProvenResult>>, ViewError> {
        let picture = self.serving()?;
        let snapshot = picture.snapshot.as_ref().ok_or(ViewError::NotServing(picture.phase))?;
        let value = match self.is_good(permit, &picture) {
            true => snapshot.result(operation, &permit.account, picture.position.number)?,
            false => None,
        };
        Ok(Answer { value, block: picture.position })
    }

    /// A stretch of the operations of the permit's account, newest first. Empty when the permit is not good.
    ///
    /// # Errors
    /// [`ViewError::NotServing`] before the gate is open, [`ViewError::Store`] when the store is damaged.
    pub fn history(&self, permit: &Permit, before: Option<u32>) -> Result<HistoryAnswer, ViewError> {
        let picture = self.serving()?;
        let snapshot = picture.snapshot.as_ref().ok_or(ViewError::NotServing(picture.phase))?;
        match self.is_good(permit, &picture) {
            true => Ok(snapshot.history(&permit.account, before, picture.position.number)?),
            false => Ok(HistoryAnswer::default()),
        }
    }

    fn is_good(&self, permit: &Permit, picture: &Picture) -> bool {
        let Identity { genesis_hash, shard, .. } = &self.identity;
        permit.verify(genesis_hash, shard, picture.position.number)
    }

    fn serving(&self) -> Result<Arc<Picture>, ViewError> {
        let picture = self.picture();
        match picture.phase {
            Phase::Serving => Ok(picture),
            phase @ (Phase::CatchingUp
            | Phase::NeedsShieldingKey
            | Phase::AwaitingRegistration
            | Phase::Superseded
            | Phase::Leaving) => Err(ViewError::NotServing(phase)),
        }
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// The gate is closed.
    #[error("the worker does not serve yet ({}); try again later or ask another worker of the shard", describe(.0))]
    NotServing(Phase),
    /// The store failed.
    #[error("the worker's store failed; ask another worker of the shard")]
    Store(#[from] StoreError),
}

fn describe(phase: &Phase) -> &'static str {
    match phase {
        Phase::CatchingUp => "it is catching up with the chain",
        Phase::NeedsShieldingKey => "it waits for the shielding key from a peer",
        Phase::AwaitingRegistration => "its registration is not final yet",
        Phase::Serving => "it serves",
        Phase::Superseded => "a later start of the same worker replaced it",
        Phase::Leaving => "its operator takes it out of the shard",
    }
}
