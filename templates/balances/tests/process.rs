// SPDX-License-Identifier: Apache-2.0
//! The built program in a process of its own, as a host starts it.
#![expect(clippy::disallowed_methods, reason = "a test is the host: it owns disk, processes and network")]

use std::{
    fs::{self, Permissions},
    io::ErrorKind,
    os::unix::{
        fs::{MetadataExt, PermissionsExt, chown},
        net::UnixListener,
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// A running program that has connected to its host, and so has passed its start.
struct Started {
    child: Child,
    _folder: tempfile::TempDir,
    _stream: std::os::unix::net::UnixStream,
}

impl Started {
    /// Starts the program through `sh -c`, with `before` in the shell. Who may do anything here gives it to a user who
    /// may not.
    fn with(before: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [program, socket, data] = ["program", "socket", "data"].map(|name| folder.path().join(name));
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        fs::copy(env!("CARGO_BIN_EXE_offstage-enclave"), &program).unwrap();
        fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
        fs::create_dir(&data).unwrap();
        let listener = UnixListener::bind(&socket).unwrap();
        fs::set_permissions(&socket, Permissions::from_mode(0o777)).unwrap();
        let mut command = Command::new("sh");
        command
            .args(["-c", &format!("{before} exec \"$0\" --socket \"$1\" --data-dir \"$2\"")])
            .args([&program, &socket, &data])
            .stdin(Stdio::null());
        if is_root() {
            chown(&data, Some(NOBODY), Some(NOBODY)).unwrap();
            command.uid(NOBODY).gid(NOBODY);
        }
        let child = command.spawn().unwrap();
        let (stream, _) = listener.accept().unwrap();
        Self { child, _folder: folder, _stream: stream }
    }

    fn proc(&self, file: &str) -> PathBuf {
        Path::new("/proc").join(self.child.id().to_string()).join(file)
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

#[test]
fn h24_the_environment_is_left_behind_before_anything_reads_it() {
    let started = Started::with("export REVIVE_USE_COMPILER=1 OPENSSL_ia32cap=0;");
    match fs::read(started.proc("environ")) {
        Ok(environment) => assert_eq!(String::from_utf8_lossy(&environment), ""),
        // Only the system's own user may look into a process that is not dumpable.
        Err(error) => assert!(error.kind() == ErrorKind::PermissionDenied && !is_root(), "{error}"),
    }
    // It is the same process, with the same arguments and a name to find it by.
    let arguments = fs::read(started.proc("cmdline")).unwrap();
    assert_eq!(arguments.split(|byte| *byte == 0).filter(|argument| !argument.is_empty()).count(), 5);
    assert_eq!(fs::read_to_string(started.proc("comm")).unwrap(), "offstage-enclav\n");
}

#[test]
fn h24_there_are_no_core_dumps_and_no_debuggers() {
    let started = Started::with("ulimit -c unlimited;");
    let limits = fs::read_to_string(started.proc("limits")).unwrap();
    let core = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().collect::<Vec<_>>(), ["0", "0", "bytes"]);
    // Linux gives what `/proc` has of a process that is not dumpable to the system's user, and with it the right to
    // attach.
    assert_eq!(fs::metadata(started.proc("mem")).unwrap().uid(), 0);
    assert_eq!(fs::metadata(started.proc("environ")).unwrap().uid(), 0);
}

/// The user that owns nothing.
const NOBODY: u32 = 65_534;
