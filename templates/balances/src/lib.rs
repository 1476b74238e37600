// SPDX-License-Identifier: Apache-2.0
//! # Confidential balances: the default business logic
//!
//! People pay in on the parentchain, where everybody sees it; move money inside the shard, where nobody does; and pay
//! out again. This crate is also the template for a logic of your own: copy the folder, change [`runtime`]'s pallets
//! and the calls.
//!
//! ```text
//! parentchain: shield_funds --> BalanceShield credits the account in the shard BalanceTransfer moves inside
//! unshield_funds <-- BalanceUnshield burns, and the enclave pays out on the parentchain
//! ```
//!
//! - [`runtime`] is a FRAME runtime with `System`, `Timestamp`, `Balances`, and the SDK's pallet that pays out. Its
//!   extrinsics are what wallets and libraries sign.
//! - [`Balances`] is the SDK's [`Shard`] of it.
//! - [`Integritee`] are the calls and getters that users of Integritee's SDK know: which trusted call becomes which
//!   dispatch. A logic of your own needs none. They are in [`offstage_balances_interface`], because clients need them
//!   too (wire.md).
//!
//! ## Promises, each with a test
//! - The sum of all balances is what was shielded minus what was unshielded, whatever users do.
//! - An unshielding takes the amount from its sender before the parentchain pays it, once. One that the parentchain
//!   would refuse, or that costs more than it pays, takes nothing: the executor refuses it
//!   ([`PayoutTerms`](offstage_sdk::PayoutTerms)).
//! - [`TrustedCall::BalanceSetBalance`] makes money out of nothing. It works only on chains that trust the development
//!   root of attestation, and only for `//Alice`, the root account of development chains.
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::float_arithmetic,
        clippy::unreachable,
        clippy::todo,
        clippy::unimplemented,
        clippy::disallowed_methods,
        clippy::disallowed_types
    )
)]

pub mod runtime;

use codec::Encode;
use frame_support::{
    dispatch::RawOrigin,
    traits::{
        ReservableCurrency,
        fungible::Mutate,
        tokens::{Fortitude, Precision, Preservation},
    },
};
use offstage_balances_interface::{Getter, PublicGetter, TrustedCall, TrustedGetter};
use offstage_sdk::{
    AccountId32, Authenticated, BlockContext, CallError, Effects, ReadContext, Weight,
    frame::{self, Classic, Shard},
    nonce,
};
use pallet_balances::WeightInfo;
use runtime::{Runtime, RuntimeCall};

/// The business logic.
pub type Balances = Shard<Runtime, Integritee>;

/// The calls and getters that users of Integritee's SDK know.
pub struct Integritee;

impl Classic for Integritee {
    type Call = TrustedCall;
    type Getter = Getter;

    fn weight_of(call: &TrustedCall) -> Weight {
        let weight = match call {
            TrustedCall::BalanceTransfer(_, to, amount) => {
                frame::weight_of::<Runtime>(&transfer(to, *amount))
            }
            TrustedCall::BalanceUnshield(..) => BalancesWeight::burn_allow_death(),
            TrustedCall::BalanceSetBalance(..) => BalancesWeight::force_set_balance_creating()
                .saturating_add(BalancesWeight::force_unreserve().saturating_mul(2)),
            TrustedCall::Noop(_) | TrustedCall::TimestampSet(..) | TrustedCall::BalanceShield(..) => {
                Weight::zero()
            }
        };
        weight.saturating_add(BASE_WEIGHT)
    }

