// SPDX-License-Identifier: Apache-2.0
//! The seam between the registry and whoever can verify quotes.
//!
//! A quote's verification needs X.509, ECDSA and the vendor's JSON formats. The node of this project does it
//! natively, in `offstage_attestation`, and gives it to the runtime as a host function; a chain that cannot have host
//! functions can bring another implementation of [`QuoteVerifier`]. The pallet itself parses none of these formats.
//!
//! # Rules for an implementation
//! It is a pure function of its arguments: no clock, no file, no network, or validators disagree about a block. It
//! bounds its work by the lengths of its arguments, which the pallet limits
//! ([`limits`](crate::types::limits)). It never panics.

use offstage_primitives::{
    attestation::{Collateral, VerifiedQuote},
    collateral::{
        QuoteError, QuotePlatform, VerifiedQuotingEnclaveIdentity, VerifiedRevocationLists, VerifiedTcbInfo,
    },
};

/// Verifies quotes and collateral against a given root at a given time.
///
/// Chains are PEM, leaf first; lists and `root` are DER; JSON texts are byte for byte as they were signed;
/// signatures are the 64 raw bytes `r ++ s` of ECDSA P-256.
pub trait QuoteVerifier {
    /// Verifies a quote completely: certificate chains and revocation up to `root`, collateral in force at
    /// `now_secs` (seconds since the Unix epoch), quoting enclave, platform level, and the quote's own signature.
    ///
    /// A debug enclave's quote and a platform that lacks patches are *not* errors here: the answer says so, and the
    /// registry judges by its own policy. `offstage_attestation::verify_quote`.
    ///
    /// # Errors
    /// [`QuoteError`], which names the rule that was broken.
    fn verify(
        quote: &[u8],
        collateral: &Collateral,
        root: &[u8],
        now_secs: u64,
    ) -> Result<VerifiedQuote, QuoteError>;

    /// Reads from an unverified quote which collateral it needs. `offstage_attestation::quote_platform`.
    ///
    /// # Errors
    /// [`QuoteError::MalformedQuote`], also for a quote that does not carry its PCK certificate chain.
    fn quote_platform(quote: &[u8]) -> Result<QuotePlatform, QuoteError>;

    /// Verifies a quoting enclave's identity (JSON) and its signer's chain up to `root` at `now_secs`.
    /// `offstage_attestation::verify_quoting_enclave_identity`.
    ///
    /// # Errors
    /// [`QuoteError`], which names the rule that was broken.
    fn verify_quoting_enclave_identity(
        enclave_identity: &[u8],
        signature: &[u8],
        certificate_chain: &[u8],
        root: &[u8],
        now_secs: u64,
    ) -> Result<VerifiedQuotingEnclaveIdentity, QuoteError>;

    /// Verifies a TCB info (JSON) and its signer's chain up to `root` at `now_secs`.
    /// `offstage_attestation::verify_tcb_info`.
    ///
    /// # Errors
    /// [`QuoteError`], which names the rule that was broken.
    fn verify_tcb_info(
        tcb_info: &[u8],
        signature: &[u8],
        certificate_chain: &[u8],
        root: &[u8],
        now_secs: u64,
    ) -> Result<VerifiedTcbInfo, QuoteError>;

    /// Verifies that the list `root_ca_crl` was signed by `root`, that the list `pck_crl` was signed by the first
    /// certificate of `pck_crl_issuer_chain`, that this chain ends in `root` and is not revoked by the first list, and
    /// that all hold at `now_secs`. `offstage_attestation::verify_revocation_lists`.
    ///
    /// # Errors
    /// [`QuoteError`], which names the rule that was broken.
    fn verify_revocation_lists(
        root_ca_crl: &[u8],
        pck_crl: &[u8],
        pck_crl_issuer_chain: &[u8],
        root: &[u8],
        now_secs: u64,
    ) -> Result<VerifiedRevocationLists, QuoteError>;
}
