// SPDX-License-Identifier: Apache-2.0
//! The commands about a shard.

use super::{CliError, Context, base, key_of};
use crate::{
    account::AccountText,
    keystore::Keystore,
    parentchain::Parentchain,
    progress::{Observer, Stage},
    verification::Expected,
    worker::Worker,
    workflow::{self, Completed},
};
use anyhow::Result;
use clap::{Args, Subcommand};
use offstage_primitives::{
    H256, ShardIdentifier,
    balances::TrustedCall,
    receipt::Outcome,
    shard::{Base58Error, base58, from_base58},
};

/// Options and commands of `offstage trusted`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct TrustedArguments {
    /// MRENCLAVE that the worker must have, in base58
    #[arg(short = 'm', long, value_name = "BASE58", value_parser = parse_mrenclave)]
    pub mrenclave: Option<[u8; 32]>,
    /// Shard that the worker must serve, in base58 [default: the MRENCLAVE, else the worker's]
    #[arg(short = 's', long, value_name = "BASE58")]
    pub shard: Option<ShardIdentifier>,
    /// Account of the parentchain that pays for the extrinsic
    #[arg(short = 'a', long, default_value = "//Alice", value_name = "ACCOUNT")]
    pub xt_signer: AccountText,
    /// Direct invocation, which an off-chain worker does not have
    #[arg(short = 'd', long)]
    pub direct: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: TrustedCommand,
}

/// The commands.
#[derive(Subcommand, Debug)]
pub enum TrustedCommand {
    /// Make an incognito account; its key goes to ./my_trusted_keystore, in the folder of the shard
    NewAccount,
    /// List the accounts in the folder of the shard in ./my_trusted_keystore
    ListAccounts,
    /// Transfer funds within the shard; prints the operation's hash
    Transfer {
        /// Who pays
        from: AccountText,
        /// Who receives
        to: AccountText,
        /// How much
        #[arg(value_parser = crate::amount::parse_amount)]
        amount: u128,
    },
    /// Print the balance of an account, which only its owner may ask for
    Balance {
        /// The account
        account: AccountText,
    },
    /// Print the nonce of an account's next call, which only its owner may ask for
    Nonce {
        /// The account
        account: AccountText,
    },
    /// Set the balance of an account, as //Alice on development chains
    SetBalance {
        /// The account
        account: AccountText,
        /// Its new free balance
        #[arg(value_parser = crate::amount::parse_amount)]
        amount: u128,
    },
    /// Move funds from an incognito account to a public one; prints the operation's hash
    UnshieldFunds {
        /// Who pays, in the shard
        from: AccountText,
        /// Who receives, on the parentchain
        to: AccountText,
        /// How much
        #[arg(value_parser = crate::amount::parse_amount)]
        amount: u128,
    },
    /// Print the worker's MRENCLAVE in base58
    GetFingerprint,
    /// Print the worker's shard in base58
    GetShard,
    /// Print the worker's version
    Version,
    /// Print what became of an operation, checked against the root on chain
    GetReceipt {
        /// The operation's hash, as the operation's command printed it
        #[arg(value_parser = parse_hash)]
        operation: H256,
    },
}

pub(super) async fn run(context: &Context<'_>, arguments: &TrustedArguments) -> Result<()> {
    let is_call = matches!(
        arguments.command,
        TrustedCommand::Transfer { .. }
            | TrustedCommand::UnshieldFunds { .. }
            | TrustedCommand::SetBalance { .. }
    );
    // Questions are asked directly anyway, so there the flag says nothing.
    if arguments.direct && is_call {
        return Err(CliError::Direct.into());
    }
    let expected = Expected { shard: arguments.wanted_shard(), mrenclave: arguments.mrenclave };
    let payer = &arguments.xt_signer;
    match &arguments.command {
        TrustedCommand::NewAccount => {
            base::new_account(&Keystore::of_shard(&shard(context, arguments, &expected).await?))
        }
        TrustedCommand::ListAccounts => {
            base::list_accounts(&Keystore::of_shard(&shard(context, arguments, &expected).await?))
        }
        TrustedCommand::Transfer { from, to, amount } => {
            let to = to.parse()?.id();
            let amount = *amount;
            invoke(context, &expected, from, payer, |from, _| TrustedCall::BalanceTransfer(from, to, amount))
                .await
        }
        TrustedCommand::UnshieldFunds { from, to, amount } => {
            let to = to.parse()?.id();
            let amount = *amount;
            invoke(context, &expected, from, payer, |from, shard| {
                TrustedCall::BalanceUnshield(from, to, amount, shard)
            })
            .await
        }
        TrustedCommand::SetBalance { account, amount } => {
            let who = account.parse()?.id();
            let amount = *amount;
            let root = AccountText::from(DEVELOPMENT_ROOT);
            invoke(context, &expected, &root, payer, |root, _| {
                TrustedCall::BalanceSetBalance(root, who, amount, 0)
            })
            .await
        }
        TrustedCommand::Balance { account } => {
            let (_, mut worker) = worker(context, &expected).await?;
            let account = key_of(account, &Keystore::of_shard(&worker.identity().shard()))?;
            let balance = worker.free_balance(&account).await?;
            show_block(context, &worker);
            context.observer.result(&balance.to_string());
            Ok(())
        }
        TrustedCommand::Nonce { account } => {
            let (_, mut worker) = worker(context, &expected).await?;
            let account = key_of(account, &Keystore::of_shard(&worker.identity().shard()))?;
            let nonce = worker.nonce(&account).await?;
            show_block(context, &worker);
            context.observer.result(&nonce.to_string());
            Ok(())
        }
        TrustedCommand::GetFingerprint => {
            let (_, mut worker) = worker(context, &expected).await?;
            context.observer.result(&base58(&worker.fingerprint().await?));
            Ok(())
        }
        TrustedCommand::GetShard => {
            let (_, mut worker) = worker(context, &expected).await?;
            context.observer.result(&worker.shard().await?.to_string());
            Ok(())
        }
        TrustedCommand::Version => {
            let (_, mut worker) = worker(context, &expected).await?;
            context.observer.result(&worker.version().await?);
            Ok(())
        }
        TrustedCommand::GetReceipt { operation } => receipt(context, &expected, *operation).await,
    }
}

