// SPDX-License-Identifier: Apache-2.0
//! Talking to the enclave: one method a question, with the type of its answer.
//!
//! A thread of its own owns the stream, so that an answer may take a minute while everything else goes on. What can be
//! known without an answer, whether the process runs and since when it works, is in [`Vitals`].

mod process;

use anyhow::{Context, Result};
use offstage_primitives::{BlockHash, H256, Measurement};
use offstage_protocol::{
    BlockBundle, EnclaveResponse, HostRequest, Identity, OutboxExtrinsic, Refusal, RefusalCode, Start,
    Started, Status, Untrusted,
    framing::{read_frame, write_frame},
};
use process::Process;
use std::{
    io::{BufReader, BufWriter},
    os::unix::net::UnixStream,
    path::Path,
    process::ExitCode,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::{mpsc, oneshot};

/// What the enclave's program says of its own measurement (base58). It needs no data folder and makes none.
///
/// # Errors
/// When it cannot be started, or does not know the question.
pub async fn measurement(binary: &Path) -> Result<Measurement> {
    let output = tokio::process::Command::new(binary)
        .arg("measurement")
        .stdin(std::process::Stdio::null())
        .output()
        .await
        .with_context(|| format!("cannot start the enclave {}", binary.display()))?;
    let told = String::from_utf8_lossy(&output.stdout).trim().parse().ok();
    told.filter(|_| output.status.success()).with_context(|| {
        format!(
            "the enclave {} does not say its measurement ({}): is it an enclave of this version?",
            binary.display(),
            output.status
        )
    })
}

/// Lets the enclave's program look at every record of the store in this folder. What it finds it prints itself.
///
/// # Errors
/// When it cannot be started.
pub async fn verify_store(binary: &Path, data_dir: &Path) -> Result<ExitCode> {
    let status = tokio::process::Command::new(binary)
        .args(["verify-store", "--data-dir"])
        .arg(data_dir)
        .stdin(std::process::Stdio::null())
        .status()
        .await
        .with_context(|| format!("cannot start the enclave {}", binary.display()))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Tells the enclave's program to open the store that is there, and to make none.
pub const EXISTING: &str = "--existing";

/// A running enclave and the stream to it.
pub struct Enclave {
    /// None where a test speaks for the enclave.
    process: Option<Process>,
    requests: mpsc::Sender<Exchange>,
    vitals: Vitals,
}

/// A request and where its answer goes.
struct Exchange {
    request: HostRequest,
    answer: oneshot::Sender<Result<EnclaveResponse>>,
}

impl Enclave {
    /// Starts the process with these further arguments and waits until it has connected.
    ///
    /// # Errors
    /// When it cannot be started, or ends or stays silent before it connects.
    pub async fn spawn(binary: &Path, data_dir: &Path, limits: &[String]) -> Result<Self> {
        let vitals = Vitals::default();
        let (process, stream) = Process::spawn(binary, data_dir, limits, vitals.clone()).await?;
        Self::over(stream, Some(process), vitals)
    }

    fn over(stream: UnixStream, process: Option<Process>, vitals: Vitals) -> Result<Self> {
        let (requests, queue) = mpsc::channel(1);
        let writer = stream.try_clone().context("cannot use the stream to the enclave")?;
        let noted = vitals.clone();
        std::thread::Builder::new()
            .name("enclave-stream".into())
            .spawn(move || {
                converse(queue, &mut BufReader::new(stream), &mut BufWriter::new(writer), &noted);
                noted.note_end();
            })
            .context("cannot start a thread for the enclave's stream")?;
        Ok(Self { process, requests, vitals })
    }

    /// An enclave that a test plays at the other end of the stream.
    #[cfg(test)]
    pub(crate) fn played(stream: UnixStream) -> Self {
        Self::over(stream, None, Vitals::default()).unwrap()
    }

    /// What can be known of it at any time.
    pub fn vitals(&self) -> Vitals {
        self.vitals.clone()
    }

    /// Hands over what it starts with.
    ///
    /// # Errors
    /// [`Refused`] when the enclave refuses; [`EnclaveGone`] when the process ended. So have all questions.
    pub async fn start(&self, start: Start) -> Result<Started> {
        self.ask(HostRequest::Start(Box::new(start)), |answer| match answer {
            EnclaveResponse::Started(started) => Some(*started),
            _ => None,
        })
        .await
    }

    /// Who it is.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn identify(&self) -> Result<Identity> {
        self.ask(HostRequest::Identify, |answer| match answer {
            EnclaveResponse::Identified(identity) => Some(*identity),
            _ => None,
        })
        .await
    }

    /// What it wants to be submitted, and how far it is.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn collect(&self) -> Result<(Vec<OutboxExtrinsic>, Status)> {
        self.ask(HostRequest::Collect, |answer| match answer {
            EnclaveResponse::Collected { extrinsics, status } => Some((extrinsics, *status)),
            _ => None,
        })
        .await
    }

    /// How far it is.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn status(&self) -> Result<Status> {
        self.tell(HostRequest::Status).await
    }

    /// Hands over headers, each in its SCALE encoding.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn import_headers(&self, headers: Vec<Vec<u8>>) -> Result<Status> {
        self.tell(HostRequest::ImportHeaders(headers.into_iter().map(Untrusted::new).collect())).await
    }

    /// Hands over a justification.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn import_justification(&self, justification: Vec<u8>) -> Result<Status> {
        self.tell(HostRequest::ImportJustification(Untrusted::new(justification))).await
    }

    /// Hands over the next block.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn import_block(&self, bundle: BlockBundle) -> Result<Status> {
        self.tell(HostRequest::ImportBlock(Box::new(bundle))).await
    }

    /// Hands over the runtime code that it asked for.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn import_runtime_code(&self, code: Vec<u8>) -> Result<Status> {
        self.tell(HostRequest::ImportRuntimeCode(Untrusted::new(code))).await
    }

    /// Lets it ask the peer at this address for the shielding key.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn request_shielding_key(&self, url: String) -> Result<Status> {
        self.tell(HostRequest::RequestShieldingKey(Untrusted::new(url))).await
    }

    /// Tells it that this is the newest final block.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn at_finalized_head(&self, head: BlockHash) -> Result<Status> {
        self.tell(HostRequest::AtFinalizedHead(Untrusted::new(head))).await
    }

    /// Tells it that the node has banned the extrinsic with this blake2-256 hash.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn note_banned(&self, hash: H256) -> Result<Status> {
        self.tell(HostRequest::NoteBanned(Untrusted::new(hash))).await
    }

    /// Lets it finish what is under way, and waits for its end; kills it when it takes too long, which loses nothing.
    pub async fn shut_down(&self) {
        let _ = tokio::time::timeout(SHUTDOWN_TIMEOUT, self.tell(HostRequest::Shutdown)).await;
        if let Some(process) = &self.process
            && process.end_within(SHUTDOWN_TIMEOUT).await.is_none()
        {
            tracing::warn!("the enclave does not end by itself; it is killed");
        }
    }

    async fn tell(&self, request: HostRequest) -> Result<Status> {
        self.ask(request, |answer| match answer {
            EnclaveResponse::Done(status) => Some(*status),
            _ => None,
        })
        .await
    }

    async fn ask<T>(
        &self,
        request: HostRequest,
        expected: impl FnOnce(EnclaveResponse) -> Option<T>,
    ) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        if self.requests.send(Exchange { request, answer }).await.is_err() {
            return Err(self.gone().await);
        }
        match answered.await {
            Ok(Ok(EnclaveResponse::Refused(refusal))) => Err(Refused(refusal).into()),
            Ok(Ok(response)) => expected(response).context(
                "the enclave's answer does not fit the question; host and enclave are of different versions",
            ),
            Ok(Err(error)) => Err(self.gone().await.context(error)),
            Err(_) => Err(self.gone().await),
        }
    }

    async fn gone(&self) -> anyhow::Error {
        let reason = match &self.process {
            Some(process) => process.end_within(Duration::from_secs(2)).await,
            None => None,
        };
        EnclaveGone(reason.unwrap_or_else(|| "it closed the stream without ending".into())).into()
    }
}

