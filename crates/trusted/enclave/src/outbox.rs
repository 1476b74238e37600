// SPDX-License-Identifier: Apache-2.0
//! Effects on the parentchain, until they are seen final.
//!
//! # What
//! An effect waits in the store from the block that caused it on. Whenever the host collects, what waits is signed, and
//! handed out again and again until a verified block shows that the effect happened (threat model H8). The nonce comes from the
//! proven account, so it is right again whatever the host dropped, delayed or reordered.
//!
//! # Details
//! - An extrinsic is signed once and handed out unchanged as long as it can still be included; otherwise every block would
//!   bring the node a rival of the same nonce.
//! - When the account's nonce has passed an extrinsic and the effect was not seen, it failed on chain (the shard's account was
//!   short of funds, for example). It is tried again, at growing distances, so that fees are not burnt in each block.
//! - The chain honours a payment once per call hash and a confirmation is idempotent, so an effect that is sent twice is
//!   not done twice.

use crate::{
    extrinsic::{Call, ERA_PERIOD, ExtrinsicError, Signing, sign},
    ingest::Ingested,
    store::{Waiting, WaitingEffect},
};
use offstage_primitives::{AccountId32, H256, ShardIdentifier};
use offstage_protocol::{OutboxExtrinsic, OutboxKind};
use std::collections::BTreeMap;

/// Ids of waiting effects that a block shows to have happened.
///
/// A payment happened whoever brought it about. A confirmation is this enclave's own duty while it serves; one that it only found
/// to be due when it caught up is done as well by anybody who confirmed the same root.
pub fn ended<'a>(
    waiting: impl Iterator<Item = &'a Waiting>,
    block: &Ingested,
    signer: &AccountId32,
) -> Vec<u64> {
    if block.confirmed.is_empty() && block.unshielded.is_empty() {
        return Vec::new();
    }
    waiting
        .filter(|waiting| match &waiting.effect {
            WaitingEffect::Unshield { call_hash, .. } => block.unshielded.contains(call_hash),
            WaitingEffect::Confirmation { block: confirmed, root } => block.confirmed.iter().any(|seen| {
                seen.block_hash == confirmed.hash
                    && seen.root == *root
                    && (seen.signer.as_ref() == Some(signer) || !waiting.while_serving)
            }),
        })
        .map(|waiting| waiting.id)
        .collect()
}

/// Something to be submitted.
pub struct Item {
    /// Names it.
    pub id: u64,
    /// For logs.
    pub kind: OutboxKind,
    /// What is asked of the chain.
    pub call: Call,
}

impl Item {
    /// A waiting effect as a call.
    pub fn of(waiting: &Waiting, shard: ShardIdentifier) -> Self {
        let (kind, call) = match &waiting.effect {
            WaitingEffect::Confirmation { block, root } => {
                (OutboxKind::Confirmation, Call::Confirm { shard, block: *block, root: *root })
            }
            WaitingEffect::Unshield { beneficiary, amount, call_hash } => (
                OutboxKind::Unshield,
                Call::Unshield {
                    shard,
                    beneficiary: beneficiary.clone(),
                    amount: *amount,
                    call_hash: *call_hash,
                },
            ),
        };
        Self { id: waiting.id, kind, call }
    }
}

/// What was signed and handed out since this start. Nothing of it is needed after a restart.
#[derive(Default)]
pub struct Submissions {
    attempts: BTreeMap<u64, Attempt>,
}

struct Attempt {
    signed: Option<Signed>,
    failures: u32,
    /// Not before this block.
    not_before: u32,
    /// When it was first handed out.
    since: u32,
}

struct Signed {
    nonce: u32,
    anchor: u32,
    code_hash: H256,
    extrinsic: Vec<u8>,
}

