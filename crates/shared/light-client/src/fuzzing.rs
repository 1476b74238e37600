// SPDX-License-Identifier: Apache-2.0
//! Entry points for the fuzz targets in `fuzz/`: each takes any bytes and asserts what must hold of them.
//!
//! Not part of a production build. The chain that the bytes meet is one of the testing kit, with a live chain's
//! metadata and real signatures; so what is accepted is known beforehand, and everything else is a finding.

#[cfg(test)]
mod seeds;

use crate::{
    Follower, Header, LightClient,
    authorities::Authorities,
    block::{MAX_BODY_LEN, VerifiedBlock, check_body, check_state},
    events::{EventRecord, Phase, decode_events},
    finality::MAX_JUSTIFICATION_LEN,
    header::decode_header,
    hops,
    operations::{ShardEventKind, operations},
    proof::MAX_STATE_PROOF_LEN,
    snapshot::{Position, Snapshot},
    storage_keys,
    testing::{BlockContent, TestChain, USER, authorities, validators},
};
use codec::Encode;
use offstage_primitives::{BlockHash, H256, ShardIdentifier, bounded::decode_bounded};
use sp_consensus_grandpa::GrandpaJustification;
use sp_crypto_hashing::blake2_256;
use sp_runtime::{Digest, traits::Header as _};
use std::sync::LazyLock;

pub use crate::runtime::fuzzing::{metadata, runtime_code};

/// A header: decodes to itself, and the authority set stays one that can vote or does not change.
pub fn header(bytes: &[u8]) {
    let Ok(header) = decode_header(bytes) else { return };
    assert_eq!(header.encode(), bytes);
    let before = Authorities::genesis(authorities(&validators(1, 4))).expect("the set can vote");
    let mut after = before.clone();
    match after.observe(&header) {
        Ok(()) => assert!(after.is_sound()),
        Err(_) => assert_eq!(after, before),
    }
    after.finalized(header.number);
    assert!(after.is_sound() && after.voters().is_some());
    let mut client = FIXTURE.client.clone();
    if client.import_headers(&[bytes.to_vec()]).is_ok() {
        assert!(client.frontier().number <= FIXTURE.border, "nothing is imported beyond the border");
    }
}

/// A justification: nothing becomes final but what the chain's validators signed.
pub fn justification(bytes: &[u8]) {
    if let Ok(decoded) = decode_bounded::<GrandpaJustification<Header>>(bytes, MAX_JUSTIFICATION_LEN) {
        assert_eq!(decoded.encode(), bytes);
    }
    let mut client = FIXTURE.client.clone();
    match client.import_justification(bytes) {
        Ok(finalized) => {
            assert_eq!(finalized.hash, FIXTURE.chain.hash(finalized.number));
            assert_eq!(client.finalized().hash, finalized.hash);
        }
        Err(_) => assert_eq!(client.finalized(), FIXTURE.client.finalized()),
    }
}

/// Nodes of a state proof: for the chain's own state root, what is accepted are the chain's values; for a root that
/// fits the first node, whatever is accepted or refused does no harm.
pub fn state_proof(bytes: &[u8]) {
    let Ok(nodes) = decode_bounded::<Vec<Vec<u8>>>(bytes, MAX_STATE_PROOF_LEN) else { return };
    let header = FIXTURE.chain.header(FIXTURE.block);
    let runtime = FIXTURE.client.runtime();
    if let Ok(state) = check_state(header, &nodes, &FIXTURE.watched, runtime) {
        assert_eq!(state.code_hash, runtime.code_hash());
        assert_eq!(state.events, FIXTURE.events);
        for (key, value) in state.storage {
            assert_eq!(value.as_deref(), expected_value(&key));
        }
    }
    let Some(first) = nodes.first() else { return };
    let header = header_with(H256(blake2_256(first)), H256::zero());
    if let Ok(state) = check_state(&header, &nodes, &FIXTURE.watched, runtime) {
        assert_eq!(state.storage.len(), FIXTURE.watched.len());
    }
}

