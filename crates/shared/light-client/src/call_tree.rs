// SPDX-License-Identifier: Apache-2.0
//! The call of an extrinsic with the calls inside it, and which of them the events say were executed.
//!
//! # What
//! `utility.batch([invoke(a), proxy.proxy(bob, invoke(b))])` is a tree. Which of its leaves took effect, the chain
//! tells only by events, and those of `invoke` name nothing but the shard. But every call that dispatches others
//! deposits an event *behind* those of the calls inside (`ItemCompleted`, `ProxyExecuted { result }`, …), and the
//! events of a call that failed are rolled back with it. So events are read from the last to the first, and at each
//! step the tree says what may stand there: nothing is guessed.
//!
//! # Attacks
//! An author may nest what he likes. Whatever he does, either the events fit the tree, or they do not; then a call
//! was involved that dispatches others in a way unknown here, and the extrinsic's invocations cannot be attributed.

use crate::{
    dispatchers::{Report, Way, dispatcher, report},
    events::EventRecord,
    runtime::{Budget, VerifiedRuntime, read_compact, take, take_byte},
};
use codec::{Compact, Decode};
use offstage_primitives::{
    AccountId32, H256, ShardIdentifier,
    chain::{argument, enclave_bridge, multisig, system, teerex, utility},
    enclave_bridge::Request,
};
use sp_crypto_hashing::blake2_256;
use std::collections::BTreeMap;

/// An extrinsic, as far as it matters.
#[derive(Debug)]
pub(crate) struct ParsedExtrinsic<'a> {
    /// Who signed it, if it carries a signature in the classic form by an account id.
    pub(crate) signer: Option<AccountId32>,
    pub(crate) call: CallTree<'a>,
}

