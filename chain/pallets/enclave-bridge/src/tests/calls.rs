// SPDX-License-Identifier: Apache-2.0
//! Calls in a shard's name.

use super::*;
use codec::Decode;

fn execute(who: u8, hash: u8, until: u32, call: RuntimeCall) -> DispatchResultWithPostInfo {
    let call_hash = H256::repeat_byte(hash);
    EnclaveBridge::execute_for_shard(signed(enclave(who)), shard(), call_hash, until, call.encode())
}

fn remark() -> RuntimeCall {
    frame_system::Call::remark_with_event { remark: vec![1, 2, 3] }.into()
}

fn transfer(value: u128) -> RuntimeCall {
    pallet_balances::Call::transfer_keep_alive { dest: bob(), value }.into()
}

fn told(hash: u8, result: DispatchResult) {
    let call_hash = H256::repeat_byte(hash);
    System::assert_last_event(Event::ExecutedForShard { shard: shard(), call_hash, result }.into());
}

/// A shard that lives, with two enclaves and so much on its account.
fn with_funds(amount: u128) -> sp_io::TestExternalities {
    let mut chain = living_shard();
    chain.execute_with(|| {
        register(&enclave(8), MEASUREMENT);
        assert_ok!(plain(EnclaveBridge::shield_funds(signed(alice()), shard(), vec![1; 384], amount)));
    });
    chain
}

#[test]
fn a_call_is_done_with_the_shards_account_and_told() {
    with_funds(500).execute_with(|| {
        assert_ok!(execute(9, 1, 10, transfer(100)));
        told(1, Ok(()));
        assert_eq!(Balances::free_balance(bob()), 100);
        assert_eq!(Balances::free_balance(EnclaveBridge::shard_account(shard())), 400);
        assert_ok!(execute(9, 2, 10, remark()));
        let sender = EnclaveBridge::shard_account(shard());
        let remarked =
            frame_system::Event::Remarked { sender, hash: H256(sp_io::hashing::blake2_256(&[1, 2, 3])) };
        assert!(System::events().iter().any(|record| record.event == remarked.clone().into()));
    });
}

/// C26: two workers of a shard send the same call, and somebody sends it once more.
#[test]
fn c26_a_call_hash_counts_once_for_payments_and_calls() {
    with_funds(500).execute_with(|| {
        assert_ok!(execute(9, 1, 10, transfer(100)));
        for who in [8, 9] {
            assert_noop!(plain(execute(who, 1, 10, transfer(100))), Error::<Test>::CallAlreadyExecuted);
            let hash = H256::repeat_byte(1);
            assert_noop!(unshield(enclave(who), 50, hash), Error::<Test>::UnshieldAlreadyExecuted);
        }
        assert_ok!(unshield(enclave(9), 50, H256::repeat_byte(2)));
        assert_noop!(plain(execute(9, 2, 10, transfer(100))), Error::<Test>::CallAlreadyExecuted);
        assert_eq!(Balances::free_balance(bob()), 150);
    });
}

/// C26: what failed is not tried again: its event said so, and the shard has undone what it did for it.
#[test]
fn c26_a_call_that_fails_counts_and_changes_nothing_else() {
    with_funds(500).execute_with(|| {
        assert_ok!(execute(9, 1, 10, transfer(501)));
        told(1, Err(TokenError::FundsUnavailable.into()));
        // The account keeps its deposit.
        assert_ok!(execute(9, 2, 10, transfer(500)));
        told(2, Err(TokenError::NotExpendable.into()));
        assert_ok!(Balances::force_set_balance(
            RawOrigin::Root.into(),
            EnclaveBridge::shard_account(shard()),
            FUNDS
        ));
        assert_noop!(plain(execute(9, 1, 10, transfer(501))), Error::<Test>::CallAlreadyExecuted);
        assert_eq!(Balances::free_balance(bob()), 0);
    });
}

/// C26: an argument that is longer than its type allows, which no metadata tells, must not make an extrinsic that no
/// node takes: everything behind it would wait.
#[test]
fn c26_a_call_that_cannot_be_read_is_told_and_does_not_hold_others_up() {
    with_funds(500).execute_with(|| {
        let mut trailing = transfer(100).encode();
        trailing.push(0);
        let unreadable = [
            Vec::new(),
            vec![255, 255],
            vec![0; limits::CALL_LEN + 1],
            trailing,
            transfer(1).encode()[..20].to_vec(),
        ];
        for (hash, call) in (1..).zip(unreadable) {
            let call_hash = H256::repeat_byte(hash);
            let extrinsic = crate::Call::execute_for_shard { shard: shard(), call_hash, until: 10, call };
            let bytes = RuntimeCall::from(extrinsic).encode();
            let read = RuntimeCall::decode(&mut &bytes[..]).unwrap();
            assert_ok!(read.dispatch_bypass_filter(signed(enclave(9))));
            told(hash, Err(Error::<Test>::CallNotReadable.into()));
        }
        assert_eq!(Balances::free_balance(bob()), 0);
    });
}

