// SPDX-License-Identifier: Apache-2.0
//! Births, keys, registrations: who may serve.

use crate::kit::{Host, World};
use offstage_primitives::AccountId32;
use offstage_protocol::{HostRequest, Phase, Untrusted};
use offstage_sdk::testing::TestAccount;
use std::sync::Arc;

/// Before its own registration is final, an enclave is silent (invariant 6).
#[test]
fn nothing_is_served_or_signed_before_the_own_registration_is_seen() {
    let mut world = World::new();
    let mut host = Host::new(&world);
    world.add_empty();
    assert_eq!(host.status().phase, Phase::CatchingUp);
    assert!(host.collect().is_empty());
    host.follow(&world);
    assert_eq!(host.status().phase, Phase::AwaitingRegistration);
    let check_silent = |host: &Host| {
        assert!(host.view().shielding_public_key().is_err());
        assert!(host.view().shielding_key_for_verified_peer().is_err());
        assert!(host.view().execute_getter(&[0, 0]).is_err());
        assert!(host.view().receipt(&Default::default()).is_err());
    };
    check_silent(&host);
    // Somebody else's registration does not count.
    let registration = host.collect();
    assert_eq!(registration.len(), 1);
    let proof = vec![1, 2, 3];
    let content = world.block().register(&AccountId32::new([9; 32]), proof);
    world.add(content);
    host.follow(&world);
    check_silent(&host);
    assert_eq!(host.submit(&mut world).phase, Phase::Serving);
    assert_eq!(host.view().execute_getter(&[0, 0]).unwrap().value, Some(42u32.to_le_bytes().to_vec()));
    // A new start is silent again, although its store says everything.
    let mut host = host.restart(&world);
    check_silent(&host);
    host.follow(&world);
    check_silent(&host);
    assert_eq!(host.submit(&mut world).phase, Phase::Serving);
}

#[test]
fn of_two_workers_born_at_the_same_moment_the_first_registration_decides_the_key() {
    let mut world = World::new();
    world.add_empty();
    let (mut first, mut second) = (Host::new(&world), Host::new(&world));
    assert_eq!(first.follow(&world).phase, Phase::AwaitingRegistration);
    assert_eq!(second.follow(&world).phase, Phase::AwaitingRegistration);
    // Both in one block; the second's comes first.
    let (own, other) = (first.collect(), second.collect());
    let content = world.block();
    let content = world.include(content, &second.signer(), &other);
    let content = world.include(content, &first.signer(), &own);
    world.add(content);
    assert_eq!(second.follow(&world).phase, Phase::Serving);
    assert_eq!(first.follow(&world).phase, Phase::NeedsShieldingKey);
    assert!(first.view().picture().shielding_key.is_none(), "the losing key is gone");
    world.add_empty();
    first.finalize(&world);
    let next = first.next_bundle(&world);
    assert!(first.refused(HostRequest::ImportBlock(Box::new(next))).message.contains("shielding key"));

    second.follow(&world);
    first.request_key(&second);
    assert_eq!(first.follow(&world).phase, Phase::AwaitingRegistration);
    assert_eq!(first.submit(&mut world).phase, Phase::Serving);
    second.follow(&world);
    assert_eq!(
        first.view().shielding_public_key().unwrap().value,
        second.view().shielding_public_key().unwrap().value
    );
    assert_eq!(first.state_root(), second.state_root());
    // It stays so over a restart.
    let mut first = first.restart(&world);
    first.serve(&mut world);
}

/// H10: a clone that registers later ends the earlier one.
#[test]
fn a_clone_supersedes_the_earlier_start() {
    let mut world = World::new();
    let mut host = Host::serving(&mut world);
    let copy = Arc::new(tempfile::tempdir().unwrap());
    for entry in std::fs::read_dir(host.dir.path()).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    let mut clone = Host::on(&world, copy).unwrap();
    assert_eq!(clone.signer(), host.signer());
    clone.serve(&mut world);
    assert_eq!(host.follow(&world).phase, Phase::Superseded);
    assert!(host.collect().is_empty());
    assert!(host.view().shielding_public_key().is_err());
    assert!(host.status().notice.unwrap().contains("later start"));
}

