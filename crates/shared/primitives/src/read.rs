// SPDX-License-Identifier: Apache-2.0
//! What clients may ask of the state of a FRAME runtime, and how an account shows that it is its own (wire.md,
//! "Reads").
//!
//! A question names a storage item or a view function, as the runtime's metadata does. Which are open to whom, the
//! runtime says; the rest is closed, and a question that may not be answered gets the same nothing as one without a
//! value.

use crate::{BlockHash, ShardIdentifier, trusted::verify_maybe_wrapped};
use alloc::{string::String, vec::Vec};
use codec::{Decode, Encode};
use sp_core::crypto::AccountId32;
use sp_runtime::MultiSignature;

/// The parameter of `offstage_read`.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct ReadRequest {
    /// The shard that is asked about.
    pub shard: ShardIdentifier,
    /// What is asked.
    pub question: Question,
    /// Who asks. Public items need none.
    pub permit: Option<Permit>,
}

/// What is asked.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum Question {
    /// The value of a storage item, or what a view function returns.
    #[codec(index = 0)]
    Item {
        /// The pallet's name in the runtime.
        pallet: String,
        /// The item's name, or the function's.
        name: String,
        /// The keys of a map, or the function's arguments: SCALE of each.
        arguments: Vec<Vec<u8>>,
    },
    /// The nonce of the next call of the account with the permit: `u32`.
    #[codec(index = 1)]
    Nonce,
}

/// Shows a worker that its bearer speaks for an account, for a while: on one chain, about one shard. It allows reading
/// and nothing else. Whoever holds it may read what the account may, so it goes to verified workers only.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Permit {
    /// The account.
    pub account: AccountId32,
    /// Number of the last block of the parentchain on whose state it is good.
    pub expires: u32,
    /// Signature of the account over [`permit_payload`].
    pub signature: MultiSignature,
}

impl Permit {
    /// Whether the account signed it for this shard, and it is good on the state of the block with this number: not
    /// expired, and not made to last longer than [`MAX_PERMIT_LIFETIME`].
    pub fn verify(&self, genesis_hash: &BlockHash, shard: &ShardIdentifier, block_number: u32) -> bool {
        let latest = block_number.saturating_add(MAX_PERMIT_LIFETIME);
        let payload = permit_payload(&self.account, self.expires, genesis_hash, shard);
        (block_number..=latest).contains(&self.expires)
            && verify_maybe_wrapped(&self.signature, &payload, &self.account)
    }
}

/// The bytes that the author of a permit signs: [`PERMIT_TAG`]` ++ genesis hash ++ shard ++ account ++ expires`, the
/// number in 4 bytes, little endian.
pub fn permit_payload(
    account: &AccountId32,
    expires: u32,
    genesis_hash: &BlockHash,
    shard: &ShardIdentifier,
) -> Vec<u8> {
    let mut payload = PERMIT_TAG.to_vec();
    (genesis_hash, shard, account, expires).encode_to(&mut payload);
    payload
}

/// Begins what the author of a permit signs.
pub const PERMIT_TAG: &[u8] = b"offstage/permit/v1";

/// How many blocks beyond the worker's own a permit may expire at the latest.
pub const MAX_PERMIT_LIFETIME: u32 = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use sp_core::{Pair, sr25519};

    #[test]
    fn a_permit_is_good_for_its_account_and_shard_for_a_while() {
        let pair = sr25519::Pair::from_seed(&[1; 32]);
        let account = AccountId32::new(pair.public().0);
        let (genesis, shard) = (BlockHash::repeat_byte(5), ShardIdentifier::from([4; 32]));
        let permit = |expires| Permit {
            account: account.clone(),
            expires,
            signature: pair.sign(&permit_payload(&account, expires, &genesis, &shard)).into(),
        };
        let good = permit(100);
        assert!(good.verify(&genesis, &shard, 100) && good.verify(&genesis, &shard, 0));
        assert!(!good.verify(&genesis, &shard, 101), "expired");
        assert!(!permit(101 + MAX_PERMIT_LIFETIME).verify(&genesis, &shard, 100), "it would last too long");
        assert!(permit(100 + MAX_PERMIT_LIFETIME).verify(&genesis, &shard, 100));
        assert!(!good.verify(&BlockHash::repeat_byte(6), &shard, 100));
        assert!(!good.verify(&genesis, &[5; 32].into(), 100));
        assert!(!Permit { expires: 101, ..good.clone() }.verify(&genesis, &shard, 100));
        assert!(!Permit { account: [9; 32].into(), ..good }.verify(&genesis, &shard, 100));
    }
}
