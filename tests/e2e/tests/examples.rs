// SPDX-License-Identifier: Apache-2.0
//! Each example, and each template of `offstage new`, as its author shows it: an enclave of its own, a network by
//! `offstage dev --once`, and on it what the example's `devnet.sh` does and expects.

use anyhow::{Context, Result, ensure};
use offstage_e2e::{network::binary, workspace::root};
use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// A network with the enclave that cargo built beside this test, and a command that is run on it.
fn dev(enclave: &str, options: &[&str], command: &[&str]) -> Result<Output> {
    let folder = tempfile::tempdir()?;
    let bin = binary("offstage")?;
    let mut dev = Command::new(&bin);
    dev.args(["--timeout", "300", "dev", "--enclave"])
        .arg(built(enclave)?)
        .args(options)
        .arg("--once")
        .args(command)
        .current_dir(folder.path())
        .env("XDG_CONFIG_HOME", folder.path().join("config"))
        .env("XDG_DATA_HOME", folder.path().join("data"));
    dev.output().with_context(|| format!("cannot run {}", bin.display()))
}

/// A program of the workspace that `make` installs nowhere.
fn built(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let folder =
        own.parent().and_then(Path::parent).context("cargo puts tests into a folder of the programs'")?;
    let path = folder.join(name);
    ensure!(path.is_file(), "there is no {}: run `make` first", path.display());
    Ok(path)
}

/// What `devnet.sh` in `folder` prints last, on a network with `enclave`.
fn play(folder: &str, enclave: &str) -> String {
    let script = root().join(folder).join("devnet.sh").canonicalize().expect("a script");
    let output = dev(enclave, &[], &[script.to_str().expect("a path")]).expect("offstage runs");
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{folder}: {}\n{stdout}\n{stderr}", output.status);
    stdout.lines().last().unwrap_or_default().to_owned()
}

#[test]
fn an_auction_is_won_at_the_second_price_and_nobody_sees_a_bid() {
    assert!(play("examples/auction", "auction-enclave").ends_with(",30000000000]"));
}

#[test]
fn a_ballot_is_counted_and_nobody_sees_a_vote() {
    assert_eq!(play("examples/ballot", "ballot-enclave"), "one said yes, one no, one nothing");
}

#[test]
fn assets_change_hands_and_nobody_sees_anothers() {
    assert_eq!(play("examples/private-assets", "private-assets-enclave"), "700 and 300");
}

#[test]
fn pledges_are_paid_at_once_when_the_parentchain_shows_that_the_goal_is_reached() {
    assert_eq!(play("examples/pledge", "pledge-enclave"), "30000000000 went to the cause at once");
}

#[test]
fn what_a_new_crate_begins_with_works_on_a_network() {
    assert_eq!(play("templates/empty", "empty-enclave"), "the sum is 42");
    assert_eq!(play("templates/balances", "offstage-enclave"), "44000000000 is in the shard");
}

/// Two workers serve the shard, and the command is told of both. What it ends with is what `offstage` ends with.
#[test]
fn the_command_knows_each_worker_and_its_exit_code_is_passed_on() {
    let ask_each = "set -e; for url in $OFFSTAGE_WORKER_URLS; do \
                    OFFSTAGE_WORKER_URL=$url offstage trusted view Counter.room; done; exit 42";
    let output = dev("empty-enclave", &["--workers", "2"], &["sh", "-c", ask_each]).expect("offstage runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(42), "{stderr}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "4294967295\n4294967295\n", "{stderr}");
    let output = dev("empty-enclave", &["--workers", "1"], &["no-such-program"]).expect("offstage runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("error: cannot start no-such-program: "), "{stderr}");
}
