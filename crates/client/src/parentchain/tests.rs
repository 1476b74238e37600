// SPDX-License-Identifier: Apache-2.0
//! The client against an honest node and against nodes that lie, all in memory (threat model C13).

mod node;

use super::shards::MemberState;
use super::{
    cache::{Cache, decode},
    *,
};
use crate::{
    progress::{Milestone, Stage},
    trust::TrustedRoot,
};
use codec::{Decode, Encode};
use node::{FakeNode, hash_of, header_of, hex_of};
use offstage_attestation::ChainPolicy;
use offstage_light_client::testing::{METADATA, TestChain, test_code, validators};
use offstage_primitives::{
    AccountId32, BlockHash, H256, Measurement, ShardIdentifier,
    attestation::{DEVELOPMENT_ROOT, INTEL_ROOT},
    chain::{enclave_bridge, storage},
    enclave_bridge::{ShardConfig, ShardSignerStatus, UpgradableShardConfig},
    teerex::{MultiEnclave, SgxAttestationMethod, SgxBuildMode, SgxEnclave, SgxReportData, SgxStatus},
};
use serde_json::{Value, json};
use std::sync::Mutex as SyncMutex;

const SHARD: [u8; 32] = [8; 32];
const SIGNER: AccountId32 = AccountId32::new([5; 32]);

/// A chain of the development root with one registered enclave. Its authorities change after blocks 6 and 12.
fn chain() -> TestChain {
    let storage = [
        (storage::root_certificate(), DEVELOPMENT_ROOT.encode()),
        (storage::sovereign_enclave(&SIGNER), MultiEnclave::Sgx(enclave()).encode()),
    ];
    let mut chain = TestChain::with(validators(1, 4), &test_code(METADATA, &[]), &storage);
    for seed in [5, 6] {
        chain.add_empty(5);
        chain.add_set_change(validators(seed, 4), 0);
    }
    chain.add_empty(20);
    chain
}

fn enclave() -> SgxEnclave {
    SgxEnclave {
        report_data: SgxReportData { d: [3; 64] },
        mr_enclave: Measurement([7; 32]),
        mr_signer: [0; 32],
        timestamp: 1,
        url: None,
        build_mode: SgxBuildMode::Production,
        attestation_method: SgxAttestationMethod::Dcap { proxied: false },
        status: SgxStatus::Ok,
    }
}

fn trust(chain: &TestChain) -> Trust {
    Trust { genesis: Some(chain.hash(0)), checkpoint: None, root: TrustedRoot::Development }
}

/// Connects without a cache.
async fn connect(node: &FakeNode, trust: &Trust) -> Result<Parentchain, ParentchainError> {
    Parentchain::with_rpc(node.client(), "memory", trust, Cache::none(), &Unobserved).await
}

async fn refused(node: &FakeNode, trust: &Trust) -> ParentchainError {
    match connect(node, trust).await {
        Ok(_) => panic!("the node was believed"),
        Err(error) => error,
    }
}

/// Remembers what it was told.
#[derive(Default)]
struct Told(SyncMutex<Vec<Milestone>>);

impl Observer for Told {
    fn waiting_for(&self, _: Stage) {}
    fn reached(&self, milestone: &Milestone) {
        self.0.lock().unwrap().push(*milestone);
    }
}

#[tokio::test]
async fn c13_finality_is_followed_from_the_genesis_with_few_questions() {
    let node = FakeNode::new(chain());
    let followed = connect(&node, &trust(&chain())).await.unwrap();
    let (newest, head) = (followed.newest_final().await.unwrap(), chain().number());
    assert_eq!(newest, BlockId::of(chain().header(head)));
    assert!(node.questions() < 60, "{} questions for two changes of the set", node.questions());
    // A chain whose authorities never changed.
    let mut short = TestChain::new(3);
    short.add_empty(300);
    let node = FakeNode::new(short.clone());
    connect(&node, &trust(&short)).await.unwrap();
    assert!(node.questions() < 12, "{} questions", node.questions());
    // New blocks are followed, one question each for head, header and justification.
    let followed = connect(&node, &trust(&short)).await.unwrap();
    node.grow(3);
    assert_eq!(followed.newest_final().await.unwrap().number, 303);
}

