// SPDX-License-Identifier: Apache-2.0
//! The transaction extensions that every shard's runtime has.
//!
//! [`TxExtension`] is what is signed beside a call, in the order in which it is encoded:
//!
//! | name | in the extrinsic | signed with it |
//! |---|---|---|
//! | `CheckNonZeroSender` | | |
//! | `CheckSpecVersion` | | the runtime's `spec_version` |
//! | `CheckTxVersion` | | its `transaction_version` |
//! | `CheckGenesis` | | the shard's genesis hash ([`shard_genesis_hash`](offstage_primitives::trusted::shard_genesis_hash)) |
//! | `CheckMortality` | the era | the hash of the parentchain's block in which the era begins; of an immortal one, the shard's genesis hash |
//! | `CheckNonce` | the nonce, compact | |
//! | `CheckMetadataHash` | the mode | in the mode that asks for it, the digest of the runtime's metadata (RFC-78) |
//!
//! All names are known to wallets. A runtime adds what it wants behind: `(TxExtension<Runtime>,
//! ChargeTransactionPayment<Runtime>)` for fees.
//!
//! An extrinsic of format 5 (general) has version 1 of the extensions, with [`VerifySignature`] before the others.

pub(crate) mod metadata_hash;

pub use metadata_hash::{CheckMetadataHash, Token};

use super::ShardRuntime;
use crate::nonce;
use codec::{Decode, DecodeWithMemTracking, Encode};
use frame_support::{dispatch::RawOrigin, weights::Weight};
use offstage_primitives::{AccountId32, MultiSignature};
use scale_info::TypeInfo;
use sp_crypto_hashing::blake2_256;
use sp_runtime::{
    impl_tx_ext_default,
    traits::{
        AsSystemOriginSigner, DispatchInfoOf, Dispatchable, Implication, TransactionExtension,
        ValidateResult, Verify,
    },
    transaction_validity::{
        InvalidTransaction, TransactionSource, TransactionValidityError, ValidTransaction,
    },
};
use std::{fmt, marker::PhantomData};

/// What every extrinsic of a shard is signed with. A runtime's own come behind it, in a tuple.
pub type TxExtension<R> = (
    frame_system::CheckNonZeroSender<R>,
    frame_system::CheckSpecVersion<R>,
    frame_system::CheckTxVersion<R>,
    frame_system::CheckGenesis<R>,
    frame_system::CheckMortality<R>,
    CheckNonce<R>,
    CheckMetadataHash<R>,
);

/// Extensions in which the SDK finds the nonce.
#[diagnostic::on_unimplemented(
    message = "the runtime's transaction extensions do not begin with `offstage_sdk::frame::TxExtension<Runtime>`",
    note = "without it nothing stops a second execution; write it alone, or as the first in a tuple of at most six"
)]
pub trait CarriesNonce {
    /// The nonce that the sender signed.
    fn nonce(&self) -> u32;
}

impl<R: ShardRuntime> CarriesNonce for TxExtension<R> {
    fn nonce(&self) -> u32 {
        self.5.0
    }
}

macro_rules! carries_nonce {
    ($($more:ident)+) => {
        impl<R: ShardRuntime, $($more),+> CarriesNonce for (TxExtension<R>, $($more),+) {
            fn nonce(&self) -> u32 {
                self.0.nonce()
            }
        }
    };
}
carries_nonce!(A);
carries_nonce!(A B);
carries_nonce!(A B C);
carries_nonce!(A B C D);
carries_nonce!(A B C D E);

/// The nonce of an extrinsic, against the SDK's own count ([`nonce`]): `frame_system` forgets that of an
/// account that is emptied, and refuses accounts that are not there yet.
///
/// The executor uses the nonce up, before it executes; so also a call that panics has used it.
#[derive(Encode, Decode, DecodeWithMemTracking, TypeInfo)]
#[scale_info(skip_type_params(R))]
pub struct CheckNonce<R>(
    /// The sender's next nonce.
    #[codec(compact)]
    pub u32,
    PhantomData<fn() -> R>,
);

impl<R> CheckNonce<R> {
    /// With this nonce.
    pub fn from(nonce: u32) -> Self {
        Self(nonce, PhantomData)
    }
}

impl<R> Clone for CheckNonce<R> {
    fn clone(&self) -> Self {
        Self::from(self.0)
    }
}

impl<R> PartialEq for CheckNonce<R> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<R> Eq for CheckNonce<R> {}

impl<R> fmt::Debug for CheckNonce<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CheckNonce({})", self.0)
    }
}

