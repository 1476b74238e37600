// SPDX-License-Identifier: Apache-2.0
//! Nothing is executed that is not final: rows H1, H6, P1 and P3.

use crate::kit::{Clock, Host, UNIT, World, bundle, funded, headers, import, transfer};
use codec::Encode;
use offstage_light_client::{
    BlockId, Header,
    testing::{authorities, precommit, scheduled_change, validators},
};
use offstage_protocol::{HostRequest, MAX_HEADERS, OutboxKind, Phase, RefusalCode, Untrusted};
use offstage_sdk::testing::TestAccount;
use sp_runtime::DigestItem;

/// A serving worker that has the header of one more block, which is not final.
fn with_next_header() -> (World, Host, u32) {
    let mut world = World::new();
    let mut host = Host::serving(&mut world);
    let number = world.add_empty();
    host.done(headers(&world, [number]));
    (world, host, number)
}

#[test]
fn h01_a_block_without_justification_is_refused() {
    let mut world = World::new();
    let mut host = Host::serving(&mut world);
    let number = world.add_empty();
    let keys = host.status().watched_keys;
    host.refuses_block(bundle(&world, number, &keys), RefusalCode::Finality);
    host.done(headers(&world, [number]));
    host.refuses_block(bundle(&world, number, &keys), RefusalCode::Finality);
    host.follow(&world);
    assert_eq!(host.status().position.number, number);
}

#[test]
fn h01_invalid_justifications_and_those_of_other_sets_are_refused() {
    let (world, mut host, number) = with_next_header();
    let (set_id, voters) = world.chain.set_for(number);
    let voters = voters.to_vec();
    let strangers = validators(9, 3);
    let chain = &world.chain;
    let mut other_round = chain.justification(number, &voters, set_id);
    other_round.round += 1;
    let mut lower = chain.justification(number, &voters, set_id);
    lower.commit.target_number -= 1;
    let mut bad_signature = chain.justification(number, &voters, set_id);
    bad_signature.commit.precommits[0].signature = bad_signature.commit.precommits[1].signature.clone();
    let twice = [&voters[..2], &voters[1..2]].concat();
    let mixed = [&voters[..2], &strangers[..1]].concat();
    for (bad, reason) in [
        (Vec::new(), "decoded"),
        (vec![1, 2, 3], "decoded"),
        (chain.justify_by(number, &[], set_id), "two thirds"),
        // Two of three are two thirds, and not more.
        (chain.justify_by(number, &voters[..2], set_id), "two thirds"),
        (chain.justify_by(number, &twice, set_id), "two thirds"),
        (chain.justify_by(number, &strangers, set_id), "not in authority set"),
        (chain.justify_by(number, &mixed, set_id), "not in authority set"),
        (chain.justify_by(number, &voters, set_id + 1), "two thirds"),
        (other_round.encode(), "two thirds"),
        (lower.encode(), "newer"),
        (bad_signature.encode(), "two thirds"),
        ([chain.justify(number), vec![0]].concat(), "decoded"),
    ] {
        let message = host.refuses_justification(bad);
        assert!(message.contains(reason), "{reason}: {message}");
    }
    host.follow(&world);
    assert_eq!(host.status().position.number, number);
}

#[test]
fn h01_an_old_set_finalizes_nothing_any_more() {
    let mut world = World::new();
    let mut host = Host::serving(&mut world);
    let old = world.chain.set_for(1).1.to_vec();
    world.chain.add_set_change(validators(5, 3), 0);
    host.follow(&world);
    let number = world.add_empty();
    host.done(headers(&world, [number]));
    for set_id in [0, 1] {
        host.refuses_justification(world.chain.justify_by(number, &old, set_id));
    }
    host.follow(&world);
    assert_eq!(host.status().position.number, number);
}

