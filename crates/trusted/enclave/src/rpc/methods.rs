// SPDX-License-Identifier: Apache-2.0
//! The methods: from a call's parameters to the answer. Which there are is in [`offstage_primitives::rpc::Method`].
//!
//! Parameters are an array; the result is `0x` and the hexadecimal form of a SCALE-encoded
//! [`RpcReturnValue`].
//!
//! # Attacks
//! - Direct invocation is refused whatever is inside (threat model C6): an operation that reached one worker only
//!   would make the shard's workers disagree. Operations go through the parentchain.
//! - A flood of calls that are no good, or ask for the same (C14): the parameters are read before anything is made, in
//!   [`Query::read`]; what does not change is made once; and each call costs its share of a budget, [`Query::work`].

use super::{RpcLimits, json::ErrorObject};
use crate::view::{View, ViewError};
use codec::{Decode, Encode};
use offstage_attestation::x509;
use offstage_primitives::{
    H256, ShardIdentifier,
    bounded::decode_bounded,
    enclave_bridge::Request,
    read::ReadRequest,
    result::{HistoryRequest, ResultAnswer, ResultRequest},
    rpc::{GetterAnswer, Method, Parameters, Phase, RpcReturnValue, WorkerStatus},
    shielding::ShieldingPublicKey,
    trusted::MAX_OPERATION_LEN,
};
use rustls::pki_types::CertificateDer;
use serde_json::Value;
use std::sync::{Arc, Mutex, OnceLock};
use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};

/// A call whose parameters are good.
pub(super) enum Query {
    Measurement,
    MutualAttestationUrl,
    Shard,
    ShieldingKey,
    UntrustedUrl,
    DirectInvocation,
    GetterAtBlock(Request),
    Evidence,
    History(Box<HistoryRequest>),
    OperationResult(Box<ResultRequest>),
    Read(Box<ReadRequest>),
    Receipt(H256),
    Status,
    Methods,
    Getter(Request),
    Metadata,
    NewestMetadata,
    Health,
    Name,
    Version,
}

impl Query {
    /// Reads a method's name and parameters, and makes nothing.
    pub(super) fn read(method: &str, params: &[Value]) -> Result<Self, ErrorObject> {
        let method = Method::named(method).ok_or_else(ErrorObject::unknown_method)?;
        if method.parameters() == Parameters::Nothing && !params.is_empty() {
            return Err(ErrorObject::invalid_params("this method takes none"));
        }
        Ok(match method {
            Method::Fingerprint => Self::Measurement,
            Method::MutualAttestationUrl => Self::MutualAttestationUrl,
            Method::Shard => Self::Shard,
            Method::ShieldingKey => Self::ShieldingKey,
            Method::UntrustedUrl => Self::UntrustedUrl,
            Method::PendingExtrinsics | Method::SubmitAndWatchExtrinsic | Method::SubmitExtrinsic => {
                Self::DirectInvocation
            }
            Method::GetterAtBlock => Self::GetterAtBlock(request(params, "a request")?),
            Method::Evidence => Self::Evidence,
            Method::History => Self::History(Box::new(request(params, "a request for a history")?)),
            Method::OperationResult => {
                Self::OperationResult(Box::new(request(params, "a request for a result")?))
            }
            Method::Read => Self::Read(Box::new(request(params, "a question")?)),
            Method::Receipt => Self::Receipt(operation(params)?),
            Method::Status => Self::Status,
            Method::Methods => Self::Methods,
            Method::Getter => Self::Getter(request(params, "a request")?),
            Method::Metadata => Self::Metadata,
            Method::NewestMetadata => Self::NewestMetadata,
            Method::Health => Self::Health,
            Method::Name => Self::Name,
            Method::Version => Self::Version,
        })
    }

    /// What the answer costs of the budget of the caller's address. A unit is some 20 microseconds of a core.
    pub(super) fn work(&self) -> u32 {
        match self {
            // A look into the store, a signature to verify.
            Self::GetterAtBlock(_) | Self::Getter(_) | Self::Read(_) | Self::Receipt(_) => 10,
            // The same, and another look.
            Self::OperationResult(_) => 15,
            // Half a megabyte to read and to decrypt.
            Self::History(_) => 100,
            // Some 200 KB to copy and to encrypt.
            Self::Metadata | Self::NewestMetadata => 50,
            // Some 10 KB.
            Self::Evidence => 3,
            Self::Measurement
            | Self::MutualAttestationUrl
            | Self::Shard
            | Self::ShieldingKey
            | Self::UntrustedUrl
            | Self::DirectInvocation
            | Self::Status
            | Self::Methods
            | Self::Health
            | Self::Name
            | Self::Version => 1,
        }
    }
}

/// Answers queries from the view.
pub(super) struct Methods {
    view: Arc<View>,
    getters: Semaphore,
    limits: RpcLimits,
    constants: Constants,
    shielding_key: Memo<ShieldingPublicKey>,
    evidence: Memo<CertificateDer<'static>>,
}

