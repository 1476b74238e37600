// SPDX-License-Identifier: Apache-2.0
//! The client against an honest host and against a malicious one (rows H1, H3, H4, H5, H6 of the threat model).

use super::*;
use crate::MAX_STATE_PROOF_LEN;
use crate::testing::{METADATA, TestChain, authorities, precommit, scheduled_change, test_code, validators};
use codec::Encode;
use offstage_primitives::ShardIdentifier;
use proptest::prelude::*;
use sp_consensus_grandpa::{
    AuthorityId, AuthoritySignature, ConsensusLog, GRANDPA_ENGINE_ID, ScheduledChange,
};
use sp_core::Pair as _;
use sp_runtime::DigestItem;

fn shard() -> ShardIdentifier {
    [7; 32].into()
}

/// A chain of `length` blocks, and a client that has imported all headers.
pub(super) fn chain_and_client(validator_count: usize, length: u32) -> (TestChain, LightClient) {
    let mut chain = TestChain::new(validator_count);
    chain.add_empty(length);
    let mut client = chain.client();
    client.import_headers(&chain.headers(1..=length)).unwrap();
    (chain, client)
}

/// A client whose next block is final, and that block.
pub(super) fn final_block() -> (LightClient, BlockMaterial) {
    let (chain, mut client) = chain_and_client(1, 1);
    client.import_justification(&chain.justify(1)).unwrap();
    let genuine = chain.material(1, &[]);
    (client, genuine)
}

#[test]
fn an_honest_host_is_followed() {
    let mut chain = TestChain::new(4);
    for number in 1..=10u8 {
        let content = chain.block().invoke(shard(), vec![number]);
        chain.add(content);
    }
    let mut client = chain.client();
    assert_eq!(client.genesis_hash(), chain.hash(0));
    let watched = vec![storage_keys::timestamp(), b"nothing is here".to_vec()];
    for number in 1..=10 {
        let block = chain.verify_next(&mut client, &watched);
        assert_eq!(block.id(), BlockId::of(chain.header(number)));
        assert_eq!(block.storage[&watched[1]], None);
        assert_eq!(block.storage[&watched[0]].as_ref().map(Vec::len), Some(8));
        assert_eq!(client.position(), block.id());
    }
}

#[test]
fn h01_nothing_is_final_without_a_justification() {
    let (chain, client) = chain_and_client(4, 3);
    assert_eq!(
        client.verify_block(chain.material(1, &[]), &[]).unwrap_err(),
        BlockError::NotFinal { number: 1, finalized: 0 }
    );
}

#[test]
fn h01_a_justification_makes_its_target_and_what_is_below_final_and_no_more() {
    let (chain, mut client) = chain_and_client(4, 5);
    assert_eq!(client.import_justification(&chain.justify(3)).unwrap().number, 3);
    for number in 1..=3 {
        let block = client.verify_block(chain.material(number, &[]), &[]).unwrap();
        client.advance(block).unwrap();
    }
    assert!(matches!(
        client.verify_block(chain.material(4, &[]), &[]),
        Err(BlockError::NotFinal { number: 4, .. })
    ));
}

#[test]
fn h01_justifications_with_wrong_votes_are_refused() {
    let (chain, mut client) = chain_and_client(4, 5);
    let (set_id, voters) = chain.set_for(5);
    let strangers = validators(9, 4);
    let target = chain.hash(5);
    let refused = |client: &mut LightClient, justification: Vec<u8>, error: FinalityError| {
        assert_eq!(client.import_justification(&justification), Err(error));
        assert_eq!(client.finalized().number, 0);
    };
    // Two of four are not more than two thirds; of three, two are two thirds and not more.
    refused(&mut client, chain.justify_by(5, &voters[..2], set_id), FinalityError::TooFewVotes(0));
    refused(&mut client, chain.justify_by(5, &[], set_id), FinalityError::TooFewVotes(0));
    // Duplicates do not add up.
    let twice = [voters[0], voters[1], voters[1]];
    refused(&mut client, chain.justify_by(5, &twice, set_id), FinalityError::TooFewVotes(0));
    // By strangers, alone and among the set.
    refused(&mut client, chain.justify_by(5, &strangers, set_id), FinalityError::UnknownAuthority(0));
    let mixed = [&voters[..2], &strangers[..1]].concat();
    refused(&mut client, chain.justify_by(5, &mixed, set_id), FinalityError::UnknownAuthority(0));
    // Signed for another set id, another round, another block.
    refused(&mut client, chain.justify_by(5, voters, set_id + 1), FinalityError::TooFewVotes(0));
    let mut other_round = chain.justification(5, voters, set_id);
    other_round.round += 1;
    refused(&mut client, other_round.encode(), FinalityError::TooFewVotes(0));
    let mut moved = chain.justification(4, voters, set_id);
    moved.commit.target_hash = target.into();
    moved.commit.target_number = 5;
    refused(&mut client, moved.encode(), FinalityError::TooFewVotes(0));
    // One bad signature among enough good ones is nothing that an honest node sends.
    let mut one_bad = chain.justification(5, voters, set_id);
    one_bad.commit.precommits[0].signature = one_bad.commit.precommits[1].signature.clone();
    refused(&mut client, one_bad.encode(), FinalityError::InvalidSignature(0));
    // Bytes behind it.
    let mut longer = chain.justify(5);
    longer.push(0);
    assert!(matches!(client.import_justification(&longer), Err(FinalityError::Malformed(_))));
    // And the genuine one is accepted afterwards.
    client.import_justification(&chain.justify(5)).unwrap();
}

