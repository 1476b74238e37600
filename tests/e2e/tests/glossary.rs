// SPDX-License-Identifier: Apache-2.0
//! Holds `docs/src/glossary.md` against the manual: each abbreviation that a page uses and each term that it writes in
//! italics is explained there.

use offstage_e2e::workspace::root;
use std::{collections::BTreeSet, fs, path::PathBuf};

#[test]
fn each_abbreviation_and_each_term_in_italics_is_in_the_glossary() {
    let known: BTreeSet<String> = words().iter().map(|word| word.to_lowercase()).collect();
    let mut missing = BTreeSet::new();
    for page in pages() {
        let prose = prose(&read(&page));
        let used = abbreviations(&prose).into_iter().filter(|word| !EVERYBODYS.contains(&word.as_str()));
        let used = used.chain(italics(&prose).into_iter().filter(|term| !STRESSED.contains(&term.as_str())));
        let name = page.file_name().unwrap_or_default().display().to_string();
        missing.extend(used.filter(|word| !is_known(&known, word)).map(|word| format!("{word} ({name})")));
    }
    assert!(
        missing.is_empty(),
        "docs/src/glossary.md lacks these words. Add a row for each. What is in italics for its stress alone goes \
         into STRESSED of {}, or becomes bold: {missing:#?}",
        file!()
    );
}

#[test]
fn the_glossary_is_sorted_and_has_each_word_once() {
    let rows = rows();
    for pair in rows.windows(2) {
        let [before, after] = pair else { continue };
        assert!(
            before.to_lowercase() < after.to_lowercase(),
            "`{before}` stands before `{after}` in docs/src/glossary.md"
        );
    }
    let words = words();
    assert_eq!(
        words.iter().collect::<BTreeSet<_>>().len(),
        words.len(),
        "a word is in docs/src/glossary.md twice"
    );
}

/// Whether the glossary has a word, or the singular of one.
fn is_known(known: &BTreeSet<String>, word: &str) -> bool {
    let word = word.to_lowercase();
    known.contains(&word) || word.strip_suffix('s').is_some_and(|singular| known.contains(singular))
}

/// First cells of the glossary's rows.
fn rows() -> Vec<String> {
    let page = read(&root().join("docs/src/glossary.md"));
    let rows = page.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" |"));
    rows.map(|(words, _)| words.to_owned()).skip(1).collect()
}

/// The words that the glossary explains; a row may have several.
fn words() -> Vec<String> {
    rows().iter().flat_map(|row| row.split(", ")).map(str::to_owned).collect()
}

/// A page without code, and without the names of files.
fn prose(page: &str) -> String {
    let mut is_code = false;
    let mut prose = String::new();
    for line in page.lines() {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        if !is_code && !is_fence {
            prose.extend(line.split('`').step_by(2).chain(["\n"]));
        }
    }
    prose
}

/// Words of at least two capitals, in parts between hyphens; rows of the threat model and names of files are none.
fn abbreviations(prose: &str) -> BTreeSet<String> {
    let is_part = |sign: char| sign.is_alphanumeric() || "-._/".contains(sign);
    prose
        .split(|sign| !is_part(sign))
        .map(|word| word.trim_matches(['.', '-', '/']))
        .filter(|word| !word.ends_with(".md"))
        .filter(|word| !EVERYBODYS.contains(word))
        .flat_map(
            |word| {
                if KEPT_WHOLE.contains(&word) { vec![word] } else { word.split(['-', '/', '.']).collect() }
            },
        )
        .filter(|word| word.chars().filter(char::is_ascii_uppercase).count() > 1)
        .filter(|word| !word.chars().any(|sign| sign.is_ascii_lowercase() && sign != 's'))
        .map(str::to_owned)
        .collect()
}

/// What stands between single asterisks.
fn italics(prose: &str) -> BTreeSet<String> {
    let without_bold = prose.replace("**", "\u{0}");
    let mut found = BTreeSet::new();
    let mut rest = without_bold.as_str();
    while let Some((_, after)) = rest.split_once('*') {
        let Some((term, next)) = after.split_once('*') else { break };
        if !term.contains(['\n', '\u{0}']) && term.starts_with(char::is_alphanumeric) {
            found.insert(term.to_owned());
            rest = next;
        } else {
            rest = after;
        }
    }
    found
}

/// The pages that a reader reads; tables of tests and packages are no prose.
fn pages() -> Vec<PathBuf> {
    let folder = root().join("docs/src");
    let entries =
        fs::read_dir(&folder).expect("the folder of the manual").map(|entry| entry.expect("an entry").path());
    let manual = entries.filter(|path| {
        path.extension().is_some_and(|extension| extension == "md")
            && !["glossary.md", "mutations.md", "trusted-code.md", "SUMMARY.md"]
                .iter()
                .any(|name| path.ends_with(name))
    });
    let beside = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"];
    manual.chain(beside.map(|page| root().join(page))).collect()
}

fn read(path: &PathBuf) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()))
}

/// Abbreviations that need no explanation.
const EVERYBODYS: &[&str] = &[
    "CI",
    "CPU",
    "DNS",
    "GB",
    "GPL",
    "GiB",
    "HTTP",
    "JSON",
    "KB",
    "KiB",
    "MB",
    "MiB",
    "PATH",
    "PR",
    "README",
    "URL",
    "WebSocket",
];

/// Abbreviations with a hyphen, a dot or a stroke in them.
const KEPT_WHOLE: &[&str] = &["PKCS#8", "RFC-78", "sans-IO", "SHA-256", "X.509", "BIP-39"];

/// In italics for stress alone.
const STRESSED: &[&str] = &[
    "is",
    "no",
    "only code that the shard allows can read what you send",
    "runtime upgrades",
    "stopped",
    "verified blocks",
    "which",
];

#[test]
fn words_are_read_as_they_are_written() {
    let page = "A TEE, `XYZ`, SHA-256 in JSON-RPC and CRLs (H15), see README.md.\n\
                ```\nABC\n```\n*a term*, **bold**, * no\n";
    let prose = prose(page);
    let of = |words: BTreeSet<String>| words.into_iter().collect::<Vec<_>>();
    assert_eq!(of(abbreviations(&prose)), ["CRLs", "JSON", "RPC", "SHA-256", "TEE"]);
    assert_eq!(of(italics(&prose)), ["a term"]);
    let known = ["crl".to_owned()].into();
    assert!(is_known(&known, "CRLs") && !is_known(&known, "TEE"));
}
