// SPDX-License-Identifier: Apache-2.0
//! What one account can let another do for it.

use crate::RuntimeCall;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::traits::InstanceFilter;
use scale_info::TypeInfo;

/// The power a proxy has.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub enum ProxyType {
    /// Every call.
    #[default]
    #[codec(index = 0)]
    Any,
    /// What users do with shards: invocations and shieldings, and nothing else of the bridge.
    #[codec(index = 1)]
    EnclaveBridge,
}

impl InstanceFilter<RuntimeCall> for ProxyType {
    fn filter(&self, call: &RuntimeCall) -> bool {
        match self {
            Self::Any => true,
            // Not who or what a shard is: a key for everyday use must not give the shard away.
            Self::EnclaveBridge => matches!(
                call,
                RuntimeCall::EnclaveBridge(
                    pallet_enclave_bridge::Call::invoke { .. }
                        | pallet_enclave_bridge::Call::shield_funds { .. }
                )
            ),
        }
    }

    fn is_superset(&self, other: &Self) -> bool {
        self == other || *self == Self::Any
    }
}