    fn execute(block: &BlockContext, call: &Authenticated<TrustedCall>) -> Result<Effects, CallError> {
        let sender = call.sender();
        match call.call() {
            TrustedCall::Noop(_) => Ok(Effects::none()),
            TrustedCall::BalanceTransfer(_, to, amount) => {
                frame::dispatch::<Runtime>(RawOrigin::Signed(sender.clone()), transfer(to, *amount))?;
                Ok(Effects::none())
            }
            TrustedCall::BalanceUnshield(_, beneficiary, amount, shard) => {
                // The shard is in the signed bytes twice, once as an argument. They must agree.
                if *shard != block.shard.shard {
                    return Err(CallError("the call names another shard"));
                }
                if *amount == 0 {
                    return Err(CallError("there is nothing to unshield"));
                }
                burn(sender, *amount)?;
                Ok(Effects::unshield(beneficiary.clone(), *amount))
            }
            TrustedCall::BalanceSetBalance(_, who, free, reserved) => {
                if !block.shard.development || *sender != DEVELOPMENT_ROOT {
                    return Err(CallError("balances are set by //Alice on development chains only"));
                }
                set_balance(who, *free, *reserved)?;
                Ok(Effects::none())
            }
            // They have no sender, so no authenticated call is one of them.
            TrustedCall::TimestampSet(..) | TrustedCall::BalanceShield(..) => {
                Err(CallError("the call is internal"))
            }
        }
    }

    fn may_read(reading: &ReadContext, getter: &Getter) -> bool {
        match getter {
            Getter::Public(PublicGetter::SomeValue) => true,
            Getter::Trusted(signed) => signed.verify(),
            Getter::Bound(signed) => signed.verify(&reading.domain, reading.block.number),
        }
    }

    fn read(getter: &Getter) -> Option<Vec<u8>> {
        let getter = match getter {
            Getter::Public(PublicGetter::SomeValue) => return Some(42u32.encode()),
            Getter::Trusted(signed) => &signed.getter,
            Getter::Bound(signed) => &signed.getter,
        };
        match getter {
            TrustedGetter::FreeBalance(account) => Some(runtime::Balances::free_balance(account).encode()),
            TrustedGetter::ReservedBalance(account) => {
                Some(runtime::Balances::reserved_balance(account).encode())
            }
            TrustedGetter::Nonce(account) => nonce::next(account).map(|nonce| nonce.encode()),
        }
    }
}

fn transfer(to: &AccountId32, amount: u128) -> RuntimeCall {
    RuntimeCall::Balances(pallet_balances::Call::transfer_allow_death {
        dest: to.clone().into(),
        value: amount,
    })
}

/// Takes exactly `amount` away from `account`, which may be all it has.
fn burn(account: &AccountId32, amount: u128) -> Result<(), CallError> {
    frame::quietly::<Runtime, _>(|| {
        runtime::Balances::burn_from(
            account,
            amount,
            Preservation::Expendable,
            Precision::Exact,
            Fortitude::Polite,
        )
    })?;
    Ok(())
}

fn set_balance(who: &AccountId32, free: u128, reserved: u128) -> Result<(), CallError> {
    let total = free.checked_add(reserved).ok_or(CallError("the balance is too large"))?;
    frame::quietly::<Runtime, _>(|| {
        runtime::Balances::unreserve(who, runtime::Balances::reserved_balance(who))
    });
    let force = pallet_balances::Call::force_set_balance { who: who.clone().into(), new_free: total };
    frame::dispatch::<Runtime>(RawOrigin::Root, RuntimeCall::Balances(force))?;
    frame::quietly::<Runtime, _>(|| runtime::Balances::reserve(who, reserved))?;
    Ok(())
}

type BalancesWeight = <Runtime as pallet_balances::Config>::WeightInfo;

/// `//Alice`, the root account of development chains.
const DEVELOPMENT_ROOT: AccountId32 = AccountId32::new([
    0xd4, 0x35, 0x93, 0xc7, 0x15, 0xfd, 0xd3, 0x1c, 0x61, 0x14, 0x1a, 0xbd, 0x04, 0xa9, 0x9f, 0xd6, 0x82,
    0x2c, 0x85, 0x58, 0x85, 0x4c, 0xcd, 0xe3, 0x9a, 0x56, 0x84, 0xe7, 0xa5, 0x6d, 0xa2, 0x7d,
]);

/// What every call costs: reading and writing the nonce, as two database accesses (125 microseconds).
const BASE_WEIGHT: Weight = Weight::from_parts(125_000_000, 0);

#[cfg(test)]
mod tests;
