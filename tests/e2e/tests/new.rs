// SPDX-License-Identifier: Apache-2.0
//! `offstage new`: a crate of each template compiles and passes its tests as it is.

use anyhow::{Context, Result, ensure};
use offstage_e2e::{
    network::binary,
    workspace::{as_from_a_shell, root},
};
use std::process::Command;

/// Makes a crate of a template, outside of the repository, and runs its tests.
fn make_and_test(template: &str) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let made = Command::new(binary("offstage")?)
        .args(["new", "my-own", "--template", template, "--sdk"])
        .arg(root().canonicalize()?)
        .current_dir(folder.path())
        .output()?;
    ensure!(made.status.success(), "{template}: {}", String::from_utf8_lossy(&made.stderr));
    let mut tests = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    tests.args(["test", "--release", "--offline"]).current_dir(folder.path().join("my-own"));
    let status = as_from_a_shell(&mut tests).status().context("cannot run cargo")?;
    ensure!(status.success(), "the tests of {template}: {status}");
    Ok(())
}

#[test]
#[ignore = "it compiles the SDK for three crates, which takes minutes: `make templates`"]
fn a_new_crate_of_each_template_passes_its_tests() {
    for template in ["empty", "balances", "auction"] {
        make_and_test(template).expect("it works as it is");
    }
}

/// Mistakes are one line that says what to do, and leave nothing.
#[test]
fn mistakes_are_told_and_leave_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let sdk = root().canonicalize().expect("the repository");
    let sdk = sdk.to_str().expect("a path");
    std::fs::create_dir(folder.path().join("taken")).expect("a folder");
    for (arguments, told) in [
        (&["Ledger", "--sdk", sdk][..], "Ledger is no name for a crate: it begins with a letter"),
        (&["fn", "--sdk", sdk], "fn is no name for a crate: Rust or Cargo has another use for it"),
        (
            &["codec", "--sdk", sdk],
            "codec is no name for a crate: the crate depends on something of that name",
        ),
        (&["taken", "--sdk", sdk], "is there already, and stays as it is: take another name"),
        (&["mine", "--sdk", "/nowhere"], "there is no checkout of Offstage at /nowhere: clone it"),
        (&["mine", "--template", "house", "--sdk", sdk], "invalid value 'house' for '--template <TEMPLATE>'"),
    ] {
        let mut offstage = Command::new(binary("offstage").expect("a program"));
        let output =
            offstage.arg("new").args(arguments).current_dir(folder.path()).output().expect("it runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {stderr}");
        assert!(stderr.starts_with("error: ") && stderr.contains(told), "{arguments:?}: {stderr}");
        assert!(output.stdout.is_empty());
    }
    let left: Vec<_> = std::fs::read_dir(folder.path()).expect("a folder").flatten().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}
