// SPDX-License-Identifier: Apache-2.0
//! The worker's loop.
//!
//! Two lives are nested: an enclave process lives until it crashes or the worker stops; a connection to the node lives
//! until it breaks. Whatever ends is started again, and the enclave's own status says where to go on.

mod leaving;

pub use leaving::{UnregisterOptions, unregister};

use crate::{
    board::{Board, WorkerIdentity},
    data_dir,
    enclave::{EXISTING, Enclave, EnclaveGone, Refused},
    feed::{Feeder, Step, another_may_do},
    funding,
    head::{Head, HeadFollower},
    http,
    joining::{self, Asked},
    measures,
    node::Node,
    options::{Options, RunOptions},
    patience::{self, Backoff, KeyRequests, Waiting},
    repeats::Repeats,
    start,
    submit::Submitter,
    text::escaped,
    trouble::{self, Trouble, TroubleCode},
};
use anyhow::{Context, Result};
use leaving::Leaving;
use offstage_protocol::{Phase, RefusalCode, Started, Status};
use std::{
    cell::RefCell,
    path::Path,
    time::{Duration, Instant},
};
use tokio::signal::unix::{SignalKind, signal};

/// Runs the worker until it is told to stop (SIGINT, SIGTERM) or the configuration turns out to be wrong.
///
/// # Errors
/// What an operator has to mend: a port in use, another chain, a damaged store; with `--require-node` no node.
pub async fn run(options: &Options, run: &RunOptions) -> Result<()> {
    let binary = options.enclave_binary()?;
    if options.clean_reset {
        data_dir::clear(&options.data_dir)?;
    }
    data_dir::prepare(&options.data_dir)?;
    let board = Board::default();
    board.note_data_dir(&options.data_dir);
    let http = &options.untrusted_http_address;
    if options.enable_metrics {
        let handle = measures::install()?;
        http::serve_metrics(&format!("{http}:{}", options.metrics_port), board.clone(), handle).await?;
    }
    http::serve_health(&format!("{http}:{}", options.untrusted_http_port), board.clone()).await?;
    let live = async {
        let mut waiting = Waiting::begin();
        let node = wait_for_node(options, run, &board, &mut waiting).await?;
        let board = board.clone();
        Service { options, run, board, node, failures: RefCell::default(), leaving: None }.live(&binary).await
    };
    tokio::select! {
        outcome = live => outcome,
        () = trouble::watch(board.clone()) => Ok(()),
        () = told_to_stop() => {
            tracing::info!("stopping");
            Ok(())
        },
    }
}

/// Everything the loop owns besides the enclave.
struct Service<'a> {
    options: &'a Options,
    run: &'a RunOptions,
    board: Board,
    node: Node,
    /// What goes wrong with the node, so that the same is told once.
    failures: RefCell<Repeats>,
    /// Given when the enclave is taken out, and serves nobody.
    leaving: Option<Leaving>,
}

