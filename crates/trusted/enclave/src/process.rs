// SPDX-License-Identifier: Apache-2.0
//! The process itself: what its starter may bring in and take out beside frames.
//!
//! # Attacks
//! The host starts the program, so it chooses environment, limits and who watches (threat model H24).
//! - *The environment* is read by libraries, some of them before `main`: the loader, the memory allocator, AWS-LC
//!   for which instructions of the processor it uses. To take variables away in `main` would be too late for those.
//!   So a program that finds a variable replaces itself by itself without any, in the same process.
//! - *A core dump* would write secrets into a file: the limit is zero, and the process is not dumpable, whatever
//!   limit or pattern the host sets later.
//! - *A debugger*: Linux lets no process without the system's privileges attach to one that is not dumpable, nor
//!   read its memory or environment through `/proc`.
//!
//! On the software platform this is all that an ordinary process can do; whoever has the system's privileges still
//! reads it.

use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};
use std::{io, os::unix::process::CommandExt};

/// Leaves the environment behind, forbids core dumps and denies the process's memory to others. The first thing
/// that the program does: before this has returned, nothing secret is in memory.
///
/// # Errors
/// When the system refuses: the program must not go on.
pub(crate) fn shut_off() -> Result<(), ProcessError> {
    leave_environment()?;
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    setrlimit(Resource::Core, none).map_err(|error| ProcessError::Dumps(error.into()))?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(|error| ProcessError::Dumps(error.into()))?;
    // The new image is named after the link it was started by. Without a name of its own it would only be harder to
    // find.
    let _ = rustix::thread::set_name(NAME);
    Ok(())
}

/// Lets the process open so many files, connections among them, if its starter has not forbidden it. Gives how many
/// it may open.
pub(crate) fn allow_files(wanted: u64) -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let may = limit.maximum.map_or(wanted, |maximum| maximum.min(wanted));
    match limit.current {
        Some(current) if current < may => {
            let raised = Rlimit { current: Some(may), maximum: limit.maximum };
            if setrlimit(Resource::Nofile, raised).is_ok() { may } else { current }
        }
        Some(current) => current,
        None => wanted,
    }
}

/// Goes on when there is no variable; else begins anew without.
#[expect(clippy::disallowed_methods, reason = "environment and arguments are handed on or dropped, not read")]
fn leave_environment() -> Result<(), ProcessError> {
    if std::env::vars_os().next().is_none() {
        return Ok(());
    }
    let mut arguments = std::env::args_os();
    let name = arguments.next().unwrap_or_default();
    // The file that runs, even if another has its path now. With success this never returns.
    let error = std::process::Command::new(OWN_PROGRAM).arg0(name).args(arguments).env_clear().exec();
    Err(ProcessError::Environment(error))
}

/// Why the process cannot be shut off.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProcessError {
    #[error(
        "cannot leave the environment behind: {0}; start the enclave with an empty one, such as by env -i"
    )]
    Environment(#[source] io::Error),
    #[error("the system does not let the enclave forbid core dumps: {0}; start it without such restrictions")]
    Dumps(#[source] io::Error),
}

const OWN_PROGRAM: &str = "/proc/self/exe";

/// As Linux shows it, which keeps 15 bytes.
const NAME: &std::ffi::CStr = c"offstage-enclave";
