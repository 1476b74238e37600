// SPDX-License-Identifier: Apache-2.0
//! The manifest of a new crate: that of its template, in a workspace of its own.
//!
//! In the SDK, versions, features and lints stand in the workspace's manifest, and paths lead from there. A crate
//! elsewhere has to have all of it by itself. What is built is the same to Cargo only under the same profile, so that
//! goes along, in `.cargo/config.toml`, where it may name packages that the crate does not have.
//!
//! The SDK's manifests are read line by line, as they are written: a value that is looked for stands on one line. A
//! library for TOML would be linked into client and build scripts alike, and then be built twice.

use super::{NewError, error::io, name::CrateName, sdk::Sdk};
use std::{collections::BTreeSet, fs, path::Path};

/// The manifest of a template, which no longer needs the workspace that it is in.
#[derive(Debug)]
pub(super) struct Manifest {
    text: String,
    package: String,
    enclave: String,
    dependencies: BTreeSet<String>,
}

impl Manifest {
    /// Reads the manifest of a template in the SDK.
    pub(super) fn read(path: &Path, sdk: &Sdk) -> Result<Self, NewError> {
        let template = fs::read_to_string(path).map_err(io("read", path))?;
        let workspace = sdk.read(super::MANIFEST)?;
        let strange = |reason: String| NewError::Form { path: path.to_owned(), reason };
        let sections = sections(&template);
        let name = |wanted: &str| {
            let lines =
                sections.iter().filter(|(section, _)| *section == wanted).flat_map(|(_, lines)| lines);
            let name = lines.filter_map(|line| entry(line)).find(|(key, _)| *key == "name");
            name.map(|(_, value)| value.trim_matches('"').to_owned())
                .ok_or_else(|| strange(format!("{wanted} has no name")))
        };
        let dependencies = sections.iter().filter(|(section, _)| is_dependencies(section));
        let dependencies = dependencies.flat_map(|(_, lines)| lines).filter_map(|line| entry(line));
        Ok(Self {
            package: name("[package]")?,
            enclave: name("[[bin]]")?,
            dependencies: dependencies.map(|(key, _)| word(key).replace('-', "_")).collect(),
            text: stand_alone(&sections, &workspace, sdk.path()).map_err(strange)?,
        })
    }

    /// The template's name.
    pub(super) fn package(&self) -> &str {
        &self.package
    }

    /// The name of its enclave's program.
    pub(super) fn enclave(&self) -> &str {
        &self.enclave
    }

    /// The manifest of the crate with this name.
    pub(super) fn named(&self, name: &CrateName) -> Result<String, NewError> {
        if self.dependencies.contains(&name.identifier()) {
            let reason = "the crate depends on something of that name";
            return Err(NewError::Name { name: name.to_string(), reason });
        }
        let is_name = |line: &str, value: &str| entry(line) == Some(("name", &format!("\"{value}\"")));
        let mut text = String::new();
        for line in self.text.lines() {
            if is_name(line, &self.package) {
                text.push_str(&format!("name = \"{name}\""));
            } else if is_name(line, &self.enclave) {
                text.push_str(&format!("name = \"{}\"", name.enclave()));
            } else {
                text.push_str(line);
            }
            text.push('\n');
        }
        Ok(text + OWN_WORKSPACE)
    }
}

/// Cargo's settings of the crate with this name: the SDK's build folder, what decides whether something in it is built
/// anew, and what makes the crate's own build short, because it is the one that an author waits for at each change.
pub(super) fn config(name: &CrateName, sdk: &Sdk, target: &Path) -> Result<String, NewError> {
    let (workspace, config) = (sdk.read(super::MANIFEST)?, sdk.read(".cargo/config.toml")?);
    let mut text = format!("{ABOUT_CONFIG}[build]\ntarget-dir = {}\n", quoted(&target.display().to_string()));
    let profiles = sections(&workspace);
    let settings = sections(&config);
    let profiles = profiles.iter().filter(|(section, _)| section.starts_with("[profile."));
    for (section, lines) in settings.iter().filter(|(section, _)| !section.is_empty()).chain(profiles) {
        text.push_str(&format!("\n{section}\n"));
        // The comments are the SDK's, and some of them are about the next section.
        for line in lines.iter().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            text.push_str(&format!("{line}\n"));
        }
    }
    text.push_str(&format!("{ABOUT_OWN}[profile.release.package.{name}]\n{OWN_PROFILE}"));
    Ok(text)
}

