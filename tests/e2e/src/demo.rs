// SPDX-License-Identifier: Apache-2.0
//! The demo that users of Integritee's SDK know, once through each of two workers, with every check.
//!
//! Shield 50_000_000_000 to Alice's incognito account, transfer 25_000_000_000 to Bob's, unshield 15_000_000_000 back.
//! Alice's incognito balance grows by 10_000_000_000 each time, Bob's by 25_000_000_000.

use crate::{
    audit::{Auditor, Notes},
    network::Network,
    user::User,
};
use anyhow::{Context, Result, ensure};
use codec::Encode;
use offstage_client::account::Account;
use offstage_primitives::{AccountId32, H256};

/// What is shielded in each run.
pub const SHIELDED: u128 = 50_000_000_000;
/// What is transferred.
pub const TRANSFERRED: u128 = 25_000_000_000;
/// What is unshielded.
pub const UNSHIELDED: u128 = 15_000_000_000;

/// Runs the demo in `network`, which is empty yet, and tells `say` what happens.
///
/// # Errors
/// When any step fails or any check does not hold.
pub async fn run(network: &mut Network, say: &dyn Fn(&str)) -> Result<()> {
    say("starting the parentchain: one validator, one-second blocks");
    network.start_node()?;
    let auditor = Auditor::connect(&network.node_url()).await?;

    say(
        "starting worker 1: it makes the shard's shielding key and registers with a quote that the chain verifies",
    );
    let first = network.add_worker()?;
    network.wait_until_initialized(first)?;
    say(
        "starting worker 2: it gets the shielding key from worker 1, after each has verified the other's quote",
    );
    let second = network.add_worker()?;
    network.wait_until_initialized(second)?;

    let users = [network.user(first)?, network.user(second)?];
    let people = People::new()?;
    let shard = users[0].shard().to_string();
    for user in &users {
        ensure!(user.trusted(&["get-shard"])? == shard, "a worker serves another shard than {shard}");
    }
    say(&format!("both workers serve shard {shard}"));
    say(&format!(
        "the node is at {}, the workers are at {} and {}",
        network.node_url(),
        network.worker_url(first)?,
        network.worker_url(second)?
    ));

    let profile = write_profile(&users[0], &auditor, network, first)?;
    say(&format!(
        "the profile `{PROFILE}` knows all this: {profile}; use it with bin/offstage --profile {PROFILE}"
    ));

    for (round, user) in users.iter().enumerate() {
        say(&format!("--- through worker {}", round + 1));
        let story = one_round(&auditor, user, &shard, say).await?;
        for index in [first, second] {
            network.wait_for_position(index, story.last_block)?;
        }
        let rounds = round as u128 + 1;
        check_incognito(&users, rounds, say)?;
        check_public(&auditor, &story, &people, say).await?;
        check_chain(&auditor, &story, &users, &people, say).await?;
    }
    let notes = auditor.notes(0, auditor.finalized().await?).await?;
    let both = notes.require_equal_roots()?;
    ensure!(both > 0, "no block was confirmed by both workers");
    say(&format!("both workers published equal roots for every block that both confirmed ({both} blocks)"));
    for index in [first, second] {
        let mib = network.enclave_peak_memory(index)? as f64 / (1024.0 * 1024.0);
        say(&format!("peak memory of enclave {}: {mib:.0} MiB", index + 1));
    }
    Ok(())
}

/// Writes what a client must know into a profile, and returns its file.
fn write_profile(user: &User, auditor: &Auditor, network: &Network, worker: usize) -> Result<String> {
    let (shard, genesis) = (user.shard().to_string(), format!("{:?}", auditor.genesis()));
    let (node, worker) = (network.node_url(), network.worker_url(worker)?);
    let known = ["--shard", &shard, "--genesis", &genesis, "--root", "development"];
    let found = ["--node", &node, "--worker", &worker];
    user.run(&[&["profile", "add", PROFILE, "--replace"], &known[..], &found].concat())
}

/// The accounts of the story.
struct People {
    alice: AccountId32,
    incognito: [AccountId32; 2],
}

impl People {
    fn new() -> Result<Self> {
        let id = |secret: &str| Account::from_secret(secret).map(|account| account.id());
        Ok(Self { alice: id("//Alice")?, incognito: [id(ALICE_INCOGNITO)?, id(BOB_INCOGNITO)?] })
    }
}

/// What one round did, and between which blocks.
struct Story {
    first_block: u64,
    last_block: u64,
    operations: Vec<String>,
}

async fn one_round(auditor: &Auditor, user: &User, shard: &str, say: &dyn Fn(&str)) -> Result<Story> {
    let first_block = auditor.finalized().await?;
    let mut operations = Vec::new();
    say(&format!(
        "Alice shields {SHIELDED} to her incognito account: the amount is public, the beneficiary is not"
    ));
    operations.push(user.run(&["shield-funds", "//Alice", ALICE_INCOGNITO, &SHIELDED.to_string(), shard])?);
    say(&format!("she transfers {TRANSFERRED} to Bob's incognito account: nothing of it is public"));
    operations.push(user.trusted(&["transfer", ALICE_INCOGNITO, BOB_INCOGNITO, &TRANSFERRED.to_string()])?);
    say(&format!("she unshields {UNSHIELDED} back to her public account"));
    operations.push(user.trusted(&[
        "unshield-funds",
        ALICE_INCOGNITO,
        "//Alice",
        &UNSHIELDED.to_string(),
    ])?);
    let last_block = wait_for_payout(auditor, first_block, UNSHIELDED).await?;
    Ok(Story { first_block, last_block, operations })
}