/// A body: its extrinsics in this order are the chain's only if they hash to its root.
pub fn body(bytes: &[u8]) {
    let Ok(body) = decode_bounded::<Vec<Vec<u8>>>(bytes, MAX_BODY_LEN) else { return };
    let accepted = check_body(FIXTURE.chain.header(FIXTURE.block), &body, FIXTURE.client.runtime()).is_ok();
    assert_eq!(accepted, body == FIXTURE.body);
}

/// The value of `System.Events`: the records are cut out of these bytes and nothing else.
pub fn events(bytes: &[u8]) {
    let Ok(records) = decode_events(FIXTURE.client.runtime(), bytes) else { return };
    // A phase and the two bytes of the event, and what they stand for in its fields, and the number of topics.
    let least = records.iter().map(|record| 4 + fields_len(record)).sum::<usize>();
    assert!(least < bytes.len());
    let block = block(Vec::new(), records);
    let _ = operations(&block, SHARD);
}

/// Extrinsics and events of a block that is proven to hold them: what it means follows from the events, in their order.
pub fn operations_of_block(bytes: &[u8]) {
    let Ok((extrinsics, events)) = decode_bounded::<Content>(bytes, MAX_BODY_LEN) else { return };
    let Ok(records) = decode_events(FIXTURE.client.runtime(), &events) else { return };
    let block = block(extrinsics, records);
    let meaning = operations(&block, SHARD);
    assert_eq!(meaning, operations(&block, SHARD), "all workers see the same");
    let Ok(meaning) = meaning else { return };
    assert!(meaning.is_sorted_by(|one, other| one.event_index < other.event_index));
    for event in meaning {
        let record = block
            .events
            .iter()
            .find(|record| record.index == event.event_index)
            .expect("an event of the block");
        let phase = match event.extrinsic_index {
            Some(index) => record.phase == Phase::ApplyExtrinsic(index),
            None => !matches!(record.phase, Phase::ApplyExtrinsic(_)),
        };
        assert!(phase);
        if let ShardEventKind::Invoke { cyphertext } = &event.kind {
            assert!(record.is("EnclaveBridge", "IndirectInvocationRegistered"));
            assert_eq!(record.field::<ShardIdentifier>("shard", 0), Some(SHARD));
            let extrinsic = &block.extrinsics[event.extrinsic_index.expect("it was invoked") as usize];
            let carried = cyphertext.is_empty()
                || extrinsic.windows(cyphertext.len()).any(|window| window == cyphertext);
            assert!(carried, "an envelope is the extrinsic's own");
        }
    }
}

/// A stored snapshot: is read to the end and written as the same bytes, or refused.
pub fn snapshot(bytes: &[u8]) {
    let Ok(snapshot) = Snapshot::from_bytes(bytes) else { return };
    assert_eq!(snapshot.to_bytes(), bytes);
    assert!(snapshot.position.authorities.voters().is_some());
    assert_eq!(LightClient::snapshot_code_hash(bytes), Ok(snapshot.position.code_hash));
}

/// What a follower is kept as: what is accepted is read back as it was.
pub fn follower(bytes: &[u8]) {
    let Ok(follower) = Follower::from_bytes(bytes) else { return };
    assert_eq!(follower.to_bytes(), bytes);
    let _ = (follower.genesis_hash(), follower.tip().id(), follower.authority_set_id());
}

/// Material of a hop, headers and justification: a hop leads to a block of the chain, or nothing has changed.
pub fn hop(bytes: &[u8]) {
    type Material = (Vec<Vec<u8>>, Vec<u8>);
    let Ok((headers, justification)) = decode_bounded::<Material>(bytes, MAX_JUSTIFICATION_LEN) else {
        return;
    };
    let before = &FIXTURE.follower;
    let mut follower = before.clone();
    match follower.hop(&headers, &justification) {
        Ok(block) => {
            assert_eq!(block.hash, FIXTURE.chain.hash(block.number));
            assert_eq!(follower.tip().id(), block);
            assert!(follower.authority_set_id() <= before.authority_set_id().saturating_add(1));
        }
        Err(_) => assert_eq!(&follower, before),
    }
    for header in headers {
        let _ = hops::announced_delay(&header);
    }
}

