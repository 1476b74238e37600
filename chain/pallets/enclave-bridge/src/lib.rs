// SPDX-License-Identifier: Apache-2.0
//! # EnclaveBridge: where a parentchain and its shards meet
//!
//! A shard is a confidential state that enclaves keep off chain. This pallet is the only way in and out of it:
//!
//! - **in**: anybody [`invoke`](Pallet::invoke)s an encrypted operation or [`shield_funds`](Pallet::shield_funds) into
//!   the shard. The chain orders these; the enclaves execute them in that order.
//! - **out**: an enclave [confirms](Pallet::confirm_processed_parentchain_block) what it executed with a Merkle root of
//!   receipts, [pays out](Pallet::unshield_funds) of the shard's funds, [publishes a hash](Pallet::publish_hash), or
//!   does a [call in the shard's name](Pallet::execute_for_shard).
//! - **rules**: a [`ShardConfig`] says which code may be the shard's enclave, and who may change that
//!   ([`config`]).
//!
//! The interface (calls, events, storage names and shapes) is that of the pallet of the same name on Integritee's
//! chains, so that their clients read ours; the code and the rules are our own.
//!
//! ## Who may speak for a shard
//! An account that `pallet-teerex` holds as a sovereign enclave whose measurement is the one that the shard's
//! configuration allows in this block, and that is within the shard's limit of instances. A shard without
//! configuration allows the one measurement it is named after.
//!
//! ## When a shard lives
//! From the first accepted confirmation on. Before, nobody has shown that the shard's key is there, and whatever goes
//! in might be lost; so [`invoke`](Pallet::invoke) and [`shield_funds`](Pallet::shield_funds) answer
//! [`ShardNotFound`](Error::ShardNotFound).
//!
//! ## Funds
//! They lie on the account whose 32 bytes are the shard's. No key for it exists (the shard's name is a
//! measurement or chosen by nobody), so only [`unshield_funds`](Pallet::unshield_funds) moves them. Every worker of
//! a shard asks for the same payment; the first wins, all others find its call hash used and change nothing. The
//! account keeps the existential deposit: below it, the chain would take the account away, with what is on it.
//!
//! ## Calls in a shard's name
//! [`execute_for_shard`](Pallet::execute_for_shard) is for everything else that a shard's logic wants done on this
//! chain. The guard is that of payments: a call hash counts once, whatever it is for. A call that fails has been
//! executed, too, and its event says so; nobody tries it again. Each has a last block. So the shard knows for certain
//! when a call will never be executed, and can undo what it did for it.
//!
//! The call is bytes that are decoded when it is executed. So whatever a shard puts into it, the enclave's extrinsic is
//! one that nodes take, and a call that this chain cannot read is one that failed.
//!
//! The call's origin is the shard's account. [`Config::CallsOfShards`] says which calls that may be: nothing that
//! dispatches others, and nothing of this pallet but [`publish_hash`](Pallet::publish_hash), which the enclave itself
//! signs, because it publishes in the name of its measurement.
//!
//! ## What an operation costs the enclaves
//! Every worker of a shard opens every envelope, with an RSA operation for each 384 bytes. So these operations are paid
//! for ([`WeightInfo::opening`]), and a block takes in only so many for one shard
//! ([`Config::RsaOperationsPerBlock`]); what is beyond is refused, pays for the refusal alone, and can be sent again in
//! a later block. The bound is each shard's own, because each shard has workers of its own: two shards may be full in
//! the same block. A machine that runs workers of several shards needs cores for each.
//!
//! ## What protects what
//! - *Paid twice*: a call hash counts once per shard ([`ExecutedUnshieldCalls`]).
//! - *Executed twice*, as when two workers send the same call, or somebody sends it again: the same call hashes.
//! - *A call that leads back here*, or to somebody else's rights: a list of what may be called, and no dispatcher on
//!   it.
//! - *Call hash occupied by a stranger*: whoever can register any enclave could otherwise copy a pending payment's
//!   hash into a payment of nothing from a shard of his own. So the hash counts within its shard only.
//! - *Confirmation of a block that never was*: refused as long as the chain remembers the block's hash.
//! - *Enclave of old code after an upgrade*: its measurement is not the shard's any more.
//! - *Deposit into a shard that does not answer*: the shard must live, and in maintenance mode the chain takes nothing
//!   in, and still pays out.
//! - *Key of a platform that was broken since*: an enclave whose registration is too old does not act.
//! - *Other code for a shard, and with it the key, at once*: it takes a notice ([`config`]).
//! - *Places taken by the dead*: a place ends by silence ([`status`]).
//! - *Envelopes that stop the workers*: paid for and bounded, see above.
//! - *Exhaustion*: every input has a bound ([`limits`]), no call iterates over more than [`limits::INSTANCES`] entries.
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
pub mod config;
pub mod status;
pub mod weights;

