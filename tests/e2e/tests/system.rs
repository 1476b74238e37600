// SPDX-License-Identifier: Apache-2.0
//! The system as a whole, against what ARCHITECTURE.md promises: nothing lost, nothing executed twice, equal roots.
//!
//! Each test starts a node and workers of its own.

use anyhow::{Context, Result, ensure};
use offstage_e2e::{audit::Auditor, demo, network::Network, stage::play, user::User};
use std::path::Path;

fn shield(user: &User, shard: &str, account: &str, amount: u128) -> Result<String> {
    user.run(&["shield-funds", "//Alice", account, &amount.to_string(), shard])
}

#[test]
fn the_demo_passes() {
    play(async |network| demo::run(network, &|line| eprintln!("{line}")).await);
}

/// The host and, in a second act, the enclave are killed in the middle; what was invoked meanwhile is executed once.
#[test]
fn h12_a_killed_worker_loses_nothing_and_executes_nothing_twice() {
    play(async |network| {
        network.start_node()?;
        let auditor = Auditor::connect(&network.node_url()).await?;
        let (first, second) = (network.add_worker()?, 1);
        network.wait_until_initialized(first)?;
        ensure!(network.add_worker()? == second);
        network.wait_until_initialized(second)?;
        let (user, other) = (network.user(first)?, network.user(second)?);
        let shard = user.trusted(&["get-shard"])?;
        shield(&user, &shard, "//Dora", 50_000_000_000)?;

        network.kill_worker(first);
        other.trusted(&["transfer", "//Dora", "//Erik", "1_000_000_000"])?;
        network.start_worker(first)?;
        network.wait_until_initialized(first)?;
        user.trusted(&["transfer", "//Dora", "//Erik", "1_000_000_000"])?;

        network.kill_enclave(first)?;
        other.trusted(&["transfer", "//Dora", "//Erik", "1_000_000_000"])?;
        network.wait_until_initialized(first)?;

        let head = auditor.finalized().await?;
        for (index, user) in [(first, &user), (second, &other)] {
            network.wait_for_position(index, head)?;
            ensure!(user.incognito_balance("//Dora")? == 47_000_000_000, "worker {}", index + 1);
            ensure!(user.incognito_balance("//Erik")? == 3_000_000_000, "worker {}", index + 1);
        }
        auditor.notes(0, auditor.finalized().await?).await?.require_equal_roots()?;
        Ok(())
    });
}

/// A worker that joins late replays the shard's whole history and holds the same state.
#[test]
fn a_late_worker_reaches_the_same_roots() {
    play(async |network| {
        network.start_node()?;
        let auditor = Auditor::connect(&network.node_url()).await?;
        network.add_worker()?;
        network.wait_until_initialized(0)?;
        network.add_worker()?;
        network.wait_until_initialized(1)?;
        let user = network.user(0)?;
        let shard = user.trusted(&["get-shard"])?;
        shield(&user, &shard, "//Dora", 30_000_000_000)?;
        user.trusted(&["transfer", "//Dora", "//Erik", "10_000_000_000"])?;

        network.add_worker()?;
        network.wait_until_initialized(2)?;
        let late = network.user(2)?;
        ensure!(late.incognito_balance("//Erik")? == 10_000_000_000);
        let before = auditor.finalized().await?;
        late.trusted(&["transfer", "//Erik", "//Dora", "4_000_000_000"])?;
        for index in 0..3 {
            network.wait_for_position(index, auditor.finalized().await?)?;
            ensure!(
                network.user(index)?.incognito_balance("//Dora")? == 24_000_000_000,
                "worker {}",
                index + 1
            );
        }
        wait_for_confirmations(&auditor, before, 3).await
    });
}

/// Malformed ciphertexts between honest calls cost their sender a fee and nobody anything else.
#[test]
fn malformed_invocations_between_honest_calls_hurt_nobody() {
    play(async |network| {
        network.start_node()?;
        network.add_worker()?;
        network.wait_until_initialized(0)?;
        let user = network.user(0)?;
        let shard = user.trusted(&["get-shard"])?;
        shield(&user, &shard, "//Dora", 30_000_000_000)?;
        for garbage in [vec![], vec![1], vec![0; 383], vec![0xff; 384], vec![7; 385], vec![9; 3 * 384]] {
            invoke_bytes(network, &shard, garbage).await?;
            user.trusted(&["transfer", "//Dora", "//Erik", "1_000_000_000"])?;
        }
        ensure!(user.incognito_balance("//Erik")? == 6_000_000_000);
        // An honest form with a false claim is refused with an outcome, not with an error of the worker.
        let refused = user.try_run(&["trusted", "transfer", "//Dora", "//Erik", "900_000_000_000"])?;
        ensure!(refused.status.code() == Some(1), "a transfer without funds must fail: {refused:?}");
        ensure!(String::from_utf8_lossy(&refused.stderr).contains("refused"), "{refused:?}");
        ensure!(user.incognito_balance("//Erik")? == 6_000_000_000);
        Ok(())
    });
}

