// SPDX-License-Identifier: Apache-2.0
//! Keys in files, under the current folder (wire.md, "Ports and files").
//!
//! `my_keystore/` holds accounts of the parentchain, `my_trusted_keystore/<shard in base58>/` the incognito accounts
//! of a shard. One file per key, named by the public key in hexadecimal, with the mnemonic phrase or seed in clear
//! text: who can read your files can spend your funds. So a file is its owner's alone (0600), in a folder that is
//! (0700); what other programs left open to others is closed when it is used (threat model H23).

use crate::{
    account::{Account, AccountError, ss58},
    secret::MAX_SECRET_LEN,
};
use offstage_primitives::{AccountId32, ShardIdentifier};
use std::{
    fs::{self, DirBuilder, OpenOptions, Permissions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};
use thiserror::Error;
use zeroize::Zeroizing;

/// A folder of keys.
#[derive(Clone, Debug)]
pub struct Keystore {
    folder: PathBuf,
}

impl Keystore {
    /// The keystore in `folder`, which is made when the first key is stored.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The keystore for accounts of the parentchain.
    pub fn parentchain() -> Self {
        Self::new("my_keystore")
    }

    /// The keystore for incognito accounts of a shard.
    pub fn of_shard(shard: &ShardIdentifier) -> Self {
        Self::new(Path::new("my_trusted_keystore").join(shard.to_string()))
    }

    /// Makes a new account and stores its key.
    ///
    /// # Errors
    /// [`KeystoreError::Io`] when the file cannot be written.
    pub fn new_account(&self) -> Result<AccountId32, KeystoreError> {
        let (account, phrase) = Account::generate();
        let id = account.id();
        self.store(&id, &phrase)?;
        Ok(id)
    }

    /// Stores the key of an account that exists: its phrase, seed or derivation. One that is here already stays as it
    /// is.
    ///
    /// # Errors
    /// [`KeystoreError::Secret`] when the text is no secret; [`KeystoreError::Io`] when the file cannot be written.
    pub fn import(&self, secret: &str) -> Result<AccountId32, KeystoreError> {
        let secret = secret.trim();
        let id = Account::from_secret(secret)?.id();
        if self.key(&id).is_err() {
            self.store(&id, secret)?;
        }
        Ok(id)
    }

    /// The accounts whose keys are here, in the order of their public keys. Files with other names are not looked at.
    ///
    /// # Errors
    /// [`KeystoreError::Io`] when the folder cannot be read. A folder that is not there holds no accounts.
    pub fn accounts(&self) -> Result<Vec<AccountId32>, KeystoreError> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(self.io("read", &self.folder, error)),
        };
        let mut accounts = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| self.io("read", &self.folder, error))?;
            let bytes = entry.file_name().to_str().and_then(|name| hex::decode(name).ok());
            if let Some(id) = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok()) {
                accounts.push(AccountId32::new(id));
            }
        }
        accounts.sort();
        Ok(accounts)
    }

    /// The key of an account.
    ///
    /// # Errors
    /// - [`KeystoreError::UnknownAccount`] when there is no file for it;
    /// - [`KeystoreError::Damaged`] when the file holds no secret, or that of another account;
    /// - [`KeystoreError::Io`] when the file cannot be read.
    pub fn key(&self, id: &AccountId32) -> Result<Account, KeystoreError> {
        let path = self.path(id);
        let mut secret = Zeroizing::new(String::new());
        let file = match fs::File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(KeystoreError::UnknownAccount { account: ss58(id), folder: self.folder.clone() });
            }
            Err(error) => return Err(self.io("read", &path, error)),
        };
        // Another program may have made it. Who does not own the file cannot close it, and could not have made it
        // safe either.
        let _ = file.set_permissions(Permissions::from_mode(0o600));
        let damaged = || KeystoreError::Damaged { path: path.clone() };
        file.take(MAX_SECRET_LEN as u64).read_to_string(&mut secret).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => damaged(),
            _ => self.io("read", &path, error),
        })?;
        let account = Account::from_secret(secret.trim()).map_err(|_| damaged())?;
        if account.id() == *id { Ok(account) } else { Err(damaged()) }
    }

    fn store(&self, id: &AccountId32, secret: &str) -> Result<(), KeystoreError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)
            .and_then(|()| fs::set_permissions(&self.folder, Permissions::from_mode(0o700)))
            .map_err(|error| self.io("create", &self.folder, error))?;
        let path = self.path(id);
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(|error| self.io("create", &path, error))?;
        let written = file
            .write_all(secret.as_bytes())
            .and_then(|()| file.write_all(b"\n"))
            .and_then(|()| file.sync_all());
        written.map_err(|error| {
            // A key that is only half on the disk is no key.
            let _ = fs::remove_file(&path);
            self.io("write", &path, error)
        })
    }

    fn path(&self, id: &AccountId32) -> PathBuf {
        self.folder.join(hex::encode(AsRef::<[u8]>::as_ref(id)))
    }

    fn io(&self, action: &'static str, path: &Path, source: io::Error) -> KeystoreError {
        KeystoreError::Io { action, path: path.to_owned(), source }
    }
}

