// SPDX-License-Identifier: Apache-2.0
//! # A counter
//!
//! The least that an application is: everybody adds to a sum that everybody reads. What an account has added, nobody
//! but the account reads.
//!
//! - [`pallet`] is an ordinary FRAME pallet: calls, storage, events, errors, view functions.
//! - [`runtime`] says which pallets there are, and who may read what.
//!
//! ## What must not leak
//! - What an account has added: [`pallet::Added`] is open to each account for the own entry. So an event must not say
//!   it either, but to the sender, who is the only one to see the events of a call.

pub mod runtime;

/// What the enclave runs.
pub type Logic = offstage_sdk::frame::Shard<runtime::Runtime>;

#[expect(clippy::expect_used, clippy::unreachable, reason = "in code that FRAME's macros generate")]
#[frame_support::pallet]
pub mod pallet {
    //! The pallet.

    use frame_support::pallet_prelude::*;
    use frame_system::pallet_prelude::*;
    use offstage_sdk::AccountId32;

    #[pallet::pallet]
    pub struct Pallet<T>(_);

    #[pallet::config]
    pub trait Config: frame_system::Config<AccountId = AccountId32> {}

    /// What all have added.
    #[pallet::storage]
    pub type Sum<T> = StorageValue<_, u32, ValueQuery>;

    /// What each account has added.
    #[pallet::storage]
    pub type Added<T> = StorageMap<_, Blake2_128Concat, AccountId32, u32, ValueQuery>;

    #[pallet::event]
    #[pallet::generate_deposit(fn deposit_event)]
    pub enum Event<T: Config> {
        /// The sender has added so much by now.
        Added(u32),
    }

    #[pallet::error]
    pub enum Error<T> {
        /// There is no room for more in the sum.
        Full,
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Adds to the sum.
        #[pallet::call_index(0)]
        #[pallet::weight(CALL.saturating_add(T::DbWeight::get().reads_writes(2, 2)))]
        pub fn add(origin: OriginFor<T>, amount: u32) -> DispatchResult {
            let who = ensure_signed(origin)?;
            let sum = Sum::<T>::get().checked_add(amount).ok_or(Error::<T>::Full)?;
            Sum::<T>::put(sum);
            // It is a part of the sum, so it has room.
            let own = Added::<T>::get(&who).saturating_add(amount);
            Added::<T>::insert(who, own);
            Self::deposit_event(Event::Added(own));
            Ok(())
        }
    }

    #[pallet::view_functions]
    impl<T: Config> Pallet<T> {
        /// How much can still be added.
        pub fn room() -> u32 {
            u32::MAX.saturating_sub(Sum::<T>::get())
        }
    }

    /// What a call costs beside its reads and writes: 50 microseconds.
    const CALL: Weight = Weight::from_parts(50_000_000, 4_000);
}

#[cfg(test)]
#[allow(clippy::restriction, reason = "a test stops where something is wrong")]
mod tests;
