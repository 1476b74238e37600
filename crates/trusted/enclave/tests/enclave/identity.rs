// SPDX-License-Identifier: Apache-2.0
//! Births, keys, registrations: who may serve. Rows H2, H9 (rollback), H10, H11, H14, H15 and P5.

use crate::kit::{Clock, Host, UNIT, World, copy_into, copy_of, development_root, funded, start, transfer};
use offstage_light_client::testing::{METADATA, TestChain, test_code, validators};
use offstage_primitives::{AccountId32, BlockHash, H256, attestation::RegistrationProof, receipt::Outcome};
use offstage_protocol::{HostRequest, OutboxKind, Phase, RefusalCode, Untrusted};
use offstage_sdk::testing::TestAccount;
use std::sync::Arc;

/// Before its own registration is final, an enclave is silent (invariant 6).
#[test]
fn h09_nothing_is_served_or_signed_before_the_own_registration_is_seen() {
    let mut world = World::new();
    let mut host = Host::new(&world);
    world.add_empty();
    assert_eq!(host.status().phase, Phase::CatchingUp);
    assert!(host.collect().is_empty());
    host.follow(&world);
    assert_eq!(host.status().phase, Phase::AwaitingRegistration);
    let check_silent = |host: &Host| {
        assert!(host.view().shielding_public_key().is_err());
        assert!(host.view().picture_for_verified_peer().is_err());
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
    // Registered, it is a candidate: nothing is served before its confirmation makes the shard live.
    assert_eq!(host.submit(&mut world).phase, Phase::AwaitingRegistration);
    assert!(host.status().notice.unwrap().contains("not born yet"));
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

/// The first to register goes away with its key; the shard is born by the one that confirms first.
#[test]
fn p08_of_two_candidates_the_first_to_confirm_decides_the_key() {
    let mut world = World::new();
    let (mut first, mut second) = (Host::new(&world), Host::new(&world));
    world.add_empty();
    assert_eq!(first.follow(&world).phase, Phase::AwaitingRegistration);
    assert_eq!(second.follow(&world).phase, Phase::AwaitingRegistration);
    // Both register; neither is anything before a confirmation.
    for host in [&mut first, &mut second] {
        let extrinsics = host.collect();
        let content = world.block();
        let content = world.include(content, &host.signer(), &extrinsics);
        world.add(content);
    }
    let keys = [&mut first, &mut second].map(|host| {
        assert_eq!(host.follow(&world).phase, Phase::AwaitingRegistration);
        assert!(host.view().shielding_public_key().is_err());
        host.view().picture().shielding_key.clone().unwrap().public().digest()
    });
    // Money that comes before the birth is for nobody: on our chain it is refused.
    let content = world.block().shield(world.shard, vec![1; 384], UNIT).invoke(world.shard, vec![1]);
    world.add(content);
    // The first one's confirmation is on its way, when the second's becomes final.
    first.follow(&world);
    let late = first.collect();
    assert_eq!(late.iter().map(|extrinsic| extrinsic.kind).collect::<Vec<_>>(), [OutboxKind::Confirmation]);
    assert_eq!(second.submit(&mut world).phase, Phase::Serving);
    assert_eq!(second.status().operations, 0);
    let content = world.block();
    let content = world.include(content, &first.signer(), &late);
    world.add(content);
    // The first one's key is gone, also from its store, and it registers anew with the shard's.
    assert_eq!(first.follow(&world).phase, Phase::AwaitingRegistration);
    assert!(first.view().picture().shielding_key.is_none(), "the losing key is gone");
    let mut first = first.restart(&world);
    assert!(first.view().picture().shielding_key.is_none(), "the losing key is gone");
    first.follow(&world);
    let again = first.collect();
    assert_eq!(binding_in(&again[0].extrinsic).shielding_key, keys[1]);
    second.follow(&world);
    first.join(&mut world, &mut second);
    assert_eq!(
        first.view().shielding_public_key().unwrap().value,
        second.view().shielding_public_key().unwrap().value
    );
    assert_eq!(first.state_root(), second.state_root());
    // It stays so over a restart, and for one that comes late.
    let mut first = first.restart(&world);
    first.serve(&mut world);
    let third = Host::joining(&mut world, &mut first);
    assert_eq!(third.view().shielding_public_key().unwrap().value.digest(), keys[1]);
}

/// The first to register is never heard of again: another founds the shard.
#[test]
fn p08_a_candidate_that_goes_away_is_no_end_of_the_shard() {
    let mut world = World::new();
    world.add_empty();
    let mut gone = Host::new(&world);
    gone.register(&mut world);
    drop(gone);
    let mut host = Host::new(&world);
    host.serve(&mut world);
    assert!(host.view().shielding_public_key().is_ok());
}

/// What is done in the block of the birth, after the confirmation, is for the living shard.
#[test]
fn p08_the_block_of_the_birth_is_executed() {
    let mut world = World::new();
    world.add_empty();
    let mut host = Host::new(&world);
    assert_eq!(host.register(&mut world).phase, Phase::AwaitingRegistration);
    let (extrinsics, signer, alice) = (host.collect(), host.signer(), TestAccount::alice());
    let key = host.view().picture().shielding_key.clone().unwrap().public();
    let content = world.block();
    let content = world.include(content, &signer, &extrinsics);
    let content = content.shield(world.shard, crate::kit::Encryptor::new(&key).account(&alice), UNIT);
    world.add(content);
    assert_eq!(host.follow(&world).phase, Phase::Serving);
    assert_eq!(host.balance(&alice), UNIT);
    let other = Host::joining(&mut world, &mut host);
    assert_eq!(other.balance(&alice), UNIT);
}

/// A first confirmation that the chain does not take is made anew, of a newer block.
#[test]
fn p08_a_first_confirmation_that_is_not_honoured_is_made_anew() {
    let mut world = World::new();
    world.add_empty();
    let mut host = Host::new(&world);
    assert_eq!(host.register(&mut world).phase, Phase::AwaitingRegistration);
    let first = host.collect();
    for _ in 0..70 {
        world.add_empty();
    }
    let host = &mut host.restart(&world);
    assert_eq!(host.register(&mut world).phase, Phase::AwaitingRegistration);
    let again = host.collect();
    assert_eq!((again.len(), again[0].kind), (1, OutboxKind::Confirmation));
    assert_ne!(again[0].id, first[0].id);
    assert_eq!(host.submit(&mut world).phase, Phase::Serving);
}

/// A clone that registers later ends the earlier one; until then both compute the same.
#[test]
fn h10_of_two_clones_the_later_registration_counts_and_nothing_diverges() {
    let (mut world, mut host, alice) = funded();
    let mut clone = Host::on(&world, copy_of(host.dir.path())).unwrap();
    assert_eq!(clone.signer(), host.signer());
    let (bob, key, shard) = (TestAccount::bob(), host.key(), world.shard);
    host.run(&mut world, |content| {
        content.invoke(shard, key.operation(&transfer(&alice, &bob, UNIT, 0))).invoke(shard, vec![1])
    });
    clone.follow(&world);
    assert_eq!((host.status().phase, clone.status().phase), (Phase::Serving, Phase::AwaitingRegistration));
    assert_eq!(clone.state_root(), host.state_root());
    assert!(clone.view().shielding_public_key().is_err());
    // The earlier one's registration says nothing for the clone, though signer and key are the same.
    clone.serve(&mut world);
    assert_eq!(host.follow(&world).phase, Phase::Superseded);
    assert!(host.collect().is_empty());
    assert!(host.view().shielding_public_key().is_err());
    assert!(host.view().picture_for_verified_peer().is_err());
    assert!(host.view().execute_getter(&[0, 0]).is_err());
    assert!(host.status().notice.unwrap().contains("later start"));
    // It follows the chain nevertheless, and agrees.
    clone.run(&mut world, |content| content.shield(shard, key.account(&bob), UNIT));
    host.follow(&world);
    assert_eq!(clone.state_root(), host.state_root());
    // Nothing that it does brings it back, but a start of its own, which then ends the other.
    host.done(HostRequest::AtFinalizedHead(Untrusted::new(world.hash(world.chain.number()))));
    assert_eq!(host.status().phase, Phase::Superseded);
    let mut host = host.restart(&world);
    host.serve(&mut world);
    assert_eq!(clone.follow(&world).phase, Phase::Superseded);
}

/// Two starts have two nonces and two TLS keys, bound in their registrations.
#[test]
fn h10_every_start_has_an_identity_of_its_own() {
    let mut world = World::new();
    let mut host = Host::new(&world);
    world.add_empty();
    let copy = copy_of(host.dir.path());
    let mut bindings = Vec::new();
    for _ in 0..2 {
        host.follow(&world);
        let extrinsic = host.collect().remove(0).extrinsic;
        bindings.push(binding_in(&extrinsic));
        host = host.restart(&world);
    }
    let mut clone = Host::on(&world, copy).unwrap();
    clone.follow(&world);
    let extrinsic = clone.collect().remove(0).extrinsic;
    bindings.push(binding_in(&extrinsic));
    for (index, one) in bindings.iter().enumerate() {
        assert_eq!((one.genesis_hash, one.shard), (world.hash(0), world.shard));
        for other in &bindings[..index] {
            assert_ne!(one.boot_nonce, other.boot_nonce);
            assert_ne!(one.tls_public_key, other.tls_public_key);
        }
    }
}

/// What a registration's extrinsic binds.
fn binding_in(extrinsic: &[u8]) -> offstage_primitives::attestation::KeyBinding {
    // The proof is the first argument that decodes as one.
    (0..extrinsic.len())
        .find_map(|at| {
            let proof = <Vec<u8> as codec::Decode>::decode(&mut &extrinsic[at..]).ok()?;
            RegistrationProof::from_bytes(&proof).ok()?.binding
        })
        .unwrap()
}

/// A worker that is set back to an old copy of its disk catches up before it says anything.
#[test]
fn h09_a_rolled_back_worker_serves_only_what_is_current() {
    let mut world = World::new();
    let mut host = Host::serving(&mut world);
    let backup = copy_of(host.dir.path());
    let alice = TestAccount::alice();
    let key = host.key();
    let content = world.block().shield(world.shard, key.account(&alice), 7 * UNIT);
    world.add(content);
    host.settle(&mut world);
    let dir = host.dir.clone();
    let root = host.state_root();
    drop(host);
    copy_into(backup.path(), dir.path());
    let mut host = Host::on(&world, dir).unwrap();
    assert!(host.status().position.number < world.chain.number());
    assert!(host.view().execute_getter(&[0, 0]).is_err());
    // The host says that the old position is the head. The registration that follows cannot be final there.
    let old = host.status().position;
    host.done(HostRequest::AtFinalizedHead(Untrusted::new(old.hash)));
    assert_eq!(host.status().phase, Phase::AwaitingRegistration);
    assert!(host.view().execute_getter(&[0, 0]).is_err());
    assert!(host.view().picture_for_verified_peer().is_err());
    // The old registration, brought again by the old block, is not this start's.
    host.follow(&world);
    assert_eq!(host.status().phase, Phase::AwaitingRegistration);
    assert_eq!(host.submit(&mut world).phase, Phase::Serving);
    assert_eq!(host.balance(&alice), 7 * UNIT);
    assert_eq!(host.state_root(), root, "the same blocks, the same state");
}

/// A host that begins with a false genesis has a worker of another chain: everything it shows says so.
#[test]
fn h02_a_false_genesis_makes_a_worker_of_another_chain() {
    let (world, other) = (World::new(), other_chain());
    let mut host = Host::new(&other);
    assert_eq!(host.started.genesis_hash, other.hash(0));
    assert_ne!(host.started.genesis_hash, world.hash(0));
    // The real chain's headers and justifications do not follow on it.
    let mut real = world.clone();
    real.add_empty();
    assert_eq!(host.refused(crate::kit::headers(&real, [1])).code, RefusalCode::Finality);
    // Its registration binds the false genesis, which the real chain's pallet refuses.
    let mut other = other;
    other.add_empty();
    host.follow(&other);
    let extrinsic = host.collect().remove(0).extrinsic;
    assert_eq!(binding_in(&extrinsic).genesis_hash, other.hash(0));
    // A header with a proof, code, or authorities of another chain is no genesis.
    let genuine = start(&world);
    let foreign = start(&other);
    let fresh = || Arc::new(tempfile::tempdir().unwrap());
    for bad in [
        offstage_protocol::Start { genesis_proof: foreign.genesis_proof.clone(), ..genuine.clone() },
        offstage_protocol::Start { genesis_proof: Untrusted::new(Vec::new()), ..genuine.clone() },
        offstage_protocol::Start { runtime_code: foreign.runtime_code.clone(), ..genuine.clone() },
        offstage_protocol::Start {
            genesis_header: Untrusted::new(real.chain.headers([1]).remove(0)),
            ..genuine.clone()
        },
        offstage_protocol::Start { genesis_header: Untrusted::new(vec![1; 5]), ..genuine.clone() },
    ] {
        assert!(Host::start(fresh(), bad).map(|host: Host| host.started).is_err());
    }
    assert!(Host::start(fresh(), genuine).map(|host: Host| host.started).is_ok());
}

/// An enclave pins the chain it was started for.
#[test]
fn h02_another_genesis_is_refused_on_a_store_of_the_first() {
    let mut world = World::new();
    let host = Host::serving(&mut world);
    let dir = host.dir.clone();
    drop(host);
    let mut other = World::new();
    other.chain = TestChain::new(5);
    let error = Host::on(&other, dir.clone()).err().unwrap();
    assert!(error.contains("belongs to the chain"), "{error}");
    let mut request = start(&world);
    request.shard = Some([9; 32].into());
    let error = Host::start(dir.clone(), request).map(|host: Host| host.started).err().unwrap();
    assert!(error.contains("belongs to shard"), "{error}");
    Host::on(&world, dir).unwrap();
}

/// The same pallets with other code and validators.
fn other_chain() -> World {
    let mut other = World::new();
    let code = test_code(METADATA, &[1]);
    other.chain = TestChain::with(validators(2, 3), &code, &[development_root()]);
    other
}

/// A peer of another chain, or of another shard, gets no key.
#[test]
fn h14_a_peer_of_another_chain_or_shard_gets_no_key() {
    let mut world = World::new();
    let provider = Host::serving(&mut world);
    let mut other = other_chain();
    let mut born = Host::serving(&mut other);
    let mut asking = Host::new(&other);
    assert_eq!(asking.register(&mut other).phase, Phase::NeedsShieldingKey);
    let before = asking.status();
    let refusal = asking.refused(HostRequest::RequestShieldingKey(Untrusted::new(provider.peer_url())));
    assert_eq!(refusal.code, RefusalCode::Provisioning);
    assert_eq!(asking.status(), before);
    // Nor a listener that is no enclave, nor nobody at all.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("wss://{}", listener.local_addr().unwrap());
    let deaf = std::thread::spawn(move || drop(listener.accept()));
    let refusal = asking.refused(HostRequest::RequestShieldingKey(Untrusted::new(silent)));
    assert_eq!(refusal.code, RefusalCode::Provisioning);
    deaf.join().unwrap();
    // The right peer still helps, once it has seen who asks.
    born.follow(&other);
    asking.request_key(&born);
}

/// A provider that does not serve, because it has just started or was superseded, gives nothing.
#[test]
fn h14_a_provider_that_does_not_serve_gives_nothing() {
    let mut world = World::new();
    let provider = Host::serving(&mut world);
    let mut provider = provider.restart(&world);
    provider.follow(&world);
    let mut asking = Host::new(&world);
    assert_eq!(asking.register(&mut world).phase, Phase::NeedsShieldingKey);
    let url = HostRequest::RequestShieldingKey(Untrusted::new(provider.peer_url()));
    assert_eq!(asking.refused(url).code, RefusalCode::Provisioning);
    provider.follow(&world);
    provider.submit(&mut world);
    asking.follow(&world);
    asking.request_key(&provider);
}

/// Where the chain trusts Intel's root, a software platform's evidence is called by its name.
#[test]
fn h15_a_software_enclave_gets_no_key_where_intel_is_trusted() {
    // No root in the pallet's storage: Intel's counts.
    let mut world = World::with(&test_code(METADATA, &[]), &[]);
    let mut born = Host::serving(&mut world);
    let mut asking = Host::new(&world);
    assert_eq!(asking.register(&mut world).phase, Phase::NeedsShieldingKey);
    born.follow(&world);
    let refusal = asking.refused(HostRequest::RequestShieldingKey(Untrusted::new(born.peer_url())));
    assert_eq!(refusal.code, RefusalCode::Provisioning);
    assert!(refusal.message.contains("software"), "{}", refusal.message);
    assert_eq!(asking.status().phase, Phase::NeedsShieldingKey);
    assert!(!born.view().policy().unwrap().platforms.allows_debug());
}

/// Certificates are judged by the chain's time: years before and after this machine's it is all the same.
#[test]
fn h11_evidence_is_made_and_judged_by_the_chains_time() {
    for (next_ms, passed_ms) in [
        // 2022 and 2045, with peers of the same time.
        (1_650_000_000_000, 0),
        (2_380_000_000_000, 0),
        // Half a year later: the peer that joins has followed the chain up to this day.
        (2_380_000_000_000, 180 * DAY_MS),
    ] {
        let mut world = World::new();
        world.clock = Some(Clock { next_ms });
        let mut provider = Host::serving(&mut world);
        if let Some(clock) = &mut world.clock {
            clock.next_ms += passed_ms;
        }
        for _ in 0..3 {
            provider.run(&mut world, |content| content);
            provider.submit(&mut world);
        }
        let now = provider.view().policy().unwrap().now_secs;
        assert_eq!(now, (world.clock.unwrap().next_ms - 6_000) / 1000);
        Host::joining(&mut world, &mut provider);
    }
}

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// The sources of what runs in the enclave name no clock but the one that limits connections, which decides nothing
/// else.
#[test]
fn h11_no_trusted_source_reads_the_hosts_clock() {
    fn sources(folder: &std::path::Path, found: &mut Vec<std::path::PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let crates = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut found = Vec::new();
    for zone in ["shared", "trusted"] {
        for package in std::fs::read_dir(crates.join(zone)).unwrap() {
            let sources_folder = package.unwrap().path().join("src");
            if sources_folder.is_dir() {
                sources(&sources_folder, &mut found);
            }
        }
    }
    assert!(found.len() > 80, "{}", found.len());
    for path in found {
        let is_admission = path.ends_with("enclave/src/rpc/admission.rs");
        if is_admission || path.to_string_lossy().contains("tests.rs") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for clock in ["SystemTime", "Instant::now", "Utc::now", "clock_gettime", "OffsetDateTime::now"] {
            assert!(!text.contains(clock), "{} names {clock}", path.display());
        }
    }
}

/// Who stands alone stops serving, and a restart does not help.
#[test]
fn p05_a_worker_that_two_others_contradict_stops_serving() {
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
    assert!(host.view().execute_getter(&[0, 0]).is_err());
    assert!(host.status().notice.unwrap().contains("another root than this one, so it stopped"));
}

/// Confirmations by others that agree change nothing, however often they come; and one that agrees outweighs two that
/// lie.
#[test]
fn p05_equal_confirmations_are_idempotent_and_liars_alone_stop_nobody() {
    let (mut world, mut host, alice) = funded();
    let (bob, key, shard) = (TestAccount::bob(), host.key(), world.shard);
    let operation = transfer(&alice, &bob, UNIT, 0);
    let number = host.run(&mut world, |content| content.invoke(shard, key.operation(&operation)));
    let hash = world.hash(number);
    let mut other = Host::joining(&mut world, &mut host);
    other.submit(&mut world);
    other.settle(&mut world);
    host.follow(&world);
    host.settle(&mut world);
    let of_block: Vec<_> = world.confirmed.iter().filter(|(_, block, _)| *block == number).collect();
    let (_, _, root) = of_block[0].clone();
    assert!(of_block.iter().all(|(_, _, other)| *other == root));
    let state = host.state_root();
    // Again, by the same and by others, several in one block.
    host.run(&mut world, |content| {
        content.confirm(&AccountId32::new([1; 32]), shard, (hash, number), root).confirm(
            &AccountId32::new([1; 32]),
            shard,
            (hash, number),
            root,
        )
    });
    let wrong = H256::repeat_byte(9);
    host.run(&mut world, |content| {
        let content = content.shield(shard, key.account(&alice), 1);
        (2..6).fold(content, |content, liar| {
            content.confirm(&AccountId32::new([liar; 32]), shard, (hash, number), wrong)
        })
    });
    other.follow(&world);
    assert_eq!((host.status().phase, other.status().phase), (Phase::Serving, Phase::Serving));
    assert_ne!(host.state_root(), state, "it goes on executing");
    assert_eq!(host.state_root(), other.state_root());
    assert_eq!(host.outcome(operation.hash()), Outcome::Executed);
    assert!(host.status().notice.unwrap().contains("another root"));
    // Of another block at that height, nobody says anything about this one.
    let elsewhere = (BlockHash::repeat_byte(3), number);
    host.run(&mut world, |content| {
        (7..9).fold(content, |content, liar| {
            content.confirm(&AccountId32::new([liar; 32]), shard, elsewhere, wrong)
        })
    });
    assert_eq!(host.status().phase, Phase::Serving);
}
