// SPDX-License-Identifier: Apache-2.0
//! Shards, their enclaves and their funds, with the limits of the real chain.

use super::{
    DONE, MEASUREMENT, alice_pays, alice_sends, bring_to_life, chain_with_block_time, confirmation,
    invocation, register,
};
use crate::{
    AccountId, Balances, EXISTENTIAL_DEPOSIT, EnclaveBridge, Runtime, RuntimeCall, RuntimeEvent,
    RuntimeOrigin, System, UNIT, proxies::ProxyType,
};
use codec::Encode;
use frame_support::{assert_err, assert_noop, assert_ok, traits::InstanceFilter};
use offstage_primitives::{
    H256, Measurement, ShardIdentifier,
    enclave_bridge::{SLOT_SILENCE_BLOCKS, ShardConfig},
    shielding::RSA_LEN,
};
use pallet_enclave_bridge::{Call, Error, Event, ShardStatus, WeightInfo};
use sp_keyring::{Ed25519Keyring, Sr25519Keyring};
use sp_runtime::{DispatchError, DispatchResult, TokenError, traits::Dispatchable};

/// As it was seen: ten replaced workers, and the confirmations of the next one failed for ever.
#[test]
fn p07_a_worker_finds_a_place_although_ten_before_it_have_died() {
    chain_with_block_time(1_000).execute_with(|| {
        let worker = |number: u8| AccountId::new([number; 32]);
        let confirm = |number| plain(confirmation().dispatch(RuntimeOrigin::signed(worker(number))));
        for number in 1..=11 {
            register(&worker(number), MEASUREMENT);
        }
        for number in 1..=10 {
            System::set_block_number(u32::from(number));
            assert_ok!(confirm(number));
        }
        System::set_block_number(1 + SLOT_SILENCE_BLOCKS);
        assert_noop!(confirm(11), Error::<Runtime>::TooManyEnclaves);
        System::set_block_number(2 + SLOT_SILENCE_BLOCKS);
        assert_ok!(confirm(11));
        let status = ShardStatus::<Runtime>::get(shard()).unwrap();
        assert_eq!(status.len(), 10);
        assert!(status.iter().any(|place| place.signer == worker(11)));
        assert!(status.iter().all(|place| place.signer != worker(1)));
    });
}

#[test]
fn p08_a_shard_that_no_enclave_confirmed_takes_neither_money_nor_operations() {
    chain_with_block_time(1_000).execute_with(|| {
        let not_found = DispatchError::from(Error::<Runtime>::ShardNotFound);
        assert_eq!(alice_sends(invocation(RSA_LEN)), Ok(Err(not_found)));
        let paid = alice_pays(|| assert_eq!(alice_sends(shielding(EXISTENTIAL_DEPOSIT)), Ok(Err(not_found))));
        assert_eq!(Balances::free_balance(EnclaveBridge::shard_account(shard())), 0);
        bring_to_life();
        // A fee was paid, without the opening.
        let opening = <Runtime as pallet_enclave_bridge::Config>::WeightInfo::opening(1).ref_time();
        let taken_in = alice_pays(|| assert_eq!(alice_sends(shielding(EXISTENTIAL_DEPOSIT)), DONE));
        assert_eq!(taken_in - paid, u128::from(opening) + EXISTENTIAL_DEPOSIT);
        assert_eq!(alice_sends(invocation(RSA_LEN)), DONE);
    });
}

#[test]
fn p09_the_account_of_a_shard_never_falls_below_the_existential_deposit() {
    chain_with_block_time(1_000).execute_with(|| {
        bring_to_life();
        let enclave = AccountId::from(Ed25519Keyring::Ferdie.public());
        let pay = |amount, call_hash| {
            let beneficiary = Sr25519Keyring::Bob.to_account_id();
            let call_hash = H256::repeat_byte(call_hash);
            let call = Call::unshield_funds { shard: shard(), beneficiary, amount, call_hash };
            plain(RuntimeCall::EnclaveBridge(call).dispatch(RuntimeOrigin::signed(enclave.clone())))
        };
        // What would be dust on the shard's account is not taken in.
        assert_eq!(alice_sends(shielding(EXISTENTIAL_DEPOSIT - 1)), Ok(Err(TokenError::BelowMinimum.into())));
        assert_eq!(alice_sends(shielding(3 * EXISTENTIAL_DEPOSIT)), DONE);
        assert_noop!(pay(3 * EXISTENTIAL_DEPOSIT, 1), TokenError::NotExpendable);
        assert_noop!(pay(2 * EXISTENTIAL_DEPOSIT + 1, 1), TokenError::NotExpendable);
        assert_ok!(pay(2 * EXISTENTIAL_DEPOSIT, 1));
        assert_eq!(Balances::free_balance(EnclaveBridge::shard_account(shard())), EXISTENTIAL_DEPOSIT);
    });
}

