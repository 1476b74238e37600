// SPDX-License-Identifier: Apache-2.0
//! What was signed and handed out since this start. Nothing of it is needed after a restart.

use super::{Account, Hold, Item, KnownFees};
use crate::extrinsic::{Call, ERA_PERIOD, ExtrinsicError, MAX_BATCH, Signing, batches, sign, sign_batch};
use offstage_primitives::H256;
use offstage_protocol::{OutboxExtrinsic, OutboxKind, Parked, ParkedReason};
use sp_crypto_hashing::blake2_256;
use std::collections::{BTreeMap, BTreeSet};

/// The extrinsics under way, and how each effect fared.
#[derive(Default)]
pub struct Submissions {
    /// In the order of their nonces.
    in_flight: Vec<Signed>,
    efforts: BTreeMap<u64, Effort>,
    /// What the account would have to be able to pay for something that waits, when it cannot.
    short_of: Option<u128>,
    parked: Vec<Parked>,
}

/// An extrinsic that was handed out.
struct Signed {
    nonce: u32,
    anchor: u32,
    code_hash: H256,
    kind: OutboxKind,
    /// The effects that it brings about.
    ids: Vec<u64>,
    /// Whether somebody asked for what it does.
    pays: bool,
    /// The least that the account could pay since it was signed.
    least_spendable: u128,
    /// Whether a block has these very bytes.
    is_included: bool,
    /// Whether the host says that the node has banned these bytes.
    is_banned: bool,
    extrinsic: Vec<u8>,
}

/// What was tried for an effect.
struct Effort {
    failures: u32,
    /// Not before this block.
    not_before: u32,
    /// When it was first handed out.
    since: u32,
    /// The runtime by which it failed. Another one may honour it.
    failed_by: H256,
    /// How often it was signed anew because the node had banned it.
    bans: u32,
}

impl Submissions {
    /// Signs what can be submitted now, in the order of nonces. `account` is the enclave's at the anchor, and `fees`
    /// are what it has to pay at least; `items` are in the order in which they were caused.
    ///
    /// # Errors
    /// When the runtime has a form that is not known here; then nothing is submitted.
    pub fn collect(
        &mut self,
        items: &[Item],
        account: Account,
        fees: &KnownFees,
        signing: &Signing<'_>,
    ) -> Result<Vec<OutboxExtrinsic>, ExtrinsicError> {
        let (now, code_hash) = (signing.anchor.number, signing.runtime.code_hash());
        let waiting: BTreeSet<u64> = items.iter().map(|item| item.id).collect();
        self.efforts.retain(|id, _| waiting.contains(id));
        let nonce = account.nonce;
        self.note_failures(&waiting, nonce, now, code_hash);
        let mut spendable = account.spendable;
        self.drop_unfit(&waiting, account, now, code_hash);
        for signed in &self.in_flight {
            spendable = spendable.saturating_sub(fees.at_least(signed.kind, now));
        }
        self.short_of = None;
        self.parked = self.what_is_parked(items, code_hash);
        self.parked.extend(unfit_of(items, signing));
        for bundle in self.bundles(items, now, signing) {
            let under_way = u32::try_from(self.in_flight.len()).unwrap_or(u32::MAX);
            let next = nonce.saturating_add(under_way);
            // What it costs at least. The node knows what it takes, and refuses what is too little.
            let kind = bundle.first().map_or(OutboxKind::Batch, |item| item.kind);
            match spendable.checked_sub(fees.at_least(kind, now)) {
                Some(rest) => spendable = rest,
                None => {
                    let last = fees.last(kind).unwrap_or(1);
                    let under_way = account.spendable.saturating_sub(spendable);
                    self.short_of = self.short_of.max(Some(under_way.saturating_add(last)));
                    continue;
                }
            }
            let signed = sign_bundle(&bundle, next, account.spendable, signing)?;
            for id in &signed.ids {
                self.efforts.entry(*id).or_insert(Effort {
                    failures: 0,
                    not_before: 0,
                    since: now,
                    failed_by: code_hash,
                    bans: 0,
                });
            }
            self.in_flight.push(signed);
        }
        Ok(self.in_flight.iter().map(Signed::handed_out).collect())
    }

    /// Since which block the oldest effect that is not parked is under way.
    pub fn oldest(&self) -> Option<u32> {
        self.efforts.values().filter(|effort| effort.failures < MAX_TRIES).map(|effort| effort.since).min()
    }

    /// Whether an effect failed on chain and is tried again.
    pub fn has_failures(&self) -> bool {
        self.efforts.values().any(|effort| (1..MAX_TRIES).contains(&effort.failures))
    }

    /// What the account would have to be able to pay for what is not handed out because it cannot.
    pub fn short_of(&self) -> Option<u128> {
        self.short_of
    }

    /// What is not tried any more, and why.
    pub fn parked(&self) -> &[Parked] {
        &self.parked
    }