/// Waits until the shard has paid out, and returns a finalized block after it.
async fn wait_for_payout(auditor: &Auditor, from: u64, amount: u128) -> Result<u64> {
    let mut seen = from;
    for _ in 0..PAYOUT_PATIENCE {
        let head = auditor.finalized().await?;
        if head > seen {
            let notes = auditor.notes(seen, head).await?;
            seen = head;
            if notes.unshielded.iter().any(|(_, paid)| *paid == amount) {
                return Ok(head);
            }
        }
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    }
    anyhow::bail!("the shard did not pay out {amount} within {} s", PAYOUT_PATIENCE / 2)
}

fn check_incognito(users: &[User; 2], rounds: u128, say: &dyn Fn(&str)) -> Result<()> {
    let expected = [
        (ALICE_INCOGNITO, rounds * (SHIELDED - TRANSFERRED - UNSHIELDED)),
        (BOB_INCOGNITO, rounds * TRANSFERRED),
    ];
    for (index, user) in users.iter().enumerate() {
        for (account, wanted) in expected {
            let balance = user.incognito_balance(account)?;
            ensure!(balance == wanted, "{account} has {balance} on worker {}, not {wanted}", index + 1);
        }
    }
    say(&format!("both workers hold {} for Alice and {} for Bob", expected[0].1, expected[1].1));
    Ok(())
}

async fn check_public(auditor: &Auditor, story: &Story, people: &People, say: &dyn Fn(&str)) -> Result<()> {
    let before = auditor.free_balance(&people.alice, story.first_block).await?;
    let after = auditor.free_balance(&people.alice, story.last_block).await?;
    let notes = auditor.notes(story.first_block, story.last_block).await?;
    let fees = notes.fees.get(&people.alice).copied().unwrap_or_default();
    let wanted = before - SHIELDED + UNSHIELDED - fees;
    ensure!(
        after == wanted,
        "Alice has {after} in public, not {wanted} = {before} - {SHIELDED} + {UNSHIELDED} - {fees} of fees"
    );
    say(&format!("Alice's public balance is right to the planck: {after}, with {fees} paid in fees"));
    Ok(())
}

async fn check_chain(
    auditor: &Auditor,
    story: &Story,
    users: &[User; 2],
    people: &People,
    say: &dyn Fn(&str),
) -> Result<()> {
    // Each worker must prove each outcome against the root on chain; `get-receipt` fails when the proof does.
    for operation in &story.operations {
        for user in users {
            let text = user.try_run(&["--profile", PROFILE, "trusted", "get-receipt", operation])?;
            ensure!(
                text.status.success(),
                "no valid receipt for {operation}: {}",
                String::from_utf8_lossy(&text.stderr)
            );
        }
    }
    say("each operation's receipt, from both workers, follows from the root on chain");
    let head = auditor.finalized().await?;
    let notes = auditor.notes(story.first_block, head).await?;
    notes.require_equal_roots()?;
    require_secrecy(&notes, people)?;
    say(&format!(
        "none of the {} invocations on chain shows an account or an amount",
        notes.invocations.len()
    ));
    Ok(())
}

/// Fails when an invocation holds the bytes of an incognito account or of an amount.
fn require_secrecy(notes: &Notes, people: &People) -> Result<()> {
    ensure!(notes.invocations.len() >= 2, "a transfer and an unshielding should be on chain as invocations");
    for invocation in &notes.invocations {
        for account in &people.incognito {
            ensure!(!contains(invocation, account.as_ref()), "an invocation shows the account {account:?}");
        }
        for amount in [TRANSFERRED, UNSHIELDED] {
            ensure!(!contains(invocation, &amount.encode()), "an invocation shows the amount {amount}");
        }
    }
    Ok(())
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

/// Reads an operation's hash as the command line prints it.
///
/// # Errors
/// When it is none.
pub fn operation_hash(text: &str) -> Result<H256> {
    let bytes = hex::decode(text.trim_start_matches("0x")).context("not an operation's hash")?;
    let bytes: [u8; 32] = bytes.try_into().map_err(|_| anyhow::anyhow!("not an operation's hash"))?;
    Ok(H256(bytes))
}

/// Alice's incognito account: a key of its own, so that nothing on chain connects the two.
pub const ALICE_INCOGNITO: &str = "//AliceIncognito";
/// Bob's.
pub const BOB_INCOGNITO: &str = "//BobIncognito";

/// The name of the demo's profile.
pub const PROFILE: &str = "demo";

/// Half seconds to wait for a payout.
const PAYOUT_PATIENCE: u32 = 120;

#[cfg(test)]
mod tests {
    use super::*;
    use offstage_client::amount::parse_amount;

    #[test]
    fn a_plaintext_account_or_amount_is_found() {
        let people = People::new().unwrap();
        let secret = vec![7; 500];
        let clean = Notes { invocations: vec![secret.clone(), secret.clone()], ..Notes::default() };
        require_secrecy(&clean, &people).unwrap();
        let leaked = [&secret[..], people.incognito[1].as_ref(), &secret].concat();
        let notes = Notes { invocations: vec![secret.clone(), leaked], ..Notes::default() };
        require_secrecy(&notes, &people).unwrap_err();
        let leaked = [&secret[..], &TRANSFERRED.encode(), &secret].concat();
        let notes = Notes { invocations: vec![secret, leaked], ..Notes::default() };
        require_secrecy(&notes, &people).unwrap_err();
    }

    #[test]
    fn the_amounts_are_those_of_the_demo() {
        assert_eq!(parse_amount("50_000_000_000").unwrap(), SHIELDED);
        assert_eq!(SHIELDED - TRANSFERRED - UNSHIELDED, 10_000_000_000);
    }
}
