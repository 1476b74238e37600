// SPDX-License-Identifier: Apache-2.0
//! Every rule of the bridge, and what must be refused.

use crate::{Error, Event, ExecutedUnshieldCalls, ShardConfigRegistry, ShardStatus, limits, mock::*};
use codec::Encode;
use frame_support::{assert_noop, assert_ok};
use frame_system::RawOrigin;
use offstage_primitives::{
    AccountId32, H256, ShardIdentifier,
    enclave_bridge::{Request, ShardConfig},
    shielding::MAX_CYPHERTEXT_LEN,
};
use sp_runtime::{DispatchResult, TokenError, traits::BadOrigin};

const FINGERPRINT: H256 = H256::repeat_byte(0x11);
const NEXT_FINGERPRINT: H256 = H256::repeat_byte(0x22);

fn shard() -> ShardIdentifier {
    FINGERPRINT.into()
}

fn enclave(number: u8) -> AccountId32 {
    AccountId32::new([number; 32])
}

fn signed(who: AccountId32) -> RuntimeOrigin {
    RuntimeOrigin::signed(who)
}

fn config(fingerprint: H256) -> ShardConfig {
    ShardConfig {
        enclave_fingerprint: fingerprint,
        max_instances: None,
        authorities: Some(vec![alice()]),
        maintenance_mode: false,
    }
}

/// Root configures the shard at once.
fn configure(config: ShardConfig) {
    assert_ok!(EnclaveBridge::update_shard_config(RawOrigin::Root.into(), shard(), config, 0));
}

fn confirm(who: AccountId32) -> DispatchResult {
    EnclaveBridge::confirm_processed_parentchain_block(
        signed(who),
        shard(),
        hash_of(9),
        9,
        H256::repeat_byte(1),
    )
}

fn invoke(len: usize) -> DispatchResult {
    EnclaveBridge::invoke(signed(alice()), Request { shard: shard(), cyphertext: vec![1; len] })
}

fn shield(amount: u128) -> DispatchResult {
    EnclaveBridge::shield_funds(signed(alice()), shard(), vec![1; 384], amount)
}

fn unshield(who: AccountId32, amount: u128, call_hash: H256) -> DispatchResult {
    EnclaveBridge::unshield_funds(signed(who), shard(), bob(), amount, call_hash)
}

#[test]
fn an_invocation_is_told_and_bounded() {
    chain().execute_with(|| {
        assert_ok!(invoke(MAX_CYPHERTEXT_LEN));
        System::assert_last_event(Event::IndirectInvocationRegistered(shard()).into());
        assert_noop!(invoke(MAX_CYPHERTEXT_LEN + 1), Error::<Test>::CyphertextTooLong);
    });
}

#[test]
fn shielded_funds_lie_on_the_shard_account() {
    chain().execute_with(|| {
        assert_ok!(shield(500));
        assert_eq!(Balances::free_balance(AccountId32::new(FINGERPRINT.0)), 500);
        assert_eq!(Balances::free_balance(alice()), FUNDS - 500);
        System::assert_last_event(
            Event::ShieldFunds { shard: shard(), encrypted_beneficiary: vec![1; 384], amount: 500 }.into(),
        );
        assert_noop!(shield(FUNDS), TokenError::FundsUnavailable);
        let long = vec![0; limits::ENCRYPTED_ACCOUNT_LEN + 1];
        assert_noop!(
            EnclaveBridge::shield_funds(signed(alice()), shard(), long, 1),
            Error::<Test>::CyphertextTooLong
        );
    });
}

