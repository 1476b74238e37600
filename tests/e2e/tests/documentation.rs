// SPDX-License-Identifier: Apache-2.0
//! The manual hangs together: each page is in the summary, each link inside the repository leads somewhere, and so does
//! what comments name.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

#[test]
fn the_summary_lists_every_page_and_only_pages_that_exist() {
    let folder = root().join("docs/src");
    let summary = read(&folder.join("SUMMARY.md"));
    let listed: BTreeSet<String> = links(&summary).into_iter().collect();
    let missing: Vec<_> = listed.iter().filter(|page| !folder.join(page).is_file()).collect();
    assert!(missing.is_empty(), "docs/src/SUMMARY.md lists {missing:?}, which are not in docs/src");
    let there: BTreeSet<String> = markdown_files(&folder)
        .iter()
        .map(|page| page.strip_prefix(&folder).expect("a page of the folder").display().to_string())
        .filter(|page| page != "SUMMARY.md")
        .collect();
    assert_eq!(listed, there, "docs/src/SUMMARY.md must list each page of docs/src");
}

#[test]
fn every_link_inside_the_repository_leads_somewhere() {
    let mut broken = Vec::new();
    for page in pages() {
        for link in links(&read(&page)) {
            if !leads_somewhere(&page, &link) {
                broken.push(format!("{}: {link}", shown(&page)));
            }
        }
    }
    assert!(broken.is_empty(), "links that lead nowhere:\n{}", broken.join("\n"));
}

/// The manual is also built into a book of its own, which has nothing of the rest of the repository.
#[test]
fn the_manual_links_to_nothing_outside_itself() {
    for page in markdown_files(&root().join("docs/src")) {
        let outside: Vec<_> = links(&read(&page)).into_iter().filter(|link| link.starts_with("..")).collect();
        assert!(outside.is_empty(), "{} links to {outside:?}; name the file instead", page.display());
    }
}

/// Comments in code and scripts name documents, sections and files; who follows such a name finds it.
#[test]
fn what_comments_name_is_there() {
    let mut broken = Vec::new();
    for source in sources() {
        let found = comments(&read(&source))
            .into_iter()
            .flat_map(|(line, text)| unknown_names(&source, &text).into_iter().map(move |name| (line, name)));
        broken.extend(found.map(|(line, name)| format!("{}:{line}: {name}", shown(&source))));
    }
    assert!(
        broken.is_empty(),
        "comments name what is not there (a document is named by its path from the root, or by its name in docs/src; \
         a section by its heading):\n{}",
        broken.join("\n")
    );
}

/// Pages name files of the repository by their path from its root.
#[test]
fn the_files_that_pages_name_are_there() {
    let mut broken = Vec::new();
    for page in pages() {
        let text = read(&page);
        let prose = outside_code(&text).flat_map(|line| line.split('`').skip(1).step_by(2));
        let gone = prose.filter(|name| is_path(name) && !root().join(name).exists());
        broken.extend(gone.map(|name| format!("{}: {name}", shown(&page))));
    }
    assert!(broken.is_empty(), "pages name files that are not there:\n{}", broken.join("\n"));
}

/// README.md says so. What is neither blank nor a comment counts.
#[test]
fn each_example_has_less_than_300_lines_with_its_tests() {
    let folders = fs::read_dir(root().join("examples")).expect("examples are there");
    let examples = folders.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_dir());
    let mut seen = 0;
    for example in examples {
        seen += 1;
        let lines = files(&example, &["rs"]).iter().map(|file| code_lines(&read(file))).sum::<usize>();
        assert!((1..300).contains(&lines), "{} has {lines} lines", shown(&example));
    }
    assert!(seen >= 3, "{seen} examples");
}

fn code_lines(text: &str) -> usize {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//")).count()
}