#[test]
fn h01_two_thirds_are_not_enough_and_one_more_is() {
    for (count, needed) in [(1, 1), (2, 2), (3, 3), (4, 3), (6, 5), (7, 5), (10, 7)] {
        let (chain, mut client) = chain_and_client(count, 1);
        let (set_id, voters) = chain.set_for(1);
        let short = chain.justify_by(1, &voters[..needed - 1], set_id);
        assert_eq!(client.import_justification(&short), Err(FinalityError::TooFewVotes(0)), "{count}");
        client.import_justification(&chain.justify_by(1, &voters[..needed], set_id)).unwrap();
    }
}

#[test]
fn h01_votes_for_descendants_count_with_their_ancestry_and_only_with_it() {
    let (chain, mut client) = chain_and_client(4, 5);
    let (set_id, voters) = chain.set_for(3);
    let mut justification = chain.justification(3, voters, set_id);
    for (vote, number) in justification.commit.precommits.iter_mut().zip([3, 4, 5, 5]) {
        let voter = &voters[(0..4).find(|index| vote.id == voters[*index].public().into()).unwrap()];
        *vote = precommit(voter, number, chain.hash(number), justification.round, set_id);
    }
    // Without the headers between, the votes for descendants are unrelated.
    assert_eq!(client.import_justification(&justification.encode()), Err(FinalityError::TooFewVotes(0)));
    justification.votes_ancestries = vec![chain.header(4).clone(), chain.header(5).clone()];
    // Of a header that lies about its number no vote is led on.
    let mut forged = justification.clone();
    forged.votes_ancestries[0].number = 9;
    forged.votes_ancestries[1].parent_hash = forged.votes_ancestries[0].hash();
    assert_eq!(client.import_justification(&forged.encode()), Err(FinalityError::TooFewVotes(0)));
    assert_eq!(client.import_justification(&justification.encode()).unwrap().number, 3);
}

/// The votes of a justification for block 3 by four authorities, of whom three are needed.
fn votes(
    chain: &TestChain,
    round: u64,
    targets: &[(usize, u32, BlockHash)],
) -> Vec<finality_grandpa::SignedPrecommit<H256, u32, AuthoritySignature, AuthorityId>> {
    let (set_id, voters) = chain.set_for(3);
    targets
        .iter()
        .map(|(voter, number, hash)| precommit(&voters[*voter], *number, *hash, round, set_id))
        .collect()
}

#[test]
fn p06_an_equivocation_counts_once_and_unrelated_votes_and_spare_headers_are_passed_over() {
    let (chain, client) = chain_and_client(4, 5);
    let fork = {
        let mut fork = chain.fork_at(2);
        fork.add_empty(3);
        fork
    };
    let hash = |number| chain.hash(number);
    let good = (3, hash(3));
    let elsewhere = [(3, fork.hash(3)), (4, fork.hash(4)), (2, hash(2))];
    let justify = |targets: &[(usize, (u32, BlockHash))], headers: &[&Header]| {
        let mut justification = chain.justification(3, &[], 0);
        let targets: Vec<_> =
            targets.iter().map(|(voter, (number, hash))| (*voter, *number, *hash)).collect();
        justification.commit.precommits = votes(&chain, justification.round, &targets);
        justification.votes_ancestries = headers.iter().map(|header| (*header).clone()).collect();
        client.clone().import_justification(&justification.encode())
    };
    let accepted = Ok(FinalizedTo { number: 3, hash: hash(3) });
    let refused = Err(FinalityError::TooFewVotes(0));
    // One of three equivocates: its second vote is for another fork, in either order, or for a block below.
    for other in elsewhere {
        assert_eq!(justify(&[(0, good), (1, good), (1, other), (2, good)], &[]), accepted);
        assert_eq!(justify(&[(1, other), (0, good), (1, good), (2, good)], &[]), accepted);
        // It counts once: with one honest vote these are two of four.
        assert_eq!(justify(&[(0, good), (1, good), (1, other)], &[]), refused);
        // One vote for something else is no vote for this.
        assert_eq!(justify(&[(0, good), (1, good), (2, other)], &[]), refused);
        assert_eq!(justify(&[(3, other), (0, good), (1, good), (2, good)], &[]), accepted);
    }
    // Who signs two other blocks in one round could as well have signed this one.
    let [one, other, _] = elsewhere;
    assert_eq!(justify(&[(0, good), (1, good), (2, one), (2, other)], &[]), accepted);
    // The same vote twice is one.
    assert_eq!(justify(&[(0, good), (1, good), (1, good)], &[]), refused);
    assert_eq!(justify(&[(0, good), (1, good), (1, good), (2, good)], &[]), accepted);
    // No honest node sends a third.
    let thrice = [(0, good), (1, one), (1, other), (1, good), (2, good)];
    assert_eq!(justify(&thrice, &[]), Err(FinalityError::TooManyVotes));
    // Headers that nobody needs, one of them twice.
    let spare = [chain.header(4), chain.header(2), fork.header(4), chain.header(4)];
    assert_eq!(justify(&[(0, good), (1, good), (2, (4, hash(4)))], &spare), accepted);
    assert_eq!(justify(&[(0, good), (1, good), (2, one)], &spare), refused);
    assert_eq!(justify(&[(0, good), (1, good), (2, other)], &spare), refused);
}

