// SPDX-License-Identifier: Apache-2.0
//! The imported, not yet executed headers, in constant memory.
//!
//! A gap without execution may be millions of headers long. All their hashes would not fit, and all are needed: a block
//! is executed only if its hash is on the chain that leads to the finalized one. So the trail keeps *marks*, at first
//! every header. When there are [`MAX_MARKS`] of them, every second goes, and new ones are kept at the doubled stride.
//! Before a block whose hash is gone can be executed, its stretch between two marks must be imported again; the stretch
//! is believed when it links both marks. No stretch is longer than the stride, so memory is bounded by `MAX_MARKS +
//! 2^32 / MAX_MARKS` hashes whatever the gap.
//!
//! # Forks
//! Nothing follows from a header before it is final, so until then the host may change its mind: a header that
//! continues a known one takes the place of the one that was there, and of all above it. A lie about headers therefore
//! costs the host nothing but the lie, however long it is: the finalized block is always known. Below it a fork is
//! refused.

use crate::header::{BlockId, Header, HeaderError, Thinned, parent_hash};
use offstage_primitives::BlockHash;
use std::collections::BTreeMap;

/// Hashes between the last executed block and the newest imported header.
#[derive(Clone, Debug)]
pub(crate) struct Trail {
    executed: BlockId,
    finalized: BlockId,
    tip: BlockId,
    /// By number, all above `executed`.
    marks: BTreeMap<u32, BlockHash>,
    /// Of the numbers that are kept as marks from now on. A power of two.
    stride: u32,
    /// A stretch that was imported again, by number; linked at both ends.
    recalled: BTreeMap<u32, BlockHash>,
    /// A stretch that is being imported again.
    building: Option<Stretch>,
}

/// Headers that follow a known one and must reach the next known one.
#[derive(Clone, Debug)]
struct Stretch {
    hashes: BTreeMap<u32, BlockHash>,
    last: BlockId,
}

/// What a new header is to the trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// It continues the frontier.
    Next,
    /// It continues this block below the frontier, where another header is known that is not final.
    Instead(u32),
    /// It is at or below the frontier: known, or of a stretch that is imported again.
    Inside,
}

impl Trail {
    pub(crate) fn new(executed: BlockId) -> Self {
        Self {
            executed,
            finalized: executed,
            tip: executed,
            marks: BTreeMap::new(),
            stride: 1,
            recalled: BTreeMap::new(),
            building: None,
        }
    }

    /// Where a header, whose name is `id`, belongs; an error if nowhere.
    pub(crate) fn place(&self, header: &Header, id: BlockId) -> Result<Place, HeaderError> {
        let number = id.number;
        if number <= self.executed.number {
            return Err(HeaderError::Executed(number));
        }
        if number <= self.tip.number {
            let below = number.saturating_sub(1);
            // Above the finalized block nothing is imported again, so one whose hash was thinned away counts as
            // another.
            let is_another = self.known(number) != Some(id.hash);
            let continues = self.known(below) == Some(parent_hash(header));
            if number > self.finalized.number && is_another && continues {
                return Ok(Place::Instead(below));
            }
            return Ok(Place::Inside);
        }
        if self.tip.number.checked_add(1) != Some(number) {
            return Err(HeaderError::OutOfOrder { number, frontier: self.tip.number });
        }
        if parent_hash(header) != self.tip.hash {
            return Err(HeaderError::Fork(number));
        }
        Ok(Place::Next)
    }

    /// Forgets the headers above `number`, none of which is final. That one's hash must be known.
    pub(crate) fn rewind(&mut self, number: u32) {
        let Some(hash) = self.known(number) else { return };
        self.tip = BlockId { number, hash };
        let above = number.saturating_add(1);
        drop(self.marks.split_off(&above));
        drop(self.recalled.split_off(&above));
        self.building = None;
        self.keep_every_header_of_a_short_gap();
    }

    /// Adds a header whose place is [`Place::Next`].
    pub(crate) fn push(&mut self, tip: BlockId) {
        self.tip = tip;
        if tip.number.checked_rem(self.stride) == Some(0) {
            self.marks.insert(tip.number, tip.hash);
        }
        while self.marks.len() > MAX_MARKS {
            self.stride = self.stride.saturating_mul(2);
            let stride = self.stride;
            self.marks.retain(|number, _| number.checked_rem(stride) == Some(0));
        }
    }

