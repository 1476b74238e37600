// SPDX-License-Identifier: Apache-2.0
//! # Teerex: the parentchain's registry of attested enclaves
//!
//! A shard's funds and its confirmations are in the hands of whoever the chain takes for an enclave. So this pallet
//! keeps one fact per account: *this account's key lives in that code, on a platform that the hardware vendor
//! vouches for*. Everybody reads it: the bridge (`pallet-enclave-bridge`) before it pays out, clients
//! before they encrypt, enclaves before they hand over a key.
//!
//! The interface (calls, events, storage names and shapes) is that of the pallet of the same name on Integritee's
//! chains, so that their clients read ours; the code and the rules are our own.
//!
//! ## From a quote to an entry
//! 1. An enclave asks the hardware for a *quote*: a signed statement over its measurement and 64 bytes of
//!    its choice. The first half of these bytes is its own public key, the second the digest of a
//!    [`KeyBinding`](offstage_primitives::attestation::KeyBinding) to chain, shard and further keys.
//! 2. It signs [`register_sgx_enclave`](Pallet::register_sgx_enclave) with that key. The proof is the bare quote or a
//!    `RegistrationProof`, which carries collateral and the binding.
//! 3. The pallet completes the *collateral* (identity of the quoting enclave, patch levels, revocation lists; see
//!    [`collateral`]) and lets a [`QuoteVerifier`] judge the quote at chain time against [`RootCertificate`].
//! 4. It applies the chain's own rules (debug mode, [`TcbPolicy`], sender, binding) and writes
//!    [`SovereignEnclaves`]: one entry per signer, the newest wins.
//!
//! An entry that is not renewed within [`Config::MaxAttestationRenewalPeriod`] gives no right any more and can be
//! removed by anyone, since its platform may have been found vulnerable since: a renewal is judged by the collateral
//! and the policy of its own time.
//!
//! ## What protects what
//! - *Stolen quote*: a quote is public, but only its enclave can sign as the account in its first half.
//! - *Quote of another chain*: the binding names the genesis hash.
//! - *Software enclave posing as hardware*: its certificate chain ends in the development root, and the verifier
//!   accepts one root only, which genesis pins.
//! - *Downgrade to old collateral*: registered collateral that is in force comes before carried collateral, and is
//!   replaced by newer only.
//! - *Debug enclave*: refused unless [`SgxAllowDebugMode`]; `Skip` and `Ias` are refused always.
//! - *Key of a platform that was broken since*: an entry that is too old does not act
//!   ([`measurement_of`](Pallet::measurement_of)), so the key is good for as long as its last registration counts.
//! - *Exhaustion*: every input has a bound ([`types::limits`]), verification is priced ([`weights`]), no call iterates
//!   over storage.
//!
//! A proxied enclave (registered by somebody else, under [`ProxiedEnclaves`]) proved its measurement, but its quote may
//! be old: nobody but the registrar signed. The bridge therefore never acts on proxied enclaves.
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;
// What tests share says `pallet_teerex`, inside and outside of it.
#[cfg(all(test, feature = "runtime-benchmarks"))]
extern crate self as pallet_teerex;

#[cfg(feature = "runtime-benchmarks")]
pub mod benchmarking;
pub mod collateral;
mod rules;
pub mod types;
pub mod verifier;
pub mod weights;

pub use pallet::*;
pub use verifier::QuoteVerifier;
pub use weights::WeightInfo;

/// The registry.
#[frame_support::pallet]
pub mod pallet {
    use super::{QuoteVerifier, WeightInfo, collateral, types};
    use alloc::vec::Vec;
    use frame_support::pallet_prelude::*;
    use frame_system::pallet_prelude::*;
    use offstage_primitives::{
        AccountId32, H256,
        attestation::{
            INTEL_ROOT, MAX_REGISTRATION_PROOF_LEN, RegistrationProof, TcbPolicy as TcbRules, TeeType,
        },
        collateral::{PckAuthority, SgxQuotingEnclave, SgxTcbInfoOnChain},
        teerex::{MultiEnclave, SecurityFlags as Flags, SgxAttestationMethod, SgxStatus},
    };
    use types::{AnySigner, EnclaveInstanceAddress, RegisteredRevocationLists, SignedStatement, limits};

