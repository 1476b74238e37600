// SPDX-License-Identifier: Apache-2.0
//! What the authority publishes about its platform: TCB info, quoting enclave's identity, revocation lists.

use super::{
    COLLATERAL_DAYS, DevelopmentError, Platform,
    certificates::{self, CPU_SVN, FMSPC, PCE_ID, PCE_SVN, PCK_SERIAL_NUMBER, authority_params},
    keys::{DevelopmentKey, Owner},
    quote::{QE_ATTRIBUTES, QE_ISV_PROD_ID, QE_ISV_SVN, qe_mr_signer},
};
use offstage_primitives::attestation::{Collateral, TcbStatus};
use rcgen::{
    CertificateRevocationListParams, Issuer, KeyIdMethod, RevocationReason, RevokedCertParams, SerialNumber,
};
use serde_json::json;
use x509_parser::time::ASN1Time;

/// All collateral of `platform`, issued at `now_secs`.
pub(super) fn issue(platform: &Platform, now_secs: u64) -> Result<Collateral, DevelopmentError> {
    if now_secs > LAST_TIME {
        return Err(DevelopmentError::Time(now_secs));
    }
    let validity = Validity::around(now_secs);
    let signer = DevelopmentKey::of(Owner::TcbSigner)?;
    let tcb_info = tcb_info(platform, &validity)?;
    let qe_identity = qe_identity(platform, &validity)?;
    Ok(Collateral {
        pck_crl_issuer_chain: certificates::processor_authority_chain(),
        root_ca_crl: revocation_list(Owner::RootAuthority, &validity, false)?,
        pck_crl: revocation_list(Owner::ProcessorAuthority, &validity, platform.is_revoked)?,
        tcb_info_issuer_chain: certificates::tcb_signer_chain(),
        tcb_info_signature: signer.sign_raw(tcb_info.as_bytes())?.to_vec(),
        tcb_info,
        qe_identity_issuer_chain: certificates::tcb_signer_chain(),
        qe_identity_signature: signer.sign_raw(qe_identity.as_bytes())?.to_vec(),
        qe_identity,
        pck_certificate_chain: None,
    })
}

/// From when until when collateral holds, in seconds since the Unix epoch.
struct Validity {
    from: u64,
    until: u64,
}

impl Validity {
    /// Starts at the midnight before the last one: chain time differs between a chain's blocks, and a client may look
    /// at an older block than the enclave did.
    fn around(now_secs: u64) -> Self {
        let days = (now_secs / DAY).saturating_sub(1);
        let from = days.saturating_mul(DAY);
        Self { from, until: from.saturating_add(COLLATERAL_DAYS.saturating_mul(DAY)) }
    }
}

/// TCB info in the form of the PCS API version 4: version 3, for SGX.
fn tcb_info(platform: &Platform, validity: &Validity) -> Result<String, DevelopmentError> {
    let components: Vec<_> = CPU_SVN.iter().map(|svn| json!({ "svn": svn })).collect();
    let statement = json!({
        "id": "SGX",
        "version": 3,
        "issueDate": rfc3339(validity.from)?,
        "nextUpdate": rfc3339(validity.until)?,
        "fmspc": hex::encode_upper(FMSPC),
        "pceId": hex::encode_upper(PCE_ID),
        "tcbType": 0,
        "tcbEvaluationDataNumber": platform.tcb_evaluation_data_number,
        "tcbLevels": [{
            "tcb": { "sgxtcbcomponents": components, "pcesvn": PCE_SVN },
            "tcbDate": TCB_DATE,
            "tcbStatus": status_name(platform.tcb_status),
        }],
    });
    Ok(statement.to_string())
}

