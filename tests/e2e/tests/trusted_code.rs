// SPDX-License-Identifier: Apache-2.0
//! Holds `docs/src/trusted-code.md` against the workspace: how much code has to be trusted, and why each dependency is
//! there. Also that each trusted crate keeps the lints that the page promises.
//!
//! After a change of the trusted code: `scripts/trusted-code.sh`, and commit the page.

#[path = "trusted_code/lines.rs"]
mod lines;
#[path = "trusted_code/packages.rs"]
mod packages;
#[path = "trusted_code/reasons.rs"]
mod reasons;

use packages::Package;
use reasons::REASONS;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

/// The crates that are linked into the enclave, with their folders and the roots of their module trees.
const TRUSTED: &[(&str, &str, &[&str])] = &[
    ("offstage-primitives", "crates/shared/primitives", &["lib.rs"]),
    ("offstage-attestation", "crates/shared/attestation", &["lib.rs"]),
    ("offstage-envelope", "crates/shared/envelope", &["lib.rs"]),
    ("offstage-protocol", "crates/shared/protocol", &["lib.rs"]),
    ("offstage-light-client", "crates/shared/light-client", &["lib.rs"]),
    ("offstage-sdk", "crates/trusted/sdk", &["lib.rs"]),
    ("offstage-enclave", "crates/trusted/enclave", &["lib.rs"]),
    ("offstage-balances-interface", "templates/balances/interface", &["lib.rs"]),
    ("offstage-balances", "templates/balances", &["lib.rs", "main.rs"]),
];

/// The folders of trusted crates, each with one `clippy.toml`.
const ZONES: [&str; 3] = ["crates/shared", "crates/trusted", "templates"];

/// What every trusted crate denies outside tests.
const DENIED: &[&str] = &[
    "clippy::unwrap_used",
    "clippy::expect_used",
    "clippy::panic",
    "clippy::indexing_slicing",
    "clippy::arithmetic_side_effects",
    "clippy::unreachable",
    "clippy::todo",
    "clippy::unimplemented",
    "clippy::disallowed_methods",
];

/// The lint that reads `clippy.toml`.
const BANS: &str = "clippy::disallowed_methods";

/// It does no input or output by being `no_std`, so it needs no list of what is banned.
const TYPES_ONLY: &str = "offstage-primitives";

/// What `clippy.toml` must ban at least.
const BANNED: &[&str] = &[
    "std::time::SystemTime::now",
    "std::time::Instant::now",
    "std::env::var",
    "std::env::var_os",
    "std::fs::read",
    "std::fs::File::open",
    "std::net::TcpStream::connect",
    "std::net::TcpListener::bind",
    "std::thread::spawn",
    "std::process::Command::new",
    "std::process::exit",
    "aws_lc_rs::rand::fill",
    "getrandom::fill",
];

#[test]
fn the_page_is_what_the_workspace_says() {
    let path = root().join("docs/src/trusted-code.md");
    let page = fs::read_to_string(&path).expect("docs/src/trusted-code.md is there");
    let mut fresh = page.clone();
    for (name, text) in
        [("lines", lines_table()), ("dependencies", dependency_table()), ("packages", package_lists())]
    {
        fresh = replace_section(&fresh, name, &text);
    }
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, fresh).expect("docs/src/trusted-code.md can be written");
        return;
    }
    let difference = page.lines().zip(fresh.lines()).find(|(old, new)| old != new);
    assert!(
        page == fresh,
        "docs/src/trusted-code.md is not what the workspace says; run scripts/trusted-code.sh, look at the difference, \
         and commit it. First difference: {difference:?}"
    );
}

#[test]
fn each_direct_dependency_has_a_reason_and_no_reason_is_left_over() {
    let wanted: BTreeSet<String> = direct_dependencies().into_keys().map(|package| package.name).collect();
    let given: BTreeSet<String> = REASONS.iter().map(|(name, _)| name.to_string()).collect();
    let missing: Vec<_> = wanted.difference(&given).collect();
    assert!(
        missing.is_empty(),
        "trusted crates depend on {missing:?} without a reason; remove the dependency, or write its reason into \
         tests/e2e/tests/trusted_code/reasons.rs and run scripts/trusted-code.sh"
    );
    let left: Vec<_> = given.difference(&wanted).collect();
    assert!(
        left.is_empty(),
        "no trusted crate depends on {left:?}; remove it from tests/e2e/tests/trusted_code/reasons.rs"
    );
    assert!(REASONS.iter().all(|(_, reason)| !reason.is_empty()), "a reason is empty");
}

#[test]
fn each_trusted_crate_denies_what_can_panic() {
    for (name, folder, roots) in TRUSTED {
        for file in *roots {
            let source = fs::read_to_string(root().join(folder).join("src").join(file)).expect("a root file");
            assert!(source.contains("#![forbid(unsafe_code)]"), "{name}: {file} must forbid unsafe_code");
            if *name == TYPES_ONLY {
                assert!(source.contains("#![cfg_attr(not(feature = \"std\"), no_std)]"), "{name} is no_std");
            }
            let denied = inner_attribute(&source, "#![cfg_attr(\n    not(test),\n    deny(");
            for lint in DENIED.iter().filter(|lint| *name != TYPES_ONLY || **lint != BANS) {
                let listed = denied.split([',', '\n']).any(|item| item.trim() == *lint);
                assert!(listed, "{name}: {file} must deny {lint} outside tests");
            }
        }
    }
}

