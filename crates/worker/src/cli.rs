// SPDX-License-Identifier: Apache-2.0
//! The command line, with the reference worker's flags where they exist (wire.md, "Command lines").

mod reference;

use crate::{
    backup::{self, BackupOptions, RestoreOptions},
    data_dir, enclave,
    options::{Options, RunOptions},
    preflight::{self, PreflightOptions},
    service::{self, UnregisterOptions},
    status::{self, StatusOptions},
    text::{escaped, generic_address},
};
use anyhow::{Context, Result};
use clap::{Args, CommandFactory, Parser, Subcommand, error::ErrorKind};
use offstage_primitives::{ShardIdentifier, command_line};
use std::{
    ffi::OsString,
    io::{IsTerminal, Write, stderr, stdout},
    process::ExitCode,
};

/// Host service of a confidential off-chain worker.
///
/// It starts the enclave (offstage-enclave), gives it the final blocks of the parentchain, and submits what the enclave
/// signs. You need not trust it: keys, operations and state leave the enclave only in encrypted form.
#[derive(Parser, Debug)]
#[command(name = "offstage-worker", version, about, long_about, after_help = EXAMPLES, disable_help_flag = true)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub options: Options,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the worker can do.
#[derive(Subcommand, Clone, Debug)]
pub enum Command {
    /// Run the worker
    Run(RunOptions),
    /// Print how the worker is: phase, position, outbox, funds, registration, others of the shard
    ///
    /// It asks the worker at --untrusted-http-address and --untrusted-http-port, and the node. If no worker runs, it
    /// says what the store in --data-dir holds. Exit code: 0 when a worker answers, 1 when none does.
    Status(StatusOptions),
    /// Check whether a worker could run here: one line for each check, with `ok`, `warn` or `fail`, and what to do
    ///
    /// It changes nothing. Exit code: 0 when nothing fails, 1 otherwise.
    Preflight(PreflightOptions),
    /// Write the data folder of a stopped worker into one file
    ///
    /// The file names its enclave, chain, shard and block, and has a checksum. On the software platform, whoever has
    /// the file has the worker's keys. It does not bring an old state back: a worker that starts from it first catches
    /// up with the chain. Two workers from one backup share an account, and the one that starts later replaces the
    /// other.
    Backup(BackupOptions),
    /// Make a data folder from a backup
    ///
    /// It overwrites nothing: the folder must not hold a worker's files. It refuses a damaged backup, and one of
    /// another enclave, chain or shard.
    Restore(RestoreOptions),
    /// Take the worker out for good: remove its enclave's registration from the chain
    ///
    /// No worker may run on the data folder. The enclave follows the chain to its head, serves nobody, and hands out
    /// the removal until a final block shows that the registration is gone. Killed in between: run it again. Where the
    /// enclave is not registered it says so; both are exit code 0. The data folder stays as it is, keys included; `run`
    /// on it registers again.
    Unregister(UnregisterOptions),
    /// Let the enclave check every record of the store, without starting the worker
    VerifyStore,
    /// Make the data folder and the enclave's keys, if there are none, and print the account to fund (ss58)
    ///
    /// `run` does the same. Use this first if the account needs funds before the start.
    Init,
    /// Print the shielding public key as JSON, if the store holds one
    ShieldingKey,
    /// Print the enclave's account on the parentchain (ss58)
    SigningKey,
    /// Print the enclave's measurement (base58); it needs no data folder
    Mrenclave,
    /// Does nothing: `run` asks for the shielding key
    #[command(hide = true)]
    RequestState(RequestStateOptions),
    /// Does what `init` does
    #[command(hide = true)]
    InitShard(InitShardOptions),
}

/// Options of `request-state`, as Integritee's worker has them.
#[derive(Args, Clone, Debug)]
pub struct RequestStateOptions {
    /// The shard.
    #[arg(long, value_name = "BASE58")]
    pub shard: Option<ShardIdentifier>,
    /// Without effect.
    #[arg(long)]
    pub skip_ra: bool,
}

