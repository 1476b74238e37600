// SPDX-License-Identifier: Apache-2.0
//! What is damaged, or leads elsewhere, becomes no data folder. That the enclave opens what was restored is shown end
//! to end.

use super::{restore::unpack_for_tests, *};
use crate::cli::{Cli, Command};
use clap::Parser;
use offstage_primitives::shard::base58;

fn head(files: &[(&str, u64)]) -> Head {
    Head {
        account: "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY".into(),
        measurement: base58(&[7; 32]),
        genesis: Some(format!("0x{}", "ab".repeat(32))),
        shard: Some(base58(&[8; 32])),
        position: Some(9),
        files: files.iter().map(|(name, len)| Entry { name: (*name).into(), len: *len }).collect(),
    }
}

/// A backup of a folder with a store and a secret.
fn archived() -> (tempfile::TempDir, Vec<u8>) {
    let dir = tempfile::tempdir().unwrap();
    for (name, len) in [(files::STORE, PIECE_LEN + 5), (files::SOFTWARE_SECRET, 32)] {
        fs::write(dir.path().join(name), vec![len as u8 | 1; len]).unwrap();
    }
    for foreign in
        ["notes", "enclave.redb.aside-x", "enclave.redb.aside-01", files::UNFINISHED_SOFTWARE_SECRET]
    {
        fs::write(dir.path().join(foreign), "").unwrap();
    }
    let names = names_in(dir.path()).unwrap();
    assert_eq!(names, [files::SOFTWARE_SECRET, files::STORE]);
    let contents: Vec<File> = names.iter().map(|name| File::open(dir.path().join(name)).unwrap()).collect();
    let head = head(&[(files::SOFTWARE_SECRET, 32), (files::STORE, PIECE_LEN as u64 + 5)]);
    let out = dir.path().join("out");
    write(&out, &head, contents).unwrap();
    let bytes = fs::read(out).unwrap();
    (dir, bytes)
}

fn unpacked(bytes: &[u8]) -> Result<(tempfile::TempDir, Head)> {
    let dir = tempfile::tempdir()?;
    let head = unpack_for_tests(&mut &bytes[..], dir.path())?;
    Ok((dir, head))
}

#[test]
fn what_was_archived_comes_back_byte_for_byte() {
    let (before, bytes) = archived();
    let (after, head) = unpacked(&bytes).unwrap();
    for name in [files::STORE, files::SOFTWARE_SECRET] {
        let read = |dir: &tempfile::TempDir| fs::read(dir.path().join(name)).unwrap();
        assert_eq!(read(&before), read(&after), "{name}");
    }
    assert_eq!(fs::read_dir(after.path()).unwrap().count(), 2);
    assert!(head.described().contains("position: 9"), "{}", head.described());
}

#[test]
fn a_backup_that_was_cut_or_altered_anywhere_is_refused() {
    let (_before, bytes) = archived();
    let places = (0..500).chain(PIECE_LEN - 5..PIECE_LEN + 5).chain(bytes.len() - 40..bytes.len());
    for place in places.clone() {
        let mut altered = bytes.clone();
        altered[place] ^= 1;
        assert!(unpacked(&altered).is_err(), "altered at {place}");
    }
    for len in places {
        assert!(unpacked(&bytes[..len]).is_err(), "cut at {len}");
    }
    assert!(unpacked(&[&bytes[..], b"more"].concat()).is_err());
    let error = format!("{:#}", unpacked(b"something else").unwrap_err());
    assert!(error.contains("no backup"), "{error}");
}

/// Once a damaged file was told as "no node answers", when none did.
#[tokio::test]
async fn what_is_damaged_is_told_as_that_before_enclave_and_node_are_asked() {
    let (dir, bytes) = archived();
    let file = dir.path().join("damaged");
    let told = async |bytes: &[u8]| {
        fs::write(&file, bytes).unwrap();
        let (folder, path) = (dir.path().join("new"), file.to_str().unwrap());
        let line = ["w", "-u", "ws://127.0.0.1:1", "-d", folder.to_str().unwrap(), "--enclave", "/nowhere"];
        let cli = Cli::try_parse_from(line.into_iter().chain(["restore", path])).unwrap();
        let Command::Restore(options) = &cli.command else { panic!("another command") };
        let error = restore(&cli.options, options).await.unwrap_err();
        assert!(!folder.exists());
        format!("{error:#}")
    };
    let mut altered = bytes.clone();
    altered[bytes.len() - 40] ^= 1;
    for damaged in [&altered[..], &bytes[..bytes.len() - 1]] {
        assert!(told(damaged).await.contains(archive::DAMAGED));
    }
    assert!(told(&bytes).await.contains("/nowhere"), "what is whole is held against the enclave");
}

#[test]
fn a_name_leads_nowhere_but_to_a_workers_own_files() {
    let read = |head: &Head| Head::read(&mut &head.to_bytes()[..]);
    let good = head(&[(files::STORE, 1), ("enclave.redb.aside-7", 1), (files::RETURNING_STORE, 1)]);
    assert_eq!(read(&good).unwrap(), good);
    for name in [
        "../enclave.redb",
        "/etc/passwd",
        "",
        "notes",
        "enclave.redb.aside-",
        "enclave.redb/x",
        "enclave.redb ",
    ] {
        assert!(read(&head(&[(name, 1)])).is_err(), "{name}");
    }
    assert!(read(&head(&[(files::STORE, 1), (files::STORE, 1)])).is_err(), "the same name twice");
    let mut forged = head(&[]);
    forged.account = "5G\u{1b}[2J".into();
    assert!(read(&forged).is_err());
}
