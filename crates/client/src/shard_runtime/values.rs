// SPDX-License-Identifier: Apache-2.0
//! From SCALE to what people and programs read.

use super::{
    errors::RuntimeError,
    signature::{is_account, is_bytes},
};
use offstage_primitives::{AccountId32, ss58::ss58};
use scale_info::PortableRegistry;
use serde_json::{Map, Number, Value as Json};
use subxt::{
    Metadata,
    ext::scale_value::{Composite, Primitive, Value, ValueDef, scale::decode_as_type},
};

/// A decoded value, as JSON: accounts as addresses, bytes as `0x…`, numbers that JSON cannot hold as text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shown(pub Json);

/// What a runtime says of its version.
pub(super) struct Version {
    pub(super) spec: u32,
    pub(super) transaction: u32,
}

/// `System.Version` of the metadata.
pub(super) fn runtime_version(metadata: &Metadata) -> Option<Version> {
    let constant = metadata.pallet_by_name("System")?.constant_by_name("Version")?;
    let value = decode_as_type(&mut constant.value(), constant.ty(), metadata.types()).ok()?;
    let ValueDef::Composite(Composite::Named(fields)) = value.value else { return None };
    let number = |name: &str| {
        let field = fields.iter().find(|(field, _)| field == name)?;
        match field.1.value {
            ValueDef::Primitive(Primitive::U128(number)) => u32::try_from(number).ok(),
            _ => None,
        }
    };
    Some(Version { spec: number("spec_version")?, transaction: number("transaction_version")? })
}

/// `prefix` is for accounts in ss58 form.
pub(super) fn decode(metadata: &Metadata, id: u32, bytes: &[u8], prefix: u16) -> Result<Shown, RuntimeError> {
    let mut rest = bytes;
    let value = decode_as_type(&mut rest, id, metadata.types()).map_err(|_| RuntimeError::Answer)?;
    if !rest.is_empty() {
        return Err(RuntimeError::Answer);
    }
    Ok(Shown(Shower { types: metadata.types(), prefix }.json(&value)))
}

/// The text of a value: what is no object or list stands alone, so that scripts can read it.
pub fn render(Shown(value): &Shown) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Array(_) | Json::Object(_) => serde_json::to_string_pretty(value).unwrap_or_default(),
        plain => plain.to_string(),
    }
}

/// A number of a runtime. JSON's are exact up to 2^53 in most programs; beyond, it is text.
pub(crate) fn number(value: u128) -> Json {
    match u64::try_from(value) {
        Ok(small) if small < EXACT => Json::Number(Number::from(small)),
        _ => Json::String(value.to_string()),
    }
}

/// Shows values of one runtime.
struct Shower<'run> {
    types: &'run PortableRegistry,
    prefix: u16,
}

impl Shower<'_> {
    fn json(&self, value: &Value<u32>) -> Json {
        if let Some(bytes) = bytes_of(self.types, value) {
            if let (true, Ok(account)) =
                (is_account(self.types, value.context), <[u8; 32]>::try_from(bytes.as_slice()))
            {
                return Json::String(ss58(&AccountId32::new(account), self.prefix));
            }
            return Json::String(format!("0x{}", hex::encode(bytes)));
        }
        match &value.value {
            ValueDef::Composite(fields) => self.composite(fields),
            ValueDef::Variant(variant) => match (variant.name.as_str(), variant.values.len()) {
                ("None", 0) => Json::Null,
                ("Some", 1) => self.composite(&variant.values),
                (name, 0) => Json::String(name.to_owned()),
                (name, _) => {
                    Json::Object(Map::from_iter([(name.to_owned(), self.composite(&variant.values))]))
                }
            },
            ValueDef::BitSequence(bits) => {
                Json::String(bits.iter().map(|bit| if bit { '1' } else { '0' }).collect())
            }
            ValueDef::Primitive(primitive) => match primitive {
                Primitive::Bool(yes) => Json::Bool(*yes),
                Primitive::Char(character) => Json::String(character.to_string()),
                Primitive::String(text) => Json::String(text.clone()),
                Primitive::U128(value) => number(*value),
                Primitive::I128(number) => match i64::try_from(*number) {
                    Ok(small) if small.unsigned_abs() < EXACT => Json::Number(Number::from(small)),
                    _ => Json::String(number.to_string()),
                },
                Primitive::U256(bytes) | Primitive::I256(bytes) => {
                    Json::String(format!("0x{}", hex::encode(bytes)))
                }
            },
        }
    }

    fn composite(&self, fields: &Composite<u32>) -> Json {
        match fields {
            Composite::Named(fields) => {
                Json::Object(fields.iter().map(|(name, value)| (name.clone(), self.json(value))).collect())
            }
            Composite::Unnamed(fields) => match fields.as_slice() {
                [only] => self.json(only),
                fields => Json::Array(fields.iter().map(|field| self.json(field)).collect()),
            },
        }
    }
}

/// The bytes of a value whose type is bytes, wrapped or not.
fn bytes_of(types: &PortableRegistry, value: &Value<u32>) -> Option<Vec<u8>> {
    if !is_bytes(types, value.context) {
        return None;
    }
    let mut value = value;
    loop {
        let fields = match &value.value {
            ValueDef::Composite(Composite::Unnamed(fields)) => fields.as_slice(),
            ValueDef::Composite(Composite::Named(fields)) => match fields.as_slice() {
                [(_, only)] => std::slice::from_ref(only),
                _ => return None,
            },
            _ => return None,
        };
        match fields {
            [only] if !matches!(only.value, ValueDef::Primitive(_)) => value = only,
            fields => {
                let byte = |field: &Value<u32>| match field.value {
                    ValueDef::Primitive(Primitive::U128(number)) => u8::try_from(number).ok(),
                    _ => None,
                };
                return fields.iter().map(byte).collect();
            }
        }
    }
}

const EXACT: u64 = 1 << 53;
