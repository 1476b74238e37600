// SPDX-License-Identifier: Apache-2.0
//! H9: what the host does to the disk; H12: what is left of a write that was cut; H13: what can be read there.

use crate::kit::{Host, UNIT, World, bundle, copy_of, funded, import, transfer, unshield};
use codec::Encode;
use offstage_enclave::enclave::STORE_FILE;
use offstage_primitives::{AccountId32, H256};
use offstage_protocol::{EnclaveResponse, HostRequest, Phase, RefusalCode};
use offstage_sdk::testing::TestAccount;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, TableHandle};
use std::{path::Path, sync::Arc};
use tempfile::TempDir;

/// A worker with a state, receipts, waiting effects, and merged nodes; its folder, closed; the hashes of its operations.
fn used_store() -> (World, Arc<TempDir>, Vec<H256>) {
    let mut world = World::new();
    let mut host = Host::serving(&mut world);
    let (alice, bob, key, shard) = (TestAccount::alice(), TestAccount::bob(), host.key(), world.shard);
    let content = world.block().shield(shard, key.account(&alice), 100 * UNIT);
    world.add(content);
    let mut hashes = Vec::new();
    for round in 0..40 {
        let mut content = world.block();
        if round % 8 == 0 {
            let operation = transfer(&alice, &bob, UNIT, round / 8);
            hashes.push(operation.hash());
            content = content.invoke(shard, key.operation(&operation));
        }
        world.add(content);
    }
    host.follow(&world);
    assert!(host.status().outbox_len > 0);
    let dir = host.dir.clone();
    drop(host);
    (world, dir, hashes)
}

fn table(name: &str) -> TableDefinition<'_, &'static [u8], &'static [u8]> {
    TableDefinition::new(name)
}

/// All records by table.
fn records(path: &Path) -> Vec<(String, Vec<u8>, Vec<u8>)> {
    let database = Database::open(path).unwrap();
    let transaction = database.begin_read().unwrap();
    let names: Vec<String> =
        transaction.list_tables().unwrap().map(|table| table.name().to_string()).collect();
    let mut records = Vec::new();
    for name in names {
        for record in transaction.open_table(table(&name)).unwrap().iter().unwrap() {
            let (key, value) = record.unwrap();
            records.push((name.clone(), key.value().to_vec(), value.value().to_vec()));
        }
    }
    records
}

fn put(path: &Path, name: &str, key: &[u8], value: Option<&[u8]>) {
    let database = Database::open(path).unwrap();
    let transaction = database.begin_write().unwrap();
    {
        let mut records = transaction.open_table(table(name)).unwrap();
        match value {
            Some(value) => drop(records.insert(key, value).unwrap()),
            None => drop(records.remove(key).unwrap()),
        }
    }
    transaction.commit().unwrap();
}

/// Opens the folder and uses everything in it. The name of what went wrong, if something did.
fn use_store(world: &World, dir: &Arc<TempDir>, hashes: &[H256]) -> Result<(), String> {
    let mut host = Host::on(world, dir.clone())?;
    host.finalize(world);
    let mut world = world.clone();
    let (alice, bob) = (TestAccount::alice(), TestAccount::bob());
    host.follow(&world);
    host.submit(&mut world);
    if host.status().phase != Phase::Serving {
        return Err("not serving".into());
    }
    for hash in hashes {
        host.view().receipt(hash).map_err(|error| error.to_string())?.value.ok_or("no receipt")?;
    }
    // A block that touches everything there is.
    let key = host.key();
    let content = world
        .block()
        .invoke(world.shard, key.operation(&transfer(&alice, &bob, UNIT, 5)))
        .invoke(world.shard, key.operation(&transfer(&bob, &alice, UNIT, 0)));
    let number = world.add(content);
    host.finalize(&world);
    let keys = host.status().watched_keys;
    let before = host.status().position;
    match host.ask(HostRequest::ImportBlock(Box::new(bundle(&world, number, &keys)))) {
        EnclaveResponse::Done(_) => {}
        EnclaveResponse::Refused(refusal) => {
            assert_eq!(refusal.code, RefusalCode::Store);
            assert_eq!(host.status().position, before);
            return Err(refusal.message);
        }
        other => panic!("{other:?}"),
    }
    if host.balance(&alice) != 95 * UNIT || host.balance(&bob) != 5 * UNIT {
        return Err("another state".into());
    }
    Ok(())
}

