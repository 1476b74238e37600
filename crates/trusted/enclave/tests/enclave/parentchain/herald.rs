// SPDX-License-Identifier: Apache-2.0
//! A pallet that asks for any call on the runtime's list, and notes what became of it.
#![allow(missing_docs, unreachable_pub, reason = "FRAME's macros ask for public items")]

pub use pallet::*;

#[frame_support::pallet]
pub mod pallet {
    use super::super::runtime::{Funds, Now, Price};
    use frame_support::pallet_prelude::*;
    use frame_system::pallet_prelude::*;
    use offstage_sdk::{
        frame::{OnDelivery, ShardRuntime, effects},
        parentchain::Delivery,
    };

    #[pallet::pallet]
    pub struct Pallet<T>(_);

    #[pallet::config]
    pub trait Config: frame_system::Config + ShardRuntime {}

    /// What became of what was asked for: the effect, and its end.
    #[pallet::storage]
    #[pallet::unbounded]
    pub type Heard<T: Config> = StorageValue<_, Vec<(T::Hash, u8)>, ValueQuery>;

    /// What the parentchain has, as a call has seen it: its time, the shard's funds, and its price.
    #[pallet::storage]
    pub type Looked<T> = StorageValue<_, Sight, ValueQuery>;

    /// A time, funds, and a price.
    pub type Sight = (Option<u64>, Option<u128>, Option<u128>);

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Asks for the call at this place of the list, with these arguments.
        #[pallet::call_index(0)]
        #[pallet::weight(Weight::from_parts(1_000_000, 0))]
        pub fn ask(origin: OriginFor<T>, place: u32, arguments: Vec<(Vec<u8>, Vec<u8>)>) -> DispatchResult {
            ensure_signed(origin)?;
            let call = T::EFFECTS.get(place as usize).ok_or(DispatchError::Unavailable)?;
            let arguments: Vec<(&str, Vec<u8>)> = arguments
                .iter()
                .map(|(name, value)| (core::str::from_utf8(name).unwrap_or("?"), value.clone()))
                .collect();
            effects::call::<T>(*call, &arguments).map(drop)
        }

        /// Notes what the parentchain has.
        #[pallet::call_index(1)]
        #[pallet::weight(Weight::from_parts(1_000_000, 0))]
        pub fn look(origin: OriginFor<T>) -> DispatchResult {
            ensure_signed(origin)?;
            let funds = Funds::get()?.map(|account| account.data.free);
            Looked::<T>::put((Now::get()?, funds, Price::get()?));
            Ok(())
        }
    }

    #[pallet::view_functions]
    impl<T: Config> Pallet<T> {
        /// What the shard has on the parentchain.
        pub fn funds() -> Option<u128> {
            Some(Funds::get().ok()??.data.free)
        }
    }

    impl<T: Config> OnDelivery for Pallet<T> {
        fn on_delivery(delivery: &Delivery) -> Weight {
            Heard::<T>::append((delivery.effect, delivery.end as u8));
            Weight::zero()
        }
    }
}
