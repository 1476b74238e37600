// SPDX-License-Identifier: Apache-2.0
//! What a block means, with calls nested in every way that a chain offers (row C5), and with contradictions (row H4).

use super::*;
use crate::dispatchers::{DISPATCHERS, Dispatcher, Way};
use crate::testing::{
    BlockContent, METADATA, TestChain, USER, test_code, validators, with_execute_for_shard,
};
use codec::{Compact, Encode};
use offstage_primitives::chain::{multisig, proxy, sudo, utility};
use proptest::prelude::*;
use sp_crypto_hashing::blake2_256;

const OK: [u8; 1] = [0];
/// `Err(DispatchError::BadOrigin)`.
const ERR: [u8; 2] = [1, 2];
/// `DispatchError::BadOrigin`.
const BAD_ORIGIN: u8 = 2;
const DCAP: Option<SgxAttestationMethod> = Some(SgxAttestationMethod::Dcap { proxied: false });
const WEIGHT: (Compact<u64>, Compact<u64>) = (Compact(1), Compact(1));

fn shard() -> ShardIdentifier {
    [7; 32].into()
}

fn other_shard() -> ShardIdentifier {
    [8; 32].into()
}

/// The operations of a block with this content.
fn operations_of(
    build: impl FnOnce(BlockContent) -> BlockContent,
) -> Result<Vec<ShardEvent>, OperationsError> {
    let mut chain = TestChain::new(1);
    let content = build(chain.block());
    chain.add(content);
    let mut client = chain.client();
    operations(&chain.verify_next(&mut client, &[]), shard())
}

/// The first bytes of the ciphertexts of the executed invocations; 255 stands for one that cannot be told.
fn invoked(build: impl FnOnce(BlockContent) -> BlockContent) -> Vec<u8> {
    let kinds = operations_of(build).unwrap().into_iter().map(|event| event.kind);
    kinds
        .map(|kind| match kind {
            ShardEventKind::Invoke { cyphertext } => cyphertext[0],
            ShardEventKind::Unattributable => 255,
            other => panic!("{other:?}"),
        })
        .collect()
}

/// A signed extrinsic with a call made of the content's builders.
fn extrinsic(content: BlockContent, call: &[u8], events: &[Vec<u8>]) -> BlockContent {
    let extrinsic = content.signed(call, &USER);
    content.extrinsic(extrinsic, events)
}

/// Calls and events that one content makes.
struct Kit<'a>(&'a BlockContent);

impl Kit<'_> {
    fn invoke(&self, name: u8) -> Vec<u8> {
        self.0.invoke_call(shard(), vec![name])
    }
    fn done(&self) -> Vec<u8> {
        self.0.invoked(shard())
    }
    fn remark(&self) -> Vec<u8> {
        self.0.call("System", "remark", vec![1u8; 10])
    }
    fn utility(&self, call: &str, calls: &[Vec<u8>]) -> Vec<u8> {
        let mut arguments = Compact(calls.len() as u32).encode();
        arguments.extend(calls.concat());
        self.0.call("Utility", call, Raw(arguments))
    }
    fn event(&self, event: &str) -> Vec<u8> {
        self.0.event("Utility", event, ())
    }
    fn item_failed(&self) -> Vec<u8> {
        self.0.event("Utility", "ItemFailed", BAD_ORIGIN)
    }
    /// A batch of a call that deposited these events, and then an invocation.
    fn before_invoke(&self, call: Vec<u8>, mut events: Vec<Vec<u8>>, name: u8) -> (Vec<u8>, Vec<Vec<u8>>) {
        let item = self.event("ItemCompleted");
        events.extend([item.clone(), self.done(), item, self.event("BatchCompleted")]);
        (self.utility("batch", &[call, self.invoke(name)]), events)
    }
    fn proxy(&self, call: &[u8]) -> Vec<u8> {
        // `real` as `MultiAddress::Id`, no forced type.
        self.0.call("Proxy", "proxy", (0u8, USER, 0u8, Raw(call.to_vec())))
    }
    fn multisig(&self, call: &[u8]) -> Vec<u8> {
        self.0.call("Multisig", "as_multi", (2u16, vec![USER], 0u8, Raw(call.to_vec()), WEIGHT))
    }
    fn multisig_executed(&self, call: &[u8], result: &[u8]) -> Vec<u8> {
        self.0.event(
            "Multisig",
            "MultisigExecuted",
            (USER, (1u32, 1u32), USER, blake2_256(call), Raw(result.to_vec())),
        )
    }
    fn result(&self, pallet: &str, event: &str, result: &[u8]) -> Vec<u8> {
        self.0.event(pallet, event, Raw(result.to_vec()))
    }
}

