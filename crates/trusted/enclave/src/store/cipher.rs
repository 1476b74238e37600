// SPDX-License-Identifier: Apache-2.0
//! How a record is named and sealed.
//!
//! A record's value is sealed with its table and name as context, so that none can take the place of another. Names that
//! would tell something (a trie path holds parts of account ids; an operation's hash tells that this shard saw it)
//! are blinded: HMAC-SHA-256 under a derived key.

use super::StoreError;
use crate::seal::SealingKey;
use aws_lc_rs::hmac;
use zeroize::Zeroizing;

/// Names and seals records.
pub(super) struct Cipher {
    key: SealingKey,
    blinding: hmac::Key,
}

/// A group of records.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Table {
    /// One record: the position and all that must agree with it.
    Head,
    /// One record: signer and shielding key.
    Keys,
    /// Trie nodes, by path and hash.
    Nodes,
    /// Changes of trie nodes that are not merged into the nodes yet, by sequence number.
    Journal,
    /// Where the receipt of an operation is, by operation hash.
    Receipts,
    /// Leaves of an executed block, by number.
    Blocks,
    /// Effects that wait, by id.
    Outbox,
}

impl Table {
    /// For errors and domain separation.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::Keys => "keys",
            Self::Nodes => "nodes",
            Self::Journal => "journal",
            Self::Receipts => "receipts",
            Self::Blocks => "blocks",
            Self::Outbox => "outbox",
        }
    }
}

impl Cipher {
    /// The cipher of a store, from the platform's sealing key.
    pub(super) fn new(sealing: &SealingKey) -> Result<Self, StoreError> {
        let key = sealing.derive(LABEL).map_err(|_| StoreError::Cryptography)?;
        let secret = sealing.derive_secret(LABEL).map_err(|_| StoreError::Cryptography)?;
        Ok(Self { key, blinding: hmac::Key::new(hmac::HMAC_SHA256, secret.as_ref()) })
    }

    /// A name that tells nothing.
    pub(super) fn blind(&self, table: Table, key: &[u8]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.blinding);
        context.update(table.label().as_bytes());
        context.update(&[0]);
        context.update(key);
        let mut name = [0; 32];
        for (to, from) in name.iter_mut().zip(context.sign().as_ref()) {
            *to = *from;
        }
        name
    }

    pub(super) fn seal(&self, table: Table, name: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, StoreError> {
        self.key
            .seal(&context(table, name), plaintext)
            .map_err(|error| StoreError::of_seal(error, table.label()))
    }

    pub(super) fn open(
        &self,
        table: Table,
        name: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        self.key
            .open(&context(table, name), sealed)
            .map_err(|error| StoreError::of_seal(error, table.label()))
    }
}

fn context(table: Table, name: &[u8]) -> Vec<u8> {
    [table.label().as_bytes(), &[0], name].concat()
}

const LABEL: &[u8] = b"store/v1";
