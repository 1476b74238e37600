// SPDX-License-Identifier: Apache-2.0
//! The author's crate: where it is, which program of it is the enclave, and whether its sources have changed.

use crate::{DevnetError, error::io};
use serde_json::Value;
use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    process::Command,
    time::SystemTime,
};

/// The author's crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// The folder of its manifest.
    pub folder: PathBuf,
    /// The enclave's program, by its name in the manifest.
    pub binary: String,
    /// Where a release build puts it.
    pub enclave: PathBuf,
}

impl Author {
    /// The crate that `from` is in. `binary` names the enclave's program, where the crate has several.
    ///
    /// # Errors
    /// When there is no crate, or it is not plain which of its programs is the enclave.
    pub fn find(from: &Path, binary: Option<&str>) -> Result<Self, DevnetError> {
        let folder = folder_of_crate(from)?;
        let manifest = folder.join(MANIFEST);
        let failed = |reason: String| DevnetError::Cargo { manifest: manifest.clone(), reason };
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .args(["metadata", "--no-deps", "--format-version", "1", "--manifest-path"])
            .arg(&manifest)
            .output()
            .map_err(|source| DevnetError::Start { name: "cargo".to_owned(), source })?;
        if !output.status.success() {
            let told = String::from_utf8_lossy(&output.stderr);
            return Err(failed(told.split_whitespace().collect::<Vec<_>>().join(" ")));
        }
        let metadata: Value =
            serde_json::from_slice(&output.stdout).map_err(|error| failed(error.to_string()))?;
        let found = binary_of(&metadata, &manifest, binary)
            .map_err(|found| DevnetError::Binaries { manifest: manifest.clone(), found })?;
        let target = metadata["target_directory"].as_str().unwrap_or_default();
        let enclave = Path::new(target).join("release").join(&found);
        Ok(Self { folder, binary: found, enclave })
    }

    /// A number that changes when a source does: code and manifests, but not what Cargo makes of them.
    pub fn fingerprint(&self) -> u64 {
        let mut files = Vec::new();
        collect(&self.folder, &mut files);
        files.sort();
        let mut hasher = DefaultHasher::new();
        files.hash(&mut hasher);
        hasher.finish()
    }
}

/// The nearest folder with a manifest, from `from` upwards.
///
/// # Errors
/// [`DevnetError::NoCrate`].
pub fn folder_of_crate(from: &Path) -> Result<PathBuf, DevnetError> {
    let from = from.canonicalize().map_err(io("find", from))?;
    let found = from.ancestors().find(|folder| folder.join(MANIFEST).is_file()).map(Path::to_owned);
    found.ok_or(DevnetError::NoCrate { folder: from })
}

/// The program that is the enclave, or what there is instead of it.
fn binary_of(metadata: &Value, manifest: &Path, wanted: Option<&str>) -> Result<String, String> {
    let packages = metadata["packages"].as_array().cloned().unwrap_or_default();
    let package =
        packages.iter().find(|package| package["manifest_path"].as_str().map(Path::new) == Some(manifest));
    let targets = package.and_then(|package| package["targets"].as_array()).cloned().unwrap_or_default();
    let is_program =
        |target: &&Value| target["kind"].as_array().is_some_and(|kind| kind.contains(&"bin".into()));
    let names: Vec<&str> =
        targets.iter().filter(is_program).filter_map(|target| target["name"].as_str()).collect();
    let default = package.and_then(|package| package["default_run"].as_str());
    match (wanted.or(default), names.as_slice()) {
        (Some(wanted), names) if names.contains(&wanted) => Ok(wanted.to_owned()),
        (Some(wanted), names) => Err(format!("no program {wanted}, but {}", listed(names))),
        (None, [only]) => Ok((*only).to_owned()),
        (None, names) => Err(listed(names)),
    }
}

fn listed(names: &[&str]) -> String {
    if names.is_empty() { "no program".to_owned() } else { format!("the programs {}", names.join(", ")) }
}

