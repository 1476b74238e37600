// SPDX-License-Identifier: Apache-2.0
//! Hops along an honest chain, and with every lie about it (rows C13, H1 and H6 of the threat model).

use super::*;
use crate::testing::{TestChain, validators};
use codec::Encode;
use proptest::prelude::*;

fn follower(chain: &TestChain) -> Follower {
    let header = chain.header(0);
    Follower::from_genesis(
        BlockId::of(header).hash,
        &header.encode(),
        &chain.proof(0, &proof_keys(&genesis_keys())),
    )
    .unwrap()
}

fn checkpoint(chain: &TestChain, number: u32) -> Result<Follower, StartError> {
    let header = chain.header(number);
    let proof = chain.proof(number, &proof_keys(&checkpoint_keys()));
    Follower::from_checkpoint(BlockId::of(header).hash, Some(chain.hash(0)), &header.encode(), &proof)
}

/// A chain with changes of the set at blocks 5 and 12, and the one of block 20 with a delay of 4.
fn chain() -> TestChain {
    let mut chain = TestChain::new(4);
    for (length, seed, delay) in [(4, 5, 0), (6, 6, 0), (7, 7, 4)] {
        chain.add_empty(length);
        chain.add_set_change(validators(seed, 4), delay);
    }
    chain.add_empty(20);
    chain
}

fn hop(
    chain: &TestChain,
    follower: &mut Follower,
    headers: std::ops::RangeInclusive<u32>,
) -> Result<BlockId, HopError> {
    let target = *headers.end();
    follower.hop(&chain.headers(headers), &chain.justify(target))
}

#[test]
fn c13_finality_is_followed_by_set_changes() {
    let chain = chain();
    let mut at = follower(&chain);
    assert_eq!(at.genesis_hash(), chain.hash(0));
    for (first, last, set_id) in [(3, 3, 0), (5, 5, 1), (12, 12, 2), (15, 15, 2), (20, 24, 3), (30, 30, 3)] {
        hop(&chain, &mut at, first..=last).unwrap();
        assert_eq!((at.tip().id(), at.authority_set_id()), (BlockId::of(chain.header(last)), set_id));
        // What is kept is what was there.
        at = Follower::from_bytes(&at.to_bytes()).unwrap();
    }
    // What the tip's state holds.
    let keys = vec![storage::timestamp(), vec![7; 20], storage::events()];
    let state = at.tip().read(&keys, &chain.proof(30, &proof_keys(&keys))).unwrap();
    assert_eq!(state.value(&keys[0]), chain.storage(30, &keys[0]));
    assert_eq!(state.value(&keys[1]), None);
    assert_eq!(state.code_hash(), chain.runtime().code_hash());
    assert!(!state.events(chain.runtime()).unwrap().is_empty());
    at.tip().check_body(chain.runtime(), chain.body(30)).unwrap();
    assert!(at.tip().check_body(chain.runtime(), &chain.body(29)[..0]).is_err());
}

#[test]
fn c13_a_change_that_was_passed_before_it_takes_effect_is_seen_later() {
    let chain = chain();
    for stop in [19, 20, 23] {
        let mut at = follower(&chain);
        for border in [5, 12, stop] {
            hop(&chain, &mut at, border..=border).unwrap();
        }
        hop(&chain, &mut at, 20..=24).unwrap();
        assert_eq!(at.authority_set_id(), 3);
        // A change that took effect long ago is not taken for another one.
        hop(&chain, &mut at, 5..=25).unwrap();
        assert_eq!(at.authority_set_id(), 3);
    }
}

