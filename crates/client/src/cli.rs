// SPDX-License-Identifier: Apache-2.0
//! The command line (wire.md, "CLI: what scripts call and read").
//!
//! stdout carries results alone, and its last line is the value; stderr carries progress and errors. The exit code is
//! 0 for success, 1 when something failed at run time (also a trusted call that was executed without success), 2 for a
//! wrong command line.

mod base;
mod report;
mod terminal;
mod trust;
mod trusted;

use crate::{
    account::{AccountError, AccountText, NamedAccount},
    keystore::Keystore,
    parentchain::{Parentchain, ParentchainError, check_transport},
    progress::{Observer, Stage},
    trust::Trust,
    worker::{WorkerAddress, address::AddressError},
};
use anyhow::Result;
use clap::{Args, Parser, Subcommand};
use std::{process::ExitCode, time::Duration};
use terminal::Terminal;
use thiserror::Error;

pub use report::render_workers;
pub use trust::TrustOptions;
pub use trusted::{TrustedArguments, TrustedCommand};

/// Talk to a parentchain and to its confidential off-chain workers.
///
/// Commands beside `trusted` are about the parentchain, where everybody sees everything. Commands below `trusted` are
/// about a shard, where accounts, amounts and calls stay inside enclaves: this program encrypts them to a key that it
/// has first verified to belong to an enclave with the code that the chain allows.
///
/// An account is //Alice (a development account), an ss58 address whose key is in ./my_keystore or
/// ./my_trusted_keystore, a 0x seed, or a mnemonic phrase in quotes. Amounts are whole numbers of the smallest unit.
#[derive(Parser, Debug)]
#[command(name = "offstage", version, about, long_about, after_help = EXAMPLES)]
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
#[command(next_help_heading = "Where to connect")]
pub struct Options {
    /// WebSocket URL of the parentchain's node; a port in it counts before --node-port
    #[arg(short = 'u', long, global = true, default_value = "ws://127.0.0.1", value_name = "URL")]
    pub node_url: String,
    /// WebSocket port of the node
    #[arg(short = 'p', long, global = true, default_value_t = 9944, value_name = "PORT")]
    pub node_port: u16,
    /// WebSocket URL of the worker; a port in it counts before --trusted-worker-port
    #[arg(short = 'U', long, global = true, default_value = "wss://127.0.0.1", value_name = "URL")]
    pub worker_url: String,
    /// Port on which the worker's enclave serves clients
    #[arg(short = 'P', long, global = true, default_value_t = 2000, value_name = "PORT")]
    pub trusted_worker_port: u16,
    /// Give up after this many seconds (not for listen)
    #[arg(long, global = true, default_value_t = 180, value_name = "SECONDS",
        value_parser = clap::value_parser!(u64).range(1..))]
    pub timeout: u64,
    /// Take a worker's answers from states up to so many blocks behind the newest final one
    #[arg(long, global = true, default_value_t = crate::worker::MAX_AGE, value_name = "BLOCKS")]
    pub max_age: u32,
    /// Print the block that a worker's answer holds for
    #[arg(long, global = true)]
    pub show_block: bool,
    /// Where trust starts.
    #[command(flatten)]
    pub trust: TrustOptions,
}

