// SPDX-License-Identifier: Apache-2.0
//! H9: what the host does to the disk; H12: what is left of a write that was cut; H13: what can be read there; H17 and
//! H23: whose records count, and who may read the files.

use crate::extrinsics::permit;
use crate::kit::{
    Host, UNIT, World, bundle, copy_of, development_root, funded, import, look, open, transfer, unshield,
};
use codec::Encode;
use offstage_balances::Balances;
use offstage_enclave::{
    enclave::{Enclave, Restart, STORE_FILE},
    platform::SoftwarePlatform,
};
use offstage_light_client::testing::{METADATA, test_code};
use offstage_primitives::{AccountId32, H256, Measurement};
use offstage_protocol::{EnclaveResponse, HostRequest, Phase, RefusalCode};
use offstage_sdk::testing::TestAccount;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, TableHandle};
use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};
use tempfile::TempDir;

/// A worker with a state, receipts, waiting effects, and merged nodes; its folder, closed; the hashes of its
/// operations.
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
        } else {
            // Each block changes the state.
            content = content.shield(shard, key.account(&TestAccount::named("Carol")), UNIT);
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

/// Gives the enclave the block with this number. A refusal is one for the store's sake, and changes nothing.
fn import_or_refusal(host: &mut Host, world: &World, number: u32) -> Result<(), String> {
    let keys = host.status().watched_keys;
    let before = host.status().position;
    match host.ask(HostRequest::ImportBlock(Box::new(bundle(world, number, &keys)))) {
        EnclaveResponse::Done(_) => Ok(()),
        EnclaveResponse::Refused(refusal) => {
            assert_eq!(refusal.code, RefusalCode::Store);
            assert_eq!(host.status().position, before);
            Err(refusal.message)
        }
        other => panic!("{other:?}"),
    }
}

/// Opens the folder and uses everything in it. The name of what went wrong, if something did.
fn use_store(world: &World, dir: &Arc<TempDir>, hashes: &[H256]) -> Result<(), String> {
    let mut host = Host::on(world, dir.clone())?;
    host.finalize(world);
    let mut world = world.clone();
    let (alice, bob) = (TestAccount::alice(), TestAccount::bob());
    host.follow(&world);
    // Its registration. An empty block, too, reads a little of the state.
    let extrinsics = host.collect();
    let content = world.block();
    let content = world.include(content, &host.signer(), &extrinsics);
    let number = world.add(content);
    host.finalize(&world);
    import_or_refusal(&mut host, &world, number)?;
    host.follow(&world);
    if host.status().phase != Phase::Serving {
        return Err("not serving".into());
    }
    for hash in hashes {
        host.view().receipt(hash).map_err(|error| error.to_string())?.value.ok_or("no receipt")?;
        let own = permit(&world, &alice, number);
        host.view().result(hash, &own).map_err(|error| error.to_string())?;
    }
    // A block that touches everything there is.
    let key = host.key();
    let content = world
        .block()
        .invoke(world.shard, key.operation(&transfer(&alice, &bob, UNIT, 5)))
        .invoke(world.shard, key.operation(&transfer(&bob, &alice, UNIT, 0)));
    let number = world.add(content);
    host.finalize(&world);
    import_or_refusal(&mut host, &world, number)?;
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
    for name in ["head", "keys", "nodes", "journal", "receipts", "results", "blocks", "outbox", "meta"] {
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
                // With another id or wrap it is a store of another enclave, which is put aside: this one begins anew,
                // and has nothing to say.
                if aside(copy.path(), 1).exists() {
                    assert!(name == "meta" && error == "not serving", "{name}: {error}");
                    *noticed.entry(name.clone()).or_default() += 1;
                    continue;
                }
                assert!(
                    ["restore", "start again", "no receipt", "use the enclave version", "store failed"]
                        .iter()
                        .any(|hint| error.contains(hint)),
                    "{name}: {error}"
                );
                *noticed.entry(name.clone()).or_default() += 1;
            } else {
                // A receipt or a result of another operation, a node that the new state does not need: not asked for,
                // not noticed.
                // The second wrap of the store's key is not needed while the first one opens.
                let is_second_wrap = [&b"salt"[..], b"wrap/shard"].contains(&&key[..]);
                assert!(
                    matches!(&name[..], "nodes" | "blocks" | "receipts" | "results") || is_second_wrap,
                    "{name} {change:?}"
                );
            }
        }
    }
    for name in ["head", "keys", "nodes", "journal", "receipts", "results", "blocks", "outbox", "meta"] {
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

/// A store that was put aside.
fn aside(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!("{STORE_FILE}.aside-{number}"))
}

