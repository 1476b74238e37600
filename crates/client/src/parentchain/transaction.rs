// SPDX-License-Identifier: Apache-2.0
//! Signed extrinsics, from the call to the final block.

use super::{Parentchain, ParentchainError, innermost};
use crate::{
    account::Account,
    progress::{Milestone, Observer, Stage},
};
use offstage_light_client::Phase;
use offstage_primitives::{
    AccountId32, BlockHash, H256,
    chain::{argument, balances, system, utility},
};
use sp_crypto_hashing::blake2_256;
use subxt::{
    Metadata, PolkadotConfig,
    config::PolkadotExtrinsicParamsBuilder,
    dynamic::Value,
    error::{BackendError, ExtrinsicError, RpcError, TransactionEventsError},
    ext::{frame_decode::extrinsics::encode_call_data, scale_value::Composite},
    rpcs,
    transactions::{DynamicPayload, Signer, TransactionStatus, dynamic},
    utils,
};

/// A call of the parentchain, by names; what it means in bytes is decided by the chain's metadata when it is sent.
pub struct Call(DynamicPayload<Composite<()>>);

impl Call {
    /// The call `pallet.name` with named arguments.
    pub fn new<const N: usize>(pallet: &str, name: &str, arguments: [(&str, Value); N]) -> Self {
        Self(dynamic(pallet, name, Composite::named(arguments)))
    }

    /// Moves `amount` to `to`, even if nothing remains on the sender's account.
    pub fn transfer(to: &AccountId32, amount: u128) -> Self {
        let to = Value::unnamed_variant("Id", [bytes(to.as_ref())]);
        let arguments = [("dest", to), ("value", Value::u128(amount))];
        Self::new(balances::PALLET, balances::TRANSFER_ALLOW_DEATH, arguments)
    }

    /// All of `calls`, or none when one of them fails.
    pub fn all(calls: Vec<Self>) -> Self {
        let calls = Value::unnamed_composite(calls.into_iter().map(|call| call.0.into_value()));
        Self::new(utility::PALLET, utility::BATCH_ALL, [(argument::CALLS, calls)])
    }

    /// The bytes of the call by a chain's metadata.
    ///
    /// # Errors
    /// When the chain has no such call, or one with other arguments.
    pub fn encode(&self, metadata: &Metadata) -> Result<Vec<u8>, ParentchainError> {
        encode_call_data(
            self.0.pallet_name(),
            self.0.call_name(),
            self.0.call_data(),
            metadata,
            metadata.types(),
        )
        .map_err(|error| ParentchainError::Rejected { reason: innermost(&error) })
    }
}

/// A byte string as an argument of a call.
pub(crate) fn bytes(bytes: &[u8]) -> Value {
    Value::from_bytes(bytes)
}

/// Where the chain holds a transaction that succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Included {
    /// Hash of the transaction.
    pub extrinsic_hash: H256,
    /// Hash of the final block.
    pub block_hash: BlockHash,
    /// Number of the final block.
    pub block_number: u64,
    /// Position of the transaction in the block.
    pub extrinsic_index: u32,
}

impl Parentchain {
    /// Signs `call` as `signer`, submits it and waits until it is in a final block, where it must have succeeded.
    ///
    /// The nonce counts what the node's pool holds, so that several transactions of one account may be under way. The
    /// transaction dies after [`LIFETIME`] blocks.
    ///
    /// # Errors
    /// - [`ParentchainError::Rejected`] when the node does not take it;
    /// - [`ParentchainError::Lost`] when it never becomes final;
    /// - [`ParentchainError::Failed`] when it is final, but what it asked for was not done.
    pub async fn send(
        &self,
        call: &Call,
        signer: &Account,
        observer: &dyn Observer,
    ) -> Result<Included, ParentchainError> {
        observer.waiting_for(Stage::Submission);
        let rejected = |error: &(dyn std::error::Error + 'static)| ParentchainError::Rejected {
            reason: innermost(error),
        };
        let account: utils::AccountId32 = Signer::<PolkadotConfig>::account_id(signer);
        let nonce = self
            .0
            .node
            .methods()
            .system_account_next_index(&account)
            .await
            .map_err(|error| ParentchainError::read("the signing account's nonce", &error))?;
        let parameters = PolkadotExtrinsicParamsBuilder::new().mortal(LIFETIME).nonce(nonce).build();
        // By the proven runtime, so that no node can have another call signed.
        let runtime = self.runtime_at(&self.tip().await?).await?;
        let at = self.api_by(&runtime).await?.at_current_block().await;
        let at = at.map_err(|error| ParentchainError::read("the newest final block", &error))?;
        let transactions = at.transactions();
        let mut signable = transactions
            .create_signable(&call.0, &account, parameters)
            .await
            .map_err(|error| rejected(&error))?;
        let signed = signable.sign(signer).map_err(|error| rejected(&error))?;
        let mut progress = signed
            .submit_and_watch()
            .await
            .map_err(|error| ParentchainError::Rejected { reason: refusal(&error) })?;
        let extrinsic_hash = H256(progress.extrinsic_hash().0);
        observer.reached(&Milestone::Submitted { extrinsic_hash });

        observer.waiting_for(Stage::Inclusion);
        let lost = |reason: String| ParentchainError::Lost { reason };
        let block = loop {
            let status = progress
                .next()
                .await
                .ok_or_else(|| lost("the node ended the subscription".to_owned()))?
                .map_err(|error| lost(innermost(&error)))?;
            match status {
                TransactionStatus::Validated | TransactionStatus::Broadcasted => {}
                TransactionStatus::NoLongerInBestBlock => observer.waiting_for(Stage::Inclusion),
                TransactionStatus::InBestBlock(block) => {
                    observer.reached(&Milestone::InBlock { block_hash: block.block_hash().0.into() });
                    observer.waiting_for(Stage::Finality);
                }
                TransactionStatus::InFinalizedBlock(block) => break block,
                TransactionStatus::Error { message }
                | TransactionStatus::Invalid { message }
                | TransactionStatus::Dropped { message } => return Err(lost(message)),
            }
        };
        let at =
            block.at().await.map_err(|error| ParentchainError::read("the transaction's block", &error))?;
        let number = u32::try_from(at.block_number()).unwrap_or(u32::MAX);
        let block_hash = block.block_hash().0.into();
        let (extrinsic_index, is_success) = self.outcome(number, block_hash, extrinsic_hash).await?;
        if !is_success {
            // That it failed is proven, why is the node's word.
            let reason = match block.wait_for_success().await {
                Err(TransactionEventsError::ExtrinsicFailed(error)) => error.to_string(),
                _ => "the node does not say why".to_owned(),
            };
            return Err(ParentchainError::Failed { reason });
        }
        let included = Included { extrinsic_hash, block_hash, block_number: number.into(), extrinsic_index };
        observer.reached(&Milestone::Final {
            block_hash: included.block_hash,
            block_number: included.block_number,
        });
        Ok(included)
    }

