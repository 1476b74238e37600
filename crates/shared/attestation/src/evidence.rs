// SPDX-License-Identifier: Apache-2.0
//! The decision whether a peer is the enclave that it says, before any secret is sent to it.

use crate::{quote, verify_quote};
use offstage_primitives::{
    AccountId32, BlockHash, KeyDigest, Measurement, ShardIdentifier,
    attestation::{
        CertificateEvidence, DEVELOPMENT_ROOT, Evidence, KeyBinding, TcbPolicy, TcbStatus, VerifiedQuote,
    },
    collateral::QuoteError,
};

/// Verifies that a peer's evidence is genuine and is for exactly the expected chain, shard, code and connection.
///
/// # Attacks
/// | the peer shows | refused with |
/// |---|---|
/// | no quote, a forged one, revoked or expired evidence | [`EvidenceError::Quote`] |
/// | a software platform's quote where hardware is expected (threat model H15) | [`EvidenceError::SoftwarePlatform`] |
/// | an enclave that its host can read | [`EvidenceError::Debug`] |
/// | other code | [`EvidenceError::Measurement`] |
/// | somebody's quote with its own keys | [`EvidenceError::Signer`], [`EvidenceError::Binding`] |
/// | an enclave's evidence, replayed in a connection of its own | [`EvidenceError::TlsKey`] |
/// | an enclave of another chain or shard | [`EvidenceError::Genesis`], [`EvidenceError::Shard`] |
///
/// # Errors
/// [`EvidenceError`]: the first rule that was broken, in the order of its variants. Nothing may be sent to such a peer.
pub fn verify_evidence(
    evidence: &CertificateEvidence,
    expectations: &Expectations<'_>,
) -> Result<VerifiedIdentity, EvidenceError> {
    let CertificateEvidence { evidence, signer, binding } = evidence;
    let quote = verify_platform(evidence, &expectations.policy)?;
    if !expectations.measurements.contains(&quote.mr_enclave) {
        return Err(EvidenceError::Measurement { found: quote.mr_enclave });
    }
    let (bound_signer, bound_digest) = quote.report_data.split_at(32);
    let signer_bytes: &[u8] = signer.as_ref();
    if bound_signer != signer_bytes {
        return Err(EvidenceError::Signer);
    }
    if bound_digest != binding.digest() {
        return Err(EvidenceError::Binding);
    }
    if binding.genesis_hash != expectations.genesis_hash {
        return Err(EvidenceError::Genesis {
            found: binding.genesis_hash,
            expected: expectations.genesis_hash,
        });
    }
    if binding.shard != expectations.shard {
        return Err(EvidenceError::Shard { found: binding.shard, expected: expectations.shard });
    }
    if binding.tls_public_key != expectations.tls_public_key {
        return Err(EvidenceError::TlsKey);
    }
    if expectations.shielding_key.is_some_and(|expected| expected != binding.shielding_key) {
        return Err(EvidenceError::ShieldingKey);
    }
    Ok(VerifiedIdentity { quote, signer: signer.clone(), binding: binding.clone() })
}

/// Verifies that a quote is genuine and comes from a platform that the policy accepts. Which code it is and which keys
/// it binds is still to be judged: most callers want [`verify_evidence`].
///
/// # Errors
/// [`EvidenceError`], one of the variants up to [`Debug`](EvidenceError::Debug).
pub fn verify_platform(
    evidence: &Evidence,
    policy: &EvidencePolicy<'_>,
) -> Result<VerifiedQuote, EvidenceError> {
    let collateral = evidence.collateral.as_ref().ok_or(EvidenceError::NoCollateral)?;
    let quote = verify_quote(&evidence.quote, collateral, policy.root, policy.now_secs)
        .map_err(|error| explain(error, &evidence.quote, policy.root))?;
    if !policy.tcb.accepts(quote.tcb_status) {
        return Err(EvidenceError::Tcb { status: quote.tcb_status });
    }
    if quote.debug && !policy.allow_debug {
        return Err(EvidenceError::Debug);
    }
    Ok(quote)
}

/// Which platforms are trusted. A parentchain names it in its storage.
#[derive(Clone, Copy, Debug)]
pub struct EvidencePolicy<'a> {
    /// DER certificate in which every chain must end.
    pub root: &'a [u8],
    /// The accepted patch levels.
    pub tcb: &'a TcbPolicy,
    /// Whether enclaves that a debugger can read are accepted.
    pub allow_debug: bool,
    /// The time at which evidence is judged, in seconds since the Unix epoch; chain time, where there is a chain.
    pub now_secs: u64,
}

