// SPDX-License-Identifier: Apache-2.0
//! What is known about the worker, at any time.
//!
//! Three write: the loop that feeds the enclave, what follows the node's head beside it, and the enclave's process.
//! So the report is true also while the enclave works on one block for a minute (threat model P14).

use crate::{
    enclave::Vitals,
    measures,
    trouble::{Patience, Trouble, stall},
};
use offstage_primitives::{BlockHash, Measurement, ShardIdentifier};
use offstage_protocol::{BlockReference, Funds, Parked, Phase, Status};
use serde_json::{Value, json};
use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

/// How the worker is, shared between those who write and the servers, which read.
#[derive(Clone, Default)]
pub struct Board(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    report: Report,
    announced: Announced,
}

/// What is known about the worker.
#[derive(Clone, Default)]
pub struct Report {
    /// The enclave's last status.
    pub status: Option<Status>,
    /// The node's finalized head.
    pub head: Option<BlockReference>,
    /// Why the worker waits, as far as it was noticed: the node is away, the enclave restarts. What should have
    /// happened and did not comes on top, see [`trouble`](Report::trouble).
    pub noted: Option<Trouble>,
    /// When the node last answered.
    pub node_answered: Option<Instant>,
    /// When the newest final block became known.
    pub finalized_at: Option<Instant>,
    /// For how long silence is no trouble.
    pub patience: Patience,
    /// Where the store is.
    pub data_dir: Option<PathBuf>,
    /// What can be seen of the enclave without asking it.
    pub enclave: Option<Vitals>,
    /// Who the worker is.
    pub identity: Option<WorkerIdentity>,
}

/// Who a worker is, as it is shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WorkerIdentity {
    /// The enclave's account, as people write it on this chain.
    pub account: String,
    /// The enclave's measurement.
    pub measurement: Measurement,
    /// The shard that it serves.
    pub shard: ShardIdentifier,
    /// Hash of the chain's genesis header.
    pub genesis: BlockHash,
}

impl Board {
    /// The enclave says how far it is.
    pub fn note_status(&self, status: &Status) {
        self.update(|state| {
            let before = state.report.status.as_ref().map(|status| status.position.number);
            let now = status.position.number;
            // One block further; any other distance is a start, or a way back.
            if before.is_some_and(|before| before.checked_add(1) == Some(now))
                && let Some(since) = state.announced.executed(now)
            {
                metrics::histogram!(FINALITY_TO_COMMIT).record(since.as_secs_f64());
            }
            state.report.status = Some(status.clone());
        });
    }

    /// The node has a new finalized head.
    pub fn note_head(&self, head: BlockReference) {
        self.update(|state| {
            // What was final before the first look has no known time.
            if state.report.head.is_some_and(|known| known.number < head.number) {
                state.announced.note(head.number);
            }
            if state.report.head.is_none_or(|known| known.number < head.number) {
                state.report.finalized_at = Some(Instant::now());
            }
            state.report.head = Some(head);
        });
    }

    /// The node answered.
    pub fn note_node_answer(&self) {
        self.update(|state| state.report.node_answered = Some(Instant::now()));
    }

    /// The node is not connected: nothing is expected of it.
    pub fn note_node_gone(&self) {
        self.update(|state| state.report.node_answered = None);
    }

    /// Where the store is.
    pub fn note_data_dir(&self, folder: &Path) {
        self.update(|state| state.report.data_dir = Some(folder.to_owned()));
    }

    /// Another patience than the usual one.
    pub fn with_patience(self, patience: Patience) -> Self {
        self.update(|state| state.report.patience = patience);
        self
    }

    /// Something keeps the worker from going on, or no longer does.
    pub fn note_trouble(&self, trouble: Option<Trouble>) {
        self.update(|state| state.report.noted = trouble);
    }

    /// Another enclave process works from now on.
    pub fn note_enclave(&self, vitals: Vitals) {
        self.update(|state| state.report.enclave = Some(vitals));
    }

    /// The enclave has started and says who it is.
    pub fn note_identity(&self, identity: WorkerIdentity) {
        self.update(|state| state.report.identity = Some(identity));
    }

