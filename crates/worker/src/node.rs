// SPDX-License-Identifier: Apache-2.0
//! What the host asks of the parentchain's node, by the legacy JSON-RPC that every Substrate node has.
//!
//! The answers become bytes for the enclave, which verifies them; here nothing is checked but that they can be read.

use crate::text::escaped;
use anyhow::{Context, Result, anyhow};
use codec::Encode;
use jsonrpsee_ws_client::WsClientBuilder;
use offstage_primitives::{
    AccountId32, BlockHash, H256, chain,
    ss58::{GENERIC_PREFIX, ss58},
};
use offstage_protocol::BlockReference;
use sp_crypto_hashing::blake2_256;
use subxt::{
    SubstrateConfig,
    config::{RpcConfigFor, substrate::SubstrateHeader},
    rpcs::{
        LegacyRpcMethods,
        client::{RpcClient, RpcParams, RpcSubscription},
        methods::legacy::BlockDetails,
    },
};

/// A connection to a node. It does not heal: when it breaks, make a new one.
#[derive(Clone)]
pub struct Node {
    rpc: RpcClient,
    methods: LegacyRpcMethods<RpcConfigFor<SubstrateConfig>>,
    url: String,
}

impl Node {
    /// Connects.
    ///
    /// # Errors
    /// When nobody answers at `url`.
    pub async fn connect(url: &str) -> Result<Self> {
        let rpc = WsClientBuilder::default()
            .max_response_size(chain::MAX_NODE_ANSWER_LEN)
            .max_buffer_capacity_per_subscription(MAX_NOTIFICATIONS)
            .build(url)
            .await
            .map_err(|error| anyhow!(reason(&error)))
            .with_context(|| {
                format!(
                    "no node answers at {url}: start one, or name another with --node-url and --node-port"
                )
            })?;
        Ok(Self::over(RpcClient::new(rpc), url))
    }

    /// A node behind a connection that is there.
    pub(crate) fn over(rpc: RpcClient, url: &str) -> Self {
        Self { methods: LegacyRpcMethods::new(rpc.clone()), rpc, url: url.to_owned() }
    }

    /// The connection, for subxt.
    pub fn rpc(&self) -> &RpcClient {
        &self.rpc
    }

    /// The hash of the genesis block.
    pub async fn genesis_hash(&self) -> Result<BlockHash> {
        self.block_hash(0).await?.context("the node knows no genesis block")
    }

    /// The hash of the block with this number on the node's best chain.
    pub async fn block_hash(&self, number: u32) -> Result<Option<BlockHash>> {
        self.methods
            .chain_get_block_hash(Some(number.into()))
            .await
            .map(|hash| hash.map(BlockHash::from))
            .map_err(|error| self.failed("chain_getBlockHash", &error))
    }

    /// The newest block that the node holds for final.
    pub async fn finalized_head(&self) -> Result<BlockReference> {
        let hash = self
            .methods
            .chain_get_finalized_head()
            .await
            .map(BlockHash::from)
            .map_err(|error| self.failed("chain_getFinalizedHead", &error))?;
        Ok(BlockReference { number: number(&self.header(hash).await?)?, hash })
    }

    /// A header by the block's hash.
    pub async fn header(&self, hash: BlockHash) -> Result<SubstrateHeader<H256>> {
        self.methods
            .chain_get_header(Some(hash.into()))
            .await
            .map_err(|error| self.failed("chain_getHeader", &error))?
            .with_context(|| lost_block(hash))
    }

    /// A block with its justification.
    pub async fn block(&self, hash: BlockHash) -> Result<Block> {
        self.methods
            .chain_get_block(Some(hash.into()))
            .await
            .map_err(|error| self.failed("chain_getBlock", &error))?
            .map(Block::from)
            .with_context(|| lost_block(hash))
    }

    /// Trie nodes that prove the keys' values, or absence, against the block's state root.
    pub async fn read_proof(&self, keys: &[Vec<u8>], at: BlockHash) -> Result<Vec<Vec<u8>>> {
        let answer = self
            .methods
            .state_get_read_proof(keys.iter().map(Vec::as_slice), Some(at.into()))
            .await
            .map_err(|error| self.failed("state_getReadProof", &error))
            .context(
                "the node cannot prove its state: it needs the states from the worker's position on \
                 (--state-pruning archive)",
            )?;
        Ok(answer.proof.into_iter().map(|node| node.0).collect())
    }

    /// A storage value, after this block or at the head.
    pub async fn storage(&self, key: &[u8], at: Option<BlockHash>) -> Result<Option<Vec<u8>>> {
        let error = match self.methods.state_get_storage(key, at.map(H256::from)).await {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let failed = self.failed("state_getStorage", &error);
        // The node's own word, and not the end of the connection. Nodes keep the newest states whatever they are told.
        Err(if at.is_some() && matches!(error, subxt::rpcs::Error::User(_)) {
            failed.context(
                "the node does not give a state: it needs the states from the worker's position on \
                 (--state-pruning archive)",
            )
        } else {
            failed
        })
    }

    /// Storage values at the head, those of absent keys left out.
    pub async fn values(&self, keys: &[Vec<u8>]) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        let answer = self
            .methods
            .state_query_storage_at(keys.iter().map(Vec::as_slice), None)
            .await
            .map_err(|error| self.failed("state_queryStorageAt", &error))?;
        let changes = answer.into_iter().flat_map(|set| set.changes);
        Ok(changes.filter_map(|(key, value)| Some((key.0, value?.0))).collect())
    }

