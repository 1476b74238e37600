// SPDX-License-Identifier: Apache-2.0
//! Commits, restarts and snapshots. Tampering is in the crate's `tests/enclave/storage.rs`.

use super::*;
use crate::{
    keys::{ShieldingKey, Signer},
    seal::SealingKey,
};
use offstage_primitives::{
    BlockHash, H256,
    receipt::{OperationLeaf, Outcome},
};
use offstage_protocol::BlockReference;
use std::path::Path;
use zeroize::Zeroizing;

fn sealing() -> SealingKey {
    SealingKey::new(&Zeroizing::new([7; 32]))
}

fn first_keys() -> Keys {
    Keys { signer: Arc::new(Signer::from_sealable(&[3; 32]).unwrap()), shielding: None }
}

pub(super) fn open(path: &Path) -> Store {
    Store::open(path, &sealing(), || Ok(first_keys())).unwrap()
}

impl Store {
    fn window(&self) -> (u64, u64) {
        (self.ledger.journal_from, self.ledger.journal_to)
    }
}

/// A store in memory that is bound to a chain.
pub(super) fn in_memory() -> Store {
    let mut store = Store::in_memory(&sealing(), first_keys());
    store.commit(Change { head: Some(head(0)), ..Change::default() }).unwrap();
    store
}

fn block(number: u32) -> BlockReference {
    BlockReference { number, hash: BlockHash::repeat_byte(number as u8) }
}

pub(super) fn head(number: u32) -> Head {
    Head {
        genesis_hash: BlockHash::zero(),
        shard: [1; 32].into(),
        position: block(number),
        state_root: H256::repeat_byte(9),
        light_client: vec![1, 2, 3],
        birth: None,
        facts: None,
        ancestors: Default::default(),
        opinions: Vec::new(),
        followed: Default::default(),
    }
}

fn nodes(put: &[u8], removed: &[u8]) -> NodeChanges {
    NodeChanges {
        upserts: put.iter().map(|name| (vec![*name], vec![*name; 100])).collect(),
        removals: removed.iter().map(|name| vec![*name]).collect(),
    }
}

fn unshield(n: u8) -> NewEffect {
    NewEffect {
        effect: WaitingEffect::Unshield {
            beneficiary: [n; 32].into(),
            amount: n.into(),
            call_hash: H256::repeat_byte(n),
        },
        produced_at: n.into(),
        while_serving: true,
    }
}

#[test]
fn everything_of_a_commit_is_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let mut store = open(&path);
    assert!(store.head().is_none());
    let signer = store.keys().signer.account();
    let key = Arc::new(ShieldingKey::generate().unwrap());
    store
        .commit(Change {
            head: Some(head(1)),
            keys: Some(Keys { signer: store.keys().signer.clone(), shielding: Some(key.clone()) }),
            nodes: nodes(&[1, 2, 3], &[]),
            effects: vec![unshield(1), unshield(2)],
            ..Change::default()
        })
        .unwrap();
    store
        .commit(Change { head: Some(head(2)), nodes: nodes(&[4], &[2]), ended: vec![0], ..Change::default() })
        .unwrap();
    drop(store);
    let store = open(&path);
    assert_eq!(store.head(), Some(&head(2)));
    assert_eq!(store.keys().signer.account(), signer);
    assert_eq!(store.keys().shielding.as_ref().unwrap().public(), key.public());
    assert_eq!(store.waiting().map(|waiting| waiting.id).collect::<Vec<_>>(), [1]);
    let snapshot = store.snapshot().unwrap();
    for (name, is_there) in [(1, true), (2, false), (3, true), (4, true), (5, false)] {
        assert_eq!(snapshot.node(&[name]).unwrap(), is_there.then(|| vec![name; 100]));
    }
}

#[test]
fn ids_of_effects_are_never_used_again() {
    let mut store = in_memory();
    store.commit(Change { effects: vec![unshield(1)], ..Change::default() }).unwrap();
    store.commit(Change { ended: vec![0, 77], ..Change::default() }).unwrap();
    store.commit(Change { effects: vec![unshield(1)], ..Change::default() }).unwrap();
    assert_eq!(store.waiting().map(|waiting| waiting.id).collect::<Vec<_>>(), [1]);
}

