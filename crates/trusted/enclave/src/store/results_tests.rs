// SPDX-License-Identifier: Apache-2.0
//! Who is told what, for how long, and how much is kept.

use super::{
    super::{
        BlockReceipts, Change, Head, KeptResult, Store, begin,
        tests::{head, in_memory, open as open_store},
    },
    *,
};
use offstage_primitives::{
    BlockHash,
    receipt::{OperationLeaf, Outcome},
    result::OperationResult,
};
use offstage_protocol::BlockReference;
use redb::ReadableDatabase;

/// A head whose state is empty, so that the store can be verified.
fn begun() -> Change {
    Change { head: Some(Head { state_root: offstage_sdk::empty_root(), ..head(0) }), ..Change::default() }
}

fn account(n: u8) -> AccountId32 {
    [n; 32].into()
}

fn operation(block: u32, index: u8) -> H256 {
    H256((block, index).using_encoded(sp_crypto_hashing::blake2_256))
}

/// A block with an operation of each of these accounts, whose result has an event of so many bytes.
fn block(number: u32, owners: &[u8], event_len: usize) -> Change {
    let results: Vec<KeptResult> = owners
        .iter()
        .map(|owner| KeptResult {
            owner: (*owner != 0).then(|| account(*owner)),
            salt: [*owner; 32],
            result: OperationResult { events: vec![vec![*owner; event_len]], ..OperationResult::default() },
        })
        .collect();
    let leaf = |(index, kept): (u8, &KeptResult)| OperationLeaf {
        operation: operation(number, index),
        outcome: Outcome::Executed,
        result: kept.result.commitment(&kept.salt),
    };
    let receipts = BlockReceipts {
        block: BlockReference { number, hash: BlockHash::repeat_byte(1) },
        operations: (0..).zip(&results).map(leaf).collect(),
        state_leaf: H256::zero(),
    };
    Change { receipts: Some(receipts), results: BlockResults(results), ..Change::default() }
}

fn told(store: &Store, number: u32, index: u8, who: u8, position: u32) -> bool {
    let snapshot = store.snapshot().unwrap();
    let result = snapshot.result(&operation(number, index), &account(who), position).unwrap();
    result.is_some_and(|result| {
        assert!(result.fits_receipt());
        assert_eq!(result.result.events, [vec![who; 10]]);
        true
    })
}

/// C28: nobody is told of another's operation, and an operation of nobody is told to nobody.
#[test]
fn c28_a_result_is_told_to_its_sender_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let mut store = open_store(&path);
    store.commit(begun()).unwrap();
    store.commit(block(5, &[1, 2, 0, 1], 10)).unwrap();
    drop(store);
    let store = open_store(&path);
    for who in 0..4 {
        let own: Vec<u8> = (0..4).filter(|index| told(&store, 5, *index, who, 5)).collect();
        assert_eq!(
            own,
            if who == 1 {
                vec![0, 3]
            } else if who == 2 {
                vec![1]
            } else {
                vec![]
            },
            "{who}"
        );
    }
    assert!(!told(&store, 6, 0, 1, 5), "unknown");
    assert!(store.verify().is_ok_and(|report| report.results == 1));
}

/// C28: a bounded time, whether or not the record is still there.
#[test]
fn c28_a_result_is_told_for_a_bounded_time() {
    let mut store = in_memory();
    store.commit(block(5, &[1], 10)).unwrap();
    assert!(told(&store, 5, 0, 1, 5 + RESULT_LIFETIME));
    assert!(!told(&store, 5, 0, 1, 6 + RESULT_LIFETIME));
    let history = |position| store.snapshot().unwrap().history(&account(1), None, position).unwrap();
    assert_eq!(history(5 + RESULT_LIFETIME).entries.len(), 1);
    assert!(history(6 + RESULT_LIFETIME).entries.is_empty());
    // The next block with operations takes it away.
    store.commit(block(6 + RESULT_LIFETIME, &[1], 10)).unwrap();
    assert!(store.snapshot().unwrap().block_results(5).unwrap().is_none());
    assert!(told(&store, 6 + RESULT_LIFETIME, 0, 1, 6 + RESULT_LIFETIME));
}

