// SPDX-License-Identifier: Apache-2.0
//! What is asked of a node. Nothing of its answers is believed here; they are material for proofs.

use super::ParentchainError;
use codec::{Decode, Encode};
use offstage_light_client::ChainProperties;
use offstage_primitives::{BlockHash, ss58::MAX_PREFIX};
use subxt::{
    PolkadotConfig,
    config::RpcConfigFor,
    rpcs::{
        RpcClient,
        client::{RpcSubscription, rpc_params},
        methods::legacy::{Bytes, LegacyRpcMethods},
    },
};

/// A connection to a node.
#[derive(Clone)]
pub(crate) struct Node {
    rpc: RpcClient,
    methods: LegacyRpcMethods<RpcConfigFor<PolkadotConfig>>,
}

impl Node {
    pub(crate) fn new(rpc: RpcClient) -> Self {
        Self { methods: LegacyRpcMethods::new(rpc.clone()), rpc }
    }

    /// The other methods, whose answers are believed by whoever calls them.
    pub(crate) fn methods(&self) -> &LegacyRpcMethods<RpcConfigFor<PolkadotConfig>> {
        &self.methods
    }

    /// Hash of the block with this number on the node's chain.
    pub(crate) async fn block_hash(&self, number: u32) -> Result<Option<BlockHash>, ParentchainError> {
        let hash = self.methods.chain_get_block_hash(Some(number.into())).await;
        Ok(hash.map_err(|error| ParentchainError::read("a block's hash", &error))?.map(|hash| hash.0.into()))
    }

    /// SCALE header of the block with this hash.
    pub(crate) async fn header(&self, hash: BlockHash) -> Result<Vec<u8>, ParentchainError> {
        let header = self.methods.chain_get_header(Some(hash.to_bytes().into())).await;
        header
            .map_err(|error| ParentchainError::read("a block's header", &error))?
            .map(|header| header.encode())
            .ok_or(ParentchainError::UnknownBlock { hash })
    }

    /// Hash of the newest block that the node holds for final.
    pub(crate) async fn finalized_head(&self) -> Result<BlockHash, ParentchainError> {
        let hash = self.methods.chain_get_finalized_head().await;
        hash.map(|hash| hash.0.into())
            .map_err(|error| ParentchainError::read("the newest final block", &error))
    }

    /// Announces final blocks.
    pub(crate) async fn finalized_heads(
        &self,
    ) -> Result<RpcSubscription<<PolkadotConfig as subxt::Config>::Header>, ParentchainError> {
        self.methods
            .chain_subscribe_finalized_heads()
            .await
            .map_err(|error| ParentchainError::read("the chain's final blocks", &error))
    }

    /// The extrinsics of a block, each with its length in front.
    pub(crate) async fn body(&self, hash: BlockHash) -> Result<Vec<Vec<u8>>, ParentchainError> {
        let block = self.methods.chain_get_block(Some(hash.to_bytes().into())).await;
        let block = block.map_err(|error| ParentchainError::read("a block", &error))?;
        let block = block.ok_or(ParentchainError::UnknownBlock { hash })?;
        Ok(block.block.extrinsics.into_iter().map(|extrinsic| extrinsic.0).collect())
    }

    /// The GRANDPA justification that the node keeps with a block.
    pub(crate) async fn justification(&self, hash: BlockHash) -> Result<Option<Vec<u8>>, ParentchainError> {
        let block = self.methods.chain_get_block(Some(hash.to_bytes().into())).await;
        let block = block.map_err(|error| ParentchainError::read("a block", &error))?;
        let justifications = block.and_then(|block| block.justifications).unwrap_or_default();
        Ok(justifications.into_iter().find_map(|(engine, bytes)| (&engine == b"FRNK").then_some(bytes)))
    }

    /// A proof that the block with this number is final: the justification of the last block of its authority set, or
    /// the newest one, and the hash of the block that it is for. `None` from nodes that cannot.
    pub(crate) async fn finality_proof(&self, number: u32) -> Option<(BlockHash, Vec<u8>)> {
        let proof: Option<Bytes> =
            self.rpc.request("grandpa_proveFinality", rpc_params![number]).await.ok()?;
        // sc-consensus-grandpa, `FinalityProof`: behind these come headers that nobody needs here.
        let proof = proof?.0;
        let mut input = &proof[..];
        let hash = BlockHash::decode(&mut input).ok()?;
        Some((hash, Vec::<u8>::decode(&mut input).ok()?))
    }

    /// Nodes of the state after a block that prove values of keys, or that there are none.
    pub(crate) async fn read_proof(
        &self,
        keys: &[Vec<u8>],
        hash: BlockHash,
    ) -> Result<Vec<Vec<u8>>, ParentchainError> {
        let keys = keys.iter().map(Vec::as_slice);
        let proof = self.methods.state_get_read_proof(keys, Some(hash.to_bytes().into())).await;
        let proof = proof.map_err(|error| ParentchainError::state(hash, &error))?;
        Ok(proof.proof.into_iter().map(|node| node.0).collect())
    }

    /// A value in the state after a block, without a proof.
    pub(crate) async fn storage(
        &self,
        key: &[u8],
        hash: BlockHash,
    ) -> Result<Option<Vec<u8>>, ParentchainError> {
        let value = self.methods.state_get_storage(key, Some(hash.to_bytes().into())).await;
        value.map_err(|error| ParentchainError::state(hash, &error))
    }

    /// Keys with this prefix in the state after a block, without a proof, at most so many.
    pub(crate) async fn keys(
        &self,
        prefix: &[u8],
        limit: u32,
        hash: BlockHash,
    ) -> Result<Vec<Vec<u8>>, ParentchainError> {
        let keys = self.methods.state_get_keys_paged(prefix, limit, None, Some(hash.to_bytes().into())).await;
        keys.map_err(|error| ParentchainError::state(hash, &error))
    }

    /// What the node says of the prefix of the chain's addresses, if it says one that there is.
    pub(crate) async fn ss58_format(&self) -> Option<u16> {
        let properties = self.methods.system_properties().await.ok()?;
        let format = u16::try_from(properties.get("ss58Format")?.as_u64()?).ok()?;
        (format <= MAX_PREFIX).then_some(format)
    }

    /// What the node says of the chain's token.
    pub(crate) async fn properties(&self) -> ChainProperties {
        let Ok(properties) = self.methods.system_properties().await else {
            return ChainProperties::default();
        };
        let first = |name: &str| match properties.get(name) {
            Some(serde_json::Value::Array(values)) => values.first().cloned(),
            other => other.cloned(),
        };
        let symbol = first("tokenSymbol").and_then(|symbol| symbol.as_str().map(str::to_owned));
        let decimals = first("tokenDecimals").and_then(|decimals| decimals.as_u64()?.try_into().ok());
        ChainProperties {
            token_symbol: symbol.unwrap_or_default(),
            token_decimals: decimals.unwrap_or_default(),
        }
    }
}