    /// Takes in a header whose place is [`Place::Inside`].
    pub(crate) fn recall(&mut self, header: &Header, id: BlockId) -> Result<(), HeaderError> {
        let number = id.number;
        let below = number.saturating_sub(1);
        if let Some(known) = self.known(number) {
            if known != id.hash {
                self.building = None;
                return Err(HeaderError::Fork(number));
            }
            // The stretch that is being imported has reached its upper mark: now, and only now, it is believed.
            if let Some(stretch) = self.building.take_if(|stretch| stretch.last.number == below) {
                if stretch.last.hash != parent_hash(header) {
                    return Err(HeaderError::Fork(number));
                }
                self.recalled = stretch.hashes;
            }
            return Ok(());
        }
        let mut stretch = match self.building.take() {
            Some(stretch) if stretch.last.number == below => stretch,
            _ => {
                let Some(hash) = self.known(below) else {
                    return Err(HeaderError::OutOfOrder { number, frontier: self.tip.number });
                };
                Stretch { hashes: BTreeMap::new(), last: BlockId { number: below, hash } }
            }
        };
        if parent_hash(header) != stretch.last.hash {
            return Err(HeaderError::Fork(number));
        }
        stretch.hashes.insert(number, id.hash);
        stretch.last = id;
        self.building = Some(stretch);
        Ok(())
    }

    /// The hash at a number above the executed block and up to the frontier, unless it has to be imported again.
    pub(crate) fn hash_at(&self, number: u32) -> Result<BlockHash, Thinned> {
        self.known(number).ok_or_else(|| {
            let mut from = number;
            while from > self.executed.number.saturating_add(1)
                && self.known(from.saturating_sub(1)).is_none()
            {
                from = from.saturating_sub(1);
            }
            let mut to = number;
            while to < self.tip.number && self.known(to).is_none() {
                to = to.saturating_add(1);
            }
            Thinned(from..=to)
        })
    }

    /// Everything up to this block, which must be on the trail, is final.
    pub(crate) fn finalize(&mut self, block: BlockId) {
        self.finalized = block;
    }

    /// This block, the one after the executed one, is executed.
    pub(crate) fn execute(&mut self, block: BlockId) {
        self.executed = block;
        let above = block.number.saturating_add(1);
        self.marks = self.marks.split_off(&above);
        self.recalled = self.recalled.split_off(&above);
        self.keep_every_header_of_a_short_gap();
    }

    fn keep_every_header_of_a_short_gap(&mut self) {
        if self.marks.len() < MAX_MARKS / 4 {
            self.stride = 1;
        }
    }

    pub(crate) fn finalized(&self) -> BlockId {
        self.finalized
    }

    pub(crate) fn tip(&self) -> BlockId {
        self.tip
    }

    /// How many hashes are in memory.
    #[cfg(test)]
    pub(crate) fn retained(&self) -> usize {
        self.marks.len()
            + self.recalled.len()
            + self.building.as_ref().map_or(0, |stretch| stretch.hashes.len())
    }

    fn known(&self, number: u32) -> Option<BlockHash> {
        [self.executed, self.finalized, self.tip]
            .iter()
            .find_map(|block| (block.number == number).then_some(block.hash))
            .or_else(|| self.marks.get(&number).or_else(|| self.recalled.get(&number)).copied())
    }
}

