// SPDX-License-Identifier: Apache-2.0
//! `scripts/local-network.sh`, as an operator runs it: the manual's page on a network of one's own, executed.

use anyhow::{Context, Result, ensure};
use offstage_devnet::process::Process;
use offstage_e2e::{
    network::{binary, shard, wait_until},
    ports::free_ports,
    workspace::root,
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::Duration,
};

/// The network goes on when one validator of four is killed, takes it back, and leaves nothing behind.
#[test]
#[ignore = "eight processes on one machine, for a minute or two: `make attacks`"]
fn a_network_of_four_validators_and_two_workers_outlives_one_validator() {
    play(Size { validators: 4, workers: 2 }, |script| {
        let mut network = script.start_in_foreground()?;
        let account = script.account()?;
        script.done(&["client", "shield-funds", &account, "//Dora", "7_000_000_000"])?;
        ensure!(script.balance("worker1")? == "7000000000", "worker 1 reads something else");

        script.kill("validator4")?;
        ensure!(script.status_of("validator4")? == "does not run");
        let before = script.final_block("archive1")?;
        wait_until("finality goes on without one validator", PATIENCE, || {
            Ok(script.final_block("archive2")? > before + 3)
        })?;
        // Operations as well, and the second worker executes them.
        script.done(&["client", "shield-funds", &account, "//Dora", "1_000_000_000"])?;
        wait_until("worker 2 has executed it, too", PATIENCE, || {
            Ok(script.balance("worker2")? == "8000000000")
        })?;

        // What was killed comes back, and nothing else is touched.
        let worker = script.process("worker1")?;
        script.done(&["start", "--detach"])?;
        ensure!(script.status_of("validator4")?.starts_with("block "), "{}", script.done(&["status"])?);
        ensure!(script.process("worker1")? == worker, "a worker that ran was started again");

        interrupt(&network)?;
        wait_until("the script ends", PATIENCE, || Ok(network.ended().is_some()))?;
        ensure!(network.ended().and_then(|status| status.code()) == Some(130), "{:?}", network.ended());
        script.require_nothing_runs()
    });
}

/// The short form: a network that was stopped goes on with the same chain and the same accounts.
#[test]
fn a_network_that_was_stopped_goes_on_where_it_was() {
    play(Size { validators: 2, workers: 1 }, |script| {
        let told = script.done(&["start", "--detach"])?;
        ensure!(told.contains("the network runs") && told.contains("wss://127.0.0.1:"), "{told}");
        let account = script.account()?;
        script.done(&["client", "shield-funds", &account, "//Dora", "7_000_000_000"])?;
        script.done(&["stop"])?;
        script.require_nothing_runs()?;
        ensure!(script.status_of("worker1")? == "does not run");
        script.refused(&["start", "--validators", "3"], 1, &["--validators 2", "--folder"])?;

        script.done(&["start", "--detach"])?;
        ensure!(script.balance("worker1")? == "7000000000", "the worker lost the account");
        script.done(&["stop", "worker1"])?;
        ensure!(script.status_of("worker1")? == "does not run");
        ensure!(script.status_of("validator1")?.starts_with("block "));
        ensure!(script.done(&["logs", "worker1"])?.lines().all(|line| line.starts_with("worker1: ")));
        script.done(&["stop"])?;
        script.require_nothing_runs()
    });
}

/// Each with one line that says what to do, and nothing is made.
#[test]
fn what_is_wrong_is_said_and_nothing_is_made() {
    play(Size { validators: 1, workers: 1 }, |script| {
        for (arguments, words) in [
            (&["start", "--validators", "0"][..], "from 1 to 20"),
            (&["start", "--block-time", "soon"], "from 200 to 60000"),
            (&["start", "--folder"], "needs a value"),
            (&["start", "--fast"], "unknown option --fast"),
            (&["start", "worker1"], "takes no names"),
            (&["begin"], "unknown command `begin`"),
            (&[], "no command"),
        ] {
            script.refused(arguments, 2, &[words, "--help"])?;
        }
        for command in ["status", "stop", "logs", "client"] {
            script.refused(&[command], 1, &["there is no network in", "--folder"])?;
        }
        let taken = std::net::TcpListener::bind(("127.0.0.1", script.first_port + 4))?;
        script.refused(&["start"], 1, &[&(script.first_port + 4).to_string(), "archive1", "--first-port"])?;
        drop(taken);
        let output = script.command(&["start"]).env("OFFSTAGE_BIN", "/nowhere").output()?;
        ensure!(output.status.code() == Some(1), "{}", output.status);
        ensure!(String::from_utf8_lossy(&output.stderr).contains("run `make build` first"), "{output:?}");
        ensure!(!script.folder.exists(), "something was made");

        fs::create_dir(&script.folder)?;
        fs::write(script.folder.join("letter"), "of somebody")?;
        script.refused(&["start"], 1, &["is no network's", "--folder"])?;
        ensure!(fs::read_dir(&script.folder)?.count() == 1, "a foreign folder was changed");
        let help = script.done(&["--help"])?;
        ensure!(help.contains("What start does") && help.contains("Examples:"), "{help}");
        Ok(())
    });
}

