// SPDX-License-Identifier: Apache-2.0
//! polkadot-sdk's pallets, unchanged, in a shard.
//!
//! [`runtime`] is what an author writes: pallets from crates.io, configured as chains configure them. [`fees`] is a
//! smaller one whose extrinsics pay, `contracts` one with contracts (with the feature of this name). The tests are what
//! users do: each signs extrinsics as a wallet does, and sends them through the executor that enclaves run.
//! `docs/src/pallets.md` has what was shown, pallet by pallet.

#[cfg(feature = "contracts")]
pub mod contracts;
pub mod fees;
pub mod runtime;

#[cfg(test)]
mod tests;
