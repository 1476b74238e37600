// SPDX-License-Identifier: Apache-2.0
//! The enclave's process: its start, and its end, which is noticed when it happens.

use super::{EnclaveGone, Vitals};
use anyhow::{Context, Result, anyhow};
use std::{
    fs::{self, DirBuilder},
    os::unix::{
        fs::DirBuilderExt,
        net::{UnixListener as StdUnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{
    net::UnixListener,
    process::{Child, Command},
    sync::watch,
};

/// A process that somebody waits for. It is killed when this goes.
pub(super) struct Process {
    /// How it ended.
    ended: watch::Receiver<Option<String>>,
    kill: watch::Sender<()>,
}

impl Process {
    /// Starts it and waits until it has connected.
    pub(super) async fn spawn(
        binary: &Path,
        data_dir: &Path,
        limits: &[String],
        vitals: Vitals,
    ) -> Result<(Self, UnixStream)> {
        let socket = Socket::new()?;
        let listener = socket.listen()?;
        let mut child = Command::new(binary)
            .arg("--socket")
            .arg(socket.path())
            .arg("--data-dir")
            .arg(data_dir)
            .args(limits)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start the enclave {}", binary.display()))?;
        let stream = tokio::select! {
            accepted = listener.accept() => accepted.context("the enclave could not connect to its host")?.0,
            status = child.wait() => return Err(EnclaveGone(how(status)).into()),
            () = tokio::time::sleep(CONNECT_TIMEOUT) => {
                return Err(anyhow!("the enclave did not connect within {} s", CONNECT_TIMEOUT.as_secs()));
            }
        };
        let stream = stream.into_std().context("cannot use the stream to the enclave")?;
        stream.set_nonblocking(false).context("cannot use the stream to the enclave")?;
        Ok((Self::watch(child, vitals), stream))
    }

    fn watch(mut child: Child, vitals: Vitals) -> Self {
        let (end, ended) = watch::channel(None);
        let (kill, mut killed) = watch::channel(());
        tokio::spawn(async move {
            let status = tokio::select! {
                status = child.wait() => status,
                // Asked for, or nobody is left to ask.
                _ = killed.changed() => {
                    let _ = child.kill().await;
                    child.wait().await
                }
            };
            vitals.note_end();
            end.send_replace(Some(how(status)));
        });
        Self { ended, kill }
    }

    /// How it ended, if it does so in this time; it is killed if not.
    pub(super) async fn end_within(&self, time: Duration) -> Option<String> {
        if let Ok(end) = tokio::time::timeout(time, self.end()).await {
            return end;
        }
        self.kill.send_replace(());
        // Then it ends, unless the system itself hangs.
        let _ = tokio::time::timeout(KILL_TIMEOUT, self.end()).await;
        None
    }

    async fn end(&self) -> Option<String> {
        self.ended.clone().wait_for(Option::is_some).await.ok().and_then(|end| end.clone())
    }
}

fn how(status: std::io::Result<std::process::ExitStatus>) -> String {
    match status {
        Ok(status) => format!("{status}; its last line above says why"),
        Err(error) => error.to_string(),
    }
}

/// A socket in a folder of its own that other users of the machine cannot enter, so that none of them can connect in
/// the enclave's place. In the system's folder for temporary files: a data folder's path may be longer than the 108
/// bytes that a socket's may have.
struct Socket {
    folder: PathBuf,
}

impl Socket {
    fn new() -> Result<Self> {
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |time| time.as_nanos());
        let folder = std::env::temp_dir().join(format!("offstage-{}-{now:x}", std::process::id()));
        // Fails when it is there already, whoever made it.
        DirBuilder::new().mode(0o700).create(&folder).with_context(|| {
            format!("cannot make the folder {} for the enclave's socket", folder.display())
        })?;
        Ok(Self { folder })
    }

    fn path(&self) -> PathBuf {
        self.folder.join("enclave.sock")
    }

    fn listen(&self) -> Result<UnixListener> {
        let path = self.path();
        let listener = StdUnixListener::bind(&path)
            .with_context(|| format!("cannot open the socket {} for the enclave", path.display()))?;
        listener.set_nonblocking(true)?;
        Ok(UnixListener::from_std(listener)?)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
const KILL_TIMEOUT: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn h23_strangers_cannot_reach_the_enclaves_socket() {
        let socket = Socket::new().unwrap();
        let folder = socket.folder.clone();
        assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
        drop(socket);
        assert!(!folder.exists());
    }

    #[tokio::test]
    async fn an_end_is_known_without_asking() {
        let vitals = Vitals::default();
        let child = Command::new("sleep").arg("1000").spawn().unwrap();
        let process = Process::watch(child, vitals.clone());
        assert!(vitals.is_running());
        process.kill.send_replace(());
        assert!(process.end_within(Duration::from_secs(60)).await.unwrap().contains("signal"));
        assert!(!vitals.is_running());
    }
}
