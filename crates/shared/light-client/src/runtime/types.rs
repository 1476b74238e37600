// SPDX-License-Identifier: Apache-2.0
//! The shape of encoded values, by a metadata's type registry.
//!
//! To cut calls and events apart, only lengths matter. A value is walked over, never built, so a hostile one costs no
//! memory; nesting and the number of parts are limited.

use scale_info::{PortableRegistry, TypeDef, TypeDefPrimitive, form::PortableForm};

/// The types of a runtime.
#[derive(Debug)]
pub(crate) struct Types(PortableRegistry);

/// What may still be walked over.
#[derive(Debug)]
pub(crate) struct Budget {
    parts: u32,
    depth: u32,
}

impl Budget {
    pub(crate) fn new() -> Self {
        Self { parts: MAX_PARTS, depth: MAX_DEPTH }
    }

    /// For values that are not longer than some thousand bytes.
    pub(crate) fn small() -> Self {
        Self { parts: MAX_SMALL_PARTS, depth: MAX_DEPTH }
    }

    /// Does `f` one level deeper.
    pub(crate) fn deeper<T>(&mut self, f: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        self.parts = self.parts.checked_sub(1)?;
        self.depth = self.depth.checked_sub(1)?;
        let outcome = f(self)?;
        self.depth = self.depth.saturating_add(1);
        Some(outcome)
    }
}

impl Types {
    /// Texts for people are dropped: they are most of a registry's memory.
    pub(crate) fn new(mut registry: PortableRegistry) -> Self {
        for entry in &mut registry.types {
            entry.ty.docs = Vec::new();
            match &mut entry.ty.type_def {
                TypeDef::Composite(composite) => {
                    composite.fields.iter_mut().for_each(|field| field.docs = Vec::new())
                }
                TypeDef::Variant(variants) => variants.variants.iter_mut().for_each(|variant| {
                    variant.docs = Vec::new();
                    variant.fields.iter_mut().for_each(|field| field.docs = Vec::new());
                }),
                _ => {}
            }
        }
        Self(registry)
    }

    pub(crate) fn resolve(&self, id: u32) -> Option<&scale_info::Type<PortableForm>> {
        self.0.resolve(id)
    }

    /// Moves `input` behind a value of type `id`. `None` if it is not one, or beyond the budget.
    pub(crate) fn skip(&self, id: u32, input: &mut &[u8], budget: &mut Budget) -> Option<()> {
        budget.deeper(|budget| match &self.resolve(id)?.type_def {
            TypeDef::Composite(composite) => {
                composite.fields.iter().try_for_each(|field| self.skip(field.ty.id, input, budget))
            }
            TypeDef::Variant(variants) => {
                let index = take_byte(input)?;
                let variant = variants.variants.iter().find(|variant| variant.index == index)?;
                variant.fields.iter().try_for_each(|field| self.skip(field.ty.id, input, budget))
            }
            TypeDef::Sequence(sequence) => {
                let length = read_compact(input)?;
                self.skip_many(sequence.type_param.id, length, input, budget)
            }
            TypeDef::Array(array) => self.skip_many(array.type_param.id, array.len, input, budget),
            TypeDef::Tuple(tuple) => {
                tuple.fields.iter().try_for_each(|field| self.skip(field.id, input, budget))
            }
            TypeDef::Primitive(TypeDefPrimitive::Str) => {
                let length = read_compact(input)?;
                take(input, usize::try_from(length).ok()?).map(drop)
            }
            TypeDef::Primitive(primitive) => take(input, primitive_len(primitive)?).map(drop),
            TypeDef::Compact(compact) => {
                // Only the unit type has an empty compact form.
                if self.is_empty(compact.type_param.id, budget)? { Some(()) } else { skip_compact(input) }
            }
            TypeDef::BitSequence(bits) => {
                let count = usize::try_from(read_compact(input)?).ok()?;
                let TypeDef::Primitive(store) = &self.resolve(bits.bit_store_type.id)?.type_def else {
                    return None;
                };
                let store = primitive_len(store)?;
                take(input, count.div_ceil(store.checked_mul(8)?).checked_mul(store)?).map(drop)
            }
        })
    }

    /// Whether values of this type take no byte. To find out counts as walking over parts: a type may have any number
    /// of empty ones. `None` beyond the budget.
    fn is_empty(&self, id: u32, budget: &mut Budget) -> Option<bool> {
        budget.deeper(|budget| match self.resolve(id).map(|ty| &ty.type_def) {
            Some(TypeDef::Composite(composite)) => {
                self.are_empty(composite.fields.iter().map(|field| field.ty.id), budget)
            }
            Some(TypeDef::Tuple(tuple)) => self.are_empty(tuple.fields.iter().map(|field| field.id), budget),
            _ => Some(false),
        })
    }

    fn are_empty(&self, ids: impl Iterator<Item = u32>, budget: &mut Budget) -> Option<bool> {
        for id in ids {
            if !self.is_empty(id, budget)? {
                return Some(false);
            }
        }
        Some(true)
    }

    fn skip_many(&self, id: u32, count: u32, input: &mut &[u8], budget: &mut Budget) -> Option<()> {
        if let TypeDef::Primitive(primitive) = &self.resolve(id)?.type_def
            && let Some(length) = primitive_len(primitive)
        {
            return take(input, usize::try_from(count).ok()?.checked_mul(length)?).map(drop);
        }
        (0..count).try_for_each(|_| self.skip(id, input, budget))
    }
}

