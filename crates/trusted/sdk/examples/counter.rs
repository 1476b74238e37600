// SPDX-License-Identifier: Apache-2.0
//! A complete business logic: each account counts in secret. Run it with `cargo run --release -p offstage-sdk
//! --features testing --example counter`.
use codec::{Decode, Encode};
use offstage_sdk::{
    AccountId32, Authenticated, BlockContext, CallError, Effects, ReadContext, ShardContext, StateTransition,
    TrustedCall, Weight,
    testing::{TestAccount, TestWorker},
};

/// What users may ask for. The account in it must have signed.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub(crate) enum CounterCall {
    /// Adds so many to the account's count.
    Add(AccountId32, u64),
}

impl TrustedCall for CounterCall {
    fn sender(&self) -> Option<&AccountId32> {
        let Self::Add(account, _) = self;
        Some(account)
    }
}

/// What everybody may ask: an account's count.
#[derive(Encode, Decode)]
pub(crate) struct Count(pub(crate) AccountId32);

/// The business logic.
pub(crate) struct Counter;

impl StateTransition for Counter {
    type Call = CounterCall;
    type Getter = Count;

    fn genesis(_shard: &ShardContext) {}

    fn begin_block(_block: &BlockContext) -> Weight {
        Weight::zero()
    }

    fn weight_of(_call: &CounterCall) -> Weight {
        Weight::from_parts(50_000_000, 0) // 50 microseconds
    }

    fn execute(_block: &BlockContext, call: &Authenticated<CounterCall>) -> Result<Effects, CallError> {
        let CounterCall::Add(account, step) = call.call();
        let sum = count(account).checked_add(*step).ok_or(CallError("the counter is full"))?;
        sp_io::storage::set(account.as_ref(), &sum.encode());
        Ok(Effects::none())
    }

    fn shield(_block: &BlockContext, _beneficiary: &AccountId32, _amount: u128) -> Result<(), CallError> {
        Err(CallError("a counter takes no money"))
    }

    fn may_read(_reading: &ReadContext, _getter: &Count) -> bool {
        true
    }

    fn read(getter: &Count) -> Option<Vec<u8>> {
        Some(count(&getter.0).encode())
    }

    fn metadata() -> Vec<u8> {
        Vec::new()
    }
}

fn count(account: &AccountId32) -> u64 {
    sp_io::storage::get(account.as_ref()).and_then(|value| u64::decode(&mut &value[..]).ok()).unwrap_or(0)
}

fn main() {
    let (mut worker, alice) = (TestWorker::<Counter>::development(), TestAccount::alice());
    assert!(worker.call(&alice, CounterCall::Add(alice.id(), 40)).outcome.is_success());
    assert!(worker.call(&alice, CounterCall::Add(alice.id(), 2)).outcome.is_success());
    assert!(!worker.call(&alice, CounterCall::Add(alice.id(), u64::MAX)).outcome.is_success());
    assert_eq!(worker.read(&Count(alice.id())), Ok(Some(42u64.encode())));
    println!("alice counted to 42");
}
