// SPDX-License-Identifier: Apache-2.0
//! The enclave process: starting it, talking to it, noticing its end.

use anyhow::{Context, Result, anyhow, bail};
use offstage_protocol::{
    EnclaveResponse, HostRequest, Identity, Refusal, Status,
    framing::{read_frame, write_frame},
};
use std::{
    io::{BufReader, BufWriter},
    os::unix::net::UnixListener as StdUnixListener,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{
    net::UnixListener,
    process::{Child, Command},
    sync::{Mutex, mpsc, oneshot},
};

/// A running enclave process and the stream to it.
pub struct Enclave {
    child: Mutex<Child>,
    requests: mpsc::Sender<Exchange>,
    socket: PathBuf,
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
        let socket = socket_path();
        let listener = bind(&socket)?;
        let mut child = Command::new(binary)
            .arg("--socket")
            .arg(&socket)
            .arg("--data-dir")
            .arg(data_dir)
            .args(limits)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start the enclave {}", binary.display()))?;
        let connected = tokio::select! {
            accepted = listener.accept() => Ok(accepted.context("the enclave could not connect to its host")?.0),
            status = child.wait() => Err(ended(status)),
            () = tokio::time::sleep(CONNECT_TIMEOUT) => Err(anyhow!("the enclave did not connect within {} s", CONNECT_TIMEOUT.as_secs())),
        };
        let _ = std::fs::remove_file(&socket);
        let stream = connected?.into_std().and_then(|stream| {
            stream.set_nonblocking(false)?;
            Ok(stream)
        })?;
        let (requests, queue) = mpsc::channel(1);
        let writer = stream.try_clone().context("cannot use the stream to the enclave")?;
        std::thread::Builder::new()
            .name("enclave-stream".into())
            .spawn(move || converse(queue, &mut BufReader::new(stream), &mut BufWriter::new(writer)))
            .context("cannot start a thread for the enclave's stream")?;
        Ok(Self { child: Mutex::new(child), requests, socket })
    }

    /// Asks the enclave something and waits for its answer.
    ///
    /// # Errors
    /// [`EnclaveGone`] (inside) when the process ended.
    pub async fn ask(&self, request: HostRequest) -> Result<EnclaveResponse> {
        let (answer, answered) = oneshot::channel();
        if self.requests.send(Exchange { request, answer }).await.is_err() {
            return Err(self.gone().await);
        }
        match answered.await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(self.gone().await.context(error)),
            Err(_) => Err(self.gone().await),
        }
    }

    /// Asks for something that is answered with the status.
    ///
    /// # Errors
    /// [`Refused`] when the enclave refuses; [`EnclaveGone`] when the process ended.
    pub async fn ask_status(&self, request: HostRequest) -> Result<Status> {
        match self.ask(request).await? {
            EnclaveResponse::Done(status) => Ok(*status),
            EnclaveResponse::Refused(refusal) => Err(Refused(refusal).into()),
            _ => bail!(
                "the enclave's answer does not fit the question; host and enclave are of different versions"
            ),
        }
    }

    /// Who the enclave is.
    ///
    /// # Errors
    /// As [`ask_status`](Self::ask_status).
    pub async fn identify(&self) -> Result<Identity> {
        match self.ask(HostRequest::Identify).await? {
            EnclaveResponse::Identified(identity) => Ok(*identity),
            EnclaveResponse::Refused(refusal) => Err(Refused(refusal).into()),
            _ => bail!(
                "the enclave's answer does not fit the question; host and enclave are of different versions"
            ),
        }
    }

    /// Lets the enclave finish what is under way, and waits for its end; kills it when it takes too long, which loses nothing.
    pub async fn shut_down(&self) {
        let _ = tokio::time::timeout(SHUTDOWN_TIMEOUT, self.ask(HostRequest::Shutdown)).await;
        let mut child = self.child.lock().await;
        if tokio::time::timeout(SHUTDOWN_TIMEOUT, child.wait()).await.is_err() {
            tracing::warn!("the enclave does not end by itself; killing it");
            let _ = child.kill().await;
        }
    }

    async fn gone(&self) -> anyhow::Error {
        let mut child = self.child.lock().await;
        match tokio::time::timeout(Duration::from_secs(2), child.wait()).await {
            Ok(status) => ended(status),
            Err(_) => {
                let _ = child.kill().await;
                EnclaveGone("it closed the stream without ending".into()).into()
            }
        }
    }
}

impl Drop for Enclave {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.socket);
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

fn ended(status: std::io::Result<std::process::ExitStatus>) -> anyhow::Error {
    let reason = match status {
        Ok(status) => format!("{status}; its last line above says why"),
        Err(error) => error.to_string(),
    };
    EnclaveGone(reason).into()
}

/// Owns the stream: one request, one answer, in order, until either side ends.
fn converse(
    mut queue: mpsc::Receiver<Exchange>,
    reader: &mut impl std::io::Read,
    writer: &mut impl std::io::Write,
) {
    while let Some(Exchange { request, answer }) = queue.blocking_recv() {
        let outcome = write_frame(writer, &request)
            .and_then(|()| read_frame(reader))
            .map_err(anyhow::Error::from)
            .and_then(|response| response.context("the stream between host and enclave was closed"));
        let failed = outcome.is_err();
        let _ = answer.send(outcome);
        if failed {
            return;
        }
    }
}

fn bind(socket: &Path) -> Result<UnixListener> {
    use std::os::unix::fs::PermissionsExt;
    let _ = std::fs::remove_file(socket);
    let listener = StdUnixListener::bind(socket)
        .with_context(|| format!("cannot open the socket {} for the enclave", socket.display()))?;
    std::fs::set_permissions(socket, std::fs::Permissions::from_mode(0o600))?;
    listener.set_nonblocking(true)?;
    Ok(UnixListener::from_std(listener)?)
}

/// In the system's folder for temporary files: a data folder's path may be longer than the 108 bytes that a socket's may have.
fn socket_path() -> PathBuf {
    let now =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |time| time.as_nanos());
    std::env::temp_dir().join(format!("offstage-{}-{now:x}.sock", std::process::id()))
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);
