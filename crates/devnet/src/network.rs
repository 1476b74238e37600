// SPDX-License-Identifier: Apache-2.0
//! A network that stays: its chain and its shards are in a folder, and go on where they were.
//!
//! Nothing here waits. Whoever owns a [`Network`] calls [`look`](Network::look) again and again: it starts what is to
//! run and does not, one worker after the other, and says how all of it is.

mod folder;

use crate::{
    DevnetError, http,
    node::NodeOptions,
    ports::Ports,
    process::Process,
    programs::Programs,
    worker::{WorkerOptions, measurement},
};
use folder::Folder;
use offstage_primitives::Measurement;
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

/// What a network consists of.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Where it is kept.
    pub folder: PathBuf,
    /// The programs of node and worker.
    pub programs: Programs,
    /// Its ports; there are as many workers as have some.
    pub ports: Ports,
    /// How a program is run that is to end with this one: a program and its first arguments, before those that
    /// [`become_guarded`](crate::process::become_guarded) takes. Without it, what a killed owner leaves goes on.
    pub guard: Option<(PathBuf, &'static str)>,
}

/// A parentchain and the workers of one shard. Dropping it ends all processes.
pub struct Network {
    folder: Folder,
    setup: Setup,
    node: Part,
    workers: Vec<Part>,
    served: Option<Served>,
    genesis: Option<String>,
}

/// What the workers serve.
#[derive(Clone, Debug)]
struct Served {
    measurement: Measurement,
    enclave: PathBuf,
}

/// How a node is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeStatus {
    /// The number of its newest block.
    pub best: Option<u64>,
    /// The number of its newest final block.
    pub finalized: Option<u64>,
    /// What is in its way.
    pub trouble: Option<String>,
}

/// How a worker is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkerStatus {
    /// What it is doing, as its `/health` says.
    pub phase: Option<String>,
    /// The number of the block up to which it has executed.
    pub position: Option<u64>,
    /// Whether clients can use it.
    pub is_ready: bool,
    /// What is in its way.
    pub trouble: Option<String>,
}

/// How a network is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// How the node is.
    pub node: NodeStatus,
    /// How each worker is.
    pub workers: Vec<WorkerStatus>,
}

impl Status {
    /// Whether clients can use each of the workers.
    pub fn is_ready(&self) -> bool {
        self.workers.iter().all(|worker| worker.is_ready)
    }
}

impl Network {
    /// Opens the network in its folder and starts its node. Where there is none, or `reset` says so, it is a new one.
    ///
    /// # Errors
    /// When a port is in use, another network runs in the folder, or what is there is no network's. Nothing is changed
    /// then.
    pub fn open(setup: Setup, reset: bool) -> Result<Self, DevnetError> {
        setup.ports.require_free()?;
        let folder = Folder::open(&setup.folder)?;
        if reset {
            folder.clear()?;
        }
        folder.prepare(&setup.programs.node)?;
        let node = Part::new("the node".to_owned(), folder.log("node"));
        let workers = (1..=setup.ports.workers.len())
            .map(|number| Part::new(format!("worker {number}"), folder.log(&format!("worker{number}"))));
        let workers = workers.collect();
        let mut network = Self { folder, setup, node, workers, served: None, genesis: None };
        network.keep_node()?;
        Ok(network)
    }

    /// Lets the workers serve this enclave, as it is now: later changes of the file change nothing. The answer is
    /// whether it is another one than before, and so the shard another one.
    ///
    /// # Errors
    /// When the file cannot be copied. The workers then go on as before.
    pub fn serve(&mut self, enclave: &Path) -> Result<bool, DevnetError> {
        let measurement = measurement(enclave)?;
        if self.served.as_ref().is_some_and(|served| served.measurement == measurement) {
            return Ok(false);
        }
        let enclave = self.folder.keep_enclave(enclave, &measurement)?;
        self.stop_workers();
        self.served = Some(Served { measurement, enclave });
        Ok(true)
    }

    /// Starts what is to run and does not, and says how all of it is.
    ///
    /// # Errors
    /// When a program cannot be started at all.
    pub fn look(&mut self) -> Result<Status, DevnetError> {
        self.keep_node()?;
        let node = self.look_at_node();
        let mut workers = Vec::with_capacity(self.workers.len());
        for index in 0..self.workers.len() {
            // The first makes the shard's key, and gives it to the others.
            let may_start =
                self.genesis.is_some() && workers.iter().all(|worker: &WorkerStatus| worker.is_ready);
            if may_start {
                self.keep_worker(index)?;
            }
            workers.push(self.look_at_worker(index));
        }
        Ok(Status { node, workers })
    }

    /// Ends all processes: workers first, so that they do not complain of a node that went away.
    pub fn stop(&mut self) {
        self.stop_workers();
        self.node.stop();
    }

    /// The network's ports.
    pub fn ports(&self) -> &Ports {
        &self.setup.ports
    }

    /// The hash of the chain's genesis header, when the node has said it.
    pub fn genesis(&self) -> Option<&str> {
        self.genesis.as_deref()
    }

    /// The measurement that the workers serve, which is the shard's name.
    pub fn measurement(&self) -> Option<Measurement> {
        self.served.as_ref().map(|served| served.measurement)
    }

