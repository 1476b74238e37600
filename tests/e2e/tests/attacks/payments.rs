// SPDX-License-Identifier: Apache-2.0
//! C17: many payments out of a shard, good ones and worthless ones.

use crate::kit::{PAUSE, SETTLING, UNIT, begin, shard, units, unshielding, wait_for_empty_outbox, worker};
use anyhow::{Result, ensure};
use offstage_client::account::Account;
use offstage_e2e::{audit::Auditor, network::Network, sender::Sender, stage::play};
use offstage_primitives::{AccountId32, receipt::Outcome};
use std::{collections::BTreeSet, time::Instant};

/// A hundred unshieldings of a shard with five workers. Each worker once submitted each payment and each confirmation
/// by itself.
#[test]
#[ignore = "long: make attacks"]
fn c17_a_hundred_unshieldings_cost_five_workers_little_more_than_one() {
    play(async |network| {
        let auditor = begin(network, WORKERS).await?;
        let from = auditor.finalized().await?;
        let author = Account::from_secret("//Dora")?;
        shield(network, 100 * UNIT)?;
        let worker = worker(network, 0).await?.identity().clone();
        let mut sender = Sender::connect(&network.node_url(), "//Eve").await?;
        for round in 0..10 {
            let mut batch = Vec::new();
            for number in round * 10..round * 10 + 10 {
                let (_, envelope) = unshielding(&worker, &author, number, payee(number), UNIT / 2)?;
                batch.push(sender.invocation(shard()?, &envelope));
            }
            sender.send_batch(&batch).await?.map_err(anyhow::Error::msg)?.await?;
        }
        wait_for_payouts(&auditor, from, 100).await?;
        for index in 0..WORKERS {
            wait_for_empty_outbox(network, index)?;
        }

        let to = auditor.finalized().await?;
        let notes = auditor.notes(from, to).await?;
        let paid: BTreeSet<_> = notes.unshielded.iter().cloned().collect();
        ensure!(notes.unshielded.len() == 100 && paid == (0..100).map(|n| (payee(n), UNIT / 2)).collect());
        let costs = Costs::of_workers(&auditor, from, to).await?;
        eprintln!(
            "C17: 100 unshieldings, {} workers: {} extrinsics, {} requests to pay, {} of fees; before 560 \
             extrinsics, 500 requests, 0.5500 UNIT",
            costs.workers,
            costs.extrinsics,
            costs.payments,
            units(costs.fees)
        );
        ensure!(costs.workers == WORKERS, "{} workers hold slots", costs.workers);
        ensure!((100..200).contains(&costs.payments), "{} requests to pay", costs.payments);
        ensure!(costs.extrinsics < 280, "{} extrinsics", costs.extrinsics);
        ensure!(costs.fees < UNIT / 5, "{} of fees", units(costs.fees));
        Ok(())
    });
}

