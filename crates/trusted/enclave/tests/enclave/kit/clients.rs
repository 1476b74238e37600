// SPDX-License-Identifier: Apache-2.0
//! What clients do: sign operations and encrypt them.

use super::MRENCLAVE;
use aws_lc_rs::rsa::{
    OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey, PublicKeyComponents,
};
use codec::Encode;
use offstage_primitives::{
    AccountId32,
    balances::{BalancesOperation, TrustedCall},
    shielding::{CHUNK_LEN, RSA_LEN, ShieldingPublicKey},
    trusted::TrustedOperation,
};
use offstage_sdk::testing::TestAccount;

/// Encrypts to a shard as a client does.
pub(crate) struct Encryptor(OaepPublicEncryptingKey);

impl Encryptor {
    pub(crate) fn new(key: &ShieldingPublicKey) -> Self {
        let exponent = key.exponent.to_be_bytes();
        let exponent = exponent.iter().copied().skip_while(|byte| *byte == 0).collect::<Vec<_>>();
        let components = PublicKeyComponents { n: key.modulus.to_vec(), e: exponent };
        let key: PublicEncryptingKey = components.try_into().unwrap();
        Self(OaepPublicEncryptingKey::new(key).unwrap())
    }

    pub(crate) fn encrypt(&self, plaintext: &[u8]) -> Vec<u8> {
        let mut envelope = Vec::new();
        for chunk in plaintext.chunks(CHUNK_LEN) {
            let mut buffer = [0; RSA_LEN];
            envelope.extend_from_slice(
                self.0.encrypt(&OAEP_SHA256_MGF1SHA256, chunk, &mut buffer, None).unwrap(),
            );
        }
        envelope
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
    TrustedOperation::IndirectCall(account.sign_call(call, nonce, &MRENCLAVE, &MRENCLAVE.into()))
}

pub(crate) fn transfer(from: &TestAccount, to: &TestAccount, amount: u128, nonce: u32) -> BalancesOperation {
    signed(from, TrustedCall::BalanceTransfer(from.id(), to.id(), amount), nonce)
}

pub(crate) fn unshield(from: &TestAccount, to: &AccountId32, amount: u128, nonce: u32) -> BalancesOperation {
    signed(from, TrustedCall::BalanceUnshield(from.id(), to.clone(), amount, MRENCLAVE.into()), nonce)
}
