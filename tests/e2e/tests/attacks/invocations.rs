// SPDX-License-Identifier: Apache-2.0
//! C18: batches of the longest envelopes of random bytes. P14: what is told while a worker is behind.

use crate::kit::{SETTLING, UNIT, begin, shard, told, units, wait_for_block};
use anyhow::{Context, Result, ensure};
use offstage_e2e::{
    audit::Auditor,
    network::{Network, wait_until},
    sender::Sender,
    stage::play,
    user::User,
};
use offstage_primitives::{
    ShardIdentifier,
    shielding::{MAX_CYPHERTEXT_LEN, RSA_LEN, rsa_operations, rsa_operations_per_block},
};
use std::collections::VecDeque;

/// What was seen: fifteen such batches for 0.18 UNIT, and two workers up to 30 blocks behind. No such batch reaches a
/// block now, nothing is paid for trying, and an honest client is served meanwhile.
#[test]
fn c18_the_batches_that_stopped_two_workers_are_refused_by_the_node() {
    play(async |network| {
        let auditor = begin(network, 1).await?;
        let user = network.user(0)?;
        fund(&user)?;
        let mut stranger = stranger(network).await?;
        let mut noise = Noise(1);
        for number in 1..=SEEN_BATCHES {
            let batch = envelopes(&stranger, &mut noise, &[MAX_CYPHERTEXT_LEN / RSA_LEN; SEEN_ENVELOPES])?;
            let Err(reason) = stranger.send_batch(&batch).await? else {
                anyhow::bail!("the node takes a batch of {SEEN_ENVELOPES} envelopes (number {number})");
            };
            ensure!(reason.contains("exhaust"), "batch {number} is refused for another reason: {reason}");
        }
        pay(&user)?;
        let head = auditor.finalized().await?;
        let operations = operations(&auditor, 0, head).await?;
        let left = auditor.free_balance(&stranger.id(), head).await?;
        ensure!(left == SEEN_PRICE, "the stranger has {} left of {}", units(left), units(SEEN_PRICE));
        let honest: u32 = operations.iter().sum();
        eprintln!(
            "C18: {SEEN_BATCHES} batches of {SEEN_ENVELOPES} envelopes: before, all executed for {}, \
             {SEEN_OPERATIONS} RSA operations; now none is taken, nothing is paid, and the {honest} RSA \
             operations since genesis are the honest client's",
            units(SEEN_PRICE)
        );
        ensure!(honest <= 8, "somebody else caused {honest} RSA operations");
        wait_for_payments(network, &[0], 1)
    });
}

