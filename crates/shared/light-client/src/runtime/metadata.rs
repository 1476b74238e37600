// SPDX-License-Identifier: Apache-2.0
//! Metadata of version 14 or 15, reduced to what decoding and signing need.

use super::{
    RuntimeError,
    storage::{self, StorageEntry, StorageItems},
    types::{Types, read_compact},
};
use codec::{Decode, DecodeLimit, MemTrackingInput};
use frame_metadata::{RuntimeMetadata, RuntimeMetadataPrefixed};
use offstage_primitives::{bounded::MAX_DEPTH, chain::system};
use scale_info::{PortableRegistry, TypeDef, TypeDefPrimitive, form::PortableForm};
use std::{collections::BTreeMap, sync::Arc};

/// What of a runtime's metadata is used.
#[derive(Debug)]
pub(crate) struct Metadata {
    types: Types,
    pallets: BTreeMap<u8, Pallet>,
    address_type: u32,
    signature_type: u32,
    signed_extensions: Vec<SignedExtension>,
}

#[derive(Debug)]
struct Pallet {
    name: Arc<str>,
    calls: Arc<Variants>,
    events: Arc<Variants>,
    constants: BTreeMap<String, Vec<u8>>,
    storage: StorageItems,
}

/// Calls or events by their index.
type Variants = BTreeMap<u8, Variant>;

/// What is known of the types of calls and events. Pallets may share one, and hostile ones do, many times over.
type Known = BTreeMap<u32, Arc<Variants>>;

/// A call or an event.
#[derive(Debug)]
pub(crate) struct Variant {
    pub(crate) name: Arc<str>,
    pub(crate) index: u8,
    pub(crate) fields: Vec<FieldType>,
}

/// A field of a call or an event.
#[derive(Debug)]
pub(crate) struct FieldType {
    pub(crate) name: Option<Arc<str>>,
    pub(crate) ty: u32,
}

/// A transaction extension: a part of every signed extrinsic.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignedExtension {
    /// Its name, such as `CheckNonce`.
    pub identifier: String,
    /// What it puts into the extrinsic.
    pub extra: Shape,
    /// What it puts into the signed payload.
    pub additional: Shape,
    extra_type: u32,
}

/// Rough form of an encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// No byte at all.
    Empty,
    /// An `Option`: one zero byte says "nothing".
    Optional,
    /// Anything else.
    Other,
}

/// Rough form of a call's argument; wrappers of one field (such as `H256`, `AccountId32`, `BoundedVec`) count as what
/// they wrap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    /// A vector of bytes.
    Bytes,
    /// An optional vector of bytes.
    OptionalBytes,
    /// 32 bytes.
    Hash,
    /// A number of four bytes.
    U32,
    /// A number of 16 bytes.
    U128,
    /// A compact number.
    Compact,
    /// An enum or a struct.
    Compound,
    /// A vector of enums, as one of calls is.
    Enums,
}

/// `System.Version`, which is what `CheckSpecVersion` and `CheckTxVersion` sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) spec_name: String,
    pub(crate) spec_version: u32,
    pub(crate) transaction_version: u32,
    pub(crate) system_version: u8,
}

/// Reads metadata as `Metadata_metadata_at_version` returns it, prefix included.
pub(super) fn parse(encoded: &[u8]) -> Result<(Metadata, Version, RuntimeMetadata), RuntimeError> {
    let RuntimeMetadataPrefixed(magic, metadata) =
        decode(encoded).ok_or(RuntimeError::Metadata("it cannot be decoded"))?;
    if magic != frame_metadata::META_RESERVED {
        return Err(RuntimeError::Metadata("it lacks its magic prefix"));
    }
    let parsed = match &metadata {
        RuntimeMetadata::V14(v14) => Metadata::from_v14(v14),
        RuntimeMetadata::V15(v15) => Metadata::from_v15(v15),
        _ => return Err(RuntimeError::Metadata("its version is neither 14 nor 15")),
    }
    .ok_or(RuntimeError::Metadata("its type registry is inconsistent"))?;
    let version = parsed
        .constant(system::PALLET, system::VERSION)
        .and_then(Version::decode)
        .ok_or(RuntimeError::Metadata("it has no constant System.Version"))?;
    Ok((parsed, version, metadata))
}

