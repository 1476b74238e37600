// SPDX-License-Identifier: Apache-2.0
//! What the head knows of a table whose records come and go: their number and a sum over their [marks](Mark).
//!
//! A record that is taken away, added, or exchanged for any other sealing under the same name changes the sum. It costs
//! one addition per change, however many records there are.
//!
//! The sum is bitwise (XOR). That is sound because its terms are outputs of a keyed function over distinct names and
//! salts, and because nobody sees terms or sum: the head is encrypted. The host can only choose among sealings that the
//! enclave made, and any choice but the right one has the right sum with a probability of 2^-256.

use super::cipher::Mark;
use codec::{Decode, Encode};

/// Number and sum. See the [module](self).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode)]
pub(super) struct Tally {
    count: u64,
    sum: Mark,
}

impl Tally {
    /// A record is there now.
    pub(super) fn add(&mut self, mark: &Mark) {
        self.count = self.count.saturating_add(1);
        self.toggle(mark);
    }

    /// A record that was there is gone.
    pub(super) fn remove(&mut self, mark: &Mark) {
        self.count = self.count.saturating_sub(1);
        self.toggle(mark);
    }

    /// The tally of these records.
    pub(super) fn of<'a>(marks: impl IntoIterator<Item = &'a Mark>) -> Self {
        let mut tally = Self::default();
        marks.into_iter().for_each(|mark| tally.add(mark));
        tally
    }

    fn toggle(&mut self, mark: &Mark) {
        for (sum, byte) in self.sum.iter_mut().zip(mark) {
            *sum ^= byte;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        /// Whatever came and went: the tally is that of what is there.
        #[test]
        fn the_tally_is_that_of_what_is_there(steps: Vec<(u8, bool)>) {
            let mark = |name: u8| [name.wrapping_mul(37) ^ 0x5a; 32];
            let (mut tally, mut there) = (Tally::default(), BTreeSet::new());
            for (name, comes) in steps {
                if comes && there.insert(mark(name)) {
                    tally.add(&mark(name));
                } else if !comes && there.remove(&mark(name)) {
                    tally.remove(&mark(name));
                }
            }
            prop_assert_eq!(tally, Tally::of(&there));
        }
    }

    #[test]
    fn h17_one_for_another_is_another_tally() {
        let [a, b, c] = [[1; 32], [2; 32], [3; 32]];
        assert_ne!(Tally::of([&a, &b]), Tally::of([&a, &c]));
        assert_ne!(Tally::of([&a, &b]), Tally::of([&c]), "the sum is the same, the number is not");
    }
}
