// SPDX-License-Identifier: Apache-2.0
//! # A sealed-bid auction
//!
//! A seller opens an auction with a deadline and a reserve price. Who bids puts the money on hold. The highest bid wins
//! and pays the second price: the highest of the other bids, or the reserve price if that is more. So the best bid is
//! what the thing is worth to the bidder, and nobody, not even the seller, sees a bid before the end. After the end
//! everybody learns who won and what is paid; the winner's own bid stays secret.
//!
//! On a chain this takes commitments, a second round in which bids are revealed, and deposits that punish who does not
//! come back for it. Here the state is confidential, so a bid is one call.
//!
//! ## What must not leak
//! - How many bid, and what: [`pallet::Bids`] is open to each bidder for the own entry, `Leaders` to nobody.
//! - A bid's answer says the same whether it leads or not, and weighs the same. Its amount is not compact, so all bids
//!   are equally long.
//! - Nobody gets money back before the end: who was outbid would learn it.

pub mod runtime;

/// What the enclave runs.
pub type Logic = offstage_sdk::frame::Shard<runtime::Runtime>;

#[expect(clippy::expect_used, clippy::unreachable, reason = "in code that FRAME's macros generate")]
#[frame_support::pallet]
pub mod pallet {
    //! The pallet.

    use frame_support::{
        pallet_prelude::*,
        traits::{
            fungible::MutateHold,
            tokens::{Fortitude::Polite, Precision::Exact, Restriction::Free},
        },
    };
    use frame_system::pallet_prelude::*;
    use offstage_sdk::AccountId32;

    #[pallet::pallet]
    pub struct Pallet<T>(_);

    #[pallet::config]
    pub trait Config: frame_system::Config<AccountId = AccountId32> {
        /// What is bid.
        type Currency: MutateHold<AccountId32, Balance = u128, Reason = Self::RuntimeHoldReason>;
        /// The runtime's reasons for holds.
        type RuntimeHoldReason: From<HoldReason>;
    }

