// SPDX-License-Identifier: Apache-2.0
//! Entry point for the fuzz target in `fuzz/`: it takes any bytes and asserts what must hold of them. Not part of a
//! production build.

use crate::Getter;
use codec::Encode;
use offstage_primitives::{
    BlockHash, H256, Measurement, ShardIdentifier,
    bounded::decode_bounded,
    trusted::{Domain, MAX_OPERATION_LEN},
};

/// A getter, as it comes to the enclave's port.
pub fn getter(bytes: &[u8]) {
    let Ok(getter) = decode_bounded::<Getter>(bytes, MAX_OPERATION_LEN) else { return };
    assert_eq!(getter.encode(), bytes);
    match getter {
        Getter::Public(_) => {}
        Getter::Trusted(signed) => drop(signed.verify()),
        Getter::Bound(signed) => {
            let elsewhere = Domain { genesis_hash: BlockHash::zero(), ..DOMAIN };
            if signed.verify(&DOMAIN, BLOCK) {
                assert!(signed.expires >= BLOCK && !signed.verify(&elsewhere, BLOCK));
            }
        }
    }
}

/// Where the signatures of the seeds are good.
const DOMAIN: Domain = Domain {
    genesis_hash: BlockHash::new([5; 32]),
    measurement: Measurement([4; 32]),
    shard: ShardIdentifier(H256([4; 32])),
};

/// The block on whose state getters are answered.
const BLOCK: u32 = 100;

#[cfg(test)]
mod seeds;