#[test]
fn p04_a_payment_is_made_once_for_each_call_hash() {
    chain().execute_with(|| {
        let (first, second) = (H256::repeat_byte(1), H256::repeat_byte(2));
        register(&enclave(1), FINGERPRINT);
        register(&enclave(2), FINGERPRINT);
        assert_ok!(shield(1000));
        assert_ok!(unshield(enclave(1), 300, first));
        System::assert_last_event(
            Event::UnshieldedFunds { shard: shard(), beneficiary: bob(), amount: 300 }.into(),
        );
        // The other worker of the shard asks for the same payment.
        assert_noop!(unshield(enclave(2), 300, first), Error::<Test>::UnshieldAlreadyExecuted);
        assert_noop!(unshield(enclave(1), 300, first), Error::<Test>::UnshieldAlreadyExecuted);
        assert_eq!(Balances::free_balance(bob()), 300);
        assert_eq!(Balances::free_balance(EnclaveBridge::shard_account(shard())), 700);
        // An equal payment with another hash is another payment.
        assert_ok!(unshield(enclave(2), 300, second));
        assert_eq!(Balances::free_balance(bob()), 600);
        assert_eq!(ExecutedUnshieldCalls::<Test>::get(EnclaveBridge::unshield_key(shard(), first)), 10);
    });
}

#[test]
fn p04_a_payment_that_fails_can_be_asked_again() {
    chain().execute_with(|| {
        let call_hash = H256::repeat_byte(1);
        register(&enclave(1), FINGERPRINT);
        assert_noop!(unshield(enclave(1), 300, call_hash), TokenError::FundsUnavailable);
        assert_ok!(shield(300));
        assert_ok!(unshield(enclave(1), 300, call_hash));
        assert_eq!(Balances::free_balance(bob()), 300);
    });
}

#[test]
fn p04_another_shard_cannot_use_up_a_call_hash() {
    chain().execute_with(|| {
        let call_hash = H256::repeat_byte(1);
        register(&enclave(1), FINGERPRINT);
        register(&enclave(6), NEXT_FINGERPRINT);
        assert_ok!(shield(300));
        let stranger = NEXT_FINGERPRINT.into();
        assert_ok!(EnclaveBridge::shield_funds(signed(alice()), stranger, vec![], 50));
        assert_ok!(EnclaveBridge::unshield_funds(signed(enclave(6)), stranger, bob(), 50, call_hash));
        assert_ok!(unshield(enclave(1), 300, call_hash));
        assert_eq!(Balances::free_balance(bob()), 350);
    });
}

#[test]
fn p05_only_enclaves_of_the_shard_speak_for_it() {
    chain().execute_with(|| {
        assert_ok!(shield(1000));
        register(&enclave(6), NEXT_FINGERPRINT);
        let unregistered = pallet_teerex::Error::<Test>::EnclaveIsNotRegistered;
        assert_noop!(confirm(alice()), unregistered);
        assert_noop!(
            unshield(alice(), 1, H256::zero()),
            pallet_teerex::Error::<Test>::EnclaveIsNotRegistered
        );
        assert_noop!(confirm(enclave(6)), Error::<Test>::WrongFingerprintForShard);
        assert_noop!(unshield(enclave(6), 1, H256::zero()), Error::<Test>::WrongFingerprintForShard);
        assert!(ShardStatus::<Test>::get(shard()).is_none());
    });
}

#[test]
fn a_confirmation_is_told_and_noted() {
    chain().execute_with(|| {
        register(&enclave(1), FINGERPRINT);
        assert_ok!(confirm(enclave(1)));
        System::assert_last_event(
            Event::ProcessedParentchainBlock {
                shard: shard(),
                block_hash: hash_of(9),
                trusted_calls_merkle_root: H256::repeat_byte(1),
                block_number: 9,
            }
            .into(),
        );
        System::set_block_number(12);
        assert_ok!(confirm(enclave(1)));
        let status = ShardStatus::<Test>::get(shard()).unwrap();
        assert_eq!(status.len(), 1);
        assert_eq!((status[0].last_activity, status[0].fingerprint), (12, FINGERPRINT));
    });
}

