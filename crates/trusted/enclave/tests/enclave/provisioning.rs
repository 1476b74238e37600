// SPDX-License-Identifier: Apache-2.0
//! Who gets the shielding key, by the chain that each side has verified itself: rows H18, H19, H21, H22 and P12.

use crate::kit::{Clock, Host, UNIT, World};
use offstage_light_client::{storage_keys, testing::validators};
use offstage_primitives::{AccountId32, teerex::SgxAttestationMethod};
use offstage_protocol::{HostRequest, OutboxKind, Phase, RefusalCode, Untrusted};
use offstage_sdk::testing::TestAccount;

/// Asks and must be refused; what the refusal says.
fn refused_key(asking: &mut Host, provider: &Host) -> String {
    let request = HostRequest::RequestShieldingKey(Untrusted::new(provider.peer_url()));
    let refusal = asking.refused(request);
    assert_eq!(refusal.code, RefusalCode::Provisioning, "{}", refusal.message);
    assert!(asking.view().picture().shielding_key.is_none());
    assert_eq!(asking.status().phase, Phase::NeedsShieldingKey);
    refusal.message
}

/// A joiner registers before it has the key, with the key that the shard was born with, and gets it when that is final.
#[test]
fn a_joiner_registers_first_then_gets_the_key_and_executes_from_the_birth_on() {
    let mut world = World::new();
    let mut provider = Host::serving(&mut world);
    let alice = TestAccount::alice();
    let content = world.block().shield(world.shard, provider.key().account(&alice), 7 * UNIT);
    world.add(content);
    provider.settle(&mut world);
    let mut asking = Host::new(&world);
    world.add_empty();
    assert_eq!(asking.follow(&world).phase, Phase::AwaitingRegistration);
    assert_eq!(asking.status().operations, 0);
    let request = || HostRequest::RequestShieldingKey(Untrusted::new("wss://127.0.0.1:1".into()));
    assert_eq!(asking.refused(request()).code, RefusalCode::Conversation);
    assert_eq!(asking.submit(&mut world).phase, Phase::NeedsShieldingKey);
    // The chain goes on while it asks in vain.
    for _ in 0..3 {
        world.add_empty();
        assert_eq!(asking.follow(&world).phase, Phase::NeedsShieldingKey);
    }
    assert!(asking.view().shielding_public_key().is_err());
    let followed = asking.status().position;
    provider.follow(&world);
    let status = asking.request_key(&provider);
    // It is back where the shard was born, and silent.
    assert!(status.position.number < followed.number);
    assert_eq!(status.phase, Phase::CatchingUp);
    asking.provide_code(&world);
    asking.finalize(&world);
    while asking.status().position.number < world.chain.number() {
        assert_eq!(asking.status().phase, Phase::CatchingUp);
        assert!(asking.view().shielding_public_key().is_err());
        assert!(asking.collect().is_empty());
        // What the host says does not end it.
        let position = asking.status().position;
        let phase = asking.done(HostRequest::AtFinalizedHead(Untrusted::new(position.hash))).phase;
        assert_eq!(phase, Phase::CatchingUp);
        asking.import_next(&world);
    }
    assert_eq!(asking.follow(&world).phase, Phase::Serving);
    assert_eq!(asking.state_root(), provider.state_root());
    assert_eq!(asking.balance(&alice), 7 * UNIT);
    assert_eq!(asking.status().operations, 1);
}

/// A genuine enclave on a fork that an authority set of former days signed asks a real provider.
#[test]
fn h18_an_enclave_on_a_fork_of_a_retired_authority_set_gets_no_key() {
    for longer in [0, 20] {
        let mut world = World::new();
        let mut provider = Host::serving(&mut world);
        let mut fork = world.clone();
        fork.chain = world.chain.fork_at(world.chain.number());
        // On the real chain the set goes.
        world.chain.add_set_change(validators(9, 3), 0);
        for _ in 0..5 {
            world.add_empty();
        }
        provider.follow(&world);
        // The fork has the shard's birth and the provider's registration, and the thief's.
        let mut thief = Host::new(&fork);
        assert_eq!(thief.register(&mut fork).phase, Phase::NeedsShieldingKey);
        for _ in 0..longer {
            fork.add_empty();
        }
        thief.follow(&fork);
        let message = refused_key(&mut thief, &provider);
        let expected =
            if longer == 0 { "follows another chain" } else { "has not come to the asker's newest" };
        assert!(message.contains(expected), "{message}");
        // A provider that the fork made its own cannot be: the key is on the real chain alone.
        assert!(provider.view().shielding_public_key().is_ok());
    }
}

