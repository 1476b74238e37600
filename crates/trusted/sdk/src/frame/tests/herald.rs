// SPDX-License-Identifier: Apache-2.0
//! A pallet that asks for calls of the parentchain, and notes what became of them.
#![allow(missing_docs, unreachable_pub, reason = "FRAME's macros ask for public items")]

pub use pallet::*;

#[frame_support::pallet]
pub mod pallet {
    use super::super::runtime::{Funds, Time};
    use crate::{
        frame::{OnDelivery, ShardRuntime, effects},
        parentchain::{Delivery, ParentchainCall},
    };
    use frame_support::pallet_prelude::*;
    use frame_system::pallet_prelude::*;
    use offstage_primitives::H256;

    #[pallet::pallet]
    pub struct Pallet<T>(_);

    #[pallet::config]
    pub trait Config: frame_system::Config + ShardRuntime {}

    /// Names of what was asked for.
    #[pallet::storage]
    #[pallet::unbounded]
    pub type Asked<T: Config> = StorageValue<_, Vec<H256>, ValueQuery>;

    /// What became of it.
    #[pallet::storage]
    #[pallet::unbounded]
    pub type Heard<T: Config> = StorageValue<_, Vec<Delivery>, ValueQuery>;

    /// The parentchain's time and the shard's funds there, as a call has seen them.
    #[pallet::storage]
    pub type Looked<T> = StorageValue<_, (Option<u64>, Option<u128>)>;

    /// Whether hearing panics, once.
    #[pallet::storage]
    pub type Panics<T> = StorageValue<_, bool, ValueQuery>;

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn on_initialize(_number: BlockNumberFor<T>) -> Weight {
            assert!(effects::call::<T>(REMARK, &[("remark", vec![0])]).is_err(), "no hook asks");
            Weight::zero()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        #[pallet::call_index(0)]
        #[pallet::weight(Weight::from_parts(1_000_000, 0))]
        pub fn announce(_origin: OriginFor<T>, text: Vec<u8>, times: u32) -> DispatchResult {
            for _ in 0..times {
                Asked::<T>::append(effects::call::<T>(REMARK, &[("remark", text.encode())])?);
            }
            Ok(())
        }

        #[pallet::call_index(1)]
        #[pallet::weight(Weight::from_parts(1_000_000, 0))]
        pub fn overreach(_origin: OriginFor<T>) -> DispatchResult {
            let call = ParentchainCall { pallet: "Sudo", call: "sudo" };
            effects::call::<T>(call, &[]).map(drop)
        }

        #[pallet::call_index(2)]
        #[pallet::weight(Weight::from_parts(1_000_000, 0))]
        pub fn panic_when_told(_origin: OriginFor<T>, panics: bool) -> DispatchResult {
            Panics::<T>::put(panics);
            Ok(())
        }

        /// Notes what the parentchain has, if it can be read.
        #[pallet::call_index(3)]
        #[pallet::weight(Weight::from_parts(1_000_000, 0))]
        pub fn look(_origin: OriginFor<T>) -> DispatchResult {
            Looked::<T>::put((Time::get()?, Funds::get()?.map(|account| account.data.free)));
            Ok(())
        }
    }

    impl<T: Config> OnDelivery for Pallet<T> {
        fn on_delivery(delivery: &Delivery) -> Weight {
            Heard::<T>::append(delivery);
            assert!(!Panics::<T>::get(), "asked to panic");
            Weight::from_parts(1_000, 0)
        }
    }

    const REMARK: ParentchainCall = ParentchainCall { pallet: "System", call: "remark_with_event" };
}
