// SPDX-License-Identifier: Apache-2.0
//! Holds the table of `docs/src/threat-model.md` against the workspace's sources: every attack has its row, every row
//! its tests, every test its place in the table.

use offstage_e2e::workspace::Metadata;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// How many rows each part of the catalogue has at least. Further ones follow without gaps.
const PARTS: [(char, u32); 3] = [('H', 24), ('C', 21), ('P', 14)];

/// A test: its package and its function.
type Test = (String, String);

/// The chapter.
fn chapter() -> String {
    fs::read_to_string(root().join("docs/src/threat-model.md")).expect("the chapter is there")
}

fn root() -> PathBuf {
    offstage_e2e::workspace::root()
}

/// All tests of the workspace whose name begins with a row.
fn tests() -> BTreeSet<Test> {
    let metadata = Metadata::of_members().expect("cargo metadata runs");
    let mut found = BTreeSet::new();
    for package in &metadata.packages {
        let folder = package.manifest_path.parent().expect("a manifest is in a folder");
        for part in ["src", "tests"] {
            tests_in(&folder.join(part), &package.name, &mut found);
        }
    }
    found
}

fn tests_in(folder: &Path, package: &str, found: &mut BTreeSet<Test>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.expect("folders of the workspace can be read").path();
        if path.is_dir() {
            tests_in(&path, package, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = fs::read_to_string(&path).expect("sources are text");
            let has_target = folder.ends_with("tests/e2e/tests/attacks");
            found.extend(tests_of(&source, has_target).map(|test| (package.to_owned(), test.to_owned())));
        }
    }
}

/// Functions that are marked as tests, are not ignored, and whose name begins with a row. What is ignored because it
/// is long counts where a target of its own runs it.
fn tests_of(source: &str, has_target: bool) -> impl Iterator<Item = &str> {
    let (mut is_test, mut is_ignored) = (false, false);
    source.lines().filter_map(move |line| {
        let line = line.trim();
        if line.starts_with("#[") {
            is_test |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
            is_ignored |= line.starts_with("#[ignore") && !(has_target && line == LONG);
            return None;
        }
        if line.starts_with("//") {
            return None;
        }
        let was_test = std::mem::take(&mut is_test) & !std::mem::take(&mut is_ignored);
        let declaration = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ")?;
        let name = declaration.split(['(', '<']).next()?;
        (was_test && prefix_of(name).is_some()).then_some(name)
    })
}

/// How a test is marked that `make test` leaves out and `make attacks` runs.
const LONG: &str = r##"#[ignore = "long: make attacks"]"##;

/// `h07` of `h07_anything`.
fn prefix_of(name: &str) -> Option<&str> {
    let (prefix, _) = name.split_once('_')?;
    let (part, number) = (prefix.get(..1)?, prefix.get(1..)?);
    let is_number = number.len() == 2 && number.bytes().all(|byte| byte.is_ascii_digit());
    (is_number && PARTS.iter().any(|(known, _)| part.eq(&known.to_ascii_lowercase().to_string())))
        .then_some(prefix)
}

/// The table's rows: name, and the last column's tests.
fn rows(chapter: &str) -> Vec<(String, Vec<Test>)> {
    chapter
        .lines()
        .filter_map(|line| {
            let cells: Vec<&str> =
                line.trim().strip_prefix('|')?.strip_suffix('|')?.split('|').map(str::trim).collect();
            let (name, tests) = (cells.first()?, cells.last()?);
            let (part, number) = (name.get(..1)?, name.get(1..)?);
            let is_row =
                PARTS.iter().any(|(known, _)| part == known.to_string()) && number.parse::<u32>().is_ok();
            is_row.then(|| ((*name).to_owned(), named_tests(tests)))
        })
        .collect()
}

/// `package::test` in code quotes.
fn named_tests(cell: &str) -> Vec<Test> {
    let quoted = cell.split('`').skip(1).step_by(2);
    quoted
        .filter_map(|name| name.split_once("::"))
        .map(|(package, test)| (package.to_owned(), test.to_owned()))
        .collect()
}

