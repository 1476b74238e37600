// SPDX-License-Identifier: Apache-2.0
//! What can be called and asked, in words: from the metadata to what a person reads.

use super::errors::RuntimeError;
use scale_info::{PortableRegistry, TypeDef, TypeDefPrimitive, form::PortableForm};
use subxt::Metadata;

/// A call in the metadata.
pub(super) type Variant = scale_info::Variant<PortableForm>;

/// What kind of question.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Storage,
    View,
}

/// A storage item or a view function.
pub(super) struct Found {
    /// Names and types of keys or arguments.
    pub(super) inputs: Vec<(String, u32)>,
    pub(super) output: u32,
}

/// One line of what there is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Described {
    /// `call`, `storage` or `view`.
    pub kind: &'static str,
    /// Pallet, name, arguments, and for a question what is returned.
    pub signature: String,
    /// The first line of its documentation.
    pub about: String,
}

pub(super) fn find_item(
    metadata: &Metadata,
    kind: Kind,
    pallet: &str,
    name: &str,
) -> Result<Found, RuntimeError> {
    let found = metadata.pallet_by_name(pallet).ok_or_else(|| no_pallet(metadata, pallet))?;
    let missing = |what, known| RuntimeError::Name { what, pallet: pallet.into(), name: name.into(), known };
    match kind {
        Kind::Storage => {
            let entries = found.storage().map(|storage| storage.entries()).unwrap_or_default();
            let entry = entries.iter().find(|entry| entry.name() == name).ok_or_else(|| {
                missing("storage item", entries.iter().map(|entry| entry.name().to_owned()).collect())
            })?;
            let inputs =
                entry.keys().enumerate().map(|(index, key)| (format!("key{index}"), key.key_id)).collect();
            Ok(Found { inputs, output: entry.value_ty() })
        }
        Kind::View => {
            let view = found.view_function_by_name(name).ok_or_else(|| {
                missing("view function", found.view_functions().map(|view| view.name().to_owned()).collect())
            })?;
            let inputs = view.inputs().map(|input| (input.name.to_string(), input.id)).collect();
            Ok(Found { inputs, output: view.output_ty() })
        }
    }
}

pub(super) fn no_pallet(metadata: &Metadata, name: &str) -> RuntimeError {
    let known = metadata.pallets().map(|pallet| pallet.name().to_owned()).collect();
    RuntimeError::Pallet { name: name.into(), known }
}

/// `Assets.transfer id=u32 target=account amount=u128`.
pub(super) fn call_signature(metadata: &Metadata, pallet: &str, variant: &Variant) -> String {
    let fields = variant.fields.iter().map(|field| {
        format!(" {}={}", field.name.as_deref().unwrap_or("value"), type_name(metadata.types(), field.ty.id))
    });
    format!("{pallet}.{}{}", variant.name, fields.collect::<String>())
}

/// `Assets.Account u32 account -> AssetAccount`.
pub(super) fn item_signature(metadata: &Metadata, pallet: &str, name: &str, found: &Found) -> String {
    let types = metadata.types();
    let inputs: String = found.inputs.iter().map(|(_, id)| format!(" {}", type_name(types, *id))).collect();
    format!("{pallet}.{name}{inputs} -> {}", type_name(types, found.output))
}

pub(super) fn describe(metadata: &Metadata, pallet: Option<&str>) -> Result<Vec<Described>, RuntimeError> {
    if let Some(name) = pallet.filter(|name| metadata.pallet_by_name(name).is_none()) {
        return Err(no_pallet(metadata, name));
    }
    let mut all = Vec::new();
    for found in metadata.pallets().filter(|found| pallet.is_none_or(|name| name == found.name())) {
        let name = found.name();
        for variant in found.call_variants().unwrap_or_default() {
            let signature = call_signature(metadata, name, variant);
            all.push(Described { kind: "call", signature, about: first_line(&variant.docs) });
        }
        for entry in found.storage().map(|storage| storage.entries()).unwrap_or_default() {
            let item = find_item(metadata, Kind::Storage, name, entry.name())?;
            let signature = item_signature(metadata, name, entry.name(), &item);
            all.push(Described { kind: "storage", signature, about: first_line(entry.docs()) });
        }
        for view in found.view_functions() {
            let item = find_item(metadata, Kind::View, name, view.name())?;
            let signature = item_signature(metadata, name, view.name(), &item);
            all.push(Described { kind: "view", signature, about: first_line(view.docs()) });
        }
    }
    Ok(all)
}

