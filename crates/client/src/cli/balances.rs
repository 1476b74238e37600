// SPDX-License-Identifier: Apache-2.0
//! The commands in the words of confidential balances. A file each: its options, and `run`.

mod balance;
mod nonce;
mod set_balance;
mod transfer;
mod unshield_funds;

pub(super) use balance::Balance;
pub(super) use nonce::Nonce;
pub(super) use set_balance::SetBalance;
pub(super) use transfer::Transfer;
pub(super) use unshield_funds::UnshieldFunds;
