// SPDX-License-Identifier: Apache-2.0
//! The enclave's account on the parentchain.

use super::KeyError;
use crate::platform::Platform;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use offstage_primitives::AccountId32;
use zeroize::Zeroizing;

/// An ed25519 key that signs the enclave's extrinsics. It stays the same over restarts.
pub struct Signer {
    pair: Ed25519KeyPair,
    seed: Zeroizing<[u8; 32]>,
    account: AccountId32,
}

impl Signer {
    /// A fresh signer.
    ///
    /// # Errors
    /// When the platform has no randomness or the library fails.
    pub fn generate(platform: &dyn Platform) -> Result<Self, KeyError> {
        let mut seed = Zeroizing::new([0; 32]);
        platform.fill_random(seed.as_mut()).map_err(|_| KeyError::Randomness)?;
        Self::from_sealable(seed.as_ref())
    }

    /// Reads what [`to_sealable`](Self::to_sealable) wrote.
    ///
    /// # Errors
    /// [`KeyError::Malformed`] when the bytes are not a seed.
    pub fn from_sealable(seed: &[u8]) -> Result<Self, KeyError> {
        let seed = Zeroizing::new(<[u8; 32]>::try_from(seed).map_err(|_| KeyError::Malformed)?);
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.as_ref()).map_err(|_| KeyError::Malformed)?;
        let account = <[u8; 32]>::try_from(pair.public_key().as_ref()).map_err(|_| KeyError::Malformed)?;
        Ok(Self { pair, seed, account: account.into() })
    }

    /// The seed, for the sealed store.
    pub fn to_sealable(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.seed.to_vec())
    }

    /// The public key, which is the account.
    pub fn account(&self) -> AccountId32 {
        self.account.clone()
    }

    /// Signs a message (RFC 8032).
    ///
    /// # Errors
    /// [`KeyError::Cryptography`] when the library fails.
    pub fn sign(&self, message: &[u8]) -> Result<[u8; 64], KeyError> {
        let signature = self.pair.try_sign(message).map_err(|_| KeyError::Cryptography)?;
        signature.as_ref().try_into().map_err(|_| KeyError::Cryptography)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use offstage_primitives::Measurement;
    use sp_core::{Pair, ed25519};

    #[test]
    fn substrate_derives_the_same_account_and_accepts_the_signature() {
        let signer = Signer::from_sealable(&[3; 32]).unwrap();
        let expected = ed25519::Pair::from_seed(&[3; 32]);
        assert_eq!(<[u8; 32]>::from(signer.account()), expected.public().0);
        let signature = ed25519::Signature::from_raw(signer.sign(b"message").unwrap());
        assert!(ed25519::Pair::verify(&signature, b"message", &expected.public()));
        assert!(!ed25519::Pair::verify(&signature, b"another", &expected.public()));
    }

    #[test]
    fn fresh_signers_differ_and_survive_the_store() {
        let dir = tempfile::tempdir().unwrap();
        let platform = crate::platform::SoftwarePlatform::open(dir.path(), Measurement([1; 32])).unwrap();
        let signers = [(); 2].map(|()| Signer::generate(&platform).unwrap());
        assert_ne!(signers[0].account(), signers[1].account());
        let again = Signer::from_sealable(&signers[0].to_sealable()).unwrap();
        assert_eq!(again.account(), signers[0].account());
        assert_eq!(Signer::from_sealable(&[1; 31]).err(), Some(KeyError::Malformed));
    }
}
