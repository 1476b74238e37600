// SPDX-License-Identifier: Apache-2.0
//! Which code may be a shard's enclave, and who may change that.
//!
//! A shard without a configuration has the implicit one: the measurement is the shard's own name, no authorities,
//! no limit, no maintenance.
//!
//! | active configuration | may change it |
//! |---|---|
//! | names authorities | these accounts, and root |
//! | names none, or there is no configuration | a registered enclave of the active measurement, and root |
//!
//! Where nobody is named, only the shard's own code may choose its successor, which is as strong as the shard
//! itself; the default enclave never does. Where authorities are named, the shard's users trust them: they may allow
//! any code. Today's enclaves give the shielding key to their own measurement alone, and neither serve nor sign while
//! the shard allows another, so such a change ends the shard's service and gives nobody its key. So that the users can
//! leave first, another measurement for a shard that lives counts at the earliest [`MIN_NOTICE_BLOCKS`] after it was
//! announced, whoever announces it. What else is changed takes effect when its sender wants.
//!
//! In maintenance the chain refuses `invoke` and `shield_funds`; confirmations and payments go on.

use crate::{Config, Error, Pallet, ShardConfigRegistry, limits};
use frame_support::ensure;
use offstage_primitives::{
    AccountId32, ShardIdentifier,
    enclave_bridge::{MIN_NOTICE_BLOCKS, ShardConfig, UpgradableShardConfig},
};
use sp_runtime::DispatchError;

impl<T: Config> Pallet<T> {
    /// The configuration that counts in the current block.
    pub fn active_config(shard: ShardIdentifier) -> ShardConfig {
        match ShardConfigRegistry::<T>::get(shard) {
            Some(config) => config.at(Self::number()).clone(),
            None => ShardConfig {
                enclave_fingerprint: shard.as_measurement(),
                max_instances: None,
                authorities: None,
                maintenance_mode: false,
            },
        }
    }

    /// Puts `successor` into force `enactment_delay` blocks from now. `sender` is `None` for root.
    ///
    /// # Errors
    /// When the sender may not, the successor names no or too many authorities, or other code without notice.
    pub(crate) fn schedule(
        sender: Option<&AccountId32>,
        shard: ShardIdentifier,
        successor: ShardConfig,
        enactment_delay: u32,
    ) -> Result<(), DispatchError> {
        let active = Self::active_config(shard);
        if let Some(sender) = sender {
            Self::ensure_may_configure(sender, &active)?;
        }
        let authorities = successor.authorities.as_ref().map_or(1, |authorities| authorities.len());
        ensure!((1..=limits::AUTHORITIES).contains(&authorities), Error::<T>::InvalidAuthorities);
        let with_notice = successor.enclave_fingerprint == active.enclave_fingerprint
            || enactment_delay >= MIN_NOTICE_BLOCKS
            || !Self::is_alive(shard);
        ensure!(with_notice, Error::<T>::NoticeTooShort);
        let config = match enactment_delay {
            0 => UpgradableShardConfig { active_config: successor, pending_upgrade: None, upgrade_at: None },
            delay => UpgradableShardConfig {
                active_config: active,
                pending_upgrade: Some(successor),
                upgrade_at: Some(Self::number().saturating_add(delay)),
            },
        };
        ShardConfigRegistry::<T>::insert(shard, config);
        Ok(())
    }

    fn ensure_may_configure(sender: &AccountId32, active: &ShardConfig) -> Result<(), DispatchError> {
        match &active.authorities {
            Some(authorities) => ensure!(authorities.contains(sender), Error::<T>::NotAnAuthorityOfShard),
            None => {
                let measurement = pallet_teerex::Pallet::<T>::measurement_of(sender)?;
                ensure!(measurement == active.enclave_fingerprint, Error::<T>::WrongFingerprintForShard);
            }
        }
        Ok(())
    }
}
