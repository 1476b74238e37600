// SPDX-License-Identifier: Apache-2.0
//! All who have money vote, with the conviction that they lock it for; what they decide is done by root.

use super::{MILLION, TestShard, three, transfer};
use crate::runtime::{Council, Runtime, RuntimeCall};
use codec::Encode;
use frame_support::{
    instances::Instance1,
    traits::{Bounded, schedule::DispatchTime},
};
use frame_system::RawOrigin;
use offstage_sdk::testing::TestAccount;
use pallet_conviction_voting::{AccountVote, Conviction, Vote};
use pallet_referenda::{ReferendumInfo, ReferendumInfoFor};
use sp_crypto_hashing::blake2_256;

#[test]
fn conviction_voting_and_referenda() {
    let [alice, bob, charlie] = three();
    let dave = TestAccount::named("Dave");
    let mut shard = TestShard::with(&[&alice, &bob, &dave]);
    // Dave wants to be the council. The call itself is a preimage.
    let call: RuntimeCall = pallet_collective::Call::<Runtime, Instance1>::set_members {
        new_members: vec![dave.id()],
        prime: None,
        old_count: 3,
    }
    .into();
    shard.refuses(&dave, call.clone(), "BadOrigin");
    let bytes = call.encode();
    let (hash, len) = (blake2_256(&bytes).into(), bytes.len() as u32);
    shard.executes(&dave, pallet_preimage::Call::note_preimage { bytes });
    let submit = pallet_referenda::Call::submit {
        proposal_origin: Box::new(RawOrigin::Root.into()),
        proposal: Bounded::Lookup { hash, len },
        enactment_moment: DispatchTime::After(0),
    };
    shard.executes(&dave, submit);
    shard.executes(&dave, pallet_referenda::Call::place_decision_deposit { index: 0 });
    let second = pallet_referenda::Call::place_decision_deposit { index: 0 };
    shard.refuses(&bob, second, "Referenda.HasDeposit");
    let vote = |aye, conviction, balance| pallet_conviction_voting::Call::vote {
        poll_index: 0,
        vote: AccountVote::Standard { vote: Vote { aye, conviction }, balance },
    };
    shard.executes(&alice, vote(true, Conviction::Locked2x, 900_000));
    shard.executes(&bob, vote(false, Conviction::None, 500_000));
    let poor = vote(true, Conviction::None, 1);
    shard.refuses(&charlie, poor, "ConvictionVoting.InsufficientFunds");
    // What is voted with stays where it is.
    shard.refuses(&alice, transfer(&charlie, 100_001), "Token.Frozen");
    shard.executes(&alice, transfer(&charlie, 50_000));
    // Blocks of the parentchain pass.
    let decided = loop {
        shard.run(Vec::new());
        match shard.look(|| ReferendumInfoFor::<Runtime>::get(0)) {
            Some(ReferendumInfo::Ongoing(_)) => assert!(shard.number() < 60, "it is decided in time"),
            Some(ReferendumInfo::Approved(at, ..)) => break at,
            other => panic!("not approved: {other:?}"),
        }
    };
    assert_eq!(decided, shard.number());
    shard.refuses(&bob, vote(true, Conviction::None, 1), "ConvictionVoting.NotOngoing");
    let members = |shard: &TestShard| shard.look(pallet_collective::Members::<Runtime, Instance1>::get);
    shard.run_to(decided + 4);
    assert_eq!(members(&shard).len(), 3);
    shard.run_to(decided + 5);
    assert_eq!(members(&shard), [dave.id()]);
    assert!(shard.look(|| Council::is_member(&dave.id())));
    // Deposits come back, and locks end: at once for who lost, later for who won.
    shard.executes(&dave, pallet_referenda::Call::refund_decision_deposit { index: 0 });
    shard.executes(&dave, pallet_referenda::Call::refund_submission_deposit { index: 0 });
    shard.executes(&dave, pallet_preimage::Call::unnote_preimage { hash });
    assert_eq!((shard.free(&dave), shard.reserved(&dave)), (MILLION, 0));
    let leave = || pallet_conviction_voting::Call::remove_vote { class: Some(0), index: 0 };
    let unlock = |account: &TestAccount| pallet_conviction_voting::Call::unlock {
        class: 0,
        target: account.id().into(),
    };
    shard.executes(&bob, leave());
    shard.executes(&bob, unlock(&bob));
    shard.executes(&bob, transfer(&charlie, MILLION));
    shard.executes(&alice, leave());
    shard.executes(&alice, unlock(&alice));
    shard.refuses(&alice, transfer(&charlie, 900_000), "Token.Frozen");
    shard.run_to(decided + 20);
    shard.executes(&alice, unlock(&alice));
    shard.executes(&alice, transfer(&charlie, 900_000));
    shard.finish();
}
