// SPDX-License-Identifier: Apache-2.0
//! How an enclave leaves: its operator takes it out, and its registration goes from the chain.
//!
//! Only the enclave has the key of its account, so it removes its entry itself. A start is for that from its beginning
//! on, and for nothing else: it opens no port, makes no key, never registers and confirms nothing. It follows the chain
//! to its head, and then hands out one extrinsic, the removal, until a verified block shows that the entry is gone.
//! Nothing of it is stored. So a process that was killed in between is simply started again, and the next start for
//! serving registers as ever.
//!
//! # The last one
//! An enclave that holds the shard's key leaves only if its own verified chain shows another one that acts for the
//! shard: registered with the shard's key, of the measurement that is allowed, and with a confirmation of late. The
//! other one owes the same payments, so what waits in the outbox is done. Without such an enclave the shard would stand
//! still, and its key would be in stores alone; that has to be asked for in so many words. The host can ask for it,
//! too; what it gains is what it has by switching the machine off.

use super::running::Running;
use crate::{
    extrinsic::Call,
    outbox::{Item, rota::Slots},
};
use offstage_protocol::{Departure, OutboxKind};
use offstage_sdk::StateTransition;

impl<S: StateTransition> Running<S> {
    /// How far it is with leaving; `None` when this start is not for that.
    pub(super) fn departure(&self) -> Option<Departure> {
        let leave = self.leave?;
        let Some(facts) = self.head.facts.as_ref().filter(|_| self.progress.was_at_head) else {
            return Some(Departure::Following);
        };
        Some(if !facts.registered {
            Departure::Gone
        } else if !leave.even_as_last && self.would_be_missed() {
            Departure::Last
        } else {
            Departure::Removing
        })
    }

    /// The removal of the registration, as long as it is due.
    pub(super) fn removal(&self) -> Option<Item> {
        (self.departure() == Some(Departure::Removing)).then(|| Item {
            id: REMOVAL_ID,
            kind: OutboxKind::Removal,
            call: Call::Unregister { signer: self.own.identity.signer.clone() },
            hold: None,
        })
    }

    /// Whether it holds the key of a shard that lives, and nobody else is known to act for it.
    fn would_be_missed(&self) -> bool {
        let head = &self.head;
        let (Some(birth), Some(facts)) = (&head.birth, &head.facts) else { return false };
        let (signer, shard) = (&self.own.identity.signer, self.own.identity.shard);
        let allowed = facts.allowed_measurement(shard, head.position.number);
        let now_ms = facts.timestamp_ms;
        let stays = Slots::of(facts, shard, head.position.number).acting_now().into_iter().any(|other| {
            other != signer && head.followed.registrations.holds(other, birth.shielding_key, &allowed, now_ms)
        });
        self.holds_key_of(birth) && !stays
    }
}

/// Above all ids of stored effects, which count from zero, and below those of registrations.
const REMOVAL_ID: u64 = 1 << 62;
