// SPDX-License-Identifier: Apache-2.0
//! Names of the chain's storage, built as FRAME builds them: `twox128(pallet) ++ twox128(item)`, and for a map the
//! hashed key behind it.

use sp_core::crypto::AccountId32;
use sp_crypto_hashing::{blake2_128, twox_64, twox_128};

/// The key of a storage value.
pub fn value(pallet: &str, item: &str) -> Vec<u8> {
    [twox_128(pallet.as_bytes()), twox_128(item.as_bytes())].concat()
}

/// The key of a map's entry whose hasher is `Blake2_128Concat`; `key` is SCALE.
pub fn blake2_128_concat(pallet: &str, item: &str, key: &[u8]) -> Vec<u8> {
    [&value(pallet, item), &blake2_128(key)[..], key].concat()
}

/// The key of a map's entry whose hasher is `Twox64Concat`; `key` is SCALE.
pub fn twox_64_concat(pallet: &str, item: &str, key: &[u8]) -> Vec<u8> {
    [&value(pallet, item), &twox_64(key)[..], key].concat()
}

/// The key of a map's entry whose hasher is `Identity`; `key` is SCALE.
pub fn identity(pallet: &str, item: &str, key: &[u8]) -> Vec<u8> {
    [&value(pallet, item), key].concat()
}

/// The events of the block that made the state.
pub fn events() -> Vec<u8> {
    value("System", "Events")
}

/// Nonce and balances of an account.
pub fn account(account: &AccountId32) -> Vec<u8> {
    blake2_128_concat("System", "Account", account.as_ref())
}

/// Chain time in milliseconds since the Unix epoch, u64.
pub fn timestamp() -> Vec<u8> {
    value("Timestamp", "Now")
}

/// The GRANDPA authorities where pallet-grandpa keeps them.
pub fn grandpa_authorities() -> Vec<u8> {
    value("Grandpa", "Authorities")
}

/// The GRANDPA authorities where older pallets kept them, with a version byte before them.
pub const LEGACY_GRANDPA_AUTHORITIES: &[u8] = b":grandpa_authorities";

/// The runtime's code.
pub const CODE: &[u8] = b":code";

/// A key that no state has, right below [`CODE`]. To prove that it is absent, a node walks through the leaf of `:code`,
/// which holds the code's hash, and leaves out the code itself: what a host asks `state_getReadProof` for.
pub const CODE_PATH_KEY: &[u8] = b":code\0";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_every_substrate_chain() {
        assert_eq!(hex::encode(events()), "26aa394eea5630e07c48ae0c9558cef780d41e5e16056765bc8461851072c9d7");
        assert_eq!(
            hex::encode(timestamp()),
            "f0c365c3cf59d671eb72da0e7a4113c49f1f0515f462cdcf84e0f1d6045dfcbb"
        );
        let alice =
            AccountId32::new(hex_32("d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d"));
        assert_eq!(
            hex::encode(account(&alice)),
            "26aa394eea5630e07c48ae0c9558cef7b99d880ec681799c0cf30e8886371da9\
             de1e86a9a8c739864cf3cc5ec2bea59fd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d"
        );
    }

    fn hex_32(text: &str) -> [u8; 32] {
        hex::decode(text).unwrap().try_into().unwrap()
    }
}
