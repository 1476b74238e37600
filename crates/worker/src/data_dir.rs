// SPDX-License-Identifier: Apache-2.0
//! The folder of the sealed store.

use anyhow::{Context, Result};
use std::path::Path;

/// Makes the folder of the sealed store.
///
/// # Errors
/// When it cannot be made or written.
pub fn prepare(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| {
        format!(
            "cannot make the data folder {}: choose another with --data-dir, or free some space",
            folder.display()
        )
    })
}

/// Removes the sealed store, and nothing that is not part of one.
///
/// # Errors
/// When the folder cannot be read, or a file in it cannot be removed.
pub fn clear(folder: &Path) -> Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    let entries = std::fs::read_dir(folder)
        .with_context(|| format!("cannot read the data folder {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_file() {
            std::fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    tracing::info!(folder = %folder.display(), "removed the sealed store");
    Ok(())
}
