// SPDX-License-Identifier: Apache-2.0
//! Invocations wrapped in other calls: row C5. What the chain's events prove is executed, in their order, and nothing
//! else.

use crate::kit::{Encryptor, Host, UNIT, World, funded, transfer};
use codec::{Compact, Encode};
use offstage_balances_interface::BalancesOperation;
use offstage_light_client::testing::{BlockContent, USER};
use offstage_primitives::{ShardIdentifier, receipt::Outcome};
use offstage_protocol::RefusalCode;
use offstage_sdk::testing::TestAccount;
use sp_crypto_hashing::blake2_256;

const OK: [u8; 1] = [0];
/// `Err(DispatchError::BadOrigin)`.
const ERR: [u8; 2] = [1, 2];
/// `DispatchError::BadOrigin`.
const BAD_ORIGIN: u8 = 2;
const WEIGHT: (Compact<u64>, Compact<u64>) = (Compact(1), Compact(1));

/// Bytes that are encoded already.
struct Raw(Vec<u8>);

impl Encode for Raw {
    fn encode_to<T: codec::Output + ?Sized>(&self, output: &mut T) {
        output.write(&self.0);
    }
}

/// Calls and events of one block.
struct Calls<'a> {
    content: &'a BlockContent,
    shard: ShardIdentifier,
    key: &'a Encryptor,
}

impl Calls<'_> {
    fn invoke(&self, operation: &BalancesOperation) -> Vec<u8> {
        self.content.invoke_call(self.shard, self.key.operation(operation))
    }

    fn done(&self) -> Vec<u8> {
        self.content.invoked(self.shard)
    }

    fn remark(&self) -> Vec<u8> {
        self.content.call("System", "remark", vec![1u8; 10])
    }

    fn utility(&self, call: &str, calls: &[Vec<u8>]) -> Vec<u8> {
        let mut arguments = Compact(calls.len() as u32).encode();
        arguments.extend(calls.concat());
        self.content.call("Utility", call, Raw(arguments))
    }

    fn event(&self, event: &str) -> Vec<u8> {
        self.content.event("Utility", event, ())
    }

    fn result(&self, pallet: &str, event: &str, result: &[u8]) -> Vec<u8> {
        self.content.event(pallet, event, Raw(result.to_vec()))
    }

    fn proxy(&self, call: Vec<u8>) -> Vec<u8> {
        // `real` as `MultiAddress::Id`, no forced type.
        self.content.call("Proxy", "proxy", (0u8, USER, 0u8, Raw(call)))
    }

    fn sudo(&self, call: Vec<u8>) -> Vec<u8> {
        self.content.call("Sudo", "sudo", Raw(call))
    }

    fn multisig(&self, call: Vec<u8>) -> Vec<u8> {
        self.content.call("Multisig", "as_multi", (2u16, vec![USER], 0u8, Raw(call), WEIGHT))
    }

    fn multisig_executed(&self, call: &[u8], result: &[u8]) -> Vec<u8> {
        let fields = (USER, (1u32, 1u32), USER, blake2_256(call), Raw(result.to_vec()));
        self.content.event("Multisig", "MultisigExecuted", fields)
    }
}

/// Ten transfers of Alice's to Bob with growing amounts, so that order and choice show in the outcome.
struct Laboratory {
    world: World,
    host: Host,
    operations: Vec<BalancesOperation>,
}

impl Laboratory {
    fn new() -> Self {
        let (world, host, alice) = funded();
        let bob = TestAccount::bob();
        let operations = (0..10).map(|nonce| transfer(&alice, &bob, UNIT << nonce.min(3), nonce)).collect();
        Self { world, host, operations }
    }

