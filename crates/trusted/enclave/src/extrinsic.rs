// SPDX-License-Identifier: Apache-2.0
//! Signed extrinsics, by proven metadata.
//!
//! The metadata comes out of the chain's proven runtime code, so call indices and extensions are the chain's. Beside
//! that its digest is signed (`CheckMetadataHash`, RFC-78), so that a runtime with other metadata refuses the signature
//! (threat model H7). An extension or a call of an unknown form is an error: the enclave signs only what it
//! understands.

use crate::{
    effects::ShardCall,
    keys::{KeyError, Signer},
};
use codec::{Compact, Encode};
use offstage_light_client::{
    VerifiedRuntime,
    runtime::{Argument, Shape, SignedExtension},
};
use offstage_primitives::{
    AccountId32, BlockHash, H256, ShardIdentifier,
    chain::{argument, enclave_bridge, teerex},
    teerex::SgxAttestationMethod,
};
use offstage_protocol::BlockReference;
use offstage_sdk::parentchain::Unfit;
use sp_crypto_hashing::blake2_256;
use sp_runtime::generic::Era;

/// What the enclave asks of the chain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Call {
    /// `Teerex.register_sgx_enclave`.
    Register {
        /// Evidence and binding.
        proof: Vec<u8>,
        /// Where clients reach the enclave.
        url: String,
    },
    /// `Teerex.unregister_sovereign_enclave`.
    Unregister {
        /// Whose entry goes.
        signer: AccountId32,
    },
    /// `EnclaveBridge.confirm_processed_parentchain_block`.
    Confirm {
        /// The shard.
        shard: ShardIdentifier,
        /// The executed block.
        block: BlockReference,
        /// Root of its receipts.
        root: H256,
    },
    /// `EnclaveBridge.unshield_funds`.
    Unshield {
        /// The shard.
        shard: ShardIdentifier,
        /// Who receives.
        beneficiary: AccountId32,
        /// How much.
        amount: u128,
        /// Unique per payment.
        call_hash: H256,
    },
    /// `EnclaveBridge.execute_for_shard`.
    Execute(ShardCall),
}

/// What an extrinsic is signed for.
pub struct Signing<'a> {
    /// The runtime that will execute it.
    pub runtime: &'a VerifiedRuntime,
    /// Hash of the chain's genesis header.
    pub genesis_hash: BlockHash,
    /// A verified final block; the extrinsic is valid for [`ERA_PERIOD`] blocks around it.
    pub anchor: BlockReference,
    /// Who signs.
    pub signer: &'a Signer,
}

/// Encodes and signs a call: a version-4 extrinsic with its length in front.
///
/// # Errors
/// When the runtime has another form of the call or an extension that is not known here.
pub fn sign(call: &Call, nonce: u32, signing: &Signing<'_>) -> Result<Vec<u8>, ExtrinsicError> {
    sign_encoded(encode_call(call, signing.runtime)?, nonce, signing)
}

/// Whether the runtime has a batch that goes on when a call of it fails.
pub fn batches(runtime: &VerifiedRuntime) -> bool {
    batch_index(runtime).is_some()
}

/// Encodes and signs several calls as one `Utility.force_batch`, in their order.
///
/// # Errors
/// As [`sign`], when the runtime has no such batch, and for more than [`MAX_BATCH`] calls.
pub fn sign_batch(calls: &[&Call], nonce: u32, signing: &Signing<'_>) -> Result<Vec<u8>, ExtrinsicError> {
    let index = batch_index(signing.runtime)
        .ok_or(ExtrinsicError::UnknownCall { pallet: "Utility", call: "force_batch" })?;
    let count = u32::try_from(calls.len()).map_err(|_| ExtrinsicError::TooManyCalls)?;
    if calls.len() > MAX_BATCH {
        return Err(ExtrinsicError::TooManyCalls);
    }
    let mut batch = (index, Compact(count)).encode();
    for call in calls {
        batch.extend(encode_call(call, signing.runtime)?);
    }
    sign_encoded(batch, nonce, signing)
}

fn batch_index(runtime: &VerifiedRuntime) -> Option<(u8, u8)> {
    runtime.call_index_with("Utility", "force_batch", &[("calls", Argument::Enums)])
}