/// Puts in the place of each `workspace = true` what the workspace says.
fn stand_alone(template: &[(&str, Vec<&str>)], workspace: &str, sdk: &Path) -> Result<String, String> {
    let workspace = sections(workspace);
    let known = |section: &str, name: &str| {
        let lines = workspace.iter().filter(|(found, _)| *found == section).flat_map(|(_, lines)| lines);
        let found = lines.filter_map(|line| entry(line)).find(|(key, _)| *key == name);
        found.map(|(_, value)| value.to_owned()).ok_or_else(|| format!("{section} has no {name}"))
    };
    let mut text = String::new();
    for (section, lines) in template {
        if *section == "[lints]" {
            for (tool, rules) in workspace.iter().filter(|(section, _)| section.starts_with(LINTS)) {
                text.push_str(&format!("{}\n", tool.replacen("workspace.", "", 1)));
                rules.iter().for_each(|line| text.push_str(&format!("{line}\n")));
            }
            continue;
        }
        if !section.is_empty() {
            text.push_str(&format!("{section}\n"));
        }
        for line in lines {
            let (key, value) = entry(line).unwrap_or_default();
            let is_of_workspace = key.ends_with(".workspace") || value.contains("workspace = true");
            let line = match (*section, key) {
                ("[package]", "version.workspace") => format!("version = \"{FIRST_VERSION}\""),
                ("[package]", "description") => format!("description = \"{DESCRIPTION}\""),
                ("[package]", _) if is_of_workspace => {
                    format!("{} = {}", word(key), known("[workspace.package]", word(key))?)
                }
                (section, _) if is_of_workspace && is_dependencies(section) => {
                    let of_workspace = known("[workspace.dependencies]", word(key))?;
                    format!("{} = {}", word(key), dependency(&of_workspace, value, sdk)?)
                }
                _ => (*line).to_owned(),
            };
            text.push_str(&format!("{line}\n"));
        }
    }
    Ok(text)
}

/// A dependency: what the workspace says of it, and beside it what the crate does.
fn dependency(of_workspace: &str, of_crate: &str, sdk: &Path) -> Result<String, String> {
    let strange = |text: &str| format!("cannot read {text}");
    let mut parts = match of_workspace.strip_prefix('"') {
        Some(_) => vec![("version".to_owned(), of_workspace.to_owned())],
        None => table(of_workspace).ok_or_else(|| strange(of_workspace))?,
    };
    if of_crate.starts_with('{') {
        parts.extend(table(of_crate).ok_or_else(|| strange(of_crate))?);
    }
    let mut features = Vec::new();
    let mut whole = Vec::new();
    for (key, value) in parts {
        match key.as_str() {
            "workspace" => {}
            "features" => features.extend(value.split('"').skip(1).step_by(2).map(quoted)),
            "path" => {
                let path = sdk.join(value.trim_matches('"'));
                whole.push(format!("path = {}", quoted(&path.display().to_string())));
            }
            _ => whole.push(format!("{key} = {value}")),
        }
    }
    if !features.is_empty() {
        features.sort();
        features.dedup();
        whole.push(format!("features = [{}]", features.join(", ")));
    }
    Ok(format!("{{ {} }}", whole.join(", ")))
}

