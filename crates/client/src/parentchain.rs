// SPDX-License-Identifier: Apache-2.0
//! The parentchain, over its node's JSON-RPC.
//!
//! Everything is driven by the chain's own metadata: calls and storage items are found by their names, so the
//! same client works with Offstage's chain and with Integritee's. What is read is read at the newest *final* block.
//!
//! - [`storage`]: balances, the registry of enclaves, and what a verifier needs to know;
//! - [`transaction`]: signed extrinsics, from submission to finality;
//! - [`confirmation`]: `ProcessedParentchainBlock`, by which a worker says that it executed a block.
//!
//! The extension `CheckMetadataHash` is left in its mode "disabled": the digest of the metadata is not part of what is
//! signed.
//!
//! # Threats
//! The node is the user's own or one that the user trusts: what it answers is not proven, and a node that lies about
//! metadata could have another call signed. (The enclave, whose node is its host's, believes none of this: it
//! has a light client, and signs the metadata's digest.)

pub mod confirmation;
pub mod storage;
pub mod transaction;

use offstage_primitives::{
    H256,
    chain::{enclave_bridge, teerex},
};
use std::sync::Arc;
use subxt::{
    OnlineClient, OnlineClientAtBlock, PolkadotConfig,
    backend::LegacyBackend,
    config::RpcConfigFor,
    rpcs::{RpcClient, methods::legacy::LegacyRpcMethods},
};
use thiserror::Error;

/// A connection to a node of the parentchain.
pub struct Parentchain {
    api: OnlineClient<PolkadotConfig>,
    rpc: LegacyRpcMethods<RpcConfigFor<PolkadotConfig>>,
}

impl Parentchain {
    /// Connects to the node at `url`, for example `ws://127.0.0.1:9944`.
    ///
    /// # Errors
    /// [`ParentchainError::Unreachable`] when nobody answers there, or what answers is no node.
    pub async fn connect(url: &str) -> Result<Self, ParentchainError> {
        let unreachable = |reason: String| ParentchainError::Unreachable { url: url.to_owned(), reason };
        let rpc = RpcClient::from_insecure_url(url).await.map_err(|error| unreachable(innermost(&error)))?;
        let backend = LegacyBackend::builder().build(rpc.clone());
        let api = OnlineClient::<PolkadotConfig>::from_backend(Arc::new(backend))
            .await
            .map_err(|error| unreachable(innermost(&error)))?;
        Ok(Self { api, rpc: LegacyRpcMethods::new(rpc) })
    }

    /// Hash of the chain's genesis header, which is the chain's identity.
    pub fn genesis_hash(&self) -> H256 {
        H256(self.api.genesis_hash().0)
    }

    /// Refuses a chain that has no shards.
    ///
    /// # Errors
    /// [`ParentchainError::WrongChain`] when a pallet is missing.
    pub async fn require_bridge(&self) -> Result<(), ParentchainError> {
        let at = self.at_final_block().await?;
        match [teerex::PALLET, enclave_bridge::PALLET]
            .into_iter()
            .find(|name| at.metadata_ref().pallet_by_name(name).is_none())
        {
            Some(pallet) => Err(ParentchainError::WrongChain { pallet }),
            None => Ok(()),
        }
    }

    /// The chain's metadata, as the node gives it (SCALE).
    ///
    /// # Errors
    /// [`ParentchainError::Read`].
    pub async fn metadata(&self) -> Result<Vec<u8>, ParentchainError> {
        self.rpc
            .state_get_metadata(None)
            .await
            .map(|response| response.into_raw())
            .map_err(|error| ParentchainError::read("the chain's metadata", &error))
    }

    pub(crate) async fn at_final_block(
        &self,
    ) -> Result<OnlineClientAtBlock<PolkadotConfig>, ParentchainError> {
        self.api
            .at_current_block()
            .await
            .map_err(|error| ParentchainError::read("the newest final block", &error))
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
    /// A chain without shards.
    #[error("the chain has no pallet {pallet}, so it has no shards: it is not a parentchain of Offstage")]
    WrongChain {
        /// The missing pallet.
        pallet: &'static str,
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
            Self::WrongChain { .. } => Some("name the parentchain's node with --node-url and --node-port"),
            Self::Rejected { reason }
                if reason.contains("pay some fees") || reason.contains("balance too low") =>
            {
                Some(
                    "the signing account cannot pay the fee: fund it, for example with `offstage faucet <account>`",
                )
            }
            Self::Read { .. } | Self::Rejected { .. } | Self::Failed { .. } => None,
            Self::Lost { .. } => Some("look whether the node still runs and finalizes, then try again"),
        }
    }

    pub(crate) fn read(what: &'static str, error: &(dyn std::error::Error + 'static)) -> Self {
        Self::Read { what, reason: innermost(error) }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_unreachable_node_is_named() {
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let url = format!("ws://127.0.0.1:{closed}");
        let Err(error) = Parentchain::connect(&url).await else { panic!("connected to a closed port") };
        assert!(matches!(&error, ParentchainError::Unreachable { .. }));
        let text = error.to_string();
        assert!(text.contains(&url) && !text.contains('\n') && !text.contains("RPC error"), "{text}");
        assert!(error.hint().unwrap().contains("--node-url"));
    }
}