#[tokio::test]
async fn c13_nodes_that_lost_states_or_cannot_prove_finality_are_followed_too() {
    let expected = BlockId::of(chain().header(chain().number()));
    // Neither states of old blocks, but for the genesis'.
    let genesis = json!(hex_of(chain().hash(0).as_bytes()));
    let without_states = FakeNode::new(chain()).lying(move |method, parameters| {
        let old = method == "state_getStorage" && parameters[1] != genesis;
        old.then(|| Err("State already discarded for 0x00".to_owned()))
    });
    // Nor proofs of finality, but what is kept with blocks.
    let without_proofs = FakeNode::new(chain())
        .lying(|method, _| (method == "grandpa_proveFinality").then(|| Err("Method not found".to_owned())));
    // And one that keeps justifications only where a set ends.
    let with_few = FakeNode::new(chain()).keeping(|number| number == 6 || number == 12);
    for node in [without_states, without_proofs, with_few] {
        let followed = connect(&node, &trust(&chain())).await.unwrap();
        assert_eq!(followed.newest_final().await.unwrap(), expected);
    }
}

/// A chain of several validators, as `offstage-node` serves it: a justification in eight blocks, and no proof of
/// finality as long as no set has ended.
#[tokio::test]
async fn a_chain_whose_authorities_never_changed_is_followed_with_few_justifications() {
    let mut short = TestChain::new(3);
    short.add_empty(29);
    let node = FakeNode::new(short.clone()).keeping(|number| number.is_multiple_of(8)).lying(|method, _| {
        (method == "grandpa_proveFinality")
            .then(|| Err("Block not covered by authority set changes".to_owned()))
    });
    let followed = connect(&node, &trust(&short)).await.unwrap();
    for (grown, newest) in [(0, 24), (2, 24), (1, 32), (3, 32), (5, 40)] {
        node.grow(grown);
        assert_eq!(followed.newest_final().await.unwrap().number, newest);
    }
    // Blocks of strangers are no better where they are looked for.
    let mut fork = short.fork_at(27);
    fork.add_empty(9);
    let forged = fork.justify_by(32, &validators(99, 4), 0);
    let block = json!({ "header": header_of(&fork, 32), "extrinsics": [] });
    let shown = json!({ "block": block, "justifications": [[b"FRNK", forged]] });
    let hash = json!(hex_of(fork.hash(32).as_bytes()));
    let node = FakeNode::new(fork).keeping(|_| false).lying(move |method, parameters| match method {
        "grandpa_proveFinality" => Some(Ok(Value::Null)),
        "chain_getBlock" if parameters[0] == hash => Some(Ok(shown.clone())),
        _ => None,
    });
    let error = refused(&node, &trust(&short)).await;
    assert!(matches!(error, ParentchainError::Unproven { .. }), "{error}");
}

#[tokio::test]
async fn c13_a_fork_of_the_nodes_own_is_refused() {
    let mut fork = chain().fork_at(20);
    fork.add_empty(30);
    let number = fork.number();
    // By strangers, and by authorities that retired long ago.
    let (strangers, retired) = (validators(99, 4), chain().set_for(1).1.to_vec());
    for (signers, set_id) in [(&strangers, 2), (&retired, 1), (&retired, 2)] {
        let forged = fork.justify_by(number, signers, set_id);
        let node = FakeNode::new(fork.clone()).keeping(|_| false).justifying(forged);
        let error = refused(&node, &trust(&chain())).await;
        assert!(matches!(error, ParentchainError::Unproven { .. }), "{error}");
        assert!(error.hint().unwrap().contains("another"));
    }
    // Who has once followed them to their end takes nothing of theirs any more.
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::at(folder.path());
    let start = async |node: &FakeNode| {
        Parentchain::with_rpc(node.client(), "memory", &trust(&chain()), cache.clone(), &Unobserved).await
    };
    start(&FakeNode::new(chain().fork_at(20))).await.unwrap();
    let forged = fork.justify_by(number, &retired, 0);
    let node = FakeNode::new(fork.clone()).keeping(|_| false).justifying(forged);
    assert!(matches!(start(&node).await, Err(ParentchainError::Unproven { .. })));
    // A node that shows less than it has is followed to where it goes.
    let mut behind = chain();
    behind = behind.fork_at(15);
    let node = FakeNode::new(behind);
    assert_eq!(connect(&node, &trust(&chain())).await.unwrap().newest_final().await.unwrap().number, 15);
}

