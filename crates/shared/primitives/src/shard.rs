// SPDX-License-Identifier: Apache-2.0
//! The name of one confidential state.

use crate::{AccountId32, Measurement};
use alloc::{string::String, vec::Vec};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::{fmt, str::FromStr};
use scale_info::TypeInfo;
use sp_core::H256;

/// Names a shard: one confidential state, replicated by the workers that hold its shielding key.
///
/// On the wire it is a bare `H256` (wire.md, "Parentchain pallets"); people read and write it in base58. A worker's
/// default shard is the measurement of its enclave.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen,
)]
pub struct ShardIdentifier(pub H256);

/// The chains in use describe a shard as a plain `H256`; so do we, that their clients' types fit.
impl TypeInfo for ShardIdentifier {
    type Identity = <H256 as TypeInfo>::Identity;
    fn type_info() -> scale_info::Type {
        H256::type_info()
    }
}

impl ShardIdentifier {
    /// The 32 bytes of the name.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_fixed_bytes()
    }

    /// Its account on the parentchain, which has its money: the one with the bytes of the name.
    pub fn account(&self) -> AccountId32 {
        AccountId32::new(*self.as_bytes())
    }

    /// The measurement that it is named after, unless it has a name of its own.
    pub fn as_measurement(&self) -> Measurement {
        Measurement(self.0.0)
    }
}

impl From<[u8; 32]> for ShardIdentifier {
    fn from(bytes: [u8; 32]) -> Self {
        Self(H256(bytes))
    }
}

/// A shard is named after the measurement that it starts with, unless it has a name of its own.
impl From<Measurement> for ShardIdentifier {
    fn from(measurement: Measurement) -> Self {
        Self::from(measurement.0)
    }
}

impl From<H256> for ShardIdentifier {
    fn from(hash: H256) -> Self {
        Self(hash)
    }
}

impl fmt::Display for ShardIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base58(self.as_bytes()))
    }
}

impl fmt::Debug for ShardIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ShardIdentifier {
    type Err = Base58Error;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        from_base58(text).map(Self::from)
    }
}

/// 32 bytes as base58 (Bitcoin's alphabet), the form in which measurements and shards are shown.
pub fn base58(bytes: &[u8; 32]) -> String {
    bs58::encode(bytes).into_string()
}

/// Reads 32 bytes of base58.
///
/// # Errors
/// When the text has a character outside the alphabet or is not of 32 bytes.
pub fn from_base58(text: &str) -> Result<[u8; 32], Base58Error> {
    if text.len() > MAX_BASE58_LEN {
        return Err(Base58Error);
    }
    let bytes: Vec<u8> = bs58::decode(text).into_vec().map_err(|_| Base58Error)?;
    bytes.try_into().map_err(|_| Base58Error)
}

/// The text is not base58 of 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Base58Error;

impl fmt::Display for Base58Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not the base58 form of 32 bytes (43 or 44 letters and digits without 0, O, I and l)")
    }
}

impl core::error::Error for Base58Error {}

/// 32 bytes of 0xff take 44 characters.
const MAX_BASE58_LEN: usize = 44;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn base58_round_trips(bytes: [u8; 32]) {
            let shard = ShardIdentifier::from(bytes);
            prop_assert_eq!(shard.to_string().parse::<ShardIdentifier>().unwrap(), shard);
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,60}") {
            let _ = text.parse::<ShardIdentifier>();
        }
    }

    #[test]
    fn a_short_name_is_refused() {
        assert_eq!("abc".parse::<ShardIdentifier>(), Err(Base58Error));
        assert_eq!("0".repeat(44).parse::<ShardIdentifier>(), Err(Base58Error));
    }

    #[test]
    fn encodes_as_a_bare_hash() {
        assert_eq!(ShardIdentifier::from([7; 32]).encode(), [7u8; 32]);
    }
}