/// Options of `init-shard`, as Integritee's worker has them.
#[derive(Args, Clone, Debug)]
pub struct InitShardOptions {
    /// The shards.
    #[arg(value_name = "SHARD")]
    pub shards: Vec<ShardIdentifier>,
}

impl Cli {
    /// Reads a command line.
    ///
    /// # Errors
    /// What clap has to say.
    pub fn read(arguments: Vec<OsString>) -> Result<Self, clap::Error> {
        let mut cli = Self::try_parse_from(reference::written_out(arguments))?;
        if cli.options.ws_external {
            "0.0.0.0".clone_into(&mut cli.options.listen);
        }
        match &mut cli.command {
            Command::Run(run) => run.shard = run.shard.or(run.shard_there),
            _ if cli.options.clean_reset => {
                return Err(Self::command().error(ErrorKind::ArgumentConflict, RESET_ALONE));
            }
            _ => {}
        }
        Ok(cli)
    }
}

/// Runs the command line; the exit code is 0, 1 for an error at run time, 2 for a wrong command line.
pub fn main() -> ExitCode {
    let cli = match Cli::read(std::env::args_os().collect()) {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    init_logs();
    let outcome = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the asynchronous runtime")
        .and_then(|runtime| {
            let outcome = runtime.block_on(dispatch(cli));
            runtime.shutdown_timeout(std::time::Duration::from_secs(1));
            outcome
        });
    match outcome {
        Ok(code) => code,
        Err(error) => {
            say(&escaped(&format!("error: {error:#}")));
            ExitCode::FAILURE
        }
    }
}

/// Prints the help or version that was asked for, or in one line what of the command line cannot be understood.
fn refuse(error: &clap::Error) -> ExitCode {
    use clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand as NothingSaid;
    if !error.use_stderr() || error.kind() == NothingSaid {
        let _ = error.print();
        return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
    }
    say(&reference::absent(error)
        .unwrap_or_else(|| command_line::refusal(&error.to_string(), "offstage-worker --help")));
    ExitCode::from(2)
}

async fn dispatch(cli: Cli) -> Result<ExitCode> {
    let printed = |result: &str| print(result).map(|()| ExitCode::SUCCESS);
    for line in without_effect(&cli.command) {
        say(&format!("warning: {line}"));
    }
    match &cli.command {
        Command::Run(run) => service::run(&cli.options, run).await.map(|()| ExitCode::SUCCESS),
        Command::Status(options) => status::status(&cli.options, options).await.and_then(told),
        Command::Preflight(options) => told(preflight::preflight(&cli.options, options).await),
        Command::Backup(options) => {
            print(&backup::backup(&cli.options, options).await?)?;
            say(
                "the backup has what the worker has, keys included: keep it as secret, and start no second worker \
                from it",
            );
            Ok(ExitCode::SUCCESS)
        }
        Command::Restore(options) => {
            print(&backup::restore(&cli.options, options).await?)?;
            say(
                "it catches up with the chain from that block on; the worker that the backup is of must not run any \
                more",
            );
            Ok(ExitCode::SUCCESS)
        }
        Command::Unregister(options) => {
            print(&service::unregister(&cli.options, options).await?)?;
            say(&format!(
                "the data folder {} still has the worker's keys and state: keep it as secret as before, or destroy it; \
                 `run` on it registers again",
                cli.options.data_dir.display()
            ));
            Ok(ExitCode::SUCCESS)
        }
        Command::VerifyStore => {
            data_dir::require_store(&cli.options.data_dir)?;
            enclave::verify_store(&cli.options.enclave_binary()?, &cli.options.data_dir).await
        }
        Command::Init => {
            data_dir::prepare(&cli.options.data_dir)?;
            printed(&generic_address(&identity(&cli.options, &[]).await?.signer))
        }
        Command::InitShard(_) => {
            data_dir::prepare(&cli.options.data_dir)?;
            let signer = identity(&cli.options, &[]).await?.signer;
            say(reference::INIT_SHARD);
            printed(&generic_address(&signer))
        }
        Command::RequestState(_) => {
            say(reference::REQUEST_STATE);
            Ok(ExitCode::SUCCESS)
        }
        Command::ShieldingKey => {
            let key = stored_identity(&cli.options).await?.shielding_key;
            printed(&key.context(
                "the store holds no shielding key yet: start the worker with `run`, it makes one or asks a peer for it",
            )?)
        }
        Command::SigningKey => printed(&generic_address(&stored_identity(&cli.options).await?.signer)),
        Command::Mrenclave => {
            printed(&enclave::measurement(&cli.options.enclave_binary()?).await?.to_string())
        }
    }
}

/// What was asked for and does nothing here.
fn without_effect(command: &Command) -> Vec<&'static str> {
    let (skip_ra, request_state) = match command {
        Command::Run(run) => (run.skip_ra, run.request_state),
        Command::RequestState(options) => (options.skip_ra, false),
        _ => (false, false),
    };
    let told = [(skip_ra, reference::SKIP_RA), (request_state, reference::REQUEST_STATE_FLAG)];
    told.into_iter().filter_map(|(is_given, line)| is_given.then_some(line)).collect()
}

