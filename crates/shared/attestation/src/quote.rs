// SPDX-License-Identifier: Apache-2.0
//! Verification of a quote with its collateral, on `dcap-qvl`.

use crate::chain;
use codec::{Decode, Encode};
use dcap_qvl::{
    QuoteCollateralV3,
    quote::{AuthData, Quote, Report, TDReport10},
    verify::QuoteVerifier,
};
use offstage_primitives::{
    Measurement,
    attestation::{Collateral, MAX_COLLATERAL_LEN, MAX_QUOTE_LEN, TcbStatus, TeeType, VerifiedQuote},
    collateral::{QuoteError, QuotePlatform},
};
use sp_crypto_hashing::blake2_256;

/// Verifies a quote: all certificate chains up to `root` (DER), revocation, that all collateral is in force at
/// `now_secs` (seconds since the Unix epoch), the quoting enclave, the platform's patch level, and the quote's own
/// signature.
///
/// A debug enclave and a platform that lacks patches are *not* errors: the answer says so, and the caller judges
/// ([`verify_platform`](crate::verify_platform) does). A revoked platform is an error.
///
/// # Errors
/// [`QuoteError`], which names the rule that was broken.
pub fn verify_quote(
    quote: &[u8],
    collateral: &Collateral,
    root: &[u8],
    now_secs: u64,
) -> Result<VerifiedQuote, QuoteError> {
    if root.len() > MAX_ROOT_LEN || collateral.encoded_size() > MAX_COLLATERAL_LEN {
        return Err(QuoteError::MalformedCollateral);
    }
    let parsed = parse(quote)?;
    verify_chain_profile(&parsed, collateral, root)?;
    let verified = QuoteVerifier::new(root.to_vec())
        // The debug bit is reported, so that the chain's flag can decide.
        .allow_debug(true)
        .verify(quote, &to_dcap(collateral), now_secs)
        .map_err(|error| refusal(&format!("{error:#}")))?;
    let (tee, measurement, mr_signer, report_data, debug) = claims_of(&verified.report);
    Ok(VerifiedQuote {
        tee,
        mr_enclave: measurement,
        mr_signer,
        report_data,
        debug,
        tcb_status: tcb_status(&verified.status),
        advisory_ids: verified.advisory_ids,
    })
}

/// Reads from an unverified quote which collateral it needs.
///
/// # Errors
/// [`QuoteError::MalformedQuote`], also for a quote that does not carry its PCK certificate chain.
pub fn quote_platform(quote: &[u8]) -> Result<QuotePlatform, QuoteError> {
    let parsed = parse(quote)?;
    let chain = carried_chain(&parsed)?;
    let leaf = chain.first().ok_or(QuoteError::MalformedQuote)?;
    let extension = dcap_qvl::intel::parse_pck_extension(leaf).map_err(|_| QuoteError::MalformedQuote)?;
    let certificate = chain::read_certificate(leaf).map_err(|_| QuoteError::MalformedQuote)?;
    Ok(QuotePlatform {
        tee: if parsed.header.is_sgx() { TeeType::Sgx } else { TeeType::Tdx },
        fmspc: extension.fmspc,
        pck_authority: chain::pck_authority(&certificate, true).ok_or(QuoteError::MalformedQuote)?,
    })
}

/// What a quote claims, without any check of it. For quotes that somebody trustworthy has verified already, such as the
/// chain in a registration that succeeded.
///
/// # Errors
/// [`QuoteError::MalformedQuote`].
pub fn unverified_claims(quote: &[u8]) -> Result<UnverifiedClaims, QuoteError> {
    let parsed = parse(quote)?;
    let (_, measurement, _, report_data, _) = claims_of(&parsed.report);
    Ok(UnverifiedClaims { measurement, report_data })
}

/// What a quote claims.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UnverifiedClaims {
    /// Measurement of the code.
    pub measurement: Measurement,
    /// The 64 bytes that the code let the hardware sign.
    pub report_data: [u8; 64],
}

/// The last certificate of the chain that a quote carries: what its maker claims as root.
pub(crate) fn claimed_root(quote: &[u8]) -> Option<Vec<u8>> {
    carried_chain(&parse(quote).ok()?).ok()?.pop()
}