fn sign_encoded(call: Vec<u8>, nonce: u32, signing: &Signing<'_>) -> Result<Vec<u8>, ExtrinsicError> {
    let mut extra = Vec::new();
    let mut additional = Vec::new();
    for extension in signing.runtime.signed_extensions() {
        encode_extension(extension, nonce, signing, &mut extra, &mut additional)?;
    }
    let payload = [&call[..], &extra, &additional].concat();
    // As `SignedPayload` does: long payloads are hashed.
    let signature = if payload.len() > MAX_BARE_PAYLOAD_LEN {
        signing.signer.sign(&blake2_256(&payload))?
    } else {
        signing.signer.sign(&payload)?
    };
    let mut body = vec![SIGNED_VERSION_4];
    if signing.runtime.uses_multi_address() {
        body.push(MULTI_ADDRESS_ID);
    }
    signing.signer.account().encode_to(&mut body);
    body.push(MULTI_SIGNATURE_ED25519);
    body.extend_from_slice(&signature);
    body.extend_from_slice(&extra);
    body.extend_from_slice(&call);
    Ok(body.encode())
}

/// Why nothing was signed.
#[derive(Debug, thiserror::Error)]
pub enum ExtrinsicError {
    /// The runtime lacks a call, or takes other arguments.
    #[error(
        "the chain's runtime has no {pallet}.{call} with the arguments that this enclave knows; use an enclave made \
         for this chain"
    )]
    UnknownCall {
        /// The pallet.
        pallet: &'static str,
        /// The call.
        call: &'static str,
    },
    /// The runtime wants something signed that is not understood here.
    #[error(
        "the chain's runtime has the transaction extension {0}, which this enclave does not know; use a newer enclave"
    )]
    UnknownExtension(String),
    /// More calls than a batch may have.
    #[error("bug in the enclave: a batch of more than {MAX_BATCH} calls; please report it")]
    TooManyCalls,
    /// A call in the shard's name is none of the runtime's.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// The signature could not be made.
    #[error(transparent)]
    Key(#[from] KeyError),
}

fn encode_call(call: &Call, runtime: &VerifiedRuntime) -> Result<Vec<u8>, ExtrinsicError> {
    let index = |pallet, call, arguments: &[(&str, Argument)]| call_index(runtime, pallet, call, arguments);
    Ok(match call {
        Call::Register { proof, url } => {
            let arguments = [
                (argument::PROOF, Argument::Bytes),
                (argument::WORKER_URL, Argument::OptionalBytes),
                (argument::ATTESTATION_METHOD, Argument::Compound),
            ];
            let index = index(teerex::PALLET, teerex::REGISTER_SGX_ENCLAVE, &arguments)?;
            (index, proof, Some(url.as_bytes()), SgxAttestationMethod::Dcap { proxied: false }).encode()
        }
        Call::Unregister { signer } => {
            let arguments = [(argument::ENCLAVE_SIGNER, Argument::Hash)];
            (index(teerex::PALLET, teerex::UNREGISTER_SOVEREIGN_ENCLAVE, &arguments)?, signer).encode()
        }
        Call::Confirm { shard, block, root } => {
            let arguments = [
                (argument::SHARD, Argument::Hash),
                (argument::BLOCK_HASH, Argument::Hash),
                (argument::BLOCK_NUMBER, Argument::U32),
                (argument::TRUSTED_CALLS_MERKLE_ROOT, Argument::Hash),
            ];
            let call = enclave_bridge::CONFIRM_PROCESSED_PARENTCHAIN_BLOCK;
            let index = index(enclave_bridge::PALLET, call, &arguments)?;
            (index, shard, block.hash, block.number, root).encode()
        }
        Call::Unshield { shard, beneficiary, amount, call_hash } => {
            let arguments = [
                (argument::SHARD, Argument::Hash),
                (argument::BENEFICIARY, Argument::Hash),
                (argument::AMOUNT, Argument::U128),
                (argument::CALL_HASH, Argument::Hash),
            ];
            let index = index(enclave_bridge::PALLET, enclave_bridge::UNSHIELD_FUNDS, &arguments)?;
            (index, shard, beneficiary, amount, call_hash).encode()
        }
        Call::Execute(call) => call.encode(runtime)?,
    })
}