/// What can still be done: whole blocks full of the worst. First as far as the 0.18 UNIT of then go, and then by
/// somebody who is rich, for at least as many blocks as there were batches and until the honest client is done.
#[test]
#[ignore = "long: make attacks"]
fn c18_whoever_fills_whole_blocks_pays_for_them_and_stops_no_worker() {
    play(async |network| {
        let auditor = begin(network, 2).await?;
        let user = network.user(0)?;
        fund(&user)?;
        let mut noise = Noise(2);

        // ---- As far as the money of then goes, in ever smaller pieces.
        let mut stranger = stranger(network).await?;
        let from = auditor.finalized().await?;
        for chunks in [&FULL_BLOCK[..], &[MAX_CYPHERTEXT_LEN / RSA_LEN], &[1]] {
            loop {
                match stranger.send_batch(&envelopes(&stranger, &mut noise, chunks)?).await? {
                    Ok(inclusion) => drop(inclusion.await?),
                    Err(refused) => {
                        ensure!(refused.contains("pay"), "refused for another reason: {refused}");
                        break;
                    }
                }
            }
        }
        let to = auditor.finalized().await?;
        let caused: u32 = operations(&auditor, from, to).await?.iter().sum();
        let left = auditor.free_balance(&stranger.id(), to).await?;
        eprintln!(
            "C18: for {} a stranger causes {caused} RSA operations; before {SEEN_OPERATIONS}",
            units(SEEN_PRICE - left)
        );
        ensure!(caused < SEEN_OPERATIONS / 100, "{caused}");

        // ---- Somebody rich. Not in batches: what is beyond the bound then waits for a block with room.
        let mut rich = Sender::connect(&network.node_url(), "//Eve").await?;
        let from = auditor.finalized().await?;
        let honest = tokio::task::spawn_blocking({
            let user = user.clone();
            move || (0..HONEST_PAYMENTS).try_for_each(|_| pay(&user))
        });
        let (mut under_way, mut sent, mut behind) = (VecDeque::new(), 0, 0);
        while sent < SEEN_BATCHES || !honest.is_finished() {
            ensure!(sent < MOST_BLOCKS, "the honest client is not served under the attack");
            for chunks in FULL_BLOCK {
                let envelope = noise.bytes(chunks * RSA_LEN);
                let taken = rich.send_invocation(shard()?, &envelope).await?;
                under_way.push_back(taken.map_err(anyhow::Error::msg)?);
            }
            sent += 1;
            while under_way.len() > AHEAD * FULL_BLOCK.len() {
                under_way.pop_front().context("invocations")?.await?;
            }
            for index in 0..2 {
                behind = behind.max(told(network, index, "blocksBehind")?);
            }
        }
        honest.await??;
        for inclusion in under_way {
            inclusion.await?;
        }
        let to = auditor.finalized().await?;
        let each = operations(&auditor, from, to).await?;
        let (caused, most): (u32, _) = (each.iter().sum(), each.iter().max().copied().unwrap_or_default());
        let bound = rsa_operations_per_block(1_000);
        let fees = auditor.notes(from, to).await?.fees.get(&rich.id()).copied().unwrap_or_default();
        eprintln!(
            "C18: the worst for {sent} blocks and more, within {}: {caused} RSA operations, {most} at most in \
             one, for {}; before {SEEN_OPERATIONS} for {}; workers were up to {behind} blocks behind (before \
             30), and an honest client made {HONEST_PAYMENTS} payments meanwhile",
            each.len(),
            units(fees),
            units(SEEN_PRICE)
        );
        ensure!(most <= bound, "a block caused {most} RSA operations, more than {bound}");
        ensure!(most > bound - 52, "no block was full: {each:?}");
        ensure!(caused as usize >= sent * bound as usize, "the attack was none: {caused} RSA operations");
        // An operation costs more than a hundred times what it cost.
        ensure!(fees * u128::from(SEEN_OPERATIONS) > 100 * SEEN_PRICE * u128::from(caused), "{fees}");
        for index in 0..2 {
            network.wait_for_position(index, to)?;
            network.wait_until_initialized(index)?;
        }
        wait_for_payments(network, &[0, 1], HONEST_PAYMENTS)
    });
}

/// What was seen: `blocksBehind: 0` and `initialized: true` while the worker was 30 blocks behind. Here the enclave
/// does not come to an end with what it has in hand, for so many blocks.
#[test]
#[ignore = "long: make attacks"]
fn p14_health_is_true_while_an_enclave_does_not_come_to_an_end() {
    play(async |network| {
        let auditor = begin(network, 1).await?;
        let position = told(network, 0, "position")?;
        network.pause_enclave(0)?;
        let head = wait_for_block(&auditor, position + SEEN_BEHIND + 2).await?;
        wait_until("the worker tells of the chain's head", SETTLING, || {
            Ok(told(network, 0, "finalizedHead")? >= head)
        })?;
        let health = network.health(0)?;
        let (at, finalized) = (told(network, 0, "position")?, told(network, 0, "finalizedHead")?);
        let behind = told(network, 0, "blocksBehind")?;
        eprintln!(
            "P14: a busy enclave at block {at} of a chain at {finalized}: blocksBehind {behind}, initialized \
             {}, enclaveRunning {}, enclaveBusySeconds {}; before: blocksBehind 0, initialized true, \
             finalizedHead 44 at position 82 of a chain at 111",
            health["initialized"], health["enclaveRunning"], health["enclaveBusySeconds"]
        );
        ensure!(finalized >= head && behind >= SEEN_BEHIND, "{health}");
        ensure!(health["initialized"] == false && health["enclaveRunning"] == true, "{health}");
        ensure!(told(network, 0, "enclaveBusySeconds")? > 0, "{health}");
        network.continue_enclave(0)?;
        network.wait_until_initialized(0)?;
        network.wait_for_position(0, head)?;
        let health = network.health(0)?;
        ensure!(health["initialized"] == true, "{health}");
        Ok(())
    });
}