pub use pallet::*;
pub use weights::WeightInfo;

use codec::DecodeLimit;
use frame_support::{
    dispatch::{
        DispatchErrorWithPostInfo, DispatchResult, DispatchResultWithPostInfo, GetDispatchInfo,
        PostDispatchInfo, RawOrigin, extract_actual_weight,
    },
    ensure,
    traits::{Contains, Get, IsSubType, tokens::fungible},
    weights::Weight,
};
use offstage_primitives::{
    AccountId32, H256, ShardIdentifier, enclave_bridge::ShardConfig, shielding::rsa_operations,
};
use sp_runtime::{DispatchError, SaturatedConversion, traits::Dispatchable};

/// A balance of the parentchain's currency, in its smallest unit.
pub type BalanceOf<T> = <<T as Config>::Currency as fungible::Inspect<AccountId32>>::Balance;

/// The bridge.
#[frame_support::pallet]
pub mod pallet {
    use super::{BalanceOf, WeightInfo, decoded_call, limits, status::Status, with_opening};
    use alloc::vec::Vec;
    use frame_support::{
        dispatch::PostDispatchInfo,
        pallet_prelude::*,
        traits::{
            Contains, IsSubType,
            tokens::{Preservation, fungible, fungible::Mutate},
        },
    };
    use frame_system::pallet_prelude::*;
    use offstage_primitives::{
        AccountId32, H256, Measurement, ShardIdentifier,
        enclave_bridge::{Request, ShardConfig, UpgradableShardConfig},
        shielding::MAX_CYPHERTEXT_LEN,
    };
    use sp_runtime::{SaturatedConversion, traits::Dispatchable};

    /// What the runtime decides.
    #[pallet::config]
    pub trait Config:
        frame_system::Config<
            RuntimeEvent: From<Event<Self>>,
            RuntimeCall: Dispatchable<PostInfo = PostDispatchInfo> + IsSubType<Call<Self>>,
        > + pallet_teerex::Config
    {
        /// The currency that shards hold.
        type Currency: fungible::Mutate<AccountId32>;

        /// Prices of the calls.
        type WeightInfo: WeightInfo;

        /// How many RSA operations what goes into one shard may cause in a block.
        type RsaOperationsPerBlock: Get<u32>;

        /// Which calls a shard's account may be the origin of. It must let no call through that dispatches others, and
        /// none that takes the shard's account away, as a transfer that need not keep it alive. Calls of this pallet
        /// are not asked about.
        type CallsOfShards: Contains<<Self as frame_system::Config>::RuntimeCall>;
    }

    /// The pallet.
    #[pallet::pallet]
    pub struct Pallet<T>(_);

    /// The enclaves that spoke for a shard, and when they last did.
    #[pallet::storage]
    pub type ShardStatus<T: Config> = StorageMap<_, Blake2_128Concat, ShardIdentifier, Status, OptionQuery>;

