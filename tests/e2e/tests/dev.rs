// SPDX-License-Identifier: Apache-2.0
//! `offstage dev` as an author has it all day: a network that stays, and an enclave that follows the sources.

use anyhow::{Context, Result, ensure};
use offstage_devnet::process::children;
use offstage_e2e::{network::binary, ports::free_ports};
use serde_json::Value;
use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

/// An author with a crate whose build is a copy of a ready enclave, with the crate's source behind it: so each source
/// is another measurement.
struct Author {
    folder: PathBuf,
    first_port: u16,
}

impl Author {
    fn new(folder: &Path) -> Result<Self> {
        let [first_port, ..] = free_ports::<6>()?;
        fs::create_dir_all(folder.join("src"))?;
        fs::write(folder.join("Cargo.toml"), "[package]\nname = \"mine\"\n")?;
        let author = Self { folder: folder.to_owned(), first_port };
        author.save("// first\n")?;
        Ok(author)
    }

    fn save(&self, source: &str) -> Result<()> {
        Ok(fs::write(self.folder.join("src/lib.rs"), source)?)
    }

    /// `offstage` with the author's profiles.
    fn offstage(&self) -> Result<Command> {
        let mut command = Command::new(binary("offstage")?);
        command
            .current_dir(&self.folder)
            .env("XDG_CONFIG_HOME", self.folder.join("config"))
            .env("XDG_DATA_HOME", self.folder.join("data"));
        Ok(command)
    }

    fn dev(&self, options: &[&str]) -> Result<Dev> {
        let own = std::env::current_exe()?;
        let ready =
            own.parent().and_then(Path::parent).context("a folder of programs")?.join("empty-enclave");
        let build = format!(
            "if grep -q broken src/lib.rs; then echo 'error: it is broken'; exit 1; fi; \
             cat {} src/lib.rs > draft && chmod +x draft && mv draft enclave",
            ready.display()
        );
        let mut command = self.offstage()?;
        command
            .args(["dev", "--output", "json", "--workers", "1", "--enclave", "enclave", "--build", &build])
            .args(["--first-port", &self.first_port.to_string()])
            .args(options);
        Dev::start(command)
    }

    /// What the devnet's shard answers, by the profile that the devnet wrote.
    fn trusted(&self, arguments: &[&str]) -> Result<String> {
        let Output { status, stdout, stderr } =
            self.offstage()?.args(["--profile", "dev", "trusted"]).args(arguments).output()?;
        let stderr = String::from_utf8_lossy(&stderr);
        ensure!(status.success(), "{arguments:?}: {stderr}");
        Ok(String::from_utf8_lossy(&stdout).trim().to_owned())
    }
}

/// A running devnet.
struct Dev {
    child: Child,
    lines: Receiver<String>,
}

impl Dev {
    fn start(mut command: Command) -> Result<Self> {
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().context("its output")?;
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Self { child, lines })
    }

    /// Waits until a part says something that has these words.
    fn says(&self, part: &str, words: &str) -> Result<String> {
        let mut heard = Vec::new();
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.with_context(|| format!("{part} never said {words:?}, but: {heard:#?}"))?;
            let told: Value = serde_json::from_str(&line).context(line.clone())?;
            let says = told["says"].as_str().unwrap_or_default();
            if told["part"] == part && says.contains(words) {
                return Ok(says.to_owned());
            }
            heard.push(line);
        }
    }

    /// Ctrl-C. All that it started has ended when it has.
    fn interrupt(mut self) -> Result<()> {
        let started = self.started()?;
        ensure!(Command::new("kill").args(["-INT", &self.child.id().to_string()]).status()?.success());
        let status = self.child.wait()?;
        ensure!(status.success(), "{status}");
        let left: Vec<_> = started.into_iter().filter(|id| runs(*id)).collect();
        ensure!(left.is_empty(), "they go on: {left:?}");
        Ok(())
    }

    /// SIGKILL, of which it cannot hear. All that it started ends by itself.
    fn kill(mut self) -> Result<()> {
        let started = self.started()?;
        self.child.kill()?;
        self.child.wait()?;
        let begun = Instant::now();
        while let Some(id) = started.iter().find(|id| runs(**id)) {
            ensure!(begun.elapsed() < PATIENCE, "{id} of {started:?} goes on");
            thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    /// The processes that it started, and those that they started.
    fn started(&self) -> Result<Vec<u32>> {
        let mut started = children(self.child.id());
        let mut asked = 0;
        while let Some(id) = started.get(asked).copied() {
            started.extend(children(id));
            asked += 1;
        }
        ensure!(started.len() >= 3, "node, worker and its enclave run: {started:?}");
        Ok(started)
    }
}

/// Whether there is such a process, and more of it than its exit code.
fn runs(process: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, fields)| !fields.trim_start().starts_with('Z'))
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn a_day(author: &Author) -> Result<()> {
    let dev = author.dev(&[])?;
    dev.says("state", "the network is ready")?;
    author.trusted(&["call", "Counter.add", "amount=40"])?;

    // A broken build changes nothing.
    author.save("// broken\n")?;
    let broken = dev.says("build", "broken")?;
    ensure!(broken == "broken, the enclave before it goes on: error: it is broken", "{broken}");
    ensure!(author.trusted(&["query", "Counter.Sum"])? == "40");

    // Another source is another measurement, and so another shard.
    author.save("// second\n")?;
    dev.says("build", "another measurement, so the shard begins afresh")?;
    dev.says("state", "the network is ready")?;
    author.trusted(&["call", "Counter.add", "amount=2"])?;
    ensure!(author.trusted(&["query", "Counter.Sum"])? == "2");

    // The former source is the former shard, with its state.
    author.save("// first\n")?;
    dev.says("state", "the network is ready")?;
    ensure!(author.trusted(&["query", "Counter.Sum"])? == "40");
    dev.interrupt()?;

    // All of it goes on where it was, until it is to begin anew.
    let dev = author.dev(&[])?;
    dev.says("state", "the network is ready")?;
    ensure!(author.trusted(&["query", "Counter.Sum"])? == "40");
    let port = author.first_port.to_string();
    let second = author.offstage()?.args(["dev", "--enclave", "enclave", "--first-port", &port]).output()?;
    let told = String::from_utf8_lossy(&second.stderr);
    ensure!(!second.status.success(), "a second one runs beside it");
    ensure!(
        told.contains(&format!("error: port {port}, for the node, is in use by another program")),
        "{told}"
    );
    dev.interrupt()?;
    let dev = author.dev(&["--reset"])?;
    dev.says("state", "the network is ready")?;
    ensure!(author.trusted(&["view", "Counter.room"])? == u32::MAX.to_string());
    dev.kill()
}

#[test]
fn an_author_saves_and_sees_it_live() {
    let folder = tempfile::Builder::new().prefix("offstage-dev-test-").tempdir().expect("a folder");
    let author = Author::new(folder.path()).expect("a crate");
    if let Err(error) = a_day(&author) {
        panic!("{error:#}\nthe logs are kept in {}", folder.keep().display());
    }
}

/// Longer than a node, a worker and their first blocks take on a slow machine.
const PATIENCE: Duration = Duration::from_secs(400);