/// What the manual's pages for operators tell to type has no flag or command that the programs do not know.
#[test]
fn the_programs_know_what_the_manual_tells_to_type() {
    let pages = ["network.md", "operating.md", "runbook.md", "performance.md"];
    let shard = shard().expect("an enclave").to_string();
    let mut typed = 0;
    for page in pages {
        let text = fs::read_to_string(root().join("docs/src").join(page)).expect("a page");
        for line in commands(&text) {
            let mut words = line.split_whitespace().take_while(|word| ![">", "|", "2>"].contains(word));
            let program = match words.next() {
                Some("scripts/local-network.sh") => root().join("scripts/local-network.sh"),
                Some(name) => binary(name.trim_start_matches("/usr/local/bin/")).expect("a program"),
                None => continue,
            };
            // Whoever asks for help is refused all the same for what stands before and is unknown.
            let words = words.take_while(|word| *word != "client").map(|word| match word {
                "<shard>" | "<base58>" => shard.clone(),
                "<genesis>" => format!("0x{}", "11".repeat(32)),
                word => word.to_owned(),
            });
            let output = Command::new(program).args(words).arg("--help").output().expect("the program runs");
            let told = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{page}: `{line}` ended with {}: {told}", output.status);
            typed += 1;
        }
    }
    assert!(typed > 30, "only {typed} commands were found");
}

/// The lines of code blocks that run our programs, those of a unit of systemd included.
fn commands(page: &str) -> Vec<String> {
    let page = page.replace("\\\n", " ");
    let mut is_code = false;
    let mut found = Vec::new();
    for line in page.lines() {
        if line.starts_with("```") {
            is_code = !is_code;
        }
        let line = line.trim_start_matches("ExecStart=");
        let is_ours = ["offstage ", "offstage-", "/usr/local/bin/offstage-", "scripts/local-network.sh"];
        if is_code && is_ours.iter().any(|start| line.starts_with(start)) {
            found.push(line.to_owned());
        }
    }
    found
}

struct Size {
    validators: u16,
    workers: u16,
}

/// The script with a folder and ports of its own. Dropping it stops what still runs.
struct Script {
    parent: tempfile::TempDir,
    folder: PathBuf,
    size: Size,
    first_port: u16,
}

fn play(size: Size, story: impl FnOnce(&Script) -> Result<()>) {
    let parent = tempfile::Builder::new().prefix("offstage-e2e-").tempdir().expect("a folder");
    let first_port = ports_in_a_row(4 * (size.validators + 2 * size.workers)).expect("free ports");
    let mut script = Script { folder: parent.path().join("network"), parent, size, first_port };
    let outcome = story(&script);
    let _ = script.command(&["stop"]).output();
    if let Err(error) = outcome {
        script.parent.disable_cleanup(true);
        panic!("{error:#}\nthe logs are kept in {}", script.folder.display());
    }
}

/// The first of so many free ports without a gap.
fn ports_in_a_row(count: u16) -> Result<u16> {
    let [mut first] = free_ports::<1>()?;
    let mut next = first + 1;
    while next < first + count {
        let [port] = free_ports::<1>()?;
        if port != next {
            first = port;
        }
        next = port + 1;
    }
    Ok(first)
}

impl Script {
    fn command(&self, arguments: &[&str]) -> Command {
        let starts = matches!(arguments, ["start"] | ["start", "--detach"]);
        let mut command = Command::new(root().join("scripts/local-network.sh"));
        command
            .arg("--folder")
            .arg(&self.folder)
            .args(arguments)
            .env("OFFSTAGE_BIN", binary("offstage-node").map_or_else(|_| PathBuf::new(), parent_of))
            .env("NO_COLOR", "1")
            .stdin(Stdio::null());
        if starts && !self.folder.exists() {
            command
                .args(["--first-port", &self.first_port.to_string(), "--block-time", "500"])
                .args(["--validators", &self.size.validators.to_string()])
                .args(["--workers", &self.size.workers.to_string()]);
        }
        command
    }

