// SPDX-License-Identifier: Apache-2.0
//! Whether bytes are exactly one value of a type of the metadata.
//!
//! # Attacks
//! Everybody chooses these bytes.
//! - *A value in a value in a value*: a type that contains itself, such as the runtime's call, would let few bytes use
//!   up the stack, here and where the pallet decodes them. A stack that ends takes the worker with it. So values nest
//!   no deeper than [`MAX_DEPTH`].
//! - *Many values of no bytes*: their number costs four bytes. So a value has no more than [`MAX_VALUES`] within it.

use codec::{Compact, Decode};
use scale_info::{PortableRegistry, TypeDef, TypeDefPrimitive, form::PortableForm};

/// Whether the bytes are a value of this type, within the bounds, and nothing behind it. A sequence of bits is never
/// one.
pub(super) fn is_one_value(types: &PortableRegistry, id: u32, bytes: &[u8]) -> bool {
    let mut walk = Walk { types, rest: bytes, values: MAX_VALUES };
    walk.value(id, MAX_DEPTH).is_some() && walk.rest.is_empty()
}

struct Walk<'a> {
    types: &'a PortableRegistry,
    rest: &'a [u8],
    /// How many more values may come.
    values: u32,
}

impl<'a> Walk<'a> {
    fn value(&mut self, id: u32, depth: u32) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        self.values = self.values.checked_sub(1)?;
        let types = self.types;
        match &types.resolve(id)?.type_def {
            TypeDef::Composite(composite) => {
                composite.fields.iter().try_for_each(|field| self.value(field.ty.id, depth))
            }
            TypeDef::Variant(variants) => {
                let index = self.decode::<u8>()?;
                let variant = variants.variants.iter().find(|variant| variant.index == index)?;
                variant.fields.iter().try_for_each(|field| self.value(field.ty.id, depth))
            }
            TypeDef::Tuple(tuple) => tuple.fields.iter().try_for_each(|field| self.value(field.id, depth)),
            TypeDef::Sequence(sequence) => {
                let count = self.decode::<Compact<u32>>()?.0;
                (0..count).try_for_each(|_| self.value(sequence.type_param.id, depth))
            }
            TypeDef::Array(array) => (0..array.len).try_for_each(|_| self.value(array.type_param.id, depth)),
            TypeDef::Primitive(primitive) => self.primitive(primitive),
            TypeDef::Compact(compact) => self.compact(compact.type_param.id, depth),
            TypeDef::BitSequence(_) => None,
        }
    }

    fn primitive(&mut self, primitive: &TypeDefPrimitive) -> Option<()> {
        match primitive {
            TypeDefPrimitive::Bool => self.decode::<bool>().map(drop),
            TypeDefPrimitive::Char => char::from_u32(self.decode::<u32>()?).map(drop),
            TypeDefPrimitive::Str => {
                let length = self.decode::<Compact<u32>>()?.0;
                std::str::from_utf8(self.take(length.try_into().ok()?)?).ok().map(drop)
            }
            TypeDefPrimitive::U8 | TypeDefPrimitive::I8 => self.take(1).map(drop),
            TypeDefPrimitive::U16 | TypeDefPrimitive::I16 => self.take(2).map(drop),
            TypeDefPrimitive::U32 | TypeDefPrimitive::I32 => self.take(4).map(drop),
            TypeDefPrimitive::U64 | TypeDefPrimitive::I64 => self.take(8).map(drop),
            TypeDefPrimitive::U128 | TypeDefPrimitive::I128 => self.take(16).map(drop),
            TypeDefPrimitive::U256 | TypeDefPrimitive::I256 => self.take(32).map(drop),
        }
    }

    /// A number in its short form, also behind types that have it as their only field.
    fn compact(&mut self, id: u32, depth: u32) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        let types = self.types;
        match &types.resolve(id)?.type_def {
            TypeDef::Primitive(TypeDefPrimitive::U8) => self.decode::<Compact<u8>>().map(drop),
            TypeDef::Primitive(TypeDefPrimitive::U16) => self.decode::<Compact<u16>>().map(drop),
            TypeDef::Primitive(TypeDefPrimitive::U32) => self.decode::<Compact<u32>>().map(drop),
            TypeDef::Primitive(TypeDefPrimitive::U64) => self.decode::<Compact<u64>>().map(drop),
            TypeDef::Primitive(TypeDefPrimitive::U128) => self.decode::<Compact<u128>>().map(drop),
            TypeDef::Tuple(tuple) if tuple.fields.is_empty() => Some(()),
            inner => self.compact(only_field(inner)?, depth),
        }
    }

    fn decode<T: Decode>(&mut self) -> Option<T> {
        T::decode(&mut self.rest).ok()
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }
}

