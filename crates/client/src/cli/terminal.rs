// SPDX-License-Identifier: Apache-2.0
//! stderr: a spinner where somebody watches, plain lines where nobody does.

use super::{
    output::{Output, Printed},
    report,
};
use crate::progress::{Milestone, Observer, Stage};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{
    io::{self, BufRead, IsTerminal, Read, Write, stderr, stdin, stdout},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// Shows what an operation is doing, and remembers it for the message of a timeout.
pub(super) struct Terminal {
    spinner: Option<ProgressBar>,
    colours: bool,
    output: Output,
    stage: Mutex<Stage>,
    warned: AtomicBool,
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
        let output = Output::default();
        Self { spinner, colours, output, stage: Mutex::new(Stage::Node), warned: AtomicBool::new(false) }
    }

    /// The same, with results in this form.
    pub(super) fn with_output(self, output: Output) -> Self {
        Self { output, ..self }
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

    /// A result on stdout. It is the only way there.
    pub(super) fn print(&self, result: &Printed) {
        let Some(text) = result.in_form(self.output) else { return };
        match &self.spinner {
            Some(spinner) => spinner.suspend(|| print_line(&text)),
            None => print_line(&text),
        }
    }

    /// The form of results.
    pub(super) fn output(&self) -> Output {
        self.output
    }

    /// Whether somebody is there who can be asked.
    pub(super) fn can_ask(&self) -> bool {
        stdin().is_terminal() && stderr().is_terminal()
    }

    /// Asks a question. Everything but `y` and `yes` is a no.
    pub(super) fn ask(&self, question: &str) -> io::Result<bool> {
        self.finish();
        let _ = write!(stderr(), "{question}");
        let mut answer = String::new();
        stdin().lock().take(MAX_ANSWER_LEN).read_line(&mut answer)?;
        Ok(is_yes(&answer))
    }

    /// Says, once, that a secret on the command line is seen by others.
    pub(super) fn warn_of_shown_secret(&self) {
        if !self.warned.swap(true, Ordering::Relaxed) {
            self.line(SHOWN_SECRET);
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
fn print_line(text: &str) {
    let _ = writeln!(stdout(), "{text}");
}

/// A line on stderr.
pub(super) fn print_error_line(text: &str) {
    let _ = writeln!(stderr(), "{text}");
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

/// The longest answer to a question, in bytes.
const MAX_ANSWER_LEN: u64 = 64;

const SHOWN_SECRET: &str = "\
warning: a seed or phrase on the command line can be read by every user of this machine, and stays in the shell's \
history; bring it in once with `offstage import` (or `offstage trusted import`) and name the account by its address, \
or give it as `-` (standard input), `@file` or `env:NAME`";

/// How often the spinner turns.
const TICK: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c12_only_a_yes_is_a_yes() {
        for yes in ["y", "Y\n", " yes \n", "YES"] {
            assert!(is_yes(yes), "{yes:?}");
        }
        for no in ["", "\n", "n", "no", "yep", "y y", "1"] {
            assert!(!is_yes(no), "{no:?}");
        }
    }
}
