// SPDX-License-Identifier: Apache-2.0
//! # Private assets
//!
//! `pallet-assets` of polkadot-sdk, unchanged: anybody creates an asset, its issuer mints, and holders pass it on. What
//! is public on a chain is private here by where it runs: each account reads its own balances, and nobody those of
//! others.
//!
//! So this crate has no pallet. Its [`runtime`] says which pallets, and who may read what.
//!
//! ## What must not leak
//! - Who holds an asset and how much: [`Account`](pallet_assets::Account) is open to each account for the own entry.
//! - How much there is of an asset and how many hold it: `Asset` is open to nobody. Names are open to everybody.
//! - Who may spend for whom: `Approvals` is open to the owner.
//!
//! ## What it cannot hide
//! - An account must have money before somebody gives it an asset (`Token.CannotCreate`), so who tries learns whether
//!   it has. The pallet keeps accounts out of its storage that way.
//! - The parentchain shows what is paid in and out, and which account pays for an envelope.

pub mod runtime;

/// What the enclave runs.
pub type Logic = offstage_sdk::frame::Shard<runtime::Runtime>;

#[cfg(test)]
#[allow(clippy::restriction, reason = "a test stops where something is wrong")]
mod tests;