/// The node goes away and comes back; the worker waits, says so, and goes on.
#[test]
fn a_node_that_comes_back_is_followed_again() {
    play(async |network| {
        network.start_node()?;
        network.add_worker()?;
        network.wait_until_initialized(0)?;
        let user = network.user(0)?;
        let shard = user.trusted(&["get-shard"])?;
        shield(&user, &shard, "//Dora", 30_000_000_000)?;

        network.stop_node();
        offstage_e2e::network::wait_until("the worker notices", std::time::Duration::from_secs(60), || {
            Ok(network.health(0)?["trouble"].as_str().is_some_and(|trouble| trouble.contains("node")))
        })?;
        network.start_node()?;
        network.wait_until_initialized(0)?;
        user.trusted(&["transfer", "//Dora", "//Erik", "1_000_000_000"])?;
        ensure!(user.incognito_balance("//Dora")? == 29_000_000_000);
        ensure!(
            network.metrics(0)?.contains("offstage_node_reconnects_total"),
            "the reconnection is counted"
        );
        Ok(())
    });
}

/// P5: a worker that computes something else finds itself alone against two, stops serving, says why, and keeps its
/// evidence; the others go on.
#[test]
fn p05_a_worker_that_computes_something_else_finds_itself_alone() {
    play(async |network| {
        network.start_node()?;
        for index in 0..2 {
            network.add_worker()?;
            network.wait_until_initialized(index)?;
        }
        let wrong = network.add_worker_with(Path::new(env!("CARGO_BIN_EXE_dishonest-enclave")))?;
        network.wait_until_initialized(wrong)?;

        let user = network.user(0)?;
        let shard = user.trusted(&["get-shard"])?;
        // Also when the dishonest worker is the first to confirm: its own worker's confirmation follows.
        shield(&user, &shard, "//Dora", 30_000_000_000)?;
        offstage_e2e::network::wait_until(
            "it finds itself alone",
            std::time::Duration::from_secs(60),
            || {
                let health = network.health(wrong)?;
                let told = health["notice"].as_str().is_some_and(|notice| notice.contains("another root"));
                Ok(told && health["initialized"] == false)
            },
        )?;
        let asked = network.user(wrong)?.try_run(&["trusted", "balance", "//Dora"])?;
        ensure!(!asked.status.success(), "it must not serve: {asked:?}");

        user.trusted(&["transfer", "//Dora", "//Erik", "1_000_000_000"])?;
        for index in 0..2 {
            network.wait_until_initialized(index)?;
            ensure!(
                network.user(index)?.incognito_balance("//Erik")? == 1_000_000_000,
                "worker {}",
                index + 1
            );
        }
        // What it knows against itself outlives a restart.
        network.kill_worker(wrong);
        network.wait_for_port(wrong)?;
        network.start_worker(wrong)?;
        offstage_e2e::network::wait_until("it still knows", std::time::Duration::from_secs(60), || {
            Ok(network.health(wrong).is_ok_and(|health| {
                health["initialized"] == false
                    && health["notice"].as_str().is_some_and(|notice| notice.contains("another root"))
            }))
        })
    });
}

async fn wait_for_confirmations(auditor: &Auditor, from: u64, workers: usize) -> Result<()> {
    for _ in 0..240 {
        let notes = auditor.notes(from, auditor.finalized().await?).await?;
        notes.require_equal_roots()?;
        if notes.confirmations.keys().any(|block| notes.confirmed_by(block) >= workers) {
            return Ok(());
        }
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    }
    anyhow::bail!("no block was confirmed by {workers} workers")
}

/// Puts raw bytes on chain as an invocation.
async fn invoke_bytes(network: &Network, shard: &str, cyphertext: Vec<u8>) -> Result<()> {
    use subxt::{OnlineClient, PolkadotConfig, dynamic, dynamic::Value};
    let shard: offstage_primitives::ShardIdentifier = shard.parse().context("a shard")?;
    let client = OnlineClient::<PolkadotConfig>::from_insecure_url(network.node_url()).await?;
    let request = Value::named_composite([
        ("shard", Value::from_bytes(shard.as_bytes())),
        ("cyphertext", Value::from_bytes(cyphertext)),
    ]);
    let call = dynamic::transaction("EnclaveBridge", "invoke", vec![request]);
    client
        .transactions()
        .await?
        .sign_and_submit_then_watch_default(&call, &subxt_signer::sr25519::dev::bob())
        .await?
        .wait_for_finalized_success()
        .await?;
    Ok(())
}
