// SPDX-License-Identifier: Apache-2.0
//! What users may try with calls: rows C1, C2, C3, C4, C7, C18 to C20 and the calls of C9.

use crate::kit::{Host, MEASUREMENT, UNIT, World, funded, signed, transfer};
use codec::Encode;
use offstage_balances::Balances;
use offstage_balances_interface::{BalancesOperation, Getter, PublicGetter, TrustedCall};
use offstage_primitives::{
    AccountId32, BlockHash, Measurement, MultiSignature, ShardIdentifier,
    receipt::{Outcome, undecipherable_operation_hash},
    shielding::{CHUNK_LEN, MAX_CYPHERTEXT_LEN, RSA_LEN},
    trusted::{
        BoundCallSigned, Domain, MAX_OPERATION_LEN, TrustedCallSigned, TrustedOperation, call_payload,
    },
};
use offstage_sdk::{
    Authenticated, BlockContext, BlockSecret, CallError, Effects, ReadContext, ShardContext, StateTransition,
    Weight, testing::TestAccount,
};
use sp_core::{Pair, ecdsa, ed25519, sr25519};
use std::sync::{Arc, Mutex};

/// Whatever an envelope holds, only its author is hurt.
#[test]
fn c01_garbage_becomes_failure_receipts_and_the_block_goes_on() {
    let (mut world, mut host, alice) = funded();
    let (bob, key, shard) = (TestAccount::bob(), host.key(), world.shard);
    let good = transfer(&alice, &bob, UNIT, 0);
    let honest = transfer(&alice, &bob, 2 * UNIT, 0);
    let flipped = |at: usize| {
        let mut envelope = key.operation(&honest);
        envelope[at] ^= 1;
        envelope
    };
    let mut trailing = honest.encode();
    trailing.push(0);
    let mut cut = honest.encode();
    cut.pop();
    // A vector that claims to be endless where a getter stands, and nesting without end.
    let claims_much = [&[2u8, 1][..], &[0xff; 9]].concat();
    let nested = vec![0u8; MAX_OPERATION_LEN];
    let mut longest = honest.encode();
    longest.resize(MAX_OPERATION_LEN + 1, 0);
    let garbage = [
        Vec::new(),
        vec![1, 2, 3],
        vec![7; RSA_LEN],
        vec![0xff; RSA_LEN],
        vec![7; RSA_LEN - 1],
        vec![7; RSA_LEN + 1],
        vec![0; 400 * RSA_LEN],
        flipped(0),
        flipped(100),
        flipped(RSA_LEN - 1),
        key.operation(&honest)[..RSA_LEN - 1].to_vec(),
        // Two good envelopes behind each other: one plaintext with trailing bytes.
        [key.operation(&honest), key.operation(&honest)].concat(),
        key.encrypt(&[]),
        key.encrypt(b"not an operation"),
        key.encrypt(&[0, 3]),
        key.encrypt(&[9; 100]),
        key.encrypt(&trailing),
        key.encrypt(&cut),
        key.encrypt(&nested),
        key.encrypt(&longest),
        key.encrypt(&vec![0xff; 5 * CHUNK_LEN]),
    ];
    host.run(&mut world, |mut content| {
        for envelope in &garbage {
            content = content.invoke(shard, envelope.clone()).shield(shard, envelope.clone(), UNIT);
        }
        content = content.invoke(shard, key.encrypt(&claims_much));
        content.invoke(shard, key.operation(&good))
    });
    for (index, envelope) in garbage.iter().enumerate() {
        assert_eq!(host.outcome(undecipherable_operation_hash(envelope)), Outcome::Undecipherable, "{index}");
    }
    assert_eq!(host.status().operations, 2 * garbage.len() as u64 + 3, "the shielding before, too");
    assert_eq!(host.outcome(good.hash()), Outcome::Executed);
    assert_eq!((host.balance(&alice), host.balance(&bob)), (99 * UNIT, UNIT));
}

