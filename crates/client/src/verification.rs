// SPDX-License-Identifier: Apache-2.0
//! Whether a worker is what it says, decided before anything is encrypted.
//!
//! There is one function for it, [`verify_worker`], without input or output of its own: the certificate and the
//! shielding key as they came from the network, and the facts as the chain holds them, go in; a [`VerifiedWorker`]
//! comes out, which is the only thing that [`encode_and_encrypt`](crate::workflow::encode_and_encrypt) takes. Nothing
//! switches a check off. The cipher itself, [`offstage_envelope`], takes any key: who uses it directly verifies first.
//!
//! # What is checked
//! | what | against | refuses |
//! |---|---|---|
//! | the chain's root certificate | the root that the user trusts ([`Trust`](crate::trust::Trust)) | chains that trust somebody else |
//! | the quote and its collateral | that root, and the policy of patch levels that the chain names, at chain time | forged, revoked, expired and foreign-root evidence |
//! | the debug bit | the chain's flag | enclaves that a debugger can read |
//! | the measurement | what the chain allows the shard | other code |
//! | the report data | signer and key binding in the certificate | evidence that was made for other keys |
//! | the binding's genesis and shard | the connected chain, the wanted shard | evidence of another chain or shard |
//! | the binding's TLS key | the key of this connection | a proxy that terminates TLS |
//! | the registry's entry of the signer | this very report data and measurement | evidence of an earlier start, a clone, an enclave that was removed |
//! | the shielding key | the binding's digest | a key that is not the enclave's |

use crate::trust::TrustedRoot;
use offstage_attestation::{ChainPolicy, EvidenceError, Expectations, verify_evidence};
use offstage_light_client::BlockId;
use offstage_primitives::{
    AccountId32, BlockHash, KeyDigest, Measurement, ShardIdentifier, attestation::CertificateEvidence,
    shielding::ShieldingPublicKey, teerex::SgxEnclave, trusted::Domain,
};
use thiserror::Error;

/// Verifies what a worker presented against what the chain says, in the order of the [table](self).
///
/// `expected` is what the user asked for, if anything.
///
/// # Errors
/// [`Refusal`], with the reason. Nothing may be sent to such a worker.
pub fn verify_worker(
    presented: &Presented<'_>,
    facts: &ChainFacts,
    expected: &Expected,
) -> Result<VerifiedWorker, Refusal> {
    let CertificateEvidence { signer, binding, .. } = presented.evidence;
    if facts.policy.root() != facts.trusted_root.certificate() {
        return Err(Refusal::Root {
            development: facts.policy.trusts_development_root(),
            trusted: facts.trusted_root,
        });
    }
    let expectations = Expectations {
        policy: facts.policy.at(facts.now_secs),
        measurements: &[facts.allowed_measurement],
        genesis_hash: facts.genesis_hash,
        shard: facts.shard,
        tls_public_key: presented.tls_public_key,
        // Which key the worker holds, its binding says; that it is the one in hand is checked below.
        shielding_key: None,
    };
    let identity = verify_evidence(presented.evidence, &expectations)?;
    if let Some(wanted) = expected.shard.filter(|wanted| *wanted != binding.shard) {
        return Err(Refusal::Shard { found: binding.shard, wanted });
    }
    if let Some(wanted) = expected.measurement.filter(|wanted| wanted != identity.measurement()) {
        return Err(Refusal::Measurement { found: *identity.measurement(), wanted });
    }
    let registered = facts.registered.as_ref().ok_or(Refusal::NotRegistered)?;
    let quote = identity.quote();
    if registered.report_data.d != quote.report_data || registered.mr_enclave != quote.mr_enclave {
        return Err(Refusal::OtherRegistration);
    }
    if binding.shielding_key.is_zero() {
        return Err(Refusal::NoShieldingKey);
    }
    let shielding_key = ShieldingPublicKey::from_json(presented.shielding_key)
        .map_err(|error| Refusal::ShieldingKeyForm { reason: error.to_string() })?;
    if shielding_key.digest() != binding.shielding_key {
        return Err(Refusal::ShieldingKey);
    }
    Ok(VerifiedWorker {
        signer: signer.clone(),
        shard: binding.shard,
        genesis_hash: facts.genesis_hash,
        verified_at: facts.block,
        root: facts.trusted_root,
        measurement: *identity.measurement(),
        shielding_key,
    })
}

/// What a worker showed of itself. Nothing of it is believed yet.
pub struct Presented<'connection> {
    /// The evidence in its TLS certificate.
    pub evidence: &'connection CertificateEvidence,
    /// blake2-256 of the DER `SubjectPublicKeyInfo` of the certificate whose private key the peer proved to hold.
    pub tls_public_key: KeyDigest,
    /// Its answer to `author_getShieldingKey`.
    pub shielding_key: &'connection str,
}

/// What the chain says, proven at its newest final block, about one signer and one shard.
#[derive(Clone, Debug)]
pub struct ChainFacts {
    /// Hash of the genesis header.
    pub genesis_hash: BlockHash,
    /// The block that the facts are of: final, and verified to be so.
    pub block: BlockId,
    /// Which platforms the chain trusts.
    pub policy: ChainPolicy,
    /// Who vouches for platforms by the user's own word. A chain that trusts another root is refused.
    pub trusted_root: TrustedRoot,
    /// The chain's time in seconds since the Unix epoch; certificates are judged by it.
    pub now_secs: u64,
    /// The shard that the facts are about.
    pub shard: ShardIdentifier,
    /// The measurement that the shard allows.
    pub allowed_measurement: Measurement,
    /// The signer's entry in the registry of enclaves.
    pub registered: Option<SgxEnclave>,
}