    fn run(&self, arguments: &[&str]) -> Result<Output> {
        self.command(arguments).output().context("cannot run scripts/local-network.sh")
    }

    fn done(&self, arguments: &[&str]) -> Result<String> {
        let output = self.run(arguments)?;
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(output.status.success(), "{arguments:?} ended with {}:\n{told}", output.status);
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    fn refused(&self, arguments: &[&str], code: i32, words: &[&str]) -> Result<()> {
        let output = self.run(arguments)?;
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(output.status.code() == Some(code), "{arguments:?} ended with {}:\n{told}", output.status);
        ensure!(told.lines().count() == 1 && told.starts_with("error: "), "{arguments:?}:\n{told}");
        for word in words {
            ensure!(told.contains(word), "{arguments:?} says nothing of `{word}`:\n{told}");
        }
        Ok(())
    }

    /// Starts the network as in a terminal, and waits until it runs.
    fn start_in_foreground(&self) -> Result<Process> {
        let log = self.parent.path().join("script.log");
        let mut process = Process::start("scripts/local-network.sh", self.command(&["start"]), &log)?;
        wait_until("the network runs", Duration::from_secs(300), || {
            process.require_alive()?;
            Ok(fs::read_to_string(&log)?.contains("Ctrl-C stops it"))
        })
        .with_context(|| fs::read_to_string(&log).unwrap_or_default())?;
        Ok(process)
    }

    fn account(&self) -> Result<String> {
        Ok(fs::read_to_string(self.folder.join("operator/account"))?.trim().to_owned())
    }

    /// What a worker tells Dora of her account.
    fn balance(&self, worker: &str) -> Result<String> {
        let place =
            self.size.validators + self.size.workers + worker.trim_start_matches("worker").parse::<u16>()?
                - 1;
        let port = (self.first_port + 4 * place).to_string();
        self.done(&["client", "-P", &port, "trusted", "balance", "//Dora"])
    }

    /// What `status` says of a process.
    fn status_of(&self, name: &str) -> Result<String> {
        let status = self.done(&["status"])?;
        let line = status.lines().find_map(|line| line.strip_prefix(name)).context("no such line")?;
        Ok(line.trim().to_owned())
    }

    fn final_block(&self, node: &str) -> Result<u32> {
        let line = self.status_of(node)?;
        let number =
            line.split_once("final ").and_then(|(_, rest)| rest.split_once(',')).context(line.clone())?.0;
        number.parse().context(line)
    }

    fn process(&self, name: &str) -> Result<String> {
        Ok(fs::read_to_string(self.folder.join("run").join(name))?)
    }

    /// As the out-of-memory killer would.
    fn kill(&self, name: &str) -> Result<()> {
        let sent = Command::new("kill").args(["-KILL", &self.process(name)?]).status()?;
        ensure!(sent.success(), "cannot kill {name}");
        wait_until("it is gone", PATIENCE, || Ok(self.status_of(name)? == "does not run"))
    }

    /// Whether no process works on the network's folder any more, and its ports are free.
    fn require_nothing_runs(&self) -> Result<()> {
        let folder = self.folder.to_str().context("a path in UTF-8")?;
        let left: Vec<String> = fs::read_dir("/proc")?
            .flatten()
            .filter_map(|entry| fs::read(entry.path().join("cmdline")).ok())
            .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
            .filter(|line| line.contains(folder))
            .collect();
        ensure!(left.is_empty(), "still running: {left:?}");
        for port in self.first_port..self.first_port + 4 * (self.size.validators + 2 * self.size.workers) {
            ensure!(std::net::TcpListener::bind(("127.0.0.1", port)).is_ok(), "port {port} is in use");
        }
        Ok(())
    }
}

fn parent_of(path: PathBuf) -> PathBuf {
    path.parent().map_or_else(PathBuf::new, Path::to_owned)
}

fn interrupt(process: &Process) -> Result<()> {
    let sent = Command::new("kill").args(["-INT", &process.id().to_string()]).status()?;
    ensure!(sent.success(), "cannot interrupt the script");
    Ok(())
}

const PATIENCE: Duration = Duration::from_secs(120);