/// A call, reduced to what it can do to a shard.
#[derive(Debug)]
pub(crate) enum CallTree<'a> {
    /// A call of the bridge or the registry.
    Leaf(Leaf<'a>),
    /// `utility.batch`: stops at the first failure.
    Batch(Vec<CallTree<'a>>),
    /// `utility.batch_all`: all or none.
    BatchAll(Vec<CallTree<'a>>),
    /// `utility.force_batch`: goes on after failures.
    ForceBatch(Vec<CallTree<'a>>),
    /// A call that executes another and deposits an event with the result.
    Reported(Report, Box<CallTree<'a>>),
    /// A call that executes another and shares its fate.
    Transparent(Box<CallTree<'a>>),
    /// `utility.if_else`: the second if the first fails.
    IfElse(Box<CallTree<'a>>, Box<CallTree<'a>>),
    /// `multisig.as_multi`: executes when enough have approved.
    Multisig {
        /// The call's encoding, by whose hash the event names it.
        encoded: &'a [u8],
        /// `as_multi_threshold_1` executes always; older pallets deposit no event for it.
        always: bool,
        call: Box<CallTree<'a>>,
    },
    /// Any other call.
    Other,
}

/// A call that a shard cares for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Leaf<'a> {
    Invoke { shard: ShardIdentifier, cyphertext: Vec<u8> },
    Register { proof: &'a [u8] },
    Unshield { shard: ShardIdentifier, beneficiary: AccountId32, amount: u128, call_hash: H256 },
    Confirm,
}

/// An event that says what was executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Marker {
    Invocation(ShardIdentifier),
    Unshielded { shard: ShardIdentifier, amount: u128 },
    Registered,
    BatchCompleted,
    BatchCompletedWithErrors,
    BatchInterrupted(u32),
    ItemCompleted,
    ItemFailed,
    IfElseMain,
    IfElseFallback,
    Reported(Report, bool),
    Multisig { call_hash: [u8; 32], success: bool },
}

/// The events of an extrinsic do not fit its calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mismatch;

/// For each event of the extrinsic that a [`Leaf`] caused, by its position in `events`, that leaf.
pub(crate) fn attribute<'t, 'a>(
    call: &'t CallTree<'a>,
    events: &[(u32, &EventRecord)],
) -> Result<BTreeMap<u32, &'t Leaf<'a>>, Mismatch> {
    let mut walk = Walk { markers: markers(events)?, found: BTreeMap::new() };
    let succeeded = events.iter().any(|(_, event)| event.is(system::PALLET, system::EXTRINSIC_SUCCESS));
    if succeeded {
        walk.back(call)?;
    }
    // What is left was deposited by calls that nobody knows here; of a failed extrinsic, nothing can be left.
    if walk.markers.is_empty() { Ok(walk.found) } else { Err(Mismatch) }
}

impl CallTree<'_> {
    /// Whether all calls within are known, so that events and calls must fit.
    pub(crate) fn is_known(&self) -> bool {
        match self {
            Self::Leaf(_) => true,
            Self::Other => false,
            Self::Batch(items) | Self::BatchAll(items) | Self::ForceBatch(items) => {
                items.iter().all(Self::is_known)
            }
            Self::Reported(_, call) | Self::Transparent(call) | Self::Multisig { call, .. } => {
                call.is_known()
            }
            Self::IfElse(main, fallback) => main.is_known() && fallback.is_known(),
        }
    }
}

impl CallTree<'_> {
    /// Whether all that can be executed within is executed in the name of who signed: known calls, alone or in batches.
    pub(crate) fn is_of_the_signer(&self) -> bool {
        match self {
            Self::Leaf(_) => true,
            Self::Batch(items) | Self::BatchAll(items) | Self::ForceBatch(items) => {
                items.iter().all(Self::is_of_the_signer)
            }
            Self::Other
            | Self::Reported(..)
            | Self::Transparent(_)
            | Self::Multisig { .. }
            | Self::IfElse(..) => false,
        }
    }
}

/// Events from the last to the first.
struct Walk<'t, 'a> {
    markers: Vec<(u32, Marker)>,
    found: BTreeMap<u32, &'t Leaf<'a>>,
}

impl<'t, 'a> Walk<'t, 'a> {
    /// Takes the events of a call that succeeded off the end.
    fn back(&mut self, call: &'t CallTree<'a>) -> Result<(), Mismatch> {
        match call {
            CallTree::Other => Ok(()),
            CallTree::Leaf(leaf) => self.leaf(leaf),
            CallTree::Batch(items) => match self.pop()? {
                Marker::BatchCompleted => self.completed(items),
                Marker::BatchInterrupted(index) => {
                    let index = usize::try_from(index).map_err(|_| Mismatch)?;
                    self.completed(items.get(..index).ok_or(Mismatch)?)
                }
                _ => Err(Mismatch),
            },
            CallTree::BatchAll(items) => {
                self.expect(Marker::BatchCompleted)?;
                self.completed(items)
            }
            CallTree::ForceBatch(items) => match self.pop()? {
                Marker::BatchCompleted | Marker::BatchCompletedWithErrors => {
                    items.iter().rev().try_for_each(|item| match self.pop()? {
                        Marker::ItemCompleted => self.back(item),
                        Marker::ItemFailed => Ok(()),
                        _ => Err(Mismatch),
                    })
                }
                _ => Err(Mismatch),
            },
            CallTree::Reported(report, call) => match self.pop()? {
                Marker::Reported(by, success) if by == *report => self.back_if(success, call),
                _ => Err(Mismatch),
            },
            CallTree::Transparent(call) => self.back(call),
            CallTree::IfElse(main, fallback) => match self.pop()? {
                Marker::IfElseMain => self.back(main),
                Marker::IfElseFallback => self.back(fallback),
                _ => Err(Mismatch),
            },
            CallTree::Multisig { encoded, always, call } => match self.last() {
                Some(Marker::Multisig { call_hash, success }) if call_hash == blake2_256(encoded) => {
                    self.pop()?;
                    self.back_if(success, call)
                }
                _ => self.back_if(*always, call),
            },
        }
    }

    fn back_if(&mut self, success: bool, call: &'t CallTree<'a>) -> Result<(), Mismatch> {
        if success { self.back(call) } else { Ok(()) }
    }

    fn completed(&mut self, items: &'t [CallTree<'a>]) -> Result<(), Mismatch> {
        items.iter().rev().try_for_each(|item| {
            self.expect(Marker::ItemCompleted)?;
            self.back(item)
        })
    }

    fn leaf(&mut self, leaf: &'t Leaf<'a>) -> Result<(), Mismatch> {
        let fits = match (leaf, self.last()) {
            (Leaf::Invoke { shard, .. }, Some(Marker::Invocation(of))) => *shard == of,
            // An invocation that succeeded always says so.
            (Leaf::Invoke { .. }, _) => return Err(Mismatch),
            // These may succeed without an event: an unshielding that was honoured before, for example.
            (Leaf::Unshield { shard, amount, .. }, Some(Marker::Unshielded { shard: of, amount: moved })) => {
                *shard == of && *amount == moved
            }
            (Leaf::Register { .. }, Some(Marker::Registered)) => true,
            (Leaf::Unshield { .. } | Leaf::Register { .. } | Leaf::Confirm, _) => false,
        };
        if fits && let Some((index, _)) = self.markers.pop() {
            self.found.insert(index, leaf);
        }
        Ok(())
    }

    fn last(&self) -> Option<Marker> {
        self.markers.last().map(|(_, marker)| *marker)
    }

    fn pop(&mut self) -> Result<Marker, Mismatch> {
        self.markers.pop().map(|(_, marker)| marker).ok_or(Mismatch)
    }

    fn expect(&mut self, marker: Marker) -> Result<(), Mismatch> {
        if self.pop()? == marker { Ok(()) } else { Err(Mismatch) }
    }
}

fn markers(events: &[(u32, &EventRecord)]) -> Result<Vec<(u32, Marker)>, Mismatch> {
    let marked = events.iter().filter_map(|(index, event)| Some((*index, marker(event)?)));
    marked.map(|(index, marker)| Ok((index, marker.ok_or(Mismatch)?))).collect()
}

/// The marker of an event: `None` if it is not one, `Some(None)` if its fields are not as expected.
fn marker(event: &EventRecord) -> Option<Option<Marker>> {
    let success = |name| event.result(name);
    if let Some(report) = report(&event.pallet, &event.variant) {
        return Some(success(report.field).map(|ok| Marker::Reported(report, ok)));
    }
    Some(match (&*event.pallet, &*event.variant) {
        (enclave_bridge::PALLET, enclave_bridge::INVOCATION_REGISTERED) => {
            event.field(argument::SHARD, 0).map(Marker::Invocation)
        }
        (enclave_bridge::PALLET, enclave_bridge::FUNDS_UNSHIELDED) => event
            .field(argument::SHARD, 0)
            .and_then(|shard| Some(Marker::Unshielded { shard, amount: event.field(argument::AMOUNT, 2)? })),
        (teerex::PALLET, teerex::ENCLAVE_ADDED) => Some(Marker::Registered),
        (utility::PALLET, utility::BATCH_COMPLETED) => Some(Marker::BatchCompleted),
        (utility::PALLET, utility::BATCH_COMPLETED_WITH_ERRORS) => Some(Marker::BatchCompletedWithErrors),
        (utility::PALLET, utility::BATCH_INTERRUPTED) => {
            event.field(argument::INDEX, 0).map(Marker::BatchInterrupted)
        }
        (utility::PALLET, utility::ITEM_COMPLETED) => Some(Marker::ItemCompleted),
        (utility::PALLET, utility::ITEM_FAILED) => Some(Marker::ItemFailed),
        (utility::PALLET, utility::IF_ELSE_MAIN_SUCCESS) => Some(Marker::IfElseMain),
        (utility::PALLET, utility::IF_ELSE_FALLBACK_CALLED) => Some(Marker::IfElseFallback),
        (multisig::PALLET, multisig::MULTISIG_EXECUTED) => event
            .field(argument::CALL_HASH, 3)
            .and_then(|call_hash| Some(Marker::Multisig { call_hash, success: success(argument::RESULT)? })),
        _ => return None,
    })
}

/// Cuts an extrinsic apart by the metadata of the runtime that executed it. `None` if it is of an unknown form.
pub(crate) fn parse_extrinsic<'a>(runtime: &VerifiedRuntime, bytes: &'a [u8]) -> Option<ParsedExtrinsic<'a>> {
    let mut input = bytes;
    let input = &mut input;
    let length = read_compact(input)?;
    if usize::try_from(length).ok()? != input.len() {
        return None;
    }
    let mut budget = Budget::new();
    let mut signer = None;
    // sp-runtime, `UncheckedExtrinsic`: the upper two bits of the first byte are the form, the others the version.
    match take_byte(input)? {
        BARE_V4 | BARE_V5 => {}
        SIGNED_V4 => {
            let before = *input;
            runtime.types().skip(runtime.metadata().address_type(), input, &mut budget)?;
            signer = account_of(runtime, before.get(..before.len().checked_sub(input.len())?)?);
            runtime.types().skip(runtime.metadata().signature_type(), input, &mut budget)?;
            skip_extensions(runtime, input, &mut budget)?;
        }
        GENERAL_V5 => {
            // The extensions in metadata are those of version 0.
            (take_byte(input)? == 0).then_some(())?;
            skip_extensions(runtime, input, &mut budget)?;
        }
        _ => return None,
    }
    let call = parse_call(runtime, input, &mut budget)?;
    input.is_empty().then_some(ParsedExtrinsic { signer, call })
}

