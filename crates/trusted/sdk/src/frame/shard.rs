// SPDX-License-Identifier: Apache-2.0
//! A runtime behind the trait that the executor runs.

use super::{
    block, effects,
    extensions::metadata_hash,
    extrinsic::ShardExtrinsic,
    quietly, randomness,
    reads::Reader,
    runtime::{Classic, ShardRuntime, Shielding},
    take_events,
};
use crate::{
    Authenticated, Weight,
    parentchain::{Delivery, storage::StorageItem},
    state_transition::{
        BlockContext, BlockSecret, CallError, CheckedExtrinsic, Effects, Limits, ReadContext, Reads,
        ShardContext, StateTransition,
    },
};
use codec::Encode;
use offstage_primitives::{AccountId32, H256, ShardIdentifier, receipt::Outcome};
use std::marker::PhantomData;

/// The FRAME runtime `R` as business logic. `C` is for calls and getters beside its extrinsics; most have none.
pub struct Shard<R, C = ()>(PhantomData<fn() -> (R, C)>);

impl<R: ShardRuntime, C: Classic> StateTransition for Shard<R, C> {
    type Call = C::Call;
    type Getter = C::Getter;

    fn genesis(shard: &ShardContext) {
        R::genesis(shard);
    }

    fn parentchain_storage(shard: &ShardIdentifier) -> Vec<StorageItem> {
        R::PARENTCHAIN.iter().map(|item| item(shard)).collect()
    }

    fn enter_block(context: &BlockContext, secret: Option<&BlockSecret>) {
        block::enter::<R>(context);
        randomness::enter_block(secret);
    }

    fn enter_operation(operation: &H256) {
        randomness::enter_operation(operation);
    }

    fn transient() -> Vec<Vec<u8>> {
        block::transient::<R>()
    }

    fn begin_block(context: &BlockContext) -> Weight {
        block::begin::<R>(context)
    }

    fn settle(block: &BlockContext) -> Vec<Delivery> {
        effects::settle(block)
    }

    fn deliver(_block: &BlockContext, delivery: &Delivery) -> (Weight, Vec<Vec<u8>>) {
        let weight = R::on_delivery(delivery);
        (weight, take_events::<R>().into_iter().map(|event| event.encode()).collect())
    }

    fn end_block(_context: &BlockContext, room: Weight) -> Weight {
        block::end::<R>(room)
    }

    fn check_extrinsic(_block: &BlockContext, extrinsic: &[u8]) -> Result<CheckedExtrinsic, Outcome> {
        R::Extrinsic::check(extrinsic)
    }

    fn weight_of(call: &C::Call) -> Weight {
        C::weight_of(call)
    }

    fn execute(block: &BlockContext, call: &Authenticated<C::Call>) -> Result<Effects, CallError> {
        // What pallets asked for on the way is the call's, too.
        let own = C::execute(block, call)?;
        Ok(effects::take_with(own))
    }

    fn shield(_block: &BlockContext, beneficiary: &AccountId32, amount: u128) -> Result<(), CallError> {
        if amount == 0 {
            return Err(CallError("there is nothing to shield"));
        }
        quietly::<R, _>(|| R::Shielding::shield(beneficiary, amount))
    }

    fn may_read(reading: &ReadContext, getter: &C::Getter) -> bool {
        C::may_read(reading, getter)
    }

    fn read(getter: &C::Getter) -> Option<Vec<u8>> {
        C::read(getter)
    }

    fn reads() -> Box<dyn Reads> {
        Box::new(Reader::<R>::new().0)
    }

    fn metadata() -> Vec<u8> {
        // What `state_getMetadata` of a chain returns.
        R::metadata_at_version(14).map(|opaque| opaque.to_vec()).unwrap_or_default()
    }

    fn newest_metadata() -> Vec<u8> {
        R::metadata_at_version(16).map(|opaque| opaque.to_vec()).unwrap_or_default()
    }

    fn metadata_digest() -> Option<[u8; 32]> {
        metadata_hash::calculate::<R>()
    }

    fn limits() -> Limits {
        R::limits()
    }
}
