// SPDX-License-Identifier: Apache-2.0
//! A value that nobody has verified yet.

use codec::{Decode, Encode};
use core::fmt;

/// Wraps what came from the host until a verifier has taken it apart.
///
/// There is no way to use the value by accident: it has no `Deref`. Verifiers call [`Untrusted::unverified`], whose
/// name says what they hold. Its `Debug` shows nothing, so that host input cannot fill a log.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct Untrusted<T>(T);

impl<T> Untrusted<T> {
    /// Marks a value as coming from an untrusted party.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The bare value, for whoever verifies it.
    pub fn unverified(self) -> T {
        self.0
    }

    /// A look at the bare value, for whoever verifies it.
    pub fn as_unverified(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Untrusted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Untrusted(..)")
    }
}
