// SPDX-License-Identifier: Apache-2.0
//! What operators and their monitors read: `/live`, `/ready`, `/is_initialized`, `/health` and `/metrics`.
//!
//! Each question has a connection of its own, which is short: see `connections`.

mod connections;

use crate::board::Board;
use anyhow::{Context, Result};
use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use connections::{Limits, ShortConnections};
use metrics_exporter_prometheus::PrometheusHandle;
use std::{net::SocketAddr, time::Duration};
use tokio::net::TcpListener;

/// Serves `/live` (503 when only a restart helps), `/ready` (503 when clients cannot use the worker), `/is_initialized`
/// (404 when they cannot, or something is in the worker's way) and `/health` (JSON). Returns where.
///
/// # Errors
/// When the address is in use.
pub async fn serve_health(address: &str, board: Board) -> Result<SocketAddr> {
    serve(address, health_of(board), "--untrusted-http-port", Limits::default()).await
}

fn health_of(board: Board) -> Router {
    Router::new()
        .route("/is_initialized", get(is_initialized))
        .route("/health", get(health))
        .route("/live", get(live))
        .route("/ready", get(ready))
        .with_state(board)
}

/// Serves `/metrics` in Prometheus' text form. The answer is where.
///
/// # Errors
/// When the address is in use.
pub async fn serve_metrics(address: &str, board: Board, handle: PrometheusHandle) -> Result<SocketAddr> {
    let rendering = handle.clone();
    let metrics = move || async move {
        board.publish();
        (CLOSE, rendering.render())
    };
    let router = Router::new().route("/metrics", get(metrics));
    let serving = serve(address, router, "--metrics-port", Limits::default()).await?;
    // Samples of a histogram wait until somebody counts them.
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(UPKEEP).await;
            handle.run_upkeep();
        }
    });
    Ok(serving)
}

async fn serve(address: &str, router: Router, flag: &str, limits: Limits) -> Result<SocketAddr> {
    let listener = TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address}: free the port, or choose another with {flag} or --untrusted-http-address")
    })?;
    let serving = listener.local_addr()?;
    tokio::spawn(async move {
        if let Err(error) = axum::serve(ShortConnections::new(listener, limits), router).await {
            tracing::error!("an HTTP server stopped: {error}");
        }
    });
    Ok(serving)
}

async fn is_initialized(State(board): State<Board>) -> impl IntoResponse {
    if board.report().is_initialized() {
        (StatusCode::OK, CLOSE, "I am initialized.\n")
    } else {
        (StatusCode::NOT_FOUND, CLOSE, "not yet; /health says more\n")
    }
}

async fn live(State(board): State<Board>) -> impl IntoResponse {
    answer(board.report().is_live())
}

async fn ready(State(board): State<Board>) -> impl IntoResponse {
    answer(board.report().is_ready())
}

fn answer(yes: bool) -> impl IntoResponse {
    let (code, text) = if yes {
        (StatusCode::OK, "yes\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "no; /health says more\n")
    };
    (code, CLOSE, text)
}

async fn health(State(board): State<Board>) -> impl IntoResponse {
    let report = board.report();
    let code = if report.is_initialized() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, CLOSE, [(header::CONTENT_TYPE, "application/json")], format!("{:#}\n", report.health()))
}

/// A monitor connects again for its next question, instead of holding a place.
const CLOSE: [(header::HeaderName, &str); 1] = [(header::CONNECTION, "close")];
const UPKEEP: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests;