    /// Configurations of shards, each with the one that will replace it. Which one counts in a block is
    /// [`UpgradableShardConfig::at`]; nothing is written when an upgrade's time comes.
    #[pallet::storage]
    #[pallet::unbounded]
    pub type ShardConfigRegistry<T: Config> =
        StorageMap<_, Blake2_128Concat, ShardIdentifier, UpgradableShardConfig, OptionQuery>;

    /// Payments and calls that were done: the number of the block that did them, by
    /// [`unshield_key`](Pallet::unshield_key).
    #[pallet::storage]
    pub type ExecutedUnshieldCalls<T: Config> = StorageMap<_, Blake2_128Concat, H256, u64, ValueQuery>;

    /// How many RSA operations were caused for a shard in the block with this number. What an earlier block left counts
    /// as nothing, so no block has to clean up.
    #[pallet::storage]
    pub type RsaOperations<T: Config> =
        StorageMap<_, Blake2_128Concat, ShardIdentifier, (BlockNumberFor<T>, u32), ValueQuery>;

    /// What the chain tells workers and clients.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// An encrypted operation for this shard is in this block.
        IndirectInvocationRegistered(ShardIdentifier),
        /// Funds were moved to the shard, to be credited to a confidential account.
        ShieldFunds {
            /// The shard.
            shard: ShardIdentifier,
            /// The confidential account, encrypted to the shard's shielding key.
            encrypted_beneficiary: Vec<u8>,
            /// How much.
            amount: BalanceOf<T>,
        },
        /// Funds of the shard were paid out.
        UnshieldedFunds {
            /// The shard.
            shard: ShardIdentifier,
            /// Who got them.
            beneficiary: T::AccountId,
            /// How much.
            amount: BalanceOf<T>,
        },
        /// An enclave of the shard executed a block of this chain.
        ProcessedParentchainBlock {
            /// The shard.
            shard: ShardIdentifier,
            /// Hash of the block.
            block_hash: H256,
            /// Merkle root over the receipts of the shard's operations in it.
            trusted_calls_merkle_root: H256,
            /// Number of the block.
            block_number: BlockNumberFor<T>,
        },
        /// An enclave published a hash.
        PublishedHash {
            /// Measurement of the enclave.
            enclave_fingerprint: Measurement,
            /// The hash.
            hash: H256,
            /// What the enclave says of it.
            data: Vec<u8>,
        },
        /// The shard's configuration was changed, or an upgrade of it was scheduled.
        ShardConfigUpdated(ShardIdentifier),
        /// An enclave was removed from the shard's status.
        PurgedEnclaveFromShardConfig {
            /// The shard.
            shard: ShardIdentifier,
            /// The enclave's account.
            subject: T::AccountId,
        },
        /// A call was executed in a shard's name.
        ExecutedForShard {
            /// The shard.
            shard: ShardIdentifier,
            /// The call's name in the shard.
            call_hash: H256,
            /// What became of it. It is not tried again.
            result: DispatchResult,
        },
    }

    /// Why a call was refused. The first six are those of the live chains' pallet.
    #[pallet::error]
    pub enum Error<T> {
        /// The enclave's measurement is not the one that the shard allows.
        WrongFingerprintForShard,
        /// More extra topics than the limit.
        TooManyTopics,
        /// The published data is longer than the limit.
        DataTooLong,
        /// The shard's limit of instances is reached by enclaves that act: wait until one of them is silent.
        TooManyEnclaves,
        /// The shard's status does not name this enclave.
        EnclaveNotFoundInShardStatus,
        /// No enclave ever confirmed a block for this shard: check the shard, or wait for its first confirmation.
        ShardNotFound,
        /// The cyphertext or encrypted account is longer than any enclave would decrypt.
        CyphertextTooLong,
        /// The shard is in maintenance: try again when it is over.
        ShardIsInMaintenance,
        /// This payment was made already; no funds moved.
        UnshieldAlreadyExecuted,
        /// The confirmed block is not one of this chain.
        BlockIsNotOfThisChain,
        /// The sender may not change this shard's configuration.
        NotAnAuthorityOfShard,
        /// More authorities than the limit, or none: name none with `None`.
        InvalidAuthorities,
        /// This block takes in no more for this shard: send it again in a later one.
        TooManyRsaOperations,
        /// Another measurement for a shard that lives needs a longer `enactment_delay`.
        NoticeTooShort,
        /// This call was executed in the shard's name already; nothing was done.
        CallAlreadyExecuted,
        /// The last block for this call is past: the shard gave it up.
        CallExpired,
        /// This chain does not do this call in a shard's name.
        CallNotForShards,
        /// The call is longer than the limit, or no call of this chain.
        CallNotReadable,
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Puts an encrypted operation in front of a shard's enclaves.
        ///
        /// Its weight includes the enclaves' work. If it is refused, there is no such work, and it is not charged.
        #[pallet::call_index(0)]
        #[pallet::weight(with_opening::<T>(
            <T as Config>::WeightInfo::invoke(request.cyphertext.len().saturated_into()),
            request.cyphertext.len(),
        ))]
        pub fn invoke(origin: OriginFor<T>, request: Request) -> DispatchResultWithPostInfo {
            let len = request.cyphertext.len();
            Self::charging_only_what_is_caused(
                <T as Config>::WeightInfo::invoke(len.saturated_into()),
                || {
                    ensure_signed(origin)?;
                    ensure!(len <= MAX_CYPHERTEXT_LEN, Error::<T>::CyphertextTooLong);
                    Self::take_in(request.shard, len)?;
                    Self::deposit_event(Event::IndirectInvocationRegistered(request.shard));
                    Ok(())
                },
            )
        }

        /// States that the sending enclave executed a block of this chain for a shard, and with which receipts.
        ///
        /// Every worker of a shard confirms; equal confirmations are each valid, and unequal ones for all to see. The
        /// first one makes the shard live.
        #[pallet::call_index(1)]
        #[pallet::weight((
            <T as Config>::WeightInfo::confirm_processed_parentchain_block(),
            DispatchClass::Operational
        ))]
        pub fn confirm_processed_parentchain_block(
            origin: OriginFor<T>,
            shard: ShardIdentifier,
            block_hash: H256,
            block_number: BlockNumberFor<T>,
            trusted_calls_merkle_root: H256,
        ) -> DispatchResult {
            let sender = ensure_signed(origin)?;
            Self::admit_to_confirm(shard, &sender)?;
            Self::ensure_of_this_chain(block_number, block_hash)?;
            Self::deposit_event(Event::ProcessedParentchainBlock {
                shard,
                block_hash,
                trusted_calls_merkle_root,
                block_number,
            });
            Ok(())
        }

        /// Moves funds of the sender into a shard, for the account that `incognito_account_encrypted` hides.
        ///
        /// Its weight includes the enclaves' work. If it is refused, there is no such work, and it is not charged.
        #[pallet::call_index(2)]
        #[pallet::weight(with_opening::<T>(
            <T as Config>::WeightInfo::shield_funds(incognito_account_encrypted.len().saturated_into()),
            incognito_account_encrypted.len(),
        ))]
        pub fn shield_funds(
            origin: OriginFor<T>,
            shard: ShardIdentifier,
            incognito_account_encrypted: Vec<u8>,
            amount: BalanceOf<T>,
        ) -> DispatchResultWithPostInfo {
            let len = incognito_account_encrypted.len();
            Self::charging_only_what_is_caused(
                <T as Config>::WeightInfo::shield_funds(len.saturated_into()),
                || {
                    let sender = ensure_signed(origin)?;
                    ensure!(len <= limits::ENCRYPTED_ACCOUNT_LEN, Error::<T>::CyphertextTooLong);
                    Self::take_in(shard, len)?;
                    T::Currency::transfer(
                        &sender,
                        &Self::shard_account(shard),
                        amount,
                        Preservation::Expendable,
                    )?;
                    Self::deposit_event(Event::ShieldFunds {
                        shard,
                        encrypted_beneficiary: incognito_account_encrypted,
                        amount,
                    });
                    Ok(())
                },
            )
        }

        /// Pays out of a shard's funds, once for each `call_hash`. Only an enclave of the shard may. The shard's
        /// account keeps the existential deposit; a payment that would take it is refused.
        #[pallet::call_index(3)]
        #[pallet::weight((<T as Config>::WeightInfo::unshield_funds(), DispatchClass::Operational))]
        pub fn unshield_funds(
            origin: OriginFor<T>,
            shard: ShardIdentifier,
            beneficiary: T::AccountId,
            amount: BalanceOf<T>,
            call_hash: H256,
        ) -> DispatchResult {
            let sender = ensure_signed(origin)?;
            Self::admit_to_pay(shard, &sender)?;
            let key = Self::unshield_key(shard, call_hash);
            ensure!(!ExecutedUnshieldCalls::<T>::contains_key(key), Error::<T>::UnshieldAlreadyExecuted);
            T::Currency::transfer(&Self::shard_account(shard), &beneficiary, amount, Preservation::Preserve)?;
            let number = frame_system::Pallet::<T>::block_number();
            ExecutedUnshieldCalls::<T>::insert(key, number.saturated_into::<u64>());
            Self::deposit_event(Event::UnshieldedFunds { shard, beneficiary, amount });
            Ok(())
        }

        /// Publishes a hash in the name of the sending enclave's measurement, which is an event topic beside
        /// `extra_topics`.
        #[pallet::call_index(4)]
        #[pallet::weight(<T as Config>::WeightInfo::publish_hash(
            extra_topics.len().saturated_into(),
            data.len().saturated_into()
        ))]
        pub fn publish_hash(
            origin: OriginFor<T>,
            hash: H256,
            extra_topics: Vec<T::Hash>,
            data: Vec<u8>,
        ) -> DispatchResult {
            let sender = ensure_signed(origin)?;
            ensure!(extra_topics.len() <= limits::TOPICS, Error::<T>::TooManyTopics);
            ensure!(data.len() <= limits::PUBLISHED_DATA_LEN, Error::<T>::DataTooLong);
            let enclave_fingerprint = pallet_teerex::Pallet::<T>::measurement_of(&sender)?;
            let mut topics = extra_topics;
            topics.push(enclave_fingerprint.into());
            topics.sort();
            topics.dedup();
            let event = Event::<T>::PublishedHash { enclave_fingerprint, hash, data };
            frame_system::Pallet::<T>::deposit_event_indexed(
                &topics,
                <T as frame_system::Config>::RuntimeEvent::from(event),
            );
            Ok(())
        }

        /// Replaces a shard's configuration `enactment_delay` blocks from now; 0 is at once. See
        /// [`config`](crate::config) for who may, and which notice other code needs. An upgrade that is still pending
        /// is replaced.
        #[pallet::call_index(5)]
        #[pallet::weight(<T as Config>::WeightInfo::update_shard_config())]
        pub fn update_shard_config(
            origin: OriginFor<T>,
            shard: ShardIdentifier,
            shard_config: ShardConfig,
            enactment_delay: BlockNumberFor<T>,
        ) -> DispatchResult {
            let sender = ensure_signed_or_root(origin)?;
            Self::schedule(sender.as_ref(), shard, shard_config, enactment_delay.saturated_into())?;
            Self::deposit_event(Event::ShardConfigUpdated(shard));
            Ok(())
        }

        /// Removes an enclave from a shard's status. Root only.
        #[pallet::call_index(6)]
        #[pallet::weight(<T as Config>::WeightInfo::purge_enclave_from_shard_status())]
        pub fn purge_enclave_from_shard_status(
            origin: OriginFor<T>,
            shard: ShardIdentifier,
            subject: T::AccountId,
        ) -> DispatchResult {
            ensure_root(origin)?;
            Self::purge(shard, &subject)?;
            Self::deposit_event(Event::PurgedEnclaveFromShardConfig { shard, subject });
            Ok(())
        }

        /// Does `call` with the shard's account as its origin, once for each `call_hash`, up to and with block `until`.
        /// Only an enclave of the shard may. A call that fails, that is no call of this chain, or that this chain does
        /// not do in a shard's name, counts as executed; the event has its result.
        #[pallet::call_index(7)]
        #[pallet::weight((
            <T as Config>::WeightInfo::execute_for_shard().saturating_add(
                decoded_call::<T>(call).map(|call| call.get_dispatch_info().call_weight).unwrap_or_default()
            ),
            DispatchClass::Operational
        ))]
        pub fn execute_for_shard(
            origin: OriginFor<T>,
            shard: ShardIdentifier,
            call_hash: H256,
            until: BlockNumberFor<T>,
            call: Vec<u8>,
        ) -> DispatchResultWithPostInfo {
            let sender = ensure_signed(origin)?;
            Self::admit_to_pay(shard, &sender)?;
            let number = frame_system::Pallet::<T>::block_number();
            ensure!(number <= until, Error::<T>::CallExpired);
            let key = Self::unshield_key(shard, call_hash);
            ensure!(!ExecutedUnshieldCalls::<T>::contains_key(key), Error::<T>::CallAlreadyExecuted);
            let call = decoded_call::<T>(&call);
            // What the chain lets nobody do now, as when the block is full of events, may be done in a later block.
            let is_open = call.as_ref().is_none_or(<T as frame_system::Config>::BaseCallFilter::contains);
            ensure!(is_open, frame_system::Error::<T>::CallFiltered);
            // Before the call: whatever it does, it finds its hash used.
            ExecutedUnshieldCalls::<T>::insert(key, number.saturated_into::<u64>());
            let (result, weight) = Self::dispatch_for(shard, sender, call);
            Self::deposit_event(Event::ExecutedForShard { shard, call_hash, result });
            Ok(Some(<T as Config>::WeightInfo::execute_for_shard().saturating_add(weight)).into())
        }
    }
}