/// Nonces survive that an account is emptied and funded again; and a replay does not hide the receipt.
#[test]
fn c02_a_replayed_envelope_is_executed_once() {
    let (mut world, mut host, alice) = funded();
    let (bob, key, shard) = (TestAccount::bob(), host.key(), world.shard);
    let all = transfer(&alice, &bob, 100 * UNIT, 0);
    let envelope = key.operation(&all);
    // In the same block; also encrypted anew, which whoever knows the operation can do.
    let number = host.run(&mut world, |content| {
        content
            .invoke(shard, envelope.clone())
            .invoke(shard, envelope.clone())
            .invoke(shard, key.operation(&all))
    });
    assert_eq!((host.balance(&alice), host.balance(&bob)), (0, 100 * UNIT));
    // In a later block, and after a restart, when the account was emptied and funded again.
    for _ in 0..2 {
        host.run(&mut world, |content| {
            content.shield(shard, key.account(&alice), 100 * UNIT).invoke(shard, envelope.clone())
        });
        host = host.restart(&world);
        host.serve(&mut world);
    }
    assert_eq!((host.balance(&alice), host.balance(&bob)), (200 * UNIT, 100 * UNIT));
    assert_eq!(host.nonce(&alice), 1);
    let receipt = host.receipt(&all.hash()).unwrap();
    assert_eq!((receipt.leaf.outcome, receipt.block_number), (Outcome::Executed, number));
}

/// Signatures are checked before nonces: a bad one takes nobody's.
#[test]
fn c03_a_badly_signed_call_takes_nobodys_nonce() {
    let (mut world, mut host, alice) = funded();
    let (bob, key, shard) = (TestAccount::bob(), host.key(), world.shard);
    let call = TrustedCall::BalanceTransfer(alice.id(), bob.id(), 50 * UNIT);
    let forged = BalancesOperation::IndirectCall(bob.sign_call(call, 0, &MEASUREMENT, &shard));
    let future = signed(&alice, TrustedCall::Noop(alice.id()), 5);
    let victim = transfer(&alice, &bob, UNIT, 0);
    host.run(&mut world, |content| {
        content
            .invoke(shard, key.operation(&forged))
            .invoke(shard, key.operation(&future))
            .invoke(shard, key.operation(&victim))
    });
    assert_eq!(host.outcome(forged.hash()), Outcome::Unauthorised);
    assert_eq!(host.outcome(future.hash()), Outcome::WrongNonce);
    assert_eq!(host.outcome(victim.hash()), Outcome::Executed);
    assert_eq!((host.balance(&bob), host.nonce(&alice)), (UNIT, 1));
}

#[test]
fn c03_a_call_with_a_wrong_nonce_fails_alone() {
    let (mut world, mut host, alice) = funded();
    let (key, shard) = (host.key(), world.shard);
    let late = signed(&alice, TrustedCall::Noop(alice.id()), 1);
    let first = signed(&alice, TrustedCall::Noop(alice.id()), 0);
    host.run(&mut world, |content| {
        content.invoke(shard, key.operation(&late)).invoke(shard, key.operation(&first))
    });
    assert_eq!(host.outcome(late.hash()), Outcome::WrongNonce);
    assert_eq!(host.outcome(first.hash()), Outcome::Executed);
    // Sent again it succeeds, and the receipt says so.
    host.run(&mut world, |content| content.invoke(shard, key.operation(&late)));
    assert_eq!(host.outcome(late.hash()), Outcome::Executed);
}

