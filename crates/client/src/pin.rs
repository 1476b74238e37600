// SPDX-License-Identifier: Apache-2.0
//! The shard that the user means.
//!
//! # Threats
//! Anybody may run a genuine enclave, register it and start a shard of his own: it passes every check that proves an
//! enclave. What it is not is the shard that the user means, and that nothing on the network can tell. So whatever
//! pays, encrypts or signs takes a [`Pin`], which comes from the user; a worker's word for its shard never becomes
//! one (threat model C12).

use crate::verification::Expected;
use offstage_primitives::{Measurement, ShardIdentifier};

/// The shard, and if the user knows it the measurement, that a worker must have before anything is encrypted, signed
/// or paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pin {
    shard: ShardIdentifier,
    measurement: Option<Measurement>,
}

impl Pin {
    /// This shard, run by whatever code the chain allows it.
    pub fn shard(shard: ShardIdentifier) -> Self {
        Self { shard, measurement: None }
    }

    /// The same, run by this code alone, if any is named.
    #[must_use]
    pub fn with_measurement(self, measurement: Option<Measurement>) -> Self {
        Self { measurement, ..self }
    }

    /// What the user named, or `None` when it was nothing. A shard is named after the measurement that it started
    /// with, unless it has a name of its own, so a measurement alone names a shard too.
    pub fn new(shard: Option<ShardIdentifier>, measurement: Option<Measurement>) -> Option<Self> {
        let shard = shard.or(measurement.map(ShardIdentifier::from))?;
        Some(Self { shard, measurement })
    }

    /// The shard.
    pub fn identifier(&self) -> ShardIdentifier {
        self.shard
    }
}

impl From<Pin> for Expected {
    fn from(pin: Pin) -> Self {
        Self { shard: Some(pin.shard), measurement: pin.measurement }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c12_only_what_the_user_names_is_a_pin() {
        let (shard, measurement) = (ShardIdentifier::from([1; 32]), Measurement([2; 32]));
        assert_eq!(Pin::new(None, None), None);
        assert_eq!(Pin::new(Some(shard), None), Some(Pin::shard(shard)));
        let measured = Pin::new(None, Some(measurement)).unwrap();
        assert_eq!(measured.identifier(), ShardIdentifier::from(measurement));
        let expected = Expected::from(Pin::new(Some(shard), Some(measurement)).unwrap());
        assert!(expected.shard == Some(shard) && expected.measurement == Some(measurement));
    }
}