#[test]
fn p05_a_block_that_never_was_is_not_confirmed() {
    chain().execute_with(|| {
        register(&enclave(1), FINGERPRINT);
        let confirm = |hash, number| {
            EnclaveBridge::confirm_processed_parentchain_block(
                signed(enclave(1)),
                shard(),
                hash,
                number,
                H256::zero(),
            )
        };
        assert_noop!(confirm(hash_of(8), 9), Error::<Test>::BlockIsNotOfThisChain);
        assert_noop!(confirm(hash_of(10), 10), Error::<Test>::BlockIsNotOfThisChain);
        assert_noop!(confirm(hash_of(11), 11), Error::<Test>::BlockIsNotOfThisChain);
        // The chain has forgotten this one.
        frame_system::BlockHash::<Test>::remove(2);
        assert_ok!(confirm(H256::repeat_byte(9), 2));
    });
}

#[test]
fn instances_are_limited_and_dead_ones_make_room() {
    chain().execute_with(|| {
        let last = limits::INSTANCES as u8;
        for number in 1..=last + 1 {
            register(&enclave(number), FINGERPRINT);
        }
        for number in 1..=last {
            assert_ok!(confirm(enclave(number)));
        }
        assert_noop!(confirm(enclave(last + 1)), Error::<Test>::TooManyEnclaves);
        assert_noop!(unshield(enclave(last + 1), 0, H256::zero()), Error::<Test>::TooManyEnclaves);
        // Those inside go on.
        assert_ok!(confirm(enclave(1)));
        pallet_teerex::SovereignEnclaves::<Test>::remove(enclave(3));
        assert_ok!(confirm(enclave(last + 1)));
        let status = ShardStatus::<Test>::get(shard()).unwrap();
        assert!(status.len() == 10 && status.iter().all(|known| known.signer != enclave(3)));
    });
}

#[test]
fn the_configured_number_of_instances_counts() {
    chain().execute_with(|| {
        configure(ShardConfig { max_instances: Some(1), ..config(FINGERPRINT) });
        register(&enclave(1), FINGERPRINT);
        register(&enclave(2), FINGERPRINT);
        assert_ok!(confirm(enclave(1)));
        assert_noop!(confirm(enclave(2)), Error::<Test>::TooManyEnclaves);
        // After an upgrade of the code the former enclave makes room for the new one.
        configure(ShardConfig { max_instances: Some(1), ..config(NEXT_FINGERPRINT) });
        register(&enclave(2), NEXT_FINGERPRINT);
        assert_ok!(confirm(enclave(2)));
        assert_noop!(confirm(enclave(1)), Error::<Test>::WrongFingerprintForShard);
        configure(ShardConfig { max_instances: Some(0), ..config(NEXT_FINGERPRINT) });
        register(&enclave(3), NEXT_FINGERPRINT);
        assert_noop!(confirm(enclave(3)), Error::<Test>::TooManyEnclaves);
    });
}

#[test]
fn an_upgrade_counts_from_its_block_on() {
    chain().execute_with(|| {
        configure(config(FINGERPRINT));
        register(&enclave(1), FINGERPRINT);
        register(&enclave(2), NEXT_FINGERPRINT);
        assert_ok!(EnclaveBridge::update_shard_config(signed(alice()), shard(), config(NEXT_FINGERPRINT), 5));
        System::assert_last_event(Event::ShardConfigUpdated(shard()).into());
        System::set_block_number(14);
        assert_ok!(confirm(enclave(1)));
        assert_noop!(confirm(enclave(2)), Error::<Test>::WrongFingerprintForShard);
        System::set_block_number(15);
        assert_noop!(confirm(enclave(1)), Error::<Test>::WrongFingerprintForShard);
        assert_ok!(confirm(enclave(2)));
        // A later update starts from what is in force now.
        assert_ok!(EnclaveBridge::update_shard_config(signed(alice()), shard(), config(FINGERPRINT), 5));
        let stored = ShardConfigRegistry::<Test>::get(shard()).unwrap();
        assert_eq!(stored.active_config.enclave_fingerprint, NEXT_FINGERPRINT);
        assert_eq!(
            (stored.pending_upgrade.unwrap().enclave_fingerprint, stored.upgrade_at),
            (FINGERPRINT, Some(20))
        );
    });
}