#[test]
fn c13_every_lie_about_finality_is_refused() {
    let chain = chain();
    let mut fork = chain.fork_at(4);
    fork.add_empty(30);
    let at = follower(&chain);
    let refused = |at: &Follower, headers: Vec<Vec<u8>>, justification: Vec<u8>| {
        let mut after = at.clone();
        let error = after.hop(&headers, &justification).unwrap_err();
        assert_eq!(&after, at, "a refused hop changed something");
        error
    };
    let few = |set_id| HopError::Finality(FinalityError::TooFewVotes(set_id));
    let unknown = |set_id| HopError::Finality(FinalityError::UnknownAuthority(set_id));
    // A later set is not known before the one before has ended.
    assert_eq!(refused(&at, chain.headers([6]), chain.justify(6)), unknown(0));
    // Another header than the justified one, none, or one of a fork.
    for headers in [vec![], chain.headers([2]), fork.headers([5])] {
        assert_eq!(refused(&at, headers, chain.justify(5)), HopError::OtherHeader(5));
    }
    // Headers that do not link.
    for headers in [chain.headers([2, 5]), [fork.headers([6]), chain.headers([5])].concat()] {
        assert!(matches!(refused(&at, headers, chain.justify(5)), HopError::Header(HeaderError::Fork(5))));
    }
    assert!(matches!(refused(&at, vec![vec![1]], chain.justify(5)), HopError::Header(_)));
    // Too few votes, those of strangers, of another set id, of the wrong kind.
    let (_, voters) = chain.set_for(5);
    assert_eq!(refused(&at, chain.headers([5]), chain.justify_by(5, &voters[..2], 0)), few(0));
    assert_eq!(refused(&at, chain.headers([5]), chain.justify_by(5, voters, 1)), few(0));
    assert_eq!(refused(&at, chain.headers([5]), chain.justify_by(5, &validators(5, 4), 0)), unknown(0));
    assert!(matches!(
        refused(&at, chain.headers([5]), vec![9; 40]),
        HopError::Finality(FinalityError::Malformed(_))
    ));
    let many = vec![Vec::new(); MAX_HOP_HEADERS + 1];
    assert!(matches!(refused(&at, many, chain.justify(5)), HopError::TooManyHeaders(_)));
    // Nothing behind what is known, and nothing of a set that has ended.
    let mut later = at.clone();
    hop(&chain, &mut later, 5..=5).unwrap();
    assert!(matches!(
        refused(&later, chain.headers([4]), chain.justify(4)),
        HopError::Finality(FinalityError::NotNewer { target: 4, finalized: 5 })
    ));
    for set_id in [0, 1] {
        assert_eq!(refused(&later, chain.headers([8]), chain.justify_by(8, voters, set_id)), unknown(1));
    }
    // A set that signs beyond its own border breaks GRANDPA's rules.
    let (set_id, voters) = chain.set_for(20);
    hop(&chain, &mut later, 12..=12).unwrap();
    let beyond = chain.justify_by(25, voters, set_id);
    assert_eq!(
        refused(&later, chain.headers(20..=25), beyond),
        HopError::Finality(FinalityError::PastSetChange(24))
    );
}

#[test]
fn c13_a_start_is_what_was_pinned() {
    let chain = chain();
    let genesis = chain.header(0);
    let proof = chain.proof(0, &proof_keys(&genesis_keys()));
    let start = |pinned, number: u32, proof: &[Vec<u8>]| {
        Follower::from_genesis(pinned, &chain.header(number).encode(), proof).unwrap_err()
    };
    assert_eq!(start(BlockHash::zero(), 0, &proof), StartError::OtherBlock(BlockId::of(genesis).hash));
    let one = chain.hash(1);
    assert_eq!(start(one, 1, &chain.proof(1, &proof_keys(&genesis_keys()))), StartError::NotGenesis(1));
    // The state of another block, whose authorities may be others.
    let other = chain.proof(6, &proof_keys(&genesis_keys()));
    assert_eq!(start(BlockId::of(genesis).hash, 0, &other), StartError::Proof(ProofError::OtherState));
    assert_eq!(start(BlockId::of(genesis).hash, 0, &[]), StartError::Proof(ProofError::OtherState));
}

