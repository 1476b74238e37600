// SPDX-License-Identifier: Apache-2.0
//! The shielding public key and the numbers of the classic envelope (wire.md, "Envelope").
//!
//! Encryption itself is where the key is used: in the client, and in the enclave.

use crate::KeyDigest;
use alloc::{string::String, vec::Vec};
use codec::{Decode, Encode};
use core::fmt;
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
    pub fn digest(&self) -> KeyDigest {
        (SHIELDING_KEY_DOMAIN, self).using_encoded(blake2_256).into()
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

/// The number of RSA operations that opening an envelope of `len` bytes takes: one for each chunk, and none for a
/// length that no enclave opens (nothing, not whole chunks, or more than [`MAX_CYPHERTEXT_LEN`]).
///
/// The chain charges for it and bounds it per shard and block; enclaves count in the same way.
pub const fn rsa_operations(len: usize) -> u32 {
    if len <= MAX_CYPHERTEXT_LEN && len.is_multiple_of(RSA_LEN) {
        // At most MAX_CYPHERTEXT_LEN / RSA_LEN, which is 52.
        (len / RSA_LEN) as u32
    } else {
        0
    }
}

/// The most RSA operations that the chain lets a block cause for one shard, when blocks are `block_time` milliseconds
/// apart: [`RSA_OPERATIONS_PER_SECOND`], and no more than [`MAX_RSA_OPERATIONS_PER_BLOCK`].
pub const fn rsa_operations_per_block(block_time: u64) -> u32 {
    let allowed = block_time.saturating_mul(RSA_OPERATIONS_PER_SECOND as u64) / 1_000;
    if allowed < MAX_RSA_OPERATIONS_PER_BLOCK as u64 {
        // Less than a number of 32 bits.
        allowed as u32
    } else {
        MAX_RSA_OPERATIONS_PER_BLOCK
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

/// RSA operations that a shard's operations may cause for each second of block time.
///
/// Two cores of 411 RSA-3072 operations a second each make 822 a second. Half the block time is for them, so that a
/// worker follows a chain whose every block is full of the worst, and still catches up at twice the chain's speed.
/// Three quarters of that half are for RSA and one for what else an operation takes (signature, execution, state root,
/// store: where all operations are good, 0.77 of a worker's time was measured to be RSA). 822 / 2 * 3 / 4 = 308.
pub const RSA_OPERATIONS_PER_SECOND: u32 = 308;

/// The most RSA operations for a shard in one block, however long the block time: so many invocations of one chunk fit
/// into the 3 MiB that a block of our chain has for transactions. Enclaves, which follow other chains too, open a few
/// more.
pub const MAX_RSA_OPERATIONS_PER_BLOCK: u32 = 5_000;

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

    #[test]
    fn c18_an_envelope_costs_what_an_enclave_opens_of_it() {
        for (len, expected) in [
            (0, 0),
            (1, 0),
            (383, 0),
            (384, 1),
            (385, 0),
            (768, 2),
            (MAX_CYPHERTEXT_LEN, 52),
            (MAX_CYPHERTEXT_LEN + 1, 0),
            (MAX_CYPHERTEXT_LEN + RSA_LEN, 0),
            (usize::MAX, 0),
        ] {
            assert_eq!(rsa_operations(len), expected, "{len}");
        }
    }

    #[test]
    fn c18_a_block_causes_work_for_at_most_half_its_time() {
        for (block_time, expected) in [
            (0, 0),
            (250, 77),
            (1_000, 308),
            (6_000, 1_848),
            (16_233, 4_999),
            (60_000, 5_000),
            (u64::MAX, 5_000),
        ] {
            assert_eq!(rsa_operations_per_block(block_time), expected, "{block_time}");
        }
    }
}
