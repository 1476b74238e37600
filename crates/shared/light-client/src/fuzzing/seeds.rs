// SPDX-License-Identifier: Apache-2.0
//! Seeds of the targets, from the testing kit and from what a real node sent (`tests/vectors`).

use super::*;
use crate::{Phase, block_proof_keys, testing::METADATA};
use codec::Compact;
use corpus::Target;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use serde_json::Value;
use sp_consensus_grandpa::{ConsensusLog, GRANDPA_ENGINE_ID, ScheduledChange};
use sp_runtime::DigestItem;

#[path = "../../../../../fuzz/src/corpus.rs"]
mod corpus;

const TARGETS: &[Target] = &[
    ("header", header),
    ("justification", justification),
    ("state_proof", state_proof),
    ("body", body),
    ("events", events),
    ("operations", operations_of_block),
    ("snapshot", snapshot),
    ("follower", follower),
    ("hop", hop),
    ("metadata", metadata),
    ("runtime_code", runtime_code),
];

#[test]
fn seeds_hold_what_the_targets_assert() {
    corpus::replay(TARGETS);
}

/// Keys that each block's proof and the fixture's cover.
fn proven_keys() -> Vec<Vec<u8>> {
    [&block_proof_keys()[..], &FIXTURE.watched].concat()
}

/// Seeds that are refused at the first byte would be worth nothing.
#[test]
fn genuine_material_is_accepted() {
    let mut client = FIXTURE.client.clone();
    client.import_justification(&FIXTURE.chain.justify(FIXTURE.border)).unwrap();
    let proof = FIXTURE.chain.proof(FIXTURE.block, &proven_keys());
    let header = FIXTURE.chain.header(FIXTURE.block);
    check_state(header, &proof, &FIXTURE.watched, client.runtime()).unwrap();
    let material = FIXTURE.chain.material(FIXTURE.block, &[]);
    let meaning = operations(&block(material.body, FIXTURE.events.clone()), SHARD).unwrap();
    assert_eq!(meaning.len(), 5);
}

#[test]
#[ignore = "rewrites fuzz/corpus"]
fn write_seeds() {
    let (chain, border) = (&FIXTURE.chain, FIXTURE.border);
    let vector = vector();
    let first = &vector["blocks"][0];
    corpus::write("header", headers(first));
    corpus::write("justification", justifications(chain, border, first));
    let proof = |number, keys: &[Vec<u8>]| chain.proof(number, keys).encode();
    corpus::write(
        "state_proof",
        [
            ("kit", proof(FIXTURE.block, &proven_keys())),
            ("another-block", proof(FIXTURE.block + 1, &proven_keys())),
            ("fewer-keys", proof(FIXTURE.block, &block_proof_keys())),
            ("captured", list(&first["stateProof"]).encode()),
        ],
    );
    let body = chain.material(FIXTURE.block, &[]).body;
    corpus::write("body", [("kit", body.encode()), ("captured", list(&first["body"]).encode())]);
    let blocks = blocks();
    corpus::write("events", blocks.iter().map(|(name, (_, events))| (*name, events.clone())));
    corpus::write("operations", blocks.iter().map(|(name, block)| (*name, block.encode())));
    corpus::write("snapshot", [("genesis", chain.client().snapshot()), ("later", later_snapshot(chain))]);
    let mut followed = FIXTURE.follower.clone();
    let genesis = followed.to_bytes();
    let delayed = (chain.headers(border - 1..=border), chain.justify(border));
    followed.hop(&delayed.0, &delayed.1).unwrap();
    corpus::write("follower", [("genesis", genesis), ("later", followed.to_bytes())]);
    let hops = [
        ("delayed", delayed.clone()),
        ("within", (chain.headers([2]), chain.justify(2))),
        ("without-announcement", (chain.headers([border]), chain.justify(border))),
        ("next-set", (chain.headers([border + 1]), chain.justify(border + 1))),
        ("not-linked", (chain.headers([1, border]), chain.justify(border))),
    ];
    corpus::write("hop", hops.map(|(name, material)| (name, material.encode())));
    corpus::write("metadata", [("live-chain", METADATA.to_vec()), ("small", small_metadata())]);
    corpus::write("runtime_code", code());
}

