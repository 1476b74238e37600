// SPDX-License-Identifier: Apache-2.0
//! `offstage-worker preflight`: whether a worker could run here, before it does.
//!
//! Each check is one line: `ok`, `warn` or `fail`, what was found, and what to do. Nothing is made or changed. What the
//! node says is taken for true: it is a look, and the enclave verifies everything itself.

mod chain;
mod machine;

use crate::{cli::stored_identity, data_dir, enclave, node::Node, options::Options, text::escaped};
use anyhow::Result;
use clap::Args;
use offstage_primitives::{AccountId32, Measurement, ShardIdentifier};
use std::{fmt, time::Duration};

/// Options of `preflight`.
#[derive(Args, Clone, Debug)]
pub struct PreflightOptions {
    /// Shard to serve, in base58 [default: the store's, else the enclave's measurement]
    #[arg(short = 's', long, value_name = "BASE58")]
    pub shard: Option<ShardIdentifier>,
}

/// The checks' lines, and whether none failed.
pub async fn preflight(options: &Options, preflight: &PreflightOptions) -> (String, bool) {
    let checks = checks(options, preflight).await;
    let lines: Vec<String> = checks.iter().map(ToString::to_string).collect();
    (lines.join("\n"), !checks.iter().any(|check| check.verdict == Verdict::Fail))
}

/// What one check found.
pub(crate) struct Check {
    name: &'static str,
    verdict: Verdict,
    text: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Verdict {
    Ok,
    /// A worker runs, but not well, or not for long.
    Warn,
    /// A worker does not run like this.
    Fail,
}

impl Check {
    fn ok(name: &'static str, text: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Ok, text: text.into() }
    }

    fn warn(name: &'static str, text: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Warn, text: text.into() }
    }

    fn fail(name: &'static str, text: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Fail, text: text.into() }
    }

    /// A check that could not be made.
    fn broken(name: &'static str, error: &anyhow::Error) -> Self {
        Self::fail(name, format!("{error:#}"))
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict {
            Verdict::Ok => "ok  ",
            Verdict::Warn => "warn",
            Verdict::Fail => "fail",
        };
        write!(f, "{verdict}  {:<12}{}", self.name, escaped(&self.text))
    }
}

async fn checks(options: &Options, preflight: &PreflightOptions) -> Vec<Check> {
    let mut checks = Vec::new();
    let measurement = measurement(options, &mut checks).await;
    let store = store(options, &mut checks).await;
    checks.push(machine::disk(&options.data_dir));
    checks.extend(machine::ports(options));
    let shard = preflight
        .shard
        .or(store.as_ref().and_then(|(_, shard)| *shard))
        .or(measurement.map(|measurement| ShardIdentifier::from(measurement.0)));
    let url = options.node();
    let node = match tokio::time::timeout(NODE_TIMEOUT, Node::connect(&url)).await {
        Ok(Ok(node)) => node,
        Ok(Err(error)) => {
            checks.push(Check::broken("node", &error));
            return checks;
        }
        Err(_) => {
            checks.push(Check::fail("node", format!("{url} does not answer: name another with --node-url")));
            return checks;
        }
    };
    checks.push(Check::ok("node", format!("{url} answers")));
    let looked = chain::checks(&node, store.map(|(account, _)| account), shard, measurement);
    match tokio::time::timeout(CHAIN_TIMEOUT, looked).await {
        Ok(looked) => checks.extend(looked),
        Err(_) => checks.push(Check::fail(
            "node",
            format!(
                "{url} is too slow: it has not answered all questions within {} s",
                CHAIN_TIMEOUT.as_secs()
            ),
        )),
    }
    checks
}

async fn measurement(options: &Options, checks: &mut Vec<Check>) -> Option<Measurement> {
    let measured: Result<Measurement> =
        async { enclave::measurement(&options.enclave_binary()?).await }.await;
    match measured {
        Ok(measurement) => {
            checks.push(Check::ok("enclave", format!("its measurement is {measurement}")));
            Some(measurement)
        }
        Err(error) => {
            checks.push(Check::broken("enclave", &error));
            None
        }
    }
}

/// The account and the shard of the store, when there is one that opens.
async fn store(options: &Options, checks: &mut Vec<Check>) -> Option<(AccountId32, Option<ShardIdentifier>)> {
    let folder = &options.data_dir;
    if !data_dir::has_store(folder) {
        checks.push(Check::warn(
            "store",
            format!(
                "there is none in {}, so the account to fund is not known: `offstage-worker --data-dir {} init` makes \
                it",
                folder.display(),
                folder.display()
            ),
        ));
        return None;
    }
    match stored_identity(options).await {
        Ok(identity) => {
            checks.push(Check::ok("store", format!("the enclave opens the one in {}", folder.display())));
            Some((identity.signer, identity.bound.map(|bound| bound.shard)))
        }
        Err(error) => {
            checks.push(Check::broken("store", &error));
            None
        }
    }
}

const NODE_TIMEOUT: Duration = Duration::from_secs(10);
/// Finality is watched for most of it.
const CHAIN_TIMEOUT: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_is_one_line_that_commands_no_terminal() {
        let check = Check::warn("store", "a\u{1b}[2J\nfail  forged");
        assert_eq!(check.to_string(), r"warn  store       a\u{1b}[2J\u{a}fail  forged");
    }
}
