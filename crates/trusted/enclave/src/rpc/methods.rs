// SPDX-License-Identifier: Apache-2.0
//! The methods.
//!
//! Parameters are an array; the result is `0x` and the hexadecimal form of a SCALE-encoded
//! [`RpcReturnValue`], whose `value` is the SCALE encoding that the table names, or a `String` with status `Error`.
//!
//! | method | parameters | value | answered |
//! |---|---|---|---|
//! | `author_getShieldingKey` | | `String`: the JSON form of the key | serving |
//! | `author_getFingerprint` | | `[u8; 32]`: MRENCLAVE | always |
//! | `author_getShard` | | `H256` | always |
//! | `author_getMuRaUrl`, `author_getUntrustedUrl` | | `String` | always |
//! | `state_getMetadata` | | the business logic's `RuntimeMetadataPrefixed` | always |
//! | `state_executeGetter` | hex of `Request` whose `cyphertext` is a bare `Getter` | `Option<Vec<u8>>` | serving |
//! | `offstage_executeGetter` | the same | [`GetterAnswer`]: the value and the block it holds for | serving |
//! | `offstage_getReceipt` | hex of an operation's hash | `Option<Receipt>` | serving |
//! | `offstage_getStatus` | | [`WorkerStatus`] | always |
//! | `offstage_getEvidence` | | `CertificateEvidence` | always |
//! | `rpc_methods` | | `Vec<String>` | always |
//! | `system_name`, `system_version`, `system_health` | | `String` | always |
//! | `author_submitExtrinsic`, `author_submitAndWatchExtrinsic`, `author_pendingExtrinsics` | any | an `Error` | never |
//!
//! Direct invocation is refused whatever is inside (threat model C6): an operation that reached one worker only would make the
//! shard's workers disagree. Operations go through the parentchain.

use super::{RpcLimits, json::ErrorObject};
use crate::view::{View, ViewError};
use codec::{Decode, Encode};
use offstage_attestation::x509;
use offstage_primitives::{
    H256, bounded::decode_bounded, enclave_bridge::Request, rpc::RpcReturnValue, trusted::MAX_OPERATION_LEN,
};
use offstage_protocol::{BlockReference, Phase};
use serde_json::Value;
use std::sync::Arc;
use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};

/// What `offstage_getStatus` answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct WorkerStatus {
    /// What the worker is doing.
    pub phase: Phase,
    /// The last block that it executed.
    pub position: BlockReference,
    /// The newest block that it knows to be final.
    pub finalized: BlockReference,
}

/// What `offstage_executeGetter` answers.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct GetterAnswer {
    /// As in `state_executeGetter`: the SCALE encoding of the value, if there is one.
    pub value: Option<Vec<u8>>,
    /// The block it holds for.
    pub block: BlockReference,
}

/// Answers calls from the view.
pub(super) struct Methods {
    view: Arc<View>,
    getters: Semaphore,
    limits: RpcLimits,
}

impl Methods {
    pub(super) fn new(view: Arc<View>, getters: Semaphore, limits: RpcLimits) -> Self {
        Self { view, getters, limits }
    }

    /// The hexadecimal answer to a call.
    pub(super) async fn call(&self, method: &str, params: &[Value]) -> Result<String, ErrorObject> {
        let answer = match method {
            "state_executeGetter" => self.execute_getter(params, |value, _| value.encode()).await?,
            "offstage_executeGetter" => {
                self.execute_getter(params, |value, block| GetterAnswer { value, block }.encode()).await?
            }
            "offstage_getReceipt" => self.receipt(params).await?,
            "author_submitExtrinsic" | "author_submitAndWatchExtrinsic" | "author_pendingExtrinsics" => {
                RpcReturnValue::error(NO_DIRECT_INVOCATION)
            }
            _ => {
                let answer = self.without_params(method)?;
                if !params.is_empty() {
                    return Err(ErrorObject::invalid_params("this method takes none"));
                }
                answer
            }
        };
        Ok(format!("0x{}", hex::encode(answer.encode())))
    }

    fn without_params(&self, method: &str) -> Result<RpcReturnValue, ErrorObject> {
        let identity = self.view.identity();
        Ok(match method {
            "author_getShieldingKey" => match self.view.shielding_public_key() {
                Ok(answer) => RpcReturnValue::ok(answer.value.to_json()),
                Err(error) => self.refusal(error),
            },
            "author_getFingerprint" => RpcReturnValue::ok(identity.mrenclave),
            "author_getShard" => RpcReturnValue::ok(identity.shard),
            "author_getMuRaUrl" => RpcReturnValue::ok(&identity.mutual_attestation_url),
            "author_getUntrustedUrl" => RpcReturnValue::ok(&identity.untrusted_url),
            // These bytes are SCALE already.
            "state_getMetadata" => RpcReturnValue { value: self.view.metadata(), ..RpcReturnValue::ok(()) },
            "offstage_getStatus" => RpcReturnValue::ok(self.status()),
            "offstage_getEvidence" => self.evidence(),
            "rpc_methods" => RpcReturnValue::ok(METHODS),
            "system_name" => RpcReturnValue::ok("offstage-enclave"),
            "system_version" => RpcReturnValue::ok(env!("CARGO_PKG_VERSION")),
            "system_health" => RpcReturnValue::ok(self.health()),
            _ => return Err(ErrorObject::unknown_method()),
        })
    }

