// SPDX-License-Identifier: Apache-2.0
//! `offstage new`: a crate of the author's own.
//!
//! It is made of crates that the SDK's own tests build and run, so what an author begins with is what works. All that
//! is changed are names and the manifest, which stands outside of the SDK's workspace ([`manifest`]).

mod error;
mod manifest;
mod name;
mod sdk;
mod text;

pub(super) use error::NewError;

use super::{output::Printed, terminal::Terminal};
use anyhow::Result;
use clap::{Args, ValueEnum};
use error::io;
use name::CrateName;
use sdk::Sdk;
use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// Make a crate for a logic of your own
///
/// It has a runtime, a pallet and tests, and works as it is: `make test` runs its tests, `make dev` runs it on a
/// network of this machine, `make try` does what devnet.sh does with it. It is built with the SDK's lock file and
/// into the SDK's build folder, so that your next crate is built quickly.
#[derive(Args, Debug)]
#[command(after_help = TEMPLATES)]
pub(super) struct New {
    /// Name of the crate, and of the folder that is made
    name: CrateName,
    /// What it begins with
    #[arg(short = 't', long, value_enum, default_value_t)]
    template: Template,
    /// Checkout of Offstage whose SDK it is built with [default: the one that this program or the folder is in]
    #[arg(long, value_name = "FOLDER", env = "OFFSTAGE_SDK")]
    sdk: Option<PathBuf>,
}

/// What a crate begins with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Template {
    /// A counter: the least that there is
    #[default]
    Empty,
    /// Money: pay in, transfer, pay out
    Balances,
    /// An auction with sealed bids
    Auction,
}

impl Template {
    /// Where it is in the SDK.
    fn folder(self) -> &'static str {
        match self {
            Self::Empty => "templates/empty",
            Self::Balances => "templates/balances",
            Self::Auction => "examples/auction",
        }
    }
}

impl New {
    pub(super) fn run(&self, terminal: &Terminal) -> Result<()> {
        let here = env::current_dir().map_err(io("find", Path::new(".")))?;
        let sdk = Sdk::find(self.sdk.as_deref(), env::current_exe().ok().as_deref(), &here)?;
        let target =
            env::var_os("CARGO_TARGET_DIR").map_or_else(|| sdk.path().join("target"), |it| here.join(it));
        let folder = create(&here, &self.name, self.template, &sdk, &target)?;
        terminal.line(&format!("next: cd {} && make test", self.name));
        terminal.print(&Printed::text(folder.display().to_string()));
        Ok(())
    }
}

/// Makes the crate in `parent`, and gives its folder. Where that fails, nothing is left.
fn create(
    parent: &Path,
    name: &CrateName,
    template: Template,
    sdk: &Sdk,
    target: &Path,
) -> Result<PathBuf, NewError> {
    let folder = parent.join(name.as_str());
    if parent.starts_with(sdk.path()) {
        return Err(NewError::Inside { sdk: sdk.path().to_owned() });
    }
    // All of it is known before anything is written.
    let files = files(name, template, sdk, target)?;
    fs::create_dir(&folder).map_err(|source| match source.kind() {
        std::io::ErrorKind::AlreadyExists => NewError::Exists { folder: folder.clone() },
        _ => io("make", &folder)(source),
    })?;
    let written = files.iter().try_for_each(|file| file.write(&folder));
    if let Err(error) = written {
        let _ = fs::remove_dir_all(&folder);
        return Err(error);
    }
    Ok(folder)
}

/// A file of the new crate.
struct File {
    path: PathBuf,
    text: String,
    is_program: bool,
}

impl File {
    fn new(path: impl Into<PathBuf>, text: String) -> Self {
        let path = path.into();
        let is_program = path.extension().is_some_and(|extension| extension == "sh");
        Self { path, text, is_program }
    }

    fn write(&self, folder: &Path) -> Result<(), NewError> {
        use std::os::unix::fs::PermissionsExt;
        let path = folder.join(&self.path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(io("make", parent))?;
        }
        fs::write(&path, &self.text).map_err(io("write", &path))?;
        if self.is_program {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).map_err(io("write", &path))?;
        }
        Ok(())
    }
}

fn files(name: &CrateName, template: Template, sdk: &Sdk, target: &Path) -> Result<Vec<File>, NewError> {
    let folder = sdk.path().join(template.folder());
    let manifest = manifest::Manifest::read(&folder.join(MANIFEST), sdk)?;
    let words = text::Words::new(&manifest, name, sdk);
    let mut files = vec![
        File::new(MANIFEST, manifest.named(name)?),
        File::new(".cargo/config.toml", manifest::config(name, sdk, target)?),
        File::new(".gitignore", IGNORED.to_owned()),
    ];
    for (from, to) in AS_THEY_ARE {
        files.push(File::new(*to, sdk.read(from)?));
    }
    for file in ["Makefile", "README.md"] {
        files.push(File::new(file, words.fill(&sdk.read(&format!("templates/new/{file}"))?)));
    }
    for path in text::files(&folder)? {
        let text = fs::read_to_string(folder.join(&path)).map_err(io("read", &folder.join(&path)))?;
        files.push(File::new(path, words.rename(&text)));
    }
    Ok(files)
}

/// What is the same for all: with the lock file a crate gets the versions that the SDK is tested with, and with the
/// same compiler and the same profile what is built of them is not built again.
const AS_THEY_ARE: &[(&str, &str)] = &[
    ("Cargo.lock", "Cargo.lock"),
    ("rust-toolchain.toml", "rust-toolchain.toml"),
    ("rustfmt.toml", "rustfmt.toml"),
    ("templates/clippy.toml", "clippy.toml"),
];

const MANIFEST: &str = "Cargo.toml";

/// Nothing of it is worth keeping.
const IGNORED: &str = "/target\n/.offstage\n/my_keystore\n/my_trusted_keystore\n";

const TEMPLATES: &str = "\
Examples:
  offstage new ledger
  offstage new --template auction lots

Then:
  cd ledger
  make test     runs its tests
  make dev      runs it on a network of this machine, and builds again whenever you save
  make try      does what devnet.sh does with it, on a network of its own";

#[cfg(test)]
mod tests;