/// What can be known of an enclave without waiting for an answer.
#[derive(Clone, Default)]
pub struct Vitals(Arc<Signs>);

#[derive(Default)]
struct Signs {
    ended: AtomicBool,
    busy_since: Mutex<Option<Instant>>,
    answered: Mutex<Option<Instant>>,
}

impl Vitals {
    /// Whether the process runs and its stream is open.
    pub fn is_running(&self) -> bool {
        !self.0.ended.load(Ordering::Relaxed)
    }

    /// For how long it has been working on one request; `None` when it waits for the next.
    pub fn busy_for(&self) -> Option<Duration> {
        self.0.busy_since.lock().ok().and_then(|since| since.map(|since| since.elapsed()))
    }

    /// When it last answered; `None` before its first answer.
    pub fn answered(&self) -> Option<Instant> {
        self.0.answered.lock().ok().and_then(|answered| *answered)
    }

    fn note_answer(&self) {
        if let Ok(mut answered) = self.0.answered.lock() {
            *answered = Some(Instant::now());
        }
    }

    fn note_end(&self) {
        self.0.ended.store(true, Ordering::Relaxed);
    }

    fn note_work(&self, since: Option<Instant>) {
        if let Ok(mut busy_since) = self.0.busy_since.lock() {
            *busy_since = since;
        }
    }
}

/// The enclave process ended or hangs.
#[derive(Debug, thiserror::Error)]
#[error("the enclave stopped: {0}")]
pub struct EnclaveGone(String);

/// The enclave refused a request.
#[derive(Debug, thiserror::Error)]
#[error("the enclave refused: {}", .0.message)]
pub struct Refused(pub Refusal);

impl Refused {
    /// The refusal in an error, if it is one with such a code.
    pub fn with(error: &anyhow::Error, is: impl FnOnce(RefusalCode) -> bool) -> Option<&Refusal> {
        error.downcast_ref::<Self>().map(|refused| &refused.0).filter(|refusal| is(refusal.code))
    }
}

/// Owns the stream: one request, one answer, in order, until either side ends.
fn converse(
    mut queue: mpsc::Receiver<Exchange>,
    reader: &mut impl std::io::Read,
    writer: &mut impl std::io::Write,
    vitals: &Vitals,
) {
    while let Some(Exchange { request, answer }) = queue.blocking_recv() {
        vitals.note_work(Some(Instant::now()));
        let outcome = write_frame(writer, &request)
            .and_then(|()| read_frame(reader))
            .map_err(anyhow::Error::from)
            .and_then(|response| response.context("the stream between host and enclave was closed"));
        vitals.note_work(None);
        let failed = outcome.is_err();
        if !failed {
            vitals.note_answer();
        }
        let _ = answer.send(outcome);
        if failed {
            return;
        }
    }
}

const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);
