// SPDX-License-Identifier: Apache-2.0
//! What a started enclave is doing and what it tells its operator: a function of what is known, and of nothing else.
//!
//! ```text
//! CatchingUp ── at the head ──> AwaitingRegistration ── final, shard born ──> NeedsShieldingKey
//!     ^                              │ final, with the key                            │ a peer gave it
//!     │                              v                                                v
//!     │                           Serving <── came through what it had followed ── CatchingUp, from the birth on
//!     └── the shard allows other code, or two others stand against this enclave's root
//! ```
//! A start that is for leaving is [`Phase::Leaving`] all the time.

use offstage_primitives::enclave_bridge::SLOT_SILENCE_BLOCKS;
use offstage_protocol::{Funds, Phase};

/// What the phase follows from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Situation {
    /// The operator takes the enclave out.
    pub(super) is_leaving: bool,
    /// A later start with the same signer has registered.
    pub(super) is_superseded: bool,
    /// The shard allows this enclave's measurement.
    pub(super) is_allowed: bool,
    /// Two enclaves confirmed another root than this one, and none the same.
    pub(super) is_alone: bool,
    /// Where the registration of this start is.
    pub(super) registration: OwnRegistration,
    /// The shard is born.
    pub(super) is_born: bool,
    /// It holds the shard's key.
    pub(super) has_key: bool,
    /// It got the key and executes what it had followed without.
    pub(super) is_replaying: bool,
}

/// Where the registration of this start is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum OwnRegistration {
    /// Nothing is seen and nothing is to be submitted.
    None,
    /// To be submitted, or on its way.
    Pending,
    /// Seen in a final block, and not older than the renewal period.
    Counts,
    /// Seen, but older than the renewal period: it acts no more (threat model H21).
    TooOld {
        /// Whether a new one is to be submitted.
        is_renewed: bool,
    },
}

impl Situation {
    /// What the enclave is doing.
    pub(super) fn phase(self) -> Phase {
        if self.is_leaving {
            return Phase::Leaving;
        }
        if self.is_superseded {
            return Phase::Superseded;
        }
        if !self.is_allowed || self.is_alone {
            return Phase::CatchingUp;
        }
        match self.registration {
            OwnRegistration::None | OwnRegistration::TooOld { is_renewed: false } => Phase::CatchingUp,
            OwnRegistration::Pending | OwnRegistration::TooOld { is_renewed: true } => {
                Phase::AwaitingRegistration
            }
            // A candidate: it counts for nothing before a confirmation makes the shard live.
            OwnRegistration::Counts if !self.is_born => Phase::AwaitingRegistration,
            OwnRegistration::Counts if !self.has_key => Phase::NeedsShieldingKey,
            OwnRegistration::Counts if self.is_replaying => Phase::CatchingUp,
            OwnRegistration::Counts => Phase::Serving,
        }
    }

    /// Whether the shard waits for a first confirmation, which this enclave may send.
    pub(super) fn is_candidate(self) -> bool {
        !self.is_leaving
            && !self.is_superseded
            && self.is_allowed
            && self.registration == OwnRegistration::Counts
            && !self.is_born
            && self.has_key
    }
}

/// What an operator should know, as far as there is anything.
#[derive(Clone, Default)]
pub(super) struct Concerns {
    /// The store failed.
    pub(super) is_broken: bool,
    /// A block of which two others, and nobody else, confirmed another root.
    pub(super) alone_at: Option<u32>,
    /// The chain registered this start by a method that counts for nothing.
    pub(super) is_registered_otherwise: bool,
    /// What last went wrong with signing or with the business logic.
    pub(super) trouble: Option<String>,
    /// A block of which somebody confirmed another root.
    pub(super) contradicted_at: Option<u32>,
    /// What the account lacks, or will lack soon.
    pub(super) funds: Option<Shortage>,
    /// This enclave's heartbeat, when others have another one.
    pub(super) heartbeat: Option<u32>,
    /// How many slots the shard has, when others hold all of them (threat model P7).
    pub(super) standby_behind: Option<usize>,
    /// The chain included an extrinsic in vain.
    pub(super) has_failures: bool,
    /// Extrinsics wait for long.
    pub(super) is_stuck: bool,
}

/// The enclave's account has too little.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Shortage {
    /// The account as people write it.
    account: String,
    /// What is there and what is needed, in the chain's unit.
    text: String,
    /// Something waits already.
    is_urgent: bool,
}