    /// The log of the author's builds.
    pub fn build_log(&self) -> PathBuf {
        self.folder.log("build")
    }

    /// A command that runs `program` so that it ends with this process.
    pub fn guarded(&self, program: &Path) -> Command {
        match &self.setup.guard {
            None => Command::new(program),
            Some((guard, word)) => {
                let mut command = Command::new(guard);
                command.arg(word).arg(std::process::id().to_string()).arg(program);
                command
            }
        }
    }

    fn keep_node(&mut self) -> Result<(), DevnetError> {
        if !self.node.is_due() {
            return Ok(());
        }
        let mut command = self.guarded(&self.setup.programs.node);
        let options = NodeOptions {
            chain: self.folder.chain().display().to_string(),
            state_pruning: "archive".to_owned(),
            ports: self.setup.ports.node,
            data: self.folder.node(),
        };
        options.tell(&mut command);
        self.node.start(command)
    }

    fn keep_worker(&mut self, index: usize) -> Result<(), DevnetError> {
        let (Some(served), Some(ports)) = (&self.served, self.setup.ports.workers.get(index)) else {
            return Ok(());
        };
        if !self.workers.get_mut(index).is_some_and(Part::is_due) {
            return Ok(());
        }
        let mut command = self.guarded(&self.setup.programs.worker);
        let options = WorkerOptions {
            node_port: self.setup.ports.node.rpc,
            ports: *ports,
            data: self.folder.worker(&served.measurement, index)?,
            enclave: Some(served.enclave.clone()),
            is_funded: true,
        };
        options.tell(&mut command);
        self.workers.get_mut(index).map_or(Ok(()), |worker| worker.start(command))
    }

    fn look_at_node(&mut self) -> NodeStatus {
        let port = self.setup.ports.node.rpc;
        let number = |header: Value| {
            let digits = header["number"].as_str()?.strip_prefix("0x")?.to_owned();
            u64::from_str_radix(&digits, 16).ok()
        };
        let header =
            |parameters: Value| http::ask(port, "chain_getHeader", &parameters).ok().and_then(number);
        let best = header(json!([]));
        let finalized = best.and_then(|_| http::ask(port, "chain_getFinalizedHead", &json!([])).ok());
        let finalized = finalized.and_then(|hash| header(json!([hash])));
        if self.genesis.is_none() && best.is_some() {
            let genesis = http::ask(port, "chain_getBlockHash", &json!([0])).ok();
            self.genesis = genesis.and_then(|hash| hash.as_str().map(str::to_owned));
        }
        NodeStatus { best, finalized, trouble: self.node.trouble() }
    }

    fn look_at_worker(&mut self, index: usize) -> WorkerStatus {
        let (Some(part), Some(ports)) = (self.workers.get_mut(index), self.setup.ports.workers.get(index))
        else {
            return WorkerStatus::default();
        };
        let trouble = part.trouble();
        if !part.runs() {
            return WorkerStatus { trouble, ..WorkerStatus::default() };
        }
        let health = http::glance(ports.health, "/health").ok();
        let health: Value = health.and_then(|(_, body)| serde_json::from_str(&body).ok()).unwrap_or_default();
        let text = |name: &str| health[name].as_str().map(str::to_owned);
        WorkerStatus {
            phase: text("phase"),
            position: health["position"].as_u64(),
            is_ready: health["initialized"] == true,
            trouble: trouble.or_else(|| text("trouble")),
        }
    }

    fn stop_workers(&mut self) {
        for worker in &mut self.workers {
            worker.ask_to_end();
        }
        for worker in &mut self.workers {
            worker.stop();
        }
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A process that is started again when it ends.
struct Part {
    name: String,
    log: PathBuf,
    process: Option<Process>,
    /// When it ended by itself, and what its last words were.
    ended: Option<(Instant, String)>,
}

impl Part {
    fn new(name: String, log: PathBuf) -> Self {
        Self { name, log, process: None, ended: None }
    }

    fn start(&mut self, command: Command) -> Result<(), DevnetError> {
        self.process = Some(Process::start_group(&self.name, command, &self.log)?);
        Ok(())
    }

    fn runs(&mut self) -> bool {
        if let Some(process) = &mut self.process
            && process.ended().is_some()
        {
            let tail = process.tail();
            let words =
                tail.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("no word in its log");
            self.ended = Some((Instant::now(), words.to_owned()));
            self.process = None;
        }
        self.process.is_some()
    }

    /// Whether it is to be started now.
    fn is_due(&mut self) -> bool {
        !self.runs() && self.ended.as_ref().is_none_or(|(at, _)| at.elapsed() >= PAUSE)
    }

    fn trouble(&mut self) -> Option<String> {
        let runs = self.runs();
        let (_, words) = self.ended.as_ref().filter(|_| !runs)?;
        Some(format!("it ended and is started again; its last words: {words}"))
    }

    fn ask_to_end(&mut self) {
        if let Some(process) = &mut self.process {
            process.ask_to_end();
        }
    }

    fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.stop();
        }
        self.ended = None;
    }
}

/// How long something that ended rests before it is started again.
const PAUSE: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests;
