// SPDX-License-Identifier: Apache-2.0
use super::*;
use proptest::prelude::*;
use std::{fs, os::unix::fs::PermissionsExt};

const WHOLE: &str = r#"{
  "shard": "8weGnjvG3nh6UzoYjqaTjpWjX1ouNPioA1K5134DJc5j",
  "mrenclave": "8weGnjvG3nh6UzoYjqaTjpWjX1ouNPioA1K5134DJc5j",
  "genesis": "0x0101010101010101010101010101010101010101010101010101010101010101",
  "checkpoint": "0x0202020202020202020202020202020202020202020202020202020202020202",
  "root": "development",
  "node": "ws://127.0.0.1:9944",
  "worker": "wss://127.0.0.1:2000"
}"#;

fn whole() -> Profile {
    Profile::parse(WHOLE.as_bytes()).unwrap()
}

fn name(text: &str) -> ProfileName {
    text.parse().unwrap()
}

#[test]
fn a_profile_is_written_as_it_is_read() {
    let profile = whole();
    assert_eq!(profile.to_json(), WHOLE);
    assert_eq!(profile.trust().root, TrustedRoot::Development);
    assert_eq!(profile.trust().genesis, Some(BlockHash::new([1; 32])));
    assert_eq!(profile.pin().identifier(), profile.shard);
}

#[test]
fn c12_without_a_word_the_root_is_intels_and_neither_shard_nor_genesis_is_guessed() {
    let without = |field: &str| {
        let lines: Vec<_> = WHOLE.lines().filter(|line| !line.contains(&format!("\"{field}\""))).collect();
        Profile::parse(lines.join("\n").replace("2000\",", "2000\"").as_bytes())
    };
    assert_eq!(without("root").unwrap().root, TrustedRoot::Intel);
    assert_eq!(without("mrenclave").unwrap().measurement, None);
    for field in ["shard", "genesis"] {
        let reason = without(field).unwrap_err();
        assert!(reason.contains(field), "{reason}");
    }
}

#[test]
fn c12_what_is_not_understood_is_refused_with_its_line() {
    for (line, from, to) in [
        (3, "\"mrenclave\"", "\"mrenclav\""),
        (6, "\"root\"", "\"Root\""),
        (6, "development", "develop"),
        (6, "\"development\"", "null"),
        (3, "\"8weGnjvG3nh6UzoYjqaTjpWjX1ouNPioA1K5134DJc5j\",\n  \"g", "null,\n  \"g"),
        (4, "0x0101", "0x01"),
        (7, "ws://", "http://"),
        (8, "wss://", "ws://"),
        (5, "\"checkpoint\"", "\"genesis\""),
        (9, "}", "} {}"),
    ] {
        let changed = WHOLE.replacen(from, to, 1);
        assert_ne!(changed, WHOLE);
        let reason = Profile::parse(changed.as_bytes()).unwrap_err();
        assert!(reason.contains(&format!("at line {line} ")), "{to}: {reason}");
    }
}

#[test]
fn a_long_file_is_refused() {
    let long = format!("{WHOLE}{}", " ".repeat(MAX_PROFILE_LEN));
    assert!(Profile::parse(long.as_bytes()).unwrap_err().contains("longer"));
}

/// Found by the fuzz target: an address can be longer in the file than it was on the command line.
#[test]
fn what_could_not_be_read_again_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let profiles = Profiles::new(folder.path().join("profiles"));
    let with_path = |len| {
        let node = NodeUrl::parse(&format!("wss://node/{}", "\\".repeat(len)), NODE_PORT).unwrap();
        Profile { node: Some(node), ..whole() }
    };
    profiles.store(&name("a"), &whole(), false).unwrap();
    let refused = profiles.store(&name("a"), &with_path(MAX_PROFILE_LEN / 2), true);
    assert!(matches!(refused, Err(ProfileError::TooLong)));
    assert_eq!(profiles.load(&name("a")).unwrap(), whole(), "the former one stays");
    let longest = (1..).take_while(|len| profiles.store(&name("b"), &with_path(*len), true).is_ok()).count();
    assert!(longest > 1_000);
    assert_eq!(profiles.load(&name("b")).unwrap(), with_path(longest));
}

