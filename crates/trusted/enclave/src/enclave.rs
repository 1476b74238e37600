// SPDX-License-Identifier: Apache-2.0
//! The one owned value, and what it answers.
//!
//! [`Enclave::handle`] takes a request of the host and gives its answer. It is all that happens: there is no task and
//! no timer that changes anything besides. A refused request leaves state and position as they were.
//!
//! # Parts
//! - `running`: a started enclave; `blocks`: how it follows the chain; `duties`: keys, registration, submission.
//! - `registration`: how this start becomes known to the chain, and when it counts.
//! - `leaving`: how an enclave that is taken out removes its registration.
//! - `services`: the listeners for clients and peers.
//! - `phase`: what it is doing and what it tells its operator, as a function of what is known.

mod blocks;
mod duties;
mod leaving;
mod phase;
mod registration;
mod running;
mod services;

use crate::{
    keys::{KeyError, Signer},
    methods::OwnMethods,
    platform::{Platform, PlatformError},
    seal::SealError,
    store::{Keys, Store, StoreError, StoreReport},
};
use offstage_protocol::{Bound, EnclaveResponse, HostRequest, Identity, Refusal, RefusalCode};
use offstage_sdk::StateTransition;
use running::Running;
use std::{path::Path, sync::Arc};

pub use services::ServiceLimits;

/// The trusted program's whole state.
pub struct Enclave<S: StateTransition> {
    platform: Arc<dyn Platform>,
    stage: Stage<S>,
    limits: ServiceLimits,
    methods: Arc<OwnMethods>,
}

enum Stage<S: StateTransition> {
    /// Its store is open; it does not know its chain yet.
    Opened(Box<Store>),
    /// Following a chain.
    Started(Box<Running<S>>),
    /// Between the two, or ended: only a new process helps.
    Ended,
}

impl<S: StateTransition> Enclave<S> {
    /// Opens the sealed store in `data_dir`, or makes it with a new signer.
    ///
    /// # Errors
    /// When the platform or the store fails.
    pub fn open(platform: Box<dyn Platform>, data_dir: &Path) -> Result<Self, OpenError> {
        let platform: Arc<dyn Platform> = platform.into();
        let sealing = platform.sealing_key()?;
        let store = Store::open(&data_dir.join(STORE_FILE), &sealing, || {
            let signer = Signer::generate(&*platform).map_err(|_| StoreError::Cryptography)?;
            Ok(Keys { signer: Arc::new(signer), shielding: None })
        })?;
        Ok(Self::opened(platform, store))
    }

    /// Opens the sealed store that is in `data_dir` for a look, and makes nothing.
    ///
    /// # Errors
    /// When the platform or the store fails, or there is none.
    pub fn open_existing(platform: Box<dyn Platform>, data_dir: &Path) -> Result<Self, OpenError> {
        let platform: Arc<dyn Platform> = platform.into();
        let store = Store::open_existing(&data_dir.join(STORE_FILE), &platform.sealing_key()?)?;
        Ok(Self::opened(platform, store))
    }

    fn opened(platform: Arc<dyn Platform>, store: Store) -> Self {
        let (limits, methods) = (ServiceLimits::default(), Arc::default());
        Self { platform, stage: Stage::Opened(Box::new(store)), limits, methods }
    }

    /// With other limits for clients and peers than the default ones.
    pub fn with_limits(self, limits: ServiceLimits) -> Self {
        Self { limits, ..self }
    }

    /// With RPC methods of the author's own.
    pub fn with_methods(self, methods: Arc<OwnMethods>) -> Self {
        Self { methods, ..self }
    }

    /// Answers a request.
    pub fn handle(&mut self, request: HostRequest) -> EnclaveResponse {
        self.try_handle(request).unwrap_or_else(|refusal| EnclaveResponse::Refused(refusal.into_message()))
    }

    /// Why the process must end, if it must; the next one continues where the last commit was.
    pub fn must_restart(&self) -> Option<Restart> {
        let is_broken = match &self.stage {
            Stage::Opened(store) => store.is_broken(),
            Stage::Started(worker) if worker.progress.former_store_returns => {
                return Some(Restart::FormerStore);
            }
            Stage::Started(worker) => worker.is_broken(),
            Stage::Ended => true,
        };
        is_broken.then_some(Restart::StoreFailed)
    }

    /// What the listeners see; `None` before the start.
    pub fn view(&self) -> Option<Arc<crate::view::View>> {
        match &self.stage {
            Stage::Started(worker) => Some(worker.view()),
            Stage::Opened(_) | Stage::Ended => None,
        }
    }