    /// Adds a block with this extrinsic and follows.
    fn run(&mut self, build: impl FnOnce(&Calls<'_>, &[BalancesOperation]) -> (Vec<u8>, Vec<Vec<u8>>)) {
        let (shard, key) = (self.world.shard, self.host.key());
        let operations = &self.operations;
        self.host.run(&mut self.world, |content| {
            let calls = Calls { content: &content, shard, key: &key };
            let (call, events) = build(&calls, operations);
            let extrinsic = content.signed(&call, &USER);
            content.extrinsic(extrinsic, &events)
        });
    }

    /// Exactly these were executed, and the others came to nothing.
    fn executed(&self, indices: &[usize]) {
        for (index, operation) in self.operations.iter().enumerate() {
            let outcome = self.host.receipt(&operation.hash()).map(|receipt| receipt.leaf.outcome);
            let expected = indices.contains(&index).then_some(Outcome::Executed);
            assert_eq!(outcome, expected, "operation {index}");
        }
        assert_eq!(self.host.nonce(&TestAccount::alice()), indices.len() as u32);
    }
}

#[test]
fn c05_batches_are_executed_as_their_events_prove() {
    let mut laboratory = Laboratory::new();
    laboratory.run(|calls, operations| {
        let item = || calls.event("ItemCompleted");
        let all = [calls.invoke(&operations[0]), calls.remark(), calls.invoke(&operations[1])];
        let events = vec![calls.done(), item(), item(), calls.done(), item(), calls.event("BatchCompleted")];
        (calls.utility("batch_all", &all), events)
    });
    laboratory.executed(&[0, 1]);
    // `batch` stops at the first failure.
    laboratory.run(|calls, operations| {
        let all = [2, 3, 4].map(|index| calls.invoke(&operations[index]));
        let interrupted = calls.content.event("Utility", "BatchInterrupted", (1u32, BAD_ORIGIN));
        (calls.utility("batch", &all), vec![calls.done(), calls.event("ItemCompleted"), interrupted])
    });
    laboratory.executed(&[0, 1, 2]);
    // `force_batch` goes on behind one that failed on chain.
    laboratory.run(|calls, operations| {
        let all = [8, 3].map(|index| calls.invoke(&operations[index]));
        let events = vec![
            calls.content.event("Utility", "ItemFailed", BAD_ORIGIN),
            calls.done(),
            calls.event("ItemCompleted"),
            calls.event("BatchCompletedWithErrors"),
        ];
        (calls.utility("force_batch", &all), events)
    });
    laboratory.executed(&[0, 1, 2, 3]);
}

/// A proxy, a multisig and sudo report what became of the call: executed and failed ones are told apart.
#[test]
fn c05_proxies_multisigs_and_sudo_are_executed_as_their_result_says() {
    let mut laboratory = Laboratory::new();
    let mut expected = Vec::new();
    for (result, step) in
        [(&ERR[..], 0), (&OK[..], 0), (&ERR[..], 1), (&OK[..], 1), (&ERR[..], 2), (&OK[..], 2)]
    {
        laboratory.run(|calls, operations| {
            let inner = calls.invoke(&operations[step]);
            let mut events = if result == OK { vec![calls.done()] } else { Vec::new() };
            let call = match step {
                0 => {
                    events.push(calls.result("Proxy", "ProxyExecuted", result));
                    calls.proxy(inner)
                }
                1 => {
                    events.push(calls.result("Sudo", "Sudid", result));
                    calls.sudo(inner)
                }
                _ => {
                    events.push(calls.multisig_executed(&inner, result));
                    calls.multisig(inner)
                }
            };
            (call, events)
        });
        if result == OK {
            expected.push(step);
        }
        laboratory.executed(&expected);
    }
    // A multisig without enough approvals executes nothing.
    laboratory.run(|calls, operations| {
        let inner = calls.invoke(&operations[3]);
        let event = calls.content.event("Multisig", "NewMultisig", (USER, USER, blake2_256(&inner)));
        (calls.multisig(inner), vec![event])
    });
    laboratory.executed(&expected);
}

#[test]
fn c05_nested_wrappings_are_executed_in_the_chains_order() {
    let mut laboratory = Laboratory::new();
    laboratory.run(|calls, operations| {
        let item = || calls.event("ItemCompleted");
        let mut call = calls.utility("batch", &[calls.invoke(&operations[0]), calls.invoke(&operations[1])]);
        let mut events = vec![calls.done(), item(), calls.done(), item(), calls.event("BatchCompleted")];
        for level in 0..12 {
            match level % 4 {
                0 => {
                    call = calls.proxy(call);
                    events.push(calls.result("Proxy", "ProxyExecuted", &OK));
                }
                1 => {
                    events.push(calls.multisig_executed(&call, &OK));
                    call = calls.multisig(call);
                }
                2 => {
                    call = calls.sudo(call);
                    events.push(calls.result("Sudo", "Sudid", &OK));
                }
                _ => {
                    call = calls.utility("batch_all", &[call, calls.remark()]);
                    events.extend([item(), item(), calls.event("BatchCompleted")]);
                }
            }
        }
        // Behind all that, in the outermost batch, one more.
        let outer = calls.utility("force_batch", &[call, calls.invoke(&operations[2])]);
        events.extend([item(), calls.done(), item(), calls.event("BatchCompleted")]);
        (outer, events)
    });
    laboratory.executed(&[0, 1, 2]);
}

/// An inner `batch_all` that failed took its items with it, though they look as if they had been done.
#[test]
fn c05_what_was_rolled_back_inside_is_not_executed() {
    let mut laboratory = Laboratory::new();
    laboratory.run(|calls, operations| {
        let inner = calls.utility("batch_all", &[calls.invoke(&operations[5]), calls.remark()]);
        let outer = calls.utility("force_batch", &[inner, calls.invoke(&operations[0])]);
        let events = vec![
            calls.content.event("Utility", "ItemFailed", BAD_ORIGIN),
            calls.done(),
            calls.event("ItemCompleted"),
            calls.event("BatchCompletedWithErrors"),
        ];
        (outer, events)
    });
    laboratory.executed(&[0]);
}

/// Money that is shielded inside a wrapped batch is credited once, to each account that was named.
#[test]
fn c05_wrapped_shieldings_are_credited_as_the_chain_took_them_in() {
    let mut laboratory = Laboratory::new();
    let (bob, charlie) = (TestAccount::bob(), TestAccount::named("Charlie"));
    laboratory.run(|calls, _| {
        let shield = |account: &TestAccount, amount: u128| (calls.shard, calls.key.account(account), amount);
        let [first, second, third] = [shield(&bob, UNIT), shield(&charlie, 2 * UNIT), shield(&bob, 4 * UNIT)];
        let call = |fields: &(_, Vec<u8>, u128)| calls.content.call("EnclaveBridge", "shield_funds", fields);
        let event = |fields: &(_, Vec<u8>, u128)| calls.content.event("EnclaveBridge", "ShieldFunds", fields);
        let batch = calls.utility("force_batch", &[call(&first), call(&second), call(&third)]);
        let events = vec![
            event(&first),
            calls.event("ItemCompleted"),
            calls.content.event("Utility", "ItemFailed", BAD_ORIGIN),
            event(&third),
            calls.event("ItemCompleted"),
            calls.event("BatchCompletedWithErrors"),
            calls.result("Proxy", "ProxyExecuted", &OK),
        ];
        (calls.proxy(batch), events)
    });
    assert_eq!((laboratory.host.balance(&bob), laboratory.host.balance(&charlie)), (5 * UNIT, 0));
}

/// An event more than the call accounts for: the block is not guessed at, but refused.
#[test]
fn c05_events_that_contradict_the_calls_are_refused() {
    let mut laboratory = Laboratory::new();
    let (shard, key) = (laboratory.world.shard, laboratory.host.key());
    let content = laboratory.world.block();
    let calls = Calls { content: &content, shard, key: &key };
    let (call, events) = (calls.invoke(&laboratory.operations[0]), [calls.done(), calls.done()]);
    let extrinsic = content.signed(&call, &USER);
    laboratory.world.add(content.extrinsic(extrinsic, &events));
    laboratory.host.finalize(&laboratory.world);
    let bundle = laboratory.host.next_bundle(&laboratory.world);
    laboratory.host.refuses_block(bundle, RefusalCode::Block);
    laboratory.executed(&[]);
}

/// Behind a dispatcher that nobody knows no call can be told: it hurts its author, and the block goes on.
#[test]
fn c05_what_an_unknown_dispatcher_did_is_not_guessed() {
    let mut laboratory = Laboratory::new();
    laboratory.run(|calls, operations| {
        let item = || calls.event("ItemCompleted");
        let events = vec![calls.done(), item(), calls.done(), item(), calls.event("BatchCompleted")];
        (calls.utility("batch", &[calls.remark(), calls.invoke(&operations[0])]), events)
    });
    laboratory.executed(&[]);
    laboratory.run(|calls, operations| (calls.invoke(&operations[0]), vec![calls.done()]));
    laboratory.executed(&[0]);
}