/// Bytes that are encoded already.
struct Raw(Vec<u8>);

impl Encode for Raw {
    fn encode_to<T: codec::Output + ?Sized>(&self, output: &mut T) {
        output.write(&self.0);
    }
}

#[test]
fn plain_operations_of_the_shard_are_found_in_order() {
    let enclave = AccountId32::new([5; 32]);
    let (hash, root) = (BlockHash::repeat_byte(1), H256::repeat_byte(2));
    let found = operations_of(|content| {
        let config_updated = content.event("EnclaveBridge", "ShardConfigUpdated", shard());
        let removed = content.event("Teerex", "RemovedSovereignEnclave", &enclave);
        content
            .invoke(shard(), vec![1])
            .shield(shard(), vec![2; 384], 77)
            .invoke(other_shard(), vec![3])
            .shield(other_shard(), vec![4], 5)
            .register(&enclave, vec![3, 0, 9])
            .confirm(&enclave, shard(), (hash, 12), root)
            .confirm(&enclave, other_shard(), (hash, 12), root)
            .unshield(&enclave, shard(), &USER, 9, root)
            .block_event(Phase::Finalization, config_updated)
            .block_event(Phase::Finalization, removed)
    })
    .unwrap();
    let kinds = found.iter().map(|event| event.kind.clone()).collect::<Vec<_>>();
    assert_eq!(
        kinds,
        [
            ShardEventKind::Invoke { cyphertext: vec![1] },
            ShardEventKind::Shield { encrypted_beneficiary: vec![2; 384], amount: 77 },
            ShardEventKind::Registration { signer: enclave.clone(), method: DCAP, proof: vec![3, 0, 9] },
            ShardEventKind::Confirmed { signer: Some(enclave.clone()), block_hash: hash, root, number: 12 },
            ShardEventKind::Unshielded { beneficiary: USER, amount: 9, call_hash: Some(root) },
            ShardEventKind::ShardConfigUpdated,
            ShardEventKind::Unregistered { signer: enclave },
        ]
    );
    assert!(found.is_sorted_by_key(|event| event.event_index));
    assert_eq!(
        found.iter().map(|event| event.extrinsic_index).collect::<Vec<_>>()[..3],
        [Some(1), Some(2), Some(5)]
    );
}

#[test]
fn h04_a_failed_extrinsic_has_no_effect() {
    let found = operations_of(|content| {
        let invoke = content.signed(&content.invoke_call(shard(), vec![1]), &USER);
        let batch = Kit(&content).utility("batch_all", &[Kit(&content).invoke(2), Kit(&content).remark()]);
        let batch = content.signed(&batch, &USER);
        content.failed_extrinsic(invoke, &[]).failed_extrinsic(batch, &[])
    });
    assert_eq!(found, Ok(vec![]));
}

