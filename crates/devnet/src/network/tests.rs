// SPDX-License-Identifier: Apache-2.0
use super::*;
use std::{fs, os::unix::fs::PermissionsExt, thread::sleep};

/// Programs that print a specification, or nothing, and stay.
fn programs(folder: &Path) -> Programs {
    let script = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    };
    let specification = r#"{"genesis":{"runtimeGenesis":{"patch":{"balances":{"balances":[]}}}}}"#;
    let node =
        format!("if [ \"$1\" = export-chain-spec ]; then echo '{specification}'; exit; fi\nexec sleep 1000");
    Programs { node: script("offstage-node", &node), worker: script("offstage-worker", "exec sleep 1000") }
}

fn setup(folder: &Path) -> Setup {
    let ports = Ports::free(2).unwrap();
    Setup { folder: folder.join("network"), programs: programs(folder), ports, guard: None }
}

#[test]
fn a_network_goes_on_where_it_was_until_it_is_reset() {
    let folder = tempfile::tempdir().unwrap();
    let setup = setup(folder.path());
    let chain = || fs::read_to_string(setup.folder.join("chain.json")).unwrap();
    drop(Network::open(setup.clone(), false).unwrap());
    let first = chain();
    fs::write(setup.folder.join("shards/old"), "").unwrap();
    drop(Network::open(setup.clone(), false).unwrap());
    assert!(chain() == first && setup.folder.join("shards/old").exists());
    drop(Network::open(setup.clone(), true).unwrap());
    assert!(chain() != first && !setup.folder.join("shards/old").exists());
    assert_eq!(fs::read_to_string(setup.folder.join(".gitignore")).unwrap(), "*\n");
}

#[test]
fn a_folder_has_one_network_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let setup = setup(folder.path());
    let network = Network::open(setup.clone(), false).unwrap();
    let other = Setup { ports: Ports::free(2).unwrap(), ..setup.clone() };
    let told = Network::open(other.clone(), true).err().unwrap();
    assert!(matches!(told, DevnetError::FolderInUse { .. }), "{told}");
    drop(network);
    let strangers = Setup { folder: folder.path().join("strangers"), ..other };
    fs::create_dir_all(strangers.folder.join("logs")).unwrap();
    let told = Network::open(strangers.clone(), true).err().unwrap().to_string();
    assert!(told.contains("something else is in it; name another with --folder"), "{told}");
    assert!(strangers.folder.join("logs").exists());
}

#[test]
fn a_port_in_use_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let setup = setup(folder.path());
    let _taken = std::net::TcpListener::bind(("127.0.0.1", setup.ports.node.rpc)).unwrap();
    let told = Network::open(setup.clone(), true).err().unwrap();
    assert!(matches!(told, DevnetError::PortInUse { .. }), "{told}");
    assert!(!setup.folder.exists());
}

#[test]
fn an_enclave_is_served_as_it_was_and_the_same_one_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let enclave = folder.path().join("enclave");
    let mut network = Network::open(setup(folder.path()), false).unwrap();
    assert!(matches!(network.serve(&enclave), Err(DevnetError::NoEnclave { .. })));
    fs::write(&enclave, "first").unwrap();
    assert!(network.serve(&enclave).unwrap());
    let first = network.measurement();
    fs::write(&enclave, "second").unwrap();
    let served = network.served.clone().unwrap();
    assert_eq!(fs::read_to_string(&served.enclave).unwrap(), "first");
    assert!(network.serve(&enclave).unwrap() && network.measurement() != first);
    assert!(!network.serve(&enclave).unwrap());
    fs::write(&enclave, "first").unwrap();
    assert!(network.serve(&enclave).unwrap() && network.measurement() == first);
}

#[test]
fn what_ends_by_itself_is_told_and_started_again() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let mut part = Part::new("a part".to_owned(), log);
    assert!(part.is_due() && part.trouble().is_none());
    let mut command = Command::new("sh");
    command.args(["-c", "echo why; exit 1"]);
    part.start(command).unwrap();
    while part.runs() {
        sleep(Duration::from_millis(10));
    }
    assert!(!part.is_due(), "it rests first");
    assert!(part.trouble().unwrap().ends_with("its last words: why"));
    part.ended = part.ended.map(|(at, words)| (at.checked_sub(PAUSE).unwrap(), words));
    assert!(part.is_due());
}
