// SPDX-License-Identifier: Apache-2.0
use super::*;
use crate::{
    profile::Profile,
    trust::{Trust, TrustedRoot},
    worker::WorkerAddress,
};
use clap::CommandFactory;
use offstage_primitives::{BlockHash, ShardIdentifier, node_url::NodeUrl};

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn the_defaults_are_those_of_the_demo() {
    let cli = Cli::try_parse_from(["offstage", "list-workers"]).unwrap();
    let terminal = Terminal::new();
    let context = Context::new(&cli.options, &terminal).unwrap();
    assert_eq!(context.node.as_str(), "ws://127.0.0.1:9944");
    assert_eq!(context.worker.to_string(), "wss://127.0.0.1:2000");
}

#[test]
fn the_lines_of_known_scripts_are_understood() {
    let shard = "8weGnjvG3nh6UzoYjqaTjpWjX1ouNPioA1K5134DJc5j";
    for line in [
        "offstage -u ws://127.0.0.1 -p 9944 -U wss://127.0.0.1 -P 2000 balance //Alice".to_owned(),
        "offstage new-account".to_owned(),
        "offstage list-accounts".to_owned(),
        "offstage print-metadata".to_owned(),
        "offstage list-shards".to_owned(),
        "offstage print-sgx-metadata -P 2001".to_owned(),
        "offstage faucet //Bob //Charlie".to_owned(),
        "offstage transfer //Alice //Bob 1000".to_owned(),
        "offstage listen -e 3 -b 5".to_owned(),
        "offstage listen --exit-after 3 --await-blocks 5".to_owned(),
        format!(
            "offstage trusted --mrenclave {shard} unshield-funds --enclave-bridge //AliceIncognito //Ferdie 1"
        ),
        format!("offstage trusted -m {shard} unshield-funds //AliceIncognito //Ferdie 1 -e"),
        "offstage trusted get-shard-info".to_owned(),
        "offstage trusted get-parentchains-info".to_owned(),
        format!("offstage -s {shard} shield-funds //Alice //AliceIncognito 50000000000"),
        format!("offstage --profile demo -P 2010 trusted -m {shard} balance //Alice"),
        "offstage import".to_owned(),
        "offstage trusted import".to_owned(),
        format!(
            "offstage profile add demo --shard {shard} --genesis 0x{} --root development",
            "ab".repeat(32)
        ),
        format!(
            "offstage profile add demo -s {shard} --genesis 0x{} --node ws://a --worker wss://b",
            "ab".repeat(32)
        ),
        "offstage profile list".to_owned(),
        "offstage profile show demo".to_owned(),
        "offstage profile remove demo".to_owned(),
        "offstage trust demo --yes".to_owned(),
        format!("offstage -p 9994 shield-funds //Alice //AliceIncognito 50000000000 {shard}"),
        format!("offstage trusted --mrenclave {shard} new-account"),
        format!("offstage trusted -m {shard} -s {shard} -a //Bob list-accounts"),
        format!("offstage trusted --mrenclave {shard} --direct transfer //Alice //Bob 1"),
        format!("offstage -P 3000 trusted --mrenclave {shard} balance //Alice"),
        "offstage trusted nonce //Alice".to_owned(),
        "offstage trusted set-balance //Alice 1000".to_owned(),
        "offstage trusted unshield-funds //AliceIncognito //Alice 15_000_000_000".to_owned(),
        "offstage trusted get-fingerprint".to_owned(),
        "offstage trusted get-shard".to_owned(),
        "offstage trusted version".to_owned(),
        format!("offstage trusted get-receipt 0x{}", "ab".repeat(32)),
    ] {
        let arguments = line.split_whitespace();
        assert!(Cli::try_parse_from(arguments).is_ok(), "{line}");
    }
}

#[test]
fn wrong_lines_are_usage_errors() {
    for line in [
        "offstage",
        "offstage balance",
        "offstage faucet",
        "offstage transfer //Alice //Bob 1.5",
        "offstage transfer //Alice //Bob many",
        "offstage shield-funds //Alice //Bob 1 notbase58!",
        "offstage trusted get-receipt 0x12",
        "offstage --insecure list-workers",
        "offstage --timeout 0 list-workers",
        "offstage -p 70000 list-workers",
        "offstage --root somebody list-workers",
        "offstage --genesis 0x12 list-workers",
        "offstage --profile ../x list-workers",
        "offstage profile remove ..",
        "offstage trust",
    ] {
        let error = Cli::try_parse_from(line.split_whitespace()).unwrap_err();
        assert_eq!(error.exit_code(), i32::from(USAGE), "{line}");
    }
}

#[test]
fn a_secret_on_the_command_line_does_not_show_in_debug_output() {
    let cli = Cli::try_parse_from(["offstage", "balance", "0xsecret"]).unwrap();
    assert!(!format!("{cli:?}").contains("secret"));
}

