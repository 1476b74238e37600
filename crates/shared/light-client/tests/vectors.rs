// SPDX-License-Identifier: Apache-2.0
//! Replays what real nodes sent through the whole client. See `vectors/README.md`.
#![expect(clippy::disallowed_methods, reason = "the vectors are files")]

use codec::Decode;
use offstage_light_client::{
    BlockMaterial, Follower, GenesisMaterial, Header, LightClient, ShardEventKind, block_proof_keys,
    header::HeaderError,
    hops::announced_delay,
    operations,
    runtime::{Argument, ChainProperties},
};
use offstage_primitives::ShardIdentifier;
use serde_json::Value;
use std::{fs, path::PathBuf};

#[test]
fn captured_chains_are_followed_from_genesis() {
    for (name, vector) in vectors() {
        let mut client =
            LightClient::from_genesis(genesis(&vector)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let watched = list(&vector["watchedKeys"]);
        let shard: ShardIdentifier = <[u8; 32]>::try_from(bytes(&vector["shard"])).unwrap().into();
        let blocks = vector["blocks"].as_array().unwrap();
        let mut found = Vec::new();
        for block in blocks {
            client.import_headers(&[bytes(&block["header"])]).unwrap();
            let Some(justification) = block["justification"].as_str() else { continue };
            client.import_justification(&hex(justification)).unwrap();
            while client.position() != client.finalized() {
                let next = client.position().number as usize;
                let verified = client.verify_block(material(&blocks[next]), &watched).unwrap();
                let snapshot = client.snapshot_after(&verified).unwrap();
                found.extend(operations(&verified, shard).unwrap().iter().map(|event| kind(&event.kind)));
                client.advance(verified).unwrap();
                assert_eq!(client.snapshot(), snapshot);
            }
        }
        let expected = &vector["expected"];
        assert_eq!(client.position().number as usize, blocks.len(), "{name}");
        assert_eq!(client.authority_set_id(), expected["setId"].as_u64().unwrap(), "{name}");
        assert_eq!(Value::from(found), expected["operations"], "{name}");
        let runtime = client.runtime();
        assert_eq!(runtime.spec_name(), expected["specName"], "{name}");
        assert_eq!(Value::from(runtime.spec_version()), expected["specVersion"], "{name}");
        assert_eq!(
            runtime.metadata_digest().is_some(),
            expected["metadataDigest"].as_bool().unwrap(),
            "{name}"
        );
        assert!(runtime.call_index_with("Teerex", "register_sgx_enclave", REGISTER).is_some(), "{name}");
        let restored = LightClient::restore(&client.snapshot(), &code(&vector)).unwrap();
        assert_eq!(restored.position(), client.position(), "{name}");
    }
}

/// A real node's chain, from its genesis over the end of a set to the newest block, as a client follows it.
#[test]
fn c13_captured_chains_are_followed_by_set_changes() {
    for (name, vector) in vectors() {
        let genesis = genesis(&vector);
        let hash = Header::decode(&mut &genesis.header[..]).unwrap().hash().into();
        let mut follower = Follower::from_genesis(hash, &genesis.header, &genesis.state_proof).unwrap();
        let blocks = vector["blocks"].as_array().unwrap();
        let header = |number: usize| bytes(&blocks[number - 1]["header"]);
        let justification = |number: usize| bytes(&blocks[number - 1]["justification"]);
        let border = vector["expected"]["border"].as_u64().unwrap() as usize;
        let last = blocks.len();
        // The new set is nobody yet, and the old one does not hide its end.
        assert!(follower.clone().hop(&[header(last)], &justification(last)).is_err(), "{name}");
        let announced =
            (1..=border).rev().find(|number| announced_delay(&header(*number)).is_some()).unwrap();
        let headers: Vec<_> = (announced..=border).map(header).collect();
        follower.hop(&headers, &justification(border)).unwrap();
        assert_eq!(follower.authority_set_id(), vector["expected"]["setId"].as_u64().unwrap(), "{name}");
        follower.hop(&[header(last)], &justification(last)).unwrap();
        assert_eq!(follower.tip().id().number as usize, last, "{name}");
        // Values, the runtime and the events of the newest block.
        let keys: Vec<_> =
            block_proof_keys().into_iter().skip(1).chain(list(&vector["watchedKeys"])).collect();
        let state = follower.tip().read(&keys, &list(&blocks[last - 1]["stateProof"])).unwrap();
        let (runtime, metadata) = state.runtime(&genesis.code, &genesis.properties).unwrap();
        assert_eq!(runtime.spec_name(), vector["expected"]["specName"], "{name}");
        assert!(metadata.starts_with(b"meta"));
        assert!(!state.events(&runtime).unwrap().is_empty());
        follower.tip().check_body(&runtime, &list(&blocks[last - 1]["body"])).unwrap();
        let lied = [bytes(&blocks[last - 2]["header"])];
        assert!(follower.clone().hop(&lied, &justification(last)).is_err(), "{name}");
    }
}

#[test]
fn h06_captured_set_changes_cannot_be_hidden() {
    for (name, vector) in vectors() {
        let mut client = LightClient::from_genesis(genesis(&vector)).unwrap();
        let headers = vector["blocks"].as_array().unwrap().iter().map(|block| bytes(&block["header"]));
        let headers = headers.collect::<Vec<_>>();
        let border = vector["expected"]["border"].as_u64().unwrap() as u32;
        // The frontier does not pass the border, and the new set's justification does not open it.
        assert_eq!(client.import_headers(&headers), Err(HeaderError::JustificationNeeded(border)), "{name}");
        let later = bytes(&vector["blocks"][border as usize]["justification"]);
        assert!(client.import_justification(&later).is_err(), "{name}");
    }
}

#[test]
fn h07_properties_that_a_node_makes_up_give_no_digest() {
    for (name, vector) in vectors() {
        let mut lie = genesis(&vector);
        lie.properties.token_decimals += 1;
        let client = LightClient::from_genesis(lie).unwrap();
        assert_eq!(client.runtime().metadata_digest(), None, "{name}");
    }
}

#[test]
fn h03_captured_blocks_with_any_flipped_part_are_refused() {
    for (name, vector) in vectors() {
        let mut client = LightClient::from_genesis(genesis(&vector)).unwrap();
        let watched = list(&vector["watchedKeys"]);
        let first = &vector["blocks"][0];
        client.import_headers(&[bytes(&first["header"])]).unwrap();
        client.import_justification(&bytes(&first["justification"])).unwrap();
        let genuine = material(first);
        client.verify_block(genuine.clone(), &watched).unwrap();
        for index in 0..genuine.body.len() {
            let mut material = genuine.clone();
            material.body[index][5] ^= 1;
            assert!(client.verify_block(material, &watched).is_err(), "{name}");
        }
        for index in 0..genuine.state_proof.len() {
            for position in [0, genuine.state_proof[index].len() - 1] {
                let mut material = genuine.clone();
                material.state_proof[index][position] ^= 1;
                assert!(client.verify_block(material, &watched).is_err(), "{name}");
            }
        }
    }
}

/// All captured chains.
fn vectors() -> Vec<(String, Value)> {
    let mut vectors = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            (path.display().to_string(), serde_json::from_str(&text).unwrap())
        })
        .collect::<Vec<_>>();
    vectors.sort_by(|one, other| one.0.cmp(&other.0));
    assert!(!vectors.is_empty(), "vectors are missing");
    vectors
}