pub(super) async fn print_sgx_metadata(context: &Context<'_>) -> Result<()> {
    let (_, mut worker) = worker(context, &Expected::default()).await?;
    let metadata = worker.metadata().await?;
    context.observer.result(&format!("0x{}", hex::encode(metadata)));
    Ok(())
}

pub(super) async fn shield_funds(
    context: &Context<'_>,
    from: &AccountText,
    to: &AccountText,
    amount: u128,
    shard: ShardIdentifier,
) -> Result<()> {
    let payer = key_of(from, &Keystore::parentchain())?;
    let beneficiary = to.parse()?.id();
    let expected = Expected { shard: Some(shard), mrenclave: None };
    let (chain, worker) = worker(context, &expected).await?;
    let completed = workflow::shield_funds(
        &chain,
        &context.worker,
        worker,
        &beneficiary,
        amount,
        &payer,
        context.observer,
    )
    .await?;
    conclude(context, &completed)
}

/// Sends the call that `compose` makes for the author and the shard, and follows it to its outcome.
async fn invoke(
    context: &Context<'_>,
    expected: &Expected,
    author: &AccountText,
    payer: &AccountText,
    compose: impl FnOnce(offstage_primitives::AccountId32, ShardIdentifier) -> TrustedCall,
) -> Result<()> {
    let payer = key_of(payer, &Keystore::parentchain())?;
    // Refuse what was mistyped before anybody is asked.
    author.parse()?;
    let (chain, worker) = worker(context, expected).await?;
    let shard = worker.identity().shard();
    let author = key_of(author, &Keystore::of_shard(&shard))?;
    let call = compose(author.id(), shard);
    let completed =
        workflow::invoke(&chain, &context.worker, worker, call, &author, &payer, context.observer).await?;
    conclude(context, &completed)
}

async fn receipt(context: &Context<'_>, expected: &Expected, operation: H256) -> Result<()> {
    let (chain, mut worker) = worker(context, expected).await?;
    let settled = workflow::receipt_of(&chain, &mut worker, operation, context.observer).await?;
    let receipt = &settled.receipt;
    context.observer.result(&format!(
        "operation: {operation:?}\nblock: {} {:?}\nroot: {:?}\nposition: {} of {}\n{}",
        receipt.block_number,
        receipt.block_hash,
        settled.root,
        receipt.index + 1,
        receipt.leaf_count - 1,
        receipt.leaf.outcome,
    ));
    succeed(receipt.leaf.outcome)
}

/// Prints the operation's hash, by which its receipt can be asked for, and fails if the operation did.
fn conclude(context: &Context<'_>, completed: &Completed) -> Result<()> {
    context.observer.result(&format!("{:?}", completed.operation));
    succeed(completed.outcome)?;
    context.observer.line(&completed.outcome.to_string());
    Ok(())
}

fn succeed(outcome: Outcome) -> Result<()> {
    if outcome.is_success() { Ok(()) } else { Err(CliError::Outcome(outcome).into()) }
}

async fn worker(context: &Context<'_>, expected: &Expected) -> Result<(Parentchain, Worker)> {
    let chain = context.chain().await?;
    let mut worker = workflow::connect(&chain, &context.worker, expected, context.observer).await?;
    worker.accept_age(context.max_age);
    context.observer.waiting_for(Stage::Answer);
    Ok((chain, worker))
}

/// Says which block the last answer holds for, if the user wants to know.
fn show_block(context: &Context<'_>, worker: &Worker) {
    if let Some(block) = worker.answered_at().filter(|_| context.show_block) {
        context.observer.line(&format!("answer of block {block}"));
    }
}

/// The shard: as named, or the verified worker's.
async fn shard(
    context: &Context<'_>,
    arguments: &TrustedArguments,
    expected: &Expected,
) -> Result<ShardIdentifier> {
    match arguments.wanted_shard() {
        Some(shard) => Ok(shard),
        None => Ok(worker(context, expected).await?.1.identity().shard()),
    }
}

impl TrustedArguments {
    /// A shard is named after the MRENCLAVE that it started with, unless it has a name of its own.
    fn wanted_shard(&self) -> Option<ShardIdentifier> {
        self.shard.or(self.mrenclave.map(ShardIdentifier::from))
    }
}

fn parse_mrenclave(text: &str) -> Result<[u8; 32], Base58Error> {
    from_base58(text)
}

fn parse_hash(text: &str) -> Result<H256, &'static str> {
    let mut hash = H256::zero();
    let digits = text.strip_prefix("0x").unwrap_or(text);
    hex::decode_to_slice(digits, &mut hash.0)
        .map_err(|_| "an operation's hash is 0x and 64 hexadecimal digits")?;
    Ok(hash)
}

/// Whom the default business logic lets set balances, on development chains.
const DEVELOPMENT_ROOT: &str = "//Alice";

const EXAMPLES: &str = "\
Examples:
  offstage trusted new-account
  offstage trusted balance //Alice
  offstage trusted transfer //Alice //Bob 25_000_000_000
  offstage trusted --shard <shard> unshield-funds //Alice //Alice 15_000_000_000
  offstage trusted get-receipt <hash that the operation printed>";
