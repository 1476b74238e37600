// SPDX-License-Identifier: Apache-2.0
//! The store's own key, and the two ways to it.
//!
//! Each store has a random id, a random key, and a public random salt. The key is in the file twice, wrapped:
//!
//! | wrap | under | opens for |
//! |---|---|---|
//! | platform | the platform's sealing key | the same code on the same machine |
//! | shard | HKDF(shielding key, genesis, shard, salt) | whoever has the shard's key: another machine, a new image |
//!
//! The second is written in the transaction that stores the shielding key. So the shard is its own key management: an
//! enclave whose platform gives another sealing key than before gets the shielding key from a peer, and opens its old
//! store with it.
//!
//! # Attacks
//! - *A wrap of another store is put here*: a wrap names the store's id, and what it opens to seals nothing of this
//!   store.
//! - *A wrap is altered or deleted*: it does not open. The other one may.

use super::{META, StoreError, cipher::Cipher, error::FORMAT, put, records::Binding};
use crate::{
    keys::ShieldingKey,
    seal::{SealError, SealingKey, random_bytes},
};
use redb::{Database, ReadableDatabase, WriteTransaction};
use zeroize::Zeroizing;

/// The key of one store.
pub(super) struct StoreKey {
    id: [u8; 32],
    salt: [u8; 32],
    secret: Zeroizing<[u8; 32]>,
}

impl StoreKey {
    /// The key of a new store.
    pub(super) fn generate() -> Result<Self, StoreError> {
        let random = || random_bytes().map_err(|_| StoreError::Cryptography);
        Ok(Self { id: *random()?, salt: *random()?, secret: random()? })
    }

    /// Names and seals the records of this store.
    pub(super) fn cipher(&self, binding: Option<&Binding>) -> Result<Cipher, StoreError> {
        Cipher::new(&self.secret, &self.id, binding)
    }

    /// Writes what a new store begins with.
    pub(super) fn begin(&self, transaction: &WriteTransaction) -> Result<(), StoreError> {
        put(transaction, META, FORMAT_KEY, &[FORMAT])?;
        put(transaction, META, ID, &self.id)?;
        put(transaction, META, SALT, &self.salt)
    }

    /// Wraps the key for this code on this machine.
    pub(super) fn wrap_for_platform(
        &self,
        transaction: &WriteTransaction,
        sealing: &SealingKey,
    ) -> Result<(), StoreError> {
        let wrap = platform_key(sealing).and_then(|key| key.seal(&context(&self.id), self.secret.as_ref()));
        put(transaction, META, PLATFORM_WRAP, &wrap.map_err(|_| StoreError::Cryptography)?)
    }

    /// Wraps the key for whoever has the shard's key; with none, nobody can take that way any more.
    pub(super) fn wrap_for_shard(
        &self,
        transaction: &WriteTransaction,
        shielding: Option<&ShieldingKey>,
        binding: &Binding,
    ) -> Result<(), StoreError> {
        let Some(shielding) = shielding else {
            transaction.open_table(META)?.remove(SHARD_WRAP)?;
            return Ok(());
        };
        let wrap = shielding
            .wrapping_key(&binding.genesis_hash, &binding.shard, &self.salt)
            .and_then(|key| key.seal(&context(&self.id), self.secret.as_ref()));
        put(transaction, META, SHARD_WRAP, &wrap.map_err(|_| StoreError::Cryptography)?)
    }
}

/// The part of a file that is readable without a key.
pub(super) struct Header {
    id: [u8; 32],
    salt: [u8; 32],
    platform_wrap: Option<Vec<u8>>,
    shard_wrap: Option<Vec<u8>>,
}

impl Header {
    /// Reads it; `None` when the file is new.
    pub(super) fn read(database: &Database) -> Result<Option<Self>, StoreError> {
        let transaction = database.begin_read()?;
        if transaction.list_tables()?.next().is_none() {
            return Ok(None);
        }
        let meta = match transaction.open_table(META) {
            Err(redb::TableError::TableDoesNotExist(_)) => return Err(StoreError::Missing("format")),
            other => other?,
        };
        let value = |name: &[u8]| Ok::<_, StoreError>(meta.get(name)?.map(|value| value.value().to_vec()));
        match value(FORMAT_KEY)?.as_deref() {
            Some([FORMAT]) => {}
            Some([other]) => return Err(StoreError::UnknownFormat(*other)),
            Some(_) => return Err(StoreError::BrokenFile),
            None => return Err(StoreError::Missing("format")),
        }
        let fixed = |name, label| {
            let value = value(name)?.ok_or(StoreError::Missing(label))?;
            <[u8; 32]>::try_from(value).map_err(|_| StoreError::Damaged(label))
        };
        Ok(Some(Self {
            id: fixed(ID, "id")?,
            salt: fixed(SALT, "salt")?,
            platform_wrap: value(PLATFORM_WRAP)?,
            shard_wrap: value(SHARD_WRAP)?,
        }))
    }

    /// The key, for the code on the machine that wrapped it.
    pub(super) fn unwrap_by_platform(self, sealing: &SealingKey) -> Result<StoreKey, StoreError> {
        let wrap = self.platform_wrap.clone();
        self.unwrap(wrap, platform_key(sealing))
    }

    /// The key, for whoever has the shard's key.
    pub(super) fn unwrap_by_shard(
        self,
        shielding: &ShieldingKey,
        binding: &Binding,
    ) -> Result<StoreKey, StoreError> {
        let wrap = self.shard_wrap.clone();
        let key = shielding.wrapping_key(&binding.genesis_hash, &binding.shard, &self.salt);
        self.unwrap(wrap, key)
    }

    fn unwrap(
        self,
        wrap: Option<Vec<u8>>,
        key: Result<SealingKey, SealError>,
    ) -> Result<StoreKey, StoreError> {
        let key = key.map_err(|_| StoreError::Cryptography)?;
        let secret = wrap.and_then(|wrap| key.open(&context(&self.id), &wrap).ok());
        let secret = secret.ok_or(StoreError::NotOurs)?;
        let secret = <[u8; 32]>::try_from(secret.as_slice()).map_err(|_| StoreError::NotOurs)?;
        Ok(StoreKey { id: self.id, salt: self.salt, secret: Zeroizing::new(secret) })
    }
}

fn platform_key(sealing: &SealingKey) -> Result<SealingKey, SealError> {
    sealing.derive(PLATFORM_LABEL)
}

fn context(id: &[u8; 32]) -> Vec<u8> {
    [WRAP_CONTEXT, id].concat()
}

/// Names in the table `meta`.
const FORMAT_KEY: &[u8] = b"format";
const ID: &[u8] = b"id";
const SALT: &[u8] = b"salt";
const PLATFORM_WRAP: &[u8] = b"wrap/platform";
const SHARD_WRAP: &[u8] = b"wrap/shard";

const PLATFORM_LABEL: &[u8] = b"store/platform-wrap/v1";
const WRAP_CONTEXT: &[u8] = b"offstage/store-wrap/v1\0";
