// SPDX-License-Identifier: Apache-2.0
//! What makes workers differ is refused by clippy in an author's crate: with the `clippy.toml` that is copied along,
//! and the lints of an example's manifest.
#![expect(clippy::disallowed_methods, reason = "it runs clippy, on a file that it writes")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

#[test]
fn what_makes_workers_differ_is_refused_in_an_authors_crate() {
    let pitfalls = [
        (
            "pub fn f(map: &std::collections::HashMap<u8, u8>) -> usize { map.keys().count() }",
            "disallowed_types",
        ),
        ("pub fn f() -> Option<String> { std::env::var(\"HOME\").ok() }", "disallowed_methods"),
        ("pub fn f() -> std::time::SystemTime { std::time::SystemTime::now() }", "disallowed_methods"),
        ("pub fn f() { std::thread::sleep(std::time::Duration::ZERO) }", "disallowed_methods"),
        ("pub fn f(a: f64) -> f64 { a * 1.5 }", "float_arithmetic"),
        ("pub fn f(a: u8) -> u8 { a + 1 }", "arithmetic_side_effects"),
        ("pub fn f(a: &[u8]) -> u8 { a[0] }", "indexing_slicing"),
        ("pub fn f(a: Option<u8>) -> u8 { a.unwrap() }", "unwrap_used"),
    ];
    let harmless = "use std::collections::BTreeMap;\npub fn f(map: &BTreeMap<u8, u8>) -> usize { map.len() }";
    for manifest in manifests() {
        let lints = lints(&manifest);
        let (passes, said) = clippy(&lints, harmless);
        assert!(passes, "{}: {said}", manifest.display());
        for (source, lint) in pitfalls {
            let (passes, said) = clippy(&lints, source);
            assert!(!passes && said.contains(lint), "{}: {lint}: {said}", manifest.display());
        }
    }
}

/// The manifests that authors begin with.
fn manifests() -> Vec<PathBuf> {
    let examples = fs::read_dir(root().join("examples")).unwrap();
    let manifests = examples.map(|entry| entry.unwrap().path().join("Cargo.toml"));
    let mut manifests: Vec<_> = manifests.filter(|path| path.is_file()).collect();
    assert!(manifests.len() >= 3);
    manifests.push(root().join("templates/empty/Cargo.toml"));
    manifests
}

/// The lints that a manifest denies.
fn lints(manifest: &Path) -> Vec<String> {
    let text = fs::read_to_string(manifest).unwrap();
    let (_, section) = text.split_once("[lints.clippy]\n").expect("the manifest has lints");
    let lines = section.lines().take_while(|line| !line.starts_with('['));
    lines.filter_map(|line| Some(format!("clippy::{}", line.strip_suffix(" = \"deny\"")?))).collect()
}

/// Whether clippy lets a source pass, and what it says.
fn clippy(lints: &[String], source: &str) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lib.rs");
    fs::write(&file, source).unwrap();
    let output = Command::new("clippy-driver")
        .args(["--edition", "2024", "--crate-type", "lib", "--emit", "metadata", "--out-dir"])
        .args([folder.path(), &file])
        .args(lints.iter().flat_map(|lint| ["-D", lint]))
        // Where the toolchain is pinned, and which methods and types are refused.
        .current_dir(root())
        .env("CLIPPY_CONF_DIR", root().join("templates"))
        .output()
        .unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..")
}
