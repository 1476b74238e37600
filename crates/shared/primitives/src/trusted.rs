// SPDX-License-Identifier: Apache-2.0
//! The operation a client signs and encrypts (wire.md, "Operations").
//!
//! Generic over the business logic: `C` is its trusted call, `G` its getter; both are the logic's own words, which no
//! crate below it knows (`templates/balances/interface`).
//!
//! There are two forms of a call. Integritee's classic form, [`TrustedCallSigned`], stays accepted. It has weaknesses
//! that no implementation can mend: it binds neither the chain's genesis nor an expiry, so that a call signed for one
//! chain is good on another with the same shard and measurement, and one that was held back is good for ever. The
//! bound form, [`BoundCallSigned`], has neither. What it signs begins with a tag of its own, so no signature of one
//! form is one of the other. Getters have the same two forms, [`TrustedGetterSigned`] and [`BoundGetterSigned`].

use crate::BlockHash;
use crate::{Measurement, ShardIdentifier};
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
    /// A call in the bound form, which reaches the worker through the parentchain.
    #[codec(index = 3)]
    BoundCall(BoundCallSigned<C>),
    /// An extrinsic of the shard's FRAME runtime, without its length, which reaches the worker through the parentchain.
    /// SCALE puts the length before the bytes, so after the index there stands the extrinsic as wallets make it.
    #[codec(index = 4)]
    Extrinsic(Vec<u8>),
}

impl<C: Encode, G: Encode> TrustedOperation<C, G> {
    /// The operation's hash: blake2-256 of its SCALE encoding.
    pub fn hash(&self) -> H256 {
        H256(self.using_encoded(blake2_256))
    }
}

/// What the extrinsics of a shard's runtime are signed for in the place of a chain's genesis hash:
/// `blake2_256("offstage/shard-genesis/v1" ++ genesis hash of the parentchain ++ shard)`.
///
/// So an extrinsic of one shard is none of another, and none of the parentchain.
pub fn shard_genesis_hash(genesis_hash: &BlockHash, shard: &ShardIdentifier) -> H256 {
    let mut bytes = SHARD_GENESIS_TAG.to_vec();
    (genesis_hash, shard).encode_to(&mut bytes);
    H256(blake2_256(&bytes))
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

/// A trusted call in the bound form: good on one chain, for one shard and measurement, up to one block.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct BoundCallSigned<C> {
    /// What is to be done; its first account is its sender.
    pub call: C,
    /// The sender's nonce in the shard.
    pub nonce: u32,
    /// Number of the last block of the parentchain in which it may be executed.
    pub expires: u32,
    /// Signature of the sender over [`bound_call_payload`].
    pub signature: MultiSignature,
}

/// Where the signature of a bound form is good.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Domain {
    /// Hash of the parentchain's genesis header.
    pub genesis_hash: BlockHash,
    /// The measurement that the shard allows.
    pub measurement: Measurement,
    /// The shard.
    pub shard: ShardIdentifier,
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
    pub fn verify(&self, measurement: &Measurement, shard: &ShardIdentifier) -> bool {
        self.call.sender().is_some_and(|sender| {
            verify_maybe_wrapped(
                &self.signature,
                &call_payload(&self.call, self.nonce, measurement, shard),
                sender,
            )
        })
    }
}

/// The bytes that the author of a call signs: `SCALE(call) ++ nonce (4 bytes, little endian) ++ measurement ++ shard`.
pub fn call_payload<C: Encode>(
    call: &C,
    nonce: u32,
    measurement: &Measurement,
    shard: &ShardIdentifier,
) -> Vec<u8> {
    (call, nonce, measurement, shard).encode()
}

impl<C: TrustedCall> BoundCallSigned<C> {
    /// Whether the sender signed this call with this nonce and expiry for this domain. Whether it has expired is
    /// another question, see [`is_expired`](Self::is_expired).
    ///
    /// The payload is accepted bare or wrapped, as by [`TrustedCallSigned::verify`].
    pub fn verify(&self, domain: &Domain) -> bool {
        self.call.sender().is_some_and(|sender| {
            let payload = bound_call_payload(&self.call, self.nonce, self.expires, domain);
            verify_maybe_wrapped(&self.signature, &payload, sender)
        })
    }

