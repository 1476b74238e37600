// SPDX-License-Identifier: Apache-2.0
//! Money, and who may call for whom.

use super::{MILLION, TestShard, three, transfer};
use crate::runtime::{Multisig, ProxyType, Runtime, RuntimeCall, RuntimeEvent, Vesting};
use codec::Encode;
use frame_support::{dispatch::GetDispatchInfo, traits::VestingSchedule, weights::Weight};
use offstage_sdk::{frame::parentchain, testing::TestAccount};
use pallet_nfts::{CollectionConfig, CollectionSettings, MintSettings};
use pallet_vesting::VestingInfo;
use sp_crypto_hashing::blake2_256;
use sp_runtime::{DispatchError, ModuleError};

#[test]
fn balances() {
    let [alice, bob, charlie] = three();
    let mut shard = TestShard::with(&[&alice, &bob]);
    let events = shard.executes(&alice, transfer(&charlie, 1_000));
    let moved = pallet_balances::Event::Transfer { from: alice.id(), to: charlie.id(), amount: 1_000 };
    assert!(events.contains(&moved.into()), "{events:?}");
    // Whoever keeps the account cannot give away the last of it; whoever does not, can.
    let all = |keep_alive| pallet_balances::Call::transfer_all { dest: bob.id().into(), keep_alive };
    let rest = pallet_balances::Call::transfer_keep_alive { dest: bob.id().into(), value: 1_000 };
    shard.refuses(&charlie, rest, "Token.NotExpendable");
    shard.executes(&charlie, all(true));
    assert_eq!((shard.free(&charlie), shard.free(&bob)), (1, MILLION + 999));
    shard.executes(&charlie, all(false));
    assert_eq!((shard.free(&charlie), shard.free(&bob)), (0, MILLION + 1_000));
    let forced = pallet_balances::Call::force_set_balance { who: alice.id().into(), new_free: 5 };
    shard.refuses(&alice, forced, "BadOrigin");
    // A deposit that is not there.
    let delegate = alice.id().into();
    let deposit = pallet_proxy::Call::add_proxy { delegate, proxy_type: ProxyType::Any, delay: 0 };
    shard.refuses(&charlie, deposit, "Balances.InsufficientBalance");
    // Out of the shard: what is paid out is no longer in it.
    shard.executes(&bob, parentchain::Call::unshield { beneficiary: charlie.id(), amount: 70_000 });
    assert_eq!((shard.held, shard.free(&bob)), (2 * MILLION - 70_000, MILLION - 69_000));
    shard.finish();
}

#[test]
fn utility() {
    let [alice, bob, charlie] = three();
    let mut shard = TestShard::with(&[&alice, &bob]);
    let calls = || vec![transfer(&charlie, 100), transfer(&charlie, 2 * MILLION), transfer(&charlie, 200)];
    // A batch goes as far as it gets, and says in an event where it stopped.
    let events = shard.executes(&alice, pallet_utility::Call::batch { calls: calls() });
    assert!(
        events.iter().any(|event| matches!(
            event,
            RuntimeEvent::Utility(pallet_utility::Event::BatchInterrupted { index: 1, .. })
        )),
        "{events:?}"
    );
    assert_eq!(shard.free(&charlie), 100);
    // All or nothing.
    shard.refuses(&alice, pallet_utility::Call::batch_all { calls: calls() }, "Token.FundsUnavailable");
    assert_eq!(shard.free(&charlie), 100);
    shard.executes(&alice, pallet_utility::Call::force_batch { calls: calls() });
    assert_eq!(shard.free(&charlie), 400);
    // An account under an account.
    let derived = pallet_utility::derivative_account_id(alice.id(), 7);
    let dest = derived.clone().into();
    shard.executes(&alice, pallet_balances::Call::transfer_allow_death { dest, value: 5_000 });
    let as_derived =
        |call: RuntimeCall| pallet_utility::Call::as_derivative { index: 7, call: Box::new(call) };
    shard.executes(&alice, as_derived(transfer(&bob, 2_000)));
    assert_eq!((shard.account(&derived).free, shard.free(&bob)), (3_000, MILLION + 2_000));
    shard.refuses(&bob, as_derived(transfer(&bob, 2_000)), "Token.FundsUnavailable");
    // Why the call inside was refused, by the name that its pallet has for it.
    let calls = vec![transfer(&charlie, 1), pallet_vesting::Call::vest {}.into()];
    shard.refuses(&alice, pallet_utility::Call::batch_all { calls }, "Vesting.NotVesting");
    shard.finish();
}

