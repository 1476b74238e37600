// SPDX-License-Identifier: Apache-2.0
//! Counts the lines of code that a crate compiles into the enclave.
//!
//! It follows the module tree from the crate's root, so a file counts only if the enclave compiles it. Left out are
//! blank lines, comment lines, and items that stand under a `#[cfg(…)]` for tests or for the features `testing` and
//! `fuzzing`. The sources are formatted by rustfmt, so an item ends where its closing bracket has the item's
//! indentation.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// What was counted.
#[derive(Default, Debug, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) files: usize,
    pub(crate) lines: usize,
}

/// Counts the module trees that begin in these files of a source folder.
pub(crate) fn count(source_folder: &Path, roots: &[&str]) -> Count {
    let mut count = Count::default();
    for root in roots {
        add_file(&source_folder.join(root), source_folder, &mut count);
    }
    count
}

/// `submodules` is the folder in which the file's modules lie.
fn add_file(file: &Path, submodules: &Path, count: &mut Count) {
    let source =
        fs::read_to_string(file).unwrap_or_else(|error| panic!("cannot read {}: {error}", file.display()));
    assert!(!source.contains("/*"), "{} has a block comment, which the count does not know", file.display());
    let code = code_lines(&source);
    count.files += 1;
    count.lines += code.len();
    for line in code {
        let line = line.trim();
        let declaration = line.rsplit_once("mod ").filter(|(before, _)| is_visibility(before.trim()));
        if let Some(module) = declaration.and_then(|(_, rest)| rest.strip_suffix(';')) {
            let folder = submodules.join(module);
            let (as_file, as_folder) = (submodules.join(format!("{module}.rs")), folder.join("mod.rs"));
            let file: PathBuf = if as_file.is_file() { as_file } else { as_folder };
            add_file(&file, &folder, count);
        }
    }
}

fn is_visibility(text: &str) -> bool {
    text.is_empty() || text == "pub" || text.starts_with("pub(")
}

/// The lines that are code of the enclave.
pub(crate) fn code_lines(source: &str) -> Vec<&str> {
    let mut code = Vec::new();
    let mut lines = source.lines().peekable();
    while let Some(line) = lines.next() {
        let text = line.trim();
        if text.is_empty() || text.starts_with("//") {
            continue;
        }
        if !is_for_tests(text) {
            code.push(line);
            continue;
        }
        // The attributes between it and its item go too.
        while lines.peek().is_some_and(|next| is_attribute(next.trim())) {
            let attribute = lines.next().unwrap_or_default();
            if !attribute.trim().ends_with(']') {
                skip_to_closing(&mut lines, indentation(attribute));
            }
        }
        let Some(item) = lines.next() else { break };
        if !item.trim().ends_with([';', ',']) && !item.trim().ends_with('}') {
            skip_to_closing(&mut lines, indentation(item));
        }
    }
    code
}

fn is_for_tests(line: &str) -> bool {
    line.starts_with("#[cfg(")
        && !line.contains("not(")
        && ["test", "feature = \"testing\"", "feature = \"fuzzing\""].iter().any(|word| line.contains(word))
}

fn is_attribute(line: &str) -> bool {
    line.starts_with("#[") || line.starts_with("//")
}

/// Skips to the line that closes what begins at this indentation: a bracket in the same column that opens nothing anew.
fn skip_to_closing<'a>(lines: &mut impl Iterator<Item = &'a str>, column: usize) {
    for line in lines {
        let text = line.trim();
        if !text.is_empty()
            && indentation(line) == column
            && text.starts_with(['}', ')'])
            && !text.ends_with('{')
        {
            return;
        }
    }
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

#[test]
fn what_only_tests_compile_does_not_count() {
    let source = r#"// SPDX
//! Documentation.
#![forbid(unsafe_code)]

mod kept;
#[cfg(test)]
mod gone;
#[cfg(any(test, feature = "testing"))]
#[expect(
    clippy::panic,
    reason = "tests"
)]
pub mod testing;
#[cfg(not(test))]
use kept::Something; // counts

impl Kept {
    #[cfg(test)]
    pub fn gone(
        &self,
    ) -> u8 {
        0
    }

    /// Kept.
    fn kept(&self) {}
}

#[cfg(test)]
mod tests {
    fn gone() {}
}
"#;
    let expected = [
        "#![forbid(unsafe_code)]",
        "mod kept;",
        "#[cfg(not(test))]",
        "use kept::Something; // counts",
        "impl Kept {",
        "    fn kept(&self) {}",
        "}",
    ];
    assert_eq!(code_lines(source), expected);
}
