// SPDX-License-Identifier: Apache-2.0
//! # A secret ballot
//!
//! Somebody proposes a question, with the accounts that may vote and a last block. Each of them says yes or no, and may
//! say something else until the end. Then everybody learns how many said what, and nobody learns who.
//!
//! ## What must not leak
//! - How an account voted: [`pallet::Votes`] is open to each account for the own entry. Nobody else reads it, not even
//!   who proposed.
//! - How the ballot stands: the view function `tally` is silent before the end.
//! - What a vote looks like: yes, no, a change of mind and the same once more are equally long, weigh the same and
//!   write the same. A state that does not change is not written, which the host would see; so each vote is counted.
//!
//! ## What it cannot hide
//! - The parentchain shows which account pays for an envelope, so that somebody does something in the shard. That
//!   account need not be the voter's: another may send the envelope.
//! - A voter can show the own vote to somebody else, by asking for it. So votes can be bought, as in any vote by
//!   letter.
//! - Where all agree, the tally says how each voted.
//!
//! The shard takes no money, so its runtime has no balances.

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

    /// What is voted on.
    #[derive(Encode, Decode, MaxEncodedLen, TypeInfo)]
    pub struct Proposal {
        /// The question, for people.
        pub question: BoundedVec<u8, ConstU32<MAX_QUESTION>>,
        /// The first block that takes no votes any more.
        pub end: u32,
    }

    /// What an account says.
    #[derive(
        Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
    )]
    pub enum Vote {
        /// Nothing: so each begins.
        Abstain,
        /// Yes.
        Yes,
        /// No.
        No,
    }

    /// What an account has said.
    #[derive(Encode, Decode, MaxEncodedLen, TypeInfo)]
    pub struct Cast {
        /// The last that it said.
        pub vote: Vote,
        /// How often it said something.
        pub times: u32,
    }

    /// How many said what.
    #[derive(Clone, Default, PartialEq, Eq, Debug, Encode, Decode, MaxEncodedLen, TypeInfo)]
    pub struct Tally {
        /// They may vote, and did not.
        pub abstained: u32,
        /// Yes.
        pub yes: u32,
        /// No.
        pub no: u32,
    }

    impl Tally {
        fn count(&mut self, vote: Vote) -> &mut u32 {
            match vote {
                Vote::Abstain => &mut self.abstained,
                Vote::Yes => &mut self.yes,
                Vote::No => &mut self.no,
            }
        }
    }

    /// How many proposals there were.
    #[pallet::storage]
    pub type Count<T> = StorageValue<_, u32, ValueQuery>;

    /// The proposals.
    #[pallet::storage]
    pub type Proposals<T> = StorageMap<_, Twox64Concat, u32, Proposal>;

    /// An entry for each account that may vote.
    #[pallet::storage]
    pub type Votes<T> = StorageDoubleMap<_, Twox64Concat, u32, Blake2_128Concat, AccountId32, Cast>;

    #[pallet::event]
    #[pallet::generate_deposit(fn deposit_event)]
    pub enum Event<T: Config> {
        /// The proposal with this number takes votes.
        Proposed(u32),
    }

    #[pallet::error]
    pub enum Error<T> {
        /// No proposal has this number.
        Unknown,
        /// The ballot is over.
        Ended,
        /// The account may not vote here.
        NotEligible,
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Asks the accounts `voters` a question. They vote before the block `end`.
        #[pallet::call_index(0)]
        #[pallet::weight(CALL.saturating_add(T::DbWeight::get().reads_writes(2, 3)).saturating_add(
            T::DbWeight::get().reads_writes(1, 1).saturating_mul(voters.len() as u64)
        ))]
        pub fn propose(
            origin: OriginFor<T>,
            question: BoundedVec<u8, ConstU32<MAX_QUESTION>>,
            end: u32,
            voters: BoundedVec<AccountId32, ConstU32<MAX_VOTERS>>,
        ) -> DispatchResult {
            ensure_signed(origin)?;
            let id = Count::<T>::mutate(|count| {
                *count = count.saturating_add(1);
                count.saturating_sub(1)
            });
            for voter in voters {
                Votes::<T>::insert(id, voter, Cast { vote: Vote::Abstain, times: 0 });
            }
            Proposals::<T>::insert(id, Proposal { question, end });
            Self::deposit_event(Event::Proposed(id));
            Ok(())
        }

        /// Votes, or changes the sender's vote.
        #[pallet::call_index(1)]
        #[pallet::weight(CALL.saturating_add(T::DbWeight::get().reads_writes(2, 1)))]
        pub fn vote(origin: OriginFor<T>, id: u32, vote: Vote) -> DispatchResult {
            let voter = ensure_signed(origin)?;
            ensure!(!Self::is_over(id)?, Error::<T>::Ended);
            let Cast { times, .. } = Votes::<T>::get(id, &voter).ok_or(Error::<T>::NotEligible)?;
            Votes::<T>::insert(id, voter, Cast { vote, times: times.saturating_add(1) });
            Ok(())
        }
    }

    #[pallet::view_functions]
    impl<T: Config> Pallet<T> {
        /// How many said what. Nothing before the end.
        pub fn tally(id: u32) -> Option<Tally> {
            let mut tally = Tally::default();
            for Cast { vote, .. } in Self::is_over(id).ok()?.then(|| Votes::<T>::iter_prefix_values(id))? {
                let count = tally.count(vote);
                *count = count.saturating_add(1);
            }
            Some(tally)
        }
    }

    impl<T: Config> Pallet<T> {
        fn is_over(id: u32) -> Result<bool, Error<T>> {
            let end = Proposals::<T>::get(id).ok_or(Error::<T>::Unknown)?.end;
            Ok(frame_system::Pallet::<T>::block_number() >= end.into())
        }
    }

    /// The longest question, in bytes.
    pub const MAX_QUESTION: u32 = 256;

    /// The most accounts that may vote: so many fit into one envelope.
    pub const MAX_VOTERS: u32 = 400;

    /// What a call costs beside its reads and writes: 50 microseconds.
    const CALL: Weight = Weight::from_parts(50_000_000, 4_000);
}

#[cfg(test)]
#[allow(clippy::restriction, reason = "a test stops where something is wrong")]
mod tests;