/// What of a comment's names leads nowhere: documents, their sections and invariants, rows of the threat model, paths.
fn unknown_names(source: &Path, comment: &str) -> Vec<String> {
    let mut unknown = Vec::new();
    for (end, _) in comment.match_indices(".md") {
        let (before, after) = comment.split_at(end + ".md".len());
        let start = before.rfind(|sign: char| !is_of_path(sign)).map_or(0, |at| at + sign_len(before, at));
        let name = &before[start..];
        if name == ".md" || name.starts_with("//") || after.starts_with(|sign: char| sign.is_alphanumeric()) {
            continue;
        }
        let Some(document) = document(source, name) else {
            unknown.push(name.to_owned());
            continue;
        };
        let after = after.strip_prefix('`').unwrap_or(after);
        if let Some((section, _)) = after.strip_prefix(", \"").and_then(|after| after.split_once('"'))
            && !headings(&read(&document)).any(|heading| heading == anchor(section))
        {
            unknown.push(format!("{name}, \"{section}\""));
        }
        if let Some(number) = after.strip_prefix(", invariant ").map(digits)
            && !read(&document).lines().any(|line| line.starts_with(&format!("{number}. ")))
        {
            unknown.push(format!("{name}, invariant {number}"));
        }
    }
    for (at, words) in comment.match_indices("threat model ") {
        let after = &comment[at + words.len()..];
        let number = digits(after.get(1..).unwrap_or_default());
        let row = &after[..after.len().min(1 + number.len())];
        if after.starts_with(['H', 'C', 'P'])
            && !number.is_empty()
            && !threat_model().contains(&format!("\n| {row} |"))
        {
            unknown.push(format!("threat model {row}"));
        }
    }
    let code = comment.split('`').skip(1).step_by(2);
    unknown.extend(code.filter(|name| is_path(name) && nearby(source, name).is_none()).map(str::to_owned));
    unknown
}

/// A document that a comment names: beside the source or above it, or a page of the manual.
fn document(source: &Path, name: &str) -> Option<PathBuf> {
    let page = root().join("docs/src").join(name);
    nearby(source, name).or_else(|| page.is_file().then_some(page))
}

/// `name` in the folder of `source` or in one above it, up to the root.
fn nearby(source: &Path, name: &str) -> Option<PathBuf> {
    let inside = source.strip_prefix(root()).expect("a source is in the repository");
    inside.ancestors().skip(1).map(|folder| root().join(folder).join(name)).find(|path| path.exists())
}

/// Whether something in backquotes is a path from the root, without a placeholder in it.
fn is_path(name: &str) -> bool {
    let top =
        FOLDERS.iter().any(|folder| name.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')));
    top && name.chars().all(is_of_path)
}

fn is_of_path(sign: char) -> bool {
    sign.is_ascii_alphanumeric() || "_./-".contains(sign)
}

fn sign_len(text: &str, at: usize) -> usize {
    text[at..].chars().next().map_or(0, char::len_utf8)
}

fn digits(text: &str) -> &str {
    let end = text.find(|sign: char| !sign.is_ascii_digit()).unwrap_or(text.len());
    &text[..end]
}

/// Blocks of comment lines, joined, with the number of their first line. What stands after code on a line is not looked
/// at.
fn comments(source: &str) -> Vec<(usize, String)> {
    let mut blocks: Vec<(usize, String)> = Vec::new();
    let mut last = 0;
    for (number, line) in source.lines().enumerate().map(|(index, line)| (index + 1, line.trim_start())) {
        let text = match line.trim_start_matches(['/', '!']) {
            rest if line.starts_with("//") => rest,
            _ => match line.strip_prefix("# ") {
                Some(rest) => rest,
                None => continue,
            },
        };
        match blocks.last_mut() {
            Some((_, block)) if last + 1 == number => {
                block.push(' ');
                block.push_str(text.trim());
            }
            _ => blocks.push((number, text.trim().to_owned())),
        }
        last = number;
    }
    blocks
}

/// The workspace's own sources: Rust, and shell scripts.
fn sources() -> Vec<PathBuf> {
    FOLDERS.iter().flat_map(|folder| files(&root().join(folder), &["rs", "sh"])).collect()
}

fn pages() -> Vec<PathBuf> {
    let mut pages = markdown_files(&root().join("docs"));
    pages.extend(PAGES.iter().map(|page| root().join(page)));
    pages
}

fn threat_model() -> &'static str {
    static PAGE: LazyLock<String> = LazyLock::new(|| read(&root().join("docs/src/threat-model.md")));
    &PAGE
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

fn leads_somewhere(page: &Path, link: &str) -> bool {
    if link.starts_with("https://") || link.starts_with("http://") || link.starts_with("mailto:") {
        return true;
    }
    let (path, anchor) = link.split_once('#').map_or((link, None), |(path, anchor)| (path, Some(anchor)));
    let target = match path {
        "" => page.to_owned(),
        _ => page.parent().expect("a page is in a folder").join(path),
    };
    match anchor {
        _ if !target.exists() => false,
        None => true,
        Some(anchor) => headings(&read(&target)).any(|heading| heading == anchor),
    }
}

/// Targets of the inline links of a page, outside code.
fn links(text: &str) -> Vec<String> {
    let mut links = Vec::new();
    for line in outside_code(text) {
        // What is between backquotes is code.
        let prose: String = line.split('`').step_by(2).collect::<Vec<_>>().join(" ");
        let mut rest = prose.as_str();
        while let Some((_, after)) = rest.split_once("](") {
            let (target, next) = after.split_once(')').unwrap_or((after, ""));
            links.push(target.to_owned());
            rest = next;
        }
    }
    links
}

/// The anchors that a page's headings get: lower case, spaces become hyphens, other signs vanish.
fn headings(text: &str) -> impl Iterator<Item = String> {
    outside_code(text).filter(|line| line.starts_with('#')).map(|line| anchor(line.trim_start_matches('#')))
}

fn anchor(heading: &str) -> String {
    let signs = heading.trim().chars().flat_map(char::to_lowercase);
    signs
        .filter_map(|sign| match sign {
            ' ' => Some('-'),
            _ => (sign.is_alphanumeric() || sign == '-' || sign == '_').then_some(sign),
        })
        .collect()
}

fn outside_code(text: &str) -> impl Iterator<Item = &str> {
    let mut code = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        code ^= fence;
        !code && !fence
    })
}

