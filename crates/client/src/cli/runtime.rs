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

use super::context::Context;
use crate::{
    account::{AccountText, NamedAccount},
    keystore::Keystore,
    parentchain::Parentchain,
    shard_runtime::{Item, RuntimeError, ShardRuntime, Shown, render},
    worker::Worker,
};
use anyhow::Result;
use clap::ValueEnum;

/// The form of what is printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
enum Output {
    /// For people: a value alone, or indented JSON
    #[default]
    Text,
    /// One line of JSON
    Json,
}

impl Output {
    fn print(self, context: &Context<'_>, value: &Shown) {
        match self {
            Self::Text => context.observer.result(&render(value)),
            Self::Json => context.observer.result(&value.0.to_string()),
        }
    }
}

/// A verified worker of the shard that the user means, and its runtime.
async fn runtime(context: &Context<'_>) -> Result<(Parentchain, Worker, ShardRuntime)> {
    let (chain, mut worker) = context.worker(&context.pin()?).await?;
    let runtime = ShardRuntime::of(&mut worker).await?;
    Ok((chain, worker, runtime))
}

/// Asks, and prints the answer. Who asks is named, or is the first account of the question whose key is here.
async fn ask(
    context: &Context<'_>,
    worker: &mut Worker,
    runtime: &ShardRuntime,
    item: Item,
    asker: Option<&AccountText>,
    output: Output,
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
            output.print(context, &runtime.show(&item, &answer)?);
            Ok(())
        }
        None => Err(RuntimeError::Nothing.into()),
    }
}
