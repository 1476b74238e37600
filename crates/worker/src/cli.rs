// SPDX-License-Identifier: Apache-2.0
//! The command line, with the reference worker's flags where they exist (wire.md, "Command lines").

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
use clap::{Parser, Subcommand};
use offstage_primitives::command_line;
use std::{
    io::{IsTerminal, Write, stderr, stdout},
    process::ExitCode,
};

/// Host service of a confidential off-chain worker.
///
/// It starts the enclave (offstage-enclave), feeds it with the finalized blocks of the parentchain, and submits what
/// the enclave signs. It needs no trust: keys, operations and state never leave the enclave in the clear.
#[derive(Parser, Debug)]
#[command(name = "offstage-worker", version, about, long_about, after_help = EXAMPLES)]
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
    /// It asks the worker at --untrusted-http-address and --untrusted-http-port, and the node. Where no worker runs, it
    /// says what the store in --data-dir holds. Exit code: 0 when a worker answers, 1 when none does.
    Status(StatusOptions),
    /// Check whether a worker could run here: one line a check, `ok`, `warn` or `fail`, and what to do
    ///
    /// Nothing is made or changed. Exit code: 0 when nothing fails, 1 otherwise.
    Preflight(PreflightOptions),
    /// Write the data folder of a stopped worker into one file
    ///
    /// The file says whose it is (enclave, chain, shard, block) and has a checksum. Whoever has it has, on the software
    /// platform, the worker's keys. It is no way back: a worker that starts on it catches up with the chain first. Two
    /// workers from one backup share an account, and the later start supersedes the earlier.
    Backup(BackupOptions),
    /// Make a data folder of a backup
    ///
    /// The folder may hold no worker's files; nothing is overwritten. A backup of another enclave, chain or shard, or a
    /// damaged one, is refused.
    Restore(RestoreOptions),
    /// Take the worker out for good: remove its enclave's registration from the chain
    ///
    /// No worker may run on the data folder. The enclave follows the chain to its head, serves nobody, and hands out
    /// the removal until a final block shows that the registration is gone. Killed in between: run it again. Where the
    /// enclave is not registered it says so; both are exit code 0. The data folder stays as it is, keys included; `run`
    /// on it registers again.
    Unregister(UnregisterOptions),
    /// Let the enclave look at every record of the store, without starting
    VerifyStore,
    /// Make the data folder and the enclave's keys, where there are none, and print the account to fund (ss58)
    ///
    /// `run` does the same. Do it before where the account needs funds first.
    Init,
    /// Print the shielding public key as JSON, when the store holds one
    ShieldingKey,
    /// Print the enclave's account on the parentchain (ss58)
    SigningKey,
    /// Print the enclave's measurement (base58); it needs no data folder
    Mrenclave,
}

/// Runs the command line; the exit code is 0, 1 for an error at run time, 2 for a wrong command line.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
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
    say(&command_line::refusal(&error.to_string(), "offstage-worker --help"));
    ExitCode::from(2)
}

async fn dispatch(cli: Cli) -> Result<ExitCode> {
    let printed = |result: &str| print(result).map(|()| ExitCode::SUCCESS);
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

const EXAMPLES: &str = "\
Examples:
  offstage-worker run --dev                         a worker against a development node on this machine
  offstage-worker -P 2010 -r 3453 --untrusted-http-port 4555 -d data2 run --dev
                                                    a second one beside it
  offstage-worker -d data2 init                     the account to fund before `run`, on a chain that is not a
                                                    development one
  offstage-worker -d data2 signing-key              the same account, of a store that is there
  offstage-worker -d data2 preflight                whether a worker could run here
  offstage-worker status                            how the worker on the default ports is
  offstage-worker -d data2 backup data2.backup      the data folder of a stopped worker in one file
  offstage-worker -d data2 unregister               take a stopped worker out for good

Logs go to stderr; RUST_LOG=debug shows more.";

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_references_flags_are_read() {
        let cli = Cli::try_parse_from([
            "offstage-worker",
            "-u",
            "ws://node",
            "-p",
            "9999",
            "-P",
            "1",
            "-r",
            "2",
            "-w",
            "3",
            "-i",
            "4",
            "--untrusted-http-port",
            "5",
            "-U",
            "wss://a",
            "-M",
            "wss://b",
            "-V",
            "ws://c",
            "-d",
            "x",
            "--enable-metrics",
            "run",
            "--dev",
            "--clean-reset",
        ])
        .unwrap();
        assert_eq!(cli.options.node(), "ws://node:9999");
        let at = |url| Cli::try_parse_from(["offstage-worker", "-u", url, "-p", "9999", "run"]);
        assert_eq!(at("wss://node:1").unwrap().options.node(), "wss://node:1");
        assert_eq!(at("wss://node/rpc").unwrap().options.node(), "wss://node/rpc");
        for url in ["http://node", "node", "ws://node:port", "ws://"] {
            assert_eq!(at(url).unwrap_err().exit_code(), 2, "{url}");
        }
        assert!(matches!(
            cli.command,
            Command::Run(RunOptions { dev: true, clean_reset: true, heartbeat: 10, .. })
        ));
    }

    #[test]
    fn a_heartbeat_of_zero_and_a_bad_shard_are_refused() {
        assert!(Cli::try_parse_from(["offstage-worker", "run", "--heartbeat", "0"]).is_err());
        assert!(Cli::try_parse_from(["offstage-worker", "run", "--shard", "0OIl"]).is_err());
    }
}