#[test]
fn a_snapshot_does_not_change_and_merged_nodes_are_found() {
    let mut store = in_memory();
    store.commit(Change { nodes: nodes(&[1], &[]), ..Change::default() }).unwrap();
    let early = store.snapshot().unwrap();
    for number in 0..100u8 {
        store.commit(Change { nodes: nodes(&[100 + number], &[]), ..Change::default() }).unwrap();
    }
    store.commit(Change { nodes: nodes(&[], &[1]), ..Change::default() }).unwrap();
    assert_eq!(early.node(&[1]).unwrap(), Some(vec![1; 100]));
    assert_eq!(early.node(&[100]).unwrap(), None);
    let late = store.snapshot().unwrap();
    assert_eq!(late.node(&[1]).unwrap(), None);
    assert!((100..200u8).all(|name| late.node(&[name]).unwrap().is_some()));
}

/// A store whose journal is full: each block put a node of its own and removed that of two blocks before.
fn full_journal(path: &Path) -> Store {
    let mut store = open(path);
    for number in 2..100u8 {
        assert_eq!(store.overdue().is_some(), number >= 34, "{number}");
        store
            .commit(Change {
                head: Some(head(number.into())),
                nodes: nodes(&[number], &[number - 2]),
                effects: vec![unshield(number)],
                ..Change::default()
            })
            .unwrap();
    }
    store
}

fn assert_full_journal(store: &Store) {
    assert_eq!(store.head(), Some(&head(99)));
    assert_eq!(store.waiting().len(), 98);
    assert_nodes(&store.snapshot().unwrap());
}

fn assert_nodes(snapshot: &Snapshot) {
    for name in 0..=255 {
        let is_there = name == 98 || name == 99;
        assert_eq!(snapshot.node(&[name]).unwrap(), is_there.then(|| vec![name; 100]), "{name}");
    }
}

#[test]
fn making_room_changes_where_nodes_are_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let mut store = full_journal(&path);
    let (from, to) = store.window();
    let early = store.snapshot().unwrap();
    let overdue = store.overdue().unwrap();
    overdue.merge().unwrap();
    // What is read between the merge and its note.
    let meanwhile = store.snapshot().unwrap();
    store.note_merge(overdue, Ok(())).unwrap();
    assert_eq!(store.window(), (from + 1, to));
    assert!(store.overdue().is_none(), "there is room now");
    assert_nodes(&early);
    assert_nodes(&meanwhile);
    assert_full_journal(&store);
    drop((early, meanwhile, store));
    // ---- Killed behind a merge, before anything else.
    let mut store = open(&path);
    assert_eq!(store.window(), (from + 1, to));
    assert_full_journal(&store);
    store.commit(Change { nodes: nodes(&[100], &[98]), ..Change::default() }).unwrap();
    store.overdue().unwrap().merge().unwrap();
    drop(store);
    let mut store = open(&path);
    assert_eq!(store.window(), (from + 2, to + 1));
    store.commit(Change { nodes: nodes(&[98], &[100]), ..Change::default() }).unwrap();
    assert_full_journal(&store);
}

#[test]
fn after_a_merge_that_failed_the_store_is_broken() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = full_journal(&dir.path().join("store"));
    let overdue = store.overdue().unwrap();
    let journal = store.window();
    assert!(store.note_merge(overdue, Err(StoreError::BrokenFile)).is_err());
    assert!(store.is_broken());
    assert_eq!(store.window(), journal);
}

/// As for a block's commit: what was written is a part of what changed, from either end.
#[test]
fn h12_a_merge_that_was_cut_at_any_byte_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let store = full_journal(&path);
    let mut before = std::fs::read(&path).unwrap();
    let from = store.window().0;
    store.overdue().unwrap().merge().unwrap();
    let mut behind = std::fs::read(&path).unwrap();
    let longest = before.len().max(behind.len());
    before.resize(longest, 0);
    behind.resize(longest, 0);
    let changed: Vec<usize> = (0..longest).filter(|at| before[*at] != behind[*at]).collect();
    assert!(changed.len() > 1_000, "{}", changed.len());
    let mut seen = [0, 0];
    for cut in changed.iter().step_by(changed.len() / 60).chain(&changed[..12]).copied() {
        for (first, second) in [(&before, &behind), (&behind, &before)] {
            let copy = dir.path().join("copy");
            std::fs::write(&copy, [&first[..cut], &second[cut..]].concat()).unwrap();
            let store = open(&copy);
            assert_full_journal(&store);
            seen[usize::try_from(store.window().0 - from).unwrap()] += 1;
        }
    }
    assert!(seen.iter().all(|count| *count > 0), "{seen:?}");
}

