// SPDX-License-Identifier: Apache-2.0
//! The worker, over JSON-RPC 2.0 on WSS (wire.md, "RPC methods").
//!
//! TLS ends in the enclave. [`Worker::connect`] opens the connection, lets the peer prove that it holds the
//! certificate's key, asks for the shielding key, and hands everything to [`verify_worker`]; only then there is a
//! [`Worker`] to talk to. Nothing but that one question, which everybody may ask, is sent before.

pub mod address;
mod channel;
mod results;
mod stranger;
mod tls;

pub use address::WorkerAddress;
pub use stranger::Stranger;

use crate::{
    account::Account,
    parentchain::{Parentchain, ParentchainError},
    pin::Pin,
    verification::{ChainFacts, Expected, Presented, Refusal, VerifiedWorker, verify_worker},
};
use channel::Channel;
use codec::{Decode, Encode};
use offstage_light_client::BlockId;
use offstage_primitives::{
    AccountId32, H256, Measurement, ShardIdentifier,
    bounded::decode_bounded,
    enclave_bridge::Request,
    read::{Question, ReadRequest},
    receipt::Receipt,
    rpc::{GetterAnswer, Method, WorkerStatus},
    trusted::{BoundGetterSigned, Getter, TrustedGetter, bound_getter_payload},
};
use serde_json::{Value, json};
use thiserror::Error;

/// Somebody who knows the chain's facts: the chain, or in a test whoever plays it.
pub trait ChainView: Sync {
    /// What the chain says about a signer and a shard, see [`Parentchain::facts`].
    fn facts(
        &self,
        signer: &AccountId32,
        shard: ShardIdentifier,
    ) -> impl Future<Output = Result<ChainFacts, ParentchainError>> + Send;
}

impl ChainView for Parentchain {
    fn facts(
        &self,
        signer: &AccountId32,
        shard: ShardIdentifier,
    ) -> impl Future<Output = Result<ChainFacts, ParentchainError>> + Send {
        Parentchain::facts(self, signer, shard)
    }
}

/// A connection to a verified worker of the shard that the user means.
pub struct Worker {
    channel: Channel,
    identity: VerifiedWorker,
    freshness: Freshness,
}

impl Worker {
    /// Connects to the worker at `address`, verifies it, and that it is the one that the user means.
    ///
    /// # Errors
    /// - [`WorkerError::Unreachable`] and [`WorkerError::Tls`] when there is no worker at that address;
    /// - [`WorkerError::Refused`] when it is not to be trusted, with the reason;
    /// - [`WorkerError::Parentchain`] when the chain's facts cannot be read.
    pub async fn connect<C: ChainView>(
        chain: &C,
        address: &WorkerAddress,
        pin: &Pin,
    ) -> Result<Self, WorkerError> {
        Self::verified(chain, address, &Expected::from(*pin)).await
    }

    async fn verified<C: ChainView>(
        chain: &C,
        address: &WorkerAddress,
        expected: &Expected,
    ) -> Result<Self, WorkerError> {
        let (stream, presented) = tls::connect(address).await?;
        let claim = &presented.evidence;
        let facts = chain.facts(&claim.signer, claim.binding.shard).await?;
        let mut channel = Channel::open(address, stream).await?;
        let shielding_key = match channel.call(Method::ShieldingKey, json!([])).await {
            Ok(value) => {
                decode_bounded::<String>(&value, MAX_TEXT_LEN).map_err(|_| malformed(Method::ShieldingKey))?
            }
            // The evidence decides first: it says more than a missing key.
            Err(WorkerError::Answered { .. }) => String::new(),
            Err(error) => return Err(error),
        };
        let presented = Presented {
            evidence: claim,
            tls_public_key: presented.tls_public_key,
            shielding_key: &shielding_key,
        };
        let identity = verify_worker(&presented, &facts, expected)
            .map_err(|refusal| WorkerError::Refused { address: address.to_string(), refusal })?;
        Ok(Self { channel, identity, freshness: Freshness::default() })
    }

