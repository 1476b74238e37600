// SPDX-License-Identifier: Apache-2.0
use super::runtime;
use crate::cli::{context::Context, output::Printed};
use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::json;
use std::path::PathBuf;

/// List what the shard's runtime offers: calls, storage items and view functions, with their signatures
///
/// Being listed does not mean being open: who may read an item, the runtime decides.
#[derive(Args, Debug)]
pub(in crate::cli) struct Metadata {
    /// Save the metadata itself (SCALE) to this file, for `subxt` and other tools, and list nothing
    #[arg(long, value_name = "FILE", conflicts_with = "pallet")]
    scale: Option<PathBuf>,
    /// Of this pallet alone
    pallet: Option<String>,
}

impl Metadata {
    pub(in crate::cli) async fn run(&self, context: &Context<'_>) -> Result<()> {
        let (_, mut worker, runtime) = runtime(context).await?;
        if let Some(file) = &self.scale {
            let metadata = worker.newest_metadata().await?;
            return std::fs::write(file, metadata)
                .with_context(|| format!("cannot write {}", file.display()));
        }
        let described = runtime.describe(self.pallet.as_deref())?;
        let all = described.iter().map(|item| {
            let json = json!({ "kind": item.kind, "signature": item.signature, "about": item.about });
            (format!("{:<8} {}", item.kind, item.signature), json)
        });
        context.observer.print(&Printed::list(all));
        Ok(())
    }
}