/// C20: what follows an outcome that used up the nonce is a replay, whatever it gets.
#[test]
fn c20_the_outcome_that_used_the_nonce_is_not_displaced() {
    let used = [Outcome::Executed, Outcome::Refused, Outcome::TooHeavy, Outcome::Panicked];
    for (last_word, number) in used.into_iter().zip(1u8..) {
        let mut store = in_memory();
        let operation = H256::repeat_byte(number);
        let mut run = |number, outcome| {
            let receipts = BlockReceipts {
                block: block(number),
                operations: vec![OperationLeaf { operation, outcome, result: H256::zero() }],
                state_leaf: H256::zero(),
            };
            let root = receipts.root();
            store.commit(Change { receipts: Some(receipts), ..Change::default() }).unwrap();
            let receipt = store.snapshot().unwrap().receipt(&operation).unwrap().unwrap();
            (receipt.leaf.outcome, receipt.block_number, receipt.verify(&root))
        };
        assert_eq!(run(1, Outcome::WrongNonce), (Outcome::WrongNonce, 1, true));
        assert_eq!(run(2, Outcome::NotNow), (Outcome::NotNow, 2, true));
        assert_eq!(run(3, last_word), (last_word, 3, true));
        for (replayed, number) in
            [Outcome::WrongNonce, Outcome::Maintenance, Outcome::Expired].iter().zip(4..)
        {
            assert_eq!(run(number, *replayed), (last_word, 3, false));
        }
    }
}

/// The names of the files in a folder, sorted.
fn files_of(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// As [`first_keys`], of another signer.
fn other_keys() -> Keys {
    Keys { signer: Arc::new(Signer::from_sealable(&[4; 32]).unwrap()), shielding: None }
}

fn other_sealing() -> SealingKey {
    SealingKey::new(&Zeroizing::new([8; 32]))
}

#[test]
fn a_store_of_another_enclave_is_put_aside_and_used_when_that_one_is_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let mut store = open(&path);
    store.commit(Change { head: Some(head(1)), ..Change::default() }).unwrap();
    drop(store);
    let new = Store::open(&path, &other_sealing(), || Ok(other_keys())).unwrap();
    assert_eq!(new.keys().signer.account(), other_keys().signer.account());
    assert!(new.head().is_none());
    drop(new);
    assert_eq!(files_of(dir.path()), ["store", "store.aside-1"]);
    // Each goes on with its own.
    let back = Store::open(&path, &sealing(), || unreachable!()).unwrap();
    assert_eq!((back.head(), back.keys().signer.account()), (Some(&head(1)), first_keys().signer.account()));
    drop(back);
    let again = Store::open(&path, &other_sealing(), || unreachable!()).unwrap();
    assert_eq!(again.keys().signer.account(), other_keys().signer.account());
    drop(again);
    let third = Store::open(&path, &SealingKey::new(&Zeroizing::new([9; 32])), || Ok(other_keys())).unwrap();
    assert!(third.head().is_none());
    assert_eq!(files_of(dir.path()).len(), 3, "nothing was deleted");
}

#[test]
fn the_shards_key_opens_a_store_that_the_platform_does_not_and_no_other_key_does() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let [key, stranger] = [(); 2].map(|()| Arc::new(ShieldingKey::generate().unwrap()));
    let (genesis, shard) = (head(1).genesis_hash, head(1).shard);
    let reopen = |key: &ShieldingKey, genesis, shard| {
        Store::reopen_with_shielding_key(&path, key, genesis, shard, &other_sealing())
    };
    let mut store = open(&path);
    let signer = store.keys().signer.clone();
    store.commit(Change { head: Some(head(1)), ..Change::default() }).unwrap();
    drop(store);
    assert_eq!(reopen(&key, genesis, shard).err(), Some(StoreError::NotOurs), "it never had the key");
    let mut store = open(&path);
    let keys = Keys { signer: signer.clone(), shielding: Some(key.clone()) };
    store.commit(Change { keys: Some(keys), effects: vec![unshield(1)], ..Change::default() }).unwrap();
    drop(store);
    let strangers_chain = BlockHash::repeat_byte(7);
    for refused in [
        reopen(&stranger, genesis, shard),
        reopen(&key, strangers_chain, shard),
        reopen(&key, genesis, [7; 32].into()),
    ] {
        assert_eq!(refused.err(), Some(StoreError::NotOurs));
    }
    // Refused, it is as it was.
    drop(open(&path));
    let reopened = reopen(&key, genesis, shard).unwrap();
    assert_eq!((reopened.head(), reopened.waiting().len()), (Some(&head(1)), 1));
    assert_eq!(reopened.keys().signer.account(), signer.account());
    drop(reopened);
    // From then on it is this platform's.
    let store = Store::open(&path, &other_sealing(), || unreachable!()).unwrap();
    assert_eq!(store.head(), Some(&head(1)));
    drop(store);
    assert_eq!(files_of(dir.path()), ["store"]);
}