/// Another binary's enclave cannot open the store: it begins anew beside it.
#[test]
fn h09_another_measurement_cannot_open_the_store() {
    let (world, dir, hashes) = used_store();
    let signer = Host::on(&world, copy_of(dir.path())).unwrap().signer();
    let store = records(&dir.path().join(STORE_FILE));
    let platform =
        offstage_enclave::platform::SoftwarePlatform::open(dir.path(), Measurement([1; 32])).unwrap();
    let mut other = offstage_enclave::enclave::Enclave::<offstage_balances::Balances>::open(
        Box::new(platform),
        dir.path(),
    )
    .unwrap();
    match other.handle(HostRequest::Identify) {
        EnclaveResponse::Identified(identity) => {
            assert_ne!(identity.signer, signer);
            assert_eq!(identity.shielding_key, None);
        }
        other => panic!("{other:?}"),
    }
    drop(other);
    assert!(records(&aside(dir.path(), 1)) == store, "nothing in it was changed");
    // The enclave that wrote it finds it again.
    use_store(&world, &dir, &hashes).unwrap();
}

/// New microcode, a new machine, a new image: the platform's sealing key is another one. The shard's key, which the
/// enclave gets from a peer, opens the store again, with its signer, its state and what waits in it.
#[test]
fn a_store_that_the_platform_cannot_open_any_more_returns_with_the_shards_key() {
    let (mut world, mut provider, alice) = funded();
    let mut host = Host::joining(&mut world, &mut provider);
    host.serve(&mut world);
    let (key, shard) = (provider.key(), world.shard);
    let payee = AccountId32::new([8; 32]);
    let content = world.block().invoke(shard, key.operation(&unshield(&alice, &payee, UNIT, 0)));
    world.add(content);
    host.follow(&world);
    provider.follow(&world);
    let (signer, root, position) = (host.signer(), host.state_root(), host.status().position);
    let waiting = host.status().outbox_len;
    assert!(waiting > 0);
    let dir = host.dir.clone();
    drop(host);
    // Another machine has another sealing secret.
    std::fs::write(dir.path().join("software-platform.secret"), [9; 32]).unwrap();

    let mut fresh = Host::on(&world, dir.clone()).unwrap();
    assert_ne!(fresh.signer(), signer);
    assert!(aside(dir.path(), 1).exists());
    assert_eq!(fresh.register(&mut world).phase, Phase::NeedsShieldingKey);
    provider.follow(&world);
    assert_eq!(fresh.enclave.must_restart(), None);
    fresh.request_key(&provider);
    assert_eq!(fresh.enclave.must_restart(), Some(Restart::FormerStore));

    let mut back = fresh.restart(&world);
    assert_eq!((back.signer(), back.state_root(), back.status().position), (signer, root, position));
    assert_eq!(back.status().outbox_len, waiting);
    assert_eq!(back.enclave.must_restart(), None);
    assert!(aside(dir.path(), 1).exists(), "the fresh one is kept now");
    back.follow(&world);
    assert_eq!(back.submit(&mut world).phase, Phase::Serving);
    back.settle(&mut world);
    assert_eq!(world.paid.len(), 1);
    assert_eq!(back.balance(&alice), 99 * UNIT);
}

