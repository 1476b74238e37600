// SPDX-License-Identifier: Apache-2.0
//! Workers can be shown every block that the chain's limits let through (threat model P10).

use crate::{
    RuntimeCall, RuntimeEvent,
    configs::MAX_AUTHORITIES,
    limits::{MAX_BLOCK_LENGTH, MAX_EVENTS},
};
use offstage_light_client::{
    MAX_STATE_PROOF_LEN,
    block::{MAX_BODY_LEN, MAX_EXTRINSICS},
    header::MAX_HEADER_LEN,
};
use offstage_protocol::framing::MAX_FRAME_LEN;
use scale_info::{MetaType, PortableRegistry, Registry, TypeDef, TypeDefPrimitive};

#[test]
fn p10_whatever_a_block_may_carry_can_be_shown_to_a_worker() {
    let body = MAX_BLOCK_LENGTH as usize;
    assert!(body <= MAX_BODY_LEN);
    // A transaction has at least an address and a signature.
    assert!(body / 96 <= MAX_EXTRINSICS);

    // Phase, event, no topics. What events have of variable length, and their topics, are copies of the block's bytes.
    let event = 5 + largest_without_copies() + 1;
    // A last batch is let in just before the block is full; then each of its calls fails and says so.
    let calls_of_a_batch = 16 * 1024 * 1024 / size_of::<RuntimeCall>();
    let failures = 16 * calls_of_a_batch;
    // GRANDPA tells its new authorities, whose keys come from the state.
    let authorities = MAX_AUTHORITIES as usize * 40;
    let events = MAX_EVENTS as usize * event + failures + authorities + body;
    // Inner nodes: 16 hashes on each level of each watched key.
    let nodes = 1024 * 1024;
    println!("at most {events} bytes of events, of {event} bytes each, {failures} of failures");
    assert!(events + nodes <= MAX_STATE_PROOF_LEN, "{events}");
    assert!(body + MAX_STATE_PROOF_LEN + MAX_HEADER_LEN <= MAX_FRAME_LEN as usize);
}

/// Bytes of the largest event, without the content of its sequences.
fn largest_without_copies() -> usize {
    let mut registry = Registry::new();
    let id = registry.register_type(&MetaType::new::<RuntimeEvent>()).id;
    largest(&registry.into(), id)
}

fn largest(types: &PortableRegistry, id: u32) -> usize {
    let all = |ids: &mut dyn Iterator<Item = u32>| ids.map(|id| largest(types, id)).sum::<usize>();
    match &types.resolve(id).expect("the registry is whole").type_def {
        TypeDef::Composite(composite) => all(&mut composite.fields.iter().map(|field| field.ty.id)),
        TypeDef::Variant(variants) => {
            let fields = variants
                .variants
                .iter()
                .map(|variant| all(&mut variant.fields.iter().map(|field| field.ty.id)));
            1 + fields.max().unwrap_or(0)
        }
        TypeDef::Tuple(tuple) => all(&mut tuple.fields.iter().map(|field| field.id)),
        TypeDef::Array(array) => array.len as usize * largest(types, array.type_param.id),
        TypeDef::Sequence(_) => 5,
        TypeDef::Compact(compact) => 1 + largest(types, compact.type_param.id),
        TypeDef::Primitive(primitive) => match primitive {
            TypeDefPrimitive::Bool | TypeDefPrimitive::U8 | TypeDefPrimitive::I8 => 1,
            TypeDefPrimitive::U16 | TypeDefPrimitive::I16 => 2,
            TypeDefPrimitive::Char | TypeDefPrimitive::U32 | TypeDefPrimitive::I32 => 4,
            TypeDefPrimitive::U64 | TypeDefPrimitive::I64 => 8,
            TypeDefPrimitive::U128 | TypeDefPrimitive::I128 => 16,
            TypeDefPrimitive::U256 | TypeDefPrimitive::I256 => 32,
            TypeDefPrimitive::Str => 5,
        },
        TypeDef::BitSequence(_) => 5,
    }
}
