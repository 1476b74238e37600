// SPDX-License-Identifier: Apache-2.0
//! What a runtime's pallets want done on the parentchain.
//!
//! Pallets write it into storage under a key that is no part of the state. So it goes away with what caused it, when a
//! call fails or a batch is rolled back, and the executor finds what is left after each operation.

use super::{block::own_key, randomness};
use crate::state_transition::{EffectRequest, Effects};
use frame_support::storage::unhashed;
use offstage_primitives::AccountId32;
use sp_runtime::DispatchError;

/// Asks for a payment of `amount` out of the shard's account to `beneficiary`, in the clear. The pallet must have taken
/// as much out of the shard's state, and must have refused what is less than
/// [`PayoutTerms::least`](crate::PayoutTerms::least).
///
/// # Errors
/// Outside of an operation: in a hook, as when a scheduled call is dispatched, there is nothing that the payment could
/// be named after, and it would be lost with the block. The caller must undo what it took.
pub fn unshield(beneficiary: AccountId32, amount: u128) -> Result<(), DispatchError> {
    if !randomness::in_operation() {
        return Err(DispatchError::Other("payments are asked for by operations, not by hooks"));
    }
    let mut requests = requests();
    requests.push(EffectRequest::Unshield { beneficiary, amount });
    unhashed::put(&own_key(ITEM), &requests);
    Ok(())
}

/// What was asked for since the last time.
pub(super) fn take() -> Effects {
    let requests = requests();
    if !requests.is_empty() {
        unhashed::kill(&own_key(ITEM));
    }
    Effects::of(requests)
}

fn requests() -> Vec<EffectRequest> {
    unhashed::get_or_default(&own_key(ITEM))
}

pub(super) const ITEM: &str = "Effects";
