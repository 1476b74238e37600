// SPDX-License-Identifier: Apache-2.0
//! New crates of the SDK that this test is part of. That they compile and pass their tests is seen by the end-to-end
//! tests.

use super::*;
use clap::ValueEnum;

fn sdk() -> Sdk {
    let here = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap();
    Sdk::find(None, None, &here).unwrap()
}

fn make(template: Template, name: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let parent = folder.path().canonicalize().unwrap();
    let made = create(&parent, &name.parse().unwrap(), template, &sdk(), Path::new("/build")).unwrap();
    (folder, made)
}

#[test]
fn a_crate_of_each_template_stands_alone_under_its_own_name() {
    for template in Template::value_variants() {
        let (_folder, made) = make(*template, "my-own");
        let read = |file: &str| {
            fs::read_to_string(made.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
        };
        let manifest = read("Cargo.toml");
        for words in ["name = \"my-own\"", "name = \"my-own-enclave\"", "\n[workspace]\n", "[lints.clippy]"] {
            assert!(manifest.contains(words), "{words}:\n{manifest}");
        }
        assert!(!manifest.contains("workspace = true"), "{manifest}");
        let enclave = sdk().path().join("crates/trusted/enclave");
        assert!(manifest.contains(&format!("path = \"{}\"", enclave.display())), "{manifest}");
        assert!(read("src/main.rs").contains("Program::new::<my_own::"), "{template:?}");
        assert!(read("src/runtime.rs").contains("frame::version(\"my-own\""), "{template:?}");
        assert!(read("devnet.sh").starts_with("#!"), "{template:?}");
        let config = read(".cargo/config.toml");
        for words in [
            "target-dir = \"/build\"",
            "[profile.release]",
            "[profile.release.package.\"*\"]",
            "[profile.release.package.my-own]",
            "[env]",
        ] {
            assert!(config.contains(words), "{words}:\n{config}");
        }
        for file in ["Makefile", "README.md"] {
            let text = read(file);
            assert!(text.contains("my-own") && !text.contains("{{"), "{text}");
        }
        for file in
            ["Cargo.lock", "clippy.toml", "rustfmt.toml", "rust-toolchain.toml", ".gitignore", "src/tests.rs"]
        {
            assert!(!read(file).is_empty());
        }
    }
}

#[test]
fn cargo_understands_each() {
    for template in Template::value_variants() {
        let (_folder, made) = make(*template, "mine");
        let author = offstage_devnet::author::Author::find(&made, None).unwrap();
        assert_eq!(author.binary, "mine-enclave");
    }
}

#[test]
fn what_is_there_stays_and_what_fails_leaves_nothing() {
    let (folder, made) = make(Template::Empty, "mine");
    let manifest = fs::read(made.join("Cargo.toml")).unwrap();
    let parent = folder.path().canonicalize().unwrap();
    let again = |name: &str, parent: &Path, sdk: &Sdk| {
        create(parent, &name.parse().unwrap(), Template::Auction, sdk, Path::new("/build")).unwrap_err()
    };
    let told = again("mine", &parent, &sdk());
    assert!(matches!(told, NewError::Exists { .. }), "{told}");
    assert_eq!(fs::read(made.join("Cargo.toml")).unwrap(), manifest);
    let told = again("offstage-sdk", &parent, &sdk());
    assert!(matches!(told, NewError::Name { .. }), "{told}");
    let inside = sdk().path().join("crates");
    assert!(matches!(again("another", &inside, &sdk()), NewError::Inside { .. }));
    // An SDK of another version, which has no auction.
    let other = parent.join("other");
    for file in ["crates/trusted/sdk/Cargo.toml", "templates/new/README.md"] {
        fs::create_dir_all(other.join(file).parent().unwrap()).unwrap();
        fs::write(other.join(file), "").unwrap();
    }
    let other = Sdk::find(Some(&other), None, &parent).unwrap();
    assert!(matches!(again("another", &parent, &other), NewError::Io { .. }));
    assert!(!parent.join("another").exists() && !inside.join("another").exists());
}
