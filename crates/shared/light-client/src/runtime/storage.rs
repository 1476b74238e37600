// SPDX-License-Identifier: Apache-2.0
//! Whether the chain's state has what a caller believes, by the runtime's metadata.
//!
//! The bytes under a key say nothing of their meaning. A caller who names an item at compile time brings the types that
//! it believes in ([`ExpectedItem`]), and they are compared with those of the metadata, part by part: kinds, lengths,
//! names of fields and of variants. So a chain whose accounts hold other numbers in the same places has another item.
//! Wrappers of one field count as what they wrap, and names of types do not count.
//!
//! # Attacks
//! The metadata is proven, but a chain's governance may be hostile. Depth and number of comparisons are limited; what
//! is beyond is another item.

use super::types::Types;
use frame_metadata::v14::{PalletStorageMetadata, StorageEntryType, StorageHasher};
use scale_info::{Field, MetaType, PortableRegistry, Registry, TypeDef, form::PortableForm};
use std::collections::{BTreeMap, BTreeSet};

/// The storage items of a pallet, by their names.
pub(super) type StorageItems = BTreeMap<String, StorageEntry>;

/// A storage item as the metadata has it.
#[derive(Debug)]
pub(super) struct StorageEntry {
    hashers: Vec<StorageHasher>,
    key: Option<u32>,
    value: u32,
}

/// The items of a pallet whose keys begin with its own name; of another, none.
pub(super) fn items(pallet: &str, storage: Option<&PalletStorageMetadata<PortableForm>>) -> StorageItems {
    let Some(storage) = storage.filter(|storage| storage.prefix == pallet) else {
        return StorageItems::new();
    };
    let entries = storage.entries.iter().map(|entry| {
        let (hashers, key, value) = match &entry.ty {
            StorageEntryType::Plain(value) => (Vec::new(), None, value.id),
            StorageEntryType::Map { hashers, key, value } => (hashers.clone(), Some(key.id), value.id),
        };
        (entry.name.clone(), StorageEntry { hashers, key, value })
    });
    entries.collect()
}

/// A storage item as a caller believes it is.
#[derive(Debug)]
pub struct ExpectedItem {
    pub(super) pallet: String,
    pub(super) item: String,
    hashers: Vec<String>,
    keys: Vec<u32>,
    value: u32,
    types: PortableRegistry,
}

impl ExpectedItem {
    /// `hashers` are names of the metadata, such as `Twox64Concat`: one for each key of a map, and none for a value.
    pub fn new(pallet: &str, item: &str, hashers: &[&str], keys: &[MetaType], value: &MetaType) -> Self {
        let mut registry = Registry::new();
        let keys = keys.iter().map(|key| registry.register_type(key).id).collect();
        let value = registry.register_type(value).id;
        Self {
            pallet: pallet.into(),
            item: item.into(),
            hashers: hashers.iter().map(|name| (*name).into()).collect(),
            keys,
            value,
            types: registry.into(),
        }
    }

    /// Whether the metadata says the same.
    pub(super) fn fits(&self, entry: &StorageEntry, types: &Types) -> bool {
        let mut comparison = Comparison { expected: &self.types, types, seen: BTreeSet::new() };
        let hashers = entry.hashers.iter().map(hasher_name);
        hashers.eq(self.hashers.iter().map(String::as_str))
            && self.keys_fit(entry, types, &mut comparison)
            && comparison.same(self.value, entry.value, MAX_DEPTH)
    }

    fn keys_fit(&self, entry: &StorageEntry, types: &Types, comparison: &mut Comparison<'_>) -> bool {
        match (&self.keys[..], entry.key) {
            ([], None) => true,
            ([only], Some(key)) => comparison.same(*only, key, MAX_DEPTH),
            (several, Some(key)) => {
                let Some(TypeDef::Tuple(parts)) = types.resolve(key).map(|ty| &ty.type_def) else {
                    return false;
                };
                comparison.all(several.iter().copied(), parts.fields.iter().map(|part| part.id), MAX_DEPTH)
            }
            (_, None) => false,
        }
    }
}

/// Two types side by side.
struct Comparison<'a> {
    expected: &'a PortableRegistry,
    types: &'a Types,
    /// Pairs that are the same, or whose comparison has begun: one that is not makes an end of all.
    seen: BTreeSet<(u32, u32)>,
}