impl Methods {
    pub(super) fn new(view: Arc<View>, limits: RpcLimits) -> Self {
        let constants = Constants::new(&view);
        let getters = Semaphore::new(limits.getters_at_once);
        Self { view, getters, limits, constants, shielding_key: Memo::default(), evidence: Memo::default() }
    }

    /// The hexadecimal answer.
    pub(super) async fn answer(&self, query: Query) -> Arc<str> {
        match query {
            Query::Measurement => self.constants.measurement.clone(),
            Query::MutualAttestationUrl => self.constants.mutual_attestation_url.clone(),
            Query::Shard => self.constants.shard.clone(),
            Query::UntrustedUrl => self.constants.untrusted_url.clone(),
            Query::DirectInvocation => self.constants.no_direct_invocation.clone(),
            Query::Methods => self.constants.methods.clone(),
            Query::Name => self.constants.name.clone(),
            Query::Version => self.constants.version.clone(),
            Query::Metadata => self.metadata(&self.constants.metadata, View::metadata).await,
            Query::NewestMetadata => {
                self.metadata(&self.constants.newest_metadata, View::newest_metadata).await
            }
            Query::ShieldingKey => self.shielding_key(),
            Query::Evidence => self.evidence(),
            Query::Status => text(&RpcReturnValue::ok(self.status())),
            Query::Health => text(&RpcReturnValue::ok(self.health())),
            Query::History(request) => self.history(*request).await,
            Query::OperationResult(request) => self.result(*request).await,
            Query::Read(request) => self.read(*request).await,
            Query::Receipt(operation) => self.receipt(operation).await,
            Query::Getter(request) => self.execute_getter(request, |answer| answer.value.encode()).await,
            Query::GetterAtBlock(request) => self.execute_getter(request, |answer| answer.encode()).await,
        }
    }

    async fn execute_getter(&self, request: Request, encode: fn(GetterAnswer) -> Vec<u8>) -> Arc<str> {
        if let Some(refused) = self.not_here(request.shard) {
            return refused;
        }
        let answer = self.in_turn(move |view| view.execute_getter(&request.cyphertext)).await;
        text(&answer.map_or_else(
            |refused| refused,
            |answer| {
                let value = encode(GetterAnswer { value: answer.value, block: answer.block });
                // These bytes are SCALE already.
                RpcReturnValue { value, ..RpcReturnValue::ok(()) }
            },
        ))
    }

    async fn read(&self, request: ReadRequest) -> Arc<str> {
        if let Some(refused) = self.not_here(request.shard) {
            return refused;
        }
        let ReadRequest { question, permit, .. } = request;
        let answer = self.in_turn(move |view| view.read(&question, permit.as_ref())).await;
        text(&answer.map_or_else(
            |refused| refused,
            |answer| RpcReturnValue::ok(GetterAnswer { value: answer.value, block: answer.block }),
        ))
    }

    async fn result(&self, ResultRequest { shard, operation, permit }: ResultRequest) -> Arc<str> {
        if let Some(refused) = self.not_here(shard) {
            return refused;
        }
        let answer = self.in_turn(move |view| view.result(&operation, &permit)).await;
        text(&answer.map_or_else(
            |refused| refused,
            |answer| RpcReturnValue::ok(ResultAnswer { result: answer.value, block: answer.block }),
        ))
    }

    async fn history(&self, HistoryRequest { shard, permit, before }: HistoryRequest) -> Arc<str> {
        if let Some(refused) = self.not_here(shard) {
            return refused;
        }
        let answer = self.in_turn(move |view| view.history(&permit, before)).await;
        text(&answer.map_or_else(|refused| refused, RpcReturnValue::ok))
    }

    /// The refusal of what is asked about another shard.
    fn not_here(&self, asked: ShardIdentifier) -> Option<Arc<str>> {
        let shard = self.view.identity().shard;
        (asked != shard).then(|| text(&RpcReturnValue::error(format!("this worker serves shard {shard}"))))
    }

    async fn receipt(&self, operation: H256) -> Arc<str> {
        let answer = self.in_turn(move |view| view.receipt(&operation)).await;
        text(&answer.map_or_else(|refused| refused, |answer| RpcReturnValue::ok(answer.value)))
    }

    /// Made when it is first asked for, beside the connections' threads, and kept.
    async fn metadata(&self, kept: &Arc<OnceLock<Arc<str>>>, of: fn(&View) -> Vec<u8>) -> Arc<str> {
        if let Some(metadata) = kept.get() {
            return metadata.clone();
        }
        let (view, metadata) = (self.view.clone(), kept.clone());
        let made = self.take_turn(move || {
            metadata
                .get_or_init(|| {
                    // These bytes are SCALE already.
                    text(&RpcReturnValue { value: of(&view), ..RpcReturnValue::ok(()) })
                })
                .clone()
        });
        made.await.unwrap_or_else(|refused| text(&refused))
    }