fn headers(captured: &Value) -> Vec<(&'static str, Vec<u8>)> {
    let with = |logs: Vec<DigestItem>| {
        Header::new(1, H256::zero(), H256::zero(), FIXTURE.chain.header(0).hash(), Digest { logs }).encode()
    };
    let log = |log: ConsensusLog<u32>| DigestItem::Consensus(GRANDPA_ENGINE_ID, log.encode());
    let change = ScheduledChange { next_authorities: authorities(&validators(3, 2)), delay: 7 };
    vec![
        ("genesis", FIXTURE.chain.header(0).encode()),
        ("next", FIXTURE.chain.header(1).encode()),
        ("set-change", FIXTURE.chain.header(FIXTURE.border - 1).encode()),
        ("captured", bytes(&captured["header"])),
        (
            "logs",
            with(vec![
                DigestItem::PreRuntime(*b"aura", 5u64.encode()),
                log(ConsensusLog::Pause(1)),
                log(ConsensusLog::Resume(1)),
                log(ConsensusLog::ScheduledChange(change.clone())),
                DigestItem::Seal(*b"aura", vec![1; 64]),
                DigestItem::RuntimeEnvironmentUpdated,
                DigestItem::Other(vec![2; 3]),
            ]),
        ),
        ("forced", with(vec![log(ConsensusLog::ForcedChange(1, change))])),
    ]
}

fn justifications(chain: &TestChain, border: u32, captured: &Value) -> Vec<(&'static str, Vec<u8>)> {
    let (set_id, pairs) = chain.set_for(border);
    let mut by_descendant = chain.justification(border, pairs, set_id);
    by_descendant.commit.target_number = border - 1;
    by_descendant.commit.target_hash = chain.hash(border - 1).into();
    by_descendant.votes_ancestries = vec![chain.header(border).clone()];
    let mut twice = chain.justification(border, pairs, set_id);
    twice.commit.precommits.push(twice.commit.precommits[0].clone());
    vec![
        ("first", chain.justify(1)),
        ("border", chain.justify(border)),
        ("descendant", by_descendant.encode()),
        ("too-few", chain.justify_by(border, &pairs[..2], set_id)),
        ("twice", twice.encode()),
        ("next-set", chain.justify(border + 1)),
        ("captured", bytes(&captured["justification"])),
    ]
}

fn blocks() -> Vec<(&'static str, Content)> {
    let content = || FIXTURE.chain.block();
    let build = |content: BlockContent| {
        let (extrinsics, events, ..) = content.finish();
        (extrinsics, events)
    };
    let utility = |content: &BlockContent, call: &str, calls: &[Vec<u8>]| {
        let arguments = [Compact(calls.len() as u32).encode(), calls.concat()].concat();
        content.call("Utility", call, Raw(arguments))
    };
    let batch = |call: &str, completed: &str| {
        let content = content();
        let item = content.event("Utility", "ItemCompleted", ());
        let inner = utility(
            &content,
            "force_batch",
            &[content.invoke_call(SHARD, vec![2]), content.call("System", "remark", vec![1u8; 3])],
        );
        let call = utility(&content, call, &[content.invoke_call(SHARD, vec![1]), inner]);
        let events = [
            content.invoked(SHARD),
            item.clone(),
            content.invoked(SHARD),
            item.clone(),
            content.event("Utility", "ItemFailed", 2u8),
            content.event("Utility", "BatchCompletedWithErrors", ()),
            item,
            content.event("Utility", completed, ()),
        ];
        let extrinsic = content.signed(&call, &USER);
        build(content.extrinsic(extrinsic, &events))
    };
    let wrapped = || {
        let content = content();
        let proxied =
            content.call("Proxy", "proxy", (0u8, USER, 0u8, Raw(content.invoke_call(SHARD, vec![3]))));
        let call = content.call("Sudo", "sudo", Raw(proxied));
        let events = [
            content.invoked(SHARD),
            content.event("Proxy", "ProxyExecuted", 0u8),
            content.event("Sudo", "Sudid", 0u8),
        ];
        let extrinsic = content.signed(&call, &USER);
        build(content.extrinsic(extrinsic, &events))
    };
    let failed = || {
        let content = content();
        let extrinsic = content.signed(&content.invoke_call(SHARD, vec![4]), &USER);
        let event = content.event("System", "NewAccount", USER);
        build(content.failed_extrinsic(extrinsic, &[]).block_event(Phase::Initialization, event))
    };
    vec![
        ("empty", build(content())),
        ("full", build(full_block(content()))),
        ("batch", batch("batch", "BatchCompleted")),
        ("batch-all", batch("batch_all", "BatchCompleted")),
        ("wrapped", wrapped()),
        ("failed", failed()),
    ]
}