fn skip_extensions(runtime: &VerifiedRuntime, input: &mut &[u8], budget: &mut Budget) -> Option<()> {
    let extensions = runtime.metadata().signed_extensions();
    extensions.iter().try_for_each(|extension| runtime.types().skip(extension.extra_type(), input, budget))
}

/// An account id, bare or as `MultiAddress::Id`, whose index is 0.
fn account_of(runtime: &VerifiedRuntime, address: &[u8]) -> Option<AccountId32> {
    let id = if runtime.uses_multi_address() { address.strip_prefix(&[0])? } else { address };
    <[u8; 32]>::try_from(id).ok().map(AccountId32::new)
}

fn parse_call<'a>(
    runtime: &VerifiedRuntime,
    input: &mut &'a [u8],
    budget: &mut Budget,
) -> Option<CallTree<'a>> {
    budget.deeper(|budget| {
        let (pallet, call) = runtime.metadata().call_at(take_byte(input)?, take_byte(input)?)?;
        let inner = dispatcher(pallet, &call.name).map_or(&[][..], |row| row.inner);
        let mut parts = Parts::default();
        for field in &call.fields {
            let name = field.name.as_deref().unwrap_or_default();
            if inner.contains(&name) {
                let before = *input;
                let count = if name == argument::CALLS { read_compact(input)? } else { 1 };
                for _ in 0..count {
                    parts.calls.push(parse_call(runtime, input, budget)?);
                }
                parts.encoded = consumed(before, input)?;
            } else {
                let before = *input;
                runtime.types().skip(field.ty, input, budget)?;
                parts.fields.push((field.name.clone(), consumed(before, input)?));
            }
        }
        Some(parts.tree(pallet, &call.name))
    })
}

