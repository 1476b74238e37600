// SPDX-License-Identifier: Apache-2.0
//! The enclave's half: opening.

use crate::Format;
use aws_lc_rs::{
    rsa::{KeyPair, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey},
    signature::KeyPair as _,
};
use offstage_primitives::shielding::{CHUNK_LEN, RSA_LEN, ShieldingPublicKey};
use thiserror::Error;
use zeroize::Zeroizing;

/// The private half of a shielding key, for opening. Usable from several threads at once. No `Debug`: it is a secret.
pub struct OpeningKey {
    private: OaepPrivateDecryptingKey,
    public: ShieldingPublicKey,
}

impl OpeningKey {
    /// Reads the PKCS#8 form of an RSA-3072 key.
    ///
    /// # Errors
    /// [`KeyError::Malformed`] when the bytes are not that; [`KeyError::Cryptography`] when the library fails.
    pub fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, KeyError> {
        let private = PrivateDecryptingKey::from_pkcs8(pkcs8).map_err(|_| KeyError::Malformed)?;
        if private.key_size_bytes() != RSA_LEN {
            return Err(KeyError::Malformed);
        }
        let public = public_half(pkcs8)?;
        let private = OaepPrivateDecryptingKey::new(private).map_err(|_| KeyError::Cryptography)?;
        Ok(Self { private, public })
    }

    /// The public half, to which clients seal.
    pub fn public(&self) -> &ShieldingPublicKey {
        &self.public
    }

    /// Opens an envelope.
    ///
    /// # Errors
    /// [`Unopened`], whatever is wrong.
    pub fn open(&self, cyphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unopened> {
        match Format::of(cyphertext) {
            Some(Format::Classic) => self.open_classic(cyphertext),
            None => Err(Unopened),
        }
    }

    fn open_classic(&self, cyphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unopened> {
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
        if opened_all { Ok(plaintext) } else { Err(Unopened) }
    }
}

/// The envelope cannot be opened: one answer for every reason, so that nobody learns which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the envelope cannot be opened")]
pub struct Unopened;

/// Why bytes are no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeyError {
    /// They are not the PKCS#8 form of an RSA-3072 key.
    #[error("the bytes are not an RSA-3072 key")]
    Malformed,
    /// The cryptographic library failed.
    #[error("the cryptographic library failed")]
    Cryptography,
}

fn public_half(pkcs8: &[u8]) -> Result<ShieldingPublicKey, KeyError> {
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
