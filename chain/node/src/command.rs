// SPDX-License-Identifier: GPL-3.0-only
//! Does what the command line says.

use crate::{
    chain_spec,
    cli::{Cli, Subcommand},
    service,
};
use offstage_node::settings;
use offstage_primitives::command_line;
use offstage_runtime::opaque::{Block, Hash};
use sc_cli::SubstrateCli;
use sc_network::{Litep2pNetworkBackend, NetworkWorker, config::NetworkBackendType};
use sc_service::{Configuration, PartialComponents, TaskManager};
use std::io::{Write, stderr};

impl SubstrateCli for Cli {
    fn impl_name() -> String {
        "Offstage Node".into()
    }

    fn impl_version() -> String {
        env!("SUBSTRATE_CLI_IMPL_VERSION").into()
    }

    fn description() -> String {
        env!("CARGO_PKG_DESCRIPTION").into()
    }

    fn author() -> String {
        "the Offstage contributors".into()
    }

    fn support_url() -> String {
        "the project's issue tracker".into()
    }

    fn copyright_start_year() -> i32 {
        2026
    }

    fn load_spec(&self, id: &str) -> Result<Box<dyn sc_service::ChainSpec>, String> {
        Ok(Box::new(match id {
            "dev" => chain_spec::development()?,
            "" | "local" => chain_spec::local()?,
            path => chain_spec::from_file(path)?,
        }))
    }
}

/// Reads the command line and does what it says.
///
/// # Errors
/// Whatever went wrong, to be shown to the user. A command line that cannot be read ends the process at once, with
/// exit code 2.
pub(crate) fn run() -> sc_cli::Result<()> {
    let mut cli = Cli::try_from_iter(std::env::args_os()).unwrap_or_else(|error| refuse(&error));
    if cli.run.get_keyring().is_some() {
        // The keys of Alice and the others are public, so their network identity needs no care either.
        cli.run.network_params.node_key_params.unsafe_force_node_key_generation = true;
    }
    let justification_period = |configuration: &Configuration| {
        cli.justification_period
            .unwrap_or_else(|| settings::justification_period(&configuration.chain_spec.chain_type()))
    };
    let assemble =
        |configuration: &Configuration| service::assemble(configuration, justification_period(configuration));

    match &cli.subcommand {
        None => {
            let runner = cli.create_runner(&cli.run)?;
            runner.run_node_until_exit(|configuration| async move {
                let configuration = settings::with_our_defaults(configuration);
                settings::check_ports(&configuration)?;
                let period = justification_period(&configuration);
                Ok::<TaskManager, sc_cli::Error>(match configuration.network.network_backend {
                    NetworkBackendType::Litep2p => {
                        service::run::<Litep2pNetworkBackend>(configuration, period)?
                    }
                    NetworkBackendType::Libp2p => {
                        service::run::<NetworkWorker<Block, Hash>>(configuration, period)?
                    }
                })
            })
        }
        Some(Subcommand::Key(command)) => command.run(&cli),
        Some(Subcommand::BuildSpec(command)) => cli
            .create_runner(command)?
            .sync_run(|configuration| command.run(configuration.chain_spec, configuration.network)),
        Some(Subcommand::ExportChainSpec(command)) => command.run(cli.load_spec(&command.chain)?),
        Some(Subcommand::CheckBlock(command)) => cli.create_runner(command)?.async_run(|configuration| {
            let configuration = settings::with_our_defaults(configuration);
            let PartialComponents { client, task_manager, import_queue, .. } = assemble(&configuration)?;
            Ok((command.run(client, import_queue), task_manager))
        }),
        Some(Subcommand::ExportBlocks(command)) => cli.create_runner(command)?.async_run(|configuration| {
            let configuration = settings::with_our_defaults(configuration);
            let PartialComponents { client, task_manager, .. } = assemble(&configuration)?;
            Ok((command.run(client, configuration.database), task_manager))
        }),
        Some(Subcommand::ExportState(command)) => cli.create_runner(command)?.async_run(|configuration| {
            let configuration = settings::with_our_defaults(configuration);
            let PartialComponents { client, task_manager, .. } = assemble(&configuration)?;
            Ok((command.run(client, configuration.chain_spec), task_manager))
        }),
        Some(Subcommand::ImportBlocks(command)) => cli.create_runner(command)?.async_run(|configuration| {
            let configuration = settings::with_our_defaults(configuration);
            let PartialComponents { client, task_manager, import_queue, .. } = assemble(&configuration)?;
            Ok((command.run(client, import_queue), task_manager))
        }),
        Some(Subcommand::PurgeChain(command)) => {
            cli.create_runner(command)?.sync_run(|configuration| command.run(configuration.database))
        }
        Some(Subcommand::Revert(command)) => cli.create_runner(command)?.async_run(|configuration| {
            let configuration = settings::with_our_defaults(configuration);
            let PartialComponents { client, task_manager, backend, .. } = assemble(&configuration)?;
            let revert_grandpa = Box::new(|client, _, blocks| {
                sc_consensus_grandpa::revert(client, blocks)?;
                Ok(())
            });
            Ok((command.run(client, backend, Some(revert_grandpa)), task_manager))
        }),
        Some(Subcommand::ChainInfo(command)) => cli
            .create_runner(command)?
            .sync_run(|configuration| command.run::<Block>(&settings::with_our_defaults(configuration))),
    }
}

/// Ends the process: with the help or version that was asked for, or with one line about what cannot be understood.
fn refuse(error: &clap::Error) -> ! {
    if !error.use_stderr() {
        error.exit();
    }
    let help = format!("{} --help", Cli::executable_name());
    let _ = writeln!(stderr(), "{}", command_line::refusal(&error.to_string(), &help));
    std::process::exit(2)
}