#[test]
fn p06_an_equivocation_with_an_invalid_signature_is_none() {
    let (chain, client) = chain_and_client(4, 5);
    let (good, other) = (chain.hash(3), chain.hash(2));
    let mut justification = chain.justification(3, &[], 0);
    let targets = [(0, 3, good), (1, 3, good), (2, 2, other), (2, 1, chain.hash(1))];
    justification.commit.precommits = votes(&chain, justification.round, &targets);
    client.clone().import_justification(&justification.encode()).unwrap();
    justification.commit.precommits[3].signature = justification.commit.precommits[2].signature.clone();
    let refused = client.clone().import_justification(&justification.encode()).unwrap_err();
    assert_eq!(refused, FinalityError::TooFewVotes(0));
    assert!(refused.another_may_do());
    let foreign = chain.fork_at(1).justify_by(1, &validators(9, 4), 0);
    assert!(client.clone().import_justification(&foreign).unwrap_err().another_may_do());
    let mut client = client;
    client.import_justification(&chain.justify(3)).unwrap();
    assert!(!client.import_justification(&chain.justify(2)).unwrap_err().another_may_do());
}

/// What Parity's verifier for bridges finalizes, this one does, and what it refuses for its votes, this one does.
#[test]
fn p06_justifications_are_judged_as_by_another_verifier() {
    use bp_header_chain::{
        AuthoritySet,
        justification::{JustificationVerificationContext, verify_and_optimize_justification},
    };
    let (chain, client) = chain_and_client(4, 5);
    let (set_id, voters) = chain.set_for(3);
    let set = AuthoritySet::new(authorities(voters), set_id);
    let context = JustificationVerificationContext::try_from(set).unwrap();
    let hash = |number| chain.hash(number);
    // Each authority votes for the target, for a descendant, for a block below, or not at all.
    for choice in 0..4u32.pow(4) {
        let choices = (0..4).map(|voter| (voter as usize, choice / 4u32.pow(voter) % 4));
        let targets: Vec<_> = choices
            .filter(|(_, choice)| *choice < 3)
            .map(|(voter, choice)| (voter, 2 + choice, hash(2 + choice)))
            .collect();
        let mut justification = chain.justification(3, &[], 0);
        justification.commit.precommits = votes(&chain, justification.round, &targets);
        justification.votes_ancestries = vec![chain.header(4).clone()];
        let ours = client.clone().import_justification(&justification.encode()).is_ok();
        let mut theirs = bp_header_chain::justification::GrandpaJustification {
            round: justification.round,
            commit: justification.commit.clone(),
            votes_ancestries: justification.votes_ancestries.clone(),
        };
        let theirs = verify_and_optimize_justification((hash(3).into(), 3), &context, &mut theirs).is_ok();
        assert_eq!(ours, theirs, "{targets:?}");
    }
}

#[test]
fn h01_a_fork_is_refused() {
    let (chain, mut client) = chain_and_client(4, 5);
    let mut fork = chain.fork_at(2);
    fork.add_empty(4);
    assert_eq!(client.import_headers(&fork.headers(6..=6)), Err(HeaderError::Fork(6)));
    // A justification for it, even a genuine one, finalizes nothing here.
    assert_eq!(client.import_justification(&fork.justify(4)), Err(FinalityError::Fork(4)));
    assert_eq!(
        client.import_justification(&fork.justify(6)),
        Err(FinalityError::UnknownTarget { target: 6, frontier: 5 })
    );
    client.import_justification(&chain.justify(5)).unwrap();
    assert_eq!(client.import_headers(&fork.headers(3..=3)), Err(HeaderError::Fork(3)));
    for number in 1..=2 {
        let block = client.verify_block(chain.material(number, &[]), &[]).unwrap();
        client.advance(block).unwrap();
    }
    // A block of the fork whose parent is right.
    assert_eq!(client.verify_block(fork.material(3, &[]), &[]).unwrap_err(), BlockError::Fork(3));
    client.verify_block(chain.material(3, &[]), &[]).unwrap();
}

