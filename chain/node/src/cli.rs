// SPDX-License-Identifier: GPL-3.0-only
//! The command line.

use clap::Parser;
use sc_cli::{
    BuildSpecCmd, ChainInfoCmd, CheckBlockCmd, ExportBlocksCmd, ExportChainSpecCmd, ExportStateCmd,
    ImportBlocksCmd, KeySubcommand, PurgeChainCmd, RevertCmd, RunCmd,
};

/// All that can be said on the command line.
#[derive(Debug, Parser)]
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
