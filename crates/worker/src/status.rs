// SPDX-License-Identifier: Apache-2.0
//! `offstage-worker status`: how a worker is, on one screen or as JSON.
//!
//! The running worker is asked over its `/health`; what it does not say (funds, registration, others of the shard) the
//! node is asked for, whose word is good enough for a look. Where no worker runs, the sealed store says how far it
//! came. Nothing is made or changed.

pub(crate) mod chain;
mod http;
mod render;

use crate::{
    cli::stored_identity,
    data_dir,
    node::Node,
    options::Options,
    text::{address_of, escaped, generic_address},
};
use anyhow::{Result, bail};
use chain::OnChain;
use clap::{Args, ValueEnum};
use offstage_primitives::ShardIdentifier;
use serde_json::{Value, json};
use std::time::Duration;

/// Options of `status`.
#[derive(Args, Clone, Debug)]
pub struct StatusOptions {
    /// How to print it
    #[arg(long, value_enum, default_value_t = Output::Text, value_name = "FORM")]
    pub output: Output,
}

/// How a status is printed.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Output {
    /// One screen for people.
    Text,
    /// One JSON object for programs.
    Json,
}

/// The status, ready to be printed, and whether a worker runs.
///
/// # Errors
/// When neither a worker nor a store can be asked.
pub async fn status(options: &Options, status: &StatusOptions) -> Result<(String, bool)> {
    let value = gather(options).await?;
    let is_running = value["running"] == true;
    let text = match status.output {
        Output::Text => render::text(&value),
        Output::Json => format!("{value:#}"),
    };
    Ok((text, is_running))
}

async fn gather(options: &Options) -> Result<Value> {
    let place = format!("{}:{}", options.untrusted_http_address, options.untrusted_http_port);
    match http::health(&place).await {
        Ok(health) => running(options, health).await,
        Err(reason) => stopped(options, &place, &reason).await,
    }
}

async fn running(options: &Options, mut health: Value) -> Result<Value> {
    let (account, shard) = (health["account"].as_str(), health["shard"].as_str());
    let known =
        account.and_then(address_of).zip(shard.and_then(|shard| shard.parse::<ShardIdentifier>().ok()));
    let on_chain = match known {
        None => Err("the enclave has not started".to_owned()),
        Some((account, shard)) => {
            look(&options.node(), |node| async move { OnChain::read(&node, &account, shard).await }).await
        }
    };
    let Some(fields) = health.as_object_mut() else { bail!("the worker's /health is no JSON object") };
    fields.insert("running".into(), true.into());
    match on_chain {
        Ok(on_chain) => on_chain.put_into(fields),
        Err(reason) => {
            fields.insert("chainTrouble".into(), reason.into());
        }
    }
    Ok(health)
}

/// No worker answers: what the store says.
async fn stopped(options: &Options, place: &str, reason: &str) -> Result<Value> {
    let folder = options.data_dir.display();
    if data_dir::is_in_use(&options.data_dir) {
        bail!(
            "a worker is running on the data folder {folder}, but none answers at {place} ({}): name its address with \
             --untrusted-http-address and --untrusted-http-port",
            escaped(reason)
        );
    }
    let identity = stored_identity(options).await.map_err(|error| {
        error.context(format!(
            "no worker answers at {place} ({}), and the store cannot be asked",
            escaped(reason)
        ))
    })?;
    let bound = identity.bound.as_ref();
    Ok(json!({
        "running": false,
        "dataDir": folder.to_string(),
        "account": generic_address(&identity.signer),
        "mrenclave": identity.measurement.to_string(),
        "hasShieldingKey": identity.shielding_key.is_some(),
        "genesis": bound.map(|bound| format!("{:?}", bound.genesis_hash)),
        "shard": bound.map(|bound| bound.shard.to_string()),
        "position": bound.map(|bound| bound.position.number),
    }))
}

/// Asks the node, within a few seconds.
async fn look<T, F: Future<Output = Result<T>>>(
    url: &str,
    question: impl FnOnce(Node) -> F,
) -> Result<T, String> {
    let asking = async { question(Node::connect(url).await?).await };
    match tokio::time::timeout(NODE_TIMEOUT, asking).await {
        Ok(outcome) => outcome.map_err(|error| format!("{error:#}")),
        Err(_) => Err(format!("the node at {url} did not answer within {} s", NODE_TIMEOUT.as_secs())),
    }
}

const NODE_TIMEOUT: Duration = Duration::from_secs(5);
