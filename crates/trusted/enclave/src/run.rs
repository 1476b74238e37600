// SPDX-License-Identifier: Apache-2.0
//! The program: its own process, flags, log, host's socket, conversation.

use crate::{
    enclave::{Enclave, OpenError, ServiceLimits, verify_store},
    host::{HostError, converse},
    methods::{MethodNameError, OwnMethods},
    platform::{self, PlatformError},
    process,
    provision::ProvisionLimits,
    rpc::RpcLimits,
    store::StoreReport,
};
use clap::{Args, Parser, Subcommand, value_parser};
use offstage_primitives::{
    command_line,
    ss58::{GENERIC_PREFIX, ss58},
};
use offstage_protocol::files;
use offstage_sdk::{MethodContext, MethodError, StateTransition};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    io::{Write, stderr, stdout},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};
use tracing_subscriber::{filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

/// The trusted program: a business logic, and RPC methods of its own. A `main` is one expression.
///
/// ```rust,ignore
/// fn main() -> std::process::ExitCode {
///     offstage_enclave::Program::new::<Auction>()
///         .method("auction_highest", |_context, Lot { lot }: Lot| Ok(pallet_auction::Pallet::<Runtime>::highest(lot)))
///         .run()
/// }
/// ```
#[must_use = "a program does nothing until it runs"]
pub struct Program {
    converse: fn(&Arguments, Arc<OwnMethods>) -> Result<(), RunError>,
    methods: Result<OwnMethods, MethodNameError>,
}

impl Program {
    /// With the business logic `S`.
    pub fn new<S: StateTransition>() -> Self {
        Self { converse: converse_with_host::<S>, methods: Ok(OwnMethods::none()) }
    }

    /// With one more RPC method: `function` runs over the state of one block, as [`methods`](crate::methods) tells.
    ///
    /// The parameters are a JSON array or object, read into `P`: a tuple or a struct. What it reads is told to whoever
    /// calls it, so the function is a read policy: [`MethodContext::asker`] says who asks.
    ///
    /// A name has letters, digits and `_`, is none of the protocol's, and is there once. Otherwise the program does not
    /// start.
    pub fn method<P: DeserializeOwned, R: Serialize>(
        mut self,
        name: &'static str,
        function: impl Fn(&MethodContext<'_>, P) -> Result<R, MethodError> + Send + Sync + 'static,
    ) -> Self {
        self.methods = self.methods.and_then(|mut methods| {
            methods.add(name, function)?;
            Ok(methods)
        });
        self
    }

    /// Runs it in this process.
    ///
    /// Takes `--socket`, `--data-dir` and limits, logs to stderr, and serves the host until it goes away. An error is
    /// one line on stderr and a non-zero exit code.
    pub fn run(self) -> ExitCode {
        if let Err(error) = process::shut_off() {
            return fail(&error);
        }
        // An author's mistake, which must not wait for the first host.
        let methods = match self.methods {
            Ok(methods) => Arc::new(methods),
            Err(error) => return fail(&error),
        };
        let arguments = match Arguments::try_parse() {
            Ok(arguments) => arguments,
            Err(error) => return refuse(&error),
        };
        quiet_panics();
        log_own_events();
        let outcome = match &arguments.question {
            Some(question) => question.answer(),
            None => (self.converse)(&arguments, methods),
        };
        outcome.map_or_else(|error| fail(&error), |()| ExitCode::SUCCESS)
    }
}

fn fail(error: &dyn std::error::Error) -> ExitCode {
    say(&format!("error: {error}"));
    ExitCode::FAILURE
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
#[command(
    name = "offstage-enclave",
    version,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true
)]
struct Arguments {
    #[command(subcommand)]
    question: Option<Question>,
    /// Unix socket on which the host listens for its enclave.
    #[arg(long, value_name = "PATH", required = true)]
    socket: Option<PathBuf>,
    /// Folder with the sealed store. Must exist and be writable.
    #[arg(long, value_name = "PATH", required = true)]
    data_dir: Option<PathBuf>,
    /// Open the store that is there, and make none.
    #[arg(long)]
    existing: bool,
    #[command(flatten)]
    limits: LimitArguments,
}

/// What it is asked without a host. The answer goes to stdout.
#[derive(Subcommand)]
enum Question {
    /// Print the measurement of this program (base58), as the running enclave has it.
    Measurement,
    /// Look at every record of a store that no enclave uses, without starting, and print what is in it.
    VerifyStore {
        /// Folder with the sealed store.
        #[arg(long, value_name = "PATH")]
        data_dir: PathBuf,
    },
}

impl Question {
    fn answer(&self) -> Result<(), RunError> {
        match self {
            Self::Measurement => print(&platform::measurement()?.to_string()),
            Self::VerifyStore { data_dir } => {
                require_store(data_dir)?;
                print(&described(&verify_store(&*platform::detect(data_dir)?, data_dir)?))
            }
        }
    }
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
fn converse_with_host<S: StateTransition>(
    arguments: &Arguments,
    methods: Arc<OwnMethods>,
) -> Result<(), RunError> {
    // The parser demands both where nothing is asked.
    let (Some(data_dir), Some(host)) = (&arguments.data_dir, &arguments.socket) else {
        return Err(RunError::NoHost);
    };
    if !data_dir.is_dir() {
        return Err(RunError::DataDir(data_dir.clone()));
    }
    if arguments.existing {
        require_store(data_dir)?;
    }
    let platform = platform::detect(data_dir)?;
    arguments.limits.allow_files();
    let enclave = match arguments.existing {
        true => Enclave::<S>::open_existing(platform, data_dir)?,
        false => Enclave::<S>::open(platform, data_dir)?,
    };
    let mut enclave = enclave.with_limits(arguments.limits.limits()).with_methods(methods);
    let socket = |source| RunError::Socket { path: host.clone(), source };
    let stream = UnixStream::connect(host).map_err(socket)?;
    let from_host = stream.try_clone().map_err(socket)?;
    Ok(converse(&mut enclave, from_host, stream)?)
}

/// Whoever only looks makes nothing, and the platform's secret would be made where there is no store.
fn require_store(data_dir: &Path) -> Result<(), RunError> {
    match files::STORES.iter().any(|name| data_dir.join(name).exists()) {
        true => Ok(()),
        false => Err(RunError::NoStore(data_dir.into())),
    }
}

/// A report for people. All of it is public, or a count.
fn described(report: &StoreReport) -> String {
    let bound = report.bound.as_ref().map_or("store: new, of no chain yet".to_owned(), |bound| {
        let (genesis, shard, position) = bound;
        format!("genesis: {genesis:?}\nshard: {shard}\nposition: {}", position.number)
    });
    let StoreReport { outbox, journal, nodes, blocks, receipts, results, state_entries, .. } = report;
    format!(
        "account: {}\n{bound}\nshard's key: {}\nrecords: {outbox} in the outbox, {journal} in the journal, {nodes} \
        nodes, {blocks} blocks, {receipts} receipts, {results} blocks' results\nstate: \
        {state_entries} entries\nevery record is intact",
        ss58(&report.signer, GENERIC_PREFIX),
        if report.has_shielding_key { "in the store" } else { "not in the store" },
    )
}

#[derive(Debug, thiserror::Error)]
enum RunError {
    #[error("the data folder {} does not exist; create it, or name another with --data-dir", .0.display())]
    DataDir(PathBuf),
    #[error("there is no store in the data folder {}: `offstage-worker init` makes one, as `run` does", .0.display())]
    NoStore(PathBuf),
    #[error("--socket and --data-dir are needed; start the enclave through offstage-worker")]
    NoHost,
    #[error("cannot write the answer to stdout: {0}")]
    Answer(std::io::Error),
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

/// An answer on stdout. Whoever asked must not take silence for an answer.
#[expect(clippy::disallowed_methods, reason = "what is printed was asked for, and is public")]
fn print(answer: &str) -> Result<(), RunError> {
    writeln!(stdout(), "{answer}").map_err(RunError::Answer)
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
    fn questions_need_no_host_and_a_host_brings_its_socket() {
        let of = |line: &str| Arguments::try_parse_from(line.split_whitespace());
        assert!(matches!(of("e measurement").unwrap().question, Some(Question::Measurement)));
        assert!(matches!(
            of("e verify-store --data-dir d").unwrap().question,
            Some(Question::VerifyStore { .. })
        ));
        assert!(of("e verify-store").is_err());
        for missing in ["e", "e --socket s", "e --data-dir d"] {
            assert!(of(missing).is_err(), "{missing}");
        }
        assert!(of("e --socket s --data-dir d --existing").unwrap().existing);
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
