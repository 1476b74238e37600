// SPDX-License-Identifier: Apache-2.0
//! The parentchain, over the JSON-RPC of a node that is not trusted.
//!
//! The client follows the chain's finality itself, from the genesis or checkpoint that the user pins ([`Trust`]), and
//! has everything that matters proven against a final block: who vouches for enclaves, the registry's entry of a
//! worker, the runtime and thereby what calls and events mean, that a transaction was executed, and what enclaves
//! confirmed.
//!
//! - [`cache`]: what is known of a chain, from one run to the next;
//! - [`storage`]: balances, the registry of enclaves, and what a verifier needs to know;
//! - [`shards`]: which shards there are, and who serves them;
//! - [`transaction`]: signed extrinsics, from submission to finality;
//! - [`confirmation`]: `ProcessedParentchainBlock`, by which a worker says that it executed a block.
//!
//! Calls and events are found by their names, so the same client works with Offstage's chain and with Integritee's.
//! The extension `CheckMetadataHash` is left in its mode "disabled": the digest of the metadata is not part of what
//! is signed, but the metadata is what the chain's proven code says.
//!
//! # Threats
//! A node, or who sits between, can hold back: newer blocks, a transaction, an answer. What it shows is compared with
//! what it must be, and a lie ends in [`ParentchainError::Unproven`]. What remains its word: how an account's
//! transactions are counted ([`transaction`]), which enclaves there are ([`Parentchain::enclaves`] may be short of
//! some), and what `listen` prints.

pub mod cache;
pub mod confirmation;
mod finality;
mod node;
mod runtime;
pub mod shards;
pub mod storage;
pub mod transaction;

use crate::{
    progress::{Observer, Unobserved},
    trust::Trust,
};
use cache::Cache;
use finality::Finality;
use jsonrpsee_ws_client::WsClientBuilder;
use node::Node;
use offstage_light_client::{BlockId, FinalBlock};
use offstage_primitives::{BlockHash, chain};
use runtime::Runtimes;
use std::sync::Arc;
use subxt::{OnlineClient, OnlineClientAtBlock, PolkadotConfig, backend::LegacyBackend, rpcs::RpcClient};
use thiserror::Error;
use tokio::sync::Mutex;

/// A connection to a node of the parentchain, and what is known of the chain.
#[derive(Clone)]
pub struct Parentchain(Arc<Inner>);

struct Inner {
    node: Node,
    backend: Arc<LegacyBackend<PolkadotConfig>>,
    /// For what is shown and not relied upon: it takes the node's word for the metadata.
    api: OnlineClient<PolkadotConfig>,
    trust: Trust,
    genesis_hash: BlockHash,
    finality: Mutex<Finality>,
    runtimes: Mutex<Runtimes>,
}

impl Parentchain {
    /// Connects to the node at `url`, for example `ws://127.0.0.1:9944`, and follows the chain's finality from where
    /// the user's `trust` starts to the newest final block.
    ///
    /// # Errors
    /// - [`ParentchainError::Unreachable`] when nobody answers there, or what answers is no node;
    /// - [`ParentchainError::OtherChain`], [`ParentchainError::NotOnChain`] and [`ParentchainError::Start`] when the
    ///   node's chain is not the pinned one;
    /// - [`ParentchainError::Unproven`] when it cannot show that a block is final.
    pub async fn connect(
        url: &str,
        trust: &Trust,
        observer: &dyn Observer,
    ) -> Result<Self, ParentchainError> {
        let connecting = WsClientBuilder::default().max_response_size(chain::MAX_NODE_ANSWER_LEN).build(url);
        let rpc = connecting.await.map_err(|error| ParentchainError::Unreachable {
            url: url.to_owned(),
            reason: innermost(&error),
        })?;
        Self::with_rpc(RpcClient::new(rpc), url, trust, Cache::of_user(), observer).await
    }

