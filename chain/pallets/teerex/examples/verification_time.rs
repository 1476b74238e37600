// SPDX-License-Identifier: Apache-2.0
//! Measures what the constants in `weights.rs` bound: how long the verification of a quote, and of each part of its
//! collateral, takes on this machine.
//!
//! `cargo run --release -p pallet-teerex --example verification_time`

use offstage_attestation::{
    development::{self, Report},
    quote_platform, verify_quote, verify_quoting_enclave_identity, verify_revocation_lists, verify_tcb_info,
};
use offstage_primitives::{Measurement, attestation::DEVELOPMENT_ROOT as ROOT};
use std::time::Instant;

const NOW_SECS: u64 = 1_800_000_000;
const ROUNDS: u32 = 200;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let report = Report { measurement: Measurement([1; 32]), report_data: [2; 64], debug: false };
    let evidence = development::quote(&report, NOW_SECS)?;
    let collateral = evidence.collateral.ok_or("the authority issues collateral")?;
    let quote = evidence.quote;

    measure("platform and quote", || {
        quote_platform(&quote).and_then(|_| verify_quote(&quote, &collateral, ROOT, NOW_SECS)).is_ok()
    });
    measure("quoting enclave identity", || {
        let chain = collateral.qe_identity_issuer_chain.as_bytes();
        let text = collateral.qe_identity.as_bytes();
        verify_quoting_enclave_identity(text, &collateral.qe_identity_signature, chain, ROOT, NOW_SECS)
            .is_ok()
    });
    measure("TCB info", || {
        let chain = collateral.tcb_info_issuer_chain.as_bytes();
        let text = collateral.tcb_info.as_bytes();
        verify_tcb_info(text, &collateral.tcb_info_signature, chain, ROOT, NOW_SECS).is_ok()
    });
    measure("revocation lists", || {
        let chain = collateral.pck_crl_issuer_chain.as_bytes();
        verify_revocation_lists(&collateral.root_ca_crl, &collateral.pck_crl, chain, ROOT, NOW_SECS).is_ok()
    });
    Ok(())
}

fn measure(name: &str, verify: impl Fn() -> bool) {
    assert!(verify(), "{name} does not verify");
    let start = Instant::now();
    let good = (0..ROUNDS).filter(|_| verify()).count();
    println!(
        "{name:26} {:>8.3} ms  ({good} rounds)",
        start.elapsed().as_secs_f64() * 1000.0 / f64::from(ROUNDS)
    );
}