fn collect(folder: &Path, files: &mut Vec<(PathBuf, Option<SystemTime>, u64)>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let is_hidden = name.as_encoded_bytes().first() == Some(&b'.');
        let Ok(metadata) = entry.metadata() else { continue };
        if metadata.is_dir() && !is_hidden && name != "target" {
            collect(&path, files);
        } else if metadata.is_file() && path.extension().is_some_and(|kind| kind == "rs" || kind == "toml") {
            files.push((path, metadata.modified().ok(), metadata.len()));
        }
    }
}

const MANIFEST: &str = "Cargo.toml";

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn crate_in(folder: &Path) -> Author {
        fs::create_dir_all(folder.join("src/deep")).unwrap();
        fs::write(folder.join(MANIFEST), "[package]\nname = \"x\"\nedition = \"2024\"\n[workspace]\n")
            .unwrap();
        fs::write(folder.join("src/main.rs"), "fn main() {}").unwrap();
        Author::find(&folder.join("src/deep"), None).unwrap()
    }

    #[test]
    fn the_crate_and_its_program_are_found_from_within() {
        let folder = tempfile::tempdir().unwrap();
        let author = crate_in(folder.path());
        assert_eq!(author.folder, folder.path().canonicalize().unwrap());
        assert_eq!(author.binary, "x");
        assert!(author.enclave.ends_with("release/x"), "{author:?}");
        let told = Author::find(folder.path(), Some("y")).unwrap_err().to_string();
        assert!(told.contains("no program y, but the programs x: name the enclave's with --bin"), "{told}");
        fs::write(folder.path().join(MANIFEST), "[package]\nnonsense").unwrap();
        let told = Author::find(folder.path(), None).unwrap_err().to_string();
        assert!(told.starts_with("cargo does not understand") && !told.contains('\n'), "{told}");
        let nothing = tempfile::tempdir().unwrap();
        assert!(matches!(Author::find(nothing.path(), None), Err(DevnetError::NoCrate { .. })));
    }

    #[test]
    fn of_several_programs_one_is_named() {
        let manifest = Path::new("/x/Cargo.toml");
        let program = |name: &str| json!({ "kind": ["bin"], "name": name });
        let of = |targets: Value, default: Value, wanted: Option<&str>| {
            let package =
                json!({ "manifest_path": "/x/Cargo.toml", "targets": targets, "default_run": default });
            binary_of(&json!({ "packages": [package] }), manifest, wanted)
        };
        let two = json!([program("a"), program("b"), { "kind": ["lib"], "name": "c" }]);
        assert_eq!(of(two.clone(), Value::Null, None), Err("the programs a, b".to_owned()));
        assert_eq!(of(two.clone(), Value::Null, Some("b")), Ok("b".to_owned()));
        assert_eq!(of(two.clone(), json!("a"), None), Ok("a".to_owned()));
        assert_eq!(of(two, Value::Null, Some("c")), Err("no program c, but the programs a, b".to_owned()));
        assert_eq!(of(json!([]), Value::Null, None), Err("no program".to_owned()));
    }

    #[test]
    fn a_source_that_changes_comes_or_goes_is_seen_and_what_is_built_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let author = crate_in(folder.path());
        let mut last = author.fingerprint();
        let mut changed = || std::mem::replace(&mut last, author.fingerprint()) != last;
        for name in ["target/debug/made.rs", ".hidden/x.rs", "notes.md", "Cargo.lock"] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
            assert!(!changed(), "{name}");
        }
        let source = folder.path().join("src/deep/more.rs");
        fs::write(&source, "").unwrap();
        assert!(changed());
        fs::write(&source, "// longer").unwrap();
        assert!(changed());
        fs::remove_file(&source).unwrap();
        assert!(changed());
        fs::write(folder.path().join(MANIFEST), "[package]\n").unwrap();
        assert!(changed());
    }
}
