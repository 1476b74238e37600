// SPDX-License-Identifier: Apache-2.0
//! Extrinsics of the logic's runtime through the whole enclave: what they are signed for is what the enclave has
//! verified, after a restart and on a worker that joins late, too; and reads by name, behind the gate.

use crate::kit::{Host, UNIT, World, funded};
use codec::{Decode, Encode};
use offstage_balances::runtime::{Runtime, RuntimeCall, RuntimeEvent, UncheckedExtrinsic, VERSION};
use offstage_enclave::view::ViewError;
use offstage_primitives::{
    H256,
    read::{Permit, Question, permit_payload},
    receipt::Outcome,
    trusted::shard_genesis_hash,
};
use offstage_sdk::testing::{TestAccount, frame::tx_extension};
use sp_crypto_hashing::blake2_256;
use sp_runtime::generic::Era;

/// A transfer that `from` signed for `period` blocks from block `at` on: the operation's bytes.
fn transfer(world: &World, from: &TestAccount, nonce: u32, period: u64, at: u32) -> Vec<u8> {
    let to = TestAccount::bob();
    let call = pallet_balances::Call::transfer_allow_death { dest: to.id().into(), value: UNIT };
    sign(world, from, call, nonce, period, at)
}

/// An extrinsic that `from` signed for `period` blocks from block `at` on: the operation's bytes.
fn sign(
    world: &World,
    from: &TestAccount,
    call: pallet_balances::Call<Runtime>,
    nonce: u32,
    period: u64,
    at: u32,
) -> Vec<u8> {
    let call = RuntimeCall::Balances(call);
    let extensions = tx_extension::<Runtime>(nonce, Era::mortal(period, at.into()));
    let genesis = shard_genesis_hash(&world.hash(0), &world.shard);
    let versions = (VERSION.spec_version, VERSION.transaction_version);
    let payload = (&call, &extensions, versions, genesis, world.hash(at), None::<[u8; 32]>).encode();
    let signature = from.sign(&payload);
    let extrinsic = UncheckedExtrinsic::new_signed(call, from.id().into(), signature, extensions);
    [&[4], &extrinsic.encode()[..]].concat()
}

pub(crate) fn permit(world: &World, account: &TestAccount, expires: u32) -> Permit {
    let payload = permit_payload(&account.id(), expires, &world.hash(0), &world.shard);
    Permit { account: account.id(), expires, signature: account.sign(&payload) }
}

fn invoke(host: &mut Host, world: &mut World, operation: &[u8]) -> Outcome {
    let (key, shard) = (host.key(), world.shard);
    host.run(world, |content| content.invoke(shard, key.encrypt(operation)));
    host.outcome(H256(blake2_256(operation)))
}

#[test]
fn an_era_is_of_blocks_that_the_enclave_verified_whenever_it_was_started() {
    let (mut world, mut host, alice) = funded();
    let bob = TestAccount::bob();
    let at = world.chain.number();
    let signed = transfer(&world, &alice, 0, 8, at);
    // Blocks and a restart between what was signed for and where it is executed.
    for _ in 0..2 {
        world.add_empty();
    }
    host.follow(&world);
    let mut host = host.restart(&world);
    host.serve(&mut world);
    assert_eq!(invoke(&mut host, &mut world, &signed), Outcome::Executed);
    assert_eq!((host.balance(&alice), host.balance(&bob), host.nonce(&alice)), (99 * UNIT, UNIT, 1));
    // Signed for a block from before the shard was born.
    let old = transfer(&world, &alice, 1, 64, 1);
    assert_eq!(invoke(&mut host, &mut world, &old), Outcome::Executed);
    // Signed for a block of another fork.
    let elsewhere = {
        let mut other = world.clone();
        other.add(other.block().shield(other.shard, host.key().account(&bob), UNIT));
        transfer(&other, &alice, 2, 8, other.chain.number())
    };
    world.add_empty();
    host.follow(&world);
    assert_eq!(invoke(&mut host, &mut world, &elsewhere), Outcome::Unauthorised);
    // Too late.
    let late = transfer(&world, &alice, 2, 8, world.chain.number());
    for _ in 0..10 {
        world.add_empty();
    }
    host.follow(&world);
    assert!(matches!(invoke(&mut host, &mut world, &late), Outcome::Unauthorised | Outcome::Expired));
    assert_eq!(host.nonce(&alice), 2);
    // Who joins now executes all of it again, and finds the same good and bad.
    let mut other = Host::joining(&mut world, &mut host);
    other.settle(&mut world);
    host.follow(&world);
    assert_eq!(other.state_root(), host.state_root());
    for operation in [&signed, &old, &elsewhere, &late] {
        let hash = H256(blake2_256(operation));
        assert_eq!(other.outcome(hash), host.outcome(hash));
    }
}