fn later_snapshot(chain: &TestChain) -> Vec<u8> {
    let mut client = chain.client();
    for _ in 0..FIXTURE.border - 1 {
        chain.verify_next(&mut client, &[]);
    }
    // With a final block beyond the position.
    chain.finalize(&mut client, FIXTURE.border);
    client.snapshot()
}

/// Metadata of version 15 with the types of the live chain's first pallet only.
fn small_metadata() -> Vec<u8> {
    use frame_metadata::{RuntimeMetadata, RuntimeMetadataPrefixed, v15::*};
    use scale_info::{MetaType, Registry};
    let mut registry = Registry::new();
    let mut ty = |ty: MetaType| registry.register_type(&ty);
    let (unit, bytes, version) =
        (ty(MetaType::new::<()>()), ty(MetaType::new::<Vec<u8>>()), ty(MetaType::new::<u32>()));
    let call = ty(MetaType::new::<Option<(u8, Compact<u128>, String, [u16; 3])>>());
    let runtime_version = ("spec", "name", 1u32, 2u32, 3u32, vec![([1u8; 8], 1u32)], 4u32, 1u8).encode();
    let metadata = RuntimeMetadataV15 {
        pallets: vec![PalletMetadata {
            name: "System".into(),
            storage: None,
            calls: Some(PalletCallMetadata { ty: call }),
            event: Some(PalletEventMetadata { ty: call }),
            constants: vec![
                PalletConstantMetadata {
                    name: "Version".into(),
                    ty: bytes,
                    value: runtime_version,
                    docs: Vec::new(),
                },
                PalletConstantMetadata {
                    name: "SS58Prefix".into(),
                    ty: version,
                    value: vec![42, 0],
                    docs: Vec::new(),
                },
            ],
            error: None,
            index: 0,
            docs: Vec::new(),
        }],
        extrinsic: ExtrinsicMetadata {
            version: 4,
            address_ty: bytes,
            call_ty: call,
            signature_ty: bytes,
            extra_ty: unit,
            signed_extensions: vec![SignedExtensionMetadata {
                identifier: "CheckNonce".into(),
                ty: version,
                additional_signed: unit,
            }],
        },
        ty: unit,
        apis: Vec::new(),
        outer_enums: OuterEnums { call_enum_ty: call, event_enum_ty: call, error_enum_ty: call },
        custom: CustomMetadata { map: Default::default() },
        types: registry.into(),
    };
    RuntimeMetadataPrefixed(frame_metadata::META_RESERVED, RuntimeMetadata::V15(metadata)).encode()
}

