// SPDX-License-Identifier: Apache-2.0
//! Hashes that must not be taken for each other: each kind has a type of its own.
//!
//! On every wire (SCALE, JSON, a runtime's metadata) they are a bare `H256`.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::fmt;
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};
use sp_core::H256;

/// Declares a kind of hash.
macro_rules! hash_type {
    ($(#[$documentation:meta])* $name:ident) => {
        $(#[$documentation])*
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
        pub struct $name(H256);

        impl TypeInfo for $name {
            type Identity = <H256 as TypeInfo>::Identity;
            fn type_info() -> scale_info::Type {
                H256::type_info()
            }
        }

        impl $name {
            /// The hash with these bytes.
            pub const fn new(bytes: [u8; 32]) -> Self {
                Self(H256(bytes))
            }

            /// The hash whose every byte is this, as tests use it.
            pub const fn repeat_byte(byte: u8) -> Self {
                Self::new([byte; 32])
            }

            /// The hash of zeros.
            pub const fn zero() -> Self {
                Self::new([0; 32])
            }

            /// Whether all of it is zero.
            pub fn is_zero(&self) -> bool {
                self.0.is_zero()
            }

            /// Its 32 bytes.
            pub fn as_bytes(&self) -> &[u8; 32] {
                self.0.as_fixed_bytes()
            }

            /// Its 32 bytes.
            pub const fn to_bytes(self) -> [u8; 32] {
                self.0.0
            }
        }

        impl From<[u8; 32]> for $name {
            fn from(bytes: [u8; 32]) -> Self {
                Self::new(bytes)
            }
        }

        impl From<H256> for $name {
            fn from(hash: H256) -> Self {
                Self(hash)
            }
        }

        impl From<$name> for H256 {
            fn from(hash: $name) -> Self {
                hash.0
            }
        }

        impl AsRef<[u8]> for $name {
            fn as_ref(&self) -> &[u8] {
                self.0.as_bytes()
            }
        }

        /// In full: 0x and 64 hexadecimal digits.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    };
}

hash_type! {
    /// Digest of a public key: of a shard's shielding key
    /// ([`ShieldingPublicKey::digest`](crate::shielding::ShieldingPublicKey::digest)), or of an enclave's TLS key
    /// (blake2-256 of the DER `SubjectPublicKeyInfo`). Zero stands for no key.
    KeyDigest
}

hash_type! {
    /// Hash of a block of the parentchain: blake2-256 of its header. The genesis hash is one.
    BlockHash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_a_bare_hash_on_every_wire() {
        fn check<T>()
        where
            T: Encode
                + Serialize
                + TypeInfo
                + fmt::Display
                + fmt::Debug
                + From<H256>
                + Into<H256>
                + Copy
                + 'static,
        {
            let hash = H256(core::array::from_fn(|index| index as u8));
            let kind = T::from(hash);
            assert_eq!((kind.encode(), kind.into()), (hash.encode(), hash));
            assert_eq!(serde_json::to_value(kind).unwrap(), serde_json::to_value(hash).unwrap());
            assert_eq!(scale_info::meta_type::<T>(), scale_info::meta_type::<H256>());
            assert_eq!((kind.to_string(), format!("{kind:?}")), (format!("{hash:?}"), format!("{hash:?}")));
        }
        check::<BlockHash>();
        check::<KeyDigest>();
    }
}
