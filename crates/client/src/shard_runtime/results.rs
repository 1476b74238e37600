// SPDX-License-Identifier: Apache-2.0
//! An operation's result in the words of the runtime.

use super::{RuntimeError, ShardRuntime, Shown};
use crate::printable::printable;
use offstage_primitives::result::OperationResult;
use serde_json::{Value as Json, json};
use subxt::ext::scale_decode::DecodeAsType;

/// What the sender of an operation may learn of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShownResult {
    /// Why the logic refused it: `Balances.InsufficientBalance`, for example.
    pub refusal: Option<String>,
    /// The runtime's `DispatchError`.
    pub error: Option<Shown>,
    /// What it emitted: `Balances.Transfer`, for example, and the fields.
    pub events: Vec<(String, Shown)>,
    /// How many more events there were.
    pub omitted_events: u32,
    /// What it cost in picoseconds on the reference machine, and in bytes of proof.
    pub weight: (u64, u64),
}

impl ShardRuntime {
    /// A result, decoded.
    ///
    /// # Errors
    /// [`RuntimeError::Answer`] when it is not of this runtime.
    pub fn show_result(&self, result: &OperationResult) -> Result<ShownResult, RuntimeError> {
        let error = match (&result.error, self.metadata.dispatch_error_ty()) {
            (None, _) => None,
            (Some(bytes), Some(id)) => Some(self.decode(id, bytes)?),
            (Some(_), None) => return Err(RuntimeError::Answer),
        };
        let event_id = self.metadata.outer_enums().event_enum_ty();
        let events = result.events.iter().map(|event| {
            let Shown(event) = self.decode(event_id, event)?;
            named(event).ok_or(RuntimeError::Answer)
        });
        Ok(ShownResult {
            refusal: result.refusal.as_deref().map(printable),
            error,
            events: events.collect::<Result<_, _>>()?,
            omitted_events: result.omitted_events,
            weight: (result.ref_time, result.proof_size),
        })
    }
}

impl ShardRuntime {
    /// The events of a result in a program's own types, such as the `Event` that `subxt`'s macro makes of the metadata.
    ///
    /// # Errors
    /// [`RuntimeError::Answer`] when one is not of this type.
    pub fn events_as<E: DecodeAsType>(&self, result: &OperationResult) -> Result<Vec<E>, RuntimeError> {
        let id = self.metadata.outer_enums().event_enum_ty();
        let decode = |event: &Vec<u8>| E::decode_as_type(&mut &event[..], id, self.metadata.types());
        result.events.iter().map(|event| decode(event).map_err(|_| RuntimeError::Answer)).collect()
    }
}

impl ShownResult {
    /// As JSON, for programs.
    pub fn json(&self) -> Json {
        let events =
            self.events.iter().map(|(name, Shown(fields))| json!({ "name": name, "fields": fields }));
        let (ref_time, proof_size) = self.weight;
        json!({
            "refusal": self.refusal,
            "error": self.error.as_ref().map(|Shown(error)| error),
            "events": events.collect::<Vec<_>>(),
            "omittedEvents": self.omitted_events,
            // Numbers of 64 bits are text, as programs need not hold them exactly.
            "weight": { "refTime": ref_time.to_string(), "proofSize": proof_size.to_string() },
        })
    }
}

/// `{"Balances": {"Transfer": …}}` as `Balances.Transfer` and its fields.
fn named(event: Json) -> Option<(String, Shown)> {
    let (pallet, event) = only(event)?;
    let (name, fields) = match event {
        Json::String(name) => (name, Json::Null),
        other => only(other)?,
    };
    Some((format!("{pallet}.{name}"), Shown(fields)))
}

fn only(object: Json) -> Option<(String, Json)> {
    match object {
        Json::Object(fields) if fields.len() == 1 => fields.into_iter().next(),
        _ => None,
    }
}
