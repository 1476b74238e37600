// SPDX-License-Identifier: Apache-2.0
//! The metrics: their names, what they mean, and the histogram's buckets.

use crate::{
    board::{FINALITY_TO_COMMIT, Report},
    enclave::Vitals,
    trouble::TroubleCode,
};
use anyhow::{Context, Result};
use metrics::Unit;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use offstage_protocol::{Funds, Phase, Status, files};
use std::{path::Path, time::Instant};

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
    for (name, unit, help) in GAUGES {
        metrics::describe_gauge!(*name, *unit, *help);
    }
    for (name, unit, help) in COUNTERS {
        metrics::describe_counter!(*name, *unit, *help);
        metrics::counter!(*name).increment(0);
    }
    metrics::describe_histogram!(FINALITY_TO_COMMIT, Unit::Seconds, FINALITY_TO_COMMIT_HELP);
    let _ = metrics::histogram!(FINALITY_TO_COMMIT);
}

/// Sets every gauge to what is known. What is not known is no number, so that no alert takes it for one.
pub(crate) fn publish(report: &Report) {
    let set = |name: &'static str, value: Option<f64>| metrics::gauge!(name).set(value.unwrap_or(f64::NAN));
    let flag = |yes: bool| Some(f64::from(u8::from(yes)));
    let (status, trouble) = (report.status.as_ref(), report.trouble());
    let seconds = |then: Option<Instant>| then.map(|then| then.elapsed().as_secs_f64());
    set("offstage_position", status.map(|status| status.position.number.into()));
    set("offstage_finalized_head", report.head.map(|head| head.number.into()));
    set("offstage_blocks_behind", report.lag().map(f64::from));
    set("offstage_outbox_length", status.map(|status| status.outbox_len.into()));
    set("offstage_outbox_age_blocks", status.map(outbox_age));
    set("offstage_operations", status.map(|status| status.operations as f64));
    set("offstage_serving", flag(status.is_some_and(|status| status.phase == Phase::Serving)));
    for phase in PHASES {
        let is_it = status.is_some_and(|status| status.phase == phase);
        metrics::gauge!("offstage_phase", "phase" => format!("{phase:?}")).set(f64::from(u8::from(is_it)));
    }
    set("offstage_initialized", flag(report.is_initialized()));
    set("offstage_ready", flag(report.is_ready()));
    set("offstage_degraded", flag(report.is_ready() && trouble.is_some()));
    for code in TroubleCode::ALL {
        let is_it = trouble.as_ref().is_some_and(|trouble| trouble.code == code);
        metrics::gauge!("offstage_trouble", "code" => code.to_string()).set(f64::from(u8::from(is_it)));
    }
    let is_silent = trouble.as_ref().is_some_and(|trouble| trouble.code == TroubleCode::NodeSilent);
    set("offstage_node_up", flag(report.node_answered.is_some() && !is_silent));
    set("offstage_enclave_up", flag(report.enclave.as_ref().is_some_and(Vitals::is_running)));
    set("offstage_enclave_busy_seconds", Some(report.busy_for().as_secs_f64()));
    set("offstage_final_block_age_seconds", seconds(report.finalized_at));
    set("offstage_enclave_answer_age_seconds", seconds(report.enclave.as_ref().and_then(Vitals::answered)));
    let funds = status.and_then(|status| status.funds.as_ref());
    let in_units = |funds: &Funds, amount: u128| amount as f64 / 10f64.powi(funds.token_decimals.into());
    set("offstage_balance", funds.map(|funds| in_units(funds, funds.balance)));
    set("offstage_fees_paid", funds.map(|funds| in_units(funds, funds.fees_paid)));
    set("offstage_fees_per_day", funds.and_then(|funds| Some(in_units(funds, funds.fees_per_day?))));
    set("offstage_days_left", funds.and_then(|funds| funds.days_left).map(f64::from));
    let left = status.map(|status| status.registration_left_secs.unwrap_or_default() as f64);
    set("offstage_registration_left_seconds", left);
    set("offstage_peers", status.map(|status| status.peers.into()));
    let folder = report.data_dir.as_deref();
    set("offstage_store_bytes", folder.and_then(store_bytes));
    set("offstage_free_disk_bytes", folder.and_then(free_bytes));
    let measurement =
        report.identity.as_ref().map(|identity| identity.measurement.to_string()).unwrap_or_default();
    let version = env!("CARGO_PKG_VERSION");
    metrics::gauge!("offstage_build_info", "version" => version, "measurement" => measurement).set(1.0);
}

