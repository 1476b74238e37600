// SPDX-License-Identifier: Apache-2.0
//! What clients do: sign operations and encrypt them.

use super::MEASUREMENT;
use codec::Encode;
use offstage_balances_interface::{BalancesOperation, TrustedCall};
use offstage_envelope::seal;
use offstage_primitives::{
    AccountId32,
    shielding::{CHUNK_LEN, ShieldingPublicKey},
    trusted::TrustedOperation,
};
use offstage_sdk::testing::TestAccount;

/// Encrypts to a shard as a client does.
pub(crate) struct Encryptor(ShieldingPublicKey);

impl Encryptor {
    pub(crate) fn new(key: &ShieldingPublicKey) -> Self {
        Self(key.clone())
    }

    /// Chunk by chunk: a hostile client keeps to no limit of length.
    pub(crate) fn encrypt(&self, plaintext: &[u8]) -> Vec<u8> {
        plaintext.chunks(CHUNK_LEN).flat_map(|chunk| seal(&self.0, chunk).unwrap()).collect()
    }

    pub(crate) fn account(&self, account: &TestAccount) -> Vec<u8> {
        self.encrypt(&account.id().encode())
    }

    pub(crate) fn operation(&self, operation: &BalancesOperation) -> Vec<u8> {
        self.encrypt(&operation.encode())
    }
}

/// A signed call as it goes into an envelope.
pub(crate) fn signed(account: &TestAccount, call: TrustedCall, nonce: u32) -> BalancesOperation {
    TrustedOperation::IndirectCall(account.sign_call(call, nonce, &MEASUREMENT, &MEASUREMENT.into()))
}

pub(crate) fn transfer(from: &TestAccount, to: &TestAccount, amount: u128, nonce: u32) -> BalancesOperation {
    signed(from, TrustedCall::BalanceTransfer(from.id(), to.id(), amount), nonce)
}

pub(crate) fn unshield(from: &TestAccount, to: &AccountId32, amount: u128, nonce: u32) -> BalancesOperation {
    signed(from, TrustedCall::BalanceUnshield(from.id(), to.clone(), amount, MEASUREMENT.into()), nonce)
}