/// The commands.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Print the public balance of an account
    Balance {
        /// The account
        account: AccountText,
    },
    /// Make an account for the parentchain; its key goes to ./my_keystore
    NewAccount,
    /// List the accounts in ./my_keystore
    ListAccounts,
    /// Print the metadata of the parentchain (hex of SCALE)
    PrintMetadata,
    /// Print the metadata of the worker's business logic (hex of SCALE)
    PrintSgxMetadata,
    /// Give funds of //Alice to accounts, on development chains
    Faucet {
        /// The accounts
        #[arg(required = true)]
        accounts: Vec<AccountText>,
    },
    /// Transfer funds on the parentchain, for everybody to see
    Transfer {
        /// Who pays
        from: AccountText,
        /// Who receives
        to: AccountText,
        /// How much
        #[arg(value_parser = crate::amount::parse_amount)]
        amount: u128,
    },
    /// List the enclaves that are registered on the parentchain
    ListWorkers,
    /// Print the parentchain's events as its blocks become final
    Listen {
        /// End after this many events
        #[arg(short = 'e', long, value_name = "N")]
        exit_after_events: Option<u32>,
        /// End after this many blocks
        #[arg(short = 'b', long, value_name = "N")]
        exit_after_blocks: Option<u32>,
    },
    /// Move funds from a public account to an incognito account of a shard
    ///
    /// The chain sees who pays, how much and to which shard, but not for whom. The command ends when a worker has
    /// credited the funds, and prints the operation's hash.
    ShieldFunds {
        /// Who pays, on the parentchain
        from: AccountText,
        /// Who receives, in the shard
        to: AccountText,
        /// How much
        #[arg(value_parser = crate::amount::parse_amount)]
        amount: u128,
        /// The shard, in base58
        shard: offstage_primitives::ShardIdentifier,
    },
    /// Confidential operations in a shard
    ///
    /// A call is signed, encrypted for the shard's enclaves and sent through the parentchain; the command ends when a
    /// worker has executed it, and fails if it had no success. A question is signed and asked directly, over TLS that
    /// ends in the enclave.
    ///
    /// Without --mrenclave and --shard the worker decides which shard it is, after this program has verified it against
    /// the chain. With them, any other worker is refused.
    Trusted(TrustedArguments),
}

/// Runs the program with the arguments of the process.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    init_log();
    let terminal = Terminal::new();
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
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            terminal.error(&error);
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
    Terminal::new().error(&CliError::CommandLine(explanation(&error.to_string())).into());
    ExitCode::from(USAGE)
}

/// What clap says before it repeats the usage.
fn explanation(text: &str) -> String {
    let said: Vec<&str> = text
        .strip_prefix("error: ")
        .unwrap_or(text)
        .lines()
        .map(str::trim)
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"))
        .filter(|line| !line.is_empty())
        .collect();
    said.join(" ").replace(" tip:", "; tip:")
}

/// Runs one command within the time that the user allows.
async fn run(cli: &Cli, terminal: &Terminal) -> Result<()> {
    let context = Context::new(&cli.options, terminal)?;
    let work = dispatch(&context, &cli.command);
    if matches!(cli.command, Command::Listen { .. }) {
        return work.await;
    }
    match tokio::time::timeout(Duration::from_secs(cli.options.timeout), work).await {
        Ok(outcome) => outcome,
        Err(_) => Err(CliError::Timeout { seconds: cli.options.timeout, stage: terminal.stage() }.into()),
    }
}

async fn dispatch(context: &Context<'_>, command: &Command) -> Result<()> {
    match command {
        Command::Balance { account } => base::balance(context, account).await,
        Command::NewAccount => base::new_account(&Keystore::parentchain()),
        Command::ListAccounts => base::list_accounts(&Keystore::parentchain()),
        Command::PrintMetadata => base::print_metadata(context).await,
        Command::PrintSgxMetadata => trusted::print_sgx_metadata(context).await,
        Command::Faucet { accounts } => base::faucet(context, accounts).await,
        Command::Transfer { from, to, amount } => base::transfer(context, from, to, *amount).await,
        Command::ListWorkers => base::list_workers(context).await,
        Command::Listen { exit_after_events, exit_after_blocks } => {
            base::listen(context, *exit_after_events, *exit_after_blocks).await
        }
        Command::ShieldFunds { from, to, amount, shard } => {
            trusted::shield_funds(context, from, to, *amount, *shard).await
        }
        Command::Trusted(arguments) => trusted::run(context, arguments).await,
    }
}

/// What every command needs.
struct Context<'run> {
    node_url: String,
    trust: Trust,
    max_age: u32,
    show_block: bool,
    worker: WorkerAddress,
    observer: &'run Terminal,
}

impl<'run> Context<'run> {
    fn new(options: &Options, observer: &'run Terminal) -> Result<Self> {
        let node_url = node_url(&options.node_url, options.node_port)?;
        check_transport(&node_url, options.trust.insecure_plain_ws)?;
        Ok(Self {
            node_url,
            trust: options.trust.trust(),
            max_age: options.max_age,
            show_block: options.show_block,
            worker: WorkerAddress::parse(&options.worker_url, options.trusted_worker_port)?,
            observer,
        })
    }

    async fn chain(&self) -> Result<Parentchain, ParentchainError> {
        self.observer.waiting_for(Stage::Node);
        Parentchain::connect(&self.node_url, &self.trust, self.observer).await
    }
}

