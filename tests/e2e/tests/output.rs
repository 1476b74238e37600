// SPDX-License-Identifier: Apache-2.0
//! `--output json`: each command prints JSON and nothing else to stdout.

use anyhow::{Context, Result, ensure};
use offstage_e2e::{network::binary, stage::play, user::User, workspace::root};
use serde_json::Value;
use std::process::Command;

#[test]
fn each_command_prints_json() {
    play(async |network| {
        network.start_node()?;
        network.add_worker()?;
        network.wait_until_initialized(0)?;
        let user = network.user(0)?;
        let operation =
            json(&user, &format!("shield-funds //Alice //Alice 50_000_000_000 {}", user.shard()))?;
        let operation = operation[0]["operation"].as_str().context("it has a hash")?.to_owned();
        ensure!(json(&user, "trusted balance //Alice")? == [50_000_000_000u64], "a number is a number");
        let words = [("<operation>", operation), ("<shard>", user.shard().to_string())];
        for line in LINES {
            let line = words.iter().fold((*line).to_owned(), |line, (word, value)| line.replace(word, value));
            ensure!(!json(&user, &line)?.is_empty(), "`offstage {line}` prints nothing");
        }
        Ok(())
    });
}

/// A new command belongs into [`LINES`], or into [`NOTHING`] when it prints nothing.
#[test]
fn no_command_is_left_out() {
    let mut all = Vec::new();
    for parent in ["", "trusted", "profile"] {
        let commands = commands_below(parent).expect("`offstage --help` lists commands");
        assert!(!commands.is_empty(), "{parent}");
        all.extend(commands.into_iter().map(|command| format!("{parent} {command}").trim().to_owned()));
    }
    let covered = |command: &String| {
        let is_of = |line: &&str| **line == **command || line.starts_with(&format!("{command} "));
        LINES.iter().chain(NOTHING).any(is_of)
    };
    let missing: Vec<_> = all.into_iter().filter(|command| !covered(command)).collect();
    assert!(missing.is_empty(), "neither in LINES nor in NOTHING: {missing:?}");
}

/// Each line of stdout, which must be JSON.
fn json(user: &User, line: &str) -> Result<Vec<Value>> {
    let root = root().canonicalize()?;
    let line = line.replace("<sdk>", root.to_str().context("a path")?);
    let words: Vec<&str> = line.split_whitespace().chain(["--output", "json"]).collect();
    let output = user.try_run(&words)?;
    let stdout = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "`offstage {line}`: {}", String::from_utf8_lossy(&output.stderr));
    let lines = stdout.lines().map(|printed| serde_json::from_str(printed).context(printed.to_owned()));
    lines.collect::<Result<_>>().with_context(|| format!("`offstage {line}` prints no JSON"))
}

/// What the help lists below `Commands:`.
fn commands_below(parent: &str) -> Result<Vec<String>> {
    let output = Command::new(binary("offstage")?).args(parent.split_whitespace()).arg("--help").output()?;
    let help = String::from_utf8_lossy(&output.stdout).into_owned();
    let (_, list) = help.split_once("\nCommands:\n").context("no commands")?;
    let lines = list.lines().take_while(|line| !line.is_empty());
    // What goes on with a description is farther right.
    let names = lines.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    Ok(names.filter(|name| !["", "help"].contains(name)).map(str::to_owned).collect())
}

const LINES: &[&str] = &[
    "balance //Alice",
    "new-account",
    "list-accounts",
    "print-metadata",
    "print-sgx-metadata",
    "faucet //Bob",
    "transfer //Alice //Bob 1_000_000_000",
    "list-workers",
    "list-shards",
    "listen --exit-after 2",
    "shield-funds //Alice //Alice 50_000_000_000 <shard>",
    "trusted new-account",
    "trusted list-accounts",
    "trusted transfer //Alice //Bob 1_000_000_000",
    "trusted balance //Alice",
    "trusted nonce //Alice",
    "trusted set-balance //Charlie 5",
    "trusted unshield-funds //Alice //Bob 10_000_000_000",
    "trusted get-fingerprint",
    "trusted get-shard",
    "trusted get-shard-info",
    "trusted get-parentchains-info",
    "trusted version",
    "trusted get-receipt <operation>",
    "trusted result <operation>",
    "trusted history //Alice",
    "trusted call Balances.transfer_allow_death //Bob 1_000",
    "trusted query System.Account //Alice",
    "trusted query Balances.TotalIssuance",
    "trusted constants",
    "trusted metadata",
    "profile add p --shard <shard> --genesis 0x0101010101010101010101010101010101010101010101010101010101010101",
    "profile list",
    "profile show p",
    "trust q --yes",
    "new a-new-one --sdk <sdk>",
    "completions bash",
];

/// Commands that print nothing, or that another test runs.
const NOTHING: &[&str] = &[
    "profile remove",
    // They ask for a secret, and print an address as `new-account` does.
    "import",
    "trusted import",
    // The template has no view function; tests/examples.rs asks those of others.
    "trusted view",
    // They hold commands.
    "trusted",
    "profile",
    // tests/dev.rs.
    "dev",
];
