// SPDX-License-Identifier: Apache-2.0
//! What a worker tells an account of its own operations, over its permit (wire.md, "Results").

use super::{GETTER_LIFETIME, Worker, WorkerError, malformed};
use crate::account::Account;
use codec::{Decode, Encode};
use offstage_light_client::BlockId;
use offstage_primitives::{
    H256,
    bounded::decode_bounded,
    read::{Permit, permit_payload},
    result::{HistoryAnswer, HistoryRequest, MAX_EVENTS_LEN, ProvenResult, ResultAnswer, ResultRequest},
    rpc::Method,
    trusted::Domain,
};
use serde_json::json;

impl Worker {
    /// `offstage_getResult`: what `owner` may learn of its operation. `None` when the worker does not know it (yet), it
    /// is another's, or too long ago. It is a claim until it fits its receipt and that the root on chain:
    /// [`result_of`](crate::workflow::result_of).
    ///
    /// # Errors
    /// [`WorkerError`].
    pub async fn result(
        &mut self,
        operation: H256,
        owner: &Account,
    ) -> Result<Option<ProvenResult>, WorkerError> {
        let request = ResultRequest { shard: self.identity.shard(), operation, permit: self.permit(owner) };
        let ResultAnswer { result, block } =
            self.ask_long(Method::OperationResult, &request, MAX_RESULT_LEN).await?;
        let block = BlockId { number: block.number, hash: block.hash };
        self.freshness.check(block, self.identity.verified_block())?;
        Ok(result)
    }

    /// `offstage_getHistory`: a stretch of the operations of `owner`, newest first, in blocks before the one with the
    /// number `before`.
    ///
    /// # Errors
    /// [`WorkerError`].
    pub async fn history(
        &mut self,
        owner: &Account,
        before: Option<u32>,
    ) -> Result<HistoryAnswer, WorkerError> {
        let request = HistoryRequest { shard: self.identity.shard(), permit: self.permit(owner), before };
        self.ask_long(Method::History, &request, MAX_HISTORY_LEN).await
    }

    /// Shows that the account itself asks: good for [`GETTER_LIFETIME`] blocks after the worker was verified.
    pub(super) fn permit(&self, asker: &Account) -> Permit {
        let expires = self.identity.verified_at().saturating_add(GETTER_LIFETIME);
        let Domain { genesis_hash, shard, .. } = self.identity.domain();
        let payload = permit_payload(&asker.id(), expires, &genesis_hash, &shard);
        Permit { account: asker.id(), expires, signature: Account::sign(asker, &payload) }
    }

    async fn ask_long<T: Decode>(
        &mut self,
        method: Method,
        request: &impl Encode,
        most: usize,
    ) -> Result<T, WorkerError> {
        // Not encrypted: it travels in TLS that ends in the enclave.
        let parameter = format!("0x{}", hex::encode(request.encode()));
        let value = self.channel.call(method, json!([parameter])).await?;
        decode_bounded(&value, most).map_err(|_| malformed(method))
    }
}

/// The longest result that is decoded, in bytes: its events, its receipt and the rest.
const MAX_RESULT_LEN: usize = MAX_EVENTS_LEN * 2 + 16 * 1024;

/// The longest stretch of a history that is decoded, in bytes.
const MAX_HISTORY_LEN: usize = 4 * 1024 * 1024;
