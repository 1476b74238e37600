// SPDX-License-Identifier: Apache-2.0
//! The authority's certificates: how they were made, and the files that resulted.
//!
//! ECDSA signatures are random, so issuing them again gives other bytes with the same meaning. The files are therefore
//! issued once (`cargo run --release -p offstage-attestation --example development-certificates`) and a test holds
//! each against the keys in this source.

use super::{
    DevelopmentError, der,
    keys::{DevelopmentKey, Owner},
};
use offstage_primitives::attestation::DEVELOPMENT_ROOT;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, IsCa, Issuer,
    KeyUsagePurpose, SerialNumber, date_time_ymd,
};

/// Issues the four certificates anew.
///
/// # Errors
/// [`DevelopmentError::Signing`].
pub fn issue_certificates() -> Result<DevelopmentCertificates, DevelopmentError> {
    let root = authority_params(Owner::RootAuthority, 1);
    let processor = authority_params(Owner::ProcessorAuthority, 0);
    let root_key = DevelopmentKey::of(Owner::RootAuthority)?;
    let processor_key = DevelopmentKey::of(Owner::ProcessorAuthority)?;
    let by_root = Issuer::from_params(&root, &root_key);
    let by_processor = Issuer::from_params(&processor, &processor_key);
    let mut platform = params("Offstage Development PCK Certificate", PCK_SERIAL_NUMBER);
    platform.custom_extensions = vec![CustomExtension::from_oid_content(SGX_EXTENSION, sgx_extension())];
    let tcb_signer = params("Offstage Development TCB Signing", 4);
    let issue = |params: &CertificateParams, owner, issuer| -> Result<Vec<u8>, DevelopmentError> {
        let certificate =
            params.signed_by(&DevelopmentKey::of(owner)?, issuer).map_err(|_| DevelopmentError::Signing)?;
        Ok(certificate.der().to_vec())
    };
    Ok(DevelopmentCertificates {
        root: issue(&root, Owner::RootAuthority, &by_root)?,
        processor_authority: issue(&processor, Owner::ProcessorAuthority, &by_root)?,
        tcb_signer: issue(&tcb_signer, Owner::TcbSigner, &by_root)?,
        platform: issue(&platform, Owner::Platform, &by_processor)?,
    })
}

/// The authority's certificates, DER.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DevelopmentCertificates {
    /// The root CA.
    pub root: Vec<u8>,
    /// The authority that certifies platforms.
    pub processor_authority: Vec<u8>,
    /// The signer of TCB info and of the quoting enclave's identity.
    pub tcb_signer: Vec<u8>,
    /// The imaginary platform.
    pub platform: Vec<u8>,
}

/// PEM chain of the platform.
pub(super) fn pck_chain() -> String {
    chain(&[PLATFORM, PROCESSOR_AUTHORITY, DEVELOPMENT_ROOT])
}

/// PEM chain of the platforms' authority.
pub(super) fn processor_authority_chain() -> String {
    chain(&[PROCESSOR_AUTHORITY, DEVELOPMENT_ROOT])
}

/// PEM chain of the signer of statements.
pub(super) fn tcb_signer_chain() -> String {
    chain(&[TCB_SIGNER, DEVELOPMENT_ROOT])
}

/// What the certificate of an authority says, and with it what its revocation lists say of their issuer.
pub(super) fn authority_params(owner: Owner, levels_below: u8) -> CertificateParams {
    let (name, serial_number) = match owner {
        Owner::RootAuthority => ("Offstage Development Root CA", 1),
        _ => ("Offstage Development PCK Processor CA", 2),
    };
    let mut params = params(name, serial_number);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(levels_below));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn params(common_name: &str, serial_number: u64) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.distinguished_name.push(DnType::OrganizationName, "Offstage, for development only");
    params.serial_number = Some(SerialNumber::from(serial_number));
    params.not_before = date_time_ymd(1970, 1, 1);
    params.not_after = date_time_ymd(2150, 1, 1);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    params
}

/// Intel's extension of a PCK certificate: what the platform is and how it is patched.
fn sgx_extension() -> Vec<u8> {
    let entry = |path: &[u8], value: Vec<u8>| {
        let identifier = [SGX_EXTENSION_BODY, path].concat();
        der::sequence(&[der::tagged(0x06, &identifier), value])
    };
    let components = (1u8..).zip(CPU_SVN).map(|(index, svn)| entry(&[2, index], der::integer(svn)));
    let tcb: Vec<Vec<u8>> = components
        .chain([entry(&[2, 17], der::integer(PCE_SVN)), entry(&[2, 18], der::octet_string(&CPU_SVN))])
        .collect();
    der::sequence(&[
        entry(&[1], der::octet_string(&PPID)),
        entry(&[2], der::sequence(&tcb)),
        entry(&[3], der::octet_string(&PCE_ID)),
        entry(&[4], der::octet_string(&FMSPC)),
        // SGX type "standard".
        entry(&[5], der::enumerated(0)),
    ])
}

fn chain(certificates: &[&[u8]]) -> String {
    let blocks: Vec<pem::Pem> =
        certificates.iter().map(|der| pem::Pem::new("CERTIFICATE", der.to_vec())).collect();
    // As Intel writes chains: no line between the certificates.
    let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
    blocks.iter().map(|block| pem::encode_config(block, config)).collect()
}

/// The platforms' authority.
const PROCESSOR_AUTHORITY: &[u8] = include_bytes!("processor_authority.der");
/// The imaginary platform.
const PLATFORM: &[u8] = include_bytes!("platform.der");
/// The signer of statements.
const TCB_SIGNER: &[u8] = include_bytes!("tcb_signer.der");

/// Serial number of the platform's certificate.
pub(super) const PCK_SERIAL_NUMBER: u64 = 3;
/// Security versions of the platform's sixteen components.
pub(super) const CPU_SVN: [u8; 16] = [1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0];
/// Security version of the platform's provisioning certification enclave.
pub(super) const PCE_SVN: u8 = 1;
/// Kind of the platform's provisioning certification enclave.
pub(super) const PCE_ID: [u8; 2] = [0, 0];
/// Kind of platform: "Offstg" in ASCII, which is none of Intel's.
pub(super) const FMSPC: [u8; 6] = *b"Offstg";
/// Name of the platform.
const PPID: [u8; 16] = *b"software silicon";
/// Intel's object identifier 1.2.840.113741.1.13.1, and its body.
const SGX_EXTENSION: &[u64] = &[1, 2, 840, 113_741, 1, 13, 1];
const SGX_EXTENSION_BODY: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::{read_certificate, verify_issued_by_root};

    #[test]
    fn the_committed_certificates_are_those_of_the_keys_in_the_source() {
        let issued = issue_certificates().unwrap();
        let root = read_certificate(DEVELOPMENT_ROOT).unwrap();
        let processor = read_certificate(PROCESSOR_AUTHORITY).unwrap();
        for (committed, issued, issuer, is_authority) in [
            (DEVELOPMENT_ROOT, &issued.root, &root, true),
            (PROCESSOR_AUTHORITY, &issued.processor_authority, &root, true),
            (TCB_SIGNER, &issued.tcb_signer, &root, false),
            (PLATFORM, &issued.platform, &processor, false),
        ] {
            let committed = read_certificate(committed).unwrap();
            let issued = read_certificate(issued).unwrap();
            // The signed part is a pure function of the source; the signature is random, so it is verified.
            assert_eq!(committed.tbs_certificate.as_ref(), issued.tbs_certificate.as_ref());
            verify_issued_by_root(&committed, issuer, is_authority, 1_800_000_000).unwrap();
        }
    }
}
