// SPDX-License-Identifier: Apache-2.0
//! How this start of the enclave becomes known to the chain.
//!
//! Each start has its own nonce, bound in its quote and so in its registration. Only when a verified block shows that
//! very registration does the enclave serve and sign: then it is no stale or cloned copy, because the chain has seen it
//! after it started (ARCHITECTURE.md, invariant 6). A registration of the same signer with another nonce, later, is a
//! later start: this one has had its time.

use super::phase::OwnRegistration;
use crate::{ingest::RegistryEvent, registry::is_in_time};
use offstage_primitives::{AccountId32, KeyDigest, attestation::KeyBinding, teerex::RENEWAL_PERIOD_MS};

/// Where the registration of this start is.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Registration {
    /// What is to be submitted.
    pub(super) pending: Option<Pending>,
    /// Chain time, in milliseconds, of the newest block that shows it.
    pub(super) seen_at_ms: Option<u64>,
    /// A later start has registered.
    pub(super) superseded: bool,
    /// The chain registered this start, but by a method that counts for nothing.
    pub(super) otherwise: bool,
    /// How many were made in this start.
    made: u64,
}

/// A registration to be submitted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Pending {
    /// Its id among what waits.
    pub(super) id: u64,
    /// The proof.
    pub(super) proof: Vec<u8>,
    /// Chain time at which its evidence was made, in milliseconds.
    pub(super) made_at_ms: u64,
}

/// Who this start is.
pub(super) struct ThisStart<'a> {
    pub(super) signer: &'a AccountId32,
    pub(super) boot_nonce: [u8; 32],
    pub(super) tls_public_key: KeyDigest,
    /// Digest of the shielding key that its registration binds: the shard's, or, before there is one, its own.
    pub(super) shielding_key: Option<KeyDigest>,
}

impl Registration {
    /// A registration with this proof is to be submitted. It is another effect than one that was made before.
    pub(super) fn begin(&mut self, proof: Vec<u8>, now_ms: u64) {
        self.pending = Some(Pending { id: REGISTRATION_IDS | self.made, proof, made_at_ms: now_ms });
        self.made = self.made.saturating_add(1);
    }

    /// What is true after a block with these events. `is_listed`: whether the registry then has an entry of the signer.
    #[must_use]
    pub(super) fn after(
        &self,
        events: &[RegistryEvent],
        is_listed: bool,
        this: &ThisStart<'_>,
        block_time_ms: u64,
    ) -> Self {
        let mut after = self.clone();
        for event in events {
            match event {
                RegistryEvent::Registered { signer, binding, is_dcap, .. } if signer == this.signer => {
                    after.registered(binding.as_ref(), *is_dcap, this, block_time_ms);
                }
                RegistryEvent::Unregistered { signer } if signer == this.signer => {
                    after.seen_at_ms = None;
                }
                RegistryEvent::Registered { .. }
                | RegistryEvent::Unregistered { .. }
                | RegistryEvent::Confirmed { .. } => {}
            }
        }
        // However the entry went.
        if !is_listed {
            after.seen_at_ms = None;
        }
        after
    }

    fn registered(
        &mut self,
        binding: Option<&KeyBinding>,
        is_dcap: bool,
        this: &ThisStart<'_>,
        block_time_ms: u64,
    ) {
        let is_this_start = binding.is_some_and(|binding| {
            binding.boot_nonce == this.boot_nonce && binding.tls_public_key == this.tls_public_key
        });
        if !is_this_start {
            // Before its own registration is seen, what comes is of an earlier start, whose extrinsic was still under
            // way.
            self.superseded |= self.seen_at_ms.is_some();
        } else if !is_dcap {
            // Threat model P12: the chain may have verified nothing.
            self.otherwise = true;
            self.seen_at_ms = None;
        } else if binding.is_some_and(|binding| Some(binding.shielding_key) == this.shielding_key) {
            self.otherwise = false;
            self.seen_at_ms = Some(block_time_ms);
            self.pending = None;
        } else {
            // This start with a key that it has dropped meanwhile: it has to register again.
            self.seen_at_ms = None;
        }
    }

    /// The shard was born with another key than this start registered with.
    pub(super) fn drop_key(&mut self) {
        self.pending = None;
        self.seen_at_ms = None;
    }

    /// Where it is at this chain time.
    pub(super) fn at(&self, now_ms: u64) -> OwnRegistration {
        match (self.seen_at_ms, &self.pending) {
            (Some(seen_at_ms), _) if is_in_time(seen_at_ms, now_ms) => OwnRegistration::Counts,
            (Some(_), pending) => OwnRegistration::TooOld { is_renewed: pending.is_some() },
            (None, Some(_)) => OwnRegistration::Pending,
            (None, None) => OwnRegistration::None,
        }
    }

    /// For how many seconds of the chain's time the registration still counts, if it does.
    pub(super) fn left_secs(&self, now_ms: u64) -> Option<u64> {
        let end_ms = self.seen_at_ms?.saturating_add(RENEWAL_PERIOD_MS);
        end_ms.checked_sub(now_ms).map(|left_ms| left_ms / 1000)
    }

