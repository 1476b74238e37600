// SPDX-License-Identifier: Apache-2.0
//! What is read of a block is what it proves.

use super::*;
use codec::Encode;
use offstage_light_client::{storage_keys, testing::TestChain};
use offstage_sdk::parentchain::storage::StorageItem;

fn items(items: Vec<StorageItem>) -> NamedItems {
    NamedItems::new(items).unwrap()
}

#[test]
fn h25_each_item_is_shown_as_the_block_proves_it() {
    let price = |item: &'static str| StorageItem::new::<u128>("TransactionPayment", item);
    let named = items(vec![
        price("NextFeeMultiplier"),
        StorageItem::new::<u32>("System", "EventCount"),
        StorageItem::new::<u64>("System", "Number"),
        price("PreviousFeeMultiplier"),
    ]);
    let keys: Vec<_> = named.keys().cloned().collect();
    let mut chain = TestChain::new(3);
    let mut client = chain.client();
    let long = vec![7; MAX_VALUE_LEN + 1];
    let contents = [
        (Some(5u128.encode()), Shown::Value(5u128.encode())),
        (None, Shown::Absent),
        (Some(long.clone()), Shown::TooLong),
        (Some(long[..MAX_VALUE_LEN].to_vec()), Shown::Value(long[..MAX_VALUE_LEN].to_vec())),
        (Some(vec![]), Shown::Value(vec![])),
    ];
    for (value, shown) in contents {
        let content = chain.block().storage(storage_keys::value("System", "Number"), Some(1u32.encode()));
        let content = content.storage(keys[0].clone(), value);
        chain.add(content);
        let block = chain.verify_next(&mut client, &keys);
        let read: Vec<_> = named.read(&block).into_iter().map(|read| read.shown).collect();
        // Not there; of another type; of no name that the chain has.
        assert_eq!(read, [shown, Shown::Absent, Shown::Unfit, Shown::Unfit]);
    }
}

#[test]
fn an_author_who_names_too_many_items_is_told() {
    let many = |count| NamedItems::new(vec![StorageItem::new::<u64>("Timestamp", "Now"); count]);
    assert!(many(MAX_ITEMS).is_ok());
    assert_eq!(many(MAX_ITEMS + 1).map(drop), Err(TooManyItems(MAX_ITEMS + 1)));
}