/// The parts of a table that stands on one line.
fn table(text: &str) -> Option<Vec<(String, String)>> {
    let inside = text.strip_prefix('{')?.strip_suffix('}')?;
    let (mut parts, mut part, mut depth, mut is_text) = (Vec::new(), String::new(), 0u32, false);
    for sign in inside.chars().chain([',']) {
        match sign {
            '"' => is_text = !is_text,
            '[' | '{' if !is_text => depth = depth.saturating_add(1),
            ']' | '}' if !is_text => depth = depth.checked_sub(1)?,
            ',' if !is_text && depth == 0 => {
                let (key, value) = part.split_once('=')?;
                parts.push((key.trim().to_owned(), value.trim().to_owned()));
                part.clear();
                continue;
            }
            _ => {}
        }
        part.push(sign);
    }
    Some(parts)
}

/// The lines of each section, under its heading; what comes before the first has none.
fn sections(text: &str) -> Vec<(&str, Vec<&str>)> {
    let mut sections = vec![("", Vec::new())];
    for line in text.lines() {
        // Lists begin their lines further to the right.
        if line.starts_with('[') {
            sections.push((line, Vec::new()));
        } else if let Some((_, lines)) = sections.last_mut() {
            lines.push(line);
        }
    }
    sections
}

/// Name and value of a line, without the comment behind them.
fn entry(line: &str) -> Option<(&str, &str)> {
    if line.starts_with([' ', '#', '[']) {
        return None;
    }
    let (key, value) = line.split_once('=')?;
    let mut is_text = false;
    let end = value.char_indices().find(|(_, sign)| {
        is_text ^= *sign == '"';
        *sign == '#' && !is_text
    });
    let value = end.map_or(value, |(at, _)| value.get(..at).unwrap_or(value));
    Some((key.trim(), value.trim()))
}

/// `codec` of `codec.workspace`.
fn word(key: &str) -> &str {
    key.strip_suffix(".workspace").unwrap_or(key)
}

fn is_dependencies(section: &str) -> bool {
    ["[dependencies]", "[dev-dependencies]"].contains(&section)
}

/// A text as TOML has it.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

const LINTS: &str = "[workspace.lints.";
const FIRST_VERSION: &str = "0.1.0";
const DESCRIPTION: &str = "Business logic of a shard, and the enclave binary made of it";

const OWN_WORKSPACE: &str = "
# It is in no workspace of another, wherever its folder is.
[workspace]
";

const ABOUT_CONFIG: &str = "\
# The SDK's build folder, and its profile: what was built there under the same one is not built again.

";

const ABOUT_OWN: &str = "
# The crate itself, which holds the whole executor of its runtime, is compiled for a short wait at each change. For the
# enclave that is to serve, take these lines out. It is another binary then, with another measurement.
";
const OWN_PROFILE: &str = "\
opt-level = 1
codegen-units = 16
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dependency_is_what_workspace_and_crate_say_together() {
        let sdk = Path::new("/sdk");
        for (of_workspace, of_crate, whole) in [
            ("\"1\"", "true", "{ version = \"1\" }"),
            (
                "{ path = \"crates/x\" }",
                "{ workspace = true, features = [\"t\"] }",
                "{ path = \"/sdk/crates/x\", features = [\"t\"] }",
            ),
            (
                "{ package = \"p\", version = \"3\", default-features = false, features = [\"b\", \"a\"] }",
                "{ workspace = true, features = [\"a\", \"c\"] }",
                "{ package = \"p\", version = \"3\", default-features = false, features = [\"a\", \"b\", \"c\"] }",
            ),
        ] {
            assert_eq!(dependency(of_workspace, of_crate, sdk).as_deref(), Ok(whole));
        }
        assert!(dependency("{ version", "true", sdk).is_err());
    }

    #[test]
    fn a_line_is_read_without_its_comment() {
        assert_eq!(entry("a = \"x # y\" # why"), Some(("a", "\"x # y\"")));
        assert_eq!(entry("a.workspace = true"), Some(("a.workspace", "true")));
        for none in ["# a = 1", "[a]", "    \"x = y\",", ""] {
            assert_eq!(entry(none), None, "{none}");
        }
    }
}
