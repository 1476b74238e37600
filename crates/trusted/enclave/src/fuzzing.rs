// SPDX-License-Identifier: Apache-2.0
//! Entry points for the fuzz targets in `fuzz/`: each takes any bytes and asserts what must hold of them.
//!
//! Those about operations take the words of a business logic, its calls `C` and getters `G`.
//!
//! Not part of a production build. The shielding key is the committed one of the tests, so that envelopes can be
//! opened.

use crate::{decrypt, keys::ShieldingKey, provision, rpc, seal::SealingKey, store};
use codec::{Decode, Encode};
use offstage_primitives::{
    BlockHash, H256, Measurement, ShardIdentifier,
    bounded::decode_bounded,
    receipt::Outcome,
    shielding::{CHUNK_LEN, MAX_CYPHERTEXT_LEN, RSA_LEN, ShieldingPublicKey},
    trusted::{Domain, MAX_OPERATION_LEN, TrustedCall, TrustedOperation},
};
use offstage_sdk::Operation;
use sp_crypto_hashing::blake2_256;
use std::{fmt::Debug, sync::LazyLock};
use zeroize::Zeroizing;

pub use provision::fuzzing::message;
pub use rpc::fuzzing::json;
pub use store::fuzzing::record;

/// A classic envelope, as an invocation and as a shielding carry it: it is opened as a whole or not at all, and
/// whatever it is, it becomes one operation.
pub fn envelope<C: TrustedCall + Debug, G: Encode + Decode + Debug>(cyphertext: &[u8]) {
    let opened = KEY.decrypt(cyphertext);
    let chunks = cyphertext.len() / RSA_LEN;
    let has_form =
        chunks > 0 && chunks * RSA_LEN == cyphertext.len() && cyphertext.len() <= MAX_CYPHERTEXT_LEN;
    assert!(has_form || opened.is_err());
    match &opened {
        Ok(plaintext) => {
            assert!(plaintext.len() <= chunks * CHUNK_LEN);
            operation::<C, G>(plaintext);
        }
        Err(_) => {
            let invoked: Operation<C> = decrypt::open_invocation(&KEY, cyphertext, &DOMAIN, BLOCK);
            assert!(matches!(invoked, Operation::Failed { outcome: Outcome::Undecipherable, .. }));
            assert_eq!(decrypt::open_beneficiary(&KEY, cyphertext), None);
        }
    }
}

/// A decrypted operation: its receipt's name is the hash of its bytes, and a call is executed only for its sender, in
/// time.
pub fn operation<C: TrustedCall + Debug, G: Encode + Decode + Debug>(plaintext: &[u8]) {
    let whole = decode_bounded::<TrustedOperation<C, G>>(plaintext, MAX_OPERATION_LEN);
    if let Ok(operation) = &whole {
        assert_eq!(operation.encode(), plaintext);
    }
    let Some(operation) = decrypt::decode_operation::<C>(plaintext) else {
        return assert!(whole.is_err(), "what a client may send is read");
    };
    match Operation::authenticate(operation, &DOMAIN, BLOCK) {
        Operation::Call(call) => {
            assert_eq!(Some(call.sender()), call.call().sender());
            assert_eq!(call.hash(), H256(blake2_256(plaintext)));
            match whole {
                Ok(TrustedOperation::IndirectCall(signed)) => assert_eq!(signed.nonce, call.nonce()),
                Ok(TrustedOperation::BoundCall(signed)) => assert!(signed.expires >= BLOCK),
                other => panic!("executed {other:?}"),
            }
        }
        Operation::Failed { hash, outcome } => {
            assert!(!outcome.is_success());
            assert_eq!(hash, H256(blake2_256(plaintext)));
        }
        Operation::Extrinsic { hash, extrinsic } => {
            assert_eq!(hash, H256(blake2_256(plaintext)));
            assert_eq!(Some(&extrinsic[..]), plaintext.get(1..));
        }
        Operation::Shield { .. } => panic!("nobody shields by an operation"),
    }
}

/// A sealed record: nobody but the enclave makes one that opens. The seeds hold one that does.
pub fn sealed(record: &[u8]) {
    let sealing = SealingKey::new(&Zeroizing::new([7; 32]));
    match sealing.open(SEALED_CONTEXT, record) {
        Ok(plaintext) => assert_eq!(&plaintext[..], SEALED_PLAINTEXT),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    assert!(sealing.open(b"another place", record).is_err());
}

/// The shielding key in the forms in which it is stored, handed on and published.
pub fn shielding_key(bytes: &[u8]) {
    if let Ok(key) = ShieldingKey::from_sealable(bytes) {
        let again = ShieldingKey::from_sealable(&key.to_sealable()).expect("it was written by us");
        assert_eq!(again.public(), key.public());
        assert_eq!(*again.commitment_key(), *key.commitment_key());
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(public) = ShieldingPublicKey::from_json(text) {
        assert_eq!(ShieldingPublicKey::from_json(&public.to_json()), Ok(public));
    }
}

static KEY: LazyLock<ShieldingKey> = LazyLock::new(|| {
    ShieldingKey::from_sealable(include_bytes!("../tests/vectors/shielding_key.pkcs8"))
        .expect("the committed key is good")
});

/// Where the signatures of the seeds are good.
const DOMAIN: Domain = Domain {
    genesis_hash: BlockHash::new([5; 32]),
    measurement: Measurement([4; 32]),
    shard: ShardIdentifier(H256([4; 32])),
};

/// The block in which operations come.
const BLOCK: u32 = 100;

const SEALED_CONTEXT: &[u8] = b"name";
const SEALED_PLAINTEXT: &[u8] = b"plaintext";

#[cfg(test)]
mod seeds;
