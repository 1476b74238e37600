// SPDX-License-Identifier: Apache-2.0
//! What a shard reads of its parentchain's state: row H25.

use super::{herald::Sight, *};
use crate::kit::{account_info, import};
use codec::DecodeAll;
use offstage_light_client::{storage_keys, testing::GENESIS_TIME};
use offstage_protocol::{BlockBundle, Untrusted};
use offstage_sdk::testing::TestWorker;

/// A block in which Alice looks, and the shard has these funds: nothing is changed where it is `None`.
fn looking(world: &mut World, host: &Worker, nonce: u32, funds: Option<Option<u128>>) -> H256 {
    let operation = signed(world, nonce, herald::Call::look {});
    let mut content = world.block().invoke(world.shard, host.key().encrypt(&operation));
    if let Some(funds) = funds {
        content = content.storage(funds_key(world), funds.map(|free| account_info(0, free)));
    }
    world.add(content);
    name(&operation)
}

fn funds_key(world: &World) -> Vec<u8> {
    storage_keys::account(&world.shard.account())
}

fn price_key() -> Vec<u8> {
    storage_keys::value("TransactionPayment", "NextFeeMultiplier")
}

fn time(world: &World) -> u64 {
    GENESIS_TIME + u64::from(world.chain.number()) * 6_000
}

fn ask<T: Decode>(host: &Worker, name: &str) -> T {
    let question = Question::Item { pallet: "Herald".into(), name: name.into(), arguments: vec![] };
    let answer = host.view().read(&question, None).unwrap().value;
    T::decode_all(&mut &answer.unwrap()[..]).unwrap()
}

fn looked(host: &Worker) -> Sight {
    ask(host, "Looked")
}

/// In an operation and in a read, after a restart, and on who replays it all.
#[test]
fn h25_a_shard_reads_what_the_block_proves_and_every_worker_reads_the_same() {
    let mut world = world();
    let mut host = serving(&mut world);
    looking(&mut world, &host, 0, Some(Some(55)));
    let at = time(&world);
    host.follow(&world);
    assert_eq!((looked(&host), ask(&host, "funds")), ((Some(at), Some(55), None), Some(55u128)));
    // What the chain provably does not have is none.
    looking(&mut world, &host, 1, Some(None));
    let later = time(&world);
    host.follow(&world);
    assert_eq!((looked(&host), ask(&host, "funds")), ((Some(later), None, None), None::<u128>));
    let content = world.block().storage(funds_key(&world), Some(account_info(0, 66)));
    world.add(content);
    host.follow(&world);
    assert_eq!(ask::<Option<u128>>(&host, "funds"), Some(66));
    let mut host = restarted(host, &mut world);
    assert_eq!(ask::<Option<u128>>(&host, "funds"), Some(66));
    looking(&mut world, &host, 2, None);
    host.follow(&world);
    let sight = looked(&host);
    assert_eq!(sight.1, Some(66));
    let mut other = worker(&world);
    other.join(&mut world, &mut host);
    host.follow(&world);
    assert_eq!((other.state_root(), looked(&other)), (host.state_root(), sight));
}

/// The worker stops at the block, and goes on with the truth.
#[test]
fn h25_a_host_that_lies_or_withholds_is_refused_and_changes_nothing() {
    let mut world = world();
    let mut host = serving(&mut world);
    let price = |world: &World, price: Option<u128>| {
        world.block().storage(price_key(), price.map(|price| price.encode()))
    };
    for (nonce, truth) in [(0, Some(7)), (1, None)] {
        // Another chain's word: as much as the host likes.
        let mut fork = world.clone();
        fork.add(price(&fork, Some(1_000_000)));
        world.add(price(&world, truth));
        let operation = looking(&mut world, &host, nonce, None);
        looking(&mut fork, &host, nonce, None);
        host.finalize(&world);
        host.import_next(&world);
        let honest = host.next_bundle(&world);
        let number = world.chain.number();
        let keys = host.status().watched_keys;
        let proof = |world: &World, keys: &[Vec<u8>]| Untrusted::new(world.chain.proof(number, keys));
        let without: Vec<_> = keys.iter().filter(|key| **key != price_key()).cloned().collect();
        assert_eq!(without.len(), keys.len() - 1);
        let before = looked(&host);
        let mut wrong = vec![proof(&fork, &keys)];
        // Where there is nothing, the way to what is beside it shows that.
        wrong.extend(truth.map(|_| proof(&world, &without)));
        for state_proof in wrong {
            host.refuses_block(BlockBundle { state_proof, ..honest.clone() }, RefusalCode::Block);
            assert_eq!((looked(&host), host.receipt(&operation)), (before, None));
        }
        host.done(import(honest));
        assert_eq!(looked(&host).2, truth);
    }
}