#[test]
fn names_are_names_of_files() {
    for text in ["demo", "a", "My-shard_2.test", &"x".repeat(MAX_NAME_LEN)] {
        assert_eq!(text.parse::<ProfileName>().unwrap().to_string(), text);
    }
    for text in ["", ".", "..", ".hidden", "-rf", "a/b", "a b", "ü", "a\0", &"x".repeat(MAX_NAME_LEN + 1)] {
        assert!(text.parse::<ProfileName>().is_err(), "{text:?}");
    }
}

#[test]
fn profiles_are_stored_listed_replaced_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    let profiles = Profiles::new(folder.path().join("offstage/profiles"));
    assert_eq!(profiles.names().unwrap(), []);
    profiles.store(&name("second"), &whole(), false).unwrap();
    profiles.store(&name("first"), &whole(), false).unwrap();
    fs::write(profiles.path(&name("first")).with_extension("txt"), "something else").unwrap();
    assert_eq!(profiles.names().unwrap(), [name("first"), name("second")]);
    assert_eq!(profiles.load(&name("first")).unwrap(), whole());

    let other = Profile { root: TrustedRoot::Intel, ..whole() };
    assert!(matches!(profiles.store(&name("first"), &other, false), Err(ProfileError::Exists { .. })));
    assert_eq!(profiles.load(&name("first")).unwrap(), whole());
    profiles.store(&name("first"), &other, true).unwrap();
    assert_eq!(profiles.load(&name("first")).unwrap(), other);

    profiles.remove(&name("first")).unwrap();
    assert!(matches!(profiles.load(&name("first")), Err(ProfileError::Unknown { .. })));
    assert!(matches!(profiles.remove(&name("first")), Err(ProfileError::Unknown { .. })));
    assert_eq!(fs::read_dir(folder.path().join("offstage/profiles")).unwrap().count(), 2, "no draft is left");
}

#[test]
fn c12_a_profile_is_its_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    let profiles = Profiles::new(folder.path().join("profiles"));
    profiles.store(&name("mine"), &whole(), false).unwrap();
    let path = profiles.path(&name("mine"));
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    for others in [0o620, 0o602, 0o666] {
        fs::set_permissions(&path, fs::Permissions::from_mode(others)).unwrap();
        assert!(matches!(profiles.load(&name("mine")), Err(ProfileError::WritableByOthers { .. })));
    }
}

#[test]
fn a_damaged_profile_is_named_in_the_error() {
    let folder = tempfile::tempdir().unwrap();
    let profiles = Profiles::new(folder.path());
    profiles.store(&name("mine"), &whole(), false).unwrap();
    let path = profiles.path(&name("mine"));
    fs::write(&path, &WHOLE[..60]).unwrap();
    let text = profiles.load(&name("mine")).unwrap_err().to_string();
    assert!(text.contains(&path.display().to_string()) && text.contains("line 2"), "{text}");
}

proptest! {
    #[test]
    fn every_profile_round_trips(
        shard: [u8; 32],
        measurement: Option<[u8; 32]>,
        genesis: [u8; 32],
        checkpoint: Option<[u8; 32]>,
        development: bool,
        node in proptest::option::of("wss?://[a-z0-9.]{1,40}(:[1-9][0-9]{0,3})?(/[a-z]{1,9})?"),
        worker in proptest::option::of("wss://[a-z0-9.]{1,40}(:[1-9][0-9]{0,3})?"),
    ) {
        let profile = Profile {
            shard: shard.into(),
            measurement: measurement.map(Measurement),
            genesis: genesis.into(),
            checkpoint: checkpoint.map(BlockHash::new),
            root: if development { TrustedRoot::Development } else { TrustedRoot::Intel },
            node: node.map(|text| NodeUrl::parse(&text, NODE_PORT).unwrap()),
            worker: worker.map(|text| WorkerAddress::parse(&text, WORKER_PORT).unwrap()),
        };
        let json = profile.to_json();
        prop_assert!(json.len() <= MAX_PROFILE_LEN);
        prop_assert_eq!(Profile::parse(json.as_bytes()), Ok(profile));
    }

    /// A byte that differs changes a value, or is refused; what is read is written so that it reads the same.
    #[test]
    fn any_bytes_are_read_or_refused(position in 0..WHOLE.len(), byte: u8) {
        let mut bytes = WHOLE.as_bytes().to_vec();
        bytes[position] = byte;
        if let Ok(profile) = Profile::parse(&bytes) {
            prop_assert_eq!(Profile::parse(profile.to_json().as_bytes()), Ok(profile));
        }
    }
}
