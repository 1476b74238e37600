// SPDX-License-Identifier: Apache-2.0
//! An operator takes a worker out for good: its registration goes, and nothing else leaves the enclave.

use crate::{
    kit::{Host, UNIT, World, funded, nonce_of, start, unshield},
    payouts::{shard_with, submit_all},
};
use offstage_primitives::AccountId32;
use offstage_protocol::{
    Departure, HostRequest, Leave, OutboxExtrinsic, OutboxKind, Parked, ParkedReason, Phase, RefusalCode,
    Start, Status, Untrusted,
};

fn leaving(world: &World, even_as_last: bool) -> Start {
    Start { leave: Some(Leave { even_as_last }), ..start(world) }
}

fn leave(host: Host, world: &World, even_as_last: bool) -> Host {
    host.restart_with(leaving(world, even_as_last))
}

/// The one extrinsic that an enclave that leaves hands out.
fn removal(host: &mut Host) -> OutboxExtrinsic {
    let [extrinsic] = &host.collect()[..] else { panic!("not one extrinsic") };
    assert_eq!(extrinsic.kind, OutboxKind::Removal);
    extrinsic.clone()
}

fn is(status: &Status, departure: Departure) -> bool {
    assert_eq!(status.phase, Phase::Leaving);
    status.departure == Some(departure)
}

#[test]
fn who_leaves_removes_its_registration_and_does_nothing_else_and_the_others_do_what_waits() {
    let (mut world, mut hosts, alice) = shard_with(2);
    let (key, shard) = (hosts[0].key(), world.shard);
    let mut other = hosts.pop().unwrap();
    let payment = unshield(&alice, &AccountId32::new([9; 32]), UNIT, 0);
    let content = world.block().invoke(shard, key.operation(&payment));
    world.add(content);
    let mut host = leave(other, &world, false);
    assert!(host.started.trusted_address.is_empty() && host.started.mutual_attestation_address.is_empty());
    assert!(is(&host.status(), Departure::Following) && host.collect().is_empty());

    // At the head: the payment is executed here, too, and is left to the other.
    let status = host.follow(&world);
    assert!(
        is(&status, Departure::Removing) && status.outbox_len > 0 && status.notice.is_none(),
        "{status:?}"
    );
    removal(&mut host);
    assert!(host.view().shielding_public_key().is_err() && host.view().certificate().is_none());
    assert!(host.view().picture_for_verified_peer().is_err() && host.view().execute_getter(&[]).is_err());
    let asked = HostRequest::RequestShieldingKey(Untrusted::new(hosts[0].peer_url()));
    assert_eq!(host.refused(asked).code, RefusalCode::Conversation);
    hosts[0].follow(&world);
    for _ in 0..40 {
        submit_all(&mut world, &mut hosts);
    }
    assert_eq!(world.paid.len(), 1, "the other pays");
    assert!(is(&host.follow(&world), Departure::Removing));

    assert!(is(&host.submit(&mut world), Departure::Gone) && host.collect().is_empty());
    for _ in 0..30 {
        world.add_empty();
        assert!(is(&host.follow(&world), Departure::Gone) && host.collect().is_empty());
    }
    // A second time there is nothing to do.
    let mut host = leave(host, &world, false);
    assert!(is(&host.follow(&world), Departure::Gone) && host.collect().is_empty());
    // It did not go for ever: a start for serving registers as ever.
    other = host.restart(&world);
    assert_eq!(other.status().departure, None);
    other.serve(&mut world);
    assert_eq!(other.balance(&alice), hosts[0].balance(&alice));
}

#[test]
fn the_removal_is_signed_anew_until_it_is_final_and_whatever_kills_the_process() {
    let (mut world, mut hosts, _) = shard_with(2);
    let mut host = leave(hosts.pop().unwrap(), &world, false);
    host.follow(&world);
    let first = removal(&mut host);
    assert_eq!(removal(&mut host), first, "handed out unchanged as long as it can be included");
    for _ in 0..130 {
        submit_all(&mut world, &mut hosts);
        host.follow(&world);
    }
    let second = removal(&mut host);
    assert!(second.extrinsic != first.extrinsic && second.id == first.id);
    assert_eq!(nonce_of(&second.extrinsic), nonce_of(&first.extrinsic));
    submit_all(&mut world, &mut hosts);
    let mut host = leave(host, &world, false);
    host.follow(&world);
    let third = removal(&mut host);
    assert_ne!(third.extrinsic, second.extrinsic);

    // What the start before had handed out counts as well.
    let signer = host.signer();
    let content = world.block();
    let content = world.include(content, &signer, &[second]);
    world.add(content);
    assert!(is(&host.follow(&world), Departure::Gone) && host.collect().is_empty());
}

