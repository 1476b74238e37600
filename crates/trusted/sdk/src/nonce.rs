// SPDX-License-Identifier: Apache-2.0
//! The nonce of each account's next call.
//!
//! Nonces live in the executor's own storage, apart from the business logic's accounts. A logic may forget an account
//! that is emptied; were the nonce forgotten with it, all the account's old calls could be replayed as soon as it is
//! funded again (threat model C2).

use codec::{Decode, Encode};
use offstage_primitives::AccountId32;
use sp_crypto_hashing::{blake2_128, twox_128};

/// The nonce that the next call of `account` must have: 0 at first. To be called inside externalities.
///
/// `None` when all 2^32 nonces are used up; the account can make no call any more.
pub fn next(account: &AccountId32) -> Option<u32> {
    match sp_io::storage::get(&storage_key(account)) {
        None => Some(0),
        // What is stored is ours; if it does not decode, no call of this account is executed.
        Some(used) => u32::decode(&mut &used[..]).ok()?.checked_add(1),
    }
}

/// Whether `nonce` is the account's next one.
pub(crate) fn is_next(account: &AccountId32, nonce: u32) -> bool {
    next(account) == Some(nonce)
}

/// Uses up `nonce` if it is the next one; otherwise changes nothing and returns `false`.
pub(crate) fn consume(account: &AccountId32, nonce: u32) -> bool {
    let is_next = is_next(account, nonce);
    if is_next {
        sp_io::storage::set(&storage_key(account), &nonce.encode());
    }
    is_next
}

/// `twox_128("OffstageExecutor") ++ twox_128("Nonce") ++ blake2_128(account) ++ account`, as FRAME would name it. The
/// value is the last nonce used. No pallet of a logic may be called `OffstageExecutor`.
pub(crate) fn storage_key(account: &AccountId32) -> Vec<u8> {
    let account: &[u8] = account.as_ref();
    [&twox_128(PALLET)[..], &twox_128(b"Nonce"), &blake2_128(account), account].concat()
}

const PALLET: &[u8] = b"OffstageExecutor";