#[test]
fn h04_events_that_contradict_the_calls_stop_the_shard() {
    // An invocation without its event, an event without its call, of another shard, two for one, after a failure.
    let disagrees = |build: fn(BlockContent) -> BlockContent| {
        assert_eq!(operations_of(build), Err(OperationsError::Disagree(1)));
    };
    disagrees(|content| {
        let events = [content.invoked(shard()), content.invoked(shard())];
        let call = content.invoke_call(shard(), vec![1]);
        extrinsic(content, &call, &events)
    });
    disagrees(|content| {
        let events = [content.invoked(shard())];
        let call = content.invoke_call(other_shard(), vec![1]);
        extrinsic(content, &call, &events)
    });
    disagrees(|content| {
        let call = Kit(&content).utility("batch", &[Kit(&content).invoke(1), Kit(&content).invoke(2)]);
        let kit = Kit(&content);
        let events =
            [kit.done(), kit.event("ItemCompleted"), kit.event("ItemCompleted"), kit.event("BatchCompleted")];
        extrinsic(content, &call, &events)
    });
    disagrees(|content| {
        let extrinsic = content.signed(&content.invoke_call(shard(), vec![1]), &USER);
        let event = content.invoked(shard());
        content.failed_extrinsic(extrinsic, &[event])
    });
}

#[test]
fn c05_batches_execute_what_the_events_say() {
    assert_eq!(
        invoked(|content| {
            let kit = Kit(&content);
            let call = kit.utility("batch_all", &[kit.invoke(1), kit.remark(), kit.invoke(2)]);
            let item = || kit.event("ItemCompleted");
            let events = [kit.done(), item(), item(), kit.done(), item(), kit.event("BatchCompleted")];
            extrinsic(content, &call, &events)
        }),
        [1, 2]
    );
    // `batch` stops at the first failure.
    assert_eq!(
        invoked(|content| {
            let kit = Kit(&content);
            let call = kit.utility("batch", &[kit.invoke(1), kit.invoke(2), kit.invoke(3)]);
            let interrupted = content.event("Utility", "BatchInterrupted", (1u32, BAD_ORIGIN));
            let events = [kit.done(), kit.event("ItemCompleted"), interrupted];
            extrinsic(content, &call, &events)
        }),
        [1]
    );
    // `force_batch` goes on.
    assert_eq!(
        invoked(|content| {
            let kit = Kit(&content);
            let call = kit.utility("force_batch", &[kit.invoke(1), kit.invoke(2), kit.invoke(3)]);
            let events = [
                kit.done(),
                kit.event("ItemCompleted"),
                kit.item_failed(),
                kit.done(),
                kit.event("ItemCompleted"),
                kit.event("BatchCompletedWithErrors"),
            ];
            extrinsic(content, &call, &events)
        }),
        [1, 3]
    );
    // An empty one.
    assert!(
        invoked(|content| {
            let kit = Kit(&content);
            let (call, events) = (kit.utility("batch", &[]), [kit.event("BatchCompleted")]);
            extrinsic(content, &call, &events)
        })
        .is_empty()
    );
}

#[test]
fn c05_a_failed_inner_batch_is_told_from_one_whose_items_failed() {
    // The two differ in nothing but what follows: a reader from the front would have to guess.
    let outer = |inner_failed: bool| {
        invoked(|content| {
            let kit = Kit(&content);
            let inner = kit.utility("force_batch", &[kit.remark(), kit.invoke(1)]);
            let call = kit.utility("force_batch", &[inner, kit.invoke(2)]);
            let end = [kit.done(), kit.event("ItemCompleted"), kit.event("BatchCompletedWithErrors")];
            let inner_events = match inner_failed {
                true => vec![kit.item_failed()],
                false => vec![
                    kit.item_failed(),
                    kit.done(),
                    kit.event("ItemCompleted"),
                    kit.event("BatchCompletedWithErrors"),
                    kit.event("ItemCompleted"),
                ],
            };
            let events = [&inner_events[..], &end].concat();
            extrinsic(content, &call, &events)
        })
    };
    assert_eq!(outer(true), [2]);
    assert_eq!(outer(false), [1, 2]);
}

