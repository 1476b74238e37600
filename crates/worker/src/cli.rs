// SPDX-License-Identifier: Apache-2.0
//! The command line, with the reference worker's flags where they exist (wire.md, "Ports and files").

use crate::{enclave, limits::Limits, service};
use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};
use offstage_primitives::{ShardIdentifier, shard::base58};
use std::{
    io::{IsTerminal, Write, stderr, stdout},
    path::{Path, PathBuf},
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

/// Options of every command.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// WebSocket URL of the parentchain's node, without the port
    #[arg(short = 'u', long, global = true, default_value = "ws://127.0.0.1", value_name = "URL")]
    pub node_url: String,
    /// WebSocket port of the node
    #[arg(short = 'p', long, global = true, default_value_t = 9944, value_name = "PORT")]
    pub node_port: u16,
    /// Address on which the worker listens
    #[arg(long, global = true, default_value = "127.0.0.1", value_name = "ADDRESS")]
    pub listen: String,
    /// Port on which the enclave serves clients (JSON-RPC over WSS)
    #[arg(short = 'P', long, global = true, default_value_t = 2000, value_name = "PORT")]
    pub trusted_worker_port: u16,
    /// Port named in author_getUntrustedUrl; an off-chain worker opens nothing on it
    #[arg(short = 'w', long, global = true, default_value_t = 2001, value_name = "PORT")]
    pub untrusted_worker_port: u16,
    /// Port on which the enclave gives the shielding key to attested peers
    #[arg(short = 'r', long, global = true, default_value_t = 3443, value_name = "PORT")]
    pub mu_ra_port: u16,
    /// Port of /is_initialized and /health
    #[arg(long, global = true, default_value_t = 4545, value_name = "PORT")]
    pub untrusted_http_port: u16,
    /// Port of /metrics, with --enable-metrics
    #[arg(short = 'i', long, global = true, default_value_t = 8787, value_name = "PORT")]
    pub metrics_port: u16,
    /// Serve Prometheus metrics
    #[arg(long, global = true)]
    pub enable_metrics: bool,
    /// URL under which clients reach the enclave, as registered on chain [default: wss://LISTEN:TRUSTED-PORT]
    #[arg(short = 'U', long, global = true, value_name = "URL")]
    pub trusted_external_address: Option<String>,
    /// URL under which peers reach the mutual-attestation port [default: wss://LISTEN:MU-RA-PORT]
    #[arg(short = 'M', long, global = true, value_name = "URL")]
    pub mu_ra_external_address: Option<String>,
    /// URL that author_getUntrustedUrl answers [default: ws://LISTEN:UNTRUSTED-PORT]
    #[arg(short = 'V', long, global = true, value_name = "URL")]
    pub untrusted_external_address: Option<String>,
    /// Folder of the sealed store
    #[arg(short = 'd', long, global = true, default_value = "offstage-data", value_name = "FOLDER")]
    pub data_dir: PathBuf,
    /// The enclave's binary [default: offstage-enclave beside this program]
    #[arg(long, global = true, value_name = "FILE")]
    pub enclave: Option<PathBuf>,
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

/// Options of `run`.
#[derive(Args, Clone, Debug)]
pub struct RunOptions {
    /// Fund the enclave's account from //Alice when it is poor; for development chains
    #[arg(long)]
    pub dev: bool,
    /// Remove the sealed store, the keys in it included, before starting
    #[arg(short = 'c', long)]
    pub clean_reset: bool,
    /// Shard to serve, in base58 [default: the enclave's measurement]
    #[arg(short = 's', long, value_name = "BASE58")]
    pub shard: Option<ShardIdentifier>,
    /// Confirm empty blocks whose number is a multiple of this; the same on every worker of the shard
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..), value_name = "BLOCKS")]
    pub heartbeat: u32,
    /// What clients and peers may use of the enclave.
    #[command(flatten)]
    pub limits: Limits,
}

impl Options {
    /// The node's full URL.
    pub fn node(&self) -> String {
        format!("{}:{}", self.node_url.trim_end_matches('/'), self.node_port)
    }

    /// The enclave's binary.
    ///
    /// # Errors
    /// When it is not there.
    pub fn enclave_binary(&self) -> Result<PathBuf> {
        let path = match &self.enclave {
            Some(path) => path.clone(),
            None => std::env::current_exe()
                .context("cannot find this program's own folder")?
                .with_file_name("offstage-enclave"),
        };
        anyhow::ensure!(
            path.is_file(),
            "there is no enclave binary at {}: build it with `make`, or name it with --enclave",
            path.display()
        );
        Ok(path)
    }
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
            say(&format!("error: {error:#}"));
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
    let text = error.to_string();
    let said: Vec<&str> = text
        .lines()
        .map(str::trim)
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"))
        .filter(|line| !line.is_empty())
        .collect();
    say(&format!("{}; see offstage-worker --help", said.join(" ").replace(" tip:", "; tip:")));
    ExitCode::from(2)
}

async fn dispatch(cli: Cli) -> Result<()> {
    match &cli.command {
        Command::Run(run) => service::run(&cli.options, run).await,
        Command::ShieldingKey => {
            let key = identity(&cli.options).await?.shielding_key;
            print(&key.context("the store holds no shielding key yet: start the worker with `run`, it makes one or asks a peer for it")?)
        }
        Command::SigningKey => print(&ss58(&identity(&cli.options).await?.signer)),
        Command::Mrenclave => print(&base58(&identity(&cli.options).await?.mrenclave)),
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
    prepare_data_dir(&options.data_dir)?;
    let enclave = enclave::Enclave::spawn(&options.enclave_binary()?, &options.data_dir, &[]).await?;
    let identity = enclave.identify().await?;
    enclave.shut_down().await;
    Ok(identity)
}

/// Makes the folder of the sealed store.
///
/// # Errors
/// When it cannot be made or written.
pub fn prepare_data_dir(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| {
        format!(
            "cannot make the data folder {}: choose another with --data-dir, or free some space",
            folder.display()
        )
    })
}

/// An account in its generic text form.
pub fn ss58(account: &offstage_primitives::AccountId32) -> String {
    use sp_core::crypto::{Ss58AddressFormat, Ss58Codec};
    account.to_ss58check_with_version(Ss58AddressFormat::custom(42))
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
