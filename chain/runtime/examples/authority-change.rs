// SPDX-License-Identifier: Apache-2.0
//! Prints a signed extrinsic by which //Alice, as root of a development chain, schedules another GRANDPA authority set.
//!
//! ```text
//! cargo run --release -p offstage-runtime --example authority-change -- <genesis hash> <nonce> <delay> <names..>
//! ```
//! The output is what `author_submitExtrinsic` takes. `chain/node/tools/capture.py` records what follows, which gives
//! test vectors for light clients.

use codec::Encode;
use frame_support::BoundedVec;
use offstage_runtime::{
    Hash, Runtime, RuntimeCall, SignedPayload, TxExtension, UncheckedExtrinsic, VERSION, reserve::CheckWeight,
};
use sp_core::{Pair, bytes::to_hex, ed25519, sr25519};
use sp_runtime::{MultiSignature, generic::Era};
use std::{error::Error, str::FromStr};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [genesis_hash, nonce, delay, names @ ..] = arguments.as_slice() else {
        return Err(
            "give the genesis hash, the nonce of //Alice, the delay, and the names of the new set".into()
        );
    };
    let call = sudo(schedule(delay.parse()?, names)?);
    println!("{}", to_hex(&sign(call, Hash::from_str(genesis_hash)?, nonce.parse()?)?.encode(), false));
    Ok(())
}

fn schedule(delay: u32, names: &[String]) -> Result<RuntimeCall, Box<dyn Error>> {
    let mut authorities = Vec::new();
    for name in names {
        authorities.push((ed25519::Pair::from_string(&format!("//{name}"), None)?.public().into(), 1));
    }
    let authorities = BoundedVec::try_from(authorities).map_err(|_| "the set is too large")?;
    Ok(RuntimeCall::Validators(offstage_runtime::validators::Call::schedule_authority_change {
        authorities,
        delay,
    }))
}

fn sudo(call: RuntimeCall) -> RuntimeCall {
    RuntimeCall::Sudo(pallet_sudo::Call::sudo { call: Box::new(call) })
}

fn sign(call: RuntimeCall, genesis_hash: Hash, nonce: u32) -> Result<UncheckedExtrinsic, Box<dyn Error>> {
    let alice = sr25519::Pair::from_string("//Alice", None)?;
    let extension: TxExtension = (
        frame_system::CheckNonZeroSender::<Runtime>::new(),
        frame_system::CheckSpecVersion::<Runtime>::new(),
        frame_system::CheckTxVersion::<Runtime>::new(),
        frame_system::CheckGenesis::<Runtime>::new(),
        frame_system::CheckEra::<Runtime>::from(Era::Immortal),
        frame_system::CheckNonce::<Runtime>::from(nonce),
        CheckWeight,
        pallet_transaction_payment::ChargeTransactionPayment::<Runtime>::from(0),
        frame_metadata_hash_extension::CheckMetadataHash::<Runtime>::new(false),
    );
    let implicit =
        ((), VERSION.spec_version, VERSION.transaction_version, genesis_hash, genesis_hash, (), (), (), None);
    let payload = SignedPayload::from_raw(call.clone(), extension.clone(), implicit);
    let signature = payload.using_encoded(|bytes| alice.sign(bytes));
    let signer = sp_runtime::AccountId32::from(alice.public());
    Ok(UncheckedExtrinsic::new_signed(call, signer.into(), MultiSignature::Sr25519(signature), extension))
}
