// SPDX-License-Identifier: Apache-2.0
//! The seeds of the fuzz targets as files: `fuzz/corpus/<target>/<name>`.
//!
//! The crates under test include this file in their unit tests. So the tests that feed each seed to its target, and
//! those that write the seeds, are compiled and run with everything else.

#![allow(clippy::disallowed_methods, reason = "trusted code may not read files; these tests may")]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A target's name and its function.
pub(crate) type Target = (&'static str, fn(&[u8]));

/// Feeds every seed of these targets to its function, which panics when a property does not hold. Each target has
/// seeds.
pub(crate) fn replay(targets: &[Target]) {
    for (name, function) in targets {
        let seeds = fs::read_dir(folder(name)).unwrap_or_else(|error| panic!("{name} has no seeds: {error}"));
        let mut count = 0;
        for seed in seeds {
            let path = seed.unwrap().path();
            println!("{}", path.display());
            function(&fs::read(path).unwrap());
            count += 1;
        }
        assert!(count > 0, "{name} has no seeds");
        function(&[]);
    }
}

/// Replaces the seeds of a target.
pub(crate) fn write<'a>(target: &str, seeds: impl IntoIterator<Item = (&'a str, Vec<u8>)>) {
    let folder = folder(target);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    for (name, bytes) in seeds {
        fs::write(folder.join(name), bytes).unwrap();
    }
}

fn folder(target: &str) -> PathBuf {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .map(|folder| folder.join("fuzz/corpus"))
        .find(|corpus| corpus.is_dir());
    corpus.expect("the crate is in the repository").join(target)
}

/// A vector of the crate under test, by its path in the crate.
#[allow(dead_code, reason = "not every crate has vectors")]
pub(crate) fn vector(path: &str) -> Vec<u8> {
    fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}
