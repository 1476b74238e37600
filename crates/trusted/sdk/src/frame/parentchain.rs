// SPDX-License-Identifier: Apache-2.0
//! The pallet between a shard's money and the parentchain's.
//!
//! It credits what is paid in on the parentchain, and has the call that pays out. With it, the balances of the
//! runtime's currency add up to what the shard holds on the parentchain: see `templates/balances` for an existential
//! deposit that keeps it so. It also says as an event what became of each effect.
#![expect(clippy::expect_used, clippy::unreachable, reason = "in code that FRAME's macros generate")]

pub use pallet::*;

#[frame_support::pallet]
pub mod pallet {
    use crate::{
        frame::{OnDelivery, ShardRuntime, Shielding, current_block, effects},
        parentchain::{Delivery, End},
        state_transition::CallError,
    };
    use frame_support::{
        pallet_prelude::*,
        traits::{
            fungible::{Inspect, Mutate},
            tokens::{Fortitude, Precision, Preservation},
        },
    };
    use frame_system::pallet_prelude::*;
    use offstage_primitives::{AccountId32, H256};

    #[pallet::pallet]
    pub struct Pallet<T>(_);

    #[pallet::config]
    pub trait Config: frame_system::Config<AccountId = AccountId32> + ShardRuntime {
        /// The money of the shard, unit for unit the parentchain's.
        type Currency: Inspect<AccountId32, Balance = u128> + Mutate<AccountId32>;
        /// What the calls weigh.
        type WeightInfo: WeightInfo;
    }

    /// What the calls weigh.
    pub trait WeightInfo {
        /// Of [`Call::unshield`].
        fn unshield() -> Weight;
    }

    /// Of an account that is read and written, and an effect that is noted.
    impl WeightInfo for () {
        fn unshield() -> Weight {
            Weight::from_parts(60_000_000, 4_000)
                .saturating_add(frame_support::weights::constants::RocksDbWeight::get().reads_writes(2, 2))
        }
    }

    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// Money that was paid in on the parentchain was credited.
        Shielded {
            /// Who has it.
            beneficiary: AccountId32,
            /// In the parentchain's smallest unit.
            amount: u128,
        },
        /// The shard's account on the parentchain pays, with one of the next blocks.
        Unshielding {
            /// Who asked for it, and paid in the shard.
            from: AccountId32,
            /// The account on the parentchain.
            beneficiary: AccountId32,
            /// In the parentchain's smallest unit.
            amount: u128,
        },
        /// The parentchain executed an effect.
        Delivered {
            /// The effect's name; of an operation's first effect, the operation's hash.
            effect: H256,
            /// Whether it was done, or failed.
            ok: bool,
        },
        /// The parentchain has not executed an effect up to its last block, and never will.
        Refused {
            /// The effect's name.
            effect: H256,
        },
    }

    #[pallet::error]
    pub enum Error<T> {
        /// Less than the parentchain takes for a payment, or than the payment costs.
        BelowLeastPayment,
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Takes `amount` from the sender and pays it to `beneficiary` on the parentchain, where everybody sees it.
        #[pallet::call_index(0)]
        #[pallet::weight(<T as Config>::WeightInfo::unshield())]
        pub fn unshield(
            origin: OriginFor<T>,
            beneficiary: AccountId32,
            #[pallet::compact] amount: u128,
        ) -> DispatchResult {
            let from = ensure_signed(origin)?;
            let least = current_block().map_or(1, |block| block.payout.least());
            ensure!(amount >= least, Error::<T>::BelowLeastPayment);
            T::Currency::burn_from(
                &from,
                amount,
                Preservation::Expendable,
                Precision::Exact,
                Fortitude::Polite,
            )?;
            effects::unshield(beneficiary.clone(), amount)?;
            Self::deposit_event(Event::Unshielding { from, beneficiary, amount });
            Ok(())
        }
    }

    impl<T: Config> OnDelivery for Pallet<T> {
        fn on_delivery(delivery: &Delivery) -> Weight {
            let effect = delivery.effect;
            Self::deposit_event(match delivery.end {
                End::Done => Event::Delivered { effect, ok: true },
                End::Failed => Event::Delivered { effect, ok: false },
                End::Expired => Event::Refused { effect },
            });
            Weight::zero()
        }
    }

    impl<T: Config> Shielding for Pallet<T> {
        fn shield(beneficiary: &AccountId32, amount: u128) -> Result<(), CallError> {
            T::Currency::mint_into(beneficiary, amount)?;
            Self::deposit_event(Event::Shielded { beneficiary: beneficiary.clone(), amount });
            Ok(())
        }
    }
}
