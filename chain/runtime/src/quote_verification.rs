// SPDX-License-Identifier: Apache-2.0
//! Verification of DCAP quotes by the node, as host functions.
//!
//! # What
//! [`quote_verification`] is the interface between the runtime, which is wasm, and the node, which verifies quotes
//! natively with `offstage_attestation`. [`NodeQuoteVerifier`] makes it the verifier of `pallet_teerex`.
//!
//! # Details
//! Consensus depends on these functions: every node must answer every call in the same way, for as long as a chain
//! keeps the block that made it. So each function carries a version. A changed rule is a new version beside the old
//! one, never an edit of the old one.
//!
//! All are pure functions: the root and the time are arguments, taken from the chain's state.

use offstage_primitives::{
    attestation::{Collateral, VerifiedQuote},
    collateral::{
        QuoteError, QuotePlatform, VerifiedQuotingEnclaveIdentity, VerifiedRevocationLists, VerifiedTcbInfo,
    },
};
use pallet_teerex::QuoteVerifier;
use sp_runtime_interface::{
    pass_by::{AllocateAndReturnByCodec, PassFatPointerAndDecode, PassFatPointerAndRead},
    runtime_interface,
};

/// What the node verifies for the runtime. The functions mean what those of [`QuoteVerifier`] mean.
#[runtime_interface]
pub trait QuoteVerification {
    /// Verifies a quote with its collateral.
    fn verify_quote(
        quote: PassFatPointerAndRead<&[u8]>,
        collateral: PassFatPointerAndDecode<Collateral>,
        root: PassFatPointerAndRead<&[u8]>,
        now_secs: u64,
    ) -> AllocateAndReturnByCodec<Result<VerifiedQuote, QuoteError>> {
        offstage_attestation::verify_quote(quote, &collateral, root, now_secs)
    }

    /// Reads which collateral a quote needs.
    fn quote_platform(
        quote: PassFatPointerAndRead<&[u8]>,
    ) -> AllocateAndReturnByCodec<Result<QuotePlatform, QuoteError>> {
        offstage_attestation::quote_platform(quote)
    }

    /// Verifies a quoting enclave's identity.
    fn verify_quoting_enclave_identity(
        enclave_identity: PassFatPointerAndRead<&[u8]>,
        signature: PassFatPointerAndRead<&[u8]>,
        certificate_chain: PassFatPointerAndRead<&[u8]>,
        root: PassFatPointerAndRead<&[u8]>,
        now_secs: u64,
    ) -> AllocateAndReturnByCodec<Result<VerifiedQuotingEnclaveIdentity, QuoteError>> {
        offstage_attestation::verify_quoting_enclave_identity(
            enclave_identity,
            signature,
            certificate_chain,
            root,
            now_secs,
        )
    }

    /// Verifies a TCB info.
    fn verify_tcb_info(
        tcb_info: PassFatPointerAndRead<&[u8]>,
        signature: PassFatPointerAndRead<&[u8]>,
        certificate_chain: PassFatPointerAndRead<&[u8]>,
        root: PassFatPointerAndRead<&[u8]>,
        now_secs: u64,
    ) -> AllocateAndReturnByCodec<Result<VerifiedTcbInfo, QuoteError>> {
        offstage_attestation::verify_tcb_info(tcb_info, signature, certificate_chain, root, now_secs)
    }

    /// Verifies the revocation lists of the root and of the platforms' CA.
    fn verify_revocation_lists(
        root_ca_crl: PassFatPointerAndRead<&[u8]>,
        pck_crl: PassFatPointerAndRead<&[u8]>,
        pck_crl_issuer_chain: PassFatPointerAndRead<&[u8]>,
        root: PassFatPointerAndRead<&[u8]>,
        now_secs: u64,
    ) -> AllocateAndReturnByCodec<Result<VerifiedRevocationLists, QuoteError>> {
        offstage_attestation::verify_revocation_lists(
            root_ca_crl,
            pck_crl,
            pck_crl_issuer_chain,
            root,
            now_secs,
        )
    }
}

/// The verifier of `pallet_teerex` on chains whose nodes have the host functions of this module.
pub struct NodeQuoteVerifier;

impl QuoteVerifier for NodeQuoteVerifier {
    fn verify(
        quote: &[u8],
        collateral: &Collateral,
        root: &[u8],
        now_secs: u64,
    ) -> Result<VerifiedQuote, QuoteError> {
        quote_verification::verify_quote(quote, collateral.clone(), root, now_secs)
    }

    fn quote_platform(quote: &[u8]) -> Result<QuotePlatform, QuoteError> {
        quote_verification::quote_platform(quote)
    }

    fn verify_quoting_enclave_identity(
        enclave_identity: &[u8],
        signature: &[u8],
        certificate_chain: &[u8],
        root: &[u8],
        now_secs: u64,
    ) -> Result<VerifiedQuotingEnclaveIdentity, QuoteError> {
        quote_verification::verify_quoting_enclave_identity(
            enclave_identity,
            signature,
            certificate_chain,
            root,
            now_secs,
        )
    }

    fn verify_tcb_info(
        tcb_info: &[u8],
        signature: &[u8],
        certificate_chain: &[u8],
        root: &[u8],
        now_secs: u64,
    ) -> Result<VerifiedTcbInfo, QuoteError> {
        quote_verification::verify_tcb_info(tcb_info, signature, certificate_chain, root, now_secs)
    }

    fn verify_revocation_lists(
        root_ca_crl: &[u8],
        pck_crl: &[u8],
        pck_crl_issuer_chain: &[u8],
        root: &[u8],
        now_secs: u64,
    ) -> Result<VerifiedRevocationLists, QuoteError> {
        quote_verification::verify_revocation_lists(
            root_ca_crl,
            pck_crl,
            pck_crl_issuer_chain,
            root,
            now_secs,
        )
    }
}
