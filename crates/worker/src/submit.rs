// SPDX-License-Identifier: Apache-2.0
//! Submitting what the enclave signed.
//!
//! The enclave hands out the same effects until it has seen them final. This side only avoids to bother the node with
//! the same bytes in every block, and counts. Bytes that a node banned stay banned for half an hour; the enclave hears
//! of it and signs other ones.

use crate::{node::Node, repeats::Repeats, text::escaped};
use offstage_primitives::H256;
use offstage_protocol::OutboxExtrinsic;
use std::collections::BTreeMap;

/// Remembers what was submitted when.
#[derive(Default)]
pub struct Submitter {
    /// Effect -> hash of the bytes that were submitted for it, and the head's number then.
    submitted: BTreeMap<u64, (H256, u32)>,
    refusals: Repeats,
}

impl Submitter {
    /// Submits those extrinsics that are new, or were submitted some blocks ago and are still wanted. Returns the
    /// blake2-256 hashes of those that the node has banned.
    pub async fn submit(&mut self, node: &Node, extrinsics: &[OutboxExtrinsic], head: u32) -> Vec<H256> {
        let mut banned = Vec::new();
        self.submitted.retain(|id, _| extrinsics.iter().any(|extrinsic| extrinsic.id == *id));
        for extrinsic in extrinsics {
            let hash = H256(sp_crypto_hashing::blake2_256(&extrinsic.extrinsic));
            if !self.is_due(extrinsic.id, hash, head) {
                continue;
            }
            let answer = node.submit(&extrinsic.extrinsic).await.map_err(|error| format!("{error:#}"));
            match answer.as_ref().map_err(|reason| Refusal::of(reason)) {
                Ok(()) => {
                    tracing::debug!(id = extrinsic.id, kind = ?extrinsic.kind, "submitted");
                    metrics::counter!("offstage_extrinsics_submitted_total").increment(1);
                    let _ = self.refusals.end();
                }
                Err(Refusal::Known) => {}
                Err(refusal @ (Refusal::Banned | Refusal::Other)) => {
                    if refusal == Refusal::Banned {
                        banned.push(hash);
                    }
                    metrics::counter!("offstage_extrinsics_refused_total").increment(1);
                    let reason = answer.err().unwrap_or_default();
                    if let Some(told) = self.refusals.note(&refused(extrinsic, refusal, &reason)) {
                        tracing::warn!("{}", escaped(&told));
                    }
                }
            }
            self.submitted.insert(extrinsic.id, (hash, head));
        }
        banned
    }

    fn is_due(&self, id: u64, hash: H256, head: u32) -> bool {
        self.submitted
            .get(&id)
            .is_none_or(|(known, at)| *known != hash || head >= at.saturating_add(RESUBMIT_AFTER))
    }
}

/// What a node's refusal means for an extrinsic.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Refusal {
    /// The pool has it already, or a previous copy of it is on chain.
    Known,
    /// The pool refused these bytes before, and does not look at them for half an hour.
    Banned,
    /// The chain does not take it now.
    Other,
}

impl Refusal {
    fn of(reason: &str) -> Self {
        let says = |texts: &[&str]| texts.iter().any(|text| reason.contains(text));
        if says(&["temporarily banned"]) {
            Self::Banned
        } else if says(&KNOWN) {
            Self::Known
        } else {
            Self::Other
        }
    }
}

fn refused(extrinsic: &OutboxExtrinsic, refusal: Refusal, reason: &str) -> String {
    let kind = extrinsic.kind;
    match refusal {
        Refusal::Banned => format!(
            "the node has banned an extrinsic of the enclave ({kind:?}) that it did not take before; the enclave signs \
             it anew when its account can pay it, and in any case within some blocks"
        ),
        Refusal::Known | Refusal::Other => format!(
            "the node does not take an extrinsic of the enclave ({kind:?}) yet; it will be tried again: {reason}"
        ),
    }
}

const KNOWN: [&str; 6] = [
    "Already Imported",
    "already imported",
    "outdated",
    "Stale",
    "Priority is too low",
    "priority is too low",
];

/// Blocks after which the same bytes are submitted again: a pool may have dropped them.
const RESUBMIT_AFTER: u32 = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::PlayedNode;
    use offstage_protocol::OutboxKind;

    #[test]
    fn the_same_bytes_wait_and_new_bytes_do_not() {
        let mut submitter = Submitter::default();
        let (first, second) = (H256::repeat_byte(1), H256::repeat_byte(2));
        assert!(submitter.is_due(1, first, 10));
        submitter.submitted.insert(1, (first, 10));
        assert!(!submitter.is_due(1, first, 10 + RESUBMIT_AFTER - 1));
        assert!(submitter.is_due(1, first, 10 + RESUBMIT_AFTER));
        assert!(submitter.is_due(1, second, 11));
    }

    /// What a node with a transaction pool of the SDK says, as the client passes it on.
    #[test]
    fn a_ban_is_no_sign_that_the_node_has_the_extrinsic() {
        for (reason, refusal) in [
            ("Transaction is temporarily banned (1012)", Refusal::Banned),
            ("Transaction Already Imported (1013)", Refusal::Known),
            ("Priority is too low: (18 vs 18) (1014)", Refusal::Known),
            ("Invalid Transaction (1010): \"Transaction is outdated\"", Refusal::Known),
            (
                "Invalid Transaction (1010): \"Inability to pay some fees, e.g. account balance too low\"",
                Refusal::Other,
            ),
            ("Immediately Dropped (1016)", Refusal::Other),
        ] {
            assert_eq!(Refusal::of(reason), refusal, "{reason}");
        }
    }

    /// A ban is of bytes. The same effect under a new signature goes to the node in the same block.
    #[tokio::test]
    async fn what_was_banned_is_submitted_again_as_soon_as_it_has_other_bytes() {
        let node = PlayedNode::new(1);
        let extrinsic =
            |byte| OutboxExtrinsic { id: 1, kind: OutboxKind::Registration, extrinsic: vec![byte] };
        node.chain().bans.push(vec![1]);
        let (mut submitter, connection) = (Submitter::default(), node.connection());
        let hash = H256(sp_crypto_hashing::blake2_256(&[1]));
        // Which bytes are banned is told each time that the node says so.
        for (head, banned) in [(10, vec![hash]), (11, vec![]), (10 + RESUBMIT_AFTER, vec![hash])] {
            assert_eq!(submitter.submit(&connection, &[extrinsic(1)], head).await, banned);
        }
        assert_eq!(node.chain().submitted, Vec::<Vec<u8>>::new());
        for head in [16, 17] {
            assert!(submitter.submit(&connection, &[extrinsic(2)], head).await.is_empty());
        }
        assert_eq!(node.chain().submitted, [vec![2]]);
    }
}