/// A game's key on a phone: it plays for its owner, and cannot touch the owner's money. Its account is empty and has
/// never been anything else.
#[test]
fn proxy() {
    let [alice, session, bob] = three();
    let mut shard = TestShard::with(&[&alice]);
    let config = CollectionConfig {
        settings: CollectionSettings::all_enabled(),
        max_supply: None,
        mint_settings: MintSettings::default(),
    };
    shard.executes(&alice, pallet_nfts::Call::create { admin: alice.id().into(), config });
    let add = pallet_proxy::Call::add_proxy {
        delegate: session.id().into(),
        proxy_type: ProxyType::Items,
        delay: 0,
    };
    let before = shard.reserved(&alice);
    shard.executes(&alice, add);
    assert_eq!(shard.reserved(&alice) - before, 110);
    let for_alice = |call: RuntimeCall| pallet_proxy::Call::proxy {
        real: alice.id().into(),
        force_proxy_type: None,
        call: Box::new(call),
    };
    let mint =
        pallet_nfts::Call::mint { collection: 0, item: 1, mint_to: alice.id().into(), witness_data: None };
    let give = pallet_nfts::Call::transfer { collection: 0, item: 1, dest: bob.id().into() };
    let result_of = |events: Vec<RuntimeEvent>| {
        events.into_iter().find_map(|event| match event {
            RuntimeEvent::Proxy(pallet_proxy::Event::ProxyExecuted { result }) => Some(result),
            _ => None,
        })
    };
    assert_eq!(result_of(shard.executes(&session, for_alice(mint.into()))), Some(Ok(())));
    assert_eq!(result_of(shard.executes(&session, for_alice(give.into()))), Some(Ok(())));
    let owner = |shard: &TestShard| shard.look(|| pallet_nfts::Pallet::<Runtime>::owner(0, 1));
    assert_eq!(owner(&shard), Some(bob.id()));
    // What the key is not for is refused inside, and the sender learns it from the event.
    let before = shard.free(&alice);
    let filtered = result_of(shard.executes(&session, for_alice(transfer(&session, 1))));
    assert!(
        matches!(filtered, Some(Err(DispatchError::Module(ModuleError { index: 0, .. })))),
        "System.CallFiltered: {filtered:?}"
    );
    assert_eq!((shard.free(&alice), shard.free(&session)), (before, 0));
    // Removed, it is nobody, and the deposit is back.
    let remove = pallet_proxy::Call::remove_proxy {
        delegate: session.id().into(),
        proxy_type: ProxyType::Items,
        delay: 0,
    };
    shard.executes(&alice, remove);
    assert_eq!(shard.free(&alice), before + 110);
    let give = pallet_nfts::Call::transfer { collection: 0, item: 1, dest: alice.id().into() };
    shard.refuses(&session, for_alice(give.into()), "Proxy.NotProxy");
    assert_eq!(owner(&shard), Some(bob.id()));
    shard.finish();
}

#[test]
fn multisig() {
    let [alice, bob, charlie] = three();
    let dave = TestAccount::named("Dave");
    let mut shard = TestShard::with(&[&alice, &bob]);
    let mut all = three().map(|account| account.id()).to_vec();
    all.sort();
    let without =
        |account: &TestAccount| all.iter().filter(|id| **id != account.id()).cloned().collect::<Vec<_>>();
    let common = Multisig::multi_account_id(&all, 2);
    let dest = common.clone().into();
    shard.executes(&alice, pallet_balances::Call::transfer_allow_death { dest, value: 10_000 });
    // The first shows a hash, so the others alone know what it is about; the last shows the call.
    let call = transfer(&dave, 4_000);
    let call_hash = blake2_256(&call.encode());
    let approve = |account, maybe_timepoint| pallet_multisig::Call::approve_as_multi {
        threshold: 2,
        other_signatories: without(account),
        maybe_timepoint,
        call_hash,
        max_weight: Weight::zero(),
    };
    let before = (shard.free(&alice), shard.free(&bob));
    shard.executes(&alice, approve(&alice, None));
    assert_eq!(shard.reserved(&alice), 100 + 2 * 10);
    let opened = shard.look(|| pallet_multisig::Multisigs::<Runtime>::get(&common, call_hash));
    let when = opened.expect("it is open").when;
    assert_eq!((when.height, when.index), (shard.number(), 0));
    shard.refuses(&alice, approve(&alice, Some(when)), "Multisig.AlreadyApproved");
    shard.refuses(&dave, approve(&dave, Some(when)), "Multisig.UnexpectedTimepoint");
    let max_weight = call.get_dispatch_info().total_weight();
    let as_multi = pallet_multisig::Call::as_multi {
        threshold: 2,
        other_signatories: without(&charlie),
        maybe_timepoint: Some(when),
        call: Box::new(call),
        max_weight,
    };
    let events = shard.executes(&charlie, as_multi);
    assert!(
        events.iter().any(|event| matches!(
            event,
            RuntimeEvent::Multisig(pallet_multisig::Event::MultisigExecuted { result: Ok(()), .. })
        )),
        "{events:?}"
    );
    assert_eq!((shard.account(&common).free, shard.free(&dave)), (6_000, 4_000));
    // The deposit is back.
    assert_eq!((shard.free(&alice), shard.free(&bob)), before);
    shard.finish();
}

#[test]
fn vesting() {
    let [alice, bob, charlie] = three();
    let mut shard = TestShard::with(&[&alice]);
    // 100 a block, from three blocks on.
    let starting_block = shard.number() + 3;
    let vested = |locked| pallet_vesting::Call::vested_transfer {
        target: bob.id().into(),
        schedule: VestingInfo::new(locked, 100, starting_block),
    };
    shard.refuses(&alice, vested(99), "Vesting.AmountLow");
    shard.executes(&alice, vested(1_000));
    assert_eq!(shard.free(&bob), 1_000);
    shard.refuses(&bob, transfer(&charlie, 1), "Token.Frozen");
    shard.run_to(starting_block + 3);
    // In the next block 400 are free, once somebody says so.
    shard.executes(&charlie, pallet_vesting::Call::vest_other { target: bob.id().into() });
    shard.refuses(&bob, transfer(&charlie, 401), "Token.Frozen");
    shard.executes(&bob, transfer(&charlie, 400));
    shard.run_to(starting_block + 10);
    shard.executes(&bob, pallet_vesting::Call::vest {});
    assert!(shard.look(|| pallet_vesting::Vesting::<Runtime>::get(bob.id())).is_none());
    assert!(shard.look(|| Vesting::vesting_balance(&bob.id())).is_none());
    shard.executes(&bob, transfer(&charlie, 600));
    shard.refuses(&bob, pallet_vesting::Call::vest {}, "Vesting.NotVesting");
    assert_eq!((shard.free(&bob), shard.free(&charlie)), (0, 1_000));
    shard.finish();
}