#[test]
fn c04_calls_signed_for_elsewhere_or_by_others_are_refused() {
    let (mut world, mut host, alice) = funded();
    let (bob, key, shard) = (TestAccount::bob(), host.key(), world.shard);
    let call = TrustedCall::BalanceTransfer(alice.id(), bob.id(), UNIT);
    let classic =
        |call: &TrustedCall, measurement: Measurement, shard: ShardIdentifier, signer: &TestAccount| {
            BalancesOperation::IndirectCall(signer.sign_call(call.clone(), 0, &measurement, &shard))
        };
    let own = world.domain();
    let bound = |domain: Domain| {
        BalancesOperation::BoundCall(alice.sign_bound_call(call.clone(), 0, u32::MAX, &domain))
    };
    let internal =
        [TrustedCall::BalanceShield(alice.id(), alice.id(), UNIT), TrustedCall::TimestampSet(alice.id(), 1)];
    let mut bad = vec![
        classic(&call, MEASUREMENT, shard, &bob),
        classic(&call, Measurement([1; 32]), shard, &alice),
        classic(&call, MEASUREMENT, [1; 32].into(), &alice),
        // Another account, chain, measurement, shard.
        BalancesOperation::BoundCall(bob.sign_bound_call(call.clone(), 0, u32::MAX, &own)),
        bound(Domain { genesis_hash: BlockHash::repeat_byte(1), ..own }),
        bound(Domain { measurement: Measurement([1; 32]), ..own }),
        bound(Domain { shard: [1; 32].into(), ..own }),
    ];
    bad.extend(internal.iter().map(|call| classic(call, MEASUREMENT, shard, &alice)));
    // A signature of one form is none of the other.
    let TrustedOperation::BoundCall(good_bound) = bound(own) else { panic!() };
    bad.push(BalancesOperation::IndirectCall(TrustedCallSigned {
        call: call.clone(),
        nonce: 0,
        signature: good_bound.signature.clone(),
    }));
    let TrustedOperation::IndirectCall(good) = transfer(&alice, &bob, UNIT, 0) else { panic!() };
    bad.push(BalancesOperation::BoundCall(BoundCallSigned {
        call: call.clone(),
        nonce: 0,
        expires: u32::MAX,
        signature: good.signature.clone(),
    }));
    // A later expiry, another nonce than what was signed.
    bad.push(BalancesOperation::BoundCall(BoundCallSigned { expires: 7_000, ..good_bound.clone() }));
    bad.push(BalancesOperation::BoundCall(BoundCallSigned { nonce: 1, ..good_bound }));
    let direct = BalancesOperation::DirectCall(good.clone());
    let getter = BalancesOperation::Get(Getter::Public(PublicGetter::SomeValue));
    let good = BalancesOperation::IndirectCall(good);
    host.run(&mut world, |mut content| {
        for operation in bad.iter().chain([&direct, &getter, &good]) {
            content = content.invoke(shard, key.operation(operation));
        }
        content
    });
    for (index, operation) in bad.iter().enumerate() {
        assert_eq!(host.outcome(operation.hash()), Outcome::Unauthorised, "{index}");
    }
    assert_eq!(host.outcome(direct.hash()), Outcome::NotIndirect);
    assert_eq!(host.outcome(getter.hash()), Outcome::NotIndirect);
    assert_eq!(host.outcome(good.hash()), Outcome::Executed);
    assert_eq!((host.balance(&bob), host.nonce(&alice)), (UNIT, 1));
}