    /// What the runtime decides.
    #[pallet::config]
    pub trait Config:
        frame_system::Config<AccountId = AccountId32, Hash = H256, RuntimeEvent: From<Event<Self>>>
        + pallet_timestamp::Config<Moment = u64>
    {
        /// Verifies quotes and collateral.
        type QuoteVerifier: QuoteVerifier;

        /// Prices of the calls.
        type WeightInfo: WeightInfo;

        /// Milliseconds of a day.
        #[pallet::constant]
        type MomentsPerDay: Get<u64>;

        /// How long an entry counts, in milliseconds
        /// ([`RENEWAL_PERIOD_MS`](offstage_primitives::teerex::RENEWAL_PERIOD_MS) on the chains in use). Then its
        /// enclave may not act any more, and everybody may remove it.
        #[pallet::constant]
        type MaxAttestationRenewalPeriod: Get<u64>;

        /// What benchmarks need from outside.
        #[cfg(feature = "runtime-benchmarks")]
        type BenchmarkHelper: crate::benchmarking::BenchmarkHelper;
    }

    /// The pallet.
    #[pallet::pallet]
    pub struct Pallet<T>(_);

    /// Enclaves that registered themselves, by signer. The key of an entry lives in the code that the entry names.
    #[pallet::storage]
    #[pallet::unbounded]
    pub type SovereignEnclaves<T: Config> =
        StorageMap<_, Blake2_128Concat, T::AccountId, MultiEnclave, OptionQuery>;

    /// Enclaves that somebody else registered.
    #[pallet::storage]
    #[pallet::unbounded]
    pub type ProxiedEnclaves<T: Config> =
        StorageMap<_, Blake2_128Concat, EnclaveInstanceAddress<T::AccountId>, MultiEnclave, OptionQuery>;

    /// The registered identity of SGX's quoting enclave, for show. Verification uses
    /// [`QuotingEnclaveIdentities`].
    #[pallet::storage]
    #[pallet::unbounded]
    pub type SgxQuotingEnclaveRegistry<T: Config> = StorageValue<_, SgxQuotingEnclave, ValueQuery>;

    /// The registered patch levels of SGX platforms by FMSPC, for show. Verification uses [`TcbInfos`].
    #[pallet::storage]
    #[pallet::unbounded]
    pub type SgxTcbInfo<T: Config> = StorageMap<_, Blake2_128Concat, [u8; 6], SgxTcbInfoOnChain, OptionQuery>;

    /// Whether debug enclaves are registered: [`SecurityFlags`] in the form that the live chains' clients read.
    #[pallet::storage]
    pub type SgxAllowDebugMode<T: Config> = StorageValue<_, bool, ValueQuery>;

    /// Always `false`: [`SecurityFlags`] in the form that the live chains' clients read.
    #[pallet::storage]
    pub type AllowSkippingAttestation<T: Config> = StorageValue<_, bool, ValueQuery>;

    /// What the chain tolerates. Enclaves and clients follow it too.
    #[pallet::storage]
    pub type SecurityFlags<T: Config> = StorageValue<_, Flags, ValueQuery>;

    /// The one root CA, DER, in which every certificate chain must end. Set at genesis; only a runtime upgrade or
    /// the root origin's `set_storage` can change it.
    #[pallet::storage]
    pub type RootCertificate<T: Config> =
        StorageValue<_, BoundedVec<u8, ConstU32<{ limits::ROOT_CERTIFICATE_LEN }>>, ValueQuery>;