fn outbox_age(status: &Status) -> f64 {
    status.outbox_since.map_or(0, |since| status.position.number.saturating_sub(since)).into()
}

fn store_bytes(folder: &Path) -> Option<f64> {
    Some(std::fs::metadata(folder.join(files::STORE)).ok()?.len() as f64)
}

fn free_bytes(folder: &Path) -> Option<f64> {
    let room = rustix::fs::statvfs(folder).ok()?;
    Some(room.f_bavail.saturating_mul(room.f_frsize) as f64)
}

const PHASES: [Phase; 6] = [
    Phase::CatchingUp,
    Phase::AwaitingRegistration,
    Phase::NeedsShieldingKey,
    Phase::Serving,
    Phase::Superseded,
    Phase::Leaving,
];

/// Names, units and meanings, as `/metrics` and the manual have them.
const GAUGES: &[(&str, Unit, &str)] = &[
    ("offstage_position", Unit::Count, "Number of the last block that the enclave executed"),
    ("offstage_finalized_head", Unit::Count, "Number of the newest block that the node holds for final"),
    ("offstage_blocks_behind", Unit::Count, "Finalized blocks that the enclave has not executed yet"),
    ("offstage_outbox_length", Unit::Count, "Effects that the enclave has not yet seen final on chain"),
    (
        "offstage_outbox_age_blocks",
        Unit::Count,
        "Blocks since the oldest of what is under way was first handed out; 0 when nothing is",
    ),
    ("offstage_operations", Unit::Count, "Operations executed since the enclave's start"),
    ("offstage_serving", Unit::Count, "1 when the enclave answers clients, else 0"),
    ("offstage_phase", Unit::Count, "1 for the phase in which the enclave is, by the label phase, else 0"),
    (
        "offstage_initialized",
        Unit::Count,
        "1 when clients can use the worker and nothing is in its way, else 0",
    ),
    ("offstage_ready", Unit::Count, "1 when clients can use the worker, else 0"),
    (
        "offstage_degraded",
        Unit::Count,
        "1 when clients can use the worker, but something is in its way, else 0",
    ),
    ("offstage_trouble", Unit::Count, "1 for what is in the worker's way, by the label code, else 0"),
    ("offstage_node_up", Unit::Count, "1 when the node is connected and answers, else 0"),
    ("offstage_enclave_up", Unit::Count, "1 when the enclave's process runs, else 0"),
    (
        "offstage_enclave_busy_seconds",
        Unit::Seconds,
        "Time since the enclave began with what it is working on; 0 when it waits",
    ),
    ("offstage_final_block_age_seconds", Unit::Seconds, "Time since the newest final block became known"),
    ("offstage_enclave_answer_age_seconds", Unit::Seconds, "Time since the enclave's last answer"),
    ("offstage_balance", Unit::Count, "Free balance of the enclave's account, in the chain's unit"),
    (
        "offstage_fees_paid",
        Unit::Count,
        "Fees that the enclave's account paid since the enclave's start, in the chain's unit",
    ),
    (
        "offstage_fees_per_day",
        Unit::Count,
        "Fees a day, estimated from those that were paid, in the chain's unit",
    ),
    ("offstage_days_left", Unit::Count, "Days for which the balance lasts at this rate"),
    (
        "offstage_registration_left_seconds",
        Unit::Seconds,
        "Chain time for which the enclave's registration still counts; 0 when it does not",
    ),
    ("offstage_peers", Unit::Count, "Other enclaves that hold a slot of the shard on chain"),
    ("offstage_store_bytes", Unit::Bytes, "Size of the sealed store"),
    ("offstage_free_disk_bytes", Unit::Bytes, "Free space of the disk under the data folder"),
    (
        "offstage_build_info",
        Unit::Count,
        "1; the labels are the version of the host and the enclave's measurement",
    ),
];