impl Service<'_> {
    /// Enclave after enclave, each until it crashes.
    async fn live(mut self, binary: &Path) -> Result<()> {
        let mut restarts = Backoff::default();
        loop {
            let begun = Instant::now();
            let mut arguments = self.run.limits.arguments();
            arguments.extend(self.leaving.as_ref().map(|_| EXISTING.to_owned()));
            let enclave = Enclave::spawn(binary, &self.options.data_dir, &arguments).await?;
            data_dir::close_files(&self.options.data_dir)?;
            self.board.note_enclave(enclave.vitals());
            let error = match self.start(&enclave).await {
                Ok(started) => self.follow(&enclave, &started).await,
                Err(error) => error,
            };
            if error.downcast_ref::<EnclaveGone>().is_none() {
                enclave.shut_down().await;
                return Err(error);
            }
            if begun.elapsed() < SHORT_LIFE && restarts.count() >= MAX_SHORT_LIVES {
                return Err(error.context("the enclave stops soon after each start"));
            }
            tracing::warn!("{}; starting it again", escaped(&format!("{error:#}")));
            let trouble = Trouble::new(TroubleCode::EnclaveRestarting, "the enclave is being restarted");
            self.board.note_trouble(Some(trouble));
            metrics::counter!("offstage_enclave_restarts_total").increment(1);
            restarts.pause(begun.elapsed() >= SHORT_LIFE).await;
        }
    }

    /// Hands over what the enclave starts with.
    async fn start(&mut self, enclave: &Enclave) -> Result<Started> {
        let is_restart = enclave.identify().await?.bound.is_some();
        let material = loop {
            match start::material(&self.node, is_restart).await {
                Ok(material) => break material,
                Err(error) => self.reconnect(error).await?,
            }
        };
        self.failures.get_mut().end();
        self.board.note_trouble(None);
        let mut request = start::request(self.options, self.run, material);
        request.leave = self.leaving.as_ref().map(|leaving| leaving.how);
        let started = enclave.start(request).await?;
        let account = self.node.address(&started.signer).await;
        self.board.note_identity(WorkerIdentity {
            account: account.clone(),
            measurement: started.measurement,
            shard: started.shard,
            genesis: started.genesis_hash,
        });
        let (mrenclave, shard) = (started.measurement.to_string(), &started.shard);
        match &self.leaving {
            None => tracing::info!(
                account,
                mrenclave,
                %shard,
                "enclave started; clients at {}, peers at {}",
                started.trusted_address,
                started.mutual_attestation_address,
            ),
            Some(_) => tracing::info!(account, mrenclave, %shard, "enclave started; it serves nobody"),
        }
        Ok(started)
    }

    /// Connection after connection, until the enclave is gone or refuses something that no retry can mend.
    async fn follow(&mut self, enclave: &Enclave, started: &Started) -> anyhow::Error {
        if self.run.dev {
            let funded = funding::fund_from_alice(&self.node, &started.signer).await;
            if let Err(error) = funded {
                return error;
            }
        }
        let mut refusals = Refusals::default();
        let mut status = started.status.clone();
        self.board.note_status(&status);
        loop {
            let Err(error) = self.follow_node(enclave, started, &mut status, &mut refusals).await else {
                continue;
            };
            if error.downcast_ref::<EnclaveGone>().is_some() {
                return error;
            }
            if let Some(Refused(refusal)) = error.downcast_ref::<Refused>() {
                refusals.note(refusal.code);
                if refusals.no_retry_mends(refusal.code) {
                    return error;
                }
                tracing::warn!(
                    "{}; trying again from the enclave's position",
                    escaped(&format!("{error:#}"))
                );
                self.board.note_trouble(Some(refused_by_enclave(&refusal.message)));
                tokio::time::sleep(PAUSE_AFTER_REFUSAL).await;
                match enclave.status().await {
                    Ok(now) => self.announce(&mut status, now),
                    Err(error) => return error,
                }
                continue;
            }
            if let Err(error) = self.reconnect(error).await {
                return error;
            }
        }
    }

    /// Follows the chain over one connection: the node's head, and beside it what the enclave is fed with.
    async fn follow_node(
        &self,
        enclave: &Enclave,
        started: &Started,
        status: &mut Status,
        refusals: &mut Refusals,
    ) -> Result<()> {
        let (follower, head) = HeadFollower::begin(self.node.clone(), self.board.clone()).await?;
        let feeding = self.feed(enclave, started, head, status, refusals);
        tokio::select! {
            fed = feeding => fed,
            followed = follower.follow() => followed.map(|never| match never {}),
        }
    }

    /// Brings the enclave to the head, again and again, and does there what is due.
    async fn feed(
        &self,
        enclave: &Enclave,
        started: &Started,
        mut news: Head,
        status: &mut Status,
        refusals: &mut Refusals,
    ) -> Result<()> {
        let mut feeder = Feeder::new(self.node.clone(), news.clone(), !refusals.are_over());
        let mut submitter = Submitter::default();
        let mut key_requests = KeyRequests::new();
        let mut unjustified = Backoff::default();
        let mut progress = Progress::default();
        // What was under way when the last connection broke may have moved it.
        self.announce(status, enclave.status().await?);
        let mut is_first = true;
        loop {
            let step = feeder.step(enclave, status).await?;
            if std::mem::take(&mut is_first) {
                // Only now it is known that the node gives what is needed.
                if self.failures.borrow_mut().end() {
                    tracing::info!("the node gives what is needed again");
                }
                if refusals.are_over() {
                    self.board.note_trouble(None);
                }
            }
            match step {
                Step::Advanced(now) => {
                    if now.position.number > status.position.number {
                        // Only an executed block shows that what was refused is over.
                        if !refusals.are_over() {
                            *refusals = Refusals::default();
                            unjustified = Backoff::default();
                            self.board.note_trouble(None);
                        }
                        metrics::counter!("offstage_blocks_total").increment(1);
                    }
                    self.announce(status, now);
                    progress.report(status);
                    continue;
                }
                Step::Unjustified(refusal) => {
                    refusals.note(refusal.code);
                    let trouble = refused_by_enclave(&refusal.message);
                    if unjustified.count() == 0 {
                        tracing::warn!("{}; waiting for another justification", trouble.text);
                    }
                    self.board.note_trouble(Some(trouble));
                    unjustified.pause(false).await;
                }
                Step::AtHead(now) => self.announce(status, now),
            }
            if status.phase == Phase::NeedsShieldingKey && key_requests.are_due() {
                let asked = joining::request_key(&self.node, enclave, started, &self.run.peer).await?;
                let trouble = match asked {
                    Asked::Given(now) => {
                        self.announce(status, *now);
                        None
                    }
                    Asked::Nobody(trouble) => Some(trouble),
                };
                key_requests.answered(trouble.as_deref());
                self.board.note_trouble(trouble.map(|text| Trouble::new(TroubleCode::NoShieldingKey, text)));
            }
            let (extrinsics, now) = enclave.collect().await?;
            self.announce(status, now);
            for banned in submitter.submit(&self.node, &extrinsics, status.position.number).await {
                let now = enclave.note_banned(banned).await?;
                self.announce(status, now);
            }
            tokio::select! {
                changed = news.changed() => changed.context("nobody follows the node's head")?,
                () = tokio::time::sleep(POLL) => {},
            }
        }
    }

    /// The enclave is here now: what is new in that is logged.
    fn announce(&self, status: &mut Status, now: Status) {
        let (phase, notice) = news(status, &now);
        if let Some(text) = phase {
            tracing::info!(block = now.position.number, "{text}");
        }
        if let Some(notice) = notice {
            tracing::warn!("{}", escaped(notice));
        }
        self.board.note_status(&now);
        if let Some(leaving) = &self.leaving {
            leaving.hear(&now);
        }
        *status = now;
    }

    /// Waits until the node answers again, longer and longer when it answers and lacks what is needed.
    async fn reconnect(&mut self, cause: anyhow::Error) -> Result<()> {
        let text = escaped(&format!("{cause:#}"));
        let failures = self.failures.get_mut();
        if let Some(told) = failures.note(&text) {
            tracing::warn!("{told}; reconnecting");
        }
        metrics::counter!("offstage_node_reconnects_total").increment(1);
        self.board.note_node_gone();
        self.board.note_trouble(Some(Trouble::new(TroubleCode::Node, text)));
        let mut waiting = Waiting::begin();
        tokio::time::sleep(patience::pause(failures.count())).await;
        self.node = wait_for_node(self.options, self.run, &self.board, &mut waiting).await?;
        tracing::debug!("connected to the node again");
        Ok(())
    }
}