/// Decodes all of the bytes, within [`MAX_METADATA_MEMORY`].
fn decode(encoded: &[u8]) -> Option<RuntimeMetadataPrefixed> {
    let mut bytes = encoded.get(..).filter(|bytes| bytes.len() <= MAX_METADATA_LEN)?;
    let mut input = MemTrackingInput::new(&mut bytes, MAX_METADATA_MEMORY);
    let metadata = RuntimeMetadataPrefixed::decode_with_depth_limit(MAX_DEPTH, &mut input).ok()?;
    bytes.is_empty().then_some(metadata)
}

impl Metadata {
    fn from_v14(metadata: &frame_metadata::v14::RuntimeMetadataV14) -> Option<Self> {
        let types = &metadata.types;
        let mut known = Known::new();
        let pallets = metadata
            .pallets
            .iter()
            .map(|pallet| {
                let calls = pallet.calls.as_ref().map(|calls| calls.ty.id);
                let events = pallet.event.as_ref().map(|event| event.ty.id);
                let mut known =
                    Pallet::new(types, &mut known, &pallet.name, calls, events, &pallet.constants)?;
                known.storage = storage::items(&pallet.name, pallet.storage.as_ref());
                Some((pallet.index, known))
            })
            .collect::<Option<_>>()?;
        // Before version 15, the parts of an extrinsic are the parameters of its type.
        let extrinsic = types.resolve(metadata.extrinsic.ty.id)?;
        let parameter = |name: &str| {
            Some(extrinsic.type_params.iter().find(|parameter| parameter.name == name)?.ty.as_ref()?.id)
        };
        let extensions = metadata
            .extrinsic
            .signed_extensions
            .iter()
            .map(|extension| {
                SignedExtension::new(
                    types,
                    &extension.identifier,
                    extension.ty.id,
                    extension.additional_signed.id,
                )
            })
            .collect();
        Some(Self {
            pallets,
            address_type: parameter("Address")?,
            signature_type: parameter("Signature")?,
            signed_extensions: extensions,
            types: Types::new(types.clone()),
        })
    }

    fn from_v15(metadata: &frame_metadata::v15::RuntimeMetadataV15) -> Option<Self> {
        let types = &metadata.types;
        let mut known = Known::new();
        let pallets = metadata
            .pallets
            .iter()
            .map(|pallet| {
                let calls = pallet.calls.as_ref().map(|calls| calls.ty.id);
                let events = pallet.event.as_ref().map(|event| event.ty.id);
                let mut known =
                    Pallet::new(types, &mut known, &pallet.name, calls, events, &pallet.constants)?;
                known.storage = storage::items(&pallet.name, pallet.storage.as_ref());
                Some((pallet.index, known))
            })
            .collect::<Option<_>>()?;
        let extensions = metadata
            .extrinsic
            .signed_extensions
            .iter()
            .map(|extension| {
                SignedExtension::new(
                    types,
                    &extension.identifier,
                    extension.ty.id,
                    extension.additional_signed.id,
                )
            })
            .collect();
        Some(Self {
            pallets,
            address_type: metadata.extrinsic.address_ty.id,
            signature_type: metadata.extrinsic.signature_ty.id,
            signed_extensions: extensions,
            types: Types::new(types.clone()),
        })
    }

    pub(crate) fn types(&self) -> &Types {
        &self.types
    }

    pub(crate) fn address_type(&self) -> u32 {
        self.address_type
    }

    pub(crate) fn signature_type(&self) -> u32 {
        self.signature_type
    }

    pub(crate) fn signed_extensions(&self) -> &[SignedExtension] {
        &self.signed_extensions
    }

    pub(super) fn pallet(&self, name: &str) -> Option<u8> {
        self.pallets.iter().find_map(|(index, pallet)| (&*pallet.name == name).then_some(*index))
    }

    pub(super) fn constant(&self, pallet: &str, name: &str) -> Option<&[u8]> {
        let pallet = self.pallets.get(&self.pallet(pallet)?)?;
        pallet.constants.get(name).map(Vec::as_slice)
    }

    pub(super) fn storage(&self, pallet: &str, item: &str) -> Option<&StorageEntry> {
        self.pallets.get(&self.pallet(pallet)?)?.storage.get(item)
    }

