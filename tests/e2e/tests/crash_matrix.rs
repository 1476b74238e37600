// SPDX-License-Identifier: Apache-2.0
//! Node, hosts and enclaves are killed with SIGKILL at random instants under load. Afterwards nothing is lost and
//! nothing was done twice (threat model H8, H9, H12).
//!
//! `OFFSTAGE_CRASHES` says how often (12 by default; `make crash-matrix` takes 100), `OFFSTAGE_CRASH_SEED` repeats the
//! choices of another run; instants depend on the machine anyhow.

use anyhow::{Context, Result, ensure};
use offstage_client::{
    account::Account, parentchain::Parentchain, pin::Pin, progress::Unobserved, verification::VerifiedWorker,
    worker::WorkerAddress, workflow,
};
use offstage_e2e::{
    audit::Auditor,
    load::{AMOUNT, COMMON_ACCOUNT, DEVELOPMENT, Done, LoadUser},
    network::{Network, wait_until},
};
use offstage_primitives::{AccountId32, H256, ShardIdentifier, receipt::Outcome};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

#[test]
fn kills_at_random_instants_lose_nothing_and_double_nothing() {
    let folder = tempfile::Builder::new().prefix("offstage-crashes-").tempdir().expect("a folder");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    if let Err(error) = runtime.block_on(story(folder.path())) {
        let kept = folder.keep();
        panic!("{error:#}\nthe logs are kept in {}", kept.display());
    }
}

async fn story(folder: &std::path::Path) -> Result<()> {
    let crashes = variable("OFFSTAGE_CRASHES")?.unwrap_or(12);
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos() as u64;
    let mut dice = Dice(variable("OFFSTAGE_CRASH_SEED")?.unwrap_or(now));
    eprintln!("{crashes} crashes, seed {}", dice.0);

    let mut network = Network::new(folder)?;
    network.start_node()?;
    for index in 0..WORKERS {
        network.add_worker()?;
        network.wait_until_initialized(index)?;
    }
    let auditor = Auditor::connect(&network.node_url()).await?;
    let shard = network.user(0)?.trusted(&["get-shard"])?;
    let users: Vec<LoadUser> = ["Bob", "Charlie", "Dave", "Eve"].map(LoadUser::named).to_vec();
    for user in &users {
        let amount = FUNDS.to_string();
        network.user(0)?.run(&["shield-funds", &user.payer, &user.incognito, &amount, &shard])?;
    }
    let shard: ShardIdentifier = shard.parse().context("a shard")?;
    let worker = verified(&network, 0, shard).await?;

    let stop = Arc::new(AtomicBool::new(false));
    let load: Vec<_> = users
        .iter()
        .map(|user| tokio::spawn(user.clone().run(network.node_url(), worker.clone(), stop.clone())))
        .collect();
    let killed = kill_at_random(&mut network, &mut dice, crashes).await?;
    stop.store(true, Ordering::Relaxed);
    let mut done = Vec::new();
    for user in load {
        network.supervise()?;
        done.push(user.await??);
    }
    drop(auditor);

    let auditor = Auditor::connect(&network.node_url()).await?;
    settle(&mut network, &auditor, &users, &done).await?;
    audit(&network, &auditor, shard, &users, &done).await?;
    let operations: usize = done.iter().map(|done| done.operations.len()).sum();
    let repeated: usize = done.iter().map(|done| done.repeated).sum();
    eprintln!("{killed:?}; {operations} operations, {repeated} sent again; lost 0, doubled 0");
    Ok(())
}

/// Kills at random instants; who was killed is started again at once, as a supervisor would.
async fn kill_at_random(
    network: &mut Network,
    dice: &mut Dice,
    crashes: u64,
) -> Result<BTreeMap<&'static str, u64>> {
    let mut killed = BTreeMap::new();
    for _ in 0..crashes {
        tokio::time::sleep(Duration::from_millis(dice.below(3_000))).await;
        network.supervise()?;
        let index = dice.below(WORKERS as u64) as usize;
        let victim = match dice.below(4) {
            0 => {
                // It may be just between two lives.
                let _ = network.kill_enclave(index);
                "enclave"
            }
            1 => {
                network.kill_worker(index);
                "host"
            }
            2 => {
                let _ = network.kill_enclave(index);
                network.kill_worker(index);
                "both"
            }
            _ => {
                network.kill_node();
                network.start_node()?;
                "node"
            }
        };
        *killed.entry(victim).or_default() += 1;
        network.supervise()?;
    }
    Ok(killed)
}