/// What of a status is to be logged: a phase that is another one, and a notice that is.
fn news<'a>(before: &Status, now: &'a Status) -> (Option<&'static str>, Option<&'a str>) {
    let phase = (now.phase != before.phase).then_some(match now.phase {
        Phase::CatchingUp => "catching up with the parentchain",
        Phase::NeedsShieldingKey => "the shard has a shielding key already; asking its holders for it",
        Phase::AwaitingRegistration => "caught up; waiting to see this start's registration final",
        Phase::Serving => "registered and caught up: serving",
        Phase::Leaving => "leaving the shard",
        Phase::Superseded => {
            "another start with the same keys has registered later; this one stops serving. Run one worker per data \
             folder"
        }
    });
    (phase, now.notice.as_deref().filter(|notice| before.notice.as_deref() != Some(notice)))
}

/// What the enclave refused since it last executed a block.
#[derive(Default)]
struct Refusals {
    any: bool,
    /// Those that more of the same from the same node will hardly mend.
    lasting: u32,
}

impl Refusals {
    fn note(&mut self, code: RefusalCode) {
        self.any = true;
        // Another justification may come with any block, so that waiting for it has no end (threat model P6).
        if !another_may_do(code) {
            self.lasting += 1;
        }
        metrics::counter!("offstage_enclave_refusals_total").increment(1);
    }

