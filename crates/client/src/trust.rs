// SPDX-License-Identifier: Apache-2.0
//! What the user brings, so that nothing has to be believed: the chain's identity, and who vouches for hardware.
//!
//! Everything that the client believes follows from these: from the genesis (or a later block that the user has from
//! somebody trustworthy) finality is followed by its own proofs, and what the chain says is proven against a final
//! block. Who vouches for the platforms of enclaves is pinned beside that, so that a chain that names another root is
//! noticed.

use offstage_primitives::{
    BlockHash,
    attestation::{DEVELOPMENT_ROOT, INTEL_ROOT},
};
use std::{fmt, str::FromStr};
use thiserror::Error;

/// Where trust starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    /// Hash of the chain's genesis header. Without it the first answer of the node is taken for the chain's identity,
    /// and the user is told.
    pub genesis: Option<BlockHash>,
    /// Hash of a final block of the chain from which finality is followed, instead of from the genesis.
    pub checkpoint: Option<BlockHash>,
    /// Who vouches for the platforms of enclaves.
    pub root: TrustedRoot,
}

/// Who vouches for the platforms of enclaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TrustedRoot {
    /// Intel's root certificate: enclaves on hardware.
    #[default]
    Intel,
    /// The development root, whose private key everybody knows: enclaves in software, which protect nothing.
    Development,
}

impl TrustedRoot {
    /// DER of the certificate.
    pub fn certificate(self) -> &'static [u8] {
        match self {
            Self::Intel => INTEL_ROOT,
            Self::Development => DEVELOPMENT_ROOT,
        }
    }
}

impl fmt::Display for TrustedRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Intel => "intel",
            Self::Development => "development",
        })
    }
}

impl FromStr for TrustedRoot {
    type Err = UnknownRoot;

    fn from_str(text: &str) -> Result<Self, UnknownRoot> {
        [Self::Intel, Self::Development].into_iter().find(|root| root.to_string() == text).ok_or(UnknownRoot)
    }
}

/// Not the name of a root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the root is `intel` or, for test chains whose enclaves protect nothing, `development`")]
pub struct UnknownRoot;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_is_named_by_its_word_and_intels_is_the_default() {
        for root in [TrustedRoot::Intel, TrustedRoot::Development] {
            assert_eq!(root.to_string().parse(), Ok(root));
        }
        assert_eq!("Development".parse::<TrustedRoot>(), Err(UnknownRoot));
        assert_eq!(Trust::default().root.certificate(), INTEL_ROOT);
        assert_ne!(TrustedRoot::Development.certificate(), INTEL_ROOT);
    }
}
