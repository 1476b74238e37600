// SPDX-License-Identifier: Apache-2.0
//! What users get wrong: each case ends with a clear message that says what to do and an exit code that is not zero; no
//! panic, no stack trace, and nothing is lost.

use anyhow::{Context, Result, ensure};
use offstage_devnet::process::Process;
use offstage_e2e::{
    network::{Network, binary, wait_until},
    ports::free_ports,
    refusal::{WORKER_PORT_FLAGS, refused, worker_refused, worker_run},
    stage::play,
};
use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

fn succeed(test: impl FnOnce() -> Result<()>) {
    if let Err(error) = test() {
        panic!("{error:#}");
    }
}

#[test]
fn wrong_flags_commands_and_values_are_explained() {
    succeed(|| {
        for name in ["offstage", "offstage-worker", "offstage-node", "offstage-enclave"] {
            refused(name, &["--nonsense"], 2, &["--nonsense", "--help"])?;
        }
        refused("offstage-enclave", &[], 2, &["--socket", "--data-dir"])?;
        refused("offstage-worker", &["run", "--clean-rest"], 2, &["--clean-reset"])?;
        refused("offstage", &["balanc", "//Alice"], 2, &["balance"])?;
        refused("offstage", &["-p", "port", "balance", "//Alice"], 2, &["--node-port"])?;
        for (amount, word) in [("5x", "whole numbers"), ("-5", "negative"), (TOO_MUCH, "2^128")] {
            refused("offstage", &["transfer", "//Alice", "//Bob", "--", amount], 2, &[word])?;
        }
        refused("offstage", &["transfer", "//Alice", "5FakeAddress", "5"], 2, &["//Alice"])?;
        // Bob's public key, and his address.
        let public = "0x8eaf04151687736326c9fea17e25fc5287613693c912909cb226aa4794f26a48";
        let both = ["5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty", "public key", "seed"];
        for command in [
            &["transfer", "//Alice", public, "5"][..],
            &["faucet", public],
            &["balance", public],
            &["shield-funds", "//Alice", public, "5", SHARD],
            &["trusted", "-s", SHARD, "transfer", "//Alice", public, "5"],
            &["trusted", "-s", SHARD, "unshield-funds", "//Alice", public, "5"],
            &["trusted", "-s", SHARD, "set-balance", public, "5"],
        ] {
            refused("offstage", command, 2, &both)?;
        }
        refused("offstage", &["shield-funds", "//Alice", "//Bob", "5", "shard"], 2, &["base58"])?;
        refused("offstage", &["trusted", "--mrenclave", "x", "get-shard"], 2, &["base58"])?;
        refused("offstage", &["trusted", "get-receipt", "0x12"], 2, &["64 hexadecimal digits"])?;
        refused(
            "offstage",
            &["trusted", "balance", "//Alice"],
            2,
            &["no shard", "--shard", "offstage trust"],
        )?;
        refused("offstage", &["--profile", "no-such", "list-workers"], 2, &["no-such", "profile list"])?;
        refused(
            "offstage-node",
            &["--chain", "/nowhere.json"],
            1,
            &["/nowhere.json", "chain specification"],
        )?;
        refused("offstage-worker", &["--enclave", "/nowhere", "run"], 1, &["/nowhere", "make"])?;
        refused("offstage-worker", &["--data-dir", "/proc/nowhere", "run"], 1, &["--data-dir"])
    });
}

/// Whoever starts a service sends its messages to a file, and that file's disk fills up like any other.
#[test]
fn what_cannot_write_its_messages_ends_with_the_same_code() {
    succeed(|| {
        let [port] = free_ports()?;
        let port = port.to_string();
        let folder = tempfile::tempdir()?;
        let data = folder.path().display().to_string();
        let ports = free_ports()?.map(|port| port.to_string());
        let run = worker_run(&port, &data, &ports);
        let cases: &[(&str, &[&str], i32)] = &[
            ("offstage", &["--nonsense"], 2),
            ("offstage-worker", &["--nonsense"], 2),
            ("offstage-node", &["--nonsense"], 2),
            ("offstage-enclave", &["--nonsense"], 2),
            ("offstage", &["-p", &port, "balance", "//Alice"], 1),
            ("offstage-worker", &run, 1),
            ("offstage-node", &["--chain", "/nowhere.json"], 1),
            ("offstage-enclave", &["--socket", "/nowhere", "--data-dir", &data], 1),
            ("offstage-worker", &["-d", &data, "mrenclave"], 1),
        ];
        for (name, arguments, code) in cases {
            let full = || fs::File::options().write(true).open("/dev/full").context("no /dev/full here");
            let status = Command::new(binary(name)?)
                .args(*arguments)
                .env("RUST_LOG", "trace")
                .stdin(Stdio::null())
                .stdout(full()?)
                .stderr(full()?)
                .status()?;
            ensure!(status.code() == Some(*code), "{name} {arguments:?} ended with {status}");
        }
        Ok(())
    });
}

#[test]
fn an_unreachable_node_is_named_with_the_flags_that_help() {
    succeed(|| {
        let [port] = free_ports()?;
        let port = port.to_string();
        refused("offstage", &["-p", &port, "balance", "//Alice"], 1, &[&port, "--node-port"])?;
        let folder = tempfile::tempdir()?;
        let data = folder.path().display().to_string();
        worker_refused(&port, &data, &[&port, "--node-port"])
    });
}

