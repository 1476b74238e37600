// SPDX-License-Identifier: Apache-2.0
//! The digest of the metadata by which a wallet showed a call to its user (RFC-78).
//!
//! A chain's runtime has the digest compiled in, by a tool that builds it twice. A shard's runtime has its own metadata
//! at hand, so the digest is calculated from that, once in a program, and nothing has to be built in.

use super::{NotTaken, ShardRuntime};
use codec::{Decode, DecodeWithMemTracking, Encode};
use frame_metadata::RuntimeMetadataPrefixed;
use frame_support::{traits::Get, weights::Weight};
use merkleized_metadata::{ExtraInfo, generate_metadata_digest};
use scale_info::TypeInfo;
use sp_externalities::ExternalitiesExt;
use sp_runtime::{
    impl_tx_ext_default, traits::TransactionExtension, transaction_validity::UnknownTransaction,
};
use std::{
    fmt,
    marker::PhantomData,
    sync::{Arc, OnceLock},
};

/// Whether the sender signed the digest of the metadata. With it, nobody who lied to the sender's wallet about the
/// metadata has an extrinsic that is taken.
///
/// The same name and bytes as polkadot-sdk's extension of this name, so wallets know it.
#[derive(Encode, Decode, DecodeWithMemTracking, TypeInfo)]
#[scale_info(skip_type_params(R))]
pub struct CheckMetadataHash<R> {
    mode: Mode,
    runtime: PhantomData<fn() -> R>,
}

/// What is signed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
enum Mode {
    /// No digest.
    Disabled,
    /// The digest.
    Enabled,
}

impl<R> CheckMetadataHash<R> {
    /// With the digest among what is signed, or without it.
    pub fn new(enable: bool) -> Self {
        let mode = if enable { Mode::Enabled } else { Mode::Disabled };
        Self { mode, runtime: PhantomData }
    }
}

impl<R> Clone for CheckMetadataHash<R> {
    fn clone(&self) -> Self {
        Self { mode: self.mode, runtime: PhantomData }
    }
}

impl<R> PartialEq for CheckMetadataHash<R> {
    fn eq(&self, other: &Self) -> bool {
        self.mode == other.mode
    }
}

impl<R> Eq for CheckMetadataHash<R> {}

impl<R> fmt::Debug for CheckMetadataHash<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CheckMetadataHash({:?})", self.mode)
    }
}

impl<R: ShardRuntime> TransactionExtension<R::RuntimeCall> for CheckMetadataHash<R> {
    const IDENTIFIER: &'static str = "CheckMetadataHash";
    type Implicit = Option<[u8; 32]>;
    type Val = ();
    type Pre = ();

    fn implicit(&self) -> Result<Self::Implicit, NotTaken> {
        match self.mode {
            Mode::Disabled => Ok(None),
            Mode::Enabled => Ok(Some(known().ok_or(UnknownTransaction::CannotLookup)?)),
        }
    }

    fn weight(&self, _call: &R::RuntimeCall) -> Weight {
        // The digest is calculated once in a program: for all the others it is a comparison.
        Weight::zero()
    }

    impl_tx_ext_default!(R::RuntimeCall; validate prepare);
}

/// The token's name and decimals, as wallets show amounts. Part of the digest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Token {
    /// Its symbol.
    pub symbol: &'static str,
    /// How many decimals an amount has.
    pub decimals: u8,
}

/// Calculates the digest of the metadata in version 15, as wallets do. The prefix of addresses is `System.SS58Prefix`.
pub(crate) fn calculate<R: ShardRuntime>() -> Option<[u8; 32]> {
    let metadata = R::metadata_at_version(15)?;
    let metadata = RuntimeMetadataPrefixed::decode(&mut &metadata[..]).ok()?.1;
    let version = R::Version::get();
    let extra = ExtraInfo {
        spec_version: version.spec_version,
        spec_name: version.spec_name.into_owned(),
        base58_prefix: R::SS58Prefix::get(),
        decimals: R::TOKEN.decimals,
        token_symbol: R::TOKEN.symbol.to_owned(),
    };
    Some(generate_metadata_digest(&metadata, extra).ok()?.hash())
}

/// The digest of one logic: calculated when it is first asked for.
#[derive(Clone)]
pub(crate) struct Digest {
    calculate: fn() -> Option<[u8; 32]>,
    known: Arc<OnceLock<Option<[u8; 32]>>>,
}

impl Digest {
    pub(crate) fn new(calculate: fn() -> Option<[u8; 32]>) -> Self {
        Self { calculate, known: Arc::default() }
    }
}

sp_externalities::decl_extension! {
    /// Where the extension finds the digest while a block is executed.
    pub(crate) struct DigestExtension(Digest);
}

fn known() -> Option<[u8; 32]> {
    let digest = sp_externalities::with_externalities(|mut externalities| {
        externalities.extension::<DigestExtension>().map(|digest| digest.0.clone())
    });
    let Digest { calculate, known } = digest.flatten()?;
    *known.get_or_init(calculate)
}
