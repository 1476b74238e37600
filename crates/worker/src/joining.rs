// SPDX-License-Identifier: Apache-2.0
//! Asking the shard's other enclaves for its shielding key.
//!
//! Addresses are tried from here, many at once, each for seconds; the enclave is only given those where somebody
//! answers. A round is bounded, because the enclave follows no blocks while it asks (threat model C16).

use crate::{
    enclave::{Enclave, EnclaveGone},
    node::Node,
    peer,
    registry::{self, Providers},
    text::escaped,
};
use anyhow::Result;
use futures::{StreamExt, stream};
use offstage_protocol::{Started, Status};
use std::future::Future;

/// What came of a round.
#[derive(Debug)]
pub enum Asked {
    /// A peer gave the key. The enclave is here now, which may be far before where it was.
    Given(Box<Status>),
    /// Nobody did; what an operator should know.
    Nobody(String),
}

/// Lets the enclave ask: first the workers that the operator named, then those that act for the shard, then others.
///
/// # Errors
/// When the node fails, or the enclave is gone.
pub async fn request_key(
    node: &Node,
    enclave: &Enclave,
    started: &Started,
    named: &[String],
) -> Result<Asked> {
    let providers = registry::providers(node, started).await?;
    ask_in_turn(named, providers, peer::mutual_attestation_url, enclave).await
}

async fn ask_in_turn<P>(
    named: &[String],
    providers: Providers,
    probe: impl Fn(String) -> P,
    enclave: &Enclave,
) -> Result<Asked>
where
    P: Future<Output = Result<String>> + Send + 'static,
{
    let Providers { acting, mut others, unlike } = providers;
    others.truncate(MAX_OTHERS_A_ROUND);
    let mut refusals = Refusals { unlike, ..Refusals::default() };
    for group in [named.to_vec(), acting, others] {
        // As tasks, so that they go on while the enclave asks one of them.
        let mut answers = stream::iter(group)
            .map(|url| {
                let answer = tokio::spawn(probe(url.clone()));
                async move { (url, answer.await) }
            })
            .buffer_unordered(MAX_PROBES);
        let mut asked = 0;
        while let Some((url, answer)) = answers.next().await {
            let asking = match answer {
                Ok(Ok(peer)) => {
                    asked += 1;
                    enclave.request_shielding_key(peer).await
                }
                Ok(Err(error)) => Err(error),
                Err(error) => Err(error.into()),
            };
            match asking {
                Ok(status) => {
                    tracing::info!(from = escaped(&url), "received the shielding key from an attested peer");
                    return Ok(Asked::Given(Box::new(status)));
                }
                Err(error) if error.downcast_ref::<EnclaveGone>().is_some() => return Err(error),
                Err(error) => refusals.note(&url, &error),
            }
            if asked == MAX_ASKED {
                break;
            }
        }
    }
    Ok(Asked::Nobody(refusals.told()))
}

/// Why nobody gave the key, in a few words even when hundreds did not.
#[derive(Default)]
struct Refusals {
    first: Vec<String>,
    count: usize,
    /// How many act for the shard and run other code.
    unlike: usize,
}

impl Refusals {
    fn note(&mut self, url: &str, error: &anyhow::Error) {
        self.count += 1;
        if self.first.len() < MAX_TOLD {
            self.first.push(escaped(&format!("{url}: {error:#}")));
            // The order of asking is random; what an operator reads changes only with what happened.
            self.first.sort_unstable();
        }
    }

    fn told(&self) -> String {
        if self.count == 0 && self.unlike > 0 {
            return format!(
                "enclaves act for the shard ({}), but run other code than this one, so that none of them gives it the \
                 shard's key; run the binary that the shard's configuration names",
                self.unlike
            );
        }
        if self.count == 0 {
            return "no other enclave of the shard is registered, so nobody has its shielding key; start a worker \
                    that has it, or name one with --peer"
                .into();
        }
        let more = match self.count - self.first.len() {
            0 => String::new(),
            more => format!("; and {more} more"),
        };
        format!(
            "no peer gives the shard's shielding key; start a worker that has it, or name one with --peer ({}{more})",
            self.first.join("; ")
        )
    }
}

/// Addresses that are tried at once.
const MAX_PROBES: usize = 16;
/// Enclaves that do not act for the shard and are tried in one round. The next round tries others.
const MAX_OTHERS_A_ROUND: usize = 64;
/// Peers of one kind that the enclave asks in one round.
const MAX_ASKED: usize = 8;
const MAX_TOLD: usize = 5;

#[cfg(test)]
mod tests;
