// SPDX-License-Identifier: Apache-2.0
//! The command line (wire.md, "Command lines").
//!
//! stdout carries results alone, and its last line is the value; stderr carries progress and errors. The exit code is
//! 0 for success, 1 when something failed at run time (also a trusted call that was executed without success), 2 for a
//! wrong command line. Called as `integritee-cli`, a trusted call without success ends with 0, as scripts of that
//! client expect.

mod balances;
mod chain;
mod completions;
mod context;
mod dev;
mod error;
mod new;
mod options;
mod output;
mod profile;
mod reference;
mod report;
mod runtime;
mod shard;
mod terminal;
mod trust;
mod trusted;

use anyhow::Result;
use clap::{Parser, Subcommand};
use context::Context;
use error::CliError;
use offstage_primitives::command_line;
use options::Options;
use std::{process::ExitCode, time::Duration};
use terminal::Terminal;

/// Talk to a parentchain and to its confidential off-chain workers.
///
/// The commands under `trusted` are about a shard. Accounts, amounts and calls of a shard stay inside enclaves: this
/// program encrypts them to a key, and first verifies that the key belongs to an enclave with the code that the chain
/// allows. All other commands are about the parentchain, where everybody sees everything.
///
/// A command that pays, encrypts or signs for a shard needs to know which shard you mean: name it with --shard, or put
/// it into a profile (`offstage profile add`). Do not take a worker's word for it: anybody can run a worker.
///
/// An account is //Alice (a development account), or an ss58 address whose key is in ./my_keystore or
/// ./my_trusted_keystore (`import` puts one there), or a place with a seed or mnemonic phrase: - (standard input),
/// @file or env:NAME. A seed (0x…) is allowed only for an account that signs. For an account that receives, hexadecimal
/// is refused, because it could be a public key. Amounts are whole numbers of the smallest unit.
#[derive(Parser, Debug)]
#[command(name = "offstage", version, about, long_about, after_help = EXAMPLES)]
struct Cli {
    /// Options of every command.
    #[command(flatten)]
    options: Options,
    /// What to do.
    #[command(subcommand)]
    command: Command,
}

/// The commands.
#[derive(Subcommand, Debug)]
enum Command {
    Balance(chain::Balance),
    NewAccount(chain::NewAccount),
    ListAccounts(chain::ListAccounts),
    Import(chain::Import),
    PrintMetadata(chain::PrintMetadata),
    PrintSgxMetadata(shard::PrintSgxMetadata),
    Faucet(chain::Faucet),
    Transfer(chain::Transfer),
    ListWorkers(chain::ListWorkers),
    ListShards(chain::ListShards),
    Listen(chain::Listen),
    ShieldFunds(chain::ShieldFunds),
    Trusted(trusted::Trusted),
    Profile(profile::Profile),
    Trust(profile::Trust),
    New(new::New),
    Dev(dev::Dev),
    Completions(completions::Completions),
    #[command(name = dev::WITH_PARENT, hide = true)]
    WithParent(dev::WithParent),
}

/// Runs the program with the arguments of the process.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    if let Command::WithParent(command) = &cli.command {
        return command.run();
    }
    init_log();
    let terminal = Terminal::new().with_output(cli.options.output);
    let outcome = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| {
            let outcome = runtime.block_on(run(&cli, &terminal));
            // Connections that are being closed must not hold up the exit.
            runtime.shutdown_background();
            outcome
        });
    terminal.finish();
    match outcome {
        Ok(code) => code,
        Err(error) => {
            terminal.error(&error);
            let is_outcome = error.downcast_ref::<CliError>().is_some_and(CliError::is_outcome);
            if is_outcome && reference::is_called_so(std::env::args_os().next().as_deref()) {
                return ExitCode::SUCCESS;
            }
            ExitCode::from(if report::is_usage(&error) { USAGE } else { FAILURE })
        }
    }
}