    /// Runs what reads the store beside the connections' threads, a few at once.
    async fn in_turn<T: Send + 'static>(
        &self,
        read: impl FnOnce(&View) -> Result<T, ViewError> + Send + 'static,
    ) -> Result<T, RpcReturnValue> {
        let view = self.view.clone();
        self.take_turn(move || read(&view)).await?.map_err(|error| self.refusal(error))
    }

    async fn take_turn<T: Send + 'static>(
        &self,
        make: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, RpcReturnValue> {
        let Ok(Ok(_turn)) = timeout(self.limits.turn, self.getters.acquire()).await else {
            return Err(RpcReturnValue::error("the worker is busy; try again later"));
        };
        spawn_blocking(make).await.map_err(|_| RpcReturnValue::error("the worker could not answer this"))
    }

    fn shielding_key(&self) -> Arc<str> {
        match self.view.shielding_public_key() {
            Ok(answer) => self.shielding_key.text(&answer.value, |key| RpcReturnValue::ok(key.to_json())),
            Err(error) => text(&self.refusal(error)),
        }
    }

    fn evidence(&self) -> Arc<str> {
        let none = || RpcReturnValue::error("the worker has no evidence yet; try again later");
        let certificate = self.view.certificate();
        match certificate.as_ref().and_then(|certificate| certificate.cert.first()) {
            Some(der) => self.evidence.text(der, |der| match x509::evidence(der) {
                Ok(presented) => RpcReturnValue::ok(presented.evidence),
                Err(_) => none(),
            }),
            None => text(&none()),
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
            Phase::Leaving => {
                "taken out of the shard by its operator; ask another worker of the shard".into()
            }
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

/// Answers that are the same for as long as the enclave runs.
struct Constants {
    measurement: Arc<str>,
    mutual_attestation_url: Arc<str>,
    shard: Arc<str>,
    untrusted_url: Arc<str>,
    no_direct_invocation: Arc<str>,
    methods: Arc<str>,
    name: Arc<str>,
    version: Arc<str>,
    /// These two take long to make.
    metadata: Arc<OnceLock<Arc<str>>>,
    newest_metadata: Arc<OnceLock<Arc<str>>>,
}

impl Constants {
    fn new(view: &View) -> Self {
        let identity = view.identity();
        let methods: Vec<&str> = Method::ALL.iter().map(|method| method.name()).collect();
        Self {
            measurement: text(&RpcReturnValue::ok(identity.measurement)),
            mutual_attestation_url: text(&RpcReturnValue::ok(&identity.mutual_attestation_url)),
            shard: text(&RpcReturnValue::ok(identity.shard)),
            untrusted_url: text(&RpcReturnValue::ok(&identity.untrusted_url)),
            no_direct_invocation: text(&RpcReturnValue::error(NO_DIRECT_INVOCATION)),
            methods: text(&RpcReturnValue::ok(methods)),
            name: text(&RpcReturnValue::ok("offstage-enclave")),
            version: text(&RpcReturnValue::ok(env!("CARGO_PKG_VERSION"))),
            metadata: Arc::default(),
            newest_metadata: Arc::default(),
        }
    }
}

/// The answer that was last made, and of what: it is made anew when that has changed.
struct Memo<K>(Mutex<Option<(K, Arc<str>)>>);

impl<K> Default for Memo<K> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<K: Clone + PartialEq> Memo<K> {
    fn text(&self, key: &K, make: impl FnOnce(&K) -> RpcReturnValue) -> Arc<str> {
        let mut made = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some((of, text)) = &*made
            && of == key
        {
            return text.clone();
        }
        let fresh = text(&make(key));
        *made = Some((key.clone(), fresh.clone()));
        fresh
    }
}

fn text(answer: &RpcReturnValue) -> Arc<str> {
    format!("0x{}", hex::encode(answer.encode())).into()
}

fn request<T: Decode>(params: &[Value], what: &str) -> Result<T, ErrorObject> {
    let bytes = single_hex_param(params, MAX_REQUEST_LEN)?;
    decode_bounded(&bytes, MAX_REQUEST_LEN)
        .map_err(|error| ErrorObject::invalid_params(format!("not {what}: {error}")))
}

fn operation(params: &[Value]) -> Result<H256, ErrorObject> {
    let bytes = single_hex_param(params, 32)?;
    let operation = <[u8; 32]>::try_from(bytes);
    operation.map(H256).map_err(|_| ErrorObject::invalid_params("an operation's hash has 32 bytes"))
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

const NO_DIRECT_INVOCATION: &str = "an off-chain worker takes no operations directly; send them through the \
    parentchain with EnclaveBridge.invoke";

/// A shard, a length and a getter, which is no longer than an operation.
pub(super) const MAX_REQUEST_LEN: usize = MAX_OPERATION_LEN + 64;