    /// Why money is on hold.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// It is bid in an auction.
        Bid,
    }

    /// What everybody may know of an auction.
    #[derive(Encode, Decode, MaxEncodedLen, TypeInfo)]
    pub struct Auction {
        /// Who gets the money.
        pub seller: AccountId32,
        /// The first block that takes no bids any more.
        pub deadline: u32,
        /// The least that the seller takes.
        pub reserve: u128,
    }

    /// What decides an auction.
    #[derive(Encode, Decode, MaxEncodedLen, TypeInfo)]
    pub struct Leader {
        /// Who has the highest bid. Of equal ones, the earlier.
        pub bidder: AccountId32,
        /// The highest bid.
        pub bid: u128,
        /// What it pays: the highest bid of the others, or the reserve price.
        pub price: u128,
    }

    /// How many auctions there were.
    #[pallet::storage]
    pub type Count<T> = StorageValue<_, u32, ValueQuery>;

    /// The auctions.
    #[pallet::storage]
    pub type Auctions<T> = StorageMap<_, Twox64Concat, u32, Auction>;

    /// Who leads in each. Nobody may know it before the end.
    #[pallet::storage]
    pub type Leaders<T> = StorageMap<_, Twox64Concat, u32, Leader>;

    /// What each account has bid, and has on hold.
    #[pallet::storage]
    pub type Bids<T> = StorageDoubleMap<_, Twox64Concat, u32, Blake2_128Concat, AccountId32, u128>;

    #[pallet::event]
    #[pallet::generate_deposit(fn deposit_event)]
    pub enum Event<T: Config> {
        /// The auction with this number takes bids.
        Opened(u32),
    }

    #[pallet::error]
    pub enum Error<T> {
        /// No auction has this number.
        Unknown,
        /// The auction takes no bids any more.
        Ended,
        /// The auction still takes bids.
        NotEnded,
        /// The bid is below the reserve price.
        BelowReserve,
        /// A bid can be raised, and not lowered.
        NotRaised,
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Opens an auction that takes bids before the block `deadline`.
        #[pallet::call_index(0)]
        #[pallet::weight(CALL.saturating_add(T::DbWeight::get().reads_writes(1, 2)))]
        pub fn open(origin: OriginFor<T>, deadline: u32, reserve: u128) -> DispatchResult {
            let seller = ensure_signed(origin)?;
            let id = Count::<T>::get();
            Count::<T>::put(id.saturating_add(1));
            Auctions::<T>::insert(id, Auction { seller, deadline, reserve });
            Self::deposit_event(Event::Opened(id));
            Ok(())
        }

        /// Bids, or raises a bid to `amount`. The money is on hold until the end.
        #[pallet::call_index(1)]
        #[pallet::weight(CALL.saturating_add(T::DbWeight::get().reads_writes(5, 4)))]
        pub fn bid(origin: OriginFor<T>, id: u32, amount: u128) -> DispatchResult {
            let bidder = ensure_signed(origin)?;
            let auction = Auctions::<T>::get(id).ok_or(Error::<T>::Unknown)?;
            ensure!(!Self::is_over(auction.deadline), Error::<T>::Ended);
            ensure!(amount >= auction.reserve, Error::<T>::BelowReserve);
            let before = Bids::<T>::get(id, &bidder).unwrap_or_default();
            let more = amount.checked_sub(before).filter(|more| *more > 0).ok_or(Error::<T>::NotRaised)?;
            T::Currency::hold(&HoldReason::Bid.into(), &bidder, more)?;
            let leader = match Leaders::<T>::get(id) {
                None => Leader { bidder: bidder.clone(), bid: amount, price: auction.reserve },
                Some(leader) if leader.bidder == bidder => Leader { bid: amount, ..leader },
                Some(leader) if amount > leader.bid => {
                    Leader { bidder: bidder.clone(), bid: amount, price: leader.bid }
                }
                Some(leader) => Leader { price: leader.price.max(amount), ..leader },
            };
            Leaders::<T>::insert(id, leader);
            Bids::<T>::insert(id, bidder, amount);
            Ok(())
        }

        /// After the end: the winner pays the seller and has the rest back; the sender has back what it bid in vain.
        #[pallet::call_index(2)]
        #[pallet::weight(CALL.saturating_add(T::DbWeight::get().reads_writes(9, 8)))]
        pub fn settle(origin: OriginFor<T>, id: u32) -> DispatchResult {
            let sender = ensure_signed(origin)?;
            let seller = Self::ended(id)?.seller;
            let hold = HoldReason::Bid.into();
            if let Some(Leader { bidder, price, .. }) = Leaders::<T>::get(id)
                && let Some(bid) = Bids::<T>::take(id, &bidder)
            {
                T::Currency::transfer_on_hold(&hold, &bidder, &seller, price, Exact, Free, Polite)?;
                T::Currency::release(&hold, &bidder, bid.saturating_sub(price), Exact)?;
            }
            if let Some(bid) = Bids::<T>::take(id, &sender) {
                T::Currency::release(&hold, &sender, bid, Exact)?;
            }
            Ok(())
        }
    }

    #[pallet::view_functions]
    impl<T: Config> Pallet<T> {
        /// Who has won, and what is to be paid. Nothing before the end.
        pub fn highest(id: u32) -> Option<(AccountId32, u128)> {
            Self::ended(id).ok()?;
            Leaders::<T>::get(id).map(|leader| (leader.bidder, leader.price))
        }
    }

    impl<T: Config> Pallet<T> {
        fn is_over(deadline: u32) -> bool {
            frame_system::Pallet::<T>::block_number() >= deadline.into()
        }

        fn ended(id: u32) -> Result<Auction, Error<T>> {
            let auction = Auctions::<T>::get(id).ok_or(Error::<T>::Unknown)?;
            ensure!(Self::is_over(auction.deadline), Error::<T>::NotEnded);
            Ok(auction)
        }
    }

    /// What a call costs beside its reads and writes: 50 microseconds.
    const CALL: Weight = Weight::from_parts(50_000_000, 4_000);
}

#[cfg(test)]
#[allow(clippy::restriction, reason = "a test stops where something is wrong")]
mod tests;