    /// Whether a new registration is due at this chain time.
    pub(super) fn is_due(&self, now_ms: u64) -> bool {
        if self.superseded {
            return false;
        }
        match (&self.pending, self.seen_at_ms) {
            // Evidence ages; a registration that could not be submitted for long is made anew.
            (Some(pending), _) => now_ms.saturating_sub(pending.made_at_ms) > EVIDENCE_LIFE_MS,
            (None, None) => true,
            (None, Some(seen_at_ms)) => now_ms.saturating_sub(seen_at_ms) > RENEWAL_MS,
        }
    }
}

/// Ids of registrations have the highest bit; ids of stored effects count from zero and never reach it.
const REGISTRATION_IDS: u64 = 1 << 63;

/// Half of the time for which a registration counts (threat model H21): the other half is for funds to be found.
const RENEWAL_MS: u64 = RENEWAL_PERIOD_MS / 2;

/// Evidence that is older than this is made anew before it is submitted.
const EVIDENCE_LIFE_MS: u64 = 60 * 60 * 1000;

#[cfg(test)]
mod tests {
    use super::*;
    use offstage_primitives::{BlockHash, Measurement};

    const KEY: KeyDigest = KeyDigest::repeat_byte(3);

    fn account() -> AccountId32 {
        AccountId32::new([1; 32])
    }

    fn registered(boot: u8, key: KeyDigest) -> RegistryEvent {
        RegistryEvent::Registered {
            signer: account(),
            measurement: Measurement([0; 32]),
            binding: Some(KeyBinding {
                genesis_hash: BlockHash::zero(),
                shard: [0; 32].into(),
                shielding_key: key,
                tls_public_key: KeyDigest::repeat_byte(boot),
                boot_nonce: [boot; 32],
            }),
            is_dcap: true,
        }
    }

    fn after(registration: &Registration, events: &[RegistryEvent]) -> Registration {
        let (signer, tls_public_key) = (account(), KeyDigest::repeat_byte(7));
        let this =
            ThisStart { signer: &signer, boot_nonce: [7; 32], tls_public_key, shielding_key: Some(KEY) };
        registration.after(events, true, &this, 5)
    }

    #[test]
    fn h10_only_this_start_with_this_key_counts() {
        let fresh = Registration::default();
        assert_eq!(after(&fresh, &[registered(6, KEY)]), fresh, "an earlier start");
        assert_eq!(after(&fresh, &[registered(7, KeyDigest::zero())]), fresh, "a key that was dropped");
        let bare = RegistryEvent::Registered {
            signer: account(),
            measurement: Measurement([0; 32]),
            binding: None,
            is_dcap: true,
        };
        assert_eq!(after(&fresh, std::slice::from_ref(&bare)), fresh);
        let seen = after(&fresh, &[registered(6, KEY), registered(7, KEY)]);
        assert_eq!(seen.seen_at_ms, Some(5));
        assert!(!seen.superseded);
        assert!(after(&seen, &[registered(8, KEY)]).superseded);
        assert!(after(&seen, &[bare]).superseded);
        assert!(!after(&seen, &[registered(7, KEY)]).superseded, "a renewal");
    }

    #[test]
    fn p12_another_method_than_dcap_counts_for_nothing() {
        let RegistryEvent::Registered { signer, measurement, binding, .. } = registered(7, KEY) else {
            unreachable!()
        };
        let event = RegistryEvent::Registered { signer, measurement, binding, is_dcap: false };
        let seen = after(&Registration::default(), &[registered(7, KEY)]);
        for before in [Registration::default(), seen] {
            let after = after(&before, std::slice::from_ref(&event));
            assert!(after.otherwise && after.at(5) == OwnRegistration::None);
        }
    }

    #[test]
    fn h21_an_own_entry_acts_no_more_when_it_is_too_old_and_is_renewed_long_before() {
        let mut registration = after(&Registration::default(), &[registered(7, KEY)]);
        assert_eq!(registration.at(5 + RENEWAL_PERIOD_MS), OwnRegistration::Counts);
        assert_eq!(registration.at(6 + RENEWAL_PERIOD_MS), OwnRegistration::TooOld { is_renewed: false });
        assert_eq!(registration.left_secs(5), Some(RENEWAL_PERIOD_MS / 1000));
        assert_eq!(registration.left_secs(5 + RENEWAL_PERIOD_MS), Some(0));
        assert_eq!(registration.left_secs(6 + RENEWAL_PERIOD_MS), None);
        assert!(registration.is_due(6 + RENEWAL_PERIOD_MS / 2));
        registration.begin(vec![1], 6 + RENEWAL_PERIOD_MS);
        assert_eq!(registration.at(6 + RENEWAL_PERIOD_MS), OwnRegistration::TooOld { is_renewed: true });
    }

    #[test]
    fn a_removed_entry_is_registered_again_and_an_old_one_renewed() {
        let seen = after(&Registration::default(), &[registered(7, KEY)]);
        assert!(!seen.is_due(5 + RENEWAL_MS) && seen.is_due(6 + RENEWAL_MS));
        let removed = after(&seen, &[RegistryEvent::Unregistered { signer: account() }]);
        assert!(removed.is_due(6));
        let other = RegistryEvent::Unregistered { signer: AccountId32::new([2; 32]) };
        assert_eq!(after(&seen, &[other]), seen);
    }
}