/// A report on stdout, whose exit code says whether all is well.
fn told((report, is_well): (String, bool)) -> Result<ExitCode> {
    print(&report)?;
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A result on stdout. Whoever asked for it must not take silence for an answer, so what cannot be written is an error.
fn print(result: &str) -> Result<()> {
    writeln!(stdout(), "{result}").context("cannot write the result to stdout")
}

/// A line on stderr, if it can still be written: a full disk under it must not make a panic of an error.
fn say(line: &str) {
    let _ = writeln!(stderr(), "{line}");
}

/// Who the enclave of the store that is there is. Nothing is made.
pub(crate) async fn stored_identity(options: &Options) -> Result<offstage_protocol::Identity> {
    data_dir::require_store(&options.data_dir)?;
    identity(options, &[enclave::EXISTING.to_owned()]).await
}

async fn identity(options: &Options, arguments: &[String]) -> Result<offstage_protocol::Identity> {
    let enclave = enclave::Enclave::spawn(&options.enclave_binary()?, &options.data_dir, arguments).await?;
    data_dir::close_files(&options.data_dir)?;
    let identity = enclave.identify().await?;
    enclave.shut_down().await;
    Ok(identity)
}

fn init_logs() {
    use tracing_subscriber::{EnvFilter, fmt};
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("info,subxt=warn,jsonrpsee=warn,hyper=warn,rustls=warn"));
    fmt()
        .with_env_filter(filter)
        .with_writer(stderr)
        .with_ansi(stderr().is_terminal())
        .with_target(false)
        // A log whose disk is full loses lines; to complain of it on stderr would be a panic.
        .log_internal_errors(false)
        .init();
}

const RESET_ALONE: &str =
    "--clean-reset goes with `run` alone: it removes the store before the worker starts";

const EXAMPLES: &str = "\
Examples:
  offstage-worker run --dev                         a worker against a development node on this machine
  offstage-worker -P 2010 -r 3453 -h 4555 -d data2 run --dev
                                                    a second one beside it
  offstage-worker -d data2 init                     print the account to fund before `run`, if the chain is not for
                                                    development
  offstage-worker -d data2 signing-key              print the account of a store that is there
  offstage-worker -d data2 preflight                check whether a worker could run here
  offstage-worker status                            show how the worker on the default ports is
  offstage-worker -d data2 backup data2.backup      put the data folder of a stopped worker into one file
  offstage-worker -d data2 unregister               take a stopped worker out for good

