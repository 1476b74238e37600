// SPDX-License-Identifier: Apache-2.0
//! The FRAME runtime of a shard, by its metadata: what can be called, and what can be asked.
//!
//! Nothing here knows an application. The metadata comes from a verified worker, in TLS that ends in its enclave; so it
//! describes the code that was measured.
//!
//! - [`ShardRuntime::call`] and [`ShardRuntime::item`] read what people type (`words.rs`) and say what was expected
//!   when it does not fit;
//! - [`ShardRuntime::sign`] makes the extrinsic, which [`workflow::submit`](crate::workflow::submit) sends: of such a
//!   call, or of one that `subxt`'s macro made from the metadata;
//! - [`ShardRuntime::show`] makes text or JSON of a value, [`ShardRuntime::show_result`] of what became of a call.

mod errors;
mod results;
mod signature;
mod values;
mod words;

pub use errors::RuntimeError;
pub use results::ShownResult;
pub use signature::Described;
pub(crate) use values::number;
pub use values::{Shown, render};

use crate::{account::Account, worker::Worker};
use offstage_light_client::BlockId;
use offstage_primitives::{
    H256,
    read::Question,
    ss58::GENERIC_PREFIX,
    trusted::{Domain, shard_genesis_hash},
};
use signature::{Kind, call_signature, item_signature};
use subxt::{
    ArcMetadata, Metadata, SubstrateConfig,
    client::OfflineClient,
    config::{
        DefaultExtrinsicParamsBuilder,
        substrate::{SpecVersionForRange, SubstrateConfigBuilder},
    },
    ext::scale_value::Composite,
    transactions::{DynamicPayload, Payload, dynamic},
    utils,
};

/// The runtime of one shard.
pub struct ShardRuntime {
    metadata: ArcMetadata,
    spec_version: u32,
    transaction_version: u32,
    genesis_hash: H256,
    /// How accounts are shown.
    prefix: u16,
}

/// A call of a shard's runtime. What it means in bytes, the metadata says.
pub struct RuntimeCall(DynamicPayload<Composite<()>>);

impl Payload for RuntimeCall {
    type CallData = Composite<()>;

    fn pallet_name(&self) -> &str {
        self.0.pallet_name()
    }

    fn call_name(&self) -> &str {
        self.0.call_name()
    }

    fn call_data(&self) -> &Self::CallData {
        self.0.call_data()
    }
}

/// What is asked, and how the answer is decoded.
pub struct Item {
    /// For the worker.
    pub question: Question,
    /// The accounts that are among the keys or arguments, as they were typed.
    pub accounts: Vec<String>,
    output: u32,
}

impl ShardRuntime {
    /// The runtime of the shard of this worker.
    ///
    /// # Errors
    /// [`RuntimeError`]: when the worker's logic is no FRAME runtime, or the worker cannot be asked.
    pub async fn of(worker: &mut Worker) -> Result<Self, RuntimeError> {
        let metadata = worker.newest_metadata().await?;
        Self::new(&metadata, &worker.identity().domain())
    }

    /// From the SCALE form of its metadata.
    ///
    /// # Errors
    /// [`RuntimeError::NoRuntime`] when this is no metadata of a runtime.
    pub fn new(metadata: &[u8], domain: &Domain) -> Result<Self, RuntimeError> {
        let metadata = Metadata::decode_from(metadata).map_err(|_| RuntimeError::NoRuntime)?;
        let version = values::runtime_version(&metadata).ok_or(RuntimeError::NoRuntime)?;
        Ok(Self {
            genesis_hash: shard_genesis_hash(&domain.genesis_hash, &domain.shard),
            spec_version: version.spec,
            transaction_version: version.transaction,
            metadata: metadata.arc(),
            prefix: GENERIC_PREFIX,
        })
    }

    /// The same, with accounts shown as on a chain with this prefix for ss58 addresses. A runtime in a shard says
    /// nothing of it; its accounts are those of the parentchain.
    #[must_use]
    pub fn with_ss58_prefix(self, prefix: u16) -> Self {
        Self { prefix, ..self }
    }

    /// The metadata.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// A call as people type it: `Assets.transfer`, and `name=value` for each argument, or the values alone, in order.
    ///
    /// # Errors
    /// [`RuntimeError`] with the signature that was expected.
    pub fn call(&self, name: &str, arguments: &[String]) -> Result<RuntimeCall, RuntimeError> {
        let (pallet, variant) = self.find_call(name)?;
        let fields: Vec<_> = variant
            .fields
            .iter()
            .map(|field| (field.name.clone().unwrap_or_default(), field.ty.id))
            .collect();
        let values = words::arguments(self.metadata.types(), &fields, arguments).map_err(|reason| {
            RuntimeError::Arguments { reason, expected: call_signature(&self.metadata, &pallet, variant) }
        })?;
        Ok(RuntimeCall(dynamic(pallet.as_str(), variant.name.as_str(), Composite::named(values))))
    }

