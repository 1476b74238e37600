// SPDX-License-Identifier: Apache-2.0
//! Sealing: what leaves the enclave for the host's disk is encrypted and authenticated.
//!
//! The platform gives one [`SealingKey`]; users [derive](SealingKey::derive) their own from it by a label, such as
//! `b"state"`. Each record is
//!
//! ```text
//! version (1 byte) ++ salt (24 random bytes) ++ AES-256-GCM ciphertext ++ tag (16 bytes)
//! ```
//!
//! under a key of its own, HKDF-SHA-256 of the sealing key and the salt, with a nonce of zeros. A key that is used once
//! needs no nonce, and 192 random bits do not repeat however many records a store writes: AES-GCM's limit of 2^32
//! random nonces per key, which a state of many nodes would reach, does not apply.
//!
//! # Attacks
//! - A host that flips or cuts a record fails the tag. One that swaps two records fails it too, because the caller's
//!   context (the record's name) is authenticated with each.
//! - A host that puts back an older record of the *same* name is not noticed here. The store's head names each sealing
//!   by its `salt_of` (threat model H17); freshness of the whole comes from the chain: a rolled-back worker neither
//!   serves nor signs before it has seen its own registration (threat model H9).

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf::{HKDF_SHA256, KeyType, Prk, Salt},
    rand,
};
use zeroize::Zeroizing;

/// Seals and opens records of one label.
pub struct SealingKey {
    key: Prk,
}

impl SealingKey {
    /// The root of a platform's sealing keys.
    pub fn new(secret: &Zeroizing<[u8; 32]>) -> Self {
        Self { key: Prk::new_less_safe(HKDF_SHA256, secret.as_ref()) }
    }

    /// The key with this label. The same root and label give the same key at every start.
    ///
    /// # Errors
    /// [`SealError::Cryptography`] when the library fails.
    pub fn derive(&self, label: &[u8]) -> Result<Self, SealError> {
        Ok(Self::new(&expand(&self.key, &[SEALING_DOMAIN, label])?))
    }

    /// 32 secret bytes with this label, for another use than sealing.
    ///
    /// # Errors
    /// [`SealError::Cryptography`] when the library fails.
    pub fn derive_secret(&self, label: &[u8]) -> Result<Zeroizing<[u8; 32]>, SealError> {
        expand(&self.key, &[SECRET_DOMAIN, label])
    }

    /// Encrypts `plaintext` so that only this key opens it, under the same `context` only.
    ///
    /// # Errors
    /// [`SealError::Cryptography`] when the library, or its random generator, fails.
    #[expect(clippy::disallowed_methods, reason = "a salt is fresh for each record; nothing depends on it")]
    pub fn seal(&self, context: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut salt = [0; SALT_LEN];
        rand::fill(&mut salt).map_err(|_| SealError::Cryptography)?;
        let mut record = Vec::with_capacity(plaintext.len().saturating_add(OVERHEAD_LEN));
        record.push(VERSION);
        record.extend_from_slice(&salt);
        record.extend_from_slice(plaintext);
        let body = record.get_mut(HEADER_LEN..).ok_or(SealError::Cryptography)?;
        let tag = self
            .record_key(&salt)?
            .seal_in_place_separate_tag(zero_nonce(), Aad::from(authenticated(context)), body)
            .map_err(|_| SealError::Cryptography)?;
        record.extend_from_slice(tag.as_ref());
        Ok(record)
    }

    /// Decrypts a record that [`seal`](Self::seal) made with the same `context`.
    ///
    /// # Errors
    /// [`SealError::UnknownVersion`] for a record of another form, [`SealError::Damaged`] for anything that this key
    /// did not seal under this context.
    pub fn open(&self, context: &[u8], record: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (version, rest) = record.split_first().ok_or(SealError::Damaged)?;
        if *version != VERSION {
            return Err(SealError::UnknownVersion(*version));
        }
        let (salt, body) = rest.split_first_chunk::<SALT_LEN>().ok_or(SealError::Damaged)?;
        let mut body = Zeroizing::new(body.to_vec());
        let len = self
            .record_key(salt)?
            .open_in_place(zero_nonce(), Aad::from(authenticated(context)), &mut body)
            .map_err(|_| SealError::Damaged)?
            .len();
        body.truncate(len);
        Ok(body)
    }

    fn record_key(&self, salt: &[u8; SALT_LEN]) -> Result<LessSafeKey, SealError> {
        let key = expand(&self.key, &[RECORD_DOMAIN, salt])?;
        UnboundKey::new(&AES_256_GCM, key.as_ref()).map(LessSafeKey::new).map_err(|_| SealError::Cryptography)
    }
}

/// 32 random bytes, for a key of the store's own.
///
/// # Errors
/// [`SealError::Cryptography`] when the random generator fails.
#[expect(
    clippy::disallowed_methods,
    reason = "a store's key is random; nothing that is executed depends on it"
)]
pub(crate) fn random_bytes() -> Result<Zeroizing<[u8; 32]>, SealError> {
    let mut bytes = Zeroizing::new([0; 32]);
    rand::fill(bytes.as_mut()).map_err(|_| SealError::Cryptography)?;
    Ok(bytes)
}

/// The salt of a record, which names this one sealing: no two share it, and what opens under it is what was sealed with
/// it. `None` for bytes that are too short to be a record.
pub(crate) fn salt_of(record: &[u8]) -> Option<&[u8; SALT_LEN]> {
    record.get(1..)?.first_chunk()
}

