// SPDX-License-Identifier: Apache-2.0
//! The shielding key against OpenSSL-made vectors, tampering, and itself.

use super::*;
use aws_lc_rs::rsa::{OaepPublicEncryptingKey, PublicEncryptingKey};
use offstage_primitives::trusted::MAX_OPERATION_LEN;
use std::sync::LazyLock;

static KEY: LazyLock<ShieldingKey> = LazyLock::new(|| ShieldingKey::from_sealable(PINNED_KEY).unwrap());

fn encrypt(key: &ShieldingKey, plaintext: &[u8]) -> Vec<u8> {
    let private = PrivateDecryptingKey::from_pkcs8(&key.to_sealable()).unwrap();
    let public: PublicEncryptingKey = private.public_key();
    let public = OaepPublicEncryptingKey::new(public).unwrap();
    let mut envelope = Vec::new();
    for chunk in plaintext.chunks(CHUNK_LEN) {
        let mut buffer = [0; RSA_LEN];
        envelope
            .extend_from_slice(public.encrypt(&OAEP_SHA256_MGF1SHA256, chunk, &mut buffer, None).unwrap());
    }
    envelope
}

#[test]
fn a_fresh_key_opens_what_was_encrypted_to_it_and_survives_the_store() {
    let key = ShieldingKey::generate().unwrap();
    let again = ShieldingKey::from_sealable(&key.to_sealable()).unwrap();
    assert_eq!(again.public(), key.public());
    assert_eq!(*again.commitment_key(), *key.commitment_key());
    assert_eq!(*again.to_sealable(), *key.to_sealable());
    for len in [1, CHUNK_LEN, CHUNK_LEN + 1, 3 * CHUNK_LEN] {
        let plaintext = vec![5; len];
        assert_eq!(*again.decrypt(&encrypt(&key, &plaintext)).unwrap(), plaintext);
    }
    let other = ShieldingKey::generate().unwrap();
    assert_ne!(*other.commitment_key(), *key.commitment_key());
    assert_eq!(other.decrypt(&encrypt(&key, b"not for you")).err(), Some(KeyError::Undecipherable));
}

#[test]
fn c11_every_malformed_envelope_has_the_same_error() {
    let good = encrypt(&KEY, &[7; 400]);
    assert_eq!(good.len(), 2 * RSA_LEN);
    let mut flipped_first = good.clone();
    flipped_first[0] ^= 1;
    let mut flipped_last = good.clone();
    *flipped_last.last_mut().unwrap() ^= 1;
    for envelope in [
        &[][..],
        &good[..RSA_LEN - 1],
        &good[..RSA_LEN + 1],
        &[0xff; RSA_LEN],
        &[0; RSA_LEN],
        &flipped_first,
        &flipped_last,
        &vec![1; MAX_CYPHERTEXT_LEN + RSA_LEN],
    ] {
        assert_eq!(KEY.decrypt(envelope).err(), Some(KeyError::Undecipherable));
    }
    assert_eq!(*KEY.decrypt(&good).unwrap(), [7; 400]);
}

#[test]
fn the_longest_operation_fits() {
    let plaintext = vec![9; MAX_OPERATION_LEN];
    let envelope = encrypt(&KEY, &plaintext);
    assert_eq!(envelope.len(), MAX_CYPHERTEXT_LEN);
    assert_eq!(*KEY.decrypt(&envelope).unwrap(), plaintext);
}

#[test]
fn what_openssl_encrypted_opens() {
    assert_eq!(&**KEY.decrypt(OPENSSL_ENVELOPE).unwrap(), b"offstage");
    assert_eq!(KEY.public().exponent, 65537);
    assert_eq!(KEY.public().modulus[..], *OPENSSL_MODULUS);
}

#[test]
fn the_commitment_key_is_pinned() {
    // HKDF-SHA-256 without salt over the PKCS#8 form, computed with another implementation.
    assert_eq!(hex::encode(*KEY.commitment_key()), PINNED_COMMITMENT_KEY);
}

#[test]
fn keys_of_other_sizes_and_damaged_keys_are_refused() {
    let small = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap();
    let small: Pkcs8V1Der<'_> = small.as_der().unwrap();
    assert_eq!(ShieldingKey::from_sealable(small.as_ref()).err(), Some(KeyError::Malformed));
    for damaged in [&[][..], &PINNED_KEY[..PINNED_KEY.len() - 1], &[0; MAX_SEALABLE_LEN + 1]] {
        assert_eq!(ShieldingKey::from_sealable(damaged).err(), Some(KeyError::Malformed));
    }
}

/// Made for these tests with `openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -outform DER`, as PKCS#8.
const PINNED_KEY: &[u8] = include_bytes!("../../tests/vectors/shielding_key.pkcs8");

/// `openssl rsa -modulus` of that key.
const OPENSSL_MODULUS: &[u8] = include_bytes!("../../tests/vectors/shielding_key.modulus");

/// `openssl pkeyutl -encrypt -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 -pkeyopt rsa_mgf1_md:sha256` of
/// the word "offstage".
const OPENSSL_ENVELOPE: &[u8] = include_bytes!("../../tests/vectors/openssl_envelope.bin");

const PINNED_COMMITMENT_KEY: &str = "6c82aeab68f45a872d4251627a9175d7c3f85a45f4c8e6865d8dd1c713c82f7e";
