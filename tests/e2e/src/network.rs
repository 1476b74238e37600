// SPDX-License-Identifier: Apache-2.0
//! A node and its workers on ports of their own.

use crate::{ports::ports, user::User};
use anyhow::{Context, Result, bail, ensure};
use offstage_devnet::{
    chain, http,
    node::NodeOptions,
    ports::{NodePorts, WorkerPorts, is_free},
    process::{Process, children},
    worker::{WorkerOptions, measurement},
};
use offstage_primitives::ShardIdentifier;
use serde_json::Value;
use std::{
    net::TcpStream,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

/// A development parentchain with workers. Dropping it ends all processes.
pub struct Network {
    folder: PathBuf,
    node: Option<Process>,
    node_options: NodeOptions,
    workers: Vec<Worker>,
    /// Whether to use the ports that clients and workers take by themselves, where they are free.
    default_ports: bool,
    log_level: Option<String>,
}

/// A worker of the network.
pub struct Worker {
    /// Counts from 1.
    pub number: usize,
    process: Option<Process>,
    options: WorkerOptions,
    /// How many KiB its files may have when it is started the next time.
    room_kib: Option<u32>,
}

impl Network {
    /// A network whose logs and data are in `folder`; nothing runs yet.
    ///
    /// # Errors
    /// When the folder cannot be made or no ports are free.
    pub fn new(folder: &Path) -> Result<Self> {
        Self::with_ports(folder, false)
    }

    /// As [`new`](Self::new), but on the ports that are the defaults of our programs' flags, as far as they are free:
    /// the client needs no flags to find such a network, and `-P 2010` for its second worker.
    ///
    /// # Errors
    /// When the folder cannot be made or no ports are free.
    pub fn on_default_ports(folder: &Path) -> Result<Self> {
        Self::with_ports(folder, true)
    }

    fn with_ports(folder: &Path, default_ports: bool) -> Result<Self> {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let NodePorts { rpc, peer } = NodePorts::USUAL;
        let node_options = NodeOptions {
            chain: "dev".to_owned(),
            state_pruning: "archive".to_owned(),
            ports: ports(default_ports.then_some([rpc, peer]))?.into(),
            data: folder.join("node"),
        };
        Ok(Self {
            folder: folder.to_owned(),
            node: None,
            node_options,
            workers: Vec::new(),
            default_ports,
            log_level: None,
        })
    }

    /// The folder of logs and data.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The node's WebSocket URL.
    pub fn node_url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.node_port())
    }

    /// The node's port.
    pub fn node_port(&self) -> u16 {
        self.node_options.ports.rpc
    }

    /// Workers that are started from now on log at this level (`RUST_LOG`).
    pub fn log_at(&mut self, level: &str) {
        self.log_level = Some(level.to_owned());
    }

    /// Starts the node: one validator, one-second blocks. Its chain is kept in the folder, so that it can be stopped
    /// and started again.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn start_node(&mut self) -> Result<()> {
        let mut command = Command::new(binary("offstage-node")?);
        self.node_options.tell(&mut command);
        let log = self.folder.join("node.log");
        let mut process = Process::start("offstage-node", command, &log)?;
        wait_until("the node answers", NODE_PATIENCE, || {
            process.require_alive()?;
            Ok(TcpStream::connect(("127.0.0.1", self.node_port())).is_ok())
        })?;
        self.node = Some(process);
        Ok(())
    }

    /// Makes the chain one of another block time, before the node is started: the development chain's specification
    /// with other milliseconds in its genesis. It is another chain then, with a genesis of its own.
    ///
    /// # Errors
    /// When the node does not print its specification.
    pub fn set_block_time(&mut self, milliseconds: u64) -> Result<()> {
        let mut specification = chain::development(&binary("offstage-node")?)?;
        chain::set_block_time(&mut specification, milliseconds)?;
        let path = self.folder.join("chain.json");
        std::fs::write(&path, specification.to_string())?;
        self.node_options.chain = path.display().to_string();
        Ok(())
    }

    /// Lets the node keep the states of so many final blocks, and no older ones. Before it is started the first time.
    pub fn prune_states(&mut self, blocks: u32) {
        self.node_options.state_pruning = blocks.to_string();
    }

    /// Stops the node.
    pub fn stop_node(&mut self) {
        if let Some(mut node) = self.node.take() {
            node.stop();
        }
    }

    /// Ends the node at once (SIGKILL).
    pub fn kill_node(&mut self) {
        if let Some(mut node) = self.node.take() {
            node.kill();
        }
    }

    /// Makes the node answer nothing while its connections stand (SIGSTOP), until
    /// [`continue_node`](Self::continue_node).
    ///
    /// # Errors
    /// When it does not run.
    pub fn pause_node(&self) -> Result<()> {
        self.signal_node("-STOP")
    }

    /// Lets the node go on (SIGCONT).
    ///
    /// # Errors
    /// When it does not run.
    pub fn continue_node(&self) -> Result<()> {
        self.signal_node("-CONT")
    }

    fn signal_node(&self, signal: &str) -> Result<()> {
        let node = self.node.as_ref().context("no node runs")?;
        send(signal, node.id())
    }

    /// Starts every worker again that was killed or has ended, as a supervisor does. A host that starts while the
    /// enclave of its predecessor still holds the ports ends with an error, and is started again by the next call.
    ///
    /// # Errors
    /// When one cannot be started.
    pub fn supervise(&mut self) -> Result<()> {
        for index in 0..self.workers.len() {
            let ended = self.workers.get_mut(index).is_some_and(|worker| {
                worker.process.as_mut().is_none_or(|process| process.ended().is_some())
            });
            if ended {
                self.start_worker(index)?;
            }
        }
        Ok(())
    }

    /// Adds a worker and starts it. Returns its index.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn add_worker(&mut self) -> Result<usize> {
        self.add(None, None, None)
    }

    /// Adds a worker and starts it where each of its files has room for so many KiB; when it is started again there is
    /// room enough. Returns its index.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn add_worker_with_room(&mut self, kib: u32) -> Result<usize> {
        self.add(None, None, Some(kib))
    }

    /// Adds a worker that follows the node on this port, and starts it. Returns its index.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn add_worker_behind(&mut self, node_port: u16) -> Result<usize> {
        self.add(None, Some(node_port), None)
    }

    /// Adds a worker with this enclave, which claims to be the honest one, and starts it. Returns its index.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn add_worker_with(&mut self, enclave: &Path) -> Result<usize> {
        self.add(Some(enclave.to_owned()), None, None)
    }

    /// Adds a worker whose account nobody funds, and starts it. Returns its index.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn add_worker_without_funds(&mut self) -> Result<usize> {
        let index = self.prepare(None, None, None)?;
        if let Some(worker) = self.workers.get_mut(index) {
            worker.options.is_funded = false;
        }
        self.start_worker(index)?;
        Ok(index)
    }

    fn add(
        &mut self,
        enclave: Option<PathBuf>,
        node_port: Option<u16>,
        room_kib: Option<u32>,
    ) -> Result<usize> {
        let index = self.prepare(enclave, node_port, room_kib)?;
        self.start_worker(index)?;
        Ok(index)
    }

    fn prepare(
        &mut self,
        enclave: Option<PathBuf>,
        node_port: Option<u16>,
        room_kib: Option<u32>,
    ) -> Result<usize> {
        let number = self.workers.len() + 1;
        let WorkerPorts { trusted, mutual_attestation, health, metrics } = WorkerPorts::usual(number - 1);
        let defaults = self.default_ports.then_some([trusted, mutual_attestation, health, metrics]);
        let options = WorkerOptions {
            node_port: node_port.unwrap_or(self.node_port()),
            ports: ports(defaults)?.into(),
            data: self.data_of(number - 1),
            enclave,
            is_funded: true,
        };
        self.workers.push(Worker { number, process: None, options, room_kib });
        Ok(number - 1)
    }

    /// Starts a worker again, with the data it left.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start_worker(&mut self, index: usize) -> Result<()> {
        let log_level = self.log_level.clone();
        let folder = self.folder.clone();
        let worker = self.workers.get_mut(index).context("no such worker")?;
        let mut command = match worker.room_kib.take() {
            None => Command::new(binary("offstage-worker")?),
            Some(kib) => {
                // A write beyond the limit is to fail, as on a full disk, and not to end the process with a signal.
                let mut shell = Command::new("bash");
                shell.args(["-c", "trap '' XFSZ; ulimit -f \"$0\"; exec \"$@\"", &kib.to_string()]);
                shell.arg(binary("offstage-worker")?);
                shell
            }
        };
        worker.options.tell(&mut command);
        if worker.options.enclave.is_some() {
            command.env("OFFSTAGE_HONEST_ENCLAVE", binary("offstage-enclave")?);
        }
        if let Some(level) = log_level {
            command.env("RUST_LOG", level);
        }
        let log = folder.join(format!("worker{}.log", worker.number));
        worker.process = Some(Process::start(&format!("worker {}", worker.number), command, &log)?);
        Ok(())
    }

    /// Ends a worker's host at once (SIGKILL); its enclave notices that the stream is gone and ends too.
    pub fn kill_worker(&mut self, index: usize) {
        if let Some(worker) = self.workers.get_mut(index)
            && let Some(mut process) = worker.process.take()
        {
            process.kill();
        }
    }

    /// Ends a worker's enclave at once (SIGKILL); the host starts it again.
    ///
    /// # Errors
    /// When it has no enclave process.
    pub fn kill_enclave(&self, index: usize) -> Result<()> {
        self.signal_enclave(index, "-KILL")
    }

    /// Makes a worker's enclave work on what it has in hand without coming to an end (SIGSTOP), until
    /// [`continue_enclave`](Self::continue_enclave).
    ///
    /// # Errors
    /// When it has no enclave process.
    pub fn pause_enclave(&self, index: usize) -> Result<()> {
        self.signal_enclave(index, "-STOP")
    }

    /// Lets the enclave go on (SIGCONT).
    ///
    /// # Errors
    /// When it has no enclave process.
    pub fn continue_enclave(&self, index: usize) -> Result<()> {
        self.signal_enclave(index, "-CONT")
    }

    fn signal_enclave(&self, index: usize, signal: &str) -> Result<()> {
        send(signal, self.enclave_process(index)?)
    }

    /// The folder in which the worker with this index keeps what it knows.
    pub fn data_of(&self, index: usize) -> PathBuf {
        self.folder.join(format!("worker{}", index + 1))
    }

    /// The process number of a worker's enclave.
    ///
    /// # Errors
    /// When it has none at the moment.
    pub fn enclave_process(&self, index: usize) -> Result<u32> {
        let host = self.worker(index)?.process.as_ref().context("the worker does not run")?.id();
        children(host).first().copied().context("the worker has no enclave process")
    }

    /// The greatest resident memory that a worker's enclave has had, in bytes.
    ///
    /// # Errors
    /// When it has no enclave process.
    pub fn enclave_peak_memory(&self, index: usize) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.enclave_process(index)?))?;
        let line = status
            .lines()
            .find(|line| line.starts_with("VmHWM:"))
            .context("no VmHWM in the process status")?;
        let kib: u64 = line.split_whitespace().nth(1).context("no number in VmHWM")?.parse()?;
        Ok(kib * 1024)
    }

    /// Waits until the worker says that clients can use it.
    ///
    /// # Errors
    /// When it ends, or takes longer than two minutes.
    pub fn wait_until_initialized(&mut self, index: usize) -> Result<()> {
        let worker = self.workers.get_mut(index).context("no such worker")?;
        let (number, port) = (worker.number, worker.options.ports.health);
        let process = worker.process.as_mut().context("the worker does not run")?;
        wait_until(&format!("worker {number} is initialized"), WORKER_PATIENCE, || {
            process.require_alive()?;
            Ok(http::get(port, "/is_initialized").is_ok_and(|(code, _)| code == 200))
        })
        .with_context(|| format!("the end of its log:\n{}", process.tail()))
    }

    /// Waits until the worker has ended by itself, and returns the end of its log.
    ///
    /// # Errors
    /// When it goes on for longer than two minutes.
    pub fn wait_until_ended(&mut self, index: usize) -> Result<String> {
        let worker = self.workers.get_mut(index).context("no such worker")?;
        let process = worker.process.as_mut().context("the worker does not run")?;
        wait_until("the worker ends", WORKER_PATIENCE, || Ok(process.ended().is_some()))?;
        let tail = process.tail();
        worker.process = None;
        Ok(tail)
    }

    /// What the worker's `/health` says.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn health(&self, index: usize) -> Result<Value> {
        let (_, body) = http::get(self.worker(index)?.options.ports.health, "/health")?;
        serde_json::from_str(&body).context("the health report is not JSON")
    }

    /// Whether the worker answers this path of its health port with 200.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn says_yes(&self, index: usize, path: &str) -> Result<bool> {
        Ok(http::get(self.worker(index)?.options.ports.health, path)?.0 == 200)
    }

    /// What the worker's `/metrics` says.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn metrics(&self, index: usize) -> Result<String> {
        Ok(http::get(self.worker(index)?.options.ports.metrics, "/metrics")?.1)
    }

    /// Waits until the worker has executed the block with this number.
    ///
    /// # Errors
    /// When it takes longer than two minutes.
    pub fn wait_for_position(&self, index: usize, number: u64) -> Result<()> {
        wait_until(&format!("worker {} has executed block {number}", index + 1), WORKER_PATIENCE, || {
            Ok(self
                .health(index)
                .is_ok_and(|health| health["position"].as_u64().is_some_and(|position| position >= number)))
        })
    }

    /// A user of this worker. On the default ports it is you, who may go on where the network's tests end.
    ///
    /// # Errors
    /// When there is no such worker or no client binary.
    pub fn user(&self, index: usize) -> Result<User> {
        let worker = self.worker(index)?;
        let (folder, port) = (self.folder.join("user"), worker.options.ports.trusted);
        let user = User::new(binary("offstage")?, folder, self.node_port(), port, shard()?)?;
        Ok(if self.default_ports { user.with_your_profiles() } else { user })
    }

    /// Waits until the enclave of a killed host has let go of its ports.
    ///
    /// # Errors
    /// When it takes longer than two minutes.
    pub fn wait_for_port(&self, index: usize) -> Result<()> {
        let port = self.trusted_port(index)?;
        wait_until(&format!("port {port} is free"), WORKER_PATIENCE, || Ok(is_free(port)))
    }

    /// The port on which a worker tells how it is.
    ///
    /// # Errors
    /// When there is no such worker.
    pub fn health_port(&self, index: usize) -> Result<u16> {
        Ok(self.worker(index)?.options.ports.health)
    }

    /// The port on which a worker's enclave serves clients.
    ///
    /// # Errors
    /// When there is no such worker.
    pub fn trusted_port(&self, index: usize) -> Result<u16> {
        Ok(self.worker(index)?.options.ports.trusted)
    }

    /// Where the worker's enclave serves clients.
    ///
    /// # Errors
    /// When there is no such worker.
    pub fn worker_url(&self, index: usize) -> Result<String> {
        Ok(format!("wss://127.0.0.1:{}", self.trusted_port(index)?))
    }

    /// The worker's host process number.
    ///
    /// # Errors
    /// When it does not run.
    pub fn worker_process(&self, index: usize) -> Result<u32> {
        Ok(self.worker(index)?.process.as_ref().context("the worker does not run")?.id())
    }

    fn worker(&self, index: usize) -> Result<&Worker> {
        self.workers.get(index).context("no such worker")
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // Hosts first, so that they do not complain that the node went away.
        self.workers.clear();
        self.stop_node();
    }
}

