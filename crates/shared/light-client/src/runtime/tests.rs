// SPDX-License-Identifier: Apache-2.0
//! Metadata of a live chain, and runtimes that misbehave.

mod calls;

use super::*;
use crate::testing::{LIVE_METADATA, METADATA, TestChain, test_code};

fn runtime(code: &[u8], properties: &ChainProperties) -> Result<VerifiedRuntime, RuntimeError> {
    VerifiedRuntime::from_proven_code(H256(sp_crypto_hashing::blake2_256(code)), code, properties)
}

#[test]
fn a_live_chains_metadata_is_read() {
    let runtime = runtime(&test_code(METADATA, &[]), &TestChain::properties()).unwrap();
    assert_eq!(runtime.spec_name(), "integritee-solo");
    assert_eq!(runtime.spec_version(), 410);
    assert_eq!(runtime.ss58_prefix(), Some(13));
    assert!(runtime.uses_multi_address() && runtime.has_pallet("Teerex") && !runtime.has_pallet("Nowhere"));
    assert_eq!(runtime.call_index("EnclaveBridge", "invoke"), Some((54, 0)));
    assert_eq!(runtime.call_index("Teerex", "register_sgx_enclave"), Some((50, 0)));
    assert_eq!(runtime.call_index("Teerex", "no_such_call"), None);
    let unshield = [
        ("shard", Argument::Hash),
        ("beneficiary", Argument::Hash),
        ("amount", Argument::U128),
        ("call_hash", Argument::Hash),
    ];
    assert_eq!(runtime.call_index_with("EnclaveBridge", "unshield_funds", &unshield), Some((54, 3)));
    let confirm = [
        ("shard", Argument::Hash),
        ("block_hash", Argument::Hash),
        ("block_number", Argument::U32),
        ("trusted_calls_merkle_root", Argument::Hash),
    ];
    let confirmation = "confirm_processed_parentchain_block";
    assert_eq!(runtime.call_index_with("EnclaveBridge", confirmation, &confirm), Some((54, 1)));
    let register = [
        ("proof", Argument::Bytes),
        ("worker_url", Argument::OptionalBytes),
        ("attestation_method", Argument::Compound),
    ];
    assert_eq!(runtime.call_index_with("Teerex", "register_sgx_enclave", &register), Some((50, 0)));
    // Another order or other arguments are noticed.
    let mut swapped = unshield;
    swapped.swap(1, 2);
    assert_eq!(runtime.call_index_with("EnclaveBridge", "unshield_funds", &swapped), None);
    assert_eq!(runtime.call_index_with("EnclaveBridge", "unshield_funds", &unshield[..3]), None);
}

#[test]
fn transaction_extensions_are_read_in_order() {
    let runtime = runtime(&test_code(METADATA, &[]), &TestChain::properties()).unwrap();
    let named = |identifier: &str| {
        runtime.signed_extensions().iter().find(|extension| extension.identifier == identifier).unwrap()
    };
    assert_eq!(named("CheckNonZeroSender").extra, Shape::Empty);
    assert_eq!(named("CheckNonZeroSender").additional, Shape::Empty);
    assert_eq!(
        (named("CheckSpecVersion").extra, named("CheckSpecVersion").additional),
        (Shape::Empty, Shape::Other)
    );
    assert_eq!((named("CheckNonce").extra, named("CheckNonce").additional), (Shape::Other, Shape::Empty));
    assert_eq!(runtime.signed_extensions()[0].identifier, "CheckNonZeroSender");
}

/// What the enclave signs and reads is on each chain in use what wire.md says.
#[test]
fn h07_the_chains_in_use_have_the_calls_and_events_of_the_wire() {
    for (name, metadata) in LIVE_METADATA {
        let live = runtime(&test_code(metadata, &[]), &TestChain::properties()).unwrap();
        let extensions = live.signed_extensions().iter().map(|extension| &*extension.identifier);
        assert_eq!(extensions.collect::<Vec<_>>(), WIRE_EXTENSIONS, "{name}");
        for (index, pallet, calls, events) in WIRE {
            for (call_index, call) in calls.iter().enumerate() {
                assert_eq!(live.call_index(pallet, call), Some((index, call_index as u8)), "{name}: {call}");
            }
            for event in events {
                assert!(live.metadata().event_index(pallet, event).is_some(), "{name}: {event}");
            }
        }
    }
}

