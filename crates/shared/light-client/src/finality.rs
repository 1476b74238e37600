// SPDX-License-Identifier: Apache-2.0
//! GRANDPA justifications.
//!
//! A justification is a list of precommits, each signed over (round, set id, block), and the headers that lead from
//! the blocks voted for down to the target. It finalizes the target when the votes for it or its descendants weigh more
//! than two thirds of the set.
//!
//! # What counts
//! As Substrate's own verifier counts (finality-grandpa, `validate_commit`), with each authority's weight once:
//!
//! - a vote for the target, or for a block from which the headers lead down to the target;
//! - two different votes of one authority in the round, whatever they are for. That is an equivocation: whoever does it
//!   could as well have voted for this block, so GRANDPA's bound on dishonest authorities covers it already, and nodes
//!   store it in their justifications.
//!
//! A vote for something else and a header that no vote needs are passed over: they are in what honest nodes send and
//! finalize nothing. What no honest node sends is refused: an unknown voter, a third vote, an invalid signature on the
//! way to two thirds.
//!
//! # Attacks
//! A host may send any list. What costs time (signatures, walks along headers) is done at most twice for each authority
//! and once for each header.

use crate::header::{BlockId, Header, parent_hash};
use finality_grandpa::{Message, SignedPrecommit, voter_set::VoterSet};
use offstage_primitives::{
    BlockHash,
    bounded::{DecodeError, decode_bounded},
};
use sp_consensus_grandpa::{
    AuthorityId, AuthoritySignature, GrandpaJustification, check_message_signature_with_buffer,
};
use sp_core::H256;
use std::collections::BTreeMap;

/// The newest final block after a justification.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FinalizedTo {
    /// Its number.
    pub number: u32,
    /// Its hash.
    pub hash: BlockHash,
}

/// Why a justification was refused. Nothing becomes final by it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FinalityError {
    /// Not a justification.
    #[error("justification cannot be decoded: {0}; send the bytes of GRANDPA's engine (FRNK)")]
    Malformed(DecodeError),
    /// Its target is final already.
    #[error("block {target} is not newer than the finalized block {finalized}; send a later justification")]
    NotNewer {
        /// The block it would finalize.
        target: u32,
        /// The newest final block.
        finalized: u32,
    },
    /// Its target's header was not imported.
    #[error("block {target} is beyond the newest imported header {frontier}; send the headers first")]
    UnknownTarget {
        /// The block it would finalize.
        target: u32,
        /// The newest imported header.
        frontier: u32,
    },
    /// Its target is not on the imported chain.
    #[error(
        "block {0} of the justification is of another fork than the imported headers; send those of the finalized chain"
    )]
    Fork(u32),
    /// The target's header left memory.
    #[error(transparent)]
    Thinned(#[from] crate::header::Thinned),
    /// The old set may not finalize beyond its last block.
    #[error("the authority set ends at block {0}; send a justification for exactly this block first")]
    PastSetChange(u32),
    /// A vote of somebody who is not in the current set.
    #[error("a voter is not in authority set {0}; send a justification by this set")]
    UnknownAuthority(u64),
    /// An authority's third vote.
    #[error("an authority votes more than twice; send another justification for this block")]
    TooManyVotes,
    /// A signature that does not verify for this round and set.
    #[error(
        "a signature is not valid for this round and authority set {0}; send another justification for this block"
    )]
    InvalidSignature(u64),
    /// Not more than two thirds.
    #[error(
        "the valid votes weigh two thirds of authority set {0} or less; send another justification for this block"
    )]
    TooFewVotes(u64),
    /// A promise within this crate is broken.
    #[error("bug: {0}; please report it")]
    Bug(&'static str),
}

impl FinalityError {
    /// Whether it is about the votes alone, so that another justification for the same block may do: a node has its
    /// own, the one of its peer, and the one that it proves finality with.
    pub fn another_may_do(&self) -> bool {
        match self {
            Self::Malformed(_)
            | Self::UnknownAuthority(_)
            | Self::TooManyVotes
            | Self::InvalidSignature(_)
            | Self::TooFewVotes(_) => true,
            Self::NotNewer { .. }
            | Self::UnknownTarget { .. }
            | Self::Fork(_)
            | Self::Thinned(_)
            | Self::PastSetChange(_)
            | Self::Bug(_) => false,
        }
    }
}

/// Who may finalize a block.
#[derive(Clone, Debug)]
pub(crate) struct Voters {
    pub(crate) set_id: u64,
    pub(crate) set: VoterSet<AuthorityId>,
}

/// A decoded justification. Its votes are not verified yet.
pub(crate) struct Justification(GrandpaJustification<Header>);

