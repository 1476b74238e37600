// SPDX-License-Identifier: Apache-2.0
//! Another business logic than balances, in the same enclave and the same testing kit.

use crate::kit::{Host, MEASUREMENT, World, start};
use codec::Encode;
use offstage_primitives::{receipt::Outcome, trusted::TrustedOperation};
use offstage_sdk::testing::TestAccount;
use std::sync::Arc;

/// The SDK's example: each account counts.
#[path = "../../../sdk/examples/counter.rs"]
#[expect(dead_code, reason = "the example's main runs it without an enclave")]
mod counter;

use counter::{Count, Counter, CounterCall};

#[test]
fn a_shard_with_another_logic_is_born_executes_answers_and_survives_a_restart() {
    let mut world = World::new();
    let mut host = Host::<Counter>::start(Arc::new(tempfile::tempdir().unwrap()), start(&world)).unwrap();
    host.serve(&mut world);
    let (alice, key, shard) = (TestAccount::alice(), host.key(), world.shard);
    let add = |step, nonce| {
        let signed = alice.sign_call(CounterCall::Add(alice.id(), step), nonce, &MEASUREMENT, &shard);
        TrustedOperation::<_, Count>::IndirectCall(signed)
    };
    let calls = [add(40, 0), add(u64::MAX, 1), add(2, 2)];
    let number = host.run(&mut world, |mut content| {
        for call in &calls {
            content = content.invoke(shard, key.encrypt(&call.encode()));
        }
        // It takes no money.
        content.shield(shard, key.account(&alice), 1)
    });
    let outcomes = calls.each_ref().map(|call| host.outcome(call.hash()));
    assert_eq!(outcomes, [Outcome::Executed, Outcome::Refused, Outcome::Executed]);
    let count = |host: &Host<Counter>| host.view().execute_getter(&Count(alice.id()).encode()).unwrap().value;
    assert_eq!(count(&host), Some(42u64.encode()));
    host.settle(&mut world);
    assert!(world.confirmed.iter().any(|(_, confirmed, _)| *confirmed == number));
    // A second worker of the same logic, and the first after a restart, hold the same.
    let mut other = Host::<Counter>::start(Arc::new(tempfile::tempdir().unwrap()), start(&world)).unwrap();
    other.join(&mut world, &mut host);
    assert_eq!(other.state_root(), host.state_root());
    // The kit restarts balances; a start on the same folder is what it does.
    let dir = host.dir.clone();
    drop(host);
    let mut host = Host::<Counter>::start(dir, start(&world)).unwrap();
    host.serve(&mut world);
    assert_eq!(count(&host), Some(42u64.encode()));
}