#[test]
fn h07_a_digest_counts_only_when_the_code_holds_it() {
    let properties = TestChain::properties();
    let metadata = version_15();
    let (parsed, version, decoded) = metadata::parse(&metadata).unwrap();
    let extra = merkleized_metadata::ExtraInfo {
        spec_version: version.spec_version,
        spec_name: version.spec_name.clone(),
        base58_prefix: parsed.ss58_prefix().unwrap(),
        decimals: properties.token_decimals,
        token_symbol: properties.token_symbol.clone(),
    };
    let digest = merkleized_metadata::generate_metadata_digest(&decoded, extra).unwrap().hash();
    let with = |trailer: &[u8], properties: &ChainProperties| {
        runtime(&test_code(&metadata, trailer), properties).unwrap().metadata_digest()
    };
    assert_eq!(with(&digest, &properties), Some(digest));
    assert_eq!(with(&[], &properties), None);
    // Version 14 has no digest.
    assert_eq!(runtime(&test_code(METADATA, &digest), &properties).unwrap().metadata_digest(), None);
    // The host lies about the token.
    let lie = ChainProperties { token_decimals: 10, ..properties.clone() };
    assert_eq!(with(&digest, &lie), None);
    let lie = ChainProperties { token_symbol: "DOT".into(), ..properties };
    assert_eq!(with(&digest, &lie), None);
}

#[test]
fn h07_other_and_broken_code_is_refused() {
    let code = test_code(METADATA, &[]);
    let error = VerifiedRuntime::from_proven_code(H256::zero(), &code, &TestChain::properties()).unwrap_err();
    assert!(matches!(error, RuntimeError::OtherCode { .. }));
    let broken = |code: &[u8]| runtime(code, &TestChain::properties()).unwrap_err();
    assert!(matches!(broken(b"\0asm\x01\0\0\0"), RuntimeError::Wasm(WasmError::Invalid(_))));
    assert!(matches!(broken(b"garbage"), RuntimeError::Wasm(WasmError::Invalid(_))));
    assert!(matches!(broken(&test_code(&METADATA[..1000], &[])), RuntimeError::Metadata(_)));
    assert!(matches!(broken(&test_code(&METADATA[1..], &[])), RuntimeError::Metadata(_)));
}

#[test]
fn versions_14_and_15_say_the_same() {
    let (old, new) = (test_code(METADATA, &[]), test_code(&version_15(), &[]));
    let [old, new] = [old, new].map(|code| runtime(&code, &TestChain::properties()).unwrap());
    assert_eq!(old.signed_extensions(), new.signed_extensions());
    assert_eq!(old.spec_version(), new.spec_version());
    assert_eq!(old.metadata().address_type(), new.metadata().address_type());
    assert_eq!(old.metadata().signature_type(), new.metadata().signature_type());
    assert_eq!(old.call_index("Utility", "batch"), new.call_index("Utility", "batch"));
    assert_eq!(old.event(54, 0).unwrap().1.name, new.event(54, 0).unwrap().1.name);
}

/// wire.md names `CheckMortality` by its older name, `CheckEra`.
const WIRE_EXTENSIONS: [&str; 9] = [
    "CheckNonZeroSender",
    "CheckSpecVersion",
    "CheckTxVersion",
    "CheckGenesis",
    "CheckMortality",
    "CheckNonce",
    "CheckWeight",
    "ChargeTransactionPayment",
    "CheckMetadataHash",
];

