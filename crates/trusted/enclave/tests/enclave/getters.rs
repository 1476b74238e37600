// SPDX-License-Identifier: Apache-2.0
//! Questions: rows C9 and H16; and that refusals tell nothing: row C11.

use crate::kit::{Host, UNIT, World, funded, transfer};
use codec::Encode;
use offstage_balances_interface::{
    BoundGetterSigned, Getter, MAX_GETTER_LIFETIME, PublicGetter, TrustedGetter, TrustedGetterSigned,
    bound_getter_payload,
};
use offstage_primitives::{
    Measurement,
    receipt::{Outcome, undecipherable_operation_hash},
    shielding::RSA_LEN,
    trusted::Domain,
};
use offstage_sdk::testing::TestAccount;
use std::collections::BTreeSet;

fn ask(host: &Host, getter: &Getter) -> Option<Vec<u8>> {
    host.view().execute_getter(&getter.encode()).unwrap().value
}

fn bound(signer: &TestAccount, getter: TrustedGetter, expires: u32, domain: &Domain) -> Getter {
    let signature = signer.sign(&bound_getter_payload(&getter, expires, domain));
    Getter::Bound(BoundGetterSigned { getter, expires, signature })
}

#[test]
fn c09_a_bound_getter_expires_and_is_good_nowhere_else() {
    let (mut world, mut host, alice) = funded();
    let domain = world.domain();
    let getter = || TrustedGetter::FreeBalance(alice.id());
    let balance = Some((100 * UNIT).encode());
    let now = host.status().position.number;
    let captured = bound(&alice, getter(), now + 1, &domain);
    assert_eq!(ask(&host, &captured), balance);
    assert_eq!(ask(&host, &bound(&alice, getter(), now, &domain)), balance);
    assert_eq!(ask(&host, &bound(&alice, getter(), now + MAX_GETTER_LIFETIME, &domain)), balance);
    for refused in [
        bound(&alice, getter(), now - 1, &domain),
        // It would last too long.
        bound(&alice, getter(), now + MAX_GETTER_LIFETIME + 1, &domain),
        bound(&alice, getter(), u32::MAX, &domain),
        // For another chain, measurement, shard.
        bound(&alice, getter(), now, &Domain { genesis_hash: world.hash(1), ..domain }),
        bound(&alice, getter(), now, &Domain { measurement: Measurement([1; 32]), ..domain }),
        bound(&alice, getter(), now, &Domain { shard: [1; 32].into(), ..domain }),
        // By another account.
        bound(&TestAccount::bob(), getter(), now, &domain),
    ] {
        assert_eq!(ask(&host, &refused), None, "{refused:?}");
    }
    // Its expiry moved, its question changed.
    let Getter::Bound(signed) = &captured else { panic!() };
    assert_eq!(ask(&host, &Getter::Bound(BoundGetterSigned { expires: now, ..signed.clone() })), None);
    let other = BoundGetterSigned { getter: TrustedGetter::Nonce(alice.id()), ..signed.clone() };
    assert_eq!(ask(&host, &Getter::Bound(other)), None);
    // Who captured it can ask no more two blocks later.
    host.run(&mut world, |content| content);
    assert_eq!(ask(&host, &captured), balance);
    host.run(&mut world, |content| content);
    assert_eq!(ask(&host, &captured), None);
}

#[test]
fn c09_nobody_asks_for_another_accounts_values() {
    let (_, host, alice) = funded();
    let bob = TestAccount::bob();
    for getter in [
        TrustedGetter::FreeBalance(alice.id()),
        TrustedGetter::ReservedBalance(alice.id()),
        TrustedGetter::Nonce(alice.id()),
    ] {
        let classic = |signer: &TestAccount| {
            let signature = signer.sign(&getter.encode());
            Getter::Trusted(TrustedGetterSigned { getter: getter.clone(), signature })
        };
        assert!(ask(&host, &classic(&alice)).is_some());
        assert_eq!(ask(&host, &classic(&bob)), None);
    }
    // A signature for one question does not answer another.
    let signature = alice.sign(&TrustedGetter::Nonce(alice.id()).encode());
    let getter = TrustedGetter::FreeBalance(alice.id());
    assert_eq!(ask(&host, &Getter::Trusted(TrustedGetterSigned { getter, signature })), None);
}