#[test]
fn c13_a_checkpoint_is_of_the_pinned_chain_and_leads_on() {
    let chain = chain();
    for (number, set_id) in [(4, 0), (5, 1), (8, 1), (12, 2), (24, 3), (30, 3)] {
        let mut at = checkpoint(&chain, number).unwrap();
        assert_eq!((at.authority_set_id(), at.genesis_hash()), (set_id, chain.hash(0)));
        let (next, _) = [(5, 0), (12, 1), (19, 2), (40, 3)][set_id as usize];
        if set_id != 2 {
            hop(&chain, &mut at, next..=next).unwrap();
        }
    }
    assert_eq!(checkpoint(&chain, 0).unwrap_err(), StartError::IsGenesis);
    assert_eq!(checkpoint(&chain, 20).unwrap_err(), StartError::ChangePending(20));
    let header = chain.header(8);
    let proof = chain.proof(8, &proof_keys(&checkpoint_keys()));
    let elsewhere = Follower::from_checkpoint(
        BlockId::of(header).hash,
        Some(BlockHash::zero()),
        &header.encode(),
        &proof,
    );
    let found = chain.hash(0);
    assert_eq!(elsewhere.unwrap_err(), StartError::OtherChain { found, expected: BlockHash::zero() });
    let other = Follower::from_checkpoint(BlockHash::zero(), None, &header.encode(), &proof);
    assert_eq!(other.unwrap_err(), StartError::OtherBlock(BlockId::of(header).hash));
    let not_its_own = chain.proof(9, &proof_keys(&checkpoint_keys()));
    let forged = Follower::from_checkpoint(BlockId::of(header).hash, None, &header.encode(), &not_its_own);
    assert_eq!(forged.unwrap_err(), StartError::Proof(ProofError::OtherState));
}

#[test]
fn c13_blocks_below_a_final_one_are_final_and_others_are_not() {
    let chain = chain();
    let fork = {
        let mut fork = chain.fork_at(2);
        fork.add_empty(1);
        fork
    };
    let mut at = follower(&chain);
    hop(&chain, &mut at, 5..=5).unwrap();
    let tip = at.tip();
    let header = |number: u32| chain.header(number).encode();
    let proof = |number| chain.proof(5, &proof_keys(&[storage::block_hash(number)]));
    let parent = tip.parent(&header(4)).unwrap();
    assert_eq!(parent.id(), BlockId::of(chain.header(4)));
    for number in [0, 1, 3, 4] {
        let below = tip.ancestor(number, &header(number), &proof(number)).unwrap();
        assert_eq!(below.id(), BlockId::of(chain.header(number)));
    }
    assert!(matches!(tip.parent(&header(3)), Err(AncestorError::OtherBlock(_))));
    let forged = fork.header(3).encode();
    assert!(matches!(tip.ancestor(3, &forged, &proof(3)), Err(AncestorError::OtherBlock(_))));
    assert!(matches!(tip.ancestor(3, &header(3), &proof(4)), Err(AncestorError::Proof(_))));
    assert_eq!(
        tip.ancestor(5, &header(5), &proof(5)).unwrap_err(),
        AncestorError::Forgotten { number: 5, tip: 5 }
    );
}

#[test]
fn a_damaged_follower_is_refused_or_is_another_one() {
    let chain = chain();
    let mut at = follower(&chain);
    hop(&chain, &mut at, 5..=5).unwrap();
    let bytes = at.to_bytes();
    for index in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[index] ^= 1;
        assert!(Follower::from_bytes(&changed).map_or(true, |other| other.to_bytes() == changed));
    }
    assert!(Follower::from_bytes(&bytes[..bytes.len() - 1]).is_err());
    assert!(Follower::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
}

proptest! {
    #[test]
    fn any_bytes_are_a_follower_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Follower::from_bytes(&[FOLLOWER_DOMAIN, &bytes].concat());
    }
}
