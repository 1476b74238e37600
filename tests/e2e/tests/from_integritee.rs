// SPDX-License-Identifier: Apache-2.0
//! Holds `docs/src/from-integritee.md` against the lists of Integritee's commands and options in `docs/src/wire.md`,
//! and against our programs: each line of the page is run, and taken or refused as the page says.

use anyhow::{Context, Result, bail, ensure};
use offstage_e2e::{network::binary, workspace::root};
use std::{fs, path::Path, process::Command};

/// A row of the page.
struct Row {
    /// The command or option, as the list has it.
    there: String,
    /// A line with it.
    line: String,
    /// What our program does with the line.
    here: Verdict,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Verdict {
    Same,
    NoEffect,
    Refused,
}

#[test]
fn the_page_has_each_command_and_option_of_the_lists_and_no_other() {
    for (list, section) in [(CLIENT_LIST, CLIENT), (WORKER_LIST, WORKER)] {
        let listed: Vec<String> =
            table("docs/src/wire.md", list).into_iter().map(|row| first(&row)).collect();
        let told: Vec<String> = rows(section).unwrap().into_iter().map(|row| row.there).collect();
        assert!(listed.len() > 30, "{list} of wire.md has only {} rows", listed.len());
        assert_eq!(listed, told, "{list} of wire.md and {section} of from-integritee.md, row by row");
    }
}

#[test]
fn the_clients_lines_are_taken_or_refused_as_the_page_says() {
    for row in rows(CLIENT).unwrap() {
        check("offstage", &["-p", NOBODY], &row).unwrap_or_else(|error| panic!("{}: {error:#}", row.there));
    }
}

#[test]
fn the_workers_lines_are_taken_or_refused_as_the_page_says() {
    for row in rows(WORKER).unwrap() {
        // Without an enclave none of them starts, so each shows only how it is read.
        let enclave = ["--enclave", "/nowhere/offstage-enclave"];
        check("offstage-worker", &enclave, &row).unwrap_or_else(|error| panic!("{}: {error:#}", row.there));
    }
}

/// Runs the line of a row, in an empty folder and with nobody to talk to.
fn check(program: &str, before: &[&str], row: &Row) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let line = row.line.replace("SHARD", SHARD);
    let words: Vec<&str> = line.split_whitespace().collect();
    // A line that names the node's port itself is not given another.
    let before = if program == "offstage" && words.contains(&"-p") { &[] } else { before };
    let output = Command::new(binary(program)?)
        .current_dir(folder.path())
        .env("XDG_CONFIG_HOME", folder.path())
        .env("XDG_DATA_HOME", folder.path())
        .args(before)
        .args(&words)
        .output()
        .with_context(|| format!("cannot run {program}"))?;
    let told = String::from_utf8_lossy(&output.stderr);
    let code = output.status.code().context("it was killed")?;
    match row.here {
        Verdict::Same => ensure!(code != USAGE, "`{line}` is refused: {told}"),
        Verdict::NoEffect => {
            ensure!(code != USAGE, "`{line}` is refused: {told}");
            let says_so = ["has no effect", "nothing to do"].iter().any(|words| told.contains(words));
            ensure!(says_so, "`{line}` says nothing of it: {told}");
        }
        Verdict::Refused => {
            ensure!(code == USAGE, "`{line}` ended with {code}: {told}");
            ensure!(told.trim().lines().count() == 1, "`{line}` is refused in several lines: {told}");
            let says_why = ["does not exist", "carries no note"].iter().any(|words| told.contains(words));
            ensure!(says_why, "`{line}` is refused without the reason: {told}");
        }
    }
    Ok(())
}

/// The rows of a section of the page.
fn rows(section: &str) -> Result<Vec<Row>> {
    let row = |text: String| {
        let cells: Vec<&str> = text.split('|').map(str::trim).collect();
        let [_, there, line, here, _, _] = cells[..] else { bail!("not four cells: {text}") };
        let line = line.trim_matches('`').to_owned();
        let here = match here {
            "same" => Verdict::Same,
            "no effect" => Verdict::NoEffect,
            "refused" => Verdict::Refused,
            other => bail!("{other} is none of the page's verdicts: {text}"),
        };
        Ok(Row { there: there.to_owned(), line, here })
    };
    table("docs/src/from-integritee.md", section).into_iter().map(row).collect()
}

/// The rows of the first table after a heading, without the table's own two lines.
fn table(page: &str, heading: &str) -> Vec<String> {
    let text = read(&root().join(page));
    let after =
        text.split_once(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("{page} has no {heading}")).1;
    let lines = after.lines().skip_while(|line| !line.starts_with('|'));
    lines.take_while(|line| line.starts_with('|')).skip(2).map(str::to_owned).collect()
}

fn first(row: &str) -> String {
    row.split('|').nth(1).unwrap_or_default().trim().to_owned()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()))
}

const CLIENT_LIST: &str = "### Integritee's client";
const WORKER_LIST: &str = "### Integritee's worker";
const CLIENT: &str = "## The client";
const WORKER: &str = "## The worker";

/// Any shard.
const SHARD: &str = "8weGnjvG3nh6UzoYjqaTjpWjX1ouNPioA1K5134DJc5j";
/// A port on which nobody listens.
const NOBODY: &str = "1";
/// Exit code for a command line that is refused.
const USAGE: i32 = 2;
