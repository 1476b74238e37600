// SPDX-License-Identifier: Apache-2.0
//! What the chain holds, proven at its newest final block.

use super::{Parentchain, ParentchainError, finality};
use crate::verification::ChainFacts;
use codec::Decode;
use offstage_attestation::ChainPolicy;
use offstage_primitives::{
    AccountId32, ShardIdentifier,
    bounded::decode_bounded,
    chain::{balances, storage},
    enclave_bridge::{UpgradableShardConfig, allowed_measurement},
    ss58::{GENERIC_PREFIX, ss58},
    teerex::{MultiEnclave, SgxEnclave},
};
use subxt::dynamic;

impl Parentchain {
    /// The free balance of an account, in the chain's smallest unit. Zero for an account that is not there.
    ///
    /// # Errors
    /// [`ParentchainError`].
    pub async fn free_balance(&self, account: &AccountId32) -> Result<u128, ParentchainError> {
        let key = storage::account(account);
        let state = finality::read(&self.0.node, &self.tip().await?, std::slice::from_ref(&key)).await?;
        free_balance_of(state.value(&key))
    }

    /// An account as people write it on this chain.
    pub async fn address(&self, account: &AccountId32) -> String {
        ss58(account, self.ss58_prefix().await)
    }

    /// Prefix of the chain's addresses: what the node says of the chain, or else what the proven runtime has, or else
    /// the generic one. It changes how an account is written, and not which account it is.
    pub async fn ss58_prefix(&self) -> u16 {
        if let Some(prefix) = self.0.node.ss58_format().await {
            return prefix;
        }
        let Ok(tip) = self.tip().await else { return GENERIC_PREFIX };
        let runtime = self.runtime_at(&tip).await.ok();
        runtime.and_then(|runtime| runtime.verified().ss58_prefix()).unwrap_or(GENERIC_PREFIX)
    }

    /// The least balance that an account may have, in the chain's smallest unit, as the node says it.
    ///
    /// # Errors
    /// [`ParentchainError::Read`].
    pub async fn existential_deposit(&self) -> Result<u128, ParentchainError> {
        let at = self.at_final_block().await?;
        at.constants()
            .entry(dynamic::constant::<u128>(balances::PALLET, balances::EXISTENTIAL_DEPOSIT))
            .map_err(|error| ParentchainError::read("the existential deposit", &error))
    }

    /// The registered enclaves with their signers, ordered by signer: at most [`MAX_ENCLAVES`]. Each is proven; that
    /// there are no others is the node's word.
    ///
    /// # Errors
    /// [`ParentchainError`].
    pub async fn enclaves(&self) -> Result<Vec<(AccountId32, SgxEnclave)>, ParentchainError> {
        let what = "the registry of enclaves";
        let tip = self.tip().await?;
        let keys = self.0.node.keys(&storage::sovereign_enclaves(), MAX_ENCLAVES, tip.id().hash).await?;
        let state = finality::read(&self.0.node, &tip, &keys).await?;
        let mut enclaves = Vec::new();
        for key in keys {
            // Blake2_128Concat: the key ends with the account itself.
            let signer = key.last_chunk::<32>().map(|signer| AccountId32::new(*signer));
            let signer = signer.filter(|signer| storage::sovereign_enclave(signer) == key);
            let signer = signer.ok_or_else(|| malformed(what))?;
            if let Some(MultiEnclave::Sgx(enclave)) = decoded(what, state.value(&key))? {
                enclaves.push((signer, enclave));
            }
        }
        enclaves.sort_by(|one, other| one.0.cmp(&other.0));
        Ok(enclaves)
    }

    /// What a verifier of `signer`'s evidence for `shard` must know of the chain.
    ///
    /// # Errors
    /// [`ParentchainError`].
    pub async fn facts(
        &self,
        signer: &AccountId32,
        shard: ShardIdentifier,
    ) -> Result<ChainFacts, ParentchainError> {
        let tip = self.tip().await?;
        let own = [storage::timestamp(), storage::shard_config(shard), storage::sovereign_enclave(signer)];
        let keys = [&own[..], &ChainPolicy::storage_keys()].concat();
        let state = finality::read(&self.0.node, &tip, &keys).await?;
        let [now, config, enclave] = own.each_ref().map(|key| state.value(key));
        let policy = ChainPolicy::from_storage(|key| state.value(key))
            .map_err(|error| ParentchainError::read("the chain's policy of attestation", &error))?;
        let now: u64 = decoded("the chain's time", now)?.ok_or_else(|| malformed("the chain's time"))?;
        let config: Option<UpgradableShardConfig> = decoded("the shard's configuration", config)?;
        let enclave: Option<MultiEnclave> = decoded("the registry of enclaves", enclave)?;
        Ok(ChainFacts {
            genesis_hash: self.genesis_hash(),
            block: tip.id(),
            policy,
            trusted_root: self.trust().root,
            now_secs: now / MILLISECONDS_PER_SECOND,
            shard,
            allowed_measurement: allowed_measurement(shard, config.as_ref(), tip.id().number),
            registered: enclave.map(|MultiEnclave::Sgx(enclave)| enclave),
        })
    }
}

/// The beginning of frame-system's `AccountInfo` with pallet-balances' `AccountData`.
#[derive(Decode)]
struct AccountInfo {
    _nonce: u32,
    _consumers: u32,
    _providers: u32,
    _sufficients: u32,
    free: u128,
}

/// What an account's entry says that is free. An account that is not there has nothing.
pub(super) fn free_balance_of(entry: Option<&[u8]>) -> Result<u128, ParentchainError> {
    match entry {
        // More fields follow on some chains.
        Some(mut value) => AccountInfo::decode(&mut value)
            .map(|info| info.free)
            .map_err(|_| malformed("the account's balance")),
        None => Ok(0),
    }
}

/// A proven value, if there is one.
pub(super) fn decoded<T: Decode>(
    what: &'static str,
    value: Option<&[u8]>,
) -> Result<Option<T>, ParentchainError> {
    let value = value.map(|bytes| decode_bounded(bytes, MAX_STORAGE_VALUE_LEN)).transpose();
    value.map_err(|_| malformed(what))
}

pub(super) fn malformed(what: &'static str) -> ParentchainError {
    ParentchainError::Read {
        what,
        reason: "the chain keeps it in a form that this version of the client does not know".to_owned(),
    }
}

/// How many entries of the registry are shown.
pub const MAX_ENCLAVES: u32 = 1000;

/// The largest of the values that are read here is a shard's configuration with its authorities.
const MAX_STORAGE_VALUE_LEN: usize = 64 * 1024;

/// `Timestamp.Now` counts milliseconds.
const MILLISECONDS_PER_SECOND: u64 = 1000;