fn only_field(of: &TypeDef<PortableForm>) -> Option<u32> {
    match of {
        TypeDef::Composite(composite) => match &composite.fields[..] {
            [field] => Some(field.ty.id),
            _ => None,
        },
        TypeDef::Tuple(tuple) => match &tuple.fields[..] {
            [field] => Some(field.id),
            _ => None,
        },
        _ => None,
    }
}

/// How deep values may nest. The deepest key of polkadot-sdk's pallets needs less than 20; a batch in a batch takes
/// three.
const MAX_DEPTH: u32 = 64;

/// How many values a value may have within it: more than a question has bytes.
const MAX_VALUES: u32 = 65_536;

#[cfg(test)]
mod tests {
    use super::*;
    use codec::Encode;
    use proptest::prelude::*;
    use scale_info::{MetaType, Registry, TypeInfo};

    /// A type with something of everything.
    #[derive(Encode, Decode, TypeInfo, Debug, Clone)]
    enum All {
        #[codec(index = 3)]
        Nothing,
        #[codec(index = 7)]
        Numbers(u8, i16, u32, i64, u128, [u16; 3], bool),
        #[codec(index = 9)]
        Named {
            #[codec(compact)]
            short: u64,
            text: String,
            pair: (Option<u32>, Compact<u128>),
        },
        #[codec(index = 200)]
        Many(Vec<Self>),
        #[codec(index = 201)]
        Nested(Box<Self>),
    }

    fn types<T: TypeInfo + 'static>() -> (PortableRegistry, u32) {
        let mut registry = Registry::new();
        let id = registry.register_type(&MetaType::new::<T>()).id;
        (registry.into(), id)
    }

    fn values() -> impl Strategy<Value = All> {
        let numbers = any::<(u8, i16, u32, i64, u128, [u16; 3], bool)>();
        let named = any::<(u64, String, Option<u32>, u128)>();
        let leaf = prop_oneof![
            Just(All::Nothing),
            numbers.prop_map(|(a, b, c, d, e, f, g)| All::Numbers(a, b, c, d, e, f, g)),
            named.prop_map(|(short, text, a, b)| All::Named { short, text, pair: (a, Compact(b)) }),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(All::Many),
                inner.prop_map(|value| All::Nested(Box::new(value))),
            ]
        })
    }

    proptest! {
        /// It says of all bytes what the codec says.
        #[test]
        fn a_value_is_one_where_the_codec_takes_it(value in values(), at in any::<prop::sample::Index>(), by: u8) {
            let (types, id) = types::<All>();
            let mut bytes = value.encode();
            prop_assert!(is_one_value(&types, id, &bytes));
            prop_assert!(!is_one_value(&types, id, &bytes[..bytes.len() - 1]));
            prop_assert!(!is_one_value(&types, id, &[&bytes[..], &[0]].concat()));
            let place = at.index(bytes.len());
            bytes[place] = by;
            let mut rest = &bytes[..];
            let decodes = All::decode(&mut rest).is_ok() && rest.is_empty();
            prop_assert_eq!(is_one_value(&types, id, &bytes), decodes);
        }
    }

    #[test]
    fn c24_what_nests_too_deep_or_has_too_many_values_is_no_value() {
        let (nested, id) = types::<All>();
        let deep = |depth| [vec![201; depth], vec![3]].concat();
        assert!(is_one_value(&nested, id, &deep(30)));
        assert!(!is_one_value(&nested, id, &deep(64)));
        assert!(!is_one_value(&nested, id, &deep(1_000_000)));
        let (many, id) = types::<Vec<()>>();
        assert!(is_one_value(&many, id, &Compact(1_000u32).encode()));
        assert!(!is_one_value(&many, id, &Compact(u32::MAX).encode()));
    }
}