/// Also those that a start does not read.
#[test]
fn a_look_at_every_record_finds_each_that_was_altered_and_what_is_missing() {
    let (world, dir, hashes) = used_store();
    let path = dir.path().join(STORE_FILE);
    let report = look(dir.path()).unwrap();
    let (genesis, shard, position) = report.bound.unwrap();
    assert_eq!((genesis, shard), (world.chain.header(0).hash().into(), world.shard));
    assert_eq!(position.number, world.chain.number());
    assert!(report.has_shielding_key && report.outbox > 0 && report.journal > 0 && report.state_entries > 0);
    assert!(report.nodes > 0 && report.blocks > 0);
    assert_eq!(report.receipts, 41, "five transfers and the shieldings");
    assert_eq!(hashes.len(), 5);

    let all = records(&path);
    let mut missed = std::collections::BTreeSet::new();
    for (name, key, value) in all.iter().filter(|(table, ..)| table != "meta") {
        let mut altered = value.clone();
        *altered.last_mut().unwrap() ^= 1;
        put(&path, name, key, Some(&altered));
        let error = look(dir.path()).err().unwrap_or_else(|| panic!("a record of {name} was altered"));
        assert!(error.contains(name.as_str()), "{name}: {error}");
        put(&path, name, key, None);
        if look(dir.path()).is_err() {
            missed.insert(name.as_str());
        }
        put(&path, name, key, Some(value));
    }
    // A receipt's index is sealed, not counted.
    assert_eq!(
        missed.into_iter().collect::<Vec<_>>(),
        ["blocks", "head", "journal", "keys", "nodes", "outbox"]
    );
    assert_eq!(look(dir.path()).unwrap(), report, "as it was");
    let entry = all.iter().find(|(name, ..)| name == "journal").unwrap();
    put(&path, "journal", &u64::MAX.to_be_bytes(), Some(&entry.2));
    assert!(look(dir.path()).unwrap_err().contains("journal"), "one more than there may be");
}

/// Reading commands make nothing, and put nothing aside.
#[test]
fn a_look_at_a_store_of_another_machine_leaves_it_where_it_is() {
    let (_, dir, _) = used_store();
    std::fs::write(dir.path().join("software-platform.secret"), [9; 32]).unwrap();
    let platform = SoftwarePlatform::open(dir.path(), Measurement([1; 32])).unwrap();
    let error = Enclave::<Balances>::open_existing(Box::new(platform), dir.path()).err().unwrap();
    assert!(error.to_string().contains("another enclave binary or machine"), "{error}");
    assert!(look(dir.path()).is_err());
    assert!(dir.path().join(STORE_FILE).exists() && !aside(dir.path(), 1).exists());
}

/// All tables of one store in another, by name.
fn replace(path: &Path, tables: &[&str], from: &[(String, Vec<u8>, Vec<u8>)]) {
    let database = Database::open(path).unwrap();
    let transaction = database.begin_write().unwrap();
    for name in tables {
        transaction.delete_table(table(name)).unwrap();
        let mut records = transaction.open_table(table(name)).unwrap();
        for (_, key, value) in from.iter().filter(|(table, ..)| table == name) {
            records.insert(&key[..], &value[..]).unwrap();
        }
    }
    transaction.commit().unwrap();
}

/// A worker on this chain whose outbox holds a payment of `amount` to `payee`. On what is in the folder, if there is
/// something.
fn paying(mut world: World, dir: Arc<TempDir>, payee: u8, amount: u128) -> World {
    let mut host = Host::on(&world, dir).unwrap();
    host.serve(&mut world);
    let (alice, key, shard) = (TestAccount::alice(), host.key(), world.shard);
    host.run(&mut world, |block| block.shield(shard, key.account(&alice), amount));
    let operation = unshield(&alice, &AccountId32::new([payee; 32]), amount, 0);
    host.run(&mut world, |block| block.invoke(shard, key.operation(&operation)));
    assert_eq!(host.status().outbox_len, 3, "two confirmations and the payment");
    world
}

/// The thief's chain: of another genesis, and he mints there what he likes. The enclave and its machine are the same.
fn private_chain() -> World {
    let minted = (b"minted".to_vec(), vec![1]);
    World::with(&test_code(METADATA, &[]), &[development_root(), minted])
}

/// Nothing of the other store counts here: not the payment alone, and not with any other tables.
fn assert_nothing_of_it_is_taken(world: &World, dir: &TempDir, other: &TempDir) {
    let foreign = records(&other.path().join(STORE_FILE));
    let own = records(&dir.path().join(STORE_FILE));
    let waiting = |all: &[(String, Vec<u8>, Vec<u8>)]| {
        all.iter().filter(|(table, ..)| table == "outbox").map(|(_, key, _)| key.clone()).collect::<Vec<_>>()
    };
    assert_eq!(waiting(&own), waiting(&foreign), "the ids are the same");
    let beside = ["head", "keys", "meta", "journal", "receipts", "blocks"];
    for mask in 0..1u32 << beside.len() {
        let mut tables = vec!["outbox"];
        tables.extend((0..beside.len()).filter(|index| mask & (1 << index) != 0).map(|index| beside[index]));
        let copy = copy_of(dir.path());
        replace(&copy.path().join(STORE_FILE), &tables, &foreign);
        let error = Host::on(world, copy).err().unwrap_or_else(|| panic!("{tables:?} were taken"));
        assert!(error.contains("data folder"), "{tables:?}: {error}");
    }
    // The other folder as a whole is a store of the other chain.
    let error = Host::on(world, copy_of(other.path())).err().unwrap();
    assert!(error.contains("genesis"), "{error}");
}