/// Who the peer must be.
#[derive(Clone, Copy, Debug)]
pub struct Expectations<'a> {
    /// Which platforms are trusted.
    pub policy: EvidencePolicy<'a>,
    /// The measurements that the shard allows. None is accepted when it is empty.
    pub measurements: &'a [Measurement],
    /// Hash of the genesis header of the chain.
    pub genesis_hash: BlockHash,
    /// The shard.
    pub shard: ShardIdentifier,
    /// blake2-256 of the DER `SubjectPublicKeyInfo` of the certificate with which *this* connection was made.
    pub tls_public_key: KeyDigest,
    /// Digest of the shard's shielding key, where the peer must have it.
    pub shielding_key: Option<KeyDigest>,
}

/// A peer whose evidence was verified. Only [`verify_evidence`] makes one, so whoever holds it did not forget to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedIdentity {
    quote: VerifiedQuote,
    signer: AccountId32,
    binding: KeyBinding,
}

impl VerifiedIdentity {
    /// What its quote says.
    pub fn quote(&self) -> &VerifiedQuote {
        &self.quote
    }

    /// The measurement of its code.
    pub fn measurement(&self) -> &Measurement {
        &self.quote.mr_enclave
    }

    /// Its account on the parentchain.
    pub fn signer(&self) -> &AccountId32 {
        &self.signer
    }

    /// Its chain, shard, keys and the nonce of its start.
    pub fn binding(&self) -> &KeyBinding {
        &self.binding
    }
}

/// Why a peer is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvidenceError {
    /// The quote comes without collateral.
    #[error(
        "the evidence carries no collateral; ask the worker's operator to present collateral with its quote"
    )]
    NoCollateral,
    /// The quote comes from a software enclave, and the verifier trusts another root.
    #[error(
        "this is a quote of the software platform, whose signing key is public: it protects nothing and is accepted \
         only on chains whose genesis names the development root; connect to a worker on hardware"
    )]
    SoftwarePlatform,
    /// The quote or its collateral does not verify.
    #[error(transparent)]
    Quote(#[from] QuoteError),
    /// The policy does not accept the platform's patch level.
    #[error(
        "the platform's patch level is {status:?}, which the policy does not accept; update the platform"
    )]
    Tcb {
        /// The level.
        status: TcbStatus,
    },
    /// The enclave can be read by a debugger.
    #[error("the enclave runs in debug mode: its host can read it; use a production build")]
    Debug,
    /// The code is not allowed.
    #[error("the measurement {found} is not allowed for the shard")]
    Measurement {
        /// The code's measurement.
        found: Measurement,
    },
    /// The quote was made for another signer.
    #[error("the quote was made for another signer than the one presented")]
    Signer,
    /// The quote was made for other keys.
    #[error("the quote was made for other keys than those presented")]
    Binding,
    /// The enclave follows another chain.
    #[error("the enclave follows the chain with genesis {found:?}, not {expected:?}")]
    Genesis {
        /// The enclave's chain.
        found: BlockHash,
        /// The verifier's.
        expected: BlockHash,
    },
    /// The enclave serves another shard.
    #[error("the enclave serves shard {found}, not {expected}")]
    Shard {
        /// The enclave's shard.
        found: ShardIdentifier,
        /// The expected one.
        expected: ShardIdentifier,
    },
    /// The connection does not end in the enclave.
    #[error("the connection does not end in the enclave: its quote binds another TLS key")]
    TlsKey,
    /// The enclave holds another shielding key.
    #[error("the enclave holds another shielding key than the shard's")]
    ShieldingKey,
}

/// A development quote where another root is trusted deserves to be called by its name.
fn explain(error: QuoteError, quote: &[u8], root: &[u8]) -> EvidenceError {
    let is_software = error == QuoteError::UntrustedRoot
        && root != DEVELOPMENT_ROOT
        && quote::claimed_root(quote).is_some_and(|claimed| claimed == DEVELOPMENT_ROOT);
    if is_software { EvidenceError::SoftwarePlatform } else { EvidenceError::Quote(error) }
}
