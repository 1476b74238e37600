// SPDX-License-Identifier: Apache-2.0
//! Changing the chain's validators, by root.
//!
//! # What
//! - [`Call::schedule_authority_change`]: from `delay` blocks on, another set finalizes blocks (GRANDPA).
//! - [`Call::change_block_authors`]: from the next block on, another set makes blocks (Aura).
//!
//! # Why a pallet of our own
//! `pallet_grandpa` lets only other code of the runtime change its set; usually sessions and staking do. A chain of
//! known operators needs no staking: its root decides. The change is announced in the header of the block that
//! schedules it, so that light clients follow it without trusting anybody.
//!
//! # Details
//! Forced changes, which skip finality, cannot be made here on purpose: a light client must refuse them.

pub use pallet::*;

/// The pallet that changes validators.
#[frame_support::pallet]
pub mod pallet {
    use alloc::collections::BTreeSet;
    use frame_support::pallet_prelude::*;
    use frame_system::pallet_prelude::*;
    use sp_consensus_grandpa::{AuthorityId, AuthorityWeight};

    /// What the pallet needs from the runtime.
    #[pallet::config]
    pub trait Config: frame_system::Config + pallet_grandpa::Config + pallet_aura::Config {}

    /// The pallet.
    #[pallet::pallet]
    pub struct Pallet<T>(_);

    /// Why validators were not changed.
    #[pallet::error]
    pub enum Error<T> {
        /// The new set is empty: nobody could finalize or make a block any more.
        EmptySet,
        /// An authority of the new set has no weight.
        ZeroWeight,
        /// An authority is in the new set twice.
        DuplicateAuthority,
        /// The weights add up to more than a `u64` holds.
        WeightOverflow,
    }

    /// Whether a change made by this pallet is on its way.
    #[pallet::storage]
    pub type ChangeScheduled<T: Config> = StorageValue<_, bool, ValueQuery>;

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn on_initialize(_: BlockNumberFor<T>) -> Weight {
            T::DbWeight::get().reads_writes(2, 2)
        }

        // Runs after GRANDPA's own hook, which enacts the change: the set's number goes up with the set.
        fn on_finalize(_: BlockNumberFor<T>) {
            if ChangeScheduled::<T>::get() && !pallet_grandpa::PendingChange::<T>::exists() {
                pallet_grandpa::CurrentSetId::<T>::mutate(|id| *id = id.saturating_add(1));
                ChangeScheduled::<T>::kill();
            }
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Lets `authorities` finalize all blocks after the one that is `delay` blocks after this one.
        ///
        /// Only one change can be on its way. The present set has to finalize the block that enacts the change.
        #[pallet::call_index(0)]
        #[pallet::weight(T::DbWeight::get().reads_writes(2, 3).saturating_add(Weight::from_parts(20_000_000, 0)))]
        pub fn schedule_authority_change(
            origin: OriginFor<T>,
            authorities: BoundedVec<
                (AuthorityId, AuthorityWeight),
                <T as pallet_grandpa::Config>::MaxAuthorities,
            >,
            delay: BlockNumberFor<T>,
        ) -> DispatchResult {
            ensure_root(origin)?;
            ensure!(!authorities.is_empty(), Error::<T>::EmptySet);
            let distinct: BTreeSet<_> = authorities.iter().map(|(id, _)| id.encode()).collect();
            ensure!(distinct.len() == authorities.len(), Error::<T>::DuplicateAuthority);
            let mut total: AuthorityWeight = 0;
            for (_, weight) in &authorities {
                ensure!(*weight > 0, Error::<T>::ZeroWeight);
                total = total.checked_add(*weight).ok_or(Error::<T>::WeightOverflow)?;
            }
            pallet_grandpa::Pallet::<T>::schedule_change(authorities.into_inner(), delay, None)?;
            ChangeScheduled::<T>::put(true);
            Ok(())
        }

        /// Lets `authors` make the blocks after this one, in turn.
        #[pallet::call_index(1)]
        #[pallet::weight(T::DbWeight::get().reads_writes(1, 2).saturating_add(Weight::from_parts(20_000_000, 0)))]
        pub fn change_block_authors(
            origin: OriginFor<T>,
            authors: BoundedVec<
                <T as pallet_aura::Config>::AuthorityId,
                <T as pallet_aura::Config>::MaxAuthorities,
            >,
        ) -> DispatchResult {
            ensure_root(origin)?;
            ensure!(!authors.is_empty(), Error::<T>::EmptySet);
            let distinct: BTreeSet<_> = authors.iter().map(|id| id.encode()).collect();
            ensure!(distinct.len() == authors.len(), Error::<T>::DuplicateAuthority);
            pallet_aura::Pallet::<T>::change_authorities(authors);
            Ok(())
        }
    }
}
