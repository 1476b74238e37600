// SPDX-License-Identifier: Apache-2.0
//! What operators met: each sequence once, with real processes.

use anyhow::{Context, Result, ensure};
use offstage_e2e::{
    audit::Auditor,
    network::{Network, binary, wait_until},
    stage::play,
};
use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
    time::Duration,
};

/// Runs a program to its end.
fn run(name: &str, arguments: &[&str]) -> Result<Output> {
    Command::new(binary(name)?)
        .args(arguments)
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {name}"))
}

/// Runs `offstage-worker`, which must do it, and gives what it prints.
fn done(arguments: &[&str]) -> Result<String> {
    let output = run("offstage-worker", arguments)?;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "offstage-worker {arguments:?} ended with {}:\n{told}", output.status);
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Runs `offstage-worker`, which must refuse with this code and these words.
fn refused(arguments: &[&str], code: i32, words: &[&str]) -> Result<()> {
    let output = run("offstage-worker", arguments)?;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(
        output.status.code() == Some(code),
        "offstage-worker {arguments:?} ended with {}:\n{told}",
        output.status
    );
    ensure!(output.stdout.is_empty(), "offstage-worker {arguments:?} wrote results");
    for word in words {
        ensure!(told.contains(word), "offstage-worker {arguments:?} says nothing of `{word}`:\n{told}");
    }
    ensure!(!told.contains("panicked"), "{told}");
    Ok(())
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

fn succeed(test: impl FnOnce() -> Result<()>) {
    if let Err(error) = test() {
        panic!("{error:#}");
    }
}

/// `-d typo signing-key` once made a new identity, and a secret that was gone was written anew into an old store.
#[test]
fn what_only_reads_makes_nothing() {
    succeed(|| {
        let parent = tempfile::tempdir()?;
        let (typo, data) = (parent.path().join("typo"), parent.path().join("data"));
        for command in ["signing-key", "shielding-key"] {
            refused(&["-d", text(&typo), command], 1, &["typo", "--data-dir", " init"])?;
        }
        let measurement = done(&["-d", text(&typo), "mrenclave"])?;
        ensure!(offstage_e2e::network::shard()?.to_string() == measurement, "{measurement}");
        ensure!(!typo.exists(), "a look made the folder");

        let account = done(&["-d", text(&data), "init"])?;
        ensure!(done(&["-d", text(&data), "signing-key"])? == account);
        ensure!(done(&["-d", text(&data), "init"])? == account, "a second time makes nothing new");
        refused(&["-d", text(&data), "shielding-key"], 1, &["no shielding key yet"])?;

        let secret = data.join("software-platform.secret");
        let (kept, store) = (fs::read(&secret)?, data.join("enclave.redb"));
        fs::remove_file(&secret)?;
        let before = fs::read(&store)?;
        for command in ["signing-key", "init"] {
            refused(&["-d", text(&data), command], 1, &[text(&secret), "is missing", "backup", "aside-1"])?;
            ensure!(!secret.exists() && fs::read(&store)? == before, "{command} changed the folder");
        }
        fs::write(&secret, kept)?;
        ensure!(done(&["-d", text(&data), "signing-key"])? == account);
        Ok(())
    });
}

/// `http://`, no scheme or a wrong port were once ten seconds of silence.
#[test]
fn a_node_url_that_is_none_is_refused_at_once() {
    succeed(|| {
        for url in ["http://127.0.0.1", "127.0.0.1", "127.0.0.1:9944", "ws://127.0.0.1:x", "ws://"] {
            refused(&["--node-url", url, "run"], 2, &["--node-url", "ws://", "--help"])?;
        }
        Ok(())
    });
}

/// The worker comes before its node, as after a power cut. It once gave up after ten seconds.
#[test]
fn a_worker_waits_for_its_node_and_says_so_once() {
    play(async |network| {
        let worker = network.add_worker()?;
        wait_until("the worker says what it waits for", Duration::from_secs(60), || {
            Ok(network.health(worker).is_ok_and(|health| {
                health["trouble"].as_str().is_some_and(|trouble| trouble.contains("node does not answer"))
            }))
        })?;
        network.start_node()?;
        network.wait_until_initialized(worker)?;
        ensure!(network.health(worker)?["trouble"].is_null());
        let log = fs::read_to_string(network.folder().join("worker1.log"))?;
        let told = log.lines().filter(|line| line.contains("no node answers")).count();
        // A second line after a minute, a third after two.
        ensure!((1..=3).contains(&told), "it is told {told} times:\n{log}");
        Ok(())
    });
}

/// Once the notice named the account in hexadecimal, which the client took for a seed: the money was lost.
#[test]
fn the_notice_about_funds_has_the_command_that_works() {
    play(async |network| {
        network.start_node()?;
        let worker = network.add_worker_without_funds()?;
        let command = notice_about_funds(network, worker)?;
        let words: Vec<&str> = command.split_whitespace().collect();
        ensure!(words.first() == Some(&"offstage"), "{command}");
        let account = *words.get(3).context("no account in the command")?;
        let user = network.user(worker)?;
        user.run(&words[1..])?;
        // A registration may have been paid of it already.
        ensure!(user.public_balance(account)? > 0, "{account} has nothing");
        wait_until("the notice is gone", Duration::from_secs(60), || {
            let health = network.health(worker)?;
            Ok(health["account"] == account
                && health["notice"].as_str().is_none_or(|notice| !notice.contains("no funds")))
        })
    });
}

/// A node that drops states: once a restart of the worker ended it for good, and the log had 146 warnings in 75
/// seconds. That node kept the states of 32 blocks of a second; this one keeps 16 of half a second, so that they are
/// gone soon.
#[test]
fn a_node_that_drops_states_serves_a_restart_and_the_worker_that_comes_too_late_says_once_what_it_lacks() {
    play(async |network| {
        network.set_block_time(500)?;
        network.prune_states(STATES);
        network.start_node()?;
        let worker = network.add_worker()?;
        network.wait_until_initialized(worker)?;
        // The states of genesis and registration are gone; node and worker start again.
        network.wait_for_position(worker, u64::from(3 * STATES))?;
        network.kill_worker(worker);
        network.stop_node();
        network.wait_for_port(worker)?;
        network.start_node()?;
        network.start_worker(worker)?;
        network.wait_until_initialized(worker)?;
        let position = network.health(worker)?["position"].as_u64().context("no position")?;
        network.wait_for_position(worker, position + 5)?;

        // Off for longer than the node keeps states.
        network.kill_worker(worker);
        network.wait_for_port(worker)?;
        let auditor = Auditor::connect(&network.node_url()).await?;
        let gone = auditor.finalized().await? + u64::from(2 * STATES);
        while auditor.finalized().await? < gone {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let log = network.folder().join("worker1.log");
        let before = fs::read_to_string(&log)?.lines().count();
        network.start_worker(worker)?;
        let mut health = serde_json::Value::Null;
        wait_until("the worker says what the node lacks", Duration::from_secs(60), || {
            health = network.health(worker).unwrap_or_default();
            Ok(health["trouble"].as_str().is_some_and(|trouble| trouble.contains("--state-pruning archive")))
        })?;
        ensure!(health["troubleCode"] == "node", "{health:#}");
        // It tries again and again, and repeats itself after a minute at the earliest.
        tokio::time::sleep(Duration::from_secs(5)).await;
        let log = fs::read_to_string(&log)?;
        let told: Vec<&str> = log.lines().skip(before).filter(|line| line.contains("WARN")).collect();
        ensure!(
            told.iter().filter(|line| line.contains("--state-pruning archive")).count() == 1,
            "{told:#?}"
        );
        ensure!(told.len() <= 3, "{told:#?}");
        Ok(())
    });
}

/// A worker's life as its operator sees it: running, stopped, as one file, and back.
#[test]
fn a_data_folder_travels_as_one_file_and_nothing_is_lost_or_overwritten() {
    play(async |network| {
        network.start_node()?;
        let worker = network.add_worker()?;
        network.wait_until_initialized(worker)?;
        let user = network.user(worker)?;
        let shard = user.shard().to_string();
        user.run(&["shield-funds", "//Alice", "//Dora", "7_000_000_000_000", &shard])?;
        let data = network.folder().join("worker1");
        let place = Place::of(network, worker, &data)?;
        while_it_runs(&place, &shard)?;

        network.kill_worker(worker);
        network.wait_for_port(worker)?;
        let folder = network.folder().to_owned();
        let backup = while_it_is_stopped(&place, &folder, &shard)?;
        what_does_not_fit_is_refused(&place, &folder, &backup)?;

        // The folder is lost, and comes back.
        fs::rename(&data, folder.join("lost"))?;
        let told = place.done(&["restore", text(&backup)])?;
        ensure!(told.contains(&format!("shard: {shard}")), "{told}");
        place.refused(&["restore", text(&backup)], 1, &["enclave.redb", "nothing is overwritten"])?;
        network.start_worker(worker)?;
        network.wait_until_initialized(worker)?;
        ensure!(network.user(worker)?.incognito_balance("//Dora")? == 7_000_000_000_000);
        Ok(())
    });
}

/// A worker is taken out, and comes back.
#[test]
fn a_worker_is_taken_out_for_good_and_registers_again_when_it_runs() {
    play(async |network| {
        network.start_node()?;
        let first = network.add_worker()?;
        network.wait_until_initialized(first)?;
        let user = network.user(first)?;
        let place = Place::of(network, first, &network.data_of(first))?;
        let listed = |account: &str| -> Result<bool> {
            let output = user.try_run(&["list-workers"])?;
            ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            Ok(String::from_utf8_lossy(&output.stdout).contains(account))
        };
        place.refused(&["unregister"], 1, &["a worker is running on the data folder"])?;

        // The last one needs to be told so. Its store stays what it is.
        network.kill_worker(first);
        network.wait_for_port(first)?;
        let account = place.done(&["signing-key"])?;
        ensure!(listed(&account)?);
        place.refused(&["unregister"], 1, &["no other worker is known to act", "--last"])?;
        ensure!(listed(&account)?, "it is gone all the same");
        let told = place.done(&["unregister", "--last"])?;
        ensure!(told.contains(&format!("{account} is unregistered")), "{told}");
        ensure!(!listed(&account)?);

        // `run` registers again, with another worker beside it.
        network.start_worker(first)?;
        network.wait_until_initialized(first)?;
        let second = network.add_worker()?;
        network.wait_until_initialized(second)?;
        wait_until("the second worker acts for the shard", Duration::from_secs(120), || {
            let status = place.done(&["status", "--output", "json"])?;
            let status: serde_json::Value = serde_json::from_str(&status)?;
            Ok(status["peers"].as_array().is_some_and(|peers| !peers.is_empty()))
        })?;
        // The status is of the node's best block. The enclave goes by what is final.
        let head = Auditor::connect(&network.node_url()).await?.finalized().await?;
        network.wait_for_position(first, head + 3)?;
        ensure!(listed(&account)?);
        network.kill_worker(first);
        network.wait_for_port(first)?;
        let told = place.done(&["unregister"])?;
        ensure!(told.contains(&format!("{account} is unregistered")), "{told}");
        ensure!(!listed(&account)?);
        let told = place.done(&["unregister"])?;
        ensure!(told.contains("is not registered") && !told.contains("is unregistered"), "{told}");

        network.start_worker(first)?;
        network.wait_until_initialized(first)?;
        ensure!(listed(&account)?);
        // A store that has never seen a chain has nothing to remove.
        let new = network.folder().join("new");
        done(&["-d", text(&new), "init"])?;
        let told = done(&place.with(text(&new), &["unregister"]))?;
        ensure!(told.contains("never followed a chain"), "{told}");
        Ok(())
    });
}

/// The node's process is stopped for a while, as on an overloaded machine: its connection stands and nothing comes.
#[test]
fn a_node_that_is_silent_is_told_as_that_and_takes_no_clients_away() {
    play(async |network| {
        network.start_node()?;
        let worker = network.add_worker()?;
        network.wait_until_initialized(worker)?;
        network.pause_node()?;
        wait_until("the silence is told", Duration::from_secs(120), || {
            let health = network.health(worker)?;
            Ok(health["troubleCode"] == "node-silent")
        })?;
        let health = network.health(worker)?;
        ensure!(
            health["ready"] == true && health["degraded"] == true && health["initialized"] == false,
            "{health:#}"
        );
        ensure!(network.says_yes(worker, "/ready")? && !network.says_yes(worker, "/health")?);
        let before = health["position"].as_u64().context("no position")?;
        network.continue_node()?;
        wait_until("it goes on by itself", Duration::from_secs(120), || {
            let health = network.health(worker)?;
            Ok(health["initialized"] == true
                && health["troubleCode"].is_null()
                && health["position"].as_u64().is_some_and(|position| position > before))
        })
    });
}

/// Where a worker and its node are.
struct Place {
    node: String,
    health: String,
    data: String,
}

impl Place {
    fn of(network: &Network, worker: usize, data: &Path) -> Result<Self> {
        Ok(Self {
            node: network.node_url(),
            health: network.health_port(worker)?.to_string(),
            data: text(data).to_owned(),
        })
    }

    fn with<'a>(&'a self, data: &'a str, arguments: &[&'a str]) -> Vec<&'a str> {
        [&["-u", &self.node, "-d", data, "--untrusted-http-port", &self.health][..], arguments].concat()
    }

    fn done(&self, arguments: &[&str]) -> Result<String> {
        done(&self.with(&self.data, arguments))
    }

    fn refused(&self, arguments: &[&str], code: i32, words: &[&str]) -> Result<()> {
        refused(&self.with(&self.data, arguments), code, words)
    }
}