/// A call of the table around another, as the kit's metadata encodes it.
fn dispatching(kit: &Kit<'_>, row: &Dispatcher, inner: &[u8]) -> Vec<u8> {
    let (raw, who) = (Raw(inner.to_vec()), (0u8, USER));
    match (row.pallet, row.call) {
        (_, utility::BATCH | utility::BATCH_ALL | utility::FORCE_BATCH) => {
            kit.utility(row.call, &[inner.to_vec()])
        }
        (_, utility::AS_DERIVATIVE) => kit.0.call(row.pallet, row.call, (1u16, raw)),
        (_, utility::WITH_WEIGHT | sudo::SUDO_UNCHECKED_WEIGHT) => {
            kit.0.call(row.pallet, row.call, (raw, WEIGHT))
        }
        // `OriginCaller::system(RawOrigin::Root)`.
        (_, utility::DISPATCH_AS | utility::DISPATCH_AS_FALLIBLE) => {
            kit.0.call(row.pallet, row.call, (0u8, 0u8, raw))
        }
        (_, utility::IF_ELSE) => kit.0.call(row.pallet, row.call, (raw, Raw(kit.invoke(5)))),
        (_, proxy::PROXY) => kit.proxy(inner),
        (_, proxy::PROXY_ANNOUNCED) => kit.0.call(row.pallet, row.call, (who.clone(), who, 0u8, raw)),
        (_, multisig::AS_MULTI) => kit.multisig(inner),
        (_, multisig::AS_MULTI_THRESHOLD_1) => kit.0.call(row.pallet, row.call, (vec![USER], raw)),
        (_, sudo::SUDO) => kit.0.call(row.pallet, row.call, raw),
        (_, sudo::SUDO_AS) => kit.0.call(row.pallet, row.call, (who, raw)),
        other => panic!("a row without a test: {other:?}"),
    }
}

/// What the call inside deposited, and what says that it was executed; or what says that it failed, if anything does.
fn reports(kit: &Kit<'_>, row: &Dispatcher, inner: &[u8], success: bool) -> Option<Vec<Vec<u8>>> {
    let done = kit.done();
    let (item, completed) = (kit.event("ItemCompleted"), kit.event("BatchCompleted"));
    Some(match (row.way, success) {
        (Way::Batch | Way::BatchAll | Way::ForceBatch, true) => vec![done, item, completed],
        (Way::Batch, false) => vec![kit.0.event("Utility", "BatchInterrupted", (0u32, BAD_ORIGIN))],
        (Way::ForceBatch, false) => vec![kit.item_failed(), kit.event("BatchCompletedWithErrors")],
        (Way::Shared, true) => vec![done],
        (Way::Reported(report), true) => vec![done, kit.result(row.pallet, report.event, &OK)],
        (Way::Reported(report), false) => vec![kit.result(row.pallet, report.event, &ERR)],
        (Way::IfElse, true) => vec![done, kit.event("IfElseMainSuccess")],
        (Way::IfElse, false) => vec![done, kit.0.event("Utility", "IfElseFallbackCalled", BAD_ORIGIN)],
        (Way::Approved { .. }, true) => vec![done, kit.multisig_executed(inner, &OK)],
        (Way::Approved { .. }, false) => vec![kit.multisig_executed(inner, &ERR)],
        // These fail with what they execute.
        (Way::BatchAll | Way::Shared, false) => return None,
    })
}