    fn try_handle(&mut self, request: HostRequest) -> Result<EnclaveResponse, Refused> {
        let request = match (request, &self.stage) {
            (HostRequest::Identify, _) => return self.identify(),
            (HostRequest::Start(start), _) => return self.start(*start),
            (HostRequest::Shutdown, Stage::Opened(_)) => {
                return Err(Refused::conversation("the enclave has not started; end the process"));
            }
            (request, _) => request,
        };
        let Stage::Started(worker) = &mut self.stage else {
            return Err(Refused::conversation("the enclave has not started; send Start first"));
        };
        match request {
            HostRequest::ImportHeaders(headers) => worker.import_headers(headers)?,
            HostRequest::ImportJustification(justification) => {
                worker.import_justification(&justification.unverified())?
            }
            HostRequest::ImportBlock(bundle) => worker.import_block(*bundle)?,
            HostRequest::ImportRuntimeCode(code) => worker.import_runtime_code(&code.unverified())?,
            HostRequest::RequestShieldingKey(url) => worker.request_shielding_key(&url.unverified())?,
            HostRequest::Collect => {
                let extrinsics = worker.collect()?;
                return Ok(EnclaveResponse::Collected { extrinsics, status: Box::new(worker.status()) });
            }
            HostRequest::AtFinalizedHead(head) => worker.at_finalized_head(head.unverified())?,
            HostRequest::NoteBanned(hash) => worker.submissions.note_banned(hash.unverified()),
            HostRequest::Status | HostRequest::Shutdown => {}
            HostRequest::Start(_) | HostRequest::Identify => {
                return Err(Refused::bug("a request was answered twice"));
            }
        }
        Ok(EnclaveResponse::Done(Box::new(worker.status())))
    }

    fn identify(&self) -> Result<EnclaveResponse, Refused> {
        let (keys, head) = match &self.stage {
            Stage::Opened(store) => (store.keys(), store.head()),
            Stage::Started(worker) => (worker.keys(), Some(&worker.head)),
            Stage::Ended => return Err(Refused::conversation("the enclave ended; start a new process")),
        };
        Ok(EnclaveResponse::Identified(Box::new(Identity {
            signer: keys.signer.account(),
            measurement: self.platform.measurement(),
            shielding_key: keys.shielding.as_ref().map(|key| key.public().to_json()),
            bound: head.map(|head| Bound {
                genesis_hash: head.genesis_hash,
                shard: head.shard,
                position: head.position,
            }),
        })))
    }

    fn start(&mut self, start: offstage_protocol::Start) -> Result<EnclaveResponse, Refused> {
        let store = match std::mem::replace(&mut self.stage, Stage::Ended) {
            Stage::Opened(store) => store,
            started_or_ended @ (Stage::Started(_) | Stage::Ended) => {
                self.stage = started_or_ended;
                return Err(Refused::conversation(
                    "the enclave has started already; start a new process for another chain",
                ));
            }
        };
        match Running::start(self.platform.clone(), store, start, &self.limits, &self.methods) {
            Ok((worker, started)) => {
                self.stage = Stage::Started(worker);
                Ok(EnclaveResponse::Started(Box::new(started)))
            }
            Err((store, refused)) => {
                // The host may correct its request and try again.
                self.stage = Stage::Opened(store);
                Err(refused)
            }
        }
    }
}

/// Looks at every record of the store in `data_dir`, without starting. Nothing is made or mended.
///
/// # Errors
/// What is wrong with the platform or with the first record that is not intact.
pub fn verify_store(platform: &dyn Platform, data_dir: &Path) -> Result<StoreReport, OpenError> {
    Ok(Store::open_existing(&data_dir.join(STORE_FILE), &platform.sealing_key()?)?.verify()?)
}

/// Why the process must end and start again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Restart {
    /// The store failed.
    StoreFailed,
    /// A store that was put aside opens with the shard's key, and takes the place of this one.
    FormerStore,
}

/// Why the enclave cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The platform failed.
    #[error(transparent)]
    Platform(#[from] PlatformError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The platform's secret failed.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// Why a request is refused: a stable code and a text for people, which is made of nothing confidential.
#[derive(Debug)]
pub(crate) struct Refused {
    code: RefusalCode,
    message: String,
}

impl Refused {
    pub(crate) fn new(code: RefusalCode, reason: impl ToString) -> Self {
        Self { code, message: reason.to_string() }
    }

    pub(crate) fn conversation(reason: &str) -> Self {
        Self::new(RefusalCode::Conversation, reason)
    }

    pub(crate) fn bug(reason: &str) -> Self {
        Self::new(
            RefusalCode::Bug,
            format_args!("bug in the enclave: {reason}; restart the worker and report it"),
        )
    }

    fn into_message(self) -> Refusal {
        Refusal { code: self.code, message: self.message }
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::new(RefusalCode::Store, error)
    }
}

impl From<KeyError> for Refused {
    fn from(error: KeyError) -> Self {
        Self::new(RefusalCode::Platform, error)
    }
}

impl From<crate::attest::AttestError> for Refused {
    fn from(error: crate::attest::AttestError) -> Self {
        Self::new(RefusalCode::Platform, error)
    }
}

/// The store's file in the data folder.
pub const STORE_FILE: &str = offstage_protocol::files::STORE;