#[tokio::test]
async fn c13_lies_about_where_a_set_ends_lead_nowhere_else() {
    let expected = BlockId::of(chain().header(chain().number()));
    for claimed in [0u64, 1, 2, 7] {
        for can_prove in [true, false] {
            let node = FakeNode::new(chain()).lying(move |method, _| match method {
                "state_getStorage" => Some(Ok(json!(hex_of(&claimed.encode())))),
                "grandpa_proveFinality" if !can_prove => Some(Ok(Value::Null)),
                _ => None,
            });
            match connect(&node, &trust(&chain())).await {
                Ok(followed) => assert_eq!(followed.newest_final().await.unwrap(), expected),
                Err(error) => assert!(matches!(error, ParentchainError::Unproven { .. }), "{error}"),
            }
        }
    }
}

#[tokio::test]
async fn c13_another_genesis_is_refused_and_an_unpinned_one_is_named() {
    let pinned = BlockHash::repeat_byte(1);
    let error = refused(&FakeNode::new(chain()), &Trust { genesis: Some(pinned), ..Trust::default() }).await;
    assert!(matches!(error, ParentchainError::OtherChain { pinned: of, .. } if of == pinned), "{error}");
    // One that names the pinned chain and shows another.
    let mut other = TestChain::new(3);
    other.add_empty(3);
    let genesis = chain().hash(0);
    let node = FakeNode::new(other).lying(move |method, parameters| {
        (method == "chain_getBlockHash" && parameters[0] == 0).then(|| Ok(json!(hex_of(genesis.as_bytes()))))
    });
    let error = refused(&node, &trust(&chain())).await;
    assert!(matches!(error, ParentchainError::UnknownBlock { .. }), "{error}");
    let told = Told::default();
    let unpinned = Trust { genesis: None, ..trust(&chain()) };
    let node = FakeNode::new(chain());
    Parentchain::with_rpc(node.client(), "memory", &unpinned, Cache::none(), &told).await.unwrap();
    assert_eq!(told.0.into_inner().unwrap(), [Milestone::GenesisNotPinned { genesis }]);
}

#[tokio::test]
async fn c13_registry_and_policy_are_proven() {
    let node = FakeNode::new(chain());
    let shard = ShardIdentifier::from(SHARD);
    let facts = connect(&node, &trust(&chain())).await.unwrap().facts(&SIGNER, shard).await.unwrap();
    assert_eq!(facts.registered, Some(enclave()));
    assert_eq!(facts.policy.root(), DEVELOPMENT_ROOT);
    assert_eq!((facts.trusted_root, facts.block.number), (TrustedRoot::Development, chain().number()));
    // The proof is of another block, of other keys, of a state that the node made up, or none.
    let mut made_up = chain().fork_at(31);
    let content = made_up.block().storage(storage::root_certificate(), Some(INTEL_ROOT.encode()));
    made_up.add(content);
    let keys = [vec![storage::CODE_PATH_KEY.to_vec()], ChainPolicy::storage_keys()].concat();
    for proof in
        [chain().proof(31, &keys), chain().proof(32, &keys[..2]), made_up.proof(32, &keys), Vec::new()]
    {
        let followed = connect(&node, &trust(&chain())).await.unwrap();
        let nodes: Vec<_> = proof.iter().map(|node| hex_of(node)).collect();
        let proof = json!({ "at": hash_of(&chain(), 32), "proof": nodes });
        node.lie(move |method, _| (method == "state_getReadProof").then(|| Ok(proof.clone())));
        let error = followed.facts(&SIGNER, shard).await.unwrap_err();
        assert!(matches!(error, ParentchainError::Unproven { .. }), "{error}");
        assert!(followed.free_balance(&SIGNER).await.is_err());
        assert!(followed.enclaves().await.is_err());
        node.lie(|_, _| None);
    }
    let enclaves = connect(&node, &trust(&chain())).await.unwrap().enclaves().await.unwrap();
    assert_eq!(enclaves, [(SIGNER, enclave())]);
    // An entry of which the state knows nothing.
    node.lie(|method, _| {
        let key = storage::sovereign_enclave(&AccountId32::new([9; 32]));
        (method == "state_getKeysPaged").then(|| Ok(json!([hex_of(&key)])))
    });
    assert_eq!(connect(&node, &trust(&chain())).await.unwrap().enclaves().await.unwrap(), []);
}

