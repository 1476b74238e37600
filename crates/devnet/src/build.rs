// SPDX-License-Identifier: Apache-2.0
//! Builds the author's enclave, once or whenever a source changes.

use crate::{DevnetError, author::Author, error::io, process::Process};
use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
    time::{Duration, Instant},
};

/// Builds an enclave whenever a source of it changes.
pub struct Builder {
    author: Author,
    /// What a shell is told instead of `cargo build`.
    command: Option<String>,
    log: PathBuf,
    running: Option<Running>,
    /// The sources that were built last.
    built: Option<u64>,
    /// The sources at the last look: a build begins when nobody is writing.
    seen: Option<u64>,
}

struct Running {
    process: Process,
    begun: Instant,
}

/// What a build came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Built {
    /// The enclave is there.
    Enclave {
        /// How long it took.
        took: Duration,
    },
    /// The first thing that is wrong, in one line.
    Broken {
        /// What the compiler says, and where.
        reason: String,
    },
}

impl Builder {
    /// A builder that has built nothing yet. What it prints is in `log`.
    pub fn new(author: Author, command: Option<String>, log: PathBuf) -> Self {
        Self { author, command, log, running: None, built: None, seen: None }
    }

    /// How long the build takes that runs now.
    pub fn building(&self) -> Option<Duration> {
        self.running.as_ref().map(|running| running.begun.elapsed())
    }

    /// Begins a build when the sources are others than those that were built, and says what one came to that has ended.
    /// `guarded` makes a command that ends with this process.
    ///
    /// # Errors
    /// When the build cannot be started.
    pub fn look(&mut self, guarded: impl FnOnce(&Path) -> Command) -> Result<Option<Built>, DevnetError> {
        if let Some(running) = &mut self.running {
            let Some(status) = running.process.ended() else { return Ok(None) };
            let took = running.begun.elapsed();
            self.running = None;
            return Ok(Some(self.judge(status, took)));
        }
        let now = self.author.fingerprint();
        let is_still = self.seen.replace(now) == Some(now) || self.built.is_none();
        if is_still && self.built != Some(now) {
            self.built = Some(now);
            self.begin(guarded)?;
        }
        Ok(None)
    }

    fn begin(&mut self, guarded: impl FnOnce(&Path) -> Command) -> Result<(), DevnetError> {
        File::create(&self.log).map_err(io("write", &self.log))?;
        let mut command = guarded(&program(self.command.as_deref()));
        tell(&mut command, &self.author, self.command.as_deref());
        let process = Process::start_group(BUILD, command, &self.log)?;
        self.running = Some(Running { process, begun: Instant::now() });
        Ok(())
    }

    fn judge(&self, status: ExitStatus, took: Duration) -> Built {
        if !status.success() {
            let told = std::fs::read(&self.log).unwrap_or_default();
            return Built::Broken { reason: first_error(&String::from_utf8_lossy(&told)) };
        }
        if !self.author.enclave.is_file() {
            let reason = format!("it succeeded, and there is no {}", self.author.enclave.display());
            return Built::Broken { reason };
        }
        Built::Enclave { took }
    }
}

/// Builds and waits, for whoever needs the enclave now; says whether it went well. What is printed goes to this
/// program's stderr.
///
/// # Errors
/// When the build cannot be started.
pub fn build_now(author: &Author, command: Option<&str>) -> Result<bool, DevnetError> {
    let mut build = Command::new(program(command));
    tell(&mut build, author, command);
    let failed = |source| DevnetError::Start { name: BUILD.to_owned(), source };
    build.stdout(std::io::stderr());
    Ok(build.status().map_err(failed)?.success())
}

fn program(command: Option<&str>) -> PathBuf {
    match command {
        Some(_) => "sh".into(),
        None => std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()).into(),
    }
}

fn tell(build: &mut Command, author: &Author, command: Option<&str>) {
    build.current_dir(&author.folder);
    match command {
        Some(command) => build.args(["-c", command]),
        None => build.args(["build", "--release", "--bin", &author.binary]),
    };
}