    pub(super) fn call(&self, pallet: &str, call: &str) -> Option<(u8, &Variant)> {
        let index = self.pallet(pallet)?;
        let variant = self.pallets.get(&index)?.calls.values().find(|variant| &*variant.name == call)?;
        Some((index, variant))
    }

    /// The call that starts with these two bytes.
    pub(crate) fn call_at(&self, pallet: u8, call: u8) -> Option<(&Arc<str>, &Variant)> {
        let pallet = self.pallets.get(&pallet)?;
        Some((&pallet.name, pallet.calls.get(&call)?))
    }

    pub(super) fn event(&self, pallet: u8, event: u8) -> Option<(&Arc<str>, &Variant)> {
        let pallet = self.pallets.get(&pallet)?;
        Some((&pallet.name, pallet.events.get(&event)?))
    }

    /// The two bytes with which an event starts.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn event_index(&self, pallet: &str, event: &str) -> Option<(u8, u8)> {
        let index = self.pallet(pallet)?;
        let variant = self.pallets.get(&index)?.events.values().find(|variant| &*variant.name == event)?;
        Some((index, variant.index))
    }

    /// `System.SS58Prefix` is a `u8` on old runtimes and a `u16` on others.
    pub(super) fn ss58_prefix(&self) -> Option<u16> {
        match self.constant(system::PALLET, system::SS58_PREFIX)? {
            [low] => Some(u16::from(*low)),
            [low, high] => Some(u16::from_le_bytes([*low, *high])),
            _ => None,
        }
    }

    pub(super) fn uses_multi_address(&self) -> bool {
        self.types.resolve(self.address_type).is_some_and(|ty| matches!(ty.type_def, TypeDef::Variant(_)))
    }

    pub(super) fn fits(&self, id: u32, argument: Argument) -> bool {
        self.argument(id, 8, &mut MAX_TYPES.clone()) == Some(argument)
    }

    fn argument(&self, id: u32, depth: u8, left: &mut u32) -> Option<Argument> {
        let deeper = depth.checked_sub(1)?;
        *left = left.checked_sub(1)?;
        let ty = self.types.resolve(id)?;
        let is_byte = |id: u32| {
            self.types
                .resolve(id)
                .is_some_and(|ty| matches!(ty.type_def, TypeDef::Primitive(TypeDefPrimitive::U8)))
        };
        match &ty.type_def {
            TypeDef::Composite(composite) => match &composite.fields[..] {
                [field] => self.argument(field.ty.id, deeper, left),
                _ => Some(Argument::Compound),
            },
            TypeDef::Variant(variants) if is_option(ty) => variants
                .variants
                .iter()
                .flat_map(|variant| &variant.fields)
                .any(|field| self.argument(field.ty.id, deeper, left) == Some(Argument::Bytes))
                .then_some(Argument::OptionalBytes),
            TypeDef::Variant(_) => Some(Argument::Compound),
            TypeDef::Sequence(sequence) if is_byte(sequence.type_param.id) => Some(Argument::Bytes),
            TypeDef::Sequence(sequence) => self
                .types
                .resolve(sequence.type_param.id)
                .is_some_and(|ty| matches!(ty.type_def, TypeDef::Variant(_)))
                .then_some(Argument::Enums),
            TypeDef::Array(array) => {
                (array.len == 32 && is_byte(array.type_param.id)).then_some(Argument::Hash)
            }
            TypeDef::Primitive(TypeDefPrimitive::U32) => Some(Argument::U32),
            TypeDef::Primitive(TypeDefPrimitive::U128) => Some(Argument::U128),
            TypeDef::Compact(_) => Some(Argument::Compact),
            TypeDef::Tuple(_) | TypeDef::Primitive(_) | TypeDef::BitSequence(_) => None,
        }
    }
}

impl Pallet {
    fn new(
        types: &PortableRegistry,
        known: &mut Known,
        name: &str,
        calls: Option<u32>,
        events: Option<u32>,
        constants: &[frame_metadata::v14::PalletConstantMetadata<PortableForm>],
    ) -> Option<Self> {
        Some(Self {
            name: name.into(),
            calls: variants(types, known, calls)?,
            events: variants(types, known, events)?,
            constants: constants
                .iter()
                .map(|constant| (constant.name.clone(), constant.value.clone()))
                .collect(),
            storage: StorageItems::new(),
        })
    }
}

