// SPDX-License-Identifier: Apache-2.0
//! What a block means for a shard: exactly what the chain executed, in the order in which it did.
//!
//! # What
//! Events are the chain's own record of what succeeded; a failed call leaves none. So every [`ShardEvent`] stands for
//! an event, in the order of the events. What an event does not carry (an invocation's ciphertext, a registration's
//! proof) is taken from the call that caused it, also deep inside batches, proxies, multisigs and sudo.
//!
//! # When events and calls do not fit
//! If all calls of an extrinsic are known, that cannot be, and the block is refused with [`OperationsError::Disagree`]
//! rather than guessed at. If some call is unknown, it may have dispatched others in a way that leaves no trace to
//! follow; then the invocations of this extrinsic are [`ShardEventKind::Unattributable`]: nobody can execute them, all
//! workers agree, and only their author is hurt.

use crate::{
    block::VerifiedBlock,
    call_tree::{Leaf, attribute, parse_extrinsic},
    events::{EventRecord, Phase},
};
use offstage_primitives::{
    AccountId32, BlockHash, H256, ShardIdentifier,
    chain::{argument, enclave_bridge, teerex},
    teerex::SgxAttestationMethod,
};
use std::collections::BTreeMap;

/// Something that the chain executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardEvent {
    /// Index of the event in the block; ascending, so it names the operation within its block.
    pub event_index: u32,
    /// Index of the extrinsic; `None` for what the chain did outside extrinsics.
    pub extrinsic_index: Option<u32>,
    /// What it is.
    pub kind: ShardEventKind,
}

/// Kinds of what concerns a shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShardEventKind {
    /// `EnclaveBridge.invoke` for the shard.
    Invoke {
        /// The envelope.
        cyphertext: Vec<u8>,
    },
    /// An invocation for the shard whose call cannot be told. It executes nothing.
    Unattributable,
    /// `EnclaveBridge.shield_funds` to the shard.
    Shield {
        /// The envelope of the beneficiary's account.
        encrypted_beneficiary: Vec<u8>,
        /// Amount in the chain's smallest unit.
        amount: u128,
    },
    /// `Teerex.register_sgx_enclave`, of any enclave: the chain has verified the proof.
    Registration {
        /// Who registered it.
        signer: AccountId32,
        /// How the chain says that it was attested; `None` for a method that is not known here.
        method: Option<SgxAttestationMethod>,
        /// The proof as it was given; empty if the call cannot be told.
        proof: Vec<u8>,
    },
    /// An enclave left the registry.
    Unregistered {
        /// Whose entry it was.
        signer: AccountId32,
    },
    /// `EnclaveBridge.confirm_processed_parentchain_block` for the shard.
    Confirmed {
        /// Who confirmed, if the call was the extrinsic's own or in a batch of it.
        signer: Option<AccountId32>,
        /// The confirmed block.
        block_hash: BlockHash,
        /// Root of its receipts.
        root: H256,
        /// Its number.
        number: u32,
    },
    /// `EnclaveBridge.unshield_funds` from the shard, honoured for the first time.
    Unshielded {
        /// Who received.
        beneficiary: AccountId32,
        /// Amount in the chain's smallest unit.
        amount: u128,
        /// Its unique name, unless the call cannot be told.
        call_hash: Option<H256>,
    },
    /// `EnclaveBridge.execute_for_shard` for the shard, honoured for the first time.
    Executed {
        /// Its unique name.
        call_hash: H256,
        /// Whether the call inside was done, or failed.
        done: bool,
    },
    /// The shard's configuration changed or a change is pending.
    ShardConfigUpdated,
}