/// What is wrong with the chapter, given the tests that there are.
fn problems(chapter: &str, tests: &BTreeSet<Test>) -> Vec<String> {
    let rows = rows(chapter);
    let mut problems = Vec::new();
    let mut counts = BTreeMap::<&str, u32>::new();
    for (name, _) in &rows {
        *counts.entry(name).or_default() += 1;
    }
    for (part, least) in PARTS {
        let highest =
            rows.iter().filter_map(|(name, _)| name.strip_prefix(part)?.parse().ok()).max().unwrap_or(0);
        for number in 1..=highest.max(least) {
            match counts.get(&*format!("{part}{number}")) {
                Some(1) => {}
                count => problems.push(format!("row {part}{number} is there {} times", count.unwrap_or(&0))),
            }
        }
    }
    let mut listed = BTreeSet::new();
    for (name, named) in &rows {
        if named.is_empty() {
            problems.push(format!("row {name} names no test"));
        }
        let number: u32 = name.get(1..).and_then(|number| number.parse().ok()).unwrap_or_default();
        let prefix = format!("{}{number:02}", name.get(..1).unwrap_or_default().to_ascii_lowercase());
        for test in named {
            let (package, function) = test;
            if prefix_of(function) != Some(&prefix) {
                problems.push(format!("row {name} names {function}, which begins with another row"));
            }
            if !tests.contains(test) {
                problems.push(format!("row {name} names {package}::{function}, which is no test"));
            }
            if !listed.insert(test.clone()) {
                problems.push(format!("{package}::{function} is listed twice"));
            }
        }
    }
    for (package, function) in tests.difference(&listed) {
        problems.push(format!("{package}::{function} is in no row"));
    }
    problems
}

#[test]
fn every_attack_has_its_row_and_every_row_its_tests() {
    let problems = problems(&chapter(), &tests());
    assert!(problems.is_empty(), "docs/src/threat-model.md:\n{}", problems.join("\n"));
}

/// The target that the mark names is there, and runs what is marked.
#[test]
fn what_is_long_is_run_by_its_target() {
    let makefile = fs::read_to_string(root().join("Makefile")).expect("the Makefile is there");
    let target = makefile.split("\n.PHONY: ").find(|target| target.starts_with("attacks\n"));
    let target = target.expect("there is a target of that name");
    for words in ["--run-ignored all", "binary(attacks)"] {
        assert!(target.contains(words), "{words}: {target}");
    }
    let folder = root().join("tests/e2e/tests/attacks");
    let sources = fs::read_dir(&folder).expect("the tests are there").flatten();
    let marked = sources.map(|entry| fs::read_to_string(entry.path()).expect("text").matches(LONG).count());
    assert!(marked.sum::<usize>() > 5, "the long tests are marked otherwise");
}

/// The check itself notices each row and each test that is taken away.
#[test]
fn a_missing_row_or_test_is_noticed() {
    let (chapter, tests) = (chapter(), tests());
    assert!(tests.len() > 100, "{}", tests.len());
    for (row, named) in rows(&chapter) {
        let lines = chapter.lines().filter(|line| !line.starts_with(&format!("| {row} |")));
        let without = lines.collect::<Vec<_>>().join("\n");
        let expected = format!("row {row} is there 0 times");
        let noticed = problems(&without, &tests);
        // A further row at the end is missed by its tests.
        let orphan = named.first().map(|(package, test)| format!("{package}::{test} is in no row"));
        assert!(
            noticed.iter().any(|problem| *problem == expected || Some(problem) == orphan.as_ref()),
            "{row}"
        );
        let twice = format!("{chapter}\n| {row} | again | | |");
        assert!(problems(&twice, &tests).contains(&format!("row {row} is there 2 times")));
    }
    for test in &tests {
        let mut others = tests.clone();
        others.remove(test);
        assert!(!problems(&chapter, &others).is_empty(), "{test:?} could be taken out of the code");
        let unnamed = chapter.replace(&format!("`{}::{}`", test.0, test.1), "");
        assert!(!problems(&unnamed, &tests).is_empty(), "{test:?} could be taken out of the table");
    }
    let mut renamed = tests.clone();
    renamed.insert(("offstage-enclave".into(), "h01_new".into()));
    assert_eq!(problems(&chapter, &renamed), ["offstage-enclave::h01_new is in no row"]);
}

#[test]
fn tests_are_told_from_other_functions() {
    // With another sign in the place of `#`, so that these are not taken for tests of this file.
    let source = "
        %[test]
        fn h01_one() {}
        fn h02_helper() {}
        %[tokio::test(flavor = \"multi_thread\")]
        async fn c03_two() {}
        /// Words.
        %[test]
        // More words.
        %[cfg(unix)]
        fn p04_three<T>() {}
        %[test]
        %[ignore = \"it shows nothing\"]
        fn p05_four() {}
        %[test]
        %[ignore = \"long: make attacks\"]
        fn c17_five() {}
        %[test]
        fn h5_short() {}
        %[test]
        fn x01_other() {}
    "
    .replace('%', "#");
    let told = |has_target| tests_of(&source, has_target).collect::<Vec<_>>();
    assert_eq!(told(false), ["h01_one", "c03_two", "p04_three"]);
    assert_eq!(told(true), ["h01_one", "c03_two", "p04_three", "c17_five"]);
}