#[test]
fn h01_a_fork_is_refused() {
    let (mut world, mut host, number) = with_next_header();
    let mut fork = world.clone();
    fork.chain = fork.chain.fork_at(number - 1);
    fork.add_empty();
    fork.add_empty();
    // A real justification of the fork for a height that is known, and for one beyond it.
    host.refuses_justification(fork.chain.justify(number));
    host.refuses_justification(fork.chain.justify(number + 1));
    assert_eq!(host.refused(headers(&fork, number + 1..=number + 1)).code, RefusalCode::Finality);
    // Before anything is final its headers are taken, and those of the chain take their place again.
    host.done(headers(&fork, number..=number + 1));
    host.refuses_justification(world.chain.justify(number));
    host.done(headers(&world, number..=number));
    host.finalize(&world);
    for numbers in [number..=number, number + 1..=number + 1] {
        assert_eq!(host.refused(headers(&fork, numbers)).code, RefusalCode::Finality);
    }
    let keys = host.status().watched_keys;
    host.refuses_block(bundle(&fork, number, &keys), RefusalCode::Block);
    world.add_empty();
    host.follow(&world);
}

#[test]
fn h06_set_changes_are_tracked_with_any_delay() {
    for delay in [0, 1, 7] {
        let mut world = World::new();
        let mut host = Host::serving(&mut world);
        let old = world.chain.set_for(1).1.to_vec();
        let border = world.chain.add_set_change(validators(7, 4), delay) + delay;
        world.chain.add_empty(delay + 3);
        let last = world.chain.number();
        let tip = host.status().tip.number;
        // No header beyond the border before the old set finalized exactly that.
        let refusal = host.refused(headers(&world, tip + 1..=last));
        assert!(refusal.message.contains("authority set changes"), "{}", refusal.message);
        assert_eq!(host.status().tip.number, border);
        let (new_id, new) = world.chain.set_for(last);
        host.refuses_justification(world.chain.justify_by(border, new, new_id));
        host.done(HostRequest::ImportJustification(Untrusted::new(world.chain.justify(border))));
        host.done(headers(&world, border + 1..=last));
        for set_id in [0, 1] {
            host.refuses_justification(world.chain.justify_by(last, &old, set_id));
        }
        // A restart in the middle of the change, at each of its blocks, forgets nothing.
        while host.status().position.number < last {
            host = host.restart(&world);
            host.finalize(&world);
            host.import_next(&world);
        }
        host.refuses_justification(world.chain.justify_by(last, &old, 0));
        host.serve(&mut world);
    }
}

/// To hide a change the host would have to change a header, which then is another block.
#[test]
fn h06_a_hidden_set_change_is_noticed() {
    let mut world = World::new();
    let mut host = Host::serving(&mut world);
    let old = world.chain.set_for(1).1.to_vec();
    let signalled = world.chain.add_set_change(validators(7, 4), 1);
    world.chain.add_empty(3);
    let hidden = Header { digest: Default::default(), ..world.chain.header(signalled).clone() };
    host.done(HostRequest::ImportHeaders(vec![Untrusted::new(hidden.encode())]));
    // Nobody voted for that header, and what follows is not its child.
    host.refuses_justification(world.chain.justify_by(signalled, &old, 0));
    assert_eq!(host.refused(headers(&world, [signalled + 1])).code, RefusalCode::Finality);
    // Only a new start helps a host that did this.
    let mut host = host.restart(&world);
    host.serve(&mut world);
}

#[test]
fn h06_forced_and_overlapping_changes_are_refused() {
    // `ConsensusLog::ForcedChange(median, ScheduledChange { next_authorities, delay })`.
    let forced = (2u8, 0u32, authorities(&validators(8, 3)), 0u32).encode();
    for (item, reason) in [
        (DigestItem::Consensus(*b"FRNK", forced), "forces"),
        (scheduled_change(&validators(8, 3), 0), "while another"),
    ] {
        let mut world = World::new();
        let mut host = Host::serving(&mut world);
        if reason != "forces" {
            world.chain.add_set_change(validators(7, 3), 5);
        }
        let content = world.block().digest(item);
        let number = world.add(content);
        let tip = host.status().tip.number;
        let refusal = host.refused(headers(&world, tip + 1..=number));
        assert!(refusal.message.contains(reason), "{}", refusal.message);
        assert_eq!(host.status().tip.number, number - 1);
    }
}