    /// Position of a transaction in a block, which must be final and hold it, and whether it succeeded there. All of
    /// it is proven.
    pub(super) async fn outcome(
        &self,
        number: u32,
        hash: BlockHash,
        extrinsic_hash: H256,
    ) -> Result<(u32, bool), ParentchainError> {
        let unproven = |reason: &str| ParentchainError::Unproven {
            what: format!("place of the transaction in block {number}"),
            reason: reason.to_owned(),
        };
        // A node tells its watchers of a final block a moment before it has the justification.
        let mut heads = self.0.node.finalized_heads().await?;
        let block = loop {
            match self.final_block(number).await? {
                Some(block) => break block,
                None => match heads.next().await {
                    Some(Ok(_)) => {}
                    _ => return Err(unproven("the node does not show that the block is final")),
                },
            }
        };
        if block.id().hash != hash {
            return Err(unproven("another block is final there"));
        }
        let runtime = self.runtime_of(&block).await?;
        let body = self.0.node.body(hash).await?;
        block.check_body(runtime.verified(), &body).map_err(|error| unproven(&error.to_string()))?;
        let is_it = |extrinsic: &Vec<u8>| H256(blake2_256(extrinsic)) == extrinsic_hash;
        let index = body.iter().position(is_it).and_then(|index| u32::try_from(index).ok());
        let index = index.ok_or_else(|| unproven("the block does not hold it"))?;
        let (events, _) = self.events(&block, &runtime).await?;
        let of_it = events.iter().filter(|event| event.phase == Phase::ApplyExtrinsic(index));
        let is_success = of_it.clone().any(|event| event.is(system::PALLET, system::EXTRINSIC_SUCCESS));
        Ok((index, is_success))
    }
}

/// Why a node does not take a transaction. Nodes put the reason into the data of the error, beside a message that is
/// always the same.
fn refusal(error: &ExtrinsicError) -> String {
    if let ExtrinsicError::ErrorSubmittingTransaction(BackendError::Rpc(RpcError::ClientError(
        rpcs::Error::User(answer),
    ))) = error
    {
        let reason = answer.data.as_ref().map(|data| data.get());
        return match reason.and_then(|reason| serde_json::from_str::<String>(reason).ok()) {
            Some(reason) => format!("{}: {reason}", answer.message),
            None => answer.message.clone(),
        };
    }
    innermost(error)
}

/// For how many blocks a transaction may wait for its inclusion. A power of two, as mortal eras are.
pub const LIFETIME: u64 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_tells_the_nodes_reason() {
        let answer: rpcs::UserError = serde_json::from_str(
            r#"{"code":1010,"message":"Invalid Transaction","data":"Inability to pay some fees"}"#,
        )
        .unwrap();
        let error = ExtrinsicError::ErrorSubmittingTransaction(rpcs::Error::User(answer).into());
        assert_eq!(refusal(&error), "Invalid Transaction: Inability to pay some fees");
        let rejected = ParentchainError::Rejected { reason: refusal(&error) };
        assert!(rejected.hint().is_some());
        let broken = ExtrinsicError::ErrorSubmittingTransaction(RpcError::SubscriptionDropped.into());
        assert_eq!(refusal(&broken), "subscription dropped.");
    }

    #[test]
    fn a_batch_holds_its_calls_by_name() {
        let call = Call::all(vec![Call::transfer(&AccountId32::new([1; 32]), 5)]);
        let text = call.0.into_value().to_string();
        assert!(text.contains("batch_all") && text.contains("transfer_allow_death"), "{text}");
    }
}