/// A level's name as Intel writes it.
pub(crate) fn tcb_status(name: &str) -> TcbStatus {
    match name {
        "UpToDate" => TcbStatus::UpToDate,
        "SWHardeningNeeded" => TcbStatus::SWHardeningNeeded,
        "ConfigurationNeeded" => TcbStatus::ConfigurationNeeded,
        "ConfigurationAndSWHardeningNeeded" => TcbStatus::ConfigurationAndSWHardeningNeeded,
        // A TD that must be started anew to use the patches that its platform has.
        "OutOfDate" | "TDRelaunchAdvised" => TcbStatus::OutOfDate,
        "OutOfDateConfigurationNeeded" | "TDRelaunchAdvisedConfigurationNeeded" => {
            TcbStatus::OutOfDateConfigurationNeeded
        }
        "Revoked" => TcbStatus::Revoked,
        _ => TcbStatus::Unknown,
    }
}

/// Reads a quote of which every byte means something: it encodes to itself again, and at most zeros follow.
fn parse(quote: &[u8]) -> Result<Quote, QuoteError> {
    if quote.len() > MAX_QUOTE_LEN {
        return Err(QuoteError::MalformedQuote);
    }
    let parsed = Quote::decode(&mut &*quote).map_err(|_| QuoteError::MalformedQuote)?;
    let padding = quote.strip_prefix(&*parsed.encode()).ok_or(QuoteError::MalformedQuote)?;
    // Quotes of version 4 wrap what certifies the key in data of type 6, which nothing else looks at.
    let is_wrapped_right = match &parsed.auth_data {
        AuthData::V3(_) => true,
        AuthData::V4(data) => data.certification_data.cert_type == QE_REPORT_CERTIFICATION_DATA,
    };
    if !is_wrapped_right || padding.iter().any(|byte| *byte != 0) {
        return Err(QuoteError::MalformedQuote);
    }
    Ok(parsed)
}

fn carried_chain(quote: &Quote) -> Result<Vec<Vec<u8>>, QuoteError> {
    let pem = quote.raw_cert_chain().map_err(|_| QuoteError::MalformedQuote)?;
    chain::read_pem(pem).map_err(|_| QuoteError::MalformedQuote)
}

/// The quote carries its PCK chain, and every chain has the length of Intel's profile and ends in the very root. What
/// `dcap-qvl` would ignore (a foreign root at the end of a chain, a certificate beside the path, the list's issuer) is
/// refused here.
fn verify_chain_profile(quote: &Quote, collateral: &Collateral, root: &[u8]) -> Result<(), QuoteError> {
    let carried = quote.raw_cert_chain().map_err(|_| QuoteError::MalformedQuote)?;
    let pck_chain = chain::read_chain::<3>(carried, root).map_err(|error| match error {
        QuoteError::MalformedCollateral => QuoteError::MalformedQuote,
        other => other,
    })?;
    if let Some(beside) = &collateral.pck_certificate_chain
        && chain::read_chain::<3>(beside.as_bytes(), root)? != pck_chain
    {
        return Err(QuoteError::PlatformMismatch);
    }
    let [_, pck_issuer, _] = pck_chain;
    let [list_issuer, _] = chain::read_chain::<2>(collateral.pck_crl_issuer_chain.as_bytes(), root)?;
    if list_issuer != pck_issuer {
        return Err(QuoteError::PlatformMismatch);
    }
    chain::read_chain::<2>(collateral.tcb_info_issuer_chain.as_bytes(), root)?;
    chain::read_chain::<2>(collateral.qe_identity_issuer_chain.as_bytes(), root)?;
    let signatures = [&collateral.tcb_info_signature, &collateral.qe_identity_signature];
    if signatures.iter().any(|signature| signature.len() != SIGNATURE_LEN) {
        return Err(QuoteError::MalformedCollateral);
    }
    Ok(())
}

/// Kind of TEE, measurement, signer of the code, report data, and whether it is a debug enclave.
fn claims_of(report: &Report) -> (TeeType, Measurement, [u8; 32], [u8; 64], bool) {
    match report {
        Report::SgxEnclave(report) => (
            TeeType::Sgx,
            report.mr_enclave.into(),
            report.mr_signer,
            report.report_data,
            report.attributes.first().is_none_or(|flags| flags & SGX_DEBUG_FLAG != 0),
        ),
        Report::TD10(report) => of_td(report),
        Report::TD15(report) => of_td(&report.base),
        Report::TD15Ex(report) => of_td(&report.base.base),
    }
}