/// A host, or its node, that was wrong about what is not final yet is wrong no longer than it wants.
#[test]
fn h01_headers_that_never_become_final_are_replaced_by_those_that_do() {
    let mut chain = TestChain::new(4);
    chain.add_empty(2);
    let mut fork = chain.fork_at(2);
    chain.add_empty(4);
    let old = fork.set_for(1).1.to_vec();
    // The fork announces a set change, and stops at its border.
    let border = fork.add_set_change(validators(9, 4), 1) + 1;
    fork.add_empty(3);
    let mut client = chain.client();
    client.import_headers(&chain.headers(1..=4)).unwrap();
    let refused = client.import_headers(&fork.headers(3..=6));
    assert_eq!(refused, Err(HeaderError::JustificationNeeded(border)));
    assert_eq!(client.frontier().hash, fork.hash(border));
    assert_eq!(client.import_justification(&chain.justify(4)), Err(FinalityError::Fork(4)));
    // A header that is refused on its own account takes no place.
    let mut forcing = chain.fork_at(3);
    let change = ScheduledChange { next_authorities: authorities(&old), delay: 0 };
    let forced = ConsensusLog::<u32>::ForcedChange(1, change);
    let item = DigestItem::Consensus(GRANDPA_ENGINE_ID, forced.encode());
    let content = forcing.block().digest(item);
    forcing.add(content);
    client.import_headers(&chain.headers(3..=3)).unwrap();
    client.import_headers(&chain.headers(4..=5)).unwrap();
    assert_eq!(client.import_headers(&forcing.headers(4..=4)), Err(HeaderError::ForcedChange(4)));
    assert_eq!(client.frontier().number, 5);
    assert_eq!(client.justification_needed(), None);
    client.import_headers(&chain.headers(6..=6)).unwrap();
    client.import_justification(&chain.justify(6)).unwrap();
    assert_eq!(client.finalized().hash, chain.hash(6));
    assert_eq!(client.authority_set_id(), 0);
}

#[test]
fn h03_another_body_is_refused() {
    let mut chain = TestChain::new(1);
    let content = chain.block().invoke(shard(), vec![1]).invoke(shard(), vec![2]);
    chain.add(content);
    let mut client = chain.client();
    chain.finalize(&mut client, 1);
    let genuine = chain.material(1, &[]);
    let body = &genuine.body;
    let mut flipped = body.clone();
    flipped[1][40] ^= 1;
    for changed in [
        vec![],
        body[1..].to_vec(),
        body[..2].to_vec(),
        [&body[..], &body[2..]].concat(),
        vec![body[0].clone(), body[2].clone(), body[1].clone()],
        flipped,
    ] {
        let material = BlockMaterial { body: changed, ..genuine.clone() };
        assert_eq!(client.verify_block(material, &[]).unwrap_err(), BlockError::Body(1));
    }
    client.verify_block(genuine, &[]).unwrap();
}

#[test]
fn h04_wrong_state_proofs_are_refused() {
    let mut chain = TestChain::new(1);
    for byte in 1..=2 {
        let content = chain.block().invoke(shard(), vec![byte]).storage(vec![9; 40], Some(vec![byte; 100]));
        chain.add(content);
    }
    let mut client = chain.client();
    chain.finalize(&mut client, 2);
    let watched = vec![vec![9; 40], storage_keys::timestamp()];
    let genuine = chain.material(1, &watched);
    let refused = |nodes: Vec<Vec<u8>>, keys: &[Vec<u8>], expected: ProofError| {
        let material = BlockMaterial { state_proof: nodes, ..genuine.clone() };
        let error = client.verify_block(material, keys).unwrap_err();
        assert_eq!(error, BlockError::Proof { number: 1, error: expected });
    };
    // Of another block.
    refused(chain.material(2, &watched).state_proof, &watched, ProofError::OtherState);
    refused(vec![], &watched, ProofError::OtherState);
    // Each node missing, changed, doubled; one too many.
    for index in 0..genuine.state_proof.len() {
        let mut missing = genuine.state_proof.clone();
        missing.remove(index);
        let material = BlockMaterial { state_proof: missing, ..genuine.clone() };
        assert!(matches!(client.verify_block(material, &watched), Err(BlockError::Proof { .. })));
        let mut flipped = genuine.state_proof.clone();
        let last = flipped[index].len() - 1;
        flipped[index][last] ^= 1;
        let material = BlockMaterial { state_proof: flipped, ..genuine.clone() };
        assert!(matches!(client.verify_block(material, &watched), Err(BlockError::Proof { .. })));
        let mut doubled = genuine.state_proof.clone();
        doubled.push(doubled[index].clone());
        refused(doubled, &watched, ProofError::DuplicateNodes);
    }
    let mut more = genuine.state_proof.clone();
    more.push(vec![1, 2, 3]);
    refused(more, &watched, ProofError::UnusedNodes);
    // For other keys than the watched ones.
    refused(genuine.state_proof.clone(), &watched[1..], ProofError::UnusedNodes);
    refused(chain.material(1, &watched[1..]).state_proof, &watched, ProofError::Incomplete);
    client.verify_block(genuine.clone(), &watched).unwrap();
}