/// A shard that was born in block 21, and one that the node makes up.
#[tokio::test]
async fn shards_are_proven_and_their_birth_is_found() {
    let shard = ShardIdentifier::from(SHARD);
    let mut chain = chain();
    let config = UpgradableShardConfig {
        active_config: ShardConfig {
            enclave_fingerprint: Measurement([7; 32]),
            max_instances: None,
            authorities: None,
            maintenance_mode: false,
        },
        pending_upgrade: None,
        upgrade_at: None,
    };
    let content = chain.block().storage(storage::shard_config(shard), Some(config.encode()));
    chain.add(content);
    let number = chain.number() + 1;
    let status =
        ShardSignerStatus { signer: SIGNER, fingerprint: Measurement([7; 32]), last_activity: number };
    let now = chain.storage(chain.number(), &storage::timestamp()).unwrap();
    let fresh = SgxEnclave { timestamp: u64::decode(&mut &now[..]).unwrap(), ..enclave() };
    let content = chain
        .block()
        .storage(storage::sovereign_enclave(&SIGNER), Some(MultiEnclave::Sgx(fresh).encode()))
        .storage(storage::shard_status(shard), Some(vec![status].encode()));
    chain.add(content);
    chain.add_empty(9);
    let trust = trust(&chain);
    let node = FakeNode::new(chain);
    node.lie(move |method, parameters| {
        let prefix = storage::value(enclave_bridge::PALLET, enclave_bridge::SHARD_STATUS);
        let of_status = parameters[0].as_str() == Some(&hex_of(&prefix));
        let keys = match of_status {
            true => vec![storage::shard_status(shard), storage::shard_status([9; 32].into())],
            false => vec![storage::shard_config(shard)],
        };
        let keys: Vec<String> = keys.iter().map(|key| hex_of(key)).collect();
        (method == "state_getKeysPaged").then(|| Ok(json!(keys)))
    });
    let shards = connect(&node, &trust).await.unwrap().shards().await.unwrap();
    let [found] = &shards.shards[..] else { panic!("{:?}", shards.shards) };
    assert_eq!((found.shard, found.allowed, found.born_in), (shard, Measurement([7; 32]), Some(number)));
    let members = found.members.as_ref().unwrap();
    assert_eq!((members.len(), &members[0].signer, members[0].state), (1, &SIGNER, MemberState::Alive));
    assert_eq!(shards.block.number, number + 9);
}

