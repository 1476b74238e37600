// SPDX-License-Identifier: Apache-2.0
//! Interleavings of registrations, removals and confirmations (rows P8, P12, H21, C22).

use super::*;
use crate::ingest::{ChainFacts, Confirmed, tests_support::facts};
use offstage_primitives::{
    H256,
    enclave_bridge::{ShardConfig, ShardSignerStatus, UpgradableShardConfig},
};
use offstage_sdk::testing::TestCalls;
use proptest::prelude::*;
use std::sync::Arc;

const MEASUREMENT: Measurement = Measurement([1; 32]);
const GENESIS: BlockHash = BlockHash::repeat_byte(2);

fn account(n: u8) -> AccountId32 {
    [n; 32].into()
}

fn binding(key: u8, start: u8) -> KeyBinding {
    KeyBinding {
        genesis_hash: GENESIS,
        shard: MEASUREMENT.into(),
        shielding_key: KeyDigest::repeat_byte(key),
        tls_public_key: KeyDigest::repeat_byte(start),
        boot_nonce: [start; 32],
    }
}

fn registered(n: u8, key: u8) -> RegistryEvent {
    RegistryEvent::Registered {
        signer: account(n),
        measurement: MEASUREMENT,
        binding: Some(binding(key, n)),
        is_dcap: true,
    }
}

fn unregistered(n: u8) -> RegistryEvent {
    RegistryEvent::Unregistered { signer: account(n) }
}

fn confirmed(n: u8) -> RegistryEvent {
    RegistryEvent::Confirmed { signer: account(n) }
}

fn block(number: u32, timestamp_ms: u64, registry: Vec<RegistryEvent>) -> Ingested {
    Ingested {
        block: BlockReference { number, hash: H256::from_low_u64_be(number.into()).into() },
        facts: ChainFacts { timestamp_ms, ..facts() },
        incoming: Vec::new(),
        registry,
        confirmed: Vec::<Confirmed>::new(),
        executed: Vec::new(),
        calls: Arc::new(TestCalls),
        fee: None,
        paid: Vec::new(),
    }
}

/// The block and key of the birth, if these blocks hold it.
fn birth(blocks: Vec<(u64, Vec<RegistryEvent>)>) -> Option<(u32, Founder)> {
    let mut registrations = Registrations::default();
    for (number, (timestamp_ms, events)) in (1u32..).zip(blocks) {
        let (after, founder) =
            registrations.after(&block(number, timestamp_ms, events), MEASUREMENT.into(), GENESIS);
        if let Some(founder) = founder {
            return Some((number, founder));
        }
        registrations = after;
    }
    None
}

fn founder(n: u8, key: u8) -> Founder {
    Founder { signer: account(n), shielding_key: KeyDigest::repeat_byte(key) }
}

#[test]
fn p08_the_candidate_that_confirms_first_founds_the_shard() {
    for (what, events, expected) in [
        (
            "the first to register went away",
            vec![registered(1, 1), registered(2, 2), confirmed(2)],
            Some((2, 2)),
        ),
        (
            "the first to register confirms",
            vec![registered(1, 1), registered(2, 2), confirmed(1), confirmed(2)],
            Some((1, 1)),
        ),
        ("nobody confirms", vec![registered(1, 1), registered(2, 2)], None),
        ("a stranger confirms", vec![registered(1, 1), confirmed(9)], None),
        ("a stranger, then a candidate", vec![registered(1, 1), confirmed(9), confirmed(1)], Some((1, 1))),
        ("it confirms before it registers", vec![confirmed(1), registered(1, 1)], None),
        ("it was removed", vec![registered(1, 1), unregistered(1), confirmed(1)], None),
        (
            "it came back with another key",
            vec![registered(1, 1), unregistered(1), registered(1, 7), confirmed(1)],
            Some((1, 7)),
        ),
        (
            "its last registration counts",
            vec![registered(1, 1), registered(1, 7), confirmed(1)],
            Some((1, 7)),
        ),
    ] {
        // All in one block, and each in a block of its own: the order is the chain's.
        let expected = expected.map(|(n, key)| founder(n, key));
        assert_eq!(birth(vec![(5, events.clone())]).map(|(_, founder)| founder), expected, "{what}");
        let apart = events.into_iter().map(|event| (5, vec![event])).collect();
        assert_eq!(birth(apart).map(|(_, founder)| founder), expected, "{what}, apart");
    }
}

