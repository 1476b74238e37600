// SPDX-License-Identifier: Apache-2.0
//! What can be wrong with the store, in words that say what to do.

use crate::seal::SealError;
use offstage_primitives::{BlockHash, ShardIdentifier};
use offstage_sdk::NodeStoreError;

/// Why the store cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has it open.
    #[error("the store is in use by another enclave; stop that one, or choose another data folder")]
    InUse,
    /// The file cannot be opened or created.
    #[error("the store cannot be opened: {0}; check the data folder's existence, permissions and disk")]
    Open(String),
    /// The file was written by a version that is not known here.
    #[error(
        "the store has format {0}, and this enclave reads format {FORMAT} only; nothing was changed: start with a new \
         data folder or with --clean-reset, or use the enclave version that wrote it"
    )]
    UnknownFormat(u8),
    /// Its key is wrapped for somebody else.
    #[error(
        "the store was sealed by another enclave binary or machine, or its wrapped keys were altered; start the \
         enclave that wrote it, restore the data folder, or start again with an empty one"
    )]
    NotOurs,
    /// It belongs to another parentchain.
    #[error(
        "the store belongs to the chain with genesis {stored:?}, not {given:?}; use that chain or an empty data folder"
    )]
    OtherChain {
        /// Genesis hash in the store.
        stored: BlockHash,
        /// Genesis hash that the host gave.
        given: BlockHash,
    },
    /// It belongs to another shard.
    #[error("the store belongs to shard {stored}, not {given}; use that shard or an empty data folder")]
    OtherShard {
        /// Shard in the store.
        stored: ShardIdentifier,
        /// Shard that the host gave.
        given: ShardIdentifier,
    },
    /// A record was altered, cut, or put in the place of another.
    #[error(
        "a record of the store ({0}) was altered; restore the data folder or start again with an empty one"
    )]
    Damaged(&'static str),
    /// A record is not there.
    #[error(
        "a record of the store ({0}) is missing; restore the data folder or start again with an empty one"
    )]
    Missing(&'static str),
    /// Records are each intact, but not of one moment.
    #[error(
        "the store's records ({0}) are of different moments; restore the data folder or start again with an empty one"
    )]
    Inconsistent(&'static str),
    /// The file's structure is broken.
    #[error("the store's file is damaged; restore the data folder or start again with an empty one")]
    BrokenFile,
    /// The disk failed.
    #[error(
        "the store cannot be read or written: {0}; check the disk and its free space, then restart the worker"
    )]
    Disk(String),
    /// The cryptographic library failed.
    #[error("the cryptographic library failed; restart the worker")]
    Cryptography,
}

impl StoreError {
    /// What a failure to open a record of `table` means.
    pub(super) fn of_seal(error: SealError, table: &'static str) -> Self {
        match error {
            SealError::Damaged | SealError::UnknownVersion(_) => Self::Damaged(table),
            SealError::Cryptography => Self::Cryptography,
        }
    }
}

impl From<redb::StorageError> for StoreError {
    fn from(error: redb::StorageError) -> Self {
        match error {
            redb::StorageError::Corrupted(_) => Self::BrokenFile,
            other => Self::Disk(other.to_string()),
        }
    }
}

impl From<redb::TransactionError> for StoreError {
    fn from(error: redb::TransactionError) -> Self {
        match error {
            redb::TransactionError::Storage(error) => error.into(),
            other => Self::Disk(other.to_string()),
        }
    }
}

impl From<redb::TableError> for StoreError {
    fn from(error: redb::TableError) -> Self {
        match error {
            redb::TableError::Storage(error) => error.into(),
            redb::TableError::TableDoesNotExist(_) => Self::Missing("table"),
            _ => Self::BrokenFile,
        }
    }
}

impl From<redb::CommitError> for StoreError {
    fn from(error: redb::CommitError) -> Self {
        match error {
            redb::CommitError::Storage(error) => error.into(),
            other => Self::Disk(other.to_string()),
        }
    }
}

impl From<redb::DatabaseError> for StoreError {
    fn from(error: redb::DatabaseError) -> Self {
        match error {
            redb::DatabaseError::DatabaseAlreadyOpen => Self::InUse,
            redb::DatabaseError::Storage(redb::StorageError::Corrupted(_)) => Self::BrokenFile,
            other => Self::Open(other.to_string()),
        }
    }
}

impl From<StoreError> for NodeStoreError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Damaged(_) | StoreError::Inconsistent(_) | StoreError::BrokenFile => Self::Corrupt,
            StoreError::Missing(_) => Self::Missing,
            other => Self::Unreadable(other.to_string()),
        }
    }
}

/// Version of the store's layout.
pub(super) const FORMAT: u8 = 4;
