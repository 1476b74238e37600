// SPDX-License-Identifier: Apache-2.0
//! What a test wants a block to hold.

use crate::{Phase, VerifiedRuntime, runtime::Budget};
use codec::{Compact, Encode};
use offstage_primitives::{
    AccountId32, BlockHash, H256, ShardIdentifier, enclave_bridge::Request, teerex::SgxAttestationMethod,
};
use sp_runtime::DigestItem;
use std::sync::Arc;

/// Extrinsics with the events that they deposit, further storage changes, and digests.
#[derive(Clone)]
pub struct BlockContent {
    runtime: Arc<VerifiedRuntime>,
    extrinsics: Vec<Vec<u8>>,
    events: Vec<(Phase, Vec<u8>)>,
    storage: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    digest: Vec<DigestItem>,
}

/// Body, encoded events, storage changes and digest.
type Finished = (Vec<Vec<u8>>, Vec<u8>, Vec<(Vec<u8>, Option<Vec<u8>>)>, Vec<DigestItem>);

impl BlockContent {
    /// A block with only the inherent that sets the time.
    pub(super) fn new(runtime: Arc<VerifiedRuntime>) -> Self {
        let content = Self { runtime, extrinsics: vec![], events: vec![], storage: vec![], digest: vec![] };
        let set = content.call("Timestamp", "set", Compact(super::GENESIS_TIME));
        let extrinsic = content.unsigned(&set);
        content.extrinsic(extrinsic, &[])
    }

    /// An extrinsic that succeeds and deposits these events before the one that says so.
    #[must_use]
    pub fn extrinsic(mut self, extrinsic: Vec<u8>, events: &[Vec<u8>]) -> Self {
        let success = self.event("System", "ExtrinsicSuccess", DISPATCH_INFO);
        self.push(extrinsic, events, success);
        self
    }

    /// An extrinsic that fails. What its calls had deposited was rolled back with them; `events` are those of fees.
    #[must_use]
    pub fn failed_extrinsic(mut self, extrinsic: Vec<u8>, events: &[Vec<u8>]) -> Self {
        let failure = self.event("System", "ExtrinsicFailed", (BAD_ORIGIN, DISPATCH_INFO));
        self.push(extrinsic, events, failure);
        self
    }

    /// An event outside of extrinsics.
    #[must_use]
    pub fn block_event(mut self, phase: Phase, event: Vec<u8>) -> Self {
        self.events.push((phase, event));
        self
    }

    /// A change of the chain's state.
    #[must_use]
    pub fn storage(mut self, key: Vec<u8>, value: Option<Vec<u8>>) -> Self {
        self.storage.push((key, value));
        self
    }

    /// An item for the header's digest.
    #[must_use]
    pub fn digest(mut self, item: DigestItem) -> Self {
        self.digest.push(item);
        self
    }

    /// A signed `invoke` that succeeds.
    #[must_use]
    pub fn invoke(self, shard: ShardIdentifier, cyphertext: Vec<u8>) -> Self {
        let extrinsic = self.signed(&self.invoke_call(shard, cyphertext), &USER);
        let event = self.invoked(shard);
        self.extrinsic(extrinsic, &[event])
    }

    /// A signed `shield_funds` that succeeds.
    #[must_use]
    pub fn shield(self, shard: ShardIdentifier, encrypted_beneficiary: Vec<u8>, amount: u128) -> Self {
        let arguments = (shard, &encrypted_beneficiary, amount);
        let extrinsic = self.signed(&self.call("EnclaveBridge", "shield_funds", arguments), &USER);
        let event = self.event("EnclaveBridge", "ShieldFunds", arguments);
        self.extrinsic(extrinsic, &[event])
    }

    /// A registration of an enclave that succeeds.
    #[must_use]
    pub fn register(self, signer: &AccountId32, proof: Vec<u8>) -> Self {
        let method = SgxAttestationMethod::Dcap { proxied: false };
        let arguments = (&proof, None::<Vec<u8>>, method);
        let extrinsic = self.signed(&self.call("Teerex", "register_sgx_enclave", arguments), signer);
        // `registered_by`, `worker_url`, `tcb_status`, `attestation_method`.
        let event = self.event("Teerex", "AddedSgxEnclave", (signer, None::<Vec<u8>>, None::<u8>, method));
        self.extrinsic(extrinsic, &[event])
    }

    /// A confirmation of a processed block that succeeds.
    #[must_use]
    pub fn confirm(
        self,
        signer: &AccountId32,
        shard: ShardIdentifier,
        block: (BlockHash, u32),
        root: H256,
    ) -> Self {
        let (hash, number) = block;
        let call =
            self.call("EnclaveBridge", "confirm_processed_parentchain_block", (shard, hash, number, root));
        let extrinsic = self.signed(&call, signer);
        let event = self.event("EnclaveBridge", "ProcessedParentchainBlock", (shard, hash, root, number));
        self.extrinsic(extrinsic, &[event])
    }