impl Shortage {
    /// If there is one: nothing is on the account, less than what waits needs, or less than some days cost.
    pub(super) fn of(funds: &Funds, account: String) -> Option<Self> {
        let there = if funds.balance == 0 { "no funds".into() } else { funds.written(funds.balance) };
        let days_left = funds.days_left.filter(|days| *days < LEAST_DAYS).zip(funds.fees_per_day);
        let (text, is_urgent) = match (funds.needed, days_left) {
            // No fee was seen yet on this chain.
            (Some(needed), _) if needed <= funds.deposit.saturating_add(1) => {
                let kept = funds.written(funds.deposit);
                (format!("has {there}; it needs what the fees are and {kept}, which the chain keeps"), true)
            }
            (Some(needed), _) => {
                (format!("has {there}, and {} is needed to pay fees", funds.written(needed)), true)
            }
            (None, Some((days, per_day))) => {
                let per_day = funds.written(per_day);
                (format!("has {there}, which lasts for {days} more days at {per_day} of fees a day"), false)
            }
            (None, None) => return None,
        };
        Some(Self { account, text, is_urgent })
    }

    fn notice(&self) -> String {
        let Self { account, text, .. } = self;
        format!("the enclave's account {account} {text}; {}", funding(account))
    }
}

impl Concerns {
    /// The most urgent of them.
    pub(super) fn notice(&self, situation: Situation) -> Option<String> {
        if self.is_broken {
            return Some("the store failed; restart the worker".into());
        }
        if situation.is_leaving {
            return self.about_removal();
        }
        if situation.is_superseded {
            return Some(
                "a later start with the same signer has registered; end this one, or restart it to take over"
                    .into(),
            );
        }
        if let Some(block) = self.alone_at {
            return Some(format!(
                "other enclaves confirmed block {block} with another root than this one, so it stopped serving; start \
                 again with an empty data folder"
            ));
        }
        if !situation.is_allowed {
            return Some(
                "the shard allows another measurement than this enclave's, so it neither signs nor serves; run the \
                 enclave that the shard's configuration names"
                    .into(),
            );
        }
        if self.is_registered_otherwise {
            return Some(
                "the chain registered this enclave by another method than DCAP, which counts for nothing; use a chain \
                 whose Teerex pallet verifies DCAP quotes"
                    .into(),
            );
        }
        if matches!(situation.registration, OwnRegistration::TooOld { .. }) {
            return Some(match self.funds.as_ref().filter(|funds| funds.is_urgent) {
                Some(shortage) => format!(
                    "the enclave's registration is older than 48 hours, so it neither signs nor serves until a new \
                     one is final; {}",
                    shortage.notice()
                ),
                None => "the enclave's registration is older than 48 hours, so it neither signs nor serves until a new \
                         one is final; check that the node takes its extrinsics"
                    .into(),
            });
        }
        if let Some(trouble) = &self.trouble {
            return Some(trouble.clone());
        }
        if let Some(block) = self.contradicted_at {
            return Some(format!("another enclave confirmed block {block} with another root than this one"));
        }
        if let Some(slots) = self.standby_behind.filter(|_| situation.phase() == Phase::Serving) {
            return Some(format!(
                "all {slots} slots of the shard are held by enclaves that act, so this one is a standby: it serves \
                 reads, and neither confirms nor pays; it takes the slot of the first that is silent for \
                 {SLOT_SILENCE_BLOCKS} blocks"
            ));
        }
        self.about_submission(situation)
    }

    /// What keeps the removal from the chain. Nothing else matters to an enclave that leaves.
    fn about_removal(&self) -> Option<String> {
        let shortage = self.funds.as_ref().filter(|funds| funds.is_urgent);
        self.trouble.clone().or_else(|| shortage.map(Shortage::notice)).or_else(|| {
            self.is_stuck.then(|| {
                "the removal of the enclave's registration has not been included for long; check that its account can \
                 pay fees and that the node accepts it"
                    .into()
            })
        })
    }

