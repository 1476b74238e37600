// SPDX-License-Identifier: Apache-2.0
//! The metrics: their names, what they mean, and the histogram's buckets.

use crate::board::FINALITY_TO_COMMIT;
use anyhow::{Context, Result};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Lets every metric be recorded from now on.
///
/// # Errors
/// When another recorder is there already.
pub fn install() -> Result<PrometheusHandle> {
    let handle = builder()?.install_recorder().context("cannot set up metrics")?;
    describe();
    Ok(handle)
}

/// A recorder with this worker's buckets.
pub(crate) fn builder() -> Result<PrometheusBuilder> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full(FINALITY_TO_COMMIT.into()), &SECONDS)
        .context("cannot set up metrics")
}

/// Tells the recorder what each metric means.
pub(crate) fn describe() {
    for (name, help) in GAUGES {
        metrics::describe_gauge!(*name, *help);
    }
    for (name, help) in COUNTERS {
        metrics::describe_counter!(*name, *help);
    }
    metrics::describe_histogram!(FINALITY_TO_COMMIT, metrics::Unit::Seconds, FINALITY_TO_COMMIT_HELP);
}

const GAUGES: &[(&str, &str)] = &[
    ("offstage_position", "Number of the last block that the enclave executed"),
    ("offstage_finalized_head", "Number of the newest block that the node holds for final"),
    ("offstage_blocks_behind", "Finalized blocks that the enclave has not executed yet"),
    ("offstage_outbox_length", "Effects that the enclave has not yet seen final on chain"),
    ("offstage_operations", "Operations executed since the enclave's start"),
    ("offstage_serving", "1 when the enclave answers clients, else 0"),
    ("offstage_initialized", "1 when clients can use the worker, else 0"),
    (
        "offstage_enclave_busy_seconds",
        "Seconds since the enclave began with what it is working on; 0 when it waits",
    ),
];

const COUNTERS: &[(&str, &str)] = &[
    ("offstage_blocks_total", "Blocks that the enclave executed"),
    ("offstage_enclave_restarts_total", "Times that the enclave ended and was started again"),
    ("offstage_enclave_refusals_total", "Times that the enclave refused what the node gave"),
    ("offstage_extrinsics_submitted_total", "Extrinsics of the enclave that the node took"),
    ("offstage_extrinsics_refused_total", "Extrinsics of the enclave that the node did not take"),
    ("offstage_node_reconnects_total", "Times that the connection to the node was lost"),
];

const FINALITY_TO_COMMIT_HELP: &str = "Seconds from the node's announcement of a block's finality \
    to the commit of its execution, by the host's clock";

/// Upper bounds of the buckets: from a light block on a development chain to a worker that falls behind.
const SECONDS: [f64; 14] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 6.0, 12.0, 30.0, 60.0, 300.0];