#[test]
fn h05_blocks_come_in_order_each_once() {
    let (chain, mut client) = chain_and_client(1, 4);
    client.import_justification(&chain.justify(4)).unwrap();
    let not_next = |client: &LightClient, actual, expected| {
        let error = client.verify_block(chain.material(actual, &[]), &[]).unwrap_err();
        assert_eq!(error, BlockError::NotNext { actual, expected });
    };
    not_next(&client, 2, 1);
    let first = client.verify_block(chain.material(1, &[]), &[]).unwrap();
    let again = client.verify_block(chain.material(1, &[]), &[]).unwrap();
    client.advance(first).unwrap();
    // Verified before, executed meanwhile: neither moves the client nor gives a snapshot.
    assert!(client.snapshot_after(&again).is_err());
    assert_eq!(client.advance(again).unwrap_err(), BlockError::NotNext { actual: 1, expected: 2 });
    not_next(&client, 1, 2);
    not_next(&client, 3, 2);
    assert_eq!(client.position().number, 1);
    assert_eq!(client.import_headers(&chain.headers(1..=1)), Err(HeaderError::Executed(1)));
    let second = client.verify_block(chain.material(2, &[]), &[]).unwrap();
    client.advance(second).unwrap();
}

#[test]
fn h05_headers_come_in_order() {
    let mut chain = TestChain::new(1);
    chain.add_empty(5);
    let mut client = chain.client();
    assert_eq!(
        client.import_headers(&chain.headers([2])),
        Err(HeaderError::OutOfOrder { number: 2, frontier: 0 })
    );
    assert_eq!(
        client.import_headers(&chain.headers([1, 3])),
        Err(HeaderError::OutOfOrder { number: 3, frontier: 1 })
    );
    assert_eq!(client.frontier().number, 1);
    // Known ones again do no harm.
    client.import_headers(&chain.headers([1, 1, 2, 1, 3])).unwrap();
    assert_eq!(client.frontier().number, 3);
}

#[test]
fn h06_set_changes_are_followed_with_any_delay() {
    for delay in [0, 1, 7] {
        let mut chain = TestChain::new(4);
        chain.add_empty(2);
        let signalled = chain.add_set_change(validators(2, 3), delay);
        chain.add_empty(delay + 5);
        let border = signalled + delay;
        let mut client = chain.client();
        // The frontier stops at the last block of the old set.
        let error = client.import_headers(&chain.headers(1..=chain.number())).unwrap_err();
        assert_eq!(error, HeaderError::JustificationNeeded(border));
        assert_eq!((client.frontier().number, client.justification_needed()), (border, Some(border)));
        // An earlier justification by the old set is fine, but does not open the way.
        client.import_justification(&chain.justify(signalled - 1)).unwrap();
        let rest = chain.headers(border + 1..=chain.number());
        assert_eq!(client.import_headers(&rest).unwrap_err(), HeaderError::JustificationNeeded(border));
        client.import_justification(&chain.justify(border)).unwrap();
        assert_eq!((client.authority_set_id(), client.justification_needed()), (1, None));
        client.import_headers(&rest).unwrap();
        client.import_justification(&chain.justify(chain.number())).unwrap();
        while client.position().number < chain.number() {
            chain.verify_next(&mut client, &[]);
        }
    }
}

#[test]
fn h06_the_old_set_finalizes_nothing_past_its_change() {
    for delay in [0, 1, 7] {
        let mut chain = TestChain::new(4);
        let old = validators(1, 4);
        let border = chain.add_set_change(validators(2, 4), delay) + delay;
        let last = chain.add_empty(delay + 3);
        let mut client = chain.client();
        client.import_headers(&chain.headers(1..=border)).unwrap();
        // The new set does not finalize the old set's blocks.
        let (new_id, new) = chain.set_for(last);
        assert!(client.import_justification(&chain.justify_by(border, new, new_id)).is_err());
        client.import_justification(&chain.justify(border)).unwrap();
        client.import_headers(&chain.headers(border + 1..=last)).unwrap();
        assert_eq!(
            client.import_justification(&chain.justify_by(last, &old, 0)),
            Err(FinalityError::UnknownAuthority(1))
        );
        assert_eq!(client.finalized().number, border);
        client.import_justification(&chain.justify(last)).unwrap();
    }
}