#[test]
fn a_key_that_lost_the_shards_birth_opens_nothing_and_a_lost_wrap_is_written_anew() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let key = Arc::new(ShieldingKey::generate().unwrap());
    let (genesis, shard) = (head(1).genesis_hash, head(1).shard);
    let reopen = || Store::reopen_with_shielding_key(&path, &key, genesis, shard, &sealing());
    let mut store = open(&path);
    let with_key = Keys { signer: store.keys().signer.clone(), shielding: Some(key.clone()) };
    store.commit(Change { head: Some(head(1)), keys: Some(with_key.clone()), ..Change::default() }).unwrap();
    // ---- The host removes it; the next start writes it anew.
    let transaction = begin(&store.database, false).unwrap();
    transaction.open_table(META).unwrap().remove(&b"wrap/shard"[..]).unwrap();
    transaction.commit().unwrap();
    drop(store);
    assert_eq!(reopen().err(), Some(StoreError::NotOurs));
    drop(open(&path));
    drop(reopen().unwrap());
    // ---- The key is dropped, and with it the way through it.
    let mut store = open(&path);
    store.commit(Change { keys: Some(Keys { shielding: None, ..with_key }), ..Change::default() }).unwrap();
    drop(store);
    assert_eq!(reopen().err(), Some(StoreError::NotOurs));
}

#[test]
fn the_furthest_of_the_stores_that_open_returns_at_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let key = Arc::new(ShieldingKey::generate().unwrap());
    let keys = |seed: u8| Keys {
        signer: Arc::new(Signer::from_sealable(&[seed; 32]).unwrap()),
        shielding: Some(key.clone()),
    };
    // Three machines, each of which left its store: at block 5, at block 9, and of another shard at block 20.
    for (seed, number, shard) in [(1, 5, 1u8), (2, 9, 1), (3, 20, 2)] {
        let sealing = SealingKey::new(&Zeroizing::new([seed; 32]));
        let mut store = Store::open(&path, &sealing, || Ok(keys(seed))).unwrap();
        let head = Head { shard: [shard; 32].into(), ..head(number) };
        store.commit(Change { head: Some(head), ..Change::default() }).unwrap();
    }
    let mut store = Store::open(&path, &sealing(), || Ok(first_keys())).unwrap();
    assert!(!store.bring_back_former(&sealing()).unwrap(), "it knows neither shard nor key");
    store.commit(Change { head: Some(head(1)), keys: Some(keys(7)), ..Change::default() }).unwrap();
    assert!(store.bring_back_former(&sealing()).unwrap());
    drop(store);
    let store = Store::open(&path, &sealing(), || unreachable!()).unwrap();
    assert_eq!(store.head().unwrap().position.number, 9);
    assert_eq!(store.keys().signer.account(), keys(2).signer.account());
    assert_eq!(files_of(dir.path()).len(), 4, "nothing was deleted");
}

/// A store of the first format: named, and as it was afterwards.
#[test]
fn a_store_of_the_former_format_is_named_and_not_touched() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let database = Database::create(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    put(&transaction, META, b"format", &[1]).unwrap();
    put(&transaction, KEYS, SINGLE, &[7; 100]).unwrap();
    transaction.commit().unwrap();
    drop(database);
    let error = Store::open(&path, &sealing(), || unreachable!()).err().unwrap();
    assert_eq!(error, StoreError::UnknownFormat(1));
    let told = error.to_string();
    assert!(
        ["new data folder", "--clean-reset", "nothing was changed"].iter().all(|words| told.contains(words))
    );
    assert_eq!(files_of(dir.path()), ["store"]);
    let database = Database::open(&path).unwrap();
    let transaction = database.begin_read().unwrap();
    assert_eq!(transaction.open_table(KEYS).unwrap().get(SINGLE).unwrap().unwrap().value(), [7; 100]);
}

#[test]
fn a_foreign_file_is_a_named_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    std::fs::write(&path, b"this is no store").unwrap();
    assert!(Store::open(&path, &sealing(), || Ok(first_keys())).is_err());
    let missing = dir.path().join("no/such/folder");
    assert!(matches!(
        Store::open(&missing, &sealing(), || Ok(first_keys())),
        Err(StoreError::Open(_) | StoreError::Disk(_))
    ));
}
