// SPDX-License-Identifier: Apache-2.0
//! What operators and their monitors read: `/is_initialized`, `/health` and `/metrics`.

use anyhow::{Context, Result};
use axum::{Router, extract::State, http::StatusCode, response::IntoResponse, routing::get};
use metrics_exporter_prometheus::PrometheusHandle;
use offstage_protocol::{BlockReference, Parked, Phase, Status};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

/// How the worker is, shared between the service's loop, which writes, and the servers, which read.
#[derive(Clone, Default)]
pub struct Board(Arc<Mutex<Report>>);

/// What is known about the worker.
#[derive(Clone, Default)]
pub struct Report {
    /// The enclave's last status.
    pub status: Option<Status>,
    /// The node's finalized head.
    pub head: Option<BlockReference>,
    /// Why the worker waits, when it does: the node is away, the enclave restarts.
    pub trouble: Option<String>,
}

impl Board {
    /// Changes the report.
    pub fn update(&self, change: impl FnOnce(&mut Report)) {
        if let Ok(mut report) = self.0.lock() {
            change(&mut report);
            publish_metrics(&report);
        }
    }

    /// The report as it is now.
    pub fn report(&self) -> Report {
        self.0.lock().map(|report| report.clone()).unwrap_or_default()
    }
}

impl Report {
    /// Whether clients can use the worker: registered, and caught up with the finalized head.
    pub fn is_initialized(&self) -> bool {
        self.trouble.is_none()
            && self.status.as_ref().is_some_and(|status| status.phase == Phase::Serving)
            && self.lag().is_some_and(|lag| lag <= MAX_LAG)
    }

    /// Finalized blocks that are not executed yet.
    pub fn lag(&self) -> Option<u32> {
        let (status, head) = (self.status.as_ref()?, self.head?);
        Some(head.number.saturating_sub(status.position.number))
    }

    fn health(&self) -> Value {
        let status = self.status.as_ref();
        json!({
            "initialized": self.is_initialized(),
            "phase": status.map(|status| format!("{:?}", status.phase)),
            "position": status.map(|status| status.position.number),
            "positionHash": status.map(|status| format!("{:?}", status.position.hash)),
            "finalizedHead": self.head.map(|head| head.number),
            "blocksBehind": self.lag(),
            "outbox": status.map(|status| status.outbox_len),
            "operations": status.map(|status| status.operations),
            "notice": status.and_then(|status| status.notice.clone()),
            "parked": status.map(|status| status.parked.iter().map(parked).collect::<Vec<_>>()),
            "trouble": self.trouble,
        })
    }
}

/// What the enclave does not submit any more: what, how many, why and what helps.
fn parked(parked: &Parked) -> Value {
    json!({ "kind": format!("{:?}", parked.kind), "count": parked.count, "reason": parked.reason.to_string() })
}

/// Serves `/is_initialized` (200 when clients can use the worker, else 404) and `/health` (JSON).
///
/// # Errors
/// When the address is in use.
pub async fn serve_health(address: &str, board: Board) -> Result<()> {
    let router = Router::new()
        .route("/is_initialized", get(is_initialized))
        .route("/health", get(health))
        .with_state(board);
    serve(address, router, "--untrusted-http-port").await
}

/// Serves `/metrics` in Prometheus' text form.
///
/// # Errors
/// When the address is in use.
pub async fn serve_metrics(address: &str, handle: PrometheusHandle) -> Result<()> {
    let router = Router::new().route("/metrics", get(move || async move { handle.render() }));
    serve(address, router, "--metrics-port").await
}

async fn serve(address: &str, router: Router, flag: &str) -> Result<()> {
    let listener = TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address}: free the port, or choose another with {flag}")
    })?;
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!("an HTTP server stopped: {error}");
        }
    });
    Ok(())
}

async fn is_initialized(State(board): State<Board>) -> impl IntoResponse {
    if board.report().is_initialized() {
        (StatusCode::OK, "I am initialized.\n")
    } else {
        (StatusCode::NOT_FOUND, "not yet; /health says more\n")
    }
}

async fn health(State(board): State<Board>) -> impl IntoResponse {
    let report = board.report();
    let code = if report.is_initialized() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, [("content-type", "application/json")], format!("{:#}\n", report.health()))
}

fn publish_metrics(report: &Report) {
    if let Some(status) = &report.status {
        metrics::gauge!("offstage_position").set(f64::from(status.position.number));
        metrics::gauge!("offstage_outbox_length").set(f64::from(status.outbox_len));
        metrics::gauge!("offstage_operations").set(status.operations as f64);
        metrics::gauge!("offstage_serving").set(f64::from(u8::from(status.phase == Phase::Serving)));
    }
    if let Some(head) = report.head {
        metrics::gauge!("offstage_finalized_head").set(f64::from(head.number));
    }
    if let Some(lag) = report.lag() {
        metrics::gauge!("offstage_blocks_behind").set(f64::from(lag));
    }
    metrics::gauge!("offstage_initialized").set(f64::from(u8::from(report.is_initialized())));
}

/// The head moves while a block is executed; so far behind still counts as caught up.
const MAX_LAG: u32 = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use offstage_primitives::H256;

    fn block(number: u32) -> BlockReference {
        BlockReference { number, hash: H256::zero() }
    }

    fn report(phase: Phase, position: u32, head: u32) -> Report {
        let status = Status {
            phase,
            position: block(position),
            finalized: block(position),
            tip: block(position),
            watched_keys: vec![],
            wanted_code: None,
            wanted_headers: None,
            outbox_len: 0,
            operations: 0,
            notice: None,
            parked: vec![],
        };
        Report { status: Some(status), head: Some(block(head)), trouble: None }
    }

    #[test]
    fn only_a_serving_worker_at_the_head_without_trouble_is_initialized() {
        assert!(!Report::default().is_initialized());
        assert!(report(Phase::Serving, 10, 11).is_initialized());
        assert!(!report(Phase::Serving, 10, 14).is_initialized());
        assert!(!report(Phase::AwaitingRegistration, 10, 10).is_initialized());
        assert!(!report(Phase::Superseded, 10, 10).is_initialized());
        assert!(
            !Report { trouble: Some("node away".into()), ..report(Phase::Serving, 10, 10) }.is_initialized()
        );
    }

    #[tokio::test]
    async fn a_port_in_use_is_a_clear_error() {
        let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = taken.local_addr().unwrap().to_string();
        let error = serve_health(&address, Board::default()).await.unwrap_err().to_string();
        assert!(error.contains("--untrusted-http-port") && error.contains(&address), "{error}");
    }
}
