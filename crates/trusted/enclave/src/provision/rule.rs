// SPDX-License-Identifier: Apache-2.0
//! Who gets the shielding key and who may give it, by the judge's *own verified chain*.
//!
//! # Attacks
//! Evidence says that a peer is genuine; it does not say which chain it follows, and it stays good for long. So a host
//! could
//! - run a genuine enclave on a fork that an authority set of former days signed, with any root certificate it likes
//!   (threat model H18): on the real chain there is no registration of that start, and the fork's newest block is not
//!   on it;
//! - freeze a provider before a revocation, a tighter policy or another measurement (H19): it never sees the
//!   registration of a start that came later, nor the block that the asker names;
//! - name a provider that is genuine, but that the chain does not know, any more or at all (H22): the asker looks for
//!   the provider's registration in the same way.
//!
//! What the chain has registered was judged by its policy and its collateral, at a time that is not long past.

use super::message::{Ask, Refusal};
use crate::{ingest::Birth, registry::Registrations, view::AttestationPolicy};
use offstage_attestation::VerifiedIdentity;
use offstage_protocol::BlockReference;
use std::{collections::VecDeque, sync::Arc};

/// What a verified chain says of peers, at one block.
#[derive(Clone, Default)]
pub struct ProvenChain {
    /// The shard's registrations that count.
    pub(crate) registrations: Arc<Registrations>,
    /// The newest blocks.
    pub(crate) recent: RecentBlocks,
    /// How the shard was born.
    pub(crate) birth: Option<Birth>,
    /// Whether the measurement that the shard allows has been known for long enough to get the key (threat model P13).
    pub(crate) is_notice_over: bool,
}

impl ProvenChain {
    /// Whether the peer, whose evidence is verified, is registered with this very evidence's report data.
    ///
    /// # Errors
    /// The refusal that the peer is told.
    pub(super) fn check_peer(
        &self,
        peer: &VerifiedIdentity,
        policy: &AttestationPolicy,
    ) -> Result<(), Refusal> {
        let now_ms = policy.now_secs.saturating_mul(1000);
        if !self.registrations.lists(peer.signer(), peer.binding(), &policy.measurement, now_ms) {
            return Err(Refusal::NotRegistered);
        }
        if !self.is_notice_over {
            return Err(Refusal::Notice);
        }
        Ok(())
    }

    /// Whether the asker follows the same chain: the shard's birth and the newest final block that it names are on it.
    ///
    /// # Errors
    /// The refusal that the peer is told.
    pub(super) fn check_blocks(&self, ask: &Ask) -> Result<(), Refusal> {
        let birth = self.birth.as_ref().ok_or(Refusal::NotServing)?;
        if birth.shielding_key != ask.born_key {
            return Err(Refusal::AnotherKey);
        }
        if birth.block != ask.birth {
            return Err(Refusal::AnotherChain);
        }
        match self.recent.is_on_chain(ask.newest) {
            Some(true) => Ok(()),
            Some(false) => Err(Refusal::AnotherChain),
            None => Err(Refusal::NotYet),
        }
    }
}

/// The newest blocks that an enclave followed in this start; a clone is cheap.
#[derive(Clone, Default)]
pub struct RecentBlocks(Arc<VecDeque<BlockReference>>);

impl RecentBlocks {
    /// The next block of the chain.
    pub(crate) fn push(&mut self, block: BlockReference) {
        let mut blocks = VecDeque::clone(&self.0);
        blocks.push_back(block);
        if blocks.len() > WINDOW {
            blocks.pop_front();
        }
        self.0 = Arc::new(blocks);
    }

    /// `None` when the block is newer than these, or older.
    fn is_on_chain(&self, block: BlockReference) -> Option<bool> {
        let known = self.0.iter().find(|known| known.number == block.number)?;
        Some(known.hash == block.hash)
    }
}

/// Blocks that are remembered: an asker's newest final block may be so far behind its provider's.
const WINDOW: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use offstage_primitives::{BlockHash, H256};

    #[test]
    fn the_window_holds_the_newest_blocks_and_no_others() {
        let block =
            |number: u32| BlockReference { number, hash: H256::from_low_u64_be(number.into()).into() };
        let mut recent = RecentBlocks::default();
        assert_eq!(recent.is_on_chain(block(1)), None);
        for number in 1..=300 {
            recent.push(block(number));
        }
        for (asked, expected) in [(300, Some(true)), (45, Some(true)), (44, None), (301, None)] {
            assert_eq!(recent.is_on_chain(block(asked)), expected, "{asked}");
        }
        let fork = BlockReference { number: 300, hash: BlockHash::zero() };
        assert_eq!(recent.is_on_chain(fork), Some(false));
    }
}