/// Whether a row's invocation is found when it was executed, not found when it failed, and a contradiction is refused.
fn follows(pallet: &str, call: &str) {
    let row = DISPATCHERS.iter().find(|row| row.pallet == pallet && row.call == call).unwrap();
    // The kit's chain may have no such call; then it has one of the same pallet that works in the same way.
    let chain = TestChain::new(1);
    if chain.runtime().call_index(pallet, call).is_none() {
        let twin = DISPATCHERS.iter().find(|other| {
            other.call != call
                && other.way == row.way
                && chain.runtime().call_index(other.pallet, other.call).is_some()
        });
        return follows(twin.unwrap().pallet, twin.unwrap().call);
    }
    // The alternative is an invocation, too.
    let failed: &[u8] = if row.way == Way::IfElse { &[5, 9] } else { &[9] };
    for (success, expected) in [(true, &[1, 9][..]), (false, failed)] {
        let found = |extra: &dyn Fn(&Kit<'_>) -> Vec<Vec<u8>>| {
            operations_of(|content| {
                let kit = Kit(&content);
                let inner = kit.invoke(1);
                let call = dispatching(&kit, row, &inner);
                let events = reports(&kit, row, &inner, success).unwrap_or_default();
                let (call, events) = kit.before_invoke(call, [extra(&kit), events].concat(), 9);
                extrinsic(content, &call, &events)
            })
        };
        if !success && matches!(row.way, Way::BatchAll | Way::Shared) {
            continue;
        }
        let names = |events: Vec<ShardEvent>| -> Vec<u8> {
            events
                .into_iter()
                .map(|event| match event.kind {
                    ShardEventKind::Invoke { cyphertext } => cyphertext[0],
                    other => panic!("{other:?}"),
                })
                .collect()
        };
        assert_eq!(names(found(&|_| vec![]).unwrap()), expected, "{pallet}.{call}");
        // An invocation more than the calls have.
        let one_more = found(&|kit| vec![kit.done()]);
        assert!(matches!(one_more, Err(OperationsError::Disagree(_))), "{pallet}.{call}: {one_more:?}");
    }
}

/// The rows that have a test below.
const TESTED: [(&str, &str); 15] = [
    (utility::PALLET, utility::BATCH),
    (utility::PALLET, utility::BATCH_ALL),
    (utility::PALLET, utility::FORCE_BATCH),
    (utility::PALLET, utility::AS_DERIVATIVE),
    (utility::PALLET, utility::WITH_WEIGHT),
    (utility::PALLET, utility::DISPATCH_AS),
    (utility::PALLET, utility::DISPATCH_AS_FALLIBLE),
    (utility::PALLET, utility::IF_ELSE),
    (proxy::PALLET, proxy::PROXY),
    (proxy::PALLET, proxy::PROXY_ANNOUNCED),
    (multisig::PALLET, multisig::AS_MULTI),
    (multisig::PALLET, multisig::AS_MULTI_THRESHOLD_1),
    (sudo::PALLET, sudo::SUDO),
    (sudo::PALLET, sudo::SUDO_UNCHECKED_WEIGHT),
    (sudo::PALLET, sudo::SUDO_AS),
];

#[test]
fn c05_each_row_of_the_table_of_dispatchers_has_a_test() {
    assert_eq!(DISPATCHERS.iter().map(|row| (row.pallet, row.call)).collect::<Vec<_>>(), TESTED);
}

#[test]
fn c05_utility_batch_is_followed() {
    follows(utility::PALLET, utility::BATCH);
}

#[test]
fn c05_utility_batch_all_is_followed() {
    follows(utility::PALLET, utility::BATCH_ALL);
}

#[test]
fn c05_utility_force_batch_is_followed() {
    follows(utility::PALLET, utility::FORCE_BATCH);
}

#[test]
fn c05_utility_as_derivative_is_followed() {
    follows(utility::PALLET, utility::AS_DERIVATIVE);
}

#[test]
fn c05_utility_with_weight_is_followed() {
    follows(utility::PALLET, utility::WITH_WEIGHT);
}

#[test]
fn c05_utility_dispatch_as_is_followed() {
    follows(utility::PALLET, utility::DISPATCH_AS);
}

#[test]
fn c05_utility_dispatch_as_fallible_is_followed() {
    follows(utility::PALLET, utility::DISPATCH_AS_FALLIBLE);
}