    fn about_submission(&self, situation: Situation) -> Option<String> {
        if let Some(shortage) = &self.funds {
            return Some(shortage.notice());
        }
        if self.has_failures {
            return Some(
                "the chain included an extrinsic of the enclave without honouring it, which is tried again; check the \
                 shard account's funds and the enclave's registration"
                    .into(),
            );
        }
        if self.is_stuck {
            return Some(
                "the enclave's extrinsics have not been included for long; check that its account can pay fees and \
                 that the node accepts them"
                    .into(),
            );
        }
        if let Some(heartbeat) = self.heartbeat {
            return Some(format!(
                "another enclave of the shard confirms empty blocks that are no multiples of this one's --heartbeat \
                 {heartbeat}; give all workers of the shard the same"
            ));
        }
        situation.is_candidate().then(|| {
            "the shard is not born yet: this enclave is registered, and its first confirmation has to become final"
                .into()
        })
    }
}

/// The command that helps an account without funds.
fn funding(account: &str) -> String {
    format!(
        "transfer some to it, from an account of yours in the place of //Alice: `offstage transfer //Alice {account} \
         {FUNDS}`"
    )
}

/// One unit of 12 decimals: fees for a hundred registrations or two thousand confirmations.
const FUNDS: u64 = 1_000_000_000_000;

/// An account that lasts for fewer days than this is told of.
const LEAST_DAYS: u32 = 3;

#[cfg(test)]
mod tests {
    use super::{OwnRegistration::*, *};

    const SERVING: Situation = Situation {
        is_leaving: false,
        is_superseded: false,
        is_allowed: true,
        is_alone: false,
        registration: Counts,
        is_born: true,
        has_key: true,
        is_replaying: false,
    };

    #[test]
    fn every_situation_has_its_phase() {
        let unborn = Situation { is_born: false, ..SERVING };
        let keyless = Situation { has_key: false, ..SERVING };
        for (what, situation, phase) in [
            ("all is there", SERVING, Phase::Serving),
            ("nothing was done yet", Situation { registration: None, ..SERVING }, Phase::CatchingUp),
            ("registering", Situation { registration: Pending, ..SERVING }, Phase::AwaitingRegistration),
            ("joining", Situation { registration: None, ..keyless }, Phase::CatchingUp),
            (
                "it registers first",
                Situation { registration: Pending, ..keyless },
                Phase::AwaitingRegistration,
            ),
            ("then it asks", keyless, Phase::NeedsShieldingKey),
            ("it has asked", Situation { is_replaying: true, ..SERVING }, Phase::CatchingUp),
            ("a candidate", unborn, Phase::AwaitingRegistration),
            (
                "no shard, no key",
                Situation { has_key: false, registration: None, ..unborn },
                Phase::CatchingUp,
            ),
            (
                "too old",
                Situation { registration: TooOld { is_renewed: false }, ..SERVING },
                Phase::CatchingUp,
            ),
            (
                "too old, renewed",
                Situation { registration: TooOld { is_renewed: true }, ..SERVING },
                Phase::AwaitingRegistration,
            ),
            (
                "too old to ask",
                Situation { registration: TooOld { is_renewed: true }, ..keyless },
                Phase::AwaitingRegistration,
            ),
            ("other code", Situation { is_allowed: false, ..SERVING }, Phase::CatchingUp),
            ("other code asks nobody", Situation { is_allowed: false, ..keyless }, Phase::CatchingUp),
            ("alone", Situation { is_alone: true, ..SERVING }, Phase::CatchingUp),
            ("superseded", Situation { is_superseded: true, ..SERVING }, Phase::Superseded),
            ("superseded before", Situation { is_superseded: true, ..keyless }, Phase::Superseded),
            ("leaving", Situation { is_leaving: true, ..SERVING }, Phase::Leaving),
            ("leaving without the key", Situation { is_leaving: true, ..keyless }, Phase::Leaving),
            (
                "leaving, of former code",
                Situation { is_leaving: true, is_allowed: false, is_superseded: true, ..SERVING },
                Phase::Leaving,
            ),
        ] {
            assert_eq!(situation.phase(), phase, "{what}");
        }
        assert!(unborn.is_candidate());
        for other in [
            SERVING,
            Situation { has_key: false, ..unborn },
            Situation { registration: Pending, ..unborn },
            Situation { registration: TooOld { is_renewed: true }, ..unborn },
            Situation { is_allowed: false, ..unborn },
            Situation { is_superseded: true, ..unborn },
            Situation { is_leaving: true, ..unborn },
        ] {
            assert!(!other.is_candidate(), "{other:?}");
        }
    }

