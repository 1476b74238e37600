// SPDX-License-Identifier: Apache-2.0
//! What the chain holds, at its newest final block.

use super::{Parentchain, ParentchainError};
use crate::verification::ChainFacts;
use codec::Decode;
use offstage_primitives::{
    AccountId32, H256, ShardIdentifier,
    attestation::{INTEL_ROOT, TcbPolicy},
    bounded::decode_bounded,
    chain::{balances, enclave_bridge, system, teerex, timestamp},
    enclave_bridge::{UpgradableShardConfig, allowed_fingerprint},
    teerex::{MultiEnclave, SecurityFlags, SgxEnclave},
};
use subxt::{
    OnlineClientAtBlock, PolkadotConfig,
    dynamic::{self, Value},
    ext::scale_decode::DecodeAsType,
};

impl Parentchain {
    /// The free balance of an account, in the chain's smallest unit. Zero for an account that is not there.
    ///
    /// # Errors
    /// [`ParentchainError::Read`].
    pub async fn free_balance(&self, account: &AccountId32) -> Result<u128, ParentchainError> {
        let what = "the account's balance";
        let at = self.at_final_block().await?;
        let address = dynamic::storage::<([u8; 32],), AccountInfo>(system::PALLET, system::ACCOUNT);
        let value = at
            .storage()
            .try_fetch(address, (*account.as_ref(),))
            .await
            .map_err(|error| ParentchainError::read(what, &error))?;
        match value {
            Some(value) => {
                let info = value.decode().map_err(|error| ParentchainError::read(what, &error))?;
                Ok(info.data.free)
            }
            None => Ok(0),
        }
    }

    /// The least balance that an account may have, in the chain's smallest unit.
    ///
    /// # Errors
    /// [`ParentchainError::Read`].
    pub async fn existential_deposit(&self) -> Result<u128, ParentchainError> {
        let at = self.at_final_block().await?;
        at.constants()
            .entry(dynamic::constant::<u128>(balances::PALLET, balances::EXISTENTIAL_DEPOSIT))
            .map_err(|error| ParentchainError::read("the existential deposit", &error))
    }

    /// All registered enclaves with their signers, ordered by signer.
    ///
    /// # Errors
    /// [`ParentchainError::WrongChain`] without the registry, [`ParentchainError::Read`] when it cannot be read.
    pub async fn enclaves(&self) -> Result<Vec<(AccountId32, SgxEnclave)>, ParentchainError> {
        let what = "the registry of enclaves";
        let at = self.at_final_block().await?;
        require(&at, teerex::PALLET)?;
        let address = dynamic::storage::<([u8; 32],), Value>(teerex::PALLET, teerex::SOVEREIGN_ENCLAVES);
        let mut entries =
            at.storage().iter(address, ()).await.map_err(|error| ParentchainError::read(what, &error))?;
        let mut enclaves = Vec::new();
        while let Some(entry) = entries.next().await {
            let entry = entry.map_err(|error| ParentchainError::read(what, &error))?;
            // Blake2_128Concat: the key ends with the account itself.
            let signer: Option<[u8; 32]> = entry.key_bytes().last_chunk::<32>().copied();
            let signer = signer.ok_or_else(|| malformed(what))?;
            let MultiEnclave::Sgx(enclave) = decode(what, entry.value().bytes())?;
            enclaves.push((AccountId32::new(signer), enclave));
        }
        enclaves.sort_by(|one, other| one.0.cmp(&other.0));
        Ok(enclaves)
    }

