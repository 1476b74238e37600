// SPDX-License-Identifier: Apache-2.0
use super::{ask, runtime};
use crate::{account::AccountText, cli::context::Context};
use anyhow::Result;
use clap::Args;

/// Print a storage item of the shard's runtime
///
/// What the runtime has opened to everybody, or to the account that the entry is about. Everything else has no answer,
/// as if it did not exist.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  offstage trusted query System.Account //Alice
  offstage trusted query --output json Assets.Account 1 //Alice")]
pub(in crate::cli) struct Query {
    /// Who asks; the first account among the keys, if its secret is here
    #[arg(long = "as", value_name = "ACCOUNT")]
    asker: Option<AccountText>,
    /// The item, as Pallet.Name
    #[arg(value_name = "ITEM")]
    name: String,
    /// Its keys, in order
    #[arg(value_name = "KEY")]
    keys: Vec<String>,
}

impl Query {
    pub(in crate::cli) async fn run(&self, context: &Context<'_>) -> Result<()> {
        let (_, mut worker, runtime) = runtime(context).await?;
        let item = runtime.item(&self.name, &self.keys)?;
        ask(context, &mut worker, &runtime, item, self.asker.as_ref()).await
    }
}