/// The first thing that is wrong, in one line, with its place; without one, the last line.
fn first_error(log: &str) -> String {
    let log = without_colours(log);
    let mut lines = log.lines().map(str::trim).filter(|line| !line.is_empty());
    let Some(error) = lines.by_ref().find(|line| line.starts_with("error")) else {
        return log
            .lines()
            .map(str::trim)
            .rfind(|line| !line.is_empty())
            .unwrap_or("no word of why")
            .to_owned();
    };
    match lines.next().and_then(|line| line.strip_prefix("--> ")) {
        Some(place) => format!("{error} ({place})"),
        None => error.to_owned(),
    }
}

/// A text without the sequences that colour it on a terminal.
fn without_colours(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain.push_str(part.split_once(|sign: char| sign.is_ascii_alphabetic()).map_or("", |(_, rest)| rest));
    }
    plain
}

const BUILD: &str = "the build";

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, thread::sleep};

    #[test]
    fn the_first_error_is_one_line_with_its_place() {
        let log = concat!(
            "   Compiling x v0.1.0\nwarning: unused\n --> src/a.rs:1:1\n\n",
            "\u{1b}[1m\u{1b}[91merror[E0425]\u{1b}[0m: cannot find value `x`\n",
            "  --> src/lib.rs:3:5\n   |\nerror: could not compile\n"
        );
        assert_eq!(first_error(log), "error[E0425]: cannot find value `x` (src/lib.rs:3:5)");
        assert_eq!(
            first_error("error: no matching package\nlocation searched: x\n"),
            "error: no matching package"
        );
        assert_eq!(first_error("sh: 1: nothing: not found\n\n"), "sh: 1: nothing: not found");
        assert_eq!(first_error(""), "no word of why");
    }

    /// A crate whose `cargo build` is a shell's `command`.
    fn builder(folder: &Path, command: &str) -> Builder {
        let author =
            Author { folder: folder.to_owned(), binary: "x".to_owned(), enclave: folder.join("target/x") };
        fs::create_dir_all(folder.join("target")).unwrap();
        fs::write(folder.join("source.rs"), "first").unwrap();
        Builder::new(author, Some(command.to_owned()), folder.join("log"))
    }

    fn next(builder: &mut Builder) -> Built {
        loop {
            if let Some(built) = builder.look(|program| Command::new(program)).unwrap() {
                return built;
            }
            sleep(Duration::from_millis(10));
        }
    }

    #[test]
    fn a_build_follows_each_change_and_a_broken_one_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let command =
            "grep -q broken source.rs && echo 'error: it is broken' && exit 1; cp source.rs target/x";
        let mut builder = builder(folder.path(), command);
        assert!(matches!(next(&mut builder), Built::Enclave { .. }));
        let enclave = || fs::read_to_string(folder.path().join("target/x")).unwrap();
        assert_eq!(enclave(), "first");
        for _ in 0..5 {
            assert_eq!(builder.look(|_| panic!("nothing changed")).unwrap(), None);
        }
        fs::write(folder.path().join("source.rs"), "broken").unwrap();
        assert_eq!(next(&mut builder), Built::Broken { reason: "error: it is broken".to_owned() });
        assert_eq!(enclave(), "first");
        fs::write(folder.path().join("source.rs"), "mended").unwrap();
        assert!(matches!(next(&mut builder), Built::Enclave { .. }));
        assert_eq!(enclave(), "mended");
    }

    #[test]
    fn a_build_without_an_enclave_is_a_broken_one() {
        let folder = tempfile::tempdir().unwrap();
        let Built::Broken { reason } = next(&mut builder(folder.path(), "true")) else {
            panic!("nothing is there")
        };
        assert!(reason.starts_with("it succeeded, and there is no "), "{reason}");
        let author = builder(folder.path(), "").author;
        assert!(build_now(&author, Some("true")).unwrap() && !build_now(&author, Some("false")).unwrap());
    }
}
