// SPDX-License-Identifier: Apache-2.0
//! Who may read what of a runtime.
//!
//! Everything is closed. A runtime opens storage items and view functions one by one, to everybody or to the account
//! that an entry is about:
//!
//! ```rust,ignore
//! reads! {
//!     pub struct Reads;
//!     Balances::Account: owner(0);
//!     Assets::Account: owner(1);
//!     Timestamp::Now: public;
//! }
//! ```
//!
//! `owner(n)` means: the key with the number `n` of the map, or the argument of the function, is the account that asks.
//! It shows that it is by a signed permit ([`offstage_primitives::read`]).
//!
//! # Attacks
//! - *A key that is made of pieces*: an entry's storage key is the keys' bytes, hashed one after the other. Each must
//!   be exactly one value of its type, to the last byte; otherwise a part of one key could pass for another account's.
//! - *Probing*: what does not exist, has no value, is closed, or belongs to another gives one answer.
//! - *A key that never ends*: values within values are followed so far and no further.
//! - *Expensive questions*: a storage item is one read. What a view function costs is the author's to bound.

use super::{ShardRuntime, one_value::is_one_value};
use crate::{nonce, state_transition::Reads};
use codec::{Decode, Encode};
use frame_metadata::{
    RuntimeMetadata, RuntimeMetadataPrefixed,
    v14::StorageHasher,
    v16::{RuntimeMetadataV16, StorageEntryModifier, StorageEntryType},
};
use frame_support::{storage::storage_prefix, view_functions::ViewFunctionId};
use offstage_primitives::{AccountId32, read::Question};
use scale_info::{PortableRegistry, TypeDef};
use sp_crypto_hashing::{blake2_128, blake2_256, twox_64, twox_128, twox_256};
use std::{collections::BTreeMap, marker::PhantomData};

/// Which items of a runtime are open. [`reads!`](crate::reads) makes one.
pub trait ReadPolicy: 'static {
    /// What is open to whom.
    const RULES: &'static [Rule];
}

/// Everything is closed.
impl ReadPolicy for () {
    const RULES: &'static [Rule] = &[];
}

/// One item that is open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rule {
    /// The pallet's name in the runtime.
    pub pallet: &'static str,
    /// The storage item's name, or the view function's.
    pub name: &'static str,
    /// To whom.
    pub access: Access,
}

/// To whom an item is open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// To everybody.
    Public,
    /// To the account that is the key, or the argument, with this number, counted from zero.
    Owner(usize),
}

/// Says which storage items and view functions of a runtime are open: a unit struct that is a
/// [`ReadPolicy`](crate::frame::reads::ReadPolicy).
#[macro_export]
macro_rules! reads {
    (
        $(#[$meta:meta])*
        $visibility:vis struct $policy:ident;
        $($pallet:ident::$name:ident: $access:ident $(($key:literal))?;)*
    ) => {
        $(#[$meta])*
        $visibility struct $policy;

        impl $crate::frame::reads::ReadPolicy for $policy {
            const RULES: &'static [$crate::frame::reads::Rule] = &[$(
                $crate::frame::reads::Rule {
                    pallet: stringify!($pallet),
                    name: stringify!($name),
                    access: $crate::reads!(@access $access $($key)?),
                },
            )*];
        }
    };
    (@access public) => { $crate::frame::reads::Access::Public };
    (@access owner $key:literal) => { $crate::frame::reads::Access::Owner($key) };
}

/// What is wrong with a rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RuleError {
    /// No such pallet, item or view function.
    #[error(
        "the runtime has no storage item or view function {0}.{1}; a read policy names them as its metadata does"
    )]
    Unknown(&'static str, &'static str),
    /// The owner's key is not there, or no account.
    #[error("key {2} of {0}.{1} is no account; name the one that is, counted from zero")]
    NoAccount(&'static str, &'static str, usize),
}

/// What is wrong with the rules of a runtime's policy. For its tests: a rule that is wrong opens nothing.
pub fn check<R: ShardRuntime>() -> Vec<RuleError> {
    Reader::<R>::new().1
}

/// What is wrong with one rule for this runtime.
#[cfg(test)]
pub(super) fn wrong_rule<R: ShardRuntime>(rule: &Rule) -> Option<RuleError> {
    Item::find(&metadata::<R>()?, rule).err()
}

/// Answers questions about a runtime's state, as its policy says.
pub(super) struct Reader<R> {
    types: PortableRegistry,
    items: BTreeMap<(&'static str, &'static str), Item>,
    runtime: PhantomData<fn() -> R>,
}

struct Item {
    access: Access,
    /// Types of the keys or arguments.
    inputs: Vec<u32>,
    source: Source,
}

enum Source {
    Storage {
        prefix: [u8; 32],
        hashers: Vec<StorageHasher>,
        /// What stands for an entry that is not there.
        default: Option<Vec<u8>>,
    },
    View(ViewFunctionId),
}

impl<R: ShardRuntime> Reader<R> {
    /// Looks the policy's rules up in the runtime's metadata. A rule that is wrong opens nothing.
    pub(super) fn new() -> (Self, Vec<RuleError>) {
        let (mut items, mut errors) = (BTreeMap::new(), Vec::new());
        let Some(metadata) = metadata::<R>() else {
            let unknown = |rule: &Rule| RuleError::Unknown(rule.pallet, rule.name);
            errors.extend(<R::Reads as ReadPolicy>::RULES.iter().map(unknown));
            return (
                Self { types: PortableRegistry { types: Vec::new() }, items, runtime: PhantomData },
                errors,
            );
        };
        for rule in <R::Reads as ReadPolicy>::RULES {
            match Item::find(&metadata, rule) {
                Ok(item) => {
                    items.insert((rule.pallet, rule.name), item);
                }
                Err(error) => errors.push(error),
            }
        }
        (Self { types: metadata.types, items, runtime: PhantomData }, errors)
    }

