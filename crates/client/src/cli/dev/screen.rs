// SPDX-License-Identifier: Apache-2.0
//! How a network is, on one screen. On a terminal it is painted again and again; elsewhere a line is printed when
//! something changes that is worth a line.

use crate::{
    cli::{
        output::{Output, Printed},
        terminal::Terminal,
    },
    printable::printable,
    profile::ProfileName,
};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use offstage_devnet::network::{Network, NodeStatus, Status, WorkerStatus};
use serde_json::json;
use std::{
    collections::BTreeMap,
    io::{IsTerminal, stdout},
    path::Path,
};

/// What is shown.
pub(super) struct Picture<'run> {
    pub(super) network: &'run Network,
    pub(super) status: &'run Status,
    /// What there is to say of the author's build, now and to whoever looks only at changes.
    pub(super) build: Option<(String, String)>,
    /// The profile, when it is written.
    pub(super) profile: Option<&'run ProfileName>,
    pub(super) folder: &'run Path,
}

/// A row: its name, what it says on a screen, and what of it is worth a line of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    name: String,
    now: String,
    news: String,
}

/// Where it is shown.
pub(super) struct Screen<'run> {
    terminal: &'run Terminal,
    kind: Kind,
}

enum Kind {
    /// Painted again and again.
    Terminal {
        /// All rows.
        all: MultiProgress,
        /// Each of them.
        rows: Vec<ProgressBar>,
    },
    /// A line for each change.
    Lines(BTreeMap<String, String>),
}

impl<'run> Screen<'run> {
    pub(super) fn new(terminal: &'run Terminal) -> Self {
        let kind = if stdout().is_terminal() && terminal.output() == Output::Text {
            let all = MultiProgress::with_draw_target(ProgressDrawTarget::stdout());
            Kind::Terminal { all, rows: Vec::new() }
        } else {
            Kind::Lines(BTreeMap::new())
        };
        Self { terminal, kind }
    }

    pub(super) fn show(&mut self, picture: &Picture<'_>) {
        let table = rows(picture);
        match &mut self.kind {
            Kind::Terminal { all, rows } => {
                while rows.len() < table.len() {
                    let row = all.add(ProgressBar::new_spinner());
                    if let Ok(style) = ProgressStyle::with_template("{wide_msg}") {
                        row.set_style(style);
                    }
                    rows.push(row);
                }
                for (row, bar) in table.iter().zip(rows) {
                    bar.set_message(format!("{:<13}{}", row.name, row.now));
                    bar.tick();
                }
            }
            Kind::Lines(told) => {
                for (name, news) in changes(told, &table) {
                    self.terminal.print(&line(&name, &news));
                }
            }
        }
    }

    /// Says the last word. The table stays on the screen.
    pub(super) fn end(&self, words: &str) {
        if let Kind::Terminal { rows, .. } = &self.kind {
            for row in rows {
                row.abandon();
            }
        }
        self.terminal.print(&line("state", words));
    }
}

/// A row that says something, for whoever looks at changes alone.
fn line(name: &str, news: &str) -> Printed {
    Printed::new(format!("{name}: {news}"), json!({ "part": name, "says": news }))
}

/// Names and news of the rows that say something new.
fn changes(told: &mut BTreeMap<String, String>, table: &[Row]) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    for row in table {
        if row.news.is_empty() {
            // When it says something again, that is news.
            told.remove(&row.name);
        } else if told.insert(row.name.clone(), row.news.clone()).as_ref() != Some(&row.news) {
            lines.push((row.name.clone(), row.news.clone()));
        }
    }
    lines
}