/// Without a shard that the user has, nothing that pays, encrypts or signs even connects: neither to the node nor to
/// the worker.
#[tokio::test]
async fn c12_without_a_shard_nobody_is_asked_for_one_and_the_user_is_told_how_to_get_it() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    listener.set_nonblocking(true).unwrap();
    let at = ["-u", "ws://127.0.0.1", "-p", &port, "-U", "wss://127.0.0.1", "-P", &port];
    let hash = format!("0x{}", "ab".repeat(32));
    for command in [
        &["shield-funds", "//Alice", "//Alice", "1"][..],
        &["trusted", "transfer", "//Alice", "//Bob", "1"],
        &["trusted", "unshield-funds", "//Alice", "//Bob", "1"],
        &["trusted", "set-balance", "//Alice", "1"],
        &["trusted", "balance", "//Alice"],
        &["trusted", "nonce", "//Alice"],
        &["trusted", "new-account"],
        &["trusted", "list-accounts"],
        &["trusted", "get-receipt", &hash],
    ] {
        let cli = Cli::try_parse_from([&["offstage"], &at[..], command].concat()).unwrap();
        let terminal = Terminal::new();
        let error = run(&cli, &terminal).await.unwrap_err();
        assert!(matches!(error.downcast_ref(), Some(CliError::NoShard)), "{command:?}: {error}");
        let hint = report::hint(&error).unwrap();
        assert!(["--shard", "--profile", "offstage trust"].iter().all(|way| hint.contains(way)), "{hint}");
        assert!(report::is_usage(&error));
        let connected = listener.accept();
        assert!(connected.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock), "{command:?}");
    }
}

#[test]
fn c12_the_shard_comes_from_the_place_of_the_command_the_options_or_the_profile_in_this_order() {
    let (first, second, third) =
        (ShardIdentifier::from([1; 32]), ShardIdentifier::from([2; 32]), ShardIdentifier::from([3; 32]));
    let profile = Profile {
        shard: third,
        measurement: None,
        genesis: BlockHash::new([4; 32]),
        checkpoint: None,
        root: TrustedRoot::Development,
        node: Some(NodeUrl::parse("wss://node.example", 1).unwrap()),
        worker: Some(WorkerAddress::parse("wss://worker.example", 2).unwrap()),
    };
    let terminal = Terminal::new();
    let context = |line: &str, profile: Option<&Profile>| {
        let cli = Cli::try_parse_from(line.split_whitespace()).unwrap();
        Context::with(&cli.options, profile, &terminal).unwrap()
    };
    let named = context(&format!("offstage --shard {second} list-workers"), Some(&profile));
    assert_eq!(named.pin_of(Some(first)).unwrap().identifier(), first);
    assert_eq!(named.pin().unwrap().identifier(), second);
    let bare = context("offstage list-workers", Some(&profile));
    assert_eq!(bare.pin().unwrap().identifier(), third);
    // A measurement is a demand more; it names a shard only where nothing else does.
    let measured = format!("offstage --mrenclave {first} list-workers");
    assert_eq!(context(&measured, Some(&profile)).pin().unwrap().identifier(), third);
    assert_eq!(context(&measured, None).pin().unwrap().identifier(), first);
    assert!(matches!(context("offstage list-workers", None).pin(), Err(CliError::NoShard)));

    assert_eq!(bare.trust, profile.trust());
    let other = context("offstage --root intel list-workers", Some(&profile));
    assert_eq!((other.trust.root, other.trust.genesis), (TrustedRoot::Intel, Some(BlockHash::new([4; 32]))));
    assert_eq!(context("offstage list-workers", None).trust, Trust::default());

    assert_eq!(
        (bare.node.as_str(), bare.worker.to_string()),
        ("wss://node.example:1", "wss://worker.example:2".into())
    );
    let moved = context("offstage -p 3 -P 4 list-workers", Some(&profile));
    assert_eq!((moved.node.as_str(), moved.worker.port()), ("wss://node.example:3", 4));
    let elsewhere = context("offstage -u wss://a -U wss://b list-workers", Some(&profile));
    assert_eq!((elsewhere.node.as_str(), elsewhere.worker.port()), ("wss://a:9944", 2000));
}

/// `offstage trust` is a question, never a default: where nobody can be asked, it ends before it connects.
#[tokio::test]
async fn c12_trust_on_first_use_needs_somebody_who_says_yes() {
    use std::io::IsTerminal;
    if std::io::stdin().is_terminal() && std::io::stderr().is_terminal() {
        return;
    }
    let cli = Cli::try_parse_from(["offstage", "trust", "mine"]).unwrap();
    let error = run(&cli, &Terminal::new()).await.unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(CliError::NobodyToAsk)), "{error}");
}
