// SPDX-License-Identifier: Apache-2.0
//! Who gets room in a block.
//!
//! # What
//! User transactions may fill three quarters of a block, by weight and by length ([`limits`](crate::limits)). The rest
//! is a reserve for what keeps the shards going while blocks are full: registrations, confirmations and payments of
//! enclaves, and what root does. [`CheckWeight`] decides that, in place of frame-system's extension, which takes the
//! word of the call alone: anybody can send a call of the class `Operational`.
//!
//! # Details
//! | sender and call | room |
//! |---|---|
//! | a registered enclave whose registration counts, or the root key: `Operational` calls, or batches of them alone | all of the block |
//! | anybody: a registration | half of the reserve, and then what is left of the user transactions' room |
//! | everybody else, and everything else | the user transactions' room |
//!
//! Two more things can be full. Then a transaction waits in the pool for a block with room:
//! - *a shard's RSA operations* ([`pallet_enclave_bridge::Config::RsaOperationsPerBlock`]). Within a batch the pallet
//!   refuses the call, because there nothing can wait.
//! - *the events of the block*. They are one value of the state, which every worker must get proven, and a small
//!   call can deposit a large event. [`EventRoom`] refuses calls within a batch.
//!
//! # Attacks
//! - *The reserve is filled with registrations*: each costs the verification of a quote and its bytes, at a price that
//!   rises with the reserve's load ([`fees`](crate::fees)), and they leave the other half to enclaves that act.
//! - *A genuine enclave of one's own fills it*: it pays the same rising price; the user transactions' room is open to
//!   all others' enclaves too.

use crate::{
    AccountId, EnclaveBridge, Runtime, RuntimeCall, RuntimeOrigin, System, Teerex,
    limits::{LengthOfBlock, MAX_EVENTS, MAX_USER_EVENTS, WeightsOfBlockTime},
};
use codec::{Decode, DecodeWithMemTracking, Encode};
use frame_support::{
    dispatch::{DispatchClass, DispatchInfo, GetDispatchInfo, PostDispatchInfo},
    ensure,
    pallet_prelude::{InvalidTransaction, TransactionSource, TransactionValidity, TransactionValidityError},
    traits::{Contains, Get},
    weights::Weight,
};
use frame_system::{ExtensionsWeightInfo, ensure_signed};
use offstage_primitives::shielding::rsa_operations;
use pallet_enclave_bridge::Call as BridgeCall;
use scale_info::TypeInfo;
use sp_runtime::{
    DispatchResult,
    traits::{TransactionExtension, ValidateResult},
};

/// frame-system's check of a block's limits under this chain's rules. Name and encoding (nothing) are the same.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct CheckWeight;

type Inner = frame_system::CheckWeight<Runtime>;

impl TransactionExtension<RuntimeCall> for CheckWeight {
    const IDENTIFIER: &'static str = "CheckWeight";
    type Implicit = ();
    /// The block's length with the transaction, and how the transaction is weighed.
    type Val = (u32, DispatchInfo);
    /// How the transaction was weighed.
    type Pre = DispatchInfo;

    // Reads beside frame-system's: the root key, the sender's registration, the events' number, the shard's counter.
    fn weight(&self, _: &RuntimeCall) -> Weight {
        <Runtime as frame_system::Config>::ExtensionsWeightInfo::check_weight()
            .saturating_add(<Runtime as frame_system::Config>::DbWeight::get().reads(4))
    }

    fn validate(
        &self,
        origin: RuntimeOrigin,
        call: &RuntimeCall,
        info: &DispatchInfo,
        len: usize,
        (): (),
        _inherited_implication: &impl Encode,
        _source: TransactionSource,
    ) -> ValidateResult<Self::Val, RuntimeCall> {
        let sender = ensure_signed(origin.clone()).ok();
        let weighed = weighed(sender.as_ref(), call, info, len);
        let (validity, length_with_it) = Inner::do_validate(&weighed, len)?;
        Ok((validity, (length_with_it, weighed), origin))
    }

    fn prepare(
        self,
        (length_with_it, weighed): Self::Val,
        _origin: &RuntimeOrigin,
        call: &RuntimeCall,
        _info: &DispatchInfo,
        len: usize,
    ) -> Result<Self::Pre, TransactionValidityError> {
        // The author of the block leaves it in the pool.
        let room = has_room_for_events(weighed.class) && has_room_for_work(call);
        ensure!(room, InvalidTransaction::ExhaustsResources);
        Inner::do_prepare(&weighed, len, length_with_it)?;
        Ok(weighed)
    }