    fn item(
        &self,
        pallet: &str,
        name: &str,
        arguments: &[Vec<u8>],
        asker: Option<&AccountId32>,
    ) -> Option<Vec<u8>> {
        let item = self.items.get(&(pallet, name))?;
        if let Access::Owner(key) = item.access {
            let owner = arguments.get(key)?;
            if asker?.encode() != *owner {
                return None;
            }
        }
        let is_exact = |(argument, id): (&Vec<u8>, &u32)| is_one_value(&self.types, *id, argument);
        if arguments.len() != item.inputs.len() || !arguments.iter().zip(&item.inputs).all(is_exact) {
            return None;
        }
        match &item.source {
            Source::Storage { prefix, hashers, default } => {
                let mut key = prefix.to_vec();
                for (argument, hasher) in arguments.iter().zip(hashers) {
                    hash_into(&mut key, hasher, argument);
                }
                sp_io::storage::get(&key).map(|value| value.to_vec()).or_else(|| default.clone())
            }
            Source::View(id) => R::execute_view_function(id.clone(), arguments.concat()).ok(),
        }
    }
}

impl<R: ShardRuntime> Reads for Reader<R> {
    fn read(&self, question: &Question, asker: Option<&AccountId32>) -> Option<Vec<u8>> {
        match question {
            Question::Item { pallet, name, arguments } => self.item(pallet, name, arguments, asker),
            Question::Nonce => nonce::next(asker?).map(|nonce| nonce.encode()),
        }
    }
}

impl Item {
    fn find(metadata: &RuntimeMetadataV16, rule: &Rule) -> Result<Self, RuleError> {
        let unknown = RuleError::Unknown(rule.pallet, rule.name);
        let pallet = metadata.pallets.iter().find(|pallet| pallet.name == rule.pallet).ok_or(unknown)?;
        let stored = pallet
            .storage
            .iter()
            .flat_map(|storage| storage.entries.iter().map(|entry| (storage.prefix.as_str(), entry)));
        let item = if let Some((prefix, entry)) = stored.clone().find(|(_, entry)| entry.name == rule.name) {
            let (hashers, inputs) = match &entry.ty {
                StorageEntryType::Plain(_) => (Vec::new(), Vec::new()),
                StorageEntryType::Map { hashers, key, .. } => {
                    (hashers.clone(), key_types(&metadata.types, key.id, hashers.len()).ok_or(unknown)?)
                }
            };
            let default = (entry.modifier == StorageEntryModifier::Default).then(|| entry.default.clone());
            let prefix = storage_prefix(prefix.as_bytes(), entry.name.as_bytes());
            Self { access: rule.access, inputs, source: Source::Storage { prefix, hashers, default } }
        } else {
            let view = pallet.view_functions.iter().find(|view| view.name == rule.name).ok_or(unknown)?;
            let inputs = view.inputs.iter().map(|input| input.ty.id).collect();
            let id = ViewFunctionId::decode(&mut &view.id[..]).map_err(|_| unknown)?;
            Self { access: rule.access, inputs, source: Source::View(id) }
        };
        match rule.access {
            Access::Owner(key)
                if !item.inputs.get(key).is_some_and(|id| is_account(&metadata.types, *id)) =>
            {
                Err(RuleError::NoAccount(rule.pallet, rule.name, key))
            }
            Access::Owner(_) | Access::Public => Ok(item),
        }
    }
}

fn metadata<R: ShardRuntime>() -> Option<RuntimeMetadataV16> {
    let bytes = R::metadata_at_version(16)?;
    match RuntimeMetadataPrefixed::decode(&mut &bytes[..]).ok()?.1 {
        RuntimeMetadata::V16(metadata) => Some(metadata),
        _ => None,
    }
}

/// The types of a map's keys. Several keys are a tuple.
fn key_types(types: &PortableRegistry, key: u32, count: usize) -> Option<Vec<u32>> {
    if count == 1 {
        return Some(vec![key]);
    }
    match &types.resolve(key)?.type_def {
        TypeDef::Tuple(tuple) if tuple.fields.len() == count => {
            Some(tuple.fields.iter().map(|field| field.id).collect())
        }
        _ => None,
    }
}

fn is_account(types: &PortableRegistry, id: u32) -> bool {
    types
        .resolve(id)
        .is_some_and(|found| found.path.segments.last().is_some_and(|name| name == "AccountId32"))
}

fn hash_into(key: &mut Vec<u8>, hasher: &StorageHasher, argument: &[u8]) {
    match hasher {
        StorageHasher::Blake2_128 => key.extend(blake2_128(argument)),
        StorageHasher::Blake2_256 => key.extend(blake2_256(argument)),
        StorageHasher::Blake2_128Concat => {
            key.extend(blake2_128(argument));
            key.extend_from_slice(argument);
        }
        StorageHasher::Twox128 => key.extend(twox_128(argument)),
        StorageHasher::Twox256 => key.extend(twox_256(argument)),
        StorageHasher::Twox64Concat => {
            key.extend(twox_64(argument));
            key.extend_from_slice(argument);
        }
        StorageHasher::Identity => key.extend_from_slice(argument),
    }
}
