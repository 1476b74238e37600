// SPDX-License-Identifier: Apache-2.0
//! The GRANDPA authority set, tracked from digests.
//!
//! A header may carry `ScheduledChange { next_authorities, delay }`: the set changes when the block `delay` heights
//! above is finalized, by the old set. From the next block on only the new set, with the next set id, finalizes. So
//! there is never more than one change to remember: nothing beyond the change's block is taken in before that block is
//! final.
//!
//! `ForcedChange` is refused: it takes effect without the old set's votes, so nothing but a node's word speaks for it.
//! `OnDisabled`, `Pause` and `Resume` speak to voters and change no set (the node ignores them on import, too).

use crate::{
    finality::Voters,
    header::{Header, HeaderError},
};
use codec::{Decode, Encode};
use finality_grandpa::voter_set::VoterSet;
use sp_consensus_grandpa::{AuthorityList, ConsensusLog, GRANDPA_ENGINE_ID, ScheduledChange};
use sp_runtime::{DigestItem, generic::OpaqueDigestItemId};

/// The current set and the change that waits, as of one block.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Authorities {
    set: AuthorityList,
    set_id: u64,
    pending: Option<PendingChange>,
}

#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
struct PendingChange {
    /// The block whose header announced it. Not in snapshots: those are of executed blocks, which nothing takes back.
    #[codec(skip)]
    announced: u32,
    /// The last block of the current set.
    effective: u32,
    next: AuthorityList,
}

impl Authorities {
    /// The set of genesis, or `None` if it cannot vote.
    pub(crate) fn genesis(set: AuthorityList) -> Option<Self> {
        can_vote(&set).then_some(Self { set, set_id: 0, pending: None })
    }

    /// The set that finalizes the next block, where no change waits, or `None` if it cannot vote.
    pub(crate) fn current(set: AuthorityList, set_id: u64) -> Option<Self> {
        can_vote(&set).then_some(Self { set, set_id, pending: None })
    }

    /// Takes note of what the next header of the chain announces. Unchanged on error.
    pub(crate) fn observe(&mut self, header: &Header) -> Result<(), HeaderError> {
        let Some(change) = announced_change(header)? else { return Ok(()) };
        let number = header.number;
        if self.pending.is_some() {
            return Err(HeaderError::ChangeWhilePending(number));
        }
        if !can_vote(&change.next_authorities) {
            return Err(HeaderError::InvalidAuthorities(number));
        }
        let effective = number.checked_add(change.delay).ok_or(HeaderError::Overflow(number))?;
        self.pending = Some(PendingChange { announced: number, effective, next: change.next_authorities });
        Ok(())
    }

    /// Takes note of what a header at or below the final block `passed` announced, if that has not taken effect with
    /// it and is not known already. Unchanged on error.
    pub(crate) fn observe_late(&mut self, header: &Header, passed: u32) -> Result<(), HeaderError> {
        let waits = announced_change(header)?.is_some_and(|change| {
            header.number.checked_add(change.delay).is_none_or(|border| border > passed)
        });
        if waits && self.pending.is_none() { self.observe(header) } else { Ok(()) }
    }

    /// Takes note that the block at `number` is final: a change that is due takes effect.
    pub(crate) fn finalized(&mut self, number: u32) {
        match self.pending.take() {
            Some(change) if number >= change.effective => {
                self.set = change.next;
                self.set_id = self.set_id.saturating_add(1);
            }
            other => self.pending = other,
        }
    }

    /// Forgets what headers above `number` announced, none of which is final.
    pub(crate) fn rewind(&mut self, number: u32) {
        self.pending.take_if(|change| change.announced > number);
    }

    /// The last block that the current set may finalize, if a change waits.
    pub(crate) fn boundary(&self) -> Option<u32> {
        self.pending.as_ref().map(|change| change.effective)
    }

    pub(crate) fn set_id(&self) -> u64 {
        self.set_id
    }

    /// Whether this is a state that [`genesis`](Self::genesis), [`observe`](Self::observe) and
    /// [`finalized`](Self::finalized) can lead to.
    pub(crate) fn is_sound(&self) -> bool {
        can_vote(&self.set) && self.pending.as_ref().is_none_or(|change| can_vote(&change.next))
    }

    /// What a justification is verified against; `None` only for a set that cannot vote.
    pub(crate) fn voters(&self) -> Option<Voters> {
        Some(Voters { set_id: self.set_id, set: VoterSet::new(self.set.iter().cloned())? })
    }
}

/// The change that a header schedules: the earliest such digest counts (sp-consensus-grandpa, `ConsensusLog`).
pub(crate) fn announced_change(header: &Header) -> Result<Option<ScheduledChange<u32>>, HeaderError> {
    let mut scheduled = None;
    for log in header.digest.logs().iter().filter_map(consensus_log) {
        match log {
            ConsensusLog::ForcedChange(..) => return Err(HeaderError::ForcedChange(header.number)),
            ConsensusLog::ScheduledChange(change) => {
                scheduled.get_or_insert(change);
            }
            ConsensusLog::OnDisabled(_) | ConsensusLog::Pause(_) | ConsensusLog::Resume(_) => {}
        }
    }
    Ok(scheduled)
}

