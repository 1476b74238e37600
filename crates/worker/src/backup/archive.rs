// SPDX-License-Identifier: Apache-2.0
//! The form of a backup: see the [module above](super).

use anyhow::{Context, Result, bail, ensure};
use offstage_primitives::{H256, shard::from_base58};
use serde_json::{Value, json};
use sp_crypto_hashing::blake2_256;
use std::io::{BufRead, Read, Write};

/// Whose a backup is, and what is in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Head {
    /// The enclave's account, ss58.
    pub(super) account: String,
    /// The measurement of the enclave that opens it, base58.
    pub(super) measurement: String,
    /// The chain's genesis, `0x…`; none in a store that never saw a chain.
    pub(super) genesis: Option<String>,
    /// The shard, base58.
    pub(super) shard: Option<String>,
    /// The block that the store is at.
    pub(super) position: Option<u32>,
    /// In their order.
    pub(super) files: Vec<Entry>,
}

/// A file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    /// In bytes.
    pub(super) len: u64,
}

impl Head {
    /// With the magic line.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let files: Vec<Value> =
            self.files.iter().map(|entry| json!({ "name": entry.name, "len": entry.len })).collect();
        let head = json!({
            "account": self.account, "mrenclave": self.measurement, "genesis": self.genesis, "shard": self.shard,
            "position": self.position, "files": files,
        });
        [MAGIC, head.to_string().as_bytes(), b"\n"].concat()
    }

    /// Reads it, and demands that every field has its form.
    pub(super) fn read(from: &mut impl BufRead) -> Result<Self> {
        let mut magic = vec![0; MAGIC.len()];
        let is_ours = from.read_exact(&mut magic).is_ok() && magic == MAGIC;
        ensure!(is_ours, "it is no backup of an Offstage worker, or of another version");
        let mut line = Vec::new();
        from.take(MAX_HEAD_LEN).read_until(b'\n', &mut line)?;
        let head: Value = serde_json::from_slice(&line).context(DAMAGED)?;
        Self::from_json(&head).context(DAMAGED)
    }

    fn from_json(head: &Value) -> Option<Self> {
        let text = |name: &str| head.get(name)?.as_str().map(str::to_owned);
        let optional = |name: &str, is: fn(&str) -> bool| match head.get(name)? {
            Value::Null => Some(None),
            value => value.as_str().filter(|text| is(text)).map(|text| Some(text.to_owned())),
        };
        let files = head.get("files")?.as_array()?.iter().map(|entry| {
            Some(Entry { name: entry.get("name")?.as_str()?.to_owned(), len: entry.get("len")?.as_u64()? })
        });
        let files: Vec<Entry> = files.collect::<Option<_>>()?;
        let is_base58 = |text: &str| from_base58(text).is_ok();
        let position = match head.get("position")? {
            Value::Null => None,
            number => Some(u32::try_from(number.as_u64()?).ok()?),
        };
        let names_are_right = files.iter().enumerate().all(|(index, entry)| {
            super::is_kept(&entry.name) && !files.iter().take(index).any(|other| other.name == entry.name)
        });
        let read = Self {
            account: text("account").filter(|account| crate::text::address_of(account).is_some())?,
            measurement: text("mrenclave").filter(|text| is_base58(text))?,
            genesis: optional("genesis", |text| text.parse::<H256>().is_ok())?,
            shard: optional("shard", |text| from_base58(text).is_ok())?,
            position,
            files,
        };
        names_are_right.then_some(read)
    }

    /// For people.
    pub(super) fn described(&self) -> String {
        let store = match (&self.genesis, &self.shard, self.position) {
            (Some(genesis), Some(shard), Some(position)) => {
                format!("genesis: {genesis}\nshard: {shard}\nposition: {position}")
            }
            _ => "store: new, of no chain yet".to_owned(),
        };
        let bytes: u64 = self.files.iter().map(|entry| entry.len).fold(0, u64::saturating_add);
        format!(
            "account: {}\nMRENCLAVE: {}\n{store}\nfiles: {} with {bytes} bytes",
            self.account,
            self.measurement,
            self.files.len()
        )
    }
}

/// Adds up the checksum of what passes through.
pub(super) struct Checked<T> {
    inner: T,
    checksum: [u8; 32],
    /// What waits for the rest of its piece.
    piece: Vec<u8>,
}

impl<T> Checked<T> {
    pub(super) fn new(inner: T) -> Self {
        Self { inner, checksum: [0; 32], piece: Vec::with_capacity(PIECE_LEN) }
    }

    pub(super) fn add(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = PIECE_LEN - self.piece.len();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.piece.extend_from_slice(now);
            bytes = later;
            if self.piece.len() == PIECE_LEN {
                self.close_piece();
            }
        }
    }

    fn close_piece(&mut self) {
        self.checksum = blake2_256(&[&self.checksum[..], &self.piece].concat());
        self.piece.clear();
    }

    /// The checksum of all that passed.
    pub(super) fn checksum(mut self) -> [u8; 32] {
        self.close_piece();
        self.checksum
    }
}

impl<T: Write> Checked<T> {
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.inner.write_all(bytes)?;
        self.add(bytes);
        Ok(())
    }

    /// What was written to, and the checksum.
    pub(super) fn finish(mut self) -> Result<(T, [u8; 32])> {
        self.close_piece();
        Ok((self.inner, self.checksum))
    }
}

/// Reads the checksum at the end, after which nothing may come.
pub(super) fn read_checksum(from: &mut impl Read) -> Result<[u8; 32]> {
    let mut checksum = [0; 32];
    from.read_exact(&mut checksum).context(DAMAGED)?;
    if from.read(&mut [0])? != 0 {
        bail!(DAMAGED);
    }
    Ok(checksum)
}

/// What the first line of a backup says.
const MAGIC: &[u8] = b"OFFSTAGE BACKUP 1\n";
/// A hundred stores that were put aside, and room.
const MAX_HEAD_LEN: u64 = 64 * 1024;
/// Bytes that are added to the checksum at once.
pub(super) const PIECE_LEN: usize = 1024 * 1024;
/// What is said of everything that is not as it was written.
pub(super) const DAMAGED: &str = "it is damaged: take another copy of it";