#[test]
fn h17_a_payment_from_a_chain_of_the_thiefs_own_is_refused_alone_and_with_other_tables() {
    let dirs = [(); 2].map(|()| Arc::new(tempfile::tempdir().unwrap()));
    // One machine: one sealing secret.
    drop(open(dirs[0].path()).unwrap());
    let secret = "software-platform.secret";
    std::fs::copy(dirs[0].path().join(secret), dirs[1].path().join(secret)).unwrap();
    let world = paying(World::new(), dirs[0].clone(), 1, UNIT);
    paying(private_chain(), dirs[1].clone(), 2, 1_000_000 * UNIT);
    assert_nothing_of_it_is_taken(&world, &dirs[0], &dirs[1]);
    // As it was, it is used.
    assert_eq!(Host::on(&world, dirs[0].clone()).unwrap().status().outbox_len, 3);
}

/// The same store even, copied before it ever saw a chain: same signer, same id, same key.
#[test]
fn h17_a_payment_from_a_twin_of_the_store_on_another_chain_is_refused() {
    let dir = Arc::new(tempfile::tempdir().unwrap());
    drop(open(dir.path()).unwrap());
    let twin = copy_of(dir.path());
    let world = paying(World::new(), dir.clone(), 1, UNIT);
    paying(private_chain(), twin.clone(), 2, 1_000_000 * UNIT);
    assert_nothing_of_it_is_taken(&world, &dir, &twin);
    assert_eq!(Host::on(&world, dir).unwrap().status().outbox_len, 3);
}

/// The same store on the same chain: once it served on, once it was restarted and only followed. The same id then names
/// another effect, and the same number another entry of the journal.
#[test]
fn h17_a_record_of_the_same_worker_at_another_moment_is_refused() {
    let (mut world, host, alice) = funded();
    let (payee, key, shard) = (AccountId32::new([8; 32]), host.key(), world.shard);
    let dir = host.dir.clone();
    drop(host);
    let other = copy_of(dir.path());
    let content = world.block().invoke(shard, key.operation(&unshield(&alice, &payee, UNIT, 0)));
    world.add(content);
    let [own, foreign] = [&dir, &other].map(|dir| {
        let mut host = Host::on(&world, dir.clone()).unwrap();
        host.follow(&world);
        assert_eq!(host.status().outbox_len, 3, "the payment, the confirmation and the registration");
        drop(host);
        records(&dir.path().join(STORE_FILE))
    });
    let mut tried = std::collections::BTreeSet::new();
    for (name, record, value) in &foreign {
        let differs = own.iter().any(|(table, key, own)| (table, key) == (name, record) && own != value);
        if differs && matches!(&name[..], "outbox" | "journal") {
            let copy = copy_of(dir.path());
            put(&copy.path().join(STORE_FILE), name, record, Some(value));
            let error = Host::on(&world, copy).err().unwrap_or_else(|| panic!("{name} was taken"));
            assert!(error.contains(&format!("({name}) are of different moments")), "{error}");
            tried.insert(name.clone());
        }
    }
    assert_eq!(tried.len(), 2, "{tried:?}");
    // All of one table, too.
    for name in ["outbox", "journal"] {
        let copy = copy_of(dir.path());
        replace(&copy.path().join(STORE_FILE), &[name], &foreign);
        assert!(Host::on(&world, copy).is_err(), "{name}");
    }
}

#[test]
fn h23_the_files_of_the_enclave_are_its_users_alone() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("data");
    drop(open(&dir).unwrap());
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    let store = dir.join(STORE_FILE);
    std::fs::set_permissions(&store, std::fs::Permissions::from_mode(0o644)).unwrap();
    drop(open(&dir).unwrap());
    for entry in std::fs::read_dir(&dir).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{path:?}");
    }
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
            // No other secret is made for a store that is there.
            let error = use_store(&world, &copy, &hashes).unwrap_err();
            assert!(error.contains("is missing"), "{name:?}: {error}");
            assert!(!copy.path().join(&name).exists() && !aside(copy.path(), 1).exists());
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
