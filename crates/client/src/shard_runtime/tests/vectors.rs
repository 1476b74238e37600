// SPDX-License-Identifier: Apache-2.0
//! Extrinsics that `@polkadot/api` made of the metadata and what a wallet knows of a chain, saved: `make vectors`.

use super::*;
use offstage_balances::runtime::Runtime;
use offstage_sdk::frame::ShardRuntime as _;
use serde_json::Value;
use std::path::PathBuf;

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/shard_runtime/tests").join(name)
}

fn saved(name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(file(name)).unwrap()).unwrap()
}

/// What the wallet knows, beside the metadata. `UPDATE=1` writes it.
#[test]
fn what_the_wallet_was_told_is_the_test_shards() {
    let (worker, runtime) = shard(1_000);
    let version = offstage_balances::runtime::VERSION;
    let token = Runtime::TOKEN;
    let told = json!({
        "genesisHash": format!("{:?}", runtime.genesis_hash),
        "block": { "number": worker.block.number, "hash": format!("{:?}", worker.block.hash) },
        "version": {
            "specName": version.spec_name,
            "specVersion": version.spec_version,
            "transactionVersion": version.transaction_version,
        },
        "token": { "symbol": token.symbol, "decimals": token.decimals },
    });
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(file("shard.json"), format!("{told:#}\n")).unwrap();
    }
    assert_eq!(saved("shard.json"), told, "write it anew with `make vectors`");
}

#[test]
fn what_polkadot_api_makes_is_executed() {
    let (mut worker, _) = shard(1_000);
    let vectors = saved("polkadot_api.json");
    let extrinsics = vectors["extrinsics"].as_array().unwrap();
    assert_eq!(extrinsics.len(), 3);
    for vector in extrinsics {
        let extrinsic = hex::decode(&vector["extrinsic"].as_str().unwrap()[2..]).unwrap();
        let done = worker.run_alone(operation(extrinsic));
        assert_eq!(done.outcome, Outcome::Executed, "{}: run `make vectors`", vector["what"]);
    }
    let free = worker.inspect(|| offstage_balances::runtime::Balances::free_balance(TestAccount::bob().id()));
    assert_eq!(free, 75);
}

/// By another implementation of RFC-78, from the metadata in another version.
#[test]
fn the_metadatas_digest_is_what_wallets_calculate() {
    let digest = Balances::metadata_digest().unwrap();
    assert_eq!(saved("polkadot_api.json")["metadataHash"], json!(format!("0x{}", hex::encode(digest))));
}