/// All that the block means for `shard`, in the chain's order. Registrations are of any shard: a proof says of which.
///
/// # Errors
/// [`OperationsError`] when events and calls contradict each other or a pallet's events have another form than
/// `wire.md` fixes. All workers see the same error for the same block.
pub fn operations(block: &VerifiedBlock, shard: ShardIdentifier) -> Result<Vec<ShardEvent>, OperationsError> {
    let mut by_extrinsic: BTreeMap<u32, Vec<(u32, &EventRecord)>> = BTreeMap::new();
    let mut found = Vec::new();
    for event in &block.events {
        let event_index = event.index;
        let extrinsic_index = match event.phase {
            Phase::ApplyExtrinsic(index) => {
                by_extrinsic.entry(index).or_default().push((event_index, event));
                Some(index)
            }
            Phase::Finalization | Phase::Initialization => None,
        };
        if let Some(kind) = kind_of(event, shard)? {
            found.push(ShardEvent { event_index, extrinsic_index, kind });
        }
    }
    let mut completed = Completed::default();
    for event in &mut found {
        let Some(index) = event.extrinsic_index else { continue };
        if needs_call(&event.kind) {
            let events = by_extrinsic.get(&index).map(Vec::as_slice).unwrap_or_default();
            completed.complete(block, index, events, event)?;
        }
    }
    Ok(found)
}

/// What an event says on its own.
fn kind_of(event: &EventRecord, shard: ShardIdentifier) -> Result<Option<ShardEventKind>, OperationsError> {
    let malformed =
        || OperationsError::Form { pallet: event.pallet.to_string(), event: event.variant.to_string() };
    let account = |name, position| event.field::<AccountId32>(name, position).ok_or_else(malformed);
    if &*event.pallet == teerex::PALLET {
        return Ok(match &*event.variant {
            teerex::ENCLAVE_ADDED => Some(ShardEventKind::Registration {
                signer: account(argument::REGISTERED_BY, 0)?,
                method: event.field("attestation_method", 3),
                proof: Vec::new(),
            }),
            teerex::ENCLAVE_REMOVED => {
                let signer =
                    event.fields.first().and_then(|field| <[u8; 32]>::try_from(&field.bytes[..]).ok());
                Some(ShardEventKind::Unregistered {
                    signer: signer.map(AccountId32::new).ok_or_else(malformed)?,
                })
            }
            _ => None,
        });
    }
    if &*event.pallet != enclave_bridge::PALLET || !CONCERNS_SHARD.contains(&&*event.variant) {
        return Ok(None);
    }
    if event.field::<ShardIdentifier>(argument::SHARD, 0).ok_or_else(malformed)? != shard {
        return Ok(None);
    }
    let amount = |position| event.field::<u128>(argument::AMOUNT, position).ok_or_else(malformed);
    let hash = |name, position| event.field::<H256>(name, position).ok_or_else(malformed);
    Ok(Some(match &*event.variant {
        enclave_bridge::INVOCATION_REGISTERED => ShardEventKind::Unattributable,
        enclave_bridge::FUNDS_SHIELDED => ShardEventKind::Shield {
            encrypted_beneficiary: event.field(argument::ENCRYPTED_BENEFICIARY, 1).ok_or_else(malformed)?,
            amount: amount(2)?,
        },
        enclave_bridge::FUNDS_UNSHIELDED => ShardEventKind::Unshielded {
            beneficiary: account(argument::BENEFICIARY, 1)?,
            amount: amount(2)?,
            call_hash: None,
        },
        enclave_bridge::BLOCK_PROCESSED => ShardEventKind::Confirmed {
            signer: None,
            block_hash: hash(argument::BLOCK_HASH, 1)?.into(),
            root: hash(argument::TRUSTED_CALLS_MERKLE_ROOT, 2)?,
            number: event.field(argument::BLOCK_NUMBER, 3).ok_or_else(malformed)?,
        },
        enclave_bridge::EXECUTED_FOR_SHARD => ShardEventKind::Executed {
            call_hash: hash(argument::CALL_HASH, 1)?,
            done: event.result(argument::RESULT).ok_or_else(malformed)?,
        },
        _ => ShardEventKind::ShardConfigUpdated,
    }))
}

/// Whether the event leaves something out that its call tells.
fn needs_call(kind: &ShardEventKind) -> bool {
    match kind {
        ShardEventKind::Unattributable
        | ShardEventKind::Registration { .. }
        | ShardEventKind::Confirmed { .. }
        | ShardEventKind::Unshielded { .. } => true,
        ShardEventKind::Invoke { .. }
        | ShardEventKind::Shield { .. }
        | ShardEventKind::Unregistered { .. }
        | ShardEventKind::Executed { .. }
        | ShardEventKind::ShardConfigUpdated => false,
    }
}

