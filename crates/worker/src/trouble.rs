// SPDX-License-Identifier: Apache-2.0
//! What keeps a worker from going on: what was seen to go wrong, and what should have happened long ago and did not.

use crate::board::{Board, Report};
use std::{
    fmt,
    time::{Duration, Instant},
};

/// What keeps the worker from going on, for machines and for people.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trouble {
    /// Stable.
    pub code: TroubleCode,
    /// What it is and what to do.
    pub text: String,
}

impl Trouble {
    /// With this text.
    pub fn new(code: TroubleCode, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }
}

/// The kinds of trouble. Their texts are stable: monitors read them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TroubleCode {
    /// The node cannot be reached, or does not give what the worker needs.
    Node,
    /// The node is connected, and answers nothing.
    NodeSilent,
    /// The node answers, and no block becomes final.
    FinalityStalled,
    /// The enclave works on one question for long.
    EnclaveSilent,
    /// The enclave ended and is started again.
    EnclaveRestarting,
    /// The enclave refuses what the node gives.
    EnclaveRefuses,
    /// Nobody gives the shard's key.
    NoShieldingKey,
}

impl TroubleCode {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Node,
        Self::NodeSilent,
        Self::FinalityStalled,
        Self::EnclaveSilent,
        Self::EnclaveRestarting,
        Self::EnclaveRefuses,
        Self::NoShieldingKey,
    ];
}

impl fmt::Display for TroubleCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Node => "node",
            Self::NodeSilent => "node-silent",
            Self::FinalityStalled => "finality-stalled",
            Self::EnclaveSilent => "enclave-silent",
            Self::EnclaveRestarting => "enclave-restarting",
            Self::EnclaveRefuses => "enclave-refuses",
            Self::NoShieldingKey => "no-shielding-key",
        })
    }
}

/// For how long silence is no trouble.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Patience {
    /// The node, between two answers.
    pub node: Duration,
    /// The chain, between two final blocks.
    pub finality: Duration,
    /// The enclave, with one question. A block full of operations takes it up to half a minute.
    pub enclave: Duration,
    /// The enclave, with one question, after which only a new process can help.
    pub life: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            node: Duration::from_secs(20),
            finality: Duration::from_secs(60),
            enclave: Duration::from_secs(60),
            life: Duration::from_secs(15 * 60),
        }
    }
}

/// What should have happened long ago, the cause before what follows from it.
pub(crate) fn stall(report: &Report, now: Instant) -> Option<Trouble> {
    let patience = report.patience;
    let busy = report.busy_for();
    if busy > patience.enclave {
        let text = format!(
            "the enclave has been working on one question for {} s; if no block is full of operations, its process may \
             be stopped or the machine overloaded: look at its state and load",
            busy.as_secs()
        );
        return Some(Trouble::new(TroubleCode::EnclaveSilent, text));
    }
    let since = |then: Option<Instant>| then.map(|then| now.saturating_duration_since(then));
    if let Some(silence) = since(report.node_answered).filter(|silence| *silence > patience.node) {
        let text = format!(
            "the parentchain's node has not answered for {} s, though the connection stands: look whether its process \
             is stopped or its machine overloaded",
            silence.as_secs()
        );
        return Some(Trouble::new(TroubleCode::NodeSilent, text));
    }
    let silence = since(report.finalized_at).filter(|silence| *silence > patience.finality)?;
    let text = format!(
        "no block has become final for {} s: look whether the node has peers and is synchronised, and whether the \
         chain's validators run",
        silence.as_secs()
    );
    Some(Trouble::new(TroubleCode::FinalityStalled, text))
}

/// Logs each stall when it begins and when it is over.
pub(crate) async fn watch(board: Board) {
    let mut told = None;
    loop {
        tokio::time::sleep(LOOK).await;
        if let Some(line) = news(&mut told, stall(&board.report(), Instant::now())) {
            tracing::warn!("{line}");
        }
    }
}

fn news(told: &mut Option<TroubleCode>, now: Option<Trouble>) -> Option<String> {
    let before = std::mem::replace(told, now.as_ref().map(|trouble| trouble.code));
    match (before, now) {
        (before, Some(now)) if before != Some(now.code) => Some(now.text),
        (Some(before), None) => Some(format!("over: {before}")),
        _ => None,
    }
}

const LOOK: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::status;
    use offstage_protocol::Phase;

    #[test]
    fn a_stall_is_logged_when_it_begins_and_when_it_is_over() {
        let mut told = None;
        let trouble = |code| Some(Trouble::new(code, code.to_string()));
        let sequence = [
            None,
            trouble(TroubleCode::NodeSilent),
            trouble(TroubleCode::NodeSilent),
            trouble(TroubleCode::FinalityStalled),
            None,
            None,
        ];
        let lines: Vec<_> = sequence.into_iter().filter_map(|now| news(&mut told, now)).collect();
        assert_eq!(lines, ["node-silent", "finality-stalled", "over: finality-stalled"]);
    }

    /// What was seen: a node that was stopped for 61 s, finality that stood still for 75 s, and health was green.
    #[test]
    fn what_should_have_happened_long_ago_is_a_trouble_of_its_own_in_every_phase() {
        let begun = Instant::now();
        for phase in [Phase::Serving, Phase::CatchingUp, Phase::NeedsShieldingKey, Phase::Superseded] {
            let report = Report {
                status: Some(offstage_protocol::Status { phase, ..status(5) }),
                node_answered: Some(begun),
                finalized_at: Some(begun),
                ..Report::default()
            };
            let at = |report: &Report, seconds| {
                stall(report, begun + Duration::from_secs(seconds)).map(|trouble| trouble.code)
            };
            assert_eq!(at(&report, 20), None);
            assert_eq!(at(&report, 21), Some(TroubleCode::NodeSilent));
            // The node answers, and says the same again and again.
            let report = Report { node_answered: Some(begun + Duration::from_secs(75)), ..report };
            assert_eq!(at(&report, 60), None);
            assert_eq!(at(&report, 75), Some(TroubleCode::FinalityStalled));
            let text = stall(&report, begun + Duration::from_secs(75)).unwrap().text;
            assert!(text.contains("for 75 s"), "{text}");
        }
        assert_eq!(stall(&Report::default(), begun + Duration::from_secs(1_000)), None, "not connected yet");
    }
}