    fn post_dispatch_details(
        weighed: Self::Pre,
        _info: &DispatchInfo,
        post_info: &PostDispatchInfo,
        _len: usize,
        _result: &DispatchResult,
    ) -> Result<Weight, TransactionValidityError> {
        System::reclaim_weight(&weighed, post_info).map(|()| Weight::zero())
    }

    fn bare_validate(call: &RuntimeCall, info: &DispatchInfo, len: usize) -> TransactionValidity {
        Inner::bare_validate(call, info, len)
    }

    fn bare_validate_and_prepare(
        call: &RuntimeCall,
        info: &DispatchInfo,
        len: usize,
    ) -> Result<(), TransactionValidityError> {
        Inner::bare_validate_and_prepare(call, info, len)
    }

    fn bare_post_dispatch(
        info: &DispatchInfo,
        post_info: &mut PostDispatchInfo,
        len: usize,
        result: &DispatchResult,
    ) -> Result<(), TransactionValidityError> {
        Inner::bare_post_dispatch(info, post_info, len, result)
    }
}

/// Lets a call through while the block has room for its events. For [`frame_system::Config::BaseCallFilter`], which is
/// asked for calls within calls too.
pub struct EventRoom;

impl Contains<RuntimeCall> for EventRoom {
    fn contains(call: &RuntimeCall) -> bool {
        has_room_for_events(call.get_dispatch_info().class)
    }
}

/// As what the transaction is weighed: as the call says, or as a user transaction if it is not entitled to the reserve.
fn weighed(sender: Option<&AccountId>, call: &RuntimeCall, info: &DispatchInfo, len: usize) -> DispatchInfo {
    let entitled = match (info.class, sender) {
        (DispatchClass::Operational, Some(sender)) => {
            pallet_sudo::Key::<Runtime>::get().as_ref() == Some(sender)
                || Teerex::measurement_of(sender).is_ok()
                || (is_registration(call) && half_of_the_reserve_has_room(info, len))
        }
        (DispatchClass::Operational | DispatchClass::Normal | DispatchClass::Mandatory, _) => true,
    };
    if entitled { *info } else { DispatchInfo { class: DispatchClass::Normal, ..*info } }
}

fn is_registration(call: &RuntimeCall) -> bool {
    matches!(call, RuntimeCall::Teerex(pallet_teerex::Call::register_sgx_enclave { .. }))
}

/// Whether the transaction fits into the first half of the reserve, by weight and by length.
fn half_of_the_reserve_has_room(info: &DispatchInfo, len: usize) -> bool {
    let (weights, lengths) = (WeightsOfBlockTime::get(), LengthOfBlock::get());
    let reserve = weights.get(DispatchClass::Operational).reserved.unwrap_or_default();
    let used = System::block_weight().get(DispatchClass::Operational).saturating_add(info.total_weight());
    let (normal, all) =
        (*lengths.max.get(DispatchClass::Normal), *lengths.max.get(DispatchClass::Operational));
    let length = System::block_size().saturating_add(u32::try_from(len).unwrap_or(u32::MAX));
    used.ref_time() <= reserve.ref_time() / 2
        && length <= normal.saturating_add(all.saturating_sub(normal) / 2)
}

fn has_room_for_events(class: DispatchClass) -> bool {
    match class {
        DispatchClass::Normal => System::event_count() < MAX_USER_EVENTS,
        DispatchClass::Operational => System::event_count() < MAX_EVENTS,
        DispatchClass::Mandatory => true,
    }
}

/// Whether the block has room for the RSA operations that the transaction causes, if it is no batch.
fn has_room_for_work(call: &RuntimeCall) -> bool {
    let (shard, len) = match call {
        RuntimeCall::EnclaveBridge(BridgeCall::invoke { request }) => {
            (request.shard, request.cyphertext.len())
        }
        RuntimeCall::EnclaveBridge(BridgeCall::shield_funds {
            shard, incognito_account_encrypted, ..
        }) => (*shard, incognito_account_encrypted.len()),
        _ => return true,
    };
    rsa_operations(len) <= EnclaveBridge::rsa_operations_left(shard)
}