fn first_line(docs: &[String]) -> String {
    docs.iter().map(|line| line.trim()).find(|line| !line.is_empty()).unwrap_or_default().to_owned()
}

/// How a person writes a type: `account`, `u128`, `[u8]`, `Option<u32>`, or its own name.
pub(super) fn type_name(types: &PortableRegistry, id: u32) -> String {
    let Some(found) = types.resolve(id) else { return "?".into() };
    if is_account(types, id) {
        return "account".into();
    }
    let name = found.path.segments.last().map(String::as_str);
    match &found.type_def {
        TypeDef::Primitive(primitive) => primitive_name(primitive).into(),
        TypeDef::Compact(compact) => type_name(types, compact.type_param.id),
        TypeDef::Sequence(sequence) => format!("[{}]", type_name(types, sequence.type_param.id)),
        TypeDef::Array(array) => format!("[{}; {}]", type_name(types, array.type_param.id), array.len),
        TypeDef::Tuple(tuple) => {
            let fields: Vec<_> = tuple.fields.iter().map(|field| type_name(types, field.id)).collect();
            format!("({})", fields.join(", "))
        }
        TypeDef::Variant(variants) if name == Some("Option") => {
            let inner = variants.variants.iter().flat_map(|variant| &variant.fields).next();
            format!("Option<{}>", inner.map_or_else(String::new, |field| type_name(types, field.ty.id)))
        }
        // A wrapper around one value is written as that value.
        TypeDef::Composite(composite) if composite.fields.len() == 1 => {
            composite.fields.first().map_or_else(String::new, |field| type_name(types, field.ty.id))
        }
        _ => name.unwrap_or("value").to_owned(),
    }
}

/// Whether values of this type are accounts, which people write as such: an id, or an address in a call.
pub(super) fn is_account(types: &PortableRegistry, id: u32) -> bool {
    types
        .resolve(id)
        .and_then(|found| found.path.segments.last())
        .is_some_and(|name| name == "AccountId32" || name == "MultiAddress")
}

/// Whether values of this type are bytes, wrapped or not.
pub(super) fn is_bytes(types: &PortableRegistry, id: u32) -> bool {
    let is_u8 = |id: u32| {
        types
            .resolve(id)
            .is_some_and(|found| matches!(found.type_def, TypeDef::Primitive(TypeDefPrimitive::U8)))
    };
    match types.resolve(id).map(|found| &found.type_def) {
        Some(TypeDef::Sequence(sequence)) => is_u8(sequence.type_param.id),
        Some(TypeDef::Array(array)) => is_u8(array.type_param.id),
        Some(TypeDef::Composite(composite)) => match composite.fields.as_slice() {
            [only] => is_bytes(types, only.ty.id),
            _ => false,
        },
        _ => false,
    }
}

fn primitive_name(primitive: &TypeDefPrimitive) -> &'static str {
    match primitive {
        TypeDefPrimitive::Bool => "bool",
        TypeDefPrimitive::Char => "char",
        TypeDefPrimitive::Str => "text",
        TypeDefPrimitive::U8 => "u8",
        TypeDefPrimitive::U16 => "u16",
        TypeDefPrimitive::U32 => "u32",
        TypeDefPrimitive::U64 => "u64",
        TypeDefPrimitive::U128 => "u128",
        TypeDefPrimitive::U256 => "u256",
        TypeDefPrimitive::I8 => "i8",
        TypeDefPrimitive::I16 => "i16",
        TypeDefPrimitive::I32 => "i32",
        TypeDefPrimitive::I64 => "i64",
        TypeDefPrimitive::I128 => "i128",
        TypeDefPrimitive::I256 => "i256",
    }
}
