// SPDX-License-Identifier: Apache-2.0
//! Who may have the shielding key, by what the node says of the chain.
//!
//! The registry names the URL of every enclave, and the bridge those that lately acted for a shard. Whoever pays can
//! register genuine enclaves with dead addresses by the hundred (threat model C16); but only who has the key can act.
//! So those that act are asked first, and the rest in an order that nobody can foresee.

use crate::node::Node;
use anyhow::Result;
use codec::Decode;
use offstage_primitives::{
    AccountId32,
    chain::storage,
    enclave_bridge::ShardSignerStatus,
    teerex::{MultiEnclave, SgxAttestationMethod},
};
use offstage_protocol::Started;
use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
};

/// URLs of enclaves that may have a shard's key.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Providers {
    /// Of those that act for the shard, in random order.
    pub acting: Vec<String>,
    /// Of other registered enclaves with the same measurement, in random order.
    pub others: Vec<String>,
    /// How many act for the shard and run other code than this enclave.
    pub unlike: usize,
}

/// Everybody who may have the key of the shard that the enclave serves, but the enclave itself.
///
/// # Errors
/// When the node fails.
pub async fn providers(node: &Node, started: &Started) -> Result<Providers> {
    let mut acting = acting_signers(node, started).await?;
    acting.retain(|signer| *signer != started.signer);
    let acting_keys: Vec<Vec<u8>> = acting.iter().map(storage::sovereign_enclave).collect();
    let own = storage::sovereign_enclave(&started.signer);
    let known: HashSet<&[u8]> = acting_keys.iter().chain([&own]).map(Vec::as_slice).collect();
    let mut other_keys = registry_keys(node).await?;
    other_keys.retain(|key| !known.contains(key.as_slice()));
    let (acting, unlike) = urls(node, started, &acting_keys).await?;
    let (others, _) = urls(node, started, &other_keys).await?;
    Ok(Providers { acting, others, unlike })
}

/// Whether a text from the chain or a peer can be an address: short, and of letters that are seen.
pub fn is_address(url: &str) -> bool {
    url.len() <= MAX_URL_LEN && !url.is_empty() && url.chars().all(|character| character.is_ascii_graphic())
}

async fn acting_signers(node: &Node, started: &Started) -> Result<Vec<AccountId32>> {
    let key = storage::shard_status(started.shard);
    let value = node.storage(&key, None).await?.unwrap_or_default();
    let statuses = Vec::<ShardSignerStatus>::decode(&mut &value[..]).unwrap_or_default();
    Ok(statuses.into_iter().map(|status| status.signer).collect())
}

/// Keys of the registry from a random place on, round its end, so that no choice of accounts keeps others from being
/// seen.
async fn registry_keys(node: &Node) -> Result<Vec<Vec<u8>>> {
    let prefix = storage::sovereign_enclaves();
    let place = RandomState::new().hash_one(0).to_le_bytes();
    let start = [&prefix[..], &place].concat();
    let mut keys = node.keys(&prefix, MAX_OTHERS, Some(&start)).await?;
    if keys.len() < MAX_OTHERS as usize {
        let missing = MAX_OTHERS - keys.len() as u32;
        let seen: HashSet<Vec<u8>> = keys.iter().cloned().collect();
        let rest = node.keys(&prefix, missing, None).await?;
        keys.extend(rest.into_iter().filter(|key| !seen.contains(key)));
    }
    Ok(keys)
}

/// The URLs of those that run the same code, and how many run other code.
async fn urls(node: &Node, started: &Started, keys: &[Vec<u8>]) -> Result<(Vec<String>, usize)> {
    let mut urls = Vec::new();
    let mut unlike = 0;
    for part in keys.chunks(KEYS_AT_ONCE) {
        for (_, value) in node.values(part).await? {
            let Ok(MultiEnclave::Sgx(enclave)) = MultiEnclave::decode(&mut &value[..]) else { continue };
            unlike += usize::from(enclave.mr_enclave != started.measurement);
            let counts = enclave.mr_enclave == started.measurement
                && enclave.attestation_method == SgxAttestationMethod::Dcap { proxied: false };
            let url = enclave.url.filter(|_| counts).and_then(|url| String::from_utf8(url).ok());
            urls.extend(url.filter(|url| is_address(url)));
        }
    }
    urls.sort_unstable();
    urls.dedup();
    let order = RandomState::new();
    urls.sort_by_cached_key(|url| order.hash_one(url));
    Ok((urls, unlike))
}

/// So many entries of the registry are looked at, beside those that act.
const MAX_OTHERS: u32 = 1_000;
const KEYS_AT_ONCE: usize = 100;
const MAX_URL_LEN: usize = 256;

#[cfg(test)]
mod tests;