/// Each scheme's good signature is executed, bare and wrapped; wrong kinds, messages and owners are not.
#[test]
fn c04_each_signature_scheme_used_wrongly_is_refused() {
    let (mut world, mut host, _) = funded();
    let (key, shard) = (host.key(), world.shard);
    let (ed, sr, ec) = (
        ed25519::Pair::from_seed(&[1; 32]),
        sr25519::Pair::from_seed(&[1; 32]),
        ecdsa::Pair::from_seed(&[1; 32]),
    );
    let ec_account = AccountId32::new(sp_crypto_hashing::blake2_256(ec.public().as_ref()));
    type Sign<'a> = Box<dyn Fn(&[u8]) -> MultiSignature + 'a>;
    let signers: [(AccountId32, Sign<'_>); 3] = [
        (ed.public().0.into(), Box::new(|message| ed.sign(message).into())),
        (sr.public().0.into(), Box::new(|message| sr.sign(message).into())),
        (ec_account, Box::new(|message| ec.sign(message).into())),
    ];
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for (account, sign) in &signers {
        let call = |nonce| (TrustedCall::Noop(account.clone()), nonce);
        let payload = |nonce: u32| call_payload(&call(nonce).0, nonce, &MEASUREMENT, &shard);
        let operation = |nonce: u32, signature: MultiSignature| {
            BalancesOperation::IndirectCall(TrustedCallSigned { call: call(nonce).0, nonce, signature })
        };
        good.push(operation(0, sign(&payload(0))));
        good.push(operation(1, sign(&[b"<Bytes>", &payload(1)[..], b"</Bytes>"].concat())));
        for message in [
            payload(3),
            payload(2)[1..].to_vec(),
            [b"<Bytes>", &payload(2)[..]].concat(),
            [b"<Bytes><Bytes>", &payload(2)[..], b"</Bytes></Bytes>"].concat(),
            sp_crypto_hashing::blake2_256(&payload(2)).to_vec(),
            Vec::new(),
        ] {
            bad.push(operation(2, sign(&message)));
        }
        // The same bytes said to be of another scheme.
        let own = sign(&payload(2));
        let mut first = [0; 64];
        first.copy_from_slice(&own.encode()[1..65]);
        let mut all = [0; 65];
        all[..64].copy_from_slice(&first);
        if let MultiSignature::Ecdsa(signature) = &own {
            all.copy_from_slice(AsRef::<[u8]>::as_ref(signature));
        }
        for other in [
            MultiSignature::Ed25519(first.into()),
            MultiSignature::Sr25519(first.into()),
            MultiSignature::Ecdsa(all.into()),
            MultiSignature::Ed25519([0; 64].into()),
            MultiSignature::Sr25519([0; 64].into()),
            MultiSignature::Ecdsa([0; 65].into()),
            MultiSignature::Ecdsa([0xff; 65].into()),
        ] {
            if other != own {
                bad.push(operation(2, other));
            }
        }
        // Somebody else's signature.
        for (other, sign) in signers.iter().filter(|(other, _)| other != account) {
            assert_ne!(other, account);
            bad.push(operation(2, sign(&payload(2))));
        }
    }
    host.run(&mut world, |mut content| {
        for operation in good.iter().chain(&bad) {
            content = content.invoke(shard, key.operation(operation));
        }
        content
    });
    assert!(good.iter().all(|operation| host.outcome(operation.hash()) == Outcome::Executed));
    for (index, operation) in bad.iter().enumerate() {
        assert_eq!(host.outcome(operation.hash()), Outcome::Unauthorised, "{index}");
    }
}

/// A bound call is good up to its last block; one later it fails, and its nonce is still there.
#[test]
fn c09_a_bound_call_expires_and_uses_up_no_nonce() {
    let (mut world, mut host, alice) = funded();
    let (bob, key, shard, domain) = (TestAccount::bob(), host.key(), world.shard, world.domain());
    let next = world.chain.number() + 1;
    let bound = |nonce, expires| {
        let call = TrustedCall::BalanceTransfer(alice.id(), bob.id(), UNIT);
        BalancesOperation::BoundCall(alice.sign_bound_call(call, nonce, expires, &domain))
    };
    let (held_back, in_time) = (bound(0, next - 1), bound(0, next));
    host.run(&mut world, |content| {
        content.invoke(shard, key.operation(&held_back)).invoke(shard, key.operation(&in_time))
    });
    assert_eq!(host.outcome(held_back.hash()), Outcome::Expired);
    assert_eq!(host.outcome(in_time.hash()), Outcome::Executed);
    assert_eq!((host.balance(&bob), host.nonce(&alice)), (UNIT, 1));
    let late = bound(1, next);
    host.run(&mut world, |content| content.invoke(shard, key.operation(&late)));
    assert_eq!(host.outcome(late.hash()), Outcome::Expired);
    assert_eq!((host.balance(&bob), host.nonce(&alice)), (UNIT, 1));
}

/// Balances with calls that misbehave, told by their amount.
struct Odd;

const FAILS: u128 = 7_770_001;
const PANICS: u128 = 7_770_002;
const TOO_HEAVY: u128 = 7_770_003;
const PANICS_WHEN_WEIGHED: u128 = 7_770_004;
/// Eight of these fill a block's weight.
const HEAVY: u128 = 7_770_005;

fn amount(call: &TrustedCall) -> u128 {
    match call {
        TrustedCall::BalanceTransfer(.., amount) => *amount,
        _ => 0,
    }
}

impl StateTransition for Odd {
    type Call = TrustedCall;
    type Getter = Getter;

    fn genesis(shard: &ShardContext) {
        Balances::genesis(shard);
    }

    fn enter_block(block: &BlockContext, secret: Option<&BlockSecret>) {
        Balances::enter_block(block, secret);
    }

    fn enter_operation(operation: &offstage_primitives::H256) {
        Balances::enter_operation(operation);
    }

    fn transient() -> Vec<Vec<u8>> {
        Balances::transient()
    }

    fn begin_block(block: &BlockContext) -> Weight {
        Balances::begin_block(block)
    }

    fn weight_of(call: &TrustedCall) -> Weight {
        let limits = Self::limits();
        match amount(call) {
            PANICS_WHEN_WEIGHED => panic!("{call:?}"),
            TOO_HEAVY => limits.call.saturating_add(Weight::from_parts(1, 0)),
            // Eight of them fit, beside what the block itself costs.
            HEAVY => Weight::from_parts(limits.block.ref_time() / 8 - limits.block.ref_time() / 1_000, 0),
            _ => Balances::weight_of(call),
        }
    }

    fn execute(block: &BlockContext, call: &Authenticated<TrustedCall>) -> Result<Effects, CallError> {
        let done = Balances::execute(block, call)?;
        match amount(call.call()) {
            // Both after the money was moved.
            FAILS => Err(CallError("on purpose")),
            PANICS => panic!("{:?}", call.call()),
            _ => Ok(done),
        }
    }

    fn shield(block: &BlockContext, beneficiary: &AccountId32, amount: u128) -> Result<(), CallError> {
        Balances::shield(block, beneficiary, amount)
    }

    fn may_read(reading: &ReadContext, getter: &Getter) -> bool {
        Balances::may_read(reading, getter)
    }

    fn read(getter: &Getter) -> Option<Vec<u8>> {
        Balances::read(getter)
    }

    fn metadata() -> Vec<u8> {
        Balances::metadata()
    }
}

/// C19: whoever fills a block with calls that are refused fills a share of it. Calls of others are executed, on every
/// worker alike, and what was put off is executed when the very same envelope comes again.
#[test]
fn c19_one_sender_does_not_fill_the_block_for_others() {
    let mut world = World::new();
    let dir = || Arc::new(tempfile::tempdir().unwrap());
    let mut host = Host::<Odd>::start(dir(), crate::kit::start(&world)).unwrap();
    host.serve(&mut world);
    let (alice, bob, key, shard) = (TestAccount::alice(), TestAccount::bob(), host.key(), world.shard);
    let greedy = TestAccount::named("Greedy");
    host.run(&mut world, |content| content.shield(shard, key.account(&alice), 100 * UNIT));
    // An eighth of the block each, and Greedy has nothing to transfer.
    let flood: Vec<_> = (0..12).map(|nonce| transfer(&greedy, &bob, HEAVY, nonce)).collect();
    let honest: Vec<_> = (0..2).map(|nonce| transfer(&alice, &bob, HEAVY, nonce)).collect();
    let flood: Vec<_> = flood.iter().map(|operation| (operation.hash(), key.operation(operation))).collect();
    host.run(&mut world, |mut content| {
        for (_, envelope) in &flood {
            content = content.invoke(shard, envelope.clone());
        }
        for operation in &honest {
            content = content.invoke(shard, key.operation(operation));
        }
        content
    });
    assert!(honest.iter().all(|operation| host.outcome(operation.hash()) == Outcome::Executed));
    let outcomes: Vec<_> = flood.iter().map(|(hash, _)| host.outcome(*hash)).collect();
    assert_eq!(outcomes[..3], [Outcome::Refused, Outcome::Refused, Outcome::NotNow]);
    assert!(outcomes[3..].iter().all(|outcome| *outcome == Outcome::WrongNonce));
    assert_eq!((host.nonce(&greedy), host.nonce(&alice)), (2, 2));
    host.run(&mut world, |content| content.invoke(shard, flood[2].1.clone()));
    assert_eq!((host.outcome(flood[2].0), host.nonce(&greedy)), (Outcome::Refused, 3));

    let mut other = Host::<Odd>::start(dir(), crate::kit::start(&world)).unwrap();
    other.join(&mut world, &mut host);
    assert_eq!(other.state_root(), host.state_root());
}

/// C20: a failed operation that somebody sends again keeps the receipt of what became of it.
#[test]
fn c20_a_replay_of_a_failed_operation_does_not_overwrite_its_receipt() {
    let (mut world, mut host, alice) = funded();
    let (bob, key, shard) = (TestAccount::bob(), host.key(), world.shard);
    let too_much = transfer(&alice, &bob, 1_000 * UNIT, 0);
    let envelope = key.operation(&too_much);
    let number = host
        .run(&mut world, |content| content.invoke(shard, envelope.clone()).invoke(shard, envelope.clone()));
    for _ in 0..2 {
        let receipt = host.receipt(&too_much.hash()).unwrap();
        assert_eq!((receipt.leaf.outcome, receipt.block_number), (Outcome::Refused, number));
        assert_eq!(receipt.index, 0);
        host.run(&mut world, |content| content.invoke(shard, envelope.clone()));
        host = host.restart(&world);
        host.serve(&mut world);
    }
    assert_eq!(host.nonce(&alice), 1);
}

/// C18: what is not opened has a receipt, under a hash that follows from the envelope alone, which its author has.
#[test]
fn c18_what_is_not_opened_has_a_receipt_that_its_author_can_find() {
    let (mut world, mut host, alice) = funded();
    let (bob, key, shard) = (TestAccount::bob(), host.key(), world.shard);
    let good = transfer(&alice, &bob, UNIT, 0);
    let too_long = vec![7; MAX_CYPHERTEXT_LEN + RSA_LEN];
    let unopenable = [Vec::new(), vec![7; RSA_LEN - 1], vec![7; RSA_LEN + 1], too_long];
    host.run(&mut world, |mut content| {
        for envelope in &unopenable {
            content = content.invoke(shard, envelope.clone());
        }
        content.invoke(shard, key.operation(&good))
    });
    for (envelope, index) in unopenable.iter().zip(0..) {
        let receipt = host.receipt(&undecipherable_operation_hash(envelope)).unwrap();
        assert_eq!((receipt.leaf.outcome, receipt.index), (Outcome::Undecipherable, index));
    }
    assert_eq!(host.outcome(good.hash()), Outcome::Executed);
}

#[test]
fn c07_calls_that_fail_panic_or_are_too_heavy_are_rolled_back() {
    // What a panic says must not reach the log (H13): a hook before the enclave's hears nothing of it.
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hook = heard.clone();
    std::panic::set_hook(Box::new(move |info| hook.lock().unwrap().push(info.to_string())));
    let mut world = World::new();
    let dir = || Arc::new(tempfile::tempdir().unwrap());
    let mut host = Host::<Odd>::start(dir(), crate::kit::start(&world)).unwrap();
    host.serve(&mut world);
    let (alice, bob, key, shard) = (TestAccount::alice(), TestAccount::bob(), host.key(), world.shard);
    host.run(&mut world, |content| content.shield(shard, key.account(&alice), 100 * UNIT));
    let calls: Vec<_> = [
        (FAILS, Outcome::Refused),
        (PANICS, Outcome::Panicked),
        (TOO_HEAVY, Outcome::TooHeavy),
        (PANICS_WHEN_WEIGHED, Outcome::Panicked),
        (1_000 * UNIT, Outcome::Refused),
        (UNIT, Outcome::Executed),
    ]
    .into_iter()
    .zip(0u32..)
    .map(|((amount, outcome), nonce)| (transfer(&alice, &bob, amount, nonce), outcome))
    .collect();
    host.run(&mut world, |mut content| {
        for (operation, _) in &calls {
            content = content.invoke(shard, key.operation(operation));
        }
        content
    });
    for (index, (operation, outcome)) in calls.iter().enumerate() {
        assert_eq!(host.outcome(operation.hash()), *outcome, "{index}");
    }
    assert_eq!((host.balance(&alice), host.balance(&bob)), (99 * UNIT, UNIT));
    assert_eq!(host.nonce(&alice), calls.len() as u32, "each used up its nonce");
    assert!(heard.lock().unwrap().is_empty(), "{heard:?}");

    // A block's weight is limited, and the line is drawn in the chain's order. What is beyond it keeps its nonce.
    let many: Vec<_> = (0..10).map(|n| TestAccount::named(&format!("user {n}"))).collect();
    let calls: Vec<_> = many.iter().map(|user| transfer(user, &bob, HEAVY, 0)).collect();
    host.run(&mut world, |mut content| {
        for (user, operation) in many.iter().zip(&calls) {
            content = content.shield(shard, key.account(user), UNIT).invoke(shard, key.operation(operation));
        }
        content
    });
    for (index, (user, operation)) in many.iter().zip(&calls).enumerate() {
        let (outcome, nonce) = if index < 8 { (Outcome::Executed, 1) } else { (Outcome::NotNow, 0) };
        assert_eq!((host.outcome(operation.hash()), host.nonce(user)), (outcome, nonce), "{index}");
    }

    // Another worker draws it at the same place.
    let mut other = Host::<Odd>::start(dir(), crate::kit::start(&world)).unwrap();
    other.join(&mut world, &mut host);
    assert_eq!(other.state_root(), host.state_root());
}
