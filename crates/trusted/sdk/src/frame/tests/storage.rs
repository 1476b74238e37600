// SPDX-License-Identifier: Apache-2.0
//! What the parentchain's state holds, as a runtime's pallets read it.

use super::{
    herald::{self, Looked},
    runtime::{AccountInfo, Funds, Time, Watched},
    *,
};
use crate::parentchain::storage::{MAX_VALUE_LEN, Shown, StorageItem, Unread};
use offstage_primitives::chain::storage as storage_keys;

fn funds(free: u128) -> AccountInfo {
    let data = pallet_balances::AccountData { free, ..Default::default() };
    AccountInfo { data, ..Default::default() }
}

fn looked(worker: &Worker) -> Option<(Option<u64>, Option<u128>)> {
    worker.inspect(Looked::<Runtime>::get)
}

/// What a block shows in place of the item `item`.
fn show(worker: &mut Worker, item: fn(&crate::ShardIdentifier) -> StorageItem, shown: Shown) {
    let key = item(&worker.block.shard.shard).key;
    worker.parentchain.storage.iter_mut().find(|read| read.key == key).unwrap().shown = shown;
}

#[test]
fn a_name_is_the_key_that_the_parentchain_has() {
    let shard = crate::ShardIdentifier::from([7; 32]);
    let keys = Watched::ITEMS.iter().map(|item| item(&shard).key);
    assert_eq!(
        keys.collect::<Vec<_>>(),
        [storage_keys::timestamp(), storage_keys::account(&shard.account())]
    );
    let account = Funds::item(&shard);
    assert_eq!(
        (account.pallet, account.item, account.hashers),
        ("System", "Account", vec!["Blake2_128Concat"])
    );
}

#[test]
fn a_value_is_read_in_operations_and_in_reads_and_what_is_not_there_is_none() {
    let (mut worker, alice, _) = with(UNIT);
    submit(&mut worker, &alice, herald::Call::look {});
    assert_eq!(looked(&worker), Some((None, None)));
    worker.set_parentchain(Time::item, Some(1_800_000_000_000u64));
    worker.set_parentchain(Funds::item, Some(funds(55)));
    // A read is on the newest block's state, which does not show it yet.
    assert_eq!(worker.inspect(Time::get), Ok(None));
    submit(&mut worker, &alice, herald::Call::look {});
    assert_eq!(looked(&worker), Some((Some(1_800_000_000_000), Some(55))));
    assert_eq!(worker.inspect(Time::get), Ok(Some(1_800_000_000_000)));
    assert_eq!(worker.inspect(Funds::get), Ok(Some(funds(55))));
    worker.set_parentchain(Funds::item, None::<AccountInfo>);
    submit(&mut worker, &alice, herald::Call::look {});
    assert_eq!(looked(&worker), Some((Some(1_800_000_000_000), None)));
    worker.check_workers_agree();
}

/// What a block shows is the block's. An empty block writes nothing.
#[test]
fn what_the_parentchain_has_is_no_part_of_the_state() {
    let (mut worker, _, _) = with(UNIT);
    let root = worker.root;
    for time in 1..4u64 {
        worker.set_parentchain(Time::item, Some(time));
        worker.run_block(&[]);
        assert_eq!((worker.root, worker.inspect(Time::get)), (root, Ok(Some(time))));
    }
}

#[test]
fn h25_what_cannot_be_read_is_an_error_with_a_reason_and_never_another_value() {
    let (mut worker, alice, _) = with(UNIT);
    let long = Shown::Value(vec![0; MAX_VALUE_LEN + 1]);
    for (shown, unread) in [
        (Shown::Unfit, Unread::Unfit),
        (Shown::TooLong, Unread::TooLong),
        (Shown::Value(vec![1; 7]), Unread::Unfit),
        (Shown::Value(vec![1; 9]), Unread::Unfit),
        (long, Unread::Unfit),
    ] {
        show(&mut worker, Time::item, shown);
        let refused = submit(&mut worker, &alice, herald::Call::look {});
        let DispatchError::Other(reason) = unread.into() else { panic!("{unread:?}") };
        assert_eq!(refused.refusal().unwrap(), format!("Other.{reason}"));
        assert_eq!((looked(&worker), worker.inspect(Time::get)), (None, Err(unread)));
    }
    // Not on the list, as far as this block goes.
    worker.parentchain.storage.clear();
    submit(&mut worker, &alice, herald::Call::look {});
    assert_eq!((looked(&worker), worker.inspect(Time::get)), (None, Err(Unread::NotListed)));
}

/// Invariant 3: the parentchain's state is an argument, like the rest of the block.
#[test]
fn two_workers_with_the_same_blocks_read_the_same() {
    let (mut worker, alice, _) = with(UNIT);
    let mut other = worker.restarted();
    for (turn, worker) in [&mut worker, &mut other].into_iter().enumerate() {
        worker.set_parentchain(Funds::item, Some(funds(3)));
        submit(worker, &alice, herald::Call::look {});
        // And of another block, another.
        worker.set_parentchain(Funds::item, Some(funds(4 + turn as u128)));
    }
    assert_eq!(worker.root, other.root);
    for worker in [&mut worker, &mut other] {
        submit(worker, &alice, herald::Call::look {});
    }
    assert_ne!(worker.root, other.root);
}