    /// Which platform patch levels are accepted. Set at genesis, like [`RootCertificate`].
    #[pallet::storage]
    #[pallet::unbounded]
    pub type TcbPolicy<T: Config> = StorageValue<_, TcbRules, ValueQuery>;

    /// Registered quoting enclave identities, whole.
    #[pallet::storage]
    pub type QuotingEnclaveIdentities<T: Config> =
        StorageMap<_, Blake2_128Concat, TeeType, SignedStatement, OptionQuery>;

    /// Registered TCB infos, whole, by kind of TEE and FMSPC.
    #[pallet::storage]
    pub type TcbInfos<T: Config> =
        StorageMap<_, Blake2_128Concat, (TeeType, [u8; 6]), SignedStatement, OptionQuery>;

    /// Registered revocation lists by PCK CA.
    #[pallet::storage]
    pub type RevocationLists<T: Config> =
        StorageMap<_, Blake2_128Concat, PckAuthority, RegisteredRevocationLists, OptionQuery>;

    /// What genesis pins.
    #[pallet::genesis_config]
    pub struct GenesisConfig<T: Config> {
        /// The trusted root CA, DER.
        pub root_certificate: Vec<u8>,
        /// The accepted patch levels.
        pub tcb_policy: TcbRules,
        /// Whether enclaves whose memory a debugger can read are registered.
        pub sgx_allow_debug_mode: bool,
        /// Ties the type to its runtime.
        #[serde(skip)]
        pub runtime: PhantomData<T>,
    }

    impl<T: Config> Default for GenesisConfig<T> {
        /// The safe choice: Intel's root, patched platforms, no debug enclaves.
        fn default() -> Self {
            Self {
                root_certificate: INTEL_ROOT.to_vec(),
                tcb_policy: TcbRules::default(),
                sgx_allow_debug_mode: false,
                runtime: PhantomData,
            }
        }
    }

