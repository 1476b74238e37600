// SPDX-License-Identifier: Apache-2.0
//! The methods: from a call's parameters to the answer. Which there are is in [`offstage_primitives::rpc::Method`].
//!
//! Parameters are an array; the result is `0x` and the hexadecimal form of a SCALE-encoded
//! [`RpcReturnValue`]. Methods of the author's own ([`OwnMethods`]) take what serde reads and answer in JSON.
//!
//! # Attacks
//! - Direct invocation is refused whatever is inside (threat model C6): an operation that reached one worker only
//!   would make the shard's workers disagree. Operations go through the parentchain.
//! - A flood of calls that are no good, or ask for the same (C14): the parameters are read before anything is made, in
//!   [`Query::read`]; what does not change is made once; and each call costs its share of a budget, [`Query::work`].

use super::{RpcLimits, json::ErrorObject};
use crate::{
    answers::MethodCall,
    methods::{OwnMethodError, OwnMethods},
    view::{Answer, View, ViewError},
};
use codec::{Decode, Encode};
use offstage_attestation::x509;
use offstage_primitives::{
    H256, ShardIdentifier,
    bounded::decode_bounded,
    enclave_bridge::Request,
    read::{Permit, ReadRequest},
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
    Own(Box<MethodCall>),
}

impl Query {
    /// Reads a method's name and parameters, and makes nothing. What a method of the author's own takes is read when it
    /// runs.
    pub(super) fn read(method: &str, params: Value, own: &OwnMethods) -> Result<Self, ErrorObject> {
        // The protocol's names come first: no own method stands for one of them.
        let Some(method) = Method::named(method) else {
            return own_call(method, params, None, own);
        };
        let Value::Array(params) = &params else {
            return Err(ErrorObject::invalid_params("give them as an array"));
        };
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
            Method::WithPermit => with_permit(params, own)?,
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
            // A look into the store, a signature to verify. What else a method of the author's own does is its author's
            // to bound, as with view functions.
            Self::GetterAtBlock(_) | Self::Getter(_) | Self::Read(_) | Self::Receipt(_) | Self::Own(_) => 10,
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

    /// The methods of the author's own.
    pub(super) fn own(&self) -> &OwnMethods {
        self.view.methods()
    }

    /// The answer, in JSON.
    pub(super) async fn answer(&self, query: Query) -> Result<Arc<str>, ErrorObject> {
        Ok(match query {
            Query::Own(call) => return self.own_answer(*call).await,
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
        })
    }

    async fn own_answer(&self, call: MethodCall) -> Result<Arc<str>, ErrorObject> {
        let answered = self.in_turn(move |view| view.call_method(&call)).await;
        let Answer { value, block } = answered.map_err(ErrorObject::not_now)?;
        let failed = |reason: &str| Err(ErrorObject::method_failed(reason));
        match value {
            Ok(value) => {
                let (number, hash) = (block.number, hex::encode(block.hash));
                Ok(format!(r#"{{"value":{value},"block":{{"number":{number},"hash":"0x{hash}"}}}}"#).into())
            }
            Err(OwnMethodError::Parameters) => Err(ErrorObject::invalid_params(
                "they are not those of this method; its author says which they are",
            )),
            Err(OwnMethodError::Permit) => {
                failed("the permit is not signed by its account for this shard, or not good at this block")
            }
            Err(OwnMethodError::Refused(reason)) => failed(reason),
            Err(OwnMethodError::TooLong) => failed("the answer is too long; ask for less"),
            Err(OwnMethodError::Failed) => failed("the method failed; ask for something else"),
        }
    }

    async fn execute_getter(&self, request: Request, encode: fn(GetterAnswer) -> Vec<u8>) -> Arc<str> {
        if let Some(refused) = self.not_here(request.shard) {
            return refused;
        }
        let answer = self.in_turn(move |view| view.execute_getter(&request.cyphertext)).await;
        text(&answer.map_or_else(RpcReturnValue::error, |answer| {
            let value = encode(GetterAnswer { value: answer.value, block: answer.block });
            // These bytes are SCALE already.
            RpcReturnValue { value, ..RpcReturnValue::ok(()) }
        }))
    }

    async fn read(&self, request: ReadRequest) -> Arc<str> {
        if let Some(refused) = self.not_here(request.shard) {
            return refused;
        }
        let ReadRequest { question, permit, .. } = request;
        let answer = self.in_turn(move |view| view.read(&question, permit.as_ref())).await;
        text(&answer.map_or_else(RpcReturnValue::error, |answer| {
            RpcReturnValue::ok(GetterAnswer { value: answer.value, block: answer.block })
        }))
    }

    async fn result(&self, ResultRequest { shard, operation, permit }: ResultRequest) -> Arc<str> {
        if let Some(refused) = self.not_here(shard) {
            return refused;
        }
        let answer = self.in_turn(move |view| view.result(&operation, &permit)).await;
        text(&answer.map_or_else(RpcReturnValue::error, |answer| {
            RpcReturnValue::ok(ResultAnswer { result: answer.value, block: answer.block })
        }))
    }

    async fn history(&self, HistoryRequest { shard, permit, before }: HistoryRequest) -> Arc<str> {
        if let Some(refused) = self.not_here(shard) {
            return refused;
        }
        let answer = self.in_turn(move |view| view.history(&permit, before)).await;
        text(&answer.map_or_else(RpcReturnValue::error, RpcReturnValue::ok))
    }

    /// The refusal of what is asked about another shard.
    fn not_here(&self, asked: ShardIdentifier) -> Option<Arc<str>> {
        let shard = self.view.identity().shard;
        (asked != shard).then(|| text(&RpcReturnValue::error(format!("this worker serves shard {shard}"))))
    }

    async fn receipt(&self, operation: H256) -> Arc<str> {
        let answer = self.in_turn(move |view| view.receipt(&operation)).await;
        text(&answer.map_or_else(RpcReturnValue::error, |answer| RpcReturnValue::ok(answer.value)))
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
        made.await.unwrap_or_else(|refused| text(&RpcReturnValue::error(refused)))
    }

    /// Runs what reads the store beside the connections' threads, a few at once; or says why not.
    async fn in_turn<T: Send + 'static>(
        &self,
        read: impl FnOnce(&View) -> Result<T, ViewError> + Send + 'static,
    ) -> Result<T, String> {
        let view = self.view.clone();
        self.take_turn(move || read(&view)).await?.map_err(|error| self.refusal(error))
    }

    async fn take_turn<T: Send + 'static>(
        &self,
        make: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, String> {
        let Ok(Ok(_turn)) = timeout(self.limits.turn, self.getters.acquire()).await else {
            return Err("the worker is busy; try again later".into());
        };
        spawn_blocking(make).await.map_err(|_| "the worker could not answer this".into())
    }

    fn shielding_key(&self) -> Arc<str> {
        match self.view.shielding_public_key() {
            Ok(answer) => self.shielding_key.text(&answer.value, |key| RpcReturnValue::ok(key.to_json())),
            Err(error) => text(&RpcReturnValue::error(self.refusal(error))),
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

    fn refusal(&self, error: ViewError) -> String {
        match error {
            ViewError::NotServing(_) => {
                let health = self.health();
                format!(
                    "the worker does not serve yet ({health}); try again later or ask another worker of the shard"
                )
            }
            error @ ViewError::Store(_) => error.to_string(),
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
        let mut methods: Vec<&str> =
            Method::ALL.iter().map(|method| method.name()).chain(view.methods().names()).collect();
        methods.sort_unstable();
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

/// The answer of a method of the protocol, in JSON.
fn text(answer: &RpcReturnValue) -> Arc<str> {
    format!("\"0x{}\"", hex::encode(answer.encode())).into()
}

fn own_call(
    name: &str,
    params: Value,
    permit: Option<Permit>,
    own: &OwnMethods,
) -> Result<Query, ErrorObject> {
    let name = own.named(name).ok_or_else(ErrorObject::unknown_method)?;
    // As text they take the least room while the call waits for its turn.
    Ok(Query::Own(Box::new(MethodCall { name, parameters: params.to_string(), permit })))
}

fn with_permit(params: &[Value], own: &OwnMethods) -> Result<Query, ErrorObject> {
    let (permit, name, params) = match params {
        [Value::String(permit), Value::String(name)] => (permit, name, Value::Array(Vec::new())),
        [Value::String(permit), Value::String(name), params @ (Value::Array(_) | Value::Object(_))] => {
            (permit, name, params.clone())
        }
        _ => {
            return Err(ErrorObject::invalid_params(
                "this method takes the hex of a permit, a method's name, and its parameters as an array or an object",
            ));
        }
    };
    let permit = decode_bounded(&hex_bytes(permit, MAX_PERMIT_LEN)?, MAX_PERMIT_LEN)
        .map_err(|error| ErrorObject::invalid_params(format!("not a permit: {error}")))?;
    own_call(name, params, Some(permit), own)
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
    hex_bytes(text, max_len)
}

fn hex_bytes(text: &str, max_len: usize) -> Result<Vec<u8>, ErrorObject> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    if digits.len() > max_len.saturating_mul(2) {
        return Err(ErrorObject::invalid_params(format!("more than {max_len} bytes")));
    }
    hex::decode(digits).map_err(|_| ErrorObject::invalid_params("not a hex string"))
}

const NO_DIRECT_INVOCATION: &str = "an off-chain worker takes no operations directly; send them through the \
    parentchain with EnclaveBridge.invoke";

/// An account, a number and the longest signature, with its kind.
const MAX_PERMIT_LEN: usize = 32 + 4 + 1 + 65;

/// A shard, a length and a getter, which is no longer than an operation.
pub(super) const MAX_REQUEST_LEN: usize = MAX_OPERATION_LEN + 64;