/// With the key, a joiner cannot be led to such a fork either.
#[test]
fn h18_a_joiner_with_the_key_takes_no_other_fork_than_the_one_it_had_followed() {
    let mut world = World::new();
    world.add_empty();
    let (mut provider, mut asking) = (Host::new(&world), Host::new(&world));
    // It follows block by block: of what comes after the birth, its light client knew nothing at the birth.
    provider.register(&mut world);
    asking.follow(&world);
    assert_eq!(provider.submit(&mut world).phase, Phase::Serving);
    asking.follow(&world);
    let mut fork = world.clone();
    fork.chain = world.chain.fork_at(world.chain.number());
    world.chain.add_set_change(validators(9, 3), 0);
    world.add_empty();
    assert_eq!(asking.register(&mut world).phase, Phase::NeedsShieldingKey);
    provider.follow(&world);
    let followed = asking.status().position;
    asking.request_key(&provider);
    // The retired set signs what it likes, and repeats the registration.
    let number = world.chain.number();
    let registration = world.chain.material(number, &[]).body;
    for extrinsic in registration {
        let method = SgxAttestationMethod::Dcap { proxied: false };
        let content = fork.block();
        let event = content.event(
            "Teerex",
            "AddedSgxEnclave",
            (asking.signer(), None::<Vec<u8>>, None::<u8>, method),
        );
        fork.add(content.extrinsic(extrinsic, &[event]));
    }
    while fork.chain.number() < number + 5 {
        fork.add_empty();
    }
    for restarts in [false, true] {
        if restarts {
            asking = asking.restart(&fork);
        }
        asking.finalize(&fork);
        while asking.status().position.number + 1 < followed.number {
            asking.import_next(&fork);
            assert_ne!(asking.status().phase, Phase::Serving);
        }
        let next = asking.next_bundle(&fork);
        let message = asking.refuses_block(next, RefusalCode::Block);
        assert!(message.contains("another fork"), "{message}");
        asking.done(HostRequest::AtFinalizedHead(Untrusted::new(fork.hash(followed.number - 1))));
        assert_eq!(asking.status().phase, Phase::CatchingUp);
        assert!(asking.collect().is_empty());
    }
}

/// A provider that gets no more blocks never sees who registered since, whatever the chain has changed meanwhile.
#[test]
fn h19_a_frozen_provider_gives_nothing_to_whoever_comes_later() {
    let mut world = World::new();
    let mut provider = Host::serving(&mut world);
    let mut asking = Host::new(&world);
    assert_eq!(asking.register(&mut world).phase, Phase::NeedsShieldingKey);
    assert_eq!(provider.status().phase, Phase::Serving);
    let message = refused_key(&mut asking, &provider);
    assert!(message.contains("has not come to the asker's newest block yet"), "{message}");
    // It is not the block alone: another start of the asker, on a copy of the disk, is not the one that is registered.
    provider.follow(&world);
    let mut later = asking.restart(&world);
    assert_eq!(later.follow(&world).phase, Phase::AwaitingRegistration);
    let request = HostRequest::RequestShieldingKey(Untrusted::new(provider.peer_url()));
    assert_eq!(later.refused(request).code, RefusalCode::Conversation);
    later.join(&mut world, &mut provider);
}

/// A genuine provider whose registration is gone, and that does not know it because it is frozen.
#[test]
fn h22_a_provider_that_the_joiners_chain_does_not_list_is_refused() {
    let mut world = World::new();
    let provider = Host::serving(&mut world);
    let mut asking = Host::new(&world);
    assert_eq!(asking.register(&mut world).phase, Phase::NeedsShieldingKey);
    let content = world.block();
    let removed = content.event("Teerex", "RemovedSovereignEnclave", provider.signer());
    let key = storage_keys::blake2_128_concat("Teerex", "SovereignEnclaves", provider.signer().as_ref());
    let extrinsic = content.unsigned(&content.invoke_call([3; 32].into(), vec![1]));
    world.add(content.extrinsic(extrinsic, &[removed]).storage(key, None));
    asking.follow(&world);
    assert_eq!(provider.view().phase(), Phase::Serving, "it does not know");
    let message = refused_key(&mut asking, &provider);
    assert!(message.contains("the peer was refused: this start is not registered"), "{message}");
}