impl<T: Config> Pallet<T> {
    /// The account that holds a shard's funds: its 32 bytes are the shard's.
    pub fn shard_account(shard: ShardIdentifier) -> AccountId32 {
        AccountId32::new(*shard.as_bytes())
    }

    /// The key in [`ExecutedUnshieldCalls`] of a payment: blake2-256 over shard and call hash, so that no shard can use
    /// up another's hashes.
    pub fn unshield_key(shard: ShardIdentifier, call_hash: H256) -> H256 {
        let mut bytes = [0; 64];
        let (first, second) = bytes.split_at_mut(32);
        first.copy_from_slice(shard.as_bytes());
        second.copy_from_slice(call_hash.as_bytes());
        H256(sp_io::hashing::blake2_256(&bytes))
    }

    /// Does a call in a shard's name. Returns what became of it, and what it weighed.
    fn dispatch_for(
        shard: ShardIdentifier,
        enclave: AccountId32,
        call: Option<<T as frame_system::Config>::RuntimeCall>,
    ) -> (DispatchResult, Weight) {
        let Some(call) = call else { return (Err(Error::<T>::CallNotReadable.into()), Weight::zero()) };
        let signer = match call.is_sub_type() {
            Some(Call::publish_hash { .. }) => enclave,
            None if T::CallsOfShards::contains(&call) => Self::shard_account(shard),
            Some(_) | None => return (Err(Error::<T>::CallNotForShards.into()), Weight::zero()),
        };
        let info = call.get_dispatch_info();
        let done = call.dispatch(RawOrigin::Signed(signer).into());
        let weight = extract_actual_weight(&done, &info);
        (done.map(|_| ()).map_err(|failed| failed.error), weight)
    }