/// Every way in which an envelope can be bad has the same receipt, and every bad getter the same answer.
#[test]
fn c11_failures_cannot_be_told_apart() {
    let mut world = World::new();
    let mut host = Host::serving(&mut world);
    let (alice, bob, key, shard) = (TestAccount::alice(), TestAccount::bob(), host.key(), world.shard);
    let good = key.operation(&transfer(&alice, &bob, UNIT, 0));
    let with = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut envelope = good.clone();
        change(&mut envelope);
        envelope
    };
    let mut padded = transfer(&alice, &bob, UNIT, 0).encode();
    padded.push(1);
    // Wrong padding, a number beyond the modulus, a good padding around no operation, around one with more behind.
    let envelopes = [
        with(&|envelope| envelope[5] ^= 1),
        with(&|envelope| envelope[RSA_LEN - 1] ^= 1),
        vec![0xff; RSA_LEN],
        vec![0; RSA_LEN],
        key.encrypt(&[]),
        key.encrypt(&[0xff; 40]),
        key.encrypt(&padded),
        // A bad chunk in front of a good one, and behind it.
        [vec![3; RSA_LEN], good.clone()].concat(),
        [good.clone(), vec![3; RSA_LEN]].concat(),
    ];
    host.run(&mut world, |mut content| {
        for envelope in &envelopes {
            content = content.invoke(shard, envelope.clone());
        }
        content
    });
    let receipts: Vec<_> = envelopes
        .iter()
        .map(|envelope| host.receipt(&undecipherable_operation_hash(envelope)).unwrap())
        .collect();
    let kinds: BTreeSet<_> = receipts.iter().map(|receipt| receipt.leaf.outcome).collect();
    assert_eq!(kinds, BTreeSet::from([Outcome::Undecipherable]));

    let unsigned = Getter::Trusted(TrustedGetterSigned {
        getter: TrustedGetter::FreeBalance(alice.id()),
        signature: bob.sign(b"another message"),
    });
    let trailing = [Getter::Public(PublicGetter::SomeValue).encode(), vec![0]].concat();
    for getter in [unsigned.encode(), vec![], vec![9, 9, 9], vec![0xff; 5_000], trailing] {
        assert_eq!(host.view().execute_getter(&getter).unwrap().value, None);
    }
}

/// A serving worker from which the host holds back blocks: what it answers names the block it holds for, and a client
/// who looked at the chain gets no answer from one that is far behind.
#[test]
fn h16_a_worker_without_new_blocks_cannot_pose_as_current() {
    let (mut world, mut host, alice) = funded();
    let (bob, key, shard, domain) = (TestAccount::bob(), host.key(), world.shard, world.domain());
    let old = host.status().position;
    let spent = transfer(&alice, &bob, 40 * UNIT, 0);
    let content = world.block().invoke(shard, key.operation(&spent));
    world.add(content);
    world.chain.add_empty(MAX_GETTER_LIFETIME);
    // Finality alone changes nothing: what is not executed is not answered for.
    host.finalize(&world);
    let head = world.chain.number();
    let getter = |expires| bound(&alice, TrustedGetter::FreeBalance(alice.id()), expires, &domain);
    let answer = host.view().execute_getter(&getter(old.number + 10).encode()).unwrap();
    assert_eq!((answer.value, answer.block), (Some((100 * UNIT).encode()), old));
    assert_eq!(host.view().receipt(&spent.hash()).unwrap().block, old);
    assert_eq!(ask(&host, &getter(head)), None, "it is too far behind for this question");
    host.follow(&world);
    assert_eq!(ask(&host, &getter(head)), Some((60 * UNIT).encode()));
    assert_eq!(host.view().receipt(&spent.hash()).unwrap().block.number, head);
}
