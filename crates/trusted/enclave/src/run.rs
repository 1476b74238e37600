// SPDX-License-Identifier: Apache-2.0
//! The program: its own process, flags, log, host's socket, conversation.

use crate::{
    enclave::{Enclave, OpenError},
    host::{HostError, converse},
    platform::{self, PlatformError},
    process,
};
use clap::Parser;
use offstage_primitives::command_line;
use offstage_sdk::StateTransition;
use std::{
    io::{Write, stderr},
    os::unix::net::UnixStream,
    path::PathBuf,
    process::ExitCode,
};
use tracing_subscriber::{filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

/// Runs the trusted program with the business logic `S`. A `main` is this one call.
///
/// Takes `--socket` and `--data-dir`, logs to stderr, and answers the host until it goes away. An error is one line on stderr and
/// a non-zero exit code.
pub fn run<S: StateTransition>() -> ExitCode {
    if let Err(error) = process::shut_off() {
        say(&format!("error: {error}"));
        return ExitCode::FAILURE;
    }
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return refuse(&error),
    };
    quiet_panics();
    log_own_events();
    match converse_with_host::<S>(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Prints the help or version that was asked for, or in one line what of the command line cannot be understood.
fn refuse(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    say(&command_line::refusal(
        &error.to_string(),
        "offstage-enclave --help, or start it through offstage-worker",
    ));
    ExitCode::from(2)
}

/// The trusted program of an Offstage worker. The worker service starts it; it does nothing on its own.
#[derive(Parser)]
#[command(name = "offstage-enclave", version)]
struct Arguments {
    /// Unix socket on which the host listens for its enclave.
    #[arg(long, value_name = "PATH")]
    socket: PathBuf,
    /// Folder with the sealed store. Must exist and be writable.
    #[arg(long, value_name = "PATH")]
    data_dir: PathBuf,
}

#[expect(clippy::disallowed_methods, reason = "the one stream to the host")]
fn converse_with_host<S: StateTransition>(arguments: &Arguments) -> Result<(), RunError> {
    let data_dir = &arguments.data_dir;
    if !data_dir.is_dir() {
        return Err(RunError::DataDir(data_dir.clone()));
    }
    let platform = platform::detect(data_dir)?;
    let mut enclave = Enclave::<S>::open(platform, data_dir)?;
    let socket = |source| RunError::Socket { path: arguments.socket.clone(), source };
    let stream = UnixStream::connect(&arguments.socket).map_err(socket)?;
    let from_host = stream.try_clone().map_err(socket)?;
    Ok(converse(&mut enclave, from_host, stream)?)
}

#[derive(Debug, thiserror::Error)]
enum RunError {
    #[error("the data folder {} does not exist; create it, or name another with --data-dir", .0.display())]
    DataDir(PathBuf),
    #[error("cannot reach the host at {}: {source}; start the enclave through offstage-worker", path.display())]
    Socket { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Platform(#[from] PlatformError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Host(#[from] HostError),
}

/// A panic's message is made of what the code had in its hands, and the host reads stderr (threat model H13). So only the place is told.
fn quiet_panics() {
    std::panic::set_hook(Box::new(|info| match info.location() {
        Some(place) => {
            say(&format!("bug in the enclave at {}:{}; please report it", place.file(), place.line()));
        }
        None => say("bug in the enclave; please report it"),
    }));
}

/// A line on stderr, if it can still be written: a full disk under it must not make a panic of an error.
#[expect(
    clippy::disallowed_methods,
    reason = "what is said is an error of the start, or a place in the code"
)]
fn say(line: &str) {
    let _ = writeln!(stderr(), "{line}");
}

/// Libraries log what they handle; an enclave's log is read by its host. So only this crate's own events are written.
#[expect(clippy::disallowed_methods, reason = "the log goes to the host, through the filter below")]
fn log_own_events() {
    let format = tracing_subscriber::fmt::layer().with_writer(stderr).with_target(false).with_ansi(false);
    let own = Targets::new().with_target("offstage_enclave", tracing::Level::INFO);
    // A subscriber that is there already, in a test for example, is as good.
    let _ = tracing_subscriber::registry().with(format).with(own).try_init();
}
