// SPDX-License-Identifier: Apache-2.0
//! The operation a client signs and encrypts, in Integritee's classic form (wire.md, "Common types").
//!
//! Generic over the business logic: `C` is its trusted call, `G` its getter. The forms for the default logic are in
//! [`balances`](crate::balances).
//!
//! The classic form has weaknesses that no implementation can mend: it binds neither the chain's genesis nor an
//! expiry, and a getter has no freshness.

use crate::ShardIdentifier;
use alloc::vec::Vec;
use codec::{Decode, Encode};
use sp_core::{H256, crypto::AccountId32};
use sp_crypto_hashing::blake2_256;
use sp_runtime::{MultiSignature, traits::Verify};

/// What a client encrypts.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum TrustedOperation<C, G> {
    /// A call that reaches the worker through the parentchain.
    #[codec(index = 0)]
    IndirectCall(TrustedCallSigned<C>),
    /// A call for a worker's pool. An off-chain worker has none and refuses it.
    #[codec(index = 1)]
    DirectCall(TrustedCallSigned<C>),
    /// A question.
    #[codec(index = 2)]
    Get(G),
}

impl<C: Encode, G: Encode> TrustedOperation<C, G> {
    /// The operation's hash: blake2-256 of its SCALE encoding.
    pub fn hash(&self) -> H256 {
        H256(self.using_encoded(blake2_256))
    }
}

/// A trusted call with its author's signature.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct TrustedCallSigned<C> {
    /// What is to be done; its first account is its sender.
    pub call: C,
    /// The sender's nonce in the shard.
    pub nonce: u32,
    /// Signature of the sender over [`call_payload`].
    pub signature: MultiSignature,
}

/// What the enclave needs to know of a business logic's call in order to authenticate it.
pub trait TrustedCall: Encode + Decode {
    /// The account that must have signed, or `None` for a call that no user may make.
    fn sender(&self) -> Option<&AccountId32>;
}

impl<C: TrustedCall> TrustedCallSigned<C> {
    /// Whether the sender signed this call with this nonce for this measurement and shard.
    ///
    /// The payload is accepted bare or wrapped in `<Bytes>` … `</Bytes>`, as browser wallets sign. `false` for calls
    /// without a sender.
    pub fn verify(&self, mrenclave: &[u8; 32], shard: &ShardIdentifier) -> bool {
        self.call.sender().is_some_and(|sender| {
            verify_maybe_wrapped(
                &self.signature,
                &call_payload(&self.call, self.nonce, mrenclave, shard),
                sender,
            )
        })
    }
}

/// The bytes that the author of a call signs: `SCALE(call) ++ nonce (4 bytes, little endian) ++ mrenclave ++ shard`.
pub fn call_payload<C: Encode>(
    call: &C,
    nonce: u32,
    mrenclave: &[u8; 32],
    shard: &ShardIdentifier,
) -> Vec<u8> {
    (call, nonce, mrenclave, shard).encode()
}

/// Verifies a signature over `payload`, bare or wrapped in `<Bytes>` … `</Bytes>`.
pub fn verify_maybe_wrapped(signature: &MultiSignature, payload: &[u8], signer: &AccountId32) -> bool {
    signature.verify(payload, signer)
        || signature.verify(&[WRAP_PREFIX, payload, WRAP_SUFFIX].concat()[..], signer)
}

/// What browser wallets put before the bytes that a page asks them to sign.
pub const WRAP_PREFIX: &[u8] = b"<Bytes>";
/// What they put behind.
pub const WRAP_SUFFIX: &[u8] = b"</Bytes>";

/// The longest SCALE encoding of an operation that an enclave decodes, in bytes.
pub const MAX_OPERATION_LEN: usize = 16 * 1024;
