// SPDX-License-Identifier: Apache-2.0
use super::{
    Logic,
    pallet::{Call, Cast, MAX_VOTERS, Tally, Vote},
    runtime::Runtime,
};
use codec::Encode;
use offstage_sdk::{
    AccountId32, Operation,
    testing::{TestAccount, TestWorker},
};
use proptest::prelude::*;

const END: u32 = 20;

/// Alice asks Bob, Charlie and Dave.
fn proposed() -> (TestWorker<Logic>, [TestAccount; 4]) {
    let accounts = ["Alice", "Bob", "Charlie", "Dave"].map(TestAccount::named);
    let mut worker = TestWorker::production();
    let question = b"Shall we?".to_vec().try_into().unwrap();
    let voters = accounts[1..].iter().map(TestAccount::id).collect::<Vec<_>>().try_into().unwrap();
    worker.executes(&accounts[0], Call::propose { question, end: END, voters });
    (worker, accounts)
}

fn vote(vote: Vote) -> Call<Runtime> {
    Call::vote { id: 0, vote }
}

fn tally(worker: &TestWorker<Logic>) -> Option<Tally> {
    worker.query("Ballot", "tally", &[0u32.encode()], None).expect("it is open to everybody")
}

fn own_vote(worker: &TestWorker<Logic>, of: &TestAccount, asker: Option<&TestAccount>) -> Option<Vote> {
    let cast = worker.query("Ballot", "Votes", &[0u32.encode(), of.id().encode()], asker);
    cast.map(|Cast { vote, .. }| vote)
}

#[test]
fn the_last_vote_of_each_counts_and_the_tally_comes_at_the_end() {
    let (mut worker, [alice, bob, charlie, dave]) = proposed();
    worker.executes(&bob, vote(Vote::No));
    worker.executes(&bob, vote(Vote::Yes));
    worker.executes(&charlie, vote(Vote::No));
    worker.refuses(&alice, vote(Vote::Yes), "Ballot.NotEligible");
    worker.refuses(&bob, Call::vote { id: 1, vote: Vote::Yes }, "Ballot.Unknown");
    worker.run_to_block(END - 1);
    assert_eq!(tally(&worker), None);
    worker.refuses(&dave, vote(Vote::Yes), "Ballot.Ended");
    assert_eq!(tally(&worker), Some(Tally { abstained: 1, yes: 1, no: 1 }));
    worker.check_workers_agree();
}

#[test]
fn nobody_learns_anothers_vote() {
    TestWorker::<Logic>::check_read_policy();
    let (mut worker, [alice, bob, charlie, _]) = proposed();
    worker.executes(&bob, vote(Vote::No));
    assert_eq!(own_vote(&worker, &bob, Some(&bob)), Some(Vote::No));
    assert_eq!([Some(&alice), Some(&charlie), None].map(|who| own_vote(&worker, &bob, who)), [None; 3]);
}

/// Whoever sees envelopes, receipts and the host's disk, but not into them, sees the same for each vote.
#[test]
fn all_votes_look_alike() {
    let (mut worker, [_, bob, ..]) = proposed();
    worker.executes(&bob, vote(Vote::No));
    let seen = [Vote::Abstain, Vote::Yes, Vote::No].map(|mind| {
        let operation = worker.extrinsic(&bob, vote(mind), worker.nonce(&bob));
        let block = worker.execute_next(std::slice::from_ref(&operation));
        let Operation::Extrinsic { extrinsic, .. } = operation else { unreachable!() };
        let written: Vec<_> = block.changes.upserts.iter().map(|(_, node)| node.len()).collect();
        let done = &block.outcomes[0];
        (extrinsic.len(), done.outcome, done.report.clone(), block.weight, written.len())
    });
    assert_eq!((&seen[0], &seen[1]), (&seen[1], &seen[2]));
}

#[test]
fn the_largest_ballot_fits_into_an_envelope_and_a_block() {
    let mut worker = TestWorker::<Logic>::production();
    let account = |n: u32| AccountId32::new([n.to_le_bytes(); 8].concat().try_into().unwrap());
    let voters = (0..MAX_VOTERS).map(account).collect::<Vec<_>>().try_into().unwrap();
    let call = Call::propose { question: vec![b'?'; 256].try_into().unwrap(), end: END, voters };
    assert!(worker.calls_per_block(call.clone()) > 0);
    worker.executes(&TestAccount::alice(), call);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// The tally is what the accounts say at the end, whatever they said before.
    #[test]
    fn the_tally_adds_up(steps in prop::collection::vec((1..4usize, 0..3usize), 1..15)) {
        let (mut worker, accounts) = proposed();
        for (who, what) in steps {
            worker.executes(&accounts[who], vote([Vote::Abstain, Vote::Yes, Vote::No][what]));
        }
        worker.run_to_block(END);
        let votes = [1, 2, 3].map(|who| own_vote(&worker, &accounts[who], Some(&accounts[who])).unwrap());
        let count = |vote| votes.iter().filter(|said| **said == vote).count() as u32;
        let expected = Tally { abstained: count(Vote::Abstain), yes: count(Vote::Yes), no: count(Vote::No) };
        prop_assert_eq!(tally(&worker), Some(expected));
        worker.check_workers_agree();
    }
}
