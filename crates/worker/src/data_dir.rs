// SPDX-License-Identifier: Apache-2.0
//! The folder of the sealed store.
//!
//! # Attacks
//! Another user of the machine reads what is in it, or opens the store and holds its lock, so that the worker cannot
//! start (threat model H23). Nobody but the worker's own user may enter the folder, and nobody else may open its
//! files. What is in it and not of the worker's making is not the worker's to remove.

use crate::text::escaped;
use anyhow::{Context, Result, bail};
use offstage_protocol::files;
use std::{
    fs::{self, DirBuilder, File, Permissions, TryLockError},
    io::ErrorKind,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::Path,
};

/// Makes the folder, or takes it away from other users of the machine where it was open to them.
///
/// # Errors
/// When it cannot be made, or is somebody else's.
pub fn prepare(folder: &Path) -> Result<()> {
    let cannot = || {
        format!(
            "cannot make the data folder {}: choose another with --data-dir, or free some space",
            folder.display()
        )
    };
    if let Some(parent) = folder.parent() {
        fs::create_dir_all(parent).with_context(cannot)?;
    }
    match DirBuilder::new().mode(FOLDER).create(folder) {
        Ok(()) => return Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists && folder.is_dir() => {}
        Err(error) => return Err(error).with_context(cannot),
    }
    if is_open_to_others(folder) {
        // Whatever it is, it is not the worker's to lock: a home, a folder for everybody's temporary files.
        let foreign = foreign(folder)?;
        if !foreign.is_empty() {
            bail!(
                "other users of this machine can enter the data folder {}, and it holds what is no worker's ({}): name \
                 a folder for the worker alone with --data-dir, or close this one with chmod 700",
                folder.display(),
                foreign
            );
        }
        close(folder, FOLDER)?;
        tracing::warn!("other users of this machine could enter {}; now they cannot", folder.display());
    }
    close_files(folder)
}

/// Demands that a worker's store is in the folder, and that no worker runs on it. Nothing is made or changed: a
/// mistyped folder must not become a new worker.
///
/// # Errors
/// When the folder, or the store in it, is not there, or a worker runs on it.
pub fn require_store(folder: &Path) -> Result<()> {
    if !folder.is_dir() {
        bail!(
            "there is no data folder {}: name your worker's with --data-dir, or make one with `offstage-worker \
            --data-dir {} init`",
            folder.display(),
            folder.display()
        );
    }
    if !has_store(folder) {
        bail!(
            "there is no worker's store in the data folder {}: name another with --data-dir, or make one with \
            `offstage-worker --data-dir {} init`",
            folder.display(),
            folder.display()
        );
    }
    hold(folder).map(drop)
}

/// Whether a worker's store is in the folder.
pub fn has_store(folder: &Path) -> bool {
    files::STORES.iter().any(|name| folder.join(name).exists())
}

/// Whether a worker runs on the folder.
pub fn is_in_use(folder: &Path) -> bool {
    hold(folder).is_err()
}

/// Keeps workers from starting on the folder for as long as the answer is kept.
///
/// # Errors
/// When a worker runs on it.
pub fn hold(folder: &Path) -> Result<Vec<File>> {
    let mut held = Vec::new();
    for name in files::STORES {
        let Ok(store) = File::open(folder.join(name)) else { continue };
        // The enclave's store holds this very lock.
        if let Err(TryLockError::WouldBlock) = store.try_lock() {
            bail!(
                "a worker is running on the data folder {}: ask it with `offstage-worker status`, or stop it first",
                folder.display()
            );
        }
        held.push(store);
    }
    Ok(held)
}

/// Takes the files in the folder away from other users of the machine, whatever their makers allowed.
///
/// # Errors
/// When one is somebody else's.
pub fn close_files(folder: &Path) -> Result<()> {
    for name in files::ALL {
        let file = folder.join(name);
        // A link leads to what is perhaps not the worker's.
        let is_file = file.symlink_metadata().is_ok_and(|metadata| metadata.is_file());
        if is_file && is_open_to_others(&file) {
            close(&file, FILE)?;
        }
    }
    Ok(())
}

/// Removes what a worker made in the folder: the sealed store with the keys in it. Everything else stays.
///
/// # Errors
/// When the folder cannot be read, or a file in it cannot be removed.
pub fn clear(folder: &Path) -> Result<()> {
    for name in files::ALL {
        let file = folder.join(name);
        match fs::remove_file(&file) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("cannot remove {}", file.display()));
            }
            _ => {}
        }
    }
    tracing::info!(folder = %folder.display(), "removed the sealed store");
    let foreign = foreign(folder)?;
    if !foreign.is_empty() {
        tracing::warn!(folder = %folder.display(), "left in the folder, because no worker made it: {foreign}");
    }
    Ok(())
}

/// The names of what is in the folder and of no worker's making, for people.
fn foreign(folder: &Path) -> Result<String> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(String::new()),
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read the data folder {}", folder.display()));
        }
    };
    let mut names: Vec<String> = entries
        .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
        .filter(|name| !files::ALL.contains(&name.as_str()))
        .collect();
    names.sort_unstable();
    let more = names.len().saturating_sub(MAX_TOLD);
    names.truncate(MAX_TOLD);
    let told = escaped(&names.join(", "));
    Ok(if more == 0 { told } else { format!("{told} and {more} more") })
}