#[test]
fn p12_only_an_own_dcap_registration_of_this_shard_and_a_key_can_be_a_birth() {
    let with = |change: fn(&mut KeyBinding)| {
        let mut changed = binding(1, 1);
        change(&mut changed);
        Some(changed)
    };
    let entry = |measurement, binding, is_dcap| RegistryEvent::Registered {
        signer: account(1),
        measurement,
        binding,
        is_dcap,
    };
    for (what, event) in [
        ("another method", entry(MEASUREMENT, with(|_| {}), false)),
        ("another measurement", entry(Measurement([9; 32]), with(|_| {}), true)),
        ("no binding", entry(MEASUREMENT, None, true)),
        ("another shard", entry(MEASUREMENT, with(|binding| binding.shard = [9; 32].into()), true)),
        ("another chain", entry(MEASUREMENT, with(|binding| binding.genesis_hash = BlockHash::zero()), true)),
        ("no key", entry(MEASUREMENT, with(|binding| binding.shielding_key = KeyDigest::zero()), true)),
    ] {
        assert_eq!(birth(vec![(5, vec![event.clone(), confirmed(1)])]), None, "{what}");
        // It takes the place of the signer's former entry, too.
        let replaced = vec![registered(1, 1), event, confirmed(1)];
        assert_eq!(birth(vec![(5, replaced)]), None, "{what}");
    }
    assert!(birth(vec![(5, vec![entry(MEASUREMENT, with(|_| {}), true), confirmed(1)])]).is_some());
}

#[test]
fn h21_an_entry_that_is_older_than_the_renewal_period_acts_no_more() {
    let at = |confirmed_at| vec![(7, vec![registered(1, 1)]), (confirmed_at, vec![confirmed(1)])];
    assert!(birth(at(7 + RENEWAL_PERIOD_MS)).is_some());
    assert_eq!(birth(at(8 + RENEWAL_PERIOD_MS)), None);
    let renewed = vec![
        (7, vec![registered(1, 1)]),
        (9, vec![registered(1, 1)]),
        (8 + RENEWAL_PERIOD_MS, vec![confirmed(1)]),
    ];
    assert!(birth(renewed).is_some());

    let (registrations, _) =
        Registrations::default().after(&block(1, 7, vec![registered(1, 1)]), MEASUREMENT.into(), GENESIS);
    let lists = |n: u8, start, measurement, now_ms| {
        registrations.lists(&account(n), &binding(1, start), &measurement, now_ms)
    };
    assert!(lists(1, 1, MEASUREMENT, 7) && lists(1, 1, MEASUREMENT, 7 + RENEWAL_PERIOD_MS));
    assert!(!lists(1, 1, MEASUREMENT, 8 + RENEWAL_PERIOD_MS), "too old");
    assert!(!lists(2, 1, MEASUREMENT, 7), "another signer");
    assert!(!lists(1, 2, MEASUREMENT, 7), "another start");
    assert!(!lists(1, 1, Measurement([9; 32]), 7), "another measurement");
}

/// A registration of a genuine enclave with this measurement, of a signer that no other number has.
fn of_stranger(n: u32, measurement: u8) -> RegistryEvent {
    let mut signer = [0xff; 32];
    signer[..4].copy_from_slice(&n.to_le_bytes());
    RegistryEvent::Registered {
        signer: signer.into(),
        measurement: Measurement([measurement; 32]),
        binding: Some(binding(1, 1)),
        is_dcap: true,
    }
}