#[test]
fn each_trusted_crate_bans_ambient_authority() {
    for (name, folder, _) in TRUSTED.iter().filter(|(name, ..)| *name != TYPES_ONLY) {
        // Clippy takes the nearest file: a crate's own would hide its zone's.
        let zone = Path::new(folder).ancestors().find(|path| root().join(path).join("clippy.toml").exists());
        let zone = zone.and_then(Path::to_str).filter(|zone| ZONES.contains(zone));
        let zone = zone.unwrap_or_else(|| panic!("{name}: its zone, one of {ZONES:?}, has the clippy.toml"));
        let path = root().join(zone).join("clippy.toml");
        let banned =
            fs::read_to_string(&path).unwrap_or_else(|_| panic!("{name}: its zone has no clippy.toml"));
        for method in BANNED {
            let entry = format!("path = \"{method}\", reason = \"");
            assert!(banned.contains(&entry), "{name}: clippy.toml must ban {method}, with a reason");
        }
    }
}

/// The list of trusted crates is complete: it is what the enclave's binary links of this workspace.
#[test]
fn the_trusted_crates_are_those_that_the_enclave_links() {
    let linked: BTreeSet<String> = packages::linked()
        .into_iter()
        .map(|package| package.name)
        .filter(|name| name.starts_with("offstage-"))
        .collect();
    let listed: BTreeSet<String> = TRUSTED.iter().map(|(name, ..)| name.to_string()).collect();
    assert_eq!(linked, listed);
}

fn lines_table() -> String {
    let mut table = String::from("| crate | folder | files | lines |\n|---|---|---:|---:|\n");
    let (mut files, mut lines) = (0, 0);
    for (name, folder, roots) in TRUSTED {
        let count = lines::count(&root().join(folder).join("src"), roots);
        writeln!(table, "| {name} | `{folder}` | {} | {} |", count.files, count.lines).expect("text");
        files += count.files;
        lines += count.lines;
    }
    writeln!(table, "| **all** | | {files} | **{lines}** |").expect("text");
    table
}

fn dependency_table() -> String {
    let mut table = String::from("| dependency | version | used by | reason |\n|---|---|---|---|\n");
    for (package, users) in direct_dependencies() {
        let reason = REASONS.iter().find(|(name, _)| *name == package.name).map_or("", |(_, reason)| reason);
        let users: Vec<_> = users.iter().map(|user| user.trim_start_matches("offstage-")).collect();
        writeln!(table, "| {} | {} | {} | {reason} |", package.name, package.version, users.join(", "))
            .expect("text");
    }
    table
}

fn package_lists() -> String {
    let linked = packages::linked();
    let compiled = packages::compiled();
    let helpers: BTreeSet<_> = compiled.difference(&linked).cloned().collect();
    let more: BTreeSet<_> = packages::linked_by_make().difference(&linked).cloned().collect();
    let (outside, own): (Vec<_>, Vec<_>) =
        linked.iter().partition(|package| !package.name.starts_with("offstage-"));
    format!(
        "### Linked: {} packages, of which {} are ours\n\n{}\n\
         ### Run while compiling: {} packages\n\
         Procedural macros, build scripts, and what they are made of. They are not linked, but they write code that \
         is.\n\n{}\n\
         ### Linked in addition by `make`: {} packages\n\n{}",
        outside.len() + own.len(),
        own.len(),
        list(&linked),
        helpers.len(),
        list(&helpers),
        more.len(),
        list(&more),
    )
}

fn list(packages: &BTreeSet<Package>) -> String {
    let mut text = String::from("```text\n");
    for Package { name, version } in packages {
        writeln!(text, "{name} {version}").expect("text");
    }
    text.push_str("```\n");
    text
}

/// Each package outside the workspace that a trusted crate names, and the crates that name it.
fn direct_dependencies() -> BTreeMap<Package, BTreeSet<String>> {
    let trusted: BTreeSet<&str> = TRUSTED.iter().map(|(name, ..)| *name).collect();
    let mut dependencies = packages::direct(&trusted);
    dependencies.retain(|package, _| !trusted.contains(package.name.as_str()));
    dependencies
}

/// What is between `start` and the line that closes it.
fn inner_attribute<'a>(source: &'a str, start: &str) -> &'a str {
    source.split_once(start).and_then(|(_, rest)| rest.split_once("\n)]")).map_or("", |(inner, _)| inner)
}

/// Replaces what is between the markers of a section.
fn replace_section(page: &str, name: &str, text: &str) -> String {
    let (begin, end) = (format!("<!-- begin {name} -->\n"), format!("<!-- end {name} -->"));
    let (before, rest) = page.split_once(&begin).unwrap_or_else(|| panic!("the page lacks {begin}"));
    let (_, after) = rest.split_once(&end).unwrap_or_else(|| panic!("the page lacks {end}"));
    format!("{before}{begin}\n{text}\n{end}{after}")
}

fn root() -> PathBuf {
    offstage_e2e::workspace::root()
}
