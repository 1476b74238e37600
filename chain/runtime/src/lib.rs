// SPDX-License-Identifier: Apache-2.0
//! # The parentchain's runtime
//!
//! A parentchain does three things for confidential workers: it puts encrypted operations in an order that everybody
//! agrees on and makes it final; it keeps the registry of attested enclaves; and it holds the funds of a shard until
//! its enclaves release them. This crate is the state transition function of such a chain, made of FRAME pallets.
//!
//! ## The parts
//! | index | pallet | for |
//! |---|---|---|
//! | 0 | `System` | accounts, events, the runtime's own code |
//! | 3 | `Timestamp` | chain time, by which quotes and certificates are judged |
//! | 4 | [`BlockTime`](block_time) | the block time that genesis chose |
//! | 5, 6, 7, 9 | `Sudo`, `Multisig`, `Proxy`, `Utility` | root, and calls within calls |
//! | 10, 11 | `Balances`, `TransactionPayment` | the public currency and fees |
//! | 23, 24 | `Aura`, `Grandpa` | who makes blocks, who makes them final |
//! | 25 | [`Validators`](validators) | changing both, by root |
//! | 50 | `Teerex` | the registry of attested enclaves |
//! | 54 | `EnclaveBridge` | invocations, confirmations and funds of shards |
//!
//! The indices of `Teerex`, `EnclaveBridge` and the common pallets, the transaction extensions and their order are
//! those of the chains that Integritee's SDK runs on, so clients made for these work here.
//!
//! ## What is not in the code
//! The block time is a value of genesis ([`block_time`]); the limits of a block follow it ([`limits`]). Which root CA
//! and which patch levels make a quote good is genesis too. So one wasm serves development and production.
//!
//! ## Threats
//! - A signer is shown false metadata and signs another call: the digest of the true metadata is compiled into the
//!   runtime and `CheckMetadataHash` compares it with what was signed.
//! - A quote that the node cannot check in wasm: [`quote_verification`] hands it to the node, natively.
//! - Blocks full of transactions: [`fees`] rise, and a [`reserve`] is for what keeps the shards going.
//! - A shard that acts with rights that are not its own: [`shard_calls`] says what it may call.
//! - Blocks that workers cannot be shown, or that cost them more time than they have: [`limits`].
#![cfg_attr(not(feature = "std"), no_std)]
#![recursion_limit = "256"]
#![expect(missing_docs, reason = "macros of FRAME make public items without documentation; ours have it")]

extern crate alloc;

/// This runtime as wasm, when the build made it.
#[cfg(feature = "std")]
pub mod wasm_binary {
    include!(concat!(env!("OUT_DIR"), "/wasm_binary.rs"));
}
#[cfg(feature = "std")]
pub use wasm_binary::WASM_BINARY;

#[cfg(feature = "runtime-benchmarks")]
#[macro_use]
pub mod benchmarking;

pub mod apis;
pub mod block_time;
pub mod configs;
pub mod fees;
pub mod genesis_config_presets;
pub mod limits;
pub mod proxies;
pub mod quote_verification;
pub mod reserve;
pub mod shard_calls;
pub mod validators;

use alloc::{borrow::Cow, vec::Vec};
use sp_runtime::{
    MultiAddress, MultiSignature, generic, impl_opaque_keys,
    traits::{BlakeTwo256, IdentifyAccount, Verify},
};
use sp_version::RuntimeVersion;

/// Name and versions of this runtime.
#[sp_version::runtime_version]
pub const VERSION: RuntimeVersion = RuntimeVersion {
    spec_name: Cow::Borrowed("offstage"),
    impl_name: Cow::Borrowed("offstage"),
    authoring_version: 1,
    spec_version: 1,
    impl_version: 1,
    apis: apis::RUNTIME_API_VERSIONS,
    transaction_version: 1,
    // State version 1: a trie's leaf holds the hash of a long value, so proofs of other keys stay small.
    system_version: 1,
};

/// A signature by any of the schemes that accounts have.
pub type Signature = MultiSignature;

/// An account: a public key, or a hash of one.
pub type AccountId = <<Signature as Verify>::Signer as IdentifyAccount>::AccountId;

/// How an extrinsic names an account.
pub type Address = MultiAddress<AccountId, ()>;

/// An amount of the public currency, in its smallest unit (10^-12 UNIT).
pub type Balance = u128;

/// Number of transactions an account has sent.
pub type Nonce = u32;

/// A hash of something.
pub type Hash = sp_core::H256;

/// A height of the chain.
pub type BlockNumber = u32;

/// A header of the chain.
pub type Header = generic::Header<BlockNumber, BlakeTwo256>;

