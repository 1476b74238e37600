// SPDX-License-Identifier: Apache-2.0
//! The shards of a chain: who serves them, with which code, since when.
//!
//! What a shard's entries hold is proven at the newest final block. Two things are the node's word: that there are no
//! other shards, and in which block a shard was born, for the chain does not keep that.

use super::{
    Parentchain, ParentchainError, finality,
    storage::{decoded, free_balance_of, malformed},
};
use offstage_light_client::BlockId;
use offstage_primitives::{
    AccountId32, BlockHash, Measurement, ShardIdentifier,
    chain::{enclave_bridge, storage},
    enclave_bridge::{SLOT_SILENCE_BLOCKS, ShardSignerStatus, UpgradableShardConfig, allowed_measurement},
    teerex::{MultiEnclave, RENEWAL_PERIOD_MS, SgxEnclave},
};
use std::collections::BTreeSet;

/// The shards of a chain at one block.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shards {
    /// The final block.
    pub block: BlockId,
    /// Ordered by name; at most [`MAX_SHARDS`].
    pub shards: Vec<Shard>,
}

/// A shard as the chain knows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shard {
    /// Its name.
    pub shard: ShardIdentifier,
    /// The measurement that it allows.
    pub allowed: Measurement,
    /// The measurement that it will allow, and from which block on.
    pub upgrade: Option<(Measurement, u32)>,
    /// Whether it takes nothing in.
    pub is_in_maintenance: bool,
    /// What is on its account, in the chain's smallest unit.
    pub funds: u128,
    /// The enclaves that confirmed; `None` when nobody ever did, so that the shard does not live.
    pub members: Option<Vec<Member>>,
    /// The block in which it was born, by the node's word; `None` when the node does not know it any more.
    pub born_in: Option<u32>,
}

/// An enclave that has a place in a shard.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Member {
    /// Its account.
    pub signer: AccountId32,
    /// The block in which it last confirmed.
    pub last_activity: u32,
    /// Where it is reached, as it registered.
    pub url: Option<Vec<u8>>,
    /// Whether it acts for the shard.
    pub state: MemberState,
}

/// Whether an enclave acts for its shard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MemberState {
    /// It is registered, has the right code, and confirmed lately.
    Alive,
    /// It confirmed nothing for so long that its place is free for others.
    Silent,
    /// It is not registered any more, or for too long.
    Unregistered,
    /// It has another measurement than the shard allows.
    OtherMeasurement,
}

impl Parentchain {
    /// The shards of the chain.
    ///
    /// # Errors
    /// [`ParentchainError`].
    pub async fn shards(&self) -> Result<Shards, ParentchainError> {
        let tip = self.tip().await?;
        let block = tip.id();
        let mut shards = Vec::new();
        for shard in self.shard_names(block.hash).await? {
            let own = [
                storage::timestamp(),
                storage::shard_config(shard),
                storage::shard_status(shard),
                storage::account(&AccountId32::new(*shard.as_bytes())),
            ];
            let state = finality::read(&self.0.node, &tip, &own).await?;
            let [now, config, status, account] = own.each_ref().map(|key| state.value(key));
            let now: u64 = decoded("the chain's time", now)?.unwrap_or_default();
            let config: Option<UpgradableShardConfig> = decoded("the shard's configuration", config)?;
            let status: Option<Vec<ShardSignerStatus>> = decoded("the shard's status", status)?;
            // The node named it, and the state knows nothing of it.
            if config.is_none() && status.is_none() {
                continue;
            }
            let signers: Vec<AccountId32> =
                status.iter().flatten().map(|member| member.signer.clone()).collect();
            let keys: Vec<Vec<u8>> = signers.iter().map(storage::sovereign_enclave).collect();
            let registry = finality::read(&self.0.node, &tip, &keys).await?;
            let mut registered = Vec::new();
            for key in &keys {
                let enclave: Option<MultiEnclave> = decoded("the registry of enclaves", registry.value(key))?;
                registered.push(enclave.map(|MultiEnclave::Sgx(enclave)| enclave));
            }
            let allowed = allowed_measurement(shard, config.as_ref(), block.number);
            let members = status.map(|status| {
                status
                    .into_iter()
                    .zip(registered)
                    .map(|(member, enclave)| Member {
                        state: MemberState::of(&member, enclave.as_ref(), allowed, block.number, now),
                        url: enclave.and_then(|enclave| enclave.url),
                        signer: member.signer,
                        last_activity: member.last_activity,
                    })
                    .collect()
            });
            shards.push(Shard {
                shard,
                allowed,
                upgrade: config.as_ref().and_then(|config| upgrade(config, block.number)),
                is_in_maintenance: config
                    .as_ref()
                    .is_some_and(|config| config.at(block.number).maintenance_mode),
                funds: free_balance_of(account)?,
                born_in: match &members {
                    Some(_) => self.birth(shard, block.number).await,
                    None => None,
                },
                members,
            });
        }
        Ok(Shards { block, shards })
    }

