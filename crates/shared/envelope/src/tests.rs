// SPDX-License-Identifier: Apache-2.0
//! Both halves against each other, against envelopes that OpenSSL made, and against damage.

use super::*;
use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rsa::{KeySize, PrivateDecryptingKey},
};
use offstage_primitives::{
    shielding::{CHUNK_LEN, MAX_CYPHERTEXT_LEN, RSA_LEN, ShieldingPublicKey},
    trusted::MAX_OPERATION_LEN,
};
use proptest::prelude::*;
use std::sync::LazyLock;

static KEY: LazyLock<OpeningKey> = LazyLock::new(|| OpeningKey::from_pkcs8(PINNED_KEY).unwrap());

fn generated(size: KeySize) -> Vec<u8> {
    let private = PrivateDecryptingKey::generate(size).unwrap();
    let der: Pkcs8V1Der<'_> = private.as_der().unwrap();
    der.as_ref().to_vec()
}

#[test]
fn envelopes_of_every_chunk_count_open() {
    for len in [1, CHUNK_LEN - 1, CHUNK_LEN, CHUNK_LEN + 1, 3 * CHUNK_LEN, MAX_OPERATION_LEN] {
        let plaintext: Vec<u8> = (0..len).map(|index| index as u8).collect();
        let envelope = seal(KEY.public(), &plaintext).unwrap();
        assert_eq!(envelope.len(), len.div_ceil(CHUNK_LEN) * RSA_LEN);
        assert_eq!(rsa_operations(envelope.len()) as usize, len.div_ceil(CHUNK_LEN));
        assert_eq!(*KEY.open(&envelope).unwrap(), plaintext);
    }
}

#[test]
fn equal_plaintexts_do_not_look_equal() {
    let envelope = || seal(KEY.public(), b"the same").unwrap();
    assert_ne!(envelope(), envelope());
}

#[test]
fn only_the_key_that_it_was_sealed_to_opens_an_envelope() {
    let other = OpeningKey::from_pkcs8(&generated(KeySize::Rsa3072)).unwrap();
    assert_eq!(other.open(&seal(KEY.public(), b"not for you").unwrap()).err(), Some(Unopened));
    assert_eq!(*other.open(&seal(other.public(), b"for you").unwrap()).unwrap(), b"for you");
}

#[test]
fn what_no_enclave_opens_is_not_sealed() {
    let len = MAX_OPERATION_LEN + 1;
    assert_eq!(seal(KEY.public(), &vec![0; len]), Err(SealError::TooLong { len }));
}

#[test]
fn a_public_key_that_is_none_is_refused() {
    let even = ShieldingPublicKey { modulus: [0xfe; RSA_LEN], exponent: 2 };
    assert_eq!(seal(&even, b"x"), Err(SealError::Key));
}

#[test]
fn the_old_exponent_form_is_followed_as_it_stands() {
    // `[1,0,0,1]` is 16777217: odd and short enough, so it encrypts.
    let key = ShieldingPublicKey { exponent: 16_777_217, ..KEY.public().clone() };
    assert!(seal(&key, b"x").is_ok());
}

#[test]
fn keys_of_other_sizes_and_damaged_keys_are_refused() {
    let small = generated(KeySize::Rsa2048);
    for bytes in [&small[..], &[], &PINNED_KEY[..PINNED_KEY.len() - 1], &[0; 5000]] {
        assert_eq!(OpeningKey::from_pkcs8(bytes).err(), Some(KeyError::Malformed));
    }
}

#[test]
fn c11_every_malformed_envelope_has_the_same_error() {
    let good = seal(KEY.public(), &[7; 400]).unwrap();
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
        assert_eq!(KEY.open(envelope).err(), Some(Unopened));
    }
    assert_eq!(*KEY.open(&good).unwrap(), [7; 400]);
}

/// What the chain charges for, and what is opened: nothing is opened for nothing, and nothing else is charged for.
#[test]
fn c18_what_costs_nothing_is_not_opened() {
    for len in (0..=3 * RSA_LEN).chain(MAX_CYPHERTEXT_LEN - 1..=MAX_CYPHERTEXT_LEN + RSA_LEN) {
        let cost = rsa_operations(len);
        let is_opened = len > 0 && len <= MAX_CYPHERTEXT_LEN && len.is_multiple_of(RSA_LEN);
        assert_eq!(Format::of(&vec![0; len]).is_some(), is_opened, "{len}");
        assert_eq!(cost as usize, if is_opened { len / RSA_LEN } else { 0 }, "{len}");
    }
}

#[test]
fn what_openssl_encrypted_opens() {
    assert_eq!(&**KEY.open(OPENSSL_ENVELOPE).unwrap(), b"offstage");
    assert_eq!(KEY.public().exponent, 65537);
    assert_eq!(KEY.public().modulus[..], *OPENSSL_MODULUS);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn what_was_sealed_opens_and_a_changed_byte_spoils_it(
        plaintext in proptest::collection::vec(any::<u8>(), 1..700),
        place in any::<prop::sample::Index>(),
        change in 1u8..,
    ) {
        let mut envelope = seal(KEY.public(), &plaintext).unwrap();
        prop_assert_eq!(&**KEY.open(&envelope).unwrap(), &plaintext[..]);
        let place = place.index(envelope.len());
        envelope[place] ^= change;
        prop_assert_eq!(KEY.open(&envelope).err(), Some(Unopened));
    }
}

/// Made for these tests with `openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -outform DER`, as PKCS#8.
const PINNED_KEY: &[u8] = include_bytes!("../tests/vectors/shielding_key.pkcs8");

/// `openssl rsa -modulus` of that key.
const OPENSSL_MODULUS: &[u8] = include_bytes!("../tests/vectors/shielding_key.modulus");

/// `openssl pkeyutl -encrypt -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 -pkeyopt rsa_mgf1_md:sha256` of
/// the word "offstage".
const OPENSSL_ENVELOPE: &[u8] = include_bytes!("../tests/vectors/openssl_envelope.bin");
