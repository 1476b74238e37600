// SPDX-License-Identifier: Apache-2.0
//! Keys of the chain's storage, built as FRAME builds them: `twox128(pallet) ++ twox128(item)`, and for a map the
//! hashed key behind it.

use super::{enclave_bridge, grandpa as grandpa_pallet, system, teerex, timestamp as clock};
use crate::ShardIdentifier;
use alloc::vec::Vec;
use sp_core::crypto::AccountId32;
use sp_crypto_hashing::{blake2_128, twox_64, twox_128};

/// The key of a storage value, and what all keys of a map begin with.
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
    value(system::PALLET, system::EVENTS)
}

/// Nonce and balances of an account.
pub fn account(account: &AccountId32) -> Vec<u8> {
    blake2_128_concat(system::PALLET, system::ACCOUNT, account.as_ref())
}

/// Hash of the block with this number: of the last some hundreds, and of genesis.
pub fn block_hash(number: u32) -> Vec<u8> {
    twox_64_concat(system::PALLET, system::BLOCK_HASH, &number.to_le_bytes())
}

/// Chain time in milliseconds since the Unix epoch, u64.
pub fn timestamp() -> Vec<u8> {
    value(clock::PALLET, clock::NOW)
}

/// The GRANDPA authorities where pallet-grandpa keeps them.
pub fn grandpa_authorities() -> Vec<u8> {
    value(grandpa_pallet::PALLET, grandpa_pallet::AUTHORITIES)
}

/// Id of the GRANDPA authority set, u64.
pub fn grandpa_current_set_id() -> Vec<u8> {
    value(grandpa_pallet::PALLET, grandpa_pallet::CURRENT_SET_ID)
}

/// The change of the GRANDPA authorities that waits.
pub fn grandpa_pending_change() -> Vec<u8> {
    value(grandpa_pallet::PALLET, grandpa_pallet::PENDING_CHANGE)
}

/// An enclave's entry in the registry.
pub fn sovereign_enclave(signer: &AccountId32) -> Vec<u8> {
    blake2_128_concat(teerex::PALLET, teerex::SOVEREIGN_ENCLAVES, signer.as_ref())
}

/// What the keys of all entries in the registry begin with.
pub fn sovereign_enclaves() -> Vec<u8> {
    value(teerex::PALLET, teerex::SOVEREIGN_ENCLAVES)
}

/// The root certificate that the chain trusts.
pub fn root_certificate() -> Vec<u8> {
    value(teerex::PALLET, teerex::ROOT_CERTIFICATE)
}

/// The patch levels that the chain accepts.
pub fn tcb_policy() -> Vec<u8> {
    value(teerex::PALLET, teerex::TCB_POLICY)
}

/// What the chain tolerates.
pub fn security_flags() -> Vec<u8> {
    value(teerex::PALLET, teerex::SECURITY_FLAGS)
}

/// Whether debug enclaves are registered, on chains without [`security_flags`].
pub fn sgx_allow_debug_mode() -> Vec<u8> {
    value(teerex::PALLET, teerex::SGX_ALLOW_DEBUG_MODE)
}

/// A shard's configuration.
pub fn shard_config(shard: ShardIdentifier) -> Vec<u8> {
    blake2_128_concat(enclave_bridge::PALLET, enclave_bridge::SHARD_CONFIG_REGISTRY, shard.as_bytes())
}

/// Which enclaves of a shard confirmed when.
pub fn shard_status(shard: ShardIdentifier) -> Vec<u8> {
    blake2_128_concat(enclave_bridge::PALLET, enclave_bridge::SHARD_STATUS, shard.as_bytes())
}

/// The GRANDPA authorities where older pallets kept them, with a version byte before them.
pub const LEGACY_GRANDPA_AUTHORITIES: &[u8] = b":grandpa_authorities";

/// The runtime's code.
pub const CODE: &[u8] = b":code";

/// A key that no state has, right below [`CODE`]. To prove that it is absent, a node walks through the leaf of `:code`,
/// which holds the code's hash, and leaves out the code itself: what is asked of `state_getReadProof`.
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
        // As polkadot-js shows the key of `system.blockHash(0)`.
        assert_eq!(
            hex::encode(block_hash(0)),
            "26aa394eea5630e07c48ae0c9558cef7a44704b568d21667356a5a050c118746b4def25cfda6ef3a00000000"
        );
    }

    fn hex_32(text: &str) -> [u8; 32] {
        hex::decode(text).unwrap().try_into().unwrap()
    }
}
