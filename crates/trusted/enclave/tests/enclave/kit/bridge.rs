// SPDX-License-Identifier: Apache-2.0
//! What the chain's pallet `EnclaveBridge` does with the calls of enclaves.

use super::{UNIT, World};
use codec::{Decode, Encode};
use offstage_light_client::{
    storage_keys,
    testing::{BlockContent, METADATA},
};
use offstage_primitives::{
    AccountId32, BlockHash, H256,
    enclave_bridge::{SLOT_SILENCE_BLOCKS, ShardSignerStatus},
};

/// A call of an enclave.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum BridgeCall {
    Confirm { hash: BlockHash, number: u32, root: H256 },
    Unshield { beneficiary: AccountId32, amount: u128, call_hash: H256 },
    Execute { call_hash: H256, until: u32, call: Vec<u8> },
}

impl World {
    /// The calls for the shard in an extrinsic, alone or in a batch: each is its index, the shard, and what comes
    /// behind.
    pub(crate) fn bridge_calls(&self, extrinsic: &[u8]) -> Vec<BridgeCall> {
        let index = |call| self.chain.runtime().call_index("EnclaveBridge", call).unwrap();
        let (confirm, unshield) = (index("confirm_processed_parentchain_block"), index("unshield_funds"));
        let execute = self.chain.runtime().call_index("EnclaveBridge", "execute_for_shard");
        let (mut calls, mut rest) = (Vec::new(), extrinsic);
        while let Some(place) = rest.windows(32).position(|window| window == self.shard.as_bytes()) {
            let (head, arguments) = (&rest[place - 2..place], &mut &rest[place + 32..]);
            calls.push(match (head[0], head[1]) {
                head if head == confirm => {
                    let (hash, number, root) = Decode::decode(arguments).unwrap();
                    BridgeCall::Confirm { hash, number, root }
                }
                head if head == unshield => {
                    let (beneficiary, amount, call_hash) = Decode::decode(arguments).unwrap();
                    BridgeCall::Unshield { beneficiary, amount, call_hash }
                }
                head if Some(head) == execute => {
                    let (call_hash, until, call) = Decode::decode(arguments).unwrap();
                    BridgeCall::Execute { call_hash, until, call }
                }
                other => panic!("a call of the enclave with index {other:?}"),
            });
            rest = arguments;
        }
        assert!(rest.is_empty(), "nothing comes behind the last call");
        calls
    }

    /// The event of a call, or nothing if the chain refuses it.
    pub(crate) fn honour(
        &mut self,
        content: &BlockContent,
        signer: &AccountId32,
        call: &BridgeCall,
    ) -> Option<Vec<u8>> {
        match call {
            BridgeCall::Confirm { hash, number, root } => {
                self.touch(signer)?;
                self.confirmed.push((signer.clone(), *number, *root));
                let fields = (self.shard, hash, root, number);
                Some(content.event("EnclaveBridge", "ProcessedParentchainBlock", fields))
            }
            BridgeCall::Unshield { beneficiary, amount, call_hash } => {
                if self.refuses_payments || self.paid.contains_key(call_hash) {
                    return None;
                }
                self.touch(signer)?;
                self.paid.insert(*call_hash, (beneficiary.clone(), *amount));
                Some(content.event("EnclaveBridge", "UnshieldedFunds", (self.shard, beneficiary, amount)))
            }
            BridgeCall::Execute { call_hash, until, call } => {
                self.execute(content, signer, (*call_hash, *until, call))
            }
        }
    }

    /// The event of a call in the shard's name, or nothing if the chain refuses it.
    fn execute(
        &mut self,
        content: &BlockContent,
        signer: &AccountId32,
        (call_hash, until, call): (H256, u32, &[u8]),
    ) -> Option<Vec<u8>> {
        let is_known = self.executed.contains_key(&call_hash) || self.paid.contains_key(&call_hash);
        if self.refuses_payments || is_known || until <= self.chain.number() {
            return None;
        }
        self.touch(signer)?;
        self.executed.insert(call_hash, call.to_vec());
        Some(content.executed_for_shard(self.shard, call_hash, !self.calls_fail))
    }

    /// The events of a `force_batch`.
    pub(crate) fn honour_batch(
        &mut self,
        content: &BlockContent,
        signer: &AccountId32,
        extrinsic: &[u8],
    ) -> Vec<Vec<u8>> {
        let (mut events, mut end) = (Vec::new(), "BatchCompleted");
        for call in self.bridge_calls(extrinsic) {
            match self.honour(content, signer, &call) {
                Some(event) => events.extend([event, content.event("Utility", "ItemCompleted", ())]),
                None => {
                    end = "BatchCompletedWithErrors";
                    events.push(content.event("Utility", "ItemFailed", BAD_ORIGIN));
                }
            }
        }
        events.push(content.event("Utility", end, ()));
        events
    }

    /// Where the chain keeps the shard's slots.
    pub(crate) fn slots_key(&self) -> Vec<u8> {
        storage_keys::blake2_128_concat("EnclaveBridge", "ShardStatus", self.shard.as_bytes())
    }

    /// Admits an enclave to act in the next block: to its slot, to a free one, or to the one that is silent for
    /// longest.
    fn touch(&mut self, signer: &AccountId32) -> Option<()> {
        let now = self.chain.number() + 1;
        let slot =
            ShardSignerStatus { signer: signer.clone(), fingerprint: super::MEASUREMENT, last_activity: now };
        if let Some(own) = self.slots.iter_mut().find(|slot| slot.signer == *signer) {
            *own = slot;
        } else if self.slots.len() < SLOTS {
            self.slots.push(slot);
        } else {
            let silent = self.slots.iter_mut().filter(|slot| now - slot.last_activity > SLOT_SILENCE_BLOCKS);
            *silent.min_by_key(|slot| slot.last_activity)? = slot;
        }
        Some(())
    }
}

/// `frame_system::AccountInfo` of an account with this nonce and free balance.
pub(crate) fn account_info(nonce: u32, balance: u128) -> Vec<u8> {
    (nonce, 0u32, 1u32, 0u32, (balance, 0u128, 0u128, 0u128)).encode()
}

/// The kit's metadata, in which the call that makes batches has another name: a chain without it.
pub(crate) fn without_batches() -> Vec<u8> {
    let (mut metadata, name) = (METADATA.to_vec(), b"force_batch");
    let mut from = 0;
    while let Some(place) = metadata[from..].windows(name.len()).position(|window| window == name) {
        metadata[from + place..from + place + name.len()].copy_from_slice(b"forge_batch");
        from += place;
    }
    metadata
}

/// What the shard's account holds, so that no test runs short of it by chance.
pub(crate) const SHARD_FUNDS: u128 = 1_000_000 * UNIT;

/// Enclaves that may act for a shard.
pub(crate) const SLOTS: usize = 10;

/// `DispatchError::BadOrigin`.
const BAD_ORIGIN: u8 = 2;
