// SPDX-License-Identifier: Apache-2.0
//! The worker's loop.
//!
//! Two lives are nested: an enclave process lives until it crashes or the worker stops; a connection to the node lives
//! until it breaks. Whatever ends is started again, and the enclave's own status says where to go on.

use crate::{
    cli::{Options, RunOptions, prepare_data_dir, ss58},
    enclave::{Enclave, EnclaveGone, Refused},
    feed::{Feeder, Step},
    funding, http,
    node::Node,
    patience::{Backoff, KeyRequests},
    registry,
    submit::Submitter,
};
use anyhow::{Context, Result, bail};
use metrics_exporter_prometheus::PrometheusBuilder;
use offstage_primitives::shard::base58;
use offstage_protocol::{
    EnclaveResponse, HostRequest, Phase, RefusalCode, Start, Started, Status, Untrusted,
};
use sp_crypto_hashing::twox_128;
use std::{
    path::Path,
    time::{Duration, Instant},
};
use tokio::signal::unix::{SignalKind, signal};

/// Runs the worker until it is told to stop (SIGINT, SIGTERM) or the configuration turns out to be wrong.
///
/// # Errors
/// What an operator has to mend: a port in use, no node, another chain, a damaged store.
pub async fn run(options: &Options, run: &RunOptions) -> Result<()> {
    let binary = options.enclave_binary()?;
    if run.clean_reset {
        clean_reset(&options.data_dir)?;
    }
    prepare_data_dir(&options.data_dir)?;
    let board = http::Board::default();
    if options.enable_metrics {
        let handle = PrometheusBuilder::new().install_recorder().context("cannot set up metrics")?;
        http::serve_metrics(&format!("{}:{}", options.listen, options.metrics_port), handle).await?;
    }
    http::serve_health(&format!("{}:{}", options.listen, options.untrusted_http_port), board.clone()).await?;
    let node = first_connection(&options.node()).await?;
    tokio::select! {
        outcome = Service { options, run, board, node }.live(&binary) => outcome,
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
    board: http::Board,
    node: Node,
}

impl Service<'_> {
    /// Enclave after enclave, each until it crashes.
    async fn live(mut self, binary: &Path) -> Result<()> {
        let mut restarts = Backoff::default();
        loop {
            let begun = Instant::now();
            let enclave =
                Enclave::spawn(binary, &self.options.data_dir, &self.run.limits.arguments()).await?;
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
            tracing::warn!("{error:#}; starting it again");
            self.board.update(|report| report.trouble = Some("the enclave is being restarted".into()));
            metrics::counter!("offstage_enclave_restarts_total").increment(1);
            restarts.pause(begun.elapsed() >= SHORT_LIFE).await;
        }
    }

    /// Hands over what the enclave starts with.
    async fn start(&mut self, enclave: &Enclave) -> Result<Started> {
        let material = loop {
            match self.genesis_material().await {
                Ok(material) => break material,
                Err(error) => self.reconnect(error).await,
            }
        };
        let (Options { listen, .. }, options) = (self.options, self.options);
        let external = |given: &Option<String>, scheme: &str, port: u16| {
            given.clone().unwrap_or_else(|| format!("{scheme}://{listen}:{port}"))
        };
        let request = HostRequest::Start(Box::new(Start {
            shard: self.run.shard,
            trusted_listen: format!("{listen}:{}", options.trusted_worker_port),
            mutual_attestation_listen: format!("{listen}:{}", options.mu_ra_port),
            trusted_external: external(&options.trusted_external_address, "wss", options.trusted_worker_port),
            mutual_attestation_external: external(&options.mu_ra_external_address, "wss", options.mu_ra_port),
            untrusted_external: external(
                &options.untrusted_external_address,
                "ws",
                options.untrusted_worker_port,
            ),
            heartbeat: self.run.heartbeat,
            ..material
        }));
        let started = match enclave.ask(request).await? {
            EnclaveResponse::Started(started) => *started,
            EnclaveResponse::Refused(refusal) => return Err(Refused(refusal).into()),
            _ => bail!(
                "the enclave's answer does not fit the question; host and enclave are of different versions"
            ),
        };
        tracing::info!(
            account = ss58(&started.signer),
            mrenclave = base58(&started.mrenclave),
            shard = %started.shard,
            "enclave started; clients at {}, peers at {}",
            started.trusted_address,
            started.mutual_attestation_address,
        );
        Ok(started)
    }

    async fn genesis_material(&self) -> Result<Start> {
        let genesis = self.node.genesis_hash().await?;
        let header = self.node.header(genesis).await?.encoded()?;
        let keys = [CODE_PATH_KEY.to_vec(), grandpa_authorities_key(), b":grandpa_authorities".to_vec()];
        let proof = self.node.read_proof(&keys, genesis).await?;
        let code = self
            .node
            .storage(b":code", Some(genesis))
            .await?
            .context("the node has no runtime code at genesis")?;
        let (token_decimals, token_symbol) = self.node.token().await?;
        Ok(Start {
            genesis_header: Untrusted::new(header),
            genesis_proof: Untrusted::new(proof),
            runtime_code: Untrusted::new(code),
            token_decimals,
            token_symbol: Untrusted::new(token_symbol),
            shard: None,
            trusted_listen: String::new(),
            mutual_attestation_listen: String::new(),
            trusted_external: String::new(),
            mutual_attestation_external: String::new(),
            untrusted_external: String::new(),
            heartbeat: 0,
        })
    }

    /// Connection after connection, until the enclave is gone or refuses something that no retry can mend.
    async fn follow(&mut self, enclave: &Enclave, started: &Started) -> anyhow::Error {
        if self.run.dev {
            let funded = funding::fund_from_alice(&self.node, &started.signer).await;
            if let Err(error) = funded {
                return error;
            }
        }
        let mut refusals = 0;
        let mut status = started.status.clone();
        loop {
            let outcome = self.follow_node(enclave, started, &mut status, &mut refusals).await;
            let Err(error) = outcome else { continue };
            if error.downcast_ref::<EnclaveGone>().is_some() {
                return error;
            }
            if let Some(Refused(refusal)) = error.downcast_ref::<Refused>() {
                refusals += 1;
                metrics::counter!("offstage_enclave_refusals_total").increment(1);
                if refusal.code == RefusalCode::Store
                    || refusal.code == RefusalCode::Bug
                    || refusals > MAX_REFUSALS
                {
                    return error;
                }
                tracing::warn!("{error:#}; trying again from the enclave's position");
                let trouble =
                    format!("the enclave refuses what the parentchain's node gives: {}", refusal.message);
                self.board.update(|report| report.trouble = Some(trouble));
                tokio::time::sleep(PAUSE_AFTER_REFUSAL).await;
                match enclave.ask_status(HostRequest::Status).await {
                    Ok(now) => status = now,
                    Err(error) => return error,
                }
                continue;
            }
            self.reconnect(error).await;
        }
    }

    /// Follows the chain over one connection.
    async fn follow_node(
        &mut self,
        enclave: &Enclave,
        started: &Started,
        status: &mut Status,
        refusals: &mut u32,
    ) -> Result<()> {
        let mut heads = self.node.finalized_heads().await?;
        let mut feeder = Feeder::new(self.node.clone(), *refusals > 0);
        let mut submitter = Submitter::default();
        let mut key_requests = KeyRequests::new();
        let mut progress = Progress::default();
        if *refusals == 0 {
            self.board.update(|report| report.trouble = None);
        }
        loop {
            match feeder.step(enclave, status).await? {
                Step::Advanced(now) => {
                    if now.position.number > status.position.number {
                        // Only an executed block shows that what was refused is over.
                        if *refusals > 0 {
                            *refusals = 0;
                            self.board.update(|report| report.trouble = None);
                        }
                        metrics::counter!("offstage_blocks_total").increment(1);
                    }
                    *status = now;
                    progress.report(status);
                    self.board.update(|report| report.status = Some(status.clone()));
                    continue;
                }
                Step::AtHead(now) => self.announce(status, now),
            }
            let head = self.node.finalized_head().await?;
            self.board.update(|report| {
                report.status = Some(status.clone());
                report.head = Some(head);
            });
            if status.phase == Phase::NeedsShieldingKey && key_requests.are_due() {
                let trouble = self.request_key(enclave, started).await?;
                key_requests.answered(trouble.as_deref());
                self.board.update(|report| report.trouble = trouble);
            }
            self.submit(enclave, &mut submitter, status).await?;
            tokio::select! {
                next = heads.next() => match next {
                    Some(Ok(_)) => {},
                    Some(Err(error)) => bail!("the node's announcements broke: {error}"),
                    None => bail!("the node closed the connection"),
                },
                () = tokio::time::sleep(POLL) => {},
            }
        }
    }

    fn announce(&self, status: &mut Status, now: Status) {
        if now.phase != status.phase {
            let text = match now.phase {
                Phase::CatchingUp => "catching up with the parentchain",
                Phase::NeedsShieldingKey => {
                    "the shard has a shielding key already; asking its holders for it"
                }
                Phase::AwaitingRegistration => "caught up; waiting to see this start's registration final",
                Phase::Serving => "registered and caught up: serving",
                Phase::Superseded => {
                    "another start with the same keys has registered later; this one stops serving. Run one worker per data folder"
                }
            };
            tracing::info!(block = now.position.number, "{text}");
        }
        if let Some(notice) = now.notice.as_ref().filter(|notice| status.notice.as_ref() != Some(notice)) {
            tracing::warn!("{notice}");
        }
        *status = now;
    }

    async fn submit(&self, enclave: &Enclave, submitter: &mut Submitter, status: &mut Status) -> Result<()> {
        match enclave.ask(HostRequest::Collect).await? {
            EnclaveResponse::Collected { extrinsics, status: now } => {
                self.announce(status, *now);
                submitter.submit(&self.node, &extrinsics, status.position.number).await;
                Ok(())
            }
            EnclaveResponse::Refused(refusal) => Err(Refused(refusal).into()),
            _ => bail!(
                "the enclave's answer does not fit the question; host and enclave are of different versions"
            ),
        }
    }

    /// Offers the enclave one registered peer after the other. The answer is what an operator should know when none of them gave
    /// the key.
    async fn request_key(&self, enclave: &Enclave, started: &Started) -> Result<Option<String>> {
        let providers = registry::provider_urls(&self.node, &started.mrenclave, &started.signer).await?;
        let mut refusals = Vec::new();
        for url in providers {
            let asked = match registry::mutual_attestation_url(&url).await {
                Ok(peer) => enclave.ask_status(HostRequest::RequestShieldingKey(Untrusted::new(peer))).await,
                Err(error) => Err(error),
            };
            match asked {
                Ok(_) => {
                    tracing::info!(from = url, "received the shielding key from an attested peer");
                    return Ok(None);
                }
                Err(error) if error.downcast_ref::<EnclaveGone>().is_some() => return Err(error),
                Err(error) => refusals.push(format!("{url}: {error:#}")),
            }
        }
        Ok(Some(if refusals.is_empty() {
            "no other enclave of the shard is registered, so nobody has its shielding key; start a worker that has it".into()
        } else {
            format!(
                "no peer gives the shard's shielding key; start a worker that has it ({})",
                refusals.join("; ")
            )
        }))
    }

    /// Waits until the node answers again; for as long as it takes.
    async fn reconnect(&mut self, cause: anyhow::Error) {
        tracing::warn!("{cause:#}; reconnecting");
        self.board.update(|report| report.trouble = Some("the parentchain's node does not answer".into()));
        metrics::counter!("offstage_node_reconnects_total").increment(1);
        let mut pauses = Backoff::default();
        loop {
            pauses.pause(false).await;
            match Node::connect(&self.options.node()).await {
                Ok(node) => {
                    tracing::info!("connected to the node again");
                    self.node = node;
                    return;
                }
                Err(error) => tracing::debug!("{error:#}"),
            }
        }
    }
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

/// The node may be starting at the same moment: some seconds of patience, then a clear error.
async fn first_connection(url: &str) -> Result<Node> {
    let begun = Instant::now();
    loop {
        match Node::connect(url).await {
            Ok(node) => return Ok(node),
            Err(error) if begun.elapsed() > FIRST_CONNECTION => return Err(error),
            Err(_) => tokio::time::sleep(Duration::from_millis(500)).await,
        }
    }
}

/// Removes the sealed store, and nothing that is not part of one.
fn clean_reset(folder: &Path) -> Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    let entries = std::fs::read_dir(folder)
        .with_context(|| format!("cannot read the data folder {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_file() {
            std::fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    tracing::info!(folder = %folder.display(), "removed the sealed store");
    Ok(())
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

fn grandpa_authorities_key() -> Vec<u8> {
    [twox_128(b"Grandpa"), twox_128(b"Authorities")].concat()
}

/// Absent by its last byte: the proof of that leads to the leaf of `:code`, which holds the code's hash, and leaves out
/// the code itself (`GenesisMaterial` of the light client).
const CODE_PATH_KEY: &[u8] = b":code\0";
const FIRST_CONNECTION: Duration = Duration::from_secs(10);
/// An enclave that ends sooner than this after its start did not work.
const SHORT_LIFE: Duration = Duration::from_secs(20);
const MAX_SHORT_LIVES: u32 = 3;
const MAX_REFUSALS: u32 = 20;
const PAUSE_AFTER_REFUSAL: Duration = Duration::from_secs(1);
const PROGRESS_EVERY: Duration = Duration::from_secs(10);
/// A finalized head may be announced before its justification is there, so the node is asked at least this often.
const POLL: Duration = Duration::from_millis(500);
