// SPDX-License-Identifier: Apache-2.0
//! Which enclaves speak for a shard.
//!
//! A shard lives when its status exists. The first accepted confirmation makes it, and nothing unmakes it: before, the
//! chain takes neither operations nor money for the shard, because nobody may ever open them.
//!
//! The status holds up to [`limits::INSTANCES`] enclaves, or fewer if the shard's configuration says so. An enclave
//! enters it when it first acts for the shard. When the limit is reached, a newcomer gets the place of one that cannot
//! act any more (not registered, registered too long ago, or of a measurement that is not allowed any more), and else
//! of the one that has been silent for longest, if that is more than [`SLOT_SILENCE_BLOCKS`]. So dead workers never
//! block their successors, and an enclave that acts is never displaced.

use crate::{Config, Error, Pallet, ShardStatus, limits};
use frame_support::{BoundedVec, ensure, traits::ConstU32};
use offstage_primitives::{
    AccountId32, Measurement, ShardIdentifier,
    enclave_bridge::{SLOT_SILENCE_BLOCKS, ShardSignerStatus},
};
use sp_runtime::DispatchError;

/// The enclaves of a shard.
pub type Status = BoundedVec<ShardSignerStatus, ConstU32<{ limits::INSTANCES }>>;

impl<T: Config> Pallet<T> {
    /// Whether an enclave ever confirmed a block for this shard.
    pub fn is_alive(shard: ShardIdentifier) -> bool {
        ShardStatus::<T>::contains_key(shard)
    }

    /// Admits `sender` to confirm a block for `shard`, and notes that it did. The shard lives from then on.
    ///
    /// # Errors
    /// When it may not act, is not of the shard's measurement, or finds no place among the shard's enclaves.
    pub(crate) fn admit_to_confirm(
        shard: ShardIdentifier,
        sender: &AccountId32,
    ) -> Result<(), DispatchError> {
        Self::admit(shard, sender, ShardStatus::<T>::get(shard).unwrap_or_default())
    }

    /// Admits `sender` to pay for `shard`, and notes that it did.
    ///
    /// # Errors
    /// As [`admit_to_confirm`](Self::admit_to_confirm), and when the shard does not live.
    pub(crate) fn admit_to_pay(shard: ShardIdentifier, sender: &AccountId32) -> Result<(), DispatchError> {
        pallet_teerex::Pallet::<T>::measurement_of(sender)?;
        let status = ShardStatus::<T>::get(shard).ok_or(Error::<T>::ShardNotFound)?;
        Self::admit(shard, sender, status)
    }

    fn admit(shard: ShardIdentifier, sender: &AccountId32, mut status: Status) -> Result<(), DispatchError> {
        let measurement = pallet_teerex::Pallet::<T>::measurement_of(sender)?;
        let config = Self::active_config(shard);
        ensure!(measurement == config.enclave_fingerprint, Error::<T>::WrongFingerprintForShard);

        let now = ShardSignerStatus {
            signer: sender.clone(),
            fingerprint: measurement,
            last_activity: Self::number(),
        };
        match status.iter_mut().find(|enclave| enclave.signer == *sender) {
            Some(enclave) => *enclave = now,
            None => {
                let limit = config.max_instances.unwrap_or(limits::INSTANCES).min(limits::INSTANCES) as usize;
                Self::make_room(&mut status, limit, measurement);
                ensure!(status.len() < limit, Error::<T>::TooManyEnclaves);
                status.try_push(now).map_err(|_| Error::<T>::TooManyEnclaves)?;
            }
        }
        ShardStatus::<T>::insert(shard, status);
        Ok(())
    }

    /// Makes a place below `limit` free, if there is none and it can be had.
    fn make_room(status: &mut Status, limit: usize, allowed: Measurement) {
        if status.len() < limit {
            return;
        }
        status.retain(|enclave| Self::can_act(&enclave.signer, allowed));
        let now = Self::number();
        while status.len() >= limit {
            let silent = status
                .iter()
                .filter(|enclave| now.saturating_sub(enclave.last_activity) > SLOT_SILENCE_BLOCKS)
                .min_by_key(|enclave| enclave.last_activity)
                .map(|enclave| enclave.signer.clone());
            let Some(silent) = silent else { return };
            status.retain(|enclave| enclave.signer != silent);
        }
    }

    /// Removes `subject` from the shard's status.
    ///
    /// # Errors
    /// When the shard has no status, or it does not name the subject.
    pub(crate) fn purge(shard: ShardIdentifier, subject: &AccountId32) -> Result<(), Error<T>> {
        let mut status = ShardStatus::<T>::get(shard).ok_or(Error::ShardNotFound)?;
        let before = status.len();
        status.retain(|enclave| enclave.signer != *subject);
        ensure!(status.len() < before, Error::EnclaveNotFoundInShardStatus);
        ShardStatus::<T>::insert(shard, status);
        Ok(())
    }

    fn can_act(signer: &AccountId32, allowed: Measurement) -> bool {
        pallet_teerex::Pallet::<T>::measurement_of(signer).is_ok_and(|measurement| measurement == allowed)
    }
}
