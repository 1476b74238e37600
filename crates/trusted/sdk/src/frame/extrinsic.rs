// SPDX-License-Identifier: Apache-2.0
//! From an extrinsic's bytes to what it does.
//!
//! # What is checked, in this order
//! 1. It decodes, to the end, and nests no deeper than a chain takes.
//! 2. Somebody signed it: format 4 (signed), or format 5 (general) with version 1 of the extensions. An extrinsic
//!    without a signature has nobody whose nonce could stop a second execution.
//! 3. The signature is good for this shard, version and era; then what each extension says.
//! 4. The executor checks the nonce once more, makes room for the weight, and uses the nonce up.
//! 5. The extensions prepare (a fee is withdrawn), the call is dispatched, the extensions finish (a fee is corrected).
//!
//! What fails in 1 to 3 is no fault of the account, and changes nothing; so do the extensions of 5.

use super::{
    ShardRuntime, TxExtension, effects,
    extensions::{CarriesNonce, NotTaken, VerifySignature},
    take_events,
};
use crate::state_transition::{Applied, CheckedExtrinsic, Report};
use codec::{Decode, DecodeLimit, Encode};
use frame_support::{
    dispatch::{DispatchInfo, DispatchResultWithPostInfo, GetDispatchInfo, extract_actual_weight},
    migrations::MultiStepMigrator,
    traits::{Get, PalletsInfoAccess},
    weights::Weight,
};
use frame_system::ChainContext;
use offstage_primitives::{AccountId32, MultiSignature, receipt::Outcome};
use sp_runtime::{
    DispatchError, ModuleError,
    generic::{self, ExtrinsicFormat},
    traits::{
        AsSystemOriginSigner, AsTransactionAuthorizedOrigin, Checkable, Dispatchable,
        ExtensionPostDispatchWeightHandler, ExtensionVariant, Member, PipelineAtVers, StaticLookup,
        TransactionExtension, TxBaseImplication,
    },
    transaction_validity::{InvalidTransaction, TransactionSource, UnknownTransaction},
};

/// The extrinsic of the shard's runtime `R`. `E` are its transaction extensions.
pub type UncheckedExtrinsic<R, E = TxExtension<R>> = generic::UncheckedExtrinsic<
    <<R as frame_system::Config>::Lookup as StaticLookup>::Source,
    <R as frame_system::Config>::RuntimeCall,
    MultiSignature,
    E,
    General<R, E>,
>;

/// The extensions of a general extrinsic: version 1, with the signature before the others.
pub type General<R, E> = PipelineAtVers<1, (VerifySignature<R>, E)>;

/// An extrinsic of a shard's runtime. [`UncheckedExtrinsic`] is one.
pub trait ShardExtrinsic<R: ShardRuntime>: Sized {
    /// Decodes it, with its length before it, and checks all that does not execute it. Inside externalities of the
    /// block.
    ///
    /// # Errors
    /// What its receipt says.
    fn check(bytes: &[u8]) -> Result<CheckedExtrinsic, Outcome>;
}

impl<R, E> ShardExtrinsic<R> for UncheckedExtrinsic<R, E>
where
    R: ShardRuntime,
    R::RuntimeCall: Member,
    <R::Lookup as StaticLookup>::Source: Member + Decode + Encode + std::fmt::Display,
    E: TransactionExtension<R::RuntimeCall> + CarriesNonce,
    Self: Decode
        + Checkable<
            ChainContext<R>,
            Checked = generic::CheckedExtrinsic<AccountId32, R::RuntimeCall, E, General<R, E>>,
        >,
{
    fn check(bytes: &[u8]) -> Result<CheckedExtrinsic, Outcome> {
        let extrinsic = Self::decode_all_with_depth_limit(MAX_EXTRINSIC_DEPTH, &mut &*bytes)
            .map_err(|_| Outcome::Undecipherable)?;
        // Pallets in the middle of a migration over several blocks are not to be called; nothing is used up.
        if R::MultiBlockMigrator::ongoing() {
            return Err(Outcome::NotNow);
        }
        let checked = extrinsic.check(&ChainContext::<R>::default()).map_err(outcome_of)?;
        let (call, len) = (checked.function, bytes.len());
        match checked.format {
            ExtrinsicFormat::Signed(sender, extensions) => {
                let nonce = extensions.nonce();
                validate::<R, E>(Some(sender).into(), extensions, call, len, 0, nonce)
            }
            ExtrinsicFormat::General(ExtensionVariant::Other(general)) => {
                let nonce = general.extension.1.nonce();
                validate::<R, (VerifySignature<R>, E)>(None.into(), general.extension, call, len, 1, nonce)
            }
            // Without the version that has the signature nobody signed.
            ExtrinsicFormat::General(ExtensionVariant::V0(_)) | ExtrinsicFormat::Bare => {
                Err(Outcome::Unauthorised)
            }
        }
    }
}