/// Every record that matters: flipped, removed, or replaced by another of its table, it is noticed by name.
#[test]
fn h09_a_tampered_record_is_refused_with_a_named_error() {
    let (world, dir, hashes) = used_store();
    let store = dir.path().join(STORE_FILE);
    let all = records(&store);
    for name in ["head", "keys", "nodes", "journal", "receipts", "blocks", "outbox", "meta"] {
        assert!(all.iter().any(|(table, ..)| table == name), "{name}");
    }
    use_store(&world, &copy_of(dir.path()), &hashes).unwrap();
    let mut noticed = std::collections::BTreeMap::<String, usize>::new();
    for (index, (name, key, value)) in all.iter().enumerate() {
        // Of the many journal entries every fifth.
        if matches!(&name[..], "journal" | "blocks") && index % 5 != 0 {
            continue;
        }
        let mut flipped = value.clone();
        let middle = flipped.len() / 2;
        flipped[middle] ^= 1;
        let other =
            all.iter().find(|(table, other, _)| table == name && other != key).map(|record| &record.2[..]);
        let truncated = &value[..value.len() - 1];
        for change in [Some(&flipped[..]), None, other.or(Some(&[])), Some(truncated)] {
            let copy = copy_of(dir.path());
            put(&copy.path().join(STORE_FILE), name, key, change);
            if let Err(error) = use_store(&world, &copy, &hashes) {
                assert!(
                    ["restore", "start again", "no receipt", "use the enclave version", "store failed"]
                        .iter()
                        .any(|hint| error.contains(hint)),
                    "{name}: {error}"
                );
                *noticed.entry(name.clone()).or_default() += 1;
            } else {
                // A receipt of another operation, a node that the new state does not need: not asked for, not noticed. The second
                // wrap of the store's key is not needed while the first one opens.
                let is_second_wrap = [&b"salt"[..], b"wrap/shard"].contains(&&key[..]);
                assert!(
                    matches!(&name[..], "nodes" | "blocks" | "receipts") || is_second_wrap,
                    "{name} {change:?}"
                );
            }
        }
    }
    for name in ["head", "keys", "nodes", "journal", "receipts", "blocks", "outbox", "meta"] {
        assert!(noticed.contains_key(name), "{name}: {noticed:?}");
    }
}

/// An old record under its own name opens, but does not fit the head.
#[test]
fn h09_an_old_record_put_back_is_refused() {
    let (world, dir, _) = used_store();
    let old = records(&dir.path().join(STORE_FILE));
    let mut host = Host::on(&world, dir.clone()).unwrap();
    let mut world = world;
    host.serve(&mut world);
    host.settle(&mut world);
    drop(host);
    let new = records(&dir.path().join(STORE_FILE));
    let mut tried = 0;
    for (name, key, value) in
        old.iter().filter(|(name, ..)| matches!(&name[..], "outbox" | "journal" | "head"))
    {
        if new.iter().any(|(table, other, now)| table == name && other == key && now == value) {
            continue;
        }
        let copy = copy_of(dir.path());
        put(&copy.path().join(STORE_FILE), name, key, Some(value));
        let result = Host::on(&world, copy);
        // An ended journal entry that is put back is not read.
        if name != "journal" {
            assert!(result.is_err(), "{name}");
            tried += 1;
        }
    }
    assert!(tried >= 2, "{tried}");
}

