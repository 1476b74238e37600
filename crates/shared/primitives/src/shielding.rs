// SPDX-License-Identifier: Apache-2.0
//! The shielding public key and the numbers of the classic envelope (wire.md, "Shielding key and classic envelope").
//!
//! Encryption itself is where the key is used: in the client, and in the enclave.

use alloc::{string::String, vec::Vec};
use codec::{Decode, Encode};
use core::fmt;
use sp_core::H256;
use sp_crypto_hashing::blake2_256;

/// The RSA-3072 public key to which a shard's operations are encrypted.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct ShieldingPublicKey {
    /// Modulus, big endian, 384 bytes.
    pub modulus: [u8; RSA_LEN],
    /// Public exponent.
    pub exponent: u32,
}

impl ShieldingPublicKey {
    /// What a quote binds: blake2-256 over a domain tag, the modulus and the exponent (SCALE).
    pub fn digest(&self) -> H256 {
        H256((SHIELDING_KEY_DOMAIN, self).using_encoded(blake2_256))
    }

    /// The JSON form that clients of the wire know: `{"n":[384 numbers],"e":[4 numbers]}`, both little endian.
    pub fn to_json(&self) -> String {
        let numbers = |bytes: &mut dyn Iterator<Item = u8>| {
            bytes.map(|byte| alloc::format!("{byte}")).collect::<Vec<_>>().join(",")
        };
        alloc::format!(
            "{{\"n\":[{}],\"e\":[{}]}}",
            numbers(&mut self.modulus.iter().rev().copied()),
            numbers(&mut self.exponent.to_le_bytes().into_iter()),
        )
    }

    /// Reads the JSON form.
    ///
    /// The old enclave SDK writes the exponent 65537 as `[1,0,0,1]`; read as it stands, as the wire demands, that is
    /// 16777217, and the key works with that number only.
    ///
    /// # Errors
    /// When it is not that form or the numbers are not bytes.
    #[cfg(feature = "std")]
    pub fn from_json(text: &str) -> Result<Self, KeyFormError> {
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Form {
            n: Vec<u8>,
            e: Vec<u8>,
        }
        if text.len() > MAX_JSON_LEN {
            return Err(KeyFormError);
        }
        let mut form: Form = serde_json::from_str(text).map_err(|_| KeyFormError)?;
        form.n.reverse();
        let exponent = form.e.try_into().map_err(|_| KeyFormError)?;
        Ok(Self {
            modulus: form.n.try_into().map_err(|_| KeyFormError)?,
            exponent: u32::from_le_bytes(exponent),
        })
    }
}

/// The text is not a shielding key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyFormError;

impl fmt::Display for KeyFormError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a shielding key: want {\"n\":[384 numbers],\"e\":[4 numbers]}")
    }
}

impl core::error::Error for KeyFormError {}

/// Bytes of the modulus, and of each encrypted chunk.
pub const RSA_LEN: usize = 384;

/// Plaintext bytes per chunk: 384 - 2 * 32 - 2, the most that OAEP with SHA-256 takes (RFC 8017, section 7.1.1).
pub const CHUNK_LEN: usize = 318;

/// The longest envelope that an enclave decrypts, in bytes: the longest operation, cut into chunks. Each chunk costs
/// an RSA operation, so this bounds what one extrinsic can cost a worker.
pub const MAX_CYPHERTEXT_LEN: usize = crate::trusted::MAX_OPERATION_LEN.div_ceil(CHUNK_LEN) * RSA_LEN;

/// Domain tag of [`ShieldingPublicKey::digest`].
const SHIELDING_KEY_DOMAIN: &[u8; 26] = b"offstage/shielding-key/v1\0";

/// 388 numbers of at most four characters each, and the braces.
#[cfg(feature = "std")]
const MAX_JSON_LEN: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_little_endian_both_ways() {
        let mut modulus = [0; RSA_LEN];
        modulus[0] = 200;
        modulus[383] = 7;
        let key = ShieldingPublicKey { modulus, exponent: 65537 };
        let json = key.to_json();
        assert!(json.starts_with("{\"n\":[7,0,") && json.ends_with(",200],\"e\":[1,0,1,0]}"), "{json}");
        assert_eq!(ShieldingPublicKey::from_json(&json), Ok(key));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "{}", "{\"n\":[1],\"e\":[1,0,1,0]}", "{\"n\":[256],\"e\":[1]}", &" ".repeat(5000)] {
            assert_eq!(ShieldingPublicKey::from_json(text), Err(KeyFormError));
        }
    }
}