#[test]
fn h06_a_change_with_the_same_keys_still_changes_the_set_id() {
    let mut chain = TestChain::new(3);
    let border = chain.add_set_change(validators(1, 3), 0);
    let last = chain.add_empty(2);
    let mut client = chain.client();
    chain.finalize(&mut client, border);
    client.import_headers(&chain.headers(border + 1..=last)).unwrap();
    let old_id = chain.justify_by(last, &validators(1, 3), 0);
    assert_eq!(client.import_justification(&old_id), Err(FinalityError::TooFewVotes(1)));
    client.import_justification(&chain.justify(last)).unwrap();
}

#[test]
fn h06_many_changes_in_a_row_are_followed_by_frontier_and_position() {
    let mut chain = TestChain::new(2);
    for seed in 2..12 {
        chain.add_set_change(validators(seed, usize::from(seed)), u32::from(seed) % 3);
        chain.add_empty(u32::from(seed) % 3 + u32::from(seed) % 2);
    }
    let last = chain.add_empty(3);
    // All headers first, then all blocks.
    let mut client = chain.client();
    chain.finalize(&mut client, last);
    assert_eq!((client.authority_set_id(), client.finalized().number), (10, last));
    while client.position().number < last {
        let next = client.position().number + 1;
        let block = client.verify_block(chain.material(next, &[]), &[]).unwrap();
        let snapshot = client.snapshot_after(&block).unwrap();
        client.advance(block).unwrap();
        assert_eq!(client.snapshot(), snapshot);
        // A client that starts from here knows the right set, and a change that waits.
        let mut restored = LightClient::restore(&snapshot, &chain.code(next)).unwrap();
        assert_eq!(restored.position(), client.position());
        if next < last {
            chain.finalize(&mut restored, last);
            assert_eq!(restored.authority_set_id(), 10);
        }
    }
}

/// A chain whose blocks 1 to 3 are executed and 4 to 8 are final, the snapshot there, and another fork from block 3 on.
fn remembering(set_change: bool) -> (TestChain, TestChain, Vec<u8>) {
    let mut chain = TestChain::new(3);
    chain.add_empty(3);
    let mut fork = chain.fork_at(3);
    fork.add_empty(7);
    if set_change {
        chain.add_set_change(validators(5, 3), 1);
    }
    chain.add_empty(10 - chain.number());
    let mut client = chain.client();
    chain.finalize(&mut client, 8);
    for _ in 0..3 {
        chain.verify_next(&mut client, &[]);
    }
    (chain, fork, client.snapshot())
}

#[test]
fn h20_a_restarted_client_executes_no_other_fork_than_the_one_it_knew_to_be_final() {
    for set_change in [false, true] {
        let (chain, fork, snapshot) = remembering(set_change);
        let restore = || LightClient::restore(&snapshot, &chain.code(3)).unwrap();
        let known = BlockId::of(chain.header(8));
        assert_eq!((restore().position().number, restore().finalized()), (3, known));

        // Justifications of the fork are real: whoever made them is a thief of the validators' keys, or all of them.
        for target in 4..=7 {
            let mut client = restore();
            client.import_headers(&fork.headers(4..=7)).unwrap();
            assert_eq!(client.import_headers(&fork.headers(8..=8)), Err(HeaderError::Fork(8)));
            client.import_justification(&fork.justify(target)).unwrap();
            for number in 4..=target {
                let block = fork.material(number, &[]);
                assert!(client.verify_block(block, &[]).is_err(), "{number} by {target}");
            }
            assert_eq!((client.position().number, client.finalized()), (3, known));
            // It is remembered over further restarts.
            let again = LightClient::restore(&client.snapshot(), &chain.code(3)).unwrap();
            assert_eq!(again.finalized(), known);
        }
        // Beyond the known block nothing of the fork is taken.
        let mut client = restore();
        client.import_headers(&fork.headers(4..=7)).unwrap();
        assert_eq!(
            client.import_justification(&fork.justify(9)),
            Err(FinalityError::UnknownTarget { target: 9, frontier: 7 })
        );
        // The right headers take the place of the wrong ones, as long as those are not final.
        let _ = client.import_headers(&chain.headers(4..=8));
        chain.finalize(&mut client, 8);
        assert_eq!(client.finalized(), known);
        assert!(client.import_headers(&fork.headers(4..=4)).is_err());
    }
}

#[test]
fn h20_a_restarted_client_asks_for_the_headers_it_needs_and_goes_on() {
    for set_change in [false, true] {
        let (chain, _, snapshot) = remembering(set_change);
        let mut client = LightClient::restore(&snapshot, &chain.code(3)).unwrap();
        let mut asked = Vec::new();
        while client.finalized().number > client.frontier().number {
            if let Some(range) = client.headers_needed() {
                asked.push(range.clone());
                // Stops at the border of a set by itself.
                let _ = client.import_headers(&chain.headers(range));
            } else {
                let border = client.justification_needed().unwrap();
                client.import_justification(&chain.justify(border)).unwrap();
            }
        }
        assert_eq!(asked, if set_change { vec![4..=8, 6..=8] } else { vec![4..=8] });
        assert_eq!(client.headers_needed(), None);
        for number in 4..=10 {
            assert_eq!(chain.verify_next(&mut client, &[]).number, number);
        }
    }
}