/// A binary that `make` put into `bin/`, or into the folder that `OFFSTAGE_BIN` names.
///
/// # Errors
/// When it is not there.
pub fn binary(name: &str) -> Result<PathBuf> {
    let folder =
        std::env::var_os("OFFSTAGE_BIN").map_or_else(|| crate::workspace::root().join("bin"), PathBuf::from);
    let path = folder.join(name);
    ensure!(path.is_file(), "there is no {}: run `make` first", path.display());
    Ok(path.canonicalize()?)
}

fn send(signal: &str, process: u32) -> Result<()> {
    let sent = Command::new("kill").arg(signal).arg(process.to_string()).status()?;
    ensure!(sent.success(), "cannot send {signal} to the process {process}");
    Ok(())
}

/// The shard of the network's workers: it is named after the measurement that it started with.
///
/// # Errors
/// When there is no enclave binary.
pub fn shard() -> Result<ShardIdentifier> {
    Ok(measurement(&binary("offstage-enclave")?)?.0.into())
}

/// Asks again and again until `done` says yes.
///
/// # Errors
/// What `done` fails with, or that `patience` ran out.
pub fn wait_until(what: &str, patience: Duration, mut done: impl FnMut() -> Result<bool>) -> Result<()> {
    let begun = Instant::now();
    while begun.elapsed() < patience {
        if done()? {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    bail!("waited {} s in vain until {what}", patience.as_secs())
}

const NODE_PATIENCE: Duration = Duration::from_secs(120);
const WORKER_PATIENCE: Duration = Duration::from_secs(120);
