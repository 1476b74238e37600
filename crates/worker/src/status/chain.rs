// SPDX-License-Identifier: Apache-2.0
//! What the node says of a worker: its funds, its registration, and the others of its shard.

use crate::{node::Node, text::escaped};
use anyhow::Result;
use codec::Decode;
use offstage_primitives::{
    AccountId32, ShardIdentifier,
    chain::storage,
    enclave_bridge::{SLOT_SILENCE_BLOCKS, ShardSignerStatus},
    teerex::{MultiEnclave, RENEWAL_PERIOD_MS, SgxEnclave},
};
use serde_json::{Map, Value, json};

/// What the node says.
pub(crate) struct OnChain {
    funds: Funds,
    registration: Option<Registration>,
    peers: Vec<Peer>,
}

/// What is on the worker's account.
pub(crate) struct Funds {
    pub(crate) free: u128,
    pub(crate) decimals: u8,
    pub(crate) symbol: String,
}

struct Registration {
    age_seconds: u64,
    counts_for_seconds: u64,
    url: Option<String>,
}

struct Peer {
    account: String,
    url: Option<String>,
    blocks_since_confirmation: u32,
}

impl OnChain {
    /// Asks the node for its newest final state.
    pub(super) async fn read(node: &Node, account: &AccountId32, shard: ShardIdentifier) -> Result<Self> {
        let head = node.finalized_head().await?;
        let now = chain_time_ms(node).await?;
        let registration = enclave_of(node, account).await?.map(|enclave| Registration {
            age_seconds: now.saturating_sub(enclave.timestamp) / 1000,
            counts_for_seconds: enclave.timestamp.saturating_add(RENEWAL_PERIOD_MS).saturating_sub(now)
                / 1000,
            url: url_of(&enclave),
        });
        let mut peers = Vec::new();
        for member in members(node, shard).await?.unwrap_or_default() {
            let silent_for = head.number.saturating_sub(member.last_activity);
            if member.signer == *account || silent_for > SLOT_SILENCE_BLOCKS {
                continue;
            }
            peers.push(Peer {
                account: node.address(&member.signer).await,
                url: enclave_of(node, &member.signer).await?.as_ref().and_then(url_of),
                blocks_since_confirmation: silent_for,
            });
        }
        Ok(Self { funds: Funds::read(node, account).await?, registration, peers })
    }

    pub(super) fn put_into(self, fields: &mut Map<String, Value>) {
        let Funds { free, decimals, symbol } = self.funds;
        // A number of 128 bits is no JSON number for every reader.
        let funds = json!({ "free": free.to_string(), "decimals": decimals, "symbol": symbol });
        fields.insert("funds".into(), funds);
        let registration = self.registration.map(|registration| {
            json!({
                "ageSeconds": registration.age_seconds,
                "countsForSeconds": registration.counts_for_seconds,
                "url": registration.url,
            })
        });
        fields.insert("registration".into(), registration.into());
        let peers = self.peers.into_iter().map(|peer| {
            json!({
                "account": peer.account,
                "url": peer.url,
                "blocksSinceConfirmation": peer.blocks_since_confirmation,
            })
        });
        fields.insert("peers".into(), peers.collect());
    }
}

impl Funds {
    /// Asks the node.
    pub(crate) async fn read(node: &Node, account: &AccountId32) -> Result<Self> {
        let (decimals, symbol) = node.token().await?;
        Ok(Self { free: node.free_balance(account).await?, decimals, symbol: escaped(&symbol) })
    }
}

/// Chain time in milliseconds since the Unix epoch, at the node's best block.
pub(crate) async fn chain_time_ms(node: &Node) -> Result<u64> {
    let value = node.storage(&storage::timestamp(), None).await?.unwrap_or_default();
    Ok(u64::decode(&mut &value[..]).unwrap_or_default())
}

/// The enclaves that confirmed blocks of a shard; `None` when it does not live.
pub(crate) async fn members(node: &Node, shard: ShardIdentifier) -> Result<Option<Vec<ShardSignerStatus>>> {
    let value = node.storage(&storage::shard_status(shard), None).await?;
    Ok(value.map(|value| Vec::decode(&mut &value[..]).unwrap_or_default()))
}

async fn enclave_of(node: &Node, account: &AccountId32) -> Result<Option<SgxEnclave>> {
    let value = node.storage(&storage::sovereign_enclave(account), None).await?;
    let enclave = value.and_then(|value| MultiEnclave::decode(&mut &value[..]).ok());
    Ok(enclave.map(|MultiEnclave::Sgx(enclave)| enclave))
}

/// What somebody registered, safe to be shown.
fn url_of(enclave: &SgxEnclave) -> Option<String> {
    enclave.url.as_ref().map(|url| escaped(&String::from_utf8_lossy(url)))
}