/// The account with its key: named by a secret, or found in `keystore`.
fn key_of(text: &AccountText, keystore: &Keystore) -> Result<crate::account::Account> {
    Ok(match text.parse()? {
        NamedAccount::Key(account) => *account,
        NamedAccount::Address(id) => keystore.key(&id)?,
    })
}

/// The node's URL with its port.
fn node_url(url: &str, port: u16) -> Result<String, CliError> {
    let authority = url
        .strip_prefix("ws://")
        .or_else(|| url.strip_prefix("wss://"))
        .ok_or(CliError::NodeUrl)?
        .trim_end_matches('/');
    if authority.is_empty() || authority.contains(char::is_whitespace) {
        return Err(CliError::NodeUrl);
    }
    // A path, or a port of its own, means that the URL is whole.
    let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    if has_port || authority.contains('/') {
        return Ok(url.to_owned());
    }
    Ok(format!("{}:{port}", url.trim_end_matches('/')))
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

/// Errors of the command line itself.
#[derive(Debug, Error)]
pub(crate) enum CliError {
    #[error("{0}")]
    CommandLine(String),
    #[error("a node's URL begins with ws:// or wss://, for example ws://127.0.0.1")]
    NodeUrl,
    #[error("timed out after {seconds} s while waiting for {stage}")]
    Timeout { seconds: u64, stage: Stage },
    #[error("direct invocation (--direct) does not exist on an off-chain worker")]
    Direct,
    #[error("the operation failed: {0}")]
    Outcome(offstage_primitives::receipt::Outcome),
}

impl CliError {
    fn is_usage(&self) -> bool {
        matches!(self, Self::CommandLine(_) | Self::NodeUrl | Self::Direct)
    }

    fn hint(&self) -> Option<&'static str> {
        match self {
            Self::CommandLine(_) => Some("see offstage --help"),
            Self::NodeUrl => None,
            Self::Timeout { stage, .. } => Some(match stage {
                Stage::Node => "look whether the node runs, and whether --node-url and --node-port are right",
                Stage::Following { .. } => {
                    "what was verified is kept: start again to go on, or name a newer block with --checkpoint"
                }
                Stage::Worker | Stage::Answer | Stage::Receipt => {
                    "look whether the worker runs, and whether --worker-url and --trusted-worker-port are right"
                }
                Stage::Submission | Stage::Inclusion | Stage::Finality => {
                    "look whether the chain makes and finalizes blocks; --timeout waits longer"
                }
                Stage::Processing => {
                    "look whether a worker of the shard runs and has funds for fees; --timeout waits longer"
                }
            }),
            Self::Direct => Some("leave it out: the call then goes through the parentchain"),
            Self::Outcome(_) => None,
        }
    }
}