    #[pallet::genesis_build]
    impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
        fn build(&self) {
            let root = BoundedVec::try_from(self.root_certificate.clone())
                .expect("the genesis root certificate must not be longer than limits::ROOT_CERTIFICATE_LEN");
            RootCertificate::<T>::put(root);
            TcbPolicy::<T>::put(self.tcb_policy.clone());
            Pallet::<T>::store_flags(Flags {
                allow_skipping_attestation: false,
                sgx_allow_debug_mode: self.sgx_allow_debug_mode,
            });
        }
    }

    /// What the chain tells about the registry.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// An enclave was registered, or renewed its registration.
        AddedSgxEnclave {
            /// Who signed the extrinsic: the enclave itself, unless proxied.
            registered_by: T::AccountId,
            /// Where its worker can be reached.
            worker_url: Option<Vec<u8>>,
            /// Patch level of its platform.
            tcb_status: Option<SgxStatus>,
            /// How it was attested.
            attestation_method: SgxAttestationMethod,
        },
        /// The entry of this signer was removed.
        RemovedSovereignEnclave(T::AccountId),
        /// The entry at this address was removed.
        RemovedProxiedEnclave(EnclaveInstanceAddress<T::AccountId>),
        /// Patch levels of a kind of platform were registered.
        SgxTcbInfoRegistered {
            /// The kind of platform.
            fmspc: [u8; 6],
            /// The levels.
            on_chain_info: SgxTcbInfoOnChain,
        },
        /// The identity of a quoting enclave was registered.
        SgxQuotingEnclaveRegistered {
            /// The identity.
            quoting_enclave: SgxQuotingEnclave,
        },
        /// The security flags were set.
        UpdatedSecurityFlags {
            /// Always `false`.
            allow_skipping_attestation: bool,
            /// Whether debug enclaves are registered.
            sgx_allow_debug_mode: bool,
        },
        /// Revocation lists were registered.
        RevocationListsRegistered {
            /// Whose certificates they are about.
            pck_authority: PckAuthority,
            /// Until when they hold, in milliseconds since the Unix epoch.
            next_update: u64,
        },
    }

    /// Why a call was refused. Numbers below 54 are those of the live chains' pallet where the meaning is the same.
    #[pallet::error]
    pub enum Error<T> {
        /// The sender is not the signer that the quote names (`report_data[0..32]`).
        #[codec(index = 1)]
        SenderIsNotAttestedEnclave,
        /// The quote breaks a rule of its format or a signature does not match.
        #[codec(index = 2)]
        RemoteAttestationVerificationFailed,
        /// The enclave's memory can be read by a debugger, and the chain does not allow that.
        #[codec(index = 4)]
        SgxModeIsNotAllowed,
        /// No enclave is registered for this account or address.
        #[codec(index = 5)]
        EnclaveIsNotRegistered,
        /// The worker URL is longer than the limit.
        #[codec(index = 6)]
        EnclaveUrlIsTooLong,
        /// The proof, or the quote in it, is longer than the limit.
        #[codec(index = 7)]
        RaProofIsTooLong,
        /// The collateral cannot be read, or its signature does not match.
        #[codec(index = 9)]
        CollateralIsInvalid,
        /// The entry was renewed within the protected period, and the sender is not its enclave.
        #[codec(index = 10)]
        UnregisterActiveEnclaveIsNotAllowed,
        /// Attestation cannot be skipped on this chain.
        #[codec(index = 11)]
        SkippingAttestationIsNotAllowed,
        /// The proof carries no TCB info and none is registered for its platform.
        #[codec(index = 12)]
        MissingTcbInfoForFmspc,
        /// Only DCAP attestation is supported.
        #[codec(index = 54)]
        AttestationMethodIsNotSupported,
        /// The proof is neither a quote nor a registration proof.
        #[codec(index = 55)]
        ProofIsMalformed,
        /// The quote is not a DCAP quote with its PCK certificate chain.
        #[codec(index = 56)]
        QuoteIsMalformed,
        /// The certificate chain does not end in the chain's root: a software enclave's quote is accepted only where
        /// genesis names the development root.
        #[codec(index = 57)]
        RootIsNotTrusted,
        /// A certificate of the platform was revoked.
        #[codec(index = 58)]
        CertificateIsRevoked,
        /// Evidence or collateral does not hold at chain time: fetch fresh collateral.
        #[codec(index = 59)]
        EvidenceIsNotInForce,
        /// The collateral is about another kind of platform.
        #[codec(index = 60)]
        CollateralIsForAnotherPlatform,
        /// The chain's policy does not accept the platform's patch level.
        #[codec(index = 61)]
        TcbStatusIsNotAccepted,
        /// The carried binding is not what the quote commits to (`report_data[32..64]`).
        #[codec(index = 62)]
        BindingDoesNotMatchReport,
        /// The enclave bound its keys to another chain.
        #[codec(index = 63)]
        BindingIsForAnotherChain,
        /// The proof carries no quoting enclave identity and none is registered.
        #[codec(index = 64)]
        MissingQuotingEnclaveIdentity,
        /// The proof carries no revocation lists and none are registered.
        #[codec(index = 65)]
        MissingRevocationLists,
        /// A text, chain or list is longer than the limit.
        #[codec(index = 66)]
        CollateralIsTooLong,
        /// Newer collateral is registered already.
        #[codec(index = 67)]
        CollateralIsOlderThanRegistered,
        /// The enclave did not renew its registration in time and may not act: register again, with fresh evidence.
        #[codec(index = 68)]
        RegistrationIsTooOld,
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Registers an enclave, or renews its registration.
        ///
        /// `proof` is a bare DCAP quote or a `RegistrationProof`; `attestation_method` must be `Dcap`. Unless it is
        /// `proxied`, the sender must be the signer that the quote names.
        #[pallet::call_index(0)]
        #[pallet::weight((
            <T as Config>::WeightInfo::register_sgx_enclave(length_of(&[proof, worker_url.as_deref().unwrap_or(&[])])),
            DispatchClass::Operational
        ))]
        pub fn register_sgx_enclave(
            origin: OriginFor<T>,
            proof: Vec<u8>,
            worker_url: Option<Vec<u8>>,
            attestation_method: SgxAttestationMethod,
        ) -> DispatchResult {
            let sender = ensure_signed(origin)?;
            ensure!(proof.len() <= MAX_REGISTRATION_PROOF_LEN, Error::<T>::RaProofIsTooLong);
            let url_len = worker_url.as_ref().map_or(0, Vec::len);
            ensure!(url_len <= limits::URL_LEN as usize, Error::<T>::EnclaveUrlIsTooLong);
            let proxied = match attestation_method {
                SgxAttestationMethod::Dcap { proxied } => proxied,
                SgxAttestationMethod::Skip { .. } => {
                    return Err(Error::<T>::SkippingAttestationIsNotAllowed.into());
                }
                SgxAttestationMethod::Ias => return Err(Error::<T>::AttestationMethodIsNotSupported.into()),
            };

            let proof = RegistrationProof::from_bytes(&proof).map_err(Error::<T>::from)?;
            let verified = Self::verify_proof(&proof)?;
            let enclave = Self::entry(&verified, worker_url.clone(), attestation_method);
            let status = types::sgx_status(verified.tcb_status);
            if proxied {
                let address = EnclaveInstanceAddress {
                    fingerprint: verified.mr_enclave,
                    registrar: sender.clone(),
                    signer: AnySigner::from_report_data(&verified.report_data, proof.binding.is_some()),
                };
                ProxiedEnclaves::<T>::insert(address, enclave);
            } else {
                ensure!(Self::is_signer(&sender, &verified), Error::<T>::SenderIsNotAttestedEnclave);
                SovereignEnclaves::<T>::insert(&sender, enclave);
            }
            Self::deposit_event(Event::AddedSgxEnclave {
                registered_by: sender,
                worker_url,
                tcb_status: Some(status),
                attestation_method,
            });
            Ok(())
        }

        /// Removes a signer's entry: the enclave itself and the root origin at any time, everybody once it was not
        /// renewed within [`Config::MaxAttestationRenewalPeriod`].
        #[pallet::call_index(1)]
        #[pallet::weight(<T as Config>::WeightInfo::unregister_sovereign_enclave())]
        pub fn unregister_sovereign_enclave(
            origin: OriginFor<T>,
            enclave_signer: T::AccountId,
        ) -> DispatchResult {
            let sender = ensure_signed_or_root(origin)?;
            let entry =
                SovereignEnclaves::<T>::get(&enclave_signer).ok_or(Error::<T>::EnclaveIsNotRegistered)?;
            Self::ensure_may_remove(sender.as_ref(), &enclave_signer, &entry)?;
            SovereignEnclaves::<T>::remove(&enclave_signer);
            Self::deposit_event(Event::RemovedSovereignEnclave(enclave_signer));
            Ok(())
        }

        /// Removes a proxied enclave's entry: its registrar and the root origin at any time, everybody once it was
        /// not renewed within [`Config::MaxAttestationRenewalPeriod`].
        #[pallet::call_index(2)]
        #[pallet::weight(<T as Config>::WeightInfo::unregister_proxied_enclave())]
        pub fn unregister_proxied_enclave(
            origin: OriginFor<T>,
            address: EnclaveInstanceAddress<T::AccountId>,
        ) -> DispatchResult {
            let sender = ensure_signed_or_root(origin)?;
            let entry = ProxiedEnclaves::<T>::get(&address).ok_or(Error::<T>::EnclaveIsNotRegistered)?;
            Self::ensure_may_remove(sender.as_ref(), &address.registrar, &entry)?;
            ProxiedEnclaves::<T>::remove(&address);
            Self::deposit_event(Event::RemovedProxiedEnclave(address));
            Ok(())
        }

        /// Registers the identity of a quoting enclave. Anybody may: the vendor signed it.
        #[pallet::call_index(3)]
        #[pallet::weight(<T as Config>::WeightInfo::register_quoting_enclave(
            length_of(&[enclave_identity, signature, certificate_chain])
        ))]
        pub fn register_quoting_enclave(
            origin: OriginFor<T>,
            enclave_identity: Vec<u8>,
            signature: Vec<u8>,
            certificate_chain: Vec<u8>,
        ) -> DispatchResult {
            ensure_signed(origin)?;
            let quoting_enclave =
                collateral::register_quoting_enclave::<T>(enclave_identity, signature, certificate_chain)?;
            Self::deposit_event(Event::SgxQuotingEnclaveRegistered { quoting_enclave });
            Ok(())
        }

        /// Registers the patch levels of a kind of platform. Anybody may: the vendor signed them.
        #[pallet::call_index(4)]
        #[pallet::weight(<T as Config>::WeightInfo::register_tcb_info(
            length_of(&[tcb_info, signature, certificate_chain])
        ))]
        pub fn register_tcb_info(
            origin: OriginFor<T>,
            tcb_info: Vec<u8>,
            signature: Vec<u8>,
            certificate_chain: Vec<u8>,
        ) -> DispatchResult {
            ensure_signed(origin)?;
            let (fmspc, on_chain_info) =
                collateral::register_tcb_info::<T>(tcb_info, signature, certificate_chain)?;
            Self::deposit_event(Event::SgxTcbInfoRegistered { fmspc, on_chain_info });
            Ok(())
        }

        /// Sets what the chain tolerates. Root only. Skipping attestation cannot be allowed.
        #[pallet::call_index(5)]
        #[pallet::weight((<T as Config>::WeightInfo::set_security_flags(), DispatchClass::Operational))]
        pub fn set_security_flags(
            origin: OriginFor<T>,
            allow_skipping_attestation: bool,
            sgx_allow_debug_mode: bool,
        ) -> DispatchResult {
            ensure_root(origin)?;
            ensure!(!allow_skipping_attestation, Error::<T>::SkippingAttestationIsNotAllowed);
            Self::store_flags(Flags { allow_skipping_attestation, sgx_allow_debug_mode });
            Self::deposit_event(Event::UpdatedSecurityFlags {
                allow_skipping_attestation,
                sgx_allow_debug_mode,
            });
            Ok(())
        }

        /// Registers the revocation lists of the root CA and of one PCK CA. Anybody may: the CAs signed them. This
        /// call is not part of the live chains' interface.
        #[pallet::call_index(6)]
        #[pallet::weight(<T as Config>::WeightInfo::register_revocation_lists(
            length_of(&[root_ca_crl, pck_crl, pck_crl_issuer_chain])
        ))]
        pub fn register_revocation_lists(
            origin: OriginFor<T>,
            root_ca_crl: Vec<u8>,
            pck_crl: Vec<u8>,
            pck_crl_issuer_chain: Vec<u8>,
        ) -> DispatchResult {
            ensure_signed(origin)?;
            let (pck_authority, next_update) =
                collateral::register_revocation_lists::<T>(root_ca_crl, pck_crl, pck_crl_issuer_chain)?;
            Self::deposit_event(Event::RevocationListsRegistered { pck_authority, next_update });
            Ok(())
        }
    }

    /// Bytes of all `parts` together, for pricing.
    fn length_of(parts: &[&[u8]]) -> u32 {
        parts.iter().fold(0u32, |sum, part| sum.saturating_add(part.len().try_into().unwrap_or(u32::MAX)))
    }
}

/// Chain time is in milliseconds, certificates count seconds.
pub(crate) const MILLISECONDS_PER_SECOND: u64 = 1000;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;