/// A chain, a client that knows its headers up to the end of the first authority set, and what the chain's block holds.
struct Fixture {
    chain: TestChain,
    client: LightClient,
    /// At genesis.
    follower: Follower,
    /// A block with operations of every kind.
    block: u32,
    /// The last block of the first authority set.
    border: u32,
    watched: Vec<Vec<u8>>,
    events: Vec<EventRecord>,
    body: Vec<Vec<u8>>,
}

static FIXTURE: LazyLock<Fixture> = LazyLock::new(|| {
    let mut chain = TestChain::new(4);
    let block = chain.add(full_block(chain.block()));
    chain.add_empty(2);
    let border = chain.add_set_change(validators(2, 3), 1) + 1;
    chain.add_empty(3);
    let watched = vec![
        storage_keys::timestamp(),
        storage_keys::account(&USER),
        WATCHED_KEY.to_vec(),
        storage_keys::grandpa_authorities(),
    ];
    let mut client = chain.client();
    let events = chain.verify_next(&mut client, &watched).events;
    let mut client = chain.client();
    client.import_headers(&chain.headers(1..=border)).expect("headers of the kit are valid");
    let body = chain.material(block, &[]).body;
    let genesis = chain.header(0);
    let proof = chain.proof(0, &hops::proof_keys(&hops::genesis_keys()));
    let follower = Follower::from_genesis(chain.hash(0), &genesis.encode(), &proof)
        .expect("genesis of the kit is valid");
    Fixture { chain, client, follower, block, border, watched, events, body }
});

fn full_block(content: BlockContent) -> BlockContent {
    content
        .invoke(SHARD, vec![1; 384])
        .shield(SHARD, vec![2; 384], 50_000_000_000)
        .register(&USER, vec![3; 200])
        .confirm(&USER, SHARD, (BlockHash::repeat_byte(4), 1), H256::repeat_byte(5))
        .unshield(&USER, SHARD, &USER, 10, H256::repeat_byte(6))
        .storage(WATCHED_KEY.to_vec(), Some(WATCHED_VALUE.to_vec()))
}

fn expected_value(key: &[u8]) -> Option<&'static [u8]> {
    static VALUES: LazyLock<Vec<(Vec<u8>, Vec<u8>)>> = LazyLock::new(|| {
        vec![
            (
                storage_keys::timestamp(),
                (crate::testing::GENESIS_TIME + u64::from(FIXTURE.block) * 6_000).encode(),
            ),
            (WATCHED_KEY.to_vec(), WATCHED_VALUE.to_vec()),
            (storage_keys::grandpa_authorities(), authorities(&validators(1, 4)).encode()),
        ]
    });
    VALUES.iter().find_map(|(of, value)| (of == key).then_some(&value[..]))
}

fn fields_len(record: &EventRecord) -> usize {
    record.fields.iter().map(|field| field.bytes.len()).sum()
}

fn header_with(state_root: H256, extrinsics_root: H256) -> Header {
    Header::new(1, extrinsics_root, state_root, H256::zero(), Digest::default())
}

/// A block as if it were proven.
fn block(extrinsics: Vec<Vec<u8>>, events: Vec<EventRecord>) -> VerifiedBlock {
    let header = header_with(H256::zero(), H256::zero());
    let after = Position {
        block: crate::BlockId::of(&header),
        authorities: Authorities::genesis(authorities(&validators(1, 4))).expect("the set can vote"),
        code_hash: H256::zero(),
    };
    VerifiedBlock {
        number: 1,
        hash: crate::BlockId::of(&header).hash,
        header,
        extrinsics,
        events,
        storage: Default::default(),
        runtime: FIXTURE.client.runtime().clone(),
        next_code_hash: None,
        after,
    }
}

/// Extrinsics, and the value of `System.Events`.
type Content = (Vec<Vec<u8>>, Vec<u8>);

const SHARD: ShardIdentifier = ShardIdentifier(H256([7; 32]));
const WATCHED_KEY: &[u8] = b"a key that is watched";
/// Long enough that a state of version 1 keeps it apart from its leaf.
const WATCHED_VALUE: &[u8] = &[9; 50];
