// SPDX-License-Identifier: Apache-2.0
//! The signals that end `offstage dev`.

use anyhow::Result;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What asks a program to end: a Ctrl-C, `kill`, a closed terminal.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

/// Who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// The terminal, which asks all programs that run in it.
    Terminal,
    /// Somebody, who asks this program alone.
    Somebody,
}

impl Signals {
    /// From now on, they do not end the program by themselves.
    pub(super) fn new() -> Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Waits until the program is asked to end.
    pub(super) async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.interrupt.recv() => Asked::Terminal,
            _ = self.terminate.recv() => Asked::Somebody,
            _ = self.hangup.recv() => Asked::Somebody,
        }
    }
}
