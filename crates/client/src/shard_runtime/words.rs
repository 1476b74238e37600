// SPDX-License-Identifier: Apache-2.0
//! From what people type to values of the types that the metadata names.
//!
//! | type | what is typed |
//! |---|---|
//! | an account | `//Alice` or an address |
//! | bytes | `0x` and digits, or plain text |
//! | a number, true, false | itself; digits may be grouped with `_` |
//! | one of several words | the word: `Yes`, `None` |
//! | everything else | the form of `scale-value`: `(1, 2)`, `Some(5)`, `{ a: 1, b: Id(…) }`; accounts in it as above |

use super::{
    errors::RuntimeError,
    signature::{is_account, is_bytes, type_name},
};
use crate::account::AccountText;
use scale_info::{PortableRegistry, TypeDef, TypeDefPrimitive};
use subxt::ext::{
    scale_encode::EncodeAsType,
    scale_value::{
        Value,
        stringify::{self, ParseError},
    },
};

/// The two names of `Pallet.name`.
pub(super) fn two_names(text: &str) -> Result<(&str, &str), RuntimeError> {
    let names = text.split_once('.').filter(|(pallet, name)| !pallet.is_empty() && !name.is_empty());
    names.ok_or_else(|| RuntimeError::Form { text: text.into() })
}

/// The values of named fields, typed as `name=value`, or in order without names.
pub(super) fn arguments(
    types: &PortableRegistry,
    fields: &[(String, u32)],
    texts: &[String],
) -> Result<Vec<(String, Value)>, String> {
    let is_named = |text: &&String| {
        text.split_once('=').is_some_and(|(name, _)| fields.iter().any(|(field, _)| field == name))
    };
    let named = texts.iter().filter(is_named).count();
    if named == 0 {
        if texts.len() != fields.len() {
            return Err(format!("{} arguments where {} belong", texts.len(), fields.len()));
        }
        let value = |((name, id), text): (&(String, u32), &String)| {
            Ok((name.clone(), value(types, *id, text).map_err(|reason| format!("{name}: {reason}"))?))
        };
        return fields.iter().zip(texts).map(value).collect();
    }
    if let Some(strange) = texts.iter().find(|text| !is_named(text)) {
        return Err(format!("{strange:?} is no argument of it"));
    }
    fields
        .iter()
        .map(|(name, id)| {
            let mut given =
                texts.iter().filter_map(|text| text.split_once('=')).filter(|(given, _)| given == name);
            let text = given.next().ok_or_else(|| format!("{name} is missing"))?.1;
            if given.next().is_some() {
                return Err(format!("{name} is given twice"));
            }
            Ok((name.clone(), value(types, *id, text).map_err(|reason| format!("{name}: {reason}"))?))
        })
        .collect()
}

/// SCALE of each key or argument of a question, in order.
pub(super) fn encoded(
    types: &PortableRegistry,
    inputs: &[(String, u32)],
    texts: &[String],
) -> Result<Vec<Vec<u8>>, String> {
    arguments(types, inputs, texts)?
        .into_iter()
        .zip(inputs)
        .map(|((name, value), (_, id))| {
            value
                .encode_as_type(*id, types)
                .map_err(|_| format!("{name}: not a value of the type {}", type_name(types, *id)))
        })
        .collect()
}

/// The texts that are accounts.
pub(super) fn accounts(types: &PortableRegistry, inputs: &[(String, u32)], texts: &[String]) -> Vec<String> {
    let text = |(text, (name, _)): (&String, &(String, u32))| {
        text.strip_prefix(&format!("{name}=")).unwrap_or(text).to_owned()
    };
    texts.iter().zip(inputs).filter(|(_, (_, id))| is_account(types, *id)).map(text).collect()
}

/// A value of this type.
fn value(types: &PortableRegistry, id: u32, text: &str) -> Result<Value, String> {
    let value = if is_account(types, id) {
        let account = AccountText::from(text.to_owned());
        let account = account.parse_recipient().map_err(|error| error.to_string())?;
        let bytes = Value::from_bytes(<[u8; 32]>::from(account));
        let is_address = types.resolve(id).is_some_and(|found| matches!(found.type_def, TypeDef::Variant(_)));
        if is_address { Value::unnamed_variant("Id", [bytes]) } else { bytes }
    } else if is_bytes(types, id) {
        match text.strip_prefix("0x") {
            Some(digits) => {
                Value::from_bytes(hex::decode(digits).map_err(|_| format!("{text:?} is not hexadecimal"))?)
            }
            None => Value::from_bytes(text.as_bytes()),
        }
    } else if is_text(types, id) {
        Value::string(text)
    } else if is_word(types, id, text) {
        Value::unnamed_variant(text, [])
    } else {
        let (value, rest) = stringify::from_str_custom().add_custom_parser(account).parse(text);
        match value {
            Ok(value) if rest.is_empty() => value,
            _ => return Err(format!("cannot read {text:?} as {}", type_name(types, id))),
        }
    };
    // Whether it fits is found out here, where the argument's name is known.
    match value.encode_as_type(id, types) {
        Ok(_) => Ok(value),
        Err(_) => Err(format!("{text:?} is not of the type {}", type_name(types, id))),
    }
}

/// An account inside of another value.
fn account(text: &mut &str) -> Option<Result<Value, ParseError>> {
    let end = text.find(|sign: char| sign.is_whitespace() || ",)}".contains(sign)).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    // Numbers and names are read as what they are.
    if !word.starts_with("//") && word.len() < SHORTEST_ADDRESS {
        return None;
    }
    let account = AccountText::from(word.to_owned()).parse_recipient().ok()?;
    *text = rest;
    Some(Ok(Value::from_bytes(<[u8; 32]>::from(account))))
}

/// Whether the text is one of the type's variants, one without fields.
fn is_word(types: &PortableRegistry, id: u32, text: &str) -> bool {
    let Some(TypeDef::Variant(variants)) = types.resolve(id).map(|found| &found.type_def) else {
        return false;
    };
    variants.variants.iter().any(|variant| variant.name == text && variant.fields.is_empty())
}

fn is_text(types: &PortableRegistry, id: u32) -> bool {
    types.resolve(id).is_some_and(|found| matches!(found.type_def, TypeDef::Primitive(TypeDefPrimitive::Str)))
}

/// Signs of the shortest ss58 address of 32 bytes.
const SHORTEST_ADDRESS: usize = 45;
