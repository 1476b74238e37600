// SPDX-License-Identifier: Apache-2.0
use super::{
    Logic,
    runtime::{Assets, Runtime},
};
use codec::Encode;
use offstage_sdk::testing::{TestAccount, TestWorker};

type Call = pallet_assets::Call<Runtime>;

const ASSET: u32 = 7;

/// Alice has issued a thousand, and given 300 of it to Bob.
fn issued() -> (TestWorker<Logic>, [TestAccount; 3]) {
    let accounts = ["Alice", "Bob", "Charlie"].map(TestAccount::named);
    let [alice, bob, _] = &accounts;
    let mut worker = TestWorker::production();
    for account in &accounts {
        worker.shield(account, 2_000_000_000);
    }
    let mint = Call::mint { id: ASSET, beneficiary: alice.id().into(), amount: 1_000 };
    worker.executes(alice, Call::create { id: ASSET, admin: alice.id().into(), min_balance: 1 });
    worker.executes(alice, mint);
    worker.executes(alice, give(bob, 300));
    (worker, accounts)
}

fn give(to: &TestAccount, amount: u128) -> Call {
    Call::transfer { id: ASSET, target: to.id().into(), amount }
}

fn balance(worker: &TestWorker<Logic>, of: &TestAccount, asker: Option<&TestAccount>) -> Option<u128> {
    let arguments = [of.id().encode(), ASSET.encode()];
    worker.query::<Option<u128>>("Assets", "balance_of", &arguments, asker).flatten()
}

#[test]
fn an_asset_is_issued_and_passed_on() {
    let (mut worker, [alice, bob, charlie]) = issued();
    worker.executes(&bob, give(&charlie, 100));
    let own = [&alice, &bob, &charlie].map(|account| balance(&worker, account, Some(account)));
    assert_eq!(own, [Some(700), Some(200), Some(100)]);
    assert_eq!(worker.inspect(|| Assets::total_supply(ASSET)), 1_000);
    worker.refuses(&bob, give(&charlie, 201), "Assets.BalanceLow");
    worker.refuses(
        &bob,
        Call::mint { id: ASSET, beneficiary: bob.id().into(), amount: 1 },
        "Assets.NoPermission",
    );
    worker.refuses(&bob, give(&TestAccount::named("Nobody"), 1), "Token.CannotCreate");
    worker.check_workers_agree();
}

/// Not even the issuer: the pallet as it is on chains would tell all of it to everybody.
#[test]
fn nobody_reads_anothers_balance() {
    TestWorker::<Logic>::check_read_policy();
    let (mut worker, [alice, bob, charlie]) = issued();
    let approve = Call::approve_transfer { id: ASSET, delegate: charlie.id().into(), amount: 50 };
    worker.executes(&bob, approve);
    let asset = ASSET.encode();
    let account = [asset.clone(), bob.id().encode()];
    let approval = [asset.clone(), bob.id().encode(), charlie.id().encode()];
    for (item, keys) in [("Account", &account[..]), ("Approvals", &approval[..])] {
        assert!(worker.ask_for("Assets", item, keys, Some(&bob)).is_some());
        for asker in [Some(&alice), Some(&charlie), None] {
            assert_eq!(worker.ask_for("Assets", item, keys, asker), None);
        }
    }
    assert_eq!([Some(&alice), None].map(|asker| balance(&worker, &bob, asker)), [None, None]);
    // How much there is, and how many hold it.
    assert_eq!(worker.ask_for("Assets", "Asset", std::slice::from_ref(&asset), Some(&alice)), None);
    assert_eq!(worker.ask_for("Assets", "asset_details", &[asset], Some(&alice)), None);
}
