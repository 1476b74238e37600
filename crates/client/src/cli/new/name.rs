// SPDX-License-Identifier: Apache-2.0
//! The name of a crate.

use super::NewError;
use std::{fmt, str::FromStr};

/// The name of a crate, which Cargo, Rust and a file system take as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CrateName(String);

impl CrateName {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The same in Rust's sources.
    pub(super) fn identifier(&self) -> String {
        self.0.replace('-', "_")
    }

    /// The name of the enclave's program.
    pub(super) fn enclave(&self) -> String {
        format!("{}-enclave", self.0)
    }
}

impl fmt::Display for CrateName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for CrateName {
    type Err = NewError;

    fn from_str(name: &str) -> Result<Self, NewError> {
        let refused = |reason| Err(NewError::Name { name: name.to_owned(), reason });
        let is_plain = |sign: char| sign.is_ascii_lowercase() || sign.is_ascii_digit() || "-_".contains(sign);
        if !name.starts_with(|first: char| first.is_ascii_lowercase())
            || name.len() > MAX_LEN
            || !name.chars().all(is_plain)
        {
            return refused("it begins with a letter, and has at most 40 of the signs a-z, 0-9, - and _");
        }
        if RESERVED.contains(&name) {
            return refused("Rust or Cargo has another use for it");
        }
        Ok(Self(name.to_owned()))
    }
}

/// Shards' programs have short names in logs and process lists.
const MAX_LEN: usize = 40;

/// Words of Rust, and crates that each crate has.
const RESERVED: &[&str] = &[
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "const",
    "continue",
    "core",
    "crate",
    "do",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "proc_macro",
    "pub",
    "ref",
    "return",
    "self",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "where",
    "while",
    "yield",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_for_cargo_for_rust_and_for_a_folder() {
        for name in ["ledger", "my-auction_2", "a"] {
            assert_eq!(name.parse::<CrateName>().unwrap().as_str(), name);
        }
        assert_eq!("my-lots".parse::<CrateName>().unwrap().identifier(), "my_lots");
        let long = "a".repeat(MAX_LEN + 1);
        for name in ["", "Ledger", "2fast", "-x", "../x", "a b", "a.b", "café", "fn", "std", &long] {
            let told = name.parse::<CrateName>().unwrap_err();
            assert!(told.is_usage() && !told.to_string().contains('\n'), "{told}");
        }
    }
}
