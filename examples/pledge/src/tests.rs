// SPDX-License-Identifier: Apache-2.0
use super::{
    Logic,
    pallet::{Call, Payment},
    runtime::{AccountInfo, Balances, CAUSE, Collected, DEADLINE_MS, GOAL, Now, Runtime},
};
use codec::{Compact, Encode};
use frame_support::traits::fungible::{Inspect, InspectHold};
use offstage_sdk::{
    Effect,
    frame::effects::LIFETIME,
    testing::{TestAccount, TestWorker},
};

/// Alice and Bob have a thousand each, and have pledged.
fn pledged() -> (TestWorker<Logic>, [TestAccount; 2]) {
    let mut worker = TestWorker::production();
    let accounts = [TestAccount::alice(), TestAccount::bob()];
    for (account, amount) in accounts.iter().zip([300, 500]) {
        worker.shield(account, 1_000);
        worker.executes(account, Call::pledge { amount: amount - 100 });
        worker.executes(account, Call::pledge { amount: 100 });
    }
    worker.set_parentchain(Now::item, Some(DEADLINE_MS - 1));
    (worker, accounts)
}

fn collects(worker: &mut TestWorker<Logic>, free: u128) {
    let data = pallet_balances::AccountData { free, ..Default::default() };
    worker.set_parentchain(Collected::item, Some(AccountInfo { data, ..Default::default() }));
}

/// What each has, and has on hold.
fn money(worker: &TestWorker<Logic>, accounts: &[TestAccount; 2]) -> [(u128, u128); 2] {
    let of = |account: &TestAccount| {
        let id = account.id();
        (Balances::total_balance(&id), Balances::total_balance_on_hold(&id))
    };
    worker.inspect(|| accounts.each_ref().map(of))
}

#[test]
fn pledges_are_one_payment_when_the_goal_is_reached_on_the_parentchain() {
    let (mut worker, accounts) = pledged();
    let [alice, bob] = &accounts;
    collects(&mut worker, GOAL - 1);
    worker.refuses(bob, Call::settle {}, "Pledge.NotYet");
    collects(&mut worker, GOAL);
    let done = worker.submit(bob, Call::settle {});
    let [Effect::Call { pallet, call, arguments, .. }] = &done.effects[..] else { panic!("{done:?}") };
    assert_eq!((&pallet[..], &call[..]), ("Balances", "transfer_keep_alive"));
    let values: Vec<_> = arguments.iter().map(|argument| argument.value.clone()).collect();
    assert_eq!(values, [(0u8, TestAccount::named("Eve").id()).encode(), Compact(800u128).encode()]);
    assert_eq!(CAUSE, TestAccount::named("Eve").id());
    // Until it is done the money is there, and stays on hold.
    worker.refuses(alice, Call::pledge { amount: 1 }, "Pledge.Paying");
    worker.refuses(alice, Call::settle {}, "Pledge.Paying");
    assert_eq!(money(&worker, &accounts), [(1_000, 300), (1_000, 500)]);
    worker.deliver(done.effects[0].call_hash(), true);
    assert_eq!(money(&worker, &accounts), [(700, 0), (500, 0)]);
    worker.refuses(alice, Call::settle {}, "Pledge.Nothing");
    worker.check_workers_agree();
}

#[test]
fn a_payment_that_is_not_made_gives_the_pledges_back() {
    for fails in [true, false] {
        let (mut worker, accounts) = pledged();
        collects(&mut worker, GOAL);
        let payment = worker.submit(&accounts[0], Call::settle {}).effects[0].call_hash();
        match fails {
            true => drop(worker.deliver(payment, false)),
            false => worker.run_to_block(worker.block.number + LIFETIME + 1),
        }
        assert_eq!(money(&worker, &accounts), [(1_000, 0), (1_000, 0)]);
        assert_eq!(worker.inspect(Payment::<Runtime>::get), None);
    }
}

#[test]
fn the_deadline_gives_the_pledges_back_and_the_parentchain_says_when_it_is() {
    let (mut worker, accounts) = pledged();
    worker.refuses(&accounts[0], Call::settle {}, "Pledge.NotYet");
    worker.set_parentchain(Now::item, Some(DEADLINE_MS));
    worker.executes(&accounts[0], Call::settle {});
    assert_eq!(money(&worker, &accounts), [(1_000, 0), (1_000, 0)]);
}

#[test]
fn nobody_learns_what_others_pledged() {
    TestWorker::<Logic>::check_read_policy();
    let (worker, [alice, bob]) = pledged();
    let pledge = |asker| worker.query::<u128>("Pledge", "Pledges", &[bob.id().encode()], asker);
    assert_eq!([Some(&bob), Some(&alice), None].map(pledge), [Some(500), None, None]);
    assert_eq!(worker.ask_for("Pledge", "CounterForPledges", &[], Some(&alice)), None);
    assert!(worker.calls_per_block(Call::settle {}) > 1);
}