#[test]
fn h06_forced_overlapping_and_impossible_changes_are_refused() {
    let log = |log: ConsensusLog<u32>| DigestItem::Consensus(GRANDPA_ENGINE_ID, log.encode());
    let change =
        |delay| ScheduledChange { next_authorities: crate::testing::authorities(&validators(5, 1)), delay };
    let cases = [
        (log(ConsensusLog::ForcedChange(0, change(0))), HeaderError::ForcedChange as fn(u32) -> HeaderError),
        (scheduled_change(&validators(5, 1), 0), HeaderError::ChangeWhilePending),
        (log(ConsensusLog::ScheduledChange(change(u32::MAX))), HeaderError::ChangeWhilePending),
    ];
    for (item, expected) in cases {
        let mut chain = TestChain::new(2);
        chain.add_set_change(validators(2, 2), 5);
        let content = chain.block().digest(item);
        let number = chain.add(content);
        let mut client = chain.client();
        assert_eq!(client.import_headers(&chain.headers(1..=number)), Err(expected(number)));
        assert_eq!(client.frontier().number, number - 1);
    }
}

#[test]
fn h05_a_restored_client_is_where_the_snapshot_was_taken() {
    let (chain, mut client) = chain_and_client(3, 6);
    client.import_justification(&chain.justify(6)).unwrap();
    for number in 1..=3 {
        let block = client.verify_block(chain.material(number, &[]), &[]).unwrap();
        client.advance(block).unwrap();
    }
    let snapshot = client.snapshot();
    assert_eq!(LightClient::snapshot_code_hash(&snapshot), Ok(client.runtime().code_hash()));
    let restored = LightClient::restore(&snapshot, &chain.code(3)).unwrap();
    assert_eq!((restored.position(), restored.finalized()), (client.position(), client.finalized()));
    assert_eq!(restored.genesis_hash(), client.genesis_hash());
    // It has the headers in between no more.
    let refused = restored.verify_block(chain.material(4, &[]), &[]);
    assert_eq!(refused.err(), Some(BlockError::Thinned(crate::header::Thinned(4..=6))));
    assert!(matches!(
        LightClient::restore(&snapshot, &test_code(METADATA, b"other")),
        Err(RestoreError::Runtime(RuntimeError::OtherCode { .. }))
    ));
}

#[test]
fn p02_a_runtime_upgrade_is_followed() {
    let mut chain = TestChain::new(1);
    let new_code = test_code(METADATA, b"upgraded");
    let upgrade = chain.block().storage(storage_keys::CODE.to_vec(), Some(new_code.clone()));
    chain.add(upgrade);
    let content = chain.block().invoke(shard(), vec![1]);
    chain.add(content);
    let mut client = chain.client();
    chain.finalize(&mut client, 2);
    let old_hash = client.runtime().code_hash();
    let block = client.verify_block(chain.material(1, &[]), &[]).unwrap();
    let new_hash = H256(sp_crypto_hashing::blake2_256(&new_code));
    // The block with the upgrade was executed by the old runtime.
    assert_eq!((block.runtime.code_hash(), block.next_code_hash), (old_hash, Some(new_hash)));
    assert_eq!(client.runtime_needed(), None);
    let snapshot = client.snapshot_after(&block).unwrap();
    client.advance(block).unwrap();
    assert_eq!(client.runtime_needed(), Some(new_hash));
    assert_eq!(
        client.verify_block(chain.material(2, &[]), &[]).unwrap_err(),
        BlockError::RuntimeNeeded(new_hash)
    );
    assert!(matches!(client.provide_runtime(&chain.code(0)), Err(RuntimeError::OtherCode { .. })));
    client.provide_runtime(&new_code).unwrap();
    assert_eq!(client.provide_runtime(&new_code), Err(RuntimeError::NotNeeded));
    let block = client.verify_block(chain.material(2, &[]), &[]).unwrap();
    assert_eq!((block.runtime.code_hash(), block.next_code_hash), (new_hash, None));
    // A restart between the two needs the new code.
    assert_eq!(LightClient::snapshot_code_hash(&snapshot), Ok(new_hash));
    LightClient::restore(&snapshot, &new_code).unwrap();
}

#[test]
fn h02_a_genesis_must_prove_itself() {
    let chain = TestChain::new(2);
    let genuine = chain.genesis_material();
    let error = |material| LightClient::from_genesis(material).unwrap_err();
    let mut later = TestChain::new(2);
    later.add_empty(1);
    let header = later.headers([1]).remove(0);
    assert_eq!(error(GenesisMaterial { header, ..genuine.clone() }), GenesisError::NotGenesis(1));
    let other = TestChain::new(3).genesis_material();
    assert_eq!(
        error(GenesisMaterial { state_proof: other.state_proof, ..genuine.clone() }),
        GenesisError::Proof(ProofError::OtherState)
    );
    assert!(matches!(
        error(GenesisMaterial { code: test_code(METADATA, b"x"), ..genuine.clone() }),
        GenesisError::Runtime(RuntimeError::OtherCode { .. })
    ));
    let nobody = TestChain::with(vec![], &genuine.code, &[]);
    assert_eq!(error(nobody.genesis_material()), GenesisError::NoAuthorities);
}