/// An enclave whose registration could not be renewed in time acts no more.
#[test]
fn h21_an_enclave_whose_registration_is_too_old_neither_serves_nor_signs_nor_gives() {
    let mut world = World::new();
    world.clock = Some(Clock { next_ms: 1_800_000_000_000 });
    let mut host = Host::serving(&mut world);
    let mut asking = Host::new(&world);
    assert_eq!(asking.register(&mut world).phase, Phase::NeedsShieldingKey);
    let shard = world.shard;
    // What a serving worker would confirm.
    host.run(&mut world, |content| content.invoke(shard, vec![1]));
    assert!(host.collect().iter().any(|extrinsic| extrinsic.kind == OutboxKind::Confirmation));
    if let Some(clock) = &mut world.clock {
        clock.next_ms += 48 * 60 * 60 * 1000;
    }
    host.run(&mut world, |content| content);
    assert_eq!(host.status().phase, Phase::AwaitingRegistration);
    let kinds: Vec<_> = host.collect().iter().map(|extrinsic| extrinsic.kind).collect();
    assert_eq!(kinds, [OutboxKind::Registration]);
    assert!(host.status().notice.unwrap().contains("older than 48 hours"));
    assert!(host.view().shielding_public_key().is_err());
    assert!(host.view().picture_for_verified_peer().is_err());
    // The asker's, too, counts no more, and it asks nobody.
    asking.follow(&world);
    assert_eq!(asking.status().phase, Phase::AwaitingRegistration);
    assert_eq!(host.submit(&mut world).phase, Phase::Serving);
    asking.join(&mut world, &mut host);
}

/// It is renewed long before, while it serves.
#[test]
fn h21_a_registration_is_renewed_in_time() {
    let mut world = World::new();
    world.clock = Some(Clock { next_ms: 1_800_000_000_000 });
    let mut host = Host::serving(&mut world);
    host.settle(&mut world);
    for _ in 0..4 {
        if let Some(clock) = &mut world.clock {
            clock.next_ms += 25 * 60 * 60 * 1000;
        }
        host.run(&mut world, |content| content);
        assert_eq!(host.status().phase, Phase::Serving);
        assert!(host.collect().iter().any(|extrinsic| extrinsic.kind == OutboxKind::Registration));
        assert_eq!(host.submit(&mut world).phase, Phase::Serving);
    }
}

/// A foreign chain registers without a DCAP quote: that is no registration, and the operator is told.
#[test]
fn p12_a_registration_by_another_method_is_neither_a_birth_nor_serving() {
    let mut world = World::new();
    let mut host = Host::new(&world);
    world.add_empty();
    host.follow(&world);
    let registration = host.collect().remove(0);
    let key = storage_keys::blake2_128_concat("Teerex", "SovereignEnclaves", host.signer().as_ref());
    for method in
        [SgxAttestationMethod::Skip { proxied: false }, SgxAttestationMethod::Dcap { proxied: true }]
    {
        let content = world.block().storage(key.clone(), Some(vec![1]));
        let added = (host.signer(), None::<Vec<u8>>, None::<u8>, method);
        let event = content.event("Teerex", "AddedSgxEnclave", added);
        let content = content.extrinsic(registration.extrinsic.clone(), &[event]);
        world.add(content);
        assert_eq!(host.follow(&world).phase, Phase::AwaitingRegistration);
        assert!(host.status().notice.unwrap().contains("another method than DCAP"));
        // Whoever confirms then is no founder.
        let content = world.block();
        let number = world.chain.number();
        let content =
            content.confirm(&host.signer(), world.shard, (world.hash(number), number), Default::default());
        world.add(content);
        assert_ne!(host.follow(&world).phase, Phase::Serving);
        assert!(host.view().shielding_public_key().is_err());
    }
    // A stranger's neither.
    let stranger = AccountId32::new([9; 32]);
    let content = world.block();
    let number = world.chain.number();
    world.add(content.confirm(&stranger, world.shard, (world.hash(number), number), Default::default()));
    host.serve(&mut world);
}