/// H9: a worker that is set back to an old copy of its disk catches up before it says anything.
#[test]
fn a_rolled_back_worker_serves_only_what_is_current() {
    let mut world = World::new();
    let mut host = Host::serving(&mut world);
    let backup = tempfile::tempdir().unwrap();
    let alice = TestAccount::alice();
    let key = host.key();
    let copy = |from: &std::path::Path, to: &std::path::Path| {
        for entry in std::fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    };
    copy(host.dir.path(), backup.path());
    let content = world.block().shield(world.shard, key.account(&alice), 7_000_000_000_000);
    world.add(content);
    host.settle(&mut world);
    let dir = host.dir.clone();
    let root = host.state_root();
    drop(host);
    copy(backup.path(), dir.path());
    let mut host = Host::on(&world, dir).unwrap();
    assert!(host.status().position.number < world.chain.number());
    assert!(host.view().execute_getter(&[0, 0]).is_err());
    // The host says that the old position is the head. The registration that follows cannot be final there.
    let old = host.status().position;
    host.done(HostRequest::AtFinalizedHead(Untrusted::new(old.hash)));
    assert_eq!(host.status().phase, Phase::AwaitingRegistration);
    assert!(host.view().execute_getter(&[0, 0]).is_err());
    host.follow(&world);
    assert_ne!(host.state_root(), Default::default());
    assert_eq!(host.submit(&mut world).phase, Phase::Serving);
    assert_eq!(host.balance(&alice), 7_000_000_000_000);
    assert_ne!(host.state_root(), root, "the block with the registration changed the time");
}

/// H2 and H14: another chain's worker gets no key.
#[test]
fn a_peer_of_another_chain_gets_no_key() {
    let mut world = World::new();
    let provider = Host::serving(&mut world);
    let mut other = World::new();
    // Another genesis: its pallet pins another state.
    other.chain = {
        let code = offstage_light_client::testing::test_code(offstage_light_client::testing::METADATA, &[1]);
        let storage = [(
            offstage_light_client::storage_keys::value("Teerex", "RootCertificate"),
            codec::Encode::encode(&offstage_primitives::attestation::DEVELOPMENT_ROOT),
        )];
        offstage_light_client::testing::TestChain::with(
            offstage_light_client::testing::validators(2, 3),
            &code,
            &storage,
        )
    };
    let born = Host::serving(&mut other);
    let mut asking = Host::new(&other);
    assert_eq!(asking.follow(&other).phase, Phase::NeedsShieldingKey);
    let url = format!("wss://{}", provider.started.mutual_attestation_address);
    let refusal = asking.refused(HostRequest::RequestShieldingKey(Untrusted::new(url)));
    assert_eq!(refusal.code, offstage_protocol::RefusalCode::Provisioning);
    assert_eq!(asking.status().phase, Phase::NeedsShieldingKey);
    // The right peer still helps.
    asking.request_key(&born);
}

/// P5: who stands alone stops serving.
#[test]
fn a_worker_that_two_others_contradict_stops_serving() {
    let mut world = World::new();
    let mut host = Host::serving(&mut world);
    let shard = world.shard;
    let content = world.block().invoke(shard, vec![1]);
    let number = world.add(content);
    host.settle(&mut world);
    let hash = world.hash(number);
    let wrong = offstage_primitives::H256::repeat_byte(9);
    let content = world.block().confirm(&AccountId32::new([1; 32]), shard, (hash, number), wrong);
    world.add(content);
    host.follow(&world);
    assert_eq!(host.status().phase, Phase::Serving);
    assert!(host.status().notice.unwrap().contains("another root"));
    let content = world.block().confirm(&AccountId32::new([2; 32]), shard, (hash, number), wrong);
    world.add(content);
    host.follow(&world);
    assert_ne!(host.status().phase, Phase::Serving);
    let mut host = host.restart(&world);
    host.follow(&world);
    host.submit(&mut world);
    assert_ne!(host.status().phase, Phase::Serving, "a restart does not help");
}
