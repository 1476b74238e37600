// SPDX-License-Identifier: Apache-2.0
//! What identifies an enclave's code.

use crate::shard::{Base58Error, base58, from_base58};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::{fmt, str::FromStr};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};
use sp_core::H256;

/// The measurement (MRENCLAVE) of an enclave: the hash of its code, as a quote names it.
///
/// On the wire it is its 32 bytes; people read and write it in base58.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    Serialize,
    Deserialize,
)]
#[serde(transparent)]
pub struct Measurement(pub [u8; 32]);

/// The chains in use describe a measurement as plain bytes; so do we, that their clients' types fit.
impl TypeInfo for Measurement {
    type Identity = [u8; 32];
    fn type_info() -> scale_info::Type {
        <[u8; 32]>::type_info()
    }
}

impl Measurement {
    /// Its 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for Measurement {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

/// As a topic of an event.
impl From<Measurement> for H256 {
    fn from(measurement: Measurement) -> Self {
        Self(measurement.0)
    }
}

impl fmt::Display for Measurement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base58(&self.0))
    }
}

impl fmt::Debug for Measurement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Measurement {
    type Err = Base58Error;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        from_base58(text).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measurement_is_its_bytes_on_every_wire() {
        let bytes: [u8; 32] = core::array::from_fn(|index| index as u8);
        let measurement = Measurement(bytes);
        assert_eq!(measurement.encode(), bytes);
        assert_eq!(serde_json::to_value(measurement).unwrap(), serde_json::to_value(bytes).unwrap());
        assert_eq!(Measurement::type_info(), <[u8; 32]>::type_info());
        assert_eq!(scale_info::meta_type::<Measurement>(), scale_info::meta_type::<[u8; 32]>());
    }

    #[test]
    fn people_read_and_write_it_in_base58() {
        let measurement = Measurement([7; 32]);
        assert_eq!(measurement.to_string(), base58(&[7; 32]));
        assert_eq!(measurement.to_string().parse(), Ok(measurement));
        assert_eq!("x".parse::<Measurement>(), Err(Base58Error));
    }
}
