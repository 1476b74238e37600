// SPDX-License-Identifier: Apache-2.0
//! The manual hangs together: each page is in the summary, and each link inside the repository leads somewhere.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Pages beside the manual.
const PAGES: &[&str] = &["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"];

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
    let mut pages = markdown_files(&root().join("docs"));
    pages.extend(PAGES.iter().map(|page| root().join(page)));
    let mut broken = Vec::new();
    for page in pages {
        for link in links(&read(&page)) {
            if !leads_somewhere(&page, &link) {
                broken.push(format!("{}: {link}", page.strip_prefix(root()).unwrap_or(&page).display()));
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
    outside_code(text).filter(|line| line.starts_with('#')).map(|line| {
        line.trim_start_matches('#')
            .trim()
            .to_lowercase()
            .chars()
            .filter_map(|sign| match sign {
                ' ' => Some('-'),
                _ => (sign.is_alphanumeric() || sign == '-' || sign == '_').then_some(sign),
            })
            .collect()
    })
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
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder of the manual") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(markdown_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "md") {
            files.push(path);
        }
    }
    files
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()))
}

fn root() -> PathBuf {
    offstage_e2e::workspace::root()
}

#[test]
fn links_and_anchors_are_read_as_they_are_written() {
    let page = "# A `b`, c\n[x](y.md#z) and [`f`](g.md)\n```\n[no](link)\n```\n`[no](link)`\n";
    assert_eq!(links(page), ["y.md#z", "g.md"]);
    assert_eq!(headings(page).collect::<Vec<_>>(), ["a-b-c"]);
}