#[tokio::test]
async fn c13_the_runtime_is_the_one_that_the_state_proves() {
    let node = FakeNode::new(chain());
    let followed = connect(&node, &trust(&chain())).await.unwrap();
    let other = test_code(METADATA, &[1]);
    node.lie(move |method, parameters| {
        let is_code = method == "state_getStorage" && parameters[0] == hex_of(storage::CODE);
        is_code.then(|| Ok(json!(hex_of(&other))))
    });
    let tip = followed.tip().await.unwrap();
    let error = followed.runtime_at(&tip).await.err().unwrap();
    assert!(matches!(error, ParentchainError::Unproven { .. }), "{error}");
    assert!(matches!(followed.require_bridge().await, Err(ParentchainError::Unproven { .. })));
    node.lie(|_, _| None);
    followed.require_bridge().await.unwrap();
    // Signing goes by it, whatever the node says of versions and metadata.
    node.lie(|method, _| {
        let asks = ["state_getMetadata", "state_getRuntimeVersion", "state_call"].contains(&method);
        asks.then(|| Err("must not be asked".to_owned()))
    });
    let runtime = followed.runtime_at(&tip).await.unwrap();
    let api = followed.api_by(&runtime).await.unwrap();
    let at = api.at_current_block().await.unwrap();
    assert!(at.metadata_ref().pallet_by_name(chain::enclave_bridge::PALLET).is_some());
    assert_eq!(at.spec_version(), 410);
}

#[tokio::test]
async fn c13_a_runtime_upgrade_is_followed() {
    let (old, new) = (test_code(METADATA, &[]), test_code(METADATA, b"upgraded"));
    let mut chain = chain();
    let upgrade = chain.block().storage(storage::CODE.to_vec(), Some(new.clone()));
    let number = chain.add(upgrade);
    chain.add_empty(1);
    let followed = connect(&FakeNode::new(chain.clone()), &trust(&chain)).await.unwrap();
    let hash = |code: &[u8]| H256(sp_crypto_hashing::blake2_256(code));
    let block = async |number| followed.final_block(number).await.unwrap().unwrap();
    // A block is executed by the runtime in the state before it.
    for (number, code) in [(number - 1, &old), (number, &old), (number + 1, &new)] {
        let runtime = followed.runtime_of(&block(number).await).await.unwrap();
        assert_eq!(runtime.verified().code_hash(), hash(code), "{number}");
    }
    let before = followed.runtime_at(&block(number - 1).await).await.unwrap();
    let (_, after) = followed.events(&block(number).await, &before).await.unwrap();
    assert_eq!(after.verified().code_hash(), hash(&new));
}

#[tokio::test]
async fn c13_the_outcome_of_a_transaction_is_proven() {
    let mut chain = chain();
    let content = chain.block();
    let [good, bad] =
        [1u8, 2].map(|byte| content.signed(&content.call("System", "remark", vec![byte; 5]), &SIGNER));
    let hash = |extrinsic: &[u8]| H256(sp_crypto_hashing::blake2_256(extrinsic));
    let content = content.extrinsic(good.clone(), &[]).failed_extrinsic(bad.clone(), &[]);
    let number = chain.add(content);
    chain.add_empty(3);
    let node = FakeNode::new(chain.clone());
    let followed = connect(&node, &trust(&chain)).await.unwrap();
    let block = chain.hash(number);
    assert_eq!(followed.outcome(number, block, hash(&good)).await.unwrap(), (1, true));
    assert_eq!(followed.outcome(number, block, hash(&bad)).await.unwrap(), (2, false));
    let refused = async |number, block, extrinsic: &[u8]| {
        let error = followed.outcome(number, block, hash(extrinsic)).await.unwrap_err();
        assert!(matches!(error, ParentchainError::Unproven { .. }), "{error}");
    };
    // A block that is not the one at its height, and one that holds no such transaction.
    refused(number, BlockHash::repeat_byte(1), &good).await;
    refused(number + 1, chain.hash(number + 1), &good).await;
    // A body that the node made up: in another order, so that the one that failed stands where the other succeeded.
    let mut body: Vec<_> = chain.body(number).iter().map(|extrinsic| hex_of(extrinsic)).collect();
    body.swap(1, 2);
    let header = node::header_of(&chain, number);
    node.lie(move |method, parameters| {
        let asks = method == "chain_getBlock" && parameters[0] == hex_of(block.as_bytes());
        asks.then(|| Ok(json!({ "block": { "header": header, "extrinsics": body }, "justifications": null })))
    });
    refused(number, block, &bad).await;
}

