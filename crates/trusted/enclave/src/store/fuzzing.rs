// SPDX-License-Identifier: Apache-2.0
//! The store's part of [`crate::fuzzing`].

use super::{
    BlockReceipts, Keys, Waiting,
    records::{ReceiptPointer, SealedHead},
};
use codec::{Decode, Encode};

/// The plaintext of a record; the first byte says which. No host can make one, but it may be damaged memory's or a
/// later version's: it is read and written as the same bytes, or refused.
pub fn record(bytes: &[u8]) {
    let Some((kind, plaintext)) = bytes.split_first() else { return };
    match kind {
        0 => drop(check::<SealedHead>(plaintext)),
        1 => {
            if let Some(keys) = Keys::from_plaintext(plaintext) {
                let again = Keys::from_plaintext(&keys.to_plaintext()).expect("it was written by us");
                assert_eq!(again.to_plaintext(), keys.to_plaintext());
            }
        }
        2 => drop(check::<Waiting>(plaintext)),
        3 => {
            let Some(receipts) = check::<BlockReceipts>(plaintext) else { return };
            let count = receipts.operations.len() as u32;
            for index in [0, count / 2, count, u32::MAX] {
                let receipt = receipts.receipt(index);
                assert_eq!(receipt.is_some(), index < count);
                assert!(receipt.is_none_or(|receipt| receipt.verify(&receipts.root())));
            }
        }
        4 => drop(check::<ReceiptPointer>(plaintext)),
        // An entry of the journal: nodes that are put, and those that are removed.
        5 => drop(check::<JournalEntry>(plaintext)),
        _ => {}
    }
}

fn check<T: Encode + Decode>(plaintext: &[u8]) -> Option<T> {
    let mut input = plaintext;
    let record = T::decode(&mut input).ok()?;
    assert_eq!([&record.encode()[..], input].concat(), plaintext);
    Some(record)
}

/// Nodes that are put, and keys of those that are removed.
type JournalEntry = (Vec<(Vec<u8>, Vec<u8>)>, Vec<Vec<u8>>);

/// One record of each kind, with these keys.
#[cfg(test)]
pub(crate) fn seeds(shielding_key: Vec<u8>) -> Vec<(&'static str, Vec<u8>)> {
    use super::{Head, WaitingEffect, records::Ledger, tally::Tally};
    use crate::{
        ingest::{Birth, ChainFacts},
        keys::{ShieldingKey, Signer},
        registry::{Followed, Origin},
        store::Opinion,
    };
    use offstage_primitives::{
        BlockHash, H256, KeyDigest,
        receipt::{OperationLeaf, Outcome},
    };
    use offstage_protocol::BlockReference;
    use offstage_sdk::parentchain::{
        Argument,
        storage::{Shown, StorageRead},
    };
    use std::sync::Arc;
    let block = BlockReference { number: 7, hash: BlockHash::repeat_byte(1) };
    let head = Head {
        genesis_hash: BlockHash::repeat_byte(2),
        shard: [3; 32].into(),
        position: block,
        state_root: H256::repeat_byte(4),
        light_client: vec![5; 100],
        birth: Some(Birth { block, shielding_key: KeyDigest::repeat_byte(6), development: true }),
        facts: Some(ChainFacts {
            timestamp_ms: 1,
            nonce: 2,
            balance: 3,
            shard_config: None,
            policy: offstage_attestation::ChainPolicy::new(vec![4; 50], Default::default(), false),
            registered: true,
            shard_status: Some(vec![]),
            shard_balance: 5,
            payout: Default::default(),
            named: vec![StorageRead { key: vec![6; 32], shown: Shown::Value(vec![7; 8]) }],
        }),
        ancestors: offstage_sdk::Ancestors::genesis(BlockHash::repeat_byte(1)),
        opinions: vec![Opinion { block: 6, agreeing: vec![[7; 32].into()], against: vec![] }],
        followed: Followed {
            origin: Some(Origin {
                position: block,
                light_client: vec![5; 10],
                facts: None,
                ancestors: Default::default(),
            }),
            replay_to: Some(block),
            ..Followed::default()
        },
    };
    let sealed_head = SealedHead {
        head: Some(head),
        ledger: Ledger {
            next_effect: 1,
            outbox: Tally::of(&[[8; 32]]),
            journal_from: 3,
            journal_to: 4,
            journal: Tally::of(&[[7; 32]]),
            keys_tag: [9; 32],
            results_len: 11,
        },
    };
    let keys = Keys {
        signer: Arc::new(Signer::from_sealable(&[1; 32]).unwrap()),
        shielding: Some(Arc::new(ShieldingKey::from_sealable(&shielding_key).unwrap())),
    };
    let unshield =
        WaitingEffect::Unshield { beneficiary: [1; 32].into(), amount: 5, call_hash: H256::repeat_byte(2) };
    let call = WaitingEffect::Call {
        pallet: "System".into(),
        call: "remark".into(),
        arguments: vec![Argument { name: "remark".into(), value: vec![4, 1] }],
        until: 300,
        call_hash: H256::repeat_byte(2),
    };
    let waiting = |effect| Waiting { id: 3, effect, produced_at: 7, while_serving: true }.encode();
    let leaf = |byte| OperationLeaf {
        operation: H256::repeat_byte(byte),
        outcome: Outcome::Executed,
        result: H256::zero(),
    };
    let receipts =
        BlockReceipts { block, operations: vec![leaf(1), leaf(2), leaf(3)], state_leaf: H256::zero() };
    let journal: JournalEntry = (vec![(vec![1; 40], vec![2; 100])], vec![vec![3; 40]]);
    [
        ("head", 0, sealed_head.encode()),
        ("keys", 1, keys.to_plaintext().to_vec()),
        ("confirmation", 2, waiting(WaitingEffect::Confirmation { block, root: H256::zero() })),
        ("unshield", 2, waiting(unshield)),
        ("call", 2, waiting(call)),
        ("receipts", 3, receipts.encode()),
        ("pointer", 4, ReceiptPointer { block: 7, index: 2, used_nonce: true }.encode()),
        ("journal", 5, journal.encode()),
    ]
    .map(|(name, kind, plaintext)| (name, [&[kind][..], &plaintext].concat()))
    .into()
}
