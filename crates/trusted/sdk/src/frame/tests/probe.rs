// SPDX-License-Identifier: Apache-2.0
//! A pallet that does what a pallet should not, and notes what it is shown.
#![allow(missing_docs, unreachable_pub, reason = "FRAME's macros ask for public items")]

pub use pallet::*;

#[frame_support::pallet]
pub mod pallet {
    use frame_support::{
        dispatch::GetDispatchInfo, pallet_prelude::*, traits::Randomness, weights::WeightMeter,
    };
    use frame_system::pallet_prelude::*;

    #[pallet::pallet]
    pub struct Pallet<T>(_);

    #[pallet::config]
    pub trait Config:
        frame_system::Config<RuntimeCall: GetDispatchInfo> + pallet_timestamp::Config<Moment = u64>
    {
        type Randomness: Randomness<Self::Hash, BlockNumberFor<Self>>;
    }

    /// What was drawn.
    #[pallet::storage]
    #[pallet::unbounded]
    pub type Drawn<T: Config> = StorageValue<_, Vec<T::Hash>, ValueQuery>;

    /// Which hooks note what they see.
    #[pallet::storage]
    pub type Watching<T> = StorageValue<_, bool, ValueQuery>;

    /// What hooks saw: the hook, the block, the time, the parent's hash.
    #[pallet::storage]
    #[pallet::unbounded]
    pub type Seen<T: Config> = StorageValue<_, Vec<(u8, u32, u64, T::Hash)>, ValueQuery>;

    /// How often migrations ran.
    #[pallet::storage]
    pub type Migrations<T> = StorageValue<_, u32, ValueQuery>;

    /// Notes of an account, by what they are about. The first key's hasher hides nothing and separates nothing.
    #[pallet::storage]
    pub type Notes<T: Config> =
        StorageDoubleMap<_, Identity, BoundedVec<u8, ConstU32<64>>, Identity, T::AccountId, u64>;

    /// Of three keys, with the account in the middle, and nothing between them in storage.
    #[pallet::storage]
    pub type Letters<T: Config> = StorageNMap<
        _,
        (
            NMapKey<Identity, BoundedVec<u8, ConstU32<64>>>,
            NMapKey<Identity, T::AccountId>,
            NMapKey<Identity, BoundedVec<u8, ConstU32<64>>>,
        ),
        u64,
    >;

    /// What the next hook shall do.
    #[pallet::storage]
    pub type HookPanics<T> = StorageValue<_, u8, ValueQuery>;

    #[pallet::error]
    pub enum Error<T> {
        /// On purpose.
        OnPurpose,
    }

    /// Whether hooks ask for a payment.
    #[pallet::storage]
    pub type HooksPay<T> = StorageValue<_, bool, ValueQuery>;

    /// Whether each block must have an inherent.
    #[pallet::storage]
    pub type WantsInherent<T> = StorageValue<_, bool, ValueQuery>;

    /// How often that was refused.
    #[pallet::storage]
    pub type Unpaid<T> = StorageValue<_, u32, ValueQuery>;

    fn note<T: Config>(hook: u8, number: BlockNumberFor<T>) {
        assert_ne!(HookPanics::<T>::get(), hook, "asked to panic");
        if HooksPay::<T>::get() && crate::frame::effects::unshield([9; 32].into(), 500).is_err() {
            Unpaid::<T>::mutate(|count| *count += 1);
        }
        if Watching::<T>::get() {
            let number = TryInto::<u32>::try_into(number).unwrap_or_default();
            let now = pallet_timestamp::Now::<T>::get();
            Seen::<T>::append((hook, number, now, frame_system::Pallet::<T>::parent_hash()));
        }
    }

    #[pallet::view_functions]
    impl<T: Config> Pallet<T> {
        /// Adds.
        pub fn sum(a: u32, b: u32) -> u64 {
            u64::from(a) + u64::from(b)
        }

        /// What a call weighs.
        pub fn weight_of(call: <T as frame_system::Config>::RuntimeCall) -> Weight {
            call.get_dispatch_info().total_weight()
        }

        /// A random number in a read.
        pub fn draw() -> T::Hash {
            T::Randomness::random(b"read").0
        }

        /// An account's note about nothing.
        pub fn own_note(account: T::AccountId) -> Option<u64> {
            Notes::<T>::get(BoundedVec::default(), account)
        }
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn on_initialize(number: BlockNumberFor<T>) -> Weight {
            note::<T>(1, number);
            Weight::from_parts(1_000, 0)
        }

        fn on_poll(number: BlockNumberFor<T>, meter: &mut WeightMeter) {
            note::<T>(2, number);
            meter.consume(Weight::from_parts(200, 0));
        }