impl Justification {
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, FinalityError> {
        decode_bounded(bytes, MAX_JUSTIFICATION_LEN).map(Self).map_err(FinalityError::Malformed)
    }

    /// The block that it claims to be final.
    pub(crate) fn target(&self) -> BlockId {
        BlockId { number: self.0.commit.target_number, hash: self.0.commit.target_hash.into() }
    }

    /// Verifies that the set finalized the target.
    pub(crate) fn verify(&self, voters: &Voters) -> Result<(), FinalityError> {
        let set_id = voters.set_id;
        let threshold = voters.set.threshold().get();
        let mut ancestry = Ancestry::new(self.target(), &self.0.votes_ancestries);
        let mut ballots: BTreeMap<&AuthorityId, Ballot> = BTreeMap::new();
        let mut buffer = Vec::new();
        let mut weight = 0u64;
        let mut is_all_valid = true;
        for vote in &self.0.commit.precommits {
            if weight >= threshold {
                break;
            }
            let info = voters.set.get(&vote.id).ok_or(FinalityError::UnknownAuthority(set_id))?;
            let ballot = ballots.entry(&vote.id).or_default();
            let target = target_of(vote);
            match &mut ballot.votes {
                // The same vote twice says nothing more.
                [Some(known), _] | [_, Some(known)] if known.target == target => continue,
                [Some(_), Some(_)] => return Err(FinalityError::TooManyVotes),
                [first @ None, _] | [_, first @ None] => {
                    let is_valid = check_message_signature_with_buffer(
                        &Message::Precommit(vote.precommit.clone()),
                        &vote.id,
                        &vote.signature,
                        self.0.round,
                        set_id,
                        &mut buffer,
                    )
                    .is_valid();
                    *first = Some(Vote { target, is_valid });
                    is_all_valid &= is_valid;
                }
            }
            if !ballot.is_counted && ballot.counts(&mut ancestry) {
                ballot.is_counted = true;
                weight = weight.saturating_add(info.weight().get());
            }
        }
        if weight < threshold {
            return Err(FinalityError::TooFewVotes(set_id));
        }
        if is_all_valid { Ok(()) } else { Err(FinalityError::InvalidSignature(set_id)) }
    }
}

fn target_of(vote: &SignedPrecommit<H256, u32, AuthoritySignature, AuthorityId>) -> BlockId {
    BlockId { number: vote.precommit.target_number, hash: vote.precommit.target_hash.into() }
}

/// What one authority voted for: one block, or two if it equivocated.
#[derive(Default)]
struct Ballot {
    votes: [Option<Vote>; 2],
    is_counted: bool,
}

struct Vote {
    target: BlockId,
    is_valid: bool,
}

impl Ballot {
    /// Whether the authority's weight counts for the target.
    fn counts(&self, ancestry: &mut Ancestry) -> bool {
        let mut valid = self.votes.iter().flatten().filter(|vote| vote.is_valid);
        match (valid.next(), valid.next()) {
            (Some(_), Some(_)) => true,
            (Some(vote), None) => ancestry.leads_to_target(vote.target),
            (None, _) => false,
        }
    }
}

/// The headers between the target and the blocks voted for.
struct Ancestry {
    target: BlockId,
    /// Number and parent by hash.
    headers: BTreeMap<BlockHash, (u32, BlockHash)>,
    /// Of the headers that were walked along, whether they lead to the target.
    walked: BTreeMap<BlockHash, bool>,
}

impl Ancestry {
    fn new(target: BlockId, headers: &[Header]) -> Self {
        let headers = headers
            .iter()
            .map(|header| (BlockId::of(header).hash, (header.number, parent_hash(header))))
            .collect();
        Self { target, headers, walked: BTreeMap::new() }
    }

    /// Whether a block is the target or the headers lead from it down to the target.
    fn leads_to_target(&mut self, block: BlockId) -> bool {
        let mut at = block;
        let mut way = Vec::new();
        let leads = loop {
            if at == self.target {
                break true;
            }
            match self.headers.get(&at.hash) {
                Some((number, parent)) if *number == at.number && at.number > self.target.number => {
                    if let Some(known) = self.walked.get(&at.hash) {
                        break *known;
                    }
                    way.push(at.hash);
                    at = BlockId { number: at.number.saturating_sub(1), hash: *parent };
                }
                _ => break false,
            }
        };
        self.walked.extend(way.into_iter().map(|hash| (hash, leads)));
        leads
    }
}

/// A vote has 140 bytes: this is room for ten thousand authorities and their ancestry.
pub const MAX_JUSTIFICATION_LEN: usize = 4 * 1024 * 1024;