impl Comparison<'_> {
    fn same(&mut self, expected: u32, actual: u32, depth: u32) -> bool {
        let Some(deeper) = depth.checked_sub(1) else { return false };
        let expected = unwrapped(|id| self.expected.resolve(id), expected);
        let actual = unwrapped(|id| self.types.resolve(id), actual);
        if self.seen.contains(&(expected, actual)) {
            return true;
        }
        if self.seen.len() >= MAX_COMPARISONS {
            return false;
        }
        self.seen.insert((expected, actual));
        let (registry, types) = (self.expected, self.types);
        let (Some(expected), Some(actual)) = (registry.resolve(expected), types.resolve(actual)) else {
            return false;
        };
        match (&expected.type_def, &actual.type_def) {
            (TypeDef::Composite(expected), TypeDef::Composite(actual)) => {
                self.fields(&expected.fields, &actual.fields, deeper)
            }
            (TypeDef::Variant(expected), TypeDef::Variant(actual)) => {
                let (expected, actual) = (&expected.variants, &actual.variants);
                expected.len() == actual.len()
                    && expected.iter().zip(actual).all(|(expected, actual)| {
                        (expected.index, &expected.name) == (actual.index, &actual.name)
                            && self.fields(&expected.fields, &actual.fields, deeper)
                    })
            }
            (TypeDef::Sequence(expected), TypeDef::Sequence(actual)) => {
                self.same(expected.type_param.id, actual.type_param.id, deeper)
            }
            (TypeDef::Array(expected), TypeDef::Array(actual)) => {
                expected.len == actual.len && self.same(expected.type_param.id, actual.type_param.id, deeper)
            }
            (TypeDef::Tuple(expected), TypeDef::Tuple(actual)) => {
                let (expected, actual) = (expected.fields.iter(), actual.fields.iter());
                self.all(expected.map(|part| part.id), actual.map(|part| part.id), deeper)
            }
            (TypeDef::Primitive(expected), TypeDef::Primitive(actual)) => expected == actual,
            (TypeDef::Compact(expected), TypeDef::Compact(actual)) => {
                self.same(expected.type_param.id, actual.type_param.id, deeper)
            }
            (TypeDef::BitSequence(expected), TypeDef::BitSequence(actual)) => {
                self.same(expected.bit_store_type.id, actual.bit_store_type.id, deeper)
                    && self.same(expected.bit_order_type.id, actual.bit_order_type.id, deeper)
            }
            _ => false,
        }
    }

    fn fields(
        &mut self,
        expected: &[Field<PortableForm>],
        actual: &[Field<PortableForm>],
        depth: u32,
    ) -> bool {
        let names = |fields: &[Field<PortableForm>]| {
            fields.iter().map(|field| field.name.clone()).collect::<Vec<_>>()
        };
        names(expected) == names(actual)
            && self.all(
                expected.iter().map(|field| field.ty.id),
                actual.iter().map(|field| field.ty.id),
                depth,
            )
    }

    fn all(
        &mut self,
        expected: impl IntoIterator<Item = u32>,
        actual: impl IntoIterator<Item = u32>,
        depth: u32,
    ) -> bool {
        let (mut expected, mut actual) = (expected.into_iter(), actual.into_iter());
        loop {
            match (expected.next(), actual.next()) {
                (None, None) => return true,
                (Some(expected), Some(actual)) if self.same(expected, actual, depth) => {}
                _ => return false,
            }
        }
    }
}

/// The type that this one wraps, if it has one field and nothing else.
fn unwrapped<'a>(resolve: impl Fn(u32) -> Option<&'a scale_info::Type<PortableForm>>, mut id: u32) -> u32 {
    for _ in 0..MAX_WRAPPERS {
        match resolve(id).map(|ty| &ty.type_def) {
            Some(TypeDef::Composite(composite)) => match &composite.fields[..] {
                [only] => id = only.ty.id,
                _ => return id,
            },
            _ => return id,
        }
    }
    id
}

fn hasher_name(hasher: &StorageHasher) -> &'static str {
    match hasher {
        StorageHasher::Blake2_128 => "Blake2_128",
        StorageHasher::Blake2_256 => "Blake2_256",
        StorageHasher::Blake2_128Concat => "Blake2_128Concat",
        StorageHasher::Twox128 => "Twox128",
        StorageHasher::Twox256 => "Twox256",
        StorageHasher::Twox64Concat => "Twox64Concat",
        StorageHasher::Identity => "Identity",
    }
}

/// Levels of types within types.
const MAX_DEPTH: u32 = 32;

/// Wrappers around wrappers.
const MAX_WRAPPERS: usize = 16;

/// Pairs of types that are compared for one item.
const MAX_COMPARISONS: usize = 1_000;

#[cfg(test)]
mod tests;
