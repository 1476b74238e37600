// SPDX-License-Identifier: Apache-2.0
//! The program: its own process, flags, log, host's socket, conversation.

use crate::{
    enclave::{Enclave, OpenError, ServiceLimits},
    host::{HostError, converse},
    platform::{self, PlatformError},
    process,
    provision::ProvisionLimits,
    rpc::RpcLimits,
};
use clap::{Args, Parser, value_parser};
use offstage_primitives::command_line;
use offstage_sdk::StateTransition;
use std::{
    io::{Write, stderr},
    os::unix::net::UnixStream,
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};
use tracing_subscriber::{filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

/// Runs the trusted program with the business logic `S`. A `main` is this one call.
///
/// Takes `--socket`, `--data-dir` and limits, logs to stderr, and answers the host until it goes away. An error is
/// one line on stderr and a non-zero exit code.
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
    #[command(flatten)]
    limits: LimitArguments,
}

/// What clients and peers may use. A host chooses what suits its machine; whatever it chooses harms its own worker
/// alone.
#[derive(Args)]
struct LimitArguments {
    /// Clients that may be connected at once.
    #[arg(long, default_value_t = 1024, value_parser = value_parser!(u32).range(1..=65_536), value_name = "COUNT")]
    max_clients: u32,
    /// Clients of one address that may be connected at once.
    #[arg(long, default_value_t = 64, value_parser = value_parser!(u32).range(1..=65_536), value_name = "COUNT")]
    max_clients_per_address: u32,
    /// Units of work per second that the clients of one address may cause, each some 20 microseconds of a core.
    #[arg(long, default_value_t = 1000, value_parser = value_parser!(u32).range(100..=1_000_000), value_name = "UNITS")]
    client_work: u32,
    /// A client that asks nothing for so long is disconnected.
    #[arg(long, default_value_t = 120, value_parser = value_parser!(u64).range(1..=86_400), value_name = "SECONDS")]
    client_silence: u64,
    /// Peers that may ask for the shielding key at once.
    #[arg(long, default_value_t = 32, value_parser = value_parser!(u32).range(1..=1024), value_name = "COUNT")]
    max_peers: u32,
    /// Peers of one address that may ask for the shielding key at once.
    #[arg(long, default_value_t = 4, value_parser = value_parser!(u32).range(1..=1024), value_name = "COUNT")]
    max_peers_per_address: u32,
}

impl LimitArguments {
    fn limits(&self) -> ServiceLimits {
        let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        ServiceLimits {
            clients: RpcLimits {
                connections: count(self.max_clients),
                connections_per_peer: count(self.max_clients_per_address),
                work_per_peer_per_second: self.client_work,
                silence: Duration::from_secs(self.client_silence),
                ..RpcLimits::default()
            },
            peers: ProvisionLimits {
                connections: count(self.max_peers),
                connections_per_peer: count(self.max_peers_per_address),
                ..ProvisionLimits::default()
            },
        }
    }

    /// Lets the system give as many connections as the limits do.
    fn allow_files(&self) {
        let wanted =
            u64::from(self.max_clients).saturating_add(self.max_peers.into()).saturating_add(OTHER_FILES);
        let may = process::allow_files(wanted);
        if may < wanted {
            tracing::warn!(
                "the system allows {may} open files of {wanted}, so fewer clients can connect; raise it (ulimit -n)"
            );
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one stream to the host")]
fn converse_with_host<S: StateTransition>(arguments: &Arguments) -> Result<(), RunError> {
    let data_dir = &arguments.data_dir;
    if !data_dir.is_dir() {
        return Err(RunError::DataDir(data_dir.clone()));
    }
    let platform = platform::detect(data_dir)?;
    arguments.limits.allow_files();
    let mut enclave = Enclave::<S>::open(platform, data_dir)?.with_limits(arguments.limits.limits());
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

/// A panic's message is made of what the code had in its hands, and the host reads stderr (threat model H13). So
/// only the place is told.
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

/// Store, log, socket to the host, the listeners' own, and connections that are just ending.
const OTHER_FILES: u64 = 128;

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(more: &[&str]) -> Result<Arguments, clap::Error> {
        let given = ["offstage-enclave", "--socket", "s", "--data-dir", "d"];
        Arguments::try_parse_from(given.iter().chain(more))
    }

    #[test]
    fn limits_are_settings_within_bounds() {
        let (standard, default) = (parsed(&[]).unwrap().limits.limits(), ServiceLimits::default());
        assert_eq!(format!("{standard:?}"), format!("{default:?}"));
        let limits = parsed(&["--max-clients", "5", "--client-silence", "7", "--max-peers", "9"])
            .unwrap()
            .limits
            .limits();
        assert_eq!((limits.clients.connections, limits.peers.connections), (5, 9));
        assert_eq!(limits.clients.silence, Duration::from_secs(7));
        for flag in [
            "--max-clients",
            "--max-clients-per-address",
            "--client-work",
            "--client-silence",
            "--max-peers",
            "--max-peers-per-address",
        ] {
            for value in ["0", "-1", "many", "4000000000"] {
                assert!(parsed(&[&format!("{flag}={value}")]).is_err(), "{flag} {value}");
            }
        }
    }
}