fn variants(types: &PortableRegistry, known: &mut Known, id: Option<u32>) -> Option<Arc<Variants>> {
    let Some(id) = id else { return Some(Arc::default()) };
    if let Some(variants) = known.get(&id) {
        return Some(variants.clone());
    }
    let TypeDef::Variant(definition) = &types.resolve(id)?.type_def else { return None };
    let variants = definition.variants.iter().map(|variant| {
        let fields = variant
            .fields
            .iter()
            .map(|field| FieldType { name: field.name.as_deref().map(Arc::from), ty: field.ty.id });
        (
            variant.index,
            Variant { name: (*variant.name).into(), index: variant.index, fields: fields.collect() },
        )
    });
    let variants = Arc::new(variants.collect());
    known.insert(id, Arc::clone(&variants));
    Some(variants)
}

impl SignedExtension {
    fn new(types: &PortableRegistry, identifier: &str, extra: u32, additional: u32) -> Self {
        Self {
            identifier: identifier.into(),
            extra: shape(types, extra, 8, &mut MAX_TYPES.clone()),
            additional: shape(types, additional, 8, &mut MAX_TYPES.clone()),
            extra_type: extra,
        }
    }

    pub(crate) fn extra_type(&self) -> u32 {
        self.extra_type
    }
}

/// `left` types may still be looked at: one that holds another many times over would take for ever.
fn shape(types: &PortableRegistry, id: u32, depth: u8, left: &mut u32) -> Shape {
    let (Some(deeper), Some(fewer), Some(ty)) =
        (depth.checked_sub(1), left.checked_sub(1), types.resolve(id))
    else {
        return Shape::Other;
    };
    *left = fewer;
    match &ty.type_def {
        TypeDef::Composite(composite) => {
            of_parts(types, composite.fields.iter().map(|field| field.ty.id), deeper, left)
        }
        TypeDef::Tuple(tuple) => of_parts(types, tuple.fields.iter().map(|field| field.id), deeper, left),
        TypeDef::Variant(_) if is_option(ty) => Shape::Optional,
        _ => Shape::Other,
    }
}

/// Several parts are as one if all others are empty.
fn of_parts(types: &PortableRegistry, parts: impl Iterator<Item = u32>, depth: u8, left: &mut u32) -> Shape {
    let mut parts = parts.map(|id| shape(types, id, depth, left)).filter(|shape| *shape != Shape::Empty);
    match (parts.next(), parts.next()) {
        (None, _) => Shape::Empty,
        (Some(only), None) => only,
        _ => Shape::Other,
    }
}

fn is_option(ty: &scale_info::Type<PortableForm>) -> bool {
    matches!(&ty.path.segments[..], [name] if name == "Option")
}

impl Version {
    /// `RuntimeVersion` of sp-version; the last two fields came later and count as 1 and 0 where they are missing.
    fn decode(mut input: &[u8]) -> Option<Self> {
        let input = &mut input;
        let spec_name = String::decode(input).ok()?;
        let _implementation_name = String::decode(input).ok()?;
        let _authoring_version = u32::decode(input).ok()?;
        let spec_version = u32::decode(input).ok()?;
        let _implementation_version = u32::decode(input).ok()?;
        let apis = read_compact(input)?;
        for _ in 0..apis {
            <([u8; 8], u32)>::decode(input).ok()?;
        }
        let transaction_version = if input.is_empty() { 1 } else { u32::decode(input).ok()? };
        let system_version = if input.is_empty() { 0 } else { u8::decode(input).ok()? };
        Some(Self { spec_name, spec_version, transaction_version, system_version })
    }
}

/// The largest live metadata have about 1 MB.
pub(crate) const MAX_METADATA_LEN: usize = 16 * 1024 * 1024;

/// Memory that decoded metadata may take; those of live chains take a tenth.
const MAX_METADATA_MEMORY: usize = 256 * 1024 * 1024;

/// Types that are looked at to tell the form of one.
const MAX_TYPES: u32 = 1000;