/// Read as nodes read it, so that client and nodes see the same changes: what does not decode is no GRANDPA log.
fn consensus_log(item: &DigestItem) -> Option<ConsensusLog<u32>> {
    item.try_to(OpaqueDigestItemId::Consensus(&GRANDPA_ENGINE_ID))
}

fn can_vote(set: &AuthorityList) -> bool {
    set.iter().all(|(_, weight)| *weight > 0) && VoterSet::new(set.iter().cloned()).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sp_consensus_grandpa::AuthorityId;
    use sp_core::{H256, crypto::UncheckedFrom};
    use sp_runtime::{Digest, traits::Header as _};

    fn set(seed: u8) -> AuthorityList {
        vec![(AuthorityId::from(sp_core::ed25519::Public::unchecked_from([seed; 32])), 1)]
    }

    fn header(number: u32, logs: Vec<ConsensusLog<u32>>) -> Header {
        let logs =
            logs.iter().map(|log| DigestItem::Consensus(GRANDPA_ENGINE_ID, log.encode())).collect::<Vec<_>>();
        Header::new(number, H256::zero(), H256::zero(), H256::zero(), Digest { logs })
    }

    fn change(seed: u8, delay: u32) -> ConsensusLog<u32> {
        ConsensusLog::ScheduledChange(ScheduledChange { next_authorities: set(seed), delay })
    }

    #[test]
    fn a_change_takes_effect_when_its_block_is_final() {
        for delay in [0, 1, 7] {
            let mut authorities = Authorities::genesis(set(1)).unwrap();
            authorities.observe(&header(10, vec![change(2, delay)])).unwrap();
            assert_eq!(authorities.boundary(), Some(10 + delay));
            authorities.finalized(9 + delay);
            assert_eq!((authorities.set_id, &authorities.set), (0, &set(1)));
            authorities.finalized(10 + delay);
            assert_eq!((authorities.set_id, &authorities.set), (1, &set(2)));
            assert_eq!(authorities.boundary(), None);
        }
    }

    #[test]
    fn a_change_whose_header_is_taken_back_is_forgotten_and_an_older_one_is_not() {
        let mut authorities = Authorities::genesis(set(1)).unwrap();
        authorities.observe(&header(10, vec![change(2, 7)])).unwrap();
        authorities.rewind(10);
        assert_eq!(authorities.boundary(), Some(17));
        // What a snapshot holds was announced by an executed block.
        let mut restored = Authorities::decode(&mut &authorities.encode()[..]).unwrap();
        restored.rewind(10);
        assert_eq!(restored.boundary(), Some(17));
        authorities.rewind(9);
        assert_eq!(authorities, Authorities::genesis(set(1)).unwrap());
    }

    #[test]
    fn h06_a_forced_change_is_refused_wherever_it_stands() {
        let forced = ConsensusLog::ForcedChange(1, ScheduledChange { next_authorities: set(2), delay: 0 });
        let mut authorities = Authorities::genesis(set(1)).unwrap();
        for logs in [vec![forced.clone()], vec![change(3, 0), forced]] {
            assert_eq!(authorities.observe(&header(5, logs)), Err(HeaderError::ForcedChange(5)));
        }
        assert_eq!(authorities, Authorities::genesis(set(1)).unwrap());
    }

    #[test]
    fn the_earliest_of_two_changes_counts_and_no_second_may_wait() {
        let mut authorities = Authorities::genesis(set(1)).unwrap();
        authorities.observe(&header(5, vec![ConsensusLog::Pause(3), change(2, 3), change(3, 1)])).unwrap();
        assert_eq!(authorities.boundary(), Some(8));
        assert_eq!(
            authorities.observe(&header(6, vec![change(4, 0)])),
            Err(HeaderError::ChangeWhilePending(6))
        );
        authorities.finalized(8);
        assert_eq!(authorities.set, set(2));
    }

    #[test]
    fn a_set_that_cannot_vote_is_refused() {
        let mut authorities = Authorities::genesis(set(1)).unwrap();
        let nobody = (set(1)[0].0.clone(), 0);
        for next_authorities in [vec![], vec![nobody.clone()], [set(2), vec![nobody]].concat()] {
            let log = ConsensusLog::ScheduledChange(ScheduledChange { next_authorities, delay: 0 });
            assert_eq!(authorities.observe(&header(5, vec![log])), Err(HeaderError::InvalidAuthorities(5)));
        }
        let log =
            ConsensusLog::ScheduledChange(ScheduledChange { next_authorities: set(2), delay: u32::MAX });
        assert_eq!(authorities.observe(&header(5, vec![log])), Err(HeaderError::Overflow(5)));
    }

    /// A snapshot is believed, so one that nothing can lead to is refused before.
    #[test]
    fn a_state_that_nothing_leads_to_is_not_sound() {
        let sound = Authorities::genesis(set(1)).unwrap();
        let pending = |next| Some(PendingChange { announced: 0, effective: 9, next });
        let [none, good, bad] = [None, pending(set(2)), pending(vec![])];
        for (set, pending, is_sound) in [
            (set(1), none.clone(), true),
            (set(1), good.clone(), true),
            (set(1), bad.clone(), false),
            (vec![], none, false),
            (vec![], good, false),
            (vec![], bad, false),
        ] {
            assert_eq!(Authorities { set, pending, ..sound.clone() }.is_sound(), is_sound);
        }
    }
}