/// Bytes of a primitive; `None` for texts, whose length varies.
fn primitive_len(primitive: &TypeDefPrimitive) -> Option<usize> {
    Some(match primitive {
        TypeDefPrimitive::Bool | TypeDefPrimitive::U8 | TypeDefPrimitive::I8 => 1,
        TypeDefPrimitive::U16 | TypeDefPrimitive::I16 => 2,
        TypeDefPrimitive::Char | TypeDefPrimitive::U32 | TypeDefPrimitive::I32 => 4,
        TypeDefPrimitive::U64 | TypeDefPrimitive::I64 => 8,
        TypeDefPrimitive::U128 | TypeDefPrimitive::I128 => 16,
        TypeDefPrimitive::U256 | TypeDefPrimitive::I256 => 32,
        TypeDefPrimitive::Str => return None,
    })
}

/// The next `length` bytes.
pub(crate) fn take<'a>(input: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = input.split_at_checked(length)?;
    *input = rest;
    Some(taken)
}

/// The next byte.
pub(crate) fn take_byte(input: &mut &[u8]) -> Option<u8> {
    let (first, rest) = input.split_first()?;
    *input = rest;
    Some(*first)
}

/// A compact `u32`.
pub(crate) fn read_compact(input: &mut &[u8]) -> Option<u32> {
    <codec::Compact<u32> as codec::Decode>::decode(input).ok().map(|compact| compact.0)
}

/// SCALE, "compact integers": the lowest two bits of the first byte tell the length.
fn skip_compact(input: &mut &[u8]) -> Option<()> {
    let first = *input.first()?;
    let length = match first & 0b11 {
        0 => 1,
        1 => 2,
        2 => 4,
        _ => usize::from(first >> 2).checked_add(5)?,
    };
    take(input, length).map(drop)
}

/// Parts of all values of one kind in a block. A body of 5 MiB has fewer bytes, and 32 MiB of events have fewer parts
/// than bytes, for the smallest of them has eight bytes and two parts.
const MAX_PARTS: u32 = 64 * 1024 * 1024;

/// Parts of what is short: more than it has bytes.
const MAX_SMALL_PARTS: u32 = 64 * 1024;

/// Levels of nesting. The chain itself decodes calls at most 256 deep, each of which takes about four levels of types.
const MAX_DEPTH: u32 = 1200;

#[cfg(test)]
mod tests {
    use super::*;
    use codec::{Compact, Encode};
    use proptest::prelude::*;
    use scale_info::{MetaType, Registry, TypeInfo};

    #[derive(Encode, TypeInfo)]
    enum Sample {
        #[codec(index = 3)]
        Tuple(u8, Compact<u128>, Vec<u16>),
        #[codec(index = 9)]
        Named { text: String, nested: Vec<Sample>, unit: (), array: [u64; 3], option: Option<Box<Sample>> },
    }

    fn registry<T: TypeInfo + 'static>() -> (Types, u32) {
        let mut registry = Registry::new();
        let id = registry.register_type(&MetaType::new::<T>()).id;
        (Types::new(registry.into()), id)
    }

    fn sample(depth: u8) -> Sample {
        if depth == 0 {
            return Sample::Tuple(7, Compact(u128::MAX), vec![1, 2, 3]);
        }
        Sample::Named {
            text: "text".into(),
            nested: vec![sample(0), sample(depth - 1)],
            unit: (),
            array: [1, 2, 3],
            option: Some(Box::new(sample(depth - 1))),
        }
    }

    #[test]
    fn a_value_is_walked_over_exactly() {
        let (types, id) = registry::<Sample>();
        for depth in 0..6 {
            let mut bytes = sample(depth).encode();
            bytes.extend([1, 2]);
            let mut input = &bytes[..];
            types.skip(id, &mut input, &mut Budget::new()).unwrap();
            assert_eq!(input, [1, 2]);
            let mut short = &bytes[..bytes.len() - 3];
            assert!(types.skip(id, &mut short, &mut Budget::new()).is_none());
        }
    }

    #[test]
    fn nesting_and_empty_parts_are_limited() {
        let (types, id) = registry::<Vec<()>>();
        assert!(types.skip(id, &mut &Compact(u32::MAX).encode()[..], &mut Budget::new()).is_none());
        #[derive(TypeInfo)]
        #[expect(dead_code, reason = "only its type is used")]
        struct Deep(Option<Box<Deep>>);
        let (types, id) = registry::<Deep>();
        assert!(types.skip(id, &mut &[1; 100_000][..], &mut Budget::new()).is_none());
    }

    /// A type of eight levels, each of many empty parts: to look at all of them would take for ever.
    #[test]
    fn the_compact_form_of_a_wide_type_is_within_the_budget() {
        let mut types: Vec<scale_info::Type<PortableForm>> = Vec::new();
        for below in 0..8u32 {
            let parts = (0..1000).map(|_| below.into()).collect::<Vec<_>>();
            types.push(
                scale_info::TypeDefTuple::new_portable(if below == 0 { Vec::new() } else { parts }).into(),
            );
        }
        let compact = scale_info::TypeDefCompact::new(7.into());
        types.push(compact.into());
        let types = (0..).zip(types).map(|(id, ty)| scale_info::PortableType::new(id, ty)).collect();
        let types = Types::new(PortableRegistry { types });
        assert!(types.skip(8, &mut &[0; 10][..], &mut Budget::new()).is_none());
    }

    proptest! {
        #[test]
        fn any_bytes_are_walked_over_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let (types, id) = registry::<Sample>();
            let _ = types.skip(id, &mut &bytes[..], &mut Budget::new());
        }
    }
}
