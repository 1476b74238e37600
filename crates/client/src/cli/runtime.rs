// SPDX-License-Identifier: Apache-2.0
//! The commands about the runtime of a shard, whatever its pallets: all they know of them is in its metadata.

mod call;
mod constants;
mod history;
mod metadata;
mod query;
mod result;
mod view;

pub(super) use call::Call;
pub(super) use constants::Constants;
pub(super) use history::History;
pub(super) use metadata::Metadata;
pub(super) use query::Query;
pub(super) use result::OperationResult;
pub(super) use view::View;

use super::{context::Context, output::Printed};
use crate::{
    account::{AccountText, NamedAccount},
    keystore::Keystore,
    parentchain::Parentchain,
    shard_runtime::{Item, RuntimeError, ShardRuntime},
    worker::Worker,
};
use anyhow::Result;

/// A verified worker of the shard that the user means, and its runtime.
async fn runtime(context: &Context<'_>) -> Result<(Parentchain, Worker, ShardRuntime)> {
    let (chain, mut worker) = context.worker(&context.pin()?).await?;
    let runtime = ShardRuntime::of(&mut worker).await?.with_ss58_prefix(chain.ss58_prefix().await);
    Ok((chain, worker, runtime))
}

/// Asks, and prints the answer. Who asks is named, or is the first account of the question whose key is here.
async fn ask(
    context: &Context<'_>,
    worker: &mut Worker,
    runtime: &ShardRuntime,
    item: Item,
    asker: Option<&AccountText>,
) -> Result<()> {
    let keystore = Keystore::of_shard(&worker.identity().shard());
    let asker = match asker {
        Some(asker) => Some(context.key(asker, &keystore)?),
        None => item.accounts.iter().find_map(|text| {
            match context.account(&AccountText::from(text.clone())).ok()? {
                NamedAccount::Key(account) => Some(*account),
                NamedAccount::Address(id) => keystore.key(&id).ok(),
            }
        }),
    };
    let answer = worker.question(item.question.clone(), asker.as_ref()).await?;
    context.show_block(worker);
    match answer {
        Some(answer) => {
            context.observer.print(&Printed::value(runtime.show(&item, &answer)?));
            Ok(())
        }
        None => Err(RuntimeError::Nothing.into()),
    }
}
