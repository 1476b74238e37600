// SPDX-License-Identifier: Apache-2.0
//! Every rule of the bridge, and what must be refused.

use crate::{
    Error, Event, ExecutedUnshieldCalls, ShardConfigRegistry, ShardStatus, WeightInfo, limits, mock::*,
    weights::MeasuredWeight,
};
use codec::Encode;
use frame_support::{
    assert_noop, assert_ok,
    dispatch::{DispatchResultWithPostInfo, GetDispatchInfo},
    traits::UnfilteredDispatchable,
};
use frame_system::RawOrigin;
use offstage_primitives::{
    AccountId32, H256, Measurement, ShardIdentifier,
    enclave_bridge::{MIN_NOTICE_BLOCKS, Request, SLOT_SILENCE_BLOCKS, ShardConfig},
    shielding::{MAX_CYPHERTEXT_LEN, RSA_LEN},
    teerex::RENEWAL_PERIOD_MS,
};
use sp_runtime::{DispatchResult, TokenError, traits::BadOrigin};

mod calls;

const MEASUREMENT: Measurement = Measurement([0x11; 32]);
const NEXT_MEASUREMENT: Measurement = Measurement([0x22; 32]);

fn shard() -> ShardIdentifier {
    MEASUREMENT.into()
}

fn enclave(number: u8) -> AccountId32 {
    AccountId32::new([number; 32])
}

fn signed(who: AccountId32) -> RuntimeOrigin {
    RuntimeOrigin::signed(who)
}

fn config(measurement: Measurement) -> ShardConfig {
    ShardConfig {
        enclave_fingerprint: measurement,
        max_instances: None,
        authorities: Some(vec![alice()]),
        maintenance_mode: false,
    }
}

/// Root configures the shard at once.
fn configure(config: ShardConfig) {
    announce(config, 0);
}

/// Root configures the shard with a delay.
fn announce(config: ShardConfig, delay: u32) {
    assert_ok!(EnclaveBridge::update_shard_config(RawOrigin::Root.into(), shard(), config, delay));
}

fn confirm(who: AccountId32) -> DispatchResult {
    confirm_for(shard(), who)
}

fn confirm_for(shard: ShardIdentifier, who: AccountId32) -> DispatchResult {
    EnclaveBridge::confirm_processed_parentchain_block(
        signed(who),
        shard,
        hash_of(9),
        9,
        H256::repeat_byte(1),
    )
}

/// A fresh chain on which the shard lives: enclave 9 confirmed a block.
fn living_shard() -> sp_io::TestExternalities {
    let mut chain = chain();
    chain.execute_with(|| {
        register(&enclave(9), MEASUREMENT);
        assert_ok!(confirm(enclave(9)));
    });
    chain
}

/// What a call says, without what it is charged.
fn plain(result: DispatchResultWithPostInfo) -> DispatchResult {
    result.map(drop).map_err(|refused| refused.error)
}

fn invoke(len: usize) -> DispatchResult {
    plain(EnclaveBridge::invoke(signed(alice()), Request { shard: shard(), cyphertext: vec![1; len] }))
}

fn shield(amount: u128) -> DispatchResult {
    plain(EnclaveBridge::shield_funds(signed(alice()), shard(), vec![1; RSA_LEN], amount))
}

fn unshield(who: AccountId32, amount: u128, call_hash: H256) -> DispatchResult {
    EnclaveBridge::unshield_funds(signed(who), shard(), bob(), amount, call_hash)
}

#[test]
fn an_invocation_is_told_and_bounded() {
    living_shard().execute_with(|| {
        assert_ok!(invoke(MAX_CYPHERTEXT_LEN));
        System::assert_last_event(Event::IndirectInvocationRegistered(shard()).into());
        assert_noop!(invoke(MAX_CYPHERTEXT_LEN + 1), Error::<Test>::CyphertextTooLong);
    });
}

#[test]
fn shielded_funds_lie_on_the_shard_account() {
    living_shard().execute_with(|| {
        assert_ok!(shield(500));
        assert_eq!(Balances::free_balance(AccountId32::new(*MEASUREMENT.as_bytes())), 500);
        assert_eq!(Balances::free_balance(alice()), FUNDS - 500);
        System::assert_last_event(
            Event::ShieldFunds { shard: shard(), encrypted_beneficiary: vec![1; 384], amount: 500 }.into(),
        );
        assert_noop!(shield(FUNDS), TokenError::FundsUnavailable);
        let long = vec![0; limits::ENCRYPTED_ACCOUNT_LEN + 1];
        assert_noop!(
            plain(EnclaveBridge::shield_funds(signed(alice()), shard(), long, 1)),
            Error::<Test>::CyphertextTooLong
        );
    });
}

