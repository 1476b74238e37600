// SPDX-License-Identifier: Apache-2.0
//! What the host asks of the parentchain's node, as plain JSON-RPC.
//!
//! The answers become bytes for the enclave, which verifies them; here nothing is checked but that they can be read.

use anyhow::{Context, Result, anyhow};
use codec::{Compact, Encode};
use offstage_primitives::{AccountId32, H256, chain};
use offstage_protocol::BlockReference;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use subxt::rpcs::client::{RpcClient, RpcParams, RpcSubscription};

/// What went wrong, without the names of the layers that it passed through.
fn reason(error: &impl std::fmt::Display) -> String {
    let text = error.to_string();
    let mut text = text.as_str();
    while let Some(rest) =
        ["RPC error: ", "client error: "].into_iter().find_map(|layer| text.strip_prefix(layer))
    {
        text = rest;
    }
    text.to_owned()
}

/// A connection to a node. It does not heal: when it breaks, make a new one.
#[derive(Clone)]
pub struct Node {
    rpc: RpcClient,
    url: String,
}

impl Node {
    /// Connects.
    ///
    /// # Errors
    /// When nobody answers at `url`.
    pub async fn connect(url: &str) -> Result<Self> {
        let rpc = RpcClient::from_insecure_url(url)
            .await
            .map_err(|error| anyhow!(reason(&error)))
            .with_context(|| {
                format!(
                    "no node answers at {url}: start one, or name another with --node-url and --node-port"
                )
            })?;
        Ok(Self { rpc, url: url.to_owned() })
    }

    /// The connection, for subxt.
    pub fn rpc(&self) -> &RpcClient {
        &self.rpc
    }

    /// The hash of the genesis block.
    pub async fn genesis_hash(&self) -> Result<H256> {
        self.block_hash(0).await?.context("the node knows no genesis block")
    }

    /// The hash of the block with this number on the node's best chain.
    pub async fn block_hash(&self, number: u32) -> Result<Option<H256>> {
        self.call::<Option<Hex>>("chain_getBlockHash", json!([number]))
            .await?
            .map(|hash| hash.hash())
            .transpose()
    }

    /// The newest block that the node holds for final.
    pub async fn finalized_head(&self) -> Result<BlockReference> {
        let hash = self.call::<Hex>("chain_getFinalizedHead", json!([])).await?.hash()?;
        Ok(BlockReference { number: self.header(hash).await?.number()?, hash })
    }

    /// A header by the block's hash.
    pub async fn header(&self, hash: H256) -> Result<RpcHeader> {
        self.call::<Option<RpcHeader>>("chain_getHeader", json!([to_hex(hash.as_bytes())]))
            .await?
            .with_context(|| format!("the node has lost block {hash:?}; it needs the blocks from the worker's position on (--blocks-pruning archive)"))
    }

    /// A block with its justifications.
    pub async fn block(&self, hash: H256) -> Result<RpcBlock> {
        self.call::<Option<RpcBlock>>("chain_getBlock", json!([to_hex(hash.as_bytes())]))
            .await?
            .with_context(|| format!("the node has lost block {hash:?}; it needs the blocks from the worker's position on (--blocks-pruning archive)"))
    }

    /// Trie nodes that prove the keys' values, or absence, against the block's state root.
    pub async fn read_proof(&self, keys: &[Vec<u8>], at: H256) -> Result<Vec<Vec<u8>>> {
        #[derive(Deserialize)]
        struct ReadProof {
            proof: Vec<Hex>,
        }
        let keys: Vec<String> = keys.iter().map(|key| to_hex(key)).collect();
        let answer: ReadProof = self
            .call("state_getReadProof", json!([keys, to_hex(at.as_bytes())]))
            .await
            .context("the node cannot prove its state: it needs the states from the worker's position on (--state-pruning archive)")?;
        answer.proof.into_iter().map(Hex::bytes).collect()
    }

    /// A storage value.
    pub async fn storage(&self, key: &[u8], at: Option<H256>) -> Result<Option<Vec<u8>>> {
        let params = match at {
            Some(at) => json!([to_hex(key), to_hex(at.as_bytes())]),
            None => json!([to_hex(key)]),
        };
        self.call::<Option<Hex>>("state_getStorage", params).await?.map(Hex::bytes).transpose()
    }

    /// All keys with a prefix, at most `limit`.
    pub async fn keys(&self, prefix: &[u8], limit: u32) -> Result<Vec<Vec<u8>>> {
        let keys: Vec<Hex> = self.call("state_getKeysPaged", json!([to_hex(prefix), limit])).await?;
        keys.into_iter().map(Hex::bytes).collect()
    }

    /// `(tokenDecimals, tokenSymbol)` of the chain's properties; 12 and `UNIT` when it names none.
    pub async fn token(&self) -> Result<(u8, String)> {
        let properties: Value = self.call("system_properties", json!([])).await?;
        let decimals =
            first(&properties["tokenDecimals"]).as_u64().and_then(|number| u8::try_from(number).ok());
        let symbol = first(&properties["tokenSymbol"]).as_str().map(str::to_owned);
        Ok((decimals.unwrap_or(12), symbol.unwrap_or_else(|| "UNIT".into())))
    }