    /// Takes answers from states up to so many blocks behind the newest final one, instead of [`MAX_AGE`].
    pub fn accept_age(&mut self, blocks: u32) {
        self.freshness.max_age = blocks;
    }

    /// The block that the last answer to a question about the shard's state holds for.
    pub fn answered_at(&self) -> Option<BlockId> {
        self.freshness.answered_at
    }

    /// What was verified about the worker.
    pub fn identity(&self) -> &VerifiedWorker {
        &self.identity
    }

    /// `author_getFingerprint`: the worker's measurement.
    ///
    /// # Errors
    /// [`WorkerError`], also when the answer is not what its evidence says.
    pub async fn measurement(&mut self) -> Result<Measurement, WorkerError> {
        let found: Measurement = self.ask(Method::Fingerprint, json!([])).await?;
        if found == *self.identity.measurement() { Ok(found) } else { Err(malformed(Method::Fingerprint)) }
    }

    /// `author_getShard`: the worker's shard.
    ///
    /// # Errors
    /// [`WorkerError`], also when the answer is not what its evidence says.
    pub async fn shard(&mut self) -> Result<ShardIdentifier, WorkerError> {
        let found: ShardIdentifier = self.ask(Method::Shard, json!([])).await?;
        if found == self.identity.shard() { Ok(found) } else { Err(malformed(Method::Shard)) }
    }

    /// `state_getMetadata`: the metadata of the business logic's runtime (SCALE).
    ///
    /// # Errors
    /// [`WorkerError`].
    pub async fn metadata(&mut self) -> Result<Vec<u8>, WorkerError> {
        self.channel.call(Method::Metadata, json!([])).await
    }

    /// `offstage_getMetadata`: the same in the newest version of the format, which has view functions.
    ///
    /// # Errors
    /// [`WorkerError`].
    pub async fn newest_metadata(&mut self) -> Result<Vec<u8>, WorkerError> {
        self.channel.call(Method::NewestMetadata, json!([])).await
    }

    /// `offstage_read`: a storage item or a view function of the shard's runtime. `asker` shows itself by a permit,
    /// which is good for [`GETTER_LIFETIME`] blocks after the worker was verified. `None` when there is no value, and
    /// when it is not for this asker: a worker does not tell which.
    ///
    /// # Errors
    /// [`WorkerError`].
    pub async fn question(
        &mut self,
        question: Question,
        asker: Option<&Account>,
    ) -> Result<Option<Vec<u8>>, WorkerError> {
        let permit = asker.map(|asker| self.permit(asker));
        let request = ReadRequest { shard: self.identity.shard(), question, permit };
        // Not encrypted: it travels in TLS that ends in the enclave.
        let parameter = format!("0x{}", hex::encode(request.encode()));
        let GetterAnswer { value, block } = self.ask(Method::Read, json!([parameter])).await?;
        let block = BlockId { number: block.number, hash: block.hash };
        self.freshness.check(block, self.identity.verified_block())?;
        Ok(value)
    }

    /// The nonce of `account`'s next operation, whatever the shard's business logic.
    ///
    /// # Errors
    /// [`WorkerError`]; [`WorkerError::NoAnswer`] when the logic has no FRAME runtime.
    pub async fn next_nonce(&mut self, account: &Account) -> Result<u32, WorkerError> {
        let answer = self.question(Question::Nonce, Some(account)).await?;
        let value = answer.ok_or(WorkerError::NoAnswer { method: Method::Read.name() })?;
        decode_bounded(&value, MAX_TEXT_LEN).map_err(|_| malformed(Method::Read))
    }

    /// `system_version`: the worker's version.
    ///
    /// # Errors
    /// [`WorkerError`].
    pub async fn version(&mut self) -> Result<String, WorkerError> {
        self.channel.call_text(Method::Version).await
    }