#[test]
fn c05_utility_if_else_is_followed() {
    follows(utility::PALLET, utility::IF_ELSE);
}

#[test]
fn c05_proxy_proxy_is_followed() {
    follows(proxy::PALLET, proxy::PROXY);
}

#[test]
fn c05_proxy_proxy_announced_is_followed() {
    follows(proxy::PALLET, proxy::PROXY_ANNOUNCED);
}

#[test]
fn c05_multisig_as_multi_is_followed() {
    follows(multisig::PALLET, multisig::AS_MULTI);
}

#[test]
fn c05_multisig_as_multi_threshold_1_is_followed() {
    follows(multisig::PALLET, multisig::AS_MULTI_THRESHOLD_1);
}

#[test]
fn c05_sudo_sudo_is_followed() {
    follows(sudo::PALLET, sudo::SUDO);
}

#[test]
fn c05_sudo_sudo_unchecked_weight_is_followed() {
    follows(sudo::PALLET, sudo::SUDO_UNCHECKED_WEIGHT);
}

#[test]
fn c05_sudo_sudo_as_is_followed() {
    follows(sudo::PALLET, sudo::SUDO_AS);
}

#[test]
fn c05_a_multisig_without_enough_approvals_executes_nothing() {
    let found = invoked(|content| {
        let kit = Kit(&content);
        let invoke = kit.invoke(1);
        let events = vec![content.event("Multisig", "NewMultisig", (USER, USER, blake2_256(&invoke)))];
        let (call, events) = kit.before_invoke(kit.multisig(&invoke), events, 9);
        extrinsic(content, &call, &events)
    });
    assert_eq!(found, [9]);
}

#[test]
fn c05_multisigs_with_threshold_one_are_followed_with_and_without_their_event() {
    for with_event in [true, false] {
        let found = invoked(|content| {
            let kit = Kit(&content);
            let inner = kit.invoke(1);
            let call = content.call("Multisig", "as_multi_threshold_1", (vec![USER], Raw(inner.clone())));
            let mut events = vec![kit.done()];
            if with_event {
                events.push(kit.multisig_executed(&inner, &OK));
            }
            extrinsic(content, &call, &events)
        });
        assert_eq!(found, [1]);
    }
}

#[test]
fn c05_derivatives_weights_and_alternatives_are_followed() {
    let found = invoked(|content| {
        let kit = Kit(&content);
        let derivative = content.call("Utility", "as_derivative", (1u16, Raw(kit.invoke(1))));
        let call = content.call("Utility", "with_weight", (Raw(derivative), WEIGHT));
        let events = [kit.done()];
        extrinsic(content, &call, &events)
    });
    assert_eq!(found, [1]);
    for (main, expected) in [(true, [1]), (false, [2])] {
        let found = invoked(|content| {
            let kit = Kit(&content);
            let call = content.call("Utility", "if_else", (Raw(kit.invoke(1)), Raw(kit.invoke(2))));
            let end = match main {
                true => kit.event("IfElseMainSuccess"),
                false => content.event("Utility", "IfElseFallbackCalled", BAD_ORIGIN),
            };
            let events = [kit.done(), end];
            extrinsic(content, &call, &events)
        });
        assert_eq!(found, expected);
    }
}

#[test]
fn c05_deep_nesting_is_followed() {
    let found = invoked(|content| {
        let kit = Kit(&content);
        let mut call = kit.utility("batch", &[kit.invoke(1), kit.invoke(2)]);
        let item = || kit.event("ItemCompleted");
        let mut events = vec![kit.done(), item(), kit.done(), item(), kit.event("BatchCompleted")];
        for level in 0..60 {
            match level % 3 {
                0 => {
                    call = kit.utility("batch_all", &[call, kit.remark()]);
                    events.extend([item(), item(), kit.event("BatchCompleted")]);
                }
                1 => {
                    call = kit.proxy(&call);
                    events.push(kit.result("Proxy", "ProxyExecuted", &OK));
                }
                _ => {
                    events.push(kit.multisig_executed(&call, &OK));
                    call = kit.multisig(&call);
                }
            }
        }
        extrinsic(content, &call, &events)
    });
    assert_eq!(found, [1, 2]);
}