/// The chain with a confirmation of block 3 in block 33.
fn confirmed(root: H256) -> TestChain {
    let mut chain = chain();
    let block = (chain.hash(3), 3);
    let content = chain.block().confirm(&SIGNER, SHARD.into(), block, root);
    chain.add(content);
    chain.add_empty(30);
    chain
}

#[tokio::test]
async fn c13_the_confirming_event_is_proven() {
    let root = H256::repeat_byte(6);
    let node = FakeNode::new(confirmed(root));
    let followed = connect(&node, &trust(&chain())).await.unwrap();
    let block = chain().hash(3);
    let mut confirmations = followed.confirmations_of(SHARD.into(), block, 3).await.unwrap();
    let mut found = Vec::new();
    for _ in 4..=33 {
        found.extend(confirmations.next_block().await.unwrap());
    }
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].trusted_calls_merkle_root, found[0].block_number), (root, 3));
    // Blocks that are not there yet are waited for: the node makes one whenever somebody waits.
    for _ in 34..=65 {
        assert_eq!(confirmations.next_block().await.unwrap(), []);
    }
    assert_eq!(followed.newest_final().await.unwrap().number, 65);
    // A node that proves with the events of a block of its own, or of another one.
    let forged = confirmed(H256::repeat_byte(7));
    for (from, number) in [(&forged, 33), (&confirmed(root), 34)] {
        let keys = [storage::CODE_PATH_KEY.to_vec(), storage::events()];
        let proof: Vec<_> = from.proof(number, &keys).iter().map(|node| hex_of(node)).collect();
        let events = json!(hex_of(&storage::events()));
        node.lie(move |method, parameters| {
            let asks = method == "state_getReadProof"
                && parameters[0].as_array().is_some_and(|keys| keys.contains(&events));
            asks.then(|| Ok(json!({ "at": parameters[1], "proof": proof })))
        });
        let mut confirmations = followed.confirmations_of(SHARD.into(), block, 32).await.unwrap();
        let error = confirmations.next_block().await.unwrap_err();
        assert!(matches!(error, ParentchainError::Unproven { .. }), "{error}");
    }
    // One that shows blocks of a fork below.
    let fork = {
        let mut fork = confirmed(root).fork_at(30);
        fork.add_empty(3);
        fork
    };
    node.lie(move |method, parameters| {
        let of_fork = (31..=33).map(|number| (number, hash_of(&fork, number)));
        match method {
            "chain_getBlockHash" => {
                of_fork.into_iter().find(|(number, _)| parameters[0] == *number).map(|(_, hash)| Ok(hash))
            }
            "chain_getHeader" => of_fork
                .into_iter()
                .find(|(_, hash)| parameters[0] == *hash)
                .map(|(number, _)| Ok(node::header_of(&fork, number))),
            _ => None,
        }
    });
    let mut confirmations = followed.confirmations_of(SHARD.into(), block, 32).await.unwrap();
    let error = confirmations.next_block().await.unwrap_err();
    assert!(matches!(error, ParentchainError::Unproven { .. }), "{error}");
}