/// A value of another meaning is no value: the operation that reads it is refused, and the shard goes on.
#[test]
fn h25_what_the_proven_metadata_has_in_another_form_is_not_read() {
    // Four numbers of the same length, of which one has another name.
    let other = test_code(&renamed(b"reserved", b"presever"), &[]);
    let mut world = world();
    let mut host = serving(&mut world);
    looking(&mut world, &host, 0, Some(Some(7)));
    host.follow(&world);
    let before = looked(&host);
    let code = |code| (storage_keys::CODE.to_vec(), Some(code));
    let (key, upgrade) = code(other);
    let content = world.block().storage(key.clone(), upgrade);
    world.add(content);
    host.follow(&world);
    let operation = looking(&mut world, &host, 1, Some(Some(8)));
    host.follow(&world);
    assert_eq!((host.outcome(operation), looked(&host)), (Outcome::Refused, before));
    assert_eq!(ask::<Option<u128>>(&host, "funds"), None);
    let (_, downgrade) = code(world.chain.code(0));
    let content = world.block().storage(key, downgrade);
    world.add(content);
    host.follow(&world);
    let operation = looking(&mut world, &host, 2, None);
    host.follow(&world);
    assert_eq!((host.outcome(operation), looked(&host).1), (Outcome::Executed, Some(8)));
}

#[test]
fn h25_a_value_that_is_too_long_or_of_no_type_is_not_read() {
    let mut world = world();
    let mut host = serving(&mut world);
    for (nonce, value) in (0..).zip([vec![1; 5_000], vec![1; 15], vec![1; 17], vec![]]) {
        let content = world.block().storage(price_key(), Some(value));
        world.add(content);
        host.follow(&world);
        let operation = looking(&mut world, &host, nonce, None);
        host.follow(&world);
        assert_eq!(host.outcome(operation), Outcome::Refused);
    }
    let content = world.block().storage(price_key(), Some(9u128.encode()));
    world.add(content);
    let operation = looking(&mut world, &host, 4, None);
    host.follow(&world);
    assert_eq!((host.outcome(operation), looked(&host).2), (Outcome::Executed, Some(9)));
}

/// The host is asked for what everybody knows who has the enclave: the same at every block, whatever is in the state.
#[test]
fn h25_what_is_asked_of_the_host_does_not_depend_on_the_state() {
    let mut world = world();
    let mut host = serving(&mut world);
    let asked = host.status().watched_keys;
    let named = [funds_key(&world), storage_keys::timestamp(), price_key()];
    for key in &named {
        assert_eq!(asked.iter().filter(|asked| *asked == key).count(), 1);
    }
    looking(&mut world, &host, 0, Some(Some(7)));
    host.follow(&world);
    assert_eq!(host.status().watched_keys, asked);
    // The kit's worker shows what is named, and nothing else.
    let shown = TestWorker::<Shard<Runtime>>::production().parentchain.storage;
    assert_eq!(shown.len(), named.len());
    // A logic that names nothing costs nothing.
    let mut plain = World::new();
    let mut balances = Host::new(&plain);
    plain.add_empty();
    balances.follow(&plain);
    assert_eq!(balances.status().watched_keys.len() + 1, asked.len());
}
