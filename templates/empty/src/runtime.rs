// SPDX-License-Identifier: Apache-2.0
//! The runtime: the counter's pallet, and nothing that it does not need.
#![expect(missing_docs, reason = "FRAME's macros generate undocumented items")]

use frame_support::{derive_impl, parameter_types, weights::constants::RocksDbWeight};
use offstage_sdk::frame::{self, RuntimeVersion};

#[frame_support::runtime]
mod declaration {
    #[runtime::runtime]
    #[runtime::derive(
        RuntimeCall,
        RuntimeEvent,
        RuntimeError,
        RuntimeOrigin,
        RuntimeTask,
        RuntimeViewFunction
    )]
    pub struct Runtime;

    #[runtime::pallet_index(0)]
    pub type System = frame_system;
    #[runtime::pallet_index(3)]
    pub type Timestamp = pallet_timestamp;
    #[runtime::pallet_index(100)]
    pub type Counter = crate::pallet;
}

parameter_types! {
    pub const Version: RuntimeVersion = frame::version("empty", 1);
}

#[derive_impl(frame_system::config_preludes::SolochainDefaultConfig)]
impl frame_system::Config for Runtime {
    type Block = frame::Block<Runtime>;
    type Version = Version;
    type DbWeight = RocksDbWeight;
}

#[derive_impl(pallet_timestamp::config_preludes::TestDefaultConfig)]
impl pallet_timestamp::Config for Runtime {}

impl crate::pallet::Config for Runtime {}

offstage_sdk::reads! {
    /// The sum is everybody's. What an account has added is its own.
    pub struct Reads;
    Counter::Sum: public;
    Counter::room: public;
    Counter::Added: owner(0);
}

offstage_sdk::shard_runtime! {
    impl ShardRuntime for Runtime {
        // Money that is paid in is refused: no pallet here could hold it.
        type Shielding = ();
        type Reads = Reads;
    }
}