/// Pallets of wire.md: index, name, calls in order, events.
type Interface = (u8, &'static str, &'static [&'static str], &'static [&'static str]);
const WIRE: [Interface; 2] = [
    (
        50,
        "Teerex",
        &[
            "register_sgx_enclave",
            "unregister_sovereign_enclave",
            "unregister_proxied_enclave",
            "register_quoting_enclave",
            "register_tcb_info",
            "set_security_flags",
        ],
        &["AddedSgxEnclave", "RemovedSovereignEnclave"],
    ),
    (
        54,
        "EnclaveBridge",
        &[
            "invoke",
            "confirm_processed_parentchain_block",
            "shield_funds",
            "unshield_funds",
            "publish_hash",
            "update_shard_config",
            "purge_enclave_from_shard_status",
        ],
        &["IndirectInvocationRegistered", "ShieldFunds", "UnshieldedFunds", "ProcessedParentchainBlock"],
    ),
];

/// The kit's metadata in version 15.
fn version_15() -> Vec<u8> {
    use frame_metadata::{RuntimeMetadata, RuntimeMetadataPrefixed, v15};
    let RuntimeMetadata::V14(old) = RuntimeMetadataPrefixed::decode(&mut &METADATA[..]).unwrap().1 else {
        panic!("the kit's metadata is of version 14")
    };
    let extrinsic = old.types.resolve(old.extrinsic.ty.id).unwrap();
    let part = |name| extrinsic.type_params.iter().find(|part| part.name == name).unwrap().ty.unwrap();
    let extensions = old.extrinsic.signed_extensions.iter().map(|extension| v15::SignedExtensionMetadata {
        identifier: extension.identifier.clone(),
        ty: extension.ty,
        additional_signed: extension.additional_signed,
    });
    let pallets = old.pallets.iter().map(|pallet| v15::PalletMetadata {
        name: pallet.name.clone(),
        storage: pallet.storage.clone(),
        calls: pallet.calls.clone(),
        event: pallet.event.clone(),
        constants: pallet.constants.clone(),
        error: pallet.error.clone(),
        index: pallet.index,
        docs: vec![],
    });
    let new = v15::RuntimeMetadataV15 {
        pallets: pallets.collect(),
        extrinsic: v15::ExtrinsicMetadata {
            version: 4,
            address_ty: part("Address"),
            call_ty: part("Call"),
            signature_ty: part("Signature"),
            extra_ty: part("Extra"),
            signed_extensions: extensions.collect(),
        },
        ty: old.ty,
        apis: vec![],
        outer_enums: v15::OuterEnums {
            call_enum_ty: part("Call"),
            event_enum_ty: old.ty,
            error_enum_ty: old.ty,
        },
        custom: v15::CustomMetadata { map: Default::default() },
        types: old.types,
    };
    RuntimeMetadataPrefixed(frame_metadata::META_RESERVED, RuntimeMetadata::V15(new)).encode()
}

/// Sections of a wasm module, for guests that are small enough to be written by hand.
fn module(sections: &[(u8, &[u8])]) -> Vec<u8> {
    let mut wasm = b"\0asm\x01\0\0\0".to_vec();
    for (id, content) in sections {
        wasm.push(*id);
        wasm.push(content.len() as u8);
        wasm.extend_from_slice(content);
    }
    wasm
}

/// A guest with memory, `__heap_base` and a `Metadata_metadata` whose body is given.
fn guest(body: &[u8]) -> Vec<u8> {
    let exports = [
        &[3u8][..],
        &[6],
        b"memory",
        &[2, 0],
        &[11],
        b"__heap_base",
        &[3, 0],
        &[17],
        b"Metadata_metadata",
        &[0, 0],
    ]
    .concat();
    let code = [&[1, body.len() as u8 + 2, 0][..], body, &[0x0b]].concat();
    module(&[
        // (i32, i32) -> i64
        (1, &[1, 0x60, 2, 0x7f, 0x7f, 1, 0x7e]),
        (3, &[1, 0]),
        // One page.
        (5, &[1, 0, 1]),
        // An i32 constant 1024.
        (6, &[1, 0x7f, 0, 0x41, 0x80, 8, 0x0b]),
        (7, &exports),
        (10, &code),
    ])
}

#[test]
fn a_guest_answers_or_is_stopped() {
    // Pointer 0, length 1: one zero byte is an empty vector.
    let empty_vector = guest(&[0x42, 0x80, 0x80, 0x80, 0x80, 0x10]);
    assert_eq!(wasm::metadata(&empty_vector), Ok(vec![]));
    // A length beyond all memory.
    assert_eq!(wasm::metadata(&guest(&[0x42, 0x7f])), Err(WasmError::Answer));
    // `unreachable`.
    assert!(matches!(wasm::metadata(&guest(&[0])), Err(WasmError::Trap(_))));
    // It grows its memory without end: `(loop (drop (memory.grow (i32.const 1000))) (br 0))` fails to grow, and its
    // fuel is what ends it; shorter here, 5000 pages at once are refused with -1, which is no answer.
    let grow = guest(&[0x41, 0x88, 0x27, 0x40, 0, 0xac]);
    assert_eq!(wasm::metadata(&grow), Err(WasmError::Answer));
    // No entry.
    assert!(matches!(wasm::metadata(&module(&[])), Err(WasmError::Invalid(_))));
}

/// A guest like [`guest`] whose functions 0 to 2 are malloc, free and blake2-256.
fn guest_with_host(body: &[u8]) -> Vec<u8> {
    let import =
        |name: &str, ty: u8| [&[3u8][..], b"env", &[name.len() as u8], name.as_bytes(), &[0, ty]].concat();
    let imports = [
        vec![3],
        import("ext_allocator_malloc_version_1", 1),
        import("ext_allocator_free_version_1", 2),
        import("ext_hashing_blake2_256_version_1", 3),
    ]
    .concat();
    let types = [
        &[4, 0x60, 2, 0x7f, 0x7f, 1, 0x7e][..],
        &[0x60, 1, 0x7f, 1, 0x7f],
        &[0x60, 1, 0x7f, 0],
        &[0x60, 1, 0x7e, 1, 0x7f],
    ];
    let exports =
        [&[3u8, 6][..], b"memory", &[2, 0, 11], b"__heap_base", &[3, 0, 17], b"Metadata_metadata", &[0, 3]];
    let code = [&[1, body.len() as u8 + 2, 0][..], body, &[0x0b]].concat();
    module(&[
        (1, &types.concat()),
        (2, &imports),
        (3, &[1, 0]),
        (5, &[1, 0, 1]),
        (6, &[1, 0x7f, 0, 0x41, 0x80, 8, 0x0b]),
        (7, &exports.concat()),
        (10, &code),
    ])
}

/// One zero byte is an empty vector: `i64.const (1 << 32)`.
const ANSWER: [u8; 6] = [0x42, 0x80, 0x80, 0x80, 0x80, 0x10];

/// A guest that lets the host hash for it would otherwise run as long as it likes.
#[test]
fn what_the_host_hashes_for_a_guest_burns_fuel() {
    // blake2_256 of 60000 bytes at 0: `i64.const (60000 << 32)`.
    let hash = [0x42, 0x80, 0x80, 0x80, 0x80, 0x80, 0xcc, 0x3a, 0x10, 2, 0x1a];
    let code = guest_with_host(&[&hash[..], &ANSWER].concat());
    assert_eq!(wasm::metadata(&code), Ok(vec![]));
    assert!(
        matches!(wasm::metadata_within(&code, 50_000), Err(WasmError::Trap(text)) if text.contains("fuel"))
    );
}

/// The list of freed blocks is the host's memory: a guest that frees one over and over would fill it.
#[test]
fn a_guest_frees_no_more_than_it_has() {
    let malloc = [0x41, 8, 0x10, 0, 0x1a];
    // The block at 1032, which is the first: the one of the call's input.
    let free = [0x41, 0x88, 8, 0x10, 1];
    let honest = guest_with_host(&[&malloc[..], &free, &free, &ANSWER].concat());
    assert_eq!(wasm::metadata(&honest), Ok(vec![]));
    let greedy = guest_with_host(&[&malloc[..], &free, &free, &free, &ANSWER].concat());
    assert!(matches!(wasm::metadata(&greedy), Err(WasmError::Trap(text)) if text.contains("freed")));
}

/// A type whose eight levels hold a thousand others each: to look at all of them would take for ever.
#[test]
fn metadata_whose_types_branch_is_read_within_bounds() {
    use frame_metadata::{RuntimeMetadata, RuntimeMetadataPrefixed};
    use scale_info::{PortableType, TypeDefTuple};
    let RuntimeMetadataPrefixed(magic, RuntimeMetadata::V14(mut metadata)) =
        RuntimeMetadataPrefixed::decode(&mut &METADATA[..]).unwrap()
    else {
        panic!("the kit's metadata is of version 14")
    };
    let first = metadata.types.types.len() as u32;
    for level in 0..8 {
        let count = if level == 0 { 0 } else { 1000 };
        let ty = TypeDefTuple::new_portable(vec![(first + level).saturating_sub(1).into(); count]);
        metadata.types.types.push(PortableType::new(first + level, ty.into()));
    }
    metadata.extrinsic.signed_extensions[0].ty = (first + 7).into();
    let encoded = RuntimeMetadataPrefixed(magic, RuntimeMetadata::V14(metadata)).encode();
    let (parsed, ..) = metadata::parse(&encoded).unwrap();
    assert_eq!(parsed.signed_extensions()[0].extra, Shape::Other);
}

/// `offstage_primitives::chain` has the words by which everybody finds calls and events.
#[test]
fn the_words_of_the_interface_are_those_of_the_live_chains() {
    use offstage_primitives::chain::{
        balances, enclave_bridge as bridge, multisig, proxy, sudo, system, teerex, timestamp, utility,
    };
    let calls: [(&str, &[&str]); 6] = [
        (
            bridge::PALLET,
            &[
                bridge::INVOKE,
                bridge::SHIELD_FUNDS,
                bridge::UNSHIELD_FUNDS,
                bridge::CONFIRM_PROCESSED_PARENTCHAIN_BLOCK,
                bridge::PUBLISH_HASH,
                bridge::UPDATE_SHARD_CONFIG,
            ],
        ),
        (teerex::PALLET, &[teerex::REGISTER_SGX_ENCLAVE]),
        (timestamp::PALLET, &[timestamp::SET]),
        (balances::PALLET, &[balances::TRANSFER_ALLOW_DEATH, balances::TRANSFER_KEEP_ALIVE]),
        (utility::PALLET, &[utility::BATCH, utility::BATCH_ALL, utility::FORCE_BATCH]),
        (proxy::PALLET, &[proxy::PROXY, proxy::PROXY_ANNOUNCED]),
    ];
    let events: [(&str, &[&str]); 5] = [
        (
            bridge::PALLET,
            &[
                bridge::INVOCATION_REGISTERED,
                bridge::FUNDS_SHIELDED,
                bridge::FUNDS_UNSHIELDED,
                bridge::BLOCK_PROCESSED,
                bridge::HASH_PUBLISHED,
                bridge::SHARD_CONFIG_UPDATED,
            ],
        ),
        (teerex::PALLET, &[teerex::ENCLAVE_ADDED, teerex::ENCLAVE_REMOVED]),
        (system::PALLET, &[system::EXTRINSIC_SUCCESS, system::EXTRINSIC_FAILED]),
        (
            utility::PALLET,
            &[
                utility::BATCH_COMPLETED,
                utility::BATCH_COMPLETED_WITH_ERRORS,
                utility::BATCH_INTERRUPTED,
                utility::ITEM_COMPLETED,
                utility::ITEM_FAILED,
                utility::DISPATCHED_AS,
            ],
        ),
        (proxy::PALLET, &[proxy::PROXY_EXECUTED]),
    ];
    for (name, metadata) in LIVE_METADATA {
        let runtime = runtime(&test_code(metadata, &[]), &TestChain::properties()).unwrap();
        for (pallet, call) in
            calls.iter().flat_map(|(pallet, calls)| calls.iter().map(move |call| (pallet, call)))
        {
            assert!(runtime.call_index(pallet, call).is_some(), "{name}: {pallet}.{call}");
        }
        for (pallet, event) in
            events.iter().flat_map(|(pallet, all)| all.iter().map(move |event| (pallet, event)))
        {
            assert!(runtime.metadata().event_index(pallet, event).is_some(), "{name}: {pallet}.{event}");
        }
    }
    // What only some of them have.
    let runtime = runtime(&test_code(METADATA, &[]), &TestChain::properties()).unwrap();
    for (pallet, call) in [
        (utility::PALLET, utility::AS_DERIVATIVE),
        (utility::PALLET, utility::WITH_WEIGHT),
        (utility::PALLET, utility::DISPATCH_AS),
        (utility::PALLET, utility::IF_ELSE),
        (multisig::PALLET, multisig::AS_MULTI),
        (multisig::PALLET, multisig::AS_MULTI_THRESHOLD_1),
        (sudo::PALLET, sudo::SUDO),
        (sudo::PALLET, sudo::SUDO_UNCHECKED_WEIGHT),
        (sudo::PALLET, sudo::SUDO_AS),
    ] {
        assert!(runtime.call_index(pallet, call).is_some(), "{pallet}.{call}");
    }
    for (pallet, event) in [
        (utility::PALLET, utility::IF_ELSE_MAIN_SUCCESS),
        (utility::PALLET, utility::IF_ELSE_FALLBACK_CALLED),
        (multisig::PALLET, multisig::MULTISIG_EXECUTED),
        (sudo::PALLET, sudo::SUDID),
        (sudo::PALLET, sudo::SUDO_AS_DONE),
    ] {
        assert!(runtime.metadata().event_index(pallet, event).is_some(), "{pallet}.{event}");
    }
}
