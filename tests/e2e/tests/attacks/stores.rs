// SPDX-License-Identifier: Apache-2.0
//! H17: a store that is put together from others. And stores that are whole, but of another format or another machine.

use crate::kit::{SETTLING, UNIT, begin, shard, units, unshielding, wait_for_empty_outbox, worker};
use anyhow::{Context, Result, ensure};
use offstage_client::account::Account;
use offstage_e2e::{
    network::{Network, wait_until},
    refusal::worker_refusal,
    sender::Sender,
    stage::play,
};
use offstage_primitives::AccountId32;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, TableHandle};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Tables of a store out of an older copy of it; and the whole store, as if the former format had written it.
#[test]
fn h17_a_store_that_is_spliced_from_an_older_copy_is_refused_at_start() {
    play(async |network| {
        begin(network, 1).await?;
        let user = network.user(0)?;
        // All that is in the shard: its account keeps the existential deposit, so the payment waits.
        hold_a_payment(network, "//Dora", 2 * UNIT)?;
        stop(network)?;
        let older = tables(&store(network))?;
        network.start_worker(0)?;
        network.wait_until_initialized(0)?;
        user.run(&["shield-funds", "//Alice", "//Erik", &UNIT.to_string(), &user.shard().to_string()])?;
        wait_for_empty_outbox(network, 0)?;
        stop(network)?;

        let path = store(network);
        let good = fs::read(&path)?;
        let newer = tables(&path)?;
        let payment = older.get("outbox").context("an outbox")?;
        ensure!(
            !payment.is_empty() && newer.get("outbox") != Some(payment),
            "nothing waits in the older copy"
        );
        let mut refused = 0;
        for splice in [&["outbox"][..], &["journal"], &["head"], &["outbox", "journal"], &["head", "journal"]]
        {
            fs::write(&path, &good)?;
            for table in splice {
                replace(&path, table, older.get(*table).context("a table")?)?;
            }
            let told = refusal_at_start(network, &["data folder"])?;
            eprintln!("H17: {splice:?} of the older copy: {}", first_error(&told));
            refused += 1;
        }
        // The number is all that a start reads of a store whose format it does not know.
        fs::write(&path, &good)?;
        replace_record(&path, "meta", b"format", &[1])?;
        let former = tables(&path)?;
        let told = refusal_at_start(network, &["format 1", "--clean-reset", "nothing was changed"])?;
        eprintln!("a store of the former format: {}", first_error(&told));
        ensure!(tables(&path)? == former, "the store of the former format was changed");
        eprintln!("H17: {refused} splices refused; before, records of the outbox were accepted");

        fs::write(&path, &good)?;
        network.start_worker(0)?;
        network.wait_until_initialized(0)?;
        ensure!(user.incognito_balance("//Erik")? == UNIT && user.incognito_balance("//Dora")? == 0);
        Ok(())
    });
}

/// What was seen: with one sealing secret for two stores, as one machine has on hardware, a payment of 10^12 that
/// waited on a chain of the thief's own was copied over one that waited here, and paid.
#[test]
#[ignore = "long: make attacks"]
fn h17_a_payment_from_the_thiefs_own_chain_is_refused_at_start() {
    play(async |network| {
        let auditor = begin(network, 1).await?;
        let user = network.user(0)?;
        // Names of later effects are free on the thief's chain.
        user.run(&["shield-funds", "//Alice", "//Erik", &UNIT.to_string(), &user.shard().to_string()])?;
        for _ in 0..EARLIER {
            user.trusted(&["transfer", "//Erik", "//Dora", "1_000_000_000"])?;
        }
        let left = user.incognito_balance("//Erik")?;
        user.trusted(&["transfer", "//Erik", "//Dora", &left.to_string()])?;
        hold_all(network, "//Dora")?;
        stop(network)?;

        let thief = Account::from_secret("//Thief")?.id();
        let stolen = thiefs_outbox(&network.folder().join("thief"), &network.data_of(0), &thief)?;
        let path = store(network);
        let good = fs::read(&path)?;
        let own = tables(&path)?.remove("outbox").context("an outbox")?;
        let shared: Vec<_> = own.keys().filter(|name| stolen.contains_key(*name)).collect();
        ensure!(!shared.is_empty(), "no name is in both: {:?} and {:?}", own.keys(), stolen.keys());
        for name in &shared {
            fs::write(&path, &good)?;
            replace_record(&path, "outbox", name, &stolen[*name])?;
            let told = refusal_at_start(network, &["data folder"])?;
            eprintln!("H17: a payment of the thief's chain as effect {name:02x?}: {}", first_error(&told));
        }
        fs::write(&path, &good)?;
        replace(&path, "outbox", &stolen)?;
        refusal_at_start(network, &["data folder"])?;

        // ---- As it was, it goes on: with more money in the shard it pays what waits, and the thief has nothing.
        fs::write(&path, &good)?;
        network.start_worker(0)?;
        network.wait_until_initialized(0)?;
        user.run(&["shield-funds", "//Alice", "//Erik", &UNIT.to_string(), &user.shard().to_string()])?;
        wait_for_empty_outbox(network, 0)?;
        let head = auditor.finalized().await?;
        let paid = auditor.notes(0, head).await?.unshielded;
        let got = auditor.free_balance(&thief, head).await?;
        eprintln!(
            "H17: {} records of the thief's chain refused; he got {}, before {}",
            shared.len() + 1,
            units(got),
            units(UNIT)
        );
        ensure!(got == 0 && paid.len() == 1 && paid[0].1 == UNIT, "{paid:?}");
        Ok(())
    });
}