    /// An unshielding that is honoured.
    #[must_use]
    pub fn unshield(
        self,
        signer: &AccountId32,
        shard: ShardIdentifier,
        beneficiary: &AccountId32,
        amount: u128,
        call_hash: H256,
    ) -> Self {
        let arguments = (shard, beneficiary, amount, call_hash);
        let extrinsic = self.signed(&self.call("EnclaveBridge", "unshield_funds", arguments), signer);
        let event = self.event("EnclaveBridge", "UnshieldedFunds", (shard, beneficiary, amount));
        self.extrinsic(extrinsic, &[event])
    }

    /// A call in the shard's name that is executed, and done or not.
    #[must_use]
    pub fn execute_for_shard(
        self,
        signer: &AccountId32,
        shard: ShardIdentifier,
        call_hash: H256,
        (until, call): (u32, Vec<u8>),
        done: bool,
    ) -> Self {
        let arguments = (shard, call_hash, until, call);
        let extrinsic = self.signed(&self.call("EnclaveBridge", "execute_for_shard", arguments), signer);
        let event = self.executed_for_shard(shard, call_hash, done);
        self.extrinsic(extrinsic, &[event])
    }

    /// The event of a call in the shard's name.
    pub fn executed_for_shard(&self, shard: ShardIdentifier, call_hash: H256, done: bool) -> Vec<u8> {
        let result = if done { Ok(()) } else { Err(BAD_ORIGIN) };
        self.event("EnclaveBridge", "ExecutedForShard", (shard, call_hash, result))
    }

    /// The call `invoke`.
    pub fn invoke_call(&self, shard: ShardIdentifier, cyphertext: Vec<u8>) -> Vec<u8> {
        self.call("EnclaveBridge", "invoke", Request { shard, cyphertext })
    }

    /// The event of an `invoke` that succeeded.
    pub fn invoked(&self, shard: ShardIdentifier) -> Vec<u8> {
        self.event("EnclaveBridge", "IndirectInvocationRegistered", shard)
    }

    /// A call by its name, its arguments encoded as a tuple.
    pub fn call(&self, pallet: &str, call: &str, arguments: impl Encode) -> Vec<u8> {
        let (pallet_index, call_index) =
            self.runtime.call_index(pallet, call).unwrap_or_else(|| panic!("no call {pallet}.{call}"));
        (pallet_index, call_index, arguments).encode()
    }

    /// An event by its name, its fields encoded as a tuple.
    pub fn event(&self, pallet: &str, event: &str, fields: impl Encode) -> Vec<u8> {
        let (pallet_index, event_index) = self
            .runtime
            .metadata()
            .event_index(pallet, event)
            .unwrap_or_else(|| panic!("no event {pallet}.{event}"));
        (pallet_index, event_index, fields).encode()
    }

    /// An extrinsic without a signature.
    pub fn unsigned(&self, call: &[u8]) -> Vec<u8> {
        [&[4][..], call].concat().encode()
    }

    /// An extrinsic that is signed by `signer` (the signature is not a real one: nobody but the chain looks at it).
    pub fn signed(&self, call: &[u8], signer: &AccountId32) -> Vec<u8> {
        let mut bytes = vec![0x84];
        if self.runtime.uses_multi_address() {
            bytes.push(0);
        }
        bytes.extend_from_slice(signer.as_ref());
        // `MultiSignature::Ed25519`.
        bytes.extend([&[0][..], &[7; 64]].concat());
        for extension in self.runtime.signed_extensions() {
            bytes.extend(self.zeros_for(extension.extra_type()));
        }
        bytes.extend_from_slice(call);
        bytes.encode()
    }

    /// The shortest value of a type that is all zero bytes: an immortal era, nonce 0, tip 0, mode 0.
    fn zeros_for(&self, type_id: u32) -> Vec<u8> {
        (0..64)
            .map(|length| vec![0; length])
            .find(|bytes| {
                let mut input = &bytes[..];
                self.runtime.types().skip(type_id, &mut input, &mut Budget::new()).is_some()
                    && input.is_empty()
            })
            .expect("extensions have a zero value")
    }

    fn push(&mut self, extrinsic: Vec<u8>, events: &[Vec<u8>], last: Vec<u8>) {
        let phase = Phase::ApplyExtrinsic(self.extrinsics.len() as u32);
        self.extrinsics.push(extrinsic);
        self.events.extend(events.iter().cloned().chain([last]).map(|event| (phase, event)));
    }

    pub(crate) fn finish(self) -> Finished {
        let mut events = Compact(self.events.len() as u32).encode();
        for (phase, event) in &self.events {
            match phase {
                Phase::ApplyExtrinsic(index) => (0u8, index).encode_to(&mut events),
                Phase::Finalization => events.push(1),
                Phase::Initialization => events.push(2),
            }
            events.extend_from_slice(event);
            // No topics.
            events.push(0);
        }
        (self.extrinsics, events, self.storage, self.digest)
    }
}

/// `DispatchInfo`: weight (two compact numbers), class, whether a fee is paid.
const DISPATCH_INFO: (Compact<u64>, Compact<u64>, u8, u8) = (Compact(1_000_000), Compact(1_000), 0, 0);

/// `DispatchError::BadOrigin`.
const BAD_ORIGIN: u8 = 2;

/// Who signs what the kit has signed by anybody.
pub const USER: AccountId32 = AccountId32::new([0xa1; 32]);
