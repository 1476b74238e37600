// SPDX-License-Identifier: Apache-2.0
//! What Cargo compiles for the enclave, by Cargo's own answer.
//!
//! `cargo metadata` names the direct dependencies. It does not say which optional packages a build really takes,
//! because it joins the features of build scripts, tests and all members; `cargo tree` does.

use offstage_e2e::workspace::{self, Metadata};
use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

/// A package of the lock file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
}

/// What is linked into the enclave's binary when it is built by itself.
pub(crate) fn linked() -> BTreeSet<Package> {
    reachable(&["--package", ENCLAVE], "normal,no-proc-macro")
}

/// What is compiled for it, procedural macros and build scripts included.
pub(crate) fn compiled() -> BTreeSet<Package> {
    reachable(&["--package", ENCLAVE], "normal,build")
}

/// What is linked into it when all members are built at once: Cargo then gives each package the features that any
/// member asks for.
pub(crate) fn linked_by_make() -> BTreeSet<Package> {
    reachable(&["--workspace"], "normal,no-proc-macro")
}

/// Each package that one of these members names as a normal, not optional dependency, and who names it.
pub(crate) fn direct(members: &BTreeSet<&str>) -> BTreeMap<Package, BTreeSet<String>> {
    let metadata = Metadata::of_target(TARGET).expect("cargo metadata runs");
    let nodes = &metadata.resolve.as_ref().expect("a resolved graph").nodes;
    let mut direct = BTreeMap::<Package, BTreeSet<String>>::new();
    for node in nodes {
        let member = metadata.package(&node.id).expect("a package");
        if !members.contains(member.name.as_str()) {
            continue;
        }
        for dependency in &node.deps {
            let package = metadata.package(&dependency.pkg).expect("a package");
            let counts = member.dependencies.iter().any(|declared| {
                declared.name == package.name
                    && declared.is_normal()
                    && (!declared.optional || is_default(member, &declared.name))
            });
            if counts {
                let package =
                    Package { name: package.name.to_string(), version: package.version.to_string() };
                direct.entry(package).or_default().insert(member.name.to_string());
            }
        }
    }
    direct
}

/// Whether a default feature takes an optional dependency. In this workspace `std` is such a feature.
fn is_default(member: &workspace::Package, dependency: &str) -> bool {
    let enabled = member.features.get("std").into_iter().flatten();
    enabled.into_iter().any(|feature| *feature == format!("dep:{dependency}"))
}

/// The packages that the enclave's package reaches over these kinds of edges, itself included.
fn reachable(selection: &[&str], edges: &str) -> BTreeSet<Package> {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--target", TARGET, "--manifest-path"])
        .arg(workspace::manifest())
        .args(["--prefix", "depth", "--format", " {p}", "--edges", edges])
        .args(selection)
        // An experiment of Cargo's that would join the features of all members.
        .env_remove("CARGO_RESOLVER_FEATURE_UNIFICATION")
        .output()
        .expect("cargo tree runs");
    assert!(tree.status.success(), "cargo tree: {}", String::from_utf8_lossy(&tree.stderr));
    let graph = graph(&String::from_utf8(tree.stdout).expect("text"));
    let start = graph.keys().find(|package| package.name == ENCLAVE).expect("the enclave's package");
    let mut reached = BTreeSet::new();
    let mut waiting = vec![start.clone()];
    while let Some(package) = waiting.pop() {
        if reached.insert(package.clone()) {
            waiting.extend(graph.get(&package).into_iter().flatten().cloned());
        }
    }
    reached
}

/// Reads lines `<depth> <name> v<version> …`. A package's subtree is printed once; later it is only named.
fn graph(tree: &str) -> BTreeMap<Package, BTreeSet<Package>> {
    let mut graph = BTreeMap::<_, BTreeSet<_>>::new();
    let mut above: Vec<Package> = Vec::new();
    for line in tree.lines().filter(|line| !line.is_empty()) {
        let mut words = line.split(' ');
        let depth: usize = words.next().and_then(|depth| depth.parse().ok()).expect("a depth");
        let name = words.next().expect("a name").to_owned();
        let version =
            words.next().and_then(|version| version.strip_prefix('v')).expect("a version").to_owned();
        let package = Package { name, version };
        above.truncate(depth);
        graph.entry(package.clone()).or_default();
        if let Some(parent) = above.last() {
            graph.entry(parent.clone()).or_default().insert(package.clone());
        }
        above.push(package);
    }
    graph
}

const ENCLAVE: &str = "offstage-balances";
const TARGET: &str = "x86_64-unknown-linux-gnu";