/// The parts of a TD's report that count. Its code is measured in five registers: the firmware in MRTD, what it started
/// in RTMR 0 to 3. Any bit of the debug group means that somebody can look inside.
fn of_td(report: &TDReport10) -> (TeeType, Measurement, [u8; 32], [u8; 64], bool) {
    let registers = [report.mr_td, report.rt_mr0, report.rt_mr1, report.rt_mr2, report.rt_mr3].concat();
    let debug = report.td_attributes.first().is_none_or(|under_debug| *under_debug != 0);
    (TeeType::Tdx, blake2_256(&registers).into(), [0; 32], report.report_data, debug)
}

fn to_dcap(collateral: &Collateral) -> QuoteCollateralV3 {
    let collateral = collateral.clone();
    QuoteCollateralV3 {
        pck_crl_issuer_chain: collateral.pck_crl_issuer_chain,
        root_ca_crl: collateral.root_ca_crl,
        pck_crl: collateral.pck_crl,
        tcb_info_issuer_chain: collateral.tcb_info_issuer_chain,
        tcb_info: collateral.tcb_info,
        tcb_info_signature: collateral.tcb_info_signature,
        qe_identity_issuer_chain: collateral.qe_identity_issuer_chain,
        qe_identity: collateral.qe_identity,
        qe_identity_signature: collateral.qe_identity_signature,
        pck_certificate_chain: collateral.pck_certificate_chain,
    }
}

/// Names the rule in the words of [`QuoteError`]. `dcap-qvl` says it in prose; its version is pinned in the lock file,
/// and the tests hold each of these words. Prose that is not known is a refusal all the same.
fn refusal(prose: &str) -> QuoteError {
    const RULES: &[(&str, QuoteError)] = &[
        ("CertRevoked", QuoteError::Revoked),
        ("TCB status is invalid: Revoked", QuoteError::Revoked),
        ("CertExpired", QuoteError::Expired),
        ("CertNotValidYet", QuoteError::Expired),
        ("CrlExpired", QuoteError::Expired),
        ("TCBInfo expired", QuoteError::Expired),
        ("QE Identity expired", QuoteError::Expired),
        ("issue date is in the future", QuoteError::Expired),
        ("UnknownIssuer", QuoteError::UntrustedRoot),
        ("InvalidSignatureForPublicKey", QuoteError::InvalidSignature),
        ("InvalidCrlSignatureForPublicKey", QuoteError::InvalidSignature),
        ("ignature is invalid", QuoteError::InvalidSignature),
        ("QE report hash mismatch", QuoteError::InvalidSignature),
        ("Fmspc mismatch", QuoteError::PlatformMismatch),
        ("No matching TCB level", QuoteError::PlatformMismatch),
        ("TDX TCB info", QuoteError::PlatformMismatch),
        ("SGX TCB info", QuoteError::PlatformMismatch),
        ("No TDX module identity", QuoteError::PlatformMismatch),
        ("Unsupported QE Identity id", QuoteError::PlatformMismatch),
        ("Failed to parse root CA CRL", QuoteError::MalformedCollateral),
        ("Failed to parse PCK CRL", QuoteError::MalformedCollateral),
        ("Failed to decode TcbInfo", QuoteError::MalformedCollateral),
        ("Failed to decode QeIdentity", QuoteError::MalformedCollateral),
        ("leaf certificate", QuoteError::MalformedCollateral),
        ("Failed to decode quote", QuoteError::MalformedQuote),
        ("must have version", QuoteError::MalformedQuote),
        ("Unsupported DCAP", QuoteError::MalformedQuote),
    ];
    RULES.iter().find(|(words, _)| prose.contains(words)).map_or(QuoteError::Refused, |(_, error)| *error)
}

/// Bit `DEBUG` of the attributes of an SGX report (Intel SDM volume 3D, section 34.7.1).
const SGX_DEBUG_FLAG: u8 = 0x02;

/// Type of certification data ("ECDSA Quote Library Reference DCAP API", table 9).
const QE_REPORT_CERTIFICATION_DATA: u16 = 6;

/// ECDSA P-256, `r ++ s`.
const SIGNATURE_LEN: usize = 64;

/// Intel's root certificate has 659 bytes.
pub(crate) const MAX_ROOT_LEN: usize = 4 * 1024;