#[test]
fn c22_who_acts_for_the_shard_keeps_its_entry_however_many_register() {
    const ALLOWED: u8 = MEASUREMENT.0[0];
    const ANNOUNCED: u8 = 8;
    let allows = |measurement| ShardConfig {
        enclave_fingerprint: Measurement([measurement; 32]),
        max_instances: None,
        authorities: None,
        maintenance_mode: false,
    };
    let config = UpgradableShardConfig {
        active_config: allows(ALLOWED),
        pending_upgrade: Some(allows(ANNOUNCED)),
        upgrade_at: Some(1_000),
    };
    let acting = ShardSignerStatus { signer: account(1), fingerprint: MEASUREMENT, last_activity: 1 };
    let after = |registrations: &Registrations, events| {
        let mut block = block(2, 7, events);
        block.facts.shard_config = Some(config.clone());
        block.facts.shard_status = Some(vec![acting.clone()]);
        registrations.after(&block, MEASUREMENT.into(), GENESIS).0
    };
    let knows = |registrations: &Registrations, event: &RegistryEvent| {
        let RegistryEvent::Registered { signer, .. } = event else { unreachable!() };
        registrations.entries.iter().any(|entry| entry.signer == *signer)
    };
    let flood = |first: u32, measurement| {
        (first..).take(MAX_REGISTRATIONS + 5).map(|n| of_stranger(n, measurement)).collect::<Vec<_>>()
    };

    // The oldest two: one acts, one has not begun to.
    let ours = after(&Registrations::default(), vec![registered(1, 1), registered(2, 1)]);
    for other in [9, ANNOUNCED, ALLOWED] {
        let events = flood(0, other);
        let flooded = after(&ours, events.clone());
        assert_eq!(flooded.entries.len(), MAX_REGISTRATIONS, "measurement {other}");
        assert!(knows(&flooded, &registered(1, 1)), "who acts, measurement {other}");
        // Code that the shard lets in, now or soon, is worth as much as that which has not begun to act.
        assert_eq!(knows(&flooded, &registered(2, 1)), other == 9, "who may act, measurement {other}");
        let newest = events.last().unwrap();
        assert_eq!(
            knows(&flooded, newest),
            other != 9 || !knows(&flooded, &events[0]),
            "measurement {other}"
        );
    }

    // Who has just registered is known while others come, as many as there is memory but for those that act.
    let full = after(&ours, flood(0, ALLOWED));
    let joined = after(&full, vec![registered(3, 1)]);
    let others = (5_000..).take(MAX_REGISTRATIONS - 2).map(|n| of_stranger(n, ALLOWED)).collect();
    assert!(knows(&after(&joined, others), &registered(3, 1)));
}

fn any_event() -> impl Strategy<Value = RegistryEvent> {
    (0u8..3, 1u8..4, 1u8..4, any::<bool>()).prop_map(|(kind, n, key, is_dcap)| match kind {
        0 => {
            let RegistryEvent::Registered { signer, measurement, binding, .. } = registered(n, key) else {
                unreachable!()
            };
            RegistryEvent::Registered { signer, measurement, binding, is_dcap }
        }
        1 => unregistered(n),
        _ => confirmed(n),
    })
}

proptest! {
    /// However registrations and confirmations come, and however they are cut into blocks: who founds the shard is the
    /// signer of the first confirmation whose last event before it was a registration that counts, and the key is of
    /// that one.
    #[test]
    fn p08_the_birth_is_the_same_for_everybody(
        events in proptest::collection::vec(any_event(), 0..20),
        cuts in proptest::collection::vec(any::<bool>(), 20),
    ) {
        let expected = events.iter().enumerate().find_map(|(place, event)| {
            let RegistryEvent::Confirmed { signer: who } = event else { return None };
            let last = events[..place].iter().rev().find(|event| match event {
                RegistryEvent::Registered { signer, .. } | RegistryEvent::Unregistered { signer } => signer == who,
                RegistryEvent::Confirmed { .. } => false,
            })?;
            match last {
                RegistryEvent::Registered { binding: Some(binding), is_dcap: true, .. } => {
                    Some(Founder { signer: who.clone(), shielding_key: binding.shielding_key })
                }
                _ => None,
            }
        });
        let mut blocks = vec![(5, Vec::new())];
        for (event, cut) in events.iter().zip(cuts) {
            if cut {
                blocks.push((5, Vec::new()));
            }
            blocks.last_mut().unwrap().1.push(event.clone());
        }
        prop_assert_eq!(birth(blocks).map(|(_, founder)| founder), expected);
    }
}
