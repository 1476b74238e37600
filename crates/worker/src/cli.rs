// SPDX-License-Identifier: Apache-2.0
//! The command line, with the reference worker's flags where they exist (wire.md, "Command lines").

use crate::{
    data_dir, enclave,
    options::{Options, RunOptions},
    service,
    text::escaped,
};
use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use offstage_primitives::{
    command_line,
    ss58::{GENERIC_PREFIX, ss58},
};
use std::{
    io::{IsTerminal, Write, stderr, stdout},
    process::ExitCode,
};

/// Host service of a confidential off-chain worker.
///
/// It starts the enclave (offstage-enclave), feeds it with the finalized blocks of the parentchain, and submits what
/// the enclave signs. It is trusted with nothing: keys, operations and state never leave the enclave.
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
    /// Print the shielding public key as JSON, when the store holds one
    ShieldingKey,
    /// Print the enclave's account on the parentchain (ss58)
    SigningKey,
    /// Print the enclave's measurement (base58)
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
        Ok(()) => ExitCode::SUCCESS,
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

async fn dispatch(cli: Cli) -> Result<()> {
    match &cli.command {
        Command::Run(run) => service::run(&cli.options, run).await,
        Command::ShieldingKey => {
            let key = identity(&cli.options).await?.shielding_key;
            print(&key.context(
                "the store holds no shielding key yet: start the worker with `run`, it makes one or asks a peer for it",
            )?)
        }
        Command::SigningKey => print(&ss58(&identity(&cli.options).await?.signer, GENERIC_PREFIX)),
        Command::Mrenclave => print(&identity(&cli.options).await?.measurement.to_string()),
    }
}

/// A result on stdout. Whoever asked for it must not take silence for an answer, so what cannot be written is an error.
fn print(result: &str) -> Result<()> {
    writeln!(stdout(), "{result}").context("cannot write the result to stdout")
}

/// A line on stderr, if it can still be written: a full disk under it must not make a panic of an error.
fn say(line: &str) {
    let _ = writeln!(stderr(), "{line}");
}

async fn identity(options: &Options) -> Result<offstage_protocol::Identity> {
    data_dir::prepare(&options.data_dir)?;
    let enclave = enclave::Enclave::spawn(&options.enclave_binary()?, &options.data_dir, &[]).await?;
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
  offstage-worker -d data2 signing-key              the account to fund on a chain that is not a development one

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