fn is_open_to_others(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
}

fn close(path: &Path, mode: u32) -> Result<()> {
    fs::set_permissions(path, Permissions::from_mode(mode)).with_context(|| {
        format!(
            "other users of this machine can open {}, and this cannot be changed: give it to the worker's user, or \
             choose another folder with --data-dir",
            path.display()
        )
    })
}

/// Only the owner enters, lists and writes.
const FOLDER: u32 = 0o700;
/// Only the owner reads and writes.
const FILE: u32 = 0o600;
/// So many foreign files are named.
const MAX_TOLD: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        os::unix::{fs::MetadataExt, process::CommandExt},
        path::PathBuf,
        process::{Command, Stdio},
    };

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_look_makes_nothing_and_says_what_makes_it() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("typo");
        for made in [false, true] {
            let error = require_store(&folder).unwrap_err().to_string();
            assert!(["typo", "--data-dir", " init"].iter().all(|word| error.contains(word)), "{error}");
            assert_eq!(folder.exists(), made);
            fs::create_dir_all(&folder).unwrap();
        }
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
        let store = folder.join(files::STORE);
        fs::write(&store, b"").unwrap();
        require_store(&folder).unwrap();
        let held = File::open(&store).unwrap();
        held.lock().unwrap();
        let error = require_store(&folder).unwrap_err().to_string();
        assert!(error.contains("a worker is running") && error.contains("status"), "{error}");
        assert!(is_in_use(&folder));
        drop(held);
        assert!(!is_in_use(&folder));
    }

    /// A folder to which everybody has a way, with a data folder that is open to everybody, as it was once made.
    fn open_folder() -> (tempfile::TempDir, PathBuf) {
        let everybodys = tempfile::tempdir().unwrap();
        fs::set_permissions(everybodys.path(), Permissions::from_mode(0o755)).unwrap();
        let folder = everybodys.path().join("data");
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
        for name in files::ALL {
            fs::write(folder.join(name), name).unwrap();
            fs::set_permissions(folder.join(name), Permissions::from_mode(0o644)).unwrap();
        }
        (everybodys, folder)
    }

    #[test]
    fn h23_the_data_folder_is_its_owners_alone() {
        let (everybodys, open) = open_folder();
        prepare(&open).unwrap();
        assert_eq!(mode(&open), 0o700);
        for name in files::ALL {
            assert_eq!(mode(&open.join(name)), 0o600, "{name}");
        }
        let new = everybodys.path().join("a/b/new");
        prepare(&new).unwrap();
        assert_eq!(mode(&new), 0o700);
        prepare(&new).unwrap();
        let in_the_way = everybodys.path().join("file");
        fs::write(&in_the_way, "").unwrap();
        assert!(prepare(&in_the_way).unwrap_err().to_string().contains("--data-dir"));
    }

    /// `--data-dir /tmp` must not lock everybody else out.
    #[test]
    fn h23_a_folder_that_holds_other_things_is_refused_and_not_locked() {
        let (_everybodys, folder) = open_folder();
        fs::write(folder.join("somebodys.txt"), "").unwrap();
        let error = format!("{:#}", prepare(&folder).unwrap_err());
        assert!(error.contains("somebodys.txt") && error.contains("--data-dir"), "{error}");
        assert_eq!(mode(&folder), 0o755);
        fs::set_permissions(&folder, Permissions::from_mode(0o700)).unwrap();
        prepare(&folder).unwrap();
    }

    /// Whoever cannot open the store cannot hold its lock either. Another user can only be played by root.
    #[test]
    fn h23_a_stranger_cannot_open_the_store_to_hold_its_lock() {
        let (_everybodys, folder) = open_folder();
        let store = folder.join(files::STORE);
        if fs::metadata(&folder).unwrap().uid() != 0 {
            prepare(&folder).unwrap();
            assert_eq!((mode(&folder), mode(&store)), (0o700, 0o600));
            return;
        }
        let stranger_opens = || {
            let opening = format!("exec 9<'{}'", store.display());
            let mut shell = Command::new("/bin/sh");
            shell.args(["-c", &opening]).stderr(Stdio::null()).uid(STRANGER).gid(STRANGER);
            shell.status().unwrap().success()
        };
        assert!(stranger_opens(), "the stranger has a way to the folder");
        prepare(&folder).unwrap();
        assert!(!stranger_opens());
    }

    #[test]
    fn h23_a_clean_reset_removes_only_what_a_worker_made() {
        let (_everybodys, folder) = open_folder();
        for foreign in ["notes.txt", "enclave.redb.backup"] {
            fs::write(folder.join(foreign), foreign).unwrap();
        }
        fs::create_dir(folder.join("photos")).unwrap();
        clear(&folder).unwrap();
        let mut left: Vec<String> = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(left, ["enclave.redb.backup", "notes.txt", "photos"]);
        clear(&folder.join("nowhere")).unwrap();
    }

    /// `nobody`, on every system that knows the name.
    const STRANGER: u32 = 65_534;
}