#[test]
fn h09_a_file_that_is_cut_or_overwritten_is_a_named_error_or_the_same_store() {
    let (world, dir, hashes) = used_store();
    let path = dir.path().join(STORE_FILE);
    let whole = std::fs::read(&path).unwrap();
    let damage: Vec<Vec<u8>> = vec![
        whole[..whole.len() / 2].to_vec(),
        whole[..100].to_vec(),
        vec![7; 10_000],
        {
            let mut bytes = whole.clone();
            for byte in bytes.iter_mut().skip(4096).step_by(1000) {
                *byte ^= 0x55;
            }
            bytes
        },
        {
            let mut bytes = whole.clone();
            bytes[..512].fill(0);
            bytes
        },
    ];
    for bytes in damage {
        let copy = copy_of(dir.path());
        std::fs::write(copy.path().join(STORE_FILE), bytes).unwrap();
        let error = use_store(&world, &copy, &hashes).err().unwrap();
        assert!(error.contains("data folder") || error.contains("disk"), "{error}");
    }
}

/// On the disk neither accounts nor keys nor operation hashes are readable.
#[test]
fn h13_the_disk_shows_nothing() {
    let (_, dir, hashes) = used_store();
    let secrets =
        [TestAccount::alice().id().encode(), TestAccount::bob().id().encode(), hashes[0].as_bytes().to_vec()];
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        for secret in &secrets {
            // Also half of it, because trie paths split keys.
            assert!(!bytes.windows(16).any(|window| window == &secret[..16]));
        }
    }
}

/// Another binary's enclave cannot open the store, and says so.
#[test]
fn h09_another_measurement_cannot_open_the_store() {
    let (_, dir, _) = used_store();
    let platform = offstage_enclave::platform::SoftwarePlatform::open(dir.path(), [1; 32]).unwrap();
    let error = offstage_enclave::enclave::Enclave::<offstage_balances::Balances>::open(
        Box::new(platform),
        dir.path(),
    )
    .err()
    .unwrap()
    .to_string();
    assert!(error.contains("sealed by another enclave"), "{error}");
}

#[test]
fn h10_two_enclaves_never_share_a_folder() {
    let world = World::new();
    let host = Host::new(&world);
    let error = Host::on(&world, host.dir.clone()).err().unwrap();
    assert!(error.contains("in use"), "{error}");
}

/// Every file beside the store, too: damaged, it is named; removed, the enclave is a new one that has nothing to say.
#[test]
fn h09_files_that_are_damaged_or_missing_are_noticed() {
    let (mut world, dir, hashes) = used_store();
    let mut store_was_there = false;
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let name = entry.unwrap().file_name();
        let whole = std::fs::read(dir.path().join(&name)).unwrap();
        let is_store = name == STORE_FILE;
        store_was_there |= is_store;
        if !is_store {
            let mut flipped = whole.clone();
            let middle = flipped.len() / 2;
            flipped[middle] ^= 1;
            for bytes in [flipped, whole[..whole.len() - 1].to_vec(), Vec::new()] {
                let copy = copy_of(dir.path());
                std::fs::write(copy.path().join(&name), bytes).unwrap();
                assert!(use_store(&world, &copy, &hashes).is_err(), "{name:?}");
            }
        }
        let copy = copy_of(dir.path());
        std::fs::remove_file(copy.path().join(&name)).unwrap();
        if is_store {
            // A worker that was never here: it has another signer, and no key.
            let mut host = Host::on(&world, copy).unwrap();
            let mut elsewhere = world.clone();
            assert_eq!(host.register(&mut elsewhere).phase, Phase::NeedsShieldingKey);
            assert!(host.collect().is_empty());
        } else {
            let error = use_store(&world, &copy, &hashes).unwrap_err();
            assert!(error.contains("sealed by another enclave"), "{name:?}: {error}");
        }
    }
    assert!(store_was_there);
    world.add_empty();
    use_store(&world, &copy_of(dir.path()), &hashes).unwrap();
}