impl<R: ShardRuntime> TransactionExtension<R::RuntimeCall> for CheckNonce<R> {
    const IDENTIFIER: &'static str = "CheckNonce";
    type Implicit = ();
    type Val = ();
    type Pre = ();

    fn weight(&self, _call: &R::RuntimeCall) -> Weight {
        use frame_system::ExtensionsWeightInfo as _;
        <R as frame_system::Config>::ExtensionsWeightInfo::check_nonce()
    }

    fn validate(
        &self,
        origin: <R::RuntimeCall as Dispatchable>::RuntimeOrigin,
        _call: &R::RuntimeCall,
        _info: &DispatchInfoOf<R::RuntimeCall>,
        _len: usize,
        _implicit: (),
        _implication: &impl Implication,
        _source: TransactionSource,
    ) -> ValidateResult<(), R::RuntimeCall> {
        let next = match origin.as_system_origin_signer() {
            // Nobody without a signature gets to the executor.
            None => return Ok((ValidTransaction::default(), (), origin)),
            Some(sender) => nonce::next(sender).ok_or(InvalidTransaction::Stale)?,
        };
        match self.0.cmp(&next) {
            std::cmp::Ordering::Less => Err(InvalidTransaction::Stale.into()),
            std::cmp::Ordering::Greater => Err(InvalidTransaction::Future.into()),
            std::cmp::Ordering::Equal => Ok((ValidTransaction::default(), (), origin)),
        }
    }

    impl_tx_ext_default!(R::RuntimeCall; prepare);
}

/// The signature of a general extrinsic, over blake2-256 of what stands behind it: extension version, call, the other
/// extensions and what is signed with them. The same as `VerifySignature` of polkadot-sdk's pallet, but a runtime need
/// not have the pallet.
#[derive(Encode, Decode, DecodeWithMemTracking, TypeInfo)]
#[scale_info(skip_type_params(R))]
pub enum VerifySignature<R> {
    /// This account signed.
    Signed {
        /// Its signature.
        signature: MultiSignature,
        /// The account.
        account: AccountId32,
    },
    /// Nobody signed.
    Disabled,
    /// Never made.
    #[codec(skip)]
    #[doc(hidden)]
    Of(PhantomData<fn() -> R>),
}

impl<R> Clone for VerifySignature<R> {
    fn clone(&self) -> Self {
        match self {
            Self::Signed { signature, account } => {
                Self::Signed { signature: signature.clone(), account: account.clone() }
            }
            Self::Disabled | Self::Of(_) => Self::Disabled,
        }
    }
}

impl<R> PartialEq for VerifySignature<R> {
    fn eq(&self, other: &Self) -> bool {
        self.encode() == other.encode()
    }
}

impl<R> Eq for VerifySignature<R> {}

impl<R> fmt::Debug for VerifySignature<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signed { account, .. } => write!(f, "VerifySignature({account:?})"),
            Self::Disabled | Self::Of(_) => f.write_str("VerifySignature(-)"),
        }
    }
}

impl<R: ShardRuntime> TransactionExtension<R::RuntimeCall> for VerifySignature<R> {
    const IDENTIFIER: &'static str = "VerifyMultiSignature";
    type Implicit = ();
    type Val = ();
    type Pre = ();

    fn weight(&self, _call: &R::RuntimeCall) -> Weight {
        // As polkadot-sdk measured it for its pallet.
        Weight::from_parts(45_000_000, 0)
    }

    fn validate(
        &self,
        origin: <R::RuntimeCall as Dispatchable>::RuntimeOrigin,
        _call: &R::RuntimeCall,
        _info: &DispatchInfoOf<R::RuntimeCall>,
        _len: usize,
        _implicit: (),
        implication: &impl Implication,
        _source: TransactionSource,
    ) -> ValidateResult<(), R::RuntimeCall> {
        let Self::Signed { signature, account } = self else {
            return Ok((ValidTransaction::default(), (), origin));
        };
        if origin.as_system_origin_signer().is_some() {
            return Err(InvalidTransaction::BadSigner.into());
        }
        let message = implication.using_encoded(blake2_256);
        if !signature.verify(&message[..], account) {
            return Err(InvalidTransaction::BadProof.into());
        }
        let signed = RawOrigin::Signed(account.clone());
        Ok((ValidTransaction::default(), (), signed.into()))
    }

    impl_tx_ext_default!(R::RuntimeCall; prepare);
}

/// What makes an extrinsic that is not taken.
pub(super) type NotTaken = TransactionValidityError;