/// The quoting enclave's identity in the form of the PCS API version 4: version 2.
fn qe_identity(platform: &Platform, validity: &Validity) -> Result<String, DevelopmentError> {
    let statement = json!({
        "id": "QE",
        "version": 2,
        "issueDate": rfc3339(validity.from)?,
        "nextUpdate": rfc3339(validity.until)?,
        "tcbEvaluationDataNumber": platform.tcb_evaluation_data_number,
        "miscselect": "00000000",
        "miscselectMask": "FFFFFFFF",
        "attributes": hex::encode_upper(QE_ATTRIBUTES),
        "attributesMask": "FBFFFFFFFFFFFFFF0000000000000000",
        "mrsigner": hex::encode_upper(qe_mr_signer()),
        "isvprodid": QE_ISV_PROD_ID,
        "tcbLevels": [{
            "tcb": { "isvsvn": QE_ISV_SVN },
            "tcbDate": TCB_DATE,
            "tcbStatus": "UpToDate",
        }],
    });
    Ok(statement.to_string())
}

fn revocation_list(
    authority: Owner,
    validity: &Validity,
    revokes_the_platform: bool,
) -> Result<Vec<u8>, DevelopmentError> {
    let levels_below = if authority == Owner::RootAuthority { 1 } else { 0 };
    let params = authority_params(authority, levels_below);
    let key = DevelopmentKey::of(authority)?;
    let revoked = RevokedCertParams {
        serial_number: SerialNumber::from(PCK_SERIAL_NUMBER),
        revocation_time: moment(validity.from)?.to_datetime(),
        reason_code: Some(RevocationReason::KeyCompromise),
        invalidity_date: None,
    };
    let list = CertificateRevocationListParams {
        this_update: moment(validity.from)?.to_datetime(),
        next_update: moment(validity.until)?.to_datetime(),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: if revokes_the_platform { vec![revoked] } else { Vec::new() },
        key_identifier_method: KeyIdMethod::Sha256,
    };
    let list = list.signed_by(&Issuer::from_params(&params, &key)).map_err(|_| DevelopmentError::Signing)?;
    Ok(list.der().to_vec())
}

/// A level's name as Intel writes it.
fn status_name(status: TcbStatus) -> &'static str {
    match status {
        TcbStatus::Unknown => "Unknown",
        TcbStatus::UpToDate => "UpToDate",
        TcbStatus::SWHardeningNeeded => "SWHardeningNeeded",
        TcbStatus::ConfigurationAndSWHardeningNeeded => "ConfigurationAndSWHardeningNeeded",
        TcbStatus::OutOfDate => "OutOfDate",
        TcbStatus::OutOfDateConfigurationNeeded => "OutOfDateConfigurationNeeded",
        TcbStatus::Revoked => "Revoked",
        TcbStatus::ConfigurationNeeded => "ConfigurationNeeded",
    }
}

/// `2027-01-15T08:00:00Z`.
fn rfc3339(seconds: u64) -> Result<String, DevelopmentError> {
    let time = moment(seconds)?.to_datetime();
    let (date, clock) = (time.date(), time.time());
    Ok(format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
        date.year(),
        u8::from(date.month()),
        date.day(),
        clock.hour(),
        clock.minute(),
        clock.second()
    ))
}

fn moment(seconds: u64) -> Result<ASN1Time, DevelopmentError> {
    let timestamp = i64::try_from(seconds).map_err(|_| DevelopmentError::Time(seconds))?;
    ASN1Time::from_timestamp(timestamp).map_err(|_| DevelopmentError::Time(seconds))
}

/// Seconds of a day.
const DAY: u64 = 86_400;

/// 1 January 9000, in seconds since the Unix epoch: the calendar of certificates ends in 9999.
const LAST_TIME: u64 = 221_845_392_000;

/// When the imaginary platform's only patch level was defined.
const TCB_DATE: &str = "1970-01-01T00:00:00Z";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_the_vendor_writes_them() {
        assert_eq!(rfc3339(1_800_000_000).unwrap(), "2027-01-15T08:00:00Z");
        assert_eq!(rfc3339(LAST_TIME).unwrap(), "9000-01-01T00:00:00Z");
        assert_eq!(issue(&Platform::default(), u64::MAX), Err(DevelopmentError::Time(u64::MAX)));
    }

    #[test]
    fn statements_of_one_day_are_the_same_bytes() {
        let issue = |now| issue(&Platform::default(), now).unwrap();
        let (morning, evening) = (issue(1_800_000_000), issue(1_800_050_000));
        assert_eq!(morning.tcb_info, evening.tcb_info);
        assert_eq!(morning.qe_identity, evening.qe_identity);
    }
}
