// SPDX-License-Identifier: Apache-2.0
//! The rules that decide about an entry: what a proof must show, and who may remove what.
//!
//! A quote is judged in this order: its form, its signatures and the vendor's word (by the
//! [verifier](crate::verifier)), debug mode, patch level, binding. The caller compares the sender last, because a
//! proxied registration has none to compare.

use crate::{
    AllowSkippingAttestation, Config, Error, MILLISECONDS_PER_SECOND, Pallet, QuoteVerifier, RootCertificate,
    SecurityFlags, SgxAllowDebugMode, SovereignEnclaves, TcbPolicy, collateral, types,
};
use alloc::vec::Vec;
use frame_support::{ensure, traits::Get};
use frame_system::pallet_prelude::BlockNumberFor;
use offstage_primitives::{
    AccountId32, H256, Measurement,
    attestation::{MAX_QUOTE_LEN, RegistrationProof, VerifiedQuote},
    bounded::DecodeError,
    collateral::QuoteError,
    teerex::{
        MultiEnclave, SecurityFlags as Flags, SgxAttestationMethod, SgxBuildMode, SgxEnclave, SgxReportData,
    },
};

impl<T: Config> Pallet<T> {
    /// The measurement of the enclave whose key this account is, if the enclave may act.
    ///
    /// # Errors
    /// [`Error::EnclaveIsNotRegistered`] when the account is not a registered, sovereign enclave, and
    /// [`Error::RegistrationIsTooOld`] when it did not renew its registration in time.
    pub fn measurement_of(signer: &AccountId32) -> Result<Measurement, Error<T>> {
        let entry = SovereignEnclaves::<T>::get(signer).ok_or(Error::<T>::EnclaveIsNotRegistered)?;
        ensure!(!Self::is_too_old(&entry), Error::<T>::RegistrationIsTooOld);
        let MultiEnclave::Sgx(enclave) = entry;
        Ok(enclave.mr_enclave)
    }

    /// Whether an entry was not renewed within [`Config::MaxAttestationRenewalPeriod`].
    fn is_too_old(entry: &MultiEnclave) -> bool {
        let MultiEnclave::Sgx(enclave) = entry;
        Self::now() > enclave.timestamp.saturating_add(T::MaxAttestationRenewalPeriod::get())
    }

    /// Chain time in milliseconds since the Unix epoch.
    pub(crate) fn now() -> u64 {
        pallet_timestamp::Pallet::<T>::get()
    }

    /// Steps 3 and 4 of the crate's documentation, except for the sender.
    pub(crate) fn verify_proof(proof: &RegistrationProof) -> Result<VerifiedQuote, Error<T>> {
        let quote = &proof.evidence.quote;
        ensure!(quote.len() <= MAX_QUOTE_LEN, Error::<T>::RaProofIsTooLong);
        let now = Self::now();
        let collateral = collateral::complete::<T>(quote, proof.evidence.collateral.as_ref(), now)?;
        let root = RootCertificate::<T>::get();
        let verified = T::QuoteVerifier::verify(quote, &collateral, &root, now / MILLISECONDS_PER_SECOND)?;

        let debug_allowed = SecurityFlags::<T>::get().sgx_allow_debug_mode;
        ensure!(!verified.debug || debug_allowed, Error::<T>::SgxModeIsNotAllowed);
        let accepted = TcbPolicy::<T>::get().accepts(verified.tcb_status);
        ensure!(accepted, Error::<T>::TcbStatusIsNotAccepted);
        if let Some(binding) = &proof.binding {
            let committed = verified.report_data.get(32..) == Some(&binding.digest()[..]);
            ensure!(committed, Error::<T>::BindingDoesNotMatchReport);
            let genesis_hash = frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::default());
            ensure!(H256::from(binding.genesis_hash) == genesis_hash, Error::<T>::BindingIsForAnotherChain);
        }
        Ok(verified)
    }

    /// Whether the quote's report data starts with this account.
    pub(crate) fn is_signer(account: &AccountId32, verified: &VerifiedQuote) -> bool {
        let key: &[u8] = account.as_ref();
        verified.report_data.starts_with(key)
    }

    /// What the registry keeps of a verified quote.
    pub(crate) fn entry(
        verified: &VerifiedQuote,
        url: Option<Vec<u8>>,
        attestation_method: SgxAttestationMethod,
    ) -> MultiEnclave {
        MultiEnclave::Sgx(SgxEnclave {
            report_data: SgxReportData { d: verified.report_data },
            mr_enclave: verified.mr_enclave,
            mr_signer: verified.mr_signer,
            timestamp: Self::now(),
            url,
            build_mode: if verified.debug { SgxBuildMode::Debug } else { SgxBuildMode::Production },
            attestation_method,
            status: types::sgx_status(verified.tcb_status),
        })
    }

    /// Who may remove an entry: root (`sender` is `None`), its owner, and everybody once it was not renewed.
    pub(crate) fn ensure_may_remove(
        sender: Option<&AccountId32>,
        owner: &AccountId32,
        entry: &MultiEnclave,
    ) -> Result<(), Error<T>> {
        let allowed = Self::is_too_old(entry) || sender.is_none_or(|sender| sender == owner);
        ensure!(allowed, Error::<T>::UnregisterActiveEnclaveIsNotAllowed);
        Ok(())
    }

    /// Writes the flags in our form and in that of the live chains, which must never differ.
    pub(crate) fn store_flags(flags: Flags) {
        SecurityFlags::<T>::put(flags);
        AllowSkippingAttestation::<T>::put(flags.allow_skipping_attestation);
        SgxAllowDebugMode::<T>::put(flags.sgx_allow_debug_mode);
    }
}

impl<T> From<QuoteError> for Error<T> {
    fn from(error: QuoteError) -> Self {
        match error {
            QuoteError::MalformedQuote => Self::QuoteIsMalformed,
            QuoteError::MalformedCollateral => Self::CollateralIsInvalid,
            QuoteError::UntrustedRoot => Self::RootIsNotTrusted,
            QuoteError::Expired => Self::EvidenceIsNotInForce,
            QuoteError::Revoked => Self::CertificateIsRevoked,
            QuoteError::PlatformMismatch => Self::CollateralIsForAnotherPlatform,
            QuoteError::InvalidSignature | QuoteError::Refused => Self::RemoteAttestationVerificationFailed,
        }
    }
}

impl<T> From<DecodeError> for Error<T> {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::TooLong { .. } => Self::RaProofIsTooLong,
            DecodeError::Malformed | DecodeError::TrailingBytes(_) => Self::ProofIsMalformed,
        }
    }
}