/// New microcode, a new machine: the platform's secret is another one. The store is kept, and used again when a peer
/// has given the shard's key: with its signer and all that it knew.
#[test]
#[ignore = "long: make attacks"]
fn a_store_of_another_machine_returns_with_the_shards_key_and_its_signer() {
    play(async |network| {
        let auditor = begin(network, 2).await?;
        let user = network.user(1)?;
        user.run(&["shield-funds", "//Alice", "//Dora", &UNIT.to_string(), &user.shard().to_string()])?;
        network.wait_for_position(1, auditor.finalized().await?)?;
        let slots = auditor.slots(shard()?, auditor.finalized().await?).await?;
        network.kill_worker(1);
        network.wait_for_port(1)?;
        fs::write(network.data_of(1).join("software-platform.secret"), [9; 32])?;
        network.start_worker(1)?;
        let log = network.folder().join("worker2.log");
        let says = |words: &str| Ok(fs::read_to_string(&log)?.contains(words));
        wait_until("the former store is kept", SETTLING, || says("it is kept as"))?;
        wait_until("the former store returns", SETTLING, || says("opens with the shard's key"))?;
        network.wait_until_initialized(1)?;
        ensure!(user.incognito_balance("//Dora")? == UNIT, "it knows what it knew");
        user.trusted(&["transfer", "//Dora", "//Erik", "1_000_000_000"])?;
        // Nobody came to the shard: the worker speaks with the signer that it had.
        network.wait_for_position(1, auditor.finalized().await?)?;
        wait_for_empty_outbox(network, 1)?;
        let now = auditor.slots(shard()?, auditor.finalized().await?).await?;
        ensure!(now.iter().all(|slot| slots.iter().any(|before| before.signer == slot.signer)), "{now:?}");
        let renewed =
            now.iter().all(|slot| slots.iter().all(|before| before.last_activity < slot.last_activity));
        ensure!(now.len() == 2 && renewed, "{slots:?} {now:?}");
        eprintln!(
            "a store of another machine: kept, and used again with the shard's key; 2 enclaves speak for the \
             shard, as before"
        );
        Ok(())
    });
}

