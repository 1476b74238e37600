// SPDX-License-Identifier: Apache-2.0
//! Runtimes in other forms than the kit's, and upgrades to them: row P2.

use crate::kit::{Host, UNIT, funded, nonce_of, transfer, unshield};
use codec::{Decode, Encode};
use frame_metadata::{RuntimeMetadata, RuntimeMetadataPrefixed, v14, v15};
use offstage_light_client::{
    VerifiedRuntime, storage_keys,
    testing::{METADATA, TestChain, test_code},
};
use offstage_primitives::AccountId32;
use offstage_protocol::{HostRequest, RefusalCode, Untrusted};
use offstage_sdk::testing::TestAccount;
use scale_info::TypeDef;

fn version_14() -> v14::RuntimeMetadataV14 {
    match RuntimeMetadataPrefixed::decode(&mut &METADATA[..]).unwrap().1 {
        RuntimeMetadata::V14(metadata) => metadata,
        _ => panic!("the kit's metadata is of version 14"),
    }
}

fn encode(metadata: RuntimeMetadata) -> Vec<u8> {
    RuntimeMetadataPrefixed(frame_metadata::META_RESERVED, metadata).encode()
}

/// The kit's metadata in version 15, which can have a digest.
pub(crate) fn version_15() -> Vec<u8> {
    let old = version_14();
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
    encode(RuntimeMetadata::V15(new))
}

/// The RFC-78 digest that a runtime with this metadata has built in.
pub(crate) fn digest_of(metadata: &[u8], runtime: &VerifiedRuntime) -> [u8; 32] {
    let properties = TestChain::properties();
    let decoded = RuntimeMetadataPrefixed::decode(&mut &metadata[..]).unwrap().1;
    let extra = merkleized_metadata::ExtraInfo {
        spec_version: runtime.spec_version(),
        spec_name: runtime.spec_name().into(),
        base58_prefix: runtime.ss58_prefix().unwrap(),
        decimals: properties.token_decimals,
        token_symbol: properties.token_symbol,
    };
    merkleized_metadata::generate_metadata_digest(&decoded, extra).unwrap().hash()
}

/// The kit's metadata with other indices of both pallets, their calls and events, and the next spec version.
fn renumbered() -> Vec<u8> {
    let mut metadata = version_14();
    let moved = [("Teerex", 90u8), ("EnclaveBridge", 94)];
    let mut own_types = Vec::new();
    for pallet in &mut metadata.pallets {
        if let Some((_, index)) = moved.iter().find(|(name, _)| *name == pallet.name) {
            pallet.index = *index;
            own_types.extend(pallet.calls.iter().map(|calls| calls.ty.id));
            own_types.extend(pallet.event.iter().map(|event| event.ty.id));
        }
        if pallet.name == "System" {
            let version = pallet.constants.iter_mut().find(|constant| constant.name == "Version").unwrap();
            let mut rest = &version.value[..];
            <(String, String, u32)>::decode(&mut rest).unwrap();
            let at = version.value.len() - rest.len();
            let spec_version = u32::decode(&mut rest).unwrap() + 1;
            version.value[at..at + 4].copy_from_slice(&spec_version.to_le_bytes());
        }
    }
    for portable in &mut metadata.types.types {
        let TypeDef::Variant(definition) = &mut portable.ty.type_def else { continue };
        if own_types.contains(&portable.id) {
            for variant in &mut definition.variants {
                variant.index += 40;
            }
        }
        let is_outer = portable
            .ty
            .path
            .segments
            .last()
            .is_some_and(|name| matches!(&name[..], "RuntimeCall" | "RuntimeEvent" | "RuntimeError"));
        for variant in definition.variants.iter_mut().filter(|_| is_outer) {
            if let Some((_, index)) = moved.iter().find(|(name, _)| *name == variant.name) {
                variant.index = *index;
            }
        }
    }
    encode(RuntimeMetadata::V14(metadata))
}

/// The worker follows to other call indices and another spec version without losing an operation or an effect.
#[test]
fn p02_a_runtime_upgrade_is_followed_without_losing_an_operation() {
    for restarts in [false, true] {
        let (mut world, mut host, alice) = funded();
        let (bob, payee, key, shard) =
            (TestAccount::bob(), AccountId32::new([8; 32]), host.key(), world.shard);
        let (before, during, after) = (
            unshield(&alice, &payee, UNIT, 0),
            transfer(&alice, &bob, 2 * UNIT, 1),
            transfer(&alice, &bob, 4 * UNIT, 2),
        );
        // An effect waits, signed for the old runtime, when the upgrade comes.
        host.run(&mut world, |content| content.invoke(shard, key.operation(&before)));
        let old = host.collect();
        let (old_version, old_index) = (
            world.chain.runtime().spec_version(),
            world.chain.runtime().call_index("EnclaveBridge", "invoke"),
        );
        let new_code = test_code(&renumbered(), &[]);
        // The block with the upgrade is still of the old form.
        let content = world
            .block()
            .storage(storage_keys::CODE.to_vec(), Some(new_code.clone()))
            .invoke(shard, key.operation(&during));
        let upgrade = world.add(content);
        let content =
            world.block().invoke(shard, key.operation(&after)).shield(shard, key.account(&bob), 8 * UNIT);
        world.add(content);
        assert_eq!(world.chain.runtime().spec_version(), old_version + 1);
        assert_ne!(world.chain.runtime().call_index("EnclaveBridge", "invoke"), old_index);

        host.finalize(&world);
        host.import_next(&world);
        if restarts {
            let dir = host.dir.clone();
            drop(host);
            host = Host::on(&world, dir).unwrap();
        }
        assert_eq!(host.status().position.number, upgrade);
        assert!(host.status().wanted_code.is_some());
        // Until the new code is there nothing is signed, and the next block is not read by the old one.
        assert!(host.collect().is_empty());
        let next = crate::kit::bundle(&world, upgrade + 1, &host.status().watched_keys);
        host.refuses_block(next, RefusalCode::RuntimeCode);
        for wrong in [world.chain.code(0), test_code(METADATA, b"x"), Vec::new()] {
            let refusal = host.refused(HostRequest::ImportRuntimeCode(Untrusted::new(wrong)));
            assert_eq!(refusal.code, RefusalCode::RuntimeCode);
        }
        host.provide_code(&world);
        host.finalize(&world);
        host.import_next(&world);
        if restarts {
            host.serve(&mut world);
        } else {
            host.follow(&world);
        }
        assert_eq!((host.balance(&alice), host.balance(&bob)), (93 * UNIT, 14 * UNIT));
        for operation in [&before, &during, &after] {
            assert!(host.receipt(&operation.hash()).is_some());
        }
        // What waited is signed anew, for the new runtime.
        let new = host.collect();
        let call =
            world.block().call("EnclaveBridge", "unshield_funds", (shard, &payee, UNIT, before.hash()));
        let payment = new.iter().find(|extrinsic| extrinsic.extrinsic.ends_with(&call)).unwrap();
        assert_ne!(payment.extrinsic, old[0].extrinsic);
        assert!(restarts || nonce_of(&payment.extrinsic) == nonce_of(&old[0].extrinsic));
        host.settle(&mut world);
        assert_eq!(world.paid.get(&before.hash()), Some(&(payee, UNIT)));
    }
}