        fn on_idle(number: BlockNumberFor<T>, room: Weight) -> Weight {
            note::<T>(3, number);
            assert!(room.ref_time() > 0);
            Weight::from_parts(30, 0)
        }

        fn on_finalize(number: BlockNumberFor<T>) {
            assert!(!WantsInherent::<T>::get(), "the inherent must be in the block");
            note::<T>(4, number);
        }

        fn on_runtime_upgrade() -> Weight {
            Migrations::<T>::mutate(|count| *count += 1);
            Weight::zero()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        #[pallet::call_index(0)]
        #[pallet::weight(Weight::from_parts(1_000_000, 0))]
        pub fn watch(_origin: OriginFor<T>, on: bool) -> DispatchResult {
            Watching::<T>::put(on);
            Ok(())
        }

        #[pallet::call_index(1)]
        #[pallet::weight(Weight::from_parts(1_000_000, 0))]
        pub fn panics(_origin: OriginFor<T>) -> DispatchResult {
            Watching::<T>::put(true);
            panic!("asked to panic")
        }

        /// Declares much and uses little.
        #[pallet::call_index(2)]
        #[pallet::weight(Weight::from_parts(*declared, 0))]
        pub fn weigh(_origin: OriginFor<T>, declared: u64, used: u64) -> DispatchResultWithPostInfo {
            let _ = declared;
            Ok(Some(Weight::from_parts(used, 0)).into())
        }

        #[pallet::call_index(3)]
        #[pallet::weight(Weight::from_parts(1_000_000, 0))]
        pub fn asks_offchain(_origin: OriginFor<T>) -> DispatchResult {
            sp_io::offchain::timestamp();
            Ok(())
        }

        #[pallet::call_index(4)]
        #[pallet::weight(Weight::from_parts(1_000_000, 0))]
        pub fn asks_keystore(_origin: OriginFor<T>) -> DispatchResult {
            sp_io::crypto::sr25519_public_keys(sp_core::crypto::KeyTypeId(*b"test"));
            Ok(())
        }

        #[pallet::call_index(5)]
        #[pallet::weight(Weight::from_parts(1_000_000, 0))]
        pub fn hook_panics(_origin: OriginFor<T>, hook: u8) -> DispatchResult {
            HookPanics::<T>::put(hook);
            Ok(())
        }

        #[pallet::call_index(7)]
        #[pallet::weight(Weight::from_parts(1_000_000, 0))]
        pub fn note(origin: OriginFor<T>, about: BoundedVec<u8, ConstU32<64>>, value: u64) -> DispatchResult {
            Notes::<T>::insert(about, ensure_signed(origin)?, value);
            Ok(())
        }

        #[pallet::call_index(9)]
        #[pallet::weight(Weight::from_parts(1_000_000, 0))]
        pub fn write(origin: OriginFor<T>, to: BoundedVec<u8, ConstU32<64>>, value: u64) -> DispatchResult {
            Letters::<T>::insert((BoundedVec::default(), ensure_signed(origin)?, to), value);
            Ok(())
        }

        #[pallet::call_index(10)]
        #[pallet::weight(Weight::from_parts(1_000_000, 0))]
        pub fn let_hooks_pay(_origin: OriginFor<T>) -> DispatchResult {
            HooksPay::<T>::put(true);
            Ok(())
        }

        /// Computes the state's root.
        #[pallet::call_index(11)]
        #[pallet::weight(Weight::from_parts(1_000_000, 0))]
        pub fn asks_root(origin: OriginFor<T>, twice: bool) -> DispatchResult {
            let account = ensure_signed(origin)?;
            for round in 0..2u64 {
                if twice {
                    sp_io::storage::root(sp_runtime::StateVersion::V1);
                }
                Notes::<T>::insert(BoundedVec::default(), &account, round);
            }
            Ok(())
        }

        /// From now on each block has to have what nobody can put into it.
        #[pallet::call_index(12)]
        #[pallet::weight(Weight::from_parts(1_000_000, 0))]
        pub fn want_inherent(_origin: OriginFor<T>) -> DispatchResult {
            WantsInherent::<T>::put(true);
            Ok(())
        }

        /// Draws twice.
        #[pallet::call_index(8)]
        #[pallet::weight(Weight::from_parts(1_000_000, 0))]
        pub fn draw_twice(_origin: OriginFor<T>) -> DispatchResult {
            for _ in 0..2 {
                Drawn::<T>::append(T::Randomness::random(b"twice").0);
            }
            Ok(())
        }

        #[pallet::call_index(6)]
        #[pallet::weight(Weight::from_parts(1_000_000, 0))]
        pub fn fails(_origin: OriginFor<T>) -> DispatchResult {
            Watching::<T>::put(true);
            Err(Error::<T>::OnPurpose.into())
        }
    }
}