/// The index of a call that takes exactly these arguments.
pub(crate) fn call_index(
    runtime: &VerifiedRuntime,
    pallet: &'static str,
    call: &'static str,
    arguments: &[(&str, Argument)],
) -> Result<(u8, u8), ExtrinsicError> {
    let index = runtime.call_index_with(pallet, call, arguments);
    index.ok_or(ExtrinsicError::UnknownCall { pallet, call })
}

fn encode_extension(
    extension: &SignedExtension,
    nonce: u32,
    signing: &Signing<'_>,
    extra: &mut Vec<u8>,
    additional: &mut Vec<u8>,
) -> Result<(), ExtrinsicError> {
    use Shape::{Empty, Optional, Other};
    let unknown = || Err(ExtrinsicError::UnknownExtension(extension.identifier.clone()));
    match (&*extension.identifier, extension.extra, extension.additional) {
        (
            "CheckNonZeroSender" | "CheckWeight" | "WeightReclaim" | "StorageWeightReclaim" | "AuthorizeCall",
            Empty,
            Empty,
        ) => {}
        ("CheckSpecVersion", Empty, Other) => signing.runtime.spec_version().encode_to(additional),
        ("CheckTxVersion", Empty, Other) => signing.runtime.transaction_version().encode_to(additional),
        ("CheckGenesis", Empty, Other) => signing.genesis_hash.encode_to(additional),
        ("CheckMortality" | "CheckEra", Other, Other) => {
            Era::mortal(ERA_PERIOD, signing.anchor.number.into()).encode_to(extra);
            signing.anchor.hash.encode_to(additional);
        }
        ("CheckNonce", Other, Empty) => Compact(nonce).encode_to(extra),
        ("ChargeTransactionPayment", Other, Empty) => Compact(NO_TIP).encode_to(extra),
        ("ChargeAssetTxPayment", Other, Empty) => {
            Compact(NO_TIP).encode_to(extra);
            // No asset: the fee is paid in the native token.
            extra.push(0);
        }
        ("CheckMetadataHash", Other, Optional | Other) => {
            // The digest is part of the runtime's code, if the runtime was built so; without it there is nothing to
            // compare with, and the metadata is proven in any case.
            let digest = signing.runtime.metadata_digest();
            extra.push(u8::from(digest.is_some()));
            digest.encode_to(additional);
        }
        _ => return unknown(),
    }
    Ok(())
}

/// Blocks for which an extrinsic is valid. Chains remember the hashes of 256 blocks at least, of which the anchor must
/// be one.
pub const ERA_PERIOD: u64 = 256;

/// Calls in a batch. The weight of so many is a small part of any chain's block, and of a parachain's proof, so that a
/// batch always finds room; and more would save next to nothing.
pub const MAX_BATCH: usize = 32;

const NO_TIP: u128 = 0;
const SIGNED_VERSION_4: u8 = 0b1000_0100;
const MULTI_ADDRESS_ID: u8 = 0;
const MULTI_SIGNATURE_ED25519: u8 = 0;

