// SPDX-License-Identifier: Apache-2.0
//! Where the SDK is.

use super::{NewError, error::io};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// A checkout of Offstage.
#[derive(Debug)]
pub(super) struct Sdk(PathBuf);

impl Sdk {
    /// The checkout that the user named; without one, that which `program` or the folder `here` is in.
    pub(super) fn find(named: Option<&Path>, program: Option<&Path>, here: &Path) -> Result<Self, NewError> {
        if let Some(named) = named {
            let found = named.canonicalize().ok().filter(|folder| is_checkout(folder));
            return found
                .map(Self)
                .ok_or_else(|| NewError::NoSdk { place: format!("at {}", named.display()) });
        }
        let program = program.and_then(|program| program.canonicalize().ok());
        let around = program.iter().map(PathBuf::as_path).chain([here]).flat_map(Path::ancestors);
        let mut found = around.filter(|folder| is_checkout(folder)).map(Path::to_owned);
        found
            .next()
            .map(Self)
            .ok_or_else(|| NewError::NoSdk { place: "around this program or this folder".to_owned() })
    }

    /// Its folder.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// The text of one of its files.
    pub(super) fn read(&self, path: &str) -> Result<String, NewError> {
        let path = self.0.join(path);
        fs::read_to_string(&path).map_err(io("read", &path))
    }
}

fn is_checkout(folder: &Path) -> bool {
    ["crates/trusted/sdk/Cargo.toml", "templates/new/README.md"]
        .iter()
        .all(|file| folder.join(file).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sdk_is_the_one_that_is_named_or_that_the_program_is_in() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().canonicalize().unwrap();
        let checkout = folder.join("checkout");
        for file in ["crates/trusted/sdk/Cargo.toml", "templates/new/README.md", "bin/offstage"] {
            let path = checkout.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let find = |named: Option<&Path>, program: &str, here: &str| {
            Sdk::find(named, Some(&folder.join(program)), &folder.join(here)).map(|Sdk(path)| path)
        };
        for (named, program, here) in [
            (Some(checkout.as_path()), "elsewhere/offstage", "mine"),
            (None, "checkout/bin/offstage", "mine"),
            (None, "elsewhere/offstage", "checkout/crates"),
        ] {
            assert_eq!(find(named, program, here).unwrap(), checkout, "{named:?} {program} {here}");
        }
        let told = find(Some(&folder), "checkout/bin/offstage", "mine").unwrap_err().to_string();
        assert!(told.starts_with("there is no checkout of Offstage at ") && told.contains("--sdk"), "{told}");
        assert!(find(None, "elsewhere/offstage", "mine").is_err());
    }
}