#[tokio::test]
async fn c13_what_was_verified_is_kept_and_never_goes_back() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::at(folder.path());
    let hardware = Trust { root: TrustedRoot::Intel, ..trust(&chain()) };
    let start = async |node: &FakeNode, told: &Told| {
        Parentchain::with_rpc(node.client(), "memory", &hardware, cache.clone(), told).await
    };
    let told = Told::default();
    let node = FakeNode::new(chain());
    start(&node, &told).await.unwrap();
    let first = node.questions();
    start(&node, &told).await.unwrap();
    assert!(node.questions() - first < 8, "{} questions", node.questions() - first);
    // A node that is behind, or hides what is newer.
    let behind = start(&FakeNode::new(chain().fork_at(20)), &told).await.unwrap();
    assert_eq!(behind.newest_final().await.unwrap().number, 32);
    // One whose chain has other blocks in the place of final ones, genuinely signed.
    let mut reverted = chain().fork_at(20);
    reverted.add_empty(30);
    let reverted = FakeNode::new(reverted);
    let error = start(&reverted, &told).await.err().unwrap();
    assert!(matches!(error, ParentchainError::Reverted { block } if block.number == 32), "{error}");
    assert!(error.hint().unwrap().contains(".local/share/offstage"));
    assert!(told.0.lock().unwrap().is_empty());
    // Damaged, of another chain, or leading nowhere: it is said, and all starts again from the genesis.
    let file = folder.path().join(format!("{}.finality", hex::encode(chain().hash(0))));
    let good = std::fs::read(&file).unwrap();
    let other = {
        let mut other = TestChain::new(3);
        other.add_empty(3);
        let elsewhere = tempfile::tempdir().unwrap();
        let cache = Cache::at(elsewhere.path());
        Parentchain::with_rpc(
            FakeNode::new(other.clone()).client(),
            "memory",
            &trust(&other),
            cache,
            &Unobserved,
        )
        .await
        .unwrap();
        let file = elsewhere.path().join(format!("{}.finality", hex::encode(other.hash(0))));
        std::fs::read(file).unwrap()
    };
    let flipped = {
        let mut flipped = good.clone();
        flipped[100] ^= 1;
        flipped
    };
    for damaged in [Vec::new(), good[..good.len() - 1].to_vec(), flipped, vec![7; 4 * 1024 * 1024], other] {
        std::fs::write(&file, damaged).unwrap();
        let told = Told::default();
        let followed = start(&node, &told).await.unwrap();
        assert_eq!(followed.newest_final().await.unwrap().number, 32);
        assert_eq!(told.0.into_inner().unwrap(), [Milestone::CacheDamaged]);
        assert_eq!(std::fs::read(&file).unwrap(), good);
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    // A chain of development may be started anew.
    let told = Told::default();
    let anew = FakeNode::new(chain().fork_at(3));
    let followed =
        Parentchain::with_rpc(anew.client(), "memory", &trust(&chain()), cache.clone(), &told).await;
    assert_eq!(followed.unwrap().newest_final().await.unwrap().number, 3);
    assert_eq!(told.0.into_inner().unwrap(), [Milestone::ChainStartedAnew]);
    assert!(decode(&good).is_some());
}

#[tokio::test]
async fn c13_a_long_way_can_be_gone_in_several_runs() {
    let mut long = TestChain::new(3);
    for seed in 0..20 {
        long.add_empty(3);
        long.add_set_change(validators(seed + 10, 3), 0);
    }
    long.add_empty(3);
    let folder = tempfile::tempdir().unwrap();
    let start = async |node: &FakeNode| {
        let cache = Cache::at(folder.path());
        Parentchain::with_rpc(node.client(), "memory", &trust(&long), cache, &Unobserved).await
    };
    let gone = node::hash_of(&long, 72);
    let node = FakeNode::new(long.clone()).lying(move |method, parameters| {
        (method == "chain_getHeader" && parameters[0] == gone).then(|| Err("connection lost".to_owned()))
    });
    assert!(start(&node).await.is_err());
    let first = node.questions();
    node.lie(|_, _| None);
    assert_eq!(start(&node).await.unwrap().newest_final().await.unwrap().number, 83);
    let second = node.questions() - first;
    assert!(second * 2 < first, "{second} questions after {first}");
}