#[test]
fn p11_a_proxy_for_the_bridge_invokes_and_shields_and_does_nothing_else() {
    let configuration = || {
        let shard_config = ShardConfig {
            enclave_fingerprint: Measurement([0; 32]),
            max_instances: None,
            authorities: None,
            maintenance_mode: false,
        };
        Call::update_shard_config { shard: shard(), shard_config, enactment_delay: 0 }
    };
    let bob = Sr25519Keyring::Bob.to_account_id();
    let hash = H256::zero();
    let refused = [
        configuration(),
        Call::purge_enclave_from_shard_status { shard: shard(), subject: bob.clone() },
        Call::unshield_funds { shard: shard(), beneficiary: bob.clone(), amount: 1, call_hash: hash },
        Call::publish_hash { hash, extra_topics: vec![], data: vec![] },
        Call::execute_for_shard { shard: shard(), call_hash: hash, until: 1, call: vec![] },
    ];
    for call in refused.map(RuntimeCall::EnclaveBridge).into_iter().chain([chain_call()]) {
        assert!(!ProxyType::EnclaveBridge.filter(&call), "{call:?}");
        assert!(ProxyType::Any.filter(&call));
    }
    chain_with_block_time(1_000).execute_with(|| {
        bring_to_life();
        assert!(!ProxyType::EnclaveBridge.filter(&confirmation()));
        let alice = Sr25519Keyring::Alice.to_account_id();
        let add = pallet_proxy::Call::add_proxy {
            delegate: bob.clone().into(),
            proxy_type: ProxyType::EnclaveBridge,
            delay: 0,
        };
        assert_eq!(alice_sends(RuntimeCall::Proxy(add)), DONE);
        let through_proxy = |call: RuntimeCall| {
            let call = Box::new(call);
            let call = pallet_proxy::Call::proxy { real: alice.clone().into(), force_proxy_type: None, call };
            assert_ok!(RuntimeCall::Proxy(call).dispatch(RuntimeOrigin::signed(bob.clone())));
            System::read_events_for_pallet::<pallet_proxy::Event<Runtime>>().pop()
        };
        let executed = |result| Some(pallet_proxy::Event::ProxyExecuted { result });
        assert_eq!(through_proxy(invocation(RSA_LEN)), executed(Ok(())));
        assert_eq!(through_proxy(shielding(EXISTENTIAL_DEPOSIT)), executed(Ok(())));
        let filtered = DispatchError::from(frame_system::Error::<Runtime>::CallFiltered);
        let configuration = RuntimeCall::EnclaveBridge(configuration());
        assert_eq!(through_proxy(configuration), executed(Err(filtered)));
    });
}

#[test]
fn h21_the_real_chain_lets_a_registration_count_for_48_hours() {
    chain_with_block_time(1_000).execute_with(|| {
        bring_to_life();
        let enclave = RuntimeOrigin::signed(AccountId::from(Ed25519Keyring::Ferdie.public()));
        pallet_timestamp::Now::<Runtime>::mutate(|now| *now += 48 * 3_600 * 1_000);
        assert_ok!(confirmation().dispatch(enclave.clone()));
        pallet_timestamp::Now::<Runtime>::mutate(|now| *now += 1);
        let too_old = pallet_teerex::Error::<Runtime>::RegistrationIsTooOld;
        assert_err!(plain(confirmation().dispatch(enclave)), too_old);
    });
}

/// What a call says, without what it is charged.
fn plain(
    result: sp_runtime::DispatchResultWithInfo<frame_support::dispatch::PostDispatchInfo>,
) -> DispatchResult {
    result.map(drop).map_err(|refused| refused.error)
}

fn shard() -> ShardIdentifier {
    MEASUREMENT.into()
}

fn shielding(amount: u128) -> RuntimeCall {
    let incognito_account_encrypted = vec![7; RSA_LEN];
    RuntimeCall::EnclaveBridge(Call::shield_funds { shard: shard(), incognito_account_encrypted, amount })
}

/// A call of another pallet.
fn chain_call() -> RuntimeCall {
    RuntimeCall::System(frame_system::Call::remark { remark: vec![] })
}