#[test]
fn an_unknown_dispatcher_hurts_only_its_author() {
    // `Scheduler` dispatched an invocation inside an extrinsic: the call is nowhere, so it cannot be executed.
    let found = invoked(|content| {
        let kit = Kit(&content);
        let call = kit.utility("batch", &[kit.remark(), kit.invoke(1)]);
        let item = || kit.event("ItemCompleted");
        let events = [kit.done(), item(), kit.done(), item(), kit.event("BatchCompleted")];
        extrinsic(content, &call, &events).invoke(shard(), vec![2])
    });
    assert_eq!(found, [255, 255, 2]);
    // Outside of extrinsics.
    let found = invoked(|content| {
        let event = content.invoked(shard());
        content.block_event(Phase::Initialization, event).invoke(shard(), vec![2])
    });
    assert_eq!(found, [255, 2]);
}

#[test]
fn registrations_and_unshieldings_are_found_inside_batches() {
    let found = operations_of(|content| {
        let kit = Kit(&content);
        let register = content.call("Teerex", "register_sgx_enclave", (vec![4u8, 0], 0u8, 2u8, 0u8));
        let hash = |byte| H256::repeat_byte(byte);
        let unshield =
            |byte| content.call("EnclaveBridge", "unshield_funds", (shard(), USER, 5u128, hash(byte)));
        // The second unshielding was honoured before: it succeeds without an event.
        let call = kit.utility("batch", &[register, unshield(1), unshield(2), unshield(3)]);
        let item = || kit.event("ItemCompleted");
        let moved = || content.event("EnclaveBridge", "UnshieldedFunds", (shard(), USER, 5u128));
        let registered = content.event("Teerex", "AddedSgxEnclave", (USER, 0u8, 0u8, 2u8, 0u8));
        let events =
            [registered, item(), moved(), item(), item(), moved(), item(), kit.event("BatchCompleted")];
        extrinsic(content, &call, &events)
    })
    .unwrap();
    let kinds = found.into_iter().map(|event| event.kind).collect::<Vec<_>>();
    let unshielded = |byte| ShardEventKind::Unshielded {
        beneficiary: USER,
        amount: 5,
        call_hash: Some(H256::repeat_byte(byte)),
    };
    let registration = ShardEventKind::Registration { signer: USER, method: DCAP, proof: vec![4, 0] };
    assert_eq!(kinds, [registration, unshielded(1), unshielded(3)]);
}

/// Names of events.
type Names = Vec<&'static str>;

