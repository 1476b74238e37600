// SPDX-License-Identifier: Apache-2.0
//! Collateral by itself, as anybody may register it on a parentchain: verified for its signature up to the root and
//! for the time, read into what the chain shows. At each use it is verified again, with revocation, by
//! [`verify_quote`](crate::verify_quote).

use crate::{
    chain::{
        pck_authority, read_certificate, read_chain, read_revocation_list, verify_in_force,
        verify_issued_by_root, verify_raw_signature, verify_revocation_list,
    },
    quote::{MAX_ROOT_LEN, tcb_status},
};
use dcap_qvl::{QeIdentity, TcbInfo};
use offstage_primitives::{
    attestation::{MAX_COLLATERAL_LEN, TcbStatus, TeeType},
    collateral::{
        QeTcb, QuoteError, SgxQuotingEnclave, SgxTcbInfoOnChain, TcbVersionStatus,
        VerifiedQuotingEnclaveIdentity, VerifiedRevocationLists, VerifiedTcbInfo,
    },
};
use serde::de::DeserializeOwned;
use x509_parser::time::ASN1Time;

/// Verifies a quoting enclave's identity: JSON text, raw signature, PEM chain of the signer up to `root` (DER), at
/// `now_secs` (seconds since the Unix epoch).
///
/// # Errors
/// [`QuoteError`], which names the rule that was broken.
pub fn verify_quoting_enclave_identity(
    enclave_identity: &[u8],
    signature: &[u8],
    certificate_chain: &[u8],
    root: &[u8],
    now_secs: u64,
) -> Result<VerifiedQuotingEnclaveIdentity, QuoteError> {
    let identity: QeIdentity = read_signed(enclave_identity, signature, certificate_chain, root, now_secs)?;
    let tee = match (identity.id.as_str(), identity.version) {
        ("QE", 2) => TeeType::Sgx,
        ("TD_QE", 2 | 3) => TeeType::Tdx,
        _ => return Err(QuoteError::PlatformMismatch),
    };
    let (issue_date, next_update) = validity(&identity.issue_date, &identity.next_update, now_secs)?;
    let healthy =
        identity.tcb_levels.iter().filter(|level| level.tcb_status == dcap_qvl::TcbStatus::UpToDate);
    Ok(VerifiedQuotingEnclaveIdentity {
        tee,
        tcb_evaluation_data_number: identity.tcb_evaluation_data_number,
        quoting_enclave: SgxQuotingEnclave {
            issue_date,
            next_update,
            miscselect: identity.miscselect,
            miscselect_mask: identity.miscselect_mask,
            attributes: identity.attributes,
            attributes_mask: identity.attributes_mask,
            mrsigner: identity.mrsigner,
            isvprodid: identity.isvprodid,
            tcb: healthy.map(|level| QeTcb { isvsvn: level.tcb.isvsvn }).collect(),
        },
    })
}

/// Verifies a TCB info: JSON text, raw signature, PEM chain of the signer up to `root` (DER), at `now_secs` (seconds
/// since the Unix epoch).
///
/// # Errors
/// [`QuoteError`], which names the rule that was broken.
pub fn verify_tcb_info(
    tcb_info: &[u8],
    signature: &[u8],
    certificate_chain: &[u8],
    root: &[u8],
    now_secs: u64,
) -> Result<VerifiedTcbInfo, QuoteError> {
    let info: TcbInfo = read_signed(tcb_info, signature, certificate_chain, root, now_secs)?;
    let tee = match (info.id.as_str(), info.version) {
        ("SGX", 2..) => TeeType::Sgx,
        ("TDX", 3..) => TeeType::Tdx,
        _ => return Err(QuoteError::PlatformMismatch),
    };
    let (issue_date, next_update) = validity(&info.issue_date, &info.next_update, now_secs)?;
    let fmspc = hex::decode(&info.fmspc).ok().and_then(|bytes| bytes.try_into().ok());
    let levels: Option<Vec<TcbVersionStatus>> = info.tcb_levels.iter().map(level).collect();
    Ok(VerifiedTcbInfo {
        tee,
        fmspc: fmspc.ok_or(QuoteError::MalformedCollateral)?,
        tcb_evaluation_data_number: info.tcb_evaluation_data_number,
        on_chain_info: SgxTcbInfoOnChain {
            issue_date,
            next_update,
            tcb_levels: levels.ok_or(QuoteError::MalformedCollateral)?,
        },
    })
}

