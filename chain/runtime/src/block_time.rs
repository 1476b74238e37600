// SPDX-License-Identifier: Apache-2.0
//! The block time, as a fact of the chain's genesis.
//!
//! # What
//! One storage value, written once when genesis is built. Aura's slot duration, the smallest distance of two
//! timestamps and the weight a block may carry are all derived from it, so the same runtime code serves a
//! development chain with blocks of one second and a production chain with blocks of six.
//!
//! # Details
//! The value cannot change after genesis: Aura's slot number is the time divided by the slot duration, and a change
//! would make slots run backwards.
//!
//! FRAME evaluates constants of pallets when it makes metadata, and some of these constants are read from here. So a
//! program that runs the metadata function without a state sees [`DEFAULT_SLOT_DURATION`]. The metadata *digest* of
//! RFC-78 does not cover constants.

use frame_support::traits::Get;

pub use pallet::*;

/// The pallet that holds the block time.
#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use frame_support::{pallet_prelude::*, traits::ConstU64};
    use frame_system::pallet_prelude::*;

    /// What the pallet needs from the runtime.
    #[pallet::config]
    pub trait Config: frame_system::Config {}

    /// The pallet.
    #[pallet::pallet]
    pub struct Pallet<T>(_);

    /// Duration of one Aura slot, which is the time between two blocks, in milliseconds.
    #[pallet::storage]
    pub type SlotDuration<T: Config> = StorageValue<_, u64, ValueQuery, ConstU64<DEFAULT_SLOT_DURATION>>;

    /// What genesis says about time.
    #[pallet::genesis_config]
    pub struct GenesisConfig<T: Config> {
        /// Duration of one slot in milliseconds, from [`MIN_SLOT_DURATION`] to [`MAX_SLOT_DURATION`].
        pub slot_duration: u64,
        /// Marks the runtime.
        #[serde(skip)]
        pub _marker: core::marker::PhantomData<T>,
    }

    impl<T: Config> Default for GenesisConfig<T> {
        fn default() -> Self {
            Self { slot_duration: DEFAULT_SLOT_DURATION, _marker: core::marker::PhantomData }
        }
    }

    #[pallet::genesis_build]
    impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
        fn build(&self) {
            assert!(
                (MIN_SLOT_DURATION..=MAX_SLOT_DURATION).contains(&self.slot_duration),
                "blockTime.slotDuration is {} ms, but must be from {MIN_SLOT_DURATION} to {MAX_SLOT_DURATION} ms",
                self.slot_duration,
            );
            SlotDuration::<T>::put(self.slot_duration);
        }
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        // The value is read by the limits of every block; later reads of the same block come from the overlay.
        fn on_initialize(_: BlockNumberFor<T>) -> Weight {
            T::DbWeight::get().reads(1)
        }
    }

    impl<T: Config> Pallet<T> {
        /// Duration of one slot in milliseconds.
        pub fn slot_duration() -> u64 {
            // FRAME's own integrity test evaluates constants outside of any chain.
            #[cfg(test)]
            if sp_externalities::with_externalities(|_| ()).is_none() {
                return DEFAULT_SLOT_DURATION;
            }
            SlotDuration::<T>::get()
        }
    }
}

/// The slot duration, for [`pallet_aura::Config::SlotDuration`].
pub struct SlotDurationFromGenesis<T>(core::marker::PhantomData<T>);

impl<T: Config> Get<u64> for SlotDurationFromGenesis<T> {
    fn get() -> u64 {
        Pallet::<T>::slot_duration()
    }
}

/// Half of the slot duration, for [`pallet_timestamp::Config::MinimumPeriod`]: an author that is late in its slot does
/// not keep the next one from being on time.
pub struct HalfSlot<T>(core::marker::PhantomData<T>);

impl<T: Config> Get<u64> for HalfSlot<T> {
    fn get() -> u64 {
        Pallet::<T>::slot_duration() / 2
    }
}

/// Slot duration of a chain whose genesis says nothing, in milliseconds.
pub const DEFAULT_SLOT_DURATION: u64 = 6_000;

/// Shortest slot: below it, the fixed cost of a block outweighs what it carries.
pub const MIN_SLOT_DURATION: u64 = 250;

/// Longest slot.
pub const MAX_SLOT_DURATION: u64 = 60_000;