/// Modules by hand: a runtime needs an allocator's base, a memory and an entry point, and imports what it likes.
fn code() -> Vec<(&'static str, Vec<u8>)> {
    let answer = small_metadata().encode();
    let module = module(&answer);
    let compressed = [&ZSTD_PREFIX[..], &compress_to_vec(&module[..], CompressionLevel::Fastest)].concat();
    let zeros = [&ZSTD_PREFIX[..], &compress_to_vec(&[0; 100_000][..], CompressionLevel::Fastest)].concat();
    vec![
        ("plain", module),
        ("compressed", compressed),
        ("zeros", zeros),
        ("empty-module", b"\0asm\x01\0\0\0".to_vec()),
    ]
}

/// A module whose `Metadata_metadata` allocates, hashes, and returns `data`.
fn module(data: &[u8]) -> Vec<u8> {
    let section = |id: u8, content: Vec<u8>| [vec![id], leb(content.len() as u64), content].concat();
    let vector = |items: &[Vec<u8>]| [leb(items.len() as u64), items.concat()].concat();
    let name = |text: &str| [leb(text.len() as u64), text.as_bytes().to_vec()].concat();
    let import = |function: &str, ty: u8| [name("env"), name(function), vec![0, ty]].concat();
    let (i32_, i64_) = (0x7f, 0x7e);
    let types = [
        vec![0x60, 2, i32_, i32_, 1, i64_],
        vec![0x60, 1, i32_, 1, i32_],
        vec![0x60, 1, i64_, 1, i32_],
        vec![0x60, 1, i32_, 0],
    ];
    let imports = [
        import("ext_allocator_malloc_version_1", 1),
        import("ext_hashing_blake2_256_version_1", 2),
        import("ext_allocator_free_version_1", 3),
    ];
    let packed = ((data.len() as u64) << 32) | DATA_AT;
    let body = [
        vec![0],
        // free(malloc(100)); drop(blake2_256(data)); data
        vec![0x41, 0xe4, 0, 0x10, 0, 0x10, 2, 0x42],
        signed_leb(packed as i64),
        vec![0x10, 1, 0x1a, 0x42],
        signed_leb(packed as i64),
        vec![0x0b],
    ]
    .concat();
    let export = |text: &str, kind: u8, index: u8| [name(text), vec![kind, index]].concat();
    let heap = DATA_AT + data.len() as u64;
    [
        b"\0asm\x01\0\0\0".to_vec(),
        section(1, vector(&types)),
        section(2, vector(&imports)),
        section(3, vector(&[vec![0]])),
        section(5, vector(&[vec![0, 2]])),
        section(6, vector(&[[vec![i32_, 0, 0x41], signed_leb(heap as i64), vec![0x0b]].concat()])),
        section(
            7,
            vector(&[export("memory", 2, 0), export("__heap_base", 3, 0), export("Metadata_metadata", 0, 3)]),
        ),
        section(10, vector(&[[leb(body.len() as u64), body].concat()])),
        section(
            11,
            vector(&[[
                vec![0, 0x41],
                signed_leb(DATA_AT as i64),
                vec![0x0b],
                leb(data.len() as u64),
                data.to_vec(),
            ]
            .concat()]),
        ),
    ]
    .concat()
}

fn leb(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

fn signed_leb(mut value: i64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        if (value == 0 && low & 0x40 == 0) || (value == -1 && low & 0x40 != 0) {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

fn vector() -> Value {
    serde_json::from_slice(&corpus::vector("tests/vectors/development.json")).unwrap()
}

fn list(value: &Value) -> Vec<Vec<u8>> {
    value.as_array().unwrap().iter().map(bytes).collect()
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap().strip_prefix("0x").unwrap()).unwrap()
}

/// Bytes that are encoded already.
struct Raw(Vec<u8>);

impl Encode for Raw {
    fn encode_to<O: codec::Output + ?Sized>(&self, output: &mut O) {
        output.write(&self.0);
    }
}

/// Where the module's data is.
const DATA_AT: u64 = 1024;

const ZSTD_PREFIX: [u8; 8] = [82, 188, 83, 118, 70, 219, 142, 5];