/// Before a block with many operations room is made in the store while they are decrypted. It shows nowhere.
#[test]
fn a_full_block_behind_many_others_is_executed_as_any_block_is() {
    let (mut world, dir, mut hashes) = used_store();
    let (alice, bob) = (TestAccount::alice(), TestAccount::bob());
    let mut host = Host::on(&world, dir.clone()).unwrap();
    host.follow(&world);
    host.submit(&mut world);
    let (key, shard) = (host.key(), world.shard);
    let mut content = world.block();
    for nonce in 5..45 {
        let operation = transfer(&alice, &bob, UNIT, nonce);
        hashes.push(operation.hash());
        content = content.invoke(shard, key.operation(&operation));
    }
    world.add(content);
    host.follow(&world);
    assert_eq!((host.balance(&alice), host.balance(&bob)), (55 * UNIT, 45 * UNIT));
    for hash in &hashes {
        let receipt = host.view().receipt(hash).unwrap().value.unwrap();
        assert!(receipt.leaf.outcome.is_success());
    }
    let root = host.state_root();
    drop(host);
    let journal = records(&dir.path().join(STORE_FILE)).into_iter().filter(|(table, ..)| table == "journal");
    assert_eq!(journal.count(), 32, "the window is full again, with this block in it");
    let mut restarted = Host::on(&world, dir).unwrap();
    assert_eq!(restarted.state_root(), root);
    // What the next blocks need is there, wherever it is kept.
    restarted.follow(&world);
    restarted.submit(&mut world);
    assert_eq!((restarted.balance(&alice), restarted.balance(&bob)), (55 * UNIT, 45 * UNIT));
}

/// The disk after a loss of power at any byte of a block's commit: what was written is a part of what changed, from
/// either end. The enclave is at the block before or behind it, and goes on from there to the same state.
#[test]
fn h12_a_commit_that_was_cut_at_any_byte_is_there_or_not() {
    let (mut world, mut host, alice) = funded();
    let (payee, key, shard) = (AccountId32::new([8; 32]), host.key(), world.shard);
    let operation = unshield(&alice, &payee, UNIT, 0);
    let content =
        world.block().invoke(shard, key.operation(&operation)).shield(shard, key.account(&alice), UNIT);
    let number = world.add(content);
    host.finalize(&world);
    let store = host.dir.path().join(STORE_FILE);
    let mut before = std::fs::read(&store).unwrap();
    let bundle = host.next_bundle(&world);
    host.done(import(bundle));
    let mut behind = std::fs::read(&store).unwrap();
    let root = host.state_root();
    let longest = before.len().max(behind.len());
    before.resize(longest, 0);
    behind.resize(longest, 0);
    let changed: Vec<usize> = (0..longest).filter(|at| before[*at] != behind[*at]).collect();
    assert!(changed.len() > 1_000, "{}", changed.len());
    let head = [number - 1, number];
    let mut seen = [0, 0];
    for cut in changed.iter().step_by(changed.len() / 60).chain(&changed[..12]).copied() {
        for (first, second) in [(&before, &behind), (&behind, &before)] {
            let image = [&first[..cut], &second[cut..]].concat();
            let copy = copy_of(host.dir.path());
            std::fs::write(copy.path().join(STORE_FILE), image).unwrap();
            let mut restarted = Host::on(&world, copy).unwrap_or_else(|error| panic!("{cut}: {error}"));
            let position = restarted.status().position.number;
            seen[head.iter().position(|number| *number == position).unwrap()] += 1;
            restarted.finalize(&world);
            if position < number {
                restarted.import_next(&world);
            }
            assert_eq!(restarted.state_root(), root, "{cut}");
            assert_eq!(restarted.status().outbox_len, 2, "the payment and the confirmation");
        }
    }
    assert!(seen.iter().all(|count| *count > 0), "{seen:?}");
}