fn rows(picture: &Picture<'_>) -> Vec<Row> {
    let ports = picture.network.ports();
    let mut rows = vec![node(&picture.status.node, ports.node.rpc)];
    let workers = picture.status.workers.iter().zip(&ports.workers).enumerate();
    rows.extend(workers.map(|(index, (status, ports))| worker(index, status, ports.trusted)));
    if let Some((now, news)) = &picture.build {
        rows.push(Row { name: "build".to_owned(), now: printable(now), news: printable(news) });
    }
    let shard = picture.network.measurement().map(|measurement| measurement.to_string()).unwrap_or_default();
    rows.push(plain("shard", &shard));
    let profile = picture.profile.map(|name| format!("offstage --profile {name} trusted metadata"));
    rows.push(plain("try", &profile.unwrap_or_default()));
    rows.push(plain("funds", "//Alice //Bob //Charlie //Dave //Eve //Ferdie, on the parentchain"));
    rows.push(plain("logs", &picture.folder.join("logs").display().to_string()));
    let ready = if picture.status.is_ready() { "the network is ready" } else { "" };
    let now = if ready.is_empty() { "Ctrl-C ends it" } else { "the network is ready; Ctrl-C ends it" };
    rows.push(Row { name: "state".to_owned(), now: now.to_owned(), news: ready.to_owned() });
    rows
}

fn plain(name: &str, text: &str) -> Row {
    let text = printable(text);
    Row { name: name.to_owned(), now: text.clone(), news: text }
}

fn node(status: &NodeStatus, port: u16) -> Row {
    let url = format!("{}:{port}", super::HERE);
    let (now, news) = match (&status.trouble, status.best, status.finalized) {
        (Some(trouble), ..) => (trouble.clone(), trouble.clone()),
        (None, Some(best), Some(finalized)) => {
            (format!("block {best}, final {finalized}   {url}"), format!("makes blocks at {url}"))
        }
        _ => ("starts".to_owned(), "starts".to_owned()),
    };
    Row { name: "parentchain".to_owned(), now: printable(&now), news: printable(&news) }
}

fn worker(index: usize, status: &WorkerStatus, port: u16) -> Row {
    let url = format!("{}:{port}", super::WORKER_HERE);
    let (now, news) = match (&status.trouble, &status.phase, status.position) {
        (Some(trouble), ..) => (trouble.clone(), trouble.clone()),
        (None, Some(phase), position) => {
            let phase = words(phase);
            let at = position.map_or_else(String::new, |position| format!(", block {position}"));
            (format!("{phase}{at}   {url}"), format!("{phase} at {url}"))
        }
        _ => ("waits".to_owned(), String::new()),
    };
    let name = format!("worker {}", index.saturating_add(1));
    Row { name, now: printable(&now), news: printable(&news) }
}

/// `NeedsShieldingKey` as people write it.
fn words(phase: &str) -> String {
    let mut words = String::new();
    for sign in phase.chars() {
        if sign.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(sign.to_lowercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_is_told_by_what_it_does_and_by_what_is_in_its_way() {
        let status = WorkerStatus {
            phase: Some("NeedsShieldingKey".to_owned()),
            position: Some(7),
            is_ready: false,
            trouble: None,
        };
        let row = worker(1, &status, 2010);
        assert_eq!(
            (row.name.as_str(), row.now.as_str()),
            ("worker 2", "needs shielding key, block 7   wss://127.0.0.1:2010")
        );
        assert_eq!(row.news, "needs shielding key at wss://127.0.0.1:2010");
        let troubled = WorkerStatus { trouble: Some("no \u{1b}[2J node".to_owned()), ..status };
        assert!(!worker(0, &troubled, 2000).now.contains('\u{1b}'));
        assert_eq!(worker(0, &WorkerStatus::default(), 2000).news, "");
    }

    #[test]
    fn a_line_is_printed_when_something_changes_and_not_for_each_block() {
        let mut told = BTreeMap::new();
        let at = |best| NodeStatus { best: Some(best), finalized: Some(best), trouble: None };
        let mut changes = |row: Row| {
            let lines = changes(&mut told, &[row]);
            lines.into_iter().map(|(name, news)| format!("{name}: {news}")).collect::<Vec<_>>()
        };
        assert_eq!(changes(node(&NodeStatus::default(), 1)), ["parentchain: starts"]);
        assert_eq!(changes(node(&at(1), 1)), ["parentchain: makes blocks at ws://127.0.0.1:1"]);
        assert!(changes(node(&at(2), 1)).is_empty());
        let gone = NodeStatus { trouble: Some("it ended".to_owned()), ..NodeStatus::default() };
        assert_eq!(changes(node(&gone, 1)), ["parentchain: it ended"]);
        assert!(changes(plain("shard", "")).is_empty());
    }
}
