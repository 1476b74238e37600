// SPDX-License-Identifier: Apache-2.0
//! The outbox against a chain that includes, fails and forgets what it is given.

use super::{
    submissions::{MAX_IN_FLIGHT, MAX_PAYING, MAX_TRIES, RESIGNED_AFTER},
    *,
};
use crate::{
    extrinsic::{ERA_PERIOD, MAX_BATCH, Signing},
    ingest::{Confirmed, PaidFee, tests_support::facts},
    keys::Signer,
};
use offstage_light_client::testing::{METADATA, TestChain, test_code, validators};
use offstage_primitives::{BlockHash, enclave_bridge::ShardSignerStatus};
use offstage_protocol::{BlockReference, OutboxExtrinsic, Parked, ParkedReason};
use offstage_sdk::{PayoutTerms, testing::TestCalls};
use std::sync::Arc;

const OWN: AccountId32 = AccountId32::new([1; 32]);
const OTHER: AccountId32 = AccountId32::new([2; 32]);
const SHARD: [u8; 32] = [5; 32];
const RICH: u128 = 1 << 100;

fn block(number: u32) -> BlockReference {
    BlockReference { number, hash: H256::from_low_u64_be(number.into()).into() }
}

fn confirmation(id: u64, while_serving: bool) -> Waiting {
    let effect = WaitingEffect::Confirmation { block: block(5), root: H256::repeat_byte(5) };
    Waiting { id, effect, produced_at: 5, while_serving }
}

fn payment(id: u64, amount: u128) -> Waiting {
    let call_hash = H256(sp_crypto_hashing::blake2_256(&id.to_le_bytes()));
    let effect = WaitingEffect::Unshield { beneficiary: OWN, amount, call_hash };
    Waiting { id, effect, produced_at: 5, while_serving: true }
}

fn confirmed(signer: Option<AccountId32>, root: u8) -> Ingested {
    Ingested {
        block: block(9),
        facts: facts(),
        incoming: Vec::new(),
        registry: Vec::new(),
        confirmed: vec![Confirmed {
            signer,
            number: 5,
            block_hash: block(5).hash,
            root: H256::repeat_byte(root),
        }],
        executed: vec![(H256::repeat_byte(8), true)],
        calls: Arc::new(TestCalls),
        fee: None,
        paid: Vec::new(),
    }
}

fn items_of(waiting: &[Waiting]) -> Vec<Item> {
    items(waiting.iter(), SHARD.into(), &OWN, &facts(), 5)
}

/// The account of an enclave on a chain, and what is under way for it.
struct Bench {
    chain: TestChain,
    signer: Signer,
    submissions: Submissions,
    /// The nonce of the first that was handed out last, and all of them. The chain includes them in their order.
    last: (u32, Vec<OutboxExtrinsic>),
}

impl Bench {
    fn new() -> Self {
        Self::on(METADATA)
    }

    fn on(metadata: &[u8]) -> Self {
        Self {
            chain: TestChain::with(validators(1, 1), &test_code(metadata, &[]), &[]),
            signer: Signer::from_sealable(&[3; 32]).unwrap(),
            submissions: Submissions::default(),
            last: Default::default(),
        }
    }

    fn collect(&mut self, items: &[Item], nonce: u32, number: u32) -> Vec<OutboxExtrinsic> {
        self.collect_with(items, Account { nonce, spendable: RICH }, &KnownFees::default(), number)
    }

    fn collect_with(
        &mut self,
        items: &[Item],
        account: Account,
        fees: &KnownFees,
        number: u32,
    ) -> Vec<OutboxExtrinsic> {
        let included = account.nonce.saturating_sub(self.last.0) as usize;
        let bodies: Vec<_> = self.last.1.iter().take(included).map(|last| last.extrinsic.clone()).collect();
        self.submissions.note_block(&bodies);
        let signing = Signing {
            runtime: self.chain.runtime(),
            genesis_hash: BlockHash::zero(),
            anchor: block(number),
            signer: &self.signer,
        };
        let handed_out = self.submissions.collect(items, account, fees, &signing).unwrap();
        self.last = (account.nonce, handed_out.clone());
        handed_out
    }
}