/// C26: what a shard's account may do on this chain: nothing that dispatches, nothing with rights, nothing that takes
/// the account away.
#[test]
fn c26_a_shard_transfers_and_remarks_and_does_nothing_else() {
    chain_with_block_time(1_000).execute_with(|| {
        bring_to_life();
        let enclave = AccountId::from(Ed25519Keyring::Ferdie.public());
        let bob = Sr25519Keyring::Bob.to_account_id();
        let account = EnclaveBridge::shard_account(shard());
        assert_ok!(Balances::force_set_balance(RuntimeOrigin::root(), account.clone().into(), 10 * UNIT));
        let execute = |hash: u8, call: RuntimeCall| {
            let call_hash = H256::repeat_byte(hash);
            let until = System::block_number();
            let call = Call::execute_for_shard { shard: shard(), call_hash, until, call: call.encode() };
            assert_ok!(plain(
                RuntimeCall::EnclaveBridge(call).dispatch(RuntimeOrigin::signed(enclave.clone()))
            ));
            let result = System::events().into_iter().rev().find_map(|record| match record.event {
                RuntimeEvent::EnclaveBridge(Event::ExecutedForShard { call_hash: of, result, .. }) => {
                    (of == call_hash).then_some(result)
                }
                _ => None,
            });
            result.expect("it is told")
        };
        let transfer = |value| pallet_balances::Call::transfer_keep_alive { dest: bob.clone().into(), value };
        let before = Balances::free_balance(&bob);
        assert_eq!(execute(1, transfer(UNIT).into()), Ok(()));
        assert_eq!(execute(2, frame_system::Call::remark_with_event { remark: vec![1] }.into()), Ok(()));
        let publish = Call::publish_hash { hash: H256::zero(), extra_topics: vec![], data: vec![] };
        assert_eq!(execute(3, publish.into()), Ok(()));
        assert_eq!(execute(4, transfer(9 * UNIT).into()), Err(TokenError::NotExpendable.into()));
        let remark = || RuntimeCall::System(frame_system::Call::remark { remark: vec![] });
        let (real, call) = (account.clone().into(), Box::new(remark()));
        let others: [RuntimeCall; 9] = [
            pallet_balances::Call::transfer_allow_death { dest: bob.clone().into(), value: UNIT }.into(),
            pallet_balances::Call::transfer_all { dest: bob.clone().into(), keep_alive: false }.into(),
            frame_system::Call::set_code { code: vec![1] }.into(),
            pallet_sudo::Call::sudo { call: Box::new(remark()) }.into(),
            pallet_utility::Call::batch { calls: vec![remark()] }.into(),
            pallet_proxy::Call::proxy { real, force_proxy_type: None, call }.into(),
            pallet_proxy::Call::add_proxy {
                delegate: bob.clone().into(),
                proxy_type: ProxyType::Any,
                delay: 0,
            }
            .into(),
            pallet_teerex::Call::unregister_sovereign_enclave { enclave_signer: enclave.clone() }.into(),
            invocation(RSA_LEN),
        ];
        for (hash, call) in (10..).zip(others) {
            assert_eq!(execute(hash, call), Err(Error::<Runtime>::CallNotForShards.into()));
        }
        assert_eq!(Balances::free_balance(&bob), before + UNIT);
        assert_eq!(Balances::free_balance(&account), 9 * UNIT);
    });
}

/// C26: a block that strangers filled with events delays a call, and does not make it one that failed.
#[test]
fn c26_a_block_full_of_events_does_not_use_a_calls_hash_up() {
    chain_with_block_time(1_000).execute_with(|| {
        bring_to_life();
        let enclave = AccountId::from(Ed25519Keyring::Ferdie.public());
        let remark = RuntimeCall::System(frame_system::Call::remark_with_event { remark: vec![1] });
        let execute = || {
            let call_hash = H256::repeat_byte(1);
            let until = System::block_number();
            let call = remark.encode();
            let call = Call::execute_for_shard { shard: shard(), call_hash, until, call };
            plain(RuntimeCall::EnclaveBridge(call).dispatch(RuntimeOrigin::signed(enclave.clone())))
        };
        while System::event_count() < crate::limits::MAX_USER_EVENTS {
            System::deposit_event(frame_system::Event::<Runtime>::CodeUpdated { hash: H256::zero() });
        }
        assert_err!(execute(), frame_system::Error::<Runtime>::CallFiltered);
        System::reset_events();
        assert_ok!(execute());
    });
}
