// SPDX-License-Identifier: GPL-3.0-only
//! The command line.

use clap::{Arg, Command, Parser};
use sc_cli::{
    BuildSpecCmd, ChainInfoCmd, CheckBlockCmd, ExportBlocksCmd, ExportChainSpecCmd, ExportStateCmd,
    ImportBlocksCmd, KeySubcommand, PurgeChainCmd, RevertCmd, RunCmd,
};

/// All that can be said on the command line.
#[derive(Debug, Parser)]
#[command(mut_args(as_here), mut_subcommands(all_as_here))]
pub(crate) struct Cli {
    /// A command other than running the node.
    #[command(subcommand)]
    pub(crate) subcommand: Option<Subcommand>,

    /// How to run the node.
    #[clap(flatten)]
    pub(crate) run: RunCmd,

    /// Keep a GRANDPA justification at least every so many blocks.
    ///
    /// A confidential worker can prove that a block is final only at a block with a justification, so this bounds how
    /// far it is behind when it catches up. One justification of four validators takes about 500 bytes.
    ///
    /// [default: 1 on development chains, 8 on others]
    #[arg(long, value_name = "BLOCKS", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) justification_period: Option<u32>,
}

/// Commands other than running the node.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Subcommand {
    /// Make, inspect and insert keys.
    #[command(subcommand)]
    Key(KeySubcommand),

    /// Print a chain specification (older name and form of `export-chain-spec`).
    BuildSpec(BuildSpecCmd),

    /// Print a chain specification, or write it to a file.
    ExportChainSpec(ExportChainSpecCmd),

    /// Validate a block of the database again.
    CheckBlock(CheckBlockCmd),

    /// Write blocks to a file.
    ExportBlocks(ExportBlocksCmd),

    /// Write the state at a block as a chain specification.
    ExportState(ExportStateCmd),

    /// Read blocks from a file.
    ImportBlocks(ImportBlocksCmd),

    /// Remove a chain's database.
    PurgeChain(PurgeChainCmd),

    /// Take back blocks that are not final.
    Revert(RevertCmd),

    /// Print what the database holds.
    ChainInfo(ChainInfoCmd),
}

/// The same for a command and all below it.
fn all_as_here(command: Command) -> Command {
    command.mut_args(as_here).mut_subcommands(all_as_here)
}

/// The arguments that we take over from Substrate, with what is true of this node where Substrate's words are not.
fn as_here(argument: Arg) -> Arg {
    match argument.get_id().as_str() {
        "chain" => argument.help(CHAIN).long_help(CHAIN_LONG),
        "state_pruning" => argument.help(STATE_PRUNING).long_help(STATE_PRUNING_LONG),
        _ => argument,
    }
}

const CHAIN: &str = "Specify the chain specification";
const CHAIN_LONG: &str = "\
Specify the chain specification.

It can be one of the predefined ones (dev or local) or it can be a path to a file with the chainspec (such as one \
exported by the `export-chain-spec` subcommand). Nothing said is local.";

const STATE_PRUNING: &str = "Specify the state pruning mode [default: archive-canonical]";
const STATE_PRUNING_LONG: &str = "\
Specify the state pruning mode.

This mode specifies when the block's state (ie, storage) should be pruned (ie, removed) from the database. This \
setting can only be set on the first creation of the database. It is fine to drop this CLI flag for subsequent runs, \
if the database was made with the default.

Possible values:

- archive: Keep the data of all blocks.

- archive-canonical: Keep only the data of finalized blocks.

- NUMBER: Keep the data of the last NUMBER of finalized blocks. A confidential worker that joins late, or that was off \
for longer, cannot follow the chain with such a node: it needs the state of each block from its position on.

[default: archive-canonical]";

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    /// Substrate's help speaks of a chain that this node does not have, and of a default that is not ours.
    #[test]
    fn the_help_is_true_of_this_node() {
        let mut command = Cli::command();
        let help = command.render_long_help().to_string();
        assert!(help.contains("[default: archive-canonical]") && help.contains("(dev or local)"), "{help}");
        all_are_true(&mut command);
    }

    fn all_are_true(command: &mut Command) {
        let help = command.render_long_help().to_string();
        assert!(!help.contains("staging") && !help.contains("[default: 256]"), "{help}");
        command.get_subcommands_mut().for_each(all_are_true);
    }
}
