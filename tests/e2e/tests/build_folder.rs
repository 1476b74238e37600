// SPDX-License-Identifier: Apache-2.0
//! A build folder that two clones share gives each clone its own programs (`scripts/in-target.sh`).

use offstage_e2e::workspace;
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, SystemTime},
};
use tempfile::TempDir;

/// A clone of a workspace of one program, which says a word.
struct Clone {
    folder: TempDir,
}

impl Clone {
    fn new(word: &str, written: SystemTime) -> Self {
        let folder = TempDir::new().unwrap();
        let at = |path: &str| folder.path().join(path);
        let write = |path: &str, text: &str| {
            fs::create_dir_all(at(path).parent().unwrap()).unwrap();
            fs::write(at(path), text).unwrap();
        };
        write("Cargo.toml", "[workspace]\nresolver = \"2\"\nmembers = [\"crates/said\"]\n");
        write(
            "crates/said/Cargo.toml",
            "[package]\nname = \"offstage-said\"\nversion = \"0.1.0\"\nedition = \"2024\"\n",
        );
        write("crates/said/src/main.rs", &format!("fn main() {{ println!(\"{word}\"); }}\n"));
        fs::create_dir(at("scripts")).unwrap();
        fs::copy(workspace::root().join("scripts/in-target.sh"), at("scripts/in-target.sh")).unwrap();
        let clone = Self { folder };
        clone.run(Command::new("git").args(["init", "--quiet"]));
        clone.run(Command::new("cargo").args(["generate-lockfile", "--offline", "--quiet"]));
        for path in ["Cargo.toml", "Cargo.lock", "crates/said/Cargo.toml", "crates/said/src/main.rs"] {
            File::options().write(true).open(clone.path().join(path)).unwrap().set_modified(written).unwrap();
        }
        clone
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn run(&self, command: &mut Command) {
        let status = command.current_dir(self.path()).stdout(Stdio::null()).status().unwrap();
        assert!(status.success(), "{command:?}");
    }

    /// Builds the program into a folder, and returns what it says.
    fn build_and_ask(&self, target: &Path) -> String {
        let cargo = ["cargo", "build", "--release", "--quiet", "--locked", "--offline"];
        self.run(
            Command::new(self.path().join("scripts/in-target.sh"))
                .args(cargo)
                .env("CARGO_TARGET_DIR", target),
        );
        let program: PathBuf = target.join("release/offstage-said");
        let output = Command::new(program).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_string()
    }
}

/// The second clone's files are older than what the first one built: by their times alone nothing is to be done.
#[test]
fn two_clones_that_share_a_folder_each_get_their_own_program() {
    let shared = TempDir::new().unwrap();
    let long_ago = SystemTime::now() - Duration::from_secs(100_000);
    let (first, second) = (Clone::new("first", long_ago), Clone::new("second", long_ago));
    for _ in 0..2 {
        assert_eq!(first.build_and_ask(shared.path()), "first");
        assert_eq!(second.build_and_ask(shared.path()), "second");
    }
}

/// In the clone's own folder Cargo is left alone.
#[test]
fn a_clone_builds_into_a_folder_of_its_own() {
    let clone = Clone::new("own", SystemTime::now());
    let target = clone.path().join("target");
    assert_eq!(clone.build_and_ask(&target), "own");
    assert!(!target.join("offstage-clone").exists());
}