impl Submissions {
    /// Signs what can be submitted now, in the order of nonces. `nonce` is the account's next one at the anchor.
    ///
    /// # Errors
    /// When the runtime has a form that is not known here; then nothing is submitted.
    pub fn collect(
        &mut self,
        items: &[Item],
        nonce: u32,
        signing: &Signing<'_>,
    ) -> Result<Vec<OutboxExtrinsic>, ExtrinsicError> {
        let now = signing.anchor.number;
        self.attempts.retain(|id, _| items.iter().any(|item| item.id == *id));
        for attempt in self.attempts.values_mut() {
            attempt.notice_failure(nonce, now);
        }
        let mut due: Vec<&Item> =
            items.iter().filter(|item| self.is_due(item.id, now)).take(MAX_IN_FLIGHT).collect();
        // What is already on its way keeps its place; the rest follows in the order in which it was caused.
        due.sort_by_key(|item| (self.nonce_of(item.id).unwrap_or(u32::MAX), item.id));
        let mut extrinsics = Vec::with_capacity(due.len());
        for (nonce, item) in (nonce..).zip(due) {
            let attempt = self.attempts.entry(item.id).or_insert(Attempt {
                signed: None,
                failures: 0,
                not_before: 0,
                since: now,
            });
            let extrinsic = attempt.signed(item, nonce, signing)?;
            extrinsics.push(OutboxExtrinsic { id: item.id, kind: item.kind, extrinsic });
        }
        Ok(extrinsics)
    }

    /// Since which block the oldest effect is under way.
    pub fn oldest(&self) -> Option<u32> {
        self.attempts.values().map(|attempt| attempt.since).min()
    }

    /// Whether an effect failed on chain.
    pub fn has_failures(&self) -> bool {
        self.attempts.values().any(|attempt| attempt.failures > 0)
    }

    fn is_due(&self, id: u64, now: u32) -> bool {
        self.attempts.get(&id).is_none_or(|attempt| attempt.not_before <= now)
    }

    fn nonce_of(&self, id: u64) -> Option<u32> {
        Some(self.attempts.get(&id)?.signed.as_ref()?.nonce)
    }
}

impl Attempt {
    /// The account's nonce passed this extrinsic, and its effect still waits: it failed.
    fn notice_failure(&mut self, nonce: u32, now: u32) {
        if self.signed.take_if(|signed| signed.nonce < nonce).is_some() {
            self.failures = self.failures.saturating_add(1);
            let distance = 1u32.checked_shl(self.failures).unwrap_or(MAX_DISTANCE).min(MAX_DISTANCE);
            self.not_before = now.saturating_add(distance);
        }
    }

    fn signed(&mut self, item: &Item, nonce: u32, signing: &Signing<'_>) -> Result<Vec<u8>, ExtrinsicError> {
        let code_hash = signing.runtime.code_hash();
        if let Some(signed) = &self.signed {
            let age = signing.anchor.number.saturating_sub(signed.anchor);
            let is_fresh = u64::from(age) < ERA_PERIOD / 2;
            if signed.nonce == nonce && signed.code_hash == code_hash && is_fresh {
                return Ok(signed.extrinsic.clone());
            }
        }
        let extrinsic = sign(&item.call, nonce, signing)?;
        self.signed =
            Some(Signed { nonce, anchor: signing.anchor.number, code_hash, extrinsic: extrinsic.clone() });
        Ok(extrinsic)
    }
}

/// Extrinsics under way at once. Nodes keep few of one account that are not yet ready.
const MAX_IN_FLIGHT: usize = 32;