#[tokio::test]
async fn c13_a_checkpoint_is_a_block_of_the_pinned_chain() {
    let at = |checkpoint: BlockHash| Trust { checkpoint: Some(checkpoint), ..trust(&chain()) };
    let node = FakeNode::new(chain());
    let checkpoint = chain().hash(10);
    let followed = connect(&node, &at(checkpoint)).await.unwrap();
    assert_eq!(followed.newest_final().await.unwrap().number, 32);
    assert_eq!(followed.genesis_hash(), chain().hash(0));
    // Not on the chain: unknown to the node, or a block that lost.
    let mut fork = chain().fork_at(8);
    fork.add_empty(4);
    let lost = fork.hash(10);
    let header = node::header_of(&fork, 10);
    let with_fork = FakeNode::new(chain()).lying(move |method, parameters| {
        (method == "chain_getHeader" && parameters[0] == hash_of(&fork, 10)).then(|| Ok(header.clone()))
    });
    for (node, checkpoint) in [(&node, BlockHash::repeat_byte(9)), (&with_fork, lost)] {
        let error = refused(node, &at(checkpoint)).await;
        assert!(
            matches!(error, ParentchainError::NotOnChain { checkpoint: of } if of == checkpoint),
            "{error}"
        );
        assert!(error.hint().unwrap().contains("--checkpoint"));
    }
    // The node has lost its state.
    let pruned = FakeNode::new(chain()).lying(|method, _| {
        (method == "state_getReadProof")
            .then(|| Err("Api called for an unknown Block: State already discarded".to_owned()))
    });
    let error = refused(&pruned, &at(checkpoint)).await;
    assert!(matches!(error, ParentchainError::Pruned { .. }), "{error}");
    assert!(error.hint().unwrap().contains("--state-pruning archive"));
}

#[test]
fn c13_a_connection_that_others_can_change_needs_a_word() {
    for url in
        ["ws://127.0.0.1:9944", "ws://localhost", "ws://[::1]:9944/x", "wss://node.example", "ws://127.1.2.3"]
    {
        check_transport(url, false).unwrap();
    }
    for url in [
        "ws://node.example:9944",
        "ws://10.0.0.1",
        "ws://127.0.0.1.example",
        "ws://127.0.0.1@evil",
        "ws://[2001:db8::1]",
    ] {
        let error = check_transport(url, false).unwrap_err();
        assert!(error.hint().unwrap().contains("--insecure-plain-ws"), "{url}");
        check_transport(url, true).unwrap();
    }
}

#[tokio::test]
async fn an_unreachable_node_is_named() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("ws://127.0.0.1:{closed}");
    let Err(error) = Parentchain::connect(&url, &Trust::default(), &Unobserved).await else {
        panic!("connected to a closed port")
    };
    assert!(matches!(&error, ParentchainError::Unreachable { .. }));
    let text = error.to_string();
    assert!(text.contains(&url) && !text.contains('\n') && !text.contains("RPC error"), "{text}");
    assert!(error.hint().unwrap().contains("--node-url"));
}

#[test]
fn what_the_chain_refuses_for_a_shard_is_explained() {
    for (reason, hint) in [
        ("Pallet error: EnclaveBridge::ShardNotFound", "has confirmed a block yet"),
        ("Pallet error: EnclaveBridge::TooManyRsaOperations", "send it again"),
    ] {
        let failed = ParentchainError::Failed { reason: reason.into() };
        assert!(failed.hint().is_some_and(|told| told.contains(hint)), "{reason}");
    }
    assert_eq!(ParentchainError::Failed { reason: "Token error: FundsUnavailable".into() }.hint(), None);
}

#[test]
fn a_block_that_the_node_does_not_have_is_not_one_whose_state_it_lost() {
    let hash = BlockHash::repeat_byte(1);
    let said = |words: &str| ParentchainError::state(hash, &std::io::Error::other(words.to_owned()));
    for (words, is_pruned) in [
        ("Client error: UnknownBlock: State already discarded for 0x01", true),
        ("Client error: Api called for an unknown Block: State already discarded for 0x01", true),
        ("Client error: UnknownBlock: Unknown state for block 0x01", false),
    ] {
        let error = said(words);
        assert_eq!(matches!(error, ParentchainError::Pruned { .. }), is_pruned, "{words}");
        assert_eq!(matches!(error, ParentchainError::UnknownBlock { .. }), !is_pruned, "{words}");
    }
    assert!(matches!(said("the disk is full"), ParentchainError::Read { .. }));
}