    fn are_over(&self) -> bool {
        !self.any
    }

    fn no_retry_mends(&self, code: RefusalCode) -> bool {
        matches!(code, RefusalCode::Store | RefusalCode::Bug) || self.lasting > MAX_REFUSALS
    }
}

fn refused_by_enclave(message: &str) -> Trouble {
    let text = format!("the enclave refuses what the parentchain's node gives: {}", escaped(message));
    Trouble::new(TroubleCode::EnclaveRefuses, text)
}

/// Says how far catching up is, not more often than every few seconds.
#[derive(Default)]
struct Progress {
    last: Option<Instant>,
}

impl Progress {
    fn report(&mut self, status: &Status) {
        if self.last.is_none_or(|last| last.elapsed() >= PROGRESS_EVERY) {
            if self.last.is_some() {
                tracing::info!(
                    block = status.position.number,
                    final_to = status.finalized.number,
                    "following the parentchain"
                );
            }
            self.last = Some(Instant::now());
        }
    }
}

/// Waits until the node answers, at the start as later: for as long as it takes, unless the operator wants it to fail.
async fn wait_for_node(
    options: &Options,
    run: &RunOptions,
    board: &Board,
    waiting: &mut Waiting,
) -> Result<Node> {
    let mut pauses = Backoff::default();
    loop {
        match Node::connect(&options.node()).await {
            Ok(node) => {
                if waiting.attempts() > 0 {
                    tracing::info!("the node answers after {} s", waiting.time().as_secs());
                }
                return Ok(node);
            }
            Err(error) if run.require_node && waiting.time() > REQUIRED_NODE => return Err(error),
            Err(error) => {
                board.note_trouble(Some(Trouble::new(TroubleCode::Node, NO_NODE)));
                if let Some(told) = waiting.failed() {
                    tracing::warn!("{}; {told}", escaped(&format!("{error:#}")));
                }
            }
        }
        pauses.pause(false).await;
    }
}

async fn told_to_stop() {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {},
        _ = terminate.recv() => {},
    }
}

const NO_NODE: &str = "the parentchain's node does not answer";
/// With `--require-node`: the node may be starting at the same moment.
const REQUIRED_NODE: Duration = Duration::from_secs(10);
/// An enclave that ends sooner than this after its start did not work.
const SHORT_LIFE: Duration = Duration::from_secs(20);
const MAX_SHORT_LIVES: u32 = 3;
const MAX_REFUSALS: u32 = 20;
const PAUSE_AFTER_REFUSAL: Duration = Duration::from_secs(1);
const PROGRESS_EVERY: Duration = Duration::from_secs(10);
/// A finalized head may be announced before its justification is there, so the node is asked at least this often.
const POLL: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests;