/// Blocks between two tries of an effect that fails, at most.
const MAX_DISTANCE: u32 = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ingest::{ChainFacts, Confirmed},
        keys::Signer,
    };
    use offstage_attestation::ChainPolicy;
    use offstage_light_client::testing::TestChain;
    use offstage_primitives::attestation::TcbPolicy;
    use offstage_protocol::BlockReference;

    const OWN: AccountId32 = AccountId32::new([1; 32]);

    fn block(number: u32) -> BlockReference {
        BlockReference { number, hash: H256::from_low_u64_be(number.into()) }
    }

    fn confirmation(id: u64, while_serving: bool) -> Waiting {
        let effect = WaitingEffect::Confirmation { block: block(5), root: H256::repeat_byte(5) };
        Waiting { id, effect, produced_at: 5, while_serving }
    }

    fn confirmed(signer: Option<AccountId32>, root: u8) -> Ingested {
        Ingested {
            block: block(9),
            facts: ChainFacts {
                timestamp_ms: 0,
                nonce: 0,
                balance: 0,
                shard_config: None,
                policy: ChainPolicy::new(Vec::new(), TcbPolicy::default(), false),
                registered: true,
            },
            incoming: Vec::new(),
            registry: Vec::new(),
            confirmed: vec![Confirmed {
                signer,
                number: 5,
                block_hash: block(5).hash,
                root: H256::repeat_byte(root),
            }],
            unshielded: vec![H256::repeat_byte(8)],
        }
    }

    #[test]
    fn a_confirmation_ends_with_the_own_one_or_if_it_was_due_before_serving_with_anybodys() {
        let waiting = [confirmation(0, true), confirmation(1, false)];
        let other = AccountId32::new([2; 32]);
        for (signer, root, expected) in [
            (Some(OWN), 5, vec![0, 1]),
            (Some(other), 5, vec![1]),
            (None, 5, vec![1]),
            (Some(OWN), 6, vec![]),
        ] {
            assert_eq!(ended(waiting.iter(), &confirmed(signer, root), &OWN), expected);
        }
    }

    #[test]
    fn h08_a_payment_ends_when_its_call_hash_was_honoured() {
        let waiting = [7, 8].map(|n| Waiting {
            id: u64::from(n),
            effect: WaitingEffect::Unshield { beneficiary: OWN, amount: 1, call_hash: H256::repeat_byte(n) },
            produced_at: 1,
            while_serving: true,
        });
        assert_eq!(ended(waiting.iter(), &confirmed(None, 0), &OWN), [8]);
    }

    /// H8: whatever the host does with extrinsics, nonces follow the proven account.
    #[test]
    fn h08_extrinsics_stay_the_same_until_they_must_change() {
        let chain = TestChain::new(1);
        let signer = Signer::from_sealable(&[3; 32]).unwrap();
        let shard = ShardIdentifier::from([5; 32]);
        let items = |ids: &[u64]| -> Vec<Item> {
            ids.iter().map(|id| Item::of(&confirmation(*id, true), shard)).collect()
        };
        let mut submissions = Submissions::default();
        let mut collect = |ids: &[u64], nonce, number| {
            let signing = Signing {
                runtime: chain.runtime(),
                genesis_hash: H256::zero(),
                anchor: block(number),
                signer: &signer,
            };
            submissions.collect(&items(ids), nonce, &signing).unwrap()
        };
        let first = collect(&[1, 2, 3], 7, 100);
        assert_eq!(first.iter().map(|extrinsic| extrinsic.id).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(collect(&[1, 2, 3], 7, 101), first);
        // The first was honoured: the others keep their nonces.
        assert_eq!(collect(&[2, 3, 4], 8, 102)[..2], first[1..]);
        // The second was included in vain: it waits, the third keeps its nonce.
        assert_eq!(collect(&[2, 3, 4], 9, 103)[0], first[2]);
        assert!(collect(&[2, 3, 4], 9, 104).iter().all(|extrinsic| extrinsic.id != 2));
        let again = collect(&[2, 3, 4], 9, 105);
        assert_eq!(again[0], first[2]);
        assert_eq!(again.last().unwrap().id, 2);
        // Extrinsics that are about to die are signed anew.
        assert_ne!(collect(&[3], 9, 100 + ERA_PERIOD as u32 / 2)[0], first[2]);
    }

    #[test]
    fn h08_few_extrinsics_are_under_way_at_once() {
        let chain = TestChain::new(1);
        let signer = Signer::from_sealable(&[3; 32]).unwrap();
        let items: Vec<Item> = (0..100).map(|id| Item::of(&confirmation(id, true), [5; 32].into())).collect();
        let signing = Signing {
            runtime: chain.runtime(),
            genesis_hash: H256::zero(),
            anchor: block(1),
            signer: &signer,
        };
        assert_eq!(Submissions::default().collect(&items, 0, &signing).unwrap().len(), MAX_IN_FLIGHT);
    }
}