    /// A verified block has these extrinsics.
    pub fn note_block(&mut self, extrinsics: &[Vec<u8>]) {
        for signed in &mut self.in_flight {
            signed.is_included |= extrinsics.contains(&signed.extrinsic);
        }
    }

    /// The host says that the node has banned the bytes with this blake2-256 hash.
    pub fn note_banned(&mut self, hash: H256) {
        for signed in &mut self.in_flight {
            signed.is_banned |= H256(blake2_256(&signed.extrinsic)) == hash;
        }
    }

    /// The account's nonce passed an extrinsic that was included, and an effect of it still waits: it failed. If it was
    /// not included, another one had its nonce, such as one of the start before, and nothing failed.
    fn note_failures(&mut self, waiting: &BTreeSet<u64>, nonce: u32, now: u32, code_hash: H256) {
        let used = self.in_flight.partition_point(|signed| signed.nonce < nonce);
        for signed in self.in_flight.drain(..used).filter(|signed| signed.is_included) {
            for id in signed.ids.iter().filter(|id| waiting.contains(id)) {
                if let Some(effort) = self.efforts.get_mut(id) {
                    effort.fail(now, code_hash);
                }
            }
        }
    }

    /// Forgets extrinsics that cannot or need not be included any more. What of them still waits is signed anew.
    fn drop_unfit(&mut self, waiting: &BTreeSet<u64>, account: Account, now: u32, code_hash: H256) {
        let mut next = account.nonce;
        let efforts = &mut self.efforts;
        self.in_flight.retain_mut(|signed| {
            let age = now.saturating_sub(signed.anchor);
            let is_wanted = signed.ids.iter().any(|id| waiting.contains(id));
            // When the account had less, the node may have refused and banned these bytes. Once in some blocks, so that
            // nobody keeps the enclave signing by sending it dust.
            let may_be_banned = account.spendable > signed.least_spendable && age >= RESIGNED_AFTER;
            signed.least_spendable = signed.least_spendable.min(account.spendable);
            // Whatever the node had against them: other bytes are looked at anew, each time after twice as long.
            let is_banned = signed.is_banned && !signed.is_included && age >= signed.patience(efforts);
            if is_banned {
                for id in &signed.ids {
                    if let Some(effort) = efforts.get_mut(id) {
                        effort.bans = effort.bans.saturating_add(1);
                    }
                }
            }
            let is_fresh = u64::from(age) < ERA_PERIOD / 2 && !may_be_banned && !is_banned;
            let is_payable = account.spendable > 0;
            let fits =
                signed.nonce == next && signed.code_hash == code_hash && is_fresh && is_wanted && is_payable;
            if fits {
                next = next.saturating_add(1);
            }
            fits
        });
    }

    /// What is to be signed beside what is under way; each bundle becomes an extrinsic. Confirmations come before
    /// payments, and payments never take all room.
    fn bundles<'i>(&self, items: &'i [Item], now: u32, signing: &Signing<'_>) -> Vec<Vec<&'i Item>> {
        let busy: BTreeSet<u64> = self.in_flight.iter().flat_map(|signed| &signed.ids).copied().collect();
        let code_hash = signing.runtime.code_hash();
        let mut room = MAX_IN_FLIGHT.saturating_sub(self.in_flight.len());
        let mut paying =
            MAX_PAYING.saturating_sub(self.in_flight.iter().filter(|signed| signed.pays).count());
        let due = |item: &&Item| {
            item.hold.is_none()
                && !busy.contains(&item.id)
                && self.is_due(item.id, now, code_hash)
                && (paying > 0 || !item.is_asked_for())
                && fits(item, signing)
        };
        let (payments, others): (Vec<&Item>, Vec<&Item>) =
            items.iter().filter(due).partition(|item| item.is_asked_for());
        // A registration is large. What failed once must not take others with it, and may be what the chain's batches
        // refuse.
        let (alone, together): (Vec<&Item>, Vec<&Item>) =
            others.into_iter().chain(payments).partition(|item| item.is_alone() || self.failed(item.id));
        let (calls, together): (Vec<&Item>, Vec<&Item>) =
            together.into_iter().partition(|item| item.kind == OutboxKind::Effect);
        let most = if batches(signing.runtime) { MAX_BATCH } else { 1 };
        let (first, again): (Vec<_>, Vec<_>) = alone.into_iter().partition(|item| !self.failed(item.id));
        let single = |item| vec![item];
        first
            .into_iter()
            .map(single)
            .chain(together.chunks(most).map(<[_]>::to_vec))
            .chain(calls.chunks(most).map(<[_]>::to_vec))
            .chain(again.into_iter().map(single))
            .filter(|bundle| {
                let pays = bundle.iter().any(|item| item.is_asked_for());
                let fits = room > 0 && (paying > 0 || !pays);
                room = room.saturating_sub(usize::from(fits));
                paying = paying.saturating_sub(usize::from(fits && pays));
                fits
            })
            .collect()
    }

