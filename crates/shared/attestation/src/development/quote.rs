// SPDX-License-Identifier: Apache-2.0
//! The imaginary quoting enclave: real quotes of version 3 ("ECDSA Quote Library Reference DCAP API", appendix A.4).

use super::{
    DevelopmentError, Report,
    certificates::{self, CPU_SVN, PCE_SVN},
    keys::{DevelopmentKey, Owner},
};
use aws_lc_rs::digest::{SHA256, digest};
use codec::Encode;
use dcap_qvl::{
    INTEL_QE_VENDOR_ID,
    quote::{AuthDataV3, CertificationData, Data, EnclaveReport, Header},
};

/// A quote over `report`, with the PCK certificate chain in it.
pub(super) fn sign(report: &Report) -> Result<Vec<u8>, DevelopmentError> {
    let header = Header {
        version: 3,
        // ECDSA-256 with P-256.
        attestation_key_type: 2,
        // SGX.
        tee_type: 0,
        qe_svn: QE_ISV_SVN,
        pce_svn: PCE_SVN.into(),
        qe_vendor_id: INTEL_QE_VENDOR_ID,
        user_data: [0; 20],
    };
    let debug_flag = if report.debug { 0x02 } else { 0 };
    let enclave = EnclaveReport {
        attributes: [ENCLAVE_FLAGS | debug_flag, 0, 0, 0, 0, 0, 0, 0, 0xe7, 0, 0, 0, 0, 0, 0, 0],
        mr_enclave: *report.measurement.as_bytes(),
        report_data: report.report_data,
        ..empty_report()
    };
    let signed = (header, enclave).encode();
    let attestation_key = DevelopmentKey::of(Owner::QuotingEnclave)?;
    let authentication = AuthDataV3 {
        ecdsa_signature: attestation_key.sign_raw(&signed)?,
        ..certified_key(&attestation_key)?
    };
    let authentication = authentication.encode();
    let len = u32::try_from(authentication.len()).map_err(|_| DevelopmentError::Signing)?;
    Ok([signed, len.encode(), authentication].concat())
}

/// The platform certifies its quoting enclave, whose report names the attestation key.
fn certified_key(attestation_key: &DevelopmentKey) -> Result<AuthDataV3, DevelopmentError> {
    let (_, point) = attestation_key.public_point().split_first().ok_or(DevelopmentError::Signing)?;
    let ecdsa_attestation_key: [u8; 64] = point.try_into().map_err(|_| DevelopmentError::Signing)?;
    let key_digest = digest(&SHA256, &[&ecdsa_attestation_key[..], &QE_AUTHENTICATION_DATA].concat());
    let mut report_data = [0; 64];
    for (byte, digest_byte) in report_data.iter_mut().zip(key_digest.as_ref()) {
        *byte = *digest_byte;
    }
    let qe_report = EnclaveReport {
        attributes: QE_ATTRIBUTES,
        mr_enclave: register("quoting enclave"),
        mr_signer: qe_mr_signer(),
        isv_prod_id: QE_ISV_PROD_ID,
        isv_svn: QE_ISV_SVN,
        report_data,
        ..empty_report()
    };
    let qe_report: [u8; 384] = qe_report.encode().try_into().map_err(|_| DevelopmentError::Signing)?;
    Ok(AuthDataV3 {
        ecdsa_signature: [0; 64],
        ecdsa_attestation_key,
        qe_report_signature: DevelopmentKey::of(Owner::Platform)?.sign_raw(&qe_report)?,
        qe_report,
        qe_auth_data: Data::new(QE_AUTHENTICATION_DATA.to_vec()),
        // Type 5: the concatenated PEM chain of the PCK certificate.
        certification_data: CertificationData {
            cert_type: 5,
            body: Data::new(certificates::pck_chain().into_bytes()),
        },
    })
}

/// Who signed the imaginary quoting enclave.
pub(super) fn qe_mr_signer() -> [u8; 32] {
    register("signer of the quoting enclave")
}

fn register(words: &str) -> [u8; 32] {
    sp_crypto_hashing::sha2_256(&[b"offstage development ", words.as_bytes()].concat())
}

fn empty_report() -> EnclaveReport {
    EnclaveReport {
        cpu_svn: CPU_SVN,
        misc_select: 0,
        reserved1: [0; 28],
        attributes: [0; 16],
        mr_enclave: [0; 32],
        reserved2: [0; 32],
        mr_signer: [0; 32],
        reserved3: [0; 96],
        isv_prod_id: 0,
        isv_svn: 0,
        reserved4: [0; 60],
        report_data: [0; 64],
    }
}

/// Attributes `INIT` and `MODE64BIT` of an enclave (Intel SDM volume 3D, section 34.7.1).
const ENCLAVE_FLAGS: u8 = 0x05;

/// Attributes `INIT` and `PROVISIONKEY`, as Intel's quoting enclave has them.
pub(super) const QE_ATTRIBUTES: [u8; 16] = [0x11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
/// Product number of the quoting enclave.
pub(super) const QE_ISV_PROD_ID: u16 = 1;
/// Security version of the quoting enclave.
pub(super) const QE_ISV_SVN: u16 = 1;
/// What Intel's quoting enclave puts beside its key: 32 bytes of its choice.
const QE_AUTHENTICATION_DATA: [u8; 32] = [0; 32];