#[test]
fn what_is_asked_by_name_is_told_to_its_owner_while_the_worker_serves() {
    let (world, mut host, alice) = funded();
    let account = Question::Item {
        pallet: "System".into(),
        name: "Account".into(),
        arguments: vec![alice.id().encode()],
    };
    let permit = |account, expires| permit(&world, account, expires);
    let now = host.status().position.number;
    let answer = host.view().read(&account, Some(&permit(&alice, now))).unwrap();
    assert_eq!(answer.block, host.status().position);
    let free = answer.value.unwrap();
    assert!(free.windows(16).any(|bytes| bytes == (100 * UNIT).encode()));
    let bob = TestAccount::bob();
    for wrong in [None, Some(permit(&bob, now)), Some(permit(&alice, now - 1))] {
        assert_eq!(host.view().read(&account, wrong.as_ref()).unwrap().value, None);
    }
    // After a restart, before its registration: not even what is public.
    let host = host.restart(&world);
    let public = Question::Item { pallet: "Timestamp".into(), name: "Now".into(), arguments: vec![] };
    assert!(matches!(host.view().read(&public, None), Err(ViewError::NotServing(_))));
}

/// C28: the result goes to who signed, fits the root that is confirmed, and is the same of another worker.
#[test]
fn c28_a_result_is_told_to_its_sender_with_a_proof() {
    let (mut world, mut host, alice) = funded();
    let at = world.chain.number();
    let signed = transfer(&world, &alice, 0, 64, at);
    assert_eq!(invoke(&mut host, &mut world, &signed), Outcome::Executed);
    // More than there is.
    let call = pallet_balances::Call::transfer_allow_death {
        dest: TestAccount::bob().id().into(),
        value: 1_000 * UNIT,
    };
    let refused = sign(&world, &alice, call, 1, 64, at);
    assert_eq!(invoke(&mut host, &mut world, &refused), Outcome::Refused);
    host.settle(&mut world);
    let [done, not_done] = [&signed, &refused].map(|operation| H256(blake2_256(operation)));

    let now = host.status().position.number;
    let own = permit(&world, &alice, now);
    let proven = host.view().result(&done, &own).unwrap().value.unwrap();
    let (_, _, root) =
        world.confirmed.iter().find(|(_, block, _)| *block == proven.receipt.block_number).unwrap();
    assert!(proven.fits_receipt() && proven.receipt.verify(root));
    let events: Vec<RuntimeEvent> =
        proven.result.events.iter().map(|event| RuntimeEvent::decode(&mut &event[..]).unwrap()).collect();
    assert!(events.iter().any(|event| matches!(
        event,
        RuntimeEvent::Balances(pallet_balances::Event::Transfer { amount: UNIT, .. })
    )));
    let why = host.view().result(&not_done, &own).unwrap().value.unwrap();
    assert_eq!(why.result.refusal.as_deref(), Some("Arithmetic.Underflow"));
    // Nothing but that it failed.
    assert!(why.result.events.len() == 1 && why.result.error.is_some());

    // To nobody else, whatever they show.
    let bob = TestAccount::bob();
    for wrong in [
        permit(&world, &bob, now),
        permit(&world, &alice, now - 1),
        Permit { account: alice.id(), ..permit(&world, &bob, now) },
    ] {
        assert_eq!(host.view().result(&done, &wrong).unwrap().value, None);
        assert!(host.view().history(&wrong, None).unwrap().entries.is_empty());
    }
    // The newest first; what was shielded to her is hers, too.
    let history = host.view().history(&own, None).unwrap();
    let outcomes: Vec<_> = history.entries.iter().map(|entry| entry.outcome).collect();
    assert_eq!(outcomes, [Outcome::Refused, Outcome::Executed, Outcome::Executed]);
    assert_eq!(history.entries[1].operation, done);

    // After a restart, before its registration, nothing; and a worker that joins has the same.
    let mut other = Host::joining(&mut world, &mut host);
    other.settle(&mut world);
    let own = permit(&world, &alice, other.status().position.number);
    assert_eq!(other.view().result(&done, &own).unwrap().value, Some(proven));
    let host = host.restart(&world);
    assert!(matches!(host.view().result(&done, &own), Err(ViewError::NotServing(_))));
    assert!(matches!(host.view().history(&own, None), Err(ViewError::NotServing(_))));
}