fn while_it_runs(place: &Place, shard: &str) -> Result<()> {
    let screen = place.done(&["status"])?;
    for words in ["Serving: clients can use it", shard, "UNIT", "counts for 47 h", "others        0 act"] {
        ensure!(screen.contains(words), "the status says nothing of `{words}`:\n{screen}");
    }
    let status: serde_json::Value = serde_json::from_str(&place.done(&["status", "--output", "json"])?)?;
    ensure!(status["running"] == true && status["shard"] == shard, "{status:#}");
    ensure!(status["funds"]["free"].as_str().is_some_and(|free| free.parse::<u128>().is_ok()), "{status:#}");
    // Whoever asks at another port hears of the worker, and not of a damaged folder.
    let elsewhere = ["-d", &place.data, "--untrusted-http-port", "1", "status"];
    refused(&elsewhere, 1, &["a worker is running on the data folder", "--untrusted-http-port"])?;
    for command in [&["signing-key"][..], &["verify-store"], &["backup", "/nowhere/backup"]] {
        place.refused(command, 1, &["a worker is running on the data folder", "status"])?;
    }
    Ok(())
}

/// The backup that was made.
fn while_it_is_stopped(place: &Place, folder: &Path, shard: &str) -> Result<std::path::PathBuf> {
    let output = run("offstage-worker", &place.with(&place.data, &["status"]))?;
    let screen = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.code() == Some(1), "{}", output.status);
    ensure!(
        screen.contains("does not run") && screen.contains(shard) && screen.contains("position"),
        "{screen}"
    );

    let report = place.done(&["verify-store"])?;
    ensure!(report.ends_with("every record is intact") && report.contains(shard), "{report}");
    let lines = place.done(&["preflight"])?;
    for words in
        ["ok    node", "ok    finality", "ok    store", "ok    funds", "ok    measurement", "ok    ports"]
    {
        ensure!(lines.contains(words), "the preflight says nothing of `{words}`:\n{lines}");
    }
    let output = run("offstage-worker", &["-u", "ws://127.0.0.1:1", "-d", &place.data, "preflight"])?;
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.code() == Some(1) && lines.contains("fail  node"), "{lines}");

    let backup = folder.join("worker1.backup");
    let told = place.done(&["backup", text(&backup)])?;
    ensure!(told.contains(&format!("shard: {shard}")), "{told}");
    place.refused(&["backup", text(&backup)], 1, &["is there already", "nothing is overwritten"])?;
    Ok(backup)
}