fn genesis(vector: &Value) -> GenesisMaterial {
    let genesis = &vector["genesis"];
    assert_eq!(list(&vector["blockProofKeys"]), block_proof_keys());
    GenesisMaterial {
        header: bytes(&genesis["header"]),
        state_proof: list(&genesis["stateProof"]),
        code: code(vector),
        properties: ChainProperties {
            token_symbol: vector["properties"]["tokenSymbol"].as_str().unwrap().into(),
            token_decimals: vector["properties"]["tokenDecimals"].as_u64().unwrap() as u8,
        },
    }
}

fn code(vector: &Value) -> Vec<u8> {
    fs::read(folder().join(vector["genesis"]["code"].as_str().unwrap())).unwrap()
}

fn material(block: &Value) -> BlockMaterial {
    BlockMaterial {
        header: bytes(&block["header"]),
        body: list(&block["body"]),
        state_proof: list(&block["stateProof"]),
    }
}

fn kind(kind: &ShardEventKind) -> String {
    match kind {
        ShardEventKind::Invoke { cyphertext } => format!("invoke {}", hex::encode(cyphertext)),
        ShardEventKind::Shield { encrypted_beneficiary, amount } => {
            format!("shield {} {amount}", hex::encode(encrypted_beneficiary))
        }
        other => format!("{other:?}"),
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors")
}

fn list(value: &Value) -> Vec<Vec<u8>> {
    value.as_array().unwrap().iter().map(bytes).collect()
}

fn bytes(value: &Value) -> Vec<u8> {
    hex(value.as_str().unwrap())
}

fn hex(text: &str) -> Vec<u8> {
    hex::decode(text.strip_prefix("0x").unwrap()).unwrap()
}

const REGISTER: &[(&str, Argument)] = &[
    ("proof", Argument::Bytes),
    ("worker_url", Argument::OptionalBytes),
    ("attestation_method", Argument::Compound),
];
