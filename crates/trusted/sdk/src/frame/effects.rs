// SPDX-License-Identifier: Apache-2.0
//! What a runtime's pallets want done on the parentchain.
//!
//! Pallets ask for it in an operation, and learn its end at the beginning of a later block
//! ([`ShardRuntime::on_delivery`]). What is asked for is written into storage under a key that is no part of the state.
//! So it goes away with what caused it, when a call fails or a batch is rolled back, and the executor finds what is
//! left after each operation. That it is under way is part of the state until its end is known.
//!
//! # Who pays
//! A shard's workers pay the parentchain's fees, each effect by one of them. A payment brings in at least what it costs
//! ([`PayoutTerms::least`](crate::PayoutTerms::least)). A call brings in what the author takes for it: charge at least
//! [`PayoutTerms::fee`](crate::PayoutTerms::fee) of the [current block](super::current_block), and more for long
//! arguments. Whatever the author forgets, [`MAX_CALLS`] and [`MAX_CALLS_IN_BLOCK`] bound it.

use super::{ShardRuntime, block::own_key, randomness};
use crate::{
    parentchain::{self, Argument, Delivery, End, ParentchainCall},
    state_transition::{BlockContext, EffectRequest, Effects, effect_name},
};
use codec::Encode;
use frame_support::storage::{storage_prefix, unhashed};
use offstage_primitives::{AccountId32, H256};
use sp_runtime::DispatchError;

/// Asks for a payment of `amount` out of the shard's account to `beneficiary`, in the clear, and returns the payment's
/// name. The pallet must have taken as much out of the shard's state, and must have refused what is less than
/// [`PayoutTerms::least`](crate::PayoutTerms::least).
///
/// # Errors
/// Outside of an operation: in a hook, as when a scheduled call is dispatched, there is nothing that the payment could
/// be named after, and it would be lost with the block. The caller must undo what it took.
pub fn unshield(beneficiary: AccountId32, amount: u128) -> Result<H256, DispatchError> {
    if !randomness::in_operation() {
        return Err(DispatchError::Other("payments are asked for by operations, not by hooks"));
    }
    let mut requests = requests();
    let name = note(&mut requests, EffectRequest::Unshield { beneficiary, amount });
    unhashed::put(&own_key(ITEM), &requests);
    Ok(name)
}

/// Asks for a call of the parentchain with the shard's account as its origin, and returns the effect's name. Each
/// argument is its name in the parentchain's metadata and SCALE of its value, in the order of the call.
///
/// The parentchain executes it within the next [`LIFETIME`] blocks, or never.
///
/// # Errors
/// In a hook; when the call is not on the runtime's [list](ShardRuntime::EFFECTS), or does not fit the parentchain's
/// metadata; when the operation or the block asks for too much.
pub fn call<R: ShardRuntime>(
    call: ParentchainCall,
    arguments: &[(&str, Vec<u8>)],
) -> Result<H256, DispatchError> {
    let refuse = |reason| Err(DispatchError::Other(reason));
    if !randomness::in_operation() {
        return refuse("calls of the parentchain are asked for by operations, not by hooks");
    }
    if !R::EFFECTS.contains(&call) {
        return refuse("the call is not on the runtime's list of effects");
    }
    let Some(block) = super::current_block() else { return refuse("there is no block") };
    let arguments: Vec<Argument> = arguments
        .iter()
        .map(|(name, value)| Argument { name: (*name).into(), value: value.clone() })
        .collect();
    if arguments.encoded_size() > MAX_CALL_LEN {
        return refuse("the call's arguments are too long");
    }
    parentchain::check(call.pallet, call.call, &arguments)
        .map_err(|unfit| DispatchError::Other(unfit.reason()))?;
    let mut requests = requests();
    let is_call = |request: &&EffectRequest| matches!(request, EffectRequest::Call { .. });
    if requests.iter().filter(is_call).count() >= MAX_CALLS {
        return refuse("the operation asks for too many calls of the parentchain");
    }
    let until = block.number.saturating_add(LIFETIME);
    let mut of_block: Vec<H256> = unhashed::get_or_default(&until_key(until));
    if of_block.len() >= MAX_CALLS_IN_BLOCK {
        return refuse("the block asks for too many calls of the parentchain");
    }
    let (pallet, call) = (call.pallet.into(), call.call.into());
    let name = note(&mut requests, EffectRequest::Call { pallet, call, arguments, until });
    of_block.push(name);
    unhashed::put(&until_key(until), &of_block);
    unhashed::put(&own_key(ITEM), &requests);
    Ok(name)
}

/// What was asked for since the last time.
pub(super) fn take() -> Effects {
    let requests = requests();
    if !requests.is_empty() {
        unhashed::kill(&own_key(ITEM));
    }
    Effects::of(requests)
}

/// What was asked for since the last time, and then `own`, which a classic call returned.
pub(super) fn take_with(own: Effects) -> Effects {
    let own = own.into_requests();
    if own.is_empty() {
        return take();
    }
    let mut requests = requests();
    for request in own {
        note(&mut requests, request);
    }
    unhashed::kill(&own_key(ITEM));
    Effects::of(requests)
}

/// What the block shows to be at its end, of what is under way. It is under way no more.
///
/// An enclave of the shard that is wrong on purpose can execute anything on the parentchain; what nobody asked for is
/// passed over.
pub(super) fn settle(block: &BlockContext) -> Vec<Delivery> {
    let mut settled = Vec::new();
    let mut end = |effect: H256, end| {
        let key = pending_key(&effect);
        if unhashed::exists(&key) {
            unhashed::kill(&key);
            settled.push(Delivery { effect, end });
        }
    };
    for (effect, done) in &block.parentchain.executed {
        end(*effect, if *done { End::Done } else { End::Failed });
    }
    // What was executed in its last block was so in the block before this one, at the latest.
    if let Some(key) = block.number.checked_sub(1).map(until_key)
        && let Some(expired) = unhashed::take::<Vec<H256>>(&key)
    {
        for effect in expired {
            end(effect, End::Expired);
        }
    }
    settled
}

/// Puts a request behind the others, and notes that it is under way. Returns its name.
fn note(requests: &mut Vec<EffectRequest>, request: EffectRequest) -> H256 {
    let name = effect_name(randomness::operation(), requests.len());
    unhashed::put(&pending_key(&name), &());
    requests.push(request);
    name
}

fn requests() -> Vec<EffectRequest> {
    unhashed::get_or_default(&own_key(ITEM))
}

/// There as long as the effect is under way.
fn pending_key(effect: &H256) -> Vec<u8> {
    [&storage_prefix(STATE, b"Pending")[..], effect.as_bytes()].concat()
}

/// Names of the calls whose last block has this number.
fn until_key(number: u32) -> Vec<u8> {
    [&storage_prefix(STATE, b"Until")[..], &number.to_be_bytes()].concat()
}

/// Blocks within which the parentchain executes a call. Half an hour of blocks of six seconds: time for a worker that
/// stands still to be replaced by the next one.
pub const LIFETIME: u32 = 300;

/// Calls of the parentchain that one operation may ask for.
pub const MAX_CALLS: usize = 4;

/// Calls of the parentchain that the operations of a block may ask for. So at most [`LIFETIME`] times as many are under
/// way.
pub const MAX_CALLS_IN_BLOCK: usize = 16;

/// Bytes of a call's arguments with their names.
pub const MAX_CALL_LEN: usize = 1024;

pub(super) const ITEM: &str = "Effects";

/// Begins the keys of what is under way. No pallet of a runtime may be called so.
const STATE: &[u8] = b"OffstageEffects";