    /// Keys with a prefix, at most `limit`, from the one after `start` on.
    pub async fn keys(&self, prefix: &[u8], limit: u32, start: Option<&[u8]>) -> Result<Vec<Vec<u8>>> {
        self.methods
            .state_get_keys_paged(prefix, limit, start, None)
            .await
            .map_err(|error| self.failed("state_getKeysPaged", &error))
    }

    /// `(tokenDecimals, tokenSymbol)` of the chain's properties; 12 and `UNIT` when it names none.
    pub async fn token(&self) -> Result<(u8, String)> {
        let properties = self
            .methods
            .system_properties()
            .await
            .map_err(|error| self.failed("system_properties", &error))?;
        // A list where the chain has several tokens; its own is the first.
        let first = |name: &str| properties.get(name).map(|value| value.get(0).unwrap_or(value));
        let decimals = first("tokenDecimals").and_then(|value| u8::try_from(value.as_u64()?).ok());
        let symbol = first("tokenSymbol").and_then(|value| value.as_str()).map(str::to_owned);
        Ok((decimals.unwrap_or(12), symbol.unwrap_or_else(|| "UNIT".into())))
    }

    /// An account as people write it on this chain, by the prefix that the node says; in the generic form when it says
    /// none. It changes how an account is written, and not which account it is.
    pub async fn address(&self, account: &AccountId32) -> String {
        let properties = self.methods.system_properties().await.unwrap_or_default();
        let prefix = properties.get("ss58Format").and_then(|value| u16::try_from(value.as_u64()?).ok());
        ss58(account, prefix.unwrap_or(GENERIC_PREFIX))
    }

    /// Submits a signed extrinsic.
    pub async fn submit(&self, extrinsic: &[u8]) -> Result<()> {
        self.methods
            .author_submit_extrinsic(extrinsic)
            .await
            .map_err(|error| self.failed("author_submitExtrinsic", &error))?;
        Ok(())
    }

    /// The free balance of an account, in the smallest unit.
    pub async fn free_balance(&self, account: &AccountId32) -> Result<u128> {
        let key = chain::storage::account(account);
        let value = self.storage(&key, None).await?;
        // AccountInfo: four u32, then AccountData, which starts with the free balance.
        Ok(value
            .and_then(|value| value.get(16..32).and_then(|bytes| <[u8; 16]>::try_from(bytes).ok()))
            .map_or(0, u128::from_le_bytes))
    }

    /// Announces each newly finalized head.
    pub async fn finalized_heads(&self) -> Result<RpcSubscription<SubstrateHeader<H256>>> {
        self.methods
            .chain_subscribe_finalized_heads()
            .await
            .map_err(|error| self.failed("chain_subscribeFinalizedHeads", &error))
    }

    /// Announces the newest GRANDPA justification, as hexadecimal text.
    pub async fn justifications(&self) -> Result<RpcSubscription<String>> {
        self.rpc
            .subscribe(
                "grandpa_subscribeJustifications",
                RpcParams::new(),
                "grandpa_unsubscribeJustifications",
            )
            .await
            .map_err(|error| self.failed("grandpa_subscribeJustifications", &error))
    }

    fn failed(&self, method: &str, error: &subxt::rpcs::Error) -> anyhow::Error {
        anyhow!(reason(error)).context(format!("the node at {} did not answer {method}", self.url))
    }
}

/// What the enclave is given of a block.
#[derive(Clone, Debug)]
pub struct Block {
    /// Its header.
    pub header: SubstrateHeader<H256>,
    /// The extrinsics, each with its length prefix.
    pub body: Vec<Vec<u8>>,
    /// The GRANDPA justification, when the node keeps one for this block.
    pub justification: Option<Vec<u8>>,
}

impl From<BlockDetails<RpcConfigFor<SubstrateConfig>>> for Block {
    fn from(details: BlockDetails<RpcConfigFor<SubstrateConfig>>) -> Self {
        let justification = details
            .justifications
            .into_iter()
            .flatten()
            .find_map(|(engine, bytes)| (&engine == b"FRNK").then_some(bytes));
        Self {
            header: details.block.header,
            body: details.block.extrinsics.into_iter().map(|extrinsic| extrinsic.0).collect(),
            justification,
        }
    }
}

/// The number and hash of the block that a header is of.
///
/// # Errors
/// When its number is not one of 32 bits.
pub fn reference(header: &SubstrateHeader<H256>) -> Result<BlockReference> {
    Ok(BlockReference { number: number(header)?, hash: blake2_256(&header.encode()).into() })
}

/// Reads hexadecimal text with or without `0x`.
pub fn from_hex(text: &str) -> Result<Vec<u8>> {
    hex::decode(text.trim_start_matches("0x")).context("the answer is not hexadecimal")
}

