// SPDX-License-Identifier: Apache-2.0
//! Submitting what the enclave signed.
//!
//! The enclave hands out the same effects until it has seen them final. This side only avoids to bother the node with
//! the same bytes in every block, and counts.

use crate::node::Node;
use offstage_primitives::H256;
use offstage_protocol::OutboxExtrinsic;
use std::collections::BTreeMap;

/// Remembers what was submitted when.
#[derive(Default)]
pub struct Submitter {
    /// Effect -> hash of the bytes that were submitted for it, and the head's number then.
    submitted: BTreeMap<u64, (H256, u32)>,
}

impl Submitter {
    /// Submits those extrinsics that are new, or were submitted some blocks ago and are still wanted.
    pub async fn submit(&mut self, node: &Node, extrinsics: &[OutboxExtrinsic], head: u32) {
        self.submitted.retain(|id, _| extrinsics.iter().any(|extrinsic| extrinsic.id == *id));
        for extrinsic in extrinsics {
            let hash = H256(sp_crypto_hashing::blake2_256(&extrinsic.extrinsic));
            if !self.is_due(extrinsic.id, hash, head) {
                continue;
            }
            match node.submit(&extrinsic.extrinsic).await {
                Ok(()) => {
                    tracing::debug!(id = extrinsic.id, kind = ?extrinsic.kind, "submitted");
                    metrics::counter!("offstage_extrinsics_submitted_total").increment(1);
                }
                Err(error) if is_known(&error) => {}
                Err(error) => {
                    tracing::warn!(
                        id = extrinsic.id,
                        kind = ?extrinsic.kind,
                        "the node does not take an extrinsic yet; it will be tried again: {error:#}"
                    );
                    metrics::counter!("offstage_extrinsics_refused_total").increment(1);
                }
            }
            self.submitted.insert(extrinsic.id, (hash, head));
        }
    }

    fn is_due(&self, id: u64, hash: H256, head: u32) -> bool {
        self.submitted
            .get(&id)
            .is_none_or(|(known, at)| *known != hash || head >= at.saturating_add(RESUBMIT_AFTER))
    }
}

/// The pool has it already, or a previous copy of it is on chain.
fn is_known(error: &anyhow::Error) -> bool {
    let text = format!("{error:#}");
    [
        "Already Imported",
        "already imported",
        "outdated",
        "Stale",
        "Priority is too low",
        "priority is too low",
        "banned",
    ]
    .iter()
    .any(|known| text.contains(known))
}

/// Blocks after which the same bytes are submitted again: a pool may have dropped them.
const RESUBMIT_AFTER: u32 = 5;

#[cfg(test)]
mod tests {
    use super::*;

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
}