/// A block with decoded extrinsics.
pub type Block = generic::Block<Header, UncheckedExtrinsic>;

/// What an extrinsic carries beside its call, in the order of the wire.
pub type TxExtension = (
    frame_system::CheckNonZeroSender<Runtime>,
    frame_system::CheckSpecVersion<Runtime>,
    frame_system::CheckTxVersion<Runtime>,
    frame_system::CheckGenesis<Runtime>,
    frame_system::CheckEra<Runtime>,
    frame_system::CheckNonce<Runtime>,
    reserve::CheckWeight,
    pallet_transaction_payment::ChargeTransactionPayment<Runtime>,
    frame_metadata_hash_extension::CheckMetadataHash<Runtime>,
);

/// An extrinsic before its signature was checked.
pub type UncheckedExtrinsic = generic::UncheckedExtrinsic<Address, RuntimeCall, Signature, TxExtension>;

/// What is signed.
pub type SignedPayload = generic::SignedPayload<RuntimeCall, TxExtension>;

/// Dispatches blocks to the pallets.
pub type Executive = frame_executive::Executive<
    Runtime,
    Block,
    frame_system::ChainContext<Runtime>,
    Runtime,
    AllPalletsWithSystem,
>;

/// Types for a node, which does not look into extrinsics and can therefore run any chain of this header format.
pub mod opaque {
    use super::*;

    pub use sp_runtime::OpaqueExtrinsic as UncheckedExtrinsic;

    /// A header.
    pub type Header = generic::Header<BlockNumber, BlakeTwo256>;

    /// A block with undecoded extrinsics.
    pub type Block = generic::Block<Header, UncheckedExtrinsic>;

    /// Hash of a block.
    pub type Hash = <BlakeTwo256 as sp_runtime::traits::Hash>::Output;
}

impl_opaque_keys! {
    /// The keys of a validator.
    pub struct SessionKeys {
        /// Makes blocks.
        pub aura: Aura,
        /// Makes them final.
        pub grandpa: Grandpa,
    }
}

/// The smallest balance an account can have: a millionth of a unit.
pub const EXISTENTIAL_DEPOSIT: Balance = MICRO_UNIT;

/// A millionth of a unit, in planck.
pub const MICRO_UNIT: Balance = 1_000_000;

/// A thousandth of a unit, in planck.
pub const MILLI_UNIT: Balance = 1_000 * MICRO_UNIT;

/// One unit, in planck: the currency has 12 decimals.
pub const UNIT: Balance = 1_000 * MILLI_UNIT;

/// Prefix of account addresses in SS58: the generic Substrate prefix.
pub const SS58_PREFIX: u16 = 42;

/// Number of block hashes that the state keeps: mortal transactions can be at most this many blocks old.
pub const BLOCK_HASH_COUNT: BlockNumber = 2_400;

#[frame_support::runtime]
mod runtime {
    /// The chain's state transition function.
    #[runtime::runtime]
    #[runtime::derive(
        RuntimeCall,
        RuntimeEvent,
        RuntimeError,
        RuntimeOrigin,
        RuntimeFreezeReason,
        RuntimeHoldReason,
        RuntimeSlashReason,
        RuntimeLockId,
        RuntimeTask,
        RuntimeViewFunction
    )]
    pub struct Runtime;

    #[runtime::pallet_index(0)]
    pub type System = frame_system;

    #[runtime::pallet_index(3)]
    pub type Timestamp = pallet_timestamp;

    #[runtime::pallet_index(4)]
    pub type BlockTime = crate::block_time;

    #[runtime::pallet_index(5)]
    pub type Sudo = pallet_sudo;

    #[runtime::pallet_index(6)]
    pub type Multisig = pallet_multisig;

    #[runtime::pallet_index(7)]
    pub type Proxy = pallet_proxy;

    #[runtime::pallet_index(9)]
    pub type Utility = pallet_utility;

    #[runtime::pallet_index(10)]
    pub type Balances = pallet_balances;

    #[runtime::pallet_index(11)]
    pub type TransactionPayment = pallet_transaction_payment;

    #[runtime::pallet_index(23)]
    pub type Aura = pallet_aura;

    #[runtime::pallet_index(24)]
    pub type Grandpa = pallet_grandpa;

    // After `Grandpa`: its last hook looks at what GRANDPA's did.
    #[runtime::pallet_index(25)]
    pub type Validators = crate::validators;

    #[runtime::pallet_index(50)]
    pub type Teerex = pallet_teerex;

    #[runtime::pallet_index(54)]
    pub type EnclaveBridge = pallet_enclave_bridge;
}

#[cfg(test)]
mod tests;