    /// `offstage_getStatus`: what the worker is doing, and up to which block.
    ///
    /// # Errors
    /// [`WorkerError`].
    pub async fn status(&mut self) -> Result<WorkerStatus, WorkerError> {
        self.ask(Method::Status, json!([])).await
    }

    /// The nonce of `account`'s next trusted call, asked for in the words `G` of the shard's business logic.
    ///
    /// # Errors
    /// [`WorkerError`].
    pub async fn nonce<G: Getter>(&mut self, account: &Account) -> Result<u32, WorkerError> {
        self.read::<G, _>(G::Trusted::nonce(account.id()), account).await
    }

    /// `offstage_getReceipt`: what became of an operation, or `None` when the worker has not executed it (yet). The
    /// receipt is a claim until [`Receipt::verify`] holds for the root on chain.
    ///
    /// # Errors
    /// [`WorkerError`].
    pub async fn receipt(&mut self, operation: H256) -> Result<Option<Receipt>, WorkerError> {
        self.ask(Method::Receipt, json!([format!("{operation:?}")])).await
    }

    /// `state_executeGetter`: a question of the business logic about `account`, which signs it. It is good for
    /// [`GETTER_LIFETIME`] blocks after the worker was verified; connect anew after that.
    ///
    /// # Errors
    /// [`WorkerError`]; [`WorkerError::NoAnswer`] when `account` is not the one that the question is about.
    pub async fn read<G: Getter, T: Decode>(
        &mut self,
        getter: G::Trusted,
        account: &Account,
    ) -> Result<T, WorkerError> {
        let expires = self.identity.verified_at().saturating_add(GETTER_LIFETIME);
        let payload = bound_getter_payload(&getter, expires, &self.identity.domain());
        let signature = Account::sign(account, &payload);
        let getter = G::bound(BoundGetterSigned { getter, expires, signature });
        // Not encrypted: it travels in TLS that ends in the enclave.
        let request = Request { shard: self.identity.shard(), cyphertext: getter.encode() };
        let method = Method::GetterAtBlock;
        let answered: GetterAnswer =
            self.ask(method, json!([format!("0x{}", hex::encode(request.encode()))])).await?;
        let GetterAnswer { value: answer, block } = answered;
        let block = BlockId { number: block.number, hash: block.hash };
        self.freshness.check(block, self.identity.verified_block())?;
        // An enclave says nothing to who may not ask; that must not pass for a balance of nothing.
        let value = answer.ok_or(WorkerError::NoAnswer { method: method.name() })?;
        decode_bounded(&value, MAX_TEXT_LEN).map_err(|_| malformed(method))
    }

    async fn ask<T: Decode>(&mut self, method: Method, parameters: Value) -> Result<T, WorkerError> {
        let value = self.channel.call(method, parameters).await?;
        decode_bounded(&value, MAX_TEXT_LEN).map_err(|_| malformed(method))
    }
}

/// Which states a worker may answer from (threat model C21).
struct Freshness {
    max_age: u32,
    answered_at: Option<BlockId>,
}

impl Default for Freshness {
    fn default() -> Self {
        Self { max_age: MAX_AGE, answered_at: None }
    }
}

impl Freshness {
    /// Compares the block of an answer with the newest one that was verified to be final.
    fn check(&mut self, block: BlockId, newest: BlockId) -> Result<(), WorkerError> {
        let age = newest.number.saturating_sub(block.number);
        if age > self.max_age {
            return Err(WorkerError::Stale { block, age, newest });
        }
        if block.number == newest.number && block != newest {
            return Err(WorkerError::OtherBlock { block, newest });
        }
        self.answered_at = Some(block);
        Ok(())
    }
}

fn malformed(method: Method) -> WorkerError {
    WorkerError::Malformed { method: method.name() }
}