    /// The report as it is now.
    pub fn report(&self) -> Report {
        self.0.lock().map(|state| state.report.clone()).unwrap_or_default()
    }

    /// Brings the gauges up to date, also those that change with time alone.
    pub fn publish(&self) {
        measures::publish(&self.report());
    }

    fn update(&self, change: impl FnOnce(&mut State)) {
        if let Ok(mut state) = self.0.lock() {
            change(&mut state);
            measures::publish(&state.report);
        }
    }
}

impl Report {
    /// Whether the worker is as it should be: ready, and nothing is in its way.
    pub fn is_initialized(&self) -> bool {
        self.is_ready() && self.trouble().is_none()
    }

    /// Whether clients can use the worker now: registered, answering, and caught up with the finalized head that it
    /// knows.
    pub fn is_ready(&self) -> bool {
        self.enclave.as_ref().is_none_or(Vitals::is_running)
            && self.busy_for() <= self.patience.enclave
            && self.status.as_ref().is_some_and(|status| status.phase == Phase::Serving)
            && self.lag().is_some_and(|lag| lag <= MAX_LAG)
    }

    /// Whether there is no reason to start the worker again: only an enclave that hangs is helped so.
    pub fn is_live(&self) -> bool {
        self.busy_for() <= self.patience.life
    }

    /// What is in the worker's way now.
    pub fn trouble(&self) -> Option<Trouble> {
        self.noted.clone().or_else(|| stall(self, Instant::now()))
    }

    /// Finalized blocks that are not executed yet.
    pub fn lag(&self) -> Option<u32> {
        let (status, head) = (self.status.as_ref()?, self.head?);
        Some(head.number.saturating_sub(status.position.number))
    }

    /// What `/health` returns.
    pub fn health(&self) -> Value {
        let (status, identity) = (self.status.as_ref(), self.identity.as_ref());
        let (is_ready, trouble) = (self.is_ready(), self.trouble());
        json!({
            "account": identity.map(|identity| &identity.account),
            "mrenclave": identity.map(|identity| identity.measurement.to_string()),
            "shard": identity.map(|identity| identity.shard.to_string()),
            "genesis": identity.map(|identity| format!("{:?}", identity.genesis)),
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
            "trouble": trouble.as_ref().map(|trouble| &trouble.text),
            "troubleCode": trouble.as_ref().map(|trouble| trouble.code.to_string()),
            "live": self.is_live(),
            "ready": is_ready,
            "degraded": is_ready && trouble.is_some(),
            "secondsSinceFinalBlock": seconds_since(self.finalized_at),
            "secondsSinceNodeAnswer": seconds_since(self.node_answered),
            "secondsSinceEnclaveAnswer": seconds_since(self.enclave.as_ref().and_then(Vitals::answered)),
            "fees": status.and_then(|status| status.funds.as_ref()).map(fees),
            "outboxSince": status.and_then(|status| status.outbox_since),
            "registrationCountsForSeconds": status.and_then(|status| status.registration_left_secs),
            "peerCount": status.map(|status| status.peers),
            "enclaveRunning": self.enclave.as_ref().map(Vitals::is_running),
            "enclaveBusySeconds": self.enclave.as_ref().map(|_| self.busy_for().as_secs()),
        })
    }

    /// For how long the enclave has been working on one request; zero when it waits for the next.
    pub(crate) fn busy_for(&self) -> Duration {
        self.enclave.as_ref().and_then(Vitals::busy_for).unwrap_or_default()
    }
}

/// When which blocks became known as final. An announcement is of all blocks since the one before.
#[derive(Default)]
struct Announced(VecDeque<(u32, Instant)>);

impl Announced {
    fn note(&mut self, head: u32) {
        if self.0.len() == MAX_ANNOUNCED {
            self.0.pop_front();
        }
        self.0.push_back((head, Instant::now()));
    }

