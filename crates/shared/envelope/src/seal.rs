// SPDX-License-Identifier: Apache-2.0
//! The client's half: sealing to a shielding key.

use aws_lc_rs::rsa::{
    OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey, PublicKeyComponents,
};
use offstage_primitives::{
    shielding::{CHUNK_LEN, RSA_LEN, ShieldingPublicKey},
    trusted::MAX_OPERATION_LEN,
};
use thiserror::Error;

/// Encrypts `plaintext` to a shielding key, in the classic format: cut into chunks of [`CHUNK_LEN`] bytes, each of
/// which becomes [`RSA_LEN`] bytes, big endian; the envelope is their concatenation.
///
/// # Errors
/// - [`SealError::TooLong`] for more than [`MAX_OPERATION_LEN`] bytes, which no enclave opens;
/// - [`SealError::Key`] when the key is no RSA key that can encrypt.
pub fn seal(key: &ShieldingPublicKey, plaintext: &[u8]) -> Result<Vec<u8>, SealError> {
    if plaintext.len() > MAX_OPERATION_LEN {
        return Err(SealError::TooLong { len: plaintext.len() });
    }
    let exponent: Vec<u8> = key.exponent.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
    let key: PublicEncryptingKey = PublicKeyComponents { n: &key.modulus[..], e: &exponent[..] }
        .try_into()
        .map_err(|_| SealError::Key)?;
    let key = OaepPublicEncryptingKey::new(key).map_err(|_| SealError::Key)?;
    let mut envelope = vec![0; plaintext.len().div_ceil(CHUNK_LEN).saturating_mul(RSA_LEN)];
    for (chunk, room) in plaintext.chunks(CHUNK_LEN).zip(envelope.chunks_mut(RSA_LEN)) {
        key.encrypt(&OAEP_SHA256_MGF1SHA256, chunk, room, None).map_err(|_| SealError::Key)?;
    }
    Ok(envelope)
}

/// Why nothing was encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SealError {
    /// The operation is longer than any enclave opens.
    #[error("the operation has {len} bytes; an enclave decrypts at most {MAX_OPERATION_LEN}")]
    TooLong {
        /// Its length in bytes.
        len: usize,
    },
    /// The key is unusable.
    #[error("the worker's shielding key is no RSA-3072 key that can encrypt: ask its operator")]
    Key,
}
