// SPDX-License-Identifier: Apache-2.0
//! Which enclaves speak for a shard.
//!
//! The status holds up to [`limits::INSTANCES`] of them, or fewer if the shard's configuration says so. An enclave
//! enters it when it first acts for the shard. When the limit is reached, those that cannot act any more (not
//! registered, or of a measurement that is not allowed any more) make room; an enclave that could still act is
//! never displaced.

use crate::{Config, Error, Pallet, ShardStatus, limits};
use frame_support::ensure;
use offstage_primitives::{AccountId32, H256, ShardIdentifier, enclave_bridge::ShardSignerStatus};
use sp_runtime::DispatchError;

impl<T: Config> Pallet<T> {
    /// Admits `sender` to act for `shard` in this block, and notes that it did.
    ///
    /// # Errors
    /// When it is not a registered enclave, not of the shard's measurement, or beyond the limit of instances.
    pub(crate) fn touch(shard: ShardIdentifier, sender: &AccountId32) -> Result<(), DispatchError> {
        let fingerprint = pallet_teerex::Pallet::<T>::fingerprint_of(sender)?;
        let config = Self::active_config(shard);
        ensure!(fingerprint == config.enclave_fingerprint, Error::<T>::WrongFingerprintForShard);

        let mut status = ShardStatus::<T>::get(shard).unwrap_or_default();
        let now = ShardSignerStatus { signer: sender.clone(), fingerprint, last_activity: Self::number() };
        match status.iter_mut().find(|enclave| enclave.signer == *sender) {
            Some(enclave) => *enclave = now,
            None => {
                let limit = config.max_instances.unwrap_or(limits::INSTANCES).min(limits::INSTANCES) as usize;
                if status.len() >= limit {
                    status.retain(|enclave| Self::can_act(&enclave.signer, fingerprint));
                }
                ensure!(status.len() < limit, Error::<T>::TooManyEnclaves);
                status.try_push(now).map_err(|_| Error::<T>::TooManyEnclaves)?;
            }
        }
        ShardStatus::<T>::insert(shard, status);
        Ok(())
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

    fn can_act(signer: &AccountId32, allowed: H256) -> bool {
        pallet_teerex::Pallet::<T>::fingerprint_of(signer).is_ok_and(|fingerprint| fingerprint == allowed)
    }
}
