// SPDX-License-Identifier: Apache-2.0
//! The shielding key through the store, against damage, and what is derived from it. How it opens is tested in
//! `offstage-envelope`.

use super::*;
use offstage_envelope::seal;
use std::sync::LazyLock;

static KEY: LazyLock<ShieldingKey> = LazyLock::new(|| ShieldingKey::from_sealable(PINNED_KEY).unwrap());

#[test]
fn a_fresh_key_opens_what_was_encrypted_to_it_and_survives_the_store() {
    let key = ShieldingKey::generate().unwrap();
    let again = ShieldingKey::from_sealable(&key.to_sealable()).unwrap();
    assert_eq!(again.public(), key.public());
    assert_eq!(*again.commitment_key(), *key.commitment_key());
    assert_eq!(*again.to_sealable(), *key.to_sealable());
    assert_eq!(*again.decrypt(&seal(&key.public(), &[5; 400]).unwrap()).unwrap(), [5; 400]);
    let other = ShieldingKey::generate().unwrap();
    assert_ne!(*other.commitment_key(), *key.commitment_key());
    let not_for_it = seal(&key.public(), b"not for you").unwrap();
    assert_eq!(other.decrypt(&not_for_it).err(), Some(KeyError::Undecipherable));
}

#[test]
fn the_commitment_key_is_pinned() {
    // HKDF-SHA-256 without salt over the PKCS#8 form, computed with another implementation.
    assert_eq!(hex::encode(*KEY.commitment_key()), PINNED_COMMITMENT_KEY);
}

#[test]
fn the_wrapping_key_is_of_one_chain_one_shard_and_one_salt() {
    let key = |genesis: u8, shard: u8, salt: u8| {
        KEY.wrapping_key(&BlockHash::repeat_byte(genesis), &[shard; 32].into(), &[salt; 32]).unwrap()
    };
    let record = key(1, 2, 3).seal(b"context", b"offstage").unwrap();
    assert_eq!(&**key(1, 2, 3).open(b"context", &record).unwrap(), b"offstage");
    for other in [key(9, 2, 3), key(1, 9, 3), key(1, 2, 9)] {
        assert!(other.open(b"context", &record).is_err());
    }
    let pinned = hex::decode(PINNED_WRAP).unwrap();
    assert_eq!(&**key(1, 2, 3).open(b"context", &pinned).unwrap(), b"offstage");
}

#[test]
fn the_secret_of_a_block_is_of_one_chain_one_shard_and_one_block() {
    let secret = |genesis: u8, shard: u8, block: u8| {
        let (genesis, block) = (BlockHash::repeat_byte(genesis), BlockHash::repeat_byte(block));
        *KEY.block_secret(&genesis, &[shard; 32].into(), &block).unwrap().expose_for_tests()
    };
    for other in [secret(9, 2, 3), secret(1, 9, 3), secret(1, 2, 9)] {
        assert_ne!(other, secret(1, 2, 3));
    }
    assert_eq!(hex::encode(secret(1, 2, 3)), PINNED_BLOCK_SECRET);
}

#[test]
fn c28_the_secret_of_results_is_of_one_chain_one_shard_and_one_block() {
    let secret = |genesis: u8, shard: u8, block: u8| {
        let (genesis, block) = (BlockHash::repeat_byte(genesis), BlockHash::repeat_byte(block));
        *KEY.result_secret(&genesis, &[shard; 32].into(), &block).unwrap()
    };
    for other in [secret(9, 2, 3), secret(1, 9, 3), secret(1, 2, 9)] {
        assert_ne!(other, secret(1, 2, 3));
    }
    assert_eq!(hex::encode(secret(1, 2, 3)), PINNED_RESULT_SECRET);
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

/// Made with another implementation of HKDF and AES-GCM from the pinned key and the salt 0, 1, ... 23.
const PINNED_WRAP: &str =
    "01000102030405060708090a0b0c0d0e0f10111213141516178e71b8bdc88cbcf332cd7416c26dda5642355d20c0beaae0";

/// Made with another implementation of HKDF from the pinned key.
const PINNED_BLOCK_SECRET: &str = "6dacbe9d15882d7883b2ee8cc4fe12ef76294a2827da1718ab73e6aaa3abfd6b";

/// Made with another implementation of HKDF from the pinned key.
const PINNED_RESULT_SECRET: &str = "1bab8059bbdb2add8acd9fb6a42ae1d2e5f9cdc1f157064a9b6a573a1ac4167f";

const PINNED_COMMITMENT_KEY: &str = "6c82aeab68f45a872d4251627a9175d7c3f85a45f4c8e6865d8dd1c713c82f7e";