    /// Number of the current block.
    pub(crate) fn number() -> u32 {
        frame_system::Pallet::<T>::block_number().saturated_into()
    }

    /// How many RSA operations this block may still cause for a shard.
    pub fn rsa_operations_left(shard: ShardIdentifier) -> u32 {
        let (number, caused) = RsaOperations::<T>::get(shard);
        let caused = if number == frame_system::Pallet::<T>::block_number() { caused } else { 0 };
        T::RsaOperationsPerBlock::get().saturating_sub(caused)
    }

    /// Takes an envelope of `len` bytes into a shard, and notes the work that it causes.
    ///
    /// # Errors
    /// When the shard does not live or is in maintenance, or the block has no room left for its work.
    fn take_in(shard: ShardIdentifier, len: usize) -> Result<(), Error<T>> {
        ensure!(Self::is_alive(shard), Error::<T>::ShardNotFound);
        let ShardConfig { maintenance_mode, .. } = Self::active_config(shard);
        ensure!(!maintenance_mode, Error::<T>::ShardIsInMaintenance);
        let left = Self::rsa_operations_left(shard)
            .checked_sub(rsa_operations(len))
            .ok_or(Error::<T>::TooManyRsaOperations)?;
        let caused = T::RsaOperationsPerBlock::get().saturating_sub(left);
        RsaOperations::<T>::insert(shard, (frame_system::Pallet::<T>::block_number(), caused));
        Ok(())
    }