/// What can go wrong with a keystore.
#[derive(Debug, Error)]
pub enum KeystoreError {
    /// No key for this account.
    #[error(
        "there is no key for {account} in {folder}: make one with new-account, or bring one in with import",
        folder = .folder.display()
    )]
    UnknownAccount {
        /// The account, ss58.
        account: String,
        /// The folder that was looked in.
        folder: PathBuf,
    },
    /// The file's content does not fit its name.
    #[error("the key file {path} is damaged: restore it from a backup", path = .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// What was to be stored is no secret.
    #[error(transparent)]
    Secret(#[from] AccountError),
    /// The operating system refused.
    #[error("cannot {action} {path}: {source}", path = .path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    fn keystore() -> (tempfile::TempDir, Keystore) {
        let folder = tempfile::tempdir().unwrap();
        let keystore = Keystore::new(folder.path().join("keys"));
        (folder, keystore)
    }

    #[test]
    fn a_stored_key_is_listed_and_found_again() {
        let (_folder, keystore) = keystore();
        assert!(keystore.accounts().unwrap().is_empty());
        let (first, second) = (keystore.new_account().unwrap(), keystore.new_account().unwrap());
        let mut expected = vec![first.clone(), second];
        expected.sort();
        assert_eq!(keystore.accounts().unwrap(), expected);
        assert_eq!(keystore.key(&first).unwrap().id(), first);
    }

    #[test]
    fn only_the_owner_can_read_a_key() {
        let (_folder, keystore) = keystore();
        let id = keystore.new_account().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&keystore.path(&id)), 0o600);
        assert_eq!(mode(&keystore.folder), 0o700);
    }

    #[test]
    fn h23_keys_that_others_could_read_are_closed() {
        let (_folder, keystore) = keystore();
        fs::create_dir_all(&keystore.folder).unwrap();
        fs::set_permissions(&keystore.folder, Permissions::from_mode(0o755)).unwrap();
        let id = keystore.new_account().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&keystore.folder), 0o700);
        fs::set_permissions(keystore.path(&id), Permissions::from_mode(0o644)).unwrap();
        keystore.key(&id).unwrap();
        assert_eq!(mode(&keystore.path(&id)), 0o600);
    }

    #[test]
    fn h23_a_secret_is_imported_and_found_by_its_address() {
        let (_folder, keystore) = keystore();
        let seed = "0xe5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a";
        let id = keystore.import(&format!(" {seed}\n")).unwrap();
        // Before it is used: then it would be closed.
        assert_eq!(fs::metadata(keystore.path(&id)).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(keystore.key(&id).unwrap().id(), id);
        assert_eq!(keystore.import(seed).unwrap(), id, "a second time changes nothing");
        let refused = keystore.import("bottom drive secretword").unwrap_err();
        assert!(matches!(refused, KeystoreError::Secret(AccountError::Phrase)));
        assert!(!refused.to_string().contains("secretword"));
    }

    #[test]
    fn an_unknown_account_is_named_in_the_error() {
        let (_folder, keystore) = keystore();
        let id = AccountId32::new([7; 32]);
        let Err(error) = keystore.key(&id) else { panic!("found a key that was never stored") };
        assert!(matches!(&error, KeystoreError::UnknownAccount { .. }));
        assert!(error.to_string().contains(&ss58(&id)));
    }

    #[test]
    fn a_file_with_another_key_or_none_is_damaged() {
        let (_folder, keystore) = keystore();
        let (first, second) = (keystore.new_account().unwrap(), keystore.new_account().unwrap());
        fs::copy(keystore.path(&second), keystore.path(&first)).unwrap();
        assert!(matches!(keystore.key(&first), Err(KeystoreError::Damaged { .. })));
        fs::write(keystore.path(&first), [0xff, 0xfe]).unwrap();
        assert!(matches!(keystore.key(&first), Err(KeystoreError::Damaged { .. })));
    }

    #[test]
    fn a_seed_file_is_read_too() {
        let (_folder, keystore) = keystore();
        let seed = "0xe5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a";
        let id = Account::from_secret(seed).ok().unwrap().id();
        keystore.store(&id, seed).unwrap();
        assert_eq!(keystore.key(&id).unwrap().id(), id);
    }

    #[test]
    fn foreign_files_are_ignored() {
        let (_folder, keystore) = keystore();
        keystore.new_account().unwrap();
        fs::write(keystore.folder.join("README"), "not a key").unwrap();
        assert_eq!(keystore.accounts().unwrap().len(), 1);
    }

    #[test]
    fn the_folders_are_those_that_scripts_assume() {
        let shard = ShardIdentifier::from([1; 32]);
        assert_eq!(Keystore::parentchain().folder, Path::new("my_keystore"));
        assert_eq!(
            Keystore::of_shard(&shard).folder,
            Path::new("my_trusted_keystore").join(shard.to_string())
        );
    }
}