/// 32 bytes that only a holder of `secret` can derive, for the purpose that `info` names (HKDF-SHA-256, RFC 5869).
///
/// # Errors
/// [`SealError::Cryptography`] when the library fails.
pub(crate) fn derive_bytes(secret: &[u8], info: &[&[u8]]) -> Result<Zeroizing<[u8; 32]>, SealError> {
    expand(&Salt::new(HKDF_SHA256, &[]).extract(secret), info)
}

/// Why a record could not be sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The record was not sealed by this enclave on this machine, or was changed since.
    #[error(
        "a sealed record is damaged, or was sealed by another enclave or machine; restore the data directory, or start \
         with an empty one and catch up from the chain"
    )]
    Damaged,
    /// A newer enclave wrote it.
    #[error(
        "a sealed record has version {0}, which this enclave does not know; use the enclave that wrote it"
    )]
    UnknownVersion(u8),
    /// The cryptographic library failed.
    #[error("the cryptographic library failed; restart the worker")]
    Cryptography,
}

fn expand(key: &Prk, info: &[&[u8]]) -> Result<Zeroizing<[u8; 32]>, SealError> {
    let mut bytes = Zeroizing::new([0; 32]);
    key.expand(info, KeyLen)
        .and_then(|output| output.fill(bytes.as_mut()))
        .map_err(|_| SealError::Cryptography)?;
    Ok(bytes)
}

/// The version is authenticated too, so a later form can never be read as this one.
fn authenticated(context: &[u8]) -> Vec<u8> {
    [&[VERSION], context].concat()
}

/// Each key encrypts one record, so its nonce may be constant.
fn zero_nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}

struct KeyLen;

impl KeyType for KeyLen {
    fn len(&self) -> usize {
        32
    }
}

const SEALING_DOMAIN: &[u8] = b"offstage/seal/v1\0";
const SECRET_DOMAIN: &[u8] = b"offstage/seal/secret/v1\0";
const RECORD_DOMAIN: &[u8] = b"offstage/seal/record/v1\0";
const VERSION: u8 = 1;
/// Random bytes that a record's key is derived with.
pub(crate) const SALT_LEN: usize = 24;
const HEADER_LEN: usize = 1 + SALT_LEN;
const TAG_LEN: usize = 16;

/// Bytes that a record is longer than its plaintext.
pub const OVERHEAD_LEN: usize = HEADER_LEN + TAG_LEN;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(label: &[u8]) -> SealingKey {
        SealingKey::new(&Zeroizing::new([7; 32])).derive(label).unwrap()
    }

    proptest! {
        #[test]
        fn what_was_sealed_opens(context: Vec<u8>, plaintext: Vec<u8>) {
            let record = key(b"a").seal(&context, &plaintext).unwrap();
            prop_assert_eq!(record.len(), plaintext.len() + OVERHEAD_LEN);
            prop_assert_eq!(&*key(b"a").open(&context, &record).unwrap(), &plaintext);
        }

        #[test]
        fn random_bytes_do_not_open(record: Vec<u8>) {
            prop_assert!(key(b"a").open(b"", &record).is_err());
        }
    }

    #[test]
    fn h09_a_record_changed_in_any_bit_or_cut_anywhere_is_refused() {
        let record = key(b"a").seal(b"name", b"plaintext").unwrap();
        for position in 0..record.len() {
            for bit in 0..8 {
                let mut tampered = record.clone();
                tampered[position] ^= 1 << bit;
                let expected = match position {
                    0 => SealError::UnknownVersion(1 ^ (1 << bit)),
                    _ => SealError::Damaged,
                };
                assert_eq!(key(b"a").open(b"name", &tampered).err(), Some(expected));
            }
            assert_eq!(key(b"a").open(b"name", &record[..position]).err(), Some(SealError::Damaged));
        }
        let longer = [&record[..], &[0]].concat();
        assert_eq!(key(b"a").open(b"name", &longer).err(), Some(SealError::Damaged));
    }

    #[test]
    fn h09_context_label_and_secret_separate_records() {
        let record = key(b"a").seal(b"name", b"plaintext").unwrap();
        assert_eq!(key(b"a").open(b"other", &record).err(), Some(SealError::Damaged));
        assert_eq!(key(b"b").open(b"name", &record).err(), Some(SealError::Damaged));
        let other = SealingKey::new(&Zeroizing::new([8; 32])).derive(b"a").unwrap();
        assert_eq!(other.open(b"name", &record).err(), Some(SealError::Damaged));
    }

    #[test]
    fn equal_plaintexts_give_unlike_records() {
        let records = [(); 2].map(|()| key(b"a").seal(b"name", b"plaintext").unwrap());
        assert_ne!(records[0][HEADER_LEN..], records[1][HEADER_LEN..]);
    }

    #[test]
    fn the_derivation_is_pinned() {
        // A change here would lose every sealed store.
        let record = hex::decode(PINNED_RECORD).unwrap();
        assert_eq!(&**key(b"pinned").open(b"context", &record).unwrap(), b"offstage");
    }

    /// Made with another implementation of HKDF and AES-GCM from the secret `[7; 32]` and the salt 0, 1, ... 23.
    const PINNED_RECORD: &str =
        "01000102030405060708090a0b0c0d0e0f101112131415161793765ec513516b6c02421e68a41df9b146740b7a767f7976";
}