/// Whether an error of the libraries is about what the user typed.
fn is_typed_wrongly(error: &(dyn std::error::Error + 'static)) -> bool {
    error.is::<AccountError>()
        || error.is::<AddressError>()
        || error.downcast_ref::<CliError>().is_some_and(CliError::is_usage)
}

/// Exit code for a failure at run time.
const FAILURE: u8 = 1;

/// Exit code for a wrong command line, as clap uses it.
const USAGE: u8 = 2;

const EXAMPLES: &str = "\
Examples:
  offstage list-workers
  offstage shield-funds //Alice //Alice 50_000_000_000 <shard>
  offstage trusted transfer //Alice //Bob 25_000_000_000
  offstage trusted balance //Bob
  offstage trusted unshield-funds //Alice //Alice 15_000_000_000

stdout carries the result, its last line is the value; progress goes to stderr.
Exit codes: 0 done, 1 failed, 2 wrong command line.";

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_defaults_are_those_of_the_demo() {
        let cli = Cli::try_parse_from(["offstage", "list-workers"]).unwrap();
        let terminal = Terminal::new();
        let context = Context::new(&cli.options, &terminal).unwrap();
        assert_eq!(context.node_url, "ws://127.0.0.1:9944");
        assert_eq!(context.worker.to_string(), "wss://127.0.0.1:2000");
    }

    #[test]
    fn the_lines_of_known_scripts_are_understood() {
        let shard = "8weGnjvG3nh6UzoYjqaTjpWjX1ouNPioA1K5134DJc5j";
        for line in [
            "offstage -u ws://127.0.0.1 -p 9944 -U wss://127.0.0.1 -P 2000 balance //Alice".to_owned(),
            "offstage new-account".to_owned(),
            "offstage list-accounts".to_owned(),
            "offstage print-metadata".to_owned(),
            "offstage print-sgx-metadata -P 2001".to_owned(),
            "offstage faucet //Bob //Charlie".to_owned(),
            "offstage transfer //Alice //Bob 1000".to_owned(),
            "offstage listen -e 3 -b 5".to_owned(),
            format!("offstage -p 9994 shield-funds //Alice //AliceIncognito 50000000000 {shard}"),
            format!("offstage trusted --mrenclave {shard} new-account"),
            format!("offstage trusted -m {shard} -s {shard} -a //Bob list-accounts"),
            format!("offstage trusted --mrenclave {shard} --direct transfer //Alice //Bob 1"),
            format!("offstage -P 3000 trusted --mrenclave {shard} balance //Alice"),
            "offstage trusted nonce //Alice".to_owned(),
            "offstage --root development --max-age 100 --show-block trusted balance //Alice".to_owned(),
            format!("offstage trusted balance //Alice --genesis 0x{0} --checkpoint {0}", "ab".repeat(32)),
            "offstage -u ws://node.example --insecure-plain-ws list-workers".to_owned(),
            "offstage trusted set-balance //Alice 1000".to_owned(),
            "offstage trusted unshield-funds //AliceIncognito //Alice 15_000_000_000".to_owned(),
            "offstage trusted get-fingerprint".to_owned(),
            "offstage trusted get-shard".to_owned(),
            "offstage trusted version".to_owned(),
            format!("offstage trusted get-receipt 0x{}", "ab".repeat(32)),
        ] {
            let arguments = line.split_whitespace();
            assert!(Cli::try_parse_from(arguments).is_ok(), "{line}");
        }
    }

    #[test]
    fn wrong_lines_are_usage_errors() {
        for line in [
            "offstage",
            "offstage balance",
            "offstage faucet",
            "offstage transfer //Alice //Bob 1.5",
            "offstage transfer //Alice //Bob many",
            "offstage shield-funds //Alice //Bob 1 notbase58!",
            "offstage trusted get-receipt 0x12",
            "offstage --insecure list-workers",
            "offstage --timeout 0 list-workers",
            "offstage -p 70000 list-workers",
            "offstage --root amd list-workers",
            "offstage --genesis 0x12 list-workers",
            "offstage --checkpoint latest list-workers",
            "offstage --max-age few list-workers",
        ] {
            let error = Cli::try_parse_from(line.split_whitespace()).unwrap_err();
            assert_eq!(error.exit_code(), i32::from(USAGE), "{line}");
        }
    }

    #[test]
    fn node_urls_get_their_port() {
        for (url, whole) in [
            ("ws://127.0.0.1", "ws://127.0.0.1:9944"),
            ("ws://127.0.0.1/", "ws://127.0.0.1:9944"),
            ("wss://node.example:443", "wss://node.example:443"),
            ("wss://node.example/rpc", "wss://node.example/rpc"),
            ("ws://[::1]", "ws://[::1]:9944"),
        ] {
            assert_eq!(node_url(url, 9944).unwrap(), whole);
        }
        for url in ["http://127.0.0.1", "127.0.0.1", "ws://", "ws://a b"] {
            assert!(node_url(url, 9944).is_err(), "{url}");
        }
    }

    #[test]
    fn c13_a_plain_connection_to_another_machine_needs_its_flag() {
        let terminal = Terminal::new();
        for (flag, is_made) in [("", false), ("--insecure-plain-ws", true)] {
            let line = format!("offstage -u ws://node.example {flag} list-workers");
            let cli = Cli::try_parse_from(line.split_whitespace()).unwrap();
            assert_eq!(Context::new(&cli.options, &terminal).is_ok(), is_made);
        }
    }

    #[test]
    fn a_secret_on_the_command_line_does_not_show_in_debug_output() {
        let cli = Cli::try_parse_from(["offstage", "balance", "0xsecret"]).unwrap();
        assert!(!format!("{cli:?}").contains("secret"));
    }
}
