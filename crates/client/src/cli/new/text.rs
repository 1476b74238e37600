// SPDX-License-Identifier: Apache-2.0
//! The sources of a new crate: those of its template, with other names.

use super::{NewError, error::io, manifest::Manifest, name::CrateName, sdk::Sdk};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Which words stand for which.
pub(super) struct Words {
    names: Vec<(String, String)>,
    places: Vec<(&'static str, String)>,
}

impl Words {
    pub(super) fn new(template: &Manifest, name: &CrateName, sdk: &Sdk) -> Self {
        let names = vec![
            (template.package().replace('-', "_"), name.identifier()),
            (template.package().to_owned(), name.to_string()),
            (template.enclave().to_owned(), name.enclave()),
            // Where Cargo tells tests of a program.
            (
                format!("{PROGRAM_OF_TESTS}{}", template.enclave()),
                format!("{PROGRAM_OF_TESTS}{}", name.enclave()),
            ),
        ];
        let path = sdk.path().display().to_string();
        let places = vec![
            ("{{name}}", name.to_string()),
            ("{{enclave}}", name.enclave()),
            ("{{sdk}}", path.clone()),
            // `make` takes a dollar for a variable.
            ("{{sdk in make}}", path.replace('$', "$$")),
        ];
        Self { names, places }
    }

    /// A source of the template in the new names.
    pub(super) fn rename(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (from, to) in &self.names {
            text = replace_words(&text, from, to);
        }
        rename_runtime(&text, &self.names)
    }

    /// A text with places for names.
    pub(super) fn fill(&self, text: &str) -> String {
        self.places.iter().fold(text.to_owned(), |text, (place, value)| text.replace(place, value))
    }
}

/// The files of a template beside its manifest, which is written anew. What is no text of the template's own, such as a
/// crate of its own in a folder, stays where it is.
pub(super) fn files(folder: &Path) -> Result<Vec<PathBuf>, NewError> {
    let mut files = Vec::new();
    for name in ["src", "tests"] {
        collect(folder, Path::new(name), &mut files)?;
    }
    files.extend(Some(PathBuf::from(SCRIPT)).filter(|script| folder.join(script).is_file()));
    files.sort();
    Ok(files)
}

fn collect(folder: &Path, inside: &Path, files: &mut Vec<PathBuf>) -> Result<(), NewError> {
    let path = folder.join(inside);
    if !path.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(&path).map_err(io("read", &path))? {
        let entry = entry.map_err(io("read", &path))?;
        let inside = inside.join(entry.file_name());
        if entry.path().is_dir() {
            collect(folder, &inside, files)?;
        } else if inside.extension().is_some_and(|extension| extension == "rs") {
            files.push(inside);
        }
    }
    Ok(())
}

/// `from` where it is a word by itself: `offstage_balances` is no part of `offstage_balances_interface`.
fn replace_words(text: &str, from: &str, to: &str) -> String {
    let is_part = |sign: char| sign.is_alphanumeric() || sign == '_' || sign == '-';
    let mut replaced = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(from) {
        replaced.push_str(before);
        let is_word = !replaced.ends_with(is_part) && !after.starts_with(is_part);
        replaced.push_str(if is_word { to } else { from });
        rest = after;
    }
    replaced + rest
}

/// The runtime's own name, which tools show: `frame::version("…", 1)`.
fn rename_runtime(text: &str, names: &[(String, String)]) -> String {
    let (Some((before, after)), Some((_, name))) = (text.split_once(VERSION), names.get(1)) else {
        return text.to_owned();
    };
    match after.split_once('"') {
        Some((_, after)) => format!("{before}{VERSION}{name}\"{after}"),
        None => text.to_owned(),
    }
}

/// What is done with the application on a network.
const SCRIPT: &str = "devnet.sh";
const VERSION: &str = "frame::version(\"";
const PROGRAM_OF_TESTS: &str = "CARGO_BIN_EXE_";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_replaced_where_it_is_a_word() {
        let text = "use offstage_balances::x; use offstage_balances_interface::y; offstage_balances";
        let renamed = "use mine::x; use offstage_balances_interface::y; mine";
        assert_eq!(replace_words(text, "offstage_balances", "mine"), renamed);
    }

    #[test]
    fn the_runtime_is_named_after_the_crate() {
        let names = [(String::new(), String::new()), (String::new(), "mine".to_owned())];
        assert_eq!(
            rename_runtime("v(frame::version(\"old\", 3));", &names),
            "v(frame::version(\"mine\", 3));"
        );
        assert_eq!(rename_runtime("no version", &names), "no version");
    }
}