    fn funds(needed: Option<u128>, days_left: Option<u32>) -> Funds {
        Funds {
            balance: 3,
            deposit: 0,
            fees_paid: 0,
            fees_per_day: Some(1),
            days_left,
            needed,
            token_decimals: 1,
            token_symbol: "UNIT".into(),
        }
    }

    #[test]
    fn the_most_urgent_concern_is_told() {
        let mut concerns = Concerns {
            is_broken: true,
            alone_at: Some(1),
            is_registered_otherwise: true,
            trouble: Some("the trouble".into()),
            contradicted_at: Some(2),
            standby_behind: Some(10),
            funds: Shortage::of(&funds(Some(5), Option::None), "5G".into()),
            heartbeat: Some(10),
            has_failures: true,
            is_stuck: true,
        };
        let old = Situation { registration: TooOld { is_renewed: true }, ..SERVING };
        let worst = Situation { is_superseded: true, is_allowed: false, ..old };
        let mut tells = |situation, text: &str, solve: fn(&mut Concerns)| {
            let notice = concerns.notice(situation).unwrap_or_default();
            assert!(notice.contains(text), "{text}: {notice}");
            solve(&mut concerns);
        };
        tells(worst, "store failed", |concerns| concerns.is_broken = false);
        tells(worst, "later start", |_| {});
        tells(old, "block 1 with another root", |concerns| concerns.alone_at = Option::None);
        tells(Situation { is_allowed: false, ..old }, "another measurement", |_| {});
        tells(old, "another method than DCAP", |concerns| concerns.is_registered_otherwise = false);
        tells(old, "older than 48 hours", |_| {});
        tells(SERVING, "the trouble", |concerns| concerns.trouble = Option::None);
        tells(SERVING, "block 2 with another root", |concerns| concerns.contradicted_at = Option::None);
        tells(SERVING, "a standby", |concerns| concerns.standby_behind = Option::None);
        let unknown = Shortage::of(&funds(Some(1), Option::None), "5G".into()).unwrap().notice();
        assert!(unknown.contains("has 0.3 UNIT; it needs what the fees are and 0 UNIT"), "{unknown}");
        tells(SERVING, "`offstage transfer //Alice 5G 1000000000000`", |_| {});
        tells(old, "`offstage transfer //Alice 5G 1000000000000`", |_| {});
        tells(SERVING, "account 5G has 0.3 UNIT, and 0.5 UNIT is needed", |concerns| {
            concerns.funds = Shortage::of(&funds(Option::None, Some(2)), "5G".into())
        });
        tells(
            SERVING,
            "5G has 0.3 UNIT, which lasts for 2 more days at 0.1 UNIT of fees a day",
            |concerns| concerns.funds = Shortage::of(&funds(Option::None, Some(3)), "5G".into()),
        );
        tells(SERVING, "without honouring", |concerns| concerns.has_failures = false);
        tells(SERVING, "not been included for long", |concerns| concerns.is_stuck = false);
        tells(SERVING, "--heartbeat 10", |concerns| concerns.heartbeat = Option::None);
        assert!(concerns.notice(SERVING).is_none());
        let candidate = Situation { is_born: false, ..SERVING };
        assert!(concerns.notice(candidate).unwrap().contains("not born yet"));
    }

    #[test]
    fn who_leaves_hears_of_what_keeps_its_removal_from_the_chain_and_of_nothing_else() {
        let leaving = Situation { is_leaving: true, is_allowed: false, is_superseded: true, ..SERVING };
        let mut concerns = Concerns {
            alone_at: Some(1),
            trouble: Some("the trouble".into()),
            contradicted_at: Some(2),
            standby_behind: Some(10),
            funds: Shortage::of(&funds(Some(5), Option::None), "5G".into()),
            heartbeat: Some(10),
            is_stuck: true,
            ..Concerns::default()
        };
        assert_eq!(concerns.notice(leaving).unwrap(), "the trouble");
        concerns.trouble = Option::None;
        assert!(concerns.notice(leaving).unwrap().contains("0.5 UNIT is needed"));
        // That it would not last for days does not matter any more.
        concerns.funds = Shortage::of(&funds(Option::None, Some(2)), "5G".into());
        assert!(concerns.notice(leaving).unwrap().contains("removal of the enclave's registration"));
        concerns.is_stuck = false;
        assert_eq!(concerns.notice(leaving), Option::None);
    }
}