    /// Does `call`, whose weight includes work of enclaves. If it is refused, that work is not caused, and `own`, the
    /// chain's own work, is all that is charged.
    fn charging_only_what_is_caused(
        own: Weight,
        call: impl FnOnce() -> Result<(), DispatchError>,
    ) -> DispatchResultWithPostInfo {
        call().map(PostDispatchInfo::from).map_err(|error| DispatchErrorWithPostInfo {
            post_info: PostDispatchInfo::from(Some(own)),
            error,
        })
    }

    /// Refuses a block that is not an ancestor of the current one, as far as the chain remembers.
    ///
    /// Hashes older than `BlockHashCount` are forgotten. A confirmation of such a block is believed: a worker that
    /// catches up after a long time must be able to confirm.
    fn ensure_of_this_chain(
        number: frame_system::pallet_prelude::BlockNumberFor<T>,
        hash: H256,
    ) -> Result<(), DispatchError> {
        let known = frame_system::Pallet::<T>::block_hash(number);
        let is_past = number < frame_system::Pallet::<T>::block_number();
        ensure!(is_past && (known == hash || known.is_zero()), Error::<T>::BlockIsNotOfThisChain);
        Ok(())
    }
}

/// A call of this chain from its bytes, within [`limits::CALL_LEN`].
fn decoded_call<T: Config>(bytes: &[u8]) -> Option<<T as frame_system::Config>::RuntimeCall> {
    let bytes = bytes.get(..).filter(|bytes| bytes.len() <= limits::CALL_LEN)?;
    DecodeLimit::decode_all_with_depth_limit(limits::CALL_DEPTH, &mut &bytes[..]).ok()
}

/// The weight of a call that puts an envelope of `len` bytes in front of enclaves: the chain's own work, and theirs.
fn with_opening<T: Config>(own: Weight, len: usize) -> Weight {
    own.saturating_add(<T as Config>::WeightInfo::opening(rsa_operations(len)))
}

/// Bounds of what the bridge takes and stores.
pub mod limits {
    /// Enclaves in a shard's status (the live chains' number).
    pub const INSTANCES: u32 = 10;

    /// Bytes of an encrypted account. The classic envelope has 384.
    pub const ENCRYPTED_ACCOUNT_LEN: usize = 1024;

    /// Extra topics of a published hash (wire.md).
    pub const TOPICS: usize = 5;

    /// Bytes of data beside a published hash (wire.md).
    pub const PUBLISHED_DATA_LEN: usize = 100;

    /// Bytes of a call in a shard's name.
    pub const CALL_LEN: usize = 2048;

    /// Levels of nesting in a call in a shard's name. What may be called does not nest.
    pub const CALL_DEPTH: u32 = 16;

    /// Accounts that may configure a shard.
    pub const AUTHORITIES: usize = 32;
}

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;
