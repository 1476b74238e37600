// SPDX-License-Identifier: Apache-2.0
//! stderr: a spinner where somebody watches, plain lines where nobody does.

use super::report;
use crate::progress::{Milestone, Observer, Stage};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{
    io::{IsTerminal, Write, stderr, stdout},
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// Shows what an operation is doing, and remembers it for the message of a timeout.
pub(super) struct Terminal {
    spinner: Option<ProgressBar>,
    colours: bool,
    stage: Mutex<Stage>,
}

impl Terminal {
    pub(super) fn new() -> Self {
        let is_terminal = stderr().is_terminal();
        let spinner = is_terminal.then(|| {
            let spinner = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
                spinner.set_style(style);
            }
            spinner
        });
        // https://no-color.org
        let colours = is_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { spinner, colours, stage: Mutex::new(Stage::Node) }
    }

    /// What the operation waits for at the moment.
    pub(super) fn stage(&self) -> Stage {
        *self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A line for the reader.
    pub(super) fn line(&self, text: &str) {
        match &self.spinner {
            Some(spinner) => spinner.suspend(|| print_error_line(text)),
            None => print_error_line(text),
        }
    }

    /// A result on stdout.
    pub(super) fn result(&self, text: &str) {
        match &self.spinner {
            Some(spinner) => spinner.suspend(|| print_line(text)),
            None => print_line(text),
        }
    }

    /// Removes the spinner.
    pub(super) fn finish(&self) {
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
    }

    /// One line that says what went wrong, and one that says what to do, if there is something to do.
    pub(super) fn error(&self, error: &anyhow::Error) {
        let (red, bold, reset) =
            if self.colours { ("\x1b[31;1m", "\x1b[1m", "\x1b[0m") } else { ("", "", "") };
        print_error_line(&format!("{red}error:{reset} {}", report::message(error)));
        if let Some(hint) = report::hint(error) {
            print_error_line(&format!("{bold}hint:{reset} {hint}"));
        }
    }
}

impl Observer for Terminal {
    fn waiting_for(&self, stage: Stage) {
        *self.stage.lock().unwrap_or_else(PoisonError::into_inner) = stage;
        if let Some(spinner) = &self.spinner {
            spinner.enable_steady_tick(TICK);
            spinner.set_message(format!("waiting for {stage}"));
        }
    }

    fn reached(&self, milestone: &Milestone) {
        self.line(&milestone.to_string());
    }
}

/// A line on stdout. A reader that has seen enough and left, as `head` does, is no error.
pub(super) fn print_line(text: &str) {
    let _ = writeln!(stdout(), "{text}");
}

/// A line on stderr.
fn print_error_line(text: &str) {
    let _ = writeln!(stderr(), "{text}");
}

/// How often the spinner turns.
const TICK: Duration = Duration::from_millis(100);