const COUNTERS: &[(&str, Unit, &str)] = &[
    ("offstage_blocks_total", Unit::Count, "Blocks that the enclave executed"),
    ("offstage_enclave_restarts_total", Unit::Count, "Times that the enclave ended and was started again"),
    ("offstage_enclave_refusals_total", Unit::Count, "Times that the enclave refused what the node gave"),
    ("offstage_extrinsics_submitted_total", Unit::Count, "Extrinsics of the enclave that the node took"),
    (
        "offstage_extrinsics_refused_total",
        Unit::Count,
        "Extrinsics of the enclave that the node did not take",
    ),
    ("offstage_node_reconnects_total", Unit::Count, "Times that the connection to the node was lost"),
];

const FINALITY_TO_COMMIT_HELP: &str = "Seconds from the node's announcement of a block's finality \
    to the commit of its execution, by the host's clock";

/// Upper bounds of the buckets: from a light block on a development chain to a worker that falls behind.
const SECONDS: [f64; 14] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 6.0, 12.0, 30.0, 60.0, 300.0];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{board::Board, testing::status};

    /// Everything that `/metrics` shows.
    fn shown(board: &Board) -> String {
        let recorder = builder().unwrap().build_recorder();
        let handle = recorder.handle();
        metrics::with_local_recorder(&recorder, || {
            describe();
            board.publish();
        });
        handle.render()
    }

    /// What was seen: nothing before the first connection, no counter before it counts, and no HELP.
    #[test]
    fn every_metric_is_there_from_the_start_with_its_meaning_and_in_the_manual() {
        let text = shown(&Board::default());
        let manual = include_str!("../../../docs/src/operating.md");
        let names = GAUGES.iter().chain(COUNTERS).map(|(name, _, help)| (*name, *help));
        let mut count = 0;
        for (name, help) in names.chain([(FINALITY_TO_COMMIT, FINALITY_TO_COMMIT_HELP)]) {
            assert!(text.contains(&format!("# HELP {name} {help}")), "{name}: {text}");
            assert!(
                text.lines().any(|line| !line.starts_with('#') && line.starts_with(name)),
                "{name}: {text}"
            );
            assert!(manual.contains(&format!("| `{name}` |")), "docs/src/operating.md: {name}");
            count += 1;
        }
        assert_eq!(
            manual.matches("| `offstage_").count(),
            count,
            "docs/src/operating.md names one that is not there"
        );
        assert_eq!(text.matches("# HELP ").count(), count, "one has no description here: {text}");
        assert!(text.contains("offstage_blocks_total 0") && text.contains("offstage_position NaN"), "{text}");
        assert!(
            text.contains("offstage_node_up 0") && text.contains(r#"offstage_phase{phase="Serving"} 0"#),
            "{text}"
        );
    }

    #[test]
    fn what_the_enclave_tells_is_measured_in_the_chains_unit() {
        let funds = Funds {
            balance: 2_500_000_000_000,
            deposit: 1,
            fees_paid: 500_000_000_000,
            fees_per_day: None,
            days_left: Some(7),
            needed: None,
            token_decimals: 12,
            token_symbol: "UNIT".into(),
        };
        let board = Board::default();
        let told = Status { funds: Some(funds), outbox_since: Some(3), peers: 4, ..status(10) };
        board.note_status(&told);
        board.note_data_dir(Path::new("."));
        let text = shown(&board);
        for line in [
            "offstage_balance 2.5",
            "offstage_fees_paid 0.5",
            "offstage_fees_per_day NaN",
            "offstage_days_left 7",
            "offstage_outbox_age_blocks 7",
            "offstage_registration_left_seconds 0",
            "offstage_peers 4",
            r#"offstage_phase{phase="Serving"} 1"#,
        ] {
            assert!(text.lines().any(|shown| shown == line), "{line}: {text}");
        }
        assert!(!text.contains("offstage_free_disk_bytes NaN"), "{text}");
    }
}