/// About 1.5 MB of hashes; a gap of so many headers is followed without importing any of them twice.
pub(crate) const MAX_MARKS: usize = 32 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use sp_core::H256;
    use sp_runtime::traits::Header as _;

    fn chain(length: u32, seed: u8) -> Vec<Header> {
        let mut parent = H256::zero();
        (0..=length)
            .map(|number| {
                let header =
                    Header::new(number, H256::repeat_byte(seed), H256::zero(), parent, Default::default());
                parent = header.hash();
                header
            })
            .collect()
    }

    fn import(trail: &mut Trail, header: &Header) -> Result<(), HeaderError> {
        let id = BlockId::of(header);
        match trail.place(header, id)? {
            Place::Next => {
                trail.push(id);
                Ok(())
            }
            Place::Instead(below) => {
                trail.rewind(below);
                trail.push(id);
                Ok(())
            }
            Place::Inside => trail.recall(header, id),
        }
    }

    #[test]
    fn p03_a_gap_of_200_000_headers_takes_constant_memory_and_can_be_executed() {
        let headers = chain(200_000, 1);
        let mut trail = Trail::new(BlockId::of(&headers[0]));
        let mut most = 0;
        for header in &headers[1..] {
            import(&mut trail, header).unwrap();
            most = most.max(trail.retained());
        }
        trail.finalize(trail.tip());
        let mut recalls = 0;
        for header in &headers[1..] {
            let id = BlockId::of(header);
            if let Err(Thinned(range)) = trail.hash_at(id.number) {
                recalls += 1;
                assert_eq!(*range.start(), id.number);
                for again in &headers[*range.start() as usize..=*range.end() as usize] {
                    import(&mut trail, again).unwrap();
                    most = most.max(trail.retained());
                }
            }
            assert_eq!(trail.hash_at(id.number), Ok(id.hash));
            trail.execute(id);
        }
        assert!(recalls > 1000, "the gap was to be long enough for thinning");
        assert!(most <= MAX_MARKS + 32, "{most} hashes in memory");
        assert_eq!(trail.retained(), 0);
    }

    #[test]
    fn h01_a_stretch_of_a_fork_is_not_believed_before_it_links_both_marks() {
        let headers = chain(100_000, 1);
        let mut trail = Trail::new(BlockId::of(&headers[0]));
        for header in &headers[1..] {
            import(&mut trail, header).unwrap();
        }
        trail.finalize(trail.tip());
        let Err(Thinned(range)) = trail.hash_at(1) else { panic!("block 1 should be thinned") };
        // A fork that branches off genesis: linked below, but it cannot reach the mark above.
        let mut parent = headers[0].hash();
        for number in range.clone() {
            let forged = Header::new(number, H256::repeat_byte(9), H256::zero(), parent, Default::default());
            parent = forged.hash();
            let outcome = import(&mut trail, &forged);
            assert_eq!(outcome.is_err(), number == *range.end());
        }
        assert!(trail.hash_at(1).is_err());
        for number in range {
            import(&mut trail, &headers[number as usize]).unwrap();
        }
        assert_eq!(trail.hash_at(1), Ok(BlockId::of(&headers[1]).hash));
    }

    #[test]
    fn a_fork_takes_the_place_of_what_is_not_final_and_of_nothing_else() {
        let headers = chain(10, 1);
        let mut trail = Trail::new(BlockId::of(&headers[0]));
        for header in &headers[1..] {
            import(&mut trail, header).unwrap();
        }
        trail.finalize(BlockId::of(&headers[4]));
        let fork = |number: usize| {
            let parent = headers[number - 1].hash();
            Header::new(number as u32, H256::repeat_byte(9), H256::zero(), parent, Default::default())
        };
        assert_eq!(import(&mut trail, &fork(4)), Err(HeaderError::Fork(4)));
        // One whose parent is not known there.
        let mut orphan = fork(7);
        orphan.parent_hash = H256::zero();
        assert_eq!(import(&mut trail, &orphan), Err(HeaderError::Fork(7)));
        assert_eq!(trail.tip(), BlockId::of(&headers[10]));
        for number in [7, 5] {
            import(&mut trail, &fork(number)).unwrap();
            assert_eq!(trail.tip(), BlockId::of(&fork(number)));
        }
        assert_eq!(trail.finalized(), BlockId::of(&headers[4]));
        for header in &headers[5..] {
            import(&mut trail, header).unwrap();
        }
        assert_eq!(trail.hash_at(7), Ok(BlockId::of(&headers[7]).hash));
        assert_eq!(trail.tip(), BlockId::of(&headers[10]));
    }

    #[test]
    fn h01_a_lie_that_is_long_enough_for_thinning_gives_way_too() {
        let headers = chain(10, 1);
        let mut trail = Trail::new(BlockId::of(&headers[0]));
        for header in &headers[1..=5] {
            import(&mut trail, header).unwrap();
        }
        trail.finalize(trail.tip());
        let mut parent = headers[5].hash();
        for number in 6..100_000 {
            let forged = Header::new(number, H256::repeat_byte(9), H256::zero(), parent, Default::default());
            parent = forged.hash();
            import(&mut trail, &forged).unwrap();
        }
        assert!(trail.hash_at(7).is_err(), "block 7 should be thinned");
        for header in &headers[6..] {
            import(&mut trail, header).unwrap();
        }
        assert_eq!(trail.tip(), BlockId::of(&headers[10]));
        trail.finalize(trail.tip());
        assert_eq!(trail.hash_at(7), Ok(BlockId::of(&headers[7]).hash));
    }

    #[test]
    fn h01_a_mark_with_a_forged_parent_does_not_complete_a_stretch() {
        let headers = chain(100_000, 1);
        let mut trail = Trail::new(BlockId::of(&headers[0]));
        for header in &headers[1..] {
            import(&mut trail, header).unwrap();
        }
        trail.finalize(trail.tip());
        let Err(Thinned(range)) = trail.hash_at(1) else { panic!("block 1 should be thinned") };
        let (first, mark) = (*range.start(), *range.end());
        assert!(mark > first + 1, "{range:?}");
        let forge = |number, parent| {
            Header::new(number, H256::repeat_byte(9), H256::zero(), parent, Default::default())
        };
        let mut parent = headers[0].hash();
        for number in first..mark {
            let forged = forge(number, parent);
            parent = forged.hash();
            import(&mut trail, &forged).unwrap();
        }
        // The genuine mark has another parent.
        assert_eq!(import(&mut trail, &headers[mark as usize]), Err(HeaderError::Fork(mark)));
        assert!(trail.hash_at(1).is_err());
        // A stretch that does not reach its mark is not believed either.
        import(&mut trail, &forge(first, headers[0].hash())).unwrap();
        import(&mut trail, &headers[mark as usize]).unwrap();
        assert!(trail.hash_at(1).is_err());
    }
}