/// Each try costs a fee.
#[test]
fn a_removal_that_the_chain_includes_in_vain_is_parked_after_three_times() {
    let (mut world, mut hosts, _) = shard_with(2);
    let mut host = leave(hosts.pop().unwrap(), &world, false);
    host.follow(&world);
    let mut tries = 0;
    for _ in 0..40 {
        let content = world.block();
        let content = match &host.collect()[..] {
            [] => content,
            [extrinsic] => {
                tries += 1;
                world.fail(content, &host.signer(), extrinsic)
            }
            more => panic!("{more:?}"),
        };
        world.add(content);
        host.follow(&world);
    }
    host.collect();
    let parked = Parked { kind: OutboxKind::Removal, reason: ParkedReason::Failed, count: 1 };
    assert_eq!((tries, host.status().parked), (3, vec![parked]));
}

#[test]
fn the_last_that_acts_for_its_shard_does_not_leave_unless_it_is_told_so() {
    let (world, host, _) = funded();
    let mut world = world;
    let mut host = leave(host, &world, false);
    assert!(is(&host.follow(&world), Departure::Last) && host.collect().is_empty());
    for _ in 0..20 {
        world.add_empty();
        assert!(is(&host.follow(&world), Departure::Last) && host.collect().is_empty());
    }
    let mut host = leave(host, &world, true);
    assert!(is(&host.follow(&world), Departure::Removing));
    assert!(is(&host.submit(&mut world), Departure::Gone));
    // Its store still has the shard's key: a start for serving goes on.
    let mut host = host.restart(&world);
    host.serve(&mut world);
}

#[test]
fn another_worker_counts_only_while_it_acts_and_is_registered() {
    let (mut world, mut hosts, _) = shard_with(2);
    let second = hosts.pop().unwrap();
    let first = hosts.pop().unwrap();
    // Both leave at the same time: the first that is gone is none that the other may rely on.
    let (mut first, mut second) = (leave(first, &world, false), leave(second, &world, false));
    assert!(
        is(&first.follow(&world), Departure::Removing) && is(&second.follow(&world), Departure::Removing)
    );
    first.submit(&mut world);
    assert!(is(&first.status(), Departure::Gone));
    assert!(is(&second.follow(&world), Departure::Last) && second.collect().is_empty());

    let mut first = first.restart(&world);
    first.serve(&mut world);
    first.settle(&mut world);
    assert!(is(&second.follow(&world), Departure::Removing));
    // It is there, and silent: nobody knows whether it will come back.
    for _ in 0..61 {
        world.add_empty();
    }
    assert!(is(&second.follow(&world), Departure::Last));
}

#[test]
fn who_has_no_key_of_a_shard_that_lives_leaves_nothing_behind() {
    let mut world = World::new();
    // Registered, and its shard is not born.
    let mut candidate = Host::new(&world);
    candidate.register(&mut world);
    let mut candidate = leave(candidate, &world, false);
    assert!(is(&candidate.follow(&world), Departure::Removing));
    assert!(is(&candidate.submit(&mut world), Departure::Gone));

    let (mut world, _host, _) = funded();
    let mut joiner = Host::new(&world);
    assert_eq!(joiner.register(&mut world).phase, Phase::NeedsShieldingKey);
    let mut joiner = leave(joiner, &world, false);
    assert!(is(&joiner.follow(&world), Departure::Removing));
    assert!(is(&joiner.submit(&mut world), Departure::Gone));
    // Nor does a start for leaving make a key where there is no shard.
    let world = World::new();
    let mut new: Host =
        Host::start(std::sync::Arc::new(tempfile::tempdir().unwrap()), leaving(&world, false)).unwrap();
    let mut world = world;
    world.add_empty();
    assert!(is(&new.follow(&world), Departure::Gone) && new.collect().is_empty());
    assert!(new.view().picture().shielding_key.is_none());
}
