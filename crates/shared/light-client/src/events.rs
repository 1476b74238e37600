// SPDX-License-Identifier: Apache-2.0
//! `System.Events`, cut into records by proven metadata.
//!
//! # Memory
//! A record takes several times the memory of the event that it is of, and a block may be full of events that nobody
//! here reads. So all are walked over, and records are made of those that say what was executed and what it cost:
//! [`MATTERS`]. Of these each is caused by a call or an extrinsic, and these are in the body, which is limited.

use crate::runtime::{Budget, VerifiedRuntime, read_compact, take, take_byte};
use codec::Decode;
use offstage_primitives::chain::{
    enclave_bridge, multisig, proxy, sudo, system, teerex, transaction_payment, utility,
};
use std::sync::Arc;

/// One event of a block. Its fields are SCALE bytes, cut apart by the metadata of the runtime that deposited it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventRecord {
    /// Its place among all events of the block.
    pub index: u32,
    /// When it was deposited.
    pub phase: Phase,
    /// Name of the pallet.
    pub pallet: Arc<str>,
    /// Name of the event.
    pub variant: Arc<str>,
    /// Its fields in order.
    pub fields: Vec<EventField>,
}

/// When an event was deposited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// While the extrinsic with this index was applied.
    ApplyExtrinsic(u32),
    /// After all extrinsics.
    Finalization,
    /// Before all extrinsics.
    Initialization,
}

/// A field of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventField {
    /// Its name, if the event has named fields.
    pub name: Option<Arc<str>>,
    /// Its SCALE encoding.
    pub bytes: Vec<u8>,
}

impl EventRecord {
    /// Whether it is this event of this pallet.
    pub fn is(&self, pallet: &str, variant: &str) -> bool {
        &*self.pallet == pallet && &*self.variant == variant
    }

    /// The field with this name, or, in an event without names, at this position, if it is exactly a `T`.
    pub fn field<T: Decode>(&self, name: &str, position: usize) -> Option<T> {
        let field = self
            .fields
            .iter()
            .find(|field| field.name.as_deref() == Some(name))
            .or_else(|| self.fields.get(position).filter(|field| field.name.is_none()))?;
        let mut bytes = &field.bytes[..];
        T::decode(&mut bytes).ok().filter(|_| bytes.is_empty())
    }

    /// Whether a field that is a `DispatchResult` is `Ok`: its first byte is that of `Result`. In an event without
    /// names it is the last field.
    pub fn result(&self, name: &str) -> Option<bool> {
        let field = self
            .fields
            .iter()
            .find(|field| field.name.as_deref() == Some(name))
            .or_else(|| self.fields.last().filter(|field| field.name.is_none()))?;
        match field.bytes.first()? {
            0 => Some(true),
            1 => Some(false),
            _ => None,
        }
    }
}

/// Cuts the value of `System.Events` apart.
pub(crate) fn decode_events(
    runtime: &VerifiedRuntime,
    bytes: &[u8],
) -> Result<Vec<EventRecord>, EventsError> {
    let mut input = bytes;
    let count = read_compact(&mut input).ok_or(EventsError(0))?;
    let mut budget = Budget::new();
    let mut records = Vec::new();
    for index in 0..count {
        records.extend(decode_record(runtime, index, &mut input, &mut budget).ok_or(EventsError(index))?);
    }
    if input.is_empty() { Ok(records) } else { Err(EventsError(count)) }
}

/// `EventRecord { phase, event, topics }` of frame-system, if it matters.
fn decode_record(
    runtime: &VerifiedRuntime,
    index: u32,
    input: &mut &[u8],
    budget: &mut Budget,
) -> Option<Option<EventRecord>> {
    let phase = match take_byte(input)? {
        0 => Phase::ApplyExtrinsic(u32::decode(input).ok()?),
        1 => Phase::Finalization,
        2 => Phase::Initialization,
        _ => return None,
    };
    let (pallet, variant) = runtime.event(take_byte(input)?, take_byte(input)?)?;
    let matters = matters(pallet, &variant.name);
    let mut fields = Vec::with_capacity(if matters { variant.fields.len() } else { 0 });
    for field in &variant.fields {
        let before = *input;
        runtime.types().skip(field.ty, input, budget)?;
        if matters {
            let length = before.len().checked_sub(input.len())?;
            fields.push(EventField { name: field.name.clone(), bytes: before.get(..length)?.to_vec() });
        }
    }
    let topics = read_compact(input)?;
    take(input, usize::try_from(topics).ok()?.checked_mul(TOPIC_LEN)?)?;
    let record =
        || EventRecord { index, phase, pallet: pallet.clone(), variant: variant.name.clone(), fields };
    Some(matters.then(record))
}

/// Whether somebody reads such an event. Of the system pallet, whose remarks are for anybody, only the outcome of
/// extrinsics.
fn matters(pallet: &str, variant: &str) -> bool {
    match pallet {
        system::PALLET => matches!(variant, system::EXTRINSIC_SUCCESS | system::EXTRINSIC_FAILED),
        _ => MATTERS.contains(&pallet),
    }
}

/// The record with this index does not fit the proven metadata. As it is the chain's own, this means that the runtime
/// uses a form of events that is not known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("event {0} of the block does not have the form that the runtime's metadata says")]
pub struct EventsError(pub u32);

/// Pallets whose events say what was executed: the outcome of extrinsics and their fees, what shards and enclaves did,
/// and what calls that dispatch others made of them.
pub const MATTERS: [&str; 8] = [
    system::PALLET,
    enclave_bridge::PALLET,
    teerex::PALLET,
    utility::PALLET,
    proxy::PALLET,
    multisig::PALLET,
    sudo::PALLET,
    transaction_payment::PALLET,
];

/// Topics are hashes.
const TOPIC_LEN: usize = 32;