    /// How long ago this block became known as final, if that was seen.
    fn executed(&mut self, number: u32) -> Option<Duration> {
        while self.0.front().is_some_and(|(upto, _)| *upto < number) {
            self.0.pop_front();
        }
        self.0.front().map(|(_, since)| since.elapsed())
    }
}

/// The histogram of the time between the announcement of a block's finality and the commit of its execution, in
/// seconds.
pub const FINALITY_TO_COMMIT: &str = "offstage_finality_to_commit_seconds";
/// The head moves while a block is executed; so far behind still counts as caught up.
const MAX_LAG: u32 = 3;
/// Announcements whose times are kept: more than an hour of a block each second.
const MAX_ANNOUNCED: usize = 4_096;

/// What the enclave's account has and pays. Amounts are decimal numbers as text, in the smallest unit.
fn fees(funds: &Funds) -> Value {
    json!({
        "balance": funds.balance.to_string(),
        "deposit": funds.deposit.to_string(),
        "paid": funds.fees_paid.to_string(),
        "perDay": funds.fees_per_day.map(|fees| fees.to_string()),
        "daysLeft": funds.days_left,
        "needed": funds.needed.map(|needed| needed.to_string()),
        "decimals": funds.token_decimals,
        "symbol": funds.token_symbol,
    })
}

fn seconds_since(then: Option<Instant>) -> Option<u64> {
    then.map(|then| then.elapsed().as_secs())
}

/// What the enclave does not submit any more: what, how many, why and what helps.
fn parked(parked: &Parked) -> Value {
    json!({ "kind": format!("{:?}", parked.kind), "count": parked.count, "reason": parked.reason.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        testing::{block, status},
        trouble::TroubleCode,
    };

    fn report(phase: Phase, position: u32, head: u32) -> Report {
        let status = Status { phase, ..status(position) };
        Report { status: Some(status), head: Some(block(head)), ..Report::default() }
    }

    #[test]
    fn only_a_serving_worker_at_the_head_without_trouble_is_initialized() {
        assert!(!Report::default().is_initialized());
        assert!(report(Phase::Serving, 10, 11).is_initialized());
        assert!(!report(Phase::Serving, 10, 14).is_initialized());
        assert!(!report(Phase::AwaitingRegistration, 10, 10).is_initialized());
        assert!(!report(Phase::Superseded, 10, 10).is_initialized());
        let away = Trouble::new(TroubleCode::Node, "node away");
        let troubled = Report { noted: Some(away), ..report(Phase::Serving, 10, 10) };
        assert!(!troubled.is_initialized() && troubled.is_ready() && troubled.is_live());
        assert_eq!(
            (&troubled.health()["degraded"], &troubled.health()["troubleCode"]),
            (&true.into(), &"node".into())
        );
    }

    #[test]
    fn only_finality_that_was_seen_is_measured() {
        let mut announced = Announced::default();
        assert!(announced.executed(1).is_none());
        announced.note(5);
        announced.note(7);
        for number in [3, 5, 6, 7] {
            assert!(announced.executed(number).is_some(), "{number}");
        }
        assert!(announced.executed(8).is_none());
        assert!(announced.0.is_empty());
        for head in 0..10_000 {
            announced.note(head);
        }
        assert_eq!(announced.0.len(), MAX_ANNOUNCED);
    }

    #[test]
    fn a_start_and_a_way_back_are_no_executed_blocks() {
        let recorder = crate::measures::builder().unwrap().build_recorder();
        let handle = recorder.handle();
        metrics::with_local_recorder(&recorder, || {
            crate::measures::describe();
            let board = Board::default();
            board.note_status(&status(4));
            board.note_head(block(4));
            board.note_head(block(9));
            for position in [5, 6, 2, 8, 9] {
                board.note_status(&status(position));
            }
        });
        let text = handle.render();
        assert!(text.contains("offstage_finality_to_commit_seconds_count 3"), "{text}");
        assert!(text.contains("# HELP offstage_finality_to_commit_seconds "), "{text}");
        assert!(text.contains(r#"offstage_finality_to_commit_seconds_bucket{le="6"} 3"#), "{text}");
        assert!(text.contains("offstage_position 9"), "{text}");
    }
}
