// SPDX-License-Identifier: Apache-2.0
use super::{ask, runtime};
use crate::{account::AccountText, cli::context::Context};
use anyhow::Result;
use clap::Args;

/// Call a view function of the shard's runtime and print what it returns
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  offstage trusted view Auction.highest 0
  offstage trusted view Assets.balance_of //Alice 7")]
pub(in crate::cli) struct View {
    /// Who asks; the first account among the arguments, if its secret is here
    #[arg(long = "as", value_name = "ACCOUNT")]
    asker: Option<AccountText>,
    /// The function, as Pallet.name
    #[arg(value_name = "FUNCTION")]
    name: String,
    /// Its arguments, in order or as name=value
    #[arg(value_name = "ARGUMENT")]
    arguments: Vec<String>,
}

impl View {
    pub(in crate::cli) async fn run(&self, context: &Context<'_>) -> Result<()> {
        let (_, mut worker, runtime) = runtime(context).await?;
        let item = runtime.view(&self.name, &self.arguments)?;
        ask(context, &mut worker, &runtime, item, self.asker.as_ref()).await
    }
}
