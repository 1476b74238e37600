// SPDX-License-Identifier: Apache-2.0
//! What works on a chain by itself and needs care in a shard.

use super::*;
use crate::frame::extensions::CheckMetadataHash;
use sp_runtime::generic::SignedPayload;

/// A transfer by Alice with the mode that asks for the metadata's digest, over this one.
fn with_digest(worker: &Worker, alice: &TestAccount, call: RuntimeCall, digest: Option<[u8; 32]>) -> Vec<u8> {
    let mut signed = extensions(0, Era::Immortal, 0);
    let mut implicit = worker.inspect(|| signed.implicit().unwrap());
    signed.0.6 = CheckMetadataHash::new(true);
    implicit.0.6 = digest;
    let payload = SignedPayload::from_raw(call.clone(), signed.clone(), implicit);
    let signature = payload.using_encoded(|bytes| alice.sign(bytes));
    runtime::UncheckedExtrinsic::new_signed(call, alice.id().into(), signature, signed).encode()
}

/// Whoever signs the digest is sure that the wallet showed what the call is. (The digest itself is held against another
/// implementation's by the client's tests.)
#[test]
fn c25_a_digest_of_the_metadata_is_compared_when_it_is_signed() {
    let (mut worker, alice, bob) = with(UNIT);
    let digest = <Shard<Runtime> as StateTransition>::metadata_digest().unwrap();
    let outcome = |worker: &Worker, digest| {
        let extrinsic = with_digest(worker, &alice, transfer(&bob, 5), digest);
        worker.execute_next(&[operation(extrinsic)]).outcomes[0].outcome
    };
    assert_eq!(outcome(&worker, Some(digest)), Outcome::Executed);
    assert_eq!(outcome(&worker, None), Outcome::Unauthorised);
    for byte in 0..32 {
        let mut other = digest;
        other[byte] ^= 1;
        assert_eq!(outcome(&worker, Some(other)), Outcome::Unauthorised);
    }
    // What was signed with it is not good without it.
    let mut unsaid = with_digest(&worker, &alice, transfer(&bob, 5), Some(digest));
    let mode = unsaid.len() - transfer(&bob, 5).encode().len() - 2;
    assert_eq!(unsaid[mode], 1);
    unsaid[mode] = 0;
    assert_eq!(worker.run_alone(operation(unsaid)).outcome, Outcome::Unauthorised);
}

/// A call may be an argument, and a call may have calls in it.
#[test]
fn c24_a_view_functions_argument_nests_so_deep_and_no_deeper() {
    let (worker, ..) = with(UNIT);
    let nested = |depth: usize| {
        let watch = RuntimeCall::from(probe::Call::watch { on: true }).encode();
        [[4, 2, 4].repeat(depth), watch].concat()
    };
    let weigh = |call: Vec<u8>| worker.ask_for("Probe", "weight_of", &[call], None);
    let two = pallet_utility::Call::batch_all {
        calls: vec![
            pallet_utility::Call::batch_all { calls: vec![probe::Call::watch { on: true }.into()] }.into(),
        ],
    };
    assert_eq!(RuntimeCall::from(two).encode(), nested(2));
    assert!(weigh(nested(2)).is_some());
    assert!(weigh(nested(15)).is_some());
    for depth in [30, 1_000, 100_000] {
        assert_eq!(weigh(nested(depth)), None, "{depth}");
    }
}

/// A root that a pallet computes is of the block so far. It costs its time, and the block ends as it would without.
#[test]
fn a_root_in_the_middle_of_a_block_changes_nothing() {
    let (mut worker, alice, bob) = with(UNIT);
    let block = |call: RuntimeCall| [xt(&worker, &alice, transfer(&bob, 5), 0), xt(&worker, &alice, call, 1)];
    let rooted = block(probe::Call::asks_root { twice: true }.into());
    let plain = block(probe::Call::asks_root { twice: false }.into());
    let [rooted, plain] = [rooted, plain].map(|block| {
        let outcome = worker.execute_next(&block);
        assert!(outcome.outcomes.iter().all(|done| done.outcome == Outcome::Executed));
        (outcome.root, outcome.changes)
    });
    assert_eq!(rooted, plain);
    worker.run_block(&block(probe::Call::asks_root { twice: true }.into()));
    worker.check_workers_agree();
}

/// A pallet that wants its inherent in each block says so by a panic at the block's end. The shard goes on without it,
/// and a test of the author's stops there.
#[test]
fn a_pallet_that_asserts_its_inherent_does_not_stop_the_shard_and_is_noticed_by_the_kit() {
    let (mut worker, alice, bob) = with(UNIT);
    submit(&mut worker, &alice, probe::Call::want_inherent {});
    let sent = xt(&worker, &alice, transfer(&bob, 5), worker.nonce(&alice));
    let outcome = worker.execute_next(std::slice::from_ref(&sent));
    assert_eq!((outcome.prepared, outcome.outcomes[0].outcome), (false, Outcome::Executed));
    let next = worker.block.number + 1;
    let stopped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| worker.run_to_block(next)));
    let message = *stopped.unwrap_err().downcast::<String>().unwrap();
    assert_eq!(message, format!("block {next}: a hook panicked"));
}
