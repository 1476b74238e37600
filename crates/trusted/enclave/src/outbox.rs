// SPDX-License-Identifier: Apache-2.0
//! Effects on the parentchain, until they are seen final.
//!
//! # What
//! An effect waits in the store from the block that caused it on. Whenever the host collects, what waits is signed, and
//! handed out again and again until a verified block shows that the effect happened (threat model H8). The nonce
//! comes from the proven account, so it is right again whatever the host dropped, delayed or reordered.
//!
//! # Details
//! - An extrinsic is signed once and handed out unchanged as long as it can still be included; otherwise every block
//!   would bring the node a rival of the same nonce.
//! - What the enclave's account cannot pay is not handed out, and what it could not pay is signed anew when it can
//!   ([`fees`]): the node has banned the old bytes. What it banned for another reason, as the host says, is signed anew
//!   after two blocks, four, and so on, up to 64.
//! - Confirmations go first, and payments follow; together they travel in batches (`Utility.force_batch`) of
//!   [`MAX_BATCH`](crate::extrinsic::MAX_BATCH) calls, where the chain has them. A payment that fails takes nothing
//!   with it: this kind of batch goes on.
//! - One enclave pays at a time, so that ten workers do not pay ten fees ([`rota`]). An enclave without a slot on
//!   chain is a standby and submits nothing.
//! - When the account's nonce has passed an extrinsic and the effect was not seen, it failed on chain. It is tried
//!   again alone, at growing distances, and after the third failure it is *parked*: every try costs a fee, and the
//!   same chain would answer the same. A restart of the worker or another runtime tries it again, and it ends when
//!   another worker succeeds.
//! - Calls of the parentchain that the logic asked for go as payments do, in batches of their own: who confirmed what
//!   must be told from batches without calls that the light client does not know. A call that the chain's runtime does
//!   not take any more is held. Each ends with its last block: the shard has been told then that it never happens.
//! - A payment that the shard's proven account cannot make without falling below its deposit is not even tried. It
//!   goes on by itself when there is more on the account.
//! - The chain honours a payment once per call hash and a confirmation is idempotent, so an effect that is sent twice
//!   is not done twice.
//! - All of this takes time that grows with what waits and not faster, because everybody can make payments wait.

pub mod fees;
pub mod rota;
mod submissions;

pub use fees::{Account, KnownFees};
pub use submissions::Submissions;

use crate::{
    effects::ShardCall,
    extrinsic::Call,
    ingest::{ChainFacts, Ingested},
    store::{Waiting, WaitingEffect},
};
use offstage_primitives::{AccountId32, BlockHash, H256, ShardIdentifier};
use offstage_protocol::OutboxKind;
use rota::Slots;
use std::collections::{BTreeMap, BTreeSet};

/// Ids of waiting effects that a block shows to have happened, or to be of no use any more.
///
/// A payment or a call happened whoever brought it about; and a call ends with its last block. A confirmation is this
/// enclave's own duty while it serves; one that it only found to be due when it caught up is done as well by anybody
/// who confirmed the same root. And a standby has nothing to confirm: others speak for the shard.
pub fn ended<'a>(
    waiting: impl Iterator<Item = &'a Waiting>,
    block: &Ingested,
    signer: &AccountId32,
    is_standby: bool,
) -> Vec<u64> {
    let executed: BTreeSet<&H256> = block.executed.iter().map(|(call_hash, _)| call_hash).collect();
    // Whether a root of a block was confirmed by this enclave.
    let mut confirmed = BTreeMap::<(BlockHash, H256), bool>::new();
    for seen in &block.confirmed {
        *confirmed.entry((seen.block_hash, seen.root)).or_default() |= seen.signer.as_ref() == Some(signer);
    }
    waiting
        .filter(|waiting| match &waiting.effect {
            WaitingEffect::Unshield { call_hash, .. } => executed.contains(call_hash),
            WaitingEffect::Call { call_hash, until, .. } => {
                executed.contains(call_hash) || block.block.number > *until
            }
            WaitingEffect::Confirmation { block, root } => {
                let seen = confirmed.get(&(block.hash, *root));
                is_standby || seen.is_some_and(|by_this| *by_this || !waiting.while_serving)
            }
        })
        .map(|waiting| waiting.id)
        .collect()
}

/// Something to be submitted.
pub struct Item {
    /// Names it.
    pub id: u64,
    /// For logs.
    pub kind: OutboxKind,
    /// What is asked of the chain.
    pub call: Call,
    /// Why it is not signed now.
    pub hold: Option<Hold>,
}

/// Why an effect is not submitted now, though nothing failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hold {
    /// Another enclave pays, or calls.
    OthersTurn,
    /// The shard's account would fall below its existential deposit.
    ShardFunds,
}

impl Item {
    /// Whether it is about this enclave's own entry, and never travels with the shard's effects.
    pub fn is_alone(&self) -> bool {
        matches!(self.kind, OutboxKind::Registration | OutboxKind::Removal)
    }

    /// Whether somebody asked for it in the shard: a payment, or a call of the parentchain.
    pub fn is_asked_for(&self) -> bool {
        matches!(self.kind, OutboxKind::Unshield | OutboxKind::Effect)
    }
}

/// What this enclave may submit of what waits, in the order in which it was caused, by the facts of block `now`.
pub fn items<'a>(
    waiting: impl Iterator<Item = &'a Waiting>,
    shard: ShardIdentifier,
    signer: &AccountId32,
    facts: &ChainFacts,
    now: u32,
) -> Vec<Item> {
    let slots = Slots::of(facts, shard, now);
    if slots.is_standby(signer) {
        return Vec::new();
    }
    let mut funds = facts.shard_balance.saturating_sub(facts.payout.existential_deposit);
    // The next block is the first that can take it.
    let in_time = |waiting: &&Waiting| match waiting.effect {
        WaitingEffect::Call { until, .. } => now < until,
        WaitingEffect::Unshield { .. } | WaitingEffect::Confirmation { .. } => true,
    };
    waiting
        .filter(in_time)
        .map(|waiting| match &waiting.effect {
            WaitingEffect::Confirmation { block, root } => Item {
                id: waiting.id,
                kind: OutboxKind::Confirmation,
                call: Call::Confirm { shard, block: *block, root: *root },
                hold: None,
            },
            WaitingEffect::Unshield { beneficiary, amount, call_hash } => {
                let hold = match funds.checked_sub(*amount) {
                    None => Some(Hold::ShardFunds),
                    Some(rest) => {
                        funds = rest;
                        let own_turn = slots.pays(signer, call_hash, waiting.produced_at);
                        (!own_turn).then_some(Hold::OthersTurn)
                    }
                };
                let call = Call::Unshield {
                    shard,
                    beneficiary: beneficiary.clone(),
                    amount: *amount,
                    call_hash: *call_hash,
                };
                Item { id: waiting.id, kind: OutboxKind::Unshield, call, hold }
            }
            WaitingEffect::Call { pallet, call, arguments, until, call_hash } => {
                let own_turn = slots.pays(signer, call_hash, waiting.produced_at);
                let call = ShardCall {
                    shard,
                    call_hash: *call_hash,
                    until: *until,
                    pallet: pallet.clone(),
                    call: call.clone(),
                    arguments: arguments.clone(),
                };
                Item {
                    id: waiting.id,
                    kind: OutboxKind::Effect,
                    call: Call::Execute(call),
                    hold: (!own_turn).then_some(Hold::OthersTurn),
                }
            }
        })
        .collect()
}

#[cfg(test)]
mod tests;
