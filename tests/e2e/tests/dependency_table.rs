// SPDX-License-Identifier: Apache-2.0
//! Holds the dependency table of ARCHITECTURE.md against what Cargo says: trusted code never depends on untrusted code.

use offstage_e2e::workspace::{self, Metadata};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

/// Each package of the workspace and the packages of the workspace that it may depend on, as ARCHITECTURE.md says.
/// Development dependencies are free: they are in no binary.
fn table() -> BTreeMap<String, BTreeSet<String>> {
    let path = workspace::root().join("ARCHITECTURE.md");
    let page =
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()));
    parse(&page)
}

/// The table under [`HEADING`]. A name is that of a package without [`PREFIXES`].
fn parse(page: &str) -> BTreeMap<String, BTreeSet<String>> {
    let (_, after) =
        page.split_once(HEADING).unwrap_or_else(|| panic!("ARCHITECTURE.md has no heading `{HEADING}`"));
    let rows =
        after.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    let mut table = BTreeMap::new();
    for row in rows.skip(2) {
        let mut cells = row.trim_matches('|').split('|').map(names);
        let (packages, allowed) = (cells.next().unwrap_or_default(), cells.next().unwrap_or_default());
        assert!(!packages.is_empty(), "a row without a package: {row}");
        for package in packages {
            assert!(!table.contains_key(&package), "{package} has two rows");
            table.insert(package, allowed.clone());
        }
    }
    table
}

fn names(cell: &str) -> BTreeSet<String> {
    cell.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}

/// `package -> packages of the workspace that it depends on`, development dependencies left out.
fn actual() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = Metadata::of_members().expect("cargo metadata runs");
    let members: BTreeSet<&str> = metadata.packages.iter().map(|package| package.name.as_str()).collect();
    metadata
        .packages
        .iter()
        .map(|package| {
            let inside = package
                .dependencies
                .iter()
                .filter(|dependency| !dependency.is_for_tests() && members.contains(dependency.name.as_str()))
                .map(|dependency| short(&dependency.name));
            (short(&package.name), inside.collect())
        })
        .collect()
}

fn short(package: &str) -> String {
    PREFIXES.iter().find_map(|prefix| package.strip_prefix(prefix)).unwrap_or(package).to_owned()
}

#[test]
fn every_package_keeps_to_the_table() {
    let table = table();
    for (package, dependencies) in actual() {
        let allowed = table.get(&package).unwrap_or_else(|| {
            panic!("{package} is not in the table of ARCHITECTURE.md, \"Who may depend on whom\"")
        });
        for dependency in dependencies {
            assert!(allowed.contains(&dependency), "{package} must not depend on {dependency}");
        }
    }
}

#[test]
fn the_table_names_no_package_that_is_gone() {
    let actual = actual();
    for (package, allowed) in table() {
        for name in allowed.iter().chain([&package]) {
            assert!(
                actual.contains_key(name),
                "{name} is in the table of ARCHITECTURE.md but not in the workspace"
            );
        }
    }
}

/// The pallets' wasm side, the runtime, must not reach the attestation crate at all.
#[test]
fn the_runtime_reaches_attestation_only_natively() {
    let manifest = std::fs::read_to_string(workspace::root().join("chain/runtime/Cargo.toml")).unwrap();
    let line = manifest.lines().find(|line| line.starts_with("offstage-attestation"));
    assert!(
        line.is_none_or(|line| line.contains("optional = true")),
        "offstage-attestation must be optional in the runtime"
    );
}

/// The heading over the table.
const HEADING: &str = "### Who may depend on whom";

/// What the table leaves out of packages' names.
const PREFIXES: &[&str] = &["offstage-", "pallet-"];

#[test]
fn the_table_is_read_as_it_is_written() {
    let page = format!(
        "| a | b |\n{HEADING}\ntext\n\n| package | may | why |\n|---|---|---|\n\
         | x, y | z | so |\n| z | | |\n\n| q | r |\n"
    );
    let table = parse(&page);
    assert_eq!(table.keys().collect::<Vec<_>>(), ["x", "y", "z"]);
    assert_eq!((table["x"].len(), table["y"].contains("z"), table["z"].is_empty()), (1, true, true));
}