/// Dora gets something to pay with.
fn fund(user: &User) -> Result<()> {
    user.run(&["shield-funds", "//Alice", "//Dora", &UNIT.to_string(), &user.shard().to_string()]).map(drop)
}

/// Dora pays Erik, and knows from the receipt that it was executed.
fn pay(user: &User) -> Result<()> {
    user.trusted(&["transfer", "//Dora", "//Erik", &PAYMENT.to_string()]).map(drop)
}

/// Each of these workers comes to hold what Erik was paid.
fn wait_for_payments(network: &Network, workers: &[usize], payments: u128) -> Result<()> {
    for index in workers {
        let user = network.user(*index)?;
        wait_until("Erik has been paid", SETTLING, || {
            Ok(user.incognito_balance("//Erik")? == payments * PAYMENT)
        })?;
    }
    Ok(())
}

/// An account that has what the attack cost, and nothing else.
async fn stranger(network: &Network) -> Result<Sender> {
    let stranger = Sender::connect(&network.node_url(), "//Stranger").await?;
    Sender::connect(&network.node_url(), "//Ferdie").await?.transfer(&stranger.id(), SEEN_PRICE).await?;
    Ok(stranger)
}

/// Envelopes of random bytes of so many RSA chunks each.
fn envelopes(sender: &Sender, noise: &mut Noise, chunks: &[usize]) -> Result<Vec<Vec<u8>>> {
    let shard: ShardIdentifier = shard()?;
    Ok(chunks.iter().map(|chunks| sender.invocation(shard, &noise.bytes(chunks * RSA_LEN))).collect())
}

/// RSA operations that each block after `from` caused for the shard, as the chain counts them.
async fn operations(auditor: &Auditor, from: u64, to: u64) -> Result<Vec<u32>> {
    let mut each = Vec::new();
    for number in from + 1..=to {
        each.push(auditor.rsa_operations(shard()?, number).await?);
    }
    Ok(each)
}

/// Bytes that are no ciphertext: SplitMix64.
struct Noise(u64);

impl Noise {
    fn bytes(&mut self, len: usize) -> Vec<u8> {
        let words = std::iter::repeat_with(|| {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = self.0;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            (mixed ^ (mixed >> 31)).to_le_bytes()
        });
        words.flatten().take(len).collect()
    }
}

/// What was seen: so many batches, of so many of the longest envelopes each.
const SEEN_BATCHES: usize = 15;
const SEEN_ENVELOPES: usize = 157;
/// The RSA operations that they caused.
const SEEN_OPERATIONS: u32 = 122_460;
/// What they cost.
const SEEN_PRICE: u128 = 180_000_000_000;
/// Blocks that a worker was behind while it said 0.
const SEEN_BEHIND: u64 = 30;

/// Chunks of the envelopes that fill a block of a second to its bound of 308.
const FULL_BLOCK: [usize; 6] = [52, 52, 52, 52, 52, 48];
/// Blocks' worth of envelopes that wait in the node's pool.
const AHEAD: usize = 4;
const MOST_BLOCKS: usize = 600;
const PAYMENT: u128 = 1_000_000_000;
const HONEST_PAYMENTS: u128 = 3;

#[test]
fn the_figures_of_then_are_right() {
    let longest = rsa_operations(MAX_CYPHERTEXT_LEN) as usize;
    assert_eq!(SEEN_BATCHES * SEEN_ENVELOPES * longest, SEEN_OPERATIONS as usize);
    assert_eq!(FULL_BLOCK.iter().sum::<usize>(), rsa_operations_per_block(1_000) as usize);
}