/// Verifies revocation lists (DER): that `root_ca_crl` was signed by `root`, that `pck_crl` was signed by the first
/// certificate of `pck_crl_issuer_chain` (PEM), that this one was issued by `root` and is not revoked, and that all
/// hold at `now_secs` (seconds since the Unix epoch).
///
/// # Errors
/// [`QuoteError`], which names the rule that was broken.
pub fn verify_revocation_lists(
    root_ca_crl: &[u8],
    pck_crl: &[u8],
    pck_crl_issuer_chain: &[u8],
    root: &[u8],
    now_secs: u64,
) -> Result<VerifiedRevocationLists, QuoteError> {
    let len = root_ca_crl.len().saturating_add(pck_crl.len());
    if len > MAX_COLLATERAL_LEN || root.len() > MAX_ROOT_LEN {
        return Err(QuoteError::MalformedCollateral);
    }
    let [authority, _] = read_chain::<2>(pck_crl_issuer_chain, root)?;
    let root = read_certificate(root)?;
    let authority = read_certificate(&authority)?;
    verify_issued_by_root(&authority, &root, true, now_secs)?;
    let root_list = read_revocation_list(root_ca_crl)?;
    let pck_list = read_revocation_list(pck_crl)?;
    let (root_issued, root_until) = verify_revocation_list(&root_list, &root, now_secs)?;
    let (pck_issued, pck_until) = verify_revocation_list(&pck_list, &authority, now_secs)?;
    if root_list.iter_revoked_certificates().any(|revoked| revoked.raw_serial() == authority.raw_serial()) {
        return Err(QuoteError::Revoked);
    }
    Ok(VerifiedRevocationLists {
        pck_authority: pck_authority(&authority, false).ok_or(QuoteError::PlatformMismatch)?,
        issue_date: milliseconds(root_issued.min(pck_issued)),
        next_update: milliseconds(root_until.min(pck_until)),
    })
}

/// The signature is checked before the text is parsed: a stranger's bytes never reach the parser.
fn read_signed<T: DeserializeOwned>(
    text: &[u8],
    signature: &[u8],
    certificate_chain: &[u8],
    root: &[u8],
    now_secs: u64,
) -> Result<T, QuoteError> {
    if text.len() > MAX_COLLATERAL_LEN || root.len() > MAX_ROOT_LEN {
        return Err(QuoteError::MalformedCollateral);
    }
    let [signer, _] = read_chain::<2>(certificate_chain, root)?;
    let signer = read_certificate(&signer)?;
    verify_issued_by_root(&signer, &read_certificate(root)?, false, now_secs)?;
    verify_raw_signature(&signer, text, signature)?;
    serde_json::from_slice(text).map_err(|_| QuoteError::MalformedCollateral)
}

/// Times of a statement, in milliseconds since the Unix epoch.
fn validity(issue_date: &str, next_update: &str, now_secs: u64) -> Result<(u64, u64), QuoteError> {
    let (from, until) = verify_in_force(timestamp(issue_date)?, timestamp(next_update)?, now_secs)?;
    Ok((milliseconds(from), milliseconds(until)))
}

/// Reads `2025-06-19T10:56:11Z`, the only form in which Intel writes times.
fn timestamp(text: &str) -> Result<i64, QuoteError> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let separators: String = text.chars().filter(|letter| !letter.is_ascii_digit()).collect();
    if digits.len() != 14 || separators != "--T::Z" {
        return Err(QuoteError::MalformedCollateral);
    }
    let time = x509_parser::der_parser::asn1_rs::GeneralizedTime::from_bytes(format!("{digits}Z").as_bytes())
        .map_err(|_| QuoteError::MalformedCollateral)?;
    let time = time.utc_datetime().map_err(|_| QuoteError::MalformedCollateral)?;
    Ok(ASN1Time::from(time).timestamp())
}

fn level(level: &dcap_qvl::TcbLevel) -> Option<TcbVersionStatus> {
    let components: Vec<u8> = level.tcb.sgx_components.iter().map(|component| component.svn).collect();
    let tcb_status: TcbStatus = tcb_status(&level.tcb_status.to_string());
    Some(TcbVersionStatus { cpusvn: components.try_into().ok()?, pcesvn: level.tcb.pce_svn, tcb_status })
}

fn milliseconds(seconds: u64) -> u64 {
    seconds.saturating_mul(1000)
}
