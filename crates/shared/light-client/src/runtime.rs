// SPDX-License-Identifier: Apache-2.0
//! What the chain's bytes mean: metadata out of the proven runtime code.
//!
//! # What
//! The state proof of every block shows the hash of `:code`. When it changes, the caller hands in the code; if it
//! hashes to what is proven, it is decompressed and *run* in an interpreter, which returns the metadata. Nothing
//! but the chain's own code says how calls, events and signed extrinsics are encoded.
//!
//! # The metadata digest (RFC-78)
//! Signers put a digest of the metadata into what they sign (`CheckMetadataHash`), and a runtime compares it with the
//! one it was built with. The digest covers the token's symbol and decimals, which no runtime tells; they are the
//! host's word ([`ChainProperties`]). But the runtime has the whole digest built in, so a digest computed with them
//! counts only if its 32 bytes are found in the proven code. A runtime built without it, or wrong properties, gives no
//! digest, and extrinsics are then signed without one.
//!
//! # Attacks
//! The host may send any code: only the proven one is used. The proven code may be hostile, on a chain whose governance
//! is: it runs with limited fuel and memory, sees an empty state and can call nothing that acts.
//!
//! # Also here
//! Lookup of calls, constants and transaction extensions for whoever signs extrinsics, and of storage items for whoever
//! reads them.

mod code;
mod digest;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod metadata;
mod storage;
mod types;
mod wasm;

pub use code::{CodeError, MAX_CODE_LEN};
pub use metadata::{Argument, Shape, SignedExtension};
pub use storage::ExpectedItem;
pub use wasm::WasmError;

pub(crate) use metadata::Variant;
pub(crate) use types::{Budget, Types, read_compact, take, take_byte};

use codec::{Decode, Encode};
use metadata::{Metadata, Version};
use sp_core::H256;
use std::sync::Arc;

/// What a node tells of its token (`system_properties`). Only the metadata digest depends on it, and a wrong value
/// shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct ChainProperties {
    /// Symbol of the chain's token, such as `UNIT`.
    pub token_symbol: String,
    /// Decimals of the chain's token, such as 12.
    pub token_decimals: u8,
}

/// A runtime whose code is the chain's.
#[derive(Debug)]
pub struct VerifiedRuntime {
    code_hash: H256,
    metadata: Metadata,
    version: Version,
    metadata_digest: Option<[u8; 32]>,
}

impl VerifiedRuntime {
    /// Runs `code`, a runtime as it is stored under `:code`, for its metadata, if it has the proven hash.
    ///
    /// # Errors
    /// When it is other code, not a runtime, exceeds a limit, or its metadata is of an unknown form.
    pub(crate) fn from_proven_code(
        code_hash: H256,
        code: &[u8],
        properties: &ChainProperties,
    ) -> Result<Self, RuntimeError> {
        Self::with_metadata(code_hash, code, properties).map(|(runtime, _)| runtime)
    }

    /// Like [`from_proven_code`](Self::from_proven_code), with the metadata as the code gives it.
    pub(crate) fn with_metadata(
        code_hash: H256,
        code: &[u8],
        properties: &ChainProperties,
    ) -> Result<(Self, Vec<u8>), RuntimeError> {
        let actual = code::hash(code)?;
        if actual != code_hash {
            return Err(RuntimeError::OtherCode { actual, expected: code_hash });
        }
        let wasm = code::decompress(code)?;
        let encoded = wasm::metadata(&wasm)?;
        let (metadata, version, digest_input) = metadata::parse(&encoded)?;
        let metadata_digest = digest::proven_digest(digest_input, &version, properties, &metadata, &wasm);
        Ok((Self { code_hash, metadata, version, metadata_digest }, encoded))
    }

    /// blake2-256 of the code as it is stored.
    pub fn code_hash(&self) -> H256 {
        self.code_hash
    }

    /// Name of the runtime.
    pub fn spec_name(&self) -> &str {
        &self.version.spec_name
    }

    /// Version of the runtime; part of what extrinsics sign.
    pub fn spec_version(&self) -> u32 {
        self.version.spec_version
    }

    /// Version of the extrinsics' form; part of what extrinsics sign.
    pub fn transaction_version(&self) -> u32 {
        self.version.transaction_version
    }

    /// Version of state and extrinsics root (sp-version, `RuntimeVersion::system_version`).
    pub fn system_version(&self) -> u8 {
        self.version.system_version
    }

    /// The RFC-78 digest of the metadata, if the code was built with it. With it, `CheckMetadataHash` can be enabled.
    pub fn metadata_digest(&self) -> Option<[u8; 32]> {
        self.metadata_digest
    }