/// C26: whatever the runtime's list says, no call leads back into the bridge.
#[test]
fn c26_a_call_that_is_not_for_shards_is_told_and_not_done() {
    with_funds(500).execute_with(|| {
        let nested = pallet_enclave_bridge_call();
        let confirm = crate::Call::confirm_processed_parentchain_block {
            shard: shard(),
            block_hash: hash_of(9),
            block_number: 9,
            trusted_calls_merkle_root: H256::zero(),
        };
        let config = crate::Call::update_shard_config {
            shard: shard(),
            shard_config: config(NEXT_MEASUREMENT),
            enactment_delay: 0,
        };
        let others: [RuntimeCall; 5] = [
            nested,
            confirm.into(),
            config.into(),
            frame_system::Call::set_code { code: vec![1] }.into(),
            pallet_balances::Call::transfer_allow_death { dest: bob(), value: 100 }.into(),
        ];
        for (hash, call) in (1..).zip(others) {
            assert_ok!(execute(9, hash, 10, call));
            told(hash, Err(Error::<Test>::CallNotForShards.into()));
        }
        assert_eq!(Balances::free_balance(bob()), 0);
        assert!(!ExecutedUnshieldCalls::<Test>::contains_key(EnclaveBridge::unshield_key(
            shard(),
            H256::repeat_byte(0x77)
        )));
    });
}

fn pallet_enclave_bridge_call() -> RuntimeCall {
    let call_hash = H256::repeat_byte(0x77);
    crate::Call::execute_for_shard { shard: shard(), call_hash, until: 10, call: remark().encode() }.into()
}

#[test]
fn the_enclave_itself_publishes_a_hash_once() {
    with_funds(500).execute_with(|| {
        let publish = || crate::Call::publish_hash {
            hash: H256::repeat_byte(5),
            extra_topics: Vec::new(),
            data: vec![7],
        };
        assert_ok!(execute(9, 1, 10, publish().into()));
        told(1, Ok(()));
        let published = Event::<Test>::PublishedHash {
            enclave_fingerprint: MEASUREMENT,
            hash: H256::repeat_byte(5),
            data: vec![7],
        };
        assert!(System::events().iter().any(|record| record.event == published.clone().into()));
        assert_noop!(plain(execute(8, 1, 10, publish().into())), Error::<Test>::CallAlreadyExecuted);
    });
}

/// C26: from the block after the last one on, a shard may take back what it did for the call.
#[test]
fn c26_a_call_is_not_done_after_its_last_block() {
    with_funds(500).execute_with(|| {
        System::set_block_number(10);
        assert_noop!(plain(execute(9, 1, 9, transfer(100))), Error::<Test>::CallExpired);
        assert_ok!(execute(9, 1, 10, transfer(100)));
    });
}

#[test]
fn only_an_enclave_of_the_shard_acts_in_its_name() {
    with_funds(500).execute_with(|| {
        let registry = pallet_teerex::Error::<Test>::EnclaveIsNotRegistered;
        assert_noop!(plain(execute(7, 1, 10, transfer(100))), registry);
        register(&enclave(7), NEXT_MEASUREMENT);
        assert_noop!(plain(execute(7, 1, 10, transfer(100))), Error::<Test>::WrongFingerprintForShard);
        let other = ShardIdentifier::from(NEXT_MEASUREMENT);
        let call = transfer(100).encode();
        assert_noop!(
            plain(EnclaveBridge::execute_for_shard(signed(enclave(7)), other, H256::zero(), 10, call)),
            Error::<Test>::ShardNotFound
        );
    });
}

#[test]
fn a_call_weighs_what_it_does_beside_the_guard() {
    with_funds(500).execute_with(|| {
        let call: RuntimeCall = pallet_enclave_bridge_call();
        let own = <MeasuredWeight<Test> as WeightInfo>::execute_for_shard();
        let inner = remark().get_dispatch_info().call_weight;
        assert_eq!(call.get_dispatch_info().call_weight, own + inner);
        let refused = crate::Call::execute_for_shard {
            shard: shard(),
            call_hash: H256::zero(),
            until: 10,
            call: RuntimeCall::from(frame_system::Call::set_code { code: vec![1] }).encode(),
        };
        let done = RuntimeCall::from(refused).dispatch_bypass_filter(signed(enclave(9))).unwrap();
        assert_eq!(done.actual_weight, Some(own));
    });
}
