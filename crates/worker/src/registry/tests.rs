// SPDX-License-Identifier: Apache-2.0
//! Whom a played node's registry names, and in which order.

use super::*;
use crate::testing::{PlayedNode, started, status};
use codec::Encode;
use offstage_primitives::{
    Measurement,
    teerex::{SgxBuildMode, SgxEnclave, SgxReportData, SgxStatus},
};

fn account(number: u32) -> AccountId32 {
    AccountId32::new(blake2_of(number))
}

fn blake2_of(number: u32) -> [u8; 32] {
    sp_crypto_hashing::blake2_256(&number.encode())
}

fn enclave(url: &str) -> SgxEnclave {
    SgxEnclave {
        report_data: SgxReportData { d: [0; 64] },
        mr_enclave: Measurement([2; 32]),
        mr_signer: [0; 32],
        timestamp: 0,
        url: Some(url.as_bytes().to_vec()),
        build_mode: SgxBuildMode::Production,
        attestation_method: SgxAttestationMethod::Dcap { proxied: false },
        status: SgxStatus::Ok,
    }
}

fn register(node: &PlayedNode, signer: &AccountId32, enclave: SgxEnclave) {
    node.chain().storage.insert(storage::sovereign_enclave(signer), MultiEnclave::Sgx(enclave).encode());
}

#[tokio::test]
async fn c16_those_that_act_for_the_shard_are_apart_from_hundreds_of_others() {
    let node = PlayedNode::new(1);
    let started = started(status(0));
    for number in 0..300 {
        register(&node, &account(number), enclave(&format!("wss://dead{number}:1")));
    }
    register(&node, &started.signer, enclave("wss://own:1"));
    let acting: Vec<ShardSignerStatus> = [account(7), account(250), started.signer.clone()]
        .into_iter()
        .map(|signer| ShardSignerStatus { signer, fingerprint: Measurement([0; 32]), last_activity: 1 })
        .collect();
    let key = storage::shard_status(started.shard);
    node.chain().storage.insert(key, acting.encode());

    let first = providers(&node.connection(), &started).await.unwrap();
    let mut acting = first.acting.clone();
    acting.sort();
    assert_eq!(acting, ["wss://dead250:1", "wss://dead7:1"]);
    assert_eq!(first.others.len(), 298);
    let second = providers(&node.connection(), &started).await.unwrap();
    assert_ne!(first.others, second.others, "the order can be foreseen");
}

#[tokio::test]
async fn c16_entries_that_cannot_have_the_key_or_an_address_are_left_out() {
    let node = PlayedNode::new(1);
    let started = started(status(0));
    let other_code = SgxEnclave { mr_enclave: Measurement([9; 32]), ..enclave("wss://other:1") };
    let other_method = SgxEnclave { attestation_method: SgxAttestationMethod::Ias, ..enclave("wss://ias:1") };
    let proxied = SgxEnclave {
        attestation_method: SgxAttestationMethod::Dcap { proxied: true },
        ..enclave("wss://proxied:1")
    };
    let terminal = enclave("wss://x\u{1b}[2J:1");
    let long = enclave(&format!("wss://{}:1", "x".repeat(300)));
    let nameless = SgxEnclave { url: None, ..enclave("") };
    let bad = [other_code, other_method, proxied, terminal, long, nameless];
    for (number, enclave) in bad.into_iter().enumerate() {
        register(&node, &account(number as u32), enclave);
    }
    register(&node, &account(99), enclave("wss://good:1"));
    let found = providers(&node.connection(), &started).await.unwrap();
    assert_eq!(found, Providers { others: vec!["wss://good:1".into()], ..Providers::default() });
    // One that acts for the shard with other code is counted: it is why nobody gives the key.
    let acting =
        vec![ShardSignerStatus { signer: account(0), fingerprint: Measurement([9; 32]), last_activity: 1 }];
    node.chain().storage.insert(storage::shard_status(started.shard), acting.encode());
    let found = providers(&node.connection(), &started).await.unwrap();
    assert_eq!((found.acting.len(), found.unlike), (0, 1));
}

#[tokio::test]
async fn c16_a_registry_of_thousands_is_not_read_to_its_end() {
    let node = PlayedNode::new(1);
    for number in 0..3_000 {
        register(&node, &account(number), enclave(&format!("wss://dead{number}:1")));
    }
    let found = providers(&node.connection(), &started(status(0))).await.unwrap();
    assert!(found.others.len() <= MAX_OTHERS as usize);
    assert!(found.others.len() > MAX_OTHERS as usize / 2);
}
