// SPDX-License-Identifier: Apache-2.0
//! What is put off to a later block, and what a council decides.

use super::{MILLION, TestShard, three, transfer};
use crate::runtime::{Assets, Runtime, RuntimeCall, RuntimeEvent};
use codec::Encode;
use frame_support::{dispatch::GetDispatchInfo, instances::Instance1, traits::fungibles::roles::Inspect};
use offstage_sdk::testing::TestAccount;
use pallet_preimage::RequestStatus;
use sp_crypto_hashing::blake2_256;

type CouncilCall = pallet_collective::Call<Runtime, Instance1>;

/// Members of the council propose a call, vote for it all, and close the ballot; it is executed then.
#[track_caller]
pub(super) fn ballot(shard: &mut TestShard, members: &[&TestAccount], call: impl Into<RuntimeCall>) {
    let call = call.into();
    let (proposer, hash, index) = propose(shard, members[0], members.len() as u32, call.clone());
    for member in members {
        shard.executes(member, CouncilCall::vote { proposal: hash.into(), index, approve: true });
    }
    let events = shard.executes(proposer, close(&call, index));
    assert!(
        events.iter().any(|event| matches!(
            event,
            RuntimeEvent::Council(pallet_collective::Event::Executed { result: Ok(()), .. })
        )),
        "{events:?}"
    );
}

fn propose<'a>(
    shard: &mut TestShard,
    proposer: &'a TestAccount,
    threshold: u32,
    call: RuntimeCall,
) -> (&'a TestAccount, [u8; 32], u32) {
    let index = shard.look(pallet_collective::ProposalCount::<Runtime, Instance1>::get);
    let (hash, length_bound) = (call.using_encoded(blake2_256), call.encoded_size() as u32);
    shard.executes(proposer, CouncilCall::propose { threshold, proposal: Box::new(call), length_bound });
    (proposer, hash, index)
}

fn close(call: &RuntimeCall, index: u32) -> CouncilCall {
    CouncilCall::close {
        proposal_hash: call.using_encoded(blake2_256).into(),
        index,
        proposal_weight_bound: call.get_dispatch_info().total_weight(),
        length_bound: call.encoded_size() as u32,
    }
}

#[test]
fn collective() {
    let [alice, bob, charlie] = three();
    let dave = TestAccount::named("Dave");
    let mut shard = TestShard::with(&[&dave]);
    make_asset(&mut shard, &dave);
    // What is proposed needs the council's origin.
    let call: RuntimeCall = pallet_assets::Call::<Runtime, Instance1>::force_asset_status {
        id: 5,
        owner: bob.id().into(),
        issuer: bob.id().into(),
        admin: bob.id().into(),
        freezer: bob.id().into(),
        min_balance: 1,
        is_sufficient: true,
        is_frozen: false,
    }
    .into();
    shard.refuses(&alice, call.clone(), "BadOrigin");
    let vote = |hash: [u8; 32], index, approve| CouncilCall::vote { proposal: hash.into(), index, approve };
    // One for it, one against it, and nobody else until the time is over: it is not done.
    let (_, hash, index) = propose(&mut shard, &alice, 2, call.clone());
    shard.refuses(&dave, vote(hash, index, true), "Council.NotMember");
    shard.executes(&alice, vote(hash, index, true));
    shard.refuses(&alice, vote(hash, index, true), "Council.DuplicateVote");
    shard.executes(&bob, vote(hash, index, false));
    shard.refuses(&dave, close(&call, index), "Council.TooEarly");
    let owner = |shard: &TestShard| shard.look(|| Assets::owner(5));
    shard.run_to(shard.number() + 20);
    shard.executes(&dave, close(&call, index));
    assert_eq!(owner(&shard), Some(dave.id()));
    shard.refuses(&charlie, vote(hash, index, true), "Council.ProposalMissing");
    // Two for it: it is done, for whoever closes it.
    ballot(&mut shard, &[&bob, &charlie], call);
    assert_eq!(owner(&shard), Some(bob.id()));
    assert!(shard.look(pallet_collective::Proposals::<Runtime, Instance1>::get).is_empty());
    shard.finish();
}

fn make_asset(shard: &mut TestShard, owner: &TestAccount) {
    let create =
        pallet_assets::Call::<Runtime, Instance1>::create { id: 5, admin: owner.id().into(), min_balance: 1 };
    shard.executes(owner, create);
}

