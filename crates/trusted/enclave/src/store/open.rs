// SPDX-License-Identifier: Apache-2.0
//! Which store a start uses: the one that is there, one that returns, or a new one.

use super::{
    Change, Keys, Store, StoreError, begin, files, guarded, put_head, put_keys,
    records::{Binding, Head, Ledger},
    wrap::{Header, StoreKey},
};
use crate::{keys::ShieldingKey, seal::SealingKey};
use offstage_primitives::{BlockHash, ShardIdentifier};
use redb::Database;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

impl Store {
    /// Opens the store, or makes it with the keys that `first_keys` gives.
    ///
    /// A store whose key is wrapped for another machine or image is put aside under a number, and nothing in it is
    /// changed. Then one that was put aside before, and that this enclave can open, takes its place, or else a new one.
    ///
    /// # Errors
    /// See [`StoreError`]; nothing is changed then.
    pub fn open(
        path: &Path,
        sealing: &SealingKey,
        first_keys: impl FnOnce() -> Result<Keys, StoreError>,
    ) -> Result<Self, StoreError> {
        guarded(|| {
            files::carry_out_return(path)?;
            match Self::open_ours(path, sealing) {
                Ok(store) => return Ok(store),
                Err(NotOpened::New(database)) => {
                    return Self::begin(database, Some(path.into()), sealing, first_keys()?);
                }
                Err(NotOpened::Failed(StoreError::NotOurs)) => {}
                Err(NotOpened::Failed(error)) => return Err(error),
            }
            let former = files::aside(path);
            let name = files::put_aside(path)?;
            tracing::warn!(
                "the store was sealed by another machine or enclave binary and cannot be opened here: it is kept as \
                 {}; it is used again when it can be opened, by its enclave or with the shard's key",
                name.display()
            );
            // The enclave that wrote one of them may be back.
            for (_, name) in former.iter().rev() {
                if Self::open_ours(name, sealing).is_ok() {
                    files::decide_return(path, name)?;
                    files::carry_out_return(path)?;
                    return Self::open_ours(path, sealing).map_err(NotOpened::into_error);
                }
            }
            let database = Arc::new(files::open_or_create(path)?);
            Self::begin(database, Some(path.into()), sealing, first_keys()?)
        })
    }

    /// Opens the store that is there for a look: nothing is made, put aside or mended.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn open_existing(path: &Path, sealing: &SealingKey) -> Result<Self, StoreError> {
        guarded(|| {
            let database = Arc::new(files::open_existing(&files::current(path))?);
            let header = Header::read(&database)?.ok_or(StoreError::BrokenFile)?;
            Self::load(database, header.unwrap_by_platform(sealing)?, Some(path.into()))
        })
    }

    fn open_ours(path: &Path, sealing: &SealingKey) -> Result<Self, NotOpened> {
        let database = Arc::new(files::open_or_create(path)?);
        let Some(header) = Header::read(&database)? else { return Err(NotOpened::New(database)) };
        let mut store = Self::load(database, header.unwrap_by_platform(sealing)?, Some(path.into()))?;
        store.mend_wrap()?;
        Ok(store)
    }

    /// Opens a store with the key of its shard, whatever machine or image wrote it, and wraps its key for this one, so
    /// that from then on [`open`](Self::open) opens it.
    ///
    /// # Errors
    /// [`StoreError::NotOurs`] when it is not of this shard on this chain, or was never given the shielding key; else
    /// what is wrong with it. Nothing is changed then.
    pub fn reopen_with_shielding_key(
        path: &Path,
        shielding: &ShieldingKey,
        genesis_hash: BlockHash,
        shard: ShardIdentifier,
        sealing: &SealingKey,
    ) -> Result<Self, StoreError> {
        guarded(|| {
            let database = Arc::new(files::open_existing(path)?);
            let header = Header::read(&database)?.ok_or(StoreError::NotOurs)?;
            let binding = Binding { genesis_hash, shard };
            let store =
                Self::load(database, header.unwrap_by_shard(shielding, &binding)?, Some(path.into()))?;
            let held = store.keys.shielding.as_ref().map(|key| key.public().digest());
            if store.head.as_ref().map(Head::binding) != Some(binding)
                || held != Some(shielding.public().digest())
            {
                return Err(StoreError::NotOurs);
            }
            let transaction = begin(&store.database, store.is_large())?;
            store.key.wrap_for_platform(&transaction, sealing)?;
            transaction.commit()?;
            Ok(store)
        })
    }

    /// Looks among the stores that were put aside for the one of this shard that is furthest, which the shard's key
    /// opens. If there is one, it takes this one's place at the next start, and the answer is `true`: the enclave has
    /// to start again.
    ///
    /// # Errors
    /// When it cannot be renamed.
    pub fn bring_back_former(&self, sealing: &SealingKey) -> Result<bool, StoreError> {
        let (Some(path), Some(head), Some(shielding)) = (&self.path, &self.head, &self.keys.shielding) else {
            return Ok(false);
        };
        let mut furthest: Option<(u32, PathBuf)> = None;
        for (_, name) in files::aside(path) {
            // One that does not open stays where it is.
            let store =
                Self::reopen_with_shielding_key(&name, shielding, head.genesis_hash, head.shard, sealing);
            let number = store.ok().and_then(|store| Some(store.head()?.position.number));
            if number.is_some_and(|number| furthest.as_ref().is_none_or(|(best, _)| number >= *best)) {
                furthest = number.map(|number| (number, name));
            }
        }
        let Some((_, name)) = furthest else { return Ok(false) };
        files::decide_return(path, &name)?;
        tracing::warn!(
            "the store that was kept as {} opens with the shard's key; the enclave starts again and uses it",
            name.display()
        );
        Ok(true)
    }

    /// A new store, with an id and a key of its own.
    pub(super) fn begin(
        database: Arc<Database>,
        path: Option<PathBuf>,
        sealing: &SealingKey,
        keys: Keys,
    ) -> Result<Self, StoreError> {
        let key = StoreKey::generate()?;
        let cipher = Arc::new(key.cipher(None)?);
        let mut ledger = Ledger::default();
        let transaction = begin(&database, false)?;
        key.begin(&transaction)?;
        key.wrap_for_platform(&transaction, sealing)?;
        ledger.keys_tag = put_keys(&transaction, &cipher, &keys)?;
        put_head(&transaction, &cipher, None, &ledger)?;
        transaction.commit()?;
        Ok(Self {
            database,
            key,
            cipher,
            keys,
            head: None,
            waiting: Default::default(),
            ledger,
            layers: Default::default(),
            path,
            broken: false,
        })
    }

    /// Writes the second wrap anew, if the host altered or lost it: it is of no use before it is needed, and then it
    /// must be right.
    fn mend_wrap(&mut self) -> Result<(), StoreError> {
        let (Some(head), Some(shielding)) = (&self.head, &self.keys.shielding) else { return Ok(()) };
        let header = Header::read(&self.database)?.ok_or(StoreError::BrokenFile)?;
        if header.unwrap_by_shard(shielding, &head.binding()).is_ok() {
            return Ok(());
        }
        let keys = self.keys.clone();
        self.commit(Change { keys: Some(keys), ..Change::default() })
    }
}

/// Why there is no store yet.
enum NotOpened {
    /// The file is new.
    New(Arc<Database>),
    Failed(StoreError),
}

impl NotOpened {
    fn into_error(self) -> StoreError {
        match self {
            Self::New(_) => StoreError::BrokenFile,
            Self::Failed(error) => error,
        }
    }
}

impl From<StoreError> for NotOpened {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}
