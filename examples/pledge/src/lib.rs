// SPDX-License-Identifier: Apache-2.0
//! # Pledges
//!
//! A cause collects money on the parentchain, in public. Whoever wants to stay unnamed pledges in the shard: "this much
//! of mine as well, if you reach your goal". The money is on hold. When the parentchain shows that the goal is reached,
//! all pledges go to the cause in one payment, so the chain learns their sum and nothing else. When the deadline comes
//! first, everybody has the own money back.
//!
//! ## What it does with the parentchain
//! - It *reads* two values of its state, proven at each block: the time, and the account of the cause
//!   ([`runtime::Watched`]).
//! - It *asks for a call*, `Balances.transfer_keep_alive`, with the shard's account as its origin
//!   ([`runtime::Runtime`]'s list of effects).
//! - It *hears what became of it*, and only then takes the money, or gives it back.
//!
//! ## What must not leak
//! - Who pledged, what, and how many they are: [`pallet::Pledges`] is open to each for the own entry.
//! - The sum, before it is paid: it could tell, one block after the other, what each pledge was.

pub mod runtime;

/// What the enclave runs.
pub type Logic = offstage_sdk::frame::Shard<runtime::Runtime>;

#[expect(clippy::expect_used, clippy::unreachable, reason = "in code that FRAME's macros generate")]
#[frame_support::pallet]
pub mod pallet {
    //! The pallet.

    use crate::runtime::{Collected, Now};
    use codec::Compact;
    use frame_support::{
        pallet_prelude::*,
        traits::{
            fungible::MutateHold,
            tokens::{Fortitude::Polite, Precision::Exact},
        },
    };
    use frame_system::pallet_prelude::*;
    use offstage_sdk::{
        AccountId32, H256,
        frame::{OnDelivery, ShardRuntime, effects},
        parentchain::{Delivery, End, ParentchainCall},
    };

    #[pallet::pallet]
    pub struct Pallet<T>(_);

    #[pallet::config]
    pub trait Config: frame_system::Config<AccountId = AccountId32> + ShardRuntime {
        /// What is pledged.
        type Currency: MutateHold<AccountId32, Balance = u128, Reason = Self::RuntimeHoldReason>;
        /// The runtime's reasons for holds.
        type RuntimeHoldReason: From<HoldReason>;
        /// Who gets it, on the parentchain.
        type Cause: Get<AccountId32>;
        /// What the cause must have collected.
        type Goal: Get<u128>;
        /// When pledges end, in milliseconds since the Unix epoch.
        type Deadline: Get<u64>;
    }

    /// Why money is on hold.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// It is pledged.
        Pledge,
    }

    /// What each account has pledged, and has on hold.
    #[pallet::storage]
    pub type Pledges<T> = CountedStorageMap<_, Blake2_128Concat, AccountId32, u128>;

    /// The payment that is under way.
    #[pallet::storage]
    pub type Payment<T> = StorageValue<_, H256>;

    #[pallet::error]
    pub enum Error<T> {
        /// A payment is under way; what comes now would not be part of it.
        Paying,
        /// There are as many pledges as one payment has.
        Full,
        /// Neither is the goal reached, nor has the deadline come.
        NotYet,
        /// Nobody has pledged.
        Nothing,
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Pledges so much, beside what the sender has pledged already.
        #[pallet::call_index(0)]
        #[pallet::weight(CALL.saturating_add(T::DbWeight::get().reads_writes(4, 4)))]
        pub fn pledge(origin: OriginFor<T>, amount: u128) -> DispatchResult {
            let sender = ensure_signed(origin)?;
            ensure!(!Payment::<T>::exists(), Error::<T>::Paying);
            let before = Pledges::<T>::get(&sender);
            ensure!(before.is_some() || Pledges::<T>::count() < MAX_PLEDGES, Error::<T>::Full);
            T::Currency::hold(&HoldReason::Pledge.into(), &sender, amount)?;
            Pledges::<T>::insert(&sender, before.unwrap_or_default().saturating_add(amount));
            Ok(())
        }

        /// Pays all pledges to the cause, if the goal is reached, or gives them back, if the deadline has come.
        #[pallet::call_index(1)]
        #[pallet::weight(CALL.saturating_add(clearing::<T>(MAX_PLEDGES)))]
        pub fn settle(origin: OriginFor<T>) -> DispatchResult {
            ensure_signed(origin)?;
            ensure!(!Payment::<T>::exists(), Error::<T>::Paying);
            let total = Pledges::<T>::iter_values().fold(0u128, u128::saturating_add);
            ensure!(total > 0, Error::<T>::Nothing);
            if Collected::get()?.map_or(0, |account| account.data.free) >= T::Goal::get() {
                // `MultiAddress::Id` of the parentchain.
                let dest = (0u8, T::Cause::get()).encode();
                let arguments = [("dest", dest), ("value", Compact(total).encode())];
                Payment::<T>::put(effects::call::<T>(TRANSFER, &arguments)?);
                return Ok(());
            }
            ensure!(Now::get()?.is_some_and(|now| now >= T::Deadline::get()), Error::<T>::NotYet);
            Self::clear(|who, amount| T::Currency::release(&HoldReason::Pledge.into(), who, amount, Exact));
            Ok(())
        }
    }

    impl<T: Config> OnDelivery for Pallet<T> {
        fn on_delivery(delivery: &Delivery) -> Weight {
            if Payment::<T>::get() != Some(delivery.effect) {
                return T::DbWeight::get().reads(1);
            }
            Payment::<T>::kill();
            let count = Pledges::<T>::count();
            let hold = HoldReason::Pledge.into();
            Self::clear(|who, amount| match delivery.end {
                // The shard's account has paid it: it is no more in the shard.
                End::Done => T::Currency::burn_held(&hold, who, amount, Exact, Polite),
                End::Failed | End::Expired => T::Currency::release(&hold, who, amount, Exact),
            });
            clearing::<T>(count)
        }
    }

    impl<T: Config> Pallet<T> {
        /// Ends all pledges.
        fn clear(end: impl Fn(&AccountId32, u128) -> Result<u128, DispatchError>) {
            for (who, amount) in Pledges::<T>::drain() {
                // What is pledged is on hold, so this cannot fail.
                let _ = end(&who, amount);
            }
        }
    }

    /// What it costs to end so many pledges.
    fn clearing<T: Config>(count: u32) -> Weight {
        let one = CALL.saturating_add(T::DbWeight::get().reads_writes(3, 3));
        one.saturating_mul(u64::from(count)).saturating_add(T::DbWeight::get().reads_writes(3, 2))
    }

    /// How the pledges are paid.
    const TRANSFER: ParentchainCall = ParentchainCall { pallet: "Balances", call: "transfer_keep_alive" };

    /// Pledges that one payment has.
    pub const MAX_PLEDGES: u32 = 100;

    /// What a call costs beside its reads and writes: 50 microseconds.
    const CALL: Weight = Weight::from_parts(50_000_000, 4_000);
}

#[cfg(test)]
#[allow(clippy::restriction, reason = "a test stops where something is wrong")]
mod tests;