#[test]
fn scheduler() {
    let [alice, bob, charlie] = three();
    let mut shard = TestShard::with(&[&alice]);
    let schedule = |when, maybe_periodic, call| pallet_scheduler::Call::schedule {
        when,
        maybe_periodic,
        priority: 0,
        call: Box::new(call),
    };
    let past = schedule(shard.number(), None, transfer(&bob, 1));
    shard.refuses(&alice, past, "Scheduler.TargetBlockNumberInPast");
    // Once, at one block of the parentchain, not before and not after.
    let when = shard.number() + 8;
    shard.executes(&alice, schedule(when, None, transfer(&bob, 1_000)));
    shard.run_to(when - 1);
    assert_eq!(shard.free(&bob), 0);
    shard.run_to(when);
    assert_eq!(shard.free(&bob), 1_000);
    shard.run_to(when + 5);
    assert_eq!(shard.free(&bob), 1_000);
    // Thrice, every fourth block. Somebody else cannot cancel it.
    let when = shard.number() + 3;
    shard.executes(&alice, schedule(when, Some((4, 3)), transfer(&charlie, 10)));
    let cancel = pallet_scheduler::Call::cancel { when: when + 8, index: 0 };
    let received = |shard: &mut TestShard, number| {
        shard.run_to(number);
        shard.free(&charlie)
    };
    let at = [when - 1, when, when + 3, when + 4, when + 7].map(|number| received(&mut shard, number));
    assert_eq!(at, [0, 10, 10, 20, 20]);
    let third = shard.number() + 1;
    assert_eq!(third, when + 8);
    assert_eq!(received(&mut shard, third + 9), 30);
    shard.refuses(&alice, cancel, "Scheduler.NotFound");
    // What is cancelled is not done.
    let when = shard.number() + 5;
    shard.executes(&alice, schedule(when, None, transfer(&bob, 5)));
    let cancel = pallet_scheduler::Call::cancel { when, index: 0 };
    shard.refuses(&bob, cancel.clone(), "BadOrigin");
    shard.executes(&alice, cancel);
    shard.run_to(when + 1);
    assert_eq!((shard.free(&bob), shard.free(&alice)), (1_000, MILLION - 1_030));
    shard.finish();
}

/// A call too long for the agenda is a preimage. Its depositor gets the deposit back when it is no longer wanted.
#[test]
fn preimage() {
    let [alice, bob, charlie] = three();
    let mut shard = TestShard::with(&[&alice, &bob]);
    let calls = (1..=10).map(|value| transfer(&charlie, value)).collect();
    let long: RuntimeCall = pallet_utility::Call::batch_all { calls }.into();
    let bytes = long.encode();
    assert!(bytes.len() > 128);
    let hash = blake2_256(&bytes).into();
    let note = pallet_preimage::Call::note_preimage { bytes: bytes.clone() };
    shard.executes(&alice, note.clone());
    let deposit = 100 + bytes.len() as u128;
    assert_eq!(shard.reserved(&alice), deposit);
    shard.refuses(&alice, note, "Preimage.AlreadyNoted");
    shard.refuses(&bob, pallet_preimage::Call::unnote_preimage { hash }, "Preimage.NotAuthorized");
    // The agenda has its hash alone, and it is there when its time comes.
    let when = shard.number() + 4;
    let schedule = pallet_scheduler::Call::schedule {
        when,
        maybe_periodic: None,
        priority: 0,
        call: Box::new(long.clone()),
    };
    shard.executes(&bob, schedule);
    let agenda = shard.look(|| pallet_scheduler::Agenda::<Runtime>::get(when));
    assert!(agenda.encoded_size() < bytes.len());
    let status = shard.look(|| pallet_preimage::RequestStatusFor::<Runtime>::get(hash));
    assert!(matches!(status, Some(RequestStatus::Requested { .. })), "{status:?}");
    shard.run_to(when - 1);
    assert_eq!(shard.free(&charlie), 0);
    shard.run_to(when);
    assert_eq!((shard.free(&charlie), shard.free(&bob)), (55, MILLION - 55));
    shard.executes(&alice, pallet_preimage::Call::unnote_preimage { hash });
    assert_eq!((shard.free(&alice), shard.reserved(&alice)), (MILLION, 0));
    // The scheduler asked for it twice, when it made a preimage of the call and when it put it on the agenda, and let
    // it go once. That is the pallet's, on chains as well: nobody can remove it any more but root.
    let status = shard.look(|| pallet_preimage::RequestStatusFor::<Runtime>::get(hash));
    assert!(
        matches!(status, Some(RequestStatus::Requested { maybe_ticket: None, count: 1, .. })),
        "{status:?}"
    );
    // What nobody asked for is gone with its deposit.
    let bytes = b"whatever".to_vec();
    let hash = blake2_256(&bytes).into();
    shard.executes(&alice, pallet_preimage::Call::note_preimage { bytes });
    assert_eq!(shard.reserved(&alice), 108);
    shard.executes(&alice, pallet_preimage::Call::unnote_preimage { hash });
    assert_eq!((shard.free(&alice), shard.reserved(&alice)), (MILLION, 0));
    shard.refuses(&alice, pallet_preimage::Call::unnote_preimage { hash }, "Preimage.NotNoted");
    shard.finish();
}