/// Waits until every worker has executed all and every payment is made.
async fn settle(network: &mut Network, auditor: &Auditor, users: &[LoadUser], done: &[Done]) -> Result<()> {
    network.supervise()?;
    for index in 0..WORKERS {
        wait_until(&format!("worker {} is initialized again", index + 1), SETTLING, || {
            network.supervise()?;
            Ok(network.health(index).is_ok_and(|health| health["initialized"] == true))
        })?;
        network.wait_for_position(index, auditor.finalized().await?)?;
    }
    for (user, done) in users.iter().zip(done) {
        let (payee, owed) = (user.payee()?, done.unshields * AMOUNT);
        let begun = std::time::Instant::now();
        while auditor.free_balance(&payee, auditor.finalized().await?).await? < owed {
            ensure!(begun.elapsed() < SETTLING, "{} never got all of {owed}", user.payee);
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }
    // Whatever else waits in an outbox, a second payment for example, has its chance to do harm.
    for index in 0..WORKERS {
        wait_until(&format!("the outbox of worker {} is empty", index + 1), SETTLING, || {
            Ok(network.health(index).is_ok_and(|health| health["outbox"] == 0))
        })?;
    }
    Ok(())
}

/// Both sides add up to the planck, each operation has its receipt, all workers agree.
async fn audit(
    network: &Network,
    auditor: &Auditor,
    shard: ShardIdentifier,
    users: &[LoadUser],
    done: &[Done],
) -> Result<()> {
    let head = auditor.finalized().await?;
    let notes = auditor.notes(0, head).await?;
    notes.require_equal_roots()?;
    let (mut transferred, mut unshielded) = (0, 0);
    for (user, done) in users.iter().zip(done) {
        transferred += done.transfers * AMOUNT;
        unshielded += done.unshields * AMOUNT;
        let paid = auditor.free_balance(&user.payee()?, head).await?;
        ensure!(paid == done.unshields * AMOUNT, "{} got {paid}", user.payee);
        let left = FUNDS - (done.transfers + done.unshields) * AMOUNT;
        for index in 0..WORKERS {
            let balance = network.user(index)?.incognito_balance(&user.incognito)?;
            ensure!(balance == left, "{} has {balance}, not {left}, at worker {}", user.incognito, index + 1);
        }
    }
    for index in 0..WORKERS {
        let common = network.user(index)?.incognito_balance(COMMON_ACCOUNT)?;
        ensure!(common == transferred, "the common account has {common}, not {transferred}");
    }
    let vault = auditor.free_balance(&AccountId32::new(shard.0.0), head).await?;
    let funds = FUNDS * users.len() as u128;
    ensure!(vault == funds - unshielded, "the shard's account has {vault}, not {}", funds - unshielded);

    let chain = Parentchain::connect(&network.node_url(), &DEVELOPMENT, &Unobserved).await?;
    for index in 0..WORKERS {
        let mut worker =
            workflow::connect(&chain, &address(network, index)?, &Pin::shard(shard), &Unobserved).await?;
        for operation in done.iter().flat_map(|done| &done.operations) {
            let receipt =
                worker.receipt(*operation).await?.with_context(|| format!("no receipt of {operation:?}"))?;
            ensure!(receipt.leaf.outcome == Outcome::Executed, "{operation:?}: {}", receipt.leaf.outcome);
            let roots =
                notes.confirmations.get(&receipt.block_hash).context("its block was never confirmed")?;
            let root: &H256 = &roots.first().context("a block without confirmations")?.1;
            ensure!(
                receipt.verify(root),
                "the receipt of {operation:?} does not follow from the root on chain"
            );
        }
    }
    Ok(())
}

async fn verified(network: &Network, index: usize, shard: ShardIdentifier) -> Result<VerifiedWorker> {
    let chain = Parentchain::connect(&network.node_url(), &DEVELOPMENT, &Unobserved).await?;
    let worker =
        workflow::connect(&chain, &address(network, index)?, &Pin::shard(shard), &Unobserved).await?;
    Ok(worker.identity().clone())
}

fn address(network: &Network, index: usize) -> Result<WorkerAddress> {
    Ok(WorkerAddress::parse("wss://127.0.0.1", network.trusted_port(index)?)?)
}

fn variable(name: &str) -> Result<Option<u64>> {
    let Some(text) = std::env::var_os(name) else { return Ok(None) };
    let text = text.to_string_lossy();
    Ok(Some(text.parse().with_context(|| format!("{name}={text} is no number"))?))
}

/// SplitMix64: choices that can be repeated.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}

const WORKERS: usize = 2;
/// What each user has in the shard at first: enough for a thousand calls.
const FUNDS: u128 = 1_000 * AMOUNT;
const SETTLING: Duration = Duration::from_secs(180);

/// The accounts of the users are not those that fund enclaves.
#[test]
fn names_of_the_load_are_accounts() {
    let user = LoadUser::named("Bob");
    for secret in [&user.payer, &user.incognito, &user.payee] {
        assert!(Account::from_secret(secret).is_ok(), "{secret}");
    }
}