/// sp-runtime, `SignedPayload::using_encoded`.
const MAX_BARE_PAYLOAD_LEN: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use codec::Decode;
    use offstage_light_client::{
        ShardEventKind, operations,
        testing::{LIVE_METADATA, TestChain, test_code, validators},
    };
    use proptest::prelude::*;
    use sp_core::{Pair, ed25519};

    fn calls() -> [Call; 4] {
        let shard = ShardIdentifier::from([5; 32]);
        let block = BlockReference { number: 7, hash: BlockHash::repeat_byte(7) };
        [
            Call::Register { proof: vec![9; 20_000], url: "wss://worker:2000".into() },
            Call::Confirm { shard, block, root: H256::repeat_byte(3) },
            Call::Unshield {
                shard,
                beneficiary: [8; 32].into(),
                amount: 1 << 70,
                call_hash: H256::repeat_byte(4),
            },
            Call::Unregister { signer: [7; 32].into() },
        ]
    }

    /// What is signed is what frame-system's checkers of this (live) runtime verify: each extension in its place.
    #[test]
    fn h07_the_signature_covers_call_extensions_and_their_implicit_parts() {
        let chain = TestChain::new(1);
        let signer = Signer::from_sealable(&[3; 32]).unwrap();
        let anchor = BlockReference { number: 1000, hash: BlockHash::repeat_byte(6) };
        let genesis_hash = chain.hash(0);
        let signing = Signing { runtime: chain.runtime(), genesis_hash, anchor, signer: &signer };
        for call in calls() {
            let bytes = Vec::<u8>::decode(&mut &sign(&call, 300, &signing).unwrap()[..]).unwrap();
            let encoded_call = encode_call(&call, chain.runtime()).unwrap();
            let (head, rest) = bytes.split_at(2 + 32 + 1);
            assert_eq!(head[..2], [0x84, 0]);
            assert_eq!(head[2..34], *AsRef::<[u8; 32]>::as_ref(&signer.account()));
            let (signature, rest) = rest.split_at(64);
            let extra = rest.strip_suffix(&encoded_call[..]).unwrap();
            // CheckMortality, CheckNonce, ChargeTransactionPayment, CheckMetadataHash (this code has no digest built
            // in).
            let expected = (Era::mortal(ERA_PERIOD, 1000), Compact(300u32), Compact(0u128), 0u8).encode();
            assert_eq!(extra, expected);
            let runtime = chain.runtime();
            let implicit = (
                runtime.spec_version(),
                runtime.transaction_version(),
                genesis_hash,
                anchor.hash,
                None::<[u8; 32]>,
            )
                .encode();
            let payload = [&encoded_call[..], extra, &implicit].concat();
            let payload = if payload.len() > 256 { blake2_256(&payload).to_vec() } else { payload };
            let public = ed25519::Public::from_raw(signer.account().into());
            let signature = ed25519::Signature::try_from(signature).unwrap();
            assert!(ed25519::Pair::verify(&signature, payload, &public));
        }
    }

    #[test]
    fn a_call_of_a_live_chain_is_encoded_as_the_pallet_takes_it() {
        let chain = TestChain::new(1);
        let [register, confirm, unshield, unregister] =
            calls().map(|call| encode_call(&call, chain.runtime()).unwrap());
        let method = SgxAttestationMethod::Dcap { proxied: false };
        let url = Some(b"wss://worker:2000".to_vec());
        assert_eq!(register, (50u8, 0u8, vec![9u8; 20_000], url, method).encode());
        assert_eq!(unregister, (50u8, 1u8, [7u8; 32]).encode());
        let shard = [5u8; 32];
        assert_eq!(confirm, (54u8, 1u8, shard, [7u8; 32], 7u32, [3u8; 32]).encode());
        assert_eq!(unshield, (54u8, 3u8, shard, [8u8; 32], 1u128 << 70, [4u8; 32]).encode());
    }

    #[test]
    fn h07_an_unknown_extension_is_refused() {
        let chain = TestChain::new(1);
        let signer = Signer::from_sealable(&[3; 32]).unwrap();
        let anchor = BlockReference { number: 1, hash: BlockHash::zero() };
        let signing =
            Signing { runtime: chain.runtime(), genesis_hash: BlockHash::zero(), anchor, signer: &signer };
        let (mut extra, mut additional) = (Vec::new(), Vec::new());
        for known in chain.runtime().signed_extensions() {
            let mut renamed = known.clone();
            renamed.identifier.push('2');
            let result = encode_extension(&renamed, 0, &signing, &mut extra, &mut additional);
            assert!(matches!(result, Err(ExtrinsicError::UnknownExtension(_))));
            // One that signs something where it should sign nothing, and the other way round.
            let mut other_form = known.clone();
            other_form.additional = match other_form.additional {
                Shape::Empty => Shape::Other,
                Shape::Optional | Shape::Other => Shape::Empty,
            };
            assert!(encode_extension(&other_form, 0, &signing, &mut extra, &mut additional).is_err());
        }
    }

    /// A confirmation or a payment, and whether the chain honours it.
    fn any_call() -> impl Strategy<Value = (Call, bool)> {
        let shard = ShardIdentifier::from([5; 32]);
        let confirm = any::<(u32, [u8; 32], [u8; 32])>().prop_map(move |(number, hash, root)| {
            let block = BlockReference { number, hash: hash.into() };
            Call::Confirm { shard, block, root: H256(root) }
        });
        let unshield = any::<([u8; 32], u128, [u8; 32])>().prop_map(move |(who, amount, hash)| {
            Call::Unshield { shard, beneficiary: who.into(), amount, call_hash: H256(hash) }
        });
        (prop_oneof![confirm, unshield], any::<bool>())
    }

    /// What the light client should read of a call that the enclave signed and the chain honoured.
    fn read_as(call: &Call, signer: &AccountId32) -> ShardEventKind {
        match call.clone() {
            Call::Confirm { block, root, .. } => ShardEventKind::Confirmed {
                signer: Some(signer.clone()),
                block_hash: block.hash,
                root,
                number: block.number,
            },
            Call::Unshield { beneficiary, amount, call_hash, .. } => {
                ShardEventKind::Unshielded { beneficiary, amount, call_hash: Some(call_hash) }
            }
            Call::Register { .. } | Call::Unregister { .. } | Call::Execute(_) => {
                panic!("not in such a batch")
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        /// A batch of any calls, on each of the live chains: the light client reads it by the chain's metadata, and
        /// finds exactly those of its calls that the events show, with their call hashes and the enclave as their
        /// author.
        #[test]
        fn c17_a_batch_is_read_back_by_the_chains_metadata_as_it_was_signed(
            calls in proptest::collection::vec(any_call(), 1..=MAX_BATCH), chain in 0..LIVE_METADATA.len()
        ) {
            let shard = ShardIdentifier::from([5; 32]);
            let mut chain = TestChain::with(validators(1, 1), &test_code(LIVE_METADATA[chain].1, &[]), &[]);
            let signer = Signer::from_sealable(&[3; 32]).unwrap();
            let anchor = BlockReference { number: 0, hash: chain.hash(0) };
            let runtime = chain.runtime().clone();
            let signing = Signing { runtime: &runtime, genesis_hash: anchor.hash, anchor, signer: &signer };
            let batch: Vec<&Call> = calls.iter().map(|(call, _)| call).collect();
            let extrinsic = sign_batch(&batch, 3, &signing).unwrap();
            let mut content = chain.block();
            let mut events = Vec::new();
            for (call, honoured) in &calls {
                if !honoured {
                    // `DispatchError::BadOrigin`.
                    events.push(content.event("Utility", "ItemFailed", 2u8));
                    continue;
                }
                events.push(match call {
                    Call::Confirm { block, root, .. } => content.event(
                        "EnclaveBridge",
                        "ProcessedParentchainBlock",
                        (shard, block.hash, root, block.number),
                    ),
                    Call::Unshield { beneficiary, amount, .. } => {
                        content.event("EnclaveBridge", "UnshieldedFunds", (shard, beneficiary, amount))
                    }
                    Call::Register { .. } | Call::Unregister { .. } | Call::Execute(_) => {
                        panic!("not in such a batch")
                    }
                });
                events.push(content.event("Utility", "ItemCompleted", ()));
            }
            let all = calls.iter().all(|(_, honoured)| *honoured);
            let end = if all { "BatchCompleted" } else { "BatchCompletedWithErrors" };
            events.push(content.event("Utility", end, ()));
            content = content.extrinsic(extrinsic, &events);
            chain.add(content);
            let mut client = chain.client();
            let block = chain.verify_next(&mut client, &[]);
            let read: Vec<_> = operations(&block, shard).unwrap().into_iter().map(|event| event.kind).collect();
            let expected: Vec<_> = calls
                .iter()
                .filter(|(_, honoured)| *honoured)
                .map(|(call, _)| read_as(call, &signer.account()))
                .collect();
            prop_assert_eq!(read, expected);
        }
    }

    #[test]
    fn c17_a_batch_has_a_bounded_number_of_calls() {
        let chain = TestChain::new(1);
        let signer = Signer::from_sealable(&[3; 32]).unwrap();
        let anchor = BlockReference { number: 1, hash: BlockHash::zero() };
        let signing =
            Signing { runtime: chain.runtime(), genesis_hash: BlockHash::zero(), anchor, signer: &signer };
        let [_, confirm, ..] = calls();
        assert!(sign_batch(&[&confirm; MAX_BATCH], 0, &signing).is_ok());
        let more = sign_batch(&[&confirm; MAX_BATCH + 1], 0, &signing);
        assert!(matches!(more, Err(ExtrinsicError::TooManyCalls)));
    }
}