/// C28: pallets that emit much, and many operations, fill no disk.
#[test]
fn c28_the_oldest_results_give_way_to_new_ones() {
    let store = in_memory();
    let (most, mut len) = (10_000u64, 0);
    let kept = || {
        let transaction = store.database.begin_read().unwrap();
        let table = transaction.open_table(RESULTS).unwrap();
        let records = table.iter().unwrap().map(|record| {
            let (name, sealed) = record.unwrap();
            (u32::from_be_bytes(name.value().try_into().unwrap()), len_of(sealed.value()))
        });
        records.collect::<Vec<_>>()
    };
    for number in 1..50u32 {
        let transaction = begin(&store.database, false).unwrap();
        let results = block(number, &[1, 2], 400).results;
        // The same block twice counts once.
        for _ in 0..2 {
            len = put_results_within(most, &transaction, &store.cipher, number, &results, len).unwrap();
        }
        transaction.commit().unwrap();
        let kept = kept();
        assert_eq!(kept.iter().map(|(_, len)| len).sum::<u64>(), len);
        assert!(len <= most);
        assert_eq!(kept.last().unwrap().0, number);
    }
    assert!((8..12).contains(&kept().len()), "{}", kept().len());
    // One that is too long alone is not kept either.
    let transaction = begin(&store.database, false).unwrap();
    let results = block(50, &[1], 20_000).results;
    assert_eq!(put_results_within(most, &transaction, &store.cipher, 50, &results, len).unwrap(), 0);
}

#[test]
fn a_history_is_read_in_stretches_from_the_newest_on() {
    let mut store = in_memory();
    // Each block's results are so long that few are opened for one answer.
    for number in (10..30u32).step_by(2) {
        store.commit(block(number, &[1, 2, 1], 60_000)).unwrap();
    }
    let snapshot = store.snapshot().unwrap();
    let (mut all, mut before, mut stretches) = (Vec::new(), None, 0);
    loop {
        let HistoryAnswer { entries, next } = snapshot.history(&account(1), before, 30).unwrap();
        all.extend(entries);
        stretches += 1;
        match next {
            Some(next) => before = Some(next),
            None => break,
        }
    }
    let expected: Vec<_> = (10..30u32)
        .step_by(2)
        .rev()
        .flat_map(|number| [2, 0].map(|index| (number, operation(number, index))))
        .collect();
    assert_eq!(all.iter().map(|entry| (entry.block_number, entry.operation)).collect::<Vec<_>>(), expected);
    assert!((3..9).contains(&stretches), "{stretches}");
    assert_eq!(snapshot.history(&account(3), Some(12), 30).unwrap(), HistoryAnswer::default());
}

/// H17: the host deletes or exchanges a record: nothing false is told.
#[test]
fn h17_results_of_another_block_are_no_results() {
    let mut store = in_memory();
    store.commit(begun()).unwrap();
    store.commit(block(5, &[1, 2], 10)).unwrap();
    store.commit(block(6, &[2, 1], 10)).unwrap();
    assert!(store.verify().is_ok());
    let transaction = begin(&store.database, false).unwrap();
    {
        let mut table = transaction.open_table(RESULTS).unwrap();
        let other = table.get(&6u32.to_be_bytes()[..]).unwrap().unwrap().value().to_vec();
        table.insert(&5u32.to_be_bytes()[..], &other[..]).unwrap();
        table.remove(&6u32.to_be_bytes()[..]).unwrap();
    }
    transaction.commit().unwrap();
    let snapshot = store.snapshot().unwrap();
    assert_eq!(
        snapshot.result(&operation(5, 0), &account(1), 6),
        Err(StoreError::Damaged(Table::Results.label()))
    );
    assert_eq!(snapshot.result(&operation(6, 0), &account(2), 6), Ok(None));
    assert!(store.verify().is_err());
}