#[test]
fn authorities_and_root_configure() {
    chain().execute_with(|| {
        configure(config(FINGERPRINT));
        register(&enclave(1), FINGERPRINT);
        let update = |who, config| EnclaveBridge::update_shard_config(signed(who), shard(), config, 0);
        assert_noop!(update(bob(), config(NEXT_FINGERPRINT)), Error::<Test>::NotAnAuthorityOfShard);
        assert_noop!(update(enclave(1), config(NEXT_FINGERPRINT)), Error::<Test>::NotAnAuthorityOfShard);
        for authorities in [vec![], vec![alice(); limits::AUTHORITIES + 1]] {
            let bad = ShardConfig { authorities: Some(authorities), ..config(FINGERPRINT) };
            assert_noop!(update(alice(), bad), Error::<Test>::InvalidAuthorities);
        }
        // Alice hands over to Bob; then only he may.
        assert_ok!(update(alice(), ShardConfig { authorities: Some(vec![bob()]), ..config(FINGERPRINT) }));
        assert_noop!(update(alice(), config(FINGERPRINT)), Error::<Test>::NotAnAuthorityOfShard);
        assert_ok!(update(bob(), config(FINGERPRINT)));
    });
}

#[test]
fn a_shard_without_authorities_is_configured_by_its_own_code() {
    chain().execute_with(|| {
        register(&enclave(1), FINGERPRINT);
        register(&enclave(6), NEXT_FINGERPRINT);
        let update = |who, config| EnclaveBridge::update_shard_config(signed(who), shard(), config, 0);
        assert_noop!(
            update(alice(), config(NEXT_FINGERPRINT)),
            pallet_teerex::Error::<Test>::EnclaveIsNotRegistered
        );
        assert_noop!(update(enclave(6), config(NEXT_FINGERPRINT)), Error::<Test>::WrongFingerprintForShard);
        let successor = ShardConfig { authorities: None, ..config(NEXT_FINGERPRINT) };
        assert_ok!(update(enclave(1), successor));
        assert_noop!(update(enclave(1), config(FINGERPRINT)), Error::<Test>::WrongFingerprintForShard);
        assert_ok!(update(enclave(6), config(FINGERPRINT)));
    });
}

#[test]
fn the_first_configuration_can_be_delayed_too() {
    chain().execute_with(|| {
        register(&enclave(1), FINGERPRINT);
        assert_ok!(EnclaveBridge::update_shard_config(
            RawOrigin::Root.into(),
            shard(),
            config(NEXT_FINGERPRINT),
            5
        ));
        assert_ok!(confirm(enclave(1)));
        System::set_block_number(15);
        assert_noop!(confirm(enclave(1)), Error::<Test>::WrongFingerprintForShard);
    });
}

#[test]
fn in_maintenance_nothing_goes_in_and_funds_still_go_out() {
    chain().execute_with(|| {
        register(&enclave(1), FINGERPRINT);
        assert_ok!(shield(1000));
        configure(ShardConfig { maintenance_mode: true, ..config(FINGERPRINT) });
        assert_noop!(invoke(384), Error::<Test>::ShardIsInMaintenance);
        assert_noop!(shield(1), Error::<Test>::ShardIsInMaintenance);
        assert_ok!(confirm(enclave(1)));
        assert_ok!(unshield(enclave(1), 300, H256::repeat_byte(1)));
        configure(config(FINGERPRINT));
        assert_ok!(invoke(384));
    });
}