    /// The shards that have an entry, by the node's word.
    async fn shard_names(&self, at: BlockHash) -> Result<BTreeSet<ShardIdentifier>, ParentchainError> {
        let mut names = BTreeSet::new();
        for item in [enclave_bridge::SHARD_STATUS, enclave_bridge::SHARD_CONFIG_REGISTRY] {
            let prefix = storage::value(enclave_bridge::PALLET, item);
            for key in self.0.node.keys(&prefix, MAX_SHARDS, at).await? {
                // Blake2_128Concat: the key ends with the shard itself.
                let shard = key.last_chunk::<32>().map(|shard| ShardIdentifier::from(*shard));
                let shard = shard.filter(|shard| {
                    storage::blake2_128_concat(enclave_bridge::PALLET, item, shard.as_bytes()) == key
                });
                names.insert(shard.ok_or_else(|| malformed("the list of shards"))?);
            }
        }
        Ok(names)
    }

    /// The first block whose state has the shard's status, found by halving. A node that keeps no old states does not
    /// know.
    async fn birth(&self, shard: ShardIdentifier, newest: u32) -> Option<u32> {
        let node = &self.0.node;
        let (mut before, mut after) = (0, newest);
        while before < after {
            let middle = before + (after - before) / 2;
            let hash = node.block_hash(middle).await.ok()??;
            match node.storage(&storage::shard_status(shard), hash).await.ok()? {
                Some(_) => after = middle,
                None => before = middle + 1,
            }
        }
        Some(after)
    }
}

impl MemberState {
    fn of(
        member: &ShardSignerStatus,
        enclave: Option<&SgxEnclave>,
        allowed: Measurement,
        number: u32,
        now_ms: u64,
    ) -> Self {
        let Some(enclave) =
            enclave.filter(|enclave| now_ms.saturating_sub(enclave.timestamp) <= RENEWAL_PERIOD_MS)
        else {
            return Self::Unregistered;
        };
        if enclave.mr_enclave != allowed {
            Self::OtherMeasurement
        } else if number.saturating_sub(member.last_activity) > SLOT_SILENCE_BLOCKS {
            Self::Silent
        } else {
            Self::Alive
        }
    }
}

/// Another measurement that the chain has announced.
fn upgrade(config: &UpgradableShardConfig, number: u32) -> Option<(Measurement, u32)> {
    let (pending, at) = (config.pending_upgrade.as_ref()?, config.upgrade_at?);
    let measurement = pending.enclave_fingerprint;
    (at > number && measurement != config.at(number).enclave_fingerprint).then_some((measurement, at))
}

/// So many entries of each kind are looked at.
pub const MAX_SHARDS: u32 = 1000;

#[cfg(test)]
mod tests {
    use super::*;
    use offstage_primitives::{
        enclave_bridge::ShardConfig,
        teerex::{SgxAttestationMethod, SgxBuildMode, SgxReportData, SgxStatus},
    };

    fn enclave(mr_enclave: u8, timestamp: u64) -> SgxEnclave {
        SgxEnclave {
            report_data: SgxReportData { d: [3; 64] },
            mr_enclave: Measurement([mr_enclave; 32]),
            mr_signer: [0; 32],
            timestamp,
            url: None,
            build_mode: SgxBuildMode::Production,
            attestation_method: SgxAttestationMethod::Dcap { proxied: false },
            status: SgxStatus::Ok,
        }
    }

    #[test]
    fn who_acts_for_a_shard_is_told_from_who_does_not() {
        let member = ShardSignerStatus {
            signer: AccountId32::new([1; 32]),
            fingerprint: Measurement([7; 32]),
            last_activity: 100,
        };
        let allowed = Measurement([7; 32]);
        let of = |enclave: Option<SgxEnclave>, number, now| {
            MemberState::of(&member, enclave.as_ref(), allowed, number, now)
        };
        assert_eq!(of(Some(enclave(7, 0)), 400, RENEWAL_PERIOD_MS), MemberState::Alive);
        assert_eq!(of(Some(enclave(7, 0)), 401, 0), MemberState::Silent);
        assert_eq!(of(Some(enclave(7, 0)), 100, RENEWAL_PERIOD_MS + 1), MemberState::Unregistered);
        assert_eq!(of(None, 100, 0), MemberState::Unregistered);
        assert_eq!(of(Some(enclave(8, 0)), 100, 0), MemberState::OtherMeasurement);
    }

    #[test]
    fn only_another_measurement_that_is_to_come_is_an_upgrade() {
        let config = |measurement: u8| ShardConfig {
            enclave_fingerprint: Measurement([measurement; 32]),
            max_instances: None,
            authorities: None,
            maintenance_mode: false,
        };
        let mut announced = UpgradableShardConfig {
            active_config: config(1),
            pending_upgrade: Some(config(2)),
            upgrade_at: Some(50),
        };
        assert_eq!(upgrade(&announced, 49), Some((Measurement([2; 32]), 50)));
        assert_eq!(upgrade(&announced, 50), None);
        announced.pending_upgrade = Some(config(1));
        assert_eq!(upgrade(&announced, 49), None);
    }
}
