// SPDX-License-Identifier: Apache-2.0
//! Collateral: what must be known beside a quote in order to judge it.
//!
//! It has three parts, each signed by the vendor: the identity of the quoting enclave, the patch levels of the
//! platform (TCB info), and the revocation lists. Anybody may register a part, once for all enclaves; a proof may
//! carry all of them for itself.
//!
//! # Which one counts
//! A registered part that is in force counts before a carried one. Otherwise an attacker with a vulnerable platform
//! would carry last month's collateral, which called it healthy and has not expired, although the chain knows
//! better. For the same reason a registered part is replaced by newer ones only.
//!
//! # Attacks
//! Everything here comes from strangers. Lengths are checked first; then the
//! [verifier](crate::verifier::QuoteVerifier) checks signatures up to the pinned root; only then is anything
//! stored. What is stored is verified again, with revocation, at each use.

use crate::{
    Config, Error, MILLISECONDS_PER_SECOND, Pallet, QuoteVerifier, QuotingEnclaveIdentities, RevocationLists,
    RootCertificate, SgxQuotingEnclaveRegistry, SgxTcbInfo, TcbInfos,
    types::{self, RegisteredRevocationLists, SignedStatement},
};
use alloc::{string::String, vec::Vec};
use frame_support::{BoundedVec, ensure, traits::Get};
use offstage_primitives::{
    attestation::{Collateral, TeeType},
    collateral::{PckAuthority, SgxQuotingEnclave, SgxTcbInfoOnChain},
};

/// The collateral to judge `quote` with: each part registered and in force at `now` (milliseconds since the Unix
/// epoch), or else `carried`.
///
/// # Errors
/// [`Error::QuoteIsMalformed`] when the quote does not tell its platform, and the error of the part that is neither
/// registered in force nor carried.
pub(crate) fn complete<T: Config>(
    quote: &[u8],
    carried: Option<&Collateral>,
    now: u64,
) -> Result<Collateral, Error<T>> {
    let platform = T::QuoteVerifier::quote_platform(quote)?;
    let identity = QuotingEnclaveIdentities::<T>::get(platform.tee).filter(|part| part.is_in_force(now));
    let tcb_info = TcbInfos::<T>::get((platform.tee, platform.fmspc)).filter(|part| part.is_in_force(now));
    let lists = RevocationLists::<T>::get(platform.pck_authority).filter(|part| part.is_in_force(now));

    let (qe_identity, qe_identity_signature, qe_identity_issuer_chain) = match (identity, carried) {
        (Some(part), _) => signed_parts(part)?,
        (None, Some(carried)) => (
            carried.qe_identity.clone(),
            carried.qe_identity_signature.clone(),
            carried.qe_identity_issuer_chain.clone(),
        ),
        (None, None) => return Err(Error::MissingQuotingEnclaveIdentity),
    };
    let (tcb_info, tcb_info_signature, tcb_info_issuer_chain) = match (tcb_info, carried) {
        (Some(part), _) => signed_parts(part)?,
        (None, Some(carried)) => (
            carried.tcb_info.clone(),
            carried.tcb_info_signature.clone(),
            carried.tcb_info_issuer_chain.clone(),
        ),
        (None, None) => return Err(Error::MissingTcbInfoForFmspc),
    };
    let (root_ca_crl, pck_crl, pck_crl_issuer_chain) = match (lists, carried) {
        (Some(part), _) => (
            part.root_ca_crl.into_inner(),
            part.pck_crl.into_inner(),
            text(part.pck_crl_issuer_chain.into_inner())?,
        ),
        (None, Some(carried)) => {
            (carried.root_ca_crl.clone(), carried.pck_crl.clone(), carried.pck_crl_issuer_chain.clone())
        }
        (None, None) => return Err(Error::MissingRevocationLists),
    };
    Ok(Collateral {
        pck_crl_issuer_chain,
        root_ca_crl,
        pck_crl,
        tcb_info_issuer_chain,
        tcb_info,
        tcb_info_signature,
        qe_identity_issuer_chain,
        qe_identity,
        qe_identity_signature,
        // The quote carries its own chain, or `quote_platform` had refused it.
        pck_certificate_chain: None,
    })
}

/// Verifies and stores a quoting enclave's identity. Returns the form for show.
pub(crate) fn register_quoting_enclave<T: Config>(
    enclave_identity: Vec<u8>,
    signature: Vec<u8>,
    certificate_chain: Vec<u8>,
) -> Result<SgxQuotingEnclave, Error<T>> {
    let bounded = Statement::<T>::bounded(enclave_identity, signature, certificate_chain)?;
    let verified = T::QuoteVerifier::verify_quoting_enclave_identity(
        &bounded.text,
        &bounded.signature,
        &bounded.certificate_chain,
        &RootCertificate::<T>::get(),
        Pallet::<T>::now() / MILLISECONDS_PER_SECOND,
    )
    .map_err(statement_error)?;
    let shown = verified.quoting_enclave;
    let statement = bounded.issued(shown.issue_date, shown.next_update, verified.tcb_evaluation_data_number);
    ensure_newer(&statement, QuotingEnclaveIdentities::<T>::get(verified.tee))?;
    QuotingEnclaveIdentities::<T>::insert(verified.tee, statement);
    if verified.tee == TeeType::Sgx {
        SgxQuotingEnclaveRegistry::<T>::put(shown.clone());
    }
    Ok(shown)
}