fn consumed<'a>(before: &'a [u8], after: &[u8]) -> Option<&'a [u8]> {
    before.get(..before.len().checked_sub(after.len())?)
}

/// A call cut apart.
#[derive(Default)]
struct Parts<'a> {
    calls: Vec<CallTree<'a>>,
    /// Encoding of the last argument that is a call.
    encoded: &'a [u8],
    fields: Vec<(Option<std::sync::Arc<str>>, &'a [u8])>,
}

impl<'a> Parts<'a> {
    fn tree(mut self, pallet: &str, call: &str) -> CallTree<'a> {
        match (pallet, call) {
            (enclave_bridge::PALLET | teerex::PALLET, _) => {
                self.leaf(pallet, call).map_or(CallTree::Other, CallTree::Leaf)
            }
            _ => match dispatcher(pallet, call).map(|row| row.way) {
                Some(Way::Batch) => CallTree::Batch(self.calls),
                Some(Way::BatchAll) => CallTree::BatchAll(self.calls),
                Some(Way::ForceBatch) => CallTree::ForceBatch(self.calls),
                Some(Way::Shared) => self.only(CallTree::Transparent),
                Some(Way::Reported(report)) => self.only(|call| CallTree::Reported(report, call)),
                Some(Way::IfElse) => match (self.calls.pop(), self.calls.pop()) {
                    (Some(fallback), Some(main)) => CallTree::IfElse(Box::new(main), Box::new(fallback)),
                    _ => CallTree::Other,
                },
                Some(Way::Approved { always }) => {
                    let encoded = self.encoded;
                    self.only(|call| CallTree::Multisig { encoded, always, call })
                }
                None => CallTree::Other,
            },
        }
    }

    fn only(mut self, wrap: impl FnOnce(Box<CallTree<'a>>) -> CallTree<'a>) -> CallTree<'a> {
        self.calls.pop().map_or(CallTree::Other, |call| wrap(Box::new(call)))
    }

    fn leaf(&self, pallet: &str, call: &str) -> Option<Leaf<'a>> {
        match (pallet, call) {
            (enclave_bridge::PALLET, enclave_bridge::INVOKE) => {
                let Request { shard, cyphertext } = self.field(argument::REQUEST)?;
                Some(Leaf::Invoke { shard, cyphertext })
            }
            (enclave_bridge::PALLET, enclave_bridge::UNSHIELD_FUNDS) => Some(Leaf::Unshield {
                shard: self.field(argument::SHARD)?,
                beneficiary: self.field(argument::BENEFICIARY)?,
                amount: self
                    .field(argument::AMOUNT)
                    .or_else(|| self.field::<Compact<u128>>(argument::AMOUNT).map(|amount| amount.0))?,
                call_hash: self.field(argument::CALL_HASH)?,
            }),
            (enclave_bridge::PALLET, enclave_bridge::CONFIRM_PROCESSED_PARENTCHAIN_BLOCK) => {
                Some(Leaf::Confirm)
            }
            (teerex::PALLET, teerex::REGISTER_SGX_ENCLAVE) => {
                let mut proof = self.bytes(argument::PROOF)?;
                let length = usize::try_from(read_compact(&mut proof)?).ok()?;
                let bytes = take(&mut proof, length)?;
                proof.is_empty().then_some(Leaf::Register { proof: bytes })
            }
            _ => None,
        }
    }

    fn field<T: Decode>(&self, name: &str) -> Option<T> {
        let mut bytes = self.bytes(name)?;
        T::decode(&mut bytes).ok().filter(|_| bytes.is_empty())
    }

    fn bytes(&self, name: &str) -> Option<&'a [u8]> {
        self.fields.iter().find_map(|(of, bytes)| (of.as_deref() == Some(name)).then_some(*bytes))
    }
}

const BARE_V4: u8 = 4;
const BARE_V5: u8 = 5;
const SIGNED_V4: u8 = 0b1000_0000 | 4;
const GENERAL_V5: u8 = 0b0100_0000 | 5;