/// Enclaves confirm in batches. Inside a proxy or the like somebody else acts, whom the signature does not tell.
#[test]
fn a_confirmation_in_a_batch_is_its_signers_and_beside_a_proxy_nobodys() {
    let signers = |wraps: fn(&Kit<'_>, &[u8]) -> (Vec<u8>, Names)| {
        let found = operations_of(|content| {
            let kit = Kit(&content);
            let (hash, root) = (BlockHash::repeat_byte(1), H256::repeat_byte(2));
            let arguments = (shard(), hash, 7u32, root);
            let call = content.call("EnclaveBridge", "confirm_processed_parentchain_block", arguments);
            let (call, events) = wraps(&kit, &call);
            let confirmed =
                || content.event("EnclaveBridge", "ProcessedParentchainBlock", (shard(), hash, root, 7u32));
            let event = |name: &&str| match *name {
                "confirmed" => confirmed(),
                "ProxyExecuted" => kit.result("Proxy", "ProxyExecuted", &OK),
                other => kit.event(other),
            };
            let events: Vec<_> = events.iter().map(event).collect();
            extrinsic(content, &call, &events)
        });
        found
            .unwrap()
            .into_iter()
            .map(|event| match event.kind {
                ShardEventKind::Confirmed { signer, .. } => signer,
                other => panic!("{other:?}"),
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(
        signers(|kit, call| {
            let batch = kit.utility("force_batch", &[call.to_vec(), call.to_vec()]);
            (batch, vec!["confirmed", "ItemCompleted", "confirmed", "ItemCompleted", "BatchCompleted"])
        }),
        [Some(USER), Some(USER)]
    );
    assert_eq!(signers(|kit, call| (kit.proxy(call), vec!["confirmed", "ProxyExecuted"])), [None]);
    let beside = |kit: &Kit<'_>, call: &[u8]| {
        let events = vec![
            "confirmed",
            "ProxyExecuted",
            "ItemCompleted",
            "confirmed",
            "ItemCompleted",
            "BatchCompleted",
        ];
        (kit.utility("batch_all", &[kit.proxy(call), call.to_vec()]), events)
    };
    assert_eq!(signers(beside), [None, None]);
}

proptest! {
    #[test]
    fn any_extrinsic_bytes_are_cut_apart_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let chain = TestChain::with(validators(1, 1), &test_code(METADATA, &[]), &[]);
        for first in [4u8, 5, 0x84, 0x45] {
            let extrinsic = [&[first][..], &bytes].concat().encode();
            let _ = parse_extrinsic(chain.runtime(), &extrinsic);
        }
        let _ = parse_extrinsic(chain.runtime(), &bytes);
    }

    #[test]
    fn any_event_bytes_are_cut_apart_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let chain = TestChain::with(validators(1, 1), &test_code(METADATA, &[]), &[]);
        let _ = crate::events::decode_events(chain.runtime(), &bytes);
    }
}

/// C26: what is executed in a shard's name is told by its event, which only the chain makes. The call inside is bytes:
/// no invocation hides in them, and beside them all that is known is attributed as ever.
#[test]
fn c26_a_call_in_the_shards_name_is_read_of_its_event() {
    let code = test_code(&with_execute_for_shard(METADATA), &[]);
    let mut chain = TestChain::with(validators(1, 1), &code, &[]);
    let hash = H256::repeat_byte;
    let content = chain.block();
    let call = |content: &BlockContent, n| {
        content.call("EnclaveBridge", "execute_for_shard", (shard(), hash(n), 9u32, vec![0u8, 0]))
    };
    let batch = content.call(
        "Utility",
        "force_batch",
        vec![Raw(call(&content, 1)), Raw(content.invoke_call(shard(), vec![5])), Raw(call(&content, 2))],
    );
    let completed = content.event("Utility", "ItemCompleted", ());
    let events = [
        content.executed_for_shard(shard(), hash(1), true),
        completed.clone(),
        content.invoked(shard()),
        completed,
        content.event("Utility", "ItemFailed", BAD_ORIGIN),
        content.event("Utility", "BatchCompletedWithErrors", ()),
    ];
    let content = content.execute_for_shard(&USER, shard(), hash(3), (9, vec![1]), false).execute_for_shard(
        &USER,
        other_shard(),
        hash(4),
        (9, vec![1]),
        true,
    );
    let failed = content.signed(&call(&content, 5), &USER);
    let content = extrinsic(content.failed_extrinsic(failed, &[]), &batch, &events);
    chain.add(content);
    let mut client = chain.client();
    let read = operations(&chain.verify_next(&mut client, &[]), shard()).unwrap();
    let kinds: Vec<_> = read.into_iter().map(|event| event.kind).collect();
    let executed = |n, done| ShardEventKind::Executed { call_hash: hash(n), done };
    let invoked = ShardEventKind::Invoke { cyphertext: vec![5] };
    assert_eq!(kinds, [executed(3, false), executed(1, true), invoked]);
}
