// SPDX-License-Identifier: Apache-2.0
//! The classic envelope from the client's side, for tests.

use aws_lc_rs::rsa::{
    OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey, PublicKeyComponents,
};
use offstage_primitives::shielding::{CHUNK_LEN, RSA_LEN, ShieldingPublicKey};

/// Encrypts to a shielding key.
pub(crate) fn encrypt(key: &ShieldingPublicKey, plaintext: &[u8]) -> Vec<u8> {
    let exponent: Vec<u8> = key.exponent.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
    let components = PublicKeyComponents { n: key.modulus.to_vec(), e: exponent };
    let public: PublicEncryptingKey = components.try_into().unwrap();
    let public = OaepPublicEncryptingKey::new(public).unwrap();
    let mut envelope = Vec::new();
    for chunk in plaintext.chunks(CHUNK_LEN) {
        let mut buffer = [0; RSA_LEN];
        envelope
            .extend_from_slice(public.encrypt(&OAEP_SHA256_MGF1SHA256, chunk, &mut buffer, None).unwrap());
    }
    envelope
}
