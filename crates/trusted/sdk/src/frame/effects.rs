// SPDX-License-Identifier: Apache-2.0
//! What a runtime's pallets want done on the parentchain.
//!
//! Pallets write it into storage under a key that is no part of the state. So it goes away with what caused it, when a
//! call fails or a batch is rolled back, and the executor finds what is left after each operation.

use super::block::own_key;
use crate::state_transition::{EffectRequest, Effects};
use frame_support::storage::unhashed;
use offstage_primitives::AccountId32;

/// Asks for a payment of `amount` out of the shard's account to `beneficiary`, in the clear. The pallet must have taken
/// as much out of the shard's state, and must have refused what is less than
/// [`PayoutTerms::least`](crate::PayoutTerms::least).
pub fn unshield(beneficiary: AccountId32, amount: u128) {
    let mut requests = requests();
    requests.push(EffectRequest::Unshield { beneficiary, amount });
    unhashed::put(&own_key(ITEM), &requests);
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
