// SPDX-License-Identifier: Apache-2.0
//! Holds the dependency table of ARCHITECTURE.md against what Cargo says: trusted code never depends on untrusted code.

use offstage_e2e::workspace::{self, Metadata};
use std::collections::{BTreeMap, BTreeSet};

/// Each package of the workspace and the packages of the workspace that it may depend on. Development dependencies
/// are free: they are in no binary.
const TABLE: &[(&str, &[&str])] = &[
    ("offstage-primitives", &[]),
    ("offstage-attestation", &["offstage-primitives"]),
    ("offstage-envelope", &["offstage-primitives"]),
    ("offstage-protocol", &["offstage-primitives"]),
    ("offstage-light-client", &["offstage-primitives"]),
    ("offstage-sdk", &["offstage-primitives"]),
    (
        "offstage-enclave",
        &[
            "offstage-attestation",
            "offstage-envelope",
            "offstage-light-client",
            "offstage-primitives",
            "offstage-protocol",
            "offstage-sdk",
        ],
    ),
    ("offstage-balances-interface", &["offstage-primitives"]),
    (
        "offstage-balances",
        &["offstage-balances-interface", "offstage-enclave", "offstage-primitives", "offstage-sdk"],
    ),
    ("offstage-worker", &["offstage-primitives", "offstage-protocol"]),
    (
        "offstage-client",
        &[
            "offstage-attestation",
            "offstage-balances-interface",
            "offstage-envelope",
            "offstage-light-client",
            "offstage-primitives",
        ],
    ),
    ("pallet-teerex", &["offstage-primitives"]),
    ("pallet-enclave-bridge", &["offstage-primitives", "pallet-teerex"]),
    // The runtime names the host function; only its native side, in the node, reaches the attestation crate.
    (
        "offstage-runtime",
        &["offstage-attestation", "offstage-primitives", "pallet-enclave-bridge", "pallet-teerex"],
    ),
    ("offstage-node", &["offstage-attestation", "offstage-primitives", "offstage-runtime", "pallet-teerex"]),
    (
        "offstage-e2e",
        &[
            "offstage-attestation",
            "offstage-balances",
            "offstage-balances-interface",
            "offstage-client",
            "offstage-enclave",
            "offstage-primitives",
            "offstage-sdk",
        ],
    ),
];

/// `package -> packages of the workspace that it depends on`, development dependencies left out.
fn actual() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = Metadata::of_members().expect("cargo metadata runs");
    let names: BTreeSet<String> = metadata.packages.iter().map(|package| package.name.to_string()).collect();
    metadata
        .packages
        .iter()
        .map(|package| {
            let inside = package
                .dependencies
                .iter()
                .filter(|dependency| !dependency.is_for_tests() && names.contains(&dependency.name))
                .map(|dependency| dependency.name.clone());
            (package.name.to_string(), inside.collect())
        })
        .collect()
}

#[test]
fn every_package_keeps_to_the_table() {
    let table: BTreeMap<&str, BTreeSet<&str>> =
        TABLE.iter().map(|(package, allowed)| (*package, allowed.iter().copied().collect())).collect();
    for (package, dependencies) in actual() {
        let allowed = table.get(package.as_str()).unwrap_or_else(|| panic!("{package} is not in the table"));
        for dependency in dependencies {
            assert!(allowed.contains(dependency.as_str()), "{package} must not depend on {dependency}");
        }
    }
}

#[test]
fn the_table_names_no_package_that_is_gone() {
    let actual = actual();
    for (package, _) in TABLE {
        assert!(actual.contains_key(*package), "{package} is in the table but not in the workspace");
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