    /// What a verifier of `signer`'s evidence for `shard` must know of the chain.
    ///
    /// A chain that names neither a root certificate nor a policy of patch levels (Integritee's do not) counts as one
    /// that trusts Intel's root and the default policy.
    ///
    /// # Errors
    /// [`ParentchainError::WrongChain`] or [`ParentchainError::Read`].
    pub async fn facts(
        &self,
        signer: &AccountId32,
        shard: ShardIdentifier,
    ) -> Result<ChainFacts, ParentchainError> {
        let at = self.at_final_block().await?;
        require(&at, teerex::PALLET)?;
        require(&at, enclave_bridge::PALLET)?;
        let root = optional::<Vec<u8>>(&at, teerex::PALLET, teerex::ROOT_CERTIFICATE, None).await?;
        let policy = optional::<TcbPolicy>(&at, teerex::PALLET, teerex::TCB_POLICY, None).await?;
        let flags = optional::<SecurityFlags>(&at, teerex::PALLET, teerex::SECURITY_FLAGS, None).await?;
        let debug_mode = optional::<bool>(&at, teerex::PALLET, teerex::SGX_ALLOW_DEBUG_MODE, None).await?;
        let now = optional::<u64>(&at, timestamp::PALLET, timestamp::NOW, None)
            .await?
            .ok_or_else(|| malformed("the chain's time"))?;
        let config = optional::<UpgradableShardConfig>(
            &at,
            enclave_bridge::PALLET,
            enclave_bridge::SHARD_CONFIG_REGISTRY,
            Some(shard.as_bytes()),
        )
        .await?;
        let enclave =
            optional::<MultiEnclave>(&at, teerex::PALLET, teerex::SOVEREIGN_ENCLAVES, Some(signer.as_ref()))
                .await?;
        // Block numbers of the chains in use have 32 bits.
        let number = u32::try_from(at.block_number()).unwrap_or(u32::MAX);
        Ok(ChainFacts {
            genesis_hash: self.genesis_hash(),
            block_number: number,
            root_certificate: root.unwrap_or_else(|| INTEL_ROOT.to_vec()),
            tcb_policy: policy.unwrap_or_default(),
            allow_debug: flags
                .map_or_else(|| debug_mode.unwrap_or(false), |flags| flags.sgx_allow_debug_mode),
            now_seconds: now / MILLISECONDS_PER_SECOND,
            shard,
            allowed_fingerprint: allowed_fingerprint(shard, config.as_ref(), number),
            registered: enclave.map(|MultiEnclave::Sgx(enclave)| enclave),
        })
    }

    /// Hash of the final block with this number, or `None` when there is none yet.
    ///
    /// # Errors
    /// [`ParentchainError::Read`].
    pub async fn final_block_hash(&self, number: u64) -> Result<Option<H256>, ParentchainError> {
        let at = self.at_final_block().await?;
        if number > at.block_number() {
            return Ok(None);
        }
        let block = self
            .api
            .at_block(number)
            .await
            .map_err(|error| ParentchainError::read("a final block", &error))?;
        Ok(Some(H256(block.block_hash().0)))
    }
}

/// The parts of `System.Account` that are of interest here.
#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct AccountInfo {
    data: AccountData,
}

#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct AccountData {
    free: u128,
}

/// A storage item that a chain may not have.
async fn optional<T: Decode>(
    at: &OnlineClientAtBlock<PolkadotConfig>,
    pallet: &'static str,
    item: &'static str,
    key: Option<&[u8; 32]>,
) -> Result<Option<T>, ParentchainError> {
    let exists = at
        .metadata_ref()
        .pallet_by_name(pallet)
        .and_then(|pallet| pallet.storage())
        .is_some_and(|storage| storage.entry_by_name(item).is_some());
    if !exists {
        return Ok(None);
    }
    let address = dynamic::storage::<Vec<Value>, Value>(pallet, item);
    let key = key.map(Value::from_bytes).into_iter().collect();
    let value =
        at.storage().try_fetch(address, key).await.map_err(|error| ParentchainError::read(item, &error))?;
    value.map(|value| decode(item, value.bytes())).transpose()
}

fn require(at: &OnlineClientAtBlock<PolkadotConfig>, pallet: &'static str) -> Result<(), ParentchainError> {
    match at.metadata_ref().pallet_by_name(pallet) {
        Some(_) => Ok(()),
        None => Err(ParentchainError::WrongChain { pallet }),
    }
}

fn decode<T: Decode>(what: &'static str, bytes: &[u8]) -> Result<T, ParentchainError> {
    decode_bounded(bytes, MAX_STORAGE_VALUE_LEN).map_err(|_| malformed(what))
}

fn malformed(what: &'static str) -> ParentchainError {
    ParentchainError::Read {
        what,
        reason: "the chain keeps it in a form that this version of the client does not know".to_owned(),
    }
}

/// The largest of the values that are read here is a root certificate of about 1 KB.
const MAX_STORAGE_VALUE_LEN: usize = 64 * 1024;

/// `Timestamp.Now` counts milliseconds.
const MILLISECONDS_PER_SECOND: u64 = 1000;