#[test]
fn a_full_disk_ends_a_worker_with_the_reason_and_loses_nothing() {
    play(async |network| {
        network.start_node()?;
        let first = network.add_worker()?;
        network.wait_until_initialized(first)?;
        let user = network.user(first)?;
        let shard = user.trusted(&["get-shard"])?;
        user.run(&["shield-funds", "//Alice", "//Dora", "7_000_000_000_000", &shard])?;

        // Enough to make the store, and too little to follow the chain.
        let second = network.add_worker_with_room(80)?;
        let told = network.wait_until_ended(second)?;
        for words in ["check the disk and its free space", "the last committed block is safe"] {
            ensure!(told.contains(words), "the worker says nothing of `{words}`:\n{told}");
        }
        ensure!(!told.contains("panicked") && !told.contains("bug"), "{told}");
        network.start_worker(second)?;
        network.wait_until_initialized(second)?;
        ensure!(network.user(second)?.incognito_balance("//Dora")? == 7_000_000_000_000);
        Ok(())
    });
}

#[test]
fn taken_ports_other_chains_damaged_stores_and_unknown_accounts_lose_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    succeed(|| {
        let mut network = Network::new(folder.path())?;
        network.start_node()?;
        network.add_worker()?;
        network.wait_until_initialized(0)?;
        let user = network.user(0)?;
        let shard = user.trusted(&["get-shard"])?;
        user.run(&["shield-funds", "//Alice", "//Dora", "7_000_000_000_000", &shard])?;
        accounts(&network)?;

        network.kill_worker(0);
        network.wait_for_port(0)?;
        let store = folder.path().join("worker1/enclave.redb");
        let good = fs::read(&store)?;
        taken_ports(&network, folder.path())?;
        damaged_stores(&network, folder.path(), &good)?;
        other_chain(folder.path())?;

        fs::write(&store, &good)?;
        network.start_worker(0)?;
        network.wait_until_initialized(0)?;
        ensure!(network.user(0)?.incognito_balance("//Dora")? == 7_000_000_000_000);
        Ok(())
    });
}

fn accounts(network: &Network) -> Result<()> {
    let node = network.node_port().to_string();
    let unknown = "5DAAnrj7VHTznn2AWBemMuyBwZWs6FNFjdyVXUeYum3PTXFy";
    refused("offstage", &["-p", &node, "transfer", unknown, "//Bob", "5"], 1, &[unknown, "new-account"])?;
    refused("offstage", &["-p", &node, "transfer", "//Nobody", "//Bob", "5"], 1, &["fund it"])
}

/// Each port of the worker in turn is somebody else's.
fn taken_ports(network: &Network, folder: &Path) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let taken = listener.local_addr()?.port().to_string();
    let node = network.node_port().to_string();
    let data = folder.join("worker1").display().to_string();
    for index in 0..WORKER_PORT_FLAGS.len() {
        let mut ports = free_ports()?.map(|port| port.to_string());
        ports[index].clone_from(&taken);
        refused(
            "offstage-worker",
            &worker_run(&node, &data, &ports),
            1,
            &[&taken, WORKER_PORT_FLAGS[index]],
        )?;
    }
    refused("offstage-node", &["--dev", "--no-prometheus", "--rpc-port", &node], 1, &[&node, "--rpc-port"])
}

fn damaged_stores(network: &Network, folder: &Path, good: &[u8]) -> Result<()> {
    let node = network.node_port().to_string();
    let data = folder.join("worker1");
    let cut = good.get(..good.len() / 2).context("a store")?;
    let overwritten: Vec<u8> = b"no store".iter().chain(good.iter().skip(8)).copied().collect();
    for damaged in [cut, &overwritten] {
        fs::write(data.join("enclave.redb"), damaged)?;
        let data = data.display().to_string();
        worker_refused(&node, &data, &["store", "data folder"])?;
    }
    fs::write(data.join("enclave.redb"), good)?;
    Ok(())
}

/// A store of one chain is not used on another.
fn other_chain(folder: &Path) -> Result<()> {
    let [rpc, peer] = free_ports()?;
    let mut command = Command::new(binary("offstage-node")?);
    command
        .args(["--chain", "local", "--alice", "--no-prometheus", "--no-mdns", "--no-telemetry"])
        .args(["--rpc-port", &rpc.to_string(), "--port", &peer.to_string(), "--base-path"])
        .arg(folder.join("other-chain"));
    let mut node = Process::start("the other node", command, &folder.join("other-node.log"))?;
    wait_until("the other node answers", Duration::from_secs(120), || {
        node.require_alive()?;
        Ok(TcpStream::connect(("127.0.0.1", rpc)).is_ok())
    })?;
    let data = folder.join("worker1").display().to_string();
    worker_refused(&rpc.to_string(), &data, &["genesis", "that chain"])
}

/// A shard that nobody serves.
const SHARD: &str = "8weGnjvG3nh6UzoYjqaTjpWjX1ouNPioA1K5134DJc5j";

/// One more than a chain can hold.
const TOO_MUCH: &str = "340282366920938463463374607431768211456";