    /// Submits a signed extrinsic.
    pub async fn submit(&self, extrinsic: &[u8]) -> Result<()> {
        self.call::<Value>("author_submitExtrinsic", json!([to_hex(extrinsic)])).await?;
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
    pub async fn finalized_heads(&self) -> Result<RpcSubscription<Value>> {
        self.subscribe("chain_subscribeFinalizedHeads", "chain_unsubscribeFinalizedHeads").await
    }

    /// Announces the newest GRANDPA justification, as hexadecimal text.
    pub async fn justifications(&self) -> Result<RpcSubscription<String>> {
        self.subscribe("grandpa_subscribeJustifications", "grandpa_unsubscribeJustifications").await
    }

    async fn subscribe<T: DeserializeOwned>(&self, method: &str, end: &str) -> Result<RpcSubscription<T>> {
        self.rpc
            .subscribe(method, RpcParams::new(), end)
            .await
            .map_err(|error| anyhow!("{error}"))
            .with_context(|| format!("the node at {} refuses {method}", self.url))
    }

    async fn call<T: DeserializeOwned>(&self, method: &str, params: Value) -> Result<T> {
        let mut encoded = RpcParams::new();
        for param in params.as_array().into_iter().flatten() {
            encoded.push(param)?;
        }
        self.rpc
            .request(method, encoded)
            .await
            .map_err(|error| anyhow!("{error}"))
            .with_context(|| format!("the node at {} did not answer {method}", self.url))
    }
}

/// A header in the node's JSON form.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RpcHeader {
    parent_hash: Hex,
    number: String,
    state_root: Hex,
    extrinsics_root: Hex,
    digest: RpcDigest,
}

#[derive(Clone, Debug, Deserialize)]
struct RpcDigest {
    logs: Vec<Hex>,
}

impl RpcHeader {
    /// The block's number.
    pub fn number(&self) -> Result<u32> {
        u32::from_str_radix(self.number.trim_start_matches("0x"), 16)
            .context("the node's header has no readable number")
    }

    /// The SCALE encoding, of which the blake2-256 hash is the block's hash. The logs are SCALE already.
    pub fn encoded(&self) -> Result<Vec<u8>> {
        let mut bytes = self.parent_hash.hash()?.encode();
        Compact(self.number()?).encode_to(&mut bytes);
        self.state_root.hash()?.encode_to(&mut bytes);
        self.extrinsics_root.hash()?.encode_to(&mut bytes);
        Compact(u32::try_from(self.digest.logs.len())?).encode_to(&mut bytes);
        for log in &self.digest.logs {
            bytes.extend(log.clone().bytes()?);
        }
        Ok(bytes)
    }
}

/// A block in the node's JSON form.
#[derive(Clone, Debug, Deserialize)]
pub struct RpcBlock {
    block: RpcBlockBody,
    justifications: Option<Vec<(Vec<u8>, Vec<u8>)>>,
}

#[derive(Clone, Debug, Deserialize)]
struct RpcBlockBody {
    header: RpcHeader,
    extrinsics: Vec<Hex>,
}

impl RpcBlock {
    /// The header.
    pub fn header(&self) -> &RpcHeader {
        &self.block.header
    }

    /// The extrinsics, each with its length prefix.
    pub fn body(&self) -> Result<Vec<Vec<u8>>> {
        self.block.extrinsics.iter().cloned().map(Hex::bytes).collect()
    }

    /// The GRANDPA justification, when the node keeps one for this block.
    pub fn grandpa_justification(&self) -> Option<Vec<u8>> {
        self.justifications
            .iter()
            .flatten()
            .find(|(engine, _)| engine == b"FRNK")
            .map(|(_, bytes)| bytes.clone())
    }
}

/// Hexadecimal text with `0x`.
#[derive(Clone, Debug, Deserialize)]
struct Hex(String);

impl Hex {
    fn bytes(self) -> Result<Vec<u8>> {
        from_hex(&self.0)
    }

    fn hash(&self) -> Result<H256> {
        let bytes: [u8; 32] =
            from_hex(&self.0)?.try_into().map_err(|_| anyhow!("the node's hash is not of 32 bytes"))?;
        Ok(H256(bytes))
    }
}

/// Reads hexadecimal text with or without `0x`.
pub fn from_hex(text: &str) -> Result<Vec<u8>> {
    hex::decode(text.trim_start_matches("0x")).context("the node's answer is not hexadecimal")
}

fn to_hex(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

fn first(value: &Value) -> &Value {
    value.get(0).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use codec::Decode;
    use sp_runtime::{generic, traits::BlakeTwo256};

    #[test]
    fn a_header_from_json_encodes_as_substrate_does() {
        let digest = generic::Digest {
            logs: vec![
                generic::DigestItem::PreRuntime(*b"aura", vec![1, 2, 3, 4, 5, 6, 7, 8]),
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
        let read: RpcHeader = serde_json::from_value(json!({
            "parentHash": to_hex(&[1; 32]), "number": "0x11170", "stateRoot": to_hex(&[2; 32]),
            "extrinsicsRoot": to_hex(&[3; 32]), "digest": { "logs": logs },
        }))
        .unwrap();
        assert_eq!(read.encoded().unwrap(), header.encode());
        assert_eq!(
            generic::Header::<u32, BlakeTwo256>::decode(&mut &read.encoded().unwrap()[..]).unwrap(),
            header
        );
    }

    #[test]
    fn a_grandpa_justification_is_found_among_others() {
        let block: RpcBlock = serde_json::from_value(json!({
            "block": { "header": { "parentHash": to_hex(&[1; 32]), "number": "0x1", "stateRoot": to_hex(&[2; 32]),
                "extrinsicsRoot": to_hex(&[3; 32]), "digest": { "logs": [] } }, "extrinsics": ["0x0400"] },
            "justifications": [[[1, 2, 3, 4], [9]], [b"FRNK", [7, 8]]],
        }))
        .unwrap();
        assert_eq!(block.grandpa_justification(), Some(vec![7, 8]));
        assert_eq!(block.body().unwrap(), [vec![4, 0]]);
    }
}