/// What was seen: 400 payments of one planck to accounts that do not exist, for 0.018 UNIT; they stayed in each
/// outbox for ever, and every later worker inherited them.
#[test]
#[ignore = "long: make attacks"]
fn c17_four_hundred_payments_of_one_planck_leave_nothing_behind() {
    play(async |network| {
        let auditor = begin(network, 2).await?;
        let author = Account::from_secret("//Dora")?;
        shield(network, UNIT)?;
        let identity = worker(network, 0).await?.identity().clone();
        let mut stranger = Sender::connect(&network.node_url(), "//Eve").await?;
        let from = auditor.finalized().await?;
        let mut operations = Vec::new();
        let mut last = from;
        for half in 0..2 {
            let mut batch = Vec::new();
            for number in half * 200..half * 200 + 200 {
                let (operation, envelope) = unshielding(&identity, &author, number, payee(number), 1)?;
                operations.push(operation);
                batch.push(stranger.invocation(shard()?, &envelope));
            }
            last = stranger.send_batch(&batch).await?.map_err(anyhow::Error::msg)?.await?;
        }
        // A later worker, which inherits what there is.
        network.add_worker()?;
        network.wait_until_initialized(2)?;
        for index in 0..3 {
            network.wait_for_position(index, last)?;
            wait_for_empty_outbox(network, index)?;
            let health = network.health(index)?;
            ensure!(health["parked"].as_array().is_some_and(Vec::is_empty), "worker {}: {health}", index + 1);
            let balance = network.user(index)?.incognito_balance("//Dora")?;
            ensure!(balance == UNIT, "Dora has {} at worker {}", units(balance), index + 1);
        }
        let mut asked = worker(network, 2).await?;
        let mut refused = 0;
        for operation in &operations {
            let receipt = asked.receipt(*operation).await?;
            refused += usize::from(receipt.is_some_and(|receipt| receipt.leaf.outcome == Outcome::Refused));
        }

        let to = auditor.finalized().await?;
        let notes = auditor.notes(from, to).await?;
        let price = notes.fees.get(&stranger.id()).copied().unwrap_or_default();
        let costs = Costs::of_workers(&auditor, from, to).await?;
        eprintln!(
            "C17: {} payments of 1 planck, {refused} refused inside: {} requests to pay, {} payments, nothing \
             left in an outbox; they cost their author {}; before: 400 effects in each outbox for ever, for \
             {}",
            operations.len(),
            costs.payments,
            notes.unshielded.len(),
            units(price),
            units(SEEN_PRICE)
        );
        ensure!(refused == 400, "{refused} of 400 were refused inside");
        ensure!(notes.unshielded.is_empty() && costs.payments == 0, "{:?}", notes.unshielded);
        ensure!(price > 5 * SEEN_PRICE, "{}", units(price));
        Ok(())
    });
}

/// What the shard's enclaves signed and paid.
struct Costs {
    workers: usize,
    extrinsics: usize,
    payments: usize,
    fees: u128,
}

impl Costs {
    /// Of the blocks after `from` up to `to`, and checked against what the enclaves' accounts lost.
    async fn of_workers(auditor: &Auditor, from: u64, to: u64) -> Result<Self> {
        let (signed, notes) = (auditor.signed(shard()?, from, to).await?, auditor.notes(from, to).await?);
        let slots = auditor.slots(shard()?, to).await?;
        let mut costs = Self { workers: slots.len(), extrinsics: 0, payments: 0, fees: 0 };
        for slot in slots {
            let by_it = signed.get(&slot.signer).copied().unwrap_or_default();
            costs.extrinsics += by_it.extrinsics;
            costs.payments += by_it.payments;
            let fees = notes.fees.get(&slot.signer).copied().unwrap_or_default();
            let before = auditor.free_balance(&slot.signer, from).await?;
            let after = auditor.free_balance(&slot.signer, to).await?;
            // Who joined in between was funded in between.
            ensure!(before == 0 || before - after == fees, "{} lost {}", slot.signer, before - after);
            costs.fees += fees;
        }
        Ok(costs)
    }
}

/// Dora gets something to unshield.
fn shield(network: &Network, amount: u128) -> Result<()> {
    let user = network.user(0)?;
    user.run(&["shield-funds", "//Alice", "//Dora", &amount.to_string(), &user.shard().to_string()]).map(drop)
}

/// An account that does not exist yet.
fn payee(number: u32) -> AccountId32 {
    AccountId32::new(sp_crypto_hashing::blake2_256(&number.to_le_bytes()))
}

/// Waits until the shard has paid so often.
async fn wait_for_payouts(auditor: &Auditor, from: u64, wanted: usize) -> Result<()> {
    let (begun, mut seen, mut paid) = (Instant::now(), from, 0);
    while paid < wanted {
        ensure!(begun.elapsed() < SETTLING, "{paid} of {wanted} payments were made by block {seen}");
        tokio::time::sleep(PAUSE).await;
        let head = auditor.finalized().await?;
        paid += auditor.notes(seen, head).await?.unshielded.len();
        seen = head;
    }
    Ok(())
}

const WORKERS: usize = 5;
/// What 400 payments of one planck cost their author.
const SEEN_PRICE: u128 = 18 * UNIT / 1_000;
