// SPDX-License-Identifier: Apache-2.0
//! `make demo`, stopped in the middle: with Ctrl-C, by closing its terminal, and with `kill`.

use anyhow::{Context, Result, ensure};
use offstage_e2e::network::wait_until;
use std::{
    io::{BufRead, BufReader, Read},
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

#[test]
fn an_interrupted_demo_says_so_and_leaves_no_process_behind() {
    // A terminal signals all of its processes, `kill` one.
    for (signal, to_all) in [("INT", true), ("HUP", true), ("TERM", false)] {
        if let Err(error) = interrupt(signal, to_all) {
            panic!("SIG{signal}: {error:#}");
        }
    }
}

fn interrupt(signal: &str, to_all: bool) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut demo = Command::new(env!("CARGO_BIN_EXE_offstage-demo"))
        .arg(folder.path())
        .env("XDG_CONFIG_HOME", folder.path().join("config"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()?;
    let mut lines = BufReader::new(demo.stdout.take().context("no stdout")?).lines();
    while !lines.next().context("the demo ended before worker 2 was started")??.contains("starting worker 2")
    {
    }
    let running = processes_with(folder.path())?;
    ensure!(running >= 4, "demo, node, host and enclave run, but there are {running} processes");

    let whom = if to_all { format!("-{}", demo.id()) } else { demo.id().to_string() };
    ensure!(
        Command::new("kill").args(["-s", signal, "--", &whom]).status()?.success(),
        "cannot signal the demo"
    );
    let rest = lines.collect::<Result<Vec<_>, _>>()?.join("\n");
    let mut told = String::new();
    demo.stderr.take().context("no stderr")?.read_to_string(&mut told)?;
    ensure!(demo.wait()?.code() == Some(1), "the demo ended as if nothing had happened:\n{rest}\n{told}");
    ensure!(told.contains("interrupted"), "the demo says nothing of it:\n{told}");
    ensure!(!rest.contains("demo passed"), "{rest}");
    wait_until("its processes are gone", PATIENCE, || Ok(processes_with(folder.path())? == 0))
}

/// How many processes have the folder in their command line, as all do that the demo starts.
fn processes_with(folder: &Path) -> Result<usize> {
    let folder = folder.to_str().context("the folder's name is no text")?;
    let processes = std::fs::read_dir("/proc")?.flatten();
    let command_lines = processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
    Ok(command_lines.filter(|line| String::from_utf8_lossy(line).contains(folder)).count())
}

const PATIENCE: Duration = Duration::from_secs(30);