    /// Like [`connect`](Self::connect), over an open connection and with a cache of the caller's choice.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub async fn with_rpc(
        rpc: RpcClient,
        url: &str,
        trust: &Trust,
        cache: Cache,
        observer: &dyn Observer,
    ) -> Result<Self, ParentchainError> {
        let node = Node::new(rpc.clone());
        let finality = Finality::start(&node, trust, cache, observer).await?;
        let backend = Arc::new(LegacyBackend::builder().build(rpc));
        let api = OnlineClient::<PolkadotConfig>::from_backend(backend.clone()).await.map_err(|error| {
            ParentchainError::Unreachable { url: url.to_owned(), reason: innermost(&error) }
        })?;
        Ok(Self(Arc::new(Inner {
            node,
            backend,
            api,
            trust: *trust,
            genesis_hash: finality.genesis_hash(),
            finality: Mutex::new(finality),
            runtimes: Mutex::new(Runtimes::default()),
        })))
    }

    /// Hash of the chain's genesis header, which is the chain's identity.
    pub fn genesis_hash(&self) -> BlockHash {
        self.0.genesis_hash
    }

    /// Where the user's trust starts.
    pub fn trust(&self) -> &Trust {
        &self.0.trust
    }

    /// The newest block that this client has verified to be final, after it has asked the node for a newer one.
    ///
    /// # Errors
    /// [`ParentchainError`].
    pub async fn newest_final(&self) -> Result<BlockId, ParentchainError> {
        Ok(self.tip().await?.id())
    }

    /// Refuses a chain that has no shards.
    ///
    /// # Errors
    /// [`ParentchainError::WrongChain`] when a pallet is missing.
    pub async fn require_bridge(&self) -> Result<(), ParentchainError> {
        let runtime = self.runtime_at(&self.tip().await?).await?;
        let pallets = [chain::teerex::PALLET, chain::enclave_bridge::PALLET];
        match pallets.into_iter().find(|name| !runtime.verified().has_pallet(name)) {
            Some(pallet) => Err(ParentchainError::WrongChain { pallet }),
            None => Ok(()),
        }
    }

    /// The chain's metadata, as the node gives it (SCALE).
    ///
    /// # Errors
    /// [`ParentchainError::Read`].
    pub async fn metadata(&self) -> Result<Vec<u8>, ParentchainError> {
        self.0
            .node
            .methods()
            .state_get_metadata(None)
            .await
            .map(|response| response.into_raw())
            .map_err(|error| ParentchainError::read("the chain's metadata", &error))
    }

    /// The newest final block, verified.
    pub(crate) async fn tip(&self) -> Result<FinalBlock, ParentchainError> {
        let mut finality = self.0.finality.lock().await;
        finality.advance(&self.0.node, &Unobserved).await?;
        Ok(finality.tip().clone())
    }

    /// The final block with this number, verified; `None` when it is not final yet.
    pub(crate) async fn final_block(&self, number: u32) -> Result<Option<FinalBlock>, ParentchainError> {
        let known = self.0.finality.lock().await.tip().clone();
        let tip = if known.id().number < number { self.tip().await? } else { known };
        if tip.id().number < number {
            return Ok(None);
        }
        finality::descend(&self.0.node, &tip, number).await.map(Some)
    }

    pub(crate) async fn at_final_block(
        &self,
    ) -> Result<OnlineClientAtBlock<PolkadotConfig>, ParentchainError> {
        self.0
            .api
            .at_current_block()
            .await
            .map_err(|error| ParentchainError::read("the newest final block", &error))
    }
}

/// Refuses a connection that everybody on its way can read and change, unless it ends on this machine or the user
/// says that he wants it so.
///
/// # Errors
/// [`ParentchainError::PlainTransport`].
pub fn check_transport(url: &str, allow_plain: bool) -> Result<(), ParentchainError> {
    let Some(rest) = url.strip_prefix("ws://") else { return Ok(()) };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = match host.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let is_loopback =
        host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    if is_loopback || allow_plain {
        Ok(())
    } else {
        Err(ParentchainError::PlainTransport { url: url.to_owned() })
    }
}

/// What can go wrong between this client and the chain.
#[derive(Debug, Error)]
pub enum ParentchainError {
    /// No node there.
    #[error("cannot reach a node at {url}: {reason}")]
    Unreachable {
        /// Where it was looked for.
        url: String,
        /// What the network said.
        reason: String,
    },
    /// A connection without encryption to another machine.
    #[error(
        "{url} is neither encrypted nor on this machine: whoever is on the way can hold back what he likes"
    )]
    PlainTransport {
        /// The node's address.
        url: String,
    },
    /// A chain without shards.
    #[error("the chain has no pallet {pallet}, so it has no shards: it is not a parentchain of Offstage")]
    WrongChain {
        /// The missing pallet.
        pallet: &'static str,
    },
    /// A node without a genesis.
    #[error("the node knows no genesis block")]
    UnknownGenesis,
    /// Another chain than the user's.
    #[error("the node's chain has genesis {found:?}, not the pinned {pinned:?}")]
    OtherChain {
        /// The node's chain.
        found: BlockHash,
        /// The user's chain.
        pinned: BlockHash,
    },
    /// A checkpoint that is nowhere.
    #[error("the checkpoint {checkpoint:?} is not a block of the node's chain")]
    NotOnChain {
        /// The checkpoint.
        checkpoint: BlockHash,
    },
    /// The node's chain has another block where this client has verified one to be final.
    #[error("the node's chain does not hold block {block}, which this client has verified to be final")]
    Reverted {
        /// The block.
        block: BlockId,
    },
    /// Nothing can be followed from where trust starts.
    #[error("finality cannot be followed: {reason}")]
    Start {
        /// Why.
        reason: String,
    },
    /// The node's answer does not follow from what is known.
    #[error("the node does not prove the {what}: {reason}")]
    Unproven {
        /// What it shows.
        what: String,
        /// Why that is not proven.
        reason: String,
    },
    /// A block that the node does not have.
    #[error("the node does not have block {hash:?}")]
    UnknownBlock {
        /// Its hash.
        hash: BlockHash,
    },
    /// A state that the node does not have any more.
    #[error("the node has no state of block {hash:?} any more, of which something must be proven")]
    Pruned {
        /// The block.
        hash: BlockHash,
    },
    /// The node did not give something, or gave what cannot be read.
    #[error("cannot read {what}: {reason}")]
    Read {
        /// What was asked for.
        what: &'static str,
        /// Why there is no answer.
        reason: String,
    },
    /// The node did not take the transaction.
    #[error("the node refused the transaction: {reason}")]
    Rejected {
        /// What the node says.
        reason: String,
    },
    /// The transaction is in a final block and failed there.
    #[error("the transaction failed on chain: {reason}")]
    Failed {
        /// The dispatch error.
        reason: String,
    },
    /// The transaction was lost on its way.
    #[error("the transaction did not reach a final block: {reason}")]
    Lost {
        /// What the node says.
        reason: String,
    },
}

