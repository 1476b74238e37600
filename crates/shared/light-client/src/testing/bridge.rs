// SPDX-License-Identifier: Apache-2.0
//! A live chain's metadata with what only this project's bridge has.

use codec::{Decode, Encode};
use frame_metadata::{RuntimeMetadata, RuntimeMetadataPrefixed};
use offstage_primitives::chain::{argument, enclave_bridge, proxy};
use scale_info::{Field, PortableRegistry, TypeDef, Variant, form::PortableForm};

/// This metadata, with `EnclaveBridge.execute_for_shard` and its event behind those that there are.
pub fn with_execute_for_shard(metadata: &[u8]) -> Vec<u8> {
    let RuntimeMetadataPrefixed(magic, metadata) =
        RuntimeMetadataPrefixed::decode(&mut &metadata[..]).expect("metadata of a chain");
    let metadata = match metadata {
        RuntimeMetadata::V14(mut v14) => {
            let pallets: Vec<_> = v14
                .pallets
                .iter()
                .map(|pallet| {
                    let calls = pallet.calls.as_ref().map(|calls| calls.ty.id);
                    (pallet.name.clone(), calls, pallet.event.as_ref().map(|event| event.ty.id))
                })
                .collect();
            extend(&mut v14.types, &pallets);
            RuntimeMetadata::V14(v14)
        }
        RuntimeMetadata::V15(mut v15) => {
            let pallets: Vec<_> = v15
                .pallets
                .iter()
                .map(|pallet| {
                    let calls = pallet.calls.as_ref().map(|calls| calls.ty.id);
                    (pallet.name.clone(), calls, pallet.event.as_ref().map(|event| event.ty.id))
                })
                .collect();
            extend(&mut v15.types, &pallets);
            RuntimeMetadata::V15(v15)
        }
        _ => panic!("metadata of another version"),
    };
    RuntimeMetadataPrefixed(magic, metadata).encode()
}

/// Pallets with the types of their calls and events.
type Pallets = [(String, Option<u32>, Option<u32>)];

fn extend(types: &mut PortableRegistry, pallets: &Pallets) {
    let pallet = |name: &str| {
        let (_, calls, events) =
            pallets.iter().find(|(of, ..)| of == name).expect("the chain has the pallet");
        (calls.expect("it has calls"), events.expect("it has events"))
    };
    let (calls, events) = pallet(enclave_bridge::PALLET);
    let (_, proxied) = pallet(proxy::PALLET);
    let like = |types: &PortableRegistry, of, variant: &str, field: &str, name: &str| {
        let field = variants(types, of)
            .iter()
            .find(|known| known.name == variant)
            .and_then(|known| known.fields.iter().find(|known| known.name.as_deref() == Some(field)))
            .expect("a known field");
        Field::new(Some(name.into()), field.ty, None, Vec::new())
    };
    let confirm = enclave_bridge::CONFIRM_PROCESSED_PARENTCHAIN_BLOCK;
    let arguments = vec![
        like(types, calls, enclave_bridge::UNSHIELD_FUNDS, argument::SHARD, argument::SHARD),
        like(types, calls, enclave_bridge::UNSHIELD_FUNDS, argument::CALL_HASH, argument::CALL_HASH),
        like(types, calls, confirm, argument::BLOCK_NUMBER, argument::UNTIL),
        like(
            types,
            calls,
            enclave_bridge::SHIELD_FUNDS,
            argument::INCOGNITO_ACCOUNT_ENCRYPTED,
            argument::CALL,
        ),
    ];
    let result = like(types, proxied, proxy::PROXY_EXECUTED, argument::RESULT, argument::RESULT);
    let fields = vec![arguments[0].clone(), arguments[1].clone(), result];
    push(types, calls, enclave_bridge::EXECUTE_FOR_SHARD, arguments);
    push(types, events, enclave_bridge::EXECUTED_FOR_SHARD, fields);
}

fn variants(types: &PortableRegistry, id: u32) -> &[Variant<PortableForm>] {
    match &types.resolve(id).expect("a known type").type_def {
        TypeDef::Variant(variants) => &variants.variants,
        _ => panic!("not an enum"),
    }
}

fn push(types: &mut PortableRegistry, id: u32, name: &str, fields: Vec<Field<PortableForm>>) {
    let index = variants(types, id).iter().map(|variant| variant.index + 1).max().unwrap_or_default();
    match &mut types.types[id as usize].ty.type_def {
        TypeDef::Variant(variants) => {
            variants.variants.push(Variant { name: name.into(), fields, index, docs: Vec::new() });
        }
        _ => panic!("not an enum"),
    }
}