/// The last extrinsic that was cut apart; events come in the order of extrinsics.
#[derive(Default)]
struct Completed {
    index: Option<u32>,
    signer: Option<AccountId32>,
    kinds: BTreeMap<u32, Leaves>,
}

/// What a call adds to its event.
enum Leaves {
    Invoke { cyphertext: Vec<u8> },
    Register { proof: Vec<u8> },
    Unshield { call_hash: H256 },
}

impl Completed {
    fn complete(
        &mut self,
        block: &VerifiedBlock,
        index: u32,
        events: &[(u32, &EventRecord)],
        event: &mut ShardEvent,
    ) -> Result<(), OperationsError> {
        if self.index != Some(index) {
            *self = Self::of(block, index, events)?;
        }
        if let ShardEventKind::Confirmed { signer, .. } = &mut event.kind {
            signer.clone_from(&self.signer);
        }
        match (self.kinds.remove(&event.event_index), &mut event.kind) {
            (Some(Leaves::Invoke { cyphertext }), kind @ ShardEventKind::Unattributable) => {
                *kind = ShardEventKind::Invoke { cyphertext };
            }
            (Some(Leaves::Register { proof: of_call }), ShardEventKind::Registration { proof, .. }) => {
                *proof = of_call
            }
            (Some(Leaves::Unshield { call_hash: of_call }), ShardEventKind::Unshielded { call_hash, .. }) => {
                *call_hash = Some(of_call);
            }
            _ => {}
        }
        Ok(())
    }

    fn of(
        block: &VerifiedBlock,
        index: u32,
        events: &[(u32, &EventRecord)],
    ) -> Result<Self, OperationsError> {
        let nothing = Self { index: Some(index), ..Self::default() };
        let bytes = usize::try_from(index).ok().and_then(|index| block.extrinsics.get(index));
        let Some(extrinsic) = bytes.and_then(|bytes| parse_extrinsic(&block.runtime, bytes)) else {
            return Ok(nothing);
        };
        let leaves = match attribute(&extrinsic.call, events) {
            Ok(leaves) => leaves,
            Err(_) if extrinsic.call.is_known() => return Err(OperationsError::Disagree(index)),
            Err(_) => return Ok(nothing),
        };
        let kinds = leaves.into_iter().filter_map(|(event_index, leaf)| {
            let leaf = match leaf {
                Leaf::Invoke { cyphertext, .. } => Leaves::Invoke { cyphertext: cyphertext.clone() },
                Leaf::Register { proof } => Leaves::Register { proof: proof.to_vec() },
                Leaf::Unshield { call_hash, .. } => Leaves::Unshield { call_hash: *call_hash },
                Leaf::Confirm => return None,
            };
            Some((event_index, leaf))
        });
        let kinds = kinds.collect();
        let signer = extrinsic.signer.filter(|_| extrinsic.call.is_of_the_signer());
        Ok(Self { index: Some(index), signer, kinds })
    }
}

/// Why the meaning of a block cannot be told. The block must not be passed over: the shard stops.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OperationsError {
    /// All calls are known, and yet the events say something else was executed.
    #[error(
        "events of extrinsic {0} do not fit its calls; the runtime dispatches in an unknown way, update the enclave"
    )]
    Disagree(u32),
    /// An event has other fields than the interface fixes.
    #[error(
        "event {pallet}.{event} has an unknown form; the chain's pallet has another interface, update the enclave"
    )]
    Form {
        /// The pallet.
        pallet: String,
        /// The event.
        event: String,
    },
}

/// Events of `EnclaveBridge` whose first field is the shard, and that matter.
const CONCERNS_SHARD: [&str; 6] = [
    enclave_bridge::INVOCATION_REGISTERED,
    enclave_bridge::FUNDS_SHIELDED,
    enclave_bridge::FUNDS_UNSHIELDED,
    enclave_bridge::BLOCK_PROCESSED,
    enclave_bridge::EXECUTED_FOR_SHARD,
    enclave_bridge::SHARD_CONFIG_UPDATED,
];

#[cfg(test)]
mod tests;
