// SPDX-License-Identifier: Apache-2.0
//! How a record is named and sealed.
//!
//! A record's value is sealed under a key that is derived for this store, chain and shard, with its table and name as
//! context: none can take the place of another, of this store or of any other (threat model H17). Names that would tell
//! something (a trie path holds parts of account ids; an operation's hash tells that this shard saw it) are blinded:
//! HMAC-SHA-256 under a derived key.

use super::{StoreError, records::Binding};
use crate::seal::{SealingKey, salt_of};
use aws_lc_rs::hmac;
use codec::Encode;
use zeroize::Zeroizing;

/// Names and seals records.
pub(super) struct Cipher {
    key: SealingKey,
    blinding: hmac::Key,
    marking: hmac::Key,
}

/// A group of records.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Table {
    /// One record: the chain and the shard that the store belongs to.
    Binding,
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
    /// What the senders of a block's operations may learn, by number.
    Results,
    /// Effects that wait, by id.
    Outbox,
}

impl Table {
    /// For errors and domain separation.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Binding => "binding",
            Self::Head => "head",
            Self::Keys => "keys",
            Self::Nodes => "nodes",
            Self::Journal => "journal",
            Self::Receipts => "receipts",
            Self::Blocks => "blocks",
            Self::Results => "results",
            Self::Outbox => "outbox",
        }
    }
}

/// Names one sealing of one record: another one under the same name, whatever it holds, has another mark.
pub(super) type Mark = [u8; 32];

impl Cipher {
    /// The cipher of the store with this secret and id: for this chain and shard, or for the time before they are
    /// known.
    pub(super) fn new(
        secret: &Zeroizing<[u8; 32]>,
        id: &[u8; 32],
        binding: Option<&Binding>,
    ) -> Result<Self, StoreError> {
        // Each part has a fixed length, so no two stores or bindings give the same label.
        let label = [LABEL, id, &binding.encode()].concat();
        let root = SealingKey::new(secret);
        let hmac_key = |purpose: &[u8]| {
            let secret = root.derive_secret(&[&label, purpose].concat())?;
            Ok(hmac::Key::new(hmac::HMAC_SHA256, secret.as_ref()))
        };
        let cryptography = |_: crate::seal::SealError| StoreError::Cryptography;
        Ok(Self {
            key: root.derive(&label).map_err(cryptography)?,
            blinding: hmac_key(b"names").map_err(cryptography)?,
            marking: hmac_key(b"marks").map_err(cryptography)?,
        })
    }

    /// A name that tells nothing.
    pub(super) fn blind(&self, table: Table, key: &[u8]) -> [u8; 32] {
        authenticate(&self.blinding, &[table.label().as_bytes(), &[0], key])
    }

    /// The mark of a sealed record: a keyed hash of its place and of the salt that no other sealing has. It costs the
    /// same however long the record is.
    pub(super) fn mark(&self, table: Table, name: &[u8], sealed: &[u8]) -> Result<Mark, StoreError> {
        let salt = salt_of(sealed).ok_or(StoreError::Damaged(table.label()))?;
        Ok(authenticate(&self.marking, &[table.label().as_bytes(), &[0], salt, name]))
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

fn authenticate(key: &hmac::Key, parts: &[&[u8]]) -> [u8; 32] {
    let mut context = hmac::Context::with_key(key);
    for part in parts {
        context.update(part);
    }
    let mut tag = [0; 32];
    for (to, from) in tag.iter_mut().zip(context.sign().as_ref()) {
        *to = *from;
    }
    tag
}

fn context(table: Table, name: &[u8]) -> Vec<u8> {
    [table.label().as_bytes(), &[0], name].concat()
}

const LABEL: &[u8] = b"store/v2\0";

#[cfg(test)]
mod tests {
    use super::*;
    use offstage_primitives::BlockHash;

    /// The same secret everywhere: only what a seal names keeps the records apart.
    #[test]
    fn h17_a_seal_names_its_store_chain_shard_and_place() {
        let secret = Zeroizing::new([7; 32]);
        let binding = |genesis: u8, shard: u8| Binding {
            genesis_hash: BlockHash::repeat_byte(genesis),
            shard: [shard; 32].into(),
        };
        let cipher =
            |id: u8, binding: Option<Binding>| Cipher::new(&secret, &[id; 32], binding.as_ref()).unwrap();
        let own = cipher(1, Some(binding(2, 3)));
        let sealed = own.seal(Table::Outbox, b"name", b"pay").unwrap();
        assert_eq!(&**own.open(Table::Outbox, b"name", &sealed).unwrap(), b"pay");
        for (what, other) in [
            ("another store", cipher(9, Some(binding(2, 3)))),
            ("another chain", cipher(1, Some(binding(9, 3)))),
            ("another shard", cipher(1, Some(binding(2, 9)))),
            ("before a chain", cipher(1, None)),
        ] {
            let opened = other.open(Table::Outbox, b"name", &sealed);
            assert_eq!(opened.err(), Some(StoreError::Damaged("outbox")), "{what}");
            assert_ne!(other.blind(Table::Nodes, b"key"), own.blind(Table::Nodes, b"key"), "{what}");
            let marks = [&own, &other].map(|cipher| cipher.mark(Table::Outbox, b"name", &sealed).unwrap());
            assert_ne!(marks[0], marks[1], "{what}");
        }
        assert!(own.open(Table::Journal, b"name", &sealed).is_err());
        assert!(own.open(Table::Outbox, b"other", &sealed).is_err());
    }

    #[test]
    fn h17_a_mark_is_of_one_sealing_at_one_place() {
        let cipher = Cipher::new(&Zeroizing::new([7; 32]), &[1; 32], None).unwrap();
        let [first, second] = [(); 2].map(|()| cipher.seal(Table::Outbox, b"name", b"pay").unwrap());
        let mark = cipher.mark(Table::Outbox, b"name", &first).unwrap();
        assert_eq!(cipher.mark(Table::Outbox, b"name", &first).unwrap(), mark);
        assert_ne!(cipher.mark(Table::Outbox, b"name", &second).unwrap(), mark, "sealed again");
        assert_ne!(cipher.mark(Table::Outbox, b"other", &first).unwrap(), mark);
        assert_ne!(cipher.mark(Table::Journal, b"name", &first).unwrap(), mark);
        assert!(cipher.mark(Table::Outbox, b"name", &first[..20]).is_err());
    }
}