impl ParentchainError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Unreachable { .. } => Some(
                "start a node (offstage-node --dev), or name its address with --node-url and --node-port",
            ),
            Self::PlainTransport { .. } => {
                Some("use wss://, or a node on this machine; --insecure-plain-ws connects nevertheless")
            }
            Self::WrongChain { .. } | Self::UnknownGenesis => {
                Some("name the parentchain's node with --node-url and --node-port")
            }
            Self::OtherChain { .. } => Some(
                "name a node of the pinned chain with --node-url, or the genesis of this one with --genesis",
            ),
            Self::NotOnChain { .. } => {
                Some("take the hash of a final block of this chain for --checkpoint, or leave it out")
            }
            Self::Reverted { .. } => Some(
                "name a node of the chain with --node-url; if the chain itself was started anew, pin another \
                 --checkpoint, or remove what is kept of it in $XDG_DATA_HOME/offstage (~/.local/share/offstage)",
            ),
            Self::Start { .. } => {
                Some("check --genesis and --checkpoint against what the chain's operators publish")
            }
            Self::Unproven { .. } => Some(
                "this node lies or is broken, or somebody is in between: name another node with --node-url",
            ),
            Self::UnknownBlock { .. } => Some(
                "wait until the node has synchronised, or name another with --node-url; if the chain was started \
                     anew, remove what is kept of it in $XDG_DATA_HOME/offstage (~/.local/share/offstage)",
            ),
            Self::Pruned { .. } => Some(
                "name a node that keeps old states (--state-pruning archive), or start from a newer block with \
                 --checkpoint",
            ),
            Self::Rejected { reason }
                if reason.contains("pay some fees") || reason.contains("balance too low") =>
            {
                Some(
                    "the signing account cannot pay the fee: fund it, for example with `offstage faucet <account>`",
                )
            }
            Self::Failed { reason } if reason.contains(chain::enclave_bridge::ERROR_SHARD_NOT_FOUND) => Some(
                "no enclave of the shard has confirmed a block yet: check --shard, or wait until its worker serves",
            ),
            Self::Failed { reason }
                if reason.contains(chain::enclave_bridge::ERROR_TOO_MANY_RSA_OPERATIONS) =>
            {
                Some("the block had no more room for this shard's operations: send it again")
            }
            Self::Read { .. } | Self::Rejected { .. } | Self::Failed { .. } => None,
            Self::Lost { .. } => Some("look whether the node still runs and finalizes, then try again"),
        }
    }

    pub(crate) fn read(what: &'static str, error: &(dyn std::error::Error + 'static)) -> Self {
        Self::Read { what, reason: innermost(error) }
    }

    /// An error of a question about the state after a block.
    pub(crate) fn state(hash: BlockHash, error: &(dyn std::error::Error + 'static)) -> Self {
        let reason = innermost(error);
        // sc-client-db and sp-blockchain, in the words of their errors.
        if PRUNED.into_iter().any(|words| reason.contains(words)) {
            Self::Pruned { hash }
        } else if reason.contains(UNKNOWN) {
            Self::UnknownBlock { hash }
        } else {
            Self::Read { what: "the chain's state", reason }
        }
    }
}

/// The innermost cause of an error on one line: the outer ones repeat it in more words.
pub(crate) fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let text = cause.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
    let mut text = text.as_str();
    while let Some(rest) = LAYERS.into_iter().find_map(|layer| text.strip_prefix(layer)) {
        text = rest;
    }
    text.to_owned()
}

/// What the layers of the RPC client put before a message, one before the other.
const LAYERS: [&str; 5] =
    ["Cannot submit extrinsic: ", "Backend error: ", "RPC error: ", "client error: ", "User error: "];

/// How nodes say that they have no state of a block any more.
const PRUNED: [&str; 2] = ["State already discarded", "state already discarded"];

/// How they say, if they do not say the above, that they do not have the block.
const UNKNOWN: &str = "UnknownBlock";

#[cfg(test)]
mod tests;