    fn is_due(&self, id: u64, now: u32, code_hash: H256) -> bool {
        self.efforts.get(&id).is_none_or(|effort| effort.not_before <= now && !effort.is_parked(code_hash))
    }

    fn failed(&self, id: u64) -> bool {
        self.efforts.get(&id).is_some_and(|effort| effort.failures > 0)
    }

    fn what_is_parked(&self, items: &[Item], code_hash: H256) -> Vec<Parked> {
        let mut counts = BTreeMap::<(OutboxKind, ParkedReason), u32>::new();
        for item in items {
            let has_failed = self.efforts.get(&item.id).is_some_and(|effort| effort.is_parked(code_hash));
            let reason = match item.hold {
                Some(Hold::ShardFunds) => ParkedReason::ShardFunds,
                Some(Hold::OthersTurn) | None if has_failed => ParkedReason::Failed,
                Some(Hold::OthersTurn) | None => continue,
            };
            let count = counts.entry((item.kind, reason)).or_default();
            *count = count.saturating_add(1);
        }
        counts.into_iter().map(|((kind, reason), count)| Parked { kind, reason, count }).collect()
    }
}

impl Effort {
    fn fail(&mut self, now: u32, code_hash: H256) {
        if self.failed_by != code_hash {
            self.failures = 0;
        }
        self.failed_by = code_hash;
        self.failures = self.failures.saturating_add(1);
        let distance = 1u32.checked_shl(self.failures).unwrap_or(u32::MAX);
        self.not_before = now.saturating_add(distance);
    }

    fn is_parked(&self, code_hash: H256) -> bool {
        self.failures >= MAX_TRIES && self.failed_by == code_hash
    }
}

impl Signed {
    /// Blocks for which these bytes are left alone though the node has banned them.
    fn patience(&self, efforts: &BTreeMap<u64, Effort>) -> u32 {
        let bans = self.ids.iter().filter_map(|id| efforts.get(id)).map(|effort| effort.bans).max();
        RESIGNED_AFTER.checked_shl(bans.unwrap_or_default().min(MAX_DOUBLINGS)).unwrap_or(u32::MAX)
    }

    fn handed_out(&self) -> OutboxExtrinsic {
        // No effect is in two extrinsics, so its first names one.
        let id = self.ids.first().copied().unwrap_or_default();
        OutboxExtrinsic { id, kind: self.kind, extrinsic: self.extrinsic.clone() }
    }
}

/// Whether the runtime takes a call that was asked for; what else there is, it must take.
fn fits(item: &Item, signing: &Signing<'_>) -> bool {
    match &item.call {
        Call::Execute(call) => call.fits(signing.runtime),
        _ => true,
    }
}

/// How many calls the runtime does not take.
fn unfit_of(items: &[Item], signing: &Signing<'_>) -> Option<Parked> {
    let count = items.iter().filter(|item| !fits(item, signing)).count();
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    (count > 0).then_some(Parked { kind: OutboxKind::Effect, reason: ParkedReason::Unfit, count })
}

/// One call as it is, several as a batch.
fn sign_bundle(
    items: &[&Item],
    nonce: u32,
    spendable: u128,
    signing: &Signing<'_>,
) -> Result<Signed, ExtrinsicError> {
    let (kind, extrinsic) = match items {
        [item] => (item.kind, sign(&item.call, nonce, signing)?),
        items => {
            let calls: Vec<&Call> = items.iter().map(|item| &item.call).collect();
            let all_calls = items.iter().all(|item| item.kind == OutboxKind::Effect);
            let kind = if all_calls { OutboxKind::Effect } else { OutboxKind::Batch };
            (kind, sign_batch(&calls, nonce, signing)?)
        }
    };
    Ok(Signed {
        nonce,
        anchor: signing.anchor.number,
        code_hash: signing.runtime.code_hash(),
        kind,
        ids: items.iter().map(|item| item.id).collect(),
        pays: items.iter().any(|item| item.is_asked_for()),
        least_spendable: spendable,
        is_included: false,
        is_banned: false,
        extrinsic,
    })
}

/// Extrinsics under way at once. Nodes keep few of one account that are not yet ready.
pub(super) const MAX_IN_FLIGHT: usize = 32;

/// Those among them that pay, so that confirmations find room whatever waits.
pub(super) const MAX_PAYING: usize = 16;

/// Blocks for which an extrinsic is left alone before it is signed anew because there is more on the account, or for
/// the first time because the node has banned it.
pub(super) const RESIGNED_AFTER: u32 = 2;

/// Up to 64 blocks between two signatures of what the node bans again and again.
const MAX_DOUBLINGS: u32 = 5;

/// How often the chain may include an effect without honouring it, before it is parked. Each time costs a fee.
pub(super) const MAX_TRIES: u32 = 3;
