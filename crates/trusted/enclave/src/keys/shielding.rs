// SPDX-License-Identifier: Apache-2.0
//! The key to which a shard's operations are encrypted.

use super::KeyError;
use crate::seal::{SealError, SealingKey, derive_bytes};
use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rsa::{KeySize, PrivateDecryptingKey},
};
use offstage_envelope::OpeningKey;
use offstage_primitives::{BlockHash, ShardIdentifier, shielding::ShieldingPublicKey};
use offstage_sdk::BlockSecret;
use zeroize::Zeroizing;

/// The shard's RSA-3072 private key. Usable from several threads at once.
pub struct ShieldingKey {
    opening: OpeningKey,
    sealable: Zeroizing<Vec<u8>>,
    commitment_key: Zeroizing<[u8; 32]>,
}

impl ShieldingKey {
    /// A fresh key.
    ///
    /// # Errors
    /// [`KeyError::Cryptography`] when the library fails.
    pub fn generate() -> Result<Self, KeyError> {
        let private = PrivateDecryptingKey::generate(KeySize::Rsa3072).map_err(|_| KeyError::Cryptography)?;
        Self::new(&private)
    }

    /// Reads what [`to_sealable`](Self::to_sealable) wrote.
    ///
    /// # Errors
    /// [`KeyError::Malformed`] when the bytes are not the PKCS#8 form of an RSA-3072 key.
    pub fn from_sealable(pkcs8: &[u8]) -> Result<Self, KeyError> {
        if pkcs8.len() > MAX_SEALABLE_LEN {
            return Err(KeyError::Malformed);
        }
        let private = PrivateDecryptingKey::from_pkcs8(pkcs8).map_err(|_| KeyError::Malformed)?;
        Self::new(&private)
    }

    /// The PKCS#8 form, for the sealed store and for verified peers.
    pub fn to_sealable(&self) -> Zeroizing<Vec<u8>> {
        self.sealable.clone()
    }

    /// The public half.
    pub fn public(&self) -> ShieldingPublicKey {
        self.opening.public().clone()
    }

    /// The secret that keys the last leaf of a block's receipts
    /// ([`state_leaf`](offstage_primitives::receipt::state_leaf)). All enclaves of the shard derive the same.
    pub fn commitment_key(&self) -> Zeroizing<[u8; 32]> {
        self.commitment_key.clone()
    }

    /// What randomness in the block with this hash is made of. All enclaves of the shard derive the same.
    ///
    /// # Errors
    /// [`SealError::Cryptography`] when the library fails.
    pub fn block_secret(
        &self,
        genesis_hash: &BlockHash,
        shard: &ShardIdentifier,
        block_hash: &BlockHash,
    ) -> Result<BlockSecret, SealError> {
        let info = [RANDOMNESS_DOMAIN, genesis_hash.as_bytes(), shard.as_bytes(), block_hash.as_bytes()];
        derive_bytes(&self.sealable, &info).map(BlockSecret::new)
    }

    /// The secret from which the salts of a block's results are made ([`offstage_primitives::result`]). They hide the
    /// results in the receipts' leaves. All enclaves of the shard derive the same.
    ///
    /// # Errors
    /// [`SealError::Cryptography`] when the library fails.
    pub fn result_secret(
        &self,
        genesis_hash: &BlockHash,
        shard: &ShardIdentifier,
        block_hash: &BlockHash,
    ) -> Result<Zeroizing<[u8; 32]>, SealError> {
        let info = [RESULTS_DOMAIN, genesis_hash.as_bytes(), shard.as_bytes(), block_hash.as_bytes()];
        derive_bytes(&self.sealable, &info)
    }

    /// The key that wraps the key of a worker's store (ARCHITECTURE.md, "The store"): every enclave of the shard can
    /// derive it, whatever machine or image it runs on. `salt` is the store's own and public.
    ///
    /// # Errors
    /// [`SealError::Cryptography`] when the library fails.
    pub fn wrapping_key(
        &self,
        genesis_hash: &BlockHash,
        shard: &ShardIdentifier,
        salt: &[u8; 32],
    ) -> Result<SealingKey, SealError> {
        let info = [WRAPPING_DOMAIN, genesis_hash.as_bytes(), shard.as_bytes(), salt];
        Ok(SealingKey::new(&derive_bytes(&self.sealable, &info)?))
    }

    /// Opens an envelope, see [`OpeningKey::open`].
    ///
    /// # Errors
    /// [`KeyError::Undecipherable`], whatever is wrong.
    pub fn decrypt(&self, cyphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        self.opening.open(cyphertext).map_err(|_| KeyError::Undecipherable)
    }

    fn new(private: &PrivateDecryptingKey) -> Result<Self, KeyError> {
        let der: Pkcs8V1Der<'_> = private.as_der().map_err(|_| KeyError::Cryptography)?;
        let sealable = Zeroizing::new(der.as_ref().to_vec());
        let opening = OpeningKey::from_pkcs8(&sealable).map_err(|error| match error {
            offstage_envelope::KeyError::Malformed => KeyError::Malformed,
            offstage_envelope::KeyError::Cryptography => KeyError::Cryptography,
        })?;
        // The library's own encoding of the key, not the bytes that were read, so that the same key always
        // gives the same secret.
        let commitment_key =
            derive_bytes(&sealable, &[COMMITMENT_DOMAIN]).map_err(|_| KeyError::Cryptography)?;
        Ok(Self { opening, sealable, commitment_key })
    }
}

/// Pinned by a test: another derivation would make workers of one shard publish different roots.
const COMMITMENT_DOMAIN: &[u8] = b"offstage/state-commitment-key/v1\0";

/// Pinned by a test: another derivation would give workers of two versions different numbers.
const RANDOMNESS_DOMAIN: &[u8] = b"offstage/randomness/v1\0";

/// Pinned by a test: another derivation would make workers of one shard publish different roots.
const RESULTS_DOMAIN: &[u8] = b"offstage/results/v1\0";

/// Pinned by a test: another derivation would open no store that was wrapped before.
const WRAPPING_DOMAIN: &[u8] = b"offstage/store-wrapping-key/v1\0";

/// The PKCS#8 form of an RSA-3072 key is about 1,800 bytes.
pub(crate) const MAX_SEALABLE_LEN: usize = 4096;

#[cfg(test)]
#[path = "shielding_tests.rs"]
mod tests;