Logs go to stderr; RUST_LOG=debug shows more.";

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Cli, clap::Error> {
        Cli::read(line.split_whitespace().map(OsString::from).collect())
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_references_flags_are_read() {
        let cli = read(
            "offstage-worker --clean-reset --ws-external -M worker-1 -T wss://worker-1 -u ws://node -U ws://worker-1 \
             -P 2011 -w 2101 -r 3490 -i 8788 -p 9912 -h 4645 -d x --enable-metrics run --dev --skip-ra --request-state",
        )
        .unwrap();
        let options = &cli.options;
        assert_eq!(options.node(), "ws://node:9912");
        assert_eq!((options.listen.as_str(), options.untrusted_http_port), ("0.0.0.0", 4645));
        assert_eq!(options.trusted_external_address.as_deref(), Some("wss://worker-1"));
        assert_eq!(options.untrusted_external_address.as_deref(), Some("ws://worker-1"));
        assert_eq!(options.mu_ra_external_address.as_deref(), Some("worker-1"));
        assert_eq!((options.trusted_worker_port, options.untrusted_worker_port), (2011, 2101));
        assert_eq!((options.mu_ra_port, options.metrics_port), (3490, 8788));
        assert!(options.enable_metrics && options.clean_reset);
        assert!(matches!(cli.command, Command::Run(RunOptions { dev: true, heartbeat: 10, .. })));
        assert_eq!(without_effect(&cli.command), [reference::SKIP_RA, reference::REQUEST_STATE_FLAG]);
        let later =
            read("offstage-worker --integritee-rpc-url ws://node --integritee-rpc-port 1 run -d").unwrap();
        assert_eq!(later.options.node(), "ws://node:1");
        assert!(matches!(later.command, Command::Run(RunOptions { dev: true, .. })));
        assert!(without_effect(&later.command).is_empty());
    }

    #[test]
    fn a_nodes_url_has_the_forms_that_the_client_takes() {
        let at = |url: &str| read(&format!("offstage-worker -u {url} -p 9999 run"));
        assert_eq!(at("wss://node:1").unwrap().options.node(), "wss://node:1");
        assert_eq!(at("wss://node/rpc").unwrap().options.node(), "wss://node/rpc");
        for url in ["http://node", "node", "ws://node:port", "ws://"] {
            assert_eq!(at(url).unwrap_err().exit_code(), 2, "{url}");
        }
    }

    #[test]
    fn h_is_the_health_port_and_help_is_written_out() {
        let kind = |line: &str| read(line).unwrap_err().kind();
        assert_eq!(kind("offstage-worker --help"), ErrorKind::DisplayHelp);
        assert_eq!(kind("offstage-worker run --help"), ErrorKind::DisplayHelp);
        assert_eq!(kind("offstage-worker -V"), ErrorKind::DisplayVersion);
        assert_eq!(kind("offstage-worker -h"), ErrorKind::InvalidValue);
        assert_eq!(read("offstage-worker run -h 4546").unwrap().options.untrusted_http_port, 4546);
    }

    #[test]
    fn a_shard_is_taken_where_the_reference_takes_it() {
        let name = "8weGnjvG3nh6UzoYjqaTjpWjX1ouNPioA1K5134DJc5j";
        let shard = |line: &str| match read(line).unwrap().command {
            Command::Run(run) => run.shard,
            _ => None,
        };
        assert_eq!(shard("offstage-worker run").map(|shard| shard.to_string()), None);
        for line in
            [format!("run {name}"), format!("run --skip-ra {name} --dev"), format!("run --shard {name}")]
        {
            let found = shard(&format!("offstage-worker {line}")).map(|shard| shard.to_string());
            assert_eq!(found.as_deref(), Some(name), "{line}");
        }
        assert!(read(&format!("offstage-worker run {name} --shard {name}")).is_err());
        assert!(read("offstage-worker run -d data2").is_err(), "behind `run`, -d is --dev");
    }

    #[test]
    fn a_reset_goes_with_run_alone() {
        assert!(read("offstage-worker -c run").unwrap().options.clean_reset);
        assert!(read("offstage-worker run -c").unwrap().options.clean_reset);
        for command in ["mrenclave", "status", "init", "init-shard", "request-state --skip-ra", "signing-key"]
        {
            assert!(read(&format!("offstage-worker {command}")).is_ok(), "{command}");
            assert!(read(&format!("offstage-worker --clean-reset {command}")).is_err(), "{command}");
        }
    }

    #[test]
    fn a_heartbeat_of_zero_and_a_bad_shard_are_refused() {
        assert!(Cli::try_parse_from(["offstage-worker", "run", "--heartbeat", "0"]).is_err());
        assert!(Cli::try_parse_from(["offstage-worker", "run", "--shard", "0OIl"]).is_err());
    }
}
