// SPDX-License-Identifier: Apache-2.0
//! The bridge between a parentchain and its shards (pallet `EnclaveBridge`, index 54): the forms that Integritee's
//! chains use (wire.md, "Parentchain pallets").

use crate::{Measurement, ShardIdentifier};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_core::crypto::AccountId32;

/// What `EnclaveBridge.invoke` carries: an operation for a shard, encrypted to the shard's shielding key.
///
/// The spelling of `cyphertext` is the wire's.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Request {
    /// The shard that is to execute the operation.
    pub shard: ShardIdentifier,
    /// The envelope, see [`shielding`](crate::shielding).
    pub cyphertext: Vec<u8>,
}

/// Who may run a shard and how.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct ShardConfig {
    /// The measurement that the shard's enclaves must have.
    pub enclave_fingerprint: Measurement,
    /// At most this many enclaves; no limit when absent.
    pub max_instances: Option<u32>,
    /// Accounts that may change this configuration.
    pub authorities: Option<Vec<AccountId32>>,
    /// While set, the shard executes nothing new.
    pub maintenance_mode: bool,
}

/// A shard's configuration and the one that will replace it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct UpgradableShardConfig {
    /// In force until `upgrade_at`.
    pub active_config: ShardConfig,
    /// In force from `upgrade_at` on.
    pub pending_upgrade: Option<ShardConfig>,
    /// Number of the first block for which `pending_upgrade` counts.
    pub upgrade_at: Option<u32>,
}

impl UpgradableShardConfig {
    /// The configuration that counts in block `number`.
    pub fn at(&self, number: u32) -> &ShardConfig {
        match (&self.pending_upgrade, self.upgrade_at) {
            (Some(pending), Some(upgrade_at)) if number >= upgrade_at => pending,
            _ => &self.active_config,
        }
    }
}

/// The measurement that a shard allows in block `number`, given what the chain's `ShardConfigRegistry` holds for it.
///
/// A shard without a configuration allows the enclave whose measurement it is named after (wire.md).
pub fn allowed_measurement(
    shard: ShardIdentifier,
    config: Option<&UpgradableShardConfig>,
    number: u32,
) -> Measurement {
    config.map_or(shard.as_measurement(), |config| config.at(number).enclave_fingerprint)
}

/// When an enclave last confirmed a block of a shard.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen)]
pub struct ShardSignerStatus {
    /// The enclave's account.
    pub signer: AccountId32,
    /// Its measurement.
    pub fingerprint: Measurement,
    /// Number of the parentchain block in which it last confirmed.
    pub last_activity: u32,
}

/// After so many blocks of silence, an enclave's place in a shard's status may go to another one that acts. A worker
/// that is restarted keeps its place, and a dead one's is free after half an hour of blocks of six seconds. Workers
/// confirm an empty block every ten or so (their heartbeat), so whoever lives is far from this.
pub const SLOT_SILENCE_BLOCKS: u32 = 300;

/// Fewest blocks between the announcement of another `enclave_fingerprint` for a shard that lives, and the first block
/// in which it counts: the time that users have to leave before other code gets the shard's key. An hour of blocks of
/// six seconds.
pub const MIN_NOTICE_BLOCKS: u32 = 600;

#[cfg(test)]
mod tests {
    use super::*;

    fn config(measurement: u8) -> ShardConfig {
        ShardConfig {
            enclave_fingerprint: Measurement([measurement; 32]),
            max_instances: None,
            authorities: None,
            maintenance_mode: false,
        }
    }

    #[test]
    fn a_pending_upgrade_counts_from_its_block_on() {
        let shard = ShardIdentifier::from([9; 32]);
        assert_eq!(allowed_measurement(shard, None, 5), Measurement([9; 32]));
        let upgrade = UpgradableShardConfig {
            active_config: config(1),
            pending_upgrade: Some(config(2)),
            upgrade_at: Some(5),
        };
        assert_eq!(allowed_measurement(shard, Some(&upgrade), 4), Measurement([1; 32]));
        assert_eq!(allowed_measurement(shard, Some(&upgrade), 5), Measurement([2; 32]));
    }
}
