// SPDX-License-Identifier: Apache-2.0
//! The classic envelope: RSA-3072, OAEP with SHA-256 and MGF1-SHA-256 (wire.md, "Shielding key and classic envelope").
//!
//! The plaintext is cut into chunks of [`CHUNK_LEN`] bytes; each becomes [`RSA_LEN`] bytes, big endian; the envelope is
//! their concatenation.
//!
//! This module encrypts to whatever key it is given. Whose key it is, is decided before:
//! [`encode_and_encrypt`](crate::workflow::encode_and_encrypt) takes it out of a verified worker.

use aws_lc_rs::rsa::{
    OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey, PublicKeyComponents,
};
use offstage_primitives::{
    shielding::{CHUNK_LEN, RSA_LEN, ShieldingPublicKey},
    trusted::MAX_OPERATION_LEN,
};
use thiserror::Error;

/// Encrypts `plaintext` to a shielding key.
///
/// # Errors
/// - [`EnvelopeError::TooLong`] for more than [`MAX_OPERATION_LEN`] bytes, which no enclave decrypts;
/// - [`EnvelopeError::Key`] when the key is no RSA key that can encrypt.
pub fn encrypt(key: &ShieldingPublicKey, plaintext: &[u8]) -> Result<Vec<u8>, EnvelopeError> {
    if plaintext.len() > MAX_OPERATION_LEN {
        return Err(EnvelopeError::TooLong { len: plaintext.len() });
    }
    let exponent = key.exponent.to_be_bytes();
    let leading_zeros = exponent.iter().take_while(|byte| **byte == 0).count();
    let key: PublicEncryptingKey = PublicKeyComponents { n: &key.modulus[..], e: &exponent[leading_zeros..] }
        .try_into()
        .map_err(|_| EnvelopeError::Key)?;
    let key = OaepPublicEncryptingKey::new(key).map_err(|_| EnvelopeError::Key)?;
    let mut envelope = vec![0; plaintext.len().div_ceil(CHUNK_LEN) * RSA_LEN];
    for (chunk, room) in plaintext.chunks(CHUNK_LEN).zip(envelope.chunks_mut(RSA_LEN)) {
        key.encrypt(&OAEP_SHA256_MGF1SHA256, chunk, room, None).map_err(|_| EnvelopeError::Key)?;
    }
    Ok(envelope)
}

/// Why nothing was encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum EnvelopeError {
    /// The operation is longer than any enclave decrypts.
    #[error("the operation has {len} bytes; an enclave decrypts at most {MAX_OPERATION_LEN}")]
    TooLong {
        /// Its length in bytes.
        len: usize,
    },
    /// The key is unusable.
    #[error("the worker's shielding key is no RSA-3072 key that can encrypt: ask its operator")]
    Key,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use aws_lc_rs::{
        rsa::{KeySize, OaepPrivateDecryptingKey, PrivateDecryptingKey, PublicKey},
        signature::KeyPair as _,
    };
    use std::sync::OnceLock;

    /// A shielding key pair, made once for all tests because it takes a while.
    pub(crate) fn key_pair() -> &'static (ShieldingPublicKey, OaepPrivateDecryptingKey) {
        static PAIR: OnceLock<(ShieldingPublicKey, OaepPrivateDecryptingKey)> = OnceLock::new();
        PAIR.get_or_init(generate)
    }

    fn generate() -> (ShieldingPublicKey, OaepPrivateDecryptingKey) {
        use aws_lc_rs::encoding::AsDer;
        let pair = aws_lc_rs::rsa::KeyPair::generate(KeySize::Rsa3072).unwrap();
        let public: &PublicKey = pair.public_key();
        let components = PublicKeyComponents::<Vec<u8>>::from(public);
        let exponent = components.e.iter().fold(0u32, |value, byte| value << 8 | u32::from(*byte));
        let der: aws_lc_rs::encoding::Pkcs8V1Der<'_> = pair.as_der().unwrap();
        let private = PrivateDecryptingKey::from_pkcs8(der.as_ref()).unwrap();
        (
            ShieldingPublicKey { modulus: components.n.try_into().unwrap(), exponent },
            OaepPrivateDecryptingKey::new(private).unwrap(),
        )
    }

    /// What an enclave does with an envelope.
    pub(crate) fn decrypt(envelope: &[u8]) -> Vec<u8> {
        let mut room = [0; RSA_LEN];
        envelope
            .chunks(RSA_LEN)
            .flat_map(|chunk| {
                key_pair().1.decrypt(&OAEP_SHA256_MGF1SHA256, chunk, &mut room, None).unwrap().to_vec()
            })
            .collect()
    }

    #[test]
    fn envelopes_of_every_chunk_count_open() {
        for len in [1, CHUNK_LEN - 1, CHUNK_LEN, CHUNK_LEN + 1, 3 * CHUNK_LEN, MAX_OPERATION_LEN] {
            let plaintext: Vec<u8> = (0..len).map(|index| index as u8).collect();
            let envelope = encrypt(&key_pair().0, &plaintext).unwrap();
            assert_eq!(envelope.len(), len.div_ceil(CHUNK_LEN) * RSA_LEN);
            assert_eq!(decrypt(&envelope), plaintext);
        }
    }

    #[test]
    fn equal_plaintexts_do_not_look_equal() {
        let envelope = || encrypt(&key_pair().0, b"the same").unwrap();
        assert_ne!(envelope(), envelope());
    }

    #[test]
    fn what_no_enclave_decrypts_is_not_encrypted() {
        let len = MAX_OPERATION_LEN + 1;
        assert_eq!(encrypt(&key_pair().0, &vec![0; len]), Err(EnvelopeError::TooLong { len }));
    }

    #[test]
    fn a_key_that_is_none_is_refused() {
        let even = ShieldingPublicKey { modulus: [0xfe; RSA_LEN], exponent: 2 };
        assert_eq!(encrypt(&even, b"x"), Err(EnvelopeError::Key));
    }

    #[test]
    fn the_old_exponent_form_is_followed_as_it_stands() {
        // `[1,0,0,1]` is 16777217: odd and short enough, so it encrypts.
        let key = ShieldingPublicKey { exponent: 16_777_217, ..key_pair().0.clone() };
        assert!(encrypt(&key, b"x").is_ok());
    }
}
