// SPDX-License-Identifier: Apache-2.0
//! Where a network is kept.
//!
//! ```text
//! devnet.lock        held while the network runs; it marks the folder as a network's
//! chain.json         the chain's specification
//! node/              the chain
//! enclaves/NAME      each enclave that was served, by the beginning of its measurement
//! shards/NAME/       its workers' data
//! logs/
//! ```

use crate::{DevnetError, chain, error::io};
use offstage_primitives::Measurement;
use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
};

/// The folder of a network, which nobody else uses meanwhile.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Opens a network's folder, or makes one where nothing is.
    pub(super) fn open(path: &Path) -> Result<Self, DevnetError> {
        let lock = path.join(LOCK);
        fs::create_dir_all(path).map_err(io("make", path))?;
        if !lock.exists() && fs::read_dir(path).map_err(io("read", path))?.next().is_some() {
            let source = std::io::Error::other("something else is in it; name another with --folder");
            return Err(DevnetError::Io { action: "use the folder", path: path.to_owned(), source });
        }
        let file = File::options().create(true).append(true).open(&lock).map_err(io("write", &lock))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(DevnetError::FolderInUse { folder: path.to_owned() });
            }
            Err(TryLockError::Error(error)) => return Err(io("lock", &lock)(error)),
        }
        // Processes run elsewhere, so that a relative path would lead them astray.
        let path = path.canonicalize().map_err(io("find", path))?;
        Ok(Self { path, _lock: file })
    }

    /// Removes the network: chain, shards, enclaves and logs.
    pub(super) fn clear(&self) -> Result<(), DevnetError> {
        // The specification first: a folder without one is not gone on with.
        let _ = fs::remove_file(self.chain());
        for name in [NODE, SHARDS, ENCLAVES, LOGS] {
            let path = self.path.join(name);
            if path.exists() {
                fs::remove_dir_all(&path).map_err(io("remove", &path))?;
            }
        }
        Ok(())
    }

    /// Makes what a network has from its beginning.
    pub(super) fn prepare(&self, node: &Path) -> Result<(), DevnetError> {
        for name in [NODE, SHARDS, ENCLAVES, LOGS] {
            let path = self.path.join(name);
            fs::create_dir_all(&path).map_err(io("make", &path))?;
        }
        write(&self.path.join(".gitignore"), "*\n")?;
        if !self.chain().exists() {
            let mut specification = chain::development(node)?;
            chain::make_unique(&mut specification)?;
            write(&self.chain(), &specification.to_string())?;
        }
        Ok(())
    }

    /// Copies an enclave, by its measurement. A copy that is there stays.
    pub(super) fn keep_enclave(
        &self,
        from: &Path,
        measurement: &Measurement,
    ) -> Result<PathBuf, DevnetError> {
        let (draft, path) =
            (self.path.join(ENCLAVES).join("draft"), self.path.join(ENCLAVES).join(name(measurement)));
        if !path.exists() {
            fs::copy(from, &draft).map_err(io("copy", from))?;
            // The file may have been built anew while it was copied.
            let copied = crate::worker::measurement(&draft)?;
            if copied != *measurement {
                let source = std::io::Error::other("it changed meanwhile");
                return Err(DevnetError::Io { action: "copy", path: from.to_owned(), source });
            }
            fs::rename(&draft, &path).map_err(io("write", &path))?;
        }
        Ok(path)
    }

    /// The folder of a worker of the shard with this name.
    pub(super) fn worker(&self, shard: &Measurement, index: usize) -> Result<PathBuf, DevnetError> {
        let shard = self.path.join(SHARDS).join(name(shard));
        fs::create_dir_all(&shard).map_err(io("make", &shard))?;
        Ok(shard.join(format!("worker{}", index.saturating_add(1))))
    }

    pub(super) fn chain(&self) -> PathBuf {
        self.path.join("chain.json")
    }

    pub(super) fn node(&self) -> PathBuf {
        self.path.join(NODE)
    }

    pub(super) fn log(&self, name: &str) -> PathBuf {
        self.path.join(LOGS).join(format!("{name}.log"))
    }
}

/// Written beside and then named: what is there is whole.
fn write(path: &Path, text: &str) -> Result<(), DevnetError> {
    let draft = path.with_extension("draft");
    fs::write(&draft, text).and_then(|()| fs::rename(&draft, path)).map_err(io("write", path))
}

/// The beginning of a measurement in base58: paths stay short, and 16 digits are enough to tell an author's own
/// enclaves apart.
fn name(measurement: &Measurement) -> String {
    measurement.to_string().chars().take(16).collect()
}

const LOCK: &str = "devnet.lock";
const NODE: &str = "node";
const SHARDS: &str = "shards";
const ENCLAVES: &str = "enclaves";
const LOGS: &str = "logs";