/// Each with one clear line, and no folder that could be taken for a worker's.
fn what_does_not_fit_is_refused(place: &Place, folder: &Path, backup: &Path) -> Result<()> {
    let new = folder.join("new");
    let (new_text, good) = (text(&new), fs::read(backup)?);
    let mut altered = good.clone();
    let middle = altered.len() / 2;
    altered[middle] ^= 1;
    let damaged = folder.join("damaged.backup");
    for bytes in [&altered[..], &good[..good.len() - 1], &good[..100], b"no backup at all"] {
        fs::write(&damaged, bytes)?;
        // Whether or not there is a node.
        let without_node = ["-u", "ws://127.0.0.1:1", "-d", new_text, "restore", text(&damaged)];
        refused(&without_node, 1, &[text(&damaged), "backup"])?;
        refused(&place.with(new_text, &["restore", text(&damaged)]), 1, &[text(&damaged), "backup"])?;
        ensure!(!new.join("enclave.redb").exists() && !new.join("software-platform.secret").exists());
    }
    let other_chain = format!("0x{}", "ab".repeat(32));
    let of_another_chain = ["restore", text(backup), "--genesis", &other_chain];
    refused(&place.with(new_text, &of_another_chain), 1, &["genesis", "--node-url"])?;
    // A byte more makes another program of it.
    let other_enclave = folder.join("other-enclave");
    fs::copy(binary("offstage-enclave")?, &other_enclave)?;
    std::io::Write::write_all(&mut fs::OpenOptions::new().append(true).open(&other_enclave)?, b"!")?;
    let with_other = ["--enclave", text(&other_enclave), "restore", text(backup)];
    refused(&place.with(new_text, &with_other), 1, &["measurement", "--enclave"])?;

    // Every byte that is altered is in some record, or in the file's structure.
    let copy = folder.join("copy");
    fs::create_dir(&copy)?;
    for name in ["enclave.redb", "software-platform.secret"] {
        fs::copy(Path::new(&place.data).join(name), copy.join(name))?;
    }
    let mut store = fs::read(copy.join("enclave.redb"))?;
    store.iter_mut().skip(4096).step_by(512).for_each(|byte| *byte ^= 1);
    fs::write(copy.join("enclave.redb"), store)?;
    refused(&place.with(text(&copy), &["verify-store"]), 1, &["store"])
}

/// The command in the worker's notice about its account.
fn notice_about_funds(network: &Network, worker: usize) -> Result<String> {
    let mut command = None;
    wait_until("the worker says that it has no funds", Duration::from_secs(120), || {
        let notice =
            network.health(worker).ok().and_then(|health| Some(health["notice"].as_str()?.to_owned()));
        command = notice
            .filter(|notice| notice.contains("no funds"))
            .and_then(|notice| Some(notice.split_once('`')?.1.split_once('`')?.0.to_owned()));
        Ok(command.is_some())
    })?;
    command.context("no command in the notice")
}

/// How many states the node keeps that drops them.
const STATES: u32 = 16;
