// SPDX-License-Identifier: Apache-2.0
use super::{
    Logic,
    pallet::{Bids, Call, Leaders},
    runtime::{Balances, Runtime},
};
use codec::Encode;
use frame_support::traits::fungible::Inspect;
use offstage_sdk::testing::{TestAccount, TestWorker};
use proptest::prelude::*;

const RESERVE: u128 = 100;
const DEADLINE: u32 = 20;

/// Alice sells; Bob, Charlie and Dave have a thousand each.
fn opened() -> (TestWorker<Logic>, [TestAccount; 4]) {
    let accounts = ["Alice", "Bob", "Charlie", "Dave"].map(TestAccount::named);
    let mut worker = TestWorker::production();
    for account in &accounts[1..] {
        worker.shield(account, 1_000);
    }
    worker.executes(&accounts[0], Call::open { deadline: DEADLINE, reserve: RESERVE });
    (worker, accounts)
}

fn bid(amount: u128) -> Call<Runtime> {
    Call::bid { id: 0, amount }
}

fn highest(worker: &TestWorker<Logic>) -> Option<(offstage_sdk::AccountId32, u128)> {
    worker.query("Auction", "highest", &[0u32.encode()], None).expect("it is open to everybody")
}

#[test]
fn the_highest_bid_wins_and_pays_the_second_price() {
    let (mut worker, [alice, bob, charlie, dave]) = opened();
    for (who, amount) in [(&bob, 300), (&charlie, 500), (&dave, 400), (&dave, 450)] {
        worker.executes(who, bid(amount));
    }
    worker.run_to_block(DEADLINE);
    assert_eq!(highest(&worker), Some((charlie.id(), 450)));
    // Whoever asks first, the seller has the money; who asks has the own bid back.
    for who in [&bob, &dave, &dave] {
        worker.executes(who, Call::settle { id: 0 });
    }
    let free = |account: TestAccount| worker.inspect(|| Balances::balance(&account.id()));
    assert_eq!([alice, bob, charlie, dave].map(free), [450, 1_000, 550, 1_000]);
    worker.check_workers_agree();
}

#[test]
fn one_bid_pays_the_reserve_price_and_of_equal_ones_the_first_wins() {
    let (mut worker, [_, bob, charlie, _]) = opened();
    worker.executes(&bob, bid(300));
    assert_eq!(worker.inspect(|| Leaders::<Runtime>::get(0).unwrap().price), RESERVE);
    worker.executes(&charlie, bid(300));
    worker.run_to_block(DEADLINE);
    assert_eq!(highest(&worker), Some((bob.id(), 300)));
}

#[test]
fn before_the_end_nobody_learns_more_than_the_own_bid() {
    TestWorker::<Logic>::check_read_policy();
    let (mut worker, [alice, bob, charlie, dave]) = opened();
    worker.executes(&bob, bid(300));
    // Who leads and who does not get the same answer.
    let [led, follows] = [(&charlie, 500), (&dave, 400)].map(|(who, amount)| worker.submit(who, bid(amount)));
    assert_eq!((led.outcome, led.report.weight), (follows.outcome, follows.report.weight));
    assert!(worker.calls_per_block(bid(1)) > 500);
    let entry = [0u32.encode(), bob.id().encode()];
    let read = |asker| worker.query::<u128>("Auction", "Bids", &entry, asker);
    assert_eq!([Some(&bob), Some(&alice), None].map(read), [Some(300), None, None]);
    assert_eq!(highest(&worker), None);
    assert_eq!(worker.ask_for("Auction", "Leaders", &[0u32.encode()], Some(&alice)), None);
    worker.refuses(&charlie, Call::settle { id: 0 }, "Auction.NotEnded");
}

#[test]
fn what_is_no_bid_is_refused() {
    let (mut worker, [_, bob, ..]) = opened();
    worker.refuses(&bob, bid(RESERVE - 1), "Auction.BelowReserve");
    worker.refuses(&bob, bid(1_000), "Token.FundsUnavailable");
    worker.refuses(&bob, Call::bid { id: 1, amount: 200 }, "Auction.Unknown");
    worker.executes(&bob, bid(300));
    worker.refuses(&bob, bid(300), "Auction.NotRaised");
    worker.run_to_block(DEADLINE - 1);
    worker.refuses(&bob, bid(400), "Auction.Ended");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Whatever is done, no money appears or is lost, and what is on hold is what is bid.
    #[test]
    fn money_adds_up(steps in prop::collection::vec((0..4usize, 0..4u8, 90..900u128), 1..25)) {
        let (mut worker, accounts) = opened();
        for (who, what, amount) in steps {
            let call = if what == 0 { Call::settle { id: 0 } } else { bid(amount) };
            worker.submit(&accounts[who], call);
            let (mut free, mut bids) = (0, 0);
            worker.inspect(|| for account in &accounts {
                let bid = Bids::<Runtime>::get(0, account.id()).unwrap_or_default();
                assert_eq!(Balances::total_balance(&account.id()), Balances::balance(&account.id()) + bid);
                (free, bids) = (free + Balances::balance(&account.id()), bids + bid);
            });
            assert_eq!(free + bids, 3_000);
        }
        worker.check_workers_agree();
    }
}