fn kinds(extrinsics: &[OutboxExtrinsic]) -> Vec<OutboxKind> {
    extrinsics.iter().map(|extrinsic| extrinsic.kind).collect()
}

#[test]
fn a_confirmation_ends_with_the_own_one_or_if_it_was_due_before_serving_with_anybodys() {
    let waiting = [confirmation(0, true), confirmation(1, false)];
    for (signer, root, expected) in
        [(Some(OWN), 5, vec![0, 1]), (Some(OTHER), 5, vec![1]), (None, 5, vec![1]), (Some(OWN), 6, vec![])]
    {
        assert_eq!(ended(waiting.iter(), &confirmed(signer, root), &OWN, false), expected);
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
    assert_eq!(ended(waiting.iter(), &confirmed(None, 0), &OWN, false), [8]);
}

/// P7: a standby submits nothing, keeps the payments that others make, and drops what it had to confirm.
#[test]
fn p07_a_standby_submits_nothing_and_has_nothing_to_confirm() {
    let waiting = [confirmation(0, true), payment(1, 5)];
    let slots = |count: u8| {
        let slot = |n| ShardSignerStatus {
            signer: [100 + n; 32].into(),
            fingerprint: SHARD.into(),
            last_activity: 5,
        };
        ChainFacts { shard_status: Some((0..count).map(slot).collect()), ..facts() }
    };
    assert!(items(waiting.iter(), SHARD.into(), &OWN, &slots(10), 5).is_empty());
    let free = items(waiting.iter(), SHARD.into(), &OWN, &slots(9), 5);
    assert_eq!(free.iter().map(|item| item.hold).collect::<Vec<_>>(), [None, Some(Hold::OthersTurn)]);
    let nothing = Ingested { confirmed: vec![], executed: vec![], ..confirmed(None, 0) };
    assert_eq!(ended(waiting.iter(), &nothing, &OWN, true), [0]);
    assert!(ended(waiting.iter(), &nothing, &OWN, false).is_empty());
}

/// H8: whatever the host does with extrinsics, nonces follow the proven account.
#[test]
fn h08_extrinsics_stay_the_same_until_they_must_change() {
    let metadata = without_batches();
    let mut bench = Bench::on(&metadata);
    let mut collect = |ids: &[u64], nonce, number| {
        let waiting: Vec<_> = ids.iter().map(|id| confirmation(*id, true)).collect();
        bench.collect(&items_of(&waiting), nonce, number)
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
    let waiting: Vec<_> = (0..100).map(|id| confirmation(id, true)).collect();
    let metadata = without_batches();
    assert_eq!(Bench::on(&metadata).collect(&items_of(&waiting), 0, 1).len(), MAX_IN_FLIGHT);
    let many: Vec<_> = (0..10_000).map(|id| payment(id, 1)).collect();
    assert_eq!(Bench::new().collect(&items_of(&many), 0, 1).len(), MAX_PAYING);
    assert_eq!(Bench::on(&metadata).collect(&items_of(&many), 0, 1).len(), MAX_PAYING);
}

/// A node bans what its sender cannot pay. So nothing is handed out that the account cannot pay for sure; and what was
/// handed out, and may be banned, becomes other bytes as soon as there is more on the account.
#[test]
fn what_the_account_could_not_pay_is_signed_anew_when_it_can() {
    let mut bench = Bench::new();
    let waiting = [confirmation(1, true)];
    let mut fees = KnownFees::default();
    let mut collect = |spendable, fees: &KnownFees, number| {
        let handed_out =
            bench.collect_with(&items_of(&waiting), Account { nonce: 3, spendable }, fees, number);
        assert_eq!(bench.submissions.short_of().is_some(), handed_out.is_empty());
        handed_out
    };
    assert!(collect(0, &fees, 100).is_empty(), "nothing to pay with");
    // No fee is known yet: it is tried, and the node finds that a little is too little.
    let first = collect(5, &fees, 101);
    assert_eq!(collect(5, &fees, 101 + RESIGNED_AFTER), first, "nothing changed");
    assert_eq!(collect(4, &fees, 104), first, "less cannot mend it");
    let second = collect(5, &fees, 105);
    assert_ne!(second, first, "more may");
    assert_eq!(collect(9, &fees, 106), second, "but not in every block");
    assert_ne!(collect(9, &fees, 107), second);
    // Taken from under way when nothing is left.
    assert!(collect(0, &fees, 108).is_empty());
    // Once it is known what it costs, less than that is not tried.
    fees.note(&[PaidFee { kind: Some(OutboxKind::Confirmation), is_own: true, fee: 50 }], 109, 0);
    assert!(collect(49, &fees, 110).is_empty());
    assert_eq!(collect(50, &fees, 111).len(), 1);
}

/// What was seen: a ban for another reason than money lasted for 128 blocks.
#[test]
fn what_the_node_has_banned_is_signed_anew_soon_and_ever_less_often() {
    let mut bench = Bench::new();
    let waiting = [confirmation(1, true), payment(2, 1)];
    let items = items_of(&waiting);
    let hash = |extrinsics: &[OutboxExtrinsic]| H256(sp_crypto_hashing::blake2_256(&extrinsics[0].extrinsic));
    let mut now = 100;
    let mut before = bench.collect(&items, 3, now);
    assert_eq!(before.len(), 1);
    // Other bytes than those that are under way.
    bench.submissions.note_banned(H256::repeat_byte(1));
    assert_eq!(bench.collect(&items, 3, now + RESIGNED_AFTER), before);
    for patience in [2, 4, 8, 16, 32, 64, 64] {
        bench.submissions.note_banned(hash(&before));
        assert_eq!(bench.collect(&items, 3, now + patience - 1), before, "not before {patience} blocks");
        now += patience;
        let after = bench.collect(&items, 3, now);
        assert!(after[0].extrinsic != before[0].extrinsic && after[0].id == before[0].id, "{patience}");
        before = after;
    }
    // An effect that is new has not been banned yet.
    let other = [confirmation(9, true)];
    let first = bench.collect(&items_of(&other), 3, now);
    bench.submissions.note_banned(hash(&first));
    assert_ne!(bench.collect(&items_of(&other), 3, now + RESIGNED_AFTER), first);
}

/// What was seen: "included without honouring it" after ordinary restarts. An extrinsic of the start before had the
/// nonce.
#[test]
fn what_lost_its_nonce_to_another_has_not_failed() {
    let mut bench = Bench::new();
    let waiting = [confirmation(1, true)];
    let first = bench.collect(&items_of(&waiting), 7, 100);
    bench.last = Default::default();
    let again = bench.collect(&items_of(&waiting), 8, 101);
    assert_eq!((again.len(), again[0].id), (1, first[0].id), "at once");
    assert!(!bench.submissions.has_failures());
    bench.collect(&items_of(&waiting), 9, 102);
    assert!(bench.submissions.has_failures(), "these very bytes are in a block");
}

/// C17: however many payments wait, confirmations are before them.
#[test]
fn c17_confirmations_go_before_payments() {
    for metadata in [METADATA.to_vec(), without_batches()] {
        let mut bench = Bench::on(&metadata);
        let mut waiting: Vec<_> = (0..5_000).map(|id| payment(id, 1)).collect();
        let full = bench.collect(&items_of(&waiting), 0, 10);
        assert_eq!(full.len(), MAX_PAYING);
        // With payments in all places they may have, there is room for a confirmation, at once.
        waiting.push(confirmation(5_000, true));
        let more = bench.collect(&items_of(&waiting), 0, 11);
        assert_eq!(more[..full.len()], full);
        assert_eq!(kinds(&more[full.len()..]), [OutboxKind::Confirmation]);
        // And from the beginning it is in the first extrinsic.
        let fresh = Bench::on(&metadata).collect(&items_of(&waiting), 0, 11);
        assert_eq!(fresh[0].id, 5_000);
    }
}

/// C17: what waits together travels together, where the chain has batches that go on after a failure.
#[test]
fn c17_confirmations_and_payments_travel_in_bounded_batches() {
    let mut waiting: Vec<_> = (0..70).map(|id| payment(id, 1)).collect();
    waiting.push(confirmation(70, true));
    let batches = Bench::new().collect(&items_of(&waiting), 3, 10);
    assert_eq!(kinds(&batches), [OutboxKind::Batch; 3]);
    assert_eq!(batches.iter().map(|batch| batch.id).collect::<Vec<_>>(), [70, 31, 63]);
    assert!(batches[0].extrinsic.len() < MAX_BATCH * 130);
    // One call alone needs no batch.
    assert_eq!(kinds(&Bench::new().collect(&items_of(&waiting[..1]), 3, 10)), [OutboxKind::Unshield]);
    let singles = Bench::on(&without_batches()).collect(&items_of(&waiting[..5]), 3, 10);
    assert_eq!(kinds(&singles), [OutboxKind::Unshield; 5]);
}

/// C17: each failure costs a fee, so there are few, and then the effect is parked with its reason.
#[test]
fn c17_what_fails_on_chain_is_parked_after_a_bounded_number_of_tries() {
    let mut bench = Bench::new();
    let waiting = [payment(1, 1), payment(2, 1), confirmation(3, true)];
    let (mut nonce, mut tries) = (0, 0);
    for number in 10..200 {
        // The chain includes what it is given, and honours nothing of the payments.
        let rest = if tries == 0 { &waiting[..] } else { &waiting[..1] };
        let handed_out = bench.collect(&items_of(rest), nonce, number);
        if tries > 0 {
            assert!(handed_out.iter().all(|extrinsic| extrinsic.kind == OutboxKind::Unshield), "alone");
        }
        tries += u32::from(!handed_out.is_empty());
        nonce += handed_out.len() as u32;
    }
    assert_eq!(tries, MAX_TRIES);
    let parked = |kind, reason, count| Parked { kind, reason, count };
    assert_eq!(bench.submissions.parked(), [parked(OutboxKind::Unshield, ParkedReason::Failed, 1)]);
    assert!(!bench.submissions.has_failures() && bench.submissions.oldest().is_none());
    // Another runtime may honour it, and a new start tries it.
    bench.chain = TestChain::with(validators(1, 1), &test_code(METADATA, b"other"), &[]);
    assert_eq!(bench.collect(&items_of(&waiting[..1]), nonce, 200).len(), 1);
    assert!(bench.submissions.parked().is_empty());
    assert_eq!(Bench::new().collect(&items_of(&waiting[..1]), nonce, 200).len(), 1);
    // It ends when another worker succeeded.
    assert!(bench.collect(&[], nonce, 201).is_empty());
}

/// P9: the account of the shard keeps its deposit, so a payment that would take it is not even tried, and costs
/// nothing.
#[test]
fn p09_a_payment_beyond_the_shards_funds_is_parked_until_there_is_more() {
    let mut bench = Bench::new();
    let waiting = [payment(1, 60), payment(2, 50), payment(3, 30)];
    let payout = PayoutTerms { existential_deposit: 10, fee: 0 };
    let holding = |shard_balance| {
        let facts = ChainFacts { shard_balance, payout, ..facts() };
        items(waiting.iter(), SHARD.into(), &OWN, &facts, 5)
    };
    let parked = |count| [Parked { kind: OutboxKind::Unshield, reason: ParkedReason::ShardFunds, count }];
    // The second is too much after the first; the third is not.
    let batch = bench.collect(&holding(100), 0, 10);
    assert_eq!(kinds(&batch), [OutboxKind::Batch]);
    assert_eq!(bench.submissions.parked(), parked(1));
    for number in 11..100 {
        assert_eq!(bench.collect(&holding(100), 0, number), batch);
    }
    // A planck short of the deposit.
    let mut bench = Bench::new();
    assert!(bench.collect(&holding(39), 0, 10).is_empty());
    assert_eq!(bench.submissions.parked(), parked(3));
    assert_eq!(kinds(&bench.collect(&holding(40), 0, 11)), [OutboxKind::Unshield]);
    assert_eq!(kinds(&bench.collect(&holding(150), 0, 12)), [OutboxKind::Unshield, OutboxKind::Batch]);
    assert!(bench.submissions.parked().is_empty());
}

/// The kit's metadata, in which the call that makes batches has another name.
fn without_batches() -> Vec<u8> {
    let mut metadata = METADATA.to_vec();
    let name = b"force_batch";
    let places: Vec<_> =
        (0..metadata.len() - name.len()).filter(|place| metadata[*place..].starts_with(name)).collect();
    for place in places {
        metadata[place..place + name.len()].copy_from_slice(b"forge_batch");
    }
    metadata
}
