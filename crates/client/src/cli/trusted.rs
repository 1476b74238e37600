// SPDX-License-Identifier: Apache-2.0
//! `offstage trusted`: the commands below it, those of every shard and those of the business logic.

use super::{balances, context::Context, error::CliError, runtime, shard};
use crate::account::AccountText;
use anyhow::Result;
use clap::{Args, Subcommand};

/// Confidential operations in a shard
///
/// This program signs a call, encrypts it for the shard's enclaves and sends it through the parentchain. The command
/// ends when a worker has executed the call. If the call failed, the command fails, too. A question is signed and sent
/// straight to the worker, over TLS that ends in the enclave.
///
/// You name the shard with --shard, --mrenclave or a --profile. Workers of other shards are refused.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Trusted {
    /// Account of the parentchain that pays for the extrinsic
    #[arg(short = 'a', long, default_value = "//Alice", value_name = "ACCOUNT")]
    xt_signer: AccountText,
    /// Direct invocation, which an off-chain worker does not have
    #[arg(short = 'd', long)]
    direct: bool,
    /// What to do.
    #[command(subcommand)]
    command: TrustedCommand,
}

/// The commands.
#[derive(Subcommand, Debug)]
enum TrustedCommand {
    NewAccount(shard::NewAccount),
    ListAccounts(shard::ListAccounts),
    Import(shard::Import),
    Transfer(balances::Transfer),
    Balance(balances::Balance),
    Nonce(balances::Nonce),
    SetBalance(balances::SetBalance),
    UnshieldFunds(balances::UnshieldFunds),
    GetFingerprint(shard::GetFingerprint),
    GetShard(shard::GetShard),
    GetShardInfo(shard::GetShardInfo),
    GetParentchainsInfo(shard::GetParentchainsInfo),
    Version(shard::Version),
    GetReceipt(shard::GetReceipt),
    #[command(name = "result")]
    OperationResult(runtime::OperationResult),
    History(runtime::History),
    Call(runtime::Call),
    Query(runtime::Query),
    View(runtime::View),
    Constants(runtime::Constants),
    Metadata(runtime::Metadata),
}

impl Trusted {
    pub(super) async fn run(&self, context: &Context<'_>) -> Result<()> {
        // Questions are asked directly anyway, so there the flag says nothing.
        if self.direct && self.command.is_call() {
            return Err(CliError::Direct.into());
        }
        let payer = &self.xt_signer;
        match &self.command {
            TrustedCommand::NewAccount(command) => command.run(context),
            TrustedCommand::ListAccounts(command) => command.run(context),
            TrustedCommand::Import(command) => command.run(context),
            TrustedCommand::Transfer(command) => command.run(context, payer).await,
            TrustedCommand::Balance(command) => command.run(context).await,
            TrustedCommand::Nonce(command) => command.run(context).await,
            TrustedCommand::SetBalance(command) => command.run(context, payer).await,
            TrustedCommand::UnshieldFunds(command) => command.run(context, payer).await,
            TrustedCommand::GetFingerprint(command) => command.run(context).await,
            TrustedCommand::GetShard(command) => command.run(context).await,
            TrustedCommand::GetShardInfo(command) => command.run(context).await,
            TrustedCommand::GetParentchainsInfo(command) => command.run(context).await,
            TrustedCommand::Version(command) => command.run(context).await,
            TrustedCommand::GetReceipt(command) => command.run(context).await,
            TrustedCommand::OperationResult(command) => command.run(context).await,
            TrustedCommand::History(command) => command.run(context).await,
            TrustedCommand::Call(command) => command.run(context, payer).await,
            TrustedCommand::Query(command) => command.run(context).await,
            TrustedCommand::View(command) => command.run(context).await,
            TrustedCommand::Constants(command) => command.run(context).await,
            TrustedCommand::Metadata(command) => command.run(context).await,
        }
    }
}

impl TrustedCommand {
    fn is_call(&self) -> bool {
        matches!(self, Self::Transfer(_) | Self::UnshieldFunds(_) | Self::SetBalance(_) | Self::Call(_))
    }
}

const EXAMPLES: &str = "\
Examples:
  offstage trusted --shard <shard> new-account
  offstage trusted --shard <shard> transfer //Alice //Bob 25_000_000_000
  offstage --profile demo trusted balance //Alice
  offstage --profile demo trusted unshield-funds //Alice //Alice 15_000_000_000
  offstage --profile demo trusted get-receipt <hash that the operation printed>";