    /// Whether it comes too late in the parentchain's block with this number.
    pub fn is_expired(&self, block_number: u32) -> bool {
        block_number > self.expires
    }
}

/// The bytes that the author of a call in the bound form signs: [`BOUND_CALL_TAG`]` ++ genesis hash ++ measurement ++
/// shard ++ nonce ++ expires ++ SCALE(call)`, numbers in 4 bytes, little endian.
pub fn bound_call_payload<C: Encode>(call: &C, nonce: u32, expires: u32, domain: &Domain) -> Vec<u8> {
    let mut payload = BOUND_CALL_TAG.to_vec();
    (domain, nonce, expires, call).encode_to(&mut payload);
    payload
}

/// A business logic's question about one account, which only that account's owner may ask.
pub trait TrustedGetter: Encode + Decode {
    /// The question for the nonce of the account's next call, answered as a `u32`. Every logic has it, because every
    /// client needs it.
    fn nonce(account: AccountId32) -> Self;

    /// The account that must have signed.
    fn sender(&self) -> &AccountId32;
}

/// A business logic's question in any of its forms, as a worker is asked.
pub trait Getter: Encode + Decode {
    /// What an account's owner may ask.
    type Trusted: TrustedGetter;

    /// The question in the bound form.
    fn bound(signed: BoundGetterSigned<Self::Trusted>) -> Self;
}

/// A question with its author's signature over `SCALE(getter)`.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct TrustedGetterSigned<T> {
    /// The question.
    pub getter: T,
    /// The signature of the account it is about.
    pub signature: MultiSignature,
}

impl<T: TrustedGetter> TrustedGetterSigned<T> {
    /// Whether the account that the question is about signed it.
    pub fn verify(&self) -> bool {
        verify_maybe_wrapped(&self.signature, &self.getter.encode(), self.getter.sender())
    }
}

/// A question in the bound form: good on one chain, for one shard and measurement, up to one block. Who captures it
/// cannot ask again later, as with a [`TrustedGetterSigned`].
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct BoundGetterSigned<T> {
    /// The question.
    pub getter: T,
    /// Number of the last block of the parentchain on whose state it may be answered.
    pub expires: u32,
    /// The signature of the account that it is about, over [`bound_getter_payload`].
    pub signature: MultiSignature,
}

impl<T: TrustedGetter> BoundGetterSigned<T> {
    /// Whether the account that the question is about signed it for this domain, and it is good on the state of the
    /// block with this number: not expired, and not made to last longer than [`MAX_GETTER_LIFETIME`].
    pub fn verify(&self, domain: &Domain, block_number: u32) -> bool {
        let latest = block_number.saturating_add(MAX_GETTER_LIFETIME);
        (block_number..=latest).contains(&self.expires)
            && verify_maybe_wrapped(
                &self.signature,
                &bound_getter_payload(&self.getter, self.expires, domain),
                self.getter.sender(),
            )
    }
}

/// The bytes that the author of a question in the bound form signs: [`BOUND_GETTER_TAG`]` ++ genesis hash ++
/// measurement ++ shard ++ expires ++ SCALE(getter)`, the number in 4 bytes, little endian.
pub fn bound_getter_payload<T: Encode>(getter: &T, expires: u32, domain: &Domain) -> Vec<u8> {
    let mut payload = BOUND_GETTER_TAG.to_vec();
    (domain, expires, getter).encode_to(&mut payload);
    payload
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

/// Begins what the author of a bound call signs.
pub const BOUND_CALL_TAG: &[u8] = b"offstage/trusted-call/v1";

/// Begins what the author of a bound getter signs.
pub const BOUND_GETTER_TAG: &[u8] = b"offstage/getter/v1";

/// Begins what the genesis hash of a shard is made of.
pub const SHARD_GENESIS_TAG: &[u8] = b"offstage/shard-genesis/v1";

/// How many blocks beyond the worker's own a bound getter may expire at the latest.
pub const MAX_GETTER_LIFETIME: u32 = 256;

/// The longest SCALE encoding of an operation that an enclave decodes, in bytes.
pub const MAX_OPERATION_LEN: usize = 16 * 1024;