#[test]
fn a_hash_is_published_under_the_measurement() {
    chain().execute_with(|| {
        register(&enclave(6), NEXT_FINGERPRINT);
        let publish = |who, topics, data| {
            EnclaveBridge::publish_hash(
                signed(who),
                H256::repeat_byte(1),
                vec![H256::repeat_byte(7); topics],
                vec![5; data],
            )
        };
        assert_noop!(publish(alice(), 0, 0), pallet_teerex::Error::<Test>::EnclaveIsNotRegistered);
        assert_noop!(publish(enclave(6), limits::TOPICS + 1, 0), Error::<Test>::TooManyTopics);
        assert_noop!(publish(enclave(6), 0, limits::PUBLISHED_DATA_LEN + 1), Error::<Test>::DataTooLong);
        assert_ok!(publish(enclave(6), limits::TOPICS, limits::PUBLISHED_DATA_LEN));
        let record = System::events().pop().unwrap();
        assert_eq!(record.topics, vec![H256::repeat_byte(7), NEXT_FINGERPRINT]);
        assert_eq!(
            record.event,
            Event::PublishedHash {
                enclave_fingerprint: NEXT_FINGERPRINT,
                hash: H256::repeat_byte(1),
                data: vec![5; limits::PUBLISHED_DATA_LEN]
            }
            .into()
        );
    });
}

#[test]
fn root_purges_an_enclave_from_the_status() {
    chain().execute_with(|| {
        let purge = |origin: RuntimeOrigin, subject| {
            EnclaveBridge::purge_enclave_from_shard_status(origin, shard(), subject)
        };
        let root = || RuntimeOrigin::from(RawOrigin::Root);
        assert_noop!(purge(signed(alice()), enclave(1)), BadOrigin);
        assert_noop!(purge(root(), enclave(1)), Error::<Test>::ShardNotFound);
        register(&enclave(1), FINGERPRINT);
        assert_ok!(confirm(enclave(1)));
        assert_noop!(purge(root(), enclave(2)), Error::<Test>::EnclaveNotFoundInShardStatus);
        assert_ok!(purge(root(), enclave(1)));
        assert!(ShardStatus::<Test>::get(shard()).unwrap().is_empty());
        System::assert_last_event(
            Event::PurgedEnclaveFromShardConfig { shard: shard(), subject: enclave(1) }.into(),
        );
    });
}

#[test]
fn the_calls_have_the_indices_and_arguments_of_the_wire() {
    type Call = crate::Call<Test>;
    let (a, b, c) = ([1; 32], [2; 32], [3; 32]);
    let invoke = Call::invoke { request: Request { shard: a.into(), cyphertext: vec![9] } };
    assert_eq!(invoke.encode(), [&[0][..], &a, &[4, 9]].concat());
    let confirm = Call::confirm_processed_parentchain_block {
        shard: a.into(),
        block_hash: H256(b),
        block_number: 5,
        trusted_calls_merkle_root: H256(c),
    };
    assert_eq!(confirm.encode(), [&[1][..], &a, &b, &[5, 0, 0, 0], &c].concat());
    let amount = 6u128.to_le_bytes();
    let shield = Call::shield_funds { shard: a.into(), incognito_account_encrypted: vec![9], amount: 6 };
    assert_eq!(shield.encode(), [&[2][..], &a, &[4, 9], &amount].concat());
    let unshield = Call::unshield_funds {
        shard: a.into(),
        beneficiary: AccountId32::new(b),
        amount: 6,
        call_hash: H256(c),
    };
    assert_eq!(unshield.encode(), [&[3][..], &a, &b, &amount, &c].concat());
    let publish = Call::publish_hash { hash: H256(a), extra_topics: vec![H256(b)], data: vec![9] };
    assert_eq!(publish.encode(), [&[4][..], &a, &[4], &b, &[4, 9]].concat());
    let shard_config = ShardConfig {
        enclave_fingerprint: H256(b),
        max_instances: Some(2),
        authorities: Some(vec![AccountId32::new(c)]),
        maintenance_mode: true,
    };
    let update = Call::update_shard_config { shard: a.into(), shard_config, enactment_delay: 7 };
    assert_eq!(
        update.encode(),
        [&[5][..], &a, &b, &[1, 2, 0, 0, 0], &[1, 4], &c, &[1], &[7, 0, 0, 0]].concat()
    );
    let purge = Call::purge_enclave_from_shard_status { shard: a.into(), subject: AccountId32::new(b) };
    assert_eq!(purge.encode(), [&[6][..], &a, &b].concat());
}
