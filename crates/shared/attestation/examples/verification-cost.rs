// SPDX-License-Identifier: Apache-2.0
//! How long the verification of a quote takes on this machine: the base of the weight of
//! `Teerex.register_sgx_enclave` and of the calls that register collateral.
//!
//! `cargo run --release -p offstage-attestation --example verification-cost`
#![expect(clippy::disallowed_methods, reason = "it measures time")]

use offstage_attestation::{
    development::{self, Report},
    verify_quote, verify_quoting_enclave_identity, verify_revocation_lists, verify_tcb_info,
};
use offstage_primitives::{Measurement, attestation::DEVELOPMENT_ROOT};
use std::{error::Error, hint::black_box, time::Instant};

fn main() -> Result<(), Box<dyn Error>> {
    let report = Report { measurement: Measurement([7; 32]), report_data: [9; 64], debug: false };
    let evidence = development::quote(&report, NOW)?;
    let collateral = evidence.collateral.ok_or("the development authority gives collateral")?;
    let root = DEVELOPMENT_ROOT;
    measure("issue a development quote with collateral", || {
        development::quote(&report, NOW).map_err(|error| error.to_string()).map(drop)
    })?;
    measure("verify a quote with its collateral", || {
        verify_quote(&evidence.quote, &collateral, root, NOW).map_err(|error| error.to_string()).map(drop)
    })?;
    measure("verify a quoting enclave's identity", || {
        let chain = collateral.qe_identity_issuer_chain.as_bytes();
        let (text, signature) = (collateral.qe_identity.as_bytes(), &collateral.qe_identity_signature);
        verify_quoting_enclave_identity(text, signature, chain, root, NOW)
            .map_err(|error| error.to_string())
            .map(drop)
    })?;
    measure("verify a TCB info", || {
        let chain = collateral.tcb_info_issuer_chain.as_bytes();
        let (text, signature) = (collateral.tcb_info.as_bytes(), &collateral.tcb_info_signature);
        verify_tcb_info(text, signature, chain, root, NOW).map_err(|error| error.to_string()).map(drop)
    })?;
    measure("verify revocation lists", || {
        let chain = collateral.pck_crl_issuer_chain.as_bytes();
        verify_revocation_lists(&collateral.root_ca_crl, &collateral.pck_crl, chain, root, NOW)
            .map_err(|error| error.to_string())
            .map(drop)
    })
}

/// Prints the median of the rounds.
fn measure(what: &str, run: impl Fn() -> Result<(), String>) -> Result<(), Box<dyn Error>> {
    let mut milliseconds = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let start = Instant::now();
        black_box(run())?;
        milliseconds.push(start.elapsed().as_secs_f64() * 1000.0);
    }
    milliseconds.sort_by(f64::total_cmp);
    println!("{what:<45} {:>7.3} ms", milliseconds[ROUNDS / 2]);
    Ok(())
}

/// 15 January 2027, in seconds since the Unix epoch.
const NOW: u64 = 1_800_000_000;
const ROUNDS: usize = 501;
