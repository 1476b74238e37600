// SPDX-License-Identifier: Apache-2.0
//! P7: the slots of a shard are full of dead enclaves.

use crate::kit::{PAUSE, SETTLING, UNIT, begin, shard, units, wait_for_block};
use anyhow::{Context, Result, ensure};
use offstage_e2e::{audit::Auditor, network::Network, stage::play};
use offstage_primitives::{
    AccountId32, ShardIdentifier,
    enclave_bridge::{SLOT_SILENCE_BLOCKS, ShardSignerStatus},
};
use std::{collections::BTreeSet, time::Instant};

/// What was seen: after ten replaced workers the next one's confirmations all failed, for ever, at its cost. Here ten
/// act and die; the eleventh serves what is read of it and spends nothing as long as their places are theirs, and
/// then takes one.
///
/// The chain has two blocks a second, so that the silence passes in minutes.
#[test]
#[ignore = "long: make attacks"]
fn p07_after_ten_dead_workers_the_eleventh_waits_for_nothing_and_takes_a_place() {
    play(async |network| {
        network.set_block_time(500)?;
        let auditor = begin(network, SLOTS).await?;
        let user = network.user(0)?;
        let shard: ShardIdentifier = shard()?;
        user.run(&["shield-funds", "//Alice", "//Dora", &UNIT.to_string(), &shard.to_string()])?;
        let ten = wait_for_slots(&auditor, shard, |slots| slots.len() == SLOTS).await?;
        let ten: BTreeSet<_> = ten.into_iter().map(|slot| slot.signer).collect();

        let before = auditor.finalized().await?;
        network.add_worker()?;
        network.wait_until_initialized(ELEVENTH)?;
        let registered = auditor.finalized().await?;
        let eleventh = newcomer(&auditor, shard, &ten, before, registered).await?;
        for index in 0..SLOTS {
            network.kill_worker(index);
        }
        // What the ten had handed in before they died.
        let died = wait_for_block(&auditor, registered + 20).await?;
        let slots = auditor.slots(shard, died).await?;
        let first = slots.iter().map(|slot| slot.last_activity).min().context("slots")?;

        // ---- A standby.
        let notice = network.health(ELEVENTH)?["notice"].to_string();
        ensure!(notice.contains("standby"), "it says {notice}");
        let reader = network.user(ELEVENTH)?;
        ensure!(reader.incognito_balance("//Dora")? == UNIT, "a standby serves reads");
        let until = u64::from(first + SLOT_SILENCE_BLOCKS);
        wait_for_block(&auditor, until).await?;
        let spent =
            auditor.signed(shard, registered, until).await?.get(&eleventh).copied().unwrap_or_default();
        let had = auditor.free_balance(&eleventh, registered).await?;
        let has = auditor.free_balance(&eleventh, until).await?;
        let holders: BTreeSet<_> =
            auditor.slots(shard, until).await?.into_iter().map(|slot| slot.signer).collect();
        ensure!(holders == ten, "the places of the dead are theirs until block {until}");
        ensure!(spent.extrinsics == 0 && had == has, "the standby signed {spent:?} and spent {}", had - has);

        // ---- Its place.
        let slots =
            wait_for_slots(&auditor, shard, |slots| slots.iter().any(|slot| slot.signer == eleventh)).await?;
        let entry = slots.iter().find(|slot| slot.signer == eleventh).context("its place")?;
        eprintln!(
            "P7: ten dead workers; the eleventh signed {} extrinsics and spent {} in the {} blocks after its \
             registration, and confirmed at block {}, {} blocks after the first of the ten fell silent; \
             before: every confirmation failed, for ever, at its cost",
            spent.extrinsics,
            units(had - has),
            until - registered,
            entry.last_activity,
            entry.last_activity - first
        );
        ensure!(slots.len() == SLOTS && entry.last_activity > first + SLOT_SILENCE_BLOCKS, "{slots:?}");
        // It speaks for the shard from now on.
        reader.trusted(&["transfer", "//Dora", "//Erik", "1_000_000_000"])?;
        ensure!(reader.incognito_balance("//Erik")? == 1_000_000_000);
        wait_for_own_confirmations(network)
    });
}

/// The account that signed something in these blocks and is neither one of the ten nor the one that funds them.
async fn newcomer(
    auditor: &Auditor,
    shard: ShardIdentifier,
    ten: &BTreeSet<AccountId32>,
    from: u64,
    to: u64,
) -> Result<AccountId32> {
    let alice = offstage_client::account::Account::from_secret("//Alice")?.id();
    let signed = auditor.signed(shard, from, to).await?;
    let mut others = signed.into_keys().filter(|account| *account != alice && !ten.contains(account));
    let found = others.next().context("the eleventh worker did not register")?;
    ensure!(others.next().is_none(), "more than one worker registered");
    Ok(found)
}

async fn wait_for_slots(
    auditor: &Auditor,
    shard: ShardIdentifier,
    wanted: impl Fn(&[ShardSignerStatus]) -> bool,
) -> Result<Vec<ShardSignerStatus>> {
    let begun = Instant::now();
    loop {
        let slots = auditor.slots(shard, auditor.finalized().await?).await?;
        if wanted(&slots) {
            return Ok(slots);
        }
        ensure!(begun.elapsed() < SETTLING, "the slots stay {slots:?}");
        tokio::time::sleep(PAUSE).await;
    }
}

/// Nothing of what it submits is left or parked, and it has nothing to complain of.
fn wait_for_own_confirmations(network: &Network) -> Result<()> {
    crate::kit::wait_for_empty_outbox(network, ELEVENTH)?;
    let health = network.health(ELEVENTH)?;
    ensure!(health["notice"].is_null() && health["parked"].as_array().is_some_and(Vec::is_empty), "{health}");
    Ok(())
}

const SLOTS: usize = 10;
const ELEVENTH: usize = SLOTS;
