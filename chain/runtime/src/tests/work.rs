// SPDX-License-Identifier: Apache-2.0
//! What envelopes cost who sends them, and who opens them (threat model C18).

use super::{
    DONE, MEASUREMENT, WAITS, alice_pays, alice_sends, bring_to_life, chain_with_block_time, force_batch,
    invocation, open_block,
};
use crate::{
    EnclaveBridge, Runtime, System, UNIT,
    block_time::{MAX_SLOT_DURATION, MIN_SLOT_DURATION},
    limits::{MAX_USER_EVENTS, RsaOperationsOfBlockTime},
};
use frame_support::traits::Get;
use offstage_primitives::shielding::{MAX_CYPHERTEXT_LEN, RSA_LEN};
use pallet_enclave_bridge::WeightInfo;

/// Honest users send envelopes of one chunk. Weight, length and events of a block let through as many as a shard's
/// workers can open, at every block time; the next one waits.
#[test]
fn c18_one_envelope_invocations_can_use_all_the_work_that_a_block_may_cause() {
    for block_time in [MIN_SLOT_DURATION, 1_000, 6_000, MAX_SLOT_DURATION] {
        chain_with_block_time(block_time).execute_with(|| {
            bring_to_life();
            let room = RsaOperationsOfBlockTime::get();
            assert!(u64::from(room) * 2 <= block_time * 2 * 411 / 1_000, "more than half of two cores' time");
            for number in 0..room {
                assert_eq!(
                    alice_sends(invocation(RSA_LEN)),
                    DONE,
                    "number {number} of {room} at {block_time} ms"
                );
            }
            assert_eq!(EnclaveBridge::rsa_operations_left(MEASUREMENT.into()), 0);
            assert!(System::event_count() < MAX_USER_EVENTS);
            assert_eq!(alice_sends(invocation(RSA_LEN)), WAITS);
            open_block(2);
            assert_eq!(alice_sends(invocation(RSA_LEN)), DONE);
        });
    }
}

/// 15 batches of 157 envelopes of 19,968 bytes, which cost 0.18 UNIT and stopped two workers for 45 seconds, are
/// 122,460 RSA operations.
#[test]
fn c18_whoever_wants_to_stop_the_workers_pays_for_whole_blocks_and_does_not_stop_them() {
    chain_with_block_time(1_000).execute_with(|| {
        bring_to_life();
        // No block takes one of these batches: it is too heavy.
        let batch = || force_batch(vec![invocation(MAX_CYPHERTEXT_LEN); 157]);
        assert_eq!(alice_pays(|| assert_eq!(alice_sends(batch()), WAITS)), 0);
        // What the chain takes, in each of fifteen blocks: the most that workers can be made to open.
        let mut opened = 0;
        let paid = alice_pays(|| {
            for number in 2..17 {
                open_block(number);
                let longest = vec![invocation(MAX_CYPHERTEXT_LEN); 5];
                assert_eq!(alice_sends(force_batch(longest)), DONE);
                assert_eq!(alice_sends(invocation(48 * RSA_LEN)), DONE);
                assert_eq!(alice_sends(invocation(RSA_LEN)), WAITS);
                opened +=
                    RsaOperationsOfBlockTime::get() - EnclaveBridge::rsa_operations_left(MEASUREMENT.into());
            }
        });
        println!(
            "{opened} RSA operations in 15 blocks of a second, for {} thousandths of a UNIT",
            paid * 1_000 / UNIT
        );
        assert_eq!(opened, 15 * 308);
        assert!(paid > UNIT, "{paid}");
    });
}

#[test]
fn c18_what_a_batch_brings_beyond_the_bound_is_refused_and_costs_what_refusing_costs() {
    chain_with_block_time(1_000).execute_with(|| {
        bring_to_life();
        let opening = |envelopes: u64| {
            u128::from(
                <Runtime as pallet_enclave_bridge::Config>::WeightInfo::opening(52).ref_time() * envelopes,
            )
        };
        let five = alice_pays(|| {
            assert_eq!(alice_sends(force_batch(vec![invocation(MAX_CYPHERTEXT_LEN); 5])), DONE);
        });
        open_block(2);
        let seven = alice_pays(|| {
            assert_eq!(alice_sends(force_batch(vec![invocation(MAX_CYPHERTEXT_LEN); 7])), DONE);
        });
        assert_eq!(EnclaveBridge::rsa_operations_left(MEASUREMENT.into()), 308 - 5 * 52);
        assert!(five > opening(5));
        // Bytes and dispatch of two more, but not their opening.
        assert!(seven > five && seven - five < opening(1) / 2, "{five} {seven}");
    });
}
