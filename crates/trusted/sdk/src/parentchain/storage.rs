// SPDX-License-Identifier: Apache-2.0
//! What a logic reads of its parentchain's state.
//!
//! A runtime names storage items ([`parentchain_storage!`](crate::parentchain_storage)). Each verified block shows what
//! they hold after it, proven against the block's state root, and the logic reads it as a typed value, in an
//! operation, a hook or a read: the same on every worker.
//!
//! # Threats
//! - *A host that lies about a value, or withholds it.* The block is refused, and the enclave stays where it is. So a
//!   value that the chain does not have ([`Shown::Absent`]) is not one that the host has not proven.
//! - *Other bytes than the author believes.* The chain's proven metadata says how an item is hashed, and what type it
//!   has. Where that is not what the runtime says, down to the names of fields, there is no value but
//!   [`Unread::Unfit`]: also after an upgrade of the chain, until the author names the new form.
//! - *A question that tells something.* The host learns which items it has to prove. So a key is made of constants and
//!   of the shard's name, both of which everybody knows who has the enclave, and of nothing that is in the state.

use codec::{Decode, Encode};
use frame_support::storage::storage_prefix;
use offstage_primitives::ShardIdentifier;
use scale_info::{MetaType, TypeInfo};
use sp_runtime::DispatchError;

/// A storage item of the parentchain: where it is, and what the runtime believes that it is.
#[derive(Clone, Debug)]
pub struct StorageItem {
    /// The pallet, by its name in the chain's metadata.
    pub pallet: &'static str,
    /// The item.
    pub item: &'static str,
    /// How each key of a map is hashed, by the names of the metadata, such as `Blake2_128Concat`.
    pub hashers: Vec<&'static str>,
    /// The type of each key of a map.
    pub keys: Vec<MetaType>,
    /// The type of the value.
    pub value: MetaType,
    /// The key in the chain's state.
    pub key: Vec<u8>,
}

impl StorageItem {
    /// A storage value, or, with [`at`](Self::at), an entry of a map.
    pub fn new<V: TypeInfo + 'static>(pallet: &'static str, item: &'static str) -> Self {
        Self {
            pallet,
            item,
            hashers: Vec::new(),
            keys: Vec::new(),
            value: MetaType::new::<V>(),
            key: storage_prefix(pallet.as_bytes(), item.as_bytes()).to_vec(),
        }
    }

    /// The entry with this key, after the keys before. `hasher` is the name of `H` in the chain's metadata.
    #[must_use]
    pub fn at<H: frame_support::StorageHasher, K: Encode + TypeInfo + 'static>(
        mut self,
        hasher: &'static str,
        key: &K,
    ) -> Self {
        self.hashers.push(hasher);
        self.keys.push(MetaType::new::<K>());
        key.using_encoded(|key| self.key.extend_from_slice(H::hash(key).as_ref()));
        self
    }
}

/// Names an item for a shard.
pub type NameItem = fn(&ShardIdentifier) -> StorageItem;

/// What a block shows of an item.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum Shown {
    /// SCALE of the value.
    Value(Vec<u8>),
    /// The chain provably has none.
    Absent,
    /// The chain's metadata has no such item, or of another type.
    Unfit,
    /// It has more than [`MAX_VALUE_LEN`] bytes.
    TooLong,
}

/// An item, and what a block shows of it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct StorageRead {
    /// The key in the chain's state.
    pub key: Vec<u8>,
    /// What is there after the block.
    pub shown: Shown,
}

/// Why there is no value.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unread {
    /// There is no block that shows it: the shard's first state is being made, or the runtime does not list the item
    /// ([`ShardRuntime::PARENTCHAIN`](crate::frame::ShardRuntime::PARENTCHAIN)).
    #[error("no block shows this storage item of the parentchain; the runtime has to list it")]
    NotListed,
    /// The chain's metadata has no such item, or of another type.
    #[error("the parentchain's metadata has this storage item in another form, or not at all")]
    Unfit,
    /// It has more than [`MAX_VALUE_LEN`] bytes.
    #[error("this storage item of the parentchain is too long to be read")]
    TooLong,
}

impl From<Unread> for DispatchError {
    fn from(unread: Unread) -> Self {
        Self::Other(match unread {
            Unread::NotListed => "the runtime does not list this storage item of the parentchain",
            Unread::Unfit => "the parentchain has this storage item in another form",
            Unread::TooLong => "this storage item of the parentchain is too long",
        })
    }
}

/// Names storage items of the parentchain, each a type with `get()`, and their list for
/// [`ShardRuntime::PARENTCHAIN`](crate::frame::ShardRuntime::PARENTCHAIN).
///
/// An entry of a map has its keys in parentheses, each with the hasher that the chain's metadata says: a function of
/// the shard's name, so that it may be the shard's own account, or a constant.
///
/// ```
/// use offstage_sdk::{AccountId32, parentchain_storage};
///
/// parentchain_storage! {
///     /// What this runtime reads of its parentchain.
///     pub struct Watched;
///     /// Its time, in milliseconds since the Unix epoch.
///     Now: Timestamp.Now => u64;
///     /// The nonce that a well-known account has.
///     Index: Indices.Nonce(Blake2_128Concat = |_shard| AccountId32::new([7; 32])) => u32;
/// }
///
/// assert_eq!(Watched::ITEMS.len(), 2);
/// // Outside of a block there is nothing to read.
/// sp_io::TestExternalities::default().execute_with(|| assert!(Now::get().is_err()));
/// ```
#[macro_export]
macro_rules! parentchain_storage {
    (
        $(#[$about_list:meta])*
        $visibility:vis struct $list:ident;
        $(
            $(#[$about:meta])*
            $name:ident: $pallet:ident . $item:ident
                $(($($hasher:ident = $key:expr),+ $(,)?))? => $value:ty;
        )*
    ) => {
        $(#[$about_list])*
        $visibility struct $list;

        impl $list {
            /// The items, for `ShardRuntime::PARENTCHAIN`.
            pub const ITEMS: &'static [$crate::parentchain::storage::NameItem] = &[$($name::item),*];
        }

        const _: () = assert!(
            $list::ITEMS.len() <= $crate::parentchain::storage::MAX_ITEMS,
            "a runtime reads at most 32 storage items of its parentchain",
        );

        $(
            $(#[$about])*
            $visibility struct $name;

            impl $name {
                /// The value after the block that is executed, or on whose state is read. `None`: the chain has none.
                ///
                /// # Errors
                /// When no block shows it, or the chain has it in another form.
                pub fn get() -> Result<Option<$value>, $crate::parentchain::storage::Unread> {
                    $crate::frame::storage::read(Self::item)
                }

                /// Where it is, and of what type.
                pub fn item(shard: &$crate::ShardIdentifier) -> $crate::parentchain::storage::StorageItem {
                    let _ = shard;
                    let item = $crate::parentchain::storage::StorageItem::new::<$value>(
                        stringify!($pallet),
                        stringify!($item),
                    );
                    $($(
                        let key: fn(&$crate::ShardIdentifier) -> _ = $key;
                        let item = item.at::<$crate::frame::__private::frame_support::$hasher, _>(
                            stringify!($hasher),
                            &key(shard),
                        );
                    )+)?
                    item
                }
            }
        )*
    };
}

/// Items that a runtime may name. Each makes the proof of every block longer.
pub const MAX_ITEMS: usize = 32;

/// Bytes of a value that is read. All of them are part of what is sealed with each block.
pub const MAX_VALUE_LEN: usize = 4 * 1024;