#[test]
fn p01_a_fork_before_finality_has_no_effect() {
    let (mut world, mut host, alice) = funded();
    let (bob, key, shard) = (TestAccount::bob(), host.key(), world.shard);
    let number = world.chain.number() + 1;
    let mut fork = world.clone();
    fork.chain = fork.chain.fork_at(number - 1);
    let spent = transfer(&alice, &bob, 60 * UNIT, 0);
    let content = fork.block().invoke(shard, key.operation(&spent));
    fork.add(content);
    let other = transfer(&alice, &TestAccount::named("Charlie"), 50 * UNIT, 0);
    let content = world.block().invoke(shard, key.operation(&other));
    world.add(content);
    // The best block was the fork's, and its header is all that came.
    let before = host.state_root();
    host.done(headers(&fork, [number]));
    let keys = host.status().watched_keys;
    host.refuses_block(bundle(&fork, number, &keys), RefusalCode::Finality);
    host.refuses_justification(world.chain.justify(number));
    assert_eq!((host.state_root(), host.balance(&bob)), (before, 0));
    // The other became final.
    host.done(headers(&world, [number]));
    host.done(HostRequest::ImportJustification(Untrusted::new(world.chain.justify(number))));
    host.follow(&world);
    assert_eq!((host.balance(&alice), host.balance(&bob)), (50 * UNIT, 0));
    assert_eq!(host.receipt(&spent.hash()), None);
    assert!(host.receipt(&other.hash()).is_some());
}

#[test]
fn p03_thousands_of_headers_come_before_their_blocks() {
    let (mut world, mut host, alice) = funded();
    let (bob, key, shard) = (TestAccount::bob(), host.key(), world.shard);
    let from = world.chain.number();
    for round in 0..2_000u32 {
        let mut content = world.block();
        if round % 400 == 7 {
            content = content.invoke(shard, key.operation(&transfer(&alice, &bob, UNIT, round / 400)));
        }
        world.add(content);
    }
    host.finalize(&world);
    let status = host.status();
    // This is what health and metrics tell of the distance.
    assert_eq!((status.position.number, status.finalized.number), (from, from + 2_000));
    assert_eq!(host.balance(&bob), 0);
    while host.status().position.number < world.chain.number() {
        let bundle = host.next_bundle(&world);
        host.done(import(bundle));
    }
    host.follow(&world);
    assert_eq!((host.balance(&bob), host.status().phase), (5 * UNIT, Phase::Serving));
    host.settle(&mut world);
}

/// A gap longer than what is remembered: the enclave asks for the headers of the next blocks again.
#[test]
fn p03_headers_that_were_thinned_away_are_asked_for_again() {
    let (mut world, mut host, alice) = funded();
    let (bob, key, shard) = (TestAccount::bob(), host.key(), world.shard);
    let from = world.chain.number();
    for nonce in 0..3 {
        let content = world.block().invoke(shard, key.operation(&transfer(&alice, &bob, UNIT, nonce)));
        world.add(content);
    }
    // Of all blocks behind these, there are only headers.
    let mut gap = world.chain.headers(from + 1..=from + 3);
    let mut last = world.chain.header(from + 3).clone();
    while gap.len() < 40_000 {
        last = Header { number: last.number + 1, parent_hash: last.hash(), ..last };
        gap.push(last.encode());
    }
    let send = |host: &mut Host, headers: &[Vec<u8>]| {
        for batch in headers.chunks(MAX_HEADERS) {
            host.done(HostRequest::ImportHeaders(batch.iter().cloned().map(Untrusted::new).collect()));
        }
    };
    send(&mut host, &gap);
    assert_eq!(host.status().wanted_headers, None, "nothing is final yet");
    let (set_id, voters) = world.chain.set_for(from);
    let mut justification = world.chain.justification(from, voters, set_id);
    let vote = |voter| precommit(voter, last.number, BlockId::of(&last).hash, justification.round, set_id);
    justification.commit.precommits = voters.iter().map(vote).collect();
    (justification.commit.target_number, justification.commit.target_hash) = (last.number, last.hash());
    host.done(HostRequest::ImportJustification(Untrusted::new(justification.encode())));

    let mut asked = 0;
    while host.status().position.number < from + 3 {
        if let Some((first, last)) = host.status().wanted_headers {
            asked += 1;
            let bundle = host.next_bundle(&world);
            host.refuses_block(bundle, RefusalCode::Finality);
            send(&mut host, &gap[(first - from - 1) as usize..=(last - from - 1) as usize]);
            assert_ne!(host.status().wanted_headers, Some((first, last)));
        }
        host.import_next(&world);
    }
    assert!(asked > 0, "the gap was to be long enough for thinning");
    assert_eq!(host.balance(&bob), 3 * UNIT);
}

