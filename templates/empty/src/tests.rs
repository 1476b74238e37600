// SPDX-License-Identifier: Apache-2.0
use super::{Logic, pallet::Call};
use codec::Encode;
use offstage_sdk::testing::{TestAccount, TestWorker};

fn add(amount: u32) -> Call<super::runtime::Runtime> {
    Call::add { amount }
}

#[test]
fn everybody_adds_to_one_sum() {
    let (mut worker, [alice, bob]) =
        (TestWorker::<Logic>::production(), ["Alice", "Bob"].map(TestAccount::named));
    worker.executes(&alice, add(40));
    worker.executes(&bob, add(2));
    assert_eq!(worker.query::<u32>("Counter", "Sum", &[], None), Some(42));
    worker.refuses(&bob, add(u32::MAX), "Counter.Full");
    assert_eq!(worker.query::<u32>("Counter", "room", &[], None), Some(u32::MAX - 42));
    worker.check_workers_agree();
}

#[test]
fn nobody_reads_what_another_has_added() {
    TestWorker::<Logic>::check_read_policy();
    let (mut worker, [alice, bob]) =
        (TestWorker::<Logic>::production(), ["Alice", "Bob"].map(TestAccount::named));
    worker.executes(&alice, add(40));
    let added = |asker| worker.query::<u32>("Counter", "Added", &[alice.id().encode()], asker);
    assert_eq!([Some(&alice), Some(&bob), None].map(added), [Some(40), None, None]);
}
