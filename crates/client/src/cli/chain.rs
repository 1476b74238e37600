// SPDX-License-Identifier: Apache-2.0
//! The commands about the parentchain, where everybody sees everything. A file each: its options, and `run`.

mod balance;
mod faucet;
pub(super) mod import;
mod list_accounts;
mod list_shards;
mod list_workers;
mod listen;
mod new_account;
mod print_metadata;
mod shield_funds;
mod transfer;

pub(super) use balance::Balance;
pub(super) use faucet::Faucet;
pub(super) use import::Import;
pub(super) use list_accounts::ListAccounts;
pub(super) use list_shards::{ListShards, show_shards};
pub(super) use list_workers::ListWorkers;
pub(super) use listen::Listen;
pub(super) use new_account::NewAccount;
pub(super) use print_metadata::PrintMetadata;
pub(super) use shield_funds::ShieldFunds;
pub(super) use transfer::Transfer;