fn markdown_files(folder: &Path) -> Vec<PathBuf> {
    files(folder, &["md"])
}

/// The files below `folder` with one of these extensions, what was built left out.
fn files(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in
        fs::read_dir(folder).unwrap_or_else(|error| panic!("cannot read {}: {error}", folder.display()))
    {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            if !path.ends_with("target") {
                found.extend(files(&path, extensions));
            }
        } else if path.extension().is_some_and(|extension| extensions.iter().any(|known| extension == *known))
        {
            found.push(path);
        }
    }
    found
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()))
}

fn root() -> PathBuf {
    offstage_e2e::workspace::root()
}

/// Pages beside the manual.
const PAGES: &[&str] = &["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"];

/// Folders of the repository with sources and documents.
const FOLDERS: &[&str] = &["chain", "crates", "docs", "examples", "fuzz", "scripts", "templates", "tests"];

#[test]
fn names_in_comments_are_read_as_they_are_written() {
    let source = "//! a (wire.md,\n//! \"B\")\nlet x = 1;\n    /// c\n# d\n";
    assert_eq!(comments(source), [(1, "a (wire.md, \"B\")".to_owned()), (4, "c d".to_owned())]);
    let here = root().join("tests/e2e/tests/documentation.rs");
    let known = "ARCHITECTURE.md, invariant 6; (wire.md, \"Envelope\"); `docs/src/wire.md`, \"RPC methods\"; \
                 threat model H9; `fuzz/corpus/<name>`, `tests/e2e`, https://example.org/x.md";
    assert!(unknown_names(&here, known).is_empty());
    let unknown = "nowhere.md, ARCHITECTURE.md, invariant 99 (wire.md, \"Nothing\"), \
                   threat model H99, `crates/nothing.rs`";
    assert_eq!(
        unknown_names(&here, unknown),
        [
            "nowhere.md",
            "ARCHITECTURE.md, invariant 99",
            "wire.md, \"Nothing\"",
            "threat model H99",
            "crates/nothing.rs"
        ]
    );
}

#[test]
fn links_and_anchors_are_read_as_they_are_written() {
    let page = "# A `b`, c\n[x](y.md#z) and [`f`](g.md)\n```\n[no](link)\n```\n`[no](link)`\n";
    assert_eq!(links(page), ["y.md#z", "g.md"]);
    assert_eq!(headings(page).collect::<Vec<_>>(), ["a-b-c"]);
}