/// Verifies and stores a TCB info. Returns its platform and the form for show.
pub(crate) fn register_tcb_info<T: Config>(
    tcb_info: Vec<u8>,
    signature: Vec<u8>,
    certificate_chain: Vec<u8>,
) -> Result<([u8; 6], SgxTcbInfoOnChain), Error<T>> {
    let bounded = Statement::<T>::bounded(tcb_info, signature, certificate_chain)?;
    let verified = T::QuoteVerifier::verify_tcb_info(
        &bounded.text,
        &bounded.signature,
        &bounded.certificate_chain,
        &RootCertificate::<T>::get(),
        Pallet::<T>::now() / MILLISECONDS_PER_SECOND,
    )
    .map_err(statement_error)?;
    let shown = types::in_wire_words(verified.on_chain_info);
    let statement = bounded.issued(shown.issue_date, shown.next_update, verified.tcb_evaluation_data_number);
    ensure_newer(&statement, TcbInfos::<T>::get((verified.tee, verified.fmspc)))?;
    TcbInfos::<T>::insert((verified.tee, verified.fmspc), statement);
    if verified.tee == TeeType::Sgx {
        SgxTcbInfo::<T>::insert(verified.fmspc, shown.clone());
    }
    Ok((verified.fmspc, shown))
}

/// Verifies and stores revocation lists. Returns whose they are and until when (milliseconds since the Unix
/// epoch) they hold.
pub(crate) fn register_revocation_lists<T: Config>(
    root_ca_crl: Vec<u8>,
    pck_crl: Vec<u8>,
    pck_crl_issuer_chain: Vec<u8>,
) -> Result<(PckAuthority, u64), Error<T>> {
    let mut lists = RegisteredRevocationLists {
        issue_date: 0,
        next_update: 0,
        root_ca_crl: bounded(root_ca_crl)?,
        pck_crl: bounded(pck_crl)?,
        pck_crl_issuer_chain: bounded(pck_crl_issuer_chain)?,
    };
    let verified = T::QuoteVerifier::verify_revocation_lists(
        &lists.root_ca_crl,
        &lists.pck_crl,
        &lists.pck_crl_issuer_chain,
        &RootCertificate::<T>::get(),
        Pallet::<T>::now() / MILLISECONDS_PER_SECOND,
    )
    .map_err(statement_error)?;
    lists.issue_date = verified.issue_date;
    lists.next_update = verified.next_update;
    let former = RevocationLists::<T>::get(verified.pck_authority);
    let is_newer = former.is_none_or(|former| former.issue_date <= lists.issue_date);
    ensure!(is_newer, Error::CollateralIsOlderThanRegistered);
    RevocationLists::<T>::insert(verified.pck_authority, lists);
    Ok((verified.pck_authority, verified.next_update))
}

/// A signed text within its bounds, before it is verified.
struct Statement<T> {
    text: BoundedVec<u8, frame_support::traits::ConstU32<{ types::limits::STATEMENT_LEN }>>,
    signature: [u8; 64],
    certificate_chain:
        BoundedVec<u8, frame_support::traits::ConstU32<{ types::limits::CERTIFICATE_CHAIN_LEN }>>,
    runtime: core::marker::PhantomData<T>,
}

impl<T: Config> Statement<T> {
    fn bounded(text: Vec<u8>, signature: Vec<u8>, certificate_chain: Vec<u8>) -> Result<Self, Error<T>> {
        Ok(Self {
            text: bounded(text)?,
            signature: signature.try_into().map_err(|_| Error::CollateralIsInvalid)?,
            certificate_chain: bounded(certificate_chain)?,
            runtime: core::marker::PhantomData,
        })
    }

    fn issued(self, issue_date: u64, next_update: u64, tcb_evaluation_data_number: u32) -> SignedStatement {
        SignedStatement {
            issue_date,
            next_update,
            tcb_evaluation_data_number,
            text: self.text,
            signature: self.signature,
            certificate_chain: self.certificate_chain,
        }
    }
}

fn ensure_newer<T: Config>(
    statement: &SignedStatement,
    former: Option<SignedStatement>,
) -> Result<(), Error<T>> {
    let is_newer = former.is_none_or(|former| !statement.is_older_than(&former));
    ensure!(is_newer, Error::CollateralIsOlderThanRegistered);
    Ok(())
}

fn bounded<T: Config, Bound: Get<u32>>(bytes: Vec<u8>) -> Result<BoundedVec<u8, Bound>, Error<T>> {
    bytes.try_into().map_err(|_| Error::CollateralIsTooLong)
}

fn signed_parts<T: Config>(part: SignedStatement) -> Result<(String, Vec<u8>, String), Error<T>> {
    Ok((text(part.text.into_inner())?, part.signature.to_vec(), text(part.certificate_chain.into_inner())?))
}

fn text<T: Config>(bytes: Vec<u8>) -> Result<String, Error<T>> {
    String::from_utf8(bytes).map_err(|_| Error::CollateralIsInvalid)
}

/// A statement that does not verify is bad collateral, not a bad quote.
fn statement_error<T: Config>(error: offstage_primitives::collateral::QuoteError) -> Error<T> {
    match Error::from(error) {
        Error::RemoteAttestationVerificationFailed => Error::CollateralIsInvalid,
        other => other,
    }
}
