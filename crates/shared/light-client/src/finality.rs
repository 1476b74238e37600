// SPDX-License-Identifier: Apache-2.0
//! GRANDPA justifications.
//!
//! A justification is a list of precommits, each signed over (round, set id, block), and the headers that lead from
//! the blocks voted for down to the target. It finalizes the target when the votes for it or its descendants weigh more
//! than two thirds of the set.
//!
//! The weighing is Parity's (`bp-header-chain`, which secures bridges). Its strict verifier refuses a vote more than two
//! thirds need, and nodes send all they have, so its optimizing one is used, which drops what it does not need; the
//! checks here refuse what no honest node sends: an unknown voter, a vote twice, a vote off the target's chain, an
//! invalid signature on the way to two thirds, a header twice or that no vote needs.

use crate::header::{BlockId, Header};
use bp_header_chain::justification::{
    GrandpaJustification, JustificationVerificationContext, verify_and_optimize_justification,
};
use offstage_primitives::bounded::{DecodeError, decode_bounded};
use sp_core::H256;
use std::collections::{BTreeMap, BTreeSet};

/// The newest final block after a justification.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FinalizedTo {
    /// Its number.
    pub number: u32,
    /// Its hash.
    pub hash: H256,
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
    /// An authority's second vote.
    #[error("an authority votes twice")]
    DuplicateVote,
    /// A vote for a block that is not the target or a proven descendant.
    #[error("a vote is for a block that does not descend from the target")]
    UnrelatedVote,
    /// A signature that does not verify for this round and set.
    #[error("a signature is not valid for this round and authority set {0}")]
    InvalidSignature(u64),
    /// Not more than two thirds.
    #[error("the valid votes weigh two thirds of authority set {0} or less")]
    TooFewVotes(u64),
    /// A header that is there twice or that no vote needs.
    #[error("the justification carries headers that no vote needs")]
    RedundantAncestry,
    /// A promise within this crate is broken.
    #[error("bug: {0}; please report it")]
    Bug(&'static str),
}

/// A decoded justification. Its votes are not verified yet.
pub(crate) struct Justification(GrandpaJustification<Header>);

impl Justification {
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, FinalityError> {
        decode_bounded(bytes, MAX_JUSTIFICATION_LEN).map(Self).map_err(FinalityError::Malformed)
    }

    /// The block that it claims to be final.
    pub(crate) fn target(&self) -> BlockId {
        BlockId { number: self.0.commit.target_number, hash: self.0.commit.target_hash }
    }

    /// Verifies that the set finalized the target.
    pub(crate) fn verify(mut self, context: &JustificationVerificationContext) -> Result<(), FinalityError> {
        let set_id = context.authority_set_id;
        self.check_voters(context)?;
        self.check_ancestry()?;
        let claimed = self.0.commit.precommits.clone();
        let target = self.target();
        verify_and_optimize_justification((target.hash, target.number), context, &mut self.0)
            .map_err(|_| FinalityError::TooFewVotes(set_id))?;
        // The optimizer skips invalid votes and stops at two thirds: what it kept must be what stood first.
        if !claimed.starts_with(&self.0.commit.precommits) {
            return Err(FinalityError::InvalidSignature(set_id));
        }
        Ok(())
    }

    fn check_voters(&self, context: &JustificationVerificationContext) -> Result<(), FinalityError> {
        let mut voters = BTreeSet::new();
        for vote in &self.0.commit.precommits {
            if !context.voter_set.contains(&vote.id) {
                return Err(FinalityError::UnknownAuthority(context.authority_set_id));
            }
            if !voters.insert(&vote.id) {
                return Err(FinalityError::DuplicateVote);
            }
        }
        Ok(())
    }

    /// Every vote must lead to the target through the headers that came along, and every header must be on such a way.
    fn check_ancestry(&self) -> Result<(), FinalityError> {
        let mut headers = BTreeMap::new();
        for header in &self.0.votes_ancestries {
            if headers.insert(header.hash(), (header.parent_hash, header.number)).is_some() {
                return Err(FinalityError::RedundantAncestry);
            }
        }
        let target = self.target();
        let mut visited = BTreeSet::new();
        for vote in &self.0.commit.precommits {
            let voted_for =
                BlockId { number: vote.precommit.target_number, hash: vote.precommit.target_hash };
            let mut at = voted_for;
            while at != target && !visited.contains(&at.hash) {
                let Some((parent, number)) = headers.get(&at.hash) else {
                    return Err(FinalityError::UnrelatedVote);
                };
                if *number != at.number || at.number <= target.number {
                    return Err(FinalityError::UnrelatedVote);
                }
                visited.insert(at.hash);
                at = BlockId { number: at.number.saturating_sub(1), hash: *parent };
            }
        }
        if visited.len() == headers.len() { Ok(()) } else { Err(FinalityError::RedundantAncestry) }
    }
}

/// A vote has 140 bytes: this is room for ten thousand authorities and their ancestry.
pub const MAX_JUSTIFICATION_LEN: usize = 4 * 1024 * 1024;