/// On a chain of the thief's own, where he is rich: many payments to him that wait. The enclave and its machine are
/// the same.
fn thiefs_outbox(folder: &Path, victim: &Path, thief: &AccountId32) -> Result<Records> {
    let mut network = Network::new(folder)?;
    network.set_block_time(500)?;
    let data = network.data_of(0);
    fs::create_dir_all(&data)?;
    private(&data)?;
    fs::copy(victim.join("software-platform.secret"), data.join("software-platform.secret"))?;
    let runtime = tokio::runtime::Handle::current();
    tokio::task::block_in_place(|| {
        runtime.block_on(async {
            begin(&mut network, 1).await?;
            let user = network.user(0)?;
            let amount = (PAYMENTS + 1) * UNIT;
            user.run(&["shield-funds", "//Alice", "//Mint", &amount.to_string(), &user.shard().to_string()])?;
            let worker = worker(&network, 0).await?.identity().clone();
            let author = Account::from_secret("//Mint")?;
            let mut sender = Sender::connect(&network.node_url(), "//Eve").await?;
            let mut batch = Vec::new();
            for nonce in 0..u32::try_from(PAYMENTS)? {
                let (_, envelope) = unshielding(&worker, &author, nonce, thief.clone(), UNIT)?;
                batch.push(sender.invocation(shard()?, &envelope));
            }
            drop(sender.send_batch(&batch).await?.map_err(anyhow::Error::msg)?);
            // They wait until they are seen final, which takes some blocks.
            wait_until("the payments wait", SETTLING, || {
                Ok(network.health(0)?["outbox"].as_u64().is_some_and(|waiting| waiting > 40))
            })?;
            stop(&mut network)?;
            tables(&store(&network))?.remove("outbox").context("an outbox")
        })
    })
}

/// Shields to an account, and unshields all that there is in the shard.
fn hold_a_payment(network: &Network, account: &str, amount: u128) -> Result<()> {
    let user = network.user(0)?;
    user.run(&["shield-funds", "//Alice", account, &amount.to_string(), &user.shard().to_string()])?;
    hold_all(network, account)
}

/// Unshields all that the account has, which is all that the shard has, and waits until that and nothing else waits.
fn hold_all(network: &Network, account: &str) -> Result<()> {
    let user = network.user(0)?;
    let all = user.incognito_balance(account)?.to_string();
    user.trusted(&["unshield-funds", account, "//Payee", &all])?;
    wait_until("the payment is held", SETTLING, || {
        let health = network.health(0)?;
        Ok(health["outbox"] == 1 && health["parked"].to_string().contains("Unshield"))
    })
}

fn stop(network: &mut Network) -> Result<()> {
    network.kill_worker(0);
    // The enclave notices that its host is gone, and lets go of the file when it ends.
    wait_until("the enclave has ended", SETTLING, || Ok(Database::open(store(network)).is_ok()))?;
    network.wait_for_port(0)
}

fn store(network: &Network) -> PathBuf {
    network.data_of(0).join("enclave.redb")
}

fn refusal_at_start(network: &Network, words: &[&str]) -> Result<String> {
    let (node, data) = (network.node_port().to_string(), network.data_of(0).display().to_string());
    worker_refusal(&node, &data, words)
}

fn first_error(told: &str) -> &str {
    told.lines().find(|line| line.starts_with("error: ")).unwrap_or_default()
}

fn private(folder: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    Ok(fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?)
}

/// Records by name.
type Records = BTreeMap<Vec<u8>, Vec<u8>>;

fn table(name: &str) -> TableDefinition<'_, &'static [u8], &'static [u8]> {
    TableDefinition::new(name)
}

/// All records of a store, by table.
fn tables(path: &Path) -> Result<BTreeMap<String, Records>> {
    let database = Database::open(path)?;
    let transaction = database.begin_read()?;
    let mut tables = BTreeMap::new();
    for handle in transaction.list_tables()? {
        let mut records = Records::new();
        for record in transaction.open_table(table(handle.name()))?.iter()? {
            let (name, value) = record?;
            records.insert(name.value().to_vec(), value.value().to_vec());
        }
        tables.insert(handle.name().to_owned(), records);
    }
    Ok(tables)
}

/// All records of one table.
fn replace(path: &Path, name: &str, records: &Records) -> Result<()> {
    let database = Database::open(path)?;
    let transaction = database.begin_write()?;
    transaction.delete_table(table(name))?;
    let mut open = transaction.open_table(table(name))?;
    for (name, value) in records {
        open.insert(&name[..], &value[..])?;
    }
    drop(open);
    Ok(transaction.commit()?)
}

fn replace_record(path: &Path, name: &str, record: &[u8], value: &[u8]) -> Result<()> {
    let database = Database::open(path)?;
    let transaction = database.begin_write()?;
    transaction.open_table(table(name))?.insert(record, value)?;
    Ok(transaction.commit()?)
}

/// Payments that wait on the thief's chain.
const PAYMENTS: u128 = 100;
/// Operations before the victim's payment.
const EARLIER: usize = 6;
