// SPDX-License-Identifier: Apache-2.0
//! The store's files: their user's alone, and never deleted.
//!
//! A store that this enclave cannot open is not its to judge: it may be of an image or a machine that comes back, or of
//! one that the shard's key will open. So it is *put aside*: renamed with a number. When it can be opened again, it
//! *returns*: first it is named as the returning one, which is the decision, and the next start carries it out,
//! whatever interrupts it.

use super::{CACHE_BYTES, StoreError};
use redb::{Database, backends::FileBackend};
use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions, Permissions},
    io,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// Opens the file, or makes it. Readable by its user alone, whatever the umask and whoever made it.
pub(super) fn open_or_create(path: &Path) -> Result<Database, StoreError> {
    open(path, OpenOptions::new().create(true))
}

/// Opens a file that is there.
pub(super) fn open_existing(path: &Path) -> Result<Database, StoreError> {
    open(path, &mut OpenOptions::new())
}

fn open(path: &Path, options: &mut OpenOptions) -> Result<Database, StoreError> {
    let file = options.read(true).write(true).truncate(false).mode(MODE).open(path).map_err(cannot_open)?;
    restrict(&file).map_err(cannot_open)?;
    Ok(Database::builder().set_cache_size(CACHE_BYTES).create_with_backend(FileBackend::new(file)?)?)
}

fn restrict(file: &File) -> io::Result<()> {
    if file.metadata()?.permissions().mode() & 0o777 == MODE {
        return Ok(());
    }
    file.set_permissions(Permissions::from_mode(MODE))
}

/// Bytes of the file, if it can be told.
pub(super) fn len(path: &Path) -> Option<u64> {
    Some(fs::metadata(path).ok()?.len())
}

/// Renames the store, and returns its new name.
pub(super) fn put_aside(path: &Path) -> Result<PathBuf, StoreError> {
    let newest = aside(path).last().map_or(0, |(number, _)| *number);
    let number = newest.saturating_add(1);
    if number > MAX_ASIDE {
        return Err(StoreError::Open(format!(
            "{MAX_ASIDE} stores were put aside beside it already; move those you do not need elsewhere"
        )));
    }
    let name = aside_name(path, number);
    fs::rename(path, &name).map_err(cannot_open)?;
    Ok(name)
}

/// The stores that were put aside, with their numbers: the longest ago first.
pub(super) fn aside(path: &Path) -> Vec<(u32, PathBuf)> {
    (1..=MAX_ASIDE)
        .map(|number| (number, aside_name(path, number)))
        .filter(|(_, name)| name.exists())
        .collect()
}

/// Decides that the store with this name, which was put aside, takes the place of the one that is there.
pub(super) fn decide_return(path: &Path, name: &Path) -> Result<(), StoreError> {
    fs::rename(name, returning_name(path)).map_err(cannot_open)
}

/// The store that counts now: the one that returns, if it was decided.
pub(super) fn current(path: &Path) -> PathBuf {
    let returning = returning_name(path);
    if returning.exists() { returning } else { path.into() }
}

/// Carries out what [`decide_return`] decided, if it did: the store that is there is put aside.
pub(super) fn carry_out_return(path: &Path) -> Result<(), StoreError> {
    let returning = returning_name(path);
    if !returning.exists() {
        return Ok(());
    }
    if path.exists() {
        put_aside(path)?;
    }
    fs::rename(returning, path).map_err(cannot_open)
}

fn aside_name(path: &Path, number: u32) -> PathBuf {
    with_ending(path, &format!(".aside-{number}"))
}

fn returning_name(path: &Path) -> PathBuf {
    path.with_file_name(offstage_protocol::files::RETURNING_STORE)
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    name.into()
}

fn cannot_open(error: io::Error) -> StoreError {
    StoreError::Open(error.to_string())
}

/// Readable and writable by the user.
const MODE: u32 = 0o600;

/// Stores beside the one in use, at most.
const MAX_ASIDE: u32 = 100;

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn h23_a_store_is_its_users_alone_even_if_its_file_was_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store");
        drop(open_or_create(&path).unwrap());
        assert_eq!(mode(&path), 0o600);
        fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
        drop(open_existing(&path).unwrap());
        assert_eq!(mode(&path), 0o600);
        assert!(open_existing(&dir.path().join("none")).is_err());
    }

    #[test]
    fn what_is_put_aside_keeps_its_bytes_and_a_return_that_was_interrupted_is_carried_out() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store");
        let read = |name: &str| fs::read(dir.path().join(name)).unwrap();
        for content in [&b"first"[..], b"second"] {
            fs::write(&path, content).unwrap();
            put_aside(&path).unwrap();
        }
        assert_eq!((read("store.aside-1"), read("store.aside-2")), (b"first".into(), b"second".into()));
        fs::write(&path, b"third").unwrap();
        carry_out_return(&path).unwrap();
        assert_eq!(read("store"), b"third");
        decide_return(&path, &dir.path().join("store.aside-1")).unwrap();
        carry_out_return(&path).unwrap();
        assert_eq!((read("store"), read("store.aside-3")), (b"first".into(), b"third".into()));
        // Killed between the two renames.
        decide_return(&path, &dir.path().join("store.aside-2")).unwrap();
        put_aside(&path).unwrap();
        carry_out_return(&path).unwrap();
        assert_eq!((read("store"), read("store.aside-4")), (b"second".into(), b"first".into()));
        assert_eq!(aside(&path).iter().map(|(number, _)| *number).collect::<Vec<_>>(), [3, 4]);
    }

    #[test]
    fn no_store_takes_the_place_of_one_that_was_put_aside() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store");
        fs::write(aside_name(&path, MAX_ASIDE), b"old").unwrap();
        fs::write(&path, b"new").unwrap();
        assert!(put_aside(&path).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }
}