fn number(header: &SubstrateHeader<H256>) -> Result<u32> {
    u32::try_from(header.number).context("the node's header has a number above 2^32")
}

fn lost_block(hash: BlockHash) -> String {
    format!(
        "the node has lost block {hash:?}; it needs the blocks from the worker's position on (--blocks-pruning archive)"
    )
}

/// What went wrong, without the names of the layers that it passed through. A node's words may hold anything.
fn reason(error: &impl std::fmt::Display) -> String {
    let text = error.to_string();
    let mut text = text.as_str();
    while let Some(rest) =
        ["RPC error: ", "client error: "].into_iter().find_map(|layer| text.strip_prefix(layer))
    {
        text = rest;
    }
    escaped(text)
}

/// Notifications of one subscription that wait at most, until it is ended. What subxt chooses.
const MAX_NOTIFICATIONS: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use codec::Decode;
    use futures::{SinkExt as _, StreamExt as _};
    use serde_json::json;
    use sp_runtime::{generic, traits::BlakeTwo256};
    use tokio::net::TcpListener;
    use tokio_tungstenite::tungstenite::Message;

    fn to_hex(bytes: &[u8]) -> String {
        format!("0x{}", hex::encode(bytes))
    }

    #[test]
    fn a_header_from_json_encodes_as_substrate_does() {
        let digest = generic::Digest {
            logs: vec![
                generic::DigestItem::PreRuntime(*b"aura", vec![1, 2, 3, 4, 5, 6, 7, 8]),
                generic::DigestItem::Consensus(*b"FRNK", vec![1; 5]),
                generic::DigestItem::RuntimeEnvironmentUpdated,
                generic::DigestItem::Other(vec![2; 3]),
                generic::DigestItem::Seal(*b"aura", vec![9; 64]),
            ],
        };
        let header = generic::Header::<u32, BlakeTwo256> {
            parent_hash: H256::repeat_byte(1),
            number: 70_000,
            state_root: H256::repeat_byte(2),
            extrinsics_root: H256::repeat_byte(3),
            digest: digest.clone(),
        };
        let logs: Vec<String> = digest.logs.iter().map(|log| to_hex(&log.encode())).collect();
        let read: SubstrateHeader<H256> = serde_json::from_value(json!({
            "parentHash": to_hex(&[1; 32]), "number": "0x11170", "stateRoot": to_hex(&[2; 32]),
            "extrinsicsRoot": to_hex(&[3; 32]), "digest": { "logs": logs },
        }))
        .unwrap();
        assert_eq!(read.encode(), header.encode());
        assert_eq!(generic::Header::<u32, BlakeTwo256>::decode(&mut &read.encode()[..]).unwrap(), header);
        assert_eq!(reference(&read).unwrap(), BlockReference { number: 70_000, hash: header.hash().into() });
    }

    #[test]
    fn a_grandpa_justification_is_found_among_others() {
        let details: BlockDetails<RpcConfigFor<SubstrateConfig>> = serde_json::from_value(json!({
            "block": { "header": { "parentHash": to_hex(&[1; 32]), "number": "0x1", "stateRoot": to_hex(&[2; 32]),
                "extrinsicsRoot": to_hex(&[3; 32]), "digest": { "logs": [] } }, "extrinsics": ["0x0400"] },
            "justifications": [[[1, 2, 3, 4], [9]], [b"FRNK", [7, 8]]],
        }))
        .unwrap();
        let block = Block::from(details);
        assert_eq!(block.justification, Some(vec![7, 8]));
        assert_eq!(block.body, [vec![4, 0]]);
    }

    #[test]
    fn h23_a_nodes_words_are_escaped() {
        let error = subxt::rpcs::Error::User(subxt::rpcs::UserError {
            code: 1,
            message: "no\u{1b}[31m\nerror: forged".into(),
            data: None,
        });
        let told = reason(&error);
        assert!(told.contains(r"\u{1b}") && told.lines().count() == 1, "{told}");
    }

    #[tokio::test]
    async fn p10_an_answer_as_long_as_the_longest_proof_is_taken() {
        // A proof of 32 MiB of events, two characters a byte.
        const LEN: usize = 64 * 1024 * 1024;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}", listener.local_addr().unwrap());
        let node = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut connection = tokio_tungstenite::accept_async(stream).await.unwrap();
            let Some(Ok(Message::Text(request))) = connection.next().await else { panic!("no request") };
            let request: serde_json::Value = serde_json::from_str(&request).unwrap();
            let answer = json!({ "jsonrpc": "2.0", "id": request["id"], "result": "0".repeat(LEN) });
            connection.send(Message::text(answer.to_string())).await.unwrap();
            // Until the other side goes.
            let _ = connection.next().await;
        });
        let connected = Node::connect(&url).await.unwrap();
        let answer: String = connected.rpc().request("state_getReadProof", RpcParams::new()).await.unwrap();
        assert_eq!(answer.len(), LEN);
        drop(connected);
        node.await.unwrap();
    }
}
