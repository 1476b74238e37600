// SPDX-License-Identifier: Apache-2.0
//! Where the programs of Offstage are.

use crate::DevnetError;
use std::path::{Path, PathBuf};

/// The programs that a network runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Programs {
    /// `offstage-node`.
    pub node: PathBuf,
    /// `offstage-worker`.
    pub worker: PathBuf,
}

impl Programs {
    /// The programs in `folder`; without one, those beside this program, and then those in the folders of `path`, which
    /// is written as the variable PATH is.
    ///
    /// # Errors
    /// [`DevnetError::NoProgram`].
    pub fn find(folder: Option<&Path>, path: &str) -> Result<Self, DevnetError> {
        let folders: Vec<PathBuf> = match folder {
            Some(folder) => vec![folder.to_owned()],
            None => {
                let own = std::env::current_exe().ok();
                let own = own.and_then(|program| program.parent().map(Path::to_owned));
                own.into_iter().chain(std::env::split_paths(path)).collect()
            }
        };
        let place = match folder {
            Some(folder) => format!("in {}", folder.display()),
            None => "beside this program or on PATH".to_owned(),
        };
        let find = |name: &'static str| {
            let found = folders.iter().map(|folder| folder.join(name)).find(|path| path.is_file());
            found
                .and_then(|path| path.canonicalize().ok())
                .ok_or_else(|| DevnetError::NoProgram { name, place: place.clone() })
        };
        Ok(Self { node: find("offstage-node")?, worker: find("offstage-worker")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_one_line_that_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().canonicalize().unwrap();
        std::fs::write(folder.join("offstage-node"), "").unwrap();
        let told = Programs::find(Some(&folder), "").unwrap_err().to_string();
        assert!(told.starts_with("there is no offstage-worker in "), "{told}");
        assert!(told.contains("make build") && told.contains("--bin-dir") && !told.contains('\n'), "{told}");
        std::fs::write(folder.join("offstage-worker"), "").unwrap();
        let found = Programs::find(Some(&folder), "").unwrap();
        assert_eq!(found.node, folder.join("offstage-node"));
        let path = format!("/nowhere:{}", folder.display());
        assert_eq!(Programs::find(None, &path).unwrap().worker, folder.join("offstage-worker"));
    }
}