/// What the user wants the worker to be. An absent field means: whatever the chain allows.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    /// The shard that it must serve.
    pub shard: Option<ShardIdentifier>,
    /// The measurement that it must have.
    pub measurement: Option<Measurement>,
}

/// A worker whose evidence, registration and keys were verified. Only [`verify_worker`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedWorker {
    signer: AccountId32,
    genesis_hash: BlockHash,
    verified_at: BlockId,
    root: TrustedRoot,
    shard: ShardIdentifier,
    measurement: Measurement,
    shielding_key: ShieldingPublicKey,
}

impl VerifiedWorker {
    /// The enclave's account on the parentchain.
    pub fn signer(&self) -> &AccountId32 {
        &self.signer
    }

    /// The shard that it serves.
    pub fn shard(&self) -> ShardIdentifier {
        self.shard
    }

    /// The measurement of its code.
    pub fn measurement(&self) -> &Measurement {
        &self.measurement
    }

    /// Where signatures for it are good: the chain, its shard, its measurement.
    pub fn domain(&self) -> Domain {
        Domain { genesis_hash: self.genesis_hash, measurement: self.measurement, shard: self.shard }
    }

    /// Number of the chain's newest final block when it was verified. What is signed for it expires some blocks later.
    pub fn verified_at(&self) -> u32 {
        self.verified_at.number
    }

    /// The final block whose state it was verified against.
    pub fn verified_block(&self) -> BlockId {
        self.verified_at
    }

    /// Who vouches for its platform.
    pub fn root(&self) -> TrustedRoot {
        self.root
    }

    /// The key to which operations for its shard are encrypted.
    pub fn shielding_key(&self) -> &ShieldingPublicKey {
        &self.shielding_key
    }
}

/// Why a worker is not to be trusted.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Its evidence is not genuine, or not for this chain, code or connection.
    #[error("{0}")]
    Evidence(#[from] EvidenceError),
    /// The chain trusts another root than the user.
    #[error(
        "the chain trusts {} for the platforms of enclaves, and you trust root {trusted}",
        if *development { "the development root, whose enclaves protect nothing," } else { "another root" }
    )]
    Root {
        /// Whether the chain trusts the development root.
        development: bool,
        /// Whom the user trusts.
        trusted: TrustedRoot,
    },
    /// The user asked for another shard.
    #[error("it serves shard {found}, not {wanted}")]
    Shard {
        /// The worker's.
        found: ShardIdentifier,
        /// The wanted one.
        wanted: ShardIdentifier,
    },
    /// The user asked for other code.
    #[error("its measurement is {found}, but --mrenclave asks for {wanted}")]
    Measurement {
        /// Measurement of the worker.
        found: Measurement,
        /// Measurement that was asked for.
        wanted: Measurement,
    },
    /// The chain does not know the enclave.
    #[error("the chain's registry does not hold it")]
    NotRegistered,
    /// The chain knows another start of the enclave.
    #[error("the chain's registry holds another start of this enclave")]
    OtherRegistration,
    /// The enclave has no key yet.
    #[error("it has no shielding key yet")]
    NoShieldingKey,
    /// The key cannot be read.
    #[error("its shielding key cannot be read: {reason}")]
    ShieldingKeyForm {
        /// What is wrong with it.
        reason: String,
    },
    /// The key is not the enclave's.
    #[error("its shielding key is not the one that its quote binds")]
    ShieldingKey,
}

impl Refusal {
    /// Whether it may pass when the worker has registered.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::NotRegistered | Self::OtherRegistration | Self::NoShieldingKey => true,
            Self::Evidence(_)
            | Self::Root { .. }
            | Self::Shard { .. }
            | Self::Measurement { .. }
            | Self::ShieldingKeyForm { .. }
            | Self::ShieldingKey => false,
        }
    }

    /// What the user can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotRegistered | Self::NoShieldingKey => {
                "a worker that has just started needs a few blocks to register; wait, or look at its log"
            }
            Self::OtherRegistration => {
                "the worker was restarted or runs twice: wait for its new registration to become final, or stop the \
                 copy"
            }
            Self::Root { development: true, .. } => {
                "on a test chain, whose enclaves keep no secret from their host, say --root development"
            }
            Self::Root { development: false, .. } => {
                "check --root and the genesis: enclaves of this chain are vouched for by somebody else"
            }
            Self::Shard { .. } => {
                "it is somebody else's worker, and got nothing; name a worker of your shard with --worker-url"
            }
            Self::Measurement { .. } => "leave out --mrenclave, or name another worker with --worker-url",
            Self::Evidence(EvidenceError::Measurement { .. } | EvidenceError::Genesis { .. }) => {
                "look at `offstage list-workers`, and check that --node-url names the worker's own chain"
            }
            Self::Evidence(_) | Self::ShieldingKeyForm { .. } | Self::ShieldingKey => {
                "do not use this worker: somebody may be in between; nothing was encrypted or sent"
            }
        }
    }
}
