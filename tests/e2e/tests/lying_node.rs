// SPDX-License-Identifier: Apache-2.0
//! A worker whose node lies, beside one whose node does not: rows H1, H3, H4 and H7 with everything real.
//!
//! The node is an honest one with a [`LyingNode`] in front of it, which changes some of its answers.

use anyhow::{Context, Result, ensure};
use offstage_e2e::{
    audit::Auditor,
    lying_node::{Lie, LyingNode},
    network::{Network, wait_until},
    stage::play,
};
use serde_json::{Value, json};
use std::time::Duration;

/// Another runtime than the chain's.
fn other_code(method: &str, params: &Value, result: &mut Value) -> bool {
    method == "state_getStorage" && params[0] == format!("0x{}", hex::encode(":code")) && flip_last(result)
}

/// Another token, of which the digest depends that extrinsics are signed under.
fn other_token(method: &str, _: &Value, result: &mut Value) -> bool {
    let lies = method == "system_properties";
    if lies {
        *result = json!({ "tokenDecimals": 10, "tokenSymbol": "LIE" });
    }
    lies
}

/// A block without its last extrinsic.
fn shorter_body(method: &str, _: &Value, result: &mut Value) -> bool {
    method == "chain_getBlock"
        && result.pointer_mut("/block/extrinsics").and_then(Value::as_array_mut).and_then(Vec::pop).is_some()
}

/// A header that the chain does not have.
fn other_header(method: &str, _: &Value, result: &mut Value) -> bool {
    method == "chain_getBlock" && result.pointer_mut("/block/header/stateRoot").is_some_and(flip_last)
}

/// A state that the chain does not have: other events, other balances.
fn other_state(method: &str, _: &Value, result: &mut Value) -> bool {
    method == "state_getReadProof"
        && result
            .pointer_mut("/proof")
            .and_then(Value::as_array_mut)
            .and_then(|nodes| nodes.last_mut())
            .is_some_and(flip_last)
}

/// A vote that nobody cast, in stored and in streamed justifications.
fn other_votes(method: &str, _: &Value, result: &mut Value) -> bool {
    match method {
        "grandpa_justifications" => flip_last(result),
        "chain_getBlock" => {
            let votes = result.pointer_mut("/justifications/0/1").and_then(Value::as_array_mut);
            // In the middle, where the signatures are.
            let byte = votes.and_then(|bytes| {
                let middle = bytes.len() / 2;
                bytes.get_mut(middle)
            });
            byte.is_some_and(|byte| {
                *byte = json!(byte.as_u64().unwrap_or_default() ^ 1);
                true
            })
        }
        _ => false,
    }
}

/// Changes the last digit of hexadecimal text.
fn flip_last(text: &mut Value) -> bool {
    let Some(digits) = text.as_str() else { return false };
    let Some((rest, last)) = digits.split_at_checked(digits.len().saturating_sub(1)) else { return false };
    *text = json!(format!("{rest}{}", if last == "0" { "1" } else { "0" }));
    true
}

fn transfer(network: &Network, amount: u128) -> Result<String> {
    network.user(1)?.trusted(&["transfer", "//Dora", "//Erik", &amount.to_string()])
}

/// Tells `lie` while the honest worker executes a transfer; the lied-to worker stands still, says why, and then
/// follows.
fn lie_for_a_while(network: &mut Network, node: &LyingNode, name: &str, lie: Lie) -> Result<()> {
    let before = network.user(1)?.incognito_balance("//Erik")?;
    node.lie(lie);
    wait_until(&format!("{name} is refused"), PATIENCE, || {
        let trouble = network.health(0)?["trouble"].as_str().unwrap_or_default().to_owned();
        Ok(node.told() > 0 && trouble.contains("refuses"))
    })?;
    let position = network.health(0)?["position"].clone();
    transfer(network, 1_000)?;
    let health = network.health(0)?;
    ensure!(health["position"] == position, "{name}: it executed block {}", health["position"]);
    ensure!(health["initialized"] == false, "{name}: it says that it can be used");
    node.repent();
    network.wait_until_initialized(0).context(name.to_owned())?;
    for index in 0..2 {
        let balance = network.user(index)?.incognito_balance("//Erik")?;
        ensure!(balance == before + 1_000, "{name}: worker {} says {balance}", index + 1);
    }
    Ok(())
}

#[test]
fn h04_a_lied_to_worker_stands_still_and_goes_on_with_the_first_honest_answer() {
    play(async |network| {
        network.start_node()?;
        let auditor = Auditor::connect(&network.node_url()).await?;
        let node = LyingNode::start(network.node_port())?;
        network.add_worker_behind(node.port())?;
        network.wait_until_initialized(0)?;
        network.add_worker()?;
        network.wait_until_initialized(1)?;
        let user = network.user(1)?;
        let shard = user.trusted(&["get-shard"])?;
        user.run(&["shield-funds", "//Alice", "//Dora", "30000000000", &shard])?;
        let lies: [(&str, Lie); 4] = [
            ("another body", shorter_body),
            ("another state", other_state),
            ("another header", other_header),
            ("other votes", other_votes),
        ];
        for (name, lie) in lies {
            lie_for_a_while(network, &node, name, lie)?;
        }
        let notes = auditor.notes(1, auditor.finalized().await?).await?;
        notes.require_equal_roots()?;
        Ok(())
    });
}

/// What the enclave signs follows from the chain's own code: other code is refused, and with another token it signs the
/// same calls without a digest.
#[test]
fn h07_a_node_that_lies_about_code_and_token_gets_nothing_else_signed() {
    play(async |network| {
        network.start_node()?;
        let node = LyingNode::start(network.node_port())?;
        node.lie(other_code);
        network.add_worker_behind(node.port())?;
        let log = network.wait_until_ended(0)?;
        ensure!(node.told() > 0 && log.contains("code hashes to"), "it ended otherwise:\n{log}");

        node.lie(other_token);
        network.start_worker(0)?;
        network.wait_until_initialized(0)?;
        ensure!(node.told() > 0, "it asked for no token");
        let user = network.user(0)?;
        let shard = user.trusted(&["get-shard"])?;
        user.run(&["shield-funds", "//Alice", "//Dora", "30000000000", &shard])?;
        let public = user.public_balance("//Erik")?;
        user.trusted(&["unshield-funds", "//Dora", "//Erik", "10000000000"])?;
        wait_until("the payment is made", PATIENCE, || {
            Ok(user.public_balance("//Erik")? == public + 10_000_000_000)
        })?;
        ensure!(user.incognito_balance("//Dora")? == 20_000_000_000, "the shard owes Dora the rest");
        Ok(())
    });
}

const PATIENCE: Duration = Duration::from_secs(60);
