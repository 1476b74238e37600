// SPDX-License-Identifier: Apache-2.0
//! Where the enclave runs: the few things that only a TEE can give.
//!
//! A [`Platform`] measures the code, has quotes signed over 64 bytes of the code's choice, holds a secret for sealing,
//! and gives randomness. All else in this crate is the same on every platform; which one a verifier believes is decided
//! by the root certificate it trusts, never by a switch.

#[expect(clippy::disallowed_methods, reason = "the platform is what has files and randomness")]
mod software;

use crate::seal::SealingKey;
use offstage_primitives::{Measurement, attestation::Evidence};
use std::path::{Path, PathBuf};

pub use software::SoftwarePlatform;

/// The platform that this process runs on. `data_dir` is where the software platform keeps its secret.
///
/// # Errors
/// When the platform cannot be used.
pub fn detect(data_dir: &Path) -> Result<Box<dyn Platform>, PlatformError> {
    let measurement = software::measure_running_program()?;
    Ok(Box::new(SoftwarePlatform::open(data_dir, measurement)?))
}

/// The measurement of the running program, for people who ask for it: no data folder is needed, and nothing is made.
///
/// # Errors
/// When the program's file cannot be read.
pub fn measurement() -> Result<Measurement, PlatformError> {
    software::measure_running_program()
}

/// What a trusted execution environment provides.
pub trait Platform: Send + Sync + 'static {
    /// The measurement of the running code: MRENCLAVE, or what stands for it.
    fn measurement(&self) -> Measurement;

    /// A quote over `report_data`, with collateral that holds at `now_secs` (seconds since the Unix epoch, chain time).
    ///
    /// # Errors
    /// When the platform's quoting service fails.
    fn quote(&self, report_data: &[u8; 64], now_secs: u64) -> Result<Evidence, PlatformError>;

    /// The root of the sealing keys: the same code on the same machine gets it again at every start, other code never.
    ///
    /// # Errors
    /// When the platform cannot give it.
    fn sealing_key(&self) -> Result<SealingKey, PlatformError>;

    /// Fills `bytes` with randomness that the host can neither choose nor predict.
    ///
    /// # Errors
    /// When the platform has none.
    #[expect(clippy::disallowed_methods, reason = "the one way to randomness for keys")]
    fn fill_random(&self, bytes: &mut [u8]) -> Result<(), PlatformError> {
        aws_lc_rs::rand::fill(bytes).map_err(|_| PlatformError::Randomness)
    }
}

/// Why the platform could not do its part.
#[derive(Debug, thiserror::Error)]
pub enum PlatformError {
    /// A file of the platform cannot be used.
    #[error("cannot {action} {path}: {source}", path = path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The software platform's secret is not one.
    #[error(
        "{path} is damaged; restore it, or remove the data directory and start anew",
        path = .0.display()
    )]
    DamagedSecret(PathBuf),
    /// The software platform's secret is not there, and a store that needs it is.
    #[error(
        "{secret} is missing, and nothing else opens the store {store} beside it: bring it back from the backup that \
        the store is of; or rename the store to {store}.aside-1, begin anew, and the shard's key will open it again",
        secret = secret.display(), store = store.display()
    )]
    MissingSecret {
        /// Where the secret should be.
        secret: PathBuf,
        /// The store.
        store: PathBuf,
    },
    /// No quote.
    #[error("the platform gave no quote: {0}")]
    Quote(String),
    /// No randomness.
    #[error("the platform gave no randomness")]
    Randomness,
    /// The cryptographic library failed.
    #[error(transparent)]
    Cryptography(#[from] crate::seal::SealError),
}