    async fn execute_getter(
        &self,
        params: &[Value],
        encode: fn(Option<Vec<u8>>, BlockReference) -> Vec<u8>,
    ) -> Result<RpcReturnValue, ErrorObject> {
        let bytes = single_hex_param(params, MAX_REQUEST_LEN)?;
        let request: Request = decode_bounded(&bytes, MAX_REQUEST_LEN)
            .map_err(|error| ErrorObject::invalid_params(format!("not a request: {error}")))?;
        let shard = self.view.identity().shard;
        if request.shard != shard {
            return Ok(RpcReturnValue::error(format!("this worker serves shard {shard}")));
        }
        let answer = self.in_turn(move |view| view.execute_getter(&request.cyphertext)).await;
        Ok(answer.map_or_else(
            |refused| refused,
            |answer| RpcReturnValue { value: encode(answer.value, answer.block), ..RpcReturnValue::ok(()) },
        ))
    }

    async fn receipt(&self, params: &[Value]) -> Result<RpcReturnValue, ErrorObject> {
        let bytes = single_hex_param(params, 32)?;
        let operation = <[u8; 32]>::try_from(bytes)
            .map_err(|_| ErrorObject::invalid_params("an operation's hash has 32 bytes"))?;
        let answer = self.in_turn(move |view| view.receipt(&H256(operation))).await;
        Ok(answer.map_or_else(|refused| refused, |answer| RpcReturnValue::ok(answer.value)))
    }

    /// Runs what reads the store beside the connections' threads, a few at once.
    async fn in_turn<T: Send + 'static>(
        &self,
        read: impl FnOnce(&View) -> Result<T, ViewError> + Send + 'static,
    ) -> Result<T, RpcReturnValue> {
        let Ok(Ok(_turn)) = timeout(self.limits.turn, self.getters.acquire()).await else {
            return Err(RpcReturnValue::error("the worker is busy; try again later"));
        };
        let view = self.view.clone();
        match spawn_blocking(move || read(&view)).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(self.refusal(error)),
            Err(_) => Err(RpcReturnValue::error("the worker could not answer this")),
        }
    }

    fn status(&self) -> WorkerStatus {
        let picture = self.view.picture();
        WorkerStatus { phase: picture.phase, position: picture.position, finalized: picture.finalized }
    }

    fn health(&self) -> String {
        let WorkerStatus { phase, position, finalized } = self.status();
        match phase {
            Phase::CatchingUp => {
                format!(
                    "catching up with the parentchain: at block {} of {}",
                    position.number, finalized.number
                )
            }
            Phase::NeedsShieldingKey => "waiting for the shielding key from another worker".into(),
            Phase::AwaitingRegistration => {
                format!("waiting for its registration to be final, at block {}", position.number)
            }
            Phase::Serving => format!("serving, at block {}", position.number),
            Phase::Superseded => "replaced by a later start of the same worker; only a restart helps".into(),
        }
    }

    fn evidence(&self) -> RpcReturnValue {
        let certificate = self.view.certificate();
        let der = certificate.as_ref().and_then(|certificate| certificate.end_entity_cert().ok());
        match der.map(|der| x509::evidence(der)) {
            Some(Ok(presented)) => RpcReturnValue::ok(presented.evidence),
            _ => RpcReturnValue::error("the worker has no evidence yet; try again later"),
        }
    }

    fn refusal(&self, error: ViewError) -> RpcReturnValue {
        match error {
            ViewError::NotServing(_) => {
                let health = self.health();
                RpcReturnValue::error(format!(
                    "the worker does not serve yet ({health}); try again later or ask another worker of the shard"
                ))
            }
            error @ ViewError::Store(_) => RpcReturnValue::error(error.to_string()),
        }
    }
}

pub(super) fn single_hex_param(params: &[Value], max_len: usize) -> Result<Vec<u8>, ErrorObject> {
    let [Value::String(text)] = params else {
        return Err(ErrorObject::invalid_params("this method takes one hex string"));
    };
    let digits = text.strip_prefix("0x").unwrap_or(text);
    if digits.len() > max_len.saturating_mul(2) {
        return Err(ErrorObject::invalid_params(format!("more than {max_len} bytes")));
    }
    hex::decode(digits).map_err(|_| ErrorObject::invalid_params("not a hex string"))
}

const METHODS: &[&str] = &[
    "author_getFingerprint",
    "author_getMuRaUrl",
    "author_getShard",
    "author_getShieldingKey",
    "author_getUntrustedUrl",
    "author_pendingExtrinsics",
    "author_submitAndWatchExtrinsic",
    "author_submitExtrinsic",
    "offstage_executeGetter",
    "offstage_getEvidence",
    "offstage_getReceipt",
    "offstage_getStatus",
    "rpc_methods",
    "state_executeGetter",
    "state_getMetadata",
    "system_health",
    "system_name",
    "system_version",
];

const NO_DIRECT_INVOCATION: &str = "an off-chain worker takes no operations directly; send them through the \
    parentchain with EnclaveBridge.invoke";

/// A shard, a length and a getter, which is no longer than an operation.
pub(super) const MAX_REQUEST_LEN: usize = MAX_OPERATION_LEN + 64;
