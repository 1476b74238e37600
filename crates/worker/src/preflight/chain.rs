// SPDX-License-Identifier: Apache-2.0
//! The chain, as the node shows it.

use super::Check;
use crate::{
    node::Node,
    status::chain::{Funds, chain_time_ms, members},
    text::amount,
};
use anyhow::Result;
use codec::Decode;
use offstage_primitives::{
    AccountId32, Measurement, ShardIdentifier,
    chain::storage,
    enclave_bridge::{SLOT_SILENCE_BLOCKS, UpgradableShardConfig, allowed_measurement},
};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// All of them. One that cannot be made is a failed one.
pub(super) async fn checks(
    node: &Node,
    account: Option<AccountId32>,
    shard: Option<ShardIdentifier>,
    measurement: Option<Measurement>,
) -> Vec<Check> {
    let mut checks = vec![
        or_broken("finality", finality(node).await),
        or_broken("archive", archive(node).await),
        or_broken("clock", clock(node).await),
    ];
    if let Some(account) = account {
        checks.push(or_broken("funds", funds(node, &account).await));
    }
    if let Some(shard) = shard {
        checks.push(or_broken("shard", lives(node, shard).await));
        if let Some(measurement) = measurement {
            checks.push(or_broken("measurement", allowed(node, shard, measurement).await));
        }
    }
    checks
}

fn or_broken(name: &'static str, outcome: Result<Check>) -> Check {
    outcome.unwrap_or_else(|error| Check::broken(name, &error))
}

/// Whether the final head moves while it is watched.
async fn finality(node: &Node) -> Result<Check> {
    let first = node.finalized_head().await?.number;
    let mut heads = node.finalized_heads().await?;
    let moved = async {
        while let Some(head) = heads.next().await {
            let number = u32::try_from(head?.number)?;
            if number > first {
                return Ok(number);
            }
        }
        Err(anyhow::anyhow!("the node ended the subscription"))
    };
    let advice =
        "look whether enough validators run and reach each other; a worker executes only what is final";
    Ok(match tokio::time::timeout(WATCHED, moved).await {
        Ok(number) => Check::ok("finality", format!("it moves: block {} is final", number?)),
        Err(_) => Check::fail(
            "finality",
            format!("block {first} has been the last final one for {} s: {advice}", WATCHED.as_secs()),
        ),
    })
}

/// Whether the node has the states and blocks that a worker needs that joins late.
async fn archive(node: &Node) -> Result<Check> {
    let head = node.finalized_head().await?.number;
    let Some(first) = node.block_hash(1).await? else {
        return Ok(Check::warn("archive", "the chain has no block yet"));
    };
    if node.storage(&storage::timestamp(), Some(first)).await.is_err() {
        return Ok(Check::fail(
            "archive",
            "the node keeps no old states, so no worker can join through it: start one with --state-pruning \
             archive-canonical (a new database is needed), or name another with --node-url",
        ));
    }
    if node.block(first).await.is_err() {
        return Ok(Check::fail(
            "archive",
            "the node keeps no old blocks, so no worker can join through it: start one with --blocks-pruning \
             archive-canonical, or name another with --node-url",
        ));
    }
    if head <= KEPT_BY_PRUNING {
        return Ok(Check::warn(
            "archive",
            format!(
                "the chain has {head} blocks, so it cannot be told yet whether the node keeps old states: it must, \
                with --state-pruning archive-canonical or archive, the default of offstage-node"
            ),
        ));
    }
    Ok(Check::ok("archive", "the node keeps old blocks and states"))
}

/// The machine's clock beside the chain's. The enclave goes by the chain's alone.
async fn clock(node: &Node) -> Result<Check> {
    let chain = Duration::from_millis(chain_time_ms(node).await?);
    let own = SystemTime::now().duration_since(UNIX_EPOCH)?;
    Ok(compared(own, chain))
}

fn compared(own: Duration, chain: Duration) -> Check {
    if own.abs_diff(chain) <= CLOCK_TOLERANCE {
        return Check::ok("clock", "this machine and the chain agree");
    }
    let (seconds, which) = (own.abs_diff(chain).as_secs(), if own > chain { "behind" } else { "ahead of" });
    Check::warn(
        "clock",
        format!(
            "the chain's newest block is {seconds} s {which} this machine's clock: set the clock (NTP), or look \
            whether the node is still synchronising"
        ),
    )
}

async fn funds(node: &Node, account: &AccountId32) -> Result<Check> {
    let Funds { free, decimals, symbol } = Funds::read(node, account).await?;
    let address = node.address(account).await;
    let text = format!("{address} has {}", amount(free, decimals, &symbol));
    let unit = 10u128.saturating_pow(decimals.into());
    let help = format!(
        "`offstage transfer //Alice {address} {unit}`, from an account of yours in the place of //Alice"
    );
    Ok(if free == 0 {
        Check::fail("funds", format!("{text}, and cannot pay for its registration: {help}"))
    } else if free < unit {
        Check::warn("funds", format!("{text}, which does not last long: {help}"))
    } else {
        Check::ok("funds", text)
    })
}

async fn lives(node: &Node, shard: ShardIdentifier) -> Result<Check> {
    let head = node.finalized_head().await?.number;
    Ok(match members(node, shard).await? {
        None => Check::warn(
            "shard",
            format!(
                "{shard} is not born: this worker would found it. Name another with --shard if you mean one that lives"
            ),
        ),
        Some(members) => {
            let alive = |last: u32| head.saturating_sub(last) <= SLOT_SILENCE_BLOCKS;
            let alive = members.iter().filter(|member| alive(member.last_activity)).count();
            match alive {
                0 => Check::warn(
                    "shard",
                    format!(
                        "{shard} lives, and nobody serves it, who could give its key to a worker that has none"
                    ),
                ),
                _ => Check::ok("shard", format!("{shard} lives, {alive} enclaves act for it")),
            }
        }
    })
}

async fn allowed(node: &Node, shard: ShardIdentifier, measurement: Measurement) -> Result<Check> {
    let head = node.finalized_head().await?.number;
    let value = node.storage(&storage::shard_config(shard), None).await?;
    let config = value.and_then(|value| UpgradableShardConfig::decode(&mut &value[..]).ok());
    let allowed = allowed_measurement(shard, config.as_ref(), head);
    Ok(if allowed == measurement {
        Check::ok("measurement", "the shard allows this enclave")
    } else {
        Check::fail(
            "measurement",
            format!(
                "the shard allows {allowed}, and this enclave has {measurement}: run the enclave that the shard allows \
                 (--enclave)"
            ),
        )
    })
}

/// Finality of a chain with blocks of six seconds comes every six.
const WATCHED: Duration = Duration::from_secs(30);
/// Substrate's nodes keep as many states by themselves.
const KEPT_BY_PRUNING: u32 = 256 + 16;
/// A block takes some seconds, and finality is some blocks behind.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_that_differ_are_told_apart() {
        let at = |own, chain| compared(Duration::from_secs(own), Duration::from_secs(chain)).to_string();
        assert!(at(1_000, 980).starts_with("ok"));
        assert!(at(1_000, 900).contains("100 s behind"), "{}", at(1_000, 900));
        assert!(at(900, 1_000).contains("100 s ahead of"), "{}", at(900, 1_000));
    }
}