/// Prints the help or version that was asked for, or in one line what of the command line cannot be understood.
fn refuse(error: &clap::Error) -> ExitCode {
    use clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand as NothingSaid;
    if !error.use_stderr() || error.kind() == NothingSaid {
        // Nobody is left to tell when even this cannot be printed.
        let _ = error.print();
        return ExitCode::from(if error.use_stderr() { USAGE } else { 0 });
    }
    let refusal = match reference::absent(error) {
        Some((what, reason)) => CliError::Absent { what, reason },
        None => CliError::CommandLine(explanation(&error.to_string())),
    };
    Terminal::new().error(&refusal.into());
    ExitCode::from(USAGE)
}

/// What clap says before it repeats the usage.
fn explanation(text: &str) -> String {
    command_line::explanation(text.strip_prefix("error: ").unwrap_or(text))
}

/// Runs one command within the time that the user allows.
async fn run(cli: &Cli, terminal: &Terminal) -> Result<ExitCode> {
    if let Command::Dev(command) = &cli.command {
        return command.run(&cli.options, terminal).await;
    }
    let work = async { dispatch(&cli.options, &cli.command, terminal).await.map(|()| ExitCode::SUCCESS) };
    if matches!(cli.command, Command::Listen(_)) {
        return work.await;
    }
    match tokio::time::timeout(Duration::from_secs(cli.options.timeout), work).await {
        Ok(outcome) => outcome,
        Err(_) => Err(CliError::Timeout { seconds: cli.options.timeout, stage: terminal.stage() }.into()),
    }
}

async fn dispatch(options: &Options, command: &Command, terminal: &Terminal) -> Result<()> {
    // What makes profiles must not depend on one.
    let context = match command {
        Command::Profile(command) => return command.run(options, terminal),
        Command::New(command) => return command.run(terminal),
        Command::Completions(command) => return command.run(terminal),
        Command::Trust(command) => return command.run(&Context::with(options, None, terminal)?).await,
        _ => &Context::new(options, terminal)?,
    };
    match command {
        Command::Balance(command) => command.run(context).await,
        Command::NewAccount(command) => command.run(context),
        Command::ListAccounts(command) => command.run(context),
        Command::Import(command) => command.run(context),
        Command::PrintMetadata(command) => command.run(context).await,
        Command::PrintSgxMetadata(command) => command.run(context).await,
        Command::Faucet(command) => command.run(context).await,
        Command::Transfer(command) => command.run(context).await,
        Command::ListWorkers(command) => command.run(context).await,
        Command::ListShards(command) => command.run(context).await,
        Command::Listen(command) => command.run(context).await,
        Command::ShieldFunds(command) => command.run(context).await,
        Command::Trusted(command) => command.run(context).await,
        // They run before, without a profile.
        Command::Profile(_)
        | Command::Trust(_)
        | Command::New(_)
        | Command::Completions(_)
        | Command::Dev(_)
        | Command::WithParent(_) => Ok(()),
    }
}

fn init_log() {
    use tracing_subscriber::EnvFilter;
    // Libraries log what the errors already say; who wants it anyway sets RUST_LOG.
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("off"));
    // What the log cannot write, stderr cannot take either; to complain of it there would be a panic.
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .log_internal_errors(false)
        .init();
}

/// Exit code for a failure at run time.
const FAILURE: u8 = 1;

/// Exit code for a wrong command line, as clap uses it.
const USAGE: u8 = 2;

const EXAMPLES: &str = "\
Examples:
  offstage list-workers
  offstage list-shards
  offstage profile add mine --shard <shard> --genesis <hash of the chain's genesis>
  offstage --profile mine shield-funds //Alice //Alice 50_000_000_000
  offstage --profile mine trusted transfer //Alice //Bob 25_000_000_000
  offstage --profile mine trusted balance //Bob
  offstage trusted --shard <shard> unshield-funds //Alice //Alice 15_000_000_000

stdout carries the result, its last line is the value; progress goes to stderr.
Exit codes: 0 done, 1 failed, 2 wrong command line.";

#[cfg(test)]
mod tests;
