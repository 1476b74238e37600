// SPDX-License-Identifier: Apache-2.0
//! A process that ends with its owner.
//!
//! Dropping a [`Process`] ends it. An owner that is killed drops nothing; for that there is a guard: a program that
//! asks the kernel for SIGTERM when its parent dies, and then becomes the program that is meant ([`become_guarded`]).

use crate::{DevnetError, error::io};
use rustix::process::{
    Pid, Signal, getppid, kill_process, kill_process_group, set_parent_process_death_signal,
};
use std::{
    ffi::OsString,
    fs::File,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

/// A running process whose output goes to a log file. Dropping it ends the process.
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
    is_group: bool,
}

impl Process {
    /// Starts `command`; what it prints is appended to `log`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(name: &str, mut command: Command, log: &Path) -> Result<Self, DevnetError> {
        let output = File::options().create(true).append(true).open(log).map_err(io("write", log))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(output.try_clone().map_err(io("write", log))?)
            .stderr(output)
            .spawn()
            .map_err(|source| DevnetError::Start { name: name.to_owned(), source })?;
        Ok(Self { name: name.to_owned(), child, log: log.to_owned(), is_group: false })
    }

    /// The same in a process group of its own: a Ctrl-C at the terminal is not for it, and whatever it starts ends with
    /// it.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start_group(name: &str, mut command: Command, log: &Path) -> Result<Self, DevnetError> {
        command.process_group(0);
        let mut process = Self::start(name, command, log)?;
        process.is_group = true;
        Ok(process)
    }

    /// The process's number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The log file.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Ends the process at once, as a power cut would.
    pub fn kill(&mut self) {
        if self.is_group && self.ended().is_none() {
            self.signal(Signal::KILL);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks the process to end (SIGTERM), and does not wait for it.
    pub fn ask_to_end(&mut self) {
        if self.ended().is_none() {
            self.signal(Signal::TERM);
        }
    }

    /// Asks the process to end (SIGTERM), and kills it when it does not.
    pub fn stop(&mut self) {
        self.ask_to_end();
        let begun = Instant::now();
        while begun.elapsed() < STOP_PATIENCE {
            if self.ended().is_some() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        self.kill();
    }

    /// How the process ended, when it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Fails, with the end of the log, when the process is gone.
    ///
    /// # Errors
    /// When it has ended.
    pub fn require_alive(&mut self) -> Result<(), DevnetError> {
        match self.ended() {
            None => Ok(()),
            Some(status) => Err(DevnetError::Ended { name: self.name.clone(), status, tail: self.tail() }),
        }
    }

    /// The last lines of the log.
    pub fn tail(&self) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        let lines: Vec<&str> = text.lines().collect();
        lines.get(lines.len().saturating_sub(TAIL_LINES)..).unwrap_or_default().join("\n")
    }

    /// To a process that has not been waited for, so that the number is its own.
    fn signal(&self, signal: Signal) {
        let Some(id) = pid(self.child.id()) else { return };
        let _ = if self.is_group { kill_process_group(id, signal) } else { kill_process(id, signal) };
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.ended().is_none() {
            self.stop();
        }
    }
}

/// The processes that `parent` started and that have not ended.
pub fn children(parent: u32) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let id = entry.file_name().to_str()?.parse::<u32>().ok()?;
            let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
            // "pid (name) state parent …"; the name may hold anything.
            let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
            let state = fields.next()?;
            (fields.next()?.parse::<u32>().ok()? == parent && state != "Z").then_some(id)
        })
        .collect()
}

/// Asks all processes that this program started to end.
pub fn end_children() {
    for child in children(std::process::id()) {
        ask_to_end(child);
    }
}

/// Asks a process to end (SIGTERM).
pub fn ask_to_end(process: u32) {
    if let Some(id) = pid(process) {
        let _ = kill_process(id, Signal::TERM);
    }
}

/// Makes this process `program`, one that gets SIGTERM when `parent` ends. It returns only when that fails.
///
/// The thread that started this process must be one that lives as long as the parent: the kernel looks at the thread.
pub fn become_guarded(parent: u32, program: &Path, arguments: &[OsString]) -> std::io::Error {
    if let Err(error) = set_parent_process_death_signal(Some(Signal::TERM)) {
        return error.into();
    }
    // It may have ended before the kernel was asked.
    if getppid() != pid(parent) {
        return std::io::Error::other("whoever started this has ended");
    }
    Command::new(program).args(arguments).exec()
}

fn pid(number: u32) -> Option<Pid> {
    i32::try_from(number).ok().and_then(Pid::from_raw)
}

const STOP_PATIENCE: Duration = Duration::from_secs(15);
const TAIL_LINES: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_ends_with_all_that_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let mut shell = Command::new("sh");
        shell.args(["-c", "sleep 1000 & sleep 1000 & echo started; wait"]);
        let log = folder.path().join("log");
        let process = Process::start_group("a shell", shell, &log).unwrap();
        while process.tail() != "started" {
            std::thread::sleep(Duration::from_millis(10));
        }
        let sleepers = children(process.id());
        assert_eq!(sleepers.len(), 2);
        drop(process);
        let runs = |id: &u32| {
            std::fs::read_to_string(format!("/proc/{id}/cmdline")).is_ok_and(|line| line.contains("sleep"))
        };
        while sleepers.iter().any(runs) {
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    #[test]
    fn what_cannot_be_started_or_has_ended_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let nothing = Process::start("nothing", Command::new(folder.path().join("nothing")), &log);
        assert!(nothing.err().unwrap().to_string().starts_with("cannot start nothing: "));
        let mut shell = Command::new("sh");
        shell.args(["-c", "echo why; exit 3"]);
        let mut process = Process::start("a shell", shell, &log).unwrap();
        while process.ended().is_none() {
            std::thread::sleep(Duration::from_millis(10));
        }
        let told = process.require_alive().unwrap_err().to_string();
        assert!(told.starts_with("a shell ended (exit status: 3)") && told.ends_with("why"), "{told}");
    }
}