#[test]
fn p04_a_payment_is_made_once_for_each_call_hash() {
    living_shard().execute_with(|| {
        let (first, second) = (H256::repeat_byte(1), H256::repeat_byte(2));
        register(&enclave(1), MEASUREMENT);
        register(&enclave(2), MEASUREMENT);
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
    living_shard().execute_with(|| {
        let call_hash = H256::repeat_byte(1);
        register(&enclave(1), MEASUREMENT);
        assert_noop!(unshield(enclave(1), 300, call_hash), TokenError::FundsUnavailable);
        assert_ok!(shield(300 + EXISTENTIAL_DEPOSIT));
        assert_ok!(unshield(enclave(1), 300, call_hash));
        assert_eq!(Balances::free_balance(bob()), 300);
    });
}

#[test]
fn p04_another_shard_cannot_use_up_a_call_hash() {
    living_shard().execute_with(|| {
        let call_hash = H256::repeat_byte(1);
        register(&enclave(1), MEASUREMENT);
        register(&enclave(6), NEXT_MEASUREMENT);
        assert_ok!(shield(300 + EXISTENTIAL_DEPOSIT));
        let stranger = NEXT_MEASUREMENT.into();
        assert_ok!(confirm_for(stranger, enclave(6)));
        assert_ok!(EnclaveBridge::shield_funds(signed(alice()), stranger, vec![], 50 + EXISTENTIAL_DEPOSIT));
        assert_ok!(EnclaveBridge::unshield_funds(signed(enclave(6)), stranger, bob(), 50, call_hash));
        assert_ok!(unshield(enclave(1), 300, call_hash));
        assert_eq!(Balances::free_balance(bob()), 350);
    });
}

#[test]
fn p05_only_enclaves_of_the_shard_speak_for_it() {
    living_shard().execute_with(|| {
        assert_ok!(shield(1000));
        register(&enclave(6), NEXT_MEASUREMENT);
        let unregistered = pallet_teerex::Error::<Test>::EnclaveIsNotRegistered;
        assert_noop!(confirm(alice()), unregistered);
        assert_noop!(
            unshield(alice(), 1, H256::zero()),
            pallet_teerex::Error::<Test>::EnclaveIsNotRegistered
        );
        assert_noop!(confirm(enclave(6)), Error::<Test>::WrongFingerprintForShard);
        assert_noop!(unshield(enclave(6), 1, H256::zero()), Error::<Test>::WrongFingerprintForShard);
        let status = ShardStatus::<Test>::get(shard()).unwrap();
        assert!(status.len() == 1 && status[0].signer == enclave(9));
    });
}

#[test]
fn a_confirmation_is_told_and_noted() {
    chain().execute_with(|| {
        register(&enclave(1), MEASUREMENT);
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
        assert_eq!((status[0].last_activity, status[0].fingerprint), (12, MEASUREMENT));
    });
}

#[test]
fn p05_a_block_that_never_was_is_not_confirmed() {
    chain().execute_with(|| {
        register(&enclave(1), MEASUREMENT);
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
            register(&enclave(number), MEASUREMENT);
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
        configure(ShardConfig { max_instances: Some(1), ..config(MEASUREMENT) });
        register(&enclave(1), MEASUREMENT);
        register(&enclave(2), MEASUREMENT);
        assert_ok!(confirm(enclave(1)));
        assert_noop!(confirm(enclave(2)), Error::<Test>::TooManyEnclaves);
        // After an upgrade of the code the former enclave makes room for the new one.
        let upgraded = ShardConfig { max_instances: Some(1), ..config(NEXT_MEASUREMENT) };
        announce(upgraded, MIN_NOTICE_BLOCKS);
        System::set_block_number(10 + MIN_NOTICE_BLOCKS - 1);
        assert_ok!(confirm(enclave(1)));
        System::set_block_number(10 + MIN_NOTICE_BLOCKS);
        register(&enclave(2), NEXT_MEASUREMENT);
        assert_ok!(confirm(enclave(2)));
        assert_noop!(confirm(enclave(1)), Error::<Test>::WrongFingerprintForShard);
        configure(ShardConfig { max_instances: Some(0), ..config(NEXT_MEASUREMENT) });
        register(&enclave(3), NEXT_MEASUREMENT);
        assert_noop!(confirm(enclave(3)), Error::<Test>::TooManyEnclaves);
    });
}

#[test]
fn an_upgrade_counts_from_its_block_on() {
    chain().execute_with(|| {
        configure(config(MEASUREMENT));
        register(&enclave(1), MEASUREMENT);
        register(&enclave(2), NEXT_MEASUREMENT);
        assert_ok!(EnclaveBridge::update_shard_config(signed(alice()), shard(), config(NEXT_MEASUREMENT), 5));
        System::assert_last_event(Event::ShardConfigUpdated(shard()).into());
        System::set_block_number(14);
        assert_ok!(confirm(enclave(1)));
        assert_noop!(confirm(enclave(2)), Error::<Test>::WrongFingerprintForShard);
        System::set_block_number(15);
        assert_noop!(confirm(enclave(1)), Error::<Test>::WrongFingerprintForShard);
        assert_ok!(confirm(enclave(2)));
        // A later update starts from what is in force now.
        let delay = MIN_NOTICE_BLOCKS;
        assert_ok!(EnclaveBridge::update_shard_config(signed(alice()), shard(), config(MEASUREMENT), delay));
        let stored = ShardConfigRegistry::<Test>::get(shard()).unwrap();
        assert_eq!(stored.active_config.enclave_fingerprint, NEXT_MEASUREMENT);
        assert_eq!(
            (stored.pending_upgrade.unwrap().enclave_fingerprint, stored.upgrade_at),
            (MEASUREMENT, Some(15 + MIN_NOTICE_BLOCKS))
        );
    });
}

#[test]
fn authorities_and_root_configure() {
    chain().execute_with(|| {
        configure(config(MEASUREMENT));
        register(&enclave(1), MEASUREMENT);
        let update = |who, config| EnclaveBridge::update_shard_config(signed(who), shard(), config, 0);
        assert_noop!(update(bob(), config(NEXT_MEASUREMENT)), Error::<Test>::NotAnAuthorityOfShard);
        assert_noop!(update(enclave(1), config(NEXT_MEASUREMENT)), Error::<Test>::NotAnAuthorityOfShard);
        for authorities in [vec![], vec![alice(); limits::AUTHORITIES + 1]] {
            let bad = ShardConfig { authorities: Some(authorities), ..config(MEASUREMENT) };
            assert_noop!(update(alice(), bad), Error::<Test>::InvalidAuthorities);
        }
        // Alice hands over to Bob; then only he may.
        assert_ok!(update(alice(), ShardConfig { authorities: Some(vec![bob()]), ..config(MEASUREMENT) }));
        assert_noop!(update(alice(), config(MEASUREMENT)), Error::<Test>::NotAnAuthorityOfShard);
        assert_ok!(update(bob(), config(MEASUREMENT)));
    });
}

#[test]
fn a_shard_without_authorities_is_configured_by_its_own_code() {
    chain().execute_with(|| {
        register(&enclave(1), MEASUREMENT);
        register(&enclave(6), NEXT_MEASUREMENT);
        let update = |who, config| EnclaveBridge::update_shard_config(signed(who), shard(), config, 0);
        assert_noop!(
            update(alice(), config(NEXT_MEASUREMENT)),
            pallet_teerex::Error::<Test>::EnclaveIsNotRegistered
        );
        assert_noop!(update(enclave(6), config(NEXT_MEASUREMENT)), Error::<Test>::WrongFingerprintForShard);
        let successor = ShardConfig { authorities: None, ..config(NEXT_MEASUREMENT) };
        assert_ok!(update(enclave(1), successor));
        assert_noop!(update(enclave(1), config(MEASUREMENT)), Error::<Test>::WrongFingerprintForShard);
        assert_ok!(update(enclave(6), config(MEASUREMENT)));
    });
}

#[test]
fn the_first_configuration_can_be_delayed_too() {
    chain().execute_with(|| {
        register(&enclave(1), MEASUREMENT);
        assert_ok!(EnclaveBridge::update_shard_config(
            RawOrigin::Root.into(),
            shard(),
            config(NEXT_MEASUREMENT),
            5
        ));
        assert_ok!(confirm(enclave(1)));
        System::set_block_number(15);
        assert_noop!(confirm(enclave(1)), Error::<Test>::WrongFingerprintForShard);
    });
}

#[test]
fn in_maintenance_nothing_goes_in_and_funds_still_go_out() {
    living_shard().execute_with(|| {
        register(&enclave(1), MEASUREMENT);
        assert_ok!(shield(1000));
        configure(ShardConfig { maintenance_mode: true, ..config(MEASUREMENT) });
        assert_noop!(invoke(384), Error::<Test>::ShardIsInMaintenance);
        assert_noop!(shield(1), Error::<Test>::ShardIsInMaintenance);
        assert_ok!(confirm(enclave(1)));
        assert_ok!(unshield(enclave(1), 300, H256::repeat_byte(1)));
        configure(config(MEASUREMENT));
        assert_ok!(invoke(384));
    });
}

#[test]
fn a_hash_is_published_under_the_measurement() {
    chain().execute_with(|| {
        register(&enclave(6), NEXT_MEASUREMENT);
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
        assert_eq!(record.topics, vec![H256::repeat_byte(7), NEXT_MEASUREMENT.into()]);
        assert_eq!(
            record.event,
            Event::PublishedHash {
                enclave_fingerprint: NEXT_MEASUREMENT,
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
        register(&enclave(1), MEASUREMENT);
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
        enclave_fingerprint: Measurement(b),
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

#[test]
fn c18_a_block_takes_in_a_bounded_number_of_rsa_operations_for_a_shard() {
    living_shard().execute_with(|| {
        assert_ok!(invoke(MAX_CYPHERTEXT_LEN));
        assert_eq!(EnclaveBridge::rsa_operations_left(shard()), 3);
        assert_noop!(invoke(4 * RSA_LEN), Error::<Test>::TooManyRsaOperations);
        assert_ok!(invoke(2 * RSA_LEN));
        // What is shielded is opened too. It is not taken in and left unopened: the money stays where it is.
        assert_ok!(shield(100));
        assert_noop!(shield(100), Error::<Test>::TooManyRsaOperations);
        // What no enclave opens causes nothing.
        assert_ok!(invoke(RSA_LEN + 1));
        // Another shard has workers of its own.
        let stranger = NEXT_MEASUREMENT.into();
        register(&enclave(6), NEXT_MEASUREMENT);
        assert_ok!(confirm_for(stranger, enclave(6)));
        let request = Request { shard: stranger, cyphertext: vec![1; MAX_CYPHERTEXT_LEN] };
        assert_ok!(EnclaveBridge::invoke(signed(alice()), request));
        // The next block has room again.
        System::set_block_number(11);
        assert_eq!(EnclaveBridge::rsa_operations_left(shard()), RSA_OPERATIONS);
        assert_ok!(invoke(MAX_CYPHERTEXT_LEN));
        assert_eq!(EnclaveBridge::rsa_operations_left(shard()), 3);
    });
}

#[test]
fn c18_the_work_of_enclaves_is_charged_if_it_is_caused_and_only_then() {
    living_shard().execute_with(|| {
        let charged = |call: crate::Call<Test>| {
            let full = call.get_dispatch_info().call_weight;
            let actual = match call.dispatch_bypass_filter(signed(alice())) {
                Ok(info) => info.actual_weight,
                Err(refused) => refused.post_info.actual_weight,
            };
            (full, actual.unwrap_or(full))
        };
        let invoke = |shard, len| {
            charged(crate::Call::invoke { request: Request { shard, cyphertext: vec![1; len] } })
        };
        let shield = |len, amount| {
            let incognito_account_encrypted = vec![1; len];
            charged(crate::Call::shield_funds { shard: shard(), incognito_account_encrypted, amount })
        };
        let opening = |operations| MeasuredWeight::<Test>::opening(operations);
        let (len, longest) = (RSA_LEN as u32, MAX_CYPHERTEXT_LEN as u32);

        let one = MeasuredWeight::<Test>::invoke(len) + opening(1);
        assert_eq!(invoke(shard(), RSA_LEN), (one, one));
        let not_opened = MeasuredWeight::<Test>::invoke(len + 1);
        assert_eq!(invoke(shard(), RSA_LEN + 1), (not_opened, not_opened));
        let most = MeasuredWeight::<Test>::invoke(longest) + opening(52);
        assert_eq!(invoke(shard(), MAX_CYPHERTEXT_LEN), (most, most));
        let deposit = MeasuredWeight::<Test>::shield_funds(len) + opening(1);
        assert_eq!(shield(RSA_LEN, 100), (deposit, deposit));

        // The block has no room left for the longest one, there is no such shard, and nobody has so much.
        let refused = MeasuredWeight::<Test>::invoke(longest);
        assert_eq!(invoke(shard(), MAX_CYPHERTEXT_LEN), (most, refused));
        assert_eq!(invoke(NEXT_MEASUREMENT.into(), RSA_LEN), (one, MeasuredWeight::<Test>::invoke(len)));
        assert_eq!(shield(RSA_LEN, 2 * FUNDS), (deposit, MeasuredWeight::<Test>::shield_funds(len)));
    });
}

/// Ten enclaves have acted for the shard and are gone; their registrations are still good.
#[test]
fn p07_a_place_ends_by_silence_and_the_longest_silent_goes_first() {
    chain().execute_with(|| {
        let (last, newcomers) = (limits::INSTANCES as u8, [11, 12, 13]);
        for number in 1..=13 {
            register(&enclave(number), MEASUREMENT);
        }
        for number in 1..=last {
            System::set_block_number(10 + u32::from(number));
            assert_ok!(confirm(enclave(number)));
        }
        let places = || -> Vec<AccountId32> {
            ShardStatus::<Test>::get(shard()).unwrap().into_iter().map(|place| place.signer).collect()
        };
        // The first of them still counts, and acts once more.
        System::set_block_number(11 + SLOT_SILENCE_BLOCKS);
        assert_noop!(confirm(enclave(newcomers[0])), Error::<Test>::TooManyEnclaves);
        assert_ok!(confirm(enclave(1)));
        // One block later the second is silent for too long, and only the second.
        System::set_block_number(13 + SLOT_SILENCE_BLOCKS);
        assert_ok!(confirm(enclave(newcomers[0])));
        assert!(places().len() == 10 && !places().contains(&enclave(2)) && places().contains(&enclave(3)));
        assert_noop!(confirm(enclave(newcomers[1])), Error::<Test>::TooManyEnclaves);
        // When all are, the one that was silent for longest goes, one for each newcomer.
        System::set_block_number(100 + SLOT_SILENCE_BLOCKS);
        assert_ok!(confirm(enclave(newcomers[1])));
        assert_ok!(confirm(enclave(newcomers[2])));
        let mut expected: Vec<_> = [1, 5, 6, 7, 8, 9, 10, 11, 12, 13].map(enclave).into();
        expected.sort();
        let mut found = places();
        found.sort();
        assert_eq!(found, expected);
        // Who lost its place is a newcomer like any other.
        assert_ok!(confirm(enclave(2)));
        assert!(!places().contains(&enclave(5)));
    });
}

#[test]
fn p08_nothing_goes_into_a_shard_before_an_enclave_has_confirmed_a_block_for_it() {
    chain().execute_with(|| {
        register(&enclave(1), MEASUREMENT);
        configure(config(MEASUREMENT));
        assert_noop!(invoke(RSA_LEN), Error::<Test>::ShardNotFound);
        assert_noop!(shield(500), Error::<Test>::ShardNotFound);
        // A confirmation that is refused, and a payment, bring nothing to life.
        assert_noop!(confirm(alice()), pallet_teerex::Error::<Test>::EnclaveIsNotRegistered);
        assert_noop!(unshield(enclave(1), 0, H256::zero()), Error::<Test>::ShardNotFound);
        assert!(!EnclaveBridge::is_alive(shard()));
        assert_ok!(confirm(enclave(1)));
        assert_ok!(invoke(RSA_LEN));
        assert_ok!(shield(500));
        // A shard whose enclaves are all gone lived nevertheless: its users may have funds in it.
        assert_ok!(EnclaveBridge::purge_enclave_from_shard_status(
            RawOrigin::Root.into(),
            shard(),
            enclave(1)
        ));
        assert_ok!(invoke(RSA_LEN));
    });
}

/// Below the existential deposit the chain would take the account, and what was on it.
#[test]
fn p09_the_account_of_a_shard_keeps_its_deposit() {
    living_shard().execute_with(|| {
        let account = EnclaveBridge::shard_account(shard());
        let call_hash = H256::repeat_byte(1);
        register(&enclave(1), MEASUREMENT);
        assert_ok!(shield(500));
        for too_much in [500, 500 - EXISTENTIAL_DEPOSIT + 1] {
            assert_noop!(unshield(enclave(1), too_much, call_hash), TokenError::NotExpendable);
        }
        assert_ok!(unshield(enclave(1), 500 - EXISTENTIAL_DEPOSIT, call_hash));
        assert_eq!(Balances::free_balance(&account), EXISTENTIAL_DEPOSIT);
        assert_ok!(shield(1));
        assert_ok!(unshield(enclave(1), 1, H256::repeat_byte(2)));
    });
}

#[test]
fn p13_other_code_for_a_shard_that_lives_needs_a_notice() {
    living_shard().execute_with(|| {
        let update =
            |config, delay| EnclaveBridge::update_shard_config(signed(alice()), shard(), config, delay);
        configure(config(MEASUREMENT));
        let short = Error::<Test>::NoticeTooShort;
        for delay in [0, 1, MIN_NOTICE_BLOCKS - 1] {
            assert_noop!(update(config(NEXT_MEASUREMENT), delay), Error::<Test>::NoticeTooShort);
        }
        let root = RawOrigin::Root.into();
        assert_noop!(EnclaveBridge::update_shard_config(root, shard(), config(NEXT_MEASUREMENT), 0), short);
        assert_ok!(update(config(NEXT_MEASUREMENT), MIN_NOTICE_BLOCKS));
        // An announcement cannot be exchanged for that of other code when its time is near.
        System::set_block_number(10 + MIN_NOTICE_BLOCKS - 1);
        assert_noop!(update(config(Measurement([3; 32])), 1), Error::<Test>::NoticeTooShort);
        assert_ok!(confirm(enclave(9)));
        System::set_block_number(10 + MIN_NOTICE_BLOCKS);
        assert_noop!(confirm(enclave(9)), Error::<Test>::WrongFingerprintForShard);
        // The way back is a change like any other; what is no change of code is at once.
        assert_noop!(update(config(MEASUREMENT), 0), Error::<Test>::NoticeTooShort);
        assert_ok!(update(ShardConfig { maintenance_mode: true, ..config(NEXT_MEASUREMENT) }, 0));
        assert_noop!(invoke(RSA_LEN), Error::<Test>::ShardIsInMaintenance);
    });
}

#[test]
fn p13_an_announcement_can_be_taken_back_at_once() {
    living_shard().execute_with(|| {
        announce(config(NEXT_MEASUREMENT), MIN_NOTICE_BLOCKS);
        configure(config(MEASUREMENT));
        System::set_block_number(11 + MIN_NOTICE_BLOCKS);
        assert_ok!(confirm(enclave(9)));
    });
}

/// Its platform may be refused by now, and its key be with somebody else.
#[test]
fn h21_an_enclave_that_did_not_renew_its_registration_does_not_act() {
    living_shard().execute_with(|| {
        let too_old = pallet_teerex::Error::<Test>::RegistrationIsTooOld;
        assert_ok!(shield(500));
        pallet_timestamp::Now::<Test>::put(RENEWAL_PERIOD_MS);
        assert_ok!(confirm(enclave(9)));
        pallet_timestamp::Now::<Test>::put(RENEWAL_PERIOD_MS + 1);
        assert_noop!(confirm(enclave(9)), pallet_teerex::Error::<Test>::RegistrationIsTooOld);
        assert_noop!(
            unshield(enclave(9), 1, H256::zero()),
            pallet_teerex::Error::<Test>::RegistrationIsTooOld
        );
        assert_noop!(
            EnclaveBridge::publish_hash(signed(enclave(9)), H256::zero(), vec![], vec![]),
            pallet_teerex::Error::<Test>::RegistrationIsTooOld
        );
        let successor = ShardConfig { authorities: None, ..config(MEASUREMENT) };
        assert_noop!(EnclaveBridge::update_shard_config(signed(enclave(9)), shard(), successor, 0), too_old);
    });
}
