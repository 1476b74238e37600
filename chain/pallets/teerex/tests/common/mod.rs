// SPDX-License-Identifier: Apache-2.0
//! What chains in tests have of a real node: its verification of quotes, and evidence that it accepts.

use offstage_primitives::{
    attestation::{Collateral, VerifiedQuote},
    collateral::{
        QuoteError, QuotePlatform, VerifiedQuotingEnclaveIdentity, VerifiedRevocationLists, VerifiedTcbInfo,
    },
};
use pallet_teerex::QuoteVerifier;

/// What the node's host functions do.
pub struct Native;

impl QuoteVerifier for Native {
    fn verify(
        quote: &[u8],
        collateral: &Collateral,
        root: &[u8],
        now_secs: u64,
    ) -> Result<VerifiedQuote, QuoteError> {
        offstage_attestation::verify_quote(quote, collateral, root, now_secs)
    }

    fn quote_platform(quote: &[u8]) -> Result<QuotePlatform, QuoteError> {
        offstage_attestation::quote_platform(quote)
    }

    fn verify_quoting_enclave_identity(
        identity: &[u8],
        signature: &[u8],
        chain: &[u8],
        root: &[u8],
        now_secs: u64,
    ) -> Result<VerifiedQuotingEnclaveIdentity, QuoteError> {
        offstage_attestation::verify_quoting_enclave_identity(identity, signature, chain, root, now_secs)
    }

    fn verify_tcb_info(
        tcb_info: &[u8],
        signature: &[u8],
        chain: &[u8],
        root: &[u8],
        now_secs: u64,
    ) -> Result<VerifiedTcbInfo, QuoteError> {
        offstage_attestation::verify_tcb_info(tcb_info, signature, chain, root, now_secs)
    }

    fn verify_revocation_lists(
        root_ca_crl: &[u8],
        pck_crl: &[u8],
        chain: &[u8],
        root: &[u8],
        now_secs: u64,
    ) -> Result<VerifiedRevocationLists, QuoteError> {
        offstage_attestation::verify_revocation_lists(root_ca_crl, pck_crl, chain, root, now_secs)
    }
}

/// A registration with evidence of the software platform.
#[cfg(feature = "runtime-benchmarks")]
pub struct DevelopmentEvidence;

#[cfg(feature = "runtime-benchmarks")]
impl pallet_teerex::benchmarking::BenchmarkHelper for DevelopmentEvidence {
    fn registration() -> pallet_teerex::benchmarking::Registration {
        use offstage_attestation::development::{Report, quote};
        use offstage_primitives::{
            AccountId32, H256, KeyDigest, Measurement,
            attestation::{DEVELOPMENT_ROOT, KeyBinding, RegistrationProof},
        };
        const MEASUREMENT: Measurement = Measurement([0x11; 32]);
        let now_secs = 1_800_000_000;
        let (signer, genesis_hash) = (AccountId32::new([0xa; 32]), H256::repeat_byte(0x6e));
        let binding = KeyBinding {
            genesis_hash: genesis_hash.into(),
            shard: MEASUREMENT.into(),
            shielding_key: KeyDigest::repeat_byte(3),
            tls_public_key: KeyDigest::repeat_byte(4),
            boot_nonce: [5; 32],
        };
        let report =
            Report { measurement: MEASUREMENT, report_data: binding.report_data(&signer), debug: false };
        let evidence = quote(&report, now_secs).expect("the development authority signs");
        pallet_teerex::benchmarking::Registration {
            root_certificate: DEVELOPMENT_ROOT.to_vec(),
            now: now_secs * 1_000,
            genesis_hash,
            signer,
            proof: RegistrationProof { evidence, binding: Some(binding) },
        }
    }
}
