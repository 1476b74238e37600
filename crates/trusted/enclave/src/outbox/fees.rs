// SPDX-License-Identifier: Apache-2.0
//! What extrinsics cost, as verified blocks show it, and what the enclave's account can pay.
//!
//! A node bans the bytes of an extrinsic that its sender cannot pay, for half an hour. So nothing is handed out that
//! the proven balance cannot pay by the last fee that was seen; and what was handed out in vain is signed anew, as
//! other bytes, when the balance has risen.

use crate::ingest::{ChainFacts, PaidFee};
use offstage_protocol::OutboxKind;

/// The enclave's account as a verified block shows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Account {
    /// Its next nonce.
    pub nonce: u32,
    /// What it can pay of fees, in the smallest unit: the chain takes no fee out of the existential deposit.
    pub spendable: u128,
}

impl Account {
    /// By the facts of a block, on a chain that takes fees or does not.
    pub fn of(facts: &ChainFacts, takes_fees: bool) -> Self {
        let spendable = facts.balance.saturating_sub(facts.payout.existential_deposit);
        Self { nonce: facts.nonce, spendable: if takes_fees { spendable } else { u128::MAX } }
    }
}

/// The newest fees that verified blocks showed. Nothing of it outlives the start.
#[derive(Clone, Default, Debug)]
pub struct KnownFees {
    registration: Option<Known>,
    other: Option<Known>,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    fee: u128,
    /// The block.
    at: u32,
}

impl KnownFees {
    /// Takes in what block `at` showed, of anybody's registration and of this enclave's own extrinsics.
    pub fn note(&mut self, paid: &[PaidFee], at: u32) {
        for paid in paid {
            let known = Some(Known { fee: paid.fee, at });
            match paid.kind {
                Some(OutboxKind::Registration) => self.registration = known,
                Some(_) if paid.is_own => self.other = known,
                Some(_) | None => {}
            }
        }
    }

    /// The newest fee for an extrinsic of this kind, in the smallest unit.
    pub fn last(&self, kind: OutboxKind) -> Option<u128> {
        self.of(kind).map(|known| known.fee)
    }

    /// What an extrinsic of this kind takes at least in block `now`. Fees fall when the load does, so what was seen long
    /// ago counts for less and less: an account must not wait for ever for what nobody asks any more.
    pub fn at_least(&self, kind: OutboxKind, now: u32) -> u128 {
        let seen = self.of(kind).map_or(0, |known| {
            let halvings = now.saturating_sub(known.at).checked_div(HALVED_AFTER).unwrap_or_default();
            known.fee.checked_shr(halvings).unwrap_or_default()
        });
        seen.max(1)
    }

    fn of(&self, kind: OutboxKind) -> Option<Known> {
        if kind == OutboxKind::Registration { self.registration } else { self.other }
    }
}

/// Blocks after which a fee that was seen counts half. The price of weight and length falls slower than that.
const HALVED_AFTER: u32 = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::tests_support::facts;
    use offstage_sdk::PayoutTerms;

    #[test]
    fn the_deposit_pays_no_fees_and_a_chain_may_take_none() {
        let payout = PayoutTerms { existential_deposit: 10, fee: 0 };
        for (balance, spendable) in [(0, 0), (9, 0), (10, 0), (11, 1)] {
            let facts = ChainFacts { balance, payout, ..facts() };
            assert_eq!(Account::of(&facts, true).spendable, spendable);
            assert_eq!(Account::of(&facts, false).spendable, u128::MAX);
        }
    }

    #[test]
    fn fees_are_known_by_kind_and_count_less_with_time() {
        let mut fees = KnownFees::default();
        assert_eq!((fees.last(OutboxKind::Batch), fees.at_least(OutboxKind::Batch, 5)), (None, 1));
        let paid = |kind, is_own, fee| PaidFee { kind, is_own, fee };
        let (registration, confirmation) = (Some(OutboxKind::Registration), Some(OutboxKind::Confirmation));
        fees.note(
            &[paid(registration, false, 1_000), paid(confirmation, true, 40), paid(None, true, 7)],
            100,
        );
        fees.note(&[paid(confirmation, false, 9)], 101);
        assert_eq!(fees.last(OutboxKind::Registration), Some(1_000));
        assert_eq!(fees.last(OutboxKind::Unshield), Some(40));
        let at = |now| fees.at_least(OutboxKind::Registration, now);
        assert_eq!((at(100), at(100 + HALVED_AFTER - 1)), (1_000, 1_000));
        assert_eq!((at(100 + HALVED_AFTER), at(100 + 3 * HALVED_AFTER)), (500, 125));
        assert_eq!(at(u32::MAX), 1);
    }
}
