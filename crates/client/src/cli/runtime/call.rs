// SPDX-License-Identifier: Apache-2.0
use super::{result::events, runtime};
use crate::{
    account::AccountText,
    cli::{
        context::{Context, key_of},
        shard::conclude,
    },
    keystore::Keystore,
    progress::Unobserved,
    workflow,
};
use anyhow::Result;
use clap::Args;
use serde_json::json;

/// Call anything that the shard's runtime offers; prints the operation's hash
///
/// What it did, the events or the pallet's own name for the error, goes to stderr; `trusted result` prints it again.
///
/// Arguments are written as name=value, or their values alone, in order: an account as //Alice or an address; bytes
/// as 0x… or text; everything else as the metadata describes it. A mistake is answered with the signature that was
/// expected.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  offstage trusted call Balances.transfer_allow_death dest=//Bob value=25_000
  offstage trusted call --from //Bob Assets.transfer 1 //Alice 5
  offstage trusted call Parentchain.unshield beneficiary=//Alice amount=15_000")]
pub(in crate::cli) struct Call {
    /// Who signs the call in the shard
    #[arg(long, default_value = "//Alice", value_name = "ACCOUNT")]
    from: AccountText,
    /// The call, as Pallet.name
    #[arg(value_name = "CALL")]
    name: String,
    /// Its arguments
    #[arg(value_name = "ARGUMENT")]
    arguments: Vec<String>,
}

impl Call {
    pub(in crate::cli) async fn run(&self, context: &Context<'_>, payer: &AccountText) -> Result<()> {
        let shard = context.pin()?.identifier();
        let author = key_of(context.account(&self.from)?, &Keystore::of_shard(&shard))?;
        let payer = context.key(payer, &Keystore::parentchain())?;
        let (chain, worker, runtime) = runtime(context).await?;
        let call = runtime.call(&self.name, &self.arguments)?;
        let (address, observer) = (&context.worker, context.observer);
        let completed =
            workflow::submit(&chain, address, worker, &runtime, &call, &author, &payer, observer).await?;
        let mut known = json!({});
        // What used up no nonce did nothing.
        if completed.outcome.used_nonce() {
            let pin = context.pin()?;
            let mut worker = workflow::connect(&chain, address, &pin, &Unobserved).await?;
            let operation = completed.operation;
            let checked = workflow::result_of(&chain, &mut worker, operation, &author, &Unobserved).await?;
            let shown = runtime.show_result(&checked.result)?;
            known = shown.json();
            for line in events(&shown) {
                observer.line(&line);
            }
            if let Some(refusal) = shown.refusal {
                observer.line(&format!("refused: {refusal}"));
            }
        }
        conclude(context, &completed, known)
    }
}
