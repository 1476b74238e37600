// SPDX-License-Identifier: Apache-2.0
//! The commands about a shard, whatever its business logic. A file each: its options, and `run`.

mod get_fingerprint;
mod get_parentchains_info;
mod get_receipt;
mod get_shard;
mod get_shard_info;
mod import;
mod list_accounts;
mod new_account;
mod print_sgx_metadata;
mod version;

pub(super) use get_fingerprint::GetFingerprint;
pub(super) use get_parentchains_info::GetParentchainsInfo;
pub(super) use get_receipt::GetReceipt;
pub(super) use get_shard::GetShard;
pub(super) use get_shard_info::GetShardInfo;
pub(super) use import::Import;
pub(super) use list_accounts::ListAccounts;
pub(super) use new_account::NewAccount;
pub(super) use print_sgx_metadata::PrintSgxMetadata;
pub(super) use version::Version;

use super::{
    context::{Context, key_of},
    error::CliError,
    output::Printed,
};
use crate::{
    account::{AccountText, NamedAccount},
    keystore::Keystore,
    workflow::{self, Completed},
};
use anyhow::Result;
use offstage_primitives::{
    AccountId32, ShardIdentifier,
    receipt::Outcome,
    trusted::{Getter, TrustedCall},
};
use serde_json::{Value as Json, json};

/// Sends the call that `compose` makes for the author and the shard, in the words `C` and `G` of the shard's business
/// logic, and follows it to its outcome. `payer` pays on the parentchain.
pub(super) async fn invoke<C: TrustedCall, G: Getter>(
    context: &Context<'_>,
    author: NamedAccount,
    payer: &AccountText,
    compose: impl FnOnce(AccountId32, ShardIdentifier) -> C,
) -> Result<()> {
    let pin = context.pin()?;
    let shard = pin.identifier();
    let author = key_of(author, &Keystore::of_shard(&shard))?;
    let payer = context.key(payer, &Keystore::parentchain())?;
    let call = compose(author.id(), shard);
    let (chain, worker) = context.worker(&pin).await?;
    let observer = context.observer;
    let completed =
        workflow::invoke::<C, G>(&chain, &context.worker, worker, call, &author, &payer, observer).await?;
    conclude(context, &completed, json!({}))
}

/// Prints the operation's hash, by which its receipt can be asked for, and fails if the operation did. Programs read
/// what is `known` of it as well.
pub(super) fn conclude(context: &Context<'_>, completed: &Completed, known: Json) -> Result<()> {
    let operation = format!("{:?}", completed.operation);
    let mut json = known;
    json["operation"] = json!(operation);
    json["outcome"] = json!(completed.outcome.code());
    json["text"] = json!(completed.outcome.to_string());
    context.observer.print(&Printed::new(operation, json));
    succeed(completed.outcome)?;
    context.observer.line(&completed.outcome.to_string());
    Ok(())
}

fn succeed(outcome: Outcome) -> Result<()> {
    if outcome.is_success() { Ok(()) } else { Err(CliError::Outcome(outcome).into()) }
}
