// SPDX-License-Identifier: Apache-2.0
//! What is too much at once (row H12), and what is just not: each limit is written out, so that a slip in it shows.

use super::{
    tests::{chain_and_client, final_block},
    *,
};

const BODY_LEN: usize = 16_777_216;
const EXTRINSICS: usize = 65_536;
const WATCHED_KEYS: usize = 1_024;
const PROOF_LEN: usize = 41_943_040;
const PROOF_NODES: usize = 65_536;
const HEADERS: usize = 16_384;

#[test]
fn h12_too_many_headers_at_once_are_refused() {
    let (_, mut client) = chain_and_client(1, 1);
    let error = client.import_headers(&vec![vec![]; HEADERS + 1]);
    assert_eq!(error, Err(HeaderError::TooMany(HEADERS + 1)));
    assert!(matches!(client.import_headers(&vec![vec![]; HEADERS]), Err(HeaderError::Malformed(_))));
}

#[test]
fn h12_too_large_a_body_is_refused() {
    let (client, genuine) = final_block();
    let refused =
        |body: Vec<Vec<u8>>| client.verify_block(BlockMaterial { body, ..genuine.clone() }, &[]).unwrap_err();
    let halves = |length: usize| vec![vec![0; length / 2], vec![0; length - length / 2]];
    assert_eq!(refused(halves(BODY_LEN + 1)), BlockError::BodyTooLarge(1));
    assert_eq!(refused(halves(BODY_LEN)), BlockError::Body(1));
    assert_eq!(refused(vec![vec![]; EXTRINSICS + 1]), BlockError::BodyTooLarge(1));
    assert_eq!(refused(vec![vec![]; EXTRINSICS]), BlockError::Body(1));
}

#[test]
fn h12_too_large_a_state_proof_is_refused() {
    let (client, genuine) = final_block();
    let refused = |state_proof: Vec<Vec<u8>>| match client
        .verify_block(BlockMaterial { state_proof, ..genuine.clone() }, &[])
        .unwrap_err()
    {
        BlockError::Proof { error, .. } => error,
        other => panic!("{other}"),
    };
    let halves = |length: usize| vec![vec![0; length / 2], vec![1; length - length / 2]];
    assert_eq!(refused(halves(PROOF_LEN + 1)), ProofError::TooLarge { size: PROOF_LEN + 1, nodes: 2 });
    assert_eq!(refused(halves(PROOF_LEN)), ProofError::OtherState);
    let nodes = |count: usize| (0..count as u32).map(|node| node.to_le_bytes().to_vec()).collect::<Vec<_>>();
    let size = 4 * (PROOF_NODES + 1);
    assert_eq!(refused(nodes(PROOF_NODES + 1)), ProofError::TooLarge { size, nodes: PROOF_NODES + 1 });
    assert_eq!(refused(nodes(PROOF_NODES)), ProofError::OtherState);
}

#[test]
fn h12_too_many_watched_keys_are_refused() {
    let (client, genuine) = final_block();
    let error = client.verify_block(genuine.clone(), &vec![vec![]; WATCHED_KEYS + 1]).unwrap_err();
    assert_eq!(error, BlockError::TooManyKeys(WATCHED_KEYS + 1));
    let accepted = client.verify_block(genuine, &vec![vec![7]; WATCHED_KEYS]);
    assert!(!matches!(accepted, Err(BlockError::TooManyKeys(_))));
}
