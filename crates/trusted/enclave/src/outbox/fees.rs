// SPDX-License-Identifier: Apache-2.0
//! What extrinsics cost, as verified blocks show it, and what the enclave's account can pay.
//!
//! A node bans the bytes of an extrinsic that its sender cannot pay, for half an hour. So nothing is handed out that
//! the proven balance cannot pay by the last fee that was seen; and what was handed out in vain is signed anew, as
//! other bytes, when the balance has risen.
//!
//! # Attack
//! Somebody registers an enclave of his own and pays much for it, in a batch full of other calls or as a tip that he
//! gets back as the block's author. Would others hold back what costs so much, their registrations would run out
//! (threat model C23). So what others pay is good for a hint to the operator, without its tip, and holds nothing back.

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
    /// What somebody else paid for a registration.
    others_registration: Option<u128>,
    other: Option<Known>,
    /// All that this enclave paid.
    paid: u128,
    window: Option<Window>,
}

/// What was paid, but for registrations, in some span of the chain's time.
#[derive(Clone, Copy, Debug)]
struct Window {
    since_ms: u64,
    sum: u128,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    fee: u128,
    /// The block.
    at: u32,
}

impl KnownFees {
    /// Takes in what block `at` showed, of anybody's registration and of this enclave's own extrinsics.
    pub fn note(&mut self, paid: &[PaidFee], at: u32, now_ms: u64) {
        for paid in paid {
            if paid.is_own {
                self.paid = self.paid.saturating_add(paid.fee);
                if paid.kind != Some(OutboxKind::Registration) {
                    self.spend(paid.fee, now_ms);
                }
            }
            let known = Some(Known { fee: paid.fee, at });
            match paid.kind {
                Some(OutboxKind::Registration) if paid.is_own => self.registration = known,
                Some(OutboxKind::Registration) => self.others_registration = Some(paid.fee),
                Some(_) if paid.is_own => self.other = known,
                Some(_) | None => {}
            }
        }
    }

    /// What this enclave paid since its start, in the smallest unit.
    pub fn paid(&self) -> u128 {
        self.paid
    }

    /// What a day costs, by what was paid: one registration, and the rest as often as it was seen. `None` as long as
    /// too little was seen.
    pub fn per_day(&self, now_ms: u64) -> Option<u128> {
        let window = self.window?;
        let time = now_ms.saturating_sub(window.since_ms);
        if time < LEAST_WINDOW_MS {
            return None;
        }
        let rest = window.sum.saturating_mul(DAY_MS.into()).checked_div(time.into())?;
        Some(rest.saturating_add(self.last(OutboxKind::Registration).unwrap_or_default()))
    }

    fn spend(&mut self, fee: u128, now_ms: u64) {
        // The first one begins the time; what it cost belongs to the time before.
        let Some(window) = &mut self.window else {
            self.window = Some(Window { since_ms: now_ms, sum: 0 });
            return;
        };
        window.sum = window.sum.saturating_add(fee);
        let time = now_ms.saturating_sub(window.since_ms);
        if time > LONGEST_WINDOW_MS {
            // What is long ago counts for less.
            window.sum /= 2;
            window.since_ms = now_ms.saturating_sub(time / 2);
        }
    }

    /// The newest fee for an extrinsic of this kind, in the smallest unit; for a registration, somebody else's as long
    /// as this enclave paid none. For people.
    pub fn last(&self, kind: OutboxKind) -> Option<u128> {
        let others = self.others_registration.filter(|_| kind == OutboxKind::Registration);
        self.of(kind).map(|known| known.fee).or(others)
    }

    /// What an extrinsic of this kind takes at least in block `now`, by what this enclave itself paid. Fees fall when
    /// the load does, so what was seen long ago counts for less and less: an account must not wait for ever for what
    /// nobody asks any more.
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

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// Less says nothing of a day.
const LEAST_WINDOW_MS: u64 = 10 * 60 * 1000;
const LONGEST_WINDOW_MS: u64 = 2 * DAY_MS;

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
            &[paid(registration, true, 1_000), paid(confirmation, true, 40), paid(None, true, 7)],
            100,
            0,
        );
        fees.note(&[paid(confirmation, false, 9)], 101, 0);
        assert_eq!(fees.last(OutboxKind::Registration), Some(1_000));
        assert_eq!(fees.last(OutboxKind::Unshield), Some(40));
        assert_eq!(fees.paid(), 1_047);
        let at = |now| fees.at_least(OutboxKind::Registration, now);
        assert_eq!((at(100), at(100 + HALVED_AFTER - 1)), (1_000, 1_000));
        assert_eq!((at(100 + HALVED_AFTER), at(100 + 3 * HALVED_AFTER)), (500, 125));
        assert_eq!(at(u32::MAX), 1);
    }

    #[test]
    fn c23_what_others_pay_holds_nothing_back() {
        let mut fees = KnownFees::default();
        let paid = |is_own, fee| [PaidFee { kind: Some(OutboxKind::Registration), is_own, fee }];
        fees.note(&paid(false, u128::MAX), 1, 0);
        assert_eq!(fees.at_least(OutboxKind::Registration, 1), 1);
        // It is told to whoever has paid nothing yet.
        assert_eq!((fees.last(OutboxKind::Registration), fees.paid()), (Some(u128::MAX), 0));
        fees.note(&paid(true, 5), 2, 0);
        fees.note(&paid(false, u128::MAX), 3, 0);
        assert_eq!(fees.at_least(OutboxKind::Registration, 3), 5);
        assert_eq!(fees.last(OutboxKind::Registration), Some(5));
    }

    #[test]
    fn a_day_costs_a_registration_and_what_was_seen_of_the_rest() {
        let mut fees = KnownFees::default();
        let paid = |kind, fee| [PaidFee { kind: Some(kind), is_own: true, fee }];
        fees.note(&paid(OutboxKind::Registration, 10_000), 1, 0);
        // Ten of each minute, for three days.
        for minute in 0..3 * 24 * 60 {
            let now_ms = minute * 60_000;
            fees.note(&paid(OutboxKind::Confirmation, 10), 2, now_ms);
            assert_eq!(fees.per_day(now_ms).is_some(), minute >= 10);
        }
        let now_ms = 3 * DAY_MS;
        let day = fees.per_day(now_ms).unwrap();
        assert!((24_300..=24_400).contains(&day), "{day}");
        // Half as much from now on.
        for minute in 0..20 * 24 * 30 {
            fees.note(&paid(OutboxKind::Batch, 10), 3, now_ms + minute * 120_000);
        }
        let day = fees.per_day(now_ms + 20 * DAY_MS).unwrap();
        assert!((17_100..=17_400).contains(&day), "{day}");
    }
}