    /// Signs a call for this shard: format 4, as wallets do, good for [`EXTRINSIC_LIFETIME`] blocks from `at` on.
    ///
    /// # Errors
    /// [`RuntimeError::Signing`] when the runtime wants something signed that is not known here.
    pub fn sign<P: Payload>(
        &self,
        call: &P,
        nonce: u32,
        author: &Account,
        at: BlockId,
    ) -> Result<Vec<u8>, RuntimeError> {
        let refused = |error: &dyn std::fmt::Display| RuntimeError::Signing { reason: error.to_string() };
        let versions = SpecVersionForRange {
            block_range: 0..u64::MAX,
            spec_version: self.spec_version,
            transaction_version: self.transaction_version,
        };
        let config = SubstrateConfigBuilder::new()
            .set_genesis_hash(self.genesis_hash.0.into())
            .set_metadata_for_spec_versions([(self.spec_version, self.metadata.clone())])
            .set_spec_version_for_block_ranges([versions])
            .build();
        let parameters = DefaultExtrinsicParamsBuilder::<SubstrateConfig>::new()
            .mortal_from_unchecked(EXTRINSIC_LIFETIME, at.number.into(), H256::from(at.hash).0.into())
            .nonce(nonce.into())
            .build();
        let client = OfflineClient::new_with_config(config);
        let block = client.at_block(at.number).map_err(|error| refused(&error))?;
        let transactions = block.transactions();
        let mut signable =
            transactions.create_v4_signable_offline(call, parameters).map_err(|error| refused(&error))?;
        let payload = signable.signer_payload().map_err(|error| refused(&error))?;
        let account = utils::AccountId32(author.id().into());
        let signed = signable
            .sign_with_account_and_signature(&account, &author.sign_for_subxt(&payload))
            .map_err(|error| refused(&error))?;
        Ok(signed.into_encoded())
    }

    /// A storage item with its keys, as people type it: `Assets.Account 1 //Alice`.
    ///
    /// # Errors
    /// [`RuntimeError`] with the signature that was expected.
    pub fn item(&self, name: &str, keys: &[String]) -> Result<Item, RuntimeError> {
        self.question(Kind::Storage, name, keys)
    }

    /// A view function with its arguments: `Auction.highest`.
    ///
    /// # Errors
    /// [`RuntimeError`] with the signature that was expected.
    pub fn view(&self, name: &str, arguments: &[String]) -> Result<Item, RuntimeError> {
        self.question(Kind::View, name, arguments)
    }

    fn question(&self, kind: Kind, name: &str, texts: &[String]) -> Result<Item, RuntimeError> {
        let (pallet, item) = words::two_names(name)?;
        let found = signature::find_item(&self.metadata, kind, pallet, item)?;
        let arguments = words::encoded(self.metadata.types(), &found.inputs, texts).map_err(|reason| {
            RuntimeError::Arguments { reason, expected: item_signature(&self.metadata, pallet, item, &found) }
        })?;
        let accounts = words::accounts(self.metadata.types(), &found.inputs, texts);
        let question = Question::Item { pallet: pallet.into(), name: item.into(), arguments };
        Ok(Item { question, accounts, output: found.output })
    }

    /// The value of an answer.
    ///
    /// # Errors
    /// [`RuntimeError::Answer`] when it is not of the promised type.
    pub fn show(&self, item: &Item, answer: &[u8]) -> Result<Shown, RuntimeError> {
        self.decode(item.output, answer)
    }

    /// The constants of one pallet, or of all: name and value.
    ///
    /// # Errors
    /// [`RuntimeError::Pallet`] when there is no such pallet.
    pub fn constants(&self, pallet: Option<&str>) -> Result<Vec<(String, Shown)>, RuntimeError> {
        if let Some(name) = pallet.filter(|name| self.metadata.pallet_by_name(name).is_none()) {
            return Err(signature::no_pallet(&self.metadata, name));
        }
        self.metadata
            .pallets()
            .filter(|found| pallet.is_none_or(|name| name == found.name()))
            .flat_map(|found| found.constants().map(move |constant| (found.name().to_owned(), constant)))
            .map(|(pallet, constant)| {
                let shown = self.decode(constant.ty(), constant.value())?;
                Ok((format!("{pallet}.{}", constant.name()), shown))
            })
            .collect()
    }

    /// Calls, storage items and view functions with their signatures: for one pallet, or for all.
    ///
    /// # Errors
    /// [`RuntimeError::Pallet`] when there is no such pallet.
    pub fn describe(&self, pallet: Option<&str>) -> Result<Vec<Described>, RuntimeError> {
        signature::describe(&self.metadata, pallet)
    }

    fn decode(&self, id: u32, bytes: &[u8]) -> Result<Shown, RuntimeError> {
        values::decode(&self.metadata, id, bytes, self.prefix)
    }

    fn find_call(&self, name: &str) -> Result<(String, &signature::Variant), RuntimeError> {
        let (pallet, call) = words::two_names(name)?;
        let found = self
            .metadata
            .pallet_by_name(pallet)
            .ok_or_else(|| signature::no_pallet(&self.metadata, pallet))?;
        let variant = found.call_variant_by_name(call).ok_or_else(|| RuntimeError::Name {
            what: "call",
            pallet: pallet.into(),
            name: call.into(),
            known: found.call_variants().unwrap_or_default().iter().map(|known| known.name.clone()).collect(),
        })?;
        Ok((found.name().to_owned(), variant))
    }
}

/// How many blocks of the parentchain a signed extrinsic is good for. A power of two.
pub const EXTRINSIC_LIFETIME: u64 = 128;

#[cfg(test)]
mod tests;
