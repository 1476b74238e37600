// SPDX-License-Identifier: Apache-2.0
//! `backup` and `restore`: a data folder as one file, with a checksum, and at its head what it is of.
//!
//! ```text
//! "OFFSTAGE BACKUP 1\n" ++ one line of JSON: whose it is, and each file with its length ++ the files' bytes ++
//! checksum[32]
//! ```
//! The checksum is over everything before it: blake2-256 of (checksum so far ++ piece), from 32 zero bytes on, in
//! pieces of 1 MiB.
//!
//! # Attacks
//! A backup is data of somebody else, or of another day. Names in it lead nowhere but to a worker's own files; nothing
//! is ever overwritten; what does not fit enclave, chain or checksum is refused before the folder has a store. A backup
//! of an older day is no way back (threat model H9): the worker that starts on it catches up with the chain before it
//! serves or signs.

mod archive;
mod restore;

pub use restore::{RestoreOptions, restore};

use crate::{cli::stored_identity, data_dir, options::Options, text::generic_address};
use anyhow::{Context, Result, bail};
use archive::{Checked, Entry, Head, PIECE_LEN};
use clap::Args;
use offstage_protocol::files;
use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// Options of `backup`.
#[derive(Args, Clone, Debug)]
pub struct BackupOptions {
    /// The file to write; it must not be there
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// Writes the data folder of a worker that does not run into one file. Returns what it is of, for people.
///
/// # Errors
/// When there is no store, a worker runs on it, the enclave does not open it, or the file cannot be written.
pub async fn backup(options: &Options, backup: &BackupOptions) -> Result<String> {
    let file = &backup.file;
    if file.exists() {
        bail!("{} is there already: name another file, nothing is overwritten", file.display());
    }
    // That it opens is a part of what makes it worth keeping.
    let identity = stored_identity(options).await?;
    let held = data_dir::hold(&options.data_dir)?;
    let bound = identity.bound.as_ref();
    let mut head = Head {
        account: generic_address(&identity.signer),
        measurement: identity.measurement.to_string(),
        genesis: bound.map(|bound| format!("{:?}", bound.genesis_hash)),
        shard: bound.map(|bound| bound.shard.to_string()),
        position: bound.map(|bound| bound.position.number),
        files: Vec::new(),
    };
    let mut contents = Vec::new();
    for name in names_in(&options.data_dir)? {
        let path = options.data_dir.join(&name);
        let content = File::open(&path).with_context(|| format!("cannot read {}", path.display()))?;
        head.files.push(Entry { name, len: content.metadata()?.len() });
        contents.push(content);
    }
    let unfinished = with_ending(file, ".unfinished");
    let written = write(&unfinished, &head, contents)
        .and_then(|()| fs::rename(&unfinished, file).context("cannot give it its name"));
    if let Err(error) = written {
        let _ = fs::remove_file(&unfinished);
        return Err(error.context(format!("cannot write the backup {}", file.display())));
    }
    drop(held);
    Ok(head.described())
}

fn write(path: &Path, head: &Head, contents: Vec<File>) -> Result<()> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let mut out = Checked::new(file);
    out.write(&head.to_bytes())?;
    for (entry, content) in head.files.iter().zip(contents) {
        let copied = copy(&mut content.take(entry.len), &mut out)?;
        if copied != entry.len {
            bail!("{} changed meanwhile", entry.name);
        }
    }
    let (mut file, checksum) = out.finish()?;
    file.write_all(&checksum)?;
    file.sync_all()?;
    Ok(())
}

fn copy(from: &mut impl Read, to: &mut Checked<File>) -> Result<u64> {
    let mut piece = vec![0; PIECE_LEN];
    let mut copied = 0;
    loop {
        let len = from.read(&mut piece)?;
        if len == 0 {
            return Ok(copied);
        }
        to.write(piece.get(..len).unwrap_or_default())?;
        copied += len as u64;
    }
}

/// The names of a worker's own files that are in the folder, the store last: a folder that was restored in part has
/// none.
fn names_in(folder: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| is_kept(name))
        .collect();
    names.sort_by_key(|name| (name == files::STORE, name.clone()));
    Ok(names)
}

/// Whether a worker keeps a file of this name from one start to the next.
fn is_kept(name: &str) -> bool {
    let is_aside = name
        .strip_prefix(files::STORE)
        .and_then(|rest| rest.strip_prefix(".aside-"))
        .is_some_and(|number| number.parse::<u32>().is_ok_and(|read| read.to_string() == number));
    is_aside || files::STORES.contains(&name) || name == files::SOFTWARE_SECRET
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

#[cfg(test)]
mod tests;