/// What can go wrong between this client and a worker.
#[derive(Debug, Error)]
pub enum WorkerError {
    /// Nobody there.
    #[error("cannot reach a worker at {address}: {reason}")]
    Unreachable {
        /// Where it was looked for.
        address: String,
        /// What the network said.
        reason: String,
    },
    /// Somebody is there, but not a worker.
    #[error("what answers at {address} is no worker: {reason}")]
    Tls {
        /// Where.
        address: String,
        /// What the handshake said.
        reason: String,
    },
    /// The worker is not to be trusted.
    #[error("the worker at {address} is refused: {refusal}")]
    Refused {
        /// Where it is.
        address: String,
        /// Why.
        refusal: Refusal,
    },
    /// The facts to verify it against are missing.
    #[error(transparent)]
    Parentchain(#[from] ParentchainError),
    /// The connection ended or the worker is silent.
    #[error("the connection to the worker broke: {reason}")]
    Broken {
        /// What the network said.
        reason: String,
    },
    /// The worker answered with an error.
    #[error("the worker answers to {method}: {message}")]
    Answered {
        /// What was asked.
        method: &'static str,
        /// What it says.
        message: String,
    },
    /// The answer is from an old state, as of a worker that is frozen.
    #[error("the worker answers from block {block}, {age} blocks behind block {newest}, which is final")]
    Stale {
        /// The block of the answer.
        block: BlockId,
        /// How far that is behind.
        age: u32,
        /// The newest block that this client has verified to be final.
        newest: BlockId,
    },
    /// The answer is from a block that is not on the chain.
    #[error("the worker answers from block {block}, where the chain has {newest}")]
    OtherBlock {
        /// The block of the answer.
        block: BlockId,
        /// The block that this client has verified to be final.
        newest: BlockId,
    },
    /// The worker keeps the answer to itself.
    #[error("the worker gives no answer to {method}: the question is not its account's, or no longer good")]
    NoAnswer {
        /// What was asked.
        method: &'static str,
    },
    /// The worker's answer is not of the promised form.
    #[error("the worker's answer to {method} cannot be read")]
    Malformed {
        /// What was asked.
        method: &'static str,
    },
}

impl WorkerError {
    /// Whether the same worker may be all right a little later, as while it is being restarted.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Broken { .. } | Self::Answered { .. } | Self::Stale { .. } => {
                true
            }
            Self::Refused { refusal, .. } => refusal.may_pass(),
            Self::Tls { .. }
            | Self::Parentchain(_)
            | Self::OtherBlock { .. }
            | Self::NoAnswer { .. }
            | Self::Malformed { .. } => false,
        }
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Unreachable { .. } => Some(
                "start a worker (offstage-worker run), or name its address with --worker-url and --trusted-worker-port",
            ),
            Self::Tls { .. } => Some(
                "name the worker's trusted port with --trusted-worker-port; `offstage list-workers` shows it",
            ),
            Self::Refused { refusal, .. } => Some(refusal.hint()),
            Self::Parentchain(error) => error.hint(),
            Self::Broken { .. } => Some("look whether the worker still runs, then try again"),
            Self::Answered { .. } => None,
            Self::Stale { .. } => Some(
                "ask another worker, or wait until this one has caught up; --max-age takes older answers",
            ),
            Self::OtherBlock { .. } => Some("ask another worker: this one follows another chain"),
            Self::NoAnswer { .. } => {
                Some("the worker may be far behind the chain; connect anew and ask again")
            }
            Self::Malformed { .. } => Some("the worker may be of another version than this client"),
        }
    }
}

/// The longest value of an answer that is decoded, in bytes: a receipt or a key, both about 2 KB.
const MAX_TEXT_LEN: usize = 16 * 1024;

/// How many blocks a worker's state may be behind the newest final block when it answers. A worker is a few behind:
/// it gets a block when that is final, and executes it.
pub const MAX_AGE: u32 = 10;

/// How many blocks after the worker was verified its questions are good. At most
/// [`MAX_GETTER_LIFETIME`](offstage_primitives::trusted::MAX_GETTER_LIFETIME), less what a worker may be behind.
pub const GETTER_LIFETIME: u32 = 128;

#[cfg(test)]
mod tests;