/// A worker that knows four blocks to be final and executed one of them, and a fork of the chain from there that is
/// longer.
fn ahead_of_its_position() -> (World, Host, World) {
    let mut world = World::new();
    let mut host = Host::serving(&mut world);
    for _ in 0..4 {
        world.add_empty();
    }
    host.finalize(&world);
    let position = host.import_next(&world).position.number;
    assert_eq!(host.status().finalized.number, position + 3);
    let mut fork = world.clone();
    fork.chain = fork.chain.fork_at(position);
    for _ in 0..6 {
        fork.add_empty();
    }
    (world, host, fork)
}

/// The fork's justifications are real: a thief of the validators' keys makes them, or all validators together.
#[test]
fn h20_a_restarted_enclave_takes_no_other_fork_than_the_one_it_knew_to_be_final() {
    let (mut world, host, fork) = ahead_of_its_position();
    let mut host = host.restart(&world);
    let status = host.status();
    let (position, known) = (status.position.number, status.finalized.number);
    assert_eq!((known, status.finalized.hash), (position + 3, world.hash(position + 3)));
    assert_eq!(status.wanted_headers, Some((position + 1, known)));
    // Up to where the fork can be told from the chain its headers are taken, and nothing follows from them.
    host.done(headers(&fork, position + 1..known));
    assert_eq!(host.refused(headers(&fork, known..=known)).code, RefusalCode::Finality);
    host.refuses_justification(fork.chain.justify(known + 1));
    host.ask(HostRequest::ImportJustification(Untrusted::new(fork.chain.justify(position + 1))));
    let keys = host.status().watched_keys;
    host.refuses_block(bundle(&fork, position + 1, &keys), RefusalCode::Finality);
    // Nor does it count as caught up where it is.
    host.done(HostRequest::AtFinalizedHead(Untrusted::new(world.hash(position))));
    assert_eq!(host.status().phase, Phase::CatchingUp);
    assert!(host.collect().is_empty());
    // After another restart it still knows, and goes on with the chain.
    let mut host = host.restart(&world);
    assert_eq!(host.status().finalized.number, known);
    host.follow(&world);
    assert_eq!(host.status().position.number, known);
    assert_eq!(host.submit(&mut world).phase, Phase::Serving);
}

/// Finality that nothing left the enclave with costs no write; before something does, it is sealed.
#[test]
fn h20_finality_is_sealed_before_evidence_of_it_goes_out_and_not_before() {
    let mut world = World::new();
    world.clock = Some(Clock { next_ms: 1_800_000_000_000 });
    let mut host = Host::serving(&mut world);
    host.settle(&mut world);
    // From the next block on its registration is to be renewed.
    if let Some(clock) = &mut world.clock {
        clock.next_ms += 25 * 60 * 60 * 1000;
    }
    world.add_empty();
    host.finalize(&world);
    host.import_next(&world);
    let store = host.dir.path().join(offstage_enclave::enclave::STORE_FILE);
    let bytes = std::fs::read(&store).unwrap();
    for _ in 0..3 {
        world.add_empty();
        host.finalize(&world);
    }
    let known = world.chain.number();
    assert_eq!(host.status().finalized.number, known);
    assert!(std::fs::read(&store).unwrap() == bytes, "headers and justifications alone write nothing");
    // Evidence for the new registration goes out.
    assert!(host.collect().iter().any(|extrinsic| extrinsic.kind == OutboxKind::Registration));
    let mut host = host.restart(&world);
    assert_eq!(host.status().finalized.number, known);
}
