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
    /// Calls to shards only: invocations and shieldings.
    #[codec(index = 1)]
    EnclaveBridge,
}

impl InstanceFilter<RuntimeCall> for ProxyType {
    fn filter(&self, call: &RuntimeCall) -> bool {
        match self {
            Self::Any => true,
            Self::EnclaveBridge => matches!(call, RuntimeCall::EnclaveBridge(..)),
        }
    }

    fn is_superset(&self, other: &Self) -> bool {
        self == other || *self == Self::Any
    }
}
