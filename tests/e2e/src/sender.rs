// SPDX-License-Identifier: Apache-2.0
//! Somebody who signs whatever the chain takes, in batches as large as they like, and does not ask a client of ours
//! first.

use anyhow::{Context, Result};
use codec::{Compact, Encode};
use offstage_client::account::Account;
use offstage_primitives::{
    AccountId32, ShardIdentifier,
    chain::{enclave_bridge, utility},
};
use std::pin::Pin;
use subxt::{
    OnlineClient, PolkadotConfig,
    config::PolkadotExtrinsicParamsBuilder,
    dynamic::{self, Value},
    error::ExtrinsicError,
    ext::{
        scale_encode::{self, EncodeAsFields},
        scale_type_resolver::{FieldIter, TypeResolver},
    },
    transactions::{DynamicPayload, StaticPayload, TransactionStatus},
};

/// An account and a node. Its extrinsics follow one another without waiting for the chain.
pub struct Sender {
    client: OnlineClient<PolkadotConfig>,
    account: Account,
    nonce: u64,
    /// Pallet and call of `EnclaveBridge.invoke`, as the first bytes of an encoded call.
    invoke: Vec<u8>,
}

/// Resolves with the number of the final block that has the extrinsic.
pub type Inclusion = Pin<Box<dyn Future<Output = Result<u64>> + Send>>;

impl Sender {
    /// Connects to a node.
    ///
    /// # Errors
    /// When nobody answers or `secret` is none.
    pub async fn connect(url: &str, secret: &str) -> Result<Self> {
        let client =
            OnlineClient::from_insecure_url(url).await.context("the sender cannot reach the node")?;
        let account = Account::from_secret(secret)?;
        let at = client.at_current_block().await?;
        let nonce = at.transactions().account_nonce(&subxt::utils::AccountId32(account.id().into())).await?;
        let request = Value::named_composite([
            ("shard", Value::from_bytes([0; 32])),
            ("cyphertext", Value::from_bytes([])),
        ]);
        let empty = dynamic::transaction(enclave_bridge::PALLET, enclave_bridge::INVOKE, vec![request]);
        let invoke = at.transactions().call_data(&empty)?.into_iter().take(2).collect();
        Ok(Self { client, account, nonce, invoke })
    }

    /// The account that pays.
    pub fn id(&self) -> AccountId32 {
        self.account.id()
    }

    /// An invocation as a call within a batch.
    pub fn invocation(&self, shard: ShardIdentifier, cyphertext: &[u8]) -> Vec<u8> {
        [&self.invoke[..], shard.as_bytes(), &cyphertext.encode()].concat()
    }

    /// Sends `calls` as one batch that goes on when one of them fails. The inner result is the node's: why it does
    /// not take the extrinsic, or when it is in a final block.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn send_batch(&mut self, calls: &[Vec<u8>]) -> Result<Result<Inclusion, String>> {
        let mut fields = Compact(u32::try_from(calls.len())?).encode();
        calls.iter().for_each(|call| fields.extend_from_slice(call));
        self.send(&StaticPayload::new(utility::PALLET, utility::FORCE_BATCH, Fields(fields))).await
    }

    /// Sends an invocation by itself: where a block has no room for it, it waits for one that has. Returns as
    /// [`send_batch`](Self::send_batch).
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn send_invocation(
        &mut self,
        shard: ShardIdentifier,
        cyphertext: &[u8],
    ) -> Result<Result<Inclusion, String>> {
        let fields = Fields((shard, cyphertext).encode());
        self.send(&StaticPayload::new(enclave_bridge::PALLET, enclave_bridge::INVOKE, fields)).await
    }

    /// Moves `amount` to `to`, and waits until that is final.
    ///
    /// # Errors
    /// When the node does not take it.
    pub async fn transfer(&mut self, to: &AccountId32, amount: u128) -> Result<u64> {
        let to = Value::unnamed_variant("Id", [Value::from_bytes(AsRef::<[u8; 32]>::as_ref(to))]);
        let call: DynamicPayload<_> =
            dynamic::transaction("Balances", "transfer_keep_alive", vec![to, Value::u128(amount)]);
        self.send(&call).await?.map_err(anyhow::Error::msg)?.await
    }

    async fn send(&mut self, call: &impl subxt::transactions::Payload) -> Result<Result<Inclusion, String>> {
        let at = self.client.at_current_block().await?;
        let mut transactions = at.transactions();
        let parameters = PolkadotExtrinsicParamsBuilder::new().nonce(self.nonce).build();
        let signed = transactions.create_signed(call, &self.account, parameters).await?;
        let mut progress = match signed.submit_and_watch().await {
            Ok(progress) => progress,
            Err(ExtrinsicError::ErrorSubmittingTransaction(refused)) => {
                return Ok(Err(format!("{refused:?}")));
            }
            Err(other) => return Err(other.into()),
        };
        // Some nodes refuse at once, and others in what they tell first.
        match progress.next().await.context("the node tells nothing of the extrinsic")?? {
            TransactionStatus::Error { message }
            | TransactionStatus::Invalid { message }
            | TransactionStatus::Dropped { message } => return Ok(Err(message)),
            TransactionStatus::InFinalizedBlock(_) => anyhow::bail!("final before it was taken"),
            TransactionStatus::Validated
            | TransactionStatus::Broadcasted
            | TransactionStatus::InBestBlock(_)
            | TransactionStatus::NoLongerInBestBlock => {}
        }
        self.nonce = self.nonce.saturating_add(1);
        Ok(Ok(Box::pin(async move {
            let block = progress.wait_for_finalized().await?;
            Ok(block.at().await?.block_number())
        })))
    }
}

/// The fields of a call, encoded already: a batch of megabytes would be gigabytes as values.
struct Fields(Vec<u8>);

impl EncodeAsFields for Fields {
    fn encode_as_fields_to<R: TypeResolver>(
        &self,
        _fields: &mut dyn FieldIter<'_, R::TypeId>,
        _types: &R,
        out: &mut Vec<u8>,
    ) -> Result<(), scale_encode::Error> {
        out.extend_from_slice(&self.0);
        Ok(())
    }
}
