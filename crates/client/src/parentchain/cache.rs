// SPDX-License-Identifier: Apache-2.0
//! What is known of chains, kept on the user's disk from one run to the next.
//!
//! For each anchor (a genesis, or the checkpoint from which a chain was followed) there is one file,
//! `<anchor>.finality`, with the newest block that was verified and the authorities that finalize the next. Whoever can
//! write it can lie to the user, as whoever can write the user's programs; the checksum is against accidents.
//!
//! The folder is `$XDG_DATA_HOME/offstage`, by default `~/.local/share/offstage`.

use offstage_light_client::Follower;
use offstage_primitives::BlockHash;
use std::{
    env, fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

/// The folder. Without one nothing is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cache {
    folder: Option<PathBuf>,
}

/// What the cache has of a chain.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Cached {
    /// Nothing.
    Nothing,
    /// The newest block that was verified.
    Known(Box<Follower>),
    /// A file that cannot be used.
    Damaged(PathBuf),
}

impl Cache {
    /// The user's own folder.
    pub fn of_user() -> Self {
        let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let data = absolute("XDG_DATA_HOME").or_else(|| Some(absolute("HOME")?.join(".local/share")));
        Self { folder: data.map(|data| data.join("offstage")) }
    }

    /// This folder.
    pub fn at(folder: &Path) -> Self {
        Self { folder: Some(folder.to_owned()) }
    }

    /// Keeps nothing.
    pub fn none() -> Self {
        Self { folder: None }
    }

    pub(crate) fn load(&self, anchor: BlockHash) -> Cached {
        let Some(path) = self.path(anchor) else { return Cached::Nothing };
        let mut bytes = Vec::new();
        let read = fs::File::open(&path).and_then(|file| file.take(MAX_FILE_LEN).read_to_end(&mut bytes));
        match read {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Cached::Nothing,
            Err(_) => Cached::Damaged(path),
            Ok(_) => decode(&bytes).map_or(Cached::Damaged(path), |known| Cached::Known(Box::new(known))),
        }
    }

    /// Keeps what is known, in one step: a reader finds the old file or the new one.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub(crate) fn store(&self, anchor: BlockHash, follower: &Follower) -> io::Result<()> {
        let Some(path) = self.path(anchor) else { return Ok(()) };
        let Some(folder) = path.parent() else { return Ok(()) };
        fs::create_dir_all(folder)?;
        // Two programs may write at the same time; each has a file of its own until it is whole.
        let new = path.with_extension(format!("finality.{}", std::process::id()));
        let written = fs::File::create(&new).and_then(|mut file| {
            file.write_all(&encode(follower))?;
            file.sync_all()
        });
        let moved = written.and_then(|()| fs::rename(&new, &path));
        if moved.is_err() {
            let _ = fs::remove_file(&new);
        }
        moved
    }

    fn path(&self, anchor: BlockHash) -> Option<PathBuf> {
        Some(self.folder.as_ref()?.join(format!("{}.finality", hex::encode(anchor))))
    }
}

/// Domain, checksum, follower.
fn encode(follower: &Follower) -> Vec<u8> {
    let known = follower.to_bytes();
    [CACHE_DOMAIN, &sp_crypto_hashing::blake2_256(&known), &known].concat()
}

/// What a file of the cache holds, if it is whole.
pub fn decode(bytes: &[u8]) -> Option<Follower> {
    let (checksum, known) = bytes.strip_prefix(CACHE_DOMAIN)?.split_at_checked(32)?;
    (checksum == sp_crypto_hashing::blake2_256(known)).then(|| Follower::from_bytes(known).ok())?
}

/// First bytes of a file: what it is and its version.
const CACHE_DOMAIN: &[u8] = b"offstage/finality-cache/v1\0";

/// The longest file that is read: a header and two sets of ten thousand authorities.
const MAX_FILE_LEN: u64 = 3 * 1024 * 1024;