    /// Prefix of the chain's addresses (constant `System.SS58Prefix`).
    pub fn ss58_prefix(&self) -> Option<u16> {
        self.metadata.ss58_prefix()
    }

    /// Whether the runtime has a pallet of this name.
    pub fn has_pallet(&self, pallet: &str) -> bool {
        self.metadata.pallet(pallet).is_some()
    }

    /// SCALE bytes of a pallet's constant.
    pub fn constant(&self, pallet: &str, name: &str) -> Option<&[u8]> {
        self.metadata.constant(pallet, name)
    }

    /// The two bytes with which a call starts.
    pub fn call_index(&self, pallet: &str, call: &str) -> Option<(u8, u8)> {
        self.metadata.call(pallet, call).map(|(pallet, variant)| (pallet, variant.index))
    }

    /// Like [`call_index`](Self::call_index), but only if the call takes exactly these arguments in this order, so that
    /// an encoding that was fixed at compile time fits the chain.
    pub fn call_index_with(
        &self,
        pallet: &str,
        call: &str,
        arguments: &[(&str, Argument)],
    ) -> Option<(u8, u8)> {
        let (pallet, variant) = self.metadata.call(pallet, call)?;
        let fits = variant.fields.len() == arguments.len()
            && variant.fields.iter().zip(arguments).all(|(field, (name, argument))| {
                field.name.as_deref() == Some(*name) && self.metadata.fits(field.ty, *argument)
            });
        fits.then_some((pallet, variant.index))
    }

    /// Encodes a call whose arguments are known by name, each as SCALE of its value, within small limits.
    ///
    /// # Errors
    /// When the call does not take exactly these arguments in this order, each of its type.
    pub fn encode_call<'a>(
        &self,
        pallet: &str,
        call: &str,
        arguments: impl ExactSizeIterator<Item = (&'a str, &'a [u8])>,
    ) -> Result<Vec<u8>, CallError> {
        let (pallet, variant) = self.metadata.call(pallet, call).ok_or(CallError::NoSuchCall)?;
        if variant.fields.len() != arguments.len() {
            return Err(CallError::OtherArguments);
        }
        let mut encoded = vec![pallet, variant.index];
        let mut budget = Budget::small();
        for (field, (name, value)) in variant.fields.iter().zip(arguments) {
            if field.name.as_deref() != Some(name) {
                return Err(CallError::OtherArguments);
            }
            let mut rest = value;
            let fits = self.types().skip(field.ty, &mut rest, &mut budget).is_some() && rest.is_empty();
            if !fits {
                return Err(CallError::OtherType);
            }
            encoded.extend_from_slice(value);
        }
        Ok(encoded)
    }

    /// Whether the chain's state has such an item, hashed so, and of these types.
    pub fn has_storage(&self, expected: &ExpectedItem) -> bool {
        let entry = self.metadata.storage(&expected.pallet, &expected.item);
        entry.is_some_and(|entry| expected.fits(entry, self.types()))
    }

    /// The transaction extensions in the order in which they are encoded and signed.
    pub fn signed_extensions(&self) -> &[SignedExtension] {
        self.metadata.signed_extensions()
    }

    /// Whether extrinsics start with a `MultiAddress`, so that an account is encoded with a leading zero.
    pub fn uses_multi_address(&self) -> bool {
        self.metadata.uses_multi_address()
    }

    pub(crate) fn types(&self) -> &Types {
        self.metadata.types()
    }

    pub(crate) fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    pub(crate) fn event(&self, pallet: u8, variant: u8) -> Option<(&Arc<str>, &Variant)> {
        self.metadata.event(pallet, variant)
    }
}

/// Why a call cannot be encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The runtime has no such pallet or call.
    #[error("the runtime has no such call")]
    NoSuchCall,
    /// The call has other arguments, or in another order.
    #[error("the runtime's call has other arguments")]
    OtherArguments,
    /// A value is not of its argument's type, or too large.
    #[error("a value is not of the type of the call's argument")]
    OtherType,
}

/// Why a runtime was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuntimeError {
    /// The code cannot be read.
    #[error(transparent)]
    Code(#[from] CodeError),
    /// The code does not run or gives no metadata.
    #[error(transparent)]
    Wasm(#[from] WasmError),
    /// The code is not the chain's.
    #[error("code hashes to {actual:?}, the chain's to {expected:?}; send the value of :code at this block")]
    OtherCode {
        /// Hash of what came.
        actual: H256,
        /// What the state proof shows.
        expected: H256,
    },
    /// No code is wanted now.
    #[error("no runtime code is needed now; send it when the light client asks")]
    NotNeeded,
    /// The metadata is of a form that is not known here.
    #[error("metadata of the runtime cannot be used: {0}")]
    Metadata(&'static str),
}

#[cfg(test)]
mod tests;
