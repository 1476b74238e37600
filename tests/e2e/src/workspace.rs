// SPDX-License-Identifier: Apache-2.0
//! What `cargo metadata` says about the workspace; as much of it as the tests ask for.
//!
//! The crate `cargo_metadata` would do the same, but it asks for features of `serde_json` and `semver` that nothing
//! else here has. Cargo would then compile polkadot-sdk a second time for the tests.

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

/// All packages, and how they depend on each other.
#[derive(Deserialize)]
pub struct Metadata {
    /// The packages that were asked for.
    pub packages: Vec<Package>,
    /// The resolved graph; absent when only the members were asked for.
    pub resolve: Option<Graph>,
}

/// A package, as its manifest says.
#[derive(Deserialize)]
pub struct Package {
    /// Unique among all packages.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Where its manifest is.
    pub manifest_path: PathBuf,
    /// What it may depend on.
    pub dependencies: Vec<Dependency>,
    /// What each of its features takes.
    pub features: BTreeMap<String, Vec<String>>,
}

/// A dependency, as a manifest says.
#[derive(Deserialize)]
pub struct Dependency {
    /// Name of the package.
    pub name: String,
    /// `dev`, `build`, or absent for a normal one.
    pub kind: Option<String>,
    /// Whether a feature decides about it.
    pub optional: bool,
}

/// The resolved graph.
#[derive(Deserialize)]
pub struct Graph {
    /// One for each package.
    pub nodes: Vec<Node>,
}

/// A package in the graph.
#[derive(Deserialize)]
pub struct Node {
    /// Its id.
    pub id: String,
    /// What it depends on.
    pub deps: Vec<Edge>,
}

/// An edge of the graph.
#[derive(Deserialize)]
pub struct Edge {
    /// Id of the package.
    pub pkg: String,
}

impl Metadata {
    /// The members of the workspace only.
    ///
    /// # Errors
    /// When Cargo fails.
    pub fn of_members() -> Result<Self> {
        Self::read(&["--no-deps"])
    }

    /// All packages that are compiled for this target.
    ///
    /// # Errors
    /// When Cargo fails.
    pub fn of_target(target: &str) -> Result<Self> {
        Self::read(&["--filter-platform", target])
    }

    /// The package with this id.
    ///
    /// # Errors
    /// When there is none.
    pub fn package(&self, id: &str) -> Result<&Package> {
        self.packages.iter().find(|package| package.id == id).with_context(|| format!("no package {id}"))
    }

    fn read(options: &[&str]) -> Result<Self> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .args(["metadata", "--format-version", "1", "--locked", "--manifest-path"])
            .arg(manifest())
            .args(options)
            .output()
            .context("cannot run cargo")?;
        ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).context("cargo metadata has another form")
    }
}

impl Dependency {
    /// Whether it is part of what is built, and not of build scripts or tests.
    pub fn is_normal(&self) -> bool {
        self.kind.is_none()
    }

    /// Whether it is for tests only.
    pub fn is_for_tests(&self) -> bool {
        self.kind.as_deref() == Some("dev")
    }
}

/// Lets a command know nothing of the package whose test starts it. What Cargo tells a test of that would be another
/// package's to a build that the command starts, and some build scripts would run again because of it.
pub fn as_from_a_shell(command: &mut Command) -> &mut Command {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    for name in names.filter(|name| PACKAGE.iter().any(|begins| name.starts_with(begins))) {
        command.env_remove(name);
    }
    command
}

const PACKAGE: [&str; 2] = ["CARGO_PKG_", "CARGO_MANIFEST_"];

/// The workspace's manifest.
pub fn manifest() -> PathBuf {
    root().join("Cargo.toml")
}

/// The workspace's folder. Cargo says where it is when it runs a test; what was true at compile time is of no use,
/// because clones share what is compiled. Outside of Cargo it is the current folder.
pub fn root() -> PathBuf {
    match std::env::var_os("CARGO_MANIFEST_DIR") {
        Some(package) => Path::new(&package).join("../.."),
        None => PathBuf::from("."),
    }
}