fn validate<R, E>(
    origin: <R::RuntimeCall as Dispatchable>::RuntimeOrigin,
    extensions: E,
    call: R::RuntimeCall,
    len: usize,
    version: u8,
    nonce: u32,
) -> Result<CheckedExtrinsic, Outcome>
where
    R: ShardRuntime,
    E: TransactionExtension<R::RuntimeCall>,
{
    let info = DispatchInfo { extension_weight: extensions.weight(&call), ..call.get_dispatch_info() };
    // No user may do what a block's producer must.
    if info.class == frame_support::dispatch::DispatchClass::Mandatory {
        return Err(Outcome::Unauthorised);
    }
    let implicit = extensions.implicit().map_err(outcome_of)?;
    let (_, val, origin) = extensions
        .validate(
            origin,
            &call,
            &info,
            len,
            implicit,
            &TxBaseImplication((version, &call)),
            TransactionSource::InBlock,
        )
        .map_err(outcome_of)?;
    if !origin.is_transaction_authorized() {
        return Err(Outcome::Unauthorised);
    }
    let sender = origin.as_system_origin_signer().cloned().ok_or(Outcome::Unauthorised)?;
    let base = R::BlockWeights::get().get(info.class).base_extrinsic;
    let weight = info.total_weight().saturating_add(base);
    let apply = Box::new(move || apply::<R, E>(extensions, val, origin, call, &info, len, base));
    Ok(CheckedExtrinsic { sender, nonce, weight, apply })
}

fn apply<R, E>(
    extensions: E,
    val: E::Val,
    origin: <R::RuntimeCall as Dispatchable>::RuntimeOrigin,
    call: R::RuntimeCall,
    info: &DispatchInfo,
    len: usize,
    base: Weight,
) -> Result<Applied, Outcome>
where
    R: ShardRuntime,
    E: TransactionExtension<R::RuntimeCall>,
{
    // The nonce is used up: whatever goes wrong from here on is the last word.
    let refused = |_: NotTaken| Outcome::Refused;
    let prepared = extensions.prepare(val, &origin, &call, info, len).map_err(refused)?;
    let mut done: DispatchResultWithPostInfo = call.dispatch(origin);
    let result = done.map(|_| ()).map_err(|failed| failed.error);
    let post = match &mut done {
        Ok(post) => post,
        Err(failed) => &mut failed.post_info,
    };
    post.set_extension_weight(info);
    E::post_dispatch(prepared, info, post, len, &result).map_err(refused)?;
    frame_system::Pallet::<R>::note_applied_extrinsic(&done, *info);
    let weight = extract_actual_weight(&done, info).saturating_add(base);
    let report = Report {
        refusal: result.err().map(refusal::<R>),
        error: result.err().map(|error| error.encode()),
        events: take_events::<R>().into_iter().map(|event| event.encode()).collect(),
        weight,
    };
    frame_system::Pallet::<R>::register_extra_weight_unchecked(weight, info.class);
    Ok(Applied { weight, effects: effects::take(), report })
}

/// The error's name, behind its pallet's, as the runtime has it.
fn refusal<R: ShardRuntime>(error: DispatchError) -> String {
    match error {
        DispatchError::Module(ModuleError { index, message, .. }) => {
            let pallets = R::AllPallets::infos();
            let pallet = pallets.iter().find(|pallet| pallet.index == usize::from(index));
            let pallet = pallet.map_or("Module", |pallet| pallet.name);
            format!("{pallet}.{}", message.unwrap_or("Error"))
        }
        // These have no fields of their own, so their `Debug` is their name.
        DispatchError::Token(error) => format!("Token.{error:?}"),
        DispatchError::Arithmetic(error) => format!("Arithmetic.{error:?}"),
        DispatchError::Transactional(error) => format!("Transactional.{error:?}"),
        DispatchError::Trie(error) => format!("Trie.{error:?}"),
        DispatchError::Other(reason) => format!("Other.{reason}"),
        DispatchError::CannotLookup
        | DispatchError::BadOrigin
        | DispatchError::ConsumerRemaining
        | DispatchError::NoProviders
        | DispatchError::TooManyConsumers
        | DispatchError::Exhausted
        | DispatchError::Corruption
        | DispatchError::Unavailable
        | DispatchError::RootNotAllowed => format!("{error:?}"),
    }
}

/// Why an extrinsic is not taken, in the words of receipts.
fn outcome_of(error: NotTaken) -> Outcome {
    use sp_runtime::transaction_validity::TransactionValidityError::{Invalid, Unknown};
    match error {
        Invalid(InvalidTransaction::Stale | InvalidTransaction::Future) => Outcome::WrongNonce,
        Invalid(
            InvalidTransaction::BadProof | InvalidTransaction::BadSigner | InvalidTransaction::UnknownOrigin,
        )
        | Unknown(UnknownTransaction::CannotLookup) => Outcome::Unauthorised,
        Invalid(InvalidTransaction::AncientBirthBlock) => Outcome::Expired,
        Invalid(_) | Unknown(_) => Outcome::Invalid,
    }
}

/// As deep as a call may nest: `sp_api::MAX_EXTRINSIC_DEPTH`, what runtimes on chains take.
const MAX_EXTRINSIC_DEPTH: u32 = 256;
