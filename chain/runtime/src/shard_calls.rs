// SPDX-License-Identifier: Apache-2.0
//! What a shard's account may do on this chain.
//!
//! A list of what is allowed, not of what is not: a pallet that is added later is closed until somebody thinks about
//! it. No call on it dispatches others, so nothing leads from here to root, to another account, or back to the
//! bridge. Transfers leave the shard's account alive, with its existential deposit, as payments do.

use crate::RuntimeCall;
use frame_support::traits::Contains;

/// The calls that `EnclaveBridge.execute_for_shard` does in a shard's name, beside the bridge's own `publish_hash`.
pub struct CallsOfShards;

impl Contains<RuntimeCall> for CallsOfShards {
    fn contains(call: &RuntimeCall) -> bool {
        matches!(
            call,
            RuntimeCall::System(
                frame_system::Call::remark { .. } | frame_system::Call::remark_with_event { .. }
            ) | RuntimeCall::Balances(pallet_balances::Call::transfer_keep_alive { .. })
        )
    }
}
