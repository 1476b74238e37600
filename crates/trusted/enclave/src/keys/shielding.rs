// SPDX-License-Identifier: Apache-2.0
//! The key to which a shard's operations are encrypted.

use super::KeyError;
use crate::seal::derive_bytes;
use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rsa::{KeyPair, KeySize, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey},
    signature::KeyPair as _,
};
use offstage_primitives::shielding::{CHUNK_LEN, MAX_CYPHERTEXT_LEN, RSA_LEN, ShieldingPublicKey};
use zeroize::Zeroizing;

/// The shard's RSA-3072 private key. Usable from several threads at once.
pub struct ShieldingKey {
    private: OaepPrivateDecryptingKey,
    sealable: Zeroizing<Vec<u8>>,
    public: ShieldingPublicKey,
    commitment_key: Zeroizing<[u8; 32]>,
}

impl ShieldingKey {
    /// A fresh key.
    ///
    /// # Errors
    /// [`KeyError::Cryptography`] when the library fails.
    pub fn generate() -> Result<Self, KeyError> {
        let private = PrivateDecryptingKey::generate(KeySize::Rsa3072).map_err(|_| KeyError::Cryptography)?;
        Self::new(private)
    }

    /// Reads what [`to_sealable`](Self::to_sealable) wrote.
    ///
    /// # Errors
    /// [`KeyError::Malformed`] when the bytes are not the PKCS#8 form of an RSA-3072 key.
    pub fn from_sealable(pkcs8: &[u8]) -> Result<Self, KeyError> {
        if pkcs8.len() > MAX_SEALABLE_LEN {
            return Err(KeyError::Malformed);
        }
        let private = PrivateDecryptingKey::from_pkcs8(pkcs8).map_err(|_| KeyError::Malformed)?;
        if private.key_size_bytes() != RSA_LEN {
            return Err(KeyError::Malformed);
        }
        Self::new(private)
    }

    /// The PKCS#8 form, for the sealed store and for verified peers.
    pub fn to_sealable(&self) -> Zeroizing<Vec<u8>> {
        self.sealable.clone()
    }

    /// The public half.
    pub fn public(&self) -> ShieldingPublicKey {
        self.public.clone()
    }

    /// The secret that keys the last leaf of a block's receipts
    /// ([`state_leaf`](offstage_primitives::receipt::state_leaf)). All enclaves of the shard derive the same.
    pub fn commitment_key(&self) -> Zeroizing<[u8; 32]> {
        self.commitment_key.clone()
    }

    /// Opens a classic envelope: chunks of 384 bytes, each RSA-OAEP with SHA-256 and MGF1-SHA-256 of at most 318.
    ///
    /// How long it takes depends on the envelope's length only: every chunk is opened even after one failed, and the library
    /// checks the padding in constant time.
    ///
    /// # Errors
    /// [`KeyError::Undecipherable`], whatever is wrong.
    pub fn decrypt(&self, cyphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        if cyphertext.is_empty()
            || cyphertext.len() > MAX_CYPHERTEXT_LEN
            || !cyphertext.len().is_multiple_of(RSA_LEN)
        {
            return Err(KeyError::Undecipherable);
        }
        let chunks = cyphertext.len().div_ceil(RSA_LEN);
        // Reserved in whole, so that no copy of plaintext is left behind by a growing vector.
        let mut plaintext = Zeroizing::new(Vec::with_capacity(chunks.saturating_mul(CHUNK_LEN)));
        let mut opened_all = true;
        let mut buffer = Zeroizing::new([0; RSA_LEN]);
        for chunk in cyphertext.chunks(RSA_LEN) {
            match self.private.decrypt(&OAEP_SHA256_MGF1SHA256, chunk, buffer.as_mut(), None) {
                Ok(opened) => plaintext.extend_from_slice(opened),
                Err(_) => opened_all = false,
            }
        }
        if opened_all { Ok(plaintext) } else { Err(KeyError::Undecipherable) }
    }

    fn new(private: PrivateDecryptingKey) -> Result<Self, KeyError> {
        let der: Pkcs8V1Der<'_> = private.as_der().map_err(|_| KeyError::Cryptography)?;
        let sealable = Zeroizing::new(der.as_ref().to_vec());
        let public = public_key(&sealable)?;
        // The library's own encoding of the key, not the bytes that were read, so that the same key always
        // gives the same secret.
        let commitment_key =
            derive_bytes(&sealable, &[COMMITMENT_DOMAIN]).map_err(|_| KeyError::Cryptography)?;
        let private = OaepPrivateDecryptingKey::new(private).map_err(|_| KeyError::Cryptography)?;
        Ok(Self { private, sealable, public, commitment_key })
    }
}

fn public_key(pkcs8: &[u8]) -> Result<ShieldingPublicKey, KeyError> {
    let pair = KeyPair::from_pkcs8(pkcs8).map_err(|_| KeyError::Malformed)?;
    let modulus = pair.public_key().modulus().big_endian_without_leading_zero().try_into();
    let exponent = pair
        .public_key()
        .exponent()
        .big_endian_without_leading_zero()
        .iter()
        .try_fold(0u32, |number, byte| number.checked_mul(256)?.checked_add(u32::from(*byte)));
    match (modulus, exponent) {
        (Ok(modulus), Some(exponent)) => Ok(ShieldingPublicKey { modulus, exponent }),
        _ => Err(KeyError::Malformed),
    }
}

/// Pinned by a test: another derivation would make workers of one shard publish different roots.
const COMMITMENT_DOMAIN: &[u8] = b"offstage/state-commitment-key/v1\0";

/// The PKCS#8 form of an RSA-3072 key is about 1,800 bytes.
pub(crate) const MAX_SEALABLE_LEN: usize = 4096;

#[cfg(test)]
#[path = "shielding_tests.rs"]
mod tests;