#[test]
fn p03_a_long_gap_is_followed_and_executed() {
    // Longer than what is kept without thinning; few blocks of it are executed.
    let mut chain = TestChain::new(1);
    chain.add_empty(3);
    let mut client = chain.client();
    client.import_headers(&chain.headers(1..=3)).unwrap();
    let mut parent = chain.header(3).clone();
    let mut first_segment = Vec::new();
    for number in 4..=70_000 {
        let header = Header { number, parent_hash: parent.hash(), ..parent.clone() };
        if number < 16 {
            first_segment.push(header.encode());
        }
        client.import_headers(&[header.encode()]).unwrap();
        parent = header;
    }
    let voters = validators(1, 1);
    let vote = precommit(&voters[0], parent.number, BlockId::of(&parent).hash, 1, 0);
    let justification = sp_consensus_grandpa::GrandpaJustification::<Header> {
        round: 1,
        commit: finality_grandpa::Commit {
            target_hash: parent.hash(),
            target_number: parent.number,
            precommits: vec![vote],
        },
        votes_ancestries: vec![],
    };
    client.import_justification(&justification.encode()).unwrap();
    let needed = client.headers_needed().unwrap();
    assert_eq!(*needed.start(), 1);
    assert!(matches!(client.verify_block(chain.material(1, &[]), &[]), Err(BlockError::Thinned(_))));
    let headers = [chain.headers(1..=3), first_segment].concat();
    client.import_headers(&headers[..*needed.end() as usize]).unwrap();
    assert_eq!(client.headers_needed(), None);
    client.verify_block(chain.material(1, &[]), &[]).unwrap();
}

#[test]
fn p10_a_full_block_is_proven_whatever_fills_it() {
    let mut chain = TestChain::new(1);
    // A body of 5 MiB, and 32 MiB of events that anybody can cause.
    let mut content = chain.block();
    for _ in 0..5 {
        let remark = content.call("System", "remark", vec![7u8; 1024 * 1024 - 200]);
        let extrinsic = content.signed(&remark, &crate::testing::USER);
        content = content.extrinsic(extrinsic, &[]);
    }
    let remarked = content.event("System", "Remarked", (crate::testing::USER, H256::zero()));
    let count = crate::MAX_EVENTS_LEN / (remarked.len() + 2) - 100;
    for _ in 0..count {
        content = content.block_event(crate::Phase::Finalization, remarked.clone());
    }
    let number = chain.add(content.invoke(shard(), vec![3; 384]));
    let events = chain.storage(number, &storage_keys::events()).unwrap().len();
    assert!(events > 31 * 1024 * 1024, "{events} bytes of events");
    assert!(chain.body(number).iter().map(Vec::len).sum::<usize>() > 5 * 1024 * 1024 - 2000);
    let mut client = chain.client();
    let block = chain.verify_next(&mut client, &[storage_keys::timestamp()]);
    // Memory is for what says something: the outcome of seven extrinsics, and the invocation.
    assert_eq!(block.events().len(), 8);
    let found = crate::operations(&block, shard()).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].kind, crate::ShardEventKind::Invoke { cyphertext: vec![3; 384] });
    // Its place among all events of the block counts, not the one among those that are kept.
    assert!(found[0].event_index as usize > count);
}

#[test]
fn p10_more_than_any_block_holds_is_refused_before_it_is_read() {
    let (client, genuine) = final_block();
    let nodes = vec![vec![7; 1024 * 1024]; MAX_STATE_PROOF_LEN / (1024 * 1024) + 1];
    let refused = client.verify_block(BlockMaterial { state_proof: nodes, ..genuine }, &[]).unwrap_err();
    assert!(
        matches!(refused, BlockError::Proof { number: 1, error: ProofError::TooLarge { .. } }),
        "{refused}"
    );
}

proptest! {
    #[test]
    fn h01_any_justification_bytes_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let (_, mut client) = chain_and_client(1, 1);
        prop_assert!(client.import_justification(&bytes).is_err());
    }

    #[test]
    fn h01_a_justification_with_a_flipped_bit_is_refused(index: prop::sample::Index, bit in 0..8u8) {
        let (chain, mut client) = chain_and_client(3, 2);
        let mut bytes = chain.justify(2);
        let index = index.index(bytes.len());
        bytes[index] ^= 1 << bit;
        prop_assert!(client.import_justification(&bytes).is_err());
        prop_assert_eq!(client.finalized().number, 0);
    }
}
