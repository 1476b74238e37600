// SPDX-License-Identifier: Apache-2.0
//! The software platform's quoting authority: real quotes, real collateral, and keys that everybody knows.
//!
//! **It proves nothing.** Its private keys are derived from words in this source, as //Alice's is, so anybody can issue
//! any quote. It exists so that development runs through the very code that production runs through: only chains whose
//! genesis names [`DEVELOPMENT_ROOT`](offstage_primitives::attestation::DEVELOPMENT_ROOT) accept what it signs.
//!
//! # What it is made of
//! The hierarchy and formats are Intel's ("SGX PCK Certificate and CRL Profile Specification", "ECDSA Quote Library
//! Reference DCAP API", PCS API version 4):
//!
//! ```text
//! root CA ─┬─> PCK Processor CA ──> PCK certificate of one imaginary platform ──> quoting enclave ──> quotes
//!          └─> TCB signing certificate ──> TCB info (version 3), quoting enclave's identity (version 2)
//! ```
//!
//! The four certificates are files beside this source and never change; statements, revocation lists and quotes are
//! issued at a time that the caller names. The certificates are valid from 1970 to 2150, statements and lists from the
//! midnight before the last one for [`COLLATERAL_DAYS`] days, so that verifiers whose clock is a little behind accept
//! them too.

mod certificates;
mod collateral;
mod der;
#[expect(
    clippy::disallowed_methods,
    reason = "an ECDSA signature takes a random number; verification never comes here"
)]
mod keys;
mod quote;

use offstage_primitives::{
    Measurement,
    attestation::{Collateral, Evidence, TcbStatus},
};

pub use certificates::{DevelopmentCertificates, issue_certificates};

/// A quote over `report` with its collateral, issued at `now_secs` (seconds since the Unix epoch) by a healthy
/// platform.
///
/// # Errors
/// [`DevelopmentError`]; not for times before the year 9000.
pub fn quote(report: &Report, now_secs: u64) -> Result<Evidence, DevelopmentError> {
    Platform::default().quote(report, now_secs)
}

/// What the imaginary hardware reports of an enclave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// Measurement of the code.
    pub measurement: Measurement,
    /// The 64 bytes that the code wants signed.
    pub report_data: [u8; 64],
    /// Whether a debugger can read the enclave.
    pub debug: bool,
}

/// The imaginary platform. The default is healthy; tests make it ill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Platform {
    /// Its patch level.
    pub tcb_status: TcbStatus,
    /// Whether its PCK certificate is on the revocation list.
    pub is_revoked: bool,
    /// The running number of the TCB evaluation that its collateral claims.
    pub tcb_evaluation_data_number: u32,
}

impl Platform {
    /// A quote over `report` with its collateral, issued at `now_secs` (seconds since the Unix epoch).
    ///
    /// # Errors
    /// [`DevelopmentError`]; not for times before the year 9000.
    pub fn quote(&self, report: &Report, now_secs: u64) -> Result<Evidence, DevelopmentError> {
        Ok(Evidence { quote: quote::sign(report)?, collateral: Some(self.collateral(now_secs)?) })
    }

    /// The collateral alone, issued at `now_secs` (seconds since the Unix epoch).
    ///
    /// # Errors
    /// [`DevelopmentError`]; not for times before the year 9000.
    pub fn collateral(&self, now_secs: u64) -> Result<Collateral, DevelopmentError> {
        collateral::issue(self, now_secs)
    }
}

impl Default for Platform {
    fn default() -> Self {
        Self { tcb_status: TcbStatus::UpToDate, is_revoked: false, tcb_evaluation_data_number: 1 }
    }
}

/// Why the authority could not issue something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DevelopmentError {
    /// A time that has no place in a certificate.
    #[error("the time {0} s is beyond the year 9000; check the clock")]
    Time(u64),
    /// The cryptographic library failed.
    #[error("the development authority could not sign")]
    Signing,
}

/// How long statements and revocation lists hold, in days. Intel's hold for 30.
pub const COLLATERAL_DAYS: u64 = 30;
